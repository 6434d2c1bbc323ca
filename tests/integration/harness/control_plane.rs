//! etcd, kube-apiserver and kube-controller-manager on free ports of 127.0.0.1, one set for the whole test binary.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::helm::Helm;
use super::kubectl::Kubectl;
use super::program::Program;
use super::scratch::{self, Server};
use super::tools;

/// How many users without any right there are; each test that wants one takes the next.
const GUESTS: usize = 64;
/// How often a start is tried anew: between the choice of a free port and its use another process may take it.
const STARTS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(90);

/// Every stage of every request: `RequestReceived` is on the disk before a request is served, so a client that has its answer
/// finds its request in the log.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n";

/// Held for reading while the program reads, for writing while a kind is added: for some time after that, the server names the
/// kind without serving all of it, which a scan would rightly tell.
static KINDS: RwLock<()> = RwLock::new(());

/// Runs what reads the cluster while no kind is being added to it.
pub(crate) fn while_kinds_stay<T>(read: impl FnOnce() -> T) -> T {
    let _stay = KINDS.read().unwrap_or_else(PoisonError::into_inner);
    read()
}

/// The running control plane.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    folder: PathBuf,
    url: String,
    guests: AtomicUsize,
}

/// A user of the control plane: a name and a kubeconfig that carries its token.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// As the audit log names it.
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) kubeconfig: PathBuf,
}

impl User {
    pub(crate) fn kubectl(&self) -> Kubectl {
        Kubectl::new(&self.kubeconfig)
    }
}

/// A request as the audit log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// As RBAC names it: `get`, `list`, `create`, ….
    pub(crate) verb: String,
    pub(crate) uri: String,
    /// The name before the `/` of the user agent, as in `kubectl`; empty where none was sent.
    pub(crate) agent: String,
}

/// The control plane; started by whoever asks first.
pub(crate) fn control_plane() -> &'static ControlPlane {
    static RUNNING: OnceLock<ControlPlane> = OnceLock::new();
    RUNNING.get_or_init(ControlPlane::start)
}

impl ControlPlane {
    fn start() -> Self {
        let folder = scratch::new_folder("control-plane");
        write_credentials(&folder);
        let mut last = String::new();
        for _ in 0..STARTS {
            match start_servers(&folder) {
                Ok(url) => return Self { folder, url, guests: AtomicUsize::new(0) },
                Err(error) => last = error,
            }
        }
        panic!("the control plane did not start in {STARTS} tries; the last: {last}");
    }

    /// `https://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The certificates that a client must trust, PEM.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.join("certs/apiserver.crt")
    }

    /// The administrator, of the group `system:masters`.
    pub(crate) fn admin(&self) -> User {
        self.user("admin".into(), "token-of-admin".into())
    }

    /// A user who may do nothing but what any authenticated user may, and whom no other test uses.
    pub(crate) fn guest(&self) -> User {
        let number = self.guests.fetch_add(1, Ordering::Relaxed);
        assert!(number < GUESTS, "more than {GUESTS} guests; raise the constant");
        self.user(format!("guest-{number}"), format!("token-of-guest-{number}"))
    }

    /// A service account that exists, with a token as the API server gives it.
    pub(crate) fn service_account(&self, namespace: &str, name: &str) -> User {
        let token = self.admin().kubectl().in_namespace(namespace).succeed(["create", "token", name]);
        self.user(format!("system:serviceaccount:{namespace}:{name}"), token.trim().to_owned())
    }

    /// Runs what adds a custom resource (as in `dashboards.fleet.example.com`, at version v1), and waits until all of it is served.
    pub(crate) fn add_kind(&self, resource: &str, add: impl FnOnce()) {
        let _changing = KINDS.write().unwrap_or_else(PoisonError::into_inner);
        add();
        let kubectl = self.admin().kubectl();
        let (plural, group) = resource.split_once('.').expect("a custom resource is named by its plural and its group");
        kubectl.succeed(["wait", "--for=condition=Established", "--timeout=60s", &format!("crd/{resource}")]);
        for path in [format!("/apis/{group}/v1/{plural}"), format!("/openapi/v3/apis/{group}/v1")] {
            kubectl.wait_until(&["get", "--raw", &path], |_| true);
        }
        // The aggregated discovery of all groups is made later than that of the one.
        kubectl.wait_until(&["api-resources", "--cached=false", "-o", "name"], |names| names.lines().any(|name| name == resource));
    }

    fn user(&self, name: String, token: String) -> User {
        let kubeconfig = self.kubeconfig_with(&token);
        User { name, token, kubeconfig }
    }

    /// A kubeconfig with a token, whether the server knows it or not.
    pub(crate) fn kubeconfig_with(&self, token: &str) -> PathBuf {
        write_kubeconfig(&self.folder, &self.url, Some(&self.certificates()), token)
    }

    /// A kubeconfig for a server that stands before this one, in plain HTTP.
    pub(crate) fn kubeconfig_for(&self, url: &str, user: &User) -> PathBuf {
        write_kubeconfig(&self.folder, url, None, &user.token)
    }

    /// A namespace of a test's own. It begins with `prefix`; service account and root certificates are in it already.
    pub(crate) fn namespace(&self, prefix: &str) -> Namespace {
        let name = format!("{prefix}-{}", scratch::number());
        let kubectl = self.admin().kubectl();
        kubectl.succeed(["create", "namespace", &name]);
        let kubectl = kubectl.in_namespace(&name);
        kubectl.wait_until(&["get", "serviceaccount/default", "configmap/kube-root-ca.crt", "-o", "name"], |_| true);
        Namespace { name, kubectl }
    }

    /// What a user has asked of the server so far, in order, each request once.
    pub(crate) fn requests_of(&self, user: &str) -> Vec<Request> {
        let log = std::fs::read_to_string(self.folder.join("audit.log")).expect("the audit log can be read");
        // The last line may be half written; it is not a request that was answered.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        whole.lines().filter_map(|line| received(line, user)).collect()
    }
}

