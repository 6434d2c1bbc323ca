//! Writes down what a scan found: one record, and every report as an encoding of it.
//!
//! It reads no clock and no environment: the same record and style give the same bytes. Formats stand in [`FORMATS`], what they
//! tell of a record in [`REPORTS`].

pub mod blame;
pub mod commit;
pub mod comparison;
pub mod encoder;
mod format;
pub mod log;
pub mod object;
pub mod objects;
pub mod policy;
pub mod provenance;
pub mod record;
pub mod schema;
pub mod tag;
pub mod value;
mod words;

pub use encoder::{Format, Report, Style};
pub use record::Record;

/// Every format, in the order of the help.
pub const FORMATS: &[Format] = &[format::terminal::FORMAT, format::json::FORMAT];

/// Every report, the default first.
pub const REPORTS: &[Report] = &[
    Report { id: "drift", description: "what differs between Git and the cluster", encode: |format| Some(format.encode) },
    Report { id: "provenance", description: "who declared what is live, and how well that is proven", encode: |format| format.provenance },
];

/// The report of a name, as in `--report provenance`.
pub fn report(id: &str) -> Option<&'static Report> {
    REPORTS.iter().find(|report| report.id == id)
}

/// The format of a name, as in `--output json`.
pub fn format(id: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.id == id)
}

#[cfg(test)]
mod tests;
