//! Why a document cannot be read, and a picture of the place.

use std::fmt;

/// Characters of a line that an excerpt shows.
const LINE_LENGTH: usize = 160;

/// A document that cannot be read as Kubernetes reads it. Quotes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Line, from 1, in the whole text.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The lines around, where they cannot hold a secret.
    pub excerpt: Option<Excerpt>,
}

/// Lines for a picture with a caret below `Error::column` of the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Number of the first line.
    pub first_line: u32,
    /// The lines, the broken one last; long ones are cut. Control characters are still in them.
    pub lines: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Error {}

/// Whether a document may hold secret values: then none of its text is shown.
fn may_hold_secrets(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["secret", "stringdata", "sops"].iter().any(|word| lower.contains(word))
}

impl Excerpt {
    /// The line at `line` (from 1 in `text`) and the one before it; numbered from `first_line`, the number of the first line of `text`.
    pub(super) fn of(text: &str, line: u32, first_line: u32) -> Option<Self> {
        if may_hold_secrets(text) {
            return None;
        }
        let from = line.saturating_sub(1).max(1);
        let count = (line - from + 1) as usize;
        let lines: Vec<String> =
            text.lines().skip(from as usize - 1).take(count).map(|line| line.chars().take(LINE_LENGTH).collect()).collect();
        (lines.len() == count).then_some(Self { first_line: first_line + from - 1, lines })
    }
}

impl Error {
    /// The place as a person sees it: the file, the lines around, and the message below a caret.
    pub fn picture(&self, file: &str) -> String {
        let place = format!("  --> {file}:{}:{}", self.line, self.column);
        let Some(excerpt) = &self.excerpt else { return format!("{}\n{place}", self.message) };
        let width = self.line.to_string().len();
        let mut picture = place;
        for (number, line) in (excerpt.first_line..).zip(&excerpt.lines) {
            picture += &format!("\n{number:>width$} | {line}");
        }
        let column = (self.column as usize - 1).min(LINE_LENGTH);
        picture + &format!("\n{:width$} | {:column$}^ {}", "", "", self.message)
    }
}
