//! Claims that an earlier walk answered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;

use super::Walk;
use crate::document::LeafMeaning;
use crate::model::evidence::Authored;
use crate::source::history::answer::Beside;
use crate::source::history::cache::{KeptAuthor, KeptBeside, KeptDocument, KeptWalk};
use crate::source::history::claim::{Claim, Files};
use crate::source::history::question::Question;
use crate::source::history::version::Identity;

impl Walk<'_> {
    /// Settles what an earlier walk found out about this commit, and returns the rest. `None` where it was stopped.
    pub(super) fn settle_known(&mut self, id: ObjectId, mut files: Files, stop: &AtomicBool) -> Option<Files> {
        let Some(known) = self.earlier.at(&id) else { return Some(files) };
        for (path, claims) in &mut files {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            claims.values_mut().for_each(|claim| self.settle_by(known, path, claim));
            claims.retain(|_, claim| !claim.is_empty());
        }
        files.retain(|_, claims| !claims.is_empty());
        Some(files)
    }

    fn settle_by(&mut self, known: &KeptWalk, path: &[u8], claim: &mut Claim) {
        let question = &self.questions[claim.document as usize];
        if claim.looking_through.is_some() {
            return;
        }
        let identity = claim.place.map_or_else(|| question.identity.clone(), Identity::Place);
        for document in self.earlier.documents(known, path, &identity, &question.meaning) {
            if document.meaning == question.meaning {
                self.settle_whole(document, question, claim);
            }
            self.settle_leaves(document, question, claim);
        }
    }

    fn settle_whole(&mut self, document: &KeptDocument, question: &Question, claim: &mut Claim) {
        if let Some(author) = self.known_author(document.author).filter(|_| claim.whole) {
            self.answers[claim.document as usize].document = author;
            claim.whole = false;
        }
        if let Some(beside) = self.known_beside(document.touched).filter(|_| claim.text && document.text == question.text) {
            self.answers[claim.document as usize].touched = beside;
            claim.text = false;
        }
        if let Some(beside) = self.known_beside(document.moved).filter(|_| claim.file) {
            self.answers[claim.document as usize].moved = beside;
            claim.file = false;
        }
    }

    fn settle_leaves(&mut self, document: &KeptDocument, question: &Question, claim: &mut Claim) {
        // Equal meanings have equal leaves in equal order.
        let by_position = document.meaning == question.meaning;
        let known: HashMap<LeafMeaning, KeptAuthor> = match by_position {
            true => HashMap::new(),
            false => document.leaves.iter().map(|leaf| (leaf.meaning(), leaf.author)).collect(),
        };
        let mut rest = Vec::new();
        for leaf in std::mem::take(&mut claim.leaves) {
            let author = match by_position {
                true => document.leaves.get(leaf as usize).map(|leaf| leaf.author),
                false => known.get(&question.leaves[leaf as usize]).copied(),
            };
            match author.and_then(|author| self.known_author(author)) {
                Some(author) => self.answers[claim.document as usize].leaves[leaf as usize] = author,
                None => rest.push(leaf),
            }
        }
        claim.leaves = rest;
    }

    fn known_author(&mut self, author: KeptAuthor) -> Option<Authored> {
        match author {
            KeptAuthor::Open => None,
            KeptAuthor::BeforeHistory => Some(Authored::BeforeHistory),
            KeptAuthor::Unreadable => Some(Authored::Unreadable),
            KeptAuthor::By(commit) => self.known_number(commit).map(Authored::By),
        }
    }

    fn known_beside(&mut self, beside: KeptBeside) -> Option<Beside> {
        match beside {
            KeptBeside::Open => None,
            KeptBeside::Untold => Some(Beside::Untold),
            KeptBeside::Nobody => Some(Beside::Nobody),
            KeptBeside::By(commit) => self.known_number(commit).map(Beside::By),
        }
    }

    /// The number of a commit that an earlier walk credits. One that is not there any more is credited with nothing.
    fn known_number(&mut self, commit: u32) -> Option<u32> {
        let id = self.earlier.id(commit);
        self.confirmed.is_there(&id).then(|| self.number(id))
    }
}
