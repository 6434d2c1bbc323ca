//! Who declared something, and how well that is proven.

use chrono::{DateTime, Utc};

use super::commit::CommitId;
use super::declaration::DocumentRef;

/// The format of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// No signature.
    None,
    /// OpenPGP.
    OpenPgp,
    /// SSHSIG.
    Ssh,
    /// X.509 / CMS.
    X509,
    /// Something else in a signature's place.
    Unknown,
}

/// What the mathematics says, apart from who owns the key. Names of provenance.md §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crypto {
    /// There is no signature.
    Unsigned,
    /// There is one, in a form that Git does not make. The reason is in [`SignatureFacts::reasons`].
    Malformed,
    /// A format that cannot be verified here.
    Unsupported,
    /// The key is not among the configured ones, and nothing can be verified without it. An SSH signature carries its key: it is
    /// good or bad, with the reason `unknown-key` where nobody configured the key.
    UnknownKey,
    /// The signature does not belong to this content.
    Bad,
    /// The signature is by this key over this content.
    Good,
}

/// Strength of the algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algo {
    /// Not weak.
    Ok,
    /// A digest or key that can be forged: MD5, SHA-1, RIPEMD, RSA below 2048 bits, DSA.
    Weak,
}

/// The key's state at the time of the signature. Names of provenance.md §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTime {
    /// In force.
    Valid,
    /// The key expired after the signature.
    ExpiredSince,
    /// The key had expired before the signature.
    ExpiredBeforeSig,
    /// Revoked as compromised or without a reason: never to be trusted.
    RevokedHard,
    /// Superseded or retired after the signature.
    RevokedSoftAfter,
    /// Superseded or retired before the signature.
    RevokedSoftBefore,
    /// Outside the window that allowed_signers gives the key, or before that of its certificate.
    OutsideWindow,
    /// The signature claims a time in the future.
    FutureSig,
    /// The signature is older than its key.
    BeforeKey,
    /// The signature itself has expired.
    SigExpired,
}

/// Whether the time of a signature is more than a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeBasis {
    /// Whoever signed says so.
    Claimed,
    /// A configured transparency log says so.
    Anchored,
}

/// What is known of the signature of one commit: independent axes, never one letter. No judgement about persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFacts {
    /// Format.
    pub format: Format,
    /// Mathematics.
    pub crypto: Crypto,
    /// Strength; `None` where nothing was verified.
    pub algo: Option<Algo>,
    /// State of the key; `None` where nothing was verified.
    pub key_time: Option<KeyTime>,
    /// When its key expired or was retired, where that was after the time which the signature claims: since then whoever has the
    /// key can only claim an earlier one.
    pub key_ended: Option<DateTime<Utc>>,
    /// Basis of the time; `None` where there is no signature.
    pub time_basis: Option<TimeBasis>,
    /// Fingerprint of the primary key (OpenPGP, upper-case hex), `SHA256:…` in base64 (SSH, also of a certified key), or
    /// `SHA256:…` of the certificate in upper-case hex (X.509), in full. An unknown key's claimed one too.
    pub key: Option<String>,
    /// Fingerprint of the OpenPGP subkey that made it, where it is not the primary key.
    pub subkey: Option<String>,
    /// Time of the signature as signed (OpenPGP, X.509), as the log has it where the time is anchored, or none (SSH has no time).
    pub time: Option<DateTime<Utc>>,
    /// E-mails that the configured key binds: unrevoked, unexpired user ids, principals without wildcards, or those of a
    /// certificate (SSH, X.509) that its authority may name, lower-cased in the domain. An e-mail that two keys carry is in neither list.
    pub emails: Vec<String>,
    /// E-mails of the key that another configured key carries too, so that they bind neither (`email-on-two-keys`).
    pub contested: Vec<String>,
    /// What to call the signer: the matching user id or principal.
    pub signer: Option<String>,
    /// E-mails and URIs that an X.509 certificate names, where a configured root vouches for it.
    pub identities: Vec<String>,
    /// Who told that root's authority who this is, where the certificate says so: an OIDC issuer, as with gitsign.
    pub issuer: Option<String>,
    /// Principals with wildcards (allowed_signers), which bind a group and no person.
    pub groups: Vec<String>,
    /// Name of the forge whose key this is, by `keys.forges`.
    pub forge: Option<String>,
    /// The committer e-mail which that forge signs for.
    pub forge_committer: Option<String>,
    /// Of a good signature: a digest of key, payload and the part of the signature that is signed itself, as `sha256:…`. What can
    /// be changed without the key, and so gives the same evidence another commit id, is not in it.
    pub evidence: Option<String>,
    /// Stable phrases: `multiple-signatures`, `wrong-namespace`, `weak-digest`, …
    pub reasons: Vec<String>,
}

