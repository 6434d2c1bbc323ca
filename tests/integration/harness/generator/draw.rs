//! Values for the fields of a schema, and where they can go.

use std::cell::Cell;

use serde_json::{Map, Value, json};

use super::random::Random;
use super::schema::{Node, Schema};

/// A step from an object to a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Field(String),
    /// Some item of a list.
    Item,
    /// Some entry of a map.
    Entry,
}

pub(crate) type Path = Vec<Step>;

/// `spec.containers.image`: fields only, as the server names them in its causes once positions are dropped.
pub(crate) fn words(path: &[Step]) -> String {
    let fields = path.iter().filter_map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        _ => None,
    });
    fields.collect::<Vec<_>>().join(".")
}

/// Draws values for one object.
#[derive(Debug)]
pub(crate) struct Drawer<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) tables: &'a Value,
    /// Makes names unique within an object and its kind.
    pub(crate) counter: Cell<u64>,
}

impl<'a> Drawer<'a> {
    /// Every optional field below an object's schema that values are drawn for.
    pub(crate) fn fields(&self, root: Node<'a>) -> Vec<Path> {
        let mut found = Vec::new();
        self.walk(root, &mut Vec::new(), &mut Vec::new(), &mut found);
        found
    }

    fn walk(&self, node: Node<'a>, path: &mut Path, trail: &mut Vec<&'a str>, found: &mut Vec<Path>) {
        if node.component == "JSONSchemaProps" || !node.component.is_empty() && trail.contains(&node.component) || path.len() > 18 {
            return;
        }
        trail.push(node.component);
        let depth = path.len();
        for name in node.properties().filter(|name| is_drawn(node.component, name, depth)) {
            if self.listed("values", node.component, name).is_some_and(|values| values.as_array().is_some_and(Vec::is_empty)) {
                continue;
            }
            let field = self.schema.field(node, name).expect("a property has a schema");
            path.push(Step::Field(name.to_owned()));
            if !node.required().contains(&name) && name != "metadata" {
                found.push(path.clone());
            }
            self.walk_value(field, path, trail, found);
            path.pop();
        }
        trail.pop();
    }

    fn walk_value(&self, node: Node<'a>, path: &mut Path, trail: &mut Vec<&'a str>, found: &mut Vec<Path>) {
        let inner = self.schema.items(node).map(|items| (Step::Item, items));
        let inner = inner.or_else(|| self.schema.values(node).map(|values| (Step::Entry, values)));
        match inner {
            Some((step, inner)) => {
                path.push(step);
                self.walk_value(inner, path, trail, found);
                path.pop();
            }
            None => self.walk(node, path, trail, found),
        }
    }

