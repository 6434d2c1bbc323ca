//! A trust policy that is kept in a repository which it judges: where it lies, what became of its file, and by which of its
//! versions each commit is judged.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::attribution::Verdict;
use super::commit::{Commit, CommitId, SourceId};
use super::evidence::{Asked, Signatures};
use super::trust::TrustPolicy;

/// Where a trust policy is kept in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPolicy {
    /// The source whose repository holds it.
    pub source: SourceId,
    /// Its file, from the root of the repository.
    pub path: String,
    /// The commit whose version of the file is believed because whoever configures the scan says so. Of its ancestors nothing is
    /// claimed.
    pub anchor: CommitId,
}

/// What became of the file of a kept policy since its anchor.
#[derive(Clone, Debug, Default)]
pub struct FileHistory {
    /// The anchor, and every commit behind the tip that is not among its ancestors; parents before children, the anchor first and
    /// the tip last.
    pub steps: Vec<FileStep>,
    /// The distinct contents of the file, or why one cannot be read.
    pub versions: Vec<Result<Vec<u8>, String>>,
    /// The commits of steps in which the file is another one than in one of their parents, by the number of the step.
    pub changing: BTreeMap<u32, Commit>,
}

/// The file at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStep {
    /// The commit.
    pub id: CommitId,
    /// Those of its parents that are steps, by number.
    pub parents: Vec<u32>,
    /// What the file holds there, as an index into [`FileHistory::versions`].
    pub version: u32,
}

/// What became of an attempt to change a kept policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It is in force for what comes after it.
    Accepted,
    /// The policy in force does not let whoever made it change the policy, for these reasons.
    Refused(Vec<String>),
    /// Whoever made it may change the policy, but what they made of it is none.
    Unreadable(String),
}

impl ChangeOutcome {
    /// The word used in the record.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// A commit that changed the file of a kept policy.
#[derive(Clone, Debug)]
pub struct PolicyChange {
    /// The commit.
    pub commit: Commit,
    /// How well it is proven, by the policy in force where it was made.
    pub verdict: Verdict,
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// Whether it is why the file at the tip is not the policy in force.
    pub stands: bool,
}

/// A kept policy as a scan found it.
#[derive(Clone, Debug)]
pub struct KeptTrust {
    /// Where it is kept.
    pub kept: KeptPolicy,
    /// The commits whose versions are in force at the tip; of several all have to agree.
    pub in_force: Vec<CommitId>,
    /// Every change since the anchor, in the order of the history.
    pub changes: Vec<PolicyChange>,
}

/// The trust policies of a scan, and by which of them a commit is judged.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    policies: Vec<TrustPolicy>,
    by: By,
}

#[derive(Clone, Debug, Default)]
enum By {
    /// Nobody made one.
    #[default]
    Nothing,
    /// There is one, of which nothing is known.
    Unknown,
    /// Those for everything.
    All,
    /// Those of a repository.
    Kept(Box<Versions>),
}

/// By which versions of a kept policy commits are judged, as indices into the policies.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    /// The source whose repository holds the policy.
    pub source: SourceId,
    /// Those in force at its tip.
    pub in_force: Vec<u32>,
    /// For each commit behind the tip of that source an index into `lists`; none before the anchor.
    pub commits: HashMap<CommitId, Option<u32>>,
    /// The versions that commits are judged by.
    pub lists: Vec<Vec<u32>>,
}

impl Trust {
    /// One policy for everything.
    pub fn one(policy: TrustPolicy) -> Self {
        Self::all(vec![policy])
    }

    /// Several, all of which have to agree.
    pub fn all(policies: Vec<TrustPolicy>) -> Self {
        Self { policies, by: By::All }
    }

    /// A policy that should be there and cannot be read: nobody is proven by anything.
    pub fn unknown() -> Self {
        Self { policies: Vec::new(), by: By::Unknown }
    }

    /// The versions of a kept policy.
    pub fn kept(policies: Vec<TrustPolicy>, versions: Versions) -> Self {
        Self { policies, by: By::Kept(Box::new(versions)) }
    }

    /// Whether nobody made a policy.
    pub fn is_absent(&self) -> bool {
        matches!(self.by, By::Nothing)
    }

    /// Whether there is a policy, of which nothing is known.
    pub fn is_unknown(&self) -> bool {
        matches!(self.by, By::Unknown)
    }

    /// Whether its versions are kept in a repository.
    pub fn is_kept(&self) -> bool {
        matches!(self.by, By::Kept(_))
    }

    /// The policies in force: for what no commit of the source that holds them is credited with.
    pub fn in_force(&self) -> impl Iterator<Item = &TrustPolicy> + Clone {
        let all = match &self.by {
            By::Kept(versions) => Some(&versions.in_force),
            By::Nothing | By::Unknown | By::All => None,
        };
        let every = all.is_none().then_some(&self.policies).into_iter().flatten();
        every.chain(all.into_iter().flatten().map(|index| &self.policies[*index as usize]))
    }

    /// The policies that a commit is judged by, all of which have to agree. None where it lies before the anchor. A commit that is
    /// not in the history of the source that holds the policy is judged by all that were ever in force.
    pub fn over(&self, source: &str, commit: &CommitId) -> Option<Vec<&TrustPolicy>> {
        let By::Kept(versions) = &self.by else { return Some(self.policies.iter().collect()) };
        if versions.source != source {
            return Some(self.in_force().collect());
        }
        match versions.commits.get(commit) {
            Some(None) => None,
            Some(Some(list)) => Some(versions.lists[*list as usize].iter().map(|index| &self.policies[*index as usize]).collect()),
            None => Some(self.policies.iter().collect()),
        }
    }

    /// What has to be known of the history of each source to judge these commits; see [`TrustPolicy::asked`]. Beside that when the
    /// keys that made their signatures ended.
    pub fn asked(
        &self,
        sources: &[(&str, &str)],
        commits: &[Commit],
        signatures: &Signatures,
        now: DateTime<Utc>,
    ) -> BTreeMap<SourceId, Asked> {
        let mut asked: BTreeMap<SourceId, Asked> = BTreeMap::new();
        for policy in &self.policies {
            for (source, more) in policy.asked(sources, commits, signatures, now) {
                let asked = asked.entry(source).or_default();
                asked.marks.extend(more.marks);
                asked.ends.extend(more.ends);
            }
        }
        // Keys end by their own dates, too, whatever a policy says.
        for commit in commits {
            let end = signatures.get(&(commit.source.clone(), commit.id.clone())).and_then(|facts| facts.key_ended);
            if let Some(end) = end {
                asked.entry(commit.source.clone()).or_default().ends.insert(end);
            }
        }
        asked
    }
}
