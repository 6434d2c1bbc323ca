//! Which commit brought what a document means onto the reference, between tips that were observed one after the other.
//!
//! That may be another one than its author. A merge that takes the old side of a conflict brings back what somebody wrote long
//! ago, and the author is still that somebody (provenance.md T52). So this looks at the way from one observed tip to the next
//! only: the newest commit on it of which a parent on it means something else.
//!
//! A version that cannot be read means nothing, and is looked through as the walk does: what a broken version stands before was
//! brought by the commit that put an end to it, where what was there before meant something else. So nobody can hide behind a
//! typo what brings an old value back, and who only mends one brings nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::answer::{Brought, Change};
use super::earlier::{Confirmed, Earlier, change, digest};
use super::moves::Moves;
use super::question::Question;
use super::trees::{Interest, changes};
use super::version::{Sought, Versions};
use crate::source::ancestry::{Step, Way, path_between, within};
use crate::source::error::{Error, Result};
use crate::source::listing::{Listings, Node};

/// Questions by the file in which each document stands at one commit.
type Files = BTreeMap<Box<[u8]>, Vec<usize>>;

/// What is known of each document so far.
struct Known {
    changes: Vec<Option<Change>>,
    /// The newest commit behind which the versions that are looked at cannot be read.
    behind: HashMap<usize, ObjectId>,
}

/// Looks for what changed each document.
pub(super) struct Search<'a> {
    pub(super) listings: &'a Listings<'a>,
    pub(super) versions: &'a Versions<'a>,
    pub(super) questions: &'a [Question],
    pub(super) earlier: &'a Earlier,
    pub(super) confirmed: Confirmed<'a>,
    pub(super) stop: &'a AtomicBool,
}

