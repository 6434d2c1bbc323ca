//! Which kinds to list where, so that everything declared is seen and little else is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Settings;
use super::scaling::{AUTOSCALERS, ScalePaths, is_autoscaler};
use crate::model::coverage::{NotEvaluated, Stage, Unlisted};
use crate::model::declaration::Declaration;
use crate::model::evidence::{Listing, Scope};
use crate::model::kind::{Kind, Kinds};
use crate::model::object::ObjectId;

/// Up to this many namespaces are listed one by one; above, one list of the whole kind is cheaper.
const FEW_NAMESPACES: usize = 4;

/// Kinds that no one declares and that are many: (group, kind), a kind in any group where the group is `*`.
const NEVER_DECLARED: [(&str, &str); 5] =
    [("", "Event"), ("events.k8s.io", "Event"), ("coordination.k8s.io", "Lease"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")];

const NOT_LISTABLE: &str = "kind cannot be listed";

/// What to list, and what each listing is for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The listings, sorted by kind; pages name them by position.
    pub listings: Vec<Listing>,
    /// Every declared object with its declarations, the first being the one that is compared.
    pub(super) objects: HashMap<ObjectId, Planned>,
    /// Kinds of which undeclared objects are asked for, by group and kind, with the listing that brings them.
    strays: HashMap<String, HashMap<String, usize>>,
    namespaces: BTreeSet<String>,
    scaled_namespaces: BTreeSet<String>,
    /// Autoscalers that cannot be listed and why, where something is planned that they may scale.
    pub(super) unread_autoscalers: Vec<Unlisted>,
    /// Where kinds are scaled.
    pub(super) scales: ScalePaths,
    skip_secrets: bool,
}

/// A declared object.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// Positions of its declarations, by source and path.
    pub(super) declarations: Vec<usize>,
    pub(super) place: Place,
    /// Whether its kind is served, and certainly not at the declared version.
    pub(super) version_removed: bool,
}

/// Where a declared object is to be seen.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In this listing.
    Listing(usize),
    /// Its kind is not served, for certain.
    NotServed,
    /// It cannot be read.
    Unreadable(Box<NotEvaluated>),
    /// Left out by the setting.
    Skipped,
}

/// Group, kind and version.
type KindKey = (String, String, String);

/// What is asked of each kind: namespaces, none for the whole.
type Requests = BTreeMap<KindKey, (Kind, BTreeSet<String>)>;

/// Plans the listings for these declarations. A kind is listed at the declared version where it is served, else at the
/// preferred one.
pub fn plan(declarations: &[Declaration], kinds: &Kinds, settings: &Settings) -> Plan {
    let mut requests = Requests::new();
    let mut places: Vec<(ObjectId, Vec<usize>, Result<KindKey, Place>)> = Vec::new();
    let mut scaled_namespaces = BTreeSet::new();
    let scales = ScalePaths::of(declarations);
    for (id, group) in groups(declarations) {
        let place = match found(&id, &declarations[group[0]], kinds, settings) {
            Ok(kind) => {
                if scales.likely(&id, declarations[group[0]].manifest.value()).is_some() {
                    scaled_namespaces.extend(id.namespace.clone());
                }
                Ok(request(&mut requests, kind, id.namespace.as_ref()))
            }
            Err(place) => Err(place),
        };
        places.push((id, group, place));
    }
    let autoscalers = AUTOSCALERS.iter().filter_map(|(group, kind)| kinds.preferred(group, kind));
    for kind in autoscalers.filter(|kind| kind.is_listable()) {
        for namespace in &scaled_namespaces {
            request(&mut requests, kind, Some(namespace));
        }
    }
    let strays = stray_requests(&mut requests, kinds, settings);
    let position: HashMap<KindKey, usize> = requests.keys().enumerate().map(|(position, key)| (key.clone(), position)).collect();
    let versions: Vec<&String> = declarations.iter().map(|declaration| &declaration.version).collect();
    let objects = places.into_iter().map(|(id, declarations, place)| {
        let version_removed = kinds.complete && place.as_ref().is_ok_and(|(_, _, version)| version != versions[declarations[0]]);
        let place = place.map_or_else(|place| place, |key| Place::Listing(position[&key]));
        (id, Planned { declarations, place, version_removed })
    });
    let mut stray_listings: HashMap<String, HashMap<String, usize>> = HashMap::new();
    for key in strays {
        stray_listings.entry(key.0.clone()).or_default().insert(key.1.clone(), position[&key]);
    }
    Plan {
        objects: objects.collect(),
        listings: requests.into_values().map(|(kind, namespaces)| listing(kind, namespaces)).collect(),
        strays: stray_listings,
        namespaces: settings.undeclared_namespaces.clone(),
        unread_autoscalers: if scaled_namespaces.is_empty() { Vec::new() } else { unread_autoscalers(kinds) },
        scaled_namespaces,
        scales,
        skip_secrets: settings.skip_secrets,
    }
}

