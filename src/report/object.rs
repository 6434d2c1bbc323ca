//! Objects in the record: the wire types. `objects.rs` makes them of a scan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{Timestamp, Truncated, Word, is_false, present};
use super::words;

/// Which object is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ObjectRef {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for cluster-scoped kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// One object of the population.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// API group; empty for the core group.
    pub group: String,
    /// The version it was compared at.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; absent for cluster-scoped kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Its state.
    #[schemars(schema_with = "words::state")]
    pub state: Word,
    /// Why, where the state needs a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reconciler that applies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciler: Option<String>,
    /// The document that declares it; without a path where several documents may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Place>,
    /// The documents that a rendered object may come from, where there is not exactly one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Place>,
    /// The same object declared elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_declared: Vec<Place>,
    /// Who declared it. Absent where its source is not versioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// Who seems to have created an undeclared object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Manager>,
    /// When an undeclared object was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// How many fields the server filled with its defaults.
    pub defaults: usize,
    /// The fields that differ in text, sorted by field.
    pub differences: Vec<Difference>,
    /// The fields that rules of the configuration took out of the judgement, with the verdict that they would have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Difference>,
    /// What its fields were read by, where that was not the cluster's own schema: the table of built-in kinds, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["table", "none"]))]
    pub schema: Option<Word>,
    /// The version it is declared at, where the cluster serves the kind and not this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_version: Option<String>,
    /// Every declared leaf; only where it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<DeclaredField>,
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The source.
    pub source: String,
    /// The file, from the root of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether `path` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// First line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
}

/// Where a declared field was written, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The source.
    pub source: String,
    /// The file; absent where rendering made the value and no single file declares it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether `path` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// First line of the value, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Last line of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// How it came into the declaration: as the file has it (`base`), or through rendering.
    #[schemars(extend("enum" = ["base", "rendered"]))]
    pub step: Word,
    /// The newest commit that changed the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub authored_by: Option<String>,
    /// How well that is proven. Absent where the source is not versioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::verdict")]
    pub verdict: Option<Word>,
    /// What the trust policy has against it, as stable phrases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// Who declared an object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attribution {
    /// The newest commit that changed its document in meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub authored_by: Option<String>,
    /// The newest commit that changed its document on the tracked branch, since scans remember tips: a merge where it brought
    /// back what somebody else had written before. Absent where the document has meant the same ever since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub changed_by: Option<String>,
    /// The commit that gave its document the text that it has without changing what it means: white space, comments, order. It is
    /// no author. Absent where the author wrote it so, and where that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub touched_by: Option<String>,
    /// The commit that moved its document into its file without changing what it means. It is no author. Absent where the
    /// document stands where its author put it, and where that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub moved_by: Option<String>,
    /// The commit that made its file reachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub activated_by: Option<String>,
    /// How well that is proven.
    #[schemars(schema_with = "words::verdict")]
    pub verdict: Word,
    /// Why, as stable phrases.
    pub reasons: Vec<String>,
    /// The documents behind a rendered object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputAttribution>,
    /// How many of its fields have which verdict.
    pub field_counts: BTreeMap<Word, usize>,
}

/// A document behind a rendered object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InputAttribution {
    /// The source.
    pub source: String,
    /// The file.
    pub path: String,
    /// Whether `path` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// Its newest commit in meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: Option<String>,
    /// That commit's verdict.
    #[schemars(schema_with = "words::verdict")]
    pub verdict: Word,
}

/// One field that differs in text.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Its identity, in the field grammar.
    pub field: String,
    /// Its place, as a JSON pointer (RFC 6901).
    pub path: String,
    /// The object that `path` points into.
    #[serde(rename = "in")]
    #[schemars(extend("enum" = ["live", "declared"]))]
    pub side: Word,
    /// The verdict.
    #[schemars(schema_with = "words::field_verdict")]
    pub verdict: Word,
    /// Only there where it is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["low"]))]
    pub confidence: Option<Word>,
    /// The table or rule that decided.
    pub decided_by: Word,
    /// The declared value, `null` included. Absent where the field is not declared.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub declared: Option<Value>,
    /// Whether the declared value is a secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub declared_redacted: bool,
    /// The declared value, where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_truncated: Option<Truncated>,
    /// The live value, `null` included. Absent where there is none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    pub live: Option<Value>,
    /// Whether the live value is a secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub live_redacted: bool,
    /// The live value, where it is too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_truncated: Option<Truncated>,
    /// Who wrote it last, as managedFields claim. Absent where no writer is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// Where the declared value was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Why the server would refuse to make the live value what is declared, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["immutable", "cannot-shrink"]))]
    pub obstacle: Option<Word>,
    /// The rule that took it out of the judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored_by: Option<String>,
}

/// An entry of managedFields: a tool's name, never a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manager {
    /// Name of the field manager.
    pub name: String,
    /// Operation.
    #[schemars(extend("enum" = ["Apply", "Update"]))]
    pub operation: Word,
    /// Subresource, as in `scale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// Time of its last changing write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

/// One declared leaf.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredField {
    /// Its identity, in the field grammar.
    pub field: String,
    /// Where it was written.
    pub origin: Origin,
}
