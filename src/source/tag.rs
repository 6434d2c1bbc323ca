//! Reads tag objects, whatever somebody put into them. Format: <https://git-scm.com/docs/git-mktag>.

use gix::ObjectId;
use gix::objs::Kind;

use super::commit::{actor, header, subject};
use super::error::{Error, Result};
use super::git::Objects;
use crate::model::commit::{Commit, CommitId};
use crate::model::declaration::SourceId;
use crate::model::evidence::TagObject;
use crate::model::tag::Tag;
use crate::model::text::RawText;

/// Reads the tag object that a reference stands for; `commit` is what it leads to.
pub(super) fn read(objects: &Objects, object: &TagObject, commit: &ObjectId, reference: &str, source: &SourceId) -> Result<Tag> {
    let damaged = || Error::Corrupt { id: object.id.to_string(), problem: "it is a tag of nothing".into() };
    let id = ObjectId::from_hex(object.id.as_str().as_bytes()).map_err(|_| damaged())?;
    let raw = objects.read(&id, Kind::Tag)?;
    let text = |name: &[u8]| RawText::from(header(&raw, name).unwrap_or_default());
    let marked = header(&raw, b"object").and_then(|hex| ObjectId::from_hex(hex).ok()).ok_or_else(damaged)?;
    let (kind, _) = objects.any(&marked)?;
    let tagger = actor(header(&raw, b"tagger").unwrap_or_default());
    Ok(Tag {
        reference: reference.to_owned(),
        name: text(b"tag"),
        said_kind: text(b"type"),
        kind: kind.to_string(),
        commit: CommitId::new(commit.to_string()),
        object: Commit {
            id: object.id.clone(),
            source: source.clone(),
            author: tagger.clone(),
            committer: tagger,
            subject: RawText::from(subject(&raw)),
            raw: raw.into(),
        },
    })
}
