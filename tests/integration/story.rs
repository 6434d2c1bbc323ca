//! The main job: a fleet that is as Git declares it gives no finding, whoever applied it; what people change in it is found at
//! its field, with its manager, and nothing else is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::fleet::{Applier, Fleet};
use crate::harness::program::Output;

/// How many objects the fleet declares, and of how many kinds.
const OBJECTS: usize = 43;
const KINDS: usize = 26;

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list in {value}"))
}

/// What is said of an object's fields beside the quiet verdicts, for messages.
fn told(record: &Value) -> Vec<String> {
    let of = |object: &Value| {
        let name = format!("{}/{}/{} {}", object["kind"], object["namespace"], object["name"], object["state"]);
        let said: Vec<String> = items(object, "differences").iter().map(|difference| format!("{name} {difference}")).collect();
        if said.is_empty() { vec![name] } else { said }
    };
    items(record, "objects").iter().filter(|object| object["state"] != "synced").flat_map(of).collect()
}

fn assert_clean(output: &Output) {
    let record = output.record();
    assert_eq!((output.status, &record["findings"]), (Some(0), &json!([])), "{:#?}\n{}", told(&record), output.stderr);
    assert_eq!(record["status"], "complete");
    assert_eq!(record["notEvaluated"], json!([]));
    assert_eq!(record["coverage"]["unlisted"], json!([]));
    assert_eq!(record["coverage"]["evaluated"], OBJECTS);

    let objects = items(&record, "objects");
    let states: BTreeSet<&str> = objects.iter().filter_map(|object| object["state"].as_str()).collect();
    assert_eq!((objects.len(), states), (OBJECTS, BTreeSet::from(["synced"])), "{:#?}", told(&record));
    let kinds: BTreeSet<String> = objects.iter().map(|object| format!("{}/{}", object["group"], object["kind"])).collect();
    assert_eq!(kinds.len(), KINDS, "{kinds:?}");
}

#[test]
fn a_fleet_that_kubectl_applied_is_clean() {
    let fleet = Fleet::applied_by(Applier::ClientSide);
    assert_clean(&fleet.scan());
}

#[test]
fn a_fleet_that_flux_applied_is_clean() {
    let fleet = Fleet::applied_by(Applier::ServerSide);
    assert_clean(&fleet.scan());
}

#[test]
fn a_fleet_that_helm_applied_is_clean() {
    let fleet = Fleet::applied_by(Applier::Helm);
    assert_clean(&fleet.scan());
}
