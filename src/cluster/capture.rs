//! Writes a recording of a cluster: what was listed, what was not, and digests where secrets were.
//!
//! The folder is made beside its place and moved there when it is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::failure::json_text;
use super::listing::scope_names;
use super::recording::{CONTENTS, KEY, OBJECTS, SCHEMAS, is_capture};
use super::wire::{CAPTURE_FORMAT, Contents, RecordedGap, RecordedGroup, RecordedIdentity, RecordedKind, RecordedListing, RecordedSchema};
use super::{Cluster, Error, files};
use crate::model::coverage::NotEvaluated;
use crate::model::evidence::{ClusterIdentity, Listing, ListingGap, Page};
use crate::model::kind::{Kind, Kinds};
use crate::model::object::LiveObject;
use crate::model::text::hex;

const README: &str = "\
This folder is a recording of a Kubernetes cluster, made by `kubewitness capture` and read with `--recording`.

- capture.json   what was asked for, what was got whole and what was not, and why
- objects/       the objects, one list for each kind and version, with their managed fields
- openapi/       the schemas of their kinds
- secret.key     SENSITIVE: the key of the digests that stand in place of secret values. Whoever has it can test guesses of those
                 values. Give it only to those who may see the secrets themselves.

Secret values are not in this folder. Everything else of the objects is: treat it as you treat read access to the cluster.
";

/// What was recorded.
#[derive(Debug)]
pub struct Captured {
    /// Objects in all listings; what is recorded at several versions counts once.
    pub objects: usize,
    /// Kinds of all listings, whatever their versions.
    pub kinds: usize,
    /// Listings that are not whole, sorted; the index is that of the listing.
    pub gaps: Vec<ListingGap>,
    /// What else could not be had: schemas, facts of the cluster's identity.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Records listings, the kinds and the schemas of `schemas` (group and version) into a folder. `time` is now. A folder that
/// is there already is replaced if it is a capture, used if it is empty, and refused otherwise.
///
/// # Errors
/// Where the cluster does not say which it is, or the folder cannot be written.
pub async fn capture(
    cluster: &Cluster,
    listings: &[Listing],
    kinds: &Kinds,
    schemas: &BTreeSet<(String, String)>,
    folder: &Path,
    time: DateTime<Utc>,
) -> Result<Captured, Error> {
    refuse_other_content(folder)?;
    let (identity, mut not_evaluated) = cluster.identity().await?;
    let beside = beside(folder)?;
    let writer = Writer { folder: beside.path().to_owned() };
    writer.folders()?;

    let (recorded_schemas, missing) = writer.schemas(cluster, schemas).await?;
    not_evaluated.extend(missing);
    let mut recorded = Vec::new();
    let mut captured = Captured { objects: 0, kinds: 0, gaps: Vec::new(), not_evaluated };
    let mut names = BTreeSet::new();
    let mut of_kind: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, listing) in listings.iter().enumerate() {
        let file = file_name(&listing.kind, &mut names);
        let (count, gaps) = writer.listing(cluster, &file, listing).await?;
        let counted = of_kind.entry((&listing.kind.group, &listing.kind.kind)).or_default();
        *counted = count.max(*counted);
        recorded.push(recorded_listing(file, listing, &gaps));
        captured.gaps.extend(gaps.into_iter().map(|gap| ListingGap { listing: index, ..gap }));
    }
    captured.kinds = of_kind.len();
    captured.objects = of_kind.into_values().sum();
    writer.key(cluster.redactor().key())?;
    writer.file("README.md", README.as_bytes())?;
    writer.contents(&contents(identity, kinds, recorded, recorded_schemas, time))?;
    place(beside, folder)?;
    Ok(captured)
}

fn refuse_other_content(folder: &Path) -> Result<(), Error> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Write { path: folder.to_owned(), source }),
        Ok(_) if is_capture(folder) => Ok(()),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(files::wrong(folder, "is not empty and no capture, so nothing is written there")),
        },
    }
}

fn beside(folder: &Path) -> Result<tempfile::TempDir, Error> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |source| Error::Write { path: folder.to_owned(), source };
    std::fs::create_dir_all(parent).map_err(failed)?;
    tempfile::Builder::new().prefix(".kubewitness-capture-").tempdir_in(parent).map_err(failed)
}

