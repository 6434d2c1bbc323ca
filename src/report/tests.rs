//! Whole reports of scans made by hand.

use chrono::Duration;

use super::blame::Blame;
use super::{FORMATS, Record, Style, format};
use crate::model::fixture::{clean, drifted, leaf_names, now, object};
use crate::model::scan::Scan;

fn style(width: Option<usize>) -> Style {
    Style { width, color: false, ascii: false, now: now() + Duration::seconds(1) }
}

fn encoded(scan: &Scan, id: &str, style: &Style) -> String {
    let mut out = Vec::new();
    (format(id).unwrap().encode)(&Record::of(scan, None), style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn terminal(scan: &Scan, width: Option<usize>) -> String {
    encoded(scan, "terminal", &style(width))
}

fn blamed(scan: &Scan, width: Option<usize>) -> String {
    let blame = Blame::of(scan, &object("apps", "Deployment", "shop", "web"), &leaf_names).unwrap();
    let mut out = Vec::new();
    (format("terminal").unwrap().blame.unwrap())(&blame, &style(width), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn look() {
    let _ = FORMATS;
    for width in [Some(160), Some(100), Some(60), None] {
        println!("======== {width:?}\n{}", terminal(&clean(), width));
        println!("--------\n{}", terminal(&drifted(), width));
        println!("--------\n{}", blamed(&drifted(), width));
    }
}
