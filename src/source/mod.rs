//! Reads Git: the files that declare objects, and who wrote what in them.
//!
//! A source is a working copy (its committed state), a bare repository, a remote over https or ssh, or a plain folder. Remotes
//! are fetched into bare repositories of our own. Nothing that a repository says about itself beyond its objects and references
//! is believed or executed; see `git.rs`. It never writes to a repository it was given.
//!
//! ```text
//! SourceSettings -> location -> (remote: fetch) -> Layout -> reference -> commit -> Tree
//!                                                                            |-> history -> Histories
//!                                                                            `-> ancestry -> TipChange
//! ```

mod ancestry;
mod commit;
mod credentials;
mod error;
mod git;
mod history;
mod late;
mod lineage;
mod listing;
mod location;
mod log;
mod memory;
mod meter;
mod policy;
mod read;
mod reference;
mod remote;
mod submodules;
mod tag;
mod tree;
mod work;
mod worktree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::commit::{Commit, CommitId};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, SourceId, Tree};
use crate::model::evidence::{Asked, Change, Histories, Newest, ObservedTip, Positions, Survey, Tip, TipChange, Unreachable};
use crate::model::kept::{FileHistory, KeptPolicy};
use crate::model::tag::Tag;
use crate::progress::Progress;
use crate::yaml::Dialect;

pub use credentials::{Credentials, SecretPlace};
pub use location::{holds_login, shown};
pub use log::Differ;

use ancestry::Reach;
use history::{SourceHistories, Versioned};
use read::Job;
use work::End;

/// The part of a source's time in which it is looked for what changed documents between observed tips.
const CHANGES_SHARE: u32 = 10;

/// What to read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sources; their ids are unique.
    pub sources: Vec<SourceSettings>,
    /// A folder for the bare clones of remotes, so that the next run fetches only what is new, and for what walks of histories
    /// found, so that it walks only what is new. It must belong to this program.
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
}

/// The sources of a scan, and after [`Sources::fetch`] what was found of them.
pub struct Sources {
    settings: Settings,
    /// Holds the clones of remotes where there is no cache.
    temporary: Option<tempfile::TempDir>,
    versioned: BTreeMap<SourceId, Versioned>,
    /// Sources without Git have no history.
    plain: BTreeSet<SourceId>,
    unreachable: Vec<Unreachable>,
}

