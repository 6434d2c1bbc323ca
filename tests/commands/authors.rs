//! Who wrote, who committed, whose key signed: each mixture through the whole program.

use serde_json::Value;

use crate::harness::keys::{self, ALICE, BOB, CAROL, Key, MALLORY, Person};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::recorded::{IN_SYNC, scan, text};
use crate::harness::repository::{Commit, Repository};
use crate::harness::scratch;

/// Persons whose keys the tests make themselves.
static FORGE: Person = Person::new("Example Forge", "noreply@forge.example.com");
static DORA: Person = Person::new("Dora Example", "dora@example.com");

/// One commit of what is in sync, judged with Alice's and Bob's keys.
struct Story {
    repository: Repository,
    commit: String,
    format: Format,
}

/// Which keys of Alice and Bob are configured: one of each, since an e-mail on two keys binds neither.
#[derive(Clone, Copy)]
enum Format {
    OpenPgp,
    Ssh,
}

impl Format {
    fn key(self, person: &Person) -> Key {
        match self {
            Self::OpenPgp => person.openpgp(),
            Self::Ssh => person.ssh(),
        }
    }
}

const FORMATS: [Format; 2] = [Format::OpenPgp, Format::Ssh];

impl Story {
    fn of(format: Format, author: &Person, make: impl FnOnce(Commit<'_>) -> String) -> Self {
        let repository = Repository::new();
        repository.write("db.yaml", IN_SYNC);
        let commit = make(repository.commit(author, "The database"));
        Self { repository, commit, format }
    }

    fn scan(&self, more: &[&str]) -> Kubewitness {
        let keys = match self.format {
            Format::OpenPgp => ["--keyring".to_owned(), text(&keys::openpgp_file(&[ALICE.openpgp(), BOB.openpgp()]))],
            Format::Ssh => {
                let signers = [(ALICE.email, ALICE.ssh()), (BOB.email, BOB.ssh())];
                ["--allowed-signers".to_owned(), text(&keys::allowed_signers_file(&signers))]
            }
        };
        scan(&text(self.repository.path()), &[&[keys[0].as_str(), &keys[1]], more].concat())
    }

    /// Verdict and reasons of the commit, from the record, and the exit code.
    fn told(&self) -> (Option<i32>, String, Vec<String>) {
        told(&self.commit, self.scan(&["-o", "json"]))
    }
}

fn told(commit: &str, scan: Kubewitness) -> (Option<i32>, String, Vec<String>) {
    let output = scan.run();
    let record = output.record();
    let [told] = record["commits"].as_array().unwrap().as_slice() else { panic!("one commit is credited: {record:#}") };
    assert_eq!(told["id"], commit);
    for object in record["objects"].as_array().unwrap() {
        assert_eq!((&object["attribution"]["authoredBy"], &object["attribution"]["verdict"]), (&told["id"], &told["verdict"]));
    }
    let words = |value: &Value| value.as_array().map(|words| words.iter().map(|word| word.as_str().unwrap().to_owned()).collect());
    (output.status, told["verdict"].as_str().unwrap().to_owned(), words(&told["reasons"]).unwrap_or_default())
}

#[test]
fn what_is_remembered_between_runs_never_lies_in_what_is_judged() {
    let story = Story::of(Format::OpenPgp, &ALICE, |commit| commit.signed_by(&ALICE.openpgp()));
    let run = |cache: &std::path::Path| {
        let output = story.scan(&[]).env("XDG_CACHE_HOME", &text(cache)).run();
        assert_eq!(output.status, Some(0), "{output:?}");
    };
    let (inside, outside) = (story.repository.path().join(".cache"), scratch::new_folder("cache"));
    run(&inside);
    assert!(!inside.exists());
    run(&outside);
    let kept = |name: &str| std::fs::read_dir(outside.join("kubewitness").join(name)).unwrap().count();
    assert_eq!(kept("signatures"), 1);
}

#[test]
fn an_authors_own_key_of_either_format_proves_the_author() {
    for format in FORMATS {
        let (status, verdict, _) = Story::of(format, &ALICE, |commit| commit.signed_by(&format.key(&ALICE))).told();
        assert_eq!((status, verdict.as_str()), (Some(0), "verified-author"));
    }
}

#[test]
fn alice_as_author_and_committer_under_bobs_key_is_a_mismatch_that_names_both() {
    for format in FORMATS {
        let story = Story::of(format, &ALICE, |commit| commit.signed_by(&format.key(&BOB)));
        let (status, verdict, reasons) = story.told();
        assert_eq!((status, verdict.as_str()), (Some(1), "signed-untrusted"));
        assert!(reasons.contains(&"identity-mismatch".to_owned()), "{reasons:?}");
        let record = story.scan(&["-o", "json"]).run().record();
        let [finding] = record["findings"].as_array().unwrap().as_slice() else { panic!("{record:#}") };
        assert_eq!((&finding["rule"], &finding["severity"]), (&"author-mismatch".into(), &"error".into()));
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(ALICE.email) && message.contains(BOB.email), "{message}");
        let screen = story.scan(&[]).run().stdout;
        assert!(screen.contains("1 commit is not what it claims") && screen.contains("author-mismatch"), "{screen}");
        assert!(screen.starts_with("In sync: 6 of 6 objects match Git. But 1 commit is not what it claims.\n"), "{screen}");
    }
}

