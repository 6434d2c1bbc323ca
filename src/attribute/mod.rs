//! VERB: histories and signatures to who declared what, and how well that is proven. Pure.

mod tag;
mod trust;
mod verdict;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::model::attribution::{
    Attribution, Attributions, Breach, Breaches, CommitVerdict, InputAttribution, LeafAttribution, Objection, SignatureFacts, Verdict,
};
use crate::model::commit::{Commit, CommitId};
use crate::model::declaration::{Declaration, DocumentRef, Engine, LeafOrigin, Tree};
use crate::model::evidence::{Authored, DocumentHistory, Histories, Positions, Signatures};
use crate::model::object::{FieldPath, Pointer};
use crate::model::trust::{Place, TrustPolicy};
use trust::{Judged, Standpoint, objections};

pub use tag::tags;
pub use verdict::{commit_verdict, unverified};

/// Names every leaf of a declaration, in its order.
pub type LeafNames<'a> = dyn Fn(&Declaration) -> Vec<(FieldPath, Pointer)> + 'a;

/// By what attributions are judged.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// The trust policy, where there is one.
    pub trust: Option<&'a TrustPolicy>,
    /// What lies before the commits that it names.
    pub positions: &'a Positions,
    /// The moment of the scan.
    pub now: DateTime<Utc>,
    /// The names of leaves, which the scopes of bots need.
    pub leaf_names: &'a LeafNames<'a>,
}

/// The verdict on a commit by a trust policy alone, which `now` tells the retired keys of. Of its place in the history nothing is
/// known.
pub fn commit_verdict_by(policy: &TrustPolicy, commit: &Commit, facts: &SignatureFacts, now: DateTime<Utc>) -> CommitVerdict {
    trust::judge(policy, commit, facts, Standpoint { positions: &Positions::new(), now }).verdict
}

/// Attributes every declaration, in their order. Sources whose tree has no commit are not versioned, and so are their
/// declarations: they get none.
pub fn attributions(
    declarations: &[Declaration],
    trees: &[Tree],
    histories: &Histories,
    signatures: &Signatures,
    judging: &Judging<'_>,
) -> Attributions {
    let versioned: HashMap<&str, &Tree> =
        trees.iter().filter(|tree| tree.commit.is_some()).map(|tree| (tree.source.as_str(), tree)).collect();
    let url = |commit: &Commit| versioned.get(commit.source.as_str()).map_or("", |tree| tree.url.as_str());
    let judged: Vec<Judged<'_>> = histories.commits.iter().map(|commit| judge(commit, url(commit), signatures, judging)).collect();
    let evidence = Evidence { histories, judged: &judged, judging, trees: &versioned };
    let mut breaches = Found::default();
    let declarations = declarations
        .iter()
        .enumerate()
        .map(|(index, declaration)| {
            versioned.contains_key(declaration.source.as_str()).then(|| evidence.attribution(index, declaration, &mut breaches))
        })
        .collect();
    let commits = judged.iter().map(|judged| judged.verdict.clone()).collect();
    Attributions { declarations, commits, breaches: breaches.told() }
}

fn judge<'a>(commit: &Commit, url: &str, signatures: &Signatures, judging: &Judging<'a>) -> Judged<'a> {
    if judging.trust.is_some_and(|policy| is_before_anchor(policy, commit, url, judging.positions)) {
        return Judged::before_anchor();
    }
    let standpoint = Standpoint { positions: judging.positions, now: judging.now };
    // The key of the map is owned; two short copies for each commit.
    match (signatures.get(&(commit.source.clone(), commit.id.clone())), judging.trust) {
        (Some(facts), Some(policy)) => trust::judge(policy, commit, facts, standpoint),
        (Some(facts), None) => commit_verdict(commit, facts).into(),
        (None, _) => unverified().into(),
    }
}

/// Whether a commit is an ancestor of where the claims of the policy begin. Nobody can become one later; what branched off before
/// and was merged since is none.
fn is_before_anchor(policy: &TrustPolicy, commit: &Commit, url: &str, positions: &Positions) -> bool {
    let of_source = policy.anchors.iter().filter(|anchor| anchor.is_about(&commit.source, url));
    let mut marks = of_source.filter_map(|anchor| positions.get(&(commit.source.clone(), anchor.commit.clone())));
    marks.any(|mark| mark.ancestors.contains(&commit.id))
}

