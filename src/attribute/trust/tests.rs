//! Facts and a policy in, a verdict out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{Standpoint, judge, objections, objections_to_change};
use crate::model::attribution::{Algo, Binding, Breaches, Crypto, Format, KeyTime, Objection, SignatureFacts, Verdict};
use crate::model::commit::{Actor, Commit, CommitId};
use crate::model::evidence::{Mark, Positions};
use crate::model::object::{FieldPath, ObjectId, Step};
use crate::model::trust::{Bot, FieldGlob, Forge, Moment, PathGlob, Place, Principal, Require, Rule, TrustPolicy, TrustedKey, Via};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const FORGE: &str = "noreply@forge.example.com";
const BOT: &str = "renovate@example.com";

fn day(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(day)
}

/// The day of every scan here.
fn today() -> DateTime<Utc> {
    day(100)
}

fn on(number: i64) -> Moment {
    Moment::Time(day(number))
}

/// Today, where nothing is known of the history.
fn here() -> Standpoint<'static> {
    static NOWHERE: Positions = Positions { marks: BTreeMap::new(), late: BTreeMap::new() };
    Standpoint { positions: &NOWHERE, now: today() }
}

fn key(fingerprint: &str) -> TrustedKey {
    TrustedKey { fingerprint: fingerprint.to_owned(), ..TrustedKey::default() }
}

fn principal(name: &str, emails: &[&str], keys: Vec<TrustedKey>) -> Principal {
    Principal { name: name.to_owned(), emails: emails.iter().map(|email| (*email).to_owned()).collect(), keys }
}

fn bot(via: Via) -> Bot {
    Bot { name: "renovate".to_owned(), via, author_email: BOT.to_owned(), paths: Vec::new(), fields: Vec::new() }
}

/// Alice with two keys, Bob with one, a forge, and a bot that the forge signs for.
fn policy() -> TrustPolicy {
    TrustPolicy {
        principals: vec![
            principal("alice", &[ALICE, "alice@home.example"], vec![key("A1"), key("SHA256:A2")]),
            principal("bob", &[BOB], vec![key("B1")]),
        ],
        forges: vec![Forge { name: "forge".to_owned(), keys: vec![key("F1")], committer: FORGE.to_owned() }],
        bots: vec![bot(Via::Forge("forge".to_owned()))],
        ..TrustPolicy::default()
    }
}

fn commit(author: &str, committer: &str) -> Commit {
    let actor = |email: &str| Actor { name: "Alice".into(), email: email.into(), time: Some(day(50).fixed_offset()) };
    let (author, committer) = (actor(author), actor(committer));
    Commit { id: CommitId::new("a"), source: "fleet".to_owned(), author, committer, subject: "".into(), raw: Vec::new().into() }
}

/// A good signature by a key in force, whose user ids claim to be anybody.
fn by(key: &str) -> SignatureFacts {
    SignatureFacts {
        algo: Some(Algo::Ok),
        key_time: Some(KeyTime::Valid),
        key: Some(key.to_owned()),
        emails: vec![ALICE.to_owned(), BOB.to_owned()],
        groups: vec!["*".to_owned()],
        ..SignatureFacts::of(Format::OpenPgp, Crypto::Good)
    }
}

#[track_caller]
fn assert_judged(policy: &TrustPolicy, author: &str, committer: &str, facts: &SignatureFacts, verdict: Verdict, reasons: &str) {
    let judged = judge(policy, &commit(author, committer), facts, here()).verdict;
    assert_eq!((judged.verdict, judged.reasons.join(" ").as_str()), (verdict, reasons));
}

#[test]
fn every_key_and_email_of_a_person_is_theirs() {
    for author in [ALICE, "alice@EXAMPLE.com", "alice@home.example"] {
        for key in ["A1", "SHA256:A2"] {
            assert_judged(&policy(), author, BOB, &by(key), Verdict::VerifiedAuthor, "policy-binding");
        }
    }
}

