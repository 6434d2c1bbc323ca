//! The record: the one serialised result of a scan, which every report encodes and other programs rely on.
//!
//! Fields may be added, never renamed or dropped without a new major [`SCHEMA_VERSION`]. What is absent has no key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::object::ObjectRef;
use super::objects::{LeafNames, Objects, View};
use super::policy::TrustPolicy;
use super::tag::Tag;
use super::value::{Timestamp, Word, is_false};
use super::words;
use crate::model::comparison::Comparison;
use crate::model::coverage;
use crate::model::declaration::Tree;
use crate::model::evidence::{ClusterIdentity, TipChange};
use crate::model::finding;
use crate::model::scan::{Reader, Scan};
use crate::model::tag::JudgedTag;

/// The version of the contract.
pub const SCHEMA_VERSION: &str = "1.0";

/// The serialised result of a scan.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    /// Version of this contract: additions raise the second number.
    #[schemars(extend("pattern" = "^1\\.[0-9]+$"))]
    pub schema_version: Word,
    /// Always `Record`.
    #[schemars(extend("const" = "Record"))]
    pub kind: Word,
    /// Whether everything could be judged.
    #[schemars(extend("enum" = ["complete", "partial", "failed"]))]
    pub status: Word,
    /// What differs between two runs over the same evidence.
    pub run: Run,
    /// Digest of every setting that can change a verdict.
    pub policy_digest: String,
    /// The trust policy, where it is kept in a source and can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_policy: Option<TrustPolicy>,
    /// Which cluster.
    pub cluster: Cluster,
    /// The sources, sorted by id.
    pub sources: Vec<Source>,
    /// What applies the sources, sorted by id.
    pub reconcilers: Vec<Reconciler>,
    /// The objects, sorted by group, kind, namespace, name.
    pub objects: Objects<'a>,
    /// The commits that are credited, sorted by source and id.
    pub commits: Vec<Commit>,
    /// Sorted by object, rule, field.
    pub findings: Vec<Finding>,
    /// Population = evaluated + excluded + not evaluated.
    pub coverage: Coverage,
    /// What could not be judged, sorted by subject.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// One run of the program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// A random id.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Where live objects came from.
    #[schemars(extend("enum" = ["live", "recording"]))]
    pub reader: Word,
    /// The program.
    pub tool: Tool,
    /// How many requests the cluster answered or refused, all of them reads.
    #[serde(default)]
    pub requests: usize,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
}

/// The program that made the record.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: Word,
    /// Its version.
    pub version: Word,
}

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// uid of the namespace `kube-system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Its name in the configuration.
    pub name: String,
    /// `gitVersion` of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A source at the revision that was read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Its name in the configuration.
    pub id: String,
    /// Where it came from, without credentials.
    pub url: String,
    /// The reference that was asked for, by its full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// The commit it was read at. Absent for a plain folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: Option<String>,
    /// Whether the history behind the commit is cut off.
    pub shallow: bool,
    /// The folder in it that declares objects; absent for the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether `path` is not UTF-8 and so written with `%XX`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub encoded: bool,
    /// How many changed paths of a working copy were not read, because they are not committed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncommitted: usize,
    /// The tag object by which it was asked for. Absent for branches, commits and lightweight tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// Where an earlier scan saw the reference. Absent where none looked, or where nobody remembers tips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousTip>,
}

/// Where an earlier scan saw the reference of a source, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PreviousTip {
    /// The commit.
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: String,
    /// The tag object that led to it. Absent for branches and lightweight tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub tag: Option<String>,
    /// When it was seen there first.
    pub observed: Timestamp,
    /// What became of it: `ahead` where the new commit descends from the old one; `unknown` where too much of the history is
    /// missing to tell.
    #[schemars(extend("enum" = ["same", "ahead", "rewritten", "tag-moved", "unknown"]))]
    pub change: Word,
}

/// What applies a source to the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reconciler {
    /// Its identity.
    pub id: String,
    /// The tool, as in `flux`.
    pub tool: String,
    /// How it renders.
    pub engine: String,
    /// The source it applies.
    pub source: String,
    /// The folder it applies.
    pub path: String,
    /// The commit that was applied last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<String>,
    /// The commit that its reference points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tip: Option<String>,
    /// Its state.
    #[schemars(extend("enum" = ["ready", "pending", "stale", "suspended", "failing", "unknown"]))]
    pub state: Word,
}

/// Something is not as it should be.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Identity across scans; holds no value.
    #[schemars(extend("pattern" = "^kw1:[0-9a-f]{64}$"))]
    pub fingerprint: String,
    /// Id of the check.
    pub rule: Word,
    /// How bad it is.
    #[schemars(extend("enum" = ["note", "warning", "error"]))]
    pub severity: Word,
    /// The object concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// The commit concerned, where no object is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^[0-9a-f]{40,64}$"))]
    pub commit: Option<String>,
    /// The field concerned, in the field grammar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its place, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// One sentence.
    pub message: String,
    /// Why it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// What became of it since an earlier record; only where one was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Word>,
}

