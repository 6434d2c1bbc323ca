//! A field that Git dropped is still there.

use super::check::{Check, Explanation, Facts};
use super::fields;
use super::sentence::{last_written, sides};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "field-stale",
    title: "A field that Git dropped is still there",
    severity: Severity::Warning,
    criteria: "What is removed from Git is removed from the cluster.",
    explanation: Explanation {
        meaning: "The applier owns the field live, and Git no longer declares it: it was declared once, and no apply has taken it away since.",
        importance: "The live object keeps a setting that reviewers believe is gone.",
        remedy: "Apply Git again with the tool that applied it before; a client-side apply needs its last-applied annotation to remove fields.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    fields::findings(&CHECK, facts, FieldVerdict::Stale, sentence)
}

fn sentence(_: &Facts<'_>, _: &Comparison, difference: &Difference) -> String {
    let (_, live) = sides(difference);
    format!("is still {live} live{}; Git no longer declares it", last_written(difference))
}
