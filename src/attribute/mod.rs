//! VERB: histories and signatures to who declared what, and how well that is proven. Pure.

mod verdict;

use std::collections::HashSet;

use crate::model::attribution::{Attribution, Attributions, CommitVerdict, InputAttribution, LeafAttribution, Verdict};
use crate::model::commit::{Commit, CommitId};
use crate::model::declaration::{Declaration, DocumentRef, Engine, LeafOrigin, Tree};
use crate::model::evidence::{Authored, DocumentHistory, Histories, Signatures};

pub use verdict::{commit_verdict, unverified};

/// Attributes every declaration, in their order. Sources whose tree has no commit are not versioned, and so are their
/// declarations: they get none.
pub fn attributions(declarations: &[Declaration], trees: &[Tree], histories: &Histories, signatures: &Signatures) -> Attributions {
    let commits: Vec<CommitVerdict> = histories.commits.iter().map(|commit| judge(commit, signatures)).collect();
    let versioned: HashSet<&str> = trees.iter().filter(|tree| tree.commit.is_some()).map(|tree| tree.source.as_str()).collect();
    let evidence = Evidence { histories, verdicts: &commits };
    let declarations = declarations
        .iter()
        .map(|declaration| versioned.contains(declaration.source.as_str()).then(|| evidence.attribution(declaration)))
        .collect();
    Attributions { declarations, commits }
}

fn judge(commit: &Commit, signatures: &Signatures) -> CommitVerdict {
    // The key of the map is owned; two short copies for each commit.
    match signatures.get(&(commit.source.clone(), commit.id.clone())) {
        Some(facts) => commit_verdict(commit, facts),
        None => unverified(),
    }
}

/// What is credited for something, with its reasons where nothing better is known.
struct Credit<'a> {
    id: Option<&'a CommitId>,
    verdict: Verdict,
    reasons: Vec<String>,
}

impl Credit<'_> {
    fn nobody(reason: &str) -> Self {
        Self { id: None, verdict: Verdict::Unverifiable, reasons: vec![reason.to_owned()] }
    }
}

struct Evidence<'a> {
    histories: &'a Histories,
    verdicts: &'a [CommitVerdict],
}

impl<'a> Evidence<'a> {
    fn attribution(&self, declaration: &Declaration) -> Attribution {
        let histories: Vec<_> = declaration.inputs.iter().map(|input| self.histories.documents.get(&input.document)).collect();
        let leaves = declaration.leaves.iter().map(|leaf| self.leaf(&histories, leaf)).collect();
        match author_document(declaration) {
            Some(document) => {
                let mut credit = self.document(document);
                let changed = self.histories.documents.get(document).and_then(|history| history.changed);
                if changed.is_some_and(|changed| changed.reintroduced) {
                    credit.reasons.push("reintroduced".to_owned());
                }
                let changed_by = changed.and_then(|changed| self.histories.commits.get(changed.by as usize));
                Attribution {
                    authored_by: credit.id.cloned(),
                    changed_by: changed_by.map(|commit| commit.id.clone()),
                    verdict: credit.verdict,
                    reasons: credit.reasons,
                    inputs: Vec::new(),
                    leaves,
                }
            }
            None => Attribution {
                authored_by: None,
                changed_by: None,
                verdict: Verdict::Unverifiable,
                reasons: vec!["rendered".to_owned()],
                inputs: declaration.inputs.iter().map(|input| self.input(&input.document)).collect(),
                leaves,
            },
        }
    }

    fn input(&self, document: &DocumentRef) -> InputAttribution {
        let credit = self.document(document);
        InputAttribution { document: document.clone(), commit: credit.id.cloned(), verdict: credit.verdict }
    }

    fn document(&self, document: &DocumentRef) -> Credit<'a> {
        self.credit(self.histories.documents.get(document).map(|history| history.document))
    }

    fn leaf(&self, histories: &[Option<&DocumentHistory>], leaf: &LeafOrigin) -> LeafAttribution {
        let history = leaf.input.and_then(|input| *histories.get(usize::from(input))?);
        let authored = history.and_then(|history| history.leaves.get(leaf.leaf as usize));
        let nobody = LeafAttribution { commit: None, verdict: Verdict::Unverifiable };
        match authored {
            Some(Authored::By(index)) => self
                .verdicts
                .get(*index as usize)
                .map_or(nobody, |verdict| LeafAttribution { commit: Some(*index), verdict: verdict.verdict }),
            Some(Authored::BeforeHistory | Authored::Unreadable) | None => nobody,
        }
    }

    fn credit(&self, authored: Option<Authored>) -> Credit<'a> {
        let index = match authored {
            Some(Authored::By(index)) => index,
            Some(Authored::BeforeHistory) => return Credit::nobody("before-history"),
            Some(Authored::Unreadable) | None => return Credit::nobody("unreadable-history"),
        };
        match (self.histories.commits.get(index as usize), self.verdicts.get(index as usize)) {
            (Some(commit), Some(verdict)) => Credit { id: Some(&commit.id), verdict: verdict.verdict, reasons: verdict.reasons.clone() },
            _ => Credit::nobody("unreadable-history"),
        }
    }
}

/// The one document that declares the object: a plain file's; of a rendered object only where no other document can have had
/// a part in it and every leaf was traced to it.
fn author_document(declaration: &Declaration) -> Option<&DocumentRef> {
    let [only] = declaration.inputs.as_slice() else { return None };
    let whole = match declaration.engine {
        Engine::Plain => true,
        // No leaf at all means that nothing was traced.
        Engine::Kustomize => !declaration.leaves.is_empty() && declaration.leaves.iter().all(|leaf| leaf.input == Some(0)),
    };
    whole.then_some(&only.document)
}

#[cfg(test)]
mod tests;
