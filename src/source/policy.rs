//! What became of the file of a trust policy that is kept in a repository.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use super::commit::{commit, links};
use super::error::{Error, Result};
use super::git::Objects;
use super::history::Versioned;
use super::lineage::{Lineage, Since};
use super::listing::{Listings, Node};
use crate::model::commit::CommitId;
use crate::model::kept::{FileHistory, FileStep, KeptPolicy};

/// A larger file is no policy.
const LARGEST: u64 = 1 << 20;
/// All versions need no more memory than this; what comes later is not read.
const MOST_BYTES: u64 = 64 << 20;

/// A history, and the commits that are behind the anchor and not it.
pub(super) struct Kept {
    pub(super) file: FileHistory,
    pub(super) before: Vec<CommitId>,
}

/// Reads every version of the file behind the tip.
///
/// # Errors
/// Where the anchor is not behind the tip, a commit between is not there, or the repository cannot be read.
pub(super) fn kept(source: &Versioned, kept: &KeptPolicy, stop: &AtomicBool) -> Result<Kept> {
    let objects = source.layout.objects()?;
    let lineage = Lineage::of(&objects, source.tip, stop)?;
    let since = lineage.since(&kept.anchor, source.tip)?;
    let mut reader = Reader { listings: Listings::new(&objects), versions: Vec::new(), known: HashMap::new(), bytes: 0 };
    let mut file = FileHistory::default();
    for (number, Since { id, parents }) in (0..).zip(&since) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::TimedOut(0));
        }
        let version = reader.version(id, kept.path.as_bytes())?;
        let differs = |parent: &u32| file.steps[*parent as usize].version != version;
        if parents.iter().any(differs) {
            file.changing.insert(number, commit(id, &source.source, objects.read(id, Kind::Commit)?));
        }
        file.steps.push(FileStep { id: CommitId::new(id.to_string()), parents: parents.clone(), version });
    }
    file.versions = reader.versions;
    Ok(Kept { file, before: lineage.before(&kept.anchor) })
}

/// What stands at the path of the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Found {
    File(ObjectId),
    Not(String),
}

struct Reader<'a> {
    listings: Listings<'a>,
    versions: Vec<std::result::Result<Vec<u8>, String>>,
    known: HashMap<Found, u32>,
    bytes: u64,
}

impl Reader<'_> {
    fn version(&mut self, id: &ObjectId, path: &[u8]) -> Result<u32> {
        let found = self.find(id, path)?;
        if let Some(known) = self.known.get(&found) {
            return Ok(*known);
        }
        let version = u32::try_from(self.versions.len()).expect("there are no more of them than commits");
        let content = match &found {
            Found::File(blob) => self.content(blob)?,
            Found::Not(what) => Err(what.clone()),
        };
        self.versions.push(content);
        self.known.insert(found, version);
        Ok(version)
    }

    fn find(&self, id: &ObjectId, path: &[u8]) -> Result<Found> {
        Ok(match self.listings.find(&links(self.listings.objects, id)?.tree, path) {
            Ok(Some((Node::File, blob))) => Found::File(blob),
            Ok(Some((Node::Folder, _))) => Found::Not("it is a folder".to_owned()),
            Ok(Some((Node::Symlink, _))) => Found::Not("it is a symbolic link, which is not followed".to_owned()),
            Ok(Some((Node::Submodule, _))) => Found::Not("it is a submodule".to_owned()),
            Ok(None) => Found::Not("it is not there".to_owned()),
            Err(error) => Found::Not(unread(error)?),
        })
    }

    fn content(&mut self, blob: &ObjectId) -> Result<std::result::Result<Vec<u8>, String>> {
        let objects: &Objects = self.listings.objects;
        let size = match objects.size(blob) {
            Ok(size) => size,
            Err(error) => return unread(error).map(Err),
        };
        if size > LARGEST {
            return Ok(Err(format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        self.bytes += size;
        if self.bytes > MOST_BYTES {
            return Ok(Err(format!("its versions together are larger than {} MiB", MOST_BYTES >> 20)));
        }
        match objects.read(blob, Kind::Blob) {
            Ok(bytes) => Ok(Ok(bytes)),
            Err(error) => unread(error).map(Err),
        }
    }
}

/// Why a version cannot be read, where it is about that version alone.
fn unread(error: Error) -> Result<String> {
    match error {
        Error::Missing(_) | Error::Corrupt { .. } => Ok(error.to_string()),
        error => Err(error),
    }
}
