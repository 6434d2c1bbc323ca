//! X.509 signatures (CMS), verified without any program: those of gpgsm and smimesign, whose certificates last and whose time
//! is a claim, and those of gitsign, whose certificates last for minutes and whose time a transparency log proves.

mod ber;
mod certificate;
mod chain;
mod cms;
mod protobuf;
mod rekor;
mod signing;

use std::path::Path;

use chrono::{DateTime, Utc};

use super::cache::Evidence;
use super::{Error, armor, validity};
use crate::model::attribution::{Algo, Crypto, Format, KeyTime, SignatureFacts, TimeBasis};
use certificate::{Certificate, Window};
use chain::{Authorities, Found};
use cms::SignedData;
use rekor::{Entry, Logs, Subject};
use signing::{Hash, PublicKey, is_weak};

/// The configured roots, lists of revoked certificates, and logs.
#[derive(Debug, Default)]
pub(super) struct X509 {
    authorities: Authorities,
    logs: Logs,
}

/// Key files that were read.
#[derive(Default)]
pub(super) struct KeyFiles<'a> {
    pub(super) roots: Vec<(&'a Path, &'a [u8])>,
    pub(super) revoked: Vec<(&'a Path, &'a [u8])>,
    pub(super) logs: Vec<(&'a Path, &'a [u8])>,
}

impl X509 {
    /// Reads the configured files.
    pub(super) fn open(files: &KeyFiles<'_>) -> Result<Self, Error> {
        let mut x509 = Self::default();
        let Self { authorities, logs } = &mut x509;
        each(&files.roots, |bytes| authorities.add(bytes))?;
        each(&files.revoked, |bytes| authorities.revoke(bytes))?;
        each(&files.logs, |bytes| logs.add(bytes))?;
        match files.roots.first() {
            Some((path, _)) if authorities.is_without_root() => {
                let reason = "no certificate in it or in another file is a root, which names itself as its issuer".to_owned();
                Err(Error::X509 { path: path.to_path_buf(), reason })
            }
            _ => Ok(x509),
        }
    }

    /// The facts of one signature, and the e-mails that a certificate with a path to a root names. `committed` is the time of a
    /// signature that claims none.
    pub(super) fn verify(&self, armored: &[u8], payload: &[u8], committed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Judged {
        let read = armor::decode(armored);
        let data = match read.as_deref().map_err(|reason| *reason).and_then(SignedData::read) {
            Ok(data) => data,
            Err(reason) => return Judged::because(facts(Crypto::Malformed), reason),
        };
        let embedded: Vec<Certificate> = data.certificates.iter().filter_map(|der| Certificate::read(der)).collect();
        let named = embedded.iter().chain(self.authorities.certificates()).filter(|certificate| certificate.is_named_by(&data.signer.id));
        let mut named: Vec<&Certificate> = named.collect();
        named.dedup_by(|left, right| left.der == right.der);
        let mut claimed = SignatureFacts { time: data.signer.time, ..facts(Crypto::UnknownKey) };
        let certificate = match named.as_slice() {
            [] => return Judged::because(claimed, "no-certificate"),
            // The embedded ones come first.
            [certificate, rest @ ..] if rest.iter().all(|other| certificate.is_same_signer(other, &data.signer.id)) => *certificate,
            _ => return Judged::because(SignatureFacts { crypto: Crypto::Malformed, ..claimed }, "ambiguous-signer"),
        };
        claimed.key = Some(certificate.fingerprint());
        Case { x509: self, data: &data, embedded: &embedded, certificate, payload, committed, now }.judge(claimed)
    }
}

fn each(files: &[(&Path, &[u8])], mut read: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), Error> {
    for (path, bytes) in files {
        let secret = b"PRIVATE KEY-----";
        if bytes.windows(secret.len()).any(|window| window == secret) {
            let reason = "it holds a private key, which has no business here".to_owned();
            return Err(Error::X509 { path: path.to_path_buf(), reason });
        }
        read(bytes).map_err(|reason| Error::X509 { path: path.to_path_buf(), reason })?;
    }
    Ok(())
}

/// What is known of a signature, and whom its certificate names.
pub(super) struct Judged {
    pub(super) facts: SignatureFacts,
    /// E-mails that the certificate names, where a root vouches for it.
    pub(super) emails: Vec<String>,
}

impl Judged {
    fn because(mut facts: SignatureFacts, reason: &str) -> Self {
        facts.reasons.push(reason.to_owned());
        Self { facts, emails: Vec::new() }
    }
}

fn facts(crypto: Crypto) -> SignatureFacts {
    SignatureFacts { time_basis: Some(TimeBasis::Claimed), ..SignatureFacts::of(Format::X509, crypto) }
}

/// One signature with everything that is asked about it.
struct Case<'a> {
    x509: &'a X509,
    data: &'a SignedData<'a>,
    embedded: &'a [Certificate],
    certificate: &'a Certificate,
    payload: &'a [u8],
    committed: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Case<'_> {
    /// The mathematics first, then the log, which gives the time, then the path at that time.
    fn judge(&self, mut facts: SignatureFacts) -> Judged {
        let (crypto, reason) = self.mathematics();
        if crypto != Crypto::Good {
            facts.algo = (crypto == Crypto::Unsupported && reason != "unsupported-algorithm").then_some(Algo::Weak);
            return Judged::because(SignatureFacts { crypto, ..facts }, reason);
        }
        match self.logged() {
            None => {}
            Some(Entry::At(time)) => (facts.time, facts.time_basis) = (Some(time), Some(TimeBasis::Anchored)),
            Some(Entry::Untold(reason)) => facts.reasons.push(reason.to_owned()),
            Some(Entry::Wrong(reason)) => return Judged::because(SignatureFacts { crypto: Crypto::Bad, ..facts }, reason),
            Some(Entry::Malformed(reason)) => return Judged::because(SignatureFacts { crypto: Crypto::Malformed, ..facts }, reason),
        }
        self.in_time(facts)
    }

