//! Git repositories made by the real git with fixed dates.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use super::keys::{self, Key, Person};
use super::program::{Output, Program};
use super::scratch;

/// When the first commit of every repository is made: 2024-03-01T09:00:00Z. Each later one comes an hour after the one before.
pub(crate) const FIRST_COMMIT: i64 = 1_709_283_600;

/// A working copy on the branch `main`.
#[derive(Debug)]
pub(crate) struct Repository {
    folder: PathBuf,
    next: Cell<i64>,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self { folder: scratch::new_folder("repository"), next: Cell::new(FIRST_COMMIT) };
        repository.git(["init", "--quiet", "--initial-branch=main"]).succeed();
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes a file, its folders included; nothing is committed yet.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().expect("a path in a repository has a parent")).expect("a folder can be made");
        fs::write(file, text).expect("a file can be written");
        self
    }

    pub(crate) fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.folder.join(path)).expect("a file to remove is there");
        self
    }

    /// A commit of everything as it lies, made by its last word: `unsigned()` or `signed_by(key)`.
    pub(crate) fn commit<'a>(&'a self, author: &'a Person, message: &'a str) -> Commit<'a> {
        let time = self.next.get();
        self.next.set(time + 3600);
        Commit { repository: self, author, committer: author, message, time }
    }

    /// What a revision resolves to.
    pub(crate) fn id_of(&self, revision: &str) -> String {
        self.git(["rev-parse", "--verify", revision]).succeed().trim().to_owned()
    }

    /// What `git verify-commit` says of a commit, with these allowed signers for SSH and every OpenPGP key of the binary.
    pub(crate) fn verify(&self, commit: &str, allowed_signers: &Path) -> Output {
        let signers = format!("gpg.ssh.allowedSignersFile={}", allowed_signers.display());
        let gpg = format!("gpg.program={}", keys::gpg_at(self.next.get()).display());
        self.git(["-c", &signers, "-c", &gpg, "verify-commit", "--raw", commit]).run()
    }

    /// git in this repository, blind to the configuration of the machine.
    pub(crate) fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        Program::new("git").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").in_folder(&self.folder).args(arguments)
    }
}

/// A commit about to be made.
#[derive(Clone, Copy, Debug)]
#[must_use = "a commit is made by its last word: unsigned() or signed_by(key)"]
pub(crate) struct Commit<'a> {
    repository: &'a Repository,
    author: &'a Person,
    committer: &'a Person,
    message: &'a str,
    time: i64,
}

impl<'a> Commit<'a> {
    pub(crate) fn committed_by(self, committer: &'a Person) -> Self {
        Self { committer, ..self }
    }

    /// At another time than its turn; seconds since 1970.
    pub(crate) fn at(self, time: i64) -> Self {
        Self { time, ..self }
    }

    /// Makes it and returns its id.
    pub(crate) fn unsigned(self) -> String {
        self.make(&["-c", "commit.gpgSign=false"])
    }

    /// Makes it and returns its id. An OpenPGP signature has the commit's time; an SSH signature has none.
    pub(crate) fn signed_by(self, key: &Key) -> String {
        let (format, key, program) = match key {
            Key::OpenPgp(fingerprint) => ("openpgp", fingerprint.clone(), keys::gpg_at(self.time)),
            Key::Ssh(file) => ("ssh", file.display().to_string(), "gpg".into()),
        };
        let settings = [format!("gpg.format={format}"), format!("user.signingKey={key}"), format!("gpg.program={}", program.display())];
        self.make(&["-c", "commit.gpgSign=true", "-c", &settings[0], "-c", &settings[1], "-c", &settings[2]])
    }

    fn make(self, settings: &[&str]) -> String {
        let date = format!("{} +0000", self.time);
        self.repository.git(["add", "--all"]).succeed();
        self.repository
            .git(settings.iter().copied())
            .args(["commit", "--quiet", "--allow-empty", "--message", self.message])
            .env("GIT_AUTHOR_NAME", self.author.name)
            .env("GIT_AUTHOR_EMAIL", self.author.email)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", self.committer.name)
            .env("GIT_COMMITTER_EMAIL", self.committer.email)
            .env("GIT_COMMITTER_DATE", &date)
            .succeed();
        self.repository.id_of("HEAD")
    }
}
