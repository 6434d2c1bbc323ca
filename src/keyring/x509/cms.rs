//! Signatures as CMS writes them (RFC 5652): the fields, before any of them is believed.

use chrono::{DateTime, Utc};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Length, Tag};
use x509_cert::time::Time;

use super::ber::{Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, SET, field};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// An entry of Rekor, sigstore/gitsign `internal/rekor/oid`.
const LOG_ENTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.3.1");

/// Paths have a handful; finding one among many is work that whoever signs could cause.
const MOST_CERTIFICATES: usize = 10;
const MOST_ATTRIBUTES: usize = 32;
/// One is right; how many more there are makes no difference.
const MOST_SIGNERS: usize = 64;

const ENCODING: &str = "bad-signature-encoding";

/// A detached signature of one signer.
#[derive(Debug)]
pub(super) struct SignedData<'a> {
    /// The certificates that came with it.
    pub(super) certificates: Vec<&'a [u8]>,
    pub(super) signer: Signer<'a>,
}

/// How a signature names the certificate of its key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignerId<'a> {
    /// Contents of the issuer's name and of the serial number.
    Serial(&'a [u8], &'a [u8]),
    /// The identifier that the certificate gives its key.
    Key(&'a [u8]),
}

/// An algorithm and its parameters.
#[derive(Debug)]
pub(super) struct Algorithm<'a> {
    pub(super) id: &'a [u8],
    /// The whole content: what of it is parameters, too.
    pub(super) content: &'a [u8],
}

/// The signer's part.
#[derive(Debug)]
pub(super) struct Signer<'a> {
    pub(super) id: SignerId<'a>,
    pub(super) digest: Algorithm<'a>,
    pub(super) algorithm: Algorithm<'a>,
    pub(super) signature: &'a [u8],
    /// The signed attributes in the form that is signed.
    pub(super) signed: Vec<u8>,
    /// Whether the signed attributes say that plain data was signed.
    pub(super) is_of_data: bool,
    /// The digest of the content, by the signed attributes.
    pub(super) message_digest: &'a [u8],
    /// When it was made, by the signed attributes.
    pub(super) time: Option<DateTime<Utc>>,
    /// The entry of a transparency log, which is not signed.
    pub(super) log_entry: Option<&'a [u8]>,
}

impl<'a> SignedData<'a> {
    /// Reads a signature, or says why it is malformed.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let mut info = reader.within(SEQUENCE).ok_or(ENCODING)?;
        if !reader.is_at_end() {
            return Err("trailing-junk");
        }
        let kind = info.take(OBJECT_IDENTIFIER).ok_or(ENCODING)?;
        if kind.content != SIGNED_DATA.as_bytes() {
            return Err("no-signed-data");
        }
        let content = info.take(field(0)).filter(|_| info.is_at_end()).ok_or(ENCODING)?;
        let mut data = only(content.content, SEQUENCE)?;
        data.take(INTEGER).ok_or(ENCODING)?;
        data.take(SET).ok_or(ENCODING)?;
        detached(data.within(SEQUENCE).ok_or(ENCODING)?)?;
        let certificates = match data.within(field(0)) {
            None => Vec::new(),
            Some(set) => set.all(SEQUENCE, MOST_CERTIFICATES).ok_or("bad-certificates")?,
        };
        data.take(field(1));
        let signers = data.within(SET).filter(|_| data.is_at_end()).and_then(|set| set.all(SEQUENCE, MOST_SIGNERS)).ok_or(ENCODING)?;
        let signer = match signers.as_slice() {
            [signer] => Signer::read(signer)?,
            [] => return Err("no-signer"),
            _ => return Err("multiple-signatures"),
        };
        Ok(Self { certificates: certificates.iter().map(|element| element.raw).collect(), signer })
    }
}

/// The values within the only one, which has this tag.
fn only(bytes: &[u8], tag: u8) -> Result<Reader<'_>, &'static str> {
    let mut reader = Reader::new(bytes);
    reader.within(tag).filter(|_| reader.is_at_end()).ok_or(ENCODING)
}

