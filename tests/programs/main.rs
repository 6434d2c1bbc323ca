//! Our readings and renderings against the real kubectl and Kustomize. A missing program fails with the command that builds it.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not there")]

mod activation;
mod harness;
mod kustomize;
mod tools;
mod yaml;
