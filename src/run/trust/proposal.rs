//! What commits and their signatures say about keys, forges and bots.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::model::attribution::{Binding, CommitVerdict, Crypto, Format, SignatureFacts, Verdict};
use crate::model::commit::{Actor, Commit};
use crate::model::evidence::TouchedFile;
use crate::model::trust::normal_email;

/// Keys of forges that are known to everybody (provenance.md §2.2): fingerprint, name, committer.
const KNOWN_FORGES: [(&str, &str, &str); 2] = [
    ("968479A1AFF927E37D1A566BB5690EEEBB952194", "github", "noreply@github.com"),
    ("5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23", "github", "noreply@github.com"),
];

/// So many different texts are remembered for one entry; the rest is counted.
const MOST: usize = 1000;

/// Commits that say something about one entry.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) commits: usize,
    pub(super) first: Option<DateTime<Utc>>,
    pub(super) last: Option<DateTime<Utc>>,
    /// E-mails as they stand in commits, with how many.
    pub(super) authors: BTreeMap<String, usize>,
    pub(super) committers: BTreeMap<String, usize>,
}

impl Evidence {
    fn add(&mut self, commit: &Commit) {
        self.commits += 1;
        let time = commit.committer.time.map(|time| time.to_utc());
        self.first = [self.first, time].into_iter().flatten().min();
        self.last = [self.last, time].into_iter().flatten().max();
        count(&mut self.authors, &commit.author);
        count(&mut self.committers, &commit.committer);
    }
}

fn count(counts: &mut BTreeMap<String, usize>, actor: &Actor) {
    let email = actor.email.to_string();
    if counts.len() < MOST || counts.contains_key(&email) {
        *counts.entry(email).or_default() += 1;
    }
}

/// A key that signs, or is named by signatures.
#[derive(Debug, Default)]
pub(super) struct Key {
    /// Commits with a good signature of it, and those that merely name it.
    pub(super) good: Evidence,
    pub(super) claimed: Evidence,
    /// Whether some commit is proven by it without any policy.
    pub(super) proves: bool,
    /// Why the others are not.
    pub(super) reasons: BTreeSet<String>,
    /// E-mails that the configured keys bind to it, and those that another one carries too.
    pub(super) emails: BTreeSet<String>,
    pub(super) contested: BTreeSet<String>,
    /// E-mails of authors that it proves, or as a forge attests, in commits of seeming bots and in all others.
    pub(super) automated: BTreeSet<String>,
    pub(super) authored: BTreeSet<String>,
    pub(super) groups: BTreeSet<String>,
    /// The forge that it is of, with its committer.
    pub(super) forge: Option<(String, String)>,
}

