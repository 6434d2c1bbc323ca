//! Values on one line.

use serde_json::Value;

use super::escape::escape;
use super::layout::{Pen, shorten};
use crate::report::value::Truncated;
use unicode_width::UnicodeWidthStr;

/// A side of a difference.
#[derive(Clone, Copy)]
pub(super) enum Side<'a> {
    Absent,
    Value(&'a Value),
    Secret,
    Large(&'a Truncated),
}

impl<'a> Side<'a> {
    pub(super) fn of(value: Option<&'a Value>, redacted: bool, truncated: Option<&'a Truncated>) -> Self {
        match (value, redacted, truncated) {
            (_, true, _) => Self::Secret,
            (_, _, Some(truncated)) => Self::Large(truncated),
            (Some(value), ..) => Self::Value(value),
            _ => Self::Absent,
        }
    }

    /// The text of it, where it is one of several lines.
    pub(super) fn lines(self) -> Option<&'a str> {
        match self {
            Self::Value(Value::String(text)) if text.trim_end_matches('\n').contains('\n') => Some(text),
            _ => None,
        }
    }

    /// On one line, in full. `absent` is the word for a side without a value.
    pub(super) fn word(self, pen: &Pen<'_>, absent: &str) -> String {
        match self {
            Self::Absent => absent.to_owned(),
            Self::Secret => "(a secret value)".to_owned(),
            Self::Large(large) => format!("({} bytes, {})", pen.count(large.bytes), &large.sha256[..large.sha256.len().min(19)]),
            Self::Value(Value::String(text)) => plain(text),
            Self::Value(value) => escape(&value.to_string()).into_owned(),
        }
    }
}

/// A text without quotes, unless it could be taken for something else or its ends could not be seen.
fn plain(text: &str) -> String {
    let is_ambiguous = text.is_empty()
        || text.starts_with([' ', '"', '{', '[', '('])
        || text.ends_with(' ')
        || matches!(text, "null" | "true" | "false" | "~")
        || text.parse::<f64>().is_ok();
    let shown = escape(text);
    if is_ambiguous { format!("\"{shown}\"") } else { shown.into_owned() }
}

/// Two values cut to some columns so that what differs stays in sight.
pub(super) fn pair(pen: &Pen<'_>, declared: String, live: String, width: usize) -> (String, String) {
    if declared.width() <= width && live.width() <= width {
        return (declared, live);
    }
    let ascii = pen.style.ascii;
    let (short_declared, short_live) = (shorten(&declared, width, ascii), shorten(&live, width, ascii));
    if short_declared != short_live {
        return (short_declared, short_live);
    }
    let common = declared.chars().zip(live.chars()).take_while(|(left, right)| left == right).count();
    let from = common.saturating_sub(8);
    let cut = |text: &str| {
        let mark = if ascii { "..." } else { "…" };
        let mut cut = mark.to_owned();
        cut.extend(text.chars().skip(from).take(width.saturating_sub(2 * mark.width()) / 2));
        cut + mark
    };
    (cut(&declared), cut(&live))
}