impl Search<'_> {
    /// Looks for what brought each document, given its author.
    pub(super) fn brought(&self, tips: &[ObjectId], authors: &[Option<ObjectId>]) -> Result<Vec<Change>> {
        let mut found = self.changed(tips)?;
        let mut sought: BTreeMap<ObjectId, HashSet<ObjectId>> = BTreeMap::new();
        for (change, author) in found.iter_mut().zip(authors) {
            let (Change::By(brought), Some(author)) = (change, author) else { continue };
            // Who wrote it anew on this branch brought nothing back.
            let may_be_old = brought.superseded && *author != brought.by;
            if may_be_old && brought.author != Some(*author) {
                sought.entry(brought.since).or_default().insert(*author);
            }
            if !may_be_old {
                (brought.author, brought.reintroduced) = (Some(*author), false);
            }
        }
        let mut known = HashMap::new();
        for (since, authors) in sought {
            known.insert(since, within(self.listings.objects, &authors, since, self.stop)?);
        }
        for (change, author) in found.iter_mut().zip(authors) {
            let Change::By(brought) = change else { continue };
            let Some(author) = author.filter(|author| brought.author != Some(*author)) else {
                brought.reintroduced &= author.is_some();
                continue;
            };
            let (within, is_whole) = &known[&brought.since];
            brought.reintroduced = within.contains(&author);
            brought.author = (brought.reintroduced || *is_whole).then_some(author);
        }
        Ok(found)
    }

    /// Walks from the newest tip back to the oldest, as long as each descends from the one before. Tips come newest first.
    fn changed(&self, tips: &[ObjectId]) -> Result<Vec<Change>> {
        let mut known = Known { changes: vec![None; self.questions.len()], behind: HashMap::new() };
        let mut files = Files::new();
        for (index, question) in self.questions.iter().enumerate() {
            files.entry(question.reference.path.as_bytes().into()).or_default().push(index);
        }
        // What nothing is found of is so all the way back, unless the way cannot be seen.
        let mut rest = Change::Same;
        for (position, pair) in tips.windows(2).enumerate() {
            let (to, from) = (pair[0], pair[1]);
            self.take_known(to, &tips[position + 1..], &mut files, &mut known.changes);
            if files.is_empty() {
                break;
            }
            match path_between(self.listings.objects, from, to, self.stop)? {
                Way::Steps(steps) => files = self.between(from, to, &steps, files, &mut known)?,
                Way::None => break,
                Way::Unknown => {
                    rest = Change::Untold;
                    break;
                }
            }
        }
        Ok(known.changes.into_iter().map(|known| known.unwrap_or(rest)).collect())
    }

    /// Takes what an earlier run found out from this tip on, if it knew the same older ones.
    fn take_known(&self, tip: ObjectId, older: &[ObjectId], files: &mut Files, known: &mut [Option<Change>]) {
        let Some(walk) = self.earlier.at(&tip).filter(|walk| walk.since == Some(digest(older))) else { return };
        for (path, documents) in files.iter_mut() {
            documents.retain(|document| {
                known[*document] = change(self.earlier, walk, path, &self.questions[*document]).filter(|change| self.is_there(change));
                known[*document].is_none()
            });
        }
        files.retain(|_, documents| !documents.is_empty());
    }

    fn is_there(&self, change: &Change) -> bool {
        match change {
            Change::By(brought) => self.confirmed.is_there(&brought.by) && self.confirmed.is_there(&brought.since),
            Change::Same | Change::Untold => true,
        }
    }

    /// Follows documents along the steps; returns those that are still open at the first commit.
    fn between(&self, from: ObjectId, to: ObjectId, steps: &[Step], files: Files, known: &mut Known) -> Result<Files> {
        let mut parents = steps.iter().flat_map(|step| &step.parents);
        let Some(start) = parents.find(|(parent, _)| *parent == from).copied() else { return Ok(Files::new()) };
        let mut at: HashMap<ObjectId, Files> = HashMap::from([(to, files)]);
        for step in steps {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::TimedOut(0));
            }
            let Some(files) = at.remove(&step.id) else { continue };
            for (parent, tree) in &step.parents {
                let before = self.before(step, *tree, &files, start, known)?;
                let there = at.entry(*parent).or_default();
                for (path, documents) in before {
                    let list = there.entry(path).or_default();
                    list.extend(documents);
                    list.sort_unstable();
                    list.dedup();
                }
            }
        }
        let mut rest = at.remove(&from).unwrap_or_default();
        rest.values_mut().for_each(|documents| documents.retain(|document| known.changes[*document].is_none()));
        rest.retain(|_, documents| !documents.is_empty());
        Ok(rest)
    }

    /// Where the documents of a step that mean the same in a parent stand there. The others are changed by the step.
    fn before(&self, step: &Step, tree: ObjectId, files: &Files, start: (ObjectId, ObjectId), known: &mut Known) -> Result<Files> {
        let mut rest = files.clone();
        let mut there = Vec::new();
        let (mut moves, mut since) = (None, None);
        for change in changes(self.listings, tree, step.tree, &Interest::Open(files))? {
            for document in rest.remove(&change.path).unwrap_or_default() {
                if known.changes[document].is_some() {
                    continue;
                }
                match self.place(document, &change.path, change.before, (tree, step.tree), &mut moves)? {
                    Place::Same(path) => there.push((path, document)),
                    Place::Broken(path) => {
                        known.behind.entry(document).or_insert(step.id);
                        there.push((path, document));
                    }
                    Place::Other => {
                        let superseded = self.differs(document, &change.path, start.1, step.tree, &mut since)?;
                        let by = known.behind.get(&document).copied().unwrap_or(step.id);
                        let brought = Brought { by, since: start.0, superseded, author: None, reintroduced: false };
                        known.changes[document] = Some(Change::By(brought));
                    }
                }
            }
        }
        for (path, document) in there {
            rest.entry(path).or_default().push(document);
        }
        Ok(rest)
    }

    /// Looks for a document in another version of its file, and where it is not there, in the files that lost it.
    fn place(
        &self,
        document: usize,
        path: &[u8],
        before: Option<ObjectId>,
        trees: (ObjectId, ObjectId),
        moves: &mut Option<Moves>,
    ) -> Result<Place> {
        let question = &self.questions[document];
        // As long as it is open it means what it means at the tip.
        let sought = Sought { identity: question.identity.clone(), meaning: question.meaning };
        let other = before.map(|blob| self.versions.read(&blob)).transpose()?;
        if let Some(found) = other.as_ref().and_then(|other| other.find(&sought)) {
            return Ok(if found.means(&question.meaning) { Place::Same(path.into()) } else { Place::Other });
        }
        if other.is_some_and(|other| other.broken) {
            return Ok(Place::Broken(path.into()));
        }
        let moves = match moves {
            Some(moves) => moves,
            None => moves.insert(Moves::between(self.listings, self.versions, trees.0, trees.1)?),
        };
        match moves.place(self.versions, &sought, path)? {
            Some(place) => {
                let version = self.versions.read(&place.blob)?;
                let means = version.find(&sought).is_some_and(|found| found.means(&question.meaning));
                Ok(if means { Place::Same(place.path) } else { Place::Other })
            }
            None => Ok(moves.suspect(&sought.identity).map_or(Place::Other, |place| Place::Broken(place.path))),
        }
    }

    /// Whether a document means something else in an older folder, cannot be read there, or is not there.
    fn differs(&self, document: usize, path: &[u8], older: ObjectId, newer: ObjectId, moves: &mut Option<Moves>) -> Result<bool> {
        let before = match self.listings.find(&older, path)? {
            Some((Node::File, blob)) => Some(blob),
            _ => None,
        };
        Ok(!matches!(self.place(document, path, before, (older, newer), moves)?, Place::Same(_)))
    }
}

/// Where a document stands in another version.
enum Place {
    /// In this file, and means the same.
    Same(Box<[u8]>),
    /// In this file, if anywhere, which cannot be read.
    Broken(Box<[u8]>),
    /// It means something else, or is not there.
    Other,
}
