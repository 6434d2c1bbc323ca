//! Secret values are planted wherever there may be some (Git and its history, live objects, credentials), and looked for
//! in everything that the program says, however it is asked: plain, in base64 or in hex. None may be found.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::harness::control_plane::{Namespace, control_plane};
use crate::harness::keys::ALICE;
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// A value that is nowhere else: planted here and there, and to be found nowhere. `place` is a letter or more.
fn canary(place: &str) -> String {
    format!("Canary{place}Xq7Vd2")
}

/// Every way in which a value may be written: as it is, in hex, and in base64 at any place of a longer text.
fn forms(value: &str) -> Vec<String> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![value.to_owned(), hex.to_uppercase(), hex];
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        let engine = base64::engine::GeneralPurpose::new(alphabet, NO_PAD);
        for before in 0..3 {
            let encoded = engine.encode([&vec![0; before], value.as_bytes()].concat());
            // Only characters that hold nothing of what stands before or behind.
            forms.push(encoded[(before * 8).div_ceil(6)..(before + value.len()) * 8 / 6].to_owned());
        }
    }
    forms
}

#[test]
fn a_value_is_recognised_in_every_form() {
    let value = canary("Form");
    for text in [value.clone(), format!("a{value}b")] {
        assert!(is_in(&value, text.as_bytes()));
        assert!(is_in(&value, STANDARD.encode(&text).as_bytes()));
        assert!(is_in(&value, STANDARD.encode(format!("user:{text}\n")).as_bytes()));
        assert!(is_in(&value, text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().as_bytes()));
    }
    assert!(!is_in(&value, b"CanaryOtherXq7Vd2"));
}

fn is_in(value: &str, text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    forms(value).iter().any(|form| text.contains(form.as_str()))
}

/// Asserts that none of these values stands in a text.
fn assert_none(values: &[String], what: &str, text: &[u8]) {
    for value in values {
        let Some(form) = forms(value).into_iter().find(|form| String::from_utf8_lossy(text).contains(form.as_str())) else { continue };
        let text = String::from_utf8_lossy(text);
        let line = text.lines().find(|line| line.contains(&form)).unwrap_or_default();
        let at = line.find(&form).unwrap_or_default();
        let around: String = line.chars().skip(line[..at].chars().count().saturating_sub(300)).take(600).collect();
        panic!("{value} stands in {what}:\n{around}");
    }
}

fn assert_none_in_output(values: &[String], what: &str, output: &Output) {
    assert!(!output.stderr.contains("panicked"), "{what}: {}", output.stderr);
    assert_none(values, &format!("the output of {what}"), output.stdout.as_bytes());
    assert_none(values, &format!("the log or the errors of {what}"), output.stderr.as_bytes());
}

/// What is planted in Git and in the cluster.
struct Fleet {
    source: String,
    namespace: Namespace,
    values: Vec<String>,
}

const DECLARED: [&str; 17] = [
    "StringData",
    "Data",
    "Folded",
    "Misspelt",
    "Item",
    "OldValue",
    "Version",
    "NotBase64",
    "Annotation",
    "Twice",
    "Literal",
    "EnvFile",
    "File",
    "Sops",
    "BrokenQuote",
    "BrokenAlias",
    "BrokenTag",
];
const LIVE: [&str; 4] = ["LiveByHand", "LiveApplied", "LiveUndeclared", "LiveEdited"];

/// Broken documents with a Secret in them, as people break them: each is the first wrong line of its file.
const BROKEN: [(&str, &str); 3] = [("quote", "  password: \"CANARY"), ("alias", "  password: *CANARY"), ("tag", "  password: !CANARY [x")];

