//! The values behind changes: documents of the past, read when they are told and without their secrets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::Wanted;
use super::trail::{Change, Place};
use crate::document;
use crate::model::comparison::FieldValue;
use crate::model::declaration::{DocumentRef, TreePath};
use crate::model::log::{DocumentChange, FieldChange};
use crate::model::object::Manifest;
use crate::source::error::{Error, Result};
use crate::source::history::version::{self, Identity, Versions};

/// So many bytes of names and values are kept in all; what is beyond is counted.
const MOST_BYTES: usize = 64 << 20;

/// Reads the values of changes.
pub(super) struct Values<'a> {
    versions: &'a Versions<'a>,
    wanted: &'a Wanted<'a>,
    /// How many bytes may still be kept.
    room: usize,
    /// The versions that were read last: what was after one change is before the next.
    last: HashMap<(ObjectId, Identity, [u8; 32]), Manifest>,
}

impl<'a> Values<'a> {
    pub(super) fn new(versions: &'a Versions<'a>, wanted: &'a Wanted<'a>) -> Self {
        Self { versions, wanted, room: MOST_BYTES, last: HashMap::new() }
    }

    /// A change with what it changed.
    pub(super) fn told(
        &mut self,
        change: Change,
        references: &[DocumentRef],
        numbers: &HashMap<ObjectId, u32>,
        stop: &AtomicBool,
    ) -> Result<DocumentChange> {
        let from = change.before.first().map(|before| &before.path).filter(|path| **path != change.after.path);
        let mut told = DocumentChange {
            document: references[change.after.document].clone(),
            commits: change.commits.iter().map(|commit| numbers[commit]).collect(),
            doubt: change.doubt,
            merge: change.merge,
            path: TreePath::from(&*change.after.path),
            moved_from: from.map(|path| TreePath::from(&**path)),
            created: change.known && change.before.is_empty(),
            fields: Vec::new(),
            untold: 0,
        };
        if stop.load(Ordering::Relaxed) {
            return Err(Error::TimedOut(0));
        }
        if !change.known {
            return Ok(told);
        }
        let before: Vec<Manifest> = change.before.iter().map(|place| self.manifest(place)).collect::<Result<_>>()?;
        let after = self.manifest(&change.after)?;
        for field in (self.wanted.differ)(&before, &after) {
            let size = size(&field);
            if size <= self.room && told.untold == 0 {
                self.room -= size;
                told.fields.push(field);
            } else {
                told.untold += 1;
            }
        }
        Ok(told)
    }

    /// A document of a version, without its secrets.
    fn manifest(&mut self, place: &Place) -> Result<Manifest> {
        let key = (place.blob, place.sought.identity.clone(), place.sought.meaning);
        if let Some(known) = self.last.get(&key) {
            return Ok(known.clone());
        }
        let gone = || Error::Corrupt { id: place.blob.to_string(), problem: "a document of it is gone".into() };
        let mut places = 0;
        let documents = document::documents(&self.versions.bytes(&place.blob)?, self.wanted.dialect);
        let is_meant = |value: &serde_json::Value, identity: &Identity| {
            *identity == place.sought.identity && document::meaning(value) == place.sought.meaning
        };
        let mut values = documents.into_iter().filter_map(|read| read.ok().map(|document| document.value));
        let mut value = values.find(|value| is_meant(value, &version::identity(value, &mut places))).ok_or_else(gone)?;
        self.wanted.redactor.redact_document(&mut value);
        let manifest = Manifest::from_redacted(value);
        if self.last.len() >= 4 {
            self.last.clear();
        }
        self.last.insert(key, manifest.clone());
        Ok(manifest)
    }
}

/// About how many bytes a change takes.
fn size(change: &FieldChange) -> usize {
    let of = |value: &Option<FieldValue>| match value {
        Some(FieldValue::Shown(serde_json::Value::String(text))) => text.len(),
        Some(FieldValue::Shown(value)) => value.to_string().len(),
        Some(FieldValue::Redacted) | None => 0,
    };
    64 + change.field.0.len() * 64 + of(&change.before) + of(&change.after)
}
