//! Which document declares which field of a built object.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::document::{self, Document};
use crate::model::declaration::{DocumentRef, Entry, Input, LeafOrigin, TreePath};
use crate::model::object::Pointer;

use super::closure::{Closure, Kustomization};
use super::keys::items;
use super::selector::{Named, could_change_image};
use super::{Builder, Origin, path};
use crate::render::object::RENDERED;

/// The documents behind an object, and the one behind each of its leaves.
pub(super) struct Credit {
    /// The document of the object first, then all that could have touched it, sorted.
    pub(super) inputs: Vec<Input>,
    pub(super) origins: Vec<LeafOrigin>,
    /// Whether every leaf that the document of the object declares is still there.
    pub(super) is_whole: bool,
    /// The entries that lead to the document of the object: none where it is not known which that is, `None` where they cannot be
    /// told.
    pub(super) drawn_by: Option<Vec<Entry>>,
}

/// Tells the documents behind the objects of one closure.
pub(super) struct Crediting<'run, 'tree> {
    builder: &'run Builder<'tree>,
    closure: &'run Closure,
    /// The documents that are read as resources, by kind and name.
    resources: HashMap<(String, String), Vec<(String, Input)>>,
    /// Files with a document that cannot be read.
    broken: BTreeSet<TreePath>,
    /// Whether anything adds to names.
    renames: bool,
}

fn text<'value>(value: &'value Value, field: &str) -> &'value str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn name_of(value: &Value) -> &str {
    value.get("metadata").map(|metadata| text(metadata, "name")).unwrap_or_default()
}

fn group_of(value: &Value) -> &str {
    text(value, "apiVersion").split_once('/').map_or("", |(group, _)| group)
}

fn is_same_kind(one: &Value, other: &Value) -> bool {
    text(one, "kind") == text(other, "kind") && group_of(one) == group_of(other)
}

fn input(builder: &Builder<'_>, path: &TreePath, document: Option<&Document>) -> Input {
    let (ordinal, line, end_line) = document.map_or((0, 1, 1), |document| (document.ordinal, document.line, document.end_line));
    Input { document: DocumentRef { source: builder.tree.source.clone(), path: path.clone(), ordinal }, line, end_line }
}

impl<'run, 'tree> Crediting<'run, 'tree> {
    pub(super) fn new(builder: &'run Builder<'tree>, closure: &'run Closure) -> Self {
        let mut resources: HashMap<_, Vec<_>> = HashMap::new();
        let mut broken = BTreeSet::new();
        for file in &closure.resources {
            let documents = builder.documents(file);
            if documents.iter().any(Result::is_err) {
                broken.insert(file.clone());
            }
            for document in documents.iter().filter_map(|document| document.as_ref().ok()) {
                let key = (text(&document.value, "kind").to_owned(), name_of(&document.value).to_owned());
                let found = (group_of(&document.value).to_owned(), input(builder, file, Some(document)));
                resources.entry(key).or_default().push(found);
            }
        }
        let renames = closure.kustomizations.iter().any(renames);
        Self { builder, closure, resources, broken, renames }
    }

    /// The credit of an object that was built.
    pub(super) fn credit(&self, built: &Value, origin: Option<&Origin>) -> Credit {
        let leaves = document::leaves(built);
        let file = match origin {
            // A note of the origin is no proof: only what the closure reads can be the document.
            Some(Origin::File(file)) => {
                path::join(&self.closure.root, file.as_bytes()).filter(|file| self.closure.resources.contains(file))
            }
            _ => None,
        };
        let documents = file.as_ref().map(|file| self.builder.documents(file)).unwrap_or_default();
        let own = file.as_ref().and_then(|file| self.own_document(built, file, &documents));
        let named = Named { kind: text(built, "kind"), name: own.map_or("", |own| name_of(&own.value)), built: name_of(built) };
        let place = file.as_ref().zip(own).map(|(file, own)| input(self.builder, file, Some(own)));
        let others = self.others(&named, built, place.as_ref().map(|place| &place.document), origin);
        let drawn_by = match (&file, own) {
            (Some(file), Some(_)) => self.closure.way_to(file),
            _ => Some(Vec::new()),
        };
        let rendered = vec![RENDERED; leaves.len()];
        let (Some(own), Some(place)) = (own, place) else {
            return Credit { inputs: others, origins: rendered, is_whole: false, drawn_by };
        };
        let is_untouched = self.is_untouched(&named, built, &place.document);
        let others: Vec<Input> = others.into_iter().filter(|other| other.document != place.document).collect();
        let inputs = [vec![place], others].concat();
        if !is_untouched {
            return Credit { inputs, origins: rendered, is_whole: false, drawn_by };
        }
        let declared = document::leaves(&own.value);
        let is_whole =
            declared.iter().all(|(pointer, value)| declares_nothing(pointer, value) || built.pointer(pointer.as_str()).is_some());
        let declared: HashMap<&str, (usize, &Value)> =
            declared.iter().enumerate().map(|(leaf, (pointer, value))| (pointer.as_str(), (leaf, *value))).collect();
        let origins = leaves.iter().map(|(pointer, value)| self.origin(pointer, value, &declared, own, &named)).collect();
        Credit { inputs, origins, is_whole, drawn_by }
    }

