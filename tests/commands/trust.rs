//! The trust policy through the whole program: whose key is whose, what a bot may set, who may declare what.

use serde_json::Value;

use crate::harness::keys::{self, ALICE, BOB, Key, MALLORY, Person};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::{Output, Program};
use crate::harness::recorded::{self, IN_SYNC, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;

static FORGE: Person = Person::new("Example Forge", "noreply@forge.example.com");
static RENOVATE: Person = Person::new("Renovate", "renovate@forge.example.com");

/// A key as a policy names it.
fn entry(key: &Key) -> String {
    match key {
        Key::OpenPgp(fingerprint) => format!("{{openpgp: {fingerprint}}}"),
        Key::Ssh(file) => {
            let public = text(&file.with_extension("pub"));
            let line = Program::new("ssh-keygen").args(["-l", "-f", &public]).succeed();
            format!("{{ssh: '{}'}}", line.split(' ').nth(1).unwrap())
        }
    }
}

/// A person as a policy names them, under `principals:`.
pub(crate) fn principal(name: &str, emails: &str, keys: &[Key]) -> String {
    let keys: Vec<String> = keys.iter().map(entry).collect();
    format!("- {{name: {name}, emails: [{emails}], keys: [{}]}}\n", keys.join(", "))
}

/// Alice with both of her keys, and Bob with both of his.
fn persons() -> String {
    let alice = principal("alice", ALICE.email, &[ALICE.openpgp(), ALICE.ssh()]);
    format!("principals:\n{alice}{}", principal("bob", BOB.email, &[BOB.openpgp(), BOB.ssh()]))
}

fn with_forge() -> String {
    let forge = format!("forges:\n- {{name: forge, committer: {}, keys: [{}]}}\n", FORGE.email, entry(&FORGE.openpgp()));
    format!("{}{forge}", persons())
}

/// A repository that is judged with the keys of everybody.
struct Story {
    repository: Repository,
}

impl Story {
    /// One commit of what is in sync.
    fn of(author: &Person, committer: &Person, key: Option<&Key>) -> Self {
        let repository = Repository::new();
        repository.write("apps/db.yaml", IN_SYNC);
        let commit = repository.commit(author, "The database").committed_by(committer);
        match key {
            Some(key) => commit.signed_by(key),
            None => commit.unsigned(),
        };
        Self { repository }
    }

    fn scan(&self, policy: &str, more: &[&str]) -> Output {
        let file = scratch::new_folder("policy").join("trust.yaml");
        std::fs::write(&file, policy).unwrap();
        let openpgp = [ALICE.openpgp(), BOB.openpgp(), FORGE.openpgp(), MALLORY.openpgp()];
        let keyring = text(&keys::openpgp_file(&openpgp));
        // Mallory's line speaks for everybody, which binds nobody where there is a policy.
        let signers = keys::allowed_signers_file(&[(ALICE.email, ALICE.ssh()), (BOB.email, BOB.ssh()), ("*", MALLORY.ssh())]);
        let (file, signers) = (text(&file), text(&signers));
        let arguments = ["--keyring", &keyring, "--allowed-signers", &signers, "--trust", &file];
        recorded::scan(&text(self.repository.path()), &[arguments.as_slice(), more].concat()).run()
    }

    fn record(&self, policy: &str) -> (Option<i32>, Value) {
        let output = self.scan(policy, &["-o", "json", "--record-fields"]);
        (output.status, output.record())
    }

    /// Verdict and reasons of the one commit that is credited.
    fn told(&self, policy: &str) -> (String, String) {
        let (_, record) = self.record(policy);
        let [commit] = record["commits"].as_array().unwrap().as_slice() else { panic!("one commit is credited: {record:#}") };
        (commit["verdict"].as_str().unwrap().to_owned(), words(&commit["reasons"]))
    }
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn object<'a>(record: &'a Value, kind: &str) -> &'a Value {
    record["objects"].as_array().unwrap().iter().find(|object| object["kind"] == kind).unwrap()
}

fn told(verdict: &str, reasons: &str) -> (String, String) {
    (verdict.to_owned(), reasons.to_owned())
}

