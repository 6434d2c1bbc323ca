//! What users see beside the results: logs, progress, errors.

use std::io::IsTerminal;

use super::arguments::{Color, Common, LogFormat};
use crate::progress::Progress;
use crate::run::{Error, Screen};

/// Only warnings and errors are told unless RUST_LOG asks for more. kube's own warnings quote bodies that may hold secrets.
pub(super) fn start_log(common: &Common, is_cron: bool) {
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

pub(super) fn screen(common: &Common, is_cron: bool) -> Screen {
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
pub(super) fn tell(error: &Error) {
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
