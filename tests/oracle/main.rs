//! A generated fleet on a real control plane: in sync whoever applied it, and random changes are found where they are and nothing
//! else.
//!
//! `make test-oracle` runs this alone.

#[path = "../integration/harness/mod.rs"]
mod harness;

mod mutations;
mod oracle;
