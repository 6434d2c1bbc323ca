//! Draws objects of one kind until the server takes them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::draw::{Drawer, Path, complete, is_filled, words};
use super::random::Random;
use super::schema::Schema;
use super::{Collections, DRY, KindReport, NAMESPACES, Object, writer};
use crate::harness::api::Api;

/// Optional fields put into one object at most.
const FIELDS: usize = 18;
/// How often one object is tried.
const TRIES: usize = 14;

/// A field that the server did not take, or took and dropped.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) field: String,
    pub(crate) message: String,
}

pub(super) struct Refiner<'a> {
    api: &'a Api,
    drawer: Drawer<'a>,
    base: &'a Value,
    collections: &'a Collections,
    random: Random,
    report: KindReport,
    fields: Vec<Path>,
    filled: BTreeSet<Path>,
    number: usize,
}

enum Verdict {
    Taken,
    /// With what the server said, and the fields it named.
    Refused(String, Vec<String>),
}

impl<'a> Refiner<'a> {
    pub(super) fn new(
        api: &'a Api,
        schema: &'a Schema,
        tables: &'a Value,
        base: &'a Value,
        collections: &'a Collections,
        random: Random,
    ) -> Self {
        let drawer = Drawer { schema, tables, counter: Cell::new(0) };
        let fields = drawer.fields(schema.of(base));
        let name = format!("{}/{}", base["apiVersion"].as_str().unwrap_or_default(), base["kind"].as_str().unwrap_or_default());
        let report = KindReport { name, ..KindReport::default() };
        Self { api, drawer, base, collections, random, report, fields, filled: BTreeSet::new(), number: 0 }
    }

    /// So many objects, or more where the fields of the kind need more.
    pub(super) fn objects(mut self, each: usize) -> (Vec<Object>, KindReport) {
        let mut objects = Vec::new();
        while objects.len() < each {
            let wanted = self.wanted();
            objects.push(self.object(wanted));
        }
        self.leftovers(&mut objects);
        self.report.filled = self.filled.len();
        (objects, self.report)
    }

    /// Fields that no object has yet, filled up with others.
    fn wanted(&mut self) -> Vec<(Path, bool)> {
        let (mut missing, mut others): (Vec<&Path>, Vec<&Path>) = self.fields.iter().partition(|path| !self.filled.contains(*path));
        self.random.shuffle(&mut missing);
        self.random.shuffle(&mut others);
        let wanted: Vec<Path> = missing.into_iter().chain(others).take(FIELDS).cloned().collect();
        wanted.into_iter().map(|path| (path, self.random.percent(12))).collect()
    }

    /// Fields that were refused among others are tried alone; those that are taken so share objects again.
    fn leftovers(&mut self, objects: &mut Vec<Object>) {
        let missing: Vec<Path> = self.fields.iter().filter(|path| !self.filled.contains(*path)).cloned().collect();
        let mut alone = Vec::new();
        for path in missing {
            match self.try_alone(&path) {
                Ok(()) => alone.push((path, false)),
                Err(message) => self.report.refused.push(Refused { field: words(&path), message }),
            }
        }
        for some in alone.chunks(4) {
            objects.push(self.object(some.to_vec()));
        }
        for (path, _) in alone.into_iter().filter(|(path, _)| !self.filled.contains(path)).collect::<Vec<_>>() {
            objects.push(self.object(vec![(path, false)]));
        }
    }

