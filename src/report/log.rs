//! The output of `log`: the commits that changed one declared object, field by field.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::commit::Commit;
use super::object::{ObjectRef, Place};
use super::record::{self, NotEvaluated, SCHEMA_VERSION, Source};
use super::value::{Told, Truncated, Word, is_false, present};
use crate::model::attribution::CommitVerdict;
use crate::model::coverage;
use crate::model::declaration::{Declaration, DocumentRef, Tree, TreePath};
use crate::model::evidence::Signatures;
use crate::model::log::{self, LogEnd};
use crate::model::object::ObjectId;

/// The commits that changed one declared object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// Version of this contract.
    #[schemars(extend("pattern" = "^1\\.[0-9]+$"))]
    pub schema_version: Word,
    /// Always `Log`.
    #[schemars(extend("const" = "Log"))]
    pub kind: Word,
    /// The object.
    pub object: ObjectRef,
    /// The documents that declare it, or may have a part in it, as they stand at the tips.
    pub declared: Vec<Place>,
    /// The changes of those documents, by source; newest first: none comes after one that it descends from.
    pub changes: Vec<Change>,
    /// The commits of those changes, sorted by source and id.
    pub commits: Vec<Commit>,
    /// The sources of those documents, sorted by id.
    pub sources: Vec<Source>,
    /// Documents that could not be followed to their beginning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<End>,
    /// How many older commits with changes a limit left out.
    pub omitted: usize,
    /// What could not be told, sorted by subject.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// What one commit changed in one document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The source.
    pub source: String,
    /// The commit. Absent where it cannot be told which one made the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: Option<String>,
    /// The commits of which one made the change, newest first, where it cannot be told which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Why that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["unreadable-version", "unreadable-history"]))]
    pub reason: Option<Word>,
    /// Whether the commit is a merge. Its fields are those that are so in none of its parents.
    #[serde(default, skip_serializing_if = "is_false")]
    pub merge: bool,
    /// Whether the document was not there before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub created: bool,
    /// The file in which the document stands at the tip.
    pub document: String,
    /// The file in which it stood then.
    pub path: String,
    /// The file in which it stood before, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
    /// Whether a path is not UTF-8 and so all of them are written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// What it changed, sorted by field. Empty where the values are the same and only written otherwise, or are not known.
    pub fields: Vec<FieldChange>,
    /// How many fields more are not listed, because there are too many of them or their values are too large.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: usize,
}

/// One field that a commit changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Its identity, in the field grammar.
    pub field: String,
    /// What became of it.
    #[schemars(extend("enum" = ["added", "changed", "removed"]))]
    pub change: Word,
    /// The value before, `null` included. Absent where the field is new.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub before: Option<Value>,
    /// Whether the value before is a secret, or stands where secrets may stand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub before_redacted: bool,
    /// The value before, where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_truncated: Option<Truncated>,
    /// The value after, `null` included. Absent where the field is gone.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub after: Option<Value>,
    /// Whether the value after is a secret, or stands where secrets may stand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub after_redacted: bool,
    /// The value after, where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_truncated: Option<Truncated>,
}

/// Where a document could not be followed further.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// The source.
    pub source: String,
    /// The file in which the document stands at the tip.
    pub document: String,
    /// Whether `document` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// The last commit that was reached. What is older is not told.
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: String,
    /// Why.
    #[schemars(extend("enum" = ["before-history", "unreadable-history", "timed-out"]))]
    pub reason: Word,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a log is told from.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The declarations of the object.
    pub declarations: &'a [Declaration],
    /// The sources.
    pub sources: &'a [Tree],
    /// The changes.
    pub log: &'a log::Log,
    /// The signatures of the commits.
    pub signatures: &'a Signatures,
    /// The judgement on each commit, in their order.
    pub verdicts: &'a [CommitVerdict],
    /// What could not be told.
    pub not_evaluated: &'a [coverage::NotEvaluated],
}

