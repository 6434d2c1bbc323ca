//! Tag objects and their signatures to who says that a commit has this name.

use super::Judging;
use super::weighed::weigh_tag;
use crate::model::attribution::Verdict;
use crate::model::evidence::Signatures;
use crate::model::tag::{JudgedTag, Tag};

/// Judges tags, in their order. A signature is the tagger's over the name in the object: under another name it proves nothing
/// (catalogue T55).
pub fn tags(tags: Vec<Tag>, signatures: &Signatures, judging: &Judging<'_>) -> Vec<JudgedTag> {
    tags.into_iter().map(|tag| judged(tag, signatures, judging)).collect()
}

fn judged(tag: Tag, signatures: &Signatures, judging: &Judging<'_>) -> JudgedTag {
    let mut verdict = weigh_tag(&tag.object, signatures, judging);
    let wrong = wrong(&tag);
    if !wrong.is_empty() {
        verdict.verdict = Verdict::Invalid;
        verdict.reasons.splice(..0, wrong.into_iter().map(str::to_owned));
    }
    if tag.object.author.email.is_empty() {
        verdict.reasons.push("no-tagger".to_owned());
    }
    let facts = signatures.get(&(tag.object.source.clone(), tag.object.id.clone())).cloned();
    JudgedTag { tag, facts, verdict }
}

/// What the object says of itself and is not so.
fn wrong(tag: &Tag) -> Vec<&'static str> {
    // `refs/tags/fleet/v2` is called `fleet/v2`.
    let called = tag.reference.splitn(3, '/').nth(2).unwrap_or_default();
    let name = (tag.name.as_bytes() != called.as_bytes()).then_some("tag-name-mismatch");
    let kind = (tag.said_kind.as_bytes() != tag.kind.as_bytes()).then_some("tag-type-mismatch");
    name.into_iter().chain(kind).collect()
}
