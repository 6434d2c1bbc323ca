//! Makes declarations and live objects of YAML for tests of comparing, and writes down what was said in a few words.

use std::collections::BTreeSet;
use std::path::Path;

use kubewitness::compare::{Compared, Comparer, Settings, plan};
use kubewitness::document;
use kubewitness::model::comparison::Difference;
use kubewitness::model::declaration::{Declaration, DocumentRef, Engine, Input};
use kubewitness::model::evidence::Page;
use kubewitness::model::kind::{Kind, Kinds};
use kubewitness::model::object::{LiveObject, Manifest, ObjectId, OwnerReference};
use kubewitness::model::schema::Schemas;
use kubewitness::secret::Redactor;
use kubewitness::yaml::Dialect;
use serde_json::Value;
use serde_json::value::to_raw_value;

/// The documents of a file, as kubectl reads them.
pub(crate) fn documents(path: &Path) -> Vec<Value> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read = |document: Result<document::Document, _>| document.unwrap_or_else(|error| panic!("{}: {error}", path.display())).value;
    document::documents(&bytes, Dialect::Raw).into_iter().map(read).collect()
}

fn redactor() -> Redactor {
    Redactor::from_key([7; 32])
}

fn identity(value: &Value) -> (ObjectId, String) {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let api_version = text("/apiVersion").expect("a case has an apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let id = ObjectId {
        group: group.to_owned(),
        kind: text("/kind").expect("a case has a kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name").expect("a case has a name"),
    };
    (id, version.to_owned())
}

/// A declaration at a path.
pub(crate) fn declaration(mut value: Value, path: &str) -> Declaration {
    let (id, version) = identity(&value);
    redactor().redact(&mut value);
    let encrypted = value.get("sops").is_some();
    let document = DocumentRef { source: "fleet".into(), path: path.into(), ordinal: 0 };
    Declaration {
        id,
        version,
        source: "fleet".into(),
        engine: Engine::Plain,
        applier: None,
        manifest: Manifest::from_redacted(value),
        encrypted,
        inputs: vec![Input { document, line: 1, end_line: 1 }],
        leaves: Box::default(),
        is_whole: true,
        drawn_by: Some(Vec::new()),
    }
}

/// A live object.
pub(crate) fn live(mut value: Value) -> LiveObject {
    let (id, version) = identity(&value);
    let managed_fields = value["metadata"].as_object_mut().and_then(|metadata| metadata.remove("managedFields"));
    redactor().redact(&mut value);
    let time = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(|time| time.parse().expect("a time"));
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array).cloned().unwrap_or_default();
    let word = |owner: &Value, key: &str| owner[key].as_str().unwrap_or_default().to_owned();
    LiveObject {
        id,
        version,
        uid: String::new(),
        created: time("/metadata/creationTimestamp"),
        deleted: time("/metadata/deletionTimestamp"),
        owners: owners
            .iter()
            .map(|owner| OwnerReference {
                api_version: word(owner, "apiVersion"),
                kind: word(owner, "kind"),
                name: word(owner, "name"),
                controller: owner["controller"] == true,
            })
            .collect(),
        managed_fields: managed_fields.map(|fields| to_raw_value(&fields).expect("JSON is JSON")),
        manifest: Manifest::from_redacted(value),
    }
}

/// The schemas of the committed OpenAPI documents.
pub(crate) fn cluster_schemas() -> Schemas {
    let mut schemas = Schemas::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openapi");
    for entry in std::fs::read_dir(folder).expect("the fixtures are there") {
        let path = entry.expect("a readable folder").path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json")) else { continue };
        let (group, version) = name.rsplit_once('_').expect("files are named group_version.json");
        let group = if group == "core" { "" } else { group };
        schemas.add(group, version, &std::fs::read(&path).expect("a readable file")).expect("a whole document");
    }
    schemas
}

/// Compares everything declared with everything live, each kind served as it is shown.
pub(crate) fn compare(declarations: &[Declaration], objects: Vec<LiveObject>, schemas: &Schemas, settings: &Settings) -> Compared {
    let shown = declarations.iter().map(|declaration| (&declaration.id, &declaration.version));
    let shown: BTreeSet<Kind> = shown.chain(objects.iter().map(|object| (&object.id, &object.version))).map(kind).collect();
    // A version that only Git uses is not served where the live object shows another one.
    let is_served = |kind: &Kind| {
        let same = |object: &&LiveObject| object.id.kind == kind.kind && object.id.group == kind.group;
        objects.iter().filter(same).count() == 0 || objects.iter().filter(same).any(|object| object.version == kind.version)
    };
    let kinds = Kinds { all: shown.into_iter().filter(is_served).collect(), unknown_groups: Vec::new(), complete: true };
    let plan = plan(declarations, &kinds, settings);
    let mut comparer = Comparer::new(declarations, &plan, schemas, settings);
    for (position, listing) in plan.listings.iter().enumerate() {
        let wanted = |object: &LiveObject| {
            (&object.id.group, &object.id.kind, &object.version) == (&listing.kind.group, &listing.kind.kind, &listing.kind.version)
                && plan.wants(&object.id)
        };
        comparer.page(Page::Objects(position, objects.iter().filter(|object| wanted(object)).cloned().collect()));
    }
    comparer.finish(&[])
}

fn kind((id, version): (&ObjectId, &String)) -> Kind {
    Kind {
        group: id.group.clone(),
        version: version.clone(),
        kind: id.kind.clone(),
        plural: format!("{}s", id.kind.to_lowercase()),
        singular: String::new(),
        short_names: Vec::new(),
        namespaced: id.namespace.is_some(),
        verbs: vec!["list".into()],
        preferred: true,
    }
}

/// `spec.replicas drifted value by kubectl/Update/scale`, `~` in front where the confidence is low.
pub(crate) fn words(difference: &Difference) -> String {
    let low = if difference.low_confidence { "~" } else { "" };
    let manager = difference.manager.as_ref().map_or_else(String::new, |manager| {
        let subresource = manager.subresource.as_ref().map_or_else(String::new, |name| format!("/{name}"));
        format!(" by {}/{}{subresource}", manager.name, manager.operation.as_str())
    });
    let obstacle = difference.obstacle.map_or_else(String::new, |obstacle| format!(" ({obstacle})"));
    format!("{low}{} {} {}{manager}{obstacle}", difference.field, difference.verdict.as_str(), difference.decided_by)
}
