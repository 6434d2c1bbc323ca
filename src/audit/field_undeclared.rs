//! A field was added live.

use super::check::{Check, Explanation, Facts};
use super::fields;
use super::sentence::{last_written, sides};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "field-undeclared",
    title: "A field was added live",
    severity: Severity::Error,
    criteria: "Whatever people set in the cluster is declared in Git.",
    explanation: Explanation {
        meaning: "The live object has a field that Git does not declare, and it is neither a default nor the work of a known controller: a person's tool or an unknown manager wrote it, or nobody on record did at a place that can be written without a record.",
        importance: "An apply does not remove what it does not own: such a field stays for ever, and no review ever saw it.",
        remedy: "Declare the field in Git, or remove it from the object. If a controller of yours writes it, name that controller in the configuration.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    fields::findings(&CHECK, facts, FieldVerdict::Undeclared, sentence)
}

fn sentence(_: &Facts<'_>, _: &Comparison, difference: &Difference) -> String {
    let (_, live) = sides(difference);
    format!("is {live} live{}; Git does not declare it", last_written(difference))
}
