//! NOUN: the configured keys, and what they say about the signatures of commits and tags. Facts only: who is meant by a key, and
//! whether that suffices, is judged by `attribute`.
//!
//! OpenPGP signatures are verified by GnuPG through gpgme, in a private home that is made of the configured key files and
//! removed with the [`Keyring`]; no agent, no network, nothing of the user's own keyring. SSH signatures are verified without
//! a program, those of certificates and of security keys (`sk-…`) included. So are X.509 signatures, those of gitsign with an
//! embedded entry of a transparency log included.

mod allowed_signers;
mod armor;
mod binding;
mod cache;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod mail;
mod openpgp;
mod packet;
mod ssh;
mod validity;
mod verify;
mod x509;

use std::fs::File;
use std::io::{Error as IoError, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::cache as cache_file;
use crate::model::text::hex;
use cache::{Answers, Evidence};
use openpgp::{KeyFile, OpenPgp};
use ssh::{Mistake, Revocations, Ssh};
use x509::{KeyFiles, X509};

/// A list of a million revoked serials has 8 MB.
const MOST_BYTES: u64 = 64 << 20;

/// Which keys are trusted to say who somebody is.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Files of OpenPGP public keys, armored or binary, any number of keys in each.
    pub openpgp: Vec<PathBuf>,
    /// Files of allowed signers, in the format of ssh-keygen(1). A time without `Z` in them is UTC.
    pub ssh: Vec<PathBuf>,
    /// Lists of SSH keys and certificates that are revoked, as text or as KRL, in the format of ssh-keygen(1).
    pub ssh_revoked: Vec<PathBuf>,
    /// Files of X.509 certificates in PEM: roots, which name themselves as their issuer, and others on the way to them.
    pub x509_roots: Vec<PathBuf>,
    /// Lists of revoked X.509 certificates (CRL), in PEM or DER.
    pub x509_revoked: Vec<PathBuf>,
    /// Files of public keys in PEM, of Rekor logs.
    pub rekor_keys: Vec<PathBuf>,
    /// Forges that sign commits made on their web site.
    pub forges: Vec<Forge>,
}

/// A forge.
#[derive(Clone, Debug)]
pub struct Forge {
    /// Its name, as in `github`.
    pub name: String,
    /// Files of its OpenPGP public keys.
    pub openpgp: Vec<PathBuf>,
    /// The committer e-mail that it signs for, as in `noreply@github.com`.
    pub committer: String,
}

