//! A commit has a wrong signature.

use super::check::{Check, Explanation, Facts};
use super::commits::{self, Credited};
use super::sentence::reasons;
use crate::model::attribution::Verdict;
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "signature-invalid",
    title: "A commit has a wrong signature",
    severity: Severity::Error,
    criteria: "Every signature on a credited commit is sound.",
    explanation: Explanation {
        meaning: "The commit carries a signature that does not belong to it, is malformed or too weak to count, or was made by a key that was revoked or had expired; or the commit names a forge as its committer that did not sign it (spoofed-forge). This is not a missing signature.",
        importance: "Somebody altered a signed commit, signed with a lost key, or made something that only looks signed.",
        remedy: "Look at the commit with `git show --show-signature`, and ask its author. Do not trust what it declares until you know.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    commits::findings(&CHECK, facts, sentence)
}

fn sentence(credited: &Credited<'_>) -> Option<String> {
    let Credited { verdict, .. } = credited;
    let key = credited.key().map(|key| format!("; the key it names is {key}")).unwrap_or_default();
    let is_spoofed = verdict.reasons.iter().any(|reason| reason == "spoofed-forge");
    let wrong = if is_spoofed { "but its committer is a forge that did not sign it" } else { "but its signature is wrong" };
    (verdict.verdict == Verdict::Invalid).then(|| format!("{wrong}{}{key}", reasons(&verdict.reasons)))
}
