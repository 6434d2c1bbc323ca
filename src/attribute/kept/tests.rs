//! A history of commits that change a policy in, what is in force and who is judged by what out.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::{KeptFile, established};
use crate::attribute::Standpoint;
use crate::model::attribution::{Algo, Crypto, Format, KeyTime, SignatureFacts};
use crate::model::commit::{Actor, Commit, CommitId};
use crate::model::evidence::{Positions, Signatures};
use crate::model::kept::{ChangeOutcome, FileHistory, FileStep, KeptPolicy, KeptTrust, Trust};
use crate::model::trust::{Bot, PathGlob, Principal, Rule, TrustPolicy, TrustedKey, Via};

/// Principals by the letters of their names, each with a key of the same letter.
fn policy(names: &str) -> TrustPolicy {
    let principal = |name: char| Principal {
        name: name.to_string(),
        emails: vec![format!("{name}@example.com")],
        keys: vec![TrustedKey { fingerprint: name.to_string(), ..TrustedKey::default() }],
    };
    TrustPolicy { principals: names.chars().map(principal).collect(), ..TrustPolicy::default() }
}

/// A commit: its id, its parents, what the file holds, and whose key signed it; `-` stands for nobody.
type Line<'a> = (&'a str, &'a [&'a str], &'a str, char);

/// What the file holds where it is no policy.
const BROKEN: &str = "broken";

struct Story {
    trust: Trust,
    kept: KeptTrust,
}

