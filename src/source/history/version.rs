//! What the files of the past mean: blobs, read once and remembered as digests.

use std::collections::HashMap;
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::Kind;
use sha2::{Digest as _, Sha256};

use crate::document::{self, DocumentKey, LeafMeaning};
use crate::source::error::{Error, Result};
use crate::source::git::Objects;
use crate::source::memory::Memory;
use crate::source::tree::LARGEST_FILE;
use crate::yaml::Dialect;

/// So many digests of leaves are remembered, 32 bytes each.
const REMEMBERED: usize = 2_000_000;

/// By what a document is found again in another version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// The object it names.
    Object(DocumentKey),
    /// Its place among the documents of the file that name nothing.
    Place(u32),
}

/// A document that is looked for in another version.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    pub(super) identity: Identity,
    /// What it means where the search starts.
    pub(super) meaning: [u8; 32],
}

/// A document at the tip.
#[derive(Clone, Debug)]
pub(super) struct Tip {
    pub(super) identity: Identity,
    pub(super) meaning: [u8; 32],
    /// Absent where it has none of its own.
    pub(super) text: Option<[u8; 16]>,
    /// In the order of `document::leaves`.
    pub(super) leaves: Vec<LeafMeaning>,
}

/// A document of some version.
#[derive(Debug)]
struct Known {
    identity: Identity,
    meaning: [u8; 32],
    /// Digest of how it is written. Absent where it shares lines with another document, so that this cannot be told.
    text: Option<[u8; 16]>,
    /// Sorted.
    leaves: Box<[LeafMeaning]>,
}

/// A file of some version.
#[derive(Debug, Default)]
pub(super) struct Version {
    documents: Vec<Known>,
    by_identity: HashMap<Identity, Vec<u32>>,
    /// Whether something in it cannot be read as YAML and so may be any document.
    pub(super) broken: bool,
}

/// What a version says about a document of the tip.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    documents: &'a [Known],
    /// Which of them it may be: one, or all that name the same object.
    candidates: &'a [u32],
}

impl Version {
    /// Finds a document. A document that names nothing is first looked for by what it means, since others may have been put
    /// before it.
    pub(super) fn find(&self, sought: &Sought) -> Option<Found<'_>> {
        let of = |identity| self.by_identity.get(identity).map(|candidates| Found { documents: &self.documents, candidates });
        if let Identity::Place(_) = sought.identity {
            let is_same = |known: &&Known| matches!(known.identity, Identity::Place(_)) && known.meaning == sought.meaning;
            if let Some(same) = self.documents.iter().find(is_same) {
                return of(&same.identity);
            }
        }
        of(&sought.identity)
    }

    /// Whether it has a document that names this object.
    pub(super) fn names(&self, key: &DocumentKey) -> bool {
        self.by_identity.contains_key(&Identity::Object(key.clone()))
    }

    /// What its document means.
    pub(super) fn meaning(&self, identity: &Identity) -> Option<[u8; 32]> {
        let first = self.by_identity.get(identity)?.first()?;
        Some(self.documents[*first as usize].meaning)
    }

    /// Every object that a document of it names.
    pub(super) fn objects(&self) -> impl Iterator<Item = &DocumentKey> {
        self.by_identity.keys().filter_map(|identity| match identity {
            Identity::Object(key) => Some(key),
            Identity::Place(_) => None,
        })
    }

    /// The meanings of documents that name nothing.
    pub(super) fn nameless(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.documents.iter().filter(|known| matches!(known.identity, Identity::Place(_))).map(|known| &known.meaning)
    }
}

impl Found<'_> {
    fn candidates(&self) -> impl Iterator<Item = &Known> + Clone {
        self.candidates.iter().map(|index| &self.documents[*index as usize])
    }

    /// Whether it means this.
    pub(super) fn means(&self, meaning: &[u8; 32]) -> bool {
        self.candidates().any(|known| known.meaning == *meaning)
    }

    /// Whether it means this and is written so. `None` where it means this and cannot be told how it is written.
    pub(super) fn is_written(&self, meaning: &[u8; 32], text: Option<[u8; 16]>) -> Option<bool> {
        let mut texts = self.candidates().filter(|known| known.meaning == *meaning).map(|known| known.text);
        if text.is_some() && texts.clone().any(|known| known == text) {
            return Some(true);
        }
        texts.all(|known| known.is_some()).then_some(false)
    }

    /// Whether it has this leaf with this value.
    pub(super) fn has(&self, leaf: &LeafMeaning) -> bool {
        self.candidates().any(|known| known.leaves.binary_search(leaf).is_ok())
    }

    /// Its place among the documents that name nothing.
    pub(super) fn place(&self) -> Option<u32> {
        self.candidates().find_map(|known| match known.identity {
            Identity::Place(place) => Some(place),
            Identity::Object(_) => None,
        })
    }
}

