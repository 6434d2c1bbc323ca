//! The walk itself: claims move from commit to parent until somebody is their author.

mod known;

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::answer::{Answer, Beside};
use super::claim::{Claim, Divided, Files, add};
use super::earlier::{Confirmed, Earlier};
use super::moves::Moves;
use super::numbers::Numbers;
use super::question::Question;
use super::trees::{Interest, changes};
use super::version::{Identity, Sought, Version, Versions};
use crate::model::evidence::Authored;
use crate::source::commit::{Links, Skeleton};
use crate::source::error::{Error, Result};
use crate::source::listing::Listings;

/// How often the progress is told, in commits.
const TELL_EVERY: usize = 500;
/// So many damaged objects are named; the rest is the same trouble again.
pub(super) const MOST_DAMAGES: usize = 8;

/// A commit with open claims.
struct Pending {
    commit: Arc<Skeleton>,
    files: Files,
}

/// A claim that no parent answered yet, and what is known of the parents so far.
struct Open {
    path: Box<[u8]>,
    claim: Claim,
    /// The document as it is at this commit.
    sought: Sought,
    /// Parents that do not have the document in this file, by their number.
    absent: Vec<usize>,
    /// The first parent whose version has no meaning, and the file there.
    broken: Option<(usize, Box<[u8]>)>,
    /// Whether something that would have to be compared could not be read.
    unread: bool,
    /// Whether a parent has it with the meaning that it has at the tip.
    meant: bool,
    /// Whether a parent has it with that meaning and it cannot be told how it is written there.
    unwritten: bool,
}

/// A parent of the commit that is looked at.
struct Parent {
    number: usize,
    id: ObjectId,
    commit: Arc<Skeleton>,
}

