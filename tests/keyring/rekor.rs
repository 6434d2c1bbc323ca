//! Entries of a transparency log, made of what Rekor's and gitsign's documents say and signed by openssl, and put into signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fixture::must;
use crate::openssl::{Openssl, P256};

/// 2025-03-01T12:01:00Z.
pub(crate) const LOGGED: i64 = 1_740_830_460;

/// One DER value.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let length = match length {
        0..0x80 => vec![length as u8],
        0x80..0x100 => vec![0x81, length as u8],
        _ => vec![0x82, (length >> 8) as u8, length as u8],
    };
    [&[tag], length.as_slice(), content].concat()
}

/// The tag and content of each DER value, one after the other.
pub(crate) fn values(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [tag, first, rest @ ..] = bytes {
        let digits = if *first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let length =
            if digits == 0 { usize::from(*first) } else { rest[..digits].iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)) };
        found.push((*tag, rest[digits..digits + length].to_vec()));
        bytes = &rest[digits + length..];
    }
    found
}

fn joined(values: &[(u8, Vec<u8>)]) -> Vec<u8> {
    values.iter().flat_map(|(tag, content)| value(*tag, content)).collect()
}

/// A signature whose one signer is changed.
pub(crate) fn with_signer(cms: &[u8], change: impl FnOnce(&mut Vec<(u8, Vec<u8>)>)) -> Vec<u8> {
    let mut info = values(&values(cms)[0].1);
    let mut data = values(&values(&info[1].1)[0].1);
    let mut signers = values(&data.last().unwrap().1);
    let mut signer = values(&signers[0].1);
    change(&mut signer);
    signers[0].1 = joined(&signer);
    data.last_mut().unwrap().1 = joined(&signers);
    info[1].1 = value(0x30, &joined(&data));
    value(0x30, &joined(&info))
}

/// An unsigned attribute that holds an entry.
pub(crate) fn attribute(entry: &[u8]) -> Vec<u8> {
    // 1.3.6.1.4.1.57264.3.1
    let kind = value(0x06, &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x03, 0x01]);
    value(0x30, &[kind, value(0x31, &value(0x04, entry))].concat())
}

/// A signature with unsigned attributes.
pub(crate) fn with_attributes(cms: &[u8], attributes: &[u8]) -> Vec<u8> {
    with_signer(cms, |signer| signer.push((0xa1, attributes.to_vec())))
}

/// What gitsign hands to Rekor of a signature: the attributes that are signed, and the signature over them.
pub(crate) fn signed_part(cms: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut part = None;
    with_signer(cms, |signer| {
        let of = |tag: u8| signer.iter().find(|(own, _)| *own == tag).unwrap().1.clone();
        part = Some((value(0x31, &of(0xa0)), of(0x04)));
    });
    part.unwrap()
}

/// The body of an entry.
pub(crate) fn body(artifact: &[u8], signature: &[u8], certificate: &[u8]) -> String {
    let (digest, signature) = (hex(&Sha256::digest(artifact)), STANDARD.encode(signature));
    json!({
        "kind": "hashedrekord",
        "apiVersion": "0.0.1",
        "spec": {
            "signature": { "content": signature, "publicKey": { "content": STANDARD.encode(certificate) } },
            "data": { "hash": { "algorithm": "sha256", "value": digest } },
        },
    })
    .to_string()
}

/// An entry, field by field, as a log of three entries has it. What it signs is told apart, so that a test can change either.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) index: i64,
    pub(crate) time: i64,
    pub(crate) log: Vec<u8>,
    pub(crate) promise: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Entry {
    /// What a log by this key says of a body at a time.
    pub(crate) fn new(openssl: &Openssl, key: &str, body: &str, time: i64) -> Self {
        openssl.key(key, P256);
        let public = must(openssl.command("pkey").args(["-pubout", "-outform", "DER", "-in", &format!("{key}.key")]), b"");
        let (index, log) = (7_000, Sha256::digest(public).to_vec());
        let promised = json!({ "logIndex": index, "body": STANDARD.encode(body), "integratedTime": time, "logID": hex(&log) }).to_string();
        let promise = openssl.raw(key, promised.as_bytes());
        let proof = Proof::new(openssl, key, &log, body).encoded();
        Self { kind: "hashedrekord", index, time, log, promise, proof, body: Vec::new() }
    }

    /// As Protocol Buffers write it.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let kind = [text(1, self.kind.as_bytes()), text(2, b"0.0.1")].concat();
        let fields = [
            number(1, self.index),
            text(2, &text(1, &self.log)),
            text(3, &kind),
            number(4, self.time),
            if self.promise.is_empty() { Vec::new() } else { text(5, &text(1, &self.promise)) },
            if self.proof.is_empty() { Vec::new() } else { text(6, &self.proof) },
            if self.body.is_empty() { Vec::new() } else { text(7, &self.body) },
        ];
        fields.concat()
    }
}

/// A proof of inclusion as the second of three leaves, with a checkpoint.
#[derive(Clone)]
pub(crate) struct Proof {
    pub(crate) index: i64,
    pub(crate) size: i64,
    pub(crate) root: Vec<u8>,
    pub(crate) hashes: Vec<Vec<u8>>,
    pub(crate) checkpoint: String,
}

impl Proof {
    pub(crate) fn new(openssl: &Openssl, key: &str, log: &[u8], body: &str) -> Self {
        let leaf = |bytes: &[u8]| Sha256::digest([&[0], bytes].concat()).to_vec();
        let node = |left: &[u8], right: &[u8]| Sha256::digest([&[1], left, right].concat()).to_vec();
        let (before, after) = (leaf(b"before"), leaf(b"after"));
        let root = node(&node(&before, &leaf(body.as_bytes())), &after);
        let text = format!("a log\n3\n{}\n", STANDARD.encode(&root));
        let signature = STANDARD.encode([&log[..4], &openssl.raw(key, text.as_bytes())].concat());
        Self { index: 1, size: 3, root, hashes: vec![before, after], checkpoint: format!("{text}\n\u{2014} log {signature}\n") }
    }

    pub(crate) fn encoded(&self) -> Vec<u8> {
        let hashes: Vec<u8> = self.hashes.iter().flat_map(|hash| text(4, hash)).collect();
        let checkpoint = if self.checkpoint.is_empty() { Vec::new() } else { text(5, &text(1, self.checkpoint.as_bytes())) };
        [number(1, self.index), text(2, &self.root), number(3, self.size), hashes, checkpoint].concat()
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn number(field: u64, number: i64) -> Vec<u8> {
    [varint(field << 3), varint(number as u64)].concat()
}

fn text(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
