//! What the program says of itself. A changed snapshot is a change that users see.

use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Program;

const COMMANDS: [&str; 10] = ["scan", "blame", "compare", "report", "capture", "rbac", "trust", "explain", "schema", "completions"];

fn answer(arguments: &[&str]) -> String {
    let output = Kubewitness::new(arguments.iter().copied()).run();
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    output.stdout
}

#[test]
fn the_help_of_the_program() {
    insta::assert_snapshot!("kubewitness", answer(&["--help"]));
}

#[test]
fn the_help_of_each_command() {
    for command in COMMANDS {
        insta::assert_snapshot!(command, answer(&[command, "--help"]));
        assert_eq!(answer(&["help", command]), answer(&[command, "--help"]));
    }
    insta::assert_snapshot!("trust-init", answer(&["trust", "init", "--help"]));
}

#[test]
fn every_command_has_its_snapshot() {
    let help = answer(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help").collect();
    assert_eq!(listed, COMMANDS);
}

#[test]
fn no_line_of_help_is_wider_than_a_terminal_of_100() {
    for command in COMMANDS {
        let help = answer(&[command, "--help"]);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(answer(&["--version"]), format!("kubewitness {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_rule_is_listed_and_explained() {
    let rules = answer(&["explain"]);
    let ids: Vec<&str> = rules.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(ids.contains(&"field-drifted") && ids.contains(&"author-mismatch"), "{rules}");
    for id in ids {
        let text = answer(&["explain", id]);
        assert!(text.contains(id) && text.contains("What to do"), "{text}");
    }
}

#[test]
fn completions_are_scripts_that_their_shells_read() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = answer(&["completions", shell]);
        assert!(script.contains("record-fields"), "{shell}");
        let checks = ["bash", "zsh", "fish"].contains(&shell);
        let is_there = || Program::new("sh").args(["-c", &format!("command -v {shell}")]).run().status == Some(0);
        if checks && is_there() {
            Program::new(shell).args(["-n", "/dev/stdin"]).input(script).succeed();
        }
    }
}
