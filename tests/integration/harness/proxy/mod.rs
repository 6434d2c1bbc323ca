//! A proxy in front of the real API server that breaks chosen answers and passes everything else on.
//!
//! It speaks plain HTTP/1.1 on 127.0.0.1, one request a connection, and sends bodies in chunks, so that a cut body is one: a
//! body that ended with its connection would look whole. Upstream it speaks TLS. The caller's `Authorization` is passed on; a
//! caller that sends none (kubectl withholds tokens from plain HTTP) is given that of the user the proxy was made for.

mod fault;
mod wire;

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::blocking::Client;

pub(crate) use self::fault::Fault;
use self::wire::{Answer, Question};
use super::control_plane::{User, control_plane};

/// Which requests are answered how. The first rule that fits is taken; one that is used up fits no more.
#[derive(Debug)]
pub(crate) struct Rule {
    method: &'static str,
    path: String,
    query: Option<String>,
    fault: Fault,
    limit: usize,
    passed_first: usize,
    seen: AtomicUsize,
}

impl Rule {
    /// For GET requests of a path: exact, or its beginning where it ends in `*`.
    pub(crate) fn get(path: impl Into<String>, fault: Fault) -> Self {
        let path = path.into();
        Self { method: "GET", path, query: None, fault, limit: usize::MAX, passed_first: 0, seen: AtomicUsize::new(0) }
    }

    /// Only where the query contains a text, as in `continue=`.
    pub(crate) fn with_query(self, part: &str) -> Self {
        Self { query: Some(part.into()), ..self }
    }

    /// Only the first `limit` requests that fit.
    pub(crate) fn times(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Lets the first `passed` requests that fit through.
    pub(crate) fn after(self, passed: usize) -> Self {
        Self { passed_first: passed, ..self }
    }

    fn fits(&self, question: &Question) -> bool {
        let path = match self.path.strip_suffix('*') {
            Some(beginning) => question.path().starts_with(beginning),
            None => question.path() == self.path,
        };
        path && question.method == self.method && self.query.as_ref().is_none_or(|part| question.query().contains(part.as_str()))
    }

    /// Whether this request, which fits, gets the fault; counts it.
    fn takes(&self) -> bool {
        let before = self.seen.fetch_add(1, Ordering::Relaxed);
        (self.passed_first..self.passed_first.saturating_add(self.limit)).contains(&before)
    }
}

/// A running proxy. It ends with the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// `http://127.0.0.1:<port>`.
    pub(crate) url: String,
    /// A kubeconfig of the user it was made for, with the proxy as its server.
    pub(crate) kubeconfig: PathBuf,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    upstream: String,
    token: String,
    client: Client,
    injected: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Proxy {
    /// Starts one before the control plane.
    pub(crate) fn start(user: &User, rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of 127.0.0.1 is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let inner = Arc::new(Inner {
            rules,
            upstream: control_plane().url().to_owned(),
            token: user.token.clone(),
            client: client(),
            injected: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let serving = Arc::clone(&inner);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let inner = Arc::clone(&serving);
                // A broken connection is the caller's to notice: that is what a proxy of faults is for.
                std::thread::spawn(move || connection.and_then(|mut connection| inner.serve(&mut connection)));
            }
        });
        let url = format!("http://{address}");
        Self { kubeconfig: control_plane().kubeconfig_for(&url, user), url, inner }
    }

    /// How many answers were broken so far. A test of a fault asserts that there was one.
    pub(crate) fn injected(&self) -> usize {
        self.inner.injected.load(Ordering::Relaxed)
    }

    /// Every request so far, as in `GET /api/v1/pods?limit=500`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.inner.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn client() -> Client {
    // Fails only where another one was installed before, which is then as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(control_plane().certificates()).expect("the API server has written its certificates");
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).expect("the API server writes PEM");
    Client::builder()
        .tls_certs_only(certificates)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(None)
        .build()
        .expect("a client can be built")
}

impl Inner {
    fn serve(&self, connection: &mut TcpStream) -> std::io::Result<()> {
        let question = Question::read(connection)?;
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {}", question.method, question.target));
        let rule = self.rules.iter().find(|rule| rule.fits(&question) && rule.takes());
        match rule {
            Some(rule) => {
                self.injected.fetch_add(1, Ordering::Relaxed);
                rule.fault.answer(connection, || self.ask_whole(&question))
            }
            None => self.ask(&question, false)?.pass_on(connection),
        }
    }

    /// The real answer with its whole body, not compressed.
    fn ask_whole(&self, question: &Question) -> std::io::Result<Answer> {
        self.ask(question, true)
    }

    fn ask(&self, question: &Question, is_plain: bool) -> std::io::Result<Answer> {
        let method = question.method.parse().map_err(std::io::Error::other)?;
        let mut request = self.client.request(method, format!("{}{}", self.upstream, question.target));
        for (name, value) in question.headers_to_pass_on() {
            if !(is_plain && name.eq_ignore_ascii_case("accept-encoding")) {
                request = request.header(name, value);
            }
        }
        if question.header("authorization").is_none() {
            request = request.bearer_auth(&self.token);
        }
        let response = request.body(question.body.clone()).send().map_err(std::io::Error::other)?;
        Ok(Answer::from(response))
    }
}
