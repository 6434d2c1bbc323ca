//! Running a program to its end, in an environment that holds nothing of the caller's but PATH.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{scratch, tools};

/// What a program said.
#[derive(Debug)]
pub(crate) struct Output {
    /// Exit code; absent where a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program about to be run.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    input: Option<Vec<u8>>,
}

impl Program {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", tools::path()).env("HOME", scratch::folder().join("home"));
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir(scratch::folder());
        Self { command, input: None }
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Runs it to its end, whatever that is. Output that is not UTF-8 fails the test.
    pub(crate) fn run(self) -> Output {
        self.start().wait()
    }

    /// Starts it. Whoever starts a program waits for its end.
    pub(crate) fn start(mut self) -> Running {
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let child = self
            .command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.name().display()));
        Running { child, input: self.input }
    }

    /// Runs it and returns its standard output; a failure fails the test with what it said.
    pub(crate) fn succeed(self) -> String {
        let shown = format!("{:?}", self.command);
        let output = self.run();
        assert_eq!(output.status, Some(0), "{shown}\n{}\n{}", output.stdout, output.stderr);
        output.stdout
    }

    fn name(&self) -> OsString {
        self.command.get_program().to_owned()
    }
}

/// A program that runs.
#[derive(Debug)]
#[must_use = "its end is to be waited for"]
pub(crate) struct Running {
    child: Child,
    input: Option<Vec<u8>>,
}

impl Running {
    /// Asks it to end, as an orchestrator does.
    pub(crate) fn terminate(&self) {
        Program::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).succeed();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Output {
        let pipe = self.child.stdin.take();
        let input = self.input.as_ref();
        let output = std::thread::scope(|scope| {
            // A program may end without reading all of its input.
            scope.spawn(|| pipe.zip(input).map(|(mut pipe, input)| pipe.write_all(input)));
            self.child.wait_with_output().expect("the output of a child can be read")
        });
        Output {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("errors are UTF-8"),
        }
    }
}
