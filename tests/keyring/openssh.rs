//! Throw-away SSH keys, and what ssh-keygen and git say of their signatures.

use std::path::PathBuf;
use std::process::Command;

use kubewitness::model::commit::Commit;
use tempfile::TempDir;

use crate::fixture::{Files, Repository, judge, line, must, run, signed, ssh_keyring};

/// Keys of persons, made by ssh-keygen.
pub(crate) struct Ssh {
    folder: TempDir,
}

impl Ssh {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new key; the public key without its comment.
    pub(crate) fn key(&self, name: &str, kind: &[&str]) -> String {
        let path = self.path(name);
        must(Command::new("ssh-keygen").args(["-q", "-N", "", "-C", name, "-f"]).arg(&path).arg("-t").args(kind), b"");
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        public.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// A certificate for a key by an authority; windows in it are UTC.
    pub(crate) fn certify(&self, authority: &str, name: &str, more: &[&str]) {
        let mut command = Command::new("ssh-keygen");
        command.env("TZ", "UTC").args(["-q", "-I", "the id", "-s"]).arg(self.path(authority)).args(more);
        must(command.arg(self.path(name).with_extension("pub")), b"");
    }

    /// A signature that carries the certificate of the key.
    pub(crate) fn sign_certified(&self, name: &str, payload: &str) -> String {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", "git", "-f"]).arg(self.path(&format!("{name}-cert.pub")));
        String::from_utf8(must(&mut command, payload.as_bytes())).unwrap()
    }

    pub(crate) fn commit_certified(&self, repository: &Repository, name: &str, author: &str, committer: &str) -> Commit {
        let payload = repository.payload(author, committer);
        repository.commit(signed(&payload, "gpgsig", &self.sign_certified(name, &payload)))
    }

    /// The public key, or certificate, as its file has it.
    pub(crate) fn public(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    /// A KRL of a specification, and of public keys and certificates.
    pub(crate) fn krl(&self, more: &[&str], specification: &str, names: &[&str]) -> Vec<u8> {
        let (path, lines) = (self.path("krl"), self.path("specification"));
        std::fs::write(&lines, specification).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.current_dir(&self.folder).args(["-q", "-k", "-f"]).arg(&path).args(more).arg(lines);
        must(command.args(names.iter().map(|name| format!("{name}.pub"))), b"");
        std::fs::read(path).unwrap()
    }

    /// Whether a KRL revokes a public key or certificate, as ssh-keygen has it.
    pub(crate) fn is_revoked(&self, krl: &[u8], name: &str) -> bool {
        let path = self.path("asked");
        std::fs::write(&path, krl).unwrap();
        !run(Command::new("ssh-keygen").arg("-Qf").arg(path).arg(self.path(&format!("{name}.pub"))), b"").status.success()
    }

    pub(crate) fn sign(&self, name: &str, namespace: &str, payload: &str) -> String {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(self.path(name));
        String::from_utf8(must(&mut command, payload.as_bytes())).unwrap()
    }

    pub(crate) fn commit(&self, repository: &Repository, name: &str, author: &str, committer: &str) -> Commit {
        let payload = repository.payload(author, committer);
        repository.commit(signed(&payload, "gpgsig", &self.sign(name, "git", &payload)))
    }
}

/// git's letter with a file of allowed signers.
pub(crate) fn git(repository: &Repository, commit: &Commit, lines: &str) -> String {
    let files = Files::new();
    let path = files.write("allowed", lines);
    repository.letter(commit, &[format!("gpg.ssh.allowedSignersFile={}", path.display())], None)
}

/// What git shows of a commit in a time zone, by the placeholders of its log.
pub(crate) fn git_says(repository: &Repository, zone: &str, format: &str, commit: &Commit, lines: &str) -> String {
    let files = Files::new();
    let allowed = format!("gpg.ssh.allowedSignersFile={}", files.write("allowed", lines).display());
    let mut command = repository.git();
    command.env("TZ", zone).args(["-c", &allowed, "log", "-1", &format!("--format={format}"), commit.id.as_str()]);
    String::from_utf8(must(&mut command, b"")).unwrap().trim().to_owned()
}

/// git's letter where a list revokes some of them.
pub(crate) fn git_revoking(repository: &Repository, commit: &Commit, lines: &str, revoked: &[u8]) -> String {
    let files = Files::new();
    let (allowed, revoked) = (files.write("allowed", lines), files.write("revoked", revoked));
    let of = |name: &str, path: &PathBuf| format!("gpg.ssh.{name}={}", path.display());
    repository.letter(commit, &[of("allowedSignersFile", &allowed), of("revocationFile", &revoked)], None)
}

/// Whether ssh-keygen lets a principal sign.
pub(crate) fn keygen(lines: &str, principal: &str, armor: &str, payload: &str, time: &str) -> bool {
    let files = Files::new();
    let (allowed, signature) = (files.write("allowed", lines), files.write("signature", armor));
    let mut command = Command::new("ssh-keygen");
    command.env("TZ", "UTC").args(["-Y", "verify", "-n", "git", "-I", principal, "-O", &format!("verify-time={time}"), "-f"]);
    run(command.arg(allowed).arg("-s").arg(signature as PathBuf), payload.as_bytes()).status.success()
}

pub(crate) fn ours(commit: &Commit, lines: &str) -> String {
    line(&judge(&ssh_keyring(lines), commit).1)
}
