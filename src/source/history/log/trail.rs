//! The trail of documents from the tip back to where they began.

use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use crate::model::commit::CommitId;
use crate::model::log::{Doubt, LogEnd};
use crate::source::commit::{Skeleton, links};
use crate::source::error::{Error, Result};
use crate::source::history::moves::Moves;
use crate::source::history::version::{Identity, Sought, Versions};
use crate::source::listing::{Listings, Node};

/// How often the progress is told, in commits.
const TELL_EVERY: usize = 500;
/// So many damaged objects are named; the rest is the same trouble again.
const MOST_DAMAGES: usize = 8;
/// A document is looked for behind no more versions that cannot be read.
const MOST_BETWEEN: usize = 1000;

/// Where a document stands at a commit.
#[derive(Clone)]
pub(super) struct Place {
    /// Index of the question.
    pub(super) document: usize,
    pub(super) path: Box<[u8]>,
    pub(super) blob: ObjectId,
    /// What it means there.
    pub(super) sought: Sought,
}

/// What is followed at a commit.
pub(super) enum Standing {
    Here(Place),
    /// The file may hold the document but cannot be read.
    Behind(Behind),
}

/// A document that is looked for behind versions that cannot be read.
pub(super) struct Behind {
    /// The file at the commit that is looked through.
    path: Box<[u8]>,
    /// Where it stands after them.
    below: Place,
    /// The commit there and those that are looked through, newest first.
    between: Vec<ObjectId>,
    /// Where other parents of the commit below have it with another meaning.
    others: Vec<(Parent, Place)>,
}

/// A change, before its values are read.
pub(super) struct Change {
    pub(super) commits: Vec<ObjectId>,
    pub(super) doubt: Option<Doubt>,
    pub(super) merge: bool,
    pub(super) after: Place,
    pub(super) before: Vec<Place>,
    /// Whether what was before is known.
    pub(super) known: bool,
}

/// A document as a parent has it.
enum Found {
    Same(Place),
    Other(Place),
    Broken(Box<[u8]>),
    Absent,
    Unread,
}

#[derive(Clone)]
struct Parent {
    id: ObjectId,
    commit: Skeleton,
}

/// The parents of a commit.
struct Parents {
    /// Those that can be read, in their order.
    read: Vec<Parent>,
    /// Whether one cannot.
    unread: bool,
}

/// What is known of the documents that left their files between each parent, by its number, and the commit.
type MovesTo = HashMap<usize, Option<Moves>>;

