//! Findings about objects and inputs that are told by no state and no field.

use std::io;

use super::escape::escape;
use super::layout::{BOLD, Pen};
use crate::report::record::Finding;

/// More are counted on a terminal.
const MOST: usize = 10;

/// What the objects themselves do not show.
const OF_OBJECTS: [&str; 2] = ["api-removed", "ownership-scrubbed"];

/// What kustomizations draw in.
const OF_INPUTS: [&str; 1] = ["input-unpinned"];

/// Writes them, where there are any.
pub(super) fn write(pen: &mut Pen<'_>, findings: &[Finding]) -> io::Result<()> {
    list(pen, findings, &OF_OBJECTS, ("object to look at", "objects to look at"))?;
    list(pen, findings, &OF_INPUTS, ("input that is not pinned", "inputs that are not pinned"))
}

fn list(pen: &mut Pen<'_>, findings: &[Finding], rules: &[&str], (one, several): (&str, &str)) -> io::Result<()> {
    let told: Vec<&Finding> = findings.iter().filter(|finding| rules.contains(&finding.rule.as_ref())).collect();
    if told.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    let heading = pen.counted(told.len(), one, several);
    pen.line(&pen.paint(BOLD, &heading))?;
    let most = if pen.style.width.is_some() { MOST } else { told.len() };
    for finding in told.iter().take(most) {
        pen.wrapped(&format!("  {}: {}", escape(&finding.rule), escape(&finding.message)), 4)?;
    }
    if told.len() > most {
        pen.line(&format!("  {} more: -o json=FILE", pen.count(told.len() - most)))?;
    }
    Ok(())
}
