//! One signature of one key over some bytes: of a commit, or of a certificate.

use signature::Verifier;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, PublicKey, Signature};

use super::wire::Reader;
use crate::model::attribution::Crypto;

/// The library does not take longer RSA keys.
const MOST_RSA_BITS: usize = 4096;

/// The flags of a security key, PROTOCOL.u2f.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;

/// A signature as it stands in SSHSIG and in certificates.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    bytes: &'a [u8],
    algorithm: &'a [u8],
    /// Of a security key only.
    flags: Option<u8>,
}

impl<'a> Signed<'a> {
    /// Reads the frame; the numbers within are the library's.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let algorithm = reader.string()?;
        reader.string()?;
        let flags = match algorithm.starts_with(b"sk-") {
            true => {
                let flags = reader.byte()?;
                reader.u32()?;
                Some(flags)
            }
            false => None,
        };
        // The signatures that browsers make have more behind; no key of ours makes them.
        (reader.is_at_end() || algorithm.starts_with(b"webauthn-")).then_some(Self { bytes, algorithm, flags })
    }

    /// Whether a security key signed without anybody's touch.
    pub(super) fn is_untouched(&self) -> bool {
        self.flags.is_some_and(|flags| flags & USER_PRESENT == 0)
    }

    /// Whether a security key asked for a PIN or a finger.
    pub(super) fn is_user_verified(&self) -> bool {
        self.flags.is_some_and(|flags| flags & USER_VERIFIED != 0)
    }

    /// Whether this key made this signature over these bytes.
    pub(super) fn verify(&self, key: &PublicKey, message: &[u8]) -> Crypto {
        match key.key_data() {
            KeyData::Dsa(_) | KeyData::Other(_) => return Crypto::Unsupported,
            KeyData::Rsa(_) if rsa_bits(key) > Some(MOST_RSA_BITS) => return Crypto::Unsupported,
            _ if self.algorithm.starts_with(b"webauthn-") => return Crypto::Unsupported,
            // The library looks at the key alone, and would find the flags of a security key where we do not.
            _ if !self.fits(key) => return Crypto::Bad,
            _ => {}
        }
        let verified = Signature::try_from(self.bytes).is_ok_and(|signature| key.key_data().verify(message, &signature).is_ok());
        if verified { Crypto::Good } else { Crypto::Bad }
    }

    fn fits(&self, key: &PublicKey) -> bool {
        match key.algorithm() {
            Algorithm::Rsa { .. } => matches!(self.algorithm, b"rsa-sha2-256" | b"rsa-sha2-512"),
            algorithm => algorithm.as_str().as_bytes() == self.algorithm,
        }
    }

    /// Why a signature of this key proves nothing.
    pub(super) fn weakness(&self, key: &PublicKey) -> Option<&'static str> {
        match key.key_data() {
            KeyData::Dsa(_) => Some("weak-key"),
            KeyData::Rsa(_) if rsa_bits(key) < Some(2048) => Some("weak-key"),
            KeyData::Rsa(_) if self.algorithm == b"ssh-rsa" => Some("weak-digest"),
            _ => None,
        }
    }
}

/// The public key of such a blob. Of an algorithm unknown to the library, which would take the length for true, there is none; nor
/// of a blob that the key itself would not give, since the library reads over wrong lengths: the fingerprint is of the blob.
pub(super) fn public_key(blob: &[u8]) -> Option<PublicKey> {
    const KNOWN: [&[u8]; 8] = [
        b"ssh-ed25519",
        b"ssh-rsa",
        b"ssh-dss",
        b"ecdsa-sha2-nistp256",
        b"ecdsa-sha2-nistp384",
        b"ecdsa-sha2-nistp521",
        b"sk-ssh-ed25519@openssh.com",
        b"sk-ecdsa-sha2-nistp256@openssh.com",
    ];
    let algorithm = Reader::new(blob).string()?;
    let read = || PublicKey::from_bytes(blob).ok().filter(|key| key.to_bytes().is_ok_and(|own| own == blob));
    KNOWN.contains(&algorithm).then(read).flatten()
}

/// The size of an RSA key.
fn rsa_bits(key: &PublicKey) -> Option<usize> {
    key.key_data().rsa().map(|rsa| bits(rsa.n.as_positive_bytes().unwrap_or_default()))
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn the_size_of_a_number_is_that_of_its_highest_bit() {
        assert_eq!(bits(&[0x80; 256]), 2048);
        assert_eq!(bits(&[0x01; 256]), 2041);
        assert_eq!(bits(&[]), 0);
    }
}
