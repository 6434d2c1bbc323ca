//! What must hold for every object: compared with itself nothing differs, and one change of a declared leaf is one difference.
//!
//! Objects are made at random out of the cluster's own schema, so every field of the kinds below is reached.

use std::sync::LazyLock;

use super::support::{cluster_schemas, compare, declaration, live, words};
use kubewitness::compare::Settings;
use kubewitness::model::comparison::ObjectState;
use kubewitness::model::schema::{Format, ListKind, Schemas, TypeId};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(cluster_schemas);

const KINDS: [(&str, &str, &str); 18] = [
    ("", "v1", "Pod"),
    ("", "v1", "Service"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "LimitRange"),
    ("", "v1", "ResourceQuota"),
    ("", "v1", "ServiceAccount"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"),
    ("storage.k8s.io", "v1", "StorageClass"),
];

/// A source of choices that a seed determines.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A value of a type, never a zero. `number` makes values that must differ differ.
fn value(dice: &mut Dice, ty: TypeId, depth: u32, number: u64) -> Value {
    let node = SCHEMAS.node(ty);
    match (&node.items, &node.values) {
        (Some(items), _) => list(dice, *items, &node.list, depth),
        (_, Some(values)) => {
            (0..=dice.roll(2)).map(|key| (format!("key{key}"), value(dice, *values, depth, key))).collect::<Map<_, _>>().into()
        }
        _ if !node.fields.is_empty() => fields(dice, ty, depth),
        _ => scalar(node.format, number + 10 * dice.roll(90)),
    }
}

fn scalar(format: Format, number: u64) -> Value {
    match format {
        Format::Integer | Format::Number | Format::IntOrString => json!(number + 1000),
        Format::Boolean => json!(true),
        Format::Quantity | Format::QuantityText => json!(format!("{}", number + 1)),
        Format::DateTime => json!(format!("2024-01-01T00:{:02}:00Z", number % 60)),
        Format::Bytes => json!(["QUFB", "QkJC", "Q0ND"][usize::try_from(number % 3).expect("small")]),
        _ => json!(format!("text{number}")),
    }
}

fn list(dice: &mut Dice, items: TypeId, kind: &ListKind, depth: u32) -> Value {
    let items = (0..=dice.roll(2)).map(|position| {
        let mut item = value(dice, items, depth, position);
        if let (ListKind::Map(keys), Value::Object(fields)) = (kind, &mut item) {
            for key in keys {
                fields.insert(key.to_string(), json!(format!("key{position}")));
            }
        }
        if let (ListKind::Set, Value::String(text)) = (kind, &mut item) {
            text.push_str(&format!("-{position}"));
        }
        item
    });
    Value::Array(items.collect())
}

fn fields(dice: &mut Dice, ty: TypeId, depth: u32) -> Value {
    let mut object = Map::new();
    for (name, field) in &SCHEMAS.node(ty).fields {
        if depth > 0 && dice.roll(3) > 0 {
            object.insert(name.to_string(), value(dice, field.ty, depth - 1, 0));
        }
    }
    Value::Object(object)
}

fn object(seed: u64) -> Value {
    let mut dice = Dice(seed);
    let (group, version, kind) = KINDS[usize::try_from(dice.roll(18)).expect("small")];
    let mut object = fields(&mut dice, SCHEMAS.kind(group, version, kind).expect("a fixture"), 12);
    object["apiVersion"] = if group.is_empty() { json!(version) } else { json!(format!("{group}/{version}")) };
    object["kind"] = json!(kind);
    object["metadata"] = json!({"name": "x", "namespace": "shop", "labels": {"a": "b"}});
    object
}

/// Pointers to the leaves whose change is one change: no identity, no key of a list-map, no member of a set.
fn leaves(ty: Option<TypeId>, value: &Value, path: &str, found: &mut Vec<String>) {
    let node = ty.map(|ty| SCHEMAS.node(ty));
    match value {
        Value::Object(entries) => {
            for (name, entry) in entries {
                let is_identity = path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
                let ty = node.and_then(|node| node.field(name).map(|field| field.ty).or(node.values));
                if !is_identity {
                    leaves(ty, entry, &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), found);
                }
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let mut below = Vec::new();
                leaves(node.and_then(|node| node.items), item, &format!("{path}/{position}"), &mut below);
                let keys = match node.map(|node| &node.list) {
                    Some(ListKind::Map(keys)) => keys.to_vec(),
                    Some(ListKind::Set) => return,
                    _ => Vec::new(),
                };
                below.retain(|leaf| !keys.iter().any(|key| *leaf == format!("{path}/{position}/{key}")));
                found.append(&mut below);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_u64().unwrap_or(0) + 77),
        Value::String(text) if text.contains("T00:") => json!("2025-05-05T05:05:05Z"),
        Value::String(text) if text.len() == 4 && text.is_ascii() && text.starts_with('Q') => json!("WlpaWg=="),
        Value::String(text) if text.parse::<u64>().is_ok() => json!("7777"),
        Value::String(text) => json!(format!("{text}-changed")),
        _ => json!("changed"),
    }
}

#[test]
fn the_random_objects_are_rich() {
    let mut found = Vec::new();
    (0..200).for_each(|seed| leaves(None, &object(seed * 7919), "", &mut found));
    assert!(found.len() > 5_000, "{} leaves in 200 objects", found.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_object_compared_with_itself_is_equal(seed: u64) {
        let object = object(seed);
        let compared = compare(&[declaration(object.clone(), "a.yaml")], vec![live(object)], &SCHEMAS, &Settings::default());
        let comparison = &compared.comparisons[0];
        prop_assert_eq!(comparison.state, ObjectState::Synced);
        prop_assert_eq!(comparison.differences.iter().map(words).collect::<Vec<_>>(), Vec::<String>::new());
    }

    #[test]
    fn one_changed_leaf_is_one_difference_at_its_place(seed: u64, choice: u64) {
        let declared = object(seed);
        let (api_version, kind) = (declared["apiVersion"].as_str().expect("small"), declared["kind"].as_str().expect("small"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let mut places = Vec::new();
        leaves(SCHEMAS.kind(group, version, kind), &declared, "", &mut places);
        prop_assume!(!places.is_empty());
        let place = &places[usize::try_from(choice % places.len() as u64).expect("small")];
        let mut edited = declared.clone();
        let leaf = edited.pointer_mut(place).expect("small");
        *leaf = changed(leaf);
        let compared = compare(&[declaration(declared, "a.yaml")], vec![live(edited)], &SCHEMAS, &Settings::default());
        let comparison = &compared.comparisons[0];
        prop_assert_eq!(comparison.differences.len(), 1, "{}: {:?}", place, comparison.differences.iter().map(words).collect::<Vec<_>>());
        let difference = &comparison.differences[0];
        prop_assert!(difference.verdict.is_drift());
        prop_assert!(place.starts_with(difference.pointer.as_str()), "{} is not at {}", difference.pointer, place);
        let documented = kubewitness::document::leaves(declaration(object(seed), "a.yaml").manifest.value()).into_iter().position(|(pointer, _)| pointer.as_str() == place);
        prop_assert_eq!(difference.leaf, documented);
    }
}
