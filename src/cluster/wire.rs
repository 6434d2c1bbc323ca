//! What the API server and recordings write: the only types here that are (de)serialised.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use chrono::{DateTime, Utc};
/// A type that an answer or a file can be parsed to.
pub(super) use serde::de::DeserializeOwned as Wire;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Go writes an empty slice or map as null.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// `/version`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) git_version: String,
}

/// Any object of which only the uid matters.
#[derive(Deserialize)]
pub(super) struct Identified {
    pub(super) metadata: Uid,
}

#[derive(Deserialize)]
pub(super) struct Uid {
    pub(super) uid: String,
}

/// `meta.k8s.io/v1 Status`, as refusals carry it.
#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// An answer of which only the type is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Typed {
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) api_version: String,
}

/// `apidiscovery.k8s.io/v2 APIGroupDiscoveryList`.
#[derive(Deserialize)]
pub(super) struct Discovery {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) items: Vec<DiscoveredGroup>,
}

#[derive(Deserialize)]
pub(super) struct DiscoveredGroup {
    #[serde(default)]
    pub(super) metadata: GroupName,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) versions: Vec<DiscoveredVersion>,
}

#[derive(Deserialize, Default)]
pub(super) struct GroupName {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct DiscoveredVersion {
    pub(super) version: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) resources: Vec<DiscoveredResource>,
    #[serde(default)]
    pub(super) freshness: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiscoveredResource {
    pub(super) resource: String,
    /// Absent where only subresources are served.
    #[serde(default)]
    pub(super) response_kind: Option<ResponseKind>,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) singular_resource: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) verbs: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) short_names: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct ResponseKind {
    pub(super) kind: String,
}

/// `v1 APIVersions`, the plain answer of `/api`.
#[derive(Deserialize)]
pub(super) struct CoreVersions {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) versions: Vec<String>,
}

/// `v1 APIGroupList`, the plain answer of `/apis`.
#[derive(Deserialize)]
pub(super) struct GroupList {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) groups: Vec<PlainGroup>,
}

#[derive(Deserialize)]
pub(super) struct PlainGroup {
    pub(super) name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) versions: Vec<PlainVersion>,
}

#[derive(Deserialize)]
pub(super) struct PlainVersion {
    pub(super) version: String,
}

/// `v1 APIResourceList`, one version of one group.
#[derive(Deserialize)]
pub(super) struct ResourceList {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) resources: Vec<PlainResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlainResource {
    /// Holds a slash for subresources.
    pub(super) name: String,
    #[serde(default)]
    pub(super) singular_name: String,
    pub(super) namespaced: bool,
    pub(super) kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) verbs: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) short_names: Vec<String>,
}

/// `/openapi/v3`.
#[derive(Deserialize)]
pub(super) struct OpenApiIndex {
    pub(super) paths: BTreeMap<String, OpenApiPath>,
}

#[derive(Deserialize)]
pub(super) struct OpenApiPath {
    #[serde(rename = "serverRelativeURL")]
    pub(super) url: String,
}

/// What identifies an item of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    #[serde(default)]
    pub(super) api_version: Option<String>,
    #[serde(default)]
    pub(super) kind: Option<String>,
    pub(super) metadata: HeadMetadata,
}

#[derive(Deserialize)]
pub(super) struct HeadMetadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

/// The content of an object, its managed fields apart and as text.
#[derive(Default)]
pub(super) struct Content {
    pub(super) fields: Map<String, Value>,
    /// Absent where the object has no `metadata`.
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) managed_fields: Option<Box<RawValue>>,
}

impl Metadata {
    /// What of it we use ourselves.
    pub(super) fn of(metadata: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(metadata)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Content;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
                let mut content = Content::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "metadata" {
                        let OwnMetadata { fields, managed_fields } = map.next_value()?;
                        (content.metadata, content.managed_fields) = (Some(fields), managed_fields);
                    } else {
                        content.fields.insert(name, map.next_value()?);
                    }
                }
                Ok(content)
            }
        }
        input.deserialize_map(Object)
    }
}

