//! Why a source could not be read.

use std::path::PathBuf;

use crate::model::declaration::Submodule;

/// Why one source, or one object of it, could not be read. Other sources are not touched by it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The URL has a form that is not read.
    #[error("{0}")]
    Url(String),
    /// There is no such folder.
    #[error("{} cannot be read: {source}; check the path and its permissions", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// There is a `.git`, but not what belongs to a repository.
    #[error("{} is not a repository that can be read: {problem}", path.display())]
    NotARepository { path: PathBuf, problem: String },
    /// No branch, tag or commit has that name.
    #[error("no branch, tag or commit is called {reference:?}{hint}")]
    ReferenceNotFound { reference: String, hint: String },
    /// A commit is asked for that lies in the history of no branch or tag.
    #[error("commit {0} is on no branch or tag of the remote")]
    Unreachable(String),
    /// A commit is not in the history where it should be.
    #[error("commit {commit} is not behind the tip {tip}")]
    NotBehind { commit: String, tip: String },
    /// What has to be known of the history depends on a commit that is not there.
    #[error("commit {0} is not there, and what depends on it cannot be told; fetch all of the history, as with `git fetch --unshallow`")]
    CutOff(String),
    /// More than one has that name.
    #[error("{reference:?} means more than one thing: {candidates}; give the full name")]
    ReferenceAmbiguous { reference: String, candidates: String },
    /// The reference leads to something other than a commit.
    #[error("{reference:?} is a {kind}, not a commit")]
    NotACommit { reference: String, kind: String },
    /// Nothing stands at the path.
    #[error("{}", nothing_at(path, place))]
    PathNotFound { path: String, place: String },
    /// The path leads into another repository.
    #[error("{path:?} lies in the submodule {folder:?}, which is not read: {submodule}; name that repository as a source of its own")]
    InSubmodule { path: String, folder: String, submodule: Submodule },
    /// An object is not in the database.
    #[error("object {0} is missing; a clone made with --filter or a damaged repository lacks objects, fetch them all")]
    Missing(String),
    /// The content of an object does not belong to its id, or cannot be read.
    #[error("object {id} is damaged: {problem}; run `git fsck`")]
    Corrupt { id: String, problem: String },
    /// More than a scan reads.
    #[error("{0}")]
    TooLarge(String),
    /// The remote did not give what was asked for.
    #[error("{0}")]
    Fetch(String),
    /// It took longer than allowed.
    #[error("no end after {0} seconds; raise the timeout or use a cache folder")]
    TimedOut(u64),
}

impl Error {
    /// The stable phrase.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Url(_) => "url not supported",
            Self::Io { .. } => "not read",
            Self::NotARepository { .. } => "not a repository",
            Self::ReferenceNotFound { .. } | Self::Unreachable(_) => "reference not found",
            Self::NotBehind { .. } => "commit not in history",
            Self::CutOff(_) => "history cut off",
            Self::ReferenceAmbiguous { .. } => "reference ambiguous",
            Self::NotACommit { .. } => "reference is not a commit",
            Self::PathNotFound { .. } => "path not found",
            Self::InSubmodule { .. } => "submodule",
            Self::Missing(_) => "object missing",
            Self::Corrupt { .. } => "object damaged",
            Self::TooLarge(_) => "too large",
            Self::Fetch(_) => "not fetched",
            Self::TimedOut(_) => "timed out",
        }
    }
}

fn nothing_at(path: &str, place: &str) -> String {
    if path.is_empty() { format!("there is no file or folder {place}") } else { format!("nothing stands at the path {path:?} of {place}") }
}

pub(super) type Result<T> = std::result::Result<T, Error>;