impl SignatureFacts {
    /// Whether nobody configured its key. An SSH signature carries its key, and can be good all the same (`unknown-key`).
    pub fn is_of_unknown_key(&self) -> bool {
        self.crypto == Crypto::UnknownKey || self.reasons.iter().any(|reason| reason == "unknown-key")
    }

    /// The facts of a commit without a signature.
    pub fn unsigned() -> Self {
        Self::of(Format::None, Crypto::Unsigned)
    }

    /// Facts of which only format and crypto are known.
    pub fn of(format: Format, crypto: Crypto) -> Self {
        Self {
            format,
            crypto,
            algo: None,
            key_time: None,
            key_ended: None,
            time_basis: None,
            key: None,
            subkey: None,
            time: None,
            emails: Vec::new(),
            contested: Vec::new(),
            signer: None,
            identities: Vec::new(),
            issuer: None,
            groups: Vec::new(),
            forge: None,
            forge_committer: None,
            evidence: None,
            reasons: Vec::new(),
        }
    }
}

/// Whom a good signature speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The author.
    Author,
    /// The committer only.
    Committer,
    /// Anybody of a group.
    Group,
    /// A forge.
    Forge,
    /// A bot of the trust policy.
    Bot,
    /// Several, of whom it cannot be told which.
    Ambiguous,
    /// Nobody known.
    None,
}

/// The ladder, best first (record.md). Its order is the order of trust: a smaller one is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Signed by the author's own key.
    VerifiedAuthor,
    /// Signed by the committer's key; the author is a claim.
    VerifiedCommitter,
    /// Signed by a forge, which says who the author is.
    ForgeAttested,
    /// Signed for a configured bot.
    BotAttested,
    /// Signed by somebody of a group.
    GroupVerified,
    /// A good signature of a key that does not speak for author or committer.
    SignedUntrusted,
    /// A good signature whose time is only claimed and decides.
    ClaimedTimeOnly,
    /// No signature.
    Unsigned,
    /// It cannot be told.
    Unverifiable,
    /// The signature is wrong.
    Invalid,
}

impl Verdict {
    /// Every verdict, best first.
    pub const ALL: [Self; 10] = [
        Self::VerifiedAuthor,
        Self::VerifiedCommitter,
        Self::ForgeAttested,
        Self::BotAttested,
        Self::GroupVerified,
        Self::SignedUntrusted,
        Self::ClaimedTimeOnly,
        Self::Unsigned,
        Self::Unverifiable,
        Self::Invalid,
    ];

    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifiedAuthor => "verified-author",
            Self::VerifiedCommitter => "verified-committer",
            Self::ForgeAttested => "forge-attested",
            Self::BotAttested => "bot-attested",
            Self::GroupVerified => "group-verified",
            Self::SignedUntrusted => "signed-untrusted",
            Self::ClaimedTimeOnly => "claimed-time-only",
            Self::Unsigned => "unsigned",
            Self::Unverifiable => "unverifiable",
            Self::Invalid => "invalid",
        }
    }
}

/// The judgement on one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitVerdict {
    /// The rung.
    pub verdict: Verdict,
    /// Whom the signature speaks for.
    pub binding: Binding,
    /// Whose key the trust policy says it is, as in `bob <bob@example.com>`. Absent without a policy.
    pub signer: Option<String>,
    /// Why, as stable phrases: `uid-binding`, `identity-mismatch`, `unknown-key`, …
    pub reasons: Vec<String>,
}

