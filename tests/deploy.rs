//! What we ship can read and nothing else, is run restricted, and does not storm. Read from the files, without a server; the
//! integration story of the same name applies them to a real one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kubewitness::yaml::{self, Dialect};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn documents(file: &str) -> Vec<Value> {
    let text = fs::read(folder().join(file)).expect("a shipped file can be read");
    yaml::documents(&text, Dialect::Kustomize).into_iter().map(|document| document.expect("a shipped file is YAML").to_value()).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|item| item.as_str().expect("an item is a text")).collect()
}

fn kustomization() -> Value {
    documents("kustomization.yaml").remove(0)
}

/// Every shipped object.
fn objects() -> Vec<Value> {
    let kustomization = kustomization();
    texts(&kustomization["resources"]).into_iter().flat_map(documents).collect()
}

fn of_kind(kind: &str) -> Vec<Value> {
    objects().into_iter().filter(|object| object["kind"] == kind).collect()
}

fn cron_job() -> Value {
    let mut found = of_kind("CronJob");
    assert_eq!(found.len(), 1);
    found.remove(0)["spec"].take()
}

/// What a rule of a role allows beyond getting and listing named resources other than Secrets.
fn excess(rule: &Value) -> Vec<String> {
    let field = |name: &'static str| texts(&rule[name]).into_iter().map(move |item| (name, item.to_owned()));
    let is_excess = |name: &str, item: &str| match name {
        "verbs" => !matches!(item, "get" | "list"),
        "resources" => item == "*" || item.contains("secrets") || item.contains('/'),
        "apiGroups" => item == "*",
        _ => true,
    };
    let fields = ["verbs", "resources", "apiGroups", "nonResourceURLs"];
    fields.into_iter().flat_map(field).filter(|(name, item)| is_excess(name, item)).map(|(name, item)| format!("{name}: {item}")).collect()
}

#[test]
fn every_file_of_the_folder_is_shipped() {
    let kustomization = kustomization();
    let shipped: BTreeSet<&str> = texts(&kustomization["resources"]).into_iter().collect();
    let configuration = texts(&kustomization["configMapGenerator"][0]["files"]);
    let entries = fs::read_dir(folder()).expect("the folder can be read").map(|entry| entry.expect("an entry can be read").file_name());
    let names: Vec<String> = entries.map(|name| name.into_string().expect("a file's name is UTF-8")).collect();
    let manifests = names.iter().map(String::as_str).filter(|name| name.ends_with(".yaml") && *name != "kustomization.yaml");
    let expected: BTreeSet<&str> = manifests.filter(|name| !configuration.contains(name)).collect();
    assert_eq!(shipped, expected);
}

#[test]
fn roles_get_and_list_and_name_no_secrets() {
    let rules: Vec<Value> = of_kind("ClusterRole").iter().flat_map(|role| role["rules"].as_array().cloned().unwrap_or_default()).collect();
    assert!(rules.len() > 10, "the rules were found");
    assert_eq!(rules.iter().flat_map(excess).collect::<Vec<_>>(), [""; 0]);
    assert!(rules.iter().all(|rule| !texts(&rule["verbs"]).is_empty()));
    assert!(of_kind("Role").is_empty());
}

#[test]
fn a_role_that_could_do_more_is_told() {
    let rule = |group: &str, resource: &str, verb: &str| json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] });
    assert_eq!(excess(&rule("apps", "deployments", "list")), [""; 0]);
    assert_eq!(excess(&rule("apps", "deployments", "watch")), ["verbs: watch"]);
    assert_eq!(excess(&rule("apps", "deployments", "*")), ["verbs: *"]);
    assert_eq!(excess(&rule("", "secrets", "get")), ["resources: secrets"]);
    assert_eq!(excess(&rule("", "nodes/proxy", "get")), ["resources: nodes/proxy"]);
    assert_eq!(excess(&rule("*", "*", "get")), ["resources: *", "apiGroups: *"]);
    assert_eq!(excess(&json!({ "nonResourceURLs": ["/metrics"], "verbs": ["get"] })), ["nonResourceURLs: /metrics"]);
}

