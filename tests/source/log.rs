//! Every change of a document back through its history: rows of the catalogue in provenance, with `git log` as the oracle where
//! Git knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubewitness::compare::field_changes;
use kubewitness::model::comparison::FieldValue;
use kubewitness::model::coverage::NotEvaluated;
use kubewitness::model::log::{DocumentChange, Log, LogEnd};
use kubewitness::model::schema::Schemas;
use kubewitness::progress::Progress;
use kubewitness::secret::Redactor;
use kubewitness::source::{Differ, SourceSettings};
use kubewitness::yaml::Dialect;

use crate::repository::{Repository, config, reference, run, source, sources};

fn followed(settings: &SourceSettings, path: &str, ordinal: u32, limit: Option<usize>) -> (Log, Vec<NotEvaluated>) {
    run(async {
        let mut sources = sources(vec![settings.clone()]);
        let (_, not_evaluated) = sources.fetch(&Progress::silent()).await;
        assert_eq!(not_evaluated, []);
        let wanted = BTreeMap::from([(reference(path, ordinal), Dialect::Raw)]);
        let differ: Differ = Arc::new(|before, after| field_changes(before, after, &Schemas::default()));
        sources.log(&wanted, limit, &Redactor::from_key([7; 32]), &differ, &Progress::silent()).await
    })
}

fn log_of(git: &Repository, path: &str) -> Log {
    let (log, not_evaluated) = followed(&source(&git.path().display().to_string()), path, 0, None);
    assert_eq!(not_evaluated, []);
    log
}

/// The commits of each change, newest first.
fn commits<'a>(log: &'a Log, change: &DocumentChange) -> Vec<&'a str> {
    change.commits.iter().map(|commit| log.commits[*commit as usize].id.as_str()).collect()
}

/// `COMMIT: field before after, …` for each change; a creation tells no fields.
fn told(log: &Log) -> Vec<String> {
    let side = |value: &Option<FieldValue>| match value {
        Some(FieldValue::Shown(value)) => value.to_string(),
        Some(FieldValue::Redacted) => "secret".to_owned(),
        None => "-".to_owned(),
    };
    let change = |change: &DocumentChange| {
        let fields: Vec<String> = match change.created {
            true => vec!["new".to_owned()],
            false => change.fields.iter().map(|field| format!("{} {} {}", field.field, side(&field.before), side(&field.after))).collect(),
        };
        format!("{}: {}", commits(log, change).join("|"), fields.join(", "))
    };
    log.changes.iter().map(change).collect()
}

fn merge(git: &Repository, side: &str, files: &[(&str, &str)]) -> String {
    git.git(&["merge", "-q", "--no-ff", "--no-commit", "-s", "ours", side]);
    for (path, text) in files {
        git.write(path, text);
    }
    git.commit("merge")
}

#[test]
fn each_change_is_told_from_what_to_what_and_reformatting_is_none() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("a.yaml", &config("a", "two").replace("  other: same\n", "  more: \"1\"\n"), "second");
    git.put("a.yaml", &format!("# why\n{}", config("a", "'two'").replace("  other: same\n", "  more: \"1\"\n")), "a comment");
    git.put("b.yaml", &config("b", "one"), "elsewhere");
    let third = git.put("a.yaml", &config("a", "one").replace("  other: same\n", "  more: \"1\"\n"), "back");
    let expected = [
        format!("{third}: data.key \"two\" \"one\""),
        format!("{second}: data.key \"one\" \"two\", data.more - \"1\", data.other \"same\" -"),
        format!("{first}: new"),
    ];
    assert_eq!(told(&log_of(&git, "a.yaml")), expected);
}

// T68, T69
#[test]
fn documents_are_followed_through_splits_and_renames() {
    let git = Repository::new();
    let first = git.put("all.yaml", &[config("a", "1"), config("b", "2")].join("---\n"), "first");
    git.write("apps/a.yaml", &config("a", "1"));
    git.put("all.yaml", &config("b", "2"), "split");
    git.remove("apps/a.yaml");
    let second = git.put("new/a.yaml", &config("a", "3"), "rename with an edit");
    let log = log_of(&git, "new/a.yaml");
    assert_eq!(told(&log), [format!("{second}: data.key 1 3"), format!("{first}: new")]);
    assert_eq!(log.changes[0].moved_from.as_ref().map(ToString::to_string).as_deref(), Some("apps/a.yaml"));
    assert_eq!((log.changes[1].path.to_string().as_str(), &log.changes[1].moved_from), ("all.yaml", &None));
}

// T51, T52
#[test]
fn a_merge_that_takes_a_side_is_no_change_and_the_side_is_followed() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    let side = git.put("a.yaml", &config("a", "two"), "side");
    git.git(&["checkout", "-q", "main"]);
    let main = git.put("a.yaml", &config("a", "three"), "main");
    git.git(&["checkout", "-q", "-b", "ours"]);
    merge(&git, "side", &[("a.yaml", &config("a", "two"))]);
    assert_eq!(told(&log_of(&git, "a.yaml")), [format!("{side}: data.key \"one\" \"two\""), format!("{first}: new")]);
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "-s", "ours", "-m", "ours", "side"]);
    assert_eq!(told(&log_of(&git, "a.yaml")), [format!("{main}: data.key \"one\" \"three\""), format!("{first}: new")]);
}

