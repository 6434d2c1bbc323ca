//! Who wrote each document and each leaf of it, by meaning: one walk from the tip back through the history.
//!
//! Every open question, "who made this document what it means" or "who gave this leaf its value", is a *claim* that stands at
//! one commit: there the document means what it means at the tip, or the leaf has the value it has at the tip. A claim moves to
//! the first parent in which that is so too; where it is so in no parent, the commit is the author. So a claim is at one commit
//! at a time, and the order in which commits are taken (youngest first, by what committers claim) only saves work: no date can
//! change an answer. Whole folders of claims move together where two commits have the same folder.
//!
//! - **Which document.** In a parent the document is looked for in the same file by what it names (group, kind, namespace, name;
//!   by its place among its like where it names nothing). Only where no parent has it there, files that changed between parent and
//!   commit and lost that document are searched: so moving, splitting and renaming files makes no author, and copying does.
//! - **Versions without a meaning.** A text that cannot be read as YAML has no meaning, and nothing could apply it. The walk
//!   looks through such a version: what is the same before and after it keeps its author, since nothing that could be applied
//!   ever differed. What differs before it was written either there or after, which cannot be told: [`Authored::Unreadable`].
//!   A commit whose version cannot be read is never credited.
//! - **Objects that are not there** (damaged or partly cloned repositories) are no evidence: what would have to be compared with
//!   them is unreadable. At the end of a shallow clone it is [`Authored::BeforeHistory`], and the boundary is never credited.
//! - **Merges.** A merge is the author only of what differs from all its parents.

mod changed;
mod moves;
mod survey;
mod trees;
mod version;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;

use super::ancestry::is_within;
use super::commit;
use super::error::{Error, Result};
use super::git::Layout;
use super::listing::{Listings, Node};
use crate::document::LeafMeaning;
use crate::model::commit::Commit;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, SourceId, TreePath};
use crate::model::evidence::{Authored, Changed, DocumentHistory, ObservedTip, Tip};
use crate::model::tag::Tag;
use crate::yaml::Dialect;

pub(super) use self::survey::survey;
use self::version::{Identity, Versions};
use self::walk::{Claim, Walk};

/// A source whose history can be walked.
#[derive(Clone, Debug)]
pub(super) struct Versioned {
    pub(super) source: SourceId,
    pub(super) layout: Layout,
    pub(super) tip: ObjectId,
    /// The reference that led to the tip. Absent where a commit was asked for.
    pub(super) named: Option<Tip>,
    /// The tag object that led there.
    pub(super) tag: Option<Tag>,
}

impl Versioned {
    /// The tips of the same branch that were observed, newest first, the present one before all.
    pub(super) fn tips(&self, observed: &[ObservedTip]) -> Vec<ObjectId> {
        let mut tips = vec![self.tip];
        // A tag does not grow; where it moved, that is found.
        let Some(named) = self.named.as_ref().filter(|named| !named.reference.starts_with("refs/tags/")) else { return tips };
        let of_branch = observed.iter().rev().map(|old| &old.tip).filter(|old| old.url == named.url && old.reference == named.reference);
        tips.extend(of_branch.filter_map(|old| ObjectId::from_hex(old.commit.as_str().as_bytes()).ok()));
        tips.dedup();
        tips
    }
}

/// The histories of one source. `Authored::By` points into `commits`.
#[derive(Debug, Default)]
pub(super) struct SourceHistories {
    /// Sorted by id.
    pub(super) commits: Vec<Commit>,
    pub(super) documents: HashMap<DocumentRef, DocumentHistory>,
    pub(super) not_evaluated: Vec<NotEvaluated>,
}

/// What is asked about one document: what it means at the tip.
#[derive(Debug)]
struct Question {
    reference: DocumentRef,
    identity: Identity,
    meaning: [u8; 32],
    leaves: Vec<LeafMeaning>,
}

/// Walks the history of one source, and looks for what changed documents between observed tips, newest first. `told` hears how many commits were taken.
pub(super) fn histories(
    source: &Versioned,
    dialect: Dialect,
    wanted: &BTreeSet<DocumentRef>,
    tips: &[ObjectId],
    stop: &AtomicBool,
    told: &dyn Fn(usize),
) -> Result<SourceHistories> {
    let objects = source.layout.objects()?;
    let shallow = source.layout.shallow()?;
    let listings = Listings::new(&objects);
    let versions = Versions::new(&objects, dialect);
    let mut found = SourceHistories::default();
    let questions = questions(source, wanted, &listings, &versions, &mut found)?;
    let mut walk = Walk::new(&listings, &versions, &shallow, &questions);
    for (index, question) in (0..).zip(&questions) {
        walk.ask(source.tip, question.reference.path.as_bytes(), Claim::all(index, question))?;
    }
    let ended = walk.run(stop, told);
    let (mut answers, mut credited, damages) = walk.into_answers();
    found.not_evaluated.extend(damages.into_iter().map(|error| told_of(&source.source, &error)));
    if !ended {
        let text = "open questions of its history count as unreadable; raise the timeout";
        found.not_evaluated.push(NotEvaluated::new(Stage::History, &source.source, "timed out").with_detail(text));
    }
    if ended && tips.len() > 1 {
        let search = changed::Search { listings: &listings, versions: &versions, questions: &questions, stop };
        if let Err(error) = add_changes(&search, tips, &mut answers, &mut credited) {
            let text = "what changed documents between observed tips is not told; raise the timeout";
            found.not_evaluated.push(match error {
                Error::TimedOut(_) => NotEvaluated::new(Stage::History, &source.source, "timed out").with_detail(text),
                error => told_of(&source.source, &error),
            });
        }
    }
    let numbers = add_commits(source, &objects, &credited, &mut found)?;
    for (question, mut history) in questions.into_iter().zip(answers) {
        for authored in std::iter::once(&mut history.document).chain(&mut history.leaves) {
            if let Authored::By(number) = authored {
                *number = numbers[*number as usize];
            }
        }
        if let Some(changed) = &mut history.changed {
            changed.by = numbers[changed.by as usize];
        }
        found.documents.insert(question.reference, history);
    }
    Ok(found)
}