#[test]
fn t01_t02_both_keys_of_a_person_prove_them_without_disputing_each_other() {
    for key in [ALICE.openpgp(), ALICE.ssh()] {
        let story = Story::of(&ALICE, &ALICE, Some(&key));
        assert_eq!(story.told(&persons()), told("verified-author", "policy-binding"));
    }
}

#[test]
fn t04_alice_under_bobs_key_names_both() {
    for key in [BOB.openpgp(), BOB.ssh()] {
        let (status, record) = Story::of(&ALICE, &ALICE, Some(&key)).record(&persons());
        assert_eq!(status, Some(1));
        assert_eq!(record["commits"][0]["signature"]["principal"], "bob <bob@example.com>");
        let finding = &record["findings"][0];
        let message = finding["message"].as_str().unwrap();
        assert_eq!(finding["rule"], "author-mismatch");
        assert!(message.contains(ALICE.email) && message.contains("signed by bob <bob@example.com>"), "{message}");
    }
}

#[test]
fn t05_who_commits_what_alice_wrote_is_the_verified_committer() {
    let story = Story::of(&ALICE, &BOB, Some(&BOB.ssh()));
    assert_eq!(story.told(&persons()), told("verified-committer", "policy-binding"));
}

#[test]
fn t06_the_email_of_a_commit_need_not_be_in_the_key_but_in_the_policy() {
    static AT_HOME: Person = Person::new("Alice Example", "alice@home.example");
    let story = Story::of(&AT_HOME, &AT_HOME, Some(&ALICE.openpgp()));
    assert_eq!(story.told(&persons()), told("signed-untrusted", "identity-mismatch"));
    let both = format!("principals:\n{}", principal("alice", "alice@example.com, alice@home.example", &[ALICE.openpgp()]));
    assert_eq!(story.told(&both), told("verified-author", "policy-binding"));
}

#[test]
fn t07_a_user_id_that_an_attacker_gives_a_key_binds_nobody() {
    let key = keys::make_openpgp("Alice Example <alice@example.com>", "never");
    let repository = Repository::new();
    repository.write("apps/db.yaml", IN_SYNC);
    repository.commit(&ALICE, "The database").signed_by(&key);
    let folder = scratch::new_folder("policy");
    std::fs::write(folder.join("trust.yaml"), persons()).unwrap();
    let (keyring, trust) = (text(&keys::openpgp_file(&[key])), text(&folder.join("trust.yaml")));
    let scan = |more: &[&str]| {
        let arguments = [&["--keyring", keyring.as_str(), "-o", "json"], more].concat();
        recorded::scan(&text(repository.path()), &arguments).run().record()
    };
    // Alone it would be Alice's.
    assert_eq!(scan(&[])["commits"][0]["verdict"], "verified-author");
    let record = scan(&["--trust", &trust]);
    assert_eq!(
        (&record["commits"][0]["verdict"], words(&record["commits"][0]["reasons"])),
        (&"signed-untrusted".into(), "key-not-in-policy".to_owned())
    );
    let message = record["findings"][0]["message"].as_str().unwrap();
    assert!(!message.contains("signed by Alice"), "{message}");
}

#[test]
fn t37_t39_a_line_for_everybody_binds_nobody() {
    let story = Story::of(&ALICE, &ALICE, Some(&MALLORY.ssh()));
    assert_eq!(story.told(&persons()), told("signed-untrusted", "key-not-in-policy"));
    let policy = format!("{}{}", persons(), principal("mallory", MALLORY.email, &[MALLORY.ssh()]));
    assert_eq!(story.told(&policy), told("signed-untrusted", "identity-mismatch"));
}

#[test]
fn t38_a_key_on_two_principals_speaks_for_the_author_among_them_only() {
    let policy = format!("{}{}", persons(), principal("eve", "eve@example.com", &[BOB.ssh()]));
    let bob = Story::of(&BOB, &BOB, Some(&BOB.ssh()));
    assert_eq!(bob.told(&policy), told("verified-author", "policy-binding key-on-two-principals"));
    let committed = Story::of(&ALICE, &BOB, Some(&BOB.ssh()));
    assert_eq!(committed.told(&policy), told("signed-untrusted", "key-on-two-principals"));
    assert_eq!(committed.record(&policy).1["commits"][0]["signature"]["binding"], "ambiguous");
}

