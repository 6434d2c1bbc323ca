//! SSH certificates, with ssh-keygen and git beside ours.

use kubewitness::model::attribution::{Algo, Crypto, KeyTime};

use crate::fixture::{ALICE, BOB, Repository, armor, dearmor, judge, judge_at, line, must, signed, ssh_keyring};
use crate::openssh::{Ssh, git, keygen, ours};

const NAMED: &[&str] = &["-n", "alice@example.com"];

#[test]
fn t43_a_certificate_binds_its_principals_within_its_window() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, _) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    let lines = format!("*@example.com cert-authority {ca}\n");
    for (window, verdict, letter) in [
        ("always:forever", "verified-author uid-binding", "G"),
        ("20250201:20270101", "verified-author uid-binding", "G"),
        ("20250301120000:20270101", "verified-author uid-binding", "G"),
        // Whoever has the key of an ended certificate can claim any time in its window.
        ("20250201:20250601", "claimed-time-only key-expired-since uid-binding", "G"),
        ("20250201:20250301120001", "claimed-time-only key-expired-since uid-binding", "G"),
        ("20250201:20250301120000", "invalid key-expired-before-signature", "U"),
        ("20250301120001:20270101", "signed-untrusted outside-window", "U"),
    ] {
        ssh.certify("ca", "alice", &[NAMED, &["-V", window]].concat());
        let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
        assert_eq!((ours(&commit, &lines).as_str(), git(&repository, &commit, &lines).as_str()), (verdict, letter), "{window}");
    }
}

#[test]
fn t43_every_common_key_type_certifies_and_is_certified() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let kinds = [
        ("ed25519", &["ed25519"][..]),
        ("rsa", &["rsa", "-b", "3072"]),
        ("p256", &["ecdsa", "-b", "256"]),
        ("p384", &["ecdsa", "-b", "384"]),
        ("p521", &["ecdsa", "-b", "521"]),
    ];
    let keys: Vec<_> = kinds.iter().map(|(name, kind)| ssh.key(name, kind)).collect();
    for (at, (name, _)) in kinds.iter().enumerate() {
        let (authority, ca) = (kinds[(at + 1) % kinds.len()].0, &keys[(at + 1) % kinds.len()]);
        ssh.certify(authority, name, NAMED);
        let lines = format!("alice@example.com cert-authority {ca}\n");
        let commit = ssh.commit_certified(&repository, name, ALICE, ALICE);
        let (facts, verdict) = judge(&ssh_keyring(&lines), &commit);
        let letter = git(&repository, &commit, &lines);
        assert_eq!((line(&verdict), letter), ("verified-author uid-binding".to_owned(), "G".to_owned()), "{name} by {authority}");
        assert_eq!((facts.crypto, facts.algo, facts.key_time), (Crypto::Good, Some(Algo::Ok), Some(KeyTime::Valid)));
        let fingerprint = must(std::process::Command::new("ssh-keygen").arg("-lf").arg(ssh.path(name).with_extension("pub")), b"");
        assert!(String::from_utf8(fingerprint).unwrap().contains(&format!(" {} ", facts.key.unwrap())), "the certified key is named");
    }
}

#[test]
fn t43_a_commit_that_git_itself_signs_by_certificate_is_its_authors() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, _) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    ssh.certify("ca", "alice", NAMED);
    let mut command = repository.git();
    command.args(["-c", "gpg.format=ssh", "-c", "user.name=Alice", "-c", "user.email=alice@example.com", "-c"]);
    command.arg(format!("user.signingKey={}", ssh.path("alice-cert.pub").display()));
    command.envs([("GIT_AUTHOR_DATE", "1740830400 +0000"), ("GIT_COMMITTER_DATE", "1740830400 +0000")]);
    must(command.args(["commit", "--quiet", "--allow-empty", "-S", "-m", "A commit"]), b"");
    let commit = repository.commit(must(repository.git().args(["cat-file", "commit", "HEAD"]), b""));
    let lines = format!("alice@example.com cert-authority {ca}\n");
    assert_eq!((ours(&commit, &lines), git(&repository, &commit, &lines)), ("verified-author uid-binding".to_owned(), "G".to_owned()));
}

