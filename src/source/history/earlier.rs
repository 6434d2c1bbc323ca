//! What earlier walks found, as walks ask for it, and what of it is kept for later ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use gix::ObjectId;
use gix::objs::Kind;
use sha2::{Digest as _, Sha256};

use super::Walked;
use super::answer::{Beside, Brought, Change};
use super::cache::{Frame, Id, Kept, KeptAuthor, KeptBeside, KeptChange, KeptDocument, KeptFile, KeptIdentity, KeptLeaf, KeptWalk};
use super::numbers::Numbers;
use super::question::Question;
use super::version::{Identity, Tip};
use crate::document::{DocumentKey, LeafMeaning};
use crate::model::evidence::Authored;
use crate::source::git::Objects;

/// So many walks are kept. One that asked for a few documents does not push out the one that asked for all.
const MOST_WALKS: usize = 16;
/// So many leaves are kept, 36 bytes each.
const MOST_LEAVES: usize = 2_000_000;
/// Of documents of one file that name the same object so many are looked at. What they do not answer is walked for.
const MOST_ALIKE: usize = 16;

/// The ordinals of the documents of each file of a walk, sorted by what the documents name and mean.
type Orders = BTreeMap<Vec<u8>, Box<[u32]>>;

/// What earlier walks found.
#[derive(Debug)]
pub(super) struct Earlier {
    kept: Kept,
    /// By commit of the walk.
    orders: HashMap<u32, Orders>,
    /// Where it is kept, and under what circumstances; nowhere without.
    place: Option<(PathBuf, Frame)>,
}

impl Earlier {
    /// Reads what is kept.
    pub(super) fn read(place: Option<(PathBuf, Frame)>) -> Self {
        let kept = place.as_ref().map(|(file, frame)| Kept::read(file, frame)).unwrap_or_default();
        Self::of(kept, place)
    }

    fn of(kept: Kept, place: Option<(PathBuf, Frame)>) -> Self {
        let orders = kept.walks.iter().map(|walk| (walk.commit, orders(walk))).collect();
        Self { kept, orders, place }
    }

    /// Documents of a file that are found by this, those first that mean this.
    pub(super) fn documents<'a>(
        &'a self,
        walk: &'a KeptWalk,
        path: &[u8],
        identity: &Identity,
        meaning: &[u8; 32],
    ) -> impl Iterator<Item = &'a KeptDocument> + use<'a> {
        let order = self.orders.get(&walk.commit).and_then(|orders| orders.get(path)).map_or(&[][..], |order| order);
        let documents = walk.files.get(path).map(|file| &file.documents);
        let of = move |ordinal: &u32| documents.and_then(|documents| documents.get(ordinal));
        let sought = kept_identity(identity.clone());
        let name = |ordinal: &u32| of(ordinal).map(|document| &document.identity);
        let place = |ordinal: &u32| of(ordinal).map(|document| (&document.identity, &document.meaning));
        let first = order.partition_point(|ordinal| name(ordinal) < Some(&sought));
        let end = first + order[first..].partition_point(|ordinal| name(ordinal) == Some(&sought));
        let same = first + order[first..end].partition_point(|ordinal| place(ordinal) < Some((&sought, meaning)));
        order[same..end].iter().chain(&order[first..same]).take(MOST_ALIKE).filter_map(of)
    }

    /// What was found for documents that stand at a commit.
    pub(super) fn at(&self, commit: &ObjectId) -> Option<&KeptWalk> {
        self.kept.walks.iter().find(|walk| self.id(walk.commit) == *commit)
    }

    /// The commit with a number.
    pub(super) fn id(&self, number: u32) -> ObjectId {
        self.kept.commits[number as usize].0
    }

    /// Files that were read before, by blob.
    pub(super) fn files(&self) -> HashMap<ObjectId, &KeptFile> {
        let files = self.kept.walks.iter().rev().flat_map(|walk| walk.files.values());
        files.map(|file| (file.blob.0, file)).collect()
    }

    /// Keeps what a walk found, and of what was found before what may still be of use.
    pub(super) fn keep(&self, walked: &Walked, tips: &[ObjectId], changes: Option<&[Change]>) {
        let Some((file, frame)) = &self.place else { return };
        let kept = self.renewed(walked, tips, changes);
        if kept != self.kept {
            kept.write(file, frame);
        }
    }

    fn renewed(&self, walked: &Walked, tips: &[ObjectId], changes: Option<&[Change]>) -> Kept {
        let mut numbers = Numbers::default();
        let mut walk = made(walked, tips, changes, &mut numbers);
        let mut walks = Vec::new();
        let mut room = MOST_LEAVES.saturating_sub(leaves(&walk));
        for old in &self.kept.walks {
            let mut old = self.renumbered(old.clone(), &mut numbers);
            if old.commit == walk.commit {
                join(&mut walk, old);
                continue;
            }
            old.files
                .retain(|path, _| !walk.files.contains_key(path) && !walks.iter().any(|newer: &KeptWalk| newer.files.contains_key(path)));
            match room.checked_sub(leaves(&old)) {
                Some(rest) if !old.files.is_empty() && walks.len() + 1 < MOST_WALKS => {
                    room = rest;
                    walks.push(old);
                }
                _ => {}
            }
        }
        if leaves(&walk) <= MOST_LEAVES {
            walks.insert(0, walk);
        }
        sorted(walks, &numbers)
    }

    fn renumbered(&self, mut walk: KeptWalk, numbers: &mut Numbers) -> KeptWalk {
        walk.commit = numbers.number(self.id(walk.commit));
        for document in walk.files.values_mut().flat_map(|file| file.documents.values_mut()) {
            document.numbers_mut().for_each(|number| *number = numbers.number(self.id(*number)));
        }
        walk
    }
}