#[test]
fn the_role_of_custom_resources_is_the_sum_of_labelled_roles() {
    let roles = of_kind("ClusterRole");
    let aggregated: Vec<&Value> = roles.iter().filter(|role| !role["aggregationRule"].is_null()).collect();
    assert_eq!(aggregated.len(), 1);
    let selectors = json!([{ "matchLabels": { "kubewitness.dev/aggregate-to-reader": "true" } }]);
    assert_eq!(aggregated[0]["aggregationRule"]["clusterRoleSelectors"], selectors);
    // The controller owns the rules; declaring them makes the next apply a conflict.
    assert!(aggregated[0].get("rules").is_none());
}

#[test]
fn roles_are_bound_to_the_one_service_account() {
    let subject = json!([{ "kind": "ServiceAccount", "name": "kubewitness", "namespace": "kubewitness" }]);
    let bindings = of_kind("ClusterRoleBinding");
    assert!(bindings.iter().all(|binding| binding["subjects"] == subject));
    let bound: BTreeSet<&str> = bindings.iter().filter_map(|binding| binding["roleRef"]["name"].as_str()).collect();
    let roles = of_kind("ClusterRole");
    assert_eq!(bound, roles.iter().filter_map(|role| role["metadata"]["name"].as_str()).collect());
    assert!(of_kind("RoleBinding").is_empty());
}

#[test]
fn the_pod_is_restricted() {
    let pod = &cron_job()["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert!(pod["hostNetwork"].is_null() && pod["hostPID"].is_null() && pod["hostIPC"].is_null());
    for container in pod["containers"].as_array().expect("the pod has containers") {
        let context = &container["securityContext"];
        let expected = json!({ "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] } });
        assert_eq!(*context, expected);
        assert!(!container["resources"]["limits"]["memory"].is_null());
    }
    for volume in pod["volumes"].as_array().expect("the pod has volumes") {
        assert!(!volume["configMap"].is_null() || !volume["emptyDir"].is_null(), "{volume}");
    }
}

#[test]
fn temporary_files_have_a_place_that_can_be_written() {
    let pod = cron_job()["jobTemplate"]["spec"]["template"]["spec"].take();
    let container = &pod["containers"][0];
    let find = |list: &Value, key: &str, value: &str| list.as_array().into_iter().flatten().find(|item| item[key] == value).cloned();
    for variable in ["TMPDIR", "HOME"] {
        let path = find(&container["env"], "name", variable).expect("the variable is set")["value"].take();
        let mount = find(&container["volumeMounts"], "mountPath", path.as_str().expect("a value is a text")).expect("it is mounted");
        let volume = find(&pod["volumes"], "name", mount["name"].as_str().expect("a mount has a name")).expect("the volume is there");
        assert!(volume["emptyDir"].is_object() && mount["readOnly"] != true);
    }
}

#[test]
fn jobs_do_not_storm() {
    let cron_job = cron_job();
    assert_eq!(cron_job["concurrencyPolicy"], "Forbid");
    assert!(cron_job["timeZone"].is_string());
    let is_positive = |field: &Value| field.as_i64().is_some_and(|number| number > 0);
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        assert!(is_positive(&cron_job[field]), "{field}");
    }
    let job = &cron_job["jobTemplate"]["spec"];
    assert!(is_positive(&job["activeDeadlineSeconds"]));
    assert!(job["backoffLimit"].as_i64().is_some_and(|limit| (0..=1).contains(&limit)));
    assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
}

#[test]
fn findings_do_not_fail_the_job() {
    let args = cron_job()["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"].take();
    assert!(texts(&args).contains(&"--cron"), "{args}");
}

#[test]
fn nothing_may_come_in() {
    let policy = of_kind("NetworkPolicy").remove(0);
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert!(policy["spec"].get("ingress").is_none());
    let labels = kustomization()["labels"][0]["pairs"].take();
    assert_eq!(policy["spec"]["podSelector"]["matchLabels"], labels);
}

#[test]
fn the_namespace_enforces_the_restricted_standard() {
    let namespace = of_kind("Namespace").remove(0);
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn the_shipped_configuration_leaves_secrets_alone() {
    let configuration = documents("kubewitness.yaml").remove(0);
    assert_eq!(configuration["secrets"], "skip");
    assert!(configuration.get("failOn").is_none(), "--cron implies it");
}
