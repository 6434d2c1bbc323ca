//! What a person is told about.

use super::commit::CommitId;
use super::object::{FieldPath, ObjectId, Pointer};

/// How bad a finding is. Ordered: `Note < Warning < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be known.
    Note,
    /// To be looked at.
    Warning,
    /// To be mended.
    Error,
}

impl Severity {
    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something is not as it should be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Identity across scans: `kw1:` and a digest that holds no value (record.md).
    pub fingerprint: String,
    /// Id of the check, as in `field-drifted`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The object concerned. Absent where a commit or source is meant.
    pub object: Option<ObjectId>,
    /// The field concerned.
    pub field: Option<FieldPath>,
    /// Its place.
    pub pointer: Option<Pointer>,
    /// The commit concerned, where no object is.
    pub commit: Option<CommitId>,
    /// One sentence that names both sides. Holds no secret value.
    pub message: String,
}
