//! `kubewitness compare DECLARED LIVE`: two files or folders, without Git and without a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::output;
use super::{Error, Outcome, Screen};
use crate::cluster::Cluster;
use crate::config::FailOn;
use crate::model::attribution::Attributions;
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::coverage::{Coverage, NotEvaluated, Stage};
use crate::model::evidence::{ClusterIdentity, Histories, Signatures};
use crate::model::object::ObjectId;
use crate::model::schema::Schemas;
use crate::report::Format;
use crate::report::comparison::Comparison as Encoded;
use crate::scan::coverage;
use crate::{audit, compare, render, source};

/// The name of the only source.
const DECLARED: &str = "declared";

/// Compares; what stands in LIVE is taken as complete. A capture brings its own schemas; otherwise the tables of built-in
/// kinds serve.
///
/// # Errors
/// Where a side cannot be read.
pub async fn compare(
    declared: &Path,
    live: &Path,
    namespace: Option<String>,
    fail_on: FailOn,
    format: &Format,
    screen: &Screen,
) -> Result<Outcome, Error> {
    let encode = format.comparison.ok_or_else(|| Error::Usage(format!("a comparison cannot be written as {}", format.id)))?;
    let cluster = Cluster::open_whole(live)?;
    let mut kinds = cluster.kinds().await?;
    let tree = source::folder(DECLARED, declared).map_err(|gap| Error::Usage(gap.detail.unwrap_or(gap.reason)))?;
    let of_source = render::SourceSettings { namespace, ..render::SourceSettings::default() };
    let settings = render::Settings { sources: BTreeMap::from([(DECLARED.to_owned(), of_source)]), ..render::Settings::default() };
    let rendered = render::declarations(std::slice::from_ref(&tree), &kinds, cluster.redactor(), &settings, &screen.progress, &|| None);
    let (declarations, mut not_evaluated) = rendered.declarations.into_parts();
    if declarations.is_empty() && not_evaluated.is_empty() {
        not_evaluated.push(NotEvaluated::new(Stage::Render, declared.display().to_string(), "nothing is declared"));
    }
    // A kind of which LIVE shows nothing has no object there.
    let is_dump = !std::mem::replace(&mut kinds.complete, true);

    let settings = compare::Settings::default();
    let plan = compare::plan(&declarations, &kinds, &settings);
    let mut schemas = Schemas::default();
    let wanted: BTreeSet<(String, String)> =
        plan.listings.iter().map(|listing| (listing.kind.group.clone(), listing.kind.version.clone())).collect();
    let mut add = |group: &str, version: &str, document: &[u8]| {
        if let Err(error) = schemas.add(group, version, document) {
            let subject = format!("schema of {group}/{version}");
            not_evaluated.push(NotEvaluated::new(Stage::Read, subject, "malformed schema").with_detail(error.to_string()));
        }
    };
    // Two files bring no schemas; the record says so by the table that decided.
    let _missing = cluster.schemas(&wanted, &mut add).await;
    let mut comparer = compare::Comparer::new(&declarations, &plan, &schemas, &settings);
    let wanted = |id: &ObjectId| plan.wants(id);
    let gaps = cluster.each_page(&plan.listings, &wanted, &mut |page| comparer.page(page)).await;
    let mut compared = comparer.finish(&gaps);
    if is_dump {
        forget_what_is_served(&mut compared.comparisons);
    }
    screen.progress.finish();

    not_evaluated.extend(compared.not_evaluated);
    not_evaluated.sort();
    let coverage = Coverage {
        normalisations: compared.normalisations,
        ..coverage(&compared.comparisons, rendered.excluded, compared.excluded, compared.unlisted, &not_evaluated)
    };
    let comparison = Encoded::of(&declarations, &compared.comparisons, &coverage, &not_evaluated);
    output::to_stdout(|out| encode(&comparison, &screen.style(), out))?;
    let findings = audit::findings(&audit::Facts {
        cluster: &ClusterIdentity::default(),
        tips: &[],
        unreachable: &[],
        remotes: &[],
        tags: &[],
        kept: None,
        declarations: &declarations,
        comparisons: &compared.comparisons,
        histories: &Histories::default(),
        signatures: &Signatures::new(),
        attributions: &Attributions { declarations: vec![None; declarations.len()], ..Attributions::default() },
        not_evaluated: &not_evaluated,
    });
    Ok(super::outcome(&findings, &compared.comparisons, &not_evaluated, &coverage, fail_on))
}

/// Two files do not tell which kinds a cluster serves.
fn forget_what_is_served(comparisons: &mut [Comparison]) {
    let missing = comparisons.iter_mut().filter(|comparison| comparison.state == ObjectState::Missing);
    missing.for_each(|comparison| comparison.reason = None);
}
