//! A reader of OpenPGP packets, for what GnuPG's library interface does not tell: the class of a signature, its hash, who it
//! says made it, and why a key was revoked. It verifies nothing.

use chrono::{DateTime, Utc};

const SIGNATURE: u8 = 2;
const SECRET_KEY: u8 = 5;
const PUBLIC_KEY: u8 = 6;
const SECRET_SUBKEY: u8 = 7;
const PUBLIC_SUBKEY: u8 = 14;

/// A packet: its tag and its body.
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
}

/// What a signature packet says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignaturePacket {
    /// 3 or 4; others are not read.
    pub(super) version: u8,
    /// 0x00 for a document, 0x01 for text, 0x20 for the revocation of a key.
    pub(super) class: u8,
    /// The identifier of RFC 9580 §9.5.
    pub(super) hash: u8,
    /// When it says it was made.
    pub(super) created: Option<DateTime<Utc>>,
    /// When it says it ends.
    pub(super) expires: Option<DateTime<Utc>>,
    /// Fingerprint of the key that it says made it, upper-case hex.
    pub(super) fingerprint: Option<String>,
    /// Long id of that key, upper-case hex.
    pub(super) key_id: Option<String>,
    /// Reason for revocation (subpacket 29).
    pub(super) reason: Option<u8>,
    /// What of it is itself signed: class, algorithms, time and hashed subpackets.
    pub(super) hashed: Box<[u8]>,
}

impl SignaturePacket {
    /// Whether the digest can be forged: MD5, SHA-1, RIPEMD-160.
    pub(super) fn has_weak_digest(&self) -> bool {
        matches!(self.hash, 1..=3)
    }

    /// Whether the hash is one that GnuPG computes.
    pub(super) fn has_known_hash(&self) -> bool {
        matches!(self.hash, 1..=3 | 8..=11)
    }

    /// What it says of its key, best first.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.fingerprint.as_deref().or(self.key_id.as_deref())
    }
}

/// The one signature of a detached signature, or a stable phrase.
pub(super) fn detached(bytes: &[u8]) -> Result<SignaturePacket, &'static str> {
    let packets = packets(bytes).ok_or("bad-packet")?;
    match packets.as_slice() {
        [Packet { tag: SIGNATURE, body }] => signature(body).ok_or("bad-packet"),
        [] => Err("bad-packet"),
        many if many.iter().filter(|packet| packet.tag == SIGNATURE).count() > 1 => Err("multiple-signatures"),
        _ => Err("foreign-packet"),
    }
}

/// Whether key material holds a secret key. What is no sequence of packets holds none.
pub(super) fn has_secret(bytes: &[u8]) -> bool {
    let label = b"-----BEGIN PGP PRIVATE KEY BLOCK-----";
    bytes.windows(label.len()).any(|window| window == label)
        || packets(bytes).is_some_and(|packets| packets.iter().any(|packet| matches!(packet.tag, SECRET_KEY | SECRET_SUBKEY)))
}

/// The revocations in a transferable key: of the primary key (index 0) or of the subkey with the index.
pub(super) fn revocations(key: &[u8]) -> Option<Vec<(usize, SignaturePacket)>> {
    let (mut index, mut found) = (0, Vec::new());
    for packet in packets(key)? {
        match packet.tag {
            PUBLIC_KEY => index = 0,
            PUBLIC_SUBKEY => index += 1,
            SIGNATURE => match signature(packet.body) {
                Some(packet) if packet.class == 0x20 => found.push((0, packet)),
                Some(packet) if packet.class == 0x28 => found.push((index, packet)),
                _ => {}
            },
            _ => {}
        }
    }
    Some(found)
}

fn packets(mut bytes: &[u8]) -> Option<Vec<Packet<'_>>> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_first() {
        let (tag, length, rest) = match head {
            0xc0..=0xff => (head & 0x3f, new_length(rest)?, rest),
            0x80..=0xbf => ((head >> 2) & 0x0f, old_length(head & 3, rest)?, rest),
            _ => return None,
        };
        let (size, taken) = length;
        let body = rest.get(taken..)?.get(..size)?;
        found.push(Packet { tag, body });
        bytes = &rest[taken + size..];
    }
    Some(found)
}

/// Length of a body and of its own encoding. Partial lengths are not for the packets we read.
fn new_length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        short @ 0..=191 => Some((usize::from(short), 1)),
        high @ 192..=223 => Some((((usize::from(high) - 192) << 8) + usize::from(*bytes.get(1)?) + 192, 2)),
        224..=254 => None,
        255 => Some((number(bytes.get(1..5)?), 5)),
    }
}

