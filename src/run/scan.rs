//! `kubewitness scan`: judge everything that is declared.

use super::output::{self, Output};
use super::{Error, Options, Outcome, Screen, outcome, prepare};
use crate::report::record::Record;

/// Scans, writes the outputs, and says how it ended.
///
/// # Errors
/// Where the scan cannot be trusted or an output cannot be written.
pub async fn scan(options: Options, outputs: &[Output], record_fields: bool, screen: &Screen) -> Result<Outcome, Error> {
    output::check(outputs)?;
    let prepared = prepare(options, &screen.progress).await?;
    let (scan, fail_on) = prepared.scan(&screen.progress).await?;
    let outcome = outcome(&scan, fail_on);
    output::write(&Record::of(&scan, record_fields), outputs, screen)?;
    Ok(outcome)
}
