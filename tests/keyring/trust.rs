//! What a trust policy makes of real signatures: a key that is listed in full stands for its subkeys, a subkey for itself.

use kubewitness::attribute::commit_verdict_by;
use kubewitness::model::attribution::Verdict;
use kubewitness::model::trust::{Principal, TrustPolicy, TrustedKey};

use crate::fixture::{ALICE, BOB, Gpg, Repository, judge, line, must, now, openpgp_keyring, signed};

fn policy(name: &str, email: &str, fingerprint: &str) -> TrustPolicy {
    let key = TrustedKey { fingerprint: fingerprint.to_owned(), ..TrustedKey::default() };
    let principal = Principal { name: name.to_owned(), emails: vec![email.to_owned()], keys: vec![key] };
    TrustPolicy { principals: vec![principal], ..TrustPolicy::default() }
}

#[test]
fn a_signing_subkey_is_of_its_primary_key_and_may_stand_alone() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    must(gpg.at("20250101").args(["--quick-generate-key", ALICE, "ed25519", "cert", "never"]), b"");
    let primary = gpg.fingerprints(ALICE).remove(0);
    must(gpg.at("20250101").args(["--quick-add-key", &primary, "ed25519", "sign", "never"]), b"");
    must(gpg.at("20250101").args(["--quick-add-key", &primary, "cv25519", "encrypt", "never"]), b"");
    let [_, signing, other] = gpg.fingerprints(ALICE).try_into().expect("a primary key and two subkeys");

    let payload = repository.payload(ALICE, ALICE);
    let armor = gpg.sign("20250301", ALICE, &[], payload.as_bytes());
    let commit = repository.commit(signed(&payload, "gpgsig", &armor));
    let (facts, _) = judge(&openpgp_keyring(&gpg.export(&[])), &commit);
    assert_eq!((facts.key.as_ref(), facts.subkey.as_ref()), (Some(&primary), Some(&signing)));

    let told =
        |name: &str, email: &str, fingerprint: &str| line(&commit_verdict_by(&policy(name, email, fingerprint), &commit, &facts, now()));
    assert_eq!(told("alice", "alice@example.com", &primary), "verified-author policy-binding");
    assert_eq!(told("alice", "alice@example.com", &signing), "verified-author policy-binding");
    assert_eq!(told("alice", "alice@example.com", &other), "signed-untrusted key-not-in-policy");
    // The user id says alice@example.com; the policy says otherwise.
    assert_eq!(told("bob", "bob@example.com", &primary), "signed-untrusted identity-mismatch");
}

#[test]
fn a_revoked_key_stays_revoked_whoever_the_policy_gives_it_to() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = gpg.key(BOB, "ed25519");
    let payload = repository.payload(BOB, BOB);
    let armor = gpg.sign("20250301", BOB, &[], payload.as_bytes());
    let commit = repository.commit(signed(&payload, "gpgsig", &armor));
    gpg.edit("20250601", BOB, &["revkey", "y", "1", "", "y", "save"]);
    let (facts, _) = judge(&openpgp_keyring(&gpg.export(&[])), &commit);
    let judged = commit_verdict_by(&policy("bob", "bob@example.com", &key), &commit, &facts, now());
    assert_eq!(judged.verdict, Verdict::Invalid);
    assert_eq!(judged.signer, None);
}
