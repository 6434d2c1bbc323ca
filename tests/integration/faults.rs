//! Whatever goes wrong between the program and the server: the record says that it is partial and why, and nothing is told
//! of an object that was not seen.
//!
//! The oracle is the record of the same scan without a fault: under a fault an object is what it is there, or unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::control_plane::{Namespace, control_plane};
use crate::harness::keys::ALICE;
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::proxy::{Fault, Proxy, Rule};
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// Declarations of a namespace, what is live there, and what a scan tells of it where nothing goes wrong.
struct Fleet {
    /// As `--source` takes it.
    source: String,
    namespace: Namespace,
    whole: Value,
}

const APPLIED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: example.com/web:1.4 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: scaled }
spec:
  replicas: 2
  selector: { matchLabels: { app: scaled } }
  template:
    metadata: { labels: { app: scaled } }
    spec: { containers: [{ name: web, image: example.com/web:1.4 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: kept }
data: { colour: green }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: edited }
data: { colour: green }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader }
rules: [{ apiGroups: [''], resources: [pods], verbs: [get] }]
";

const NOT_APPLIED: &str = "
---
apiVersion: v1
kind: ConfigMap
metadata: { name: never-applied }
data: { colour: green }
";

/// Seven objects, of which one was changed by hand, one is missing, and one is scaled by an autoscaler that nobody declares.
fn fleet() -> &'static Fleet {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    FLEET.get_or_init(|| {
        let namespace = control_plane().namespace("faulty");
        namespace.kubectl.apply(APPLIED);
        namespace.kubectl.succeed(["patch", "configmap", "edited", "--type=merge", "-p", r#"{"data":{"colour":"red"}}"#]);
        namespace.kubectl.succeed(["autoscale", "deployment", "scaled", "--min=3", "--max=5"]);
        // As its controller does, which takes its time.
        let scale = ["patch", "deployment", "scaled", "--subresource=scale", "--field-manager=kube-controller-manager"];
        namespace.kubectl.program(scale).args(["--type=merge", "-p", r#"{"spec":{"replicas":3}}"#]).succeed();
        // No pod will ever run. Once the controller has written that, it writes no more, and two scans see the same.
        let status = "jsonpath={.status.observedGeneration} {.status.replicas} {.status.updatedReplicas} {.status.unavailableReplicas}";
        for (deployment, settled) in [("web", "1 1 1 1"), ("scaled", "2 3 3 3")] {
            namespace.kubectl.wait_until(&["get", "deployment", deployment, "-o", status], |told| told == settled);
        }
        Fleet::new(namespace, &[APPLIED, NOT_APPLIED].concat(), 7)
    })
}

impl Fleet {
    fn new(namespace: Namespace, declared: &str, population: u64) -> Self {
        let repository = Repository::new();
        let declared = declared.replace("metadata: { name:", &format!("metadata: {{ namespace: {}, name:", namespace.name));
        repository.write("fleet.yaml", declared).commit(&ALICE, "Declare the fleet").signed_by(&ALICE.openpgp());
        let source = format!("fleet={}", repository.path().display());
        let fleet = Self { source, namespace, whole: Value::Null };
        let output = fleet.scan(&control_plane().admin().kubeconfig).run();
        let whole = output.record();
        assert_eq!((&whole["status"], population_of(&whole)), (&"complete".into(), population), "{output:?}");
        assert_eq!(output.status, Some(1), "{output:?}");
        Self { whole, ..fleet }
    }

    fn scan(&self, kubeconfig: &Path) -> Kubewitness {
        Kubewitness::new(["scan", "--source", &self.source, "-o", "json"]).kubeconfig(kubeconfig)
    }

    /// A scan through a proxy that breaks some answers.
    fn scan_under(&self, rules: Vec<Rule>) -> (Output, Proxy) {
        let proxy = Proxy::start(&control_plane().admin(), rules);
        let output = self.scan(&proxy.kubeconfig).run();
        assert_orderly(&output);
        assert!(proxy.injected() > 0, "the fault was met: {:?}", proxy.requests());
        (output, proxy)
    }

    /// Asserts that a scan gets over a fault: it tells what it tells without.
    fn assert_gets_over(&self, rule: Rule) -> Proxy {
        let (output, proxy) = self.scan_under(vec![rule]);
        let record = output.record();
        assert_eq!((output.status, &record["status"]), (Some(1), &"complete".into()), "{output:?}");
        for part in ["objects", "findings", "coverage", "notEvaluated"] {
            assert_eq!(record[part], self.whole[part]);
        }
        proxy
    }

    /// Asserts that a fault makes the scan partial, that exactly these objects are unknown and for this reason, and that all else
    /// is what it is without the fault.
    fn assert_partial(&self, rules: Vec<Rule>, unknown: &[&str], reason: &str) -> Value {
        let (output, _) = self.scan_under(rules);
        let record = self.partial(&output);
        let told: BTreeMap<String, &Value> = unknown_in(&record);
        let expected: BTreeMap<String, Value> = unknown.iter().map(|object| ((*object).to_owned(), reason.into())).collect();
        assert_eq!(told, expected.iter().map(|(object, reason)| (object.clone(), reason)).collect());
        record
    }

    /// The record of a scan that could not judge everything; fails the test where it tells of an object anything but what is so.
    fn partial(&self, output: &Output) -> Value {
        let record = output.record();
        assert_eq!((output.status, &record["status"]), (Some(4), &"partial".into()), "{output:?}");
        let gaps = items(&record["notEvaluated"]).len() + items(&record["coverage"]["unlisted"]).len();
        assert!(gaps > 0, "it says what it is partial in: {record:#}");
        assert_eq!(population_of(&record), population_of(&self.whole), "{record:#}");

        let states = |record: &Value| -> BTreeMap<String, Value> {
            items(&record["objects"]).iter().map(|object| (name_of(object), object["state"].clone())).collect()
        };
        let whole = states(&self.whole);
        for (object, state) in states(&record) {
            assert!(state == "unknown" || whole.get(&object) == Some(&state), "{object} is told to be {state}");
        }
        let fingerprints = |record: &Value| -> BTreeSet<String> {
            let found = items(&record["findings"]).iter().filter(|finding| finding["rule"] != "not-evaluated");
            found.map(|finding| finding["fingerprint"].to_string()).collect()
        };
        assert!(fingerprints(&record).is_subset(&fingerprints(&self.whole)), "{:#}", record["findings"]);
        let unknown = unknown_in(&record);
        assert_eq!(record["coverage"]["notEvaluated"], unknown.len(), "{record:#}");
        for object in unknown.keys() {
            let named = items(&record["notEvaluated"]).iter().any(|gap| gap["object"].is_object() && name_of(&gap["object"]) == *object);
            assert!(named, "{object} is unknown, but not among what was not evaluated: {:#}", record["notEvaluated"]);
        }
        record
    }

    /// The path at which objects of a kind are listed.
    fn list_of(&self, api: &str, plural: &str) -> String {
        format!("/{api}/namespaces/{}/{plural}", self.namespace.name)
    }

    fn config_maps(&self) -> String {
        self.list_of("api/v1", "configmaps")
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// `Kind/name`; the namespace is the fleet's.
fn name_of(object: &Value) -> String {
    let text = |field: &str| object[field].as_str().expect("an object has kind and name").to_owned();
    format!("{}/{}", text("kind"), text("name"))
}

/// The objects of which nothing is told, and why.
fn unknown_in(record: &Value) -> BTreeMap<String, &Value> {
    let unknown = items(&record["objects"]).iter().filter(|object| object["state"] == "unknown");
    unknown.map(|object| (name_of(object), &object["reason"])).collect()
}

fn population_of(record: &Value) -> u64 {
    ["evaluated", "excluded", "notEvaluated"].iter().map(|part| record["coverage"][part].as_u64().expect("a count")).sum()
}

/// No fault is answered by a crash.
fn assert_orderly(output: &Output) {
    assert!(matches!(output.status, Some(0 | 1 | 3 | 4)), "{output:?}");
    assert!(!output.stderr.contains("panicked") && !output.stderr.contains("RUST_BACKTRACE"), "{output:?}");
}

/// Asserts that there is no record at all, exit code 3, and an error that says this.
fn assert_fails(output: &Output, words: &[&str]) {
    assert_orderly(output);
    assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""), "{output:?}");
    for word in words {
        assert!(output.stderr.contains(word), "{word:?} is not in: {output:?}");
    }
}

const CONFIG_MAPS: [&str; 3] = ["ConfigMap/edited", "ConfigMap/kept", "ConfigMap/never-applied"];

fn unlisted(record: &Value) -> Vec<(&str, &str)> {
    items(&record["coverage"]["unlisted"])
        .iter()
        .map(|kind| (kind["kind"].as_str().expect("a kind"), kind["reason"].as_str().expect("a reason")))
        .collect()
}

/// Asserts that a fault that does not pass leaves the ConfigMaps, and only them, unknown for this reason.
fn assert_config_maps_unknown(fault: Fault, reason: &str) {
    let fleet = fleet();
    let record = fleet.assert_partial(vec![Rule::get(fleet.config_maps(), fault)], &CONFIG_MAPS, reason);
    assert_eq!(unlisted(&record), [("ConfigMap", reason)]);
}

#[test]
fn a_forbidden_kind_is_unknown() {
    assert_config_maps_unknown(Fault::Forbidden, "forbidden");
}

#[test]
fn too_many_requests_are_waited_out_as_long_as_the_server_says() {
    let started = Instant::now();
    let rule = Rule::get(fleet().config_maps(), Fault::TooManyRequests { retry_after: 2 }).times(1);
    assert_eq!(fleet().assert_gets_over(rule).injected(), 1);
    assert!(started.elapsed() >= Duration::from_secs(2));
}

#[test]
fn too_many_requests_for_ever_leave_a_kind_unknown() {
    assert_config_maps_unknown(Fault::TooManyRequests { retry_after: 0 }, "too many requests");
}

#[test]
fn a_pause_of_hours_is_not_waited_for() {
    assert_config_maps_unknown(Fault::TooManyRequests { retry_after: 7200 }, "too many requests");
}

#[test]
fn passing_errors_of_the_server_are_got_over() {
    let proxy = fleet().assert_gets_over(Rule::get(fleet().config_maps(), Fault::InternalError).times(3));
    assert_eq!(proxy.injected(), 3);
}

#[test]
fn lasting_errors_of_the_server_leave_a_kind_unknown() {
    assert_config_maps_unknown(Fault::InternalError, "server error");
}

#[test]
fn a_backend_that_is_not_there_leaves_a_kind_unknown() {
    assert_config_maps_unknown(Fault::Unavailable, "server error");
}

#[test]
fn a_kind_that_vanished_since_discovery_is_unknown() {
    assert_config_maps_unknown(Fault::NotFound, "not found");
}

#[test]
fn a_page_cut_once_is_read_again() {
    let proxy = fleet().assert_gets_over(Rule::get(fleet().config_maps(), Fault::CutBody).times(1));
    assert_eq!(proxy.injected(), 1);
}

#[test]
fn a_page_that_is_always_cut_leaves_a_kind_unknown() {
    assert_config_maps_unknown(Fault::CutBody, "connection cut");
}

#[test]
fn a_connection_that_always_ends_leaves_a_kind_unknown() {
    assert_config_maps_unknown(Fault::NoAnswer, "connection cut");
}

#[test]
fn a_page_of_a_captive_portal_leaves_a_kind_unknown() {
    assert_config_maps_unknown(Fault::NotJson, "malformed answer");
}

#[test]
fn a_listing_that_expires_at_once_is_unknown() {
    assert_config_maps_unknown(Fault::Expired { resume: None }, "expired");
}

/// A fleet whose ConfigMaps fill two pages: one declared object is on the first, one on the second, one on neither.
fn large() -> &'static Fleet {
    static FLEET: OnceLock<Fleet> = OnceLock::new();
    FLEET.get_or_init(|| {
        let namespace = control_plane().namespace("large");
        let config_map = |name: String| serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
        let many: Vec<Value> = (0..600).map(|number| config_map(format!("filler-{number:03}"))).collect();
        let many = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": many });
        namespace.kubectl.program(["create", "-f", "-"]).input(many.to_string()).succeed();
        let named = |name: &str| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\n");
        Fleet::new(namespace, &[named("filler-001"), named("filler-599"), named("filler-999")].concat(), 3)
    })
}

