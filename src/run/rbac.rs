//! `kubewitness rbac`: the smallest role with which a configuration can be scanned.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::json;

use super::output;
use super::{Error, Options, Outcome, Prepared, Screen, prepare};
use crate::compare;
use crate::model::evidence::{Listing, Scope};
use crate::scan as pipeline;

/// Prints the roles as YAML. The kinds are those that the sources declare and, where undeclared objects are looked for, every
/// listable kind of those namespaces.
///
/// # Errors
/// Where the cluster or the sources cannot be read.
pub async fn rbac(options: Options, screen: &Screen) -> Result<Outcome, Error> {
    let Prepared { mut readers, policy, run, .. } = prepare(options, &screen.progress).await?;
    let declared = pipeline::declared(&mut readers, &policy, &run, &screen.progress).await?;
    let plan = compare::plan(&declared.declarations, &declared.kinds, &policy.compare);
    screen.progress.finish();
    for gap in &declared.not_evaluated {
        tracing::warn!(subject = gap.subject, reason = gap.reason, "the role may lack what this declares");
    }
    output::to_stdout(|out| Roles::of(&plan.listings, plan.namespaces_to_find()).write(out))?;
    Ok(if declared.not_evaluated.is_empty() { Outcome::Clean } else { Outcome::Partial })
}

/// Resources by API group.
type Resources = BTreeMap<String, BTreeSet<String>>;

struct Roles {
    cluster: Resources,
    namespaces: BTreeMap<String, Resources>,
    /// Namespaces that are looked for themselves.
    found: BTreeSet<String>,
}

impl Roles {
    fn of(listings: &[Listing], mut found: BTreeSet<String>) -> Self {
        // The uid of this namespace is the identity of the cluster in every record.
        found.insert("kube-system".to_owned());
        let mut roles = Self { cluster: BTreeMap::new(), namespaces: BTreeMap::new(), found };
        for listing in listings {
            let add = |resources: &mut Resources| {
                resources.entry(listing.kind.group.clone()).or_default().insert(listing.kind.plural.clone());
            };
            match &listing.scope {
                Scope::All => add(&mut roles.cluster),
                Scope::Namespaces(names) => names.iter().for_each(|name| add(roles.namespaces.entry(name.clone()).or_default())),
            }
        }
        roles
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# The smallest role for this configuration: reads only. Bind it to the identity that scans.")?;
        writeln!(out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: kubewitness\nrules:")?;
        let found: Vec<String> = self.found.iter().map(|name| json!(name).to_string()).collect();
        writeln!(out, r#"  - apiGroups: [""]"#)?;
        writeln!(out, "    resources: [namespaces]\n    resourceNames: [{}]\n    verbs: [get]", found.join(", "))?;
        write_rules(out, &self.cluster)?;
        for (namespace, resources) in &self.namespaces {
            writeln!(out, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: kubewitness")?;
            writeln!(out, "  namespace: {}\nrules:", json!(namespace))?;
            write_rules(out, resources)?;
        }
        Ok(())
    }
}

fn write_rules(out: &mut dyn Write, resources: &Resources) -> io::Result<()> {
    resources.iter().try_for_each(|(group, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        writeln!(out, "  - apiGroups: [{}]\n    resources: [{}]\n    verbs: [list]", json!(group), names.join(", "))
    })
}
