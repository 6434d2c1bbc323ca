//! The ladder: the facts of a signature and the claims of a commit to a verdict.
//!
//! Without a trust policy, an e-mail that exactly one configured key carries speaks for its owner. Names decide nothing. The local part of an e-mail is
//! compared as it is, its domain in lower case, both byte by byte.

use crate::model::attribution::{Algo, Binding, CommitVerdict, Crypto, KeyTime, SignatureFacts, Verdict};
use crate::model::commit::{Actor, Commit};
use crate::model::evidence::Positions;
use crate::model::pattern;

/// Reasons for which a good signature speaks for nobody.
const REFUSALS: [&str; 6] = [
    "no-touch",
    "not-a-user-certificate",
    "unknown-critical-option",
    "no-user-verification",
    "certificate-without-principals",
    "principal-not-allowed",
];

/// What changes no verdict.
const REMARKS: [&str; 2] = ["oid-malleable", "time-anomaly"];

/// The verdict on a commit with these facts, where no trust policy says whose a key is.
pub fn commit_verdict(commit: &Commit, facts: &SignatureFacts) -> CommitVerdict {
    ladder(facts, || bound(commit, facts))
}

/// The verdict by these facts; `bound` says whom a good signature in force speaks for.
pub(super) fn ladder(facts: &SignatureFacts, bound: impl FnOnce() -> CommitVerdict) -> CommitVerdict {
    let weak = facts.algo == Some(Algo::Weak);
    match facts.crypto {
        Crypto::Unsigned => CommitVerdict { verdict: Verdict::Unsigned, binding: Binding::None, signer: None, reasons: Vec::new() },
        Crypto::Malformed => without_binding(Verdict::Invalid, facts, "malformed-signature"),
        Crypto::Bad => without_binding(Verdict::Invalid, facts, "bad-signature"),
        // Whatever can be forged proves nothing, be it verified or refused by a library.
        Crypto::Unsupported | Crypto::Good if weak => without_binding(Verdict::Invalid, facts, "weak-algorithm"),
        Crypto::UnknownKey => without_binding(Verdict::Unverifiable, facts, "unknown-key"),
        Crypto::Unsupported => without_binding(Verdict::Unverifiable, facts, "unsupported-format"),
        Crypto::Good => good(facts, bound),
    }
}

/// The verdict on a commit whose signature could not be judged.
pub fn unverified() -> CommitVerdict {
    CommitVerdict { verdict: Verdict::Unverifiable, binding: Binding::None, signer: None, reasons: vec!["not-verified".to_owned()] }
}

fn without_binding(verdict: Verdict, facts: &SignatureFacts, reason: &str) -> CommitVerdict {
    let mut reasons = vec![reason.to_owned()];
    reasons.extend(facts.reasons.iter().filter(|more| *more != reason).cloned());
    CommitVerdict { verdict, binding: Binding::None, signer: None, reasons }
}

/// The verdict on a good signature that speaks for nobody, whoever has its key.
fn refused(facts: &SignatureFacts) -> Option<CommitVerdict> {
    let reason = facts.reasons.iter().find(|reason| REFUSALS.contains(&reason.as_str()))?;
    Some(CommitVerdict { verdict: Verdict::SignedUntrusted, binding: Binding::None, signer: None, reasons: vec![reason.clone()] })
}

/// A signature that is mathematically good: the key's state first, then whom it speaks for.
fn good(facts: &SignatureFacts, bound: impl FnOnce() -> CommitVerdict) -> CommitVerdict {
    let bound = || refused(facts).unwrap_or_else(bound);
    if facts.reasons.iter().any(|reason| reason == "wrong-namespace") {
        return without_binding(Verdict::Invalid, facts, "wrong-namespace");
    }
    // A key that lived for minutes: what it signed since cannot be told from what it signed then.
    if facts.reasons.iter().any(|reason| reason == "needs-transparency-log") {
        return without_binding(Verdict::Unverifiable, facts, "needs-transparency-log");
    }
    // Whoever made it, nobody configured says whose key it is: a policy that names the key takes no place of the keyring.
    if facts.key_time.is_none() && facts.is_of_unknown_key() {
        return without_binding(Verdict::SignedUntrusted, facts, "unknown-key");
    }
    let (limit, state) = match state(facts.key_time) {
        Ok(None) => return with_remarks(bound(), facts),
        // No line of the allowed signers speaks for the key at that time.
        Ok(Some((verdict, reason @ "outside-window"))) => return without_binding(verdict, facts, reason),
        Ok(Some(limit)) => limit,
        Err(reason) => return without_binding(Verdict::Invalid, facts, reason),
    };
    with_remarks(limited(bound(), limit, state), facts)
}

