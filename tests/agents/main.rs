//! The fleet as the real agents apply it: Flux's kustomize-controller and Argo CD, on a real control plane with its controllers
//! running. Nothing is found while nobody edits; hand edits are found while the agent is suspended; after it is resumed exactly
//! those are found that it left.
//!
//! `make test-agents` builds the agents and runs this; it is no part of `make test`.

#[path = "../integration/harness/mod.rs"]
mod harness;

mod argocd;
mod artifact;
mod edits;
mod fleet;
mod flux;

use std::path::{Path, PathBuf};

/// A file of this folder, as in `crds/flux`.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents").join(path)
}
