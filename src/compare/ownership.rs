//! What `metadata.managedFields` says of a path: who wrote it last.
//!
//! Sets are read whole (`f:`, `k:`, `v:`, `i:`, `.`) and only where somebody asks. A path belongs to the entries that list it
//! itself; where none does, to those that list the nearest container that is written as a whole. Follows
//! structured-merge-diff's fieldpath and drift.md §3.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::model::comparison::{Manager, Operation};
use crate::model::object::Step;

const SEARCH_LIMIT: usize = 500;

/// An entry of managedFields.
pub(super) struct Entry {
    pub(super) manager: Manager,
    /// Whether its paths are those of the version that was read.
    same_version: bool,
    fields: Map<String, Value>,
}

/// All entries of an object.
#[derive(Default)]
pub(super) struct Ownership {
    pub(super) entries: Vec<Entry>,
}

/// What is known of the containers around a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// None is written as a whole.
    Never,
    /// The container at this depth (number of steps) is.
    From(usize),
    /// Lists are and maps are not, as the server deduces where a schema preserves what it does not name.
    Deduced,
    /// There is no schema that would say.
    Unknown,
}

impl Ownership {
    /// Reads managedFields; `api_version` is the one the object was read at. `None` where it is no list of entries.
    pub(super) fn read(text: &RawValue, api_version: &str) -> Option<Self> {
        let Ok(Value::Array(entries)) = serde_json::from_str(text.get()) else { return None };
        let entries = entries.into_iter().map(|entry| Entry::read(entry, api_version)).collect::<Option<_>>()?;
        Some(Self { entries })
    }

    /// The entries that own a path, as positions.
    pub(super) fn owners(&self, path: &[Step], whole: Whole) -> Vec<usize> {
        let depths: Vec<usize> = self.entries.iter().map(|entry| entry.depth(path, whole)).collect();
        let deepest = depths.iter().copied().max().unwrap_or(0);
        if deepest == 0 {
            return Vec::new();
        }
        depths.iter().enumerate().filter(|(_, depth)| **depth == deepest).map(|(position, _)| position).collect()
    }

    /// The entries that own a path, or where none does, something below it.
    pub(super) fn owners_at_or_below(&self, path: &[Step], whole: Whole) -> Vec<usize> {
        let owners = self.owners(path, whole);
        if !owners.is_empty() {
            return owners;
        }
        (0..self.entries.len()).filter(|entry| self.entries[*entry].leads_below(path)).collect()
    }

    /// Whether an entry lists exactly this path.
    pub(super) fn lists(&self, entry: usize, path: &[Step]) -> bool {
        self.entries.get(entry).is_some_and(|entry| entry.depth(path, Whole::Never) == path.len())
    }

    /// Who seems to have created the object: the earliest entry that says a time, else the first.
    pub(super) fn creator(&self) -> Option<&Manager> {
        let timed = self.entries.iter().filter(|entry| entry.manager.time.is_some()).min_by_key(|entry| entry.manager.time);
        timed.or(self.entries.first()).map(|entry| &entry.manager)
    }
}

impl Entry {
    fn read(entry: Value, api_version: &str) -> Option<Self> {
        let Value::Object(mut entry) = entry else { return None };
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let operation = match text("operation")? {
            "Apply" => Operation::Apply,
            _ => Operation::Update,
        };
        let manager = Manager {
            name: text("manager").unwrap_or_default().to_owned(),
            operation,
            subresource: text("subresource").filter(|name| !name.is_empty()).map(str::to_owned),
            time: text("time").and_then(|time| DateTime::parse_from_rfc3339(time).ok()).map(|time| time.with_timezone(&Utc)),
        };
        let version = text("apiVersion").unwrap_or_default().to_owned();
        let mut fields = match entry.remove("fieldsV1") {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        if is_autoscaling(&version) && is_autoscaling(api_version) && version != api_version {
            translate_autoscaling(&mut fields);
        }
        Some(Self { manager, same_version: version == api_version, fields })
    }

    /// How many steps of the path this entry owns; 0 where it does not.
    fn depth(&self, path: &[Step], whole: Whole) -> usize {
        let mut set = &self.fields;
        for (walked, step) in path.iter().enumerate() {
            match child(set, step) {
                Some(inner) => set = inner,
                None => return if self.owns_rest(set, &path[..=walked], whole) { walked } else { 0 },
            }
        }
        // A set with children but without `.` only leads to members.
        if set.is_empty() || set.contains_key(".") { path.len() } else { 0 }
    }

    /// Whether the container that the walk ended in stands for all below it; `path` ends with the first step into it.
    fn owns_rest(&self, set: &Map<String, Value>, path: &[Step], whole: Whole) -> bool {
        let walked = path.len() - 1;
        let is_leaf = walked > 0 && set.is_empty();
        is_leaf
            && match whole {
                Whole::Never => !self.same_version,
                Whole::From(depth) => walked >= depth || !self.same_version,
                Whole::Deduced => !matches!(path.last(), Some(Step::Field(_))) || !self.same_version,
                Whole::Unknown => true,
            }
    }

    /// Whether something below a path is listed, but not the path itself: a structure that was applied by its fields.
    fn leads_below(&self, path: &[Step]) -> bool {
        let set = path.iter().try_fold(&self.fields, |set, step| child(set, step));
        set.is_some_and(|set| !set.is_empty() && !set.contains_key("."))
    }
}

fn is_autoscaling(api_version: &str) -> bool {
    api_version.starts_with("autoscaling/")
}

/// Names what an entry lists as the other version of a HorizontalPodAutoscaler calls it, beside its own names: what v1 has no
/// field for stands in its annotations (live-facts 4.15).
fn translate_autoscaling(fields: &mut Map<String, Value>) {
    const NAMES: [(&[&str], &[&str]); 3] = [
        (&["f:spec", "f:metrics"], &["f:spec", "f:targetCPUUtilizationPercentage"]),
        (&["f:spec", "f:metrics"], &["f:metadata", "f:annotations", "f:autoscaling.alpha.kubernetes.io/metrics"]),
        (&["f:spec", "f:behavior"], &["f:metadata", "f:annotations", "f:autoscaling.alpha.kubernetes.io/behavior"]),
    ];
    let lists = |path: &[&str]| path.iter().try_fold(&*fields, |set, name| set.get(*name)?.as_object()).is_some();
    let both_ways = NAMES.iter().flat_map(|(newer, older)| [(newer, older), (older, newer)]);
    let told: Vec<&[&str]> = both_ways.filter(|(from, to)| lists(from) && !lists(to)).map(|(_, to)| *to).collect();
    for path in told {
        let mut set = &mut *fields;
        for name in path {
            let Value::Object(inner) = set.entry(*name).or_insert_with(|| Value::Object(Map::new())) else { break };
            set = inner;
        }
    }
}

fn child<'a>(set: &'a Map<String, Value>, step: &Step) -> Option<&'a Map<String, Value>> {
    let found = match step {
        Step::Field(name) => set.get(&format!("f:{name}")),
        Step::Index(index) => set.get(&format!("i:{index}")),
        Step::Member(value) => set.get(&format!("v:{value}")).or_else(|| search(set, |key| is_member(key, value))),
        Step::Key(keys) => set.get(&key_text(keys)).or_else(|| search(set, |key| is_key(key, keys))),
    };
    found?.as_object()
}

