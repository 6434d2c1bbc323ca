//! A recorded cluster is judged as the live one is; what a recording does not hold is told, never taken for missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::control_plane::control_plane;
use crate::harness::drift::{self, objects, title};
use crate::harness::fleet::{Applier, Fleet, NAMESPACES};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::scratch;

fn capture(fleet: &Fleet) -> PathBuf {
    let folder = scratch::new_folder("recording").join("cluster");
    let mut arguments = vec!["capture", "--output", folder.to_str().expect("the path of the scratch folder is UTF-8")];
    let namespaces = NAMESPACES.map(|namespace| fleet.name(namespace));
    namespaces.iter().for_each(|namespace| arguments.extend(["--namespace", namespace.as_str()]));
    let output = fleet.kubewitness(&control_plane().admin(), arguments);
    assert_eq!(output.status, Some(0), "{output:?}");
    folder
}

/// The record without what tells one run from another, as text.
fn evidence(output: &Output) -> String {
    let mut record = output.record();
    let run = record.as_object_mut().and_then(|record| record.remove("run"));
    assert!(run.is_some_and(|run| run["id"].is_string()), "a record has a run");
    serde_json::to_string_pretty(&record).expect("JSON can be written")
}

/// The bytes of the record but for its run, which is told in one piece.
fn bytes_but_for_run(output: &Output) -> String {
    let (begin, end) = (output.stdout.find("\"run\":"), output.stdout.find("\"policyDigest\":"));
    let (begin, end) = begin.zip(end).expect("a record tells its run before its policy");
    format!("{}{}", &output.stdout[..begin], &output.stdout[end..])
}

#[test]
fn a_recorded_cluster_gives_the_record_of_the_live_one() {
    let fleet = Fleet::applied_by(Applier::ServerSide);
    drift::make(&fleet);
    let live = fleet.scan();
    let recording = capture(&fleet);
    let recorded = fleet.scan_recording(&recording);
    assert_eq!((live.status, recorded.status), (Some(1), Some(1)), "{}\n{}", live.stderr, recorded.stderr);
    assert_eq!((&live.record()["run"]["reader"], &recorded.record()["run"]["reader"]), (&json!("live"), &json!("recording")));
    assert_same_lines(&evidence(&live), &evidence(&recorded));

    let again = fleet.scan_recording(&recording);
    assert_eq!(bytes_but_for_run(&recorded), bytes_but_for_run(&again));
    assert_eq!(drift::said_in(&recorded.record()), drift::expected());
    assert_eq!(drift::findings_in(&recorded.record()), drift::findings());
}

#[test]
fn what_is_declared_at_a_version_that_is_not_preferred_is_judged_from_a_recording_as_live() {
    let fleet = Fleet::new();
    let shop = json!(fleet.name("shop"));
    let admin = control_plane().admin().kubectl();
    admin.succeed(["create", "namespace", &fleet.name("shop")]);
    let scaler = format!(
        "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web, namespace: {shop}}}\nspec:\n  maxReplicas: 5\n  \
         targetCPUUtilizationPercentage: 70\n  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}\n"
    );
    admin.apply_server_side("kustomize-controller", &scaler);
    let folder = scratch::new_folder("scaler");
    std::fs::write(folder.join("hpa.yaml"), scaler).expect("a scratch file can be written");
    let source = folder.to_str().expect("the path of the scratch folder is UTF-8");
    let scan = ["scan", "-o", "json", "--config", "/dev/null", "--source", source];
    let live = Kubewitness::new(scan).kubeconfig(&control_plane().admin().kubeconfig).run();
    let recording = capture(&fleet);
    let recording = recording.to_str().expect("the path of the scratch folder is UTF-8");
    let recorded = Kubewitness::new(scan.into_iter().chain(["--recording", recording])).run();
    let record = recorded.record();
    let judged: Vec<_> = objects(&record).map(|object| (title(object), text(object, "state").to_owned())).collect();
    assert_eq!(judged, [("HorizontalPodAutoscaler/web".to_owned(), "synced".to_owned())], "{record:#}");
    assert_same_lines(&evidence(&live), &evidence(&recorded));
}

