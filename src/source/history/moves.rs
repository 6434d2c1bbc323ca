//! Documents that were in another file before.

use std::collections::HashMap;

use gix::ObjectId;

use super::trees::{Change, Interest, changes};
use super::version::{Identity, Sought, Versions};
use crate::document::DocumentKey;
use crate::source::error::Result;
use crate::source::listing::Listings;
use crate::source::tree::is_manifest;

/// Where a document was in the parent, if it left that file in the commit.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: Box<[u8]>,
    pub(super) blob: ObjectId,
}

/// The documents that left their files between a parent and a commit.
///
/// A file that still names the object lost nothing: the document was copied then, and who copies is an author.
#[derive(Debug, Default)]
pub(super) struct Moves {
    objects: HashMap<DocumentKey, Vec<Place>>,
    nameless: HashMap<[u8; 32], Place>,
    /// Files with a part that cannot be read, and their bytes in the parent and the commit.
    broken: Vec<(Place, Vec<u8>, Vec<u8>)>,
}

impl Moves {
    /// Compares the files that differ between two root folders.
    pub(super) fn between(listings: &Listings<'_>, versions: &Versions<'_>, before: ObjectId, after: ObjectId) -> Result<Self> {
        let mut moves = Self::default();
        for change in changes(listings, before, after, &Interest::<()>::All)? {
            if let Change { path, before: Some(before), after } = change
                && is_manifest(&path)
            {
                moves.add(versions, Place { path, blob: before }, after)?;
            }
        }
        Ok(moves)
    }

    fn add(&mut self, versions: &Versions<'_>, place: Place, after: Option<ObjectId>) -> Result<()> {
        let old = versions.read(&place.blob)?;
        let new = after.map(|blob| versions.read(&blob)).transpose()?.unwrap_or_default();
        for key in old.objects().filter(|key| !new.names(key)) {
            self.objects.entry(key.clone()).or_default().push(place.clone());
        }
        for meaning in old.nameless().filter(|meaning| !new.nameless().any(|other| other == *meaning)) {
            self.nameless.entry(*meaning).or_insert_with(|| place.clone());
        }
        if old.broken {
            let after = after.map(|blob| versions.bytes(&blob)).transpose()?.unwrap_or_default();
            let before = versions.bytes(&place.blob)?;
            self.broken.push((place, before, after));
        }
        Ok(())
    }

    /// The best place a document may have come from: one where it meant the same, else the first by path. Files of a mass
    /// rename often hold documents that name the same object in different folders.
    pub(super) fn place(&self, versions: &Versions<'_>, sought: &Sought, path: &[u8]) -> Result<Option<Place>> {
        let Identity::Object(key) = &sought.identity else { return Ok(self.nameless.get(&sought.meaning).cloned()) };
        let Some(places) = self.objects.get(key) else { return Ok(None) };
        let name = |path: &[u8]| path.rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec);
        let mut best: Option<(bool, bool, &Place)> = None;
        for place in places {
            let version = versions.read(&place.blob)?;
            let means = version.find(sought).is_some_and(|found| found.means(&sought.meaning));
            let same_name = name(&place.path) == name(path);
            if best.as_ref().is_none_or(|(best_means, best_name, _)| (means, same_name) > (*best_means, *best_name)) {
                best = Some((means, same_name, place));
            }
        }
        Ok(best.map(|(_, _, place)| place.clone()))
    }

    /// A file that could have held the document but cannot be read: it mentions kind and name, and no longer does.
    pub(super) fn suspect(&self, identity: &Identity) -> Option<Place> {
        let Identity::Object(key) = identity else { return None };
        let mentions = |bytes: &[u8]| contains(bytes, key.kind.as_bytes()) && contains(bytes, key.name.as_bytes());
        self.broken.iter().find(|(_, before, after)| mentions(before) && !mentions(after)).map(|(place, _, _)| place.clone())
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    gix::bstr::ByteSlice::contains_str(bytes, text)
}
