//! A document becomes a declaration: its kind and namespace are resolved, and secret values end here.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::document;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{Declaration, Engine, Entry, Input, LeafOrigin, SourceId};
use crate::model::kind::Kinds;
use crate::model::object::{Manifest, ObjectId, Pointer};
use crate::secret::Redactor;

use super::{SourceSettings, path, scope};

/// A document as it was read or rendered, secret values still in it.
pub(super) struct Reading {
    pub(super) value: Value,
    pub(super) inputs: Vec<Input>,
    /// One for each leaf of `value`.
    pub(super) origins: Vec<LeafOrigin>,
    /// Whether nothing that its documents declare was taken out.
    pub(super) is_whole: bool,
    /// The entries of kustomizations that lead to its document; `None` where they cannot be told.
    pub(super) drawn_by: Option<Vec<Entry>>,
    pub(super) engine: Engine,
    /// File and line, for people.
    pub(super) place: String,
    /// Why the content is not what will be applied, where it is known not to be.
    pub(super) doubt: Option<&'static str>,
}

/// A document that cannot be read.
pub(super) struct Unreadable {
    /// File, line and column, for people.
    pub(super) place: String,
    /// Why. Holds no secret value.
    pub(super) detail: String,
}

/// What became of a document.
pub(super) enum Outcome {
    Declared(Box<Declaration>),
    NotAnObject,
    NotEvaluated(NotEvaluated),
}

/// Makes declarations for one source.
pub(super) struct Declarer<'run> {
    pub(super) source: &'run SourceId,
    pub(super) kinds: &'run Kinds,
    pub(super) redactor: &'run Redactor,
    pub(super) settings: &'run SourceSettings,
}

/// Why it cannot be told whether a kind lies in namespaces.
struct Unscoped {
    stage: Stage,
    reason: String,
    detail: Option<String>,
}

/// The type and name of a document.
struct Identity {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
}

fn text<'value>(value: &'value Value, field: &str) -> Option<&'value str> {
    value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Kustomize reads its own files; nobody applies them. Such a file need not say what it is: then its name does.
fn is_kustomize_file(reading: &Reading) -> bool {
    match text(&reading.value, "apiVersion") {
        Some(version) => version.starts_with("kustomize.config.k8s.io/"),
        None => reading.inputs.iter().any(|input| path::KUSTOMIZATIONS.contains(&path::name(&input.document.path))),
    }
}

impl Declarer<'_> {
    /// Makes the declaration of a document.
    pub(super) fn declare(&self, mut reading: Reading) -> Outcome {
        if text(&reading.value, "kind").is_none() || is_kustomize_file(&reading) {
            return Outcome::NotAnObject;
        }
        let place = format!("{}: {}", self.source, reading.place);
        let identity = match identity(&reading.value) {
            Ok(identity) => identity,
            Err(reason) => return Outcome::NotEvaluated(NotEvaluated::new(Stage::Render, place, reason)),
        };
        let id = match self.resolve(&identity, place) {
            Ok(id) => id,
            Err(gap) => return Outcome::NotEvaluated(*gap),
        };
        if let Some(doubt) = reading.doubt {
            return Outcome::NotEvaluated(NotEvaluated::object(Stage::Render, id, doubt));
        }
        if id.namespace.is_none() {
            remove_namespace(&mut reading);
        }
        let encrypted = is_encrypted(&reading.value, id.is_secret());
        if encrypted {
            remove_field(&mut reading, "sops");
        }
        let (manifest, leaves) = self.redacted(reading.value, reading.origins, id.is_secret());
        Outcome::Declared(Box::new(Declaration {
            id,
            version: identity.version,
            source: self.source.clone(),
            engine: reading.engine,
            applier: self.settings.applier.clone(),
            manifest,
            encrypted,
            inputs: reading.inputs,
            leaves,
            is_whole: reading.is_whole,
            drawn_by: reading.drawn_by,
        }))
    }

    fn resolve(&self, identity: &Identity, place: String) -> Result<ObjectId, Box<NotEvaluated>> {
        let id =
            |namespace| ObjectId { group: identity.group.clone(), kind: identity.kind.clone(), namespace, name: identity.name.clone() };
        if !self.is_namespaced(identity).map_err(|Unscoped { stage, reason, detail }| {
            let detail = detail.map_or_else(|| place.clone(), |detail| format!("{place}: {detail}"));
            Box::new(NotEvaluated::object(stage, id(identity.namespace.clone()), reason).with_detail(detail))
        })? {
            return Ok(id(None));
        }
        match identity.namespace.clone().or_else(|| self.settings.namespace.clone()) {
            Some(namespace) => Ok(id(Some(namespace))),
            None => Err(Box::new(NotEvaluated::object(Stage::Render, id(None), "namespace unknown").with_detail(place))),
        }
    }

    /// Whether the kind lies in namespaces, or why that cannot be told.
    fn is_namespaced(&self, identity: &Identity) -> Result<bool, Unscoped> {
        let Identity { group, version, kind, .. } = identity;
        if let Some(served) = self.kinds.best(group, version, kind) {
            return Ok(served.namespaced);
        }
        if !self.kinds.complete {
            return Ok(scope::is_namespaced(group, kind).unwrap_or(identity.namespace.is_some()));
        }
        match self.kinds.unknown_groups.iter().find(|(unknown, _)| unknown == group) {
            // What is built in is known even where the cluster does not tell it now.
            Some((_, gap)) => scope::is_namespaced(group, kind).ok_or_else(|| Unscoped {
                stage: gap.stage,
                reason: gap.reason.clone(),
                detail: gap.detail.clone(),
            }),
            None => Err(Unscoped { stage: Stage::Render, reason: "kind not served".into(), detail: None }),
        }
    }

    /// Takes the secrets out, and follows the leaves of `stringData` into `data`.
    fn redacted(&self, value: Value, origins: Vec<LeafOrigin>, is_secret: bool) -> (Manifest, Box<[LeafOrigin]>) {
        if !is_secret {
            return (Manifest::from_redacted(value), origins.into());
        }
        let before: Vec<(Pointer, LeafOrigin)> =
            document::leaves(&value).into_iter().map(|(pointer, _)| pointer).zip(origins.iter().copied()).collect();
        let places: HashMap<&str, LeafOrigin> = before.iter().map(|(pointer, origin)| (pointer.as_str(), *origin)).collect();
        let mut redacted = value;
        self.redactor.redact(&mut redacted);
        let leaves = document::leaves(&redacted).iter().map(|(pointer, _)| origin_of(pointer.as_str(), &places, &before)).collect();
        (Manifest::from_redacted(redacted), leaves)
    }
}

