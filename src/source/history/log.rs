//! All changes of documents back through the history, by meaning: what `git log --follow -p` is to lines.
//!
//! A document *stands* in one file at one commit. Where a parent has it with the same meaning, nothing changed, and only the first
//! such parent is followed: so a merge that took a side is no change, and the side that was taken is followed. Where no parent
//! has it so, the commit changed it, and every parent that has it is followed; of a merge only what no parent has is told. Files
//! are moved, split and renamed as in the walk (see the parent module), which finds the same authors.
//!
//! - **Versions without a meaning** are looked through: where it means the same before and after, nothing changed; else the change
//!   was made either there or after ([`Doubt::UnreadableVersion`]), and nobody is credited.
//! - **Objects that are not there** credit nobody either ([`Doubt::UnreadableHistory`]), nor does the end of a shallow clone.
//! - **Order.** A commit stands before all that it descends from, whatever the dates; dates order the rest.

use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use super::moves::Moves;
use super::version::{Identity, Sought, Versions};
use super::{SourceHistories, Versioned, add_commits, questions, told_of, version};
use crate::document;
use crate::model::commit::CommitId;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, TreePath};
use crate::model::log::{DocumentChange, Doubt, FieldChange, Log, LogEnd};
use crate::model::object::Manifest;
use crate::secret::Redactor;
use crate::source::commit::{Skeleton, skeleton};
use crate::source::error::{Error, Result};
use crate::source::listing::{Listings, Node};
use crate::yaml::Dialect;

/// How often the progress is told, in commits.
const TELL_EVERY: usize = 500;
/// So many damaged objects are named; the rest is the same trouble again.
const MOST_DAMAGES: usize = 8;
/// So many bytes of names and values are kept in all; what is beyond is counted.
const MOST_BYTES: usize = 64 << 20;
/// A change in so many parts that it cannot be told where it was made ends there.
const MOST_BETWEEN: usize = 1000;

/// What is wanted of the changes of documents of one source.
pub(in crate::source) struct Wanted<'a> {
    pub(in crate::source) documents: &'a BTreeSet<DocumentRef>,
    pub(in crate::source) dialect: Dialect,
    /// So many of the newest commits.
    pub(in crate::source) limit: Option<usize>,
    /// Takes the secrets out of every version before it is looked at.
    pub(in crate::source) redactor: &'a Redactor,
    /// Tells versions apart: those before, and the one after.
    pub(in crate::source) differ: &'a (dyn Fn(&[Manifest], &Manifest) -> Vec<FieldChange> + Sync + Send),
}

