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
    screen.say(&format!("recorded {} objects of {} kinds in {}", captured.objects, captured.kinds, folder.display()));
    Ok(if captured.gaps.is_empty() && captured.not_evaluated.is_empty() { Outcome::Clean } else { Outcome::Partial })
}

/// Kinds are recorded at every version that is served, since Git may declare an object at any of them, and the cluster shows
/// it otherwise at each. Kinds that are all noise are left out, as when comparing.
fn listings(kinds: &Kinds, namespaces: &BTreeSet<String>, skip_secrets: bool) -> Vec<Listing> {
    let is_wanted = |kind: &&Kind| {
        kind.is_listable()
            && !compare::is_never_declared(&kind.group, &kind.kind)
            && !(skip_secrets && kind.group.is_empty() && kind.kind == "Secret")
    };
    let scope = |kind: &Kind| {
        if kind.namespaced && !namespaces.is_empty() { Scope::Namespaces(namespaces.clone()) } else { Scope::All }
    };
    kinds.all.iter().filter(is_wanted).map(|kind| Listing { kind: kind.clone(), scope: scope(kind) }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::listings;
    use crate::model::kind::{Kind, Kinds};

    #[test]
    fn a_kind_is_recorded_at_every_version_at_which_git_may_declare_it() {
        let kind = |group: &str, version: &str, kind: &str, preferred: bool| Kind {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: String::new(),
            singular: String::new(),
            short_names: Vec::new(),
            namespaced: true,
            verbs: vec!["list".into()],
            preferred,
        };
        let all = vec![
            kind("", "v1", "ConfigMap", true),
            kind("", "v1", "Event", true),
            kind("", "v1", "Secret", true),
            kind("autoscaling", "v1", "HorizontalPodAutoscaler", false),
            kind("autoscaling", "v2", "HorizontalPodAutoscaler", true),
        ];
        let listings = listings(&Kinds { all, unknown_groups: Vec::new(), complete: true }, &BTreeSet::new(), true);
        let told: Vec<_> = listings.iter().map(|listing| format!("{} {}", listing.kind.api_version(), listing.kind.kind)).collect();
        assert_eq!(told, ["v1 ConfigMap", "autoscaling/v1 HorizontalPodAutoscaler", "autoscaling/v2 HorizontalPodAutoscaler"]);
    }
}
