//! Argo CD: the real application-controller and repo-server, one for both ways of applying.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::edits::{self, Agent};
use crate::fleet::{Fleet, Layout, PATH};
use crate::harness::control_plane::{control_plane, free_ports};
use crate::harness::kubectl::Kubectl;
use crate::harness::scratch::{self, Server};
use crate::harness::tools;

const NAMESPACE: &str = "argocd";
const PATIENCE: Duration = Duration::from_secs(600);

const CONFIG_MAPS: [&str; 6] =
    ["argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm", "argocd-gpg-keys-cm", "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm"];

struct ArgoCd {
    folder: PathBuf,
    kubectl: Kubectl,
}

/// Argo CD; started by whoever asks first.
fn argo_cd() -> &'static ArgoCd {
    static RUNNING: OnceLock<ArgoCd> = OnceLock::new();
    RUNNING.get_or_init(start)
}

fn start() -> ArgoCd {
    let kubectl = control_plane().admin().kubectl();
    kubectl.succeed(["create", "namespace", NAMESPACE]);
    crate::define(&crate::file("crds/argo-cd"));
    let kubectl = kubectl.in_namespace(NAMESPACE);
    kubectl.wait_until(&["get", "applications,appprojects"], |_| true);
    for object in settings() {
        kubectl.apply_server_side("test", &object.to_string());
    }
    let argo = ArgoCd { folder: scratch::new_folder("argocd"), kubectl };
    let [redis, repositories, metrics, more_metrics] = free_ports();
    argo.start_redis(redis);
    let redis = format!("127.0.0.1:{redis}");
    argo.start_component(
        "argocd-repo-server",
        &[
            ("address", "127.0.0.1"),
            ("port", &repositories.to_string()),
            ("metrics-address", "127.0.0.1"),
            ("metrics-port", &metrics.to_string()),
            ("redis", &redis),
            ("disable-tls", "true"),
        ],
    );
    let kubeconfig = control_plane().admin().kubeconfig;
    argo.start_component(
        "argocd-application-controller",
        &[
            ("kubeconfig", kubeconfig.to_str().expect("the path of the scratch folder is UTF-8")),
            ("namespace", NAMESPACE),
            ("redis", &redis),
            ("repo-server", &format!("127.0.0.1:{repositories}")),
            ("repo-server-plaintext", "true"),
            ("metrics-port", &more_metrics.to_string()),
            ("app-resync", "60"),
        ],
    );
    argo
}

/// What Argo CD wants to find before it starts.
fn settings() -> Vec<Value> {
    let metadata = |name: &str| json!({ "name": name, "labels": { "app.kubernetes.io/part-of": "argocd" } });
    let mut objects: Vec<Value> =
        CONFIG_MAPS.iter().map(|name| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name) })).collect();
    objects.push(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata("argocd-secret"), "stringData": { "server.secretkey": "only-for-tests" },
    }));
    objects.push(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": { "name": "default" },
        "spec": {
            "sourceRepos": ["*"], "destinations": [{ "namespace": "*", "server": "*" }],
            "clusterResourceWhitelist": [{ "group": "*", "kind": "*" }],
        },
    }));
    objects
}

impl ArgoCd {
    fn start_redis(&self, port: u16) {
        let folder = self.folder.to_str().expect("the path of the scratch folder is UTF-8");
        let port = port.to_string();
        let arguments = ["--bind", "127.0.0.1", "--port", &port, "--dir", folder, "--save", "", "--appendonly", "no"].map(str::to_owned);
        Server::start("redis-server".as_ref(), &arguments, &[], &self.folder.join("redis.log"));
    }

    /// Every component is the one program under another name, by a link as in its image: the name is what it calls itself where
    /// it writes as nobody in particular.
    fn start_component(&self, name: &str, flags: &[(&str, &str)]) {
        let arguments: Vec<String> = flags.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        let kubeconfig = control_plane().admin().kubeconfig;
        let temporary = self.folder.to_str().expect("the path of the scratch folder is UTF-8");
        let environment = [
            ("ARGOCD_GPG_ENABLED", "false"),
            ("ARGOCD_FAKE_IN_CLUSTER", "true"),
            // Two thousand objects at the usual fifty requests a second would take minutes.
            ("ARGOCD_K8S_CLIENT_QPS", "1000"),
            ("ARGOCD_K8S_CLIENT_BURST", "2000"),
            ("KUBECONFIG", kubeconfig.to_str().expect("the path of the scratch folder is UTF-8")),
            ("TMPDIR", temporary),
        ];
        let program = self.folder.join(name);
        std::os::unix::fs::symlink(tools::program("argocd"), &program).expect("a link can be made");
        Server::start(&program, &arguments, &environment, &self.log(name));
    }

