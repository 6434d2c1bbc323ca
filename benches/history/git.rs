//! The real Git, asked about files.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Git in a repository that may belong to somebody else.
pub(crate) struct Git<'a> {
    repository: &'a Path,
}

impl<'a> Git<'a> {
    pub(crate) fn new(repository: &'a Path) -> Self {
        Self { repository }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.args(["-c", "safe.directory=*", "-C"]).arg(self.repository);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
        command
    }

    /// What it answers.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let done = self.command().args(arguments).output().unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// How long it takes for each of the files, one after the other.
    pub(crate) fn each(&self, files: &[&str], arguments: &[&str]) -> Duration {
        let begun = Instant::now();
        for file in files {
            let status = self.command().args(arguments).args(["HEAD", "--", file]).stdout(Stdio::null()).status().unwrap();
            assert!(status.success(), "git {arguments:?} {file}");
        }
        begun.elapsed()
    }
}