/// Reads versions and remembers them by blob.
pub(super) struct Versions<'a> {
    objects: &'a Objects,
    dialect: Dialect,
    remembered: Arc<Memory<Arc<Version>>>,
}

impl<'a> Versions<'a> {
    pub(super) fn new(objects: &'a Objects, dialect: Dialect) -> Self {
        Self::sharing(objects, dialect, Self::memory())
    }

    /// With what other threads read in the same dialect, too.
    pub(super) fn sharing(objects: &'a Objects, dialect: Dialect, remembered: Arc<Memory<Arc<Version>>>) -> Self {
        Self { objects, dialect, remembered }
    }

    /// A memory for versions.
    pub(super) fn memory() -> Arc<Memory<Arc<Version>>> {
        Arc::new(Memory::new(REMEMBERED))
    }

    /// The bytes of a version, where they have the size of a manifest.
    pub(super) fn bytes(&self, blob: &ObjectId) -> Result<Vec<u8>> {
        let size = self.objects.size(blob)?;
        if size > LARGEST_FILE {
            return Err(Error::TooLarge(format!("{blob} has {size} bytes, more than a manifest")));
        }
        self.objects.read(blob, Kind::Blob)
    }

    /// The documents of a file at the tip by ordinal; none where one cannot be read.
    pub(super) fn tip(&self, blob: &ObjectId) -> Result<Vec<Option<Tip>>> {
        let mut places = 0;
        let bytes = self.bytes(blob)?;
        let documents = document::documents(&bytes, self.dialect);
        let texts = document::texts(&bytes, &documents);
        let tips = documents.iter().zip(texts).map(|(read, text)| {
            let value = &read.as_ref().ok()?.value;
            let identity = identity(value, &mut places);
            Some(Tip { identity, meaning: document::meaning(value), text: text.map(digest), leaves: document::leaf_meanings(value) })
        });
        Ok(tips.collect())
    }

    /// What a file meant.
    pub(super) fn read(&self, blob: &ObjectId) -> Result<Arc<Version>> {
        if let Some(version) = self.remembered.get(blob) {
            return Ok(version);
        }
        let version = Arc::new(version(&self.bytes(blob)?, self.dialect));
        let size = 8 + version.documents.iter().map(|known| 8 + known.leaves.len()).sum::<usize>();
        self.remembered.keep(blob, Arc::clone(&version), size);
        Ok(version)
    }
}

/// By what a document is found again. `places` counts those that name nothing.
pub(super) fn identity(value: &serde_json::Value, places: &mut u32) -> Identity {
    match document::key(value) {
        Some(key) => Identity::Object(key),
        None => {
            *places += 1;
            Identity::Place(*places - 1)
        }
    }
}

fn digest(text: &[u8]) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(text).into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

fn version(bytes: &[u8], dialect: Dialect) -> Version {
    let mut version = Version::default();
    let mut places = 0;
    let documents = document::documents(bytes, dialect);
    let texts = document::texts(bytes, &documents);
    for (read, text) in documents.iter().zip(texts) {
        let Ok(document::Document { value, .. }) = read else {
            version.broken = true;
            continue;
        };
        let identity = identity(value, &mut places);
        let mut leaves = document::leaf_meanings(value);
        leaves.sort_unstable();
        let index = u32::try_from(version.documents.len()).expect("a file of 16 MiB has fewer documents");
        version.by_identity.entry(identity.clone()).or_default().push(index);
        version.documents.push(Known { identity, meaning: document::meaning(value), text: text.map(digest), leaves: leaves.into() });
    }
    version
}