    /// The one document of the file that can be the object; none where there are two.
    fn own_document<'read>(
        &self,
        built: &Value,
        file: &TreePath,
        documents: &'read [Result<Document, crate::yaml::Error>],
    ) -> Option<&'read Document> {
        // A document that cannot be read could be the object, too.
        if self.broken.contains(file) {
            return None;
        }
        let read = |ordinal: u32| documents.get(ordinal as usize).and_then(|document| document.as_ref().ok());
        if !self.renames {
            let named = self.resources.get(&(text(built, "kind").to_owned(), name_of(built).to_owned()));
            let mut fitting = named.into_iter().flatten().filter(|(group, input)| group == group_of(built) && input.document.path == *file);
            return fitting.next().filter(|_| fitting.next().is_none()).and_then(|(_, input)| read(input.document.ordinal));
        }
        let fits = |document: &&Document| {
            let name = name_of(&document.value);
            !name.is_empty() && name_of(built).contains(name) && is_same_kind(built, &document.value)
        };
        let mut fitting = documents.iter().filter_map(|document| document.as_ref().ok()).filter(fits);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// Whether nothing but its own document names the object.
    fn is_untouched(&self, named: &Named<'_>, built: &Value, own: &DocumentRef) -> bool {
        self.closure.is_known
            && !self.closure.kustomizations.iter().any(|kustomization| touches(kustomization, named))
            && self.twins(named, built, Some(own)).is_empty()
    }

    /// Other documents that name the object.
    fn twins(&self, named: &Named<'_>, built: &Value, own: Option<&DocumentRef>) -> Vec<Input> {
        let called = |name: &str| self.resources.get(&(named.kind.to_owned(), name.to_owned())).into_iter().flatten();
        called(named.name)
            .chain(called(named.built))
            .filter(|(group, input)| group == group_of(built) && Some(&input.document) != own)
            .map(|(_, input)| input.clone())
            .collect()
    }

    /// Everything that could have touched the object, besides its own document; never nothing at all.
    fn others(&self, named: &Named<'_>, built: &Value, own: Option<&DocumentRef>, origin: Option<&Origin>) -> Vec<Input> {
        let mut others = self.twins(named, built, own);
        for kustomization in &self.closure.kustomizations {
            for patch in kustomization.patches.iter().filter(|patch| could_patch(patch, named)) {
                others.extend(patch.file.as_ref().into_iter().flat_map(|file| self.all_of(file)));
            }
            if touches(kustomization, named) || transforms(kustomization) || !self.closure.is_known {
                others.extend(self.all_of(&kustomization.path));
            }
        }
        others.sort_by(|one, other| one.document.cmp(&other.document));
        others.dedup();
        let generator = match origin {
            Some(Origin::Generator(file)) => path::join(&self.closure.root, file.as_bytes()),
            _ => None,
        };
        let first = generator.or_else(|| {
            let root = self.closure.kustomizations.first().map(|kustomization| kustomization.path.clone());
            root.filter(|_| others.is_empty() && own.is_none())
        });
        if let Some(first) = first.map(|path| self.all_of(&path)) {
            others.retain(|other| !first.contains(other));
            others.splice(0..0, first);
        }
        // The index of an input has 16 bits.
        others.truncate(usize::from(u16::MAX) - 1);
        others
    }

    fn all_of(&self, file: &TreePath) -> Vec<Input> {
        let documents = self.builder.documents(file);
        let inputs: Vec<Input> = documents
            .iter()
            .filter_map(|document| document.as_ref().ok())
            .map(|document| input(self.builder, file, Some(document)))
            .collect();
        if inputs.is_empty() { vec![input(self.builder, file, None)] } else { inputs }
    }

    fn origin(
        &self,
        pointer: &Pointer,
        value: &Value,
        declared: &HashMap<&str, (usize, &Value)>,
        own: &Document,
        named: &Named<'_>,
    ) -> LeafOrigin {
        let Some((leaf, _)) = declared.get(pointer.as_str()).filter(|(_, declared)| *declared == value).copied() else { return RENDERED };
        if self.closure.kustomizations.iter().any(|kustomization| could_set(kustomization, pointer, value, named)) {
            return RENDERED;
        }
        match (own.lines.get(leaf), u32::try_from(leaf)) {
            (Some((line, end_line)), Ok(leaf)) => LeafOrigin { input: Some(0), leaf, line: *line, end_line: *end_line },
            _ => RENDERED,
        }
    }
}

