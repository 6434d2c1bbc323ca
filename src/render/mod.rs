//! Makes declarations of the files of a source: which objects Git declares, and where each of their fields was written.
//!
//! ```text
//! tree ─┬─ plain.rs ────── every document of every manifest ──────────────┐
//!       └─ kustomize/ ──── what the real program builds, with origins ────┴─ object.rs ── declaration
//! ```
//! It runs Kustomize and nothing else, reads no network, and never names a wrong author: a field that no single file declares
//! has no document. Secret values end in `object.rs`.

mod kustomize;
mod object;
mod path;
mod plain;
mod scope;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::coverage::{Excluded, NotEvaluated, Partial, Stage};
use crate::model::declaration::{Declaration, Engine, Remote, SourceId, Tree, TreePath};
use crate::model::kind::Kinds;
use crate::progress::Progress;
use crate::secret::Redactor;
use crate::subprocess::Stop;
use crate::threads;
use crate::yaml::Dialect;

use self::kustomize::Builder;
use self::object::{Declarer, Outcome, Reading};

/// How sources are rendered.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// By name; a source that is not in it has the default settings.
    pub sources: BTreeMap<SourceId, SourceSettings>,
    /// The Kustomize program, by absolute path; default: the one in `KUBEWITNESS_KUSTOMIZE`, else in PATH.
    pub kustomize: Option<PathBuf>,
}

/// How one source is rendered.
#[derive(Clone, Debug, Default)]
pub struct SourceSettings {
    /// The engine.
    pub render: Mode,
    /// Whether Kustomize may read files outside the folder of the kustomization that names them.
    pub load_restrictor_none: bool,
    /// The namespace of namespaced objects that name none.
    pub namespace: Option<String>,
    /// The field manager that applies the source. `kustomize-controller` makes plain files be read as Flux reads them.
    pub applier: Option<String>,
}

/// Which engine renders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Kustomize where the root holds a kustomization. Elsewhere every manifest as it stands, and each folder below that holds
    /// a kustomization through Kustomize, as Flux does.
    #[default]
    Auto,
    /// Every manifest as it stands.
    Plain,
    /// Kustomize at the root.
    Kustomize,
}

/// What the sources declare.
#[must_use]
#[derive(Debug, Default)]
pub struct Rendered {
    /// The objects, and what could not be made of files. An object that is declared twice is in it twice.
    pub declarations: Partial<Declaration>,
    /// Documents that are no objects, counted, by rule.
    pub excluded: Vec<Excluded>,
    /// What kustomizations would fetch, sorted. What is built with it is not evaluated.
    pub remotes: Vec<Remote>,
}

/// The rule under which documents that are no Kubernetes objects are counted.
pub const NOT_AN_OBJECT: &str = "not-an-object";

/// Everything that the trees declare, in the order of trees and paths. What is not rendered when `stop` tells why is not
/// evaluated for that reason; a build that runs then is ended.
pub fn declarations(
    trees: &[Tree],
    kinds: &Kinds,
    redactor: &Redactor,
    settings: &Settings,
    progress: &Progress,
    stop: Stop<'_>,
) -> Rendered {
    let mut rendering = Rendering::default();
    let default = SourceSettings::default();
    for tree in trees {
        progress.tell(|| format!("rendering {}", tree.source));
        let own = settings.sources.get(&tree.source).unwrap_or(&default);
        let declarer = Declarer { source: &tree.source, kinds, redactor, settings: own };
        Source { tree, settings: own, kustomize: settings.kustomize.as_deref(), declarer, progress, stop }.render(&mut rendering);
    }
    let excluded = (rendering.not_objects > 0).then(|| Excluded { rule: NOT_AN_OBJECT.into(), count: rendering.not_objects });
    rendering.remotes.sort();
    rendering.remotes.dedup();
    Rendered { declarations: rendering.declarations, excluded: excluded.into_iter().collect(), remotes: rendering.remotes }
}

#[derive(Default)]
struct Rendering {
    declarations: Partial<Declaration>,
    not_objects: usize,
    remotes: Vec<Remote>,
}

impl Rendering {
    fn give_up(&mut self, subject: String, reason: &str, detail: Option<String>) {
        self.declarations.give_up(gap(subject, reason, detail));
    }

    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Declared(declaration) => self.declarations.push(*declaration),
            Outcome::NotAnObject => self.not_objects += 1,
            Outcome::NotEvaluated(gap) => self.declarations.give_up(gap),
        }
    }
}

fn gap(subject: String, reason: &str, detail: Option<String>) -> NotEvaluated {
    let gap = NotEvaluated::new(Stage::Render, subject, reason);
    match detail {
        Some(detail) => gap.with_detail(detail),
        None => gap,
    }
}

