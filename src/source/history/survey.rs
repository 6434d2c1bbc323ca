//! The commits behind a tip, and what some of them touched: from that a trust policy is proposed.
//!
//! Commits are taken by the number of parents between them and the tip, which no date can change. What a commit touched is what
//! it made different from all its parents, as in [`super`]; fields are compared document by document where a file has as many
//! as before, and else not told.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::Kind;
use serde_json::Value;

use super::trees::{Change, Interest, changes};
use super::{Versioned, told_of};
use crate::document::documents;
use crate::model::commit::Commit;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::evidence::{Survey, TouchedFile};
use crate::model::object::{FieldPath, Step};
use crate::model::text::RawText;
use crate::source::commit::{Skeleton, commit, links, skeleton};
use crate::source::error::{Error, Result};
use crate::source::git::Objects;
use crate::source::listing::Listings;
use crate::yaml::Dialect;

/// How often the progress is told, in commits.
const TELL_EVERY: usize = 500;
/// The commits of one source need no more memory than this.
const MOST_BYTES: usize = 256 << 20;
/// So many objects that cannot be read are named.
const MOST_DAMAGES: usize = 8;
/// Of a commit that touched more files, none is told.
const MOST_FILES: usize = 64;
/// Of larger files the fields are not told.
const LARGEST: u64 = 1 << 20;
/// More fields are no scope.
const MOST_FIELDS: usize = 64;
/// Where the path of a field is longer, in bytes, none of its file is told.
const LONGEST_FIELD: usize = 1 << 10;

/// Takes up to so many commits; of those that are of interest, it also tells what they touched.
pub(in crate::source) fn survey(
    source: &Versioned,
    most: usize,
    is_of_interest: fn(&Commit) -> bool,
    stop: &AtomicBool,
    told: &dyn Fn(usize),
) -> Result<(Survey, Vec<NotEvaluated>)> {
    let objects = source.layout.objects()?;
    let shallow = source.layout.shallow()?;
    let listings = Listings::new(&objects);
    let requested = source.named.as_ref().map_or_else(|| source.tip.to_string(), |tip| tip.reference.clone());
    let mut survey = Survey { source: source.source.clone(), requested, commits: Vec::new(), cut: false, touched: BTreeMap::new() };
    let mut gaps = Vec::new();
    let (mut seen, mut waiting, mut bytes) = (HashSet::from([source.tip]), VecDeque::from([source.tip]), 0);
    while let Some(id) = waiting.pop_front() {
        if survey.commits.len() == most || bytes > MOST_BYTES {
            survey.cut = true;
            break;
        }
        if stop.load(Ordering::Relaxed) {
            gaps.push(
                NotEvaluated::new(Stage::History, &source.source, "timed out").with_detail("raise the timeout, or ask for fewer commits"),
            );
            break;
        }
        if survey.commits.len().is_multiple_of(TELL_EVERY) {
            told(survey.commits.len());
        }
        let (raw, links) = match read(&objects, &id) {
            Ok(read) => read,
            Err(error) => {
                if gaps.len() < MOST_DAMAGES {
                    gaps.push(told_of(&source.source, &error));
                }
                continue;
            }
        };
        bytes += raw.len();
        let commit = commit(&id, &source.source, raw);
        if is_of_interest(&commit)
            && let Ok(files) = touched(&listings, &links)
        {
            bytes += size(&files);
            survey.touched.insert(commit.id.clone(), files);
        }
        survey.commits.push(commit);
        if shallow.contains(&id) {
            let detail = "the clone is shallow; fetch all of it with `git fetch --unshallow`";
            gaps.push(NotEvaluated::new(Stage::History, &source.source, "history cut off").with_detail(detail));
            continue;
        }
        waiting.extend(links.parents.into_iter().filter(|parent| seen.insert(*parent)));
    }
    gaps.sort();
    gaps.dedup();
    Ok((survey, gaps))
}

fn read(objects: &Objects, id: &ObjectId) -> Result<(Vec<u8>, Skeleton)> {
    let raw = objects.read(id, Kind::Commit)?;
    let links = skeleton(&raw).ok_or_else(|| Error::Corrupt { id: id.to_string(), problem: "its parents cannot be read".into() })?;
    Ok((raw, links))
}

/// The files that differ from all parents.
fn touched(listings: &Listings<'_>, commit: &Skeleton) -> Result<Vec<TouchedFile>> {
    let mut different: Option<BTreeMap<Box<[u8]>, Change>> = None;
    for parent in &commit.parents {
        let tree = links(listings.objects, parent)?.tree;
        let found = changes(listings, tree, commit.tree, &Interest::<()>::All)?;
        let found = found.into_iter().map(|change| (change.path.clone(), change));
        different = Some(match different {
            None => found.collect(),
            Some(mut before) => found.filter_map(|(path, _)| before.remove_entry(&path)).collect(),
        });
    }
    let different = different.unwrap_or_default();
    if different.len() > MOST_FILES {
        return Err(Error::TooLarge(format!("it touches more than {MOST_FILES} files")));
    }
    let one = commit.parents.len() == 1;
    let file = |change: Change| TouchedFile {
        path: RawText::from(change.path.to_vec()),
        fields: Some(change).filter(|_| one).and_then(|change| fields(listings.objects, &change)),
    };
    Ok(different.into_values().map(file).collect())
}

