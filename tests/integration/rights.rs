//! A scan needs few rights and uses each of them: what `kubewitness rbac` prints is enough, is used to the last resource, and
//! holds no verb but get and list.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::control_plane::{Request, User, control_plane};
use crate::harness::drift::{objects, title};
use crate::harness::fleet::{Applier, Fleet, NAMESPACES};
use crate::harness::program::Output;

/// The right to a verb on the resources of a group, in a namespace or everywhere; `name` where it is for one object.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    verb: String,
    group: String,
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
}

/// A guest who has the roles that `kubewitness rbac` prints, under names of this fleet.
fn reader_of(fleet: &Fleet, role: &str) -> User {
    let (plane, guest) = (control_plane(), control_plane().guest());
    let printed = fleet.kubewitness(&plane.admin(), ["rbac"]);
    assert_eq!(printed.status, Some(0), "{printed:?}");
    let admin = plane.admin().kubectl();
    admin.apply(&printed.stdout.replace("  name: kubewitness\n", &format!("  name: {role}\n")));
    let user = format!("--user={}", guest.name);
    admin.succeed(["create", "clusterrolebinding", role, &format!("--clusterrole={role}"), &user]);
    let who = format!("--as={}", guest.name);
    admin.wait_until(&["auth", "can-i", "list", "customresourcedefinitions.apiextensions.k8s.io", &who], |_| true);
    for namespace in NAMESPACES {
        let kubectl = fleet.kubectl(namespace);
        kubectl.succeed(["create", "rolebinding", role, &format!("--role={role}"), &user]);
        kubectl.wait_until(&["auth", "can-i", "list", "configmaps", &who], |_| true);
    }
    guest
}

fn granted(fleet: &Fleet, role: &str) -> BTreeSet<Right> {
    let of_cluster = control_plane().admin().kubectl().json(["get", "clusterrole", role]);
    let mut rights: BTreeSet<Right> = rights_in(&of_cluster, None).into_iter().collect();
    for namespace in NAMESPACES {
        rights.extend(rights_in(&fleet.kubectl(namespace).json(["get", "role", role]), Some(&fleet.name(namespace))));
    }
    rights
}

fn rights_in(role: &Value, namespace: Option<&str>) -> Vec<Right> {
    let texts =
        |value: &Value| value.as_array().into_iter().flatten().map(|text| text.as_str().expect("it is a text").to_owned()).collect();
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().expect("a role has rules") {
        let [verbs, groups, resources, names]: [Vec<String>; 4] =
            ["verbs", "apiGroups", "resources", "resourceNames"].map(|key| texts(&rule[key]));
        let names: Vec<Option<String>> = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        for (verb, group) in verbs.iter().flat_map(|verb| groups.iter().map(move |group| (verb, group))) {
            for (resource, name) in resources.iter().flat_map(|resource| names.iter().map(move |name| (resource, name))) {
                let (verb, group, resource) = (verb.clone(), group.clone(), resource.clone());
                rights.push(Right { verb, group, resource, namespace: namespace.map(str::to_owned), name: name.clone() });
            }
        }
    }
    rights
}

/// The right that a request used; none for discovery, schemas and the version, which any user may read.
fn used(request: &Request) -> Option<Right> {
    let path = request.uri.split('?').next()?;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (namespace, resource, name) = match rest {
        ["namespaces", namespace, resource] => (Some(*namespace), *resource, None),
        ["namespaces", namespace, resource, name] => (Some(*namespace), *resource, Some(*name)),
        [resource] => (None, *resource, None),
        [resource, name] => (None, *resource, Some(*name)),
        _ => return None,
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some(Right {
        verb: request.verb.clone(),
        group: group.into(),
        resource: resource.into(),
        namespace: owned(namespace),
        name: owned(name),
    })
}

/// The roles and bindings of the reader are in the namespaces of the fleet, and rightly told as undeclared, which is a warning.
fn scan(fleet: &Fleet, reader: &User) -> Output {
    fleet.kubewitness(reader, ["scan", "-o", "json", "--fail-on", "error"])
}

fn is_of_reader(object: &Value) -> bool {
    object["state"] == "undeclared" && object["name"].as_str().is_some_and(|name| name.ends_with("-reader"))
}

#[test]
fn the_printed_role_is_enough_and_every_right_in_it_is_used() {
    let fleet = Fleet::applied_by(Applier::ServerSide);
    let role = fleet.name("fleet-reader");
    let guest = reader_of(&fleet, &role);
    let output = scan(&fleet, &guest);
    let record = output.record();
    assert_eq!((output.status, &record["status"]), (Some(0), &json!("complete")), "{}\n{}", output.stderr, record["notEvaluated"]);
    let unsynced: Vec<&Value> = objects(&record).filter(|object| object["state"] != "synced").collect();
    assert!(unsynced.iter().all(|object| is_of_reader(object)), "{unsynced:?}");
    assert_eq!((unsynced.len(), objects(&record).count()), (6, 43 + 6));

    let requests = control_plane().requests_of(&guest.name);
    let verbs: BTreeSet<&str> = requests.iter().map(|request| request.verb.as_str()).collect();
    assert_eq!(verbs, BTreeSet::from(["get", "list"]), "{requests:?}");
    let (granted, used): (BTreeSet<Right>, BTreeSet<Right>) = (granted(&fleet, &role), requests.iter().filter_map(used).collect());
    assert!(granted.len() > 50, "{granted:?}");
    assert_eq!(granted.difference(&used).collect::<Vec<_>>(), Vec::<&Right>::new(), "granted but not used");
    assert_eq!(used.difference(&granted).collect::<Vec<_>>(), Vec::<&Right>::new(), "used but not granted");

    without_a_rule_the_scan_is_partial(&fleet, &role, &guest);
}

fn without_a_rule_the_scan_is_partial(fleet: &Fleet, role: &str, guest: &User) {
    let ops = fleet.kubectl("ops");
    let rules = ops.json(["get", "role", role])["rules"].clone();
    let batch = rules.as_array().and_then(|rules| rules.iter().position(|rule| rule["apiGroups"] == json!(["batch"])));
    let patch = format!(r#"[{{"op": "remove", "path": "/rules/{}"}}]"#, batch.expect("jobs are declared"));
    ops.succeed(["patch", "role", role, "--type=json", "--patch", &patch]);
    let may = ["auth", "can-i", "--list", "--no-headers", &format!("--as={}", guest.name)];
    ops.wait_until(&may, |list| list.contains("configmaps") && !list.contains("jobs.batch"));

    let output = scan(fleet, guest);
    let record = output.record();
    assert_eq!((output.status, &record["status"]), (Some(4), &json!("partial")), "{}", output.stderr);
    let namespace = fleet.name("ops");
    let unlisted = |kind: &str| json!({ "group": "batch", "kind": kind, "namespace": namespace, "reason": "forbidden" });
    assert_eq!(record["coverage"]["unlisted"], json!([unlisted("CronJob"), unlisted("Job")]));
    let unjudged = objects(&record).filter(|object| object["state"] != "synced" && !is_of_reader(object));
    let unjudged: Vec<(String, &Value, &Value)> = unjudged.map(|object| (title(object), &object["state"], &object["reason"])).collect();
    let (unknown, forbidden) = (json!("unknown"), json!("forbidden"));
    assert_eq!(unjudged, [("CronJob/report".into(), &unknown, &forbidden), ("Job/migrate".into(), &unknown, &forbidden)]);
}
