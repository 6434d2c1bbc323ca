//! One declared object against the live one: the walk, and the state that follows from its differences.

use std::cmp::Ordering;

use super::builtin;
use super::judge::{Judge, Memory};
use super::managers::ManagerRule;
use super::obstacle;
use super::place::{At, Path};
use super::walk::Walk;
use crate::model::comparison::{Comparison, Difference, FieldVerdict, ObjectState, SchemaSource};
use crate::model::declaration::Declaration;
use crate::model::object::LiveObject;
use crate::model::schema::Schemas;

/// What is compared with what.
pub(super) struct Pair<'a> {
    pub(super) schemas: &'a Schemas,
    pub(super) declaration: &'a Declaration,
    pub(super) live: &'a LiveObject,
    /// The field manager that the configuration names as the applier.
    pub(super) applier: Option<&'a str>,
    /// Where the scale subresource of the kind writes, where that is known.
    pub(super) scale: Option<&'a str>,
    /// The rows of the configuration in front of the table of managers.
    pub(super) managers: &'a [ManagerRule],
}

/// Compares a pair. `Comparison::declaration` is left to the caller.
pub(super) fn comparison(pair: &Pair<'_>) -> Comparison {
    let Pair { declaration, live, .. } = *pair;
    let (mut walk, schema) = walk(pair);
    if let (Some(declared), Some(fields)) = (declaration.manifest.value().as_object(), live.manifest.value().as_object()) {
        let at = At::root(walk.schemas, walk.judge.ty);
        walk.fields(at, declared, fields);
    }
    let ownership_gap = walk.judge.ownership_gap(live.created);
    let applied_by = walk.judge.applied_by();
    let mut differences = walk.differences;
    let defaults = walk.defaults;
    if live.version != declaration.version {
        differences.iter_mut().for_each(doubt_version);
    }
    differences.sort_by(by_field);
    let mut comparison = Comparison {
        id: live.id.clone(),
        version: live.version.clone(),
        state: ObjectState::Synced,
        reason: None,
        declaration: None,
        also_declared: Vec::new(),
        defaults,
        differences,
        ignored: Vec::new(),
        schema,
        removed_version: None,
        ownership_gap,
        applied_by,
        created_by: None,
        created: live.created,
    };
    obstacle::note(&mut comparison, live.manifest.value());
    settle(&mut comparison, live.deleted.is_some(), declaration.encrypted);
    comparison
}

fn walk<'a>(pair: &Pair<'a>) -> (Walk<'a>, SchemaSource) {
    let Pair { declaration, live, applier, .. } = *pair;
    let id = &live.id;
    let of = |schemas: &'a Schemas| schemas.kind(&id.group, &live.version, &id.kind);
    let (schemas, ty, source) = match (of(pair.schemas), of(builtin::schemas())) {
        (Some(ty), _) => (pair.schemas, Some(ty), SchemaSource::Cluster),
        (None, Some(ty)) => (builtin::schemas(), Some(ty), SchemaSource::Table),
        (None, None) => (pair.schemas, None, SchemaSource::Nothing),
    };
    let api_version = if id.group.is_empty() { live.version.clone() } else { format!("{}/{}", id.group, live.version) };
    let walk = Walk {
        schemas,
        root: live.manifest.value(),
        encrypted: declaration.encrypted,
        path: Path::default(),
        differences: Vec::new(),
        defaults: 0,
        judge: Judge {
            schemas,
            ty,
            managed_fields: live.managed_fields.as_deref(),
            api_version,
            configured: applier,
            declared: declaration.manifest.value(),
            live: live.manifest.value(),
            scale: pair.scale,
            managers: pair.managers,
            memory: Memory::default(),
        },
    };
    (walk, source)
}

/// Row 85: two versions of a kind may have different fields, so what differs between them proves nothing.
fn doubt_version(difference: &mut Difference) {
    if difference.verdict.is_drift() {
        difference.verdict = FieldVerdict::Unknown;
        difference.decided_by = "version-not-served";
    }
}

fn by_field(one: &Difference, other: &Difference) -> Ordering {
    one.field.to_string().cmp(&other.field.to_string())
}

/// Derives the state from the differences. Idempotent.
pub(super) fn settle(comparison: &mut Comparison, terminating: bool, encrypted: bool) {
    let has = |wanted: fn(FieldVerdict) -> bool| comparison.differences.iter().any(|difference| wanted(difference.verdict));
    let is_unknown = |verdict| verdict == FieldVerdict::Unknown;
    (comparison.state, comparison.reason) = if terminating {
        (ObjectState::Terminating, None)
    } else if has(FieldVerdict::is_drift) {
        (ObjectState::Drifted, None)
    } else if has(is_unknown) {
        let first = comparison.differences.iter().find(|difference| is_unknown(difference.verdict));
        (ObjectState::Unknown, first.map(|difference| reason_of(difference.decided_by).to_owned()))
    } else if encrypted {
        // Row 60: nothing differs as far as can be seen, which is not far.
        (ObjectState::Unknown, Some(reason_of("encrypted").to_owned()))
    } else {
        (ObjectState::Synced, None)
    };
}

fn reason_of(rule: &str) -> &'static str {
    match rule {
        "encrypted" => "encrypted in Git",
        "version-not-served" => "declared version not served",
        "autoscaler-not-read" => "autoscalers could not be read",
        _ => "no field managers on record",
    }
}
