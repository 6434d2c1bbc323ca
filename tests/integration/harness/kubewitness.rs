//! The program itself, run as a person runs it.

use std::path::Path;

use serde_json::Value;

use super::control_plane::while_kinds_stay;
use super::program::{Output, Program, Running};
use super::scratch;

/// kubewitness about to be run. Its environment holds PATH, an empty HOME, a state folder that no other run has, and what the
/// test adds.
#[derive(Debug)]
pub(crate) struct Kubewitness(Program);

impl Kubewitness {
    pub(crate) fn new<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let state = scratch::folder().join(format!("state-{}", scratch::number()));
        Self(Program::new(env!("CARGO_BIN_EXE_kubewitness")).env("XDG_STATE_HOME", state).args(arguments))
    }

    pub(crate) fn kubeconfig(self, kubeconfig: &Path) -> Self {
        Self(self.0.env("KUBECONFIG", kubeconfig))
    }

    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        Self(self.0.env(name, value))
    }

    pub(crate) fn arg(self, argument: &str) -> Self {
        Self(self.0.args([argument]))
    }

    pub(crate) fn in_folder(self, folder: &Path) -> Self {
        Self(self.0.in_folder(folder))
    }

    /// Runs it to its end, while no other test adds a kind to the cluster.
    pub(crate) fn run(self) -> Output {
        while_kinds_stay(|| self.0.run())
    }

    pub(crate) fn start(self) -> Running {
        self.0.start()
    }
}

impl Output {
    /// The record on standard output. It is always validated against the published schema, and so is every record that a test
    /// reads.
    pub(crate) fn record(&self) -> Value {
        self.document("record")
    }

    /// A document of another kind on standard output, validated against `reports/schema/<schema>.schema.json`.
    pub(crate) fn document(&self, schema: &str) -> Value {
        let document: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("standard output is no JSON: {error}\n{self:?}"));
        validate(&document, schema);
        document
    }
}

/// Fails the test where a document is not as its published schema says.
pub(crate) fn validate(document: &Value, schema: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("reports/schema/{schema}.schema.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let schema = serde_json::from_str(&text).expect("a published schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a published schema is a schema");
    let errors: Vec<String> = validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "not as the schema says:\n{}", errors.join("\n"));
}
