//! What changed between two reads of one object, place by place as field managers know places; derived from the server's
//! schema alone.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::schema::{Node, Schema};

/// A step of a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Field(String),
    Key(Vec<(String, Value)>),
    Member(Value),
}

/// A place whose value is another one, is new or is gone.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) parts: Vec<Part>,
    pub(crate) before: bool,
    pub(crate) after: bool,
    /// Whether it is a container that is written as a whole.
    pub(crate) whole: bool,
}

/// `spec.ports[port=80,protocol=TCP].name`, as design/record.md writes fields.
pub(crate) fn written(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Field(name) if is_word(name) => {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(name);
            }
            Part::Field(name) => text.push_str(&format!("[{}]", Value::from(name.as_str()))),
            Part::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={}", key_value(value))).collect();
                text.push_str(&format!("[{}]", keys.join(",")));
            }
            Part::Member(value) => text.push_str(&format!("[={value}]")),
        }
    }
    text
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
}

fn key_value(value: &Value) -> String {
    let plain = |text: &&str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./:".contains(letter));
    value.as_str().filter(plain).map_or_else(|| value.to_string(), str::to_owned)
}

/// Everything that changed and that people declare.
pub(crate) fn changes(schema: &Schema, root: Node<'_>, before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    let (before, after) = (declarable(before), declarable(after));
    Diff { schema, found: &mut found }.value(Some(root), Some(&before), Some(&after), &mut Vec::new());
    found
}

/// An object without what only the server writes.
fn declarable(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|name, _| matches!(name.as_str(), "labels" | "annotations" | "finalizers"));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
            annotations.remove("deprecated.daemonset.template.generation");
        }
    }
    object
}

struct Diff<'a, 'b> {
    schema: &'a Schema,
    found: &'b mut Vec<Change>,
}

impl<'a> Diff<'a, '_> {
    fn value(&mut self, node: Option<Node<'a>>, before: Option<&Value>, after: Option<&Value>, parts: &mut Vec<Part>) {
        if before == after {
            return;
        }
        let (before, after) = self.opened(node, before, after);
        match (before, after) {
            (Some(Value::Object(one)), Some(Value::Object(other))) if !node.is_some_and(Node::is_atomic_map) => {
                self.fields(node, one, other, parts);
            }
            (Some(Value::Array(one)), Some(Value::Array(other))) => self.list(node, one, other, parts),
            _ => {
                let whole = [before, after].iter().flatten().any(|value| value.is_object()) && node.is_some_and(Node::is_atomic_map);
                self.push(parts, before.is_some(), after.is_some(), whole);
            }
        }
    }

    /// Maps, list-maps and sets that only one side has are empty on the other: their entries are what changed.
    fn opened<'v>(
        &self,
        node: Option<Node<'a>>,
        before: Option<&'v Value>,
        after: Option<&'v Value>,
    ) -> (Option<&'v Value>, Option<&'v Value>) {
        static MAP: LazyLock<Value> = LazyLock::new(|| json!({}));
        static LIST: LazyLock<Value> = LazyLock::new(|| json!([]));
        let is_map = node.is_some_and(|node| self.schema.values(node).is_some() && !node.is_atomic_map());
        let is_list = node.is_some_and(|node| node.is_set() || !node.list_keys().is_empty());
        let filled = |value: Option<&'v Value>| match value {
            None if is_map => Some(&*MAP),
            None if is_list => Some(&*LIST),
            value => value,
        };
        (filled(before), filled(after))
    }

    fn push(&mut self, parts: &[Part], before: bool, after: bool, whole: bool) {
        self.found.push(Change { parts: parts.to_vec(), before, after, whole });
    }

    fn fields(&mut self, node: Option<Node<'a>>, one: &Map<String, Value>, other: &Map<String, Value>, parts: &mut Vec<Part>) {
        let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
        for name in names {
            parts.push(Part::Field(name.clone()));
            let child = node.and_then(|node| child(self.schema, node, name));
            self.value(child, one.get(name), other.get(name), parts);
            parts.pop();
        }
    }

    fn list(&mut self, node: Option<Node<'a>>, one: &[Value], other: &[Value], parts: &mut Vec<Part>) {
        let keys = node.map(Node::list_keys).unwrap_or_default();
        if !keys.is_empty() {
            let items = node.and_then(|node| self.schema.items(node));
            let key = |item: &Value| key_of(self.schema, items, &keys, item);
            let known: Vec<_> = one.iter().map(key).collect();
            let fresh: Vec<_> = other.iter().map(key).filter(|key| !known.contains(key)).collect();
            for wanted in known.iter().chain(&fresh) {
                let find = |items: &'_ [Value]| items.iter().position(|item| key(item) == *wanted);
                parts.push(Part::Key(wanted.clone()));
                self.value(items, find(one).map(|place| &one[place]), find(other).map(|place| &other[place]), parts);
                parts.pop();
            }
        } else if node.is_some_and(Node::is_set) {
            let members = one.iter().chain(other.iter().filter(|item| !one.contains(item)));
            for member in members.filter(|member| one.contains(member) != other.contains(member)) {
                parts.push(Part::Member(member.clone()));
                self.push(parts, one.contains(member), other.contains(member), false);
                parts.pop();
            }
        } else {
            self.push(parts, true, true, true);
        }
    }
}

