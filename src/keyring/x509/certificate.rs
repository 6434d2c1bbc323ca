//! A certificate and what it says of its key.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{self, Decode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::time::Time;

use super::cms::SignerId;
use crate::keyring::mail;

/// Who told Fulcio who somebody is, and the older form of the same: sigstore/fulcio `docs/oid-info.md`.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const OLDER_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");

/// A key of so short a life signs once; its own word on the time would be worth nothing.
const SHORT_LIFE: TimeDelta = TimeDelta::hours(1);

/// The time in which something is in force, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
}

impl Window {
    pub(super) fn contains(&self, time: DateTime<Utc>) -> bool {
        self.from <= time && time <= self.until
    }

    /// The time in which both are in force; it may be none.
    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }
}

/// Whom a certificate names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// E-mails, with domains in lower case.
    pub(super) emails: Vec<String>,
    /// URIs, as those of workflows.
    pub(super) uris: Vec<String>,
    /// Who told the authority who this is: a part of the identity, since everybody can tell that of somebody.
    pub(super) issuer: Option<String>,
}

/// A certificate that can be read.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) der: CertificateDer<'static>,
    pub(super) window: Window,
    parsed: x509_cert::Certificate,
}

impl Certificate {
    /// Reads a certificate of RFC 5280.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let parsed = x509_cert::Certificate::from_der(der).ok()?;
        let der = CertificateDer::from(der.to_vec());
        EndEntityCert::try_from(&der).ok()?;
        let validity = &parsed.tbs_certificate.validity;
        let window = Window { from: time(validity.not_before)?, until: time(validity.not_after)? };
        Some(Self { der, window, parsed })
    }

    /// `SHA256:` and the digest in upper-case hex, as openssl and gpgsm show it but for its colons.
    pub(super) fn fingerprint(&self) -> String {
        let mut text = "SHA256:".to_owned();
        for byte in Sha256::digest(&self.der) {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02X}");
        }
        text
    }

    /// Whether a signature means this one.
    pub(super) fn is_named_by(&self, id: &SignerId<'_>) -> bool {
        match id {
            SignerId::Serial(issuer, serial) => {
                EndEntityCert::try_from(&self.der).is_ok_and(|own| own.issuer() == *issuer && own.serial() == *serial)
            }
            SignerId::Key(key) => self.extension::<SubjectKeyIdentifier>().is_ok_and(|own| own.is_some_and(|own| own.0.as_bytes() == *key)),
        }
    }

    /// Whether a signature that names both means the same signer: a certificate that was renewed keeps the identifier of its key.
    pub(super) fn is_same_signer(&self, other: &Self, id: &SignerId<'_>) -> bool {
        self.der == other.der || matches!(id, SignerId::Key(_)) && self.public_key() == other.public_key()
    }

    /// Whether it names itself as its issuer, as roots do.
    pub(super) fn is_self_issued(&self) -> bool {
        self.parsed.tbs_certificate.issuer == self.parsed.tbs_certificate.subject
    }

    /// Its public key, as it stands in it.
    pub(super) fn public_key(&self) -> Option<Vec<u8>> {
        EndEntityCert::try_from(&self.der).ok().map(|own| own.subject_public_key_info().to_vec())
    }

    /// Whether its key may sign what is no certificate. A usage that cannot be read allows nothing.
    pub(super) fn may_sign(&self) -> bool {
        self.extension::<KeyUsage>().is_ok_and(|usage| usage.is_none_or(|usage| usage.digital_signature() || usage.non_repudiation()))
    }

    /// Whether it says that it is an authority, and its key may sign certificates. What cannot be read allows nothing.
    pub(super) fn may_certify(&self) -> bool {
        self.extension::<KeyUsage>().is_ok_and(|usage| usage.is_none_or(|usage| usage.key_cert_sign()))
            && self.constraints().is_ok_and(|constraints| constraints.is_some_and(|constraints| constraints.ca))
    }

    /// Whether it is an authority and how many may stand below it, where it says so.
    pub(super) fn constraints(&self) -> Result<Option<BasicConstraints>, der::Error> {
        self.extension()
    }

    /// Whom it names; nothing where it does not say legibly who vouched for that. A text in the place of an e-mail that could be
    /// read as a URI is none.
    pub(super) fn identity(&self) -> Option<Identity> {
        let issuer = match (self.value(ISSUER), self.value(OLDER_ISSUER)) {
            (Some(value), _) => Some(Utf8StringRef::from_der(value).ok()?.as_str().to_owned()),
            (None, Some(value)) => Some(String::from_utf8(value.to_vec()).ok()?),
            (None, None) => None,
        };
        let mut identity = Identity { issuer, ..Identity::default() };
        for name in self.extension::<SubjectAltName>().ok().flatten().map(|names| names.0).unwrap_or_default() {
            match name {
                GeneralName::Rfc822Name(text) if !text.as_str().contains("://") => identity.emails.extend(mail::normal(text.as_str())),
                GeneralName::UniformResourceIdentifier(text) if is_uri(text.as_str()) => identity.uris.push(text.to_string()),
                _ => {}
            }
        }
        Some(identity)
    }

    /// Whether it is one for a single signature, as Fulcio makes them.
    pub(super) fn is_short_lived(&self) -> bool {
        let is_by_fulcio = self.value(ISSUER).or_else(|| self.value(OLDER_ISSUER)).is_some();
        is_by_fulcio || self.window.until - self.window.from <= SHORT_LIFE
    }

    /// An extension, where it is there; an error where it is and cannot be read.
    fn extension<'a, Kind: Decode<'a> + AssociatedOid>(&'a self) -> Result<Option<Kind>, der::Error> {
        Ok(self.parsed.tbs_certificate.get::<Kind>()?.map(|(_, extension)| extension))
    }

    fn value(&self, id: ObjectIdentifier) -> Option<&[u8]> {
        let extensions = self.parsed.tbs_certificate.extensions.as_deref().unwrap_or_default();
        extensions.iter().find(|extension| extension.extn_id == id).map(|extension| extension.extn_value.as_bytes())
    }
}

fn is_uri(text: &str) -> bool {
    text.contains("://") && !text.contains(|character: char| character.is_whitespace() || character.is_control())
}

/// Times of certificates are of whole seconds.
fn time(time: Time) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(time.to_unix_duration().as_secs()).ok()?, 0)
}
