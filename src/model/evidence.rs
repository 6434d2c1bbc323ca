//! What the nouns bring home: the cluster's answers and the history behind declarations.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::attribution::SignatureFacts;
use super::commit::{Commit, CommitId};
use super::declaration::{DocumentRef, SourceId, TreePath};
use super::kind::Kind;
use super::object::LiveObject;

/// Which cluster was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// uid of the namespace `kube-system`, the customary identity of a cluster. Absent where it may not be read.
    pub uid: Option<String>,
    /// The name from the configuration, else the context's.
    pub name: String,
    /// `gitVersion` of the server. Absent in a plain dump.
    pub version: Option<String>,
    /// The server's clock at the first answer, or the time of the recording.
    pub time: Option<DateTime<Utc>>,
}

/// Which namespaces of a kind are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The kind as a whole.
    All,
    /// Only these namespaces.
    Namespaces(BTreeSet<String>),
}

/// A kind to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The kind, at the version to read it at.
    pub kind: Kind,
    /// Where.
    pub scope: Scope,
}

/// One answer of the cluster: complete pages only, an interrupted page is asked for again.
#[derive(Debug)]
pub enum Page {
    /// Objects of the listing with this index.
    Objects(usize, Vec<LiveObject>),
    /// The listing with this index starts again; what it brought before is void.
    Restarted(usize),
}

/// How a listing ended in one namespace, or as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingGap {
    /// Index of the listing.
    pub listing: usize,
    /// The namespace that could not be listed; `None` for all of the listing.
    pub namespace: Option<String>,
    /// Why, as one stable phrase: `forbidden`, `not in the recording`, `timed out`.
    pub reason: String,
    /// The underlying error. Holds no secret value.
    pub detail: Option<String>,
}

/// Who wrote a document or a leaf of it, by the history that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authored {
    /// Index into [`Histories::commits`].
    By(u32),
    /// Older than the history that was fetched: no commit is credited.
    BeforeHistory,
    /// The history could not be read there.
    Unreadable,
}

/// The history of one document.
#[derive(Clone, Debug)]
pub struct DocumentHistory {
    /// The newest commit that changed the document in meaning.
    pub document: Authored,
    /// The newest commit that changed each leaf, in the order of `document::leaves` of the document at the tip.
    pub leaves: Box<[Authored]>,
    /// The commit that gave the document its text without changing what it means, as an index into [`Histories::commits`]. Absent
    /// where its author did, and where that cannot be told.
    pub touched: Option<u32>,
    /// The commit that moved it into its file without changing what it means, as an index into [`Histories::commits`]. Absent
    /// where it has been there since its author wrote it, and where that cannot be told.
    pub moved: Option<u32>,
    /// What brought it onto the tracked branch. Absent where it has meant the same ever since tips were observed, or where that
    /// cannot be told.
    pub changed: Option<Changed>,
}

impl DocumentHistory {
    /// Every index into [`Histories::commits`] that it holds.
    pub fn commits_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        let authored = std::iter::once(&mut self.document).chain(&mut self.leaves).filter_map(|authored| match authored {
            Authored::By(commit) => Some(commit),
            Authored::BeforeHistory | Authored::Unreadable => None,
        });
        authored.chain(&mut self.touched).chain(&mut self.moved).chain(self.changed.as_mut().map(|changed| &mut changed.by))
    }
}

/// What brought a document onto the tracked branch between two observed tips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Index into [`Histories::commits`].
    pub by: u32,
    /// Whether its author's commit was in the history of the older tip already, where the document had come to mean something
    /// else.
    pub reintroduced: bool,
}

/// The histories behind all declarations. Documents of plain folders have none.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    /// Every commit that is credited, sorted by source and id.
    pub commits: Vec<Commit>,
    /// The histories.
    pub documents: HashMap<DocumentRef, DocumentHistory>,
    /// Of several commits of a source the one that descends from all the others, where there is one and that was asked.
    pub newest: Newest,
}

/// Of several commits of a source the one that descends from all the others.
pub type Newest = BTreeMap<(SourceId, BTreeSet<CommitId>), CommitId>;

/// A commit that a source asks for by its id, and to which no branch or tag of the repository leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreachable {
    /// The source.
    pub source: SourceId,
    /// Where it was looked for, without credentials.
    pub url: String,
    /// The commit.
    pub commit: CommitId,
    /// Whether it was looked for in a clone on this machine, which may lack branches of its remote.
    pub in_clone: bool,
}

