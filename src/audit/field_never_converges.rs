//! A declared value cannot be reached.

use super::check::{Check, Explanation, Facts};
use super::fields;
use super::sentence::{field_origin, sides};
use crate::model::comparison::{Comparison, Difference, FieldVerdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "field-never-converges",
    title: "A declared value cannot be reached",
    severity: Severity::Warning,
    criteria: "Every declared value can become live.",
    explanation: Explanation {
        meaning: "The live value cannot become what Git declares: the field is immutable, is dropped by the schema, or is normalised to another value by the server.",
        importance: "A reconciler tries for ever, and the object never matches; real drift hides in the noise.",
        remedy: "Declare what the server makes of the value, or recreate the object where the field is immutable.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    fields::findings(&CHECK, facts, FieldVerdict::NeverConverges, sentence)
}

fn sentence(facts: &Facts<'_>, comparison: &Comparison, difference: &Difference) -> String {
    let (declared, live) = sides(difference);
    format!("is {live} live and cannot become {declared}, as Git declares it{}", field_origin(facts, comparison, difference))
}
