//! The trust policy that is kept in a source, as the record tells it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{Word, is_false};
use crate::model::commit::CommitId;
use crate::model::kept::{ChangeOutcome, KeptTrust, PolicyChange};

/// A trust policy that is kept in a source.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustPolicy {
    /// The source.
    pub source: String,
    /// Its file, from the root of the repository.
    pub path: String,
    /// The commit whose version is believed because the configuration says so.
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub anchor: String,
    /// The commits whose versions are in force at the tip; of several all have to agree.
    pub in_force: Vec<String>,
    /// Every commit that changed it since the anchor, in the order of the history.
    pub changes: Vec<Change>,
}

/// A change of a trust policy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The commit.
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: String,
    /// How well the commit is proven by the policy that was in force before it.
    pub verdict: Word,
    /// `refused` where that policy does not let whoever made it change the policy; `unreadable` where they may, and what they made
    /// of it is no policy. Both have no effect.
    #[schemars(extend("enum" = ["accepted", "refused", "unreadable"]))]
    pub outcome: Word,
    /// Why it has no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Whether it is why the file at the tip is not the policy in force.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stands: bool,
}

impl TrustPolicy {
    pub(super) fn of(trust: &KeptTrust) -> Self {
        Self {
            source: trust.kept.source.clone(),
            path: trust.kept.path.clone(),
            anchor: trust.kept.anchor.to_string(),
            in_force: trust.in_force.iter().map(CommitId::to_string).collect(),
            changes: trust.changes.iter().map(Change::of).collect(),
        }
    }
}

impl Change {
    fn of(change: &PolicyChange) -> Self {
        Self {
            commit: change.commit.id.to_string(),
            verdict: change.verdict.as_str().into(),
            outcome: change.outcome.as_str().into(),
            reasons: match &change.outcome {
                ChangeOutcome::Accepted => Vec::new(),
                ChangeOutcome::Refused(reasons) => reasons.clone(),
                ChangeOutcome::Unreadable(problem) => vec![problem.clone()],
            },
            stands: change.stands,
        }
    }
}
