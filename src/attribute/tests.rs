//! Every rung of the ladder, and who is credited for a declaration.

use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;

use super::verdict::in_sight;
use super::{Judging, activators, commit_verdict};
use crate::model::attribution::{
    Algo, Attribution, Attributions, Binding, Breach, Breaches, Crypto, Format, KeyTime, LeafAttribution, Objection, SignatureFacts,
    Verdict,
};
use crate::model::commit::{Actor, Commit, CommitId};
use crate::model::declaration::{Declaration, DocumentRef, Engine, Entry, Input, LeafOrigin, Tree};
use crate::model::evidence::{Authored, Changed, DocumentHistory, Histories, Mark, Positions, Signatures};
use crate::model::fixture::leaf_names;
use crate::model::kept::Trust;
use crate::model::object::{Manifest, ObjectId};
use crate::model::trust::{Anchor, Bot, FieldGlob, PathGlob, Principal, Require, Rule, TrustPolicy, TrustedKey, Via};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";

fn actor(email: &str) -> Actor {
    Actor { name: "Alice".into(), email: email.into(), time: Some(DateTime::UNIX_EPOCH.fixed_offset()) }
}

fn commit(id: &str, author: &str, committer: &str) -> Commit {
    Commit {
        id: CommitId::new(id),
        source: "fleet".to_owned(),
        author: actor(author),
        committer: actor(committer),
        subject: "".into(),
        raw: Vec::new().into(),
    }
}

/// A good signature by a key in force that binds these e-mails.
fn good(emails: &[&str]) -> SignatureFacts {
    SignatureFacts {
        algo: Some(Algo::Ok),
        key_time: Some(KeyTime::Valid),
        emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        ..SignatureFacts::of(Format::OpenPgp, Crypto::Good)
    }
}

fn forge(committer: &str) -> SignatureFacts {
    SignatureFacts { forge: Some("github".to_owned()), forge_committer: Some(committer.to_owned()), ..good(&[]) }
}

fn group(list: &str) -> SignatureFacts {
    SignatureFacts { groups: vec![list.to_owned()], ..good(&[]) }
}

fn rung(author: &str, committer: &str, facts: &SignatureFacts) -> (Verdict, Binding, String) {
    let verdict = commit_verdict(&commit("a", author, committer), facts);
    (verdict.verdict, verdict.binding, verdict.reasons.join(" "))
}

#[track_caller]
fn assert_rung(author: &str, committer: &str, facts: &SignatureFacts, verdict: Verdict, binding: Binding, reasons: &str) {
    assert_eq!(rung(author, committer, facts), (verdict, binding, reasons.to_owned()));
}

#[test]
fn the_authors_own_key_verifies_the_author() {
    assert_rung(ALICE, BOB, &good(&[ALICE]), Verdict::VerifiedAuthor, Binding::Author, "uid-binding");
    assert_rung("alice@Example.COM", BOB, &good(&[ALICE]), Verdict::VerifiedAuthor, Binding::Author, "uid-binding");
}

#[test]
fn the_committers_key_leaves_the_author_a_claim() {
    assert_rung(ALICE, BOB, &good(&[BOB]), Verdict::VerifiedCommitter, Binding::Committer, "uid-binding");
}

#[test]
fn alices_commit_under_bobs_key_is_a_mismatch_of_persons() {
    assert_rung(ALICE, ALICE, &good(&[BOB]), Verdict::SignedUntrusted, Binding::None, "identity-mismatch");
    assert_rung("Alice@example.com", ALICE, &good(&[BOB]), Verdict::SignedUntrusted, Binding::None, "identity-mismatch");
}

#[test]
fn the_local_part_of_an_email_is_compared_as_it_is_and_names_decide_nothing() {
    assert_rung("Alice@example.com", BOB, &good(&[ALICE]), Verdict::SignedUntrusted, Binding::None, "identity-mismatch");
}

#[test]
fn an_author_without_an_email_is_nobody() {
    for email in ["", "alice", "@example.com", "alice@"] {
        let (verdict, ..) = rung(email, email, &SignatureFacts { groups: vec!["*".to_owned()], ..good(&["", "alice", "alice@"]) });
        assert_eq!(verdict, Verdict::SignedUntrusted, "{email:?}");
    }
    let mut strange = commit("a", ALICE, ALICE);
    strange.author.email = b"alice\xff@example.com"[..].into();
    strange.committer = strange.author.clone();
    assert_eq!(commit_verdict(&strange, &group("*")).verdict, Verdict::SignedUntrusted);
}

#[test]
fn an_email_on_two_keys_is_no_mismatch_of_persons() {
    let facts = SignatureFacts { contested: vec![ALICE.to_owned()], ..good(&[]) };
    assert_rung(ALICE, ALICE, &facts, Verdict::SignedUntrusted, Binding::None, "email-on-two-keys");
    assert_rung(BOB, BOB, &facts, Verdict::SignedUntrusted, Binding::None, "identity-mismatch");
}

#[test]
fn a_forge_attests_only_what_it_committed_itself() {
    let facts = forge("noreply@github.com");
    assert_rung(ALICE, "noreply@GitHub.com", &facts, Verdict::ForgeAttested, Binding::Forge, "forge-key");
    assert_rung(ALICE, ALICE, &facts, Verdict::SignedUntrusted, Binding::None, "forge-committer-mismatch");
}

