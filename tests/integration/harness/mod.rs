//! What the stories stand on: servers, repositories, keys, and the programs they call.

#![expect(dead_code, reason = "a harness offers more than the stories of today use")]

pub(crate) mod control_plane;
pub(crate) mod fleet;
pub(crate) mod git_server;
pub(crate) mod helm;
pub(crate) mod keys;
pub(crate) mod kubectl;
pub(crate) mod kubewitness;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod repository;
pub(crate) mod scratch;
pub(crate) mod sshd;
pub(crate) mod tools;
