//! Standard output holds data and nothing else; files are written whole.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::harness::kubewitness::Kubewitness;
use crate::harness::recorded::{folder, recording, text, witness};
use crate::harness::scratch;

const ESCAPE: char = '\u{1b}';

#[test]
fn a_pipe_gets_no_colour_no_progress_and_no_box() {
    let output = witness(&["scan"]).run();
    assert!(!output.stdout.contains(ESCAPE) && !output.stdout.contains(['│', '─']), "{}", output.stdout);
    assert!(output.stdout.contains(r#""terminationMessagePolicy":"File"}   k9s, "#), "a long value is whole:\n{}", output.stdout);
    assert_eq!(output.stderr, "");
}

#[test]
fn colour_is_asked_for_by_flag_or_environment_and_refused_by_either() {
    let has_color = |arguments: &[&str], environment: &[(&str, &str)]| {
        let program = witness(&[&["scan"], arguments].concat());
        environment.iter().fold(program, |program, (name, value)| program.env(name, value)).run().stdout.contains(ESCAPE)
    };
    assert!(has_color(&["--color", "always"], &[]));
    assert!(has_color(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!has_color(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!has_color(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!has_color(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(has_color(&["--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn colour_only_repeats_what_a_word_says() {
    let record = record();
    let plain = Kubewitness::new(["report", &record]).report();
    let colored = Kubewitness::new(["report", &record, "--color", "always"]).report();
    assert_ne!(plain, colored);
    let parts = colored.split(ESCAPE).enumerate();
    let bare: String = parts.map(|(at, part)| if at == 0 { part } else { part.split_once('m').unwrap().1 }).collect();
    assert_eq!(bare, plain);
}

#[test]
fn quiet_says_nothing_but_the_data() {
    let loud = witness(&["scan", "-o", "json", "--quiet"]).run();
    assert_eq!(loud.stderr, "");
    loud.record();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [&["scan"][..], &["scan", "-o", "json", "--record-fields"], &["blame", "deploy/web"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubewitness"))
            .env("XDG_STATE_HOME", scratch::new_folder("state"))
            .args(arguments)
            .args(["--recording", &recording()])
            .current_dir(folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let expected = if arguments[0] == "blame" { 0 } else { 1 };
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(expected), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_told_and_is_3() {
    let state = scratch::new_folder("state");
    let run =
        |command: &str| Command::new("sh").args(["-c", command]).env("XDG_STATE_HOME", &state).current_dir(folder()).output().unwrap();
    let program = env!("CARGO_BIN_EXE_kubewitness");
    for arguments in [format!("scan --recording {}", recording()), "schema record".to_owned(), "--help".to_owned()] {
        let output = run(&format!("'{program}' {arguments} >/dev/full"));
        assert_eq!(output.status.code(), Some(3), "{arguments}: {output:?}");
    }
}

#[test]
fn a_file_is_readable_by_its_owner_alone_and_replaces_the_old_one_whole() {
    let folder = scratch::new_folder("outputs");
    let file = folder.join("record.json");
    std::fs::write(&file, "old and longer than nothing").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = witness(&["scan", "-o", &format!("json={}", text(&file))]).run();
    assert_eq!((output.status, output.stdout.as_str()), (Some(1), ""), "{output:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn one_output_that_fails_does_not_lose_the_others() {
    let folder = scratch::new_folder("outputs");
    let (json, screen) = (text(&folder.join("record.json")), text(&folder.join("screen")));
    let outputs =
        ["-o", "json=/nowhere/a.json", "-o", &format!("json={json}"), "-o", "json=/nowhere/b.json", "-o", &format!("terminal={screen}")];
    let output = witness(&[&["scan"], &outputs[..]].concat()).run();
    assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""));
    for failed in ["/nowhere/a.json", "/nowhere/b.json"] {
        assert_eq!(output.stderr.matches(&format!("cannot write {failed}")).count(), 1, "{}", output.stderr);
    }
    assert!(output.stderr.contains("No such file or directory"), "{}", output.stderr);
    assert!(std::fs::read_to_string(json).unwrap().ends_with("}\n"));
    assert!(std::fs::read_to_string(screen).unwrap().starts_with("Drift: "));
}

/// A record of the demo.
fn record() -> String {
    let file = text(&scratch::new_folder("record").join("record.json"));
    assert_eq!(witness(&["scan", "-o", &format!("json={file}")]).run().status, Some(1));
    file
}

trait Report {
    fn report(self) -> String;
}

impl Report for Kubewitness {
    fn report(self) -> String {
        let output = self.run();
        assert_eq!(output.status, Some(0), "{output:?}");
        output.stdout
    }
}
