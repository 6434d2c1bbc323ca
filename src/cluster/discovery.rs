//! Which kinds the cluster serves: aggregated discovery, and one group after the other where that is not to be had.
//!
//! A group whose backend does not answer is told as unknown. kube's own discovery drops that, and the group would look empty.

use super::client::{Client, JSON};
use super::failure::{Failure, json_text};
use super::listing::escaped;
use super::wire::{CoreVersions, Discovery, GroupList, PlainResource, ResourceList, Typed, Wire};
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::kind::{Kind, Kinds};

/// Asks for the aggregated form; a server that does not know it answers in the plain one.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
/// Discovery of a cluster with thousands of custom resources is a few megabytes.
const LONGEST: usize = 128 * 1024 * 1024;

/// One group as far as it is known: its versions in the order of preference.
struct Group {
    name: String,
    versions: Vec<Version>,
}

/// A version, and its kinds where they were told.
struct Version {
    name: String,
    kinds: Option<Vec<Kind>>,
}

/// Every kind. Fails as a whole only where the groups themselves are not told.
pub(super) async fn kinds(client: &Client) -> Result<Kinds, (&'static str, Failure)> {
    let mut unknown = Vec::new();
    let mut groups = Vec::new();
    let (core, others) = tokio::join!(groups_at(client, "/api", plain_core), groups_at(client, "/apis", plain_groups));
    match core {
        Ok(core) => groups.extend(core),
        Err(failure) => unknown.push(unknown_group("", "v1", failure)),
    }
    groups.extend(others.map_err(|failure| ("/apis", failure))?);

    let mut all = Vec::new();
    for group in groups {
        let mut known: Vec<Kind> = Vec::new();
        for version in group.versions {
            let told = match version.kinds {
                Some(told) => Ok(told),
                None => resources(client, &group.name, &version.name).await,
            };
            match told {
                Ok(told) => add(&mut known, told),
                Err(failure) => unknown.push(unknown_group(&group.name, &version.name, failure)),
            }
        }
        all.append(&mut known);
    }
    all.sort();
    unknown.sort();
    Ok(Kinds { all, unknown_groups: unknown, complete: true })
}

/// Adds the kinds of the next version; those that no earlier version serves are preferred.
fn add(known: &mut Vec<Kind>, told: Vec<Kind>) {
    let earlier = known.len();
    for mut kind in told {
        kind.preferred = !known[..earlier].iter().any(|served| served.kind == kind.kind);
        known.push(kind);
    }
}

fn unknown_group(group: &str, version: &str, failure: Failure) -> (String, NotEvaluated) {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let told = NotEvaluated::new(Stage::Read, format!("kinds of {api_version}"), failure.reason);
    (group.to_owned(), NotEvaluated { detail: failure.detail, ..told })
}

async fn groups_at(client: &Client, path: &str, plain: fn(&[u8]) -> Result<Vec<Group>, Failure>) -> Result<Vec<Group>, Failure> {
    let body = client.read(path, AGGREGATED, LONGEST).await?;
    // Some proxies drop the parameters of the media type, so the answer itself has to say what it is.
    let typed: Typed = parse(&body)?;
    if typed.kind != "APIGroupDiscoveryList" {
        return plain(&body);
    }
    if typed.api_version != "apidiscovery.k8s.io/v2" {
        return Err(Failure::malformed("discovery in a version that was not asked for"));
    }
    aggregated(&body)
}

fn parse<T: Wire>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::malformed(format!("discovery {}", json_text(&error))))
}

fn aggregated(body: &[u8]) -> Result<Vec<Group>, Failure> {
    let discovery: Discovery = parse(body)?;
    let group = |group: super::wire::DiscoveredGroup| {
        let name = group.metadata.name;
        let version = |version: super::wire::DiscoveredVersion| {
            // What a stale version lists is what it once was, or nothing; the backend itself is asked instead.
            let fresh = version.freshness.as_deref() != Some("Stale");
            let kinds = version.resources.into_iter().filter_map(|resource| discovered_kind(&name, &version.version, resource));
            let kinds: Option<Vec<Kind>> = fresh.then(|| kinds.collect());
            Version { name: version.version, kinds }
        };
        let versions = group.versions.into_iter().map(version).collect();
        Group { name: name.clone(), versions }
    };
    Ok(discovery.items.into_iter().map(group).collect())
}

