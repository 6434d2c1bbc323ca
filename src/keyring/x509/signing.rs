//! One signature of one key: of a commit, a certificate, or a log.

use p521::ecdsa::signature::hazmat::PrehashVerifier;
use p521::ecdsa::{Signature, VerifyingKey};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};
use webpki::ring;
use x509_cert::der::asn1::ObjectIdentifier;

use super::ber::{BIT_STRING, INTEGER, Reader, SEQUENCE};
use super::cms::Algorithm;
use crate::model::attribution::Crypto;

/// Everything that is verified, for certificates and for what they sign.
pub(super) static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    ring::ECDSA_P256_SHA256,
    ring::ECDSA_P256_SHA384,
    ring::ECDSA_P384_SHA256,
    ring::ECDSA_P384_SHA384,
    &P521 { signature: alg_id::ECDSA_SHA256, digest: digest::<Sha256> },
    &P521 { signature: alg_id::ECDSA_SHA384, digest: digest::<Sha384> },
    &P521 { signature: alg_id::ECDSA_SHA512, digest: digest::<Sha512> },
    ring::ED25519,
    ring::RSA_PKCS1_2048_8192_SHA256,
    ring::RSA_PKCS1_2048_8192_SHA384,
    ring::RSA_PKCS1_2048_8192_SHA512,
    ring::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    ring::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    ring::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Longer keys of RSA are verified by none of them.
const LONGEST_RSA: usize = 8192;

const MD5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.5");
const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");

/// Algorithms that sign by MD5 or SHA-1: of RSA, DSA and ECDSA.
const WEAK: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
    ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
];

/// A digest that is not weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The digest of this identifier, where it is known and not weak.
    pub(super) fn of(id: &[u8]) -> Option<Self> {
        let known = [(SHA_256, Self::Sha256), (SHA_384, Self::Sha384), (SHA_512, Self::Sha512)];
        known.into_iter().find(|(own, _)| own.as_bytes() == id).map(|(_, hash)| hash)
    }

    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => digest::<Sha256>(bytes),
            Self::Sha384 => digest::<Sha384>(bytes),
            Self::Sha512 => digest::<Sha512>(bytes),
        }
    }
}

fn digest<D: Digest>(bytes: &[u8]) -> Vec<u8> {
    D::digest(bytes).to_vec()
}

/// Whether a digest or an algorithm that signs can be forged.
pub(super) fn is_weak(id: &[u8]) -> bool {
    [MD5, SHA_1].iter().chain(&WEAK).any(|weak| weak.as_bytes() == id)
}

/// A public key as certificates hold it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicKey<'a> {
    /// Content of its algorithm.
    algorithm: &'a [u8],
    id: &'a [u8],
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads a `SubjectPublicKeyInfo`.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut info = reader.within(SEQUENCE)?;
        let algorithm = info.take(SEQUENCE)?.content;
        let id = Reader::new(algorithm).take(super::ber::OBJECT_IDENTIFIER)?.content;
        let bits = info.take(BIT_STRING)?.content.strip_prefix(&[0])?;
        (reader.is_at_end() && info.is_at_end()).then_some(Self { algorithm, id, bits })
    }

    /// Whether no algorithm takes a key of this length.
    fn is_too_long(&self) -> bool {
        self.id == RSA.as_bytes() && self.rsa_bits().is_some_and(|bits| bits > LONGEST_RSA)
    }

    /// Whether what it signs can be forged.
    pub(super) fn is_weak(&self) -> bool {
        self.id == DSA.as_bytes() || self.id == RSA.as_bytes() && self.rsa_bits().is_none_or(|bits| bits < 2048)
    }

    fn rsa_bits(&self) -> Option<usize> {
        let modulus = Reader::new(self.bits).within(SEQUENCE)?.take(INTEGER)?.content;
        let zeros = modulus.iter().position(|byte| *byte != 0)?;
        Some((modulus.len() - zeros) * 8 - modulus[zeros].leading_zeros() as usize)
    }

    /// Whether it made this signature. What names no digest of its own signs by that of the content.
    pub(super) fn verify(&self, algorithm: &Algorithm<'_>, hash: Hash, message: &[u8], signature: &[u8]) -> Crypto {
        let of_rsa = match hash {
            Hash::Sha256 => alg_id::RSA_PKCS1_SHA256,
            Hash::Sha384 => alg_id::RSA_PKCS1_SHA384,
            Hash::Sha512 => alg_id::RSA_PKCS1_SHA512,
        };
        let wanted = if algorithm.id == RSA.as_bytes() { &of_rsa } else { algorithm.content };
        self.verify_by(wanted, message, signature)
    }

    /// Whether it made this signature in the way of transparency logs.
    pub(super) fn verify_of_log(&self, message: &[u8], signature: &[u8]) -> bool {
        [alg_id::ECDSA_SHA256, alg_id::ED25519].iter().any(|way| self.verify_by(way, message, signature) == Crypto::Good)
    }

    /// Whether it is a key of transparency logs.
    pub(super) fn is_of_log(&self) -> bool {
        [alg_id::ECDSA_P256, alg_id::ECDSA_P384, alg_id::ED25519].iter().any(|kind| **kind == *self.algorithm)
    }

    fn verify_by(&self, algorithm: &[u8], message: &[u8], signature: &[u8]) -> Crypto {
        let fits = |way: &&&dyn SignatureVerificationAlgorithm| {
            *way.public_key_alg_id() == *self.algorithm && *way.signature_alg_id() == *algorithm
        };
        match ALGORITHMS.iter().find(fits) {
            None => Crypto::Unsupported,
            Some(_) if self.is_too_long() => Crypto::Unsupported,
            Some(way) if way.verify_signature(self.bits, message, signature).is_ok() => Crypto::Good,
            Some(_) => Crypto::Bad,
        }
    }
}

/// ECDSA on P-521.
#[derive(Debug)]
struct P521 {
    signature: AlgorithmIdentifier,
    digest: fn(&[u8]) -> Vec<u8>,
}

impl SignatureVerificationAlgorithm for P521 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        // The library takes no digest that is shorter than half of the field; leading zeros change no number.
        let mut padded = [0; 66];
        let digest = (self.digest)(message);
        padded[66 - digest.len()..].copy_from_slice(&digest);
        key.verify_prehash(&padded, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}
