//! What became of a reference: whether the commit where it stood is an ancestor of the one where it stands.
//!
//! Only parents that commits themselves name count; a commit cannot be read as if it had others (see `git.rs`). A commit that is
//! not there, as beyond the end of a shallow clone, may have any ancestor: where the answer would depend on it, there is none.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::commit::{Skeleton, known_links};
use super::error::{Error, Result};
use super::git::Objects;
use super::reference::commit_of;
use crate::model::evidence::Change;

/// What lies behind a commit.
#[derive(Default)]
struct Reached {
    /// The commit and its ancestors, as far as was looked.
    seen: HashSet<ObjectId>,
    /// Which of those that were looked for are among them.
    found: HashSet<ObjectId>,
    /// Whether every commit on the way could be read.
    whole: bool,
}

/// Says what became of a reference that stood at one commit and stands at another one. Stopped, it has timed out.
pub(super) fn change_between(objects: &Objects, from: ObjectId, to: ObjectId, stop: &AtomicBool) -> Result<Change> {
    let new = reached(objects, &[to], &HashSet::from([from]), &HashSet::new(), stop)?;
    if !new.found.is_empty() {
        return Ok(Change::Ahead);
    }
    let old = reached(objects, &[from], &HashSet::from([to]), &new.seen, stop)?;
    let back = !old.found.is_empty();
    // A commit cannot be ancestor and descendant of another one.
    if !new.whole && !back {
        return Ok(Change::Unknown);
    }
    let lost = (new.whole && old.whole).then_some(old.seen.len());
    Ok(Change::Rewritten { back, lost })
}

/// Walks from commits back through their ancestors, youngest first, until all that are sought are found. The date is what
/// committers claim: it only saves work. Commits in `without` are neither counted nor followed.
fn reached(
    objects: &Objects,
    starts: &[ObjectId],
    sought: &HashSet<ObjectId>,
    without: &HashSet<ObjectId>,
    stop: &AtomicBool,
) -> Result<Reached> {
    let mut reached = Reached { whole: true, ..Reached::default() };
    let mut queue = BinaryHeap::new();
    let mut next = starts.to_vec();
    loop {
        for id in next.drain(..) {
            if sought.contains(&id) {
                reached.found.insert(id);
            }
            if without.contains(&id) || reached.seen.contains(&id) {
                continue;
            }
            match known_links(objects, &id)? {
                Some(commit) => {
                    reached.seen.insert(id);
                    queue.push((commit.time, id, commit.parents));
                }
                None => reached.whole = false,
            }
        }
        if reached.found.len() == sought.len() && without.is_empty() {
            return Ok(reached);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Error::TimedOut(0));
        }
        let Some((_, _, parents)) = queue.pop() else { return Ok(reached) };
        next = parents;
    }
}

/// A commit between two others, with those of its parents that lie between them too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) id: ObjectId,
    /// Its root folder.
    pub(super) tree: ObjectId,
    /// The parents and their root folders, in their order; the commit where the way starts may be among them.
    pub(super) parents: Vec<(ObjectId, ObjectId)>,
}

/// The way from one commit to another.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The commits that descend from the one and lead to the other, children before parents.
    Steps(Vec<Step>),
    /// The one is no ancestor of the other.
    None,
    /// A commit is missing that may lie between.
    Unknown,
}

/// Finds the way from one commit to another (`git log --ancestry-path`).
pub(super) fn path_between(objects: &Objects, from: ObjectId, to: ObjectId, stop: &AtomicBool) -> Result<Way> {
    let mut graph = Graph { objects, nodes: HashMap::new(), queue: BinaryHeap::new() };
    if !graph.visit(from, true)? || !graph.visit(to, false)? {
        return Ok(Way::Unknown);
    }
    // Ancestors of the old commit lie before it. Once all that is left are such, everything between is known, whatever the dates.
    while graph.queue.iter().any(|(_, id)| !graph.nodes[id].1) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::TimedOut(0));
        }
        let Some((_, id)) = graph.queue.pop() else { break };
        let (commit, is_before) = graph.nodes[&id].clone();
        for parent in commit.parents {
            if !graph.visit(parent, is_before)? && !is_before {
                return Ok(Way::Unknown);
            }
        }
    }
    Ok(graph.path(from, to).map_or(Way::None, Way::Steps))
}

/// Commits and whether each is an ancestor of the old one, or that one itself.
struct Graph<'a> {
    objects: &'a Objects,
    nodes: HashMap<ObjectId, (Skeleton, bool)>,
    queue: BinaryHeap<(i64, ObjectId)>,
}

