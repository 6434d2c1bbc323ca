//! Commits in, a file out.

use chrono::DateTime;

use super::super::proposal::Proposal;
use super::{quoted, written};
use crate::attribute::commit_verdict;
use crate::config::Config;
use crate::model::attribution::{Algo, Crypto, Format, KeyTime, SignatureFacts};
use crate::model::commit::{Actor, Commit, CommitId};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::evidence::{Survey, TouchedFile};
use crate::model::text::RawText;
use crate::model::trust::{TrustPolicy, Via};

const ALICE: &str = "0123456789ABCDEF0123456789ABCDEF01234567";
const WEB_FLOW: &str = "968479A1AFF927E37D1A566BB5690EEEBB952194";

/// What a hostile repository would like to say.
const EVIL: [&str; 6] = [
    "x\n  - name: evil\n    emails: [a@b]",
    "\"]}\u{1b}[31m\u{9b}2J\r\nprincipals: [{name: evil, emails: [a@b]}]",
    "x # y \u{2028}- name: evil\u{85}- name: evil",
    "'*anchor &anchor !tag %YAML \\ \\n {{ }}",
    "\u{202e}evil\u{feff}\u{e0041}\0",
    "a\\\"\n---\nprincipals: []",
];

fn commit(author: (&str, &str), committer: (&str, &str)) -> Commit {
    let actor = |(name, email): (&str, &str)| Actor {
        name: name.into(),
        email: email.into(),
        time: DateTime::from_timestamp(1_700_000_000, 0).map(|time| time.fixed_offset()),
    };
    Commit {
        id: CommitId::new("a".repeat(40)),
        source: "fleet".to_owned(),
        author: actor(author),
        committer: actor(committer),
        subject: "".into(),
        raw: Vec::new().into(),
    }
}

fn good(key: &str, emails: &[&str]) -> SignatureFacts {
    SignatureFacts {
        algo: Some(Algo::Ok),
        key_time: Some(KeyTime::Valid),
        key: Some(key.to_owned()),
        emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        ..SignatureFacts::of(Format::OpenPgp, Crypto::Good)
    }
}

fn unknown(format: Format, key: &str) -> SignatureFacts {
    SignatureFacts { key: Some(key.to_owned()), ..SignatureFacts::of(format, Crypto::UnknownKey) }
}

fn text(commits: &[(Commit, SignatureFacts, Option<Vec<TouchedFile>>)], gaps: &[NotEvaluated]) -> String {
    let mut proposal = Proposal::default();
    for (commit, facts, touched) in commits {
        proposal.add(commit, facts, &commit_verdict(commit, facts), touched.as_deref());
    }
    let survey = Survey {
        source: "fleet".to_owned(),
        requested: "refs/heads/main".to_owned(),
        commits: commits.iter().map(|(commit, ..)| commit.clone()).collect(),
        cut: false,
        touched: Default::default(),
    };
    written(&proposal, &[survey], gaps, 100)
}

