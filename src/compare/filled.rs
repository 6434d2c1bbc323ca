//! What the server fills in under conditions: the defaults that no table can hold, what is allocated, what mirrors another
//! field, and what controllers of the cluster write.
//!
//! Each row cites the catalogue (drift.md §2) or live-facts. Unconditional defaults are in the generated table.

use serde_json::{Map, Value, json};

const CORE: &str = "io.k8s.api.core.v1.";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
/// The rule of what the server or a controller chooses, whatever it chose: only where no tool owns it.
pub(super) const ALLOCATED: &str = "allocated";
/// Three hours, in seconds.
const SESSION_TIMEOUT: u32 = 10_800;

/// An undeclared live field and what is around it.
pub(super) struct Filled<'a> {
    /// Component whose field it is; empty where there is none.
    pub(super) component: &'a str,
    /// Name of the field or key.
    pub(super) name: &'a str,
    /// The live structure or map it is in.
    pub(super) around: &'a Map<String, Value>,
    /// The declared one; empty where there is none.
    pub(super) declared_around: &'a Map<String, Value>,
    /// The live value.
    pub(super) value: &'a Value,
    /// The live object.
    pub(super) root: &'a Value,
    /// Its path, fields only, as in `metadata.labels`; for keys of maps that of the map.
    pub(super) path: &'a str,
}

/// The rule by which the server itself filled this in, where one applies.
pub(super) fn by_server(field: &Filled<'_>) -> Option<&'static str> {
    let default = is_conditional_default(field).is_some_and(|holds| holds).then_some("default");
    default.or_else(|| allocated(field)).or_else(|| mirrored(field)).or_else(|| marked(field)).or_else(|| completed(field))
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn kind<'a>(field: &Filled<'a>) -> &'a str {
    field.root.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn root_text<'a>(field: &Filled<'a>, pointer: &str) -> &'a str {
    field.root.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn core(component: &str) -> Option<&str> {
    component.strip_prefix(CORE)
}

/// Whether a default that depends on other fields holds here; `None` where there is no such default, so that the generated
/// table decides. Where there is one, the table's (what a probe happened to get) does not count.
pub(super) fn is_conditional_default(field: &Filled<'_>) -> Option<bool> {
    let short = field.component.rsplit('.').next().unwrap_or_default();
    let holds = match (short, field.name) {
        // Row 44.
        ("Container" | "EphemeralContainer", "imagePullPolicy") => field.value == pull_policy(text(field.around, "image")),
        ("ImageVolumeSource", "pullPolicy") => field.value == pull_policy(text(field.around, "reference")),
        // Row 82.
        ("NetworkPolicySpec", "policyTypes") => *field.value == policy_types(field.around),
        // Row 70.
        ("Subject", "apiGroup") => field.value == subject_group(text(field.around, "kind")),
        ("RoleRef", "apiGroup") => field.value == RBAC_GROUP,
        // Of a CronJob's template nothing is filled in before there is a Job.
        ("JobSpec", _) if kind(field) == "CronJob" => false,
        // A policy of failures changes what replaces a pod.
        ("JobSpec", "podReplacementPolicy") => {
            field.value == if field.around.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" }
        }
        ("JobSpec", "backoffLimit") => *field.value == json!(if field.around.contains_key("backoffLimitPerIndex") { i32::MAX } else { 6 }),
        // Filled in as soon as sessions stick to clients, however little of it is declared.
        ("ServiceSpec", "sessionAffinityConfig") => *field.value == json!({"clientIP": {"timeoutSeconds": SESSION_TIMEOUT}}),
        ("SessionAffinityConfig", "clientIP") => *field.value == json!({"timeoutSeconds": SESSION_TIMEOUT}),
        ("ClientIPConfig", "timeoutSeconds") => *field.value == SESSION_TIMEOUT,
        // Live-facts 1.9, 4.7.
        ("HorizontalPodAutoscalerSpec", "metrics") => *field.value == default_metrics(),
        ("HorizontalPodAutoscalerBehavior", "scaleUp" | "scaleDown") => *field.value == scaling(field.name),
        ("HPAScalingRules", "policies") => {
            *field.value == scaling("scaleUp")["policies"] || *field.value == scaling("scaleDown")["policies"]
        }
        // Row 75.
        ("CustomResourceDefinitionNames", "singular") => field.value.as_str() == Some(&text(field.around, "kind").to_lowercase()),
        ("CustomResourceDefinitionNames", "listKind") => field.value.as_str() == Some(&format!("{}List", text(field.around, "kind"))),
        // Row 55: items of volumeClaimTemplates are whole objects to the server.
        ("PersistentVolumeClaim", "apiVersion") => field.value == "v1",
        ("PersistentVolumeClaim", "kind") => field.value == "PersistentVolumeClaim",
        ("PersistentVolumeClaim", "status") => *field.value == json!({"phase": "Pending"}),
        // Without rolling updates nothing is filled in, but the stored type has no way to leave it out.
        ("RollingUpdateDaemonSet", "maxUnavailable") => {
            *field.value == json!(i32::from(root_text(field, "/spec/updateStrategy/type") != "OnDelete"))
        }
        // Row 84.
        ("LimitRangeItem", "default" | "defaultRequest") => {
            field.value.as_object().is_some_and(|filled| filled.iter().all(|(name, value)| is_limit(field.around, field.name, name, value)))
        }
        _ => return None,
    };
    Some(holds)
}

