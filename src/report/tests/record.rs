//! The record against its contract.

use serde_json::{Value, json};

use super::{Record, blame_of_web, encoded, hostile, partial, style, written};
use crate::model::attribution::{CommitVerdict, Verdict};
use crate::model::comparison::{Comparison, FieldVerdict, Manager, ObjectState, Operation};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, Engine, Input, LeafOrigin};
use crate::model::fixture::{add_commit, clean, compared, declare, differ, drifted, empty, leaf_names, manager, now, object};
use crate::model::scan::{Reader, Scan};
use crate::report::record::ReadError;
use crate::report::{comparison, format, schema};

/// Every record that tests make goes through here.
fn validated(text: &str) -> Value {
    validated_against(&schema::record(), text)
}

fn validated_against(schema: &Value, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    value
}

fn object_of<'a>(record: &'a Value, name: &str) -> &'a Value {
    record["objects"].as_array().unwrap().iter().find(|object| object["name"] == name).unwrap()
}

fn difference_of<'a>(record: &'a Value, name: &str, field: &str) -> &'a Value {
    object_of(record, name)["differences"].as_array().unwrap().iter().find(|difference| difference["field"] == field).unwrap()
}

/// One of every word of the contract.
fn every_word() -> Scan {
    let mut scan = empty();
    scan.reader = Reader::Recording;
    for (number, verdict) in Verdict::ALL.into_iter().enumerate() {
        let commit = add_commit(&mut scan, &format!("{number}a"), "Alice Chen", 1, verdict, &["because"]);
        declare(&mut scan, object("", "ConfigMap", "a", &format!("c{number}")), "a.yaml", json!({"a": {"b": null}}), Some(commit));
    }
    use FieldVerdict as Field;
    let fields = [
        Field::Drifted,
        Field::Removed,
        Field::Undeclared,
        Field::Rewritten,
        Field::Stale,
        Field::NeverConverges,
        Field::Injected,
        Field::UndeclaredController,
        Field::Defaulted,
        Field::Equal,
        Field::Pending,
        Field::Unknown,
    ];
    for verdict in fields {
        let writer = Manager { operation: Operation::Apply, subresource: Some("status".into()), ..manager("x", Some(now())) };
        differ(&mut scan, &format!("/{}", verdict.as_str()), verdict, Some(Value::Null), Some(writer));
    }
    use ObjectState as State;
    let states = [
        State::Synced,
        State::Drifted,
        State::Missing,
        State::Undeclared,
        State::Orphaned,
        State::Pending,
        State::Terminating,
        State::ExpectedAbsent,
        State::OtherCluster,
        State::Unknown,
    ];
    for state in states {
        scan.comparisons.push(Comparison { reason: Some("why".into()), ..compared(object("g", "K", "n", state.as_str()), state, None) });
    }
    for stage in [Stage::Read, Stage::Fetch, Stage::Render, Stage::Compare, Stage::History, Stage::Verify] {
        scan.not_evaluated.push(NotEvaluated::new(stage, "subject", "reason"));
    }
    scan
}

#[test]
fn every_record_keeps_to_the_schema() {
    for scan in [empty(), clean(), drifted(), partial(), hostile(), every_word()] {
        validated(&written(&scan));
    }
}

#[test]
fn the_schema_refuses_a_null_for_what_is_absent_and_a_word_that_is_not_one() {
    let validator = jsonschema::validator_for(&schema::record()).unwrap();
    let good = validated(&written(&drifted()));
    for (pointer, wrong) in [("/cluster/uid", Value::Null), ("/objects/0/state", json!("fine")), ("/status", json!("ok"))] {
        let mut record = good.clone();
        *record.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&record), "{pointer}");
    }
}

#[test]
fn a_record_read_back_is_written_with_the_same_bytes() {
    for scan in [empty(), clean(), drifted(), partial(), hostile(), every_word()] {
        let text = written(&scan);
        let read = Record::read(text.as_bytes()).unwrap();
        assert_eq!(encoded(&read, "json", &style(None)), text);
    }
}

#[test]
fn a_record_read_back_looks_the_same_to_people() {
    for scan in [clean(), drifted(), partial(), hostile()] {
        let read = Record::read(written(&scan).as_bytes()).unwrap();
        for width in [None, Some(100)] {
            assert_eq!(encoded(&read, "terminal", &style(width)), super::terminal(&scan, width));
        }
    }
}

