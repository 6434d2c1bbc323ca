//! A declared value differs live.

use super::check::{Check, Explanation, Facts};
use super::fields;
use super::sentence::{field_origin, last_written, obstacle, sides};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "field-drifted",
    title: "A declared value differs live",
    severity: Severity::Error,
    criteria: "Every declared field has its declared value in the cluster.",
    explanation: Explanation {
        meaning: "Git declares a value for this field and the cluster has another one. The difference is one of meaning: quantities, defaults, empty values and the order of list-maps do not count.",
        importance: "The cluster does something that nobody reviewed. The next apply may silently undo it, or whoever changed it may rely on it.",
        remedy: "Ask whoever uses the named field manager. Commit the change, or apply Git again. The manager is what the client called itself, not a person; only the API server's audit log names people.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    fields::findings(&CHECK, facts, FieldVerdict::Drifted, sentence)
}

fn sentence(facts: &Facts<'_>, comparison: &Comparison, difference: &Difference) -> String {
    let (declared, live) = sides(difference);
    format!(
        "is {live} live{}; Git declares {declared}{}{}",
        last_written(difference),
        field_origin(facts, comparison, difference),
        obstacle(difference)
    )
}