impl Sources {
    /// Nothing is read yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, temporary: None, versioned: BTreeMap::new(), plain: BTreeSet::new(), unreachable: Vec::new() }
    }

    /// Fetches and reads all sources at once. Trees are sorted by source; one for every source that the second half does not name
    /// at the stage `fetch`.
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
                        Some(versioned) => {
                            not_evaluated.extend(self.found(&tree, &versioned));
                            self.versioned.insert(id, versioned);
                        }
                        None => drop(self.plain.insert(id)),
                    }
                    trees.push(tree);
                }
                Err(error::Error::Unreachable(commit)) => {
                    let url = self.settings.sources.iter().find(|settings| settings.id == id).map(|settings| shown(&settings.url));
                    let detail = error::Error::Unreachable(commit.clone()).to_string();
                    not_evaluated.push(NotEvaluated::new(Stage::Fetch, &id, "reference not found").with_detail(detail));
                    let (url, commit) = (url.unwrap_or_default(), CommitId::new(commit));
                    self.unreachable.push(Unreachable { source: id, url, commit, in_clone: false });
                }
                Err(error) => not_evaluated.push(NotEvaluated::new(Stage::Fetch, id, error.reason()).with_detail(error.to_string())),
            }
        }
        trees.sort_by(|one: &Tree, other| one.source.cmp(&other.source));
        not_evaluated.sort();
        self.unreachable.sort();
        (trees, not_evaluated)
    }

    /// Notes whether a branch or tag leads to what was asked for. Returns why that cannot be told.
    fn found(&mut self, tree: &Tree, versioned: &Versioned) -> Option<NotEvaluated> {
        let commit = CommitId::new(versioned.tip.to_string());
        match versioned.reach {
            Reach::Reached => None,
            Reach::Unreached => {
                let in_clone = versioned.layout.is_clone();
                self.unreachable.push(Unreachable { source: tree.source.clone(), url: tree.url.clone(), commit, in_clone });
                None
            }
            Reach::Untold => {
                let subject = format!("whether a branch or tag of {} leads to {commit}", tree.source);
                let detail = "not all that its branches and tags lead to is there: the clone is shallow, or lacks branches or objects";
                Some(NotEvaluated::new(Stage::History, subject, "history cut off").with_detail(detail))
            }
        }
    }

    /// Commits that sources ask for and no branch or tag leads to, sorted by source; known after [`Sources::fetch`].
    pub fn unreachable(&self) -> &[Unreachable] {
        &self.unreachable
    }

    /// Of each set of commits of a source the one that descends from all the others, where there is one.
    pub async fn newest(&self, asked: BTreeSet<(SourceId, BTreeSet<CommitId>)>) -> (Newest, Vec<NotEvaluated>) {
        let mut by_source: BTreeMap<SourceId, Vec<BTreeSet<CommitId>>> = BTreeMap::new();
        for (source, commits) in asked {
            by_source.entry(source).or_default().push(commits);
        }
        let (mut newest, mut not_evaluated) = (Newest::new(), Vec::new());
        for (source, asked) in by_source {
            let Some(versioned) = self.versioned.get(&source) else { continue };
            match read::newest(versioned.clone(), asked, self.settings.timeout).await {
                Ok(found) => newest.extend(found.into_iter().map(|(commits, commit)| ((source.clone(), commits), commit))),
                Err(error) => {
                    let subject = format!("who activated what in {source}");
                    not_evaluated.push(NotEvaluated::new(Stage::History, subject, error.reason()).with_detail(error.to_string()));
                }
            }
        }
        (newest, not_evaluated)
    }

    /// Finds out who wrote documents and their leaves. Each is read in the dialect in which it was declared, since its leaves
    /// are counted in that reading; and what brought each onto its branch since tips are observed. Documents of sources without
    /// Git have no history. What is not found out at `latest` is not evaluated, and the rest is told.
    pub async fn histories(
        &self,
        wanted: &BTreeMap<DocumentRef, Dialect>,
        observed: &[ObservedTip],
        latest: Option<Instant>,
        progress: &Progress,
    ) -> (Histories, Vec<NotEvaluated>) {
        let mut walks: BTreeMap<(&SourceId, Dialect), BTreeSet<DocumentRef>> = BTreeMap::new();
        for (document, dialect) in wanted.iter().filter(|(document, _)| !self.plain.contains(&document.source)) {
            walks.entry((&document.source, *dialect)).or_default().insert(document.clone());
        }
        let (mut walked, mut found, mut not_evaluated) = (Vec::new(), Vec::new(), Vec::new());
        let failed = |source: &SourceId, error: error::Error| {
            NotEvaluated::new(Stage::History, source, error.reason()).with_detail(error.to_string())
        };
        let end = End { after: self.settings.timeout, latest };
        // Nothing is ever written into what is judged.
        let folder = self.cache().map(Path::to_owned);
        // One after the other: a walk is work for a processor, and memory.
        for ((source, dialect), wanted) in walks {
            let Some(versioned) = self.versioned.get(source) else {
                not_evaluated.push(NotEvaluated::new(Stage::History, source, "not fetched"));
                continue;
            };
            match read::walk(versioned.clone(), dialect, wanted, folder.clone(), end, progress.clone()).await {
                Ok(history) => walked.push((versioned, history)),
                Err(error) => not_evaluated.push(failed(source, error)),
            }
        }
        // Who wrote what goes before what changed it.
        let end = End { after: self.settings.timeout / CHANGES_SHARE, latest };
        for (versioned, walked) in walked {
            match read::histories(walked, versioned.tips(observed), end, progress).await {
                Ok(history) => found.push(history),
                Err(error) => not_evaluated.push(failed(&versioned.source, error)),
            }
        }
        let histories = joined(found, &mut not_evaluated);
        not_evaluated.sort();
        not_evaluated.dedup();
        (histories, not_evaluated)
    }

    /// The tag objects by which sources were asked for, sorted by source. Branches and lightweight tags have none.
    pub fn tags(&self) -> Vec<Tag> {
        self.versioned.values().filter_map(|versioned| versioned.tag.clone()).collect()
    }

    /// Whether a reference is among what was fetched: of plain folders and pinned commits there is nothing to remember.
    pub fn have_tips(&self) -> bool {
        self.versioned.values().any(|versioned| versioned.named.is_some())
    }

    /// The folder for what may be kept between runs, unless it lies in what is judged: nothing is ever written there, and what
    /// lies there is not ours. Known for sure only once the sources are fetched.
    pub fn cache(&self) -> Option<&Path> {
        self.settings.cache.as_deref().filter(|folder| !self.hold(folder))
    }

    /// Whether a folder lies in a repository or folder that is judged, or was to be.
    pub fn hold(&self, folder: &Path) -> bool {
        let real = |path: &Path| path.ancestors().find_map(|ancestor| Some((std::fs::canonicalize(ancestor).ok()?, ancestor.to_owned())));
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        // What is not there yet lies where its nearest ancestor does.
        let place = real(&folder)
            .map_or_else(|| folder.clone(), |(real, ancestor)| real.join(folder.strip_prefix(ancestor).expect("an ancestor is a prefix")));
        let folders = self.settings.sources.iter().filter_map(|source| match location::parse(&source.url) {
            Ok(location::Location::Folder(folder)) => std::fs::canonicalize(folder).ok(),
            _ => None,
        });
        // Of what is not fetched yet, the repository around it.
        let around = |folder: &Path| folder.ancestors().find(|ancestor| ancestor.join(".git").exists()).unwrap_or(folder).to_owned();
        folders.into_iter().any(|folder| place.starts_with(around(&folder)))
            || self.versioned.values().any(|versioned| versioned.layout.holds(&place))
    }

    /// What became of the fetched references since they were observed last. Sorted by source.
    pub async fn changes(&self, observed: &[ObservedTip], progress: &Progress) -> (Vec<TipChange>, Vec<NotEvaluated>) {
        let (mut changes, mut not_evaluated) = (Vec::new(), Vec::new());
        for versioned in self.versioned.values() {
            let Some(tip) = versioned.named.clone() else { continue };
            let is_same = |old: &&ObservedTip| old.tip.url == tip.url && old.tip.reference == tip.reference;
            let since = match observed.iter().rev().find(is_same) {
                None => None,
                Some(old) => {
                    let (change, gap) = match read::change(versioned, &tip, old, self.settings.timeout, progress).await {
                        Ok(change) if change == Change::Unknown => (change, Some(untold(versioned, &tip, old))),
                        Ok(change) => (change, None),
                        Err(error) => (Change::Unknown, Some(unread(&versioned.source, &tip, &error))),
                    };
                    not_evaluated.extend(gap);
                    Some((old.clone(), change))
                }
            };
            changes.push(TipChange { source: versioned.source.clone(), tip, since });
        }
        not_evaluated.sort();
        (changes, not_evaluated)
    }

    /// Where these commits stand in the history of each source, by what is asked. A commit that is asked for and not in the history
    /// of its source, or cannot be found there, is among the second half.
    pub async fn positions(
        &self,
        asked: &BTreeMap<SourceId, Asked>,
        commits: &[Commit],
        observed: &[ObservedTip],
        progress: &Progress,
    ) -> (Positions, Vec<NotEvaluated>) {
        let (mut positions, mut not_evaluated) = (Positions::default(), Vec::new());
        for (source, asked) in asked {
            let Some(versioned) = self.versioned.get(source) else { continue };
            let commits = commits.iter().filter(|commit| commit.source == *source).map(|commit| commit.id.clone()).collect();
            match read::standing(versioned, asked.clone(), commits, observed, self.settings.timeout, progress).await {
                Ok(read::Standing { marks, late, whole }) => {
                    let reason = if whole { "commit not in history" } else { "history cut off" };
                    let lost = asked.marks.iter().filter(|mark| marks.get(mark).is_none_or(|found| !found.whole));
                    not_evaluated.extend(lost.map(|mark| NotEvaluated::new(Stage::History, before(source, mark), reason)));
                    positions.marks.extend(marks.into_iter().map(|(mark, found)| ((source.clone(), mark), found)));
                    positions.late.extend(late.into_iter().map(|(end, late)| ((source.clone(), end), late)));
                }
                Err(error) => {
                    let late = (!asked.ends.is_empty()).then(|| format!("when commits under keys that have ended came into {source}"));
                    let subjects = asked.marks.iter().map(|mark| before(source, mark)).chain(late);
                    let gap = |subject| NotEvaluated::new(Stage::History, subject, error.reason()).with_detail(error.to_string());
                    not_evaluated.extend(subjects.map(gap));
                }
            }
        }
        not_evaluated.sort();
        (positions, not_evaluated)
    }

    /// Reads what became of the file of a kept trust policy since its anchor, and which commits lie before that.
    ///
    /// # Errors
    /// Why that cannot be told: the source is no repository or was not fetched, or the anchor is not behind its tip.
    pub async fn kept_policy(&self, kept: &KeptPolicy, progress: &Progress) -> Result<(FileHistory, Vec<CommitId>), NotEvaluated> {
        let subject = format!("the trust policy {} of {}", kept.path, kept.source);
        let Some(versioned) = self.versioned.get(&kept.source) else {
            let reason = if self.plain.contains(&kept.source) { "not versioned" } else { "not fetched" };
            return Err(NotEvaluated::new(Stage::History, subject, reason));
        };
        let read = read::kept_policy(versioned.clone(), kept.clone(), self.settings.timeout, progress).await;
        read.map_err(|error| NotEvaluated::new(Stage::History, subject, error.reason()).with_detail(error.to_string()))
    }

    /// Looks at up to so many commits of each source, and at what those of interest touched. Sorted by source. Plain folders have
    /// no commits, and are among the second half.
    pub async fn surveys(&self, most: usize, is_of_interest: fn(&Commit) -> bool, progress: &Progress) -> (Vec<Survey>, Vec<NotEvaluated>) {
        let mut surveys = Vec::new();
        let mut not_evaluated: Vec<_> =
            self.plain.iter().map(|source| NotEvaluated::new(Stage::History, source, "not versioned")).collect();
        for (source, versioned) in &self.versioned {
            match read::survey(versioned.clone(), most, is_of_interest, self.settings.timeout, progress.clone()).await {
                Ok((survey, gaps)) => {
                    surveys.push(survey);
                    not_evaluated.extend(gaps);
                }
                Err(error) => not_evaluated.push(NotEvaluated::new(Stage::History, source, error.reason()).with_detail(error.to_string())),
            }
        }
        not_evaluated.sort();
        (surveys, not_evaluated)
    }

    /// Where the clone of a remote goes.
    fn clone_folder(&mut self, settings: &SourceSettings) -> error::Result<PathBuf> {
        let parent = match (self.cache(), &self.temporary) {
            (Some(cache), _) => cache.to_owned(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => {
                let made = tempfile::tempdir().map_err(|source| error::Error::Io { path: std::env::temp_dir(), source })?;
                self.temporary.insert(made).path().to_owned()
            }
        };
        Ok(parent.join(read::clone_name(settings)))
    }
}

