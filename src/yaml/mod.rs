//! YAML and JSON as Kubernetes tools read them, with the place of every value.
//!
//! No YAML library reads what kubectl and Kustomize read, so the text is cut into documents as they cut it, `granit-parser`
//! turns each into events, and the composer here gives those events the types that Go's YAML libraries give them. There are
//! two readings: see [`Dialect`]. A broken document does not take the others with it. Text is hostile: nesting, nodes and the
//! expansion of aliases are bounded, and neither messages nor excerpts show what may be a secret.
//!
//! The specification is go-yaml v2 below sigs.k8s.io/yaml with the line reader of apimachinery (kubectl), and go-yaml v3 below
//! kyaml (Kustomize).

mod compose;
mod error;
mod mapping;
mod number;
mod scalar;
mod split;
mod timestamp;

use std::sync::Arc;

use serde_json::{Map, Number, Value};

pub use self::error::{Error, Excerpt};

/// Whose reading of YAML is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// kubectl and Helm: `yes`, `on`, `y` are booleans (as keys too), dates stay text, of two equal keys the last wins, and the
    /// last line always ends.
    Raw,
    /// Kustomize, and so Flux: `yes` is text, dates become RFC 3339, two equal keys and keys that are no text are errors.
    Kustomize,
}

/// A value and where it stands. Lines and columns count from 1.
#[derive(Clone)]
pub struct Node {
    /// First line of the value; of a block scalar, that of its content.
    pub line: u32,
    /// Column of its first character.
    pub column: u32,
    /// Last line of its content.
    pub end_line: u32,
    /// The value.
    pub value: NodeValue,
}

/// A typed value.
#[derive(Clone)]
pub enum NodeValue {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, written as Go writes it in JSON; integers of 64 bits are exact.
    Number(Number),
    /// A text.
    String(String),
    /// A list. Items that come from an alias are shared.
    Sequence(Vec<Arc<Node>>),
    /// A map in the order of the text; keys are unique.
    Mapping(Vec<Entry>),
}

/// An entry of a map.
#[derive(Clone)]
pub struct Entry {
    /// The key, as the text that JSON has for it.
    pub key: String,
    /// The line of the key.
    pub key_line: u32,
    /// The value.
    pub value: Arc<Node>,
}

/// Shows no content, because any document may hold a secret.
impl std::fmt::Debug for Node {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Node(lines {}-{})", self.line, self.end_line)
    }
}

impl Node {
    /// The JSON value, aliases expanded.
    pub fn to_value(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Number(number) => Value::Number(number.clone()),
            NodeValue::String(text) => Value::String(text.clone()),
            NodeValue::Sequence(items) => Value::Array(items.iter().map(|item| item.to_value()).collect()),
            NodeValue::Mapping(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// The value of a key, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Arc<Self>> {
        match &self.value {
            NodeValue::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The text, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where this is a list.
    pub fn items(&self) -> &[Arc<Self>] {
        match &self.value {
            NodeValue::Sequence(items) => items,
            _ => &[],
        }
    }
}

/// The documents of a text, in order. Empty documents are left out; a broken one is an error in its place.
pub fn documents(text: &[u8], dialect: Dialect) -> Vec<Result<Node, Error>> {
    let mut documents = Vec::new();
    for chunk in split::chunks(text) {
        match chunk.and_then(|chunk| nodes(&chunk, dialect)) {
            Ok(nodes) => documents.extend(nodes.into_iter().filter(|node| !matches!(node.value, NodeValue::Null)).map(Ok)),
            Err(error) => documents.push(Err(error)),
        }
    }
    documents
}

fn nodes(chunk: &split::Chunk<'_>, dialect: Dialect) -> Result<Vec<Node>, Error> {
    compose::document(chunk, dialect).or_else(|error| match split::json_values(chunk).filter(|_| dialect == Dialect::Raw) {
        Some(parts) => parts.iter().try_fold(Vec::new(), |mut nodes, part| {
            nodes.extend(compose::document(part, dialect)?);
            Ok(nodes)
        }),
        None => Err(error),
    })
}

/// The single document of a configuration file. An empty file is an empty map.
///
/// # Errors
/// Where the text cannot be read, or holds a second document.
pub fn config(text: &[u8]) -> Result<Node, Error> {
    let mut documents = documents(text, Dialect::Kustomize).into_iter();
    let first = documents.next().unwrap_or_else(|| Ok(Node { line: 1, column: 1, end_line: 1, value: NodeValue::Mapping(Vec::new()) }))?;
    match documents.next() {
        None => Ok(first),
        Some(second) => {
            let (line, column) = second.map_or_else(|error| (error.line, error.column), |node| (node.line, node.column));
            Err(Error { line, column, message: "a second document where one was expected".into(), excerpt: None })
        }
    }
}

#[cfg(test)]
mod tests;
