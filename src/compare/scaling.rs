//! Replicas that an autoscaler sets: neither drift nor an unknown writer's (rows 65, 67).
//!
//! A server-side applied workload without replicas shows no owner when its autoscaler scales it (live-facts 1.1), so the
//! autoscaler itself must be seen.

use std::collections::HashMap;

use serde_json::Value;

use super::builtin;
use crate::model::comparison::{Comparison, Difference, FieldValue, FieldVerdict};
use crate::model::declaration::Declaration;
use crate::model::object::ObjectId;

/// The kinds that scale others, by group and kind.
pub(super) const AUTOSCALERS: [(&str, &str); 2] = [("autoscaling", "HorizontalPodAutoscaler"), KEDA];
const KEDA: (&str, &str) = ("keda.sh", "ScaledObject");

/// Whether a kind scales others.
pub(super) fn is_autoscaler(group: &str, kind: &str) -> bool {
    AUTOSCALERS.contains(&(group, kind))
}

/// Where the scale subresources of kinds write: the built-in ones, and those of declared CustomResourceDefinitions.
#[derive(Clone, Debug, Default)]
pub(super) struct ScalePaths(HashMap<(String, String), String>);

impl ScalePaths {
    pub(super) fn of(declarations: &[Declaration]) -> Self {
        let definitions = declarations.iter().filter(|declaration| declaration.id.kind == "CustomResourceDefinition");
        Self(definitions.filter_map(|definition| scale_of_definition(definition.manifest.value())).collect())
    }

    /// The path, where it is known for certain.
    pub(super) fn known(&self, id: &ObjectId) -> Option<&str> {
        let declared = || self.0.get(&(id.group.clone(), id.kind.clone())).map(String::as_str);
        builtin::scale_path(&id.group, &id.kind).or_else(declared)
    }

    /// The path that an autoscaler would write if it had this object as its target: by custom `spec.replicas`, where Git
    /// declares that for a custom resource.
    pub(super) fn likely(&self, id: &ObjectId, manifest: &Value) -> Option<&str> {
        let is_custom = id.group.contains('.') && !id.group.ends_with(".k8s.io");
        let has_replicas = || manifest.pointer("/spec/replicas").is_some_and(Value::is_number);
        self.known(id).or_else(|| (is_custom && has_replicas()).then_some("spec.replicas"))
    }
}

fn scale_of_definition(manifest: &Value) -> Option<((String, String), String)> {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let versions = manifest.pointer("/spec/versions")?.as_array()?;
    let path = versions.iter().find_map(|version| version.pointer("/subresources/scale/specReplicasPath")?.as_str())?;
    Some(((text("/spec/group")?, text("/spec/names/kind")?), path.strip_prefix('.')?.to_owned()))
}

/// A target: namespace, kind, name.
type Target = (String, String, String);

/// The autoscalers that were seen.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    /// Range of replicas by target, with the listing that brought it; those known from their declarations only have none.
    ranges: HashMap<Target, Vec<(Option<usize>, i64, i64)>>,
}

impl Scaling {
    /// Remembers an autoscaler or a ScaledObject of KEDA.
    pub(super) fn note(&mut self, listing: Option<usize>, id: &ObjectId, manifest: &Value) {
        let (minimum, maximum) = match (id.group.as_str(), id.kind.as_str()) {
            ("autoscaling", "HorizontalPodAutoscaler") => (("minReplicas", 1), ("maxReplicas", 1)),
            KEDA => (("minReplicaCount", 0), ("maxReplicaCount", 100)),
            _ => return,
        };
        let Some((namespace, spec)) = id.namespace.clone().zip(manifest.get("spec")) else { return };
        let number = |(name, default): (&str, i64)| spec.get(name).and_then(Value::as_i64).unwrap_or(default);
        let text = |pointer: &str| spec.pointer(pointer).and_then(Value::as_str);
        let Some(name) = text("/scaleTargetRef/name") else { return };
        let kind = text("/scaleTargetRef/kind").unwrap_or("Deployment");
        let range = (listing, number(minimum), number(maximum));
        self.ranges.entry((namespace, kind.to_owned(), name.to_owned())).or_default().push(range);
    }

    /// Forgets what a listing brought.
    pub(super) fn forget(&mut self, listing: usize) {
        self.ranges.values_mut().for_each(|ranges| ranges.retain(|(from, ..)| *from != Some(listing)));
    }

    /// Corrects the verdict on replicas and says whether it did. `unread`: autoscalers of this namespace could not be read.
    pub(super) fn apply(&self, comparison: &mut Comparison, scale: &str, unread: bool) -> bool {
        let target = |id: &ObjectId| Some((id.namespace.clone()?, id.kind.clone(), id.name.clone()));
        let ranges = target(&comparison.id).and_then(|target| self.ranges.get(&target));
        let is_scale = |difference: &&mut Difference| difference.verdict.is_drift() && difference.field.to_string() == scale;
        let Some(difference) = comparison.differences.iter_mut().find(is_scale) else { return false };
        let replicas = match &difference.live {
            Some(FieldValue::Shown(value)) => value.as_i64(),
            _ => None,
        };
        let is_within =
            |(_, minimum, maximum): &(Option<usize>, i64, i64)| replicas.is_some_and(|replicas| (*minimum..=*maximum).contains(&replicas));
        let may_be_autoscaled = || difference.manager.as_ref().is_none_or(|manager| manager.name.starts_with("kube-controller-manager"));
        let is_declared = difference.declared.is_some();
        // What a person's tool wrote last and nobody declares, no autoscaler wrote.
        let is_by_hand = !is_declared && matches!(difference.decided_by, "person-tool" | "other-applier");
        if is_by_hand {
            return false;
        }
        if ranges.is_some_and(|ranges| ranges.iter().any(is_within)) {
            difference.decided_by = "autoscaled";
            difference.low_confidence = is_declared;
            difference.verdict = if is_declared { FieldVerdict::Equal } else { FieldVerdict::UndeclaredController };
        } else if unread && may_be_autoscaled() {
            difference.verdict = FieldVerdict::Unknown;
            difference.decided_by = "autoscaler-not-read";
        } else {
            return false;
        }
        true
    }
}
