//! `kubewitness explain`: what a finding means and what to do.

use super::{Error, Outcome, output};
use crate::audit::{self, CHECKS};

/// Prints the explanation of a rule, or the list of all rules.
///
/// # Errors
/// [`Error::Usage`] where there is no such rule, with the one that was probably meant.
pub fn explain(rule: Option<&str>) -> Result<Outcome, Error> {
    let text = match rule {
        None => CHECKS.iter().map(|check| format!("{:<24} {:<8} {}\n", check.id, check.severity.as_str(), check.title)).collect(),
        Some(rule) => audit::explain(rule).map_err(|unknown| Error::Usage(unknown.to_string()))?.to_string(),
    };
    output::to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::Clean)
}
