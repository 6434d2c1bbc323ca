//! What is asked: documents as they are at the tip.

use std::collections::{BTreeSet, HashMap};

use gix::ObjectId;

use super::cache::KeptFile;
use super::version::{Identity, Tip, Versions};
use crate::document::LeafMeaning;
use crate::model::declaration::DocumentRef;
use crate::source::commit::links;
use crate::source::error::Result;
use crate::source::listing::{Listings, Node};

/// What is asked about one document: what it means at the tip, and how it is written there.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) reference: DocumentRef,
    /// The file at the tip.
    pub(super) blob: ObjectId,
    pub(super) identity: Identity,
    pub(super) meaning: [u8; 32],
    /// Absent where it has none of its own, so that nobody can be told to have written it otherwise.
    pub(super) text: Option<[u8; 16]>,
    pub(super) leaves: Vec<LeafMeaning>,
}

/// Reads the documents at the tip, in the order of their references, but for files that are known. The second half are those that are not there as asked.
pub(super) fn questions(
    tip: &ObjectId,
    wanted: &BTreeSet<DocumentRef>,
    listings: &Listings<'_>,
    versions: &Versions<'_>,
    known: HashMap<ObjectId, &KeptFile>,
) -> Result<(Vec<Question>, Vec<DocumentRef>)> {
    let root = links(listings.objects, tip)?.tree;
    let (mut questions, mut unreadable) = (Vec::new(), Vec::new());
    let mut files = Files { versions, known, last: None };
    for reference in wanted {
        let blob = match listings.find(&root, reference.path.as_bytes())? {
            Some((Node::File, blob)) => blob,
            _ => {
                unreadable.push(reference.clone());
                continue;
            }
        };
        match files.document(blob, reference.ordinal)? {
            Some(Tip { identity, meaning, text, leaves }) => {
                questions.push(Question { reference: reference.clone(), blob, identity, meaning, text, leaves });
            }
            None => unreadable.push(reference.clone()),
        }
    }
    Ok((questions, unreadable))
}

/// The files at the tip, read anew only where no earlier walk did.
struct Files<'a> {
    versions: &'a Versions<'a>,
    known: HashMap<ObjectId, &'a KeptFile>,
    last: Option<(ObjectId, Vec<Option<Tip>>)>,
}

impl Files<'_> {
    fn document(&mut self, blob: ObjectId, ordinal: u32) -> Result<Option<Tip>> {
        if let Some(document) = self.known.get(&blob).and_then(|file| file.documents.get(&ordinal)) {
            return Ok(Some(document.tip()));
        }
        if self.last.as_ref().is_none_or(|(last, _)| *last != blob) {
            self.last = Some((blob, self.versions.tip(&blob)?));
        }
        Ok(self.last.as_ref().and_then(|(_, tips)| tips.get(ordinal as usize)).and_then(Clone::clone))
    }
}