#[test]
fn a_merge_is_told_by_what_no_side_has() {
    for (resolution, own) in [("two", ""), ("evil", "data.key \"one\" \"evil\"")] {
        let git = Repository::new();
        let first = git.put("a.yaml", &config("a", "one"), "first");
        git.git(&["checkout", "-q", "-b", "side"]);
        let side = git.put("a.yaml", &config("a", "two"), "side");
        git.git(&["checkout", "-q", "main"]);
        let main = git.put("a.yaml", &config("a", "one").replace("same", "new"), "main");
        let merged = merge(&git, "side", &[("a.yaml", &config("a", resolution).replace("same", "new"))]);
        let log = log_of(&git, "a.yaml");
        let expected = [
            format!("{merged}: {own}"),
            format!("{main}: data.other \"same\" \"new\""),
            format!("{side}: data.key \"one\" \"two\""),
            format!("{first}: new"),
        ];
        assert_eq!(told(&log), expected);
        assert!(log.changes[0].merge && !log.changes[1].merge);
    }
}

#[test]
fn an_unreadable_version_is_looked_through_and_credits_nobody_with_what_differs_around_it() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "{one"), "broken");
    git.put("a.yaml", &config("a", "one"), "repaired");
    assert_eq!(told(&log_of(&git, "a.yaml")), [format!("{first}: new")]);
    let broken = git.put("a.yaml", &config("a", "{two"), "broken again");
    let repaired = git.put("a.yaml", &config("a", "two"), "repaired with another value");
    let last = git.put("a.yaml", &config("a", "three"), "changed since");
    let log = log_of(&git, "a.yaml");
    let expected =
        [format!("{last}: data.key \"two\" \"three\""), format!("{repaired}|{broken}: data.key \"one\" \"two\""), format!("{first}: new")];
    assert_eq!(told(&log), expected);
    assert_eq!(log.changes.iter().map(|change| change.doubt.is_some()).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn a_file_born_broken_has_no_creator_that_could_be_told() {
    let git = Repository::new();
    let broken = git.put("a.yaml", &config("a", "{one"), "broken");
    let repaired = git.put("a.yaml", &config("a", "one"), "repaired");
    let log = log_of(&git, "a.yaml");
    assert_eq!(told(&log), [format!("{repaired}|{broken}: new")]);
    assert!(log.changes[0].doubt.is_some());
}

// T60
#[test]
fn a_shallow_boundary_ends_the_log_and_is_told() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    let boundary = git.put("b.yaml", &config("b", "one"), "boundary");
    let last = git.put("a.yaml", &config("a", "two"), "last");
    let clone = tempfile::tempdir().unwrap();
    let (from, to) = (format!("file://{}", git.path().display()), clone.path().join("clone"));
    git.git(&["clone", "-q", "--depth", "2", &from, to.to_str().unwrap()]);
    let (log, not_evaluated) = followed(&source(to.to_str().unwrap()), "a.yaml", 0, None);
    assert_eq!(told(&log), [format!("{last}: data.key \"one\" \"two\"")]);
    assert!(matches!(&log.ends[0].1, LogEnd::BeforeHistory(commit) if commit.as_str() == boundary), "{:?}", log.ends);
    assert_eq!(not_evaluated[0].reason, "history cut off");
}

#[test]
fn what_a_missing_object_would_tell_is_nobodys() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    let blob = git.git(&["rev-parse", "HEAD:a.yaml"]);
    let second = git.put("a.yaml", &config("a", "two"), "second");
    let third = git.put("a.yaml", &config("a", "three"), "third");
    std::fs::remove_file(git.path().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let (log, not_evaluated) = followed(&source(&git.path().display().to_string()), "a.yaml", 0, None);
    assert_eq!(told(&log), [format!("{third}: data.key \"two\" \"three\""), format!("{second}: ")]);
    assert!(log.changes[1].doubt.is_some() && !log.changes[1].created);
    assert!(matches!(&log.ends[0].1, LogEnd::Unreadable(commit) if commit.as_str() == second));
    let reasons: Vec<&str> = not_evaluated.iter().map(|gap| gap.reason.as_str()).collect();
    assert_eq!(reasons, ["object missing", "unreadable history"]);
}

#[test]
fn secret_values_are_told_as_changed_and_never_shown() {
    let git = Repository::new();
    let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  key: {value}\n");
    let first = git.put("a.yaml", &secret("canary-1"), "first");
    let second = git.put("a.yaml", &secret("canary-2"), "second");
    let folded =
        git.put("a.yaml", &secret("canary-2").replace("stringData", "data").replace("canary-2", "Y2FuYXJ5LTI="), "written otherwise");
    let log = log_of(&git, "a.yaml");
    assert_eq!(told(&log), [format!("{folded}: "), format!("{second}: data.key secret secret"), format!("{first}: new")]);
    assert!(!format!("{log:?}").contains("canary"));
}