/// Moves the finished folder to its place. An older capture is moved away first and comes back where that fails, so that it
/// is never half of each.
fn place(made: tempfile::TempDir, folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: folder.to_owned(), source };
    let aside = beside(folder)?;
    let old = aside.path().join("old");
    let replaces = folder.exists();
    if replaces {
        std::fs::rename(folder, &old).map_err(failed)?;
    }
    if let Err(error) = std::fs::rename(made.path(), folder) {
        if replaces {
            std::fs::rename(&old, folder).map_err(failed)?;
        }
        return Err(failed(error));
    }
    // It is no longer there to be removed.
    drop(made.keep());
    Ok(())
}

/// Writes into the unfinished folder.
struct Writer {
    folder: PathBuf,
}

/// Where an object stands in the unsorted file.
struct Place {
    namespace: Option<String>,
    name: String,
    offset: u64,
    length: u64,
}

impl Writer {
    fn folders(&self) -> Result<(), Error> {
        for folder in [OBJECTS, SCHEMAS] {
            let path = self.folder.join(folder);
            std::fs::create_dir(&path).map_err(|source| Error::Write { path, source })?;
        }
        Ok(())
    }

    fn file(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(name);
        std::fs::write(&path, content).map_err(|source| Error::Write { path, source })
    }

    fn key(&self, key: &[u8; 32]) -> Result<(), Error> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let text = hex(key);
        let path = self.folder.join(KEY);
        let written = File::options().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| writeln!(file, "{text}"));
        written.map_err(|source| Error::Write { path, source })
    }

    fn contents(&self, contents: &Contents) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(contents).map_err(|error| files::wrong(Path::new(CONTENTS), json_text(&error)))?;
        text.push(b'\n');
        self.file(CONTENTS, &text)
    }

    async fn schemas(
        &self,
        cluster: &Cluster,
        wanted: &BTreeSet<(String, String)>,
    ) -> Result<(Vec<RecordedSchema>, Vec<NotEvaluated>), Error> {
        let mut recorded = Vec::new();
        let mut failed = None;
        let missing = cluster
            .schemas(wanted, &mut |group, version, document| {
                let file = format!("{}_{}.json", file_word(group), file_word(version));
                match self.file(&format!("{SCHEMAS}/{file}"), document) {
                    Ok(()) => recorded.push(RecordedSchema { group: group.to_owned(), version: version.to_owned(), file }),
                    Err(error) => failed = Some(error),
                }
            })
            .await;
        failed.map_or(Ok((recorded, missing)), Err)
    }

    /// Records one listing: objects go to an unsorted file as they come, and from there, sorted, to their list.
    async fn listing(&self, cluster: &Cluster, file: &str, listing: &Listing) -> Result<(usize, Vec<ListingGap>), Error> {
        let path = self.folder.join(OBJECTS).join(file);
        let failed = |source| Error::Write { path: path.clone(), source };
        let mut unsorted = BufWriter::new(tempfile::tempfile_in(&self.folder).map_err(failed)?);
        let mut places = Vec::new();
        let mut offset = 0;
        let mut written = Ok(());
        let gaps = cluster
            .each_page(std::slice::from_ref(listing), &|_| true, &mut |page| match page {
                // What was written before stays in the file, where nothing points to it any more.
                Page::Restarted(_) => places.clear(),
                Page::Objects(_, objects) => {
                    for object in objects {
                        if written.is_ok() {
                            written = append(&mut unsorted, &object, &mut offset, &mut places);
                        }
                    }
                }
            })
            .await;
        written.map_err(failed)?;
        let mut unsorted = unsorted.into_inner().map_err(|error| failed(error.into_error()))?;
        places.sort_by(|one: &Place, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        write_list(&path, &mut unsorted, &places).map_err(failed)?;
        Ok((places.len(), gaps))
    }
}

fn append(file: &mut impl Write, object: &LiveObject, offset: &mut u64, places: &mut Vec<Place>) -> std::io::Result<()> {
    let text = serde_json::to_vec(&with_managed_fields(object)?)?;
    file.write_all(&text)?;
    let length = text.len() as u64;
    places.push(Place { namespace: object.id.namespace.clone(), name: object.id.name.clone(), offset: *offset, length });
    *offset += length;
    Ok(())
}

