//! A kustomization draws in what is not one commit for ever.

use std::collections::BTreeSet;

use super::check::{Check, Explanation, Facts};
use crate::model::declaration::Remote;
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "input-unpinned",
    title: "A kustomization draws in what may change",
    severity: Severity::Warning,
    criteria: "What a kustomization fetches from elsewhere is asked for by the full id of a commit.",
    explanation: Explanation {
        meaning: "An entry of a kustomization is a URL, and asks for a branch, a tag, a shortened commit id or nothing at all. What it draws in is whatever lies there when somebody builds.",
        importance: "Whoever may write there changes what is applied, without a commit in the repository that declares it; what was built yesterday cannot be built again. What is built with it is not evaluated here: nothing is fetched.",
        remedy: "Write `?ref=` and the full id of a commit, or copy the files into the repository.",
    },
    run,
};

/// One finding for each entry.
fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let unpinned = facts.remotes.iter().filter(|remote| !remote.is_pinned && told.insert(*remote));
    unpinned.map(|remote| CHECK.of_subject(facts, None, &subject(remote), sentence(remote))).collect()
}

/// An entry is the same wherever it stands in its file.
fn subject(remote: &Remote) -> String {
    let Remote { source, path, url, reference, .. } = remote;
    format!("{source} {path} {url} {}", reference.as_deref().unwrap_or_default())
}

fn sentence(remote: &Remote) -> String {
    let Remote { source, path, line, url, reference, .. } = remote;
    let asked = match reference {
        Some(reference) => format!("at {reference}, which is no full commit id"),
        None => "and names no commit".to_owned(),
    };
    format!("{path}:{line} of {source} draws in {url} {asked}")
}
