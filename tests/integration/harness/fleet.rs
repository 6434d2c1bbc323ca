//! A copy of the fleet of `tests/fleet/prod` that no other test's copy meets: its namespaces, the names of its cluster-scoped
//! objects and its API group are its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::control_plane::{User, control_plane};
use super::keys::{self, ALICE, BOB, CAROL};
use super::kubectl::Kubectl;
use super::kubewitness::Kubewitness;
use super::program::Output;
use super::repository::Repository;
use super::scratch;

/// The namespaces of the original.
pub(crate) const NAMESPACES: [&str; 3] = ["data", "ops", "shop"];

/// Who applies a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applier {
    /// `kubectl apply`.
    ClientSide,
    /// `kubectl apply --server-side` under the name of Flux.
    ServerSide,
    /// `helm install`, of version 4.
    Helm,
}

/// A copy of the fleet: its manifests in Git, in several signed commits, and its names.
#[derive(Debug)]
pub(crate) struct Fleet {
    tag: String,
    pub(crate) repository: Repository,
    /// Commit ids by what they did, in order.
    pub(crate) commits: Commits,
    /// Where `kubewitness.yaml` lies.
    folder: PathBuf,
}

/// Who committed what.
#[derive(Debug)]
pub(crate) struct Commits {
    /// Alice, OpenPGP: everything, with an older web and two replicas.
    pub(crate) first: String,
    /// Bob, SSH: three replicas.
    pub(crate) replicas: String,
    /// Written by Carol, committed and signed by Alice: web 1.4.
    pub(crate) image: String,
}

impl Fleet {
    /// The fleet as it is declared, in a repository; nothing is applied.
    pub(crate) fn new() -> Self {
        let tag = format!("f{}", scratch::number());
        let repository = Repository::new();
        let files = manifests(&tag);
        for (path, text) in &files {
            let older = text.replace("shop/web:1.4", "shop/web:1.3").replace("replicas: 3", "replicas: 2");
            repository.write(path, older);
        }
        let first = repository.commit(&ALICE, "The fleet moves into Git").signed_by(&ALICE.openpgp());
        for (path, text) in &files {
            repository.write(path, text.replace("shop/web:1.4", "shop/web:1.3"));
        }
        let replicas = repository.commit(&BOB, "Three web pods").signed_by(&BOB.ssh());
        for (path, text) in &files {
            repository.write(path, text);
        }
        let image = repository.commit(&CAROL, "Web 1.4").committed_by(&ALICE).signed_by(&ALICE.openpgp());
        let fleet = Self { tag, repository, commits: Commits { first, replicas, image }, folder: scratch::new_folder("fleet") };
        fs::write(fleet.folder.join("kubewitness.yaml"), fleet.configuration()).expect("a scratch file can be written");
        fleet
    }

    /// The fleet, applied by the administrator, when the controllers have had their say.
    pub(crate) fn applied_by(applier: Applier) -> Self {
        let fleet = Self::new();
        let admin = control_plane().admin().kubectl();
        let apply = |part: &str| match applier {
            Applier::ClientSide => drop(admin.apply(&fleet.manifests_of(part))),
            Applier::ServerSide => drop(admin.apply_server_side("kustomize-controller", &fleet.manifests_of(part))),
            Applier::Helm => fleet.install(part),
        };
        control_plane().add_kind(&format!("dashboards.fleet-{}.example.com", fleet.tag), || apply("cluster"));
        apply("namespaced");
        fleet.settle();
        fleet
    }

    /// The copy's name of a thing of the original: a namespace, `fleet` of the API group, or a name that begins with `fleet-`.
    pub(crate) fn name(&self, original: &str) -> String {
        name(&self.tag, original)
    }

    /// The administrator in the copy of a namespace.
    pub(crate) fn kubectl(&self, namespace: &str) -> Kubectl {
        control_plane().admin().kubectl().in_namespace(&self.name(namespace))
    }

