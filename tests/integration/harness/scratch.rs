//! One private folder for the whole test binary, and the promise that it and every server in it are gone afterwards.
//!
//! A destructor cannot promise that: statics are not dropped, and a killed process runs nothing. So a small shell, the
//! *sweeper*, holds the reading end of a pipe whose writing end is ours. However this process ends, the pipe closes; then the
//! sweeper kills what is registered in `pids/` and removes the folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use std::os::unix::process::CommandExt as _;

/// Waits for the end of its standard input. Signals of a terminal are ignored: the sweeper goes last.
const SWEEPER: &str = r#"
trap '' INT TERM HUP
while read -r _; do :; done
for registered in "$1"/pids/*; do
  [ -e "$registered" ] && kill -9 "${registered##*/}" 2>/dev/null
done
[ -d "$1/openpgp" ] && gpgconf --homedir "$1/openpgp" --kill all 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9; do
  rm -rf "$1" 2>/dev/null && break
  sleep 0.2
done
"#;

/// Registers itself before it becomes the program, so that there is no moment in which a server runs unregistered.
const REGISTER: &str = r#": > "$1/pids/$$"; shift; exec "$@""#;

struct Scratch {
    folder: PathBuf,
    _sweeper: Child,
    _pipe: ChildStdin,
}

static SCRATCH: OnceLock<Scratch> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The private folder of this process. Its path is short, because gpg-agent binds a socket in it.
pub(crate) fn folder() -> &'static Path {
    &SCRATCH.get_or_init(begin).folder
}

fn begin() -> Scratch {
    let folder = tempfile::Builder::new().prefix("kw-").tempdir().expect("a temporary folder can be made").keep();
    for part in ["pids", "home"] {
        std::fs::create_dir(folder.join(part)).expect("a folder can be made in a fresh temporary folder");
    }
    let mut sweeper = Command::new("sh")
        .args([OsStr::new("-c"), OsStr::new(SWEEPER), OsStr::new("sweeper"), folder.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh can be started");
    let pipe = sweeper.stdin.take().expect("the sweeper's standard input is a pipe");
    Scratch { folder, _sweeper: sweeper, _pipe: pipe }
}

/// A number that no other caller in this process gets.
pub(crate) fn number() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A fresh, empty folder.
pub(crate) fn new_folder(purpose: &str) -> PathBuf {
    let made = folder().join(format!("{purpose}-{}", number()));
    std::fs::create_dir(&made).expect("a fresh folder can be made");
    made
}

/// A server that ends with this process, however that ends.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program with its output in `log`.
    pub(crate) fn start(program: &Path, arguments: &[String], environment: &[(&str, &str)], log: &Path) -> Self {
        let output = std::fs::File::create(log).expect("a log file can be made");
        let child = Command::new("sh")
            .args([OsStr::new("-c"), OsStr::new(REGISTER), OsStr::new("register"), folder().as_os_str(), program.as_os_str()])
            .args(arguments)
            .env_clear()
            .env("PATH", super::tools::path())
            .env("HOME", folder().join("home"))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file handle can be copied"))
            .stderr(output)
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        Self { child, log: log.to_owned() }
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked for its state").is_none()
    }

    /// Ends it now.
    pub(crate) fn stop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(folder().join("pids").join(self.child.id().to_string()));
    }

    /// The end of its log, for messages.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}
