//! Files of a recording. They may come from anywhere: only regular files are opened, and errors quote nothing of them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::Error;
use super::client::read_limited_list;
use super::failure::json_text;
use super::wire::{Envelope, Wire};

/// Tables of contents, schemas and single objects.
const LONGEST: u64 = 128 * 1024 * 1024;

/// Opens a regular file; a pipe would wait for ever.
fn open(path: &Path) -> Result<File, Error> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let is_file = std::fs::metadata(path).map_err(unreadable)?.is_file();
    if !is_file {
        return Err(wrong(path, "is no regular file"));
    }
    File::open(path).map_err(unreadable)
}

pub(super) fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Recording { path: path.to_owned(), problem: problem.into() }
}

/// All of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let file = open(path)?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > LONGEST { Err(wrong(path, format!("is longer than {LONGEST} bytes"))) } else { Ok(bytes) }
}

/// A file as one JSON document.
pub(super) fn parse<T: Wire>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&read(path)?).map_err(|error| wrong(path, json_text(&error)))
}

/// Hands out each item of a list, as it is read.
pub(super) fn each_item(path: &Path, item: &mut dyn FnMut(Box<RawValue>)) -> Result<Envelope, Error> {
    let read = read_limited_list(open(path)?, &mut |next| {
        item(next);
        true
    });
    read.map_err(|error| wrong(path, json_text(&error)))
}

/// Whether a file is named as YAML.
pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Every JSON or YAML file below a folder, sorted; hidden ones and links are left out.
pub(super) fn object_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() {
            found.append(&mut object_files(&path)?);
        } else if kind.is_file() && (is_yaml(&path) || path.extension().is_some_and(|extension| extension == "json")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A file that a table of contents names, which must lie in its folder.
pub(super) fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    plain.then(|| folder.join(name))
}
