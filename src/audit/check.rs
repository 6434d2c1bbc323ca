//! What a check is, what it may look at, and how it makes findings.

use sha2::{Digest, Sha256};

use crate::model::attribution::Attributions;
use crate::model::commit::CommitId;
use crate::model::comparison::{Comparison, Difference};
use crate::model::coverage::NotEvaluated;
use crate::model::declaration::{Declaration, Remote};
use crate::model::evidence::{ClusterIdentity, Histories, Signatures, TipChange, Unreachable};
use crate::model::finding::{Finding, Severity};
use crate::model::kept::KeptTrust;
use crate::model::object::ObjectId;
use crate::model::scan::Scan;
use crate::model::tag::JudgedTag;
use crate::model::text::hex;

/// A check: data in a table.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its stable id: thing, what is wrong with it. The name of its file.
    pub id: &'static str,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// What should be.
    pub criteria: &'static str,
    /// What `explain` tells.
    pub explanation: Explanation,
    /// Makes the findings, in any order.
    pub run: fn(&Facts<'_>) -> Vec<Finding>,
}

/// Three answers in whole sentences.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// What it means.
    pub meaning: &'static str,
    /// Why it matters.
    pub importance: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Everything a check may look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Which cluster.
    pub cluster: &'a ClusterIdentity,
    /// What became of the references that sources ask for.
    pub tips: &'a [TipChange],
    /// Commits that sources ask for and no branch or tag leads to.
    pub unreachable: &'a [Unreachable],
    /// What kustomizations would fetch.
    pub remotes: &'a [Remote],
    /// The tags that sources ask for.
    pub tags: &'a [JudgedTag],
    /// The trust policy that is kept in a source.
    pub kept: Option<&'a KeptTrust>,
    /// What Git declares.
    pub declarations: &'a [Declaration],
    /// What comparing said.
    pub comparisons: &'a [Comparison],
    /// The commits that are credited.
    pub histories: &'a Histories,
    /// Their signatures.
    pub signatures: &'a Signatures,
    /// Who declared what.
    pub attributions: &'a Attributions,
    /// What could not be judged.
    pub not_evaluated: &'a [NotEvaluated],
}

impl<'a> From<&'a Scan> for Facts<'a> {
    fn from(scan: &'a Scan) -> Self {
        Self {
            cluster: &scan.cluster,
            tips: &scan.tips,
            unreachable: &scan.unreachable,
            remotes: &scan.remotes,
            tags: &scan.tags,
            kept: scan.kept.as_ref(),
            declarations: &scan.declarations,
            comparisons: &scan.comparisons,
            histories: &scan.histories,
            signatures: &scan.signatures,
            attributions: &scan.attributions,
            not_evaluated: &scan.not_evaluated,
        }
    }
}

impl Check {
    /// A finding about an object as a whole.
    pub(super) fn of_object(&self, facts: &Facts<'_>, object: &ObjectId, message: String) -> Finding {
        self.finding(facts, Some(object), "", message)
    }

    /// A finding about a field.
    pub(super) fn of_field(&self, facts: &Facts<'_>, object: &ObjectId, difference: &Difference, message: String) -> Finding {
        let mut finding = self.finding(facts, Some(object), &difference.field.to_string(), message);
        finding.field = Some(difference.field.clone());
        finding.pointer = Some(difference.pointer.clone());
        finding
    }

    /// A finding about a commit: its id stands in the place of the field.
    pub(super) fn of_commit(&self, facts: &Facts<'_>, commit: &CommitId, message: String) -> Finding {
        let mut finding = self.finding(facts, None, commit.as_str(), message);
        finding.commit = Some(commit.clone());
        finding
    }

    /// A finding about something else, named by a subject that stands in the place of the field.
    pub(super) fn of_subject(&self, facts: &Facts<'_>, object: Option<&ObjectId>, subject: &str, message: String) -> Finding {
        self.finding(facts, object, subject, message)
    }

    fn finding(&self, facts: &Facts<'_>, object: Option<&ObjectId>, place: &str, message: String) -> Finding {
        Finding {
            fingerprint: fingerprint(facts.cluster, object, self.id, place),
            rule: self.id,
            severity: self.severity,
            object: object.cloned(),
            field: None,
            pointer: None,
            commit: None,
            message,
        }
    }
}

/// Identity of a finding across scans: SHA-256 over cluster, group, kind, namespace, name, rule and place, each behind its
/// length as eight big-endian bytes, so that no two lists of parts give the same bytes. No value is in it: a field that
/// swings between two values stays one finding.
fn fingerprint(cluster: &ClusterIdentity, object: Option<&ObjectId>, rule: &str, place: &str) -> String {
    let cluster = cluster.uid.as_deref().unwrap_or(&cluster.name);
    let (group, kind, namespace, name) = object.map_or(("", "", "", ""), |object| {
        (object.group.as_str(), object.kind.as_str(), object.namespace.as_deref().unwrap_or_default(), object.name.as_str())
    });
    let mut digest = Sha256::new();
    for part in [cluster, group, kind, namespace, name, rule, place] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    format!("kw1:{}", hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;
    use crate::model::evidence::ClusterIdentity;
    use crate::model::object::ObjectId;

    fn object(namespace: &str, name: &str) -> ObjectId {
        ObjectId { group: "apps".into(), kind: "Deployment".into(), namespace: Some(namespace.into()), name: name.into() }
    }

    #[test]
    fn a_fingerprint_never_changes() {
        let cluster = ClusterIdentity { uid: Some("u".into()), name: "prod".into(), ..ClusterIdentity::default() };
        // python3: sha256(b"".join(len(p).to_bytes(8,"big")+p for p in [b"u",b"apps",b"Deployment",b"shop",b"web",b"field-drifted",b"spec.replicas"]))
        assert_eq!(
            fingerprint(&cluster, Some(&object("shop", "web")), "field-drifted", "spec.replicas"),
            "kw1:1aabb64b09752149c1d43f7415915472ac735d2c0bff03fd9565df237b2c399d"
        );
    }

    #[test]
    fn parts_cannot_flow_into_each_other() {
        let cluster = ClusterIdentity::default();
        let left = fingerprint(&cluster, Some(&object("a", "bc")), "r", "");
        assert_ne!(left, fingerprint(&cluster, Some(&object("ab", "c")), "r", ""));
    }
}
