//! The API server asked directly: where a program for each request would take too long.

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::Value;

use super::control_plane::{User, control_plane};

const APPLY: &str = "application/apply-patch+yaml";
const PATCH: &str = "application/json-patch+json";

/// The API as one user.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    client: Client,
    token: String,
}

/// Status and body.
pub(crate) type Answer = (u16, Value);

impl Api {
    pub(crate) fn new(user: &User) -> Self {
        // Fails only where another one was installed before, which is then as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(control_plane().certificates()).expect("the API server has written its certificates");
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).expect("the API server writes PEM");
        let client = Client::builder().tls_certs_only(certificates).no_proxy().timeout(None).build().expect("a client can be built");
        Self { client, token: user.token.clone() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", None)
    }

    /// Fails the test where there is no good answer.
    pub(crate) fn read(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn create(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", Some(object))
    }

    /// Server-side apply; `path` carries the manager.
    pub(crate) fn apply(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::PATCH, path, APPLY, Some(object))
    }

    /// A list of operations (RFC 6902).
    pub(crate) fn patch(&self, path: &str, operations: &Value) -> Answer {
        self.send(Method::PATCH, path, PATCH, Some(operations))
    }

    pub(crate) fn replace(&self, path: &str, object: &Value) -> Answer {
        self.send(Method::PUT, path, "application/json", Some(object))
    }

    fn send(&self, method: Method, path: &str, content: &str, body: Option<&Value>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", control_plane().url())).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.header("Content-Type", content).body(body.to_string()),
            None => request,
        };
        let response = request.send().unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = response.status().as_u16();
        let text = response.text().unwrap_or_else(|error| panic!("{path}: {error}"));
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}
