//! Who made an object part of what is built: the authors of the entries in kustomizations that lead to its document.
//!
//! The newest of them put it there. Which one that is only the history tells: a date is what anybody can write. Where none of
//! them descends from all the others, none is named, and the object is proven no better than any of them.

use std::collections::{BTreeMap, BTreeSet};

use super::weighed::{Weighed, objections};
use super::{Against, Evidence};
use crate::model::attribution::{Breaches, Objection, Verdict};
use crate::model::commit::{CommitId, SourceId};
use crate::model::declaration::{Declaration, Entry};
use crate::model::evidence::{Authored, Histories};
use crate::model::object::ObjectId;
use crate::model::trust::Place;

const ACTIVATION: &str = "activation";

/// What entries of kustomizations say about an object.
pub(super) struct Activation {
    /// The commit that made it part of what is built.
    pub(super) by: Option<CommitId>,
    /// The best verdict that the object can have; none where nobody has to have activated it.
    pub(super) limit: Option<Verdict>,
    /// What the policy has against it.
    pub(super) against: Breaches,
    /// The reason: where there is a limit, told where that makes the verdict worse. Empty where there is none.
    pub(super) phrase: &'static str,
}

impl Activation {
    fn of(limit: Option<Verdict>, phrase: &'static str) -> Self {
        Self { by: None, limit, against: Breaches::default(), phrase }
    }
}

/// The authors of the entries that lead to an object.
enum Authors<'a> {
    /// It is there by itself.
    Nobody,
    /// Its entries are older than the history, and with them whoever wrote one.
    BeforeHistory,
    /// Somebody, by entries that cannot be told.
    Unknown,
    /// Somebody, of whom the history does not tell who.
    Untold,
    /// Commits, with the entries that each wrote.
    Commits(BTreeMap<u32, Vec<&'a Entry>>),
}

fn authors<'a>(declaration: &'a Declaration, histories: &Histories) -> Authors<'a> {
    let mut commits: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
    let Some(entries) = &declaration.drawn_by else { return Authors::Unknown };
    for entry in entries {
        let Some(history) = histories.documents.get(&entry.document) else { return Authors::Untold };
        match history.leaves.get(entry.leaf as usize) {
            Some(Authored::By(commit)) => commits.entry(*commit).or_default().push(entry),
            Some(Authored::BeforeHistory) => {}
            Some(Authored::Unreadable) | None => return Authors::Untold,
        }
        // Who brought an old kustomization back brought its entries back.
        if let Some(changed) = history.changed.filter(|changed| changed.reintroduced) {
            commits.entry(changed.by).or_default().push(entry);
        }
    }
    match (entries.is_empty(), commits.is_empty()) {
        (true, _) => Authors::Nobody,
        (false, true) => Authors::BeforeHistory,
        (false, false) => Authors::Commits(commits),
    }
}

/// The sets of commits of which it has to be known which one descends from all the others, to say who activated something.
pub fn activators(declarations: &[Declaration], histories: &Histories) -> BTreeSet<(SourceId, BTreeSet<CommitId>)> {
    let several = |declaration| match authors(declaration, histories) {
        Authors::Commits(commits) if commits.len() > 1 => key(declaration, &commits, histories),
        _ => None,
    };
    declarations.iter().filter_map(several).collect()
}

type Key = (SourceId, BTreeSet<CommitId>);

fn key(declaration: &Declaration, commits: &BTreeMap<u32, Vec<&Entry>>, histories: &Histories) -> Option<Key> {
    let ids: Option<BTreeSet<CommitId>> =
        commits.keys().map(|commit| histories.commits.get(*commit as usize).map(|commit| commit.id.clone())).collect();
    Some((declaration.source.clone(), ids?))
}

