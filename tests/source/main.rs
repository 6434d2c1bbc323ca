//! Sources against repositories that the real Git made.

mod fetch;
mod history;
mod hostile;
mod remote;
mod repository;
mod server;
