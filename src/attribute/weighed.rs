//! A commit before all policies that it is judged by: they have to agree.

use super::trust::{self, Judged, Standpoint, is_bounded};
use super::{Against, Judging, commit_verdict, unverified, verdict};
use crate::model::attribution::{Binding, CommitVerdict, SignatureFacts, Verdict};
use crate::model::commit::Commit;
use crate::model::evidence::{Positions, Signatures};
use crate::model::kept::Trust;
use crate::model::object::FieldPath;
use crate::model::trust::{Place, TrustPolicy};

/// The reason where the policy that is in force by now would say better of a commit.
const OF_ITS_PARENTS: &str = "policy-of-its-parents";
/// The reason where there is a policy that cannot be read.
const UNKNOWN: &str = "policy-unknown";

/// What is known of a commit.
pub(super) struct Weighed<'a> {
    /// The judgement: the worst of all.
    pub(super) verdict: CommitVerdict,
    /// That of each policy.
    by: Vec<(&'a TrustPolicy, Judged<'a>)>,
}

impl Weighed<'_> {
    fn of(verdict: CommitVerdict) -> Self {
        Self { verdict, by: Vec::new() }
    }

    /// Whether nothing is claimed of it, so that no proof is asked for.
    pub(super) fn is_unclaimed(&self) -> bool {
        !self.by.is_empty() && self.by.iter().all(|(_, judged)| judged.unclaimed)
    }

    /// Whether a policy takes it for a program's.
    pub(super) fn is_of_bots(&self) -> bool {
        self.by.iter().any(|(_, judged)| !judged.bots.is_empty())
    }

    /// Whether it is, by a policy, of bots alone, each of which may set some fields only.
    pub(super) fn is_bounded(&self) -> bool {
        self.by.iter().any(|(_, judged)| is_bounded(judged))
    }
}

/// Judges a commit.
pub(super) fn weigh<'a>(commit: &Commit, url: &str, signatures: &Signatures, judging: &Judging<'a>) -> Weighed<'a> {
    // The key of the map is owned; two short copies for each commit.
    let facts = signatures.get(&(commit.source.clone(), commit.id.clone()));
    let trust = judging.trust;
    if trust.is_absent() || trust.is_unknown() {
        return Weighed::of(facts.map_or_else(unverified, |facts| match trust.is_unknown() {
            true => verdict::ladder(facts, unknown),
            false => verdict::in_sight(commit_verdict(commit, facts), commit, facts, judging.positions),
        }));
    }
    let Some(policies) = trust.over(&commit.source, &commit.id) else {
        let judged = Judged::before_anchor();
        // What nobody claims anything of, no policy asks a proof for; its other rules hold as everywhere.
        return Weighed { verdict: judged.verdict.clone(), by: trust.in_force().map(|policy| (policy, judged.clone())).collect() };
    };
    let judge = |policy| judge(policy, commit, url, facts, judging);
    let by: Vec<(&TrustPolicy, Judged<'_>)> = policies.into_iter().map(|policy| (policy, judge(policy))).collect();
    let worst = by.iter().map(|(_, judged)| &judged.verdict).reduce(|one, other| if other.verdict > one.verdict { other } else { one });
    let mut verdict = worst.cloned().unwrap_or_else(unverified);
    let now = || trust.in_force().map(|policy| judge(policy).verdict.verdict).max();
    if verdict.verdict > Verdict::BotAttested && trust.is_kept() && now().is_some_and(|now| now < verdict.verdict) {
        verdict.reasons.push(OF_ITS_PARENTS.to_owned());
    }
    Weighed { verdict, by }
}

/// Judges a tag, which is made at any time: by what is in force.
pub(super) fn weigh_tag(tag: &Commit, signatures: &Signatures, judging: &Judging<'_>) -> CommitVerdict {
    let facts = signatures.get(&(tag.source.clone(), tag.id.clone()));
    // It lies neither before nor behind a commit by which a policy bounds a key.
    let judging = Judging { positions: &Positions::default(), ..*judging };
    let judged = judging.trust.in_force().map(|policy| judge(policy, tag, "", facts, &judging).verdict);
    let worst = judged.reduce(|one, other| if other.verdict > one.verdict { other } else { one });
    worst.unwrap_or_else(|| weigh(tag, "", signatures, &judging).verdict)
}

fn judge<'a>(policy: &'a TrustPolicy, commit: &Commit, url: &str, facts: Option<&SignatureFacts>, judging: &Judging<'_>) -> Judged<'a> {
    if is_before_anchor(policy, commit, url, judging.positions) {
        return Judged::before_anchor();
    }
    let standpoint = Standpoint { positions: judging.positions, now: judging.now };
    facts.map_or_else(|| unverified().into(), |facts| trust::judge(policy, commit, facts, standpoint))
}

fn unknown() -> CommitVerdict {
    CommitVerdict { verdict: Verdict::Unverifiable, binding: Binding::None, signer: None, reasons: vec![UNKNOWN.to_owned()] }
}

/// Whether a commit is an ancestor of where the claims of the policy begin. Nobody can become one later; what branched off before
/// and was merged since is none.
fn is_before_anchor(policy: &TrustPolicy, commit: &Commit, url: &str, positions: &Positions) -> bool {
    let of_source = policy.anchors.iter().filter(|anchor| anchor.is_about(&commit.source, url));
    let mut marks = of_source.filter_map(|anchor| positions.marks.get(&(commit.source.clone(), anchor.commit.clone())));
    marks.any(|mark| mark.ancestors.contains(&commit.id))
}

/// What the policies have against a commit's part in a declaration; see [`trust::objections`]. Where no commit is credited, those
/// in force.
pub(super) fn objections(
    trust: &Trust,
    weighed: Option<&Weighed<'_>>,
    place: &Place<'_>,
    field: Option<&FieldPath>,
    is_changed: bool,
) -> Against {
    match weighed {
        Some(weighed) => {
            joined(weighed.by.iter().map(|(policy, judged)| trust::objections(policy, Some(judged), place, field, is_changed)))
        }
        None => joined(trust.in_force().map(|policy| trust::objections(policy, None, place, field, is_changed))),
    }
}

/// What the policies have against whoever brought a declaration onto the branch; see [`trust::objections_to_change`].
pub(super) fn objections_to_change(trust: &Trust, weighed: Option<&Weighed<'_>>, place: &Place<'_>) -> Option<Against> {
    let found: Vec<Against> = match weighed {
        Some(weighed) => {
            weighed.by.iter().filter_map(|(policy, judged)| trust::objections_to_change(policy, Some(judged), place)).collect()
        }
        None => trust.in_force().filter_map(|policy| trust::objections_to_change(policy, None, place)).collect(),
    };
    (!found.is_empty()).then(|| joined(found))
}

fn joined(found: impl IntoIterator<Item = Against>) -> Against {
    let mut all = Against::default();
    for (breaches, missed) in found {
        all.0.extend(breaches);
        all.1 = [all.1, missed].into_iter().flatten().min();
    }
    all
}
