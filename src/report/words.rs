//! The closed lists of words, from the model's own, as the JSON Schema gives them.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::model::attribution::Verdict;
use crate::model::comparison::{FieldVerdict, ObjectState};
use crate::model::coverage::Stage;

const STATES: [ObjectState; 10] = [
    ObjectState::Synced,
    ObjectState::Drifted,
    ObjectState::Missing,
    ObjectState::Undeclared,
    ObjectState::Orphaned,
    ObjectState::Pending,
    ObjectState::Terminating,
    ObjectState::ExpectedAbsent,
    ObjectState::OtherCluster,
    ObjectState::Unknown,
];

const FIELD_VERDICTS: [FieldVerdict; 12] = [
    FieldVerdict::Drifted,
    FieldVerdict::Removed,
    FieldVerdict::Undeclared,
    FieldVerdict::Rewritten,
    FieldVerdict::Stale,
    FieldVerdict::NeverConverges,
    FieldVerdict::Injected,
    FieldVerdict::UndeclaredController,
    FieldVerdict::Defaulted,
    FieldVerdict::Equal,
    FieldVerdict::Pending,
    FieldVerdict::Unknown,
];

const STAGES: [Stage; 6] = [Stage::Read, Stage::Fetch, Stage::Render, Stage::Compare, Stage::History, Stage::Verify];

fn one_of(words: Vec<&'static str>) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

/// States of objects.
pub(crate) fn state(_: &mut SchemaGenerator) -> Schema {
    one_of(STATES.iter().map(|word| word.as_str()).collect())
}

/// Verdicts of fields.
pub(crate) fn field_verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(FIELD_VERDICTS.iter().map(|word| word.as_str()).collect())
}

/// Verdicts of commits, best first.
pub(crate) fn verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(Verdict::ALL.iter().map(|word| word.as_str()).collect())
}

/// Stages that can give up.
pub(crate) fn stage(_: &mut SchemaGenerator) -> Schema {
    one_of(STAGES.iter().map(|word| word.as_str()).collect())
}
