//! The changes of documents, source by source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::{Wanted, log};
use super::meter::grouped;
use super::{Sources, work};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, SourceId};
use crate::model::log::{FieldChange, Log};
use crate::model::object::Manifest;
use crate::progress::Progress;
use crate::secret::Redactor;
use crate::yaml::Dialect;

/// Tells the versions of a document before a change from the one after it.
pub type Differ = Arc<dyn Fn(&[Manifest], &Manifest) -> Vec<FieldChange> + Send + Sync>;

impl Sources {
    /// Follows documents back to their beginning: every commit that changed what they mean, with what it changed. A limit is so
    /// many commits of each source. No secret value is in what is told. Documents of sources without Git have no history.
    pub async fn log(
        &self,
        wanted: &BTreeMap<DocumentRef, Dialect>,
        limit: Option<usize>,
        redactor: &Redactor,
        differ: &Differ,
        progress: &Progress,
    ) -> (Log, Vec<NotEvaluated>) {
        let mut logs: BTreeMap<(&SourceId, Dialect), BTreeSet<DocumentRef>> = BTreeMap::new();
        for (document, dialect) in wanted.iter().filter(|(document, _)| !self.plain.contains(&document.source)) {
            logs.entry((&document.source, *dialect)).or_default().insert(document.clone());
        }
        let (mut found, mut not_evaluated) = (Log::default(), Vec::new());
        for ((source, dialect), documents) in logs {
            let Some(versioned) = self.versioned.get(source).cloned() else {
                not_evaluated.push(NotEvaluated::new(Stage::History, source, "not fetched"));
                continue;
            };
            let (redactor, differ, progress, id) = (redactor.clone(), differ.clone(), progress.clone(), source.clone());
            let told = move |count| progress.tell(|| format!("following {id}: {} commits", grouped(count)));
            let read = work::beside(
                work::End::after(self.settings.timeout),
                || {},
                move |stop| {
                    let wanted = Wanted { documents: &documents, dialect, limit, redactor: &redactor, differ: &*differ };
                    log(&versioned, &wanted, stop, &told)
                },
            );
            match read.await {
                Ok((log, gaps)) => {
                    add(&mut found, log);
                    not_evaluated.extend(gaps);
                }
                Err(error) => not_evaluated.push(NotEvaluated::new(Stage::History, source, error.reason()).with_detail(error.to_string())),
            }
        }
        not_evaluated.sort();
        not_evaluated.dedup();
        (found, not_evaluated)
    }
}

/// Puts the log of another source behind.
fn add(log: &mut Log, other: Log) {
    let first = u32::try_from(log.commits.len()).expect("fewer commits than a number of 32 bits");
    log.commits.extend(other.commits);
    log.changes.extend(other.changes.into_iter().map(|mut change| {
        change.commits.iter_mut().for_each(|commit| *commit += first);
        change
    }));
    log.ends.extend(other.ends);
    log.omitted += other.omitted;
}
