//! Something could not be judged.

use std::collections::HashSet;

use super::check::{Check, Explanation, Facts};
use super::fields;
use crate::model::comparison::{Comparison, FieldVerdict, ObjectState};
use crate::model::coverage::NotEvaluated;
use crate::model::finding::{Finding, Severity};
use crate::model::object::ObjectId;

pub(super) const CHECK: Check = Check {
    id: "not-evaluated",
    title: "Something could not be judged",
    severity: Severity::Warning,
    criteria: "Everything in scope can be read and judged.",
    explanation: Explanation {
        meaning: "An object, a field, a kind, a file or a source could not be read or judged. The reason is given with it.",
        importance: "Nothing is known of it: it is neither in sync nor drifted, and a report that leaves it out would be wrong.",
        remedy: "Mend the reason. For what is forbidden, `kubewitness rbac` prints the smallest role that the configuration needs.",
    },
    run,
};

/// One finding for each subject, however often and for how many reasons it was given up.
fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut told = HashSet::new();
    let mut findings: Vec<Finding> = facts
        .not_evaluated
        .iter()
        .filter(|gap| told.insert((gap.stage, &gap.object, &gap.subject)))
        .map(|gap| CHECK.of_subject(facts, gap.object.as_ref(), &subject(gap), sentence(gap)))
        .collect();
    let objects: HashSet<&ObjectId> = facts.not_evaluated.iter().filter_map(|gap| gap.object.as_ref()).collect();
    let unknown = facts.comparisons.iter().filter(|found| found.state == ObjectState::Unknown && !objects.contains(&found.id));
    findings.extend(unknown.map(|found| CHECK.of_object(facts, &found.id, unknown_object(found))));
    findings.extend(fields::findings(&CHECK, facts, FieldVerdict::Unknown, |_, _, difference| {
        format!("could not be judged ({})", difference.decided_by)
    }));
    findings
}

fn subject(gap: &NotEvaluated) -> String {
    if gap.object.is_some() { gap.stage.as_str().to_owned() } else { format!("{}\0{}", gap.stage.as_str(), gap.subject) }
}

fn sentence(gap: &NotEvaluated) -> String {
    let detail = gap.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{} was not evaluated at the stage `{}`: {}{detail}", gap.subject, gap.stage.as_str(), gap.reason)
}

fn unknown_object(comparison: &Comparison) -> String {
    format!("{} was not evaluated: {}", comparison.id, comparison.reason.as_deref().unwrap_or("no reason was given"))
}
