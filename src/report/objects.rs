//! The objects of a record: made one by one of a scan while they are written, or read back from a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::{Attribution, DeclaredField, Difference, InputAttribution, Manager, Object, ObjectRef, Origin, Place};
use super::value::{Timestamp, Told, Word};
use crate::model::attribution;
use crate::model::commit;
use crate::model::comparison::{self, Comparison, SchemaSource, Side};
use crate::model::declaration::{Declaration, DocumentRef, Engine, Input};
use crate::model::object::{FieldPath, ObjectId, Pointer};
use crate::model::scan::Scan;

/// Names the leaves of a declaration, in their order. Who knows the schema of the kind knows which lists are maps.
pub type LeafNames<'a> = dyn Fn(&Declaration) -> Vec<(FieldPath, Pointer)> + 'a;

/// The parts of a scan that objects are told from.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) declarations: &'a [Declaration],
    pub(crate) comparisons: &'a [Comparison],
    pub(crate) commits: &'a [commit::Commit],
    pub(crate) attributions: &'a [Option<attribution::Attribution>],
    pub(crate) leaf_names: Option<&'a LeafNames<'a>>,
}

impl<'a> View<'a> {
    pub(crate) fn of(scan: &'a Scan, leaf_names: Option<&'a LeafNames<'a>>) -> Self {
        Self {
            declarations: &scan.declarations,
            comparisons: &scan.comparisons,
            commits: &scan.histories.commits,
            attributions: &scan.attributions.declarations,
            leaf_names,
        }
    }
}

/// Objects, sorted by group, kind, namespace and name. Of a scan they are made anew at each look, so that the scan and its
/// record never lie in memory both.
pub struct Objects<'a>(Source<'a>);

enum Source<'a> {
    Read(Vec<Object>),
    /// The comparisons of the view in the order of their objects.
    Scan(View<'a>, Vec<usize>),
}

impl<'a> Objects<'a> {
    pub(crate) fn of(view: View<'a>) -> Self {
        let mut order: Vec<usize> = (0..view.comparisons.len()).collect();
        order.sort_by(|left, right| view.comparisons[*left].id.cmp(&view.comparisons[*right].id));
        Self(Source::Scan(view, order))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Source::Read(objects) => objects.len(),
            Source::Scan(_, order) => order.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those in one state, one after the other. The others are not made.
    pub fn in_state<'s>(&'s self, state: &'s str) -> impl Iterator<Item = Cow<'s, Object>> {
        (0..self.len()).filter(move |position| self.state(*position) == state).map(|position| self.at(position))
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Object>> {
        (0..self.len()).map(|position| self.at(position))
    }

    fn at(&self, position: usize) -> Cow<'_, Object> {
        match &self.0 {
            Source::Read(objects) => Cow::Borrowed(&objects[position]),
            Source::Scan(view, order) => Cow::Owned(view.object(&view.comparisons[order[position]])),
        }
    }

    fn state(&self, position: usize) -> &str {
        match &self.0 {
            Source::Read(objects) => &objects[position].state,
            Source::Scan(view, order) => view.comparisons[order[position]].state.as_str(),
        }
    }
}

impl fmt::Debug for Objects<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects({})", self.len())
    }
}

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Objects<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|objects| Self(Source::Read(objects)))
    }
}

impl JsonSchema for Objects<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Objects".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Object>::json_schema(generator)
    }
}

