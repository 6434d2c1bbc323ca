//! The command line: what users type becomes options of `run`, and its outcome their exit code.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{FailOn, Flags, SecretsMode};
use crate::progress::Progress;
use crate::run::output::{self, Format, Output};
use crate::run::schema::Contract;
use crate::run::select::Selector;
use crate::run::{self, Error, Options, Outcome, Screen};

/// Compares a live Kubernetes cluster with what Git declares, says who declared each field and how well that is proven, and
/// who changed it since. It only reads.
#[derive(Parser)]
#[command(name = "kubewitness", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXIT_CODES: &str = "\
Exit codes: 0 clean · 1 findings at or above --fail-on · 2 usage or configuration · 3 failed · 4 partial";

#[derive(Args)]
struct Common {
    /// Nothing on standard error but errors
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: Color,
    /// No progress line
    #[arg(long, global = true, help_heading = "Output")]
    no_progress: bool,
    /// Form of the log on standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Judge everything that is declared
    Scan(Scan),
    /// Show who declared each field of one object
    Blame(Blame),
    /// Compare two files or folders, without Git and without a cluster
    Compare(Compare),
    /// Encode a record again
    Report(Report),
    /// Record a cluster, to judge it later without access
    Capture(Capture),
    /// Print the smallest role with which the configuration can be scanned
    Rbac(Rbac),
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
struct Scan {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Judge only declared objects of this namespace (repeatable)
    #[arg(long, short, value_name = "NAME")]
    namespace: Vec<String>,
    /// Also look for objects in this namespace that are declared nowhere (repeatable)
    #[arg(long, value_name = "NAMESPACE")]
    undeclared: Vec<String>,
    /// A format, and the file it goes to (repeatable): terminal, json
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse, default_value = "terminal")]
    output: Vec<Output>,
    /// List every declared field with its origin in the record
    #[arg(long)]
    record_fields: bool,
    /// From which severity on findings make the exit code 1 [default: error; never with --cron]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOnArg>,
    /// For a CronJob: no progress, log as JSON, findings exit 0
    #[arg(long)]
    cron: bool,
}

#[derive(Args)]
struct Blame {
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
    /// terminal or json
    #[arg(long, short, value_name = "FORMAT", value_parser = format, default_value = "terminal")]
    output: &'static Format,
}

#[derive(Args)]
struct Compare {
    /// File or folder that declares objects
    declared: PathBuf,
    /// File or folder of live objects, as kubectl get -o json or -o yaml writes them
    live: PathBuf,
    /// The namespace of namespaced objects that name none
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<String>,
    /// terminal or json
    #[arg(long, short, value_name = "FORMAT", value_parser = format, default_value = "terminal")]
    output: &'static Format,
    /// From which severity on differences make the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOnArg,
}

#[derive(Args)]
struct Report {
    /// A record.json
    record: PathBuf,
    /// A format, and the file it goes to (repeatable): terminal, json
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse, default_value = "terminal")]
    output: Vec<Output>,
}

#[derive(Args)]
struct Capture {
    /// The folder to write
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Only this namespace, beside cluster-scoped objects (repeatable)
    #[arg(long, short, value_name = "NAME")]
    namespace: Vec<String>,
    /// The configuration file [default: kubewitness.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "KUBEWITNESS_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Args)]
struct Rbac {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Also look for objects in this namespace that are declared nowhere (repeatable)
    #[arg(long, value_name = "NAMESPACE")]
    undeclared: Vec<String>,
}

#[derive(Args)]
struct From {
    /// The configuration file [default: kubewitness.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "KUBEWITNESS_CONFIG")]
    config: Option<PathBuf>,
    /// A source of declarations (repeatable): [name=]url[@ref][#path], as in ./fleet@main#clusters/prod
    #[arg(long, value_name = "SOURCE")]
    source: Vec<String>,
    /// File with OpenPGP keys of persons (repeatable)
    #[arg(long, value_name = "FILE")]
    keyring: Vec<PathBuf>,
    /// File with SSH keys of persons, as ssh-keygen(1) describes it (repeatable)
    #[arg(long, value_name = "FILE")]
    allowed_signers: Vec<PathBuf>,
    /// A recorded cluster instead of a live one
    #[arg(long, value_name = "DIR")]
    recording: Option<PathBuf>,
}

#[derive(Args)]
struct ClusterArgs {
    /// The kubeconfig file [default: as kubectl]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in it [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Whether Secrets are compared, by keyed digests, or left out
    #[arg(long, value_name = "MODE")]
    secrets: Option<SecretsArg>,
    /// How long all of it may take, as in 90s, 15m, 1h [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaOf {
    Config,
    Record,
    Blame,
    Comparison,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailOnArg {
    Error,
    Warning,
    Note,
    Never,
}

#[derive(Clone, Copy, ValueEnum)]
enum SecretsArg {
    Compare,
    Skip,
}

impl SchemaOf {
    fn setting(self) -> Contract {
        match self {
            Self::Config => Contract::Config,
            Self::Record => Contract::Record,
            Self::Blame => Contract::Blame,
            Self::Comparison => Contract::Comparison,
        }
    }
}

impl FailOnArg {
    fn setting(self) -> FailOn {
        match self {
            Self::Error => FailOn::Error,
            Self::Warning => FailOn::Warning,
            Self::Note => FailOn::Note,
            Self::Never => FailOn::Never,
        }
    }
}

impl SecretsArg {
    fn setting(self) -> SecretsMode {
        match self {
            Self::Compare => SecretsMode::Compare,
            Self::Skip => SecretsMode::Skip,
        }
    }
}

fn format(id: &str) -> Result<&'static Format, String> {
    Output::parse(id).map(|output| output.format)
}

/// `90s`, `15m`, `1h`, or seconds.
fn duration(text: &str) -> Result<Duration, String> {
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
    fn options(self, cluster: ClusterArgs) -> Options {
        Options {
            config: self.config,
            recording: self.recording,
            flags: Flags { sources: self.source, keyrings: self.keyring, allowed_signers: self.allowed_signers, ..cluster.flags() },
        }
    }
}

impl ClusterArgs {
    fn flags(self) -> Flags {
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
fn cache_folder() -> Option<PathBuf> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))).map(|folder| folder.join("kubewitness"))
}

