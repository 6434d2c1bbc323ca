//! What is read of a source, and how it is named.

use std::collections::BTreeSet;
use std::fs;

use kubewitness::model::commit::CommitId;
use kubewitness::model::coverage::Stage;
use kubewitness::model::declaration::TreeEntry;
use kubewitness::model::text::RawText;
use kubewitness::progress::Progress;
use kubewitness::source::SourceSettings;

use crate::repository::{Repository, config, fetch, refused, run, source, sources};

fn names(tree: &kubewitness::model::declaration::Tree) -> Vec<String> {
    tree.files.keys().map(ToString::to_string).collect()
}

fn text(tree: &kubewitness::model::declaration::Tree, path: &str) -> String {
    match &tree.files[&RawText::from(path)] {
        TreeEntry::File { bytes, .. } => String::from_utf8(bytes.to_vec()).unwrap(),
        _ => panic!("{path} is no file"),
    }
}

fn at(git: &Repository, reference: &str) -> kubewitness::source::SourceSettings {
    let mut settings = source(git.path().to_str().unwrap());
    settings.reference = Some(reference.to_owned());
    settings
}

#[test]
fn a_working_copy_is_read_as_it_is_committed_and_what_is_not_is_counted() {
    let git = Repository::new();
    git.write(".gitignore", "ignored/\n*.tmp.yaml\n");
    git.write("deleted.yaml", "a: 1\n");
    git.write("crlf.yaml", "a: 1\n");
    let head = git.put("a.yaml", "a: 1\n", "first");
    git.write("a.yaml", "a: 2\n");
    git.write("crlf.yaml", "a: 1\r\n");
    git.write("new.yaml", "a: 1\n");
    git.write("staged.json", "{}");
    git.git(&["add", "staged.json"]);
    git.write("ignored/x.yaml", "a: 1\n");
    git.write("x.tmp.yaml", "a: 1\n");
    git.write("README.md", "x");
    git.remove("deleted.yaml");
    let tree = fetch(&source(git.path().to_str().unwrap()));
    assert_eq!(tree.commit.as_ref().unwrap().as_str(), head);
    assert_eq!(tree.requested.as_deref(), Some("refs/heads/main"));
    assert_eq!(text(&tree, "a.yaml"), "a: 1\n");
    // a.yaml changed, deleted.yaml gone, new.yaml and staged.json not committed.
    assert_eq!(tree.uncommitted, 4);
    assert_eq!(names(&tree), ["a.yaml", "crlf.yaml", "deleted.yaml"]);
}

#[test]
fn a_clean_working_copy_has_nothing_uncommitted() {
    let git = Repository::new();
    git.put("a.yaml", "a: 1\n", "first");
    git.write("README.md", "untracked, and no manifest");
    assert_eq!(fetch(&source(git.path().to_str().unwrap())).uncommitted, 0);
}

#[test]
fn beside_a_file_that_is_asked_for_nothing_is_uncommitted() {
    let git = Repository::new();
    git.put("apps/a.yaml", "a: 1\n", "first");
    git.put("apps/b.yaml", "a: 1\n", "second");
    let mut settings = source(git.path().to_str().unwrap());
    settings.path = "apps/a.yaml".to_owned();
    let tree = fetch(&settings);
    assert_eq!((names(&tree), tree.uncommitted), (vec!["apps/a.yaml".to_owned()], 0));
    git.write("apps/b.yaml", "a: 2\n");
    git.write("apps/c.yaml", "a: 1\n");
    assert_eq!(fetch(&settings).uncommitted, 0);
    git.write("apps/a.yaml", "a: 2\n");
    assert_eq!(fetch(&settings).uncommitted, 1);
}

