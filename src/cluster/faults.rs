//! Tests against a server that misbehaves on purpose.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::client::Client;
use super::failure::Patience;
use super::live::Live;
use super::{Backing, Cluster, Error, capture};
use crate::model::evidence::{Listing, ListingGap, Page, Scope};
use crate::model::kind::Kind;
use crate::progress::Progress;
use crate::secret::{Redactor, is_digest};

const CANARY: &str = "Y2FuYXJ5";
const EMPTY_GROUPS: &str = r#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[]}"#;

/// One answer.
#[derive(Clone)]
enum Reply {
    Json(String),
    Status(u16, &'static str, String),
    /// Promises more than it sends.
    Cut(String),
    /// Never answers.
    Silence,
}

fn json(text: &str) -> Reply {
    Reply::Json(text.to_owned())
}

/// A path with its answers; the last one is given from then on.
struct Fake {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    /// Short only where an answer never comes: a busy machine must not look like a silent server.
    timeout: Duration,
}

impl Fake {
    fn start(answers: &[(&str, &[Reply])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let is_silent = answers.iter().flat_map(|(_, replies)| *replies).any(|reply| matches!(reply, Reply::Silence));
        let timeout = if is_silent { Duration::from_millis(500) } else { Duration::from_secs(60) };
        let answers: HashMap<String, Vec<Reply>> = answers.iter().map(|(path, replies)| ((*path).to_owned(), replies.to_vec())).collect();
        let answers = Arc::new(Mutex::new(answers));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
                std::thread::spawn(move || serve(stream.unwrap(), &log, &answers));
            }
        });
        Self { port, asked, timeout }
    }

    fn cluster(&self) -> Cluster {
        drop(rustls::crypto::ring::default_provider().install_default());
        let config = kube::Config::new(format!("http://127.0.0.1:{}", self.port).parse().unwrap());
        let patience = Patience { attempts: 3, first: Duration::from_millis(1), longest: Duration::from_secs(2) };
        let client = Client::new(config, self.timeout, patience).unwrap();
        let redactor = Redactor::from_key([1; 32]);
        let live = Live { client, redactor, progress: Progress::silent(), name: "fake".into(), server: "https://fake".into(), cache: None };
        Cluster { backing: Backing::Live(Box::new(live)) }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answers: &Mutex<HashMap<String, Vec<Reply>>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let path = request.split(' ').nth(1).unwrap().to_owned();
    assert!(request.starts_with("GET "), "{request}");
    log.lock().unwrap().push(path.clone());
    let reply = {
        let mut answers = answers.lock().unwrap();
        match answers.get_mut(&path) {
            None => Reply::Status(404, "", String::new()),
            Some(replies) if replies.len() > 1 => replies.remove(0),
            Some(replies) => replies[0].clone(),
        }
    };
    let head = "Date: Sat, 21 Nov 2026 03:44:35 GMT\r\nConnection: close\r\nContent-Type: application/json";
    let text = match reply {
        Reply::Json(body) => format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        Reply::Status(code, header, body) => {
            format!("HTTP/1.1 {code} Told\r\n{head}{header}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        Reply::Cut(body) => format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 1000),
        Reply::Silence => {
            std::thread::sleep(Duration::from_secs(3));
            return;
        }
    };
    drop(stream.write_all(text.as_bytes()));
    drop(stream.shutdown(Shutdown::Both));
}

fn kind(name: &str) -> Kind {
    Kind {
        group: String::new(),
        version: "v1".into(),
        kind: name.into(),
        plural: format!("{}s", name.to_lowercase()),
        singular: name.to_lowercase(),
        short_names: Vec::new(),
        namespaced: true,
        verbs: vec!["list".into()],
        preferred: true,
    }
}

fn all(name: &str) -> Listing {
    Listing { kind: kind(name), scope: Scope::All }
}

fn list(kind: &str, token: &str, names: &[&str]) -> String {
    let items: Vec<String> = names.iter().map(|name| format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}}}}"#)).collect();
    format!(r#"{{"kind":"{kind}List","apiVersion":"v1","metadata":{{"continue":"{token}"}},"items":[{}]}}"#, items.join(","))
}