/// Follows documents of one source. `told` hears how many commits were taken.
pub(in crate::source) fn log(
    source: &Versioned,
    wanted: &Wanted<'_>,
    stop: &AtomicBool,
    told: &dyn Fn(usize),
) -> Result<(Log, Vec<NotEvaluated>)> {
    let objects = source.layout.objects()?;
    let shallow = source.layout.shallow()?;
    let listings = Listings::new(&objects);
    let versions = Versions::new(&objects, wanted.dialect);
    let mut found = SourceHistories::default();
    let questions = questions(source, wanted.documents, &listings, &versions, &mut found)?;
    let mut trail = Trail {
        listings: &listings,
        versions: &versions,
        shallow: &shallow,
        pending: HashMap::new(),
        queue: BinaryHeap::new(),
        seen: HashSet::new(),
        visited: HashMap::new(),
        changes: Vec::new(),
        ends: Vec::new(),
        damages: Vec::new(),
    };
    for (document, question) in questions.iter().enumerate() {
        let path = question.reference.path.as_bytes();
        let tip = trail.read(&source.tip)?;
        if let Some((Node::File, blob)) = listings.find(&tip.tree, path)? {
            let sought = Sought { identity: question.identity.clone(), meaning: question.meaning };
            trail.hand_over(source.tip, &tip, Standing::Here(Place { document, path: path.into(), blob, sought }));
        }
    }
    trail.run(stop, told);
    let order = trail.order();
    let Trail { mut changes, ends, damages, .. } = trail;
    found.not_evaluated.extend(damages.iter().map(|error| told_of(&source.source, error)));
    changes.sort_by_key(|change| (order.get(&change.commits[0]).copied(), change.after.document));
    let omitted = limited(&mut changes, wanted.limit);
    let credited: Vec<ObjectId> = changes.iter().flat_map(|change| change.commits.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let numbers = add_commits(source, &objects, &credited, &mut found)?;
    let number: HashMap<ObjectId, u32> = credited.into_iter().zip(numbers).collect();
    let references: Vec<DocumentRef> = questions.into_iter().map(|question| question.reference).collect();
    let mut reading = Reading { versions: &versions, wanted, room: MOST_BYTES, last: HashMap::new() };
    let changes = changes.into_iter().map(|change| reading.told(change, &references, &number, stop)).collect::<Result<_>>()?;
    let mut ends: Vec<(DocumentRef, LogEnd)> = ends.into_iter().map(|(document, end)| (references[document].clone(), end)).collect();
    ends.sort();
    ends.dedup();
    found.not_evaluated.extend(ends.iter().map(|(document, end)| gap(document, end)));
    Ok((Log { commits: found.commits, changes, ends, omitted }, found.not_evaluated))
}

/// What is not told of a document, because its beginning is not there.
fn gap(document: &DocumentRef, end: &LogEnd) -> NotEvaluated {
    let subject = format!("older changes of {}: {}", document.source, document.path);
    let (reason, detail) = match end {
        LogEnd::BeforeHistory(at) => ("history cut off", format!("the clone ends at {at}; fetch all of it with `git fetch --unshallow`")),
        LogEnd::Unreadable(at) => ("unreadable history", format!("what is behind {at} cannot be read; `git fsck` says why")),
        LogEnd::TimedOut(at) => ("timed out", format!("there was no time for what is behind {at}; raise the timeout")),
    };
    NotEvaluated::new(Stage::History, subject, reason).with_detail(detail)
}

/// Keeps the changes of so many commits; returns how many commits are left out.
fn limited(changes: &mut Vec<Change>, limit: Option<usize>) -> usize {
    let Some(limit) = limit else { return 0 };
    let mut commits: Vec<ObjectId> = Vec::new();
    changes.retain(|change| {
        if commits.last() != Some(&change.commits[0]) {
            commits.push(change.commits[0]);
        }
        commits.len() <= limit
    });
    commits.len().saturating_sub(limit)
}

/// Where a document stands at a commit.
#[derive(Clone)]
struct Place {
    /// Index of the question.
    document: usize,
    path: Box<[u8]>,
    blob: ObjectId,
    /// What it means there.
    sought: Sought,
}

/// What is followed at a commit.
enum Standing {
    Here(Place),
    /// The file may hold the document but cannot be read.
    Behind(Behind),
}

/// A document that is looked for behind versions that cannot be read.
struct Behind {
    /// The file at the commit that is looked through.
    path: Box<[u8]>,
    /// Where it stands after them.
    below: Place,
    /// The commit there and those that are looked through, newest first.
    between: Vec<ObjectId>,
    /// Where other parents of the commit below have it with another meaning.
    others: Vec<(ObjectId, Skeleton, Place)>,
}

/// A change, before its values are read.
struct Change {
    commits: Vec<ObjectId>,
    doubt: Option<Doubt>,
    merge: bool,
    after: Place,
    before: Vec<Place>,
    /// Whether what was before is known.
    known: bool,
}

/// A document as a parent has it.
enum Found {
    Same(Place),
    Other(Place),
    Broken(Box<[u8]>),
    Absent,
    Unread,
}

struct Parent {
    id: ObjectId,
    commit: Skeleton,
}

struct Trail<'a> {
    listings: &'a Listings<'a>,
    versions: &'a Versions<'a>,
    shallow: &'a HashSet<ObjectId>,
    pending: HashMap<ObjectId, (Skeleton, Vec<Standing>)>,
    queue: BinaryHeap<(i64, ObjectId)>,
    seen: HashSet<(ObjectId, usize, Box<[u8]>, Identity)>,
    /// The commits that were followed, with the time that they claim and the parents that were followed.
    visited: HashMap<ObjectId, (i64, Vec<ObjectId>)>,
    changes: Vec<Change>,
    ends: Vec<(usize, LogEnd)>,
    damages: Vec<Error>,
}

