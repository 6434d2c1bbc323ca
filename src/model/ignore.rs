//! Rules of differences that are not judged, whoever made them: the configuration, later a GitOps tool's own settings.
//!
//! A rule names objects (group, kind, namespace, name, labels) and in them fields (paths, managers); where it names neither
//! paths nor managers, it means whole objects. `*` stands for any text and `?` for one character.

use serde_json::{Map, Value};
use thiserror::Error;

use super::comparison::Difference;
use super::object::{FieldPath, ObjectId, Pointer, Step};
use super::pattern;

/// A text of a rule that cannot be understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// Neither a JSON pointer nor a field.
    #[error("path `{0}` is neither a JSON pointer nor a field, as in spec.template.spec.containers[name=web].image")]
    Path(String),
    /// No label selector.
    #[error("selector `{0}` is no label selector, as in app=web,tier!=cache,!canary,zone in (a,b)")]
    Selector(String),
}

/// A rule.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRule {
    /// Its name in the record, as in `ignore[0]`.
    pub id: String,
    /// Why, in the words of who made it.
    pub reason: String,
    /// Pattern of the API group; empty for the core group. None means any, as for the following.
    pub group: Option<String>,
    /// Pattern of the kind.
    pub kind: Option<String>,
    /// Pattern of the namespace. Objects of cluster-scoped kinds have none and match none.
    pub namespace: Option<String>,
    /// Pattern of the name.
    pub name: Option<String>,
    /// Labels that the object has.
    pub labels: LabelSelector,
    /// Fields, and what is below them.
    pub paths: Vec<PathPattern>,
    /// Patterns of the names of managers who wrote the field last.
    pub managers: Vec<String>,
}

impl IgnoreRule {
    /// Whether it is about this object. `manifest` is the declared one; only what nothing declares speaks for itself, so that
    /// nobody takes a declared object out of the judgement with a label.
    pub fn is_about(&self, id: &ObjectId, manifest: &Value) -> bool {
        let fits = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| pattern::matches(wanted, text));
        let in_namespace = || match (&self.namespace, &id.namespace) {
            (None, _) => true,
            (Some(wanted), Some(namespace)) => pattern::matches(wanted, namespace),
            (Some(_), None) => false,
        };
        fits(&self.kind, &id.kind)
            && fits(&self.group, &id.group)
            && fits(&self.name, &id.name)
            && in_namespace()
            && self.labels.matches(manifest.pointer("/metadata/labels").and_then(Value::as_object))
    }

    /// Whether it means objects as a whole.
    pub fn is_of_objects(&self) -> bool {
        self.paths.is_empty() && self.managers.is_empty()
    }

    /// Whether it means this difference of an object that it is about.
    pub fn covers(&self, difference: &Difference) -> bool {
        let by_path = || self.paths.iter().any(|path| path.covers(&difference.field, &difference.pointer));
        let by_manager = || {
            let name = difference.manager.as_ref().map(|manager| manager.name.as_str());
            name.is_some_and(|name| self.managers.iter().any(|wanted| pattern::matches(wanted, name)))
        };
        (self.paths.is_empty() || by_path()) && (self.managers.is_empty() || by_manager())
    }
}

/// A pattern of paths: a JSON pointer (`/spec/containers/*/image`) or the field grammar (`spec.containers[name=*].image`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// Parts of a pointer, unescaped.
    Pointer(Vec<String>),
    /// Parts of a field.
    Field(Vec<PartPattern>),
}