impl View<'_> {
    pub(crate) fn object(&self, comparison: &Comparison) -> Object {
        let declaration = comparison.declaration.and_then(|index| Some((index, self.declarations.get(index)?)));
        let ObjectRef { group, kind, namespace, name } = ObjectRef::from(&comparison.id);
        Object {
            group,
            version: comparison.version.clone(),
            kind,
            namespace,
            name,
            state: comparison.state.as_str().into(),
            reason: comparison.reason.clone(),
            reconciler: None,
            declared: declaration.map(|(_, declaration)| Place::of(declaration)),
            candidates: declaration.map_or_else(Vec::new, |(_, declaration)| candidates(declaration)),
            also_declared: comparison.also_declared.iter().filter_map(|index| self.declarations.get(*index)).map(Place::of).collect(),
            attribution: declaration.and_then(|(index, _)| self.attribution(index)),
            created_by: comparison.created_by.as_ref().map(Manager::from),
            created: comparison.created.map(Timestamp::from),
            defaults: comparison.defaults,
            differences: self.differences(comparison),
            ignored: self.ignored(comparison),
            schema: (comparison.declaration.is_some() && comparison.schema != SchemaSource::Cluster)
                .then(|| comparison.schema.as_str().into()),
            removed_version: comparison.removed_version.clone(),
            fields: declaration.map_or_else(Vec::new, |(index, declaration)| self.fields(index, declaration)),
        }
    }

    fn attribution(&self, declaration: usize) -> Option<Attribution> {
        let found = self.attributions.get(declaration)?.as_ref()?;
        let mut field_counts: BTreeMap<Word, usize> = BTreeMap::new();
        for leaf in &found.leaves {
            *field_counts.entry(leaf.verdict.as_str().into()).or_default() += 1;
        }
        Some(Attribution {
            authored_by: found.authored_by.as_ref().map(ToString::to_string),
            changed_by: found.changed_by.as_ref().map(ToString::to_string),
            touched_by: found.touched_by.as_ref().map(ToString::to_string),
            moved_by: found.moved_by.as_ref().map(ToString::to_string),
            activated_by: None,
            verdict: found.verdict.as_str().into(),
            reasons: found.reasons.clone(),
            inputs: found.inputs.iter().map(InputAttribution::of).collect(),
            field_counts,
        })
    }

    fn differences(&self, comparison: &Comparison) -> Vec<Difference> {
        let mut differences: Vec<Difference> =
            comparison.differences.iter().map(|difference| self.difference(comparison.declaration, difference)).collect();
        differences.sort_by(|left, right| left.field.cmp(&right.field));
        differences
    }

    fn ignored(&self, comparison: &Comparison) -> Vec<Difference> {
        let told = |ignored: &comparison::Ignored| Difference {
            ignored_by: Some(ignored.rule.clone()),
            ..self.difference(comparison.declaration, &ignored.difference)
        };
        comparison.ignored.iter().map(told).collect()
    }

    fn difference(&self, declaration: Option<usize>, difference: &comparison::Difference) -> Difference {
        let declared = Told::of(difference.declared.as_ref());
        let live = Told::of(difference.live.as_ref());
        Difference {
            field: difference.field.to_string(),
            path: difference.pointer.to_string(),
            side: match difference.side {
                Side::Live => "live".into(),
                Side::Declared => "declared".into(),
            },
            verdict: difference.verdict.as_str().into(),
            confidence: difference.low_confidence.then(|| "low".into()),
            decided_by: difference.decided_by.into(),
            declared: declared.value,
            declared_redacted: declared.redacted,
            declared_truncated: declared.truncated,
            live: live.value,
            live_redacted: live.redacted,
            live_truncated: live.truncated,
            manager: difference.manager.as_ref().map(Manager::from),
            obstacle: difference.obstacle.map(Word::from),
            ignored_by: None,
            origin: difference.leaf.zip(declaration).and_then(|(leaf, declaration)| self.origin(declaration, leaf)),
        }
    }

    /// Where a leaf was written. A leaf that no single document declares has a step and no path.
    pub(crate) fn origin(&self, declaration: usize, leaf: usize) -> Option<Origin> {
        let declared = self.declarations.get(declaration)?;
        let place = declared.leaves.get(leaf)?;
        let input = place.input.and_then(|input| declared.inputs.get(usize::from(input)));
        let credit = self.attributions.get(declaration).and_then(Option::as_ref).and_then(|found| found.leaves.get(leaf));
        let author = credit.and_then(|credit| self.commits.get(usize::try_from(credit.commit?).ok()?));
        Some(Origin {
            source: input.map_or_else(|| declared.source.clone(), |input| input.document.source.clone()),
            path: input.map(|input| input.document.path.to_string()),
            encoded: input.is_some_and(|input| input.document.path.is_encoded()),
            line: input.map(|_| place.line),
            end_line: input.map(|_| place.end_line),
            step: match declared.engine {
                Engine::Plain => "base".into(),
                Engine::Kustomize => "rendered".into(),
            },
            authored_by: author.map(|commit| commit.id.to_string()),
            verdict: credit.map(|credit| credit.verdict.as_str().into()),
            reasons: credit.map_or_else(Vec::new, |credit| credit.breaches.phrases().map(str::to_owned).collect()),
        })
    }

    fn fields(&self, index: usize, declaration: &Declaration) -> Vec<DeclaredField> {
        let Some(names) = self.leaf_names else { return Vec::new() };
        let mut fields: Vec<DeclaredField> = names(declaration)
            .into_iter()
            .enumerate()
            .filter_map(|(leaf, (field, _))| Some(DeclaredField { field: field.to_string(), origin: self.origin(index, leaf)? }))
            .collect();
        fields.sort_by(|left, right| left.field.cmp(&right.field));
        fields
    }
}

impl From<&ObjectId> for ObjectRef {
    fn from(id: &ObjectId) -> Self {
        Self { group: id.group.clone(), kind: id.kind.clone(), namespace: id.namespace.clone(), name: id.name.clone() }
    }
}

impl From<&comparison::Manager> for Manager {
    fn from(manager: &comparison::Manager) -> Self {
        Self {
            name: manager.name.clone(),
            operation: manager.operation.as_str().into(),
            subresource: manager.subresource.clone(),
            time: manager.time.as_ref().and_then(Timestamp::claimed),
        }
    }
}

impl Place {
    /// The one document that declares it. Of several candidates none is named: the first may be the wrong one.
    fn of(declaration: &Declaration) -> Self {
        match declaration.inputs.as_slice() {
            [input] => Self::of_input(input),
            _ => Self { source: declaration.source.clone(), path: None, encoded: false, line: None, end_line: None },
        }
    }

    fn of_input(input: &Input) -> Self {
        let DocumentRef { source, path, .. } = &input.document;
        Self {
            source: source.clone(),
            path: Some(path.to_string()),
            encoded: path.is_encoded(),
            line: Some(input.line),
            end_line: Some(input.end_line),
        }
    }
}

fn candidates(declaration: &Declaration) -> Vec<Place> {
    if declaration.inputs.len() < 2 { Vec::new() } else { declaration.inputs.iter().map(Place::of_input).collect() }
}

impl InputAttribution {
    fn of(input: &attribution::InputAttribution) -> Self {
        Self {
            source: input.document.source.clone(),
            path: input.document.path.to_string(),
            encoded: input.document.path.is_encoded(),
            commit: input.commit.as_ref().map(ToString::to_string),
            verdict: input.verdict.as_str().into(),
        }
    }
}
