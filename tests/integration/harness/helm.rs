//! The real Helm, as one user of the control plane, in one namespace.

use std::path::{Path, PathBuf};

use super::program::Program;
use super::{scratch, tools};

/// helm with a kubeconfig and a namespace.
#[derive(Clone, Debug)]
pub(crate) struct Helm {
    kubeconfig: PathBuf,
    namespace: String,
}

impl Helm {
    pub(crate) fn new(kubeconfig: &Path, namespace: &str) -> Self {
        Self { kubeconfig: kubeconfig.to_owned(), namespace: namespace.to_owned() }
    }

    /// Runs it and returns its output; a failure fails the test.
    pub(crate) fn succeed<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        let home = scratch::folder().join("home/helm");
        Program::new(tools::program("helm"))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .args(["--namespace", &self.namespace])
            .args(arguments)
            .succeed()
    }

    /// Installs a chart's folder as a release.
    pub(crate) fn install(&self, release: &str, chart: &Path) -> String {
        self.succeed(["install", release, chart.to_str().expect("the path of a chart is UTF-8")])
    }

    /// What the chart renders to.
    pub(crate) fn template(&self, release: &str, chart: &Path) -> String {
        self.succeed(["template", release, chart.to_str().expect("the path of a chart is UTF-8")])
    }
}