const OF_TWO_PAGES: [&str; 3] = ["ConfigMap/filler-001", "ConfigMap/filler-599", "ConfigMap/filler-999"];

fn second_page(fault: Fault) -> Rule {
    Rule::get(large().config_maps(), fault).with_query("continue=")
}

#[test]
fn a_list_that_expires_on_its_way_is_read_as_a_whole() {
    let proxy = large().assert_gets_over(second_page(Fault::Expired { resume: None }));
    assert_eq!(proxy.injected(), 1);
    assert!(proxy.requests().iter().any(|request| request.ends_with("/configmaps")), "{:?}", proxy.requests());
}

#[test]
fn an_offer_to_go_on_inconsistently_is_not_taken() {
    let resume = Some("inconsistent".to_owned());
    let proxy = large().assert_gets_over(second_page(Fault::Expired { resume }));
    assert!(!proxy.requests().iter().any(|request| request.contains("inconsistent")), "{:?}", proxy.requests());
}

#[test]
fn a_list_that_expires_and_then_fails_as_a_whole_is_unknown() {
    let whole = Rule::get(large().config_maps(), Fault::InternalError).after(1);
    let record = large().partial(&large().scan_under(vec![second_page(Fault::Expired { resume: None }), whole]).0);
    // What the first page brought is void; it may have been deleted and made again since.
    assert_eq!(unknown_in(&record).keys().collect::<Vec<_>>(), OF_TWO_PAGES.iter().collect::<Vec<_>>());
    assert_eq!(unlisted(&record), [("ConfigMap", "server error")]);
}

