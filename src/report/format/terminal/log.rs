//! The commits that changed one declared object, newest first: who, how proven, and each field from what to what.

use std::collections::BTreeSet;
use std::io;
use std::io::Write;

use similar::{ChangeTag, TextDiff};

use super::escape::escape;
use super::layout::{BOLD, GREEN, Pen, RED, columns, shorten};
use super::people::{author, because, place, proof, short};
use super::value::{Side, pair};
use super::verdict::source;
use super::{Commits, by_id};
use crate::report::encoder::Style;
use crate::report::log::{Change, FieldChange, Log};

/// More fields of one change are counted on a terminal.
const MOST_FIELDS: usize = 40;

/// More commits among which it cannot be told who made a change are counted on a terminal.
const MOST_CANDIDATES: usize = 8;

/// Longer texts are not compared line by line: their author decides how long that takes.
const LONGEST_TEXT: usize = 2_000;

pub(super) fn write(log: &Log, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut pen = Pen::new(style, "Git", out);
    heading(&mut pen, log)?;
    let commits = by_id(&log.commits);
    // The file is named where it is not always the same.
    let files: BTreeSet<&str> = log.changes.iter().map(|change| change.path.as_str()).collect();
    let names_files = files.len() > 1 || log.declared.len() > 1;
    let mut previous: Option<&Change> = None;
    for change in &log.changes {
        let is_same = |previous: &Change| previous.commit.is_some() && previous.commit == change.commit && previous.source == change.source;
        if !previous.is_some_and(is_same) {
            pen.line("")?;
            who(&mut pen, change, &commits)?;
        }
        what(&mut pen, change, names_files)?;
        previous = Some(change);
    }
    older(&mut pen, log)
}

fn heading(pen: &mut Pen<'_>, log: &Log) -> io::Result<()> {
    let object = &log.object;
    let namespace = object.namespace.as_ref().map(|namespace| format!("{}/", escape(namespace))).unwrap_or_default();
    let name = format!("{} {namespace}{}", escape(&object.kind), escape(&object.name));
    let mut parts = vec![pen.paint(BOLD, &shorten(&name, pen.style.width.unwrap_or(usize::MAX), pen.style.ascii))];
    parts.extend(log.sources.iter().map(source));
    parts.push(match log.declared.as_slice() {
        [only] => only.path.as_ref().map_or_else(|| "rendered".to_owned(), |path| place(path, only.line)),
        several => pen.counted(several.len(), "document has a part in it", "documents have a part in it"),
    });
    let told: BTreeSet<(&str, Option<&str>, &[String])> =
        log.changes.iter().map(|change| (change.source.as_str(), change.commit.as_deref(), change.candidates.as_slice())).collect();
    parts.push(if log.omitted > 0 {
        format!("the newest {} of {}", pen.count(told.len()), pen.counted(told.len() + log.omitted, "change", "changes"))
    } else {
        pen.counted(told.len(), "change", "changes")
    });
    pen.parts(&parts)
}

fn who(pen: &mut Pen<'_>, change: &Change, commits: &Commits<'_>) -> io::Result<()> {
    let known = |id: &str| commits.get(&(change.source.as_str(), id)).copied();
    if let Some(commit) = change.commit.as_deref().and_then(known) {
        let lead = pen.paint(BOLD, &author(pen, commit));
        pen.packed(&lead, &[proof(commit, &commit.verdict)], 4)?;
        return pen.wrapped(&format!("    {}", escape(&commit.subject)), 4);
    }
    let why = match change.reason.as_deref() {
        Some("unreadable-version") => "a version between them cannot be read, so it cannot be told which of them it was".to_owned(),
        Some("unreadable-history") => "what was there before cannot be read".to_owned(),
        other => other.map(|reason| escape(reason).into_owned()).unwrap_or_default(),
    };
    pen.wrapped(&format!("{}: {why}", pen.paint(BOLD, "no commit credited")), 4)?;
    let most = if pen.style.width.is_some() { MOST_CANDIDATES } else { change.candidates.len() };
    for id in change.candidates.iter().take(most) {
        let told = known(id).map_or_else(|| short(id), |commit| format!("{}   {}", author(pen, commit), proof(commit, &commit.verdict)));
        pen.wrapped(&format!("    one of: {told}"), 6)?;
    }
    if change.candidates.len() > most {
        pen.line(&format!("    or one of {} more: -o json", pen.count(change.candidates.len() - most)))?;
    }
    Ok(())
}

fn what(pen: &mut Pen<'_>, change: &Change, names_files: bool) -> io::Result<()> {
    let arrow = if pen.style.ascii { "->" } else { "→" };
    match &change.moved_from {
        Some(from) => pen.wrapped(&format!("  moved: {} {arrow} {}", escape(from), escape(&change.path)), 4)?,
        None if names_files => pen.wrapped(&format!("  in {}", escape(&change.path)), 4)?,
        None => {}
    }
    if change.created {
        pen.line("  not there before")?;
    }
    if change.fields.is_empty() && change.untold == 0 {
        pen.wrapped(&format!("  {}", without_fields(change)), 4)?;
    }
    let most = if pen.style.width.is_some() { MOST_FIELDS } else { change.fields.len() };
    change.fields.iter().take(most).try_for_each(|field| self::field(pen, field))?;
    let more = change.fields.len().saturating_sub(most) + change.untold;
    if more > 0 {
        let remedy = if change.untold == 0 { ": -o json" } else { " that are too large to be listed" };
        pen.line(&format!("  {}{remedy}", pen.counted(more, "more field", "more fields")))?;
    }
    Ok(())
}

