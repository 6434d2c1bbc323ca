//! Throw-away repositories and keys, and the programs that make and judge signatures.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use kubewitness::attribute::commit_verdict;
use kubewitness::keyring::{Keyring, Settings};
use kubewitness::model::attribution::{CommitVerdict, SignatureFacts};
use kubewitness::model::commit::{Actor, Commit, CommitId};
use kubewitness::progress::Progress;
use tempfile::TempDir;

pub(crate) const ALICE: &str = "Alice <alice@example.com>";
pub(crate) const BOB: &str = "Bob <bob@example.com>";

/// The day on which the tests judge.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Runs a program with this input and gives everything back.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that does not read its input closes the pipe.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Runs a program that must succeed.
pub(crate) fn must(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = run(command, input);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A GnuPG home of a test, whose agent ends with it.
pub(crate) struct Gpg {
    home: TempDir,
}

impl Gpg {
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("g").tempdir().unwrap();
        std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Self { home }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// gpg on a day such as `20250301`.
    pub(crate) fn at(&self, day: &str) -> Command {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home()).args(["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]);
        command.args(["--trust-model", "always", "--faked-system-time", &format!("{day}T120000!")]);
        command
    }

    /// gpg on a day, as `gpg.program` of git takes it.
    pub(crate) fn program(&self, day: &str) -> PathBuf {
        let path = self.home().join("gpg-then");
        let script =
            format!("#!/bin/sh\nexec gpg --homedir '{}' --batch --faked-system-time {day}T120000! \"$@\"\n", self.home().display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        path
    }

    /// A new key of a person, made on 2025-01-01; its fingerprint.
    pub(crate) fn key(&self, person: &str, algorithm: &str) -> String {
        must(self.at("20250101").args(["--quick-generate-key", person, algorithm, "cert,sign", "never"]), b"");
        self.fingerprints(person).remove(0)
    }

    /// Fingerprints of the primary key and the subkeys.
    pub(crate) fn fingerprints(&self, person: &str) -> Vec<String> {
        let listed = must(self.at("20250101").args(["--with-colons", "--list-keys", &format!("={person}")]), b"");
        let lines = String::from_utf8(listed).unwrap();
        lines.lines().filter_map(|line| line.strip_prefix("fpr:::::::::")).map(|rest| rest.trim_end_matches(':').to_owned()).collect()
    }

    /// A detached signature over a payload.
    pub(crate) fn sign(&self, day: &str, key: &str, more: &[&str], payload: &[u8]) -> String {
        let mut command = self.at(day);
        command.args(more).args(["--armor", "--local-user", key, "--detach-sign"]);
        String::from_utf8(must(&mut command, payload)).unwrap()
    }

    /// Revokes a key or user id by answering the editor's questions.
    pub(crate) fn edit(&self, day: &str, key: &str, answers: &[&str]) {
        let mut command = self.at(day);
        command.args(["--no-batch", "--no-tty", "--command-fd", "0", "--status-fd", "2", "--expert", "--edit-key", key]);
        must(&mut command, (answers.join("\n") + "\n").as_bytes());
    }

    /// Public keys of persons in one file.
    pub(crate) fn export(&self, persons: &[&str]) -> Vec<u8> {
        must(self.at("20250101").args(["--armor", "--export"]).args(persons), b"")
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        drop(run(Command::new("gpgconf").arg("--homedir").arg(self.home()).args(["--kill", "all"]), b""));
    }
}

/// A repository for commits made by hand.
pub(crate) struct Repository {
    folder: TempDir,
    tree: String,
}

impl Repository {
    pub(crate) fn new() -> Self {
        Self::with_hash("sha1")
    }

    pub(crate) fn with_hash(hash: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut repository = Self { folder, tree: String::new() };
        must(repository.git().args(["init", "--quiet", &format!("--object-format={hash}")]), b"");
        repository.tree = repository.write("tree", b"");
        repository
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// git, without anybody's configuration.
    pub(crate) fn git(&self) -> Command {
        let mut command = Command::new("git");
        command.current_dir(self.folder()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("TZ", "UTC");
        command
    }

    /// Writes an object, whatever is in it; its id.
    pub(crate) fn write(&self, kind: &str, bytes: &[u8]) -> String {
        let written = must(self.git().args(["hash-object", "-t", kind, "-w", "--literally", "--stdin"]), bytes);
        String::from_utf8(written).unwrap().trim().to_owned()
    }

    /// An unsigned commit, committed on 2025-03-01.
    pub(crate) fn payload(&self, author: &str, committer: &str) -> String {
        let tree = &self.tree;
        format!("tree {tree}\nauthor {author} 1740830400 +0000\ncommitter {committer} 1740830400 +0000\n\nA commit\n")
    }

    /// Writes raw bytes as a commit.
    pub(crate) fn commit(&self, raw: impl Into<Vec<u8>>) -> Commit {
        let raw = raw.into();
        let id = self.write("commit", &raw);
        Self::read(id, raw)
    }

    /// Writes many at once.
    pub(crate) fn commits(&self, raws: Vec<Vec<u8>>) -> Vec<Commit> {
        let files = Files::new();
        let paths: String =
            raws.iter().enumerate().map(|(number, raw)| format!("{}\n", files.write(&number.to_string(), raw).display())).collect();
        let written = must(self.git().args(["hash-object", "-t", "commit", "-w", "--literally", "--stdin-paths"]), paths.as_bytes());
        let ids = String::from_utf8(written).unwrap();
        ids.lines().zip(raws).map(|(id, raw)| Self::read(id.to_owned(), raw)).collect()
    }

    /// What we would read in it.
    pub(crate) fn read(id: String, raw: Vec<u8>) -> Commit {
        let line = |name: &str| {
            let text = String::from_utf8_lossy(&raw).into_owned();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
            let (name, rest) = line.split_once(" <").unwrap_or_default();
            let (email, time) = rest.split_once("> ").unwrap_or_default();
            let seconds = time.split(' ').next().and_then(|seconds| seconds.parse().ok());
            let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).map(|time| time.fixed_offset());
            Actor { name: name.into(), email: email.into(), time }
        };
        Commit {
            id: CommitId::new(id),
            source: "fleet".to_owned(),
            author: line("author "),
            committer: line("committer "),
            subject: "A commit".into(),
            raw: Arc::from(raw),
        }
    }

    /// What `git log --format=%G?` prints; its exit code where it fails.
    pub(crate) fn letter(&self, commit: &Commit, settings: &[String], gnupg: Option<&Path>) -> String {
        let mut command = self.git();
        command.env("GNUPGHOME", gnupg.unwrap_or_else(|| self.folder()));
        for setting in settings {
            command.args(["-c", setting]);
        }
        let output = run(command.args(["log", "-1", "--format=%G?", commit.id.as_str()]), b"");
        match output.status.success() {
            true => String::from_utf8(output.stdout).unwrap().trim().to_owned(),
            false => format!("exit {}", output.status.code().unwrap_or(-1)),
        }
    }
}

/// The raw bytes of a commit with a signature in a header.
pub(crate) fn signed(payload: &str, header: &str, armor: &str) -> String {
    let (head, message) = payload.split_once("\n\n").unwrap();
    format!("{head}\n{}\n{message}", gpgsig(header, armor))
}

/// A signature as a header.
pub(crate) fn gpgsig(header: &str, armor: &str) -> String {
    format!("{header} {}\n", armor.trim_end_matches('\n').replace('\n', "\n "))
}

/// The bytes within an armor, and the armor around bytes.
pub(crate) fn dearmor(armor: &str) -> Vec<u8> {
    let is_checksum = |line: &str| line.starts_with('=') && line.len() == 5;
    let body: String = armor.lines().filter(|line| !line.starts_with("---") && !is_checksum(line) && !line.contains(':')).collect();
    STANDARD.decode(body).unwrap()
}

pub(crate) fn armor(label: &str, bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Files for a keyring, which vanish with it.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// A keyring of one file of OpenPGP keys.
pub(crate) fn openpgp_keyring(keys: &[u8]) -> Keyring {
    let files = Files::new();
    Keyring::open(&Settings { openpgp: vec![files.write("keys.asc", keys)], ..Settings::default() }).unwrap()
}

/// A keyring of one file of allowed signers.
pub(crate) fn ssh_keyring(lines: &str) -> Keyring {
    let files = Files::new();
    Keyring::open(&Settings { ssh: vec![files.write("allowed_signers", lines)], ..Settings::default() }).unwrap()
}

/// A keyring of allowed signers of which some are revoked.
pub(crate) fn revoking_keyring(lines: &str, revoked: &[u8]) -> Result<Keyring, kubewitness::keyring::Error> {
    let files = Files::new();
    let (ssh, ssh_revoked) = (vec![files.write("allowed_signers", lines)], vec![files.write("revoked", revoked)]);
    Keyring::open(&Settings { ssh, ssh_revoked, ..Settings::default() })
}

/// Facts and verdict of one commit.
pub(crate) fn judge(keyring: &Keyring, commit: &Commit) -> (SignatureFacts, CommitVerdict) {
    judge_at(keyring, commit, now())
}

pub(crate) fn judge_at(keyring: &Keyring, commit: &Commit, now: DateTime<Utc>) -> (SignatureFacts, CommitVerdict) {
    let (signatures, gaps) = verify(keyring, std::slice::from_ref(commit), now);
    assert_eq!(gaps, []);
    let facts = signatures.into_values().next().unwrap();
    let verdict = commit_verdict(commit, &facts);
    (facts, verdict)
}

type Verified = (BTreeMap<(String, CommitId), SignatureFacts>, Vec<kubewitness::model::coverage::NotEvaluated>);

pub(crate) fn verify(keyring: &Keyring, commits: &[Commit], now: DateTime<Utc>) -> Verified {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(keyring.verify(commits, now, &Progress::silent()))
}

/// One line for an assertion: the verdict and its reasons.
pub(crate) fn line(verdict: &CommitVerdict) -> String {
    std::iter::once(verdict.verdict.as_str()).chain(verdict.reasons.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}
