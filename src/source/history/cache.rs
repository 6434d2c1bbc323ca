//! What walks found, kept between runs: a file for each source and dialect, in a folder of ours.
//!
//! Who is the author of something that stands at a commit depends on that commit alone, so an answer holds for ever. It is used
//! only by the program that found it, and only while the same commits count as the end of a shallow history. A file that was
//! changed or cut off is no file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cache;
use crate::model::text::hex;
use crate::yaml::Dialect;

/// How a file of walks begins. Its number grows with every change of this format.
const MARK: &[u8] = b"walk 3\n";
/// No file of ours is larger.
const LARGEST: u64 = 128 << 20;

/// Under what circumstances answers hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    version: String,
    /// Length and time of the program's file: another build may read YAML otherwise.
    build: (u64, u64, u32),
    address: String,
    dialect: String,
    /// The commits whose parents are not there, sorted.
    shallow: Vec<Id>,
}

impl Frame {
    /// The frame of this program and a source. None where the program's file is gone, so that it cannot be told which it was.
    pub(super) fn of(address: &str, dialect: Dialect, shallow: impl IntoIterator<Item = ObjectId>) -> Option<Self> {
        let build = cache::build()?;
        let mut shallow: Vec<Id> = shallow.into_iter().map(Id).collect();
        shallow.sort_unstable();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Some(Self { version, build, address: address.to_owned(), dialect: format!("{dialect:?}"), shallow })
    }

    /// The file of answers in this frame; one for each source, so that no two walks meet in one.
    pub(super) fn file(&self, source: &str, folder: &Path) -> PathBuf {
        let digest = Sha256::digest(format!("{source}\0{}\0{}", self.address, self.dialect));
        folder.join(hex(&digest[..16]) + ".walk")
    }
}

/// An object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub(super) struct Id(pub(super) ObjectId);

impl TryFrom<Vec<u8>> for Id {
    type Error = &'static str;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        ObjectId::try_from(bytes.as_slice()).map(Self).map_err(|_| "it is no object id")
    }
}

impl From<Id> for Vec<u8> {
    fn from(id: Id) -> Self {
        id.0.as_bytes().to_vec()
    }
}

/// Everything that is kept of one source in one dialect. Numbers point into `commits`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) commits: Vec<Id>,
    /// Newest first; their commits are different ones.
    pub(super) walks: Vec<KeptWalk>,
}

/// The answers for documents that stand at one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptWalk {
    pub(super) commit: u32,
    /// Digest of the older tips to which what is said of changes belongs.
    pub(super) since: Option<[u8; 32]>,
    pub(super) files: BTreeMap<Vec<u8>, KeptFile>,
}

/// A file at that commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    pub(super) blob: Id,
    /// By ordinal, as far as they were asked for.
    pub(super) documents: BTreeMap<u32, KeptDocument>,
}

/// By what a document is found again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum KeptIdentity {
    /// Group, kind, namespace and name.
    Object(String, String, Option<String>, String),
    Place(u32),
}

/// A document, and the commits behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptDocument {
    pub(super) identity: KeptIdentity,
    pub(super) meaning: [u8; 32],
    /// Absent where it has none of its own.
    pub(super) text: Option<[u8; 16]>,
    pub(super) author: KeptAuthor,
    pub(super) touched: KeptBeside,
    pub(super) moved: KeptBeside,
    pub(super) changed: KeptChange,
    pub(super) leaves: Vec<KeptLeaf>,
}

/// A leaf and its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptLeaf {
    pub(super) identity: [u8; 16],
    pub(super) hash: [u8; 16],
    pub(super) author: KeptAuthor,
}

/// Who is the author of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum KeptAuthor {
    /// Something was in the way that is none of the history; it is looked for again.
    Open,
    /// As far as the history goes nobody is. A deeper one has another frame.
    BeforeHistory,
    /// The history itself holds versions without a meaning.
    Unreadable,
    By(u32),
}

/// What a commit did beside authors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum KeptBeside {
    /// Something was in the way that is none of the history; it is looked for again.
    Open,
    /// The history does not tell it.
    Untold,
    Nobody,
    By(u32),
}

/// What brought a document onto its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum KeptChange {
    Untold,
    Same,
    By {
        by: u32,
        since: u32,
        superseded: bool,
        /// Of whom it is known whether the document was reintroduced.
        author: Option<u32>,
        reintroduced: bool,
    },
}

impl Kept {
    /// Reads a file; nothing where there is none for this frame.
    pub(super) fn read(file: &Path, frame: &Frame) -> Self {
        let Some(bytes) = cache::kept(file, LARGEST) else { return Self::default() };
        match decoded(&bytes) {
            Some((found, kept)) if found == *frame => kept,
            Some(_) => Self::default(),
            None => {
                tracing::warn!(file = %file.display(), "what earlier walks found cannot be read; all of it is looked for again");
                Self::default()
            }
        }
    }

