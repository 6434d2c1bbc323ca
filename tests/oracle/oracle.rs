//! Nothing that was applied as it is declared is reported, whoever applied it.
//!
//! `KW_ORACLE_SEED` and `KW_ORACLE_EACH` (objects a kind, at least) choose another fleet.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::api::Api;
use crate::harness::control_plane::control_plane;
use crate::harness::generator::{Fleet, Object, files};
use crate::harness::keys::ALICE;
use crate::harness::kubewitness::Kubewitness;
use crate::harness::repository::Repository;
use crate::harness::{number, say, scratch};

/// The fleet of this run, made once.
pub(crate) fn fleet() -> &'static Fleet {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    FLEET.get_or_init(|| {
        let (seed, each) = (number("KW_ORACLE_SEED", 1), number("KW_ORACLE_EACH", 24));
        let started = Instant::now();
        let fleet = Fleet::generate(seed, each as usize);
        let redrawn: usize = fleet.kinds.iter().map(|kind| kind.redrawn).sum();
        say(&format!(
            "fleet: seed {seed}, {} objects of {} kinds, {redrawn} redrawn, {:?}",
            fleet.objects.len(),
            fleet.kinds.len(),
            started.elapsed()
        ));
        fleet
    })
}

/// A repository that declares these objects.
pub(crate) fn repository(objects: &[Object]) -> Repository {
    let repository = Repository::new();
    for (file, text) in files(objects) {
        repository.write(&file, text);
    }
    repository.commit(&ALICE, "Add the fleet").unsigned();
    repository
}

/// The record of a scan as the administrator, where `applier` applies the repository.
pub(crate) fn scan(repository: &Repository, applier: Option<&str>) -> Value {
    let folder = scratch::new_folder("scan");
    let mut source = json!({"name": "fleet", "url": repository.path().to_str().expect("the path of the scratch folder is UTF-8")});
    if let Some(applier) = applier {
        source["applier"] = json!(applier);
    }
    std::fs::write(folder.join("kubewitness.yaml"), json!({ "sources": [source] }).to_string()).expect("a scratch file can be written");
    let scan = Kubewitness::new(["scan", "-o", "json", "--no-progress", "--fail-on", "never"]).in_folder(&folder);
    let output = scan.kubeconfig(&control_plane().admin().kubeconfig).run();
    assert!(matches!(output.status, Some(0 | 4)), "{:?}: {}", output.status, output.stderr);
    output.record()
}

/// What a record says that is no note on commits, one line each.
pub(crate) fn complaints(record: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for finding in record["findings"].as_array().into_iter().flatten().filter(|finding| finding["rule"] != "commit-unsigned") {
        found.push(format!(
            "{} {}/{} {}: {}",
            finding["rule"], finding["object"]["kind"], finding["object"]["name"], finding["field"], finding["message"]
        ));
    }
    let gaps = record["notEvaluated"].as_array().into_iter().flatten();
    found.extend(gaps.map(|gap| format!("not evaluated: {gap}")));
    found
}

fn kinds(objects: &[Object]) -> BTreeSet<(String, String)> {
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    objects.iter().map(|object| (word(&object.value["apiVersion"]), word(&object.value["kind"]))).collect()
}

/// Writes the files of a lane into a folder.
fn folder(objects: &[Object]) -> PathBuf {
    let folder = scratch::new_folder("lane");
    for (file, text) in files(objects) {
        std::fs::write(folder.join(file), text).expect("a scratch file can be written");
    }
    folder
}

/// Two halves at once: kubectl waits for itself more than for the server.
fn in_parts(objects: &[Object], apply: impl Fn(&[Object]) + Sync) {
    let parts = objects.chunks(objects.len().div_ceil(3));
    std::thread::scope(|scope| parts.for_each(|part| drop(scope.spawn(|| apply(part)))));
}

fn kubectl(objects: &[Object], arguments: &[&str]) {
    in_parts(objects, |part| {
        let folder = folder(part);
        let folder = folder.to_str().expect("the path of the scratch folder is UTF-8");
        control_plane().admin().kubectl().succeed(arguments.iter().copied().chain(["-f", folder]));
    });
}