#[test]
fn unknown_fields_are_ignored_and_other_documents_refused() {
    let mut record: Value = serde_json::from_str(&written(&drifted())).unwrap();
    record["schemaVersion"] = json!("1.7");
    record["new"] = json!({"x": 1});
    record["objects"][0]["new"] = json!([1]);
    record["objects"][0]["state"] = json!("a word of tomorrow");
    let read = Record::read(record.to_string().as_bytes()).unwrap();
    assert_eq!(read.objects.len(), drifted().comparisons.len());
    let text = encoded(&read, "terminal", &style(Some(100)));
    assert!(text.starts_with("Partial:"), "a word of tomorrow is not judged: {text}");
    record["schemaVersion"] = json!("2.0");
    assert!(matches!(Record::read(record.to_string().as_bytes()), Err(ReadError::Version(_))));
    record["kind"] = json!("Blame");
    assert!(matches!(Record::read(record.to_string().as_bytes()), Err(ReadError::Kind(_))));
    assert!(matches!(Record::read(b"{"), Err(ReadError::Json(_))));
}

#[test]
fn keys_stand_in_the_order_of_the_contract() {
    let text = written(&drifted());
    let order = [
        "schemaVersion",
        "kind",
        "status",
        "run",
        "policyDigest",
        "cluster",
        "sources",
        "reconcilers",
        "objects",
        "commits",
        "findings",
        "coverage",
        "notEvaluated",
    ];
    let top: Vec<usize> = order.iter().map(|key| text.find(&format!("\n  \"{key}\"")).unwrap()).collect();
    assert!(top.is_sorted(), "{top:?}");
    let web = &text[text.find("\"name\": \"web\"").unwrap()..];
    let order = [
        "state",
        "declared",
        "attribution",
        "defaults",
        "differences",
        "field",
        "path",
        "in",
        "verdict",
        "decidedBy",
        "declared\": 3",
        "live\": 5",
        "manager",
        "origin",
    ];
    let mut rest = web;
    for key in order {
        let found = rest.find(&format!("\"{key}")).unwrap_or_else(|| panic!("{key} is not behind its neighbour"));
        rest = &rest[found + 1..];
    }
}

