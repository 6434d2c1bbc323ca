//! One cycle: configuration and readers, the scan, its encodings, the exit code. The commands, a file each, share it.

pub mod blame;
pub mod capture;
pub mod compare;
pub mod explain;
pub mod field;
pub mod log;
pub mod output;
pub mod rbac;
pub mod report;
pub mod scan;
pub mod schema;
pub mod select;
pub mod trust;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::cluster::{self, Cluster};
use crate::config::{self, Config, FailOn, Flags, State};
use crate::keyring::{self, Keyring};
use crate::model::comparison::Comparison;
use crate::model::coverage::{Coverage, NotEvaluated, Stage};
use crate::model::finding::{Finding, Severity};
use crate::model::text::hex;
use crate::progress::Progress;
use crate::scan::{Declared, Judged, Limit, Policy, Readers, Run, Selection, TrustSource};
use crate::source::Sources;
use crate::store::{Opened, TipLog};
use crate::{report as encoding, scan as pipeline, store};

/// How a run ended, as a process tells it (reporting.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// 0: everything was judged, and nothing is at or above the threshold.
    Clean,
    /// 1: findings at or above the threshold.
    Findings,
    /// 2: a flag, an argument or the configuration is wrong.
    Usage,
    /// 4: not everything could be judged. Goes before findings, because there may be more of them.
    Partial,
    /// 3: the run failed. Goes before everything.
    Failed,
}

impl Outcome {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Failed => 3,
            Self::Partial => 4,
        }
    }
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The cluster, live or recorded, cannot be opened.
    #[error("the cluster cannot be read")]
    Cluster(#[from] cluster::Error),
    /// The keys cannot be read.
    #[error("the keys cannot be read")]
    Keyring(#[from] keyring::Error),
    /// The scan cannot be trusted.
    #[error(transparent)]
    Scan(#[from] pipeline::Error),
    /// A file of ours.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A report cannot be encoded or read back.
    #[error("{what}")]
    Report {
        /// What could not be done, naming the subject.
        what: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something was asked for that is not among what could be read; it may be among the rest.
    #[error("{what}, but not all of them could be read: {gaps}")]
    Unread {
        /// What was not found.
        what: String,
        /// What could not be read.
        gaps: String,
    },
    /// Arguments that make no sense together.
    #[error("{0}")]
    Usage(String),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[from] getrandom::Error),
}

impl Error {
    /// The exit code's meaning.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Config(_) | Self::Usage(_) => Outcome::Usage,
            Self::Unread { .. } => Outcome::Partial,
            _ => Outcome::Failed,
        }
    }
}

/// What all commands that judge are told.
#[derive(Debug, Default)]
pub struct Options {
    /// `--config`; without it `kubewitness.yaml` of the current folder, where there is one.
    pub config: Option<PathBuf>,
    /// What flags say.
    pub flags: Flags,
    /// `--recording`: a recorded cluster instead of a live one.
    pub recording: Option<PathBuf>,
}

/// What the terminal can do and the user wants of it.
#[derive(Clone, Debug)]
pub struct Screen {
    /// Columns, where standard output is a terminal.
    pub width: Option<usize>,
    /// Whether standard output shows colour.
    pub color: bool,
    /// Nothing but data on standard output, nothing on standard error but errors.
    pub quiet: bool,
    /// Where progress is told.
    pub progress: Progress,
    /// Writes a line on standard error.
    pub tell: fn(&str),
}

impl Screen {
    /// Tells what was done, on standard error, unless the user wants quiet.
    fn say(&self, text: &str) {
        if !self.quiet {
            (self.tell)(text);
        }
    }

    fn style(&self) -> encoding::Style {
        encoding::Style { width: self.width, color: self.color, ascii: false, now: Utc::now() }
    }
}

/// The name of the configuration file that is read without being asked for.
pub const CONFIG_FILE: &str = "kubewitness.yaml";

/// Reads and merges file and flags.
///
/// # Errors
/// Where the file cannot be read or understood, or flags make no sense.
pub fn configure(options: Options) -> Result<Config, Error> {
    with_trust(parsed(options)?)
}

/// The same, but for the trust policy, which is not read.
fn parsed(options: Options) -> Result<Config, Error> {
    let path = options.config.or_else(|| Some(PathBuf::from(CONFIG_FILE)).filter(|path| store::exists(path)));
    let Some(path) = path else {
        return Ok(Config::resolve(config::File::default(), Path::new(""), options.flags)?);
    };
    tracing::info!(path = %path.display(), "reading the configuration");
    let file = Config::parse_file(&path.display().to_string(), &store::read(&path)?)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let mut config = Config::resolve(file, &folder, options.flags)?;
    // Whoever writes the anchor decides where trust begins.
    if config.kept_trust.is_some() {
        config.trust_file = Some(path);
    }
    Ok(config)
}

