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
//! - **Who only wrote it otherwise.** The text of a document and the file that it stands in are asked for in the same way. Where
//!   a commit gave it the one or the other and a parent has it with the same meaning, that commit is told beside the author.

mod answer;
mod cache;
mod changed;
mod claim;
mod earlier;
mod log;
mod moves;
mod numbers;
mod part;
mod question;
mod survey;
mod trees;
mod version;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use gix::ObjectId;

use super::ancestry::Reach;
use super::commit;
use super::error::{Error, Result};
use super::git::Layout;
use super::listing::Listings;
use crate::model::commit::Commit;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, SourceId};
use crate::model::evidence::{Authored, Changed, DocumentHistory, ObservedTip, Tip};
use crate::model::tag::Tag;
use crate::yaml::Dialect;

use self::answer::{Answer, Change};
use self::cache::Frame;
use self::earlier::{Confirmed, Earlier};
pub(super) use self::log::{Wanted, log};
use self::numbers::Numbers;
use self::part::{Answered, Walking};
use self::question::{Question, questions};
pub(super) use self::survey::survey;
use self::version::Versions;

/// A source whose history can be walked.
#[derive(Clone, Debug)]
pub(super) struct Versioned {
    pub(super) source: SourceId,
    pub(super) layout: Layout,
    pub(super) tip: ObjectId,
    /// What the repository is called: a remote by its URL, one on this machine by its absolute path.
    pub(super) address: String,
    /// The reference that led to the tip. Absent where a commit was asked for.
    pub(super) named: Option<Tip>,
    /// Whether a branch or tag leads to the tip, where it was asked for by its id.
    pub(super) reach: Reach,
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

impl Versioned {
    /// Where the same branch was seen to stand at or after a moment, and when, oldest first.
    pub(super) fn seen_since(&self, moment: DateTime<Utc>, observed: &[ObservedTip]) -> Vec<(DateTime<Utc>, ObjectId)> {
        let Some(named) = self.named.as_ref().filter(|named| !named.reference.starts_with("refs/tags/")) else { return Vec::new() };
        let is_same = |old: &&ObservedTip| old.tip.url == named.url && old.tip.reference == named.reference && old.observed >= moment;
        let seen = |old: &ObservedTip| Some((old.observed, ObjectId::from_hex(old.tip.commit.as_str().as_bytes()).ok()?));
        observed.iter().filter(is_same).filter_map(seen).collect()
    }
}

/// The histories of one source. Their numbers point into `commits`.
#[derive(Debug, Default)]
pub(super) struct SourceHistories {
    /// Sorted by id.
    pub(super) commits: Vec<Commit>,
    pub(super) documents: HashMap<DocumentRef, DocumentHistory>,
    pub(super) not_evaluated: Vec<NotEvaluated>,
}

/// What a walk over one source found. Its numbers point into `credited`.
#[derive(Debug)]
pub(super) struct Walked {
    source: Versioned,
    dialect: Dialect,
    questions: Vec<Question>,
    /// In the order of the questions.
    answers: Vec<Answer>,
    credited: Vec<ObjectId>,
    /// Documents that are not there as asked.
    unreadable: Vec<DocumentRef>,
    /// Whether all that was asked has an answer.
    ended: bool,
    /// Whether something could not be read on the way that another run may find whole.
    damaged: bool,
    not_evaluated: Vec<NotEvaluated>,
    earlier: Earlier,
}

/// What brought documents onto their branch, in the order of the questions.
pub(super) type Changes = Vec<Change>;

/// Walks the history of one source, as far as no earlier walk did whose answers lie in the folder. `told` hears how many commits
/// were taken.
pub(super) fn walked(
    source: Versioned,
    dialect: Dialect,
    wanted: &BTreeSet<DocumentRef>,
    folder: Option<&Path>,
    stop: &AtomicBool,
    told: &(dyn Fn(usize) + Sync),
) -> Result<Walked> {
    let objects = source.layout.objects()?;
    let shallow = source.layout.shallow()?;
    let listings = Listings::new(&objects);
    let versions = Versions::new(&objects, dialect);
    let frame = Frame::of(&source.address, dialect, shallow.iter().copied());
    let earlier = Earlier::read(folder.zip(frame).map(|(folder, frame)| (frame.file(&source.source, folder), frame)));
    let (questions, unreadable) = questions(&source.tip, wanted, &listings, &versions, earlier.files())?;
    let walking = Walking { source: &source, dialect, shallow: &shallow, earlier: &earlier, stop };
    let Answered { answers, credited, damages, ended } = walking.answered(&questions, told)?;
    let mut not_evaluated: Vec<NotEvaluated> = damages.iter().map(|error| told_of(&source.source, error)).collect();
    if !ended {
        let text = "open questions of its history count as unreadable, and what changed documents between observed tips is not told; raise \
                    the timeout";
        not_evaluated.push(NotEvaluated::new(Stage::History, &source.source, "timed out").with_detail(text));
    }
    let damaged = !damages.is_empty();
    Ok(Walked { source, dialect, questions, answers, credited, unreadable, ended, damaged, not_evaluated, earlier })
}

impl Walked {
    /// Whether it is worth while to look for changes between these tips, which are those of [`Versioned::tips`].
    pub(super) fn may_have_changes(&self, tips: &[ObjectId]) -> bool {
        self.ended && tips.len() > 1
    }