/// The walk over one source.
pub(super) struct Walk<'a> {
    links: &'a Links<'a>,
    listings: &'a Listings<'a>,
    versions: &'a Versions<'a>,
    shallow: &'a HashSet<ObjectId>,
    questions: &'a [Question],
    earlier: &'a Earlier,
    confirmed: Confirmed<'a>,
    answers: Vec<Answer>,
    credited: Numbers,
    pending: HashMap<ObjectId, Pending>,
    queue: BinaryHeap<(i64, ObjectId)>,
    damages: Vec<Error>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        links: &'a Links<'a>,
        listings: &'a Listings<'a>,
        versions: &'a Versions<'a>,
        shallow: &'a HashSet<ObjectId>,
        questions: &'a [Question],
        earlier: &'a Earlier,
    ) -> Self {
        Self {
            links,
            listings,
            versions,
            shallow,
            questions,
            earlier,
            confirmed: Confirmed::new(listings.objects),
            answers: questions.iter().map(|question| Answer::unknown(question.leaves.len())).collect(),
            credited: Numbers::default(),
            pending: HashMap::new(),
            queue: BinaryHeap::new(),
            damages: Vec::new(),
        }
    }

    /// Puts a claim at a commit.
    pub(super) fn ask(&mut self, commit: ObjectId, path: &[u8], claim: Claim) -> Result<()> {
        if !self.pending.contains_key(&commit) {
            let skeleton = self.links.read(&commit)?;
            self.enqueue(commit, skeleton, Files::new());
        }
        let pending = self.pending.get_mut(&commit).expect("it was put there");
        add(&mut pending.files, path.into(), claim);
        Ok(())
    }

    /// Walks until every claim is answered. `false` where it was stopped before.
    pub(super) fn run(&mut self, stop: &AtomicBool, told: &dyn Fn(usize)) -> bool {
        let mut taken = 0;
        while let Some((_, id)) = self.queue.pop() {
            if stop.load(Ordering::Relaxed) {
                return false;
            }
            let Some(Pending { commit, files }) = self.pending.remove(&id) else { continue };
            if taken % TELL_EVERY == 0 {
                told(taken);
            }
            taken += 1;
            if !self.step(id, &commit, files, stop) {
                return false;
            }
        }
        true
    }

    /// The answers in the order of the questions, the commits they number, and what could not be read on the way.
    pub(super) fn into_answers(self) -> (Vec<Answer>, Vec<ObjectId>, Vec<Error>) {
        (self.answers, self.credited.into_ids(), self.damages)
    }

    fn enqueue(&mut self, id: ObjectId, commit: Arc<Skeleton>, files: Files) {
        self.queue.push((commit.time, id));
        self.pending.insert(id, Pending { commit, files });
    }

    /// Moves claims to a parent, all at once where nothing stands there yet.
    fn hand_over(&mut self, id: ObjectId, parent: &Arc<Skeleton>, files: Files) {
        if files.is_empty() {
            return;
        }
        match self.pending.get_mut(&id) {
            None => self.enqueue(id, parent.clone(), files),
            Some(pending) => {
                for (path, claims) in files {
                    for claim in claims.into_values() {
                        add(&mut pending.files, path.clone(), claim);
                    }
                }
            }
        }
    }

    fn damaged(&mut self, error: Error) {
        if self.damages.len() < MOST_DAMAGES {
            self.damages.push(error);
        }
    }

    /// Answers what one commit can answer and hands the rest to its parents. `false` where it was stopped before.
    fn step(&mut self, id: ObjectId, commit: &Skeleton, files: Files, stop: &AtomicBool) -> bool {
        if self.shallow.contains(&id) {
            let claims = files.into_values().flat_map(BTreeMap::into_values);
            claims.for_each(|claim| self.settle(&claim, Authored::BeforeHistory));
            return true;
        }
        let Some(files) = self.settle_known(id, files, stop) else { return false };
        if files.is_empty() {
            return true;
        }
        let (parents, unread) = self.parents(commit);
        let open = match parents.first() {
            Some(parent) => self.compare_files(commit, parent, files, stop),
            None => Some(self.opened(commit, files, false)),
        };
        let Some(mut open) = open else { return false };
        for parent in parents.iter().skip(1) {
            open = self.compare_open(commit, parent, open);
        }
        let open = self.follow_moves(commit, &parents, open);
        for mut open in open {
            open.unread |= unread;
            self.end(id, commit, &parents, open);
        }
        true
    }

    /// The parents that can be read, and whether one cannot.
    fn parents(&mut self, commit: &Skeleton) -> (Vec<Parent>, bool) {
        let mut parents = Vec::new();
        let mut unread = false;
        for id in &commit.parents {
            match self.links.read(id) {
                Ok(commit) => parents.push(Parent { number: parents.len(), id: *id, commit }),
                Err(error) => {
                    unread = true;
                    self.damaged(error);
                }
            }
        }
        (parents, unread)
    }

    /// Compares with the first parent: all files that are the same go there in one piece. `None` where it was stopped.
    fn compare_files(&mut self, commit: &Skeleton, parent: &Parent, mut files: Files, stop: &AtomicBool) -> Option<Vec<Open>> {
        let changes = match changes(self.listings, parent.commit.tree, commit.tree, &Interest::Open(&files)) {
            Ok(changes) => changes,
            Err(error) => {
                self.damaged(error);
                return Some(self.opened(commit, files, true));
            }
        };
        let mut rest = Vec::new();
        for change in changes {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let claims = files.remove(&change.path).unwrap_or_default();
            for claim in claims.into_values() {
                let open = self.opened_one(commit, change.path.clone(), claim, false);
                rest.extend(self.compare(parent, open, change.before));
            }
        }
        self.hand_over(parent.id, &parent.commit, files);
        Some(rest)
    }

    /// Compares with a further parent what is still open.
    fn compare_open(&mut self, commit: &Skeleton, parent: &Parent, open: Vec<Open>) -> Vec<Open> {
        let mut files: BTreeMap<Box<[u8]>, Vec<Open>> = BTreeMap::new();
        for open in open {
            files.entry(open.path.clone()).or_default().push(open);
        }
        let changes = match changes(self.listings, parent.commit.tree, commit.tree, &Interest::Open(&files)) {
            Ok(changes) => changes,
            Err(error) => {
                self.damaged(error);
                return files.into_values().flatten().map(|open| Open { unread: true, ..open }).collect();
            }
        };
        let mut rest = Vec::new();
        for change in changes {
            for open in files.remove(&change.path).unwrap_or_default() {
                rest.extend(self.compare(parent, open, change.before));
            }
        }
        let mut same = Files::new();
        files.into_values().flatten().for_each(|open| add(&mut same, open.path, open.claim));
        self.hand_over(parent.id, &parent.commit, same);
        rest
    }

    /// Moves to a parent what is so in its version of the file, and returns the rest.
    fn compare(&mut self, parent: &Parent, mut open: Open, before: Option<ObjectId>) -> Option<Open> {
        let other = match before.map(|blob| self.versions.read(&blob)).transpose() {
            Ok(Some(other)) => other,
            Ok(None) => {
                open.absent.push(parent.number);
                return Some(open);
            }
            Err(error) => {
                self.damaged(error);
                return Some(Open { unread: true, ..open });
            }
        };
        let path = open.path.clone();
        if other.find(&open.sought).is_none() {
            open.absent.push(parent.number);
            if other.broken {
                open.broken.get_or_insert((parent.number, path));
            }
            return Some(open);
        }
        self.divide(parent, path, open, &other)
    }

    /// Moves to a file of a parent what is so there.
    fn divide(&mut self, parent: &Parent, path: Box<[u8]>, open: Open, other: &Version) -> Option<Open> {
        let question = &self.questions[open.claim.document as usize];
        let Divided { same, rest, means, unwritten } = open.claim.divided(question, &open.sought, other, path == open.path);
        if let Some(claim) = same {
            let mut files = Files::new();
            add(&mut files, path, claim);
            self.hand_over(parent.id, &parent.commit, files);
        }
        let (meant, unwritten) = (open.meant || means, open.unwritten || unwritten);
        rest.map(|claim| Open { claim, meant, unwritten, ..open })
    }

    /// Looks for documents in other files, where no parent had them in the same one.
    fn follow_moves(&mut self, commit: &Skeleton, parents: &[Parent], open: Vec<Open>) -> Vec<Open> {
        let mut moves: HashMap<usize, Option<Moves>> = HashMap::new();
        let mut rest = Vec::new();
        for mut open in open {
            if !open.absent.is_empty() {
                self.make_exact(commit, &mut open);
            }
            let mut open = Some(open);
            for parent in open.as_ref().map(|open| open.absent.clone()).unwrap_or_default() {
                let parent = &parents[parent];
                let found = moves.entry(parent.number).or_insert_with(|| {
                    let found = Moves::between(self.listings, self.versions, parent.commit.tree, commit.tree);
                    found.map_err(|error| self.damaged(error)).ok()
                });
                open = match (open, found) {
                    (Some(open), Some(moves)) => self.follow(parent, open, moves),
                    (Some(open), None) => Some(Open { unread: true, ..open }),
                    (None, _) => None,
                };
            }
            rest.extend(open);
        }
        rest
    }

    fn follow(&mut self, parent: &Parent, mut open: Open, moves: &Moves) -> Option<Open> {
        match moves.place(self.versions, &open.sought, &open.path) {
            Ok(Some(place)) => match self.versions.read(&place.blob) {
                Ok(other) => self.divide(parent, place.path, open, &other),
                Err(error) => {
                    self.damaged(error);
                    Some(Open { unread: true, ..open })
                }
            },
            Ok(None) => {
                if let Some(place) = moves.suspect(&open.sought.identity) {
                    open.broken.get_or_insert((parent.number, place.path));
                }
                Some(open)
            }
            Err(error) => {
                self.damaged(error);
                Some(Open { unread: true, ..open })
            }
        }
    }

    /// No parent has it so: the commit is the author, unless something stands in the way of saying that.
    fn end(&mut self, id: ObjectId, commit: &Skeleton, parents: &[Parent], mut open: Open) {
        self.end_form(id, &mut open);
        if open.claim.is_empty() {
            return;
        }
        if open.broken.is_some() {
            self.make_exact(commit, &mut open);
        }
        if let Some((number, path)) = open.broken {
            let parent = &parents[number];
            let mut files = Files::new();
            add(&mut files, path, Claim { looking_through: Some(open.sought.meaning), ..open.claim });
            return self.hand_over(parent.id, &parent.commit, files);
        }
        let unreadable = open.unread || open.claim.looking_through.is_some();
        let authored = if unreadable { Authored::Unreadable } else { Authored::By(self.number(id)) };
        self.settle(&open.claim, authored);
    }

    /// Where a parent has the document with the same meaning, the commit only wrote it otherwise or put it elsewhere.
    fn end_form(&mut self, id: ObjectId, open: &mut Open) {
        if !open.claim.text && !open.claim.file {
            return;
        }
        let beside = if open.unread || open.broken.is_some() {
            Beside::Untold
        } else if open.meant {
            Beside::By(self.number(id))
        } else {
            Beside::Nobody
        };
        self.settle_form(&open.claim, if open.unwritten { Beside::Untold } else { beside }, beside);
        (open.claim.text, open.claim.file) = (false, false);
    }

    fn number(&mut self, id: ObjectId) -> u32 {
        self.credited.number(id)
    }

    fn settle(&mut self, claim: &Claim, authored: Authored) {
        let answer = &mut self.answers[claim.document as usize];
        if claim.whole {
            answer.document = authored;
        }
        for leaf in &claim.leaves {
            answer.leaves[*leaf as usize] = authored;
        }
    }

    fn settle_form(&mut self, claim: &Claim, touched: Beside, moved: Beside) {
        let answer = &mut self.answers[claim.document as usize];
        if claim.text {
            answer.touched = touched;
        }
        if claim.file {
            answer.moved = moved;
        }
    }

    fn opened(&self, commit: &Skeleton, files: Files, unread: bool) -> Vec<Open> {
        let claims = files.into_iter().flat_map(|(path, claims)| claims.into_values().map(move |claim| (path.clone(), claim)));
        claims.map(|(path, claim)| self.opened_one(commit, path, claim, unread)).collect()
    }

    fn opened_one(&self, commit: &Skeleton, path: Box<[u8]>, claim: Claim, unread: bool) -> Open {
        let question = &self.questions[claim.document as usize];
        let identity = claim.place.map_or_else(|| question.identity.clone(), Identity::Place);
        let mut open = Open {
            path,
            // What an object means decides only between several files that lost it, so it is looked at only there.
            sought: Sought { identity, meaning: claim.looking_through.unwrap_or(question.meaning) },
            claim,
            absent: Vec::new(),
            broken: None,
            unread,
            meant: false,
            unwritten: false,
        };
        if open.claim.place.is_some() {
            self.make_exact(commit, &mut open);
        }
        open
    }

    /// Looks for what the document means at the commit, which need not be what it means at the tip.
    fn make_exact(&self, commit: &Skeleton, open: &mut Open) {
        if open.claim.is_of_whole() || open.claim.looking_through.is_some() {
            return;
        }
        let blob = self.listings.find(&commit.tree, &open.path).ok().flatten().map(|(_, blob)| blob);
        let version = blob.and_then(|blob| self.versions.read(&blob).ok());
        // Where it cannot be read here, what names it has to do.
        open.sought.meaning = version.and_then(|version| version.meaning(&open.sought.identity)).unwrap_or_default();
    }
}
