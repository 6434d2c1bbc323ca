//! Takes the cluster's pages and keeps only what was said of declared objects and of strays.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::Settings;
use super::exclusion::{self, Claims};
use super::ignore::{self, Ignoring};
use super::object::{Pair, comparison, settle};
use super::ownership::Ownership;
use super::plan::{Place, Plan, Planned};
use super::scaling::{Scaling, is_autoscaler};
use crate::model::comparison::{Comparison, FieldVerdict, ObjectState, SchemaSource};
use crate::model::coverage::{Excluded, IgnoredBy, Normalisation, NotEvaluated, Stage, Unlisted};
use crate::model::declaration::Declaration;
use crate::model::evidence::{ListingGap, Page};
use crate::model::object::{LiveObject, ObjectId};
use crate::model::schema::Schemas;

const ELSEWHERE: &str = "declared differently elsewhere";

/// What comparing brought.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// One for each declared object that was not excluded, and one for each undeclared object that was asked for; sorted by
    /// object. Each of state `unknown` has its entry in `not_evaluated`.
    pub comparisons: Vec<Comparison>,
    /// Objects left out on purpose, by rule, sorted.
    pub excluded: Vec<Excluded>,
    /// What could not be judged, sorted: each object of state `unknown`, with `object`; by subject only, further declarations
    /// of an object that drifted from the first one.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Listings that did not come whole, sorted.
    pub unlisted: Vec<Unlisted>,
    /// What each rule of the settings took out of the judgement, in their order.
    pub ignored: Vec<IgnoredBy>,
    /// The rules that made different texts equal, sorted.
    pub normalisations: Vec<Normalisation>,
}

/// The exclusion of objects that a rule of the configuration leaves out.
const IGNORED: &str = "ignored";

/// Compares page by page.
pub struct Comparer<'a> {
    declarations: &'a [Declaration],
    plan: &'a Plan,
    schemas: &'a Schemas,
    settings: &'a Settings,
    /// What was said of each declared object that was seen, with the listing that brought it.
    seen: HashMap<ObjectId, (usize, Comparison)>,
    /// Undeclared objects of the namespaces that were asked for.
    strays: BTreeMap<ObjectId, (usize, Stray)>,
    /// `metadata.uid` of each object in `seen` or `strays`, with the listing that brought it; none where no strays are asked for.
    uids: HashMap<ObjectId, (usize, String)>,
    scaling: Scaling,
    claims: Claims,
    /// Listings that showed a record of writers, so that one without it means something. None where the reader always does.
    recording: Option<HashSet<usize>>,
}

enum Stray {
    Excluded(&'static str),
    Ignored(usize),
    Undeclared(Box<Comparison>),
}

impl<'a> Comparer<'a> {
    /// A comparer for the pages of this plan.
    pub fn new(declarations: &'a [Declaration], plan: &'a Plan, schemas: &'a Schemas, settings: &'a Settings) -> Self {
        let (seen, strays, uids) = (HashMap::new(), BTreeMap::new(), HashMap::new());
        let (scaling, claims) = (Scaling::default(), Claims::default());
        Self { declarations, plan, schemas, settings, seen, strays, uids, scaling, claims, recording: Some(HashSet::new()) }
    }

    /// For pages of an API server, which always shows its record of writers; a dump shows it only where it was asked to.
    pub fn of_server(self) -> Self {
        Self { recording: None, ..self }
    }

    /// Takes a page. Nothing of its objects is kept but what was said of them.
    pub fn page(&mut self, page: Page) {
        match page {
            Page::Objects(listing, objects) => objects.iter().for_each(|object| self.object(listing, object)),
            Page::Restarted(listing) => {
                self.seen.retain(|_, (from, _)| *from != listing);
                self.strays.retain(|_, (from, _)| *from != listing);
                self.uids.retain(|_, (from, _)| *from != listing);
                self.scaling.forget(listing);
                self.claims.forget(listing);
            }
        }
    }

