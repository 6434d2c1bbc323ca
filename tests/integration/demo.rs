//! `make demo` keeps what it promises: ten changes to the fleet, each found at its field with its manager, and nothing else. It
//! needs no server.

use std::path::Path;

use serde_json::json;

use crate::harness::drift;
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Program;
use crate::harness::scratch;

const IN_WEB: &str = "spec.template.spec.containers";

/// Field, verdict and manager of what `tests/demo/drift.sh` changes in objects that are declared and there.
fn changes() -> Vec<[String; 4]> {
    let image = format!("{IN_WEB}[name=web].image");
    let (sidecar, currency) = (format!("{IN_WEB}[name=debug]"), format!("{IN_WEB}[name=web].env[name=CURRENCY]"));
    [
        ["ConfigMap/settings", r#"data["app.ini"]"#, "drifted", "Mozilla/Update"],
        ["Deployment/web", "spec.replicas", "drifted", "kubectl/Update/scale"],
        ["Deployment/web", &sidecar, "undeclared", "k9s/Update"],
        ["Deployment/web", &currency, "removed", ""],
        ["Deployment/web", &image, "drifted", "kubectl-set/Update"],
        ["NetworkPolicy/web", "metadata.labels.reviewed", "undeclared", "kubectl-label/Update"],
        ["Role/deployer", "rules[0].verbs", "drifted", "kubectl-patch/Update"],
        ["Secret/payment", "data.token", "drifted", "kubectl-patch/Update"],
    ]
    .map(|row| row.map(str::to_owned))
    .to_vec()
}

fn tests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
}

#[test]
fn its_record_tells_the_ten_changes_and_nothing_else() {
    let folder = scratch::new_folder("demo");
    Program::new("bash").args([&tests().join("fleet/repository.sh"), &folder]).succeed();
    let recording = tests().join("demo/cluster");
    let arguments = ["scan", "-o", "json", "--recording", recording.to_str().expect("the path of the checkout is UTF-8")];
    let output = Kubewitness::new(arguments).in_folder(&folder).run();
    let record = output.record();
    assert_eq!((output.status, &record["status"]), (Some(1), &json!("complete")), "{}", output.stderr);

    let said = drift::said_in(&record).into_iter().map(|said| [said.object, said.field, said.verdict, said.manager.unwrap_or_default()]);
    assert_eq!(said.collect::<Vec<_>>(), changes());

    let of_fields = changes().into_iter().map(|[object, field, verdict, _]| [format!("field-{verdict}"), object, field]);
    let of_objects = [["object-missing", "Service/legacy", ""], ["object-undeclared", "ConfigMap/hotfix", ""]];
    let mut expected: Vec<[String; 3]> = of_fields.chain(of_objects.map(|row| row.map(str::to_owned))).collect();
    expected.sort();
    let (of_commits, mut found): (Vec<_>, Vec<_>) = drift::findings_in(&record).into_iter().partition(|[_, object, _]| object.is_empty());
    found.sort();
    assert_eq!(found, expected);
    let rules: Vec<&str> = of_commits.iter().map(|[rule, ..]| rule.as_str()).collect();
    assert_eq!(rules, ["author-mismatch", "commit-unsigned", "signer-untrusted"], "the repository has one commit of each kind");
}

#[test]
fn its_script_shows_every_change_and_a_blame() {
    let shown = Program::new("bash").args([tests().join("demo/run.sh").as_os_str(), env!("CARGO_BIN_EXE_kubewitness").as_ref()]).succeed();
    for [_, field, ..] in changes() {
        assert!(shown.contains(&field), "{field} is not in:\n{shown}");
    }
    for text in [
        "Service shop/legacy   missing",
        "ConfigMap shop/hotfix   not in Git",
        "writer not recorded",
        "kubewitness blame deploy/web -n shop",
    ] {
        assert!(shown.contains(text), "`{text}` is not in:\n{shown}");
    }
    assert!(!shown.contains("swapped") && !shown.contains("demo-only"), "a secret value is in:\n{shown}");
}