fn received(line: &str, user: &str) -> Option<Request> {
    let event: Value = serde_json::from_str(line).expect("a line of the audit log is JSON");
    let text = |value: &Value| value.as_str().expect("the audit log tells verb, user and URI of each request").to_owned();
    let agent = event["userAgent"].as_str().and_then(|agent| agent.split('/').next()).unwrap_or_default();
    let is_wanted = event["stage"] == "RequestReceived" && event["user"]["username"] == user;
    is_wanted.then(|| Request { verb: text(&event["verb"]), uri: text(&event["requestURI"]), agent: agent.into() })
}

/// A namespace of one test.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    /// The administrator in this namespace.
    pub(crate) kubectl: Kubectl,
}

impl Namespace {
    /// The administrator's helm in this namespace.
    pub(crate) fn helm(&self) -> Helm {
        Helm::new(&control_plane().admin().kubeconfig, &self.name)
    }
}

fn write_credentials(folder: &Path) {
    let key = folder.join("sa.key");
    let key = key.to_str().expect("the path of the scratch folder is UTF-8");
    Program::new("ssh-keygen").args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", key]).succeed();
    let mut tokens = String::from("token-of-admin,admin,admin,\"system:masters\"\n");
    tokens.push_str("token-of-controllers,system:kube-controller-manager,controllers,\"system:masters\"\n");
    for number in 0..GUESTS {
        writeln!(tokens, "token-of-guest-{number},guest-{number},guest-{number}").expect("a String can be written to");
    }
    std::fs::write(folder.join("tokens.csv"), tokens).expect("a scratch file can be written");
    std::fs::write(folder.join("audit.yaml"), AUDIT_POLICY).expect("a scratch file can be written");
}

fn write_kubeconfig(folder: &Path, url: &str, certificates: Option<&Path>, token: &str) -> PathBuf {
    let file = folder.join(format!("kubeconfig-{}.json", scratch::number()));
    let mut cluster = serde_json::json!({ "server": url });
    if let Some(certificates) = certificates {
        cluster["certificate-authority"] = certificates.to_str().into();
    }
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "user", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "user" } }],
        "current-context": "test",
    });
    std::fs::write(&file, config.to_string()).expect("a scratch file can be written");
    file
}

/// Ports that are free now; all are held until all are chosen, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port of 127.0.0.1 is free"));
    listeners.map(|listener| listener.local_addr().expect("a bound socket has an address").port())
}

