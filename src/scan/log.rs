//! The commits that changed what is declared: the history of declarations, without the live objects.

use std::sync::Arc;

use super::{Declared, Policy, Proofs, Readers, Run, in_time, inputs, proofs, schemas};
use crate::model::attribution::CommitVerdict;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{Declaration, Tree};
use crate::model::evidence::{Histories, Signatures};
use crate::model::log::Log;
use crate::model::object::Manifest;
use crate::progress::Progress;
use crate::source::Differ;
use crate::{attribute, compare};

/// What became of declarations.
pub struct Logged {
    /// The declarations.
    pub declarations: Vec<Declaration>,
    /// Their sources, without files.
    pub sources: Vec<Tree>,
    /// The changes.
    pub log: Log,
    /// What the signatures of its commits say.
    pub signatures: Signatures,
    /// The judgement on each of its commits, in their order.
    pub verdicts: Vec<CommitVerdict>,
    /// What could not be told, sorted.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Follows what is declared back to its beginning and says how well each commit is proven. Of the cluster only the schemas are
/// read, which name the fields. A limit is so many commits of each source.
pub async fn logged(
    readers: &Readers,
    declared: Declared,
    policy: &Policy,
    run: &Run,
    limit: Option<usize>,
    progress: &Progress,
) -> Logged {
    let Declared { kinds, trees, declarations, trust, observed, mut not_evaluated, .. } = declared;
    let plan = compare::plan(&declarations, &kinds, &policy.compare);
    let (schemas, gaps) = schemas(readers, &plan, run, progress).await;
    not_evaluated.extend(gaps);
    let differ: Differ = Arc::new(move |before: &[Manifest], after: &Manifest| compare::field_changes(before, after, &schemas));
    let documents = inputs(&declarations, &trees);
    let followed = readers.sources.log(&documents, limit, readers.cluster.redactor(), &differ, progress);
    let (mut log, gaps) = in_time(run.limit.within(followed).await, Stage::History, "the history");
    not_evaluated.extend(gaps);
    let histories = Histories { commits: std::mem::take(&mut log.commits), ..Histories::default() };
    let tips_before = observed.as_deref().unwrap_or_default();
    let (Proofs { signatures, positions }, gaps) = proofs(readers, &trust, &trees, &histories.commits, tips_before, run, progress).await;
    not_evaluated.extend(gaps);
    // Nothing is declared here that bots could have a scope in: only commits are judged, as they are for the declarations of a scan.
    let leaf_names = |_: &Declaration| Vec::new();
    let judging = attribute::Judging { trust: &trust, positions: &positions, now: run.started, leaf_names: &leaf_names };
    let verdicts = attribute::attributions(&[], &trees, &histories, &signatures, &judging).commits;
    log.commits = histories.commits;
    not_evaluated.extend(super::not_versioned(&trees).into_iter().filter(|_| documents.is_empty()));
    not_evaluated.sort();
    not_evaluated.dedup();
    let sources = trees.into_iter().map(|tree| Tree { files: Default::default(), ..tree }).collect();
    Logged { declarations, sources, log, signatures, verdicts, not_evaluated }
}