    /// Whether the answers follow from the history alone, so that they hold for ever.
    fn is_whole(&self) -> bool {
        self.ended && !self.damaged
    }

    /// Looks for what brought each document onto its branch: all of it, or an error.
    pub(super) fn changes(&self, tips: &[ObjectId], stop: &AtomicBool) -> Result<Changes> {
        let objects = self.source.layout.objects()?;
        let listings = Listings::new(&objects);
        let versions = Versions::new(&objects, self.dialect);
        let authors = self.answers.iter().map(|answer| match answer.document {
            Authored::By(number) => Some(self.credited[number as usize]),
            Authored::BeforeHistory | Authored::Unreadable => None,
        });
        let authors: Vec<_> = authors.collect();
        let search = changed::Search {
            listings: &listings,
            versions: &versions,
            questions: &self.questions,
            earlier: &self.earlier,
            confirmed: Confirmed::new(&objects),
            stop,
        };
        search.brought(tips, &authors)
    }

    /// All that is told: the answers, what changed documents, and the commits that are named.
    pub(super) fn histories(&self, tips: &[ObjectId], changes: Result<Changes>) -> Result<SourceHistories> {
        self.earlier.keep(self, tips, changes.as_deref().ok());
        let mut found = SourceHistories { not_evaluated: self.not_evaluated.clone(), ..SourceHistories::default() };
        let changes = changes.unwrap_or_else(|error| {
            found.not_evaluated.push(unchanged(&self.source.source, &error));
            Changes::new()
        });
        let mut commits = Numbers::new(&self.credited);
        let mut histories: Vec<DocumentHistory> = Vec::with_capacity(self.answers.len());
        for (index, answer) in self.answers.iter().enumerate() {
            let changed = match changes.get(index) {
                Some(Change::By(brought)) => Some(Changed { by: commits.number(brought.by), reintroduced: brought.reintroduced }),
                Some(Change::Same | Change::Untold) | None => None,
            };
            histories.push(answer.clone().history(changed));
        }
        let numbers = add_commits(&self.source, &commits, &mut histories, &mut found)?;
        for (question, mut history) in self.questions.iter().zip(histories) {
            history.commits_mut().for_each(|commit| *commit = numbers[commit]);
            found.documents.insert(question.reference.clone(), history);
        }
        self.unreadable.iter().for_each(|reference| give_up(reference, &mut found));
        Ok(found)
    }
}

fn told_of(source: &SourceId, error: &Error) -> NotEvaluated {
    NotEvaluated::new(Stage::History, source, error.reason()).with_detail(error.to_string())
}

fn unchanged(source: &SourceId, error: &Error) -> NotEvaluated {
    match error {
        Error::TimedOut(_) => {
            let text = "what changed documents between observed tips is not told; raise the timeout";
            NotEvaluated::new(Stage::History, source, error.reason()).with_detail(text)
        }
        error => told_of(source, error),
    }
}

fn give_up(reference: &DocumentRef, found: &mut SourceHistories) {
    let subject = format!("{}: {} (document {})", reference.source, reference.path, reference.ordinal + 1);
    found.not_evaluated.push(NotEvaluated::new(Stage::History, subject, "document unreadable"));
    found.documents.insert(reference.clone(), Answer::unknown(0).history(None));
}

/// Reads the commits that are named and sorts them; returns the new number of each.
fn add_commits(
    source: &Versioned,
    ids: &Numbers,
    histories: &mut [DocumentHistory],
    found: &mut SourceHistories,
) -> Result<HashMap<u32, u32>> {
    let objects = source.layout.objects()?;
    let named: BTreeSet<(ObjectId, u32)> =
        histories.iter_mut().flat_map(DocumentHistory::commits_mut).map(|commit| (ids.id(*commit), *commit)).collect();
    let mut numbers = HashMap::new();
    for (number, (id, old)) in (0..).zip(named) {
        numbers.insert(old, number);
        found.commits.push(commit::commit(&id, &source.source, objects.read(&id, gix::objs::Kind::Commit)?));
    }
    Ok(numbers)
}
