//! A repository that nobody made for us, named by `KW_REPOSITORY`: who wrote its documents, beside what `git log` says and what
//! another reader of YAML makes of the versions. Every difference from `git log` has its reason, found without our own code.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use kubewitness::document;
use kubewitness::model::evidence::Authored;
use kubewitness::yaml::Dialect;
use serde::Deserialize as _;
use serde_yaml_ng::Value;

use crate::repository::{histories_in, reference};

const NOT_TESTED: &[u8] = b"\nNOT TESTED: KW_REPOSITORY names no repository (make test-repository KW_REPOSITORY=FOLDER)\n";

/// What `git log -1` passes for a change, or does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// The text changed and its meaning did not.
    Text,
    /// The document was moved from another file.
    Move,
    /// A merge has another text than its parents, and the meaning of one of them.
    Merge,
    /// The meaning of a version cannot be told.
    Unreadable,
}

/// What Git and the other reader find: the commit, or none behind a version that has no meaning.
struct Found {
    author: Option<String>,
    classes: Vec<Class>,
}

/// A clone of the repository, in which Git is quick, and one process that reads its objects.
struct Oracle {
    folder: tempfile::TempDir,
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Oracle {
    fn new(repository: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clone = ["clone", "--quiet", "--bare", "--shared", "--single-branch", repository, "."];
        assert!(Command::new("git").current_dir(&folder).args(clone).status().unwrap().success());
        let graph = ["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"];
        assert!(Command::new("git").current_dir(&folder).args(graph).status().unwrap().success());
        let mut command = Command::new("git");
        command.current_dir(&folder).args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (asks, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { folder, child, asks, answers }
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git").current_dir(&self.folder).args(["-c", "core.quotePath=false"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A file at a commit; none where it is not there.
    fn file(&mut self, commit: &str, path: &str) -> Option<Vec<u8>> {
        writeln!(self.asks, "{commit}:{path}").unwrap();
        let mut header = String::new();
        self.answers.read_line(&mut header).unwrap();
        let (kind, size) = header.trim_end().split_once(' ').and_then(|(_, rest)| rest.split_once(' '))?;
        let mut bytes = vec![0; size.parse::<usize>().ok()? + 1];
        self.answers.read_exact(&mut bytes).unwrap();
        bytes.pop();
        (kind == "blob").then_some(bytes)
    }

    /// The newest commit that gave a document its meaning.
    fn author(&mut self, path: &str) -> Found {
        let (mut from, mut path, mut classes) = ("HEAD".to_owned(), path.to_owned(), Vec::new());
        loop {
            let commit = self.git(&["log", "-1", "--format=%H", &from, "--", &path]);
            let parents = self.git(&["show", "-s", "--format=%P", &commit]);
            let parents: Vec<&str> = parents.split_whitespace().collect();
            let Some(own) = self.file(&commit, &path).and_then(|bytes| only(&bytes)) else {
                classes.push(Class::Unreadable);
                return Found { author: None, classes };
            };
            match self.before(&commit, &parents, &path, &own) {
                Before::Nowhere => return Found { author: Some(commit), classes },
                Before::Unreadable => {
                    classes.push(Class::Unreadable);
                    return Found { author: None, classes };
                }
                Before::Same(parent, place) => {
                    classes.push(match () {
                        () if place != path => Class::Move,
                        () if parents.len() > 1 => Class::Merge,
                        () => Class::Text,
                    });
                    (from, path) = (parent, place);
                }
            }
        }
    }

    fn before(&mut self, commit: &str, parents: &[&str], path: &str, own: &Value) -> Before {
        let mut is_unreadable = false;
        for parent in parents {
            match self.file(parent, path).map(|bytes| values(&bytes)) {
                Some(None) => is_unreadable = true,
                Some(Some(found)) if found.contains(own) => return Before::Same((*parent).to_owned(), path.to_owned()),
                // It is there and means something else.
                Some(Some(found)) if found.iter().any(|value| identity(value) == identity(own)) => {}
                Some(Some(_)) | None => {
                    if let Some(place) = self.moved(parent, commit, own) {
                        return Before::Same((*parent).to_owned(), place);
                    }
                }
            }
        }
        if is_unreadable { Before::Unreadable } else { Before::Nowhere }
    }

    /// A file that had this document in the parent and has it no more.
    fn moved(&mut self, parent: &str, commit: &str, own: &Value) -> Option<String> {
        let changed = self.git(&["diff-tree", "-r", "--no-renames", "--name-only", "--diff-filter=DM", parent, commit]);
        let places: Vec<&str> = changed.lines().filter(|path| path.ends_with("yaml") || path.ends_with("yml")).collect();
        places.into_iter().map(str::to_owned).find(|place| {
            let had = self.file(parent, place).and_then(|bytes| values(&bytes)).is_some_and(|found| found.contains(own));
            let is_own = |value: &Value| identity(value) == identity(own) && (identity(own).is_some() || value == own);
            had && !self.file(commit, place).and_then(|bytes| values(&bytes)).is_some_and(|found| found.iter().any(is_own))
        })
    }
}

enum Before {
    Nowhere,
    Unreadable,
    Same(String, String),
}

/// The documents of a file, as libyaml reads them.
fn values(bytes: &[u8]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_slice(bytes) {
        let mut value = Value::deserialize(document).ok()?;
        value.apply_merge().ok()?;
        if !value.is_null() {
            values.push(value);
        }
    }
    Some(values)
}

fn only(bytes: &[u8]) -> Option<Value> {
    let mut values = values(bytes)?;
    (values.len() == 1).then(|| values.remove(0))
}

/// Group, kind, namespace and name.
fn identity(value: &Value) -> Option<[String; 4]> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let version = text(value.get("apiVersion"))?;
    let group = version.split_once('/').map_or(String::new(), |(group, _)| group.to_owned());
    let metadata = value.get("metadata")?;
    Some([group, text(value.get("kind"))?, text(metadata.get("namespace")).unwrap_or_default(), text(metadata.get("name"))?])
}

/// The repository that is named, or a loud word that nothing was tested.
fn named() -> Option<String> {
    let found = std::env::var("KW_REPOSITORY").ok().filter(|path| !path.is_empty());
    if found.is_none() {
        // Written past the harness, which keeps what tests print to itself.
        std::io::stderr().write_all(NOT_TESTED).unwrap();
    }
    found
}

#[test]
fn real_repository_documents_have_the_authors_that_git_and_another_reader_find() {
    let Some(repository) = named() else { return };
    let mut oracle = Oracle::new(&repository);
    let files = oracle.git(&["ls-tree", "-r", "--name-only", "HEAD"]);
    let files: Vec<&str> = files.lines().filter(|path| path.ends_with(".yaml") || path.ends_with(".yml")).collect();
    let is_single = |path: &&&str| {
        let bytes = oracle.file("HEAD", path).unwrap_or_default();
        let ours = document::documents(&bytes, Dialect::Raw);
        only(&bytes).is_some() && ours.len() == 1 && ours[0].is_ok()
    };
    let (single, others): (Vec<&&str>, Vec<&&str>) = files.iter().partition(is_single);
    let wanted: Vec<_> = single.iter().map(|path| (reference(**path, 0), Dialect::Raw)).collect();
    let started = std::time::Instant::now();
    let (histories, gaps) = histories_in(&repository, &wanted, Duration::from_secs(3600));
    let took = started.elapsed();

    let (mut same, mut explained, mut unexplained) = (0, BTreeMap::<Vec<Class>, usize>::new(), Vec::new());
    for path in &single {
        let ours = match histories.documents[&reference(**path, 0)].document {
            Authored::By(number) => Some(histories.commits[number as usize].id.to_string()),
            Authored::BeforeHistory | Authored::Unreadable => None,
        };
        let log = oracle.git(&["log", "-1", "--format=%H", "HEAD", "--", path]);
        let found = oracle.author(path);
        // Behind a version without a meaning the oracle gives up; where we credit somebody it was unchanged around it.
        let agrees = ours == found.author || (found.author.is_none() && found.classes.contains(&Class::Unreadable));
        let mut classes = found.classes.clone();
        classes.dedup();
        match () {
            () if !agrees || (classes.is_empty() && ours.as_ref() != Some(&log)) => {
                unexplained.push(format!("{path}: ours {ours:?}, git log {log}, found {:?} by way of {:?}", found.author, found.classes));
            }
            () if ours.as_ref() == Some(&log) => same += 1,
            () => *explained.entry(classes).or_default() += 1,
        }
    }
    println!("{} of {} files have one document ({} others), walked in {took:?}", single.len(), files.len(), others.len());
    println!("{same} have the author that git log names; explained: {explained:?}; gaps: {gaps:?}");
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
}
