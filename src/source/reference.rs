//! From the name of a branch, tag or commit to the commit it means.

use gix::ObjectId;
use gix::objs::Kind;
use gix::refs::file::Store;
use gix::refs::{FullName, Target};

use super::error::{Error, Result};
use super::git::{Layout, Objects};
use crate::model::commit::CommitId;
use crate::model::evidence::TagObject;

/// Symbolic references that lead on to others are followed this far, tags of tags too.
const LONGEST_CHAIN: usize = 8;

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The full name, as in `refs/heads/main`, or the id of the commit where it has none.
    pub(super) requested: String,
    /// The commit.
    pub(super) commit: ObjectId,
    /// The tag object that the name stands for.
    pub(super) tag: Option<TagObject>,
}

/// Names that are looked for, nearest first. A branch and a tag of the same name are not chosen between: who may push a tag
/// must not decide which branch is audited.
pub(super) fn candidates(reference: &str) -> Vec<String> {
    if reference.starts_with("refs/") {
        return vec![reference.to_owned()];
    }
    vec![format!("refs/heads/{reference}"), format!("refs/tags/{reference}")]
}

/// Whether a text is a full object id, which no branch or tag of that name can stand for.
pub(super) fn full_id(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.to_ascii_lowercase().as_bytes()).ok()
}