#[test]
fn a_wildcard_binds_a_group_and_no_person() {
    assert_rung(ALICE, BOB, &group("*@example.com"), Verdict::GroupVerified, Binding::Group, "group-principal");
    let refused = group("!alice@example.com,*@example.com");
    assert_rung(ALICE, BOB, &refused, Verdict::SignedUntrusted, Binding::None, "group-mismatch");
}

#[test]
fn a_key_without_any_email_speaks_for_nobody() {
    assert_rung(ALICE, BOB, &good(&[]), Verdict::SignedUntrusted, Binding::None, "key-without-email");
}

#[test]
fn the_state_of_the_key_limits_the_verdict() {
    let at = |key_time| rung(ALICE, ALICE, &SignatureFacts { key_time: Some(key_time), ..good(&[ALICE]) });
    let claimed = |reason: &str| (Verdict::ClaimedTimeOnly, Binding::Author, format!("{reason} uid-binding"));
    assert_eq!(at(KeyTime::ExpiredSince), claimed("key-expired-since"));
    assert_eq!(at(KeyTime::RevokedSoftAfter), claimed("key-retired-since"));
    assert_eq!(at(KeyTime::SigExpired), claimed("signature-expired"));
    assert_eq!(at(KeyTime::OutsideWindow), (Verdict::SignedUntrusted, Binding::None, "outside-window".to_owned()));
    for (key_time, reason) in [
        (KeyTime::ExpiredBeforeSig, "key-expired-before-signature"),
        (KeyTime::RevokedHard, "key-revoked"),
        (KeyTime::RevokedSoftBefore, "key-retired-before-signature"),
        (KeyTime::FutureSig, "signature-in-the-future"),
        (KeyTime::BeforeKey, "signature-older-than-key"),
    ] {
        assert_eq!(at(key_time), (Verdict::Invalid, Binding::None, reason.to_owned()));
    }
}

// T34
#[test]
fn what_a_scan_did_not_see_after_its_key_had_ended_speaks_for_nobody() {
    let commit = commit("a", ALICE, ALICE);
    let end = DateTime::UNIX_EPOCH;
    let late = |moment, id: &str| Positions {
        late: BTreeMap::from([((commit.source.clone(), moment), [CommitId::new(id)].into())]),
        ..Positions::default()
    };
    let told = |key_time, emails: &[&str], positions: &Positions| {
        let facts = SignatureFacts { key_time: Some(key_time), key_ended: Some(end), ..good(emails) };
        let told = in_sight(commit_verdict(&commit, &facts), &commit, &facts, positions);
        (told.verdict, told.binding, told.reasons.join(" "))
    };
    let here = late(end, commit.id.as_str());
    let nobodys = |reasons: &str| (Verdict::SignedUntrusted, Binding::None, reasons.to_owned());
    let expired = told(KeyTime::ExpiredSince, &[ALICE], &here);
    assert_eq!(expired, nobodys("first-seen-after-key-expired key-expired-since uid-binding"));
    let retired = told(KeyTime::RevokedSoftAfter, &[BOB], &here);
    assert_eq!(retired, nobodys("first-seen-after-key-retired key-retired-since identity-mismatch"));
    for other in [Positions::default(), late(end, "b"), late(end + chrono::TimeDelta::seconds(1), commit.id.as_str())] {
        assert_eq!(told(KeyTime::ExpiredSince, &[ALICE], &other).0, Verdict::ClaimedTimeOnly);
    }
}

#[test]
fn an_expired_key_does_not_hide_a_mismatch_of_persons() {
    let facts = SignatureFacts { key_time: Some(KeyTime::ExpiredSince), ..good(&[BOB]) };
    assert_rung(ALICE, ALICE, &facts, Verdict::ClaimedTimeOnly, Binding::None, "key-expired-since identity-mismatch");
}

#[test]
fn a_signature_that_is_refused_speaks_for_nobody_and_stays_void_where_it_is() {
    for reason in ["no-touch", "not-a-user-certificate", "unknown-critical-option", "principal-not-allowed"] {
        let facts = SignatureFacts { reasons: vec![reason.to_owned()], ..good(&[ALICE]) };
        assert_rung(ALICE, ALICE, &facts, Verdict::SignedUntrusted, Binding::None, reason);
        let revoked = SignatureFacts { key_time: Some(KeyTime::RevokedHard), ..facts };
        assert_rung(ALICE, ALICE, &revoked, Verdict::Invalid, Binding::None, &format!("key-revoked {reason}"));
    }
}

#[test]
fn what_cannot_be_told_is_unverifiable_and_what_is_wrong_invalid() {
    let of = |crypto, reason: &str| {
        let facts = SignatureFacts { reasons: vec![reason.to_owned()], ..SignatureFacts::of(Format::Ssh, crypto) };
        rung(ALICE, ALICE, &facts)
    };
    assert_eq!(of(Crypto::UnknownKey, "x"), (Verdict::Unverifiable, Binding::None, "unknown-key x".to_owned()));
    assert_eq!(of(Crypto::Unsupported, "x"), (Verdict::Unverifiable, Binding::None, "unsupported-format x".to_owned()));
    assert_eq!(of(Crypto::Malformed, "x"), (Verdict::Invalid, Binding::None, "malformed-signature x".to_owned()));
    assert_eq!(of(Crypto::Bad, "bad-signature"), (Verdict::Invalid, Binding::None, "bad-signature".to_owned()));
    assert_eq!(rung(ALICE, ALICE, &SignatureFacts::unsigned()).0, Verdict::Unsigned);
    let wrong = SignatureFacts { reasons: vec!["wrong-namespace".to_owned()], ..good(&[ALICE]) };
    assert_eq!(rung(ALICE, ALICE, &wrong).0, Verdict::Invalid);
}

