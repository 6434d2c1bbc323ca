//! OpenPGP: GnuPG in a private home made of the configured keys, and nothing of the user's own.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use gpgme::{Context, ExportMode, KeyAlgorithm, KeyListMode, Protocol};
use tempfile::TempDir;

use super::cache::{Answers, Checked, Evidence};
use super::validity::{Dates, Revoked, key_ended, key_time};
use super::{Error, armor, mail, packet};
use crate::model::attribution::{Algo, Crypto, Format, SignatureFacts, TimeBasis};

/// No network, no agent, no trust database: only the mathematics is asked for. A signature older than its key is still
/// verified, because its time is judged by us.
const CONFIGURATION: &str = "no-autostart\ndisable-dirmngr\nno-auto-key-retrieve\nno-auto-key-locate\ntrust-model always\n\
                             no-auto-check-trustdb\nignore-time-conflict\nbatch\nno-tty\nno-greeting\nno-random-seed-file\n";

/// A configured OpenPGP key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Fingerprint of the primary key, upper-case hex.
    pub(super) fingerprint: String,
    /// The primary key first, then the subkeys.
    pub(super) parts: Vec<Part>,
    /// User ids.
    pub(super) user_ids: Vec<UserId>,
    /// Index of the forge whose key it is.
    pub(super) forge: Option<usize>,
}

/// A primary key or subkey.
#[derive(Clone, Debug)]
pub(super) struct Part {
    fingerprint: String,
    id: String,
    pub(super) dates: Dates,
    weak: bool,
}

/// A user id that its key binds to itself.
#[derive(Clone, Debug)]
pub(super) struct UserId {
    pub(super) text: String,
    pub(super) email: Option<String>,
    revoked: bool,
    expires: Option<DateTime<Utc>>,
}

impl UserId {
    /// Whether it is neither revoked nor expired.
    pub(super) fn in_force(&self, now: DateTime<Utc>) -> bool {
        !self.revoked && self.expires.is_none_or(|end| end > now)
    }
}

/// A key file that was read.
pub(super) struct KeyFile<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: &'a [u8],
    /// Index of the forge it is configured for.
    pub(super) forge: Option<usize>,
}

/// The configured keys and the home they live in.
#[derive(Debug)]
pub(super) struct OpenPgp {
    home: TempDir,
    pub(super) keys: Vec<Key>,
    /// Index of a key and of its part, by fingerprint and by long id.
    parts: HashMap<String, (usize, usize)>,
}

