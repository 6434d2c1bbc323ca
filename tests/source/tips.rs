//! What became of a reference between two looks, with the real Git as the one who moves it.

use chrono::DateTime;
use kubewitness::model::commit::CommitId;
use kubewitness::model::coverage::NotEvaluated;
use kubewitness::model::evidence::{Change, ObservedTip, TipChange};
use kubewitness::progress::Progress;
use kubewitness::source::{Credentials, SourceSettings};

use crate::repository::{Repository, config, run, source, sources};
use crate::server::Server;

fn at(url: &str, reference: Option<&str>) -> SourceSettings {
    SourceSettings { reference: reference.map(str::to_owned), ..source(url) }
}

fn here(git: &Repository) -> SourceSettings {
    source(&git.path().display().to_string())
}

/// Looks at a source, knowing what was observed.
fn look(settings: &SourceSettings, observed: &[ObservedTip]) -> (Vec<TipChange>, Vec<NotEvaluated>) {
    run(async {
        let mut sources = sources(vec![settings.clone()]);
        let (_, not_evaluated) = sources.fetch(&Progress::silent()).await;
        assert_eq!(not_evaluated, []);
        sources.changes(observed, &Progress::silent()).await
    })
}

/// The tip as it is now, to be compared with later.
fn observe(settings: &SourceSettings) -> ObservedTip {
    let (mut changes, not_evaluated) = look(settings, &[]);
    assert_eq!(not_evaluated, []);
    let change = changes.remove(0);
    assert_eq!(change.since, None);
    ObservedTip { tip: change.tip, observed: DateTime::from_timestamp(1_700_000_000, 0).unwrap() }
}

/// What became of it since.
fn change(settings: &SourceSettings, since: &ObservedTip) -> Change {
    let (changes, not_evaluated) = look(settings, std::slice::from_ref(since));
    assert_eq!(not_evaluated, []);
    let (old, change) = changes[0].since.clone().unwrap();
    assert_eq!(&old, since);
    change
}

fn grown() -> (Repository, Vec<String>) {
    let git = Repository::new();
    let commits = ["one", "two", "three", "four"].map(|value| git.put("a.yaml", &config("a", value), value));
    (git, commits.to_vec())
}

#[test]
fn a_branch_that_grows_or_merges_is_ahead_and_one_that_rests_is_the_same() {
    let (git, _) = grown();
    let seen = observe(&here(&git));
    assert_eq!((seen.tip.reference.as_str(), seen.tip.commit.as_str()), ("refs/heads/main", git.head().as_str()));
    assert_eq!(seen.tip.url, git.path().display().to_string());
    assert_eq!(change(&here(&git), &seen), Change::Same);
    git.git(&["checkout", "-q", "-b", "side", "HEAD~2"]);
    git.put("b.yaml", &config("b", "one"), "side");
    git.git(&["checkout", "-q", "main"]);
    git.put("c.yaml", &config("c", "one"), "main");
    assert_eq!(change(&here(&git), &seen), Change::Ahead);
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    assert_eq!(change(&here(&git), &seen), Change::Ahead);
    // The old tip as the second parent is in the history too.
    git.git(&["checkout", "-q", "-B", "main", "side"]);
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", seen.tip.commit.as_str()]);
    assert_eq!(change(&here(&git), &seen), Change::Ahead);
}

// T59
#[test]
fn an_amended_commit_a_reset_and_another_history_are_told_with_what_is_lost() {
    let (git, commits) = grown();
    let seen = observe(&here(&git));
    git.write("a.yaml", &config("a", "other"));
    git.git(&["commit", "-q", "-a", "--amend", "-m", "amended"]);
    assert_eq!(change(&here(&git), &seen), Change::Rewritten { back: false, lost: Some(1) });
    git.git(&["reset", "-q", "--hard", &commits[0]]);
    assert_eq!(change(&here(&git), &seen), Change::Rewritten { back: true, lost: Some(3) });
    git.put("a.yaml", &config("a", "new"), "on top");
    assert_eq!(change(&here(&git), &seen), Change::Rewritten { back: false, lost: Some(3) });
    git.git(&["checkout", "-q", "--orphan", "fresh"]);
    git.commit("fresh");
    git.git(&["branch", "-q", "-M", "main"]);
    let lost: usize = git.git(&["rev-list", "--count", &format!("main..{}", seen.tip.commit)]).parse().unwrap();
    assert_eq!((change(&here(&git), &seen), lost), (Change::Rewritten { back: false, lost: Some(4) }, 4));
}

