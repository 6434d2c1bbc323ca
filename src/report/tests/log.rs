//! What a person sees of the commits that changed an object.

use serde_json::json;

use super::{format, style};
use crate::model::attribution::Verdict;
use crate::model::comparison::FieldValue;
use crate::model::declaration::DocumentRef;
use crate::model::fixture::{add_commit, commit_id, declare, empty, object};
use crate::model::log::{self, DocumentChange, Doubt, FieldChange, LogEnd};
use crate::model::object::{FieldPath, Step};
use crate::model::scan::Scan;
use crate::report::log::{Evidence, Log};

fn change(name: &str, before: Option<serde_json::Value>, after: Option<serde_json::Value>) -> FieldChange {
    let field = FieldPath(name.split('/').map(|step| Step::Field(step.to_owned())).collect());
    FieldChange { field, before: before.map(FieldValue::Shown), after: after.map(FieldValue::Shown) }
}

fn by(commits: &[u32], fields: Vec<FieldChange>) -> DocumentChange {
    DocumentChange {
        document: DocumentRef { source: "fleet".into(), path: "apps/web/deployment.yaml".into(), ordinal: 0 },
        commits: commits.to_vec(),
        doubt: None,
        merge: false,
        path: "apps/web/deployment.yaml".into(),
        moved_from: None,
        created: false,
        fields,
        untold: 0,
    }
}

fn logged(scan: &Scan, changes: Vec<DocumentChange>, ends: Vec<LogEnd>, omitted: usize) -> Log {
    let document = changes[0].document.clone();
    let log = log::Log {
        commits: scan.histories.commits.clone(),
        changes,
        ends: ends.into_iter().map(|end| (document.clone(), end)).collect(),
        omitted,
    };
    let evidence = Evidence {
        declarations: &scan.declarations,
        sources: &scan.sources,
        log: &log,
        signatures: &scan.signatures,
        verdicts: &scan.attributions.commits,
        not_evaluated: &[],
    };
    Log::of(&scan.declarations[0].id, evidence)
}

/// An image raised by Alice, replicas by Bob through a forge, a file moved, a version that cannot be read, and a cut-off history.
fn story() -> Log {
    let mut scan = empty();
    add_commit(&mut scan, "1c0ffee", "Alice Chen", 80, Verdict::Unsigned, &[]);
    add_commit(&mut scan, "4be1d2a", "Alice Chen", 12, Verdict::VerifiedAuthor, &["uid-binding"]);
    add_commit(&mut scan, "5d2e9f0", "Carol Diaz", 70, Verdict::SignedUntrusted, &["identity-mismatch"]);
    add_commit(&mut scan, "77ab310", "Bob Ito", 61, Verdict::ForgeAttested, &["forge-key"]);
    declare(&mut scan, object("apps", "Deployment", "shop", "web"), "apps/web/deployment.yaml", json!({"spec": {}}), Some(1));
    let ini = |pool: u32| format!("[db]\nhost = db\npool = {pool}\n");
    let raised = by(
        &[1],
        vec![
            change("data/app.ini", Some(json!(ini(10))), Some(json!(ini(100)))),
            change(
                "spec/image",
                Some(json!("registry.example.com/a/long/path/of/a/shop/web:1.3")),
                Some(json!("registry.example.com/a/long/path/of/a/shop/web:1.4")),
            ),
            FieldChange {
                field: FieldPath(vec![Step::Field("token".into())]),
                before: Some(FieldValue::Redacted),
                after: Some(FieldValue::Redacted),
            },
        ],
    );
    let moved =
        DocumentChange { moved_from: Some("web.yaml".into()), ..by(&[3], vec![change("spec/replicas", Some(json!(2)), Some(json!(3)))]) };
    let fields = vec![change("spec/notes", None, Some(json!("one\ntwo\n"))), change("spec/paused", Some(json!(true)), None)];
    let doubtful = DocumentChange { doubt: Some(Doubt::UnreadableVersion), path: "web.yaml".into(), ..by(&[2, 0], fields) };
    logged(&scan, vec![raised, moved, doubtful], vec![LogEnd::BeforeHistory(commit_id("0dd"))], 0)
}

