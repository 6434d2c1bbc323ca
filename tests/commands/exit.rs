//! How a run ends is told by its exit code, and why on standard error.

use std::path::{Path, PathBuf};

use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::{Output, Program};
use crate::harness::recorded::{in_sync, recording, scan, text, witness};
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// Runs where no kubeconfig, no service account and no configuration is.
fn run(arguments: &[&str]) -> Output {
    Kubewitness::new(arguments.iter().copied()).in_folder(&scratch::new_folder("empty")).run()
}

/// Nothing but an error of this code whose text has all these parts.
fn fails(output: &Output, code: i32, parts: &[&str]) {
    assert_eq!((output.status, output.stdout.as_str()), (Some(code), ""), "{output:?}");
    assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    for part in parts {
        assert!(output.stderr.contains(part), "no {part:?} in\n{}", output.stderr);
    }
}

/// A folder with a configuration.
fn configured(yaml: &str) -> PathBuf {
    let folder = scratch::new_folder("configured");
    std::fs::write(folder.join("kubewitness.yaml"), yaml).unwrap();
    folder
}

fn scan_in(folder: &Path) -> Output {
    Kubewitness::new(["scan", "--recording", &recording()]).in_folder(folder).run()
}

#[test]
fn nothing_found_is_0() {
    let output = witness(&["scan", "--config", "/dev/null", "--source", "fleet#prod/data", "--keyring", "keys.asc"]).run();
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    assert!(output.stdout.starts_with("In sync: 6 of 6 objects match Git.\n"), "{}", output.stdout);
    assert!(output.stdout.lines().count() <= 5, "{}", output.stdout);
}

#[test]
fn findings_are_1_from_the_severity_that_is_asked_for() {
    let drifted = |more: &[&str]| witness(&[&["scan", "-q"], more].concat()).run().status;
    assert_eq!(drifted(&[]), Some(1));
    assert_eq!(drifted(&["--fail-on", "never"]), Some(0));
    assert_eq!(drifted(&["--cron"]), Some(0));
    assert_eq!(drifted(&["--cron", "--fail-on", "error"]), Some(1));

    // Its only findings: commits without a signature (notes), and objects of shop that it does not declare (warnings).
    let repository = in_sync();
    let source = text(repository.path());
    let unsigned = |more: &[&str]| scan(&source, more).run().status;
    assert_eq!(unsigned(&[]), Some(0));
    assert_eq!(unsigned(&["--fail-on", "warning"]), Some(0));
    assert_eq!(unsigned(&["--fail-on", "note"]), Some(1));
    assert_eq!(unsigned(&["--undeclared", "shop"]), Some(0));
    assert_eq!(unsigned(&["--undeclared", "shop", "--fail-on", "warning"]), Some(1));
}

#[test]
fn a_configuration_says_what_fails_and_a_flag_wins_over_it() {
    let repository = in_sync();
    let folder = configured(&format!("sources:\n  - url: {}\nfailOn: note\n", repository.path().display()));
    assert_eq!(scan_in(&folder).status, Some(1));
    let never = Kubewitness::new(["scan", "--fail-on", "never", "--recording", &recording()]).in_folder(&folder).run();
    assert_eq!(never.status, Some(0));
}

#[test]
fn what_is_typed_wrong_is_2_and_told_with_what_was_meant() {
    fails(&run(&[]).or_help(), 2, &[]);
    fails(&run(&["scna"]), 2, &["unrecognized subcommand 'scna'", "'scan'"]);
    fails(&run(&["scan", "--recrding", "x"]), 2, &["unexpected argument '--recrding'", "'--recording'"]);
    fails(&run(&["scan", "-o", "jsn"]), 2, &["unknown format `jsn`", "terminal, json"]);
    fails(&run(&["scan", "--fail-on", "fatal"]), 2, &["invalid value 'fatal'", "error, warning, note, never"]);
    fails(&run(&["scan", "--timeout", "5 days"]), 2, &["write 90s, 15m or 1h"]);
    fails(&run(&["schema", "recrod"]), 2, &["'record'"]);
    fails(&run(&["scan"]), 2, &["no source is given", "--source ./fleet@main#clusters/prod"]);
    fails(&run(&["scan", "--source", "@main"]), 2, &["[name=]url[@ref][#path]"]);
    fails(&run(&["scan", "--source", "./a/fleet", "--source", "./b/fleet"]), 2, &["two sources are called fleet"]);
    fails(&run(&["explain", "field-drift"]), 2, &["no rule is called `field-drift`; did you mean `field-drifted`?"]);
    fails(&run(&["explain", "xyz"]), 2, &["no rule is called `xyz`; `kubewitness explain` lists them all"]);
}

