//! What the real Kustomize builds, with the documents behind each field as far as they can be told for certain.
//!
//! ```text
//! closure.rs   which files a kustomization draws in, and what in them could touch an object
//! keys.rs      whether its keys are read as they are written
//! mod.rs       the program, asked for the origin of each object
//! remote.rs    what would be fetched
//! credit.rs    which single document declares a field
//! message.rs   what may be told of a failure
//! ```
//! The program runs without plugins, Helm or network; what needs them is refused before. A field is credited to a document only
//! where nothing else in the closure could have made its value: doubt leaves it without.

mod closure;
mod credit;
mod keys;
mod message;
mod remote;
mod selector;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::document::{self, Document};
use crate::model::declaration::{Engine, Tree, TreeEntry, TreePath};
use crate::subprocess::{self, LaidOut, Limits, Program, Stop};
use crate::yaml::{self, Dialect};

use super::object::{self, Reading, Unreadable};
use super::path;

pub(super) use self::closure::Closure;

/// A build that takes longer is stuck, or hostile; Kustomize needs a minute for 5,000 objects.
const LIMITS: Limits = Limits { time: Duration::from_secs(300), output_bytes: 256 << 20 };

/// Where Kustomize notes the origin of an object.
const ORIGIN: &str = "config.kubernetes.io/origin";
/// How many links are followed from one path.
const LINKS: usize = 8;

/// Why a folder could not be built.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    /// Holds no secret value.
    pub(super) detail: String,
}

/// The documents of a file, or none where it is no regular file.
type Documents = Rc<Vec<Result<Document, yaml::Error>>>;

/// Builds the kustomizations of one tree.
pub(super) struct Builder<'tree> {
    tree: &'tree Tree,
    program: Program,
    stop: Stop<'tree>,
    documents: RefCell<HashMap<TreePath, Documents>>,
    /// The whole tree, for closures that are not known; laid out once.
    whole: OnceCell<LaidOut>,
}

impl<'tree> Builder<'tree> {
    /// Builds with the program that a setting names, else with the one that is found.
    pub(super) fn new(tree: &'tree Tree, file: Option<&Path>, stop: Stop<'tree>) -> Self {
        let program = Program { name: "kustomize", override_env: "KUBEWITNESS_KUSTOMIZE", file: file.map(Path::to_owned) };
        Self { tree, program, stop, documents: RefCell::default(), whole: OnceCell::new() }
    }

    /// The kustomization of a folder.
    pub(super) fn kustomization_in(&self, folder: &TreePath) -> Option<TreePath> {
        path::KUSTOMIZATIONS.iter().filter_map(|name| path::join(folder, name)).find(|path| self.file(path).is_some())
    }

    /// The topmost folders of the source that hold a kustomization.
    pub(super) fn units(&self) -> Vec<TreePath> {
        let folders: BTreeSet<TreePath> = self
            .tree
            .files
            .keys()
            .filter(|path| path::is_below(path, &self.tree.root) && path::KUSTOMIZATIONS.contains(&path::name(path)))
            .map(path::folder)
            .collect();
        let mut units: Vec<TreePath> = Vec::new();
        let mut nested: Vec<&TreePath> = folders.iter().collect();
        // A folder is looked at before what lies in it.
        nested.sort_by_key(|folder| folder.as_bytes().split(|byte| *byte == b'/').count());
        for folder in nested {
            if !units.iter().any(|unit| path::is_below(folder, unit)) {
                units.push(folder.clone());
            }
        }
        units.sort();
        units
    }

    /// What a kustomization draws in.
    pub(super) fn closure(&self, root: &TreePath) -> Closure {
        closure::of(self, root)
    }

