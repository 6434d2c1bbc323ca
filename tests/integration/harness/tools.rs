//! The pinned programs that `make tools` provides.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folders of the pinned programs, PATH-wise. Panics with the command that provides them where one is missing.
fn folders() -> &'static str {
    static FOLDERS: OnceLock<String> = OnceLock::new();
    FOLDERS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/build.sh");
        let output = Command::new("bash").arg(script).arg("--path").output().expect("bash can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the folders of the tools are UTF-8").trim().to_owned()
    })
}

/// PATH for every program a test starts: the pinned programs first.
pub(crate) fn path() -> String {
    format!("{}:{}", folders(), std::env::var("PATH").expect("PATH is set"))
}

/// The file of a pinned program.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut found = folders().split(':').map(|folder| Path::new(folder).join(name));
    found.find(|file| file.exists()).unwrap_or_else(|| panic!("{name} is not among the pinned programs; see tests/tools/build.sh"))
}
