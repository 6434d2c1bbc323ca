//! One look over all objects: the numbers that the report tells.

use std::collections::{BTreeMap, BTreeSet};

use super::Commits;
use super::subject::name;
use crate::report::object::Object;
use crate::report::objects::Objects;

/// States that need action, in the order in which they are told.
pub(super) const NEWS: [&str; 6] = ["drifted", "missing", "undeclared", "orphaned", "pending", "terminating"];

/// States that need none.
const QUIET: [&str; 3] = ["synced", "expected-absent", "other-cluster"];

/// What this version does not know was not judged: a record may have words of a later one.
fn known_state(state: &str) -> &str {
    if NEWS.contains(&state) || QUIET.contains(&state) { state } else { "unknown" }
}

fn is_unknown(verdict: &str) -> bool {
    let known = ["drifted", "removed", "undeclared", "rewritten", "stale", "never-converges", "injected", "undeclared-controller"];
    !known.contains(&verdict) && !["defaulted", "equal", "pending"].contains(&verdict)
}

#[derive(Default)]
pub(super) struct Tally {
    /// Objects by state.
    pub(super) states: BTreeMap<String, usize>,
    /// Objects that need action, and all objects, by namespace; `-` for cluster-scoped ones.
    pub(super) namespaces: BTreeMap<String, (usize, usize)>,
    /// Declared objects by the verdict on who declared them; `-` for those whose source is not versioned.
    pub(super) proofs: BTreeMap<String, usize>,
    /// E-mails of authors of declared objects.
    pub(super) authors: BTreeSet<String>,
    /// Injected fields, and the objects they are in.
    pub(super) injected: (usize, usize),
    /// How many fields could not be judged.
    pub(super) unknown_fields: usize,
    /// Those of objects that are not told themselves: which field, and what decided.
    pub(super) untold_fields: Vec<(String, String)>,
}

impl Tally {
    pub(super) fn of(objects: &Objects<'_>, commits: &Commits<'_>) -> Self {
        let mut tally = Self::default();
        for object in objects.iter() {
            tally.add(&object, commits);
        }
        tally
    }

    fn add(&mut self, object: &Object, commits: &Commits<'_>) {
        *self.states.entry(known_state(&object.state).to_owned()).or_default() += 1;
        let (news, all) = self.namespaces.entry(object.namespace.clone().unwrap_or_else(|| "-".to_owned())).or_default();
        *news += usize::from(NEWS.contains(&object.state.as_ref()));
        *all += 1;
        let injected = object.differences.iter().filter(|difference| difference.verdict == "injected").count();
        for difference in object.differences.iter().filter(|difference| is_unknown(&difference.verdict)) {
            self.unknown_fields += 1;
            if object.state != "drifted" && object.state != "unknown" {
                self.untold_fields.push((format!("{} {}", name(object), difference.field), difference.decided_by.to_string()));
            }
        }
        self.injected.0 += injected;
        self.injected.1 += usize::from(injected > 0);
        let Some(declared) = &object.declared else { return };
        let Some(attribution) = &object.attribution else {
            *self.proofs.entry("-".to_owned()).or_default() += 1;
            return;
        };
        *self.proofs.entry(attribution.verdict.to_string()).or_default() += 1;
        let id = attribution.authored_by.as_deref();
        let author = id.and_then(|id| commits.get(&(declared.source.as_str(), id)));
        self.authors.extend(author.map(|commit| commit.author.email.clone()));
    }

    pub(super) fn count(&self, state: &str) -> usize {
        self.states.get(state).copied().unwrap_or(0)
    }

    /// Whether any object needs action.
    pub(super) fn is_news(&self) -> bool {
        NEWS.iter().any(|state| self.count(state) > 0)
    }
}
