//! How long it takes to find the author of every field of every manifest of a repository, beside `git blame` and `git log -1` of
//! the same files.
//!
//! `make bench`; with `BENCH_REPO=PATH` over that repository, else over a made-up history of 30,000 commits. Reading the files is
//! told apart. Git is asked for a sample of the files, and its time is scaled. Each number is the best of several runs.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

mod attribution;
mod generated;
mod git;

use std::path::PathBuf;
use std::time::Duration;

use attribution::{Attribution, attribute};
use git::Git;

const RUNS: usize = 3;
/// How many files Git is asked for.
const SAMPLE: usize = 40;
/// How many commits behind the tip an earlier run stood, where the next one goes on from there.
const NEW: usize = 50;

fn main() {
    let folder = std::env::var_os("BENCH_REPO").map_or_else(generated::repository, PathBuf::from);
    let git = Git::new(&folder);
    let tip = git.ask(&["rev-parse", "HEAD"]);
    let older = git.ask(&["rev-parse", &format!("HEAD~{NEW}")]);

    let cold = fastest(|| attribute(&folder, &tip, None));
    let cache = tempfile::tempdir().unwrap();
    attribute(&folder, &tip, Some(cache.path()));
    let warm = fastest(|| attribute(&folder, &tip, Some(cache.path())));
    let grown = fastest(|| {
        let cache = tempfile::tempdir().unwrap();
        attribute(&folder, &older, Some(cache.path()));
        attribute(&folder, &tip, Some(cache.path()))
    });
    assert!(warm.fields == cold.fields && grown.fields == cold.fields, "an earlier run changes no answer");

    let sample = sample(&cold.files);
    let scaled = |took: Duration| took.mul_f64(cold.files.len() as f64 / sample.len() as f64);
    let blame = scaled(git.each(&sample, &["blame", "--porcelain"]));
    let log = scaled(git.each(&sample, &["log", "-1", "--format=%H"]));

    let commits = git.ask(&["rev-list", "--count", "HEAD"]);
    println!("{commits} commits; {} fields of {} documents in {} files\n", cold.fields.len(), cold.documents, cold.files.len());
    println!("| what | seconds | blame × | log × | |\n|---|---|---|---|---|");
    let tell = |what: &str, took: Duration, rest: &str| {
        let times = |other: Duration| other.as_secs_f64() / took.as_secs_f64();
        println!("| {what} | {:.3} | {:.1} | {:.1} | {rest} |", took.as_secs_f64(), times(blame), times(log));
    };
    tell("reading the files", cold.read, "apart from what follows");
    tell("attribution, cold", cold.took, &format!("{} commits are named", cold.commits));
    tell("attribution, warm", warm.took, "the same tip again");
    tell("attribution, grown", grown.took, &format!("an earlier run stood {NEW} commits before"));
    let rest = format!("{} files, scaled", sample.len());
    tell("git blame", blame, &rest);
    tell("git log -1", log, &rest);
}

fn fastest(run: impl Fn() -> Attribution) -> Attribution {
    (0..RUNS).map(|_| run()).min_by_key(|run| run.took).unwrap()
}

/// Some of the files, evenly.
fn sample(files: &[String]) -> Vec<&str> {
    let step = files.len().div_ceil(SAMPLE).max(1);
    files.iter().step_by(step).map(String::as_str).collect()
}
