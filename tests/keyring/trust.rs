//! What a trust policy makes of real signatures: a key that is listed in full stands for its subkeys, a subkey for itself.

use std::collections::BTreeMap;

use kubewitness::attribute::{Judging, attributions, commit_verdict_by};
use kubewitness::model::attribution::Verdict;
use kubewitness::model::commit::Commit;
use kubewitness::model::declaration::{Declaration, DocumentRef, Engine, Entry, Input, LeafOrigin, Tree};
use kubewitness::model::evidence::{Authored, DocumentHistory, Histories, Positions};
use kubewitness::model::kept::Trust;
use kubewitness::model::object::{Manifest, ObjectId};
use kubewitness::model::trust::{Principal, Rule, TrustPolicy, TrustedKey};

use crate::fixture::{ALICE, BOB, Gpg, Repository, judge, line, must, now, openpgp_keyring, signed, verify};

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

fn document(path: &str) -> DocumentRef {
    DocumentRef { source: "fleet".into(), path: path.into(), ordinal: 0 }
}

/// An object of two documents, each of which has one leaf, drawn in by an entry of a kustomization.
fn of_two_documents() -> Declaration {
    Declaration {
        id: ObjectId { group: String::new(), kind: "ConfigMap".into(), namespace: Some("shop".into()), name: "web".into() },
        version: "v1".into(),
        source: "fleet".into(),
        engine: Engine::Kustomize,
        applier: None,
        manifest: Manifest::from_redacted(serde_json::json!({"data": {"a": "x", "b": "y"}})),
        encrypted: false,
        inputs: ["web.yaml", "part.yaml"].map(|path| Input { document: document(path), line: 1, end_line: 2 }).into(),
        leaves: [0, 1].map(|input| LeafOrigin { input: Some(input), leaf: 0, line: 1, end_line: 1 }).into(),
        is_whole: true,
        drawn_by: Some(vec![Entry { document: document("kustomization.yaml"), leaf: 0, line: 2 }]),
    }
}

#[test]
fn of_two_documents_and_an_entry_each_author_is_held_to_the_rules() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let (alice, bob) = (gpg.key(ALICE, "ed25519"), gpg.key(BOB, "ed25519"));
    let commit = |person: &str| {
        let payload = repository.payload(person, person);
        repository.commit(signed(&payload, "gpgsig", &gpg.sign("20250301", person, &[], payload.as_bytes())))
    };
    let mut commits: Vec<Commit> = vec![commit(ALICE), commit(BOB)];
    commits.sort_by(|one, other| one.id.cmp(&other.id));
    let of = |person: &str| {
        let email = person.split(['<', '>']).nth(1).unwrap();
        u32::try_from(commits.iter().position(|commit| commit.author.email.to_string() == email).unwrap()).unwrap()
    };
    let (signatures, gaps) = verify(&openpgp_keyring(&gpg.export(&[])), &commits, now());
    assert_eq!(gaps, []);
    let tree = Tree {
        source: "fleet".into(),
        url: String::new(),
        requested: None,
        commit: Some(commits[0].id.clone()),
        shallow: false,
        uncommitted: 0,
        root: "".into(),
        files: BTreeMap::new(),
    };
    // Verdict, the commit that activated it, and whose part the rule does not let through.
    let told = |part: &str, entry: &str, allow: &[&str]| {
        let by = |person: &str| {
            let authored = Authored::By(of(person));
            DocumentHistory { document: authored, leaves: [authored].into(), changed: None, touched: None, moved: None }
        };
        let documents = [("web.yaml", by(ALICE)), ("part.yaml", by(part)), ("kustomization.yaml", by(entry))];
        let documents = documents.into_iter().map(|(path, history)| (document(path), history)).collect();
        let histories = Histories { commits: commits.clone(), documents, ..Histories::default() };
        let mut trust = policy("alice", "alice@example.com", &alice);
        trust.principals.extend(policy("bob", "bob@example.com", &bob).principals);
        let allow = Some(allow.iter().map(|name| (*name).to_owned()).collect());
        trust.rules.push(Rule { allow, min: Some(Verdict::VerifiedAuthor), ..Rule::default() });
        let judging =
            Judging { trust: &Trust::one(trust.clone()), positions: &Positions::default(), now: now(), leaf_names: &|_| Vec::new() };
        let mut found = attributions(&[of_two_documents()], std::slice::from_ref(&tree), &histories, &signatures, &judging);
        let attribution = found.declarations.remove(0).unwrap();
        assert_eq!((attribution.authored_by, attribution.inputs.len()), (None, 2));
        assert_eq!(attribution.activated_by.as_ref(), Some(&commits[of(entry) as usize].id));
        (attribution.verdict, found.breaches.iter().map(|breach| breach.commit).collect::<Vec<_>>())
    };
    let good = (Verdict::VerifiedAuthor, Vec::new());
    let against_bob = (Verdict::SignedUntrusted, vec![Some(of(BOB))]);
    assert_eq!(told(ALICE, ALICE, &["alice"]), good);
    assert_eq!(told(BOB, ALICE, &["alice", "bob"]), good);
    assert_eq!(told(BOB, ALICE, &["alice"]), against_bob);
    assert_eq!(told(ALICE, BOB, &["alice"]), against_bob);
}
