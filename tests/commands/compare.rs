//! `compare DECLARED LIVE`: no Git, no cluster.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::text;
use crate::harness::scratch;

const CANARY: [&str; 6] = ["c4nary-declared", "YzRuYXJ5LWRlY2xhcmVk", "c4nary-live", "YzRuYXJ5LWxpdmU", "YzRuYXJ5", "c4nary"];

/// A folder of pairs: three kinds, in YAML and JSON, as single objects, a document stream, and a list.
struct Pairs(PathBuf);

impl Pairs {
    fn new() -> Self {
        let pairs = Self(scratch::new_folder("pairs"));
        pairs.write(
            "declared/config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {mode: \"0644\"}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: shop}\nstringData: {password: c4nary-declared}\n",
        );
        pairs.write(
            "declared/service.json",
            r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"ports":[{"port":80}]}}"#,
        );
        pairs.write(
            "live/list.yaml",
            "apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    mode: \"0644\"\n  kind: ConfigMap\n  metadata:\n    \
             creationTimestamp: \"2026-01-01T00:00:00Z\"\n    name: web\n    namespace: shop\n    resourceVersion: \"7\"\n    \
             uid: 1b4e28ba-2fa1-11d2-883f-0016d3cca427\n- apiVersion: v1\n  data:\n    password: YzRuYXJ5LWRlY2xhcmVk\n  kind: Secret\n  \
             metadata:\n    name: login\n    namespace: shop\n  type: Opaque\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
        );
        pairs.write(
            "live/service.json",
            r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"clusterIP":"10.0.0.1",
               "ports":[{"port":80,"protocol":"TCP","targetPort":80}],"type":"ClusterIP"}}"#,
        );
        pairs
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let before = fs::read_to_string(self.0.join(path)).unwrap();
        assert!(before.contains(from));
        self.write(path, &before.replace(from, to));
    }

    fn compare(&self, more: &[&str]) -> Output {
        Kubewitness::new(["compare", "declared", "live"].into_iter().chain(more.iter().copied())).in_folder(&self.0).run()
    }

    /// Every object's name and state, by the document, which is validated.
    fn states(&self) -> Vec<(String, String)> {
        let document = self.compare(&["-o", "json"]).document("comparison");
        let objects = document["objects"].as_array().unwrap();
        objects.iter().map(|object| (object["kind"].as_str().unwrap().to_owned(), object["state"].as_str().unwrap().to_owned())).collect()
    }
}

fn states<'a>(expected: &'a [(&'a str, &'a str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, state)| ((*kind).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn pairs_in_yaml_and_json_that_match_are_in_sync() {
    let pairs = Pairs::new();
    let output = pairs.compare(&[]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), "In sync: 3 of 3 objects match the declaration.\n"), "{output:?}");
    assert_eq!(output.stderr, "");
    assert_eq!(pairs.states(), states(&[("ConfigMap", "synced"), ("Secret", "synced"), ("Service", "synced")]));
}

#[test]
fn a_difference_is_told_with_its_line_and_is_exit_1() {
    let pairs = Pairs::new();
    pairs.replace("live/list.yaml", "mode: \"0644\"", "mode: \"0600\"");
    let output = pairs.compare(&[]);
    assert_eq!(output.status, Some(1));
    assert!(output.stdout.starts_with("Drift: 1 object differs from the declaration. 2 of 3 match.\n"), "{}", output.stdout);
    assert!(output.stdout.contains("config.yaml:4"), "{}", output.stdout);
    assert_eq!(pairs.compare(&["--fail-on", "never"]).status, Some(0));
    let document = pairs.compare(&["-o", "json"]).document("comparison");
    let difference = &document["objects"][0]["differences"][0];
    assert_eq!((difference["declared"].as_str(), difference["live"].as_str()), (Some("0644"), Some("0600")));
    assert_eq!(difference["field"], "data.mode");
}

