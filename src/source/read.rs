//! One source from its settings to its tree, and one history.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::SourceSettings;
use super::ancestry::{Descent, Reach, change_between, reach};
use super::commit::links;
use super::error::{Error, Result};
use super::git::{Layout, Objects};
use super::history::{self, SourceHistories, Versioned, Walked, walked};
use super::late::Seen;
use super::lineage::Lineage;
use super::location::{self, Location, shown};
use super::meter::{Meter, grouped};
use super::reference::{BRANCHES, Resolved, TAGS, full_id, resolve, tips};
use super::remote::Fetch;
use super::work::{self, End};
use super::{policy, tag, tree, worktree};
use crate::model::commit::{Commit, CommitId};
use crate::model::coverage::NotEvaluated;
use crate::model::declaration::{DocumentRef, Tree, TreeEntry, TreePath};
use crate::model::evidence::{Asked, Change, Mark, ObservedTip, Survey, TagObject, Tip};
use crate::model::kept::{FileHistory, KeptPolicy};
use crate::model::text::hex;
use crate::progress::Progress;
use crate::yaml::Dialect;

/// A source to read.
pub(super) struct Job {
    pub(super) settings: SourceSettings,
    /// Where a clone would go.
    pub(super) folder: PathBuf,
    pub(super) timeout: Duration,
}

type Read = (Tree, Option<Versioned>);

/// The name of a clone's folder: one for each source, so that no two fetches meet in one.
pub(super) fn clone_name(settings: &SourceSettings) -> String {
    let digest = Sha256::digest(format!("{}\0{}", settings.id, location::split_credentials(&settings.url).1));
    hex(&digest[..16]) + ".git"
}

/// Walks the history of one source.
pub(super) async fn walk(
    versioned: Versioned,
    dialect: Dialect,
    wanted: BTreeSet<DocumentRef>,
    folder: Option<PathBuf>,
    end: End,
    progress: Progress,
) -> Result<Arc<Walked>> {
    let source = versioned.source.clone();
    let told = move |count| progress.tell(|| format!("walking {source}: {} commits", grouped(count)));
    work::beside(end, || {}, move |stop| walked(versioned, dialect, &wanted, folder.as_deref(), stop, &told)).await.map(Arc::new)
}

/// Looks for what changed documents between observed tips in a time of its own, and tells all. However long that takes, the
/// answers of the walk are not lost.
pub(super) async fn histories(walked: Arc<Walked>, tips: Vec<gix::ObjectId>, end: End, progress: &Progress) -> Result<SourceHistories> {
    let changes = if walked.may_have_changes(&tips) {
        let (searched, tips) = (walked.clone(), tips.clone());
        let tick = || progress.tell(|| "looking for what changed documents between observed tips".to_owned());
        work::beside(end, tick, move |stop| searched.changes(&tips, stop)).await
    } else {
        Ok(Vec::new())
    };
    work::beside(end, || {}, move |_| walked.histories(&tips, changes)).await
}

/// Looks at the commits of one source.
pub(super) async fn survey(
    versioned: Versioned,
    most: usize,
    is_of_interest: fn(&Commit) -> bool,
    timeout: Duration,
    progress: Progress,
) -> Result<(Survey, Vec<NotEvaluated>)> {
    let source = versioned.source.clone();
    let told = move |count| progress.tell(|| format!("looking at {source}: {} commits", grouped(count)));
    work::beside(End::after(timeout), || {}, move |stop| history::survey(&versioned, most, is_of_interest, stop, &told)).await
}

/// What was asked about one history, and whether it could be read as a whole.
pub(super) struct Standing {
    pub(super) marks: BTreeMap<CommitId, Mark>,
    pub(super) late: BTreeMap<DateTime<Utc>, BTreeSet<CommitId>>,
    pub(super) whole: bool,
}

/// Where commits stand in one history.
pub(super) async fn standing(
    versioned: &Versioned,
    asked: Asked,
    commits: Vec<CommitId>,
    observed: &[ObservedTip],
    timeout: Duration,
    progress: &Progress,
) -> Result<Standing> {
    let (layout, tip) = (versioned.layout.clone(), versioned.tip);
    let seen: Vec<_> = asked.ends.iter().map(|end| (*end, Seen::of(versioned, *end, observed))).collect();
    if asked.marks.is_empty() && seen.iter().all(|(_, seen)| seen.is_blind()) {
        return Ok(Standing { marks: BTreeMap::new(), late: BTreeMap::new(), whole: true });
    }
    let tick = || progress.tell(|| format!("looking for where commits stand in {}", versioned.source));
    let found = work::beside(End::after(timeout), tick, move |stop| {
        let objects = layout.objects()?;
        let lineage = Lineage::of(&objects, tip, stop)?;
        let commits: Vec<&CommitId> = commits.iter().collect();
        let marks = asked.marks.into_iter().filter_map(|mark| lineage.mark(&mark, &commits).map(|found| (mark, found))).collect();
        let late = Seen::late(seen, &objects, &lineage, &commits, stop)?;
        Ok(Standing { marks, late, whole: lineage.is_whole() })
    });
    found.await.map_err(|error| if let Error::TimedOut(_) = error { Error::TimedOut(timeout.as_secs()) } else { error })
}

