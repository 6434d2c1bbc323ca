//! The pipeline: read the cluster, read Git, compare, attribute, judge.
//!
//! A line with `.await` touches the world, a line without is pure. It reads no clock (the moment is given) and writes nothing.

pub mod log;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};

use crate::cluster::Cluster;
use crate::keyring::Keyring;
use crate::model::commit::Commit;
use crate::model::comparison::{Comparison, ObjectState};
use crate::model::coverage::{Coverage, Excluded, NotEvaluated, Stage, Unlisted};
use crate::model::declaration::{Declaration, DocumentRef, Engine, Remote, SourceId, Tree};
use crate::model::evidence::{Asked, ClusterIdentity, ListingGap, ObservedTip, Positions, Signatures, TipChange};
use crate::model::kept::{KeptTrust, Trust};
use crate::model::kind::Kinds;
use crate::model::object::ObjectId;
use crate::model::scan::{Reader, Scan};
use crate::model::schema::Schemas;
use crate::model::tag::JudgedTag;
use crate::progress::Progress;
use crate::source::Sources;
use crate::yaml::Dialect;
use crate::{attribute, audit, cluster, compare, render};

pub use trust::TrustSource;
use trust::{Established, established};

/// Why an object that nothing seems to declare is not called undeclared.
const INCOMPLETE: &str = "declarations incomplete";

/// The parts that touch the world.
pub struct Readers {
    /// The cluster, live or recorded.
    pub cluster: Cluster,
    /// The repositories.
    pub sources: Sources,
    /// The keys.
    pub keyring: Keyring,
}

/// How evidence is judged.
pub struct Policy {
    /// Making declarations.
    pub render: render::Settings,
    /// Comparing.
    pub compare: compare::Settings,
    /// Where it is said whose keys speak for whom, and who may declare what.
    pub trust: TrustSource,
    /// Which declared objects are judged at all.
    pub selection: Selection,
    /// Digest of every setting that can change a verdict.
    pub digest: String,
}

/// Which declared objects are judged at all.
#[derive(Clone, Debug)]
pub enum Selection {
    /// All.
    All,
    /// Those of some namespaces; the others are counted as excluded.
    Namespaces(BTreeSet<String>),
}

impl Selection {
    fn takes(&self, id: &ObjectId) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => id.namespace.as_ref().is_some_and(|namespace| namespaces.contains(namespace)),
        }
    }
}

/// What a run is and how long it may take.
pub struct Run {
    /// Its random id.
    pub id: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// What has not been read by then is not evaluated.
    pub limit: Limit,
}

/// Until when the world may answer.
#[derive(Clone)]
pub struct Limit {
    /// The deadline.
    pub deadline: tokio::time::Instant,
    /// Until when histories are walked: signatures want time, too, and what was found by then is told.
    pub walks: tokio::time::Instant,
    /// Becomes true where somebody asks for an earlier end.
    pub interrupted: tokio::sync::watch::Receiver<bool>,
}

/// The scan cannot be trusted and ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster does not answer.
    #[error("the cluster cannot be read")]
    Cluster(#[from] cluster::Error),
    /// It ended before there was anything to tell.
    #[error("{stage} {why}; there is no result")]
    Ended {
        /// What was being done.
        stage: &'static str,
        /// Why it ended.
        why: Ended,
    },
}

/// Why a run ends before its work does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The deadline passed.
    TimedOut,
    /// Somebody asked it to end.
    Interrupted,
}

impl Ended {
    /// The phrase of what was therefore not evaluated.
    fn reason(self) -> &'static str {
        match self {
            Self::TimedOut => "timed out",
            Self::Interrupted => "interrupted",
        }
    }

    /// The error of a stage without which there is nothing to tell.
    pub fn of(self, stage: &'static str) -> Error {
        Error::Ended { stage, why: self }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut => "was not done in time",
            Self::Interrupted => "was interrupted",
        })
    }
}