#[test]
fn a_limit_leaves_out_older_commits_and_says_how_many() {
    let git = Repository::new();
    let ids: Vec<String> = (0..4).map(|value| git.put("a.yaml", &config("a", &value.to_string()), "change")).collect();
    let (log, not_evaluated) = followed(&source(&git.path().display().to_string()), "a.yaml", 0, Some(2));
    let newest: Vec<String> = log.changes.iter().map(|change| commits(&log, change).concat()).collect();
    assert_eq!((newest, log.omitted, not_evaluated.len()), (vec![ids[3].clone(), ids[2].clone()], 2, 0));
}

#[test]
fn dates_do_not_decide_what_comes_first() {
    let git = Repository::new();
    let write = |value: &str, parents: &[&str], date: &str| git.put_at(date, "a.yaml", &config("a", value), parents);
    let first = write("one", &[], "4000000000 +0000");
    let side = write("two", &[&first], "1 +9999");
    let main = write("three", &[&first], "nonsense");
    let merged = write("four", &[&main, &side], "-5 -0100");
    git.git(&["update-ref", "refs/heads/main", &merged]);
    let log = log_of(&git, "a.yaml");
    let order: Vec<String> = log.changes.iter().map(|change| commits(&log, change).concat()).collect();
    assert_eq!(order, [merged, side, main, first]);
}

#[test]
fn random_histories_agree_with_git_log() {
    // One document a file, and every change one of meaning: there `git log` is right.
    let git = Repository::new();
    let mut state = 11_u64;
    let mut next = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut counter = 0;
    for file in 0..4 {
        git.put(&format!("f{file}.yaml"), &config("x", "start"), "start");
    }
    for round in 0..25 {
        let branch = format!("b{round}");
        git.git(&["checkout", "-q", "-b", &branch]);
        for _ in 0..=next(2) {
            counter += 1;
            git.put(&format!("f{}.yaml", next(4)), &config("x", &format!("v{counter}")), "side");
        }
        git.git(&["checkout", "-q", "main"]);
        counter += 1;
        git.put(&format!("f{}.yaml", next(4)), &config("x", &format!("v{counter}")), "main");
        // The old side, the new one, or a value of the merge's own.
        match next(3) {
            0 => git.git(&["merge", "-q", "-s", "ours", "-m", "ours", &branch]),
            1 => git.git(&["merge", "-q", "-X", "theirs", "-m", "theirs", &branch]),
            _ => {
                counter += 1;
                merge(&git, &branch, &[(&format!("f{}.yaml", next(4)), &config("x", &format!("v{counter}")))])
            }
        };
    }
    for file in 0..4 {
        let path = format!("f{file}.yaml");
        let log = log_of(&git, &path);
        let mut ours: Vec<String> = log.changes.iter().map(|change| commits(&log, change).concat()).collect();
        let mut theirs: Vec<String> = git.git(&["log", "--format=%H", "--", &path]).lines().map(str::to_owned).collect();
        for pair in log.changes.windows(2) {
            let (newer, older) = (commits(&log, &pair[0]).concat(), commits(&log, &pair[1]).concat());
            assert_ne!(git.git(&["merge-base", &newer, &older]), newer, "a commit stands before what descends from it");
        }
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{path}");
    }
}

#[test]
fn documents_behind_one_object_are_told_together_and_generated_secrets_are_not_shown() {
    let git = Repository::new();
    let kustomization = |tag: &str, token: &str| {
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\nimages: [{{name: web, newTag: \"{tag}\"}}]\n\
             secretGenerator:\n- name: db\n  literals: [token=canary-{token}]\n"
        )
    };
    git.write("kustomization.yaml", &kustomization("1", "one"));
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("kustomization.yaml", &kustomization("2", "two"), "the kustomization");
    let third = git.put("a.yaml", &config("a", "two"), "the base");
    let log = run(async {
        let mut sources = sources(vec![source(&git.path().display().to_string())]);
        sources.fetch(&Progress::silent()).await;
        let wanted = ["a.yaml", "kustomization.yaml"].map(|path| (reference(path, 0), Dialect::Kustomize));
        let differ: Differ = Arc::new(|before, after| field_changes(before, after, &Schemas::default()));
        let (log, not_evaluated) = sources.log(&wanted.into(), None, &Redactor::from_key([7; 32]), &differ, &Progress::silent()).await;
        assert_eq!(not_evaluated, []);
        log
    });
    let expected = [
        format!("{third}: data.key \"one\" \"two\""),
        format!("{second}: images[0].newTag \"1\" \"2\", secretGenerator[0].literals secret secret"),
        format!("{first}: new"),
        format!("{first}: new"),
    ];
    assert_eq!(told(&log), expected);
    assert!(!format!("{log:?}").contains("canary"));
}
