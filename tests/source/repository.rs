//! Repositories made by the real Git, with fixed dates and no configuration but their own.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kubewitness::document;
use kubewitness::model::commit::Commit;
use kubewitness::model::coverage::NotEvaluated;
use kubewitness::model::declaration::{DocumentRef, Tree};
use kubewitness::model::evidence::{Authored, Histories, ObservedTip};
use kubewitness::model::text::RawText;
use kubewitness::progress::Progress;
use kubewitness::source::{Credentials, Settings, SourceSettings, Sources};
use kubewitness::yaml::Dialect;

/// A repository in a temporary folder.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
    clock: Cell<u64>,
}

impl Repository {
    /// An empty one with a branch `main`.
    pub(crate) fn new() -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap(), clock: Cell::new(1_700_000_000) };
        made.git(&["init", "-q", "-b", "main", "."]);
        made
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// Runs Git and returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), self.clock.get(), arguments, b"")
    }

    pub(crate) fn git_with_input(&self, arguments: &[&str], input: &[u8]) -> String {
        git(self.folder.path(), self.clock.get(), arguments, input)
    }

    /// A commit that no reference leads to, with these parents and whatever date; its id.
    pub(crate) fn put_at(&self, date: &str, path: &str, text: &str, parents: &[&str]) -> String {
        self.write(path, text);
        self.git(&["add", "-A"]);
        let tree = self.git(&["write-tree"]);
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let person = format!("X <x@example.com> {date}");
        let raw = format!("tree {tree}\n{parents}author {person}\ncommitter {person}\n\nat {date}\n");
        self.git_with_input(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], raw.as_bytes())
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let place = self.folder.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    /// Commits everything and returns the id.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.clock.set(self.clock.get() + 60);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.head()
    }

    /// Writes one file and commits.
    pub(crate) fn put(&self, path: &str, text: &str, subject: &str) -> String {
        self.write(path, text);
        self.commit(subject)
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// What `git log` calls the newest commit of a path.
    pub(crate) fn log(&self, path: &str) -> String {
        self.git(&["log", "-1", "--format=%H", "--", path])
    }

    /// Who wrote the first document of a file, and each of its leaves by pointer.
    pub(crate) fn authors(&self, path: &str) -> Authors {
        self.authors_of(path, 0)
    }

    pub(crate) fn authors_of(&self, path: &str, ordinal: u32) -> Authors {
        authors(&source(&self.path().display().to_string()), path, ordinal)
    }
}