#[test]
fn what_stands_on_a_page_that_never_comes_is_unknown() {
    for fault in [Fault::CutBody, Fault::Forbidden, Fault::InternalError] {
        let (output, _) = large().scan_under(vec![second_page(fault)]);
        let record = large().partial(&output);
        // The first page was seen, so that its objects are judged; the others may be on the second.
        assert_eq!(unknown_in(&record).keys().collect::<Vec<_>>(), ["ConfigMap/filler-599", "ConfigMap/filler-999"]);
    }
}

#[test]
fn a_second_page_cut_once_is_read_again() {
    large().assert_gets_over(second_page(Fault::CutBody).times(1));
}

#[test]
fn a_stale_group_is_asked_itself() {
    let proxy = fleet().assert_gets_over(Rule::get("/apis", Fault::StaleGroup("apps".into())));
    assert!(proxy.requests().contains(&"GET /apis/apps/v1".to_owned()), "{:?}", proxy.requests());
}

#[test]
fn objects_of_a_stale_group_that_does_not_answer_are_unknown() {
    let rules = vec![Rule::get("/apis", Fault::StaleGroup("apps".into())), Rule::get("/apis/apps/v1", Fault::Unavailable)];
    fleet().assert_partial(rules, &["Deployment/scaled", "Deployment/web"], "server error");
}

