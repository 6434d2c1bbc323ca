//! The cases of signatures that git, gpg and every tool around them judge differently, with git's letter beside ours.

use std::path::PathBuf;
use std::process::Command;

use kubewitness::attribute::commit_verdict;
use kubewitness::keyring::{Error, Forge, Keyring, Settings};
use kubewitness::model::attribution::{Algo, Crypto, KeyTime};
use kubewitness::model::commit::Commit;

use crate::fixture::{
    ALICE, BOB, Files, Gpg, Repository, armor, dearmor, gpgsig, judge, judge_at, line, must, now, openpgp_keyring, run, signed, verify,
};

/// A commit that is signed by a key on a day.
fn commit(repository: &Repository, gpg: &Gpg, (key, day): (&str, &str), author: &str, committer: &str) -> Commit {
    let payload = repository.payload(author, committer);
    repository.commit(signed(&payload, "gpgsig", &gpg.sign(day, key, &[], payload.as_bytes())))
}

fn letter(repository: &Repository, gpg: &Gpg, commit: &Commit) -> String {
    repository.letter(commit, &[], Some(gpg.home()))
}

/// Our verdict with its reasons, and git's letter.
fn both(repository: &Repository, gpg: &Gpg, keyring: &Keyring, commit: &Commit) -> (String, String) {
    (line(&judge(keyring, commit).1), letter(repository, gpg, commit))
}

#[track_caller]
fn assert_both(found: (String, String), ours: &str, git: &str) {
    assert_eq!(found, (ours.to_owned(), git.to_owned()));
}

#[test]
fn t01_the_authors_own_key() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let fingerprint = gpg.key(ALICE, "ed25519");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let (facts, verdict) = judge(&openpgp_keyring(&gpg.export(&[])), &commit);
    assert_both((line(&verdict), letter(&repository, &gpg, &commit)), "verified-author uid-binding", "G");
    assert_eq!((facts.crypto, facts.algo, facts.key_time), (Crypto::Good, Some(Algo::Ok), Some(KeyTime::Valid)));
    assert_eq!((facts.key, facts.signer.as_deref()), (Some(fingerprint), Some(ALICE)));
    assert_eq!(facts.time.unwrap().to_rfc3339(), "2025-03-01T12:00:00+00:00");
}

#[test]
fn t03_no_signature() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let commit = repository.commit(repository.payload(ALICE, ALICE));
    assert_both(both(&repository, &gpg, &openpgp_keyring(&gpg.export(&[])), &commit), "unsigned", "N");
}

#[test]
fn t04_and_t05_bobs_key_speaks_for_bob_alone() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    gpg.key(BOB, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let forged = commit(&repository, &gpg, (BOB, "20250301"), ALICE, ALICE);
    assert_both(both(&repository, &gpg, &keyring, &forged), "signed-untrusted identity-mismatch", "G");
    assert_eq!(judge(&keyring, &forged).0.signer.as_deref(), Some(BOB));
    let picked = commit(&repository, &gpg, (BOB, "20250301"), ALICE, BOB);
    assert_both(both(&repository, &gpg, &keyring, &picked), "verified-committer uid-binding", "G");
}

#[test]
fn t06_every_user_id_in_force_counts_and_no_revoked_one() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = gpg.key(ALICE, "ed25519");
    let (work, old) = ("Alice at work <alice@Work.example>", "Alice before <alice@old.example>");
    for user_id in [work, old] {
        must(gpg.at("20250102").args(["--quick-add-uid", &key, user_id]), b"");
    }
    must(gpg.at("20250103").args(["--quick-revoke-uid", &key, old]), b"");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let at_work = commit(&repository, &gpg, (ALICE, "20250301"), work, work);
    assert_both(both(&repository, &gpg, &keyring, &at_work), "verified-author uid-binding", "G");
    assert_eq!(judge(&keyring, &at_work).0.signer.as_deref(), Some(work));
    let before = commit(&repository, &gpg, (ALICE, "20250301"), old, old);
    assert_both(both(&repository, &gpg, &keyring, &before), "signed-untrusted identity-mismatch", "G");
    assert_eq!(judge(&keyring, &before).0.emails, ["alice@example.com", "alice@work.example"]);
}

