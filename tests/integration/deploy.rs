//! What we ship, applied to the real API server: it is accepted without a warning, its pod is admitted under the restricted
//! standard, and its service account reads everything built in but Secrets, and could not have written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::harness::control_plane::{Namespace, Request, User, control_plane};
use crate::harness::keys::ALICE;
use crate::harness::kubectl::Kubectl;
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::{Output, Program};
use crate::harness::repository::Repository;
use crate::harness::{scratch, tools};

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
fn the_server_says_that_it_may_not_write_or_read_secrets() {
    let reader = reader().kubectl();
    let say = |verb: &str, resource: &str| reader.run(["auth", "can-i", verb, resource, "--all-namespaces"]).stdout.trim().to_owned();
    assert_eq!(say("list", "deployments.apps"), "yes");
    for resource in ["pods", "configmaps", "deployments.apps", "clusterroles.rbac.authorization.k8s.io", "secrets"] {
        for verb in ["create", "update", "patch", "delete", "deletecollection"] {
            assert_eq!(say(verb, resource), "no", "{verb} {resource}");
        }
    }
    for verb in ["get", "list", "watch"] {
        assert_eq!(say(verb, "secrets"), "no", "{verb} secrets");
    }
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
    shipped();
    control_plane().add_kind("gadgets.deploy.kubewitness.test", || drop(shipped().apply(definition)));
    let refused = reader.run(list);
    assert!(refused.stderr.contains("(Forbidden)"), "{refused:?}");

    shipped().apply(role);
    reader.wait_until(&list, |_| true);
    assert_eq!(apply().status, Some(0), "what the controller filled in is no conflict");
    reader.succeed(list);
}

/// A fleet of which every object is applied as it is declared, a Secret among them.
fn in_sync() -> (Repository, Namespace) {
    let repository = Repository::new();
    let namespace = control_plane().namespace("shipped");
    let manifests = MANIFESTS.replace("NAMESPACE", &namespace.name);
    repository.write("shop.yaml", &manifests).commit(&ALICE, "Add the shop").signed_by(&ALICE.openpgp());
    namespace.kubectl.apply(&manifests);
    (repository, namespace)
}

const MANIFESTS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: NAMESPACE }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: example.com/web:1.4 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: NAMESPACE }
data: { colour: green }
---
apiVersion: v1
kind: Secret
metadata: { name: password, namespace: NAMESPACE }
stringData: { password: shipped-canary }
";

/// What the applied CronJob runs the program with, with another configuration file.
fn arguments_of_the_cron_job(configuration: &Path) -> Vec<String> {
    let container = shipped().json(["get", "cronjob", NAME])["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0].take();
    assert!(container["command"].is_null(), "the entry point of the image is the program");
    let here = configuration.to_str().expect("the path of the scratch folder is UTF-8");
    let arguments: Vec<String> = names(&container["args"]).iter().map(|argument| argument.replace(MOUNTED, here)).collect();
    assert!(arguments.iter().any(|argument| argument == here), "{arguments:?}");
    arguments
}

/// Where the CronJob finds its configuration.
const MOUNTED: &str = "/etc/kubewitness/kubewitness.yaml";

/// Scans a fleet as the shipped account, with the arguments of the CronJob and the shipped configuration but for the place of its
/// source and what is said of Secrets.
fn scan((fleet, _): &(Repository, Namespace), secrets: &str) -> (Output, User) {
    let reader = reader();
    let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubewitness.yaml")).expect("it is there");
    let here = fleet.path().to_str().expect("the path of the scratch folder is UTF-8");
    let configuration = shipped.replace("https://git.example.com/platform/fleet.git", here).replace("clusters/example", ".");
    let folder = scratch::new_folder("shipped");
    fs::write(folder.join("kubewitness.yaml"), configuration.replace("secrets: skip", secrets)).expect("a scratch file can be written");
    let arguments = arguments_of_the_cron_job(&folder.join("kubewitness.yaml"));
    let output = Kubewitness::new(arguments.iter().map(String::as_str)).in_folder(&folder).kubeconfig(&reader.kubeconfig).run();
    assert!(!format!("{output:?}").contains("shipped-canary"));
    (output, reader)
}

#[test]
fn a_scan_with_the_shipped_account_is_complete_and_only_gets_and_lists() {
    let (output, reader) = scan(&in_sync(), "secrets: skip");
    assert_eq!(output.status, Some(0), "{output:?}");
    let record = output.record();
    assert_eq!(
        (&record["status"], &record["coverage"]["evaluated"], &record["coverage"]["excluded"]),
        (&json!("complete"), &json!(2), &json!(1))
    );

    let requests: Vec<Request> =
        control_plane().requests_of(&reader.name).into_iter().filter(|request| request.agent != "kubectl").collect();
    assert!(requests.iter().any(|request| request.uri.contains("/deployments")), "{requests:?}");
    let verbs: BTreeSet<&str> = requests.iter().map(|request| request.verb.as_str()).collect();
    assert_eq!(verbs, BTreeSet::from(["get", "list"]), "{requests:?}");
}

#[test]
fn secrets_that_the_shipped_account_may_not_read_are_not_evaluated() {
    let (output, _) = scan(&in_sync(), "secrets: compare");
    assert_eq!(output.status, Some(4), "{output:?}");
    let record = output.record();
    assert_eq!(
        (&record["status"], &record["coverage"]["evaluated"], &record["coverage"]["notEvaluated"]),
        (&json!("partial"), &json!(2), &json!(1))
    );
    let secret = record["objects"].as_array().into_iter().flatten().find(|object| object["kind"] == "Secret");
    assert_eq!(secret.map(|secret| &secret["state"]), Some(&json!("unknown")), "{record}");
}

#[test]
fn findings_of_the_cron_job_are_no_failure_and_its_log_is_json() {
    let fleet = in_sync();
    fleet.1.kubectl.succeed(["patch", "configmap", "settings", "--type=merge", "-p", r#"{"data":{"colour":"red"}}"#]);
    let (output, _) = scan(&fleet, "secrets: skip");
    assert_eq!(output.status, Some(0), "{output:?}");
    let record = output.record();
    let rules: Vec<&Value> = record["findings"].as_array().into_iter().flatten().map(|finding| &finding["rule"]).collect();
    assert!(rules.contains(&&json!("field-drifted")), "{record:#}");

    assert!(!output.stderr.is_empty(), "what was done is logged");
    for line in output.stderr.lines() {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"));
        assert!(told["level"].is_string() && told["timestamp"].is_string(), "{told}");
    }
}
