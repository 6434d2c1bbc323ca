//! The files a kustomization draws in, by its own words, and what in it could touch objects.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{self, Document};
use crate::model::declaration::{TreeEntry, TreePath};
use crate::yaml::Dialect;

use super::Builder;
use super::path;

/// A kustomization of a closure.
pub(in super::super) struct Kustomization {
    pub(super) path: TreePath,
    /// Content, as Kustomize reads its own files.
    pub(super) value: Value,
    pub(super) patches: Vec<Patch>,
    /// Each target `select` of each replacement; null where a replacement could touch anything.
    pub(super) replaced: Vec<Value>,
}

/// A patch in a kustomization.
pub(in super::super) struct Patch {
    /// The file it stands in; absent where it stands in the kustomization.
    pub(super) file: Option<TreePath>,
    pub(super) target: Option<Value>,
    /// The documents of a merge patch; absent where they could not be read, so that it may be about anything.
    pub(super) documents: Option<Vec<Value>>,
}

/// Why a closure is not built.
pub(in super::super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

/// Everything a kustomization draws in.
pub(in super::super) struct Closure {
    /// The folder that is built.
    pub(in super::super) root: TreePath,
    /// The kustomizations, that of the root first.
    pub(super) kustomizations: Vec<Kustomization>,
    folders: BTreeSet<TreePath>,
    /// Files that are read as resources.
    pub(super) resources: BTreeSet<TreePath>,
    /// All files that are read.
    pub(in super::super) files: BTreeSet<TreePath>,
    /// Whether all that is drawn in was found and understood. Where not, nothing can be told of single fields.
    pub(super) is_known: bool,
    pub(super) refusal: Option<Refusal>,
}

impl Closure {
    /// Whether it builds this folder too.
    pub(in super::super) fn builds(&self, folder: &TreePath) -> bool {
        self.folders.contains(folder)
    }

    fn refuse(&mut self, reason: &'static str, detail: String) {
        self.refusal.get_or_insert(Refusal { reason, detail });
    }
}

/// What can stand in a kustomization without making it impossible to follow values.
const FOLLOWED: [&str; 24] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "components",
    "crds",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "commonAnnotations",
    "labels",
    "images",
    "replicas",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "replacements",
    "buildMetadata",
    "sortOptions",
];
/// Lists of files that change objects in ways of their own, or of what is not looked into.
const OPAQUE: [&str; 4] = ["configurations", "transformers", "generators", "validators"];

/// Follows the references of a kustomization.
pub(super) fn of(builder: &Builder<'_>, root: &TreePath) -> Closure {
    let mut closure = Closure {
        root: root.clone(),
        kustomizations: Vec::new(),
        folders: BTreeSet::new(),
        resources: BTreeSet::new(),
        files: BTreeSet::new(),
        is_known: true,
        refusal: None,
    };
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        if closure.folders.insert(folder.clone()) {
            Follower { builder, folder, closure: &mut closure, waiting: &mut waiting }.follow();
        }
    }
    closure
}

struct Follower<'run, 'tree> {
    builder: &'run Builder<'tree>,
    folder: TreePath,
    closure: &'run mut Closure,
    waiting: &'run mut Vec<TreePath>,
}

fn texts<'value>(value: &'value Value, field: &str) -> impl Iterator<Item = &'value str> {
    items(value, field).iter().filter_map(Value::as_str)
}