#[test]
fn t07_a_user_id_that_somebody_else_has_too_binds_neither() {
    let (repository, gpg, mallory) = (Repository::new(), Gpg::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    mallory.key("Mallory <mallory@example.com>", "ed25519");
    must(mallory.at("20250102").args(["--quick-add-uid", "mallory@example.com", ALICE]), b"");
    let keyring = openpgp_keyring(&[gpg.export(&[]), mallory.export(&[])].concat());
    let forged = commit(&repository, &mallory, ("mallory@example.com", "20250301"), ALICE, ALICE);
    assert_both(both(&repository, &mallory, &keyring, &forged), "signed-untrusted email-on-two-keys", "G");
    let own = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    assert_both(both(&repository, &gpg, &keyring, &own), "signed-untrusted email-on-two-keys", "G");
    let facts = judge(&keyring, &own).0;
    assert_eq!(
        (facts.emails.len(), facts.contested, facts.reasons),
        (0, vec!["alice@example.com".to_owned()], vec!["email-on-two-keys".to_owned()])
    );
}

#[test]
fn the_same_key_in_two_files_is_one_key() {
    let (repository, gpg, files) = (Repository::new(), Gpg::new(), Files::new());
    gpg.key(ALICE, "ed25519");
    let binary = must(gpg.at("20250101").arg("--export"), b"");
    let openpgp = vec![files.write("a.asc", gpg.export(&[])), files.write("b.gpg", binary)];
    let keyring = Keyring::open(&Settings { openpgp, ..Settings::default() }).unwrap();
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    assert_both(both(&repository, &gpg, &keyring, &commit), "verified-author uid-binding", "G");
}

#[test]
fn t08_a_digest_that_can_be_forged() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "rsa2048");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    let sha1 = gpg.sign("20250301", ALICE, &["--digest-algo", "SHA1"], payload.as_bytes());
    let weak = repository.commit(signed(&payload, "gpgsig", &sha1));
    assert_both(both(&repository, &gpg, &keyring, &weak), "invalid weak-algorithm weak-digest", "G");
    assert_eq!(judge(&keyring, &weak).0.algo, Some(Algo::Weak));
    let strong = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    assert_both(both(&repository, &gpg, &keyring, &strong), "verified-author uid-binding", "G");
}

#[test]
fn t46_a_key_that_can_be_broken() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "rsa1024");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    assert_both(both(&repository, &gpg, &openpgp_keyring(&gpg.export(&[])), &commit), "invalid weak-algorithm weak-key", "G");
}

#[test]
fn t09_a_signature_over_text_survives_changed_line_ends() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let payload = repository.payload(ALICE, ALICE);
    let text = gpg.sign("20250301", ALICE, &["--textmode"], payload.as_bytes());
    let changed = repository.commit(signed(&payload.replace("A commit\n", "A commit\r\n"), "gpgsig", &text));
    let keyring = openpgp_keyring(&gpg.export(&[]));
    assert_both(both(&repository, &gpg, &keyring, &changed), "invalid malformed-signature signature-class", "G");
}

#[test]
fn t10_and_t11_a_changed_commit_is_bad() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    let armor = gpg.sign("20250301", ALICE, &[], payload.as_bytes());
    let parent = format!("\nparent {}\nauthor", repository.commit(repository.payload(BOB, BOB)).id);
    for changed in [
        payload.replace("A commit", "B commit"),
        payload.replace("\nauthor", &parent),
        payload.replace(ALICE, BOB),
        payload.replace("\n\n", "\nx-extra 1\n\n"),
    ] {
        let changed = repository.commit(signed(&changed, "gpgsig", &armor));
        assert_both(both(&repository, &gpg, &keyring, &changed), "invalid bad-signature", "B");
    }
}

#[test]
fn t12_to_t15_and_t19_headers_that_git_does_not_write() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    let good = gpgsig("gpgsig", &gpg.sign("20250301", ALICE, &[], payload.as_bytes()));
    let junk = gpgsig("gpgsig", "-----BEGIN PGP SIGNATURE-----\n\njunk\n-----END PGP SIGNATURE-----\n");
    let (head, message) = payload.split_once("\n\n").unwrap();
    let (tree, people) = head.split_once('\n').unwrap();
    let with = |before: &str, after: &str| repository.commit(format!("{tree}\n{before}{people}\n{after}\n{message}"));
    for (commit, reason, git) in [
        (with("", &format!("{good}{good}")), "multiple-signatures", "E"),
        (with("", &format!("{junk}{good}")), "multiple-signatures", "N"),
        (with("", &format!("{good}{junk}")), "multiple-signatures", "G"),
        (with("", &format!("{good}{}", good.replace("gpgsig ", "gpgsig-sha256 "))), "foreign-signature-header", "G"),
        (with("", &format!("{good}gpgsigfoo bar\n")), "foreign-signature-header", "G"),
        (with(&good, ""), "misplaced-signature", "G"),
    ] {
        assert_both(both(&repository, &gpg, &keyring, &commit), &format!("invalid malformed-signature {reason}"), git);
    }
}

