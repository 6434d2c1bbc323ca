//! One field that differs: declared what, where, by whom, how proven; live what, by which manager, when.

use std::io;

use similar::{ChangeTag, TextDiff};

use super::Commits;
use super::escape::escape;
use super::layout::{GREEN, Pen, RED, columns, grid, pack, shorten};
use super::people::{origin, writer};
use super::value::{Side, pair};
use crate::report::object::{Difference, Object};

/// Values take no more columns of a table on a terminal.
const WIDEST_VALUE: usize = 48;

/// Where values begin.
const VALUE_COLUMN: usize = 14;

/// More lines of a text diff are counted on a terminal.
const MOST_LINES: usize = 24;

/// Longer texts are not compared line by line: their author decides how long that takes.
const LONGEST_TEXT: usize = 2_000;

pub(super) fn write(pen: &mut Pen<'_>, object: &Object, difference: &Difference, commits: &Commits<'_>) -> io::Result<()> {
    let declared = Side::of(difference.declared.as_ref(), difference.declared_redacted, difference.declared_truncated.as_ref());
    let live = Side::of(difference.live.as_ref(), difference.live_redacted, difference.live_truncated.as_ref());
    let origin = origin(pen, object, difference.origin.as_ref(), commits);
    let writer = writer(pen, difference.manager.as_ref());
    if let Some((before, after)) = texts(declared, live) {
        return write_texts(pen, difference, &origin, &writer, before, after);
    }
    field(pen, difference, meaning(difference))?;
    let absent = if difference.verdict == "removed" { "(gone)" } else { "(absent)" };
    let mut live_word = live.word(pen, absent);
    if let (Side::Secret, Side::Secret) = (declared, live) {
        live_word = "(another secret value)".to_owned();
    }
    let declared_word = (!matches!(declared, Side::Absent)).then(|| declared.word(pen, ""));
    values(pen, declared_word, live_word, &origin, &writer)
}

/// Both sides, where they are texts of which one has several lines and comparing them line by line ends in time.
fn texts<'a>(declared: Side<'a>, live: Side<'a>) -> Option<(&'a str, &'a str)> {
    let text = |side: Side<'a>| match side {
        Side::Value(serde_json::Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (before, after) = (text(declared)?, text(live)?);
    let is_short = before.lines().count() <= LONGEST_TEXT && after.lines().count() <= LONGEST_TEXT;
    ((declared.lines().is_some() || live.lines().is_some()) && is_short).then_some((before, after))
}

/// What the verdict says beyond that the values differ.
fn meaning(difference: &Difference) -> &'static str {
    match difference.verdict.as_ref() {
        "removed" => "removed live",
        "undeclared" => "not declared",
        "rewritten" => "rewritten: its applier still owns it",
        "stale" => "no longer declared, its applier still owns it",
        "never-converges" => "cannot become what is declared",
        "unknown" => "could not be judged",
        _ => "",
    }
}

fn field(pen: &mut Pen<'_>, difference: &Difference, meaning: &str) -> io::Result<()> {
    let low = if difference.confidence.is_some() { "low confidence" } else { "" };
    let notes: Vec<&str> = [meaning, low].into_iter().filter(|note| !note.is_empty()).collect();
    let field = escape(&difference.field).into_owned();
    let note = notes.join(", ");
    let line = format!("  {field}   {note}");
    if pen.fits(columns(line.trim_end())) {
        return pen.line(&line);
    }
    let room = pen.style.width.map_or(usize::MAX, |width| width.saturating_sub(2));
    pen.line(&format!("  {}", shorten(&field, room, pen.style.ascii)))?;
    if note.is_empty() { Ok(()) } else { pen.wrapped(&format!("    {note}"), 4) }
}

