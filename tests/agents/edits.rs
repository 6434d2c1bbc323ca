//! Hand edits of the fleet: what a person does, what must be reported, and which agent undoes it.
//!
//! Who undoes what was seen on these agents' real selves; the live object itself is asked each time all the same.

use serde_json::Value;

use crate::fleet::{Fleet, differences, objects};
use crate::harness::control_plane::control_plane;
use crate::harness::kubectl::Kubectl;

/// Who applies the fleet, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    Flux,
    /// Client-side apply.
    ArgoCd,
    /// With the sync option `ServerSideApply=true`.
    ArgoCdServerSide,
}
use Agent::{ArgoCd, ArgoCdServerSide, Flux};

const ALL: &[Agent] = &[Flux, ArgoCd, ArgoCdServerSide];

struct Edit {
    namespace: &'static str,
    /// As kubectl takes it.
    command: &'static [&'static str],
    /// As kubectl names it; `TAG` stands for that of the fleet.
    object: &'static str,
    /// As the record names it.
    kind: &'static str,
    name: &'static str,
    /// What shows the edit on the live object, as a JSONPath.
    probe: &'static str,
    expected: Expected,
    undone_by: &'static [Agent],
}

enum Expected {
    Missing,
    /// Field, verdict, manager and its subresource.
    Field(&'static str, &'static str, Option<(&'static str, Option<&'static str>)>),
}
use Expected::{Field, Missing};

const fn by(manager: &'static str) -> Option<(&'static str, Option<&'static str>)> {
    Some((manager, None))
}

const EDITS: [Edit; 12] = [
    Edit {
        namespace: "shop",
        command: &["set", "image", "deployment/web", "web=shop/web:1.5"],
        object: "deployment/web",
        kind: "Deployment",
        name: "web",
        probe: "{.spec.template.spec.containers[0].image}",
        expected: Field("spec.template.spec.containers[name=web].image", "drifted", by("kubectl-set")),
        undone_by: ALL,
    },
    Edit {
        namespace: "shop",
        command: &["scale", "deployment/web", "--replicas=5"],
        object: "deployment/web",
        kind: "Deployment",
        name: "web",
        probe: "{.spec.replicas}",
        expected: Field("spec.replicas", "drifted", Some(("kubectl", Some("scale")))),
        undone_by: ALL,
    },
    Edit {
        namespace: "shop",
        command: &["set", "env", "deployment/web", "LOG_LEVEL-"],
        object: "deployment/web",
        kind: "Deployment",
        name: "web",
        probe: "{.spec.template.spec.containers[0].env[*].name}",
        expected: Field("spec.template.spec.containers[name=web].env[name=LOG_LEVEL]", "removed", None),
        undone_by: ALL,
    },
    Edit {
        namespace: "shop",
        command: &["set", "env", "deployment/cart", "EXTRA=1"],
        object: "deployment/cart",
        kind: "Deployment",
        name: "cart",
        probe: "{.spec.template.spec.containers[0].env}",
        expected: Field("spec.template.spec.containers[name=cart].env[name=EXTRA]", "undeclared", by("kubectl-set")),
        undone_by: &[Flux],
    },
    Edit {
        namespace: "shop",
        command: &["patch", "deployment/cart", "--field-manager=k9s", "--patch", r#"{"spec":{"revisionHistoryLimit":3}}"#],
        object: "deployment/cart",
        kind: "Deployment",
        name: "cart",
        probe: "{.spec.revisionHistoryLimit}",
        expected: Field("spec.revisionHistoryLimit", "undeclared", by("k9s")),
        undone_by: &[],
    },
    Edit {
        namespace: "shop",
        command: &["patch", "configmap/settings", "--field-manager=kubectl-edit", "--patch", r#"{"data":{"banner":"Closed"}}"#],
        object: "configmap/settings",
        kind: "ConfigMap",
        name: "settings",
        probe: "{.data.banner}",
        expected: Field("data.banner", "drifted", by("kubectl-edit")),
        undone_by: ALL,
    },
    Edit {
        namespace: "shop",
        command: &["patch", "configmap/nginx", "--field-manager=Mozilla", "--patch", r#"{"data":{"extra":"1"}}"#],
        object: "configmap/nginx",
        kind: "ConfigMap",
        name: "nginx",
        probe: "{.data.extra}",
        expected: Field("data.extra", "undeclared", by("Mozilla")),
        undone_by: &[],
    },
    Edit {
        namespace: "shop",
        command: &["label", "service/web", "debug=true"],
        object: "service/web",
        kind: "Service",
        name: "web",
        probe: "{.metadata.labels.debug}",
        expected: Field("metadata.labels.debug", "undeclared", by("kubectl-label")),
        undone_by: &[Flux],
    },
    Edit {
        namespace: "shop",
        command: &["patch", "secret/session", "--patch", r#"{"stringData":{"key":"edited-canary"}}"#],
        object: "secret/session",
        kind: "Secret",
        name: "session",
        probe: "{.data.key}",
        expected: Field("data.key", "drifted", by("kubectl-patch")),
        undone_by: ALL,
    },
    Edit {
        namespace: "shop",
        command: &[
            "patch",
            "role/deployer",
            "--type=json",
            "--patch",
            r#"[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]"#,
        ],
        object: "role/deployer",
        kind: "Role",
        name: "deployer",
        probe: "{.rules}",
        expected: Field("rules", "drifted", by("kubectl-patch")),
        undone_by: ALL,
    },
    Edit {
        namespace: "ops",
        command: &[
            "patch",
            "dashboards.TAG.example.com/shop",
            "--type=json",
            "--patch",
            r#"[{"op":"add","path":"/spec/panels/-","value":{"name":"extra","query":"up"}}]"#,
        ],
        object: "dashboards.TAG.example.com/shop",
        kind: "Dashboard",
        name: "shop",
        probe: "{.spec.panels[*].name}",
        expected: Field("spec.panels[name=extra]", "undeclared", by("kubectl-patch")),
        // A patch of the client writes lists of custom resources whole.
        undone_by: &[Flux, ArgoCd],
    },
    Edit {
        namespace: "ops",
        command: &["delete", "configmap/rules"],
        object: "configmap/rules",
        kind: "ConfigMap",
        name: "rules",
        probe: "{.data}",
        expected: Missing,
        undone_by: ALL,
    },
];

impl Edit {
    fn kubectl(&self, fleet: &Fleet) -> Kubectl {
        control_plane().admin().kubectl().in_namespace(&fleet.named(self.namespace))
    }

    /// What the live object shows where the edit is; nothing where the object is gone.
    fn shown(&self, fleet: &Fleet) -> String {
        let (object, output) = (fleet.with_tag(self.object), format!("jsonpath={}", self.probe));
        self.kubectl(fleet).succeed(["get", &object, "--ignore-not-found", "-o", &output])
    }

    fn object<'a>(&self, fleet: &Fleet, record: &'a Value) -> &'a Value {
        let namespace = fleet.named(self.namespace);
        let is_it = |object: &&Value| object["kind"] == self.kind && object["name"] == self.name && object["namespace"] == *namespace;
        objects(record).find(is_it).expect("every declared object is in the record")
    }

    /// What the record says where the edit is, if it says anything.
    fn said<'a>(&self, fleet: &Fleet, record: &'a Value) -> Option<&'a Value> {
        let object = self.object(fleet, record);
        match self.expected {
            Missing => (object["state"] == "missing").then_some(object),
            Field(field, ..) => differences(object).find(|difference| difference["field"] == field),
        }
    }

    #[track_caller]
    fn assert_reported(&self, fleet: &Fleet, record: &Value) {
        let said =
            self.said(fleet, record).unwrap_or_else(|| panic!("{:?} is not reported: {:#}", self.command, self.object(fleet, record)));
        let Field(_, verdict, manager) = self.expected else { return };
        assert_eq!(said["verdict"], verdict, "{said:#}");
        let named = (said["manager"]["name"].as_str(), said["manager"]["subresource"].as_str());
        assert_eq!(named, manager.map_or((None, None), |(name, subresource)| (Some(name), subresource)), "{said:#}");
    }
}

