//! The closed schema of the configuration, made from its types, and the check that tells lines and suggestions.

use schemars::schema_for;
use serde::Deserialize as _;
use serde_json::Value;

use super::Error;
use super::file::File;
use crate::yaml::{self, Node, NodeValue};

/// The JSON Schema of the configuration file.
pub fn json_schema() -> Value {
    schema_for!(File).to_value()
}

/// Reads and checks the file.
pub(super) fn parse(name: &str, text: &[u8]) -> Result<File, Error> {
    let root = match yaml::documents(text, yaml::Dialect::Kustomize).into_iter().next() {
        None => return Ok(File::default()),
        Some(read) => read.map_err(|error| of_yaml(name, error))?,
    };
    check(name, &root, &json_schema(), "the configuration")?;
    if let Some((line, message)) = super::judging::mistake(&root) {
        return Err(Error::Schema { file: name.to_owned(), line, message });
    }
    File::deserialize(root.to_value()).map_err(|error| Error::Schema { file: name.to_owned(), line: root.line, message: error.to_string() })
}

/// The one document of a file; none where it is empty.
pub(super) fn document(name: &str, text: &[u8]) -> Result<Option<Node>, Error> {
    let root = yaml::config(text).map_err(|error| of_yaml(name, error))?;
    Ok(Some(root).filter(|root| !matches!(&root.value, NodeValue::Mapping(entries) if entries.is_empty())))
}

fn of_yaml(name: &str, error: yaml::Error) -> Error {
    Error::Yaml { file: name.to_owned(), line: error.line, column: error.column, message: error.message }
}

/// Checks a document against the closed schema of its types.
pub(super) fn check(name: &str, root: &Node, schema: &Value, place: &str) -> Result<(), Error> {
    Check { file: name, schema }.node(root, schema, place)
}

struct Check<'a> {
    file: &'a str,
    schema: &'a Value,
}

impl Check<'_> {
    /// Checks types, keys and words, so that the first mistake is told with its line.
    fn node(&self, node: &Node, schema: &Value, place: &str) -> Result<(), Error> {
        let schema = self.said(node, schema);
        if let Some(choices) = choices(schema) {
            return self.choice(node, choices, place);
        }
        match &node.value {
            NodeValue::Mapping(entries) if allows(schema, "object") => {
                let Some(known) = schema["properties"].as_object() else { return Ok(()) };
                for entry in entries {
                    match known.get(entry.key.as_str()) {
                        Some(inner) => self.node(&entry.value, inner, &entry.key)?,
                        None => return Err(self.error(entry.key_line, unknown_key(&entry.key, place, known.keys()))),
                    }
                }
                let missing = |name: &&str| !entries.iter().any(|entry| entry.key == **name);
                match schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).find(missing) {
                    Some(name) => Err(self.error(node.line, format!("{place} needs `{name}`"))),
                    None => Ok(()),
                }
            }
            NodeValue::Sequence(items) if allows(schema, "array") => {
                items.iter().try_for_each(|item| self.node(item, &schema["items"], place))
            }
            NodeValue::String(_) if allows(schema, "string") => Ok(()),
            NodeValue::Null if allows(schema, "null") => Ok(()),
            _ => Err(self.error(node.line, format!("{place} should be {}", expected(schema)))),
        }
    }

    fn choice(&self, node: &Node, choices: Vec<&str>, place: &str) -> Result<(), Error> {
        match &node.value {
            NodeValue::String(word) if choices.contains(&word.as_str()) => Ok(()),
            NodeValue::String(word) => Err(self.error(node.line, format!("{place}: `{word}` is none of {}", choices.join(", ")))),
            _ => Err(self.error(node.line, format!("{place} should be one of {}", choices.join(", ")))),
        }
    }

    /// What is said of a value; where it may be a text or a mapping, of the one that it is.
    fn said<'s>(&'s self, node: &Node, schema: &'s Value) -> &'s Value {
        let schema = self.resolved(schema);
        match (&node.value, schema["anyOf"].as_array()) {
            (_, None) => schema,
            (NodeValue::String(_), Some(variants)) => variants.iter().find(|variant| allows(variant, "string")).unwrap_or(schema),
            (_, Some(_)) => self.resolved(schema),
        }
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let reference = schema["$ref"].as_str().or_else(|| {
            // An optional section is "its schema, or null".
            schema["anyOf"].as_array().and_then(|variants| variants.iter().find_map(|variant| variant["$ref"].as_str()))
        });
        match reference.and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.schema.pointer(pointer).unwrap_or(schema),
            None => schema,
        }
    }

    fn error(&self, line: u32, message: String) -> Error {
        Error::Schema { file: self.file.to_owned(), line, message }
    }
}

