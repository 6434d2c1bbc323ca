//! A live cluster: its identity, and the parts that read the rest.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use super::Error;
use super::client::{Client, JSON};
use super::failure::{CONNECTION_CUT, FORBIDDEN, Failure, NOT_FOUND, TIMED_OUT, UNAUTHORIZED, json_text};
use super::listing::{Lists, is_namespace_name};
use super::wire::{Identified, Version, Wire};
use super::{discovery, openapi};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::evidence::{ClusterIdentity, Listing, ListingGap, Page};
use crate::model::kind::Kinds;
use crate::model::object::ObjectId;
use crate::progress::Progress;
use crate::secret::Redactor;

/// Namespaces and versions are short.
const LONGEST: usize = 4 * 1024 * 1024;

pub(super) const VERSION: &str = "version of the cluster";
pub(super) const UID: &str = "uid of the namespace kube-system";

/// An API server.
pub(super) struct Live {
    pub(super) client: Client,
    pub(super) redactor: Redactor,
    pub(super) progress: Progress,
    pub(super) name: String,
    /// Scheme, host and port.
    pub(super) server: String,
    pub(super) cache: Option<PathBuf>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Live").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Live {
    pub(super) async fn identity(&self) -> Result<(ClusterIdentity, Vec<NotEvaluated>), Error> {
        let (version, uid) = tokio::join!(
            self.fact(VERSION, "/version", |told: Version| told.git_version),
            self.fact(UID, "/api/v1/namespaces/kube-system", |told: Identified| told.metadata.uid)
        );
        let mut missing = Vec::new();
        let mut known = |fact: Result<String, NotEvaluated>| fact.map_err(|gap| missing.push(gap)).ok();
        let (version, uid) = (known(version?), known(uid?));
        Ok((ClusterIdentity { uid, name: self.name.clone(), version, time: self.client.first_date() }, missing))
    }

    /// One fact of the identity. Where nobody answers or lets us in, nothing else will come either.
    async fn fact<T: Wire>(&self, subject: &str, path: &str, take: fn(T) -> String) -> Result<Result<String, NotEvaluated>, Error> {
        let answer = self.client.read(path, JSON, LONGEST).await;
        let parsed = answer.and_then(|body| serde_json::from_slice(&body).map_err(|error| Failure::malformed(json_text(&error))));
        match parsed {
            Ok(told) => Ok(Ok(take(told))),
            Err(failure) if [UNAUTHORIZED, CONNECTION_CUT, TIMED_OUT].contains(&failure.reason) => {
                Err(untold(&format!("{subject} at {}", self.server), &failure))
            }
            Err(failure) => Ok(Err(NotEvaluated { detail: failure.detail, ..NotEvaluated::new(Stage::Read, subject, failure.reason) })),
        }
    }

    pub(super) async fn kinds(&self) -> Result<Kinds, Error> {
        self.progress.tell(|| "reading the kinds of the cluster".to_owned());
        let untold = |(path, failure): (_, _)| untold(&format!("kinds of the cluster at {}{path}", self.server), &failure);
        discovery::kinds(&self.client).await.map_err(untold)
    }

    pub(super) async fn schemas(&self, wanted: &BTreeSet<(String, String)>, add: openapi::Add<'_>) -> Vec<NotEvaluated> {
        openapi::schemas(&self.client, self.cache.as_deref(), &self.progress, wanted, add).await
    }

    pub(super) async fn absent_namespaces(&self, names: &BTreeSet<String>) -> Vec<NotEvaluated> {
        let mut told = Vec::new();
        // Of what can be no namespace, its lists tell.
        for name in names.iter().filter(|name| is_namespace_name(name)) {
            match self.client.read(&format!("/api/v1/namespaces/{name}"), JSON, LONGEST).await {
                Err(failure) if failure.reason == NOT_FOUND => told.push(no_namespace(name)),
                Err(failure) if failure.reason != FORBIDDEN => {
                    let why = NotEvaluated::new(Stage::Read, format!("namespace {name}"), failure.reason);
                    told.push(NotEvaluated { detail: failure.detail, ..why });
                }
                Ok(_) | Err(_) => {}
            }
        }
        told
    }

    pub(super) async fn each_page(
        &self,
        listings: &[Listing],
        wanted: &(dyn Fn(&ObjectId) -> bool + Sync),
        page: &mut (dyn FnMut(Page) + Send),
    ) -> Vec<ListingGap> {
        let lists = Lists { client: &self.client, redactor: &self.redactor, progress: &self.progress, wanted, page: Mutex::new(page) };
        lists.read(listings).await
    }
}

/// A namespace that does not exist, most likely because its name is spelled wrong.
pub(super) fn no_namespace(name: &str) -> NotEvaluated {
    let why = NotEvaluated::new(Stage::Read, format!("namespace {name}"), "namespace not found");
    why.with_detail("undeclared objects were asked for in a namespace that the cluster does not have")
}

fn untold(subject: &str, failure: &Failure) -> Error {
    let help = match failure.reason {
        UNAUTHORIZED => "; the credential of the kubeconfig is not accepted: log in again, or choose --kubeconfig or --context",
        _ => "",
    };
    Error::Cluster { subject: subject.to_owned(), reason: format!("{}{help}", failure.text()) }
}
