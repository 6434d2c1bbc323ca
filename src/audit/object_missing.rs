//! A declared object is not there.

use super::check::{Check, Explanation, Facts};
use super::objects;
use super::sentence::object_origin;
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "object-missing",
    title: "A declared object is not there",
    severity: Severity::Error,
    criteria: "Every declared object exists in the cluster.",
    explanation: Explanation {
        meaning: "Git declares the object, its kind was listed whole, and it is not there. Hooks and Jobs that clean up after themselves do not count, and neither does what could not be listed.",
        importance: "Something that should run, protect or limit does not.",
        remedy: "Apply Git again, or remove the declaration. The API server's audit log knows who deleted it.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    objects::findings(&CHECK, facts, ObjectState::Missing, sentence)
}

fn sentence(facts: &Facts<'_>, comparison: &Comparison) -> String {
    format!("is missing from the cluster; Git declares it{}", object_origin(facts, comparison))
}
