//! Random changes of live objects, one each: found at their field, with the right verdict and the right writer, and nothing
//! else. What is right is derived from the object read before and after the change, never from the program.
//!
//! `KW_MUTATIONS` (how many at least), `KW_MUTATIONS_SEED` choose others.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::api::Api;
use crate::harness::control_plane::control_plane;
use crate::harness::generator::draw::Drawer;
use crate::harness::generator::places::{Change, Leaf, Part, at, changes, is_listed, leaves, only, written};
use crate::harness::generator::random::Random;
use crate::harness::generator::schema::Schema;
use crate::harness::generator::{Fleet, Object};
use crate::harness::{number, say};
use crate::oracle::{fleet, repository, scan};

/// How often a change is drawn anew for one object.
const DRAWS: usize = 8;

const APPLIER: &str = "kustomize-controller";

/// Writers, and whether they use server-side apply; what a controller adds is no drift.
const WRITERS: [(&str, bool); 13] = [
    ("kubectl-edit", false),
    ("kubectl-patch", false),
    ("k9s", false),
    ("Mozilla", false),
    ("node-fetch", false),
    ("python-requests", false),
    ("OpenAPI-Generator", false),
    ("argocd-server", false),
    ("some-operator", false),
    ("cert-manager-cainjector", false),
    ("kubectl", true),
    ("helm", true),
    ("platform-cli", true),
];
const CONTROLLER: &str = "cert-manager-cainjector";

/// What must be said of an object.
struct Expected {
    field: String,
    verdicts: &'static [&'static str],
    /// Absent where nobody is on record.
    manager: Option<(&'static str, &'static str)>,
    /// Whether it may be said of a place below, or of one around that is new as a whole.
    around: Option<String>,
    below: bool,
}

/// An object that was changed once.
struct Mutation {
    object: Object,
    what: String,
    expected: Vec<Expected>,
}

#[derive(Default)]
struct Counts {
    refused: AtomicUsize,
    undone: AtomicUsize,
    unfit: AtomicUsize,
}

struct Mutator<'a> {
    api: &'a Api,
    fleet: &'a Fleet,
    counts: &'a Counts,
}

/// A change about to be made.
struct Plan {
    what: String,
    /// Method and body: operations, the whole object, or a part of it.
    request: Request,
    targets: Vec<Vec<Part>>,
}

enum Request {
    Patch(Value),
    Replace(Value),
    Apply(Value),
}

