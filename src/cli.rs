//! The command line: what users type becomes options of `run`, and its outcome their exit code.

mod arguments;
mod screen;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::arguments::{Blame, Cli, Command, FailOnArg, Log, Trust, state_folder};
use self::screen::{screen, start_log, tell};
use crate::run::field::FieldChoice;
use crate::run::output;
use crate::run::{self, Error, Options, Outcome, Screen};

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
            options.flags.state = scan.state;
            options.flags.default_state = state_folder();
            options.flags.cron = scan.cron;
            wait(run::scan::scan(options, scan.report, &scan.output, scan.record_fields, screen))
        }
        Command::Blame(Blame { field, one }) => {
            let field = field.as_deref().map(FieldChoice::parse).transpose()?;
            let output = one.output;
            let (selector, options) = one.asked()?;
            wait(run::blame::blame(options, &selector, field.as_ref(), output, screen))
        }
        Command::Log(Log { limit, one }) => {
            let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
            let output = one.output;
            let (selector, options) = one.asked()?;
            wait(run::log::log(options, &selector, limit, output, screen))
        }
        Command::Compare(compare) => {
            let fail_on = compare.fail_on.setting();
            wait(run::compare::compare(&compare.declared, &compare.live, compare.namespace, fail_on, compare.output, screen))
        }
        Command::Report(report) => run::report::report(&report.record, report.report, &report.output, screen),
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
        Command::Trust(Trust::Init(init)) => {
            let most = usize::try_from(init.commits).unwrap_or(usize::MAX);
            wait(run::trust::init(init.options(), most, screen))
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