fn sources_needed(config: &Config) -> Result<(), Error> {
    let help = "no source is given: name one in kubewitness.yaml or by --source ./fleet@main#clusters/prod";
    if config.sources.sources.is_empty() { Err(Error::Usage(help.to_owned())) } else { Ok(()) }
}

/// Reads the trust policy, where one is named. Whoever can commit to what is judged must not be who writes it.
fn with_trust(config: Config) -> Result<Config, Error> {
    let Some(path) = config.trust_file.clone() else { return Ok(config) };
    if let Some(source) = config.local_sources().find(|source| store::is_inside(&path, source)) {
        return Err(Error::Usage(inside(&path, config.kept_trust.is_some(), &source.display().to_string())));
    }
    if config.kept_trust.is_some() {
        return Ok(config);
    }
    tracing::info!(path = %path.display(), "reading the trust policy");
    let text = store::read(&path)?;
    Ok(config.with_trust(&path.display().to_string(), &text)?)
}

/// Refuses a policy that lies anywhere in a repository that was read. Which those are is known for sure only now.
fn refuse_inside(sources: &Sources, trust_file: Option<&Path>, policy: &Policy) -> Result<(), Error> {
    match trust_file.filter(|file| sources.hold(file)) {
        None => Ok(()),
        Some(file) => Err(Error::Usage(inside(file, matches!(policy.trust, TrustSource::Kept { .. }), "a repository"))),
    }
}

fn inside(file: &Path, is_anchor: bool, place: &str) -> String {
    let file = file.display();
    let what = if is_anchor { format!("{file}, with the anchor of the trust policy,") } else { format!("the trust policy {file}") };
    format!("{what} lies in {place}, which it judges; keep it outside of the repository")
}

/// Opens the cluster, live or recorded.
///
/// # Errors
/// Where it cannot be opened.
pub async fn open_cluster(settings: &cluster::Settings, recording: Option<&Path>, progress: &Progress) -> Result<Cluster, Error> {
    match recording {
        Some(folder) => Ok(Cluster::open(folder, settings.name.clone())?),
        None => Ok(Cluster::connect(settings, progress.clone()).await?),
    }
}

/// A run about to begin: readers that are open, the policy, the clock.
pub struct Prepared {
    /// The parts that touch the world.
    pub readers: Readers,
    /// How evidence is judged.
    pub policy: Policy,
    /// The run.
    pub run: Run,
    /// From which severity on findings make the exit code 1.
    pub fail_on: FailOn,
    /// Where scans remember tips.
    pub state: State,
    /// The file of the trust policy.
    pub trust_file: Option<PathBuf>,
    begun: Instant,
}

/// A scan that has ended, and the log that may hear of it once its record is written.
pub struct Scanned {
    /// What was found out.
    pub judged: Judged,
    /// From which severity on findings make the exit code 1.
    pub fail_on: FailOn,
    log: Option<TipLog>,
}

/// Opens everything that a judging command needs.
///
/// # Errors
/// Where there is no source, or cluster or keys cannot be opened.
pub async fn prepare(options: Options, progress: &Progress) -> Result<Prepared, Error> {
    let recording = options.recording.clone();
    let config = configure(options)?;
    sources_needed(&config)?;
    let begun = Instant::now();
    let started = whole_seconds(Utc::now());
    let keyring = Keyring::open(&config.keyring)?;
    let cluster = open_cluster(&config.cluster, recording.as_deref(), progress).await?;
    let selection = if config.namespaces.is_empty() { Selection::All } else { Selection::Namespaces(config.namespaces) };
    let policy = Policy {
        render: config.render,
        compare: config.compare,
        trust: match (config.trust, config.kept_trust) {
            (Some(policy), _) => TrustSource::File(policy),
            (None, Some(kept)) => TrustSource::Kept { kept, read: Config::parse_kept_trust },
            (None, None) => TrustSource::Nowhere,
        },
        selection,
        digest: policy_digest(&config.policy_digest, &keyring.digest()),
    };
    let run = Run { id: random_id()?, started, limit: limit(config.timeout) };
    let readers = Readers { cluster, sources: Sources::new(config.sources), keyring };
    Ok(Prepared { readers, policy, run, fail_on: config.fail_on, state: config.state, trust_file: config.trust_file, begun })
}

