//! Documents of files that need not be manifests: patches, kustomizations, values.

use serde_json::Value;

use super::{LAST_APPLIED, OPEN_FIELDS, Redactor};

/// Fields of a kustomization that hold no secret; of the others only the names of files are left.
const OPEN_IN_KUSTOMIZATIONS: [&str; 15] = [
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "resources",
    "bases",
    "components",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "images",
    "replicas",
    "sortOptions",
];

/// Fields of an entry of a kustomization, as of a patch or generator, that hold no secret.
const OPEN_IN_ENTRIES: [&str; 8] = ["name", "namespace", "behavior", "type", "path", "target", "files", "options"];

/// Fields of an operation of a JSON patch (RFC 6902) that hold no secret.
const OPEN_IN_OPERATIONS: [&str; 3] = ["op", "path", "from"];

impl Redactor {
    /// Takes the secrets out of a document as it stands in a file. What is called a Secret, in whatever version, loses its
    /// values; a kustomization all but what can hold none, since it generates and patches Secrets; what names no kind, as a JSON
    /// patch, everything but the places it names. Any other object stays as it is. The paths of leaves stay, except where a
    /// Secret's `stringData` is folded into `data`.
    pub fn redact_document(&self, document: &mut Value) {
        let text = |field: &str| document.get(field).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let is_kustomization = api_version.starts_with("kustomize.config.k8s.io/");
        match (api_version, kind) {
            ("v1", "Secret") => self.redact(document),
            (_, "Secret") => self.redact_fields(document, &OPEN_FIELDS),
            _ if is_kustomization => self.redact_kustomization(document),
            ("", _) | (_, "") => self.redact_nameless(document),
            _ => {}
        }
    }

    fn redact_fields(&self, value: &mut Value, open: &[&str]) {
        let Value::Object(fields) = value else { return self.redact_all(value) };
        fields.iter_mut().filter(|(name, _)| !open.contains(&name.as_str())).for_each(|(_, field)| self.redact_all(field));
        if let Some(Value::Object(annotations)) = fields.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")) {
            annotations.remove(LAST_APPLIED);
        }
    }

    fn redact_kustomization(&self, value: &mut Value) {
        let Value::Object(fields) = value else { return self.redact_all(value) };
        for (_, field) in fields.iter_mut().filter(|(name, _)| !OPEN_IN_KUSTOMIZATIONS.contains(&name.as_str())) {
            match field {
                Value::Array(entries) => entries.iter_mut().for_each(|entry| self.redact_fields(entry, &OPEN_IN_ENTRIES)),
                other => self.redact_all(other),
            }
        }
    }

    fn redact_nameless(&self, value: &mut Value) {
        match value {
            Value::Array(operations) if operations.iter().all(Value::is_object) => {
                operations.iter_mut().for_each(|operation| self.redact_fields(operation, &OPEN_IN_OPERATIONS));
            }
            other => self.redact_all(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::Redactor;
    use crate::secret::is_digest;

    fn redacted(mut value: Value) -> Value {
        Redactor::from_key([7; 32]).redact_document(&mut value);
        value
    }

    #[test]
    fn a_patch_of_a_secret_without_a_version_does_not_leak() {
        for version in [None, Some("v1"), Some("example.com/v1")] {
            let mut fields: Map<String, Value> =
                json!({"kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "canary"}, "stringData": {"b": "canary"}})
                    .as_object()
                    .cloned()
                    .unwrap();
            fields.extend(version.map(|version| ("apiVersion".to_owned(), json!(version))));
            let told = redacted(Value::Object(fields));
            assert!(!told.to_string().contains("canary"), "{told}");
        }
    }

    #[test]
    fn a_kustomization_keeps_what_it_names_and_loses_what_it_generates_and_patches() {
        let told = redacted(json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "resources": ["web.yaml"], "images": [{"name": "web", "newTag": "1.5"}],
            "secretGenerator": [{"name": "db", "literals": ["password=canary"], "files": ["db.crt"]}],
            "patches": [{"path": "p.yaml", "target": {"kind": "Secret"}}, {"patch": "[{op: add, path: /data/a, value: canary}]"}],
            "patchesStrategicMerge": ["canary: canary"],
            "helmCharts": [{"name": "x", "valuesInline": {"password": "canary"}}],
            "vars": "canary",
        }));
        assert!(!told.to_string().contains("canary"), "{told}");
        assert_eq!((&told["images"][0]["newTag"], &told["patches"][0]["path"]), (&json!("1.5"), &json!("p.yaml")));
        assert!(is_digest(&told["secretGenerator"][0]["literals"][0]));
    }

    #[test]
    fn what_names_no_kind_shows_places_only() {
        let told = redacted(json!([{"op": "replace", "path": "/data/password", "value": "canary"}]));
        assert_eq!((&told[0]["op"], &told[0]["path"]), (&json!("replace"), &json!("/data/password")));
        assert!(is_digest(&told[0]["value"]));
        assert!(!redacted(json!({"password": "canary", "list": [["canary"]]})).to_string().contains("canary"));
    }

    #[test]
    fn other_objects_stay_as_they_are() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}});
        assert_eq!(redacted(object.clone()), object);
    }
}
