//! The catalogue as data: tests/cases/compare/<row>/{declared.yaml,live.yaml,verdict.yaml}, and what else a case brings:
//! `schema.yaml` (openAPIV3Schema of a custom resource), `context.yaml` (other live objects).
//!
//! A difference is written as one line, `~` for low confidence: `~spec.replicas equal autoscaled by NAME/Update/scale`.

use std::path::{Path, PathBuf};

use super::support::{cluster_schemas, compare, declaration, documents, live, words};
use kubewitness::compare::Settings;
use kubewitness::model::schema::Schemas;
use serde_json::{Value, json};

/// Tells what a case says wrongly.
fn check(folder: &Path, cluster: &Schemas) -> Result<(), String> {
    let read = |name: &str| documents(&folder.join(name));
    let optional = |name: &str| if folder.join(name).exists() { read(name) } else { Vec::new() };
    let declared: Vec<Value> = read("declared.yaml");
    let verdict = read("verdict.yaml").remove(0);
    let mut schemas = cluster.clone();
    if let Some(schema) = optional("schema.yaml").pop() {
        add_custom(&mut schemas, &declared[0], schema);
    }
    let declarations: Vec<_> =
        declared.into_iter().enumerate().map(|(number, value)| declaration(value, &format!("{number}.yaml"))).collect();
    let objects = optional("live.yaml").into_iter().chain(optional("context.yaml")).map(live).collect();
    let compared = compare(&declarations, objects, &schemas, &Settings::default());
    let comparison = compared.comparisons.iter().find(|comparison| comparison.id == declarations[0].id).ok_or("no comparison")?;
    let said = json!({
        "state": comparison.state.as_str(),
        "reason": comparison.reason,
        "differences": comparison.differences.iter().map(words).collect::<Vec<_>>(),
    });
    let expected = json!({
        "state": verdict["state"],
        "reason": verdict["reason"],
        "differences": verdict.get("differences").cloned().unwrap_or(json!([])),
    });
    if said == expected { Ok(()) } else { Err(format!("expected {expected:#}\nsaid {said:#}")) }
}

fn add_custom(schemas: &mut Schemas, declared: &Value, mut schema: Value) {
    let (group, version) = declared["apiVersion"].as_str().and_then(|text| text.split_once('/')).expect("a custom resource has a group");
    schema["x-kubernetes-group-version-kind"] = json!([{"group": group, "version": version, "kind": declared["kind"]}]);
    schema["properties"]["metadata"] = json!({"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"});
    let metadata = json!({"type": "object", "properties": {
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    }});
    let components = json!({"Custom": schema, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": metadata});
    let document = json!({"components": {"schemas": components}}).to_string();
    schemas.add(group, version, document.as_bytes()).expect("a whole document");
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/compare");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(root).expect("the cases are there").map(|entry| entry.expect("readable").path()).collect();
    cases.sort();
    cases
}

fn failures(schemas: &Schemas) -> Vec<String> {
    let tell = |folder: &PathBuf| Some(format!("{}: {}", folder.file_name()?.display(), check(folder, schemas).err()?));
    cases().iter().filter_map(tell).collect()
}

#[test]
fn every_row_of_the_catalogue_has_its_verdict() {
    let failures = failures(&cluster_schemas());
    assert!(cases().len() > 50, "the cases are not found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Two files compared, or a bare dump: no schema but the table.
#[test]
fn the_verdicts_are_the_same_without_a_cluster_schema() {
    let failures = failures(&Schemas::default());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
