//! Who wrote a path, and what that makes of a difference there (drift.md §3 as corrected by live-facts).
//!
//! Everything is lazy: an object without differences never has its managedFields parsed.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::leaves::{self, Leaf};
use super::managers::{self, Class, ManagerRule};
use super::ownership::{Ownership, Whole};
use super::place::At;
use super::said::Said;
use chrono::{DateTime, TimeZone as _, Utc};

use crate::model::comparison::{FieldVerdict, Manager, Operation, OwnershipGap};
use crate::model::object::{Pointer, Step};
use crate::model::schema::{Schemas, TypeId};
use crate::secret::LAST_APPLIED;

/// With this label Flux marks what it applies, always by server-side apply.
const FLUX_MARK: &str = "kustomize.toolkit.fluxcd.io/name";

/// Since when every server that is still supported by anybody has recorded writers; objects that are older may never have been.
fn always_recorded() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2022, 1, 1, 0, 0, 0).single().expect("a moment")
}

/// The judge of one object.
pub(super) struct Judge<'a> {
    pub(super) schemas: &'a Schemas,
    pub(super) ty: Option<TypeId>,
    pub(super) managed_fields: Option<&'a RawValue>,
    pub(super) api_version: String,
    /// The field manager that the source names as its applier.
    pub(super) configured: Option<&'a str>,
    pub(super) declared: &'a Value,
    pub(super) live: &'a Value,
    /// Where the scale subresource of the kind writes.
    pub(super) scale: Option<&'a str>,
    /// The rows of the configuration in front of the table of managers.
    pub(super) managers: &'a [ManagerRule],
    pub(super) memory: Memory,
}

/// What was asked once.
#[derive(Default)]
pub(super) struct Memory {
    ownership: OnceCell<Option<Ownership>>,
    applier: OnceCell<Option<Applier>>,
    last_applied: OnceCell<Option<Value>>,
}

/// Name and operation of who applies an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Applier {
    name: String,
    operation: Operation,
}

impl Applier {
    fn is(&self, manager: &Manager) -> bool {
        manager.subresource.is_none() && managers::agent(manager) == self.name && manager.operation == self.operation
    }
}

type Judgement = (Said, Option<Manager>);