impl Log {
    /// The log of one object.
    pub fn of(object: &ObjectId, evidence: Evidence<'_>) -> Self {
        let Evidence { declarations, sources, log, signatures, verdicts, not_evaluated } = evidence;
        let inputs: Vec<_> = declarations.iter().flat_map(|declaration| &declaration.inputs).collect();
        let named: BTreeSet<&str> = inputs.iter().map(|input| input.document.source.as_str()).collect();
        let commits = log.commits.iter().zip(verdicts).map(|(commit, verdict)| {
            let facts = signatures.get(&(commit.source.clone(), commit.id.clone()));
            Commit::of(commit, facts, Some(verdict))
        });
        let mut commits: Vec<Commit> = commits.collect();
        commits.sort_by(|left, right| (&left.source, &left.id).cmp(&(&right.source, &right.id)));
        commits.dedup_by(|left, right| left.source == right.source && left.id == right.id);
        let mut declared: Vec<Place> = Vec::new();
        for place in inputs.into_iter().map(Place::of_input) {
            if !declared.contains(&place) {
                declared.push(place);
            }
        }
        Self {
            schema_version: SCHEMA_VERSION.into(),
            kind: "Log".into(),
            object: object.into(),
            declared,
            changes: log.changes.iter().map(|change| Change::of(change, log)).collect(),
            commits,
            sources: sources.iter().filter(|tree| named.contains(tree.source.as_str())).map(|tree| Source::of(tree, &[], &[])).collect(),
            ends: log.ends.iter().map(|(document, end)| End::of(document, end)).collect(),
            omitted: log.omitted,
            not_evaluated: record::not_evaluated(not_evaluated),
        }
    }
}

impl Change {
    fn of(change: &log::DocumentChange, log: &log::Log) -> Self {
        let paths = [Some(&change.document.path), Some(&change.path), change.moved_from.as_ref()];
        let encoded = paths.into_iter().flatten().any(TreePath::is_encoded);
        let text = |path: &TreePath| super::value::text(path, encoded);
        let ids: Vec<String> =
            change.commits.iter().filter_map(|commit| log.commits.get(*commit as usize)).map(|commit| commit.id.to_string()).collect();
        let (commit, candidates) = match change.doubt {
            None => (ids.into_iter().next(), Vec::new()),
            Some(_) => (None, ids),
        };
        Self {
            source: change.document.source.clone(),
            commit,
            candidates,
            reason: change.doubt.map(|doubt| doubt.as_str().into()),
            merge: change.merge,
            created: change.created,
            document: text(&change.document.path),
            path: text(&change.path),
            moved_from: change.moved_from.as_ref().map(text),
            encoded,
            fields: change.fields.iter().map(FieldChange::of).collect(),
            untold: change.untold,
        }
    }
}

impl FieldChange {
    fn of(change: &log::FieldChange) -> Self {
        let (before, after) = (Told::of(change.before.as_ref()), Told::of(change.after.as_ref()));
        Self {
            field: change.field.to_string(),
            change: match (&change.before, &change.after) {
                (None, _) => "added".into(),
                (Some(_), None) => "removed".into(),
                (Some(_), Some(_)) => "changed".into(),
            },
            before: before.value,
            before_redacted: before.redacted,
            before_truncated: before.truncated,
            after: after.value,
            after_redacted: after.redacted,
            after_truncated: after.truncated,
        }
    }
}

impl End {
    fn of(document: &DocumentRef, end: &LogEnd) -> Self {
        let (reason, commit) = match end {
            LogEnd::BeforeHistory(commit) => ("before-history", commit),
            LogEnd::Unreadable(commit) => ("unreadable-history", commit),
            LogEnd::TimedOut(commit) => ("timed-out", commit),
        };
        Self {
            source: document.source.clone(),
            document: document.path.to_string(),
            encoded: document.path.is_encoded(),
            commit: commit.to_string(),
            reason: reason.into(),
        }
    }
}
