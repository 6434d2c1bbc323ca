//! `kubewitness blame KIND/NAME`: who declared each field of one object.

use super::output;
use super::select::Selector;
use super::{Error, Options, Outcome, Prepared, Screen, outcome, prepare, refuse_inside};
use crate::compare;
use crate::config::{FailOn, State};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::Declaration;
use crate::report::Format;
use crate::report::blame::Blame;
use crate::scan::{self as pipeline, Judged};
use crate::store::TipLog;

/// Blames and says how it ended: clean, or partial where something could not be told.
///
/// # Errors
/// Where there is no such object or the scan cannot be trusted.
pub async fn blame(options: Options, selector: &Selector, format: &Format, screen: &Screen) -> Result<Outcome, Error> {
    let encode = format.blame.ok_or_else(|| Error::Usage(format!("blame cannot be written as {}", format.id)))?;
    let Prepared { mut readers, mut policy, run, state, trust_file, .. } = prepare(options, &screen.progress).await?;
    let mut declared = pipeline::declared(&mut readers, &policy, &run, &screen.progress).await?;
    refuse_inside(&readers.sources, trust_file.as_deref())?;
    let object = selector.find(&declared.declarations, &declared.kinds).map_err(|error| unread(error, &declared.not_evaluated))?;
    declared.declarations.retain(|declaration| declaration.id == object);
    // What other objects suffer from does not concern this one; what could not be read may declare it too.
    declared.not_evaluated.retain(|gap| is_unread(gap) || gap.object.as_ref() == Some(&object));
    declared.excluded.clear();
    policy.compare.undeclared_namespaces.clear();
    if let State::Folder(folder) = state
        && !readers.sources.hold(&folder)
    {
        let (observed, gaps) = TipLog::read_only(&folder, &declared.cluster);
        declared.observed = Some(observed);
        declared.not_evaluated.extend(gaps);
    }
    let Judged { scan, schemas } = pipeline::judged(&readers, declared, &policy, run, &screen.progress).await;
    screen.progress.finish();
    let leaf_names = |declaration: &Declaration| compare::leaf_names(declaration, &schemas);
    let blame = Blame::of(&scan, &object, &leaf_names).ok_or_else(|| Error::Usage(format!("{object} could not be compared")))?;
    output::to_stdout(|out| encode(&blame, &screen.style(), out))?;
    Ok(outcome(&scan.findings, &scan.comparisons, &scan.not_evaluated, &scan.coverage, FailOn::Never))
}

/// What was not found may stand in what could not be read.
fn unread(error: Error, gaps: &[NotEvaluated]) -> Error {
    let unread: Vec<String> = gaps
        .iter()
        .filter(|gap| is_unread(gap))
        .map(|gap| {
            gap.detail.as_ref().map_or_else(|| format!("{}: {}", gap.subject, gap.reason), |detail| format!("{}: {detail}", gap.subject))
        })
        .collect();
    match error {
        Error::Usage(what) if !unread.is_empty() => Error::Unread { what, gaps: unread.join("; ") },
        other => other,
    }
}

/// A source or file that may declare anything.
fn is_unread(gap: &NotEvaluated) -> bool {
    gap.object.is_none() && matches!(gap.stage, Stage::Fetch | Stage::Render)
}