impl<'a> Mutator<'a> {
    fn schema(&self) -> &'a Schema {
        &self.fleet.schema
    }

    /// Applies an object as Git's agent does, then changes it once.
    fn mutate(&self, object: &Object, random: &mut Random) -> Option<Mutation> {
        let before = self.api.read(&object.url());
        let (writer, applies) = *random.choose(&WRITERS);
        for _ in 0..DRAWS {
            let Some(plan) = self.draw(object, &before, random, applies) else {
                self.counts.unfit.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let url = format!("{}?fieldManager={writer}", object.url());
            let (status, _) = match &plan.request {
                Request::Patch(operations) => self.api.patch(&url, operations),
                Request::Replace(whole) => self.api.replace(&url, whole),
                Request::Apply(part) => self.api.apply(&format!("{url}&force=true"), part),
            };
            if status != 200 {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let after = self.api.read(&object.url());
            if after["metadata"]["managedFields"].as_array().is_none_or(Vec::is_empty) {
                // The server gave up to track it (an item without its key).
                self.counts.undone.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            let changes = changes(self.schema(), self.schema().of(&before), &before, &after);
            let hit = plan.targets.iter().all(|target| changes.iter().any(|change| meets(&change.parts, target)));
            if changes.is_empty() || !hit {
                self.counts.undone.fetch_add(1, Ordering::Relaxed);
                if changes.is_empty() {
                    continue;
                }
                return None;
            }
            let operation = if applies { "Apply" } else { "Update" };
            let what = format!("{} by {writer}/{operation}", plan.what);
            let expected = |change| self.expected(object, (&before, &after), change, &plan.targets, (writer, operation));
            let expected = changes.iter().filter_map(expected).collect();
            return Some(Mutation { object: object.clone(), what, expected });
        }
        None
    }

    fn draw(&self, object: &Object, before: &Value, random: &mut Random, applies: bool) -> Option<Plan> {
        match random.below(if applies { 2 } else { 3 }) {
            0 => self.draw_change(object, before, random, applies),
            1 => self.draw_addition(before, random, applies),
            _ => self.draw_removal(object, before, random),
        }
    }

    fn drawer(&self, random: &mut Random) -> Drawer<'a> {
        Drawer { schema: self.schema(), tables: &self.fleet.tables, counter: Cell::new(5000 + random.next() % 100_000) }
    }

    fn draw_change(&self, object: &Object, before: &Value, random: &mut Random, applies: bool) -> Option<Plan> {
        let root = self.schema().of(before);
        let leaves = leaves(self.schema(), root, &object.value, before);
        let leaf = leaves.get(random.below(leaves.len().max(1)))?;
        let old = before.pointer(&leaf.pointer)?;
        let drawn = leaf.node.map(|node| self.drawer(random).draw(random, node, leaf.component, &leaf.name));
        let new = drawn.filter(|new| random.percent(60) && !new.is_object() && !new.is_array() && new != old);
        // Row 9: where a custom resource takes both, a number and its text are one.
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let new = new.filter(|new| text(new) != text(old));
        let is_bytes = leaf.node.is_some_and(|node| node.format() == "byte");
        let new = new.or_else(|| another(old, is_bytes))?;
        let what = format!("change {} from {old} to {new}", written(&leaf.parts));
        let request = if applies {
            let mut copy = before.clone();
            *copy.pointer_mut(&leaf.pointer)? = new;
            Request::Apply(self.part(before, &leaf.parts, at(self.schema(), Some(root), &copy, &leaf.parts)?))
        } else {
            Request::Patch(json!([{"op": "replace", "path": leaf.pointer, "value": new}]))
        };
        Some(Plan { what, request, targets: vec![target(leaf)] })
    }

    fn draw_removal(&self, object: &Object, before: &Value, random: &mut Random) -> Option<Plan> {
        let leaves = leaves(self.schema(), self.schema().of(before), &object.value, before);
        let leaf = leaves.get(random.below(leaves.len().max(1)))?;
        let request = Request::Patch(json!([{"op": "remove", "path": leaf.pointer}]));
        Some(Plan { what: format!("remove {} ({})", leaf.pointer, written(&leaf.parts)), request, targets: vec![target(leaf)] })
    }

    fn draw_addition(&self, before: &Value, random: &mut Random, applies: bool) -> Option<Plan> {
        let (root, drawer) = (self.schema().of(before), self.drawer(random));
        let fields = drawer.fields(root);
        let mut copy = before.clone();
        let field = fields.get(random.below(fields.len().max(1)))?;
        let fits = drawer.put(random, &mut copy, root, field, false);
        let added = changes(self.schema(), root, before, &copy);
        let is_addition = fits && !added.is_empty() && added.iter().all(|change| !change.before && change.after);
        if !is_addition || applies && added.len() > 1 {
            return None;
        }
        let targets: Vec<Vec<Part>> = added.into_iter().map(|change| change.parts).collect();
        let what = format!("add {}", targets.iter().map(|parts| written(parts)).collect::<Vec<_>>().join(", "));
        let request = if applies {
            Request::Apply(self.part(before, &targets[0], at(self.schema(), Some(root), &copy, &targets[0])?))
        } else {
            Request::Replace(copy)
        };
        Some(Plan { what, request, targets })
    }

    /// An object with nothing but one place.
    fn part(&self, before: &Value, parts: &[Part], value: &Value) -> Value {
        let mut part = only(parts, value);
        part["apiVersion"] = before["apiVersion"].clone();
        part["kind"] = before["kind"].clone();
        part["metadata"]["name"] = before["metadata"]["name"].clone();
        if before["metadata"]["namespace"].is_string() {
            part["metadata"]["namespace"] = before["metadata"]["namespace"].clone();
        }
        part
    }

    fn expected(
        &self,
        object: &Object,
        (before, after): (&Value, &Value),
        change: &Change,
        targets: &[Vec<Part>],
        (writer, operation): (&'static str, &'static str),
    ) -> Option<Expected> {
        let target = targets.iter().find(|target| meets(&change.parts, target));
        let field = written(&change.parts);
        let manager = Some((writer, operation));
        match self.declared(object, &change.parts) {
            // A zero that the server did not keep is no declaration to it, so it fills in and takes away (live-facts 4.4); to a
            // reader of Git it is one, but what a controller puts into an empty list.
            Some(value) if is_zero(&value) && self.at(before, &change.parts) != Some(&value) => {
                target.filter(|_| change.after)?;
                let is_controllers = writer == CONTROLLER && value.is_array();
                let verdicts: &[&str] = if is_controllers { &["undeclared-controller"] } else { &["drifted"] };
                Some(Expected { field, verdicts, manager, around: None, below: change.whole })
            }
            Some(_) => {
                let (verdicts, manager): (&[&str], _) = match (change.whole, change.after) {
                    // What is written as a whole is compared by its items all the same.
                    (true, true) => (&["drifted", "removed", "undeclared", "undeclared-controller"], manager),
                    (false, true) => (&["drifted"], manager),
                    // The server took it away after it had noted who writes what: its applier is on record still.
                    (_, false) if target.is_none() && is_listed(after, APPLIER, &change.parts) => {
                        (&["rewritten"], Some((APPLIER, "Apply")))
                    }
                    (_, false) => (&["removed"], None),
                };
                Some(Expected { field, verdicts, manager, around: None, below: change.whole })
            }
            None => {
                // What the server fills in or takes away in consequence is nobody's drift.
                let target = target.filter(|_| change.after)?;
                let verdicts: &[&str] = if writer == CONTROLLER { &["undeclared-controller"] } else { &["undeclared"] };
                Some(Expected { field, verdicts, manager, around: Some(written(target)), below: true })
            }
        }
    }

    fn at<'v>(&self, object: &'v Value, parts: &[Part]) -> Option<&'v Value> {
        at(self.schema(), Some(self.schema().of(object)), object, parts)
    }

    /// The declared value at a place; a null is none.
    fn declared(&self, object: &Object, parts: &[Part]) -> Option<Value> {
        let of = |parts: &[Part]| self.at(&object.value, parts).filter(|value| !value.is_null()).cloned();
        let is_secret = object.value["kind"] == "Secret" && parts.first() == Some(&Part::Field("data".into()));
        let folded =
            || parts.iter().enumerate().map(|(place, part)| if place == 0 { Part::Field("stringData".into()) } else { part.clone() });
        of(parts).or_else(|| if is_secret { of(&folded().collect::<Vec<_>>()) } else { None })
    }
}