fn orders(walk: &KeptWalk) -> Orders {
    let order = |file: &KeptFile| {
        let mut order: Vec<(&KeptIdentity, &[u8; 32], u32)> =
            file.documents.iter().map(|(ordinal, document)| (&document.identity, &document.meaning, *ordinal)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, _, ordinal)| ordinal).collect()
    };
    walk.files.iter().map(|(path, file)| (path.clone(), order(file))).collect()
}

fn leaves(walk: &KeptWalk) -> usize {
    walk.files.values().flat_map(|file| file.documents.values()).map(|document| document.leaves.len() + 4).sum()
}

/// Adds what an older walk over the same commit asked for. What it knows of changes is better than nothing.
fn join(walk: &mut KeptWalk, mut old: KeptWalk) {
    if walk.since.is_none() {
        walk.since = old.since;
    }
    let is_of_same_tips = walk.since == old.since;
    for (path, file) in std::mem::take(&mut old.files) {
        let documents = &mut walk.files.entry(path).or_insert_with(|| KeptFile { blob: file.blob, documents: BTreeMap::new() }).documents;
        for (ordinal, mut document) in file.documents {
            if !is_of_same_tips {
                document.changed = KeptChange::Untold;
            }
            match documents.entry(ordinal) {
                std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(document)),
                std::collections::btree_map::Entry::Occupied(mut taken) if taken.get().changed == KeptChange::Untold => {
                    taken.get_mut().changed = document.changed;
                }
                std::collections::btree_map::Entry::Occupied(_) => {}
            }
        }
    }
}

/// Equal findings are equal bytes: commits by id, and only those that are named.
fn sorted(mut walks: Vec<KeptWalk>, numbers: &Numbers) -> Kept {
    let mut named: BTreeMap<ObjectId, u32> = BTreeMap::new();
    let mut each = |change: &mut dyn FnMut(&mut u32)| {
        for walk in &mut walks {
            change(&mut walk.commit);
            walk.files
                .values_mut()
                .flat_map(|file| file.documents.values_mut())
                .for_each(|document| document.numbers_mut().for_each(&mut *change));
        }
    };
    each(&mut |number| {
        named.insert(numbers.id(*number), 0);
    });
    named.values_mut().zip(0..).for_each(|(number, new)| *number = new);
    each(&mut |number| *number = named[&numbers.id(*number)]);
    Kept { commits: named.into_keys().map(Id).collect(), walks }
}

