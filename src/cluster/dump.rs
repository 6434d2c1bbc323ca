//! What `kubectl get -o json` or `-o yaml` printed: objects, and nothing about what else there was.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::Error;
use super::failure::{NOT_IN_RECORDING, json_text};
use super::files;
use super::listing::Broken;
use super::object::{self, split_api_version};
use super::openapi::not_had;
use super::recording::{PAGE_SIZE, is_in_scope, not_recorded};
use super::wire::{Envelope, Head};
use crate::document;
use crate::model::coverage::NotEvaluated;
use crate::model::evidence::{ClusterIdentity, Listing, ListingGap, Page};
use crate::model::kind::{Kind, Kinds};
use crate::model::object::ObjectId;
use crate::secret::Redactor;
use crate::yaml::Dialect;

const NOT_WHOLE: &str = "a plain dump does not say what it holds whole";

/// `apiVersion` and kind.
type Gvk = (String, String);

/// Opened files of a dump. Objects are read when they are asked for.
pub(super) struct Dump {
    files: Vec<File>,
    kinds: Vec<Kind>,
    name: String,
    redactor: Redactor,
    /// Whether the user says that there is nothing else.
    is_whole: bool,
}

struct File {
    path: PathBuf,
    shape: Shape,
}

enum Shape {
    /// A list; the kind of those items that do not name it, as in an answer of the API.
    List(Option<Gvk>),
    /// One object.
    Object,
    /// The objects of a YAML file, which has no form that could be read in parts.
    Yaml(Vec<Box<RawValue>>),
}

impl std::fmt::Debug for Dump {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Dump").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl Dump {
    pub(super) fn open(path: &Path, name: Option<String>, is_whole: bool) -> Result<Self, Error> {
        let paths = if path.is_dir() { files::object_files(path)? } else { vec![path.to_owned()] };
        if paths.is_empty() {
            return Err(files::wrong(path, "holds no .json or .yaml file"));
        }
        let mut seen = BTreeMap::new();
        let mut opened = Vec::new();
        for path in paths {
            let shape = look_at(&path, &mut seen)?;
            opened.push(File { path, shape });
        }
        let fallback = || path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let redactor = Redactor::random().map_err(Error::Random)?;
        Ok(Self { files: opened, kinds: kinds(seen), name: name.unwrap_or_else(fallback), redactor, is_whole })
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(super) fn identity(&self) -> ClusterIdentity {
        ClusterIdentity { uid: None, name: self.name.clone(), version: None, time: None }
    }

    pub(super) fn kinds(&self) -> Kinds {
        Kinds { all: self.kinds.clone(), unknown_groups: Vec::new(), complete: false }
    }

    pub(super) fn each_page(
        &self,
        listings: &[Listing],
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
        page: &mut (dyn FnMut(Page) + Send),
    ) -> Vec<ListingGap> {
        let by_kind: HashMap<Gvk, usize> =
            listings.iter().enumerate().map(|(index, listing)| ((listing.kind.api_version(), listing.kind.kind.clone()), index)).collect();
        let mut buffers: Vec<Vec<_>> = listings.iter().map(|_| Vec::new()).collect();
        let mut broken: Vec<Broken> = listings.iter().map(|_| Broken::default()).collect();
        let mut unread = Broken::default();
        let mut seen = HashSet::new();
        for file in &self.files {
            let read = file.each_item(&mut |head, item| {
                let Some((index, listing)) =
                    gvk(&head, file.default()).and_then(|gvk| by_kind.get(&gvk)).and_then(|&index| Some((index, listings.get(index)?)))
                else {
                    return;
                };
                match self.object(head, &item, listing, wanted, &mut seen) {
                    Ok(None) => {}
                    Ok(Some(object)) => buffers[index].push(object),
                    Err(why) => broken[index].add(Broken::one(format!("an item of {} {why}", file.path.display()))),
                }
                if buffers[index].len() == PAGE_SIZE {
                    page(Page::Objects(index, std::mem::take(&mut buffers[index])));
                }
            });
            if let Err(error) = read {
                unread.add(Broken::one(error.to_string()));
            }
        }
        for (index, buffer) in buffers.into_iter().enumerate().filter(|(_, buffer)| !buffer.is_empty()) {
            page(Page::Objects(index, buffer));
        }
        let unread = unread.into_failure().and_then(|failure| failure.detail);
        let gap = |(listing, broken): (usize, Broken)| {
            let detail = broken.into_failure().and_then(|failure| failure.detail).or_else(|| unread.clone());
            let detail = match (detail, self.is_whole) {
                (None, true) => return None,
                (None, false) => NOT_WHOLE.to_owned(),
                (Some(detail), true) => detail,
                (Some(detail), false) => format!("{NOT_WHOLE}; {detail}"),
            };
            Some(ListingGap { listing, namespace: None, reason: NOT_IN_RECORDING.to_owned(), detail: Some(detail) })
        };
        broken.into_iter().enumerate().filter_map(gap).collect()
    }

    fn object(
        &self,
        head: Head,
        item: &RawValue,
        listing: &Listing,
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
        seen: &mut HashSet<ObjectId>,
    ) -> Result<Option<crate::model::object::LiveObject>, String> {
        let id = object::identity(head, &listing.kind, None)?;
        if !is_in_scope(listing, &id) || !wanted(&id) {
            return Ok(None);
        }
        if !seen.insert(id.clone()) {
            return Err("stands there twice; the first one counts".to_owned());
        }
        object::live_object(item, id, &listing.kind.version, &self.redactor).map(Some)
    }
}

impl File {
    fn default(&self) -> Option<&Gvk> {
        match &self.shape {
            Shape::List(default) => default.as_ref(),
            Shape::Object | Shape::Yaml(_) => None,
        }
    }

