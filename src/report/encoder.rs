//! What a report format is: data in a table, not a trait, because no format holds state.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::blame::Blame;
use super::comparison::Comparison;
use super::log::Log;
use super::record::Record;

/// How reports are shown to people. Formats for programs ignore it.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns of the terminal. `None` for a pipe or a file: nothing is shortened, boxed or told in relative times.
    pub width: Option<usize>,
    /// Whether to use colour.
    pub color: bool,
    /// Whether to draw with ASCII only. Texts of others keep their own letters.
    pub ascii: bool,
    /// The time that relative times are told from.
    pub now: DateTime<Utc>,
}

/// Writes a record.
pub type EncodeRecord = fn(&Record<'_>, &Style, &mut dyn Write) -> io::Result<()>;

/// Writes the output of `blame`.
pub type EncodeBlame = fn(&Blame, &Style, &mut dyn Write) -> io::Result<()>;

/// Writes the output of `log`.
pub type EncodeLog = fn(&Log, &Style, &mut dyn Write) -> io::Result<()>;

/// Writes the output of `compare`.
pub type EncodeComparison = fn(&Comparison<'_>, &Style, &mut dyn Write) -> io::Result<()>;

/// A report format. Encoding streams and depends on nothing but its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name in `--output`.
    pub id: &'static str,
    /// What its files end with, without the dot.
    pub extension: &'static str,
    /// One sentence for the help.
    pub description: &'static str,
    /// Writes a record.
    pub encode: EncodeRecord,
    /// Writes who declared what of a record, where the format can. Formats for programs write all of it, whatever is asked.
    pub provenance: Option<EncodeRecord>,
    /// Writes the output of `blame`, where the format can.
    pub blame: Option<EncodeBlame>,
    /// Writes the output of `log`, where the format can.
    pub log: Option<EncodeLog>,
    /// Writes the output of `compare`, where the format can.
    pub comparison: Option<EncodeComparison>,
}

/// What is told of a record. Data in a table, like formats.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Its name in `--report`.
    pub id: &'static str,
    /// One sentence for the help.
    pub description: &'static str,
    /// How a format writes it, where the format can.
    pub encode: fn(&Format) -> Option<EncodeRecord>,
}