#[test]
fn two_formats_do_not_fit_on_standard_output() {
    fails(&witness(&["scan", "-o", "json", "-o", "terminal"]).run(), 2, &["two formats for standard output", "-o json=record.json"]);
}

#[test]
fn an_object_that_is_not_there_is_2_with_the_nearest() {
    fails(&witness(&["blame", "deplyo/web"]).run(), 2, &["serves no kind `deplyo`; did you mean deploy?"]);
    // Services and network policies are called web too.
    fails(&witness(&["blame", "deploy/wbe"]).run(), 2, &["no source declares deploy/wbe; did you mean Deployment shop/web?"]);
    fails(&witness(&["blame", "deploy/web", "-n", "ops"]).run(), 2, &["no source declares deploy/web in namespace ops"]);
    fails(&witness(&["blame", "web"]).run(), 2, &["`web` names no object; write KIND/NAME, as in deploy/web"]);
}

#[test]
fn a_configuration_that_is_wrong_is_2_with_its_line() {
    let refused = |yaml: &str, parts: &[&str]| fails(&scan_in(&configured(yaml)), 2, parts);
    refused("source:\n  - url: x\n", &["kubewitness.yaml:1: unknown key `source`", "did you mean `sources`?"]);
    refused("sources:\n  - url: x\n    pth: y\n", &["kubewitness.yaml:3: unknown key `pth` in sources", "did you mean `path`?"]);
    refused("secrets: skip\nfailOn: eror\n", &["kubewitness.yaml:2: failOn: `eror` is none of error, warning, note, never"]);
    refused("sources: [\n", &["kubewitness.yaml:1:10: unclosed bracket"]);
    refused("sources:\n  - name: fleet\n", &["kubewitness.yaml:2:", "url"]);
    refused("sources: 7\n", &["kubewitness.yaml:1:", "sources"]);
}

#[test]
fn what_cannot_be_opened_at_all_is_3() {
    let repository = in_sync();
    let source = text(repository.path());
    let scan = |more: &[&str]| run(&[&["scan", "--source", source.as_str()], more].concat());
    fails(&scan(&[]), 3, &["the cluster cannot be read", "neither a kubeconfig nor a service account"]);
    fails(&scan(&["--kubeconfig", "nowhere"]), 3, &["the kubeconfig nowhere cannot be read"]);
    fails(&scan(&["--recording", "nowhere"]), 3, &["nowhere cannot be read"]);
    fails(&scan(&["--config", "nowhere.yaml"]), 3, &["cannot read nowhere.yaml"]);
    fails(&scan(&["--recording", &recording(), "--keyring", "nowhere.asc"]), 3, &["nowhere.asc"]);
    let empty = text(&scratch::new_folder("recording"));
    fails(&scan(&["--recording", &empty]), 3, &["holds no .json or .yaml file"]);
}

