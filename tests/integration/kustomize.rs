//! What Kustomize renders: compared with what is live, credited where one file alone declares a value, and to nobody else.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not there")]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::control_plane::{Namespace, control_plane};
use crate::harness::keys::{self, ALICE, BOB, CAROL};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::{Output, Program};
use crate::harness::recorded::{IN_SYNC, recording, scan, text};
use crate::harness::repository::Repository;
use crate::harness::{scratch, tools};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 30
      containers:
        - name: web
          image: shop/web:1.4
          envFrom: [{ configMapRef: { name: settings } }]
        - name: log
          image: shop/log:2
";
const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80 }]
";
const BASE: &str = "resources: [web.yaml, service.yaml]
configMapGenerator: [{ name: settings, files: [app.ini] }]
";
const PATCH: &str = "apiVersion: v1
kind: Service
metadata: { name: web }
spec: { sessionAffinity: ClientIP }
";

/// A base and an overlay that uses most transformers, written by three people, and applied to a namespace.
struct Shop {
    repository: Repository,
    namespace: Namespace,
    base: String,
    longer: String,
}

impl Shop {
    fn applied() -> Self {
        let namespace = control_plane().namespace("kustomize");
        let overlay = format!(
            "namespace: {}\nnamePrefix: prod-\nresources: [../base]\nimages: [{{ name: shop/web, newTag: '1.5' }}]\n\
             replicas: [{{ name: web, count: 3 }}]\npatches: [{{ path: patch.yaml }}]\n",
            namespace.name
        );
        let repository = Repository::new();
        repository.write("base/web.yaml", WEB).write("base/service.yaml", SERVICE).write("base/kustomization.yaml", BASE);
        repository.write("base/app.ini", "[db]\npool = 10\n");
        let base = repository.commit(&ALICE, "The base").signed_by(&ALICE.openpgp());
        repository.write("over/kustomization.yaml", overlay).write("over/patch.yaml", PATCH);
        repository.commit(&BOB, "The overlay").signed_by(&BOB.openpgp());
        repository.write("base/web.yaml", WEB.replace("Seconds: 30", "Seconds: 45"));
        let longer = repository.commit(&CAROL, "More time to end").unsigned();
        let built = Program::new(tools::program("kustomize")).args([Path::new("build"), &repository.path().join("over")]).succeed();
        namespace.kubectl.apply_server_side("kustomize-controller", &built);
        namespace.kubectl.wait_until(&["get", "replicasets", "-o", "name"], |names| names.contains("prod-web-"));
        Self { repository, namespace, base, longer }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let keyring = text(&keys::openpgp_file(&[ALICE.openpgp(), BOB.openpgp()]));
        let source = format!("fleet={}#over", self.repository.path().display());
        let (command, more) = arguments.split_first().expect("a command is given");
        let arguments = [*command, "--source", &source, "--keyring", &keyring].into_iter().chain(more.iter().copied());
        Kubewitness::new(arguments).kubeconfig(&control_plane().admin().kubeconfig).run()
    }
}

fn object<'a>(record: &'a Value, kind: &str) -> &'a Value {
    record["objects"].as_array().unwrap().iter().find(|object| object["kind"] == kind).unwrap()
}

fn origin<'a>(fields: &'a Value, field: &str) -> &'a Value {
    let found = fields.as_array().unwrap().iter().find(|row| row["field"] == field);
    &found.unwrap_or_else(|| panic!("no {field} in {fields:#}"))["origin"]
}