fn before(source: &SourceId, mark: &CommitId) -> String {
    format!("what lies before commit {mark} of the trust policy in {source}")
}

fn rewriting(source: &SourceId, tip: &Tip) -> String {
    format!("whether {} of {source} was rewritten", tip.reference)
}

/// Too much of the history is missing to say what became of a reference.
fn untold(versioned: &Versioned, tip: &Tip, old: &ObservedTip) -> NotEvaluated {
    let is_shallow = versioned.layout.shallow().is_ok_and(|boundary| !boundary.is_empty());
    let (reason, remedy) = if is_shallow {
        ("history cut off", "the clone is shallow; fetch all of it with `git fetch --unshallow`")
    } else {
        ("object missing", "the repository lacks commits; `git fsck` names them")
    };
    let detail = format!("it was at {} and is at {}, and what lies between is not there: {remedy}", old.tip.commit, tip.commit);
    NotEvaluated::new(Stage::History, rewriting(&versioned.source, tip), reason).with_detail(detail)
}

fn unread(source: &SourceId, tip: &Tip, error: &error::Error) -> NotEvaluated {
    NotEvaluated::new(Stage::History, rewriting(source, tip), error.reason()).with_detail(error.to_string())
}

/// Reads a folder or a file as it stands on the disk, whether a repository lies around it or not.
///
/// # Errors
/// Why it cannot be read, with the path in the detail.
pub fn folder(id: &str, path: &Path) -> Result<Tree, NotEvaluated> {
    let is_file = path.is_file();
    let (folder, name) = match (is_file, path.parent(), path.file_name()) {
        (true, Some(parent), Some(name)) => (if parent.as_os_str().is_empty() { Path::new(".") } else { parent }, name.as_encoded_bytes()),
        _ => (path, &b""[..]),
    };
    let failed = |error: error::Error| NotEvaluated::new(Stage::Fetch, id, error.reason()).with_detail(error.to_string());
    let files = tree::of_folder(folder, name).map_err(failed)?;
    Ok(Tree {
        source: id.to_owned(),
        url: path.display().to_string(),
        requested: None,
        commit: None,
        shallow: false,
        uncommitted: 0,
        root: files.root,
        files: files.entries,
    })
}

