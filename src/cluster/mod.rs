//! The live side: an API server, or a recording of one behind the same interface. It never writes to a cluster.
//!
//! Secret values are replaced by keyed digests before an object leaves this module, and `managedFields` stay text. A list, a
//! group or a schema that cannot be read is told as such and never taken for empty; only a cluster that cannot be reached, or
//! that lets nobody in, is an [`Error`].
//!
//! Five locks keep it reading: this interface has no writing call, a layer below kube's client refuses all but GET, clippy
//! refuses kube's writing calls, the shipped role cannot write, and a test reads the server's audit log.
//!
//! Follows the Kubernetes API concepts: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

mod capture;
mod client;
mod connect;
mod discovery;
mod dump;
mod failure;
mod files;
mod listing;
mod live;
mod object;
mod openapi;
mod read_only;
mod recording;
mod transport;
mod wire;

#[cfg(test)]
mod faults;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::capture::{Captured, capture};
use crate::model::coverage::NotEvaluated;
use crate::model::evidence::{ClusterIdentity, Listing, ListingGap, Page};
use crate::model::kind::Kinds;
use crate::model::object::ObjectId;
use crate::model::scan::Reader;
use crate::progress::Progress;
use crate::secret::Redactor;

/// How to reach a live cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The kubeconfig. Without it: `$KUBECONFIG`, else `~/.kube/config`, else the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig. Without it: its current one.
    pub context: Option<String>,
    /// What the cluster is called in reports. Without it: the context's name.
    pub name: Option<String>,
    /// How long one request may wait for its answer, and for each next part of it; a whole answer may take ten times that.
    pub timeout: Duration,
    /// A folder that keeps OpenAPI documents by their hash. It need neither exist nor be writable.
    pub cache: Option<PathBuf>,
}

