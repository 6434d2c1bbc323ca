//! Digests of what a document and its leaves mean.

use std::collections::HashSet;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::sorted;

/// What one leaf means, and which leaf it is independent of the position of list items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafMeaning {
    /// Digest of its path, in which list items are identified by their well-known keys where these are unique in the list.
    pub identity: [u8; 16],
    /// Digest of its value.
    pub hash: [u8; 16],
}

/// Keys by which Kubernetes tells items of lists apart. The first must be in every item, the others may be absent.
const ITEM_KEYS: [&[&str]; 9] = [
    &["name"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["ip"],
    &["key"],
    &["topologyKey", "whenUnsatisfiable"],
    &["uid"],
];

/// Lists of a kustomization whose items are a set of files and folders, so that an item is the same wherever it stands.
const DRAWN: [&str; 9] =
    ["resources", "bases", "components", "crds", "patchesStrategicMerge", "configurations", "transformers", "generators", "validators"];

/// A digest that is equal for equal JSON values, whatever the order of their keys.
pub fn meaning(value: &Value) -> [u8; 32] {
    let mut digest = Sha256::new();
    feed(value, &mut digest);
    digest.finalize().into()
}

fn feed(value: &Value, digest: &mut Sha256) {
    match value {
        Value::Null => digest.update(b"n"),
        Value::Bool(value) => digest.update(if *value { b"t" } else { b"f" }),
        Value::Number(number) => feed_text(b"#", &number.to_string(), digest),
        Value::String(text) => feed_text(b"s", text, digest),
        Value::Array(items) => {
            feed_length(b"[", items.len(), digest);
            items.iter().for_each(|item| feed(item, digest));
        }
        Value::Object(fields) => {
            feed_length(b"{", fields.len(), digest);
            for (key, field) in sorted(fields) {
                feed_text(b"k", key, digest);
                feed(field, digest);
            }
        }
    }
}

fn feed_length(mark: &[u8], length: usize, digest: &mut Sha256) {
    digest.update(mark);
    digest.update((length as u64).to_le_bytes());
}

fn feed_text(mark: &[u8], text: &str, digest: &mut Sha256) {
    feed_length(mark, text.len(), digest);
    digest.update(text);
}

fn half(digest: Sha256) -> [u8; 16] {
    let whole: [u8; 32] = digest.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// The meaning of each leaf, in the order of [`super::leaves`].
pub fn leaf_meanings(value: &Value) -> Vec<LeafMeaning> {
    let mut meanings = Vec::new();
    match value {
        Value::Object(fields) if !fields.is_empty() && is_kustomization(value) => {
            for (key, field) in sorted(fields) {
                let mut path = Sha256::new();
                feed_text(b"k", key, &mut path);
                match field {
                    Value::Array(items) if DRAWN.contains(&key.as_str()) && is_set(items) => add_members(items, &path, &mut meanings),
                    field => add_meanings(field, &path, &mut meanings),
                }
            }
        }
        value => add_meanings(value, &Sha256::new(), &mut meanings),
    }
    meanings
}

/// Whether a document is one of Kustomize's own, which need not say so.
fn is_kustomization(value: &Value) -> bool {
    match value.get("apiVersion") {
        None => value.get("metadata").is_none_or(|metadata| metadata.get("name").is_none()),
        Some(version) => version.as_str().is_some_and(|version| version.starts_with("kustomize.config.k8s.io/")),
    }
}

/// Whether all items are texts, each of them once.
fn is_set(items: &[Value]) -> bool {
    let mut seen = HashSet::new();
    !items.is_empty() && items.iter().all(|item| item.as_str().is_some_and(|text| seen.insert(text)))
}

fn add_members(items: &[Value], path: &Sha256, meanings: &mut Vec<LeafMeaning>) {
    for item in items {
        let mut member = path.clone();
        member.update(b"~");
        feed(item, &mut member);
        add_meanings(item, &member, meanings);
    }
}

fn add_meanings(value: &Value, path: &Sha256, meanings: &mut Vec<LeafMeaning>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in sorted(fields) {
                let mut path = path.clone();
                feed_text(b"k", key, &mut path);
                add_meanings(field, &path, meanings);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let keys = item_keys(items);
            for (index, item) in items.iter().enumerate() {
                let mut path = path.clone();
                match (keys, item) {
                    (Some(keys), Value::Object(fields)) => feed_item(keys, fields, &mut path),
                    _ => feed_length(b"@", index, &mut path),
                }
                add_meanings(item, &path, meanings);
            }
        }
        leaf => {
            let mut digest = Sha256::new();
            feed(leaf, &mut digest);
            meanings.push(LeafMeaning { identity: half(path.clone()), hash: half(digest) });
        }
    }
}

fn feed_item(keys: &[&str], fields: &Map<String, Value>, path: &mut Sha256) {
    for key in keys {
        feed_text(b"=", key, path);
        if let Some(value) = fields.get(*key) {
            feed(value, path);
        }
    }
}

/// The first of the well-known keys that all items have and that tells them all apart.
fn item_keys(items: &[Value]) -> Option<&'static [&'static str]> {
    ITEM_KEYS.into_iter().find(|keys| {
        let mut seen = HashSet::new();
        items.iter().all(|item| {
            let Value::Object(fields) = item else { return false };
            let is_key = |key: &str| matches!(fields.get(key), Some(Value::String(_) | Value::Number(_)));
            let mut path = Sha256::new();
            feed_item(keys, fields, &mut path);
            is_key(keys[0]) && seen.insert(half(path))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{documents, leaves};
    use super::{leaf_meanings, meaning};
    use crate::yaml::Dialect;

    fn value(text: &str) -> Value {
        documents(text.as_bytes(), Dialect::Raw).remove(0).unwrap().value
    }

    #[test]
    fn order_comments_quotes_and_aliases_do_not_change_the_meaning() {
        let plain = value("a: x\nb: {c: [x, 1]}\n");
        assert_eq!(meaning(&plain), meaning(&value("# c\nb:\n    c: &l\n    - 'x'\n    - 1\n\n\"a\": x\n")));
        assert_eq!(meaning(&value("a: [x, [x]]")), meaning(&value("a: [&x x, [*x]]")));
    }

    #[test]
    fn types_and_nesting_change_the_meaning() {
        let all = ["a: 1", "a: '1'", "a: [1]", "a: {b: 1}", "a: null", "a: ''", "a: []", "a: {}", "a: true", "a: [[1]]", "a: 2", "b: 1"];
        let meanings: std::collections::HashSet<_> = all.iter().map(|text| meaning(&value(text))).collect();
        assert_eq!(meanings.len(), all.len());
    }

    #[test]
    fn leaf_meanings_follow_the_order_of_leaves() {
        let value = json!({"b": [1, {"d": null}], "a": {"e": {}}});
        assert_eq!(leaf_meanings(&value).len(), leaves(&value).len());
    }

    #[test]
    fn an_item_with_a_name_keeps_its_identity_when_the_list_is_reordered() {
        let mut before = leaf_meanings(&json!([{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]));
        let mut after = leaf_meanings(&json!([{"name": "b", "image": "y"}, {"name": "a", "image": "x"}]));
        assert_ne!(before, after);
        before.sort();
        after.sort();
        assert_eq!(before, after);
    }

    #[test]
    fn what_a_kustomization_draws_in_is_the_same_wherever_it_stands() {
        let before = leaf_meanings(&json!({"resources": ["a", "b"], "namespace": "x"}));
        let after = leaf_meanings(&json!({"resources": ["new", "a", "b"], "namespace": "x"}));
        assert!(before.iter().all(|leaf| after.contains(leaf)));
        // Of two equal items the one cannot be told from the other, and arguments of a program are no set.
        let twice = leaf_meanings(&json!({"resources": ["a", "a"]}));
        assert_ne!(twice[0].identity, twice[1].identity);
        let object = |list: Value| leaf_meanings(&json!({"apiVersion": "x/v1", "resources": list}));
        assert_ne!(object(json!(["a", "b"]))[0], object(json!(["b", "a"]))[1]);
    }

    #[test]
    fn ports_are_told_apart_by_protocol() {
        let first = leaf_meanings(&json!([{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]));
        let second = leaf_meanings(&json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]));
        assert_eq!(first[0], second[2]);
    }

    #[test]
    fn items_with_equal_names_are_told_apart_by_position() {
        let twins = leaf_meanings(&json!([{"name": "a"}, {"name": "a"}]));
        assert_ne!(twins[0].identity, twins[1].identity);
    }
}
