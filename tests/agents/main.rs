//! The fleet as the real agents apply it: Flux's kustomize-controller and Argo CD, on a real control plane with its controllers
//! running. Nothing is found while nobody edits, of a small fleet that people wrote and of a generated one; hand edits are found
//! while the agent is suspended; after it is resumed exactly those are found that it left.
//!
//! `make test-agents` builds the agents and runs this alone.

#[path = "../integration/harness/mod.rs"]
mod harness;

mod argocd;
mod artifact;
mod edits;
mod fleet;
mod flux;
mod generated;

use std::path::{Path, PathBuf};

/// Defines kinds, as they may be defined already.
fn define(folder: &Path) {
    let kubectl = harness::control_plane::control_plane().admin().kubectl();
    let folder = folder.to_str().expect("the path of the checkout is UTF-8");
    kubectl.succeed(["apply", "--server-side", "--force-conflicts", "-f", folder]);
    // One that is only a moment old has no conditions to wait for.
    kubectl.wait_until(&["wait", "--for=condition=Established", "--timeout=60s", "customresourcedefinitions", "--all"], |_| true);
}

/// A file of this folder, as in `crds/flux`.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents").join(path)
}
