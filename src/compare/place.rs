//! Where a walk stands: the path with its positions on both sides, and what is known of the value there.

use serde_json::{Map, Value};

use super::builtin;
use super::ownership::Whole;
use crate::model::object::{FieldPath, Pointer, Step};
use crate::model::schema::{Format, ListKind, Node, Schemas, TypeId};

/// The path from the root, with list positions on both sides.
#[derive(Default)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    positions: Vec<Positions>,
}

/// Positions of a list item on both sides, where it is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Positions {
    pub(super) declared: Option<usize>,
    pub(super) live: Option<usize>,
}

impl Path {
    pub(super) fn push(&mut self, step: Step, positions: Positions) {
        self.steps.push(step);
        self.positions.push(positions);
    }

    pub(super) fn push_field(&mut self, name: &str) {
        self.push(Step::Field(name.to_owned()), Positions::default());
    }

    pub(super) fn pop(&mut self) {
        self.steps.pop();
        self.positions.pop();
    }

    pub(super) fn field(&self) -> FieldPath {
        FieldPath(self.steps.clone())
    }

    /// The place in the live object.
    pub(super) fn live(&self) -> Pointer {
        self.pointer(|positions| positions.live)
    }

    /// The place in the declared one.
    pub(super) fn declared(&self) -> Pointer {
        self.pointer(|positions| positions.declared)
    }

    fn pointer(&self, side: fn(&Positions) -> Option<usize>) -> Pointer {
        self.steps.iter().zip(&self.positions).fold(Pointer::default(), |pointer, (step, positions)| match (step, side(positions)) {
            (Step::Field(name), _) => pointer.field(name),
            (_, Some(index)) => pointer.index(index),
            // A pointer into the side that lacks the item is not asked for.
            (_, None) => pointer,
        })
    }

    /// The names on the way, without list items, up to the last `skip` steps.
    pub(super) fn words(&self, skip: usize) -> String {
        let end = self.steps.len().saturating_sub(skip);
        let names = self.steps[..end].iter().filter_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect::<Vec<_>>().join(".")
    }

    /// The name of the last field on the way.
    pub(super) fn last_word(&self) -> &str {
        let name = self.steps.iter().rev().find_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            _ => None,
        });
        name.unwrap_or_default()
    }
}

/// What is known of a value.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// Its type, where the schema knows it.
    pub(super) ty: Option<TypeId>,
    /// The component whose field it is; empty for items and entries of maps.
    pub(super) component: &'a str,
    /// What the generated table says of that field.
    pub(super) table: Option<&'static builtin::Field>,
    /// The value that a custom resource's schema fills in here.
    pub(super) default: Option<&'a Value>,
    /// Which container around it is written as a whole.
    pub(super) whole: Whole,
    /// Whether it belongs to a built-in type.
    pub(super) typed: bool,
    /// Whether the schema lists the fields around it and this is not one.
    pub(super) is_unknown_field: bool,
    /// Whether it is an entry of a map with free keys.
    pub(super) is_entry: bool,
    /// The live structure or map around it.
    pub(super) around: Option<&'a Map<String, Value>>,
    /// The declared one, where the walk goes through both.
    pub(super) declared_around: Option<&'a Map<String, Value>>,
}

impl<'a> At<'a> {
    /// The root of an object.
    pub(super) fn root(schemas: &'a Schemas, ty: Option<TypeId>) -> Self {
        let typed = ty.is_some_and(|ty| is_built_in(schemas.node(ty)));
        let whole = if ty.is_some() { Whole::Never } else { Whole::Unknown };
        Self {
            ty,
            component: "",
            table: None,
            default: None,
            whole,
            typed,
            is_unknown_field: false,
            is_entry: false,
            around: None,
            declared_around: None,
        }
    }

    pub(super) fn node(&self, schemas: &'a Schemas) -> Option<&'a Node> {
        self.ty.map(|ty| schemas.node(ty))
    }

    /// A field or an entry of it. `depth` is the length of the path to that field.
    pub(super) fn child(&self, schemas: &'a Schemas, name: &str, depth: usize) -> Self {
        let node = self.node(schemas);
        let known = node.and_then(|node| node.field(name));
        let entries = node.and_then(|node| node.values);
        let ty = known.map(|field| field.ty).or(entries);
        let component = node.and_then(|node| node.component.as_deref()).unwrap_or_default();
        let typed = ty.is_some_and(|ty| is_built_in(schemas.node(ty))) || self.typed && ty.is_some();
        let own_default = known.and_then(|field| field.default.as_deref());
        let inherited = self.default.and_then(|default| default.get(name));
        let is_deduced = ty.is_none() && self.whole == Whole::Never && node.is_some_and(Node::is_open);
        let whole = if is_deduced { Whole::Deduced } else { whole_below(self.whole, ty.map(|ty| schemas.node(ty)), depth) };
        Self {
            ty,
            component,
            table: builtin::field(component, name),
            default: if typed { None } else { inherited.or(own_default) },
            whole,
            typed,
            is_unknown_field: known.is_none() && entries.is_none() && node.is_some_and(|node| !node.is_open()),
            is_entry: known.is_none() && entries.is_some(),
            around: None,
            declared_around: None,
        }
    }

    /// An item of it.
    pub(super) fn item(&self, schemas: &'a Schemas, depth: usize) -> Self {
        let ty = self.node(schemas).and_then(|node| node.items);
        let typed = self.typed || ty.is_some_and(|ty| is_built_in(schemas.node(ty)));
        Self {
            ty,
            component: "",
            table: None,
            default: None,
            whole: whole_below(self.whole, ty.map(|ty| schemas.node(ty)), depth),
            typed,
            is_unknown_field: false,
            is_entry: false,
            around: None,
            declared_around: None,
        }
    }

    pub(super) fn list(&self, schemas: &'a Schemas) -> &'a ListKind {
        self.node(schemas).map_or(&ListKind::Atomic, |node| &node.list)
    }

    pub(super) fn format(&self, schemas: &'a Schemas) -> Format {
        self.node(schemas).map_or(Format::Any, |node| node.format)
    }
}

fn is_built_in(node: &Node) -> bool {
    node.component.as_deref().is_some_and(builtin::is_built_in)
}

fn whole_below(whole: Whole, node: Option<&Node>, depth: usize) -> Whole {
    match (whole, node) {
        (Whole::From(_) | Whole::Deduced, _) => whole,
        (_, None) => Whole::Unknown,
        (_, Some(node)) if node.atomic || node.items.is_some() && node.list == ListKind::Atomic => Whole::From(depth),
        (_, Some(node)) if node.preserves_unknown && node.fields.is_empty() => Whole::Deduced,
        (Whole::Unknown, Some(_)) => Whole::Unknown,
        (Whole::Never, Some(_)) => Whole::Never,
    }
}
