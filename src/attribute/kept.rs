//! Which versions of a trust policy that is kept in a repository are in force, and which of them judge a commit.
//!
//! The version at the anchor is believed. A later one counts where whoever made it may change the policy by what was in force at
//! all parents of that commit, as in Guix's `git authenticate`: so nobody brings the key that lets them in (catalogue T81), and not
//! in two steps either. What was refused has no effect, and nothing that is put on top of it has until the file is again what is
//! in force: else the next change by somebody who may would carry it in.
//!
//! A commit is judged by what is in force at its parents, and beside that by every version that was made on another line meanwhile:
//! work on an old line, merged after a key was taken out, is not proven by that key (catalogue T35). All have to agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::trust::{Judged, Standpoint, against_change, judge};
use super::unverified;
use crate::model::attribution::Verdict;
use crate::model::commit::{Commit, CommitId};
use crate::model::evidence::Signatures;
use crate::model::kept::{ChangeOutcome, FileHistory, KeptPolicy, KeptTrust, PolicyChange, Trust, Versions};
use crate::model::trust::{FilePlace, TrustPolicy};

/// On top of a version that is not in force.
const NOT_IN_FORCE: &str = "policy-not-in-force";

/// What is known of the file of a kept policy.
pub struct KeptFile<'a> {
    /// Where it is kept.
    pub kept: &'a KeptPolicy,
    /// The URL of its source.
    pub url: &'a str,
    /// The full name of the reference of its source.
    pub reference: Option<&'a str>,
    /// What became of it.
    pub history: &'a FileHistory,
    /// The commits before the anchor.
    pub before: Vec<CommitId>,
    /// What each of its versions says, or why that is no policy.
    pub policies: Vec<Result<TrustPolicy, String>>,
}

/// Finds out which versions are in force.
///
/// # Errors
/// Why the version at the anchor is no policy.
pub fn established(file: KeptFile<'_>, signatures: &Signatures, standpoint: Standpoint<'_>) -> Result<(Trust, KeptTrust), String> {
    let KeptFile { kept, url, reference, history, before, policies } = file;
    let (policies, numbers) = distinct(policies);
    let of_anchor = history.steps.first().ok_or_else(|| "it has no history".to_owned())?.version;
    let first = numbers[of_anchor as usize].clone()?;
    let place = FilePlace { source: &kept.source, url, reference, path: &kept.path };
    let mut line = Line {
        history,
        policies: &policies,
        numbers: &numbers,
        accepted: vec![Accepted { step: 0, policy: first, behind: 0 }],
        sets: Sets::new(),
        in_force: HashMap::new(),
        behind: Vec::new(),
        parents: Vec::new(),
        states: Vec::new(),
        changes: Vec::new(),
    };
    let judge_by = |policy, commit: &Commit| {
        let facts = signatures.get(&(commit.source.clone(), commit.id.clone()));
        let judged = facts.map_or_else(|| unverified().into(), |facts| judge(policy, commit, facts, standpoint));
        let against = against_change(policy, &judged, &place);
        (judged, against)
    };
    line.walk(&judge_by);
    let changes = line.told();
    let tip = line.behind.last().copied().unwrap_or_default();
    let in_force = line.in_force(tip);
    let commits = in_force.iter().map(|change| history.steps[line.accepted[*change as usize].step as usize].id.clone()).collect();
    let in_force = line.policies_of(&in_force);
    let (lists, by_step) = line.lists();
    let mut over: HashMap<CommitId, Option<u32>> = before.into_iter().map(|commit| (commit, None)).collect();
    over.extend(history.steps.iter().zip(by_step).map(|(step, list)| (step.id.clone(), Some(list))));
    let versions = Versions { source: kept.source.clone(), in_force, commits: over, lists };
    Ok((Trust::kept(policies, versions), KeptTrust { kept: kept.clone(), in_force: commits, changes }))
}

/// The policies that differ, and for each version its number among them, or why it is none.
fn distinct(versions: Vec<Result<TrustPolicy, String>>) -> (Vec<TrustPolicy>, Vec<Result<u32, String>>) {
    let (mut policies, mut known) = (Vec::new(), HashMap::new());
    let mut number = |policy: TrustPolicy| {
        *known.entry(policy).or_insert_with_key(|policy| {
            policies.push(policy.clone());
            u32::try_from(policies.len() - 1).expect("there are no more of them than commits")
        })
    };
    let numbers = versions.into_iter().map(|version| version.map(&mut number)).collect();
    (policies, numbers)
}

/// A version that is in force for what comes after it.
struct Accepted {
    /// The commit that made it, as the number of its step.
    step: u32,
    policy: u32,
    /// The set of those that lie behind it.
    behind: u32,
}

/// What the file is at a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// What is in force there.
    InForce,
    /// No policy, by the hand of somebody who may change it; since this step.
    Unreadable(u32),
    /// What somebody made of it who may not change it, since this step; or what it was before the anchor on another line.
    Foreign(Option<u32>),
}