/// What listing says: `+name` for an object, `restart`, and the gaps.
async fn read(cluster: &Cluster, listings: &[Listing]) -> (Vec<String>, Vec<ListingGap>) {
    let mut told = Vec::new();
    let gaps = cluster
        .each_page(listings, &|id| id.name != "unwanted", &mut |page| match page {
            Page::Restarted(_) => told.push("restart".to_owned()),
            Page::Objects(_, objects) => told.extend(objects.iter().map(|object| format!("+{}", object.id.name))),
        })
        .await;
    (told, gaps)
}

fn reasons(gaps: &[ListingGap]) -> Vec<(Option<&str>, &str)> {
    gaps.iter().map(|gap| (gap.namespace.as_deref(), gap.reason.as_str())).collect()
}

const FIRST: &str = "/api/v1/configmaps?limit=500";
const SECOND: &str = "/api/v1/configmaps?limit=500&continue=t%2F1";

#[tokio::test]
async fn pages_follow_the_token_and_drop_what_nobody_wants() {
    let fake = Fake::start(&[
        (FIRST, &[Reply::Json(list("ConfigMap", "t/1", &["a", "unwanted"]))]),
        (SECOND, &[Reply::Json(list("ConfigMap", "", &["b"]))]),
    ]);
    let cluster = fake.cluster();
    let (told, gaps) = read(&cluster, &[all("ConfigMap")]).await;
    assert_eq!((told, gaps), (vec!["+a".to_owned(), "+b".to_owned()], Vec::new()));
    assert_eq!(cluster.requests(), 2);
}

