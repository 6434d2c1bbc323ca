//! Keys and certificates that are revoked: lists in text, and binary ones ([`super::krl`]), as ssh-keygen(1) has them under KEY
//! REVOCATION LISTS.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use super::certificate::Certificate;
use super::krl::{self, Certificates, Krl};
use super::signing;
use super::wire::Reader;

/// Everything that is revoked.
#[derive(Debug, Default)]
pub(in super::super) struct Revocations {
    /// Encoded plain keys.
    keys: HashSet<Vec<u8>>,
    sha1: HashSet<[u8; 20]>,
    sha256: HashSet<[u8; 32]>,
    certificates: Vec<Certificates>,
}

/// What is wrong with a list, and on which line, from 1, where it has lines.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Mistake {
    pub(in super::super) line: Option<usize>,
    pub(in super::super) reason: String,
}

impl Revocations {
    /// Adds what one file revokes. A line or section that is not understood is a mistake: passed over, it might be the one that
    /// matters.
    pub(in super::super) fn add(&mut self, bytes: &[u8]) -> Result<(), Mistake> {
        if bytes.starts_with(krl::MAGIC) {
            let Krl { keys, sha1, sha256, certificates } = krl::parse(bytes).map_err(|reason| Mistake { line: None, reason })?;
            self.keys.extend(keys);
            self.sha1.extend(sha1);
            self.sha256.extend(sha256);
            self.certificates.extend(certificates);
            return Ok(());
        }
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let mistake = |reason| Mistake { line: Some(index + 1), reason };
            let line = std::str::from_utf8(line).map_err(|_| mistake("it is not UTF-8".to_owned()))?.trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.add_line(line).map_err(mistake)?;
            }
        }
        Ok(())
    }

    fn add_line(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(':').map_or(("", line), |(word, rest)| (word, rest.trim()));
        match word.to_ascii_lowercase().as_str() {
            // A fingerprint may stand as ssh-keygen -l prints it; what it is made of is a key.
            "hash" => {
                let digest = rest.strip_prefix("SHA256:").and_then(fingerprint);
                self.sha256.insert(digest.ok_or("no fingerprint such as SHA256:… is there")?);
            }
            "sha256" if fingerprint(rest).is_some() => self.sha256.extend(fingerprint(rest)),
            "key" | "sha1" | "sha256" => {
                self.keys.insert(key(rest)?);
            }
            "serial" | "id" => return Err(format!("{word}: says nothing without the key of an authority; make a KRL of it")),
            _ => {
                self.keys.insert(key(line)?);
            }
        }
        Ok(())
    }

    /// Why a key is revoked, or a certificate of it.
    pub(super) fn reason(&self, key: &[u8], certificate: Option<&Certificate<'_>>) -> Option<&'static str> {
        if self.has_key(key) {
            return Some("key-revoked");
        }
        let certificate = certificate?;
        let is_of = |list: &&Certificates| list.authority.as_ref().is_none_or(|authority| authority == certificate.authority);
        if self.has_key(certificate.authority) {
            Some("authority-revoked")
        } else if self.certificates.iter().filter(is_of).any(|list| list.revokes(certificate.serial, certificate.key_id)) {
            Some("certificate-revoked")
        } else {
            None
        }
    }

    /// Whether an encoded plain key is revoked.
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
            || (!self.sha256.is_empty() && self.sha256.contains(Sha256::digest(key).as_slice()))
            || (!self.sha1.is_empty() && self.sha1.contains(&sha1(key)))
    }
}

/// Only for comparison with fingerprints of a list; a key that someone made to collide with a revoked one is revoked.
fn sha1(key: &[u8]) -> [u8; 20] {
    match sha1dc::digest(key) {
        Ok(digest) => digest.into(),
        Err(collision) => collision.digest().into(),
    }
}

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?.try_into().ok()
}

/// The encoded plain key of `ALGORITHM BASE64 COMMENT`; of a certificate the certified one, as ssh-keygen has it.
fn key(text: &str) -> Result<Vec<u8>, String> {
    let mut fields = text.split_ascii_whitespace();
    let (Some(algorithm), Some(encoded)) = (fields.next(), fields.next()) else { return Err("no public key is there".to_owned()) };
    let blob = STANDARD.decode(encoded).map_err(|_| "its public key is no base64".to_owned())?;
    if Reader::new(&blob).string() != Some(algorithm.as_bytes()) {
        return Err("its public key is not of the type that stands before it".to_owned());
    }
    let plain = match Certificate::is_one(&blob) {
        true => Certificate::read(&blob).map(|certificate| certificate.key),
        false => Some(blob.clone()),
    };
    let key = plain.as_deref().and_then(signing::public_key).and_then(|key| key.to_bytes().ok());
    key.ok_or_else(|| "its public key cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Mistake, Revocations};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEH9wwXsi/OOX2Mw7kBFCiF6hHJk9fRr7bOUBcKyNJxK";

    fn mistake(line: &str) -> Mistake {
        Revocations::default().add(format!("# revoked\n\n{line}\n").as_bytes()).unwrap_err()
    }

    #[test]
    fn a_line_that_is_not_understood_is_told_with_its_number() {
        for (line, reason) in [
            ("alice", "no public key is there"),
            ("ssh-ed25519 AAAA?", "no base64"),
            ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIEH9wwXsi/OOX2Mw7kBFCiF6hHJk9fRr7bOUBcKyNJxK", "not of the type"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEH9", "cannot be read"),
            ("ssh-new AAAAB3NzaC1uZXc=", "cannot be read"),
            ("serial: 7", "make a KRL"),
            ("ID: alice", "make a KRL"),
            ("hash: MD5:00", "no fingerprint"),
            ("hash: SHA256:AAAA", "no fingerprint"),
            ("namespaces=\"git\" ssh-ed25519 AAAA", "no base64"),
            ("SSHKRL", "no public key is there"),
        ] {
            let Mistake { line: number, reason: found } = mistake(line);
            assert!(number == Some(3) && found.contains(reason), "{line}: {found}");
        }
    }

    #[test]
    fn every_form_of_a_key_revokes_it() {
        let mut listed = Revocations::default();
        listed.add(KEY.as_bytes()).unwrap();
        let blob = listed.keys.iter().next().unwrap().clone();
        let fingerprint = ssh_key::PublicKey::from_openssh(KEY).unwrap().fingerprint(ssh_key::HashAlg::Sha256);
        for line in [
            format!("  {KEY} alice@example.com\r"),
            format!("key: {KEY}"),
            format!("SHA1: {KEY} comment"),
            format!("sha256:{KEY}"),
            format!("hash: {fingerprint}"),
            fingerprint.to_string(),
        ] {
            let mut revocations = Revocations::default();
            revocations.add(line.as_bytes()).unwrap();
            assert!(revocations.has_key(&blob), "{line}");
            assert!(!revocations.has_key(b"another"));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~\t\n]{0,80}") {
            let _ = Revocations::default().add(text.as_bytes());
        }
    }
}
