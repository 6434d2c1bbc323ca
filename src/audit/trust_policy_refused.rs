//! The file of a trust policy in a repository is not the policy that is in force.

use super::check::{Check, Explanation, Facts};
use super::sentence::{person, short};
use crate::model::finding::{Finding, Severity};
use crate::model::kept::{ChangeOutcome, KeptTrust, PolicyChange};

pub(super) const CHECK: Check = Check {
    id: "trust-policy-refused",
    title: "The file of the trust policy is not the policy that is in force",
    severity: Severity::Error,
    criteria: "The trust policy in a repository is changed only by whom it lets change it, and what they make of it can be read.",
    explanation: Explanation {
        meaning: "The trust policy is kept in a repository that it judges. A commit changed its file, and the policy that was in force before that commit does not let whoever made it do so, or the file cannot be read since. The change has no effect: the policy from before it stays in force, for this commit and for what comes after it.",
        importance: "Whoever may add a key to the policy decides who is trusted with everything. A key that comes with the very change that adds it proves nothing.",
        remedy: "Look at the change with `git show COMMIT -- FILE`. Where it is not wanted, take it back; where it is, take it back as well and let somebody make it whom the policy lets, or review the file and name a later anchor in the configuration. Only once the file is what is in force do later changes count.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let of = |kept| changes(kept).map(|change| finding(facts, kept, change));
    facts.kept.into_iter().flat_map(of).collect()
}

fn changes(kept: &KeptTrust) -> impl Iterator<Item = &PolicyChange> {
    kept.changes.iter().filter(|change| change.stands)
}

fn finding(facts: &Facts<'_>, kept: &KeptTrust, change: &PolicyChange) -> Finding {
    CHECK.of_commit(facts, &change.commit.id, sentence(kept, change))
}

fn sentence(kept: &KeptTrust, change: &PolicyChange) -> String {
    let (id, author) = (short(&change.commit.id), person(&change.commit.author));
    let file = format!("{} of {}", kept.kept.path, kept.kept.source);
    let in_force: Vec<String> = kept.in_force.iter().map(short).collect();
    let stays = format!("that of {} stays in force", in_force.join(" and "));
    match &change.outcome {
        ChangeOutcome::Refused(reasons) => {
            format!("commit {id} by {author} changed the trust policy {file} and may not ({}); {stays}", reasons.join(", "))
        }
        ChangeOutcome::Unreadable(problem) => {
            format!("commit {id} by {author} made the trust policy {file} unreadable: {problem}; {stays}")
        }
        ChangeOutcome::Accepted => format!("commit {id} by {author} changed the trust policy {file}"),
    }
}
