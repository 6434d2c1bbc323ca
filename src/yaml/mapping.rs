//! The entries of a map: which keys there are, which of two equal ones counts, and what a merge brings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::scalar::Scalar;
use super::{Dialect, Entry, Node, NodeValue, number};

/// A scalar that stands as a key.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) scalar: Scalar,
    /// Whether it is a plain `<<`.
    pub(super) merges: bool,
}

/// The text of a key and its type, by which two keys of one text are told apart.
fn key_text(scalar: &Scalar, dialect: Dialect) -> Result<(String, &'static str), &'static str> {
    match (scalar, dialect) {
        (Scalar::Text(text), _) | (Scalar::Time(text), Dialect::Raw) => Ok((text.clone(), "text")),
        (_, Dialect::Kustomize) => Err("a key that is no text; put it in quotes"),
        (Scalar::Bool(value), _) => Ok((value.to_string(), "boolean")),
        (Scalar::Int(value), _) => Ok((value.to_string(), "integer")),
        (Scalar::Float(value), _) => Ok((number::float_key(*value), "float")),
        (Scalar::Null | Scalar::Uint(_), _) => Err("a key that Kubernetes does not accept; put it in quotes"),
    }
}

/// The type of a key that a merge brought, which is not remembered.
const MERGED: &str = "merged";

/// The entries of a map being read.
pub(super) struct Entries {
    dialect: Dialect,
    entries: Vec<Entry>,
    places: HashMap<String, (usize, &'static str)>,
    /// In the Kustomize dialect: the one merge, which yields to every key of the map itself.
    merge: Option<Arc<Node>>,
}

impl Entries {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, entries: Vec::new(), places: HashMap::new(), merge: None }
    }

    pub(super) fn add(&mut self, key: &Key, key_line: u32, value: Arc<Node>) -> Result<(), &'static str> {
        if key.merges {
            return match self.dialect {
                // A merge behind a key overrides it: go-yaml v2 takes them in the order of the text.
                Dialect::Raw => merged(&value)?.into_iter().try_for_each(|entry| self.set(entry, MERGED)),
                Dialect::Kustomize if self.merge.is_some() => Err("two merge keys in one map"),
                Dialect::Kustomize => {
                    self.merge = Some(value);
                    Ok(())
                }
            };
        }
        let (text, kind) = key_text(&key.scalar, self.dialect)?;
        if self.dialect == Dialect::Kustomize && text == "<<" {
            return Err("a quoted merge key, which Kustomize drops");
        }
        if self.dialect == Dialect::Kustomize && self.places.contains_key(&text) {
            return Err("a key that its map has already");
        }
        self.set(Entry { key: text, key_line, value }, kind)
    }

    fn set(&mut self, entry: Entry, kind: &'static str) -> Result<(), &'static str> {
        match self.places.get(&entry.key) {
            // Go writes both and reads either, at random.
            Some((_, earlier)) if *earlier != kind && *earlier != MERGED && kind != MERGED => {
                Err("two keys of different types that become the same text")
            }
            Some((place, _)) => {
                self.entries[*place] = entry;
                Ok(())
            }
            None => {
                self.places.insert(entry.key.clone(), (self.entries.len(), kind));
                self.entries.push(entry);
                Ok(())
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<Vec<Entry>, &'static str> {
        let Some(merge) = self.merge.take() else { return Ok(self.entries) };
        for entry in merged(&merge)? {
            if !self.places.contains_key(&entry.key) {
                self.set(entry, MERGED)?;
            }
        }
        Ok(self.entries)
    }
}

/// What a merge brings: of a list of maps, the earlier ones win.
fn merged(value: &Node) -> Result<Vec<Entry>, &'static str> {
    const WANTED: &str = "a merge of something that is neither a map nor a list of maps";
    let maps: Vec<&Node> = match &value.value {
        NodeValue::Mapping(_) => vec![value],
        NodeValue::Sequence(items) => items.iter().map(AsRef::as_ref).collect(),
        _ => return Err(WANTED),
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = HashSet::new();
    for map in maps {
        let NodeValue::Mapping(own) = &map.value else { return Err(WANTED) };
        entries.extend(own.iter().filter(|entry| seen.insert(entry.key.as_str())).cloned());
    }
    Ok(entries)
}
