//! OpenSSH certificates, PROTOCOL.certkeys: a key that an authority vouches for.
//!
//! They are read here and not by the library, which refuses the time `forever` and signs what it has read anew instead of
//! looking at the bytes that the authority signed.

use chrono::{DateTime, Utc};

use super::signing::Signed;
use super::wire::{Reader, put_string};
use crate::model::attribution::KeyTime;

/// The end of a certificate's algorithm.
const SUFFIX: &[u8] = b"-cert-v01@openssh.com";

/// As many as OpenSSH takes, `SSHKEY_CERT_MAX_PRINCIPALS`.
const MOST_PRINCIPALS: usize = 256;

/// Restrictions of logins, which say nothing of signatures.
const LOGIN_OPTIONS: [&[u8]; 2] = [b"force-command", b"source-address"];

/// A certificate, of which nothing is proven yet.
pub(super) struct Certificate<'a> {
    /// The certified key as a plain key is encoded.
    pub(super) key: Vec<u8>,
    pub(super) serial: u64,
    pub(super) key_id: &'a [u8],
    /// Those that are UTF-8; no other can be an e-mail.
    pub(super) principals: Vec<&'a str>,
    /// The key of the authority.
    pub(super) authority: &'a [u8],
    /// What the authority signed.
    pub(super) content: &'a [u8],
    pub(super) signed: Signed<'a>,
    is_of_user: bool,
    after: u64,
    before: u64,
    critical: Vec<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Whether a key is in truth a certificate.
    pub(super) fn is_one(key: &[u8]) -> bool {
        Reader::new(key).string().is_some_and(|algorithm| algorithm.ends_with(SUFFIX))
    }

    /// Reads a certificate of a known key type; nothing where it is not well-formed.
    pub(super) fn read(blob: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(blob);
        let (algorithm, fields) = plain(reader.string()?)?;
        let _nonce = reader.string()?;
        let mut key = Vec::new();
        put_string(&mut key, algorithm);
        for _ in 0..fields {
            put_string(&mut key, reader.string()?);
        }
        let serial = reader.u64()?;
        let is_of_user = match reader.u32()? {
            1 => true,
            2 => false,
            _ => return None,
        };
        let key_id = reader.string().filter(is_text)?;
        let principals = Reader::new(reader.string()?).strings()?;
        if principals.len() > MOST_PRINCIPALS || !principals.iter().all(is_text) {
            return None;
        }
        let (after, before) = (reader.u64()?, reader.u64()?);
        let critical = options(reader.string()?)?;
        let _extensions = options(reader.string()?)?;
        let _reserved = reader.string()?;
        let authority = reader.string()?;
        let content = &blob[..blob.len() - reader.rest().len()];
        let signed = Signed::read(reader.string()?)?;
        let principals = principals.into_iter().filter_map(|principal| std::str::from_utf8(principal).ok()).collect();
        let read = Self { key, serial, key_id, principals, authority, content, signed, is_of_user, after, before, critical };
        reader.is_at_end().then_some(read)
    }

    /// Why it speaks for nobody, whoever issued it. Unlike ssh-keygen we heed critical options, as PROTOCOL.certkeys asks.
    pub(super) fn refusal(&self, signed: &Signed<'_>) -> Option<&'static str> {
        let is_unknown = |name: &&&[u8]| **name != b"verify-required" && !LOGIN_OPTIONS.contains(*name);
        if !self.is_of_user {
            Some("not-a-user-certificate")
        } else if self.critical.iter().any(|name| is_unknown(&name)) {
            Some("unknown-critical-option")
        } else if self.critical.contains(&&b"verify-required"[..]) && !signed.is_user_verified() {
            Some("no-user-verification")
        } else if self.principals.is_empty() {
            // "Any principal" in the format, nobody for ssh-keygen, and so for us.
            Some("certificate-without-principals")
        } else {
            None
        }
    }

    /// Its state at the claimed time. The first second belongs to the window, the last does not.
    pub(super) fn key_time(&self, committed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> KeyTime {
        let has_begun = |time: DateTime<Utc>| i128::from(time.timestamp()) >= i128::from(self.after);
        let has_ended = |time: DateTime<Utc>| i128::from(time.timestamp()) >= i128::from(self.before);
        match committed {
            None if self.after == 0 && self.before == u64::MAX => KeyTime::Valid,
            None => KeyTime::OutsideWindow,
            Some(time) if has_ended(time) => KeyTime::ExpiredBeforeSig,
            Some(time) if !has_begun(time) || !has_begun(now) => KeyTime::OutsideWindow,
            Some(_) if has_ended(now) => KeyTime::ExpiredSince,
            Some(_) => KeyTime::Valid,
        }
    }

    /// When it ended, in a state that says it did since.
    pub(super) fn ended(&self, state: KeyTime) -> Option<DateTime<Utc>> {
        let end = i64::try_from(self.before).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        end.filter(|_| state == KeyTime::ExpiredSince)
    }
}

/// The algorithm of the certified key, and how many fields such a key has.
fn plain(algorithm: &[u8]) -> Option<(&[u8], usize)> {
    let stem = algorithm.strip_suffix(SUFFIX)?;
    Some(match stem {
        b"ssh-ed25519" => (stem, 1),
        b"ssh-rsa" | b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384" | b"ecdsa-sha2-nistp521" => (stem, 2),
        b"ssh-dss" => (stem, 4),
        b"sk-ssh-ed25519" => (b"sk-ssh-ed25519@openssh.com", 2),
        b"sk-ecdsa-sha2-nistp256" => (b"sk-ecdsa-sha2-nistp256@openssh.com", 3),
        _ => return None,
    })
}

/// Names of options; what they hold is left aside.
fn options(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = Reader::new(bytes);
    let mut names = Vec::new();
    while !reader.is_at_end() {
        names.push(reader.string()?);
        reader.string()?;
    }
    Some(names)
}

/// OpenSSH takes no text with a zero byte, which C would take for its end.
fn is_text(bytes: &&[u8]) -> bool {
    !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::put_string;
    use super::Certificate;

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), algorithm in "(ssh-ed25519|ssh-rsa|sk-ssh-ed25519)") {
            prop_assert!(Certificate::read(&bytes).is_none());
            let mut blob = Vec::new();
            put_string(&mut blob, format!("{algorithm}-cert-v01@openssh.com").as_bytes());
            blob.extend(bytes);
            let _ = Certificate::read(&blob);
        }
    }
}