fn fleet() -> &'static Fleet {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    FLEET.get_or_init(|| {
        let namespace = control_plane().namespace("canary");
        let repository = Repository::new();
        write_plain(&repository, &namespace.name, &canary("OldValue"));
        repository.commit(&ALICE, "Add the secrets").signed_by(&ALICE.openpgp());
        write_plain(&repository, &namespace.name, &canary("StringData"));
        write_kustomize(&repository, &namespace.name);
        for (name, line) in BROKEN {
            let line = line.replace("CANARY", &canary(&format!("Broken{}{}", name[..1].to_uppercase(), &name[1..])));
            let broken = format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: broken-{name} }}\nstringData:\n{line}\n");
            repository.write(&format!("broken-{name}.yaml"), broken);
        }
        repository.commit(&ALICE, "Change a password").signed_by(&ALICE.openpgp());
        make_live(&namespace);
        let values = DECLARED.iter().chain(&LIVE).map(|place| canary(place)).collect();
        Fleet { source: format!("fleet={}", repository.path().display()), namespace, values }
    })
}

fn write_plain(repository: &Repository, namespace: &str, password: &str) {
    let folded = STANDARD.encode(format!("{}-and-more-of-it-so-that-it-is-folded", canary("Folded")));
    let (first, second) = folded.split_at(30);
    let secrets = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{ name: declared, namespace: {namespace} }}\nstringData:\n  password: {password}\ndata:\n  \
         token: {data}\n  folded: |\n    {first}\n    {second}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: misspelt, namespace: \
         {namespace} }}\nstringdata:\n  password: {misspelt}\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n    \
         metadata: {{ name: item, namespace: {namespace} }}\n    stringData: {{ password: {item} }}\n---\napiVersion: v1beta1\nkind: \
         Secret\nmetadata: {{ name: version, namespace: {namespace} }}\nstringData: {{ password: {version} }}\n---\napiVersion: v1\nkind: \
         Secret\nmetadata: {{ name: not-base64, namespace: {namespace} }}\ndata: {{ password: '{not_base64}!' }}\n---\napiVersion: v1\nkind: \
         Secret\nmetadata:\n  name: annotated\n  namespace: {namespace}\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: \
         '{{\"stringData\":{{\"password\":\"{annotation}\"}}}}'\n---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: declared, namespace: \
         {namespace} }}\nstringData: {{ password: {twice} }}\n",
        data = STANDARD.encode(canary("Data")),
        misspelt = canary("Misspelt"),
        item = canary("Item"),
        version = canary("Version"),
        not_base64 = canary("NotBase64"),
        annotation = canary("Annotation"),
        twice = canary("Twice"),
    );
    let sops = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "sops", "namespace": namespace },
        "stringData": { "password": "ENC[AES256_GCM,data:b7==,iv:x=,tag:y==,type:str]", "forgotten": canary("Sops") },
        "sops": { "mac": "ENC[AES256_GCM,data:c8==,iv:x=,tag:y==,type:str]", "version": "3.9.0", "unencrypted_regex": "^forgotten$" },
    });
    let settings =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: settings, namespace: {namespace} }}\ndata: {{ colour: green }}\n");
    repository.write("secrets.yaml", secrets).write("sops.json", sops.to_string()).write("settings.yaml", settings);
}

/// A kustomization that can be built, and two that cannot, so that the program tells what it was told.
fn write_kustomize(repository: &Repository, namespace: &str) {
    let generator = format!(
        "namespace: {namespace}\nsecretGenerator:\n  - name: generated\n    literals: [password={}]\n    envs: [generated.env]\n    files: [generated.txt]\n    options: {{ disableNameSuffixHash: true }}\n",
        canary("Literal")
    );
    let broken_literal = format!("secretGenerator:\n  - name: broken\n    literals: [{}]\n", canary("Literal"));
    repository
        .write("built/kustomization.yaml", &generator)
        .write("built/generated.env", format!("password-of-env={}\n", canary("EnvFile")))
        .write("built/generated.txt", format!("{}\n", canary("File")))
        .write("broken-literal/kustomization.yaml", broken_literal)
        .write("broken-env/kustomization.yaml", "secretGenerator:\n  - name: broken\n    envs: [broken.env]\n")
        .write("broken-env/broken.env", [b"\xffpassword=", canary("EnvFile").as_bytes(), b"\n"].concat())
        .write("broken-resource/kustomization.yaml", "resources: [secret.yaml]\n")
        .write(
            "broken-resource/secret.yaml",
            format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: broken }}\nstringData:\n  password: {}: x: y\n", canary("Misspelt")),
        );
}

