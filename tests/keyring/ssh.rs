//! SSH signatures, with ssh-keygen and git beside ours.

use std::path::Path;
use std::process::Command;

use kubewitness::model::attribution::{Algo, Crypto, KeyTime};
use kubewitness::model::commit::{Commit, CommitId};

use crate::fixture::{ALICE, BOB, Files, Repository, armor, dearmor, judge, judge_at, line, must, now, signed, ssh_keyring, verify};
use crate::openssh::{Ssh, git, git_says, keygen, ours};

#[test]
fn t02_every_common_key_type_verifies_its_author() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    for (name, kind) in [
        ("ed25519", &["ed25519"][..]),
        ("rsa", &["rsa", "-b", "3072"]),
        ("p256", &["ecdsa", "-b", "256"]),
        ("p384", &["ecdsa", "-b", "384"]),
        ("p521", &["ecdsa", "-b", "521"]),
    ] {
        let lines = format!("alice@example.com {}\n", ssh.key(name, kind));
        let commit = ssh.commit(&repository, name, ALICE, ALICE);
        let (facts, verdict) = judge(&ssh_keyring(&lines), &commit);
        assert_eq!(
            (line(&verdict), git(&repository, &commit, &lines)),
            ("verified-author uid-binding".to_owned(), "G".to_owned()),
            "{name}"
        );
        assert_eq!((facts.crypto, facts.algo, facts.key_time, facts.time), (Crypto::Good, Some(Algo::Ok), Some(KeyTime::Valid), None));
        let fingerprint = must(Command::new("ssh-keygen").arg("-lf").arg(ssh.path(name).with_extension("pub")), b"");
        assert!(String::from_utf8(fingerprint).unwrap().contains(&format!(" {} ", facts.key.unwrap())));
        assert_eq!(facts.signer.as_deref(), Some("alice@example.com"));
    }
}

#[test]
fn t10_a_changed_commit_is_bad() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    for (name, kind) in [("ed25519", &["ed25519"][..]), ("rsa", &["rsa"]), ("p256", &["ecdsa"])] {
        let lines = format!("alice@example.com {}\n", ssh.key(name, kind));
        let payload = repository.payload(ALICE, ALICE);
        let raw = signed(&payload.replace("A commit", "B commit"), "gpgsig", &ssh.sign(name, "git", &payload));
        let commit = repository.commit(raw);
        assert_eq!((ours(&commit, &lines), git(&repository, &commit, &lines)), ("invalid bad-signature".to_owned(), "B".to_owned()));
    }
}

#[test]
fn t04_and_t05_bobs_key_speaks_for_bob_alone() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("bob@example.com {}\n", ssh.key("bob", &["ed25519"]));
    let forged = ssh.commit(&repository, "bob", ALICE, ALICE);
    assert_eq!(
        (ours(&forged, &lines), git(&repository, &forged, &lines)),
        ("signed-untrusted identity-mismatch".to_owned(), "G".to_owned())
    );
    let picked = ssh.commit(&repository, "bob", ALICE, BOB);
    assert_eq!(ours(&picked, &lines), "verified-committer uid-binding");
}

#[test]
fn t36_a_key_that_is_not_listed_is_unknown_and_named() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (_, bob) = (ssh.key("alice", &["ed25519"]), ssh.key("bob", &["ed25519"]));
    let lines = format!("bob@example.com {bob}\n");
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    let (facts, verdict) = judge(&ssh_keyring(&lines), &commit);
    assert_eq!((line(&verdict), git(&repository, &commit, &lines)), ("signed-untrusted unknown-key".to_owned(), "U".to_owned()));
    // The signature carries its key, so that it is known to be the key's own.
    assert_eq!((facts.crypto, facts.key_time), (Crypto::Good, None));
    assert!(facts.key.unwrap().starts_with("SHA256:") && facts.emails.is_empty());
    let changed = repository.commit(String::from_utf8(commit.raw.to_vec()).unwrap().replace("A commit", "B commit"));
    assert_eq!((ours(&changed, &lines), git(&repository, &changed, &lines)), ("invalid bad-signature".to_owned(), "B".to_owned()));
}

