//! Repositories that lie or want to be executed.

use std::fs;

use crate::repository::{Repository, authors, config, fetch, refused, source};

// T57
#[test]
fn replace_references_do_not_put_words_in_a_mouth() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "good"), "alice");
    let second = git.put("a.yaml", &config("a", "evil"), "bob");
    git.git(&["replace", &second, &first]);
    assert_eq!(git.git(&["show", "-s", "--format=%s", &second]), "alice", "the fixture must fool git itself");
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (second.as_str(), second.as_str()));
    let tree = fetch(&source(git.path().to_str().unwrap()));
    assert!(format!("{:?}", tree.commit).contains(&second));
}

// T58
#[test]
fn grafts_and_a_lying_commit_graph_do_not_bend_history() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("a.yaml", &config("a", "two"), "second");
    let third = git.put("b.yaml", &config("b", "one"), "third");
    fs::write(git.path().join(".git/info/grafts"), format!("{third} {first}\n")).unwrap();
    assert_eq!(git.git(&["rev-list", "--count", "HEAD"]), "2", "the fixture must fool git itself");
    assert_eq!(git.authors("a.yaml").document, second);
    fs::remove_file(git.path().join(".git/info/grafts")).unwrap();
    git.git(&["commit-graph", "write", "--reachable"]);
    fs::write(git.path().join(".git/objects/info/commit-graph"), b"CGPH\x01\x01\x00\x00 nonsense").ok();
    assert_eq!(git.authors("a.yaml").document, second);
}

// T58
#[test]
fn nothing_that_a_configuration_names_is_executed_or_read() {
    let git = Repository::new();
    let head = git.put("a.yaml", &config("a", "one"), "first");
    let marks = tempfile::tempdir().unwrap();
    let script = marks.path().join("script");
    fs::write(&script, format!("#!/bin/sh\ntouch {}/executed-$$\ncat\n", marks.path().display())).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.display();
    let hostile = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {script}\n\tsshCommand = {script}\n\thooksPath = {0}\n\tworktree = /\n\
         [include]\n\tpath = /etc/passwd\n[filter \"x\"]\n\tclean = {script}\n\tsmudge = {script}\n\tprocess = {script}\n\trequired = true\n\
         [diff \"x\"]\n\ttextconv = {script}\n[uploadpack]\n\tpackObjectsHook = {script}\n[url \"ext::{script}\"]\n\tinsteadOf = /\n\
         [credential]\n\thelper = {script}\n",
        marks.path().display()
    );
    fs::write(git.path().join(".git/config"), hostile).unwrap();
    git.write(".gitattributes", "* filter=x diff=x\n");
    git.write("a.yaml", "a: changed\n");
    let tree = fetch(&source(git.path().to_str().unwrap()));
    assert_eq!((tree.commit.unwrap().as_str(), tree.uncommitted), (head.as_str(), 1));
    assert!(authors(&source(&format!("file://{}", git.path().display())), "a.yaml", 0).all(&head));
    assert_eq!(fs::read_dir(marks.path()).unwrap().count(), 1, "only the script itself lies there");
}

#[test]
fn a_configuration_that_cannot_be_read_costs_nothing() {
    let git = Repository::new();
    let head = git.put("a.yaml", &config("a", "one"), "first");
    fs::write(git.path().join(".git/config"), b"[core\n\xff\0").unwrap();
    assert_eq!(fetch(&source(git.path().to_str().unwrap())).commit.unwrap().as_str(), head);
}

#[test]
fn an_object_under_a_false_id_is_not_believed() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    let (good, evil) = (git.git(&["rev-parse", "HEAD:a.yaml"]), git.git_with_input(&["hash-object", "-w", "--stdin"], b"a: evil\n"));
    let place = |id: &str| git.path().join(format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    fs::remove_file(place(&good)).unwrap();
    fs::copy(place(&evil), place(&good)).unwrap();
    assert_eq!(refused(&source(git.path().to_str().unwrap())).reason, "object damaged");
}

#[test]
fn a_folder_bomb_ends_in_a_told_error() {
    let git = Repository::new();
    let blob = git.git_with_input(&["hash-object", "-w", "--stdin"], b"a: 1\n");
    let level = |line: &str, ending: &str| (0..20).map(|index| format!("{line}\tn{index:02}{ending}\n")).collect::<String>();
    let mut tree = git.git_with_input(&["mktree"], level(&format!("100644 blob {blob}"), ".yaml").as_bytes());
    for _ in 0..8 {
        tree = git.git_with_input(&["mktree"], level(&format!("040000 tree {tree}"), "").as_bytes());
    }
    let commit = git.git_with_input(&["commit-tree", &tree], b"bomb");
    git.git(&["update-ref", "refs/heads/main", &commit]);
    assert_eq!(refused(&source(git.path().to_str().unwrap())).reason, "too large");
}

#[test]
fn alternates_add_objects_and_change_none() {
    let git = Repository::new();
    let head = git.put("a.yaml", &config("a", "one"), "first");
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    git.git(&["clone", "-q", "--shared", git.path().to_str().unwrap(), shared.to_str().unwrap()]);
    assert!(authors(&source(shared.to_str().unwrap()), "a.yaml", 0).all(&head));
}