#[test]
fn without_the_autoscalers_a_number_of_replicas_is_no_drift() {
    let fleet = fleet();
    assert!(items(&fleet.whole["objects"]).iter().any(|object| name_of(object) == "Deployment/scaled" && object["state"] == "synced"));
    let autoscalers = fleet.list_of("apis/autoscaling/v2", "horizontalpodautoscalers");
    let record = fleet.partial(&fleet.scan_under(vec![Rule::get(autoscalers, Fault::Forbidden)]).0);
    assert_eq!(unknown_in(&record).keys().collect::<Vec<_>>(), ["Deployment/scaled"]);
    assert_eq!(unlisted(&record), [("HorizontalPodAutoscaler", "forbidden")]);
}

#[test]
fn without_the_core_group_its_objects_are_unknown() {
    let core = [&CONFIG_MAPS[..], &["Service/web"]].concat();
    fleet().assert_partial(vec![Rule::get("/api", Fault::Forbidden)], &core, "forbidden");
}

#[test]
fn without_any_schema_the_record_is_partial() {
    let record = fleet().partial(&fleet().scan_under(vec![Rule::get("/openapi/v3", Fault::NotFound)]).0);
    let subjects: Vec<&str> = items(&record["notEvaluated"]).iter().filter_map(|gap| gap["subject"].as_str()).collect();
    assert!(subjects.contains(&"schema of v1") && subjects.contains(&"schema of apps/v1"), "{subjects:?}");
}

