//! Whole reports of scans made by hand.

mod log;
mod record;
mod terminal;

use chrono::Duration;
use serde_json::json;

use super::blame::Blame;
use super::{FORMATS, Record, Style, format};
use crate::model::attribution::Verdict;
use crate::model::comparison::{FieldVerdict, ObjectState};
use crate::model::coverage::{Excluded, NotEvaluated, Stage, Unlisted};
use crate::model::finding::{Finding, Severity};
use crate::model::fixture::{add_commit, clean, commit_id, compared, declare, differ, empty, leaf_names, manager, now, object};
use crate::model::scan::Scan;
use crate::model::text::RawText;

fn style(width: Option<usize>) -> Style {
    Style { width, color: false, ascii: false, now: now() + Duration::seconds(1) }
}

fn encoded(record: &Record<'_>, id: &str, style: &Style) -> String {
    let mut out = Vec::new();
    (format(id).unwrap().encode)(record, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn terminal(scan: &Scan, width: Option<usize>) -> String {
    encoded(&Record::of(scan, None), "terminal", &style(width))
}

fn written(scan: &Scan) -> String {
    encoded(&Record::of(scan, None), "json", &style(None))
}

fn blame_of_web(scan: &Scan) -> Blame {
    Blame::of(scan, &object("apps", "Deployment", "shop", "web"), &leaf_names).unwrap()
}

/// A scan of which a part could not be judged.
fn partial() -> Scan {
    let mut scan = clean();
    for number in 0..30 {
        let id = object("", "Secret", "shop", &format!("s{number}"));
        let detail = "secrets is forbidden: User \"scanner\" cannot list resource \"secrets\"";
        scan.not_evaluated.push(NotEvaluated::object(Stage::Read, id.clone(), "forbidden").with_detail(detail));
        let mut comparison = compared(id, ObjectState::Unknown, None);
        comparison.reason = Some("forbidden".into());
        scan.comparisons.push(comparison);
    }
    let gap = NotEvaluated::new(Stage::Fetch, "source infra", "not fetched");
    scan.not_evaluated.push(gap.with_detail("https://git.example.com/infra: 401 Unauthorized"));
    scan.coverage.not_evaluated = 30;
    scan.coverage.excluded = 5;
    scan.coverage.excluded_by = vec![Excluded { rule: "controller-owned".into(), count: 5 }];
    scan.coverage.unlisted = vec![Unlisted { group: String::new(), kind: "Secret".into(), namespace: None, reason: "forbidden".into() }];
    scan
}

/// Names and values that try to steer the terminal, or to be larger than any screen.
fn hostile() -> Scan {
    let mut scan = empty();
    let commit = add_commit(&mut scan, "bad", "Al\u{1b}]0;owned\u{7}ice \u{202e}nehC", 1, Verdict::Invalid, &["weak\u{1b}[2J-digest"]);
    scan.histories.commits[0].subject = RawText::from(&b"J\xf6rg 100%"[..]);
    scan.histories.commits[0].author.name = RawText::from(&b"J\xf6rg 100% \x1b[31m"[..]);
    let manifest = json!({"data": {
        "\u{1b}[31mkey\u{200b}": "a\u{9b}1m\u{202e}b",
        "large": "x".repeat(70_000),
        "text": "one\r\ntwo\u{1b}[0m \nthree",
        "wide": "李伟".repeat(100),
    }});
    let id = object("", "ConfigMap", "shop\u{1b}[1m", &"n\u{feff}李".repeat(3000));
    declare(&mut scan, id, "apps/\u{1b}]8;;http://evil\u{7}.yaml", manifest, Some(commit));
    let writer = Some(manager("k9s\u{1b}[8m\u{2066}", None));
    differ(&mut scan, "/data/\u{1b}[31mkey\u{200b}", FieldVerdict::Drifted, Some(json!("\u{1b}c")), writer.clone());
    differ(&mut scan, "/data/large", FieldVerdict::Drifted, Some(json!("y")), writer.clone());
    differ(&mut scan, "/data/text", FieldVerdict::Drifted, Some(json!("one\ntwo\u{1b}[0m\nthree\n")), writer.clone());
    differ(&mut scan, "/data/wide", FieldVerdict::Drifted, Some(json!("李伟".repeat(99) + "x")), writer);
    let mut ghost = compared(object("evil\u{1b}", "Ki\u{85}nd", "n", "\u{2028}"), ObjectState::Undeclared, None);
    ghost.created_by = Some(manager("\u{1b}[5m", None));
    scan.comparisons.push(ghost);
    scan.coverage.evaluated = 2;
    let gap = NotEvaluated::new(Stage::Render, "file \u{1b}[31m", "cannot be \u{202e}read").with_detail("line\n\u{1b}[2J");
    scan.not_evaluated.push(gap);
    scan.findings.push(Finding {
        fingerprint: format!("kw1:{:0<64}", "1"),
        rule: "signature-invalid",
        severity: Severity::Error,
        object: None,
        field: None,
        pointer: None,
        commit: Some(commit_id("bad")),
        message: "commit bad by \u{1b}[31mAlice\u{202e} carries a wrong signature".into(),
    });
    scan
}

#[test]
fn formats_have_ids_of_their_own_and_are_described() {
    for (position, format) in FORMATS.iter().enumerate() {
        assert!(format.id.chars().all(|character| character.is_ascii_lowercase() || character == '-'), "{}", format.id);
        assert!(!format.description.is_empty() && !format.extension.is_empty());
        assert!(FORMATS[..position].iter().all(|other| other.id != format.id), "{} twice", format.id);
    }
}
