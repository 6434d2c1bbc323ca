//! The first lines and the last: the verdict, what was looked at, and what to do next.

use std::io;

use anstyle::Style as Look;

use super::escape::escape;
use super::layout::{BOLD, GREEN, Pen, RED, YELLOW};
use super::tally::{NEWS, Tally};
use super::time::{lasted, moment};
use crate::report::object::Object;
use crate::report::record::{Coverage, IgnoredBy, NotEvaluated, Record, Source};

/// The verdict, and what it is about.
pub(super) fn write(pen: &mut Pen<'_>, record: &Record<'_>, tally: &Tally) -> io::Result<()> {
    if record.status == "failed" {
        let word = pen.paint(RED.bold(), "Failed:");
        pen.wrapped(&format!("{word} the scan did not end; what follows is not all."), 2)?;
    }
    let wrong = super::commits::clauses(pen, &record.findings);
    first_line(pen, &record.coverage, &record.not_evaluated, tally, &wrong)?;
    let context = context(pen, record);
    pen.parts(&context)?;
    if !tally.is_news() {
        authors(pen, tally)?;
    }
    injected(pen, tally)?;
    ignored(pen, &record.coverage)
}

/// The verdict. `wrong` says what of commits is not as it should be.
pub(super) fn first_line(pen: &mut Pen<'_>, coverage: &Coverage, gaps: &[NotEvaluated], tally: &Tally, wrong: &[String]) -> io::Result<()> {
    let (word, look, mut rest) = verdict(pen, coverage, gaps, tally);
    let look = if !wrong.is_empty() && look == GREEN { YELLOW } else { look };
    if !wrong.is_empty() {
        rest += &format!(" But {}.", wrong.join(" and "));
    }
    let word = pen.paint(look.bold(), &format!("{word}:"));
    pen.wrapped(&format!("{word} {rest}"), 2)
}

fn verdict(pen: &Pen<'_>, coverage: &Coverage, gaps: &[NotEvaluated], tally: &Tally) -> (&'static str, Look, String) {
    let judged = judged(pen, coverage, tally);
    let is_partial = coverage.not_evaluated > 0
        || !coverage.unlisted.is_empty()
        || !gaps.is_empty()
        || tally.count("unknown") > 0
        || tally.unknown_fields > 0;
    if is_partial {
        let evaluated = evaluated(pen, coverage, gaps, tally);
        // Of nothing nothing is said: it is not in sync.
        let rest = match (coverage.evaluated, tally.is_news()) {
            (0, _) => evaluated,
            (_, true) => format!("{evaluated} Among the evaluated: {judged}"),
            (_, false) => format!("{evaluated} Among the evaluated: in sync, {judged}"),
        };
        ("Partial", YELLOW, rest)
    } else if coverage.evaluated == 0 {
        ("Nothing compared", YELLOW, "no object was declared or found.".to_owned())
    } else if ["drifted", "missing", "undeclared", "orphaned"].iter().any(|state| tally.count(state) > 0) {
        ("Drift", RED, judged)
    } else if tally.is_news() {
        ("Pending", YELLOW, judged)
    } else {
        ("In sync", GREEN, judged)
    }
}

/// `180 of 214 objects evaluated, 34 could not be.`
fn evaluated(pen: &Pen<'_>, coverage: &Coverage, gaps: &[NotEvaluated], tally: &Tally) -> String {
    let population = coverage.evaluated + coverage.not_evaluated;
    let of = format!("{} of {} evaluated", pen.count(coverage.evaluated), pen.counted(population, "object", "objects"));
    let others = gaps.iter().filter(|gap| gap.object.is_none()).count();
    let mut rest = Vec::new();
    if coverage.not_evaluated > 0 {
        rest.push(format!("{} could not be", pen.count(coverage.not_evaluated)));
    }
    if !coverage.unlisted.is_empty() {
        rest.push(format!("{} could not be listed", pen.counted(coverage.unlisted.len(), "kind", "kinds")));
    }
    if tally.unknown_fields > 0 {
        rest.push(format!("{} could not be judged", pen.counted(tally.unknown_fields, "field", "fields")));
    }
    if rest.is_empty() && others > 0 {
        rest.push(format!("{} could not be judged", pen.counted(others, "other thing", "other things")));
    }
    if rest.is_empty() { format!("{of}.") } else { format!("{of}, {}.", rest.join(", ")) }
}

