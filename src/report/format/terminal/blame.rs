//! Who declared every field of one object: one row a field, in the order of the file.

use std::io::{self, Write};

use super::Commits;
use super::by_id;
use super::escape::escape;
use super::layout::{BOLD, Pen, columns, grid, shorten, widest};
use super::people::{author, because, key, place, proof, short, writer};
use super::subject::name;
use super::time::day;
use super::value::Side;
use super::verdict::source;
use crate::report::blame::{Blame, Field};
use crate::report::commit::Commit;
use crate::report::encoder::Style;

pub(super) fn write(blame: &Blame, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut pen = Pen::new(style, "Git", out);
    let differing = blame.fields.iter().filter(|field| is_differing(field)).count();
    let mut heading = vec![pen.paint(BOLD, &shorten(&name(&blame.object), pen.style.width.unwrap_or(usize::MAX), pen.style.ascii))];
    heading.extend(blame.sources.iter().map(source));
    heading.push(match blame.object.state.as_ref() {
        "synced" | "drifted" | "terminating" => {
            let all = pen.counted(blame.fields.len(), "declared field", "declared fields");
            format!("{} of {all} {} live", pen.count(differing), if differing == 1 { "differs" } else { "differ" })
        }
        "undeclared" => "declared nowhere".to_owned(),
        state => {
            let reason = blame.object.reason.as_ref().map(|reason| format!(": {}", escape(reason))).unwrap_or_default();
            format!("{}{reason}", escape(state))
        }
    });
    pen.parts(&heading)?;
    let commits = by_id(&blame.commits);
    let mut fields: Vec<&Field> = blame.fields.iter().collect();
    fields.sort_by_key(|field| field.origin.as_ref().map(|origin| (&origin.source, &origin.path, origin.line)));
    rows(&mut pen, blame, &fields, &commits)?;
    no_authors(&mut pen, blame, &commits)?;
    extra(&mut pen, blame)
}

fn is_differing(field: &Field) -> bool {
    matches!(field.verdict.as_ref(), "drifted" | "removed" | "rewritten" | "never-converges")
}

/// How much of a row is shown, from all to what fits a narrow terminal.
#[derive(Clone, Copy)]
struct Detail {
    /// Last steps of the field that are kept.
    steps: usize,
    /// Columns of the path.
    path: usize,
    /// Whether the live value stands in the row, and not below it.
    is_live_inside: bool,
}

const DETAILS: [Detail; 4] = [
    Detail { steps: usize::MAX, path: usize::MAX, is_live_inside: true },
    Detail { steps: 2, path: usize::MAX, is_live_inside: true },
    Detail { steps: 2, path: usize::MAX, is_live_inside: false },
    Detail { steps: 1, path: 20, is_live_inside: false },
];

/// As much of every row as fits; where even the least does not, stacked.
fn rows(pen: &mut Pen<'_>, blame: &Blame, fields: &[&Field], commits: &Commits<'_>) -> io::Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    for detail in DETAILS {
        let lines = table(pen, blame, fields, commits, detail);
        if pen.fits(widest(&lines)) {
            return lines.iter().try_for_each(|line| pen.line(line));
        }
    }
    stacked(pen, blame, fields, commits)
}

fn table(pen: &Pen<'_>, blame: &Blame, fields: &[&Field], commits: &Commits<'_>, detail: Detail) -> Vec<String> {
    let mut rows = Vec::with_capacity(fields.len());
    let mut previous: Option<&Field> = None;
    for field in fields {
        // A pipe repeats everything, so that a line found by grep stands for itself.
        let repeats = pen.style.width.is_some() && previous.is_some_and(|previous| is_same_origin(previous, field));
        let mut row = who(pen, blame, field, commits);
        let path = shorten(&path(field), detail.path, pen.style.ascii);
        let line = field.origin.as_ref().and_then(|origin| origin.line).map(|line| format!(":{line}")).unwrap_or_default();
        if repeats {
            row.iter_mut().for_each(String::clear);
            row.push(format!("{}{line}", " ".repeat(columns(&path))));
        } else {
            row.push(format!("{path}{line}"));
        }
        row.push(last_steps(pen, &field.field, detail.steps));
        row.push(declared(pen, field));
        if detail.is_live_inside {
            row.push(live(pen, field));
        }
        rows.push(row);
        previous = Some(field);
    }
    let lines = grid(&rows, &[2]);
    if detail.is_live_inside {
        return lines;
    }
    let indent = " ".repeat(widest(&grid(&rows.iter().map(|row| row[..6].to_vec()).collect::<Vec<_>>(), &[2])) + 2);
    let below = |(line, field): (String, &&Field)| {
        let live = live(pen, field);
        std::iter::once(line).chain((!live.is_empty()).then(|| format!("{indent}{live}")))
    };
    lines.into_iter().zip(fields).flat_map(below).collect()
}

