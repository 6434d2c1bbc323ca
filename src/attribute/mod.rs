//! VERB: histories and signatures to who declared what, and how well that is proven. Pure.

mod activation;
mod kept;
mod tag;
mod trust;
mod verdict;
mod weighed;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::model::attribution::{
    Attribution, Attributions, Breach, Breaches, CommitVerdict, InputAttribution, LeafAttribution, Objection, SignatureFacts, Verdict,
};
use crate::model::commit::{Commit, CommitId};
use crate::model::declaration::{Declaration, DocumentRef, LeafOrigin, Tree};
use crate::model::evidence::{Authored, Changed, DocumentHistory, Histories, Positions, Signatures};
use crate::model::kept::Trust;
use crate::model::object::{FieldPath, Pointer};
use crate::model::trust::{Place, TrustPolicy};
use weighed::{Weighed, objections, objections_to_change, weigh};

pub use activation::activators;
pub use kept::{KeptFile, established};
pub use tag::tags;
pub use trust::Standpoint;
pub use verdict::{commit_verdict, unverified};

/// Names every leaf of a declaration, in its order.
pub type LeafNames<'a> = dyn Fn(&Declaration) -> Vec<(FieldPath, Pointer)> + 'a;

/// By what attributions are judged.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// The trust policies.
    pub trust: &'a Trust,
    /// Where commits stand, as far as it asks for that.
    pub positions: &'a Positions,
    /// The moment of the scan.
    pub now: DateTime<Utc>,
    /// The names of leaves, which the scopes of bots need.
    pub leaf_names: &'a LeafNames<'a>,
}

/// The verdict on a commit by a trust policy alone, which `now` tells the retired keys of. Of its place in the history nothing is
/// known.
pub fn commit_verdict_by(policy: &TrustPolicy, commit: &Commit, facts: &SignatureFacts, now: DateTime<Utc>) -> CommitVerdict {
    trust::judge(policy, commit, facts, Standpoint { positions: &Positions::default(), now }).verdict
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
    let judged: Vec<Weighed<'_>> = histories.commits.iter().map(|commit| weigh(commit, url(commit), signatures, judging)).collect();
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

    /// The worse of two, with its reasons.
    fn and(self, other: Self) -> Self {
        if other.verdict > self.verdict { other } else { self }
    }
}

struct Evidence<'a> {
    histories: &'a Histories,
    judged: &'a [Weighed<'a>],
    judging: &'a Judging<'a>,
    trees: &'a HashMap<&'a str, &'a Tree>,
}

/// The author of an input, where one is credited, and the input, where it is known which.
type Author = (Option<u32>, Option<usize>);

/// A verdict while it is made: every link can only make it worse.
struct Link {
    verdict: Verdict,
    /// The objections of the policy.
    against: Breaches,
    /// Phrases for what made it worse beside the author.
    made_worse: Vec<&'static str>,
}

impl Link {
    /// Takes in the part of another commit. It is told where it makes the verdict worse.
    fn limit(&mut self, verdict: Verdict, against: Breaches, phrase: &'static str) {
        let (before, all) = (limited(self.verdict, self.against), self.against);
        self.against.extend(against);
        self.verdict = self.verdict.max(verdict);
        if limited(self.verdict, self.against) > before || self.against != all {
            self.made_worse.push(phrase);
        }
    }
}

impl<'a> Evidence<'a> {
    fn attribution(&self, index: usize, declaration: &Declaration, breaches: &mut Found) -> Attribution {
        let histories: Vec<_> = declaration.inputs.iter().map(|input| self.histories.documents.get(&input.document)).collect();
        let mut leaves: Box<[LeafAttribution]> = declaration.leaves.iter().map(|leaf| self.leaf(&histories, leaf)).collect();
        let made_of = declaration.made_of();
        let (credit, authors) = self.credit_of(declaration, &made_of, &leaves);
        let changes: Vec<(usize, Changed)> = made_of.iter().filter_map(|input| Some((*input, histories[*input]?.changed?))).collect();
        let mut link = Link { verdict: credit.verdict, against: Breaches::default(), made_worse: Vec::new() };
        if !self.judging.trust.is_absent() {
            let is_changed = |input: Option<usize>| input.is_some_and(|input| changes.iter().any(|(changed, _)| *changed == input));
            let tell = |commit, against| breaches.add(commit, index, against);
            let parts = self.against_leaves(declaration, &mut leaves, &authors, &is_changed, tell);
            for (author, input) in &authors {
                let place = self.place(declaration, *input);
                let (against, missed) = objections(self.judging.trust, self.judged(*author), &place, None, is_changed(*input));
                let against = against.with(author.and_then(|author| parts.get(&author).copied()).unwrap_or_default());
                breaches.add(*author, index, (against, missed));
                link.against.extend(against);
            }
        }
        for (input, changed) in &changes {
            self.judge_change(declaration, (*input, *changed), &mut link, |against| breaches.add(Some(changed.by), index, against));
        }
        let activation = self.activation(declaration, |commit, against| breaches.add(commit, index, against));
        if let Some(limit) = activation.limit {
            link.limit(limit, activation.against, activation.phrase);
        } else if !activation.phrase.is_empty() {
            link.made_worse.push(activation.phrase);
        }
        let mut reasons: Vec<String> = link.against.phrases().map(str::to_owned).collect();
        reasons.extend(credit.reasons);
        reasons.extend(link.made_worse.into_iter().map(str::to_owned));
        let inputs = match declaration.inputs.len() {
            1 if !made_of.is_empty() => Vec::new(),
            _ => declaration.inputs.iter().map(|input| self.input(&input.document)).collect(),
        };
        let only = if let [only] = made_of.as_slice() { histories[*only] } else { None };
        let id = |commit: Option<u32>| Some(self.histories.commits.get(commit? as usize)?.id.clone());
        Attribution {
            authored_by: credit.id.cloned(),
            changed_by: id(only.and_then(|history| Some(history.changed?.by))),
            touched_by: id(only.and_then(|history| history.touched)),
            moved_by: id(only.and_then(|history| history.moved)),
            activated_by: activation.by,
            verdict: limited(link.verdict, link.against),
            reasons,
            inputs,
            leaves,
        }
    }

