//! Keys that are valid from one commit to another, and anchors before which nothing is claimed: judged by where a commit stands in
//! the history, which no date and no later merge can change.

use serde_json::Value;

use crate::harness::keys::{self, ALICE, BOB, Key};
use crate::harness::recorded::{self, IN_SYNC, text};
use crate::harness::repository::{FIRST_COMMIT, Repository};
use crate::harness::scratch;
use crate::trust::principal;

/// Alice's key, which is retired or not yet valid at some commit.
fn old() -> String {
    match ALICE.openpgp() {
        Key::OpenPgp(fingerprint) => fingerprint,
        Key::Ssh(_) => panic!("an OpenPGP key is one"),
    }
}

fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: shop }}\ndata: {{ a: b }}\n")
}

/// Alice, whose key has this bound.
fn bounded(bound: &str) -> String {
    format!("principals:\n- {{name: alice, emails: [{}], keys: [{{openpgp: {}, {bound}}}]}}\n", ALICE.email, old())
}

/// A repository with one commit of what is in sync by Alice's key.
struct Story {
    repository: Repository,
    first: String,
}

impl Story {
    fn new() -> Self {
        let repository = Repository::new();
        repository.write("apps/db.yaml", IN_SYNC);
        let first = repository.commit(&ALICE, "The database").signed_by(&ALICE.openpgp());
        Self { repository, first }
    }

    fn checkout(&self, arguments: &[&str]) {
        self.repository.git(["checkout", "--quiet"].into_iter().chain(arguments.iter().copied())).succeed();
    }

    /// A ConfigMap by Alice under her key, dated before all else.
    fn by_alice(&self, name: &str) -> String {
        self.repository.write(&format!("apps/{name}.yaml"), config(name));
        self.repository.commit(&ALICE, name).at(FIRST_COMMIT + 60).signed_by(&ALICE.openpgp())
    }

    fn by_bob(&self, name: &str) -> String {
        self.repository.write(&format!("apps/{name}.yaml"), config(name));
        self.repository.commit(&BOB, name).unsigned()
    }

    fn merge(&self, branch: &str) -> String {
        let as_bob = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"];
        self.repository.git(as_bob).args(["merge", "--quiet", "--no-ff", "--no-edit", branch]).succeed();
        self.repository.id_of("HEAD")
    }

    fn scan(&self, source: &str, policy: &str) -> (Option<i32>, Value) {
        self.scan_with(source, policy, &[])
    }

    fn scan_with(&self, source: &str, policy: &str, more: &[&str]) -> (Option<i32>, Value) {
        let file = scratch::new_folder("policy").join("trust.yaml");
        std::fs::write(&file, policy).unwrap();
        let keyring = text(&keys::openpgp_file(&[ALICE.openpgp()]));
        let trust = text(&file);
        let arguments = ["--keyring", &keyring, "--trust", &trust, "-o", "json"];
        let output = recorded::scan(source, &[arguments.as_slice(), more].concat()).run();
        (output.status, output.record())
    }

    fn record(&self, policy: &str) -> (Option<i32>, Value) {
        self.scan(&text(self.repository.path()), policy)
    }

