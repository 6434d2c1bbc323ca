//! The program as a user meets it, without a server: the real binary, real Git, real keys, a recorded cluster.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not there")]

mod harness;

mod authors;
mod certificates;
mod compare;
mod exit;
mod help;
mod kept;
mod log;
mod output;
mod positions;
mod provenance;
mod records;
mod sources;
mod tags;
mod tips;
mod trust;
mod trust_init;