    fn log(&self, component: &str) -> PathBuf {
        self.folder.join(format!("{component}.log"))
    }

    fn last_words(&self) -> String {
        let words = ["argocd-repo-server", "argocd-application-controller"].map(|component| {
            let log = std::fs::read_to_string(self.log(component)).unwrap_or_else(|error| error.to_string());
            let lines: Vec<&str> = log.lines().collect();
            format!("{component}:\n{}", lines[lines.len().saturating_sub(15)..].join("\n"))
        });
        words.join("\n")
    }
}

/// An Application of the fleet.
pub(crate) struct Application<'a> {
    argo: &'a ArgoCd,
    fleet: &'a Fleet,
    name: String,
    options: Value,
}

impl<'a> Application<'a> {
    /// Without automated sync.
    pub(crate) fn create(fleet: &'a Fleet, source: &Value, options: &[&str]) -> Self {
        let (argo, name) = (argo_cd(), format!("applications.argoproj.io/{}", fleet.named("fleet")));
        let repository = format!("file://{}", fleet.repository.path().display());
        let mut application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": fleet.named("fleet") },
            "spec": {
                "project": "default",
                "source": { "repoURL": repository, "path": PATH, "targetRevision": "main" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "default" },
                "syncPolicy": { "syncOptions": options },
            },
        });
        if !source.is_null() {
            application["spec"]["source"]["directory"] = source.clone();
        }
        argo.kubectl.apply_server_side("test", &application.to_string());
        Self { argo, fleet, name, options: json!(options) }
    }

    fn get(&self) -> Value {
        self.argo.kubectl.json(["get", &self.name])
    }

    fn patch(&self, patch: &Value) {
        self.argo.kubectl.succeed(["patch", &self.name, "--type=merge", "--patch", &patch.to_string()]);
    }

    /// What `argocd app sync` does.
    pub(crate) fn sync(&self) {
        let operation = json!({
            "initiatedBy": { "username": "test" }, "sync": { "revision": self.fleet.commit, "syncOptions": self.options },
            // An object of a kind that was defined a moment ago may be refused.
            "retry": { "limit": 5, "backoff": { "duration": "2s" } },
        });
        self.patch(&json!({ "operation": operation }));
        self.wait("a sync", |status| {
            status["operationState"]["phase"] == "Succeeded" && status["operationState"]["syncResult"]["revision"] == *self.fleet.commit
        });
    }

    fn wait(&self, what: &str, is_done: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let application = self.get();
            if is_done(&application["status"]) {
                return;
            }
            let late = Instant::now() > deadline;
            assert!(!late, "{what} of Argo CD did not end well: {:#}\n{}", application["status"], self.argo.last_words());
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

fn story(agent: Agent, fleet: &Fleet, application: &Application<'_>) {
    application.sync();
    fleet.assert_in_sync();

    let made = edits::make(fleet);
    made.assert_all_found();

    application.patch(&json!({ "spec": { "syncPolicy": { "automated": { "selfHeal": true } } } }));
    // Argo CD's own "Synced" is not waited for: it counts defaults of the fleet's custom resource as differences.
    application.wait("the self-healing", |status| status["operationState"]["phase"] == "Succeeded" && made.are_undone_by(agent));
    made.assert_left_ones_found(agent);
}

#[test]
fn the_fleet_of_argo_cd_is_in_sync_and_edits_are_found_until_argo_cd_undoes_them() {
    let fleet = Fleet::new("argo", Layout::Files);
    let application = Application::create(&fleet, &json!({ "recurse": true }), &[]);
    story(Agent::ArgoCd, &fleet, &application);
}

#[test]
fn the_fleet_of_argo_cd_with_server_side_apply_is_in_sync_and_edits_are_found_until_argo_cd_undoes_them() {
    let fleet = Fleet::new("argoss", Layout::Kustomization);
    let application = Application::create(&fleet, &Value::Null, &["ServerSideApply=true"]);
    story(Agent::ArgoCdServerSide, &fleet, &application);
}