/// What became of the file of a kept trust policy, and which commits lie before its anchor.
pub(super) async fn kept_policy(
    versioned: Versioned,
    kept: KeptPolicy,
    timeout: Duration,
    progress: &Progress,
) -> Result<(FileHistory, Vec<CommitId>)> {
    let name = kept.source.clone();
    let tick = || progress.tell(|| format!("reading the trust policy of {name} since its anchor"));
    let read = work::beside(End::after(timeout), tick, move |stop| policy::kept(&versioned, &kept, stop)).await;
    read.map(|policy::Kept { file, before }| (file, before)).map_err(|error| after(timeout, error))
}

/// What became of a reference since it was observed.
pub(super) async fn change(versioned: &Versioned, tip: &Tip, old: &ObservedTip, timeout: Duration, progress: &Progress) -> Result<Change> {
    if tip.reference.starts_with("refs/tags/") {
        let is_same = old.tip.commit == tip.commit && old.tip.tag == tip.tag;
        return Ok(if is_same { Change::Same } else { Change::TagMoved });
    }
    if old.tip.commit == tip.commit {
        return Ok(Change::Same);
    }
    let (layout, to) = (versioned.layout.clone(), versioned.tip);
    let unreadable = || Error::Corrupt { id: old.tip.commit.to_string(), problem: "it is no object id".into() };
    let from = gix::ObjectId::from_hex(old.tip.commit.as_str().as_bytes()).map_err(|_| unreadable())?;
    let name = format!("{} of {}", tip.reference, versioned.source);
    let tick = || progress.tell(|| format!("looking for what became of {name}"));
    let change = work::beside(End::after(timeout), tick, move |stop| change_between(&layout.objects()?, from, to, stop)).await;
    change.map_err(|error| after(timeout, error))
}

/// An error with the time that was given.
fn after(timeout: Duration, error: Error) -> Error {
    if let Error::TimedOut(_) = error { Error::TimedOut(timeout.as_secs()) } else { error }
}

/// Of each of several sets of commits the one that descends from all the others, where there is one.
pub(super) async fn newest(
    versioned: Versioned,
    asked: Vec<BTreeSet<CommitId>>,
    timeout: Duration,
) -> Result<Vec<(BTreeSet<CommitId>, CommitId)>> {
    let found = work::beside(End::after(timeout), || {}, move |stop| newest_of(&versioned, asked, stop)).await;
    found.map_err(|error| after(timeout, error))
}

fn newest_of(versioned: &Versioned, asked: Vec<BTreeSet<CommitId>>, stop: &AtomicBool) -> Result<Vec<(BTreeSet<CommitId>, CommitId)>> {
    let objects = versioned.layout.objects()?;
    let mut descent = Descent::new(&objects, stop);
    let mut found = Vec::new();
    for commits in asked {
        let ids: Option<Vec<_>> = commits.iter().map(|id| gix::ObjectId::from_hex(id.as_str().as_bytes()).ok()).collect();
        if let Some(newest) = ids.map(|ids| descent.newest(&ids)).transpose()?.flatten() {
            found.push((commits, CommitId::new(newest.to_string())));
        }
    }
    Ok(found)
}

impl Job {
    pub(super) async fn run(self, progress: &Progress) -> Result<Read> {
        let meter = Meter::default();
        let (shown, id) = (meter.clone(), self.settings.id.clone());
        let tick = move || {
            let counts = shown.text().map(|text| format!(" {text}")).unwrap_or_default();
            progress.tell(|| format!("fetching {id}{counts}"));
        };
        let timeout = self.timeout;
        work::beside(End::after(timeout), tick, move |stop| self.read(&meter, stop)).await.map_err(|error| after(timeout, error))
    }

    fn read(&self, meter: &Meter, stop: &AtomicBool) -> Result<Read> {
        let path = tree::clean(&self.settings.path)?;
        let location = location::parse(&self.settings.url)?;
        if let Location::Folder(folder) = &location {
            return self.read_folder(folder, &path, stop);
        }
        let scratch = tempfile::tempdir().map_err(|source| Error::Io { path: std::env::temp_dir(), source })?;
        let fetch = Fetch {
            location: &location,
            reference: self.settings.reference.as_deref(),
            credentials: &self.settings.credentials,
            folder: &self.folder,
            scratch: scratch.path(),
            timeout: self.timeout,
            meter,
            stop,
        };
        let (layout, resolved) = fetch.run()?;
        let objects = layout.objects()?;
        self.read_commit(layout, &objects, resolved, &path, Reach::Reached)
    }