    /// What an object that is made of these inputs is credited with, and the author of each. One document is what its newest
    /// commit made of it; several are no better than any of their parts.
    fn credit_of(&self, declaration: &Declaration, made_of: &[usize], leaves: &[LeafAttribution]) -> (Credit<'a>, Vec<Author>) {
        let credits: Vec<(usize, Credit<'a>)> =
            made_of.iter().map(|input| (*input, self.document(&declaration.inputs[*input].document))).collect();
        let authors = credits.iter().map(|(input, credit)| (credit.index, Some(*input))).collect();
        let worst_leaf = leaves.iter().map(|leaf| leaf.verdict).max().unwrap_or(Verdict::Unverifiable);
        match credits.into_iter().map(|(_, credit)| credit).reduce(Credit::and) {
            None => (Credit::nobody("rendered"), vec![(None, None)]),
            Some(credit) if made_of.len() == 1 => (credit, authors),
            Some(credit) => (Credit { id: None, index: None, verdict: credit.verdict.max(worst_leaf), ..credit }, authors),
        }
    }

    /// What brought an input onto the branch: where it brought back what had been superseded, and where a rule asks for it, the
    /// object is proven no better than who did that.
    fn judge_change(&self, declaration: &Declaration, (input, changed): (usize, Changed), link: &mut Link, tell: impl FnOnce(Against)) {
        let judged = self.judged(Some(changed.by));
        let verdict = judged.map_or(Verdict::Unverifiable, |judged| judged.verdict.verdict);
        let place = self.place(declaration, Some(input));
        if changed.reintroduced {
            let against = objections(self.judging.trust, judged, &place, None, false);
            link.against.extend(against.0);
            link.verdict = link.verdict.max(verdict);
            link.made_worse.push("reintroduced");
            tell(against);
        } else if let Some(against) = objections_to_change(self.judging.trust, judged, &place) {
            link.limit(verdict, against.0, "change");
            tell(against);
        }
    }

    fn judged(&self, commit: Option<u32>) -> Option<&'a Weighed<'a>> {
        self.judged.get(commit? as usize)
    }

    /// Limits every leaf by what the policy has against it, and tells each. Returns what of it bots did as authors of the whole, by
    /// commit: what they set beyond their scope, or that they can only have removed something, which is no field of a scope.
    fn against_leaves(
        &self,
        declaration: &Declaration,
        leaves: &mut [LeafAttribution],
        authors: &[Author],
        is_changed: &dyn Fn(Option<usize>) -> bool,
        mut tell: impl FnMut(Option<u32>, Against),
    ) -> BTreeMap<u32, Breaches> {
        let names = OnceCell::new();
        let mut known: HashMap<(Option<u32>, Option<u16>), Against> = HashMap::new();
        let authors: BTreeSet<u32> = authors.iter().filter_map(|(author, _)| *author).collect();
        let (mut parts, mut wrote) = (BTreeMap::<u32, Breaches>::new(), BTreeSet::new());
        for (position, (leaf, origin)) in leaves.iter_mut().zip(&declaration.leaves).enumerate() {
            let judged = self.judged(leaf.commit);
            let input = origin.input.map(usize::from);
            let found = match judged.filter(|judged| judged.is_of_bots()) {
                Some(bot) => {
                    let names = names.get_or_init(|| (self.judging.leaf_names)(declaration));
                    // A leaf without a name is of no scope.
                    let nameless = FieldPath::default();
                    let field = names.get(position).map_or(&nameless, |(field, _)| field);
                    objections(self.judging.trust, Some(bot), &self.place(declaration, input), Some(field), is_changed(input))
                }
                None => *known
                    .entry((leaf.commit, origin.input))
                    .or_insert_with(|| objections(self.judging.trust, judged, &self.place(declaration, input), None, is_changed(input))),
            };
            leaf.breaches = found.0;
            leaf.verdict = limited(leaf.verdict, found.0);
            tell(leaf.commit, found);
            if let Some(author) = leaf.commit.filter(|commit| authors.contains(commit)) {
                wrote.insert(author);
                if found.0.has(Objection::OutOfBotScope) {
                    parts.entry(author).or_default().add(Objection::OutOfBotScope);
                }
            }
        }
        for author in authors.difference(&wrote).filter(|author| self.judged(Some(**author)).is_some_and(Weighed::is_bounded)) {
            parts.entry(*author).or_default().add(Objection::OutOfBotScope);
        }
        parts
    }

    /// Where something is declared: in the document of one input, or in any of them where it cannot be told in which.
    fn place<'d>(&self, declaration: &'d Declaration, input: Option<usize>) -> Place<'d>
    where
        'a: 'd,
    {
        let one = input.and_then(|input| declaration.inputs.get(input));
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
            (Some(commit), Some(Weighed { verdict, .. })) => {
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

#[cfg(test)]
mod tests;