/// Why a finding is accepted, by whom and until when.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when.
    pub expires: String,
}

/// The balance.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Objects judged.
    pub evaluated: usize,
    /// Objects left out by a rule.
    pub excluded: usize,
    /// Objects that could not be judged.
    pub not_evaluated: usize,
    /// Kinds that could not be listed: what they hold is unknown.
    pub unlisted: Vec<Unlisted>,
    /// The exclusions by rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_by: Vec<Excluded>,
    /// Documents of the sources that declare no object; never part of the population.
    #[serde(default)]
    pub not_objects: usize,
    /// The rules of the configuration that take differences out of the judgement, in their order. The fields themselves are in
    /// `ignored` of their objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<IgnoredBy>,
    /// The rules that made different texts equal. Each field is a difference with the verdict `equal`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normalisations: Vec<Normalisation>,
}

/// What a rule of the configuration took out of the judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IgnoredBy {
    /// The rule, by its position in the configuration.
    pub rule: String,
    /// Why, in the words of the configuration.
    pub reason: String,
    /// How many fields.
    pub fields: usize,
    /// How many objects, those included that were left out as a whole and are counted as excluded.
    pub objects: usize,
    /// Where it took out nothing: what it did not find.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["no object", "no difference"]))]
    pub unused: Option<Word>,
}

/// How often a rule made different texts equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Normalisation {
    /// The rule.
    pub rule: Word,
    /// How many fields.
    pub count: usize,
}

/// A kind that could not be listed whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unlisted {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// The namespace, where only one could not be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Why.
    pub reason: String,
}

/// How many objects a rule left out on purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Excluded {
    /// The rule.
    pub rule: String,
    /// How many objects.
    pub count: usize,
}

/// A subject that could not be judged.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NotEvaluated {
    /// The stage that gave up.
    #[schemars(schema_with = "words::stage")]
    pub stage: Word,
    /// What could not be judged.
    pub subject: String,
    /// Why, as one stable phrase.
    pub reason: String,
    /// The underlying error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The object, where the subject is one of the population.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Why a text is no record of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or a field that is needed has another form.
    #[error("the record cannot be read")]
    Json(#[from] serde_json::Error),
    /// Another document.
    #[error("a document of the kind `{0}` is not a record")]
    Kind(String),
    /// A later contract.
    #[error("the record has schemaVersion `{0}`, but this program reads 1.x")]
    Version(String),
}

impl<'a> Record<'a> {
    /// The record of a scan, as a view of it. With `leaf_names` it lists every declared leaf of every object.
    pub fn of(scan: &'a Scan, leaf_names: Option<&'a LeafNames<'a>>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION.into(),
            kind: "Record".into(),
            status: status(&scan.coverage, &scan.not_evaluated, &scan.comparisons).into(),
            run: Run::of(scan),
            policy_digest: scan.policy_digest.clone(),
            trust_policy: scan.kept.as_ref().map(TrustPolicy::of),
            cluster: Cluster::of(&scan.cluster),
            sources: sorted(scan.sources.iter().map(|tree| Source::of(tree, &scan.tips, &scan.tags)), |source| source.id.clone()),
            reconcilers: Vec::new(),
            objects: Objects::of(View::of(scan, leaf_names)),
            commits: commits(scan),
            findings: findings(&scan.findings),
            coverage: Coverage::of(&scan.coverage),
            not_evaluated: not_evaluated(&scan.not_evaluated),
        }
    }
}

impl Record<'static> {
    /// Reads a record back. Fields that this version does not know are ignored.
    ///
    /// # Errors
    /// Where the text is not a record, or one of a later contract.
    pub fn read(text: &[u8]) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            schema_version: String,
            kind: String,
        }
        let head: Head = serde_json::from_slice(text)?;
        if head.kind != "Record" {
            return Err(ReadError::Kind(head.kind));
        }
        if head.schema_version.split('.').next() != Some("1") {
            return Err(ReadError::Version(head.schema_version));
        }
        Ok(serde_json::from_slice(text)?)
    }
}

/// `complete` only where there is nothing that was not judged, whether an object, a field, a kind or a source.
fn status(coverage: &coverage::Coverage, gaps: &[coverage::NotEvaluated], comparisons: &[Comparison]) -> &'static str {
    let complete =
        coverage.not_evaluated == 0 && coverage.unlisted.is_empty() && gaps.is_empty() && !comparisons.iter().any(Comparison::has_unknown);
    if complete { "complete" } else { "partial" }
}

fn sorted<T, Key: Ord>(items: impl Iterator<Item = T>, key: impl FnMut(&T) -> Key) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_cached_key(key);
    items
}

