//! Writes down what a scan found: one record, and every report as an encoding of it.
//!
//! It reads no clock and no environment: the same record and style give the same bytes. Formats stand in [`FORMATS`].

pub mod blame;
pub mod commit;
pub mod comparison;
pub mod encoder;
mod format;
pub mod object;
pub mod objects;
pub mod record;
pub mod schema;
pub mod tag;
pub mod value;
mod words;

pub use encoder::{Format, Style};
pub use record::Record;

/// Every format, in the order of the help.
pub const FORMATS: &[Format] = &[format::terminal::FORMAT, format::json::FORMAT];

/// The format of a name, as in `--output json`.
pub fn format(id: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.id == id)
}

#[cfg(test)]
mod tests;
