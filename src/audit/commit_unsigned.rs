//! A commit is not signed.

use super::check::{Check, Explanation, Facts};
use super::commits::{self, Credited};
use crate::model::attribution::Verdict;
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "commit-unsigned",
    title: "A commit is not signed",
    severity: Severity::Note,
    criteria: "Commits that declare something are signed, where a policy asks for it.",
    explanation: Explanation {
        meaning: "The newest change of something that is declared is a commit without a signature. Its author is a claim of whoever made it.",
        importance: "Anybody with write access to the repository can put any name on such a commit.",
        remedy: "Have authors sign their commits. Until a policy sets a minimum this is only to be known; with one it is an error.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    commits::findings(&CHECK, facts, sentence)
}

fn sentence(credited: &Credited<'_>) -> Option<String> {
    (credited.verdict.verdict == Verdict::Unsigned).then(|| "and is not signed: that name is a claim".to_owned())
}
