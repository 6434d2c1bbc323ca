//! What the cluster's schema says of the fields of a kind: which lists are maps and by which keys, what is a quantity, what
//! a custom resource defaults.
//!
//! An OpenAPI v3 document of one group-version is reduced at once to a few flat nodes; core/v1 shrinks from 1.6 MB to some
//! thousand of them. Recursive components (JSONSchemaProps) are recursive here too. A construct that is not understood
//! becomes a node that says nothing ([`Node::is_open`]), so that it degrades its path and never the object.
//! Follows <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3> and live-facts 4.16, 4.17.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use thiserror::Error;

/// Why a document could not be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// It is not JSON.
    #[error("OpenAPI document of {group_version} is not JSON")]
    NotJson {
        /// Which document, as in `apps/v1`.
        group_version: String,
        /// What the parser said.
        #[source]
        cause: serde_json::Error,
    },
    /// It holds no components.
    #[error("OpenAPI document of {0} has no components")]
    NoComponents(String),
}

/// Position of a node in [`Schemas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(u32);

/// How text and numbers of a value are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Not said.
    #[default]
    Any,
    /// Text.
    Text,
    /// A number without fraction.
    Integer,
    /// A number.
    Number,
    /// A truth value.
    Boolean,
    /// A Kubernetes quantity of a built-in kind: the server rewrites it in its canonical form.
    Quantity,
    /// A custom resource's text that has the pattern of a quantity: the server keeps it as it is.
    QuantityText,
    /// A number or text.
    IntOrString,
    /// RFC 3339.
    DateTime,
    /// base64.
    Bytes,
    /// Go's `1h2m3s`.
    Duration,
}

/// How the items of a list are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// By position; it is written as a whole.
    #[default]
    Atomic,
    /// By these fields of the items.
    Map(Box<[Box<str>]>),
    /// By their value.
    Set,
}

/// A field of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its type.
    pub ty: TypeId,
    /// `default` of the schema. Meaningful in custom resources and for keys of list-maps; elsewhere an artefact of required
    /// Go fields.
    pub default: Option<Arc<Value>>,
}

/// What is known of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Name of the component, as in `io.k8s.api.core.v1.Container`; the generated tables are keyed by it.
    pub component: Option<Arc<str>>,
    /// How its text is read.
    pub format: Format,
    /// Declared fields, sorted by name.
    pub fields: Box<[(Box<str>, Field)]>,
    /// Type of the values, where it is a map with free keys.
    pub values: Option<TypeId>,
    /// Type of the items, where it is a list.
    pub items: Option<TypeId>,
    /// How its items are told apart, where it is a list.
    pub list: ListKind,
    /// Whether it is a map or structure that is written as a whole.
    pub atomic: bool,
    /// Whether fields that are not declared are kept.
    pub preserves_unknown: bool,
    /// Whether an explicit null is kept.
    pub nullable: bool,
}

impl Node {
    /// The declared field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let place = self.fields.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        Some(&self.fields[place].1)
    }

    /// Whether it says nothing of what may be inside.
    pub fn is_open(&self) -> bool {
        self.preserves_unknown || (self.fields.is_empty() && self.values.is_none())
    }
}

/// The reduced schemas of the group-versions that were added.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    nodes: Vec<Node>,
    kinds: HashMap<(String, String, String), TypeId>,
    /// Nodes without fields are few and used by thousands.
    plain: HashMap<PlainKey, TypeId>,
}

/// What tells plain nodes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PlainKey {
    format: Format,
    values: Option<TypeId>,
    items: Option<TypeId>,
    list: ListKind,
    atomic: bool,
    preserves_unknown: bool,
    nullable: bool,
}

impl Schemas {
    /// Adds the kinds of one group-version from its OpenAPI v3 document.
    ///
    /// # Errors
    /// Where the document is not JSON or holds no components. What it does not say well degrades single paths only.
    pub fn add(&mut self, group: &str, version: &str, openapi: &[u8]) -> Result<(), SchemaError> {
        let name = || format!("{group}/{version}");
        let document: Value = serde_json::from_slice(openapi).map_err(|cause| SchemaError::NotJson { group_version: name(), cause })?;
        let components =
            document.pointer("/components/schemas").and_then(Value::as_object).ok_or_else(|| SchemaError::NoComponents(name()))?;
        let mut reduction = Reduction { schemas: self, components, known: HashMap::new() };
        for (component, schema) in components {
            if let Some(kind) = kind_of(schema, group, version) {
                let ty = reduction.component(component);
                self_insert(reduction.schemas, group, version, kind, ty);
            }
        }
        Ok(())
    }

