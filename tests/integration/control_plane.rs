//! The control plane is real: it answers, its controllers work, it refuses, and it writes down who asked what.

use crate::harness::control_plane::{Request, control_plane};

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: example.com/web:1.4 }] }
";

#[test]
fn the_server_says_the_pinned_version() {
    let version = control_plane().admin().kubectl().json(["version"]);
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.36.3");
}

#[test]
fn two_namespaces_of_one_name_do_not_meet() {
    let (one, other) = (control_plane().namespace("shop"), control_plane().namespace("shop"));
    one.kubectl.succeed(["create", "configmap", "only-here"]);
    let there = other.kubectl.run(["get", "configmap", "only-here"]);
    assert_eq!(there.status, Some(1), "{there:?}");
    assert!(there.stderr.contains("NotFound"), "{there:?}");
}

#[test]
fn a_deployment_gets_a_replica_set_and_a_pod_that_stays_pending() {
    let shop = control_plane().namespace("controllers");
    shop.kubectl.apply(DEPLOYMENT);
    shop.kubectl.wait_until(&["get", "replicasets", "-o", "name"], |names| names.contains("replicaset.apps/web-"));
    let phase = ["get", "pods", "-o", "jsonpath={.items[*].status.phase}"];
    shop.kubectl.wait_until(&phase, |phases| phases == "Pending");
}

#[test]
fn a_guest_is_refused_until_a_role_is_bound() {
    let (plane, guest) = (control_plane(), control_plane().guest());
    let shop = plane.namespace("refused");
    let as_guest = guest.kubectl().in_namespace(&shop.name);
    let refused = as_guest.run(["get", "configmaps"]);
    assert_eq!(refused.status, Some(1));
    assert!(refused.stderr.contains("Forbidden"), "{refused:?}");

    let user = format!("--user={}", guest.name);
    shop.kubectl.succeed(["create", "rolebinding", "reader", "--clusterrole=view", &user]);
    as_guest.wait_until(&["get", "configmaps", "-o", "name"], |names| names.contains("kube-root-ca.crt"));
}

#[test]
fn a_service_account_has_a_token_of_its_own() {
    let shop = control_plane().namespace("accounts");
    let account = control_plane().service_account(&shop.name, "default");
    let who = account.kubectl().json(["auth", "whoami"]);
    assert_eq!(who["status"]["userInfo"]["username"].as_str(), Some(account.name.as_str()));
}

#[test]
fn helm_installs_a_release() {
    let shop = control_plane().namespace("helm");
    let chart = crate::harness::scratch::new_folder("chart");
    std::fs::create_dir(chart.join("templates")).expect("a scratch folder can be made");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n").expect("a scratch file can be written");
    std::fs::write(chart.join("templates/web.yaml"), DEPLOYMENT).expect("a scratch file can be written");
    shop.helm().install("shop", &chart);
    let web = shop.kubectl.json(["get", "deployment", "web", "--show-managed-fields"]);
    assert_eq!(web["metadata"]["managedFields"][0]["manager"], "helm");
}

#[test]
fn the_audit_log_has_every_request_that_was_answered() {
    let guest = control_plane().guest();
    guest.kubectl().run(["get", "--raw", "/api/v1/namespaces/default/secrets/a"]);
    guest.kubectl().run(["get", "--raw", "/api/v1/namespaces/default/secrets?limit=3"]);
    let request = |verb: &str, uri: &str| Request { verb: verb.into(), uri: format!("/api/v1/namespaces/default/{uri}") };
    let expected = [request("get", "secrets/a"), request("list", "secrets?limit=3")];
    assert_eq!(control_plane().requests_of(&guest.name), expected);
}