/// `3 objects differ from Git, 1 is missing, 2 are not in Git. 208 of 214 match.`
fn judged(pen: &Pen<'_>, coverage: &Coverage, tally: &Tally) -> String {
    let declared = pen.declared;
    let mut clauses: Vec<String> = Vec::new();
    for state in NEWS {
        let count = tally.count(state);
        if count > 0 {
            let objects = if !clauses.is_empty() {
                ""
            } else if count == 1 {
                " object"
            } else {
                " objects"
            };
            clauses.push(format!("{}{objects} {}", pen.count(count), clause(state, count == 1, declared)));
        }
    }
    let matching = format!("{} of {}", pen.count(tally.count("synced")), pen.count(coverage.evaluated));
    let mut text = if clauses.is_empty() {
        let objects = if coverage.evaluated == 1 { "object matches" } else { "objects match" };
        format!("{matching} {objects} {declared}")
    } else {
        format!("{}. {matching} match", clauses.join(", "))
    };
    for (state, phrase) in [("expected-absent", "rightly absent (hooks, Jobs that clean up)"), ("other-cluster", "for another cluster")] {
        if tally.count(state) > 0 {
            text += &format!(", {} {phrase}", pen.count(tally.count(state)));
        }
    }
    text + "."
}

fn clause(state: &str, is_one: bool, declared: &str) -> String {
    let verb = if is_one { "is" } else { "are" };
    match state {
        "drifted" => format!("{} from {declared}", if is_one { "differs" } else { "differ" }),
        "missing" => format!("{verb} missing"),
        "undeclared" => format!("{verb} not in {declared}"),
        "orphaned" => format!("{verb} gone from {declared} but still live"),
        "pending" => format!("{} to be applied", if is_one { "waits" } else { "wait" }),
        _ => format!("{verb} being deleted"),
    }
}

/// What was looked at, when, and how.
pub(super) fn context(pen: &Pen<'_>, record: &Record<'_>) -> Vec<String> {
    let of = if record.run.reader == "recording" { "recording of cluster" } else { "cluster" };
    let version = record.cluster.version.as_deref().map(|version| format!(" {}", escape(version))).unwrap_or_default();
    let mut parts = vec![format!("{of} {}{version}", escape(&record.cluster.name))];
    parts.extend(record.sources.iter().map(source));
    parts.push(moment(pen.style, record.run.finished));
    if record.coverage.excluded > 0 {
        parts.push(format!("{} excluded by rule", pen.counted(record.coverage.excluded, "object", "objects")));
    }
    if record.coverage.not_objects > 0 {
        parts.push(format!("{} no object", pen.counted(record.coverage.not_objects, "document is", "documents are")));
    }
    let lasted = lasted(record.run.duration_ms);
    parts.push(match record.run.reader.as_ref() {
        "live" => format!("{}, all reads, in {lasted}", pen.counted(record.run.requests, "request", "requests")),
        _ => format!("in {lasted}"),
    });
    parts
}

/// `fleet main@9c1f2ab`, with what a reader of the verdict must know of it.
pub(super) fn source(source: &Source) -> String {
    let mut text = escape(&source.id).into_owned();
    match &source.commit {
        Some(commit) => {
            let requested = source.requested.as_deref().unwrap_or_default();
            let name = requested.strip_prefix("refs/heads/").or_else(|| requested.strip_prefix("refs/tags/")).unwrap_or(requested);
            text += &format!(" {}@{}", escape(name), super::people::short(commit));
        }
        None => text += " (not versioned)",
    }
    if source.shallow {
        text += " (history cut off)";
    }
    if source.uncommitted > 0 {
        text += &format!(" ({} uncommitted {} not read)", source.uncommitted, if source.uncommitted == 1 { "change" } else { "changes" });
    }
    text
}

/// `declared by 6 authors: 201 objects proven by the author's own key, 13 by the forge only`.
fn authors(pen: &mut Pen<'_>, tally: &Tally) -> io::Result<()> {
    if tally.authors.is_empty() {
        return Ok(());
    }
    let mut clauses = Vec::new();
    for (verdict, phrase) in PROOFS {
        if let Some(count) = tally.proofs.get(verdict) {
            let objects = if !clauses.is_empty() {
                ""
            } else if *count == 1 {
                " object"
            } else {
                " objects"
            };
            clauses.push(format!("{}{objects} {phrase}", pen.count(*count)));
        }
    }
    let authors = pen.counted(tally.authors.len(), "author", "authors");
    pen.wrapped(&format!("declared by {authors}: {}", clauses.join(", ")), 2)
}

