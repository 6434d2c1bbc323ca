//! Objects of a cluster: their identity, their manifests, the paths of their fields.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

/// Which object is meant, whatever version it is read at.
///
/// Ordered by group, kind, namespace and name; every list of objects in a report has this order. `namespace` is `None` for
/// objects of cluster-scoped kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, as in `Deployment`.
    pub kind: String,
    /// Namespace, absent for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// `Deployment shop/web`, the form in which people are told of an object.
impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{} {namespace}/{}", self.kind, self.name),
            None => write!(formatter, "{} {}", self.kind, self.name),
        }
    }
}

impl ObjectId {
    /// Whether it is a core/v1 Secret, whose values must not leave the reader.
    pub fn is_secret(&self) -> bool {
        self.group.is_empty() && self.kind == "Secret"
    }
}

/// The content of an object as JSON, secret values already replaced by keyed digests.
///
/// `metadata.managedFields` is never in it. `Debug` shows nothing of the content.
#[derive(Clone, PartialEq)]
pub struct Manifest(Value);

impl Manifest {
    /// Takes a value from which secrets were taken out by `secret::Redactor`.
    pub fn from_redacted(value: Value) -> Self {
        Self(value)
    }

    /// The JSON value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Manifest(…)")
    }
}

/// An owner reference of a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerReference {
    /// `apiVersion` of the owner.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Whether it is the controller of the object.
    pub controller: bool,
}

/// An object as the cluster serves it.
#[derive(Clone, Debug)]
pub struct LiveObject {
    /// Its identity.
    pub id: ObjectId,
    /// The version it was read at, as in `v1`.
    pub version: String,
    /// `metadata.uid`; empty where a dump does not have it.
    pub uid: String,
    /// `metadata.creationTimestamp`.
    pub created: Option<DateTime<Utc>>,
    /// `metadata.deletionTimestamp`, where it is being deleted.
    pub deleted: Option<DateTime<Utc>>,
    /// Its owner references.
    pub owners: Vec<OwnerReference>,
    /// `metadata.managedFields` as text; parsed only where somebody asks for an owner. Absent where there are none.
    pub managed_fields: Option<Box<RawValue>>,
    /// Its content.
    pub manifest: Manifest,
}

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A field of an object or a key of a map.
    Field(String),
    /// An item of a list-map, by its keys in the order of the schema.
    Key(Vec<(String, Value)>),
    /// A member of a set.
    Member(Value),
    /// An item of an atomic list, by its position.
    Index(usize),
}

/// The identity of a field in an object, independent of positions in list-maps.
///
/// `Display` writes the field grammar of the record: `spec.template.spec.containers[name=web].image`,
/// `metadata.labels["a.b/c"]`, `[containerPort=80,protocol=TCP]`, `finalizers[="x"]`, `args[3]`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// This path and one step more.
    pub fn join(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

fn is_plain_word(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'))
}

/// A key value without quotes where nothing in it could be taken for the grammar.
fn write_key_value(formatter: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    let plain = |text: &str| {
        !text.is_empty()
            && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | ':'))
    };
    match value {
        Value::String(text) if plain(text) => formatter.write_str(text),
        other => write!(formatter, "{other}"),
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if is_plain_word(name) => {
                    let dot = if position == 0 { "" } else { "." };
                    write!(formatter, "{dot}{name}")?;
                }
                Step::Field(name) => write!(formatter, "[{}]", Value::String(name.clone()))?,
                Step::Key(keys) => {
                    for (number, (key, value)) in keys.iter().enumerate() {
                        write!(formatter, "{}{key}=", if number == 0 { "[" } else { "," })?;
                        write_key_value(formatter, value)?;
                    }
                    formatter.write_str("]")?;
                }
                Step::Member(value) => write!(formatter, "[={value}]")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A JSON pointer (RFC 6901). The empty pointer means the whole object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer to a member of the map it points to.
    pub fn field(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, name.replace('~', "~0").replace('/', "~1")))
    }

    /// The pointer to an item of the list it points to.
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// The text, as `serde_json::Value::pointer` takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Pointer {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FieldPath, Pointer, Step};

    #[test]
    fn paths_are_written_in_the_field_grammar() {
        let path = FieldPath(vec![
            Step::Field("spec".into()),
            Step::Field("containers".into()),
            Step::Key(vec![("name".into(), json!("web"))]),
            Step::Field("ports".into()),
            Step::Key(vec![("containerPort".into(), json!(80)), ("protocol".into(), json!("TCP"))]),
        ]);
        assert_eq!(path.to_string(), "spec.containers[name=web].ports[containerPort=80,protocol=TCP]");
        let label = FieldPath(vec![Step::Field("metadata".into()), Step::Field("a.b/c".into()), Step::Index(3)]);
        assert_eq!(label.to_string(), r#"metadata["a.b/c"][3]"#);
        assert_eq!(FieldPath(vec![Step::Field("f".into()), Step::Member(json!("x y"))]).to_string(), r#"f[="x y"]"#);
    }

    #[test]
    fn pointers_escape_as_rfc_6901_says() {
        assert_eq!(Pointer::default().field("a/b~c").index(0).as_str(), "/a~1b~0c/0");
    }
}
