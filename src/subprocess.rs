//! The one place that runs a program: found by absolute path, with a scrubbed environment, bounded in time and output.
//!
//! A program gets no standard input, a private home that vanishes, no PATH, and proxies that lead nowhere, so that it finds no
//! configuration of the user, no further program, and (as far as it heeds proxies) no network. It never runs through a shell.

mod lay_out;

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

pub use self::lay_out::{LaidOut, lay_out};

/// Bytes of standard error that are kept.
const ERROR_BYTES: usize = 64 * 1024;
/// How often somebody who may want it stopped is asked.
const TICK: Duration = Duration::from_millis(50);
/// How long a program may live after it closed its output.
const LINGER: Duration = Duration::from_secs(2);

/// A program that may be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its file name, looked for in the absolute folders of PATH.
    pub name: &'static str,
    /// The environment variable that names another file, by absolute path.
    pub override_env: &'static str,
    /// The file itself, by absolute path, where a setting names it; it wins over the variable.
    pub file: Option<PathBuf>,
}

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time from start to end.
    pub time: Duration,
    /// Bytes of standard output.
    pub output_bytes: usize,
}

/// Asked again and again: why what runs shall stop, or nothing while it may go on.
pub type Stop<'a> = &'a (dyn Fn() -> Option<&'static str> + Sync);

/// What a program left behind.
#[derive(Clone)]
pub struct Output {
    /// Whether it ended with code 0.
    pub success: bool,
    /// Its standard output, whole. May hold secret values.
    pub stdout: Vec<u8>,
    /// The beginning of its standard error. May hold secret values.
    pub stderr: Vec<u8>,
}

/// Shows no content, because either stream may hold a secret.
impl std::fmt::Debug for Output {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Output(success: {}, {} bytes)", self.success, self.stdout.len())
    }
}

/// Why a program gave no output. Quotes nothing that it wrote.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the variable nor PATH names an executable file.
    #[error("{name} was not found in PATH; install it, or name it by absolute path in {variable}")]
    NotFound {
        /// The program.
        name: &'static str,
        /// The variable that may name it.
        variable: &'static str,
    },
    /// The setting or the variable names no executable file by absolute path.
    #[error("{name}: {} (named by the settings or by {variable}) is not an executable file with an absolute path", path.display())]
    BadOverride {
        /// The program.
        name: &'static str,
        /// The variable that may name it.
        variable: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It could not be started, or its folders not be made.
    #[error("{name} could not be run")]
    Start {
        /// The program.
        name: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It was stopped because it took too long.
    #[error("{name} did not end within {} seconds", limit.as_secs_f32())]
    TimedOut {
        /// The program.
        name: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// It was stopped because the run it is part of ends.
    #[error("{name} was stopped: {why}")]
    Stopped {
        /// The program.
        name: &'static str,
        /// Why the run ends.
        why: &'static str,
    },
    /// It was stopped because it wrote too much.
    #[error("{name} wrote more than {limit} bytes")]
    TooMuchOutput {
        /// The program.
        name: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl Program {
    /// The file to run.
    ///
    /// # Errors
    /// Where there is none, or the variable does not name one. A variable that is set is never passed over.
    pub fn find(&self) -> Result<PathBuf, Error> {
        let variable = || std::env::var_os(self.override_env).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(path) = self.file.clone().or_else(variable) {
            let fits = path.is_absolute() && is_executable(&path);
            return if fits { Ok(path) } else { Err(Error::BadOverride { name: self.name, variable: self.override_env, path }) };
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders)
            // A relative folder of PATH may be a checkout.
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(self.name))
            .find(|path| is_executable(path))
            .ok_or(Error::NotFound { name: self.name, variable: self.override_env })
    }

    /// Finds the program and runs it in a folder.
    ///
    /// # Errors
    /// Where it is not there, cannot start, exceeds a limit or is to stop. A code other than 0 is no error but in the output.
    pub fn run(&self, arguments: &[&OsStr], folder: &Path, limits: Limits, stop: Stop<'_>) -> Result<Output, Error> {
        let file = self.find()?;
        let failed = |source| Error::Start { name: self.name, source };
        let home = private_folder("kubewitness-home-").map_err(failed)?;
        let mut child = command(&file, arguments, folder, home.path()).spawn().map_err(failed)?;
        let outcome = self.watch(&mut child, limits, stop);
        // Whatever happened, no process stays behind and none becomes a zombie.
        if !matches!(child.try_wait(), Ok(Some(_))) {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
        }
        outcome
    }

    fn watch(&self, child: &mut Child, limits: Limits, stop: Stop<'_>) -> Result<Output, Error> {
        let timed_out = || Error::TimedOut { name: self.name, limit: limits.time };
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::Start { name: self.name, source: std::io::ErrorKind::BrokenPipe.into() });
        };
        let (sender, receiver) = mpsc::channel();
        // A process that outlives the program could hold its pipes open, so the readers are not joined.
        thread::spawn(move || {
            let errors = thread::spawn(move || beginning(stderr, ERROR_BYTES));
            let streams = whole(stdout, limits.output_bytes).map(|stdout| (stdout, errors.join().unwrap_or_default()));
            // Nobody listens any more where the time was up.
            drop(sender.send(streams));
        });
        let mut rest = limits.time;
        let streams = loop {
            if let Some(why) = stop() {
                return Err(Error::Stopped { name: self.name, why });
            }
            let tick = rest.min(TICK);
            match receiver.recv_timeout(tick) {
                Ok(streams) => break streams,
                Err(RecvTimeoutError::Timeout) if rest > tick => rest -= tick,
                Err(_) => return Err(timed_out()),
            }
        };
        let (stdout, stderr) = streams.ok_or(Error::TooMuchOutput { name: self.name, limit: limits.output_bytes })?;
        let status = ended(child).map_err(|source| Error::Start { name: self.name, source })?.ok_or_else(timed_out)?;
        Ok(Output { success: status.success(), stdout, stderr })
    }
}

/// A temporary folder that only we may enter.
fn private_folder(prefix: &str) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir()
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn command(file: &Path, arguments: &[&OsStr], folder: &Path, home: &Path) -> Command {
    let mut command = Command::new(file);
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home);
    }
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        // Port 9 discards, and nearly always nobody listens there.
        command.env(variable, "http://127.0.0.1:9");
    }
    command.env("TZ", "UTC").env("LC_ALL", "C").process_group(0);
    command
}

