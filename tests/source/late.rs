//! Commits that came into a repository after a key had retired, by what scans saw of its branches: catalogue T34.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use kubewitness::model::commit::CommitId;
use kubewitness::model::evidence::{Asked, ObservedTip, Tip};
use kubewitness::progress::Progress;

use crate::repository::{Repository, config, histories, reference, run, source, sources};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// A repository whose `main` has a commit that is merged into `release`, where it stands.
struct Promotion {
    git: Repository,
    released: String,
    promoted: String,
}

impl Promotion {
    fn new() -> Self {
        let git = Repository::new();
        let released = git.put("a.yaml", &config("a", "one"), "released");
        git.git(&["branch", "release"]);
        let promoted = git.put("b.yaml", &config("b", "one"), "promoted");
        git.git(&["checkout", "-q", "release"]);
        git.git(&["merge", "-q", "--no-ff", "-m", "promotion", "main"]);
        Self { git, released, promoted }
    }

    fn seen(&self, branch: &str, commit: &str, second: i64) -> ObservedTip {
        let reference = format!("refs/heads/{branch}");
        let tip = Tip { url: self.git.path().display().to_string(), reference, commit: CommitId::new(commit), tag: None };
        ObservedTip { tip, observed: at(second) }
    }

    /// Whether the commit is late for a key that retired at second 100, given what was seen. None where that cannot be told.
    fn is_late(&self, observed: &[ObservedTip]) -> Option<bool> {
        let settings = source(&self.git.path().display().to_string());
        let (_, histories, _) = histories(&settings, BTreeSet::from([reference("a.yaml", 0), reference("b.yaml", 0)]));
        let asked = Asked { marks: BTreeSet::new(), ends: BTreeSet::from([at(100)]) };
        let asked = BTreeMap::from([(settings.id.clone(), asked)]);
        let (positions, not_evaluated) = run(async {
            let mut sources = sources(vec![settings.clone()]);
            sources.fetch(&Progress::silent()).await;
            sources.positions(&asked, &histories.commits, observed, &Progress::silent()).await
        });
        assert_eq!(not_evaluated, []);
        let late = positions.late.get(&(settings.id, at(100)))?;
        assert!(!late.contains(&CommitId::new(self.released.as_str())));
        Some(late.contains(&CommitId::new(self.promoted.as_str())))
    }
}

#[test]
fn t34_what_any_branch_had_before_the_key_retired_is_late_on_none() {
    let story = Promotion::new();
    let release = story.seen("release", &story.released, 110);
    assert_eq!(story.is_late(std::slice::from_ref(&release)), Some(true));
    assert_eq!(story.is_late(&[story.seen("main", &story.promoted, 90), release.clone()]), Some(false));
    // Of the same scan, and of a later one.
    assert_eq!(story.is_late(&[story.seen("main", &story.promoted, 110), release.clone()]), Some(false));
    assert_eq!(story.is_late(&[release, story.seen("main", &story.promoted, 120)]), Some(true));
}

#[test]
fn t34_of_a_branch_that_is_not_at_hand_nothing_is_told() {
    let story = Promotion::new();
    let release = story.seen("release", &story.released, 110);
    for gone in ["0123456789abcdef0123456789abcdef01234567", "no id"] {
        assert_eq!(story.is_late(&[story.seen("main", gone, 90), release.clone()]), None, "{gone}");
    }
    let mut elsewhere = story.seen("main", "0123456789abcdef0123456789abcdef01234567", 90);
    elsewhere.tip.url = "https://git.example/other".into();
    assert_eq!(story.is_late(&[elsewhere, release]), Some(true));
}
