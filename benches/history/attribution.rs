//! Attribution as a scan does it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use kubewitness::document;
use kubewitness::model::declaration::{DocumentRef, Tree, TreeEntry};
use kubewitness::model::evidence::{Authored, Histories};
use kubewitness::progress::Progress;
use kubewitness::source::{Credentials, Settings, SourceSettings, Sources};
use kubewitness::yaml::Dialect;

/// What a run was like.
pub(crate) struct Attribution {
    pub(crate) read: Duration,
    pub(crate) took: Duration,
    pub(crate) files: Vec<String>,
    pub(crate) documents: usize,
    pub(crate) commits: usize,
    /// The commit of every field, in a fixed order; empty where none is credited.
    pub(crate) fields: Vec<String>,
}

/// Finds the author of every field of every manifest at a commit.
pub(crate) fn attribute(repository: &Path, commit: &str, cache: Option<&Path>) -> Attribution {
    let source = SourceSettings {
        id: "fleet".into(),
        url: repository.display().to_string(),
        reference: Some(commit.to_owned()),
        path: String::new(),
        credentials: Credentials::default(),
    };
    let settings = Settings { sources: vec![source], cache: cache.map(Path::to_owned), timeout: Duration::from_secs(600) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut sources = Sources::new(settings);
        let begun = Instant::now();
        let (mut trees, not_evaluated) = sources.fetch(&Progress::silent()).await;
        assert_eq!(not_evaluated, []);
        let read = begun.elapsed();
        let tree = trees.remove(0);
        let wanted = documents(&tree);
        let begun = Instant::now();
        let (histories, _) = sources.histories(&wanted, &[], None, &Progress::silent()).await;
        let took = begun.elapsed();
        let mut files: Vec<String> = wanted.keys().map(|document| document.path.to_string()).collect();
        files.dedup();
        Attribution { read, took, files, documents: wanted.len(), commits: histories.commits.len(), fields: fields(&wanted, &histories) }
    })
}

fn documents(tree: &Tree) -> BTreeMap<DocumentRef, Dialect> {
    let mut wanted = BTreeMap::new();
    let is_manifest = |path: &str| [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending));
    for (path, entry) in tree.files.iter().filter(|(path, _)| is_manifest(&path.to_string())) {
        let TreeEntry::File { bytes, .. } = entry else { continue };
        for document in document::documents(bytes, Dialect::Raw).into_iter().flatten() {
            let reference = DocumentRef { source: tree.source.clone(), path: path.clone(), ordinal: document.ordinal };
            wanted.insert(reference, Dialect::Raw);
        }
    }
    wanted
}

fn fields(wanted: &BTreeMap<DocumentRef, Dialect>, histories: &Histories) -> Vec<String> {
    let leaves = wanted.keys().flat_map(|document| histories.documents[document].leaves.iter());
    let name = |authored: &Authored| match authored {
        Authored::By(commit) => histories.commits[*commit as usize].id.to_string(),
        Authored::BeforeHistory | Authored::Unreadable => String::new(),
    };
    leaves.map(name).collect()
}