fn start_servers(folder: &Path) -> Result<String, String> {
    let [client, peer, secure] = free_ports();
    let etcd_url = format!("http://127.0.0.1:{client}");
    let url = format!("https://127.0.0.1:{secure}");
    let mut servers = Vec::new();
    let outcome = (|| {
        servers.push(start_etcd(folder, &etcd_url, &format!("http://127.0.0.1:{peer}")));
        servers.push(start_api_server(folder, &etcd_url, secure));
        wait_for(&mut servers, "the API server", || folder.join("certs/apiserver.crt").exists() && is_port_open(secure))?;
        let admin = write_kubeconfig(folder, &url, Some(&folder.join("certs/apiserver.crt")), "token-of-admin");
        let kubectl = Kubectl::new(&admin);
        wait_for(&mut servers, "the API server", || kubectl.run(["get", "--raw", "/readyz"]).status == Some(0))?;
        servers.push(start_controllers(folder, &url));
        let account = ["get", "serviceaccount/default", "--namespace", "default"];
        wait_for(&mut servers, "the controllers", || kubectl.run(account).status == Some(0))
    })();
    if outcome.is_err() {
        servers.iter_mut().for_each(Server::stop);
    }
    outcome.map(|()| url)
}

fn is_port_open(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Waits until `is_ready`, but not longer than every server so far runs.
fn wait_for(servers: &mut [Server], what: &str, mut is_ready: impl FnMut() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while !is_ready() {
        if let Some(ended) = servers.iter_mut().find_map(|server| (!server.is_running()).then(|| server.last_words())) {
            return Err(format!("a server ended while {what} was waited for:\n{ended}"));
        }
        if Instant::now() > deadline {
            let words: Vec<String> = servers.iter().map(Server::last_words).collect();
            return Err(format!("{what} did not get ready in {PATIENCE:?}:\n{}", words.join("\n---\n")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// `--name=value`, with `{}` in a value standing for the folder.
fn flags(folder: &Path, pairs: &[(&str, &str)]) -> Vec<String> {
    let folder = folder.to_str().expect("the path of the scratch folder is UTF-8");
    pairs.iter().map(|(name, value)| format!("--{name}={}", value.replace("{}", folder))).collect()
}

fn start_etcd(folder: &Path, client: &str, peer: &str) -> Server {
    let data = scratch::new_folder("etcd");
    let mut arguments = flags(
        &data,
        &[
            ("data-dir", "{}"),
            ("listen-client-urls", client),
            ("advertise-client-urls", client),
            ("listen-peer-urls", peer),
            ("initial-advertise-peer-urls", peer),
            ("initial-cluster", &format!("default={peer}")),
        ],
    );
    arguments.push("--unsafe-no-fsync".into());
    Server::start(&tools::program("etcd"), &arguments, &[], &folder.join("etcd.log"))
}

fn start_api_server(folder: &Path, etcd: &str, port: u16) -> Server {
    let arguments = flags(
        folder,
        &[
            ("etcd-servers", etcd),
            ("bind-address", "127.0.0.1"),
            ("advertise-address", "127.0.0.1"),
            ("secure-port", &port.to_string()),
            ("cert-dir", "{}/certs"),
            ("service-account-issuer", "https://kubernetes.default.svc"),
            ("service-account-key-file", "{}/sa.key"),
            ("service-account-signing-key-file", "{}/sa.key"),
            ("token-auth-file", "{}/tokens.csv"),
            ("authorization-mode", "RBAC"),
            ("service-cluster-ip-range", "10.0.0.0/16"),
            ("audit-policy-file", "{}/audit.yaml"),
            ("audit-log-path", "{}/audit.log"),
            ("audit-log-mode", "blocking"),
            ("allow-privileged", "true"),
            ("endpoint-reconciler-type", "none"),
        ],
    );
    Server::start(&tools::program("kube-apiserver"), &arguments, &[], &folder.join("kube-apiserver.log"))
}

fn start_controllers(folder: &Path, url: &str) -> Server {
    let kubeconfig = write_kubeconfig(folder, url, Some(&folder.join("certs/apiserver.crt")), "token-of-controllers");
    let arguments = flags(
        folder,
        &[
            ("kubeconfig", kubeconfig.to_str().expect("the path of the scratch folder is UTF-8")),
            ("service-account-private-key-file", "{}/sa.key"),
            ("root-ca-file", "{}/certs/apiserver.crt"),
            ("leader-elect", "false"),
            ("secure-port", "0"),
            (
                "controllers",
                "*,-nodeipam,-nodelifecycle,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller,-persistentvolume-attach-detach-controller",
            ),
        ],
    );
    Server::start(&tools::program("kube-controller-manager"), &arguments, &[], &folder.join("kube-controller-manager.log"))
}
