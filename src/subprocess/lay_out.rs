//! A tree written into a private folder, for a program that reads files.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::model::declaration::{Tree, TreeEntry, TreePath};

/// A folder that only we may enter and that vanishes with this value.
#[derive(Debug)]
pub struct LaidOut {
    folder: TempDir,
    /// What was not written, with the reason, in the order of paths.
    pub left_out: Vec<(TreePath, &'static str)>,
}

impl LaidOut {
    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The place of a path of the tree; `None` where the path could lead out of the folder.
    pub fn place(&self, path: &TreePath) -> Option<PathBuf> {
        relative(path.as_bytes()).map(|relative| self.folder.path().join(relative))
    }

    /// Replaces or adds a file.
    ///
    /// # Errors
    /// Where the path could lead out of the folder, or the file cannot be written.
    pub fn write(&self, path: &TreePath, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(path).ok_or(io::ErrorKind::InvalidInput)?;
        // Written anew, because writing into it would follow a link.
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => write_new(&place, bytes),
        }
    }
}

/// Writes the files of a tree that `wanted` names. Links are written only where they cannot lead out of the folder; no link is
/// followed while writing.
///
/// # Errors
/// Where the folder or a file in it cannot be written.
pub fn lay_out(tree: &Tree, wanted: impl Fn(&TreePath) -> bool) -> io::Result<LaidOut> {
    let folder = super::private_folder("kubewitness-tree-")?;
    let mut laid_out = LaidOut { folder, left_out: Vec::new() };
    let mut links = Vec::new();
    for (path, entry) in tree.files.iter().filter(|(path, _)| wanted(path)) {
        let Some(place) = laid_out.place(path) else {
            laid_out.left_out.push((path.clone(), "a path that could lead out of the tree"));
            continue;
        };
        match entry {
            TreeEntry::File { bytes, .. } => write_new(&place, bytes)?,
            TreeEntry::TooLarge(_) => laid_out.left_out.push((path.clone(), "larger than any manifest")),
            TreeEntry::Submodule(_) => laid_out.left_out.push((path.clone(), "a submodule")),
            TreeEntry::Symlink(target) if stays_inside(path.as_bytes(), target.as_bytes()) => links.push((place, target)),
            TreeEntry::Symlink(_) => laid_out.left_out.push((path.clone(), "a link that leads out of the tree")),
        }
    }
    // Last, so that no file is ever written through a link.
    for (place, target) in links {
        make_parents(&place)?;
        symlink(OsStr::from_bytes(target.as_bytes()), place)?;
    }
    Ok(laid_out)
}

fn make_parents(place: &Path) -> io::Result<()> {
    place.parent().map_or(Ok(()), |parent| DirBuilder::new().recursive(true).mode(0o700).create(parent))
}

fn write_new(place: &Path, bytes: &[u8]) -> io::Result<()> {
    make_parents(place)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(place)?.write_all(bytes)
}

fn is_plain(part: &[u8]) -> bool {
    !matches!(part, b"" | b"." | b"..") && !part.eq_ignore_ascii_case(b".git") && !part.contains(&0)
}

/// A path of a tree as a relative path without surprises.
fn relative(path: &[u8]) -> Option<&Path> {
    let fits = path.is_empty() || path.split(|byte| *byte == b'/').all(is_plain);
    fits.then(|| Path::new(OsStr::from_bytes(path)))
}

/// Whether a link at `path` cannot lead out: up through folders that are real, then down. A step up behind a step down could
/// climb out through another link.
fn stays_inside(path: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") {
        return false;
    }
    let depth = path.iter().filter(|byte| **byte == b'/').count();
    let parts: Vec<&[u8]> = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    let up = parts.iter().take_while(|part| **part == b"..").count();
    up <= depth && parts[up..].iter().all(|part| is_plain(part))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::{lay_out, stays_inside};
    use crate::model::declaration::{Tree, TreeEntry, TreePath};

    fn tree(entries: &[(&str, TreeEntry)]) -> Tree {
        Tree {
            source: "s".into(),
            url: "u".into(),
            requested: None,
            commit: None,
            shallow: false,
            uncommitted: 0,
            root: TreePath::default(),
            files: entries.iter().map(|(path, entry)| (TreePath::from(*path), entry.clone())).collect::<BTreeMap<_, _>>(),
        }
    }

    fn file(text: &str) -> TreeEntry {
        TreeEntry::File { blob: String::new(), bytes: text.as_bytes().into() }
    }

    fn link(target: &str) -> TreeEntry {
        TreeEntry::Symlink(target.into())
    }

    #[test]
    fn files_lie_in_a_private_folder_that_vanishes() {
        let laid_out = lay_out(&tree(&[("a/b.yaml", file("x")), ("c", file("y")), ("d", link("a/b.yaml"))]), |_| true).unwrap();
        let folder = laid_out.folder().to_owned();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(folder.join("d")).unwrap(), "x");
        laid_out.write(&"d".into(), b"z").unwrap();
        assert_eq!(fs::read_to_string(folder.join("a/b.yaml")).unwrap(), "x");
        drop(laid_out);
        assert!(!folder.exists());
    }

    #[test]
    fn hostile_paths_and_links_are_left_out() {
        let hostile = ["../x", "/x", "a/../../x", "a//b", ".git/config", "a/.GIT/hooks", "a/./b", "a\0b"];
        let mut entries: Vec<_> = hostile.iter().map(|path| (*path, file("x"))).collect();
        entries.push(("l", link("/etc/passwd")));
        entries.push(("z", TreeEntry::TooLarge(9)));
        let laid_out = lay_out(&tree(&entries), |_| true).unwrap();
        assert_eq!(laid_out.left_out.len(), entries.len());
        assert_eq!(fs::read_dir(laid_out.folder()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_may_go_up_only_first_and_not_out() {
        assert!(stays_inside(b"a/b/l", b"../../c/d"));
        assert!(stays_inside(b"a/l", b"./x//y"));
        for (path, target) in [("l", ".."), ("a/l", "../../x"), ("a/l", "b/../x"), ("l", "/x"), ("l", ""), ("l", ".git/config")] {
            assert!(!stays_inside(path.as_bytes(), target.as_bytes()), "{path} -> {target}");
        }
    }

    #[test]
    fn only_what_is_wanted_is_written() {
        let laid_out = lay_out(&tree(&[("a", file("x")), ("b", file("y"))]), |path| path.as_bytes() == b"a").unwrap();
        assert!(!laid_out.folder().join("b").exists());
    }
}