fn unread_autoscalers(kinds: &Kinds) -> Vec<Unlisted> {
    let why = |group: &str, kind: &str| match kinds.preferred(group, kind) {
        Some(kind) if kind.is_listable() => None,
        Some(_) => Some(NOT_LISTABLE.to_owned()),
        None => kinds.unknown_groups.iter().find(|(unknown, _)| unknown == group).map(|(_, why)| why.reason.clone()),
    };
    let unlisted = |(group, kind): &(&str, &str)| {
        let reason = why(group, kind)?;
        Some(Unlisted { group: (*group).to_owned(), kind: (*kind).to_owned(), namespace: None, reason })
    };
    AUTOSCALERS.iter().filter_map(unlisted).collect()
}

/// The declarations of each object, the first by source and path in front.
fn groups(declarations: &[Declaration]) -> BTreeMap<ObjectId, Vec<usize>> {
    let mut groups: BTreeMap<ObjectId, Vec<usize>> = BTreeMap::new();
    for (position, declaration) in declarations.iter().enumerate() {
        groups.entry(declaration.id.clone()).or_default().push(position);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|position| {
            let declaration = &declarations[*position];
            (&declaration.source, declaration.place().map(|place| &place.document), *position)
        });
    }
    groups
}

fn found<'a>(id: &ObjectId, declaration: &Declaration, kinds: &'a Kinds, settings: &Settings) -> Result<&'a Kind, Place> {
    if settings.skip_secrets && id.is_secret() {
        return Err(Place::Skipped);
    }
    let unreadable = |reason: &str| Place::Unreadable(Box::new(NotEvaluated::object(Stage::Read, id.clone(), reason)));
    match kinds.best(&id.group, &declaration.version, &id.kind) {
        Some(kind) if kind.is_listable() => Ok(kind),
        Some(_) => Err(unreadable(NOT_LISTABLE)),
        None => Err(match kinds.unknown_groups.iter().find(|(group, _)| *group == id.group) {
            Some((_, why)) => {
                let unread = NotEvaluated::object(Stage::Read, id.clone(), why.reason.clone());
                Place::Unreadable(Box::new(NotEvaluated { detail: why.detail.clone(), ..unread }))
            }
            None if kinds.complete => Place::NotServed,
            None => unreadable("not in the recording"),
        }),
    }
}

fn request(requests: &mut Requests, kind: &Kind, namespace: Option<&String>) -> KindKey {
    let key = (kind.group.clone(), kind.kind.clone(), kind.version.clone());
    let entry = requests.entry(key.clone()).or_insert_with(|| (kind.clone(), BTreeSet::new()));
    entry.1.extend(namespace.cloned());
    key
}

/// Adds the namespaces that were asked for undeclared objects to one listing of each kind.
fn stray_requests(requests: &mut Requests, kinds: &Kinds, settings: &Settings) -> Vec<KindKey> {
    if settings.undeclared_namespaces.is_empty() {
        return Vec::new();
    }
    let names: BTreeSet<(&str, &str)> = kinds.all.iter().map(|kind| (kind.group.as_str(), kind.kind.as_str())).collect();
    let mut keys = Vec::new();
    for (group, name) in names {
        let Some(preferred) = kinds.preferred(group, name) else { continue };
        let is_secret = group.is_empty() && name == "Secret";
        if !preferred.namespaced || !preferred.is_listable() || is_never_declared(group, name) || is_secret && settings.skip_secrets {
            continue;
        }
        let is_preferred = |key: &&KindKey| key.2 == preferred.version;
        let planned: Vec<KindKey> = requests.keys().filter(|key| key.0 == group && key.1 == name).cloned().collect();
        let key = planned.iter().find(is_preferred).or(planned.first());
        let kind = key.map_or_else(|| preferred.clone(), |key| requests[key].0.clone());
        for namespace in &settings.undeclared_namespaces {
            request(requests, &kind, Some(namespace));
        }
        keys.push((kind.group, kind.kind, kind.version));
    }
    keys
}