#[test]
fn t44_a_certificate_speaks_only_for_whom_it_names_and_the_line_lets_through() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, alice) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    for (principals, lines, verdict, letter) in [
        ("alice@example.com,eve@evil.org", "*@example.com cert-authority CA", "verified-author uid-binding", "G"),
        ("bob@example.com", "*@example.com cert-authority CA", "signed-untrusted identity-mismatch", "G"),
        ("alice@example.com", "*@example.org cert-authority CA", "signed-untrusted principal-not-allowed", "U"),
        // git is told of the principal all the same, and fails on it afterwards.
        ("alice@example.com", "!alice@example.com,*@example.com cert-authority CA", "signed-untrusted principal-not-allowed", "B"),
        // A name in a certificate is no pattern.
        ("*@example.com", "*@example.com cert-authority CA", "signed-untrusted identity-mismatch", "G"),
        ("alice", "* cert-authority CA", "signed-untrusted key-without-email", "G"),
        ("alice@example.com", "*@example.com CA", "signed-untrusted unknown-key unknown-authority", "U"),
        // A line for the key itself says nothing of its certificates.
        ("alice@example.com", "alice@example.com KEY", "signed-untrusted unknown-key unknown-authority", "U"),
        ("alice@example.com", "*@example.com cert-authority,namespaces=\"git\" CA", "verified-author uid-binding", "G"),
        ("alice@example.com", "*@example.com cert-authority,namespaces=\"file\" CA", "invalid wrong-namespace", "B"),
        ("alice@example.com", "*@example.com cert-authority,valid-before=\"20250201Z\" CA", "signed-untrusted outside-window", "U"),
        (
            "alice@example.com",
            "*@example.com cert-authority,valid-before=\"20250401Z\" CA",
            "claimed-time-only key-expired-since uid-binding",
            "G",
        ),
    ] {
        ssh.certify("ca", "alice", &["-n", principals]);
        let lines = format!("{}\n", lines.replace("CA", &ca).replace("KEY", &alice));
        let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
        assert_eq!(
            (ours(&commit, &lines).as_str(), git(&repository, &commit, &lines).as_str()),
            (verdict, letter),
            "{principals}: {lines}"
        );
    }
    let lines = format!("*@example.com cert-authority {ca}\n");
    ssh.certify("ca", "alice", &["-n", "bob@example.com"]);
    assert_eq!(ours(&ssh.commit_certified(&repository, "alice", ALICE, BOB), &lines), "verified-committer uid-binding");
}

#[test]
fn a_certificate_that_is_not_for_this_is_refused_even_where_ssh_keygen_takes_it() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, _) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    let lines = format!("alice@example.com cert-authority {ca}\n");
    for (more, verdict, letter) in [
        (&["-h", "-n", "alice@example.com"][..], "signed-untrusted not-a-user-certificate", "U"),
        (&[], "signed-untrusted certificate-without-principals", "U"),
        // ssh-keygen heeds no critical option where it verifies.
        (&["-n", "alice@example.com", "-O", "critical:site@example.com=x"], "signed-untrusted unknown-critical-option", "G"),
        (&["-n", "alice@example.com", "-O", "verify-required"], "signed-untrusted no-user-verification", "G"),
        (&["-n", "alice@example.com", "-O", "force-command=/bin/true"], "verified-author uid-binding", "G"),
        (&["-n", "alice@example.com", "-O", "extension:site@example.com=x"], "verified-author uid-binding", "G"),
    ] {
        ssh.certify("ca", "alice", more);
        let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
        assert_eq!((ours(&commit, &lines).as_str(), git(&repository, &commit, &lines).as_str()), (verdict, letter), "{more:?}");
    }
}

