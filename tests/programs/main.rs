//! Our readings and renderings against the real kubectl and Kustomize. A missing program fails with the command that builds it.

mod kustomize;
mod tools;
mod yaml;