/// `metadata`, its managed fields apart.
struct OwnMetadata {
    fields: Map<String, Value>,
    managed_fields: Option<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for OwnMetadata {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = OwnMetadata;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OwnMetadata, A::Error> {
                let mut metadata = OwnMetadata { fields: Map::new(), managed_fields: None };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "managedFields" {
                        metadata.managed_fields = Some(map.next_value()?);
                    } else {
                        metadata.fields.insert(name, map.next_value()?);
                    }
                }
                Ok(metadata)
            }
        }
        input.deserialize_map(Object)
    }
}

/// What of `metadata` we use ourselves.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) uid: Option<String>,
    #[serde(default)]
    pub(super) creation_timestamp: Option<String>,
    #[serde(default)]
    pub(super) deletion_timestamp: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) controller: Option<bool>,
}

/// A list without its items.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// `metadata.continue`, where more follows.
    pub(super) next: Option<String>,
    /// Whether there were `items` at all, be they none.
    pub(super) has_items: bool,
    /// `metadata.name`: it is an object and no list.
    pub(super) name: Option<String>,
}

#[derive(Deserialize, Default)]
struct ListMetadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// Reads a list as it comes, handing out each item before the next is read. What a kubectl list, an API list and a single
/// object have in common is enough to tell them apart afterwards. `item` returns whether to go on.
pub(super) fn read_list(reader: impl Read, item: &mut dyn FnMut(Box<RawValue>) -> bool) -> Result<Envelope, serde_json::Error> {
    read_list_of(serde_json::Deserializer::from_reader(reader), item)
}

/// The same of a list that is there as a whole, which takes half the time.
pub(super) fn read_whole_list(text: &[u8], item: &mut dyn FnMut(Box<RawValue>) -> bool) -> Result<Envelope, serde_json::Error> {
    read_list_of(serde_json::Deserializer::from_slice(text), item)
}

fn read_list_of<'de, R: serde_json::de::Read<'de>>(
    mut input: serde_json::Deserializer<R>,
    item: &mut dyn FnMut(Box<RawValue>) -> bool,
) -> Result<Envelope, serde_json::Error> {
    let envelope = ListSeed { item }.deserialize(&mut input)?;
    input.end()?;
    Ok(envelope)
}

struct ListSeed<'a> {
    item: &'a mut dyn FnMut(Box<RawValue>) -> bool,
}

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Envelope, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Envelope;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(field) = fields.next_key::<String>()? {
            match field.as_str() {
                "apiVersion" => envelope.api_version = fields.next_value()?,
                "kind" => envelope.kind = fields.next_value()?,
                "metadata" => {
                    let metadata: ListMetadata = fields.next_value::<Option<ListMetadata>>()?.unwrap_or_default();
                    envelope.next = metadata.next.filter(|token| !token.is_empty());
                    envelope.name = metadata.name;
                }
                "items" if envelope.has_items => return Err(A::Error::custom("two lists of items")),
                "items" => {
                    envelope.has_items = true;
                    fields.next_value_seed(ItemsSeed { item: &mut *self.item })?;
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(envelope)
    }
}

struct ItemsSeed<'a> {
    item: &'a mut dyn FnMut(Box<RawValue>) -> bool,
}

impl<'de> DeserializeSeed<'de> for ItemsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("items")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Box<RawValue>>()? {
            if !(self.item)(item) {
                return Err(A::Error::custom("nobody reads on"));
            }
        }
        Ok(())
    }
}

/// `capture.json`, the table of contents of a recorded cluster.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Contents {
    /// Always [`CAPTURE_FORMAT`].
    pub(super) format: String,
    /// The program that wrote it.
    pub(super) tool: String,
    /// When it was begun.
    #[serde(with = "time")]
    pub(super) time: DateTime<Utc>,
    pub(super) cluster: RecordedIdentity,
    pub(super) kinds: Vec<RecordedKind>,
    pub(super) unknown_groups: Vec<RecordedGroup>,
    pub(super) listings: Vec<RecordedListing>,
    pub(super) schemas: Vec<RecordedSchema>,
}

