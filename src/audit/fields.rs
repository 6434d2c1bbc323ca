//! What all checks of fields share.

use super::check::{Check, Facts};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::Finding;

/// One finding for each difference with this verdict. The sentence goes on behind the field's name.
pub(super) fn findings(
    check: &Check,
    facts: &Facts<'_>,
    verdict: FieldVerdict,
    sentence: fn(&Facts<'_>, &Comparison, &Difference) -> String,
) -> Vec<Finding> {
    let differences = facts.comparisons.iter().flat_map(|comparison| comparison.differences.iter().map(move |found| (comparison, found)));
    differences
        .filter(|(_, difference)| difference.verdict == verdict)
        .map(|(comparison, difference)| {
            let message = format!("{}: {} {}", comparison.id, difference.field, sentence(facts, comparison, difference));
            check.of_field(facts, &comparison.id, difference, message)
        })
        .collect()
}
