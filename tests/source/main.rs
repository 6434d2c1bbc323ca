//! Sources against repositories that the real Git made.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

mod budget;
mod changed;
mod fetch;
mod history;
mod hostile;
mod kept;
mod late;
mod log;
mod real_repository;
mod remote;
mod repository;
mod server;
mod tips;
