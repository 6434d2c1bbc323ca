//! X.509 certificates through the whole program: git signs by openssl, a configured root vouches.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::keys::{ALICE, BOB, Person};
use crate::harness::program::Program;
use crate::harness::recorded::{IN_SYNC, scan, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// A root, a certificate of Alice's by it, and one commit that this one signed.
struct Story {
    folder: PathBuf,
    repository: Repository,
}

impl Story {
    fn of(author: &Person) -> Self {
        let folder = scratch::new_folder("certificates");
        let story = Self { folder, repository: Repository::new() };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-x509"];
        let root = ["-subj", "/CN=Root", "-keyout", "root.key", "-out", "root.pem", "-addext", "keyUsage=critical,keyCertSign"];
        story.openssl("req", &[key.as_slice(), &root].concat());
        let alice = ["-subj", "/CN=Alice", "-keyout", "alice.key", "-out", "alice.pem", "-CA", "root.pem", "-CAkey", "root.key"];
        let names = format!("subjectAltName=email:{}", ALICE.email);
        let usage = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature", "-addext", &names];
        story.openssl("req", &[key.as_slice(), &alice, &usage].concat());
        story.repository.write("db.yaml", IN_SYNC);
        let program = format!("gpg.x509.program={}", text(&story.program()));
        let date = "2024-03-01T09:00:00Z";
        story.repository.git(["add", "--all"]).succeed();
        let git = story.repository.git(["-c", "gpg.format=x509", "-c", "user.signingKey=alice", "-c", &program]);
        git.args(["commit", "--quiet", "-S", "--message", "The database"])
            .env("GIT_AUTHOR_NAME", author.name)
            .env("GIT_AUTHOR_EMAIL", author.email)
            .env("GIT_COMMITTER_NAME", author.name)
            .env("GIT_COMMITTER_EMAIL", author.email)
            .env("GIT_COMMITTER_DATE", date)
            .succeed();
        story
    }

    fn openssl(&self, command: &str, arguments: &[&str]) {
        Program::new("openssl").in_folder(&self.folder).args([command]).args(arguments).succeed();
    }

    /// What git calls in the place of gpgsm to sign.
    fn program(&self) -> PathBuf {
        let path = self.folder.join("sign");
        let folder = text(&self.folder);
        let script = format!(
            "#!/bin/sh\nopenssl cms -sign -binary -outform PEM -signer {folder}/alice.pem -inkey {folder}/alice.key |\n  \
             sed 's/CMS-----/SIGNED MESSAGE-----/'\nprintf '\\n[GNUPG:] SIG_CREATED D\\n' >&2\n"
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn root(&self) -> String {
        text(&self.folder.join("root.pem"))
    }

    /// The one commit in the record.
    fn told(&self, more: &[&str]) -> Value {
        let record = scan(&text(self.repository.path()), &[more, &["-o", "json"]].concat()).run().record();
        let [commit] = record["commits"].as_array().unwrap().as_slice() else { panic!("one commit is credited: {record:#}") };
        commit.clone()
    }

    fn policy(&self, key: &str) -> String {
        let path = scratch::new_folder("policy").join("trust.yaml");
        let policy = format!("principals:\n- {{name: alice, emails: [{}], keys: [{{x509: {key}}}]}}\n", ALICE.email);
        std::fs::write(&path, policy).unwrap();
        text(&path)
    }
}

#[test]
fn a_configured_root_vouches_for_the_author() {
    let story = Story::of(&ALICE);
    let commit = story.told(&["--x509-root", &story.root()]);
    assert_eq!((&commit["verdict"], &commit["reasons"][0]), (&"verified-author".into(), &"uid-binding".into()));
    let signature = &commit["signature"];
    assert_eq!(
        (&signature["format"], &signature["timeBasis"], &signature["identities"][0]),
        (&"x509".into(), &"claimed".into(), &ALICE.email.into())
    );
    let shown =
        Program::new("openssl").in_folder(&story.folder).args(["x509", "-noout", "-fingerprint", "-sha256", "-in", "alice.pem"]).succeed();
    let fingerprint = shown.trim().split_once('=').unwrap().1.replace(':', "");
    assert_eq!(signature["key"], format!("SHA256:{fingerprint}"));
    let unknown = story.told(&[]);
    assert_eq!((&unknown["verdict"], &unknown["signature"]["crypto"]), (&"unverifiable".into(), &"unknown-key".into()));
}

#[test]
fn somebody_elses_commit_is_not_the_certificates() {
    let story = Story::of(&BOB);
    let commit = story.told(&["--x509-root", &story.root()]);
    assert_eq!((&commit["verdict"], &commit["reasons"][0]), (&"signed-untrusted".into(), &"identity-mismatch".into()));
}

#[test]
fn a_policy_names_a_certificate_by_its_identity() {
    let story = Story::of(&ALICE);
    let root = story.root();
    let told = |key: &str| story.told(&["--x509-root", &root, "--trust", &story.policy(key)])["verdict"].clone();
    assert_eq!(told(&format!("{{identity: {}}}", ALICE.email)), "verified-author");
    assert_eq!(told(&format!("{{identity: {}, issuer: https://accounts.example}}", ALICE.email)), "signed-untrusted");
    assert_eq!(told(&format!("'SHA256:{}'", "A".repeat(64))), "signed-untrusted");
}

#[test]
fn a_file_without_a_root_is_a_mistake_that_is_told() {
    let story = Story::of(&ALICE);
    let output = scan(&text(story.repository.path()), &["--x509-root", &text(&story.folder.join("alice.pem"))]).run();
    assert!(output.status != Some(0) && output.stderr.contains("no certificate in it or in another file is a root"), "{}", output.stderr);
}
