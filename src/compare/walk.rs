//! The walk: a declared value against a live one, the declared being a part of the live.
//!
//! ```text
//! value ─ scalars ─────────── scalar::compare, and what an explicit zero means
//!       ─ structures, maps ── each declared field; what only the live side has goes to `judge`
//!       ─ lists ───────────── lists.rs, by the schema's keys
//! ```
//! It reports differences in text only; who wrote what is asked in `judge`, and only where something differs.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::filled;
use super::judge::Judge;
use super::place::{At, Path};
use super::quantity;
use super::said::Said;
use super::scalar::{self, Match, Reading};
use crate::model::comparison::{Difference, FieldValue, FieldVerdict, Manager, Side};
use crate::model::object::Step;
use crate::model::schema::{ListKind, Schemas};
use crate::secret::{LAST_APPLIED, holds_digest};

pub(super) static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// Fields of `metadata` that say which object this is or that only the server sets.
const SERVER_METADATA: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
    "generateName",
];

/// Names below which a custom resource's text is a quantity (row 5).
const QUANTITY_FIELDS: [&str; 5] = ["requests", "limits", "nominalQuota", "capacity", "storage"];

/// The walk over one object.
pub(super) struct Walk<'a> {
    pub(super) schemas: &'a Schemas,
    pub(super) judge: Judge<'a>,
    pub(super) root: &'a Value,
    /// Whether the declared values are encrypted, so that only the shape can be compared.
    pub(super) encrypted: bool,
    pub(super) path: Path,
    pub(super) differences: Vec<Difference>,
    pub(super) defaults: usize,
}

impl<'a> Walk<'a> {
    /// Compares a value that both sides have.
    pub(super) fn value(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value) {
        match (declared, live) {
            (Value::Null, Value::Null) => {}
            (Value::Null, _) => self.declared_null(at, live),
            (_, Value::Null) if at.typed => self.absent(at, declared),
            (Value::Object(declared), Value::Object(live)) => self.fields(at, declared, live),
            (Value::Array(items), Value::Array(live_items)) => {
                let says_nothing = at.typed && items.is_empty() && at.table.is_some_and(|field| !field.is_pointer);
                if says_nothing && !live_items.is_empty() {
                    self.declared_empty(at, declared, live);
                } else {
                    self.list(at, declared, live, items, live_items);
                }
            }
            _ => self.scalar(at, declared, live),
        }
    }

    /// Compares the fields of a structure or the entries of a map.
    pub(super) fn fields(&mut self, at: At<'a>, declared: &'a Map<String, Value>, live: &'a Map<String, Value>) {
        for (name, value) in declared {
            if self.is_ignored(name) {
                continue;
            }
            self.path.push_field(name);
            let child = At { around: Some(live), declared_around: Some(declared), ..at.child(self.schemas, name, self.path.steps.len()) };
            match live.get(name) {
                Some(live) => self.value(child, value, live),
                None => self.absent(child, value),
            }
            self.path.pop();
        }
        for (name, value) in live {
            if declared.contains_key(name) || self.is_ignored(name) {
                continue;
            }
            self.path.push_field(name);
            let child = At { around: Some(live), declared_around: Some(declared), ..at.child(self.schemas, name, self.path.steps.len()) };
            self.undeclared(child, value);
            self.path.pop();
        }
    }

    /// What says which object this is, what only the server sets, and what has no schema of its own: row 92, note h.
    pub(super) fn is_ignored(&self, name: &str) -> bool {
        match self.path.steps.len() {
            0 => matches!(name, "apiVersion" | "kind" | "status") || self.encrypted && name == "sops",
            1 => SERVER_METADATA.contains(&name) && self.path.last_word() == "metadata",
            2 => (name == LAST_APPLIED || self.is_scaling_status(name)) && self.path.words(0) == "metadata.annotations",
            _ => false,
        }
    }

    /// What `autoscaling/v1` has no field for stands in annotations, which the server takes from no writer (live-facts 4.15).
    fn is_scaling_status(&self, name: &str) -> bool {
        let is_status = matches!(name, "autoscaling.alpha.kubernetes.io/conditions" | "autoscaling.alpha.kubernetes.io/current-metrics");
        is_status && self.root.get("apiVersion").is_some_and(|version| version == "autoscaling/v1")
    }