fn holds_all(from: &Value, filled: &Value) -> bool {
    let (Some(from), Some(filled)) = (from.as_object(), filled.as_object()) else { return false };
    filled.iter().all(|(key, value)| from.get(key) == Some(value))
}

/// Row 84: a limit that is not given is the maximum, a request that is not given is the limit, else the minimum; each resource
/// by itself. `item` is the live item, `field` is `default` or `defaultRequest`.
fn is_limit(item: &Map<String, Value>, field: &str, resource: &str, value: &Value) -> bool {
    let of = |other: &str| item.get(other).and_then(|other| other.get(resource));
    let expected = if field == "default" { of("max") } else { of("default").or_else(|| of("min")) };
    expected == Some(value)
}

fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let is_digest = last.contains('@');
    let latest = !last.contains(':') || last.ends_with(":latest");
    if latest && !is_digest { "Always" } else { "IfNotPresent" }
}

fn policy_types(spec: &Map<String, Value>) -> Value {
    let has_egress = spec.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
    if has_egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) }
}

fn subject_group(kind: &str) -> &'static str {
    if kind == "ServiceAccount" { "" } else { RBAC_GROUP }
}

fn default_metrics() -> Value {
    json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}])
}

fn scaling(direction: &str) -> Value {
    match direction {
        "scaleUp" => json!({
            "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}],
        }),
        _ => json!({"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}),
    }
}

/// Rows 49, 50, 52; live-facts 4.5.
fn allocated(field: &Filled<'_>) -> Option<&'static str> {
    if field.component.ends_with(".DeviceTaint") && field.name == "timeAdded" {
        return Some(ALLOCATED);
    }
    let holds = match (core(field.component)?, field.name) {
        ("ServiceSpec", "clusterIP" | "clusterIPs" | "ipFamilies" | "ipFamilyPolicy" | "healthCheckNodePort") => true,
        ("ServicePort", "nodePort") => true,
        ("PersistentVolumeClaimSpec", "volumeName" | "storageClassName") => kind(field) == "PersistentVolumeClaim",
        ("PersistentVolumeSpec", "claimRef") => kind(field) == "PersistentVolume",
        ("PodSpec", "nodeName" | "priority" | "preemptionPolicy") => kind(field) == "Pod",
        ("PodSpec", "tolerations") => {
            kind(field) == "Pod" && field.value.as_array().is_some_and(|items| items.iter().all(is_default_toleration))
        }
        _ => false,
    };
    holds.then_some(ALLOCATED)
}

/// Live-facts 4.5: what admission appends to the tolerations of every Pod, with the seconds that no flag changed.
pub(super) fn is_default_toleration(item: &Value) -> bool {
    is_admitted_toleration(item) && item["tolerationSeconds"] == json!(300)
}

fn is_admitted_toleration(item: &Value) -> bool {
    let seconds = &item["tolerationSeconds"];
    seconds.is_number()
        && ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
            .iter()
            .any(|key| *item == json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}))
}

/// The old name of `serviceAccountName`: the server keeps the two equal, whichever was written.
pub(super) const ALIAS: &str = "serviceAccount";

/// Rows 46, 48, 51, 53; live-facts 4.7.
fn mirrored(field: &Filled<'_>) -> Option<&'static str> {
    let same_as = |other: &str| field.around.get(other) == Some(field.value);
    // Of two that mirror each other, the one that is declared is the one that was written.
    let same_as_declared = |other: &str| same_as(other) && field.declared_around.get(other) == Some(field.value);
    if core(field.component)? == "PodSpec" && field.name == ALIAS {
        return same_as("serviceAccountName").then_some(ALIAS);
    }
    let holds = match (core(field.component)?, field.name) {
        ("PodSpec", "serviceAccountName") => same_as_declared("serviceAccount"),
        ("ServicePort", "targetPort") => same_as("port"),
        ("PersistentVolumeClaimSpec", "dataSourceRef") => same_as("dataSource"),
        ("PersistentVolumeClaimSpec", "dataSource") => field.declared_around.contains_key("dataSourceRef") && same_as("dataSourceRef"),
        ("ResourceRequirements", "requests") => {
            kind(field) == "Pod" && field.around.get("limits").is_some_and(|limits| holds_all(limits, field.value))
        }
        ("ReplicationControllerSpec", "selector") => field.root.pointer("/spec/template/metadata/labels") == Some(field.value),
        _ => false,
    };
    holds.then_some("mirrored")
}

/// Rows 48, 84: resources that the server adds to those that are declared, in bare Pods and LimitRanges.
fn completed(field: &Filled<'_>) -> Option<&'static str> {
    let items = |pointer: &str| field.root.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let is_around = |map: Option<&Value>| map.and_then(Value::as_object) == Some(field.around);
    let requests = |container: &Value| {
        let resources = &container["resources"];
        is_around(resources.get("requests")) && resources["limits"].get(field.name) == Some(field.value)
    };
    let limits = |name: &str| {
        items("/spec/limits")
            .filter_map(Value::as_object)
            .any(|item| is_around(item.get(name)) && is_limit(item, name, field.name, field.value))
    };
    let holds = match (kind(field), field.path) {
        ("Pod", "spec.containers.resources.requests") => items("/spec/containers").any(requests),
        ("Pod", "spec.initContainers.resources.requests") => items("/spec/initContainers").any(requests),
        ("Pod", "spec.resources.requests") => field.root.get("spec").is_some_and(requests),
        ("LimitRange", "spec.limits.default") => limits("default"),
        ("LimitRange", "spec.limits.defaultRequest") => limits("defaultRequest"),
        _ => false,
    };
    holds.then_some("default")
}

/// Labels, annotations and finalizers that the server sets itself: rows 52, 63, 80; live-facts 4.5.
fn marked(field: &Filled<'_>) -> Option<&'static str> {
    let holds = match (kind(field), field.path, field.name) {
        ("Namespace", "metadata.labels", "kubernetes.io/metadata.name") => field.value == root_text(field, "/metadata/name"),
        ("Namespace", "spec", "finalizers") => *field.value == json!(["kubernetes"]),
        (
            "Job",
            "metadata.labels" | "spec.template.metadata.labels",
            "controller-uid" | "batch.kubernetes.io/controller-uid" | "job-name" | "batch.kubernetes.io/job-name",
        ) => true,
        ("Job", "spec", "selector") => !field.around.get("manualSelector").is_some_and(|manual| *manual == json!(true)),
        ("DaemonSet", "metadata.annotations", "deprecated.daemonset.template.generation") => true,
        // Only where it was applied without any label, so not where its applier marks it with one.
        ("ReplicationController" | "Job", "metadata.labels", name) => {
            let of_template = field.root.pointer("/spec/template/metadata/labels").and_then(|labels| labels.get(name));
            let is_marked = || field.around.iter().any(|(name, value)| is_applier_mark("argocd", field.path, name, value));
            field.declared_around.is_empty() && of_template == Some(field.value) && !is_marked()
        }
        ("PersistentVolumeClaim", "metadata.finalizers", _) => field.value == "kubernetes.io/pvc-protection",
        ("PersistentVolume", "metadata.finalizers", _) => field.value == "kubernetes.io/pv-protection",
        ("VolumeAttributesClass", "metadata.finalizers", _) => field.value == "kubernetes.io/vac-protection",
        ("CustomResourceDefinition", "metadata.finalizers", _) => field.value == "customresourcecleanup.apiextensions.k8s.io",
        _ => false,
    };
    holds.then_some("server-set")
}

/// Taints of the conditions of nodes, which admission and controllers set. Others of the same prefix, as `out-of-service`, are set
/// by people.
const CONDITION_TAINTS: [&str; 9] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "node.cloudprovider.kubernetes.io/shutdown",
];

/// Whether admission is known to add this item to a list that is written as a whole (live-facts 4.5): then the list belongs
/// to its applier still.
pub(super) fn is_admitted(component: &str, list: &str, root: &Value, item: &Value) -> bool {
    let word = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = root.get("kind").and_then(Value::as_str).unwrap_or_default();
    match (kind, component.rsplit('.').next().unwrap_or_default(), list) {
        ("Pod", "PodSpec", "tolerations") => is_admitted_toleration(item),
        ("Node", "NodeSpec", "taints") => CONDITION_TAINTS.contains(&word("key")),
        // What `matchLabelKeys` names becomes an expression with the pod's own label.
        ("Pod", "LabelSelector", "matchExpressions") => {
            let label = root.pointer("/metadata/labels").and_then(|labels| labels.get(word("key")));
            matches!(word("operator"), "In" | "NotIn")
                && label.is_some_and(|label| item["values"] == json!([label]))
                && names_label(root.get("spec").unwrap_or(&Value::Null), word("key"))
        }
        _ => false,
    }
}

/// Whether some `matchLabelKeys` or `mismatchLabelKeys` below names the label.
fn names_label(value: &Value, label: &str) -> bool {
    let names = |keys: &Value| keys.as_array().is_some_and(|keys| keys.iter().any(|key| key == label));
    match value {
        Value::Object(fields) => fields.iter().any(|(name, field)| {
            matches!(name.as_str(), "matchLabelKeys" | "mismatchLabelKeys") && names(field) || names_label(field, label)
        }),
        Value::Array(items) => items.iter().any(|item| names_label(item, label)),
        _ => false,
    }
}

/// The rule by which a controller of the cluster is known to write this, whatever it calls itself.
pub(super) fn by_controller(field: &Filled<'_>) -> Option<&'static str> {
    let short = field.component.rsplit('.').next().unwrap_or_default();
    match (kind(field), field.path, field.name) {
        // Row 69.
        ("ClusterRole", "", "rules") if field.root.get("aggregationRule").is_some() => Some("aggregated-rules"),
        // Row 88.
        ("Deployment", "metadata.annotations", "deployment.kubernetes.io/revision") => Some("deployment-revision"),
        // Row 52.
        ("PersistentVolumeClaim" | "PersistentVolume", "metadata.annotations", name) if is_volume_annotation(name) => {
            Some("volume-binding")
        }
        // Row 71.
        (_, _, "caBundle") if matches!(short, "WebhookClientConfig" | "APIServiceSpec") => Some("ca-injection"),
        // Row 81.
        ("ServiceAccount", "", "secrets" | "imagePullSecrets") if is_token_list(field.value) => Some("service-account-tokens"),
        // Row 80.
        ("Namespace", "metadata.annotations", name) if name.starts_with("openshift.io/sa.scc.") => Some("namespace-ranges"),
        _ => None,
    }
}

fn is_volume_annotation(name: &str) -> bool {
    ["pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"].iter().any(|prefix| name.starts_with(prefix))
}

fn is_token_list(value: &Value) -> bool {
    let is_token = |item: &Value| {
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        name.contains("-token-") || name.contains("-dockercfg-")
    };
    value.as_array().is_some_and(|items| items.iter().all(is_token))
}

/// Labels and annotations with which appliers mark what they applied: rows 87, live-facts 2.
pub(super) fn is_applier_mark(applier: &str, path: &str, name: &str, value: &Value) -> bool {
    match path {
        "metadata.labels" => {
            name.starts_with("kustomize.toolkit.fluxcd.io/")
                || name.starts_with("helm.toolkit.fluxcd.io/")
                || name == "app.kubernetes.io/managed-by" && value == "Helm"
                // Argo CD's label tracking takes a label that others declare themselves.
                || name == "app.kubernetes.io/instance" && applier.starts_with("argocd")
                || name == "argocd.argoproj.io/instance"
        }
        "metadata.annotations" => {
            name.starts_with("meta.helm.sh/release-")
                || name == "argocd.argoproj.io/tracking-id"
                || name == "argocd.argoproj.io/installation-id"
                || name.starts_with("configmanagement.gke.io/")
                || name.starts_with("configsync.gke.io/")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn the_pull_policy_follows_the_tag() {
        assert_eq!(pull_policy("x:1.2"), "IfNotPresent");
        assert_eq!(pull_policy("registry:5000/x"), "Always");
        assert_eq!(pull_policy("x:latest"), "Always");
        assert_eq!(pull_policy("x@sha256:00"), "IfNotPresent");
    }
}
