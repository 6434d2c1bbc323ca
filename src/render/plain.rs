//! Manifests as they stand: every `.yaml`, `.yml` and `.json` below the root of the source.

use crate::document;
use crate::model::declaration::{DocumentRef, Engine, Input, LeafOrigin, SourceId, Tree, TreeEntry, TreePath};
use crate::yaml::Dialect;

use super::object::{Reading, Unreadable};
use super::path;

/// A file that holds manifests by its name.
pub(super) struct File<'tree> {
    source: &'tree SourceId,
    /// Its path.
    pub(super) path: &'tree TreePath,
    entry: &'tree TreeEntry,
}

/// Why a file as a whole was not read, and more for a person.
type Unread = (&'static str, Option<String>);

/// The manifests of a source, in the order of their paths, and submodules, which may hold some.
pub(super) fn files(tree: &Tree) -> impl Iterator<Item = File<'_>> {
    tree.files
        .iter()
        .filter(|(path, entry)| {
            let by_name = [&b".yaml"[..], b".yml", b".json"].iter().any(|ending| path.as_bytes().ends_with(ending));
            path::is_below(path, &tree.root) && (by_name || matches!(entry, TreeEntry::Submodule(_)))
        })
        .map(|(path, entry)| File { source: &tree.source, path, entry })
}

impl File<'_> {
    /// Its documents.
    ///
    /// # Errors
    /// Why the file as a whole was not read: the reason, and more for a person.
    pub(super) fn readings(&self, (dialect, engine): (Dialect, Engine)) -> Result<Vec<Result<Reading, Unreadable>>, Unread> {
        match self.entry {
            TreeEntry::TooLarge(_) => Err(("too large", None)),
            TreeEntry::Symlink(_) => Err(("symbolic link", None)),
            TreeEntry::Submodule(submodule) => {
                Err(("submodule", Some(format!("what it declares is not read: {submodule}; name that repository as a source of its own"))))
            }
            TreeEntry::File { bytes, .. } => {
                let documents = document::documents(bytes, dialect);
                Ok(documents.into_iter().map(|document| self.reading(document, engine)).collect())
            }
        }
    }

    fn reading(&self, document: Result<document::Document, crate::yaml::Error>, engine: Engine) -> Result<Reading, Unreadable> {
        let document = document.map_err(|error| Unreadable {
            place: format!("{}:{}:{}", self.path, error.line, error.column),
            detail: error.picture(&self.path.to_string()),
        })?;
        let reference = DocumentRef { source: self.source.clone(), path: self.path.clone(), ordinal: document.ordinal };
        let input = Input { document: reference, line: document.line, end_line: document.end_line };
        let origins = (0..).zip(&document.lines).map(|(leaf, (line, end_line))| LeafOrigin {
            input: Some(0),
            leaf,
            line: *line,
            end_line: *end_line,
        });
        Ok(Reading {
            origins: origins.collect(),
            is_whole: true,
            drawn_by: Some(Vec::new()),
            place: format!("{}:{}", self.path, document.line),
            inputs: vec![input],
            value: document.value,
            engine,
            doubt: None,
        })
    }
}
