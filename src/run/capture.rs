//! `kubewitness capture`: record a cluster, so that it can be judged without access to it.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::Utc;

use super::{Error, Options, Outcome, Screen, configure, limit, open_cluster, whole_seconds};
use crate::cluster;
use crate::compare;
use crate::config::SecretsMode;
use crate::model::evidence::{Listing, Scope};
use crate::model::kind::{Kind, Kinds};

/// Writes a recording of every listable kind, or of those in some namespaces and the cluster-scoped ones.
///
/// # Errors
/// Where the cluster cannot be read at all or the folder cannot be written.
pub async fn capture(options: Options, folder: &Path, screen: &Screen) -> Result<Outcome, Error> {
    if options.recording.is_some() {
        return Err(Error::Usage("capture records a live cluster; leave --recording out".to_owned()));
    }
    let namespaces = options.flags.namespaces.clone();
    let skip_secrets = options.flags.secrets == Some(SecretsMode::Skip);
    let config = configure(options)?;
    let skip_secrets = skip_secrets || config.compare.skip_secrets;
    let cluster = open_cluster(&config.cluster, None, &screen.progress).await?;
    let limit = limit(config.timeout);
    let kinds = limit.within(cluster.kinds()).await.map_err(|ended| ended.of("discovery"))??;
    let listings = listings(&kinds, &namespaces, skip_secrets);
    let schemas: BTreeSet<(String, String)> =
        listings.iter().map(|listing| (listing.kind.group.clone(), listing.kind.version.clone())).collect();
    let capture = cluster::capture(&cluster, &listings, &kinds, &schemas, folder, whole_seconds(Utc::now()));
    let captured = limit.within(capture).await.map_err(|ended| ended.of("recording"))??;
    screen.progress.finish();
    for gap in &captured.gaps {
        let kind = &listings[gap.listing].kind.kind;
        tracing::warn!(kind, namespace = gap.namespace, reason = gap.reason, "not recorded");
    }
    for gap in &captured.not_evaluated {
        tracing::warn!(subject = gap.subject, reason = gap.reason, "not recorded");
    }
    screen.say(&format!("recorded {} objects of {} kinds in {}", captured.objects, listings.len(), folder.display()));
    Ok(if captured.gaps.is_empty() && captured.not_evaluated.is_empty() { Outcome::Clean } else { Outcome::Partial })
}

/// Every version that is served is recorded at the preferred one; kinds that are all noise are left out, as when comparing.
fn listings(kinds: &Kinds, namespaces: &BTreeSet<String>, skip_secrets: bool) -> Vec<Listing> {
    let is_wanted = |kind: &&Kind| {
        kind.preferred
            && kind.is_listable()
            && !compare::is_never_declared(&kind.group, &kind.kind)
            && !(skip_secrets && kind.group.is_empty() && kind.kind == "Secret")
    };
    let scope = |kind: &Kind| {
        if kind.namespaced && !namespaces.is_empty() { Scope::Namespaces(namespaces.clone()) } else { Scope::All }
    };
    kinds.all.iter().filter(is_wanted).map(|kind| Listing { kind: kind.clone(), scope: scope(kind) }).collect()
}
