//! Keyed digests in place of secret values, so that equality survives and nothing can leak.
//!
//! It is applied at the edges, when the cluster is read and when manifests are made of files; nothing behind those edges
//! ever holds a secret value. The key is random for each run; a recording brings its own, because its values are digests
//! already. Follows record.md, "Secrets".

mod document;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::model::text::hex;

/// Starts every digest. A NUL cannot stand in YAML or in a manifest, so no value of a manifest can be taken for a digest.
const MARK: &str = "\u{0}digest:";

/// The annotation in which kubectl keeps the whole declared object, secret values included.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields of a Secret that hold no secret.
const OPEN_FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "immutable"];

/// Replaces secret values by digests under one key.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 32],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Redactor(…)")
    }
}

impl Redactor {
    /// A key of this run only.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key })
    }

    /// The key of a recording.
    pub fn from_key(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The key, for `capture` to store beside its digests.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Takes the secrets out of a manifest: a core/v1 Secret loses its values and its last-applied annotation, and its
    /// `stringData` is folded into `data` as the API server does. Any other object stays as it is. Digests stay as they are,
    /// so it may be applied twice.
    pub fn redact(&self, manifest: &mut Value) {
        let is_secret = manifest.get("kind").and_then(Value::as_str) == Some("Secret")
            && manifest.get("apiVersion").and_then(Value::as_str) == Some("v1");
        let Value::Object(fields) = manifest else { return };
        if !is_secret {
            return;
        }
        self.fold_string_data(fields);
        if let Some(data) = fields.get_mut("data") {
            match data {
                Value::Object(entries) => entries.values_mut().for_each(|value| self.redact_base64(value)),
                other => self.redact_all(other),
            }
        }
        for (name, value) in fields.iter_mut() {
            if name != "data" && !OPEN_FIELDS.contains(&name.as_str()) {
                self.redact_all(value);
            }
        }
        if let Some(Value::Object(annotations)) = fields.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")) {
            annotations.remove(LAST_APPLIED);
        }
    }

    fn fold_string_data(&self, fields: &mut Map<String, Value>) {
        let Some(Value::Object(plain)) = fields.get("stringData") else { return };
        let digests: Vec<(String, Value)> = plain
            .iter()
            .map(|(key, value)| {
                let digest = match value {
                    Value::Null => Value::Null,
                    Value::String(text) if is_digest_text(text) => value.clone(),
                    Value::String(text) => self.digest(text.as_bytes()),
                    other => self.digest(other.to_string().as_bytes()),
                };
                (key.clone(), digest)
            })
            .collect();
        fields.remove("stringData");
        match fields.entry("data").or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(data) => data.extend(digests),
            data => *data = Value::Object(digests.into_iter().collect()),
        }
    }

    /// `data` values: equality is that of the decoded bytes, whatever the folding of the base64 text.
    fn redact_base64(&self, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::String(text) if is_digest_text(text) => {}
            Value::String(text) => {
                let compact: String = text.split_ascii_whitespace().collect();
                *value = match STANDARD.decode(&compact) {
                    Ok(bytes) => self.digest(&bytes),
                    // The API server would refuse it; the tag keeps it from being equal to anything decoded.
                    Err(_) => self.digest(format!("not base64:{text}").as_bytes()),
                };
            }
            other => self.redact_all(other),
        }
    }

    fn redact_all(&self, value: &mut Value) {
        match value {
            Value::Object(entries) => entries.values_mut().for_each(|entry| self.redact_all(entry)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_all(item)),
            Value::Null => {}
            Value::String(text) if is_digest_text(text) => {}
            scalar => *scalar = self.digest(format!("raw:{scalar}").as_bytes()),
        }
    }

    /// An empty value is no secret and stays an empty text, so that the rules of null and empty apply to it.
    fn digest(&self, bytes: &[u8]) -> Value {
        if bytes.is_empty() {
            return Value::String(String::new());
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(bytes);
        Value::String(format!("{MARK}{}", hex(&mac.finalize().into_bytes())))
    }
}

fn is_digest_text(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Whether a value stands for a secret one and must not be shown.
pub fn is_digest(value: &Value) -> bool {
    value.as_str().is_some_and(is_digest_text)
}

/// Whether a value is, or holds, a digest.
pub fn holds_digest(value: &Value) -> bool {
    match value {
        Value::Object(entries) => entries.values().any(holds_digest),
        Value::Array(items) => items.iter().any(holds_digest),
        scalar => is_digest(scalar),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LAST_APPLIED, Redactor, is_digest};

    fn redacted(mut value: Value) -> Value {
        Redactor::from_key([7; 32]).redact(&mut value);
        value
    }

    #[test]
    fn string_data_wins_over_data_and_equals_its_base64() {
        let declared = redacted(json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x"}, "data": {"a": "b2xk"}}));
        let live = redacted(json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}}));
        assert_eq!(declared, live);
        assert!(is_digest(&live["data"]["a"]));
    }

    #[test]
    fn folded_base64_equals_the_canonical_text() {
        let folded = redacted(json!({"apiVersion": "v1", "kind": "Secret", "data": {"b": "Z29v\nZA==\n"}}));
        assert_eq!(folded, redacted(json!({"apiVersion": "v1", "kind": "Secret", "data": {"b": "Z29vZA=="}})));
    }

    #[test]
    fn misspelt_fields_and_the_last_applied_annotation_do_not_leak() {
        let secret = redacted(json!({
            "apiVersion": "v1", "kind": "Secret", "strngData": {"a": ["canary"]}, "data": "canary",
            "metadata": {"annotations": {LAST_APPLIED: "canary", "kept": "yes"}},
        }));
        assert!(!secret.to_string().contains("canary"));
        assert_eq!(secret["metadata"]["annotations"]["kept"], "yes");
    }

    #[test]
    fn redacting_twice_changes_nothing() {
        let once = redacted(json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA==", "n": null, "e": ""}}));
        assert_eq!(once["data"]["n"], Value::Null);
        assert_eq!(once["data"]["e"], "");
        assert_eq!(redacted(once.clone()), once);
    }
}
