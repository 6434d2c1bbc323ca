//! SSH signatures (`SSHSIG`), verified without any program, against the configured allowed signers: keys, and authorities that
//! certify keys; and against the keys that are revoked.

mod certificate;
mod envelope;
mod krl;
mod revocation;
mod signing;
mod wire;

use std::collections::HashMap;
use std::convert::Infallible;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use ssh_key::PublicKey;

use super::allowed_signers::Entry;
use super::armor;
use super::binding::KeyIndex;
use super::cache::{Answers, Checked, Evidence};
use crate::model::attribution::{Algo, Crypto, Format, KeyTime, SignatureFacts, TimeBasis};
use certificate::Certificate;
use envelope::Envelope;
pub(super) use revocation::{Mistake, Revocations};

/// A configured key with every line that names it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    public: PublicKey,
    blob: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// Keys of one purpose, found by their encoding.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) list: Vec<Key>,
    by_blob: HashMap<Vec<u8>, usize>,
}

/// The configured keys.
#[derive(Debug, Default)]
pub(super) struct Ssh {
    /// Keys that sign.
    pub(super) keys: Keys,
    /// Keys that certify keys; their own signatures count for nothing.
    pub(super) authorities: Keys,
    revocations: Revocations,
}

impl Ssh {
    /// Gathers lines by key.
    pub(super) fn new(entries: Vec<Entry>, revocations: Revocations) -> Result<Self, ssh_key::Error> {
        let mut ssh = Self { revocations, ..Self::default() };
        for entry in entries {
            let keys = if entry.authority { &mut ssh.authorities } else { &mut ssh.keys };
            keys.add(entry)?;
        }
        Ok(ssh)
    }

    /// Whether a configured key is revoked.
    pub(super) fn is_revoked(&self, key: &Key) -> bool {
        self.revocations.has_key(&key.blob)
    }

    /// The facts of one signature, and whom the lines behind it name. SSH signatures carry no time, so windows are judged by
    /// the time that the committer claims.
    pub(super) fn verify(
        &self,
        answers: &Answers,
        armored: &[u8],
        payload: &[u8],
        committed: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Judged {
        let bytes = armor::decode(armored);
        let Some(envelope) = bytes.as_ref().ok().and_then(|bytes| Envelope::read(bytes)) else {
            return Judged::because(facts(Crypto::Malformed), "bad-signature-encoding");
        };
        if envelope.version != 1 {
            return Judged::because(facts(Crypto::Unsupported), "unsupported-signature-version");
        }
        let certificate = match Certificate::is_one(envelope.key) {
            false => None,
            true => match Certificate::read(envelope.key) {
                None => return Judged::because(facts(Crypto::Malformed), "bad-certificate"),
                some => some,
            },
        };
        let key = certificate.as_ref().map_or(envelope.key, |certificate| &certificate.key);
        let mut claimed = facts(Crypto::UnknownKey);
        claimed.key = Some(fingerprint(key));
        if envelope.namespace != b"git" {
            return Judged::because(SignatureFacts { crypto: Crypto::Malformed, ..claimed }, "wrong-namespace");
        }
        let case = Case { envelope: &envelope, certificate: certificate.as_ref(), key, payload, answers, committed, now };
        self.judge(&case, claimed)
    }

    /// Of a certificate the lines of its authority count, else those of the key itself. An SSH signature carries its key, so
    /// that it is verified even where no line names the key: then it speaks for nobody, with the reason `unknown-key`
    /// (catalogue T36).
    fn judge(&self, case: &Case<'_>, claimed: SignatureFacts) -> Judged {
        let revoked = self.revocations.reason(case.key, case.certificate);
        let (owner, listed) = match case.certificate {
            Some(certificate) => self.authorities.find(certificate.authority, KeyIndex::Authority),
            None => self.keys.find(case.key, KeyIndex::Ssh),
        }
        .unzip();
        let embedded = match listed {
            Some(_) => None,
            None => signing::public_key(case.certificate.map_or(case.key, |certificate| certificate.authority)),
        };
        let Some(public) = listed.map(|key: &Key| &key.public).or(embedded.as_ref()) else {
            return Judged::of(case.unlisted(claimed));
        };
        let mut judged = Judged { owner, fallback: listed.and_then(Key::first_name), ..case.mathematics(public, claimed) };
        if judged.facts.crypto == Crypto::Good {
            match (revoked, listed) {
                (Some(reason), _) => {
                    judged.facts.key_time = Some(KeyTime::RevokedHard);
                    judged.facts.reasons.push(reason.to_owned());
                }
                (None, Some(listed)) => case.names(listed, &mut judged),
                (None, None) => judged.facts = case.unlisted(judged.facts),
            }
        }
        judged
    }
}

impl Keys {
    fn add(&mut self, entry: Entry) -> Result<(), ssh_key::Error> {
        let blob = entry.key.to_bytes()?;
        let index = *self.by_blob.entry(blob.clone()).or_insert(self.list.len());
        if index == self.list.len() {
            self.list.push(Key { public: PublicKey::new(entry.key.key_data().clone(), ""), blob, entries: Vec::new() });
        }
        self.list[index].entries.push(entry);
        Ok(())
    }