/// Whether a text may be the beginning of an object id.
pub(super) fn is_short_id(text: &str) -> bool {
    (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Resolves a name in a repository on this machine; without one, what `HEAD` means.
pub(super) fn resolve(layout: &Layout, objects: &Objects, reference: Option<&str>) -> Result<Resolved> {
    let store = layout.references();
    let Some(reference) = reference.filter(|reference| *reference != "HEAD") else {
        return head(&store, objects);
    };
    if let Some(id) = full_id(reference) {
        let commit = commit_of(objects, id, reference)?;
        return Ok(Resolved { requested: commit.to_string(), commit, tag: None });
    }
    let mut found = Vec::new();
    for name in candidates(reference) {
        if let Some(id) = target(&store, &name)? {
            found.push((name, id));
        }
    }
    if found.is_empty() {
        let remote = format!("refs/remotes/{reference}");
        found.extend(target(&store, &remote)?.map(|id| (remote, id)));
    }
    if found.is_empty() && is_short_id(reference) {
        let commit = short(objects, reference)?;
        return Ok(Resolved { requested: commit.to_string(), commit, tag: None });
    }
    let (requested, id) = only(reference, found)?;
    Ok(Resolved { requested, commit: commit_of(objects, id, reference)?, tag: tag_object(objects, id)? })
}

/// Where branches lie, those included that were fetched from remotes.
pub(super) const BRANCHES: [&str; 2] = ["refs/heads/", "refs/remotes/"];
/// Where tags lie.
pub(super) const TAGS: [&str; 1] = ["refs/tags/"];

/// Where the references in some spaces of a repository on this machine stand.
pub(super) fn tips(layout: &Layout, spaces: &[&str]) -> Result<Vec<ObjectId>> {
    let store = layout.references();
    let broken = |error: &dyn std::fmt::Display| {
        let problem = format!("its branches and tags cannot be listed: {error}");
        Error::NotARepository { path: store.git_dir().to_owned(), problem }
    };
    let all = store.iter().map_err(|error| broken(&error))?;
    let mut tips = Vec::new();
    for space in spaces {
        let space = <&gix::path::RelativePath>::try_from(*space).map_err(|error| broken(&error))?;
        for found in all.prefixed(space).map_err(|error| broken(&error))? {
            // A symbolic reference leads to another one of them.
            if let Target::Object(id) = found.map_err(|error| broken(&error))?.target {
                tips.push(id);
            }
        }
    }
    Ok(tips)
}

/// The one thing that a name means.
pub(super) fn only(reference: &str, mut found: Vec<(String, ObjectId)>) -> Result<(String, ObjectId)> {
    match found.len() {
        0 => Err(Error::ReferenceNotFound { reference: reference.to_owned(), hint: String::new() }),
        1 => Ok(found.remove(0)),
        _ => {
            let candidates = found.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
            Err(Error::ReferenceAmbiguous { reference: reference.to_owned(), candidates })
        }
    }
}

/// The commit whose id begins so.
pub(super) fn short(objects: &Objects, hex: &str) -> Result<ObjectId> {
    let mut commits = Vec::new();
    for id in objects.beginning(&hex.to_ascii_lowercase())? {
        if let (Kind::Commit, _) = objects.any(&id)? {
            commits.push((id.to_string(), id));
        }
    }
    only(hex, commits).map(|(_, id)| id)
}

/// What the checked-out or default branch is.
fn head(store: &Store, objects: &Objects) -> Result<Resolved> {
    let mut name = "HEAD".to_owned();
    for _ in 0..LONGEST_CHAIN {
        match find(store, &name)? {
            Some(Target::Symbolic(next)) => name = next.as_bstr().to_string(),
            Some(Target::Object(id)) => {
                let commit = commit_of(objects, id, &name)?;
                let requested = if name == "HEAD" { commit.to_string() } else { name };
                return Ok(Resolved { requested, commit, tag: None });
            }
            None => {
                let hint = "; the repository has no commit there yet".to_owned();
                return Err(Error::ReferenceNotFound { reference: name, hint });
            }
        }
    }
    Err(Error::ReferenceNotFound { reference: "HEAD".into(), hint: "; it leads in a circle".into() })
}

/// The object behind a full name.
fn target(store: &Store, name: &str) -> Result<Option<ObjectId>> {
    let mut name = name.to_owned();
    for _ in 0..LONGEST_CHAIN {
        match find(store, &name)? {
            Some(Target::Symbolic(next)) => name = next.as_bstr().to_string(),
            Some(Target::Object(id)) => return Ok(Some(id)),
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn find(store: &Store, name: &str) -> Result<Option<Target>> {
    let Ok(full) = FullName::try_from(name) else { return Ok(None) };
    match store.try_find(full.as_ref().as_partial_name()) {
        // A name is looked for in several places; only the one that was asked for counts.
        Ok(found) => Ok(found.filter(|found| found.name == full).map(|found| found.target)),
        Err(error) => Err(Error::NotARepository { path: store.git_dir().to_owned(), problem: format!("{name}: {error}") }),
    }
}

/// The tag object with this id; `None` where the id is a commit's, as of branches and lightweight tags.
pub(super) fn tag_object(objects: &Objects, id: ObjectId) -> Result<Option<TagObject>> {
    let (kind, bytes) = objects.any(&id)?;
    // A signature of a tag ends its message; Git knows it by its armor (gitformat-signature).
    let is_armor = |line: &[u8]| line.starts_with(b"-----BEGIN ") && line.ends_with(b"-----");
    let signed = bytes.split(|byte| *byte == b'\n').any(|line| is_armor(line) || line.starts_with(b"gpgsig"));
    Ok((kind == Kind::Tag).then(|| TagObject { id: CommitId::new(id.to_string()), signed }))
}

/// Follows tags to the commit.
pub(super) fn commit_of(objects: &Objects, id: ObjectId, reference: &str) -> Result<ObjectId> {
    let mut id = id;
    for _ in 0..LONGEST_CHAIN {
        let (kind, bytes) = match objects.any(&id) {
            Err(Error::Missing(_)) if full_id(reference) == Some(id) => {
                return Err(Error::ReferenceNotFound { reference: reference.to_owned(), hint: String::new() });
            }
            other => other?,
        };
        match kind {
            Kind::Commit => return Ok(id),
            Kind::Tag => {
                let line = bytes.split(|byte| *byte == b'\n').next().and_then(|line| line.strip_prefix(b"object "));
                let damaged = || Error::Corrupt { id: id.to_string(), problem: "it is a tag of nothing".into() };
                id = line.and_then(|hex| ObjectId::from_hex(hex).ok()).ok_or_else(damaged)?;
            }
            other => return Err(Error::NotACommit { reference: reference.to_owned(), kind: other.to_string() }),
        }
    }
    Err(Error::NotACommit { reference: reference.to_owned(), kind: "chain of tags".into() })
}
