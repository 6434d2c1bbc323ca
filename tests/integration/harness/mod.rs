//! What the stories stand on: servers, repositories, keys, and the programs they call.

#![expect(dead_code, reason = "a harness offers more than the stories of today use")]

pub(crate) mod api;
pub(crate) mod control_plane;
pub(crate) mod drift;
pub(crate) mod fleet;
pub(crate) mod generator;
#[path = "../../source/server.rs"]
#[expect(clippy::unwrap_used, reason = "a test fails where something is not there")]
pub(crate) mod git_server;
pub(crate) mod helm;
pub(crate) mod keys;
pub(crate) mod kubectl;
pub(crate) mod kubewitness;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod recorded;
pub(crate) mod repository;
pub(crate) mod scratch;
pub(crate) mod sshd;
pub(crate) mod tools;

/// A line of figures that is shown whether a test fails or not.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;
    // Where standard error is closed nobody wants it.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A number that the environment may choose.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