#[test]
fn a_listed_subkey_stands_for_itself_and_a_primary_key_for_its_subkeys() {
    let signed = |subkey: &str| SignatureFacts { subkey: Some(subkey.to_owned()), ..by("A1") };
    assert_judged(&policy(), ALICE, BOB, &signed("S1"), Verdict::VerifiedAuthor, "policy-binding");
    let mut only = policy();
    only.principals[0].keys = vec![key("S1")];
    assert_judged(&only, ALICE, BOB, &signed("S1"), Verdict::VerifiedAuthor, "policy-binding");
    assert_judged(&only, ALICE, BOB, &signed("S2"), Verdict::SignedUntrusted, "key-not-in-policy");
    assert_judged(&only, ALICE, BOB, &by("A1"), Verdict::SignedUntrusted, "key-not-in-policy");
}

#[test]
fn t04_the_author_under_anothers_key_is_a_mismatch_that_names_the_signer() {
    let judged = judge(&policy(), &commit(ALICE, ALICE), &by("B1"), here()).verdict;
    assert_eq!(
        (judged.verdict, judged.binding, judged.reasons),
        (Verdict::SignedUntrusted, Binding::None, vec!["identity-mismatch".to_owned()])
    );
    assert_eq!(judged.signer.as_deref(), Some("bob <bob@example.com>"));
}

#[test]
fn t05_the_committers_key_leaves_the_author_a_claim() {
    assert_judged(&policy(), ALICE, BOB, &by("B1"), Verdict::VerifiedCommitter, "policy-binding");
}

#[test]
fn t07_t37_what_a_key_says_of_itself_and_wildcards_bind_nobody() {
    assert_judged(&policy(), ALICE, ALICE, &by("M1"), Verdict::SignedUntrusted, "key-not-in-policy");
    let configured = SignatureFacts { forge: Some("forge".to_owned()), forge_committer: Some(BOB.to_owned()), ..by("M1") };
    assert_judged(&policy(), ALICE, BOB, &configured, Verdict::SignedUntrusted, "key-not-in-policy");
}

#[test]
fn t38_a_key_of_two_speaks_for_the_one_who_is_the_author() {
    let mut two = policy();
    two.principals.push(principal("eve", &["eve@example.com"], vec![key("B1")]));
    let judged = judge(&two, &commit(ALICE, BOB), &by("B1"), here()).verdict;
    assert_eq!((judged.verdict, judged.binding), (Verdict::SignedUntrusted, Binding::Ambiguous));
    assert_eq!(judged.signer.as_deref(), Some("bob <bob@example.com> or eve <eve@example.com>"));
    assert_judged(&two, BOB, ALICE, &by("B1"), Verdict::VerifiedAuthor, "policy-binding key-on-two-principals");
    two.principals[2].emails.push(BOB.to_owned());
    assert_judged(&two, BOB, ALICE, &by("B1"), Verdict::SignedUntrusted, "key-on-two-principals");
}

#[test]
fn t47_a_forge_attests_what_it_committed_itself() {
    let trusted = policy();
    let judged = judge(&trusted, &commit(ALICE, FORGE), &by("F1"), here());
    assert_eq!((judged.verdict.verdict, judged.verdict.binding), (Verdict::ForgeAttested, Binding::Forge));
    assert_eq!(judged.names, BTreeSet::from(["alice", "forge"]));
    assert_judged(&policy(), ALICE, ALICE, &by("F1"), Verdict::SignedUntrusted, "forge-committer-mismatch");
}

#[test]
fn t48_the_forge_as_committer_under_another_key_or_none_is_spoofed() {
    let unknown = |key: &str| SignatureFacts { key: Some(key.to_owned()), ..SignatureFacts::of(Format::OpenPgp, Crypto::UnknownKey) };
    let forged = [SignatureFacts::unsigned(), by("A1"), by("M1"), unknown("M1"), SignatureFacts::of(Format::X509, Crypto::Unsupported)];
    for facts in forged {
        assert_judged(&policy(), ALICE, FORGE, &facts, Verdict::Invalid, "spoofed-forge");
    }
    // The forge's own key, which the keyring has not got.
    assert_judged(&policy(), ALICE, FORGE, &unknown("F1"), Verdict::Unverifiable, "unknown-key");
    let mut full = policy();
    full.forges[0].keys = vec![key("0123456789ABCDEF0123456789ABCDEF")];
    assert_judged(&full, ALICE, FORGE, &unknown("0123456789ABCDEF"), Verdict::Unverifiable, "unknown-key");
    assert_judged(&full, ALICE, FORGE, &unknown("0123456789ABCDE0"), Verdict::Invalid, "spoofed-forge");
    let bad = SignatureFacts { crypto: Crypto::Bad, ..by("F1") };
    assert_judged(&policy(), ALICE, FORGE, &bad, Verdict::Invalid, "bad-signature");
}