/// A time as text of RFC 3339.
mod time {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &DateTime<Utc>, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(input)?;
        DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).map_err(D::Error::custom)
    }
}

mod optional_time {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Option<DateTime<Utc>>, output: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).serialize(output)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        let text = Option::<String>::deserialize(input)?;
        let time = text.map(|text| DateTime::parse_from_rfc3339(&text)).transpose().map_err(D::Error::custom)?;
        Ok(time.map(|time| time.to_utc()))
    }
}

/// Names the form of a capture; another one is refused.
pub(super) const CAPTURE_FORMAT: &str = "kubewitness-capture/1";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordedIdentity {
    pub(super) uid: Option<String>,
    pub(super) name: String,
    pub(super) version: Option<String>,
    #[serde(with = "optional_time")]
    pub(super) time: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordedKind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short_names: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) verbs: Vec<String>,
    pub(super) preferred: bool,
}

/// A group whose kinds could not be learned.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordedGroup {
    pub(super) group: String,
    pub(super) subject: String,
    pub(super) reason: String,
    pub(super) detail: Option<String>,
}

/// A listing that could not be read, as a whole or in one namespace.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordedGap {
    /// Absent for all of the listing.
    pub(super) namespace: Option<String>,
    pub(super) reason: String,
    pub(super) detail: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordedListing {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    /// Absent where the kind was asked for as a whole.
    pub(super) namespaces: Option<BTreeSet<String>>,
    /// In the folder `objects`.
    pub(super) file: String,
    /// What was asked for and not got.
    pub(super) gaps: Vec<RecordedGap>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordedSchema {
    pub(super) group: String,
    pub(super) version: String,
    /// In the folder `openapi`.
    pub(super) file: String,
}

#[cfg(test)]
mod tests {
    use super::{Envelope, read_list};

    fn read(text: &str) -> Result<(Envelope, Vec<String>), serde_json::Error> {
        let mut items = Vec::new();
        let envelope = read_list(text.as_bytes(), &mut |item| {
            items.push(item.get().to_owned());
            true
        })?;
        Ok((envelope, items))
    }

    #[test]
    fn items_come_as_text_whatever_the_order_of_fields() {
        let (envelope, items) = read(
            r#"{"items":[{"a": 1.10},{"b":"]}"}],"kind":"PodList","apiVersion":"v1","metadata":{"continue":"t","remainingItemCount":3}}"#,
        )
        .unwrap();
        assert_eq!(items, [r#"{"a": 1.10}"#, r#"{"b":"]}"}"#]);
        assert_eq!((envelope.kind.as_str(), envelope.api_version.as_str(), envelope.next.as_deref()), ("PodList", "v1", Some("t")));
        assert!(envelope.has_items);
    }

    #[test]
    fn null_items_are_an_empty_list_and_absent_ones_none() {
        assert!(read(r#"{"kind":"PodList","items":null}"#).unwrap().0.has_items);
        assert!(!read(r#"{"kind":"PodList"}"#).unwrap().0.has_items);
        assert_eq!(read(r#"{"kind":"PodList","items":[],"metadata":{"continue":""}}"#).unwrap().0.next, None);
    }

    #[test]
    fn what_is_cut_or_not_a_list_is_an_error() {
        for text in [
            "",
            "[]",
            "1",
            r#"{"items":[{"a":1}"#,
            r#"{"items":[{"a":1}]"#,
            r#"{"items":[{"a":1}{"b":1}]}"#,
            r#"{"items":{}}"#,
            r#"{"items":[],"items":[]}"#,
            r#"{"items":[]} trailing"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_does_not_overflow_the_stack() {
        let deep = format!(r#"{{"items":[{}{}],"x":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000), "[".repeat(9), "]".repeat(9));
        assert_eq!(read(&deep).unwrap().1.len(), 1);
    }
}
