//! Flux: the real kustomize-controller. Its GitRepository is played by a hand-written status, as source-controller writes it.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::json;

use crate::artifact;
use crate::edits::{self, Agent};
use crate::fleet::{Fleet, Layout, PATH};
use crate::harness::control_plane::{ControlPlane, control_plane, free_ports};
use crate::harness::kubectl::Kubectl;
use crate::harness::scratch::{self, Server};
use crate::harness::tools;

const NAMESPACE: &str = "flux-system";
const PATIENCE: Duration = Duration::from_secs(600);

/// The controller; started by whoever asks first.
fn controller() -> &'static Server {
    static RUNNING: OnceLock<Server> = OnceLock::new();
    RUNNING.get_or_init(|| start(control_plane()))
}

fn start(plane: &ControlPlane) -> Server {
    let admin = plane.admin();
    admin.kubectl().succeed(["create", "namespace", NAMESPACE]);
    crate::define(&crate::file("crds/flux"));
    let [health] = free_ports();
    let arguments = [
        "--watch-all-namespaces".to_owned(),
        "--enable-leader-election=false".to_owned(),
        "--metrics-addr=127.0.0.1:0".to_owned(),
        format!("--health-addr=127.0.0.1:{health}"),
    ];
    let kubeconfig = admin.kubeconfig.to_str().expect("the path of the scratch folder is UTF-8").to_owned();
    let environment = [("KUBECONFIG", kubeconfig.as_str()), ("RUNTIME_NAMESPACE", NAMESPACE)];
    Server::start(&tools::program("kustomize-controller"), &arguments, &environment, &scratch::folder().join("kustomize-controller.log"))
}

/// A Kustomization of the fleet and the source behind it.
pub(crate) struct Kustomization<'a> {
    fleet: &'a Fleet,
    kubectl: Kubectl,
    /// That of both.
    name: String,
}

impl<'a> Kustomization<'a> {
    pub(crate) fn create(fleet: &'a Fleet) -> Self {
        controller();
        let name = fleet.named("fleet");
        let kubectl = control_plane().admin().kubectl().in_namespace(NAMESPACE);
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": { "name": name },
            "spec": { "interval": "1h", "url": "https://git.example.com/fleet", "ref": { "branch": "main" } },
        });
        let kustomization = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": { "name": name },
            "spec": { "interval": "1h", "path": format!("./{PATH}"), "prune": true, "sourceRef": { "kind": "GitRepository", "name": name } },
        });
        kubectl.wait_until(&["get", "gitrepositories,kustomizations.kustomize.toolkit.fluxcd.io"], |_| true);
        kubectl.apply_server_side("flux", &source.to_string());
        let artifact = artifact::serve(&fleet.repository, &fleet.commit);
        let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let status = json!({ "status": {
            "observedGeneration": 1,
            "artifact": {
                "path": "gitrepository/flux-system/fleet/fleet.tar.gz", "url": artifact.url, "digest": artifact.digest,
                "revision": revision(fleet), "lastUpdateTime": now, "size": artifact.size,
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact", "lastTransitionTime": now,
                "observedGeneration": 1,
            }],
        }});
        kubectl.succeed([
            "patch",
            &format!("gitrepository/{name}"),
            "--subresource=status",
            "--type=merge",
            "--patch",
            &status.to_string(),
        ]);
        kubectl.apply_server_side("flux", &kustomization.to_string());
        Self { fleet, kubectl, name: format!("kustomizations.kustomize.toolkit.fluxcd.io/{name}") }
    }

    /// Waits until the fleet's commit is applied at the current generation.
    pub(crate) fn wait(&self) {
        let shown = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status} {.status.lastAppliedRevision} {.metadata.generation}={.status.observedGeneration}";
        let revision = revision(self.fleet);
        let is_done = |text: &str| {
            let generations = text.rsplit(' ').next().and_then(|generations| generations.split_once('='));
            text.starts_with(&format!("True {revision} ")) && generations.is_some_and(|(wanted, seen)| wanted == seen)
        };
        let watched = self.kubectl.watch_until(PATIENCE, &["get", &self.name, "-o", shown], is_done);
        if let Err(last) = watched {
            let status = self.kubectl.succeed(["get", &self.name, "-o", "jsonpath={.status.conditions}"]);
            panic!("Flux did not apply the fleet: {last:?}\n{status}\n{}", controller().last_words());
        }
    }

    fn patch(&self, patch: &str) {
        self.kubectl.succeed(["patch", &self.name, "--type=merge", "--patch", patch]);
    }
}

fn revision(fleet: &Fleet) -> String {
    format!("main@sha1:{}", fleet.commit)
}

#[test]
fn the_fleet_of_flux_is_in_sync_and_edits_are_found_until_flux_undoes_them() {
    let fleet = Fleet::new("flux", Layout::Kustomization);
    let kustomization = Kustomization::create(&fleet);
    kustomization.wait();
    fleet.assert_in_sync();

    kustomization.patch(r#"{"spec":{"suspend":true}}"#);
    let made = edits::make(&fleet);
    made.assert_all_found();

    kustomization.patch(r#"{"spec":{"suspend":false}}"#);
    kustomization.wait();
    made.assert_left_ones_found(Agent::Flux);
}