#[test]
fn a_key_speaks_for_its_owner_from_one_time_to_another() {
    let within = |from: Option<i64>, end: Option<i64>, facts: &SignatureFacts| {
        let mut policy = policy();
        policy.principals[0].keys = vec![TrustedKey { valid_from: from.map(on), retired_at: end.map(on), ..key("A1") }];
        let judged = judge(&policy, &commit(ALICE, ALICE), facts, here()).verdict;
        (judged.verdict, judged.binding, judged.reasons.join(" "))
    };
    let at = |time: i64| SignatureFacts { time: Some(day(time)), ..by("A1") };
    let told = |verdict, binding, reasons: &str| (verdict, binding, reasons.to_owned());
    let verified = told(Verdict::VerifiedAuthor, Binding::Author, "policy-binding");
    assert_eq!(within(Some(10), Some(200), &at(10)), verified);
    assert_eq!(within(Some(10), None, &at(9)), told(Verdict::SignedUntrusted, Binding::None, "key-not-yet-valid policy-binding"));
    assert_eq!(within(None, Some(60), &at(60)), told(Verdict::SignedUntrusted, Binding::None, "key-retired policy-binding"));
    assert_eq!(within(None, Some(60), &at(59)), told(Verdict::ClaimedTimeOnly, Binding::Author, "key-retired-since policy-binding"));
    // An SSH signature has no time of its own: the committer's counts.
    assert_eq!(within(Some(50), None, &by("A1")), verified);
    assert_eq!(within(Some(51), None, &by("A1")).0, Verdict::SignedUntrusted);
}

#[test]
fn the_state_of_a_key_counts_whatever_the_policy_says() {
    let revoked = SignatureFacts { key_time: Some(KeyTime::RevokedHard), ..by("A1") };
    assert_judged(&policy(), ALICE, ALICE, &revoked, Verdict::Invalid, "key-revoked");
    let expired = SignatureFacts { key_time: Some(KeyTime::ExpiredSince), ..by("A1") };
    assert_judged(&policy(), ALICE, ALICE, &expired, Verdict::ClaimedTimeOnly, "key-expired-since policy-binding");
    let weak = SignatureFacts { algo: Some(Algo::Weak), ..by("A1") };
    assert_judged(&policy(), ALICE, ALICE, &weak, Verdict::Invalid, "weak-algorithm");
    assert_judged(&policy(), ALICE, ALICE, &SignatureFacts::unsigned(), Verdict::Unsigned, "");
    let (trusted, unknown) = (policy(), SignatureFacts { key_time: None, ..by("A1") });
    let judged = judge(&trusted, &commit(ALICE, ALICE), &unknown, here());
    assert_eq!((judged.verdict.verdict, judged.names.len()), (Verdict::Unverifiable, 0));
}

#[test]
fn a_retired_subkey_is_retired_beside_its_primary_key() {
    let mut policy = policy();
    policy.principals[0].keys.push(TrustedKey { retired_at: Some(on(40)), ..key("S1") });
    let facts = SignatureFacts { subkey: Some("S1".to_owned()), ..by("A1") };
    assert_judged(&policy, ALICE, ALICE, &facts, Verdict::SignedUntrusted, "key-retired policy-binding");
}

