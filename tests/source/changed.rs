//! Which commit brought a document onto the branch between two observed tips: rows of the catalogue in provenance.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::DateTime;
use kubewitness::model::commit::CommitId;
use kubewitness::model::evidence::{ObservedTip, Tip};
use kubewitness::source::{Settings, Sources};

use crate::repository::{Repository, cached, config, credited, histories_by, histories_since, reference, source, sources};

/// What is known of `a.yaml`, its author and what changed it, when `main` was observed at these commits before.
#[derive(Debug, PartialEq)]
struct Told {
    author: String,
    changed: Option<String>,
    reintroduced: bool,
}

/// Tips as scans observed them one after the other.
fn seen_at(url: &str, commits: &[impl AsRef<str>]) -> Vec<ObservedTip> {
    let tip = |commit: &str| Tip { url: url.to_owned(), reference: "refs/heads/main".into(), commit: CommitId::new(commit), tag: None };
    commits.iter().map(|commit| ObservedTip { tip: tip(commit.as_ref()), observed: DateTime::UNIX_EPOCH }).collect()
}

fn told(git: &Repository, path: &str, observed: &[&str]) -> Told {
    let url = git.path().display().to_string();
    let observed = seen_at(&url, observed);
    let wanted = reference(path, 0);
    let (_, histories, not_evaluated) = histories_since(&source(&url), BTreeSet::from([wanted.clone()]), &observed);
    assert_eq!(not_evaluated, []);
    let changed = histories.documents[&wanted].changed;
    Told {
        author: credited(&histories, &wanted).id.to_string(),
        changed: changed.map(|changed| histories.commits[changed.by as usize].id.to_string()),
        reintroduced: changed.is_some_and(|changed| changed.reintroduced),
    }
}

fn by(author: &str, changed: Option<&str>) -> Told {
    Told { author: author.to_owned(), changed: changed.map(str::to_owned), reintroduced: false }
}

#[test]
fn a_change_on_the_branch_is_its_authors_and_reformatting_and_moving_are_none() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    assert_eq!(told(&git, "a.yaml", &[]), by(&first, None));
    assert_eq!(told(&git, "a.yaml", &[&first]), by(&first, None));
    let second = git.put("a.yaml", &config("a", "two"), "second");
    git.put("a.yaml", &format!("# why\n{}", config("a", "two")), "a comment");
    git.put("b.yaml", &config("b", "one"), "elsewhere");
    git.git(&["mv", "a.yaml", "moved.yaml"]);
    let moved = git.commit("moved");
    assert_eq!(told(&git, "moved.yaml", &[&first]), by(&second, Some(&second)));
    // Further scans remember more tips; the change stays where it was made.
    assert_eq!(told(&git, "moved.yaml", &[&first, &second, &moved]), by(&second, Some(&second)));
    git.put("moved.yaml", &config("a", "three"), "third");
    let fourth = git.put("moved.yaml", &config("a", "two"), "back again");
    assert_eq!(told(&git, "moved.yaml", &[&first, &moved]), by(&fourth, Some(&fourth)));
}

#[test]
fn a_document_is_brought_by_the_merge_of_a_branch_that_began_before() {
    let git = Repository::new();
    let base = git.put("a.yaml", &config("a", "one"), "base");
    git.git(&["checkout", "-q", "-b", "side"]);
    let side = git.put("a.yaml", &config("a", "two"), "side");
    git.git(&["checkout", "-q", "main"]);
    let seen = git.put("b.yaml", &config("b", "one"), "main");
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let merge = git.head();
    assert_eq!(told(&git, "a.yaml", &[&seen]), by(&side, Some(&merge)));
    // Seen from before the branch began the side is on the way too, and the merge is still the newest that differs from a parent.
    let way = git.git(&["rev-list", "--topo-order", "--ancestry-path", &format!("{base}..main"), "--", "a.yaml"]);
    assert_eq!(way.lines().collect::<Vec<_>>(), [&merge, &side]);
    assert_eq!(told(&git, "a.yaml", &[&base]), by(&side, Some(&merge)));
}