    fn each_item(&self, visit: &mut dyn FnMut(Head, Box<RawValue>)) -> Result<(), Error> {
        match &self.shape {
            Shape::List(_) => drop(files::each_item(&self.path, &mut |item| {
                // Files were looked at when they were opened; what changed since is no list of objects any more.
                if let Ok(head) = object::head(&item) {
                    visit(head, item);
                }
            })?),
            Shape::Object => {
                let item: Box<RawValue> = files::parse(&self.path)?;
                let head = object::head(&item).map_err(|why| files::wrong(&self.path, why))?;
                visit(head, item);
            }
            Shape::Yaml(items) => {
                for item in items {
                    let head = object::head(item).map_err(|why| files::wrong(&self.path, why))?;
                    visit(head, item.clone());
                }
            }
        }
        Ok(())
    }
}

fn gvk(head: &Head, default: Option<&Gvk>) -> Option<Gvk> {
    match (&head.api_version, &head.kind) {
        (Some(api_version), Some(kind)) => Some((api_version.clone(), kind.clone())),
        _ => default.cloned(),
    }
}

/// Learns the shape of a file and the kinds in it, with whether they have namespaces.
fn look_at(path: &Path, seen: &mut BTreeMap<Gvk, bool>) -> Result<Shape, Error> {
    if files::is_yaml(path) {
        return look_at_yaml(path, seen);
    }
    let mut count = 0_usize;
    let mut broken = None;
    let mut nameless = Vec::new();
    let mut add = |gvk: Gvk, namespaced: bool| *seen.entry(gvk).or_default() |= namespaced;
    let envelope = files::each_item(path, &mut |item| {
        count += 1;
        match object::head(&item) {
            Err(why) => drop(broken.get_or_insert_with(|| format!("item {count} {why}"))),
            Ok(head) => match gvk(&head, None) {
                Some(gvk) => add(gvk, has_namespace(&head)),
                None => nameless.push(has_namespace(&head)),
            },
        }
    })?;
    if envelope.kind == "Table" {
        return Err(files::wrong(path, "is a table; -o json prints objects"));
    }
    let is_list = envelope.has_items && envelope.name.is_none();
    if !is_list {
        let head: Head = serde_json::from_slice(&files::read(path)?).map_err(|error| files::wrong(path, json_text(&error)))?;
        let own = gvk(&head, None).ok_or_else(|| files::wrong(path, "is neither an object nor a list of objects"))?;
        add(own, has_namespace(&head));
        return Ok(Shape::Object);
    }
    if let Some(why) = broken {
        return Err(files::wrong(path, why));
    }
    let default = item_kind(&envelope);
    if !nameless.is_empty() {
        let kind = default.clone().ok_or_else(|| files::wrong(path, "holds items of no kind"))?;
        nameless.into_iter().for_each(|namespaced| add(kind.clone(), namespaced));
    }
    Ok(Shape::List(default))
}

fn look_at_yaml(path: &Path, seen: &mut BTreeMap<Gvk, bool>) -> Result<Shape, Error> {
    let mut items = Vec::new();
    for document in document::documents(&files::read(path)?, Dialect::Raw) {
        let document = document.map_err(|error| files::wrong(path, format!("line {}: {}", error.line, error.message)))?;
        let item = serde_json::value::to_raw_value(&document.value).map_err(|error| files::wrong(path, json_text(&error)))?;
        let head = object::head(&item).map_err(|why| files::wrong(path, format!("line {}: {why}", document.line)))?;
        let own = gvk(&head, None).ok_or_else(|| files::wrong(path, format!("line {}: is no object", document.line)))?;
        *seen.entry(own).or_default() |= has_namespace(&head);
        items.push(item);
    }
    Ok(Shape::Yaml(items))
}

fn has_namespace(head: &Head) -> bool {
    head.metadata.namespace.as_ref().is_some_and(|namespace| !namespace.is_empty())
}

/// `PodList` holds pods; `List` holds whatever names itself.
fn item_kind(envelope: &Envelope) -> Option<Gvk> {
    let kind = envelope.kind.strip_suffix("List").filter(|kind| !kind.is_empty())?;
    Some((envelope.api_version.clone(), kind.to_owned()))
}

fn kinds(seen: BTreeMap<Gvk, bool>) -> Vec<Kind> {
    let mut known = HashSet::new();
    let kind = |((api_version, kind), namespaced): (Gvk, bool)| {
        let (group, version) = split_api_version(&api_version);
        let singular = kind.to_lowercase();
        Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural(&singular),
            singular,
            short_names: short_names(group, &kind),
            namespaced,
            verbs: vec!["get".to_owned(), "list".to_owned()],
            preferred: known.insert((group.to_owned(), kind.clone())),
            kind,
        }
    };
    let mut kinds: Vec<Kind> = seen.into_iter().map(kind).collect();
    kinds.sort();
    kinds
}