#[test]
fn t37_and_t39_wildcards_bind_a_group_and_refusals_hold() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("bob", &["ed25519"]);
    let commit = ssh.commit(&repository, "bob", ALICE, ALICE);
    for (principals, verdict, letter) in [
        ("*@example.com", "group-verified group-principal", "G"),
        ("*", "group-verified group-principal", "G"),
        ("!alice@example.com,*@example.com", "signed-untrusted group-mismatch", "G"),
        ("alice@example.com,bob@example.com", "verified-author uid-binding", "G"),
    ] {
        let lines = format!("{principals} {key}\n");
        assert_eq!((ours(&commit, &lines).as_str(), git(&repository, &commit, &lines).as_str()), (verdict, letter), "{principals}");
    }
}

#[test]
fn t38_a_key_on_two_principals_speaks_for_the_author_among_them() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("both", &["ed25519"]);
    let lines = format!("eve@evil.org {key}\nalice@example.com {key}\n");
    let commit = ssh.commit(&repository, "both", ALICE, ALICE);
    let (facts, verdict) = judge(&ssh_keyring(&lines), &commit);
    assert_eq!((line(&verdict), facts.emails.len()), ("verified-author uid-binding".to_owned(), 2));
    // git names whoever stands on the first line.
    assert_eq!(git_says(&repository, "UTC", "%G? %GS", &commit, &lines), "G eve@evil.org");
    let bobs = ssh.commit(&repository, "both", BOB, BOB);
    assert_eq!((ours(&bobs, &lines), git(&repository, &bobs, &lines)), ("signed-untrusted identity-mismatch".to_owned(), "G".to_owned()));
}

#[test]
fn t40_a_signature_for_something_else_than_git_is_invalid() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("alice", &["ed25519"]);
    let lines = format!("alice@example.com {key}\n");
    let payload = repository.payload(ALICE, ALICE);
    let file = repository.commit(signed(&payload, "gpgsig", &ssh.sign("alice", "file", &payload)));
    assert_eq!(
        (ours(&file, &lines), git(&repository, &file, &lines)),
        ("invalid malformed-signature wrong-namespace".to_owned(), "B".to_owned())
    );
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    let restricted = format!("alice@example.com namespaces=\"file\" {key}\n");
    assert_eq!(
        (ours(&commit, &restricted), git(&repository, &commit, &restricted)),
        ("invalid wrong-namespace".to_owned(), "B".to_owned())
    );
}

#[test]
fn t41_windows_are_judged_by_the_claimed_time_in_utc() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("alice", &["ed25519"]);
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    for (window, verdict, letter) in [
        ("valid-after=\"20250201Z\"", "verified-author uid-binding", "G"),
        ("valid-after=\"20250201\",valid-before=\"20270101\"", "verified-author uid-binding", "G"),
        ("valid-after=\"20250302Z\"", "signed-untrusted outside-window", "U"),
        ("valid-before=\"20250228Z\"", "signed-untrusted outside-window", "U"),
        ("valid-before=\"20250601Z\"", "claimed-time-only key-expired-since uid-binding", "G"),
    ] {
        let lines = format!("alice@example.com {window} {key}\n");
        assert_eq!((ours(&commit, &lines).as_str(), git(&repository, &commit, &lines).as_str()), (verdict, letter), "{window}");
    }
}

#[test]
fn t41_a_time_without_a_zone_is_utc_wherever_git_runs_and_whatever_clock_the_commit_shows() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("alice", &["ed25519"]);
    for offset in ["+0000", "+0900", "-0800"] {
        let payload = repository.payload(ALICE, ALICE).replace("+0000", offset);
        let commit = repository.commit(signed(&payload, "gpgsig", &ssh.sign("alice", "git", &payload)));
        for (window, verdict, letters) in [
            ("valid-after=\"202503010600\"", "verified-author uid-binding", ["G", "G", "U"]),
            ("valid-after=\"202503011400\"", "signed-untrusted outside-window", ["U", "G", "U"]),
            ("valid-before=\"202503011300\"", "claimed-time-only key-expired-since uid-binding", ["G", "U", "G"]),
            ("valid-after=\"202503010600Z\"", "verified-author uid-binding", ["G", "G", "G"]),
        ] {
            let lines = format!("alice@example.com {window} {key}\n");
            assert_eq!(ours(&commit, &lines), verdict, "{window} {offset}");
            let found = ["UTC", "JST-9", "PST8"].map(|zone| git_says(&repository, zone, "%G?", &commit, &lines));
            assert_eq!(found, letters, "{window} {offset}");
        }
    }
}