/// Why a keyring cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key file cannot be read.
    #[error("key file {} cannot be read; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// GnuPG does not take a key file.
    #[error("key file {} holds a key that GnuPG does not take; write it anew with `gpg --export --armor`", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: gpgme::Error,
    },
    /// A key file holds no key, or one that has no user id of its own.
    #[error("key file {} holds {imported} usable OpenPGP public keys besides what is no key or has no user id; write it anew with `gpg --export --armor`", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Keys that could be used.
        imported: usize,
    },
    /// A key file holds a secret key, which has no business here.
    #[error("key file {} holds a secret key; name a file made by `gpg --export --armor` instead, without the secret", path.display())]
    SecretKey {
        /// The file.
        path: PathBuf,
    },
    /// A line of allowed signers cannot be read.
    #[error("allowed signers {}, line {line}: {reason}; see ALLOWED SIGNERS in ssh-keygen(1)", path.display())]
    AllowedSigners {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A line of revoked keys cannot be read.
    #[error("revoked keys {}, line {line}: {reason}; write one public key in a line, or make a list by `ssh-keygen -k`", path.display())]
    Revoked {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A list of revoked keys cannot be read as a whole.
    #[error("revoked keys {}: {reason}; make the list anew by `ssh-keygen -k -f`", path.display())]
    RevocationList {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of X.509 certificates, of revoked ones, or of keys of logs cannot be used.
    #[error("{} cannot be used: {reason}; see `keys` in the README", path.display())]
    X509 {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An SSH key cannot be encoded.
    #[error("an SSH key of the allowed signers cannot be encoded")]
    Ssh(#[source] ssh_key::Error),
    /// There is no room for GnuPG's home.
    #[error("no private folder for GnuPG can be made; check that TMPDIR is writable")]
    Home(#[source] std::io::Error),
    /// GnuPG does not work.
    #[error("GnuPG does not work; check that gpg 2.2 or later is installed and on the PATH")]
    Engine(#[source] gpgme::Error),
}

/// The configured keys.
#[derive(Debug)]
struct Keys {
    openpgp: OpenPgp,
    ssh: Ssh,
    x509: X509,
    forges: Vec<Forge>,
}

/// The configured keys, ready to verify. Cheap to clone; the private home goes with the last clone.
#[derive(Clone, Debug)]
pub struct Keyring {
    keys: Arc<Keys>,
    answers: Arc<Answers>,
    digest: String,
}

/// A key file with what it is for: part of the digest.
struct Material {
    purpose: String,
    path: PathBuf,
    bytes: Vec<u8>,
    forge: Option<usize>,
}

impl Keyring {
    /// Reads every key file. GnuPG is asked only where OpenPGP keys are configured.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let mut openpgp = read_all("openpgp", None, &settings.openpgp)?;
        for (index, forge) in settings.forges.iter().enumerate() {
            let purpose = format!("forge\0{}\0{}", forge.name, forge.committer);
            openpgp.extend(read_all(&purpose, Some(index), &forge.openpgp)?);
        }
        let ssh = read_all("ssh", None, &settings.ssh)?;
        let revoked = read_all("ssh-revoked", None, &settings.ssh_revoked)?;
        let x509 = [
            read_all("x509", None, &settings.x509_roots)?,
            read_all("x509-revoked", None, &settings.x509_revoked)?,
            read_all("rekor", None, &settings.rekor_keys)?,
        ];
        let files: Vec<_> = openpgp.iter().map(|file| KeyFile { path: &file.path, bytes: &file.bytes, forge: file.forge }).collect();
        let (made, ssh_made, x509_made) = (OpenPgp::open(&files)?, read_ssh(&ssh, &revoked)?, read_x509(&x509)?);
        let materials: Vec<Material> = [openpgp, ssh, revoked].into_iter().chain(x509).flatten().collect();
        let keys = Keys { openpgp: made, ssh: ssh_made, x509: x509_made, forges: settings.forges.clone() };
        Ok(Self { keys: Arc::new(keys), answers: Arc::default(), digest: digest(&materials) })
    }

    /// Remembers the mathematics of signatures in a folder, between runs. What lies there decides verdicts: it must be a folder
    /// of ours, and nothing that is judged may have put anything there.
    pub fn remember_in(&mut self, folder: &Path) {
        let file = answers_file(folder, &self.digest, &self.keys.openpgp);
        self.answers = Arc::new(Answers::open(file));
    }

    /// Digest of all key material and of what it is for, as `sha256:…`: the same for the same keys in any order of files,
    /// wherever they lie.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }
}

/// Other keys, another build of ours or another version of GnuPG may say something else.
fn answers_file(folder: &Path, digest: &str, openpgp: &OpenPgp) -> Option<PathBuf> {
    let (build, engine) = (cache_file::build()?, openpgp.version().unwrap_or_default());
    let parts = [digest, env!("CARGO_PKG_VERSION"), &format!("{build:?}"), &engine];
    let evidence = Evidence::of(&parts.map(str::as_bytes));
    Some(folder.join("signatures").join(evidence.hex()))
}

fn read_all(purpose: &str, forge: Option<usize>, paths: &[PathBuf]) -> Result<Vec<Material>, Error> {
    paths.iter().map(|path| read(purpose, forge, path)).collect()
}

fn read(purpose: &str, forge: Option<usize>, path: &Path) -> Result<Material, Error> {
    let bytes = read_bytes(path).map_err(|cause| Error::Read { path: path.to_path_buf(), cause })?;
    Ok(Material { purpose: purpose.to_owned(), path: path.to_path_buf(), bytes, forge })
}

/// What is larger is no file of keys, and may have no end.
fn read_bytes(path: &Path) -> Result<Vec<u8>, IoError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(IoError::new(ErrorKind::FileTooLarge, format!("it is larger than {} MiB", MOST_BYTES >> 20))),
        false => Ok(bytes),
    }
}

fn read_ssh(files: &[Material], revoked: &[Material]) -> Result<Ssh, Error> {
    let mut entries = Vec::new();
    for file in files {
        let parsed = allowed_signers::parse(&file.bytes);
        entries.extend(parsed.map_err(|(line, reason)| Error::AllowedSigners { path: file.path.clone(), line, reason })?);
    }
    let mut revocations = Revocations::default();
    for Material { path, bytes, .. } in revoked {
        revocations.add(bytes).map_err(|Mistake { line, reason }| match line {
            Some(line) => Error::Revoked { path: path.clone(), line, reason },
            None => Error::RevocationList { path: path.clone(), reason },
        })?;
    }
    Ssh::new(entries, revocations).map_err(Error::Ssh)
}

fn read_x509([roots, revoked, logs]: &[Vec<Material>; 3]) -> Result<X509, Error> {
    fn files(materials: &[Material]) -> Vec<(&Path, &[u8])> {
        materials.iter().map(|file| (file.path.as_path(), file.bytes.as_slice())).collect()
    }
    X509::open(&KeyFiles { roots: files(roots), revoked: files(revoked), logs: files(logs) })
}

fn digest(files: &[Material]) -> String {
    let mut parts: Vec<_> = files.iter().map(|file| (file.purpose.as_bytes(), Sha256::digest(&file.bytes))).collect();
    parts.sort();
    let mut hasher = Sha256::new();
    for (purpose, content) in parts {
        hasher.update((purpose.len() as u64).to_be_bytes());
        hasher.update(purpose);
        hasher.update(content);
    }
    format!("sha256:{}", hex(&hasher.finalize()))
}
