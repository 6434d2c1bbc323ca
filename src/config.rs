//! The configuration: `kubewitness.yaml` and flags become one validated [`Config`] made of each stage's own settings.
//!
//! The file has a closed schema: an unknown key is an error with a suggestion, told with its line. Flags win over the file.
//! Pure: files are read and written elsewhere.

mod file;
mod judging;
mod place;
mod schema;
mod source;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use file::{FailOn, File, RenderMode, SecretsMode};
pub use schema::json_schema;
pub use trust::json_schema as trust_schema;

use crate::model::kept::KeptPolicy;
use crate::model::text::hex;
use crate::model::trust::TrustPolicy;
use crate::{cluster, compare, keyring, render, source as git};

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not YAML.
    #[error("{file}:{line}:{column}: {message}")]
    Yaml {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
        /// What is wrong.
        message: String,
    },
    /// A key or value that the schema does not know.
    #[error("{file}:{line}: {message}")]
    Schema {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u32,
        /// What is wrong, and what was probably meant.
        message: String,
    },
    /// A flag or a combination that makes no sense.
    #[error("{0}")]
    Usage(String),
}

/// What flags say. Everything is optional; given, it wins over the file (lists are added to the file's).
#[derive(Debug, Default)]
pub struct Flags {
    /// `--source` texts.
    pub sources: Vec<String>,
    /// `--keyring` files.
    pub keyrings: Vec<PathBuf>,
    /// `--allowed-signers` files.
    pub allowed_signers: Vec<PathBuf>,
    /// `--x509-root` files.
    pub x509_roots: Vec<PathBuf>,
    /// `--trust`.
    pub trust: Option<PathBuf>,
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--namespace`: only declared objects of these namespaces are judged.
    pub namespaces: BTreeSet<String>,
    /// `--undeclared`: namespaces in which undeclared objects are looked for.
    pub undeclared: BTreeSet<String>,
    /// `--fail-on`.
    pub fail_on: Option<FailOn>,
    /// `--secrets`.
    pub secrets: Option<SecretsMode>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--cron`.
    pub cron: bool,
    /// `--state`.
    pub state: Option<PathBuf>,
    /// The folder of `state` where neither flag nor file names one; none where the user has no home.
    pub default_state: Option<PathBuf>,
    /// Folder for what may be kept between runs; none means that nothing is kept.
    pub cache: Option<PathBuf>,
}

/// A validated configuration.
#[derive(Debug)]
pub struct Config {
    /// Reading the cluster.
    pub cluster: cluster::Settings,
    /// Reading Git.
    pub sources: git::Settings,
    /// Making declarations.
    pub render: render::Settings,
    /// Comparing.
    pub compare: compare::Settings,
    /// Verifying.
    pub keyring: keyring::Settings,
    /// The file of the trust policy, where one is named. What it says is not read yet: see [`Config::with_trust`].
    pub trust_file: Option<PathBuf>,
    /// The trust policy.
    pub trust: Option<TrustPolicy>,
    /// Where the trust policy is kept in a source.
    pub kept_trust: Option<KeptPolicy>,
    /// Only declared objects of these namespaces are judged; empty means all.
    pub namespaces: BTreeSet<String>,
    /// Where scans remember tips.
    pub state: State,
    /// From which severity on findings make the exit code 1.
    pub fail_on: FailOn,
    /// How long the whole run may take.
    pub timeout: Duration,
    /// Digest of every setting that can change a verdict, but for the keys, which the keyring adds.
    pub policy_digest: String,
}

/// Where scans remember what they observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In this folder.
    Folder(PathBuf),
    /// Nowhere, because the configuration says so.
    Off,
    /// Nowhere, because there is no home and nothing is said.
    Missing,
}

/// The word that stands for no folder.
const NO_STATE: &str = "none";

/// How long a run may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

impl Config {
    /// Reads the configuration file.
    ///
    /// # Errors
    /// [`Error::Yaml`], [`Error::Schema`], each with its line.
    pub fn parse_file(name: &str, text: &[u8]) -> Result<File, Error> {
        schema::parse(name, text)
    }

