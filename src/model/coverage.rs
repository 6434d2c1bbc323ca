//! What was judged and what was not.

use super::object::ObjectId;

/// The stage that could not judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading the cluster.
    Read,
    /// Fetching a source.
    Fetch,
    /// Making declarations of files.
    Render,
    /// Comparing.
    Compare,
    /// Walking the history.
    History,
    /// Verifying signatures.
    Verify,
}

impl Stage {
    /// The word used in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Fetch => "fetch",
            Self::Render => "render",
            Self::Compare => "compare",
            Self::History => "history",
            Self::Verify => "verify",
        }
    }
}

/// A subject that could not be judged: never taken for equal, absent or passed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotEvaluated {
    /// The stage that gave up.
    pub stage: Stage,
    /// The object concerned, where it is one object of the population.
    pub object: Option<ObjectId>,
    /// What could not be judged, in words: a kind, a file, a source, an object.
    pub subject: String,
    /// Why, as one stable phrase: `forbidden`, `not in the recording`, `namespace unknown`.
    pub reason: String,
    /// The underlying error, for a person. Holds no secret value.
    pub detail: Option<String>,
}

impl NotEvaluated {
    /// Something other than one object of the population.
    pub fn new(stage: Stage, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { stage, object: None, subject: subject.into(), reason: reason.into(), detail: None }
    }

    /// One object of the population.
    pub fn object(stage: Stage, object: ObjectId, reason: impl Into<String>) -> Self {
        Self { stage, subject: object.to_string(), object: Some(object), reason: reason.into(), detail: None }
    }

    /// The same with the underlying error.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// The items that a stage could make, and what it could not judge. There is no way to get the one without the other.
#[must_use]
#[derive(Clone, Debug)]
pub struct Partial<T> {
    items: Vec<T>,
    not_evaluated: Vec<NotEvaluated>,
}

impl<T> Default for Partial<T> {
    fn default() -> Self {
        Self { items: Vec::new(), not_evaluated: Vec::new() }
    }
}

impl<T> Partial<T> {
    /// Adds an item.
    pub fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Adds a subject that could not be judged.
    pub fn give_up(&mut self, subject: NotEvaluated) {
        self.not_evaluated.push(subject);
    }

    /// Takes over all of another.
    pub fn append(&mut self, mut other: Self) {
        self.items.append(&mut other.items);
        self.not_evaluated.append(&mut other.not_evaluated);
    }

    /// The items alone, to look at. What was not evaluated stays.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Both halves.
    pub fn into_parts(self) -> (Vec<T>, Vec<NotEvaluated>) {
        (self.items, self.not_evaluated)
    }
}

/// A listing that the cluster did not give whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unlisted {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// The namespace, where only one could not be listed.
    pub namespace: Option<String>,
    /// Why: `forbidden`, `server error`, `not in the recording`.
    pub reason: String,
}

/// How many objects a rule left out of the judgement on purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excluded {
    /// The rule, as in `controller-owned`.
    pub rule: String,
    /// How many objects.
    pub count: usize,
}

/// What a rule of the configuration took out of the judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct IgnoredBy {
    /// Id of the rule, as in `ignore[0]`.
    pub rule: String,
    /// Why, in the words of who made it.
    pub reason: String,
    /// How many fields.
    pub fields: usize,
    /// How many objects, those included that were left out as a whole.
    pub objects: usize,
    /// Where it took out nothing: what it did not find.
    pub unused: Option<&'static str>,
}

/// How often a rule made two different texts equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Normalisation {
    /// The rule, as in `quantity`.
    pub rule: &'static str,
    /// How many fields; each is a difference with the verdict `equal`.
    pub count: usize,
}

/// The balance of a scan: population = evaluated + excluded + not evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Objects judged.
    pub evaluated: usize,
    /// Objects left out by a rule; the sum of `excluded_by` over objects of the population.
    pub excluded: usize,
    /// Objects of the population that could not be judged.
    pub not_evaluated: usize,
    /// The exclusions by rule, sorted.
    pub excluded_by: Vec<Excluded>,
    /// Documents that declare no object, such as values of Helm; never part of the population.
    pub not_objects: usize,
    /// Kinds that could not be listed, sorted. What they hold is unknown, so they are no number.
    pub unlisted: Vec<Unlisted>,
    /// The rules of the configuration and what they took out, in their order.
    pub ignored: Vec<IgnoredBy>,
    /// The rules that made different texts equal, sorted.
    pub normalisations: Vec<Normalisation>,
}
