//! The real kubectl, as one user of the control plane.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::{Output, Program};
use super::{scratch, tools};

/// kubectl with a kubeconfig and, if wished, a namespace.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    kubeconfig: PathBuf,
    namespace: Option<String>,
}

impl Kubectl {
    pub(crate) fn new(kubeconfig: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned(), namespace: None }
    }

    pub(crate) fn in_namespace(&self, namespace: &str) -> Self {
        Self { kubeconfig: self.kubeconfig.clone(), namespace: Some(namespace.to_owned()) }
    }

    /// The program before it is run, for what the other methods do not cover (an editor in the environment, say).
    pub(crate) fn program<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        let cache = scratch::folder().join("home/kubectl-cache");
        let namespace = self.namespace.iter().flat_map(|namespace| ["--namespace", namespace]);
        Program::new(tools::program("kubectl"))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", cache)
            .args(namespace)
            .args(arguments)
    }

    /// Runs it, whatever comes of it.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.program(arguments).run()
    }

    /// Runs it and returns its output; a failure fails the test.
    pub(crate) fn succeed<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        self.program(arguments).succeed()
    }

    /// What it prints as JSON; `-o json` is added.
    pub(crate) fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Value {
        let printed = self.succeed(arguments.into_iter().chain(["-o", "json"]));
        serde_json::from_str(&printed).expect("kubectl prints JSON")
    }

    /// Client-side apply of a text of manifests.
    pub(crate) fn apply(&self, manifests: &str) -> String {
        self.program(["apply", "-f", "-"]).input(manifests).succeed()
    }

    /// Server-side apply of a text of manifests under a manager's name.
    pub(crate) fn apply_server_side(&self, manager: &str, manifests: &str) -> String {
        self.program(["apply", "--server-side", "--field-manager", manager, "-f", "-"]).input(manifests).succeed()
    }

    /// Waits until `arguments` print something that `is_wanted`; fails the test after half a minute, with what they printed last.
    pub(crate) fn wait_until(&self, arguments: &[&str], is_wanted: impl Fn(&str) -> bool) -> String {
        let watched = self.watch_until(Duration::from_secs(30), arguments, is_wanted);
        watched.unwrap_or_else(|last| panic!("kubectl {arguments:?} still says: {last:?}"))
    }

    /// Asks again and again until `arguments` print something that `is_wanted`; after `patience`, what came last.
    pub(crate) fn watch_until(&self, patience: Duration, arguments: &[&str], is_wanted: impl Fn(&str) -> bool) -> Result<String, Output> {
        let deadline = Instant::now() + patience;
        loop {
            let output = self.run(arguments.iter().copied());
            if output.status == Some(0) && is_wanted(&output.stdout) {
                return Ok(output.stdout);
            }
            if Instant::now() > deadline {
                return Err(output);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
