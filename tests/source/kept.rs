//! What a walk found is used again, and changes no answer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kubewitness::model::declaration::DocumentRef;
use kubewitness::source::SourceSettings;

use crate::repository::{Authors, Repository, authors_in, cached, config, histories_by, reference, source, sources};

/// The authors of some files, with a cache and without one.
struct Both {
    warm: Vec<Authors>,
    cold: Vec<Authors>,
}

fn both(settings: &SourceSettings, cache: &Path, paths: &[&str]) -> Both {
    let wanted: BTreeSet<DocumentRef> = paths.iter().map(|path| reference(*path, 0)).collect();
    let found = |sources| {
        let (tree, histories, _) = histories_by(sources, wanted.clone(), &[]);
        let mut named: Vec<String> = histories.commits.iter().map(|commit| commit.id.to_string()).collect();
        let authors: Vec<Authors> = wanted.iter().map(|document| authors_in(&tree, &histories, document)).collect();
        named.retain(|commit| !authors.iter().any(|authors| format!("{authors:?}").contains(commit)));
        assert_eq!(named, Vec::<String>::new(), "commits that nothing names");
        authors
    };
    Both { warm: found(cached(settings, cache)), cold: found(sources(vec![settings.clone()])) }
}

fn same(git: &Repository, cache: &Path, paths: &[&str]) {
    let Both { warm, cold } = both(&source(&git.path().display().to_string()), cache, paths);
    assert_eq!(warm, cold);
}

/// The files that a cache holds.
fn files(cache: &Path) -> Vec<std::path::PathBuf> {
    let walks = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    walks.filter(|path| path.extension().is_some_and(|extension| extension == "walk")).collect()
}

/// Hides an object of a repository, so that whoever reads it notices.
fn hide(git: &Repository, id: &str) {
    fs::remove_file(git.path().join(format!(".git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
}

#[test]
fn what_was_walked_is_not_walked_again() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("a.yaml", &config("a", "two"), "second");
    git.put("a.yaml", &format!("# why\n{}", config("a", "two")), "touched");
    let cache = tempfile::tempdir().unwrap();
    same(&git, cache.path(), &["a.yaml"]);
    // Whoever walks now misses the folders of the past.
    for commit in [&first, &second] {
        hide(&git, &git.git(&["rev-parse", &format!("{commit}^{{tree}}")]));
    }
    let fourth = git.put("a.yaml", &config("a", "two").replace("same", "new"), "fourth");
    let Both { warm, cold } = both(&source(&git.path().display().to_string()), cache.path(), &["a.yaml"]);
    assert_eq!(cold[0].leaf("/data/key"), "unreadable");
    assert_eq!((warm[0].leaf("/data/key"), warm[0].leaf("/data/other")), (second.as_str(), fourth.as_str()));
    assert_eq!(warm[0].leaf("/metadata/name"), first);
}

#[test]
fn new_commits_merges_of_old_branches_and_rewritten_histories_are_walked() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.put("kustomization.yaml", "resources: [a.yaml]\n", "second");
    git.git(&["checkout", "-q", "-b", "side"]);
    git.put("a.yaml", &config("a", "'one'"), "side");
    git.put("b.yaml", &config("b", "side"), "side");
    git.git(&["checkout", "-q", "main"]);
    git.put("c.yaml", &config("c", "one"), "third");
    let cache = tempfile::tempdir().unwrap();
    let all = ["a.yaml", "c.yaml", "kustomization.yaml"];
    same(&git, cache.path(), &all);
    same(&git, cache.path(), &all);
    git.put("c.yaml", &config("c", "two"), "goes on");
    same(&git, cache.path(), &all);
    let kept = git.head();
    git.git(&["merge", "-q", "--no-ff", "-m", "an old branch", "side"]);
    same(&git, cache.path(), &[&all[..], &["b.yaml"]].concat());
    git.git(&["mv", "c.yaml", "d.yaml"]);
    git.commit("moved");
    same(&git, cache.path(), &["a.yaml", "b.yaml", "d.yaml", "kustomization.yaml"]);
    // The branch is made anew from before what is kept.
    git.git(&["reset", "-q", "--hard", &format!("{kept}~2")]);
    git.put("a.yaml", &config("a", "two"), "another history");
    git.put("a.yaml", &config("a", "one"), "and back");
    git.put("c.yaml", &config("c", "two"), "made anew");
    same(&git, cache.path(), &all);
    assert_eq!(files(cache.path()).len(), 1);
}

#[test]
fn whoever_asks_for_little_does_not_make_the_rest_forgotten() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("b.yaml", &config("b", "one"), "second");
    let cache = tempfile::tempdir().unwrap();
    same(&git, cache.path(), &["a.yaml", "b.yaml"]);
    git.put("b.yaml", &config("b", "two"), "third");
    same(&git, cache.path(), &["b.yaml"]);
    hide(&git, &git.git(&["rev-parse", &format!("{first}^{{tree}}")]));
    git.put("c.yaml", &config("c", "one"), "fourth");
    let Both { warm, cold } = both(&source(&git.path().display().to_string()), cache.path(), &["a.yaml"]);
    assert_eq!(cold[0].document, "unreadable");
    assert!(warm[0].all(&first));
}