/// A source being rendered.
struct Source<'run> {
    tree: &'run Tree,
    settings: &'run SourceSettings,
    kustomize: Option<&'run Path>,
    declarer: Declarer<'run>,
    progress: &'run Progress,
    stop: Stop<'run>,
}

impl Source<'_> {
    fn render(&self, rendering: &mut Rendering) {
        let builder = Builder::new(self.tree, self.kustomize, self.stop);
        let at_root = builder.kustomization_in(&self.tree.root).is_some();
        match self.settings.render {
            Mode::Plain => self.render_plain(&|_| true, (Dialect::Raw, Engine::Plain), rendering),
            Mode::Auto if !at_root => self.render_mixed(&builder, rendering),
            Mode::Kustomize if !at_root => {
                let detail = "kustomization.yaml is not in the folder of the source".to_owned();
                rendering.give_up(format!("source {}", self.tree.source), "no kustomization", Some(detail));
            }
            Mode::Auto | Mode::Kustomize => self.build(&builder, &builder.closure(&self.tree.root), rendering),
        }
    }

    /// As Flux does where the root has no kustomization: manifests as they stand, and folders with a kustomization as a unit.
    fn render_mixed(&self, builder: &Builder<'_>, rendering: &mut Rendering) {
        let units = builder.units();
        let mut closures = Vec::new();
        for unit in &units {
            if let Some(why) = (self.stop)() {
                // Which files its folders draw in is not known, so neither is what stands for itself.
                let detail = "the run ended before all kustomizations were looked at".to_owned();
                return rendering.give_up(format!("source {}", self.tree.source), why, Some(detail));
            }
            closures.push(builder.closure(unit));
        }
        let is_plain =
            |path: &_| !units.iter().any(|unit| path::is_below(path, unit)) && !closures.iter().any(|closure| closure.files.contains(path));
        // Flux reads plain manifests through Kustomize too.
        let reading = match self.settings.applier.as_deref() {
            Some("kustomize-controller") => (Dialect::Kustomize, Engine::Kustomize),
            _ => (Dialect::Raw, Engine::Plain),
        };
        self.render_plain(&is_plain, reading, rendering);
        for closure in &closures {
            // What another unit builds is not built again; of units that build each other, Kustomize tells.
            let is_part = closures.iter().any(|other| other.builds(&closure.root) && !closure.builds(&other.root));
            if !is_part {
                self.build(builder, closure, rendering);
            }
        }
    }

    fn render_plain(&self, is_wanted: &dyn Fn(&TreePath) -> bool, reading: (Dialect, Engine), rendering: &mut Rendering) {
        let files: Vec<plain::File<'_>> = plain::files(self.tree).filter(|file| is_wanted(file.path)).collect();
        let made = threads::map(&files, |file| self.plain_file(file, reading));
        made.into_iter().flatten().for_each(|outcome| rendering.add(outcome));
    }

    fn plain_file(&self, file: &plain::File<'_>, reading: (Dialect, Engine)) -> Vec<Outcome> {
        let given_up =
            |reason: &str, detail| vec![Outcome::NotEvaluated(gap(format!("{}: {}", self.tree.source, file.path), reason, detail))];
        if let Some(why) = (self.stop)() {
            return given_up(why, None);
        }
        match file.readings(reading) {
            Err((reason, detail)) => given_up(reason, detail),
            Ok(readings) => readings.into_iter().map(|reading| self.outcome(reading)).collect(),
        }
    }

    fn build(&self, builder: &Builder<'_>, closure: &kustomize::Closure, rendering: &mut Rendering) {
        self.progress.tell(|| format!("rendering {} {}", self.tree.source, closure.root));
        rendering.remotes.extend_from_slice(&closure.remotes);
        match builder.build(closure, self.settings.load_restrictor_none) {
            Ok(readings) => readings.into_iter().for_each(|reading| rendering.add(self.outcome(reading))),
            Err(failure) => {
                let folder = if closure.root.is_empty() { String::new() } else { format!(": {}", closure.root) };
                rendering.give_up(format!("source {}{folder}", self.tree.source), failure.reason, Some(failure.detail));
            }
        }
    }

    fn outcome(&self, reading: Result<Reading, object::Unreadable>) -> Outcome {
        match reading {
            Ok(reading) => self.declarer.declare(reading),
            Err(unreadable) => {
                let place = format!("{}: {}", self.tree.source, unreadable.place);
                Outcome::NotEvaluated(gap(place, "unreadable", Some(unreadable.detail)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
