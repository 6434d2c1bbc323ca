//! `kubewitness blame KIND/NAME`: who declared each field of one object.

use super::output;
use super::select::Selector;
use super::{Error, Options, Outcome, Prepared, Screen, outcome, prepare};
use crate::config::FailOn;
use crate::report::blame::Blame;
use crate::scan::{self as pipeline, Selection};

/// Blames and says how it ended: clean, or partial where something could not be told.
///
/// # Errors
/// Where there is no such object or the scan cannot be trusted.
pub async fn blame(options: Options, selector: &Selector, json: bool, screen: &Screen) -> Result<Outcome, Error> {
    let Prepared { mut readers, mut policy, run, .. } = prepare(options, &screen.progress).await?;
    let mut declared = pipeline::declared(&mut readers, &policy, &run, &screen.progress).await?;
    let object = selector.find(&declared.declarations, &declared.kinds)?;
    declared.declarations.retain(|declaration| declaration.id == object);
    // What other objects suffer from does not concern this one.
    declared.not_evaluated.retain(|gap| gap.object.as_ref() == Some(&object));
    declared.excluded.clear();
    policy.selection = Selection::Object(object.clone());
    policy.compare.undeclared_namespaces.clear();
    let scan = pipeline::judged(&readers, declared, &policy, run, &screen.progress).await?;
    screen.progress.finish();
    let blame = Blame::of(&scan, &object).ok_or_else(|| Error::Usage(format!("{object} could not be compared")))?;
    if json {
        output::to_stdout(|out| blame.encode_json(out))?;
    } else {
        output::to_stdout(|out| blame.encode_terminal(&screen.style(), out))?;
    }
    Ok(outcome(&scan, FailOn::Never))
}
