//! The files a kustomization draws in, by its own words, and what in it could touch objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::document::{self, Document};
use crate::model::declaration::{DocumentRef, Entry, Remote, Submodule, TreeEntry, TreePath};
use crate::yaml::Dialect;

use super::keys::{self, items};
use super::remote::{self, Fetched};
use super::{Builder, path};

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

/// What draws in a file or a folder.
struct Drawn {
    /// The folder of the kustomization that does.
    by: TreePath,
    /// Absent where the entry cannot be told in the reading whose history is walked.
    entry: Option<Entry>,
}

/// Everything a kustomization draws in.
pub(in super::super) struct Closure {
    /// The folder that is built.
    pub(in super::super) root: TreePath,
    /// The kustomizations, that of the root first.
    pub(super) kustomizations: Vec<Kustomization>,
    folders: BTreeSet<TreePath>,
    /// By what each resource and each folder below the root is drawn in.
    drawn: BTreeMap<TreePath, Vec<Drawn>>,
    /// What would be fetched, in the order in which it was found.
    pub(in super::super) remotes: Vec<Remote>,
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

    /// The entries that lead from the root to a resource, in this order; none where there is more than one way.
    pub(super) fn way_to(&self, resource: &TreePath) -> Option<Vec<Entry>> {
        let mut way = Vec::new();
        let mut place = resource;
        // Folders that draw in each other lead nowhere.
        while way.len() <= self.folders.len() {
            let [drawn] = self.drawn.get(place)?.as_slice() else { return None };
            way.push(drawn.entry.clone()?);
            place = &drawn.by;
            if *place == self.root {
                way.reverse();
                return Some(way).filter(|_| self.is_known);
            }
        }
        None
    }

    /// All that is refused for the first reason is told.
    fn refuse(&mut self, reason: &'static str, detail: String) {
        let refusal = self.refusal.get_or_insert_with(|| Refusal { reason, detail: String::new() });
        if refusal.reason == reason && refusal.detail.len() < LONGEST_DETAIL {
            let separator = if refusal.detail.is_empty() { "" } else { "; " };
            refusal.detail = format!("{}{separator}{detail}", refusal.detail);
        }
    }
}

/// So many entries of one closure that would be fetched are told one by one.
const MOST_REMOTES: usize = 1000;

/// So many bytes of what is refused are told, and what is begun then.
const LONGEST_DETAIL: usize = 1000;

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
        drawn: BTreeMap::new(),
        remotes: Vec::new(),
        resources: BTreeSet::new(),
        files: BTreeSet::new(),
        is_known: true,
        refusal: None,
    };
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        if closure.folders.insert(folder.clone()) {
            let places = Places::default();
            Follower { builder, folder, places, closure: &mut closure, waiting: &mut waiting }.follow();
        }
    }
    closure
}

struct Follower<'run, 'tree> {
    builder: &'run Builder<'tree>,
    folder: TreePath,
    places: Places,
    closure: &'run mut Closure,
    waiting: &'run mut Vec<TreePath>,
}

/// Where the leaves of a kustomization stand, by pointer.
#[derive(Default)]
struct Places {
    lines: HashMap<String, u32>,
    /// The position of each in the reading whose history is walked, which may be another one.
    leaves: HashMap<String, u32>,
}

impl Places {
    fn of(read: &Document, walked: Option<&Document>) -> Self {
        let pointers = |document: &Document| -> Vec<String> {
            document::leaves(&document.value).into_iter().map(|(pointer, _)| pointer.to_string()).collect()
        };
        Self {
            lines: pointers(read).into_iter().zip(read.lines.iter().map(|(line, _)| *line)).collect(),
            leaves: walked.map(|walked| pointers(walked).into_iter().zip(0..).collect()).unwrap_or_default(),
        }
    }
}