/// The items of a list field; a lone item counts as one, as in `replacements`' kin.
pub(super) fn items<'value>(value: &'value Value, field: &str) -> &'value [Value] {
    match value.get(field) {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

impl Follower<'_, '_> {
    fn follow(&mut self) {
        let Some(path) = self.builder.kustomization_in(&self.folder) else {
            self.closure.is_known = false;
            return;
        };
        self.found(&String::from_utf8_lossy(path::name(&path)));
        self.closure.files.insert(path.clone());
        // Kustomize reads its own files as kubectl reads manifests.
        let read = self.builder.file(&path).map(|bytes| document::documents(bytes, Dialect::Raw)).unwrap_or_default();
        let Some(Ok(Document { value, .. })) = read.into_iter().next() else {
            self.closure.is_known = false;
            return;
        };
        self.judge(&path, &value);
        self.follow_folders(&path, &value);
        let patches = self.patches(&path, &value);
        let replaced = self.replaced(&path, &value);
        self.follow_generators(&path, &value);
        self.closure.kustomizations.push(Kustomization { path, value, patches, replaced });
    }

    fn judge(&mut self, path: &TreePath, value: &Value) {
        let Value::Object(fields) = value else {
            self.closure.is_known = false;
            return;
        };
        // Definitions of variables change nothing by themselves: what they replaced differs from what was written.
        let known = |field: &str| FOLLOWED.contains(&field) || matches!(field, "vars" | "openapi");
        if let Some(helm) = fields.keys().find(|field| field.starts_with("helm")) {
            self.closure.refuse("Helm in a kustomization", format!("{path}: {helm}"));
        }
        self.closure.is_known &= fields.keys().all(|field| known(field));
    }

    fn follow_folders(&mut self, path: &TreePath, value: &Value) {
        for reference in ["resources", "bases", "components"].into_iter().flat_map(|field| texts(value, field)) {
            match self.found(reference) {
                Some(target) if self.builder.file(&target).is_some() => {
                    self.closure.resources.insert(target.clone());
                    self.closure.files.insert(target);
                }
                Some(folder) if self.builder.kustomization_in(&folder).is_some() => self.waiting.push(folder),
                _ => self.not_found(path, reference),
            }
        }
        for reference in OPAQUE.into_iter().chain(["crds"]).flat_map(|field| texts(value, field)) {
            if !is_inline(reference) {
                self.read(path, reference);
            }
        }
        if let Some(schema) = value.get("openapi").and_then(|openapi| openapi.get("path")).and_then(Value::as_str) {
            self.read(path, schema);
        }
    }

    fn found(&mut self, reference: &str) -> Option<TreePath> {
        let found = path::join(&self.folder, reference.as_bytes());
        // What stands behind a link has another place, and a history of its own.
        let is_link = found.as_ref().is_some_and(|path| matches!(self.builder.tree.files.get(path), Some(TreeEntry::Symlink(_))));
        self.closure.is_known &= !is_link;
        found
    }

    /// Notes a file that is read; its path where it is there.
    fn read(&mut self, path: &TreePath, reference: &str) -> Option<TreePath> {
        match self.found(reference).filter(|target| self.builder.file(target).is_some()) {
            Some(target) => {
                self.closure.files.insert(target.clone());
                Some(target)
            }
            None => {
                self.not_found(path, reference);
                None
            }
        }
    }

    fn not_found(&mut self, path: &TreePath, reference: &str) {
        self.closure.is_known = false;
        if is_remote(reference) {
            self.closure.refuse("remote resource", format!("{path} names {}, which is not in the source", without_credentials(reference)));
        }
    }

    fn patches(&mut self, path: &TreePath, value: &Value) -> Vec<Patch> {
        let mut patches = Vec::new();
        for item in ["patches", "patchesJson6902"].into_iter().flat_map(|field| items(value, field)) {
            let target = item.get("target").filter(|target| !target.is_null()).cloned();
            if let Some(reference) = item.get("path").and_then(Value::as_str) {
                patches.push(self.patch_file(path, reference, target));
            } else {
                let documents = item.get("patch").and_then(Value::as_str).and_then(|text| readable(text.as_bytes()));
                patches.push(Patch { file: None, target, documents });
            }
        }
        for text in texts(value, "patchesStrategicMerge") {
            patches.push(match is_inline(text) {
                true => Patch { file: None, target: None, documents: readable(text.as_bytes()) },
                false => self.patch_file(path, text, None),
            });
        }
        patches
    }

    fn patch_file(&mut self, path: &TreePath, reference: &str, target: Option<Value>) -> Patch {
        let file = self.read(path, reference);
        let documents = file.as_ref().and_then(|file| self.builder.file(file)).and_then(readable);
        Patch { file, target, documents }
    }

    fn replaced(&mut self, path: &TreePath, value: &Value) -> Vec<Value> {
        let mut replaced = Vec::new();
        for item in items(value, "replacements") {
            match item.get("path").and_then(Value::as_str) {
                None => replaced.extend(selects(item)),
                Some(reference) => {
                    let file = self.read(path, reference);
                    match file.as_ref().and_then(|file| self.builder.file(file)).and_then(readable) {
                        None => replaced.push(Value::Null),
                        Some(documents) => replaced.extend(documents.iter().flat_map(|document| match document {
                            Value::Array(items) => items.iter().flat_map(selects).collect(),
                            other => selects(other),
                        })),
                    }
                }
            }
        }
        replaced
    }

    fn follow_generators(&mut self, path: &TreePath, value: &Value) {
        for generator in ["configMapGenerator", "secretGenerator"].into_iter().flat_map(|field| items(value, field)) {
            let named = texts(generator, "files").map(|file| file.split_once('=').map_or(file, |(_, file)| file));
            let environments = texts(generator, "envs").chain(generator.get("env").and_then(Value::as_str));
            for reference in named.chain(environments) {
                self.read(path, reference);
            }
        }
    }
}

/// What a replacement selects; null where it does not say.
fn selects(replacement: &Value) -> Vec<Value> {
    match replacement.get("targets") {
        Some(Value::Array(targets)) => targets.iter().map(|target| target.get("select").cloned().unwrap_or_default()).collect(),
        _ => vec![Value::Null],
    }
}

/// The documents of a patch, or nothing where one of them cannot be read.
fn readable(bytes: &[u8]) -> Option<Vec<Value>> {
    document::documents(bytes, Dialect::Kustomize).into_iter().map(|read| read.map(|document| document.value).ok()).collect()
}

/// Whether a text that may name a file is YAML itself.
fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.trim_start().starts_with('{')
}

