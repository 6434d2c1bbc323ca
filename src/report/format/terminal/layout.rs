//! Lines that fit: columns by tabled, words never broken, colour that repeats what a word says.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Look};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Padding, Style as Border};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::encoder::Style;

pub(super) const BOLD: Look = Look::new().bold();
pub(super) const RED: Look = AnsiColor::Red.on_default();
pub(super) const GREEN: Look = AnsiColor::Green.on_default();
pub(super) const YELLOW: Look = AnsiColor::Yellow.on_default();

/// A text of more lines is none that we wrote: somebody's name or error goes on and on.
const MOST_WRAPPED: usize = 8;

/// What is written with, and on what.
pub(super) struct Pen<'a> {
    pub(super) style: &'a Style,
    /// What declares: `Git`, or `the declaration` where two folders are compared.
    pub(super) declared: &'static str,
    out: &'a mut dyn Write,
}

impl<'a> Pen<'a> {
    pub(super) fn new(style: &'a Style, declared: &'static str, out: &'a mut dyn Write) -> Self {
        Self { style, declared, out }
    }

    /// One line as it is, without blanks at its end.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end_matches(' '))
    }

    /// A line that is wrapped between words; what follows is indented by `hang`. What has too many lines is cut.
    pub(super) fn wrapped(&mut self, text: &str, hang: usize) -> io::Result<()> {
        let lines = wrap(text, self.style.width, hang);
        lines.iter().take(MOST_WRAPPED).try_for_each(|line| self.line(line))?;
        if lines.len() > MOST_WRAPPED {
            self.line(&format!("{}{}", " ".repeat(hang), if self.style.ascii { "..." } else { "…" }))?;
        }
        Ok(())
    }

    /// Parts of a line with a dot between them; a terminal breaks only there if it can.
    pub(super) fn parts(&mut self, parts: &[String]) -> io::Result<()> {
        let separator = if self.style.ascii { " - " } else { " · " };
        let mut line = String::new();
        for part in parts {
            let joined = if line.is_empty() { part.clone() } else { format!("{line}{separator}{part}") };
            if !line.is_empty() && self.style.width.is_some_and(|width| columns(&joined) > width) {
                self.wrapped(&line, 2)?;
                line = part.clone();
            } else {
                line = joined;
            }
        }
        self.wrapped(&line, 2)
    }

    /// Some words and then parts that are packed behind them, or below them where there is too little room.
    pub(super) fn packed(&mut self, lead: &str, parts: &[String], hang: usize) -> io::Result<()> {
        let Some(width) = self.style.width else { return self.line(&format!("{lead}   {}", parts.join("   "))) };
        let whole = format!("{lead}   {}", parts.join("   "));
        if columns(&whole) <= width {
            return self.line(&whole);
        }
        self.wrapped(lead, hang)?;
        for line in pack(parts, width.saturating_sub(hang)) {
            self.wrapped(&format!("{}{line}", " ".repeat(hang)), hang)?;
        }
        Ok(())
    }

    /// Whether a line or table of this width can be written.
    pub(super) fn fits(&self, columns: usize) -> bool {
        self.style.width.is_none_or(|width| columns <= width)
    }

    pub(super) fn paint(&self, look: Look, text: &str) -> String {
        if self.style.color && !text.is_empty() { format!("{look}{text}{look:#}") } else { text.to_owned() }
    }

    /// A count, grouped by thousands for people.
    pub(super) fn count(&self, count: usize) -> String {
        let digits = count.to_string();
        if self.style.width.is_none() {
            return digits;
        }
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
        groups.join(",")
    }

    /// `1 object`, `2 objects`.
    pub(super) fn counted(&self, count: usize, one: &str, many: &str) -> String {
        format!("{} {}", self.count(count), if count == 1 { one } else { many })
    }
}

/// How many columns a text takes on the screen; escape sequences of ours take none.
pub(super) fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut rest = text;
    while let Some(start) = rest.find('\u{1b}') {
        columns += rest[..start].width();
        let end = rest[start..].find('m').map_or(rest.len(), |end| start + end + 1);
        rest = &rest[end..];
    }
    columns + rest.width()
}

/// Rows in aligned columns with so many blanks behind each, without a border. The gap of further columns is that of the last.
pub(super) fn grid(rows: &[Vec<String>], gaps: &[usize]) -> Vec<String> {
    let mut builder = Builder::default();
    for row in rows {
        builder.push_record(row.iter().map(String::as_str));
    }
    let mut table = builder.build();
    table.with(Border::empty()).with(Padding::new(0, gaps.last().copied().unwrap_or(0), 0, 0));
    for (column, gap) in gaps.iter().enumerate() {
        table.modify(Columns::one(column), Padding::new(0, *gap, 0, 0));
    }
    table.to_string().lines().map(|line| line.trim_end_matches(' ').to_owned()).collect()
}

/// Parts that stand beside each other where they fit into some columns, and below each other where not.
pub(super) fn pack(parts: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut().filter(|line| columns(line) + 3 + columns(part) <= room) {
            Some(line) => *line += &format!("   {part}"),
            None => lines.push(part.clone()),
        }
    }
    lines
}

/// The widest of some lines.
pub(super) fn widest(lines: &[String]) -> usize {
    lines.iter().map(|line| columns(line)).max().unwrap_or(0)
}

/// Cuts a text to some columns: its beginning and its end stay, because paths and images differ there.
pub(super) fn shorten(text: &str, width: usize, ascii: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mark = if ascii { "..." } else { "…" };
    let room = width.saturating_sub(mark.width());
    let head = take(text.chars(), room / 3);
    let tail: String = take(text.chars().rev(), room - head.width()).chars().rev().collect();
    format!("{head}{mark}{tail}")
}

fn take(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    characters
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Lines of whole words. A word that is wider than the screen is shortened.
pub(super) fn wrap(text: &str, width: Option<usize>, hang: usize) -> Vec<String> {
    let Some(width) = width.filter(|width| columns(text) > *width) else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    let indent = text.chars().take_while(|character| *character == ' ').count();
    let mut line = " ".repeat(indent);
    let mut is_fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let blank = usize::from(!is_fresh);
        if !is_fresh && columns(&line) + blank + columns(word) > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        let room = width.saturating_sub(columns(&line)).max(8);
        // A painted word is one of ours and short.
        line += &if columns(word) > room && !word.contains('\u{1b}') { shorten(word, room, false) } else { word.to_owned() };
        is_fresh = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::{columns, shorten, wrap};

    #[test]
    fn wide_letters_take_two_columns_and_colours_none() {
        assert_eq!(columns("李伟"), 4);
        assert_eq!(columns("\u{1b}[1m李\u{1b}[0m x"), 4);
    }

    #[test]
    fn a_text_is_shortened_in_the_middle() {
        assert_eq!(shorten("apps/very/long/path/deployment.yaml:17", 24, false), "apps/ve…ployment.yaml:17");
        assert_eq!(columns(&shorten("李伟李伟李伟李伟", 9, false)), 9);
    }

    #[test]
    fn lines_break_between_words_only() {
        assert_eq!(wrap("  one two three four", Some(10), 4), ["  one two", "    three", "    four"]);
    }
}