const PROOFS: [(&str, &str); 11] = [
    ("verified-author", "proven by the author's own key"),
    ("verified-committer", "by the committer's key only"),
    ("forge-attested", "by the forge only"),
    ("bot-attested", "by a bot's key"),
    ("group-verified", "by a group's key"),
    ("signed-untrusted", "signed, but not trusted"),
    ("claimed-time-only", "signed at a time that is only claimed"),
    ("unsigned", "unsigned"),
    ("unverifiable", "not verifiable"),
    ("invalid", "with a wrong signature"),
    ("-", "not versioned"),
];

fn injected(pen: &mut Pen<'_>, tally: &Tally) -> io::Result<()> {
    let (fields, objects) = tally.injected;
    if fields == 0 {
        return Ok(());
    }
    let fields = pen.counted(fields, "field", "fields");
    let objects = pen.counted(objects, "object", "objects");
    pen.wrapped(&format!("injected: {fields} in {objects}, set by admission or an allocator and declared by nobody"), 2)
}

/// What rules took out of the judgement, and rules that find nothing.
fn ignored(pen: &mut Pen<'_>, coverage: &Coverage) -> io::Result<()> {
    let count = |number: fn(&IgnoredBy) -> usize| coverage.ignored.iter().map(number).sum::<usize>();
    let used = coverage.ignored.iter().filter(|rule| rule.unused.is_none()).count();
    if used > 0 {
        let fields = pen.counted(count(|rule| rule.fields), "field", "fields");
        let objects = pen.counted(count(|rule| rule.objects), "object", "objects");
        let rules = pen.counted(used, "rule", "rules");
        pen.wrapped(&format!("ignored: {fields} in {objects}, by {rules} of the configuration; `ignored` in -o json lists them"), 2)?;
    }
    let unused: Vec<&str> = coverage.ignored.iter().filter(|rule| rule.unused.is_some()).map(|rule| rule.rule.as_str()).collect();
    if unused.is_empty() {
        return Ok(());
    }
    let (rules, more) = (unused.iter().take(5).map(|rule| escape(rule)).collect::<Vec<_>>().join(", "), unused.len().saturating_sub(5));
    let more = if more > 0 { format!(" and {}", pen.counted(more, "other", "others")) } else { String::new() };
    pen.wrapped(&format!("unused: {rules}{more} of the configuration found nothing to ignore"), 2)
}

/// What helps next, where something does.
pub(super) fn next(pen: &mut Pen<'_>, record: &Record<'_>, tally: &Tally) -> io::Result<()> {
    let mut commands: Vec<(String, &str)> = Vec::new();
    if tally.count("drifted") > 0 {
        let object = record.objects.in_state("drifted").find(|object| is_safe(object));
        commands.extend(object.map(|object| (blame_command(&object), "who declared every field")));
    }
    if record.not_evaluated.iter().any(|gap| gap.reason == "forbidden")
        || record.coverage.unlisted.iter().any(|kind| kind.reason == "forbidden")
    {
        commands.push(("kubewitness rbac".to_owned(), "the smallest role for this scan"));
    }
    let worst = ["error", "warning"]
        .iter()
        .find_map(|severity| record.findings.iter().find(|finding| finding.severity == *severity && finding.rule != "not-evaluated"));
    commands.extend(worst.map(|finding| (format!("kubewitness explain {}", escape(&finding.rule)), "what a finding means and what to do")));
    if commands.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    let widest = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    for (position, (command, purpose)) in commands.iter().enumerate() {
        let lead = if position == 0 { pen.paint(BOLD, "next:") } else { "     ".to_owned() };
        let line = format!("{lead} {command:widest$}   {purpose}");
        let line = if pen.fits(widest + 9 + purpose.len()) { line } else { format!("{lead} {command}") };
        pen.wrapped(&line, 8)?;
    }
    Ok(())
}

fn blame_command(object: &Object) -> String {
    let namespace = object.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    format!("kubewitness blame {}/{}{namespace}", object.kind.to_lowercase(), object.name)
}

/// Whether its names can be pasted into a shell.
fn is_safe(object: &Object) -> bool {
    let is_word = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '.'))
    };
    is_word(&object.kind) && is_word(&object.name) && object.namespace.as_deref().is_none_or(is_word)
}
