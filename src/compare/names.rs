//! The names of declared leaves in the field grammar, and their places in the declared object.

use serde_json::Value;

use super::builtin;
use super::leaves::key_of;
use super::place::At;
use crate::model::declaration::Declaration;
use crate::model::object::{FieldPath, Pointer, Step};
use crate::model::schema::{ListKind, Schemas};

/// Names every leaf of a declaration, in the order of `Declaration::leaves`.
pub fn leaf_names(declaration: &Declaration, schemas: &Schemas) -> Vec<(FieldPath, Pointer)> {
    let id = &declaration.id;
    of_kind(&id.group, &declaration.version, &id.kind, declaration.manifest.value(), schemas)
}

/// Names every leaf of a manifest by the kind that it names itself, in the order of `document::leaves`.
pub(super) fn manifest_names(manifest: &Value, schemas: &Schemas) -> Vec<(FieldPath, Pointer)> {
    let text = |field: &str| manifest.get(field).and_then(Value::as_str).unwrap_or_default();
    let api_version = text("apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    of_kind(group, version, text("kind"), manifest, schemas)
}

fn of_kind(group: &str, version: &str, kind: &str, value: &Value, schemas: &Schemas) -> Vec<(FieldPath, Pointer)> {
    let own = schemas.kind(group, version, kind).map(|ty| (schemas, ty));
    let table = || Some((builtin::schemas(), builtin::schemas().kind(group, version, kind)?));
    let (schemas, ty) = own.or_else(table).map_or((schemas, None), |(schemas, ty)| (schemas, Some(ty)));
    let mut names = Names { schemas, path: Vec::new(), found: Vec::new() };
    names.value(At::root(schemas, ty), value, &Pointer::default());
    names.found
}

struct Names<'a> {
    schemas: &'a Schemas,
    path: Vec<Step>,
    found: Vec<(FieldPath, Pointer)>,
}

impl<'a> Names<'a> {
    fn value(&mut self, at: At<'a>, value: &Value, pointer: &Pointer) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                for (name, field) in fields {
                    self.path.push(Step::Field(name.clone()));
                    self.value(at.child(self.schemas, name, self.path.len()), field, &pointer.field(name));
                    self.path.pop();
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    let item_at = at.item(self.schemas, self.path.len() + 1);
                    self.path.push(self.step(at, item_at, index, item));
                    self.value(item_at, item, &pointer.index(index));
                    self.path.pop();
                }
            }
            _ => self.found.push((FieldPath(self.path.clone()), pointer.clone())),
        }
    }

    fn step(&self, at: At<'a>, item_at: At<'a>, index: usize, item: &Value) -> Step {
        match at.list(self.schemas) {
            ListKind::Map(keys) if item.is_object() => Step::Key(key_of(self.schemas, item_at, keys, item)),
            ListKind::Set => Step::Member(item.clone()),
            _ => Step::Index(index),
        }
    }
}