/// Makes one of all walks; a commit that several of them credit stands there once.
fn joined(found: Vec<SourceHistories>, not_evaluated: &mut Vec<NotEvaluated>) -> Histories {
    let mut commits: BTreeMap<(SourceId, CommitId), Commit> = BTreeMap::new();
    let credited = |history: &SourceHistories| -> Vec<(SourceId, CommitId)> {
        history.commits.iter().map(|commit| (commit.source.clone(), commit.id.clone())).collect()
    };
    let ids: Vec<Vec<(SourceId, CommitId)>> = found.iter().map(credited).collect();
    let mut documents = Vec::new();
    for history in found {
        commits.extend(history.commits.into_iter().map(|commit| ((commit.source.clone(), commit.id.clone()), commit)));
        not_evaluated.extend(history.not_evaluated);
        documents.push(history.documents);
    }
    let numbers: BTreeMap<&(SourceId, CommitId), u32> = commits.keys().zip(0..).collect();
    let mut histories = Histories::default();
    for (ids, documents) in ids.iter().zip(documents) {
        for (reference, mut history) in documents {
            history.commits_mut().for_each(|commit| *commit = numbers[&ids[*commit as usize]]);
            histories.documents.insert(reference, history);
        }
    }
    histories.commits = commits.into_values().collect();
    histories
}
