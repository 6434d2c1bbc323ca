//! Sources against repositories that the real Git made.

#![expect(clippy::unwrap_used, reason = "a test ends where something cannot be read")]

mod fetch;
mod history;
mod hostile;
mod remote;
mod repository;
mod server;
