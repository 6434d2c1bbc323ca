//! `--report provenance`: who declared what is live, of a scan and of its record.

use crate::harness::keys::{self, ALICE, MALLORY};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::recorded::{self, IN_SYNC, text, witness};
use crate::harness::repository::Repository;
use crate::harness::scratch;

#[test]
fn a_scan_and_its_record_give_the_same_report() {
    let record = scratch::new_folder("provenance").join("record.json");
    let json = format!("json={}", text(&record));
    let scan = witness(&["scan", "--report", "provenance", "-o", "terminal", "-o", &json]).run();
    assert_eq!((scan.status, scan.stderr.as_str()), (Some(1), ""));
    let again = Kubewitness::new(["report", &text(&record), "--report", "provenance"]).run();
    assert_eq!((again.status, again.stdout), (Some(0), scan.stdout.clone()));
    let screen = scan.stdout;
    assert!(screen.starts_with("Provenance: "), "{screen}");
    assert!(screen.contains("\nNot provable from Git alone: who pushed, who reviewed, when a commit was made.\n"), "{screen}");
    let line = |start: &str| {
        screen.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{start}\n{screen}")).to_owned()
    };
    assert!(line("Deployment shop/web ").contains("prod/shop/web.yaml:1   "), "{screen}");
    assert!(line("Deployment shop/web ").contains("forge only: signed by forge.example.com"), "{screen}");
    assert!(line("Deployment shop/web ").contains("fields: "), "{screen}");
    assert!(line("ConfigMap shop/hotfix").contains("declared nowhere"), "{screen}");
    assert!(line("Carol Diaz <carol@example.com>").contains("0 of "), "{screen}");
    assert!(screen.contains("in the name of Erin Frost <erin@elsewhere.example>"), "{screen}");
    // As a record it is all that was found, whatever is asked.
    let json = witness(&["scan", "--report", "provenance", "-o", "json"]).run();
    assert!(json.record()["objects"].as_array().unwrap().iter().any(|object| object["appliedBy"]["name"].is_string()));
}

#[test]
fn the_numbers_are_those_of_the_record() {
    let output = witness(&["scan", "-o", "json"]).run();
    let record = output.record();
    let screen = witness(&["scan", "--report", "provenance"]).run().stdout;
    let objects = record["objects"].as_array().unwrap();
    let live: Vec<_> =
        objects.iter().filter(|object| ["synced", "drifted", "undeclared"].contains(&object["state"].as_str().unwrap())).collect();
    // An object is proven no better than its weakest field.
    let is_own = |object: &&&serde_json::Value| {
        let attribution = &object["attribution"];
        attribution["verdict"] == "verified-author" && attribution["fieldCounts"].as_object().is_some_and(|counts| counts.len() == 1)
    };
    let own = live.iter().filter(is_own).count();
    assert!(screen.starts_with(&format!("Provenance: {own} of {} live objects and ", live.len())), "{screen}");
    let count = |verdict: &str| live.iter().filter_map(|object| object["attribution"]["fieldCounts"][verdict].as_u64()).sum::<u64>();
    let all: u64 = live
        .iter()
        .filter_map(|object| object["attribution"]["fieldCounts"].as_object())
        .flat_map(|counts| counts.values())
        .filter_map(serde_json::Value::as_u64)
        .sum();
    assert!(screen.contains(&format!("{} of {all}", count("verified-author"))), "{screen}");
    for object in live.iter().filter(|object| object["attribution"].is_object()) {
        let credited: u64 =
            object["attribution"]["credits"].as_array().into_iter().flatten().filter_map(|credit| credit["fields"].as_u64()).sum();
        let counted: u64 = object["attribution"]["fieldCounts"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        assert_eq!(credited, counted, "{object:#}");
    }
}

#[test]
fn a_key_that_is_not_in_the_policy_is_told_with_the_names_it_uses() {
    let repository = Repository::new();
    repository.write("db.yaml", IN_SYNC);
    repository.commit(&ALICE, "The database").signed_by(&MALLORY.openpgp());
    let policy = scratch::new_folder("policy").join("trust.yaml");
    std::fs::write(&policy, format!("principals: [{{name: alice, emails: [{}], keys: []}}]\n", ALICE.email)).unwrap();
    let (policy, keyring) = (text(&policy), text(&keys::openpgp_file(&[MALLORY.openpgp()])));
    let output = recorded::scan(&text(repository.path()), &["--report", "provenance", "--keyring", &keyring, "--trust", &policy]).run();
    assert!(output.stdout.contains("keys that neither configured keys nor trust policy know\n"), "{output:?}");
    assert!(output.stdout.contains("1 commit in the name of Alice Example <alice@example.com>"), "{output:?}");
    assert!(output.stdout.starts_with("Provenance: 0 of 6 live objects and 0 of "), "{output:?}");
}

#[test]
fn an_unknown_report_is_refused_with_those_there_are() {
    let output = witness(&["scan", "--report", "audit"]).run();
    assert_eq!(output.status, Some(2));
    assert!(output.stderr.contains("unknown report `audit`; there are drift, provenance"), "{output:?}");
}