fn is_zero(value: &Value) -> bool {
    [json!(0), json!(""), json!(false), json!([]), json!({})].contains(value)
}

/// Who changes the key of an item removes one and adds another: the list is what is meant.
fn target(leaf: &Leaf<'_>) -> Vec<Part> {
    let is_key = |keys: &[(String, Value)]| keys.iter().any(|(key, _)| *key == leaf.name);
    match leaf.parts.as_slice() {
        [list @ .., Part::Key(keys), Part::Field(_)] | [list @ .., Part::Key(keys)] if is_key(keys) => list.to_vec(),
        parts => parts.to_vec(),
    }
}

/// Whether one place is the other, or around it.
fn meets(one: &[Part], other: &[Part]) -> bool {
    let shared = one.len().min(other.len());
    one[..shared] == other[..shared]
}

fn another(old: &Value, is_bytes: bool) -> Option<Value> {
    Some(match old {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_i64()? + 1),
        Value::String(_) if is_bytes => json!("Y2hhbmdlZA=="),
        Value::String(text) => json!(format!("{text}x")),
        _ => return None,
    })
}

/// The loud differences of each object, by its identity.
fn reported(record: &Value) -> BTreeMap<String, Vec<&Value>> {
    let mut found: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for object in record["objects"].as_array().expect("a record has objects") {
        let quiet = ["equal", "defaulted", "injected", "undeclared-controller", "pending"];
        let differences = object["differences"].as_array().into_iter().flatten();
        let is_loud = |difference: &&Value| {
            let verdict = difference["verdict"].as_str().unwrap_or_default();
            !quiet.contains(&verdict) || verdict == "undeclared-controller" && difference["manager"]["name"] == CONTROLLER
        };
        found.entry(identity(object)).or_default().extend(differences.filter(is_loud));
    }
    found
}

fn identity(object: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    [&object["kind"], &object["namespace"], &object["name"]].map(word).join("/")
}

