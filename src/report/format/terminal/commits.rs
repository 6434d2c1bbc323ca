//! Commits that are not what they claim to be, and histories that were rewritten.

use std::io;

use super::escape::escape;
use super::layout::{BOLD, Pen};
use crate::report::record::Finding;

/// More are counted on a terminal.
const MOST: usize = 10;

/// Histories that do not descend from what an earlier scan saw.
const REWRITTEN: &str = "history-rewritten";

/// Findings of commits that ask for action; notes are counted in the summary.
pub(super) fn write(pen: &mut Pen<'_>, findings: &[Finding]) -> io::Result<()> {
    let told = findings.iter().filter(|finding| finding.commit.is_some() && finding.severity != "note");
    let (rewritten, told): (Vec<&Finding>, Vec<&Finding>) = told.partition(|finding| finding.rule == REWRITTEN);
    section(pen, rewritten_histories, &rewritten)?;
    section(pen, wrong_commits, &told)
}

fn section(pen: &mut Pen<'_>, heading: fn(&Pen<'_>, usize) -> String, told: &[&Finding]) -> io::Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    let heading = heading(pen, told.len());
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

/// `1 history was rewritten and 2 commits are not what they claim`, where something is so.
pub(super) fn errors(pen: &Pen<'_>, findings: &[Finding]) -> Option<String> {
    let errors = findings.iter().filter(|finding| finding.commit.is_some() && finding.severity == "error");
    let (rewritten, wrong): (Vec<&Finding>, Vec<&Finding>) = errors.partition(|finding| finding.rule == REWRITTEN);
    let mut clauses = Vec::new();
    if !rewritten.is_empty() {
        clauses.push(rewritten_histories(pen, rewritten.len()));
    }
    if !wrong.is_empty() {
        clauses.push(wrong_commits(pen, wrong.len()));
    }
    (!clauses.is_empty()).then(|| clauses.join(" and "))
}

fn wrong_commits(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "commit is not what it claims", "commits are not what they claim")
}

fn rewritten_histories(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "history was rewritten", "histories were rewritten")
}
