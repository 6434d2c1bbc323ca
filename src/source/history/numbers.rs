//! Commits by number.

use std::collections::HashMap;

use gix::ObjectId;

/// Gives each commit a number, from 0.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    ids: Vec<ObjectId>,
    known: HashMap<ObjectId, u32>,
}

impl Numbers {
    /// Those commits have their positions as numbers; they are different ones.
    pub(super) fn new(ids: &[ObjectId]) -> Self {
        Self { ids: ids.to_vec(), known: ids.iter().copied().zip(0..).collect() }
    }

    /// The number of a commit.
    pub(super) fn number(&mut self, id: ObjectId) -> u32 {
        *self.known.entry(id).or_insert_with(|| {
            self.ids.push(id);
            u32::try_from(self.ids.len() - 1).expect("fewer commits than documents and leaves")
        })
    }

    /// The commit with a number.
    pub(super) fn id(&self, number: u32) -> ObjectId {
        self.ids[number as usize]
    }

    /// All of them, by number.
    pub(super) fn into_ids(self) -> Vec<ObjectId> {
        self.ids
    }
}
