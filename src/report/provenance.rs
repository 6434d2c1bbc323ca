//! The provenance report: who declared what is live, and how well that is proven. A selection from the record; nothing is added.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::commit::Commit;
use super::object::{Attribution, Object};
use super::record::Record;
use crate::model::attribution::Verdict;

/// States of objects that are there, whatever else is the matter.
const LIVE: [&str; 6] = ["synced", "drifted", "pending", "terminating", "undeclared", "orphaned"];

/// The best that a declaration can be proven.
const PROVEN: &str = "verified-author";

/// How many objects and fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Objects.
    pub objects: usize,
    /// Declared fields.
    pub fields: usize,
}

/// Who is said to have declared something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// What commits with this name are credited with.
    pub claimed: Count,
    /// What of it is proven by the author's own key.
    pub proven: Count,
}

/// A key that made good signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// Whose it is, as the trust policy or the key itself says.
    pub signers: BTreeSet<String>,
    /// What its commits are credited with.
    pub signed: Count,
    /// How many commits it signed.
    pub commits: usize,
}

/// A key that neither the configured keys nor the trust policy know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stranger {
    /// How many commits it signed.
    pub commits: usize,
    /// The authors that they name.
    pub authors: BTreeSet<String>,
}

/// What there is of each rung of the ladder and of each person and key.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Objects that are live.
    pub live: Count,
    /// Of them those that differ from what is declared.
    pub drifted: usize,
    /// Declared objects that are not live, and so not counted.
    pub absent: usize,
    /// Objects that could not be judged, and so not counted.
    pub unknown: usize,
    /// Objects by the weakest of what is said of them and their fields, and fields, by verdict; `-` where the source is not versioned, and an empty text where nothing declares it.
    pub rungs: BTreeMap<String, Count>,
    /// By name and e-mail as commits claim them.
    pub authors: BTreeMap<(String, String), Author>,
    /// By fingerprint.
    pub keys: BTreeMap<String, Key>,
    /// By fingerprint, or key id as the signature has it.
    pub strangers: BTreeMap<String, Stranger>,
}

/// The worst that is said of an object: of its newest change, or of any of its fields. A word of a later version is the worst.
fn weakest(attribution: &Attribution) -> &str {
    let rank = |verdict: &str| Verdict::ALL.iter().position(|known| known.as_str() == verdict).unwrap_or(usize::MAX);
    let said = attribution.field_counts.keys().map(AsRef::as_ref).chain([attribution.verdict.as_ref()]);
    said.max_by_key(|verdict| rank(verdict)).unwrap_or_default()
}

/// Whether an object is there.
pub fn is_live(object: &Object) -> bool {
    LIVE.contains(&object.state.as_ref())
}

/// Whether a commit was signed by a key that nobody configured.
fn is_strange(commit: &Commit) -> bool {
    let Some(signature) = &commit.signature else { return false };
    // A verdict that has other reasons, as before an anchor, does not repeat what the signature says.
    let is_unknown = || signature.reasons.iter().any(|reason| reason == "unknown-key");
    let is_said = || commit.reasons.iter().any(|reason| matches!(reason.as_str(), "unknown-key" | "key-not-in-policy"));
    signature.crypto == "unknown-key" || (signature.crypto == "good" && is_unknown()) || is_said()
}

impl Provenance {
    /// Looks at every object of a record once.
    pub fn of(record: &Record<'_>) -> Self {
        let commits: HashMap<(&str, &str), &Commit> =
            record.commits.iter().map(|commit| ((commit.source.as_str(), commit.id.as_str()), commit)).collect();
        let mut found = Self::default();
        for commit in &record.commits {
            found.add_commit(commit);
        }
        for object in record.objects.iter() {
            match object.state.as_ref() {
                _ if is_live(&object) => found.add(&object, &commits),
                "missing" | "expected-absent" | "other-cluster" => found.absent += 1,
                _ => found.unknown += 1,
            }
        }
        found
    }

    fn add_commit(&mut self, commit: &Commit) {
        let Some(signature) = &commit.signature else { return };
        if is_strange(commit) {
            let key = signature.key.clone().unwrap_or_else(|| "a key that is not named".to_owned());
            let stranger = self.strangers.entry(key).or_default();
            stranger.commits += 1;
            stranger.authors.insert(named(commit));
        } else if let (Some(key), "good") = (&signature.key, signature.crypto.as_ref()) {
            let known = self.keys.entry(key.clone()).or_default();
            known.commits += 1;
            known.signers.extend(signature.principal.clone().or_else(|| signature.signer.clone()));
        }
    }