/// All of a stream; `None` where it is longer than allowed or breaks.
fn whole(stream: impl Read, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut bounded = stream.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1));
    match bounded.read_to_end(&mut bytes) {
        Ok(_) if bytes.len() <= limit => Some(bytes),
        _ => None,
    }
}

/// The beginning of a stream; the rest is read and dropped, so that the writer does not wait.
fn beginning(mut stream: impl Read, limit: usize) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let room = limit - kept.len();
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    kept
}

fn ended(child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    const STEP: Duration = Duration::from_millis(5);
    for _ in 0..LINGER.as_millis() / STEP.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(STEP);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;
    use std::time::Duration;

    use super::{Error, Limits, Program};

    const SHELL: Program = Program { name: "sh", override_env: "KUBEWITNESS_TEST_SHELL", file: None };
    const LIMITS: Limits = Limits { time: Duration::from_secs(20), output_bytes: 1000 };

    fn shell(script: &str, limits: Limits) -> Result<super::Output, Error> {
        SHELL.run(&[OsStr::new("-c"), OsStr::new(script)], Path::new("/"), limits, &|| None)
    }

    #[test]
    fn a_program_sees_nothing_of_our_environment() {
        let output = shell("echo \"$CARGO$USER\"; echo $HOME; cat", LIMITS).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines();
        assert!(output.success);
        assert_eq!(lines.next(), Some(""));
        let home = lines.next().unwrap();
        assert!(home.contains("kubewitness-home-") && !Path::new(home).exists());
    }

    #[test]
    fn a_code_other_than_0_is_no_success() {
        let output = shell("echo why >&2; exit 3", LIMITS).unwrap();
        assert!(!output.success);
        assert_eq!(output.stderr, b"why\n");
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let brief = Limits { time: Duration::from_millis(100), ..LIMITS };
        assert!(matches!(shell("while :; do :; done", brief), Err(Error::TimedOut { .. })));
    }

    #[test]
    fn a_program_is_stopped_when_its_run_ends() {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let stop = || (asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 2).then_some("interrupted");
        let stopped = SHELL.run(&[OsStr::new("-c"), OsStr::new("while :; do :; done")], Path::new("/"), LIMITS, &stop);
        assert!(matches!(stopped, Err(Error::Stopped { why: "interrupted", .. })));
    }

    #[test]
    fn a_program_that_writes_too_much_is_stopped() {
        assert!(matches!(shell("while :; do echo xxxxxxxxxxxxxxxxxxxx; done", LIMITS), Err(Error::TooMuchOutput { .. })));
        let output = shell("i=0; while [ $i -lt 9000 ]; do echo xxxxxxxxxxxxxxxxxxxx >&2; i=$((i+1)); done", LIMITS).unwrap();
        assert_eq!(output.stderr.len(), super::ERROR_BYTES);
    }

    #[test]
    fn a_program_that_is_not_there_says_how_to_name_it() {
        let missing = Program { name: "kubewitness-no-such-program", override_env: "KUBEWITNESS_TEST_NONE", file: None };
        assert!(missing.find().unwrap_err().to_string().contains("KUBEWITNESS_TEST_NONE"));
    }
}
