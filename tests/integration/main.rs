//! The program against a real API server, real Git, real keys: one binary, a module per story.
//!
//! One control plane serves the whole binary; each test has its own namespaces in it. A missing server program fails the
//! test with the command that provides it: `make tools`.

mod harness;

mod canary;
mod control_plane;
mod demo;
mod deploy;
mod faults;
mod kustomize;
mod proxy;
mod recipes;
mod recording;
mod remote;
mod repositories;
mod rights;
mod story;
mod sweeping;
