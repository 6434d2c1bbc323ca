//! What all checks of commits share.

use std::collections::HashSet;

use super::check::{Check, Facts};
use super::sentence::{person, short};
use crate::model::attribution::{CommitVerdict, SignatureFacts};
use crate::model::commit::Commit;
use crate::model::finding::Finding;

/// The reason of `signed-untrusted` where a configured key belongs to neither author nor committer.
pub(super) const IDENTITY_MISMATCH: &str = "identity-mismatch";

/// A credited commit with all that is known of it.
pub(super) struct Credited<'a> {
    pub(super) commit: &'a Commit,
    pub(super) verdict: &'a CommitVerdict,
    pub(super) signature: Option<&'a SignatureFacts>,
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
        let signer = self.signature.and_then(|facts| facts.signer.as_deref());
        match (signer, key) {
            (Some(signer), Some(key)) => format!("{signer} with key {key}"),
            (Some(signer), None) => signer.to_owned(),
            (None, Some(key)) => format!("key {key}"),
            (None, None) => "a key that is not named".to_owned(),
        }
    }
}

/// One finding for each commit of which the check has something to say; a commit that lies in two sources counts once.
pub(super) fn findings(check: &Check, facts: &Facts<'_>, sentence: fn(&Credited<'_>) -> Option<String>) -> Vec<Finding> {
    let mut told = HashSet::new();
    let credited = facts.histories.commits.iter().zip(&facts.attributions.commits).map(|(commit, verdict)| Credited {
        commit,
        verdict,
        signature: facts.signatures.get(&(commit.source.clone(), commit.id.clone())),
    });
    credited
        .filter_map(|credited| Some((sentence(&credited)?, credited)))
        .filter(|(_, credited)| told.insert(&credited.commit.id))
        .map(|(sentence, credited)| check.of_commit(facts, &credited.commit.id, format!("{} {sentence}", credited.subject())))
        .collect()
}