    fn object(&mut self, listing: usize, live: &LiveObject) {
        if self.settings.skip_secrets && live.id.is_secret() {
            return;
        }
        self.scaling.note(Some(listing), &live.id, live.manifest.value());
        self.claims.note(listing, live);
        if let Some(recording) = self.recording.as_mut().filter(|_| live.managed_fields.is_some()) {
            recording.insert(listing);
        }
        match self.plan.objects.get(&live.id) {
            Some(planned) if matches!(planned.place, Place::Listing(expected) if expected == listing) => {
                let said = self.compare(planned, live);
                self.seen.insert(live.id.clone(), (listing, said));
                if self.plan.has_strays() {
                    self.uids.insert(live.id.clone(), (listing, live.uid.clone()));
                }
            }
            Some(_) => {}
            None if self.plan.stray_listing(&live.id) == Some(listing) => {
                let ignored = || ignore::whole(&self.settings.ignore, &live.id, live.manifest.value()).map(Stray::Ignored);
                let excluded = exclusion::rule(live).map(Stray::Excluded);
                let stray = excluded.or_else(ignored).unwrap_or_else(|| Stray::Undeclared(Box::new(undeclared(live))));
                self.strays.insert(live.id.clone(), (listing, stray));
                self.uids.insert(live.id.clone(), (listing, live.uid.clone()));
            }
            None => {}
        }
    }

    fn compare(&self, planned: &Planned, live: &LiveObject) -> Comparison {
        let declaration = &self.declarations[planned.declarations[0]];
        let applier = declaration.applier.as_deref().or_else(|| self.settings.appliers.get(&declaration.source).map(String::as_str));
        comparison(&Pair {
            schemas: self.schemas,
            declaration,
            live,
            applier,
            scale: self.plan.scales.known(&live.id),
            managers: &self.settings.managers,
        })
    }

    /// What all pages together say. `gaps` are the listings that did not come whole.
    pub fn finish(mut self, gaps: &[ListingGap]) -> Compared {
        let mut compared = Compared::default();
        let mut excluded: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut ignoring = Ignoring::new(&self.settings.ignore);
        self.note_unread_autoscalers(gaps);
        for (id, planned) in &self.plan.objects {
            if matches!(planned.place, Place::Skipped) {
                *excluded.entry("secrets-skipped").or_default() += 1;
                continue;
            }
            let declaration = &self.declarations[planned.declarations[0]];
            let manifest = declaration.manifest.value();
            if let Some(rule) = ignore::whole(&self.settings.ignore, id, manifest) {
                *excluded.entry(IGNORED).or_default() += 1;
                ignoring.left_out(rule);
                continue;
            }
            let (mut said, why) = match self.seen.remove(id) {
                Some((listing, said)) => {
                    let shows_writers = self.recording.as_ref().is_none_or(|recording| recording.contains(&listing));
                    let ownership_gap = said.ownership_gap.filter(|_| shows_writers);
                    (Comparison { ownership_gap, ..said }, None)
                }
                None => self.unseen(id, planned, gaps),
            };
            self.complete(&mut said, planned, gaps);
            if ignoring.sift(&mut said, manifest) {
                let terminating = said.state == ObjectState::Terminating;
                settle(&mut said, terminating, declaration.encrypted);
            }
            self.doubt(&mut said, planned.declarations[0], &planned.declarations[1..]);
            if said.state == ObjectState::Unknown {
                let reason = said.reason.clone().unwrap_or_default();
                compared.not_evaluated.push(why.unwrap_or_else(|| NotEvaluated::object(Stage::Compare, id.clone(), reason)));
            } else if said.state == ObjectState::Drifted && said.reason.as_deref() == Some(ELSEWHERE) {
                // The object is judged, and counts as such; only its other declarations are not.
                compared.not_evaluated.push(NotEvaluated::new(Stage::Compare, id.to_string(), ELSEWHERE));
            }
            compared.comparisons.push(said);
        }
        self.add_strays(&mut compared, &mut excluded, &mut ignoring);
        compared.comparisons.sort_by(|one, other| one.id.cmp(&other.id));
        compared.not_evaluated.sort();
        compared.excluded = excluded.into_iter().map(|(rule, count)| Excluded { rule: rule.to_owned(), count }).collect();
        compared.unlisted = self.unlisted(gaps);
        compared.ignored = ignoring.tell();
        compared.normalisations = normalisations(&compared.comparisons);
        compared
    }

    /// A declared autoscaler scales only where it is live; that it is not can be known only where it could be read.
    fn note_unread_autoscalers(&mut self, gaps: &[ListingGap]) {
        for (id, planned) in self.plan.objects.iter().filter(|(id, _)| !self.seen.contains_key(id)) {
            let is_unread = match &planned.place {
                Place::Unreadable(_) => true,
                Place::Listing(listing) => gaps.iter().any(|gap| gap.listing == *listing && covers(gap, id)),
                Place::NotServed | Place::Skipped => false,
            };
            for declaration in planned.declarations.iter().filter(|_| is_unread) {
                self.scaling.note(None, id, self.declarations[*declaration].manifest.value());
            }
        }
    }