/// Which key: OpenPGP, SSH or another format, and its fingerprint or the part of it that signatures name; or, where certificates
/// are made anew for each signature, whom they name and, after a blank, the issuer who told that.
pub(super) type KeyName = (&'static str, String);

/// An author that seems to be a program.
#[derive(Debug, Default)]
pub(super) struct Bot {
    pub(super) evidence: Evidence,
    /// Names that it gives itself.
    pub(super) names: BTreeSet<String>,
    /// The files that it touched. None where that is not known of all its commits.
    pub(super) paths: Option<BTreeSet<String>>,
    /// The fields that it touched in them.
    pub(super) fields: Option<BTreeSet<String>>,
}

/// All that is known.
#[derive(Debug, Default)]
pub(super) struct Proposal {
    pub(super) keys: BTreeMap<KeyName, Key>,
    pub(super) bots: BTreeMap<String, Bot>,
    pub(super) good: usize,
    pub(super) unknown: usize,
    pub(super) unsigned: usize,
    /// Bad, malformed, or of a format that is not read.
    pub(super) other: usize,
}

/// Whether an author seems to be a program; that is a claim like any other.
pub(super) fn is_bot(commit: &Commit) -> bool {
    let has = |text: &[u8]| text.to_ascii_lowercase().windows(5).any(|word| word == b"[bot]");
    has(commit.author.name.as_bytes()) || has(commit.author.email.as_bytes())
}

impl Proposal {
    /// Takes in a commit with what its signature says and what it proves without any policy.
    pub(super) fn add(&mut self, commit: &Commit, facts: &SignatureFacts, verdict: &CommitVerdict, touched: Option<&[TouchedFile]>) {
        let key = key_name(facts);
        let counter = match facts.crypto {
            Crypto::Unsigned => &mut self.unsigned,
            Crypto::Good | Crypto::UnknownKey if facts.is_of_unknown_key() => &mut self.unknown,
            Crypto::Good | Crypto::UnknownKey => &mut self.good,
            Crypto::Bad | Crypto::Malformed | Crypto::Unsupported => &mut self.other,
        };
        *counter += 1;
        if let Some(key) = &key {
            self.add_key(key, commit, facts, verdict);
        }
        if is_bot(commit) {
            self.add_bot(commit, touched);
        }
    }

    fn add_key(&mut self, name: &KeyName, commit: &Commit, facts: &SignatureFacts, verdict: &CommitVerdict) {
        // Anybody can name any number of keys; those that are configured are never crowded out.
        let is_one_too_many = facts.is_of_unknown_key() && self.keys.len() >= MOST && !self.keys.contains_key(name);
        // A signature that does not fit its commit says nothing about the key that it names.
        if !matches!(facts.crypto, Crypto::Good | Crypto::UnknownKey) || is_one_too_many {
            return;
        }
        let known =
            KNOWN_FORGES.iter().find(|(fingerprint, ..)| *fingerprint == name.1 || (name.1.len() == 16 && fingerprint.ends_with(&name.1)));
        let key = self.keys.entry(name.clone()).or_default();
        let configured = facts.forge.clone().zip(facts.forge_committer.clone());
        key.forge =
            key.forge.take().or(configured).or_else(|| known.map(|(_, forge, committer)| ((*forge).to_owned(), (*committer).to_owned())));
        if facts.is_of_unknown_key() {
            return key.claimed.add(commit);
        }
        key.good.add(commit);
        key.emails.extend(facts.emails.iter().cloned());
        key.contested.extend(facts.contested.iter().cloned());
        key.groups.extend(facts.groups.iter().cloned());
        if !proves(facts, verdict) {
            return key.reasons.extend(verdict.reasons.iter().cloned());
        }
        key.proves = true;
        // The author whom a committer's key names is only claimed.
        if matches!(verdict.binding, Binding::Author | Binding::Forge) {
            let emails = if is_bot(commit) { &mut key.automated } else { &mut key.authored };
            emails.extend(normal_email(&commit.author.email.to_string()));
        }
    }

    fn add_bot(&mut self, commit: &Commit, touched: Option<&[TouchedFile]>) {
        let Some(email) = normal_email(&commit.author.email.to_string()) else { return };
        if self.bots.len() >= MOST && !self.bots.contains_key(&email) {
            return;
        }
        let bot =
            self.bots.entry(email).or_insert_with(|| Bot { paths: Some(BTreeSet::new()), fields: Some(BTreeSet::new()), ..Bot::default() });
        bot.evidence.add(commit);
        if bot.names.len() < MOST {
            bot.names.insert(commit.author.name.to_string());
        }
        let Some(touched) = touched else {
            (bot.paths, bot.fields) = (None, None);
            return;
        };
        for file in touched {
            if let Some(paths) = bot.paths.as_mut() {
                paths.insert(file.path.to_string());
            }
            match (bot.fields.as_mut(), &file.fields) {
                (Some(fields), Some(more)) => fields.extend(more.iter().cloned()),
                _ => bot.fields = None,
            }
        }
    }
}

/// Whether a commit is proven to be of somebody without any policy; or would be, had the key not expired since.
fn proves(facts: &SignatureFacts, verdict: &CommitVerdict) -> bool {
    let binds = matches!(verdict.binding, Binding::Author | Binding::Committer | Binding::Forge);
    facts.crypto == Crypto::Good
        && !facts.is_of_unknown_key()
        && binds
        && verdict.verdict <= Verdict::ClaimedTimeOnly
        && verdict.verdict != Verdict::SignedUntrusted
}

fn key_name(facts: &SignatureFacts) -> Option<KeyName> {
    let name = match (facts.identities.first(), &facts.issuer) {
        (Some(identity), Some(issuer)) => Some(format!("{identity} {issuer}")),
        _ => facts.key.clone(),
    };
    name.map(|name| (format(facts.format), name))
}

fn format(format: Format) -> &'static str {
    match format {
        Format::OpenPgp => "openpgp",
        Format::Ssh => "ssh",
        Format::X509 => "x509",
        Format::None | Format::Unknown => "unknown",
    }
}