/// What a walk found, to be kept.
fn made(walked: &Walked, tips: &[ObjectId], changes: Option<&[Change]>, numbers: &mut Numbers) -> KeptWalk {
    let mut files: BTreeMap<Vec<u8>, KeptFile> = BTreeMap::new();
    for (index, question) in walked.questions.iter().enumerate() {
        let change = changes.and_then(|changes| changes.get(index));
        let document = document(walked, index, change, numbers);
        let file = files
            .entry(question.reference.path.as_bytes().to_vec())
            .or_insert_with(|| KeptFile { blob: Id(question.blob), documents: BTreeMap::new() });
        file.documents.insert(question.reference.ordinal, document);
    }
    // Where nobody remembers tips nothing is known of changes.
    let since = changes.filter(|_| tips.len() > 1).map(|_| digest(&tips[1..]));
    KeptWalk { commit: numbers.number(walked.source.tip), since, files }
}

fn document(walked: &Walked, index: usize, change: Option<&Change>, numbers: &mut Numbers) -> KeptDocument {
    let (question, answer) = (&walked.questions[index], &walked.answers[index]);
    let mut author = |authored: &Authored| match authored {
        Authored::By(number) => KeptAuthor::By(numbers.number(walked.credited[*number as usize])),
        Authored::BeforeHistory => KeptAuthor::BeforeHistory,
        Authored::Unreadable if walked.is_whole() => KeptAuthor::Unreadable,
        Authored::Unreadable => KeptAuthor::Open,
    };
    let leaf =
        |(leaf, authored): (&LeafMeaning, &Authored)| KeptLeaf { identity: leaf.identity, hash: leaf.hash, author: author(authored) };
    let leaves = question.leaves.iter().zip(&answer.leaves).map(leaf).collect();
    let author = author(&answer.document);
    let mut beside = |beside: Beside| match beside {
        Beside::Untold if walked.is_whole() => KeptBeside::Untold,
        Beside::Untold => KeptBeside::Open,
        Beside::Nobody => KeptBeside::Nobody,
        Beside::By(number) => KeptBeside::By(numbers.number(walked.credited[number as usize])),
    };
    let (touched, moved) = (beside(answer.touched), beside(answer.moved));
    let changed = match change {
        None | Some(Change::Untold) => KeptChange::Untold,
        Some(Change::Same) => KeptChange::Same,
        Some(Change::By(brought)) => KeptChange::By {
            by: numbers.number(brought.by),
            since: numbers.number(brought.since),
            superseded: brought.superseded,
            author: brought.author.map(|author| numbers.number(author)),
            reintroduced: brought.reintroduced,
        },
    };
    let identity = kept_identity(question.identity.clone());
    KeptDocument { identity, meaning: question.meaning, text: question.text, author, touched, moved, changed, leaves }
}

fn kept_identity(identity: Identity) -> KeptIdentity {
    match identity {
        Identity::Object(DocumentKey { group, kind, namespace, name }) => KeptIdentity::Object(group, kind, namespace, name),
        Identity::Place(place) => KeptIdentity::Place(place),
    }
}

/// Names a list of tips.
pub(super) fn digest(tips: &[ObjectId]) -> [u8; 32] {
    let mut digest = Sha256::new();
    tips.iter().for_each(|tip| digest.update(tip.as_bytes()));
    digest.finalize().into()
}

impl KeptDocument {
    /// The document as it was read from its blob.
    pub(super) fn tip(&self) -> Tip {
        let identity = match self.identity.clone() {
            KeptIdentity::Object(group, kind, namespace, name) => Identity::Object(DocumentKey { group, kind, namespace, name }),
            KeptIdentity::Place(place) => Identity::Place(place),
        };
        let leaves = self.leaves.iter().map(KeptLeaf::meaning).collect();
        Tip { identity, meaning: self.meaning, text: self.text, leaves }
    }
}

impl KeptLeaf {
    pub(super) fn meaning(&self) -> LeafMeaning {
        LeafMeaning { identity: self.identity, hash: self.hash }
    }
}

