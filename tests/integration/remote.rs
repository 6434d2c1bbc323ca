//! Repositories on servers: https with a private authority and a login from files, ssh with a key and known hosts.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not there")]

use std::path::Path;

use crate::harness::git_server::Server;
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::{in_sync, recording, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;
use crate::harness::sshd::Sshd;

const PASSWORD: &str = "c4nary-p@ss:word";
/// `alice:` and the password, in base64.
const LOGIN: &str = "YWxpY2U6YzRuYXJ5LXBAc3M6d29yZA==";

/// Scans one source with these credentials, as lines of a configuration.
fn scan(url: &str, credentials: &[(&str, &str)]) -> Output {
    let folder = scratch::new_folder("config");
    let lines: String = credentials.iter().map(|(name, value)| format!("      {name}: {value}\n")).collect();
    let config = format!("sources:\n  - name: fleet\n    url: {url}\n    credentials:\n{lines}");
    std::fs::write(folder.join("kubewitness.yaml"), config).unwrap();
    let output =
        Kubewitness::new(["scan", "-o", "json", "--recording", &recording()]).env("FLEET_PASSWORD", PASSWORD).in_folder(&folder).run();
    assert!(!output.stdout.contains("c4nary") && !output.stderr.contains("c4nary"), "{output:?}");
    output
}

/// A bare copy of what is in sync, in a folder to be served, and its commit.
fn served() -> (std::path::PathBuf, String) {
    let repository = in_sync();
    let root = scratch::new_folder("served");
    repository.git(["clone", "--quiet", "--bare", ".", &text(&root.join("fleet.git"))]).succeed();
    (root, repository.id_of("HEAD"))
}

/// The authority behind the server's certificate.
fn ca() -> String {
    format!("{}/tests/source/tls/ca.pem", env!("CARGO_MANIFEST_DIR"))
}

fn secret(content: &str) -> String {
    let file = scratch::new_folder("secret").join("secret");
    std::fs::write(&file, content).unwrap();
    text(&file)
}

/// In sync, all of it credited to this commit.
fn is_read(output: &Output, commit: &str) {
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    let record = output.record();
    assert_eq!((&record["sources"][0]["commit"], &record["coverage"]["evaluated"]), (&commit.into(), &6.into()));
    assert!(record["objects"].as_array().unwrap().iter().all(|object| object["attribution"]["authoredBy"] == commit));
}

/// Partial, since the source could not be fetched, with a detail that has this part.
fn is_not_fetched(output: &Output, part: &str) {
    assert_eq!(output.status, Some(4), "{output:?}");
    let record = output.record();
    let gap = &record["notEvaluated"][0];
    assert_eq!((&gap["stage"], &gap["subject"], &gap["reason"]), (&"fetch".into(), &"fleet".into(), &"not fetched".into()));
    assert!(gap["detail"].as_str().unwrap().contains(part), "no {part:?} in {gap:#}");
    assert_eq!(record["objects"], serde_json::json!([]));
}

#[test]
fn https_with_a_private_authority_and_a_login_from_files_is_read() {
    let (root, commit) = served();
    let server = Server::https(&root, LOGIN);
    let url = server.url("fleet.git");
    let (ca, user, password) = (ca(), secret("alice\n"), secret(&format!("{PASSWORD}\n")));
    let login = [("caFile", ca.as_str()), ("usernameFile", &user), ("passwordFile", &password)];
    is_read(&scan(&url, &login), &commit);
    is_read(&scan(&url, &[("caFile", &ca), ("usernameFile", &user), ("passwordEnv", "FLEET_PASSWORD")]), &commit);
}

#[test]
fn https_is_refused_without_login_authority_or_repository_and_says_which() {
    let (root, _) = served();
    let server = Server::https(&root, LOGIN);
    let url = server.url("fleet.git");
    let (ca, user, password) = (ca(), secret("alice"), secret(PASSWORD));
    is_not_fetched(&scan(&url, &[("caFile", &ca)]), "401");
    is_not_fetched(&scan(&url, &[("caFile", &ca), ("usernameFile", &user), ("passwordFile", &secret("c4nary-wrong"))]), "401");
    is_not_fetched(&scan(&url, &[("usernameFile", &user), ("passwordFile", &password)]), "certificate");
    let absent = server.url("absent.git");
    is_not_fetched(&scan(&absent, &[("caFile", &ca), ("usernameFile", &user), ("passwordFile", &password)]), "404");
}

#[test]
fn ssh_with_a_key_and_known_hosts_is_read_and_a_new_commit_is_seen() {
    let (root, commit) = served();
    let server = Sshd::start();
    let url = format!("{}{}", server.url, root.join("fleet.git").display());
    let (key, known) = (text(&server.key), text(&server.known_hosts));
    let login = [("sshKeyFile", key.as_str()), ("knownHostsFile", &known)];
    is_read(&scan(&url, &login), &commit);
    let next = push(&root.join("fleet.git"));
    let record = scan(&url, &login).record();
    assert_eq!(record["sources"][0]["commit"], next.as_str());
}

#[test]
fn an_unknown_host_or_key_is_refused() {
    let (root, _) = served();
    let server = Sshd::start();
    let url = format!("{}{}", server.url, root.join("fleet.git").display());
    let (key, known) = (text(&server.key), text(&server.known_hosts));
    is_not_fetched(
        &scan(&url, &[("sshKeyFile", &key), ("knownHostsFile", &secret(""))]),
        "Host key verification failed.; add the key of the host to a known-hosts file",
    );
    let crate::harness::keys::Key::Ssh(other) = crate::harness::keys::make_ssh("other") else { panic!("an SSH key was asked for") };
    is_not_fetched(
        &scan(&url, &[("sshKeyFile", &text(&other)), ("knownHostsFile", &known)]),
        "Permission denied (publickey).; check the credentials",
    );
}

/// A second commit on a bare repository.
fn push(bare: &Path) -> String {
    let repository = Repository::new();
    repository.git(["pull", "--quiet", &text(bare), "main"]).succeed();
    let next = repository.write("README.md", "More").commit(&crate::harness::keys::BOB, "More").unsigned();
    repository.git(["push", "--quiet", &text(bare), "main"]).succeed();
    next
}
