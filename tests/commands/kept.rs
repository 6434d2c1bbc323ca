//! A trust policy in the repository that it judges: each commit by the version before it, and versions by those before them.

use serde_json::Value;

use crate::harness::keys::{self, ALICE, BOB, Key, MALLORY, Person};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::{self, IN_SYNC, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: shop }}\ndata: {{ a: b }}\n")
}

/// A policy of persons with their keys, and a rule that asks for them.
fn policy(persons: &[(&str, &Person)]) -> String {
    let entry = |(name, person): &(&str, &Person)| {
        let Key::OpenPgp(fingerprint) = person.openpgp() else { panic!("an OpenPGP key is one") };
        format!("- {{name: {name}, emails: [{}], keys: [{{openpgp: {fingerprint}}}]}}\n", person.email)
    };
    let names: Vec<&str> = persons.iter().map(|(name, _)| *name).collect();
    let principals: String = persons.iter().map(entry).collect();
    format!("principals:\n{principals}rules: [{{min: verified-author, allow: [{}]}}]\n", names.join(", "))
}

/// A repository with a policy that names Alice, whose commit is the anchor.
struct Story {
    repository: Repository,
    anchor: String,
}

impl Story {
    fn new() -> Self {
        let repository = Repository::new();
        repository.write("apps/db.yaml", IN_SYNC).write("trust.yaml", policy(&[("alice", &ALICE)]));
        let anchor = repository.commit(&ALICE, "The database, and whom we trust").signed_by(&ALICE.openpgp());
        Self { repository, anchor }
    }

    /// Commits a ConfigMap and, where it is given, another policy.
    fn by(&self, person: &Person, name: &str, policy: Option<&str>) -> String {
        self.repository.write(&format!("apps/{name}.yaml"), config_map(name));
        if let Some(policy) = policy {
            self.repository.write("trust.yaml", policy);
        }
        self.repository.commit(person, name).signed_by(&person.openpgp())
    }

    fn checkout(&self, arguments: &[&str]) {
        self.repository.git(["checkout", "--quiet"].into_iter().chain(arguments.iter().copied())).succeed();
    }

    fn merge(&self, branch: &str) {
        self.repository
            .git(["-c", "user.name=Bob", "-c", "user.email=bob@example.com"])
            .args(["merge", "-q", "--no-edit", branch])
            .succeed();
    }

    fn place(&self) -> String {
        format!("{{source: fleet, path: trust.yaml, anchor: {}}}", self.anchor)
    }

    fn run(&self, command: &str, trust: &str, more: &[&str]) -> Output {
        let source = format!("[{{name: fleet, url: {}, path: apps}}]", text(self.repository.path()));
        self.run_with(&scratch::new_folder("config"), &source, command, trust, more)
    }

    fn run_with(&self, folder: &std::path::Path, sources: &str, command: &str, trust: &str, more: &[&str]) -> Output {
        let file = folder.join("kubewitness.yaml");
        std::fs::write(&file, format!("sources: {sources}\ntrust: {trust}\n")).unwrap();
        let keyring = text(&keys::openpgp_file(&[ALICE.openpgp(), BOB.openpgp(), MALLORY.openpgp()]));
        let (file, recording) = (text(&file), recorded::recording());
        let arguments = [command, "--config", &file, "--keyring", &keyring, "--recording", &recording, "--state", "none"];
        Kubewitness::new(arguments.into_iter().chain(more.iter().copied())).run()
    }

    fn scan(&self, trust: &str) -> (Option<i32>, Value) {
        let output = self.run("scan", trust, &["-o", "json"]);
        (output.status, output.record())
    }