#[test]
fn a_position_that_is_not_known_for_sure_speaks_for_nobody() {
    let told = |bound: TrustedKey, mark: Option<Mark>| {
        let mut policy = policy();
        policy.principals[0].keys = vec![bound];
        let marks = mark.into_iter().map(|mark| (("fleet".to_owned(), CommitId::new("x")), mark)).collect();
        let positions = Positions { marks, ..Positions::default() };
        let standpoint = Standpoint { positions: &positions, now: today() };
        let judged = judge(&policy, &commit(ALICE, ALICE), &by("A1"), standpoint);
        (judged.verdict.verdict, judged.verdict.reasons[0].clone(), judged.names.len())
    };
    let at = || Some(Moment::Commit(CommitId::new("x")));
    let (from, end) = (TrustedKey { valid_from: at(), ..key("A1") }, TrustedKey { retired_at: at(), ..key("A1") });
    let before = || Mark { before: [CommitId::new("a")].into(), whole: true, ..Mark::default() };
    let after = || Mark { whole: true, ..Mark::default() };
    let untrusted = |reason: &str| (Verdict::SignedUntrusted, reason.to_owned(), 0);
    let verified = (Verdict::VerifiedAuthor, "policy-binding".to_owned(), 1);
    assert_eq!(told(end.clone(), Some(before())), verified);
    assert_eq!(told(end.clone(), Some(after())), untrusted("key-retired"));
    assert_eq!(told(from.clone(), Some(after())), verified);
    assert_eq!(told(from.clone(), Some(before())), untrusted("key-not-yet-valid"));
    // Where the history is cut off, what is not found may still be there.
    assert_eq!(told(from.clone(), Some(Mark::default())), untrusted("position-unknown"));
    assert_eq!(told(end.clone(), Some(Mark { whole: false, ..before() })), verified);
    assert_eq!(told(from, None), untrusted("position-unknown"));
    assert_eq!(told(end, None), untrusted("position-unknown"));
}

#[test]
fn a_key_of_tomorrow_speaks_for_nobody_whatever_time_is_claimed() {
    let mut policy = policy();
    policy.principals[0].keys = vec![TrustedKey { valid_from: Some(on(200)), ..key("A1") }];
    let facts = SignatureFacts { time: Some(day(201)), ..by("A1") };
    assert_judged(&policy, ALICE, ALICE, &facts, Verdict::SignedUntrusted, "key-not-yet-valid policy-binding");
}

#[test]
fn t48_a_format_that_is_no_key_of_the_forge_is_spoofed_where_it_cannot_be_read_too() {
    let unreadable = |format| SignatureFacts::of(format, Crypto::Unsupported);
    assert_judged(&policy(), ALICE, FORGE, &unreadable(Format::Ssh), Verdict::Invalid, "spoofed-forge");
    assert_judged(&policy(), ALICE, FORGE, &unreadable(Format::OpenPgp), Verdict::Unverifiable, "unsupported-format");
}

#[test]
fn what_is_refused_of_a_signature_is_refused_under_a_policy_too() {
    let facts = SignatureFacts { reasons: vec!["no-touch".to_owned()], ..by("SHA256:A2") };
    assert_judged(&policy(), ALICE, ALICE, &facts, Verdict::SignedUntrusted, "no-touch");
}

#[test]
fn a_bot_signs_by_its_forge_or_its_own_key_and_is_its_author() {
    assert_judged(&policy(), BOT, FORGE, &by("F1"), Verdict::BotAttested, "bot");
    assert_judged(&policy(), BOT, BOB, &by("B1"), Verdict::VerifiedCommitter, "policy-binding");
    let mut own = policy();
    own.bots = vec![bot(Via::Keys(vec![key("R1")]))];
    assert_judged(&own, BOT, BOB, &by("R1"), Verdict::BotAttested, "bot");
    assert_judged(&own, ALICE, BOB, &by("R1"), Verdict::SignedUntrusted, "identity-mismatch");
    assert_judged(&own, BOT, FORGE, &by("F1"), Verdict::ForgeAttested, "forge-key");
}

fn field(path: &[&str]) -> FieldPath {
    FieldPath(path.iter().map(|name| Step::Field((*name).to_owned())).collect())
}

fn object(kind: &str, namespace: Option<&str>) -> ObjectId {
    ObjectId { group: String::new(), kind: kind.to_owned(), namespace: namespace.map(str::to_owned), name: "web".to_owned() }
}

fn at<'a>(path: &str, object: &'a ObjectId) -> Place<'a> {
    Place { source: "fleet", url: "https://x/fleet", reference: Some("refs/heads/main"), paths: vec![path.to_owned()], object }
}