/// Git hands the commit beside the signature; one that brings its own content is about that.
fn detached(mut content: Reader<'_>) -> Result<(), &'static str> {
    match content.take(OBJECT_IDENTIFIER) {
        Some(kind) if kind.content != DATA.as_bytes() => Err("not-of-data"),
        Some(_) if !content.is_at_end() => Err("attached-content"),
        Some(_) => Ok(()),
        None => Err(ENCODING),
    }
}

impl<'a> Signer<'a> {
    fn read(element: &Element<'a>) -> Result<Self, &'static str> {
        let mut reader = Reader::new(element.content);
        reader.take(INTEGER).ok_or(ENCODING)?;
        let id = match reader.take(0x80) {
            Some(key) => SignerId::Key(key.content),
            None => serial(reader.within(SEQUENCE).ok_or(ENCODING)?).ok_or(ENCODING)?,
        };
        let digest = Algorithm::read(&mut reader).ok_or(ENCODING)?;
        // Without them it is a signature of the content itself, which could be somebody's signed attributes.
        let attributes = reader.take(field(0)).ok_or("no-signed-attributes")?;
        let algorithm = Algorithm::read(&mut reader).ok_or(ENCODING)?;
        let signature = reader.take(OCTET_STRING).ok_or(ENCODING)?.content;
        let unsigned = reader.take(field(1));
        if !reader.is_at_end() {
            return Err(ENCODING);
        }
        let signed = Attributes::read(attributes.content)?;
        let log_entry = match unsigned {
            None => None,
            Some(unsigned) => match Attributes::read(unsigned.content)?.value(LOG_ENTRY)? {
                None => None,
                Some(value) => Some(value.content_of(OCTET_STRING).ok_or("bad-log-entry")?),
            },
        };
        let content_type = signed.value(CONTENT_TYPE)?.ok_or("no-signed-attributes")?;
        let message_digest = signed.value(MESSAGE_DIGEST)?.ok_or("no-signed-attributes")?;
        Ok(Self {
            id,
            digest,
            algorithm,
            signature,
            signed: as_set(attributes.content).ok_or(ENCODING)?,
            is_of_data: content_type.content_of(OBJECT_IDENTIFIER) == Some(DATA.as_bytes()),
            message_digest: message_digest.content_of(OCTET_STRING).ok_or(ENCODING)?,
            time: signed.value(SIGNING_TIME)?.map(|value| time(value.raw).ok_or("bad-signing-time")).transpose()?,
            log_entry,
        })
    }
}

fn serial(mut reader: Reader<'_>) -> Option<SignerId<'_>> {
    let issuer = reader.take(SEQUENCE)?.content;
    let serial = reader.take(INTEGER)?.content;
    reader.is_at_end().then_some(SignerId::Serial(issuer, serial))
}

impl<'a> Algorithm<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let content = reader.take(SEQUENCE)?.content;
        let id = Reader::new(content).take(OBJECT_IDENTIFIER)?.content;
        Some(Self { id, content })
    }
}

/// Signed attributes are signed as a set, whose tag is another one than that of the field which holds them.
fn as_set(content: &[u8]) -> Option<Vec<u8>> {
    let mut set = vec![SET];
    Length::try_from(content.len()).ok()?.encode_to_vec(&mut set).ok()?;
    set.extend_from_slice(content);
    Some(set)
}

fn time(raw: &[u8]) -> Option<DateTime<Utc>> {
    let is_time = matches!(raw.first().copied(), Some(tag) if tag == u8::from(Tag::UtcTime) || tag == u8::from(Tag::GeneralizedTime));
    let time = is_time.then(|| Time::from_der(raw).ok()).flatten()?;
    DateTime::from_timestamp(i64::try_from(time.to_unix_duration().as_secs()).ok()?, 0)
}

/// Attributes by their kinds.
struct Attributes<'a>(Vec<(&'a [u8], Element<'a>)>);

impl<'a> Attributes<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let attributes = Reader::new(bytes).all(SEQUENCE, MOST_ATTRIBUTES).ok_or(ENCODING)?;
        let read = |element: &Element<'a>| {
            let mut reader = Reader::new(element.content);
            let kind = reader.take(OBJECT_IDENTIFIER)?.content;
            let values = reader.take(SET)?;
            reader.is_at_end().then_some((kind, values))
        };
        attributes.iter().map(read).collect::<Option<_>>().map(Self).ok_or(ENCODING)
    }

    /// The one value of an attribute that is there at most once.
    fn value(&self, kind: ObjectIdentifier) -> Result<Option<Element<'a>>, &'static str> {
        let mut found = self.0.iter().filter(|(own, _)| *own == kind.as_bytes());
        let Some((_, values)) = found.next() else { return Ok(None) };
        let mut reader = Reader::new(values.content);
        let value = reader.any().filter(|_| reader.is_at_end() && found.next().is_none());
        value.map(Some).ok_or("ambiguous-attribute")
    }
}
