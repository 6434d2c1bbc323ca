//! Eight changes to a fleet by six managers, none of them in Git, and what a scan has to say of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::fleet::Fleet;
use super::scratch;

/// Makes the changes, and waits until the controllers have acted on them.
pub(crate) fn make(fleet: &Fleet) {
    let shop = fleet.kubectl("shop");
    let editor = scratch::new_folder("editor").join("editor");
    fs::write(&editor, "#!/bin/sh\nexec sed -i 's/^    pool = 10$/    pool = 100/' \"$1\"\n").expect("a scratch file can be written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("a scratch file can be made executable");
    shop.program(["edit", "configmap/settings"]).env("KUBE_EDITOR", &editor).succeed();

    let image = r#"{"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop/web:1.5"}]}}}}"#;
    shop.succeed(["patch", "deployment/web", "--patch", image]);
    shop.succeed(["scale", "deployment/web", "--replicas=5"]);
    shop.succeed(["set", "env", "deployment/web", "--containers=web", "CURRENCY-"]);
    shop.succeed(["set", "env", "deployment/web", "--containers=web", "LOG_LEVEL=debug"]);
    shop.succeed(["label", "networkpolicy/web", "reviewed=no"]);
    let sidecar =
        r#"{"spec": {"template": {"spec": {"containers": [{"name": "debug", "image": "busybox:1.36", "command": ["sleep", "1h"]}]}}}}"#;
    shop.succeed(["patch", "deployment/cart", "--field-manager=k9s", "--patch", sidecar]);
    shop.succeed(["delete", "service/legacy"]);
    fleet.settle();
}

/// What was said of a difference, without its values' place and without the time itself.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    /// `Kind/name`.
    pub(crate) object: String,
    pub(crate) field: String,
    pub(crate) verdict: String,
    /// `name/operation` and `/subresource`, where a writer is recorded.
    pub(crate) manager: Option<String>,
    /// Whether it is known when.
    pub(crate) timed: bool,
}

impl Said {
    fn new(object: &str, field: &str, verdict: &str, manager: Option<&str>, timed: bool) -> Self {
        let text = str::to_owned;
        Self { object: text(object), field: text(field), verdict: text(verdict), manager: manager.map(text), timed }
    }
}

const SETTING: &str = r#"data["app.ini"]"#;
const IMAGE: &str = "spec.template.spec.containers[name=web].image";
const LOG_LEVEL: &str = "spec.template.spec.containers[name=web].env[name=LOG_LEVEL].value";
const CURRENCY: &str = "spec.template.spec.containers[name=web].env[name=CURRENCY]";
const SIDECAR: &str = "spec.template.spec.containers[name=debug]";

/// What a scan has to say of the fields that were changed, sorted.
pub(crate) fn expected() -> Vec<Said> {
    let mut expected = vec![
        Said::new("ConfigMap/settings", SETTING, "drifted", Some("kubectl-edit/Update"), true),
        Said::new("Deployment/cart", SIDECAR, "undeclared", Some("k9s/Update"), true),
        Said::new("Deployment/web", "spec.replicas", "drifted", Some("kubectl/Update/scale"), false),
        Said::new("Deployment/web", CURRENCY, "removed", None, false),
        Said::new("Deployment/web", LOG_LEVEL, "drifted", Some("kubectl-set/Update"), true),
        Said::new("Deployment/web", IMAGE, "drifted", Some("kubectl-patch/Update"), true),
        Said::new("NetworkPolicy/web", "metadata.labels.reviewed", "undeclared", Some("kubectl-label/Update"), true),
    ];
    expected.sort();
    expected
}

/// Rule, object and field of every finding that there has to be, sorted.
pub(crate) fn findings() -> Vec<[String; 3]> {
    let of_field = |said: Said| [format!("field-{}", said.verdict), said.object, said.field];
    let mut findings: Vec<[String; 3]> = expected().into_iter().map(of_field).collect();
    findings.push(["object-missing".into(), "Service/legacy".into(), String::new()]);
    findings.sort();
    findings
}

/// The differences of a record that are no server's, controller's or equal, sorted.
pub(crate) fn said_in(record: &Value) -> Vec<Said> {
    let mut said: Vec<Said> = objects(record)
        .flat_map(|object| differences(object).map(move |difference| (object, difference)))
        .filter(|(_, difference)| is_loud(difference))
        .map(|(object, difference)| said_of(object, difference))
        .collect();
    said.sort();
    said
}

/// Whether a difference is none of the server's, of a controller's, or of the text alone.
pub(crate) fn is_loud(difference: &Value) -> bool {
    !["equal", "defaulted", "undeclared-controller"].contains(&word(difference, "verdict"))
}

fn said_of(object: &Value, difference: &Value) -> Said {
    let manager = &difference["manager"];
    let parts = ["name", "operation", "subresource"].into_iter().filter_map(|part| manager[part].as_str());
    let name = parts.collect::<Vec<_>>().join("/");
    Said {
        object: title(object),
        field: word(difference, "field").to_owned(),
        verdict: word(difference, "verdict").to_owned(),
        manager: Some(name).filter(|name| !name.is_empty()),
        timed: manager["time"].is_string(),
    }
}

/// Rule, object and field of every finding of a record, sorted.
pub(crate) fn findings_in(record: &Value) -> Vec<[String; 3]> {
    let findings = record["findings"].as_array().expect("a record has findings").iter();
    let part = |finding: &Value| [word(finding, "rule").into(), title(&finding["object"]), finding["field"].as_str().unwrap_or("").into()];
    let mut parts: Vec<[String; 3]> = findings.map(part).collect();
    parts.sort();
    parts
}

/// The one difference of a record at a field of an object `Kind/name`.
pub(crate) fn difference<'a>(record: &'a Value, object: &str, field: &str) -> &'a Value {
    let mut found = objects(record).filter(|found| title(found) == object).flat_map(differences).filter(|found| found["field"] == field);
    match (found.next(), found.next()) {
        (Some(one), None) => one,
        _ => panic!("{object} has not one difference at {field}: {}", json!(objects(record).collect::<Vec<_>>())),
    }
}

/// `Kind/name` of an object or of a reference to one; empty where there is none.
pub(crate) fn title(object: &Value) -> String {
    match (object["kind"].as_str(), object["name"].as_str()) {
        (Some(kind), Some(name)) => format!("{kind}/{name}"),
        _ => String::new(),
    }
}

pub(crate) fn objects(record: &Value) -> impl Iterator<Item = &Value> {
    record["objects"].as_array().expect("a record has objects").iter()
}

pub(crate) fn differences(object: &Value) -> impl Iterator<Item = &Value> {
    object["differences"].as_array().expect("an object has differences").iter()
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is a text in {value}"))
}
