//! What may be told of a failed build. Kustomize quotes content of files, and that may be secret.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::document;
use crate::model::declaration::TreePath;
use crate::yaml::Dialect;

use super::keys::items;

/// Characters that are told.
const LENGTH: usize = 400;

/// What is known about the sources of a message.
pub(super) struct Known<'run> {
    /// The files that were read.
    pub(super) files: &'run BTreeSet<TreePath>,
    /// The temporary folder, which the message names.
    pub(super) folder: &'run Path,
    pub(super) secrets: Secrets,
}

/// Secret values that must not be told.
#[derive(Default)]
pub(super) struct Secrets {
    values: BTreeSet<String>,
    /// Whether a file that may hold secrets could not be read, so that not all values are known.
    is_incomplete: bool,
}

impl Secrets {
    /// The values of Secrets, and those that a JSON patch may bring into one.
    pub(super) fn add_documents(&mut self, bytes: &[u8]) {
        for read in document::documents(bytes, Dialect::Kustomize) {
            match read {
                Ok(document) if document.value.is_array() || document.value.get("kind").is_some_and(|kind| kind == "Secret") => {
                    self.add(&document.value);
                }
                Ok(_) => {}
                Err(_) => self.is_incomplete |= may_hold_secrets(bytes),
            }
        }
    }

    /// What a kustomization writes into Secrets: generators with the files they read, and patches.
    pub(super) fn add_kustomization<'tree>(&mut self, kustomization: &Value, read: impl Fn(&str) -> Option<&'tree [u8]>) {
        for generator in items(kustomization, "secretGenerator") {
            self.add(generator);
            let named = ["files", "envs"].into_iter().flat_map(|field| items(generator, field)).chain(generator.get("env"));
            for reference in named.filter_map(Value::as_str) {
                let file = reference.split_once('=').map_or(reference, |(_, file)| file);
                read(file).into_iter().for_each(|bytes| String::from_utf8_lossy(bytes).lines().for_each(|line| self.add_text(line)));
            }
        }
        let inline =
            items(kustomization, "patches").iter().chain(items(kustomization, "patchesJson6902")).filter_map(|item| item.get("patch"));
        let patches = inline.chain(items(kustomization, "patchesStrategicMerge")).filter_map(Value::as_str);
        patches.for_each(|patch| self.add_documents(patch.as_bytes()));
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion" | "metadata" | "type" | "name"))
                .for_each(|(_, field)| self.add(field)),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Null => {}
            Value::String(text) => self.add_text(text),
            other => self.add_text(&other.to_string()),
        }
    }

    fn add_text(&mut self, text: &str) {
        let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let literal = text.split_once('=').map(|(_, value)| value.to_owned());
        for value in [Some(text.to_owned()), decoded, literal].into_iter().flatten() {
            self.values.extend(value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        }
    }
}

fn may_hold_secrets(bytes: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    ["secret", "stringdata", "sops"].iter().any(|word| lower.contains(word))
}

/// The message of the program, without what may be content of files.
pub(super) fn told(message: &str, known: &Known<'_>) -> String {
    let folder = format!("{}/", known.folder.display());
    // What Kustomize dumps of a document starts on a line of its own.
    let first = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    let first = first.split("node contents").next().unwrap_or_default().replace(&folder, "");
    let first = first.replace(folder.trim_end_matches('/'), ".");
    let paths: BTreeSet<String> = known.files.iter().flat_map(with_folders).collect();
    let quoted = without_quotes(&first, &paths);
    if known.secrets.is_incomplete {
        let named: BTreeSet<&str> =
            quoted.split(|character: char| !is_path_character(character)).filter(|word| paths.contains(*word)).collect();
        return format!(
            "kustomize cannot build it; its message names {} and is not shown, because it may quote a secret",
            or_nothing(&named)
        );
    }
    let longest_first = known.secrets.values.iter().rev();
    let told =
        longest_first.fold(quoted, |told, value| if told.contains(value.as_str()) { told.replace(value.as_str(), "…") } else { told });
    told.chars().filter(|character| !character.is_control()).take(LENGTH).collect()
}

fn or_nothing(named: &BTreeSet<&str>) -> String {
    if named.is_empty() { "no file".to_owned() } else { named.iter().copied().collect::<Vec<_>>().join(", ") }
}

fn is_path_character(character: char) -> bool {
    character.is_alphanumeric() || "-._/".contains(character)
}

fn with_folders(path: &TreePath) -> Vec<String> {
    let path = path.to_string();
    let parts: Vec<&str> = path.split('/').collect();
    // A reference may name a file from any folder above it.
    (0..parts.len())
        .flat_map(|from| (from + 1..=parts.len()).map(move |to| (from, to)))
        .map(|(from, to)| parts[from..to].join("/"))
        .collect()
}

/// Quoted parts stay only where they are paths of the tree.
fn without_quotes(message: &str, paths: &BTreeSet<String>) -> String {
    let mut told = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let quote = rest[start..].chars().next().unwrap_or('\'');
        told.push_str(&rest[..start]);
        let inner = &rest[start + 1..];
        let end = inner.find(quote);
        let part = &inner[..end.unwrap_or(inner.len())];
        let plain = part.trim_start_matches("./").trim_start_matches("../");
        told.push_str(if paths.contains(plain) { part } else { "…" });
        rest = end.map_or("", |end| &inner[end + 1..]);
    }
    told.push_str(rest);
    // go-yaml cuts what it quotes, and quotes may be nested.
    told.split(' ').map(|word| if word.contains("...") { "…" } else { word }).collect::<Vec<_>>().join(" ")
}
