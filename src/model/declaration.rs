//! What Git declares: objects, the documents behind them, and where each field was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::commit::CommitId;
pub use super::commit::SourceId;
use super::object::{Manifest, ObjectId};
use super::text::RawText;

/// A path in a tree, byte by byte, with `/` between its parts and relative to the root of the repository.
pub type TreePath = RawText;

/// What stands at a path of a tree.
#[derive(Clone)]
pub enum TreeEntry {
    /// A regular file. `blob` identifies its content in the repository's object database (empty for plain folders).
    File {
        /// Object id of the blob, in hex.
        blob: String,
        /// Content.
        bytes: Arc<[u8]>,
    },
    /// A file that was not read because it is larger than any manifest (the size in bytes).
    TooLarge(u64),
    /// A symbolic link, never followed, with its target.
    Symlink(RawText),
    /// Another repository at a commit.
    Submodule(Submodule),
}

/// Another repository that a tree holds by naming a commit of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// Id of that commit, in hex.
    pub commit: String,
    /// Where `.gitmodules` says that it lies, without credentials. Absent where it does not say so.
    pub url: Option<String>,
}

impl fmt::Display for Submodule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, url } = self;
        let url = url.as_deref().unwrap_or("a repository that .gitmodules does not name");
        write!(formatter, "commit {commit} of {url}")
    }
}

/// A source at one revision: the files below its path, and for Kustomize the rest of the repository.
#[derive(Clone)]
pub struct Tree {
    /// Which source it is.
    pub source: SourceId,
    /// Where it came from, without credentials.
    pub url: String,
    /// The reference that was asked for, resolved to its full name, as in `refs/heads/main`. Absent for a plain folder.
    pub requested: Option<String>,
    /// The commit it was read at. Absent for a plain folder.
    pub commit: Option<CommitId>,
    /// Whether the history behind the commit is cut off.
    pub shallow: bool,
    /// How many paths of a working copy differ from its commit; they were not read.
    pub uncommitted: usize,
    /// The folder in it that declares objects; empty for the root.
    pub root: TreePath,
    /// Everything that was read, by path from the root of the repository.
    pub files: BTreeMap<TreePath, TreeEntry>,
}

/// Shows no content, because any file may hold a secret.
impl fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tree")
            .field("source", &self.source)
            .field("commit", &self.commit)
            .field("files", &self.files.len())
            .finish()
    }
}

/// A document of a file: the unit whose history is walked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentRef {
    /// The source.
    pub source: SourceId,
    /// The file.
    pub path: TreePath,
    /// Position among the documents of the file, from 0; items of a `kind: List` count each.
    pub ordinal: u32,
}

/// A document behind a declaration, as it stands at the tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Which document.
    pub document: DocumentRef,
    /// First line, from 1.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
}

/// Where one declared leaf was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafOrigin {
    /// Index into [`Declaration::inputs`]; `None` where rendering made the value and no single document declares it.
    pub input: Option<u16>,
    /// Position of the leaf in `document::leaves` of that input document.
    pub leaf: u32,
    /// First line of the value, from 1.
    pub line: u32,
    /// Last line of the value.
    pub end_line: u32,
}

/// An entry of a kustomization that draws in a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kustomization.
    pub document: DocumentRef,
    /// Position of the entry in `document::leaves` of the kustomization.
    pub leaf: u32,
    /// Its line, from 1.
    pub line: u32,
}

/// Something that a kustomization would fetch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote {
    /// The source of the kustomization.
    pub source: SourceId,
    /// The kustomization.
    pub path: TreePath,
    /// The line of the entry, from 1.
    pub line: u32,
    /// What it names, without credentials.
    pub url: String,
    /// The branch, tag or commit that it asks for. Absent where it asks for none.
    pub reference: Option<String>,
    /// Whether that is one commit for ever.
    pub is_pinned: bool,
}

/// How manifests were made of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    /// YAML and JSON as they stand.
    Plain,
    /// Kustomize.
    Kustomize,
}

/// An object that Git declares.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Its identity; the namespace is resolved (absent for cluster-scoped kinds).
    pub id: ObjectId,
    /// The version it is declared at, as in `v1`.
    pub version: String,
    /// The source.
    pub source: SourceId,
    /// How it was rendered.
    pub engine: Engine,
    /// The field manager that applies it, where the source says so.
    pub applier: Option<String>,
    /// Its content. `apiVersion`, `kind`, `metadata` are in it; a Secret's `stringData` is folded into `data`.
    pub manifest: Manifest,
    /// Whether its values are encrypted in Git (SOPS), so that only its shape can be compared.
    pub encrypted: bool,
    /// The documents behind it: exactly one for plain files; all candidates, sorted, where it was rendered.
    pub inputs: Vec<Input>,
    /// One for each leaf of the manifest, in the order of `document::leaves`.
    pub leaves: Box<[LeafOrigin]>,
    /// Whether rendering took nothing away of what the documents behind its leaves declare. What is gone has no leaf to tell who
    /// took it.
    pub is_whole: bool,
    /// The entries of kustomizations that lead from what is built to its document, in this order. Empty where the document is
    /// there by itself, or it is not known which document that is; `None` where the entries that draw it in cannot be told.
    pub drawn_by: Option<Vec<Entry>>,
}

impl Declaration {
    /// Where the object as a whole was written: the document that declares it.
    pub fn place(&self) -> Option<&Input> {
        self.inputs.first()
    }

    /// The inputs that it is made of, ascending: one for plain files; of a rendered object those that its leaves come from, where
    /// every leaf comes from one and nothing was taken away. Empty where that cannot be told.
    pub fn made_of(&self) -> Vec<usize> {
        if (self.engine, self.inputs.len()) == (Engine::Plain, 1) {
            return vec![0];
        }
        if !self.is_whole {
            return Vec::new();
        }
        let traced: Option<BTreeSet<usize>> = self.leaves.iter().map(|leaf| leaf.input.map(usize::from)).collect();
        // No leaf at all means that nothing was traced.
        traced.into_iter().flatten().filter(|input| *input < self.inputs.len()).collect()
    }
}
