//! The output of `blame`: who declared every field of one object.

use std::collections::{BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::commit::Commit;
use super::object::{Difference, Manager, Object, Origin};
use super::objects::{LeafNames, View};
use super::record::{Record, SCHEMA_VERSION, Source};
use super::value::{Told, Truncated, Word, is_false, present};
use super::words;
use crate::model::object::{FieldPath, ObjectId, Pointer};
use crate::model::scan::Scan;

/// Who declared every field of one object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blame {
    /// Version of this contract.
    #[schemars(extend("pattern" = "^1\\.[0-9]+$"))]
    pub schema_version: Word,
    /// Always `Blame`.
    #[schemars(extend("const" = "Blame"))]
    pub kind: Word,
    /// The object, as the record tells it.
    pub object: Object,
    /// One row for every declared leaf, sorted by field.
    pub fields: Vec<Field>,
    /// The commits of those rows and of the object, sorted by source and id.
    pub commits: Vec<Commit>,
    /// The sources of those rows, sorted by id.
    #[serde(default)]
    pub sources: Vec<Source>,
}

/// One declared leaf.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its identity, in the field grammar.
    pub field: String,
    /// Its place in the declared object, as a JSON pointer.
    pub path: String,
    /// The declared value, `null` included.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub declared: Option<Value>,
    /// Whether the declared value is a secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub declared_redacted: bool,
    /// The declared value, where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_truncated: Option<Truncated>,
    /// The live value. Absent where it is gone or was not judged, or where a value around it differs as a whole.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub live: Option<Value>,
    /// Whether the live value is a secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub live_redacted: bool,
    /// The live value, where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_truncated: Option<Truncated>,
    /// The verdict.
    #[schemars(schema_with = "words::field_verdict")]
    pub verdict: Word,
    /// Where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The commit that is credited with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: Option<String>,
    /// Who wrote it last, where it differs and a writer is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
}

impl Blame {
    /// The rows of one object; `None` where the scan compared no such object. An undeclared object has no rows.
    pub fn of(scan: &Scan, id: &ObjectId, leaf_names: &LeafNames<'_>) -> Option<Self> {
        let view = View::of(scan, None);
        let comparison = scan.comparisons.iter().find(|comparison| comparison.id == *id)?;
        let object = view.object(comparison);
        let fields = comparison.declaration.map_or_else(Vec::new, |index| rows(view, index, &object, leaf_names));
        let Record { commits, sources, .. } = Record::of(scan, None);
        let credited: BTreeSet<&str> = fields.iter().filter_map(|field| field.commit.as_deref()).chain(object_commits(&object)).collect();
        let named: BTreeSet<&str> = object.declared.iter().map(|place| place.source.as_str()).collect();
        Some(Self {
            schema_version: SCHEMA_VERSION.into(),
            kind: "Blame".into(),
            commits: commits
                .into_iter()
                .filter(|commit| credited.contains(commit.id.as_str()) && named.contains(commit.source.as_str()))
                .collect(),
            sources: sources.into_iter().filter(|source| named.contains(source.id.as_str())).collect(),
            object,
            fields,
        })
    }
}

fn object_commits(object: &Object) -> impl Iterator<Item = &str> {
    let named = object.attribution.iter().flat_map(|found| [&found.authored_by, &found.changed_by, &found.touched_by, &found.moved_by]);
    named.filter_map(Option::as_deref)
}

fn rows(view: View<'_>, declaration: usize, object: &Object, leaf_names: &LeafNames<'_>) -> Vec<Field> {
    let Some(declared) = view.declarations.get(declaration) else { return Vec::new() };
    let differing: HashMap<&str, &Difference> =
        object.differences.iter().map(|difference| (difference.field.as_str(), difference)).collect();
    let mut rows: Vec<Field> = leaf_names(declared)
        .into_iter()
        .enumerate()
        .map(|(leaf, (field, pointer))| {
            let value = declared.manifest.value().pointer(pointer.as_str()).map(Told::of_value).unwrap_or_default();
            row(&field, &pointer, value, view.origin(declaration, leaf), nearest(&field, &differing), &object.state)
        })
        .collect();
    rows.sort_by(|left, right| left.field.cmp(&right.field));
    rows
}

/// The difference of a leaf, or of a value around it that differs as a whole.
fn nearest<'d>(field: &FieldPath, differing: &HashMap<&str, &'d Difference>) -> Option<&'d Difference> {
    (1..=field.0.len()).rev().find_map(|steps| differing.get(FieldPath(field.0[..steps].to_vec()).to_string().as_str()).copied())
}

fn row(
    field: &FieldPath,
    pointer: &Pointer,
    declared: Told,
    origin: Option<Origin>,
    difference: Option<&Difference>,
    state: &str,
) -> Field {
    let field = field.to_string();
    let verdict = difference.map_or_else(|| verdict_without_difference(state), |difference| difference.verdict.clone());
    let live = match difference {
        // A live value around the leaf is not the leaf's own.
        Some(difference) if difference.field == field => {
            Told { value: difference.live.clone(), redacted: difference.live_redacted, truncated: difference.live_truncated.clone() }
        }
        None if verdict == "equal" => declared.clone(),
        _ => Told::default(),
    };
    Field {
        path: pointer.to_string(),
        declared: declared.value,
        declared_redacted: declared.redacted,
        declared_truncated: declared.truncated,
        live: live.value,
        live_redacted: live.redacted,
        live_truncated: live.truncated,
        verdict,
        commit: origin.as_ref().and_then(|origin| origin.authored_by.clone()),
        origin,
        manager: difference.and_then(|difference| difference.manager.clone()),
        field,
    }
}

/// A declared leaf of an object that was compared and has no difference is equal; of an object that was not, nothing is known.
fn verdict_without_difference(state: &str) -> Word {
    match state {
        "synced" | "drifted" | "terminating" => "equal".into(),
        "missing" => "removed".into(),
        "pending" => "pending".into(),
        _ => "unknown".into(),
    }
}
