//! `kubewitness scan`: judge everything that is declared.

use super::output::{self, Output, Report};
use super::{Error, Options, Outcome, Screen, outcome, prepare};
use crate::compare;
use crate::model::declaration::Declaration;
use crate::report::Record;
use crate::scan::Judged;

/// Scans, writes the outputs, and says how it ended.
///
/// # Errors
/// Where the scan cannot be trusted or an output cannot be written.
pub async fn scan(options: Options, report: &Report, outputs: &[Output], record_fields: bool, screen: &Screen) -> Result<Outcome, Error> {
    output::check(report, outputs)?;
    let prepared = prepare(options, &screen.progress).await?;
    let scanned = prepared.scan(&screen.progress).await?;
    let Judged { scan, schemas } = &scanned.judged;
    let leaf_names = |declaration: &Declaration| compare::leaf_names(declaration, schemas);
    output::write(&Record::of(scan, record_fields.then_some(&leaf_names)), report, outputs, screen)?;
    let remembered = scanned.remember();
    Ok(remembered.max(outcome(&scan.findings, &scan.comparisons, &scan.not_evaluated, &scan.coverage, scanned.fail_on)))
}
