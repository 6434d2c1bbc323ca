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

/// A commit behind a tip and not behind an anchor.
pub(super) struct Since {
    pub(super) id: ObjectId,
    /// Those of its parents that are such commits, or the anchor, by their place in the list.
    pub(super) parents: Vec<u32>,
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

    /// A commit that could not be read.
    pub(super) fn missing(&self) -> Option<ObjectId> {
        self.numbers.iter().filter(|(_, number)| self.parents[**number as usize].is_none()).map(|(id, _)| *id).min()
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

    /// A commit and all that is neither behind it nor the same, parents before children; it stands first.
    ///
    /// # Errors
    /// Where it is not behind the tip, or a commit that cannot be read may lie between.
    pub(super) fn since(&self, anchor: &CommitId, tip: ObjectId) -> Result<Vec<Since>> {
        let is_read = |number: &u32| self.parents[*number as usize].is_some();
        let Some(anchor) = self.find(anchor).filter(is_read) else {
            let not_behind = || Error::NotBehind { commit: anchor.to_string(), tip: tip.to_string() };
            return Err(self.missing().map_or_else(not_behind, |missing| Error::CutOff(missing.to_string())));
        };
        let mut ids = vec![tip; self.parents.len()];
        self.numbers.iter().for_each(|(id, number)| ids[*number as usize] = *id);
        let mut places: Vec<Option<u32>> = vec![None; self.parents.len()];
        let mut done = self.seen_behind(&[anchor]);
        let mut since = vec![Since { id: ids[anchor as usize], parents: Vec::new() }];
        places[anchor as usize] = Some(0);
        // A commit is done after all its parents.
        let mut stack: Vec<(u32, usize)> = vec![(self.numbers[&tip], 0)];
        while let Some((number, next)) = stack.pop() {
            if next == 0 && std::mem::replace(&mut done[number as usize], true) {
                continue;
            }
            let id = ids[number as usize];
            let parents = self.parents[number as usize].as_deref().ok_or_else(|| Error::CutOff(id.to_string()))?;
            if let Some(parent) = parents.get(next) {
                stack.push((number, next + 1));
                stack.push((*parent, 0));
                continue;
            }
            places[number as usize] = Some(u32::try_from(since.len()).expect("there are no more of them than commits"));
            let parents = parents.iter().filter_map(|parent| places[*parent as usize]).collect();
            since.push(Since { id, parents });
        }
        Ok(since)
    }

    /// The ancestors of a commit.
    pub(super) fn before(&self, id: &CommitId) -> Vec<CommitId> {
        let Some(number) = self.find(id) else { return Vec::new() };
        let seen = self.seen_behind(self.parents[number as usize].as_deref().unwrap_or_default());
        self.numbers.iter().filter(|(_, number)| seen[**number as usize]).map(|(id, _)| CommitId::new(id.to_string())).collect()
    }

    fn find(&self, id: &CommitId) -> Option<u32> {
        self.numbers.get(&ObjectId::from_hex(id.as_str().as_bytes()).ok()?).copied()
    }

    /// Which of these commits are among the given ones and their ancestors, and whether all those could be read.
    fn behind(&self, starts: &[u32], asked: &[&CommitId]) -> (BTreeSet<CommitId>, bool) {
        let seen = self.seen_behind(starts);
        let is_there = |id: &&&CommitId| self.find(id).is_some_and(|number| seen[number as usize]);
        let whole = seen.iter().zip(&self.parents).all(|(seen, parents)| !seen || parents.is_some());
        (asked.iter().filter(is_there).map(|id| (*id).clone()).collect(), whole)
    }

    /// By number, whether a commit is one of these or an ancestor of one.
    fn seen_behind(&self, starts: &[u32]) -> Vec<bool> {
        let mut seen = vec![false; self.parents.len()];
        let mut waiting = Vec::new();
        let mut next = starts;
        loop {
            for number in next {
                if !std::mem::replace(&mut seen[*number as usize], true) {
                    waiting.push(*number);
                }
            }
            let Some(number) = waiting.pop() else { return seen };
            next = self.parents[number as usize].as_deref().unwrap_or_default();
        }
    }
}
