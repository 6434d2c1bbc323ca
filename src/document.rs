//! Documents of files: where each leaf stands, which object a document names, and what it means apart from how it is written.
//!
//! Two documents mean the same where their JSON values are equal: key order, comments, white space, quotes that keep the type,
//! and aliases do not count. History is walked by these meanings.

mod meaning;
mod text;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::object::Pointer;
use crate::yaml::{self, Dialect, Node, NodeValue};

pub use self::meaning::{LeafMeaning, leaf_meanings, meaning};
pub use self::text::texts;

/// A document of a file.
#[derive(Clone)]
pub struct Document {
    /// Position among the documents of the file, from 0. Broken documents and every item of a list count.
    pub ordinal: u32,
    /// First line, from 1; comments before the content do not count.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// The content. Secret values are still in it.
    pub value: Value,
    /// First and last line of each leaf, in the order of [`leaves`].
    pub lines: Box<[(u32, u32)]>,
}

/// Shows no content, because any document may hold a secret.
impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Document({}, lines {}-{})", self.ordinal, self.line, self.end_line)
    }
}

/// The documents of a file in order. The items of a list (a kind that ends in `List`, with `items`) are documents of their own,
/// the list itself is none.
pub fn documents(bytes: &[u8], dialect: Dialect) -> Vec<Result<Document, yaml::Error>> {
    let mut documents = Vec::new();
    for read in yaml::documents(bytes, dialect) {
        match read {
            Ok(node) => add(&node, node.to_value(), &mut documents),
            Err(error) => documents.push(Err(error)),
        }
    }
    documents
}

fn add(node: &Node, mut value: Value, documents: &mut Vec<Result<Document, yaml::Error>>) {
    match take_items(&mut value) {
        Some(items) => {
            let nodes = node.get("items").map_or(&[][..], |items| items.items());
            for (node, item) in nodes.iter().zip(items) {
                let item = inferred_type(item, &value);
                add(node, item, documents);
            }
        }
        None => {
            let mut lines = Vec::new();
            add_lines(Some(node), node, &value, &mut lines);
            let ordinal = u32::try_from(documents.len()).unwrap_or(u32::MAX);
            documents.push(Ok(Document { ordinal, line: node.line, end_line: node.end_line, value, lines: lines.into() }));
        }
    }
}

fn take_items(value: &mut Value) -> Option<Vec<Value>> {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")) && value.get("apiVersion").is_some();
    match value.get_mut("items") {
        Some(Value::Array(items)) if is_list => Some(std::mem::take(items)),
        _ => None,
    }
}

/// An item of a typed list, as `ConfigMapList`, needs no type of its own.
fn inferred_type(mut item: Value, list: &Value) -> Value {
    let kind = list.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
    if let (Value::Object(fields), Some(kind)) = (&mut item, kind)
        && !fields.contains_key("kind")
        && !fields.contains_key("apiVersion")
    {
        fields.insert("kind".into(), Value::String(kind.into()));
        fields.insert("apiVersion".into(), list.get("apiVersion").cloned().unwrap_or_default());
    }
    item
}

/// What the text does not have (an inferred type) stands where its document starts.
fn add_lines(node: Option<&Node>, parent: &Node, value: &Value, lines: &mut Vec<(u32, u32)>) {
    let nearest = node.unwrap_or(parent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            // By name, because a map may have many keys.
            let mut places: Vec<(&str, &Arc<Node>)> = match &nearest.value {
                NodeValue::Mapping(entries) => entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect(),
                _ => Vec::new(),
            };
            places.sort_unstable_by_key(|(key, _)| *key);
            for (key, field) in sorted(fields) {
                let place = places.binary_search_by_key(&key.as_str(), |(key, _)| key).ok().map(|index| places[index].1.as_ref());
                add_lines(place, nearest, field, lines);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                add_lines(nearest.items().get(index).map(AsRef::as_ref), nearest, item, lines);
            }
        }
        _ => lines.push(node.map_or((parent.line, parent.line), |node| (node.line, node.end_line))),
    }
}