    fn try_alone(&mut self, path: &Path) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..4 {
            let value = self.draw(&[(path.clone(), false)]);
            match self.ask(&value) {
                Verdict::Taken => return Ok(()),
                Verdict::Refused(message, _) => last = message,
            }
            self.report.redrawn += 1;
        }
        Err(last)
    }

    /// An object with those of the fields that the server takes together.
    fn object(&mut self, mut wanted: Vec<(Path, bool)>) -> Object {
        self.number += 1;
        for _ in 0..TRIES {
            let value = self.draw(&wanted);
            match self.ask(&value) {
                Verdict::Taken => {
                    let fresh = self
                        .fields
                        .iter()
                        .filter(|path| is_filled(&value, path))
                        .filter(|path| !wanted.iter().any(|(wanted, zero)| *zero && wanted == *path));
                    self.filled.extend(fresh.cloned());
                    return self.finish(value);
                }
                Verdict::Refused(_, named) => self.drop_named(&mut wanted, &named),
            }
            self.report.redrawn += 1;
        }
        let value = self.draw(&[]);
        if let Verdict::Refused(message, _) = self.ask(&value) {
            panic!("the server refuses the least of {}: {message}\n{value}", self.report.name);
        }
        self.finish(value)
    }

    fn finish(&mut self, value: Value) -> Object {
        let text = writer::document(&mut self.random, &value);
        let collection = self.collections.of(&value);
        Object { value, text, collection }
    }

    fn drop_named(&mut self, wanted: &mut Vec<(Path, bool)>, named: &[String]) {
        let before = wanted.len();
        let meets = |path: &Path, name: &String| {
            let path = words(path);
            let below = |one: &str, other: &str| one == other || one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
            below(&path, name) || below(name, &path)
        };
        let is_named = |path: &Path| named.iter().filter(|name| name.contains('.')).any(|name| meets(path, name));
        // Of several fields that a cause may mean, one at a time.
        if let Some(place) = wanted.iter().position(|(path, _)| is_named(path)) {
            wanted.remove(place);
        }
        if wanted.len() == before {
            self.random.shuffle(wanted);
            wanted.truncate(before / 2);
        }
    }

    fn draw(&mut self, wanted: &[(Path, bool)]) -> Value {
        let number = self.number;
        let mut value: Value =
            serde_json::from_str(&self.base.to_string().replace("$N", &number.to_string())).expect("a number in words keeps JSON whole");
        let kind = value["kind"].as_str().expect("a kind").to_lowercase();
        let version = value["apiVersion"].as_str().expect("a version").rsplit('/').next().expect("a word").to_owned();
        if value["metadata"].is_null() {
            value["metadata"] = json!({});
        }
        let namespaced = self.collections.is_namespaced(&value);
        if value["metadata"]["name"].is_null() {
            let name = if namespaced { format!("{kind}-{version}-{number}") } else { format!("kw-LANE-{kind}-{number}") };
            value["metadata"]["name"] = json!(name);
        }
        if namespaced && value["metadata"]["namespace"].is_null() {
            value["metadata"]["namespace"] = json!(format!("oracle-LANE-{}", number % NAMESPACES));
        }
        let node = self.drawer.schema.of(&value);
        for (path, zero) in wanted {
            self.drawer.put(&mut self.random, &mut value, node, path, *zero);
        }
        complete(&mut value);
        serde_json::from_str(&value.to_string().replace("$N", &number.to_string())).expect("a number in words keeps JSON whole")
    }

    /// Asks the server without writing: created, and applied.
    fn ask(&self, value: &Value) -> Verdict {
        let value: Value = serde_json::from_str(&value.to_string().replace("LANE", DRY)).expect("a word for a word keeps JSON whole");
        let collection = self.collections.of(&value);
        let (status, created) = self.api.create(&format!("{collection}?dryRun=All&fieldValidation=Strict"), &value);
        if status != 201 {
            return refused(&created);
        }
        let lost = lost(&value, &created);
        if !lost.is_empty() {
            return Verdict::Refused(format!("taken, but dropped: {}", lost.join(", ")), lost);
        }
        let name = value["metadata"]["name"].as_str().expect("an object has a name");
        let query = "dryRun=All&fieldManager=generator&fieldValidation=Strict&force=true";
        let (status, applied) = self.api.apply(&format!("{collection}/{name}?{query}"), &value);
        if status == 201 { Verdict::Taken } else { refused(&applied) }
    }
}

fn refused(answer: &Value) -> Verdict {
    let causes = answer["details"]["causes"].as_array().into_iter().flatten();
    let named = causes.filter_map(|cause| cause["field"].as_str()).map(without_positions).collect();
    Verdict::Refused(answer["message"].as_str().unwrap_or("no message").to_owned(), named)
}

fn without_positions(field: &str) -> String {
    let mut depth = 0;
    let kept = |letter: &char| {
        match letter {
            '[' => depth += 1,
            ']' => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    field.chars().filter(kept).collect()
}

/// Declared fields that say something and are gone: the server has them switched off. What it folds in or leaves out because
/// it says nothing is not among them.
fn lost(declared: &Value, answer: &Value) -> Vec<String> {
    let mut found = BTreeMap::new();
    walk(declared, answer, &mut String::new(), &mut found);
    found.into_keys().collect()
}

fn walk(declared: &Value, answer: &Value, path: &mut String, found: &mut BTreeMap<String, ()>) {
    match (declared, answer) {
        (Value::Object(fields), Value::Object(answers)) => {
            for (name, value) in fields.iter().filter(|(name, value)| says_something(value) && *name != "stringData") {
                let length = path.len();
                path.push_str(if length == 0 { "" } else { "." });
                path.push_str(name);
                match answers.get(name) {
                    Some(answer) => walk(value, answer, path, found),
                    None => drop(found.insert(path.clone(), ())),
                }
                path.truncate(length);
            }
        }
        (Value::Array(items), Value::Array(answers)) if items.len() == answers.len() => {
            items.iter().zip(answers).for_each(|(item, answer)| walk(item, answer, path, found));
        }
        _ => {}
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text != "0",
        Value::Array(items) => items.iter().any(says_something),
        // A structure of nothing but zeros says that it is there.
        Value::Object(fields) => !fields.is_empty() && fields.values().any(|field| !field.is_null()),
    }
}