#[test]
fn a_window_ends_with_its_last_second_for_ssh_keygen_and_for_us() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("alice", &["ed25519"]);
    let payload = repository.payload(ALICE, ALICE);
    let armor = ssh.sign("alice", "git", &payload);
    let commit = repository.commit(signed(&payload, "gpgsig", &armor));
    let committed = "2025-03-01T12:00:00Z".parse().unwrap();
    for (window, open) in [
        ("valid-after=\"20250301120000Z\"", true),
        ("valid-after=\"20250301120001Z\"", false),
        ("valid-before=\"20250301120000Z\"", true),
        ("valid-before=\"20250301115959Z\"", false),
        ("valid-after=\"202503011200Z\",namespaces=\"git\"", true),
    ] {
        let lines = format!("alice@example.com {window} {key}\n");
        assert_eq!(keygen(&lines, "alice@example.com", &armor, &payload, "20250301120000Z"), open, "{window}");
        let (facts, _) = judge_at(&ssh_keyring(&lines), &commit, committed);
        assert_eq!(facts.key_time == Some(KeyTime::Valid), open, "{window}");
    }
}

#[test]
fn a_key_rotated_by_windows_keeps_its_owner() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (old, new) = (ssh.key("old", &["ed25519"]), ssh.key("new", &["ed25519"]));
    let lines = format!("alice@example.com valid-before=\"20250601Z\" {old}\nalice@example.com valid-after=\"20250101Z\" {new}\n");
    assert_eq!(ours(&ssh.commit(&repository, "new", ALICE, ALICE), &lines), "verified-author uid-binding");
    let before = ours(&ssh.commit(&repository, "old", ALICE, ALICE), &lines);
    assert_eq!(before, "claimed-time-only key-expired-since email-on-two-keys");
    let both = format!("alice@example.com {old}\nalice@example.com {new}\n");
    assert_eq!(ours(&ssh.commit(&repository, "new", ALICE, ALICE), &both), "signed-untrusted email-on-two-keys");
    let twice = format!("alice@example.com {old}\nalice@example.com {old} again\n");
    assert_eq!(ours(&ssh.commit(&repository, "old", ALICE, ALICE), &twice), "verified-author uid-binding");
}

#[test]
fn t44_a_certificate_authority_signs_no_commits_itself() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("alice@example.com cert-authority {}\n", ssh.key("alice", &["ed25519"]));
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    assert_eq!((ours(&commit, &lines), git(&repository, &commit, &lines)), ("signed-untrusted unknown-key".to_owned(), "U".to_owned()));
}

#[test]
fn t46_a_short_rsa_key_is_weak() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("alice@example.com {}\n", ssh.key("alice", &["rsa", "-b", "1024"]));
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    let (facts, verdict) = judge(&ssh_keyring(&lines), &commit);
    assert_eq!((line(&verdict), git(&repository, &commit, &lines)), ("invalid weak-algorithm weak-key".to_owned(), "G".to_owned()));
    assert_eq!(facts.algo, Some(Algo::Weak));
}

#[test]
fn t46_a_dsa_key_of_ssh_is_weak() {
    // OpenSSH makes and verifies none of these from version 10 on, so that both files were made by version 9.2 and git's letter
    // depends on the version that is here.
    let (lines, signature) = (include_str!("dsa/allowed_signers"), include_str!("dsa/signature"));
    let repository = Repository::new();
    let commit = repository.commit(signed(&repository.payload(ALICE, ALICE), "gpgsig", signature));
    assert_eq!(ours(&commit, lines), "invalid weak-algorithm weak-key");
    assert_eq!(ours(&commit, ""), "invalid weak-algorithm weak-key");
}

