//! A policy proposed from real repositories and keys: taken as it is it proves nobody whom the keys do not prove without it.

use std::path::{Path, PathBuf};

use crate::harness::keys::{self, ALICE, BOB, CAROL, Key, MALLORY, Person};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::{self, IN_SYNC, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;

static RENOVATE: Person = Person::new("renovate[bot]", "29139614+renovate[bot]@forge.example.com");
static EVIL: Person = Person::new("x\u{1b}[2J: - name: evil", "x\u{9b}#{}\"'- name: evil");

fn fingerprint(key: &Key) -> String {
    match key {
        Key::OpenPgp(fingerprint) => fingerprint.clone(),
        Key::Ssh(_) => panic!("these stories tell OpenPGP keys apart"),
    }
}

fn init(arguments: &[&str]) -> Output {
    Kubewitness::new(["trust", "init"].into_iter().chain(arguments.iter().copied())).run()
}

fn written(proposal: &Output) -> PathBuf {
    let file = scratch::new_folder("proposed").join("trust.yaml");
    std::fs::write(&file, &proposal.stdout).unwrap();
    file
}

fn verdicts(source: &Path, arguments: &[&str]) -> Vec<(String, String)> {
    let record = recorded::scan(&text(source), &[arguments, &["-o", "json"]].concat()).run().record();
    let told = |commit: &serde_json::Value| (commit["id"].as_str().unwrap().to_owned(), commit["verdict"].as_str().unwrap().to_owned());
    record["commits"].as_array().unwrap().iter().map(told).collect()
}

/// Alice's commit of what is in sync by her OpenPGP key, one of Bob's by an SSH key, and one of Mallory's under Alice's name.
fn story() -> Repository {
    let repository = Repository::new();
    repository.write("apps/db.yaml", IN_SYNC);
    repository.commit(&ALICE, "The database").signed_by(&ALICE.openpgp());
    let config = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: shop }}\ndata: {{ a: b }}\n");
    repository.write("apps/bob.yaml", config("bob")).commit(&BOB, "Bob's").signed_by(&BOB.ssh());
    repository.write("apps/mallory.yaml", config("mallory")).commit(&ALICE, "As Alice").signed_by(&MALLORY.openpgp());
    repository
}

#[test]
fn what_is_proposed_proves_whom_the_keys_prove_and_nobody_else() {
    let repository = story();
    let keyring = text(&keys::openpgp_file(&[ALICE.openpgp()]));
    let signers = text(&keys::allowed_signers_file(&[(BOB.email, BOB.ssh())]));
    let keys = ["--keyring", keyring.as_str(), "--allowed-signers", signers.as_str()];
    let proposal = init(&[["--source", &text(repository.path())].as_slice(), &keys].concat());
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    let active: Vec<&str> = proposal.stdout.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let active = active.join("\n");
    assert!(active.contains(&fingerprint(&ALICE.openpgp())) && active.contains(ALICE.email), "{active}");
    assert!(active.contains("ssh: \"SHA256:") && active.contains(BOB.email), "{active}");
    // Mallory's key is not configured; under whatever name it signs, it is a claim.
    assert!(!active.contains(&fingerprint(&MALLORY.openpgp())), "{active}");
    assert!(proposal.stdout.contains(&fingerprint(&MALLORY.openpgp())), "{proposal:?}");

    let trust = text(&written(&proposal));
    let (without, with) =
        (verdicts(repository.path(), &keys), verdicts(repository.path(), &[keys.as_slice(), &["--trust", &trust]].concat()));
    assert_eq!(without, with);
    let told: std::collections::BTreeSet<&str> = with.iter().map(|(_, verdict)| verdict.as_str()).collect();
    assert_eq!(told, ["unverifiable", "verified-author"].into());
}

#[test]
fn without_keys_nobody_is_proposed_and_every_key_is_listed() {
    let repository = story();
    let proposal = init(&["--source", &text(repository.path())]);
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    assert!(proposal.stdout.contains("\nprincipals: []"), "{proposal:?}");
    for key in [ALICE.openpgp(), MALLORY.openpgp()] {
        assert!(proposal.stdout.contains(&format!("#       - openpgp: \"{}\"", fingerprint(&key))), "{proposal:?}");
    }
    assert!(proposal.stdout.contains("#       - ssh: \"SHA256:"), "{proposal:?}");
    assert!(proposal.stdout.contains("signatures: 0 good, 3 by keys that are not configured, 0 bad or not readable; 0 missing"));
    let trust = text(&written(&proposal));
    // An SSH signature carries its key, and so is known to be good.
    let told: std::collections::BTreeSet<String> =
        verdicts(repository.path(), &["--trust", &trust]).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(told, ["signed-untrusted".to_owned(), "unverifiable".to_owned()].into());
}