/// What Git declares, and what could not be told of it.
pub struct Declared {
    /// Which cluster.
    pub cluster: ClusterIdentity,
    /// The kinds it serves.
    pub kinds: Kinds,
    /// The sources, with their files.
    pub trees: Vec<Tree>,
    /// The declarations that are judged.
    pub declarations: Vec<Declaration>,
    /// What kustomizations would fetch.
    pub remotes: Vec<Remote>,
    /// The trust policies.
    pub trust: Trust,
    /// What became of the one that is kept in a source; absent where none is, or where that cannot be told.
    pub kept: Option<KeptTrust>,
    /// Where earlier scans saw the references of the sources. Absent where that is not asked.
    pub observed: Option<Vec<ObservedTip>>,
    /// What was left out on purpose.
    pub excluded: Vec<Excluded>,
    /// What could not be told.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// What was found out, and the schemas that name its fields.
pub struct Judged {
    /// The scan.
    pub scan: Scan,
    /// The schemas of the kinds that were compared.
    pub schemas: Schemas,
}

impl Limit {
    /// What a part of the world answers, unless the time ends before.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn within<T>(&self, answer: impl Future<Output = T>) -> Result<T, Ended> {
        let mut interrupted = self.interrupted.clone();
        let ended = async move {
            // A sender that is gone can interrupt nobody any more.
            if interrupted.wait_for(|is_interrupted| *is_interrupted).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            answer = answer => Ok(answer),
            () = tokio::time::sleep_until(self.deadline) => Err(Ended::TimedOut),
            () = ended => Err(Ended::Interrupted),
        }
    }