    /// The type of a kind.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<TypeId> {
        // A lookup by borrowed parts would need a nested map; it is made once an object.
        self.kinds.get(&(group.to_owned(), version.to_owned(), kind.to_owned())).copied()
    }

    /// What is known of a type.
    pub fn node(&self, ty: TypeId) -> &Node {
        &self.nodes[ty.0 as usize]
    }

    /// Adds a node that is already reduced, for tables that bring their own.
    pub fn push(&mut self, node: Node) -> TypeId {
        if node.fields.is_empty() && node.component.is_none() {
            return self.push_plain(node);
        }
        self.push_new(node)
    }

    /// Replaces a node, so that a recursive type can be named before it is known.
    pub fn set(&mut self, ty: TypeId, node: Node) {
        self.nodes[ty.0 as usize] = node;
    }

    /// Names the type of a kind.
    pub fn insert_kind(&mut self, group: &str, version: &str, kind: &str, ty: TypeId) {
        self_insert(self, group, version, kind, ty);
    }

    fn push_new(&mut self, node: Node) -> TypeId {
        let ty = TypeId(u32::try_from(self.nodes.len()).expect("documents of a few megabytes hold no 2^32 nodes"));
        self.nodes.push(node);
        ty
    }

    fn push_plain(&mut self, node: Node) -> TypeId {
        let key = PlainKey {
            format: node.format,
            values: node.values,
            items: node.items,
            list: node.list.clone(),
            atomic: node.atomic,
            preserves_unknown: node.preserves_unknown,
            nullable: node.nullable,
        };
        if let Some(known) = self.plain.get(&key) {
            return *known;
        }
        let ty = self.push_new(node);
        self.plain.insert(key, ty);
        ty
    }
}

fn self_insert(schemas: &mut Schemas, group: &str, version: &str, kind: &str, ty: TypeId) {
    schemas.kinds.insert((group.to_owned(), version.to_owned(), kind.to_owned()), ty);
}

/// The kind that a component stands for in this group-version. Options and events are listed under every group and are none.
fn kind_of<'a>(schema: &'a Value, group: &str, version: &str) -> Option<&'a str> {
    let names = schema.get("x-kubernetes-group-version-kind")?.as_array()?;
    let [name] = names.as_slice() else { return None };
    let says = |key: &str, wanted: &str| name.get(key).and_then(Value::as_str) == Some(wanted);
    let is_list = schema.pointer("/properties/items").is_some() && schema.pointer("/properties/spec").is_none();
    if !says("group", group) || !says("version", version) || is_list {
        return None;
    }
    name.get("kind")?.as_str()
}

/// The reduction of one document.
struct Reduction<'a> {
    schemas: &'a mut Schemas,
    components: &'a Map<String, Value>,
    known: HashMap<&'a str, TypeId>,
}

impl<'a> Reduction<'a> {
    fn component(&mut self, name: &'a str) -> TypeId {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let named = Node { component: Some(name.into()), ..Node::default() };
        let ty = self.schemas.push_new(named.clone());
        self.known.insert(name, ty);
        let node = match self.components.get(name) {
            Some(schema) => Node { component: named.component, ..self.node(schema) },
            None => Node { preserves_unknown: true, ..named },
        };
        let node = Node { format: component_format(name).unwrap_or(node.format), ..node };
        self.schemas.set(ty, node);
        ty
    }

    fn ty(&mut self, schema: &'a Value) -> TypeId {
        match reference(schema) {
            Some(name) => {
                let ty = self.component(name);
                if !is_atomic(schema) || self.schemas.node(ty).atomic {
                    return ty;
                }
                let node = Node { atomic: true, ..self.schemas.node(ty).clone() };
                self.schemas.push(node)
            }
            None => {
                let node = self.node(schema);
                self.schemas.push(node)
            }
        }
    }

    fn node(&mut self, schema: &'a Value) -> Node {
        Node {
            component: None,
            format: format_of(schema),
            fields: self.fields(schema),
            values: schema.get("additionalProperties").filter(|values| values.is_object()).map(|values| self.ty(values)),
            items: schema.get("items").map(|items| self.ty(items)),
            list: list_kind(schema),
            atomic: is_atomic(schema),
            preserves_unknown: is_true(schema, "x-kubernetes-preserve-unknown-fields")
                || is_true(schema, "x-kubernetes-embedded-resource")
                || is_true(schema, "additionalProperties"),
            nullable: is_true(schema, "nullable"),
        }
    }

    fn fields(&mut self, schema: &'a Value) -> Box<[(Box<str>, Field)]> {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Box::default() };
        let mut fields: Vec<(Box<str>, Field)> = properties
            .iter()
            .map(|(name, property)| {
                let default = property.get("default").map(|default| Arc::new(default.clone()));
                (name.as_str().into(), Field { ty: self.ty(property), default })
            })
            .collect();
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        fields.into_boxed_slice()
    }
}