/// Equality that shows the lines that differ and not two records.
fn assert_same_lines(one: &str, other: &str) {
    let lines = one.lines().zip(other.lines()).filter(|(one, other)| one != other).take(20);
    assert!(one == other, "{:#?}", lines.collect::<Vec<_>>());
}

/// What kubectl prints of three kinds of the shop, as one list.
fn dump(fleet: &Fleet) -> PathBuf {
    let kinds = ["get", "deployments,configmaps,services", "--show-managed-fields", "-o", "json"];
    let file = scratch::new_folder("dump").join("shop.json");
    std::fs::write(&file, fleet.kubectl("shop").succeed(kinds)).expect("a scratch file can be written");
    file
}

#[test]
fn of_a_plain_dump_what_is_in_it_is_compared_and_the_rest_is_not_evaluated() {
    let fleet = Fleet::applied_by(Applier::ServerSide);
    drift::make(&fleet);
    let output = fleet.scan_recording(&dump(&fleet));
    let record = output.record();
    assert_eq!((output.status, &record["status"]), (Some(4), &json!("partial")), "{}", output.stderr);

    let dumped = ["ConfigMap/nginx", "ConfigMap/settings", "Deployment/cart", "Deployment/web", "Service/cart", "Service/web"];
    let shop = json!(fleet.name("shop"));
    let is_dumped = |object: &&Value| object["namespace"] == shop && dumped.contains(&title(object).as_str());
    let (inside, outside): (Vec<&Value>, Vec<&Value>) = objects(&record).partition(is_dumped);
    assert_eq!((inside.len(), outside.len()), (dumped.len(), 43 - dumped.len()));
    let unread: BTreeSet<(&str, &str)> = outside.iter().map(|object| (text(object, "state"), text(object, "reason"))).collect();
    assert_eq!(unread, BTreeSet::from([("unknown", "not in the recording")]));
    assert_eq!(record["coverage"]["evaluated"], dumped.len());

    let is_inside = |object: &String| dumped.contains(&object.as_str());
    let expected: Vec<_> = drift::expected().into_iter().filter(|said| is_inside(&said.object)).collect();
    assert_eq!(drift::said_in(&record), expected);
    let drifts = |finding: &[String; 3]| finding[0] != "not-evaluated";
    let expected: Vec<_> = drift::findings().into_iter().filter(|[_, object, _]| is_inside(object)).collect();
    assert_eq!(drift::findings_in(&record).into_iter().filter(drifts).collect::<Vec<_>>(), expected);
}

#[test]
fn a_recording_that_is_not_there_is_an_error_and_no_verdict() {
    let output = Fleet::new().scan_recording(Path::new("no-such-recording"));
    assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""), "{output:?}");
    assert!(output.stderr.contains("no-such-recording"), "{output:?}");
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} is a text in {object}"))
}

#[test]
fn drift_beside_a_field_that_cannot_be_judged_is_partial() {
    let folder = scratch::new_folder("encrypted");
    let secret = |rest: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: x, namespace: shop }}\n{rest}");
    let declared = secret(
        "data: { gone: 'ENC[AES256_GCM,data:a]', unknown: 'ENC[AES256_GCM,data:b]' }\nsops: { mac: 'ENC[AES256_GCM,data:c]', version: '3' }\n",
    );
    std::fs::write(folder.join("declared.yaml"), declared).expect("a scratch file can be written");
    std::fs::write(folder.join("live.yaml"), secret("type: Opaque\ndata: { unknown: YQ== }\n")).expect("a scratch file can be written");
    let output = Kubewitness::new(["compare", "declared.yaml", "live.yaml", "-o", "json"]).in_folder(&folder).run();
    let verdicts: Vec<String> = drift::said_in(&output.document("comparison")).into_iter().map(|said| said.verdict).collect();
    assert_eq!((verdicts, output.status), (vec!["removed".into(), "unknown".into()], Some(4)), "{output:?}");
}
