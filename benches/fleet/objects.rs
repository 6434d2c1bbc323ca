//! A fleet that grows: applications of ten objects each, twenty to a namespace, in Git with a history and on the server.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::keys::ALICE;
use crate::harness::repository::Repository;
use crate::harness::scratch;
use crate::server::Server;

/// The lists that hold every object of the fleet.
pub(crate) const KINDS: [&str; 11] = [
    "/api/v1/configmaps",
    "/api/v1/namespaces",
    "/api/v1/secrets",
    "/api/v1/serviceaccounts",
    "/api/v1/services",
    "/apis/apps/v1/deployments",
    "/apis/batch/v1/cronjobs",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/roles",
];
const OBJECTS_OF_AN_APPLICATION: usize = 10;
const APPLICATIONS_OF_A_NAMESPACE: usize = 20;
/// Each growth ends with so many commits that change an image each in some applications.
const COMMITS: usize = 25;
const CHANGES_OF_A_COMMIT: usize = 10;

/// The fleet.
pub(crate) struct Fleet {
    repository: Repository,
    /// The same files without a history.
    folder: PathBuf,
    /// The version of each application's image.
    versions: Vec<usize>,
    size: usize,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self { repository: Repository::new(), folder: scratch::new_folder("plain"), versions: Vec::new(), size: 0 }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn repository(&self) -> &Path {
        self.repository.path()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Grows to about `size` objects, in Git and on the server.
    pub(crate) fn grow(&mut self, size: usize, server: &Server) {
        let applications = size / OBJECTS_OF_AN_APPLICATION;
        for number in self.versions.len()..applications {
            self.versions.push(1);
            self.write(number);
        }
        self.commit("New applications");
        for commit in 0..COMMITS {
            for change in 0..CHANGES_OF_A_COMMIT {
                let number = (commit * 7919 + change * 104_729) % applications;
                self.versions[number] += 1;
                self.write(number);
            }
            self.commit("Newer images");
        }
        let all: Vec<(String, Value)> = (0..applications).flat_map(|number| self.objects(number)).collect();
        self.size = all.len();
        let (namespaces, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, object)| object["kind"] == "Namespace");
        server.apply(&namespaces);
        server.apply(&others);
    }

    fn commit(&self, message: &str) {
        self.repository.commit(&ALICE, message).signed_by(&ALICE.openpgp());
    }

    fn objects(&self, number: usize) -> Vec<(String, Value)> {
        let mut objects = application(number, self.versions[number]);
        if number.is_multiple_of(APPLICATIONS_OF_A_NAMESPACE) {
            let name = namespace(number);
            let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "team": "bench" } } });
            objects.insert(0, (format!("/api/v1/namespaces/{name}"), object));
        }
        objects
    }

    fn write(&self, number: usize) {
        let file = format!("{}/app-{number}.yaml", namespace(number));
        let mut text = String::new();
        for (_, object) in self.objects(number) {
            text.push_str("---\n");
            write_yaml(&mut text, &object, 0);
        }
        self.repository.write(&file, &text);
        let plain = self.folder.join(&file);
        fs::create_dir_all(plain.parent().unwrap()).unwrap();
        fs::write(plain, text).unwrap();
    }

    /// `kubectl diff --server-side` of about so many objects: how long it took, and how many lines it said.
    pub(crate) fn kubectl_diff(&self, objects: usize, server: &Server) -> (Duration, usize) {
        let mut manifests = String::new();
        for number in (0..self.versions.len()).rev().take(objects / OBJECTS_OF_AN_APPLICATION) {
            for (_, object) in self.objects(number) {
                writeln!(manifests, "---\n{object}").unwrap();
            }
        }
        let arguments = ["diff", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller", "-f", "-"];
        let begun = Instant::now();
        let output = server.kubectl().program(arguments).input(manifests).run();
        assert!(matches!(output.status, Some(0 | 1)), "{}", output.stderr);
        (begun.elapsed(), output.stdout.lines().count())
    }
}

fn namespace(number: usize) -> String {
    format!("bench-{}", number / APPLICATIONS_OF_A_NAMESPACE)
}

