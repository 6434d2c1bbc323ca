//! A declared value was rewritten on its way in.

use super::check::{Check, Explanation, Facts};
use super::fields;
use super::sentence::{field_origin, last_written, sides};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "field-rewritten",
    title: "A declared value was rewritten on its way in",
    severity: Severity::Warning,
    criteria: "What is applied arrives as it was applied.",
    explanation: Explanation {
        meaning: "The value differs although the applier still owns the field. Admission or the server rewrote it, or what was applied is not what this source builds at this commit.",
        importance: "Either the declaration can never be reached, or the cluster was given something else than the Git that was read.",
        remedy: "Compare with the output of the applying tool at the same commit. If a webhook rewrites the field, declare what it makes of it.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    fields::findings(&CHECK, facts, FieldVerdict::Rewritten, sentence)
}

fn sentence(facts: &Facts<'_>, comparison: &Comparison, difference: &Difference) -> String {
    let (declared, live) = sides(difference);
    format!(
        "is {live} live although its applier still owns it{}; Git declares {declared}{}",
        last_written(difference),
        field_origin(facts, comparison, difference)
    )
}