#[test]
fn lists_are_sorted_whatever_the_order_of_the_scan() {
    let mut shuffled = drifted();
    shuffled.comparisons.reverse();
    shuffled.comparisons.iter_mut().for_each(|comparison| comparison.differences.reverse());
    let mut gaps = partial().not_evaluated;
    shuffled.not_evaluated.clone_from(&gaps);
    let text = written(&shuffled);
    gaps.reverse();
    let mut sorted = drifted();
    sorted.not_evaluated = gaps;
    assert_eq!(written(&sorted), text);
    let record = validated(&text);
    let keys: Vec<String> = record["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| format!("{}\0{}\0{}\0{}", object["group"], object["kind"], object["namespace"], object["name"]))
        .collect();
    assert!(keys.is_sorted());
}

#[test]
fn an_empty_declared_value_is_null_and_an_absent_one_has_no_key() {
    let mut scan = empty();
    declare(&mut scan, object("", "ConfigMap", "a", "c"), "a.yaml", json!({"a": null, "b": 1}), None);
    differ(&mut scan, "/a", FieldVerdict::Drifted, Some(json!(1)), None);
    differ(&mut scan, "/b", FieldVerdict::Removed, None, None);
    let text = written(&scan);
    let record = validated(&text);
    assert_eq!(difference_of(&record, "c", "a").get("declared"), Some(&Value::Null));
    assert_eq!(difference_of(&record, "c", "b").get("live"), None);
    assert!(!written(&clean()).contains("null"));
}

#[test]
fn a_difference_tells_where_by_whom_and_how_well_proven() {
    let record = validated(&written(&drifted()));
    let replicas = difference_of(&record, "web", "spec.replicas");
    assert_eq!(replicas["origin"]["path"], "apps/web/deployment.yaml");
    assert_eq!(replicas["origin"]["step"], "base");
    assert_eq!(replicas["origin"]["verdict"], "forge-attested");
    assert!(replicas["origin"]["authoredBy"].as_str().unwrap().starts_with("77ab310"));
    assert_eq!(replicas["manager"], json!({"name": "kubectl", "operation": "Update", "subresource": "scale"}));
    let counts = &object_of(&record, "web")["attribution"]["fieldCounts"];
    assert_eq!(*counts, json!({"forge-attested": 1, "unsigned": 1, "verified-author": 2}));
}

#[test]
fn no_single_file_is_named_for_what_was_rendered_of_several() {
    let mut scan = empty();
    let index = declare(&mut scan, object("", "ConfigMap", "a", "c"), "base.yaml", json!({"a": 1}), None);
    let patch = Input { document: DocumentRef { source: "fleet".into(), path: "patch.yaml".into(), ordinal: 0 }, line: 4, end_line: 9 };
    scan.declarations[index].engine = Engine::Kustomize;
    scan.declarations[index].inputs.push(patch);
    scan.declarations[index].leaves = [LeafOrigin { input: None, leaf: 0, line: 0, end_line: 0 }].into();
    differ(&mut scan, "/a", FieldVerdict::Drifted, Some(json!(2)), None);
    let record = validated(&written(&scan));
    assert_eq!(object_of(&record, "c")["declared"], json!({"source": "fleet"}));
    assert_eq!(object_of(&record, "c")["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(difference_of(&record, "c", "a")["origin"], json!({"source": "fleet", "step": "rendered"}));
    assert!(super::terminal(&scan, None).contains("rendered from base.yaml, patch.yaml"));
}

#[test]
fn secret_values_appear_nowhere() {
    let mut scan = drifted();
    let canary = json!({"data": {"password": "\u{0}digest:canary", "nested": ["\u{0}digest:canary"]}});
    declare(&mut scan, object("", "Secret", "shop", "web"), "s.yaml", canary, Some(0));
    differ(&mut scan, "/data", FieldVerdict::Drifted, Some(json!({"password": "\u{0}digest:canary"})), None);
    differ(&mut scan, "/data/password", FieldVerdict::Rewritten, Some(json!("\u{0}digest:canary")), None);
    let record = validated(&written(&scan));
    assert_eq!(difference_of(&record, "db", "data.password")["declaredRedacted"], true);
    assert_eq!(difference_of(&record, "db", "data.password").get("declared"), None);
    let all = Record::of(&scan, Some(&leaf_names));
    let secret = crate::report::blame::Blame::of(&scan, &object("", "Secret", "shop", "web"), &leaf_names).unwrap();
    let mut outputs = vec![encoded(&all, "json", &style(None)), serde_json::to_string(&secret).unwrap(), format!("{all:?}{secret:?}")];
    outputs.extend([None, Some(80)].map(|width| encoded(&all, "terminal", &style(width))));
    for output in outputs {
        assert!(!output.contains("canary") && !output.contains("0digest"), "{output}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_encoded_and_say_so() {
    let record = validated(&written(&hostile()));
    let commit = &record["commits"][0];
    assert_eq!(commit["subject"], "J%F6rg 100%25");
    assert_eq!(commit["encoded"], true);
    assert_eq!(commit["author"]["name"], "J%F6rg 100%25 \u{1b}[31m");
    assert_eq!(commit["author"]["encoded"], true);
    assert_eq!(commit["committer"].get("encoded"), None);
}

#[test]
fn large_values_are_told_by_size() {
    let record = validated(&written(&hostile()));
    let name = hostile().comparisons[0].id.name.clone();
    let large = difference_of(&record, &name, "data.large");
    assert_eq!(large["declaredTruncated"]["bytes"], 70_000);
    assert_eq!(large.get("declared"), None);
}

#[test]
fn numbers_keep_their_own_digits() {
    let mut scan = empty();
    let manifest: Value = serde_json::from_str(r#"{"a": 1.10, "b": 123456789012345678901234567890}"#).unwrap();
    declare(&mut scan, object("", "ConfigMap", "a", "c"), "a.yaml", manifest, None);
    differ(&mut scan, "/a", FieldVerdict::Drifted, Some(json!(1)), None);
    differ(&mut scan, "/b", FieldVerdict::Drifted, Some(json!(1)), None);
    let text = written(&scan);
    assert!(text.contains("1.10") && text.contains("123456789012345678901234567890"));
}

#[test]
fn anything_that_was_not_judged_makes_the_record_partial() {
    assert_eq!(Record::of(&drifted(), None).status, "complete");
    assert_eq!(Record::of(&partial(), None).status, "partial");
    let mut scan = clean();
    differ(&mut scan, "/data/a", FieldVerdict::Unknown, Some(json!("2")), None);
    assert_eq!(Record::of(&scan, None).status, "partial");
    assert!(super::terminal(&scan, None).starts_with("Partial: 14 of 14 objects evaluated, 1 field could not be judged."));
    assert!(super::terminal(&scan, None).contains("  ConfigMap shop/settings-12 data.a: value"));
}

#[test]
fn a_commit_without_a_judgement_is_unverifiable() {
    let mut scan = clean();
    scan.attributions.commits.truncate(1);
    let record = validated(&written(&scan));
    assert_eq!(record["commits"][1]["verdict"], "unverifiable");
    scan.attributions.commits = vec![
        CommitVerdict {
            verdict: Verdict::Unsigned,
            binding: crate::model::attribution::Binding::None,
            signer: None,
            reasons: Vec::new()
        };
        4
    ];
    validated(&written(&scan));
}

#[test]
fn every_declared_leaf_is_listed_where_it_is_asked_for() {
    let scan = drifted();
    let text = encoded(&Record::of(&scan, Some(&leaf_names)), "json", &style(None));
    let record = validated(&text);
    let fields = object_of(&record, "web")["fields"].as_array().unwrap().clone();
    assert_eq!(fields.len(), 4);
    assert!(fields.iter().all(|field| field["origin"]["authoredBy"].is_string()));
    assert!(!written(&scan).contains("\"fields\": ["));
}

#[test]
fn blame_has_a_row_for_every_declared_leaf() {
    let blame = blame_of_web(&drifted());
    let mut out = Vec::new();
    (format("json").unwrap().blame.unwrap())(&blame, &style(None), &mut out).unwrap();
    let value = validated_against(&schema::blame(), std::str::from_utf8(&out).unwrap());
    let row = |field: &str| value["fields"].as_array().unwrap().iter().find(|row| row["field"] == field).unwrap().clone();
    assert_eq!(value["fields"].as_array().unwrap().len(), 4);
    assert_eq!(row("spec.replicas")["verdict"], "drifted");
    assert_eq!(row("spec.replicas")["live"], 5);
    assert!(row("spec.replicas")["commit"].as_str().unwrap().starts_with("77ab310"));
    let name = row("spec.template.spec.containers[name=web].name");
    assert_eq!((&name["verdict"], &name["live"]), (&json!("equal"), &json!("web")));
    assert_eq!(value["commits"].as_array().unwrap().len(), 3);
}

#[test]
fn a_leaf_inside_a_value_that_differs_as_a_whole_is_not_called_equal() {
    let mut scan = empty();
    declare(&mut scan, object("apps", "Deployment", "shop", "web"), "a.yaml", json!({"spec": {"a": {"b": 1}}, "x": 1}), None);
    differ(&mut scan, "/spec/a", FieldVerdict::Removed, None, None);
    let blame = blame_of_web(&scan);
    assert_eq!(blame.fields[0].field, "spec.a.b");
    assert_eq!(blame.fields[0].verdict, "removed");
    assert_eq!(blame.fields[1].verdict, "equal");
    scan.comparisons[0].state = ObjectState::Unknown;
    assert_eq!(blame_of_web(&scan).fields[1].verdict, "unknown");
}

#[test]
fn a_comparison_keeps_to_its_schema_and_tells_the_same_objects() {
    let scan = drifted();
    let comparison = comparison::Comparison::of(&scan.declarations, &scan.comparisons, &scan.coverage, &scan.not_evaluated);
    let mut out = Vec::new();
    (format("json").unwrap().comparison.unwrap())(&comparison, &style(None), &mut out).unwrap();
    let value = validated_against(&schema::comparison(), std::str::from_utf8(&out).unwrap());
    assert_eq!(value["kind"], "Comparison");
    assert_eq!(value["objects"].as_array().unwrap().len(), scan.comparisons.len());
    let mut out = Vec::new();
    (format("terminal").unwrap().comparison.unwrap())(&comparison, &style(Some(100)), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("Drift: 3 objects differ from the declaration, 1 is missing, 1 is not in the declaration."), "{text}");
    assert!(!text.contains("Git"), "{text}");
}

#[test]
fn ten_thousand_differences_are_all_written() {
    let mut scan = empty();
    let data: serde_json::Map<String, Value> = (0..5_000).map(|number| (format!("key{number}"), json!("a"))).collect();
    declare(&mut scan, object("", "ConfigMap", "a", "large"), "a.yaml", json!({"data": data}), None);
    for number in 0..5_000 {
        differ_fast(&mut scan, number);
    }
    for number in 0..5_000 {
        declare(&mut scan, object("", "ConfigMap", "b", &format!("c{number}")), "b.yaml", json!({"a": 1}), None);
        differ(&mut scan, "/a", FieldVerdict::Drifted, Some(json!(2)), None);
    }
    let record: Value = serde_json::from_str(&written(&scan)).unwrap();
    let differences: usize =
        record["objects"].as_array().unwrap().iter().map(|object| object["differences"].as_array().unwrap().len()).sum();
    assert_eq!(differences, 10_000);
    let pipe = super::terminal(&scan, None);
    assert_eq!(pipe.lines().filter(|line| line.starts_with("    live ")).count(), 10_000);
    let screen = super::terminal(&scan, Some(100));
    assert!(screen.lines().count() < 400, "{}", screen.lines().count());
    assert!(screen.contains("4,980 more fields") && screen.contains("4,951 more objects"), "{screen}");
}

/// As `differ`, without looking for the leaf.
fn differ_fast(scan: &mut Scan, number: usize) {
    use crate::model::comparison::{Difference, FieldValue, Side};
    use crate::model::object::{FieldPath, Pointer, Step};
    let comparison = scan.comparisons.last_mut().unwrap();
    comparison.state = ObjectState::Drifted;
    comparison.differences.push(Difference {
        field: FieldPath(vec![Step::Field("data".into()), Step::Field(format!("key{number}"))]),
        pointer: Pointer::from(format!("/data/key{number}").as_str()),
        side: Side::Live,
        verdict: FieldVerdict::Drifted,
        low_confidence: false,
        decided_by: "value",
        declared: Some(FieldValue::Shown(json!("a"))),
        live: Some(FieldValue::Shown(json!("b"))),
        manager: None,
        leaf: Some(number),
        obstacle: None,
    });
}

#[test]
fn what_rules_took_out_is_beside_the_differences_and_counted() {
    use crate::model::comparison::{Ignored, SchemaSource};
    use crate::model::coverage::{IgnoredBy, Normalisation};
    let mut scan = drifted();
    let web = scan.comparisons.iter_mut().find(|found| found.id.name == "web").unwrap();
    let mut difference = web.differences.remove(0);
    difference.obstacle = Some("immutable");
    let field = difference.field.to_string();
    web.ignored.push(Ignored { rule: "ignore[0]".into(), difference });
    (web.schema, web.removed_version) = (SchemaSource::Table, Some("v1beta1".into()));
    let of = |rule: &str, fields, unused| IgnoredBy { rule: rule.into(), reason: "why".into(), fields, objects: fields, unused };
    scan.coverage.ignored = vec![of("ignore[0]", 1, None), of("ignore[1]", 0, Some("no object"))];
    scan.coverage.normalisations = vec![Normalisation { rule: "quantity", count: 7 }];
    let record = validated(&written(&scan));
    let web = object_of(&record, "web");
    assert_eq!((&web["ignored"][0]["field"], &web["ignored"][0]["ignoredBy"]), (&json!(field), &json!("ignore[0]")));
    assert_eq!(
        (&web["schema"], &web["removedVersion"], &web["ignored"][0]["obstacle"]),
        (&json!("table"), &json!("v1beta1"), &json!("immutable"))
    );
    assert_eq!(record["coverage"]["ignored"][1]["unused"], "no object");
    assert_eq!(record["coverage"]["normalisations"], json!([{"rule": "quantity", "count": 7}]));
    let screen = super::terminal(&scan, Some(100));
    assert!(screen.contains("ignored: 1 field in 1 object, by 1 rule of the configuration"), "{screen}");
    assert!(screen.contains("unused: ignore[1] of the configuration found nothing to ignore"), "{screen}");
}