fn application(number: usize, version: usize) -> Vec<(String, Value)> {
    let (name, space) = (format!("app-{number}"), namespace(number));
    let labels = json!({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench" });
    let metadata = json!({ "name": name, "namespace": space, "labels": labels });
    let object = |group: &str, version: &str, plural: &str, kind: &str, rest: Value| {
        let (root, api) = if group.is_empty() {
            ("/api/v1".to_owned(), "v1".to_owned())
        } else {
            (format!("/apis/{group}/{version}"), format!("{group}/{version}"))
        };
        let mut object = json!({ "apiVersion": api, "kind": kind, "metadata": metadata });
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        (format!("{root}/namespaces/{space}/{plural}/{name}"), object)
    };
    let container = json!({
        "name": "app", "image": format!("registry.example.com/bench/app:1.{version}"),
        "ports": [{ "name": "http", "containerPort": 8080 }],
        "env": [{ "name": "NUMBER", "value": number.to_string() }, { "name": "LOG_LEVEL", "value": "info" }],
        "envFrom": [{ "configMapRef": { "name": name } }],
        "resources": { "requests": { "cpu": "0.25", "memory": "128Mi" }, "limits": { "memory": "1024Mi" } },
        "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
        "volumeMounts": [{ "name": "settings", "mountPath": "/etc/app", "readOnly": true }],
    });
    let pod = json!({ "serviceAccountName": name, "containers": [container], "volumes": [{ "name": "settings", "configMap": { "name": name } }] });
    let job = json!({ "restartPolicy": "OnFailure", "containers": [{ "name": "job", "image": "registry.example.com/bench/job:1", "args": ["--app", name] }] });
    let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name });
    let backend = json!({ "service": { "name": name, "port": { "name": "http" } } });
    let selector = json!({ "matchLabels": { "app.kubernetes.io/name": name } });
    vec![
        object("", "v1", "serviceaccounts", "ServiceAccount", json!({ "automountServiceAccountToken": false })),
        object(
            "",
            "v1",
            "configmaps",
            "ConfigMap",
            json!({ "data": { "app.ini": format!("[app]\nnumber = {number}\nlisten = :8080\ntimeout = 30\n"), "mode": "bench" } }),
        ),
        object("", "v1", "secrets", "Secret", json!({ "type": "Opaque", "data": { "token": "YmVuY2gtb25seQ==" } })),
        // No selector: nothing for the controllers to do.
        object(
            "",
            "v1",
            "services",
            "Service",
            json!({ "spec": { "clusterIP": "None", "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] } }),
        ),
        object(
            "apps",
            "v1",
            "deployments",
            "Deployment",
            json!({ "spec": { "paused": true, "replicas": 0, "selector": selector, "template": { "metadata": { "labels": labels }, "spec": pod } } }),
        ),
        object(
            "batch",
            "v1",
            "cronjobs",
            "CronJob",
            json!({ "spec": { "suspend": true, "schedule": "0 6 * * *", "jobTemplate": { "spec": { "template": { "spec": job } } } } }),
        ),
        object(
            "networking.k8s.io",
            "v1",
            "ingresses",
            "Ingress",
            json!({ "spec": { "rules": [{ "host": format!("{name}.example.com"), "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } }] } }),
        ),
        object(
            "networking.k8s.io",
            "v1",
            "networkpolicies",
            "NetworkPolicy",
            json!({ "spec": { "podSelector": selector, "policyTypes": ["Ingress"], "ingress": [{ "ports": [{ "port": 8080 }] }] } }),
        ),
        object(
            "rbac.authorization.k8s.io",
            "v1",
            "roles",
            "Role",
            json!({ "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"] }] }),
        ),
        object(
            "rbac.authorization.k8s.io",
            "v1",
            "rolebindings",
            "RoleBinding",
            json!({ "roleRef": role, "subjects": [{ "kind": "ServiceAccount", "name": name }] }),
        ),
    ]
}

/// Block style, as people write; texts are quoted as in JSON, which YAML reads.
fn write_yaml(text: &mut String, value: &Value, depth: usize) {
    let indent = " ".repeat(depth * 2);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                write!(text, "{indent}{name}:").unwrap();
                write_nested(text, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                write!(text, "{indent}-").unwrap();
                write_nested(text, item, depth + 1);
            }
        }
        scalar => writeln!(text, "{indent}{scalar}").unwrap(),
    }
}

fn write_nested(text: &mut String, value: &Value, depth: usize) {
    let is_filled = value.as_object().is_some_and(|fields| !fields.is_empty()) || value.as_array().is_some_and(|items| !items.is_empty());
    if is_filled {
        text.push('\n');
        write_yaml(text, value, depth);
    } else {
        writeln!(text, " {value}").unwrap();
    }
}
