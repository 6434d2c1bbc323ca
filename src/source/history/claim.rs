//! Open questions about a document, and how they part ways.

use std::collections::BTreeMap;

use super::question::Question;
use super::version::{Identity, Sought, Version};

/// Open questions about one document that stand at one commit. The answers depend on the commit, the file, what names the
/// document there and what is asked for, and on nothing behind the way that led there.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Index of the question.
    pub(super) document: u32,
    /// Its place among the nameless documents of the file, where it names nothing.
    pub(super) place: Option<u32>,
    /// Whether it is asked who made the document mean what it means.
    pub(super) whole: bool,
    /// Whether it is asked who wrote it so. Only where it means what it means at the tip.
    pub(super) text: bool,
    /// Whether it is asked who put it into this file. Only where it means what it means at the tip.
    pub(super) file: bool,
    /// The leaves that are asked for, ascending.
    pub(super) leaves: Vec<u32>,
    /// Where the version at this commit has no meaning, so that the walk looks through it: what the document means where it
    /// could be read last.
    pub(super) looking_through: Option<[u8; 32]>,
}

/// By what claims of one file are told apart.
type Key = (u32, Option<u32>, Option<[u8; 32]>);
/// The claims of one file.
pub(super) type Claims = BTreeMap<Key, Claim>;
/// Claims by file.
pub(super) type Files = BTreeMap<Box<[u8]>, Claims>;

/// A claim after a look at another version.
pub(super) struct Divided {
    /// What is so there too.
    pub(super) same: Option<Claim>,
    pub(super) rest: Option<Claim>,
    /// Whether the document means there what it means at the tip.
    pub(super) means: bool,
    /// Whether it means that there and cannot be told how it is written.
    pub(super) unwritten: bool,
}

impl Claim {
    /// All that can be asked about a document.
    pub(super) fn all(document: u32, question: &Question) -> Self {
        let place = match question.identity {
            Identity::Place(place) => Some(place),
            Identity::Object(_) => None,
        };
        let count = u32::try_from(question.leaves.len()).expect("a file of 16 MiB has fewer leaves");
        Self {
            document,
            place,
            whole: true,
            text: question.text.is_some(),
            file: true,
            leaves: (0..count).collect(),
            looking_through: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.whole && !self.text && !self.file && self.leaves.is_empty()
    }

    /// Whether the document is known to mean at the commit what it means at the tip.
    pub(super) fn is_of_whole(&self) -> bool {
        self.whole || self.text || self.file
    }

    /// Divides into what is so in another version too, and the rest.
    pub(super) fn divided(self, question: &Question, sought: &Sought, other: &Version, is_same_file: bool) -> Divided {
        let Some(found) = other.find(sought) else { return Divided { same: None, rest: Some(self), means: false, unwritten: false } };
        let means = found.means(&question.meaning);
        let written = found.is_written(&question.meaning, question.text);
        let text = written == Some(true);
        let file = means && is_same_file;
        let (same, rest): (Vec<u32>, Vec<u32>) = self.leaves.iter().partition(|leaf| means || found.has(&question.leaves[**leaf as usize]));
        let same = Self {
            place: found.place(),
            whole: self.whole && means,
            text: self.text && text,
            file: self.file && file,
            leaves: same,
            looking_through: None,
            ..self
        };
        let rest = Self { whole: self.whole && !means, text: self.text && !text, file: self.file && !file, leaves: rest, ..self };
        let open = |claim: Self| Some(claim).filter(|claim| !claim.is_empty());
        Divided { same: open(same), rest: open(rest), means, unwritten: written.is_none() }
    }

    fn join(&mut self, other: Self) {
        self.whole |= other.whole;
        self.text |= other.text;
        self.file |= other.file;
        self.leaves.extend(other.leaves);
        self.leaves.sort_unstable();
    }
}

/// Puts a claim to those of its file.
pub(super) fn add(files: &mut Files, path: Box<[u8]>, claim: Claim) {
    match files.entry(path).or_default().entry((claim.document, claim.place, claim.looking_through)) {
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(claim);
        }
        std::collections::btree_map::Entry::Occupied(mut taken) => taken.get_mut().join(claim),
    }
}
