//! The one door through which differences leave the judgement: counted by rule, and kept beside the others.

use serde_json::Value;

use crate::model::comparison::{Comparison, Difference, FieldVerdict, Ignored};
use crate::model::coverage::IgnoredBy;
use crate::model::ignore::IgnoreRule;
use crate::model::object::ObjectId;

/// The rules, and what each took out.
pub(super) struct Ignoring<'a> {
    rules: &'a [IgnoreRule],
    counts: Vec<Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    /// Objects that it is about.
    about: usize,
    fields: usize,
    objects: usize,
}

/// The rule that leaves an object out as a whole.
pub(super) fn whole(rules: &[IgnoreRule], id: &ObjectId, manifest: &Value) -> Option<usize> {
    rules.iter().position(|rule| rule.is_of_objects() && rule.is_about(id, manifest))
}

impl<'a> Ignoring<'a> {
    pub(super) fn new(rules: &'a [IgnoreRule]) -> Self {
        Self { rules, counts: vec![Count::default(); rules.len()] }
    }

    /// Counts an object that a rule leaves out as a whole.
    pub(super) fn left_out(&mut self, rule: usize) {
        self.counts[rule].about += 1;
        self.counts[rule].objects += 1;
    }

    /// Takes out of the judgement what rules cover, and says whether that was anything. What needs no action stays.
    pub(super) fn sift(&mut self, comparison: &mut Comparison, manifest: &Value) -> bool {
        let (mut kept, mut ignored): (Vec<Difference>, Vec<Ignored>) = (Vec::new(), Vec::new());
        let about: Vec<usize> = (0..self.rules.len()).filter(|rule| self.rules[*rule].is_about(&comparison.id, manifest)).collect();
        if about.is_empty() {
            return false;
        }
        let mut used = vec![false; self.rules.len()];
        for difference in std::mem::take(&mut comparison.differences) {
            let is_covered = |rule: &&usize| asks_for_action(difference.verdict) && self.rules[**rule].covers(&difference);
            match about.iter().find(is_covered) {
                Some(rule) => {
                    self.counts[*rule].fields += 1;
                    used[*rule] = true;
                    ignored.push(Ignored { rule: self.rules[*rule].id.clone(), difference });
                }
                None => kept.push(difference),
            }
        }
        for rule in about {
            self.counts[rule].about += 1;
            self.counts[rule].objects += usize::from(used[rule]);
        }
        (comparison.differences, comparison.ignored) = (kept, ignored);
        !comparison.ignored.is_empty()
    }

    /// What each rule took out, in their order.
    pub(super) fn tell(self) -> Vec<IgnoredBy> {
        let told = self.rules.iter().zip(self.counts).map(|(rule, count)| IgnoredBy {
            rule: rule.id.clone(),
            reason: rule.reason.clone(),
            fields: count.fields,
            objects: count.objects,
            unused: match count {
                Count { about: 0, .. } => Some("no object"),
                Count { objects: 0, .. } => Some("no difference"),
                _ => None,
            },
        });
        told.collect()
    }
}

fn asks_for_action(verdict: FieldVerdict) -> bool {
    verdict.is_drift() || matches!(verdict, FieldVerdict::Unknown | FieldVerdict::Injected)
}
