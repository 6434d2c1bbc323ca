//! OpenAPI v3 documents of the group-versions that are needed, kept in a folder by their hash.
//!
//! The hash that the API server puts into a document's address is the SHA-512 of its bytes. Only a document that has its hash
//! is kept or taken from the folder, so neither a damaged file nor another cluster can slip in a false schema.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha512};

use super::client::{Client, JSON};
use super::failure::{Failure, MALFORMED, NOT_FOUND, json_text};
use super::wire::OpenApiIndex;
use crate::cache;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::text::hex;
use crate::progress::Progress;

/// Core v1 has 1.6 MB.
const LONGEST: usize = 64 * 1024 * 1024;

/// Group and version, and the document.
pub(super) type Add<'a> = &'a mut (dyn FnMut(&str, &str, &[u8]) + Send);

/// Hands over the document of each wanted group-version; returns those that could not be had.
pub(super) async fn schemas(
    client: &Client,
    cache: Option<&Path>,
    progress: &Progress,
    wanted: &BTreeSet<(String, String)>,
    add: Add<'_>,
) -> Vec<NotEvaluated> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let index = match index(client).await {
        Ok(index) => index,
        Err(failure) => return wanted.iter().map(|(group, version)| not_had(group, version, failure.clone())).collect(),
    };
    let mut missing = Vec::new();
    for (group, version) in wanted {
        progress.tell(|| format!("reading the schema of {}", api_version(group, version)));
        match document(client, cache, &index, group, version).await {
            Ok(document) => add(group, version, &document),
            Err(failure) => missing.push(not_had(group, version, failure)),
        }
    }
    missing
}

pub(super) fn not_had(group: &str, version: &str, failure: Failure) -> NotEvaluated {
    let told = NotEvaluated::new(Stage::Read, format!("schema of {}", api_version(group, version)), failure.reason);
    NotEvaluated { detail: failure.detail, ..told }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

async fn index(client: &Client) -> Result<BTreeMap<String, String>, Failure> {
    let body = client.read("/openapi/v3", JSON, LONGEST).await?;
    let index: OpenApiIndex =
        serde_json::from_slice(&body).map_err(|error| Failure::malformed(format!("the index of schemas {}", json_text(&error))))?;
    Ok(index.paths.into_iter().map(|(path, document)| (path, document.url)).collect())
}

async fn document(
    client: &Client,
    cache: Option<&Path>,
    index: &BTreeMap<String, String>,
    group: &str,
    version: &str,
) -> Result<Vec<u8>, Failure> {
    let name = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
    let url = index.get(&name).ok_or_else(|| not_served(&name))?;
    // The address is the server's own word; it must not lead anywhere but to a schema.
    if !url.starts_with("/openapi/v3/") {
        return Err(Failure::malformed("the index of schemas leads elsewhere"));
    }
    let hash = url.split_once("?hash=").map(|(_, hash)| hash);
    let file = cache.zip(hash).and_then(|(folder, hash)| cache_file(folder, hash));
    if let (Some(file), Some(hash)) = (&file, hash)
        && let Some(document) = cached(file, hash)
    {
        return Ok(document);
    }
    let document = match client.read(url, JSON, LONGEST).await {
        // The document changed since the index was read, and its old address now points to the new one.
        Err(failure) if failure.reason == MALFORMED => client.read(url.split('?').next().unwrap_or(url), JSON, LONGEST).await?,
        other => other?,
    };
    if let (Some(file), Some(hash)) = (&file, hash)
        && has_hash(&document, hash)
        && let Err(error) = cache::keep(file, &document)
    {
        tracing::debug!(%error, "the schema is not kept for the next time");
    }
    Ok(document)
}

fn not_served(name: &str) -> Failure {
    Failure { reason: NOT_FOUND, detail: Some(format!("the cluster has no schema at {name}")), again: super::failure::Again::No }
}

/// Nothing but a hash becomes the name of a file.
fn cache_file(folder: &Path, hash: &str) -> Option<PathBuf> {
    let is_hash = hash.len() == 128 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| folder.join(hash.to_ascii_lowercase()))
}

/// A file with another hash is the same as none.
fn cached(file: &Path, hash: &str) -> Option<Vec<u8>> {
    cache::kept(file, LONGEST as u64).filter(|document| has_hash(document, hash))
}

fn has_hash(document: &[u8], hash: &str) -> bool {
    hex(&Sha512::digest(document)).eq_ignore_ascii_case(hash)
}

#[cfg(test)]
mod tests {
    use super::{cache_file, cached};
    use crate::cache::keep;

    const HASH_OF_EMPTY_OBJECT: &str =
        "27C74670ADB75075FAD058D5CEAF7B20C4E7786C83BAE8A32F626F9782AF34C9A33C2046EF60FD2A7878D378E29FEC851806BBD9A67878F3A9F1CDA4830763FD";

    #[test]
    fn a_kept_document_is_found_again_and_a_damaged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = cache_file(&folder.path().join("new"), HASH_OF_EMPTY_OBJECT).unwrap();
        assert_eq!(cached(&file, HASH_OF_EMPTY_OBJECT), None);
        keep(&file, b"{}").unwrap();
        assert_eq!(cached(&file, HASH_OF_EMPTY_OBJECT).as_deref(), Some(b"{}".as_slice()));
        std::fs::write(&file, "{ }").unwrap();
        assert_eq!(cached(&file, HASH_OF_EMPTY_OBJECT), None);
    }

    #[test]
    fn only_a_hash_becomes_a_file_name() {
        let folder = std::path::Path::new("cache");
        assert!(cache_file(folder, HASH_OF_EMPTY_OBJECT).is_some());
        for hash in ["", "../../etc/passwd", &"/".repeat(128), &"a".repeat(127)] {
            assert!(cache_file(folder, hash).is_none());
        }
    }
}
