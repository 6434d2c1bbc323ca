//! The files of a source at one revision.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::Kind;

use super::error::{Error, Result};
use super::git::Objects;
use super::listing::{Listings, Node};
use super::submodules;
use crate::model::declaration::{Submodule, TreeEntry, TreePath};
use crate::model::text::RawText;

/// A file larger than this is no manifest.
pub(super) const LARGEST_FILE: u64 = 16 << 20;
/// What all files of a source may hold together.
const LARGEST_SOURCE: u64 = 1 << 30;
/// So many files may lie in a source: folders that hold the same folder ten times, ten levels deep, end here.
const MOST_FILES: usize = 1_000_000;
const DEEPEST: usize = 128;

/// The files of a source.
pub(super) struct Files {
    /// The folder among them that declares objects.
    pub(super) root: TreePath,
    /// Whether everything was read, and not only manifests below the root.
    pub(super) whole: bool,
    pub(super) entries: BTreeMap<TreePath, TreeEntry>,
}

/// Something that lies in a source, not read yet.
struct Found<T> {
    path: Vec<u8>,
    node: Node,
    /// Where to read it.
    handle: T,
}

/// Whether kubectl would read a file as a manifest.
pub(super) fn is_manifest(path: &[u8]) -> bool {
    [&b".yaml"[..], b".yml", b".json"].iter().any(|ending| path.ends_with(ending))
}

fn is_kustomization(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    matches!(name, b"kustomization.yaml" | b"kustomization.yml" | b"Kustomization")
}

fn is_below(root: &[u8], path: &[u8]) -> bool {
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// A path from the settings: relative, with `/`, without `.` and never outside.
pub(super) fn clean(path: &str) -> Result<Vec<u8>> {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return Err(Error::PathNotFound { path: path.to_owned(), place: "the source: it must not lead out with `..`".into() });
        }
        parts.push(part);
    }
    Ok(parts.join("/").into_bytes())
}

/// Whether what was found below a root needs the whole source: bases and components may lie anywhere in it.
fn needs_all<T>(found: &[Found<T>]) -> bool {
    found.iter().any(|found| found.node == Node::File && is_kustomization(&found.path))
}

/// Reads the files of a commit.
pub(super) fn of_commit(objects: &Objects, tree: &ObjectId, path: &[u8], place: &str) -> Result<Files> {
    let listings = Listings::new(objects);
    let Some((node, id)) = listings.find(tree, path)? else { return Err(nothing_at(objects, &listings, tree, path, place)) };
    let mut found = Vec::new();
    match node {
        Node::Folder => list(&listings, &id, path, 0, &mut found)?,
        node => found.push(Found { path: path.to_vec(), node, handle: id }),
    }
    let all = needs_all(&found);
    if all && !path.is_empty() {
        found.clear();
        list(&listings, tree, b"", 0, &mut found)?;
    }
    let submodules =
        if found.iter().any(|found| found.node == Node::Submodule) { submodules::urls(objects, &listings, tree) } else { HashMap::new() };
    let mut total = 0;
    let mut seen = HashMap::new();
    let mut files = BTreeMap::new();
    for found in found.into_iter().filter(|found| all || found.node != Node::File || is_manifest(&found.path)) {
        let entry = match found.node {
            Node::Submodule | Node::Folder => {
                TreeEntry::Submodule(Submodule { commit: found.handle.to_string(), url: submodules.get(&found.path).cloned() })
            }
            Node::Symlink => TreeEntry::Symlink(RawText::from(objects.read(&found.handle, Kind::Blob)?)),
            Node::File => entry_of(objects, found.handle, &mut total, &mut seen)?,
        };
        files.insert(RawText::from(found.path), entry);
    }
    Ok(Files { root: root_of(path, node), whole: all, entries: files })
}

/// Nothing is at a path, or what is there lies in another repository.
fn nothing_at(objects: &Objects, listings: &Listings<'_>, tree: &ObjectId, path: &[u8], place: &str) -> Error {
    let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end]);
    for folder in above {
        if let Ok(Some((Node::Submodule, id))) = listings.find(tree, folder) {
            let submodule = Submodule { commit: id.to_string(), url: submodules::urls(objects, listings, tree).remove(folder) };
            let (path, folder) = (path.to_str_lossy().into_owned(), folder.to_str_lossy().into_owned());
            return Error::InSubmodule { path, folder, submodule };
        }
    }
    Error::PathNotFound { path: path.to_str_lossy().into_owned(), place: place.to_owned() }
}

/// A file that is named instead of a folder declares what it holds; its folder is the root then.
fn root_of(path: &[u8], node: Node) -> TreePath {
    if node == Node::Folder {
        return RawText::from(path);
    }
    RawText::from(path.rfind_byte(b'/').map_or(&b""[..], |slash| &path[..slash]))
}

/// A file.
fn entry_of(objects: &Objects, id: ObjectId, total: &mut u64, seen: &mut HashMap<ObjectId, Arc<[u8]>>) -> Result<TreeEntry> {
    if let Some(bytes) = seen.get(&id) {
        return Ok(TreeEntry::File { blob: id.to_string(), bytes: bytes.clone() });
    }
    let size = objects.size(&id)?;
    if size > LARGEST_FILE {
        return Ok(TreeEntry::TooLarge(size));
    }
    add(total, size)?;
    let bytes: Arc<[u8]> = objects.read(&id, Kind::Blob)?.into();
    seen.insert(id, bytes.clone());
    Ok(TreeEntry::File { blob: id.to_string(), bytes })
}