    /// Adds what only the whole scan knows: the declarations of the object, and its autoscaler.
    fn complete(&self, said: &mut Comparison, planned: &Planned, gaps: &[ListingGap]) {
        let (first, others) = planned.declarations.split_first().expect("a planned object has a declaration");
        said.declaration = Some(*first);
        said.also_declared = others.to_vec();
        let declaration = &self.declarations[*first];
        said.removed_version = planned.version_removed.then(|| declaration.version.clone());
        if let Some(scale) = self.plan.scales.likely(&said.id, declaration.manifest.value()) {
            let is_gap = |gap: &ListingGap| self.is_of_autoscalers(gap) && covers(gap, &said.id);
            let unread = !self.plan.unread_autoscalers.is_empty() || gaps.iter().any(is_gap);
            if self.scaling.apply(said, scale, unread) {
                let terminating = said.state == ObjectState::Terminating;
                settle(said, terminating, declaration.encrypted);
            }
        }
    }

    /// Where another declaration says something else, which of them is compared is chance: so nothing is in sync, or rightly
    /// absent.
    fn doubt(&self, said: &mut Comparison, first: usize, others: &[usize]) {
        let declared = |position: usize| &self.declarations[position];
        let has_reason = said.reason.is_some() && said.state != ObjectState::ExpectedAbsent;
        if has_reason || others.iter().all(|other| self.is_same(declared(first), declared(*other))) {
            return;
        }
        let may_be_absent = || others.iter().any(|other| expected_absent(declared(*other)).is_some());
        let is_chance = match said.state {
            ObjectState::Synced | ObjectState::ExpectedAbsent => true,
            ObjectState::Missing => may_be_absent(),
            _ => false,
        };
        if is_chance {
            said.state = ObjectState::Unknown;
        }
        said.reason = Some(ELSEWHERE.to_owned());
    }

    /// Whether two declarations mean the same: neither differs where the other is taken for live.
    fn is_same(&self, one: &Declaration, other: &Declaration) -> bool {
        let is_as = |declaration, live: &Declaration| {
            let (id, version, manifest) = (live.id.clone(), live.version.clone(), live.manifest.clone());
            let live = LiveObject {
                id,
                version,
                uid: String::new(),
                created: None,
                deleted: None,
                owners: Vec::new(),
                managed_fields: None,
                manifest,
            };
            let pair = Pair { schemas: self.schemas, declaration, live: &live, applier: None, scale: None, managers: &[] };
            comparison(&pair).state == ObjectState::Synced
        };
        one.manifest == other.manifest || is_as(one, other) && is_as(other, one)
    }

    fn is_of_autoscalers(&self, gap: &ListingGap) -> bool {
        let kind = self.plan.listings.get(gap.listing).map(|listing| &listing.kind);
        kind.is_some_and(|kind| is_autoscaler(&kind.group, &kind.kind))
    }

    /// A declared object that no page brought: missing only where its listing came whole.
    fn unseen(&self, id: &ObjectId, planned: &Planned, gaps: &[ListingGap]) -> (Comparison, Option<NotEvaluated>) {
        let declaration = &self.declarations[planned.declarations[0]];
        let version = match planned.place {
            Place::Listing(listing) => &self.plan.listings[listing].kind.version,
            _ => &declaration.version,
        };
        let absent = |state, reason: Option<String>| Comparison {
            id: id.clone(),
            version: version.clone(),
            state,
            reason,
            declaration: None,
            also_declared: Vec::new(),
            defaults: 0,
            differences: Vec::new(),
            ignored: Vec::new(),
            schema: SchemaSource::Cluster,
            removed_version: None,
            ownership_gap: None,
            applied_by: None,
            created_by: None,
            created: None,
        };
        let why = match &planned.place {
            Place::Unreadable(why) => Some((**why).clone()),
            Place::Listing(listing) => gaps.iter().find(|gap| gap.listing == *listing && covers(gap, id)).map(|gap| {
                let why = NotEvaluated::object(Stage::Read, id.clone(), gap.reason.clone());
                NotEvaluated { detail: gap.detail.clone(), ..why }
            }),
            _ => None,
        };
        if let Some(why) = why {
            return (absent(ObjectState::Unknown, Some(why.reason.clone())), Some(why));
        }
        let said = match expected_absent(declaration) {
            Some(reason) => absent(ObjectState::ExpectedAbsent, Some(reason.to_owned())),
            None if matches!(planned.place, Place::NotServed) => absent(ObjectState::Missing, Some("kind not served".to_owned())),
            None => absent(ObjectState::Missing, None),
        };
        (said, None)
    }