    /// Whether the signature is the key's, over this commit.
    fn mathematics(&self) -> (Crypto, &'static str) {
        let signer = &self.data.signer;
        let key = self.certificate.public_key();
        let Some(key) = key.as_deref().and_then(PublicKey::read) else { return (Crypto::Malformed, "bad-certificate") };
        if is_weak(signer.digest.id) || is_weak(signer.algorithm.id) {
            return (Crypto::Unsupported, "weak-digest");
        }
        if key.is_weak() {
            return (Crypto::Unsupported, "weak-key");
        }
        let Some(hash) = Hash::of(signer.digest.id) else { return (Crypto::Unsupported, "unsupported-algorithm") };
        if !signer.is_of_data {
            return (Crypto::Bad, "content-type-mismatch");
        }
        if hash.digest(self.payload) != signer.message_digest {
            return (Crypto::Bad, "digest-mismatch");
        }
        match key.verify(&signer.algorithm, hash, &signer.signed, signer.signature) {
            Crypto::Good if !self.certificate.may_sign() => (Crypto::Malformed, "key-usage"),
            Crypto::Unsupported => (Crypto::Unsupported, "unsupported-algorithm"),
            crypto => (crypto, "signature-mismatch"),
        }
    }

    fn logged(&self) -> Option<Entry> {
        let signer = &self.data.signer;
        let subject = Subject { artifact: &signer.signed, signature: signer.signature, certificate: &self.certificate.der };
        signer.log_entry.map(|entry| self.x509.logs.read(entry, &subject))
    }

    /// Whether a root vouches for the certificate at the time of the signature. A certificate for one signature is expired by
    /// the time that anybody looks at it, so that only a log can tell when it was used.
    fn in_time(&self, mut facts: SignatureFacts) -> Judged {
        let needs_log = self.certificate.is_short_lived() && facts.time_basis != Some(TimeBasis::Anchored);
        let time = if needs_log { None } else { facts.time.or(self.committed) };
        let found = match self.x509.authorities.is_empty() {
            true => Found::Nothing("no-roots"),
            false => self.x509.authorities.find(self.certificate, self.embedded, time.unwrap_or(self.certificate.window.from)),
        };
        let window = match found {
            Found::Nothing(reason) => return Judged::because(facts, reason),
            Found::Path(window) => Some(window),
            Found::Revoked => None,
        };
        let Some(identity) = self.certificate.identity() else { return Judged::because(facts, "bad-certificate") };
        (facts.crypto, facts.algo) = (Crypto::Good, Some(Algo::Ok));
        // Neither the certificate nor the log's entry is signed by the key.
        let key = self.certificate.public_key().unwrap_or_default();
        facts.evidence = Some(Evidence::of(&[b"x509", &key, self.payload, &self.data.signer.signed]).told());
        facts.identities = identity.emails.iter().chain(&identity.uris).cloned().collect();
        facts.issuer = identity.issuer;
        facts.signer = facts.identities.first().cloned();
        match window {
            None => {
                facts.key_time = Some(KeyTime::RevokedHard);
                facts.reasons.push("revoked-certificate".to_owned());
            }
            Some(_) if needs_log => facts.reasons.push("needs-transparency-log".to_owned()),
            Some(window) => {
                let state = key_time(window, time, facts.time_basis, self.now);
                (facts.key_time, facts.key_ended) = (Some(state), (state == KeyTime::ExpiredSince).then_some(window.until));
            }
        }
        Judged { facts, emails: identity.emails }
    }
}

/// The state of a path at a time. A time that is more than a claim is not doubted after the certificate has expired.
fn key_time(window: Window, time: Option<DateTime<Utc>>, basis: Option<TimeBasis>, now: DateTime<Utc>) -> KeyTime {
    let Some(time) = time else { return KeyTime::OutsideWindow };
    let end = window.until.checked_add_signed(chrono::TimeDelta::seconds(1));
    let dates = validity::Dates { created: Some(window.from), expires: end, revoked: None };
    match validity::key_time(&[&dates], time, None, now) {
        KeyTime::ExpiredSince if basis == Some(TimeBasis::Anchored) => KeyTime::Valid,
        state => state,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::certificate::Window;
    use super::{X509, key_time};
    use crate::model::attribution::{KeyTime, TimeBasis};

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    #[test]
    fn a_proven_time_outlives_its_certificate_and_a_claimed_one_does_not() {
        let window = Window { from: day(1), until: day(10) };
        let at = |time: i64, basis| key_time(window, Some(day(time)), Some(basis), day(100));
        assert_eq!(at(5, TimeBasis::Anchored), KeyTime::Valid);
        assert_eq!(at(5, TimeBasis::Claimed), KeyTime::ExpiredSince);
        assert_eq!(at(10, TimeBasis::Anchored), KeyTime::Valid);
        for basis in [TimeBasis::Anchored, TimeBasis::Claimed] {
            assert_eq!((at(0, basis), at(11, basis), at(101, basis)), (KeyTime::BeforeKey, KeyTime::ExpiredBeforeSig, KeyTime::FutureSig));
        }
        assert_eq!(key_time(window, None, Some(TimeBasis::Claimed), day(5)), KeyTime::OutsideWindow);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let armor = format!("-----BEGIN SIGNED MESSAGE-----\n{}\n-----END SIGNED MESSAGE-----\n", STANDARD.encode(&bytes));
            let _ = X509::default().verify(armor.as_bytes(), b"", None, DateTime::UNIX_EPOCH);
        }
    }
}