/// Whether a leaf is nothing that could be taken away. Empty annotations go with the note of the origin.
fn declares_nothing(pointer: &Pointer, value: &Value) -> bool {
    value.is_null() || pointer.as_str() == "/metadata/annotations"
}

fn renames(kustomization: &Kustomization) -> bool {
    ["namePrefix", "nameSuffix"].into_iter().any(|field| !text(&kustomization.value, field).is_empty())
}

/// Whether it transforms all objects.
fn transforms(kustomization: &Kustomization) -> bool {
    const ALL: [&str; 7] = ["namePrefix", "nameSuffix", "namespace", "commonLabels", "commonAnnotations", "labels", "images"];
    ALL.into_iter().any(|field| kustomization.value.get(field).is_some())
}

fn could_patch(patch: &super::closure::Patch, named: &Named<'_>) -> bool {
    match (&patch.target, &patch.documents) {
        (Some(target), _) => named.could_be_selected_by(target),
        (None, Some(documents)) => documents.iter().any(|document| named.could_be_patched_by(document)),
        (None, None) => true,
    }
}

/// Whether a kustomization names the object: in a patch, a replacement, or a generator that merges into it.
fn touches(kustomization: &Kustomization, named: &Named<'_>) -> bool {
    let generates = |field: &str, kind: &str| {
        named.kind == kind && items(&kustomization.value, field).iter().any(|generator| named.could_be_called(text(generator, "name")))
    };
    kustomization.patches.iter().any(|patch| could_patch(patch, named))
        || kustomization.replaced.iter().any(|select| named.could_be_selected_by(select))
        || generates("configMapGenerator", "ConfigMap")
        || generates("secretGenerator", "Secret")
}

/// Whether one of the transformers of a kustomization could have set a leaf to the value it has.
fn could_set(kustomization: &Kustomization, pointer: &Pointer, value: &Value, named: &Named<'_>) -> bool {
    let all = &kustomization.value;
    let last = pointer.as_str().rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
    let pairs = |field: &str| all.get(field).and_then(Value::as_object).is_some_and(|pairs| pairs.contains_key(&last));
    let labels = || items(all, "labels").iter().any(|label| label.get("pairs").and_then(|pairs| pairs.get(&last)).is_some());
    let images = || value.as_str().is_some_and(|image| items(all, "images").iter().any(|entry| could_change_image(entry, image)));
    let replicas = || items(all, "replicas").iter().any(|entry| named.could_be_called(text(entry, "name")));
    let has_namespace = !text(all, "namespace").is_empty();
    let places_namespace = last == "namespace" || named.kind == "Namespace" && pointer.as_str() == "/metadata/name";
    has_namespace && places_namespace
        || pairs("commonLabels")
        || pairs("commonAnnotations")
        || labels()
        || last == "image" && images()
        || last == "replicas" && replicas()
}
