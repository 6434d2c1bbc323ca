//! The API server as a client of its own sees it: objects in bulk, and lists that are read and thrown away.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Certificate;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::harness::control_plane::{User, control_plane};
use crate::harness::kubectl::Kubectl;

/// As our own scan and kubectl ask.
const PAGE: usize = 500;
const WRITERS: usize = 8;

/// The running server, and a client of it.
pub(crate) struct Server {
    admin: User,
    client: Client,
}

/// What listing brought.
pub(crate) struct RawList {
    pub(crate) took: Duration,
    pub(crate) requests: usize,
    pub(crate) bytes: u64,
    pub(crate) objects: usize,
}

impl Server {
    pub(crate) fn start() -> Self {
        let plane = control_plane();
        // It fails only where there is a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificates = std::fs::read(plane.certificates()).unwrap();
        let client =
            Client::builder().tls_certs_only(Certificate::from_pem_bundle(&certificates).unwrap()).timeout(Duration::from_secs(120));
        Self { admin: plane.admin(), client: client.build().unwrap() }
    }

    pub(crate) fn kubectl(&self) -> Kubectl {
        self.admin.kubectl()
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.admin.kubeconfig.clone()
    }

    fn send(&self, request: RequestBuilder) -> Response {
        let response = request.bearer_auth(&self.admin.token).send().unwrap();
        assert!(response.status().is_success(), "{}: {}", response.url().clone(), response.text().unwrap());
        response
    }

    /// Server-side apply of many objects, each with the path it has on the server, as Flux would.
    pub(crate) fn apply(&self, objects: &[(String, Value)]) {
        let next = AtomicUsize::new(0);
        let writer = || {
            while let Some((path, object)) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let url = format!("{}{path}?fieldManager=kustomize-controller&force=true", control_plane().url());
                let request = self.client.patch(url).header("Content-Type", "application/apply-patch+yaml");
                // An answer that is not read to its end would be a reset to the server.
                self.send(request.body(object.to_string())).bytes().unwrap();
            }
        };
        std::thread::scope(|scope| (0..WRITERS).for_each(|_| drop(scope.spawn(writer))));
    }

    /// Waits until the controllers have nothing left to write.
    pub(crate) fn wait_until_quiet(&self) {
        let version = || {
            let url = format!("{}/api/v1/namespaces?limit=1", control_plane().url());
            let list: Value = serde_json::from_str(&self.send(self.client.get(url)).text().unwrap()).unwrap();
            list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
        };
        let mut last = version();
        loop {
            std::thread::sleep(Duration::from_secs(3));
            match version() {
                same if same == last => return,
                next => last = next,
            }
        }
    }

    /// Lists kinds page by page, one after another, over one connection, uncompressed, and drops what comes.
    pub(crate) fn list_raw(&self, paths: &[&str]) -> RawList {
        let begun = Instant::now();
        let (mut requests, mut bytes, mut objects) = (0, 0, 0);
        let mut body = Vec::new();
        for path in paths {
            let mut token = String::new();
            loop {
                let url = format!("{}{path}?limit={PAGE}&continue={token}", control_plane().url());
                body.clear();
                self.send(self.client.get(url)).read_to_end(&mut body).unwrap();
                requests += 1;
                bytes += body.len() as u64;
                objects += count(&body);
                match continue_token(&body) {
                    Some(next) => token = next,
                    None => break,
                }
            }
        }
        RawList { took: begun.elapsed(), requests, bytes, objects }
    }
}

/// The continue token stands in the head of a list.
fn continue_token(body: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(&body[..body.len().min(1000)])
        .unwrap_or_else(|error| std::str::from_utf8(&body[..error.valid_up_to()]).unwrap());
    let rest = head.split_once("\"continue\":\"")?.1;
    let token = rest.split('"').next()?;
    Some(token.replace('=', "%3D").replace('+', "%2B"))
}

/// Each object has exactly one field of this name.
fn count(body: &[u8]) -> usize {
    const NEEDLE: &[u8] = b"\"creationTimestamp\":\"";
    body.windows(NEEDLE.len()).filter(|window| *window == NEEDLE).count()
}
