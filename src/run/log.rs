//! `kubewitness log KIND/NAME`: the commits that changed one declared object.

use super::output;
use super::select::Selector;
use super::{Error, Options, Outcome, Prepared, Screen, prepare, recall, refuse_inside};
use crate::report::Format;
use crate::report::log::{Evidence, Log};
use crate::scan::log::{Logged, logged};
use crate::scan::{self as pipeline};

/// Tells the changes and says how it ended: clean, or partial where something could not be told.
///
/// # Errors
/// Where there is no such object, or the cluster does not say what kinds it serves.
pub async fn log(options: Options, selector: &Selector, limit: Option<usize>, format: &Format, screen: &Screen) -> Result<Outcome, Error> {
    let encode = format.log.ok_or_else(|| Error::Usage(format!("log cannot be written as {}", format.id)))?;
    let Prepared { mut readers, policy, run, state, trust_file, .. } = prepare(options, &screen.progress).await?;
    let mut declared = pipeline::declared(&mut readers, &policy, &run, &screen.progress).await?;
    refuse_inside(&readers.sources, trust_file.as_deref(), &policy)?;
    let object = selector.narrow(&mut declared)?;
    recall(state, &readers.sources, &mut declared);
    let Logged { declarations, sources, log, signatures, verdicts, not_evaluated } =
        logged(&readers, declared, &policy, &run, limit, &screen.progress).await;
    screen.progress.finish();
    let evidence = Evidence {
        declarations: &declarations,
        sources: &sources,
        log: &log,
        signatures: &signatures,
        verdicts: &verdicts,
        not_evaluated: &not_evaluated,
    };
    let told = Log::of(&object, evidence);
    output::to_stdout(|out| encode(&told, &screen.style(), out))?;
    Ok(if not_evaluated.is_empty() { Outcome::Clean } else { Outcome::Partial })
}
