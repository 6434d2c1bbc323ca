//! Folders of a repository: tree objects, read once and remembered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use gix::objs::Kind;
use gix::{ObjectId, oid};

use super::error::{Error, Result};
use super::git::Objects;

/// What a name in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File,
    Symlink,
    Submodule,
    Folder,
}

/// A name in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) node: Node,
    pub(super) id: ObjectId,
}

/// A folder, sorted by the bytes of its names, each of which stands there once. The names lie in the object as it is stored: one
/// piece of memory for all of them, since a walk reads tens of thousands of folders.
#[derive(Debug)]
pub(super) struct Listing {
    bytes: Vec<u8>,
    entries: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    /// Where the name stands; objects are never larger than four GiB.
    name: Range<u32>,
    node: Node,
    id: ObjectId,
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        self.entries.iter().map(|stored| self.entry(stored))
    }

    /// Looks a name up.
    pub(super) fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        let index = self.entries.binary_search_by(|stored| self.name(stored).cmp(name)).ok()?;
        Some(self.entry(&self.entries[index]))
    }

    fn entry(&self, stored: &Stored) -> Entry<'_> {
        Entry { name: self.name(stored), node: stored.node, id: stored.id }
    }

    fn name(&self, stored: &Stored) -> &[u8] {
        &self.bytes[stored.name.start as usize..stored.name.end as usize]
    }
}

/// So many entries are remembered before the memory starts afresh; 64 bytes and a name each.
const REMEMBERED: usize = 1_000_000;

/// Reads folders and remembers them by id: neighbouring commits share nearly all.
pub(super) struct Listings<'a> {
    pub(super) objects: &'a Objects,
    remembered: RefCell<(HashMap<ObjectId, Arc<Listing>>, usize)>,
}

impl<'a> Listings<'a> {
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self { objects, remembered: RefCell::default() }
    }

    /// The folder with this id.
    pub(super) fn read(&self, id: &oid) -> Result<Arc<Listing>> {
        if let Some(listing) = self.remembered.borrow().0.get(id) {
            return Ok(listing.clone());
        }
        let bytes = self.objects.read(id, Kind::Tree)?;
        let damaged = |problem: &str| Error::Corrupt { id: id.to_string(), problem: problem.to_owned() };
        let listing = Arc::new(parse(bytes, id.as_bytes().len()).map_err(damaged)?);
        let mut remembered = self.remembered.borrow_mut();
        if remembered.1 + listing.len() > REMEMBERED {
            *remembered = Default::default();
        }
        remembered.1 += listing.len();
        remembered.0.insert(id.to_owned(), listing.clone());
        Ok(listing)
    }

    /// What stands at a path below a folder; the folder itself at the empty path. `None` where nothing does, and behind
    /// everything that is no folder: symbolic links lead nowhere.
    pub(super) fn find(&self, root: &oid, path: &[u8]) -> Result<Option<(Node, ObjectId)>> {
        let mut here = (Node::Folder, root.to_owned());
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            if here.0 != Node::Folder {
                return Ok(None);
            }
            match self.read(&here.1)?.find(name) {
                Some(found) => here = (found.node, found.id),
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }
}

/// `mode SP name NUL id`, again and again. <https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>
///
/// Names that Git itself refuses to check out make the whole folder unreadable: to leave one out would hide what it declares.
fn parse(bytes: Vec<u8>, hash_length: usize) -> std::result::Result<Listing, &'static str> {
    const CUT: &str = "its list of names is cut off";
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or(CUT)?;
        let end = space + rest[space..].iter().position(|byte| *byte == 0).ok_or(CUT)?;
        let name = &rest[space + 1..end];
        if matches!(name, b"" | b"." | b"..") || name.eq_ignore_ascii_case(b".git") || name.contains(&b'/') {
            return Err("it holds a name that leads elsewhere");
        }
        let id = rest.get(end + 1..end + 1 + hash_length).ok_or(CUT)?;
        let place = |offset: usize| u32::try_from(at + offset).map_err(|_| "it is too large");
        entries.push(Stored { name: place(space + 1)?..place(end)?, node: node(&rest[..space])?, id: ObjectId::from_bytes_or_panic(id) });
        at += end + 1 + hash_length;
    }
    let name = |stored: &Stored| &bytes[stored.name.start as usize..stored.name.end as usize];
    // Git sorts folders as if their names ended in a slash.
    entries.sort_by(|one, other| name(one).cmp(name(other)));
    if entries.windows(2).any(|pair| name(&pair[0]) == name(&pair[1])) {
        return Err("it holds a name twice");
    }
    Ok(Listing { bytes, entries })
}

fn node(mode: &[u8]) -> std::result::Result<Node, &'static str> {
    match mode {
        b"40000" | b"040000" => Ok(Node::Folder),
        b"120000" => Ok(Node::Symlink),
        b"160000" => Ok(Node::Submodule),
        // Old versions of Git wrote group permissions too.
        [b'1', b'0', b'0', _, _, _] => Ok(Node::File),
        _ => Err("it holds something of an unknown kind"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, parse};

    fn entry(mode: &str, name: &str) -> Vec<u8> {
        [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[7; 20]].concat()
    }

    #[test]
    fn names_are_sorted_by_their_bytes() {
        let listing = parse([entry("100644", "a.yaml"), entry("40000", "a"), entry("120000", "a-link")].concat(), 20).unwrap();
        let names: Vec<_> = listing.iter().map(|entry| (std::str::from_utf8(entry.name).unwrap(), entry.node)).collect();
        assert_eq!(names, [("a", Node::Folder), ("a-link", Node::Symlink), ("a.yaml", Node::File)]);
    }

    #[test]
    fn hostile_names_make_a_folder_unreadable() {
        for name in ["", ".", "..", ".git", ".GIT", "a/b"] {
            assert!(parse(entry("100644", name), 20).is_err(), "{name:?}");
        }
        assert!(parse([entry("100644", "a"), entry("40000", "a")].concat(), 20).is_err());
    }

    #[test]
    fn cut_off_folders_are_told() {
        let whole = entry("100644", "a.yaml");
        for length in 1..whole.len() {
            assert!(parse(whole[..length].to_vec(), 20).is_err(), "{length}");
        }
    }
}
