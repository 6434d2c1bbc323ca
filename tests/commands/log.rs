//! `log` and `blame --field`: what became of one object, commit by commit, through the whole program.

use serde_json::Value;

use crate::harness::keys::{self, ALICE, BOB, CAROL, Key, MALLORY};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::{self, text, witness};
use crate::harness::repository::Repository;
use crate::harness::scratch;

const ARGUMENTS: [&str; 4] = ["log", "deploy/web", "-n", "shop"];

/// `VERDICT field before>after …` of every change, newest first; `new` where the document was not there before.
fn told(log: &Value) -> Vec<String> {
    let verdict = |change: &Value| {
        let commit = log["commits"].as_array().unwrap().iter().find(|commit| commit["id"] == change["commit"]).unwrap();
        commit["verdict"].as_str().unwrap().to_owned()
    };
    let field = |field: &Value| format!("{} {}>{}", field["field"].as_str().unwrap(), field["before"], field["after"]);
    let fields = |change: &Value| match change["created"] == true {
        true => "new".to_owned(),
        false => change["fields"].as_array().unwrap().iter().map(field).collect::<Vec<_>>().join(" "),
    };
    log["changes"].as_array().unwrap().iter().map(|change| format!("{} {}", verdict(change), fields(change))).collect()
}

fn log_of(repository: &Repository, object: &str, more: &[&str]) -> Output {
    let (source, recording) = (text(repository.path()), recorded::recording());
    let keyring = text(&keys::openpgp_file(&[ALICE.openpgp()]));
    let signers = text(&keys::allowed_signers_file(&[(BOB.email, BOB.ssh())]));
    let arguments =
        ["log", object, "-n", "shop", "--source", &source, "--recording", &recording, "--keyring", &keyring, "--allowed-signers", &signers];
    Kubewitness::new(arguments.into_iter().chain(more.iter().copied())).run()
}

fn web(replicas: u32, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: web, namespace: shop }}\nspec:\n  replicas: {replicas}\n  template:\n    spec:\n      containers:\n      - name: web\n        image: {image}\n"
    )
}

#[test]
fn the_commits_of_an_object_are_told_newest_first_with_their_proof() {
    let output = witness(&[ARGUMENTS.as_slice(), &["-o", "json"]].concat()).run();
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    let image = "spec.template.spec.containers[name=web].image";
    let expected = [
        format!("forge-attested {image} \"shop/web:1.3\">\"shop/web:1.4\""),
        "verified-author spec.replicas 2>3".to_owned(),
        "verified-author new".to_owned(),
    ];
    assert_eq!(told(&output.document("log")), expected);
    let screen = witness(&ARGUMENTS).run().stdout;
    assert!(screen.starts_with("Deployment shop/web · fleet main@"), "{screen}");
    for line in [
        format!("  ~ {image}  shop/web:1.3 → shop/web:1.4\n"),
        "  ~ spec.replicas  2 → 3\n".to_owned(),
        "  + metadata.labels.app  web\n".to_owned(),
        "forge only: signed by forge.example.com".to_owned(),
        "    Three web pods\n".to_owned(),
    ] {
        assert!(screen.contains(&line), "{line}\n{screen}");
    }
}

#[test]
fn a_key_of_somebody_else_and_an_unknown_one_are_told_at_their_commits() {
    let repository = Repository::new();
    repository.write("web.yaml", web(1, "a")).commit(&ALICE, "first").signed_by(&ALICE.openpgp());
    repository.write("web.yaml", web(2, "a")).commit(&ALICE, "under Bob's key").signed_by(&BOB.ssh());
    repository.write("moved.yaml", web(2, "b")).remove("web.yaml").commit(&MALLORY, "moved and changed").signed_by(&MALLORY.openpgp());
    let log = log_of(&repository, "deploy/web", &["-o", "json"]).document("log");
    let image = "spec.template.spec.containers[name=web].image";
    let expected = [format!("unverifiable {image} \"a\">\"b\""), "signed-untrusted spec.replicas 1>2".into(), "verified-author new".into()];
    assert_eq!(told(&log), expected);
    assert_eq!((&log["changes"][0]["movedFrom"], &log["changes"][0]["path"]), (&"web.yaml".into(), &"moved.yaml".into()));
    let screen = log_of(&repository, "deploy/web", &[]).stdout;
    assert!(screen.contains("author Alice Example, signed by bob@example.com (mismatch)"), "{screen}");
    assert!(screen.contains("signed by an unknown key") && screen.contains("  moved: web.yaml → moved.yaml\n"), "{screen}");
}

#[test]
fn the_trust_policy_judges_each_commit_by_where_it_stands() {
    let repository = Repository::new();
    repository.write("web.yaml", web(1, "a")).commit(&ALICE, "first").signed_by(&ALICE.openpgp());
    let anchor = repository.write("web.yaml", web(2, "a")).commit(&ALICE, "second").signed_by(&ALICE.openpgp());
    repository.write("web.yaml", web(3, "a")).commit(&ALICE, "third").signed_by(&ALICE.openpgp());
    let Key::OpenPgp(fingerprint) = ALICE.openpgp() else { panic!("an OpenPGP key is one") };
    let policy = scratch::new_folder("policy").join("trust.yaml");
    let principal = format!("principals: [{{name: alice, emails: [{}], keys: [{{openpgp: {fingerprint}}}]}}]", ALICE.email);
    std::fs::write(&policy, format!("{principal}\nanchors: [{{source: '*', commit: {anchor}}}]\n")).unwrap();
    let log = log_of(&repository, "deploy/web", &["-o", "json", "--trust", &text(&policy)]).document("log");
    let verdicts: Vec<String> = told(&log).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verdicts, ["verified-author", "verified-author", "unverifiable"], "{log:#}");
    let first = &log["changes"][2]["commit"];
    let commit = log["commits"].as_array().unwrap().iter().find(|commit| commit["id"] == *first).unwrap();
    assert_eq!(commit["reasons"][0], "before-anchor");
}

