//! The fleet of `tests/fleet` with names of its own, so that several agents can apply it to one server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::control_plane::control_plane;
use crate::harness::keys::{self, ALICE};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::repository::Repository;
use crate::harness::{say, scratch};

/// How long a kind may take to get its schema.
const PATIENCE: Duration = Duration::from_secs(60);
const NAMESPACES: [&str; 3] = ["shop", "ops", "data"];
/// Where its manifests lie in the repository.
pub(crate) const PATH: &str = "prod";

/// How its folder is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// YAML files in folders, as they stand.
    Files,
    /// One kustomization that names them all.
    Kustomization,
}

/// The fleet in a repository of one signed commit.
pub(crate) struct Fleet {
    tag: &'static str,
    pub(crate) repository: Repository,
    pub(crate) commit: String,
    /// Where `kubewitness.yaml` lies.
    folder: PathBuf,
    /// How many objects it declares.
    pub(crate) size: usize,
}

impl Fleet {
    /// Names of namespaces, cluster-scoped objects and API groups begin with `tag`.
    pub(crate) fn new(tag: &'static str, layout: Layout) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/prod");
        let (mut files, mut size) = (BTreeMap::new(), 0);
        for file in files_below(&root) {
            let name = file.strip_prefix(&root).expect("it lies below").to_str().expect("names of the fleet are UTF-8").to_owned();
            let text = renamed(&fs::read_to_string(&file).expect("a file of the fleet can be read"), &name, tag);
            size += text.lines().filter(|line| line.starts_with("kind: ")).count();
            files.insert(name, text);
        }
        Self::declare(tag, &files, size, layout, &NAMESPACES.map(|name| format!("{tag}-{name}")))
    }

    /// Of files that declare `size` objects, and the namespaces in which nothing else may be.
    pub(crate) fn declare(tag: &'static str, files: &BTreeMap<String, String>, size: usize, layout: Layout, namespaces: &[String]) -> Self {
        let repository = Repository::new();
        for (name, text) in files {
            repository.write(&format!("{PATH}/{name}"), text);
        }
        if layout == Layout::Kustomization {
            let names: Vec<&String> = files.keys().collect();
            repository.write(&format!("{PATH}/kustomization.yaml"), json!({ "resources": names }).to_string());
        }
        let key = ALICE.openpgp();
        let commit = repository.commit(&ALICE, "The fleet").signed_by(&key);
        let folder = configuration(namespaces, repository.path(), &keys::openpgp_file(&[key]));
        Self { tag, repository, commit, folder, size }
    }

    /// A name as the fleet has it on the server.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.tag)
    }

    /// Where the fleet's text names what is renamed as `TAG`.
    pub(crate) fn with_tag(&self, text: &str) -> String {
        text.replace("TAG", self.tag)
    }

    /// The record of a scan of everything, strays in the fleet's namespaces included. Its source names no applier.
    pub(crate) fn scan(&self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let scan = Kubewitness::new(["scan", "--config", "kubewitness.yaml", "-o", "json"]);
            let output = scan.in_folder(&self.folder).kubeconfig(&control_plane().admin().kubeconfig).run();
            let record = output.record();
            if matches!(output.status, Some(0 | 1)) {
                return record;
            }
            let is_young = has_young_kinds_only(&record) && Instant::now() < deadline;
            assert!(is_young, "every object is judged: {:#}", record["notEvaluated"]);
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Fails where anything at all is found, or not every object was compared and equal.
    pub(crate) fn assert_in_sync(&self) {
        let record = self.scan();
        let messages = record["findings"].as_array().into_iter().flatten().map(|finding| &finding["message"]);
        let messages: Vec<&Value> = messages.collect();
        assert!(messages.is_empty(), "{messages:#?}");
        let differing = objects(&record).filter(|object| object["state"] != "synced").collect::<Vec<_>>();
        assert!(differing.is_empty(), "{differing:#?}");
        assert_eq!(record["coverage"]["evaluated"], self.size, "{}", record["coverage"]);
        say(&format!("{}: {} objects in sync; told but no findings: {:?}", self.tag, self.size, tally(&record)));
    }
}

/// Whether nothing is missing but schemas: those of kinds that another story defined a moment ago.
fn has_young_kinds_only(record: &Value) -> bool {
    let gaps = record["notEvaluated"].as_array().into_iter().flatten();
    gaps.into_iter()
        .all(|gap| gap["reason"] == "not found" && gap["subject"].as_str().is_some_and(|subject| subject.starts_with("schema of ")))
}

/// The objects of a record.
pub(crate) fn objects(record: &Value) -> impl Iterator<Item = &Value> {
    record["objects"].as_array().expect("a record has objects").iter()
}

/// The differences of an object of a record.
pub(crate) fn differences(object: &Value) -> impl Iterator<Item = &Value> {
    object["differences"].as_array().into_iter().flatten()
}

/// How often each rule made something that is no finding, for who reads the output.
fn tally(record: &Value) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for difference in objects(record).flat_map(differences) {
        *tally.entry(format!("{} by {}", difference["verdict"], difference["decidedBy"])).or_default() += 1;
    }
    tally
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the fleet can be read");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    let mut files: Vec<PathBuf> = paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

fn renamed(text: &str, file: &str, tag: &str) -> String {
    let mut text = text.replace("fleet-", &format!("{tag}-fleet-")).replace("fleet.example.com", &format!("{tag}.example.com"));
    let key = if file == "cluster/namespaces.yaml" { "name" } else { "namespace" };
    for namespace in NAMESPACES {
        text = text.replace(&format!(" {key}: {namespace}\n"), &format!(" {key}: {tag}-{namespace}\n"));
    }
    text
}

fn configuration(namespaces: &[String], repository: &Path, key: &Path) -> PathBuf {
    let folder = scratch::new_folder("configuration");
    let configuration = json!({
        "sources": [{ "name": "fleet", "url": repository, "path": PATH }],
        "keys": { "openpgp": [key] },
        "undeclared": { "namespaces": namespaces },
    });
    fs::write(folder.join("kubewitness.yaml"), configuration.to_string()).expect("a scratch file can be written");
    folder
}