#[test]
fn t16_what_is_not_signed_of_a_signature_changes_the_id_and_nothing_else() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    let original = gpg.sign("20250301", ALICE, &[], payload.as_bytes());
    let commented = original.replacen("\n\n", "\nComment: hello\nVersion: 1\n\n", 1);
    let extended = armor("PGP SIGNATURE", &with_unhashed(&dearmor(&original)));
    let commits: Vec<_> =
        [original, commented, extended].iter().map(|armor| repository.commit(signed(&payload, "gpgsig", armor))).collect();
    assert!(commits[0].id != commits[1].id && commits[1].id != commits[2].id);
    for commit in &commits {
        assert_both(both(&repository, &gpg, &keyring, commit), "verified-author uid-binding", "G");
    }
    let other = repository.payload(ALICE, ALICE).replace("A commit", "Another");
    let other = repository.commit(signed(&other, "gpgsig", &gpg.sign("20250301", ALICE, &[], other.as_bytes())));
    let (signatures, gaps) = verify(&keyring, &[&commits[..], std::slice::from_ref(&other)].concat(), now());
    assert_eq!(gaps, []);
    let evidence: std::collections::BTreeSet<_> = signatures.values().map(|facts| facts.evidence.clone()).collect();
    assert_eq!(evidence.len(), 2, "three commits have one evidence, another commit has its own");
    for (commit, expected) in [(&commits[0], "verified-author uid-binding oid-malleable"), (&other, "verified-author uid-binding")] {
        let facts = &signatures[&("fleet".to_owned(), commit.id.clone())];
        assert_eq!(line(&commit_verdict(commit, facts)), expected);
    }
}

/// The same signature with one more subpacket in its unsigned part (a private type, no content).
fn with_unhashed(packet: &[u8]) -> Vec<u8> {
    let (head, body) = packet.split_at(2);
    let hashed = 6 + usize::from(u16::from_be_bytes([body[4], body[5]]));
    let unhashed = u16::from_be_bytes([body[hashed], body[hashed + 1]]);
    let mut changed = vec![head[0], head[1] + 2];
    changed.extend_from_slice(&body[..hashed]);
    changed.extend_from_slice(&(unhashed + 2).to_be_bytes());
    changed.extend_from_slice(&[1, 100]);
    changed.extend_from_slice(&body[hashed + 2..]);
    changed
}

#[test]
fn t17_two_signatures_in_one_are_none() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    gpg.key(BOB, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    for second in [ALICE, BOB] {
        let first = dearmor(&gpg.sign("20250301", ALICE, &[], payload.as_bytes()));
        let joined = armor("PGP SIGNATURE", &[first, dearmor(&gpg.sign("20250301", second, &[], payload.as_bytes()))].concat());
        let commit = repository.commit(signed(&payload, "gpgsig", &joined));
        assert_both(both(&repository, &gpg, &keyring, &commit), "invalid malformed-signature multiple-signatures", "E");
    }
}

#[test]
fn t18_one_unreadable_signature_does_not_stop_the_others() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let payload = repository.payload(ALICE, ALICE);
    let junk = repository.commit(signed(&payload, "gpgsig", "hello"));
    let x509 = repository.commit(signed(&payload, "gpgsig", "-----BEGIN SIGNED MESSAGE-----\nMII=\n-----END SIGNED MESSAGE-----\n"));
    let good = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let (signatures, gaps) = verify(&openpgp_keyring(&gpg.export(&[])), &[junk.clone(), x509.clone(), good.clone()], now());
    let crypto = |commit: &Commit| signatures[&("fleet".to_owned(), commit.id.clone())].crypto;
    assert_eq!((crypto(&junk), crypto(&x509), crypto(&good)), (Crypto::Malformed, Crypto::Malformed, Crypto::Good));
    assert_eq!(gaps, []);
    assert_eq!(letter(&repository, &gpg, &junk), "exit 128");
}

#[test]
fn t20_an_unknown_key_is_named_as_it_claims() {
    let (repository, gpg, other) = (Repository::new(), Gpg::new(), Gpg::new());
    let fingerprint = gpg.key(ALICE, "ed25519");
    other.key(BOB, "ed25519");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    for keyring in [openpgp_keyring(&other.export(&[])), Keyring::open(&Settings::default()).unwrap()] {
        let (facts, verdict) = judge(&keyring, &commit);
        assert_both((line(&verdict), letter(&repository, &other, &commit)), "unverifiable unknown-key", "E");
        assert_eq!((facts.key.as_ref(), facts.algo, facts.key_time), (Some(&fingerprint), None, None));
    }
}

