//! What all checks of objects share.

use super::check::{Check, Facts};
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::finding::Finding;

/// One finding for each object in this state. The sentence goes on behind the object's name.
pub(super) fn findings(
    check: &Check,
    facts: &Facts<'_>,
    state: ObjectState,
    sentence: fn(&Facts<'_>, &Comparison) -> String,
) -> Vec<Finding> {
    facts
        .comparisons
        .iter()
        .filter(|comparison| comparison.state == state)
        .map(|comparison| check.of_object(facts, &comparison.id, format!("{} {}", comparison.id, sentence(facts, comparison))))
        .collect()
}