/// Secrets as kubectl makes them, one with what it notes of the last apply; then one is changed by hand.
fn make_live(namespace: &Namespace) {
    let secret = |name: &str, password: &str| {
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { "password": password } }).to_string()
    };
    let literal = |place: &str| format!("--from-literal=password={}", canary(place));
    namespace.kubectl.apply(&secret("declared", &canary("LiveApplied")));
    namespace.kubectl.apply(&secret("item", &canary("Item")));
    namespace.kubectl.succeed(["create", "secret", "generic", "generated", &literal("LiveByHand")]);
    namespace.kubectl.succeed(["create", "secret", "generic", "undeclared", &literal("LiveUndeclared")]);
    let edit = json!({ "stringData": { "password": canary("LiveEdited") } }).to_string();
    namespace.kubectl.succeed(["patch", "secret", "declared", "--type=merge", "-p", &edit]);
    namespace.kubectl.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: red}}");
}

/// How much the program logs, and in which form.
const LOGS: [(&str, &str); 3] = [("warn", "text"), ("trace", "text"), (EVERYTHING, "json")];
/// Also what is turned off unless it is named.
const EVERYTHING: &str =
    "trace,kube_client::client=trace,kube_client::config=trace,gix_transport=trace,gix_protocol=trace,gix::remote=trace";

/// Runs the program with each way of logging, asserts that it tells no value, and returns what it said last.
fn run(arguments: &[&str]) -> Output {
    let fleet = fleet();
    let mut last = None;
    for (level, format) in LOGS {
        let output = Kubewitness::new(arguments.iter().copied())
            .arg("--log-format")
            .arg(format)
            .kubeconfig(&control_plane().admin().kubeconfig)
            .env("RUST_LOG", level)
            .env("RUST_BACKTRACE", "1")
            .run();
        let asks = arguments.contains(&"--source") && !arguments.contains(&"--recording");
        assert!(level == "warn" || !asks || output.stderr.len() > 1000, "{arguments:?} logs: {output:?}");
        assert_none_in_output(&fleet.values, &format!("{arguments:?} at {level}"), &output);
        last = Some(output);
    }
    last.expect("it ran")
}

fn state_of<'record>(record: &'record Value, name: &str) -> Option<&'record Value> {
    let mut objects = record["objects"].as_array().into_iter().flatten();
    objects.find(|object| object["kind"] == "Secret" && object["name"] == name).map(|object| &object["state"])
}

#[test]
fn what_is_planted_is_there() {
    let fleet = fleet();
    let live = fleet.namespace.kubectl.succeed(["get", "secrets", "-o", "json"]);
    for place in ["LiveByHand", "LiveApplied", "LiveUndeclared", "LiveEdited"] {
        assert!(is_in(&canary(place), live.as_bytes()), "{place}");
    }
    let folder = Path::new(fleet.source.trim_start_matches("fleet="));
    let declared: Vec<u8> = files(folder).into_iter().filter(|file| !file.starts_with(folder.join(".git"))).flat_map(read).collect();
    let folded: String = String::from_utf8_lossy(&declared).split_whitespace().collect();
    for place in DECLARED.iter().filter(|place| **place != "OldValue") {
        assert!(is_in(&canary(place), folded.as_bytes()), "{place}");
    }
}