    /// The content of a file; links to files are followed inside the tree.
    fn file(&self, path: &TreePath) -> Option<&'tree [u8]> {
        let mut path = path.clone();
        for _ in 0..LINKS {
            match self.tree.files.get(&path)? {
                TreeEntry::File { bytes, .. } => return Some(bytes),
                TreeEntry::Symlink(target) => path = path::join(&path::folder(&path), target.as_bytes())?,
                TreeEntry::TooLarge(_) | TreeEntry::Submodule(_) => return None,
            }
        }
        None
    }

    /// The documents of a file that lies where its path says; a link has no history of its own.
    fn documents(&self, path: &TreePath) -> Documents {
        if let Some(known) = self.documents.borrow().get(path) {
            return Rc::clone(known);
        }
        let read = match self.tree.files.get(path) {
            Some(TreeEntry::File { bytes, .. }) => document::documents(bytes, Dialect::Kustomize),
            _ => Vec::new(),
        };
        let read = Rc::new(read);
        self.documents.borrow_mut().insert(path.clone(), Rc::clone(&read));
        read
    }

    /// The objects that Kustomize builds of a closure.
    ///
    /// # Errors
    /// Where it needs what is not allowed, Kustomize is not there or fails, or the run ends.
    pub(super) fn build(&self, closure: &Closure, load_restrictor_none: bool) -> Result<Vec<Result<Reading, Unreadable>>, Failure> {
        if let Some(refusal) = &closure.refusal {
            return Err(Failure { reason: refusal.reason, detail: refusal.detail.clone() });
        }
        self.go_on()?;
        let output = self.run(closure, load_restrictor_none)?;
        let crediting = credit::Crediting::new(self, closure);
        let mut readings = Vec::new();
        for built in document::documents(&output, Dialect::Raw) {
            self.go_on()?;
            readings.push(reading(built, closure, &crediting));
        }
        doubt_encrypted(&mut readings);
        Ok(readings)
    }

    fn go_on(&self) -> Result<(), Failure> {
        let ended = |why| Failure { reason: why, detail: "the run ended before this was built".to_owned() };
        (self.stop)().map_or(Ok(()), |why| Err(ended(why)))
    }

    fn run(&self, closure: &Closure, load_restrictor_none: bool) -> Result<Vec<u8>, Failure> {
        let unwritable = |error: std::io::Error| Failure { reason: "no temporary folder", detail: error.to_string() };
        let own;
        let laid_out = if closure.is_known {
            own = subprocess::lay_out(self.tree, |path| closure.files.contains(path)).map_err(unwritable)?;
            &own
        } else {
            self.whole().map_err(unwritable)?
        };
        let root_file = closure.kustomizations.first();
        if let Some(kustomization) = root_file {
            laid_out.write(&kustomization.path, with_origins(&kustomization.value).to_string().as_bytes()).map_err(unwritable)?;
        }
        let output = self.build_in(laid_out, closure, load_restrictor_none);
        // The folder may serve other builds.
        if let Some((path, bytes)) = root_file.and_then(|file| self.file(&file.path).map(|bytes| (&file.path, bytes))) {
            laid_out.write(path, bytes).map_err(unwritable)?;
        }
        output
    }

    fn whole(&self) -> std::io::Result<&LaidOut> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole);
        }
        let whole = subprocess::lay_out(self.tree, |_| true)?;
        Ok(self.whole.get_or_init(|| whole))
    }

    fn build_in(&self, laid_out: &LaidOut, closure: &Closure, load_restrictor_none: bool) -> Result<Vec<u8>, Failure> {
        let restrictor = if load_restrictor_none { "LoadRestrictionsNone" } else { "LoadRestrictionsRootOnly" };
        let root = closure.root.as_bytes();
        let target = if root.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(root) };
        let arguments = [OsStr::new("build"), OsStr::new("--load-restrictor"), OsStr::new(restrictor), OsStr::new("--"), target];
        let output = self.program.run(&arguments, laid_out.folder(), LIMITS, self.stop).map_err(not_run)?;
        if !output.success {
            let text = String::from_utf8_lossy(&output.stderr);
            let known = message::Known { files: &closure.files, folder: laid_out.folder(), secrets: self.secrets(closure) };
            let detail = [self.unreadable(closure), vec![message::told(&text, &known)]].concat().join("\n");
            return Err(Failure { reason: "kustomize build failed", detail });
        }
        Ok(output.stdout)
    }

    /// The resources that we cannot read either. What our reader says quotes no value.
    fn unreadable(&self, closure: &Closure) -> Vec<String> {
        let errors = |path: &TreePath| -> Vec<String> {
            let documents = self.documents(path);
            documents.iter().filter_map(|read| read.as_ref().err()).map(|error| format!("{path}: {error}")).collect()
        };
        closure.resources.iter().flat_map(errors).collect()
    }

    /// All secret values that a message of the program could quote.
    fn secrets(&self, closure: &Closure) -> message::Secrets {
        let mut secrets = message::Secrets::default();
        closure.files.iter().filter_map(|path| self.file(path)).for_each(|bytes| secrets.add_documents(bytes));
        for kustomization in &closure.kustomizations {
            let folder = path::folder(&kustomization.path);
            let read = |reference: &str| path::join(&folder, reference.as_bytes()).and_then(|path| self.file(&path));
            secrets.add_kustomization(&kustomization.value, read);
        }
        secrets
    }
}