#[test]
fn references_are_branches_tags_and_commits_by_their_full_names() {
    let git = Repository::new();
    let first = git.put("a.yaml", "a: 1\n", "first");
    git.git(&["tag", "-a", "v1", "-m", "annotated"]);
    git.git(&["tag", "light"]);
    git.git(&["update-ref", "refs/remotes/origin/next", &first]);
    let second = git.put("a.yaml", "a: 2\n", "second");
    git.git(&["pack-refs", "--all"]);
    let expected = [
        ("main", "refs/heads/main", &second),
        ("HEAD", "refs/heads/main", &second),
        ("v1", "refs/tags/v1", &first),
        ("refs/tags/light", "refs/tags/light", &first),
        ("origin/next", "refs/remotes/origin/next", &first),
        (&first, &first, &first),
        (&first[..9], &first, &first),
    ];
    for (asked, requested, commit) in expected {
        let tree = fetch(&at(&git, asked));
        assert_eq!((tree.requested.as_deref(), tree.commit.unwrap().as_str()), (Some(requested), commit.as_str()), "{asked}");
    }
    git.git(&["checkout", "-q", "--detach"]);
    assert_eq!(fetch(&source(git.path().to_str().unwrap())).requested, Some(second));
}

#[test]
fn what_cannot_be_resolved_is_told_with_its_reason() {
    let git = Repository::new();
    assert_eq!(refused(&source(git.path().to_str().unwrap())).reason, "reference not found");
    git.put("a.yaml", "a: 1\n", "first");
    git.git(&["tag", "main"]);
    git.git(&["update-ref", "refs/tags/blob", &git.git(&["rev-parse", "HEAD:a.yaml"])]);
    let unknown = "0123456789012345678901234567890123456789";
    for (asked, reason) in [
        ("absent", "reference not found"),
        ("../../../etc/passwd", "reference not found"),
        (unknown, "reference not found"),
        ("main", "reference ambiguous"),
        ("blob", "reference is not a commit"),
    ] {
        let told = refused(&at(&git, asked));
        assert_eq!((told.subject.as_str(), told.reason.as_str()), ("fleet", reason), "{asked}");
    }
    let mut settings = source(git.path().to_str().unwrap());
    settings.path = "absent".into();
    assert_eq!(refused(&settings).reason, "path not found");
    assert_eq!(refused(&source("/absent/folder")).reason, "not read");
    assert_eq!(refused(&source("http://git.example/x")).reason, "url not supported");
}

#[test]
fn one_bad_source_does_not_stop_the_others() {
    let git = Repository::new();
    git.put("a.yaml", "a: 1\n", "first");
    let mut bad = source("/absent/folder");
    bad.id = "bad".into();
    let good = source(git.path().to_str().unwrap());
    let mut sources = crate::repository::sources(vec![bad, good]);
    let (trees, not_evaluated) = crate::repository::run(sources.fetch(&kubewitness::progress::Progress::silent()));
    assert_eq!((trees.len(), not_evaluated.len()), (1, 1));
    assert_eq!(not_evaluated[0].subject, "bad");
}

#[test]
fn bare_repositories_file_urls_and_linked_worktrees_are_read() {
    let git = Repository::new();
    let head = git.put("a.yaml", "a: 1\n", "first");
    let folder = tempfile::tempdir().unwrap();
    let (bare, linked) = (folder.path().join("bare.git"), folder.path().join("linked"));
    git.git(&["clone", "-q", "--bare", git.path().to_str().unwrap(), bare.to_str().unwrap()]);
    git.git(&["worktree", "add", "-q", "-b", "other", linked.to_str().unwrap()]);
    for url in [bare.display().to_string(), linked.display().to_string(), format!("file://{}", git.path().display())] {
        let tree = fetch(&source(&url));
        assert_eq!(tree.commit.unwrap().as_str(), head, "{url}");
        assert_eq!(tree.url, url);
    }
    assert_eq!(fetch(&source(linked.to_str().unwrap())).requested.as_deref(), Some("refs/heads/other"));
}