    fn listed(&self, table: &str, component: &str, name: &str) -> Option<&'a Value> {
        let table = &self.tables[table];
        table.get(format!("{component}.{name}")).or_else(|| table.get(name))
    }

    fn number(&self) -> u64 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    /// A listed value with its names made unique.
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text == "$P" => json!(10_000 + self.number() % 20_000),
            Value::String(text) if text.contains("$U") => json!(text.replace("$U", &format!("u{}", self.number()))),
            Value::String(text) if text.contains("$V") => json!(text.replace("$V", &format!("V{}", self.number()))),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect::<Map<_, _>>().into(),
            other => other.clone(),
        }
    }

    /// A value for a field of a component.
    pub(crate) fn draw(&self, random: &mut Random, node: Node<'a>, component: &str, name: &str) -> Value {
        if let Some(values) = self.listed("values", component, name).and_then(Value::as_array).filter(|values| !values.is_empty()) {
            return self.fill(random.choose(values));
        }
        if let Some(values) = node.schema["enum"].as_array() {
            let values: Vec<&Value> = values.iter().filter(|value| *value != "" && !value.is_null()).collect();
            return (*random.choose(&values)).clone();
        }
        if node.is_quantity() {
            return random.choose(&[json!("1"), json!(2), json!("1000m"), json!("1024Mi"), json!(0.5), json!("1e3"), json!("2G")]).clone();
        }
        if node.is_int_or_string() {
            return random.choose(&[json!(8080), json!("8080"), json!("25%")]).clone();
        }
        match (node.kind(), node.format()) {
            ("string", "byte") => json!("YWJj"),
            ("string", "date-time") if node.component == "MicroTime" => json!("2026-01-01T00:00:00.500000Z"),
            ("string", "date-time") => json!("2026-01-01T00:00:00Z"),
            ("string", _) => json!(format!("t{}", self.number())),
            ("integer", _) => json!(1 + random.below(9)),
            ("number", _) => random.choose(&[json!(0.5), json!(3.0), json!(1.25)]).clone(),
            ("boolean", _) => json!(random.percent(70)),
            ("array", _) => {
                let items = self.schema.items(node).expect("a list has items");
                let count = if items.kind() == "string" { 1 + random.below(2) } else { 1 };
                (0..count).map(|_| self.draw(random, items, component, "")).collect()
            }
            _ => self.structure(random, node),
        }
    }

    /// The least of a structure, or a map with one entry.
    fn structure(&self, random: &mut Random, node: Node<'a>) -> Value {
        if let Some(values) = self.schema.values(node) {
            let key = if values.is_quantity() { "cpu".to_owned() } else { format!("k{}", self.number()) };
            return json!({ key: self.draw(random, values, "", "") });
        }
        let mut fields = match self.tables["bases"].get(node.component).map(|base| self.fill(base)) {
            Some(Value::Object(base)) => base,
            _ => Map::new(),
        };
        for name in node.required() {
            if !fields.contains_key(name) {
                let field = self.schema.field(node, name).expect("a required field has a schema");
                fields.insert(name.to_owned(), self.draw(random, field, node.component, name));
            }
        }
        if fields.is_empty() && node.properties().next().is_none() {
            fields.insert("a".into(), json!(1));
        }
        fields.into()
    }

    /// Puts a drawn value (or, where told, an explicit zero or null) at a path; says whether there is room for it.
    pub(crate) fn put(&self, random: &mut Random, value: &mut Value, node: Node<'a>, path: &[Step], zero: bool) -> bool {
        match path.split_first() {
            Some((Step::Field(name), rest)) => self.put_field(random, value, node, (name, rest), zero),
            Some((Step::Item, rest)) => {
                let Some((items, node)) = value.as_array_mut().zip(self.schema.items(node)) else { return false };
                if items.is_empty() || random.percent(if node.component == "Container" { 25 } else { 60 }) {
                    items.push(self.structure(random, node));
                }
                let place = random.below(items.len());
                self.put(random, &mut items[place], node, rest, zero)
            }
            Some((Step::Entry, rest)) => {
                let Some((entries, node)) = value.as_object_mut().zip(self.schema.values(node)) else { return false };
                let entry = entries.entry("k").or_insert_with(|| self.structure(random, node));
                self.put(random, entry, node, rest, zero)
            }
            None => true,
        }
    }

    fn put_field(&self, random: &mut Random, value: &mut Value, node: Node<'a>, (name, rest): (&str, &[Step]), zero: bool) -> bool {
        let Some((fields, child)) = value.as_object_mut().zip(self.schema.field(node, name)) else { return false };
        let union = self.tables["unions"][node.component].as_array();
        if let Some(union) = union.filter(|union| union.iter().any(|member| member == name)) {
            union.iter().filter_map(Value::as_str).filter(|member| *member != name).for_each(|member| drop(fields.remove(member)));
        }
        for (companion, value) in self.tables["companions"][format!("{}.{name}", node.component)].as_object().into_iter().flatten() {
            if value.is_null() {
                fields.remove(companion);
            } else {
                fields.insert(companion.clone(), value.clone());
            }
        }
        let is_full = fields.get(name).and_then(Value::as_object).is_some_and(|there| !there.is_empty());
        if rest.is_empty() && is_full {
            return true;
        }
        if rest.is_empty() {
            let drawn = if zero { zero_of(random, child) } else { self.draw(random, child, node.component, name) };
            fields.insert(name.to_owned(), drawn);
            return true;
        }
        let is_there = fields.get(name).is_some_and(|value| !value.is_null());
        if !is_there {
            let is_listed = self.listed("values", node.component, name).is_some();
            let empty = match rest[0] {
                _ if is_listed => self.draw(random, child, node.component, name),
                // Only init containers that go on running have probes and hooks.
                Step::Item if name == "initContainers" && random.percent(70) => {
                    json!([{"name": "init", "image": "example.com/init", "restartPolicy": "Always"}])
                }
                Step::Item => json!([]),
                Step::Entry => json!({}),
                Step::Field(_) => self.structure(random, child),
            };
            fields.insert(name.to_owned(), empty);
        }
        let inner = fields.get_mut(name).expect("it was put there");
        self.put(random, inner, child, rest, zero)
    }
}