/// Whether something that is not in the tree would be fetched. Relative paths that start with a dot are plainly local.
fn is_remote(reference: &str) -> bool {
    if reference.starts_with("./") || reference.starts_with("../") || reference.starts_with('/') {
        return false;
    }
    let host = reference.split(['/', ':']).next().unwrap_or_default();
    let is_host = host.contains('.') && !host.starts_with('.') && reference.len() > host.len();
    is_host
        || reference.contains("://")
        || reference.contains("::")
        || reference.contains('@')
        || reference.contains("ref=")
        || reference.starts_with("gh:")
}

/// The reference without user and password, and without a query, which may hold a token.
fn without_credentials(reference: &str) -> String {
    let reference = reference.split('?').next().unwrap_or_default();
    match reference.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, tail) = rest.split_once('/').map_or((rest, ""), |(authority, tail)| (authority, tail));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/{tail}")
        }
        None => reference.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_remote, without_credentials};

    #[test]
    fn what_would_be_fetched_is_remote() {
        for remote in [
            "https://x/y.yaml",
            "github.com/a/b//c?ref=v1",
            "git@github.com:a/b",
            "git::https://x/y",
            "ssh://h/x",
            "a/b?ref=main",
            "host.example:org/repo",
            "gh:a/b",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in ["./github.com/x", "../base", "missing.yaml", "apps/web", "/abs"] {
            assert!(!is_remote(local), "{local}");
        }
    }

    #[test]
    fn a_remote_is_told_without_credentials() {
        assert_eq!(without_credentials("https://bob:canary@host/a/b?token=canary"), "https://host/a/b");
    }
}
