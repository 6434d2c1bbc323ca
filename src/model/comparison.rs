//! What comparing said of objects and fields. The names are record.md's.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::object::{FieldPath, ObjectId, Pointer};

/// The verdict on a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldVerdict {
    /// A declared value differs live.
    Drifted,
    /// A declared field is gone live.
    Removed,
    /// Not declared, last written by a person's tool, an unknown manager, or nobody on record at the scale subresource.
    Undeclared,
    /// Differs although the applier still owns it.
    Rewritten,
    /// The applier owns it, Git no longer declares it.
    Stale,
    /// Cannot become what is declared.
    NeverConverges,
    /// Unowned and no default: admission or an allocator.
    Injected,
    /// A known controller's.
    UndeclaredController,
    /// The server's default.
    Defaulted,
    /// Equal by a rule although the text differs.
    Equal,
    /// Git is ahead of what was applied.
    Pending,
    /// Cannot be judged.
    Unknown,
}

impl FieldVerdict {
    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::Removed => "removed",
            Self::Undeclared => "undeclared",
            Self::Rewritten => "rewritten",
            Self::Stale => "stale",
            Self::NeverConverges => "never-converges",
            Self::Injected => "injected",
            Self::UndeclaredController => "undeclared-controller",
            Self::Defaulted => "defaulted",
            Self::Equal => "equal",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it makes an object `drifted`.
    pub fn is_drift(self) -> bool {
        matches!(self, Self::Drifted | Self::Removed | Self::Undeclared | Self::Rewritten | Self::Stale | Self::NeverConverges)
    }
}

/// The state of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectState {
    /// Live as declared.
    Synced,
    /// A field differs.
    Drifted,
    /// Declared, not there.
    Missing,
    /// There, declared nowhere.
    Undeclared,
    /// Removed from Git, still there.
    Orphaned,
    /// Git is ahead of what was applied.
    Pending,
    /// Being deleted.
    Terminating,
    /// Declared, not there, and rightly so: a hook or a Job that cleans up after itself.
    ExpectedAbsent,
    /// Declared for another cluster.
    OtherCluster,
    /// Could not be judged; the reason is with it.
    Unknown,
}

impl ObjectState {
    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Undeclared => "undeclared",
            Self::Orphaned => "orphaned",
            Self::Pending => "pending",
            Self::Terminating => "terminating",
            Self::ExpectedAbsent => "expected-absent",
            Self::OtherCluster => "other-cluster",
            Self::Unknown => "unknown",
        }
    }
}

/// `Apply` or `Update`, as an entry of managedFields says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    /// The word used by Kubernetes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who wrote a field last, as managedFields claim. A tool's name, never a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Name of the field manager.
    pub name: String,
    /// Operation.
    pub operation: Operation,
    /// Subresource, as in `scale`.
    pub subresource: Option<String>,
    /// Time of the manager's last changing write; often absent, for more reasons than one.
    pub time: Option<DateTime<Utc>>,
}

/// A value to show, or the word that it must not be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// The value.
    Shown(Value),
    /// A secret value.
    Redacted,
}

/// Which side [`Difference::pointer`] points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The live object.
    Live,
    /// The declared one, where the value is only there.
    Declared,
}

/// One field that differs in text, whatever that means.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Its identity.
    pub field: FieldPath,
    /// Its place.
    pub pointer: Pointer,
    /// The side of that place.
    pub side: Side,
    /// The verdict.
    pub verdict: FieldVerdict,
    /// Whether the verdict is of low confidence.
    pub low_confidence: bool,
    /// The table or rule that decided, as in `quantity`.
    pub decided_by: &'static str,
    /// The declared value, where the field is declared.
    pub declared: Option<FieldValue>,
    /// The live value, where there is one.
    pub live: Option<FieldValue>,
    /// The last writer on record, where there is one.
    pub manager: Option<Manager>,
    /// Index of the declared leaf (or of the first leaf below the declared value) in `Declaration::leaves`.
    pub leaf: Option<usize>,
    /// Why the server would refuse to make the live value what is declared, where that is known: `immutable`, `cannot-shrink`.
    pub obstacle: Option<&'static str>,
}

/// A difference that a rule takes out of the judgement.
#[derive(Clone, Debug)]
pub struct Ignored {
    /// Id of the rule.
    pub rule: String,
    /// What differs, judged as if there were no rule.
    pub difference: Difference,
}

/// What the fields of an object were read by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaSource {
    /// The cluster's own schema.
    #[default]
    Cluster,
    /// The table of built-in kinds, because the cluster's schema was not there.
    Table,
    /// Nothing: lists were taken by position, and nothing was known of formats and defaults.
    Nothing,
}

impl SchemaSource {
    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Table => "table",
            Self::Nothing => "none",
        }
    }
}

/// What is wrong with the record of writers of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipGap {
    /// Somebody wrote what is declared, and nobody is on record.
    Emptied,
    /// It bears the mark of an applier that is not on record.
    ApplierGone,
}

/// What comparing said of one object.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Which object.
    pub id: ObjectId,
    /// The version it was compared at.
    pub version: String,
    /// Its state.
    pub state: ObjectState,
    /// Why, where the state needs a reason.
    pub reason: Option<String>,
    /// Index of its declaration; `None` for an undeclared object.
    pub declaration: Option<usize>,
    /// Indices of further declarations of the same object.
    pub also_declared: Vec<usize>,
    /// How many undeclared fields were the server's defaults.
    pub defaults: usize,
    /// Sorted by field. Equal and defaulted ones are in it only where the text differs by a rule (`equal`), never plain defaults.
    pub differences: Vec<Difference>,
    /// Differences that rules took out of the judgement, sorted by field.
    pub ignored: Vec<Ignored>,
    /// What its fields were read by.
    pub schema: SchemaSource,
    /// The version it is declared at, where the cluster certainly serves the kind and not this version.
    pub removed_version: Option<String>,
    /// What is wrong with its record of writers, where that is certain.
    pub ownership_gap: Option<OwnershipGap>,
    /// Who applies it, as its record of writers claims. Absent where no applier is on record, and for an undeclared object.
    pub applied_by: Option<Manager>,
    /// For an undeclared object: the manager of its earliest entry, who seems to have created it.
    pub created_by: Option<Manager>,
    /// For an undeclared object: when it was created.
    pub created: Option<DateTime<Utc>>,
}

impl Comparison {
    /// Whether something of the object could not be judged: all of it, or a field beside others that could.
    pub fn has_unknown(&self) -> bool {
        self.state == ObjectState::Unknown || self.differences.iter().any(|difference| difference.verdict == FieldVerdict::Unknown)
    }
}