/// Parses the command line, does what it says, and tells how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are answers, not mistakes; clap prints each where it belongs.
        Err(error) => {
            let code = if error.use_stderr() { Outcome::Usage } else { Outcome::Clean };
            return match error.print() {
                Ok(()) => ExitCode::from(code.code()),
                Err(_) => ExitCode::from(Outcome::Failed.code()),
            };
        }
    };
    let is_cron = matches!(&cli.command, Command::Scan(scan) if scan.cron);
    start_log(&cli.common, is_cron);
    let screen = screen(&cli.common, is_cron);
    let outcome = match dispatch(cli.command, &screen) {
        Ok(outcome) => outcome,
        Err(error) => {
            screen.progress.finish();
            tell(&error);
            error.outcome()
        }
    };
    ExitCode::from(outcome.code())
}

fn dispatch(command: Command, screen: &Screen) -> Result<Outcome, Error> {
    match command {
        Command::Scan(scan) => {
            let mut options = scan.from.options(scan.cluster);
            options.flags.namespaces = scan.namespace.into_iter().collect();
            options.flags.undeclared = scan.undeclared.into_iter().collect();
            options.flags.fail_on = scan.fail_on.map(FailOnArg::setting);
            options.flags.cron = scan.cron;
            wait(run::scan::scan(options, &scan.output, scan.record_fields, screen))
        }
        Command::Blame(blame) => {
            let selector = Selector::parse(&blame.object, blame.namespace)?;
            let options = blame.from.options(blame.cluster);
            wait(run::blame::blame(options, &selector, blame.output, screen))
        }
        Command::Compare(compare) => {
            let fail_on = compare.fail_on.setting();
            wait(run::compare::compare(&compare.declared, &compare.live, compare.namespace, fail_on, compare.output, screen))
        }
        Command::Report(report) => run::report::report(&report.record, &report.output, screen),
        Command::Capture(capture) => {
            let mut options = Options { config: capture.config, flags: capture.cluster.flags(), recording: None };
            options.flags.namespaces = capture.namespace.into_iter().collect();
            wait(run::capture::capture(options, &capture.output, screen))
        }
        Command::Rbac(rbac) => {
            let mut options = rbac.from.options(rbac.cluster);
            options.flags.undeclared = rbac.undeclared.into_iter().collect();
            wait(run::rbac::rbac(options, screen))
        }
        Command::Explain { rule } => run::explain::explain(rule.as_deref()),
        Command::Schema { of } => run::schema::schema(of.setting()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kubewitness", &mut script);
            output::to_stdout(|out| out.write_all(&script))?;
            Ok(Outcome::Clean)
        }
    }
}

fn wait(command: impl Future<Output = Result<Outcome, Error>>) -> Result<Outcome, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|source| Error::Report { what: "cannot start the runtime".to_owned(), source: source.into() })?.block_on(command)
}

/// Only warnings and errors are told unless RUST_LOG asks for more. kube's own warnings quote bodies that may hold secrets.
fn start_log(common: &Common, is_cron: bool) {
    use tracing_subscriber::EnvFilter;
    let level = match (common.quiet, is_cron) {
        (true, _) => "error",
        (false, true) => "info",
        (false, false) => "warn",
    };
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = EnvFilter::try_new(format!("{wanted},kube_client=off,gix=error")).unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if common.log_format == LogFormat::Json || is_cron {
        log.json().init();
    } else {
        log.without_time().with_ansi(is_colored(common.color, std::io::stderr().is_terminal())).init();
    }
}

fn is_colored(when: Color, is_terminal: bool) -> bool {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0" && !value.is_empty()) => true,
        Color::Auto => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

fn screen(common: &Common, is_cron: bool) -> Screen {
    let is_terminal = std::io::stdout().is_terminal();
    let shows_progress = std::io::stderr().is_terminal() && !common.quiet && !common.no_progress && !is_cron;
    Screen {
        width: is_terminal.then(|| terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))),
        color: is_colored(common.color, is_terminal),
        quiet: common.quiet,
        progress: if shows_progress { Progress::terminal() } else { Progress::silent() },
        tell: note,
    }
}

#[expect(clippy::print_stderr, reason = "what was done is told beside the results, not among them")]
fn note(text: &str) {
    eprintln!("{}", readable(text));
}

/// What went wrong, then why, cause by cause.
#[expect(clippy::print_stderr, reason = "the one place where errors reach the user")]
fn tell(error: &Error) {
    eprintln!("error: {}", readable(&error.to_string()));
    let mut cause = std::error::Error::source(error);
    let mut last = error.to_string();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Some libraries repeat their source in their own text.
        if !last.contains(&text) {
            eprintln!("  because {}", readable(&text));
        }
        last = text;
        cause = inner.source();
    }
}

/// A hostile name must not steer the terminal.
fn readable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character }).collect()
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
