//! From a certificate to a configured root, at a given time (RFC 5280 §6, by webpki).
//!
//! Extended usages are those of gpgsm and gitsign: of e-mail or of code, or none given. Limits on the names of e-mails, which
//! webpki does not judge, let nothing through.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, ExtendedKeyUsageValidator, KeyPurposeId,
    KeyPurposeIdIter, KeyUsage, RequiredEkuNotFoundContext, RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
    VerifiedPath, anchor_from_trusted_cert,
};
use x509_cert::der::asn1::ObjectIdentifier;

use super::certificate::{Certificate, Window};
use super::signing::ALGORITHMS;

/// The extended usages emailProtection, codeSigning and anyExtendedKeyUsage.
const EMAIL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");
const CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Times at which a path is looked for, where there is none at the time of the signature.
const MOST_TIMES: usize = 8;

/// The configured certificates and lists of revoked ones.
#[derive(Debug, Default)]
pub(super) struct Authorities {
    /// Those that name themselves as their issuer, which are believed.
    roots: Vec<(Certificate, TrustAnchor<'static>)>,
    /// Others, which help to find a way.
    others: Vec<Certificate>,
    revoked: Vec<CertRevocationList<'static>>,
}

/// What became of the search for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is one, in force at this time.
    Path(Window),
    /// There is one, of which a certificate is revoked.
    Revoked,
    /// There is none, as a stable phrase.
    Nothing(&'static str),
}

impl Authorities {
    /// Adds the certificates of a file in PEM, or says what is wrong with it.
    pub(super) fn add(&mut self, pem: &[u8]) -> Result<(), String> {
        let mut any = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let der = certificate.map_err(|error| format!("it is no PEM: {error}"))?;
            let certificate = Certificate::read(&der).ok_or("a certificate in it is not of version 3 or cannot be read")?;
            any = true;
            if certificate.is_self_issued() {
                certificate.constraints().map_err(|error| format!("basic constraints of a root in it cannot be read: {error}"))?;
                let anchor = anchor_from_trusted_cert(&der).map_err(|error| format!("a root in it cannot be used: {error}"))?.to_owned();
                self.roots.push((certificate, anchor));
            } else {
                self.others.push(certificate);
            }
        }
        if any { Ok(()) } else { Err("there is no certificate in it".to_owned()) }
    }

    /// Adds lists of revoked certificates, in PEM or as one in DER.
    pub(super) fn revoke(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("it is no PEM: {error}"))?;
        if lists.is_empty() {
            lists.push(CertificateRevocationListDer::from(bytes));
        }
        for list in lists {
            let read = BorrowedCertRevocationList::from_der(&list).and_then(|list| list.to_owned());
            self.revoked.push(read.map_err(|error| format!("it is no list that can be read: {error}"))?.into());
        }
        Ok(())
    }

    /// Whether there is nothing that a path could lead to.
    pub(super) fn is_without_root(&self) -> bool {
        self.roots.is_empty()
    }

    /// Whether anything is configured.
    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.others.is_empty()
    }

    /// The configured certificates.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.roots.iter().map(|(root, _)| root).chain(&self.others)
    }

    /// The path of a certificate: at this time, else at any other time of its life, so that it can be said that it is over.
    pub(super) fn find(&self, leaf: &Certificate, embedded: &[Certificate], time: DateTime<Utc>) -> Found {
        let between: Vec<CertificateDer<'_>> = self.others.iter().chain(embedded).map(|certificate| certificate.der.clone()).collect();
        let search = Search { authorities: self, leaf, between };
        let mut error = None;
        for time in self.times(leaf, embedded, time) {
            let refused = Cell::new(None);
            match (search.path(time, &refused), refused.get()) {
                (Ok(window), _) => return Found::Path(window),
                (Err(_), Some(refused)) => return refused,
                (Err(found), None) => error = error.or(Some(found)),
            }
        }
        Found::Nothing(error.map_or("unknown-issuer", |error| phrase(&error)))
    }

    fn times(&self, leaf: &Certificate, embedded: &[Certificate], time: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let begins = self.certificates().chain(embedded).map(|certificate| certificate.window.from);
        let mut times = vec![time, leaf.window.from, leaf.window.until];
        times.extend(begins.filter(|begin| leaf.window.contains(*begin)).take(MOST_TIMES));
        times
    }
}

/// One certificate whose path is looked for.
struct Search<'a> {
    authorities: &'a Authorities,
    leaf: &'a Certificate,
    between: Vec<CertificateDer<'a>>,
}