    fn read_folder(&self, folder: &Path, path: &[u8], stop: &AtomicBool) -> Result<Read> {
        let io = |source| Error::Io { path: folder.to_owned(), source };
        let folder = fs::canonicalize(folder).map_err(io)?;
        let Some((layout, below)) = Layout::around(&folder)? else { return self.read_plain(&folder, path) };
        let objects = layout.objects()?;
        let reference = self.settings.reference.as_deref();
        let place =
            [below.as_os_str().as_encoded_bytes(), path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/');
        let read = resolve(&layout, &objects, reference).and_then(|resolved| {
            let reach = self.reach(&layout, &objects, &resolved, stop)?;
            self.read_commit(layout, &objects, resolved, &place, reach)
        });
        match read {
            // A folder inside somebody's repository that is no part of it: ignored, or never added.
            Err(Error::PathNotFound { .. } | Error::ReferenceNotFound { .. }) if reference.is_none() && !below.as_os_str().is_empty() => {
                self.read_plain(&folder, path)
            }
            other => other,
        }
    }

    /// Whether a branch or tag leads to a commit that was asked for by its id. What is checked out was not asked for so.
    fn reach(&self, layout: &Layout, objects: &Objects, resolved: &Resolved, stop: &AtomicBool) -> Result<Reach> {
        let is_named = self.settings.reference.as_deref().is_none_or(|reference| reference == "HEAD");
        if is_named || full_id(&resolved.requested) != Some(resolved.commit) {
            return Ok(Reach::Reached);
        }
        let (Ok(branches), Ok(tags)) = (tips(layout, &BRANCHES), tips(layout, &TAGS)) else { return Ok(Reach::Untold) };
        let found = reach(objects, &[branches.as_slice(), &tags].concat(), resolved.commit, stop)?;
        // A clone that fetched one commit, or that is cut off, does not know the branches that lead there.
        let is_part = branches.is_empty() || !layout.shallow()?.is_empty();
        Ok(if found == Reach::Unreached && is_part { Reach::Untold } else { found })
    }

    fn read_plain(&self, folder: &Path, path: &[u8]) -> Result<Read> {
        if let Some(reference) = &self.settings.reference {
            let problem = format!("it is a plain folder, so it has no {reference:?}; leave the reference out or name a repository");
            return Err(Error::NotARepository { path: folder.to_owned(), problem });
        }
        let files = tree::of_folder(folder, path)?;
        Ok((self.tree(None, None, files.root, files.entries), None))
    }

    fn tree(&self, requested: Option<String>, commit: Option<CommitId>, root: TreePath, files: BTreeMap<TreePath, TreeEntry>) -> Tree {
        let url = shown(&self.settings.url);
        Tree { source: self.settings.id.clone(), url, requested, commit, shallow: false, uncommitted: 0, root, files }
    }

    /// What the repository is called wherever it is asked from: relative paths mean another one in another folder.
    fn address(&self, layout: &Layout) -> String {
        match location::parse(&self.settings.url) {
            Ok(Location::Folder(_)) => layout.home().display().to_string(),
            _ => shown(&self.settings.url),
        }
    }

    fn read_commit(&self, layout: Layout, objects: &Objects, resolved: Resolved, path: &[u8], reach: Reach) -> Result<Read> {
        let Resolved { requested, commit, tag } = resolved;
        let root = links(objects, &commit)?.tree;
        let place = format!("{} at {requested}", shown(&self.settings.url));
        let files = tree::of_commit(objects, &root, path, &place)?;
        let whole = files.whole;
        let read_tag = |object: &TagObject| tag::read(objects, object, &commit, &requested, &self.settings.id);
        let whole_tag = tag.as_ref().map(read_tag).transpose()?;
        let address = self.address(&layout);
        let named = requested.starts_with("refs/").then(|| Tip {
            url: address.clone(),
            reference: requested.clone(),
            commit: CommitId::new(commit.to_string()),
            tag,
        });
        let mut tree = self.tree(Some(requested), Some(CommitId::new(commit.to_string())), files.root, files.entries);
        tree.shallow = !layout.shallow()?.is_empty();
        // The folder shows what is checked out; beside another commit it says nothing.
        if resolve(&layout, objects, None).is_ok_and(|head| head.commit == commit) {
            tree.uncommitted = worktree::uncommitted(&layout, path, whole, &tree.files)?;
        }
        let versioned = Versioned { source: self.settings.id.clone(), layout, tip: commit, address, named, reach, tag: whole_tag };
        Ok((tree, Some(versioned)))
    }
}
