//! Objects declared as tersely or as oddly as the server takes them, whoever applies them, give no finding.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::control_plane::{Namespace, control_plane};
use crate::harness::drift::{self, Said, objects, title};
use crate::harness::keys::{self, ALICE};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// The recipes under names of their own, in a repository and, but for their kind, not applied.
struct Recipes {
    namespace: Namespace,
    repository: Repository,
    text: String,
}

fn recipes() -> Recipes {
    let namespace = control_plane().namespace("recipes");
    let tag = format!("r{}", scratch::number());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/recipes");
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).expect("the recipes can be read");
        text.replace("NAMESPACE", &namespace.name).replace("TAG", &tag)
    };
    let repository = Repository::new();
    let mut text = String::new();
    for name in ["workloads.yaml", "data.yaml", "network.yaml", "cluster.yaml"] {
        repository.write(name, read(name));
        write!(text, "---\n{}", read(name)).expect("a String can be written to");
    }
    let definition = read("definition.yaml");
    repository.write("definition.yaml", &definition);
    repository.commit(&ALICE, "Recipes").signed_by(&ALICE.openpgp());
    let resource = format!("recipes.recipes-{tag}.example.com");
    control_plane().add_kind(&resource, || drop(namespace.kubectl.apply(&definition)));
    Recipes { namespace, repository, text }
}

impl Recipes {
    fn scan(&self) -> Output {
        let keyring = keys::openpgp_file(&[ALICE.openpgp()]);
        let path = |path: &Path| path.to_str().expect("the path of the scratch folder is UTF-8").to_owned();
        let (source, keyring) = (path(self.repository.path()), path(&keyring));
        let arguments =
            ["scan", "-o", "json", "--source", &source, "--keyring", &keyring, "--undeclared", &self.namespace.name, "--fail-on", "note"];
        Kubewitness::new(arguments).kubeconfig(&control_plane().admin().kubeconfig).run()
    }

    /// Nothing is told of any object but what admission adds to Pods, which is no finding.
    fn assert_clean(&self) {
        let output = self.scan();
        let record = output.record();
        let unsynced: Vec<String> = objects(&record).filter(|object| object["state"] != "synced").map(title).collect();
        let is_of_pods = |said: &Said| said.verdict == "injected" && said.object.starts_with("Pod/");
        let said: Vec<Said> = drift::said_in(&record).into_iter().filter(|said| !is_of_pods(said)).collect();
        assert!(unsynced.is_empty() && said.is_empty(), "{unsynced:?}\n{said:#?}\n{}", record["notEvaluated"]);
        assert_eq!((output.status, &record["status"], &record["findings"]), (Some(0), &json!("complete"), &Value::Array(Vec::new())));
        let declared = self.text.lines().filter(|line| line.starts_with("kind: ")).count() + 1;
        assert_eq!(objects(&record).count(), declared);
    }
}

#[test]
fn what_the_client_applied_is_clean() {
    let recipes = recipes();
    recipes.namespace.kubectl.apply(&recipes.text);
    recipes.assert_clean();
}

#[test]
fn what_the_server_applied_is_clean() {
    let recipes = recipes();
    recipes.namespace.kubectl.apply_server_side("kustomize-controller", &recipes.text);
    recipes.assert_clean();
}

#[test]
fn what_was_created_is_clean() {
    let recipes = recipes();
    recipes.namespace.kubectl.program(["create", "-f", "-"]).input(recipes.text.as_str()).succeed();
    recipes.assert_clean();
}

#[test]
fn what_migrates_to_the_server_and_is_applied_again_is_clean() {
    let recipes = recipes();
    recipes.namespace.kubectl.apply(&recipes.text);
    recipes.namespace.kubectl.apply(&recipes.text);
    recipes.namespace.kubectl.program(["apply", "--server-side", "--force-conflicts", "-f", "-"]).input(recipes.text.as_str()).succeed();
    recipes.assert_clean();
}
