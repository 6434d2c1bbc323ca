//! The fleet of the demo, and the recorded cluster that drifted from it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::kubewitness::Kubewitness;
use super::program::Program;
use super::repository::Repository;
use super::scratch;

/// Six objects that lie in the recorded cluster as they are declared here.
pub(crate) const IN_SYNC: &str = include_str!("../../fleet/prod/data/db.yaml");

/// The recorded cluster of the demo.
pub(crate) fn recording() -> String {
    in_tests("demo/cluster")
}

/// A path in tests/.
pub(crate) fn in_tests(path: &str) -> String {
    format!("{}/tests/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the repository of the demo, its keys and its kubewitness.yaml; made once, for reading only.
pub(crate) fn folder() -> &'static Path {
    static FLEET: OnceLock<PathBuf> = OnceLock::new();
    FLEET.get_or_init(|| {
        let folder = scratch::new_folder("fleet");
        Program::new("bash").args([in_tests("fleet/repository.sh")]).args([&folder]).succeed();
        folder
    })
}

/// kubewitness in the folder of the demo, against its recorded cluster.
pub(crate) fn witness(arguments: &[&str]) -> Kubewitness {
    let recording = recording();
    let arguments = arguments.iter().copied().chain(["--recording", recording.as_str()]);
    Kubewitness::new(arguments).in_folder(folder())
}

/// Scans one source against the recorded cluster of the demo.
pub(crate) fn scan(source: &str, more: &[&str]) -> Kubewitness {
    let recording = recording();
    let arguments = ["scan", "--source", source, "--recording", recording.as_str()];
    Kubewitness::new(arguments.into_iter().chain(more.iter().copied()))
}

/// A repository with one unsigned commit of what is in sync.
pub(crate) fn in_sync() -> Repository {
    let repository = Repository::new();
    repository.write("prod/db.yaml", IN_SYNC).commit(&super::keys::ALICE, "The database").unsigned();
    repository
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("the path of the scratch folder is UTF-8").to_owned()
}