/// The words of an enumeration, which schemars writes as `enum` or, with descriptions, as `oneOf` constants.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    schema["oneOf"].as_array().map(|variants| variants.iter().filter_map(|variant| variant["const"].as_str()).collect())
}

fn allows(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        _ => false,
    }
}

fn expected(schema: &Value) -> &'static str {
    [("object", "a mapping"), ("array", "a list"), ("string", "a text")]
        .iter()
        .find_map(|(kind, words)| allows(schema, kind).then_some(*words))
        .unwrap_or("something else")
}

fn unknown_key<'a>(key: &str, place: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&String> = known.collect();
    let nearest = known.iter().map(|name| (strsim::damerau_levenshtein(key, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 3 => format!("unknown key `{key}` in {place}; did you mean `{name}`?"),
        _ => {
            let names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
            format!("unknown key `{key}` in {place}; it knows {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::parse;

    fn error(text: &str) -> String {
        parse("kubewitness.yaml", text.as_bytes()).expect_err("an error").to_string()
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let text = "cluster: { name: prod }\nsources:\n  - name: fleet\n    url: ./fleet\n    ref: main\n    path: clusters/prod\n    \
                    render: auto\n    loadRestrictor: root\n    namespace: shop\n    applier: kustomize-controller\nkeys: { openpgp: \
                    [keys.asc], ssh: [allowed_signers], sshRevoked: [revoked.krl], forges: [{ name: github, openpgp: web-flow.asc, committer: noreply@github.com }] \
                    }\nsecrets: compare\nundeclared: { namespaces: [shop] }\nignore:\n  - reason: set by the mesh\n    kind: Deployment\n    \
                    selector: app=web\n    paths: ['spec.template.spec.containers[name=proxy]']\n    managers: [mesh-*]\n\
                    managers: [{ name: mesh-*, operation: Update, class: controller }]\nfailOn: error\n";
        let file = parse("kubewitness.yaml", text.as_bytes()).expect("a configuration");
        assert_eq!(file.sources[0].reference.as_deref(), Some("main"));
        assert_eq!(file.keys.forges[0].name, "github");
        assert_eq!(file.keys.relative_to(Path::new("/etc")).ssh_revoked, [Path::new("/etc/revoked.krl")]);
    }

    #[test]
    fn an_unknown_key_is_told_with_its_line_and_a_suggestion() {
        assert_eq!(
            error("sources:\n  - url: ./fleet\n    namespce: shop\n"),
            "kubewitness.yaml:3: unknown key `namespce` in sources; did you mean `namespace`?"
        );
    }

    #[test]
    fn a_wrong_word_or_type_is_told_with_its_line() {
        assert_eq!(error("secrets: maybe\n"), "kubewitness.yaml:1: secrets: `maybe` is none of compare, skip");
        assert_eq!(error("sources:\n  url: ./fleet\n"), "kubewitness.yaml:2: sources should be a list");
        assert_eq!(error("sources:\n  - name: fleet\n"), "kubewitness.yaml:2: sources needs `url`");
    }

    #[test]
    fn a_rule_that_cannot_be_understood_is_told_with_its_line() {
        assert_eq!(error("ignore:\n  - kind: Secret\n"), "kubewitness.yaml:2: ignore needs `reason`");
        assert_eq!(error("ignore:\n  - kind: Secret\n    reason: ' '\n"), "kubewitness.yaml:3: ignore needs a `reason` in words");
        assert!(error("ignore:\n  - reason: x\n    paths: []\n").starts_with("kubewitness.yaml:2: ignore would leave out everything"));
        assert!(
            error("ignore:\n  - reason: x\n    paths:\n      - /spec\n      - a..b\n").starts_with("kubewitness.yaml:5: path `a..b` is")
        );
        assert!(error("ignore:\n  - reason: x\n    selector: a of b\n").starts_with("kubewitness.yaml:3: selector `a of b` is no label"));
        assert_eq!(
            error("managers:\n  - { name: x, class: robot }\n"),
            "kubewitness.yaml:2: class: `robot` is none of person, applier, installer, controller"
        );
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert!(parse("kubewitness.yaml", b"# nothing\n").expect("the default").sources.is_empty());
    }
}
