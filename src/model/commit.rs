//! Commits as Git stores them.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};

use super::text::RawText;

/// The name of a source in the configuration, as in `fleet`.
pub type SourceId = String;

/// The full object id of a commit, lower-case hex (40 digits for SHA-1, 64 for SHA-256).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// Takes a full id in lower-case hex.
    pub fn new(hex: impl Into<String>) -> Self {
        Self(hex.into())
    }

    /// The full id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Author or committer: a claim of whoever made the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Name.
    pub name: RawText,
    /// E-mail.
    pub email: RawText,
    /// The time claimed; absent where it cannot be read.
    pub time: Option<DateTime<FixedOffset>>,
}

/// A commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The source it was found in.
    pub source: SourceId,
    /// Who is said to have made the change.
    pub author: Actor,
    /// Who is said to have made the commit.
    pub committer: Actor,
    /// First line of the message.
    pub subject: RawText,
    /// The object as it is stored, without Git's `commit <size>\0` header: what signatures are about.
    pub raw: Arc<[u8]>,
}