pub(crate) fn child<'a>(schema: &'a Schema, node: Node<'a>, name: &str) -> Option<Node<'a>> {
    schema.field(node, name).or_else(|| schema.values(node))
}

pub(crate) fn key_of(schema: &Schema, items: Option<Node<'_>>, keys: &[&str], item: &Value) -> Vec<(String, Value)> {
    let default = |key: &str| items.and_then(|node| schema.field(node, key)).and_then(|field| field.schema.get("default").cloned());
    let of = |key: &str| item.get(key).filter(|value| !value.is_null() && **value != "").cloned();
    keys.iter().map(|key| ((*key).to_owned(), of(key).or_else(|| default(key)).unwrap_or(Value::Null))).collect()
}

/// The value at a place.
pub(crate) fn at<'a>(schema: &Schema, node: Option<Node<'_>>, value: &'a Value, parts: &[Part]) -> Option<&'a Value> {
    let Some((part, rest)) = parts.split_first() else { return Some(value) };
    match part {
        Part::Field(name) => at(schema, node.and_then(|node| child(schema, node, name)), value.get(name)?, rest),
        Part::Member(member) => value.as_array()?.iter().find(|item| *item == member),
        Part::Key(key) => {
            let items = node.and_then(|node| schema.items(node));
            let names: Vec<&str> = key.iter().map(|(name, _)| name.as_str()).collect();
            let item = value.as_array()?.iter().find(|item| key_of(schema, items, &names, item) == *key)?;
            at(schema, items, item, rest)
        }
    }
}

/// Whether a manager's server-side applied fields list a place.
pub(crate) fn is_listed(object: &Value, manager: &str, parts: &[Part]) -> bool {
    let of = |text: &str, prefix: &str| serde_json::from_str::<Value>(text.strip_prefix(prefix)?).ok();
    let child = |set: &'_ Value, part: &Part| -> Option<Value> {
        let is_meant = |name: &str| match part {
            Part::Field(field) => name.strip_prefix("f:") == Some(field),
            Part::Key(keys) => of(name, "k:").is_some_and(|key| keys.iter().all(|(name, value)| key[name] == *value)),
            Part::Member(member) => of(name, "v:").as_ref() == Some(member),
        };
        set.as_object()?.iter().find(|(name, _)| is_meant(name)).map(|(_, inner)| inner.clone())
    };
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut applied = entries.filter(|entry| entry["manager"] == manager && entry["operation"] == "Apply");
    applied.any(|entry| {
        let set = parts.iter().try_fold(entry["fieldsV1"].clone(), |set, part| child(&set, part));
        // A set without `.` only leads to what is below.
        set.is_some_and(|set| set == json!({}) || set.get(".").is_some())
    })
}