/// Sets of accepted versions, each kept once.
struct Sets {
    lists: Vec<Rc<[u32]>>,
    known: HashMap<Rc<[u32]>, u32>,
}

impl Sets {
    /// With the empty set, whose number is 0.
    fn new() -> Self {
        let empty: Rc<[u32]> = Rc::from([]);
        Self { lists: vec![empty.clone()], known: HashMap::from([(empty, 0)]) }
    }

    fn number(&mut self, members: BTreeSet<u32>) -> u32 {
        let list: Rc<[u32]> = members.into_iter().collect();
        *self.known.entry(list).or_insert_with_key(|list| {
            self.lists.push(list.clone());
            u32::try_from(self.lists.len() - 1).expect("there are no more of them than commits")
        })
    }

    fn union(&mut self, sets: impl IntoIterator<Item = u32>) -> u32 {
        sets.into_iter().reduce(|one, other| self.union_of_two(one, other)).unwrap_or_default()
    }

    fn union_of_two(&mut self, one: u32, other: u32) -> u32 {
        if one == other || other == 0 {
            return one;
        }
        if one == 0 {
            return other;
        }
        let members = self.lists[one as usize].iter().chain(&*self.lists[other as usize]).copied().collect();
        self.number(members)
    }

    fn with(&mut self, set: u32, member: u32) -> u32 {
        let members = self.lists[set as usize].iter().copied().chain([member]).collect();
        self.number(members)
    }

    fn has(&self, set: u32, member: u32) -> bool {
        self.lists[set as usize].binary_search(&member).is_ok()
    }
}

/// By one policy in force: what a commit proves, and what the policy has against its changing the policy.
type JudgeBy<'a> = dyn Fn(&'a TrustPolicy, &Commit) -> (Judged<'a>, Vec<&'static str>) + 'a;

/// The history of the file while it is followed, parents before children.
struct Line<'a> {
    history: &'a FileHistory,
    policies: &'a [TrustPolicy],
    /// The policy of each version.
    numbers: &'a [Result<u32, String>],
    /// The anchor's first.
    accepted: Vec<Accepted>,
    sets: Sets,
    /// Which of a set are in force, as far as that was asked.
    in_force: HashMap<u32, Rc<[u32]>>,
    /// For each step the set of accepted versions that it or its ancestors made.
    behind: Vec<u32>,
    /// For each step the set of those that its ancestors made.
    parents: Vec<u32>,
    states: Vec<State>,
    /// By step.
    changes: Vec<(u32, Verdict, ChangeOutcome)>,
}

impl<'a> Line<'a> {
    fn walk(&mut self, judge_by: &JudgeBy<'a>) {
        for number in 0..u32::try_from(self.history.steps.len()).expect("steps are numbered") {
            let parents: Vec<u32> =
                self.history.steps[number as usize].parents.iter().map(|parent| self.behind[*parent as usize]).collect();
            let before = self.sets.union(parents);
            self.parents.push(before);
            let is_anchor = number == 0;
            let state = if is_anchor { State::InForce } else { self.state(number, before, judge_by) };
            let made = self.accepted.last().filter(|last| last.step == number).map(|_| self.accepted.len() - 1);
            let behind = match made {
                Some(made) => self.sets.with(before, u32::try_from(made).expect("there are no more of them than commits")),
                None => before,
            };
            self.behind.push(behind);
            self.states.push(state);
        }
    }

    /// What the file is at a step that is not the anchor. A change that counts is added to the accepted ones.
    fn state(&mut self, number: u32, before: u32, judge_by: &JudgeBy<'a>) -> State {
        let step = &self.history.steps[number as usize];
        let in_force = self.in_force(before);
        let in_force = self.policies_of(&in_force);
        let version = &self.numbers[step.version as usize];
        if version.as_ref().is_ok_and(|policy| in_force == [*policy]) {
            return State::InForce;
        }
        if let Some(inherited) = self.inherited(number, before) {
            return inherited;
        }
        // Every step whose file is another one than in a parent is among them; else it is what its parents made of it.
        let Some(commit) = self.history.changing.get(&number) else {
            let states = step.parents.iter().map(|parent| self.states[*parent as usize]);
            return states.into_iter().find(|state| *state != State::InForce).unwrap_or(State::Foreign(None));
        };
        let foreign = step.parents.iter().find_map(|parent| match self.states[*parent as usize] {
            State::Foreign(since) => Some(since),
            State::InForce | State::Unreadable(_) => None,
        });
        let (mut verdict, mut reasons) = (Verdict::VerifiedAuthor, Vec::new());
        for policy in &in_force {
            let (judged, against) = judge_by(&self.policies[*policy as usize], commit);
            if !against.is_empty() {
                let told = against.into_iter().map(str::to_owned).chain(judged.verdict.reasons);
                reasons.extend(told.filter(|reason| !reasons.contains(reason)).collect::<Vec<_>>());
            }
            verdict = verdict.max(judged.verdict.verdict);
        }
        if foreign.is_some() {
            reasons.push(NOT_IN_FORCE.to_owned());
        }
        let (state, outcome) = match version {
            _ if !reasons.is_empty() => (State::Foreign(foreign.flatten().or(Some(number))), ChangeOutcome::Refused(reasons)),
            Err(problem) => (State::Unreadable(number), ChangeOutcome::Unreadable(problem.clone())),
            Ok(policy) => {
                self.accepted.push(Accepted { step: number, policy: *policy, behind: before });
                (State::InForce, ChangeOutcome::Accepted)
            }
        };
        self.changes.push((number, verdict, outcome));
        state
    }