// T51
#[test]
fn a_value_that_stands_only_in_a_merge_is_the_merges() {
    let git = Repository::new();
    let seen = git.put("a.yaml", &config("a", "one"), "base");
    git.git(&["checkout", "-q", "-b", "side"]);
    git.put("b.yaml", &config("b", "one"), "side");
    git.git(&["checkout", "-q", "main"]);
    git.put("c.yaml", &config("c", "one"), "main");
    git.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    let evil = git.put("a.yaml", &config("a", "evil"), "merge");
    assert_eq!(told(&git, "a.yaml", &[&seen]), by(&evil, Some(&evil)));
}

// T52
#[test]
fn a_merge_that_takes_an_old_side_brings_back_what_was_superseded() {
    let git = Repository::new();
    let vulnerable = git.put("a.yaml", &config("a", "v1"), "alice");
    git.git(&["branch", "-q", "side"]);
    git.put("b.yaml", &config("b", "one"), "elsewhere");
    let seen = git.put("a.yaml", &config("a", "v2"), "the fix");
    git.git(&["checkout", "-q", "side"]);
    git.put("c.yaml", &config("c", "one"), "innocent");
    git.git(&["merge", "-q", "-s", "ours", "-m", "mallory", "main"]);
    let merge = git.head();
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "--ff-only", "side"]);
    // Git's own answer is Alice.
    assert_eq!(git.log("a.yaml"), vulnerable);
    let expected = Told { author: vulnerable.clone(), changed: Some(merge.clone()), reintroduced: true };
    assert_eq!(told(&git, "a.yaml", &[&seen]), expected);
    // It is still told when later scans see nothing new.
    let later = git.put("d.yaml", &config("d", "one"), "later");
    assert_eq!(told(&git, "a.yaml", &[&seen, &merge, &later]), expected);
    // Nobody looked in between: the value has not changed from where the first look was.
    assert!(!told(&git, "a.yaml", &[&later]).reintroduced);
    assert_eq!(told(&git, "a.yaml", &[&later]).changed, None);
}

#[test]
fn a_document_that_was_deleted_and_comes_back_by_a_merge_is_reintroduced() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["branch", "-q", "side"]);
    git.remove("a.yaml");
    let seen = git.commit("removed");
    git.git(&["checkout", "-q", "side"]);
    git.put("c.yaml", &config("c", "one"), "innocent");
    git.git(&["merge", "-q", "-s", "ours", "-m", "back", "main"]);
    let merge = git.head();
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "--ff-only", "side"]);
    assert_eq!(told(&git, "a.yaml", &[&seen]), Told { author: first, changed: Some(merge), reintroduced: true });
}

#[test]
fn behind_a_rewritten_history_nothing_is_told_and_an_unreadable_version_accuses_nobody() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let lost = git.put("a.yaml", &config("a", "lost"), "lost");
    git.git(&["reset", "-q", "--hard", &first]);
    let second = git.put("a.yaml", &config("a", "two"), "second");
    assert_eq!(told(&git, "a.yaml", &[&first, &lost]), by(&second, None));
    assert_eq!(told(&git, "a.yaml", &[&lost, &first]), by(&second, Some(&second)));

    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", "kind: [", "broken");
    git.put("a.yaml", &config("a", "one"), "mended");
    assert_eq!(told(&git, "a.yaml", &[&first]), by(&first, None));
}

#[test]
fn t52_a_version_that_cannot_be_read_hides_nobody_who_brings_an_old_value_back() {
    for is_seen_broken in [false, true] {
        let git = Repository::new();
        let vulnerable = git.put("a.yaml", &config("a", "v1"), "alice");
        let seen = git.put("a.yaml", &config("a", "v2"), "the fix");
        let broken = git.put("a.yaml", "kind: [", "mallory's typo");
        let old_side = git.git(&["rev-parse", &format!("{vulnerable}^{{tree}}")]);
        let merge = git.git(&["commit-tree", old_side.trim(), "-p", &broken, "-p", &vulnerable, "-m", "mallory"]).trim().to_owned();
        git.git(&["reset", "-q", "--hard", &merge]);
        let tips = if is_seen_broken { vec![seen.as_str(), &broken] } else { vec![seen.as_str()] };
        assert_eq!(told(&git, "a.yaml", &tips), Told { author: vulnerable, changed: Some(merge), reintroduced: true });
    }
}