/// The verdict, unless the commit was not there yet when a scan looked after its key had ended: then it claims a wrong time
/// (catalogue T34).
pub(super) fn in_sight(verdict: CommitVerdict, commit: &Commit, facts: &SignatureFacts, positions: &Positions) -> CommitVerdict {
    let late = facts.key_ended.and_then(|end| positions.late.get(&(commit.source.clone(), end)));
    if !late.is_some_and(|late| late.contains(&commit.id)) {
        return verdict;
    }
    let reason = match facts.key_time {
        Some(KeyTime::RevokedSoftAfter) => "first-seen-after-key-retired",
        _ => "first-seen-after-key-expired",
    };
    let seen = limited(verdict, Verdict::SignedUntrusted, reason);
    // That somebody's key speaks for nobody any more says more than that its time is a claim.
    let verdict = if seen.verdict == Verdict::ClaimedTimeOnly { Verdict::SignedUntrusted } else { seen.verdict };
    CommitVerdict { verdict, binding: Binding::None, ..seen }
}

/// Adds what changes no verdict and has to be known all the same.
fn with_remarks(mut verdict: CommitVerdict, facts: &SignatureFacts) -> CommitVerdict {
    verdict.reasons.extend(facts.reasons.iter().filter(|reason| REMARKS.contains(&reason.as_str())).cloned());
    verdict
}

/// A verdict that is no better than the limit, with its reason before the others.
pub(super) fn limited(verdict: CommitVerdict, limit: Verdict, reason: &str) -> CommitVerdict {
    let mut reasons = vec![reason.to_owned()];
    reasons.extend(verdict.reasons);
    CommitVerdict { verdict: verdict.verdict.max(limit), reasons, ..verdict }
}

/// The best verdict that the key's state allows, with its reason; an error where the signature is void.
fn state(key_time: Option<KeyTime>) -> Result<Option<(Verdict, &'static str)>, &'static str> {
    match key_time {
        Some(KeyTime::Valid) => Ok(None),
        Some(KeyTime::ExpiredSince) => Ok(Some((Verdict::ClaimedTimeOnly, "key-expired-since"))),
        Some(KeyTime::RevokedSoftAfter) => Ok(Some((Verdict::ClaimedTimeOnly, "key-retired-since"))),
        Some(KeyTime::SigExpired) => Ok(Some((Verdict::ClaimedTimeOnly, "signature-expired"))),
        Some(KeyTime::OutsideWindow) => Ok(Some((Verdict::SignedUntrusted, "outside-window"))),
        Some(KeyTime::ExpiredBeforeSig) => Err("key-expired-before-signature"),
        Some(KeyTime::RevokedHard) => Err("key-revoked"),
        Some(KeyTime::RevokedSoftBefore) => Err("key-retired-before-signature"),
        Some(KeyTime::FutureSig) => Err("signature-in-the-future"),
        Some(KeyTime::BeforeKey) => Err("signature-older-than-key"),
        // A good signature without a state of its key is no fact that the keyring makes; nothing can be built on it.
        None => Ok(Some((Verdict::Unverifiable, "key-state-unknown"))),
    }
}

/// Whom a good signature in force speaks for.
fn bound(commit: &Commit, facts: &SignatureFacts) -> CommitVerdict {
    let rung = |verdict, binding, reason: &str| CommitVerdict { verdict, binding, signer: None, reasons: vec![reason.to_owned()] };
    if facts.forge.is_some() {
        let ours = email(&commit.committer).is_some_and(|committer| facts.forge_committer.as_deref() == Some(committer.as_str()));
        return match ours {
            true => rung(Verdict::ForgeAttested, Binding::Forge, "forge-key"),
            false => rung(Verdict::SignedUntrusted, Binding::None, "forge-committer-mismatch"),
        };
    }
    let (author, committer) = (email(&commit.author), email(&commit.committer));
    let among = |list: &[String], address: &Option<String>| address.as_ref().is_some_and(|address| list.contains(address));
    if among(&facts.emails, &author) {
        rung(Verdict::VerifiedAuthor, Binding::Author, "uid-binding")
    } else if among(&facts.emails, &committer) {
        rung(Verdict::VerifiedCommitter, Binding::Committer, "uid-binding")
    } else if author.as_ref().is_some_and(|author| facts.groups.iter().any(|group| pattern::list_matches(group, author))) {
        rung(Verdict::GroupVerified, Binding::Group, "group-principal")
    } else {
        rung(Verdict::SignedUntrusted, Binding::None, mismatch(facts, &author, &committer))
    }
}

/// Why a good signature speaks for neither author nor committer. Only a key that speaks for somebody else is a mismatch of
/// persons.
fn mismatch(facts: &SignatureFacts, author: &Option<String>, committer: &Option<String>) -> &'static str {
    let contested = |address: &Option<String>| address.as_ref().is_some_and(|address| facts.contested.contains(address));
    if contested(author) || contested(committer) {
        "email-on-two-keys"
    } else if !facts.emails.is_empty() || !facts.contested.is_empty() {
        "identity-mismatch"
    } else if !facts.groups.is_empty() {
        "group-mismatch"
    } else {
        "key-without-email"
    }
}

/// The e-mail that a commit claims, with its domain in lower case. What is not UTF-8 or has no `@` speaks for nobody.
pub(super) fn email(actor: &Actor) -> Option<String> {
    let text = std::str::from_utf8(actor.email.as_bytes()).ok()?;
    let (local, domain) = text.split_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then(|| format!("{local}@{}", domain.to_ascii_lowercase()))
}
