//! Where programs are found.

/// PATH for every program a test starts: that of the pinned Kustomize first.
pub(crate) fn path() -> String {
    let kustomize = crate::tools::kustomize().find().expect("Kustomize is there");
    let folder = kustomize.parent().expect("a program lies in a folder");
    format!("{}:{}", folder.display(), std::env::var("PATH").expect("PATH is set"))
}