fn assert_in_sync(lane: &str, objects: &[Object], apply: impl Fn(&[Object])) {
    let started = Instant::now();
    apply(objects);
    let applied = started.elapsed();
    let record = scan(&repository(objects), None);
    let complaints = complaints(&record);
    let evaluated = &record["coverage"]["evaluated"];
    say(&format!(
        "{lane}: {} objects of {} kinds applied in {applied:?}, {evaluated} evaluated in {:?}, {} complaints",
        objects.len(),
        kinds(objects).len(),
        started.elapsed() - applied,
        complaints.len()
    ));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(*evaluated, objects.len(), "{}", record["coverage"]);
}

#[test]
fn a_fleet_applied_by_the_server_is_in_sync_with_itself_and_for_kubectl() {
    let objects = fleet().lane("ssa");
    assert_in_sync("server-side apply", &objects, |objects| kubectl(objects, &["apply", "--server-side"]));
    assert_equal_to_itself(&objects);
    assert_no_other_diff(&objects);
}

/// Each live object, as it was read, declared: nothing differs.
fn assert_equal_to_itself(objects: &[Object]) {
    let (started, api) = (Instant::now(), Api::new(&control_plane().admin()));
    let items: Vec<Value> = objects.iter().map(|object| api.read(&object.url())).collect();
    let folder = scratch::new_folder("itself");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    std::fs::write(folder.join("live.json"), list).expect("a scratch file can be written");
    let output = Kubewitness::new(["compare", "live.json", "live.json", "-o", "json", "--no-progress"]).in_folder(&folder).run();
    let comparison = output.document("comparison");
    let is_in_sync = |object: &&Value| object["state"] == "synced" && object["differences"].as_array().is_none_or(Vec::is_empty);
    let others: Vec<&Value> = comparison["objects"].as_array().into_iter().flatten().filter(|object| !is_in_sync(object)).collect();
    say(&format!("itself: {} evaluated, {} others, {:?}", comparison["coverage"]["evaluated"], others.len(), started.elapsed()));
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(comparison["coverage"]["evaluated"], objects.len(), "{}", comparison["notEvaluated"]);
}

/// Lines in which `kubectl diff --server-side` differs from us: kind (empty for all), the begin of a line of its diff without
/// sign and indentation, and why.
const DIFF_REMAINS: [(&str, &str, &str); 6] = [
    ("", "generation:", "a dry run that writes null or an empty list again counts as a change (live-facts 4.14)"),
    ("", "resourceVersion:", "as generation"),
    ("Node", "- effect: NoSchedule", "admission taints a node when it is created only: applied again, its taint would go"),
    ("Node", "key: node.kubernetes.io/not-ready", "as its effect"),
    ("Node", "taints:", "as its effect, where it is the only taint"),
    ("ResourceSlice", "timeAdded:", "the server notes the time of a taint anew at each write"),
];

/// The changed lines of a diff, each with the kind whose file it is of.
fn changed_lines(diff: &str) -> Vec<(String, &str)> {
    let (mut kind, mut lines) = (String::new(), Vec::new());
    for line in diff.lines() {
        if line.starts_with("diff ") {
            // The file is called group.version.Kind.namespace.name; only the kind begins with a capital.
            let file = line.rsplit('/').next().unwrap_or_default();
            kind = file.split('.').find(|word| word.starts_with(|first: char| first.is_ascii_uppercase())).unwrap_or_default().to_owned();
        } else if line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---") {
            lines.push((kind.clone(), line[1..].trim_start()));
        }
    }
    lines
}

fn has_port_without_protocol(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("protocol").is_some_and(|protocol| protocol == "") || fields.values().any(has_port_without_protocol)
        }
        Value::Array(items) => items.iter().any(has_port_without_protocol),
        _ => false,
    }
}

