//! An object is not in Git.

use super::check::{Check, Explanation, Facts};
use super::objects;
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "object-undeclared",
    title: "An object is not in Git",
    severity: Severity::Warning,
    criteria: "Everything in the watched namespaces is declared in Git.",
    explanation: Explanation {
        meaning: "The object is in a namespace that was asked for, no controller owns it, and no source declares it. What servers make themselves does not count.",
        importance: "It came past review, and nothing but the cluster remembers it.",
        remedy: "Declare it in Git, or delete it. If it belongs to another source, add that source to the configuration.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    objects::findings(&CHECK, facts, ObjectState::Undeclared, sentence)
}

fn sentence(_: &Facts<'_>, comparison: &Comparison) -> String {
    let creator = match (&comparison.created_by, comparison.created) {
        (Some(manager), Some(created)) => {
            format!("; it seems to have been created by {} on {}", manager.name, created.format("%Y-%m-%dT%H:%M:%SZ"))
        }
        (Some(manager), None) => format!("; it seems to have been created by {}", manager.name),
        (None, Some(created)) => format!("; it was created on {}, its creator is not recorded", created.format("%Y-%m-%dT%H:%M:%SZ")),
        (None, None) => "; its creator is not recorded".to_owned(),
    };
    format!("is in the cluster but not in Git{creator}")
}