#[test]
fn t21_to_t23_times_that_a_signature_cannot_have() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    let early = ["--ignore-time-conflict", "--ignore-valid-from"];
    for (day, more, ours, git) in [
        ("20250301", &["--default-sig-expire", "30d"][..], "claimed-time-only signature-expired uid-binding", "X"),
        ("20300101", &[], "invalid signature-in-the-future time-anomaly", "G"),
        ("20240101", &early, "invalid signature-older-than-key time-anomaly", "E"),
    ] {
        let commit = repository.commit(signed(&payload, "gpgsig", &gpg.sign(day, ALICE, more, payload.as_bytes())));
        assert_both(both(&repository, &gpg, &keyring, &commit), ours, git);
    }
}

#[test]
fn t24_t25_and_t27_expiry_is_judged_by_the_time_of_the_signature() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = gpg.key(ALICE, "ed25519");
    let before = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let after = commit(&repository, &gpg, (ALICE, "20250901"), ALICE, ALICE);
    must(gpg.at("20250302").args(["--quick-set-expire", &key, "3m"]), b"");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    assert_both(both(&repository, &gpg, &keyring, &before), "claimed-time-only key-expired-since uid-binding", "Y");
    assert_both(both(&repository, &gpg, &keyring, &after), "invalid key-expired-before-signature time-anomaly", "Y");
    let (facts, _) = judge_at(&keyring, &before, "2025-04-01T00:00:00Z".parse().unwrap());
    assert_eq!(facts.key_time, Some(KeyTime::Valid));
    must(gpg.at("20250303").args(["--quick-set-expire", &key, "never"]), b"");
    let extended = openpgp_keyring(&gpg.export(&[]));
    assert_both(both(&repository, &gpg, &extended, &before), "verified-author uid-binding", "G");
}

/// A key that only certifies, with a subkey that signs.
fn key_with_subkey(gpg: &Gpg, life: &str) -> String {
    must(gpg.at("20250101").args(["--quick-generate-key", ALICE, "ed25519", "cert", "never"]), b"");
    let key = gpg.fingerprints(ALICE).remove(0);
    must(gpg.at("20250101").args(["--quick-add-key", &key, "ed25519", "sign", life]), b"");
    key
}

#[test]
fn t26_an_expired_subkey_of_a_key_in_force() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = key_with_subkey(&gpg, "6m");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let keyring = openpgp_keyring(&gpg.export(&[]));
    assert_both(both(&repository, &gpg, &keyring, &commit), "claimed-time-only key-expired-since uid-binding", "Y");
    assert_eq!(judge(&keyring, &commit).0.key, Some(key));
}

#[test]
fn t31_a_revoked_subkey_of_a_key_in_force() {
    // The editor's choices: 0 no reason, 1 compromised, 2 superseded, 3 no longer used.
    for (choice, ours) in [("1", "invalid key-revoked"), ("3", "claimed-time-only key-retired-since uid-binding")] {
        let (repository, gpg) = (Repository::new(), Gpg::new());
        key_with_subkey(&gpg, "never");
        let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
        gpg.edit("20250601", ALICE, &["key 1", "revkey", "y", choice, "", "y", "save"]);
        must(gpg.at("20250602").args(["--quick-add-key", &gpg.fingerprints(ALICE)[0], "ed25519", "sign", "never"]), b"");
        let keyring = openpgp_keyring(&gpg.export(&[]));
        assert_both(both(&repository, &gpg, &keyring, &commit), ours, "R");
        let later = self::commit(&repository, &gpg, (ALICE, "20250701"), ALICE, ALICE);
        assert_both(both(&repository, &gpg, &keyring, &later), "verified-author uid-binding time-anomaly", "G");
    }
}

#[test]
fn t28_to_t30_the_reason_of_a_revocation_decides_what_it_reaches_back_to() {
    for (choice, before, after) in [
        ("0", "invalid key-revoked", "invalid key-revoked time-anomaly"),
        ("1", "invalid key-revoked", "invalid key-revoked time-anomaly"),
        ("2", "claimed-time-only key-retired-since uid-binding", "invalid key-retired-before-signature time-anomaly"),
        ("3", "claimed-time-only key-retired-since uid-binding", "invalid key-retired-before-signature time-anomaly"),
    ] {
        let (repository, gpg) = (Repository::new(), Gpg::new());
        gpg.key(ALICE, "ed25519");
        let early = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
        let late = commit(&repository, &gpg, (ALICE, "20250901"), ALICE, ALICE);
        gpg.edit("20250601", ALICE, &["revkey", "y", choice, "", "y", "save"]);
        let keyring = openpgp_keyring(&gpg.export(&[]));
        assert_both(both(&repository, &gpg, &keyring, &early), before, "R");
        assert_both(both(&repository, &gpg, &keyring, &late), after, "R");
    }
}

