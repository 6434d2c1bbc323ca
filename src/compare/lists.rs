//! Lists: by the keys of the schema, as sets, or by position, and by order where order means nothing.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::filled;
use super::leaves;
use super::ownership::Whole;
use super::place::{At, Positions};
use super::said::Said;
use super::walk::Walk;
use crate::model::comparison::FieldVerdict;
use crate::model::object::Step;
use crate::model::schema::ListKind;

/// Above this, an order that differs is not searched for: it would take too long to be told apart from a change.
const SEARCH_LIMIT: usize = 64;

/// What another order of an atomic list means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Nothing: the server or a controller is known to reorder it.
    Usual,
    /// Nothing to the cluster; but somebody wrote it anew.
    Noted,
    /// Something to some (row 40: ingress controllers).
    Minor,
}
use Order::{Minor, Noted, Usual};

/// Lists that are atomic to the server and of whose order something is known, by component and field (rows 37-40, note f).
const UNORDERED: &[(&str, &str, Order)] = &[
    ("HTTPIngressRuleValue", "paths", Minor),
    ("HorizontalPodAutoscalerSpec", "metrics", Usual),
    ("PolicyRule", "verbs", Noted),
    ("PolicyRule", "apiGroups", Noted),
    ("PolicyRule", "resources", Noted),
    ("PolicyRule", "resourceNames", Noted),
    ("PolicyRule", "nonResourceURLs", Noted),
    ("Role", "rules", Noted),
    ("ClusterRole", "rules", Noted),
    ("RoleBinding", "subjects", Noted),
    ("ClusterRoleBinding", "subjects", Noted),
    ("LabelSelector", "matchExpressions", Noted),
    ("LabelSelectorRequirement", "values", Noted),
    ("NodeSelectorRequirement", "values", Noted),
    ("PersistentVolumeClaimSpec", "accessModes", Noted),
    ("PersistentVolumeSpec", "accessModes", Noted),
    ("NetworkPolicySpec", "policyTypes", Noted),
    ("NetworkPolicySpec", "ingress", Noted),
    ("NetworkPolicySpec", "egress", Noted),
    ("NetworkPolicyIngressRule", "from", Noted),
    ("NetworkPolicyIngressRule", "ports", Noted),
    ("NetworkPolicyEgressRule", "to", Noted),
    ("NetworkPolicyEgressRule", "ports", Noted),
    ("PodSpec", "tolerations", Noted),
    ("Capabilities", "add", Noted),
    ("Capabilities", "drop", Noted),
    ("ServiceAccount", "imagePullSecrets", Noted),
    ("Endpoints", "subsets", Usual),
];

/// List-maps whose order means something to somebody, though not to the schema.
const ORDER_NOTED: [&str; 2] = ["containers", "env"];

type Key = Vec<(String, Value)>;

impl<'a> Walk<'a> {
    /// Compares a list.
    pub(super) fn list(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value, items: &'a [Value], live_items: &'a [Value]) {
        let are_objects = || items.iter().chain(live_items).all(Value::is_object);
        match at.list(self.schemas) {
            ListKind::Map(keys) if are_objects() => self.list_map(at, declared, live, (items, live_items), keys),
            ListKind::Set => self.set(at, declared, live, items, live_items),
            _ => self.atomic_list(at, declared, live, items, live_items),
        }
    }

    pub(super) fn key_of(&self, item: At<'a>, keys: &[Box<str>], value: &Value) -> Key {
        leaves::key_of(self.schemas, item, keys, value)
    }