#[test]
fn t46_a_weak_authority_certifies_nobody() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    ssh.key("alice", &["ed25519"]);
    for (name, kind, more) in [("short", &["rsa", "-b", "1024"][..], &[][..]), ("sha1", &["rsa", "-b", "3072"], &["-t", "ssh-rsa"])] {
        let lines = format!("alice@example.com cert-authority {}\n", ssh.key(name, kind));
        ssh.certify(name, "alice", &[NAMED, more].concat());
        let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
        let (facts, verdict) = judge(&ssh_keyring(&lines), &commit);
        assert_eq!(
            (line(&verdict), git(&repository, &commit, &lines)),
            ("invalid weak-algorithm weak-authority".to_owned(), "G".to_owned()),
            "{name}"
        );
        assert_eq!(facts.algo, Some(Algo::Weak));
    }
}

#[test]
fn a_certificate_that_the_authority_did_not_sign_is_bad() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, _) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    ssh.certify("ca", "alice", &["-n", "mallo@example.com"]);
    let lines = format!("alice@example.com cert-authority {ca}\n");
    let payload = repository.payload(ALICE, ALICE);
    let bytes = dearmor(&ssh.sign_certified("alice", &payload));
    let at = bytes.windows(5).position(|window| window == b"mallo").unwrap();
    let forged = [&bytes[..at], b"alice", &bytes[at + 5..]].concat();
    let commit = repository.commit(signed(&payload, "gpgsig", &armor("SSH SIGNATURE", &forged)));
    assert_eq!(ours(&commit, &lines), "invalid bad-signature bad-certificate-signature");
    assert_ne!(git(&repository, &commit, &lines), "G");
}

#[test]
fn no_changed_byte_of_a_certified_signature_verifies_or_panics() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, _) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    ssh.certify("ca", "alice", NAMED);
    let keyring = ssh_keyring(&format!("alice@example.com cert-authority {ca}\n"));
    let payload = repository.payload(ALICE, ALICE);
    let bytes = dearmor(&ssh.sign_certified("alice", &payload));
    let mut commit = repository.commit(payload.clone());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        commit.raw = signed(&payload, "gpgsig", &armor("SSH SIGNATURE", &changed)).into_bytes().into();
        assert_ne!(judge(&keyring, &commit).0.crypto, Crypto::Good, "byte {at}");
    }
}

#[test]
fn an_authority_does_not_name_whom_a_key_of_his_own_speaks_for() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, bob) = (ssh.key("ca", &["ed25519"]), ssh.key("bob", &["ed25519"]));
    ssh.key("alice", &["ed25519"]);
    ssh.certify("ca", "alice", NAMED);
    let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
    let lines = format!("*@example.com cert-authority {ca}\nalice@example.com {bob}\n");
    assert_eq!(ours(&commit, &lines), "signed-untrusted email-on-two-keys");
    let rotated = format!("*@example.com cert-authority {ca}\nalice@example.com valid-before=\"20250101Z\" {bob}\n");
    assert_eq!(ours(&commit, &rotated), "verified-author uid-binding");
    let twice = format!("*@example.com cert-authority {ca}\nalice@example.com cert-authority {ca}\n");
    assert_eq!(ours(&commit, &twice), "verified-author uid-binding");
}

#[test]
fn a_certificate_ends_before_its_last_second_for_ssh_keygen_and_for_us() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let (ca, _) = (ssh.key("ca", &["ed25519"]), ssh.key("alice", &["ed25519"]));
    let lines = format!("alice@example.com cert-authority {ca}\n");
    let payload = repository.payload(ALICE, ALICE);
    let committed = "2025-03-01T12:00:00Z".parse().unwrap();
    for (window, open) in [
        ("20250301120000:20270101", true),
        ("20250301120001:20270101", false),
        ("20250101:20250301120000", false),
        ("20250101:20250301120001", true),
    ] {
        ssh.certify("ca", "alice", &[NAMED, &["-V", window]].concat());
        let armor = ssh.sign_certified("alice", &payload);
        assert_eq!(keygen(&lines, "alice@example.com", &armor, &payload, "20250301120000Z"), open, "{window}");
        let commit = repository.commit(signed(&payload, "gpgsig", &armor));
        let (facts, _) = judge_at(&ssh_keyring(&lines), &commit, committed);
        assert_eq!(facts.key_time == Some(KeyTime::Valid), open, "{window}");
    }
}