fn texts<'value>(value: &'value Value, field: &str) -> impl Iterator<Item = &'value str> {
    items(value, field).iter().filter_map(Value::as_str)
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
        let Some(Ok(document)) = read.into_iter().next() else {
            self.closure.is_known = false;
            return;
        };
        self.places = Places::of(&document, self.builder.documents(&path).first().and_then(|walked| walked.as_ref().ok()));
        let value = document.value;
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
        self.closure.is_known &= fields.keys().all(|field| known(field)) && keys::are_exact(value);
    }

    fn follow_folders(&mut self, path: &TreePath, value: &Value) {
        for field in ["resources", "bases", "components"] {
            for (index, reference) in items(value, field).iter().enumerate() {
                if let Some(reference) = reference.as_str() {
                    self.follow_one(path, reference, &format!("/{field}/{index}"));
                }
            }
        }
        for field in OPAQUE.into_iter().chain(["crds"]) {
            for (index, reference) in items(value, field).iter().enumerate() {
                if let Some(reference) = reference.as_str().filter(|reference| !is_inline(reference)) {
                    self.read(path, reference, &format!("/{field}/{index}"));
                }
            }
        }
        if let Some(schema) = value.get("openapi").and_then(|openapi| openapi.get("path")).and_then(Value::as_str) {
            self.read(path, schema, "/openapi/path");
        }
    }

    /// A file, else a folder, as Kustomize tries them.
    fn follow_one(&mut self, path: &TreePath, reference: &str, place: &str) {
        if remote::is_file(reference) {
            return self.not_found(path, reference, place);
        }
        match self.found(reference) {
            Some(target) if self.builder.file(&target).is_some() => {
                self.draw(path, &target, place);
                self.closure.resources.insert(target.clone());
                self.closure.files.insert(target);
            }
            // A folder may be called like a repository; it is not looked into.
            _ if remote::is_repository(reference) => self.not_found(path, reference, place),
            Some(folder) if self.builder.kustomization_in(&folder).is_some() => {
                self.draw(path, &folder, place);
                self.waiting.push(folder);
            }
            _ => self.not_found(path, reference, place),
        }
    }

    fn draw(&mut self, path: &TreePath, target: &TreePath, place: &str) {
        let document = DocumentRef { source: self.builder.tree.source.clone(), path: path.clone(), ordinal: 0 };
        let entry = self.places.leaves.get(place).map(|leaf| Entry { document, leaf: *leaf, line: self.line(place) });
        self.closure.drawn.entry(target.clone()).or_default().push(Drawn { by: self.folder.clone(), entry });
    }

    fn line(&self, place: &str) -> u32 {
        self.places.lines.get(place).copied().unwrap_or(1)
    }

    fn found(&mut self, reference: &str) -> Option<TreePath> {
        let found = path::join(&self.folder, reference.as_bytes());
        // What stands behind a link has another place, and a history of its own.
        let is_link = found.as_ref().is_some_and(|path| matches!(self.builder.tree.files.get(path), Some(TreeEntry::Symlink(_))));
        self.closure.is_known &= !is_link;
        found
    }

    /// Notes a file that is read; its path where it is there.
    fn read(&mut self, path: &TreePath, reference: &str, place: &str) -> Option<TreePath> {
        if remote::is_file(reference) {
            self.not_found(path, reference, place);
            return None;
        }
        match self.found(reference).filter(|target| self.builder.file(target).is_some()) {
            Some(target) => {
                self.closure.files.insert(target.clone());
                Some(target)
            }
            None => {
                self.not_found(path, reference, place);
                None
            }
        }
    }

    fn not_found(&mut self, path: &TreePath, reference: &str, place: &str) {
        self.closure.is_known = false;
        let line = self.line(place);
        if let Some((folder, submodule)) = self.submodule(reference) {
            let reference = remote::cut(reference);
            let detail = format!("{path}:{line} names {reference}, which lies in the submodule {folder}: {submodule}");
            return self.closure.refuse("submodule", detail);
        }
        if remote::is_file(reference) || remote::is_repository(reference) || remote::looks_remote(reference) {
            let Fetched { url, reference, is_pinned } = Fetched::of(reference);
            self.closure.refuse("remote resource", format!("{path}:{line} names {url}, which is not in the source"));
            if self.closure.remotes.len() < MOST_REMOTES {
                let source = self.builder.tree.source.clone();
                self.closure.remotes.push(Remote { source, path: path.clone(), line, url, reference, is_pinned });
            }
        }
    }

    /// The submodule that a reference leads into.
    fn submodule(&self, reference: &str) -> Option<(TreePath, &Submodule)> {
        let mut place = path::join(&self.folder, reference.as_bytes())?;
        while !place.is_empty() {
            if let Some(TreeEntry::Submodule(submodule)) = self.builder.tree.files.get(&place) {
                return Some((place, submodule));
            }
            place = path::folder(&place);
        }
        None
    }

    fn patches(&mut self, path: &TreePath, value: &Value) -> Vec<Patch> {
        let mut patches = Vec::new();
        for field in ["patches", "patchesJson6902"] {
            for (index, item) in items(value, field).iter().enumerate() {
                let target = item.get("target").filter(|target| !target.is_null()).cloned();
                if let Some(reference) = item.get("path").and_then(Value::as_str) {
                    patches.push(self.patch_file(path, (reference, &format!("/{field}/{index}/path")), target));
                } else {
                    let documents = item.get("patch").and_then(Value::as_str).and_then(|text| readable(text.as_bytes()));
                    patches.push(Patch { file: None, target, documents });
                }
            }
        }
        for (index, text) in items(value, "patchesStrategicMerge").iter().enumerate() {
            let Some(text) = text.as_str() else { continue };
            patches.push(match is_inline(text) {
                true => Patch { file: None, target: None, documents: readable(text.as_bytes()) },
                false => self.patch_file(path, (text, &format!("/patchesStrategicMerge/{index}")), None),
            });
        }
        patches
    }

    fn patch_file(&mut self, path: &TreePath, (reference, place): (&str, &str), target: Option<Value>) -> Patch {
        let file = self.read(path, reference, place);
        let documents = file.as_ref().and_then(|file| self.builder.file(file)).and_then(readable);
        Patch { file, target, documents }
    }

    fn replaced(&mut self, path: &TreePath, value: &Value) -> Vec<Value> {
        let mut replaced = Vec::new();
        for (index, item) in items(value, "replacements").iter().enumerate() {
            match item.get("path").and_then(Value::as_str) {
                None => replaced.extend(selects(item)),
                Some(reference) => {
                    let file = self.read(path, reference, &format!("/replacements/{index}/path"));
                    match file.as_ref().and_then(|file| self.builder.file(file)).and_then(readable) {
                        None => replaced.push(Value::Null),
                        Some(documents) => {
                            for one in documents.iter().flat_map(|document| match document {
                                Value::Array(items) => items.as_slice(),
                                other => std::slice::from_ref(other),
                            }) {
                                self.closure.is_known &= keys::is_exact_replacement(one);
                                replaced.extend(selects(one));
                            }
                        }
                    }
                }
            }
        }
        replaced
    }

    fn follow_generators(&mut self, path: &TreePath, value: &Value) {
        for field in ["configMapGenerator", "secretGenerator"] {
            for (index, generator) in items(value, field).iter().enumerate() {
                let place = |list: &str, item: usize| format!("/{field}/{index}/{list}/{item}");
                for (item, file) in texts(generator, "files").enumerate() {
                    let file = file.split_once('=').map_or(file, |(_, file)| file);
                    self.read(path, file, &place("files", item));
                }
                for (item, file) in texts(generator, "envs").enumerate() {
                    self.read(path, file, &place("envs", item));
                }
                if let Some(file) = generator.get("env").and_then(Value::as_str) {
                    self.read(path, file, &format!("/{field}/{index}/env"));
                }
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