fn add(total: &mut u64, size: u64) -> Result<()> {
    *total += size;
    if *total > LARGEST_SOURCE {
        return Err(Error::TooLarge("its files are larger than 1 GiB together; name the path that declares objects".into()));
    }
    Ok(())
}

fn check_size<T>(found: &[Found<T>], depth: usize) -> Result<()> {
    if found.len() > MOST_FILES {
        return Err(Error::TooLarge(format!("it holds more than {MOST_FILES} files; name the path that declares objects")));
    }
    if depth > DEEPEST {
        return Err(Error::TooLarge(format!("its folders lie more than {DEEPEST} deep")));
    }
    Ok(())
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

fn list(listings: &Listings<'_>, id: &ObjectId, path: &[u8], depth: usize, found: &mut Vec<Found<ObjectId>>) -> Result<()> {
    for entry in listings.read(id)?.iter() {
        let path = joined(path, entry.name);
        if entry.node == Node::Folder {
            list(listings, &entry.id, &path, depth + 1, found)?;
        } else {
            found.push(Found { path, node: entry.node, handle: entry.id });
        }
        check_size(found, depth)?;
    }
    Ok(())
}

/// Reads the files of a folder that is not versioned, or of one file.
pub(super) fn of_folder(folder: &Path, path: &[u8]) -> Result<Files> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let below =
        path.to_path().map_err(|_| Error::PathNotFound { path: path.to_str_lossy().into_owned(), place: folder.display().to_string() })?;
    let start = folder.join(below);
    let node = match fs::symlink_metadata(&start) {
        Ok(data) if data.is_dir() => Node::Folder,
        Ok(_) => Node::File,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let (path, place) = (path.to_str_lossy().into_owned(), folder.display().to_string());
            return Err(Error::PathNotFound { path, place });
        }
        Err(error) => return Err(io(&start)(error)),
    };
    let mut found = Vec::new();
    walk(&start, path, 0, &mut found)?;
    let all = needs_all(&found);
    if all && !path.is_empty() {
        found.clear();
        walk(folder, b"", 0, &mut found)?;
    }
    let mut total = 0;
    let mut files = BTreeMap::new();
    for found in found.into_iter().filter(|found| all || found.node != Node::File || is_manifest(&found.path)) {
        files.insert(RawText::from(found.path), read_file(&found.handle, found.node, &mut total)?);
    }
    Ok(Files { root: root_of(path, node), whole: all, entries: files })
}

fn read_file(path: &Path, node: Node, total: &mut u64) -> Result<TreeEntry> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    if node == Node::Symlink {
        let target = fs::read_link(path).map_err(io)?;
        return Ok(TreeEntry::Symlink(RawText::from(target.as_os_str().as_encoded_bytes())));
    }
    let size = fs::symlink_metadata(path).map_err(io)?.len();
    if size > LARGEST_FILE {
        return Ok(TreeEntry::TooLarge(size));
    }
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(io)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
    add(total, bytes.len() as u64)?;
    Ok(TreeEntry::File { blob: String::new(), bytes: bytes.into() })
}

/// Lists what lies in a folder. Symbolic links are not followed; pipes, sockets and devices are not opened and not listed;
/// `.git` is none of the files.
fn walk(start: &Path, path: &[u8], depth: usize, found: &mut Vec<Found<std::path::PathBuf>>) -> Result<()> {
    let io = |source| Error::Io { path: start.to_owned(), source };
    let kind = fs::symlink_metadata(start).map_err(io)?.file_type();
    if !kind.is_dir() {
        let node = if kind.is_symlink() { Node::Symlink } else { Node::File };
        if kind.is_file() || kind.is_symlink() {
            let name = start.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
            let path = if path.is_empty() { name } else { path.to_vec() };
            found.push(Found { path, node, handle: start.to_owned() });
        }
        return Ok(());
    }
    let mut names = fs::read_dir(start).map_err(io)?.collect::<std::io::Result<Vec<_>>>().map_err(io)?;
    names.sort_by_key(std::fs::DirEntry::file_name);
    for entry in names.into_iter().filter(|entry| entry.file_name() != ".git") {
        walk(&entry.path(), &joined(path, entry.file_name().as_encoded_bytes()), depth + 1, found)?;
        check_size(found, depth)?;
    }
    Ok(())
}

/// Whether a path is among those that were read for a source.
pub(super) fn is_read(asked: &[u8], whole: bool, path: &[u8]) -> bool {
    whole || (is_below(asked, path) && is_manifest(path))
}

#[cfg(test)]
mod tests {
    use super::{clean, is_below, is_kustomization};

    #[test]
    fn paths_of_settings_are_cleaned_and_stay_inside() {
        assert_eq!(clean("./clusters//prod/").unwrap(), b"clusters/prod");
        assert_eq!(clean("/").unwrap(), b"");
        assert!(clean("a/../../b").is_err());
    }

    #[test]
    fn a_neighbour_with_the_same_beginning_is_not_below() {
        assert!(is_below(b"apps", b"apps/web.yaml") && is_below(b"", b"x"));
        assert!(!is_below(b"apps", b"apps-old/web.yaml"));
    }

    #[test]
    fn kustomizations_are_known_by_their_three_names() {
        assert!(is_kustomization(b"a/kustomization.yaml") && is_kustomization(b"Kustomization"));
        assert!(!is_kustomization(b"a/my-kustomization.yaml"));
    }
}