/// A part of a field's pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PartPattern {
    /// The name of a field or the key of a map.
    Name(String),
    /// What stands in the brackets of a list's item.
    Item(String),
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`RuleError::Path`].
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError::Path(text.to_owned());
        if let Some(parts) = text.strip_prefix('/') {
            return Ok(Self::Pointer(parts.split('/').map(unescaped).collect()));
        }
        parts(text).filter(|parts| !parts.is_empty()).map(Self::Field).ok_or_else(wrong)
    }

    /// Whether it leads to this place or to a container around it.
    pub fn covers(&self, field: &FieldPath, pointer: &Pointer) -> bool {
        match self {
            Self::Pointer(parts) => {
                let mut place = pointer.as_str().split('/').skip(1).map(unescaped);
                parts.iter().all(|part| place.next().is_some_and(|name| pattern::matches(part, &name)))
            }
            Self::Field(parts) => {
                let mut steps = field.0.iter();
                parts.iter().all(|part| steps.next().is_some_and(|step| part.fits(step)))
            }
        }
    }
}

impl PartPattern {
    /// Whether it is about this step.
    pub(super) fn fits(&self, step: &Step) -> bool {
        match (self, step) {
            (Self::Name(wanted), Step::Field(name)) => pattern::matches(wanted, name),
            (Self::Item(wanted), Step::Key(_) | Step::Member(_) | Step::Index(_)) => {
                let text = FieldPath(vec![step.clone()]).to_string();
                let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
                inside.is_some_and(|inside| pattern::matches(wanted, inside))
            }
            _ => false,
        }
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The parts of a text in the field grammar.
fn parts(mut text: &str) -> Option<Vec<PartPattern>> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        if let Some(inside) = text.strip_prefix('[') {
            let (part, rest) = bracket(inside)?;
            parts.push(part);
            text = rest;
        } else {
            text = if parts.is_empty() { text } else { text.strip_prefix('.')? };
            let end = text.find(['.', '[']).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            if name.is_empty() || name.contains(']') {
                return None;
            }
            parts.push(PartPattern::Name(name.to_owned()));
            text = rest;
        }
    }
    Some(parts)
}

/// What stands between brackets, and what follows them. A key in quotes is a JSON text.
fn bracket(inside: &str) -> Option<(PartPattern, &str)> {
    if inside.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let key = values.next()?.ok()?;
        let rest = inside.get(values.byte_offset()..)?.strip_prefix(']')?;
        return Some((PartPattern::Name(key), rest));
    }
    let (item, rest) = inside.split_once(']')?;
    (!item.is_empty()).then(|| (PartPattern::Item(item.to_owned()), rest))
}

/// A label selector in the words of kubectl: `app=web,tier!=cache,!canary,zone in (a,b)`. The empty one matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    values: Option<Vec<String>>,
    negated: bool,
}

impl LabelSelector {
    /// Reads a selector.
    ///
    /// # Errors
    /// [`RuleError::Selector`].
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let requirements: Option<Vec<Requirement>> = outer_commas(text).into_iter().map(Requirement::parse).collect();
        requirements.map(Self).ok_or_else(|| RuleError::Selector(text.to_owned()))
    }

    fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|requirement| requirement.is_met(labels))
    }
}

