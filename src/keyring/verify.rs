//! Commits to facts, each distinct commit once, on a few threads.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use gpgme::Context;

use super::binding::{Bindings, KeyIndex};
use super::cache::Answers;
use super::{Keyring, Keys, mail, ssh, x509};
use crate::model::attribution::{Crypto, Format, SignatureFacts, TimeBasis};
use crate::model::commit::Commit;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::evidence::Signatures;
use crate::model::signature::{Signed, Split, split_commit};
use crate::model::tag::{Tag, split_tag};
use crate::progress::Progress;

/// GnuPG starts a process for each signature; more of them at once than this do not help.
const MOST_THREADS: usize = 4;
/// Machines whose clocks differ, and commits that wait for a passphrase.
const MOST_APART: TimeDelta = TimeDelta::hours(24);

/// Everything the threads share.
struct Work {
    keys: Arc<Keys>,
    answers: Arc<Answers>,
    bindings: Bindings,
    commits: Vec<Commit>,
    next: AtomicUsize,
    now: DateTime<Utc>,
    progress: Progress,
    split: fn(&Commit) -> Split,
}

impl Keyring {
    /// The facts of every commit's signature. A commit whose signature could not be judged has none, and is among the second
    /// half. `now` decides what has expired.
    pub async fn verify(&self, commits: &[Commit], now: DateTime<Utc>, progress: &Progress) -> (Signatures, Vec<NotEvaluated>) {
        self.verify_objects("commit", split_commit, commits, now, progress).await
    }

    /// The same of tag objects.
    pub async fn verify_tags(&self, tags: &[Tag], now: DateTime<Utc>, progress: &Progress) -> (Signatures, Vec<NotEvaluated>) {
        let objects: Vec<Commit> = tags.iter().map(|tag| tag.object.clone()).collect();
        self.verify_objects("tag object", split_tag, &objects, now, progress).await
    }

    async fn verify_objects(
        &self,
        noun: &str,
        split: fn(&Commit) -> Split,
        commits: &[Commit],
        now: DateTime<Utc>,
        progress: &Progress,
    ) -> (Signatures, Vec<NotEvaluated>) {
        let (distinct, index_of) = distinct(commits);
        let count = distinct.len();
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS).min(count);
        let work = Arc::new(Work {
            keys: Arc::clone(&self.keys),
            answers: Arc::clone(&self.answers),
            bindings: Bindings::new(&self.keys, now),
            commits: distinct,
            next: AtomicUsize::new(0),
            now,
            progress: progress.clone(),
            split,
        });
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                tokio::task::spawn_blocking({
                    let work = Arc::clone(&work);
                    move || work.run()
                })
            })
            .collect();
        let mut results: Vec<Result<SignatureFacts, String>> = vec![Err("the verifying thread broke off".to_owned()); count];
        for worker in workers {
            match worker.await {
                Ok(done) => done.into_iter().for_each(|(index, result)| results[index] = result),
                Err(cause) => tracing::error!(%cause, "a verifying thread broke off"),
            }
        }
        self.answers.remember();
        tell_malleable(&work.commits, &mut results);
        gather(noun, commits, &index_of, &results)
    }
}

/// The commits without those that another source has too, and for each of all its index among them.
fn distinct(commits: &[Commit]) -> (Vec<Commit>, Vec<usize>) {
    let mut seen = HashMap::new();
    let mut distinct: Vec<Commit> = Vec::new();
    let index_of = commits
        .iter()
        .map(|commit| {
            *seen.entry((&commit.id, &commit.raw)).or_insert_with(|| {
                distinct.push(commit.clone());
                distinct.len() - 1
            })
        })
        .collect();
    (distinct, index_of)
}

/// Tells of commits that have another id than a commit with the same evidence: somebody changed what of a signature is not signed.
fn tell_malleable(commits: &[Commit], results: &mut [Result<SignatureFacts, String>]) {
    let mut by_evidence: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, facts) in results.iter().enumerate() {
        if let Some(evidence) = facts.as_ref().ok().and_then(|facts| facts.evidence.clone()) {
            by_evidence.entry(evidence).or_default().push(index);
        }
    }
    for same in by_evidence.into_values() {
        let is_one = same.iter().all(|index| commits[*index].id == commits[same[0]].id);
        for index in same.into_iter().filter(|_| !is_one) {
            if let Ok(facts) = &mut results[index] {
                facts.reasons.push("oid-malleable".to_owned());
            }
        }
    }
}

fn gather(
    noun: &str,
    commits: &[Commit],
    index_of: &[usize],
    results: &[Result<SignatureFacts, String>],
) -> (Signatures, Vec<NotEvaluated>) {
    let (mut signatures, mut gaps) = (Signatures::new(), Vec::new());
    for (commit, index) in commits.iter().zip(index_of) {
        match &results[*index] {
            Ok(facts) => {
                signatures.insert((commit.source.clone(), commit.id.clone()), facts.clone());
            }
            Err(detail) => {
                let subject = format!("signature of {noun} {} in {}", commit.id, commit.source);
                gaps.push(NotEvaluated::new(Stage::Verify, subject, "not verified").with_detail(detail.clone()));
            }
        }
    }
    (signatures, gaps)
}

