//! `kubewitness blame KIND/NAME`: who declared each field of one object.

use super::field::FieldChoice;
use super::output;
use super::select::Selector;
use super::{Error, Options, Outcome, Prepared, Screen, outcome, prepare, recall, refuse_inside};
use crate::compare;
use crate::config::FailOn;
use crate::model::declaration::Declaration;
use crate::model::object::{FieldPath, ObjectId, Pointer};
use crate::model::scan::Scan;
use crate::report::Format;
use crate::report::blame::Blame;
use crate::scan::{self as pipeline, Judged};

/// Blames and says how it ended: clean, or partial where something could not be told. With a `field`, only what is at or below it.
///
/// # Errors
/// Where there is no such object or field, or the scan cannot be trusted.
pub async fn blame(
    options: Options,
    selector: &Selector,
    field: Option<&FieldChoice>,
    format: &Format,
    screen: &Screen,
) -> Result<Outcome, Error> {
    let encode = format.blame.ok_or_else(|| Error::Usage(format!("blame cannot be written as {}", format.id)))?;
    let Prepared { mut readers, mut policy, run, state, trust_file, .. } = prepare(options, &screen.progress).await?;
    let mut declared = pipeline::declared(&mut readers, &policy, &run, &screen.progress).await?;
    refuse_inside(&readers.sources, trust_file.as_deref(), &policy)?;
    let object = selector.narrow(&mut declared)?;
    policy.compare.undeclared_namespaces.clear();
    recall(state, &readers.sources, &mut declared);
    let Judged { scan, schemas } = pipeline::judged(&readers, declared, &policy, run, &screen.progress).await;
    screen.progress.finish();
    let leaf_names = |declaration: &Declaration| compare::leaf_names(declaration, &schemas);
    let mut blame = Blame::of(&scan, &object, &leaf_names).ok_or_else(|| Error::Usage(format!("{object} could not be compared")))?;
    if let Some(field) = field {
        blame = blame.below(field.text(), &field.meant(&object, &names(&scan, &object, &leaf_names))?);
    }
    output::to_stdout(|out| encode(&blame, &screen.style(), out))?;
    Ok(outcome(&scan.findings, &scan.comparisons, &scan.not_evaluated, &scan.coverage, FailOn::Never))
}

/// What the object has: the leaves that are declared, and whatever differs live.
fn names(scan: &Scan, object: &ObjectId, leaf_names: &dyn Fn(&Declaration) -> Vec<(FieldPath, Pointer)>) -> Vec<(FieldPath, Pointer)> {
    let mut names: Vec<(FieldPath, Pointer)> = Vec::new();
    for comparison in scan.comparisons.iter().filter(|comparison| comparison.id == *object) {
        names.extend(comparison.declaration.and_then(|index| scan.declarations.get(index)).map(leaf_names).unwrap_or_default());
        names.extend(comparison.differences.iter().map(|difference| (difference.field.clone(), difference.pointer.clone())));
    }
    names
}