/// Looks commits up, of which only those that are there may be named.
pub(super) struct Confirmed<'a> {
    objects: &'a Objects,
    known: RefCell<HashMap<ObjectId, bool>>,
}

impl<'a> Confirmed<'a> {
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self { objects, known: RefCell::default() }
    }

    /// Whether a commit can be read.
    pub(super) fn is_there(&self, id: &ObjectId) -> bool {
        *self.known.borrow_mut().entry(*id).or_insert_with(|| self.objects.read(id, Kind::Commit).is_ok())
    }
}

/// What is known of a document's change from where it stood at an observed tip, and all that was asked of its author.
pub(super) fn change(earlier: &Earlier, walk: &KeptWalk, path: &[u8], question: &Question) -> Option<Change> {
    let mut documents = earlier.documents(walk, path, &question.identity, &question.meaning);
    let document = documents.next().filter(|document| document.meaning == question.meaning)?;
    match document.changed {
        KeptChange::Untold => None,
        KeptChange::Same => Some(Change::Same),
        KeptChange::By { by, since, superseded, author, reintroduced } => Some(Change::By(Brought {
            by: earlier.id(by),
            since: earlier.id(since),
            superseded,
            author: author.map(|author| earlier.id(author)),
            reintroduced,
        })),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::cache::{Id, Kept, KeptAuthor, KeptBeside, KeptChange, KeptDocument, KeptFile, KeptIdentity, KeptWalk};
    use super::super::version::Identity;
    use super::{Earlier, MOST_ALIKE};

    fn document(place: u32, meaning: u8) -> KeptDocument {
        let identity = KeptIdentity::Place(place);
        let (touched, moved, changed) = (KeptBeside::Nobody, KeptBeside::Nobody, KeptChange::Same);
        let author = KeptAuthor::Open;
        KeptDocument { identity, meaning: [meaning; 32], text: None, author, touched, moved, changed, leaves: Vec::new() }
    }

    /// A walk that found these documents in one file.
    fn earlier(documents: impl IntoIterator<Item = KeptDocument>) -> Earlier {
        let id = Id(gix::ObjectId::null(gix::hash::Kind::Sha1));
        let file = KeptFile { blob: id, documents: (0..).zip(documents).collect() };
        let walk = KeptWalk { commit: 0, since: None, files: BTreeMap::from([(b"a.yaml".to_vec(), file)]) };
        Earlier::of(Kept { commits: vec![id], walks: vec![walk] }, None)
    }

    fn meanings(earlier: &Earlier, place: u32, meaning: u8) -> Vec<u8> {
        let found = earlier.documents(&earlier.kept.walks[0], b"a.yaml", &Identity::Place(place), &[meaning; 32]);
        found.map(|document| document.meaning[0]).collect()
    }

    #[test]
    fn documents_are_found_by_what_they_name_those_first_that_mean_the_same() {
        let earlier = earlier([document(2, 1), document(1, 7), document(2, 3), document(2, 2)]);
        assert_eq!(meanings(&earlier, 2, 2), [2, 3, 1]);
        assert_eq!((meanings(&earlier, 1, 2), meanings(&earlier, 3, 2)), (vec![7], vec![]));
        assert_eq!(earlier.documents(&earlier.kept.walks[0], b"b.yaml", &Identity::Place(2), &[2; 32]).count(), 0);
    }

    #[test]
    fn in_a_file_of_many_documents_each_is_found() {
        const MANY: u32 = 100_000;
        let earlier = earlier((0..MANY).map(|place| document(place, 1)));
        assert!((0..MANY).all(|place| meanings(&earlier, place, 1) == [1]));
    }

    #[test]
    fn of_documents_that_name_the_same_only_some_are_looked_at() {
        let earlier = earlier((0..100).map(|meaning| document(1, meaning)));
        assert_eq!(meanings(&earlier, 1, 99).first(), Some(&99));
        assert_eq!(meanings(&earlier, 1, 99).len(), MOST_ALIKE);
    }
}
