//! What the integration tests stand on; the bench stands there too.

#![expect(dead_code, reason = "a harness offers more than the bench uses")]

#[path = "../../tests/integration/harness/control_plane.rs"]
pub(crate) mod control_plane;
#[path = "../../tests/integration/harness/helm.rs"]
pub(crate) mod helm;
#[path = "../../tests/integration/harness/keys.rs"]
pub(crate) mod keys;
#[path = "../../tests/integration/harness/kubectl.rs"]
pub(crate) mod kubectl;
#[path = "../../tests/integration/harness/program.rs"]
pub(crate) mod program;
#[path = "../../tests/integration/harness/repository.rs"]
pub(crate) mod repository;
#[path = "../../tests/integration/harness/scratch.rs"]
pub(crate) mod scratch;
#[path = "../../tests/integration/harness/tools.rs"]
pub(crate) mod tools;
