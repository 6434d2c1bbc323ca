//! What the walk finds out about one document.

use gix::ObjectId;

use crate::model::evidence::{Authored, Changed, DocumentHistory};

/// What a commit did beside authors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// It cannot be told.
    Untold,
    /// There is none.
    Nobody,
    /// By number of the commit.
    By(u32),
}

/// Answers by numbers of commits.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) document: Authored,
    /// In the order of the question's leaves.
    pub(super) leaves: Box<[Authored]>,
    /// Which commit gave the document the text that it has, and only that.
    pub(super) touched: Beside,
    /// Which commit put the document into its file, and only that.
    pub(super) moved: Beside,
}

impl Answer {
    /// Nothing is known of a document with so many leaves.
    pub(super) fn unknown(leaves: usize) -> Self {
        let leaves = vec![Authored::Unreadable; leaves].into();
        Self { document: Authored::Unreadable, leaves, touched: Beside::Untold, moved: Beside::Untold }
    }

    /// The same with other numbers.
    pub(super) fn renumbered(mut self, number: impl Fn(u32) -> u32) -> Self {
        for authored in std::iter::once(&mut self.document).chain(&mut self.leaves) {
            if let Authored::By(commit) = authored {
                *commit = number(*commit);
            }
        }
        for beside in [&mut self.touched, &mut self.moved] {
            if let Beside::By(commit) = beside {
                *commit = number(*commit);
            }
        }
        self
    }

    /// The history as it is told: beside an author who is not known nobody is named.
    pub(super) fn history(self, changed: Option<Changed>) -> DocumentHistory {
        let is_told = matches!(self.document, Authored::By(_));
        let told = |beside| match beside {
            Beside::By(number) if is_told => Some(number),
            _ => None,
        };
        DocumentHistory { document: self.document, touched: told(self.touched), moved: told(self.moved), leaves: self.leaves, changed }
    }
}

/// What is found out about what brought a document onto its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Change {
    /// It cannot be told.
    Untold,
    /// It means the same at all tips that can be looked at.
    Same,
    /// A commit did.
    By(Brought),
}

/// What brought a document to what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Brought {
    pub(super) by: ObjectId,
    /// The observed tip before.
    pub(super) since: ObjectId,
    /// Whether the document meant something else at that tip, or was not there.
    pub(super) superseded: bool,
    /// The author of whom `reintroduced` tells; none where it is not known for sure.
    pub(super) author: Option<ObjectId>,
    /// Whether its author's commit was in the history of the older tip already, where it had come to mean something else.
    pub(super) reintroduced: bool,
}
