//! Folders of a repository: tree objects, read once and remembered.

use std::ops::Range;
use std::sync::Arc;

use gix::objs::Kind;
use gix::{ObjectId, oid};

use super::error::{Error, Result};
use super::git::Objects;
use super::memory::Memory;

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
#[derive(Debug, Default)]
pub(super) struct Listing {
    bytes: Vec<u8>,
    entries: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    /// Where the entry begins, and where its name stands; objects are never larger than four GiB.
    start: u32,
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

    /// The entries of both that are not equal for being equal bytes at one place: of the folders that a commit changes most
    /// entries are, and need not be looked at.
    pub(super) fn differing<'a>(&'a self, other: &'a Self) -> (impl Iterator<Item = Entry<'a>>, impl Iterator<Item = Entry<'a>>) {
        let (first, last) = self.span(other);
        let of = move |listing: &'a Self| {
            let is_inside = move |stored: &&Stored| stored.start < last && stored.end() > first;
            listing.entries.iter().filter(is_inside).map(|stored| listing.entry(stored))
        };
        (of(self), of(other))
    }

    /// Before the first of these places, and from the second on, both have the same entries.
    fn span(&self, other: &Self) -> (usize, u32) {
        let first = same(self.bytes.chunks(BLOCK).zip(other.bytes.chunks(BLOCK)), self.bytes.iter().zip(&other.bytes));
        if self.bytes.len() != other.bytes.len() {
            return (first, u32::MAX);
        }
        let rest = self.bytes.len()
            - same(self.bytes.rchunks(BLOCK).zip(other.bytes.rchunks(BLOCK)), self.bytes.iter().rev().zip(other.bytes.iter().rev()));
        // Equal bytes are equal entries only from where both begin one.
        let begins = self.entries.iter().map(|stored| stored.start).filter(|start| *start as usize >= rest).min();
        let last = begins.filter(|start| other.entries.iter().any(|stored| stored.start == *start));
        (first, last.unwrap_or(u32::MAX))
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

impl Stored {
    fn end(&self) -> usize {
        self.name.end as usize + 1 + self.id.as_bytes().len()
    }
}

/// Bytes are compared in blocks of so many.
const BLOCK: usize = 64;

/// How many bytes are the same on both sides: whole blocks, and then byte by byte.
fn same<'a>(blocks: impl Iterator<Item = (&'a [u8], &'a [u8])>, bytes: impl Iterator<Item = (&'a u8, &'a u8)>) -> usize {
    let whole: usize = blocks.take_while(|(one, other)| one == other).map(|(block, _)| block.len()).sum();
    whole + bytes.skip(whole).take_while(|(one, other)| one == other).count()
}

/// So many entries are remembered, 64 bytes and a name each.
const REMEMBERED: usize = 1_000_000;

/// Reads folders and remembers them by id: neighbouring commits share nearly all.
pub(super) struct Listings<'a> {
    pub(super) objects: &'a Objects,
    remembered: Arc<Memory<Arc<Listing>>>,
}

impl<'a> Listings<'a> {
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self::sharing(objects, Self::memory())
    }

    /// With what other threads read, too.
    pub(super) fn sharing(objects: &'a Objects, remembered: Arc<Memory<Arc<Listing>>>) -> Self {
        Self { objects, remembered }
    }

    /// A memory for folders.
    pub(super) fn memory() -> Arc<Memory<Arc<Listing>>> {
        Arc::new(Memory::new(REMEMBERED))
    }

    /// The folder with this id.
    pub(super) fn read(&self, id: &oid) -> Result<Arc<Listing>> {
        if let Some(listing) = self.remembered.get(id) {
            return Ok(listing);
        }
        let bytes = self.objects.read(id, Kind::Tree)?;
        let damaged = |problem: &str| Error::Corrupt { id: id.to_string(), problem: problem.to_owned() };
        let listing = Arc::new(parse(bytes, id.as_bytes().len()).map_err(damaged)?);
        self.remembered.keep(id, Arc::clone(&listing), listing.len());
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
        entries.push(Stored {
            start: place(0)?,
            name: place(space + 1)?..place(end)?,
            node: node(&rest[..space])?,
            id: ObjectId::from_bytes_or_panic(id),
        });
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

    fn raw(mode: &str, name: &str, id: u8) -> Vec<u8> {
        [mode.as_bytes(), b" ", name.as_bytes(), &[0], &[id; 20]].concat()
    }

    #[test]
    fn only_what_differs_is_looked_at() {
        let names = |before: &[Vec<u8>], after: &[Vec<u8>]| {
            let (before, after) = (parse(before.concat(), 20).unwrap(), parse(after.concat(), 20).unwrap());
            let (old, new) = before.differing(&after);
            let name = |entry: super::Entry<'_>| String::from_utf8(entry.name.to_vec()).unwrap();
            (old.map(name).collect::<Vec<_>>().join(" "), new.map(name).collect::<Vec<_>>().join(" "))
        };
        let told = |before: &str, after: &str| (before.to_owned(), after.to_owned());
        let of =
            |ids: [u8; 4]| -> Vec<Vec<u8>> { ["a", "b", "c", "d"].iter().zip(ids).map(|(name, id)| raw("100644", name, id)).collect() };
        assert_eq!(names(&of([1, 2, 3, 4]), &of([1, 2, 3, 4])), told("", ""));
        assert_eq!(names(&of([1, 2, 3, 4]), &of([1, 9, 3, 4])), told("b", "b"));
        assert_eq!(names(&of([1, 2, 3, 4]), &of([9, 2, 3, 8])), told("a b c d", "a b c d"));
        assert_eq!(names(&of([1, 2, 3, 4]), &of([1, 2, 3, 4])[..3]), told("d", ""));
        assert_eq!(names(&of([1, 2, 3, 4]), &of([1, 2, 3, 4])[1..]), told("a b c d", "b c d"));
    }

    #[test]
    fn equal_bytes_that_are_no_equal_entries_are_looked_at() {
        // The name of the one ends as the second entry of the other begins.
        let one = parse(raw("100644", &("x".repeat(22) + "100644 c"), 5), 20).unwrap();
        let other = parse([raw("100644", "b", 4), raw("100644", "c", 5)].concat(), 20).unwrap();
        assert_eq!(one.bytes.len(), other.bytes.len());
        let (old, new) = one.differing(&other);
        assert_eq!((old.count(), new.count()), (1, 2));
        let (old, new) = other.differing(&one);
        assert_eq!((old.count(), new.count()), (2, 1));
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