fn without_fields(change: &Change) -> &'static str {
    if change.merge {
        "merges what several sides changed, and sets nothing of its own"
    } else if change.reason.is_some() {
        "what it changed is not known"
    } else {
        "the same values, written otherwise"
    }
}

fn field(pen: &mut Pen<'_>, change: &FieldChange) -> io::Result<()> {
    let before = Side::of(change.before.as_ref(), change.before_redacted, change.before_truncated.as_ref());
    let after = Side::of(change.after.as_ref(), change.after_redacted, change.after_truncated.as_ref());
    let (mark, look) = match change.change.as_ref() {
        "added" => ("+", GREEN),
        "removed" => ("-", RED),
        _ => ("~", BOLD),
    };
    let room = pen.style.width.map_or(usize::MAX, |width| width.saturating_sub(4));
    let name = shorten(&escape(&change.field), room, pen.style.ascii);
    let mark = pen.paint(look, mark);
    let beside = room.saturating_sub(columns(&name) + 2);
    let whole = value(pen, before, after, usize::MAX);
    if columns(&whole) <= beside {
        return pen.line(&format!("  {mark} {name}  {whole}"));
    }
    pen.line(&format!("  {mark} {name}"))?;
    let below = value(pen, before, after, room.saturating_sub(4));
    pen.line(&format!("        {below}"))
}

/// `2 → 3`, `12 lines changed`, or the one side that there is, in so many columns.
fn value(pen: &Pen<'_>, before: Side<'_>, after: Side<'_>, room: usize) -> String {
    let ascii = pen.style.ascii;
    match (before, after) {
        (Side::Secret, Side::Secret) => "changed".to_owned(),
        (Side::Absent, one) | (one, Side::Absent) => match one.lines() {
            Some(text) => format!("({})", pen.counted(text.lines().count(), "line", "lines")),
            None => shorten(&one.word(pen, ""), room, ascii),
        },
        _ => {
            if let Some(lines) = lines_changed(pen, before, after) {
                return lines;
            }
            let arrow = if ascii { " -> " } else { " → " };
            let each = if room == usize::MAX { room } else { room.saturating_sub(arrow.len()) / 2 };
            let (before, after) = pair(pen, before.word(pen, ""), after.word(pen, ""), each);
            format!("{before}{arrow}{after}")
        }
    }
}

/// Where one of two texts has several lines.
fn lines_changed(pen: &Pen<'_>, before: Side<'_>, after: Side<'_>) -> Option<String> {
    let text = |side: Side<'_>| match side {
        Side::Value(serde_json::Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    before.lines().or(after.lines())?;
    let (Some(old), Some(new)) = (text(before), text(after)) else { return Some("changed".to_owned()) };
    if old.lines().count() > LONGEST_TEXT || new.lines().count() > LONGEST_TEXT {
        return Some("lines changed".to_owned());
    }
    let diff = TextDiff::from_lines(&old, &new);
    let count = |tag: ChangeTag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let changed = count(ChangeTag::Delete).max(count(ChangeTag::Insert));
    Some(format!("{} changed", pen.counted(changed, "line", "lines")))
}

/// Why there is nothing more below.
fn older(pen: &mut Pen<'_>, log: &Log) -> io::Result<()> {
    if log.omitted > 0 {
        pen.line("")?;
        pen.line(&format!("older: {} left out by --limit", pen.counted(log.omitted, "commit", "commits")))?;
    }
    for end in &log.ends {
        let why = match end.reason.as_ref() {
            "before-history" => "the history is cut off there",
            "timed-out" => "there was no time for what is behind it",
            _ => "what is behind it cannot be read",
        };
        pen.line("")?;
        pen.wrapped(
            &format!(
                "older changes of {} are not told: {} is the last commit that was reached, and {why}",
                escape(&end.document),
                short(&end.commit)
            ),
            2,
        )?;
    }
    let untold: Vec<_> = log.not_evaluated.iter().filter(|gap| !gap.subject.starts_with("older changes of ")).collect();
    if !untold.is_empty() {
        pen.line("")?;
        pen.line(&pen.paint(BOLD, "Not evaluated"))?;
    }
    for gap in untold {
        let reason = because(std::slice::from_ref(&gap.reason));
        let detail =
            gap.detail.as_ref().and_then(|detail| detail.lines().next()).map(|detail| format!(" {}", escape(detail))).unwrap_or_default();
        pen.wrapped(&format!("  {}{reason}{detail}", escape(&gap.subject)), 4)?;
    }
    Ok(())
}