    /// Verdict and reasons of a commit.
    #[track_caller]
    fn assert_judged(&self, policy: &str, commit: &str, told: &str) {
        assert_eq!(of(&self.record(policy).1, commit), told);
    }
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn of(record: &Value, commit: &str) -> String {
    let found = record["commits"].as_array().unwrap().iter().find(|found| found["id"] == commit);
    let found = found.unwrap_or_else(|| panic!("{commit} is credited: {record:#}"));
    format!("{} {}", found["verdict"].as_str().unwrap(), words(&found["reasons"]))
}

/// Rule and severity of each finding about a commit.
fn findings(record: &Value, commit: &str) -> Vec<String> {
    let about = |finding: &&Value| finding["message"].as_str().unwrap().starts_with(&format!("commit {}", &commit[..7]));
    let told = |finding: &Value| format!("{} {}", finding["rule"].as_str().unwrap(), finding["severity"].as_str().unwrap());
    record["findings"].as_array().unwrap().iter().filter(about).map(told).collect()
}

fn gaps(record: &Value) -> Vec<(String, String)> {
    let told = |gap: &Value| (gap["subject"].as_str().unwrap().to_owned(), gap["reason"].as_str().unwrap().to_owned());
    record["notEvaluated"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn t35_a_branch_from_before_a_key_retired_that_is_merged_after_is_judged_where_it_came_in() {
    let story = Story::new();
    story.checkout(&["-b", "early"]);
    let early = story.by_alice("early");
    story.checkout(&["-b", "late", &story.first]);
    let late = story.by_alice("late");
    story.checkout(&["main"]);
    story.merge("early");
    let retired = story.by_bob("retired");
    story.merge("late");
    let policy = bounded(&format!("retiredAt: {{commit: {retired}}}"));
    story.assert_judged(&policy, &story.first, "verified-author policy-binding");
    story.assert_judged(&policy, &early, "verified-author policy-binding");
    story.assert_judged(&policy, &late, "signed-untrusted key-retired policy-binding");
}

#[test]
fn a_commit_is_on_the_later_side_of_itself_with_all_that_it_merges() {
    let story = Story::new();
    story.checkout(&["-b", "side"]);
    let side = story.by_alice("side");
    story.checkout(&["main"]);
    let before = story.by_alice("before");
    let merge = story.merge("side");
    let itself = story.by_alice("itself");
    for (at, commit, told) in [
        (&itself, &itself, "signed-untrusted key-retired policy-binding"),
        (&itself, &side, "verified-author policy-binding"),
        (&merge, &side, "signed-untrusted key-retired policy-binding"),
        (&merge, &before, "verified-author policy-binding"),
        (&story.first, &story.first, "signed-untrusted key-retired policy-binding"),
    ] {
        story.assert_judged(&bounded(&format!("retiredAt: {{commit: {at}}}")), commit, told);
    }
    for (at, commit, told) in [
        (&itself, &itself, "verified-author policy-binding"),
        (&itself, &side, "signed-untrusted key-not-yet-valid policy-binding"),
        (&merge, &side, "verified-author policy-binding"),
        (&merge, &before, "signed-untrusted key-not-yet-valid policy-binding"),
        (&story.first, &story.first, "verified-author policy-binding"),
    ] {
        story.assert_judged(&bounded(&format!("validFrom: {{commit: {at}}}")), commit, told);
    }
}

#[test]
fn a_merge_that_makes_a_side_branch_the_first_parent_brings_no_retired_key_back() {
    let story = Story::new();
    let retired = story.by_bob("retired");
    story.checkout(&["-b", "evil", &story.first]);
    let evil = story.by_alice("evil");
    story.merge("main");
    story.checkout(&["-B", "main", "evil"]);
    let policy = bounded(&format!("retiredAt: {{commit: {retired}}}"));
    story.assert_judged(&policy, &evil, "signed-untrusted key-retired policy-binding");
    story.assert_judged(&policy, &story.first, "verified-author policy-binding");
}

#[test]
fn a_position_that_is_not_in_the_history_or_cut_off_speaks_for_nobody_and_is_told() {
    let story = Story::new();
    let nowhere = "0123456789abcdef0123456789abcdef01234567";
    for bound in ["retiredAt", "validFrom"] {
        let (status, record) = story.record(&bounded(&format!("{bound}: {{commit: {nowhere}}}")));
        assert_eq!(of(&record, &story.first), "signed-untrusted position-unknown policy-binding");
        let [(subject, reason)] = gaps(&record).try_into().unwrap();
        assert!(subject.contains(nowhere) && reason == "commit not in history", "{subject}: {reason}");
        assert_eq!(status, Some(4));
    }
    let retired = story.by_bob("retired");
    let last = story.by_alice("last");
    let shallow = scratch::new_folder("shallow").join("fleet");
    let url = format!("file://{}", story.repository.path().display());
    story.repository.git(["clone", "--quiet", "--depth=2", &url, &text(&shallow)]).succeed();
    let (_, record) = story.scan(&text(&shallow), &bounded(&format!("retiredAt: {{commit: {retired}}}")));
    assert_eq!(of(&record, &last), "signed-untrusted position-unknown policy-binding");
    assert!(gaps(&record).iter().any(|(subject, reason)| subject.contains(&retired) && reason == "history cut off"), "{record:#}");
}

#[test]
fn t34_what_a_scan_did_not_see_yet_after_a_key_retired_claims_a_wrong_date() {
    let story = Story::new();
    let (source, state) = (text(story.repository.path()), text(&scratch::new_folder("state")));
    let look = |bound: &str, state: &str| story.scan_with(&source, &bounded(bound), &["--state", state]).1;
    let (retired, later) = ("retiredAt: 2024-06-01", "retiredAt: 2999-01-01");
    let claimed = "claimed-time-only key-retired-since policy-binding";
    assert_eq!(of(&look(retired, &state), &story.first), claimed);
    // Nobody but the keyholder can tell when that was signed; but the scan before was made after the key had retired.
    let stolen = story.by_alice("stolen");
    let record = look(retired, &state);
    assert_eq!(of(&record, &stolen), "signed-untrusted first-seen-after-key-retired policy-binding");
    assert_eq!(of(&record, &story.first), claimed);
    // Whoever never looked cannot tell.
    assert_eq!(of(&look(retired, "none"), &stolen), claimed);
    assert_eq!(of(&look(later, &state), &stolen), "verified-author policy-binding");
}

#[test]
fn t34_what_a_scan_did_not_see_yet_after_a_key_expired_claims_a_wrong_date() {
    let key = keys::make_openpgp("Alice Example <alice@example.com>", "seconds=86400");
    let keyring = text(&keys::openpgp_file(std::slice::from_ref(&key)));
    assert_late(&key, keys::KEY_TIME + 3600, &["--keyring", &keyring]);
}

#[test]
fn t34_what_a_scan_did_not_see_yet_after_a_window_closed_claims_a_wrong_date() {
    let key = ALICE.ssh();
    let signers = keys::allowed_signers_file(&[(ALICE.email, key.clone())]);
    let line = std::fs::read_to_string(&signers).unwrap().replace("namespaces=", "valid-before=\"20240601Z\",namespaces=");
    std::fs::write(&signers, &line).unwrap();
    assert_late(&key, FIRST_COMMIT, &["--allowed-signers", &text(&signers)]);
}

/// Commits that claim a time before the key's end: one that a scan saw, and one that came after it, with a policy and without.
#[track_caller]
fn assert_late(key: &Key, time: i64, keyring: &[&str]) {
    let policy = text(&scratch::new_folder("policy").join("trust.yaml"));
    std::fs::write(&policy, format!("principals:\n{}", principal("alice", ALICE.email, std::slice::from_ref(key)))).unwrap();
    for (trust, binding) in [(vec![], "uid-binding"), (vec!["--trust", &policy], "policy-binding")] {
        let repository = Repository::new();
        let made = |name: &str, content: &str| {
            repository.write(&format!("apps/{name}.yaml"), content);
            repository.commit(&ALICE, name).at(time).signed_by(key)
        };
        let state = text(&scratch::new_folder("state"));
        let look = |state: &str| {
            let arguments = [keyring, &trust, &["--state", state, "-o", "json"]].concat();
            recorded::scan(&text(repository.path()), &arguments).run().record()
        };
        let first = made("db", IN_SYNC);
        let claimed = format!("claimed-time-only key-expired-since {binding}");
        assert_eq!(of(&look(&state), &first), claimed);
        let stolen = made("stolen", &config("stolen"));
        let record = look(&state);
        let late = format!("signed-untrusted first-seen-after-key-expired key-expired-since {binding}");
        assert_eq!((of(&record, &stolen), of(&record, &first)), (late, claimed.clone()));
        // Whoever never looked cannot tell.
        assert_eq!(of(&look("none"), &stolen), claimed);
    }
}

#[test]
fn t34_what_a_scan_saw_on_another_branch_is_not_late_where_it_is_promoted_to() {
    let story = Story::new();
    let (main, state) = (text(story.repository.path()), text(&scratch::new_folder("state")));
    let look = |at: &str| story.scan_with(&format!("{main}@{at}"), &bounded("retiredAt: 2024-06-01"), &["--state", &state]).1;
    story.checkout(&["-b", "release"]);
    story.checkout(&["main"]);
    let promoted = story.by_alice("promoted");
    look("main");
    look("release");
    let stolen = story.by_alice("stolen");
    story.checkout(&["release"]);
    story.merge("main");
    let record = look("release");
    assert_eq!(of(&record, &promoted), "claimed-time-only key-retired-since policy-binding");
    assert_eq!(of(&record, &stolen), "signed-untrusted first-seen-after-key-retired policy-binding");
}

/// Alice, a minimum for all, and an anchor.
fn anchored(commit: &str) -> String {
    let alice = format!("principals:\n- {{name: alice, emails: [{}], keys: [{{openpgp: {}}}]}}\n", ALICE.email, old());
    format!(
        "{alice}anchors:\n- {{source: '*', commit: {commit}, note: signing starts here}}\nrules:\n- {{min: verified-author, allow: [alice]}}\n"
    )
}

#[test]
fn of_what_lies_before_an_anchor_nothing_is_claimed_and_no_proof_is_asked() {
    let repository = Repository::new();
    repository.write("apps/db.yaml", IN_SYNC);
    let first = repository.commit(&BOB, "The database").unsigned();
    repository.write("note.txt", "signing starts here");
    let anchor = repository.commit(&ALICE, "Signing starts").signed_by(&ALICE.openpgp());
    let story = Story { repository, first };
    let (status, record) = story.record(&anchored(&anchor));
    assert_eq!(of(&record, &story.first), "unverifiable before-anchor");
    let set = record["objects"].as_array().unwrap().iter().find(|object| object["kind"] == "StatefulSet").unwrap();
    // It is counted, and it is no pass.
    assert_eq!(
        (&set["attribution"]["verdict"], words(&set["attribution"]["reasons"])),
        (&"unverifiable".into(), "before-anchor".to_owned())
    );
    assert!(set["attribution"]["fieldCounts"]["unverifiable"].as_u64().unwrap() > 0, "{set:#}");
    assert_eq!((status, findings(&record, &story.first)), (Some(0), Vec::new()));
    // The anchor is the first commit of which something is claimed.
    let (status, record) = story.record(&anchored(&story.first));
    assert_eq!((of(&record, &story.first), status), ("unsigned ".to_owned(), Some(1)));
}

#[test]
fn a_branch_from_before_an_anchor_that_is_merged_after_is_not_excused() {
    let story = Story::new();
    story.checkout(&["-b", "side"]);
    let side = story.by_bob("side");
    story.checkout(&["main"]);
    let anchor = story.by_alice("anchor");
    story.merge("side");
    let (_, record) = story.record(&anchored(&anchor));
    assert_eq!(of(&record, &side), "unsigned ");
    assert_eq!(findings(&record, &side), ["commit-unsigned error"]);
    assert_eq!(of(&record, &anchor), "verified-author policy-binding");
    assert_eq!(of(&record, &story.first), "unverifiable before-anchor");
}

#[test]
fn an_anchor_that_is_not_in_the_history_excuses_nobody_and_is_told() {
    let repository = Repository::new();
    repository.write("apps/db.yaml", IN_SYNC);
    let first = repository.commit(&BOB, "The database").unsigned();
    let story = Story { repository, first };
    let nowhere = "0123456789abcdef0123456789abcdef01234567";
    let (status, record) = story.record(&anchored(nowhere));
    assert_eq!((status, of(&record, &story.first)), (Some(4), "unsigned ".to_owned()));
    assert_eq!(findings(&record, &story.first), ["commit-unsigned error"]);
    assert!(gaps(&record).iter().any(|(subject, reason)| subject.contains(nowhere) && reason == "commit not in history"), "{record:#}");
    // One of another source is none of this one.
    let (status, record) = story.record(&anchored(nowhere).replace("'*'", "elsewhere"));
    assert_eq!((status, gaps(&record)), (Some(1), Vec::new()));
}