#[test]
fn a_weak_algorithm_is_invalid_whether_or_not_it_was_verified() {
    for crypto in [Crypto::Good, Crypto::Unsupported] {
        let facts = SignatureFacts { crypto, algo: Some(Algo::Weak), reasons: vec!["weak-key".to_owned()], ..good(&[ALICE]) };
        assert_rung(ALICE, ALICE, &facts, Verdict::Invalid, Binding::None, "weak-algorithm weak-key");
    }
}

fn any_facts() -> impl Strategy<Value = SignatureFacts> {
    let crypto =
        prop::sample::select(vec![Crypto::Unsigned, Crypto::Malformed, Crypto::Unsupported, Crypto::UnknownKey, Crypto::Bad, Crypto::Good]);
    let key_time = prop::option::of(prop::sample::select(vec![
        KeyTime::Valid,
        KeyTime::ExpiredSince,
        KeyTime::ExpiredBeforeSig,
        KeyTime::RevokedHard,
        KeyTime::RevokedSoftAfter,
        KeyTime::RevokedSoftBefore,
        KeyTime::OutsideWindow,
        KeyTime::FutureSig,
        KeyTime::BeforeKey,
        KeyTime::SigExpired,
    ]));
    let algo = prop::option::of(prop::sample::select(vec![Algo::Ok, Algo::Weak]));
    let lists = prop::collection::vec(prop::sample::select(vec![ALICE, BOB, "*@example.com"]), 0..3);
    (crypto, key_time, algo, lists.clone(), lists, any::<bool>()).prop_map(|(crypto, key_time, algo, emails, groups, forge)| {
        SignatureFacts {
            crypto,
            key_time,
            algo,
            groups: groups.into_iter().map(str::to_owned).collect(),
            forge: forge.then(|| "github".to_owned()),
            forge_committer: forge.then(|| BOB.to_owned()),
            ..good(&emails)
        }
    })
}

proptest! {
    #[test]
    fn nobody_is_verified_without_a_good_strong_signature_in_force_that_names_them(
        facts in any_facts(), author in prop::sample::select(vec![ALICE, BOB, "", "eve@x"]), committer in prop::sample::select(vec![ALICE, BOB])) {
        let judged = commit_verdict(&commit("a", author, committer), &facts);
        if judged.verdict <= Verdict::SignedUntrusted {
            prop_assert_eq!(facts.crypto, Crypto::Good);
            prop_assert_ne!(facts.algo, Some(Algo::Weak));
        }
        if judged.verdict <= Verdict::GroupVerified {
            prop_assert_eq!(facts.key_time, Some(KeyTime::Valid));
        }
        if judged.verdict == Verdict::VerifiedAuthor {
            prop_assert!(facts.forge.is_none() && facts.emails.iter().any(|email| email == author));
        }
        prop_assert_eq!(judged.reasons.is_empty(), judged.verdict == Verdict::Unsigned);
    }
}

fn document(path: &str) -> DocumentRef {
    DocumentRef { source: "fleet".to_owned(), path: path.into(), ordinal: 0 }
}

fn declaration(engine: Engine, inputs: &[&str], leaves: &[Option<u16>]) -> Declaration {
    Declaration {
        id: ObjectId { group: String::new(), kind: "ConfigMap".to_owned(), namespace: None, name: "web".to_owned() },
        version: "v1".to_owned(),
        source: "fleet".to_owned(),
        engine,
        applier: None,
        manifest: Manifest::from_redacted(json!({})),
        encrypted: false,
        inputs: inputs.iter().map(|path| Input { document: document(path), line: 1, end_line: 2 }).collect(),
        leaves: leaves.iter().zip(0..).map(|(input, leaf)| LeafOrigin { input: *input, leaf, line: 1, end_line: 1 }).collect(),
        is_whole: true,
        drawn_by: Some(Vec::new()),
    }
}

fn tree(versioned: bool) -> Tree {
    Tree {
        source: "fleet".to_owned(),
        url: String::new(),
        requested: None,
        commit: versioned.then(|| CommitId::new("a")),
        shallow: false,
        uncommitted: 0,
        root: "".into(),
        files: BTreeMap::new(),
    }
}

/// Commit 0 by Alice, verified; commit 1 by Bob, unsigned; commit 2 without facts.
fn evidence(documents: &[(&str, Authored, &[Authored])]) -> (Histories, Signatures) {
    let commits = vec![commit("a", ALICE, ALICE), commit("b", BOB, BOB), commit("c", BOB, BOB)];
    let key = |id: &str| ("fleet".to_owned(), CommitId::new(id));
    let signatures = Signatures::from([(key("a"), good(&[ALICE])), (key("b"), SignatureFacts::unsigned())]);
    let documents = documents
        .iter()
        .map(|(path, authored, leaves)| {
            (document(path), DocumentHistory { document: *authored, leaves: (*leaves).into(), touched: None, moved: None, changed: None })
        })
        .collect();
    (Histories { commits, documents, ..Histories::default() }, signatures)
}