impl Story {
    fn of(lines: &[Line<'_>]) -> Self {
        Self::with(lines, policy)
    }

    fn with(lines: &[Line<'_>], read: impl Fn(&str) -> TrustPolicy) -> Self {
        let numbers: BTreeMap<&str, u32> = lines.iter().zip(0..).map(|((id, ..), number)| (*id, number)).collect();
        let mut history = FileHistory::default();
        let mut known: Vec<&str> = Vec::new();
        let mut signatures = Signatures::new();
        for (number, (id, parents, content, key)) in (0..).zip(lines) {
            let parents: Vec<u32> = parents.iter().filter_map(|parent| numbers.get(parent).copied()).collect();
            let place = known.iter().position(|known| known == content).unwrap_or_else(|| {
                known.push(content);
                known.len() - 1
            });
            let version = u32::try_from(place).unwrap();
            if parents.iter().any(|parent| history.steps[*parent as usize].version != version) {
                history.changing.insert(number, commit(id, *key));
            }
            history.steps.push(FileStep { id: CommitId::new(*id), parents, version });
            let facts = SignatureFacts {
                algo: Some(Algo::Ok),
                key_time: Some(KeyTime::Valid),
                key: Some(key.to_string()),
                ..SignatureFacts::of(Format::OpenPgp, if *key == '-' { Crypto::Unsigned } else { Crypto::Good })
            };
            signatures.insert(("fleet".to_owned(), CommitId::new(*id)), facts);
        }
        let policies = known.iter().map(|content| if *content == BROKEN { Err(BROKEN.to_owned()) } else { Ok(read(content)) }).collect();
        let kept = KeptPolicy { source: "fleet".to_owned(), path: "trust.yaml".to_owned(), anchor: CommitId::new(lines[0].0) };
        let before = vec![CommitId::new("before")];
        let file = KeptFile { kept: &kept, url: "https://git.example/fleet", reference: None, history: &history, before, policies };
        let positions = Positions::default();
        let standpoint = Standpoint { positions: &positions, now: DateTime::UNIX_EPOCH };
        let (trust, kept) = established(file, &signatures, standpoint).expect("the anchor's version is a policy");
        Self { trust, kept }
    }

    /// What became of each change, and `!` where it is why the file is not what is in force.
    fn changes(&self) -> String {
        let told = |change: &crate::model::kept::PolicyChange| {
            let reasons = match &change.outcome {
                ChangeOutcome::Refused(reasons) => format!("({})", reasons.join(" ")),
                ChangeOutcome::Accepted | ChangeOutcome::Unreadable(_) => String::new(),
            };
            format!("{} {}{reasons}{}", change.commit.id, change.outcome.as_str(), if change.stands { "!" } else { "" })
        };
        self.kept.changes.iter().map(told).collect::<Vec<_>>().join(", ")
    }

    fn in_force(&self) -> String {
        self.kept.in_force.iter().map(CommitId::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The principals of each policy that a commit is judged by.
    fn over(&self, commit: &str) -> Option<Vec<String>> {
        let names = |policy: &TrustPolicy| policy.principals.iter().map(|principal| principal.name.as_str()).collect();
        Some(self.trust.over("fleet", &CommitId::new(commit))?.into_iter().map(names).collect())
    }
}

fn commit(id: &str, key: char) -> Commit {
    let actor = || Actor {
        name: key.to_string().as_str().into(),
        email: format!("{key}@example.com").as_str().into(),
        time: Some(DateTime::UNIX_EPOCH.fixed_offset()),
    };
    Commit {
        id: CommitId::new(id),
        source: "fleet".to_owned(),
        author: actor(),
        committer: actor(),
        subject: "".into(),
        raw: Vec::new().into(),
    }
}

fn judged_by(policies: &[&str]) -> Option<Vec<String>> {
    Some(policies.iter().map(|names| (*names).to_owned()).collect())
}

#[test]
fn t81_nobody_brings_the_key_that_lets_them_in_neither_at_once_nor_later() {
    let story = Story::of(&[("0", &[], "a", 'a'), ("1", &["0"], "am", 'm'), ("2", &["1"], "am", 'm')]);
    assert_eq!(story.changes(), "1 refused(below-minimum key-not-in-policy)!");
    assert_eq!(story.in_force(), "0");
    assert_eq!((story.over("1"), story.over("2")), (judged_by(&["a"]), judged_by(&["a"])));
}

#[test]
fn who_may_change_it_lets_others_in_from_the_next_commit_on() {
    let story = Story::of(&[("0", &[], "a", 'a'), ("1", &["0"], "ab", 'a'), ("2", &["1"], "b", 'b'), ("3", &["2"], "b", 'a')]);
    assert_eq!((story.changes().as_str(), story.in_force().as_str()), ("1 accepted, 2 accepted", "2"));
    let over = ["0", "1", "2", "3"].map(|commit| story.over(commit).unwrap().join(" "));
    assert_eq!(over, ["a", "a", "ab", "b"]);
}

#[test]
fn before_the_anchor_nothing_is_claimed_and_elsewhere_what_is_in_force_counts() {
    let story = Story::of(&[("0", &[], "a", 'a'), ("1", &["0"], "ab", 'a')]);
    assert_eq!(story.over("before"), None);
    let names = |policy: &TrustPolicy| policy.principals.len();
    assert_eq!(story.trust.over("other", &CommitId::new("x")).unwrap().into_iter().map(names).collect::<Vec<_>>(), [2]);
    // What nobody knows where it stands is judged by all.
    assert_eq!(story.over("x"), judged_by(&["a", "ab"]));
}

#[test]
fn a_refused_change_is_not_carried_in_by_the_next_one_that_may_be_made() {
    let lines: [Line<'_>; 4] = [("0", &[], "a", 'a'), ("1", &["0"], "am", 'm'), ("2", &["1"], "abm", 'a'), ("3", &["2"], "abm", 'b')];
    let story = Story::of(&lines);
    assert_eq!(story.changes(), "1 refused(below-minimum key-not-in-policy)!, 2 refused(policy-not-in-force)");
    assert_eq!(story.over("3"), judged_by(&["a"]));
    // Taken back first, it can be changed again.
    let story = Story::of(&[lines[0], lines[1], ("2", &["1"], "a", 'm'), ("3", &["2"], "ab", 'a')]);
    assert_eq!(story.changes(), "1 refused(below-minimum key-not-in-policy), 3 accepted");
    assert_eq!(story.in_force(), "3");
}

#[test]
fn what_cannot_be_read_changes_nothing_and_may_be_mended_by_whoever_may_change_it() {
    let story = Story::of(&[("0", &[], "a", 'a'), ("1", &["0"], BROKEN, 'a'), ("2", &["1"], BROKEN, 'b')]);
    assert_eq!((story.changes().as_str(), story.in_force().as_str()), ("1 unreadable!", "0"));
    let story = Story::of(&[("0", &[], "a", 'a'), ("1", &["0"], BROKEN, 'a'), ("2", &["1"], "ab", 'a')]);
    assert_eq!((story.changes().as_str(), story.in_force().as_str()), ("1 unreadable, 2 accepted", "2"));
    let story = Story::of(&[("0", &[], "a", 'a'), ("1", &["0"], BROKEN, 'm'), ("2", &["1"], "ab", 'a')]);
    assert!(story.changes().starts_with("1 refused(below-minimum key-not-in-policy)!"), "{}", story.changes());
}

#[test]
fn a_merge_that_keeps_what_is_in_force_needs_nobodys_leave() {
    let line: [Line<'_>; 4] =
        [("0", &[], "a", 'a'), ("1", &["0"], "ab", 'a'), ("side", &["0"], "a", 'a'), ("m", &["1", "side"], "ab", '-')];
    for parents in [["1", "side"], ["side", "1"]] {
        let mut lines = line;
        lines[3].1 = &parents;
        let story = Story::of(&lines);
        assert_eq!((story.changes().as_str(), story.in_force().as_str()), ("1 accepted", "1"));
    }
}

#[test]
fn a_merge_that_brings_an_older_version_back_changes_the_policy() {
    let lines = |key| -> [Line<'static>; 4] {
        [("0", &[], "ab", 'a'), ("1", &["0"], "a", 'a'), ("side", &["0"], "ab", 'b'), ("m", &["1", "side"], "ab", key)]
    };
    let story = Story::of(&lines('b'));
    assert_eq!(story.changes(), "1 accepted, m refused(below-minimum key-not-in-policy)!");
    assert_eq!(story.in_force(), "1");
    assert_eq!(Story::of(&lines('a')).in_force(), "m");
}

#[test]
fn work_on_an_old_line_is_judged_by_what_was_changed_meanwhile_too() {
    // Bob's key is taken out while he, or who has his key, works on a line from before.
    let story = Story::of(&[
        ("0", &[], "ab", 'a'),
        ("1", &["0"], "a", 'a'),
        ("late", &["0"], "ab", 'b'),
        ("m", &["1", "late"], "a", 'a'),
        ("2", &["m"], "ac", 'a'),
    ]);
    assert_eq!(story.over("late"), judged_by(&["ab", "a"]));
    // Whichever line a merge calls the first.
    let story = Story::of(&[("0", &[], "ab", 'a'), ("1", &["0"], "a", 'a'), ("late", &["0"], "ab", 'b'), ("m", &["late", "1"], "a", '-')]);
    assert_eq!(story.over("late"), judged_by(&["ab", "a"]));
    // What had been merged before the key was taken out is not touched.
    let story = Story::of(&[("0", &[], "ab", 'a'), ("x", &["0"], "ab", 'b'), ("m", &["0", "x"], "ab", 'a'), ("1", &["m"], "a", 'a')]);
    assert_eq!(story.over("x"), judged_by(&["ab"]));
}

#[test]
fn a_line_from_before_the_anchor_is_judged_by_the_anchor_and_brings_no_policy() {
    let story = Story::of(&[
        ("0", &[], "a", 'a'),
        ("old", &["before"], "m", 'm'),
        ("older", &["old"], "mm", 'm'),
        ("m", &["0", "older"], "a", '-'),
    ]);
    assert_eq!((story.changes().as_str(), story.in_force().as_str()), ("", "0"));
    assert_eq!(story.over("old"), judged_by(&["a"]));
    let story = Story::of(&[("0", &[], "a", 'a'), ("old", &["before"], "m", 'm'), ("m", &["0", "old"], "m", 'a')]);
    assert_eq!(story.changes(), "m refused(policy-not-in-force)!");
}

#[test]
fn two_lines_that_both_changed_it_have_to_agree_until_somebody_whom_both_let_joins_them() {
    let lines = |content, key| -> [Line<'static>; 4] {
        [("0", &[], "ab", 'a'), ("1", &["0"], "a", 'a'), ("2", &["0"], "bm", 'b'), ("m", &["1", "2"], content, key)]
    };
    let story = Story::of(&lines("bm", 'b'));
    assert_eq!(story.changes(), "1 accepted, 2 accepted, m refused(below-minimum key-not-in-policy)!");
    assert_eq!(story.in_force(), "1 2");
    // Alice is no one's in the second line's.
    assert_eq!(Story::of(&lines("a", 'a')).in_force(), "1 2");
    let agreed: [Line<'_>; 4] = [("0", &[], "a", 'a'), ("1", &["0"], "ab", 'a'), ("2", &["0"], "ac", 'a'), ("m", &["1", "2"], "abc", 'a')];
    let story = Story::of(&agreed);
    assert_eq!((story.in_force().as_str(), story.over("m")), ("m", judged_by(&["ab", "ac"])));
}

#[test]
fn the_rules_about_the_file_say_who_may_change_it() {
    let rule = |paths: &[&str], allow: &[&str]| Rule {
        paths: paths.iter().map(|path| PathGlob::parse(path).unwrap()).collect(),
        allow: Some(allow.iter().map(|name| (*name).to_owned()).collect()),
        ..Rule::default()
    };
    let by = |rules: Vec<Rule>, key| {
        let lines = [("0", [].as_slice(), "ab", 'a'), ("1", ["0"].as_slice(), "abc", key)];
        Story::with(&lines, move |names| TrustPolicy { rules: rules.clone(), ..policy(names) }).changes()
    };
    assert_eq!(by(vec![rule(&["trust.yaml"], &["a"])], 'a'), "1 accepted");
    assert_eq!(by(vec![rule(&["trust.yaml"], &["a"])], 'b'), "1 refused(not-allowed policy-binding)!");
    assert_eq!(by(vec![rule(&["apps/**"], &["a", "b"])], 'a'), "1 refused(unscoped policy-binding)!");
    assert_eq!(by(vec![rule(&["apps/**"], &["b"]), rule(&["**"], &["a"])], 'a'), "1 accepted");
    // A rule about all that is declared is about its policy, too; one about objects is not.
    assert_eq!(by(vec![rule(&[], &["a"])], 'b'), "1 refused(not-allowed policy-binding)!");
    assert_eq!(by(vec![Rule { kinds: vec!["Secret".to_owned()], ..rule(&[], &["a"]) }], 'a'), "1 refused(unscoped policy-binding)!");
}

#[test]
fn a_program_changes_no_policy() {
    let read = |names: &str| TrustPolicy {
        bots: vec![Bot {
            name: "bot".to_owned(),
            via: Via::Keys(vec![TrustedKey { fingerprint: "r".to_owned(), ..TrustedKey::default() }]),
            author_email: "r@example.com".to_owned(),
            paths: Vec::new(),
            fields: Vec::new(),
        }],
        rules: vec![Rule { min: Some(crate::model::attribution::Verdict::BotAttested), ..Rule::default() }],
        ..policy(names)
    };
    let story = Story::with(&[("0", &[], "a", 'a'), ("1", &["0"], "ab", 'r')], read);
    assert_eq!(story.changes(), "1 refused(out-of-bot-scope bot)!");
}
