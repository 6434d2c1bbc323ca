//! What all checks of commits share.

use std::collections::{HashMap, HashSet};

use super::check::{Check, Facts};
use super::sentence::{person, short};
use crate::model::attribution::{Breach, Breaches, CommitVerdict, Objection, SignatureFacts, Verdict};
use crate::model::commit::{Commit, CommitId};
use crate::model::finding::{Finding, Severity};

/// The reason of `signed-untrusted` where a configured key belongs to neither author nor committer.
pub(super) const IDENTITY_MISMATCH: &str = "identity-mismatch";

/// The reason of `unverifiable` where a trust policy claims nothing yet.
pub(super) const BEFORE_ANCHOR: &str = "before-anchor";

/// The reason of `signed-untrusted` where a trust policy gives the key to nobody.
const KEY_NOT_IN_POLICY: &str = "key-not-in-policy";

/// A credited commit with all that is known of it.
pub(super) struct Credited<'a> {
    pub(super) commit: &'a Commit,
    pub(super) verdict: &'a CommitVerdict,
    pub(super) signature: Option<&'a SignatureFacts>,
    /// What the trust policy does not let through of it.
    pub(super) against: Against<'a>,
}

/// What a trust policy has against declarations.
#[derive(Clone, Copy, Default)]
pub(super) struct Against<'a> {
    pub(super) breaches: Breaches,
    min: Option<Verdict>,
    /// The first of the declarations.
    first: Option<&'a Breach>,
    declarations: usize,
}

impl<'a> Against<'a> {
    pub(super) fn of(breaches: impl IntoIterator<Item = &'a Breach>) -> Self {
        let mut against = Self::default();
        for breach in breaches {
            against.breaches.extend(breach.breaches);
            against.min = [against.min, breach.min].into_iter().flatten().min();
            against.first = against.first.or(Some(breach));
            against.declarations += 1;
        }
        against
    }

    /// What no rule is about is to be looked at; what a rule forbids is to be mended.
    pub(super) fn severity(&self, otherwise: Severity) -> Severity {
        let mut forbidden = [Objection::OutOfBotScope, Objection::OutOfScope, Objection::NotAllowed, Objection::BelowMinimum].into_iter();
        if forbidden.any(|objection| self.breaches.has(objection)) {
            Severity::Error
        } else if self.breaches.has(Objection::Unscoped) {
            otherwise.max(Severity::Warning)
        } else {
            otherwise
        }
    }

    /// `; the trust policy does not let it declare ConfigMap shop/web and 2 more objects (below-minimum: verified-author)`.
    pub(super) fn sentence(&self, facts: &Facts<'_>) -> String {
        let Some(declaration) = self.first.and_then(|first| facts.declarations.get(first.declaration)) else { return String::new() };
        let more = match self.declarations {
            1 => String::new(),
            2 => " and 1 more object".to_owned(),
            number => format!(" and {} more objects", number - 1),
        };
        format!("; the trust policy does not let it declare {}{more} ({})", declaration.id, self.phrases())
    }

    /// `not-allowed, below-minimum: verified-author`.
    pub(super) fn phrases(&self) -> String {
        let phrases: Vec<String> = self
            .breaches
            .phrases()
            .map(|phrase| match self.min.filter(|_| phrase == Objection::BelowMinimum.as_str()) {
                Some(min) => format!("{phrase}: {}", min.as_str()),
                None => phrase.to_owned(),
            })
            .collect();
        phrases.join(", ")
    }
}

impl Credited<'_> {
    /// `commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author`: a name is what anybody can set.
    pub(super) fn subject(&self) -> String {
        format!("commit {} of {} names {} as its author", short(&self.commit.id), self.commit.source, person(&self.commit.author))
    }

    /// The key that its signature names, in full.
    pub(super) fn key(&self) -> Option<&str> {
        self.signature.and_then(|facts| facts.key.as_deref())
    }

    /// The key of its signature in full, and what that key calls its owner. Only for signatures that are sound.
    pub(super) fn signer(&self) -> String {
        let key = self.key();
        // What a key says of itself is no name where a policy gives the names.
        let is_nobodys = self.verdict.reasons.iter().any(|reason| reason == KEY_NOT_IN_POLICY);
        let own = self.signature.and_then(|facts| facts.signer.as_deref()).filter(|_| !is_nobodys);
        let signer = self.verdict.signer.as_deref().or(own);
        match (signer, key) {
            (Some(signer), Some(key)) => format!("{signer} with key {key}"),
            (Some(signer), None) => signer.to_owned(),
            (None, Some(key)) => format!("key {key}"),
            (None, None) => "a key that is not named".to_owned(),
        }
    }
}

/// One finding for each commit of which the check has something to say; a commit that lies in two sources counts once. One that
/// changed no meaning declares nothing.
pub(super) fn findings(check: &Check, facts: &Facts<'_>, sentence: fn(&Credited<'_>) -> Option<String>) -> Vec<Finding> {
    let breaches = breaches(facts);
    let mut told = HashSet::new();
    let without_meaning = facts.histories.without_meaning();
    let commits = (0..).zip(facts.histories.commits.iter().zip(&facts.attributions.commits));
    let declaring = commits.filter(|(index, _)| !without_meaning.contains(index));
    let credited = declaring.map(|(_, (commit, verdict))| Credited {
        commit,
        verdict,
        signature: facts.signatures.get(&(commit.source.clone(), commit.id.clone())),
        against: Against::of(breaches.get(&commit.id).into_iter().flatten().copied()),
    });
    credited
        .filter_map(|credited| Some((sentence(&credited)?, credited)))
        .filter(|(_, credited)| told.insert(&credited.commit.id))
        .map(|(sentence, credited)| {
            let against = credited.against.sentence(facts);
            let finding = check.of_commit(facts, &credited.commit.id, format!("{} {sentence}{against}", credited.subject()));
            Finding { severity: credited.against.severity(check.severity), ..finding }
        })
        .collect()
}

/// What the trust policy does not let through, by commit: one that lies in two sources is one.
fn breaches<'a>(facts: &Facts<'a>) -> HashMap<&'a CommitId, Vec<&'a Breach>> {
    let mut by_commit: HashMap<&CommitId, Vec<&Breach>> = HashMap::new();
    for breach in &facts.attributions.breaches {
        if let Some(commit) = breach.commit.and_then(|commit| facts.histories.commits.get(commit as usize)) {
            by_commit.entry(&commit.id).or_default().push(breach);
        }
    }
    by_commit
}
