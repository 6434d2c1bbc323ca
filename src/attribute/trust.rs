//! The trust policy at work: whom a signature speaks for, and what the rules have against a declaration.
//!
//! Only the policy binds a key: user ids and principals of allowed signers are what anybody may write into a key or next to it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::verdict::{email, in_sight, ladder, limited};
use crate::model::attribution::{Binding, Breaches, CommitVerdict, Crypto, Objection, SignatureFacts, Verdict};
use crate::model::commit::Commit;
use crate::model::evidence::Positions;
use crate::model::object::FieldPath;
use crate::model::trust::{Bot, FilePlace, Forge, Moment, Place, Principal, Require, Rule, TrustPolicy, TrustedKey, Via, covers};

/// What is known of a commit.
#[derive(Clone, Debug)]
pub(super) struct Judged<'a> {
    /// The judgement.
    pub(super) verdict: CommitVerdict,
    /// The names in the policy that it speaks for.
    pub(super) names: BTreeSet<&'a str>,
    /// The bots that it is of, which are one program with several scopes.
    pub(super) bots: Vec<&'a Bot>,
    /// Whether nothing is claimed of it, so that no proof is asked for.
    pub(super) unclaimed: bool,
}

impl From<CommitVerdict> for Judged<'_> {
    fn from(verdict: CommitVerdict) -> Self {
        Self { verdict, names: BTreeSet::new(), bots: Vec::new(), unclaimed: false }
    }
}

impl Judged<'_> {
    fn of(verdict: Verdict, binding: Binding, signer: Option<String>, reason: &str) -> Self {
        CommitVerdict { verdict, binding, signer, reasons: vec![reason.to_owned()] }.into()
    }

    /// Of a commit before an anchor.
    pub(super) fn before_anchor() -> Self {
        Self { unclaimed: true, ..Self::of(Verdict::Unverifiable, Binding::None, None, "before-anchor") }
    }
}

/// When, and where in the histories, commits are judged.
#[derive(Clone, Copy)]
pub struct Standpoint<'a> {
    /// What lies before the commits that the policy names.
    pub positions: &'a Positions,
    /// Decides which keys are retired by now.
    pub now: DateTime<Utc>,
}

/// The judgement on a commit by a policy.
pub(super) fn judge<'a>(policy: &'a TrustPolicy, commit: &Commit, facts: &SignatureFacts, standpoint: Standpoint<'_>) -> Judged<'a> {
    let (author, committer) = (email(&commit.author), email(&commit.committer));
    let claims = Claims { author, committer, time: claimed_time(commit, facts), commit, standpoint };
    let forge = policy.forges.iter().find(|forge| claims.committer.as_ref() == Some(&forge.committer));
    if forge.is_some_and(|forge| is_spoofed(forge, facts)) {
        return Judged::of(Verdict::Invalid, Binding::None, None, "spoofed-forge");
    }
    let mut bound = bound(policy, facts, &claims);
    let verdict = in_sight(ladder(facts, || bound.verdict.clone()), commit, facts, standpoint.positions);
    // Nobody is allowed anything by a signature that proves nothing.
    if verdict.binding == Binding::None || verdict.verdict > Verdict::ClaimedTimeOnly {
        (bound.names, bound.bots) = (BTreeSet::new(), Vec::new());
    }
    Judged { verdict, ..bound }
}

/// What a commit says of itself.
struct Claims<'a> {
    author: Option<String>,
    committer: Option<String>,
    time: Option<DateTime<Utc>>,
    commit: &'a Commit,
    standpoint: Standpoint<'a>,
}

impl Claims<'_> {
    /// Whether the commit comes before a moment, or why that is not known.
    fn is_before(&self, moment: &Moment) -> Result<bool, &'static str> {
        match moment {
            Moment::Time(moment) => self.time.map(|time| time < *moment).ok_or("claimed-time-unreadable"),
            Moment::Commit(mark) => match self.standpoint.positions.marks.get(&(self.commit.source.clone(), mark.clone())) {
                Some(mark) if mark.before.contains(&self.commit.id) => Ok(true),
                Some(mark) if mark.whole => Ok(false),
                Some(_) | None => Err("position-unknown"),
            },
        }
    }

    /// Whether a moment lies behind us, so that who has the key today can only claim an earlier one. A position cannot be claimed.
    fn is_over(&self, moment: &Moment) -> bool {
        matches!(moment, Moment::Time(end) if *end <= self.standpoint.now)
    }

    /// Whether the commit was not there yet when a scan looked after that moment, so that it claims a wrong time (catalogue T34).
    fn is_late(&self, moment: &Moment) -> bool {
        let Moment::Time(end) = moment else { return false };
        let late = self.standpoint.positions.late.get(&(self.commit.source.clone(), *end));
        late.is_some_and(|late| late.contains(&self.commit.id))
    }

    /// Whether the key speaks for nobody yet.
    fn is_early(&self, from: &Moment) -> Result<bool, &'static str> {
        let is_ahead = matches!(from, Moment::Time(from) if self.standpoint.now < *from);
        Ok(self.is_before(from)? || is_ahead)
    }
}