/// `responseKind` names group and version for custom resources only; the enclosing ones always hold.
fn discovered_kind(group: &str, version: &str, resource: super::wire::DiscoveredResource) -> Option<Kind> {
    Some(Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: resource.response_kind?.kind,
        plural: resource.resource,
        singular: resource.singular_resource,
        short_names: resource.short_names,
        namespaced: resource.scope == "Namespaced",
        verbs: resource.verbs,
        preferred: false,
    })
}

fn plain_core(body: &[u8]) -> Result<Vec<Group>, Failure> {
    let core: CoreVersions = parse(body)?;
    Ok(vec![Group { name: String::new(), versions: core.versions.into_iter().map(untold).collect() }])
}

fn plain_groups(body: &[u8]) -> Result<Vec<Group>, Failure> {
    let list: GroupList = parse(body)?;
    let versions = |group: super::wire::PlainGroup| group.versions.into_iter().map(|version| untold(version.version)).collect();
    Ok(list.groups.into_iter().map(|group| Group { name: group.name.clone(), versions: versions(group) }).collect())
}

fn untold(name: String) -> Version {
    Version { name, kinds: None }
}

/// The kinds of one version, from its own list of resources.
async fn resources(client: &Client, group: &str, version: &str) -> Result<Vec<Kind>, Failure> {
    let path = match group {
        "" => format!("/api/{}", escaped(version)),
        group => format!("/apis/{}/{}", escaped(group), escaped(version)),
    };
    let body = client.read(&path, JSON, LONGEST).await?;
    if parse::<Typed>(&body)?.kind != "APIResourceList" {
        return Err(Failure::malformed("the answer is no list of resources"));
    }
    let list: ResourceList = parse(&body)?;
    let main = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    Ok(main.map(|resource| plain_kind(group, version, resource)).collect())
}

fn plain_kind(group: &str, version: &str, resource: PlainResource) -> Kind {
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: resource.kind,
        plural: resource.name,
        singular: resource.singular_name,
        short_names: resource.short_names,
        namespaced: resource.namespaced,
        verbs: resource.verbs,
        preferred: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{add, aggregated};

    const DISCOVERY: &str = r#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[
        {"metadata":{"name":"autoscaling"},"versions":[
            {"version":"v2","freshness":"Current","resources":[
                {"resource":"horizontalpodautoscalers","responseKind":{"group":"","version":"","kind":"HorizontalPodAutoscaler"},
                 "scope":"Namespaced","singularResource":"horizontalpodautoscaler","verbs":["get","list"],"shortNames":["hpa"],
                 "subresources":[{"subresource":"status","responseKind":{"kind":"HorizontalPodAutoscaler"},"verbs":["get"]}]},
                {"resource":"only-subresources","scope":"Namespaced","singularResource":"","verbs":null}]},
            {"version":"v1","resources":[
                {"resource":"horizontalpodautoscalers","responseKind":{"kind":"HorizontalPodAutoscaler"},"scope":"Namespaced","verbs":["list"]},
                {"resource":"olds","responseKind":{"kind":"Old"},"scope":"Cluster","verbs":["list"]}]}]},
        {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}"#;

    #[test]
    fn the_first_version_that_serves_a_kind_is_preferred_for_it() {
        let groups = aggregated(DISCOVERY.as_bytes()).unwrap();
        let mut known = Vec::new();
        for version in groups.into_iter().next().unwrap().versions {
            add(&mut known, version.kinds.unwrap());
        }
        let told: Vec<_> = known.iter().map(|kind| (kind.api_version(), kind.kind.as_str(), kind.preferred, kind.namespaced)).collect();
        assert_eq!(
            told,
            [
                ("autoscaling/v2".to_owned(), "HorizontalPodAutoscaler", true, true),
                ("autoscaling/v1".to_owned(), "HorizontalPodAutoscaler", false, true),
                ("autoscaling/v1".to_owned(), "Old", true, false),
            ]
        );
    }

    #[test]
    fn kinds_of_a_stale_version_are_not_told_by_discovery() {
        assert!(aggregated(DISCOVERY.as_bytes()).unwrap()[1].versions[0].kinds.is_none());
    }
}