    fn record(&self) -> Value {
        self.scan(&self.place()).1
    }
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// Verdict and reasons of a commit.
#[track_caller]
fn of(record: &Value, commit: &str) -> String {
    let found = record["commits"].as_array().unwrap().iter().find(|found| found["id"] == commit);
    let found = found.unwrap_or_else(|| panic!("{commit} is credited: {record:#}"));
    format!("{} {}", found["verdict"].as_str().unwrap(), words(&found["reasons"]))
}

fn refused(record: &Value) -> Vec<&str> {
    let findings = record["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "trust-policy-refused");
    findings.map(|finding| finding["message"].as_str().unwrap()).collect()
}

/// The subject and the reason of what was not evaluated about the policy.
fn gaps(record: &Value) -> Vec<(&str, &str)> {
    let gaps = record["notEvaluated"].as_array().unwrap().iter();
    let told = gaps.map(|gap| (gap["subject"].as_str().unwrap(), gap["reason"].as_str().unwrap()));
    told.filter(|(subject, _)| subject.contains("trust policy")).collect()
}

#[test]
fn t81_a_key_that_comes_with_the_commit_that_uses_it_proves_nothing_then_or_later() {
    let story = Story::new();
    let both = policy(&[("alice", &ALICE), ("mallory", &MALLORY)]);
    let brought = story.by(&MALLORY, "brought", Some(&both));
    let later = story.by(&MALLORY, "later", None);
    let (status, record) = story.scan(&story.place());
    assert_eq!(status, Some(1), "{record:#}");
    assert_eq!(of(&record, &story.anchor), "verified-author policy-binding");
    assert_eq!(of(&record, &brought), "signed-untrusted key-not-in-policy");
    assert_eq!(of(&record, &later), "signed-untrusted key-not-in-policy");
    // Git's word on both.
    for commit in [&brought, &later] {
        let git = story.repository.verify(commit, std::path::Path::new("/dev/null"));
        assert!(git.status == Some(0) && git.stderr.contains("GOODSIG"), "{git:?}");
    }
    let message = format!(
        "commit {} by {} <{}> changed the trust policy trust.yaml of fleet and may not (not-allowed, below-minimum, key-not-in-policy); \
         that of {} stays in force",
        &brought[..7],
        MALLORY.name,
        MALLORY.email,
        &story.anchor[..7]
    );
    assert_eq!(refused(&record), [message.as_str()]);
    let change = &record["trustPolicy"]["changes"][0];
    assert_eq!((&change["commit"], &change["outcome"], &change["stands"]), (&brought.into(), &"refused".into(), &true.into()));
    // The policy as it is now, from elsewhere, would let all of it through.
    let file = scratch::new_folder("policy").join("trust.yaml");
    std::fs::write(&file, both).unwrap();
    assert_eq!(of(&story.scan(&text(&file)).1, &later), "verified-author policy-binding");
    // In the words of a person.
    let shown = story.run("scan", &story.place(), &[]).stdout;
    assert!(shown.contains("changed the trust policy trust.yaml of fleet and may not"), "{shown}");
}

#[test]
fn whom_the_policy_lets_in_is_proven_from_then_on_and_whom_it_puts_out_no_more() {
    let story = Story::new();
    let early = story.by(&BOB, "early", None);
    let added = story.by(&ALICE, "added", Some(&policy(&[("alice", &ALICE), ("bob", &BOB)])));
    let within = story.by(&BOB, "within", None);
    story.checkout(&["-b", "old"]);
    let late = story.by(&BOB, "late", None);
    story.checkout(&["main"]);
    let removed = story.by(&ALICE, "removed", Some(&policy(&[("alice", &ALICE)])));
    story.merge("old");
    let after = story.by(&BOB, "after", None);
    let record = story.record();
    let verdicts = [&early, &added, &within, &late, &removed, &after].map(|commit| of(&record, commit));
    let (good, bad) = ("verified-author policy-binding", "signed-untrusted key-not-in-policy");
    assert_eq!(verdicts, [bad, good, good, bad, good, bad]);
    assert!(refused(&record).is_empty());
    let outcomes: Vec<&Value> = record["trustPolicy"]["changes"].as_array().unwrap().iter().map(|change| &change["outcome"]).collect();
    assert_eq!(outcomes, ["accepted", "accepted"]);
    assert_eq!(record["trustPolicy"]["inForce"], serde_json::json!([removed]));
}

#[test]
fn what_today_s_policy_would_say_better_is_told() {
    let story = Story::new();
    let early = story.by(&BOB, "early", None);
    story.by(&ALICE, "added", Some(&policy(&[("alice", &ALICE), ("bob", &BOB)])));
    assert_eq!(of(&story.record(), &early), "signed-untrusted key-not-in-policy policy-of-its-parents");
}

#[test]
fn before_the_anchor_nothing_is_claimed() {
    let mut story = Story::new();
    let unsigned = {
        story.repository.write("apps/old.yaml", config_map("old"));
        story.repository.commit(&BOB, "Before").unsigned()
    };
    story.anchor = story.by(&ALICE, "anchor", None);
    let record = story.record();
    assert_eq!(of(&record, &unsigned), "unverifiable before-anchor");
    assert_eq!(of(&record, &story.anchor), "verified-author policy-binding");
}

#[test]
fn a_policy_that_becomes_unreadable_changes_nothing_and_is_told_with_its_line() {
    let story = Story::new();
    let broken = story.by(&ALICE, "broken", Some("principals:\n- name: alice\n  email: [a@b]\n"));
    let (status, record) = story.scan(&story.place());
    assert_eq!(status, Some(1), "{record:#}");
    assert_eq!(of(&record, &broken), "verified-author policy-binding");
    let [message] = refused(&record)[..] else { panic!("one is told: {record:#}") };
    assert!(message.contains("unreadable: trust.yaml:3: unknown key `email` in principals; did you mean `emails`?"), "{message}");
}

#[test]
fn another_source_is_judged_by_what_is_in_force() {
    let story = Story::new();
    let other = Repository::new();
    other.write("web.yaml", config_map("web"));
    let web = other.commit(&BOB, "The web").signed_by(&BOB.openpgp());
    let sources =
        format!("[{{name: fleet, url: {}, path: apps}}, {{name: web, url: {}}}]", text(story.repository.path()), text(other.path()));
    let scan = || story.run_with(&scratch::new_folder("config"), &sources, "scan", &story.place(), &["-o", "json"]).record();
    assert_eq!(of(&scan(), &web), "signed-untrusted key-not-in-policy");
    story.by(&ALICE, "added", Some(&policy(&[("alice", &ALICE), ("bob", &BOB)])));
    assert_eq!(of(&scan(), &web), "verified-author policy-binding");
}

#[test]
fn log_says_what_scan_says() {
    let story = Story::new();
    let brought = story.by(&MALLORY, "brought", Some(&policy(&[("mallory", &MALLORY)])));
    let output = story.run("log", &story.place(), &["ConfigMap/brought", "-n", "shop", "-o", "json"]);
    let log: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let commit = log["commits"].as_array().unwrap().iter().find(|commit| commit["id"] == brought.as_str()).unwrap();
    assert_eq!((&commit["verdict"], words(&commit["reasons"])), (&"signed-untrusted".into(), "key-not-in-policy".to_owned()));
}

#[test]
fn of_a_policy_without_a_beginning_nothing_is_known_and_nobody_is_proven() {
    let story = Story::new();
    let unknown = |trust: &str, reason: &str| {
        let (status, record) = story.scan(trust);
        assert_eq!(status, Some(4), "{record:#}");
        assert_eq!(of(&record, &story.anchor), "unverifiable policy-unknown");
        assert_eq!(gaps(&record).iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), [reason], "{record:#}");
    };
    unknown(&format!("{{source: fleet, path: trust.yaml, anchor: {}}}", "0a".repeat(20)), "commit not in history");
    unknown(&format!("{{source: fleet, path: none.yaml, anchor: {}}}", story.anchor), "policy unreadable");
    unknown(&format!("{{source: fleet, path: apps, anchor: {}}}", story.anchor), "policy unreadable");
    // What a symbolic link leads to is not looked at.
    std::os::unix::fs::symlink("trust.yaml", story.repository.path().join("link.yaml")).unwrap();
    let link = story.repository.commit(&ALICE, "A link").signed_by(&ALICE.openpgp());
    let (_, record) = story.scan(&format!("{{source: fleet, path: link.yaml, anchor: {link}}}"));
    assert_eq!(gaps(&record), [("the trust policy link.yaml of fleet", "policy unreadable")]);
}

#[test]
fn a_clone_that_ends_behind_its_anchor_has_no_policy() {
    let story = Story::new();
    story.by(&ALICE, "second", None);
    let folder = scratch::new_folder("clone").join("fleet");
    let url = format!("file://{}", text(story.repository.path()));
    story.repository.git(["clone", "-q", "--depth", "1", &url, &text(&folder)]).succeed();
    let sources = format!("[{{name: fleet, url: {}, path: apps}}]", text(&folder));
    let output = story.run_with(&scratch::new_folder("config"), &sources, "scan", &story.place(), &["-o", "json"]);
    let record = output.record();
    assert_eq!(output.status, Some(4));
    assert_eq!(gaps(&record), [("the trust policy trust.yaml of fleet", "history cut off")]);
}

#[test]
fn where_a_policy_is_kept_has_to_make_sense_and_lies_outside() {
    let story = Story::new();
    let wrong = |trust: &str, message: &str| {
        let output = story.run("scan", trust, &[]);
        assert_eq!(output.status, Some(2), "{output:?}");
        assert!(output.stderr.contains(message), "{output:?}");
    };
    let anchor = &story.anchor;
    wrong(&format!("{{source: flet, path: trust.yaml, anchor: {anchor}}}"), "no source is called `flet`; it is one of fleet");
    wrong(&format!("{{source: fleet, path: ../trust.yaml, anchor: {anchor}}}"), "`../trust.yaml` is no path from the root");
    wrong("{source: fleet, path: trust.yaml, anchor: main}", "anchor `main` is no full id of a commit");
    wrong(&format!("{{source: fleet, path: trust.yaml, ancor: {anchor}}}"), "unknown key `ancor` in trust; did you mean `anchor`?");
    wrong("{source: fleet, path: trust.yaml}", "trust needs `anchor`");
    // Whoever could commit the anchor would decide where trust begins.
    let folder = story.repository.path().to_owned();
    let output = story.run_with(&folder, "[{name: fleet, url: ., path: apps}]", "scan", &story.place(), &[]);
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("with the anchor of the trust policy, lies in"), "{output:?}");
}