impl Trail<'_> {
    fn run(&mut self, stop: &AtomicBool, told: &dyn Fn(usize)) {
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
    fn order(&self) -> HashMap<ObjectId, usize> {
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

    fn read(&self, id: &ObjectId) -> Result<Skeleton> {
        let raw = self.listings.objects.read(id, Kind::Commit)?;
        skeleton(&raw).ok_or_else(|| Error::Corrupt { id: id.to_string(), problem: "its parents cannot be read".into() })
    }

    fn damaged(&mut self, error: Error) {
        if self.damages.len() < MOST_DAMAGES {
            self.damages.push(error);
        }
    }

    /// Puts a document at a commit, unless it stood there before.
    fn hand_over(&mut self, id: ObjectId, commit: &Skeleton, standing: Standing) {
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
            for standing in standings {
                self.ends.push((standing.document(), LogEnd::BeforeHistory(CommitId::new(id.to_string()))));
                if let Standing::Behind(behind) = standing {
                    self.doubt(behind.below, behind.between, Doubt::UnreadableVersion, Vec::new(), false);
                }
            }
            return;
        }
        let (parents, unread) = self.parents(commit);
        let mut moves: HashMap<usize, Option<Moves>> = HashMap::new();
        for standing in standings {
            match standing {
                Standing::Here(place) => self.here(id, commit, &parents, unread, place, &mut moves),
                Standing::Behind(behind) => self.behind(id, commit, &parents, unread, behind, &mut moves),
            }
        }
    }

    /// The parents that can be read, and whether one cannot.
    fn parents(&mut self, commit: &Skeleton) -> (Vec<Parent>, bool) {
        let mut parents = Vec::new();
        let mut unread = false;
        for id in &commit.parents {
            match self.read(id) {
                Ok(commit) => parents.push(Parent { id: *id, commit }),
                Err(error) => {
                    unread = true;
                    self.damaged(error);
                }
            }
        }
        (parents, unread)
    }

    fn here(
        &mut self,
        id: ObjectId,
        commit: &Skeleton,
        parents: &[Parent],
        unread: bool,
        place: Place,
        moves: &mut HashMap<usize, Option<Moves>>,
    ) {
        let (mut others, mut broken, mut unread) = (Vec::new(), None, unread);
        for (number, found) in self.found(commit, parents, &place, &place.path, moves).into_iter().enumerate() {
            match found {
                Found::Same(before) => return self.follow(id, &parents[number], Standing::Here(before)),
                Found::Other(before) => others.push((number, before)),
                Found::Broken(path) => broken = broken.or(Some((number, path))),
                Found::Absent => {}
                Found::Unread => unread = true,
            }
        }
        if let Some((number, path)) = broken {
            let others = others.into_iter().map(|(number, place)| (parents[number].id, parents[number].commit.clone(), place)).collect();
            return self.follow(id, &parents[number], Standing::Behind(Behind { path, below: place, between: vec![id], others }));
        }
        let before: Vec<Place> = others.iter().map(|(_, before)| before.clone()).collect();
        if unread {
            let known = !before.is_empty();
            if !known {
                self.ends.push((place.document, LogEnd::Unreadable(CommitId::new(id.to_string()))));
            }
            self.doubt(place, vec![id], Doubt::UnreadableHistory, before, known);
        } else {
            let merge = commit.parents.len() > 1;
            self.changes.push(Change { commits: vec![id], doubt: None, merge, after: place, before, known: true });
        }
        for (number, before) in others {
            self.follow(id, &parents[number], Standing::Here(before));
        }
    }

    fn behind(
        &mut self,
        id: ObjectId,
        commit: &Skeleton,
        parents: &[Parent],
        unread: bool,
        mut behind: Behind,
        moves: &mut HashMap<usize, Option<Moves>>,
    ) {
        let (mut others, mut broken, mut unread) = (Vec::new(), None, unread);
        behind.between.push(id);
        for (number, found) in self.found(commit, parents, &behind.below, &behind.path, moves).into_iter().enumerate() {
            match found {
                Found::Same(before) => return self.follow(id, &parents[number], Standing::Here(before)),
                Found::Other(before) => others.push((number, before)),
                Found::Broken(path) => broken = broken.or(Some((number, path))),
                Found::Absent => {}
                Found::Unread => unread = true,
            }
        }
        // A way through versions that nobody can read ends somewhere.
        unread |= broken.is_some() && behind.between.len() >= MOST_BETWEEN;
        if let Some((number, path)) = broken.filter(|_| behind.between.len() < MOST_BETWEEN) {
            behind.others.extend(others.into_iter().map(|(number, place)| (parents[number].id, parents[number].commit.clone(), place)));
            return self.follow(id, &parents[number], Standing::Behind(Behind { path, ..behind }));
        }
        let before: Vec<Place> =
            others.iter().map(|(_, place)| place).chain(behind.others.iter().map(|(.., place)| place)).cloned().collect();
        if unread && before.is_empty() {
            self.ends.push((behind.below.document, LogEnd::Unreadable(CommitId::new(id.to_string()))));
        }
        let child = behind.between[0];
        let known = !(unread && before.is_empty());
        self.doubt(behind.below, behind.between, Doubt::UnreadableVersion, before, known);
        for (number, before) in others {
            self.follow(id, &parents[number], Standing::Here(before));
        }
        for (parent, commit, place) in behind.others {
            self.follow(child, &Parent { id: parent, commit }, Standing::Here(place));
        }
    }

    fn doubt(&mut self, after: Place, commits: Vec<ObjectId>, doubt: Doubt, before: Vec<Place>, known: bool) {
        self.changes.push(Change { commits, doubt: Some(doubt), merge: false, after, before, known });
    }

    /// The document as each parent has it: in the same file, or where no parent has it so, in one that lost it.
    fn found(
        &mut self,
        commit: &Skeleton,
        parents: &[Parent],
        place: &Place,
        path: &[u8],
        moves: &mut HashMap<usize, Option<Moves>>,
    ) -> Vec<Found> {
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
                between.map_err(|error| self.damages.push(error)).ok()
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

/// Reads the values of changes.
struct Reading<'a> {
    versions: &'a Versions<'a>,
    wanted: &'a Wanted<'a>,
    /// How many bytes may still be kept.
    room: usize,
    /// The versions that were read last: what was after one change is before the next.
    last: HashMap<(ObjectId, Identity, [u8; 32]), Manifest>,
}

impl Reading<'_> {
    fn told(
        &mut self,
        change: Change,
        references: &[DocumentRef],
        numbers: &HashMap<ObjectId, u32>,
        stop: &AtomicBool,
    ) -> Result<DocumentChange> {
        let from = change.before.first().map(|before| &before.path).filter(|path| **path != change.after.path);
        let mut told = DocumentChange {
            document: references[change.after.document].clone(),
            commits: change.commits.iter().map(|commit| numbers[commit]).collect(),
            doubt: change.doubt,
            merge: change.merge,
            path: TreePath::from(&*change.after.path),
            moved_from: from.map(|path| TreePath::from(&**path)),
            created: change.known && change.before.is_empty(),
            fields: Vec::new(),
            untold: 0,
        };
        if stop.load(Ordering::Relaxed) {
            return Err(Error::TimedOut(0));
        }
        if !change.known {
            return Ok(told);
        }
        let before: Vec<Manifest> = change.before.iter().map(|place| self.manifest(place)).collect::<Result<_>>()?;
        let after = self.manifest(&change.after)?;
        for field in (self.wanted.differ)(&before, &after) {
            let size = size(&field);
            if size <= self.room && told.untold == 0 {
                self.room -= size;
                told.fields.push(field);
            } else {
                told.untold += 1;
            }
        }
        Ok(told)
    }

    /// A document of a version, without its secrets.
    fn manifest(&mut self, place: &Place) -> Result<Manifest> {
        let key = (place.blob, place.sought.identity.clone(), place.sought.meaning);
        if let Some(known) = self.last.get(&key) {
            return Ok(known.clone());
        }
        let gone = || Error::Corrupt { id: place.blob.to_string(), problem: "a document of it is gone".into() };
        let mut places = 0;
        let documents = document::documents(&self.versions.bytes(&place.blob)?, self.wanted.dialect);
        let is_meant = |value: &serde_json::Value, identity: &Identity| {
            *identity == place.sought.identity && document::meaning(value) == place.sought.meaning
        };
        let mut values = documents.into_iter().filter_map(|read| read.ok().map(|document| document.value));
        let mut value = values.find(|value| is_meant(value, &version::identity(value, &mut places))).ok_or_else(gone)?;
        self.wanted.redactor.redact_document(&mut value);
        let manifest = Manifest::from_redacted(value);
        if self.last.len() >= 4 {
            self.last.clear();
        }
        self.last.insert(key, manifest.clone());
        Ok(manifest)
    }
}

/// About how many bytes a change takes.
fn size(change: &FieldChange) -> usize {
    use crate::model::comparison::FieldValue;
    let of = |value: &Option<FieldValue>| match value {
        Some(FieldValue::Shown(serde_json::Value::String(text))) => text.len(),
        Some(FieldValue::Shown(value)) => value.to_string().len(),
        Some(FieldValue::Redacted) | None => 0,
    };
    64 + change.field.0.len() * 64 + of(&change.before) + of(&change.after)
}
