//! Who is behind a name of a field manager: a table, as far as names can be told apart at all.
//!
//! A name is what a client says of itself; the table says only what honest clients are called (drift.md §3, live-facts §5).

use crate::model::comparison::{Manager, Operation};
use crate::model::pattern;

/// What kind of writer a manager is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A person at a keyboard or in a browser.
    Person,
    /// A GitOps tool, which applies what Git declares.
    Applier,
    /// A tool that a person or a pipeline applies manifests with.
    Installer,
    /// Software of the cluster.
    Controller,
}

/// A row that a configuration adds in front of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerRule {
    /// Pattern of the name.
    pub name: String,
    /// The operation; none for both.
    pub operation: Option<Operation>,
    /// The subresource; none for any or none.
    pub subresource: Option<String>,
    /// What it is.
    pub class: Class,
}

impl ManagerRule {
    fn matches(&self, manager: &Manager) -> bool {
        pattern::matches(&self.name, &manager.name)
            && self.operation.is_none_or(|wanted| wanted == manager.operation)
            && self.subresource.as_ref().is_none_or(|wanted| manager.subresource.as_ref() == Some(wanted))
    }
}

/// How a row matches a name.
enum Name {
    Is(&'static str),
    Starts(&'static str),
}
use Name::{Is, Starts};

/// Appliers: name and operation belong together, `None` stands for both.
const APPLIERS: &[(Name, Option<Operation>, Class)] = &[
    (Is("kubectl-client-side-apply"), Some(Operation::Update), Class::Installer),
    (Is("kubectl"), Some(Operation::Apply), Class::Installer),
    (Is("kubectl-create"), Some(Operation::Update), Class::Installer),
    (Is("kubectl-replace"), Some(Operation::Update), Class::Installer),
    (Is("helm"), None, Class::Installer),
    (Is("Helm"), Some(Operation::Update), Class::Installer),
    (Is("kustomize-controller"), Some(Operation::Apply), Class::Applier),
    (Is("helm-controller"), None, Class::Applier),
    (Is("flux"), Some(Operation::Apply), Class::Installer),
    (Is("argocd-controller"), None, Class::Applier),
    (Is("argocd-application-controller"), None, Class::Applier),
    (Is("configsync.gke.io"), Some(Operation::Apply), Class::Applier),
    (Is("fleet-agent"), None, Class::Applier),
    (Is("kapp"), None, Class::Installer),
    (Is("kapp-server-side"), None, Class::Installer),
    (Starts("terraform-provider-"), None, Class::Installer),
    (Starts("Terraform"), None, Class::Installer),
    (Starts("pulumi-"), None, Class::Installer),
];

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
    // The command line of Argo CD where it writes to the cluster itself.
    Is("argocd"),
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

/// The class with which this name and operation may apply declared objects. Writes to a subresource never do.
pub(super) fn as_applier(rules: &[ManagerRule], manager: &Manager) -> Option<Class> {
    if manager.subresource.is_some() {
        return None;
    }
    let class = configured(rules, manager).or_else(|| {
        let is_meant = |(name, operation, _): &&(Name, Option<Operation>, Class)| {
            name.matches(&manager.name) && operation.is_none_or(|wanted| wanted == manager.operation)
        };
        APPLIERS.iter().find(is_meant).map(|(_, _, class)| *class)
    });
    class.filter(|class| matches!(class, Class::Applier | Class::Installer))
}

/// The agent that a manager is a name of. Argo CD's has two: it applies most objects as `argocd-controller`, and as the program
/// that it is, it replaces objects and reconciles those of RBAC before it applies them.
pub(super) fn agent(manager: &Manager) -> &str {
    match (manager.name.as_str(), manager.operation) {
        ("argocd-application-controller", Operation::Update) => "argocd-controller",
        (name, _) => name,
    }
}

/// The class of a manager; none where it is in no table. An applier's name is known with every operation: with another one
/// somebody else uses it.
pub(super) fn class(rules: &[ManagerRule], manager: &Manager) -> Option<Class> {
    configured(rules, manager).or_else(|| {
        let is_any = |names: &[Name]| names.iter().any(|name| name.matches(&manager.name));
        let applier = || APPLIERS.iter().find(|(name, ..)| name.matches(&manager.name)).map(|(_, _, class)| *class);
        if is_any(CONTROLLERS) { Some(Class::Controller) } else { applier().or_else(|| is_any(TOOLS).then_some(Class::Person)) }
    })
}

fn configured(rules: &[ManagerRule], manager: &Manager) -> Option<Class> {
    rules.iter().find(|rule| rule.matches(manager)).map(|rule| rule.class)
}

#[cfg(test)]
mod tests {
    use super::{Class, ManagerRule, as_applier, class};
    use crate::model::comparison::{Manager, Operation};

    fn manager(name: &str, operation: Operation) -> Manager {
        Manager { name: name.into(), operation, subresource: None, time: None }
    }

    #[test]
    fn a_flux_name_with_update_is_no_applier() {
        assert_eq!(as_applier(&[], &manager("kustomize-controller", Operation::Apply)), Some(Class::Applier));
        assert_eq!(as_applier(&[], &manager("kustomize-controller", Operation::Update)), None);
        assert_eq!(as_applier(&[], &manager("kubectl", Operation::Update)), None);
    }

    #[test]
    fn names_are_told_apart_by_the_table_only() {
        assert_eq!(class(&[], &manager("k9s", Operation::Update)), Some(Class::Person));
        assert_eq!(class(&[], &manager("kubectl.exe", Operation::Update)), Some(Class::Person));
        assert_eq!(class(&[], &manager("kube-controller-manager", Operation::Update)), Some(Class::Controller));
        assert_eq!(class(&[], &manager("ancient-changes", Operation::Update)), None);
    }

    #[test]
    fn rows_of_the_configuration_come_first() {
        let row = |name: &str, operation, subresource: Option<&str>, class| ManagerRule {
            name: name.into(),
            operation,
            subresource: subresource.map(str::to_owned),
            class,
        };
        let rules = [
            row("k9s", None, None, Class::Controller),
            row("deployer*", Some(Operation::Apply), None, Class::Applier),
            row("scaler", None, Some("scale"), Class::Controller),
        ];
        assert_eq!(class(&rules, &manager("k9s", Operation::Update)), Some(Class::Controller));
        assert_eq!(as_applier(&rules, &manager("deployer-2", Operation::Apply)), Some(Class::Applier));
        assert_eq!(as_applier(&rules, &manager("deployer-2", Operation::Update)), None);
        assert_eq!(class(&rules, &manager("scaler", Operation::Update)), None);
        let scale = Manager { subresource: Some("scale".into()), ..manager("scaler", Operation::Update) };
        assert_eq!(class(&rules, &scale), Some(Class::Controller));
    }
}
