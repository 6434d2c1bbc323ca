//! A commit was signed by a key that proves nothing here.

use super::check::{Check, Explanation, Facts};
use super::commits::{self, Credited, IDENTITY_MISMATCH};
use super::sentence::reasons;
use crate::model::attribution::{Crypto, Verdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "signer-untrusted",
    title: "A commit was signed by a key that proves nothing here",
    severity: Severity::Note,
    criteria: "Commits are signed by configured keys that speak for their author, where a policy asks for it.",
    explanation: Explanation {
        meaning: "There is a signature, but its key is not configured, or does not speak for this author, or the signature's own claimed time decides whether the key was in force.",
        importance: "Without the key's owner the signature says no more about the author than no signature.",
        remedy: "Add the key to `keys` if you know whose it is. Until a policy sets a minimum this is only to be known.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    commits::findings(&CHECK, facts, sentence)
}

fn sentence(credited: &Credited<'_>) -> Option<String> {
    let Credited { verdict, signature, .. } = credited;
    let unknown_key = signature.is_some_and(|facts| facts.crypto == Crypto::UnknownKey);
    let untrusted = match verdict.verdict {
        Verdict::SignedUntrusted => !verdict.reasons.iter().any(|reason| reason == IDENTITY_MISMATCH),
        Verdict::ClaimedTimeOnly => true,
        Verdict::Unverifiable => unknown_key,
        _ => false,
    };
    let signer = if unknown_key { format!("an unknown {}", credited.signer()) } else { credited.signer() };
    untrusted.then(|| format!("but is signed by {signer}, which does not prove that{}", reasons(&verdict.reasons)))
}