#[test]
fn without_the_schema_of_one_group_the_record_is_partial() {
    let proxy = Proxy::start(&control_plane().admin(), vec![Rule::get("/openapi/v3/apis/apps/v1", Fault::InternalError)]);
    let cache = scratch::new_folder("cache");
    let cache = cache.to_str().expect("the path of the scratch folder is UTF-8");
    let output = fleet().scan(&proxy.kubeconfig).env("XDG_CACHE_HOME", cache).run();
    let record = fleet().partial(&output);
    let subjects: Vec<&str> = items(&record["notEvaluated"]).iter().filter_map(|gap| gap["subject"].as_str()).collect();
    assert!(subjects.contains(&"schema of apps/v1") && !subjects.contains(&"schema of v1"), "{subjects:?}");
}

#[test]
fn without_its_version_the_cluster_is_judged_and_the_record_is_partial() {
    let record = fleet().assert_partial(vec![Rule::get("/version", Fault::InternalError)], &[], "");
    assert_eq!(record["notEvaluated"][0]["subject"], "version of the cluster");
    assert_eq!(record["cluster"].get("version"), None);
}

#[test]
fn without_discovery_there_is_no_scan() {
    let (output, _) = fleet().scan_under(vec![Rule::get("/api*", Fault::Unavailable)]);
    assert_fails(&output, &["/apis", "server error"]);
}

#[test]
fn a_wrong_token_is_told_as_that() {
    let output = fleet().scan(&control_plane().kubeconfig_with("this-is-no-token")).run();
    assert_fails(&output, &["unauthorized", "kubeconfig"]);
    assert!(!output.stderr.contains("this-is-no-token"), "{output:?}");
}

#[test]
fn a_server_that_is_not_there_is_told_as_that() {
    // Nobody listens on the port of tcpmux.
    let kubeconfig = control_plane().kubeconfig_for("http://127.0.0.1:1", &control_plane().admin());
    assert_fails(&fleet().scan(&kubeconfig).run(), &["refused"]);
}

/// Whatever answer is the last one: no scan, a partial one, or, once everything was answered, the whole.
#[test]
fn a_server_that_goes_away_at_any_moment_leaves_nothing_untrue() {
    let admin = control_plane().admin();
    let quiet = Proxy::start(&admin, Vec::new());
    assert_eq!(fleet().scan(&quiet.kubeconfig).run().status, Some(1));
    let requests = quiet.requests().len();
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let scans: Vec<_> = (0..requests)
            .map(|answered| {
                scope.spawn(move || {
                    let (output, _) = fleet().scan_under(vec![Rule::get("*", Fault::NoAnswer).after(answered)]);
                    match output.status {
                        Some(3) => assert_eq!(output.stdout, "", "{output:?}"),
                        _ => drop(fleet().partial(&output)),
                    }
                    output.status
                })
            })
            .collect();
        scans.into_iter().map(|scan| scan.join().expect("the record tells nothing untrue")).collect()
    });
    assert_eq!((codes.first(), codes.last()), (Some(&Some(3)), Some(&Some(4))), "{codes:?}");
}

/// As long as no test runs.
const FOR_EVER: Duration = Duration::from_secs(600);

#[test]
fn time_that_is_up_leaves_unknown_what_was_not_listed() {
    let proxy = Proxy::start(&control_plane().admin(), vec![Rule::get(fleet().config_maps(), Fault::Silence(FOR_EVER))]);
    let started = Instant::now();
    let output = fleet().scan(&proxy.kubeconfig).arg("--timeout").arg("10s").run();
    assert_orderly(&output);
    assert!(started.elapsed() < Duration::from_secs(30), "the time is heeded");
    let record = fleet().partial(&output);
    for object in CONFIG_MAPS {
        assert_eq!(unknown_in(&record).get(object), Some(&&"timed out".into()), "{record:#}");
    }
    assert!(unlisted(&record).contains(&("ConfigMap", "timed out")), "{record:#}");
}

