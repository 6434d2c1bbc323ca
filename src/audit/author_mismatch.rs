//! A commit was signed by somebody else than it names.

use super::check::{Check, Explanation, Facts};
use super::commits::{self, Credited, IDENTITY_MISMATCH};
use crate::model::attribution::Verdict;
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "author-mismatch",
    title: "A commit was signed by somebody else than it names",
    severity: Severity::Error,
    criteria: "Whoever signs a commit is its author or its committer.",
    explanation: Explanation {
        meaning: "The signature is good and its key is configured, but the key belongs to neither the author nor the committer that the commit names. Both names are free text that anybody can set.",
        importance: "The author shown everywhere may never have seen this change. The signer did.",
        remedy: "Ask the signer. If one person owns both names, give the key a user id with the author's e-mail, or add the e-mail to the trust policy where there is one.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    commits::findings(&CHECK, facts, sentence)
}

fn sentence(credited: &Credited<'_>) -> Option<String> {
    let mismatch =
        credited.verdict.verdict == Verdict::SignedUntrusted && credited.verdict.reasons.iter().any(|reason| reason == IDENTITY_MISMATCH);
    mismatch.then(|| format!("but was signed by {}", credited.signer()))
}