/// The origin of a leaf of a redacted Secret: `stringData` wins over `data`, and what became empty stands where its content stood.
fn origin_of(pointer: &str, places: &HashMap<&str, LeafOrigin>, before: &[(Pointer, LeafOrigin)]) -> LeafOrigin {
    let folded = pointer.strip_prefix("/data").map(|rest| format!("/stringData{rest}"));
    let inside = || before.iter().find(|(leaf, _)| leaf.as_str().strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/')));
    folded
        .and_then(|folded| places.get(folded.as_str()))
        .or_else(|| places.get(pointer))
        .copied()
        .or_else(|| inside().map(|(_, origin)| *origin))
        .unwrap_or(RENDERED)
}

/// The origin of a leaf that no single document declares.
pub(super) const RENDERED: LeafOrigin = LeafOrigin { input: None, leaf: 0, line: 0, end_line: 0 };

fn identity(value: &Value) -> Result<Identity, &'static str> {
    let api_version = text(value, "apiVersion").ok_or("no apiVersion")?;
    let kind = text(value, "kind").ok_or("no kind")?;
    if kind.starts_with(ENCRYPTED) || api_version.starts_with(ENCRYPTED) {
        return Err("encrypted as a whole");
    }
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    let name = match (metadata.get("name"), metadata.get("generateName")) {
        (Some(Value::String(name)), _) if !name.is_empty() => name.clone(),
        (Some(Value::Null) | None, Some(_)) => return Err("generateName instead of a name"),
        (Some(Value::Null | Value::String(_)) | None, _) => return Err("no name"),
        _ => return Err("a name that is no text"),
    };
    let namespace = match metadata.get("namespace") {
        Some(Value::String(namespace)) => Some(namespace.clone()).filter(|namespace| !namespace.is_empty()),
        Some(Value::Null) | None => None,
        Some(_) => return Err("a namespace that is no text"),
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    // Only a v1 Secret is known to be one where its values are taken out.
    if group.is_empty() && kind == "Secret" && api_version != "v1" {
        return Err("a Secret of no known version");
    }
    Ok(Identity { group: group.into(), version: version.into(), kind: kind.into(), name, namespace })
}

/// SOPS leaves a `sops` map with a message authentication code, and encrypts values in place.
pub(super) fn is_encrypted(value: &Value, is_secret: bool) -> bool {
    let sops = value.get("sops");
    let is_marked = sops.is_some_and(|sops| sops.get("mac").is_some() || sops.get("lastmodified").is_some());
    is_marked || holds_encrypted(value) || is_secret && value.get("data").is_some_and(holds_encrypted_base64)
}

const ENCRYPTED: &str = "ENC[AES256_GCM,";

fn holds_encrypted(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(holds_encrypted),
        Value::Array(items) => items.iter().any(holds_encrypted),
        Value::String(text) => text.starts_with(ENCRYPTED) && text.ends_with(']'),
        _ => false,
    }
}

/// A Secret that was generated of an encrypted file holds it in base64.
fn holds_encrypted_base64(data: &Value) -> bool {
    let is_encrypted = |value: &Value| {
        let decoded = value.as_str().and_then(|text| STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok());
        decoded.is_some_and(|bytes| bytes.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED.as_bytes()))
    };
    data.as_object().is_some_and(|entries| entries.values().any(is_encrypted))
}

/// The API server takes no namespace for kinds that have none.
fn remove_namespace(reading: &mut Reading) {
    keep_leaves(reading, |value| {
        if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
            metadata.remove("namespace");
        }
    });
}

fn remove_field(reading: &mut Reading, name: &str) {
    keep_leaves(reading, |value| {
        if let Value::Object(fields) = value {
            fields.remove(name);
        }
    });
}

/// Changes a value by taking fields away, and lets the other leaves keep their origins.
fn keep_leaves(reading: &mut Reading, change: impl FnOnce(&mut Value)) {
    let before: HashMap<String, LeafOrigin> =
        document::leaves(&reading.value).into_iter().map(|(pointer, _)| pointer.to_string()).zip(reading.origins.iter().copied()).collect();
    change(&mut reading.value);
    reading.origins =
        document::leaves(&reading.value).iter().map(|(pointer, _)| before.get(pointer.as_str()).copied().unwrap_or(RENDERED)).collect();
}