/// A document that may have contributed to a rendered object, with its own newest commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputAttribution {
    /// Which document.
    pub document: DocumentRef,
    /// Its newest commit in meaning.
    pub commit: Option<CommitId>,
    /// That commit's verdict.
    pub verdict: Verdict,
}

/// Who wrote one leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafAttribution {
    /// Index into `Histories::commits`, where a commit is credited.
    pub commit: Option<u32>,
    /// The verdict for this leaf.
    pub verdict: Verdict,
    /// What the trust policy has against it.
    pub breaches: Breaches,
}

/// Who declared an object.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// The newest commit that changed its document in meaning. Absent where none is credited; `reasons` say why.
    pub authored_by: Option<CommitId>,
    /// The newest commit that changed its document on the tracked branch, since tips are observed; where the document came back,
    /// `reasons` hold `reintroduced`.
    pub changed_by: Option<CommitId>,
    /// The commit that made the document part of what is built, by an entry of a kustomization. Absent where it is there by
    /// itself, and where it cannot be told.
    pub activated_by: Option<CommitId>,
    /// The commit that gave its document the text that it has, and only that: white space, comments, order. No author.
    pub touched_by: Option<CommitId>,
    /// The commit that moved its document into the file where it stands, and only that. No author.
    pub moved_by: Option<CommitId>,
    /// The verdict on the object.
    pub verdict: Verdict,
    /// Why, as stable phrases: the commit's own, or `rendered`, `not versioned`, `before-history`; and `reintroduced`, `change`,
    /// `activation` where another commit makes it worse.
    pub reasons: Vec<String>,
    /// The documents behind a rendered object, where there is not exactly one; empty for plain files.
    pub inputs: Vec<InputAttribution>,
    /// One for each leaf of the declaration, in its order. Empty where the source is not versioned.
    pub leaves: Box<[LeafAttribution]>,
}

/// What a trust policy can have against a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Objection {
    /// A bot set what it may not.
    OutOfBotScope,
    /// A rule lets its files declare no such object.
    OutOfScope,
    /// A rule does not allow whoever is proven.
    NotAllowed,
    /// A rule asks for a better proof.
    BelowMinimum,
    /// No rule is about it.
    Unscoped,
}

impl Objection {
    const ALL: [Self; 5] = [Self::OutOfBotScope, Self::OutOfScope, Self::NotAllowed, Self::BelowMinimum, Self::Unscoped];

    /// The stable phrase among the reasons.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfBotScope => "out-of-bot-scope",
            Self::OutOfScope => "out-of-scope",
            Self::NotAllowed => "not-allowed",
            Self::BelowMinimum => "below-minimum",
            Self::Unscoped => "unscoped",
        }
    }
}

/// A set of objections, in a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Breaches(u8);

impl Breaches {
    /// Adds one.
    pub fn add(&mut self, objection: Objection) {
        self.0 |= 1 << objection as u8;
    }

    /// Takes one away.
    pub fn remove(&mut self, objection: Objection) {
        self.0 &= !(1 << objection as u8);
    }

    /// Adds those of another set.
    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Both sets in one.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it is among them.
    pub fn has(self, objection: Objection) -> bool {
        self.0 & (1 << objection as u8) != 0
    }

    /// Their phrases, in a fixed order.
    pub fn phrases(self) -> impl Iterator<Item = &'static str> {
        Objection::ALL.into_iter().filter(move |objection| self.has(*objection)).map(Objection::as_str)
    }
}

/// A declaration that the trust policy does not let through, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Whose commit it is, as an index into `Histories::commits`; none where no commit is credited.
    pub commit: Option<u32>,
    /// Index of the declaration.
    pub declaration: usize,
    /// What is against it.
    pub breaches: Breaches,
    /// The best verdict that a rule asks for and that is not reached.
    pub min: Option<Verdict>,
}

/// All attributions of a scan.
#[derive(Clone, Debug, Default)]
pub struct Attributions {
    /// One for each declaration, in its order; `None` where the source is not versioned.
    pub declarations: Vec<Option<Attribution>>,
    /// One for each commit of `Histories::commits`, in its order.
    pub commits: Vec<CommitVerdict>,
    /// What the trust policy does not let through, sorted by commit and declaration.
    pub breaches: Vec<Breach>,
}
