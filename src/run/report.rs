//! `kubewitness report`: encode a record again.

use std::path::Path;

use super::output::{self, Output, Report};
use super::{Error, Outcome, Screen};
use crate::report::Record;
use crate::store;

/// Reads a record and writes its encodings.
///
/// # Errors
/// Where the file is no record or an output cannot be written.
pub fn report(file: &Path, report: &Report, outputs: &[Output], screen: &Screen) -> Result<Outcome, Error> {
    output::check(report, outputs)?;
    let text = store::read(file)?;
    let record = Record::read(&text).map_err(|error| Error::Report {
        what: format!("{} is no record of kubewitness that this version can read", file.display()),
        source: error.into(),
    })?;
    output::write(&record, report, outputs, screen)?;
    Ok(Outcome::Clean)
}