    fn list_map(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value, sides: (&'a [Value], &'a [Value]), keys: &[Box<str>]) {
        let (items, live_items) = sides;
        let item_at = at.item(self.schemas, self.path.steps.len() + 1);
        let groups = |items: &[Value]| Groups::of(items.iter().map(|item| self.key_of(item_at, keys, item)));
        let (declared_groups, live_groups) = (groups(items), groups(live_items));
        for (key, places) in &declared_groups.groups {
            let live_places = live_groups.get(key);
            self.group(item_at, key, (places, items), (live_places, live_items));
        }
        for (key, places) in &live_groups.groups {
            if declared_groups.get(key).is_empty() {
                for place in places {
                    self.path.push(Step::Key(key.clone()), Positions { declared: None, live: Some(*place) });
                    self.undeclared(item_at, &live_items[*place]);
                    self.path.pop();
                }
            }
        }
        self.order(at, declared, live, &declared_groups, &live_groups);
    }

    /// Items of one key: nearly always one on each side.
    fn group(&mut self, at: At<'a>, key: &Key, declared: (&[usize], &'a [Value]), live: (&[usize], &'a [Value])) {
        let ((places, items), (live_places, live_items)) = (declared, live);
        let pair = |walk: &mut Self, place: usize, live_place: usize| {
            walk.path.push(Step::Key(key.clone()), Positions { declared: Some(place), live: Some(live_place) });
            // Of items with the same key nobody's sets tell more than that the group is there (live-facts 4.9).
            let whole = if live_places.len() > 1 { Whole::From(walk.path.steps.len()) } else { at.whole };
            walk.value(At { whole, ..at }, &items[place], &live_items[live_place]);
            walk.path.pop();
        };
        if places.len() == live_places.len() {
            places.iter().zip(live_places).for_each(|(place, live_place)| pair(self, *place, *live_place));
            return;
        }
        let (Some(last), Some(live_last)) = (places.last(), live_places.last()) else {
            let last = places.last().copied().unwrap_or_default();
            self.path.push(Step::Key(key.clone()), Positions { declared: Some(last), live: None });
            self.removed(at, &items[last]);
            self.path.pop();
            return;
        };
        // Row 28: of duplicates any one that is live will do; the last is what was meant.
        let all = places.iter().flat_map(|place| live_places.iter().map(move |live_place| (*place, *live_place)));
        let fitting = all.take(SEARCH_LIMIT).find(|(place, live_place)| self.fits(|walk| pair(walk, *place, *live_place)));
        let (place, live_place) = fitting.unwrap_or((*last, *live_last));
        pair(self, place, live_place);
        if fitting.is_some() {
            self.path.push(Step::Key(key.clone()), Positions { declared: Some(place), live: Some(live_place) });
            self.report(Said::equal("duplicate-key").low(true), Some(&items[place]), Some(&live_items[live_place]));
            self.path.pop();
        }
    }

    /// Rows 27, 29-31, 34, 35.
    fn order(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value, declared_groups: &Groups, live_groups: &Groups) {
        let common = |one: &Groups, other: &Groups| -> Vec<Key> {
            one.groups.iter().map(|(key, _)| key).filter(|key| !other.get(key).is_empty()).cloned().collect()
        };
        if common(declared_groups, live_groups) == common(live_groups, declared_groups) {
            return;
        }
        match self.path.last_word() {
            "initContainers" => self.drifted(at, declared, live),
            name => self.report(Said::equal("list-order").low(ORDER_NOTED.contains(&name)), Some(declared), Some(live)),
        }
    }

    fn set(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value, items: &'a [Value], live_items: &'a [Value]) {
        let item_at = at.item(self.schemas, self.path.steps.len() + 1);
        let texts = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
        let (names, live_names) = (texts(items), texts(live_items));
        let known = |names: &[String]| names.iter().cloned().collect::<HashSet<String>>();
        let (set, live_set) = (known(&names), known(&live_names));
        for (place, item) in items.iter().enumerate().filter(|(place, _)| !live_set.contains(&names[*place])) {
            self.path.push(Step::Member(item.clone()), Positions { declared: Some(place), live: None });
            self.removed(item_at, item);
            self.path.pop();
        }
        for (place, item) in live_items.iter().enumerate().filter(|(place, _)| !set.contains(&live_names[*place])) {
            self.path.push(Step::Member(item.clone()), Positions { declared: None, live: Some(place) });
            self.undeclared(item_at, item);
            self.path.pop();
        }
        let kept =
            |names: &[String], other: &HashSet<String>| names.iter().filter(|name| other.contains(*name)).cloned().collect::<Vec<_>>();
        if kept(&names, &live_set) != kept(&live_names, &set) {
            self.report(Said::equal("set-order"), Some(declared), Some(live));
        }
    }

