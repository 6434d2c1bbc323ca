//! The result of a scan: everything a report may say.

use chrono::{DateTime, Utc};

use super::attribution::Attributions;
use super::comparison::Comparison;
use super::coverage::{Coverage, NotEvaluated};
use super::declaration::{Declaration, Remote, Tree};
use super::evidence::{ClusterIdentity, Histories, Signatures, TipChange, Unreachable};
use super::finding::Finding;
use super::kept::KeptTrust;
use super::tag::JudgedTag;

/// Where the live objects came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// An API server.
    Live,
    /// A recorded cluster.
    Recording,
}

/// Everything a scan found out. Same evidence, same policy, same time: an equal one.
#[derive(Debug)]
pub struct Scan {
    /// Random id of the run.
    pub run: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub finished: DateTime<Utc>,
    /// Where live objects came from.
    pub reader: Reader,
    /// How many requests the cluster answered or refused, all of them reads.
    pub requests: usize,
    /// Digest of every setting that can change a verdict.
    pub policy_digest: String,
    /// Which cluster.
    pub cluster: ClusterIdentity,
    /// The sources, sorted by id. Their files are gone by now.
    pub sources: Vec<Tree>,
    /// The references that sources ask for, and what became of them since an earlier scan; sorted by source. Empty where nobody
    /// remembers tips.
    pub tips: Vec<TipChange>,
    /// Commits that sources ask for and no branch or tag leads to, sorted by source.
    pub unreachable: Vec<Unreachable>,
    /// What kustomizations would fetch, sorted.
    pub remotes: Vec<Remote>,
    /// The tag objects that sources ask for, sorted by source.
    pub tags: Vec<JudgedTag>,
    /// The trust policy that is kept in a source. Absent where none is, or where what became of it cannot be told.
    pub kept: Option<KeptTrust>,
    /// What Git declares.
    pub declarations: Vec<Declaration>,
    /// What comparing said, sorted by object.
    pub comparisons: Vec<Comparison>,
    /// Credited commits.
    pub histories: Histories,
    /// Their signatures.
    pub signatures: Signatures,
    /// Who declared what.
    pub attributions: Attributions,
    /// Sorted by object, rule, field.
    pub findings: Vec<Finding>,
    /// The balance.
    pub coverage: Coverage,
    /// Sorted by stage and subject.
    pub not_evaluated: Vec<NotEvaluated>,
}
