//! A Git repository as a heap of objects and names, and nothing else.
//!
//! A repository that is read here may belong to anybody. So its configuration is not loaded at all (two words of it are looked at:
//! the kind of hash, and whether there is a remote), no program is started, no hook, filter, pager or fsmonitor has a way in, and what Git lets a repository say
//! about its own history is not asked: neither replace references nor grafts nor a commit-graph. Every object is hashed when it
//! is read; one whose content does not belong to its id does not exist for us. For the same reason it does not matter who owns
//! the folder (Git's `safe.directory`): a scanner in a container reads volumes that others wrote, and ownership protects against
//! the execution of configuration, which does not happen here. Alternates are followed, as `git clone --shared` needs them: they
//! add objects, which are found by their hash only and so cannot change what an id means.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use gix::objs::{Find as _, FindHeader as _, Kind};
use gix::{ObjectId, oid};

use super::error::{Error, Result};

/// No object that is read whole may need more memory than this: a bomb stays a told error.
const LARGEST_OBJECT: usize = 512 << 20;
/// Objects are kept as differences to others; so many bytes of those are remembered.
const DELTA_BASES: usize = 96 << 20;
const LARGEST_CONFIG: u64 = 1 << 20;

/// Where the parts of a repository lie. Cheap to keep and to send; objects are opened where they are read.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Holds `HEAD`: `.git`, a bare repository, or the private folder of a linked work tree.
    git_dir: PathBuf,
    /// Holds objects and references.
    common_dir: PathBuf,
    /// The checked-out files. Absent for a bare repository.
    pub(super) work_dir: Option<PathBuf>,
    hash: gix::hash::Kind,
    is_clone: bool,
}

impl Layout {
    /// Finds the repository at a folder: `None` where there is no sign of one.
    pub(super) fn at(folder: &Path) -> Result<Option<Self>> {
        let dot_git = folder.join(".git");
        if dot_git.is_file() {
            return Self::of(linked(&dot_git)?, Some(folder.to_owned())).map(Some);
        }
        if dot_git.is_dir() {
            return Self::of(dot_git, Some(folder.to_owned())).map(Some);
        }
        if folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir() {
            return Self::of(folder.to_owned(), None).map(Some);
        }
        Ok(None)
    }

    /// Finds the repository whose work tree holds the folder, and the folder's place in it. The nearest one wins, as in Git.
    pub(super) fn around(folder: &Path) -> Result<Option<(Self, PathBuf)>> {
        for (depth, ancestor) in folder.ancestors().enumerate() {
            if depth > 0 && !ancestor.join(".git").exists() {
                continue;
            }
            if let Some(layout) = Self::at(ancestor)? {
                let below = folder.strip_prefix(ancestor).expect("an ancestor is a prefix").to_owned();
                return Ok(Some((layout, below)));
            }
        }
        Ok(None)
    }

    fn of(git_dir: PathBuf, work_dir: Option<PathBuf>) -> Result<Self> {
        let problem = |problem: &str| Error::NotARepository { path: git_dir.clone(), problem: problem.to_owned() };
        let common_dir = match fs::read_to_string(git_dir.join("commondir")) {
            Ok(text) => git_dir.join(text.trim_end_matches(['\n', '\r'])),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => git_dir.clone(),
            Err(source) => return Err(Error::Io { path: git_dir.join("commondir"), source }),
        };
        if !git_dir.join("HEAD").exists() {
            return Err(problem("it has no HEAD"));
        }
        if !common_dir.join("objects").is_dir() {
            return Err(problem("it has no folder objects"));
        }
        let Format { hash, reftable, is_clone } = format_of(&common_dir.join("config"));
        if reftable {
            return Err(problem("its references are kept as reftable, which is not read yet; run `git refs migrate --ref-format=files`"));
        }
        Ok(Self { git_dir, common_dir, work_dir, hash, is_clone })
    }

    /// The commits whose parents were not fetched.
    pub(super) fn shallow(&self) -> Result<HashSet<ObjectId>> {
        let path = self.common_dir.join("shallow");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
            Err(source) => return Err(Error::Io { path, source }),
        };
        let id = |line: &str| {
            let problem = || Error::NotARepository { path: path.clone(), problem: "it is no list of commits".into() };
            ObjectId::from_hex(line.trim().as_bytes()).map_err(|_| problem())
        };
        text.lines().filter(|line| !line.trim().is_empty()).map(id).collect()
    }

    /// The file that remembers what is staged.
    pub(super) fn index(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    /// The ignore patterns of this clone.
    pub(super) fn exclude(&self) -> PathBuf {
        self.common_dir.join("info").join("exclude")
    }

    /// The folder that people call the repository.
    pub(super) fn home(&self) -> &Path {
        self.work_dir.as_deref().unwrap_or(&self.git_dir)
    }

    /// Whether a path lies in the repository or in its checked-out files.
    pub(super) fn holds(&self, path: &Path) -> bool {
        // That of a linked worktree is named by way of the worktree.
        let is_in =
            |folder: &PathBuf| path.starts_with(folder) || std::fs::canonicalize(folder).is_ok_and(|folder| path.starts_with(folder));
        [Some(&self.git_dir), Some(&self.common_dir), self.work_dir.as_ref()].into_iter().flatten().any(is_in)
    }

    /// The hash that names objects.
    pub(super) fn hash(&self) -> gix::hash::Kind {
        self.hash
    }

    /// Whether it names a remote, which may have branches that were not fetched.
    pub(super) fn is_clone(&self) -> bool {
        self.is_clone
    }

    /// The references.
    pub(super) fn references(&self) -> gix::refs::file::Store {
        gix::refs::file::Store::for_linked_worktree(self.git_dir.clone(), self.common_dir.clone(), self.hash)
    }

    /// Opens the objects.
    pub(super) fn objects(&self) -> Result<Objects> {
        let path = self.common_dir.join("objects");
        let options = gix::odb::store::init::Options { alloc_limit_bytes: Some(LARGEST_OBJECT), ..Default::default() };
        // No replacements are handed over: an id means its own content (provenance.md T57).
        match gix::odb::at_opts(path.clone(), self.hash, None, options) {
            Ok(mut database) => {
                database.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(DELTA_BASES)));
                Ok(Objects { database })
            }
            Err(source) => Err(Error::Io { path, source }),
        }
    }
}