fn attributions(declarations: &[Declaration], trees: &[Tree], histories: &Histories, signatures: &Signatures) -> Attributions {
    by(None, declarations, trees, histories, signatures)
}

fn by(
    trust: Option<&TrustPolicy>,
    declarations: &[Declaration],
    trees: &[Tree],
    histories: &Histories,
    signatures: &Signatures,
) -> Attributions {
    let positions = Positions::default();
    let trust = trust.map(|policy| Trust::one(policy.clone())).unwrap_or_default();
    let judging = Judging { trust: &trust, positions: &positions, now: DateTime::UNIX_EPOCH, leaf_names: &leaf_names };
    super::attributions(declarations, trees, histories, signatures, &judging)
}

fn attribute(declaration: Declaration, documents: &[(&str, Authored, &[Authored])]) -> Attribution {
    let (histories, signatures) = evidence(documents);
    attributions(&[declaration], &[tree(true)], &histories, &signatures).declarations.remove(0).expect("the source is versioned")
}

fn leaf(commit: Option<u32>, verdict: Verdict) -> LeafAttribution {
    LeafAttribution { commit, verdict, breaches: Breaches::default() }
}

#[test]
fn a_plain_document_is_credited_to_its_commit_and_each_leaf_to_its_own() {
    let leaves = [Authored::By(0), Authored::By(1), Authored::BeforeHistory, Authored::Unreadable, Authored::By(2)];
    let found = attribute(declaration(Engine::Plain, &["web.yaml"], &[Some(0); 6]), &[("web.yaml", Authored::By(1), &leaves)]);
    assert_eq!((found.authored_by, found.verdict, found.inputs.len()), (Some(CommitId::new("b")), Verdict::Unsigned, 0));
    let unknown = leaf(None, Verdict::Unverifiable);
    let expected = [
        leaf(Some(0), Verdict::VerifiedAuthor),
        leaf(Some(1), Verdict::Unsigned),
        unknown,
        unknown,
        leaf(Some(2), Verdict::Unverifiable),
        unknown,
    ];
    assert_eq!(*found.leaves, expected);
}

#[test]
fn no_commit_is_credited_for_what_the_history_does_not_show() {
    for (authored, reason) in
        [(Authored::BeforeHistory, "before-history"), (Authored::Unreadable, "unreadable-history"), (Authored::By(9), "unreadable-history")]
    {
        let found = attribute(declaration(Engine::Plain, &["web.yaml"], &[]), &[("web.yaml", authored, &[])]);
        assert_eq!((found.authored_by, found.verdict, found.reasons), (None, Verdict::Unverifiable, vec![reason.to_owned()]));
    }
    let found = attribute(declaration(Engine::Plain, &["web.yaml"], &[]), &[]);
    assert_eq!(found.reasons, ["unreadable-history"]);
}

#[test]
fn a_commit_whose_signature_was_not_judged_is_credited_but_unverifiable() {
    let found = attribute(declaration(Engine::Plain, &["web.yaml"], &[]), &[("web.yaml", Authored::By(2), &[])]);
    assert_eq!((found.authored_by, found.verdict), (Some(CommitId::new("c")), Verdict::Unverifiable));
    assert_eq!(found.reasons, ["not-verified"]);
}

#[test]
fn a_rendered_object_that_traces_to_one_document_is_credited_to_its_commit() {
    let found = attribute(declaration(Engine::Kustomize, &["web.yaml"], &[Some(0)]), &[("web.yaml", Authored::By(0), &[Authored::By(0)])]);
    assert_eq!((found.authored_by, found.verdict), (Some(CommitId::new("a")), Verdict::VerifiedAuthor));
    assert_eq!(found.reasons, ["uid-binding"]);
}

#[test]
fn a_rendered_object_that_anything_else_touched_is_nobodys() {
    let documents: &[(&str, Authored, &[Authored])] =
        &[("base.yaml", Authored::By(0), &[Authored::By(0)]), ("patch.yaml", Authored::BeforeHistory, &[])];
    let two = attribute(declaration(Engine::Kustomize, &["base.yaml", "patch.yaml"], &[Some(0), None]), documents);
    assert_eq!((two.authored_by, two.verdict, two.reasons), (None, Verdict::Unverifiable, vec!["rendered".to_owned()]));
    let inputs: Vec<_> = two.inputs.iter().map(|input| (input.commit.as_ref().map(CommitId::as_str), input.verdict)).collect();
    assert_eq!(inputs, [(Some("a"), Verdict::VerifiedAuthor), (None, Verdict::Unverifiable)]);
    assert_eq!(*two.leaves, [leaf(Some(0), Verdict::VerifiedAuthor), leaf(None, Verdict::Unverifiable)]);
    let untraced = attribute(declaration(Engine::Kustomize, &["base.yaml"], &[Some(0), None]), documents);
    assert_eq!((untraced.authored_by, untraced.reasons, untraced.inputs.len()), (None, vec!["rendered".to_owned()], 1));
}

#[test]
fn a_rendered_object_that_was_not_traced_is_nobodys() {
    let found = attribute(declaration(Engine::Kustomize, &["web.yaml"], &[]), &[("web.yaml", Authored::By(0), &[])]);
    assert_eq!((found.authored_by, found.reasons), (None, vec!["rendered".to_owned()]));
}

