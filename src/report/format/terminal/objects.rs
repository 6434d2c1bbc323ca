//! The objects that need action, one after the other.

use std::io;

use super::Commits;
use super::difference;
use super::escape::escape;
use super::layout::{BOLD, Pen, shorten};
use super::people::{object_origin, writer};
use super::subject::name;
use super::tally::{NEWS, Tally};
use super::time::ago;
use crate::report::object::{Difference, Object};
use crate::report::objects::Objects;

/// More objects, and more fields of one object, are counted on a terminal.
const MOST_OBJECTS: usize = 50;
const MOST_FIELDS: usize = 20;

/// Verdicts of fields that are told with their object.
fn is_told(difference: &Difference) -> bool {
    matches!(difference.verdict.as_ref(), "drifted" | "removed" | "undeclared" | "rewritten" | "stale" | "never-converges" | "unknown")
}

pub(super) fn write(pen: &mut Pen<'_>, objects: &Objects<'_>, commits: &Commits<'_>, tally: &Tally) -> io::Result<()> {
    let all: usize = NEWS.iter().map(|state| tally.count(state)).sum();
    if all == 0 {
        return Ok(());
    }
    let most = if pen.style.width.is_some() { MOST_OBJECTS } else { all };
    let mut told = 0;
    pen.line("")?;
    for state in NEWS.iter().filter(|state| tally.count(state) > 0) {
        for object in objects.in_state(state).take(most - told) {
            write_object(pen, &object, commits)?;
            told += 1;
        }
    }
    if all > told {
        pen.line(&format!("{}: -o json=FILE", pen.counted(all - told, "more object", "more objects")))?;
    }
    Ok(())
}

fn write_object(pen: &mut Pen<'_>, object: &Object, commits: &Commits<'_>) -> io::Result<()> {
    let room = pen.style.width.unwrap_or(usize::MAX);
    let name = pen.paint(BOLD, &shorten(&name(object), room, pen.style.ascii));
    if object.state != "drifted" {
        let (state, parts) = state(pen, object, commits);
        return pen.packed(&format!("{name}   {state}"), &parts, 2);
    }
    let reason = object.reason.as_ref().map(|reason| format!("   {}", escape(reason))).unwrap_or_default();
    pen.wrapped(&format!("{name}{reason}"), 2)?;
    let told: Vec<&Difference> = object.differences.iter().filter(|difference| is_told(difference)).collect();
    let most = if pen.style.width.is_some() { MOST_FIELDS } else { told.len() };
    for difference in told.iter().take(most) {
        difference::write(pen, object, difference, commits)?;
    }
    if told.len() > most {
        pen.line(&format!("  {}: -o json=FILE", pen.counted(told.len() - most, "more field", "more fields")))?;
    }
    Ok(())
}

/// What is the matter, and what is known of whoever made it so.
fn state(pen: &Pen<'_>, object: &Object, commits: &Commits<'_>) -> (String, Vec<String>) {
    let reason = object.reason.as_ref().map(|reason| format!(": {}", escape(reason))).unwrap_or_default();
    let declared = || {
        let mut parts = object_origin(pen, object, commits);
        if let Some(place) = parts.first_mut() {
            place.insert_str(0, "declared in ");
        }
        parts
    };
    match object.state.as_ref() {
        "missing" => ("missing".to_owned(), declared()),
        "undeclared" => (format!("not in {}", pen.declared), vec![creation(pen, object)]),
        "orphaned" => (format!("gone from {}, still live", pen.declared), vec![creation(pen, object)]),
        "pending" => (format!("waits to be applied{reason}"), declared()),
        _ => (format!("being deleted{reason}"), declared()),
    }
}

fn creation(pen: &Pen<'_>, object: &Object) -> String {
    match (&object.created_by, object.created) {
        (Some(manager), Some(created)) => format!("created by {}, {}", escape(&manager.name), ago(pen.style, created)),
        (Some(manager), None) => format!("created by {}", writer(pen, Some(manager))),
        (None, Some(created)) => format!("created {}, by whom is not recorded", ago(pen.style, created)),
        (None, None) => "its creator is not recorded".to_owned(),
    }
}