/// What the parents have of a document.
enum Sides<'a> {
    /// The first that has it with the same meaning.
    Same(&'a Parent, Place),
    Differ(Differing<'a>),
}

/// No parent has it with the same meaning.
struct Differing<'a> {
    /// Those that have it with another one.
    others: Vec<(&'a Parent, Place)>,
    /// The first whose file cannot be read.
    broken: Option<(&'a Parent, Box<[u8]>)>,
    /// Whether something could not be read.
    unread: bool,
}

pub(super) struct Trail<'a> {
    listings: &'a Listings<'a>,
    versions: &'a Versions<'a>,
    shallow: &'a HashSet<ObjectId>,
    pending: HashMap<ObjectId, (Skeleton, Vec<Standing>)>,
    queue: BinaryHeap<(i64, ObjectId)>,
    seen: HashSet<(ObjectId, usize, Box<[u8]>, Identity)>,
    /// The commits that were followed, with the time that they claim and the parents that were followed.
    visited: HashMap<ObjectId, (i64, Vec<ObjectId>)>,
    pub(super) changes: Vec<Change>,
    pub(super) ends: Vec<(usize, LogEnd)>,
    pub(super) damages: Vec<Error>,
}

impl<'a> Trail<'a> {
    pub(super) fn new(listings: &'a Listings<'a>, versions: &'a Versions<'a>, shallow: &'a HashSet<ObjectId>) -> Self {
        Self {
            listings,
            versions,
            shallow,
            pending: HashMap::new(),
            queue: BinaryHeap::new(),
            seen: HashSet::new(),
            visited: HashMap::new(),
            changes: Vec::new(),
            ends: Vec::new(),
            damages: Vec::new(),
        }
    }

    /// Follows everything back to its beginning. `told` hears how many commits were taken.
    pub(super) fn run(&mut self, stop: &AtomicBool, told: &dyn Fn(usize)) {
        let mut taken = 0;
        while let Some((_, id)) = self.queue.pop() {
            let Some((commit, standings)) = self.pending.remove(&id) else { continue };
            if stop.load(Ordering::Relaxed) {
                let documents: BTreeSet<usize> = standings.iter().map(Standing::document).collect();
                self.ends.extend(documents.into_iter().map(|document| (document, LogEnd::TimedOut(CommitId::new(id.to_string())))));
                continue;
            }
            if taken % TELL_EVERY == 0 {
                told(taken);
            }
            taken += 1;
            self.step(id, &commit, standings);
        }
    }

    /// The place of each commit among all that were followed: children before parents, younger ones first.
    pub(super) fn order(&self) -> HashMap<ObjectId, usize> {
        let mut children: HashMap<ObjectId, usize> = HashMap::new();
        for parent in self.visited.values().flat_map(|(_, parents)| parents) {
            *children.entry(*parent).or_default() += 1;
        }
        let time = |id: &ObjectId| self.visited.get(id).map_or(0, |(time, _)| *time);
        let first = self.visited.keys().filter(|id| !children.contains_key(*id)).map(|id| (time(id), *id));
        let mut ready: BinaryHeap<(i64, ObjectId)> = first.collect();
        let mut order = HashMap::new();
        while let Some((_, id)) = ready.pop() {
            order.insert(id, order.len());
            for parent in self.visited.get(&id).into_iter().flat_map(|(_, parents)| parents) {
                if let Some(left) = children.get_mut(parent) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push((time(parent), *parent));
                    }
                }
            }
        }
        order
    }

    fn damaged(&mut self, error: Error) {
        if self.damages.len() < MOST_DAMAGES {
            self.damages.push(error);
        }
    }

    /// Puts a document at a commit, unless it stood there before.
    pub(super) fn hand_over(&mut self, id: ObjectId, commit: &Skeleton, standing: Standing) {
        let is_new = match &standing {
            Standing::Here(place) => self.seen.insert((id, place.document, place.path.clone(), place.sought.identity.clone())),
            Standing::Behind(_) => true,
        };
        if !is_new {
            return;
        }
        self.visited.entry(id).or_insert_with(|| (commit.time, Vec::new()));
        let pending = self.pending.entry(id).or_insert_with(|| {
            self.queue.push((commit.time, id));
            (commit.clone(), Vec::new())
        });
        pending.1.push(standing);
    }

    fn follow(&mut self, from: ObjectId, parent: &Parent, standing: Standing) {
        if let Some((_, parents)) = self.visited.get_mut(&from)
            && !parents.contains(&parent.id)
        {
            parents.push(parent.id);
        }
        self.hand_over(parent.id, &parent.commit, standing);
    }

    fn step(&mut self, id: ObjectId, commit: &Skeleton, standings: Vec<Standing>) {
        if self.shallow.contains(&id) {
            return standings.into_iter().for_each(|standing| self.cut_off(id, standing));
        }
        let parents = self.parents(commit);
        let mut moves = MovesTo::new();
        for standing in standings {
            match standing {
                Standing::Here(place) => self.here(id, commit, &parents, place, &mut moves),
                Standing::Behind(behind) => self.behind(id, commit, &parents, behind, &mut moves),
            }
        }
    }

    /// The history ends at this commit.
    fn cut_off(&mut self, id: ObjectId, standing: Standing) {
        self.ends.push((standing.document(), LogEnd::BeforeHistory(CommitId::new(id.to_string()))));
        if let Standing::Behind(Behind { below, between, .. }) = standing {
            let doubt = Some(Doubt::UnreadableVersion);
            self.changes.push(Change { commits: between, doubt, merge: false, after: below, before: Vec::new(), known: false });
        }
    }

    fn parents(&mut self, commit: &Skeleton) -> Parents {
        let mut parents = Parents { read: Vec::new(), unread: false };
        for id in &commit.parents {
            match links(self.listings.objects, id) {
                Ok(commit) => parents.read.push(Parent { id: *id, commit }),
                Err(error) => {
                    parents.unread = true;
                    self.damaged(error);
                }
            }
        }
        parents
    }

    fn here(&mut self, id: ObjectId, commit: &Skeleton, parents: &Parents, place: Place, moves: &mut MovesTo) {
        let sides = match self.sides(commit, parents, &place, &place.path, moves) {
            Sides::Same(parent, before) => return self.follow(id, parent, Standing::Here(before)),
            Sides::Differ(sides) => sides,
        };
        if let Some((parent, path)) = sides.broken {
            let others = sides.others.into_iter().map(|(parent, place)| (parent.clone(), place)).collect();
            return self.follow(id, parent, Standing::Behind(Behind { path, below: place, between: vec![id], others }));
        }
        let before: Vec<Place> = sides.others.iter().map(|(_, before)| before.clone()).collect();
        if sides.unread {
            self.doubt(place, vec![id], Doubt::UnreadableHistory, before, true);
        } else {
            let merge = commit.parents.len() > 1;
            self.changes.push(Change { commits: vec![id], doubt: None, merge, after: place, before, known: true });
        }
        for (parent, before) in sides.others {
            self.follow(id, parent, Standing::Here(before));
        }
    }

    fn behind(&mut self, id: ObjectId, commit: &Skeleton, parents: &Parents, mut behind: Behind, moves: &mut MovesTo) {
        let sides = match self.sides(commit, parents, &behind.below, &behind.path, moves) {
            Sides::Same(parent, before) => return self.follow(id, parent, Standing::Here(before)),
            Sides::Differ(sides) => sides,
        };
        behind.between.push(id);
        // A way through versions that nobody can read ends somewhere.
        let is_too_long = behind.between.len() >= MOST_BETWEEN;
        let unread = sides.unread || sides.broken.is_some() && is_too_long;
        if let Some((parent, path)) = sides.broken.filter(|_| !is_too_long) {
            behind.others.extend(sides.others.into_iter().map(|(parent, place)| (parent.clone(), place)));
            return self.follow(id, parent, Standing::Behind(Behind { path, ..behind }));
        }
        let of = sides.others.iter().map(|(_, place)| place);
        let before: Vec<Place> = of.chain(behind.others.iter().map(|(_, place)| place)).cloned().collect();
        let child = behind.between[0];
        self.doubt(behind.below, behind.between, Doubt::UnreadableVersion, before, unread);
        for (parent, before) in sides.others {
            self.follow(id, parent, Standing::Here(before));
        }
        for (parent, place) in behind.others {
            self.follow(child, &parent, Standing::Here(place));
        }
    }

    /// A change that nobody is credited with. Where nothing of what was before could be read, the document ends there.
    fn doubt(&mut self, after: Place, commits: Vec<ObjectId>, doubt: Doubt, before: Vec<Place>, unread: bool) {
        let known = !(unread && before.is_empty());
        if !known && let Some(last) = commits.last() {
            self.ends.push((after.document, LogEnd::Unreadable(CommitId::new(last.to_string()))));
        }
        self.changes.push(Change { commits, doubt: Some(doubt), merge: false, after, before, known });
    }

    /// What the parents have of a document.
    fn sides<'p>(&mut self, commit: &Skeleton, parents: &'p Parents, place: &Place, path: &[u8], moves: &mut MovesTo) -> Sides<'p> {
        let mut sides = Differing { others: Vec::new(), broken: None, unread: parents.unread };
        for (parent, found) in parents.read.iter().zip(self.found(commit, &parents.read, place, path, moves)) {
            match found {
                Found::Same(before) => return Sides::Same(parent, before),
                Found::Other(before) => sides.others.push((parent, before)),
                Found::Broken(path) => sides.broken = sides.broken.or(Some((parent, path))),
                Found::Absent => {}
                Found::Unread => sides.unread = true,
            }
        }
        Sides::Differ(sides)
    }

    /// The document as each parent has it: in the same file, or where no parent has it so, in one that lost it.
    fn found(&mut self, commit: &Skeleton, parents: &[Parent], place: &Place, path: &[u8], moves: &mut MovesTo) -> Vec<Found> {
        let mut found = Vec::with_capacity(parents.len());
        for parent in parents {
            let here = self.in_file(parent, place, path).unwrap_or_else(|error| {
                self.damaged(error);
                Found::Unread
            });
            let is_same = matches!(here, Found::Same(_));
            found.push(here);
            if is_same {
                return found;
            }
        }
        for (number, here) in found.iter_mut().enumerate() {
            if !matches!(here, Found::Absent | Found::Broken(_)) {
                continue;
            }
            let known = moves.entry(number).or_insert_with(|| {
                let between = Moves::between(self.listings, self.versions, parents[number].commit.tree, commit.tree);
                between.map_err(|error| self.damaged(error)).ok()
            });
            let moved = match known {
                Some(moves) => moved(self.versions, moves, place, path),
                None => Ok(Found::Unread),
            };
            match moved {
                Ok(Found::Absent) => {}
                Ok(moved) => *here = moved,
                Err(error) => {
                    self.damaged(error);
                    *here = Found::Unread;
                }
            }
        }
        found
    }

    fn in_file(&self, parent: &Parent, place: &Place, path: &[u8]) -> Result<Found> {
        let Some((Node::File, blob)) = self.listings.find(&parent.commit.tree, path)? else { return Ok(Found::Absent) };
        if blob == place.blob {
            return Ok(Found::Same(place.clone()));
        }
        stands(self.versions, place, path.into(), blob)
    }
}

