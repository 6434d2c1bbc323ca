//! What was said of a field, and by which rule.

use crate::model::comparison::FieldVerdict;

/// A verdict with the rule that decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) verdict: FieldVerdict,
    pub(super) rule: &'static str,
    pub(super) low: bool,
}

impl Said {
    pub(super) fn new(verdict: FieldVerdict, rule: &'static str) -> Self {
        Self { verdict, rule, low: false }
    }

    pub(super) fn equal(rule: &'static str) -> Self {
        Self::new(FieldVerdict::Equal, rule)
    }

    pub(super) fn low(self, low: bool) -> Self {
        Self { low, ..self }
    }
}