#[test]
fn a_source_without_commits_has_no_attribution() {
    let (histories, signatures) = evidence(&[]);
    let declarations = [declaration(Engine::Plain, &["web.yaml"], &[])];
    assert!(attributions(&declarations, &[tree(false)], &histories, &signatures).declarations[0].is_none());
    assert!(attributions(&declarations, &[], &histories, &signatures).declarations[0].is_none());
}

/// Commit 0 is Alice's, commit 1 unsigned, and commit 2 that of a bot with a key of its own, which may set `data.tag`.
fn by_policy(rules: Vec<Rule>, declaration: Declaration, documents: &[(&str, Authored, &[Authored])]) -> (Attribution, Vec<Breach>) {
    let key = |fingerprint: &str| TrustedKey { fingerprint: fingerprint.to_owned(), ..TrustedKey::default() };
    let policy = TrustPolicy {
        principals: vec![Principal { name: "alice".to_owned(), emails: vec![ALICE.to_owned()], keys: vec![key("A1")] }],
        bots: vec![Bot {
            name: "bot".to_owned(),
            via: Via::Keys(vec![key("R1")]),
            author_email: BOB.to_owned(),
            paths: Vec::new(),
            fields: vec![FieldGlob::parse("data.tag").expect("a pattern")],
        }],
        rules,
        ..TrustPolicy::default()
    };
    let (histories, mut signatures) = evidence(documents);
    for (id, key) in [("a", "A1"), ("c", "R1")] {
        let facts = SignatureFacts { key: Some(key.to_owned()), ..good(&[]) };
        signatures.insert(("fleet".to_owned(), CommitId::new(id)), facts);
    }
    let mut found = by(Some(&policy), &[declaration], &[tree(true)], &histories, &signatures);
    (found.declarations.remove(0).expect("the source is versioned"), found.breaches)
}

fn with_data(declaration: Declaration) -> Declaration {
    Declaration { manifest: Manifest::from_redacted(json!({"data": {"name": "db", "tag": "2"}})), ..declaration }
}

fn breach(commit: Option<u32>, objection: Objection, min: Option<Verdict>) -> Breach {
    let mut breaches = Breaches::default();
    breaches.add(objection);
    Breach { commit, declaration: 0, breaches, min }
}

#[test]
fn t75_a_bot_is_judged_by_every_leaf_that_it_wrote() {
    let plain = || with_data(declaration(Engine::Plain, &["web.yaml"], &[Some(0), Some(0)]));
    let told = |leaves: [u32; 2]| by_policy(Vec::new(), plain(), &[("web.yaml", Authored::By(2), &leaves.map(Authored::By))]);
    let (found, breaches) = told([0, 2]);
    assert_eq!((found.verdict, breaches), (Verdict::BotAttested, Vec::new()));
    let out = vec![breach(Some(2), Objection::OutOfBotScope, None)];
    let (found, breaches) = told([2, 2]);
    assert_eq!((found.verdict, &breaches), (Verdict::SignedUntrusted, &out));
    assert_eq!(found.reasons, ["out-of-bot-scope", "bot"]);
    let verdicts: Vec<Verdict> = found.leaves.iter().map(|leaf| leaf.verdict).collect();
    assert_eq!(verdicts, [Verdict::SignedUntrusted, Verdict::BotAttested]);
    // A commit that changed the document and wrote no leaf of it removed something.
    let (found, breaches) = told([0, 0]);
    assert_eq!((found.verdict, &breaches), (Verdict::SignedUntrusted, &out));
}

#[test]
fn every_commit_that_wrote_a_leaf_is_held_to_the_rules() {
    let rules = || vec![Rule { min: Some(Verdict::VerifiedAuthor), ..Rule::default() }];
    let below = |commit| breach(commit, Objection::BelowMinimum, Some(Verdict::VerifiedAuthor));
    let plain = with_data(declaration(Engine::Plain, &["web.yaml"], &[Some(0), Some(0)]));
    let (found, breaches) = by_policy(rules(), plain, &[("web.yaml", Authored::By(0), &[Authored::By(0), Authored::By(1)])]);
    assert_eq!((found.verdict, breaches), (Verdict::VerifiedAuthor, vec![below(Some(1))]));
    assert_eq!(found.leaves[1].breaches.phrases().collect::<Vec<_>>(), ["below-minimum"]);
    // What is credited to nobody is proven by nobody.
    let rendered = with_data(declaration(Engine::Kustomize, &["web.yaml"], &[Some(0), None]));
    let (found, breaches) = by_policy(rules(), rendered, &[("web.yaml", Authored::By(0), &[Authored::By(0), Authored::By(0)])]);
    assert_eq!((found.verdict, breaches), (Verdict::Unverifiable, vec![below(None)]));
    assert_eq!(found.reasons, ["below-minimum", "rendered"]);
}

#[test]
fn what_brought_a_document_back_is_told_beside_its_author() {
    let (mut histories, signatures) = evidence(&[("web.yaml", Authored::By(0), &[])]);
    for (changed, expected) in [
        (None, (None, 0, Verdict::VerifiedAuthor)),
        (Some(Changed { by: 1, reintroduced: false }), (Some(CommitId::new("b")), 0, Verdict::VerifiedAuthor)),
        // It is proven no better than who brought it back, and that commit is unsigned.
        (Some(Changed { by: 1, reintroduced: true }), (Some(CommitId::new("b")), 1, Verdict::Unsigned)),
    ] {
        histories.documents.get_mut(&document("web.yaml")).unwrap().changed = changed;
        let plain = declaration(Engine::Plain, &["web.yaml"], &[]);
        let found = attributions(&[plain], &[tree(true)], &histories, &signatures).declarations.remove(0).unwrap();
        let reintroduced = found.reasons.iter().filter(|reason| *reason == "reintroduced").count();
        assert_eq!(found.authored_by, Some(CommitId::new("a")));
        assert_eq!((found.changed_by, reintroduced, found.verdict), expected);
    }
}