fn hostile() -> Log {
    let mut scan = empty();
    add_commit(&mut scan, "bad", "Al\u{1b}]0;owned\u{7}ice", 1, Verdict::Invalid, &["weak\u{1b}[2J"]);
    scan.histories.commits[0].subject = "\u{1b}[31mred \u{202e}txet".into();
    declare(&mut scan, object("apps", "Ki\u{1b}nd", "shop", "n\u{feff}"), "apps/\u{1b}.yaml", json!({"spec": {}}), Some(0));
    let fields = vec![
        change("\u{1b}[31mkey", Some(json!("\u{1b}c")), Some(json!("李伟".repeat(100)))),
        change("large", Some(json!("x".repeat(70_000))), Some(json!("one\r\n\u{1b}[0m\n"))),
        change(&"deep/".repeat(60), None, Some(json!({"\u{202e}": "\u{9b}"}))),
    ];
    let moved = DocumentChange {
        path: "apps/\u{1b}]8;;http://evil\u{7}.yaml".into(),
        moved_from: Some("\u{2028}.yaml".into()),
        ..by(&[0], fields)
    };
    logged(&scan, vec![moved], vec![LogEnd::Unreadable(commit_id("bad"))], 3)
}

fn shown(log: &Log, width: Option<usize>) -> String {
    let mut out = Vec::new();
    (format("terminal").unwrap().log.unwrap())(log, &style(width), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_log_fits_and_is_steered_by_nobody() {
    for width in (40..=170).map(Some).chain([None]) {
        for log in [story(), hostile()] {
            let text = shown(&log, width);
            let steering =
                |character: char| character.is_control() && character != '\n' || matches!(character, '\u{2028}'..='\u{202e}' | '\u{feff}');
            assert!(!text.contains(steering), "{text:?}");
            for line in text.lines() {
                let columns = unicode_width::UnicodeWidthStr::width(line);
                assert!(width.is_none_or(|width| columns <= width), "{columns} of {width:?}: {line}");
            }
        }
    }
}

#[test]
fn the_log_on_a_terminal_of_100_columns() {
    insta::assert_snapshot!(shown(&story(), Some(100)), @r#"
    Deployment shop/web · fleet main@9c1f2ab · apps/web/deployment.yaml:1 · 3 changes

    4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
        Raise the image
      in apps/web/deployment.yaml
      ~ data["app.ini"]  1 line changed
      ~ spec.image
            registry.examp…/long/path/of/a/shop/web:1.3 → registry.examp…/long/path/of/a/shop/web:1.4
      ~ token  changed

    77ab310 Bob Ito, 2 months ago   forge only: signed by github.com
        Raise the image
      moved: web.yaml → apps/web/deployment.yaml
      ~ spec.replicas  2 → 3

    no commit credited: a version between them cannot be read, so it cannot be told which of them it was
        one of: 5d2e9f0 Carol Diaz, 2 months ago   author Carol Diaz, signed by Bob Ito (mismatch)
        one of: 1c0ffee Alice Chen, 2 months ago   unsigned
      in web.yaml
      + spec.notes  (2 lines)
      - spec.paused  true

    older changes of apps/web/deployment.yaml are not told: 0dd0000 is the last commit that was reached,
      and the history is cut off there
    "#);
}

#[test]
fn the_log_on_a_terminal_of_60_columns() {
    insta::assert_snapshot!(shown(&story(), Some(60)), @r#"
    Deployment shop/web · fleet main@9c1f2ab
    apps/web/deployment.yaml:1 · 3 changes

    4be1d2a Alice Chen, 12 days ago
        proven: Alice's key 5B1E9F3C4D2011AB
        Raise the image
      in apps/web/deployment.yaml
      ~ data["app.ini"]  1 line changed
      ~ spec.image
            registr…/a/shop/web:1.3 → registr…/a/shop/web:1.4
      ~ token  changed

    77ab310 Bob Ito, 2 months ago
        forge only: signed by github.com
        Raise the image
      moved: web.yaml → apps/web/deployment.yaml
      ~ spec.replicas  2 → 3

    no commit credited: a version between them cannot be read,
        so it cannot be told which of them it was
        one of: 5d2e9f0 Carol Diaz, 2 months ago author Carol
          Diaz, signed by Bob Ito (mismatch)
        one of: 1c0ffee Alice Chen, 2 months ago   unsigned
      in web.yaml
      + spec.notes  (2 lines)
      - spec.paused  true

    older changes of apps/web/deployment.yaml are not told:
      0dd0000 is the last commit that was reached, and the
      history is cut off there
    "#);
}

#[test]
fn the_same_log_gives_the_same_bytes_and_is_read_back() {
    let written = |log: &Log| serde_json::to_string(log).unwrap();
    assert_eq!(written(&story()), written(&story()));
    let read: Log = serde_json::from_str(&written(&story())).unwrap();
    assert_eq!(written(&read), written(&story()));
    assert!(!written(&story()).contains("null"));
}