/// The text that the server writes for a key: sorted, compact, unless a value needs escapes of which Go has more.
fn key_text(keys: &[(String, Value)]) -> String {
    let mut fields: Vec<String> = keys.iter().map(|(key, value)| format!("{}:{value}", Value::String(key.clone()))).collect();
    fields.sort();
    format!("k:{{{}}}", fields.join(","))
}

/// Looks a child up by its meaning. No honest list is as long as the limit, and a hostile one must not cost the square of it.
fn search(set: &Map<String, Value>, is_wanted: impl Fn(&str) -> bool) -> Option<&Value> {
    set.iter().take(SEARCH_LIMIT).find(|(key, _)| is_wanted(key)).map(|(_, inner)| inner)
}

fn is_member(text: &str, value: &Value) -> bool {
    text.strip_prefix("v:").is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|member| member == *value))
}

/// Keys that an entry does not list were absent when it was written.
fn is_key(text: &str, keys: &[(String, Value)]) -> bool {
    let Some(text) = text.strip_prefix("k:") else { return false };
    let Ok(Value::Object(listed)) = serde_json::from_str(text) else { return false };
    keys.iter().all(|(key, value)| listed.get(key).unwrap_or(&Value::Null) == value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::{RawValue, to_raw_value};

    use super::{Ownership, Whole};
    use crate::model::object::Step;

    fn raw(fields: &serde_json::Value) -> Box<RawValue> {
        to_raw_value(&json!([{"manager": "a", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}]))
            .unwrap()
    }

    fn owns(fields: &serde_json::Value, path: &[Step], whole: Whole) -> bool {
        !Ownership::read(&raw(fields), "v1").unwrap().owners(path, whole).is_empty()
    }

    fn field(name: &str) -> Step {
        Step::Field(name.into())
    }

    #[test]
    fn a_path_is_owned_where_it_is_listed() {
        let set = json!({"f:spec": {"f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}}});
        let key = Step::Key(vec![("containerPort".into(), json!(80)), ("protocol".into(), json!("TCP"))]);
        let item = [field("spec"), field("ports"), key];
        assert!(owns(&set, &item, Whole::Never));
        assert!(!owns(&set, &item[..2], Whole::Never));
        assert!(!owns(&set, &[&item[..], &[field("hostIP")]].concat(), Whole::Never));
    }

    #[test]
    fn a_container_stands_for_its_content_only_where_it_is_written_as_a_whole() {
        let set = json!({"f:spec": {"f:securityContext": {}, "f:args": {}}});
        let inner = [field("spec"), field("securityContext"), field("runAsUser")];
        assert!(!owns(&set, &inner, Whole::Never));
        assert!(owns(&set, &[field("spec"), field("args"), Step::Index(1)], Whole::From(2)));
    }

    #[test]
    fn members_of_sets_are_matched_by_value() {
        let set = json!({"f:finalizers": {".": {}, "v:\"x/y\"": {}}});
        assert!(owns(&set, &[field("finalizers"), Step::Member(json!("x/y"))], Whole::Never));
        assert!(!owns(&set, &[field("finalizers"), Step::Member(json!("x"))], Whole::Never));
    }

    #[test]
    fn what_is_no_list_of_entries_is_not_read() {
        assert!(Ownership::read(&to_raw_value(&json!({"a": 1})).unwrap(), "v1").is_none());
        assert!(Ownership::read(&to_raw_value(&json!([{"manager": "x"}])).unwrap(), "v1").is_none());
    }
}