impl Search<'_> {
    /// The time in which all certificates of the path at this time are in force. `refused` becomes what lists
    /// say of paths that would else have been taken.
    fn path(&self, time: DateTime<Utc>, refused: &Cell<Option<Found>>) -> Result<Window, Error> {
        if self.authorities.roots.iter().any(|(root, _)| root.der == self.leaf.der) {
            // Nobody else vouches for it, and nobody else has to.
            return Ok(self.leaf.window);
        }
        let end = EndEntityCert::try_from(&self.leaf.der)?;
        let anchors: Vec<TrustAnchor<'_>> = self.authorities.roots.iter().map(|(_, anchor)| anchor.clone()).collect();
        let unix = UnixTime::since_unix_epoch((time - DateTime::UNIX_EPOCH).to_std().unwrap_or_default());
        let root_of = |path: &VerifiedPath<'_>| {
            let at = anchors.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()));
            at.map(|at| &self.authorities.roots[at].0)
        };
        let judge = |path: &VerifiedPath<'_>| {
            window(path, root_of(path).ok_or(Error::UnknownIssuer)?, time)?;
            self.unless_revoked(path, unix, refused)
        };
        let path = end.verify_for_usage(ALGORITHMS, &anchors, &self.between, unix, Usages, None, Some(&judge))?;
        let root = root_of(&path).ok_or(Error::UnknownIssuer)?;
        window(&path, root, time).map(|window| window.and(self.leaf.window))
    }

    /// Refuses a path of which any list of an issuer in it revokes a certificate, or of which such a list cannot be believed. webpki
    /// asks the first list of an issuer only; so each is asked for itself, about this path alone.
    fn unless_revoked(&self, path: &VerifiedPath<'_>, time: UnixTime, refused: &Cell<Option<Found>>) -> Result<(), Error> {
        let is_of_path = |list: &&CertRevocationList<'_>| {
            let issuers = path.intermediate_certificates().map(|certificate| certificate.issuer());
            issuers.chain([path.end_entity().issuer()]).any(|issuer| issuer == list.issuer())
        };
        let mut result = Ok(());
        for list in self.authorities.revoked.iter().filter(is_of_path) {
            if let Err(error) = ask(list, path, time) {
                let found = if error == Error::CertRevoked { Found::Revoked } else { Found::Nothing("bad-revocation-list") };
                if refused.get() != Some(Found::Revoked) {
                    refused.set(Some(found));
                }
                result = Err(error);
            }
        }
        result
    }
}

/// What one list says of one path: an error where it revokes a certificate of it, or is not signed by the issuer that it names.
fn ask(list: &CertRevocationList<'_>, path: &VerifiedPath<'_>, time: UnixTime) -> Result<(), Error> {
    let between: Vec<CertificateDer<'_>> = path.intermediate_certificates().map(|certificate| certificate.der()).collect();
    let (anchors, lists) = ([path.anchor().clone()], [list]);
    let options = RevocationOptionsBuilder::new(&lists).map_err(|_| Error::UnknownRevocationStatus)?;
    let options = options.with_depth(RevocationCheckDepth::Chain).with_status_policy(UnknownStatusPolicy::Allow);
    let options = options.with_expiration_policy(ExpirationPolicy::Ignore).build();
    let is_whole = |found: &VerifiedPath<'_>| {
        let is_same = found.intermediate_certificates().map(|certificate| certificate.der()).eq(between.iter().cloned());
        if is_same { Ok(()) } else { Err(Error::UnknownIssuer) }
    };
    path.end_entity().verify_for_usage(ALGORITHMS, &anchors, &between, time, Usages, Some(options), Some(&is_whole)).map(drop)
}

/// The time in which the authorities of a path are in force, which has to be now; and what webpki does not look at: that they
/// may certify, the root among them, and how far that reaches.
fn window(path: &VerifiedPath<'_>, root: &Certificate, time: DateTime<Utc>) -> Result<Window, Error> {
    let mut window = root.window;
    let mut certified = 0;
    for certificate in path.intermediate_certificates() {
        let own = Certificate::read(&certificate.der()).filter(Certificate::may_certify).ok_or(Error::EndEntityUsedAsCa)?;
        certified += usize::from(!own.is_self_issued());
        window = window.and(own.window);
    }
    if !root.may_certify() {
        return Err(Error::EndEntityUsedAsCa);
    }
    let most = root.constraints().ok().flatten().and_then(|constraints| constraints.path_len_constraint);
    if most.is_some_and(|most| certified > usize::from(most)) {
        return Err(Error::PathLenConstraintViolated);
    }
    match root.window.contains(time) {
        true => Ok(window),
        false => Err(Error::UnknownIssuer),
    }
}

/// The extended usages that sign commits.
struct Usages;

impl ExtendedKeyUsageValidator for Usages {
    fn validate(&self, usages: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let wanted = [EMAIL, CODE, ANY];
        let mut is_limited = false;
        for usage in usages {
            let usage = usage?;
            if wanted.iter().any(|wanted| usage == KeyPurposeId::new(wanted.as_bytes())) {
                return Ok(());
            }
            is_limited = true;
        }
        let required = KeyUsage::required_if_present(&[]);
        let refusal = || Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required, present: Vec::new() });
        if is_limited { Err(refusal()) } else { Ok(()) }
    }
}

fn phrase(error: &Error) -> &'static str {
    match error {
        Error::UnknownIssuer => "unknown-issuer",
        Error::EndEntityUsedAsCa => "issuer-is-no-authority",
        Error::CaUsedAsEndEntity => "authority-as-signer",
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => "certificate-usage",
        Error::NameConstraintViolation => "name-constraints",
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => "path-too-long",
        Error::InvalidSignatureForPublicKey => "bad-certificate-signature",
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "unsupported-certificate-signature"
        }
        _ => "bad-certificate",
    }
}