#[test]
fn a_secret_shows_no_value_wherever_it_differs() {
    let pairs = Pairs::new();
    pairs.replace("live/list.yaml", "YzRuYXJ5LWRlY2xhcmVk", "YzRuYXJ5LWxpdmU=");
    for more in [&["-o", "json"][..], &["-o", "terminal"], &["--color", "always"]] {
        let output = pairs.compare(more);
        assert_eq!(output.status, Some(1));
        for canary in CANARY {
            assert!(!output.stdout.contains(canary) && !output.stderr.contains(canary), "{canary} in {output:?}");
        }
    }
    let document = pairs.compare(&["-o", "json"]).document("comparison");
    let difference = &document["objects"][1]["differences"][0];
    assert_eq!((&difference["declaredRedacted"], &difference["liveRedacted"]), (&Value::Bool(true), &Value::Bool(true)));
}

#[test]
fn what_is_not_in_live_is_missing_even_where_live_shows_nothing_of_its_kind() {
    let pairs = Pairs::new();
    fs::remove_file(pairs.0.join("live/service.json")).unwrap();
    let output = pairs.compare(&[]);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stdout.contains("Service shop/web   missing"), "{}", output.stdout);
    assert_eq!(pairs.states()[2], ("Service".to_owned(), "missing".to_owned()));
    pairs.write("live/other.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: shop}\n");
    assert_eq!(pairs.states()[2], ("Service".to_owned(), "missing".to_owned()));
}

#[test]
fn a_declared_file_that_cannot_be_read_is_partial_and_the_rest_is_compared() {
    let pairs = Pairs::new();
    pairs.write("declared/broken.yaml", "kind: ConfigMap\nmetadata:\n  name: a: b\n");
    let output = pairs.compare(&[]);
    assert_eq!(output.status, Some(4), "{output:?}");
    assert!(output.stdout.contains("  declared: broken.yaml:3:10: unreadable\n"), "{}", output.stdout);
    assert!(output.stdout.contains("    3 |   name: a: b\n"), "the line is shown:\n{}", output.stdout);
    let document = pairs.compare(&["-o", "json"]).document("comparison");
    assert_eq!(document["coverage"]["evaluated"], 3);
    assert_eq!(document["notEvaluated"][0]["reason"], "unreadable");
}

#[test]
fn an_empty_folder_declares_nothing_and_is_not_called_clean() {
    let pairs = Pairs::new();
    fs::remove_dir_all(pairs.0.join("declared")).unwrap();
    fs::create_dir(pairs.0.join("declared")).unwrap();
    let output = pairs.compare(&[]);
    assert_eq!(output.status, Some(4), "{output:?}");
    assert!(output.stdout.contains("nothing is declared"), "{}", output.stdout);
}

#[test]
fn a_side_that_is_not_there_is_told_by_its_name() {
    let pairs = Pairs::new();
    let declared = Kubewitness::new(["compare", "nowhere", "live"]).in_folder(&pairs.0).run();
    assert_eq!((declared.status, declared.stderr.as_str()), (Some(2), "error: there is no file or folder nowhere\n"));
    let live = Kubewitness::new(["compare", "declared", "nowhere"]).in_folder(&pairs.0).run();
    assert_eq!(live.status, Some(3), "{live:?}");
    assert!(live.stderr.contains("nowhere cannot be read"), "{}", live.stderr);
    assert_eq!(declared.stdout + &live.stdout, "");
}

#[test]
fn a_live_file_that_is_broken_is_told_and_nothing_is_called_missing() {
    let pairs = Pairs::new();
    pairs.write("live/service.json", "{\"kind\": \"Service\", ");
    let output = pairs.compare(&[]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""), "{output:?}");
    assert!(output.stderr.contains("service.json"), "{}", output.stderr);
}

#[test]
fn single_files_are_compared_too() {
    let pairs = Pairs::new();
    let live = text(&pairs.0.join("live/service.json"));
    let output = Kubewitness::new(["compare", "declared/service.json", &live]).in_folder(&pairs.0).run();
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), "In sync: 1 of 1 object matches the declaration.\n"), "{output:?}");
}
