//! Which commits came into a repository after a moment, by what scans saw of its branches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use gix::ObjectId;

use super::error::Result;
use super::git::Objects;
use super::history::Versioned;
use super::lineage::Lineage;
use crate::model::commit::CommitId;
use crate::model::evidence::ObservedTip;

/// What scans saw that tells of a moment.
pub(super) struct Seen {
    /// Where the branch stood at or after it, and when, oldest first.
    since: Vec<(DateTime<Utc>, ObjectId)>,
    /// Where any reference of the repository stood, and when; no commit where that is no id here.
    anywhere: Vec<(DateTime<Utc>, Option<ObjectId>)>,
}

impl Seen {
    pub(super) fn of(versioned: &Versioned, moment: DateTime<Utc>, observed: &[ObservedTip]) -> Self {
        let url = versioned.named.as_ref().map(|named| &named.url);
        let of_repository = observed.iter().filter(|old| Some(&old.tip.url) == url);
        let anywhere = of_repository.map(|old| (old.observed, ObjectId::from_hex(old.tip.commit.as_str().as_bytes()).ok()));
        Self { since: versioned.seen_since(moment, observed), anywhere: anywhere.collect() }
    }

    /// Whether no scan looked at the branch at or after the moment.
    pub(super) fn is_blind(&self) -> bool {
        self.since.is_empty()
    }

    /// The commits that no reference of the repository led to yet when the branch was seen first, by moment. What another branch
    /// held by then may be older than the moment, however late it is merged here. Where that cannot be told there is no entry.
    pub(super) fn late(
        seen: Vec<(DateTime<Utc>, Self)>,
        objects: &Objects,
        lineage: &Lineage,
        commits: &[&CommitId],
        stop: &AtomicBool,
    ) -> Result<BTreeMap<DateTime<Utc>, BTreeSet<CommitId>>> {
        let mut late = BTreeMap::new();
        let mut elsewhere: BTreeMap<BTreeSet<ObjectId>, Lineage> = BTreeMap::new();
        for (moment, seen) in seen {
            // The first that the history still holds: of one that was rewritten since nothing can be told.
            let first = |(when, tip): &(DateTime<Utc>, ObjectId)| Some((*when, lineage.not_behind(tip, commits)?));
            let Some((when, mut unseen)) = seen.since.iter().find_map(first) else { continue };
            let by_then = seen.anywhere.iter().filter(|(at, _)| *at <= when).map(|(_, tip)| *tip);
            let Some(tips) = by_then.collect::<Option<BTreeSet<ObjectId>>>() else { continue };
            if !elsewhere.contains_key(&tips) {
                elsewhere.insert(tips.clone(), Lineage::of_all(objects, tips.iter().copied(), stop)?);
            }
            let known = &elsewhere[&tips];
            if known.is_whole() {
                unseen.retain(|commit| !known.holds(commit));
                late.insert(moment, unseen);
            }
        }
        Ok(late)
    }
}
