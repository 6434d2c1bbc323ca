//! `git http-backend` behind TLS, with a certificate authority of its own and basic authentication.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::program::Program;
use super::scratch;

/// A server for the repositories below one folder. It ends with the process.
pub(crate) struct GitServer {
    /// `https://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The certificate that has to be trusted.
    pub(crate) ca: PathBuf,
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl GitServer {
    /// Serves who logs in so, as in `alice:secret`.
    pub(crate) fn start(root: &Path, login: &str) -> Self {
        let folder = scratch::new_folder("tls");
        make_certificates(&folder);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).expect("openssl writes PEM");
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("openssl writes PEM");
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("the key belongs to the certificate");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
        let url = format!("https://{}", listener.local_addr().expect("a listener has an address"));
        let (config, root) = (Arc::new(config), root.to_owned());
        let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, root, expected) = (Arc::clone(&config), root.clone(), expected.clone());
                // A client that hangs up, or does not trust us, ends only its own connection.
                std::thread::spawn(move || serve(stream, config, &root, &expected));
            }
        });
        Self { url, ca: folder.join("ca.pem") }
    }
}

fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| Program::new("openssl").args(arguments.split(' ')).in_folder(folder).succeed();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout";
    openssl(&format!("req -x509 {key} ca.key -out ca.pem -days 30 -subj /CN=ca -addext keyUsage=critical,keyCertSign"));
    openssl(&format!("req {key} server.key -out server.csr -subj /CN=server"));
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("a scratch file can be written");
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.pem");
}

fn serve(stream: TcpStream, config: Arc<rustls::ServerConfig>, root: &Path, expected: &str) -> io::Result<()> {
    let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(rustls::StreamOwned::new(connection, stream));
    let request = read(&mut stream)?;
    let answer = match request.header("authorization") {
        Some(login) if login == expected => answer(&request, root)?,
        _ => {
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
        }
    };
    let stream = stream.get_mut();
    stream.write_all(&answer)?;
    stream.flush()?;
    stream.conn.send_close_notify();
    stream.flush()
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn read(stream: &mut impl BufRead) -> io::Result<Request> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request { method, target, headers: Vec::new(), body: Vec::new() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| io::Error::other("no header"))?;
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if request.header("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
        request.body = chunks(stream)?;
    } else if let Some(length) = request.header("content-length").and_then(|length| length.parse().ok()) {
        stream.take(length).read_to_end(&mut request.body)?;
    }
    Ok(request)
}

fn chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        stream.by_ref().take(length).read_to_end(&mut body)?;
        stream.read_line(&mut String::new())?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// What the backend says, as RFC 3875 has it, in the form of HTTP.
fn answer(request: &Request, root: &Path) -> io::Result<Vec<u8>> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut command = Command::new("git");
    command.arg("http-backend").env_clear().env("PATH", super::tools::path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("REQUEST_METHOD", &request.method);
    command.env("PATH_INFO", path).env("QUERY_STRING", query).env("CONTENT_LENGTH", request.body.len().to_string());
    for (header, variable) in
        [("content-type", "CONTENT_TYPE"), ("content-encoding", "HTTP_CONTENT_ENCODING"), ("git-protocol", "GIT_PROTOCOL")]
    {
        if let Some(value) = request.header(header) {
            command.env(variable, value);
        }
    }
    let input = scratch::folder().join(format!("body-{}", scratch::number()));
    std::fs::write(&input, &request.body)?;
    let output = command.stdin(File::open(input)?).stdout(Stdio::piped()).output()?.stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(|| io::Error::other("no headers"))?;
    let headers = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = headers.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let body = &output[end + 4..];
    let head = format!("HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    Ok([head.as_bytes(), body].concat())
}