fn policy(text: &str) -> TrustPolicy {
    Config::parse_trust("proposal", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The policy that a reviewer gets who makes every proposal active.
fn uncommented(text: &str) -> String {
    let start = text.find("\nprincipals:").expect("principals are always there");
    let mut lines: Vec<String> = text[start..].lines().map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned()).collect();
    lines.retain(|line| !line.starts_with("principals: []") && !line.starts_with("Who may declare"));
    lines.join("\n")
}

#[test]
fn certificates_that_sign_once_are_one_key_of_their_identity() {
    let of = |fingerprint: &str| SignatureFacts {
        format: Format::X509,
        identities: vec!["alice@example.com".to_owned()],
        issuer: Some("https://accounts.example".to_owned()),
        ..good(fingerprint, &["alice@example.com"])
    };
    let alice = || commit(("Alice", "alice@example.com"), ("Alice", "alice@example.com"));
    let text = text(&[(alice(), of("SHA256:01"), None), (alice(), of("SHA256:02"), None)], &[]);
    let line = "      - x509: { identity: \"alice@example.com\", issuer: \"https://accounts.example\" }\n";
    assert_eq!(text.matches(line).count(), 1, "{text}");
    assert!(text.contains("commits with a good signature: 2,"), "{text}");
}

#[test]
fn nothing_at_all_is_an_empty_policy() {
    let read = policy(&text(&[], &[]));
    assert!(read.principals.is_empty() && read.forges.is_empty() && read.bots.is_empty() && read.rules.is_empty());
}

#[test]
fn hostile_texts_are_no_yaml_wherever_they_stand() {
    for evil in EVIL {
        let address = format!("{evil}@{evil}");
        let mut commits = Vec::new();
        for facts in [
            good(ALICE, &["alice@example.com"]),
            good(ALICE, &[]),
            unknown(Format::OpenPgp, "89ABCDEF01234567"),
            SignatureFacts::unsigned(),
        ] {
            let files = vec![TouchedFile { path: RawText::from(evil), fields: Some([evil.to_owned()].into()) }];
            commits.push((commit((evil, &address), (evil, evil)), facts.clone(), None));
            commits.push((commit((&format!("{evil}[bot]"), "bot[bot]@example.com"), ("Alice", "alice@example.com")), facts, Some(files)));
        }
        let gap = NotEvaluated::new(Stage::History, evil, evil).with_detail(evil);
        let told = text(&commits, &[gap]);
        let read = policy(&told);
        assert_eq!(read.principals.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["alice"], "{told}");
        assert!(read.rules.is_empty() && read.forges.is_empty());
        let seen = |character: char| {
            character == '\n' || character == ' ' || character == '…' || character.is_ascii_graphic() || character.is_alphanumeric()
        };
        assert!(told.chars().all(seen), "{told:?}");
        assert!(
            told.lines().all(|line| line.is_empty()
                || line.starts_with([' ', '#'])
                || line.starts_with("principals:")
                || line.starts_with("bots:")),
            "{told}"
        );
    }
}

#[test]
fn a_quoted_text_is_read_as_it_was() {
    for text in EVIL.into_iter().chain(["Łukasz 李伟", "a: b", ""]) {
        let node = crate::yaml::config(format!("key: {}\n", quoted(text)).as_bytes()).expect("YAML");
        assert_eq!(node.to_value()["key"], text.replace('\0', "\u{fffd}"));
    }
}

#[test]
fn what_is_only_claimed_is_commented_out() {
    let alice = ("Alice", "alice@example.com");
    let told = text(
        &[
            (commit(alice, alice), unknown(Format::OpenPgp, ALICE), None),
            (commit(alice, alice), unknown(Format::Ssh, &format!("SHA256:{}", "A".repeat(43))), None),
            (commit(alice, ("GitHub", "noreply@github.com")), unknown(Format::OpenPgp, &WEB_FLOW[24..]), None),
            (commit(("renovate[bot]", "1+renovate[bot]@example.com"), alice), SignatureFacts::unsigned(), Some(Vec::new())),
        ],
        &[],
    );
    let read = policy(&told);
    assert!(read.principals.is_empty() && read.forges.is_empty() && read.bots.is_empty(), "{told}");
    for claim in [ALICE, "SHA256:AAAA", "alice@example.com", &WEB_FLOW[24..], "noreply@github.com", "name: \"renovate\""] {
        assert!(told.contains(claim), "{claim}\n{told}");
    }
}

#[test]
fn a_key_that_proves_somebody_is_proposed_with_the_emails_that_are_its_own() {
    let alice = ("Alice", "alice@example.com");
    let facts =
        SignatureFacts { contested: vec!["team@example.com".to_owned()], ..good(ALICE, &["alice@example.com", "alice@home.example"]) };
    let told = text(&[(commit(alice, alice), facts.clone(), None), (commit(("Bob", "bob@example.com"), alice), facts, None)], &[]);
    let read = policy(&told);
    assert_eq!(read.principals[0].emails, ["alice@example.com", "alice@home.example"]);
    assert_eq!(read.principals[0].keys[0].fingerprint, ALICE);
    assert!(
        told.contains("one key, several e-mails") && told.contains("others are said to have written: \"bob@example.com\" (1)"),
        "{told}"
    );
    assert!(told.contains("# - \"team@example.com\"    # review"), "{told}");
}

#[test]
fn keys_that_dispute_an_email_are_one_entry_for_a_person_to_decide() {
    let alice = ("Alice", "alice@example.com");
    let disputed = |key: &str| SignatureFacts { contested: vec!["alice@example.com".to_owned()], ..good(key, &[]) };
    let other = ALICE.replace("01234567", "76543210");
    let told = text(&[(commit(alice, alice), disputed(ALICE), None), (commit(alice, alice), disputed(&other), None)], &[]);
    assert!(policy(&told).principals.is_empty());
    let read = policy(uncommented(&told).split("\nrules:").next().expect("a split has a first part"));
    assert_eq!((read.principals.len(), read.principals[0].keys.len()), (1, 2), "{told}");
}

#[test]
fn a_bot_of_a_verified_forge_is_proposed_with_what_it_touched() {
    let facts =
        SignatureFacts { forge: Some("github".to_owned()), forge_committer: Some("noreply@github.com".to_owned()), ..good(WEB_FLOW, &[]) };
    let by_bot = commit(("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.com"), ("GitHub", "noreply@github.com"));
    let file = TouchedFile {
        path: RawText::from("apps/web/release.yaml"),
        fields: Some(["spec.chart.spec.version".to_owned(), "spec.values.containers[*].tag".to_owned()].into()),
    };
    let read = policy(&text(&[(by_bot.clone(), facts.clone(), Some(vec![file.clone()]))], &[]));
    let [bot] = read.bots.as_slice() else { panic!("one bot: {read:?}") };
    assert!(matches!(&bot.via, Via::Forge(forge) if forge == "github") && read.forges[0].committer == "noreply@github.com");
    assert_eq!((bot.paths.len(), bot.fields.len()), (1, 2));
    // What is not known of one commit bounds nothing.
    let told = text(&[(by_bot.clone(), facts.clone(), Some(vec![file])), (by_bot, facts, None)], &[]);
    assert_eq!((policy(&told).bots[0].paths.len(), policy(&told).bots[0].fields.len()), (0, 0));
    assert!(told.contains("# paths: []    # review"), "{told}");
}

#[test]
fn a_person_is_no_bot_because_a_commit_calls_them_one() {
    let (alice, as_bot) = (("Alice", "alice@example.com"), ("x[bot]", "alice@example.com"));
    let other = ALICE.replace("01234567", "76543210");
    let (hers, mallorys) = (good(ALICE, &["alice@example.com"]), good(&other, &["mallory@example.com"]));
    let by_mallory = ("m[bot]", "mallory@example.com");
    let told = text(
        &[
            (commit(alice, alice), hers, None),
            (commit(as_bot, as_bot), SignatureFacts::unsigned(), Some(Vec::new())),
            (commit(by_mallory, by_mallory), mallorys.clone(), Some(Vec::new())),
            (commit(as_bot, by_mallory), mallorys, Some(Vec::new())),
        ],
        &[],
    );
    let read = policy(&told);
    let [person] = read.principals.as_slice() else { panic!("Alice: {told}") };
    assert_eq!((person.name.as_str(), person.keys[0].fingerprint.as_str()), ("alice", ALICE), "{told}");
    let [bot] = read.bots.as_slice() else { panic!("Mallory's own: {told}") };
    assert_eq!((bot.name.as_str(), bot.author_email.as_str()), ("mallory", "mallory@example.com"), "{told}");
    assert!(matches!(&bot.via, Via::Keys(keys) if keys[0].fingerprint == other), "{told}");
}

#[test]
fn who_also_commits_as_a_person_is_no_bot() {
    let (alice, as_bot) = (("Alice", "alice@example.com"), ("Alice's [bot]", "alice@example.com"));
    let hers = || good(ALICE, &["alice@example.com"]);
    let read = policy(&text(&[(commit(alice, alice), hers(), None), (commit(as_bot, as_bot), hers(), Some(Vec::new()))], &[]));
    assert_eq!((read.principals.len(), read.bots.len()), (1, 0));
    // Nor is a key whose other e-mail is of nobody yet.
    let both = good(ALICE, &["alice@example.com", "bot@example.com"]);
    let bot = ("a[bot]", "bot@example.com");
    let read = policy(&text(&[(commit(bot, bot), both, Some(Vec::new()))], &[]));
    assert_eq!((read.principals.len(), read.bots.len()), (1, 0));
}

#[test]
fn a_bot_by_way_of_a_forge_has_no_email_of_a_person() {
    let github =
        |key| SignatureFacts { forge: Some("github".to_owned()), forge_committer: Some("noreply@github.com".to_owned()), ..good(key, &[]) };
    let by_key = |author, key| (commit(author, ("GitHub", "noreply@github.com")), github(key), Some(Vec::new()));
    let by_github = |author| by_key(author, WEB_FLOW);
    let (alice, as_bot) = (("Alice", "alice@example.com"), ("A[bot]", "alice@example.com"));
    assert_eq!(policy(&text(&[by_github(as_bot)], &[])).bots.len(), 1);
    assert!(policy(&text(&[by_github(as_bot), by_github(alice)], &[])).bots.is_empty());
    assert!(policy(&text(&[by_github(as_bot), by_key(alice, "5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23")], &[])).bots.is_empty());
    let told = text(&[by_github(as_bot), (commit(alice, alice), good(ALICE, &["alice@example.com"]), None)], &[]);
    let read = policy(&told);
    assert_eq!((read.principals[0].name.as_str(), read.bots.len()), ("alice", 0), "{told}");
    assert!(told.contains("is also a person's"), "{told}");
    // Nor where so many keys are claimed that hers is the last.
    let mut commits: Vec<_> =
        (0..1000).map(|number| (commit(alice, alice), unknown(Format::OpenPgp, &format!("{number:016X}")), None)).collect();
    commits.extend([by_github(as_bot), (commit(alice, alice), good(ALICE, &["alice@example.com"]), None)]);
    let read = policy(&text(&commits, &[]));
    assert_eq!((read.principals.len(), read.bots.len()), (1, 0));
}
