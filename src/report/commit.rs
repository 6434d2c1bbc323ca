//! Commits in the record: author, committer and signer are three claims, and the verdict stands beside them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{Timestamp, Word, is_false, text};
use super::words;
use crate::model::attribution::{Algo, Binding, CommitVerdict, Crypto, Format, KeyTime, SignatureFacts, TimeBasis, Verdict};
use crate::model::commit;

/// A commit that is credited with a declaration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its full id.
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub id: String,
    /// The source it was found in.
    pub source: String,
    /// Who is said to have made the change.
    pub author: Actor,
    /// Who is said to have made the commit.
    pub committer: Actor,
    /// First line of its message.
    pub subject: String,
    /// Whether `subject` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// What is known of its signature. Absent where it was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// The judgement.
    #[schemars(schema_with = "words::verdict")]
    pub verdict: Word,
    /// Why, as stable phrases.
    pub reasons: Vec<String>,
}

/// A person or program, as a commit claims it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// Whether `name` or `email` is not UTF-8 and so both are written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// The time claimed; absent where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

/// What is known of a signature: independent axes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// Format.
    #[schemars(extend("enum" = ["none", "openpgp", "ssh", "x509", "unknown"]))]
    pub format: Word,
    /// What the mathematics says.
    #[schemars(extend("enum" = ["unsigned", "malformed", "unsupported", "unknown-key", "bad", "good"]))]
    pub crypto: Word,
    /// Strength of the algorithms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ok", "weak"]))]
    pub algo: Option<Word>,
    /// State of the key at the time of the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["valid", "expired-since", "expired-before-sig", "revoked-hard", "revoked-soft-after",
        "revoked-soft-before", "outside-window", "future-sig", "before-key", "sig-expired"]))]
    pub key_time: Option<Word>,
    /// Whether the time is more than a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["claimed", "anchored"]))]
    pub time_basis: Option<Word>,
    /// Whom it speaks for.
    #[schemars(extend("enum" = ["author", "committer", "group", "forge", "bot", "ambiguous", "none"]))]
    pub binding: Word,
    /// What the key calls its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Whose key the trust policy says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Fingerprint of the key, in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// E-mails and URIs that its X.509 certificate names, where a configured root vouches for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// Who told the certificate's authority who that is, as an OIDC issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Of a good signature: a digest of key, payload and what of the signature is itself signed. Two commits that share it differ in
    /// nothing that anybody signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
    pub evidence: Option<String>,
    /// The forge whose key it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forge: Option<String>,
    /// Time of the signature, where the format has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// What else is to be known of it, as stable phrases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl Commit {
    /// The commit with what is known of its signature. A commit without a verdict could not be judged.
    pub(crate) fn of(commit: &commit::Commit, facts: Option<&SignatureFacts>, verdict: Option<&CommitVerdict>) -> Self {
        Self {
            id: commit.id.to_string(),
            source: commit.source.clone(),
            author: Actor::of(&commit.author),
            committer: Actor::of(&commit.committer),
            subject: commit.subject.to_string(),
            encoded: commit.subject.is_encoded(),
            signature: facts.map(|facts| Signature::with(facts, verdict)),
            verdict: verdict.map_or(Verdict::Unverifiable, |verdict| verdict.verdict).as_str().into(),
            reasons: verdict.map_or_else(|| vec!["not verified".to_owned()], |verdict| verdict.reasons.clone()),
        }
    }
}

impl Actor {
    pub(super) fn of(actor: &commit::Actor) -> Self {
        let encoded = actor.name.is_encoded() || actor.email.is_encoded();
        Self {
            name: text(&actor.name, encoded),
            email: text(&actor.email, encoded),
            encoded,
            time: actor.time.as_ref().and_then(Timestamp::claimed),
        }
    }
}

impl Signature {
    /// What is known of a signature, and whom the verdict says that it speaks for.
    pub(super) fn with(facts: &SignatureFacts, verdict: Option<&CommitVerdict>) -> Self {
        let binding = verdict.map_or(Binding::None, |verdict| verdict.binding);
        Self { principal: verdict.and_then(|verdict| verdict.signer.clone()), ..Self::of(facts, binding) }
    }

    fn of(facts: &SignatureFacts, binding: Binding) -> Self {
        Self {
            format: format_word(facts.format).into(),
            crypto: crypto_word(facts.crypto).into(),
            algo: facts.algo.map(|algo| algo_word(algo).into()),
            key_time: facts.key_time.map(|key_time| key_time_word(key_time).into()),
            time_basis: facts.time_basis.map(|basis| time_basis_word(basis).into()),
            binding: binding_word(binding).into(),
            signer: facts.signer.clone(),
            principal: None,
            key: facts.key.clone(),
            identities: facts.identities.clone(),
            issuer: facts.issuer.clone(),
            evidence: facts.evidence.clone(),
            forge: facts.forge.clone(),
            time: facts.time.as_ref().and_then(Timestamp::claimed),
            reasons: facts.reasons.clone(),
        }
    }
}

fn format_word(format: Format) -> &'static str {
    match format {
        Format::None => "none",
        Format::OpenPgp => "openpgp",
        Format::Ssh => "ssh",
        Format::X509 => "x509",
        Format::Unknown => "unknown",
    }
}

fn crypto_word(crypto: Crypto) -> &'static str {
    match crypto {
        Crypto::Unsigned => "unsigned",
        Crypto::Malformed => "malformed",
        Crypto::Unsupported => "unsupported",
        Crypto::UnknownKey => "unknown-key",
        Crypto::Bad => "bad",
        Crypto::Good => "good",
    }
}

fn algo_word(algo: Algo) -> &'static str {
    match algo {
        Algo::Ok => "ok",
        Algo::Weak => "weak",
    }
}

fn key_time_word(key_time: KeyTime) -> &'static str {
    match key_time {
        KeyTime::Valid => "valid",
        KeyTime::ExpiredSince => "expired-since",
        KeyTime::ExpiredBeforeSig => "expired-before-sig",
        KeyTime::RevokedHard => "revoked-hard",
        KeyTime::RevokedSoftAfter => "revoked-soft-after",
        KeyTime::RevokedSoftBefore => "revoked-soft-before",
        KeyTime::OutsideWindow => "outside-window",
        KeyTime::FutureSig => "future-sig",
        KeyTime::BeforeKey => "before-key",
        KeyTime::SigExpired => "sig-expired",
    }
}

fn time_basis_word(basis: TimeBasis) -> &'static str {
    match basis {
        TimeBasis::Claimed => "claimed",
        TimeBasis::Anchored => "anchored",
    }
}

fn binding_word(binding: Binding) -> &'static str {
    match binding {
        Binding::Author => "author",
        Binding::Committer => "committer",
        Binding::Group => "group",
        Binding::Forge => "forge",
        Binding::Bot => "bot",
        Binding::Ambiguous => "ambiguous",
        Binding::None => "none",
    }
}
