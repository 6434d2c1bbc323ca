//! Every reading of `tests/cases/yaml/readings.json` is what the real programs read, and what our reader reads.
//!
//! `KUBEWITNESS_UPDATE_CASES=1` writes the table anew from the programs; texts are added by hand.

use std::path::PathBuf;

use kubewitness::yaml::{self, Dialect};
use serde_json::{Map, Value, json};

use super::tools::{kubectl, kustomize, run};

const HEAD: &str = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n";

fn table() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/yaml/readings.json")
}

fn read_table() -> Value {
    serde_json::from_slice(&std::fs::read(table()).unwrap()).unwrap()
}

/// The objects kubectl reads, or an error. It needs no server for this.
fn by_kubectl(text: &str) -> Value {
    let output = run(&kubectl(), &[("a.yaml", text)], &["annotate", "--local", "-f", "a.yaml", "-o", "json", "read=yes"]);
    if !output.success {
        return json!("error");
    }
    let objects = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let objects = objects.map(|object| {
        let mut object = object.unwrap();
        object["metadata"].as_object_mut().unwrap().remove("annotations");
        object
    });
    Value::Array(objects.collect())
}

/// What kubectl reads of what Kustomize builds.
fn by_kustomize(text: &str) -> Value {
    let files = [("a.yaml", text), ("kustomization.yaml", "resources: [a.yaml]\n")];
    let output = run(&kustomize(), &files, &["build", "."]);
    if output.success { by_kubectl(std::str::from_utf8(&output.stdout).unwrap()) } else { json!("error") }
}

fn by_us(text: &str, dialect: Dialect) -> Value {
    let read: Result<Vec<Value>, _> =
        yaml::documents(text.as_bytes(), dialect).into_iter().map(|node| node.map(|node| node.to_value())).collect();
    read.map_or_else(|_| json!("error"), Value::Array)
}

/// A case gives a whole text, or what stands behind `spec:`, or a key.
fn text_of(case: &Map<String, Value>) -> String {
    let part = |name: &str| case.get(name).and_then(Value::as_str);
    match (part("text"), part("spec"), part("key")) {
        (Some(text), _, _) => text.replace("HEAD\n", HEAD).replace("HEAD2\n", &HEAD.replace("name: a", "name: b")),
        (_, Some(spec), _) => format!("{HEAD}spec: {spec}\n"),
        (_, _, Some(key)) => format!("{HEAD}spec:\n  {key}: x\n"),
        _ => panic!("a case without text, spec or key"),
    }
}

/// Only `spec` where there is one object that has it, to keep the table readable.
fn short(objects: Value) -> Value {
    match objects.as_array().map(Vec::as_slice) {
        Some([object]) if object.get("spec").is_some() => json!({"spec": object["spec"]}),
        _ => objects,
    }
}

fn version(program: &kubewitness::subprocess::Program, arguments: &[&str]) -> String {
    String::from_utf8(run(program, &[], arguments).stdout).unwrap().trim().to_owned()
}

#[test]
fn our_readings_are_those_of_the_table() {
    let table = read_table();
    let mut differing = Vec::new();
    for case in table["cases"].as_array().unwrap() {
        let case = case.as_object().unwrap();
        let text = text_of(case);
        for (name, dialect) in [("kubectl", Dialect::Raw), ("kustomize", Dialect::Kustomize)] {
            // Where we refuse on purpose what a program accepts, or accept what it refuses, the case says why.
            let refused = case.get("refused").and_then(|reasons| reasons.get(name)).is_some();
            let expected = if refused { &json!("error") } else { &case[name] };
            if case.contains_key("accepted") && expected == "error" {
                continue;
            }
            let ours = short(by_us(&text, dialect));
            if &ours != expected {
                differing.push(format!("{name}: {text:?}\n  ours {ours}\n  want {expected}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn read_by_programs(case: &mut Map<String, Value>) {
    let text = text_of(case);
    case.insert("kubectl".into(), short(by_kubectl(&text)));
    case.insert("kustomize".into(), short(by_kustomize(&text)));
}

#[test]
fn the_table_is_what_the_programs_read() {
    let mut table = read_table();
    let versions = json!({
        "kubectl": version(&kubectl(), &["version", "--client", "-o", "yaml"]).lines().find_map(|line| line.trim().strip_prefix("gitVersion: ").map(str::to_owned)),
        "kustomize": version(&kustomize(), &["version"]),
    });
    let mut read = table.clone();
    read["versions"] = versions;
    let cases = read["cases"].as_array_mut().unwrap();
    let share = cases.len().div_ceil(4);
    // Each case starts three programs.
    std::thread::scope(|scope| {
        for cases in cases.chunks_mut(share) {
            scope.spawn(move || cases.iter_mut().for_each(|case| read_by_programs(case.as_object_mut().unwrap())));
        }
    });
    if std::env::var_os("KUBEWITNESS_UPDATE_CASES").is_some() {
        let cases: Vec<String> = read["cases"].as_array().unwrap().iter().map(|case| format!("    {case}")).collect();
        let text = format!("{{\n  \"versions\": {},\n  \"cases\": [\n{}\n  ]\n}}\n", read["versions"], cases.join(",\n"));
        std::fs::write(self::table(), text).unwrap();
        table = read_table();
    }
    assert_eq!(table, read);
}