/// The fields by name, whatever order the map keeps.
fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    sorted
}

/// The leaves of a value: its scalars, nulls, empty maps and empty lists, depth first, keys in the order of their bytes.
pub fn leaves(value: &Value) -> Vec<(Pointer, &Value)> {
    let mut leaves = Vec::new();
    add_leaves(value, &Pointer::default(), &mut leaves);
    leaves
}

fn add_leaves<'value>(value: &'value Value, path: &Pointer, leaves: &mut Vec<(Pointer, &'value Value)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in sorted(fields) {
                add_leaves(field, &path.field(key), leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                add_leaves(item, &path.index(index), leaves);
            }
        }
        leaf => leaves.push((path.clone(), leaf)),
    }
}

/// The object that a document names, as it names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, where the document gives one.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// The object that a document names; `None` where it names none.
pub fn key(value: &Value) -> Option<DocumentKey> {
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let api_version = text(value, "apiVersion")?;
    let metadata = value.get("metadata")?;
    Some(DocumentKey {
        group: api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
        kind: text(value, "kind")?,
        namespace: text(metadata, "namespace"),
        name: text(metadata, "name")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Document, documents, key, leaves};
    use crate::yaml::Dialect;

    fn read(text: &str) -> Vec<Document> {
        documents(text.as_bytes(), Dialect::Raw).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn leaves_are_listed_depth_first_in_the_order_of_keys() {
        let value = json!({"b": [1, {"d": null}], "a": {"e": {}, "c": []}, "f": ""});
        let pointers: Vec<String> = leaves(&value).into_iter().map(|(pointer, _)| pointer.to_string()).collect();
        assert_eq!(pointers, ["/a/c", "/a/e", "/b/0", "/b/1/d", "/f"]);
    }

    #[test]
    fn every_leaf_has_its_lines() {
        let document = read("# head\nkind: A\napiVersion: v1\nb: |\n  x\n  y\n\na:\n- 1\n- {c: 2,\n   d: 3}\n").remove(0);
        let pointers: Vec<String> = leaves(&document.value).into_iter().map(|(pointer, _)| pointer.to_string()).collect();
        assert_eq!(pointers, ["/a/0", "/a/1/c", "/a/1/d", "/apiVersion", "/b", "/kind"]);
        assert_eq!(*document.lines, [(9, 9), (10, 10), (11, 11), (3, 3), (5, 6), (2, 2)]);
        assert_eq!((document.line, document.end_line), (2, 11));
    }

    #[test]
    fn items_of_a_list_are_documents_of_their_own() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  apiVersion: v1\n- kind: B\n  apiVersion: v1\n---\nkind: C\n---\napiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: x}\n";
        let documents = read(text);
        let seen: Vec<_> =
            documents.iter().map(|document| (document.ordinal, document.value["kind"].as_str().unwrap(), document.line)).collect();
        assert_eq!(seen, [(0, "A", 4), (1, "B", 6), (2, "C", 9), (3, "ConfigMap", 14)]);
        assert_eq!(*documents[3].lines, [(14, 14), (14, 14), (14, 14)]);
    }

    #[test]
    fn a_broken_document_keeps_its_ordinal() {
        let documents = documents(b"a: 1\n---\na: [\n---\nb: 2\n", Dialect::Raw);
        assert!(documents[1].is_err());
        assert_eq!(documents[2].as_ref().unwrap().ordinal, 2);
    }

    #[test]
    fn a_document_without_a_name_names_no_object() {
        assert_eq!(key(&json!({"apiVersion": "v1", "kind": "A", "metadata": {"generateName": "x-"}})), None);
        let named = key(&json!({"apiVersion": "apps/v1", "kind": "A", "metadata": {"name": "x", "namespace": ""}})).unwrap();
        assert_eq!((named.group.as_str(), named.namespace), ("apps", None));
    }
}