/// The edits as they were made: with each, what its object showed before.
pub(crate) struct Made<'a> {
    fleet: &'a Fleet,
    edits: Vec<(&'static Edit, String)>,
}

/// Makes every edit.
pub(crate) fn make(fleet: &Fleet) -> Made<'_> {
    static MADE: [Edit; EDITS.len()] = EDITS;
    let one = |edit: &'static Edit| {
        let before = edit.shown(fleet);
        let command: Vec<String> = edit.command.iter().map(|word| fleet.with_tag(word)).collect();
        edit.kubectl(fleet).succeed(command.iter().map(String::as_str));
        assert_ne!(edit.shown(fleet), before, "{command:?} shows");
        (edit, before)
    };
    Made { fleet, edits: MADE.iter().map(one).collect() }
}

impl Made<'_> {
    /// Fails unless each edit is reported, and nothing else is.
    pub(crate) fn assert_all_found(&self) {
        self.assert_found(&self.fleet.scan(), |_| true);
    }

    /// Whether the agent has undone all that it ever undoes.
    pub(crate) fn are_undone_by(&self, agent: Agent) -> bool {
        let undone = self.edits.iter().filter(|(edit, _)| edit.undone_by.contains(&agent));
        undone.into_iter().all(|(edit, before)| edit.shown(self.fleet) == *before)
    }

    /// Fails unless exactly those edits are reported that the live objects still show, and these are the ones that the agent
    /// is known to leave.
    pub(crate) fn assert_left_ones_found(&self, agent: Agent) {
        let is_left = |edit: &Edit| !edit.undone_by.contains(&agent);
        for (edit, before) in &self.edits {
            assert_eq!(edit.shown(self.fleet) != *before, is_left(edit), "whether {agent:?} leaves {:?}", edit.command);
        }
        self.assert_found(&self.fleet.scan(), is_left);
    }

    fn assert_found(&self, record: &Value, is_wanted: impl Fn(&Edit) -> bool) {
        let wanted: Vec<&Edit> = self.edits.iter().map(|(edit, _)| *edit).filter(|edit| is_wanted(edit)).collect();
        for edit in &wanted {
            edit.assert_reported(self.fleet, record);
        }
        let reported: Vec<String> = objects(record).flat_map(loud).collect();
        assert_eq!(reported.len(), wanted.len(), "nothing else is reported: {reported:#?}");
    }
}

/// What an object reports: itself, or its fields.
fn loud(object: &Value) -> Vec<String> {
    const LOUD: [&str; 7] = ["drifted", "removed", "undeclared", "rewritten", "stale", "never-converges", "unknown"];
    let is_loud = |difference: &&Value| LOUD.contains(&difference["verdict"].as_str().unwrap_or_default());
    let told = |rest: &Value| format!("{} {}: {rest}", object["kind"], object["name"]);
    match object["state"].as_str() {
        Some("synced" | "drifted") => differences(object).filter(is_loud).map(told).collect(),
        _ => vec![told(&object["state"])],
    }
}
