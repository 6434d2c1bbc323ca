//! SSH signatures (`SSHSIG`), verified without any program, against the configured allowed signers.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{PublicKey, SshSig};

use super::allowed_signers::Entry;
use super::armor;
use crate::model::attribution::{Algo, Crypto, Format, KeyTime, SignatureFacts, TimeBasis};

/// A configured key with every line that names it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    public: PublicKey,
    pub(super) entries: Vec<Entry>,
}

/// The configured keys.
#[derive(Debug, Default)]
pub(super) struct Ssh {
    pub(super) keys: Vec<Key>,
    by_blob: HashMap<Vec<u8>, usize>,
}

impl Ssh {
    /// Gathers lines by key. Lines for certificate authorities are left out: certificates are not supported, and such a key's
    /// own signatures count for nothing.
    pub(super) fn new(entries: Vec<Entry>) -> Result<Self, ssh_key::Error> {
        let mut ssh = Self::default();
        for entry in entries.into_iter().filter(|entry| !entry.authority) {
            let index = *ssh.by_blob.entry(entry.key.to_bytes()?).or_insert(ssh.keys.len());
            if index == ssh.keys.len() {
                ssh.keys.push(Key { public: PublicKey::new(entry.key.key_data().clone(), ""), entries: Vec::new() });
            }
            ssh.keys[index].entries.push(entry);
        }
        Ok(ssh)
    }

    /// The facts of one signature, and the lines that speak for it by their index. SSH signatures carry no time, so windows
    /// are judged by the time that the committer claims.
    pub(super) fn verify(&self, armored: &[u8], payload: &[u8], committed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Judged {
        let Some(signature) = armor::decode(armored).ok().and_then(|bytes| Envelope::read(&bytes)) else {
            return Judged::because(facts(Crypto::Malformed), "bad-signature-encoding");
        };
        if signature.version != 1 {
            return Judged::because(facts(Crypto::Unsupported), "unsupported-signature-version");
        }
        let mut claimed = facts(Crypto::UnknownKey);
        claimed.key = Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&signature.key))));
        if signature.namespace != b"git" {
            return Judged::because(SignatureFacts { crypto: Crypto::Malformed, ..claimed }, "wrong-namespace");
        }
        if signature.key_algorithm.ends_with(b"-cert-v01@openssh.com") {
            return Judged::because(SignatureFacts { crypto: Crypto::Unsupported, ..claimed }, "ssh-certificate");
        }
        match self.by_blob.get(&signature.key) {
            None => Judged { facts: claimed, key: None, entries: Vec::new() },
            Some(index) => self.judge(*index, claimed, &signature, payload, committed, now),
        }
    }

    fn judge(
        &self,
        index: usize,
        claimed: SignatureFacts,
        signature: &Envelope,
        payload: &[u8],
        committed: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Judged {
        let key = &self.keys[index];
        if let Some(reason) = weakness(key.public.key_data(), signature) {
            // What can be forged is not worth verifying, and the library refuses it.
            let facts = SignatureFacts { crypto: Crypto::Unsupported, algo: Some(Algo::Weak), ..claimed };
            return Judged { key: Some(index), ..Judged::because(facts, reason) };
        }
        let crypto = verify(&key.public, signature, payload);
        let mut judged = Judged { facts: SignatureFacts { crypto, ..claimed }, key: Some(index), entries: Vec::new() };
        if crypto != Crypto::Good {
            return judged;
        }
        judged.facts.algo = Some(Algo::Ok);
        let usable: Vec<usize> = (0..key.entries.len()).filter(|entry| key.entries[*entry].allows_git()).collect();
        if usable.is_empty() {
            judged.facts.reasons.push("wrong-namespace".to_owned());
        }
        let (key_time, entries) = window(&key.entries, &usable, committed, now);
        judged.facts.key_time = Some(key_time);
        judged.entries = entries;
        judged
    }
}

/// What is known of a signature and of the lines behind it.
pub(super) struct Judged {
    pub(super) facts: SignatureFacts,
    /// Index of the key, where it is configured.
    pub(super) key: Option<usize>,
    /// Indices of the key's lines that hold for this signature.
    pub(super) entries: Vec<usize>,
}