#[test]
fn a_cluster_that_does_not_answer_is_3() {
    let folder = scratch::new_folder("kubeconfig");
    // Nobody listens on a port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}'}}}}]\n\
         users: [{{name: u, user: {{token: c4nary}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(folder.join("config"), kubeconfig).unwrap();
    let repository = in_sync();
    let output = Kubewitness::new(["scan", "--timeout", "20s", "--source", &text(repository.path())]);
    let output = output.kubeconfig(&folder.join("config")).in_folder(&folder).run();
    fails(&output, 3, &["the cluster cannot be read", &format!("127.0.0.1:{port}")]);
    assert!(!output.stderr.contains("c4nary"), "{}", output.stderr);
    let context = Kubewitness::new(["scan", "--context", "prdo", "--source", &text(repository.path())]);
    fails(&context.kubeconfig(&folder.join("config")).in_folder(&folder).run(), 3, &["prdo"]);
}

#[test]
fn what_could_not_be_judged_is_4_whatever_was_found() {
    let repository = in_sync();
    repository.write("prod/broken.yaml", "a: b: c\n").commit(&crate::harness::keys::BOB, "Broken").unsigned();
    let output = scan(&text(repository.path()), &[]).run();
    assert_eq!(output.status, Some(4), "{output:?}");
    assert!(output.stdout.starts_with("Partial: "), "{}", output.stdout);
    assert!(output.stdout.contains("prod/broken.yaml:1:5"), "{}", output.stdout);
    assert_eq!(scan(&text(repository.path()), &["--fail-on", "never"]).run().status, Some(4));

    let absent = scan("./nowhere", &[]).run();
    assert_eq!(absent.status, Some(4), "{absent:?}");
    let record = scan("./nowhere", &["-o", "json"]).run().record();
    assert_eq!((&record["status"], &record["notEvaluated"][0]["reason"]), (&"partial".into(), &"not read".into()));
}

/// A repository with three folders for Kustomize, and a Kustomize that takes half a minute for each.
fn slow() -> (Repository, String) {
    let repository = in_sync();
    for unit in ["a", "b", "c"] {
        repository.write(&format!("{unit}/kustomization.yaml"), "resources: []\n");
    }
    repository.commit(&crate::harness::keys::BOB, "Kustomizations").unsigned();
    let program = scratch::new_folder("slow").join("kustomize");
    std::fs::write(&program, "#!/bin/sh\nexec /bin/sleep 30\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    (repository, text(&program))
}

/// Every folder that Kustomize did not build, with why.
fn unbuilt(output: &Output) -> Vec<(String, String)> {
    let record = output.record();
    let text = |gap: &serde_json::Value, key: &str| gap[key].as_str().unwrap().to_owned();
    let of_render = record["notEvaluated"].as_array().unwrap().iter().filter(|gap| gap["stage"] == "render");
    of_render.map(|gap| (text(gap, "subject"), text(gap, "reason"))).collect()
}

fn all_unbuilt(reason: &str) -> Vec<(String, String)> {
    ["a", "b", "c"].map(|unit| (format!("source fleet: {unit}"), reason.to_owned())).to_vec()
}

#[test]
fn the_time_of_a_run_ends_a_build_too() {
    let (repository, program) = slow();
    let begun = std::time::Instant::now();
    let source = format!("fleet={}", text(repository.path()));
    let output = scan(&source, &["-o", "json", "--timeout", "2s"]).env("KUBEWITNESS_KUSTOMIZE", &program).run();
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!((output.status, unbuilt(&output)), (Some(4), all_unbuilt("timed out")), "{output:?}");
}

#[test]
fn who_asks_a_run_to_end_during_a_build_is_heard() {
    let (repository, program) = slow();
    let source = format!("fleet={}", text(repository.path()));
    let running = scan(&source, &["-o", "json"]).env("KUBEWITNESS_KUSTOMIZE", &program).start();
    std::thread::sleep(std::time::Duration::from_secs(3));
    running.terminate();
    let asked = std::time::Instant::now();
    let output = running.wait();
    assert!(asked.elapsed() < std::time::Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!((output.status, unbuilt(&output)), (Some(4), all_unbuilt("interrupted")), "{output:?}");
}

trait OrHelp {
    fn or_help(self) -> Self;
}

impl OrHelp for Output {
    /// Without a command the help is shown, where errors go.
    fn or_help(mut self) -> Self {
        assert!(self.stderr.contains("Usage: kubewitness"), "{}", self.stderr);
        self.stderr = format!("error: {}", self.stderr);
        self
    }
}

#[test]
fn an_object_that_may_stand_in_what_could_not_be_read_is_4() {
    let output = witness(&["blame", "cm/elsewhere", "-n", "shop", "--source", "gone=./nowhere"]).run();
    fails(&output, 4, &["no source declares cm/elsewhere in namespace shop", "not all of them could be read", "gone"]);
}

#[test]
fn a_group_that_could_not_be_looked_through_for_undeclared_objects_is_4() {
    let folder = scratch::new_folder("capture");
    Program::new("cp").args(["-r", &format!("{}/.", recording())]).args([&folder]).succeed();
    let contents = folder.join("capture.json");
    let mut capture: serde_json::Value = serde_json::from_slice(&std::fs::read(&contents).unwrap()).unwrap();
    capture["unknownGroups"] = serde_json::json!([{ "group": "policy", "subject": "group policy", "reason": "stale" }]);
    capture["kinds"].as_array_mut().unwrap().retain(|kind| kind["group"] != "policy");
    std::fs::write(&contents, capture.to_string()).unwrap();

    let repository = in_sync();
    let (source, folder) = (text(repository.path()), text(&folder));
    let scan = |more: &[&str]| {
        let all = [&["scan", "--source", &source, "-o", "json", "--recording", &folder], more].concat();
        Kubewitness::new(all.iter().copied()).run()
    };
    assert_eq!(scan(&[]).status, Some(0), "nothing of that group was asked for");
    let output = scan(&["--undeclared", "shop"]);
    assert_eq!(output.status, Some(4));
    let gaps = output.record()["notEvaluated"].to_string();
    assert!(gaps.contains("policy"), "{gaps}");
}
