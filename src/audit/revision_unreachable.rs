//! A source asks for a commit that is on no branch or tag.

use super::check::{Check, Explanation, Facts};
use crate::model::evidence::Unreachable;
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "revision-unreachable",
    title: "A source asks for a commit that is on no branch or tag",
    severity: Severity::Error,
    criteria: "A commit that is asked for by its id lies in the history of a branch or tag of its repository.",
    explanation: Explanation {
        meaning: "The source names a commit by its id. All branches and tags of the repository were looked at, and none of them leads to it: it was never merged, or was taken out of the history, or belongs to a fork.",
        importance: "A forge serves the commits of every fork under the URL of the original. Whoever may make a fork can put such a commit there; no review and no protection of branches saw it.",
        remedy: "Ask who chose that id. `git branch --all --contains ID` and `git tag --contains ID` in a full clone name what leads to a commit. Ask for a commit of a branch, or for the branch or tag itself.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    facts.unreachable.iter().map(|unreachable| finding(facts, unreachable)).collect()
}

fn finding(facts: &Facts<'_>, unreachable: &Unreachable) -> Finding {
    let Unreachable { source, url, commit, in_clone } = unreachable;
    let repository = if *in_clone { format!("this clone, {url},") } else { url.clone() };
    let message = format!("{source} asks for commit {commit}, to which no branch or tag of {repository} leads");
    let mut finding = CHECK.of_subject(facts, None, &format!("{url} {commit}"), message);
    finding.commit = Some(commit.clone());
    finding
}