    /// A list that is written as a whole: still compared item by item, because the server fills in what items leave out.
    fn atomic_list(&mut self, at: At<'a>, declared: &'a Value, live: &'a Value, items: &'a [Value], live_items: &'a [Value]) {
        if live_items.len() > items.len() && self.is_declared_and_admitted(at, items, live_items) {
            return;
        }
        let pairs = |order: &dyn Fn(usize) -> usize| (0..items.len()).map(|place| (place, order(place))).collect::<Vec<_>>();
        if items.len() == live_items.len() {
            let by_place = pairs(&|place| place);
            if self.fits(|walk| walk.pairs(at, &by_place, items, live_items)) {
                return self.pairs(at, &by_place, items, live_items);
            }
            if let Some((order, found)) = self.reordering(at, items, live_items) {
                return self.reordered(at, (declared, live), (items, live_items), order, &found);
            }
            let changed = items.iter().zip(live_items).filter(|(item, live)| item != live).count();
            let is_of_scalars = !items.iter().chain(live_items).any(|item| item.is_object() || item.is_array());
            if !is_of_scalars || changed == 1 {
                return self.pairs(at, &by_place, items, live_items);
            }
        }
        self.drifted(at, declared, live);
    }

    /// Whether the live list is the declared one, in its order, and what admission adds; if so, that is told.
    fn is_declared_and_admitted(&mut self, at: At<'a>, items: &'a [Value], live_items: &'a [Value]) -> bool {
        if !self.judge.is_no_tool(&self.path.steps, at.whole) {
            return false;
        }
        let (mut pairs, mut added) = (Vec::new(), Vec::new());
        for (live_place, item) in live_items.iter().enumerate() {
            let next = (pairs.len(), live_place);
            if next.0 < items.len() && self.fits(|walk| walk.pairs(at, &[next], items, live_items)) {
                pairs.push(next);
            } else if self.is_admitted(at, item) {
                added.push(live_place);
            } else {
                return false;
            }
        }
        if pairs.len() < items.len() {
            return false;
        }
        self.pairs(at, &pairs, items, live_items);
        for place in added {
            self.path.push(Step::Index(place), Positions { declared: None, live: Some(place) });
            self.admitted(at, &live_items[place]);
            self.path.pop();
        }
        true
    }

    /// Counts or tells an item that admission or a controller added. The list is one field to the record of writers, so that it
    /// cannot be told from one that Git once declared.
    fn admitted(&mut self, at: At<'a>, item: &Value) {
        let writer = self.judge.writer(&self.path.steps, at.whole);
        if filled::is_default_toleration(item) {
            self.defaults += 1;
        } else if self.judge.is_controllers(&self.path.steps, at.whole) {
            self.push(Said::new(FieldVerdict::UndeclaredController, "controller"), None, Some(item), writer);
        } else {
            self.report(Said::new(FieldVerdict::Injected, "admission").low(true), None, Some(item));
        }
    }

    /// Whether admission is known to add this item to the list that the walk stands at.
    pub(super) fn is_admitted(&self, at: At<'a>, item: &Value) -> bool {
        filled::is_admitted(at.component, self.path.last_word(), self.root, item)
    }

    fn pairs(&mut self, at: At<'a>, pairs: &[(usize, usize)], items: &'a [Value], live_items: &'a [Value]) {
        for (place, live_place) in pairs {
            self.path.push(Step::Index(*live_place), Positions { declared: Some(*place), live: Some(*live_place) });
            let item_at = at.item(self.schemas, self.path.steps.len());
            self.value(item_at, &items[*place], &live_items[*live_place]);
            self.path.pop();
        }
    }

