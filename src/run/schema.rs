//! `kubewitness schema`: the JSON Schemas that other programs rely on.

use super::{Error, Outcome, output};
use crate::config;
use crate::report;

/// A document with a published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// `kubewitness.yaml`.
    Config,
    /// The trust policy.
    Trust,
    /// What `scan -o json` writes.
    Record,
    /// What `blame -o json` writes.
    Blame,
    /// What `compare -o json` writes.
    Comparison,
}

/// Prints a schema.
///
/// # Errors
/// Where standard output cannot be written.
pub fn schema(of: Contract) -> Result<Outcome, Error> {
    let schema = match of {
        Contract::Config => config::json_schema(),
        Contract::Trust => config::trust_schema(),
        Contract::Record => report::schema::record(),
        Contract::Blame => report::schema::blame(),
        Contract::Comparison => report::schema::comparison(),
    };
    output::to_stdout(|out| writeln!(out, "{schema:#}"))?;
    Ok(Outcome::Clean)
}