/// Whether a kind is one that nobody declares and of which there are many: events, leases, endpoints, metrics.
pub fn is_never_declared(group: &str, kind: &str) -> bool {
    group.ends_with("metrics.k8s.io") || NEVER_DECLARED.contains(&(group, kind))
}

fn listing(kind: Kind, namespaces: BTreeSet<String>) -> Listing {
    let is_few = kind.namespaced && !namespaces.is_empty() && namespaces.len() <= FEW_NAMESPACES;
    Listing { kind, scope: if is_few { Scope::Namespaces(namespaces) } else { Scope::All } }
}

impl Plan {
    /// Whether a live object is needed at all. A reader that asks for a whole kind drops the rest while parsing.
    pub fn wants(&self, id: &ObjectId) -> bool {
        if self.skip_secrets && id.is_secret() {
            return false;
        }
        self.objects.contains_key(id) || self.stray_listing(id).is_some() || self.is_wanted_autoscaler(id)
    }

    /// Namespaces in which undeclared objects are asked for and that are no declared objects themselves, so that nothing else
    /// tells whether they exist.
    pub fn namespaces_to_find(&self) -> BTreeSet<String> {
        let own = |name: &String| ObjectId { group: String::new(), kind: "Namespace".to_owned(), namespace: None, name: name.clone() };
        self.namespaces.iter().filter(|name| !self.objects.contains_key(&own(name))).cloned().collect()
    }

    /// Whether undeclared objects are asked for at all.
    pub(super) fn has_strays(&self) -> bool {
        !self.strays.is_empty()
    }

    /// The listing that brings undeclared objects of this kind, where this namespace was asked for.
    pub(super) fn stray_listing(&self, id: &ObjectId) -> Option<usize> {
        let namespace = id.namespace.as_ref()?;
        if !self.namespaces.contains(namespace) {
            return None;
        }
        self.strays.get(&id.group)?.get(&id.kind).copied()
    }

