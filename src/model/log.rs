//! What became of a declared object over time: the commits that changed the documents behind it, field by field.

use super::commit::{Commit, CommitId};
use super::comparison::FieldValue;
use super::declaration::{DocumentRef, TreePath};
use super::object::FieldPath;

/// One field that a commit changed. One of the sides is there at least.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Its identity.
    pub field: FieldPath,
    /// The value before; absent where the field is new.
    pub before: Option<FieldValue>,
    /// The value after; absent where the field is gone.
    pub after: Option<FieldValue>,
}

/// Why it cannot be told who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A version in between cannot be read, so that the change was made either there or after.
    UnreadableVersion,
    /// What it would have to be compared with is not there or cannot be read.
    UnreadableHistory,
}

impl Doubt {
    /// The word used in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableVersion => "unreadable-version",
            Self::UnreadableHistory => "unreadable-history",
        }
    }
}

/// A change of what one document means.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentChange {
    /// The document, as it stands at the tip.
    pub document: DocumentRef,
    /// Who made it, as indices into [`Log::commits`]: one commit, or the newest first of those among which it cannot be told.
    pub commits: Vec<u32>,
    /// Why it cannot be told who made it.
    pub doubt: Option<Doubt>,
    /// Whether the commit is a merge. Its fields are those that are so in none of its parents.
    pub merge: bool,
    /// The file in which the document stood then.
    pub path: TreePath,
    /// The file in which it stood before, where that is another one.
    pub moved_from: Option<TreePath>,
    /// Whether the document was not there before.
    pub created: bool,
    /// Sorted by field. Empty where the values are the same and only written otherwise, as a Secret's in another base64.
    pub fields: Vec<FieldChange>,
    /// How many fields are not listed, because there are too many of them or their values are too large.
    pub untold: usize,
}

/// Why nothing older than the last change is told of a document that was there before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogEnd {
    /// The history is cut off at this commit.
    BeforeHistory(CommitId),
    /// It cannot be read beyond this commit.
    Unreadable(CommitId),
    /// There was no time for what is behind this commit.
    TimedOut(CommitId),
}

/// The changes of the documents behind an object.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The commits, sorted by source and id.
    pub commits: Vec<Commit>,
    /// Sorted by source; newest first: none comes after one that it descends from.
    pub changes: Vec<DocumentChange>,
    /// Where documents could not be followed to their beginning, sorted.
    pub ends: Vec<(DocumentRef, LogEnd)>,
    /// How many older commits with changes a limit left out.
    pub omitted: usize,
}
