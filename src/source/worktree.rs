//! What of a working copy is not committed.
//!
//! Counted by looking at the files themselves: `git status` would start filters and fsmonitor programs that the repository's
//! configuration names. Nothing that is found here is judged; the count warns that the scan saw something else than the folder.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;

use gix::bstr::{BStr, ByteSlice as _};
use gix::glob::pattern::Case;
use gix::ignore::Search;
use gix::index::entry::Flags;

use super::error::{Error, Result};
use super::git::Layout;
use super::tree::{LARGEST_FILE, is_read};
use crate::model::declaration::{TreeEntry, TreePath};
use crate::model::text::RawText;

const DEEPEST: usize = 128;

/// Counts the paths of a working copy that differ from the files of its commit, among those a scan reads: changed, deleted,
/// and manifests that are not committed at all, unless they are ignored. `asked` is the folder or file that was asked for.
pub(super) fn uncommitted(layout: &Layout, asked: &[u8], whole: bool, files: &BTreeMap<TreePath, TreeEntry>) -> Result<usize> {
    let Some(folder) = &layout.work_dir else { return Ok(0) };
    let left_out = left_out(layout);
    let changed = files.iter().filter(|(path, entry)| is_changed(folder, path.as_bytes(), entry, &left_out)).count();
    let mut search = Search::default();
    if let Some(bytes) = small(&layout.exclude()) {
        add(&mut search, &bytes, &layout.exclude(), folder)?;
    }
    let mut walk = Walk { folder, asked, whole, files, search, found: 0 };
    walk.visit(b"", 0)?;
    Ok(changed + walk.found)
}

/// Paths that a sparse checkout leaves out on purpose. An index that cannot be read leaves nothing out.
fn left_out(layout: &Layout) -> HashSet<Vec<u8>> {
    let Ok(index) = gix::index::File::at(layout.index(), layout.hash(), true, Default::default()) else {
        return HashSet::new();
    };
    let entries = index.entries().iter().filter(|entry| entry.flags.contains(Flags::SKIP_WORKTREE));
    entries.map(|entry| entry.path(&index).to_vec()).collect()
}

fn is_changed(folder: &Path, path: &[u8], entry: &TreeEntry, left_out: &HashSet<Vec<u8>>) -> bool {
    let Ok(relative) = path.to_path() else { return false };
    let place = folder.join(relative);
    let Ok(data) = fs::symlink_metadata(&place) else { return !left_out.contains(path) };
    match entry {
        TreeEntry::Submodule(_) => false,
        TreeEntry::TooLarge(size) => data.len() != *size,
        TreeEntry::Symlink(target) => !fs::read_link(&place).is_ok_and(|found| found.as_os_str().as_encoded_bytes() == target.as_bytes()),
        TreeEntry::File { bytes, .. } => {
            !data.is_file() || (!is_filtered(bytes) && !read(&place).is_some_and(|found| is_same(&found, bytes)))
        }
    }
}

/// Whether the repository holds something else than the working copy by design: a pointer of Git LFS, a cipher of git-crypt.
fn is_filtered(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/") || bytes.starts_with(b"\0GITCRYPT\0")
}

/// Whether two texts are equal but for the ends of their lines, which a checkout may convert.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one == other || (one.contains(&b'\r') && one.replace("\r\n", "\n") == other.replace("\r\n", "\n"))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A regular file of a size that a list of patterns has.
fn small(path: &Path) -> Option<Vec<u8>> {
    let data = fs::symlink_metadata(path).ok()?;
    (data.is_file() && data.len() <= 1 << 20).then(|| read(path)).flatten()
}

fn add(search: &mut Search, bytes: &[u8], source: &Path, root: &Path) -> Result<()> {
    let io = |error| Error::Io { path: source.to_owned(), source: error };
    search.add_patterns_buffer(bytes, source, Some(root), Default::default()).map_err(io)
}

struct Walk<'a> {
    folder: &'a Path,
    asked: &'a [u8],
    whole: bool,
    files: &'a BTreeMap<TreePath, TreeEntry>,
    search: Search,
    found: usize,
}

impl Walk<'_> {
    fn visit(&mut self, path: &[u8], depth: usize) -> Result<()> {
        let Ok(relative) = path.to_path() else { return Ok(()) };
        let here = self.folder.join(relative);
        let nested = depth > 0 && here.join(".git").exists();
        if depth > DEEPEST || nested {
            return Ok(());
        }
        let ignore = here.join(".gitignore");
        if let Some(bytes) = small(&ignore) {
            add(&mut self.search, &bytes, &ignore, self.folder)?;
        }
        let io = |source| Error::Io { path: here.clone(), source };
        for entry in fs::read_dir(&here).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            let kind = entry.file_type().map_err(io)?;
            let path = if path.is_empty() { name.as_encoded_bytes().to_vec() } else { [path, b"/", name.as_encoded_bytes()].concat() };
            if name == ".git" || self.is_ignored(&path, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.visit(&path, depth + 1)?;
            } else if kind.is_file() && self.is_new(&path) {
                self.found += 1;
            }
        }
        Ok(())
    }

    fn is_new(&self, path: &[u8]) -> bool {
        super::tree::is_manifest(path) && is_read(self.asked, self.whole, path) && !self.files.contains_key(&RawText::from(path))
    }

    fn is_ignored(&self, path: &[u8], folder: bool) -> bool {
        self.search
            .pattern_matching_relative_path(BStr::new(path), Some(folder), Case::Sensitive)
            .is_some_and(|found| !found.pattern.is_negative())
    }
}
