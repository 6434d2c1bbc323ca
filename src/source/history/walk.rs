//! The walk itself: claims move from commit to parent until somebody is their author.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use super::Question;
use super::moves::Moves;
use super::trees::{Interest, changes};
use super::version::{Identity, Sought, Version, Versions};
use crate::model::evidence::{Authored, DocumentHistory};
use crate::source::commit::{Skeleton, skeleton};
use crate::source::error::{Error, Result};
use crate::source::listing::Listings;

/// How often the progress is told, in commits.
const TELL_EVERY: usize = 500;
/// So many damaged objects are named; the rest is the same trouble again.
const MOST_DAMAGES: usize = 8;

/// Open questions about one document that stand at one commit.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Index of the question.
    document: u32,
    /// Its place among the nameless documents of the file, where it names nothing.
    place: Option<u32>,
    /// Whether the document as a whole is asked for.
    whole: bool,
    /// The leaves that are asked for, ascending.
    leaves: Vec<u32>,
    /// Whether the version at this commit has no meaning, so that the walk looks through it.
    looking_through: bool,
}

/// The claims of one file by document. Those that look through a version stand apart.
type Claims = BTreeMap<(u32, bool), Claim>;
type Files = BTreeMap<Box<[u8]>, Claims>;

impl Claim {
    /// All that can be asked about a document.
    pub(super) fn all(document: u32, question: &Question) -> Self {
        let place = match question.identity {
            Identity::Place(place) => Some(place),
            Identity::Object(_) => None,
        };
        let count = u32::try_from(question.leaves.len()).expect("a file of 16 MiB has fewer leaves");
        Self { document, place, whole: true, leaves: (0..count).collect(), looking_through: false }
    }

    fn is_empty(&self) -> bool {
        !self.whole && self.leaves.is_empty()
    }

    /// Divides into what is so in another version too, and the rest.
    fn divided(self, question: &Question, sought: &Sought, other: &Version) -> (Option<Self>, Option<Self>) {
        let Some(found) = other.find(sought) else { return (None, Some(self)) };
        let place = found.place();
        if found.means(&question.meaning) {
            return (Some(Self { place, looking_through: false, ..self }), None);
        }
        let (same, rest): (Vec<u32>, Vec<u32>) = self.leaves.iter().partition(|leaf| found.has(&question.leaves[**leaf as usize]));
        let same = Self { place, whole: false, leaves: same, looking_through: false, ..self };
        let rest = Self { leaves: rest, ..self };
        (Some(same).filter(|claim| !claim.is_empty()), Some(rest).filter(|claim| !claim.is_empty()))
    }

    fn join(&mut self, other: Self) {
        self.whole |= other.whole;
        self.leaves.extend(other.leaves);
        self.leaves.sort_unstable();
    }
}

fn add(files: &mut Files, path: Box<[u8]>, claim: Claim) {
    match files.entry(path).or_default().entry((claim.document, claim.looking_through)) {
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(claim);
        }
        std::collections::btree_map::Entry::Occupied(mut taken) => taken.get_mut().join(claim),
    }
}

/// A commit with open claims.
struct Pending {
    commit: Skeleton,
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
}

/// A parent of the commit that is looked at.
struct Parent {
    number: usize,
    id: ObjectId,
    commit: Skeleton,
}

