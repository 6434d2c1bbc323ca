//! These tests need no program that `make tools` builds.

/// PATH for every program a test starts.
pub(crate) fn path() -> String {
    std::env::var("PATH").expect("PATH is set")
}