#[test]
fn a_rotated_key_keeps_its_owner() {
    let (repository, old, new) = (Repository::new(), Gpg::new(), Gpg::new());
    old.key(ALICE, "ed25519");
    new.key(ALICE, "ed25519");
    let commits = [(&old, "20250301"), (&new, "20250901")].map(|(gpg, day)| commit(&repository, gpg, (ALICE, day), ALICE, ALICE));
    old.edit("20250601", ALICE, &["revkey", "y", "2", "", "y", "save"]);
    let keyring = openpgp_keyring(&[old.export(&[]), new.export(&[])].concat());
    let verdicts = commits.map(|commit| line(&judge(&keyring, &commit).1));
    assert_eq!(verdicts, ["claimed-time-only key-retired-since email-on-two-keys", "verified-author uid-binding time-anomaly"]);
}

#[test]
fn t47_a_forge_attests_what_it_committed_and_binds_nobody() {
    let (repository, gpg, files) = (Repository::new(), Gpg::new(), Files::new());
    let forge = "GitHub <noreply@github.com>";
    gpg.key(forge, "ed25519");
    gpg.key(ALICE, "ed25519");
    let key = files.write("web-flow.asc", gpg.export(&["noreply@github.com"]));
    let forges = vec![Forge { name: "github".to_owned(), openpgp: vec![key], committer: "noreply@GitHub.com".to_owned() }];
    let openpgp = vec![files.write("keys.asc", gpg.export(&[]))];
    let keyring = Keyring::open(&Settings { openpgp, forges, ..Settings::default() }).unwrap();
    let merged = commit(&repository, &gpg, (forge, "20250301"), ALICE, forge);
    assert_both(both(&repository, &gpg, &keyring, &merged), "forge-attested forge-key", "G");
    assert_eq!(judge(&keyring, &merged).0.forge.as_deref(), Some("github"));
    let own = commit(&repository, &gpg, (forge, "20250301"), forge, ALICE);
    assert_both(both(&repository, &gpg, &keyring, &own), "signed-untrusted forge-committer-mismatch", "G");
    let alices = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, forge);
    assert_both(both(&repository, &gpg, &keyring, &alices), "verified-author uid-binding", "G");
}

#[test]
fn t63_a_repository_of_sha256() {
    let (repository, gpg) = (Repository::with_hash("sha256"), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let payload = repository.payload(ALICE, ALICE);
    let commit = repository.commit(signed(&payload, "gpgsig-sha256", &gpg.sign("20250301", ALICE, &[], payload.as_bytes())));
    assert_both(both(&repository, &gpg, &openpgp_keyring(&gpg.export(&[])), &commit), "verified-author uid-binding", "G");
}

#[test]
fn gits_own_signed_commits_verify() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = gpg.key(ALICE, "ed25519");
    let mut command = repository.git();
    command.env("GNUPGHOME", gpg.home()).args(["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]);
    must(command.args(["commit", "--quiet", "--allow-empty", "-m", "By git", &format!("--gpg-sign={key}")]), b"");
    let raw = must(repository.git().args(["cat-file", "commit", "HEAD"]), b"");
    let commit = repository.commit(raw);
    let (_, verdict) = judge_at(&openpgp_keyring(&gpg.export(&[])), &commit, std::time::SystemTime::now().into());
    assert_eq!(line(&verdict), "verified-author uid-binding");
}

#[test]
fn a_commit_of_two_sources_is_judged_for_both() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let here = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let there = Commit { source: "other".to_owned(), ..here.clone() };
    let (signatures, gaps) = verify(&openpgp_keyring(&gpg.export(&[])), &[here, there], now());
    assert_eq!((signatures.len(), gaps.len()), (2, 0));
    assert!(signatures.values().all(|facts| facts.crypto == Crypto::Good));
}

#[test]
fn a_hundred_signatures_on_several_threads_are_each_their_own() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    gpg.key(BOB, "ed25519");
    let commits: Vec<_> = (0..100)
        .map(|number| {
            let payload = repository.payload(ALICE, ALICE).replace("A commit", &format!("Commit {number}"));
            let mut armor = gpg.sign("20250301", if number % 3 == 0 { BOB } else { ALICE }, &[], payload.as_bytes());
            if number % 7 == 0 {
                armor = gpg.sign("20250301", ALICE, &[], b"something else");
            }
            repository.commit(signed(&payload, "gpgsig", &armor))
        })
        .collect();
    let (signatures, gaps) = verify(&openpgp_keyring(&gpg.export(&[])), &commits, now());
    assert_eq!(gaps, []);
    for (number, commit) in commits.iter().enumerate() {
        let facts = &signatures[&("fleet".to_owned(), commit.id.clone())];
        let expected = if number % 7 == 0 { (Crypto::Bad, ALICE) } else { (Crypto::Good, if number % 3 == 0 { BOB } else { ALICE }) };
        assert_eq!((facts.crypto, facts.signer.as_deref()), (expected.0, Some(expected.1)), "{number}");
    }
}

