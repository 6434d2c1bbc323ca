//! JSON that other programs read: as the published schemas say, and encoded again without loss.

use serde_json::Value;

use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::{text, witness};
use crate::harness::scratch;

fn report(arguments: &[&str]) -> Output {
    Kubewitness::new(["report"].into_iter().chain(arguments.iter().copied())).run()
}

/// Writes what stands in place of a record, and reports on it.
fn report_of(content: &str) -> Output {
    let file = scratch::new_folder("record").join("record.json");
    std::fs::write(&file, content).unwrap();
    report(&[&text(&file)])
}

#[test]
fn a_record_is_as_its_schema_says_with_and_without_fields() {
    let plain = witness(&["scan", "-o", "json"]).run();
    assert_eq!((plain.status, plain.stderr.as_str()), (Some(1), ""));
    assert!(plain.record()["objects"].as_array().unwrap().iter().all(|object| object.get("fields").is_none()));
    let full = witness(&["scan", "-o", "json", "--record-fields"]).run().record();
    let objects = full["objects"].as_array().unwrap();
    let web = objects.iter().find(|object| object["kind"] == "Deployment" && object["name"] == "web").unwrap();
    let image = "spec.template.spec.containers[name=web].image";
    let field = web["fields"].as_array().unwrap().iter().find(|field| field["field"] == image).unwrap();
    assert_eq!((&field["origin"]["path"], &field["origin"]["line"]), (&"prod/shop/web.yaml".into(), &24.into()));
    let author = field["origin"]["authoredBy"].as_str().unwrap();
    let commit = full["commits"].as_array().unwrap().iter().find(|commit| commit["id"] == author).unwrap();
    assert_eq!((&commit["author"]["name"], &commit["verdict"]), (&"Carol Diaz".into(), &"forge-attested".into()));
}

#[test]
fn the_program_prints_the_schemas_that_are_published() {
    for name in ["record", "blame", "log", "comparison"] {
        let printed = Kubewitness::new(["schema", name]).run();
        let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
        let file = format!("{}/reports/schema/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(printed, serde_json::from_str::<Value>(&std::fs::read_to_string(file).unwrap()).unwrap(), "{name}");
    }
    let config = Kubewitness::new(["schema", "config"]).run();
    let schema: Value = serde_json::from_str(&config.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::json!({"sources": [{"url": "./fleet", "ref": "main"}], "failOn": "note"})));
    assert!(!validator.is_valid(&serde_json::json!({"source": []})));
}

#[test]
fn blame_as_json_is_as_its_schema_says_and_has_a_row_for_every_declared_leaf() {
    let output = witness(&["blame", "deploy/web", "-n", "shop", "-o", "json"]).run();
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    let blame = output.document("blame");
    let fields = blame["fields"].as_array().unwrap();
    let shown = witness(&["blame", "deploy/web", "-n", "shop"]).run().stdout;
    assert!(shown.starts_with("Deployment shop/web · fleet main@"), "{shown}");
    let declared = fields.iter().filter(|field| field.get("origin").is_some()).count();
    assert!(shown.lines().next().unwrap().ends_with(&format!("of {declared} declared fields differ live")), "{declared}: {shown}");
}

#[test]
fn the_abbreviations_of_kubectl_name_kinds() {
    for object in ["deploy/web", "deployments/web", "Deployment/web", "deployment.apps/web", "deployments.apps/web"] {
        let output = witness(&["blame", object]).run();
        assert_eq!(output.status, Some(0), "{object}: {output:?}");
    }
    for object in ["cm/settings", "svc/web", "sa/web", "netpol/web"] {
        assert_eq!(witness(&["blame", object, "-n", "shop"]).run().status, Some(0), "{object}");
    }
}

#[test]
fn a_record_reported_again_is_what_the_scan_printed() {
    let folder = scratch::new_folder("again");
    let (record, screen) = (text(&folder.join("record.json")), text(&folder.join("screen")));
    let scan = witness(&["scan", "-o", "terminal", "-o", &format!("json={record}"), "-o", &format!("terminal={screen}")]).run();
    assert_eq!(scan.status, Some(1), "{scan:?}");
    assert!(scan.stdout.starts_with("Drift: "), "{}", scan.stdout);
    let again = report(&[&record]);
    assert_eq!((again.status, again.stdout.as_str(), again.stderr.as_str()), (Some(0), scan.stdout.as_str(), ""));
    assert_eq!(std::fs::read_to_string(screen).unwrap(), scan.stdout);
    assert_eq!(report(&[&record, "-o", "json"]).stdout, std::fs::read_to_string(record).unwrap());
}

#[test]
fn the_same_evidence_gives_the_same_record_but_for_its_run() {
    let scan = || {
        let mut record = witness(&["scan", "-o", "json", "--record-fields"]).run().record();
        assert!(record.as_object_mut().unwrap().remove("run").is_some());
        record.to_string()
    };
    assert_eq!(scan(), scan());
}

#[test]
fn a_record_of_a_later_minor_version_is_read_and_of_another_major_one_is_not() {
    let record = witness(&["scan", "-o", "json"]).run().stdout;
    let version = |version: &str| record.replacen(r#""schemaVersion": "1.0""#, &format!(r#""schemaVersion": "{version}", "news": 1"#), 1);
    assert_eq!(report_of(&version("1.9")).status, Some(0));
    let newer = report_of(&version("2.0"));
    assert_eq!((newer.status, newer.stdout.as_str()), (Some(3), ""));
    assert!(newer.stderr.contains("the record has schemaVersion `2.0`, but this program reads 1.x"), "{}", newer.stderr);
}

#[test]
fn what_is_no_record_is_told_by_file_and_cause() {
    let record = witness(&["scan", "-o", "json"]).run().stdout;
    let blame = witness(&["blame", "deploy/web", "-n", "shop", "-o", "json"]).run().stdout;
    let cases = [
        (&record[..record.len() / 2], "EOF while parsing"),
        ("{}", "missing field `schemaVersion`"),
        ("", "EOF while parsing"),
        ("sources: []\n", "expected value at line 1"),
        (&blame, "a document of the kind `Blame` is not a record"),
    ];
    for (content, cause) in cases {
        let output = report_of(content);
        assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""), "{output:?}");
        assert!(output.stderr.contains("record.json is no record of kubewitness") && output.stderr.contains(cause), "{}", output.stderr);
    }
    let absent = report(&["nowhere.json"]);
    assert_eq!((absent.status, absent.stderr.lines().next()), (Some(3), Some("error: cannot read nowhere.json")));
}