#[test]
fn t88_ten_thousand_commits_with_one_signature_are_judged_one_by_one() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("alice@example.com {}\n", ssh.key("alice", &["ed25519"]));
    let original = ssh.commit(&repository, "alice", ALICE, ALICE);
    let text = String::from_utf8(original.raw.to_vec()).unwrap();
    let copies = (1..10_000).map(|number| {
        let raw = text.replace("A commit", &format!("Commit {number}"));
        Commit { id: CommitId::new(format!("{number:040x}")), raw: raw.into_bytes().into(), ..original.clone() }
    });
    let commits: Vec<Commit> = std::iter::once(original.clone()).chain(copies).collect();
    let (signatures, gaps) = verify(&ssh_keyring(&lines), &commits, now());
    assert_eq!((signatures.len(), gaps), (commits.len(), Vec::new()));
    let good: Vec<_> = signatures.iter().filter(|(_, facts)| facts.crypto == Crypto::Good).map(|((_, id), _)| id).collect();
    assert_eq!(good, [&original.id]);
}

#[test]
fn a_key_that_is_too_long_for_us_is_not_called_bad() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("alice@example.com {}\n", ssh.key("alice", &["rsa", "-b", "4104"]));
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    let expected = "unverifiable unsupported-format unsupported-algorithm";
    assert_eq!((ours(&commit, &lines), git(&repository, &commit, &lines)), (expected.to_owned(), "G".to_owned()));
}

#[test]
fn junk_in_a_signature_never_verifies_and_never_panics() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("alice@example.com {}\n", ssh.key("alice", &["ed25519"]));
    let payload = repository.payload(ALICE, ALICE);
    let bytes = dearmor(&ssh.sign("alice", "git", &payload));
    let keyring = ssh_keyring(&lines);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        let raw = signed(&payload, "gpgsig", &armor("SSH SIGNATURE", &changed));
        let (facts, _) = judge(&keyring, &repository_free_commit(&repository, raw));
        assert_ne!(facts.crypto, Crypto::Good, "byte {at}");
    }
}

/// The same commit without writing it: ids do not matter here.
fn repository_free_commit(repository: &Repository, raw: String) -> Commit {
    let mut commit = repository.commit(repository.payload(ALICE, ALICE));
    commit.raw = raw.into_bytes().into();
    commit
}

#[test]
fn a_line_that_ssh_keygen_refuses_is_refused() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let key = ssh.key("alice", &["ed25519"]);
    let payload = repository.payload(ALICE, ALICE);
    let armor = ssh.sign("alice", "git", &payload);
    for line in [
        format!("alice@example.com {key}"),
        format!("  alice@example.com\t{key} comment # more"),
        format!("\"alice@example.com\" namespaces=\"git\" {key}"),
        format!("alice@example.com NAMESPACES=\"g?t\",valid-after=\"20200101Z\" {key}"),
        format!("alice@example.com namespaces=git {key}"),
        format!("alice@example.com valid-after=\"20201301Z\" {key}"),
        format!("alice@example.com valid-after=\"2020\" {key}"),
        format!("alice@example.com nonsense {key}"),
        format!("alice@example.com namespaces=\"git\",namespaces=\"git\" {key}"),
        format!("alice@example.com valid-after=\"20260101Z\",valid-before=\"20250101Z\" {key}"),
        format!("alice@example.com {}", &key[..30]),
    ] {
        let files = Files::new();
        let path = files.write("allowed", format!("{line}\n"));
        let read = kubewitness::keyring::Keyring::open(&kubewitness::keyring::Settings { ssh: vec![path], ..Default::default() });
        let accepted = keygen(&format!("{line}\n"), "alice@example.com", &armor, &payload, "20250301120000Z");
        assert_eq!(read.is_ok(), accepted, "{line}");
    }
}

#[test]
fn a_malformed_line_is_an_error_that_names_file_and_line() {
    let files = Files::new();
    let path = files.write("allowed", "# comment\n\nalice@example.com\n");
    let settings = kubewitness::keyring::Settings { ssh: vec![path.clone()], ..Default::default() };
    let message = kubewitness::keyring::Keyring::open(&settings).unwrap_err().to_string();
    assert!(message.contains(&Path::new(&path).display().to_string()) && message.contains("line 3"), "{message}");
}