#[test]
fn nothing_of_gnupg_runs_on_and_no_home_is_left() {
    let gpg = Gpg::new();
    gpg.key(ALICE, "ed25519");
    let (repository, files) = (Repository::new(), Files::new());
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let keys = files.write("keys.asc", gpg.export(&[]));
    let keyring = Keyring::open(&Settings { openpgp: vec![keys], ..Settings::default() }).unwrap();
    assert_eq!(judge(&keyring, &commit).0.crypto, Crypto::Good);
    let home = home(&keyring);
    assert!(home.is_dir());
    let open = run(Command::new("find").arg(&home).args(["-name", "S.*"]), b"").stdout;
    assert_eq!(String::from_utf8(open).unwrap(), "", "no agent has a socket there");
    let running = run(Command::new("ps").args(["-eo", "args"]), b"").stdout;
    assert!(!String::from_utf8_lossy(&running).contains(home.to_str().unwrap()));
    drop(keyring);
    assert!(!home.exists());
}

#[test]
fn junk_in_a_signature_never_verifies_and_breaks_nothing() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let payload = repository.payload(ALICE, ALICE);
    let bytes = dearmor(&gpg.sign("20250301", ALICE, &[], payload.as_bytes()));
    let mut template = repository.commit(payload.clone());
    let commits: Vec<_> = (0..bytes.len())
        .map(|at| {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            template.id = kubewitness::model::commit::CommitId::new(format!("{at:040x}"));
            template.raw = signed(&payload, "gpgsig", &armor("PGP SIGNATURE", &changed)).into_bytes().into();
            template.clone()
        })
        .collect();
    let (signatures, gaps) = verify(&keyring, &commits, now());
    assert_eq!(gaps, []);
    let hashed = 8 + usize::from(u16::from_be_bytes([bytes[6], bytes[7]]));
    let unhashed = hashed..hashed + 2 + usize::from(u16::from_be_bytes([bytes[hashed], bytes[hashed + 1]]));
    // After the unsigned part stand two bytes of the digest, a hint that GnuPG does not check.
    let free = unhashed.start..unhashed.end + 2;
    for (at, facts) in signatures.values().enumerate() {
        assert!(facts.crypto != Crypto::Good || free.contains(&at), "byte {at} is signed");
    }
}

/// The private home of a keyring, as its `Debug` names it.
fn home(keyring: &Keyring) -> PathBuf {
    format!("{keyring:?}").split('"').find(|text| text.starts_with('/')).map(PathBuf::from).expect("Debug names the home")
}

#[test]
fn a_signature_that_gnupg_cannot_judge_is_not_evaluated_and_has_no_facts() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let broken = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let unsigned = repository.commit(repository.payload(ALICE, ALICE));
    let keyring = openpgp_keyring(&gpg.export(&[]));
    std::fs::remove_file(home(&keyring).join("pubring.kbx")).unwrap();
    let (signatures, gaps) = verify(&keyring, &[broken.clone(), unsigned.clone()], now());
    assert_eq!(signatures.keys().map(|(_, id)| id).collect::<Vec<_>>(), [&unsigned.id]);
    assert_eq!((gaps.len(), gaps[0].reason.as_str()), (1, "not verified"));
    assert!(gaps[0].subject.contains(broken.id.as_str()) && gaps[0].detail.is_some());
}

