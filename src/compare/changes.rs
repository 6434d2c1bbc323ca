//! What differs between the versions of a document, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::manifest_names;
use crate::model::comparison::FieldValue;
use crate::model::log::FieldChange;
use crate::model::object::{FieldPath, Manifest, Step};
use crate::model::schema::Schemas;
use crate::secret;

/// The fields of a version that are so in none of the versions before it, sorted by field: of one parent what differs from it, of
/// several what a merge made itself, and without any all that is there. Old values are those of the first version before.
/// Atomic lists are told as a whole.
pub fn field_changes(before: &[Manifest], after: &Manifest, schemas: &Schemas) -> Vec<FieldChange> {
    let befores: Vec<Fields> = before.iter().map(|manifest| fields(manifest, schemas)).collect();
    let after = fields(after, schemas);
    let mut names: BTreeMap<&String, &FieldPath> = BTreeMap::new();
    names.extend(befores.iter().chain([&after]).flatten().map(|(name, field)| (name, &field.path)));
    let changed = names.into_iter().filter(|(name, _)| {
        let now = after.get(*name).map(|field| &field.values);
        befores.iter().all(|before| before.get(*name).map(|field| &field.values) != now)
    });
    changed
        .map(|(name, path)| FieldChange {
            field: path.clone(),
            before: befores.first().and_then(|before| before.get(name)).map(Field::shown),
            after: after.get(name).map(Field::shown),
        })
        .collect()
}

struct Field<'a> {
    path: FieldPath,
    /// One, unless several items of a list have the same key.
    values: Vec<&'a Value>,
}

type Fields<'a> = BTreeMap<String, Field<'a>>;

impl Field<'_> {
    fn shown(&self) -> FieldValue {
        match self.values.as_slice() {
            values if values.iter().any(|value| secret::holds_digest(value)) => FieldValue::Redacted,
            [only] => FieldValue::Shown((*only).clone()),
            several => FieldValue::Shown(several.iter().map(|value| (*value).clone()).collect()),
        }
    }
}

/// The leaves by name; those of an atomic list are one.
fn fields<'a>(manifest: &'a Manifest, schemas: &Schemas) -> Fields<'a> {
    let mut fields = Fields::new();
    let mut last = None;
    for (mut path, pointer) in manifest_names(manifest.value(), schemas) {
        let mut place = pointer.as_str();
        while let Some(Step::Index(_)) = path.0.last() {
            path.0.pop();
            place = place.rsplit_once('/').map_or("", |(around, _)| around);
        }
        if last.as_deref() == Some(place) {
            continue;
        }
        last = Some(place.to_owned());
        let value = manifest.value().pointer(place).expect("the names are those of this manifest");
        fields.entry(path.to_string()).or_insert_with(|| Field { path, values: Vec::new() }).values.push(value);
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::field_changes;
    use crate::model::object::Manifest;
    use crate::model::schema::Schemas;

    fn deployment(spec: Value) -> Manifest {
        Manifest::from_redacted(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}))
    }

    fn told(before: &[Manifest], after: &Manifest) -> Vec<String> {
        let side = |value: Option<crate::model::comparison::FieldValue>| match value {
            Some(crate::model::comparison::FieldValue::Shown(value)) => value.to_string(),
            Some(crate::model::comparison::FieldValue::Redacted) => "secret".to_owned(),
            None => "-".to_owned(),
        };
        let changes = field_changes(before, after, &Schemas::default());
        changes.into_iter().map(|change| format!("{} {} {}", change.field, side(change.before), side(change.after))).collect()
    }

    #[test]
    fn fields_that_differ_are_told_by_their_names() {
        let before =
            deployment(json!({"replicas": 2, "paused": true, "template": {"spec": {"containers": [{"name": "web", "image": "a"}]}}}));
        let after = deployment(
            json!({"replicas": 3, "template": {"spec": {"containers": [{"name": "log", "image": "b"}, {"name": "web", "image": "a"}]}}}),
        );
        let log = "spec.template.spec.containers[name=log]";
        let expected = [
            "spec.paused true -".to_owned(),
            "spec.replicas 2 3".to_owned(),
            format!("{log}.image - \"b\""),
            format!("{log}.name - \"log\""),
        ];
        assert_eq!(told(&[before], &after), expected);
    }

    #[test]
    fn an_atomic_list_is_told_as_a_whole() {
        let of = |args: Value| deployment(json!({"template": {"spec": {"containers": [{"name": "web", "args": args}]}}}));
        let change = r#"spec.template.spec.containers[name=web].args ["a","b"] ["b"]"#;
        assert_eq!(told(&[of(json!(["a", "b"]))], &of(json!(["b"]))), [change]);
    }

    #[test]
    fn of_a_merge_only_what_no_parent_has_is_its_own() {
        let of = |replicas: u32, paused: bool| deployment(json!({"replicas": replicas, "paused": paused}));
        assert_eq!(told(&[of(1, true), of(2, false)], &of(2, true)), [""; 0]);
        assert_eq!(told(&[of(1, true), of(2, false)], &of(3, true)), ["spec.replicas 1 3"]);
    }

    #[test]
    fn what_nobody_had_before_is_new_as_a_whole() {
        let manifest = deployment(json!({"replicas": 1}));
        assert_eq!(told(&[], &manifest).len(), 4);
    }

    #[test]
    fn a_secret_value_is_never_told_not_even_as_a_digest() {
        let of = |digest: &str| {
            Manifest::from_redacted(json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": format!("\u{0}digest:{digest}")}}))
        };
        assert_eq!(told(&[of("1")], &of("2")), ["data.a secret secret"]);
    }

    #[test]
    fn items_with_the_same_key_hide_nothing() {
        let of = |second: &str| {
            deployment(json!({"template": {"spec": {"containers": [{"name": "web", "image": "a"}, {"name": "web", "image": second}]}}}))
        };
        assert_eq!(told(&[of("b")], &of("c")), [r#"spec.template.spec.containers[name=web].image ["a","b"] ["a","c"]"#]);
    }
}
