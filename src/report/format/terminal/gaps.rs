//! What could not be judged, by reason, and what to do about it.

use std::collections::BTreeMap;
use std::io;

use super::escape::escape;
use super::layout::{BOLD, Pen, grid, widest};
use super::subject::name;
use super::tally::Tally;
use crate::report::objects::Objects;
use crate::report::record::{Coverage, NotEvaluated, Unlisted};

/// Subjects of one reason that are named; more are counted.
const MOST_NAMED: usize = 3;

/// Reasons that are listed on a terminal; more are counted.
const MOST_REASONS: usize = 12;

/// One reason with all that it kept from being judged.
#[derive(Default)]
struct Group {
    objects: usize,
    subjects: Vec<String>,
    detail: Option<String>,
}

pub(super) fn write(pen: &mut Pen<'_>, objects: &Objects<'_>, tally: &Tally, coverage: &Coverage, gaps: &[NotEvaluated]) -> io::Result<()> {
    let groups = groups(objects, tally, gaps);
    if groups.is_empty() && coverage.unlisted.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    pen.line(&pen.paint(BOLD, "Not evaluated"))?;
    let most = if pen.style.width.is_some() { MOST_REASONS } else { groups.len() };
    let rows: Vec<Vec<String>> = groups.iter().take(most).map(|((label, reason), group)| row(pen, label, reason, group)).collect();
    write_rows(pen, rows)?;
    if groups.len() > most {
        pen.line(&format!("  {}: -o json=FILE", pen.counted(groups.len() - most, "more reason", "more reasons")))?;
    }
    unlisted(pen, &coverage.unlisted)
}

fn write_rows(pen: &mut Pen<'_>, rows: Vec<Vec<String>>) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let (rows, pictures): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| !row[1].contains('\n'));
    write_short(pen, rows)?;
    for row in pictures {
        pen.wrapped(&row[0], 4)?;
        // The lines of a picture stand below each other; wrapped they would show nothing.
        row[1].lines().try_for_each(|line| pen.line(&format!("    {line}")))?;
    }
    Ok(())
}

fn write_short(pen: &mut Pen<'_>, rows: Vec<Vec<String>>) -> io::Result<()> {
    let lines = grid(&rows, &[3]);
    if pen.fits(widest(&lines)) {
        return lines.iter().try_for_each(|line| pen.line(line));
    }
    for row in rows {
        pen.wrapped(&row[0], 4)?;
        if !row[1].is_empty() {
            pen.wrapped(&format!("    {}", row[1]), 4)?;
        }
    }
    Ok(())
}

/// By kind (or stage) and reason.
fn groups(objects: &Objects<'_>, tally: &Tally, gaps: &[NotEvaluated]) -> BTreeMap<(String, String), Group> {
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    for gap in gaps {
        let label = gap.object.as_ref().map_or_else(|| gap.stage.to_string(), |object| object.kind.clone());
        let group = groups.entry((label, gap.reason.clone())).or_default();
        group.objects += usize::from(gap.object.is_some());
        group.subjects.push(gap.subject.clone());
        group.detail = group.detail.take().or_else(|| gap.detail.clone());
    }
    for (field, decided_by) in &tally.untold_fields {
        groups.entry(("field".to_owned(), decided_by.clone())).or_default().subjects.push(field.clone());
    }
    for object in objects.in_state("unknown") {
        let is_told = |gap: &NotEvaluated| {
            gap.object.as_ref().is_some_and(|gap| {
                gap.name == object.name && gap.kind == object.kind && gap.namespace == object.namespace && gap.group == object.group
            })
        };
        if gaps.iter().any(is_told) {
            continue;
        }
        let reason = object.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        let group = groups.entry((object.kind.clone(), reason)).or_default();
        group.objects += 1;
        group.subjects.push(name(&object));
    }
    groups
}

/// `Secret: forbidden (30 objects)` and what to do.
fn row(pen: &Pen<'_>, label: &str, reason: &str, group: &Group) -> Vec<String> {
    let subject = match (group.objects, group.subjects.as_slice()) {
        (_, [one]) => format!("{}: {}", escape(one), escape(reason)),
        (0, several) => format!("{}: {}", named(pen, several), escape(reason)),
        (objects, _) => format!("{}: {} ({})", escape(label), escape(reason), pen.counted(objects, "object", "objects")),
    };
    let help = help(reason).map(str::to_owned);
    let help = help.or_else(|| group.detail.as_deref().map(readable));
    vec![format!("  {subject}"), help.unwrap_or_default()]
}

/// Its lines are kept, each escaped.
fn readable(detail: &str) -> String {
    detail.lines().map(escape).collect::<Vec<_>>().join("\n")
}

fn named(pen: &Pen<'_>, subjects: &[String]) -> String {
    let shown: Vec<_> = subjects.iter().take(MOST_NAMED).map(|subject| escape(subject)).collect();
    let rest = subjects.len() - shown.len();
    let names = shown.join(", ");
    if rest == 0 { names } else { format!("{names} and {} more", pen.count(rest)) }
}

fn help(reason: &str) -> Option<&'static str> {
    match reason {
        "forbidden" => Some("these credentials may not read it; `kubewitness rbac` prints the rule"),
        "not versioned" => Some("without Git there is no author to name"),
        "not in the recording" => Some("the recording does not say whether it was there"),
        "namespace unknown" => Some("give the source a `namespace`"),
        _ => None,
    }
}

fn unlisted(pen: &mut Pen<'_>, kinds: &[Unlisted]) -> io::Result<()> {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for kind in kinds {
        let group = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
        let namespace = kind.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        reasons.entry(&kind.reason).or_default().push(format!("{}{group}{namespace}", kind.kind));
    }
    for (reason, kinds) in reasons {
        let kinds = named(pen, &kinds);
        pen.wrapped(&format!("  not listed: {kinds} ({}); what there is of them is in no number above", escape(reason)), 4)?;
    }
    Ok(())
}
