//! A scan as a process: how long it took, and how much memory it ever had.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::scratch;
use crate::server::Server;

/// A scan to be run.
pub(crate) struct Scan<'a> {
    pub(crate) server: &'a Server,
    /// What declares.
    pub(crate) folder: &'a Path,
    pub(crate) keys: Option<&'a Path>,
}

/// What a run was like.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) took: Duration,
    /// The most that was ever resident, in bytes.
    pub(crate) memory: u64,
    pub(crate) record_size: u64,
    pub(crate) evaluated: u64,
    pub(crate) findings: usize,
    pub(crate) status: i32,
}

impl Scan<'_> {
    /// Runs it; its cache is the same each time.
    pub(crate) fn run(&self) -> Measured {
        let record = scratch::new_folder("record").join("record.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubewitness"));
        command.args(["scan", "--quiet", "--source"]).arg(self.folder).arg("--output").arg(format!("json={}", record.display()));
        if let Some(keys) = self.keys {
            command.arg("--keyring").arg(keys);
        }
        command.env_clear().env("PATH", crate::harness::tools::path()).env("HOME", scratch::folder().join("home"));
        command.env("KUBECONFIG", self.server.kubeconfig()).stdin(Stdio::null()).stdout(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn().expect("kubewitness can be started");
        let mut memory = 0;
        let status = loop {
            memory = memory.max(peak(child.id()));
            if let Some(status) = child.try_wait().expect("a child can be asked for its state") {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = begun.elapsed();
        let bytes = fs::read(&record).unwrap_or_else(|error| panic!("no record: {error}, {status}"));
        let read: Value = serde_json::from_slice(&bytes).expect("a record is JSON");
        fs::remove_file(&record).expect("a scratch file can be removed");
        Measured {
            took,
            memory,
            record_size: bytes.len() as u64,
            evaluated: read["coverage"]["evaluated"].as_u64().expect("a record says how many objects were judged"),
            findings: read["findings"].as_array().map_or(0, Vec::len),
            status: status.code().unwrap_or(-1),
        }
    }
}

/// `VmHWM` of a process that runs still; it only grows, so that at most the last moment is missed.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB"))
        .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

/// The fastest of several runs after one that is not counted; of all of them the most memory.
pub(crate) fn best(runs: usize, run: impl Fn() -> Measured) -> Measured {
    run();
    let all: Vec<Measured> = (0..runs).map(|_| run()).collect();
    let memory = all.iter().map(|measured| measured.memory).max().expect("there was a run");
    let best = all.into_iter().min_by_key(|measured| measured.took).expect("there was a run");
    Measured { memory, ..best }
}
