//! Who is behind a name of a field manager: a table, as far as names can be told apart at all.
//!
//! A name is what a client says of itself; the table says only what honest clients are called (drift.md §3, live-facts §5).

use crate::model::comparison::{Manager, Operation};

/// What kind of writer a manager is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A person at a keyboard or in a browser.
    Tool,
    /// Software of the cluster.
    Controller,
    /// In no table.
    Unknown,
}

/// How a row matches a name.
enum Name {
    Is(&'static str),
    Starts(&'static str),
}
use Name::{Is, Starts};

/// Appliers: name and operation belong together, `None` stands for both.
const APPLIERS: &[(Name, Option<Operation>)] = &[
    (Is("kubectl-client-side-apply"), Some(Operation::Update)),
    (Is("kubectl"), Some(Operation::Apply)),
    (Is("kubectl-create"), Some(Operation::Update)),
    (Is("kubectl-replace"), Some(Operation::Update)),
    (Is("helm"), None),
    (Is("Helm"), Some(Operation::Update)),
    (Is("kustomize-controller"), Some(Operation::Apply)),
    (Is("helm-controller"), None),
    (Is("flux"), Some(Operation::Apply)),
    (Is("argocd-controller"), None),
    (Is("argocd-application-controller"), None),
    (Is("configsync.gke.io"), Some(Operation::Apply)),
    (Is("fleet-agent"), None),
    (Is("kapp"), None),
    (Is("kapp-server-side"), None),
    (Starts("terraform-provider-"), None),
    (Starts("Terraform"), None),
    (Starts("pulumi-"), None),
];

/// Appliers that no person runs: they apply what Git declares, again and again.
const RECONCILERS: &[&str] =
    &["kustomize-controller", "helm-controller", "argocd-controller", "argocd-application-controller", "configsync.gke.io", "fleet-agent"];

const TOOLS: &[Name] = &[
    Starts("kubectl"),
    Is("k9s"),
    Is("oc"),
    Is("Mozilla"),
    Is("rancher"),
    Is("Lens"),
    Is("lens"),
    Is("node-fetch"),
    Is("OpenAPI-Generator"),
    Is("python-requests"),
    Is("curl"),
    Is("Go-http-client"),
    Is("argocd-server"),
    Is("headlamp"),
    Is("dashboard"),
    Is("HashiCorp"),
];

const CONTROLLERS: &[Name] = &[
    Starts("kube-controller-manager"),
    Starts("cloud-controller-manager"),
    Starts("kube-scheduler"),
    Is("kube-apiserver"),
    Is("kubelet"),
    // All of the above in one program.
    Is("k3s"),
    Is("clusterrole-aggregation-controller"),
    Starts("cert-manager-"),
    Is("cainjector"),
    Is("pilot-discovery"),
    Is("istiod"),
    Is("keda"),
    Is("keda-operator"),
    Is("vpa-recommender"),
    Is("vpa-updater"),
    Is("cluster-autoscaler"),
    Is("karpenter"),
    Is("external-dns"),
    Is("external-secrets"),
    Is("nginx-ingress-controller"),
    Is("aws-load-balancer-controller"),
    Is("gotk-kustomize-controller"),
    Is("gotk-helm-controller"),
    Is("kyverno"),
    Is("gatekeeper"),
];

impl Name {
    fn matches(&self, name: &str) -> bool {
        match self {
            Is(whole) => name == *whole,
            Starts(prefix) => name.starts_with(prefix),
        }
    }
}

/// Whether this name with this operation may apply declared objects. Writes to a subresource never do.
pub(super) fn is_applier(manager: &Manager) -> bool {
    manager.subresource.is_none()
        && APPLIERS
            .iter()
            .any(|(name, operation)| name.matches(&manager.name) && operation.is_none_or(|wanted| wanted == manager.operation))
}

/// Whether an applier of this name is a GitOps tool of the cluster, and not one that a person runs.
pub(super) fn is_reconciler(name: &str) -> bool {
    RECONCILERS.contains(&name)
}

/// The class of a manager on an object that it does not apply: there every applier's name is a person's tool.
pub(super) fn class(manager: &Manager) -> Class {
    if CONTROLLERS.iter().any(|name| name.matches(&manager.name)) {
        Class::Controller
    } else if APPLIERS.iter().any(|(name, _)| name.matches(&manager.name)) || TOOLS.iter().any(|name| name.matches(&manager.name)) {
        Class::Tool
    } else {
        Class::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, class, is_applier};
    use crate::model::comparison::{Manager, Operation};

    fn manager(name: &str, operation: Operation) -> Manager {
        Manager { name: name.into(), operation, subresource: None, time: None }
    }

    #[test]
    fn a_flux_name_with_update_is_no_applier() {
        assert!(is_applier(&manager("kustomize-controller", Operation::Apply)));
        assert!(!is_applier(&manager("kustomize-controller", Operation::Update)));
        assert!(!is_applier(&manager("kubectl", Operation::Update)));
    }

    #[test]
    fn names_are_told_apart_by_the_table_only() {
        assert_eq!(class(&manager("k9s", Operation::Update)), Class::Tool);
        assert_eq!(class(&manager("kubectl.exe", Operation::Update)), Class::Tool);
        assert_eq!(class(&manager("kube-controller-manager", Operation::Update)), Class::Controller);
        assert_eq!(class(&manager("ancient-changes", Operation::Update)), Class::Unknown);
    }
}
