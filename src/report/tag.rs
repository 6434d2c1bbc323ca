//! The tag objects by which sources are asked for, in the record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit::{Actor, Signature};
use super::value::{Word, is_false};
use super::words;
use crate::model::tag::JudgedTag;

/// The tag object by which a source was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// The name that it gives itself, which is that of the reference unless `reasons` say otherwise.
    pub name: String,
    /// Whether `name` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// Its object id.
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub id: String,
    /// Who is said to have made it. Absent in a tag that names nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tagger: Option<Actor>,
    /// What is known of its signature; `binding` is `author` where it is the tagger's. Absent where it was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// The judgement, in the words for commits: `verified-author` is the tagger. It says nothing of the commit that is tagged.
    #[schemars(schema_with = "words::verdict")]
    pub verdict: Word,
    /// Why, as stable phrases: `tag-name-mismatch` where the object has another name than the reference.
    pub reasons: Vec<String>,
}

impl Tag {
    pub(super) fn of(judged: &JudgedTag) -> Self {
        let JudgedTag { tag, facts, verdict } = judged;
        let tagger = &tag.object.author;
        let has_tagger = !(tagger.name.is_empty() && tagger.email.is_empty());
        Self {
            name: tag.name.to_string(),
            encoded: tag.name.is_encoded(),
            id: tag.object.id.to_string(),
            tagger: has_tagger.then(|| Actor::of(tagger)),
            signature: facts.as_ref().map(|facts| Signature::with(facts, Some(verdict))),
            verdict: verdict.verdict.as_str().into(),
            reasons: verdict.reasons.clone(),
        }
    }
}