/// The folder that a `.git` file names.
fn linked(dot_git: &Path) -> Result<PathBuf> {
    let io = |source| Error::Io { path: dot_git.to_owned(), source };
    if fs::metadata(dot_git).map_err(io)?.len() > LARGEST_CONFIG {
        return Err(Error::NotARepository { path: dot_git.to_owned(), problem: "it is too large for a link".into() });
    }
    let text = fs::read_to_string(dot_git).map_err(io)?;
    let Some(target) = text.strip_prefix("gitdir:") else {
        return Err(Error::NotARepository { path: dot_git.to_owned(), problem: "it names no gitdir".into() });
    };
    Ok(dot_git.parent().unwrap_or(Path::new("")).join(target.trim()))
}

/// What the configuration of a repository tells.
struct Format {
    hash: gix::hash::Kind,
    /// Whether references are kept in a form that is not read.
    reftable: bool,
    /// Whether it names a remote.
    is_clone: bool,
}

/// The kind of hash, how references are kept, and whether there is a remote. Nothing else of the configuration is looked at,
/// includes are not followed. A configuration that cannot be read means SHA-1: with the wrong hash nothing is found, which is told.
fn format_of(config: &Path) -> Format {
    let readable = fs::metadata(config).is_ok_and(|file| file.is_file() && file.len() <= LARGEST_CONFIG);
    let file = readable.then(|| gix::config::File::from_path_no_includes(config.to_owned(), gix::config::Source::Local).ok()).flatten();
    let is = |key: &str, word: &str| {
        file.as_ref().and_then(|file| file.string(key)).is_some_and(|value| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    let hash = if is("extensions.objectFormat", "sha256") { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 };
    let is_clone = file.as_ref().is_some_and(|file| file.sections_by_name("remote").is_some_and(|mut remotes| remotes.next().is_some()));
    Format { hash, reftable: is("extensions.refStorage", "reftable"), is_clone }
}

/// The objects of a repository, read and hashed. Belongs to one thread.
pub(super) struct Objects {
    database: gix::odb::Handle,
}

impl Objects {
    /// An object of any kind.
    pub(super) fn any(&self, id: &oid) -> Result<(Kind, Vec<u8>)> {
        let corrupt = |problem: String| Error::Corrupt { id: id.to_string(), problem };
        let mut buffer = Vec::new();
        let data = self.database.try_find(id, &mut buffer).map_err(|error| corrupt(error.to_string()))?;
        let data = data.ok_or_else(|| Error::Missing(id.to_string()))?;
        data.verify_checksum(id).map_err(|_| corrupt("its content has another hash".into()))?;
        let (kind, length) = (data.kind, data.data.len());
        if length != buffer.len() {
            return Err(corrupt("its length is not what it says".into()));
        }
        Ok((kind, buffer))
    }

    /// An object of the kind that is expected here.
    pub(super) fn read(&self, id: &oid, expected: Kind) -> Result<Vec<u8>> {
        let (kind, bytes) = self.any(id)?;
        if kind == expected { Ok(bytes) } else { Err(Error::Corrupt { id: id.to_string(), problem: format!("it is a {kind}") }) }
    }

    /// The size of an object in bytes, without reading it.
    pub(super) fn size(&self, id: &oid) -> Result<u64> {
        match self.database.try_header(id) {
            Ok(Some(header)) => Ok(header.size),
            Ok(None) => Err(Error::Missing(id.to_string())),
            Err(error) => Err(Error::Corrupt { id: id.to_string(), problem: error.to_string() }),
        }
    }

    /// Every object whose id begins so.
    pub(super) fn beginning(&self, hex: &str) -> Result<Vec<ObjectId>> {
        let prefix = match gix::hash::Prefix::from_hex(hex) {
            Ok(prefix) => prefix,
            Err(_) => return Ok(Vec::new()),
        };
        let mut found = HashSet::default();
        self.database
            .lookup_prefix(prefix, Some(&mut found))
            .map_err(|error| Error::Corrupt { id: hex.to_owned(), problem: error.to_string() })?;
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort();
        Ok(found)
    }
}
