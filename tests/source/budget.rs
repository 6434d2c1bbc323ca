//! Repositories that are too much: what was not done in time or is too large is told, and nothing of it is credited (catalogue
//! T88).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use kubewitness::model::evidence::Authored;
use kubewitness::yaml::Dialect;

use crate::repository::{Repository, config, histories, histories_in, reference, source};

/// So many commits that the walk takes longer than a second.
const COMMITS: usize = 50_000;

/// A history of a file that changes in its first commit, while another one changes in all.
fn long() -> (Repository, String) {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let mut stream = String::new();
    for number in 0..COMMITS {
        let from = if number == 0 { format!("from {first}\n") } else { String::new() };
        write!(stream, "commit refs/heads/main\ncommitter X <x@example.com> {} +0000\ndata 1\nx\n", 1_700_000_100 + number).unwrap();
        write!(stream, "{from}M 100644 inline b\ndata {}\n{number}\n", number.to_string().len()).unwrap();
    }
    git.git_with_input(&["fast-import", "--quiet"], stream.as_bytes());
    (git, first)
}

#[test]
fn t88_a_history_that_takes_too_long_is_told_and_credits_nobody() {
    let (git, first) = long();
    let wanted = [(reference("a.yaml", 0), Dialect::Raw)];
    let walk = |seconds| histories_in(git.path().to_str().unwrap(), &wanted, Duration::from_secs(seconds));
    let (found, gaps) = walk(1);
    let history = &found.documents[&wanted[0].0];
    assert_eq!((history.document, found.commits.len()), (Authored::Unreadable, 0));
    assert!(history.leaves.iter().all(|leaf| *leaf == Authored::Unreadable));
    assert_eq!((gaps.len(), gaps[0].reason.as_str()), (1, "timed out"));
    assert!(gaps[0].detail.as_ref().unwrap().contains("count as unreadable"), "{gaps:?}");
    let (found, gaps) = walk(600);
    assert_eq!((found.commits[0].id.as_str(), gaps), (first.as_str(), Vec::new()));
}

#[test]
fn t88_a_version_that_is_too_large_or_swells_is_told_and_credits_nobody() {
    let bomb = (1..40).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        let before = level - 1;
        format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 9].join(", "))
    });
    let large = format!("{}  big: {}\n", config("a", "one"), "x".repeat(50 << 20));
    for (version, reason) in [(bomb.as_str(), None), (large.as_str(), Some("too large"))] {
        let git = Repository::new();
        git.put("a.yaml", &config("a", "one"), "first");
        git.put("a.yaml", version, "hostile");
        git.put("a.yaml", &config("a", "two"), "mended");
        let wanted = reference("a.yaml", 0);
        let (_, found, gaps) = histories(&source(git.path().to_str().unwrap()), BTreeSet::from([wanted.clone()]));
        let history = &found.documents[&wanted];
        assert_eq!((history.document, gaps.first().map(|gap| gap.reason.as_str())), (Authored::Unreadable, reason));
    }
}