fn phrases((breaches, _): (Breaches, Option<Verdict>)) -> String {
    breaches.phrases().collect::<Vec<_>>().join(" ")
}

#[test]
fn t75_a_bot_sets_its_fields_in_its_files_and_nothing_else() {
    let mut policy = policy();
    policy.bots[0].paths = vec![PathGlob::parse("**/release.yaml").expect("a pattern")];
    policy.bots[0].fields = vec![FieldGlob::parse("**.image.tag").expect("a pattern")];
    let (of_bot, of_forge) = (commit(BOT, FORGE), commit(ALICE, FORGE));
    let (facts, object) = (by("F1"), object("Release", Some("shop")));
    let told = |commit: &Commit, path: &str, field: Option<&FieldPath>| {
        phrases(objections(&policy, Some(&judge(&policy, commit, &facts, here())), &at(path, &object), field, false))
    };
    let tag = field(&["spec", "values", "image", "tag"]);
    assert_eq!(told(&of_bot, "a/release.yaml", Some(&tag)), "");
    assert_eq!(told(&of_bot, "a/other.yaml", Some(&tag)), "out-of-bot-scope");
    assert_eq!(told(&of_bot, "a/release.yaml", Some(&field(&["spec", "replicas"]))), "out-of-bot-scope");
    assert_eq!(told(&of_bot, "a/other.yaml", None), "out-of-bot-scope");
    assert_eq!(told(&of_forge, "a/other.yaml", Some(&tag)), "");
    // Another bot of the same program may.
    let mut two = policy.clone();
    two.bots.push(Bot {
        name: "renovate-replicas".to_owned(),
        fields: vec![FieldGlob::parse("spec.replicas").expect("a pattern")],
        ..policy.bots[0].clone()
    });
    let replicas = field(&["spec", "replicas"]);
    let judged = judge(&two, &of_bot, &facts, here());
    assert_eq!(phrases(objections(&two, Some(&judged), &at("a/release.yaml", &object), Some(&replicas), false)), "");
}

fn team_rule() -> Rule {
    Rule {
        source: Some("fl*".to_owned()),
        reference: Some("refs/heads/main".to_owned()),
        paths: vec![PathGlob::parse("apps/team-a/**").expect("a pattern")],
        namespaces: vec!["team-a".to_owned()],
        kinds: vec!["!ClusterRole*".to_owned()],
        allow: Some(BTreeSet::from(["alice".to_owned()])),
        min: Some(Verdict::ForgeAttested),
        ..Rule::default()
    }
}

#[test]
fn t82_a_file_that_is_allowed_declares_only_what_its_rule_says() {
    let policy = TrustPolicy { rules: vec![team_rule()], ..policy() };
    let told = |author: &str, committer: &str, facts: &SignatureFacts, path: &str, object: &ObjectId| {
        phrases(objections(&policy, Some(&judge(&policy, &commit(author, committer), facts, here())), &at(path, object), None, false))
    };
    let (own, foreign) = (object("ConfigMap", Some("team-a")), object("ConfigMap", Some("kube-system")));
    let cluster = object("ClusterRoleBinding", None);
    let file = "apps/team-a/x.yaml";
    assert_eq!(told(ALICE, ALICE, &by("A1"), file, &own), "");
    assert_eq!(told(ALICE, FORGE, &by("F1"), file, &own), "");
    assert_eq!(told(ALICE, ALICE, &by("A1"), file, &foreign), "out-of-scope");
    assert_eq!(told(ALICE, ALICE, &by("A1"), file, &cluster), "out-of-scope");
    assert_eq!(told(BOB, BOB, &by("B1"), file, &own), "not-allowed");
    assert_eq!(told(BOB, FORGE, &by("F1"), file, &own), "not-allowed");
    assert_eq!(told(ALICE, ALICE, &SignatureFacts::unsigned(), file, &own), "not-allowed below-minimum");
    assert_eq!(told(BOT, FORGE, &by("F1"), file, &own), "not-allowed below-minimum");
    assert_eq!(told(ALICE, ALICE, &by("A1"), "apps/team-b/x.yaml", &own), "unscoped");
}

