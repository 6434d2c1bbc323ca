//! A commit was signed by a key that proves nothing here.

use super::check::{Check, Explanation, Facts};
use super::commits::{self, Against, BEFORE_ANCHOR, Credited, IDENTITY_MISMATCH};
use super::sentence::reasons;
use crate::model::attribution::{Breach, Crypto, SignatureFacts, Verdict};
use crate::model::finding::{Finding, Severity};

pub(super) const CHECK: Check = Check {
    id: "signer-untrusted",
    title: "A commit was signed by a key that proves nothing here",
    severity: Severity::Note,
    criteria: "Commits are signed by configured keys that speak for their author, where a policy asks for it.",
    explanation: Explanation {
        meaning: "There is a signature, but its key is not configured, or does not speak for this author, or the signature's own claimed time decides whether the key was in force, or the trust policy does not let its signer declare this.",
        importance: "Without the key's owner the signature says no more about the author than no signature.",
        remedy: "Add the key to `keys` (and to the trust policy) if you know whose it is. Until a policy sets a minimum this is only to be known; with one it is an error.",
    },
    run,
};

fn run(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = commits::findings(&CHECK, facts, sentence);
    let uncredited = facts.attributions.breaches.iter().filter(|breach| breach.commit.is_none());
    findings.extend(uncredited.filter_map(|breach| uncredited_finding(facts, breach)));
    findings
}

/// The policy asks for a proof of what no commit is credited with.
fn uncredited_finding(facts: &Facts<'_>, breach: &Breach) -> Option<Finding> {
    let object = &facts.declarations.get(breach.declaration)?.id;
    let attribution = facts.attributions.declarations.get(breach.declaration).and_then(Option::as_ref);
    let is_why = |reason: &&String| !breach.breaches.phrases().any(|phrase| phrase == reason.as_str());
    let why: Vec<String> = match attribution.filter(|found| found.authored_by.is_none()) {
        Some(found) => found.reasons.iter().filter(is_why).cloned().collect(),
        None => Vec::new(),
    };
    let against = Against::of([breach]);
    let message = format!(
        "{object}: all or part of it is credited to no commit{}, which the trust policy does not let through ({})",
        reasons(&why),
        against.phrases()
    );
    Some(Finding { severity: against.severity(CHECK.severity), ..CHECK.of_object(facts, object, message) })
}

fn sentence(credited: &Credited<'_>) -> Option<String> {
    let Credited { verdict, signature, against, .. } = credited;
    if verdict.reasons.iter().any(|reason| reason == BEFORE_ANCHOR) && against.breaches.is_empty() {
        return None;
    }
    let unknown_key = signature.is_some_and(SignatureFacts::is_of_unknown_key);
    let untrusted = match verdict.verdict {
        Verdict::SignedUntrusted => !verdict.reasons.iter().any(|reason| reason == IDENTITY_MISMATCH),
        Verdict::ClaimedTimeOnly => true,
        Verdict::Unverifiable => unknown_key || signature.is_some_and(|facts| facts.crypto == Crypto::Unsupported),
        _ => false,
    };
    if !untrusted && !against.breaches.is_empty() {
        return match verdict.verdict {
            // Told by the checks of their own.
            Verdict::Unsigned | Verdict::Invalid | Verdict::SignedUntrusted => None,
            Verdict::Unverifiable => Some(format!("and cannot be verified{}", reasons(&verdict.reasons))),
            proven => Some(format!("and is signed by {} ({})", credited.signer(), proven.as_str())),
        };
    }
    let signer = if unknown_key { format!("an unknown {}", credited.signer()) } else { credited.signer() };
    untrusted.then(|| format!("but is signed by {signer}, which does not prove that{}", reasons(&verdict.reasons)))
}