    fn add_strays(&mut self, compared: &mut Compared, excluded: &mut BTreeMap<&'static str, usize>, ignoring: &mut Ignoring<'_>) {
        let claims = self.claims.known();
        let identity = |id: &ObjectId| {
            let uid = self.uids.get(id).map(|(_, uid)| uid.clone()).filter(|uid| !uid.is_empty())?;
            Some((uid, id.namespace.clone(), id.name.clone()))
        };
        let declared = self.uids.keys().filter(|id| self.plan.objects.contains_key(*id));
        let mut served: HashSet<_> = declared.filter_map(identity).collect();
        for (id, (_, stray)) in std::mem::take(&mut self.strays) {
            let is_claim = id.group.is_empty()
                && id.kind == "PersistentVolumeClaim"
                && exclusion::claim_prefix(&id.name)
                    .is_some_and(|prefix| claims.contains(&(id.namespace.as_deref().unwrap_or_default(), prefix)));
            // The same object in another group, as Ingresses once were.
            let is_again = identity(&id).is_some_and(|identity| !served.insert(identity));
            match stray {
                _ if is_again => *excluded.entry("served-twice").or_default() += 1,
                Stray::Excluded(rule) => *excluded.entry(rule).or_default() += 1,
                Stray::Ignored(rule) => {
                    *excluded.entry(IGNORED).or_default() += 1;
                    ignoring.left_out(rule);
                }
                Stray::Undeclared(_) if is_claim => *excluded.entry("claims-of-templates").or_default() += 1,
                Stray::Undeclared(comparison) => compared.comparisons.push(*comparison),
            }
        }
    }

    fn unlisted(&self, gaps: &[ListingGap]) -> Vec<Unlisted> {
        let mut unlisted: Vec<Unlisted> = gaps
            .iter()
            .filter_map(|gap| {
                let kind = &self.plan.listings.get(gap.listing)?.kind;
                Some(Unlisted {
                    group: kind.group.clone(),
                    kind: kind.kind.clone(),
                    namespace: gap.namespace.clone(),
                    reason: gap.reason.clone(),
                })
            })
            .chain(self.plan.unread_autoscalers.clone())
            .collect();
        unlisted.sort();
        unlisted.dedup();
        unlisted
    }
}

/// How often each rule made different texts equal.
fn normalisations(comparisons: &[Comparison]) -> Vec<Normalisation> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let equal = |verdict| verdict == FieldVerdict::Equal;
    for difference in comparisons.iter().flat_map(|comparison| &comparison.differences).filter(|difference| equal(difference.verdict)) {
        *counts.entry(difference.decided_by).or_default() += 1;
    }
    counts.into_iter().map(|(rule, count)| Normalisation { rule, count }).collect()
}

fn covers(gap: &ListingGap, id: &ObjectId) -> bool {
    gap.namespace.is_none() || gap.namespace == id.namespace
}

fn undeclared(live: &LiveObject) -> Comparison {
    let ownership = live.managed_fields.as_deref().and_then(|fields| Ownership::read(fields, &live.version));
    Comparison {
        id: live.id.clone(),
        version: live.version.clone(),
        state: ObjectState::Undeclared,
        reason: None,
        declaration: None,
        also_declared: Vec::new(),
        defaults: 0,
        differences: Vec::new(),
        ignored: Vec::new(),
        schema: SchemaSource::Cluster,
        removed_version: None,
        ownership_gap: None,
        applied_by: None,
        created_by: ownership.as_ref().and_then(Ownership::creator).cloned(),
        created: live.created,
    }
}

