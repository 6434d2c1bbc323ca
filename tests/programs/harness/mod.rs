//! The harness of the integration tests, without its servers: the program itself, repositories, keys.

#![expect(dead_code, reason = "a harness offers more than these tests use")]

#[path = "../../commands/harness/control_plane.rs"]
pub(crate) mod control_plane;
#[path = "../../integration/harness/keys.rs"]
pub(crate) mod keys;
#[path = "../../integration/harness/kubewitness.rs"]
pub(crate) mod kubewitness;
#[path = "../../integration/harness/program.rs"]
pub(crate) mod program;
#[path = "../../integration/harness/recorded.rs"]
pub(crate) mod recorded;
#[path = "../../integration/harness/repository.rs"]
pub(crate) mod repository;
#[path = "../../integration/harness/scratch.rs"]
pub(crate) mod scratch;
pub(crate) mod tools;