/// What the policy has against the part of a commit in a declaration, and the verdict that is missed.
type Against = (Breaches, Option<Verdict>);

/// All that the policy does not let through.
#[derive(Default)]
struct Found(BTreeMap<(Option<u32>, usize), Against>);

impl Found {
    fn add(&mut self, commit: Option<u32>, declaration: usize, (breaches, missed): Against) {
        if breaches.is_empty() {
            return;
        }
        let (all, min) = self.0.entry((commit, declaration)).or_default();
        all.extend(breaches);
        *min = [*min, missed].into_iter().flatten().min();
    }

    fn told(self) -> Vec<Breach> {
        let told = |((commit, declaration), (breaches, min))| Breach { commit, declaration, breaches, min };
        self.0.into_iter().map(told).collect()
    }
}

/// What is credited for something, with its reasons where nothing better is known.
struct Credit<'a> {
    id: Option<&'a CommitId>,
    index: Option<u32>,
    verdict: Verdict,
    reasons: Vec<String>,
}

impl Credit<'_> {
    fn nobody(reason: &str) -> Self {
        Self { id: None, index: None, verdict: Verdict::Unverifiable, reasons: vec![reason.to_owned()] }
    }
}

struct Evidence<'a> {
    histories: &'a Histories,
    judged: &'a [Judged<'a>],
    judging: &'a Judging<'a>,
    trees: &'a HashMap<&'a str, &'a Tree>,
}

impl<'a> Evidence<'a> {
    fn attribution(&self, index: usize, declaration: &Declaration, breaches: &mut Found) -> Attribution {
        let histories: Vec<_> = declaration.inputs.iter().map(|input| self.histories.documents.get(&input.document)).collect();
        let mut leaves: Box<[LeafAttribution]> = declaration.leaves.iter().map(|leaf| self.leaf(&histories, leaf)).collect();
        let author = author_document(declaration);
        let credit = author.map_or_else(|| Credit::nobody("rendered"), |document| self.document(document));
        let inputs = match author {
            Some(_) => Vec::new(),
            None => declaration.inputs.iter().map(|input| self.input(&input.document)).collect(),
        };
        let history = author.and_then(|document| self.histories.documents.get(document));
        let changed = history.and_then(|history| history.changed);
        let brought_back = changed.filter(|changed| changed.reintroduced).map(|changed| changed.by);
        let (mut verdict, mut reasons) = (credit.verdict, Vec::new());
        if let Some(policy) = self.judging.trust {
            let part =
                self.against_leaves(policy, declaration, &mut leaves, credit.index, |commit, against| breaches.add(commit, index, against));
            let (mut against, missed) = objections(policy, self.judged(credit.index), &self.place(declaration, None), None);
            against.extend(part);
            breaches.add(credit.index, index, (against, missed));
            if brought_back.is_some() {
                let more = objections(policy, self.judged(brought_back), &self.place(declaration, None), None);
                breaches.add(brought_back, index, more);
                against.extend(more.0);
            }
            verdict = limited(verdict, against);
            reasons.extend(against.phrases().map(str::to_owned));
        }
        reasons.extend(credit.reasons);
        if brought_back.is_some() {
            // What somebody brought back is proven no better than who did that.
            verdict = verdict.max(self.judged(brought_back).map_or(Verdict::Unverifiable, |judged| judged.verdict.verdict));
            reasons.push("reintroduced".to_owned());
        }
        let id = |commit: Option<u32>| Some(self.histories.commits.get(commit? as usize)?.id.clone());
        Attribution {
            authored_by: credit.id.cloned(),
            changed_by: id(changed.map(|changed| changed.by)),
            touched_by: id(history.and_then(|history| history.touched)),
            moved_by: id(history.and_then(|history| history.moved)),
            verdict,
            reasons,
            inputs,
            leaves,
        }
    }

    fn judged(&self, commit: Option<u32>) -> Option<&'a Judged<'a>> {
        self.judged.get(commit? as usize)
    }

