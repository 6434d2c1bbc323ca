//! A declared field is gone live.

use super::check::{Check, Explanation, Facts};
use super::fields;
use super::sentence::{field_origin, last_written, obstacle, sides};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "field-removed",
    title: "A declared field is gone live",
    severity: Severity::Error,
    criteria: "Every declared field exists in the cluster.",
    explanation: Explanation {
        meaning: "Git declares this field and the live object does not have it. A removal leaves no trace in managedFields, so its writer is usually not recorded.",
        importance: "Removed limits, probes or labels change how a workload runs, and nothing in the live object shows that they were meant to be there.",
        remedy: "Apply Git again, or remove the field from Git. The API server's audit log knows who removed it.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    fields::findings(&CHECK, facts, FieldVerdict::Removed, sentence)
}

fn sentence(facts: &Facts<'_>, comparison: &Comparison, difference: &Difference) -> String {
    let (declared, _) = sides(difference);
    format!(
        "is gone live{}; Git declares {declared}{}{}",
        last_written(difference),
        field_origin(facts, comparison, difference),
        obstacle(difference)
    )
}