/// A signature's own time; an SSH signature has none, and takes the committer's.
fn claimed_time(commit: &Commit, facts: &SignatureFacts) -> Option<DateTime<Utc>> {
    facts.time.or_else(|| commit.committer.time.map(|time| time.to_utc()))
}

/// Whether a commit that names the forge as its committer was signed by nobody or by another key. What is wrong in itself is
/// told as such, and of a format that cannot be read the key is not known.
fn is_spoofed(forge: &Forge, facts: &SignatureFacts) -> bool {
    match facts.crypto {
        Crypto::Bad | Crypto::Malformed => false,
        // It may be the forge's where the forge has a key of that format.
        Crypto::Unsupported if facts.key.is_none() => !forge.keys.iter().any(|key| key.format() == facts.format),
        Crypto::UnknownKey => !forge.keys.iter().any(|key| key.is_named_by(facts)),
        Crypto::Unsigned | Crypto::Unsupported | Crypto::Good => !forge.keys.iter().any(|key| key.is_of(facts)),
    }
}

/// Whom a good signature speaks for. The reading of a policy has made sure that a key of a forge or a bot is of nobody else.
fn bound<'a>(policy: &'a TrustPolicy, facts: &SignatureFacts, claims: &Claims<'_>) -> Judged<'a> {
    let has_own = |keys: &[TrustedKey]| keys.iter().any(|key| key.is_of(facts));
    if let Some(forge) = policy.forges.iter().find(|forge| has_own(&forge.keys)) {
        return in_times(by_forge(policy, forge, claims), &forge.keys, facts, claims);
    }
    let own_keys = |bot: &'a Bot| match &bot.via {
        Via::Keys(keys) => Some((bot, keys.as_slice())).filter(|(_, keys)| has_own(keys)),
        Via::Forge(_) => None,
    };
    let bots: Vec<(&Bot, &[TrustedKey])> = policy.bots.iter().filter_map(own_keys).collect();
    if let Some((bot, keys)) = bots.first() {
        let of_author: Vec<_> = bots.iter().filter(|(bot, _)| claims.author.as_ref() == Some(&bot.author_email)).collect();
        let signer = Some(format!("{} <{}>", bot.name, bot.author_email));
        let mismatch = || Judged::of(Verdict::SignedUntrusted, Binding::None, signer, "identity-mismatch");
        // One program with several scopes has one key, and each scope may say until when.
        let keys: Vec<&[TrustedKey]> = if of_author.is_empty() { vec![keys] } else { of_author.iter().map(|(_, keys)| *keys).collect() };
        let judged = by_bots(of_author.iter().map(|(bot, _)| *bot).collect()).unwrap_or_else(mismatch);
        return keys.into_iter().fold(judged, |judged, keys| in_times(judged, keys, facts, claims));
    }
    let principals: Vec<&Principal> = policy.principals.iter().filter(|principal| has_own(&principal.keys)).collect();
    match principals.as_slice() {
        [] => Judged::of(Verdict::SignedUntrusted, Binding::None, None, "key-not-in-policy"),
        [principal] => in_times(by_principal(principal, claims), &principal.keys, facts, claims),
        several => by_one_of(several, facts, claims),
    }
}

/// A forge attests what it committed itself; who wrote it is its claim.
fn by_forge<'a>(policy: &'a TrustPolicy, forge: &'a Forge, claims: &Claims<'_>) -> Judged<'a> {
    let signer = Some(forge.name.clone());
    if claims.committer.as_ref() != Some(&forge.committer) {
        return Judged::of(Verdict::SignedUntrusted, Binding::None, signer, "forge-committer-mismatch");
    }
    let is_its_bot = |bot: &&Bot| matches!(&bot.via, Via::Forge(name) if *name == forge.name);
    let bots = policy.bots.iter().filter(is_its_bot).filter(|bot| claims.author.as_ref() == Some(&bot.author_email));
    if let Some(judged) = by_bots(bots.collect()) {
        return judged;
    }
    let mut judged = Judged::of(Verdict::ForgeAttested, Binding::Forge, signer, "forge-key");
    judged.names.insert(&forge.name);
    let authors = policy.principals.iter().filter(|principal| is_email_of(principal, claims.author.as_ref()));
    if let [author] = authors.collect::<Vec<_>>().as_slice() {
        judged.names.insert(&author.name);
    }
    judged
}

