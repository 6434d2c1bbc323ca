//! Who made a file part of what is built, through the whole program and the real Kustomize.

use serde_json::{Value, json};

use crate::harness::keys::{self, ALICE, BOB, Key, MALLORY, Person};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Program;
use crate::harness::recorded::{IN_SYNC, recording, scan, text};
use crate::harness::repository::{FIRST_COMMIT, Repository};
use crate::harness::scratch;

/// The first object, which lies in `first.yaml`, and one of the others, which lie in `rest.yaml`.
const FIRST: (&str, &str) = ("StatefulSet", "db");
const OTHER: (&str, &str) = ("ConfigMap", "postgres");

/// What is in sync in two files, of which a kustomization draws in the first.
struct Story {
    repository: Repository,
    alice: String,
}

impl Story {
    fn new() -> Self {
        let repository = Repository::new();
        let (first, rest) = IN_SYNC.split_once("---\n").unwrap();
        repository.write("prod/first.yaml", first).write("prod/rest.yaml", rest);
        repository.write("prod/kustomization.yaml", "resources:\n- first.yaml\n");
        let alice = repository.commit(&ALICE, "The database").signed_by(&ALICE.ssh());
        Self { repository, alice }
    }

    /// Somebody draws in the rest, by a line before the one that is there.
    fn activated(&self, person: &Person, key: Option<&Key>) -> String {
        self.repository.write("prod/kustomization.yaml", "resources:\n- rest.yaml\n- first.yaml\n");
        let commit = self.repository.commit(person, "More");
        key.map_or_else(|| commit.unsigned(), |key| commit.signed_by(key))
    }

    fn arguments(&self, policy: Option<&str>) -> Vec<String> {
        let signers = [(ALICE.email, ALICE.ssh()), (BOB.email, BOB.ssh()), (MALLORY.email, MALLORY.ssh())];
        let mut arguments = vec!["--allowed-signers".to_owned(), text(&keys::allowed_signers_file(&signers))];
        if let Some(policy) = policy {
            let file = scratch::new_folder("policy").join("trust.yaml");
            std::fs::write(&file, format!("{}{policy}", principals())).unwrap();
            arguments.extend(["--trust".to_owned(), text(&file)]);
        }
        arguments
    }

    fn record_at(&self, path: &str, policy: Option<&str>) -> (Option<i32>, Value) {
        let arguments = self.arguments(policy);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["-o", "json"]).collect();
        let output = scan(&format!("{}#{path}", text(self.repository.path())), &arguments).run();
        (output.status, output.record())
    }

    fn record(&self, policy: Option<&str>) -> (Option<i32>, Value) {
        self.record_at("prod", policy)
    }
}

fn principals() -> String {
    let principal = |name: &str, person: &Person| {
        let Key::Ssh(file) = person.ssh() else { panic!("an SSH key") };
        let line = Program::new("ssh-keygen").args(["-l", "-f", &text(&file.with_extension("pub"))]).succeed();
        format!("- {{name: {name}, emails: [{}], keys: [{{ssh: '{}'}}]}}\n", person.email, line.split(' ').nth(1).unwrap())
    };
    format!("principals:\n{}{}{}", principal("alice", &ALICE), principal("bob", &BOB), principal("mallory", &MALLORY))
}