    fn find(&self, blob: &[u8], name: fn(usize) -> KeyIndex) -> Option<(KeyIndex, &Key)> {
        self.by_blob.get(blob).map(|index| (name(*index), &self.list[*index]))
    }
}

impl Key {
    fn first_name(&self) -> Option<String> {
        self.entries.iter().find_map(|entry| entry.principals.first()).cloned()
    }
}

/// One signature with everything that is asked about it.
struct Case<'a> {
    envelope: &'a Envelope<'a>,
    certificate: Option<&'a Certificate<'a>>,
    /// The signing key, certified or not.
    key: &'a [u8],
    payload: &'a [u8],
    answers: &'a Answers,
    committed: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Case<'_> {
    /// Whether the signature is the key's, and the certificate the authority's. The public key is of the one or the other.
    fn mathematics(&self, public: &PublicKey, claimed: SignatureFacts) -> Judged {
        let of = |crypto| SignatureFacts { crypto, ..claimed.clone() };
        // What can be forged is not worth verifying, and the library refuses it.
        let weak = |reason| Judged::because(SignatureFacts { algo: Some(Algo::Weak), ..of(Crypto::Unsupported) }, reason);
        let certified;
        let key = match self.certificate {
            None => public,
            Some(certificate) => {
                if certificate.signed.weakness(public).is_some() {
                    return weak("weak-authority");
                }
                match certificate.signed.verify(public, certificate.content) {
                    Crypto::Good => {}
                    crypto => return Judged::because(of(crypto), "bad-certificate-signature"),
                }
                match signing::public_key(&certificate.key) {
                    Some(key) => certified = key,
                    None => return Judged::because(of(Crypto::Malformed), "bad-certificate"),
                }
                &certified
            }
        };
        if let Some(reason) = self.envelope.signed.weakness(key) {
            return weak(reason);
        }
        let mut facts = of(self.signed_by(key));
        if facts.crypto == Crypto::Unsupported {
            facts.reasons.push("unsupported-algorithm".to_owned());
        }
        if facts.crypto == Crypto::Good {
            facts.algo = Some(Algo::Ok);
            facts.evidence = Some(Evidence::of(&[b"ssh", self.key, self.payload, self.envelope.hash]).told());
            if self.envelope.signed.is_untouched() {
                facts.reasons.push("no-touch".to_owned());
            }
        }
        Judged::of(facts)
    }

    /// No line of the allowed signers names the key, or the authority that certified it.
    fn unlisted(&self, mut facts: SignatureFacts) -> SignatureFacts {
        facts.reasons.push("unknown-key".to_owned());
        facts.reasons.extend(self.certificate.map(|_| "unknown-authority".to_owned()));
        facts
    }

    /// Whether the key, which is the one that the signature names, made it.
    fn signed_by(&self, key: &PublicKey) -> Crypto {
        let evidence = Evidence::of(&[b"ssh", self.key, self.envelope.bytes, self.payload]);
        let checked = self.answers.check(evidence, || Ok::<_, Infallible>(Checked::from(self.envelope.verify(key, self.payload))));
        checked.map_or_else(|never| match never {}, |checked| checked.crypto)
    }