/// The abbreviations that built-in kinds have in discovery.
const SHORT_NAMES: [(&str, &str, &str); 25] = [
    ("", "ConfigMap", "cm"),
    ("", "LimitRange", "limits"),
    ("", "Namespace", "ns"),
    ("", "Node", "no"),
    ("", "PersistentVolume", "pv"),
    ("", "PersistentVolumeClaim", "pvc"),
    ("", "Pod", "po"),
    ("", "ReplicationController", "rc"),
    ("", "ResourceQuota", "quota"),
    ("", "Service", "svc"),
    ("", "ServiceAccount", "sa"),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "crd"),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "crds"),
    ("apps", "DaemonSet", "ds"),
    ("apps", "Deployment", "deploy"),
    ("apps", "ReplicaSet", "rs"),
    ("apps", "StatefulSet", "sts"),
    ("autoscaling", "HorizontalPodAutoscaler", "hpa"),
    ("batch", "CronJob", "cj"),
    ("certificates.k8s.io", "CertificateSigningRequest", "csr"),
    ("networking.k8s.io", "Ingress", "ing"),
    ("networking.k8s.io", "NetworkPolicy", "netpol"),
    ("policy", "PodDisruptionBudget", "pdb"),
    ("scheduling.k8s.io", "PriorityClass", "pc"),
    ("storage.k8s.io", "StorageClass", "sc"),
];