fn zero_of(random: &mut Random, node: Node<'_>) -> Value {
    if random.percent(30) {
        return Value::Null;
    }
    match node.kind() {
        "boolean" => json!(false),
        "integer" => json!(0),
        "string" => json!(""),
        "array" => json!([]),
        "object" if node.properties().next().is_none() => json!({}),
        _ => Value::Null,
    }
}

/// Which fields are never drawn: the server's own, and those that name other objects' lives.
fn is_drawn(component: &str, name: &str, depth: usize) -> bool {
    match (component, name) {
        ("ObjectMeta", "labels" | "annotations") => true,
        ("ObjectMeta", "finalizers") => depth == 1,
        ("ObjectMeta", _) | (_, "ephemeralContainers") => false,
        (_, "apiVersion" | "kind" | "status") => depth > 0 && !matches!(component, "PersistentVolumeClaim" | ""),
        _ => !name.starts_with("deprecated"),
    }
}

/// Puts in what fields of a pod refer to by name.
pub(crate) fn complete(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(complete);
            if fields.get("containers").is_some_and(Value::is_array) {
                complete_pod(fields);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(complete),
        _ => {}
    }
}

fn complete_pod(pod: &mut Map<String, Value>) {
    let mut lacking = Vec::new();
    for container in ["containers", "initContainers"].iter().flat_map(|list| pod.get(*list).and_then(Value::as_array).into_iter().flatten())
    {
        let names = |list: &str| {
            container[list].as_array().into_iter().flatten().filter_map(|item| item["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        lacking.extend(
            names("volumeMounts")
                .into_iter()
                .filter(|name| name == "shared")
                .map(|name| ("volumes", json!({"name": name, "emptyDir": {}}))),
        );
        let block = json!({"name": "block", "persistentVolumeClaim": {"claimName": "block"}});
        lacking.extend(names("volumeDevices").into_iter().filter(|name| name == "block").map(|_| ("volumes", block.clone())));
        for claim in container["resources"]["claims"].as_array().into_iter().flatten().filter_map(|claim| claim["name"].as_str()) {
            lacking.push(("resourceClaims", json!({"name": claim, "resourceClaimName": "gpu"})));
        }
        if container.to_string().contains("fileKeyRef") {
            lacking.push(("volumes", json!({"name": "shared", "emptyDir": {}})));
        }
    }
    for (list, item) in lacking {
        if !pod.get(list).is_some_and(Value::is_array) {
            pod.insert(list.to_owned(), json!([]));
        }
        let items = pod[list].as_array_mut().expect("it is a list now");
        if items.iter().all(|there| there["name"] != item["name"]) {
            items.push(item);
        }
    }
}

/// Whether a path is filled with something somewhere.
pub(crate) fn is_filled(value: &Value, path: &[Step]) -> bool {
    match (path.split_first(), value) {
        (None, value) => !matches!(value, Value::Null),
        (Some((Step::Field(name), rest)), Value::Object(fields)) => fields.get(name).is_some_and(|field| is_filled(field, rest)),
        (Some((Step::Item, rest)), Value::Array(items)) => items.iter().any(|item| is_filled(item, rest)),
        (Some((Step::Entry, rest)), Value::Object(entries)) => entries.values().any(|entry| is_filled(entry, rest)),
        _ => false,
    }
}
