//! The leaves of a declared value: their positions, and their paths as field managers name them.

use serde_json::Value;

use super::ownership::Whole;
use super::place::At;
use crate::model::object::Step;
use crate::model::schema::{ListKind, Schemas, TypeId};

/// A declared leaf, or a container that is written as a whole.
pub(super) struct Leaf {
    pub(super) path: Vec<Step>,
    pub(super) whole: Whole,
}

/// Position of the first leaf below a JSON pointer among all leaves, in the order of `document::leaves`: depth first, keys in
/// the order of their bytes, an empty container being a leaf.
pub(super) fn first_leaf(value: &Value, pointer: &str) -> usize {
    let mut before = 0;
    let mut here = value;
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        let next = match here {
            Value::Object(fields) => {
                before += fields.iter().filter(|(key, _)| key.as_str() < name.as_str()).map(|(_, field)| count(field)).sum::<usize>();
                fields.get(&name)
            }
            Value::Array(items) => {
                let index = name.parse().unwrap_or(items.len());
                before += items.iter().take(index).map(count).sum::<usize>();
                items.get(index)
            }
            _ => None,
        };
        match next {
            Some(next) => here = next,
            None => break,
        }
    }
    before
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(fields) if !fields.is_empty() => fields.values().map(count).sum(),
        Value::Array(items) if !items.is_empty() => items.iter().map(count).sum(),
        _ => 1,
    }
}

/// The declared leaves as paths of managedFields, without what is never listed there.
pub(super) fn declared_leaves(schemas: &Schemas, ty: Option<TypeId>, declared: &Value) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    if let Value::Object(fields) = declared {
        for (name, value) in fields {
            if !matches!(name.as_str(), "apiVersion" | "kind" | "status") {
                let at = At::root(schemas, ty).child(schemas, name, 1);
                collect(schemas, at, value, &mut vec![Step::Field(name.clone())], &mut leaves);
            }
        }
    }
    leaves
}

fn collect(schemas: &Schemas, at: At<'_>, value: &Value, path: &mut Vec<Step>, leaves: &mut Vec<Leaf>) {
    let is_whole = matches!(at.whole, Whole::From(_));
    match (value, at.list(schemas)) {
        (Value::Object(fields), _) if !fields.is_empty() && !is_whole => {
            for (name, field) in fields {
                path.push(Step::Field(name.clone()));
                collect(schemas, at.child(schemas, name, path.len()), field, path, leaves);
                path.pop();
            }
        }
        (Value::Array(items), ListKind::Map(keys)) if !items.is_empty() && !is_whole => {
            for item in items {
                let item_at = at.item(schemas, path.len() + 1);
                path.push(Step::Key(key_of(schemas, item_at, keys, item)));
                collect(schemas, item_at, item, path, leaves);
                path.pop();
            }
        }
        (Value::Array(items), ListKind::Set) if !is_whole => {
            leaves.extend(items.iter().map(|item| {
                let member = Step::Member(item.clone());
                Leaf { path: path.iter().cloned().chain([member]).collect(), whole: at.whole }
            }));
        }
        _ => leaves.push(Leaf { path: path.clone(), whole: at.whole }),
    }
}

/// The key of an item; defaults of keys are filled in before anything is matched (row 32).
pub(super) fn key_of(schemas: &Schemas, item: At<'_>, keys: &[Box<str>], value: &Value) -> Vec<(String, Value)> {
    let node = item.node(schemas);
    let default = |key: &str| node.and_then(|node| node.field(key)).and_then(|field| field.default.as_deref().cloned());
    // An empty text is no key to a built-in type, as if it were not there.
    let says_something = |value: &&Value| !(value.is_null() || item.typed && **value == "");
    let of = |key: &str| value.get(key).filter(says_something).cloned().or_else(|| default(key)).unwrap_or(Value::Null);
    keys.iter().map(|key| (key.to_string(), of(key))).collect()
}

/// Whether an item of a list-map lacks every key: the server then cannot tell who writes what, and drops its record of writers
/// (structured-merge-diff, `keyByFields`).
pub(super) fn has_item_without_key(schemas: &Schemas, at: At<'_>, value: &Value) -> bool {
    match (value, at.list(schemas)) {
        (Value::Object(fields), _) => fields.iter().any(|(name, field)| has_item_without_key(schemas, at.child(schemas, name, 0), field)),
        (Value::Array(items), ListKind::Map(keys)) => {
            let item_at = at.item(schemas, 0);
            let lacks_key = |item: &Value| key_of(schemas, item_at, keys, item).iter().all(|(_, value)| value.is_null());
            items.iter().any(|item| lacks_key(item) || has_item_without_key(schemas, item_at, item))
        }
        (Value::Array(items), _) => items.iter().any(|item| has_item_without_key(schemas, at.item(schemas, 0), item)),
        _ => false,
    }
}

/// The value at a path, where there is one.
pub(super) fn at_path<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
        Step::Member(member) => value.as_array()?.iter().find(|item| *item == member),
        Step::Key(keys) => {
            let is_same = |item: &&Value| keys.iter().all(|(key, wanted)| item.get(key).is_none_or(|value| value == wanted));
            value.as_array()?.iter().find(is_same)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::first_leaf;
    use crate::document;

    #[test]
    fn leaves_are_counted_depth_first_in_the_order_of_keys() {
        let value = json!({"b": [1, {"d": null}], "a": {"e": {}, "c": []}, "f/g": ""});
        let positions: Vec<usize> = ["/a/c", "/a/e", "/b/0", "/b/1/d", "/f~1g"].map(|pointer| first_leaf(&value, pointer)).into();
        assert_eq!(positions, [0, 1, 2, 3, 4]);
        assert_eq!(first_leaf(&value, "/b"), 2);
        let documented: Vec<usize> = document::leaves(&value).iter().map(|(pointer, _)| first_leaf(&value, pointer.as_str())).collect();
        assert_eq!(documented, [0, 1, 2, 3, 4]);
    }
}