impl Judge<'_> {
    /// A declared path that is gone. Removal of a single field is anonymous; where the applier's set still has the path,
    /// nobody removed it after the apply (live-facts 1.18, 4.3).
    pub(super) fn removed(&self, path: &[Step], whole: Whole) -> Judgement {
        let removed = Said::new(FieldVerdict::Removed, "absent");
        let Some(ownership) = self.ownership() else { return (removed, None) };
        // Where no schema says so, an empty map is one from which all was removed, not one that is written as a whole.
        let whole = if whole == Whole::Unknown { Whole::Deduced } else { whole };
        let writers = ownership.owners(path, whole);
        if let Some(manager) = self.applier_among(&writers) {
            return (Said::new(FieldVerdict::Rewritten, "applier-owns"), Some(manager));
        }
        let in_whole = match whole {
            Whole::From(depth) => depth < path.len(),
            // What only a list around it is listed for is written as a whole.
            Whole::Deduced | Whole::Unknown => !writers.iter().any(|writer| ownership.lists(*writer, path)),
            Whole::Never => false,
        };
        (removed, if in_whole { self.newest(&writers) } else { None })
    }

    /// A declared path with another value.
    pub(super) fn drifted(&self, path: &[Step], whole: Whole) -> Judgement {
        let drifted = Said::new(FieldVerdict::Drifted, "value");
        let Some(ownership) = self.ownership() else { return (drifted, None) };
        let writers = ownership.owners(path, whole);
        match self.applier_among(&writers) {
            Some(manager) => (Said::new(FieldVerdict::Rewritten, "applier-owns"), Some(manager)),
            None => (drifted, self.newest(&writers)),
        }
    }

    /// A live path that is not declared and no default.
    pub(super) fn undeclared(&self, path: &[Step], whole: Whole, is_mark: bool) -> Judgement {
        let mark = Said::new(FieldVerdict::UndeclaredController, "applier-mark");
        let Some(ownership) = self.ownership().filter(|ownership| !ownership.entries.is_empty()) else {
            // Every object of a GitOps tool has its mark, those of a dump without writers too.
            return (if is_mark { mark.low(true) } else { Said::new(FieldVerdict::Unknown, "no-managed-fields") }, None);
        };
        let writers = ownership.owners_at_or_below(path, whole);
        if let Some(manager) = self.applier_among(&writers) {
            let said = if is_mark { mark } else { self.left_by_applier(&manager, path, whole) };
            return (said, Some(manager));
        }
        if writers.is_empty() {
            return (if is_mark { mark } else { self.unowned(path) }, None);
        }
        self.by_other(&writers, path, whole)
    }

    /// Live-facts 1.1: scaling an object whose replicas nobody owned leaves no owner; elsewhere admission does.
    fn unowned(&self, path: &[Step]) -> Said {
        let is_scale = self.scale.is_some_and(|scale| is_words(path, scale));
        if is_scale { Said::new(FieldVerdict::Undeclared, "unknown-writer") } else { Said::new(FieldVerdict::Injected, "unowned") }
    }

    /// What the applier owns and Git no longer declares. An `Update` also owns what the server filled in for it, so there the
    /// last-applied annotation decides, where there is one.
    fn left_by_applier(&self, manager: &Manager, path: &[Step], whole: Whole) -> Said {
        let stale = Said::new(FieldVerdict::Stale, "applier");
        if manager.operation == Operation::Apply {
            return stale.low(matches!(whole, Whole::From(depth) if depth < path.len()));
        }
        match self.last_applied() {
            Some(applied) if leaves::at_path(applied, path).is_some() => stale,
            Some(_) => Said::new(FieldVerdict::Injected, "filled-on-write"),
            None => stale.low(true),
        }
    }

    fn by_other(&self, writers: &[usize], path: &[Step], whole: Whole) -> Judgement {
        let managers = || writers.iter().filter_map(|writer| self.manager(*writer));
        let of = |wanted: &dyn Fn(Option<Class>) -> bool| newest_of(managers().filter(|manager| wanted(self.class(manager))));
        let undeclared = FieldVerdict::Undeclared;
        if let Some(manager) = of(&|class| matches!(class, Some(Class::Person | Class::Installer))) {
            return (Said::new(undeclared, "person-tool"), Some(manager));
        }
        if let Some(manager) = of(&|class| class == Some(Class::Applier)) {
            // By another name or operation, as before it went over to server-side apply.
            let is_ours = self.applier().is_some_and(|applier| applier.name == managers::agent(&manager));
            let said = if is_ours { self.left_by_applier(&manager, path, whole) } else { Said::new(undeclared, "other-applier") };
            return (said, Some(manager));
        }
        let is_status_writer = |manager: &Manager| manager.subresource.as_deref() == Some("status");
        if let Some(manager) = of(&|class| class.is_none()) {
            let is_status = managers().filter(|manager| self.class(manager).is_none()).all(is_status_writer);
            let said = if is_status {
                Said::new(FieldVerdict::UndeclaredController, "status-writer")
            } else {
                Said::new(undeclared, "unknown-manager")
            };
            return (said, Some(manager));
        }
        (Said::new(FieldVerdict::UndeclaredController, "controller"), of(&|class| class == Some(Class::Controller)))
    }

    /// The class on an object that somebody else applies. A GitOps tool's name with another operation is a person's use of it.
    fn class(&self, manager: &Manager) -> Option<Class> {
        match managers::class(self.managers, manager) {
            Some(Class::Applier) if managers::as_applier(self.managers, manager).is_none() => Some(Class::Person),
            class => class,
        }
    }

    /// What is wrong with the record of writers, where nothing honest explains it (live-facts 1.3, 1.15-1.17), as a
    /// version that was removed or a declared item without its key would.
    pub(super) fn ownership_gap(&self, created: Option<DateTime<Utc>>) -> Option<OwnershipGap> {
        let none = Ownership::default();
        let ownership = match self.managed_fields {
            Some(_) => self.ownership()?,
            None => &none,
        };
        if ownership.entries.is_empty() {
            let is_emptied = self.never_changed_version() && created? >= always_recorded() && self.holds_what_is_recorded();
            let is_emptied = is_emptied && !leaves::has_item_without_key(self.schemas, At::root(self.schemas, self.ty), self.declared);
            return is_emptied.then_some(OwnershipGap::Emptied);
        }
        let label = |value: &Value| value.pointer("/metadata/labels").and_then(|labels| labels.get(FLUX_MARK)).cloned();
        let is_marked = label(self.live).is_some() && label(self.declared).is_none();
        let is_flux = |manager: &Manager| manager.name == "kustomize-controller" && manager.operation == Operation::Apply;
        let is_gone = is_marked && !ownership.entries.iter().any(|entry| is_flux(&entry.manager));
        is_gone.then_some(OwnershipGap::ApplierGone)
    }

    /// When a version of a kind is removed, the next write empties the record (live-facts 1.3). These kinds had one version
    /// ever since there have been records.
    fn never_changed_version(&self) -> bool {
        let kind = self.live.get("kind").and_then(Value::as_str).unwrap_or_default();
        match self.api_version.as_str() {
            "v1" | "apps/v1" => true,
            "batch/v1" => kind == "Job",
            "networking.k8s.io/v1" => kind == "NetworkPolicy",
            _ => false,
        }
    }

    /// Whether a declared value is live that no server fills in, so that whoever wrote it must be on record.
    fn holds_what_is_recorded(&self) -> bool {
        let is_text = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let is_identity = |path: &[Step]| match path {
            [Step::Field(metadata), Step::Field(name), ..] if metadata == "metadata" => !matches!(name.as_str(), "labels" | "annotations"),
            _ => false,
        };
        leaves::declared_leaves(self.schemas, self.ty, self.declared).iter().filter(|leaf| !is_identity(&leaf.path)).any(|leaf| {
            let declared = leaves::at_path(self.declared, &leaf.path);
            is_text(declared) && declared == leaves::at_path(self.live, &leaf.path)
        })
    }

    /// Whether no person's tool or unknown manager is on record for a path or what is below it.
    pub(super) fn is_no_tool(&self, path: &[Step], whole: Whole) -> bool {
        let Some(ownership) = self.ownership() else { return true };
        let writers = ownership.owners_at_or_below(path, whole);
        writers.iter().filter_map(|writer| self.manager(*writer)).all(|manager| {
            self.class(manager) == Some(Class::Controller)
                || manager.subresource.as_deref() == Some("status")
                || self.applier().is_some_and(|applier| applier.is(manager))
        })
    }

    /// Whether a controller wrote a path last, as far as is on record.
    pub(super) fn is_controllers(&self, path: &[Step], whole: Whole) -> bool {
        self.writer(path, whole).is_some_and(|manager| self.class(&manager) == Some(Class::Controller))
    }

    /// The last writer of a path, or of something below it, on record.
    pub(super) fn writer(&self, path: &[Step], whole: Whole) -> Option<Manager> {
        self.newest(&self.ownership()?.owners_at_or_below(path, whole))
    }

    /// Whether a manager lists exactly this path.
    pub(super) fn lists(&self, manager: &Manager, path: &[Step]) -> bool {
        let Some(ownership) = self.ownership() else { return false };
        (0..ownership.entries.len()).any(|entry| self.manager(entry) == Some(manager) && ownership.lists(entry, path))
    }

    /// The name of who applies this object; empty where nobody on record does.
    pub(super) fn applier_name(&self) -> &str {
        self.applier().map_or("", |applier| applier.name.as_str())
    }

    /// The entry of who applies this object: the newest of that name and operation.
    pub(super) fn applied_by(&self) -> Option<Manager> {
        let applier = self.applier()?;
        newest_of(self.ownership()?.entries.iter().map(|entry| &entry.manager).filter(|manager| applier.is(manager)))
    }

    /// Position of a declared value's first leaf.
    pub(super) fn leaf(&self, declared: &Pointer) -> usize {
        leaves::first_leaf(self.declared, declared.as_str())
    }

    fn ownership(&self) -> Option<&Ownership> {
        let read = || Ownership::read(self.managed_fields?, &self.api_version);
        self.memory.ownership.get_or_init(read).as_ref()
    }

    fn manager(&self, entry: usize) -> Option<&Manager> {
        Some(&self.ownership()?.entries.get(entry)?.manager)
    }

    fn newest(&self, writers: &[usize]) -> Option<Manager> {
        newest_of(writers.iter().filter_map(|writer| self.manager(*writer)))
    }

    fn applier_among(&self, writers: &[usize]) -> Option<Manager> {
        let applier = self.applier()?;
        writers.iter().filter_map(|writer| self.manager(*writer)).find(|manager| applier.is(manager)).cloned()
    }

    /// Who applies this object: the known applier, name and operation, that owns most of its declared leaves, a GitOps tool
    /// before any that persons run. Any other known applier is a person's tool here, as a hand `kubectl apply` on an object of Flux.
    fn applier(&self) -> Option<&Applier> {
        self.memory.applier.get_or_init(|| self.find_applier()).as_ref()
    }

    fn find_applier(&self) -> Option<Applier> {
        let ownership = self.ownership()?;
        let may_apply = |manager: &Manager| match self.configured {
            Some(name) => (manager.name == name || managers::agent(manager) == name) && manager.subresource.is_none(),
            None => managers::as_applier(self.managers, manager).is_some(),
        };
        let candidates: Vec<usize> = (0..ownership.entries.len()).filter(|entry| may_apply(&ownership.entries[*entry].manager)).collect();
        if candidates.is_empty() {
            return None;
        }
        let of = |manager: &Manager| Applier { name: managers::agent(manager).to_owned(), operation: manager.operation };
        // A GitOps tool that owns any leaf is not outdone by a forced apply of all of them. Of equals the one that uses
        // server-side apply: it is the one that a migration ends with.
        let is_gitops = |applier: &Applier| {
            let manager = Manager { name: applier.name.clone(), operation: applier.operation, subresource: None, time: None };
            managers::as_applier(self.managers, &manager) == Some(Class::Applier)
        };
        if let [only] = candidates.as_slice() {
            let only = of(&ownership.entries[*only].manager);
            if is_gitops(&only) {
                // Whatever it owns, it is the tool on record.
                return Some(only);
            }
        }
        let mut owned: BTreeMap<Applier, usize> = BTreeMap::new();
        for Leaf { path, whole } in leaves::declared_leaves(self.schemas, self.ty, self.declared) {
            let owners = ownership.owners(&path, whole);
            for entry in candidates.iter().filter(|entry| owners.contains(entry)) {
                let manager = &ownership.entries[*entry].manager;
                *owned.entry(of(manager)).or_default() += 1;
            }
        }
        let best = owned.into_iter().max_by_key(|(applier, leaves)| (is_gitops(applier), *leaves, applier.operation == Operation::Apply));
        // An object may declare nothing that is ever listed (a NetworkPolicy that denies all): then who created it.
        let creator = || ownership.creator().filter(|manager| may_apply(manager)).map(of);
        // Or all that it declares was overwritten: then a GitOps tool on record.
        let tool = || candidates.iter().map(|entry| of(&ownership.entries[*entry].manager)).find(is_gitops);
        best.map(|(applier, _)| applier).or_else(tool).or_else(creator)
    }

    fn last_applied(&self) -> Option<&Value> {
        let read = || {
            let text = self.live.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
            // An annotation that is no JSON says nothing, as one that is not there.
            serde_json::from_str(text).ok()
        };
        self.memory.last_applied.get_or_init(read).as_ref()
    }
}

fn newest_of<'a>(managers: impl Iterator<Item = &'a Manager>) -> Option<Manager> {
    managers.max_by_key(|manager| manager.time).cloned()
}

fn is_words(path: &[Step], words: &str) -> bool {
    let mut words = words.split('.');
    path.iter().all(|step| matches!(step, Step::Field(name) if words.next() == Some(name))) && words.next().is_none()
}
