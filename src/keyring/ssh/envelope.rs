//! The envelope of an SSH signature, PROTOCOL.sshsig.

use ssh_key::{HashAlg, PublicKey, SshSig};

use super::signing::Signed;
use super::wire::Reader;
use crate::model::attribution::Crypto;

/// The fields of a signature, before any of them is interpreted.
pub(super) struct Envelope<'a> {
    /// All of it.
    pub(super) bytes: &'a [u8],
    pub(super) version: u32,
    /// The key, or the certificate of the key.
    pub(super) key: &'a [u8],
    pub(super) namespace: &'a [u8],
    pub(super) hash: &'a [u8],
    pub(super) signed: Signed<'a>,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        reader.literal(b"SSHSIG")?;
        let version = reader.u32()?;
        let (key, namespace) = (reader.string()?, reader.string()?);
        // Reserved; what is signed has an empty one whatever stands here.
        reader.string()?;
        let (hash, signed) = (reader.string()?, Signed::read(reader.string()?)?);
        reader.is_at_end().then_some(Self { bytes, version, key, namespace, hash, signed })
    }

    /// Whether this key signed this payload for Git.
    pub(super) fn verify(&self, key: &PublicKey, payload: &[u8]) -> Crypto {
        let hash = match self.hash {
            b"sha256" => HashAlg::Sha256,
            b"sha512" => HashAlg::Sha512,
            _ => return Crypto::Unsupported,
        };
        match SshSig::signed_data("git", hash, payload) {
            Ok(message) => self.signed.verify(key, &message),
            Err(_) => Crypto::Unsupported,
        }
    }
}
