//! A tag object is not what its reference or its signature says.

use std::collections::BTreeSet;

use super::check::{Check, Explanation, Facts};
use super::sentence::short;
use crate::model::attribution::Verdict;
use crate::model::finding::{Finding, Severity};
use crate::model::tag::JudgedTag;
use crate::model::text::RawText;

/// Longer names are cut in a sentence; the record has them whole.
const LONGEST_NAME: usize = 120;

pub(super) const CHECK: Check = Check {
    id: "tag-mismatched",
    title: "A tag is not what its reference or its signature says",
    severity: Severity::Error,
    criteria: "A tag object has the name of the reference that leads to it, and its signature is sound.",
    explanation: Explanation {
        meaning: "The source is asked for by a tag. Its tag object gives itself another name than the reference, says that it marks something else than it does, or carries a signature that is wrong.",
        importance: "A signature is over the name in the object, not over the reference. Whoever may push references can let a new name lead to an old, soundly signed tag, and so bring back an old release; Git itself verifies such a tag without a word.",
        remedy: "Look at both with `git cat-file tag NAME`. Ask who pushed the reference, delete it, and let the release be tagged and signed anew under its own name.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let wrong = facts.tags.iter().filter(|judged| judged.verdict.verdict == Verdict::Invalid);
    // Two sources may ask for one tag.
    wrong.filter(|judged| told.insert((&judged.tag.reference, &judged.tag.object.id))).map(|judged| finding(facts, judged)).collect()
}

fn finding(facts: &Facts<'_>, judged: &JudgedTag) -> Finding {
    let tag = &judged.tag;
    let subject = format!("{} {} {}", tag.object.source, tag.reference, tag.object.id);
    let mut finding = CHECK.of_subject(facts, None, &subject, sentence(judged));
    finding.commit = Some(tag.commit.clone());
    finding
}

fn sentence(judged: &JudgedTag) -> String {
    let JudgedTag { tag, verdict, .. } = judged;
    let leads = format!("{} of {} leads to tag object {}", tag.reference, tag.object.source, short(&tag.object.id));
    let why = verdict.reasons.join(", ");
    let has = |reason: &str| verdict.reasons.iter().any(|phrase| phrase == reason);
    if has("tag-name-mismatch") {
        format!("{leads}, which calls itself {} ({why})", name(&tag.name))
    } else if has("tag-type-mismatch") {
        format!("{leads}, which says that it marks a {} and marks a {} ({why})", name(&tag.said_kind), tag.kind)
    } else {
        format!("{leads}, whose signature is wrong ({why})")
    }
}

/// A text of the object, as far as a name is read.
fn name(text: &RawText) -> String {
    text.to_string().chars().take(LONGEST_NAME).collect()
}
