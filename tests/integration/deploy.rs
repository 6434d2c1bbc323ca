//! What we ship, applied to the real API server: it is accepted without a warning, its pod is admitted under the restricted
//! standard, and its service account reads everything built in but Secrets, and could not have written.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::control_plane::{User, control_plane};
use crate::harness::kubectl::Kubectl;
use crate::harness::program::{Output, Program};
use crate::harness::tools;

const NAMESPACE: &str = "kubewitness";
const NAME: &str = "kubewitness";

fn manifests() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    Program::new(tools::program("kustomize")).args([Path::new("build"), &folder]).succeed()
}

fn apply() -> Output {
    let admin = control_plane().admin().kubectl();
    admin.program(["apply", "--server-side", "--field-manager=kustomize-controller", "-f", "-"]).input(manifests()).run()
}

/// The administrator in the shipped namespace, everything applied.
fn shipped() -> &'static Kubectl {
    static SHIPPED: OnceLock<Kubectl> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let applied = apply();
        assert_eq!((applied.status, applied.stderr.as_str()), (Some(0), ""), "{applied:?}");
        control_plane().admin().kubectl().in_namespace(NAMESPACE)
    })
}

/// The shipped service account with a token as the server gives it.
fn reader() -> User {
    shipped();
    control_plane().service_account(NAMESPACE, NAME)
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|name| name.as_str().expect("a name is a text")).collect()
}

#[test]
fn applying_it_again_is_no_conflict() {
    shipped();
    let again = apply();
    assert_eq!(again.status, Some(0), "{again:?}");
}

#[test]
fn the_role_names_every_listable_built_in_resource_but_those_left_out() {
    const LEFT_OUT: [&str; 5] = ["secrets", "events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses"];
    const SHORT_GROUPS: [&str; 4] = ["apps", "autoscaling", "batch", "policy"];
    let served = shipped().succeed(["api-resources", "--verbs=list", "-o", "name", "--cached=false"]);
    let is_built_in =
        |name: &&str| name.split_once('.').is_none_or(|(_, group)| group.ends_with(".k8s.io") || SHORT_GROUPS.contains(&group));
    let served: BTreeSet<String> = served.lines().filter(is_built_in).filter(|name| !LEFT_OUT.contains(name)).map(str::to_owned).collect();

    let role = shipped().json(["get", "clusterrole", NAME]);
    let rules = role["rules"].as_array().expect("a role has rules");
    let named: BTreeSet<String> = rules
        .iter()
        .flat_map(|rule| names(&rule["apiGroups"]).into_iter().map(move |group| (group, rule)))
        .flat_map(|(group, rule)| names(&rule["resources"]).into_iter().map(move |name| (group, name)))
        .map(|(group, name)| if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") })
        .collect();
    assert_eq!(named, served);
}

#[test]
fn a_pod_of_the_cron_job_is_admitted_and_a_privileged_one_is_not() {
    let admin = shipped();
    admin.succeed(["create", "job", "once", &format!("--from=cronjob/{NAME}")]);
    let pods = ["get", "pods", "-l", "batch.kubernetes.io/job-name=once", "-o", "jsonpath={.items[*].status.phase}"];
    admin.wait_until(&pods, |phases| phases == "Pending");

    let refused = admin.run(["run", "privileged", "--image=example.com/a", "--privileged"]);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("violates PodSecurity \"restricted:latest\""), "{refused:?}");
}

#[test]
fn the_service_account_reads_but_not_secrets() {
    let reader = reader().kubectl();
    for list in [["get", "deployments.apps", "-A"], ["get", "clusterroles", "-o=name"], ["get", "customresourcedefinitions", "-o=name"]] {
        reader.succeed(list);
    }
    let refused = reader.run(["get", "secrets", "-A"]);
    assert!(refused.stderr.contains("Forbidden"), "{refused:?}");
}

/// Asked of the server, which knows every role that is bound to the account, whoever bound it.
#[test]
fn the_service_account_could_not_have_written() {
    let review = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"default"}}"#;
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = reader().kubectl().program(["create", "--raw", path, "-f", "-"]).input(review).succeed();
    let answer: Value = serde_json::from_str(&answer).expect("the server answers in JSON");
    let status = &answer["status"];
    assert_eq!(status["incomplete"], false);

    // Questions about oneself are created, but nothing is stored.
    const QUESTIONS: [&str; 3] = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
    let rules = status["resourceRules"].as_array().expect("there are rules");
    let is_question = |rule: &&Value| names(&rule["resources"]).iter().all(|name| QUESTIONS.contains(name));
    let (questions, others): (Vec<&Value>, Vec<&Value>) = rules.iter().partition(is_question);
    assert!(!questions.is_empty() && others.len() > 10, "{rules:?}");
    let allowed: BTreeSet<&str> = others.into_iter().flat_map(|rule| names(&rule["verbs"])).collect();
    assert_eq!(allowed, BTreeSet::from(["get", "list"]));
    let urls = status["nonResourceRules"].as_array().expect("there are rules for paths");
    assert!(urls.iter().all(|rule| names(&rule["verbs"]) == ["get"]), "{urls:?}");
}

#[test]
fn what_it_writes_is_refused() {
    let reader = reader().kubectl().in_namespace("default");
    for attempt in [
        ["create", "configmap", "written"].as_slice(),
        &["delete", "configmap", "kube-root-ca.crt"],
        &["label", "namespace", "default", "written=true"],
        &["apply", "--server-side", "--dry-run=server", "-f", "-"],
    ] {
        let input = "{apiVersion: v1, kind: ConfigMap, metadata: {name: written}}";
        let output = reader.program(attempt.iter().copied()).input(input).run();
        assert!(output.status == Some(1) && output.stderr.contains("orbidden"), "{attempt:?}: {output:?}");
    }
}

#[test]
fn a_labelled_role_adds_a_custom_resource() {
    let reader = reader().kubectl();
    let definition = r#"{
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "gadgets.deploy.kubewitness.test" },
        "spec": {
            "group": "deploy.kubewitness.test", "scope": "Namespaced", "names": { "plural": "gadgets", "kind": "Gadget" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object" } } }]
        }
    }"#;
    let role = r#"{
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": "kubewitness-gadgets", "labels": { "kubewitness.dev/aggregate-to-reader": "true" } },
        "rules": [{ "apiGroups": ["deploy.kubewitness.test"], "resources": ["gadgets"], "verbs": ["get", "list"] }]
    }"#;
    let list = ["get", "--raw", "/apis/deploy.kubewitness.test/v1/gadgets"];
    shipped().apply(definition);
    shipped().wait_until(&list, |_| true);
    let refused = reader.run(list);
    assert!(refused.stderr.contains("(Forbidden)"), "{refused:?}");

    shipped().apply(role);
    reader.wait_until(&list, |_| true);
    assert_eq!(apply().status, Some(0), "what the controller filled in is no conflict");
    reader.succeed(list);
}
