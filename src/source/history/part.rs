//! Several walks at once: claims know nothing of each other, so each walk takes the questions about some of the files.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::ObjectId;

use super::Versioned;
use super::answer::Answer;
use super::claim::Claim;
use super::earlier::Earlier;
use super::numbers::Numbers;
use super::question::Question;
use super::version::Versions;
use super::walk::{MOST_DAMAGES, Walk};
use crate::source::commit::Links;
use crate::source::error::{Error, Result};
use crate::source::listing::Listings;
use crate::threads;
use crate::yaml::Dialect;

/// So many parts for each walk at once, since some take far longer than others.
const EACH: usize = 6;
/// Fewer questions are not worth a walk of their own, which reads the commits once more.
const FEWEST: usize = 32;
/// More walks at once need more memory than they save time.
const MOST: usize = 8;

/// What walks found. Numbers point into `credited`.
pub(super) struct Answered {
    /// In the order of the questions.
    pub(super) answers: Vec<Answer>,
    pub(super) credited: Vec<ObjectId>,
    pub(super) damages: Vec<Error>,
    /// Whether all that was asked has an answer.
    pub(super) ended: bool,
}

/// What all parts of a walk share.
pub(super) struct Walking<'a> {
    pub(super) source: &'a Versioned,
    pub(super) dialect: Dialect,
    pub(super) shallow: &'a HashSet<ObjectId>,
    pub(super) earlier: &'a Earlier,
    pub(super) stop: &'a AtomicBool,
}

impl Walking<'_> {
    /// Answers all questions, which are sorted by file. `told` hears how many commits the longest walk took so far.
    pub(super) fn answered(&self, questions: &[Question], told: &(dyn Fn(usize) + Sync)) -> Result<Answered> {
        let threads = threads::processors().min(MOST);
        let parts = parts(questions, (threads * EACH).min(questions.len() / FEWEST).max(1));
        let (commits, folders, files) = (Links::memory(), Listings::memory(), Versions::memory());
        let longest = AtomicUsize::new(0);
        let told = |taken: usize| told(longest.fetch_max(taken, Ordering::Relaxed).max(taken));
        let found = threads::share(&parts, threads, |parts| {
            let objects = match self.source.layout.objects() {
                Ok(objects) => objects,
                Err(error) => return parts.next().map(|_| Err(error)).into_iter().collect(),
            };
            let links = Links::sharing(&objects, Arc::clone(&commits));
            let listings = Listings::sharing(&objects, Arc::clone(&folders));
            let versions = Versions::sharing(&objects, self.dialect, Arc::clone(&files));
            parts
                .map(|questions| {
                    self.part(questions, Walk::new(&links, &listings, &versions, self.shallow, questions, self.earlier), &told)
                })
                .collect()
        });
        joined(found)
    }

    fn part(&self, questions: &[Question], mut walk: Walk<'_>, told: &dyn Fn(usize)) -> Result<Answered> {
        for (index, question) in (0..).zip(questions) {
            walk.ask(self.source.tip, question.reference.path.as_bytes(), Claim::all(index, question))?;
        }
        let ended = walk.run(self.stop, told);
        let (answers, credited, damages) = walk.into_answers();
        Ok(Answered { answers, credited, damages, ended })
    }
}

/// Cuts questions into up to so many parts of about as many leaves; those about one file stay together.
fn parts(questions: &[Question], most: usize) -> Vec<&[Question]> {
    let weight = |questions: &[Question]| questions.iter().map(|question| question.leaves.len() + 1).sum::<usize>();
    let share = weight(questions).div_ceil(most);
    let (mut parts, mut start, mut end, mut taken) = (Vec::new(), 0, 0, 0);
    for file in questions.chunk_by(|one, other| one.reference.path == other.reference.path) {
        (end, taken) = (end + file.len(), taken + weight(file));
        if taken >= share {
            parts.push(&questions[start..end]);
            (start, taken) = (end, 0);
        }
    }
    if start < end {
        parts.push(&questions[start..end]);
    }
    parts
}

/// Makes one of all, in their order.
fn joined(found: Vec<Result<Answered>>) -> Result<Answered> {
    let mut numbers = Numbers::default();
    let mut all = Answered { answers: Vec::new(), credited: Vec::new(), damages: Vec::new(), ended: true };
    for part in found {
        let Answered { answers, credited, damages, ended } = part?;
        let known: Vec<u32> = credited.into_iter().map(|id| numbers.number(id)).collect();
        all.answers.extend(answers.into_iter().map(|answer| answer.renumbered(|number| known[number as usize])));
        // Several walks come upon the same object.
        for damage in damages {
            let is_told = all.damages.iter().any(|told| told.to_string() == damage.to_string());
            if !is_told && all.damages.len() < MOST_DAMAGES {
                all.damages.push(damage);
            }
        }
        all.ended &= ended;
    }
    all.credited = numbers.into_ids();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use gix::ObjectId;

    use super::{Answered, joined, parts};
    use crate::model::declaration::DocumentRef;
    use crate::model::evidence::Authored;
    use crate::source::history::answer::{Answer, Beside};
    use crate::source::history::question::Question;
    use crate::source::history::version::Identity;

    const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

    fn question(path: &str, ordinal: u32) -> Question {
        let reference = DocumentRef { source: "fleet".to_owned(), path: path.into(), ordinal };
        Question { reference, blob: ObjectId::null(HASH), identity: Identity::Place(0), meaning: [0; 32], text: None, leaves: Vec::new() }
    }

    #[test]
    fn parts_hold_every_question_once_and_never_part_a_file() {
        let questions: Vec<Question> = [("a", 3), ("b", 1), ("c", 5), ("d", 1)]
            .into_iter()
            .flat_map(|(path, documents)| (0..documents).map(move |ordinal| question(path, ordinal)))
            .collect();
        for most in 1..=12 {
            let parts = parts(&questions, most);
            assert!(parts.len() <= most && parts.iter().all(|part| !part.is_empty()), "{most}");
            let all: Vec<&DocumentRef> = parts.iter().copied().flatten().map(|question| &question.reference).collect();
            assert_eq!(all, questions.iter().map(|question| &question.reference).collect::<Vec<_>>());
            let ends = parts.windows(2).map(|pair| (&pair[0].last().unwrap().reference.path, &pair[1][0].reference.path));
            assert!(ends.into_iter().all(|(last, first)| last != first), "{most}");
        }
        assert!(parts(&[], 2).is_empty());
    }

    #[test]
    fn a_commit_that_two_walks_name_has_one_number() {
        let id = |byte: u8| ObjectId::from_bytes_or_panic(&[byte; 20]);
        let part = |credited: &[u8], author: u32, moved: u32| {
            let answer = Answer {
                document: Authored::By(author),
                leaves: [Authored::By(moved)].into(),
                touched: Beside::Nobody,
                moved: Beside::By(moved),
            };
            let credited = credited.iter().map(|byte| id(*byte)).collect();
            Ok(Answered { answers: vec![answer], credited, damages: Vec::new(), ended: true })
        };
        let all = joined(vec![part(&[1, 2], 0, 1), part(&[3, 2], 1, 0)]).unwrap();
        let named = |number: u32| all.credited[number as usize];
        let told: Vec<_> = all
            .answers
            .iter()
            .map(|answer| match (answer.document, answer.moved, answer.leaves[0]) {
                (Authored::By(author), Beside::By(moved), Authored::By(leaf)) => (named(author), named(moved), named(leaf)),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((told, all.credited.len()), (vec![(id(1), id(2), id(2)), (id(2), id(3), id(3))], 3));
    }
}
