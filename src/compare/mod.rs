//! Compares live objects with declared ones, without asking the server to.
//!
//! It never touches the world: [`plan()`] says which kinds to list, [`Comparer`] takes the pages and reduces each at once, so that
//! memory is bounded by what is declared. Defaulting, canonical forms and list keys come from the cluster's own schema and
//! from tables generated out of Kubernetes (tables/builtin.json); ownership from managedFields.
//!
//! ```text
//! plan ─ listings ─> (cluster) ─ pages ─> comparer ─ object by object ─> walk ─ differences ─> judge ─ who wrote it
//! ```
//! The rules follow a catalogue of a hundred rows; tests/cases/compare holds it as data, and comments cite its rows.

mod builtin;
mod changes;
mod comparer;
mod exclusion;
mod filled;
mod ignore;
mod judge;
mod leaves;
mod lists;
mod managers;
mod names;
mod object;
mod obstacle;
mod ownership;
mod place;
mod plan;
mod quantity;
mod said;
mod scalar;
mod scaling;
mod undeclared;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

pub use self::changes::field_changes;
pub use self::comparer::{Compared, Comparer};
pub use self::managers::{Class, ManagerRule};
pub use self::names::leaf_names;
pub use self::plan::{Plan, is_never_declared, plan};
use crate::model::declaration::SourceId;
use crate::model::ignore::IgnoreRule;

/// What a configuration may say about comparing.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The field manager that applies a source. A declaration's own wins; where neither says, it is decided per object.
    pub appliers: BTreeMap<SourceId, String>,
    /// Namespaces in which live objects that nothing declares are asked for.
    pub undeclared_namespaces: BTreeSet<String>,
    /// Leaves Secrets out: they are counted as excluded by the rule `secrets-skipped`.
    pub skip_secrets: bool,
    /// Differences that are not judged. The first rule that covers one counts.
    pub ignore: Vec<IgnoreRule>,
    /// Managers that the table does not know, or knows as something else.
    pub managers: Vec<ManagerRule>,
}