    /// Does work that holds its thread, as waiting for a program does. It is told why it shall stop as soon as the time ends.
    fn block<T>(&self, work: impl FnOnce(&(dyn Fn() -> Option<&'static str> + Sync)) -> T) -> T {
        let ended = Arc::new(OnceLock::new());
        let (limit, seen) = (self.clone(), ended.clone());
        let watch = tokio::spawn(async move {
            if let Err(why) = limit.within(std::future::pending::<()>()).await {
                seen.get_or_init(|| why);
            }
        });
        let done = tokio::task::block_in_place(|| work(&|| ended.get().copied().map(Ended::reason)));
        watch.abort();
        done
    }
}

/// The first half: what the cluster serves and what Git declares.
///
/// # Errors
/// Where the cluster does not answer at all, or the time is up.
pub async fn declared(readers: &mut Readers, policy: &Policy, run: &Run, progress: &Progress) -> Result<Declared, Error> {
    progress.tell(|| "asking the cluster what it serves".to_owned());
    let (cluster, mut not_evaluated) = run.limit.within(readers.cluster.identity()).await.map_err(|ended| ended.of("connecting"))??;
    let kinds = run.limit.within(readers.cluster.kinds()).await.map_err(|ended| ended.of("discovery"))??;
    let fetched = run.limit.within(readers.sources.fetch(progress)).await;
    let (trees, gaps) = fetched.map_err(|ended| ended.of("fetching the sources"))?;
    not_evaluated.extend(gaps);
    if let Some(folder) = readers.sources.cache() {
        readers.keyring.remember_in(folder);
    }
    let (Established { trust, kept }, gaps) = established(readers, &policy.trust, &trees, run, progress).await;
    not_evaluated.extend(gaps);
    let rendered = run.limit.block(|stop| render::declarations(&trees, &kinds, readers.cluster.redactor(), &policy.render, progress, stop));
    let (all, gaps) = rendered.declarations.into_parts();
    not_evaluated.extend(gaps);
    let population = all.len();
    let (declarations, others): (Vec<Declaration>, Vec<Declaration>) =
        all.into_iter().partition(|declaration| policy.selection.takes(&declaration.id));
    let mut excluded = rendered.excluded;
    let others: BTreeSet<&ObjectId> = others.iter().map(|declaration| &declaration.id).collect();
    if !others.is_empty() {
        excluded.push(Excluded { rule: "namespace-filter".to_owned(), count: others.len() });
    }
    let subject = match &policy.selection {
        _ if population == 0 => "the sources".to_owned(),
        Selection::All => String::new(),
        Selection::Namespaces(namespaces) => format!("namespace {}", namespaces.iter().cloned().collect::<Vec<_>>().join(", ")),
    };
    if declarations.is_empty() && not_evaluated.is_empty() && (population == 0 || policy.compare.undeclared_namespaces.is_empty()) {
        not_evaluated.push(NotEvaluated::new(Stage::Render, subject, "nothing is declared"));
    }
    Ok(Declared { cluster, kinds, trees, declarations, remotes: rendered.remotes, trust, kept, observed: None, excluded, not_evaluated })
}

/// The second half: compares what is declared with what is live, says who declared it, and judges.
/// What cannot be read from here on is not evaluated; the scan goes on.
pub async fn judged(readers: &Readers, declared: Declared, policy: &Policy, run: Run, progress: &Progress) -> Judged {
    let Declared { cluster, kinds, trees, declarations, remotes, trust, kept, observed, excluded, mut not_evaluated } = declared;
    let plan = compare::plan(&declarations, &kinds, &policy.compare);

    not_evaluated.extend(absent_namespaces(readers, &plan, &run).await);
    let (schemas, gaps) = schemas(readers, &plan, &run, progress).await;
    not_evaluated.extend(gaps);

    let mut comparer = compare::Comparer::new(&declarations, &plan, &schemas, &policy.compare);
    if readers.cluster.reader() == Reader::Live {
        comparer = comparer.of_server();
    }
    let gaps = listed(readers, &plan, &mut comparer, &run, progress).await;
    let mut compared = comparer.finish(&gaps);
    not_evaluated.extend(doubtful_strays(&mut compared.comparisons, &not_evaluated));
    not_evaluated.extend(compared.not_evaluated);

    let documents = documents(&declarations, &trees);
    let tips_before = observed.as_deref().unwrap_or_default();
    let walked = run.limit.within(readers.sources.histories(&documents, tips_before, Some(run.limit.walks), progress)).await;
    let (mut histories, gaps) = in_time(walked, Stage::History, "the history");
    not_evaluated.extend(gaps);
    let activators = attribute::activators(&declarations, &histories);
    let (newest, gaps) = in_time(run.limit.within(readers.sources.newest(activators)).await, Stage::History, "who activated what");
    histories.newest = newest;
    not_evaluated.extend(gaps);
    let (tips, gaps) = tips(readers, observed.as_deref(), &run, progress).await;
    not_evaluated.extend(gaps);
    let (Proofs { signatures, positions }, gaps) = proofs(readers, &trust, &trees, &histories.commits, tips_before, &run, progress).await;
    not_evaluated.extend(gaps);
    let leaf_names = |declaration: &Declaration| compare::leaf_names(declaration, &schemas);
    let judging = attribute::Judging { trust: &trust, positions: &positions, now: run.started, leaf_names: &leaf_names };
    let attributions = attribute::attributions(&declarations, &trees, &histories, &signatures, &judging);
    let (tags, gaps) = tags(readers, &judging, &run, progress).await;
    not_evaluated.extend(gaps);
    not_evaluated.extend(not_versioned(&trees));
    if !policy.compare.undeclared_namespaces.is_empty() {
        // What such a group holds was not looked through for undeclared objects.
        not_evaluated.extend(kinds.unknown_groups.iter().map(|(_, gap)| gap.clone()));
    }

    not_evaluated.sort();
    not_evaluated.dedup();
    let coverage = Coverage {
        ignored: compared.ignored,
        normalisations: compared.normalisations,
        ..coverage(&compared.comparisons, excluded, compared.excluded, compared.unlisted, &not_evaluated)
    };
    let findings = audit::findings(&audit::Facts {
        cluster: &cluster,
        tips: &tips,
        unreachable: readers.sources.unreachable(),
        remotes: &remotes,
        tags: &tags,
        kept: kept.as_ref(),
        declarations: &declarations,
        comparisons: &compared.comparisons,
        histories: &histories,
        signatures: &signatures,
        attributions: &attributions,
        not_evaluated: &not_evaluated,
    });
    let sources = trees.into_iter().map(|tree| Tree { files: BTreeMap::new(), ..tree }).collect();
    let scan = Scan {
        run: run.id,
        started: run.started,
        finished: run.started,
        reader: readers.cluster.reader(),
        requests: readers.cluster.requests(),
        policy_digest: policy.digest.clone(),
        cluster,
        sources,
        tips,
        unreachable: readers.sources.unreachable().to_vec(),
        remotes,
        tags,
        kept,
        declarations,
        comparisons: compared.comparisons,
        histories,
        signatures,
        attributions,
        findings,
        coverage,
        not_evaluated,
    };
    Judged { scan, schemas }
}

/// Takes back that objects are declared nowhere where not all that is declared could be read. Returns why they are unknown.
fn doubtful_strays(comparisons: &mut Vec<Comparison>, gaps: &[NotEvaluated]) -> Vec<NotEvaluated> {
    let is_of_declarations = |gap: &&NotEvaluated| matches!(gap.stage, Stage::Fetch | Stage::Render);
    let unread = gaps.iter().filter(is_of_declarations).any(|gap| gap.object.is_none());
    let named: BTreeSet<&ObjectId> = gaps.iter().filter(is_of_declarations).filter_map(|gap| gap.object.as_ref()).collect();
    // That object is told already, by why its declaration could not be used.
    comparisons.retain(|comparison| comparison.state != ObjectState::Undeclared || !named.contains(&comparison.id));
    let mut told = Vec::new();
    for comparison in comparisons.iter_mut().filter(|comparison| comparison.state == ObjectState::Undeclared) {
        let homeless = ObjectId { namespace: None, ..comparison.id.clone() };
        if unread || named.contains(&homeless) {
            comparison.state = ObjectState::Unknown;
            comparison.reason = Some(INCOMPLETE.to_owned());
            let why = NotEvaluated::object(Stage::Compare, comparison.id.clone(), INCOMPLETE);
            told.push(why.with_detail("what could not be read may declare it"));
        }
    }
    told
}

/// A namespace that does not exist holds nothing undeclared, and most likely is spelled wrong.
async fn absent_namespaces(readers: &Readers, plan: &compare::Plan, run: &Run) -> Vec<NotEvaluated> {
    let names = plan.namespaces_to_find();
    if names.is_empty() {
        return Vec::new();
    }
    let told = run.limit.within(readers.cluster.absent_namespaces(&names)).await;
    told.unwrap_or_else(|ended| vec![NotEvaluated::new(Stage::Read, "namespaces of undeclared objects", ended.reason())])
}

async fn schemas(readers: &Readers, plan: &compare::Plan, run: &Run, progress: &Progress) -> (Schemas, Vec<NotEvaluated>) {
    progress.tell(|| "reading schemas".to_owned());
    let mut schemas = Schemas::default();
    let mut broken = Vec::new();
    let wanted: BTreeSet<(String, String)> =
        plan.listings.iter().map(|listing| (listing.kind.group.clone(), listing.kind.version.clone())).collect();
    let mut add = |group: &str, version: &str, document: &[u8]| {
        if let Err(error) = schemas.add(group, version, document) {
            let subject = format!("schema of {group}/{version}");
            broken.push(NotEvaluated::new(Stage::Read, subject, "malformed schema").with_detail(error.to_string()));
        }
    };
    let read = run.limit.within(readers.cluster.schemas(&wanted, &mut add)).await;
    let mut gaps = read.unwrap_or_else(|ended| vec![NotEvaluated::new(Stage::Read, "schemas", ended.reason())]);
    gaps.extend(broken);
    (schemas, gaps)
}

async fn listed(
    readers: &Readers,
    plan: &compare::Plan,
    comparer: &mut compare::Comparer<'_>,
    run: &Run,
    progress: &Progress,
) -> Vec<ListingGap> {
    let mut objects = 0;
    let mut page = |page: crate::model::evidence::Page| {
        if let crate::model::evidence::Page::Objects(_, items) = &page {
            objects += items.len();
            progress.tell(|| format!("reading {} kinds · {objects} objects", plan.listings.len()));
        }
        comparer.page(page);
    };
    let wanted = |id: &ObjectId| plan.wants(id);
    let listed = run.limit.within(readers.cluster.each_page(&plan.listings, &wanted, &mut page)).await;
    listed.unwrap_or_else(|ended| {
        let gap = |listing| ListingGap { listing, namespace: None, reason: ended.reason().to_owned(), detail: None };
        (0..plan.listings.len()).map(gap).collect()
    })
}

/// What became of the references since earlier scans, where that is asked.
async fn tips(readers: &Readers, observed: Option<&[ObservedTip]>, run: &Run, progress: &Progress) -> (Vec<TipChange>, Vec<NotEvaluated>) {
    let Some(observed) = observed else { return (Vec::new(), Vec::new()) };
    let subject = "whether histories were rewritten";
    in_time(run.limit.within(readers.sources.changes(observed, progress)).await, Stage::History, subject)
}

/// Who signed the tags by which sources are asked for.
async fn tags(readers: &Readers, judging: &attribute::Judging<'_>, run: &Run, progress: &Progress) -> (Vec<JudgedTag>, Vec<NotEvaluated>) {
    let tags = readers.sources.tags();
    if tags.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let verified = run.limit.within(readers.keyring.verify_tags(&tags, run.started, progress)).await;
    let (signatures, gaps) = in_time(verified, Stage::Verify, "the signatures of tags");
    (attribute::tags(tags, &signatures, judging), gaps)
}

/// What is known of commits, to judge them.
struct Proofs {
    signatures: Signatures,
    positions: Positions,
}

/// What the signatures of the commits say, and where those stand, by what the trust policy and the ends of keys ask.
async fn proofs(
    readers: &Readers,
    trust: &Trust,
    trees: &[Tree],
    commits: &[Commit],
    observed: &[ObservedTip],
    run: &Run,
    progress: &Progress,
) -> (Proofs, Vec<NotEvaluated>) {
    let verified = run.limit.within(readers.keyring.verify(commits, run.started, progress)).await;
    let (signatures, mut not_evaluated) = in_time(verified, Stage::Verify, "the signatures");
    let versioned = trees.iter().filter(|tree| tree.commit.is_some());
    let sources: Vec<(&str, &str)> = versioned.map(|tree| (tree.source.as_str(), tree.url.as_str())).collect();
    let asked = trust.asked(&sources, commits, &signatures, run.started);
    let (positions, gaps) = positions(readers, &asked, commits, observed, run, progress).await;
    not_evaluated.extend(gaps);
    (Proofs { signatures, positions }, not_evaluated)
}

/// Where commits stand, by what is asked.
async fn positions(
    readers: &Readers,
    asked: &BTreeMap<SourceId, Asked>,
    commits: &[Commit],
    observed: &[ObservedTip],
    run: &Run,
    progress: &Progress,
) -> (Positions, Vec<NotEvaluated>) {
    if asked.is_empty() {
        return Default::default();
    }
    let found = run.limit.within(readers.sources.positions(asked, commits, observed, progress)).await;
    in_time(found, Stage::History, "where commits stand in their histories")
}

/// Every document behind a declaration whose source is versioned, and how it is read: those that it is made of, and those whose
/// entries lead to them.
fn documents(declarations: &[Declaration], trees: &[Tree]) -> BTreeMap<DocumentRef, Dialect> {
    let entries = versioned(declarations, trees).flat_map(|declaration| declaration.drawn_by.iter().flatten());
    let mut documents = inputs(declarations, trees);
    documents.extend(entries.map(|entry| (entry.document.clone(), Dialect::Kustomize)));
    documents
}

/// Every document that a declaration of a versioned source is made of, and how it is read.
fn inputs(declarations: &[Declaration], trees: &[Tree]) -> BTreeMap<DocumentRef, Dialect> {
    let of_one = |declaration: &Declaration| {
        let dialect = match declaration.engine {
            Engine::Plain => Dialect::Raw,
            Engine::Kustomize => Dialect::Kustomize,
        };
        declaration.inputs.iter().map(|input| (input.document.clone(), dialect)).collect::<Vec<_>>()
    };
    versioned(declarations, trees).flat_map(of_one).collect()
}

fn versioned<'a>(declarations: &'a [Declaration], trees: &[Tree]) -> impl Iterator<Item = &'a Declaration> {
    let versioned: BTreeSet<String> = trees.iter().filter(|tree| tree.commit.is_some()).map(|tree| tree.source.clone()).collect();
    declarations.iter().filter(move |declaration| versioned.contains(&declaration.source))
}

