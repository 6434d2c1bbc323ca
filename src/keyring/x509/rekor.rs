//! Entries of a Rekor log that came with a signature, verified without the log: they prove when it was made.
//!
//! The entry is a `TransparencyLogEntry` (sigstore/protobuf-specs, `sigstore_rekor.proto`) of a `hashedrekord` about the signed
//! attributes, as gitsign embeds it (sigstore/gitsign, `docs/bundle-cms.md`). The log's own signature over it, the signed entry
//! timestamp, is what counts; a proof of inclusion has to hold where there is one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::protobuf::Message;
use super::signing::PublicKey;

use crate::model::text::hex;

/// A tree of so many levels has more leaves than there are signatures.
const MOST_HASHES: usize = 64;

/// The configured keys of logs.
#[derive(Debug, Default)]
pub(super) struct Logs(Vec<LogKey>);

#[derive(Debug)]
struct LogKey {
    /// Digest of the key, by which entries name it.
    id: Vec<u8>,
    key: Vec<u8>,
}

/// What an entry is about.
pub(super) struct Subject<'a> {
    /// The signed attributes in the form that is signed.
    pub(super) artifact: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) certificate: &'a [u8],
}

/// What an entry says, each with a stable phrase where it is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The log had the signature at this time.
    At(DateTime<Utc>),
    /// It cannot be told.
    Untold(&'static str),
    /// It is about something else, or not the log's.
    Wrong(&'static str),
    /// It is no entry.
    Malformed(&'static str),
}

/// Everything of an entry that is looked at.
struct LogEntry<'a> {
    log: &'a [u8],
    index: i64,
    time: i64,
    promise: &'a [u8],
    proof: Option<Proof<'a>>,
    body: &'a [u8],
    is_hashedrekord: bool,
}

struct Proof<'a> {
    index: i64,
    size: i64,
    root: &'a [u8],
    hashes: Vec<&'a [u8]>,
    checkpoint: &'a [u8],
}

impl Logs {
    /// Adds the keys of a file in PEM, or says what is wrong with it.
    pub(super) fn add(&mut self, pem: &[u8]) -> Result<(), String> {
        let before = self.0.len();
        for key in SubjectPublicKeyInfoDer::pem_slice_iter(pem) {
            let key = key.map_err(|error| format!("it is no PEM: {error}"))?.to_vec();
            if !PublicKey::read(&key).is_some_and(|key| key.is_of_log()) {
                return Err("a key in it is neither ECDSA (P-256, P-384) nor Ed25519".to_owned());
            }
            self.0.push(LogKey { id: Sha256::digest(&key).to_vec(), key });
        }
        if self.0.len() > before { Ok(()) } else { Err("there is no public key in it".to_owned()) }
    }

    /// What an entry says of a signature.
    pub(super) fn read(&self, bytes: &[u8], subject: &Subject<'_>) -> Entry {
        let Some(entry) = LogEntry::read(bytes) else { return Entry::Malformed("bad-log-entry") };
        if !entry.is_hashedrekord {
            return Entry::Untold("unsupported-log-entry");
        }
        let body = hashedrekord(subject);
        if !entry.body.is_empty() && entry.body != body.as_bytes() {
            return Entry::Wrong("log-entry-mismatch");
        }
        let Some(log) = self.0.iter().find(|log| log.id == entry.log) else { return Entry::Untold("unknown-log") };
        // Only this signature covers the time.
        if entry.promise.is_empty() {
            return Entry::Untold("no-entry-timestamp");
        }
        if !log.signed(entry.promised(&body).as_bytes(), entry.promise) {
            return Entry::Wrong("bad-entry-timestamp");
        }
        if entry.proof.as_ref().is_some_and(|proof| !proof.holds(&body, log)) {
            return Entry::Wrong("bad-inclusion-proof");
        }
        DateTime::from_timestamp(entry.time, 0).map_or(Entry::Malformed("bad-log-entry"), Entry::At)
    }
}

impl LogKey {
    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        PublicKey::read(&self.key).is_some_and(|key| key.verify_of_log(message, signature))
    }
}

impl<'a> LogEntry<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let entry = Message::read(bytes)?;
        let kind = entry.message(3)?;
        let is_hashedrekord = match &kind {
            Some(kind) => kind.bytes(1)? == b"hashedrekord" && kind.bytes(2)? == b"0.0.1",
            None => false,
        };
        Some(Self {
            index: entry.number(1)?,
            log: entry.message(2)?.map_or(Some(&[][..]), |log| log.bytes(1))?,
            is_hashedrekord,
            time: entry.number(4)?,
            promise: entry.message(5)?.map_or(Some(&[][..]), |promise| promise.bytes(1))?,
            proof: match entry.message(6)? {
                None => None,
                Some(proof) => Some(Proof::read(&proof)?),
            },
            body: entry.bytes(7)?,
        })
    }

    /// What the signed entry timestamp signs: canonical JSON (RFC 8785).
    fn promised(&self, body: &str) -> String {
        let (body, log) = (STANDARD.encode(body), hex(self.log));
        format!("{{\"body\":\"{body}\",\"integratedTime\":{},\"logID\":\"{log}\",\"logIndex\":{}}}", self.time, self.index)
    }
}

