//! What the walk finds out about one document.

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