impl Standing {
    fn document(&self) -> usize {
        match self {
            Self::Here(place) => place.document,
            Self::Behind(behind) => behind.below.document,
        }
    }
}

/// A document in another version of a file.
fn stands(versions: &Versions<'_>, place: &Place, path: Box<[u8]>, blob: ObjectId) -> Result<Found> {
    let version = versions.read(&blob)?;
    let Some(found) = version.find(&place.sought) else {
        return Ok(if version.broken { Found::Broken(path) } else { Found::Absent });
    };
    let identity = found.place().map_or_else(|| place.sought.identity.clone(), Identity::Place);
    let is_same = found.means(&place.sought.meaning);
    let meaning = if is_same { Some(place.sought.meaning) } else { version.meaning(&identity) };
    let sought = Sought { identity, meaning: meaning.unwrap_or(place.sought.meaning) };
    let there = Place { document: place.document, path, blob, sought };
    Ok(if is_same { Found::Same(there) } else { Found::Other(there) })
}

/// A document in another file, which lost it.
fn moved(versions: &Versions<'_>, moves: &Moves, place: &Place, path: &[u8]) -> Result<Found> {
    match moves.place(versions, &place.sought, path)? {
        Some(from) => stands(versions, place, from.path, from.blob),
        None => Ok(moves.suspect(&place.sought.identity).map_or(Found::Absent, |from| Found::Broken(from.path))),
    }
}