/// An object with one place only, for server-side apply.
pub(crate) fn only(parts: &[Part], value: &Value) -> Value {
    match parts.split_first() {
        None => value.clone(),
        Some((Part::Field(name), rest)) => json!({ name: only(rest, value) }),
        Some((Part::Member(member), _)) => json!([member]),
        Some((Part::Key(keys), rest)) => {
            let mut item = only(rest, value);
            if let Some(fields) = item.as_object_mut() {
                fields.extend(keys.iter().filter(|(_, value)| !value.is_null()).cloned());
            }
            json!([item])
        }
    }
}

/// A declared leaf that is there live too.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'a> {
    /// Into the live object.
    pub(crate) pointer: String,
    /// The leaf, or the container around it that is written as a whole.
    pub(crate) parts: Vec<Part>,
    pub(crate) node: Option<Node<'a>>,
    /// Whose field it is.
    pub(crate) component: &'a str,
    pub(crate) name: String,
    pub(crate) whole: bool,
}

/// The declared leaves of an object, as they are live.
pub(crate) fn leaves<'a>(schema: &'a Schema, root: Node<'a>, declared: &Value, live: &Value) -> Vec<Leaf<'a>> {
    let mut found = Vec::new();
    let start = Leaf { pointer: String::new(), parts: Vec::new(), node: Some(root), component: "", name: String::new(), whole: false };
    collect(schema, start, &declarable(declared), live, &mut found);
    found.retain(|leaf| !matches!(leaf.pointer.as_str(), "/apiVersion" | "/kind"));
    found
}

fn collect<'a>(schema: &'a Schema, here: Leaf<'a>, declared: &Value, live: &Value, found: &mut Vec<Leaf<'a>>) {
    let whole = here.whole || here.node.is_some_and(Node::is_atomic_map);
    match (declared, live) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, declared) in fields {
                let Some(live) = live.get(name) else { continue };
                let mut parts = here.parts.clone();
                if !whole {
                    parts.push(Part::Field(name.clone()));
                }
                let pointer = format!("{}/{}", here.pointer, name.replace('~', "~0").replace('/', "~1"));
                let node = here.node.and_then(|node| child(schema, node, name));
                let component = here.node.map_or("", |node| node.component);
                collect(schema, Leaf { pointer, parts, node, component, name: name.clone(), whole }, declared, live, found);
            }
        }
        (Value::Array(items), Value::Array(live_items)) => {
            let keys = here.node.map(Node::list_keys).unwrap_or_default();
            let items_node = here.node.and_then(|node| schema.items(node));
            let is_set = here.node.is_some_and(Node::is_set);
            for (place, declared) in items.iter().enumerate() {
                let key = key_of(schema, items_node, &keys, declared);
                let live_place = match (keys.is_empty(), is_set) {
                    (false, _) => live_items.iter().position(|live| key_of(schema, items_node, &keys, live) == key),
                    (true, true) => None,
                    (true, false) => Some(place).filter(|_| items.len() == live_items.len()),
                };
                let Some(live_place) = live_place else { continue };
                let mut parts = here.parts.clone();
                if !keys.is_empty() && !whole {
                    parts.push(Part::Key(key));
                }
                let pointer = format!("{}/{live_place}", here.pointer);
                let whole = whole || keys.is_empty();
                let inner = Leaf { pointer, parts, node: items_node, component: here.component, name: here.name.clone(), whole };
                collect(schema, inner, declared, &live_items[live_place], found);
            }
        }
        (Value::Null | Value::Object(_) | Value::Array(_), _) | (_, Value::Null | Value::Object(_) | Value::Array(_)) => {}
        _ => found.push(here),
    }
}