    fn reordered(
        &mut self,
        at: At<'a>,
        (declared, live): (&'a Value, &'a Value),
        (items, live_items): (&'a [Value], &'a [Value]),
        order: Order,
        pairs: &[(usize, usize)],
    ) {
        if order == Minor {
            self.drifted(at, declared, live);
            self.differences.last_mut().into_iter().for_each(|difference| difference.low_confidence = true);
            return;
        }
        self.pairs(at, pairs, items, live_items);
        if pairs.iter().any(|(place, live_place)| place != live_place) {
            self.report(Said::equal("list-order").low(order == Noted), Some(declared), Some(live));
        }
    }

    /// Another order of the live items in which each is what was declared.
    fn reordering(&mut self, at: At<'a>, items: &'a [Value], live_items: &'a [Value]) -> Option<(Order, Vec<(usize, usize)>)> {
        let short = at.component.rsplit('.').next().unwrap_or_default();
        let name = self.path.last_word();
        if items.len() > SEARCH_LIMIT {
            return None;
        }
        if short == "StatefulSetSpec" && name == "volumeClaimTemplates" {
            return Some((Usual, by_metadata_name(items, live_items)?));
        }
        let (_, _, order) = UNORDERED.iter().find(|(component, field, _)| *component == short && *field == name)?;
        Some((*order, self.search(at, items, live_items)?))
    }

    fn search(&mut self, at: At<'a>, items: &'a [Value], live_items: &'a [Value]) -> Option<Vec<(usize, usize)>> {
        let mut free: Vec<usize> = (0..live_items.len()).collect();
        let mut pairs = Vec::with_capacity(items.len());
        for place in 0..items.len() {
            let found = free.iter().position(|live_place| self.fits(|walk| walk.pairs(at, &[(place, *live_place)], items, live_items)))?;
            pairs.push((place, free.remove(found)));
        }
        Some(pairs)
    }

    /// Whether a part of the walk finds no drift; what it found is forgotten.
    fn fits(&mut self, part: impl FnOnce(&mut Self)) -> bool {
        let (mark, defaults) = (self.differences.len(), self.defaults);
        part(self);
        let is_loud = |verdict: FieldVerdict| verdict.is_drift() || verdict == FieldVerdict::Unknown;
        let fits = !self.differences[mark..].iter().any(|difference| is_loud(difference.verdict));
        self.differences.truncate(mark);
        self.defaults = defaults;
        fits
    }
}

/// Row 55: the claims of a StatefulSet are known by their names, though the list is atomic.
fn by_metadata_name(items: &[Value], live_items: &[Value]) -> Option<Vec<(usize, usize)>> {
    let name = |item: &Value| item.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let live: HashMap<String, usize> = live_items.iter().enumerate().filter_map(|(place, item)| Some((name(item)?, place))).collect();
    let pairs: Option<Vec<(usize, usize)>> =
        items.iter().enumerate().map(|(place, item)| Some((place, *live.get(&name(item)?)?))).collect();
    pairs.filter(|_| live.len() == live_items.len())
}

/// Items by key, in the order in which keys come first.
struct Groups {
    groups: Vec<(Key, Vec<usize>)>,
    places: HashMap<String, usize>,
}

impl Groups {
    fn of(keys: impl Iterator<Item = Key>) -> Self {
        let mut groups: Vec<(Key, Vec<usize>)> = Vec::new();
        let mut places = HashMap::new();
        for (place, key) in keys.enumerate() {
            let group = *places.entry(text_of(&key)).or_insert_with(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push(place);
        }
        Self { groups, places }
    }

    fn get(&self, key: &Key) -> &[usize] {
        self.places.get(&text_of(key)).map_or(&[], |group| &self.groups[*group].1)
    }
}

fn text_of(key: &Key) -> String {
    Value::Object(key.iter().cloned().collect::<Map<_, _>>()).to_string()
}