fn is_same_origin(left: &Field, right: &Field) -> bool {
    let key = |field: &Field| field.origin.as_ref().map(|origin| (origin.source.clone(), origin.path.clone(), origin.authored_by.clone()));
    key(left) == key(right)
}

fn path(field: &Field) -> String {
    match field.origin.as_ref().map(|origin| &origin.path) {
        Some(Some(path)) => place(path, None),
        Some(None) => "rendered".to_owned(),
        None => String::new(),
    }
}

/// Key, mark, commit, author, day.
fn who(pen: &Pen<'_>, blame: &Blame, field: &Field, commits: &Commits<'_>) -> Vec<String> {
    let Some((commit, verdict)) = credited(field, commits) else {
        let reasons = blame.object.attribution.as_ref().map(|attribution| because(&attribution.reasons)).unwrap_or_default();
        return vec![format!("no commit{reasons}"), "?".into(), String::new(), String::new(), String::new()];
    };
    let day = commit.author.time.map(day).unwrap_or_default();
    vec![tag(pen, commit, verdict), mark(pen, verdict).to_owned(), short(&commit.id), escape(&commit.author.name).into_owned(), day]
}

fn credited<'a>(field: &'a Field, commits: &Commits<'a>) -> Option<(&'a Commit, &'a str)> {
    let origin = field.origin.as_ref()?;
    let commit = commits.get(&(origin.source.as_str(), origin.authored_by.as_deref()?))?;
    Some((commit, origin.verdict.as_deref().unwrap_or(&commit.verdict)))
}

/// The shortest word for how a commit is proven.
fn tag(pen: &Pen<'_>, commit: &Commit, verdict: &str) -> String {
    let signature = commit.signature.as_ref();
    match verdict {
        "unsigned" => "unsigned".to_owned(),
        "invalid" => "wrong signature".to_owned(),
        "forge-attested" => signature
            .and_then(|signature| signature.forge.as_deref())
            .map_or_else(|| "forge".to_owned(), |forge| escape(forge).into_owned()),
        _ => {
            let key = signature.and_then(key).unwrap_or_else(|| "no key".to_owned());
            let length = key.chars().count();
            let mark = if pen.style.ascii { "..." } else { "…" };
            if key.starts_with("SHA256:") || length < 16 || pen.style.width.is_none() {
                key
            } else {
                format!("{mark}{}", key.chars().skip(length - 8).collect::<String>())
            }
        }
    }
}

fn mark(pen: &Pen<'_>, verdict: &str) -> &'static str {
    match (verdict, pen.style.ascii) {
        ("verified-author", false) => "✔",
        ("verified-author", true) => "+",
        ("verified-committer" | "forge-attested" | "bot-attested" | "group-verified", _) => "~",
        ("invalid", false) => "✘",
        ("invalid", true) => "x",
        ("unverifiable", _) => "?",
        _ => "!",
    }
}

/// `…requests.cpu`. Steps are never cut: `containers[name=web]` is one.
fn last_steps(pen: &Pen<'_>, field: &str, steps: usize) -> String {
    let mut depth = 0_u32;
    let mut starts = Vec::new();
    for (position, character) in field.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => starts.push(position + 1),
            _ => {}
        }
    }
    let mark = if pen.style.ascii { "..." } else { "…" };
    match starts.len().checked_sub(steps).and_then(|first| starts.get(first)) {
        Some(start) => format!("{mark}{}", escape(&field[*start..])),
        None => escape(field).into_owned(),
    }
}

