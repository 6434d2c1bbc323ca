//! What users may type, as clap takes it, and what it means to `run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{FailOn, Flags, SecretsMode};
use crate::run::output::{self, Format, Output, parse_report};
use crate::run::schema::Contract;
use crate::run::select::Selector;
use crate::run::{Error, Options};

/// Compares a live Kubernetes cluster with what Git declares, says who declared each field and how well that is proven, and
/// who changed it since. It only reads.
#[derive(Parser)]
#[command(name = "kubewitness", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) const EXIT_CODES: &str = "\
Exit codes: 0 clean · 1 findings at or above --fail-on · 2 usage or configuration · 3 failed · 4 partial";

#[derive(Args)]
pub(super) struct Common {
    /// Nothing on standard error but errors
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(super) quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(super) color: Color,
    /// No progress line
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) no_progress: bool,
    /// Form of the log on standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(super) log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Judge everything that is declared
    Scan(Scan),
    /// Show who declared each field of one object
    Blame(Blame),
    /// Show the commits that changed one declared object, field by field
    Log(Log),
    /// Compare two files or folders, without Git and without a cluster
    Compare(Compare),
    /// Encode a record again
    Report(Report),
    /// Record a cluster, to judge it later without access
    Capture(Capture),
    /// Print the smallest role with which the configuration can be scanned
    Rbac(Rbac),
    /// Make a trust policy
    #[command(subcommand)]
    Trust(Trust),
    /// Explain a rule
    Explain {
        /// The rule, as in field-drifted; without one, all are listed
        rule: Option<String>,
    },
    /// Print a JSON Schema
    Schema {
        /// Of what
        of: SchemaOf,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(super) struct Scan {
    #[command(flatten)]
    pub(super) from: From,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    /// Judge only declared objects of this namespace (repeatable)
    #[arg(long, short, value_name = "NAME")]
    pub(super) namespace: Vec<String>,
    /// Also look for objects in this namespace that are declared nowhere (repeatable)
    #[arg(long, value_name = "NAMESPACE")]
    pub(super) undeclared: Vec<String>,
    /// What to tell: drift, or provenance (who declared what is live, and how well that is proven)
    #[arg(long, value_name = "REPORT", value_parser = parse_report, default_value = "drift")]
    pub(super) report: &'static output::Report,
    /// A format, and the file it goes to (repeatable): terminal, json
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse, default_value = "terminal")]
    pub(super) output: Vec<Output>,
    /// List every declared field with its origin in the record
    #[arg(long)]
    pub(super) record_fields: bool,
    /// From which severity on findings make the exit code 1 [default: error; never with --cron]
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<FailOnArg>,
    /// Where scans remember the tips of the sources, to see rewritten histories; none: nowhere [default: kubewitness in
    /// $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// For a CronJob: no progress, log as JSON, findings exit 0
    #[arg(long)]
    pub(super) cron: bool,
}

/// What commands about one object are told.
#[derive(Args)]
pub(super) struct OneObject {
    /// The object, as in deploy/web
    #[arg(value_name = "KIND/NAME")]
    object: String,
    /// Its namespace
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<String>,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Where scans remember the tips of the sources; only read here [default: as for scan]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// terminal or json
    #[arg(long, short, value_name = "FORMAT", value_parser = format, default_value = "terminal")]
    pub(super) output: &'static Format,
}

#[derive(Args)]
pub(super) struct Blame {
    /// Only this field and what is below it, as in spec.template.spec.containers[name=web].image or /spec/replicas
    #[arg(long, value_name = "PATH")]
    pub(super) field: Option<String>,
    #[command(flatten)]
    pub(super) one: OneObject,
}

#[derive(Args)]
pub(super) struct Log {
    /// Only so many of the newest commits [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    #[command(flatten)]
    pub(super) one: OneObject,
}

#[derive(Args)]
pub(super) struct Compare {
    /// File or folder that declares objects
    pub(super) declared: PathBuf,
    /// File or folder of live objects, as kubectl get -o json or -o yaml writes them
    pub(super) live: PathBuf,
    /// The namespace of namespaced objects that name none
    #[arg(long, short, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// terminal or json
    #[arg(long, short, value_name = "FORMAT", value_parser = format, default_value = "terminal")]
    pub(super) output: &'static Format,
    /// From which severity on differences make the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    pub(super) fail_on: FailOnArg,
}

#[derive(Args)]
pub(super) struct Report {
    /// A record.json
    pub(super) record: PathBuf,
    /// What to tell: drift, or provenance (who declared what is live, and how well that is proven)
    #[arg(long, value_name = "REPORT", value_parser = parse_report, default_value = "drift")]
    pub(super) report: &'static output::Report,
    /// A format, and the file it goes to (repeatable): terminal, json
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse, default_value = "terminal")]
    pub(super) output: Vec<Output>,
}

#[derive(Args)]
pub(super) struct Capture {
    /// The folder to write
    #[arg(long, short, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Only this namespace, beside cluster-scoped objects (repeatable)
    #[arg(long, short, value_name = "NAME")]
    pub(super) namespace: Vec<String>,
    /// The configuration file [default: kubewitness.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "KUBEWITNESS_CONFIG")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
}

#[derive(Args)]
pub(super) struct Rbac {
    #[command(flatten)]
    pub(super) from: From,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    /// Also look for objects in this namespace that are declared nowhere (repeatable)
    #[arg(long, value_name = "NAMESPACE")]
    pub(super) undeclared: Vec<String>,
}

#[derive(Subcommand)]
pub(super) enum Trust {
    /// Print a policy made of who signs in the sources, for a person to review; what is only claimed stands in it commented out
    Init(TrustInit),
}