#[test]
fn an_overlay_that_was_applied_is_in_sync_and_its_fields_are_credited_where_one_file_alone_declares_them() {
    let shop = Shop::applied();
    let output = shop.run(&["scan", "-o", "json", "--record-fields"]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    let record = output.record();
    let states: Vec<&Value> = record["objects"].as_array().unwrap().iter().map(|object| &object["state"]).collect();
    assert_eq!(states, ["synced"; 3], "{record:#}");

    let web = object(&record, "Deployment");
    let seconds = origin(&web["fields"], "spec.template.spec.terminationGracePeriodSeconds");
    assert_eq!(
        (&seconds["path"], &seconds["line"], &seconds["authoredBy"]),
        (&"base/web.yaml".into(), &11.into(), &shop.longer.as_str().into())
    );
    let log = origin(&web["fields"], "spec.template.spec.containers[name=log].image");
    assert_eq!((&log["path"], &log["line"], &log["authoredBy"]), (&"base/web.yaml".into(), &17.into(), &shop.base.as_str().into()));
    // What a transformer set, or could have set, is nobody's.
    for rendered in ["metadata.name", "spec.replicas", "spec.template.spec.containers[name=web].image"] {
        let origin = origin(&web["fields"], rendered);
        assert!(origin.get("authoredBy").is_none(), "{rendered}: {origin:#}");
        assert_eq!((&origin["verdict"], &origin["step"]), (&"unverifiable".into(), &"rendered".into()), "{rendered}: {origin:#}");
    }
    // Of an object that a patch names, nothing is credited, and all files that could have made it are listed.
    let service = object(&record, "Service");
    let fields = service["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["origin"].get("authoredBy").is_none()), "{service:#}");
    let inputs = service["attribution"]["inputs"].as_array().unwrap();
    let paths: Vec<&str> = inputs.iter().map(|input| input["path"].as_str().unwrap()).collect();
    for candidate in ["base/service.yaml", "over/patch.yaml", "over/kustomization.yaml"] {
        assert!(paths.contains(&candidate), "{paths:?}");
    }
    assert_eq!(service["attribution"]["verdict"], "unverifiable");
    assert!(service["attribution"]["reasons"].as_array().unwrap().contains(&"rendered".into()), "{service:#}");
}

#[test]
fn what_was_changed_by_hand_in_a_rendered_object_is_found_at_its_field() {
    let shop = Shop::applied();
    shop.namespace.kubectl.succeed(["scale", "deployment/prod-web", "--replicas=5"]);
    shop.namespace.kubectl.succeed(["patch", "service/prod-web", "-p", "{\"spec\": {\"sessionAffinity\": \"None\"}}"]);
    let record = shop.run(&["scan", "-o", "json"]).record();
    let mut found: Vec<(&str, &str)> = Vec::new();
    for finding in record["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "field-drifted") {
        found.push((finding["object"]["kind"].as_str().unwrap(), finding["field"].as_str().unwrap()));
    }
    found.sort_unstable();
    assert_eq!(found, [("Deployment", "spec.replicas"), ("Service", "spec.sessionAffinity")], "{record:#}");
    let blame = shop.run(&["blame", "deploy/prod-web"]);
    assert_eq!(blame.status, Some(0), "{blame:?}");
    let line = blame.stdout.lines().find(|line| line.contains("spec.replicas")).unwrap();
    assert!(line.contains("rendered") && line.contains("live 5"), "{}", blame.stdout);
    assert!(blame.stdout.lines().any(|line| line.contains("base/web.yaml:11") && line.contains("Carol Example")), "{}", blame.stdout);
}

/// What is in sync with the recorded cluster, behind a kustomization.
fn recorded(kustomization: &str) -> Repository {
    let repository = Repository::new();
    repository.write("prod/db.yaml", IN_SYNC).write("prod/kustomization.yaml", kustomization);
    repository.commit(&ALICE, "The database").unsigned();
    repository
}

fn gap(output: &Output) -> (String, String) {
    assert_eq!(output.status, Some(4), "{output:?}");
    let gap = output.record()["notEvaluated"][0].clone();
    (gap["reason"].as_str().unwrap().to_owned(), gap["detail"].as_str().unwrap().to_owned())
}

#[test]
fn kustomize_is_found_on_the_path_or_where_a_variable_says() {
    let repository = recorded("resources: [db.yaml]\n");
    let source = text(repository.path());
    let program = text(&tools::program("kustomize"));
    assert_eq!(scan(&source, &[]).run().status, Some(0));
    assert_eq!(scan(&source, &[]).env("PATH", "/nowhere").env("KUBEWITNESS_KUSTOMIZE", &program).run().status, Some(0));
    let wrong = scan(&source, &["-o", "json"]).env("KUBEWITNESS_KUSTOMIZE", "/nowhere/kustomize").run();
    let (reason, detail) = gap(&wrong);
    assert_eq!(reason, "kustomize not found");
    assert!(detail.contains("/nowhere/kustomize") && detail.contains("KUBEWITNESS_KUSTOMIZE"), "{detail}");
}

#[test]
fn a_build_that_fails_is_told_without_secrets_and_nothing_of_it_is_called_missing() {
    let repository = recorded("resources: [db.yaml, absent.yaml]\nsecretGenerator: [{name: s, literals: [p=c4nary]}]\n");
    let output = scan(&text(repository.path()), &["-o", "json"]).run();
    let (reason, detail) = gap(&output);
    assert_eq!(reason, "kustomize build failed");
    assert!(detail.contains("absent.yaml") && !detail.contains(&text(scratch::folder())), "{detail}");
    assert!(!output.stdout.contains("c4nary") && !output.stderr.contains("c4nary"), "{output:?}");
    assert_eq!(output.record()["objects"], serde_json::json!([]));
}

#[test]
fn files_outside_of_the_kustomization_are_loaded_only_where_the_source_says_so() {
    let repository = Repository::new();
    repository.write("shared/db.yaml", IN_SYNC).write("prod/kustomization.yaml", "resources: [../shared/db.yaml]\n");
    repository.commit(&ALICE, "The database").unsigned();
    let with = |restrictor: &str| {
        let folder = scratch::new_folder("config");
        let source = format!("{{url: {}, path: prod, loadRestrictor: {restrictor}}}", repository.path().display());
        fs::write(folder.join("kubewitness.yaml"), format!("sources: [{source}]\n")).expect("a scratch file can be written");
        Kubewitness::new(["scan", "-o", "json", "--recording", &recording()]).in_folder(&folder).run()
    };
    let (reason, detail) = gap(&with("root"));
    assert_eq!(reason, "kustomize build failed");
    assert!(detail.contains("../shared/db.yaml") || detail.contains("shared/db.yaml"), "{detail}");
    let output = with("none");
    assert_eq!(output.status, Some(0), "{output:?}");
    assert_eq!(output.record()["coverage"]["evaluated"], 6);
}
