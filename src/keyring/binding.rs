//! Which e-mail speaks for which configured key.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::Keys;

/// A configured key: OpenPGP, SSH, or one that certifies keys of SSH. A certificate of X.509 is not configured; its root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyIndex {
    OpenPgp(usize),
    Ssh(usize),
    Authority(usize),
    Certificate,
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
        let signers = keys.ssh.keys.list.iter().enumerate().map(|(index, key)| (KeyIndex::Ssh(index), key));
        let authorities = keys.ssh.authorities.list.iter().enumerate().map(|(index, key)| (KeyIndex::Authority(index), key));
        for (index, key) in signers.chain(authorities) {
            for entry in key.entries.iter().filter(|entry| entry.allows_git()) {
                let in_force = entry.contains(now) && !keys.ssh.is_revoked(key);
                entry.emails().for_each(|email| bindings.claim(email, index, in_force));
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
    /// force, so that a rotated key does not bar its successor; among themselves they do. An authority may name whom its
    /// pattern lets through, or of X.509 whom it will, but nobody who has a key in force of his own.
    pub(super) fn is_bound(&self, email: &str, key: KeyIndex) -> bool {
        if matches!(key, KeyIndex::Authority(_) | KeyIndex::Certificate) {
            return self.claims.get(email).is_none_or(|claims| claims.in_force.iter().all(|rival| *rival == key));
        }
        self.claims.get(email).is_some_and(|claims| {
            let rivals = if claims.in_force.is_empty() { &claims.all } else { &claims.in_force };
            rivals.len() == 1 && rivals.contains(&key)
        })
    }
}
