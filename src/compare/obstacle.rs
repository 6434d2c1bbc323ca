//! What the server would refuse to change back: the reason why drift stays however often Git is applied (rows 54, 56).
//!
//! Follows the update validation of `k8s.io/kubernetes/pkg/apis/*/validation`; fields that are mutable under some condition are
//! left out unless the condition can be seen.

use serde_json::Value;

use super::quantity::nanos;
use crate::model::comparison::{Comparison, Difference, FieldValue, FieldVerdict};
use crate::model::object::Step;

const RBAC: &str = "rbac.authorization.k8s.io";

/// Fields that never change, with what is below them.
const IMMUTABLE: &[(&str, &str, &[&str])] = &[
    ("apps", "Deployment", &["spec.selector"]),
    ("apps", "DaemonSet", &["spec.selector"]),
    ("apps", "ReplicaSet", &["spec.selector"]),
    ("apps", "StatefulSet", &["spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"]),
    ("", "Secret", &["type"]),
    ("", "PersistentVolumeClaim", &["spec.accessModes", "spec.selector", "spec.volumeMode", "spec.dataSource", "spec.dataSourceRef"]),
    (RBAC, "RoleBinding", &["roleRef"]),
    (RBAC, "ClusterRoleBinding", &["roleRef"]),
    ("storage.k8s.io", "StorageClass", &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"]),
    ("scheduling.k8s.io", "PriorityClass", &["value", "preemptionPolicy"]),
    ("networking.k8s.io", "IngressClass", &["spec.controller"]),
];

/// Notes at each declared field that differs why it cannot be changed back, where that is known.
pub(super) fn note(comparison: &mut Comparison, live: &Value) {
    let id = comparison.id.clone();
    let is_declared = |difference: &&mut Difference| matches!(difference.verdict, FieldVerdict::Drifted | FieldVerdict::Removed);
    for difference in comparison.differences.iter_mut().filter(is_declared) {
        let words = words(difference);
        let is_below = |path: &str| words.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let of_kind = IMMUTABLE.iter().filter(|(group, kind, _)| id.group == *group && id.kind == *kind);
        let is_sealed = || {
            id.group.is_empty()
                && matches!(id.kind.as_str(), "Secret" | "ConfigMap")
                && live.get("immutable") == Some(&Value::Bool(true))
                && (is_below("data") || is_below("binaryData"))
        };
        if of_kind.flat_map(|(_, _, paths)| *paths).any(|path| is_below(path)) || is_sealed() {
            difference.obstacle = Some("immutable");
        } else if id.group.is_empty() && id.kind == "PersistentVolumeClaim" {
            difference.obstacle = match words.as_str() {
                "spec.resources.requests.storage" => shrinks(difference).then_some("cannot-shrink"),
                // A class may be set once.
                "spec.storageClassName" => difference.live.is_some().then_some("immutable"),
                _ => None,
            };
        }
    }
}

fn shrinks(difference: &Difference) -> bool {
    let size = |value: &Option<FieldValue>| match value {
        Some(FieldValue::Shown(value)) => nanos(value),
        _ => None,
    };
    size(&difference.declared).zip(size(&difference.live)).is_some_and(|(declared, live)| declared < live)
}

/// The names on the way, without list items.
fn words(difference: &Difference) -> String {
    let names = difference.field.0.iter().filter_map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        _ => None,
    });
    names.collect::<Vec<_>>().join(".")
}