    /// Makes one configuration of file and flags. Relative paths of the file are taken from `folder`, those of flags from the
    /// current one.
    ///
    /// # Errors
    /// [`Error::Usage`] where a source cannot be understood or two have one name.
    pub fn resolve(file: File, folder: &Path, flags: Flags) -> Result<Self, Error> {
        let mut sources: Vec<file::Source> = file.sources.into_iter().map(|source| source.relative_to(folder)).collect();
        for text in &flags.sources {
            sources.push(source::parse(text)?);
        }
        let sources = source::named(sources)?;
        let secrets = flags.secrets.unwrap_or(file.secrets);
        let undeclared = undeclared(file.undeclared.namespaces, flags.undeclared, &flags.namespaces)?;
        let keys = file.keys.relative_to(folder);
        let judging = judging::policy(&file.ignore, &file.managers);
        let (trust_file, kept_trust) = match (flags.trust, file.trust) {
            (Some(path), _) => (Some(path), None),
            (None, Some(file::Trust::File(path))) => (Some(folder.join(path)), None),
            (None, Some(file::Trust::Kept(kept))) => (None, Some(trust::kept(kept, &sources)?)),
            (None, None) => (None, None),
        };
        let state = state(file.state.map(|path| (folder, path)), flags.state, flags.default_state);
        let policy = policy_digest(&sources, secrets, &undeclared, &flags.namespaces, judging, &state, kept_trust.as_ref());
        Ok(Self {
            cluster: cluster::Settings {
                kubeconfig: flags.kubeconfig,
                context: flags.context,
                name: file.cluster.name,
                timeout: REQUEST_TIMEOUT,
                cache: flags.cache.clone(),
            },
            render: render::Settings {
                sources: sources.iter().map(|source| (source.id(), source.render_settings())).collect(),
                ..render::Settings::default()
            },
            compare: compare::Settings {
                appliers: appliers(&sources),
                undeclared_namespaces: undeclared,
                skip_secrets: secrets == SecretsMode::Skip,
                ignore: judging::rules(file.ignore)?,
                managers: file.managers.into_iter().map(judging::manager).collect(),
            },
            sources: git::Settings {
                sources: sources.iter().map(file::Source::git_settings).collect(),
                cache: flags.cache,
                timeout: flags.timeout.unwrap_or(TIMEOUT),
            },
            keyring: keyring::Settings {
                openpgp: keys.openpgp.into_iter().chain(flags.keyrings).collect(),
                ssh: keys.ssh.into_iter().chain(flags.allowed_signers).collect(),
                ssh_revoked: keys.ssh_revoked,
                x509_roots: keys.x509_roots.into_iter().chain(flags.x509_roots).collect(),
                x509_revoked: keys.x509_revoked,
                rekor_keys: keys.rekor_keys,
                forges: keys.forges.into_iter().map(file::Forge::settings).collect(),
            },
            trust_file,
            trust: None,
            kept_trust,
            namespaces: flags.namespaces,
            state,
            fail_on: flags.fail_on.unwrap_or(if flags.cron { FailOn::Never } else { file.fail_on }),
            timeout: flags.timeout.unwrap_or(TIMEOUT),
            policy_digest: policy,
        })
    }

    /// Reads a trust policy alone.
    ///
    /// # Errors
    /// [`Error::Yaml`], [`Error::Schema`], each with its line.
    pub fn parse_trust(name: &str, text: &[u8]) -> Result<TrustPolicy, Error> {
        trust::parse(name, text).map(|read| read.policy)
    }

    /// Reads one version of a trust policy that is kept in a source; what is wrong with it is told in words.
    ///
    /// # Errors
    /// With the line.
    pub fn parse_kept_trust(name: &str, text: &[u8]) -> Result<TrustPolicy, String> {
        Self::parse_trust(name, text).map_err(|error| error.to_string())
    }

    /// Takes in the text of the trust policy, which from then on is part of the policy's digest.
    ///
    /// # Errors
    /// [`Error::Yaml`], [`Error::Schema`], each with its line.
    pub fn with_trust(mut self, name: &str, text: &[u8]) -> Result<Self, Error> {
        let trust::Read { policy, value } = trust::parse(name, text)?;
        self.policy_digest = hex(&Sha256::digest(format!("{}\n{value}", self.policy_digest)));
        self.trust = Some(policy);
        Ok(self)
    }

    /// The folders of this machine that sources are read from.
    pub fn local_sources(&self) -> impl Iterator<Item = &Path> {
        self.sources.sources.iter().map(|source| source.url.as_str()).filter_map(|url| match url.strip_prefix("file://") {
            Some(path) => Some(Path::new(path)),
            None => (!place::is_remote(url)).then(|| Path::new(url)),
        })
    }
}

/// The namespaces in which undeclared objects are looked for: only among those that are judged, since of the others the
/// declarations are left out, and everything in them would seem undeclared.
fn undeclared(file: Vec<String>, flags: BTreeSet<String>, judged: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
    let is_judged = |namespace: &String| judged.is_empty() || judged.contains(namespace);
    if let Some(other) = flags.iter().find(|namespace| !is_judged(namespace)) {
        return Err(Error::Usage(format!("--undeclared {other} looks into a namespace that --namespace leaves out; add -n {other}")));
    }
    Ok(file.into_iter().filter(is_judged).chain(flags).collect())
}

fn state(file: Option<(&Path, PathBuf)>, flag: Option<PathBuf>, default: Option<PathBuf>) -> State {
    let is_off = |path: &Path| path == Path::new(NO_STATE);
    let of_file = file.map(|(folder, path)| if is_off(&path) { path } else { folder.join(path) });
    match flag.or(of_file).or(default) {
        Some(path) if is_off(&path) => State::Off,
        Some(path) => State::Folder(path),
        None => State::Missing,
    }
}

fn appliers(sources: &[file::Source]) -> BTreeMap<String, String> {
    sources.iter().filter_map(|source| source.applier.clone().map(|applier| (source.id(), applier))).collect()
}

/// Where things lie (cluster, URLs, key files) is evidence, not policy; how they are judged is.
fn policy_digest(
    sources: &[file::Source],
    secrets: SecretsMode,
    undeclared: &BTreeSet<String>,
    namespaces: &BTreeSet<String>,
    judging: Option<serde_json::Value>,
    state: &State,
    kept: Option<&KeptPolicy>,
) -> String {
    let sources: Vec<_> = sources.iter().map(file::Source::policy).collect();
    let mut policy = serde_json::json!({
        "sources": sources,
        "secrets": secrets.as_str(),
        "undeclared": undeclared,
        "namespaces": namespaces,
    });
    // Without such rules the digest is the one of versions that knew none.
    if let Some(judging) = judging {
        policy["judging"] = judging;
    }
    if *state == State::Off {
        policy["state"] = NO_STATE.into();
    }
    // What its versions say follows from the commits that the record names.
    if let Some(KeptPolicy { source, path, anchor }) = kept {
        policy["trust"] = serde_json::json!({ "source": source, "path": path, "anchor": anchor.as_str() });
    }
    hex(&Sha256::digest(policy.to_string().as_bytes()))
}