impl<'a> Proof<'a> {
    fn read(proof: &Message<'a>) -> Option<Self> {
        Some(Self {
            index: proof.number(1)?,
            root: proof.bytes(2)?,
            size: proof.number(3)?,
            hashes: proof.repeated(4).filter(|hashes| hashes.len() <= MOST_HASHES && hashes.iter().all(|hash| hash.len() == 32))?,
            checkpoint: proof.message(5)?.map_or(Some(&[][..]), |checkpoint| checkpoint.bytes(1))?,
        })
    }

    /// Whether the hashes lead from the entry to the root (RFC 9162 §2.1.3.2), and the log has signed that one.
    fn holds(&self, body: &str, log: &LogKey) -> bool {
        self.computed(body).is_some_and(|root| root == self.root)
            && (self.checkpoint.is_empty() || signed_root(self.checkpoint, log) == Some((self.size, self.root.to_vec())))
    }

    fn computed(&self, body: &str) -> Option<Vec<u8>> {
        let (mut at, mut last) = (self.index, self.size.checked_sub(1)?);
        if at > last {
            return None;
        }
        let mut hash = Sha256::digest([&[0], body.as_bytes()].concat()).to_vec();
        let join = |left: &[u8], right: &[u8]| Sha256::digest([&[1], left, right].concat()).to_vec();
        for other in &self.hashes {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                hash = join(other, &hash);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                hash = join(&hash, other);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        (last == 0).then_some(hash)
    }
}

/// Size and root of a tree by a signed note of the log (C2SP tlog-checkpoint). A signature names its key by the first bytes of
/// the key's digest.
fn signed_root(note: &[u8], log: &LogKey) -> Option<(i64, Vec<u8>)> {
    let note = std::str::from_utf8(note).ok()?;
    let at = note.find("\n\n")? + 1;
    let (text, signatures) = (&note[..at], &note[at + 1..]);
    let is_by_log = |line: &str| {
        let signature =
            line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')).and_then(|(_, text)| STANDARD.decode(text).ok());
        let signature = signature.filter(|signature| signature.starts_with(&log.id[..4]));
        signature.is_some_and(|signature| log.signed(text.as_bytes(), &signature[4..]))
    };
    if !signatures.lines().any(is_by_log) {
        return None;
    }
    let mut lines = text.lines().skip(1);
    let (size, root) = (lines.next()?.parse().ok()?, STANDARD.decode(lines.next()?).ok()?);
    Some((size, root))
}

/// The entry's body as Rekor writes it, in canonical JSON.
fn hashedrekord(subject: &Subject<'_>) -> String {
    let digest = hex(&Sha256::digest(subject.artifact));
    let (signature, certificate) = (STANDARD.encode(subject.signature), STANDARD.encode(pem(subject.certificate)));
    format!(
        "{{\"apiVersion\":\"0.0.1\",\"kind\":\"hashedrekord\",\"spec\":{{\"data\":{{\"hash\":{{\"algorithm\":\"sha256\",\"value\":\"{digest}\"}}}},\
         \"signature\":{{\"content\":\"{signature}\",\"publicKey\":{{\"content\":\"{certificate}\"}}}}}}}}"
    )
}

fn pem(certificate: &[u8]) -> String {
    let body = STANDARD.encode(certificate);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.extend([line, "\n"]);
        rest = after;
    }
    pem + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Entry, LogEntry, Logs, Proof, Subject};

    #[test]
    fn what_is_no_entry_says_nothing() {
        let subject = Subject { artifact: b"", signature: b"", certificate: b"" };
        assert_eq!(Logs::default().read(&[0xff], &subject), Entry::Malformed("bad-log-entry"));
        assert_eq!(Logs::default().read(&[], &subject), Entry::Untold("unsupported-log-entry"));
    }

    #[test]
    fn a_tree_of_one_leaf_needs_no_hashes() {
        let proof = |index, size| Proof { index, size, root: &[], hashes: Vec::new(), checkpoint: &[] };
        assert!(proof(0, 1).computed("x").is_some());
        for (index, size) in [(0, 0), (1, 1), (0, 2), (5, 3), (0, i64::MAX)] {
            assert!(proof(index, size).computed("x").is_none(), "{index} of {size}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<i64>(), size in any::<i64>(), hashes in 0..70_usize) {
            let _ = LogEntry::read(&bytes);
            let hash = [0; 32];
            let _ = Proof { index: at, size, root: &[], hashes: vec![&hash[..]; hashes], checkpoint: &bytes }.computed("x");
        }
    }
}