/// Author, activator, verdict and reasons of an object.
fn told(record: &Value, (kind, name): (&str, &str)) -> (Value, Value, String, String) {
    let objects = record["objects"].as_array().unwrap();
    let object = objects.iter().find(|object| object["kind"] == kind && object["name"] == name).unwrap();
    let attribution = &object["attribution"];
    let words: Vec<&str> = attribution["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
    let verdict = attribution["verdict"].as_str().unwrap().to_owned();
    (attribution["authoredBy"].clone(), attribution["activatedBy"].clone(), verdict, words.join(" "))
}

fn by(author: &str, activator: &str, verdict: &str, reasons: &str) -> (Value, Value, String, String) {
    (json!(author), json!(activator), verdict.to_owned(), reasons.to_owned())
}

#[test]
fn what_alice_wrote_and_mallory_switched_on_is_proven_no_better_than_mallorys_line() {
    let story = Story::new();
    let mallory = story.activated(&MALLORY, None);
    let (_, record) = story.record(None);
    assert_eq!(told(&record, OTHER), by(&story.alice, &mallory, "unsigned", "uid-binding activation"));
    // The line that stood there before is as it was, wherever it stands now.
    assert_eq!(told(&record, FIRST), by(&story.alice, &story.alice, "verified-author", "uid-binding"));
    let commit = record["commits"].as_array().unwrap().iter().find(|commit| commit["id"] == mallory).unwrap();
    assert_eq!((&commit["author"]["name"], &commit["verdict"]), (&json!(MALLORY.name), &json!("unsigned")));

    let (source, recording) = (format!("{}#prod", text(story.repository.path())), recording());
    let keys = story.arguments(None);
    let blame = |more: &[&str]| {
        let arguments = ["blame", "cm/postgres", "-n", "data", "--source", &source, "--recording", &recording, &keys[0], &keys[1]];
        Kubewitness::new(arguments.into_iter().chain(more.iter().copied())).run()
    };
    let document = blame(&["-o", "json"]).document("blame");
    assert_eq!(document["object"]["attribution"]["activatedBy"], mallory);
    assert!(document["commits"].as_array().unwrap().iter().any(|commit| commit["id"] == mallory));
    let screen = blame(&[]).stdout;
    assert!(screen.contains(&format!("activated by {} Mallory Example, 2024-03-01, unsigned\n", &mallory[..7])), "{screen}");
}

#[test]
fn where_a_kustomization_is_read_otherwise_than_its_history_nobody_is_proven_to_have_switched_on_what_it_draws_in() {
    let story = Story::new();
    // Kustomize takes the last of two keys.
    let twice = "kind: Kustomization\nkind: Kustomization\nresources:\n- rest.yaml\n- first.yaml\n";
    story.repository.write("prod/kustomization.yaml", twice);
    story.repository.commit(&MALLORY, "More").unsigned();
    let (_, record) = story.record(None);
    let expected = (json!(story.alice), Value::Null, "unverifiable".to_owned(), "uid-binding activation-unknown".to_owned());
    assert_eq!(told(&record, OTHER), expected);
    let (status, _) = story.record(Some("rules: [{min: verified-author}]\n"));
    assert_eq!(status, Some(1));
}

#[test]
fn rules_hold_for_who_activates_by_the_file_of_the_entry_else_by_the_objects_own() {
    let story = Story::new();
    story.activated(&MALLORY, Some(&MALLORY.ssh()));
    let verdict = |policy: &str| {
        let (status, record) = story.record(Some(policy));
        let (_, _, verdict, reasons) = told(&record, OTHER);
        (status, verdict, reasons)
    };
    let told = |status, verdict: &str, reasons: &str| (Some(status), verdict.to_owned(), reasons.to_owned());
    let good = told(0, "verified-author", "policy-binding");
    let against = told(1, "signed-untrusted", "not-allowed policy-binding activation");
    assert_eq!(verdict("rules: [{min: verified-author}]\n"), good);
    assert_eq!(verdict("rules: [{paths: ['prod/**'], allow: [alice]}]\n"), against);
    // Where no rule is about kustomizations, those about what they draw in are.
    assert_eq!(verdict("rules: [{paths: ['prod/rest.yaml', 'prod/first.yaml'], allow: [alice]}]\n"), against);
    let both = "rules: [{paths: ['prod/rest.yaml', 'prod/first.yaml'], allow: [alice]}, {paths: ['**/kustomization.yaml'], allow: [mallory, alice]}]\n";
    assert_eq!(verdict(both), good);
    let (_, record) = story.record(Some("rules: [{paths: ['prod/**'], allow: [alice]}]\n"));
    let finding = record["findings"].as_array().unwrap().iter().find(|finding| finding["severity"] == "error").unwrap();
    assert!(finding["message"].as_str().unwrap().contains(MALLORY.email), "{finding}");
}

#[test]
fn of_a_chain_the_newest_entry_counts_whatever_dates_are_claimed() {
    let story = Story::new();
    let repository = &story.repository;
    repository.write("over/kustomization.yaml", "resources: []\n");
    repository.commit(&MALLORY, "Empty").at(FIRST_COMMIT + 900_000).unsigned();
    repository.write("over/kustomization.yaml", "resources:\n- ../prod\n");
    let bob = repository.commit(&BOB, "Over").at(FIRST_COMMIT - 900_000).signed_by(&BOB.ssh());
    let (_, record) = story.record_at("over", None);
    assert_eq!(told(&record, FIRST), by(&story.alice, &bob, "verified-author", "uid-binding"));
    // Then somebody writes a deeper entry anew.
    repository.write("prod/kustomization.yaml", "resources:\n- ./first.yaml\n");
    let mallory = repository.commit(&MALLORY, "Dot").at(FIRST_COMMIT - 999_000).unsigned();
    let (_, record) = story.record_at("over", None);
    assert_eq!(told(&record, FIRST), by(&story.alice, &mallory, "unsigned", "uid-binding activation"));
}

#[test]
fn of_two_entries_that_were_written_beside_each_other_none_is_named_and_the_worse_counts() {
    let story = Story::new();
    let repository = &story.repository;
    repository.git(["checkout", "--quiet", "-b", "side"]).succeed();
    repository.write("over/kustomization.yaml", "resources:\n- ../prod\n");
    repository.commit(&MALLORY, "Over").unsigned();
    repository.git(["checkout", "--quiet", "main"]).succeed();
    repository.write("prod/kustomization.yaml", "resources:\n- ./first.yaml\n");
    repository.commit(&BOB, "Dot").signed_by(&BOB.ssh());
    let merge = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com", "merge", "--quiet", "--no-edit", "side"];
    repository.git(merge).succeed();
    let (_, record) = story.record_at("over", None);
    let expected = (json!(story.alice), Value::Null, "unsigned".to_owned(), "uid-binding activation".to_owned());
    assert_eq!(told(&record, FIRST), expected);
}

#[test]
fn what_is_drawn_in_twice_or_lies_there_by_itself_was_activated_by_nobody() {
    let story = Story::new();
    let repository = &story.repository;
    repository.write("prod/plain/kustomization.yaml", "resources: [../first.yaml]\n");
    repository.write("prod/kustomization.yaml", "resources: [a, b]\n");
    for (folder, prefix) in [("a", "a-"), ("b", "b-")] {
        repository.write(&format!("prod/{folder}/kustomization.yaml"), format!("resources: [../../base]\nnamePrefix: {prefix}\n"));
    }
    repository.write("base/kustomization.yaml", "resources: [first.yaml]\n");
    repository.write("base/first.yaml", IN_SYNC.split_once("---\n").unwrap().0);
    repository.commit(&MALLORY, "Twice").unsigned();
    let (_, record) = story.record(None);
    for name in ["a-db", "b-db"] {
        let (_, activator, _, reasons) = told(&record, ("StatefulSet", name));
        assert_eq!((activator, reasons.contains("activation")), (Value::Null, false));
    }
    // One of both leaves it as it was declared.
    repository.write("prod/a/kustomization.yaml", "resources: [../../base]\n");
    repository.commit(&MALLORY, "Once").unsigned();
    let (_, record) = story.record(None);
    let (_, activator, verdict, reasons) = told(&record, FIRST);
    assert_eq!((activator, verdict.as_str(), reasons.contains("activation-unknown")), (Value::Null, "unverifiable", true));
    // Without a kustomization.
    let repository = Repository::new();
    repository.write("db.yaml", IN_SYNC).commit(&ALICE, "The database").signed_by(&ALICE.ssh());
    let record = scan(&text(repository.path()), &["-o", "json"]).run().record();
    assert_eq!(told(&record, FIRST).1, Value::Null);
}

#[test]
fn a_transformer_that_changes_nothing_of_an_object_leaves_it_to_its_author() {
    let story = Story::new();
    let draw = |images: &str| {
        story.repository.write("prod/kustomization.yaml", format!("resources:\n- first.yaml\nimages:\n- name: {images}\n  newTag: '1'\n"));
        story.repository.commit(&MALLORY, "Images").unsigned();
        story.record(Some("rules: [{min: verified-author}]\n"))
    };
    let (status, record) = draw("redis");
    assert_eq!(told(&record, FIRST), by(&story.alice, &story.alice, "verified-author", "policy-binding"));
    assert_eq!((status, &record["objects"][0]["declared"]["path"]), (Some(0), &json!("prod/first.yaml")));
    // Of what it could have set nothing is told for certain.
    let (status, record) = draw("postgres");
    let (author, _, verdict, reasons) = told(&record, FIRST);
    assert_eq!((author, verdict.as_str(), reasons.as_str()), (Value::Null, "unverifiable", "below-minimum rendered"));
    assert_eq!(status, Some(1));
}
