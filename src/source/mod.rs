//! Reads Git: the files that declare objects, and who wrote what in them.
//!
//! A source is a working copy (its committed state), a bare repository, a remote over https or ssh, or a plain folder. Remotes
//! are fetched into bare repositories of our own. Nothing that a repository says about itself beyond its objects and references
//! is believed or executed; see `git.rs`. It never writes to a repository it was given.
//!
//! ```text
//! SourceSettings -> location -> (remote: fetch) -> Layout -> reference -> commit -> Tree
//!                                                                            `-> history -> Histories
//! ```

mod commit;
mod credentials;
mod error;
mod git;
mod history;
mod listing;
mod location;
mod meter;
mod read;
mod reference;
mod remote;
mod tree;
mod work;
mod worktree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, SourceId, Tree};
use crate::model::evidence::{Authored, Histories};
use crate::progress::Progress;
use crate::yaml::Dialect;

pub use credentials::{Credentials, SecretPlace};

use history::{SourceHistories, Versioned};
use read::Job;

/// What to read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sources; their ids are unique.
    pub sources: Vec<SourceSettings>,
    /// A folder for the bare clones of remotes, so that the next run fetches only what is new. It must belong to this program.
    /// Without one they live in a temporary folder as long as [`Sources`].
    pub cache: Option<PathBuf>,
    /// What one source may take to be fetched and read, and then to be walked.
    pub timeout: Duration,
}

/// One source.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Its name.
    pub id: SourceId,
    /// A path, `file://`, `https://`, `ssh://` or `user@host:path`.
    pub url: String,
    /// A branch, a tag, a full name (`refs/…`) or a commit, whole or shortened. Without one the checked-out `HEAD`, or the
    /// remote's default branch.
    pub reference: Option<String>,
    /// The folder in it that declares objects; empty for its root.
    pub path: String,
    /// What proves who asks.
    pub credentials: Credentials,
    /// Whose reading of YAML applies: versions are compared in the dialect in which their meaning was applied.
    pub dialect: Dialect,
}

/// The sources of a scan, and after [`Sources::fetch`] what was found of them.
pub struct Sources {
    settings: Settings,
    /// Holds the clones of remotes where there is no cache.
    temporary: Option<tempfile::TempDir>,
    versioned: BTreeMap<SourceId, Versioned>,
    /// Sources without Git have no history.
    plain: BTreeSet<SourceId>,
}

impl Sources {
    /// Nothing is read yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, temporary: None, versioned: BTreeMap::new(), plain: BTreeSet::new() }
    }

    /// Fetches and reads all sources at once. Trees are sorted by source; one for every source that is not among the second half.
    pub async fn fetch(&mut self, progress: &Progress) -> (Vec<Tree>, Vec<NotEvaluated>) {
        let mut running = tokio::task::JoinSet::new();
        for settings in self.settings.sources.clone() {
            let folder = self.clone_folder(&settings);
            let (progress, timeout) = (progress.clone(), self.settings.timeout);
            running.spawn(async move {
                let id = settings.id.clone();
                let read = match folder {
                    Ok(folder) => Job { settings, folder, timeout }.run(&progress).await,
                    Err(error) => Err(error),
                };
                (id, read)
            });
        }
        let (mut trees, mut not_evaluated) = (Vec::new(), Vec::new());
        for (id, read) in running.join_all().await {
            match read {
                Ok((tree, versioned)) => {
                    match versioned {
                        Some(versioned) => drop(self.versioned.insert(id, versioned)),
                        None => drop(self.plain.insert(id)),
                    }
                    trees.push(tree);
                }
                Err(error) => not_evaluated.push(NotEvaluated::new(Stage::Fetch, id, error.reason()).with_detail(error.to_string())),
            }
        }
        trees.sort_by(|one: &Tree, other| one.source.cmp(&other.source));
        not_evaluated.sort();
        (trees, not_evaluated)
    }

    /// Finds out who wrote documents and their leaves. Documents of sources without Git have no history.
    pub async fn histories(&self, wanted: &BTreeSet<DocumentRef>, progress: &Progress) -> (Histories, Vec<NotEvaluated>) {
        let mut by_source: BTreeMap<&SourceId, BTreeSet<DocumentRef>> = BTreeMap::new();
        for document in wanted.iter().filter(|document| !self.plain.contains(&document.source)) {
            by_source.entry(&document.source).or_default().insert(document.clone());
        }
        let (mut histories, mut not_evaluated) = (Histories::default(), Vec::new());
        let mut running = Vec::new();
        for (source, wanted) in by_source {
            match self.versioned.get(source) {
                Some(versioned) => {
                    running.push((source, read::history(versioned.clone(), wanted, self.settings.timeout, progress.clone())))
                }
                None => not_evaluated.push(NotEvaluated::new(Stage::History, source, "not fetched")),
            }
        }
        // One after the other, in the order of ids: a walk is work for a processor, and memory.
        for (source, walk) in running {
            match walk.await {
                Ok(found) => add(found, &mut histories, &mut not_evaluated),
                Err(error) => not_evaluated.push(NotEvaluated::new(Stage::History, source, error.reason()).with_detail(error.to_string())),
            }
        }
        not_evaluated.sort();
        (histories, not_evaluated)
    }

    /// Where the clone of a remote goes.
    fn clone_folder(&mut self, settings: &SourceSettings) -> error::Result<PathBuf> {
        let parent = match (&self.settings.cache, &self.temporary) {
            (Some(cache), _) => cache.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => {
                let made = tempfile::tempdir().map_err(|source| error::Error::Io { path: std::env::temp_dir(), source })?;
                self.temporary.insert(made).path().to_owned()
            }
        };
        Ok(parent.join(read::clone_name(settings)))
    }
}

/// Appends the histories of the next source; commits keep their order by source and id.
fn add(found: SourceHistories, histories: &mut Histories, not_evaluated: &mut Vec<NotEvaluated>) {
    let offset = u32::try_from(histories.commits.len()).expect("fewer commits than documents and leaves");
    histories.commits.extend(found.commits);
    not_evaluated.extend(found.not_evaluated);
    for (reference, mut history) in found.documents {
        for authored in std::iter::once(&mut history.document).chain(&mut history.leaves) {
            if let Authored::By(number) = authored {
                *number += offset;
            }
        }
        histories.documents.insert(reference, history);
    }
}
