//! From an item of a list to a live object: identity first, content only where somebody wants it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use super::failure::json_text;
use super::wire::{Content, Head, HeadMetadata, Metadata, Owner};
use crate::model::kind::Kind;
use crate::model::object::{LiveObject, Manifest, ObjectId, OwnerReference};
use crate::secret::Redactor;

/// Splits `apps/v1`; the core group has no slash.
pub(super) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}

/// What identifies an item.
pub(super) fn head(item: &RawValue) -> Result<Head, String> {
    serde_json::from_str(item.get()).map_err(|error| json_text(&error))
}

/// The identity of an item of a listing, if it belongs there. Items of built-in kinds do not name their kind in lists; where
/// one does, it must be that of the list, since secrets are recognised by it.
pub(super) fn identity(head: Head, kind: &Kind, asked: Option<&str>) -> Result<ObjectId, String> {
    let other_kind = head.kind.is_some_and(|named| named != kind.kind);
    let other_version = head.api_version.is_some_and(|named| named != kind.api_version());
    if other_kind || other_version {
        return Err("is of another kind than the list".to_owned());
    }
    let HeadMetadata { name, namespace } = head.metadata;
    if name.is_empty() {
        return Err("has no name".to_owned());
    }
    let of = namespace.filter(|namespace| !namespace.is_empty());
    let id = ObjectId { group: kind.group.clone(), kind: kind.kind.clone(), namespace: of, name };
    if id.namespace.is_some() != kind.namespaced {
        return Err("has a namespace where its kind has none, or none where it has".to_owned());
    }
    if asked.is_some() && asked != id.namespace.as_deref() {
        return Err("is of another namespace than the list".to_owned());
    }
    Ok(id)
}

/// The object of an item whose identity is known. Its managed fields stay text; its secrets are replaced before anything
/// else sees them.
pub(super) fn live_object(item: &RawValue, id: ObjectId, version: &str, redactor: &Redactor) -> Result<LiveObject, String> {
    let broken = |error: serde_json::Error| json_text(&error);
    let Content { fields: mut content, metadata, managed_fields } = serde_json::from_str(item.get()).map_err(broken)?;
    let managed_fields = managed_fields.filter(|text| !matches!(text.get(), "null" | "[]"));
    let own = Value::Object(metadata.ok_or("has no metadata")?);
    let metadata = Metadata::of(&own).map_err(broken)?;
    content.insert("metadata".to_owned(), own);
    let api_version = if id.group.is_empty() { version.to_owned() } else { format!("{}/{version}", id.group) };
    content.insert("apiVersion".to_owned(), Value::String(api_version));
    content.insert("kind".to_owned(), Value::String(id.kind.clone()));
    let mut content = Value::Object(content);
    redactor.redact(&mut content);

    let owner = |owner: Owner| OwnerReference {
        api_version: owner.api_version,
        kind: owner.kind,
        name: owner.name,
        controller: owner.controller.unwrap_or(false),
    };
    Ok(LiveObject {
        id,
        version: version.to_owned(),
        uid: metadata.uid.unwrap_or_default(),
        created: metadata.creation_timestamp.as_deref().map(time).transpose()?,
        deleted: metadata.deletion_timestamp.as_deref().map(time).transpose()?,
        owners: metadata.owner_references.into_iter().map(owner).collect(),
        managed_fields,
        manifest: Manifest::from_redacted(content),
    })
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| "has a time that is none".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{head, identity, live_object};
    use crate::model::kind::Kind;
    use crate::model::object::LiveObject;
    use crate::secret::{Redactor, is_digest};

    fn kind(group: &str, name: &str) -> Kind {
        Kind {
            group: group.into(),
            version: "v1".into(),
            kind: name.into(),
            plural: format!("{}s", name.to_lowercase()),
            singular: name.to_lowercase(),
            short_names: Vec::new(),
            namespaced: true,
            verbs: vec!["list".into()],
            preferred: true,
        }
    }

    fn read(kind: &Kind, text: &str) -> Result<LiveObject, String> {
        let item = RawValue::from_string(text.into()).unwrap();
        let id = identity(head(&item)?, kind, None)?;
        live_object(&item, id, &kind.version, &Redactor::from_key([1; 32]))
    }

    #[test]
    fn an_item_without_kind_gets_that_of_its_list_and_loses_its_managed_fields() {
        let item = r#"{"metadata":{"name":"web","namespace":"shop","uid":"u1","creationTimestamp":"2026-11-20T10:00:00Z",
            "managedFields":[{"manager":"kubectl"}],
            "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"x","controller":true}]},"spec":{"replicas":1.0}}"#;
        let object = read(&kind("apps", "Deployment"), item).unwrap();
        let manifest = object.manifest.value();
        assert_eq!((&manifest["apiVersion"], &manifest["kind"]), (&"apps/v1".into(), &"Deployment".into()));
        assert_eq!(manifest["metadata"].get("managedFields"), None);
        assert_eq!(manifest["spec"]["replicas"].to_string(), "1.0");
        assert_eq!(object.managed_fields.unwrap().get(), r#"[{"manager":"kubectl"}]"#);
        assert!(object.owners[0].controller);
        assert_eq!(object.created.unwrap().to_rfc3339(), "2026-11-20T10:00:00+00:00");
    }

    #[test]
    fn a_secret_of_a_list_that_names_no_kind_is_redacted() {
        let object = read(&kind("", "Secret"), r#"{"metadata":{"name":"s","namespace":"shop"},"data":{"p":"Y2FuYXJ5"}}"#).unwrap();
        assert!(is_digest(&object.manifest.value()["data"]["p"]));
    }

    #[test]
    fn what_does_not_belong_into_the_list_is_malformed_and_not_quoted() {
        let secrets = kind("", "Secret");
        for item in [
            r#"{"kind":"ConfigMap","metadata":{"name":"s","namespace":"shop"},"data":{"p":"Y2FuYXJ5"}}"#,
            r#"{"apiVersion":"v2","metadata":{"name":"s","namespace":"shop"},"data":{"p":"Y2FuYXJ5"}}"#,
            r#"{"metadata":{"name":"s"},"data":{"p":"Y2FuYXJ5"}}"#,
            r#"{"metadata":{"name":"","namespace":"shop"}}"#,
            r#"{"metadata":{"name":"s","namespace":"shop","creationTimestamp":"Y2FuYXJ5"}}"#,
            r#"{"metadata":{"name":"s","namespace":"shop","ownerReferences":"Y2FuYXJ5"}}"#,
            r#"{"metadata":"Y2FuYXJ5"}"#,
            r#""Y2FuYXJ5""#,
            "null",
        ] {
            let error = read(&secrets, item).unwrap_err();
            assert!(!error.contains("Y2FuYXJ5"), "{error}");
        }
    }

    #[test]
    fn a_value_too_deep_for_the_parser_is_malformed() {
        let deep = format!(r#"{{"metadata":{{"name":"a","namespace":"b"}},"spec":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(&kind("apps", "Deployment"), &deep).is_err());
    }
}