fn by_bots(bots: Vec<&Bot>) -> Option<Judged<'_>> {
    let first = bots.first()?;
    let signer = Some(format!("{} <{}>", first.name, first.author_email));
    let verdict = CommitVerdict { verdict: Verdict::BotAttested, binding: Binding::Bot, signer, reasons: vec!["bot".to_owned()] };
    let names = bots.iter().map(|bot| bot.name.as_str()).collect();
    Some(Judged { verdict, names, bots, unclaimed: false })
}

fn is_email_of(principal: &Principal, email: Option<&String>) -> bool {
    email.is_some_and(|email| principal.emails.contains(email))
}

fn by_principal<'a>(principal: &'a Principal, claims: &Claims<'_>) -> Judged<'a> {
    let (verdict, binding) = if is_email_of(principal, claims.author.as_ref()) {
        (Verdict::VerifiedAuthor, Binding::Author)
    } else if is_email_of(principal, claims.committer.as_ref()) {
        (Verdict::VerifiedCommitter, Binding::Committer)
    } else {
        return Judged::of(Verdict::SignedUntrusted, Binding::None, Some(principal.shown()), "identity-mismatch");
    };
    Judged { names: BTreeSet::from([principal.name.as_str()]), ..Judged::of(verdict, binding, Some(principal.shown()), "policy-binding") }
}

/// A key that several claim speaks for the one who is the author, and else for nobody.
fn by_one_of<'a>(several: &[&'a Principal], facts: &SignatureFacts, claims: &Claims<'_>) -> Judged<'a> {
    let authors: Vec<&Principal> = several.iter().copied().filter(|principal| is_email_of(principal, claims.author.as_ref())).collect();
    if let [author] = authors.as_slice() {
        let mut judged = in_times(by_principal(author, claims), &author.keys, facts, claims);
        judged.verdict.reasons.push("key-on-two-principals".to_owned());
        return judged;
    }
    let all: Vec<String> = several.iter().map(|principal| principal.shown()).collect();
    Judged::of(Verdict::SignedUntrusted, Binding::Ambiguous, Some(all.join(" or ")), "key-on-two-principals")
}

/// The judgement as far as every listed key that made the signature spoke for its owner: a primary key beside its subkey, too.
fn in_times<'a>(judged: Judged<'a>, keys: &[TrustedKey], facts: &SignatureFacts, claims: &Claims<'_>) -> Judged<'a> {
    keys.iter().filter(|key| key.is_of(facts)).fold(judged, |judged, key| in_time(judged, key, claims))
}

/// The judgement as far as the key spoke for its owner where the commit stands, or at the time that it claims. Whoever has a key
/// that is retired by now can claim any time.
fn in_time<'a>(judged: Judged<'a>, key: &TrustedKey, claims: &Claims<'_>) -> Judged<'a> {
    let early = key.valid_from.as_ref().map(|from| claims.is_early(from));
    let before_end = key.retired_at.as_ref().map(|end| claims.is_before(end));
    let outside = match (early, before_end) {
        (Some(Err(unknown)), _) | (_, Some(Err(unknown))) => unknown,
        (Some(Ok(true)), _) => "key-not-yet-valid",
        (_, Some(Ok(false))) => "key-retired",
        (_, Some(Ok(true))) if key.retired_at.as_ref().is_some_and(|end| claims.is_late(end)) => "first-seen-after-key-retired",
        (_, Some(Ok(true))) if key.retired_at.as_ref().is_some_and(|end| claims.is_over(end)) => {
            return Judged { verdict: limited(judged.verdict, Verdict::ClaimedTimeOnly, "key-retired-since"), ..judged };
        }
        _ => return judged,
    };
    CommitVerdict { binding: Binding::None, ..limited(judged.verdict, Verdict::SignedUntrusted, outside) }.into()
}

