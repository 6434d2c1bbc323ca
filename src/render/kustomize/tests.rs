use serde_json::json;

use super::message::{Known, Secrets, told};
use super::{Origin, take_origin, with_origins};
use crate::model::declaration::TreePath;

#[test]
fn the_origin_is_taken_with_its_annotation() {
    let mut value = json!({"metadata": {"name": "a", "annotations": {"config.kubernetes.io/origin": "path: ../base/a.yaml\n"}}});
    assert_eq!(take_origin(&mut value), Some(Origin::File("../base/a.yaml".into())));
    assert_eq!(value, json!({"metadata": {"name": "a"}}));
    let mut kept = json!({"metadata": {"annotations": {"config.kubernetes.io/origin": "configuredIn: k.yaml\n", "x": "y"}}});
    assert_eq!(take_origin(&mut kept), Some(Origin::Generator("k.yaml".into())));
    assert_eq!(kept, json!({"metadata": {"annotations": {"x": "y"}}}));
}

#[test]
fn a_kustomization_keeps_what_it_asks_for() {
    let asked = with_origins(&json!({"buildMetadata": ["managedByLabel"], "resources": ["a"]}));
    assert_eq!(asked, json!({"buildMetadata": ["managedByLabel", "originAnnotations"], "resources": ["a"]}));
}

fn message(text: &str, secret: &str) -> String {
    let mut secrets = Secrets::default();
    secrets.add_documents(secret.as_bytes());
    let files = [TreePath::from("base/secret.yaml")].into();
    told(text, &Known { files: &files, folder: std::path::Path::new("/tmp/kubewitness-tree-x"), secrets })
}

#[test]
fn a_message_keeps_files_and_loses_values() {
    let secret = "apiVersion: v1\nkind: Secret\nstringData: {p: canary}\ndata: {q: Y2FuYXJ5Mg==}\n";
    let text = "Error: accumulating resources from 'base/secret.yaml': read /tmp/kubewitness-tree-x/base/secret.yaml: json: `canary` canary2 \"other\"\nnode contents: canary";
    assert_eq!(message(text, secret), "Error: accumulating resources from base/secret.yaml: read base/secret.yaml: json: … … …");
}

#[test]
fn a_message_about_an_unreadable_secret_only_names_files() {
    let told = message("Error: base/secret.yaml: found canary", "kind: Secret\nstringData: {p: canary\n");
    assert!(told.contains("base/secret.yaml") && !told.contains("canary"));
}