#[test]
fn a_limit_is_told() {
    let repository = Repository::new();
    for replicas in 1..=4 {
        repository.write("web.yaml", web(replicas, "a")).commit(&CAROL, "scale").unsigned();
    }
    let output = log_of(&repository, "deploy/web", &["--limit", "2"]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(
        output.stdout.contains("the newest 2 of 4 changes") && output.stdout.contains("older: 2 commits left out by --limit"),
        "{output:?}"
    );
    assert_eq!(log_of(&repository, "deploy/web", &["--limit", "0"]).status, Some(2));
}

#[test]
fn a_history_that_is_cut_off_is_told_and_partial() {
    let repository = Repository::new();
    repository.write("web.yaml", web(1, "a")).commit(&CAROL, "first").unsigned();
    repository.write("web.yaml", web(2, "a")).commit(&CAROL, "second").unsigned();
    let clone = scratch::new_folder("shallow").join("clone");
    let url = format!("file://{}", repository.path().display());
    repository.git(["clone", "--quiet", "--depth", "1", &url, &text(&clone)]).succeed();
    let (source, recording) = (text(&clone), recorded::recording());
    let output = Kubewitness::new(["log", "deploy/web", "-n", "shop", "--source", &source, "--recording", &recording]).run();
    assert_eq!(output.status, Some(4), "{output:?}");
    assert!(output.stdout.contains("0 changes") && output.stdout.contains("the history is cut off there"), "{output:?}");
}

#[test]
fn no_value_of_a_secret_is_told_and_no_text_steers_the_terminal() {
    let repository = Repository::new();
    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{ name: payment, namespace: shop, annotations: {{ note: \"{value}\" }} }}\nstringData:\n  token: canary-{value}\n"
        )
    };
    repository.write("s.yaml", secret("one")).commit(&CAROL, "first").unsigned();
    repository.write("s.yaml", secret("two\\u001b[2J")).commit(&CAROL, "second \u{1b}[31m").unsigned();
    let screen = log_of(&repository, "secret/payment", &[]);
    let json = log_of(&repository, "secret/payment", &["-o", "json"]);
    assert!(!screen.stdout.contains("canary") && !json.stdout.contains("canary"), "{screen:?} {json:?}");
    assert!(screen.stdout.contains("  ~ data.token  changed\n"), "{screen:?}");
    assert!(screen.stdout.contains("one → two\\u{1b}[2J") && screen.stdout.contains("second \\u{1b}[31m"), "{screen:?}");
    assert!(!screen.stdout.contains('\u{1b}'));
    let field = &json.document("log")["changes"][0]["fields"][0];
    assert_eq!((&field["field"], &field["beforeRedacted"], &field["afterRedacted"]), (&"data.token".into(), &true.into(), &true.into()));
}

#[test]
fn what_nobody_declares_has_no_log() {
    let output = witness(&["log", "deploy/wep", "-n", "shop"]).run();
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("no source declares deploy/wep in namespace shop; did you mean Deployment shop/web?"), "{output:?}");
}

#[test]
fn blame_of_a_field_tells_only_what_is_at_or_below_it() {
    let blame = |path: &str| witness(&["blame", "deploy/web", "-n", "shop", "--field", path, "-o", "json"]).run();
    let fields = |output: &Output| -> Vec<String> {
        let rows = output.document("blame")["fields"].as_array().unwrap().clone();
        rows.iter().map(|row| row["field"].as_str().unwrap().to_owned()).collect()
    };
    for path in ["spec.replicas", "/spec/replicas"] {
        let output = blame(path);
        assert_eq!((output.status, fields(&output)), (Some(0), vec!["spec.replicas".to_owned()]));
        let document = output.document("blame");
        assert_eq!((&document["below"], document["commits"].as_array().unwrap().len() <= 2), (&path.into(), true));
    }
    let ports = "spec.template.spec.containers[name=web].ports";
    assert_eq!(fields(&blame(ports)).len(), 2);
    assert!(fields(&blame(ports)).iter().all(|field| field.starts_with(ports)));
    let screen = witness(&["blame", "deploy/web", "-n", "shop", "--field", "spec.replicas"]).run().stdout;
    assert!(screen.contains("1 of 1 declared field at or below spec.replicas differs live"), "{screen}");
    // What is live and declared nowhere has no row, and is told all the same.
    let screen = witness(&["blame", "deploy/web", "-n", "shop", "--field", "spec.template.spec.containers[name=debug]"]).run().stdout;
    assert!(screen.contains("live and declared nowhere:\n  spec.template.spec.containers[name=debug]"), "{screen}");
}

#[test]
fn a_field_that_matches_nothing_is_an_error_that_names_near_ones() {
    let output = witness(&["blame", "deploy/web", "-n", "shop", "--field", "spec.replica"]).run();
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("Deployment shop/web has no field spec.replica; did you mean spec.replicas"), "{output:?}");
}