fn reading(built: Result<Document, yaml::Error>, closure: &Closure, crediting: &credit::Crediting<'_, '_>) -> Result<Reading, Unreadable> {
    // Its text is the program's, so a picture of it would show no file of the source.
    let built = built.map_err(|error| Unreadable { place: closure.root.to_string(), detail: format!("output of kustomize: {error}") })?;
    let mut value = built.value;
    let origin = take_origin(&mut value);
    let is_secret = value.get("kind").is_some_and(|kind| kind == "Secret");
    let is_generated = matches!(origin, Some(Origin::Generator(_)));
    let doubt = (is_generated && object::is_encrypted(&value, is_secret)).then_some(GENERATED_ENCRYPTED);
    let credit = crediting.credit(&value, origin.as_ref());
    let place = credit.inputs.first().map_or_else(|| closure.root.to_string(), |input| format!("{}:{}", input.document.path, input.line));
    Ok(Reading {
        value,
        inputs: credit.inputs,
        origins: credit.origins,
        is_whole: credit.is_whole,
        drawn_by: credit.drawn_by,
        engine: Engine::Kustomize,
        place,
        doubt,
    })
}

/// Why a Secret that is generated of an encrypted file is not judged: Flux decrypts the file first.
const GENERATED_ENCRYPTED: &str = "generated of an encrypted file";

/// The name of a generated Secret ends with a hash of its content, so that it is not known, nor what names it.
fn doubt_encrypted(readings: &mut [Result<Reading, Unreadable>]) {
    let name = |reading: &Reading| {
        reading.value.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str).map(str::to_owned)
    };
    let read = readings.iter().filter_map(|reading| reading.as_ref().ok());
    let names: BTreeSet<String> = read.filter(|reading| reading.doubt.is_some()).filter_map(name).collect();
    if names.is_empty() {
        return;
    }
    for reading in readings.iter_mut().filter_map(|reading| reading.as_mut().ok()).filter(|reading| reading.doubt.is_none()) {
        let leaves = document::leaves(&reading.value);
        if leaves.iter().any(|(_, leaf)| leaf.as_str().is_some_and(|text| names.contains(text))) {
            reading.doubt = Some("names what is generated of an encrypted file");
        }
    }
}

fn not_run(error: subprocess::Error) -> Failure {
    let (reason, help) = match &error {
        subprocess::Error::NotFound { .. } | subprocess::Error::BadOverride { .. } => {
            ("kustomize not found", "; see https://kubectl.docs.kubernetes.io/installation/kustomize/")
        }
        subprocess::Error::TimedOut { .. } => ("kustomize timed out", ""),
        subprocess::Error::Stopped { why, .. } => (*why, ""),
        subprocess::Error::TooMuchOutput { .. } => ("kustomize output too large", ""),
        subprocess::Error::Start { .. } => ("kustomize not run", ""),
    };
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure { reason, detail: format!("{error}{cause}{help}") }
}

/// The kustomization as JSON, which is YAML too, asking for origins beside what it asks for itself.
fn with_origins(kustomization: &Value) -> Value {
    let mut changed = kustomization.clone();
    if let Value::Object(fields) = &mut changed {
        match fields.entry("buildMetadata").or_insert_with(|| json!([])) {
            Value::Array(asked) if asked.iter().any(|item| item == "originAnnotations") => {}
            Value::Array(asked) => asked.push("originAnnotations".into()),
            other => *other = json!(["originAnnotations"]),
        }
    }
    changed
}

/// Where Kustomize says an object comes from, relative to the folder that was built.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// A document of this file.
    File(String),
    /// A generator in this kustomization.
    Generator(String),
}

/// Takes the note of the origin away, and the annotations if there was nothing else.
fn take_origin(value: &mut Value) -> Option<Origin> {
    let metadata = value.get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let note = annotations.remove(ORIGIN)?;
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    let note = yaml::documents(note.as_str()?.as_bytes(), Dialect::Raw).into_iter().next()?.ok()?;
    let text = |field: &str| note.get(field).and_then(|node| node.as_str()).map(str::to_owned);
    // Another repository is refused before; what is annotated so by hand is no origin.
    if note.get("repo").is_some() {
        return None;
    }
    text("path").map(Origin::File).or_else(|| text("configuredIn").map(Origin::Generator))
}

#[cfg(test)]
mod tests;
