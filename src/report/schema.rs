//! JSON Schemas of what is written, made from the types themselves. The files under `reports/schema` are these.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::blame::Blame;
use super::comparison::Comparison;
use super::log::Log;
use super::record::Record;

/// The schema of the record.
pub fn record() -> Value {
    schema_of::<Record<'static>>()
}

/// The schema of `blame -o json`.
pub fn blame() -> Value {
    schema_of::<Blame>()
}

/// The schema of `log -o json`.
pub fn log() -> Value {
    schema_of::<Log>()
}

/// The schema of `compare -o json`.
pub fn comparison() -> Value {
    schema_of::<Comparison<'static>>()
}

fn schema_of<Type: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(AbsentMeansNoKey));
    settings.into_generator().into_root_schema_for::<Type>().to_value()
}

/// What is absent has no key, so that `null` is allowed nowhere but in values, which have no type.
#[derive(Clone)]
struct AbsentMeansNoKey;

impl Transform for AbsentMeansNoKey {
    fn transform(&mut self, schema: &mut Schema) {
        let Some(schema) = schema.as_object_mut() else { return };
        if schema.get("default") == Some(&Value::Null) {
            schema.remove("default");
        }
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
        choices.retain(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            schema.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    /// `KUBEWITNESS_WRITE_SCHEMAS=1 cargo test --lib schema` writes the files anew.
    fn assert_published(name: &str, schema: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/schema").join(name);
        let generated = format!("{schema:#}\n");
        if std::env::var_os("KUBEWITNESS_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), generated, "{name} is not the schema of the types");
    }

    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        assert_published("record.schema.json", &super::record());
        assert_published("blame.schema.json", &super::blame());
        assert_published("log.schema.json", &super::log());
        assert_published("comparison.schema.json", &super::comparison());
    }

    #[test]
    fn null_is_allowed_only_where_values_are() {
        assert!(!super::record().to_string().contains("\"null\""));
    }
}
