//! Commits that are not what they claim to be.

use std::io;

use super::escape::escape;
use super::layout::{BOLD, Pen};
use crate::report::record::Finding;

/// More are counted on a terminal.
const MOST: usize = 10;

/// Findings of commits that ask for action; notes are counted in the summary.
pub(super) fn write(pen: &mut Pen<'_>, findings: &[Finding]) -> io::Result<()> {
    let told: Vec<&Finding> = findings.iter().filter(|finding| finding.commit.is_some() && finding.severity != "note").collect();
    if told.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    let heading = counted(pen, told.len());
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

/// `1 commit is not what it claims`.
pub(super) fn counted(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "commit is not what it claims", "commits are not what they claim")
}