#[derive(Args)]
pub(super) struct TrustInit {
    /// The configuration file [default: kubewitness.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "KUBEWITNESS_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// A source of declarations (repeatable): [name=]url[@ref][#path], as in ./fleet@main
    #[arg(long, value_name = "SOURCE")]
    pub(super) source: Vec<String>,
    /// File with OpenPGP keys of persons (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) keyring: Vec<PathBuf>,
    /// File with SSH keys of persons, as ssh-keygen(1) describes it (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) allowed_signers: Vec<PathBuf>,
    /// How many commits of each source are looked at, from its tip back
    #[arg(long, value_name = "NUMBER", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) commits: u32,
    /// How long all of it may take, as in 90s, 15m, 1h [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
}

#[derive(Args)]
pub(super) struct From {
    /// The configuration file [default: kubewitness.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "KUBEWITNESS_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// A source of declarations (repeatable): [name=]url[@ref][#path], as in ./fleet@main#clusters/prod
    #[arg(long, value_name = "SOURCE")]
    pub(super) source: Vec<String>,
    /// File with OpenPGP keys of persons (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) keyring: Vec<PathBuf>,
    /// File with SSH keys of persons, as ssh-keygen(1) describes it (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) allowed_signers: Vec<PathBuf>,
    /// File with X.509 certificates that sign commits lead to, in PEM (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) x509_root: Vec<PathBuf>,
    /// File with the trust policy: whose key is whose, and who may declare what
    #[arg(long, value_name = "FILE")]
    pub(super) trust: Option<PathBuf>,
    /// A recorded cluster instead of a live one
    #[arg(long, value_name = "DIR")]
    pub(super) recording: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ClusterArgs {
    /// The kubeconfig file [default: as kubectl]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context in it [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// Whether Secrets are compared, by keyed digests, or left out
    #[arg(long, value_name = "MODE")]
    pub(super) secrets: Option<SecretsArg>,
    /// How long all of it may take, as in 90s, 15m, 1h [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SchemaOf {
    Config,
    Trust,
    Record,
    Blame,
    Log,
    Comparison,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum FailOnArg {
    Error,
    Warning,
    Note,
    Never,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SecretsArg {
    Compare,
    Skip,
}

impl SchemaOf {
    pub(super) fn setting(self) -> Contract {
        match self {
            Self::Config => Contract::Config,
            Self::Trust => Contract::Trust,
            Self::Record => Contract::Record,
            Self::Blame => Contract::Blame,
            Self::Log => Contract::Log,
            Self::Comparison => Contract::Comparison,
        }
    }
}

impl FailOnArg {
    pub(super) fn setting(self) -> FailOn {
        match self {
            Self::Error => FailOn::Error,
            Self::Warning => FailOn::Warning,
            Self::Note => FailOn::Note,
            Self::Never => FailOn::Never,
        }
    }
}

impl SecretsArg {
    pub(super) fn setting(self) -> SecretsMode {
        match self {
            Self::Compare => SecretsMode::Compare,
            Self::Skip => SecretsMode::Skip,
        }
    }
}

pub(super) fn format(id: &str) -> Result<&'static Format, String> {
    Output::parse(id).map(|output| output.format)
}

/// `90s`, `15m`, `1h`, or seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(format!("`{text}` is no time; write 90s, 15m or 1h")),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(|| format!("`{text}` is no time; write 90s, 15m or 1h"))
}

impl From {
    pub(super) fn options(self, cluster: ClusterArgs) -> Options {
        Options {
            config: self.config,
            recording: self.recording,
            flags: Flags {
                sources: self.source,
                keyrings: self.keyring,
                allowed_signers: self.allowed_signers,
                x509_roots: self.x509_root,
                trust: self.trust,
                ..cluster.flags()
            },
        }
    }
}

impl TrustInit {
    pub(super) fn options(self) -> Options {
        let flags = Flags {
            sources: self.source,
            keyrings: self.keyring,
            allowed_signers: self.allowed_signers,
            timeout: self.timeout,
            cache: cache_folder(),
            ..Flags::default()
        };
        Options { config: self.config, flags, recording: None }
    }
}

impl OneObject {
    /// Which object, and where it is declared.
    pub(super) fn asked(self) -> Result<(Selector, Options), Error> {
        let selector = Selector::parse(&self.object, self.namespace)?;
        let mut options = self.from.options(self.cluster);
        options.flags.state = self.state;
        options.flags.default_state = state_folder();
        Ok((selector, options))
    }
}

impl ClusterArgs {
    pub(super) fn flags(self) -> Flags {
        Flags {
            kubeconfig: self.kubeconfig,
            context: self.context,
            secrets: self.secrets.map(SecretsArg::setting),
            timeout: self.timeout,
            cache: cache_folder(),
            ..Flags::default()
        }
    }
}

/// `$XDG_CACHE_HOME/kubewitness`, else below the home; none where there is no home.
pub(super) fn cache_folder() -> Option<PathBuf> {
    user_folder("XDG_CACHE_HOME", ".cache")
}

/// `$XDG_STATE_HOME/kubewitness`, else below the home; none where there is no home.
pub(super) fn state_folder() -> Option<PathBuf> {
    user_folder("XDG_STATE_HOME", ".local/state")
}

/// Our folder in one of those that the XDG Base Directory Specification names; relative ones are to be ignored.
fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home))).map(|folder| folder.join("kubewitness"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory;

    use super::{Cli, duration};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert!(duration("0").is_err());
        assert!(duration("5 days").is_err());
        assert!(duration("99999999999999999999h").is_err());
    }
}
