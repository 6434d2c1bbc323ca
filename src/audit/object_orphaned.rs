//! An object that Git dropped is still there.

use super::check::{Check, Explanation, Facts};
use super::objects;
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "object-orphaned",
    title: "An object that Git dropped is still there",
    severity: Severity::Warning,
    criteria: "What is removed from Git is removed from the cluster.",
    explanation: Explanation {
        meaning: "The object was declared once, its declaration was removed from Git, and it is still live.",
        importance: "Reviewers believe that it is gone. It keeps its rights, its secrets and its open ports.",
        remedy: "Delete it, or let the applying tool prune what it applied.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    objects::findings(&CHECK, facts, ObjectState::Orphaned, sentence)
}

fn sentence(_: &Facts<'_>, _: &Comparison) -> String {
    "was removed from Git but is still in the cluster".to_owned()
}