    /// Fills in whom a good signature speaks for, and at which time.
    fn names(&self, listed: &Key, judged: &mut Judged) {
        let entries: Vec<&Entry> = listed.entries.iter().filter(|entry| entry.allows_git()).collect();
        if entries.is_empty() {
            judged.facts.reasons.push("wrong-namespace".to_owned());
        }
        let Some(certificate) = self.certificate else {
            let (key_time, held) = window(&entries, self.committed, self.now);
            (judged.facts.key_time, judged.facts.key_ended) = (Some(key_time), closed(key_time, &held));
            judged.principals = held.iter().flat_map(|entry| &entry.principals).cloned().collect();
            judged.groups = held.iter().filter_map(|entry| entry.group.clone()).collect();
            return;
        };
        let lets_through = |entry: &&Entry| certificate.principals.iter().any(|principal| entry.lets_through(principal));
        let speaking: Vec<&Entry> = entries.iter().copied().filter(lets_through).collect();
        let (key_time, held) = window(&speaking, self.committed, self.now);
        let of_certificate = certificate.key_time(self.committed, self.now);
        let state = worse(of_certificate, key_time);
        let ends = [closed(key_time, &held), certificate.ended(of_certificate)].into_iter().flatten();
        judged.facts.key_ended = ends.min().filter(|_| state == KeyTime::ExpiredSince);
        judged.facts.key_time = Some(state);
        judged.fallback = certificate.principals.first().map(|principal| (*principal).to_owned());
        if let Some(reason) = certificate.refusal(&self.envelope.signed) {
            judged.facts.reasons.push(reason.to_owned());
        } else if speaking.is_empty() && !entries.is_empty() {
            judged.facts.reasons.push("principal-not-allowed".to_owned());
        } else {
            let named = certificate.principals.iter().filter(|principal| held.iter().any(|entry| entry.lets_through(principal)));
            judged.principals = named.map(|principal| (*principal).to_owned()).collect();
        }
    }
}

/// What is known of a signature and of the lines behind it.
pub(super) struct Judged {
    pub(super) facts: SignatureFacts,
    /// The configured key, or the authority of the certified key.
    pub(super) owner: Option<KeyIndex>,
    /// Principals for whom the signature speaks.
    pub(super) principals: Vec<String>,
    /// Groups for whom it speaks.
    pub(super) groups: Vec<String>,
    /// What to call the signer where it speaks for nobody.
    pub(super) fallback: Option<String>,
}

impl Judged {
    fn of(facts: SignatureFacts) -> Self {
        Self { facts, owner: None, principals: Vec::new(), groups: Vec::new(), fallback: None }
    }

    fn because(mut facts: SignatureFacts, reason: &str) -> Self {
        facts.reasons.push(reason.to_owned());
        Self::of(facts)
    }
}

fn facts(crypto: Crypto) -> SignatureFacts {
    SignatureFacts { time_basis: Some(TimeBasis::Claimed), ..SignatureFacts::of(Format::Ssh, crypto) }
}

fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// Lines in force now and at the claimed time; else those whose window has closed since; else none.
fn window<'e>(entries: &[&'e Entry], committed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> (KeyTime, Vec<&'e Entry>) {
    let then = |entry: &&Entry| match committed {
        Some(time) => entry.has_begun(now) && entry.contains(time),
        None => !entry.has_window(),
    };
    let held: Vec<&Entry> = entries.iter().copied().filter(then).collect();
    let valid: Vec<&Entry> = held.iter().copied().filter(|entry| entry.contains(now)).collect();
    match (valid.is_empty(), held.is_empty()) {
        (false, _) => (KeyTime::Valid, valid),
        (true, false) => (KeyTime::ExpiredSince, held),
        (true, true) if entries.is_empty() => (KeyTime::Valid, held),
        (true, true) => (KeyTime::OutsideWindow, held),
    }
}

/// When the last of lines closed whose window has closed since.
fn closed(key_time: KeyTime, held: &[&Entry]) -> Option<DateTime<Utc>> {
    let ends = held.iter().filter_map(|entry| entry.before);
    ends.max().filter(|_| key_time == KeyTime::ExpiredSince)
}

/// The worse of two states, of a certificate and of the line for its authority.
fn worse(one: KeyTime, other: KeyTime) -> KeyTime {
    let order = [KeyTime::ExpiredBeforeSig, KeyTime::OutsideWindow, KeyTime::ExpiredSince];
    order.into_iter().find(|state| one == *state || other == *state).unwrap_or(KeyTime::Valid)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::envelope::Envelope;
    use super::{Answers, KeyTime, Ssh, worse};

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::read(&bytes);
            let _ = Envelope::read(&[b"SSHSIG\0\0\0\x01", bytes.as_slice()].concat());
            let armor = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(&bytes));
            let _ = Ssh::default().verify(&Answers::default(), armor.as_bytes(), b"", None, DateTime::UNIX_EPOCH);
        }
    }

    #[test]
    fn a_certificate_that_had_ended_is_worse_than_a_line_that_had_not_begun() {
        assert_eq!(worse(KeyTime::OutsideWindow, KeyTime::ExpiredBeforeSig), KeyTime::ExpiredBeforeSig);
        assert_eq!(worse(KeyTime::Valid, KeyTime::ExpiredSince), KeyTime::ExpiredSince);
        assert_eq!(worse(KeyTime::Valid, KeyTime::Valid), KeyTime::Valid);
    }
}
