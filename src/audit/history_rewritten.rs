//! A reference does not descend from where an earlier scan saw it.

use std::collections::BTreeSet;

use super::check::{Check, Explanation, Facts};
use super::sentence::{at, short};
use crate::model::evidence::{Change, ObservedTip, Tip, TipChange};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "history-rewritten",
    title: "A reference does not descend from where an earlier scan saw it",
    severity: Severity::Error,
    criteria: "Branches only grow, and tags stay where they are.",
    explanation: Explanation {
        meaning: "An earlier scan saw the reference at a commit that is no ancestor of the commit where it is now, or saw a tag that marked something else. The scan that says so remembers the new place; the next one starts from there.",
        importance: "What was reviewed and applied may no longer be in the history, and whoever pushed this could give any commit any author and date. Git itself keeps no record of it.",
        remedy: "Ask who may push by force. The old commit is named in the record; where a clone still has it, `git log NEW..OLD` shows what was taken out. Protect the branch, and let nobody move tags.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let since = facts.tips.iter().filter_map(|changed| changed.since.as_ref().map(|(old, change)| (changed, old, *change)));
    since
        .filter_map(|(changed, old, change)| Some((changed, old, sentence(changed, old, change)?)))
        // Two sources may ask for one reference.
        .filter(|(changed, old, _)| told.insert((&changed.tip, &old.tip)))
        .map(|(changed, old, sentence)| finding(facts, changed, old, sentence))
        .collect()
}

/// Every rewriting is a finding of its own: to accept one accepts no other.
fn finding(facts: &Facts<'_>, changed: &TipChange, old: &ObservedTip, message: String) -> Finding {
    let id = |tip: &Tip| tip.tag.as_ref().map_or_else(|| tip.commit.clone(), |tag| tag.id.clone());
    let subject = format!("{} {} {}..{}", changed.tip.url, changed.tip.reference, id(&old.tip), id(&changed.tip));
    let mut finding = CHECK.of_subject(facts, None, &subject, message);
    finding.commit = Some(changed.tip.commit.clone());
    finding
}

fn sentence(changed: &TipChange, old: &ObservedTip, change: Change) -> Option<String> {
    let TipChange { source, tip, .. } = changed;
    let (was, is) = (short(&old.tip.commit), short(&tip.commit));
    let seen = at(Some(old.observed));
    match change {
        Change::Same | Change::Ahead | Change::Unknown => None,
        Change::Rewritten { back, lost } => {
            let (name, how) = (&tip.reference, if back { "was moved back" } else { "was rewritten" });
            let reason = if back { "an ancestor of it" } else { "which does not descend from it" };
            Some(format!("{name} of {source} {how}: it was at {was} {seen} and is now at {is}, {reason}; {}", counted(lost)))
        }
        Change::TagMoved => {
            let name = &tip.reference;
            let (before, after) = (form(&old.tip), form(tip));
            if old.tip.commit != tip.commit {
                Some(format!("{name} of {source} was moved: it was {before} at {was} {seen} and is now {after} at {is}"))
            } else {
                Some(format!("{name} of {source} was replaced: at {is} stood {before} {seen}, and stands {after} now"))
            }
        }
    }
}

/// How a tag is made.
fn form(tip: &Tip) -> &'static str {
    match &tip.tag {
        None => "a lightweight tag",
        Some(tag) if tag.signed => "a signed tag",
        Some(_) => "an annotated tag without a signature",
    }
}

fn counted(lost: Option<usize>) -> String {
    match lost {
        Some(1) => "1 commit of the old history is no longer reachable".to_owned(),
        Some(count) => format!("{count} commits of the old history are no longer reachable"),
        None => "how many commits are no longer reachable cannot be counted, because they are no longer all there".to_owned(),
    }
}