#[test]
fn t65_t68_who_only_reformats_or_moves_is_told_and_changes_no_verdict() {
    let (mut histories, signatures) = evidence(&[("web.yaml", Authored::By(0), &[])]);
    let history = histories.documents.get_mut(&document("web.yaml")).unwrap();
    (history.touched, history.moved) = (Some(1), Some(2));
    let plain = declaration(Engine::Plain, &["web.yaml"], &[]);
    let found = attributions(&[plain], &[tree(true)], &histories, &signatures).declarations.remove(0).unwrap();
    assert_eq!(
        (found.authored_by, found.verdict, found.reasons),
        (Some(CommitId::new("a")), Verdict::VerifiedAuthor, vec!["uid-binding".to_owned()])
    );
    assert_eq!((found.touched_by, found.moved_by), (Some(CommitId::new("b")), Some(CommitId::new("c"))));
}

#[test]
fn t52_who_brings_a_value_back_is_held_to_the_rules() {
    let rules = vec![Rule { min: Some(Verdict::VerifiedAuthor), ..Rule::default() }];
    let policy = TrustPolicy {
        principals: vec![Principal {
            name: "alice".to_owned(),
            emails: vec![ALICE.to_owned()],
            keys: vec![TrustedKey { fingerprint: "A1".to_owned(), ..TrustedKey::default() }],
        }],
        rules,
        ..TrustPolicy::default()
    };
    let (mut histories, mut signatures) = evidence(&[("web.yaml", Authored::By(0), &[])]);
    let facts = SignatureFacts { key: Some("A1".to_owned()), ..good(&[]) };
    signatures.insert(("fleet".to_owned(), CommitId::new("a")), facts);
    histories.documents.get_mut(&document("web.yaml")).unwrap().changed = Some(Changed { by: 1, reintroduced: true });
    let plain = declaration(Engine::Plain, &["web.yaml"], &[]);
    let mut found = by(Some(&policy), &[plain], &[tree(true)], &histories, &signatures);
    let (attribution, breaches) = (found.declarations.remove(0).unwrap(), found.breaches);
    assert_eq!(attribution.verdict, Verdict::Unsigned);
    assert_eq!(breaches, [breach(Some(1), Objection::BelowMinimum, Some(Verdict::VerifiedAuthor))]);
}

/// A document of `web.yaml`, drawn in by the first leaves of these kustomizations.
fn drawn_by(kustomizations: &[&str]) -> Declaration {
    let entry = |path: &&str| Entry { document: document(path), leaf: 0, line: 1 };
    Declaration { drawn_by: Some(kustomizations.iter().map(entry).collect()), ..declaration(Engine::Kustomize, &["web.yaml"], &[Some(0)]) }
}

const WEB: (&str, Authored, &[Authored]) = ("web.yaml", Authored::By(0), &[Authored::By(0)]);

fn drawn(path: &'static str, by: &'static [Authored]) -> (&'static str, Authored, &'static [Authored]) {
    (path, Authored::Unreadable, by)
}

#[test]
fn an_object_is_proven_no_better_than_who_activated_it() {
    let told = |by: &'static [Authored]| {
        let found = attribute(drawn_by(&["k.yaml"]), &[WEB, drawn("k.yaml", by)]);
        (found.activated_by.as_ref().map(ToString::to_string), found.verdict, found.reasons.join(" "))
    };
    let told_of = |by: Option<&str>, verdict, reasons: &str| (by.map(str::to_owned), verdict, reasons.to_owned());
    assert_eq!(told(&[Authored::By(0)]), told_of(Some("a"), Verdict::VerifiedAuthor, "uid-binding"));
    assert_eq!(told(&[Authored::By(1)]), told_of(Some("b"), Verdict::Unsigned, "uid-binding activation"));
    // What is older than the history is older than whatever is known of it.
    assert_eq!(told(&[Authored::BeforeHistory]), told_of(None, Verdict::VerifiedAuthor, "uid-binding activation-before-history"));
    // Somebody wrote it, and nobody knows who.
    assert_eq!(told(&[Authored::Unreadable]), told_of(None, Verdict::Unverifiable, "uid-binding activation"));
    assert_eq!(told(&[]), told_of(None, Verdict::Unverifiable, "uid-binding activation"));
}

#[test]
fn where_it_cannot_be_told_what_draws_an_object_in_nothing_is_proven() {
    let unknown = || Declaration { drawn_by: None, ..with_data(drawn_by(&[])) };
    let found = attribute(unknown(), &[WEB]);
    assert_eq!((found.activated_by, found.verdict), (None, Verdict::Unverifiable));
    assert_eq!(found.reasons.join(" "), "uid-binding activation-unknown");
    let rules = vec![Rule { min: Some(Verdict::VerifiedAuthor), ..Rule::default() }];
    let expected = [breach(None, Objection::BelowMinimum, Some(Verdict::VerifiedAuthor))];
    assert_eq!(by_policy(rules.clone(), unknown(), &[WEB]).1, expected);
    // Nor where the entry is known, and not who wrote it.
    let unread = [WEB, drawn("k.yaml", &[Authored::Unreadable])];
    assert_eq!(by_policy(rules, with_data(drawn_by(&["k.yaml"])), &unread).1, expected);
}