/// Adds to the answers what brought each document onto the branch.
fn add_changes(
    search: &changed::Search<'_>,
    tips: &[ObjectId],
    answers: &mut [DocumentHistory],
    credited: &mut Vec<ObjectId>,
) -> Result<()> {
    let mut numbers: HashMap<ObjectId, u32> = credited.iter().copied().zip(0..).collect();
    let mut within: HashMap<(ObjectId, ObjectId), bool> = HashMap::new();
    let found = search.changed(tips)?;
    for (answer, changed) in answers.iter_mut().zip(found) {
        let Some(changed) = changed else { continue };
        let author = match answer.document {
            // Who wrote it anew on this branch brought nothing back.
            Authored::By(number) if changed.superseded => credited.get(number as usize).copied().filter(|author| *author != changed.by),
            _ => None,
        };
        let reintroduced = match author.map(|author| (author, changed.since)) {
            None => false,
            Some(key) => match within.get(&key) {
                Some(known) => *known,
                None => {
                    let known = is_within(search.listings.objects, key.0, key.1, search.stop)?;
                    within.insert(key, known);
                    known
                }
            },
        };
        let by = *numbers.entry(changed.by).or_insert_with(|| {
            credited.push(changed.by);
            u32::try_from(credited.len() - 1).expect("fewer commits than documents and leaves")
        });
        answer.changed = Some(Changed { by, reintroduced });
    }
    Ok(())
}

fn told_of(source: &SourceId, error: &Error) -> NotEvaluated {
    NotEvaluated::new(Stage::History, source, error.reason()).with_detail(error.to_string())
}

/// Reads the documents at the tip. One that is not there as asked is told and left unreadable.
fn questions(
    source: &Versioned,
    wanted: &BTreeSet<DocumentRef>,
    listings: &Listings<'_>,
    versions: &Versions<'_>,
    found: &mut SourceHistories,
) -> Result<Vec<Question>> {
    let raw = listings.objects.read(&source.tip, gix::objs::Kind::Commit)?;
    let damaged = || Error::Corrupt { id: source.tip.to_string(), problem: "it names no folder".into() };
    let root = commit::skeleton(&raw).ok_or_else(damaged)?.tree;
    let mut questions = Vec::new();
    let mut last: Option<(&TreePath, Vec<Option<version::Tip>>)> = None;
    for reference in wanted {
        if last.as_ref().is_none_or(|(path, _)| **path != reference.path) {
            let tips = match listings.find(&root, reference.path.as_bytes())? {
                Some((Node::File, id)) => versions.tip(&id)?,
                _ => Vec::new(),
            };
            last = Some((&reference.path, tips));
        }
        let tips = last.as_mut().map(|(_, tips)| tips).and_then(|tips| tips.get_mut(reference.ordinal as usize));
        match tips.and_then(Option::take) {
            Some(tip) => {
                let version::Tip { identity, meaning, leaves } = tip;
                questions.push(Question { reference: reference.clone(), identity, meaning, leaves });
            }
            None => give_up(reference, found),
        }
    }
    Ok(questions)
}

fn give_up(reference: &DocumentRef, found: &mut SourceHistories) {
    let subject = format!("{}: {} (document {})", reference.source, reference.path, reference.ordinal + 1);
    found.not_evaluated.push(NotEvaluated::new(Stage::History, subject, "document unreadable"));
    found.documents.insert(reference.clone(), DocumentHistory { document: Authored::Unreadable, leaves: Box::default(), changed: None });
}

/// Reads the credited commits and sorts them; returns the new number of each.
fn add_commits(source: &Versioned, objects: &super::git::Objects, credited: &[ObjectId], found: &mut SourceHistories) -> Result<Vec<u32>> {
    let mut order: Vec<usize> = (0..credited.len()).collect();
    order.sort_by_key(|index| credited[*index]);
    let mut numbers = vec![0; credited.len()];
    for (number, index) in (0..).zip(order) {
        numbers[index] = number;
        let raw = objects.read(&credited[index], gix::objs::Kind::Commit)?;
        found.commits.push(commit::commit(&credited[index], &source.source, raw));
    }
    Ok(numbers)
}
