//! Judges: what comparing and attributing found becomes findings, by checks that stand in [`CHECKS`].
//!
//! A check is pure and looks at [`Facts`] only. It never decides what differs or who wrote it; it says how bad that is.

mod api_removed;
mod author_mismatch;
mod check;
mod commit_unsigned;
mod commits;
mod field_drifted;
mod field_never_converges;
mod field_removed;
mod field_rewritten;
mod field_stale;
mod field_undeclared;
mod fields;
mod history_rewritten;
mod input_unpinned;
mod not_evaluated;
mod object_missing;
mod object_orphaned;
mod object_terminating;
mod object_undeclared;
mod objects;
mod ownership_scrubbed;
mod revision_unreachable;
mod sentence;
mod signature_invalid;
mod signer_untrusted;
mod tag_mismatched;
mod trust_policy_refused;

pub use check::{Check, Explanation, Facts};

use crate::model::finding::Finding;

/// Every check, worst first.
pub const CHECKS: &[Check] = &[
    field_drifted::CHECK,
    field_removed::CHECK,
    field_undeclared::CHECK,
    object_missing::CHECK,
    signature_invalid::CHECK,
    author_mismatch::CHECK,
    history_rewritten::CHECK,
    revision_unreachable::CHECK,
    tag_mismatched::CHECK,
    trust_policy_refused::CHECK,
    field_rewritten::CHECK,
    field_stale::CHECK,
    field_never_converges::CHECK,
    object_undeclared::CHECK,
    object_orphaned::CHECK,
    api_removed::CHECK,
    ownership_scrubbed::CHECK,
    input_unpinned::CHECK,
    not_evaluated::CHECK,
    object_terminating::CHECK,
    commit_unsigned::CHECK,
    signer_untrusted::CHECK,
];

/// Every finding, sorted by object, rule, field, commit and message.
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| (check.run)(facts)).collect();
    findings.sort_by_cached_key(|finding| {
        let field = finding.field.as_ref().map(ToString::to_string);
        (finding.object.clone(), finding.rule, field, finding.commit.clone(), finding.message.clone())
    });
    findings
}

/// There is no such rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no rule is called `{rule}`{}", suggestion.map_or_else(|| "; `kubewitness explain` lists them all".to_owned(), |near| format!("; did you mean `{near}`?")))]
pub struct UnknownRule {
    /// What was asked for.
    pub rule: String,
    /// The rule that is written most alike.
    pub suggestion: Option<&'static str>,
}

/// The check of a rule, for `explain`.
///
/// # Errors
/// Where there is none, with the one that is written most alike.
pub fn explain(rule: &str) -> Result<&'static Check, UnknownRule> {
    CHECKS.iter().find(|check| check.id == rule).ok_or_else(|| UnknownRule { rule: rule.to_owned(), suggestion: nearest(rule) })
}

fn nearest(rule: &str) -> Option<&'static str> {
    let similarity = |check: &&Check| (strsim::jaro_winkler(rule, check.id) * 1000.0) as u32;
    CHECKS.iter().max_by_key(similarity).filter(|check| similarity(check) > 750).map(|check| check.id)
}

impl std::fmt::Display for Check {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Explanation { meaning, importance, remedy } = self.explanation;
        writeln!(formatter, "{} ({}): {}", self.id, self.severity.as_str(), self.title)?;
        writeln!(formatter, "\nWhat should be\n  {}", self.criteria)?;
        writeln!(formatter, "\nWhat it means\n  {meaning}")?;
        writeln!(formatter, "\nWhy it matters\n  {importance}")?;
        writeln!(formatter, "\nWhat to do\n  {remedy}")
    }
}

#[cfg(test)]
mod tests;