fn identity_of(object: &Object) -> String {
    let metadata = &object.value["metadata"];
    identity(&json!({"kind": object.value["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}))
}

impl Expected {
    fn fits(&self, difference: &Value) -> bool {
        let field = difference["field"].as_str().unwrap_or_default();
        let is_below = |field: &str, top: &str| field.strip_prefix(top).is_some_and(|rest| rest.starts_with(['.', '[']));
        let is_around = self.around.as_ref().is_some_and(|around| is_below(around, field) || around == field);
        // The one is the old name of the other.
        let is_alias = format!("{}Name", self.field) == field && field.ends_with(".serviceAccountName");
        let place = is_alias || field == self.field || self.below && is_below(field, &self.field) || is_around;
        let manager = match self.manager {
            Some((name, operation)) => difference["manager"]["name"] == name && difference["manager"]["operation"] == operation,
            None => difference.get("manager").is_none(),
        };
        place && manager && self.verdicts.iter().any(|verdict| difference["verdict"] == *verdict)
    }
}

fn told(difference: &Value) -> String {
    let manager = &difference["manager"];
    format!(
        "{} {} ({}) by {}/{}",
        difference["field"], difference["verdict"], difference["decidedBy"], manager["name"], manager["operation"]
    )
}

/// Misses and false alarms of one object.
fn judge(mutation: &Mutation, differences: &[&Value]) -> (Vec<String>, Vec<String>) {
    let id = identity_of(&mutation.object);
    let said = || differences.iter().map(|difference| told(difference)).collect::<Vec<_>>().join("; ");
    let missed = mutation.expected.iter().filter(|expected| !differences.iter().any(|difference| expected.fits(difference)));
    let misses = missed.map(|expected| {
        let Expected { field, verdicts, manager, .. } = expected;
        format!("miss: {id}: {}: expected {field} {verdicts:?} by {manager:?}; said {}", mutation.what, said())
    });
    let unexpected = differences.iter().filter(|difference| !mutation.expected.iter().any(|expected| expected.fits(difference)));
    let alarms = unexpected.map(|difference| format!("false alarm: {id}: {}: {}", mutation.what, told(difference)));
    (misses.collect(), alarms.collect())
}

#[test]
fn every_random_change_is_found_where_it_is_and_nothing_else() {
    let (fleet, api) = (fleet(), Api::new(&control_plane().admin()));
    let (wanted, seed) = (number("KW_MUTATIONS", 600) as usize, number("KW_MUTATIONS_SEED", fleet.seed));
    let mut objects = fleet.lane("mut");
    Random::new(seed, 1).shuffle(&mut objects);
    objects.truncate(wanted * 5 / 3);
    // As JSON, which Flux reads as it was applied here.
    objects.iter_mut().for_each(|object| object.text = format!("{}\n", object.value));
    let started = Instant::now();
    let (next, counts, made) = (AtomicUsize::new(0), Counts::default(), Mutex::new(Vec::new()));
    let each = |work: &(dyn Fn(usize, &Object) + Sync)| {
        next.store(0, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((place, object)) = {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        objects.get(place).map(|object| (place, object))
                    } {
                        work(place, object);
                    }
                });
            }
        });
    };
    each(&|_, object| {
        let (status, answer) = api.apply(&format!("{}?fieldManager={APPLIER}&force=true", object.url()), &object.value);
        assert!(matches!(status, 200 | 201), "{}: {answer}", object.url());
    });
    let repository = repository(&objects);
    let record = scan(&repository, Some(APPLIER));
    let clean = reported(&record);
    let unclean: Vec<&String> = clean.iter().filter(|(_, said)| !said.is_empty()).map(|(object, _)| object).collect();
    assert!(unclean.is_empty(), "false alarms before anything was changed: {unclean:#?}");
    each(&|place, object| {
        let mutator = Mutator { api: &api, fleet, counts: &counts };
        if let Some(mutation) = mutator.mutate(object, &mut Random::new(seed, 10_000 + place as u64)) {
            made.lock().expect("no thread panicked").push(mutation);
        }
    });
    let mutations = made.into_inner().expect("no thread panicked");
    let record = scan(&repository, Some(APPLIER));
    let reported = reported(&record);
    let (mut misses, mut alarms) = (Vec::new(), Vec::new());
    for mutation in &mutations {
        let said = reported.get(&identity_of(&mutation.object)).map(Vec::as_slice).unwrap_or_default();
        let (missed, false_alarms) = judge(mutation, said);
        misses.extend(missed);
        alarms.extend(false_alarms);
    }
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    let nothing = mutations.iter().filter(|mutation| mutation.expected.is_empty()).count();
    misses.iter().chain(&alarms).for_each(|line| say(line));
    say(&format!(
        "{} changes of {} objects ({} expect nothing), redrawn: {} refused, {} undone, {} unfit; {:?}",
        mutations.len(),
        objects.len(),
        nothing,
        count(&counts.refused),
        count(&counts.undone),
        count(&counts.unfit),
        started.elapsed()
    ));
    say(&format!("seed {seed}: {} misses, {} false alarms", misses.len(), alarms.len()));
    assert!(mutations.len() - nothing >= wanted, "only {} changes were possible that are to be told", mutations.len() - nothing);
    assert!(misses.is_empty() && alarms.is_empty());
}
