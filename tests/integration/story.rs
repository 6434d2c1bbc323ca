//! The main job: a fleet that is as Git declares it gives no finding, whoever applied it; what people change in it is found at
//! its field, with its manager, and nothing else is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::drift::{self, difference, differences, objects, title};
use crate::harness::fleet::{Applier, Fleet};
use crate::harness::keys::{ALICE, BOB, CAROL, Person};
use crate::harness::program::Output;

/// How many objects the fleet declares, and of how many kinds.
const OBJECTS: usize = 43;
const KINDS: usize = 26;

/// What is said of objects that are not as declared, for messages.
fn told(record: &Value) -> Vec<String> {
    let of = |object: &Value| {
        let name = format!("{} {}", title(object), object["state"]);
        let loud = differences(object).filter(|difference| drift::is_loud(difference));
        std::iter::once(name.clone()).chain(loud.map(|difference| format!("{name} {difference}"))).collect::<Vec<_>>()
    };
    objects(record).filter(|object| object["state"] != "synced").flat_map(of).collect()
}

fn assert_everything_is_judged(record: &Value) {
    assert_eq!((&record["status"], &record["notEvaluated"]), (&json!("complete"), &json!([])));
    let coverage = &record["coverage"];
    assert_eq!(
        (&coverage["evaluated"], &coverage["notEvaluated"], &coverage["unlisted"]),
        (&json!(OBJECTS), &json!(0), &json!([])),
        "{:#?}",
        told(record)
    );
    let kinds: BTreeSet<String> = objects(record).map(|object| format!("{}/{}", object["group"], object["kind"])).collect();
    assert_eq!((objects(record).count(), kinds.len()), (OBJECTS, KINDS), "{kinds:?}");
    assert!(objects(record).all(|object| object["declared"]["path"].is_string()), "an object that nothing declares is reported");
}

fn assert_clean(output: &Output) {
    let record = output.record();
    assert_eq!((output.status, &record["findings"]), (Some(0), &json!([])), "{:#?}\n{}", told(&record), output.stderr);
    assert_everything_is_judged(&record);
    let states: BTreeSet<&str> = objects(&record).filter_map(|object| object["state"].as_str()).collect();
    assert_eq!(states, BTreeSet::from(["synced"]), "{:#?}", told(&record));
    assert_eq!(drift::said_in(&record), []);
}

#[test]
fn a_fleet_that_kubectl_applied_is_clean_until_people_change_it() {
    let fleet = Fleet::applied_by(Applier::ClientSide);
    assert_clean(&fleet.scan());
    drift::make(&fleet);
    assert_changes_are_found(&fleet, &fleet.scan());
}

#[test]
fn a_fleet_that_flux_applied_is_clean_until_people_change_it() {
    let fleet = Fleet::applied_by(Applier::ServerSide);
    assert_clean(&fleet.scan());
    drift::make(&fleet);
    assert_changes_are_found(&fleet, &fleet.scan());
}

#[test]
fn a_fleet_that_helm_applied_is_clean_until_people_change_it() {
    let fleet = Fleet::applied_by(Applier::Helm);
    assert_clean(&fleet.scan());
    drift::make(&fleet);
    assert_changes_are_found(&fleet, &fleet.scan());
}

fn assert_changes_are_found(fleet: &Fleet, output: &Output) {
    let record = output.record();
    assert_eq!(drift::said_in(&record), drift::expected(), "{:#?}\n{}", told(&record), output.stderr);
    assert_eq!(drift::findings_in(&record), drift::findings());
    assert_eq!(output.status, Some(1), "{}", output.stderr);
    assert_everything_is_judged(&record);

    let changed = objects(&record).filter(|object| object["state"] != "synced");
    let changed: BTreeSet<String> = changed.map(|object| format!("{} {}", title(object), object["state"])).collect();
    let drifted =
        ["ConfigMap/settings", "Deployment/cart", "Deployment/web", "NetworkPolicy/web"].map(|name| format!("{name} \"drifted\""));
    assert_eq!(changed, drifted.into_iter().chain(["Service/legacy \"missing\"".to_owned()]).collect());
    assert_values(&record);
    assert_origins(fleet, &record);
}

fn assert_values(record: &Value) {
    let values = |object: &str, field: &str| {
        let difference = difference(record, object, field);
        (difference["declared"].clone(), difference["live"].clone())
    };
    let container = "spec.template.spec.containers[name=web]";
    assert_eq!(values("Deployment/web", &format!("{container}.image")), (json!("shop/web:1.4"), json!("shop/web:1.5")));
    assert_eq!(values("Deployment/web", "spec.replicas"), (json!(3), json!(5)));
    assert_eq!(values("Deployment/web", &format!("{container}.env[name=LOG_LEVEL].value")), (json!("info"), json!("debug")));
    let currency = json!({ "name": "CURRENCY", "value": "EUR" });
    assert_eq!(values("Deployment/web", &format!("{container}.env[name=CURRENCY]")), (currency, Value::Null));
    assert_eq!(values("NetworkPolicy/web", "metadata.labels.reviewed"), (Value::Null, json!("no")));
    let (declared, live) = values("ConfigMap/settings", r#"data["app.ini"]"#);
    let declared = declared.as_str().expect("the setting is a text");
    assert!(declared.contains("\npool = 10\n"), "{declared}");
    assert_eq!(live, declared.replace("pool = 10\n", "pool = 100\n"));
}

/// Who declared three of the fields, in which line, and how well that is proven.
fn assert_origins(fleet: &Fleet, record: &Value) {
    let commits = &fleet.commits;
    let image = "spec.template.spec.containers[name=web].image";
    assert_origin(record, image, "shop/web:1.4", &Credit { commit: &commits.image, author: &CAROL, verdict: "verified-committer" }, fleet);
    assert_origin(
        record,
        "spec.replicas",
        "replicas: 3",
        &Credit { commit: &commits.replicas, author: &BOB, verdict: "verified-author" },
        fleet,
    );
    let level = "spec.template.spec.containers[name=web].env[name=LOG_LEVEL].value";
    assert_origin(record, level, "value: info", &Credit { commit: &commits.first, author: &ALICE, verdict: "verified-author" }, fleet);
}

struct Credit<'a> {
    commit: &'a str,
    author: &'a Person,
    verdict: &'a str,
}

fn assert_origin(record: &Value, field: &str, text: &str, credit: &Credit<'_>, fleet: &Fleet) {
    let origin = &difference(record, "Deployment/web", field)["origin"];
    assert_eq!((&origin["path"], &origin["authoredBy"]), (&json!("shop/web.yaml"), &json!(credit.commit)), "{field}: {origin}");
    let file = std::fs::read_to_string(fleet.repository.path().join("shop/web.yaml")).expect("it is there");
    let line = origin["line"].as_u64().and_then(|line| file.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
    assert!(line.is_some_and(|line| line.contains(text)), "{field}: {origin} is {line:?}");

    let commit = record["commits"].as_array().into_iter().flatten().find(|commit| commit["id"] == credit.commit).expect("it is listed");
    let author = &commit["author"];
    let expected = (&json!(credit.author.name), &json!(credit.author.email), &json!(credit.verdict));
    assert_eq!((&author["name"], &author["email"], &commit["verdict"]), expected, "{commit}");
}
