//! The generated fleet of `make test-oracle`, applied by the agents: nothing is found.
//!
//! `KW_ORACLE_SEED` and `KW_ORACLE_EACH` choose another one, as they do there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use kubewitness::document;
use kubewitness::yaml::Dialect;
use serde_json::{Value, json};

use crate::argocd::Application;
use crate::fleet::{Fleet, Layout};
use crate::flux::Kustomization;
use crate::harness::api::Api;
use crate::harness::control_plane::control_plane;
use crate::harness::generator::{self, Object, files};
use crate::harness::program::{Output, Program};
use crate::harness::{number, say, scratch};

fn generated() -> &'static generator::Fleet {
    static FLEET: OnceLock<generator::Fleet> = OnceLock::new();
    FLEET.get_or_init(|| generator::Fleet::generate(number("KW_ORACLE_SEED", 1), number("KW_ORACLE_EACH", 24) as usize))
}

/// Kinds that Argo CD never applies, whatever declares them.
const LEFT_OUT_BY_ARGO_CD: [&str; 2] = ["Event", "Lease"];

/// The fleet of a lane, without some kinds, and without what Kustomize refuses or the server as Kustomize writes it.
fn fleet(lane: &'static str, layout: Layout, left_out: &[&str]) -> Fleet {
    let mut all = generated().lane(lane);
    all.retain(|object| !left_out.iter().any(|kind| object.value["kind"] == *kind));
    let objects = match layout {
        Layout::Files => all.clone(),
        Layout::Kustomization => accepted(&all),
    };
    let kinds: BTreeSet<&str> = objects.iter().filter_map(|object| object.value["kind"].as_str()).collect();
    say(&format!("{lane}: {} objects of {} kinds, {} left out", objects.len(), kinds.len(), all.len() - objects.len()));
    assert!(objects.len() >= 1_500 && kinds.len() >= 55, "{} objects of {} kinds", objects.len(), kinds.len());
    // Its namespaces are those of all tests, so nothing is said of what else is in them.
    Fleet::declare(lane, &files(&objects), objects.len(), layout, &[])
}

fn accepted(objects: &[Object]) -> Vec<Object> {
    let api = Api::new(&control_plane().admin());
    let mut objects = buildable(objects);
    let read = document::documents(build(&objects).stdout.as_bytes(), Dialect::Kustomize);
    let rendered: BTreeMap<String, Value> =
        read.into_iter().map(|document| document.expect("Kustomize writes YAML").value).map(|value| (identity(&value), value)).collect();
    objects.retain(|object| {
        let url = format!("{}?dryRun=All&fieldManager=test&force=true", object.url());
        matches!(api.apply(&url, &rendered[&identity(&object.value)]).0, 200 | 201)
    });
    objects
}

fn identity(object: &Value) -> String {
    let metadata = &object["metadata"];
    [&object["apiVersion"], &object["kind"], &metadata["namespace"], &metadata["name"]].map(Value::to_string).join(" ")
}

/// What Kustomize builds, found by halves.
fn buildable(objects: &[Object]) -> Vec<Object> {
    let output = build(objects);
    if output.status == Some(0) {
        return objects.to_vec();
    }
    if let [only] = objects {
        say(&format!("Kustomize refuses {}: {}", only.url(), output.stderr.lines().next().unwrap_or_default()));
        return Vec::new();
    }
    let (first, second) = objects.split_at(objects.len() / 2);
    [buildable(first), buildable(second)].concat()
}

fn build(objects: &[Object]) -> Output {
    let folder = scratch::new_folder("build");
    let write = |name: &str, text: &str| std::fs::write(Path::new(&folder).join(name), text).expect("a scratch file can be written");
    let files = files(objects);
    write("kustomization.yaml", &json!({ "resources": files.keys().collect::<Vec<_>>() }).to_string());
    files.iter().for_each(|(name, text)| write(name, text));
    let output = Program::new("kustomize").args(["build", "."]).in_folder(&folder).run();
    std::fs::remove_dir_all(&folder).expect("a scratch folder can be removed");
    output
}

#[test]
fn a_generated_fleet_of_flux_is_in_sync() {
    let fleet = fleet("gflux", Layout::Kustomization, &[]);
    Kustomization::create(&fleet).wait();
    fleet.assert_in_sync();
}

#[test]
fn a_generated_fleet_of_argo_cd_is_in_sync() {
    let fleet = fleet("gargo", Layout::Files, &LEFT_OUT_BY_ARGO_CD);
    Application::create(&fleet, &json!({ "recurse": true }), &[]).sync();
    fleet.assert_in_sync();
}

#[test]
fn a_generated_fleet_of_argo_cd_with_server_side_apply_is_in_sync() {
    let fleet = fleet("gargoss", Layout::Kustomization, &LEFT_OUT_BY_ARGO_CD);
    Application::create(&fleet, &Value::Null, &["ServerSideApply=true"]).sync();
    fleet.assert_in_sync();
}