#[test]
fn who_mends_a_version_that_a_scan_saw_broken_brings_nothing() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let broken = git.put("a.yaml", "kind: [", "broken");
    git.put("a.yaml", &config("a", "one"), "mended");
    assert_eq!(told(&git, "a.yaml", &[&first, &broken]), by(&first, None));
}

#[test]
fn what_earlier_scans_found_between_their_tips_is_found_again_without_looking() {
    let git = Repository::new();
    let (url, cache) = (git.path().display().to_string(), tempfile::tempdir().unwrap());
    let mut seen = vec![git.put("a.yaml", &config("a", "v1"), "alice")];
    git.git(&["branch", "-q", "side"]);
    seen.push(git.put("a.yaml", &config("a", "v2"), "the fix"));
    let told = |seen: &[String], is_cached: bool| {
        let wanted = BTreeSet::from([reference("a.yaml", 0), reference("b.yaml", 0)]);
        let settings = source(&url);
        let sources = if is_cached { cached(&settings, cache.path()) } else { sources(vec![settings]) };
        let (_, histories, not_evaluated) = histories_by(sources, wanted.clone(), &seen_at(&url, seen));
        assert_eq!(not_evaluated, []);
        let id = |by: u32| histories.commits[by as usize].id.to_string();
        wanted
            .iter()
            .map(|document| histories.documents[document].changed.map(|changed| (id(changed.by), changed.reintroduced)))
            .collect::<Vec<_>>()
    };
    git.git(&["checkout", "-q", "side"]);
    git.put("b.yaml", &config("b", "one"), "innocent");
    git.git(&["merge", "-q", "-s", "ours", "-m", "mallory", "main"]);
    let merge = git.head();
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "--ff-only", "side"]);
    let expected = [Some((merge.clone(), true)), Some((merge.clone(), false))];
    assert_eq!(told(&seen, true), expected);
    seen.push(merge);
    for round in 0..3 {
        let commit = git.put("c.yaml", &config("c", &round.to_string()), "later");
        assert_eq!((told(&seen, true), told(&seen, false)), (expected.to_vec(), expected.to_vec()));
        seen.push(commit);
    }
    // Somebody who knows other tips is told what is so since those.
    assert_eq!(told(&seen[2..], true), [None, None]);
    assert_eq!(told(&seen, true), expected);
    // Whoever looks again misses the folders between the tips.
    let tree = git.git(&["rev-parse", &format!("{}^{{tree}}", seen[1])]);
    std::fs::remove_file(git.path().join(format!(".git/objects/{}/{}", &tree[..2], &tree[2..]))).unwrap();
    git.put("c.yaml", &config("c", "last"), "last");
    assert_eq!(told(&seen, true), expected);
}

#[test]
fn a_search_that_takes_too_long_is_told_and_takes_no_authors_away() {
    let git = Repository::new();
    let first = git.put("b.yaml", &config("b", "one"), "first");
    let mut stream = format!("reset refs/heads/main\nfrom {first}\n\n");
    for mark in 1..=60_000 {
        let time = 1_700_000_100 + mark;
        stream += &format!("commit refs/heads/main\nmark :{mark}\ncommitter X <x@example.com> {time} +0000\ndata 0\n");
        stream += &format!("M 100644 inline n\ndata {}\n{mark}\n\n", mark.to_string().len() + 1);
    }
    git.git_with_input(&["fast-import", "--quiet"], stream.as_bytes());
    git.git(&["reset", "-q", "--hard", "main"]);
    let last = git.put("a.yaml", &config("a", "one"), "last");
    let url = git.path().display().to_string();
    let settings = Settings { sources: vec![source(&url)], cache: None, timeout: Duration::from_secs(5) };
    let wanted = reference("a.yaml", 0);
    let (_, histories, not_evaluated) = histories_by(Sources::new(settings), BTreeSet::from([wanted.clone()]), &seen_at(&url, &[first]));
    assert_eq!(credited(&histories, &wanted).id.to_string(), last);
    assert_eq!(histories.documents[&wanted].changed, None);
    let reasons: Vec<(&str, &str)> = not_evaluated.iter().map(|gap| (gap.subject.as_str(), gap.reason.as_str())).collect();
    assert_eq!(reasons, [("fleet", "timed out")], "{not_evaluated:?}");
}
