//! A field of an object as a user names it: in the field grammar of the record, or as a JSON pointer.

use std::collections::BTreeSet;

use super::Error;
use crate::model::ignore::PathPattern;
use crate::model::object::{FieldPath, ObjectId, Pointer};

/// So many near names are told.
const MOST_NEAR: usize = 3;

/// Longer names are not measured for likeness: nobody typed them.
const LONGEST_NAME: usize = 200;

/// `spec.template.spec.containers[name=web].image` or `/spec/replicas`, and what is below.
#[derive(Clone, Debug)]
pub struct FieldChoice {
    text: String,
    pattern: PathPattern,
}

impl FieldChoice {
    /// Reads a field. `*` and `?` stand for any text and any character, where no field is called so.
    ///
    /// # Errors
    /// [`Error::Usage`] with an example.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let pattern = PathPattern::parse(text).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Self { text: text.to_owned(), pattern })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Those of some fields that are at or below it. `object` is whose they are.
    ///
    /// # Errors
    /// [`Error::Usage`] where none is, with names that are near.
    pub fn meant(&self, object: &ObjectId, names: &[(FieldPath, Pointer)]) -> Result<BTreeSet<String>, Error> {
        let of = |is_meant: &dyn Fn(&FieldPath, &Pointer) -> bool| -> BTreeSet<String> {
            names.iter().filter(|(field, pointer)| is_meant(field, pointer)).map(|(field, _)| field.to_string()).collect()
        };
        // A key may be called `*`.
        let exact = of(&|field, pointer| is_at_or_below(&self.text, &field.to_string()) || is_at_or_below(&self.text, pointer.as_str()));
        let meant = if exact.is_empty() { of(&|field, pointer| self.pattern.covers(field, pointer)) } else { exact };
        if meant.is_empty() { Err(Error::Usage(self.not_found(object, names))) } else { Ok(meant) }
    }

    fn not_found(&self, object: &ObjectId, names: &[(FieldPath, Pointer)]) -> String {
        let near = self.near(names);
        let help = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        format!("{object} has no field {}{help}", self.text)
    }

    /// Fields and containers whose name ends so or is spelled much the same, nearest first.
    fn near(&self, names: &[(FieldPath, Pointer)]) -> Vec<String> {
        let known: BTreeSet<String> = match self.pattern {
            PathPattern::Pointer(_) => names.iter().flat_map(|(_, pointer)| containers(pointer.as_str())).collect(),
            PathPattern::Field(_) => names.iter().flat_map(|(field, _)| around(field)).collect(),
        };
        let last = self.text.trim_start_matches(['/', '.']);
        let end = |name: &str| name.strip_suffix(last).is_some_and(|rest| rest.ends_with(['.', '/']));
        let likeness = |name: String| {
            let distance = strsim::damerau_levenshtein(&self.text, &name);
            let is_near = distance <= 2 + self.text.chars().count() / 4;
            (end(&name) || is_near).then_some((!end(&name), distance, name))
        };
        let mut near: Vec<_> = known.into_iter().filter(|name| name.len() <= LONGEST_NAME).filter_map(likeness).collect();
        near.sort();
        near.into_iter().take(MOST_NEAR).map(|(.., name)| name).collect()
    }
}

/// Whether a name begins with another one and goes on, if at all, with a step of its own.
fn is_at_or_below(asked: &str, name: &str) -> bool {
    name.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '/']))
}

/// A field and every container around it.
fn around(field: &FieldPath) -> impl Iterator<Item = String> {
    (1..=field.0.len()).map(|steps| FieldPath(field.0[..steps].to_vec()).to_string())
}

fn containers(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .match_indices('/')
        .map(|(position, _)| position)
        .filter(|position| *position > 0)
        .chain([pointer.len()])
        .map(|end| pointer[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FieldChoice;
    use crate::model::fixture::object;
    use crate::model::object::{FieldPath, Pointer, Step};

    fn names() -> Vec<(FieldPath, Pointer)> {
        let field = |name: &str| Step::Field(name.into());
        let web = || Step::Key(vec![("name".into(), json!("web"))]);
        let container = |last: &str| FieldPath(vec![field("spec"), field("containers"), web(), field(last)]);
        vec![
            (FieldPath(vec![field("metadata"), field("labels"), field("a.b/c")]), Pointer::from("/metadata/labels/a.b~1c")),
            (FieldPath(vec![field("metadata"), field("labels"), field("*")]), Pointer::from("/metadata/labels/*")),
            (FieldPath(vec![field("spec"), field("replicas")]), Pointer::from("/spec/replicas")),
            (FieldPath(vec![field("spec"), field("replicasMax")]), Pointer::from("/spec/replicasMax")),
            (container("image"), Pointer::from("/spec/containers/0/image")),
            (container("name"), Pointer::from("/spec/containers/0/name")),
        ]
    }

    fn meant(text: &str) -> Result<Vec<String>, String> {
        let found = FieldChoice::parse(text).and_then(|choice| choice.meant(&object("apps", "Deployment", "shop", "web"), &names()));
        found.map(|fields| fields.into_iter().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_field_means_itself_and_what_is_below_and_nothing_that_is_only_spelled_alike() {
        assert_eq!(meant("spec.replicas").unwrap(), ["spec.replicas"]);
        assert_eq!(meant("/spec/replicas").unwrap(), ["spec.replicas"]);
        let web = ["spec.containers[name=web].image", "spec.containers[name=web].name"];
        for text in ["spec.containers", "spec.containers[name=web]", "/spec/containers/0", "spec.containers[name=*]"] {
            assert_eq!(meant(text).unwrap(), web, "{text}");
        }
        for text in ["metadata.labels[\"a.b/c\"]", "/metadata/labels/a.b~1c"] {
            assert_eq!(meant(text).unwrap(), ["metadata.labels[\"a.b/c\"]"], "{text}");
        }
    }

    #[test]
    fn a_key_that_is_called_like_a_pattern_means_itself() {
        assert_eq!(meant("/metadata/labels/*").unwrap(), ["metadata.labels[\"*\"]"]);
    }

    #[test]
    fn a_field_that_is_not_there_names_those_near_it() {
        assert_eq!(
            meant("spec.replica").unwrap_err(),
            "Deployment shop/web has no field spec.replica; did you mean spec.replicas or spec.replicasMax?"
        );
        assert_eq!(meant("image").unwrap_err(), "Deployment shop/web has no field image; did you mean spec.containers[name=web].image?");
        assert_eq!(
            meant("/spec/replcas").unwrap_err(),
            "Deployment shop/web has no field /spec/replcas; did you mean /spec/replicas or /spec/replicasMax?"
        );
        assert_eq!(meant("nothing.of.this").unwrap_err(), "Deployment shop/web has no field nothing.of.this");
        assert!(meant("spec..replicas").unwrap_err().contains("neither a JSON pointer nor a field"));
    }
}
