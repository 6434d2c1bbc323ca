//! The table of the catalogue of signatures and authors: every row is in it, and every test that it names is there.

use std::fs;
use std::path::Path;

const ROWS: &str = "tests/cases/provenance/ROWS.md";

/// What is wrong with a table, given the text of each file that it names.
fn mistakes(table: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut mistakes = Vec::new();
    for row in (1..=73).chain([81, 82, 83, 84, 85, 87, 88]) {
        let line = table.lines().find(|line| line.starts_with(&format!("| T{row:02} |")));
        let cells: Vec<&str> = line.unwrap_or_default().split('|').map(str::trim).collect();
        let tests = cells.get(4).copied().unwrap_or_default();
        let is_told = tests.contains("::") || tests.starts_with("the same") || tests.contains("not here: ");
        if cells.len() != 6 || cells.iter().skip(2).take(3).any(|cell| cell.is_empty()) || !is_told {
            mistakes.push(format!("T{row:02} has no verdict, no word of git or neither test nor reason"));
        }
    }
    for (file, name) in table.split('`').filter_map(|word| word.split_once("::")) {
        match read(file) {
            None => mistakes.push(format!("{file} is not there")),
            Some(text) if !text.contains(&format!("fn {name}()")) => mistakes.push(format!("{file} has no test {name}")),
            Some(_) => {}
        }
    }
    mistakes
}

#[test]
fn every_row_of_the_catalogue_has_its_verdict_and_every_test_it_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join(ROWS)).expect("the table is there");
    let found = mistakes(&table, |file| fs::read_to_string(root.join(file)).ok());
    assert!(found.is_empty(), "{ROWS}\n{}\n", found.join("\n"));
}

#[test]
fn a_row_without_a_test_and_a_test_that_is_gone_are_found() {
    let rows: String = (1..=88).map(|row| format!("| T{row:02} | unsigned | N | `tests/a.rs::unsigned` |\n")).collect();
    let read = |file: &str| (file == "tests/a.rs").then(|| "fn unsigned() {}".to_owned());
    assert_eq!(mistakes(&rows, read), [""; 0]);
    assert_eq!(mistakes(&rows.replace("| T07 | unsigned | N |", "| T07 | unsigned | |"), read).len(), 1);
    assert_eq!(mistakes(&rows.replacen("`tests/a.rs::unsigned`", "soon", 1), read).len(), 1);
    assert_eq!(mistakes(&rows.replacen("::unsigned", "::gone", 1), read), ["tests/a.rs has no test gone"]);
    assert_eq!(mistakes(&rows.replacen("tests/a.rs", "tests/b.rs", 1), read), ["tests/b.rs is not there"]);
}
