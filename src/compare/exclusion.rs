//! Undeclared objects that nobody could declare: what controllers own and what servers make themselves.

use std::collections::HashSet;

use serde_json::Value;

use crate::model::object::LiveObject;

/// The rule that leaves an undeclared object out, where one does.
pub(super) fn rule(object: &LiveObject) -> Option<&'static str> {
    let id = &object.id;
    let manifest = object.manifest.value();
    let secret_type = manifest.get("type").and_then(Value::as_str).unwrap_or_default();
    if object.owners.iter().any(|owner| owner.controller) {
        return Some("controller-owned");
    }
    match (id.group.as_str(), id.kind.as_str(), id.name.as_str()) {
        ("", "ConfigMap", "kube-root-ca.crt" | "openshift-service-ca.crt") => Some("root-certificates"),
        ("", "ServiceAccount", "default") => Some("default-service-account"),
        ("", "Secret", _) if secret_type == "kubernetes.io/service-account-token" => Some("service-account-tokens"),
        ("", "Secret", _) if secret_type == "helm.sh/release.v1" => Some("helm-releases"),
        _ => None,
    }
}

/// The claims that StatefulSets make: `<template>-<set>-<ordinal>`.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Listing, namespace, and name up to the ordinal.
    prefixes: HashSet<(usize, String, String)>,
}

impl Claims {
    /// Remembers the claim templates of a StatefulSet.
    pub(super) fn note(&mut self, listing: usize, object: &LiveObject) {
        let Some(namespace) = object.id.namespace.as_ref().filter(|_| object.id.group == "apps" && object.id.kind == "StatefulSet") else {
            return;
        };
        let templates = object.manifest.value().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
        for template in templates.into_iter().flatten() {
            if let Some(name) = template.pointer("/metadata/name").and_then(Value::as_str) {
                self.prefixes.insert((listing, namespace.clone(), format!("{name}-{}", object.id.name)));
            }
        }
    }

    /// Forgets what a listing brought.
    pub(super) fn forget(&mut self, listing: usize) {
        self.prefixes.retain(|(from, ..)| *from != listing);
    }

    /// Namespaces and prefixes, whatever brought them.
    pub(super) fn known(&self) -> HashSet<(&str, &str)> {
        self.prefixes.iter().map(|(_, namespace, prefix)| (namespace.as_str(), prefix.as_str())).collect()
    }
}

/// The part of a claim's name before its ordinal.
pub(super) fn claim_prefix(name: &str) -> Option<&str> {
    let (prefix, ordinal) = name.rsplit_once('-')?;
    (!ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit())).then_some(prefix)
}