#[test]
fn a_scan_tells_no_secret() {
    let fleet = fleet();
    let folder = scratch::new_folder("canary");
    let file = folder.join("record.json");
    let file = file.to_str().expect("the path of the scratch folder is UTF-8");
    let (terminal, record) = ("terminal", format!("json={file}"));
    let scan = ["scan", "--source", &fleet.source, "--undeclared", &fleet.namespace.name, "--record-fields"];
    let output = run(&[&scan[..], &["-o", terminal, "-o", &record]].concat());
    assert_eq!(output.status, Some(4), "{output:?}");
    assert_none(&fleet.values, "the record", &read(PathBuf::from(file)));

    let record = run(&[&scan[..], &["-o", "json"]].concat()).record();
    // The values were compared, not only left out. Whether one of the unreadable files declares the undeclared one is unknown.
    let states = ["declared", "item", "generated", "undeclared", "misspelt"].map(|name| state_of(&record, name));
    let expected = ["drifted", "synced", "drifted", "unknown", "missing"].map(Value::from);
    assert_eq!(states, expected.each_ref().map(Some), "{record:#}");
    let unread: BTreeSet<&str> =
        record["notEvaluated"].as_array().into_iter().flatten().filter_map(|gap| gap["subject"].as_str()).collect();
    for part in ["broken-quote.yaml", "broken-alias.yaml", "broken-tag.yaml", "broken-literal", "broken-env", "broken-resource"] {
        assert!(unread.iter().any(|subject| subject.contains(part)), "{part} is not among {unread:?}");
    }
    run(&["report", file]);
    run(&["report", file, "-o", "json"]);
}

#[test]
fn a_blame_tells_no_secret() {
    let fleet = fleet();
    for object in ["secret/declared", "secret/generated", "secret/misspelt", "secret/sops"] {
        let blame = ["blame", object, "-n", &fleet.namespace.name, "--source", &fleet.source];
        run(&[&blame[..], &["-o", "terminal"]].concat());
        let output = run(&[&blame[..], &["-o", "json"]].concat());
        assert_eq!(output.document("blame")["object"]["name"], object.trim_start_matches("secret/"), "{output:?}");
    }
}

#[test]
fn a_comparison_of_files_tells_no_secret() {
    let fleet = fleet();
    let folder = scratch::new_folder("canary");
    let live = folder.join("live.json");
    let dump = fleet.namespace.kubectl.succeed(["get", "secrets", "-o", "json", "--show-managed-fields"]);
    fs::write(&live, &dump).expect("a scratch file can be written");
    let live_yaml = folder.join("live.yaml");
    fs::write(&live_yaml, fleet.namespace.kubectl.succeed(["get", "secrets", "-o", "yaml"])).expect("a scratch file can be written");
    let cut = folder.join("cut.json");
    fs::write(&cut, &dump[..dump.len() - 40]).expect("a scratch file can be written");
    for live in [live, live_yaml, cut] {
        let live = live.to_str().expect("the path of the scratch folder is UTF-8");
        let declared = fleet.source.trim_start_matches("fleet=");
        for format in ["terminal", "json"] {
            run(&["compare", declared, live, "-o", format]);
        }
        run(&["scan", "--source", &fleet.source, "--recording", live, "-o", "json"]);
    }
}

#[test]
fn a_capture_holds_no_secret() {
    let fleet = fleet();
    let folder = scratch::new_folder("canary").join("capture");
    let path = folder.to_str().expect("the path of the scratch folder is UTF-8");
    let output = run(&["capture", "-o", path, "-n", &fleet.namespace.name]);
    assert!(matches!(output.status, Some(0 | 4)), "{output:?}");
    let files = files(&folder);
    assert!(files.iter().any(|file| file.ends_with("objects/core_v1_Secret.json")), "{files:?}");
    for file in files {
        assert_none(&fleet.values, &file.display().to_string(), &read(file.clone()));
    }
    let record = run(&["scan", "--source", &fleet.source, "--recording", path, "-o", "json"]).record();
    assert_eq!(state_of(&record, "declared"), Some(&"drifted".into()), "{record:#}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn read(file: PathBuf) -> Vec<u8> {
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A Git server that asks for a password and gives nothing for it, with the certificate of the API server.
struct Forge {
    /// `127.0.0.1:<port>`.
    authority: String,
    asked_with_password: Arc<AtomicUsize>,
}

fn forge() -> Forge {
    // Fails only where another one was installed before, which is then as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = control_plane().certificates();
    let chain = CertificateDer::pem_file_iter(&certificate).expect("the certificate of the API server is there");
    let chain = chain.map(|certificate| certificate.expect("it is PEM")).collect();
    let key = PrivateKeyDer::from_pem_file(certificate.with_extension("key")).expect("its key lies beside it");
    let tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they belong together");
    let tls = Arc::new(tls);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of 127.0.0.1 is free");
    let authority = listener.local_addr().expect("a bound socket has an address").to_string();
    let asked_with_password = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked_with_password);
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let (tls, count) = (Arc::clone(&tls), Arc::clone(&count));
            // Who hangs up early does not want the answer.
            std::thread::spawn(move || drop(refuse(connection, tls, &count)));
        }
    });
    Forge { authority, asked_with_password }
}