/// The fields that differ between two versions of a file.
fn fields(objects: &Objects, change: &Change) -> Option<BTreeSet<String>> {
    let (before, after) = (values(objects, &change.before?)?, values(objects, &change.after?)?);
    different(&before, &after)
}

/// The fields that differ between the documents of a file. None where they are too many, or their paths too long.
fn different(before: &[Value], after: &[Value]) -> Option<BTreeSet<String>> {
    if before.len() != after.len() {
        return None;
    }
    let mut found = BTreeSet::new();
    for (before, after) in before.iter().zip(after) {
        differences(before, after, &mut String::new(), &mut found)?;
    }
    Some(found)
}

/// What is remembered of files, in bytes.
fn size(files: &[TouchedFile]) -> usize {
    let fields = |file: &TouchedFile| file.fields.iter().flatten().map(|field| size_of::<String>() + field.len()).sum::<usize>();
    files.iter().map(|file| size_of::<TouchedFile>() + file.path.as_bytes().len() + fields(file)).sum()
}

/// What the documents of a blob hold.
fn values(objects: &Objects, blob: &ObjectId) -> Option<Vec<Value>> {
    if objects.size(blob).ok()? > LARGEST {
        return None;
    }
    let bytes = objects.read(blob, Kind::Blob).ok()?;
    documents(&bytes, Dialect::Kustomize).into_iter().map(|document| Some(document.ok()?.value)).collect()
}

/// Adds patterns of what differs, as near to the leaves as both have it. None where they are more, or longer, than is told.
fn differences(before: &Value, after: &Value, place: &mut String, found: &mut BTreeSet<String>) -> Option<()> {
    if before == after {
        return Some(());
    }
    if found.len() > MOST_FIELDS || place.len() > LONGEST_FIELD {
        return None;
    }
    let length = place.len();
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                add_name(name, place);
                differences(before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null), place, found)?;
                place.truncate(length);
            }
        }
        (Value::Array(before), Value::Array(after)) if !place.is_empty() => {
            place.push_str("[*]");
            for position in 0..before.len().max(after.len()) {
                differences(before.get(position).unwrap_or(&Value::Null), after.get(position).unwrap_or(&Value::Null), place, found)?;
            }
            place.truncate(length);
        }
        _ if place.is_empty() => {}
        _ => drop(found.insert(place.clone())),
    }
    (found.len() <= MOST_FIELDS).then_some(())
}

/// Adds a name as a pattern that means no other name than one of its length.
fn add_name(name: &str, place: &mut String) {
    let step = FieldPath(vec![Step::Field(name.replace('*', "?"))]).to_string();
    if !place.is_empty() && !step.starts_with('[') {
        place.push('.');
    }
    place.push_str(&step);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LONGEST_FIELD, MOST_FIELDS, TouchedFile, different, size};
    use crate::model::text::RawText;

    fn fields(before: Value, after: Value) -> Option<Vec<String>> {
        different(&[before], &[after]).map(|fields| fields.into_iter().collect())
    }

    #[test]
    fn of_paths_that_are_too_long_or_too_many_none_is_told() {
        assert_eq!(fields(json!({"a": {"b": 1}, "c": 1}), json!({"a": {"b": 2}, "c": 1})), Some(vec!["a.b".to_owned()]));
        let long = "x".repeat(LONGEST_FIELD + 1);
        assert_eq!(fields(json!({"a": 1, &long: 1}), json!({"a": 2, &long: 2})), None);
        // What did not change names nothing.
        assert_eq!(fields(json!({"a": 1, &long: 1}), json!({"a": 2, &long: 1})), Some(vec!["a".to_owned()]));
        let deep = |leaf: i32| (0..LONGEST_FIELD / 2).fold(json!(leaf), |value, _| json!({"ab": value}));
        assert_eq!(fields(deep(1), deep(2)), None);
        let many = |leaf: i32| (0..=MOST_FIELDS).map(|number| (format!("f{number}"), json!(leaf))).collect::<Value>();
        assert_eq!(fields(many(1), many(2)), None);
    }

    #[test]
    fn what_is_remembered_of_files_is_counted() {
        let file = |fields: &[&str]| TouchedFile {
            path: RawText::from("apps/web.yaml"),
            fields: Some(fields.iter().map(|field| (*field).to_owned()).collect()),
        };
        assert!(size(&[file(&["spec.replicas"])]) >= "apps/web.yaml".len() + "spec.replicas".len());
        assert!(size(&[file(&["spec.replicas", &"x".repeat(1000)])]) >= size(&[file(&["spec.replicas"])]) + 1000);
    }
}