/// What the policy has against a commit's part in a declaration, and the best verdict that is asked for and not reached.
/// `field` is the field that the commit set; for an object as a whole there is none. `is_changed` tells that it is known who brought
/// it onto the branch, which some rules are about instead.
pub(super) fn objections(
    policy: &TrustPolicy,
    judged: Option<&Judged<'_>>,
    place: &Place<'_>,
    field: Option<&FieldPath>,
    is_changed: bool,
) -> (Breaches, Option<Verdict>) {
    let mut breaches = Breaches::default();
    let mut verdict = judged.map_or(Verdict::Unverifiable, |judged| judged.verdict.verdict);
    let is_unclaimed = judged.is_some_and(|judged| judged.unclaimed);
    let nobody = BTreeSet::new();
    let mut names = judged.map_or(&nobody, |judged| &judged.names);
    if judged.is_some_and(|judged| !judged.bots.is_empty() && !judged.bots.iter().any(|bot| may_set(bot, place, field))) {
        breaches.add(Objection::OutOfBotScope);
        (verdict, names) = (verdict.max(Verdict::SignedUntrusted), &nobody);
    }
    let mut missed: Option<Verdict> = None;
    let mut is_scoped = policy.rules.is_empty();
    for rule in policy.rules.iter().filter(|rule| rule.is_about(place)) {
        is_scoped = true;
        if !rule.has_in_scope(place.object) {
            breaches.add(Objection::OutOfScope);
        }
        // What lies before an anchor is told as not verifiable; no proof of it is asked for.
        let is_of_change_only = is_changed && rule.require == Some(Require::Change);
        if !is_unclaimed && !is_of_change_only {
            held_to_allow(rule, names, &mut breaches);
            held_to_min(rule, verdict, &mut breaches, &mut missed);
        }
    }
    if !is_scoped {
        breaches.add(Objection::Unscoped);
    }
    (breaches, missed)
}

/// What the policy has against whoever brought a declaration onto the branch. `None` where no rule asks for that, and before an anchor.
pub(super) fn objections_to_change(
    policy: &TrustPolicy,
    judged: Option<&Judged<'_>>,
    place: &Place<'_>,
) -> Option<(Breaches, Option<Verdict>)> {
    if judged.is_some_and(|judged| judged.unclaimed) {
        return None;
    }
    let verdict = judged.map_or(Verdict::Unverifiable, |judged| judged.verdict.verdict);
    let nobody = BTreeSet::new();
    let names = judged.map_or(&nobody, |judged| &judged.names);
    let mut rules = policy.rules.iter().filter(|rule| rule.require != Some(Require::Content) && rule.is_about(place)).peekable();
    rules.peek()?;
    let (mut breaches, mut missed) = (Breaches::default(), None);
    let is_of_forge = verdict == Verdict::ForgeAttested;
    for rule in rules {
        // A forge merges what somebody else may have signed, by whoever pressed the button.
        if !is_of_forge || rule.require.is_some() {
            held_to_allow(rule, names, &mut breaches);
        }
        held_to_min(rule, verdict, &mut breaches, &mut missed);
    }
    Some((breaches, missed))
}

fn held_to_allow(rule: &Rule, names: &BTreeSet<&str>, breaches: &mut Breaches) {
    if rule.allow.as_ref().is_some_and(|allow| !allow.iter().any(|name| names.contains(name.as_str()))) {
        breaches.add(Objection::NotAllowed);
    }
}

fn held_to_min(rule: &Rule, verdict: Verdict, breaches: &mut Breaches, missed: &mut Option<Verdict>) {
    if let Some(min) = rule.min.filter(|min| verdict > *min) {
        breaches.add(Objection::BelowMinimum);
        *missed = Some(missed.map_or(min, |missed| missed.min(min)));
    }
}

/// What a policy has against a change of the policy itself, which is kept in this file. The rules about the file say who may make one.
/// Where they ask for no proof of their own, it has to be a person's own key: a forge attests what anybody with an account there did.
pub(super) fn against_change(policy: &TrustPolicy, judged: &Judged<'_>, file: &FilePlace<'_>) -> Vec<&'static str> {
    let (mut breaches, mut missed) = (Breaches::default(), None);
    let rules: Vec<&Rule> = policy.rules.iter().filter(|rule| rule.is_about_file(file)).collect();
    if rules.is_empty() && !policy.rules.is_empty() {
        breaches.add(Objection::Unscoped);
    }
    for rule in &rules {
        held_to_allow(rule, &judged.names, &mut breaches);
        held_to_min(rule, judged.verdict.verdict, &mut breaches, &mut missed);
    }
    if rules.iter().all(|rule| rule.min.is_none()) && judged.verdict.verdict > Verdict::VerifiedCommitter {
        breaches.add(Objection::BelowMinimum);
    }
    // A program that may change the policy may widen its own scope.
    if !judged.bots.is_empty() {
        breaches.add(Objection::OutOfBotScope);
    }
    breaches.phrases().collect()
}

/// Whether it is of bots alone, each of which may set some fields only.
pub(super) fn is_bounded(judged: &Judged<'_>) -> bool {
    !judged.bots.is_empty() && judged.bots.iter().all(|bot| !bot.fields.is_empty())
}

fn may_set(bot: &Bot, place: &Place<'_>, field: Option<&FieldPath>) -> bool {
    let in_files = bot.paths.is_empty() || !place.paths.is_empty() && place.paths.iter().all(|path| covers(&bot.paths, path));
    in_files && field.is_none_or(|field| bot.fields.is_empty() || bot.fields.iter().any(|pattern| pattern.covers(field)))
}

#[cfg(test)]
mod tests;
