//! Commits and tags that are not what they claim to be, histories that were rewritten, and what the trust policy does not let through.

use std::io;

use super::escape::escape;
use super::layout::{BOLD, Pen};
use crate::report::record::Finding;

/// More are counted on a terminal.
const MOST: usize = 10;

/// The rules that only a trust policy makes more than notes of.
const OF_POLICY: [&str; 2] = ["commit-unsigned", "signer-untrusted"];

/// Histories that do not descend from what an earlier scan saw.
const REWRITTEN: &str = "history-rewritten";

/// Commits that are on no branch or tag.
const UNREACHABLE: &str = "revision-unreachable";

/// Tags that are not what their reference or their signature says.
const TAG: &str = "tag-mismatched";

/// Findings that ask for action; notes are counted in the summary.
pub(super) fn write(pen: &mut Pen<'_>, findings: &[Finding]) -> io::Result<()> {
    let Parted { rewritten, unreachable, tags, claims, breaches } = parted(findings);
    list(pen, &rewritten, rewritten_histories)?;
    list(pen, &unreachable, unreachable_commits)?;
    list(pen, &tags, counted_tags)?;
    list(pen, &claims, counted)?;
    list(pen, &breaches, counted_breaches)
}

/// What is to be said of them beside the verdict. A claim counts where it is an error.
pub(super) fn clauses(pen: &Pen<'_>, findings: &[Finding]) -> Vec<String> {
    let Parted { rewritten, unreachable, tags, claims, breaches } = parted(findings);
    let wrong = claims.iter().filter(|finding| finding.severity == "error").count();
    let mut clauses = Vec::new();
    clauses.extend((!rewritten.is_empty()).then(|| rewritten_histories(pen, rewritten.len())));
    clauses.extend((!unreachable.is_empty()).then(|| unreachable_commits(pen, unreachable.len())));
    clauses.extend((!tags.is_empty()).then(|| counted_tags(pen, tags.len())));
    clauses.extend((wrong > 0).then(|| counted(pen, wrong)));
    clauses.extend((!breaches.is_empty()).then(|| counted_breaches(pen, breaches.len())));
    clauses
}

struct Parted<'a> {
    rewritten: Vec<&'a Finding>,
    unreachable: Vec<&'a Finding>,
    tags: Vec<&'a Finding>,
    claims: Vec<&'a Finding>,
    breaches: Vec<&'a Finding>,
}

fn parted(findings: &[Finding]) -> Parted<'_> {
    let is_of_policy = |finding: &Finding| OF_POLICY.contains(&finding.rule.as_ref());
    let told = findings.iter().filter(|finding| finding.severity != "note" && (finding.commit.is_some() || is_of_policy(finding)));
    let (breaches, others): (Vec<_>, Vec<_>) = told.partition(|finding| is_of_policy(finding));
    let (rewritten, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|finding| finding.rule == REWRITTEN);
    let (unreachable, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|finding| finding.rule == UNREACHABLE);
    let (tags, claims) = others.into_iter().partition(|finding| finding.rule == TAG);
    Parted { rewritten, unreachable, tags, claims, breaches }
}

fn list(pen: &mut Pen<'_>, told: &[&Finding], counted: fn(&Pen<'_>, usize) -> String) -> io::Result<()> {
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
fn counted(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "commit is not what it claims", "commits are not what they claim")
}

/// `1 commit is not let through by the trust policy`. What no commit is credited with counts as one.
fn counted_breaches(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "commit is not let through by the trust policy", "commits are not let through by the trust policy")
}

/// `1 tag is not what it claims`.
fn counted_tags(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "tag is not what it claims", "tags are not what they claim")
}

fn rewritten_histories(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "history was rewritten", "histories were rewritten")
}

fn unreachable_commits(pen: &Pen<'_>, count: usize) -> String {
    pen.counted(count, "commit that is asked for is on no branch or tag", "commits that are asked for are on no branch or tag")
}