#[tokio::test]
async fn a_cut_page_is_asked_again_and_delivered_once() {
    let whole = list("ConfigMap", "", &["a", "b"]);
    let half = whole[..whole.len() - 20].to_owned();
    let fake = Fake::start(&[(FIRST, &[Reply::Cut(half), Reply::Cut(whole.clone()), Reply::Json(whole)])]);
    let (told, gaps) = read(&fake.cluster(), &[all("ConfigMap")]).await;
    assert_eq!((told, gaps), (vec!["+a".to_owned(), "+b".to_owned()], Vec::new()));
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn what_stays_broken_is_a_gap_and_no_objects() {
    let whole = list("ConfigMap", "", &["a"]);
    let status = |code, body: &str| Reply::Status(code, "", body.to_owned());
    for (reply, reason, requests) in [
        (Reply::Cut(whole.clone()), "connection cut", 3),
        (status(500, CANARY), "server error", 3),
        (status(503, ""), "server error", 3),
        (status(429, ""), "too many requests", 3),
        (Reply::Status(429, "\r\nRetry-After: 3600", String::new()), "too many requests", 1),
        (status(403, r#"{"kind":"Status","message":"configmaps is forbidden"}"#), "forbidden", 1),
        (status(401, ""), "unauthorized", 1),
        (status(404, ""), "not found", 1),
        (status(410, ""), "expired", 1),
        (status(302, ""), "malformed answer", 1),
        (Reply::Silence, "timed out", 3),
        (json("<html>"), "malformed answer", 1),
        (json(&format!("{whole}{CANARY}")), "malformed answer", 1),
        (json(r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"rows":[]}"#), "malformed answer", 1),
        (json(r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure"}"#), "malformed answer", 1),
        (json(r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{}}"#), "malformed answer", 1),
        (json(r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":"Y2FuYXJ5","items":[]}"#), "malformed answer", 1),
    ] {
        let fake = Fake::start(&[(FIRST, &[reply])]);
        let cluster = fake.cluster();
        let (told, gaps) = read(&cluster, &[all("ConfigMap")]).await;
        assert_eq!((told.len(), reasons(&gaps)), (0, vec![(None, reason)]));
        assert_eq!(cluster.requests(), requests, "{reason}");
        assert!(!format!("{gaps:?}").contains(CANARY), "{gaps:?}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let pause = Reply::Status(429, "\r\nRetry-After: 1", String::new());
    let fake = Fake::start(&[(FIRST, &[pause, Reply::Json(list("ConfigMap", "", &["a"]))])]);
    let begun = std::time::Instant::now();
    let (told, gaps) = read(&fake.cluster(), &[all("ConfigMap")]).await;
    assert_eq!((told, gaps), (vec!["+a".to_owned()], Vec::new()));
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_expired_token_starts_the_listing_again_as_one_answer() {
    let fake = Fake::start(&[
        (FIRST, &[Reply::Json(list("ConfigMap", "t/1", &["a"]))]),
        (SECOND, &[Reply::Status(410, "", String::new())]),
        ("/api/v1/configmaps", &[Reply::Json(list("ConfigMap", "", &["a", "b"]))]),
    ]);
    let (told, gaps) = read(&fake.cluster(), &[all("ConfigMap")]).await;
    assert_eq!((told, gaps), (["+a", "restart", "+a", "+b"].map(str::to_owned).to_vec(), Vec::new()));
}

#[tokio::test]
async fn a_listing_that_expires_twice_is_a_gap() {
    let gone = Reply::Status(410, "", String::new());
    let fake = Fake::start(&[
        (FIRST, &[Reply::Json(list("ConfigMap", "t/1", &["a"]))]),
        (SECOND, std::slice::from_ref(&gone)),
        ("/api/v1/configmaps", std::slice::from_ref(&gone)),
    ]);
    let (told, gaps) = read(&fake.cluster(), &[all("ConfigMap")]).await;
    assert_eq!(told, ["+a", "restart"]);
    assert_eq!(reasons(&gaps), [(None, "expired")]);
}

#[tokio::test]
async fn after_a_large_page_the_next_is_shorter() {
    let large = format!(r#"{{"metadata":{{"name":"a","namespace":"shop"}},"data":{{"a":"{}"}}}}"#, "x".repeat(33 * 1024 * 1024));
    let page = format!(r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"continue":"t"}},"items":[{large}]}}"#);
    let second = "/api/v1/configmaps?limit=50&continue=t";
    let fake = Fake::start(&[(FIRST, &[Reply::Json(page)]), (second, &[Reply::Json(list("ConfigMap", "", &["b"]))])]);
    assert_eq!(read(&fake.cluster(), &[all("ConfigMap")]).await, (vec!["+a".to_owned(), "+b".to_owned()], Vec::new()));
}

#[tokio::test]
async fn a_list_that_goes_in_circles_ends() {
    let page = Reply::Json(list("ConfigMap", "t/1", &["a"]));
    let fake = Fake::start(&[(FIRST, std::slice::from_ref(&page)), (SECOND, std::slice::from_ref(&page))]);
    assert_eq!(reasons(&read(&fake.cluster(), &[all("ConfigMap")]).await.1), [(None, "malformed answer")]);
}

#[tokio::test]
async fn a_refused_namespace_is_a_gap_of_that_namespace() {
    let fake = Fake::start(&[
        ("/api/v1/namespaces/shop/configmaps?limit=500", &[Reply::Json(list("ConfigMap", "", &["a"]))]),
        ("/api/v1/namespaces/bank/configmaps?limit=500", &[Reply::Status(403, "", String::new())]),
    ]);
    let names = ["shop", "bank", "../../secrets"].map(str::to_owned);
    let listing = Listing { kind: kind("ConfigMap"), scope: Scope::Namespaces(names.into()) };
    let (told, gaps) = read(&fake.cluster(), &[listing]).await;
    assert_eq!(told, ["+a"]);
    assert_eq!(reasons(&gaps), [(Some("../../secrets"), "malformed answer"), (Some("bank"), "forbidden")]);
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn a_malformed_item_does_not_end_its_list() {
    let items = r#"{"metadata":{"name":"a","namespace":"shop"}},{"metadata":"Y2FuYXJ5"},{"metadata":{"name":"b","namespace":"shop"}}"#;
    let page = format!(r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{}},"items":[{items}]}}"#);
    let fake = Fake::start(&[(FIRST, &[Reply::Json(page)])]);
    let (told, gaps) = read(&fake.cluster(), &[all("ConfigMap")]).await;
    assert_eq!(told, ["+a", "+b"]);
    assert_eq!(reasons(&gaps), [(None, "malformed answer")]);
    assert!(gaps[0].detail.as_deref().unwrap().starts_with("item 2 has another shape"), "{gaps:?}");
}

#[tokio::test]
async fn many_listings_are_all_read_and_one_failure_stays_alone() {
    let names: Vec<String> = (0..30).map(|number| format!("Kind{number}")).collect();
    let replies: Vec<(String, Vec<Reply>)> = names
        .iter()
        .map(|name| {
            let path = format!("/api/v1/{}s?limit=500", name.to_lowercase());
            let reply = if name == "Kind7" { Reply::Status(500, "", String::new()) } else { Reply::Json(list(name, "", &[name])) };
            (path, vec![reply])
        })
        .collect();
    let replies: Vec<(&str, &[Reply])> = replies.iter().map(|(path, replies)| (path.as_str(), replies.as_slice())).collect();
    let fake = Fake::start(&replies);
    let listings: Vec<Listing> = names.iter().map(|name| all(name)).collect();
    let (told, gaps) = read(&fake.cluster(), &listings).await;
    assert_eq!(told.len(), 29);
    assert_eq!((gaps.len(), gaps[0].listing, gaps[0].reason.as_str()), (1, 7, "server error"));
}

#[tokio::test]
async fn a_cluster_that_is_gone_is_not_asked_for_ever() {
    let cluster = Fake::start(&[]).cluster();
    let Backing::Live(live) = &cluster.backing else { unreachable!() };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = kube::Config::new(format!("http://{closed}").parse().unwrap());
    let patience = Patience { attempts: 5, first: Duration::from_millis(1), longest: Duration::from_secs(1) };
    let client = Client::new(config, Duration::from_millis(500), patience).unwrap();
    let gone = Live {
        client,
        redactor: live.redactor.clone(),
        progress: Progress::silent(),
        name: "gone".into(),
        server: "https://gone".into(),
        cache: None,
    };
    let gone = Cluster { backing: Backing::Live(Box::new(gone)) };
    let listings: Vec<Listing> = (0..40).map(|number| all(&format!("Kind{number}"))).collect();
    let (told, gaps) = read(&gone, &listings).await;
    assert_eq!((told.len(), gaps.len()), (0, 40));
    assert!(gaps.iter().all(|gap| gap.reason == "connection cut"));
    assert!(gone.requests() < 80, "{}", gone.requests());
}

const STALE: &str = r#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[
    {"metadata":{"name":"a.io"},"versions":[{"version":"v1","freshness":"Stale","resources":[]}]},
    {"metadata":{"name":"b.io"},"versions":[{"version":"v1","freshness":"Stale","resources":[]}]}]}"#;

#[tokio::test]
async fn a_stale_group_is_asked_itself_and_unknown_where_it_does_not_answer() {
    let resources = r#"{"kind":"APIResourceList","groupVersion":"b.io/v1","resources":[
        {"name":"boxes","singularName":"box","namespaced":true,"kind":"Box","verbs":["list"]},
        {"name":"boxes/status","singularName":"","namespaced":true,"kind":"Box","verbs":["get"]}]}"#;
    let fake = Fake::start(&[
        ("/api", &[json(EMPTY_GROUPS)]),
        ("/apis", &[json(STALE)]),
        ("/apis/a.io/v1", &[Reply::Status(503, "", String::new())]),
        ("/apis/b.io/v1", &[json(resources)]),
    ]);
    let kinds = fake.cluster().kinds().await.unwrap();
    assert!(kinds.complete && kinds.is_unknown_group("a.io") && !kinds.is_unknown_group("b.io"));
    assert_eq!(kinds.unknown_groups[0].1.reason, "server error");
    assert_eq!(kinds.all.iter().map(|kind| (kind.kind.as_str(), kind.preferred)).collect::<Vec<_>>(), [("Box", true)]);
}

#[tokio::test]
async fn plain_discovery_is_followed_group_by_group() {
    let resources = |version: &str, kind: &str, plural: &str| {
        json(&format!(
            r#"{{"kind":"APIResourceList","groupVersion":"{version}","resources":[
            {{"name":"{plural}","singularName":"","namespaced":false,"kind":"{kind}","verbs":["list"]}}]}}"#
        ))
    };
    let groups = r#"{"kind":"APIGroupList","groups":[{"name":"a.io","versions":[{"groupVersion":"a.io/v2","version":"v2"},
        {"groupVersion":"a.io/v1","version":"v1"}]},{"name":"b.io","versions":[{"groupVersion":"b.io/v1","version":"v1"}]}]}"#;
    let fake = Fake::start(&[
        ("/api", &[json(r#"{"kind":"APIVersions","versions":["v1"]}"#)]),
        ("/apis", &[json(groups)]),
        ("/api/v1", &[resources("v1", "Node", "nodes")]),
        ("/apis/a.io/v2", &[resources("a.io/v2", "A", "as")]),
        ("/apis/a.io/v1", &[resources("a.io/v1", "A", "as")]),
        ("/apis/b.io/v1", &[Reply::Status(403, "", String::new())]),
    ]);
    let kinds = fake.cluster().kinds().await.unwrap();
    let told: Vec<_> = kinds.all.iter().map(|kind| (kind.api_version(), kind.preferred)).collect();
    assert_eq!(told, [("v1".to_owned(), true), ("a.io/v1".to_owned(), false), ("a.io/v2".to_owned(), true)]);
    assert!(kinds.is_unknown_group("b.io"));
}

#[tokio::test]
async fn the_identity_tells_what_it_could_not_read_and_fails_where_nobody_is_let_in() {
    let version = json(r#"{"gitVersion":"v1.36.3"}"#);
    let namespace = "/api/v1/namespaces/kube-system";
    let fake = Fake::start(&[("/version", std::slice::from_ref(&version)), (namespace, &[Reply::Status(403, "", String::new())])]);
    let (identity, missing) = fake.cluster().identity().await.unwrap();
    assert_eq!((identity.uid, identity.version.as_deref()), (None, Some("v1.36.3")));
    assert_eq!(identity.time.unwrap().to_rfc3339(), "2026-11-21T03:44:35+00:00");
    assert_eq!((missing.len(), missing[0].reason.as_str()), (1, "forbidden"));

    let fake = Fake::start(&[("/version", &[version]), (namespace, &[Reply::Status(401, "", String::new())])]);
    let error = fake.cluster().identity().await.unwrap_err();
    assert!(
        error.to_string().starts_with("uid of the namespace kube-system at https://fake: unauthorized: HTTP 401 Unauthorized; "),
        "{error}"
    );
}

#[tokio::test]
async fn schemas_come_from_where_the_index_says_and_nowhere_else() {
    let index = r#"{"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1?hash=AB"},
        "apis/a.io/v1":{"serverRelativeURL":"/api/v1/secrets"},"apis/b.io/v1":{"serverRelativeURL":"/openapi/v3/apis/b.io/v1?hash=old"}}}"#;
    let fake = Fake::start(&[
        ("/openapi/v3", &[json(index)]),
        ("/openapi/v3/api/v1?hash=AB", &[json(r#"{"core":1}"#)]),
        ("/openapi/v3/apis/b.io/v1?hash=old", &[Reply::Status(301, "", String::new())]),
        ("/openapi/v3/apis/b.io/v1", &[json(r#"{"b":1}"#)]),
    ]);
    let wanted: BTreeSet<(String, String)> = ["", "a.io", "b.io", "c.io"].map(|group| (group.to_owned(), "v1".to_owned())).into();
    let mut got = Vec::new();
    let missing = fake.cluster().schemas(&wanted, &mut |group, _, text| got.push((group.to_owned(), text.to_vec()))).await;
    assert_eq!(got, [(String::new(), br#"{"core":1}"#.to_vec()), ("b.io".to_owned(), br#"{"b":1}"#.to_vec())]);
    let missing: Vec<_> = missing.iter().map(|missing| (missing.subject.as_str(), missing.reason.as_str())).collect();
    assert_eq!(missing, [("schema of a.io/v1", "malformed answer"), ("schema of c.io/v1", "not found")]);
    assert!(!fake.asked().contains(&"/api/v1/secrets".to_owned()));
}

fn recordable() -> Fake {
    let secret =
        format!(r#"{{"metadata":{{"name":"s","namespace":"shop","managedFields":[{{"manager":"m"}}]}},"data":{{"p":"{CANARY}"}}}}"#);
    let secrets = format!(r#"{{"kind":"SecretList","apiVersion":"v1","metadata":{{}},"items":[{secret}]}}"#);
    Fake::start(&[
        ("/version", &[json(r#"{"gitVersion":"v1.36.3"}"#)]),
        ("/api/v1/namespaces/kube-system", &[json(r#"{"metadata":{"uid":"u-1"}}"#)]),
        ("/api", &[json(EMPTY_GROUPS)]),
        ("/apis", &[json(STALE)]),
        ("/openapi/v3", &[json(r#"{"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1?hash=AB"}}}"#)]),
        ("/openapi/v3/api/v1?hash=AB", &[json("{}")]),
        ("/api/v1/secrets?limit=500", &[Reply::Json(secrets)]),
        (FIRST, &[Reply::Json(list("ConfigMap", "", &["b", "a"]))]),
        ("/api/v1/pods?limit=500", &[Reply::Status(403, "", String::new())]),
    ])
}

#[tokio::test]
async fn a_capture_gives_what_the_cluster_gave() {
    let cluster = recordable().cluster();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("recorded");
    let listings = [all("Secret"), all("ConfigMap"), all("Pod")];
    let schemas: BTreeSet<_> = [(String::new(), "v1".to_owned())].into();
    let kinds = cluster.kinds().await.unwrap();
    let time = chrono::DateTime::UNIX_EPOCH;
    for _ in 0..2 {
        let captured = capture(&cluster, &listings, &kinds, &schemas, &folder, time).await.unwrap();
        assert_eq!((captured.objects, reasons(&captured.gaps)), (3, vec![(None, "forbidden")]));
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "nothing unfinished stays");

    let recorded = Cluster::open(&folder, None).unwrap();
    assert_eq!(recorded.identity().await.unwrap(), cluster.identity().await.unwrap());
    assert_eq!(recorded.kinds().await.unwrap().all, kinds.all);
    assert!(recorded.kinds().await.unwrap().is_unknown_group("a.io"));
    assert!(recorded.schemas(&schemas, &mut |_, _, text| assert_eq!(text, b"{}")).await.is_empty());
    let mut objects = Vec::new();
    let mut listings = listings.to_vec();
    listings.push(all("Node"));
    let gaps = recorded
        .each_page(&listings, &|_| true, &mut |page| match page {
            Page::Objects(_, page) => objects.extend(page),
            Page::Restarted(_) => unreachable!(),
        })
        .await;
    assert_eq!(objects.iter().map(|object| object.id.name.as_str()).collect::<Vec<_>>(), ["s", "a", "b"]);
    assert!(is_digest(&objects[0].manifest.value()["data"]["p"]));
    assert_eq!(objects[0].managed_fields.as_ref().unwrap().get(), r#"[{"manager":"m"}]"#);
    let told: Vec<_> = gaps.iter().map(|gap| (gap.listing, gap.reason.as_str())).collect();
    assert_eq!(told, [(2, "not in the recording"), (3, "not in the recording")]);

    let mut live = serde_json::json!({"apiVersion": "v1", "kind": "Secret", "data": {"p": CANARY}});
    recorded.redactor().redact(&mut live);
    assert_eq!(live["data"], objects[0].manifest.value()["data"], "the key of the capture makes the same digests");
    assert!(!whole_text(&folder).contains(CANARY));
}

#[tokio::test]
async fn asked_namespaces_are_taken_from_a_recording_of_all() {
    let cluster = recordable().cluster();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("recorded");
    let names = |names: &[&str]| Scope::Namespaces(names.iter().map(|name| (*name).to_owned()).collect());
    let listing = |scope| [Listing { kind: kind("ConfigMap"), scope }];
    let kinds = cluster.kinds().await.unwrap();
    capture(&cluster, &listing(Scope::All), &kinds, &BTreeSet::new(), &folder, chrono::DateTime::UNIX_EPOCH).await.unwrap();
    let recorded = Cluster::open(&folder, Some("other".into())).unwrap();
    assert_eq!(recorded.identity().await.unwrap().0.name, "other");
    assert_eq!(read(&recorded, &listing(names(&["shop", "bank"]))).await, (vec!["+a".to_owned(), "+b".to_owned()], Vec::new()));
    assert_eq!(read(&recorded, &listing(names(&["bank"]))).await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_recording_of_some_namespaces_is_not_whole() {
    let fake = Fake::start(&[
        ("/version", &[json(r#"{"gitVersion":"v1"}"#)]),
        ("/api/v1/namespaces/kube-system", &[json(r#"{"metadata":{"uid":"u"}}"#)]),
        ("/api/v1/namespaces/shop/configmaps?limit=500", &[Reply::Json(list("ConfigMap", "", &["a"]))]),
        ("/api/v1/namespaces/bank/configmaps?limit=500", &[Reply::Status(403, "", String::new())]),
    ]);
    let names = |names: &[&str]| Scope::Namespaces(names.iter().map(|name| (*name).to_owned()).collect());
    let listing = |scope| [Listing { kind: kind("ConfigMap"), scope }];
    let place = tempfile::tempdir().unwrap();
    let kinds = crate::model::kind::Kinds::default();
    let asked = listing(names(&["shop", "bank"]));
    capture(&fake.cluster(), &asked, &kinds, &BTreeSet::new(), place.path(), chrono::DateTime::UNIX_EPOCH).await.unwrap();
    let recorded = Cluster::open(place.path(), None).unwrap();
    let (told, gaps) = read(&recorded, &listing(names(&["shop", "bank", "other"]))).await;
    assert_eq!(told, ["+a"]);
    assert_eq!(reasons(&gaps), [(Some("bank"), "not in the recording"), (Some("other"), "not in the recording")]);
    let (told, gaps) = read(&recorded, &listing(Scope::All)).await;
    assert_eq!((told, reasons(&gaps)), (vec!["+a".to_owned()], vec![(None, "not in the recording")]));
    assert!(read(&recorded, &listing(names(&["shop"]))).await.1.is_empty());
}

#[tokio::test]
async fn an_object_that_a_recording_holds_twice_is_not_believed() {
    let cluster = recordable().cluster();
    let place = tempfile::tempdir().unwrap();
    let listings = [all("ConfigMap")];
    let kinds = cluster.kinds().await.unwrap();
    capture(&cluster, &listings, &kinds, &BTreeSet::new(), place.path(), chrono::DateTime::UNIX_EPOCH).await.unwrap();
    let file = place.path().join("objects/core_v1_ConfigMap.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let second =
        text.lines().find(|line| line.contains(r#""name":"b""#)).unwrap().replace(r#""metadata""#, r#""data":{"x":"y"},"metadata""#);
    std::fs::write(&file, text.replacen('[', &format!("[{second},"), 1)).unwrap();
    let (told, gaps) = read(&Cluster::open(place.path(), None).unwrap(), &listings).await;
    assert_eq!(told.rsplit(|told| told == "restart").next().unwrap(), ["+a"]);
    assert_eq!(reasons(&gaps), [(None, "malformed answer")]);
    assert!(gaps[0].detail.as_ref().unwrap().contains("ConfigMap shop/b stands there more than once"), "{gaps:?}");
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn absences(told: &[crate::model::coverage::NotEvaluated]) -> Vec<(&str, &str)> {
    told.iter().map(|gap| (gap.subject.as_str(), gap.reason.as_str())).collect()
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_told_and_one_that_may_not_be_read_is_not() {
    let fake = Fake::start(&[
        ("/api/v1/namespaces/shop", &[json(r#"{"metadata":{"uid":"u"}}"#)]),
        ("/api/v1/namespaces/shpo", &[Reply::Status(404, "", String::new())]),
        ("/api/v1/namespaces/bank", &[Reply::Status(403, "", String::new())]),
        ("/api/v1/namespaces/slow", &[Reply::Status(500, "", String::new())]),
    ]);
    let told = fake.cluster().absent_namespaces(&names(&["shop", "shpo", "bank", "slow", "../nodes"])).await;
    assert_eq!(absences(&told), [("namespace shpo", "namespace not found"), ("namespace slow", "server error")]);
}

#[tokio::test]
async fn a_recording_says_that_a_namespace_is_not_there_only_where_it_holds_all_of_them() {
    let namespaces = |limit: &str| {
        (
            format!("/api/v1/namespaces{limit}"),
            r#"{"kind":"NamespaceList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"shop"}}]}"#,
        )
    };
    let (path, list) = namespaces("?limit=500");
    let fake = Fake::start(&[
        ("/version", &[json(r#"{"gitVersion":"v1"}"#)]),
        ("/api/v1/namespaces/kube-system", &[json(r#"{"metadata":{"uid":"u"}}"#)]),
        (path.as_str(), &[json(list)]),
    ]);
    let namespace = Kind { namespaced: false, ..kind("Namespace") };
    let kinds = crate::model::kind::Kinds { all: vec![namespace.clone()], ..Default::default() };
    let told = async |listings: &[Listing]| {
        let place = tempfile::tempdir().unwrap();
        capture(&fake.cluster(), listings, &kinds, &BTreeSet::new(), place.path(), chrono::DateTime::UNIX_EPOCH).await.unwrap();
        Cluster::open(place.path(), None).unwrap().absent_namespaces(&names(&["shop", "shpo"])).await
    };
    let whole = Listing { kind: namespace.clone(), scope: Scope::All };
    assert_eq!(absences(&told(&[whole]).await), [("namespace shpo", "namespace not found")]);
    assert_eq!(told(&[]).await, []);
}

#[tokio::test]
async fn a_capture_does_not_replace_what_is_none() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mine.txt"), "kept").unwrap();
    let kinds = crate::model::kind::Kinds::default();
    let cluster = recordable().cluster();
    let refused = capture(&cluster, &[], &kinds, &BTreeSet::new(), place.path(), chrono::DateTime::UNIX_EPOCH).await;
    assert!(matches!(refused, Err(Error::Recording { .. })));
    assert_eq!(cluster.requests(), 0);
    assert_eq!(std::fs::read_to_string(place.path().join("mine.txt")).unwrap(), "kept");
}

fn whole_text(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        text.push_str(&if path.is_dir() { whole_text(&path) } else { std::fs::read_to_string(&path).unwrap() });
    }
    text
}