#[test]
fn bob_who_commits_and_signs_what_alice_wrote_is_a_verified_committer() {
    for format in FORMATS {
        let (status, verdict, _) = Story::of(format, &ALICE, |commit| commit.committed_by(&BOB).signed_by(&format.key(&BOB))).told();
        assert_eq!((status, verdict.as_str()), (Some(0), "verified-committer"));
    }
}

#[test]
fn a_key_that_nobody_configured_proves_nothing() {
    for format in FORMATS {
        let (status, verdict, reasons) = Story::of(format, &ALICE, |commit| commit.signed_by(&format.key(&MALLORY))).told();
        // An SSH signature carries its key, so that it is known to be sound.
        let expected = if let Format::Ssh = format { "signed-untrusted" } else { "unverifiable" };
        assert_eq!((status, verdict.as_str(), reasons), (Some(0), expected, vec!["unknown-key".to_owned()]));
    }
}

#[test]
fn a_commit_without_a_signature_is_unsigned() {
    let (status, verdict, _) = Story::of(Format::OpenPgp, &CAROL, |commit| commit.unsigned()).told();
    assert_eq!((status, verdict.as_str()), (Some(0), "unsigned"));
}

#[test]
fn an_email_on_two_keys_binds_neither() {
    let other = keys::make_openpgp("Alice at home <alice@example.com>", "never");
    let story = Story::of(Format::OpenPgp, &ALICE, |commit| commit.signed_by(&ALICE.openpgp()));
    let keyring = text(&keys::openpgp_file(&[ALICE.openpgp(), other]));
    let scan = self::scan(&text(story.repository.path()), &["--keyring", &keyring, "-o", "json"]);
    let (status, verdict, reasons) = told(&story.commit, scan);
    assert_eq!(verdict, "signed-untrusted", "{reasons:?}");
    assert_ne!(status, Some(4), "{reasons:?}");
    // Nor where the second key is of the other format.
    let (keyring, signers) =
        (text(&keys::openpgp_file(&[ALICE.openpgp()])), text(&keys::allowed_signers_file(&[(ALICE.email, ALICE.ssh())])));
    let scan = self::scan(&text(story.repository.path()), &["--keyring", &keyring, "--allowed-signers", &signers, "-o", "json"]);
    assert_eq!(told(&story.commit, scan).1, "signed-untrusted");
}

#[test]
fn a_commit_that_a_forge_made_is_attested_by_it_alone() {
    let forge_key = keys::make_openpgp("Example Forge <noreply@forge.example.com>", "never");
    let story = Story::of(Format::OpenPgp, &CAROL, |commit| commit.committed_by(&FORGE).signed_by(&forge_key));
    let folder = scratch::new_folder("forge");
    let config = format!(
        "sources: [{{url: {}}}]\nkeys:\n  forges:\n    - {{name: forge, openpgp: {}, committer: noreply@forge.example.com}}\n",
        story.repository.path().display(),
        keys::openpgp_file(std::slice::from_ref(&forge_key)).display(),
    );
    std::fs::write(folder.join("kubewitness.yaml"), config).unwrap();
    let recording = crate::harness::recorded::recording();
    let attested = Kubewitness::new(["scan", "-o", "json", "--recording", &recording]).in_folder(&folder);
    let (status, verdict, _) = told(&story.commit, attested);
    assert_eq!((status, verdict.as_str()), (Some(0), "forge-attested"));

    // The same key under a committer that is not the forge's speaks for nobody.
    let claimed = Story::of(Format::OpenPgp, &CAROL, |commit| commit.signed_by(&forge_key));
    let folder_config = std::fs::read_to_string(folder.join("kubewitness.yaml")).unwrap();
    let other = folder_config.replace(&text(story.repository.path()), &text(claimed.repository.path()));
    std::fs::write(folder.join("kubewitness.yaml"), other).unwrap();
    let scan = Kubewitness::new(["scan", "-o", "json", "--recording", &recording]).in_folder(&folder);
    let (_, verdict, reasons) = told(&claimed.commit, scan);
    assert!(!["forge-attested", "verified-author", "verified-committer"].contains(&verdict.as_str()), "{verdict} {reasons:?}");
}

#[test]
fn a_key_that_expired_since_proves_no_more_than_a_claimed_time() {
    let short = keys::make_openpgp("Dora Example <dora@example.com>", "seconds=86400");
    let repository = Repository::new();
    repository.write("db.yaml", IN_SYNC);
    let commit = repository.commit(&DORA, "The database").at(keys::KEY_TIME + 3600).signed_by(&short);
    let keyring = text(&keys::openpgp_file(&[short]));
    let scan = || scan(&text(repository.path()), &["--keyring", &keyring, "-o", "json"]);
    let (_, verdict, reasons) = told(&commit, scan());
    assert_eq!((verdict.as_str(), reasons.contains(&"key-expired-since".to_owned())), ("claimed-time-only", true), "{reasons:?}");
}
