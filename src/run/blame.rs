//! `kubewitness blame KIND/NAME`: who declared each field of one object.

use super::output;
use super::select::Selector;
use super::{Error, Options, Outcome, Prepared, Screen, outcome, prepare};
use crate::compare;
use crate::config::FailOn;
use crate::model::declaration::Declaration;
use crate::report::Format;
use crate::report::blame::Blame;
use crate::scan::{self as pipeline, Judged};

/// Blames and says how it ended: clean, or partial where something could not be told.
///
/// # Errors
/// Where there is no such object or the scan cannot be trusted.
pub async fn blame(options: Options, selector: &Selector, format: &Format, screen: &Screen) -> Result<Outcome, Error> {
    let encode = format.blame.ok_or_else(|| Error::Usage(format!("blame cannot be written as {}", format.id)))?;
    let Prepared { mut readers, mut policy, run, .. } = prepare(options, &screen.progress).await?;
    let mut declared = pipeline::declared(&mut readers, &policy, &run, &screen.progress).await?;
    let object = selector.find(&declared.declarations, &declared.kinds)?;
    declared.declarations.retain(|declaration| declaration.id == object);
    // What other objects suffer from does not concern this one.
    declared.not_evaluated.retain(|gap| gap.object.as_ref() == Some(&object));
    declared.excluded.clear();
    policy.compare.undeclared_namespaces.clear();
    let Judged { scan, schemas } = pipeline::judged(&readers, declared, &policy, run, &screen.progress).await;
    screen.progress.finish();
    let leaf_names = |declaration: &Declaration| compare::leaf_names(declaration, &schemas);
    let blame = Blame::of(&scan, &object, &leaf_names).ok_or_else(|| Error::Usage(format!("{object} could not be compared")))?;
    output::to_stdout(|out| encode(&blame, &screen.style(), out))?;
    Ok(outcome(&scan.findings, &scan.comparisons, &scan.not_evaluated, &scan.coverage, FailOn::Never))
}