#[test]
fn an_object_of_one_document_of_which_something_was_taken_is_credited_to_nobody() {
    let part = |is_whole| Declaration { is_whole, ..drawn_by(&[]) };
    let told = |is_whole| {
        let found = attribute(part(is_whole), &[WEB]);
        (found.authored_by, found.verdict, found.reasons.join(" "))
    };
    assert_eq!(told(true), (Some(CommitId::new("a")), Verdict::VerifiedAuthor, "uid-binding".to_owned()));
    assert_eq!(told(false), (None, Verdict::Unverifiable, "rendered".to_owned()));
}

#[test]
fn of_several_activators_the_newest_is_named_and_else_all_count() {
    let (histories, signatures) = evidence(&[WEB, drawn("over.yaml", &[Authored::By(0)]), drawn("base.yaml", &[Authored::By(1)])]);
    let all = [drawn_by(&["over.yaml", "base.yaml"])];
    let both: std::collections::BTreeSet<CommitId> = ["a", "b"].map(CommitId::new).into();
    let asked = activators(&all, &histories);
    assert_eq!(asked, [("fleet".to_owned(), both.clone())].into());
    assert!(activators(&[drawn_by(&["over.yaml"])], &histories).is_empty());
    for (newest, by, verdict) in
        [(Some("a"), Some("a"), Verdict::VerifiedAuthor), (Some("b"), Some("b"), Verdict::Unsigned), (None, None, Verdict::Unsigned)]
    {
        let newest = newest.map(|id| (("fleet".to_owned(), both.clone()), CommitId::new(id)));
        let histories = Histories { newest: newest.into_iter().collect(), ..histories.clone() };
        let found = attributions(&all, &[tree(true)], &histories, &signatures).declarations.remove(0).unwrap();
        assert_eq!((found.activated_by, found.verdict), (by.map(CommitId::new), verdict));
    }
}

#[test]
fn who_brings_an_old_kustomization_back_activates_what_it_draws_in() {
    let (mut histories, signatures) = evidence(&[WEB, drawn("k.yaml", &[Authored::By(0)])]);
    histories.documents.get_mut(&document("k.yaml")).unwrap().changed = Some(Changed { by: 1, reintroduced: true });
    let found = attributions(&[drawn_by(&["k.yaml"])], &[tree(true)], &histories, &signatures).declarations.remove(0).unwrap();
    assert_eq!(found.verdict, Verdict::Unsigned);
}

#[test]
fn rules_are_about_the_file_of_an_entry_else_about_the_objects_own() {
    let of = |path: &str, min| Rule { paths: vec![PathGlob::parse(path).expect("a pattern")], min: Some(min), ..Rule::default() };
    let told = |rules: Vec<Rule>, by: u32| {
        let authored: &'static [Authored] = if by == 1 { &[Authored::By(1)] } else { &[Authored::By(2)] };
        by_policy(rules, with_data(drawn_by(&["k.yaml"])), &[WEB, drawn("k.yaml", authored)])
    };
    let below = breach(Some(1), Objection::BelowMinimum, Some(Verdict::VerifiedAuthor));
    let (found, breaches) = told(vec![of("web.yaml", Verdict::VerifiedAuthor)], 1);
    assert_eq!((found.verdict, found.reasons.join(" ").as_str()), (Verdict::Unsigned, "below-minimum policy-binding activation"));
    assert_eq!(breaches, [below]);
    let (_, breaches) = told(vec![of("web.yaml", Verdict::VerifiedAuthor), of("k.yaml", Verdict::Unsigned)], 1);
    assert_eq!(breaches, []);
    // What may lie in the file of the entry says nothing of what lies in another one.
    let scoped = Rule { kinds: vec!["Namespace".to_owned()], ..of("k.yaml", Verdict::Unsigned) };
    let (_, breaches) = told(vec![of("web.yaml", Verdict::VerifiedAuthor), scoped], 1);
    assert_eq!(breaches, []);
    // A bot that may set fields draws in nothing.
    let (found, breaches) = told(Vec::new(), 2);
    assert_eq!((found.verdict, breaches), (Verdict::SignedUntrusted, vec![breach(Some(2), Objection::OutOfBotScope, None)]));
}

#[test]
fn a_rendered_object_whose_leaves_are_traced_is_made_of_the_documents_they_come_from() {
    let rules = || vec![Rule { min: Some(Verdict::VerifiedAuthor), ..Rule::default() }];
    let documents: &[(&str, Authored, &[Authored])] =
        &[("web.yaml", Authored::By(0), &[Authored::By(0); 2]), ("patch.yaml", Authored::By(1), &[Authored::By(1); 2])];
    let made = |leaves: [Option<u16>; 2]| with_data(declaration(Engine::Kustomize, &["web.yaml", "patch.yaml"], &leaves));
    // The other one could have had a part, and had none.
    let (found, breaches) = by_policy(rules(), made([Some(0), Some(0)]), documents);
    assert_eq!((found.authored_by, found.verdict, breaches), (Some(CommitId::new("a")), Verdict::VerifiedAuthor, Vec::new()));
    assert_eq!(found.inputs.len(), 2);
    // Two documents are no better than the worse one, and each is held to the rules.
    let (found, breaches) = by_policy(rules(), made([Some(0), Some(1)]), documents);
    assert_eq!((found.authored_by, found.verdict), (None, Verdict::Unsigned));
    assert_eq!(breaches, [breach(Some(1), Objection::BelowMinimum, Some(Verdict::VerifiedAuthor))]);
    // What was taken away left no leaf to tell who took it.
    let (found, breaches) = by_policy(rules(), Declaration { is_whole: false, ..made([Some(0), Some(0)]) }, documents);
    assert_eq!(
        (found.authored_by, found.verdict, found.reasons.join(" ").as_str()),
        (None, Verdict::Unverifiable, "below-minimum rendered")
    );
    assert_eq!(breaches, [breach(None, Objection::BelowMinimum, Some(Verdict::VerifiedAuthor))]);
}