// T38, T07
#[test]
fn two_keys_with_one_email_are_for_a_person_to_decide() {
    let repository = story();
    let rival = keys::make_openpgp("Mallory <alice@example.com>", "never");
    repository.write("a.yaml", "a: b").commit(&ALICE, "As Alice, too").signed_by(&rival);
    let keyring = text(&keys::openpgp_file(&[ALICE.openpgp(), rival]));
    let proposal = init(&["--source", &text(repository.path()), "--keyring", &keyring]);
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    assert!(proposal.stdout.contains("\nprincipals: []"), "{proposal:?}");
    assert!(proposal.stdout.contains("#   # review: several configured keys carry an e-mail"), "{proposal:?}");
}

#[test]
fn an_unsigned_bot_and_a_hostile_name_are_comments() {
    let repository = Repository::new();
    repository.write("apps/db.yaml", IN_SYNC).commit(&CAROL, "The database").unsigned();
    repository.write("apps/db.yaml", IN_SYNC.replacen("replicas: ", "replicas: 1", 1)).commit(&RENOVATE, "More").unsigned();
    repository.write("evil.yaml", "a: b").commit(&EVIL, "Evil").signed_by(&MALLORY.openpgp());
    let proposal = init(&["--source", &text(repository.path())]);
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    assert!(proposal.stdout.contains("# bots:"), "{proposal:?}");
    assert!(proposal.stdout.contains("#     authorEmail: \"29139614+renovate[bot]@forge.example.com\""), "{proposal:?}");
    assert!(proposal.stdout.contains("#     paths: [\"apps/db.yaml\"]"), "{proposal:?}");
    assert!(proposal.stdout.contains("#     fields: [\"spec.replicas\"]"), "{proposal:?}");
    let seen = |character: char| character == '\n' || !character.is_control();
    assert!(proposal.stdout.chars().all(seen), "{proposal:?}");
    assert!(!proposal.stdout.lines().any(|line| line.trim_start().starts_with("- name:")), "{proposal:?}");
}

#[test]
fn what_is_left_out_or_cannot_be_read_is_told() {
    let repository = story();
    let proposal = init(&["--source", &text(repository.path()), "--commits", "2"]);
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    assert!(
        proposal.stdout.contains("the 2 commits nearest to \"refs/heads/main\"; older ones were not looked at (--commits 2)"),
        "{proposal:?}"
    );

    let shallow = scratch::new_folder("shallow").join("fleet");
    let url = format!("file://{}", repository.path().display());
    repository.git(["clone", "--quiet", "--depth=1", &url, &text(&shallow)]).succeed();
    let folder = scratch::new_folder("plain");
    std::fs::write(folder.join("a.yaml"), "a: b").unwrap();
    for (source, reason) in [(text(&shallow), "history cut off"), (text(&folder), "not versioned"), ("./nowhere".to_owned(), "not read")] {
        let proposal = init(&["--source", &source]);
        assert_eq!(proposal.status, Some(4), "{proposal:?}");
        assert!(proposal.stdout.contains(&format!("\"{reason}\"")) && proposal.stdout.contains("\nprincipals: []"), "{proposal:?}");
    }
    assert_eq!(init(&[]).status, Some(2));
}

#[test]
fn a_policy_that_the_configuration_names_need_not_be_there_yet() {
    let repository = story();
    let folder = scratch::new_folder("configured");
    std::fs::write(folder.join("kubewitness.yaml"), format!("sources: [{{url: {}}}]\ntrust: trust.yaml\n", repository.path().display()))
        .unwrap();
    let proposal = Kubewitness::new(["trust", "init"]).in_folder(&folder).run();
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    assert!(!folder.join("trust.yaml").exists());
}

#[test]
fn who_is_called_a_bot_by_somebody_else_keeps_key_and_name() {
    static AS_ALICE: Person = Person::new("A[bot]", ALICE.email);
    static AS_MALLORY: Person = Person::new("m[bot]", MALLORY.email);
    let repository = story();
    repository.write("apps/one.yaml", "a: b").commit(&AS_ALICE, "Unsigned").unsigned();
    repository.write("apps/two.yaml", "a: b").commit(&AS_MALLORY, "Her own bot").signed_by(&MALLORY.openpgp());
    repository.write("apps/three.yaml", "a: b").commit(&AS_ALICE, "As Alice's bot").committed_by(&MALLORY).signed_by(&MALLORY.openpgp());
    let keyring = text(&keys::openpgp_file(&[ALICE.openpgp(), MALLORY.openpgp()]));
    let proposal = init(&["--source", &text(repository.path()), "--keyring", &keyring]);
    assert_eq!(proposal.status, Some(0), "{proposal:?}");
    let active: Vec<&str> = proposal.stdout.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let active = active.join("\n");
    let (persons, bots) = active.split_once("\nbots:").unwrap_or_else(|| panic!("{active}"));
    let name = |person: &Person| format!("name: \"{}\"", person.email.split('@').next().unwrap());
    assert!(persons.contains(&name(&ALICE)) && persons.contains(&fingerprint(&ALICE.openpgp())), "{active}");
    assert!(bots.contains(&fingerprint(&MALLORY.openpgp())) && !bots.contains(ALICE.email), "{active}");
}