#[test]
fn t47_a_forge_attests_what_it_merged() {
    let story = Story::of(&ALICE, &FORGE, Some(&FORGE.openpgp()));
    assert_eq!(story.told(&with_forge()), told("forge-attested", "forge-key"));
    let elsewhere = Story::of(&ALICE, &ALICE, Some(&FORGE.openpgp()));
    assert_eq!(elsewhere.told(&with_forge()), told("signed-untrusted", "forge-committer-mismatch"));
}

#[test]
fn t48_the_forge_as_committer_without_its_key_is_an_error() {
    let keys = [None, Some(ALICE.openpgp()), Some(ALICE.ssh()), Some(keys::make_openpgp("Forge <noreply@forge.example.com>", "never"))];
    for key in &keys {
        let story = Story::of(&ALICE, &FORGE, key.as_ref());
        assert_eq!(story.told(&with_forge()), told("invalid", "spoofed-forge"), "{key:?}");
        let (status, record) = story.record(&with_forge());
        assert_eq!((status, &record["findings"][0]["rule"]), (Some(1), &"signature-invalid".into()));
    }
}

#[test]
fn t75_a_bot_that_sets_more_than_its_fields_is_untrusted_there() {
    let bots = |fields: &str, paths: &str| {
        format!(
            "{}bots:\n- {{name: renovate, via: forge, authorEmail: {}, fields: [{fields}], paths: ['{paths}']}}\n",
            with_forge(),
            RENOVATE.email
        )
    };
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    assert!(
        IN_SYNC.contains("kind: StatefulSet") && IN_SYNC.contains("image: ") && IN_SYNC.contains("replicas: "),
        "the fixture has what a bot sets"
    );
    let bumped = IN_SYNC.lines().map(|line| match line.find("image: ") {
        Some(at) => format!("{}image: shop/db:next\n", &line[..at]),
        None => format!("{line}\n"),
    });
    story.repository.write("apps/db.yaml", bumped.collect::<String>());
    story.repository.commit(&RENOVATE, "Update the image").committed_by(&FORGE).signed_by(&FORGE.openpgp());

    let (_, record) = story.record(&bots("'**.image'", "apps/*.yaml"));
    assert_eq!(object(&record, "StatefulSet")["attribution"]["verdict"], "bot-attested");
    let counts = |record: &Value| object(record, "StatefulSet")["attribution"]["fieldCounts"]["bot-attested"].clone();
    assert_eq!(counts(&record), 1);

    for (fields, paths) in [("'spec.replicas'", "apps/*.yaml"), ("'**.image'", "other/**")] {
        let (status, record) = story.record(&bots(fields, paths));
        let set = object(&record, "StatefulSet");
        assert_eq!(set["attribution"]["verdict"], "signed-untrusted");
        assert!(words(&set["attribution"]["reasons"]).starts_with("out-of-bot-scope"), "{set:#}");
        let image = set["fields"].as_array().unwrap().iter().find(|field| field["field"].as_str().unwrap().ends_with(".image")).unwrap();
        assert_eq!(
            (&image["origin"]["verdict"], words(&image["origin"]["reasons"])),
            (&"signed-untrusted".into(), "out-of-bot-scope".to_owned())
        );
        assert_eq!(counts(&record), Value::Null);
        assert!(
            record["findings"]
                .as_array()
                .unwrap()
                .iter()
                .any(|finding| finding["rule"] == "signer-untrusted" && finding["severity"] == "error")
        );
        assert_eq!(status, Some(1));
    }
}

