//! A fleet that nobody wrote: objects of many kinds, their optional fields walked through in the schema of the real server,
//! each object accepted by it in a dry run. The same seed and server make the same fleet.

pub(crate) mod draw;
pub(crate) mod places;
pub(crate) mod random;
pub(crate) mod refine;
pub(crate) mod schema;
pub(crate) mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kubewitness::document;
use kubewitness::yaml::Dialect;
use serde_json::{Value, json};

use self::random::Random;
use self::refine::Refiner;
pub(crate) use self::refine::Refused;
use self::schema::Schema;
use super::api::Api;
use super::control_plane::control_plane;

/// The lane that objects are tried in.
const DRY: &str = "dry";
/// Namespaces of a lane.
const NAMESPACES: usize = 3;

/// A fleet, its lane still open.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) seed: u64,
    pub(crate) schema: Schema,
    /// The tables that values are drawn from.
    pub(crate) tables: Value,
    pub(crate) objects: Vec<Object>,
    /// What each kind's walk brought.
    pub(crate) kinds: Vec<KindReport>,
}

/// A declared object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) value: Value,
    pub(crate) text: String,
    /// Its URL without the name.
    pub(crate) collection: String,
}

/// What became of a kind's optional fields.
#[derive(Debug, Default)]
pub(crate) struct KindReport {
    pub(crate) name: String,
    pub(crate) filled: usize,
    /// Fields that the server took in no form, with what it said.
    pub(crate) refused: Vec<Refused>,
    /// How often an object was changed because the server refused it.
    pub(crate) redrawn: usize,
}

impl Object {
    pub(crate) fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().expect("an object has a name")
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.collection, self.name())
    }

    fn in_lane(&self, lane: &str) -> Self {
        let value = serde_json::from_str(&self.value.to_string().replace("LANE", lane)).expect("a word for a word keeps JSON whole");
        Self { value, text: self.text.replace("LANE", lane), collection: self.collection.replace("LANE", lane) }
    }
}

/// The documents of a file of the generator.
fn documents(text: &str) -> Vec<Value> {
    document::documents(text.as_bytes(), Dialect::Raw)
        .into_iter()
        .map(|document| document.expect("a file of the generator").value)
        .collect()
}

impl Fleet {
    /// Makes one with so many objects a kind.
    pub(crate) fn generate(seed: u64, each: usize) -> Self {
        let api = Api::new(&control_plane().admin());
        prepare();
        make_namespaces(DRY);
        let schema = Schema::read(&api);
        let tables = documents(include_str!("values.yaml")).remove(0);
        let bases = documents(include_str!("kinds.yaml"));
        let collections = Collections::read(&api);
        let next = AtomicUsize::new(0);
        let made = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let Some(base) = bases.get(place) else { return };
                        let refiner = Refiner::new(&api, &schema, &tables, base, &collections, Random::new(seed, place as u64));
                        let one = refiner.objects(each);
                        made.lock().expect("no thread panicked").insert(place, one);
                    }
                });
            }
        });
        let (mut objects, mut kinds) = (Vec::new(), Vec::new());
        for (of_kind, report) in made.into_inner().expect("no thread panicked").into_values() {
            objects.extend(of_kind);
            kinds.push(report);
        }
        Self { seed, schema, tables, objects, kinds }
    }

    /// The fleet of a lane, whose namespaces are there.
    pub(crate) fn lane(&self, lane: &str) -> Vec<Object> {
        make_namespaces(lane);
        self.objects.iter().map(|object| object.in_lane(lane)).collect()
    }
}

/// Files of a lane, a few objects each.
pub(crate) fn files(objects: &[Object]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for object in objects {
        let file = files.entry(format!("all-{}.yaml", object.value["kind"].as_str().expect("a kind").to_lowercase())).or_default();
        file.push_str("---\n");
        file.push_str(&object.text);
    }
    files
}

/// Definitions and classes that objects of a fleet need; not a part of it.
fn prepare() {
    let kubectl = control_plane().admin().kubectl();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/crds");
    let folder = folder.to_str().expect("the path of the repository is UTF-8");
    kubectl.succeed(["apply", "--server-side", "-f", folder]);
    kubectl.apply_server_side("tests", include_str!("crds.yaml"));
    // One that is only a moment old has no conditions to wait for.
    kubectl.wait_until(&["wait", "--for=condition=Established", "--timeout=60s", "customresourcedefinitions", "--all"], |_| true);
    kubectl.apply_server_side(
        "tests",
        "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: kw-plain}, value: 0}\n---\n\
         {apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: kw-plain}, handler: plain}\n",
    );
}

fn make_namespaces(lane: &str) {
    let kubectl = control_plane().admin().kubectl();
    let mut names: Vec<String> = (0..NAMESPACES).map(|number| format!("oracle-{lane}-{number}")).collect();
    names.push(format!("limits-{lane}"));
    let text: Vec<String> =
        names.iter().map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string()).collect();
    kubectl.apply_server_side("tests", &text.join("\n---\n"));
    for name in &names {
        kubectl.in_namespace(name).wait_until(&["get", "serviceaccount/default", "configmap/kube-root-ca.crt", "-o", "name"], |_| true);
    }
}

/// Where the objects of each kind are.
#[derive(Debug)]
pub(crate) struct Collections(BTreeMap<String, (String, bool)>);

impl Collections {
    fn read(api: &Api) -> Self {
        let mut found = BTreeMap::new();
        let groups = api.read("/apis");
        let versions =
            groups["groups"].as_array().into_iter().flatten().flat_map(|group| group["versions"].as_array().into_iter().flatten());
        let versions = versions.filter_map(|version| version["groupVersion"].as_str()).map(|version| (version, format!("/apis/{version}")));
        for (version, root) in versions.chain([("v1", "/api/v1".to_owned())]) {
            let (status, resources) = api.get(&root);
            for resource in resources["resources"].as_array().into_iter().flatten().filter(|_| status == 200) {
                let word = |key: &str| resource[key].as_str().unwrap_or_default();
                if !word("name").contains('/') {
                    let place = (format!("{root}|{}", word("name")), resource["namespaced"] == true);
                    found.insert(format!("{version}/{}", word("kind")), place);
                }
            }
        }
        Self(found)
    }

    /// Whether a kind has namespaces.
    pub(crate) fn is_namespaced(&self, object: &Value) -> bool {
        self.place(object).1
    }

    /// The URL that objects like this one are created at.
    pub(crate) fn of(&self, object: &Value) -> String {
        let (root, name) = self.place(object).0.split_once('|').expect("as it was put together");
        match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{name}"),
            None => format!("{root}/{name}"),
        }
    }

    fn place(&self, object: &Value) -> &(String, bool) {
        let word = |key: &str| object[key].as_str().expect("an object says what it is");
        let kind = format!("{}/{}", word("apiVersion"), word("kind"));
        self.0.get(&kind).unwrap_or_else(|| panic!("{kind} is not served"))
    }
}