/// Why a cluster or a recording cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No kubeconfig, or one that cannot be used. The text holds no credential.
    #[error("{0}")]
    Kubeconfig(String),
    /// The cluster does not answer what everything else depends on.
    #[error("{subject}: {reason}")]
    Cluster {
        /// What was asked for.
        subject: String,
        /// The phrase, and what is known beside it.
        reason: String,
    },
    /// The system gives no random bytes for a key of this run.
    #[error("no random key for this run")]
    Random(#[source] getrandom::Error),
    /// A file or folder of a recording.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of a recording that is not what it should be.
    #[error("{}: {problem}", path.display())]
    Recording {
        /// Which.
        path: PathBuf,
        /// What is wrong with it. Quotes nothing of its content.
        problem: String,
    },
    /// A capture that cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A cluster that can be read.
#[derive(Debug)]
pub struct Cluster {
    backing: Backing,
}

#[derive(Debug)]
enum Backing {
    Live(Box<live::Live>),
    Recording(Box<recording::Recording>),
    Dump(Box<dump::Dump>),
}

impl Cluster {
    /// Makes ready to read a live cluster; nothing is sent yet, but an exec plugin of the kubeconfig runs.
    ///
    /// # Errors
    /// [`Error::Kubeconfig`] where there is no way to a cluster, [`Error::Random`].
    pub async fn connect(settings: &Settings, progress: Progress) -> Result<Self, Error> {
        let live = connect::connect(settings, progress).await?;
        Ok(Self { backing: Backing::Live(Box::new(live)) })
    }

    /// Opens a capture, or a file or folder of what `kubectl get -o json --show-managed-fields` printed. `name` replaces the
    /// name of the cluster.
    ///
    /// # Errors
    /// Where a file of it cannot be read or is not what it should be.
    pub fn open(recording: &Path, name: Option<String>) -> Result<Self, Error> {
        Self::open_as(recording, name, false)
    }

    /// Opens a recording that is taken as complete: what a plain dump does not hold is not there.
    ///
    /// # Errors
    /// As [`Cluster::open`].
    pub fn open_whole(recording: &Path) -> Result<Self, Error> {
        Self::open_as(recording, None, true)
    }

    fn open_as(recording: &Path, name: Option<String>, is_whole: bool) -> Result<Self, Error> {
        let backing = if recording::is_capture(recording) {
            Backing::Recording(Box::new(recording::Recording::open(recording, name)?))
        } else {
            Backing::Dump(Box::new(dump::Dump::open(recording, name, is_whole)?))
        };
        Ok(Self { backing })
    }

    /// What replaces secret values: with a random key, or with that of the capture. Declared manifests must go through the same.
    pub fn redactor(&self) -> &Redactor {
        match &self.backing {
            Backing::Live(live) => &live.redactor,
            Backing::Recording(recording) => recording.redactor(),
            Backing::Dump(dump) => dump.redactor(),
        }
    }

    /// Where live objects come from.
    pub fn reader(&self) -> Reader {
        match &self.backing {
            Backing::Live(_) => Reader::Live,
            Backing::Recording(_) | Backing::Dump(_) => Reader::Recording,
        }
    }

    /// Which cluster it is, and what of that could not be learned.
    ///
    /// # Errors
    /// [`Error::Cluster`] where the cluster cannot be reached or lets nobody in.
    pub async fn identity(&self) -> Result<(ClusterIdentity, Vec<NotEvaluated>), Error> {
        match &self.backing {
            Backing::Live(live) => live.identity().await,
            Backing::Recording(recording) => Ok(recording.identity()),
            Backing::Dump(dump) => Ok((dump.identity(), Vec::new())),
        }
    }

    /// Every kind it serves.
    ///
    /// # Errors
    /// [`Error::Cluster`] where not even the groups are told.
    pub async fn kinds(&self) -> Result<Kinds, Error> {
        match &self.backing {
            Backing::Live(live) => live.kinds().await,
            Backing::Recording(recording) => Ok(recording.kinds()),
            Backing::Dump(dump) => Ok(dump.kinds()),
        }
    }

    /// Hands over the OpenAPI v3 document of each wanted group and version, in their order, and returns those that could not
    /// be had.
    pub async fn schemas(&self, wanted: &BTreeSet<(String, String)>, add: &mut (dyn FnMut(&str, &str, &[u8]) + Send)) -> Vec<NotEvaluated> {
        match &self.backing {
            Backing::Live(live) => live.schemas(wanted, add).await,
            Backing::Recording(recording) => recording.schemas(wanted, add),
            Backing::Dump(_) => dump::no_schemas(wanted),
        }
    }

    /// Reads listings page by page, several at a time: pages of different listings come in any order. An object that is not
    /// `wanted` is dropped as soon as its name is known. Returns what is not whole, sorted by listing and namespace; what a
    /// gap covers may be there or not.
    pub async fn each_page(
        &self,
        listings: &[Listing],
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
        page: &mut (dyn FnMut(Page) + Send),
    ) -> Vec<ListingGap> {
        match &self.backing {
            Backing::Live(live) => live.each_page(listings, wanted, page).await,
            Backing::Recording(recording) => recording.each_page(listings, wanted, page),
            Backing::Dump(dump) => dump.each_page(listings, wanted, page),
        }
    }

    /// Which of these namespaces do not exist, as far as that can be told, and which could not be asked for. Whoever may not
    /// read a namespace may still list what is in it, so that is nothing to tell.
    pub async fn absent_namespaces(&self, names: &BTreeSet<String>) -> Vec<NotEvaluated> {
        match &self.backing {
            Backing::Live(live) => live.absent_namespaces(names).await,
            Backing::Recording(recording) => recording.absent_namespaces(names),
            // A dump does not say that it holds all of them.
            Backing::Dump(_) => Vec::new(),
        }
    }

    /// How many requests were sent to a live cluster; all of them reads.
    pub fn requests(&self) -> usize {
        match &self.backing {
            Backing::Live(live) => live.client.requests(),
            Backing::Recording(_) | Backing::Dump(_) => 0,
        }
    }
}
