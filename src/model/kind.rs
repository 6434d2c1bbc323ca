//! The kinds that a cluster serves, as discovery tells them.

use super::coverage::NotEvaluated;

/// A kind at one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: String,
    /// Version, as in `v1`.
    pub version: String,
    /// Kind, as in `Deployment`.
    pub kind: String,
    /// Name of the resource in paths, as in `deployments`.
    pub plural: String,
    /// Singular name of the resource, as in `deployment`; may be empty.
    pub singular: String,
    /// Abbreviations, as in `deploy`.
    pub short_names: Vec<String>,
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
    /// The verbs it serves, as in `list`.
    pub verbs: Vec<String>,
    /// Whether this is the version its group prefers for it.
    pub preferred: bool,
}

impl Kind {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether its objects can be listed.
    pub fn is_listable(&self) -> bool {
        self.verbs.iter().any(|verb| verb == "list")
    }
}

/// Every kind the cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// Sorted by group, version, kind.
    pub all: Vec<Kind>,
    /// Groups whose kinds could not be learned (stale aggregated APIs, forbidden groups), and why. A kind of such a group is
    /// never "not served".
    pub unknown_groups: Vec<(String, NotEvaluated)>,
    /// Whether the list came from the cluster (or a capture of one) and so is complete but for `unknown_groups`. A plain dump
    /// or a pair of files knows only the kinds it shows.
    pub complete: bool,
}

impl Kinds {
    /// The kind at exactly this version.
    pub fn served(&self, group: &str, version: &str, kind: &str) -> Option<&Kind> {
        self.all.iter().find(|served| served.kind == kind && served.group == group && served.version == version)
    }

    /// The kind at the version its group prefers.
    pub fn preferred(&self, group: &str, kind: &str) -> Option<&Kind> {
        let mut versions = self.all.iter().filter(|served| served.kind == kind && served.group == group);
        let first = versions.next()?;
        if first.preferred { Some(first) } else { Some(versions.find(|served| served.preferred).unwrap_or(first)) }
    }

    /// The kind at this version where it is served, else at the preferred one.
    pub fn best(&self, group: &str, version: &str, kind: &str) -> Option<&Kind> {
        self.served(group, version, kind).or_else(|| self.preferred(group, kind))
    }

    /// Whether the kinds of this group could not be learned.
    pub fn is_unknown_group(&self, group: &str) -> bool {
        self.unknown_groups.iter().any(|(unknown, _)| unknown == group)
    }
}