#[test]
fn sha256_repositories_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let git = Repository::new();
    let path = folder.path().join("long");
    git.git(&["init", "-q", "-b", "main", "--object-format=sha256", path.to_str().unwrap()]);
    fs::write(path.join("a.yaml"), config("a", "1")).unwrap();
    let run = |arguments: &[&str]| git.git(&[&["-C", path.to_str().unwrap()], arguments].concat());
    run(&["add", "-A"]);
    run(&["commit", "-q", "-m", "first"]);
    let head = run(&["rev-parse", "HEAD"]);
    let settings = source(path.to_str().unwrap());
    assert_eq!(fetch(&settings).commit.unwrap().as_str(), head);
    assert!(crate::repository::authors(&settings, "a.yaml", 0).all(&head));
}

#[test]
fn only_manifests_below_the_path_are_read() {
    let git = Repository::new();
    for path in ["apps/a.yaml", "apps/sub/b.yml", "apps/c.json", "apps/picture.png", "apps-old/d.yaml", "e.yaml"] {
        git.write(path, "a: 1\n");
    }
    std::os::unix::fs::symlink("/etc/passwd", git.path().join("apps/link.yaml")).unwrap();
    git.commit("first");
    let mut settings = source(git.path().to_str().unwrap());
    settings.path = "./apps/".into();
    let tree = fetch(&settings);
    assert_eq!(names(&tree), ["apps/a.yaml", "apps/c.json", "apps/link.yaml", "apps/sub/b.yml"]);
    assert_eq!(tree.root, RawText::from("apps"));
    assert!(matches!(&tree.files[&RawText::from("apps/link.yaml")], TreeEntry::Symlink(target) if target.to_string() == "/etc/passwd"));
    settings.path = "apps/link.yaml/passwd".into();
    assert_eq!(refused(&settings).reason, "path not found");
}

#[test]
fn a_folder_inside_a_working_copy_is_versioned_and_an_ignored_one_is_not() {
    let git = Repository::new();
    git.write(".gitignore", "out/\n");
    git.write("out/b.yaml", "b: 1\n");
    git.put("apps/a.yaml", "a: 1\n", "first");
    let inside = fetch(&source(git.path().join("apps").to_str().unwrap()));
    assert!(inside.commit.is_some());
    assert_eq!((inside.root.to_string().as_str(), names(&inside)), ("apps", vec!["apps/a.yaml".to_owned()]));
    let ignored = fetch(&source(git.path().join("out").to_str().unwrap()));
    assert_eq!((ignored.commit, names(&fetch(&source(git.path().join("out").to_str().unwrap())))), (None, vec!["b.yaml".to_owned()]));
}

#[test]
fn a_kustomization_needs_the_whole_repository() {
    let git = Repository::new();
    for path in ["base/a.yaml", "overlays/prod/kustomization.yaml", "base/files/app.conf"] {
        git.write(path, "a: 1\n");
    }
    git.commit("first");
    let mut settings = source(git.path().to_str().unwrap());
    settings.path = "overlays/prod".into();
    assert_eq!(names(&fetch(&settings)), ["base/a.yaml", "base/files/app.conf", "overlays/prod/kustomization.yaml"]);
}

#[test]
fn large_files_and_submodules_are_told_and_not_read() {
    let git = Repository::new();
    git.write("large.yaml", &"# x\n".repeat(5 << 20));
    git.git(&["update-index", "--add", "--cacheinfo", "160000,0123456789012345678901234567890123456789,sub"]);
    git.git(&["add", "large.yaml"]);
    git.git(&["commit", "-q", "-m", "first"]);
    let tree = fetch(&source(git.path().to_str().unwrap()));
    assert!(matches!(tree.files[&RawText::from("large.yaml")], TreeEntry::TooLarge(size) if size == 20 << 20));
    assert!(matches!(&tree.files[&RawText::from("sub")], TreeEntry::Submodule(found) if found.commit.starts_with("01234")));
}

#[test]
fn a_plain_folder_is_read_from_disk_without_following_links() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("apps")).unwrap();
    fs::write(folder.path().join("apps/a.yaml"), "a: 1\n").unwrap();
    fs::write(folder.path().join("apps/notes.txt"), "x").unwrap();
    std::os::unix::fs::symlink("/etc", folder.path().join("apps/etc")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("apps/pipe.yaml")).status().unwrap().success());
    let mut settings = source(folder.path().to_str().unwrap());
    let tree = fetch(&settings);
    assert_eq!(
        (tree.commit.is_none(), tree.requested.is_none(), names(&tree)),
        (true, true, vec!["apps/a.yaml".into(), "apps/etc".into()])
    );
    assert!(matches!(tree.files[&RawText::from("apps/etc")], TreeEntry::Symlink(_)));
    settings.reference = Some("main".into());
    assert_eq!(refused(&settings).reason, "not a repository");
}

