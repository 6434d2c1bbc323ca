//! An object is declared at a version that the cluster does not serve.

use super::check::{Check, Explanation, Facts};
use super::sentence::object_origin;
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "api-removed",
    title: "An object is declared at a version that the cluster does not serve",
    severity: Severity::Warning,
    criteria: "Every object is declared at a version that the cluster serves.",
    explanation: Explanation {
        meaning: "The cluster serves the kind at another version only. The object was compared at that one, and what differs there \
                  between the versions could not be judged.",
        importance: "The next apply of this file is refused, so the object can no longer be changed through Git.",
        remedy: "Declare the object at a version that the cluster serves, as `kubectl api-resources` lists them; `kubectl convert` rewrites it.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let told = |comparison: &crate::model::comparison::Comparison| {
        let removed = comparison.removed_version.as_ref()?;
        let version = &comparison.version;
        let origin = object_origin(facts, comparison);
        let message =
            format!("{} is declared at {removed}{origin}, which the cluster does not serve; it was compared at {version}", comparison.id);
        Some(CHECK.of_object(facts, &comparison.id, message))
    };
    facts.comparisons.iter().filter_map(told).collect()
}
