//! What differs between the folders of two commits.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use gix::ObjectId;

use crate::source::error::{Error, Result};
use crate::source::listing::{Entry, Listing, Listings, Node};

const DEEPEST: usize = 128;

/// A path that differs.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: Box<[u8]>,
    /// The blob in the parent, where a file stands there.
    pub(super) before: Option<ObjectId>,
    /// The blob in the commit.
    pub(super) after: Option<ObjectId>,
}

/// Which paths are of interest.
pub(super) enum Interest<'a, T> {
    /// Those with open claims.
    Open(&'a BTreeMap<Box<[u8]>, T>),
    /// All.
    All,
}

impl<T> Interest<'_, T> {
    fn file(&self, path: &[u8]) -> bool {
        match self {
            Self::Open(open) => open.contains_key(path),
            Self::All => true,
        }
    }

    fn folder(&self, path: &[u8]) -> bool {
        let Self::Open(open) = self else { return true };
        let start = [path, b"/"].concat();
        let mut below = open.range::<[u8], _>((Bound::Included(&*start), Bound::Unbounded));
        below.next().is_some_and(|(path, _)| path.starts_with(&start))
    }
}

/// Compares two root folders.
pub(super) fn changes<T>(listings: &Listings<'_>, before: ObjectId, after: ObjectId, interest: &Interest<'_, T>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut compare = Compare { listings, interest, changes: &mut changes };
    if before != after {
        compare.folders(Some(before), Some(after), b"", 0)?;
    }
    Ok(changes)
}

struct Compare<'a, 'b, T> {
    listings: &'a Listings<'a>,
    interest: &'a Interest<'a, T>,
    changes: &'b mut Vec<Change>,
}

impl<T> Compare<'_, '_, T> {
    fn folders(&mut self, before: Option<ObjectId>, after: Option<ObjectId>, path: &[u8], depth: usize) -> Result<()> {
        if depth > DEEPEST {
            return Err(Error::TooLarge(format!("its folders lie more than {DEEPEST} deep")));
        }
        let read = |id: Option<ObjectId>| id.map(|id| self.listings.read(&id)).transpose();
        let none = Listing::default();
        let (before, after) = (read(before)?, read(after)?);
        let (before, after) = before.as_deref().unwrap_or(&none).differing(after.as_deref().unwrap_or(&none));
        let (mut before, mut after) = (before.peekable(), after.peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.name.cmp(other.name),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            self.entries(old, new, path, depth)?;
        }
    }

    fn entries(&mut self, before: Option<Entry<'_>>, after: Option<Entry<'_>>, folder: &[u8], depth: usize) -> Result<()> {
        let same = |before: Entry<'_>, after: Entry<'_>| before.id == after.id && before.node == after.node;
        let Some(entry) = before.or(after) else { return Ok(()) };
        if before.zip(after).is_some_and(|(before, after)| same(before, after)) {
            return Ok(());
        }
        let path: Box<[u8]> = if folder.is_empty() { entry.name.into() } else { [folder, b"/", entry.name].concat().into() };
        let of = |entry: Option<Entry<'_>>, node| entry.filter(|entry| entry.node == node).map(|entry| entry.id);
        let (old, new) = (of(before, Node::Folder), of(after, Node::Folder));
        if (old.is_some() || new.is_some()) && self.interest.folder(&path) {
            self.folders(old, new, &path, depth + 1)?;
        }
        let (before, after) = (of(before, Node::File), of(after, Node::File));
        if (before.is_some() || after.is_some()) && self.interest.file(&path) {
            self.changes.push(Change { path, before, after });
        }
        Ok(())
    }
}
