//! `kubewitness trust init`: proposes a trust policy from who signs in the sources, for a person to review. It needs no cluster
//! and writes no file.

mod proposal;
mod text;

use chrono::Utc;

use super::{Error, Options, Outcome, Screen, limit, output, parsed, sources_needed, whole_seconds};
use crate::attribute::commit_verdict;
use crate::config::Config;
use crate::keyring::Keyring;
use crate::model::commit::Commit;
use crate::source::Sources;

use proposal::{Proposal, is_bot};

/// Prints a policy that proves nobody whom the configured keys do not prove without it; what commits merely claim stands in it
/// commented out.
///
/// # Errors
/// Where there is no source, or keys cannot be read, or the time is up.
pub async fn init(options: Options, most: usize, screen: &Screen) -> Result<Outcome, Error> {
    // A policy that the configuration names may not be there yet.
    let config = parsed(options)?;
    sources_needed(&config)?;
    let started = whole_seconds(Utc::now());
    let keyring = Keyring::open(&config.keyring)?;
    let mut sources = Sources::new(config.sources);
    let limit = limit(config.timeout);
    let (_, mut gaps) = limit.within(sources.fetch(&screen.progress)).await.map_err(|ended| ended.of("fetching the sources"))?;
    let surveyed = limit.within(sources.surveys(most, is_bot, &screen.progress)).await;
    let (surveys, more) = surveyed.map_err(|ended| ended.of("reading the history"))?;
    gaps.extend(more);
    let commits: Vec<Commit> = surveys.iter().flat_map(|survey| survey.commits.iter().cloned()).collect();
    let verified = limit.within(keyring.verify(&commits, started, &screen.progress)).await;
    let (signatures, more) = verified.map_err(|ended| ended.of("verifying signatures"))?;
    gaps.extend(more);
    screen.progress.finish();
    for gap in &gaps {
        tracing::warn!(subject = gap.subject, reason = gap.reason, detail = gap.detail, "the proposal may lack what stands there");
    }
    let mut proposal = Proposal::default();
    for commit in &commits {
        if let Some(facts) = signatures.get(&(commit.source.clone(), commit.id.clone())) {
            let touched = surveys.iter().find(|survey| survey.source == commit.source).and_then(|survey| survey.touched.get(&commit.id));
            proposal.add(commit, facts, &commit_verdict(commit, facts), touched.map(Vec::as_slice));
        }
    }
    let text = text::written(&proposal, &surveys, &gaps, most);
    // What is printed must be read again; hostile text that breaks it is a fault of ours, and no policy.
    Config::parse_trust("the proposal", text.as_bytes())?;
    output::to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(if gaps.is_empty() { Outcome::Clean } else { Outcome::Partial })
}
