//! The real programs of the test bed, and files for them.

use std::path::PathBuf;
use std::time::Duration;

use kubewitness::model::declaration::{Tree, TreeEntry, TreePath};
use kubewitness::subprocess::{Limits, Output, Program, lay_out};

const LIMITS: Limits = Limits { time: Duration::from_secs(60), output_bytes: 1 << 26 };

/// A program: from its variable, else from where `make tools` puts it. One from PATH may have another version.
pub(crate) fn program(name: &'static str, override_env: &'static str, folder: &str) -> Program {
    let program = Program { name, override_env, file: None };
    if std::env::var_os(override_env).is_some() {
        return program;
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"))).expect("HOME is set");
    let built = std::fs::read_dir(cache.join("kubewitness/tools")).into_iter().flatten().filter_map(Result::ok);
    let file = built
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(folder))
        .map(|entry| entry.path().join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not there; run: make tools"));
    Program { file: Some(file), ..program }
}

pub(crate) fn kustomize() -> Program {
    program("kustomize", "KUBEWITNESS_KUSTOMIZE", "kustomize-")
}

pub(crate) fn kubectl() -> Program {
    program("kubectl", "KUBEWITNESS_KUBECTL", "kubernetes-")
}

/// A tree of text files.
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |text: &str| TreeEntry::File { blob: String::new(), bytes: text.as_bytes().into() };
    Tree {
        source: "fleet".into(),
        url: "file:///fleet".into(),
        requested: None,
        commit: None,
        shallow: false,
        uncommitted: 0,
        root: TreePath::default(),
        files: files.iter().map(|(path, text)| (TreePath::from(*path), file(text))).collect(),
    }
}

/// What a program makes of files that lie in its folder.
pub(crate) fn run(program: &Program, files: &[(&str, &str)], arguments: &[&str]) -> Output {
    let laid_out = lay_out(&tree(files), |_| true).unwrap();
    let arguments: Vec<_> = arguments.iter().map(std::ffi::OsStr::new).collect();
    program.run(&arguments, laid_out.folder(), LIMITS, &|| None).unwrap()
}