// T62
#[test]
fn a_submodule_is_told_with_its_repository_and_so_is_what_lies_in_it() {
    const ID: &str = "0123456789012345678901234567890123456789";
    let git = Repository::new();
    git.write(".gitmodules", "[submodule \"x\"]\n\tpath = vendor/sub\n\turl = https://bob:canary@host/sub.git\n");
    git.git(&["add", ".gitmodules"]);
    git.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{ID},vendor/sub")]);
    git.git(&["commit", "-q", "-m", "first"]);
    let mut settings = source(git.path().to_str().unwrap());
    let tree = fetch(&settings);
    let TreeEntry::Submodule(submodule) = &tree.files[&RawText::from("vendor/sub")] else { panic!("a submodule") };
    assert_eq!(submodule.to_string(), format!("commit {ID} of https://host/sub.git"));
    settings.path = "vendor/sub/apps/web".into();
    let gap = refused(&settings);
    assert_eq!(gap.reason, "submodule");
    let detail = gap.detail.unwrap();
    assert!(detail.contains("\"vendor/sub\"") && detail.contains(&submodule.to_string()) && !detail.contains("canary"), "{detail}");
    settings.path = "vendor/other".into();
    assert_eq!(refused(&settings).reason, "path not found");
}

fn reached(git: &Repository, reference: &str) -> (Option<String>, Vec<String>) {
    let settings = SourceSettings { reference: Some(reference.to_owned()), ..source(git.path().to_str().unwrap()) };
    let mut sources = sources(vec![settings]);
    let (trees, gaps) = run(sources.fetch(&Progress::silent()));
    assert_eq!(trees.len(), 1, "{gaps:?}");
    let unreachable = sources.unreachable().first().map(|found| found.commit.to_string());
    (unreachable, gaps.into_iter().map(|gap| gap.reason).collect())
}

// T61
#[test]
fn a_commit_that_no_branch_or_tag_leads_to_is_told_and_read() {
    let git = Repository::new();
    let first = git.put("a.yaml", "a: 1\n", "first");
    let lost = git.put("a.yaml", "a: 2\n", "lost");
    git.git(&["reset", "-q", "--hard", &first]);
    git.put("a.yaml", "a: 3\n", "third");
    let untold = (None, Vec::<String>::new());
    assert_eq!(reached(&git, &first), untold);
    assert_eq!(reached(&git, "main"), untold);
    assert_eq!(reached(&git, &lost), (Some(lost.clone()), Vec::new()));
    assert_eq!(reached(&git, &lost[..12]), (Some(lost.clone()), Vec::new()));
    // The reference of a pull request is no branch.
    git.git(&["update-ref", "refs/pull/1/head", &lost]);
    assert_eq!(reached(&git, &lost).0, Some(lost.clone()));
    for name in ["refs/tags/v1", "refs/remotes/origin/topic", "refs/heads/topic"] {
        git.git(&["update-ref", name, &lost]);
        assert_eq!(reached(&git, &lost), untold, "{name}");
        git.git(&["pack-refs", "--all"]);
        assert_eq!(reached(&git, &lost), untold, "{name}, packed");
        git.git(&["update-ref", "-d", name]);
    }
    git.git(&["tag", "-a", "-m", "annotated", "v2", &lost]);
    assert_eq!(reached(&git, &lost), untold);
}

