//! Where encodings go: standard output, or files that are written whole.

use std::io::{self, Write};
use std::path::PathBuf;

use super::{Error, Screen};
use crate::report::{self, Record};
pub use crate::report::{Format, Report};
use crate::store;

/// One `-o FORMAT[=FILE]`.
#[derive(Clone, Debug)]
pub struct Output {
    /// The format.
    pub format: &'static Format,
    /// The file; standard output without one, and for `-`.
    pub file: Option<PathBuf>,
}

impl Output {
    /// Reads `FORMAT[=FILE]`.
    ///
    /// # Errors
    /// A sentence that names the formats there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (id, file) = match text.split_once('=') {
            Some((id, file)) => (id, Some(file)),
            None => (text, None),
        };
        let format = report::format(id).ok_or_else(|| {
            let known: Vec<&str> = report::FORMATS.iter().map(|format| format.id).collect();
            format!("unknown format `{id}`; there are {}", known.join(", "))
        })?;
        Ok(Self { format, file: file.filter(|file| *file != "-").map(PathBuf::from) })
    }
}

/// Reads the name of a report.
///
/// # Errors
/// A sentence that names the reports there are.
pub fn parse_report(id: &str) -> Result<&'static Report, String> {
    report::report(id).ok_or_else(|| {
        let known: Vec<&str> = report::REPORTS.iter().map(|report| report.id).collect();
        format!("unknown report `{id}`; there are {}", known.join(", "))
    })
}

/// Only one encoding fits on standard output, and every format has to have the report.
///
/// # Errors
/// [`Error::Usage`].
pub fn check(report: &Report, outputs: &[Output]) -> Result<(), Error> {
    if let Some(output) = outputs.iter().find(|output| (report.encode)(output.format).is_none()) {
        return Err(Error::Usage(format!("the report {} cannot be written as {}", report.id, output.format.id)));
    }
    if outputs.iter().filter(|output| output.file.is_none()).count() > 1 {
        return Err(Error::Usage("two formats for standard output; give one of them a file, as in -o json=record.json".to_owned()));
    }
    Ok(())
}

/// Writes every encoding. One that fails does not lose the others.
///
/// # Errors
/// The first failure, when all others are written.
pub fn write(record: &Record<'_>, report: &Report, outputs: &[Output], screen: &Screen) -> Result<(), Error> {
    let mut first = Ok(());
    for output in outputs {
        let written = write_one(record, report, output, screen);
        match written {
            Err(error) if first.is_ok() => first = Err(error),
            // The first is told when the command ends.
            Err(error) => tracing::error!(format = output.format.id, "{error}: {}", causes(&error)),
            Ok(()) => {}
        }
    }
    first
}

fn causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn write_one(record: &Record<'_>, report: &Report, output: &Output, screen: &Screen) -> Result<(), Error> {
    let style = screen.style();
    let encode = (report.encode)(output.format).unwrap_or(output.format.encode);
    match &output.file {
        Some(file) => {
            let plain = report::Style { width: None, color: false, ..style };
            Ok(store::write(file, |out| encode(record, &plain, out))?)
        }
        None => to_stdout(|out| encode(record, &style, out)),
    }
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no failure.
///
/// # Errors
/// Where writing fails for another reason.
pub fn to_stdout(content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match content(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Report { what: "cannot write to standard output".to_owned(), source: error.into() })
        }
        _ => Ok(()),
    }
}