impl Graph<'_> {
    /// Takes up a commit. `false` where it is not there.
    fn visit(&mut self, id: ObjectId, is_before: bool) -> Result<bool> {
        if let Some((commit, known)) = self.nodes.get_mut(&id) {
            if is_before && !*known {
                *known = true;
                self.queue.push((commit.time, id));
            }
            return Ok(true);
        }
        let Some(commit) = known_links(self.objects, &id)? else { return Ok(false) };
        self.queue.push((commit.time, id));
        self.nodes.insert(id, (commit, is_before));
        Ok(true)
    }

    fn path(&self, from: ObjectId, to: ObjectId) -> Option<Vec<Step>> {
        let between = |id: &ObjectId| self.nodes.get(id).filter(|(_, is_before)| !is_before).map(|(commit, _)| commit);
        let (mut seen, mut on_path) = (HashSet::from([to]), HashSet::from([from]));
        let mut stack = vec![(to, between(&to)?, 0)];
        let mut steps = Vec::new();
        // A commit is done after all its ancestors.
        while let Some((id, commit, next)) = stack.pop() {
            if let Some(parent) = commit.parents.get(next) {
                stack.push((id, commit, next + 1));
                if let Some(inner) = between(parent).filter(|_| seen.insert(*parent)) {
                    stack.push((*parent, inner, 0));
                }
                continue;
            }
            let parents: Vec<(ObjectId, ObjectId)> = commit
                .parents
                .iter()
                .filter(|parent| on_path.contains(*parent))
                .filter_map(|parent| self.nodes.get(parent).map(|(commit, _)| (*parent, commit.tree)))
                .collect();
            if !parents.is_empty() {
                on_path.insert(id);
                steps.push(Step { id, tree: commit.tree, parents });
            }
        }
        steps.reverse();
        on_path.contains(&to).then_some(steps)
    }
}

/// Which commits are another one or its ancestors, as far as that can be read, and whether all of it can.
pub(super) fn within(
    objects: &Objects,
    sought: &HashSet<ObjectId>,
    start: ObjectId,
    stop: &AtomicBool,
) -> Result<(HashSet<ObjectId>, bool)> {
    let reached = reached(objects, &[start], sought, &HashSet::new(), stop)?;
    Ok((reached.found, reached.whole))
}

/// Whether a branch or tag leads to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Reached,
    Unreached,
    /// Something is missing that may lead there.
    Untold,
}

/// Looks for a commit behind what branches and tags mark. A cache may still hold commits that a force-push removed, and a forge
/// serves commits of forks by their id: neither belongs to the branches of the repository (provenance.md T61).
pub(super) fn reach(objects: &Objects, tips: &[ObjectId], sought: ObjectId, stop: &AtomicBool) -> Result<Reach> {
    let (mut starts, mut whole) = (Vec::new(), true);
    for tip in tips {
        match commit_of(objects, *tip, "tip") {
            Ok(commit) => starts.push(commit),
            // A tag may mark something else than a commit.
            Err(Error::NotACommit { .. }) => {}
            Err(Error::Missing(_) | Error::Corrupt { .. }) => whole = false,
            Err(error) => return Err(error),
        }
    }
    let reached = reached(objects, &starts, &HashSet::from([sought]), &HashSet::new(), stop)?;
    Ok(match (!reached.found.is_empty(), whole && reached.whole) {
        (true, _) => Reach::Reached,
        (false, true) => Reach::Unreached,
        (false, false) => Reach::Untold,
    })
}

/// Finds of several commits the one that descends from all the others. Remembers what it read.
pub(super) struct Descent<'a> {
    objects: &'a Objects,
    read: HashMap<ObjectId, Option<(i64, Vec<ObjectId>)>>,
    stop: &'a AtomicBool,
}

impl<'a> Descent<'a> {
    pub(super) fn new(objects: &'a Objects, stop: &'a AtomicBool) -> Self {
        Self { objects, read: HashMap::new(), stop }
    }

    /// That commit. `None` where there is none, or too much is missing to tell.
    pub(super) fn newest(&mut self, commits: &[ObjectId]) -> Result<Option<ObjectId>> {
        let mut candidates = Vec::new();
        for commit in commits {
            candidates.push((self.read(*commit)?.map_or(0, |(time, _)| *time), *commit));
        }
        // The youngest by its claim is most likely it.
        candidates.sort_unstable();
        for (_, candidate) in candidates.into_iter().rev() {
            if self.leads_to_all(candidate, commits)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    fn leads_to_all(&mut self, start: ObjectId, commits: &[ObjectId]) -> Result<bool> {
        let mut sought: HashSet<ObjectId> = commits.iter().copied().collect();
        let mut seen = HashSet::from([start]);
        let mut queue = BinaryHeap::from([(i64::MAX, start)]);
        while let Some((_, id)) = queue.pop() {
            sought.remove(&id);
            if sought.is_empty() {
                return Ok(true);
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::TimedOut(0));
            }
            let parents = self.read(id)?.map(|(_, parents)| parents.clone()).unwrap_or_default();
            for parent in parents.into_iter().filter(|parent| seen.insert(*parent)) {
                let time = self.read(parent)?.map_or(0, |(time, _)| *time);
                queue.push((time, parent));
            }
        }
        Ok(false)
    }

    /// The claimed time and the parents of a commit; `None` where it is not there.
    fn read(&mut self, id: ObjectId) -> Result<Option<&(i64, Vec<ObjectId>)>> {
        if !self.read.contains_key(&id) {
            let commit = known_links(self.objects, &id)?.map(|commit| (commit.time, commit.parents));
            self.read.insert(id, commit);
        }
        Ok(self.read[&id].as_ref())
    }
}