    /// What the file, which is not what is in force, is at a step that did not make it so.
    fn inherited(&self, number: u32, before: u32) -> Option<State> {
        let step = &self.history.steps[number as usize];
        let states = || step.parents.iter().map(|parent| self.states[*parent as usize]);
        // A line that left before the anchor.
        if states().all(|state| state == State::Foreign(None)) {
            return Some(State::Foreign(None));
        }
        let same = |parent: &&u32| self.history.steps[**parent as usize].version == step.version;
        step.parents.iter().filter(same).find_map(|parent| match self.states[*parent as usize] {
            state @ State::Foreign(Some(_)) => Some(state),
            state @ State::Unreadable(_) if self.behind[*parent as usize] == before => Some(state),
            State::InForce | State::Unreadable(_) | State::Foreign(None) => None,
        })
    }

    /// Those of a set that none of the others comes after; the anchor's version of an empty one.
    fn in_force(&mut self, set: u32) -> Rc<[u32]> {
        if let Some(known) = self.in_force.get(&set) {
            return known.clone();
        }
        let members = self.sets.lists[set as usize].clone();
        let (mut last, mut before) = (Vec::new(), 0);
        // A version comes after those that were accepted earlier, or beside them.
        for member in members.iter().rev() {
            if !self.sets.has(before, *member) {
                last.push(*member);
                before = self.sets.union([before, self.accepted[*member as usize].behind]);
            }
        }
        last.reverse();
        let found: Rc<[u32]> = if last.is_empty() { [0].into() } else { last.into() };
        self.in_force.insert(set, found.clone());
        found
    }

    /// The policies of accepted versions, each once.
    fn policies_of(&self, accepted: &[u32]) -> Vec<u32> {
        let mut policies = Vec::new();
        for change in accepted {
            let policy = self.accepted[*change as usize].policy;
            if !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        policies
    }

    /// The changes, and which of them is why the file at the tip is not what is in force.
    fn told(&mut self) -> Vec<PolicyChange> {
        let since = match self.states.last() {
            Some(State::Foreign(since)) => *since,
            Some(State::Unreadable(since)) => Some(*since),
            Some(State::InForce) | None => None,
        };
        let told = |(step, verdict, outcome)| {
            let commit = self.history.changing.get(&step).expect("only such steps make changes").clone();
            PolicyChange { commit, verdict, outcome, stands: since == Some(step) }
        };
        std::mem::take(&mut self.changes).into_iter().map(told).collect()
    }

    /// The policies that steps are judged by, and for each step which.
    fn lists(&mut self) -> (Vec<Vec<u32>>, Vec<u32>) {
        let ahead = self.ahead();
        let own: HashMap<u32, u32> = (1..).zip(self.accepted.iter().skip(1)).map(|(change, accepted)| (accepted.step, change)).collect();
        let (mut lists, mut known) = (Vec::new(), BTreeMap::new());
        let mut by_step = Vec::with_capacity(ahead.len());
        for (number, ahead) in (0..).zip(ahead) {
            let (before, own) = (self.parents[number as usize], own.get(&number).copied());
            let list = *known.entry((before, ahead, own)).or_insert_with(|| {
                let changes = 0..u32::try_from(self.accepted.len()).expect("there are no more of them than commits");
                let beside =
                    changes.filter(|change| !self.sets.has(before, *change) && !self.sets.has(ahead, *change) && Some(*change) != own);
                let mut all: Vec<u32> = beside.collect();
                all.splice(..0, self.in_force(before).iter().copied());
                lists.push(self.policies_of(&all));
                lists.len() - 1
            });
            by_step.push(u32::try_from(list).expect("there are no more of them than commits"));
        }
        (lists, by_step)
    }

    /// For each step the set of accepted versions that its descendants made.
    fn ahead(&mut self) -> Vec<u32> {
        let made: HashMap<u32, u32> = (0..).zip(&self.accepted).map(|(change, accepted)| (accepted.step, change)).collect();
        let mut ahead = vec![0; self.history.steps.len()];
        for (place, step) in self.history.steps.iter().enumerate().rev() {
            let own = match u32::try_from(place).ok().and_then(|step| made.get(&step)) {
                Some(change) => self.sets.with(ahead[place], *change),
                None => ahead[place],
            };
            for parent in &step.parents {
                ahead[*parent as usize] = self.sets.union([ahead[*parent as usize], own]);
            }
        }
        ahead
    }
}

#[cfg(test)]
mod tests;
