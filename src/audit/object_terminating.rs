//! A declared object is being deleted.

use super::check::{Check, Explanation, Facts};
use super::objects;
use super::sentence::object_origin;
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "object-terminating",
    title: "A declared object is being deleted",
    severity: Severity::Note,
    criteria: "Declared objects are not being deleted.",
    explanation: Explanation {
        meaning: "The live object has a deletion timestamp. A finalizer may hold it for long.",
        importance: "It will be gone soon, or hangs; either way it is not what Git declares.",
        remedy: "Look at its finalizers and at who deletes it. Apply Git again when it is gone.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    objects::findings(&CHECK, facts, ObjectState::Terminating, sentence)
}

fn sentence(facts: &Facts<'_>, comparison: &Comparison) -> String {
    format!("is being deleted; Git declares it{}", object_origin(facts, comparison))
}
