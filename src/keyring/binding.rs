//! Which e-mail speaks for which configured key.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::Keys;

/// A configured key, OpenPGP or SSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyIndex {
    OpenPgp(usize),
    Ssh(usize),
}

#[derive(Debug, Default)]
struct Claims {
    in_force: BTreeSet<KeyIndex>,
    all: BTreeSet<KeyIndex>,
}

/// The claims of all keys on all e-mails, at one time.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    claims: HashMap<String, Claims>,
}

impl Bindings {
    /// Gathers what user ids and principals say. Forge keys bind nobody.
    pub(super) fn new(keys: &Keys, now: DateTime<Utc>) -> Self {
        let mut bindings = Self::default();
        for (index, key) in keys.openpgp.keys.iter().enumerate().filter(|(_, key)| key.forge.is_none()) {
            let in_force = key.parts.first().is_some_and(|primary| primary.dates.in_force(now));
            for email in key.user_ids.iter().filter(|user_id| user_id.in_force(now)).filter_map(|user_id| user_id.email.clone()) {
                bindings.claim(email, KeyIndex::OpenPgp(index), in_force);
            }
        }
        for (index, key) in keys.ssh.keys.iter().enumerate() {
            for entry in key.entries.iter().filter(|entry| entry.allows_git()) {
                entry.emails().for_each(|email| bindings.claim(email, KeyIndex::Ssh(index), entry.contains(now)));
            }
        }
        bindings
    }

    fn claim(&mut self, email: String, key: KeyIndex, in_force: bool) {
        let claims = self.claims.entry(email).or_default();
        claims.all.insert(key);
        if in_force {
            claims.in_force.insert(key);
        }
    }

    /// Whether an e-mail of this key is of no other key. Keys that are revoked or expired do not dispute one that is in
    /// force, so that a rotated key does not bar its successor; among themselves they do.
    pub(super) fn is_bound(&self, email: &str, key: KeyIndex) -> bool {
        self.claims.get(email).is_some_and(|claims| {
            let rivals = if claims.in_force.is_empty() { &claims.all } else { &claims.in_force };
            rivals.len() == 1 && rivals.contains(&key)
        })
    }
}