fn refuse(connection: TcpStream, tls: Arc<rustls::ServerConfig>, count: &AtomicUsize) -> std::io::Result<()> {
    let session = rustls::ServerConnection::new(tls).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(rustls::StreamOwned::new(session, connection));
    let mut has_password = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        has_password |= line.to_ascii_lowercase().starts_with("authorization: basic");
    }
    count.fetch_add(has_password.into(), Ordering::Relaxed);
    let status = if has_password { "403 Forbidden" } else { "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"forge\"" };
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.flush()
}

/// Runs a scan with every way of logging; it fails or is partial, and does not tell this value.
fn fails_quietly(value: &str, arguments: &[&str], kubeconfig: &Path, with: impl Fn(Kubewitness) -> Kubewitness) -> Output {
    let mut last = None;
    for (level, format) in LOGS {
        let scan = Kubewitness::new(["scan", "-o", "json", "--log-format", format].into_iter().chain(arguments.iter().copied()));
        let output = with(scan.kubeconfig(kubeconfig).env("RUST_LOG", level)).run();
        assert!(matches!(output.status, Some(2..=4)), "{output:?}");
        assert_none_in_output(&[value.to_owned()], &format!("{arguments:?} at {level}"), &output);
        last = Some(output);
    }
    last.expect("it ran")
}

#[test]
fn passwords_of_a_forge_are_not_told() {
    let forge = forge();
    let admin = control_plane().admin().kubeconfig;
    let password = canary("Password");
    let folder = scratch::new_folder("canary");
    fs::write(folder.join("token"), format!("{password}\n")).expect("a scratch file can be written");
    let authority = &forge.authority;
    let write = |name: &str, url: &str, credentials: &str| {
        let authorities = control_plane().certificates();
        let config = format!("sources:\n  - url: {url}\n    credentials: {{ caFile: {}, {credentials} }}\n", authorities.display());
        fs::write(folder.join(name), config).expect("a scratch file can be written");
    };
    write("by-file.yaml", &format!("https://{authority}/fleet.git"), "passwordFile: token");
    write("by-variable.yaml", &format!("https://{authority}/fleet.git"), "passwordEnv: FORGE_TOKEN");
    write("in-url.yaml", &format!("https://bob:{password}@{authority}/fleet.git?token={password}"), "");
    for config in ["by-file.yaml", "by-variable.yaml", "in-url.yaml"] {
        let before = forge.asked_with_password.load(Ordering::Relaxed);
        let with = |scan: Kubewitness| scan.in_folder(&folder).env("FORGE_TOKEN", &password);
        fails_quietly(&password, &["--config", config], &admin, with);
        assert!(forge.asked_with_password.load(Ordering::Relaxed) >= before + LOGS.len(), "{config}: the password was sent");
    }
    let url = format!("https://bob:{password}@{authority}/fleet.git");
    fails_quietly(&password, &["--source", &url], &admin, |scan| scan);
}