#[test]
fn a_forge_that_merges_what_an_allowed_author_signed_has_to_be_allowed_only_where_a_rule_says_so() {
    let own = object("ConfigMap", Some("team-a"));
    let told = |require, min, author: &str, committer: &str, key: &str| {
        let policy = TrustPolicy { rules: vec![Rule { require, min: Some(min), ..team_rule() }], ..policy() };
        let judged = judge(&policy, &commit(author, committer), &by(key), here());
        phrases(objections_to_change(&policy, Some(&judged), &at("apps/team-a/x.yaml", &own)).expect("a rule asks for the change"))
    };
    let forge = Verdict::ForgeAttested;
    assert_eq!(told(None, forge, BOB, FORGE, "F1"), "");
    assert_eq!(told(Some(Require::Both), forge, BOB, FORGE, "F1"), "not-allowed");
    assert_eq!(told(Some(Require::Change), forge, BOB, FORGE, "F1"), "not-allowed");
    assert_eq!(told(None, Verdict::VerifiedAuthor, BOB, FORGE, "F1"), "below-minimum");
    // Whoever merges with a key of their own is held to it.
    assert_eq!(told(None, forge, BOB, BOB, "B1"), "not-allowed");
    assert_eq!(told(None, forge, ALICE, ALICE, "A1"), "");
}

#[test]
fn every_rule_that_is_about_something_has_to_pass() {
    let system = Rule { namespaces: vec!["kube-system".to_owned()], min: Some(Verdict::VerifiedAuthor), ..Rule::default() };
    let any = Rule { min: Some(Verdict::ForgeAttested), ..Rule::default() };
    let policy = TrustPolicy { rules: vec![any, system], ..policy() };
    let attested = judge(&policy, &commit(ALICE, FORGE), &by("F1"), here());
    let (own, foreign) = (object("ConfigMap", Some("team-a")), object("ConfigMap", Some("kube-system")));
    assert!(objections(&policy, Some(&attested), &at("x.yaml", &own), None, false).0.is_empty());
    let (breaches, missed) = objections(&policy, Some(&attested), &at("x.yaml", &foreign), None, false);
    assert_eq!((breaches.has(Objection::BelowMinimum), missed), (true, Some(Verdict::VerifiedAuthor)));
    // Where no commit is credited, nothing is proven.
    assert_eq!(objections(&policy, None, &at("x.yaml", &own), None, false).1, Some(Verdict::ForgeAttested));
    assert!(objections(&super::tests::policy(), None, &at("x.yaml", &own), None, false).0.is_empty());
}

proptest! {
    #[test]
    fn nobody_is_verified_by_a_key_that_the_policy_does_not_give_them(
        author in prop::sample::select(vec![ALICE, BOB, FORGE, BOT, "eve@x", ""]),
        committer in prop::sample::select(vec![ALICE, BOB, FORGE, BOT, "eve@x"]),
        key in prop::sample::select(vec!["A1", "SHA256:A2", "B1", "F1", "M1"]),
        crypto in prop::sample::select(vec![Crypto::Unsigned, Crypto::Malformed, Crypto::Unsupported, Crypto::UnknownKey, Crypto::Bad, Crypto::Good]),
    ) {
        let facts = SignatureFacts { crypto, ..by(key) };
        let trusted = policy();
        let judged = judge(&trusted, &commit(author, committer), &facts, here());
        let is_own = |emails: &[&str], keys: &[&str], email: &str| emails.contains(&email) && keys.contains(&key);
        let of_person = |email: &str| is_own(&[ALICE], &["A1", "SHA256:A2"], email) || is_own(&[BOB], &["B1"], email);
        match judged.verdict.verdict {
            Verdict::VerifiedAuthor => prop_assert!(crypto == Crypto::Good && of_person(author) && committer != FORGE),
            Verdict::VerifiedCommitter => prop_assert!(crypto == Crypto::Good && of_person(committer)),
            Verdict::ForgeAttested => prop_assert!(crypto == Crypto::Good && key == "F1" && committer == FORGE && author != BOT),
            Verdict::BotAttested => prop_assert!(crypto == Crypto::Good && key == "F1" && committer == FORGE && author == BOT),
            _ => prop_assert!(judged.names.is_empty()),
        }
    }
}