fn commits(scan: &Scan) -> Vec<Commit> {
    let made = scan.histories.commits.iter().enumerate().map(|(index, commit)| {
        let facts = scan.signatures.get(&(commit.source.clone(), commit.id.clone()));
        Commit::of(commit, facts, scan.attributions.commits.get(index))
    });
    sorted(made, |commit| (commit.source.clone(), commit.id.clone()))
}

fn findings(findings: &[finding::Finding]) -> Vec<Finding> {
    sorted(findings.iter().map(Finding::of), |finding| {
        (finding.object.clone(), finding.rule.clone(), finding.field.clone(), finding.commit.clone(), finding.message.clone())
    })
}

pub(crate) fn not_evaluated(subjects: &[coverage::NotEvaluated]) -> Vec<NotEvaluated> {
    sorted(subjects.iter().map(NotEvaluated::of), |gap| {
        (gap.subject.clone(), gap.stage.clone(), gap.reason.clone(), gap.object.clone(), gap.detail.clone())
    })
}

impl Run {
    fn of(scan: &Scan) -> Self {
        Self {
            id: scan.run.clone(),
            started: scan.started.into(),
            finished: scan.finished.into(),
            reader: match scan.reader {
                Reader::Live => "live".into(),
                Reader::Recording => "recording".into(),
            },
            tool: Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
            requests: scan.requests,
            duration_ms: u64::try_from((scan.finished - scan.started).num_milliseconds()).unwrap_or(0),
        }
    }
}

impl Cluster {
    fn of(cluster: &ClusterIdentity) -> Self {
        Self { uid: cluster.uid.clone(), name: cluster.name.clone(), version: cluster.version.clone() }
    }
}

impl Source {
    pub(crate) fn of(tree: &Tree, tips: &[TipChange], tags: &[JudgedTag]) -> Self {
        let tag = tags.iter().find(|judged| judged.tag.object.source == tree.source);
        let since = tips.iter().find(|tip| tip.source == tree.source).and_then(|tip| tip.since.as_ref());
        Self {
            id: tree.source.clone(),
            url: tree.url.clone(),
            requested: tree.requested.clone(),
            commit: tree.commit.as_ref().map(ToString::to_string),
            shallow: tree.shallow,
            path: (!tree.root.is_empty()).then(|| tree.root.to_string()),
            encoded: tree.root.is_encoded(),
            uncommitted: tree.uncommitted,
            tag: tag.map(Tag::of),
            previous: since.map(|(old, change)| PreviousTip {
                commit: old.tip.commit.to_string(),
                tag: old.tip.tag.as_ref().map(|tag| tag.id.to_string()),
                observed: old.observed.into(),
                change: change.as_str().into(),
            }),
        }
    }
}

impl Finding {
    fn of(finding: &finding::Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint.clone(),
            rule: finding.rule.into(),
            severity: finding.severity.as_str().into(),
            object: finding.object.as_ref().map(ObjectRef::from),
            commit: finding.commit.as_ref().map(ToString::to_string),
            field: finding.field.as_ref().map(ToString::to_string),
            path: finding.pointer.as_ref().map(ToString::to_string),
            message: finding.message.clone(),
            exception: None,
            state: None,
        }
    }
}

impl Coverage {
    pub(crate) fn of(coverage: &coverage::Coverage) -> Self {
        let unlisted = coverage.unlisted.iter().map(|kind| Unlisted {
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            namespace: kind.namespace.clone(),
            reason: kind.reason.clone(),
        });
        let excluded = coverage.excluded_by.iter().map(|excluded| Excluded { rule: excluded.rule.clone(), count: excluded.count });
        Self {
            evaluated: coverage.evaluated,
            excluded: coverage.excluded,
            not_evaluated: coverage.not_evaluated,
            unlisted: sorted(unlisted, Clone::clone),
            excluded_by: sorted(excluded, Clone::clone),
            not_objects: coverage.not_objects,
            ignored: coverage.ignored.iter().map(IgnoredBy::of).collect(),
            normalisations: coverage.normalisations.iter().map(Normalisation::of).collect(),
        }
    }
}

impl IgnoredBy {
    fn of(ignored: &coverage::IgnoredBy) -> Self {
        Self {
            rule: ignored.rule.clone(),
            reason: ignored.reason.clone(),
            fields: ignored.fields,
            objects: ignored.objects,
            unused: ignored.unused.map(Word::from),
        }
    }
}

impl Normalisation {
    fn of(normalisation: &coverage::Normalisation) -> Self {
        Self { rule: normalisation.rule.into(), count: normalisation.count }
    }
}

impl NotEvaluated {
    fn of(gap: &coverage::NotEvaluated) -> Self {
        Self {
            stage: gap.stage.as_str().into(),
            subject: gap.subject.clone(),
            reason: gap.reason.clone(),
            detail: gap.detail.clone(),
            object: gap.object.as_ref().map(ObjectRef::from),
        }
    }
}