    fn scalar(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value) {
        let reading = Reading {
            format: at.format(self.schemas),
            typed: at.typed,
            in_map: at.is_entry,
            named_as_quantity: self.is_named_as_quantity(),
        };
        match scalar::compare(reading, declared, live) {
            Match::Same => {}
            Match::Rule(rule, low) => self.report(Said::equal(rule).low(low), Some(declared), Some(live)),
            // Live-facts 4.4: an explicit zero of a field that is no pointer is no declaration.
            Match::Different if is_plain_zero(at, declared) && self.is_filled(at, live) => {
                self.report(Said::equal("zero-filled"), Some(declared), Some(live));
            }
            Match::Different if self.is_injected_bundle(at, declared) => {
                self.report(Said::equal("ca-injection").low(true), Some(declared), Some(live));
            }
            Match::Different => self.drifted(at, declared, live),
        }
    }

    fn is_named_as_quantity(&self) -> bool {
        let names = self.path.steps.iter().rev().filter_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            _ => None,
        });
        names.take(2).any(|name| QUANTITY_FIELDS.contains(&name))
    }

    /// Row 72: a placeholder that cert-manager's injector is asked to replace, or that a controller replaced.
    fn is_injected_bundle(&self, at: At<'a>, declared: &Value) -> bool {
        let annotations = self.root.pointer("/metadata/annotations").and_then(Value::as_object);
        let asked = annotations.is_some_and(|annotations| annotations.keys().any(|key| key.starts_with("cert-manager.io/inject-")));
        let placeholder = declared.as_str().is_some_and(|text| text.len() < 16);
        let is_bundle = at.typed && self.path.last_word() == "caBundle" && placeholder;
        is_bundle && (asked || self.judge.is_controllers(&self.path.steps, at.whole))
    }

    /// A declared null has no opinion in a structure, is an empty text in a map (live-facts 1.4), a value where a custom
    /// resource allows it.
    fn declared_null(&mut self, at: At<'a>, live: &'a Value) {
        let nullable = at.node(self.schemas).is_some_and(|node| node.nullable);
        match live {
            Value::String(text) if at.typed && at.is_entry && text.is_empty() => {
                self.report(Said::equal("null-entry"), Some(&Value::Null), Some(live));
            }
            _ if at.typed && at.is_entry => self.drifted(at, &Value::Null, live),
            _ if at.typed => self.undeclared(at, live),
            _ if at.default == Some(live) => self.report(Said::equal("null-default"), Some(&Value::Null), Some(live)),
            _ if nullable => self.drifted(at, &Value::Null, live),
            _ => self.undeclared(at, live),
        }
    }

    /// An empty list that Go drops is no declaration to the server; to a reader of Git it is one (row 21).
    fn declared_empty(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value) {
        let mark = self.differences.len();
        self.undeclared(at, live);
        let (field, leaf) = (self.path.field(), self.judge.leaf(&self.path.declared()));
        let here = |difference: &&mut Difference| difference.field == field && difference.verdict == FieldVerdict::Undeclared;
        if let Some(difference) = self.differences[mark..].iter_mut().find(here) {
            difference.verdict = FieldVerdict::Drifted;
            difference.decided_by = "value";
            difference.declared = Some(shown(declared));
            difference.leaf = Some(leaf);
        }
    }

    /// What is declared and not there.
    pub(super) fn absent(&mut self, at: At<'a>, declared: &'a Value) {
        match self.why_absent(at, declared) {
            Absent::Rule(said) => self.report(said, Some(declared), None),
            Absent::Inside => match declared {
                Value::Object(fields) => self.fields(at, fields, &NOTHING),
                Value::Array(items) => self.list(at, declared, &Value::Null, items, &[]),
                _ => {}
            },
            Absent::Removed => self.removed(at, declared),
        }
    }

    fn why_absent(&self, at: At<'a>, declared: &Value) -> Absent {
        let is_map = at.node(self.schemas).is_some_and(|node| node.values.is_some());
        let is_keyed = matches!(at.list(self.schemas), ListKind::Map(_));
        match (declared, at.table) {
            (Value::Null, _) => Absent::Rule(Said::equal("null-omitted")),
            (Value::Object(fields), Some(field)) if field.is_plain_structure() && !fields.is_empty() => Absent::Inside,
            (Value::Object(_), Some(field)) if field.is_plain_structure() => Absent::Rule(Said::equal("empty-omitted")),
            (_, Some(field)) if field.is_collection() && is_empty(declared) => Absent::Rule(Said::equal("empty-omitted")),
            (_, Some(_)) if is_plain_zero(at, declared) => Absent::Rule(Said::equal("zero-omitted")),
            _ if at.is_unknown_field => Absent::Rule(Said::new(FieldVerdict::NeverConverges, "unknown-field")),
            (Value::Object(entries), _) if is_map && !entries.is_empty() => Absent::Inside,
            (Value::Array(items), _) if is_keyed && !items.is_empty() => Absent::Inside,
            // Row 79: a controller that reads and writes its own type drops empties.
            _ if !at.typed && is_empty(declared) => Absent::Rule(Said::equal("empty-omitted").low(true)),
            _ => Absent::Removed,
        }
    }

    /// A declared value that is gone (live-facts R3: nobody is on record, but for what is written as a whole).
    pub(super) fn removed(&mut self, at: At<'a>, declared: &'a Value) {
        let (said, manager) = self.judge.removed(&self.path.steps, at.whole);
        self.push(said, Some(declared), None, manager);
    }

    /// A declared value that is another one live.
    pub(super) fn drifted(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value) {
        if self.encrypted {
            return self.push(Said::new(FieldVerdict::Unknown, "encrypted"), Some(declared), Some(live), None);
        }
        let (said, manager) = self.judge.drifted(&self.path.steps, at.whole);
        let low = self.path.last_word() == "image" && scalar::is_same_image(declared, live);
        self.push(said.low(low), Some(declared), Some(live), manager);
    }

    /// Whether the server would fill in this value by itself.
    pub(super) fn is_filled(&self, at: At<'a>, live: &'a Value) -> bool {
        let by_table = || at.table.is_some_and(|field| field.defaults.contains(live)) || at.default == Some(live);
        // What is allocated may be set by hand as well; then a person's tool is on record.
        let by_rule = || match self.filled(at, live, filled::by_server) {
            Some(filled::ALLOCATED) => self.judge.is_no_tool(&self.path.steps, at.whole),
            Some(filled::ALIAS) => self.is_told_by_its_name(at),
            rule => rule.is_some(),
        };
        self.filled(at, live, filled::is_conditional_default).unwrap_or_else(|| by_table() || by_rule())
    }

    /// Whether the field that an alias stands for is declared or has a writer, and so says all there is to say; or nobody
    /// wrote the alias.
    fn is_told_by_its_name(&self, at: At<'a>) -> bool {
        const NAME: &str = "serviceAccountName";
        let named = || {
            let mut steps = self.path.steps.clone();
            steps.pop();
            steps.push(Step::Field(NAME.to_owned()));
            self.judge.writer(&steps, at.whole).is_some()
        };
        at.declared_around.is_some_and(|around| around.contains_key(NAME)) || self.judge.is_no_tool(&self.path.steps, at.whole) || named()
    }

    /// Asks a table of what is filled in about the value that the path leads to.
    pub(super) fn filled<T>(&self, at: At<'a>, live: &'a Value, ask: fn(&filled::Filled<'_>) -> Option<T>) -> Option<T> {
        let is_field = matches!(self.path.steps.last(), Some(Step::Field(_)));
        let path = self.path.words(usize::from(is_field));
        ask(&filled::Filled {
            component: at.component,
            name: if is_field { self.path.last_word() } else { "" },
            around: at.around.unwrap_or(&NOTHING),
            declared_around: at.declared_around.unwrap_or(&NOTHING),
            value: live,
            root: self.root,
            path: &path,
        })
    }

    /// Reports what is not drift: equal by a rule, or never to be equal.
    pub(super) fn report(&mut self, said: Said, declared: Option<&Value>, live: Option<&Value>) {
        self.push(said, declared, live, None);
    }

    pub(super) fn push(&mut self, said: Said, declared: Option<&Value>, live: Option<&Value>, manager: Option<Manager>) {
        let side = if live.is_some() { Side::Live } else { Side::Declared };
        self.differences.push(Difference {
            field: self.path.field(),
            pointer: if live.is_some() { self.path.live() } else { self.path.declared() },
            side,
            verdict: said.verdict,
            low_confidence: said.low,
            decided_by: said.rule,
            leaf: declared.map(|_| self.judge.leaf(&self.path.declared())),
            declared: declared.map(shown),
            live: live.map(shown),
            manager,
            obstacle: None,
        });
    }
}

enum Absent {
    Rule(Said),
    Inside,
    Removed,
}

fn shown(value: &Value) -> FieldValue {
    if holds_digest(value) { FieldValue::Redacted } else { FieldValue::Shown(value.clone()) }
}

/// `{}`, `[]`, or a map of nothing but that.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether Go's `omitempty` drops it.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        container => is_empty(container),
    }
}

pub(super) fn is_plain_zero(at: At<'_>, value: &Value) -> bool {
    at.table.is_some_and(|field| field.is_plain_scalar() && (is_zero(value) || field.is_quantity() && quantity::nanos(value) == Some(0)))
}