/// Splits at commas that stand in no parentheses.
fn outer_commas(text: &str) -> Vec<&str> {
    let mut inside = false;
    let split = text.split(|character| {
        inside = character == '(' || inside && character != ')';
        character == ',' && !inside
    });
    split.map(str::trim).collect()
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        let of = |key: &str, values: Option<Vec<String>>, negated| {
            let key = key.trim();
            let is_key = !key.is_empty() && key.chars().all(|character| character.is_ascii_alphanumeric() || "-_./".contains(character));
            is_key.then(|| Self { key: key.to_owned(), values, negated })
        };
        let one = |value: &str| Some(vec![value.trim().to_owned()]);
        if let Some(key) = text.strip_prefix('!') {
            return of(key, None, true);
        }
        if let Some((key, value)) = text.split_once("!=") {
            return of(key, one(value), true);
        }
        if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
            return of(key, one(value), false);
        }
        let Some(head) = text.strip_suffix(')') else { return of(text, None, false) };
        let (head, values) = head.split_once('(')?;
        let (key, word) = head.trim().split_once(char::is_whitespace)?;
        let negated = match word.trim() {
            "in" => false,
            "notin" => true,
            _ => return None,
        };
        of(key, Some(values.split(',').map(|value| value.trim().to_owned()).collect()), negated)
    }

    fn is_met(&self, labels: Option<&Map<String, Value>>) -> bool {
        let label = labels.and_then(|labels| labels.get(&self.key)).and_then(Value::as_str);
        let holds = match &self.values {
            None => label.is_some(),
            Some(values) => label.is_some_and(|label| values.iter().any(|value| value == label)),
        };
        holds != self.negated
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{IgnoreRule, LabelSelector, PathPattern, RuleError};
    use crate::model::object::{FieldPath, ObjectId, Pointer, Step};

    fn image() -> (FieldPath, Pointer) {
        let word = |name: &str| Step::Field(name.into());
        let item = Step::Key(vec![("name".into(), json!("web"))]);
        let path = vec![word("spec"), word("containers"), item, word("image")];
        (FieldPath(path), Pointer::from("/spec/containers/1/image"))
    }

    fn covers(pattern: &str) -> bool {
        let (field, pointer) = image();
        PathPattern::parse(pattern).unwrap().covers(&field, &pointer)
    }

    #[test]
    fn a_pointer_covers_a_place_and_what_is_below() {
        for pattern in ["/spec/containers/*/image", "/spec/containers/1", "/spec", "/s*c/*"] {
            assert!(covers(pattern), "{pattern}");
        }
        for pattern in ["/spec/containers/0/image", "/spec/containers/1/image/x", "/image", "/spe"] {
            assert!(!covers(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_field_covers_the_same_without_positions() {
        for pattern in ["spec.containers[name=web].image", "spec.containers[*].image", "spec.containers[name=w*]", "spec"] {
            assert!(covers(pattern), "{pattern}");
        }
        for pattern in ["spec.containers[name=db].image", "spec.containers[1].image", "spec.containers.image", "containers"] {
            assert!(!covers(pattern), "{pattern}");
        }
    }

    #[test]
    fn keys_with_dots_stand_in_quotes_or_escaped() {
        let field = FieldPath(vec![Step::Field("data".into()), Step::Field("a.b/c".into())]);
        let pointer = Pointer::from("/data/a.b~1c");
        for pattern in [r#"data["a.b/c"]"#, r#"data["a.*"]"#, "/data/a.b~1c", "/data/a.b~1*"] {
            assert!(PathPattern::parse(pattern).unwrap().covers(&field, &pointer), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".", "a..b", "a[", "a[]", "a]", "a[\"b]", "a.[b]x"] {
            assert_eq!(PathPattern::parse(text), Err(RuleError::Path(text.into())), "{text}");
        }
    }

    #[test]
    fn selectors_are_those_of_kubectl() {
        let labels = json!({"app": "web", "zone": "a"});
        let is_met = |text: &str| LabelSelector::parse(text).unwrap().matches(labels.as_object());
        for text in ["app", "app=web", "app == web", "app!=db", "x!=y", "!x", "zone in (a, b),app", "zone notin (b)", "x notin (b)"] {
            assert!(is_met(text), "{text}");
        }
        for text in ["x", "app=db", "!app", "app!=web", "zone in (b,c)", "app=web,x"] {
            assert!(!is_met(text), "{text}");
        }
        for text in ["", "a=b,", "in (a)", "a of (b)", "a b"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_is_about_objects_that_fit_every_pattern() {
        let id = ObjectId { group: "apps".into(), kind: "Deployment".into(), namespace: Some("shop-1".into()), name: "web".into() };
        let text = |text: &str| Some(text.to_owned());
        let rule = IgnoreRule { group: text("apps"), kind: text("*"), namespace: text("shop-?"), ..IgnoreRule::default() };
        assert!(rule.is_about(&id, &json!({})));
        assert!(!IgnoreRule { name: text("db"), ..rule.clone() }.is_about(&id, &json!({})));
        assert!(!rule.is_about(&ObjectId { namespace: None, ..id }, &json!({})));
    }
}
