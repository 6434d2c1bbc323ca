//! The output of `compare DECLARED LIVE`: objects and nothing of clusters or Git.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::objects::{Objects, View};
use super::record::{Coverage, NotEvaluated, SCHEMA_VERSION, not_evaluated};
use super::value::Word;
use crate::model;
use crate::model::declaration::Declaration;

/// What comparing two folders says.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison<'a> {
    /// Version of this contract.
    #[schemars(extend("pattern" = "^1\\.[0-9]+$"))]
    pub schema_version: Word,
    /// Always `Comparison`.
    #[schemars(extend("const" = "Comparison"))]
    pub kind: Word,
    /// The objects, sorted by group, kind, namespace, name.
    pub objects: Objects<'a>,
    /// Population = evaluated + excluded + not evaluated.
    pub coverage: Coverage,
    /// What could not be judged, sorted by subject.
    pub not_evaluated: Vec<NotEvaluated>,
}

impl<'a> Comparison<'a> {
    /// The output for what comparing said, as a view of it.
    pub fn of(
        declarations: &'a [Declaration],
        comparisons: &'a [model::comparison::Comparison],
        coverage: &model::coverage::Coverage,
        gaps: &[model::coverage::NotEvaluated],
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION.into(),
            kind: "Comparison".into(),
            objects: Objects::of(View { declarations, comparisons, commits: &[], attributions: &[], leaf_names: None }),
            coverage: Coverage::of(coverage),
            not_evaluated: not_evaluated(gaps),
        }
    }
}