/// Two rows in columns: the parts of where and who stand beside the value, or below it where the terminal is too narrow.
fn values(pen: &mut Pen<'_>, declared: Option<String>, live: String, origin: &[String], writer: &str) -> io::Result<()> {
    let is_wide = [declared.as_deref().unwrap_or_default(), &live].into_iter().any(|value| columns(value) > WIDEST_VALUE);
    if pen.style.width.is_none() && is_wide {
        // Long values are not padded to each other's length.
        if let Some(declared) = declared {
            pen.packed(&format!("    declared  {declared}"), origin, VALUE_COLUMN)?;
        }
        return pen.packed(&format!("    live      {live}"), &[writer.to_owned()], VALUE_COLUMN);
    }
    let room = pen.style.width.map_or(usize::MAX, |_| WIDEST_VALUE);
    let (short_declared, short_live) = pair(pen, declared.clone().unwrap_or_default(), live.clone(), room);
    let lead = VALUE_COLUMN + columns(&short_declared).max(columns(&short_live)) + 3;
    let beside = pen.style.width.map_or(usize::MAX, |width| width.saturating_sub(lead));
    let widest_part = origin.iter().map(String::as_str).chain([writer]).map(columns).max().unwrap_or(0);
    if widest_part <= beside {
        let row = |label: &str, value: String, parts: &[String]| vec![format!("    {label}"), value, pack(parts, beside).join("\n")];
        let mut rows: Vec<Vec<String>> = declared.map(|_| row("declared", short_declared, origin)).into_iter().collect();
        rows.push(row("live    ", short_live, &[writer.to_owned()]));
        return grid(&rows, &[2, 3, 0]).iter().try_for_each(|line| pen.line(line));
    }
    let room = pen.style.width.map_or(usize::MAX, |width| width.saturating_sub(VALUE_COLUMN).max(8));
    let (short_declared, short_live) = pair(pen, declared.clone().unwrap_or_default(), live, room);
    if declared.is_some() {
        pen.line(&format!("    declared  {short_declared}"))?;
        below(pen, origin)?;
    }
    pen.line(&format!("    live      {short_live}"))?;
    below(pen, &[writer.to_owned()])
}

fn below(pen: &mut Pen<'_>, parts: &[String]) -> io::Result<()> {
    let room = pen.style.width.map_or(usize::MAX, |width| width.saturating_sub(VALUE_COLUMN));
    pack(parts, room).iter().try_for_each(|line| pen.wrapped(&format!("{}{line}", " ".repeat(VALUE_COLUMN)), VALUE_COLUMN))
}

fn write_texts(pen: &mut Pen<'_>, difference: &Difference, origin: &[String], writer: &str, before: &str, after: &str) -> io::Result<()> {
    let diff = TextDiff::from_lines(before, after);
    let changed = |tag: ChangeTag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let differing = changed(ChangeTag::Delete).max(changed(ChangeTag::Insert));
    let all = before.lines().count().max(after.lines().count());
    let verb = if differing == 1 { "differs" } else { "differ" };
    let note = format!("{} of {} {verb}", pen.count(differing), pen.counted(all, "line", "lines"));
    let meaning = meaning(difference);
    field(pen, difference, &if meaning.is_empty() { note } else { format!("{note}, {meaning}") })?;
    pen.packed("    --- declared", origin, 8)?;
    pen.packed("    +++ live    ", &[writer.to_owned()], 8)?;
    let lines = hunks(pen, &diff);
    let most = if pen.style.width.is_some() { MOST_LINES } else { lines.len() };
    lines.iter().take(most).try_for_each(|line| pen.line(line))?;
    if lines.len() > most {
        pen.line(&format!("    {}", pen.counted(lines.len() - most, "more line", "more lines")))?;
    }
    Ok(())
}

fn hunks(pen: &Pen<'_>, diff: &TextDiff<'_, '_, str>) -> Vec<String> {
    let room = pen.style.width.map_or(usize::MAX, |width| width.saturating_sub(5).max(8));
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        lines.push(format!("    {}", hunk.header()));
        for change in hunk.iter_changes() {
            let (sign, look) = match change.tag() {
                ChangeTag::Delete => ("-", Some(RED)),
                ChangeTag::Insert => ("+", Some(GREEN)),
                ChangeTag::Equal => (" ", None),
            };
            let text = format!("{sign}{}", shorten(&visible(change.value()), room, pen.style.ascii));
            lines.push(format!("    {}", look.map_or_else(|| text.clone(), |look| pen.paint(look, &text))));
            if change.missing_newline() {
                lines.push("    \\ no line break at the end".to_owned());
            }
        }
    }
    lines
}

/// A line of a text. Blanks at its end are shown: they may be all that differs.
fn visible(line: &str) -> String {
    let line = escape(line.strip_suffix('\n').unwrap_or(line)).into_owned();
    let text = line.trim_end_matches(' ');
    let blanks = line.len() - text.len();
    format!("{text}{}", "\\x20".repeat(blanks))
}