    /// Limits every leaf by what the policy has against it, and tells each. Returns what of it a bot did as the author of the
    /// whole: what it set beyond its scope, or that it can only have removed something, which is no field of its scope.
    fn against_leaves(
        &self,
        policy: &TrustPolicy,
        declaration: &Declaration,
        leaves: &mut [LeafAttribution],
        author: Option<u32>,
        mut tell: impl FnMut(Option<u32>, Against),
    ) -> Breaches {
        let names = OnceCell::new();
        let mut known: HashMap<(Option<u32>, Option<u16>), Against> = HashMap::new();
        let is_bounded = |judged: &Judged<'_>| !judged.bots.is_empty() && judged.bots.iter().all(|bot| !bot.fields.is_empty());
        let (mut part, mut wrote) = (Breaches::default(), false);
        for (position, (leaf, origin)) in leaves.iter_mut().zip(&declaration.leaves).enumerate() {
            let judged = self.judged(leaf.commit);
            let found = match judged.filter(|judged| !judged.bots.is_empty()) {
                Some(bot) => {
                    let names = names.get_or_init(|| (self.judging.leaf_names)(declaration));
                    // A leaf without a name is of no scope.
                    let nameless = FieldPath::default();
                    let field = names.get(position).map_or(&nameless, |(field, _)| field);
                    objections(policy, Some(bot), &self.place(declaration, origin.input), Some(field))
                }
                None => *known
                    .entry((leaf.commit, origin.input))
                    .or_insert_with(|| objections(policy, judged, &self.place(declaration, origin.input), None)),
            };
            leaf.breaches = found.0;
            leaf.verdict = limited(leaf.verdict, found.0);
            tell(leaf.commit, found);
            if author.is_some() && leaf.commit == author {
                wrote = true;
                if found.0.has(Objection::OutOfBotScope) {
                    part.add(Objection::OutOfBotScope);
                }
            }
        }
        if !wrote && self.judged(author).is_some_and(is_bounded) {
            part.add(Objection::OutOfBotScope);
        }
        part
    }

    /// Where something is declared: in the document of one input, or in any of them where it cannot be told in which.
    fn place<'d>(&self, declaration: &'d Declaration, input: Option<u16>) -> Place<'d>
    where
        'a: 'd,
    {
        let one = input.and_then(|input| declaration.inputs.get(usize::from(input)));
        let source = one.map_or(declaration.source.as_str(), |input| input.document.source.as_str());
        let tree = self.trees.get(source);
        Place {
            source,
            url: tree.map_or("", |tree| tree.url.as_str()),
            reference: tree.and_then(|tree| tree.requested.as_deref()),
            paths: match one {
                Some(input) => vec![input.document.path.to_string()],
                None => declaration.inputs.iter().map(|input| input.document.path.to_string()).collect(),
            },
            object: &declaration.id,
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
        let nobody = LeafAttribution { commit: None, verdict: Verdict::Unverifiable, breaches: Breaches::default() };
        match authored {
            Some(Authored::By(index)) => self.judged.get(*index as usize).map_or(nobody, |judged| LeafAttribution {
                commit: Some(*index),
                verdict: judged.verdict.verdict,
                ..nobody
            }),
            Some(Authored::BeforeHistory | Authored::Unreadable) | None => nobody,
        }
    }

    fn credit(&self, authored: Option<Authored>) -> Credit<'a> {
        let index = match authored {
            Some(Authored::By(index)) => index,
            Some(Authored::BeforeHistory) => return Credit::nobody("before-history"),
            Some(Authored::Unreadable) | None => return Credit::nobody("unreadable-history"),
        };
        match (self.histories.commits.get(index as usize), self.judged.get(index as usize)) {
            (Some(commit), Some(Judged { verdict, .. })) => {
                Credit { id: Some(&commit.id), index: Some(index), verdict: verdict.verdict, reasons: verdict.reasons.clone() }
            }
            _ => Credit::nobody("unreadable-history"),
        }
    }
}

/// What the policy does not let through is untrusted at best.
fn limited(verdict: Verdict, against: Breaches) -> Verdict {
    if against.is_empty() { verdict } else { verdict.max(Verdict::SignedUntrusted) }
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