// T61
#[test]
fn a_clone_that_holds_no_branch_calls_nothing_unreachable() {
    let git = Repository::new();
    git.put("a.yaml", "a: 0\n", "base");
    let tip = git.put("a.yaml", "a: 1\n", "tip");
    let url = format!("file://{}", git.path().display());
    for depth in [&["--depth", "1"][..], &[]] {
        let clone = Repository::new();
        clone.git(&["remote", "add", "origin", &url]);
        clone.git(&[&["fetch", "-q"], depth, &["origin", &tip]].concat());
        clone.git(&["checkout", "-q", "FETCH_HEAD"]);
        assert_eq!(reached(&clone, &tip), (None, vec!["history cut off".to_owned()]), "{depth:?}");
    }
}

// T61
#[test]
fn a_clone_is_told_from_a_repository_without_remotes() {
    let git = Repository::new();
    let first = git.put("a.yaml", "a: 1\n", "first");
    let lost = git.put("a.yaml", "a: 2\n", "lost");
    git.git(&["reset", "-q", "--hard", &first]);
    let told = || {
        let settings = SourceSettings { reference: Some(lost.clone()), ..source(git.path().to_str().unwrap()) };
        let mut sources = sources(vec![settings]);
        run(sources.fetch(&Progress::silent()));
        sources.unreachable()[0].in_clone
    };
    assert!(!told());
    git.git(&["remote", "add", "origin", "https://git.example.com/fleet"]);
    assert!(told());
}

// T61
#[test]
fn behind_a_cut_history_nothing_is_called_unreachable() {
    let git = Repository::new();
    git.put("a.yaml", "a: 0\n", "base");
    let first = git.put("a.yaml", "a: 1\n", "first");
    let lost = git.put("a.yaml", "a: 2\n", "lost");
    git.git(&["reset", "-q", "--hard", &first]);
    git.put("a.yaml", "a: 3\n", "second");
    let (folder, url) = (tempfile::tempdir().unwrap(), format!("file://{}", git.path().display()));
    let clone = folder.path().join("clone");
    git.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    git.git(&["clone", "-q", "--depth", "1", &url, clone.to_str().unwrap()]);
    git.git(&["-C", clone.to_str().unwrap(), "fetch", "-q", "--depth", "1", "origin", &lost]);
    let settings = SourceSettings { reference: Some(lost), ..source(clone.to_str().unwrap()) };
    let mut sources = sources(vec![settings]);
    let (trees, gaps) = run(sources.fetch(&Progress::silent()));
    assert_eq!((trees.len(), sources.unreachable().len()), (1, 0));
    assert_eq!((gaps[0].stage, gaps[0].reason.as_str()), (Stage::History, "history cut off"));
}

#[test]
fn of_several_commits_the_one_that_descends_from_all_is_the_newest_whatever_dates_say() {
    let git = Repository::new();
    let first = git.put("a.yaml", "a: 1\n", "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    let side = git.put("b.yaml", "b: 1\n", "side");
    git.git(&["checkout", "-q", "main"]);
    let main = git.put("c.yaml", "c: 1\n", "main");
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let merge = git.head();
    let tree = git.git(&["rev-parse", "HEAD^{tree}"]);
    let raw = format!("tree {tree}\nparent {merge}\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n\nold\n");
    let old = git.git_with_input(&["hash-object", "-t", "commit", "-w", "--stdin"], raw.as_bytes());
    git.git(&["update-ref", "refs/heads/main", &old]);
    let newest = |commits: &[&String]| {
        let mut sources = sources(vec![source(git.path().to_str().unwrap())]);
        let commits: BTreeSet<CommitId> = commits.iter().map(|id| CommitId::new(id.as_str())).collect();
        let asked = ("fleet".to_owned(), commits);
        let (found, gaps) = run(async {
            sources.fetch(&Progress::silent()).await;
            sources.newest([asked.clone()].into()).await
        });
        assert_eq!(gaps, []);
        found.get(&asked).map(ToString::to_string)
    };
    assert_eq!(newest(&[&first, &old, &side]), Some(old.clone()));
    assert_eq!(newest(&[&first, &main]), Some(main.clone()));
    assert_eq!(newest(&[&side, &main]), None);
    assert_eq!(newest(&[&side, &main, &merge]), Some(merge.clone()));
}