/// Row 64: hooks and Jobs that clean up after themselves are rightly gone.
fn expected_absent(declaration: &Declaration) -> Option<&'static str> {
    let manifest = declaration.manifest.value();
    let annotations = manifest.pointer("/metadata/annotations");
    let is_hook = |key: &str| annotations.and_then(|annotations| annotations.get(key)).is_some();
    if is_hook("helm.sh/hook") || is_hook("argocd.argoproj.io/hook") {
        return Some("hook");
    }
    let has_ttl = manifest.pointer("/spec/ttlSecondsAfterFinished").is_some_and(|ttl| !matches!(ttl, Value::Null));
    (declaration.id.group == "batch" && declaration.id.kind == "Job" && has_ttl).then_some("removes itself when finished")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::value::to_raw_value;
    use serde_json::{Value, json};

    use super::super::plan::tests::{declaration, kind};
    use super::super::{Compared, Comparer, Settings, plan};
    use crate::model::comparison::{FieldVerdict, ObjectState};
    use crate::model::coverage::{Excluded, NotEvaluated, Stage};
    use crate::model::declaration::Declaration;
    use crate::model::evidence::{ListingGap, Page};
    use crate::model::ignore::{IgnoreRule, LabelSelector, PathPattern};
    use crate::model::kind::{Kind, Kinds};
    use crate::model::object::{LiveObject, Manifest, ObjectId, OwnerReference};
    use crate::model::schema::Schemas;

    fn live(id: ObjectId, value: Value) -> LiveObject {
        LiveObject {
            id,
            version: "v1".into(),
            uid: String::new(),
            created: None,
            deleted: None,
            owners: Vec::new(),
            managed_fields: None,
            manifest: Manifest::from_redacted(value),
        }
    }

    fn config_map(name: &str) -> Declaration {
        declaration("", "ConfigMap", Some("shop"), name, "a.yaml")
    }

    fn asking() -> Settings {
        Settings { undeclared_namespaces: BTreeSet::from(["shop".to_owned()]), ..Settings::default() }
    }

    fn run(declarations: &[Declaration], settings: &Settings, pages: &dyn Fn() -> Vec<Page>, gaps: &[ListingGap]) -> Compared {
        let all = vec![
            kind("", "ConfigMap", true),
            kind("", "PersistentVolumeClaim", true),
            kind("", "Secret", true),
            kind("apps", "StatefulSet", true),
        ];
        let kinds = Kinds { all, unknown_groups: Vec::new(), complete: true };
        let (plan, schemas) = (plan(declarations, &kinds, settings), Schemas::default());
        let mut comparer = Comparer::new(declarations, &plan, &schemas, settings);
        pages().into_iter().for_each(|page| comparer.page(page));
        comparer.finish(gaps)
    }

    fn states(compared: &Compared) -> Vec<(String, ObjectState)> {
        compared.comparisons.iter().map(|comparison| (comparison.id.name.clone(), comparison.state)).collect()
    }

    #[test]
    fn missing_is_said_only_where_the_listing_came_whole() {
        let declarations = [config_map("a")];
        let whole = run(&declarations, &Settings::default(), &Vec::new, &[]);
        assert_eq!(states(&whole), [("a".to_owned(), ObjectState::Missing)]);
        let gap = ListingGap { listing: 0, namespace: Some("shop".into()), reason: "forbidden".into(), detail: None };
        let cut = run(&declarations, &Settings::default(), &Vec::new, std::slice::from_ref(&gap));
        assert_eq!(states(&cut), [("a".to_owned(), ObjectState::Unknown)]);
        assert_eq!(cut.not_evaluated[0].reason, "forbidden");
        assert_eq!(cut.unlisted[0].kind, "ConfigMap");
        let elsewhere = ListingGap { namespace: Some("other".into()), ..gap };
        assert_eq!(states(&run(&declarations, &Settings::default(), &Vec::new, &[elsewhere])), [("a".to_owned(), ObjectState::Missing)]);
    }

    #[test]
    fn a_listing_that_starts_again_voids_what_it_brought() {
        let declarations = [config_map("a")];
        let value = json!({"kind": "ConfigMap", "metadata": {"name": "a"}});
        let seen = || Page::Objects(0, vec![live(config_map("a").id, value.clone()), live(config_map("stray").id, value.clone())]);
        let kept = run(&declarations, &asking(), &|| vec![seen()], &[]);
        assert_eq!(states(&kept), [("a".to_owned(), ObjectState::Synced), ("stray".to_owned(), ObjectState::Undeclared)]);
        let void = run(&declarations, &asking(), &|| vec![seen(), Page::Restarted(0)], &[]);
        assert_eq!(states(&void), [("a".to_owned(), ObjectState::Missing)]);
    }

    #[test]
    fn two_declarations_of_one_object_are_one_comparison_that_says_whether_they_agree() {
        let mut other = config_map("a");
        other.inputs[0].document.path = "b.yaml".into();
        let same = run(&[other.clone(), config_map("a")], &Settings::default(), &Vec::new, &[]);
        assert_eq!((same.comparisons[0].declaration, &same.comparisons[0].also_declared[..]), (Some(1), &[0][..]));
        assert_eq!(same.comparisons[0].reason, None);
        other.manifest = Manifest::from_redacted(json!({"data": {"a": "x"}}));
        let differing = run(&[other, config_map("a")], &Settings::default(), &Vec::new, &[]);
        assert_eq!(differing.comparisons[0].reason.as_deref(), Some("declared differently elsewhere"));
    }

    #[test]
    fn what_is_declared_differently_elsewhere_is_never_in_sync() {
        let said = |kind: &str, data: Value| {
            let mut declaration = config_map("a");
            declaration.source = kind.into();
            declaration.inputs[0].document.source = kind.into();
            declaration.manifest = Manifest::from_redacted(json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}));
            declaration
        };
        let page = || {
            let mut object = live(config_map("a").id, json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}));
            object.managed_fields = Some(to_raw_value(&json!([])).unwrap());
            vec![Page::Objects(0, vec![object])]
        };
        for (one, other, state) in [("1", "2", ObjectState::Unknown), ("2", "1", ObjectState::Drifted)] {
            let declarations = [said("fleet", json!({"x": one})), said("other", json!({"x": other}))];
            let compared = run(&declarations, &Settings::default(), &page, &[]);
            assert_eq!(states(&compared), [("a".to_owned(), state)]);
            assert_eq!(compared.comparisons[0].reason.as_deref(), Some("declared differently elsewhere"));
            let [gap] = compared.not_evaluated.as_slice() else { panic!("{:?}", compared.not_evaluated) };
            assert_eq!((gap.subject.as_str(), gap.reason.as_str()), ("ConfigMap shop/a", "declared differently elsewhere"));
            // A drifted object is evaluated: only one of state unknown counts among those that are not.
            assert_eq!(gap.object.is_some(), state == ObjectState::Unknown);
        }
        let mut same = said("other", json!({"x": "1"}));
        same.manifest = Manifest::from_redacted(json!({"kind": "ConfigMap", "metadata": {"name": "a", "labels": {}}, "data": {"x": "1"}}));
        let alike = run(&[said("fleet", json!({"x": "1"})), same], &Settings::default(), &page, &[]);
        assert_eq!((states(&alike), alike.not_evaluated.len()), (vec![("a".to_owned(), ObjectState::Synced)], 0));
    }

    fn scaled() -> (Vec<Declaration>, Vec<Kind>) {
        let mut web = declaration("apps", "Deployment", Some("shop"), "web", "a.yaml");
        web.manifest = Manifest::from_redacted(json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {}}));
        let mut autoscaler = declaration("autoscaling", "HorizontalPodAutoscaler", Some("shop"), "web", "a.yaml");
        autoscaler.manifest = Manifest::from_redacted(json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 9}}));
        let all = vec![kind("apps", "Deployment", true), kind("autoscaling", "HorizontalPodAutoscaler", true)];
        (vec![web, autoscaler], all)
    }

    /// What is said of replicas that nobody on record wrote.
    fn replicas(declarations: &[Declaration], kinds: &Kinds, gaps: &[ListingGap]) -> (FieldVerdict, &'static str, Vec<String>) {
        let settings = Settings::default();
        let (plan, schemas) = (plan(declarations, kinds, &settings), Schemas::default());
        let mut comparer = Comparer::new(declarations, &plan, &schemas, &settings);
        let value = json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}});
        let mut object = live(declarations[0].id.clone(), value);
        let manager = json!([{"manager": "kustomize-controller", "operation": "Apply", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]);
        object.managed_fields = Some(to_raw_value(&manager).unwrap());
        comparer.page(Page::Objects(0, vec![object]));
        let compared = comparer.finish(gaps);
        let difference = &compared.comparisons[0].differences[0];
        (difference.verdict, difference.decided_by, compared.unlisted.into_iter().map(|unlisted| unlisted.reason).collect())
    }

    #[test]
    fn a_declared_autoscaler_counts_only_where_the_live_ones_could_not_be_read() {
        let (declarations, all) = scaled();
        let kinds = Kinds { all, unknown_groups: Vec::new(), complete: true };
        assert_eq!(replicas(&declarations, &kinds, &[]), (FieldVerdict::Undeclared, "unknown-writer", vec![]));
        let gap = ListingGap { listing: 1, namespace: None, reason: "forbidden".into(), detail: None };
        let cut = replicas(&declarations, &kinds, &[gap]);
        assert_eq!(cut, (FieldVerdict::UndeclaredController, "autoscaled", vec!["forbidden".to_owned()]));
    }

    #[test]
    fn autoscalers_of_a_group_that_is_not_known_are_unread() {
        let (declarations, mut all) = scaled();
        all.pop();
        let why = NotEvaluated::new(Stage::Read, "group autoscaling", "server error");
        let kinds = Kinds { all, unknown_groups: vec![("autoscaling".into(), why)], complete: true };
        let said = |declarations: &[Declaration]| replicas(declarations, &kinds, &[]);
        let reasons = vec!["server error".to_owned()];
        assert_eq!(said(&declarations[..1]), (FieldVerdict::Unknown, "autoscaler-not-read", reasons.clone()));
        assert_eq!(said(&declarations), (FieldVerdict::UndeclaredController, "autoscaled", reasons));
    }

    #[test]
    fn an_object_that_two_groups_serve_is_one_object() {
        let of = |group: &str, name: &str, uid: &str| {
            let id = declaration(group, "Ingress", Some("shop"), name, "").id;
            LiveObject { uid: uid.into(), ..live(id, json!({"kind": "Ingress", "metadata": {"name": name}})) }
        };
        let declared = declaration("networking.k8s.io", "Ingress", Some("shop"), "a", "a.yaml");
        let all = vec![kind("extensions", "Ingress", true), kind("networking.k8s.io", "Ingress", true)];
        let kinds = Kinds { all, unknown_groups: Vec::new(), complete: true };
        let (declarations, settings, schemas) = ([declared], asking(), Schemas::default());
        let plan = plan(&declarations, &kinds, &settings);
        let mut comparer = Comparer::new(&declarations, &plan, &schemas, &settings);
        for (listing, group) in ["extensions", "networking.k8s.io"].into_iter().enumerate() {
            let bare = of(group, "bare", "");
            comparer.page(Page::Objects(listing, vec![of(group, "a", "1"), of(group, "stray", "2"), bare]));
        }
        let compared = comparer.finish(&[]);
        let names: Vec<String> = states(&compared).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bare", "stray", "a", "bare"]);
        assert_eq!(compared.excluded, [Excluded { rule: "served-twice".into(), count: 2 }]);
    }

    #[test]
    fn a_rule_that_covers_a_difference_does_not_hide_another_declaration() {
        let (first, pages) = edited();
        let mut other = first.clone();
        other.inputs[0].document.path = "b.yaml".into();
        other.manifest = Manifest::from_redacted(json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"z": "1"}}));
        let paths = vec![PathPattern::parse("/data/*").unwrap()];
        let compared = run(&[first, other], &ignoring(IgnoreRule { paths, ..IgnoreRule::default() }), &pages, &[]);
        assert_eq!(states(&compared), [("a".to_owned(), ObjectState::Unknown)]);
        assert_eq!(compared.comparisons[0].reason.as_deref(), Some("declared differently elsewhere"));
    }

    #[test]
    fn skipped_secrets_are_counted_and_never_compared() {
        let settings = Settings { skip_secrets: true, ..asking() };
        let secret = declaration("", "Secret", Some("shop"), "s", "a.yaml");
        let compared = run(&[secret], &settings, &Vec::new, &[]);
        assert!(compared.comparisons.is_empty());
        assert_eq!(compared.excluded, [Excluded { rule: "secrets-skipped".into(), count: 1 }]);
    }

    #[test]
    fn what_controllers_and_servers_make_is_excluded_by_its_rule() {
        let id = |group: &str, kind: &str, name: &str| declaration(group, kind, Some("shop"), name, "").id;
        let templates = json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}});
        let owner = OwnerReference { api_version: "apps/v1".into(), kind: "Any".into(), name: "any".into(), controller: true };
        let pages = || {
            let mut owned = live(id("", "ConfigMap", "owned"), json!({}));
            owned.owners.push(owner.clone());
            vec![
                Page::Objects(0, vec![owned, live(id("", "ConfigMap", "kube-root-ca.crt"), json!({}))]),
                Page::Objects(1, ["data-db-0", "data-other-0"].map(|name| live(id("", "PersistentVolumeClaim", name), json!({}))).into()),
                Page::Objects(2, vec![live(id("", "Secret", "r"), json!({"type": "helm.sh/release.v1"}))]),
                Page::Objects(3, vec![live(id("apps", "StatefulSet", "db"), templates.clone())]),
            ]
        };
        let compared = run(&[], &asking(), &pages, &[]);
        let rules: Vec<&str> = compared.excluded.iter().map(|excluded| excluded.rule.as_str()).collect();
        assert_eq!(rules, ["claims-of-templates", "controller-owned", "helm-releases", "root-certificates"]);
        let names: Vec<String> = states(&compared).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["data-other-0", "db"]);
    }

    fn ignoring(rule: IgnoreRule) -> Settings {
        Settings { ignore: vec![IgnoreRule { id: "ignore[0]".into(), reason: "why".into(), ..rule }], ..asking() }
    }

    fn edited() -> (Declaration, impl Fn() -> Vec<Page>) {
        let mut declared = config_map("a");
        let manifest = json!({"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"app": "web"}}, "data": {"x": "1", "y": "1"}});
        declared.manifest = Manifest::from_redacted(manifest.clone());
        let mut edited = manifest;
        (edited["data"]["x"], edited["data"]["y"]) = (json!("2"), json!("2"));
        let id = declared.id.clone();
        (declared, move || vec![Page::Objects(0, vec![live(id.clone(), edited.clone())])])
    }

    #[test]
    fn what_a_rule_covers_is_kept_beside_and_counted() {
        let (declared, pages) = edited();
        let path = |text: &str| vec![PathPattern::parse(text).unwrap()];
        let some =
            run(std::slice::from_ref(&declared), &ignoring(IgnoreRule { paths: path("data.x"), ..IgnoreRule::default() }), &pages, &[]);
        let comparison = &some.comparisons[0];
        assert_eq!((comparison.state, comparison.differences.len(), comparison.ignored.len()), (ObjectState::Drifted, 1, 1));
        assert_eq!((comparison.ignored[0].rule.as_str(), comparison.ignored[0].difference.verdict), ("ignore[0]", FieldVerdict::Drifted));
        let all =
            run(std::slice::from_ref(&declared), &ignoring(IgnoreRule { paths: path("/data/*"), ..IgnoreRule::default() }), &pages, &[]);
        assert_eq!(all.comparisons[0].state, ObjectState::Synced);
        assert_eq!((all.ignored[0].fields, all.ignored[0].objects, all.ignored[0].unused), (2, 1, None));
    }

    #[test]
    fn a_rule_that_finds_nothing_says_what_it_did_not_find() {
        let (declared, pages) = edited();
        let unused = |rule| run(std::slice::from_ref(&declared), &ignoring(rule), &pages, &[]).ignored[0].unused;
        let paths = vec![PathPattern::parse("/spec").unwrap()];
        assert_eq!(unused(IgnoreRule { paths: paths.clone(), ..IgnoreRule::default() }), Some("no difference"));
        assert_eq!(unused(IgnoreRule { kind: Some("Deployment".into()), paths, ..IgnoreRule::default() }), Some("no object"));
    }

    #[test]
    fn a_label_that_was_added_live_takes_no_declared_object_out() {
        let (declared, _) = edited();
        let id = declared.id.clone();
        let labelled = || json!({"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"app": "web", "skip": "yes"}}, "data": {}});
        let pages = || vec![Page::Objects(0, vec![live(id.clone(), labelled()), live(config_map("stray").id, labelled())])];
        let rule = IgnoreRule { labels: LabelSelector::parse("skip=yes").unwrap(), ..IgnoreRule::default() };
        let compared = run(std::slice::from_ref(&declared), &ignoring(rule), &pages, &[]);
        assert_eq!(states(&compared), [("a".to_owned(), ObjectState::Drifted)]);
        assert_eq!(compared.excluded, [Excluded { rule: "ignored".into(), count: 1 }]);
        assert_eq!((compared.ignored[0].objects, compared.ignored[0].fields), (1, 0));
    }

    #[test]
    fn a_rule_without_fields_leaves_out_what_is_missing_too() {
        let rule = IgnoreRule { name: Some("a".into()), ..IgnoreRule::default() };
        let compared = run(&[config_map("a"), config_map("b")], &ignoring(rule), &Vec::new, &[]);
        assert_eq!(states(&compared), [("b".to_owned(), ObjectState::Missing)]);
        assert_eq!(compared.excluded, [Excluded { rule: "ignored".into(), count: 1 }]);
    }
}
