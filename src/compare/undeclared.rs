//! Live fields that nothing declares: who wrote them, and at which point to say so.
//!
//! Each undeclared leaf gets a verdict; then equal verdicts of one writer are told once, at the topmost structure or list
//! item that is wholly undeclared. Entries of maps, as labels, stay by themselves: their names are their identity.

use serde_json::Value;

use super::filled;
use super::ownership::Whole;
use super::place::{At, Positions};
use super::said::Said;
use super::walk::{Walk, is_plain_zero, is_zero};
use crate::model::comparison::{Difference, FieldValue, FieldVerdict, Manager};
use crate::model::object::Step;
use crate::model::schema::ListKind;
use crate::secret::holds_digest;

impl<'a> Walk<'a> {
    /// Judges a value that only the live side has.
    pub(super) fn undeclared(&mut self, at: At<'a>, live: &'a Value) {
        let mark = self.differences.len();
        if self.is_default(at, live) {
            self.defaults += 1;
            return;
        }
        if let Some(rule) = self.filled(at, live, filled::by_controller)
            && self.judge.is_no_tool(&self.path.steps, at.whole)
        {
            let manager = self.judge.writer(&self.path.steps, at.whole);
            return self.push(Said::new(FieldVerdict::UndeclaredController, rule), None, Some(live), manager);
        }
        // Of a field of its own the record of writers tells more, unless its applier is on record for an empty list.
        let is_inside = matches!(at.whole, Whole::From(depth) if depth < self.path.steps.len());
        let is_declared_empty = || at.declared_around.is_some_and(|around| around.contains_key(self.path.last_word()));
        let is_admitted = || live.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(|item| self.is_admitted(at, item)));
        if (is_inside || is_declared_empty()) && is_admitted() && self.judge.is_no_tool(&self.path.steps, at.whole) {
            return self.report(Said::new(FieldVerdict::Injected, "admission").low(true), None, Some(live));
        }
        let merges = match (live, at.list(self.schemas)) {
            (Value::Object(fields), _) if !fields.is_empty() && !self.is_written_whole(at) => {
                for (name, value) in fields.iter().filter(|(name, _)| !self.is_ignored(name)).collect::<Vec<_>>() {
                    self.path.push_field(name);
                    let child = At { around: Some(fields), ..at.child(self.schemas, name, self.path.steps.len()) };
                    self.undeclared(child, value);
                    self.path.pop();
                }
                if self.differences.len() == mark && self.is_asked_for(at) {
                    self.undeclared_leaf(at, live);
                }
                self.merges(at)
            }
            (Value::Array(items), ListKind::Map(keys)) if !items.is_empty() => {
                self.undeclared_items(at, items, keys);
                false
            }
            (Value::Array(items), ListKind::Set) if !items.is_empty() => {
                for (position, item) in items.iter().enumerate() {
                    self.path.push(Step::Member(item.clone()), Positions { declared: None, live: Some(position) });
                    self.undeclared(at.item(self.schemas, self.path.steps.len()), item);
                    self.path.pop();
                }
                false
            }
            _ => {
                self.undeclared_leaf(at, live);
                false
            }
        };
        if merges {
            self.merge(mark, live);
        }
    }

    fn undeclared_items(&mut self, at: At<'a>, items: &'a [Value], keys: &[Box<str>]) {
        for (position, item) in items.iter().enumerate() {
            let depth = self.path.steps.len() + 1;
            let item_at = at.item(self.schemas, depth);
            let key = self.key_of(item_at, keys, item);
            self.path.push(Step::Key(key), Positions { declared: None, live: Some(position) });
            self.undeclared(item_at, item);
            self.path.pop();
        }
    }

    /// Atomic structures belong to their writer as a whole; inside one, the walk goes on to tell defaults.
    fn is_written_whole(&self, at: At<'a>) -> bool {
        at.node(self.schemas).is_some_and(|node| node.atomic)
    }

    /// Whether a wholly undeclared value is told as one: structures and list items, but neither maps nor structures that the
    /// server makes itself.
    fn merges(&self, at: At<'a>) -> bool {
        let is_map = at.node(self.schemas).is_some_and(|node| node.values.is_some() && node.fields.is_empty());
        let is_made_by_server = at.table.is_some_and(super::builtin::Field::is_present_by_default) || at.default.is_some();
        !is_map && !is_made_by_server && self.path.steps.len() > 1
    }

    /// Whether somebody asked for a structure that holds nothing but defaults: the server does not make it by itself.
    fn is_asked_for(&self, at: At<'a>) -> bool {
        self.merges(at) && !self.judge.is_no_tool(&self.path.steps, at.whole)
    }

    fn is_default(&self, at: At<'a>, live: &'a Value) -> bool {
        let is_plain = at.table.is_some_and(|field| !field.is_pointer) && is_zero(live) || is_plain_zero(at, live);
        let is_empty_structure = live.as_object().is_some_and(serde_json::Map::is_empty);
        let is_empty_default = is_empty_structure && at.table.is_some_and(super::builtin::Field::is_present_by_default);
        let is_null = live.is_null();
        is_null
            || is_plain
            || is_empty_default
            || (!is_empty_structure && self.is_filled(at, live) && !self.is_chosen_by_controller(at, live))
    }

    /// Whether a controller is on record for what the server would have chosen too: then that is told.
    fn is_chosen_by_controller(&self, at: At<'a>, live: &'a Value) -> bool {
        self.filled(at, live, filled::by_server) == Some(filled::ALLOCATED) && self.judge.is_controllers(&self.path.steps, at.whole)
    }

    fn undeclared_leaf(&mut self, at: At<'a>, live: &'a Value) {
        let path = self.path.words(1);
        let is_mark = filled::is_applier_mark(self.judge.applier_name(), &path, self.path.last_word(), live);
        let (said, manager) = self.judge.undeclared(&self.path.steps, at.whole, is_mark);
        let restarted = self.path.last_word() == "kubectl.kubernetes.io/restartedAt";
        // Row 68: an operation, not a change of what runs.
        let said =
            if restarted && said.verdict == FieldVerdict::Undeclared { Said { rule: "restarted-at", low: true, ..said } } else { said };
        self.push(said, None, Some(live), manager);
    }

    /// Replaces the differences since `mark` by one at this place, where one writer made them all.
    fn merge(&mut self, mark: usize, live: &'a Value) {
        let new = &self.differences[mark..];
        let Some(first) = new.iter().find(|difference| !is_quiet(difference)).or(new.first()) else { return };
        let same = |other: &Difference| {
            other.verdict == first.verdict
                && other.decided_by == first.decided_by
                && is_same_writer(first.manager.as_ref(), other.manager.as_ref())
        };
        let all_same = new.iter().all(same);
        let loud_same = new.iter().filter(|difference| !is_quiet(difference)).all(same);
        let owns_this = || first.manager.as_ref().is_some_and(|manager| self.judge.lists(manager, &self.path.steps));
        let is_one = all_same || loud_same && owns_this();
        if !is_one {
            return;
        }
        let merged = Difference {
            field: self.path.field(),
            pointer: self.path.live(),
            live: Some(if holds_digest(live) { FieldValue::Redacted } else { FieldValue::Shown(live.clone()) }),
            low_confidence: new.iter().all(|difference| difference.low_confidence),
            ..first.clone()
        };
        self.differences.truncate(mark);
        self.differences.push(merged);
    }
}

fn is_quiet(difference: &Difference) -> bool {
    matches!(difference.verdict, FieldVerdict::Injected | FieldVerdict::UndeclaredController)
}

fn is_same_writer(one: Option<&Manager>, other: Option<&Manager>) -> bool {
    let identity = |manager: &Manager| (manager.name.clone(), manager.operation, manager.subresource.clone());
    one.map(identity) == other.map(identity)
}