    /// Writes all of it. Where that cannot be done, the next run walks again.
    pub(super) fn write(&self, file: &Path, frame: &Frame) {
        let written = encoded(frame, self).and_then(|bytes| cache::keep(file, &bytes));
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "what this walk found is not kept");
        }
    }
}

fn encoded(frame: &Frame, kept: &Kept) -> io::Result<Vec<u8>> {
    let bytes = postcard::to_extend(&(frame, kept), MARK.to_vec()).map_err(io::Error::other)?;
    if bytes.len() as u64 > LARGEST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

fn decoded(bytes: &[u8]) -> Option<(Frame, Kept)> {
    let (frame, mut kept): (Frame, Kept) = postcard::from_bytes(bytes.strip_prefix(MARK)?).ok()?;
    kept.is_sound().then_some((frame, kept))
}

impl Kept {
    /// Whether every number points to a commit.
    fn is_sound(&mut self) -> bool {
        let is_known = |number: &mut u32| (*number as usize) < self.commits.len();
        self.walks.iter_mut().all(|walk| {
            let mut documents = walk.files.values_mut().flat_map(|file| file.documents.values_mut());
            is_known(&mut walk.commit) && documents.all(|document| document.numbers_mut().all(is_known))
        })
    }
}

impl KeptDocument {
    /// Every commit that it names.
    pub(super) fn numbers_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        let leaves = self.leaves.iter_mut().filter_map(|leaf| leaf.author.number_mut());
        let beside = self.touched.number_mut().into_iter().chain(self.moved.number_mut());
        self.author.number_mut().into_iter().chain(beside).chain(self.changed.numbers_mut()).chain(leaves)
    }
}

impl KeptAuthor {
    fn number_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::By(number) => Some(number),
            Self::Open | Self::BeforeHistory | Self::Unreadable => None,
        }
    }
}

impl KeptBeside {
    fn number_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::By(number) => Some(number),
            Self::Open | Self::Untold | Self::Nobody => None,
        }
    }
}

impl KeptChange {
    fn numbers_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        let numbers = match self {
            Self::By { by, since, author, .. } => [Some(by), Some(since), author.as_mut()],
            Self::Untold | Self::Same => [None, None, None],
        };
        numbers.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use gix::ObjectId;

    use super::{Frame, Kept, KeptWalk};
    use crate::yaml::Dialect;

    const COMMIT: &[u8] = b"0123456789012345678901234567890123456789";

    fn kept() -> Kept {
        let commit = super::Id(ObjectId::from_hex(COMMIT).unwrap());
        Kept { commits: vec![commit], walks: vec![KeptWalk { commit: 0, since: None, files: std::collections::BTreeMap::new() }] }
    }

    #[test]
    fn what_is_kept_is_read_again_and_only_in_its_own_frame() {
        let folder = tempfile::tempdir().unwrap();
        let frame = Frame::of("https://git.example/fleet", Dialect::Raw, []).unwrap();
        let file = frame.file("fleet", &folder.path().join("new"));
        assert_eq!(Kept::read(&file, &frame), Kept::default());
        kept().write(&file, &frame);
        assert_eq!(Kept::read(&file, &frame), kept());
        let shallow = Frame::of("https://git.example/fleet", Dialect::Raw, [ObjectId::from_hex(COMMIT).unwrap()]).unwrap();
        let older = Frame { version: "0.0.1".into(), ..frame.clone() };
        for other in [shallow, older, Frame { build: (0, 0, 0), ..frame.clone() }, Frame { dialect: "Kustomize".into(), ..frame.clone() }] {
            assert_eq!(Kept::read(&file, &other), Kept::default(), "{other:?}");
        }
    }

    #[test]
    fn a_file_that_was_changed_or_cut_off_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let frame = Frame::of("fleet", Dialect::Raw, []).unwrap();
        let file = frame.file("fleet", folder.path());
        kept().write(&file, &frame);
        let whole = std::fs::read(&file).unwrap();
        for position in 0..whole.len() {
            let mut changed = whole.clone();
            changed[position] ^= 1;
            std::fs::write(&file, changed).unwrap();
            assert_eq!(Kept::read(&file, &frame), Kept::default(), "byte {position}");
            std::fs::write(&file, &whole[..position]).unwrap();
            assert_eq!(Kept::read(&file, &frame), Kept::default(), "cut at {position}");
        }
    }

    #[test]
    fn numbers_that_point_nowhere_make_a_file_none() {
        let folder = tempfile::tempdir().unwrap();
        let frame = Frame::of("fleet", Dialect::Raw, []).unwrap();
        let file = frame.file("fleet", folder.path());
        Kept { commits: Vec::new(), ..kept() }.write(&file, &frame);
        assert_eq!(Kept::read(&file, &frame), Kept::default());
    }
}
