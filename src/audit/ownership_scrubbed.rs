//! The record of who wrote an object was emptied.

use super::check::{Check, Explanation, Facts};
use crate::model::comparison::{Comparison, OwnershipGap};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "ownership-scrubbed",
    title: "The record of who wrote an object is gone",
    severity: Severity::Warning,
    criteria: "Every write to a declared object is on record in its managedFields.",
    explanation: Explanation {
        meaning: "The server records every writer of a field, and here the record is empty, or lacks the applier whose mark the object \
                  bears. Anybody who may update an object can empty its record; so can a restore from a backup, or making it anew by hand.",
        importance: "Until the next server-side apply nobody can be named for any change of this object, and further edits go unrecorded.",
        remedy: "Apply the object with server-side apply, which starts the record anew, and look into the audit log of the API server for \
                 who wrote metadata.managedFields.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let told = |comparison: &Comparison| {
        let sentence = match comparison.ownership_gap? {
            OwnershipGap::Emptied => "has no record of writers, though somebody wrote what it holds",
            OwnershipGap::ApplierGone => "bears the mark of Flux, but kustomize-controller is not on record as its applier",
        };
        Some(CHECK.of_object(facts, &comparison.id, format!("{} {sentence}", comparison.id)))
    };
    facts.comparisons.iter().filter_map(told).collect()
}
