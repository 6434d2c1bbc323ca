//! The catalogue as data: tests/cases/compare/<row>/{declared.yaml,live.yaml,verdict.yaml}, and what else a case brings:
//! `schema.yaml` (openAPIV3Schema of a custom resource), `context.yaml` (other live objects).
//!
//! A difference is written as one line, `~` for low confidence: `~spec.replicas equal autoscaled by NAME/Update/scale`.

use std::path::{Path, PathBuf};

use super::support::{cluster_schemas, compare, declaration, documents, live, words};
use kubewitness::compare::Settings;
use kubewitness::model::comparison::{OwnershipGap, SchemaSource};
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
    let ownership = comparison.ownership_gap.map(|gap| match gap {
        OwnershipGap::Emptied => "emptied",
        OwnershipGap::ApplierGone => "applier-gone",
    });
    let said = json!({
        "removedVersion": comparison.removed_version,
        "ownership": ownership,
        "state": comparison.state.as_str(),
        "reason": comparison.reason,
        "differences": comparison.differences.iter().map(words).collect::<Vec<_>>(),
    });
    let expected = json!({
        "removedVersion": verdict["removedVersion"],
        "ownership": verdict["ownership"],
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
    cases.retain(|path| path.is_dir());
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

/// ROWS.md says of every row where it is, or why it is not here, and knows every case.
#[test]
fn every_row_and_every_case_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/compare");
    let list = std::fs::read_to_string(root.join("ROWS.md")).expect("the list is there");
    for row in 1..=100 {
        let line = list.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap_or_else(|| panic!("row {row} is not there"));
        let is_mapped = line.contains(&format!("`{row:03}-")) || line.contains("| not here: ");
        assert!(is_mapped, "row {row} has neither case nor reason");
    }
    let named: Vec<&str> = list.split('`').filter(|word| !word.contains(' ')).filter(|word| root.join(word).is_dir()).collect();
    for case in cases() {
        let name = case.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(named.contains(&name), "{name} is not in the list");
    }
    let is_gone =
        |word: &&str| word.starts_with(|first: char| first.is_ascii_digit()) && word[1..].contains('-') && !root.join(word).is_dir();
    assert_eq!(list.split('`').find(is_gone), None, "named and not there");
}

/// What was read without the cluster's schema says so.
#[test]
fn what_the_table_read_says_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/compare/001-quantity");
    let source = |schemas: &Schemas, kind: &str| {
        let mut declared = documents(&folder.join("declared.yaml")).remove(0);
        declared["kind"] = json!(kind);
        compare(&[declaration(declared.clone(), "a.yaml")], vec![live(declared)], schemas, &Settings::default()).comparisons[0].schema
    };
    let kind = documents(&folder.join("declared.yaml"))[0]["kind"].as_str().expect("a kind").to_owned();
    assert_eq!(source(&cluster_schemas(), &kind), SchemaSource::Cluster);
    assert_eq!(source(&Schemas::default(), &kind), SchemaSource::Table);
    assert_eq!(source(&Schemas::default(), "Unheard"), SchemaSource::Nothing);
}