fn with_managed_fields(object: &LiveObject) -> Result<Value, serde_json::Error> {
    let mut value = object.manifest.value().clone();
    if let Some(text) = &object.managed_fields
        && let Some(Value::Object(metadata)) = value.get_mut("metadata")
    {
        metadata.insert("managedFields".to_owned(), serde_json::from_str(text.get())?);
    }
    Ok(value)
}

/// One object a line, so that two recordings can be compared with common tools.
fn write_list(path: &Path, unsorted: &mut File, places: &[Place]) -> std::io::Result<()> {
    let mut list = BufWriter::new(File::create(path)?);
    list.write_all(b"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[")?;
    let mut unsorted = BufReader::new(unsorted);
    for (number, place) in places.iter().enumerate() {
        list.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        unsorted.seek(SeekFrom::Start(place.offset))?;
        std::io::copy(&mut unsorted.by_ref().take(place.length), &mut list)?;
    }
    list.write_all(b"\n]}\n")?;
    list.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

/// `apps_v1_Deployment.json`, with a number where the file system, or we, would make two names equal.
fn file_name(kind: &Kind, taken: &mut BTreeSet<String>) -> String {
    let name = format!("{}_{}_{}", file_word(&kind.group), file_word(&kind.version), file_word(&kind.kind));
    let numbered = |number: usize| if number == 1 { format!("{name}.json") } else { format!("{name}_{number}.json") };
    let free = (1..).map(numbered).find(|name| taken.insert(name.to_lowercase()));
    free.expect("numbers do not end")
}

fn file_word(word: &str) -> String {
    let safe = |character: char| if character.is_ascii_alphanumeric() || matches!(character, '.' | '-') { character } else { '-' };
    if word.is_empty() { "core".to_owned() } else { word.chars().take(80).map(safe).collect() }
}

fn recorded_listing(file: String, listing: &Listing, gaps: &[ListingGap]) -> RecordedListing {
    let gap = |gap: &ListingGap| RecordedGap { namespace: gap.namespace.clone(), reason: gap.reason.clone(), detail: gap.detail.clone() };
    RecordedListing {
        group: listing.kind.group.clone(),
        version: listing.kind.version.clone(),
        kind: listing.kind.kind.clone(),
        namespaces: scope_names(&listing.scope).filter(|_| listing.kind.namespaced).cloned(),
        file,
        gaps: gaps.iter().map(gap).collect(),
    }
}

fn contents(
    identity: ClusterIdentity,
    kinds: &Kinds,
    listings: Vec<RecordedListing>,
    schemas: Vec<RecordedSchema>,
    time: DateTime<Utc>,
) -> Contents {
    let unknown = |(group, why): &(String, NotEvaluated)| RecordedGroup {
        group: group.clone(),
        subject: why.subject.clone(),
        reason: why.reason.clone(),
        detail: why.detail.clone(),
    };
    Contents {
        format: CAPTURE_FORMAT.to_owned(),
        tool: format!("kubewitness {}", env!("CARGO_PKG_VERSION")),
        time,
        cluster: RecordedIdentity { uid: identity.uid, name: identity.name, version: identity.version, time: identity.time },
        kinds: kinds.all.iter().map(recorded_kind).collect(),
        unknown_groups: kinds.unknown_groups.iter().map(unknown).collect(),
        listings,
        schemas,
    }
}

fn recorded_kind(kind: &Kind) -> RecordedKind {
    RecordedKind {
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        plural: kind.plural.clone(),
        singular: kind.singular.clone(),
        short_names: kind.short_names.clone(),
        namespaced: kind.namespaced,
        verbs: kind.verbs.clone(),
        preferred: kind.preferred,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{file_name, file_word};
    use crate::model::kind::Kind;

    #[test]
    fn file_names_stay_in_their_folder_and_apart() {
        assert_eq!(file_word("../../etc"), "..-..-etc");
        let kind = |name: &str| Kind {
            group: "a.io".into(),
            version: "v1".into(),
            kind: name.into(),
            plural: "boxes".into(),
            singular: "box".into(),
            short_names: Vec::new(),
            namespaced: true,
            verbs: Vec::new(),
            preferred: true,
        };
        let mut taken = BTreeSet::new();
        let names = ["Box", "BOX", "B/x"].map(|name| file_name(&kind(name), &mut taken));
        assert_eq!(names, ["a.io_v1_Box.json", "a.io_v1_BOX_2.json", "a.io_v1_B-x.json"]);
    }
}