/// kubectl itself, which may write, finds no difference that we did not.
fn assert_no_other_diff(objects: &[Object]) {
    let (started, api) = (Instant::now(), Api::new(&control_plane().admin()));
    // What declares a port with the protocol "" can be applied once only: that is another item than the stored one, and is then
    // refused or there twice.
    let again = |object: &&Object| {
        let url = format!("{}?dryRun=All&fieldManager=kubectl&force=true", object.url());
        !has_port_without_protocol(&object.value) && api.apply(&url, &object.value).0 == 200
    };
    let all = objects.len();
    let objects: Vec<Object> = objects.iter().filter(again).cloned().collect();
    assert!(objects.len() * 100 > all * 98, "only {} of {all} can be asked about", objects.len());
    let folder = folder(&objects);
    let folder = folder.to_str().expect("the path of the scratch folder is UTF-8");
    let output = control_plane().admin().kubectl().run(["diff", "--server-side", "-f", folder]);
    assert!(matches!(output.status, Some(0 | 1)), "{}", output.stderr);
    let remains =
        |kind: &str, line: &str| !DIFF_REMAINS.iter().any(|(of, start, _)| (of.is_empty() || *of == kind) && line.starts_with(start));
    let lines: Vec<_> = changed_lines(&output.stdout).into_iter().filter(|(kind, line)| remains(kind, line)).collect();
    let (asked, once) = (objects.len(), all - objects.len());
    say(&format!(
        "kubectl diff: {asked} objects, {once} that can be applied once only, {} lines remain, {:?}",
        lines.len(),
        started.elapsed()
    ));
    assert!(lines.is_empty(), "{}", output.stdout);
}

#[test]
fn a_fleet_applied_by_the_client_is_in_sync() {
    let objects = fleet().lane("csa");
    assert_in_sync("client-side apply", &objects, |objects| kubectl(objects, &["apply"]));
}

#[test]
fn a_fleet_created_by_kubectl_is_in_sync() {
    let objects = fleet().lane("cre");
    assert_in_sync("kubectl create", &objects, |objects| kubectl(objects, &["create"]));
}

/// What a person created, and a GitOps tool then applied over it: the first writer keeps its part of the record, defaults too.
#[test]
fn a_fleet_created_by_kubectl_and_adopted_by_argo_cd_is_in_sync() {
    let (objects, api) = (fleet().lane("ado"), Api::new(&control_plane().admin()));
    kubectl(&objects, &["create"]);
    // The server refuses what was stored with an item that lacks the key of its list, and what applying would double.
    let is_adopted = |object: &&Object| {
        let url = format!("{}?fieldManager=argocd-controller&force=true", object.url());
        api.apply(&url, &object.value).0 == 200
    };
    let adopted: Vec<Object> = objects.iter().filter(is_adopted).cloned().collect();
    assert!(adopted.len() * 100 > objects.len() * 98, "only {} of {} could be adopted", adopted.len(), objects.len());
    assert_in_sync("kubectl create, then server-side apply", &adopted, |_| ());
}

#[test]
fn a_fleet_installed_by_helm_is_in_sync() {
    let objects = fleet().lane("hel");
    let namespace = control_plane().namespace("oracle");
    assert_in_sync("helm", &objects, |objects| {
        // A release is a Secret, which has a most that it holds.
        for (number, part) in objects.chunks(500).enumerate() {
            let (chart, name) = (scratch::new_folder("chart"), format!("fleet-{number}"));
            std::fs::create_dir(chart.join("templates")).expect("a scratch folder can be made");
            let about = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
            std::fs::write(chart.join("Chart.yaml"), about).expect("a scratch file can be written");
            for (file, text) in files(part) {
                std::fs::write(chart.join("templates").join(file), text).expect("a scratch file can be written");
            }
            namespace.helm().install(&name, &chart);
        }
    });
}

/// Every optional field that values are drawn for is filled in most kinds, and in the others nearly every one: what is left the
/// server refuses as it is drawn. Fields for which no values are drawn are in the tables of the generator, with reasons.
#[test]
fn optional_fields_are_filled() {
    let (whole, others): (Vec<_>, Vec<_>) = fleet().kinds.iter().partition(|kind| kind.refused.is_empty());
    let filled: usize = fleet().kinds.iter().map(|kind| kind.filled).sum();
    let refused: usize = others.iter().map(|kind| kind.refused.len()).sum();
    say(&format!("fields: {filled} filled, {refused} refused; all of {} kinds, not all of {}", whole.len(), others.len()));
    assert!(whole.len() >= 15, "all optional fields of {} kinds only: {others:#?}", whole.len());
    assert!(refused * 10 <= filled, "too many fields are refused: {others:#?}");
}
