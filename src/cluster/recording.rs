//! A capture: a folder that says what of a cluster it holds whole.
//!
//! `capture.json` is the table of contents, `objects/` holds a list for each listing, `openapi/` the schemas, and `secret.key`
//! the key of the digests that stand for secret values.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::Error;
use super::failure::{Again, Failure, MALFORMED, NOT_IN_RECORDING};
use super::files;
use super::listing::{Broken, scope_names};
use super::live::{UID, VERSION, no_namespace};
use super::object;
use super::openapi::not_had;
use super::wire::{CAPTURE_FORMAT, Contents, RecordedGap, RecordedGroup, RecordedKind, RecordedListing};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::evidence::{ClusterIdentity, Listing, ListingGap, Page, Scope};
use crate::model::kind::{Kind, Kinds};
use crate::model::object::{LiveObject, ObjectId};
use crate::secret::Redactor;

pub(super) const CONTENTS: &str = "capture.json";
pub(super) const KEY: &str = "secret.key";
pub(super) const OBJECTS: &str = "objects";
pub(super) const SCHEMAS: &str = "openapi";

/// Objects handed over at once.
pub(super) const PAGE_SIZE: usize = 500;

/// An opened capture. Objects are read when they are asked for.
pub(super) struct Recording {
    folder: PathBuf,
    contents: Contents,
    redactor: Redactor,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recording").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Whether a folder is a capture of whatever format, and not a folder of dumps.
pub(super) fn is_capture(folder: &Path) -> bool {
    folder.join(CONTENTS).is_file()
}

impl Recording {
    pub(super) fn open(folder: &Path, name: Option<String>) -> Result<Self, Error> {
        let path = folder.join(CONTENTS);
        // The format first: another one may have other fields.
        let told: serde_json::Value = files::parse(&path)?;
        if told.get("format").and_then(serde_json::Value::as_str) != Some(CAPTURE_FORMAT) {
            return Err(files::wrong(&path, format!("is not of the format {CAPTURE_FORMAT}")));
        }
        let mut contents: Contents = files::parse(&path)?;
        if let Some(name) = name {
            contents.cluster.name = name;
        }
        let redactor = Redactor::from_key(read_key(&folder.join(KEY))?);
        Ok(Self { folder: folder.to_owned(), contents, redactor })
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(super) fn identity(&self) -> (ClusterIdentity, Vec<NotEvaluated>) {
        let recorded = &self.contents.cluster;
        let identity = ClusterIdentity {
            uid: recorded.uid.clone(),
            name: recorded.name.clone(),
            version: recorded.version.clone(),
            time: Some(recorded.time.unwrap_or(self.contents.time)),
        };
        let facts = [(VERSION, &recorded.version), (UID, &recorded.uid)];
        let missing = facts.into_iter().filter(|(_, fact)| fact.is_none());
        let missing = missing.map(|(subject, _)| NotEvaluated::new(Stage::Read, subject, NOT_IN_RECORDING)).collect();
        (identity, missing)
    }

    pub(super) fn kinds(&self) -> Kinds {
        let mut all: Vec<Kind> = self.contents.kinds.iter().map(kind).collect();
        all.sort();
        let unknown = |recorded: &RecordedGroup| {
            let told = NotEvaluated::new(Stage::Read, &recorded.subject, &recorded.reason);
            (recorded.group.clone(), NotEvaluated { detail: recorded.detail.clone(), ..told })
        };
        Kinds { all, unknown_groups: self.contents.unknown_groups.iter().map(unknown).collect(), complete: true }
    }

    pub(super) fn schemas(&self, wanted: &BTreeSet<(String, String)>, add: super::openapi::Add<'_>) -> Vec<NotEvaluated> {
        let mut missing = Vec::new();
        for (group, version) in wanted {
            match self.schema(group, version) {
                Ok(document) => add(group, version, &document),
                Err(failure) => missing.push(not_had(group, version, failure)),
            }
        }
        missing
    }

    fn schema(&self, group: &str, version: &str) -> Result<Vec<u8>, Failure> {
        let recorded = self.contents.schemas.iter().find(|recorded| recorded.group == group && recorded.version == version);
        let recorded = recorded.ok_or_else(|| not_recorded(None))?;
        let path = files::inside(&self.folder.join(SCHEMAS), &recorded.file);
        let path = path.ok_or_else(|| Failure::malformed("the table of contents leads out of the folder"))?;
        files::read(&path).map_err(|error| Failure::malformed(error.to_string()))
    }

    pub(super) fn each_page(
        &self,
        listings: &[Listing],
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
        page: &mut (dyn FnMut(Page) + Send),
    ) -> Vec<ListingGap> {
        let mut gaps = Vec::new();
        for (index, listing) in listings.iter().enumerate() {
            let recorded: Vec<&RecordedListing> = self.contents.listings.iter().filter(|recorded| is_of(recorded, &listing.kind)).collect();
            let mut found = missing(index, listing, &recorded);
            let mut twice = HashSet::new();
            let failure = self.deliver(index, listing, &recorded, wanted, &mut twice, page);
            if !twice.is_empty() {
                // Neither of the two is believed.
                page(Page::Restarted(index));
                let once = |id: &ObjectId| !twice.contains(id) && wanted(id);
                self.deliver(index, listing, &recorded, &once, &mut HashSet::new(), page);
            }
            if let Some(failure) = failure {
                found = vec![ListingGap { listing: index, namespace: None, reason: MALFORMED.to_owned(), detail: failure.detail }];
            }
            gaps.append(&mut found);
        }
        gaps
    }

    /// Those of these namespaces that a whole list of namespaces does not hold.
    pub(super) fn absent_namespaces(&self, names: &BTreeSet<String>) -> Vec<NotEvaluated> {
        let kinds = self.kinds();
        let Some(kind) = kinds.preferred("", "Namespace") else { return Vec::new() };
        let mut found = BTreeSet::new();
        let listing = Listing { kind: kind.clone(), scope: Scope::All };
        let gaps = self.each_page(&[listing], &|id| names.contains(&id.name), &mut |page| match page {
            Page::Objects(_, objects) => found.extend(objects.into_iter().map(|object| object.id.name)),
            Page::Restarted(_) => found.clear(),
        });
        let absent = names.iter().filter(|name| gaps.is_empty() && !found.contains(*name));
        absent.map(|name| no_namespace(name)).collect()
    }

    /// Hands over what there is of a listing; returns what was wrong with it. Objects that it holds more than once go to
    /// `twice`.
    fn deliver(
        &self,
        index: usize,
        listing: &Listing,
        recorded: &[&RecordedListing],
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
        twice: &mut HashSet<ObjectId>,
        page: &mut (dyn FnMut(Page) + Send),
    ) -> Option<Failure> {
        let mut broken = Broken::default();
        let mut buffer = Vec::new();
        let mut seen: HashMap<ObjectId, &RecordedListing> = HashMap::new();
        for &recorded in recorded {
            let Some(path) = files::inside(&self.folder.join(OBJECTS), &recorded.file) else {
                broken.add(Broken::one("the table of contents leads out of the folder".to_owned()));
                continue;
            };
            let read = files::each_item(&path, &mut |item| match self.object(&item, listing, wanted) {
                Ok(None) => {}
                Ok(Some(object)) => {
                    match seen.entry(object.id.clone()) {
                        Entry::Occupied(earlier) if may_overlap(earlier.get(), recorded) => return,
                        Entry::Occupied(earlier) => {
                            broken.add(Broken::one(format!("{} stands there more than once", object.id)));
                            twice.insert(earlier.key().clone());
                            return;
                        }
                        Entry::Vacant(place) => drop(place.insert(recorded)),
                    }
                    buffer.push(object);
                    if buffer.len() == PAGE_SIZE {
                        page(Page::Objects(index, std::mem::take(&mut buffer)));
                    }
                }
                Err(why) => broken.add(Broken::one(format!("an item of {} {why}", recorded.file))),
            });
            if let Err(error) = read {
                broken.add(Broken::one(error.to_string()));
            }
        }
        if !buffer.is_empty() {
            page(Page::Objects(index, buffer));
        }
        broken.into_failure()
    }

    fn object(
        &self,
        item: &RawValue,
        listing: &Listing,
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
    ) -> Result<Option<LiveObject>, String> {
        let id = object::identity(object::head(item)?, &listing.kind, None)?;
        if !is_in_scope(listing, &id) || !wanted(&id) {
            return Ok(None);
        }
        object::live_object(item, id, &listing.kind.version, &self.redactor).map(Some)
    }
}

/// Listings of single namespaces may overlap with each other, never one with itself.
fn may_overlap(one: &RecordedListing, other: &RecordedListing) -> bool {
    one.namespaces.is_some() && other.namespaces.is_some() && !std::ptr::eq(one, other)
}

/// Whether an object lies in the namespaces that were asked for.
pub(super) fn is_in_scope(listing: &Listing, id: &ObjectId) -> bool {
    match (scope_names(&listing.scope), &id.namespace) {
        (Some(names), Some(namespace)) => names.contains(namespace),
        _ => true,
    }
}

fn is_of(recorded: &RecordedListing, kind: &Kind) -> bool {
    recorded.group == kind.group && recorded.version == kind.version && recorded.kind == kind.kind
}

pub(super) fn not_recorded(detail: Option<String>) -> Failure {
    Failure { reason: NOT_IN_RECORDING, detail, again: Again::No }
}

/// What of a listing the capture does not hold whole.
fn missing(index: usize, listing: &Listing, recorded: &[&RecordedListing]) -> Vec<ListingGap> {
    let gap = |namespace: Option<&String>, why: Option<String>| ListingGap {
        listing: index,
        namespace: namespace.cloned(),
        reason: NOT_IN_RECORDING.to_owned(),
        detail: why,
    };
    let asked = scope_names(&listing.scope).filter(|_| listing.kind.namespaced);
    let asked: Vec<Option<&String>> = asked.map_or_else(|| vec![None], |names| names.iter().map(Some).collect());
    let holes = asked.into_iter().filter_map(|namespace| {
        let reasons: Vec<_> = recorded.iter().map(|recorded| hole(recorded, namespace)).collect();
        let held = reasons.iter().any(Option::is_none);
        (!held).then(|| gap(namespace, reasons.into_iter().flatten().flatten().next()))
    });
    holes.collect()
}

/// Why a recorded listing does not hold a namespace (or, with none, the kind) whole: `None` where it does.
fn hole(recorded: &RecordedListing, namespace: Option<&String>) -> Option<Option<String>> {
    let listed = match (&recorded.namespaces, namespace) {
        (None, _) => true,
        (Some(names), Some(namespace)) => names.contains(namespace),
        (Some(_), None) => false,
    };
    if !listed {
        return Some(None);
    }
    let of_it = |gap: &&RecordedGap| gap.namespace.is_none() || gap.namespace.as_ref() == namespace || namespace.is_none();
    recorded.gaps.iter().find(of_it).map(|gap| Some(format!("it could not be recorded: {}", gap.reason)))
}

fn kind(recorded: &RecordedKind) -> Kind {
    Kind {
        group: recorded.group.clone(),
        version: recorded.version.clone(),
        kind: recorded.kind.clone(),
        plural: recorded.plural.clone(),
        singular: recorded.singular.clone(),
        short_names: recorded.short_names.clone(),
        namespaced: recorded.namespaced,
        verbs: recorded.verbs.clone(),
        preferred: recorded.preferred,
    }
}

fn read_key(path: &Path) -> Result<[u8; 32], Error> {
    let text = files::read(path)?;
    let digits = text.trim_ascii();
    let wrong = || files::wrong(path, "is no key of 64 hexadecimal digits");
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(key)
}