#[test]
fn a_key_file_that_cannot_be_used_is_an_error_that_names_it() {
    let (gpg, files) = (Gpg::new(), Files::new());
    gpg.key(ALICE, "ed25519");
    let secret = must(gpg.at("20250101").args(["--armor", "--export-secret-keys"]), b"");
    let binary_secret = must(gpg.at("20250101").arg("--export-secret-keys"), b"");
    let open = |path| Keyring::open(&Settings { openpgp: vec![path], ..Settings::default() }).unwrap_err();
    for (name, error) in [
        ("missing.asc", open(PathBuf::from("missing.asc"))),
        ("empty.asc", open(files.write("empty.asc", ""))),
        ("junk.asc", open(files.write("junk.asc", "no key"))),
        ("secret.asc", open(files.write("secret.asc", secret))),
        ("secret.gpg", open(files.write("secret.gpg", binary_secret))),
    ] {
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(matches!(error, Error::SecretKey { .. }), name.starts_with("secret"), "{error}");
        assert_eq!(matches!(error, Error::Read { .. }), name == "missing.asc");
    }
}

#[test]
fn the_digest_is_that_of_the_keys_and_what_they_are_for() {
    let files = Files::new();
    let (one, two) = (files.write("one", "# one\n"), files.write("two", "# two\n"));
    let same = files.write("same", "# one\n");
    let digest = |ssh: &[&PathBuf]| {
        Keyring::open(&Settings { ssh: ssh.iter().map(|path| (*path).clone()).collect(), ..Settings::default() }).unwrap().digest()
    };
    assert_eq!(digest(&[&one, &two]), digest(&[&two, &same]));
    assert_ne!(digest(&[&one]), digest(&[&two]));
    assert!(digest(&[]).starts_with("sha256:") && digest(&[]).len() == 71);
}

#[test]
fn t32_a_subkey_that_may_not_sign_or_that_did_not_agree_signs_nothing() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = key_with_subkey(&gpg, "never");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let taken = without_back_signature(&must(gpg.at("20250101").arg("--export"), b""));
    let other = Gpg::new();
    must(other.at("20250302").arg("--import"), &taken);
    // The subkey never said that it is of this key: anybody can bind it to a key of theirs.
    let (signatures, gaps) = verify(&openpgp_keyring(&taken), std::slice::from_ref(&commit), now());
    assert_eq!((signatures.len(), gaps[0].reason.as_str()), (0, "not verified"));
    assert_eq!(letter(&repository, &other, &commit), "E");
    // The owner took its right to sign.
    gpg.edit("20250302", &key, &["key 1", "change-usage", "S", "A", "Q", "save"]);
    let keyring = openpgp_keyring(&gpg.export(&[]));
    assert_both(both(&repository, &gpg, &keyring, &commit), "invalid malformed-signature key-usage", "E");
}

/// The key without what its last subkey says of it: subpacket 32 in the unsigned part of the last signature.
fn without_back_signature(key: &[u8]) -> Vec<u8> {
    let mut packets = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        // gpg writes the old form, with one or two bytes of length.
        let (head, size) =
            if rest[0] & 3 == 0 { (2, usize::from(rest[1])) } else { (3, usize::from(u16::from_be_bytes([rest[1], rest[2]]))) };
        packets.push((rest[0] & 0x3c, &rest[head..head + size]));
        rest = &rest[head + size..];
    }
    let (_, binding) = packets.pop().unwrap();
    let hashed = 6 + usize::from(u16::from_be_bytes([binding[4], binding[5]]));
    let unhashed = usize::from(u16::from_be_bytes([binding[hashed], binding[hashed + 1]]));
    let (mut subpackets, mut kept) = (&binding[hashed + 2..hashed + 2 + unhashed], Vec::new());
    while !subpackets.is_empty() {
        let (one, after) = subpackets.split_at(1 + usize::from(subpackets[0]));
        if one[1] != 32 {
            kept.extend_from_slice(one);
        }
        subpackets = after;
    }
    assert!(kept.len() < unhashed, "there is one");
    let count = u16::try_from(kept.len()).unwrap().to_be_bytes();
    let changed = [&binding[..hashed], &count, &kept, &binding[hashed + 2 + unhashed..]].concat();
    let all = packets.into_iter().map(|(tag, body)| (tag, body.to_vec())).chain([(0x08, changed)]);
    all.flat_map(|(tag, body)| [&[0x81 | tag][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), &body].concat()).collect()
}

