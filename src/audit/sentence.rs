//! The parts that sentences of findings are made of. Secret values are never among them; control characters are the
//! concern of whoever shows a sentence.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::check::Facts;
use crate::model::attribution::Verdict;
use crate::model::commit::{Actor, Commit, CommitId};
use crate::model::comparison::{Comparison, Difference, FieldValue, Manager};
use crate::secret;

/// Longer values are cut in a sentence; the record has them whole.
const LONGEST_VALUE: usize = 60;

/// Stands for every secret value.
const SECRET: &str = "a secret value";

/// How many characters of the common beginning are kept where two long values are cut.
const CONTEXT: usize = 12;

/// `4be1d2a`.
pub(super) fn short(commit: &CommitId) -> String {
    commit.as_str().chars().take(7).collect()
}

/// `Alice Chen <alice@example.com>`.
pub(super) fn person(actor: &Actor) -> String {
    format!("{} <{}>", actor.name, actor.email)
}

pub(super) fn at(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "at a time that is not recorded".to_owned(), |time| format!("on {}", time.format("%Y-%m-%dT%H:%M:%SZ")))
}

/// `kubectl-edit on 2026-11-21T06:14:07Z`, with the subresource behind the name.
pub(super) fn writer(manager: &Manager) -> String {
    let subresource = manager.subresource.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{}{subresource} {}", manager.name, at(manager.time))
}

/// `, last written by kubectl-edit on …`, or that nobody is recorded.
pub(super) fn last_written(difference: &Difference) -> String {
    match &difference.manager {
        Some(manager) => format!(", last written by {}", writer(manager)),
        None => ", its writer is not recorded".to_owned(),
    }
}

/// `; the server refuses to change it back (immutable)`, where it does.
pub(super) fn obstacle(difference: &Difference) -> String {
    match difference.obstacle {
        Some("cannot-shrink") => "; the server refuses to make it smaller again".to_owned(),
        Some(_) => "; the server refuses to change it back, it must be made anew".to_owned(),
        None => String::new(),
    }
}

/// ` at apps/web.yaml:17 by Alice Chen in 4be1d2a (verified-author)`: where the declared field was written and by whom.
pub(super) fn field_origin(facts: &Facts<'_>, comparison: &Comparison, difference: &Difference) -> String {
    let origin = || {
        let index = comparison.declaration?;
        let declaration = facts.declarations.get(index)?;
        let leaf = difference.leaf?;
        let place = declaration.leaves.get(leaf)?;
        let Some(input) = place.input.and_then(|input| declaration.inputs.get(usize::from(input))) else {
            return Some(" in what was rendered of several files".to_owned());
        };
        let mut text = format!(" at {}:{}", input.document.path, place.line);
        let credit = facts.attributions.declarations.get(index).and_then(Option::as_ref).and_then(|found| found.leaves.get(leaf));
        if let Some(credit) = credit {
            let commit = credit.commit.and_then(|commit| facts.histories.commits.get(usize::try_from(commit).ok()?));
            text += &author(commit, credit.verdict);
        }
        Some(text)
    };
    origin().unwrap_or_default()
}

/// ` at apps/web.yaml:1 by Alice Chen in 4be1d2a (verified-author)`: where an object was declared and by whom.
pub(super) fn object_origin(facts: &Facts<'_>, comparison: &Comparison) -> String {
    let Some(index) = comparison.declaration else { return String::new() };
    let Some(declaration) = facts.declarations.get(index) else { return String::new() };
    let mut text = match declaration.inputs.as_slice() {
        [input] => format!(" at {}:{}", input.document.path, input.line),
        [] => String::new(),
        [first, rest @ ..] => format!(" in what was rendered of {} and {} more", first.document.path, rest.len()),
    };
    if let Some(found) = facts.attributions.declarations.get(index).and_then(Option::as_ref) {
        let commit = found.authored_by.as_ref().and_then(|id| find_commit(facts, &declaration.source, id));
        let worse: Vec<String> = found.reasons.iter().filter(|reason| LINKS.contains(&reason.as_str())).cloned().collect();
        text += &match commit.filter(|_| !worse.is_empty()) {
            // The author is proven as well as before; another commit is not.
            Some((commit, verdict)) => {
                format!("{}, as a whole {}{}", author(Some(commit), verdict), found.verdict.as_str(), reasons(&worse))
            }
            None => author(commit.map(|(commit, _)| commit), found.verdict),
        };
    }
    text
}

/// Reasons for which an object is proven less than its author is.
const LINKS: [&str; 4] = ["reintroduced", "change", "activation", "activation-unknown"];

/// A commit and its own verdict.
fn find_commit<'a>(facts: &Facts<'a>, source: &str, id: &CommitId) -> Option<(&'a Commit, Verdict)> {
    let commits = &facts.histories.commits;
    let found = commits.binary_search_by(|commit| (commit.source.as_str(), &commit.id).cmp(&(source, id))).ok()?;
    Some((commits.get(found)?, facts.attributions.commits.get(found)?.verdict))
}

fn author(commit: Option<&Commit>, verdict: Verdict) -> String {
    match commit {
        Some(commit) => format!(" by {} in {} ({})", commit.author.name, short(&commit.id), verdict.as_str()),
        None => format!(", no commit is credited ({})", verdict.as_str()),
    }
}

/// The declared and the live value in words. Where both are long they are cut around the place where they part.
pub(super) fn sides(difference: &Difference) -> (String, String) {
    let declared = words(difference.declared.as_ref());
    let live = words(difference.live.as_ref());
    if declared == live {
        // Told by their shape alone.
        return (declared, live.replacen("a ", "another ", 1));
    }
    if declared.chars().count() <= LONGEST_VALUE && live.chars().count() <= LONGEST_VALUE {
        return (declared, live);
    }
    let common = declared.chars().zip(live.chars()).take_while(|(left, right)| left == right).count();
    let from = if common > LONGEST_VALUE - CONTEXT { common - CONTEXT } else { 0 };
    (cut(&declared, from), cut(&live, from))
}

fn cut(text: &str, from: usize) -> String {
    let mut rest = text.chars().skip(from);
    let mut cut = if from == 0 { String::new() } else { "…".to_owned() };
    cut.extend(rest.by_ref().take(LONGEST_VALUE));
    if rest.next().is_some() {
        cut.push('…');
    }
    cut
}

/// A value as compact JSON, so that `"3"` and `3` stay apart.
fn words(value: Option<&FieldValue>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(FieldValue::Redacted) => SECRET.to_owned(),
        Some(FieldValue::Shown(value)) if secret::holds_digest(value) => SECRET.to_owned(),
        Some(FieldValue::Shown(Value::String(text))) if text.lines().count() > 1 => format!("a text of {} lines", text.lines().count()),
        Some(FieldValue::Shown(Value::Object(entries))) if entries.len() > 1 => format!("a map of {} entries", entries.len()),
        Some(FieldValue::Shown(Value::Array(items))) if items.len() > 1 => format!("a list of {} items", items.len()),
        Some(FieldValue::Shown(value)) => value.to_string(),
    }
}

/// Appends the phrases that a verdict gives as its reasons.
pub(super) fn reasons(reasons: &[String]) -> String {
    let mut text = String::new();
    for (position, reason) in reasons.iter().enumerate() {
        let separator = if position == 0 { " (" } else { ", " };
        write!(text, "{separator}{reason}").expect("a text takes all");
    }
    if !text.is_empty() {
        text.push(')');
    }
    text
}
