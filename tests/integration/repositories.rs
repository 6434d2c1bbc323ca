//! Repositories of tests are what git says they are: same script, same commits; signatures that git itself verifies.

use crate::harness::keys::{self, ALICE, BOB, CAROL};
use crate::harness::repository::{FIRST_COMMIT, Repository};

/// Two commits, both unsigned.
fn fleet() -> (Repository, [String; 2]) {
    let repository = Repository::new();
    let first = repository.write("apps/web.yaml", "kind: ConfigMap\n").commit(&ALICE, "Add web").unsigned();
    let second = repository.remove("apps/web.yaml").commit(&BOB, "Remove web").committed_by(&CAROL).unsigned();
    (repository, [first, second])
}

#[test]
fn the_same_script_makes_the_same_commits() {
    assert_eq!(fleet().1, fleet().1);
}

#[test]
fn author_committer_and_dates_are_as_the_script_says() {
    let (repository, [_, second]) = fleet();
    let shown = repository.git(["show", "--no-patch", "--format=%an|%ae|%at|%cn|%ce|%ct|%s", &second]).succeed();
    let later = FIRST_COMMIT + 3600;
    let expected = format!("{}|{}|{later}|{}|{}|{later}|Remove web\n", BOB.name, BOB.email, CAROL.name, CAROL.email);
    assert_eq!(shown, expected);
}

#[test]
fn git_verifies_an_openpgp_signature_at_the_time_of_its_commit() {
    let repository = Repository::new();
    let key = ALICE.openpgp();
    let commit = repository.write("a", "a").commit(&ALICE, "Signed").signed_by(&key);
    let verdict = repository.verify(&commit, &keys::allowed_signers_file(&[]));
    assert_eq!(verdict.status, Some(0), "{verdict:?}");
    let keys::Key::OpenPgp(fingerprint) = key else { panic!("an OpenPGP key was asked for") };
    let valid = format!("[GNUPG:] VALIDSIG {fingerprint} 2024-03-01 {FIRST_COMMIT} ");
    assert!(verdict.stderr.contains(&valid), "{verdict:?}");
}

#[test]
fn git_verifies_an_ssh_signature_only_for_an_allowed_signer() {
    let repository = Repository::new();
    let commit = repository.write("a", "a").commit(&BOB, "Signed").signed_by(&BOB.ssh());
    let allowed = repository.verify(&commit, &keys::allowed_signers_file(&[(BOB.email, BOB.ssh())]));
    assert_eq!(allowed.status, Some(0), "{allowed:?}");
    assert!(allowed.stderr.contains("Good \"git\" signature for bob@example.com"), "{allowed:?}");
    let unknown = repository.verify(&commit, &keys::allowed_signers_file(&[(CAROL.email, CAROL.ssh())]));
    assert_ne!(unknown.status, Some(0), "{unknown:?}");
}

#[test]
fn git_finds_no_signature_on_an_unsigned_commit() {
    let (repository, [first, _]) = fleet();
    assert_ne!(repository.verify(&first, &keys::allowed_signers_file(&[])).status, Some(0));
}

#[test]
fn exported_keys_hold_exactly_the_keys_asked_for() {
    let exported = keys::openpgp_file(&[ALICE.openpgp(), BOB.openpgp()]);
    let home = crate::harness::scratch::new_folder("gpg");
    let shown = crate::harness::program::Program::new("gpg")
        .env("GNUPGHOME", home)
        .args(["--batch", "--with-colons", "--import-options", "show-only", "--import"])
        .args([exported])
        .succeed();
    let mut names: Vec<&str> = shown.lines().filter(|line| line.starts_with("uid")).filter_map(|line| line.split(':').nth(9)).collect();
    names.sort_unstable();
    assert_eq!(names, ["Alice Example <alice@example.com>", "Bob Example <bob@example.com>"]);
}
