//! The table of checks, and what they say of scans made by hand.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use super::{CHECKS, Facts, UnknownRule, explain, findings};
use crate::model::attribution::{Binding, Breach, Breaches, CommitVerdict, Objection, Verdict};
use crate::model::commit::CommitId;
use crate::model::comparison::{FieldVerdict, ObjectState, OwnershipGap};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{DocumentRef, Remote};
use crate::model::evidence::{Authored, Change, DocumentHistory, ObservedTip, TagObject, Tip, TipChange, Unreachable};
use crate::model::finding::{Finding, Severity};
use crate::model::fixture::{add_commit, clean, compared, declare, differ, drifted, empty, manager, now, object};
use crate::model::scan::Scan;
use crate::model::tag::{JudgedTag, Tag};

fn found(scan: &Scan) -> Vec<Finding> {
    findings(&Facts::from(scan))
}

fn message(scan: &Scan, rule: &str) -> String {
    let messages: Vec<String> = found(scan).into_iter().filter(|finding| finding.rule == rule).map(|finding| finding.message).collect();
    assert_eq!(messages.len(), 1, "{rule}: {messages:?}");
    messages.into_iter().next().unwrap()
}

fn with_field(verdict: FieldVerdict) -> Scan {
    let mut scan = empty();
    let commit = add_commit(&mut scan, "4be1d2a", "Alice Chen", 12, Verdict::VerifiedAuthor, &[]);
    declare(&mut scan, object("apps", "Deployment", "shop", "web"), "web.yaml", json!({"spec": {"replicas": 3}}), Some(commit));
    let live = (verdict != FieldVerdict::Removed).then(|| json!(5));
    differ(&mut scan, "/spec/replicas", verdict, live, Some(manager("kubectl-edit", Some(now()))));
    scan
}

fn with_commit(verdict: Verdict, reasons: &[&str]) -> Scan {
    let mut scan = empty();
    add_commit(&mut scan, "4be1d2a", "Alice Chen", 12, verdict, reasons);
    scan
}

#[test]
fn checks_have_ids_of_their_own_that_are_the_names_of_their_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit");
    let shared = ["check", "commits", "fields", "mod", "objects", "sentence", "tests"];
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !shared.contains(&name.as_str()))
        .map(|name| name.replace('_', "-"))
        .collect();
    let ids: BTreeSet<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    assert_eq!(ids.len(), CHECKS.len());
    assert_eq!(ids, files);
    assert!(ids.iter().all(|id| id.chars().all(|character| character.is_ascii_lowercase() || character == '-')));
}

#[test]
fn checks_are_described_in_whole_sentences() {
    for check in CHECKS {
        let explanation = check.explanation;
        for text in [check.criteria, explanation.meaning, explanation.importance, explanation.remedy] {
            assert!(text.ends_with('.') && text.len() > 20, "{}: {text}", check.id);
        }
        assert!(!check.title.ends_with('.') && check.title.len() > 10, "{}", check.id);
    }
}

#[test]
fn severities_are_those_of_the_contract() {
    let of = |severity: Severity| CHECKS.iter().filter(|check| check.severity == severity).map(|check| check.id).collect::<Vec<_>>();
    assert_eq!(
        of(Severity::Error),
        [
            "field-drifted",
            "field-removed",
            "field-undeclared",
            "object-missing",
            "signature-invalid",
            "author-mismatch",
            "history-rewritten",
            "revision-unreachable",
            "tag-mismatched",
            "trust-policy-refused",
        ]
    );
    assert_eq!(of(Severity::Note), ["object-terminating", "commit-unsigned", "signer-untrusted"]);
}

#[test]
fn a_scan_in_sync_has_nothing_but_notes_about_commits() {
    let rules: Vec<&str> = found(&clean()).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["commit-unsigned"]);
}