    /// kubewitness in the folder of the configuration.
    pub(crate) fn kubewitness<'a>(&self, user: &User, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        Kubewitness::new(arguments).in_folder(&self.folder).kubeconfig(&user.kubeconfig).run()
    }

    /// A scan by the administrator that prints its record.
    pub(crate) fn scan(&self) -> Output {
        self.kubewitness(&control_plane().admin(), ["scan", "-o", "json"])
    }

    /// A scan of a recorded cluster; no live one can be reached.
    pub(crate) fn scan_recording(&self, recording: &Path) -> Output {
        let recording = recording.to_str().expect("the path of the scratch folder is UTF-8");
        Kubewitness::new(["scan", "-o", "json", "--recording", recording]).in_folder(&self.folder).run()
    }

    fn manifests_of(&self, part: &str) -> String {
        let is_of_cluster = |path: &str| path.starts_with("cluster/");
        let wanted = manifests(&self.tag).into_iter().filter(|(path, _)| is_of_cluster(path) == (part == "cluster"));
        wanted.map(|(_, text)| text).collect::<Vec<_>>().join("\n---\n")
    }

    /// Installs a part as a chart. What is cluster-scoped is a release of its own, in a namespace that is in no fleet; the rest
    /// is one in the namespace of the shop.
    fn install(&self, part: &str) {
        let chart = scratch::new_folder("chart");
        fs::create_dir(chart.join("templates")).expect("a scratch folder can be made");
        fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: fleet\nversion: 1.0.0\n").expect("a scratch file can be written");
        let literal = self.manifests_of(part).replace("{{", "{{ `{{` }}");
        fs::write(chart.join("templates/fleet.yaml"), literal).expect("a scratch file can be written");
        let namespace = if part == "cluster" { "default".to_owned() } else { self.name("shop") };
        super::helm::Helm::new(&control_plane().admin().kubeconfig, &namespace).install(&self.name("fleet"), &chart);
    }

    /// Waits until the controllers have made and marked what they make and mark. The quota of the shop admits no pod of web.
    pub(crate) fn settle(&self) {
        let (data, ops, shop) = (self.kubectl("data"), self.kubectl("ops"), self.kubectl("shop"));
        let revision = r"-o=jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}";
        for deployment in ["deployment/web", "deployment/cart"] {
            is_observed(&shop, deployment);
            is_told(&shop, &["get", deployment, revision]);
        }
        is_observed(&shop, "pdb/web");
        is_told(&shop, &["get", "pods", "-l", "app=cart", "-o", "name"]);
        is_told(&shop, &["get", "hpa/cart", "-o=jsonpath={.status.conditions[*].type}"]);
        is_told(&shop, &["get", "resourcequota/quota", "-o=jsonpath={.status.hard}"]);
        is_observed(&data, "statefulset/db");
        is_told(&data, &["get", "pods", "-l", "app=db", "-o", "name"]);
        for claim in ["pvc/backup", "pvc/data-db-0"] {
            is_told(&data, &["get", claim, r"-o=jsonpath={.metadata.annotations.volume\.kubernetes\.io/storage-provisioner}"]);
        }
        is_observed(&ops, "daemonset/node-agent");
        is_told(&ops, &["get", "controllerrevisions", "-l", "app=node-agent", "-o", "name"]);
        is_told(&ops, &["get", "pods", "-l", "batch.kubernetes.io/job-name=migrate", "-o", "name"]);
        for namespace in [data, ops, shop] {
            is_told(&namespace, &["get", "serviceaccount/default", "configmap/kube-root-ca.crt", "-o", "name"]);
        }
    }

    fn configuration(&self) -> String {
        let openpgp = keys::openpgp_file(&[ALICE.openpgp()]);
        let ssh = keys::allowed_signers_file(&[(BOB.email, BOB.ssh())]);
        format!(
            "cluster: {{ name: test }}\n\
             sources: [{{ name: fleet, url: {}, ref: main }}]\n\
             keys: {{ openpgp: [{}], ssh: [{}] }}\n\
             undeclared: {{ namespaces: [{}] }}\n\
             failOn: warning\n",
            self.repository.path().display(),
            openpgp.display(),
            ssh.display(),
            NAMESPACES.map(|namespace| self.name(namespace)).join(", "),
        )
    }
}

fn name(tag: &str, original: &str) -> String {
    match original.strip_prefix("fleet-") {
        Some(rest) => format!("fleet-{tag}-{rest}"),
        None => format!("{original}-{tag}"),
    }
}

/// Every manifest of the copy with its path below `prod`, sorted by path.
fn manifests(tag: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/prod");
    let mut files = Vec::new();
    for folder in ["cluster", "data", "ops", "shop"] {
        for entry in fs::read_dir(root.join(folder)).expect("the fleet is there") {
            let file = entry.expect("the fleet can be listed").path();
            let path = file.strip_prefix(&root).expect("what is listed in a folder is below it");
            let path = path.to_str().expect("the paths of the fleet are UTF-8").to_owned();
            let text = fs::read_to_string(&file).expect("the fleet can be read");
            let renamed = renamed(tag, &path, &text);
            files.push((path, renamed));
        }
    }
    files.sort();
    files
}

fn renamed(tag: &str, path: &str, text: &str) -> String {
    let mut text = text.replace("fleet-", &format!("fleet-{tag}-")).replace("fleet.example.com", &format!("fleet-{tag}.example.com"));
    for namespace in NAMESPACES {
        text = text.replace(&format!("namespace: {namespace}\n"), &format!("namespace: {}\n", name(tag, namespace)));
        if path == "cluster/namespaces.yaml" {
            text = text.replace(&format!("name: {namespace}\n"), &format!("name: {}\n", name(tag, namespace)));
        }
    }
    text
}

/// Waits until a controller has acted on what an object asks for now.
fn is_observed(kubectl: &Kubectl, object: &str) {
    let generations = "-o=jsonpath={.metadata.generation} {.status.observedGeneration}";
    kubectl.wait_until(&["get", object, generations], |text| text.split_once(' ').is_some_and(|(asked, observed)| asked == observed));
}

/// Waits until a question has an answer that is not empty.
fn is_told(kubectl: &Kubectl, question: &[&str]) {
    kubectl.wait_until(question, |answer| !answer.trim().is_empty());
}