/// A credential in a URL that is wrong in some way is still one.
#[test]
fn passwords_in_urls_that_cannot_be_used_are_not_told() {
    let password = canary("Url");
    let admin = control_plane().admin().kubeconfig;
    for url in [
        "https://bob:PASSWORD@127.0.0.1:1",
        "https://bob:PASSWORD@127.0.0.1:1/",
        "https://PASSWORD@127.0.0.1:1/fleet",
        "https://127.0.0.1:1/fleet.git?token=PASSWORD",
        "https://bob:PASSWORD@127.0.0.1:1/fleet@",
        "https://bob:PASSWORD@",
        "http://bob:PASSWORD@git.example.com/fleet",
        "ftp://bob:PASSWORD@127.0.0.1:1/fleet",
        "ssh://bob:PASSWORD@127.0.0.1:1/fleet",
        "bob:PASSWORD@127.0.0.1:fleet",
        "https:/bob:PASSWORD@127.0.0.1/fleet",
        "file://bob:PASSWORD@host/fleet",
    ] {
        let url = url.replace("PASSWORD", &password);
        fails_quietly(&password, &["--source", &url], &admin, |scan| scan);
        fails_quietly(&password, &["--source", &url, "--source", &url], &admin, |scan| scan);
    }
}

#[test]
fn passwords_in_a_wrong_configuration_are_not_told() {
    let password = canary("Config");
    let folder = scratch::new_folder("canary");
    let admin = control_plane().admin().kubeconfig;
    for config in [
        "sources:\n  - url: https://bob:PASSWORD@git.example.com/fleet\n    credentials: { password: PASSWORD }\n",
        "sources:\n  - url: https://bob:PASSWORD@git.example.com/fleet\n  ref: \"main\n",
        "sources:\n  - url: [https://bob:PASSWORD@git.example.com/fleet]\n",
        "sources: https://bob:PASSWORD@git.example.com/fleet\n",
        "sources:\n  - url: https://bob:PASSWORD@git.example.com/fleet\n  - url: https://bob:PASSWORD@git.example.com/fleet\n",
    ] {
        fs::write(folder.join("kubewitness.yaml"), config.replace("PASSWORD", &password)).expect("a scratch file can be written");
        let output = fails_quietly(&password, &[], &admin, |scan| scan.in_folder(&folder));
        assert_eq!(output.status, Some(2), "{output:?}");
    }
}

#[test]
fn credentials_of_the_cluster_are_not_told() {
    let token = canary("Token");
    let admin = control_plane().admin();
    let url = control_plane().url();
    let certificates = control_plane().certificates();
    let folder = scratch::new_folder("canary");
    fs::write(folder.join("token"), &token).expect("a scratch file can be written");
    let basic = json!({ "username": "bob", "password": token });
    let exec = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "sh",
        "args": ["-c", format!("echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{token}\"}}}}'")],
    } });
    let failing = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "sh", "args": ["-c", format!("echo {token}; exit 1")],
    } });
    let users = [json!({ "token": token }), json!({ "tokenFile": folder.join("token") }), basic, exec, failing];
    let server = |server: String| json!({ "server": server, "certificate-authority": certificates });
    let in_url = format!("https://bob:{token}@{}", url.trim_start_matches("https://"));
    let nowhere = format!("https://bob:{token}@127.0.0.1:1");
    let by_proxy = json!({ "server": url, "certificate-authority": certificates, "proxy-url": nowhere });
    let clusters = users.iter().map(|user| (server(url.to_owned()), user.clone()));
    let others = [
        (server(in_url), json!({ "token": token })),
        (server(nowhere.clone()), json!({ "token": token })),
        (by_proxy, json!({ "token": token })),
    ];
    let mut configs: Vec<String> = clusters.chain(others).map(|(cluster, user)| kubeconfig(&cluster, &user)).collect();
    let whole = configs[0].clone();
    configs.push(whole[..whole.len() - 2].to_owned());
    configs.push(whole.replace("\"token\":", "\"token\": 5, \"broken\": *"));
    for config in configs {
        let file = folder.join("kubeconfig");
        fs::write(&file, &config).expect("a scratch file can be written");
        fails_quietly(&token, &["--source", &fleet().source], &file, |scan| scan);
    }
    // A token that is accepted is not told either.
    let fleet = fleet();
    let output = run(&["scan", "--source", &fleet.source, "-o", "json"]);
    assert_none_in_output(&[admin.token], "a scan that was let in", &output);
}

fn kubeconfig(cluster: &Value, user: &Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "user", "user": user }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "user" } }],
    })
    .to_string()
}
