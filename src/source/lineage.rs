//! What lies before what: the commits behind a tip with their parents, read once, and asked about the commits that a trust policy
//! names.
//!
//! What lies before a commit is fixed by its id: nobody can put another commit there, whatever is merged later and whatever
//! dates say. A commit that is not there, as beyond the end of a shallow clone, may have any ancestor.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::commit::known_links;
use super::error::{Error, Result};
use super::git::Objects;
use crate::model::commit::CommitId;
use crate::model::evidence::Mark;

/// All commits behind tips, those included.
pub(super) struct Lineage {
    numbers: HashMap<ObjectId, u32>,
    /// The parents of each; none of one that cannot be read.
    parents: Vec<Option<Box<[u32]>>>,
}

impl Lineage {
    /// Reads them all. Stopped, it has timed out.
    pub(super) fn of(objects: &Objects, tip: ObjectId, stop: &AtomicBool) -> Result<Self> {
        Self::of_all(objects, [tip], stop)
    }

    /// Reads all that is behind several tips. Stopped, it has timed out.
    pub(super) fn of_all(objects: &Objects, tips: impl IntoIterator<Item = ObjectId>, stop: &AtomicBool) -> Result<Self> {
        let mut lineage = Self { numbers: HashMap::new(), parents: Vec::new() };
        let mut ids = Vec::new();
        for tip in tips {
            lineage.number(tip, &mut ids);
        }
        while let Some(id) = ids.get(lineage.parents.len()).copied() {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::TimedOut(0));
            }
            let parents =
                known_links(objects, &id)?.map(|links| links.parents.into_iter().map(|parent| lineage.number(parent, &mut ids)).collect());
            lineage.parents.push(parents);
        }
        Ok(lineage)
    }

    fn number(&mut self, id: ObjectId, ids: &mut Vec<ObjectId>) -> u32 {
        *self.numbers.entry(id).or_insert_with(|| {
            ids.push(id);
            u32::try_from(ids.len() - 1).expect("fewer commits than a machine has memory for")
        })
    }

    /// Whether every commit could be read.
    pub(super) fn is_whole(&self) -> bool {
        self.parents.iter().all(Option::is_some)
    }

    /// Whether a commit is among them.
    pub(super) fn holds(&self, id: &CommitId) -> bool {
        self.find(id).is_some()
    }

    /// Which of these commits lie before a commit. `None` where that one is not behind the tip, or cannot be read.
    pub(super) fn mark(&self, id: &CommitId, asked: &[&CommitId]) -> Option<Mark> {
        let number = self.find(id)?;
        let parents = self.parents[number as usize].as_ref()?;
        let (ancestors, _) = self.behind(parents, asked);
        let (before, whole) = self.behind(parents.first().map_or(&[], std::slice::from_ref), asked);
        Some(Mark { ancestors, before, whole })
    }

    /// Those of these commits that are neither another one nor its ancestors. `None` where that one is not behind the tip, or not
    /// everything behind it can be read.
    pub(super) fn not_behind(&self, id: &ObjectId, asked: &[&CommitId]) -> Option<BTreeSet<CommitId>> {
        let (there, whole) = self.behind(&[*self.numbers.get(id)?], asked);
        whole.then(|| asked.iter().filter(|id| !there.contains(**id)).map(|id| (*id).clone()).collect())
    }

    fn find(&self, id: &CommitId) -> Option<u32> {
        self.numbers.get(&ObjectId::from_hex(id.as_str().as_bytes()).ok()?).copied()
    }

    /// Which of these commits are among the given ones and their ancestors, and whether all those could be read.
    fn behind(&self, starts: &[u32], asked: &[&CommitId]) -> (BTreeSet<CommitId>, bool) {
        let mut seen = vec![false; self.parents.len()];
        let mut waiting = Vec::new();
        let mut whole = true;
        let mut next = starts;
        loop {
            for number in next {
                if !std::mem::replace(&mut seen[*number as usize], true) {
                    waiting.push(*number);
                }
            }
            let Some(number) = waiting.pop() else { break };
            let parents = self.parents[number as usize].as_deref();
            whole &= parents.is_some();
            next = parents.unwrap_or_default();
        }
        let is_there = |id: &&&CommitId| self.find(id).is_some_and(|number| seen[number as usize]);
        (asked.iter().filter(is_there).map(|id| (*id).clone()).collect(), whole)
    }
}