fn git(folder: &Path, clock: u64, arguments: &[&str], input: &[u8]) -> String {
    let date = format!("{clock} +0000");
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Alice"), ("GIT_AUTHOR_EMAIL", "alice@example.com"), ("GIT_AUTHOR_DATE", &date)])
        .envs([("GIT_COMMITTER_NAME", "Bob"), ("GIT_COMMITTER_EMAIL", "bob@example.com"), ("GIT_COMMITTER_DATE", &date)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// The authors of one document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authors {
    /// Of the document: a commit id, `before-history` or `unreadable`.
    pub(crate) document: String,
    /// Of the leaves, by pointer.
    pub(crate) leaves: Vec<(String, String)>,
    /// Who only wrote it otherwise.
    pub(crate) touched: Option<String>,
    /// Who only moved it.
    pub(crate) moved: Option<String>,
}

impl Authors {
    pub(crate) fn leaf(&self, pointer: &str) -> &str {
        let found = self.leaves.iter().find(|(leaf, _)| leaf == pointer);
        &found.unwrap_or_else(|| panic!("{pointer} is not in {:?}", self.leaves)).1
    }

    /// Whether the document and all leaves have one author.
    pub(crate) fn all(&self, author: &str) -> bool {
        self.document == author && self.leaves.iter().all(|(_, leaf)| leaf == author)
    }

    /// Who only wrote it otherwise, and who only moved it.
    pub(crate) fn beside(&self) -> (Option<&str>, Option<&str>) {
        (self.touched.as_deref(), self.moved.as_deref())
    }
}

pub(crate) fn source(url: &str) -> SourceSettings {
    SourceSettings { id: "fleet".into(), url: url.to_owned(), reference: None, path: String::new(), credentials: Credentials::default() }
}

/// Reads one source with a cache.
pub(crate) fn cached(settings: &SourceSettings, cache: &Path) -> Sources {
    Sources::new(Settings { sources: vec![settings.clone()], cache: Some(cache.to_owned()), timeout: Duration::from_secs(60) })
}

pub(crate) fn sources(settings: Vec<SourceSettings>) -> Sources {
    Sources::new(Settings { sources: settings, cache: None, timeout: Duration::from_secs(60) })
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Reads one source that must be readable.
pub(crate) fn fetch(settings: &SourceSettings) -> Tree {
    let (mut trees, not_evaluated) = run(sources(vec![settings.clone()]).fetch(&Progress::silent()));
    assert_eq!(not_evaluated, [], "{not_evaluated:#?}");
    trees.remove(0)
}

/// Reads one source that must not be readable, and returns why.
pub(crate) fn refused(settings: &SourceSettings) -> NotEvaluated {
    let (trees, mut not_evaluated) = run(sources(vec![settings.clone()]).fetch(&Progress::silent()));
    assert!(trees.is_empty());
    not_evaluated.remove(0)
}

/// The histories of some documents.
pub(crate) fn histories(settings: &SourceSettings, wanted: BTreeSet<DocumentRef>) -> (Tree, Histories, Vec<NotEvaluated>) {
    histories_since(settings, wanted, &[])
}

/// The histories of some documents, knowing where the branch was observed.
pub(crate) fn histories_since(
    settings: &SourceSettings,
    wanted: BTreeSet<DocumentRef>,
    observed: &[ObservedTip],
) -> (Tree, Histories, Vec<NotEvaluated>) {
    histories_by(sources(vec![settings.clone()]), wanted, observed)
}

/// The histories of some documents by sources that are not fetched yet.
pub(crate) fn histories_by(
    mut sources: Sources,
    wanted: BTreeSet<DocumentRef>,
    observed: &[ObservedTip],
) -> (Tree, Histories, Vec<NotEvaluated>) {
    run(async {
        let (mut trees, not_evaluated) = sources.fetch(&Progress::silent()).await;
        assert_eq!(not_evaluated, []);
        let wanted = wanted.into_iter().map(|document| (document, Dialect::Raw)).collect();
        let (histories, not_evaluated) = sources.histories(&wanted, observed, None, &Progress::silent()).await;
        (trees.remove(0), histories, not_evaluated)
    })
}

/// The histories of some documents of a repository, each read in its dialect, with so much time for each.
pub(crate) fn histories_in(url: &str, wanted: &[(DocumentRef, Dialect)], timeout: Duration) -> (Histories, Vec<NotEvaluated>) {
    run(async {
        let mut sources = Sources::new(Settings { sources: vec![source(url)], cache: None, timeout });
        let (_, not_evaluated) = sources.fetch(&Progress::silent()).await;
        assert_eq!(not_evaluated, []);
        sources.histories(&wanted.iter().cloned().collect(), &[], None, &Progress::silent()).await
    })
}

pub(crate) fn reference(path: impl Into<RawText>, ordinal: u32) -> DocumentRef {
    DocumentRef { source: "fleet".into(), path: path.into(), ordinal }
}

pub(crate) fn authors(settings: &SourceSettings, path: &str, ordinal: u32) -> Authors {
    let wanted = reference(path, ordinal);
    let (tree, histories, _) = histories(settings, BTreeSet::from([wanted.clone()]));
    authors_in(&tree, &histories, &wanted)
}

pub(crate) fn authors_in(tree: &Tree, histories: &Histories, wanted: &DocumentRef) -> Authors {
    let history = &histories.documents[wanted];
    let id = |number: u32| histories.commits[number as usize].id.to_string();
    let name = |authored: &Authored| match authored {
        Authored::By(number) => histories.commits[*number as usize].id.to_string(),
        Authored::BeforeHistory => "before-history".into(),
        Authored::Unreadable => "unreadable".into(),
    };
    let bytes = match &tree.files[&wanted.path] {
        kubewitness::model::declaration::TreeEntry::File { bytes, .. } => bytes.clone(),
        _ => panic!("{} is no file", wanted.path),
    };
    let documents = document::documents(&bytes, Dialect::Raw);
    let value = &documents[wanted.ordinal as usize].as_ref().unwrap().value;
    let pointers = document::leaves(value).into_iter().map(|(pointer, _)| pointer.to_string());
    let leaves = pointers.zip(history.leaves.iter().map(name)).collect();
    Authors { document: name(&history.document), leaves, touched: history.touched.map(id), moved: history.moved.map(id) }
}

/// The commit that a history credits with a document.
pub(crate) fn credited<'a>(histories: &'a Histories, wanted: &DocumentRef) -> &'a Commit {
    match histories.documents[wanted].document {
        Authored::By(number) => &histories.commits[number as usize],
        other => panic!("{other:?}"),
    }
}

/// A ConfigMap with one value.
pub(crate) fn config(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n  other: same\n")
}
