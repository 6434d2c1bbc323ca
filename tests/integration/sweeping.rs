//! A test binary that is killed leaves no server and no folder behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::scratch;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect());
    entries.unwrap_or_default()
}

/// Servers of the binary whose temporary files lie in `folder`, once there are as many as a control plane has.
fn servers(folder: &Path) -> Option<Vec<String>> {
    let scratch = entries(folder).pop()?;
    let pids: Vec<String> =
        entries(&scratch.join("pids")).iter().map(|file| file.file_name()?.to_str().map(str::to_owned)).collect::<Option<_>>()?;
    (pids.len() >= 2).then_some(pids)
}

/// Whether a process still does something. One that ended stays in the list until its parent looks.
fn is_alive(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !matches!(state.rsplit(") ").next().and_then(|rest| rest.chars().next()), None | Some('Z' | 'X'))
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_killed_binary_leaves_nothing_behind() {
    let folder = scratch::new_folder("killed");
    let mut binary = Command::new(std::env::current_exe().expect("this binary has a path"))
        .args(["--exact", "control_plane::the_server_says_the_pinned_version"])
        .env("TMPDIR", &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this binary can be started again");
    let servers = wait_for("a server", || servers(&folder));
    assert!(servers.iter().any(|pid| is_alive(pid)), "there is a server to be stopped");
    binary.kill().expect("the binary runs still");
    binary.wait().expect("a killed child can be waited for");
    wait_for("the end of the servers", || servers.iter().all(|pid| !is_alive(pid)).then_some(()));
    wait_for("the end of the folder", || entries(&folder).is_empty().then_some(()));
}