#[test]
fn t82_a_file_of_a_team_declares_nothing_of_another_namespace_or_kind() {
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    let rule = |scope: &str| format!("{}rules:\n- {{paths: ['apps/**'], {scope}allow: [alice], min: verified-author}}\n", persons());
    let (status, record) = story.record(&rule(""));
    assert_eq!((status, &object(&record, "StatefulSet")["attribution"]["verdict"]), (Some(0), &"verified-author".into()));

    let (status, record) = story.record(&rule("namespaces: [elsewhere], "));
    let set = object(&record, "StatefulSet");
    assert_eq!((status, &set["attribution"]["verdict"]), (Some(1), &"signed-untrusted".into()));
    assert_eq!(words(&set["attribution"]["reasons"]), "out-of-scope policy-binding");
    // The commit itself is proven as before.
    assert_eq!(record["commits"][0]["verdict"], "verified-author");
    let finding = record["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "signer-untrusted").unwrap();
    assert_eq!(finding["severity"], "error");
    let screen = story.scan(&rule("namespaces: [elsewhere], "), &[]).stdout;
    assert!(screen.starts_with("In sync: 6 of 6 objects match Git. But 1 commit is not let through by the trust policy.\n"), "{screen}");

    let (_, record) = story.record(&rule("kinds: ['!StatefulSet'], "));
    assert_eq!(object(&record, "StatefulSet")["attribution"]["verdict"], "signed-untrusted");
    assert_eq!(object(&record, "Service")["attribution"]["verdict"], "verified-author");
}

#[test]
fn what_no_rule_is_about_is_never_a_pass() {
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    let policy = format!("{}rules:\n- {{paths: ['other/**'], min: verified-author}}\n", persons());
    let (status, record) = story.record(&policy);
    let set = object(&record, "StatefulSet");
    assert_eq!(
        (&set["attribution"]["verdict"], words(&set["attribution"]["reasons"])),
        (&"signed-untrusted".into(), "unscoped policy-binding".to_owned())
    );
    assert_eq!((status, &record["findings"][0]["severity"]), (Some(0), &"warning".into()));
}

#[test]
fn a_minimum_that_is_not_reached_makes_errors_of_notes() {
    let policy = format!("{}rules:\n- {{min: verified-author}}\n", persons());
    let unsigned = Story::of(&ALICE, &ALICE, None);
    for (policy, status, severity) in [(persons(), 0, "note"), (policy.clone(), 1, "error")] {
        let (told, record) = unsigned.record(&policy);
        assert_eq!(
            (told, &record["findings"][0]["rule"], &record["findings"][0]["severity"]),
            (Some(status), &"commit-unsigned".into(), &severity.into())
        );
    }
    let committed = Story::of(&ALICE, &BOB, Some(&BOB.openpgp()));
    let (status, record) = committed.record(&policy);
    assert_eq!((status, &record["findings"][0]["rule"]), (Some(1), &"signer-untrusted".into()));
    let message = record["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("verified-committer") && message.contains("below-minimum: verified-author"), "{message}");
}

#[test]
fn t50_an_unsigned_merge_of_a_signed_branch_is_held_to_a_rule_that_asks_for_the_change() {
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    let repository = &story.repository;
    let state = text(&scratch::new_folder("state"));
    let record = |require: &str| {
        let policy = format!("{}rules:\n- {{min: verified-author{require}}}\n", persons());
        let output = story.scan(&policy, &["-o", "json", "--state", &state]);
        (output.status, output.record())
    };
    assert_eq!(record("").0, Some(0));
    repository.git(["checkout", "--quiet", "-b", "side"]).succeed();
    let author = repository
        .write("apps/db.yaml", IN_SYNC.replace("max_connections = 200", "max_connections = 9"))
        .commit(&ALICE, "Fewer")
        .signed_by(&ALICE.openpgp());
    repository.git(["checkout", "--quiet", "main"]).succeed();
    let mallory = ["-c", "user.name=Mallory", "-c", "user.email=mallory@example.net", "merge", "--quiet", "--no-ff", "--no-edit", "side"];
    repository.git(mallory).succeed();
    let merge = repository.id_of("HEAD");
    let told = |require: &str| {
        let (_, record) = record(require);
        let attribution = object(&record, "ConfigMap")["attribution"].clone();
        assert_eq!((&attribution["authoredBy"], &attribution["changedBy"]), (&author.as_str().into(), &merge.as_str().into()));
        let errors =
            record["findings"].as_array().unwrap().iter().filter(|finding| finding["commit"] == merge && finding["severity"] == "error");
        (attribution["verdict"].as_str().unwrap().to_owned(), words(&attribution["reasons"]), errors.count())
    };
    assert_eq!(told(""), ("unsigned".to_owned(), "below-minimum policy-binding change".to_owned(), 1));
    assert_eq!(told(", require: change").2, 1);
    assert_eq!(told(", require: content"), ("verified-author".to_owned(), "policy-binding".to_owned(), 0));
}

#[test]
fn t83_a_key_that_leaves_the_policy_takes_the_verdict_with_it() {
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    let without = format!("principals:\n{}", principal("alice", ALICE.email, &[ALICE.ssh()]));
    let (before, after) = (story.record(&persons()).1, story.record(&without).1);
    assert_eq!(
        (&before["commits"][0]["verdict"], &after["commits"][0]["verdict"]),
        (&"verified-author".into(), &"signed-untrusted".into())
    );
    assert_eq!(before["sources"], after["sources"]);
    assert_ne!(before["policyDigest"], after["policyDigest"]);
    // Comments are no policy.
    let commented = format!("# reviewed\n{}", persons());
    assert_eq!(story.record(&commented).1["policyDigest"], before["policyDigest"]);
}

#[test]
fn a_retired_key_is_judged_by_the_time_that_is_claimed() {
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    let until = |time: &str| {
        let key = entry(&ALICE.openpgp()).replace('}', &format!(", {time}}}"));
        story.told(&format!("principals:\n- {{name: alice, emails: [{}], keys: [{key}]}}\n", ALICE.email))
    };
    assert_eq!(until("retiredAt: 2024-02-01"), told("signed-untrusted", "key-retired policy-binding"));
    assert_eq!(until("validFrom: 2024-04-01"), told("signed-untrusted", "key-not-yet-valid policy-binding"));
    assert_eq!(until("retiredAt: 2024-04-01"), told("claimed-time-only", "key-retired-since policy-binding"));
    assert_eq!(until("validFrom: 2024-02-01, retiredAt: 2999-01-01"), told("verified-author", "policy-binding"));
}

#[test]
fn blame_judges_by_the_policy_of_the_configuration() {
    let story = Story::of(&ALICE, &ALICE, Some(&ALICE.openpgp()));
    let folder = scratch::new_folder("configured");
    std::fs::write(folder.join("trust.yaml"), persons()).unwrap();
    let keyring = keys::openpgp_file(&[ALICE.openpgp()]);
    let config = format!(
        "sources: [{{url: {}}}]\nkeys: {{openpgp: [{}]}}\ntrust: trust.yaml\n",
        story.repository.path().display(),
        keyring.display()
    );
    std::fs::write(folder.join("kubewitness.yaml"), config).unwrap();
    let recording = recorded::recording();
    let name = IN_SYNC
        .split("kind: StatefulSet")
        .nth(1)
        .and_then(|rest| rest.split("name: ").nth(1))
        .and_then(|rest| rest.lines().next())
        .unwrap();
    let selector = format!("statefulset/{name}");
    let blame = Kubewitness::new(["blame", selector.as_str(), "-o", "json", "--recording", &recording]).in_folder(&folder).run();
    let document = blame.document("blame");
    assert_eq!(words(&document["commits"][0]["reasons"]), "policy-binding", "{blame:?}");
}

#[test]
fn a_policy_that_cannot_be_kept_is_refused_with_its_line() {
    let story = Story::of(&ALICE, &ALICE, None);
    let refused = |policy: &str, message: &str| {
        let output = story.scan(policy, &[]);
        assert_eq!(output.status, Some(2), "{output:?}");
        assert!(output.stderr.contains(message), "{output:?}");
    };
    refused("principals:\n- name: alice\n  email: [a@b]\n", "trust.yaml:3: unknown key `email` in principals; did you mean `emails`?");
    refused("anchors: [{commit: abc}]\n", "trust.yaml:1: an anchor needs the `source` or `repository` that it is of");
    let inside = text(&story.repository.write("trust.yaml", persons()).path().join("trust.yaml"));
    let output = recorded::scan(&text(story.repository.path()), &["--trust", &inside]).run();
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("which it judges"), "{output:?}");
    // Nor where only a folder of the repository is judged.
    let part = story.repository.write("part/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: shop }\n");
    part.commit(&keys::ALICE, "A part").unsigned();
    let output = recorded::scan(&text(&story.repository.path().join("part")), &["--trust", &inside]).run();
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("which it judges"), "{output:?}");
}