impl<'a> Evidence<'a> {
    /// Who activated an object, and what that means for it. `tell` hears what the policy has against each commit.
    pub(super) fn activation(&self, declaration: &Declaration, mut tell: impl FnMut(Option<u32>, Against)) -> Activation {
        let commits = match authors(declaration, self.histories) {
            Authors::Nobody => return Activation::of(None, ""),
            Authors::BeforeHistory => return Activation::of(None, "activation-before-history"),
            unknown @ (Authors::Unknown | Authors::Untold) => {
                let phrase = if matches!(unknown, Authors::Unknown) { "activation-unknown" } else { ACTIVATION };
                let mut activation = Activation::of(Some(Verdict::Unverifiable), phrase);
                let against = objections(self.judging.trust, None, &self.place(declaration, None), None, false);
                activation.against = against.0;
                tell(None, against);
                return activation;
            }
            Authors::Commits(commits) => self.newest(declaration, commits),
        };
        let mut activation = Activation::of(None, "");
        if let [commit] = commits.keys().copied().collect::<Vec<_>>()[..] {
            activation.by = self.histories.commits.get(commit as usize).map(|commit| commit.id.clone());
        }
        for (commit, entries) in commits {
            let judged = self.judged(Some(commit));
            // What lies before an anchor stood there when the claims began.
            if judged.is_some_and(Weighed::is_unclaimed) {
                continue;
            }
            let verdict = judged.map_or(Verdict::Unverifiable, |judged| judged.verdict.verdict);
            (activation.limit, activation.phrase) = (activation.limit.max(Some(verdict)), ACTIVATION);
            if !self.judging.trust.is_absent() {
                let against = self.against_entries(declaration, judged, &entries);
                activation.against.extend(against.0);
                tell(Some(commit), against);
            }
        }
        activation
    }

    /// The newest of several commits, or all of them where it cannot be told which that is.
    fn newest<'d>(&self, declaration: &Declaration, mut commits: BTreeMap<u32, Vec<&'d Entry>>) -> BTreeMap<u32, Vec<&'d Entry>> {
        let newest = key(declaration, &commits, self.histories).and_then(|key| self.histories.newest.get(&key));
        if let Some(newest) = newest {
            let is_newest = |commit: &u32| self.histories.commits.get(*commit as usize).is_some_and(|commit| commit.id == *newest);
            commits.retain(|commit, _| is_newest(commit));
        }
        commits
    }

    /// What the policy has against the author of entries. The rules about the file of an entry say who may write it; where there
    /// is none, those about the object's own files do.
    fn against_entries(&self, declaration: &Declaration, judged: Option<&Weighed<'_>>, entries: &[&Entry]) -> Against {
        let (mut all, mut min) = (Breaches::default(), None);
        for entry in entries {
            let place = self.place_of_entry(&declaration.id, entry);
            let mut against = objections(self.judging.trust, judged, &place, None, false);
            // What another file declares is of no scope of this one.
            against.0.remove(Objection::OutOfScope);
            if against.0.has(Objection::Unscoped) {
                let of_bot = against.0.has(Objection::OutOfBotScope);
                against = objections(self.judging.trust, judged, &self.place(declaration, None), None, false);
                if of_bot {
                    against.0.add(Objection::OutOfBotScope);
                }
            }
            all.extend(against.0);
            min = [min, against.1].into_iter().flatten().min();
        }
        // To draw something in is no field of any scope.
        if judged.is_some_and(Weighed::is_bounded) {
            all.add(Objection::OutOfBotScope);
        }
        (all, min)
    }

    fn place_of_entry<'d>(&self, object: &'d ObjectId, entry: &'d Entry) -> Place<'d>
    where
        'a: 'd,
    {
        let tree = self.trees.get(entry.document.source.as_str());
        Place {
            source: &entry.document.source,
            url: tree.map_or("", |tree| tree.url.as_str()),
            reference: tree.and_then(|tree| tree.requested.as_deref()),
            paths: vec![entry.document.path.to_string()],
            object,
        }
    }
}