impl Work {
    fn run(&self) -> Vec<(usize, Result<SignatureFacts, String>)> {
        let mut context = None;
        let mut done = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(commit) = self.commits.get(index) else { return done };
            self.progress.tell(|| format!("verifying signatures: {} of {}", index + 1, self.commits.len()));
            done.push((index, self.facts(commit, &mut context).map_err(|cause| cause.to_string())));
        }
    }

    fn facts(&self, commit: &Commit, context: &mut Option<Context>) -> gpgme::Result<SignatureFacts> {
        match (self.split)(commit) {
            Split::Unsigned => Ok(SignatureFacts::unsigned()),
            Split::Malformed(malformed) => Ok(because(SignatureFacts::of(malformed.format, Crypto::Malformed), malformed.reason)),
            Split::Signed(signed) => match signed.format {
                Format::OpenPgp => self.openpgp(commit, &signed, context),
                Format::Ssh => Ok(self.ssh(commit, &signed)),
                Format::X509 => Ok(self.x509(commit, &signed)),
                other => Ok(because(SignatureFacts::of(other, Crypto::Unsupported), "unsupported-format")),
            },
        }
    }

    fn openpgp(&self, commit: &Commit, signed: &Signed, context: &mut Option<Context>) -> gpgme::Result<SignatureFacts> {
        let (mut facts, key) = self.keys.openpgp.verify(context, &self.answers, &signed.armor, &signed.payload, self.now)?;
        let Some(index) = key else { return Ok(facts) };
        if facts.crypto == Crypto::Good && are_apart(&facts, commit) {
            facts.reasons.push("time-anomaly".to_owned());
        }
        let key = &self.keys.openpgp.keys[index];
        if let Some(forge) = key.forge.map(|forge| &self.keys.forges[forge]) {
            facts.forge = Some(forge.name.clone());
            facts.forge_committer = mail::normal(&forge.committer).or_else(|| Some(forge.committer.clone()));
            facts.signer = key.user_ids.first().map(|user_id| user_id.text.clone());
            return Ok(facts);
        }
        let names: Vec<_> = key
            .user_ids
            .iter()
            .filter(|user_id| user_id.in_force(self.now))
            .map(|user_id| (user_id.email.clone(), user_id.text.as_str()))
            .collect();
        self.name(&mut facts, commit, KeyIndex::OpenPgp(index), &names);
        facts.signer = facts.signer.or_else(|| key.user_ids.first().map(|user_id| user_id.text.clone()));
        Ok(facts)
    }

    fn ssh(&self, commit: &Commit, signed: &Signed) -> SignatureFacts {
        let committed = commit.committer.time.map(|time| time.to_utc());
        let judged = self.keys.ssh.verify(&self.answers, &signed.armor, &signed.payload, committed, self.now);
        let ssh::Judged { mut facts, owner, principals, groups, fallback } = judged;
        let Some(key) = owner else { return facts };
        let names: Vec<_> = principals.iter().map(|principal| (mail::normal(principal), principal.as_str())).collect();
        self.name(&mut facts, commit, key, &names);
        facts.groups = groups;
        facts.groups.sort();
        facts.groups.dedup();
        facts.signer = facts.signer.or(fallback).or_else(|| facts.groups.first().cloned());
        facts
    }

    fn x509(&self, commit: &Commit, signed: &Signed) -> SignatureFacts {
        let committed = commit.committer.time.map(|time| time.to_utc());
        let x509::Judged { mut facts, emails } = self.keys.x509.verify(&signed.armor, &signed.payload, committed, self.now);
        let fallback = facts.signer.take();
        let names: Vec<_> = emails.iter().map(|email| (Some(email.clone()), email.as_str())).collect();
        self.name(&mut facts, commit, KeyIndex::Certificate, &names);
        facts.signer = facts.signer.or(fallback);
        facts
    }

    /// Fills in e-mails and the signer's name: the author's, else the committer's, else the first.
    fn name(&self, facts: &mut SignatureFacts, commit: &Commit, key: KeyIndex, names: &[(Option<String>, &str)]) {
        let emails = names.iter().filter_map(|(email, _)| email.clone());
        (facts.emails, facts.contested) = emails.partition(|email| self.bindings.is_bound(email, key));
        for list in [&mut facts.emails, &mut facts.contested] {
            list.sort();
            list.dedup();
        }
        if !facts.contested.is_empty() {
            facts.reasons.push("email-on-two-keys".to_owned());
        }
        let of = |actor: &crate::model::commit::Actor| {
            let email = std::str::from_utf8(actor.email.as_bytes()).ok().and_then(mail::normal)?;
            names.iter().find(|(own, _)| own.as_ref() == Some(&email))
        };
        let named = of(&commit.author).or_else(|| of(&commit.committer)).or_else(|| names.first());
        facts.signer = named.map(|(_, name)| (*name).to_owned());
    }
}

/// Whether the time of a signature and that of its commit are further apart than anybody takes to make both (catalogue T33): one
/// of them was set by hand.
fn are_apart(facts: &SignatureFacts, commit: &Commit) -> bool {
    let times = facts.time.zip(commit.committer.time);
    times.is_some_and(|(signed, committed)| (signed - committed.to_utc()).abs() > MOST_APART)
}

fn because(mut facts: SignatureFacts, reason: &str) -> SignatureFacts {
    facts.time_basis = Some(TimeBasis::Claimed);
    facts.reasons.push(reason.to_owned());
    facts
}