    fn is_wanted_autoscaler(&self, id: &ObjectId) -> bool {
        is_autoscaler(&id.group, &id.kind) && id.namespace.as_ref().is_some_and(|namespace| self.scaled_namespaces.contains(namespace))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::Settings;
    use super::{Place, plan};
    use crate::model::declaration::{Declaration, DocumentRef, Engine, Input};
    use crate::model::evidence::Scope;
    use crate::model::kind::{Kind, Kinds};
    use crate::model::object::{Manifest, ObjectId};

    pub(in crate::compare) fn declaration(group: &str, kind: &str, namespace: Option<&str>, name: &str, path: &str) -> Declaration {
        let document = DocumentRef { source: "fleet".into(), path: path.into(), ordinal: 0 };
        Declaration {
            id: ObjectId { group: group.into(), kind: kind.into(), namespace: namespace.map(str::to_owned), name: name.into() },
            version: "v1".into(),
            source: "fleet".into(),
            engine: Engine::Plain,
            applier: None,
            manifest: Manifest::from_redacted(json!({"kind": kind, "metadata": {"name": name}})),
            encrypted: false,
            inputs: vec![Input { document, line: 1, end_line: 1 }],
            leaves: Box::default(),
            is_whole: true,
            drawn_by: Some(Vec::new()),
        }
    }

    pub(in crate::compare) fn kind(group: &str, kind: &str, namespaced: bool) -> Kind {
        Kind {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            plural: format!("{}s", kind.to_lowercase()),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            namespaced,
            verbs: vec!["list".into()],
            preferred: true,
        }
    }

    fn kinds() -> Kinds {
        let all = vec![
            kind("", "ConfigMap", true),
            kind("", "Event", true),
            kind("", "Namespace", false),
            kind("", "Secret", true),
            kind("apps", "Deployment", true),
            kind("autoscaling", "HorizontalPodAutoscaler", true),
        ];
        Kinds { all, unknown_groups: Vec::new(), complete: true }
    }

    #[test]
    fn a_kind_is_listed_where_it_is_declared_and_whole_where_that_is_many_places() {
        let mut declarations = vec![declaration("", "ConfigMap", Some("shop"), "a", "a.yaml")];
        let few = plan(&declarations, &kinds(), &Settings::default());
        assert_eq!(few.listings.len(), 1);
        assert_eq!(few.listings[0].scope, Scope::Namespaces(BTreeSet::from(["shop".to_owned()])));
        for namespace in ["b", "c", "d", "e"] {
            declarations.push(declaration("", "ConfigMap", Some(namespace), "a", "a.yaml"));
        }
        assert_eq!(plan(&declarations, &kinds(), &Settings::default()).listings[0].scope, Scope::All);
    }

    #[test]
    fn autoscalers_are_read_beside_what_they_scale() {
        let plan = plan(&[declaration("apps", "Deployment", Some("shop"), "web", "a.yaml")], &kinds(), &Settings::default());
        let listed: Vec<&str> = plan.listings.iter().map(|listing| listing.kind.kind.as_str()).collect();
        assert_eq!(listed, ["Deployment", "HorizontalPodAutoscaler"]);
        let autoscaler = declaration("autoscaling", "HorizontalPodAutoscaler", Some("shop"), "any", "").id;
        assert!(plan.wants(&autoscaler));
        assert!(!plan.wants(&ObjectId { namespace: Some("other".into()), ..autoscaler }));
    }

    #[test]
    fn a_custom_resource_with_replicas_has_its_autoscalers_read_and_one_without_has_not() {
        let kinds =
            Kinds { all: [kinds().all, vec![kind("x.io", "Thing", true), kind("keda.sh", "ScaledObject", true)]].concat(), ..kinds() };
        let listed = |manifest: serde_json::Value| {
            let thing = declaration("x.io", "Thing", Some("shop"), "a", "a.yaml");
            let plan = plan(&[Declaration { manifest: Manifest::from_redacted(manifest), ..thing }], &kinds, &Settings::default());
            plan.listings.into_iter().map(|listing| listing.kind.kind).collect::<Vec<_>>()
        };
        assert_eq!(listed(json!({"spec": {"replicas": 3}})), ["HorizontalPodAutoscaler", "ScaledObject", "Thing"]);
        assert_eq!(listed(json!({"spec": {}})), ["Thing"]);
    }

    #[test]
    fn undeclared_objects_are_asked_for_in_every_kind_but_events_and_skipped_secrets() {
        let settings = Settings { undeclared_namespaces: BTreeSet::from(["shop".to_owned()]), skip_secrets: true, ..Settings::default() };
        let plan = plan(&[], &kinds(), &settings);
        let listed: Vec<&str> = plan.listings.iter().map(|listing| listing.kind.kind.as_str()).collect();
        assert_eq!(listed, ["ConfigMap", "Deployment", "HorizontalPodAutoscaler"]);
        assert!(plan.wants(&declaration("", "ConfigMap", Some("shop"), "x", "").id));
        assert!(!plan.wants(&declaration("", "ConfigMap", Some("other"), "x", "").id));
        assert!(!plan.wants(&declaration("", "Secret", Some("shop"), "x", "").id));
    }

    #[test]
    fn the_first_path_is_compared_and_a_kind_nobody_serves_is_told() {
        let declarations = [
            declaration("", "ConfigMap", Some("shop"), "a", "z.yaml"),
            declaration("", "ConfigMap", Some("shop"), "a", "a.yaml"),
            declaration("x.io", "Thing", Some("shop"), "a", "a.yaml"),
        ];
        let complete = plan(&declarations, &kinds(), &Settings::default());
        assert_eq!(complete.objects[&declarations[0].id].declarations, [1, 0]);
        assert!(matches!(complete.objects[&declarations[2].id].place, Place::NotServed));
        let partial = plan(&declarations, &Kinds { complete: false, ..kinds() }, &Settings::default());
        assert!(matches!(&partial.objects[&declarations[2].id].place, Place::Unreadable(why) if why.reason == "not in the recording"));
    }
}
