//! What became of a reference: whether the commit where it stood is an ancestor of the one where it stands.
//!
//! Only parents that commits themselves name count; a commit cannot be read as if it had others (see `git.rs`). A commit that is
//! not there, as beyond the end of a shallow clone, may have any ancestor: where the answer would depend on it, there is none.

use std::collections::{BinaryHeap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use super::commit::skeleton;
use super::error::{Error, Result};
use super::git::Objects;
use crate::model::evidence::Change;

/// What lies behind a commit.
#[derive(Default)]
struct Reached {
    /// The commit and its ancestors, as far as was looked.
    seen: HashSet<ObjectId>,
    /// Whether what was looked for is among them.
    found: bool,
    /// Whether every commit on the way could be read.
    whole: bool,
}

/// Says what became of a reference that stood at one commit and stands at another one. Stopped, it has timed out.
pub(super) fn change_between(objects: &Objects, from: ObjectId, to: ObjectId, stop: &AtomicBool) -> Result<Change> {
    let new = reached(objects, to, from, &HashSet::new(), stop)?;
    if new.found {
        return Ok(Change::Ahead);
    }
    let old = reached(objects, from, to, &new.seen, stop)?;
    // A commit cannot be ancestor and descendant of another one.
    if !new.whole && !old.found {
        return Ok(Change::Unknown);
    }
    let lost = (new.whole && old.whole).then_some(old.seen.len());
    Ok(Change::Rewritten { back: old.found, lost })
}

/// Walks from a commit back through its ancestors, youngest first, until one is found. The date is what committers claim: it
/// only saves work. Commits in `without` are neither counted nor followed.
fn reached(objects: &Objects, start: ObjectId, sought: ObjectId, without: &HashSet<ObjectId>, stop: &AtomicBool) -> Result<Reached> {
    let mut reached = Reached { whole: true, ..Reached::default() };
    let mut queue = BinaryHeap::new();
    let mut next = vec![start];
    loop {
        for id in next.drain(..) {
            reached.found |= id == sought;
            if without.contains(&id) || reached.seen.contains(&id) {
                continue;
            }
            let commit = objects.read(&id, Kind::Commit).map(|raw| skeleton(&raw));
            match commit {
                Ok(Some(commit)) => {
                    reached.seen.insert(id);
                    queue.push((commit.time, id, commit.parents));
                }
                Ok(None) | Err(Error::Missing(_) | Error::Corrupt { .. }) => reached.whole = false,
                Err(error) => return Err(error),
            }
        }
        if reached.found && without.is_empty() {
            return Ok(reached);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Error::TimedOut(0));
        }
        let Some((_, _, parents)) = queue.pop() else { return Ok(reached) };
        next = parents;
    }
}