fn old_length(kind: u8, bytes: &[u8]) -> Option<(usize, usize)> {
    let taken = [1, 2, 4].get(usize::from(kind)).copied()?;
    Some((number(bytes.get(..taken)?), taken))
}

/// Up to four bytes, big-endian.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

fn signature(body: &[u8]) -> Option<SignaturePacket> {
    match *body.first()? {
        3 => version_3(body),
        4 => version_4(body),
        version => Some(SignaturePacket { version, ..blank() }),
    }
}

fn blank() -> SignaturePacket {
    SignaturePacket {
        version: 0,
        class: 0,
        hash: 0,
        created: None,
        expires: None,
        fingerprint: None,
        key_id: None,
        reason: None,
        hashed: Box::default(),
    }
}

fn version_3(body: &[u8]) -> Option<SignaturePacket> {
    let created = DateTime::from_timestamp(number(body.get(3..7)?) as i64, 0);
    let key_id = Some(hex(body.get(7..15)?));
    has_numbers(*body.get(15)?, body.get(19..)?).then_some(())?;
    let hashed = body.get(2..7)?.into();
    Some(SignaturePacket { version: 3, class: *body.get(2)?, hash: *body.get(16)?, created, key_id, hashed, ..blank() })
}

fn version_4(body: &[u8]) -> Option<SignaturePacket> {
    let mut packet = SignaturePacket { version: 4, class: *body.get(1)?, hash: *body.get(3)?, ..blank() };
    let hashed = number(body.get(4..6)?);
    let unhashed = number(body.get(6 + hashed..8 + hashed)?);
    packet.hashed = body.get(..6 + hashed)?.into();
    let mut life = None;
    for (kind, value) in subpackets(body.get(6..6 + hashed)?)? {
        match kind {
            2 => packet.created = DateTime::from_timestamp(number(value.get(..4)?) as i64, 0),
            3 => life = Some(number(value.get(..4)?)),
            29 => packet.reason = value.first().copied(),
            _ => issuer(&mut packet, kind, value),
        }
    }
    for (kind, value) in subpackets(body.get(8 + hashed..8 + hashed + unhashed)?)? {
        issuer(&mut packet, kind, value);
    }
    has_numbers(*body.get(2)?, body.get(10 + hashed + unhashed..)?).then_some(())?;
    if let (Some(created), Some(life @ 1..)) = (packet.created, life) {
        packet.expires = created.checked_add_signed(chrono::TimeDelta::seconds(life as i64));
    }
    Some(packet)
}

/// Whether exactly the numbers of an algorithm are there: one for RSA, two for DSA, ECDSA and EdDSA. Others are not known here.
fn has_numbers(algorithm: u8, mut bytes: &[u8]) -> bool {
    let count = match algorithm {
        1 | 3 => 1,
        17 | 19 | 22 => 2,
        _ => return true,
    };
    for _ in 0..count {
        let Some((bits, rest)) = bytes.split_first_chunk::<2>() else { return false };
        let Some((_, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*bits)).div_ceil(8)) else { return false };
        bytes = rest;
    }
    bytes.is_empty()
}

/// Takes the issuer from the first subpacket that names it: hashed ones are read first.
fn issuer(packet: &mut SignaturePacket, kind: u8, value: &[u8]) {
    match (kind, value) {
        (16, id) if id.len() == 8 && packet.key_id.is_none() => packet.key_id = Some(hex(id)),
        (33, [4, fingerprint @ ..]) if fingerprint.len() == 20 && packet.fingerprint.is_none() => {
            packet.fingerprint = Some(hex(fingerprint))
        }
        _ => {}
    }
}

fn subpackets(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let Some(first) = bytes.first() {
        let (size, taken) = match *first {
            // Above 191 a subpacket has two bytes of length up to 254, where a packet would have a partial length.
            high @ 224..=254 => (((usize::from(high) - 192) << 8) + usize::from(*bytes.get(1)?) + 192, 2),
            _ => new_length(bytes)?,
        };
        let (kind, value) = bytes.get(taken..)?.get(..size)?.split_first()?;
        found.push((kind & 0x7f, value));
        bytes = &bytes[taken + size..];
    }
    Some(found)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{detached, has_secret, revocations};

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (detached(&bytes), has_secret(&bytes), revocations(&bytes));
        }

        #[test]
        fn no_signature_body_panics(mut body in proptest::collection::vec(any::<u8>(), 0..120), version in 2u8..7) {
            if let Some(first) = body.first_mut() { *first = version; }
            let bytes = [&[0xc2, body.len() as u8][..], &body].concat();
            let _ = detached(&bytes);
        }
    }

    #[test]
    fn an_empty_signature_is_no_packet() {
        assert_eq!(detached(b""), Err("bad-packet"));
    }
}