#[test]
fn what_a_broken_version_hides_is_hidden_for_ever() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "{two"), "broken");
    git.put("a.yaml", &config("a", "three"), "repaired");
    let cache = tempfile::tempdir().unwrap();
    same(&git, cache.path(), &["a.yaml"]);
    hide(&git, &git.git(&["rev-parse", &format!("{first}^{{tree}}")]));
    git.put("b.yaml", &config("b", "one"), "fourth");
    let settings = source(&git.path().display().to_string());
    let gaps = |sources| histories_by(sources, BTreeSet::from([reference("a.yaml", 0)]), &[]).2.len();
    assert_eq!((gaps(sources(vec![settings.clone()])), gaps(cached(&settings, cache.path()))), (1, 0));
    let Both { warm, .. } = both(&settings, cache.path(), &["a.yaml"]);
    assert_eq!((warm[0].leaf("/data/key"), warm[0].leaf("/data/other")), ("unreadable", first.as_str()));
}

#[test]
fn what_is_missing_is_looked_for_again() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "two"), "second");
    let hidden = git.git(&["rev-parse", &format!("{first}^{{tree}}")]);
    let path = git.path().join(format!(".git/objects/{}/{}", &hidden[..2], &hidden[2..]));
    let whole = fs::read(&path).unwrap();
    hide(&git, &hidden);
    let cache = tempfile::tempdir().unwrap();
    let told = || both(&source(&git.path().display().to_string()), cache.path(), &["a.yaml"]).warm[0].leaf("/data/other").to_owned();
    assert_eq!(told(), "unreadable");
    fs::write(&path, whole).unwrap();
    assert_eq!(told(), first);
}

// T60
#[test]
fn a_shallow_history_that_was_deepened_is_walked_anew() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("b.yaml", &config("b", "one"), "second");
    git.put("b.yaml", &config("b", "two"), "third");
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (format!("file://{}", git.path().display()), folder.path().join("clone").display().to_string());
    git.git(&["clone", "-q", "--depth", "2", &from, &to]);
    let cache = tempfile::tempdir().unwrap();
    let told = || {
        let Both { warm, cold } = both(&source(&to), cache.path(), &["a.yaml", "b.yaml"]);
        assert_eq!(warm, cold);
        warm[0].document.clone()
    };
    assert_eq!([told(), told()], ["before-history", "before-history"]);
    git.git(&["-C", &to, "fetch", "-q", "--unshallow"]);
    assert_eq!([told(), told()], [first.as_str(), first.as_str()]);
    // And back again: what is cut off is told by nobody.
    git.git(&["-C", &to, "fetch", "-q", "--depth", "2"]);
    assert_eq!(told(), "before-history");
}

#[test]
fn a_damaged_file_is_no_file() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "two"), "second");
    let cache = tempfile::tempdir().unwrap();
    same(&git, cache.path(), &["a.yaml"]);
    let file = files(cache.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"walk 2\n", &[&whole[..], b"x"].concat()] {
        fs::write(&file, damaged).unwrap();
        same(&git, cache.path(), &["a.yaml"]);
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
}

#[test]
fn a_commit_that_is_gone_is_not_credited() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("b.yaml", &config("b", "one"), "second");
    let cache = tempfile::tempdir().unwrap();
    same(&git, cache.path(), &["a.yaml"]);
    hide(&git, &first);
    let Both { warm, cold } = both(&source(&git.path().display().to_string()), cache.path(), &["a.yaml"]);
    assert_eq!(warm, cold);
    assert!(warm[0].all("unreadable"));
}

#[test]
fn nothing_is_kept_inside_of_what_is_judged() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    for inside in [git.path().join("cache"), git.path().join(".git")] {
        let Both { warm, cold } = both(&source(&git.path().display().to_string()), &inside, &["a.yaml"]);
        assert_eq!(warm, cold);
        assert!(!inside.exists() || files(&inside).is_empty());
    }
}
