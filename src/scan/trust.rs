//! Where the trust policy comes from, and which versions of one that is kept in a source are in force.

use super::{Proofs, Readers, Run, proofs};
use crate::attribute;
use crate::model::commit::Commit;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::Tree;
use crate::model::kept::{KeptPolicy, KeptTrust, Trust};
use crate::model::trust::TrustPolicy;
use crate::progress::Progress;

/// Where it is said whose keys speak for whom, and who may declare what.
#[derive(Clone, Debug)]
pub enum TrustSource {
    /// Nowhere.
    Nowhere,
    /// In a file outside of what is judged.
    File(TrustPolicy),
    /// In a repository that is judged.
    Kept {
        /// Where.
        kept: KeptPolicy,
        /// Reads a version of it. The first argument is what the version is called where something is wrong with it.
        read: fn(&str, &[u8]) -> Result<TrustPolicy, String>,
    },
}

/// The trust policies of a scan.
pub(super) struct Established {
    pub(super) trust: Trust,
    pub(super) kept: Option<KeptTrust>,
}

impl Established {
    fn of(trust: Trust) -> Self {
        Self { trust, kept: None }
    }
}

/// Finds out which policies are in force. Of one that cannot be read nothing is known, and nobody is proven by anything.
pub(super) async fn established(
    readers: &Readers,
    source: &TrustSource,
    trees: &[Tree],
    run: &Run,
    progress: &Progress,
) -> (Established, Vec<NotEvaluated>) {
    let (kept, read) = match source {
        TrustSource::Nowhere => return (Established::of(Trust::default()), Vec::new()),
        TrustSource::File(policy) => return (Established::of(Trust::one(policy.clone())), Vec::new()),
        TrustSource::Kept { kept, read } => (kept, read),
    };
    let subject = format!("the trust policy {} of {}", kept.path, kept.source);
    let unknown = |gap: NotEvaluated| (Established::of(Trust::unknown()), vec![gap]);
    let (history, before) = match run.limit.within(readers.sources.kept_policy(kept, progress)).await {
        Ok(Ok(found)) => found,
        Ok(Err(gap)) => return unknown(gap),
        Err(ended) => return unknown(NotEvaluated::new(Stage::History, subject, ended.reason())),
    };
    let version = |content: &Result<Vec<u8>, String>| read(&kept.path, content.as_deref().map_err(Clone::clone)?);
    let policies: Vec<Result<TrustPolicy, String>> = history.versions.iter().map(version).collect();
    let commits: Vec<Commit> = history.changing.values().cloned().collect();
    // What is asked about the history depends on all that was ever said of keys.
    let said = Trust::all(policies.iter().flatten().cloned().collect());
    let (Proofs { signatures, positions }, mut gaps) = proofs(readers, &said, trees, &commits, &[], run, progress).await;
    let tree = trees.iter().find(|tree| tree.source == kept.source);
    let file = attribute::KeptFile {
        kept,
        url: tree.map_or("", |tree| tree.url.as_str()),
        reference: tree.and_then(|tree| tree.requested.as_deref()),
        history: &history,
        before,
        policies,
    };
    let standpoint = attribute::Standpoint { positions: &positions, now: run.started };
    match attribute::established(file, &signatures, standpoint) {
        Ok((trust, kept)) => (Established { trust, kept: Some(kept) }, gaps),
        Err(problem) => {
            let detail = format!("at its anchor {}: {problem}", kept.anchor);
            gaps.push(NotEvaluated::new(Stage::History, subject, "policy unreadable").with_detail(detail));
            (Established::of(Trust::unknown()), gaps)
        }
    }
}