    fn add(&mut self, object: &Object, commits: &HashMap<(&str, &str), &Commit>) {
        self.live.objects += 1;
        self.drifted += usize::from(object.state == "drifted");
        let Some(declared) = &object.declared else {
            self.rungs.entry(String::new()).or_default().objects += 1;
            return;
        };
        let Some(attribution) = &object.attribution else {
            self.rungs.entry("-".to_owned()).or_default().objects += 1;
            return;
        };
        self.rungs.entry(weakest(attribution).to_owned()).or_default().objects += 1;
        for (verdict, fields) in &attribution.field_counts {
            self.rungs.entry(verdict.to_string()).or_default().fields += fields;
            self.live.fields += fields;
        }
        let known = |source: &str, id: &str| commits.get(&(source, id)).copied();
        if let Some(commit) = attribution.authored_by.as_deref().and_then(|id| known(&declared.source, id)) {
            self.credit(commit, &attribution.verdict, Count { objects: 1, fields: 0 });
        }
        for credit in &attribution.credits {
            if let Some(commit) = known(&credit.source, &credit.commit) {
                self.credit(commit, &credit.verdict, Count { objects: 0, fields: credit.fields });
            }
        }
    }

    fn credit(&mut self, commit: &Commit, verdict: &str, count: Count) {
        let author = self.authors.entry((commit.author.name.clone(), commit.author.email.clone())).or_default();
        author.claimed.add(count);
        if verdict == PROVEN {
            author.proven.add(count);
        }
        let key = commit.signature.as_ref().and_then(|signature| signature.key.as_ref());
        if let Some(key) = key.and_then(|key| self.keys.get_mut(key)) {
            key.signed.add(count);
        }
    }

    /// What is proven by the author's own key.
    pub fn proven(&self) -> Count {
        self.rungs.get(PROVEN).copied().unwrap_or_default()
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.fields += other.fields;
    }
}

/// `Alice Chen <alice@example.com>`.
fn named(commit: &Commit) -> String {
    format!("{} <{}>", commit.author.name, commit.author.email)
}

#[cfg(test)]
mod tests {
    use super::{Count, Provenance};
    use crate::model::attribution::{Crypto, Verdict};
    use crate::model::fixture::{add_commit, clean, drifted};
    use crate::report::Record;

    #[test]
    fn every_live_object_and_every_field_is_on_one_rung() {
        for scan in [clean(), drifted()] {
            let found = Provenance::of(&Record::of(&scan, None));
            let sum = |part: fn(&Count) -> usize| found.rungs.values().map(part).sum::<usize>();
            assert_eq!((sum(|count| count.objects), sum(|count| count.fields)), (found.live.objects, found.live.fields));
            assert_eq!(found.live.objects + found.absent + found.unknown, scan.comparisons.len());
            let credited: usize = found.authors.values().map(|author| author.claimed.fields).sum();
            assert_eq!(credited, found.live.fields);
        }
    }

    #[test]
    fn an_object_is_proven_no_better_than_its_weakest_field() {
        let mut scan = drifted();
        let before = Provenance::of(&Record::of(&scan, None)).proven();
        let web = scan.declarations.iter().position(|declaration| declaration.id.name == "web").unwrap();
        let attribution = scan.attributions.declarations[web].as_mut().unwrap();
        // Its newest commit is proven, and one of its fields is not.
        assert_eq!(attribution.verdict, Verdict::VerifiedAuthor);
        attribution.leaves.iter_mut().for_each(|leaf| leaf.verdict = Verdict::VerifiedAuthor);
        assert_eq!(Provenance::of(&Record::of(&scan, None)).proven().objects, before.objects + 1);
    }

    #[test]
    fn what_an_author_is_named_for_is_not_what_is_proven() {
        let found = Provenance::of(&Record::of(&drifted(), None));
        let alice = &found.authors[&("Alice Chen".to_owned(), "alice@example.com".to_owned())];
        assert!(alice.claimed.objects > alice.proven.objects && alice.proven.objects > 0, "{alice:?}");
        let bob = &found.authors[&("Bob Ito".to_owned(), "bob@example.com".to_owned())];
        assert_eq!(bob.proven, Count::default());
    }

    #[test]
    fn a_key_that_nobody_configured_is_a_stranger_whatever_the_verdict_says() {
        for (verdict, reason) in
            [(Verdict::SignedUntrusted, "unknown-key"), (Verdict::Unverifiable, "before-anchor"), (Verdict::Invalid, "spoofed-forge")]
        {
            let mut scan = drifted();
            add_commit(&mut scan, "fffffff", "Mallory", 1, verdict, &[reason]);
            let facts = scan.signatures.values_mut().last().unwrap();
            (facts.crypto, facts.key) = (Crypto::Good, Some("SHA256:mallory".to_owned()));
            facts.reasons.push("unknown-key".to_owned());
            let found = Provenance::of(&Record::of(&scan, None));
            assert_eq!(found.strangers.get("SHA256:mallory").map(|stranger| stranger.commits), Some(1), "{reason}");
            assert!(!found.keys.contains_key("SHA256:mallory"), "{reason}");
        }
    }
}