impl OpenPgp {
    /// Imports the keys into a new home.
    pub(super) fn open(files: &[KeyFile<'_>]) -> Result<Self, Error> {
        let home = private_home().map_err(Error::Home)?;
        let mut openpgp = Self { home, keys: Vec::new(), parts: HashMap::new() };
        if files.is_empty() {
            return Ok(openpgp);
        }
        let mut context = openpgp.context().map_err(Error::Engine)?;
        let mut forges = HashMap::new();
        for file in files {
            for fingerprint in import(&mut context, file)? {
                let forge = forges.entry(fingerprint).or_insert(file.forge);
                *forge = forge.or(file.forge);
            }
        }
        openpgp.keys = list(&mut context, &forges).map_err(Error::Engine)?;
        for (key, entry) in openpgp.keys.iter().enumerate() {
            for (part, entry) in entry.parts.iter().enumerate() {
                openpgp.parts.insert(entry.fingerprint.clone(), (key, part));
                openpgp.parts.insert(entry.id.clone(), (key, part));
            }
        }
        Ok(openpgp)
    }

    /// A context of the calling thread; it cannot move to another one.
    pub(super) fn context(&self) -> Result<Context, gpgme::Error> {
        let mut context = Context::from_protocol(Protocol::OpenPgp)?;
        context.set_engine_home_dir(self.home.path().to_string_lossy().into_owned())?;
        context.set_offline(true);
        Ok(context)
    }

    /// The version of GnuPG, where keys are configured and so it is asked.
    pub(super) fn version(&self) -> Option<String> {
        let context = self.keys.first().and_then(|_| self.context().ok())?;
        context.engine_info().version().ok().map(str::to_owned)
    }

    /// The facts of one signature and the index of its key. An error means that GnuPG could not judge. The context is made
    /// where GnuPG is asked.
    pub(super) fn verify(
        &self,
        context: &mut Option<Context>,
        answers: &Answers,
        armored: &[u8],
        payload: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(SignatureFacts, Option<usize>), gpgme::Error> {
        let (bytes, packet) = match armor::decode(armored).and_then(|bytes| Ok((packet::detached(&bytes)?, bytes))) {
            Ok((packet, bytes)) => (bytes, packet),
            Err(reason) => return Ok((with_reason(facts(Crypto::Malformed), reason), None)),
        };
        if let Some(reason) = unsupported(&packet) {
            return Ok((with_reason(facts(Crypto::Unsupported), reason), None));
        }
        let mut claimed = facts(Crypto::UnknownKey);
        claimed.key = packet.issuer().map(str::to_owned);
        claimed.time = packet.created;
        if packet.class != 0 {
            return Ok((with_reason(SignatureFacts { crypto: Crypto::Malformed, ..claimed }, "signature-class"), None));
        }
        let known = [&packet.fingerprint, &packet.key_id].into_iter().flatten().any(|id| self.parts.contains_key(id));
        if !known {
            return Ok((claimed, None));
        }
        let evidence = Evidence::of(&[b"openpgp", &bytes, payload]);
        let checked = answers.check(evidence, || {
            let context = match context {
                Some(context) => context,
                None => context.insert(self.context()?),
            };
            ask(context, &bytes, payload)
        })?;
        let (mut facts, key) = self.judge(claimed, &checked, packet.has_weak_digest(), now)?;
        if facts.crypto == Crypto::Good {
            let made_by = checked.key.unwrap_or_default();
            facts.evidence = Some(Evidence::of(&[b"openpgp", made_by.as_bytes(), payload, &packet.hashed]).told());
        }
        Ok((facts, Some(key)))
    }

    /// What GnuPG's answer says, with the dates of the key that made the signature.
    fn judge(
        &self,
        claimed: SignatureFacts,
        checked: &Checked,
        weak_digest: bool,
        now: DateTime<Utc>,
    ) -> gpgme::Result<(SignatureFacts, usize)> {
        let crypto = checked.crypto;
        // GnuPG has the key that is claimed. Where it does not find it, or finds another one, its home is not what we made.
        let found = checked.key.as_ref().and_then(|fingerprint| self.parts.get(fingerprint));
        let (index, part) = *found.ok_or(gpgme::Error::NO_PUBKEY)?;
        let key = &self.keys[index];
        let weak_key = key.parts[part].weak;
        let mut judged = SignatureFacts { crypto, key: Some(key.fingerprint.clone()), ..claimed };
        judged.subkey = (part > 0).then(|| key.parts[part].fingerprint.clone());
        judged.reasons.extend(checked.reason.clone());
        if crypto == Crypto::Good || weak_digest {
            judged.algo = Some(if weak_key || weak_digest { Algo::Weak } else { Algo::Ok });
            judged.reasons.extend(weak_digest.then(|| "weak-digest".to_owned()));
            judged.reasons.extend(weak_key.then(|| "weak-key".to_owned()));
        }
        if crypto == Crypto::Good {
            let time = |seconds: Option<i64>| seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            let (signed, ends) = (time(checked.made).unwrap_or_default(), time(checked.ends));
            judged.time = Some(signed);
            let dates = [&key.parts[0].dates, &key.parts[part].dates];
            let state = key_time(&dates, signed, ends, now);
            (judged.key_time, judged.key_ended) = (Some(state), key_ended(state, &dates));
        }
        Ok((judged, index))
    }
}

/// Asks GnuPG about one signature.
fn ask(context: &mut Context, signature: &[u8], payload: &[u8]) -> gpgme::Result<Checked> {
    let result = context.verify_detached(signature, payload)?;
    let signatures: Vec<_> = result.signatures().collect();
    // It is one packet, so that any other number of results is GnuPG's own failure and no verdict on the signature.
    let [signature] = signatures.as_slice() else { return Err(gpgme::Error::GENERAL) };
    let (crypto, reason) = crypto_of(signature.status())?;
    let seconds = |time: SystemTime| DateTime::<Utc>::from(time).timestamp();
    Ok(Checked {
        crypto,
        reason: reason.map(str::to_owned),
        key: signature.fingerprint().ok().map(str::to_owned),
        made: signature.creation_time().map(seconds),
        ends: signature.expiration_time().map(seconds),
    })
}

/// Why GnuPG need not be asked about a packet.
fn unsupported(packet: &packet::SignaturePacket) -> Option<&'static str> {
    match packet.version {
        3 | 4 if packet.has_known_hash() => None,
        3 | 4 => Some("unsupported-algorithm"),
        _ => Some("unsupported-signature-version"),
    }
}

fn facts(crypto: Crypto) -> SignatureFacts {
    SignatureFacts { time_basis: Some(TimeBasis::Claimed), ..SignatureFacts::of(Format::OpenPgp, crypto) }
}

fn with_reason(mut facts: SignatureFacts, reason: &str) -> SignatureFacts {
    facts.reasons.push(reason.to_owned());
    facts
}

/// What GnuPG's status says about the mathematics; dates and revocations are judged apart.
fn crypto_of(status: gpgme::Result<()>) -> gpgme::Result<(Crypto, Option<&'static str>)> {
    use gpgme::Error;
    let Err(error) = status else { return Ok((Crypto::Good, None)) };
    let is = |codes: &[Error]| codes.iter().any(|code| code.code() == error.code());
    if is(&[Error::KEY_EXPIRED, Error::CERT_REVOKED, Error::SIG_EXPIRED]) {
        Ok((Crypto::Good, None))
    } else if is(&[Error::BAD_SIGNATURE]) {
        Ok((Crypto::Bad, None))
    } else if is(&[Error::WRONG_KEY_USAGE]) {
        Ok((Crypto::Malformed, Some("key-usage")))
    } else if is(&[Error::PUBKEY_ALGO, Error::DIGEST_ALGO, Error::UNSUPPORTED_ALGORITHM]) {
        Ok((Crypto::Unsupported, Some("unsupported-algorithm")))
    } else {
        Err(error)
    }
}

fn private_home() -> io::Result<TempDir> {
    let home = tempfile::Builder::new().prefix("kw").tempdir()?;
    if home.path().to_str().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path of the folder for temporary files is not UTF-8"));
    }
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700))?;
    fs::write(home.path().join("gpg.conf"), CONFIGURATION)?;
    Ok(home)
}