#[test]
fn t33_a_commit_that_claims_another_time_than_its_signature() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let payload = repository.payload(ALICE, ALICE).replace("1740830400", "1696118400");
    let commit = repository.commit(signed(&payload, "gpgsig", &gpg.sign("20250301", ALICE, &[], payload.as_bytes())));
    let keyring = openpgp_keyring(&gpg.export(&[]));
    assert_both(both(&repository, &gpg, &keyring, &commit), "verified-author uid-binding time-anomaly", "G");
    let (facts, _) = judge(&keyring, &commit);
    // Nothing hangs on the time of the commit.
    let apart = facts.time.unwrap() - commit.committer.time.unwrap().to_utc();
    assert_eq!((apart.num_days(), facts.key_time), (517, Some(KeyTime::Valid)));
}

#[test]
fn t49_a_forges_rebase_copies_commits_without_their_signatures() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let base = repository.commit(repository.payload(BOB, BOB));
    let git = || {
        let mut command = repository.git();
        command.args(["-c", "user.name=Forge", "-c", "user.email=noreply@github.com"]);
        command
    };
    must(git().args(["checkout", "--quiet", "--detach", base.id.as_str()]), b"");
    must(git().args(["cherry-pick", "--allow-empty", commit.id.as_str()]), b"");
    let copy = repository.commit(must(repository.git().args(["cat-file", "commit", "HEAD"]), b""));
    assert_eq!(copy.author, commit.author);
    assert_both(both(&repository, &gpg, &openpgp_keyring(&gpg.export(&[])), &copy), "unsigned", "N");
}

#[test]
fn t73_trailers_are_text_and_bind_nobody() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    gpg.key(BOB, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let trailers = format!("\nCo-authored-by: {ALICE}\nSigned-off-by: {ALICE}\nArgocd-reference-commit-author: {ALICE}\n");
    let mallory = "Mallory <mallory@example.com>";
    for (author, key, verdict) in [
        (mallory, Some(BOB), "signed-untrusted identity-mismatch"),
        (mallory, Some(ALICE), "signed-untrusted identity-mismatch"),
        (mallory, None, "unsigned"),
        (BOB, Some(BOB), "verified-author uid-binding"),
    ] {
        let payload = format!("{}{trailers}", repository.payload(author, author));
        let raw = match key {
            Some(key) => signed(&payload, "gpgsig", &gpg.sign("20250301", key, &[], payload.as_bytes())),
            None => payload,
        };
        let commit = repository.commit(raw);
        assert_both(both(&repository, &gpg, &keyring, &commit), verdict, if key.is_some() { "G" } else { "N" });
    }
}

#[test]
fn t83_a_key_that_leaves_the_keyring_takes_its_verdicts_with_it() {
    let (repository, gpg, other) = (Repository::new(), Gpg::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    other.key(BOB, "ed25519");
    let commit = commit(&repository, &gpg, (ALICE, "20250301"), ALICE, ALICE);
    let both_keys = openpgp_keyring(&[gpg.export(&[]), other.export(&[])].concat());
    let rest = openpgp_keyring(&other.export(&[]));
    assert_eq!(line(&judge(&both_keys, &commit).1), "verified-author uid-binding");
    assert_both((line(&judge(&rest, &commit).1), letter(&repository, &other, &commit)), "unverifiable unknown-key", "E");
    assert_ne!(both_keys.digest(), rest.digest());
}

#[test]
fn t53_a_tag_that_is_merged_signs_no_merge() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(BOB, "ed25519");
    let git = || {
        let mut command = repository.git();
        command.env("GNUPGHOME", gpg.home()).args(["-c", "user.name=Bob", "-c", "user.email=bob@example.com"]);
        command
    };
    must(git().args(["commit", "--quiet", "--allow-empty", "-m", "base"]), b"");
    must(git().args(["checkout", "--quiet", "-b", "side"]), b"");
    must(git().args(["commit", "--quiet", "--allow-empty", "-m", "side"]), b"");
    must(git().args(["tag", "--sign", "-m", "v1", "v1"]), b"");
    must(git().args(["checkout", "--quiet", "-"]), b"");
    must(git().args(["commit", "--quiet", "--allow-empty", "-m", "main"]), b"");
    must(git().args(["branch", "--move", "main"]), b"");
    must(git().args(["merge", "--quiet", "--no-edit", "v1"]), b"");
    let merge = repository.commit(must(repository.git().args(["cat-file", "commit", "HEAD"]), b""));
    let raw = String::from_utf8_lossy(&merge.raw).into_owned();
    assert!(raw.contains("\nmergetag object ") && raw.contains("\n -----BEGIN PGP SIGNATURE-----\n"), "{raw}");
    assert_both(both(&repository, &gpg, &openpgp_keyring(&gpg.export(&[])), &merge), "unsigned", "N");
}