#[test]
fn every_verdict_of_a_field_has_its_rule_or_none() {
    use FieldVerdict as Field;
    let rules = [
        (Field::Drifted, Some("field-drifted")),
        (Field::Removed, Some("field-removed")),
        (Field::Undeclared, Some("field-undeclared")),
        (Field::Rewritten, Some("field-rewritten")),
        (Field::Stale, Some("field-stale")),
        (Field::NeverConverges, Some("field-never-converges")),
        (Field::Unknown, Some("not-evaluated")),
        (Field::Injected, None),
        (Field::UndeclaredController, None),
        (Field::Defaulted, None),
        (Field::Equal, None),
        (Field::Pending, None),
    ];
    for (verdict, rule) in rules {
        let found = found(&with_field(verdict));
        assert_eq!(found.first().map(|finding| finding.rule), rule, "{verdict:?}");
        assert_eq!(found.len(), usize::from(rule.is_some()));
        if let Some(finding) = found.first() {
            assert_eq!(finding.field.as_ref().unwrap().to_string(), "spec.replicas");
            assert_eq!(finding.pointer.as_ref().unwrap().as_str(), "/spec/replicas");
        }
    }
}

#[test]
fn a_field_finding_names_both_sides_and_who_and_where() {
    insta::assert_snapshot!(message(&with_field(FieldVerdict::Drifted), "field-drifted"), @r#"Deployment shop/web: spec.replicas is 5 live, last written by kubectl-edit on 2026-11-21T09:14:07Z; Git declares 3 at web.yaml:3 by Alice Chen in 4be1d2a (verified-author)"#);
    insta::assert_snapshot!(message(&with_field(FieldVerdict::Removed), "field-removed"), @r#"Deployment shop/web: spec.replicas is gone live, last written by kubectl-edit on 2026-11-21T09:14:07Z; Git declares 3 at web.yaml:3 by Alice Chen in 4be1d2a (verified-author)"#);
    insta::assert_snapshot!(message(&with_field(FieldVerdict::Undeclared), "field-undeclared"), @r#"Deployment shop/web: spec.replicas is 5 live, last written by kubectl-edit on 2026-11-21T09:14:07Z; Git does not declare it"#);
    insta::assert_snapshot!(message(&with_field(FieldVerdict::Rewritten), "field-rewritten"), @r#"Deployment shop/web: spec.replicas is 5 live although its applier still owns it, last written by kubectl-edit on 2026-11-21T09:14:07Z; Git declares 3 at web.yaml:3 by Alice Chen in 4be1d2a (verified-author)"#);
    insta::assert_snapshot!(message(&with_field(FieldVerdict::Stale), "field-stale"), @r#"Deployment shop/web: spec.replicas is still 5 live, last written by kubectl-edit on 2026-11-21T09:14:07Z; Git no longer declares it"#);
    insta::assert_snapshot!(message(&with_field(FieldVerdict::NeverConverges), "field-never-converges"), @r#"Deployment shop/web: spec.replicas is 5 live and cannot become 3, as Git declares it at web.yaml:3 by Alice Chen in 4be1d2a (verified-author)"#);
    insta::assert_snapshot!(message(&with_field(FieldVerdict::Unknown), "not-evaluated"), @r#"Deployment shop/web: spec.replicas could not be judged (value)"#);
}

#[test]
fn every_state_of_an_object_has_its_rule_or_none() {
    use ObjectState as State;
    let rules = [
        (State::Missing, Some("object-missing")),
        (State::Undeclared, Some("object-undeclared")),
        (State::Orphaned, Some("object-orphaned")),
        (State::Terminating, Some("object-terminating")),
        (State::Unknown, Some("not-evaluated")),
        (State::Synced, None),
        (State::Drifted, None),
        (State::Pending, None),
        (State::ExpectedAbsent, None),
        (State::OtherCluster, None),
    ];
    for (state, rule) in rules {
        let mut scan = empty();
        scan.comparisons.push(compared(object("", "Service", "shop", "legacy"), state, None));
        let found = found(&scan);
        assert_eq!(found.first().map(|finding| finding.rule), rule, "{state:?}");
    }
}

#[test]
fn an_object_finding_says_who_declared_or_created_it() {
    let scan = drifted();
    insta::assert_snapshot!(message(&scan, "object-missing"), @r#"Job ops/migrate is missing from the cluster; Git declares it at apps/ops/migrate.yaml:1 by Carol Diaz in 5d2e9f0 (verified-author)"#);
    insta::assert_snapshot!(message(&scan, "object-undeclared"), @r#"Service shop/legacy is in the cluster but not in Git; it seems to have been created by kubectl-create on 2026-10-12T09:14:07Z"#);
}

#[test]
fn a_commit_finding_names_author_and_signer() {
    insta::assert_snapshot!(message(&with_commit(Verdict::SignedUntrusted, &["identity-mismatch"]), "author-mismatch"), @r#"commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author but was signed by Bob Ito <bob@example.com> with key D0A1B2C3E4F5061728394A5B5B1E9F3C4D2011AB"#);
    insta::assert_snapshot!(message(&with_commit(Verdict::SignedUntrusted, &["unscoped"]), "signer-untrusted"), @r#"commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author but is signed by Bob Ito <bob@example.com> with key D0A1B2C3E4F5061728394A5B5B1E9F3C4D2011AB, which does not prove that (unscoped)"#);
    insta::assert_snapshot!(message(&with_commit(Verdict::Unverifiable, &["unknown-key"]), "signer-untrusted"), @r#"commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author but is signed by an unknown key 00000000000000000000000000000000DEADBEEF, which does not prove that (unknown-key)"#);
    insta::assert_snapshot!(message(&with_commit(Verdict::Invalid, &["bad"]), "signature-invalid"), @r#"commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author but its signature is wrong (bad); the key it names is D0A1B2C3E4F5061728394A5B5B1E9F3C4D2011AB"#);
    insta::assert_snapshot!(message(&with_commit(Verdict::Unsigned, &[]), "commit-unsigned"), @r#"commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author and is not signed: that name is a claim"#);
}

/// A commit that declares an object which the policy does not let through.
fn with_breach(verdict: Verdict, objections: &[Objection], min: Option<Verdict>, credited: bool) -> Scan {
    let mut scan = empty();
    let commit = add_commit(&mut scan, "4be1d2a", "Alice Chen", 12, verdict, &["policy-binding"]);
    let declaration = declare(&mut scan, object("", "ConfigMap", "shop", "web"), "web.yaml", json!({"data": {"a": "b"}}), Some(commit));
    let mut breaches = Breaches::default();
    objections.iter().for_each(|objection| breaches.add(*objection));
    scan.attributions.breaches.push(Breach { commit: credited.then_some(commit), declaration, breaches, min });
    scan
}

#[test]
fn what_the_policy_does_not_let_through_is_an_error_and_what_no_rule_is_about_a_warning() {
    let told = |scan: &Scan| found(scan).into_iter().map(|finding| (finding.rule, finding.severity)).collect::<Vec<_>>();
    let minimum = Some(Verdict::VerifiedAuthor);
    for (verdict, rule) in [
        (Verdict::Unsigned, "commit-unsigned"),
        (Verdict::SignedUntrusted, "signer-untrusted"),
        (Verdict::ForgeAttested, "signer-untrusted"),
        (Verdict::Unverifiable, "signer-untrusted"),
        (Verdict::Invalid, "signature-invalid"),
    ] {
        assert_eq!(told(&with_breach(verdict, &[Objection::BelowMinimum], minimum, true)), [(rule, Severity::Error)], "{verdict:?}");
    }
    for objection in [Objection::NotAllowed, Objection::OutOfScope, Objection::OutOfBotScope] {
        assert_eq!(told(&with_breach(Verdict::VerifiedAuthor, &[objection], None, true)), [("signer-untrusted", Severity::Error)]);
    }
    assert_eq!(told(&with_breach(Verdict::VerifiedAuthor, &[Objection::Unscoped], None, true)), [("signer-untrusted", Severity::Warning)]);
    assert_eq!(told(&with_breach(Verdict::Unsigned, &[Objection::Unscoped], None, true)), [("commit-unsigned", Severity::Warning)]);
    let uncredited = with_breach(Verdict::VerifiedAuthor, &[Objection::BelowMinimum], minimum, false);
    assert_eq!(told(&uncredited), [("signer-untrusted", Severity::Error)]);
    insta::assert_snapshot!(message(&uncredited, "signer-untrusted"), @"ConfigMap shop/web: all or part of it is credited to no commit, which the trust policy does not let through (below-minimum: verified-author)");
    let scan = with_breach(Verdict::ForgeAttested, &[Objection::BelowMinimum, Objection::NotAllowed], minimum, true);
    insta::assert_snapshot!(message(&scan, "signer-untrusted"), @"commit 4be1d2a of fleet names Alice Chen <alice@example.com> as its author and is signed by Alice Chen <alice@example.com> with key D0A1B2C3E4F5061728394A5B5B1E9F3C4D2011AB (forge-attested); the trust policy does not let it declare ConfigMap shop/web (not-allowed, below-minimum: verified-author)");
}

#[test]
fn a_commit_that_is_proven_is_no_finding() {
    for verdict in
        [Verdict::VerifiedAuthor, Verdict::VerifiedCommitter, Verdict::ForgeAttested, Verdict::BotAttested, Verdict::GroupVerified]
    {
        assert!(found(&with_commit(verdict, &[])).is_empty(), "{verdict:?}");
    }
}

#[test]
fn a_commit_of_two_sources_is_found_once() {
    let mut scan = with_commit(Verdict::Unsigned, &[]);
    let mut twin = scan.histories.commits[0].clone();
    twin.source = "infra".into();
    scan.histories.commits.push(twin);
    let verdict = scan.attributions.commits[0].clone();
    scan.attributions.commits.push(verdict);
    assert_eq!(found(&scan).len(), 1);
}

#[test]
fn a_commit_that_only_reformats_or_moves_declares_nothing() {
    let mut scan = with_commit(Verdict::Invalid, &[]);
    let document = DocumentRef { source: "fleet".into(), path: "a.yaml".into(), ordinal: 0 };
    let history = |document, touched, moved| DocumentHistory { document, leaves: Box::default(), touched, moved, changed: None };
    for (history, expected) in [
        (history(Authored::BeforeHistory, Some(0), None), 0),
        (history(Authored::BeforeHistory, None, Some(0)), 0),
        // What it declared elsewhere counts.
        (history(Authored::By(0), Some(0), None), 1),
    ] {
        scan.histories.documents.insert(document.clone(), history);
        assert_eq!(found(&scan).len(), expected);
    }
}

#[test]
fn what_was_not_evaluated_is_found_once_for_each_subject() {
    let mut scan = empty();
    let id = object("", "Secret", "shop", "db");
    scan.comparisons.push(compared(id.clone(), ObjectState::Unknown, None));
    scan.not_evaluated.push(NotEvaluated::object(Stage::Read, id, "forbidden"));
    scan.not_evaluated.push(NotEvaluated::new(Stage::Fetch, "source infra", "not fetched").with_detail("401 Unauthorized"));
    scan.not_evaluated.push(NotEvaluated::new(Stage::Fetch, "source infra", "timed out"));
    let messages: Vec<String> = found(&scan).into_iter().map(|finding| finding.message).collect();
    assert_eq!(
        messages,
        [
            "source infra was not evaluated at the stage `fetch`: not fetched (401 Unauthorized)",
            "Secret shop/db was not evaluated at the stage `read`: forbidden"
        ]
    );
}

#[test]
fn findings_are_sorted_by_object_rule_and_field_with_fingerprints_of_their_own() {
    let mut scan = drifted();
    scan.comparisons.reverse();
    let found = found(&scan);
    let keys: Vec<_> =
        found.iter().map(|finding| (finding.object.clone(), finding.rule, finding.field.as_ref().map(ToString::to_string))).collect();
    assert!(keys.is_sorted());
    let fingerprints: BTreeSet<&str> = found.iter().map(|finding| finding.fingerprint.as_str()).collect();
    assert_eq!(fingerprints.len(), found.len());
}

#[test]
fn a_fingerprint_holds_no_value() {
    let fingerprint = |live: i32| {
        let mut scan = with_field(FieldVerdict::Drifted);
        scan.comparisons[0].differences[0].live = Some(crate::model::comparison::FieldValue::Shown(json!(live)));
        found(&scan)[0].fingerprint.clone()
    };
    assert_eq!(fingerprint(5), fingerprint(6));
}

#[test]
fn secret_values_are_in_no_message() {
    let found = found(&drifted());
    let secret = found.iter().find(|finding| finding.message.contains("Secret shop/db")).unwrap();
    assert!(secret.message.contains("a secret value"));
    assert!(found.iter().all(|finding| !finding.message.contains("digest:")));
}

#[test]
fn texts_of_several_lines_are_told_by_their_shape() {
    let message = found(&drifted()).into_iter().find(|finding| finding.message.contains("app.ini")).unwrap().message;
    assert!(message.contains("is another text of 13 lines live") && message.contains("declares a text of 13 lines at"), "{message}");
}

#[test]
fn long_values_are_cut_where_they_part() {
    let mut scan = with_field(FieldVerdict::Drifted);
    let difference = &mut scan.comparisons[0].differences[0];
    let image = |tag: &str| crate::model::comparison::FieldValue::Shown(json!(format!("{}:{tag}", "registry/".repeat(20))));
    difference.declared = Some(image("1.4"));
    difference.live = Some(image("1.5"));
    let message = message(&scan, "field-drifted");
    assert!(message.contains("1.4") && message.contains("1.5") && message.len() < 400, "{message}");
}

#[test]
fn an_unknown_rule_is_told_with_the_nearest() {
    assert_eq!(explain("field-drifted").unwrap().id, "field-drifted");
    assert!(explain("field-drifted").unwrap().to_string().contains("What to do"));
    let error = explain("field-drift").unwrap_err();
    assert_eq!(error.to_string(), "no rule is called `field-drift`; did you mean `field-drifted`?");
    assert_eq!(explain("zzz").unwrap_err(), UnknownRule { rule: "zzz".into(), suggestion: None });
}

#[test]
fn a_version_that_is_not_served_is_a_finding() {
    let mut scan = with_field(FieldVerdict::Equal);
    scan.comparisons[0].removed_version = Some("v1beta1".into());
    let text = message(&scan, "api-removed");
    assert!(text.starts_with("Deployment shop/web is declared at v1beta1 at web.yaml:1 by Alice Chen"), "{text}");
    assert!(text.ends_with("which the cluster does not serve; it was compared at v1"), "{text}");
}

#[test]
fn a_record_of_writers_that_is_gone_is_a_finding() {
    let mut scan = with_field(FieldVerdict::Equal);
    for (gap, word) in
        [(OwnershipGap::Emptied, "no record of writers"), (OwnershipGap::ApplierGone, "kustomize-controller is not on record")]
    {
        scan.comparisons[0].ownership_gap = Some(gap);
        assert!(message(&scan, "ownership-scrubbed").contains(word));
    }
}

#[test]
fn what_cannot_be_changed_back_is_said_with_the_drift() {
    let mut scan = with_field(FieldVerdict::Drifted);
    scan.comparisons[0].differences[0].obstacle = Some("immutable");
    assert!(message(&scan, "field-drifted").ends_with("; the server refuses to change it back, it must be made anew"));
}

/// A scan whose reference was seen elsewhere before.
fn moved(reference: &str, before: (char, Option<bool>), after: (char, Option<bool>), change: Change) -> Scan {
    let tip = |(digit, signed): (char, Option<bool>)| Tip {
        url: "https://git.example.com/fleet".into(),
        reference: reference.into(),
        commit: CommitId::new(digit.to_string().repeat(40)),
        tag: signed.map(|signed| TagObject { id: CommitId::new("e".repeat(40)), signed }),
    };
    let mut scan = empty();
    let old = ObservedTip { tip: tip(before), observed: now() };
    scan.tips.push(TipChange { source: "fleet".into(), tip: tip(after), since: Some((old, change)) });
    scan
}

#[test]
fn a_rewritten_history_names_the_reference_both_commits_and_what_is_lost() {
    let rewritten = |back, lost| moved("refs/heads/main", ('a', None), ('b', None), Change::Rewritten { back, lost });
    insta::assert_snapshot!(message(&rewritten(false, Some(3)), "history-rewritten"), @r#"refs/heads/main of fleet was rewritten: it was at aaaaaaa on 2026-11-21T09:14:07Z and is now at bbbbbbb, which does not descend from it; 3 commits of the old history are no longer reachable"#);
    insta::assert_snapshot!(message(&rewritten(true, Some(1)), "history-rewritten"), @r#"refs/heads/main of fleet was moved back: it was at aaaaaaa on 2026-11-21T09:14:07Z and is now at bbbbbbb, an ancestor of it; 1 commit of the old history is no longer reachable"#);
    insta::assert_snapshot!(message(&rewritten(false, None), "history-rewritten"), @r#"refs/heads/main of fleet was rewritten: it was at aaaaaaa on 2026-11-21T09:14:07Z and is now at bbbbbbb, which does not descend from it; how many commits are no longer reachable cannot be counted, because they are no longer all there"#);
    let finding = found(&rewritten(false, None)).remove(0);
    assert_eq!(finding.commit.unwrap().as_str(), "b".repeat(40));
    for change in [Change::Same, Change::Ahead, Change::Unknown] {
        assert!(found(&moved("refs/heads/main", ('a', None), ('b', None), change)).is_empty(), "{change:?}");
    }
}

#[test]
fn a_moved_tag_says_what_kind_of_tag_stood_there() {
    let tag = |before, after| message(&moved("refs/tags/v1", before, after, Change::TagMoved), "history-rewritten");
    insta::assert_snapshot!(tag(('a', Some(false)), ('b', Some(false))), @r#"refs/tags/v1 of fleet was moved: it was an annotated tag without a signature at aaaaaaa on 2026-11-21T09:14:07Z and is now an annotated tag without a signature at bbbbbbb"#);
    insta::assert_snapshot!(tag(('a', Some(true)), ('b', None)), @r#"refs/tags/v1 of fleet was moved: it was a signed tag at aaaaaaa on 2026-11-21T09:14:07Z and is now a lightweight tag at bbbbbbb"#);
    insta::assert_snapshot!(tag(('a', Some(true)), ('a', None)), @r#"refs/tags/v1 of fleet was replaced: at aaaaaaa stood a signed tag on 2026-11-21T09:14:07Z, and stands a lightweight tag now"#);
}

#[test]
fn a_rewriting_that_two_sources_see_is_found_once_and_another_one_is_another_finding() {
    let rewritten = |after| moved("refs/heads/main", ('a', None), (after, None), Change::Rewritten { back: false, lost: Some(1) });
    let mut scan = rewritten('b');
    let twin = TipChange { source: "infra".into(), ..scan.tips[0].clone() };
    scan.tips.push(twin);
    assert_eq!(found(&scan).len(), 1);
    assert_ne!(found(&scan)[0].fingerprint, found(&rewritten('c'))[0].fingerprint);
}

#[test]
fn t61_a_commit_that_is_on_no_branch_is_named_in_full() {
    let mut scan = empty();
    let url = "https://git.example.com/fleet".to_owned();
    scan.unreachable.push(Unreachable { source: "fleet".into(), url, commit: CommitId::new("a".repeat(40)), in_clone: false });
    insta::assert_snapshot!(message(&scan, "revision-unreachable"), @r#"fleet asks for commit aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, to which no branch or tag of https://git.example.com/fleet leads"#);
    scan.unreachable[0].in_clone = true;
    assert!(message(&scan, "revision-unreachable").ends_with("no branch or tag of this clone, https://git.example.com/fleet, leads"));
    assert_eq!(found(&scan)[0].commit, Some(CommitId::new("a".repeat(40))));
}

#[test]
fn t76_what_is_not_pinned_is_told_for_each_entry_wherever_it_stands() {
    let remote = |line, reference: Option<&str>, is_pinned| Remote {
        source: "fleet".into(),
        path: "prod/kustomization.yaml".into(),
        line,
        url: "https://host/a/b".into(),
        reference: reference.map(str::to_owned),
        is_pinned,
    };
    let with = |remote: Remote| Scan { remotes: vec![remote], ..empty() };
    insta::assert_snapshot!(message(&with(remote(3, Some("main"), false)), "input-unpinned"), @r#"prod/kustomization.yaml:3 of fleet draws in https://host/a/b at main, which is no full commit id"#);
    insta::assert_snapshot!(message(&with(remote(3, None, false)), "input-unpinned"), @r#"prod/kustomization.yaml:3 of fleet draws in https://host/a/b and names no commit"#);
    assert!(found(&with(remote(3, Some(&"a".repeat(40)), true))).is_empty());
    let fingerprint = |line, reference| found(&with(remote(line, reference, false))).remove(0).fingerprint;
    assert_eq!(fingerprint(3, Some("main")), fingerprint(4, Some("main")));
    assert_ne!(fingerprint(3, Some("main")), fingerprint(3, Some("v1")));
}

#[test]
fn the_author_of_an_object_is_not_blamed_for_who_activated_it() {
    let mut scan = empty();
    let commit = add_commit(&mut scan, "4be1d2a", "Alice Chen", 12, Verdict::VerifiedAuthor, &["uid-binding"]);
    let index = declare(&mut scan, object("apps", "Deployment", "shop", "web"), "web.yaml", json!({"spec": {"replicas": 3}}), Some(commit));
    scan.comparisons[0].state = ObjectState::Missing;
    let attribution = scan.attributions.declarations[index].as_mut().unwrap();
    (attribution.verdict, attribution.reasons) = (Verdict::Unsigned, vec!["uid-binding".into(), "activation".into()]);
    let told = message(&scan, "object-missing");
    assert!(told.contains("by Alice Chen in 4be1d2a (verified-author), as a whole unsigned (activation)"), "{told}");
}

#[test]
fn a_tag_that_is_wrong_says_what_of_it_and_one_that_nobody_signed_is_no_finding() {
    let with = |name: &str, said_kind: &str, verdict, reasons: &[&str]| {
        let mut scan = with_commit(Verdict::Unsigned, &[]);
        let object = crate::model::commit::Commit { id: CommitId::new("e".repeat(40)), ..scan.histories.commits[0].clone() };
        let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
        let commit = scan.histories.commits[0].id.clone();
        let tag = Tag {
            reference: "refs/tags/v2".to_owned(),
            name: name.into(),
            said_kind: said_kind.into(),
            kind: "commit".to_owned(),
            commit,
            object,
        };
        let verdict = CommitVerdict { verdict, binding: Binding::None, signer: None, reasons };
        scan.tags.push(JudgedTag { tag, facts: None, verdict });
        scan
    };
    let told = |scan: &Scan| message(scan, "tag-mismatched");
    insta::assert_snapshot!(told(&with("v1", "commit", Verdict::Invalid, &["tag-name-mismatch", "uid-binding"])), @"refs/tags/v2 of fleet leads to tag object eeeeeee, which calls itself v1 (tag-name-mismatch, uid-binding)");
    insta::assert_snapshot!(told(&with("v2", "tree", Verdict::Invalid, &["tag-type-mismatch"])), @"refs/tags/v2 of fleet leads to tag object eeeeeee, which says that it marks a tree and marks a commit (tag-type-mismatch)");
    insta::assert_snapshot!(told(&with("v2", "commit", Verdict::Invalid, &["bad-signature"])), @"refs/tags/v2 of fleet leads to tag object eeeeeee, whose signature is wrong (bad-signature)");
    for verdict in [Verdict::Unsigned, Verdict::SignedUntrusted, Verdict::Unverifiable, Verdict::VerifiedAuthor] {
        assert!(found(&with("v2", "commit", verdict, &[])).iter().all(|finding| finding.rule != "tag-mismatched"));
    }
}