/// Imports a file; the fingerprints of all keys in it.
fn import(context: &mut Context, file: &KeyFile<'_>) -> Result<Vec<String>, Error> {
    let path = || PathBuf::from(file.path);
    if packet::has_secret(file.bytes) {
        return Err(Error::SecretKey { path: path() });
    }
    let result = context.import(file.bytes).map_err(|cause| Error::Import { path: path(), cause })?;
    let mut fingerprints = Vec::new();
    for key in result.imports() {
        key.result().map_err(|cause| Error::Import { path: path(), cause })?;
        fingerprints.extend(key.fingerprint().ok().map(str::to_owned));
    }
    if fingerprints.is_empty() || result.not_imported() > 0 || result.without_user_id() > 0 {
        return Err(Error::Unusable { path: path(), imported: fingerprints.len() });
    }
    Ok(fingerprints)
}

fn list(context: &mut Context, forges: &HashMap<String, Option<usize>>) -> gpgme::Result<Vec<Key>> {
    context.set_key_list_mode(KeyListMode::LOCAL | KeyListMode::SIGS)?;
    let listed = context.keys()?.collect::<Result<Vec<_>, _>>()?;
    let mut keys = Vec::new();
    for key in &listed {
        let Ok(fingerprint) = key.fingerprint() else { continue };
        let parts = parts(context, key)?;
        let user_ids = key.user_ids().map(|user_id| read_user_id(key, &user_id)).collect();
        let forge = forges.get(fingerprint).copied().flatten();
        keys.push(Key { fingerprint: fingerprint.to_owned(), parts, user_ids, forge });
    }
    keys.sort_by(|left, right| left.fingerprint.cmp(&right.fingerprint));
    Ok(keys)
}

fn parts(context: &mut Context, key: &gpgme::Key) -> gpgme::Result<Vec<Part>> {
    let subkeys: Vec<_> = key.subkeys().collect();
    let revocations = if subkeys.iter().any(gpgme::Subkey::is_revoked) { revocations(context, key)? } else { Vec::new() };
    let own_id = key.id().unwrap_or_default();
    Ok(subkeys
        .iter()
        .enumerate()
        .map(|(index, subkey)| Part {
            fingerprint: subkey.fingerprint().unwrap_or_default().to_owned(),
            id: subkey.id().unwrap_or_default().to_owned(),
            dates: Dates {
                created: subkey.creation_time().map(DateTime::from),
                expires: subkey.expiration_time().map(DateTime::from),
                revoked: subkey.is_revoked().then(|| revoked(index, own_id, &revocations, key.is_revoked())).flatten(),
            },
            weak: is_weak(subkey),
        })
        .collect())
}

fn is_weak(subkey: &gpgme::Subkey<'_>) -> bool {
    match subkey.algorithm() {
        KeyAlgorithm::Rsa | KeyAlgorithm::RsaSign => subkey.length() < 2048,
        KeyAlgorithm::Dsa | KeyAlgorithm::Elgamal => true,
        _ => false,
    }
}