#[test]
fn time_that_is_up_before_there_is_anything_to_judge_is_a_failure() {
    for path in ["/version", "/apis"] {
        let proxy = Proxy::start(&control_plane().admin(), vec![Rule::get(path, Fault::Silence(FOR_EVER))]);
        let output = fleet().scan(&proxy.kubeconfig).arg("--timeout").arg("3s").run();
        assert_fails(&output, &["not done in time"]);
    }
}

#[test]
fn who_is_asked_to_end_reports_what_was_judged_so_far() {
    let proxy = Proxy::start(&control_plane().admin(), vec![Rule::get(fleet().config_maps(), Fault::Silence(FOR_EVER))]);
    let running = fleet().scan(&proxy.kubeconfig).start();
    wait_until("the silence", || proxy.injected() > 0);
    running.terminate();
    let output = running.wait();
    assert_orderly(&output);
    let record = fleet().partial(&output);
    for object in CONFIG_MAPS {
        assert_eq!(unknown_in(&record).get(object), Some(&&"interrupted".into()), "{record:#}");
    }
    assert!(output.stderr.contains("interrupted"), "{output:?}");
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_terminal_says_what_was_not_evaluated_and_why() {
    let proxy = Proxy::start(&control_plane().admin(), vec![Rule::get(fleet().config_maps(), Fault::Forbidden)]);
    let scan = Kubewitness::new(["scan", "--source", &fleet().source]).kubeconfig(&proxy.kubeconfig);
    let output = scan.run();
    assert_eq!(output.status, Some(4), "{output:?}");
    let told = output.stdout.to_lowercase();
    assert!(told.contains("not evaluated") && told.contains("forbidden"), "{}", output.stdout);
    assert!(!told.contains("missing"), "{}", output.stdout);
}

/// A recording of the fleet's namespace in a folder that has nothing else in it.
fn capture(proxy: &Proxy) -> (PathBuf, Kubewitness) {
    let folder = scratch::new_folder("captured");
    let recording = folder.join("recording").display().to_string();
    let capture = Kubewitness::new(["capture", "-o", &recording, "-n", &fleet().namespace.name]).kubeconfig(&proxy.kubeconfig);
    (folder, capture)
}

#[test]
fn what_was_not_recorded_is_unknown_in_a_scan_of_the_recording() {
    let proxy = Proxy::start(&control_plane().admin(), vec![Rule::get(fleet().config_maps(), Fault::Forbidden)]);
    let (folder, capture) = capture(&proxy);
    let output = capture.run();
    assert_eq!(output.status, Some(4), "{output:?}");
    assert!(output.stderr.contains("ConfigMap") && output.stderr.contains("forbidden"), "{output:?}");
    let recording = folder.join("recording").display().to_string();
    let record = fleet().partial(&fleet().scan(&proxy.kubeconfig).arg("--recording").arg(&recording).run());
    let absent = Value::from("not in the recording");
    assert_eq!(unknown_in(&record), CONFIG_MAPS.iter().map(|object| ((*object).to_owned(), &absent)).collect());
    let details =
        items(&record["notEvaluated"]).iter().filter(|gap| gap["object"]["kind"] == "ConfigMap").map(|gap| gap["detail"].as_str());
    assert!(details.into_iter().all(|detail| detail.is_some_and(|detail| detail.contains("forbidden"))), "{record:#}");
}

#[test]
fn a_recording_that_ends_early_leaves_nothing_behind() {
    let silence = || vec![Rule::get(fleet().config_maps(), Fault::Silence(FOR_EVER))];
    let proxy = Proxy::start(&control_plane().admin(), silence());
    let (timed_out, capture_for_a_time) = capture(&proxy);
    assert_fails(&capture_for_a_time.arg("--timeout").arg("5s").run(), &["recording was not done in time"]);

    let proxy = Proxy::start(&control_plane().admin(), silence());
    let (interrupted, capture) = capture(&proxy);
    let running = capture.start();
    wait_until("the silence", || proxy.injected() > 0);
    running.terminate();
    assert_fails(&running.wait(), &["recording was interrupted"]);
    for folder in [timed_out, interrupted] {
        let left: Vec<_> = std::fs::read_dir(&folder).expect("a scratch folder can be read").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