fn reference(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref");
    let wrapped = || match schema.get("allOf")?.as_array()?.as_slice() {
        [only] => only.get("$ref"),
        _ => None,
    };
    direct.or_else(wrapped)?.as_str()?.strip_prefix("#/components/schemas/")
}

fn is_true(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

fn is_atomic(schema: &Value) -> bool {
    schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic")
}

fn list_kind(schema: &Value) -> ListKind {
    let keys = || -> Option<Box<[Box<str>]>> {
        let keys = schema.get("x-kubernetes-list-map-keys")?.as_array()?;
        keys.iter().map(|key| key.as_str().map(Box::from)).collect()
    };
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("map") => keys().map_or(ListKind::Atomic, ListKind::Map),
        Some("set") => ListKind::Set,
        Some(_) => ListKind::Atomic,
        // Servers before 1.29 did not say list-type everywhere; the merge key is next best (drift.md §2 N d).
        None => match schema.get("x-kubernetes-patch-merge-key").and_then(Value::as_str) {
            Some(key) if merges(schema) => ListKind::Map(merge_keys(key)),
            _ => ListKind::Atomic,
        },
    }
}

fn merges(schema: &Value) -> bool {
    schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str).is_some_and(|strategy| strategy.contains("merge"))
}

/// Ports have two keys, which the merge key alone cannot say.
fn merge_keys(key: &str) -> Box<[Box<str>]> {
    match key {
        "containerPort" | "port" => Box::new([key.into(), "protocol".into()]),
        _ => Box::new([key.into()]),
    }
}

/// Names are the only sign of these types (live-facts 4.16).
fn component_format(name: &str) -> Option<Format> {
    match name.rsplit('.').take(2).collect::<Vec<_>>().as_slice() {
        ["Quantity", "resource"] => Some(Format::Quantity),
        ["IntOrString", "intstr"] => Some(Format::IntOrString),
        ["Time" | "MicroTime", _] => Some(Format::DateTime),
        ["Duration", _] => Some(Format::Duration),
        _ => None,
    }
}

fn format_of(schema: &Value) -> Format {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let is_quantity = text("pattern").is_some_and(|pattern| pattern.starts_with(r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"));
    if is_quantity {
        return Format::QuantityText;
    }
    if is_true(schema, "x-kubernetes-int-or-string") {
        return Format::IntOrString;
    }
    match (text("type"), text("format")) {
        (_, Some("int-or-string")) => Format::IntOrString,
        (_, Some("date-time")) => Format::DateTime,
        (_, Some("byte")) => Format::Bytes,
        (_, Some("duration")) => Format::Duration,
        (Some("string"), _) => Format::Text,
        (Some("integer"), _) => Format::Integer,
        (Some("number"), _) => Format::Number,
        (Some("boolean"), _) => Format::Boolean,
        _ => Format::Any,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Format, ListKind, Schemas};

    fn schemas() -> Schemas {
        let mut schemas = Schemas::default();
        let document = json!({"components": {"schemas": {
            "io.k8s.api.apps.v1.Thing": {
                "type": "object",
                "properties": {
                    "ports": {
                        "type": "array", "items": {"$ref": "#/components/schemas/io.k8s.api.core.v1.Port"},
                        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"]
                    },
                    "limit": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}], "default": {}},
                    "inner": {"$ref": "#/components/schemas/io.k8s.api.apps.v1.Thing"}
                },
                "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Thing"}]
            },
            "io.k8s.api.core.v1.Port": {"type": "object", "properties": {
                "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}
            }},
            "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]}
        }}});
        schemas.add("apps", "v1", document.to_string().as_bytes()).unwrap();
        schemas
    }

    #[test]
    fn list_maps_quantities_and_recursion_survive_the_reduction() {
        let schemas = schemas();
        let root = schemas.kind("apps", "v1", "Thing").unwrap();
        let thing = schemas.node(root);
        assert_eq!(thing.field("inner").unwrap().ty, root);
        assert_eq!(schemas.node(thing.field("limit").unwrap().ty).format, Format::Quantity);
        let ports = schemas.node(thing.field("ports").unwrap().ty);
        assert_eq!(ports.list, ListKind::Map(Box::new(["port".into(), "protocol".into()])));
        let port = schemas.node(ports.items.unwrap());
        assert_eq!(port.field("protocol").unwrap().default.as_deref(), Some(&json!("TCP")));
        assert_eq!(port.component.as_deref(), Some("io.k8s.api.core.v1.Port"));
    }

    #[test]
    fn a_document_that_is_not_json_is_an_error_and_adds_nothing() {
        let mut schemas = Schemas::default();
        let error = schemas.add("apps", "v1", b"<html>").unwrap_err();
        assert_eq!(error.to_string(), "OpenAPI document of apps/v1 is not JSON");
        assert!(schemas.kind("apps", "v1", "Thing").is_none());
    }
}