/// The revocations in the key as GnuPG kept it: it drops self-signatures that do not verify.
fn revocations(context: &mut Context, key: &gpgme::Key) -> gpgme::Result<Vec<(usize, packet::SignaturePacket)>> {
    let mut exported = Vec::new();
    context.export([key.fingerprint().unwrap_or_default()], ExportMode::empty(), &mut exported)?;
    Ok(packet::revocations(&exported).unwrap_or_default())
}

/// How a part that GnuPG calls revoked was revoked. A subkey of a revoked key is called revoked without a revocation of its
/// own; then the primary key's counts, which is looked at anyway. Whatever is not plainly soft is hard.
fn revoked(index: usize, own_id: &str, revocations: &[(usize, packet::SignaturePacket)], key_is_revoked: bool) -> Option<Revoked> {
    let mine: Vec<_> = revocations.iter().filter(|(part, _)| *part == index).map(|(_, packet)| packet).collect();
    if mine.is_empty() {
        return (index == 0 || !key_is_revoked).then_some(Revoked::Hard);
    }
    let soft = |packet: &&packet::SignaturePacket| {
        let own = packet.key_id.as_deref().or(packet.fingerprint.as_deref()).is_some_and(|id| id.ends_with(own_id));
        packet.created.filter(|_| own && matches!(packet.reason, Some(1 | 3)))
    };
    let times: Option<Vec<_>> = mine.iter().map(soft).collect();
    Some(times.and_then(|times| times.into_iter().min()).map_or(Revoked::Hard, Revoked::Soft))
}

/// A user id by its newest self-signature. GnuPG's own flags mark every user id of a key that is revoked or expired.
fn read_user_id(key: &gpgme::Key, user_id: &gpgme::UserId<'_>) -> UserId {
    let newest = user_id
        .signatures()
        .filter(|signature| signature.signer_key_id_raw() == key.id_raw())
        .filter(|signature| signature.is_revocation() || signature.status() == gpgme::Error::NO_ERROR)
        .max_by_key(|signature| (signature.creation_time(), signature.is_revocation()));
    let text = String::from_utf8_lossy(user_id.id_raw().map_or(&[], |raw| raw.to_bytes())).into_owned();
    UserId {
        email: user_id.id().ok().and_then(mail::of_user_id),
        text,
        revoked: newest.as_ref().is_none_or(|signature| signature.is_revocation() || signature.creation_time().is_none()),
        expires: newest.and_then(|signature| signature.expiration_time()).map(|end: SystemTime| end.into()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::{Revoked, revoked};
    use crate::keyring::packet::SignaturePacket;

    const OWN: &str = "5B5CBD3FA61B205E";

    fn revocation(reason: Option<u8>, day: i64, issuer: &str) -> (usize, SignaturePacket) {
        let created = Some(DateTime::UNIX_EPOCH + TimeDelta::days(day));
        let (fingerprint, key_id) = (None, Some(issuer.to_owned()));
        (
            0,
            SignaturePacket {
                version: 4,
                class: 0x20,
                hash: 8,
                created,
                expires: None,
                fingerprint,
                key_id,
                reason,
                hashed: Box::default(),
            },
        )
    }

    #[test]
    fn t30_a_revocation_without_a_reason_is_hard() {
        assert_eq!(revoked(0, OWN, &[revocation(None, 1, OWN)], true), Some(Revoked::Hard));
        assert_eq!(revoked(0, OWN, &[revocation(Some(0), 1, OWN)], true), Some(Revoked::Hard));
        assert_eq!(revoked(0, OWN, &[], true), Some(Revoked::Hard));
    }

    #[test]
    fn one_hard_revocation_outweighs_any_soft_one_and_the_first_soft_one_counts() {
        let soft = [revocation(Some(1), 5, OWN), revocation(Some(3), 2, OWN)];
        assert_eq!(revoked(0, OWN, &soft, true), Some(Revoked::Soft(DateTime::UNIX_EPOCH + TimeDelta::days(2))));
        assert_eq!(revoked(0, OWN, &[soft[0].clone(), revocation(Some(2), 9, OWN)], true), Some(Revoked::Hard));
        assert_eq!(revoked(0, OWN, &[revocation(Some(1), 5, "0123456789ABCDEF")], true), Some(Revoked::Hard));
    }

    #[test]
    fn a_subkey_of_a_revoked_key_has_no_revocation_of_its_own() {
        assert_eq!(revoked(1, OWN, &[revocation(Some(1), 5, OWN)], true), None);
        assert_eq!(revoked(1, OWN, &[], false), Some(Revoked::Hard));
    }
}