#[test]
fn two_documents_are_no_better_than_any_leaf_of_them() {
    let documents: &[(&str, Authored, &[Authored])] =
        &[("web.yaml", Authored::By(0), &[Authored::By(1)]), ("patch.yaml", Authored::By(0), &[Authored::By(0), Authored::By(0)])];
    let found = attribute(declaration(Engine::Kustomize, &["web.yaml", "patch.yaml"], &[Some(0), Some(1)]), documents);
    assert_eq!(found.verdict, Verdict::Unsigned);
}

#[test]
fn t50_an_unsigned_merge_of_what_is_signed_counts_where_a_rule_asks_for_the_change() {
    let told = |require, changed_by: Option<u32>| {
        let key = TrustedKey { fingerprint: "A1".to_owned(), identity: None, valid_from: None, retired_at: None };
        let policy = TrustPolicy {
            principals: vec![Principal { name: "alice".to_owned(), emails: vec![ALICE.to_owned()], keys: vec![key] }],
            rules: vec![Rule { min: Some(Verdict::VerifiedAuthor), require, ..Rule::default() }],
            ..TrustPolicy::default()
        };
        let (mut histories, mut signatures) = evidence(&[("web.yaml", Authored::By(0), &[Authored::By(0)])]);
        let facts = SignatureFacts { key: Some("A1".to_owned()), ..good(&[]) };
        signatures.insert(("fleet".to_owned(), CommitId::new("a")), facts);
        histories.documents.get_mut(&document("web.yaml")).unwrap().changed = changed_by.map(|by| Changed { by, reintroduced: false });
        let plain = declaration(Engine::Plain, &["web.yaml"], &[Some(0)]);
        let mut found = by(Some(&policy), &[plain], &[tree(true)], &histories, &signatures);
        (found.declarations.remove(0).unwrap().verdict, found.breaches.len())
    };
    assert_eq!(told(Some(Require::Both), Some(1)), (Verdict::Unsigned, 1));
    assert_eq!(told(Some(Require::Change), Some(1)), (Verdict::Unsigned, 1));
    assert_eq!(told(Some(Require::Content), Some(1)), (Verdict::VerifiedAuthor, 0));
    // The author's own push, and nothing observed.
    assert_eq!(told(Some(Require::Both), Some(0)), (Verdict::VerifiedAuthor, 0));
    assert_eq!(told(Some(Require::Change), None), (Verdict::VerifiedAuthor, 0));
}

#[test]
fn what_was_activated_or_brought_before_an_anchor_needs_no_proof_of_that() {
    let policy = TrustPolicy {
        principals: vec![Principal {
            name: "alice".to_owned(),
            emails: vec![ALICE.to_owned()],
            keys: vec![TrustedKey { fingerprint: "A1".to_owned(), identity: None, valid_from: None, retired_at: None }],
        }],
        anchors: vec![Anchor { source: None, repository: None, commit: CommitId::new("d"), note: None }],
        rules: vec![Rule { min: Some(Verdict::VerifiedAuthor), ..Rule::default() }],
        ..TrustPolicy::default()
    };
    let (mut histories, mut signatures) = evidence(&[WEB, drawn("k.yaml", &[Authored::By(1)])]);
    histories.documents.get_mut(&document("web.yaml")).unwrap().changed = Some(Changed { by: 1, reintroduced: false });
    let facts = SignatureFacts { key: Some("A1".to_owned()), ..good(&[]) };
    signatures.insert(("fleet".to_owned(), CommitId::new("a")), facts);
    let told = |ancestors: &[&str]| {
        let mark = Mark { ancestors: ancestors.iter().map(|id| CommitId::new(*id)).collect(), ..Mark::default() };
        let marks = [(("fleet".to_owned(), CommitId::new("d")), mark)].into();
        let positions = Positions { marks, ..Positions::default() };
        let trust = Trust::one(policy.clone());
        let judging = Judging { trust: &trust, positions: &positions, now: DateTime::UNIX_EPOCH, leaf_names: &leaf_names };
        let mut found = super::attributions(&[drawn_by(&["k.yaml"])], &[tree(true)], &histories, &signatures, &judging);
        let attribution = found.declarations.remove(0).unwrap();
        (attribution.activated_by, attribution.verdict, found.breaches.len())
    };
    let bob = Some(CommitId::new("b"));
    assert_eq!(told(&["b"]), (bob.clone(), Verdict::VerifiedAuthor, 0));
    assert_eq!(told(&[]), (bob, Verdict::Unsigned, 1));
}