// T57
#[test]
fn neither_replacements_nor_grafts_make_an_ancestor() {
    let (git, commits) = grown();
    let seen = observe(&here(&git));
    git.git(&["reset", "-q", "--hard", &commits[0]]);
    let new = git.put("a.yaml", &config("a", "new"), "on top");
    git.git(&["replace", "--graft", &new, &commits[3]]);
    assert_eq!(git.git(&["merge-base", &commits[3], "main"]), commits[3], "Git itself is taken in");
    assert_eq!(change(&here(&git), &seen), Change::Rewritten { back: false, lost: Some(3) });
    git.git(&["replace", "-d", &new]);
    git.write(".git/info/grafts", &format!("{new} {}\n", commits[3]));
    assert_eq!(change(&here(&git), &seen), Change::Rewritten { back: false, lost: Some(3) });
}

#[test]
fn what_lies_beyond_a_cut_off_history_is_not_judged() {
    let (git, commits) = grown();
    let clone = tempfile::tempdir().unwrap();
    let folder = clone.path().canonicalize().unwrap();
    let url = format!("file://{}", git.path().display());
    git.git(&["clone", "-q", "--depth", "1", &url, folder.to_str().unwrap()]);
    let settings = source(folder.to_str().unwrap());
    let mut seen = observe(&settings);
    assert_eq!(change(&settings, &seen), Change::Same);
    seen.tip.commit = CommitId::new(commits[1].clone());
    let (changes, not_evaluated) = look(&settings, &[seen.clone()]);
    assert_eq!(changes[0].since.as_ref().unwrap().1, Change::Unknown);
    assert_eq!(not_evaluated[0].reason, "history cut off");
    assert_eq!(not_evaluated[0].subject, "whether refs/heads/main of fleet was rewritten");
    // What is there may prove enough: nobody is before and behind another one.
    seen.tip.commit = CommitId::new(commits[3].clone());
    git.git(&["fetch", "-q", "--update-head-ok"]);
    let shallow = |arguments: &[&str]| git.git(&[&["-C", folder.to_str().unwrap()], arguments].concat());
    shallow(&["fetch", "-q", "--deepen", "1"]);
    assert_eq!(change(&settings, &seen), Change::Same);
    shallow(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(change(&settings, &seen), Change::Rewritten { back: true, lost: None });
}

#[test]
fn what_is_no_longer_there_is_rewritten_and_not_counted() {
    let (git, commits) = grown();
    let server = Server::http(&git.path());
    let remote = source(&server.url(".git"));
    let seen = observe(&remote);
    assert_eq!((seen.tip.url.as_str(), seen.tip.commit.as_str()), (server.url(".git").as_str(), commits[3].as_str()));
    git.git(&["reset", "-q", "--hard", &commits[1]]);
    git.put("a.yaml", &config("a", "new"), "on top");
    assert_eq!(change(&remote, &seen), Change::Rewritten { back: false, lost: None });
}

#[test]
fn a_tag_that_is_moved_replaced_or_made_anew_is_told_even_where_it_moves_ahead() {
    let (git, commits) = grown();
    let server = Server::http(&git.path());
    for settings in [at(&git.path().display().to_string(), Some("v1")), at(&server.url(".git"), Some("refs/tags/v1"))] {
        let armor = "v1\n-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n";
        git.git_with_input(&["tag", "-f", "-a", "v1", "-F", "-", &commits[1]], armor.as_bytes());
        let object = git.git(&["rev-parse", "v1"]);
        let seen = observe(&settings);
        let tag = seen.tip.tag.clone().unwrap();
        assert_eq!((tag.id.as_str(), tag.signed, seen.tip.commit.as_str()), (object.as_str(), true, commits[1].as_str()));
        assert_eq!(change(&settings, &seen), Change::Same);
        git.git(&["tag", "-f", "v1", &commits[1]]);
        assert_eq!(change(&settings, &seen), Change::TagMoved);
        assert_eq!(observe(&settings).tip.tag, None);
        git.git(&["tag", "-f", "-a", "v1", "-m", "v1", &commits[1]]);
        assert_eq!(change(&settings, &seen), Change::TagMoved);
        assert!(!observe(&settings).tip.tag.unwrap().signed);
        git.git(&["tag", "-f", "v1", &commits[3]]);
        assert_eq!(change(&settings, &seen), Change::TagMoved);
    }
}

#[test]
fn a_pinned_commit_and_a_plain_folder_have_no_tip_and_an_address_holds_no_password() {
    let (git, commits) = grown();
    assert_eq!(look(&at(&git.path().display().to_string(), Some(&commits[1])), &[]).0, []);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), config("a", "one")).unwrap();
    assert_eq!(look(&source(folder.path().to_str().unwrap()), &[]).0, []);
    // bob:s3cret
    let server = Server::https(&git.path(), "Ym9iOnMzY3JldA==");
    let ca = Some(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/source/tls/ca.pem"));
    let with_login = source(&server.url(".git").replacen("://", "://bob:s3cret@", 1));
    let seen = observe(&SourceSettings { credentials: Credentials { ca, ..Credentials::default() }, ..with_login });
    assert_eq!(seen.tip.url, server.url(".git"));
}
