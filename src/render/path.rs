//! Paths of a tree, without a file system.

use crate::model::declaration::TreePath;

/// The names of a kustomization, in the order in which Kustomize looks for them.
pub(super) const KUSTOMIZATIONS: [&[u8]; 3] = [b"kustomization.yaml", b"kustomization.yml", b"Kustomization"];

/// The folder a path lies in; empty for the root.
pub(super) fn folder(path: &TreePath) -> TreePath {
    let bytes = path.as_bytes();
    bytes.iter().rposition(|byte| *byte == b'/').map_or_else(TreePath::default, |slash| bytes[..slash].into())
}

/// The last part of a path.
pub(super) fn name(path: &TreePath) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Whether a path lies in a folder or further below it.
pub(super) fn is_below(path: &TreePath, folder: &TreePath) -> bool {
    folder.is_empty() || path.as_bytes().strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// A path as seen from a folder; `None` where it leads out of the tree.
pub(super) fn join(folder: &TreePath, relative: &[u8]) -> Option<TreePath> {
    if relative.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = folder.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    for part in relative.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/').into())
}

#[cfg(test)]
mod tests {
    use super::{folder, is_below, join};
    use crate::model::declaration::TreePath;

    #[test]
    fn relative_paths_are_resolved_inside_the_tree() {
        let join = |folder: &str, relative: &str| join(&folder.into(), relative.as_bytes()).map(|path| path.to_string());
        assert_eq!(join("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("", "x").as_deref(), Some("x"));
        assert_eq!(join("a", "..").as_deref(), Some(""));
        assert_eq!(join("a", "../../x"), None);
        assert_eq!(join("a", "/x"), None);
    }

    #[test]
    fn a_folder_holds_what_is_below_it_and_not_its_namesakes() {
        assert!(is_below(&"a/b/c".into(), &"a".into()));
        assert!(!is_below(&"ab/c".into(), &"a".into()));
        assert_eq!(folder(&"a/b/c".into()), TreePath::from("a/b"));
    }
}
