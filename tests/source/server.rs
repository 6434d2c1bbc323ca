//! A server on this machine that speaks Git over http: the real `git http-backend` behind a few lines of CGI.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A running server; it ends with the process.
pub(crate) struct Server {
    scheme: &'static str,
    port: u16,
}

/// Both directions of a connection.
trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Server {
    /// Serves all repositories below a folder over http.
    pub(crate) fn http(root: &Path) -> Self {
        Self::start("http", root, None, |stream| Box::new(stream))
    }

    /// The same, asking for a login.
    pub(crate) fn http_asking(root: &Path, login: &'static str) -> Self {
        Self::start("http", root, Some(login), |stream| Box::new(stream))
    }

    /// The same over https, by the certificate that lies in `tls`, with Basic authentication by a login (`user:password` in base64).
    pub(crate) fn https(root: &Path, login: &'static str) -> Self {
        let tls = Arc::new(tls());
        let wrap = move |stream| -> Box<dyn Stream> {
            Box::new(rustls::StreamOwned::new(rustls::ServerConnection::new(tls.clone()).unwrap(), stream))
        };
        Self::start("https", root, Some(login), wrap)
    }

    fn start(
        scheme: &'static str,
        root: &Path,
        login: Option<&'static str>,
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let root = root.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (root, stream) = (root.clone(), wrap(stream.unwrap()));
                std::thread::spawn(move || answer(BufReader::new(stream), root, login));
            }
        });
        Self { scheme, port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}/{path}", self.scheme, self.port)
    }
}

/// The certificate of `tests/source/tls/ca.pem`, which nothing else trusts; the authority's key is gone.
fn tls() -> rustls::ServerConfig {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}

fn answer(mut reader: BufReader<Box<dyn Stream>>, root: PathBuf, login: Option<&str>) -> Option<()> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let body = body(&mut reader, &header("content-length"), &header("transfer-encoding"))?;
    if login.is_some_and(|login| header("authorization") != format!("Basic {login}")) {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return send(reader.get_mut(), refusal.as_bytes());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .envs([("REQUEST_METHOD", method.as_str()), ("PATH_INFO", path), ("QUERY_STRING", query)])
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(&body).ok()?;
    let output = child.wait_with_output().ok()?.stdout;
    let split = output.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n\r\n", output.len() - split - 4);
    send(reader.get_mut(), &[answer.as_bytes(), &output[split + 4..]].concat())
}

fn send(stream: &mut dyn Stream, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).ok()?;
    stream.flush().ok()
}

fn body(reader: &mut impl BufRead, length: &str, encoding: &str) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if encoding != "chunked" {
        reader.take(length.parse().unwrap_or(0)).read_to_end(&mut body).ok()?;
        return Some(body);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = u64::from_str_radix(line.trim(), 16).ok()?;
        reader.by_ref().take(size).read_to_end(&mut body).ok()?;
        reader.read_line(&mut line).ok()?;
        if size == 0 {
            return Some(body);
        }
    }
}
