//! How long it takes to verify the signatures of commits, never seen and seen before, beside one `git verify-commit` over all of
//! them with the same keys.
//!
//! `make bench`; with `KUBEWITNESS_BENCH_COMMITS=5000` at another number than 1,000. Each number is the best of several runs, the
//! reading of the keys included.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

#[path = "../../tests/keyring/fixture.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod fixture;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fixture::{Files, Gpg, Repository, must, now, run, signed, verify};
use kubewitness::keyring::{Keyring, Settings};
use kubewitness::model::attribution::Crypto;
use kubewitness::model::commit::Commit;

const COMMITS: usize = 1_000;
const RUNS: usize = 4;

/// Commits with one kind of signature, the keys as we want them, and what git has to be told of them.
struct Case {
    name: &'static str,
    commits: Vec<Commit>,
    settings: Settings,
    git: Vec<String>,
    gnupg: Option<PathBuf>,
}

fn main() {
    let count = std::env::var("KUBEWITNESS_BENCH_COMMITS").map_or(COMMITS, |count| count.parse().unwrap());
    let (repository, gpg, files) = (Repository::new(), Gpg::new(), Files::new());
    println!("| {count} commits | who | seconds | git is slower by |\n|---|---|---|---|");
    for algorithm in ["ed25519", "rsa3072"] {
        measure(&repository, &openpgp(algorithm, count, &repository, &gpg, &files));
    }
    for algorithm in ["ed25519", "ecdsa", "rsa"] {
        measure(&repository, &ssh(algorithm, count, &repository, &files));
    }
}

fn openpgp(algorithm: &'static str, count: usize, repository: &Repository, gpg: &Gpg, files: &Files) -> Case {
    let person = format!("{algorithm} <{algorithm}@example.com>");
    let key = gpg.key(&person, algorithm);
    let sign = |payload: &str| gpg.sign("20250301", &key, &[], payload.as_bytes());
    let commits = commits(count, &person, repository, sign);
    let keys = files.write(&format!("{algorithm}.asc"), gpg.export(&[&person]));
    let name = if algorithm == "ed25519" { "OpenPGP Ed25519" } else { "OpenPGP RSA-3072" };
    Case {
        name,
        commits,
        settings: Settings { openpgp: vec![keys], ..Settings::default() },
        git: Vec::new(),
        gnupg: Some(gpg.home().to_path_buf()),
    }
}

fn ssh(algorithm: &'static str, count: usize, repository: &Repository, files: &Files) -> Case {
    let key = files.write(algorithm, b"");
    std::fs::remove_file(&key).unwrap();
    must(Command::new("ssh-keygen").args(["-q", "-N", "", "-t", algorithm, "-f"]).arg(&key), b"");
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let signers = files.write(&format!("{algorithm}.signers"), format!("{algorithm}@example.com {public}"));
    let sign = |payload: &str| {
        let signed = must(Command::new("ssh-keygen").args(["-q", "-Y", "sign", "-n", "git", "-f"]).arg(&key), payload.as_bytes());
        String::from_utf8(signed).unwrap()
    };
    let name = match algorithm {
        "ed25519" => "SSH Ed25519",
        "ecdsa" => "SSH P-256",
        _ => "SSH RSA-3072",
    };
    Case {
        name,
        commits: commits(count, &format!("{algorithm} <{algorithm}@example.com>"), repository, sign),
        git: vec![format!("gpg.ssh.allowedSignersFile={}", signers.display())],
        settings: Settings { ssh: vec![signers], ..Settings::default() },
        gnupg: None,
    }
}

/// Different commits of one person, each signed.
fn commits(count: usize, person: &str, repository: &Repository, sign: impl Fn(&str) -> String) -> Vec<Commit> {
    let payload = repository.payload(person, person);
    let different = (0..count).map(|number| payload.replace("A commit", &format!("Commit {number}")));
    different.map(|payload| repository.commit(signed(&payload, "gpgsig", &sign(&payload)))).collect()
}

fn measure(repository: &Repository, case: &Case) {
    let peer = (0..2).map(|_| git(repository, case)).min().unwrap();
    let tell = |who: &str, took: Duration| {
        println!("| {} | {who} | {:.3} | {:.1} × |", case.name, took.as_secs_f64(), peer.as_secs_f64() / took.as_secs_f64());
    };
    tell("git verify-commit", peer);
    tell("kubewitness, never seen", (0..RUNS).map(|_| ours(case, tempfile::tempdir().unwrap().path())).min().unwrap());
    let cache = tempfile::tempdir().unwrap();
    ours(case, cache.path());
    tell("kubewitness, seen before", (0..RUNS).map(|_| ours(case, cache.path())).min().unwrap());
}

fn git(repository: &Repository, case: &Case) -> Duration {
    let mut command = repository.git();
    if let Some(home) = &case.gnupg {
        command.env("GNUPGHOME", home);
    }
    case.git.iter().for_each(|setting| {
        command.args(["-c", setting]);
    });
    command.arg("verify-commit").args(case.commits.iter().map(|commit| commit.id.as_str()));
    let begun = Instant::now();
    let output = run(&mut command, b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    begun.elapsed()
}

fn ours(case: &Case, cache: &Path) -> Duration {
    let begun = Instant::now();
    let mut keyring = Keyring::open(&case.settings).unwrap();
    keyring.remember_in(cache);
    let (signatures, gaps) = verify(&keyring, &case.commits, now());
    let took = begun.elapsed();
    assert_eq!(gaps, []);
    assert!(signatures.len() == case.commits.len() && signatures.values().all(|facts| facts.crypto == Crypto::Good));
    took
}