impl Histories {
    /// The commits that changed nothing in meaning, by index: they wrote documents otherwise or moved them.
    pub fn without_meaning(&self) -> HashSet<u32> {
        let mut beside = HashSet::new();
        let mut meant = HashSet::new();
        for history in self.documents.values() {
            beside.extend(history.touched.into_iter().chain(history.moved));
            let authored = std::iter::once(&history.document).chain(&history.leaves);
            meant.extend(authored.filter_map(|authored| if let Authored::By(commit) = authored { Some(*commit) } else { None }));
            meant.extend(history.changed.map(|changed| changed.by));
        }
        beside.retain(|commit| !meant.contains(commit));
        beside
    }
}

/// Where a reference of a repository stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tip {
    /// The repository, without credentials: a remote by its URL, one on this machine by its absolute path.
    pub url: String,
    /// The full name of the reference, as in `refs/heads/main`.
    pub reference: String,
    /// The commit.
    pub commit: CommitId,
    /// The tag object that leads to the commit. Absent for branches and lightweight tags.
    pub tag: Option<TagObject>,
}

/// An annotated tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagObject {
    /// Its object id.
    pub id: CommitId,
    /// Whether it carries a signature, of whatever worth.
    pub signed: bool,
}

/// A tip as an earlier scan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedTip {
    /// Where the reference stood.
    pub tip: Tip,
    /// When the scan began that saw it first there.
    pub observed: DateTime<Utc>,
}

/// A tip as it is now, and what became of it since an earlier scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TipChange {
    /// The source that asks for the reference.
    pub source: SourceId,
    /// Where the reference stands.
    pub tip: Tip,
    /// Where an earlier scan saw it, and what happened between. Absent where none looked.
    pub since: Option<(ObservedTip, Change)>,
}

/// What happened to a reference between two scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stands where it stood.
    Same,
    /// The old commit is an ancestor of the new one.
    Ahead,
    /// The old commit is no ancestor of the new one.
    Rewritten {
        /// Whether the new commit is an ancestor of the old one.
        back: bool,
        /// How many commits of the old history are not reachable any more, where that can be counted.
        lost: Option<usize>,
    },
    /// A tag that marks something else than before, or is another object.
    TagMoved,
    /// Too much of the history is missing to tell.
    Unknown,
}

impl Change {
    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Ahead => "ahead",
            Self::Rewritten { .. } => "rewritten",
            Self::TagMoved => "tag-moved",
            Self::Unknown => "unknown",
        }
    }
}

/// The commits of a source from its tip back, as far as they were looked at.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The source.
    pub source: SourceId,
    /// The full name of the reference, or the commit that was asked for.
    pub requested: String,
    /// Nearest to the tip first, by the number of parents on the way.
    pub commits: Vec<Commit>,
    /// Whether there are more.
    pub cut: bool,
    /// What some of the commits changed, as far as that was asked.
    pub touched: BTreeMap<CommitId, Vec<TouchedFile>>,
}

/// A file that a commit made different from all its parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedFile {
    /// The file.
    pub path: TreePath,
    /// Patterns of the fields of its documents that differ, in the grammar of the record, `[*]` for items of lists. Absent where
    /// documents were added or removed, or where that cannot be told.
    pub fields: Option<BTreeSet<String>>,
}

/// Where credited commits stand in the histories, as far as that is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// What lies before the commits that the policy names, by source and such a commit. One that is not in the history of the
    /// source, or of which that cannot be told, has no entry.
    pub marks: BTreeMap<(SourceId, CommitId), Mark>,
    /// Commits that were not on their branch yet when a scan saw it first at or after a moment at which a key retired, nor on any other
    /// branch that scans had seen of that repository by then, by source and moment. Where no scan looked, or that cannot be told, there
    /// is no entry.
    pub late: BTreeMap<(SourceId, DateTime<Utc>), BTreeSet<CommitId>>,
}

/// What the trust policy and the ends of keys ask about the history of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Commits.
    pub marks: BTreeSet<CommitId>,
    /// Moments at which keys retired or expired.
    pub ends: BTreeSet<DateTime<Utc>>,
}

/// Which of the credited commits lie before one commit. What its id stands for cannot change, and so neither can this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Those among its ancestors.
    pub ancestors: BTreeSet<CommitId>,
    /// Those that were on its branch before it: its first parent and that one's ancestors.
    pub before: BTreeSet<CommitId>,
    /// Whether everything before it could be read; else more may be there than `before` says.
    pub whole: bool,
}

/// What each commit's signature says, by source and commit.
pub type Signatures = BTreeMap<(SourceId, CommitId), SignatureFacts>;