impl Prepared {
    /// Runs the whole pipeline.
    ///
    /// # Errors
    /// Where the scan cannot be trusted.
    pub async fn scan(self, progress: &Progress) -> Result<Scanned, Error> {
        let Self { mut readers, policy, run, fail_on, state, trust_file, begun } = self;
        let mut declared = pipeline::declared(&mut readers, &policy, &run, progress).await?;
        refuse_inside(&readers.sources, trust_file.as_deref(), &policy)?;
        let log = if readers.sources.have_tips() { remember(&state, &readers.sources, &mut declared, run.started) } else { None };
        let mut judged = pipeline::judged(&readers, declared, &policy, run, progress).await;
        judged.scan.finished = judged.scan.started + begun.elapsed();
        progress.finish();
        Ok(Scanned { judged, fail_on, log })
    }
}

impl Scanned {
    /// Remembers the tips, now that the record is written; a tip that nobody was told of must not be taken for known. Where
    /// that fails it is said, and the scan is not whole.
    pub fn remember(&self) -> Outcome {
        let scan = &self.judged.scan;
        match self.log.as_ref().map(|log| log.append(&scan.tips, scan.started)) {
            Some(Err(error)) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                tracing::error!("the tips of this scan are not remembered; {error}{cause}");
                Outcome::Partial
            }
            _ => Outcome::Clean,
        }
    }
}

/// Reads what earlier scans remember, and writes nothing.
fn recall(state: State, sources: &Sources, declared: &mut Declared) {
    let State::Folder(folder) = state else { return };
    if !sources.hold(&folder) {
        let (observed, gaps) = TipLog::read_only(&folder, &declared.cluster);
        declared.observed = Some(observed);
        declared.not_evaluated.extend(gaps);
    }
}

/// Reads what earlier scans remember, for one that will be remembered.
fn remember(state: &State, sources: &Sources, declared: &mut Declared, started: DateTime<Utc>) -> Option<TipLog> {
    match state {
        State::Off => None,
        State::Missing => {
            let gap = NotEvaluated::new(Stage::History, "whether histories were rewritten", "no state folder");
            declared.not_evaluated.push(gap.with_detail("there is no home; name a folder by --state, or none"));
            None
        }
        State::Folder(folder) if sources.hold(folder) => {
            let gap = NotEvaluated::new(Stage::History, "whether histories were rewritten", "state inside a source");
            let detail =
                format!("{} lies in a repository that is judged, and nothing is written there; name another folder", folder.display());
            declared.not_evaluated.push(gap.with_detail(detail));
            None
        }
        State::Folder(folder) => {
            let Opened { log, mut observed, not_evaluated } = TipLog::open(folder, &declared.cluster);
            // What another scan saw since this one began is not what was there before.
            observed.retain(|tip| tip.observed <= started);
            declared.observed = Some(observed);
            declared.not_evaluated.extend(not_evaluated);
            Some(log)
        }
    }
}

/// The outcome of judgements that could be made. Gaps go before findings, because there may be more behind them.
pub fn outcome(
    findings: &[Finding],
    comparisons: &[Comparison],
    not_evaluated: &[NotEvaluated],
    coverage: &Coverage,
    fail_on: FailOn,
) -> Outcome {
    let threshold = match fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Note => Some(Severity::Note),
        FailOn::Never => None,
    };
    let has_gaps = !not_evaluated.is_empty() || !coverage.unlisted.is_empty() || comparisons.iter().any(Comparison::has_unknown);
    if has_gaps {
        Outcome::Partial
    } else if threshold.is_some_and(|threshold| findings.iter().any(|finding| finding.severity >= threshold)) {
        Outcome::Findings
    } else {
        Outcome::Clean
    }
}

/// Reports tell whole seconds, so that times of a scan and of its evidence can be compared.
fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

fn random_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn policy_digest(settings: &str, keys: &str) -> String {
    let digest = Sha256::digest(format!("{}\n{settings}\n{keys}", env!("CARGO_PKG_VERSION")));
    format!("sha256:{}", hex(&digest))
}

/// So much time from now, unless somebody asks for an earlier end.
fn limit(time: std::time::Duration) -> Limit {
    let now = tokio::time::Instant::now();
    Limit { deadline: now + time, walks: now + time - time / 10, interrupted: interruption() }
}

/// Becomes true at SIGINT or SIGTERM.
fn interruption() -> tokio::sync::watch::Receiver<bool> {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
        tracing::warn!("interrupted; what is known so far is told");
        // Nobody left to tell means that the run is over.
        sender.send(true).ok();
    });
    receiver
}
