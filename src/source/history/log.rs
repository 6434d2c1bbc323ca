//! All changes of documents back through the history, by meaning: what `git log --follow -p` is to lines.
//!
//! A document *stands* in one file at one commit. Where a parent has it with the same meaning, nothing changed, and only the first
//! such parent is followed: so a merge that took a side is no change, and the side that was taken is followed. Where no parent
//! has it so, the commit changed it, and every parent that has it is followed; of a merge only what no parent has is told. Files
//! are moved, split and renamed as in the walk (see the parent module), which finds the same authors.
//!
//! - **Versions without a meaning** are looked through: where it means the same before and after, nothing changed; else the change
//!   was made either there or after (`Doubt::UnreadableVersion`), and nobody is credited.
//! - **Objects that are not there** credit nobody either (`Doubt::UnreadableHistory`), nor does the end of a shallow clone.
//! - **Order.** A commit stands before all that it descends from, whatever the dates; dates order the rest.

mod trail;
mod values;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;

use self::trail::{Change, Place, Standing, Trail};
use self::values::Values;
use super::version::{Sought, Versions};
use super::{SourceHistories, Versioned, give_up, questions, told_of};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::DocumentRef;
use crate::model::log::{DocumentChange, FieldChange, Log, LogEnd};
use crate::model::object::Manifest;
use crate::secret::Redactor;
use crate::source::commit::{self, links};
use crate::source::error::Result;
use crate::source::listing::Listings;
use crate::yaml::Dialect;

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
    let (questions, unreadable) = questions(&source.tip, wanted.documents, &listings, &versions, HashMap::new())?;
    unreadable.iter().for_each(|reference| give_up(reference, &mut found));
    let mut trail = Trail::new(&listings, &versions, &shallow);
    let tip = links(&objects, &source.tip)?;
    for (document, question) in questions.iter().enumerate() {
        let sought = Sought { identity: question.identity.clone(), meaning: question.meaning };
        let path = question.reference.path.as_bytes().into();
        trail.hand_over(source.tip, &tip, Standing::Here(Place { document, path, blob: question.blob, sought }));
    }
    trail.run(stop, told);
    let order = trail.order();
    let Trail { mut changes, ends, damages, .. } = trail;
    found.not_evaluated.extend(damages.iter().map(|error| told_of(&source.source, error)));
    changes.sort_by_key(|change| (order.get(&change.commits[0]).copied(), change.after.document));
    let omitted = limited(&mut changes, wanted.limit);
    let credited: BTreeSet<ObjectId> = changes.iter().flat_map(|change| change.commits.clone()).collect();
    for id in &credited {
        found.commits.push(commit::commit(id, &source.source, objects.read(id, gix::objs::Kind::Commit)?));
    }
    let number: HashMap<ObjectId, u32> = credited.into_iter().zip(0..).collect();
    let references: Vec<DocumentRef> = questions.into_iter().map(|question| question.reference).collect();
    let mut values = Values::new(&versions, wanted);
    let told = |change| values.told(change, &references, &number, stop);
    let changes: Vec<DocumentChange> = changes.into_iter().map(told).collect::<Result<_>>()?;
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