/// The walk over one source.
pub(super) struct Walk<'a> {
    listings: &'a Listings<'a>,
    versions: &'a Versions<'a>,
    shallow: &'a HashSet<ObjectId>,
    questions: &'a [Question],
    answers: Vec<DocumentHistory>,
    credited: Vec<ObjectId>,
    numbers: HashMap<ObjectId, u32>,
    pending: HashMap<ObjectId, Pending>,
    queue: BinaryHeap<(i64, ObjectId)>,
    damages: Vec<Error>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        listings: &'a Listings<'a>,
        versions: &'a Versions<'a>,
        shallow: &'a HashSet<ObjectId>,
        questions: &'a [Question],
    ) -> Self {
        let unknown = |question: &Question| DocumentHistory {
            document: Authored::Unreadable,
            leaves: vec![Authored::Unreadable; question.leaves.len()].into(),
            changed: None,
        };
        Self {
            listings,
            versions,
            shallow,
            questions,
            answers: questions.iter().map(unknown).collect(),
            credited: Vec::new(),
            numbers: HashMap::new(),
            pending: HashMap::new(),
            queue: BinaryHeap::new(),
            damages: Vec::new(),
        }
    }

    /// Puts a claim at a commit.
    pub(super) fn ask(&mut self, commit: ObjectId, path: &[u8], claim: Claim) -> Result<()> {
        if !self.pending.contains_key(&commit) {
            let skeleton = self.read(&commit)?;
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
            self.step(id, &commit, files);
        }
        true
    }

    /// The answers in the order of the questions, the commits they number, and what could not be read on the way.
    pub(super) fn into_answers(self) -> (Vec<DocumentHistory>, Vec<ObjectId>, Vec<Error>) {
        (self.answers, self.credited, self.damages)
    }

    fn read(&self, id: &ObjectId) -> Result<Skeleton> {
        let raw = self.listings.objects.read(id, Kind::Commit)?;
        skeleton(&raw).ok_or_else(|| Error::Corrupt { id: id.to_string(), problem: "its parents cannot be read".into() })
    }

    fn enqueue(&mut self, id: ObjectId, commit: Skeleton, files: Files) {
        self.queue.push((commit.time, id));
        self.pending.insert(id, Pending { commit, files });
    }

    /// Moves claims to a parent, all at once where nothing stands there yet.
    fn hand_over(&mut self, id: ObjectId, parent: &Skeleton, files: Files) {
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

    fn step(&mut self, id: ObjectId, commit: &Skeleton, files: Files) {
        if self.shallow.contains(&id) {
            let claims = files.into_values().flat_map(BTreeMap::into_values);
            return claims.for_each(|claim| self.settle(&claim, Authored::BeforeHistory));
        }
        let (parents, unread) = self.parents(commit);
        let mut open = match parents.first() {
            Some(parent) => self.compare_files(commit, parent, files),
            None => self.opened(commit, files, false),
        };
        for parent in parents.iter().skip(1) {
            open = self.compare_open(commit, parent, open);
        }
        let open = self.follow_moves(commit, &parents, open);
        for mut open in open {
            open.unread |= unread;
            self.end(id, &parents, open);
        }
    }

    /// The parents that can be read, and whether one cannot.
    fn parents(&mut self, commit: &Skeleton) -> (Vec<Parent>, bool) {
        let mut parents = Vec::new();
        let mut unread = false;
        for id in &commit.parents {
            let known = self.pending.get(id).map(|pending| Ok(pending.commit.clone()));
            match known.unwrap_or_else(|| self.read(id)) {
                Ok(commit) => parents.push(Parent { number: parents.len(), id: *id, commit }),
                Err(error) => {
                    unread = true;
                    self.damaged(error);
                }
            }
        }
        (parents, unread)
    }

    /// Compares with the first parent: all files that are the same go there in one piece.
    fn compare_files(&mut self, commit: &Skeleton, parent: &Parent, mut files: Files) -> Vec<Open> {
        let changes = match changes(self.listings, parent.commit.tree, commit.tree, &Interest::Open(&files)) {
            Ok(changes) => changes,
            Err(error) => {
                self.damaged(error);
                return self.opened(commit, files, true);
            }
        };
        let mut rest = Vec::new();
        for change in changes {
            let claims = files.remove(&change.path).unwrap_or_default();
            for claim in claims.into_values() {
                let open = self.opened_one(commit, change.path.clone(), claim, false);
                rest.extend(self.compare(parent, open, change.before));
            }
        }
        self.hand_over(parent.id, &parent.commit, files);
        rest
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
        let (same, rest) = open.claim.divided(question, &open.sought, other);
        if let Some(claim) = same {
            let mut files = Files::new();
            add(&mut files, path, claim);
            self.hand_over(parent.id, &parent.commit, files);
        }
        rest.map(|claim| Open { claim, ..open })
    }

    /// Looks for documents in other files, where no parent had them in the same one.
    fn follow_moves(&mut self, commit: &Skeleton, parents: &[Parent], open: Vec<Open>) -> Vec<Open> {
        let mut moves: HashMap<usize, Option<Moves>> = HashMap::new();
        let mut rest = Vec::new();
        for open in open {
            let mut open = Some(open);
            for parent in open.as_ref().map(|open| open.absent.clone()).unwrap_or_default() {
                let parent = &parents[parent];
                let found = moves.entry(parent.number).or_insert_with(|| {
                    Moves::between(self.listings, self.versions, parent.commit.tree, commit.tree)
                        .map_err(|error| self.damages.push(error))
                        .ok()
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
    fn end(&mut self, id: ObjectId, parents: &[Parent], open: Open) {
        if let Some((number, path)) = open.broken {
            let parent = &parents[number];
            let mut files = Files::new();
            add(&mut files, path, Claim { looking_through: true, ..open.claim });
            return self.hand_over(parent.id, &parent.commit, files);
        }
        let authored = if open.unread || open.claim.looking_through { Authored::Unreadable } else { Authored::By(self.number(id)) };
        self.settle(&open.claim, authored);
    }

    fn number(&mut self, id: ObjectId) -> u32 {
        *self.numbers.entry(id).or_insert_with(|| {
            self.credited.push(id);
            u32::try_from(self.credited.len() - 1).expect("fewer commits than documents and leaves")
        })
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

    fn opened(&self, commit: &Skeleton, files: Files, unread: bool) -> Vec<Open> {
        let claims = files.into_iter().flat_map(|(path, claims)| claims.into_values().map(move |claim| (path.clone(), claim)));
        claims.map(|(path, claim)| self.opened_one(commit, path, claim, unread)).collect()
    }

    fn opened_one(&self, commit: &Skeleton, path: Box<[u8]>, claim: Claim, unread: bool) -> Open {
        let question = &self.questions[claim.document as usize];
        let sought = match claim.place {
            None => Sought { identity: question.identity.clone(), meaning: question.meaning },
            Some(place) => self.nameless(commit, &path, place, question),
        };
        Open { path, claim, sought, absent: Vec::new(), broken: None, unread }
    }

    /// A document that names nothing is found again by what it means at the commit, which need not be what it means at the tip.
    fn nameless(&self, commit: &Skeleton, path: &[u8], place: u32, question: &Question) -> Sought {
        let identity = Identity::Place(place);
        let blob = self.listings.find(&commit.tree, path).ok().flatten().map(|(_, blob)| blob);
        let version = blob.and_then(|blob| self.versions.read(&blob).ok());
        // Where it cannot be read here, its place and what it means at the tip have to do.
        let meaning = version.and_then(|version| version.meaning(&identity)).unwrap_or(question.meaning);
        Sought { identity, meaning }
    }
}