impl Judged {
    fn because(mut facts: SignatureFacts, reason: &str) -> Self {
        facts.reasons.push(reason.to_owned());
        Self { facts, key: None, entries: Vec::new() }
    }
}

fn facts(crypto: Crypto) -> SignatureFacts {
    SignatureFacts { time_basis: Some(TimeBasis::Claimed), ..SignatureFacts::of(Format::Ssh, crypto) }
}

/// Lines in force now and at the claimed time; else those whose window has closed since; else none.
fn window(entries: &[Entry], usable: &[usize], committed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> (KeyTime, Vec<usize>) {
    let then = |index: &&usize| match committed {
        Some(time) => entries[**index].has_begun(now) && entries[**index].contains(time),
        None => !entries[**index].has_window(),
    };
    let held: Vec<usize> = usable.iter().filter(then).copied().collect();
    let valid: Vec<usize> = held.iter().filter(|index| entries[**index].contains(now)).copied().collect();
    match (valid.is_empty(), held.is_empty()) {
        (false, _) => (KeyTime::Valid, valid),
        (true, false) => (KeyTime::ExpiredSince, held),
        (true, true) if usable.is_empty() => (KeyTime::Valid, held),
        (true, true) => (KeyTime::OutsideWindow, held),
    }
}

/// Why a signature of this key proves nothing.
fn weakness(key: &KeyData, signature: &Envelope) -> Option<&'static str> {
    match key {
        KeyData::Dsa(_) => Some("weak-key"),
        KeyData::Rsa(rsa) if bits(rsa.n.as_positive_bytes().unwrap_or_default()) < 2048 => Some("weak-key"),
        KeyData::Rsa(_) if signature.algorithm == b"ssh-rsa" => Some("weak-digest"),
        _ => None,
    }
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn verify(key: &PublicKey, signature: &Envelope, payload: &[u8]) -> Crypto {
    let Ok(parsed) = SshSig::from_pem(&signature.pem) else { return Crypto::Unsupported };
    match key.verify("git", payload, &parsed) {
        Ok(()) => Crypto::Good,
        Err(ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. }) => Crypto::Unsupported,
        Err(_) => Crypto::Bad,
    }
}

/// The fields of a signature, before any of them is interpreted.
struct Envelope {
    version: u32,
    key: Vec<u8>,
    key_algorithm: Vec<u8>,
    namespace: Vec<u8>,
    algorithm: Vec<u8>,
    /// The same in the one layout that the library reads.
    pem: String,
}

impl Envelope {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.strip_prefix(b"SSHSIG")?.split_first_chunk::<4>()?;
        let (key, rest) = string(rest)?;
        let (namespace, rest) = string(rest)?;
        let (_reserved, rest) = string(rest)?;
        let (_hash, rest) = string(rest)?;
        let (signature, rest) = string(rest)?;
        if !rest.is_empty() {
            return None;
        }
        Some(Self {
            version: u32::from_be_bytes(*version),
            key: key.to_vec(),
            key_algorithm: string(key)?.0.to_vec(),
            namespace: namespace.to_vec(),
            algorithm: string(signature)?.0.to_vec(),
            pem: pem(bytes),
        })
    }
}

fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn pem(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 70 + 80);
    text.push_str("-----BEGIN SSH SIGNATURE-----\n");
    for (at, character) in encoded.char_indices() {
        text.push(character);
        if at % 70 == 69 {
            text.push('\n');
        }
    }
    if encoded.len() % 70 != 0 {
        text.push('\n');
    }
    text.push_str("-----END SSH SIGNATURE-----\n");
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::{Envelope, Ssh, bits, pem};

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::read(&bytes);
            let _ = Envelope::read(&[b"SSHSIG\0\0\0\x01", bytes.as_slice()].concat());
            let _ = Ssh::default().verify(pem(&bytes).as_bytes(), b"", None, DateTime::UNIX_EPOCH);
        }
    }

    #[test]
    fn the_size_of_a_number_is_that_of_its_highest_bit() {
        assert_eq!(bits(&[0x80; 256]), 2048);
        assert_eq!(bits(&[0x01; 256]), 2041);
        assert_eq!(bits(&[]), 0);
    }
}