fn declared(pen: &Pen<'_>, field: &Field) -> String {
    one_line(pen, Side::of(field.declared.as_ref(), field.declared_redacted, field.declared_truncated.as_ref()), "")
}

/// Empty where the field is as declared.
fn live(pen: &Pen<'_>, field: &Field) -> String {
    let sign = if pen.style.ascii { "!=" } else { "≠" };
    match field.verdict.as_ref() {
        "removed" => format!("{sign} gone live"),
        "drifted" | "rewritten" | "never-converges" => {
            let live = Side::of(field.live.as_ref(), field.live_redacted, field.live_truncated.as_ref());
            format!("{sign} live {}, {}", one_line(pen, live, "another value"), writer(pen, field.manager.as_ref()))
        }
        "unknown" => "? live not judged".to_owned(),
        "pending" => "not applied yet".to_owned(),
        _ => String::new(),
    }
}

fn one_line(pen: &Pen<'_>, side: Side<'_>, absent: &str) -> String {
    match (side.lines(), pen.style.width) {
        (Some(text), Some(_)) => format!("({} lines)", pen.count(text.lines().count())),
        (_, None) => side.word(pen, absent),
        (None, Some(_)) => shorten(&side.word(pen, absent), 40, pen.style.ascii),
    }
}

fn stacked(pen: &mut Pen<'_>, blame: &Blame, fields: &[&Field], commits: &Commits<'_>) -> io::Result<()> {
    let mut previous: Option<&Field> = None;
    for field in fields {
        if previous.is_none_or(|previous| !is_same_origin(previous, field)) {
            let who = match credited(field, commits) {
                Some((commit, verdict)) => format!(
                    "{} {}{}, {}",
                    short(&commit.id),
                    escape(&commit.author.name),
                    commit.author.time.map(|time| format!(", {}", day(time))).unwrap_or_default(),
                    proof(commit, verdict)
                ),
                None => self::who(pen, blame, field, commits).swap_remove(0),
            };
            pen.wrapped(&who, 2)?;
            pen.wrapped(&format!("  {}", path(field)), 2)?;
        }
        let line = field.origin.as_ref().and_then(|origin| origin.line).map(|line| format!("{line}: ")).unwrap_or_default();
        pen.wrapped(&format!("    {line}{}  {}", last_steps(pen, &field.field, 2), declared(pen, field)), 6)?;
        let live = live(pen, field);
        if !live.is_empty() {
            pen.wrapped(&format!("      {live}"), 6)?;
        }
        previous = Some(field);
    }
    Ok(())
}

/// Who only wrote it otherwise or moved it.
fn no_authors(pen: &mut Pen<'_>, blame: &Blame, commits: &Commits<'_>) -> io::Result<()> {
    let (Some(declared), Some(attribution)) = (&blame.object.declared, &blame.object.attribution) else { return Ok(()) };
    for (what, id) in [("only reformatted by", &attribution.touched_by), ("only moved by", &attribution.moved_by)] {
        if let Some(commit) = id.as_deref().and_then(|id| commits.get(&(declared.source.as_str(), id))) {
            let text = format!("{what} {}", author(pen, commit));
            pen.wrapped(&text, 2)?;
        }
    }
    Ok(())
}

/// Fields that are live and declared nowhere have no row.
fn extra(pen: &mut Pen<'_>, blame: &Blame) -> io::Result<()> {
    let extra: Vec<_> = blame.object.differences.iter().filter(|found| matches!(found.verdict.as_ref(), "undeclared" | "stale")).collect();
    if extra.is_empty() {
        return Ok(());
    }
    pen.line("live and declared nowhere:")?;
    for found in extra {
        let live = Side::of(found.live.as_ref(), found.live_redacted, found.live_truncated.as_ref());
        let text = format!("  {}  {} ({})", escape(&found.field), one_line(pen, live, "(absent)"), writer(pen, found.manager.as_ref()));
        pen.wrapped(&text, 4)?;
    }
    Ok(())
}