fn short_names(group: &str, kind: &str) -> Vec<String> {
    SHORT_NAMES.iter().filter(|known| (known.0, known.1) == (group, kind)).map(|known| known.2.to_owned()).collect()
}

/// The plural that Kubernetes guesses where nobody tells it.
fn plural(singular: &str) -> String {
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

/// A dump has no schemas.
pub(super) fn no_schemas(wanted: &BTreeSet<(String, String)>) -> Vec<NotEvaluated> {
    wanted.iter().map(|(group, version)| not_had(group, version, not_recorded(None))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Cluster;
    use crate::model::evidence::{Listing, Page, Scope};
    use crate::secret::is_digest;

    const KUBECTL: &str = r#"{"apiVersion":"v1","items":[
        {"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"shop"},"data":{"p":"Y2FuYXJ5"}},
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}}],"kind":"List","metadata":{}}"#;
    const RAW: &str = r#"{"items":[{"metadata":{"name":"n1"}}],"kind":"NodeList","apiVersion":"v1","metadata":{}}"#;
    const SINGLE: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"bank"},"data":{"a":"1"}}"#;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    #[tokio::test]
    async fn lists_of_kubectl_lists_of_the_api_and_single_objects_are_read_and_never_whole() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("a.json", KUBECTL), ("b.json", RAW), ("c.json", SINGLE), ("README.md", "no")]);
        let dump = Cluster::open(folder.path(), None).unwrap();
        let kinds = dump.kinds().await.unwrap();
        let told: Vec<_> = kinds.all.iter().map(|kind| (kind.plural.as_str(), kind.namespaced)).collect();
        assert_eq!(told, [("configmaps", true), ("nodes", false), ("secrets", true), ("deployments", true)]);
        assert!(!kinds.complete);
        let listings: Vec<Listing> = kinds.all.iter().map(|kind| Listing { kind: kind.clone(), scope: Scope::All }).collect();
        let mut objects = Vec::new();
        let gaps = dump
            .each_page(&listings, &|_| true, &mut |page| match page {
                Page::Objects(index, page) => objects.extend(page.into_iter().map(|object| (index, object))),
                Page::Restarted(_) => unreachable!(),
            })
            .await;
        assert_eq!(objects.iter().map(|(_, object)| object.id.name.as_str()).collect::<Vec<_>>(), ["c", "n1", "s", "web"]);
        assert!(is_digest(&objects[2].1.manifest.value()["data"]["p"]));
        assert_eq!(gaps.len(), 4);
        assert!(gaps.iter().all(|gap| gap.reason == "not in the recording" && gap.namespace.is_none()));
    }

    #[tokio::test]
    async fn yaml_is_read_like_json() {
        let folder = tempfile::tempdir().unwrap();
        let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}\n";
        write(folder.path(), &[("a.yaml", list), ("b.yml", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n")]);
        let kinds = Cluster::open(folder.path(), None).unwrap().kinds().await.unwrap();
        let told: Vec<_> = kinds.all.iter().map(|kind| (kind.kind.as_str(), kind.namespaced)).collect();
        assert_eq!(told, [("ConfigMap", true), ("Node", false)]);
    }

    #[test]
    fn what_is_no_dump_is_named_and_not_quoted() {
        for text in [
            "",
            "Y2FuYXJ5",
            "{}",
            "[]",
            r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":["Y2FuYXJ5"]}"#,
            r#"{"kind":"Secret","apiVersion":"v1","metadata":"Y2FuYXJ5"}"#,
            r#"{"kind":"List","apiVersion":"v1","items":["Y2FuYXJ5"]}"#,
            r#"{"kind":"List","apiVersion":"v1","items":[{"metadata":{"name":"a"}},"#,
        ] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &[("broken.json", text)]);
            let error = Cluster::open(folder.path(), None).unwrap_err().to_string();
            assert!(error.contains("broken.json") && !error.contains("Y2FuYXJ5"), "{error}");
        }
    }
}