fn in_time<T: Default>(answer: Result<(T, Vec<NotEvaluated>), Ended>, stage: Stage, subject: &str) -> (T, Vec<NotEvaluated>) {
    answer.unwrap_or_else(|ended| (T::default(), vec![NotEvaluated::new(stage, subject, ended.reason())]))
}

fn not_versioned(trees: &[Tree]) -> Vec<NotEvaluated> {
    let folders = trees.iter().filter(|tree| tree.commit.is_none());
    folders.map(|tree| NotEvaluated::new(Stage::History, format!("who declared what in source {}", tree.source), "not versioned")).collect()
}

/// The balance: what was not judged counts only where it is an object of the population.
pub fn coverage(
    comparisons: &[Comparison],
    rendered: Vec<Excluded>,
    compared: Vec<Excluded>,
    unlisted: Vec<Unlisted>,
    not_evaluated: &[NotEvaluated],
) -> Coverage {
    let unknown = comparisons.iter().filter(|comparison| comparison.state == ObjectState::Unknown).count();
    // An object that one source declares and another one fails to is in the population once.
    let compared_ids: BTreeSet<&ObjectId> = comparisons.iter().map(|comparison| &comparison.id).collect();
    let unrendered: BTreeSet<&ObjectId> =
        not_evaluated.iter().filter_map(|gap| gap.object.as_ref()).filter(|id| !compared_ids.contains(id)).collect();
    let mut by_rule: BTreeMap<String, usize> = BTreeMap::new();
    for Excluded { rule, count } in rendered.into_iter().chain(compared) {
        *by_rule.entry(rule).or_default() += count;
    }
    // A document that declares no object was never part of the population.
    let not_objects = by_rule.remove(render::NOT_AN_OBJECT).unwrap_or_default();
    Coverage {
        evaluated: comparisons.len() - unknown,
        excluded: by_rule.values().sum(),
        not_evaluated: unknown + unrendered.len(),
        not_objects,
        excluded_by: by_rule.into_iter().map(|(rule, count)| Excluded { rule, count }).collect(),
        unlisted,
        ..Coverage::default()
    }
}
