//! Fetching over http from a real Git server on this machine.

use std::time::Duration;

use kubewitness::model::declaration::Tree;
use kubewitness::progress::Progress;
use kubewitness::source::{Credentials, SecretPlace, Settings, SourceSettings, Sources};

use crate::repository::{Repository, authors, config, fetch, refused, run, source, sources};
use crate::server::Server;

fn at(server: &Server, reference: Option<&str>) -> SourceSettings {
    SourceSettings { reference: reference.map(str::to_owned), ..source(&server.url(".git")) }
}

fn cached(settings: &SourceSettings, cache: &std::path::Path) -> Result<Tree, String> {
    let all = Settings { sources: vec![settings.clone()], cache: Some(cache.to_owned()), timeout: Duration::from_secs(60) };
    let (mut trees, not_evaluated) = run(Sources::new(all).fetch(&Progress::silent()));
    trees.pop().ok_or_else(|| not_evaluated[0].reason.clone())
}

/// What a source asks for and no branch or tag leads to.
fn unreachable(settings: &SourceSettings) -> Vec<(String, String)> {
    let mut sources = sources(vec![settings.clone()]);
    let (trees, _) = run(sources.fetch(&Progress::silent()));
    assert!(trees.is_empty());
    sources.unreachable().iter().map(|found| (found.url.clone(), found.commit.to_string())).collect()
}

// T61
#[test]
fn a_commit_that_the_remote_serves_by_its_id_and_that_is_on_no_branch_is_not_read() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "--detach"]);
    let fork = git.put("a.yaml", &config("a", "evil"), "of a fork");
    git.git(&["update-ref", "refs/pull/1/head", &fork]);
    git.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    git.git(&["checkout", "-q", "main"]);
    let server = Server::http(&git.path());
    assert_eq!(unreachable(&at(&server, Some(&fork))), [(server.url(".git"), fork.clone())]);
    assert_eq!(unreachable(&at(&server, Some("absent"))), []);
    assert_eq!(unreachable(&at(&server, Some(&fork[..12]))), []);
    git.git(&["update-ref", "refs/heads/topic", &fork]);
    assert_eq!(fetch(&at(&server, Some(&fork))).commit.unwrap().as_str(), fork);
}

#[test]
fn no_clone_lies_in_what_is_judged() {
    let (git, judged) = (Repository::new(), Repository::new());
    git.put("a.yaml", &config("a", "one"), "first");
    judged.put("prod/b.yaml", &config("b", "one"), "first");
    let server = Server::http(&git.path());
    let beside = SourceSettings { id: "beside".to_owned(), ..source(&judged.path().join("prod").display().to_string()) };
    let cache = judged.path().join(".cache");
    let both = Settings { sources: vec![at(&server, None), beside], cache: Some(cache.clone()), timeout: Duration::from_secs(60) };
    let (trees, not_evaluated) = run(Sources::new(both).fetch(&Progress::silent()));
    assert_eq!((trees.len(), not_evaluated), (2, vec![]));
    assert!(!cache.exists());
}

#[test]
fn branches_tags_and_commits_of_a_remote_are_fetched_with_their_history() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["tag", "-a", "v1", "-m", "annotated"]);
    let second = git.put("a.yaml", &config("a", "two"), "second");
    let server = Server::http(&git.path());
    let expected = [
        (None, "refs/heads/main", &second),
        (Some("main"), "refs/heads/main", &second),
        (Some("v1"), "refs/tags/v1", &first),
        (Some(first.as_str()), first.as_str(), &first),
        (Some(&first[..10]), first.as_str(), &first),
    ];
    for (asked, requested, commit) in expected {
        let tree = fetch(&at(&server, asked));
        assert_eq!((tree.requested.as_deref(), tree.commit.unwrap().as_str()), (Some(requested), commit.as_str()), "{asked:?}");
        assert!(!tree.shallow);
    }
    let mut sources = crate::repository::sources(vec![at(&server, Some("v1"))]);
    run(sources.fetch(&Progress::silent()));
    let [tag] = &sources.tags()[..] else { panic!("one tag object") };
    assert_eq!((tag.name.to_string().as_str(), tag.kind.as_str(), tag.commit.as_str()), ("v1", "commit", first.as_str()));
    assert_eq!((tag.reference.as_str(), tag.object.id.as_str()), ("refs/tags/v1", git.git(&["rev-parse", "v1"]).as_str()));
    assert_eq!(tag.object.author.email.to_string(), "bob@example.com");
    let authors = authors(&at(&server, None), "a.yaml", 0);
    assert_eq!((authors.leaf("/data/key"), authors.leaf("/data/other")), (second.as_str(), first.as_str()));
    assert_eq!(refused(&at(&server, Some("absent"))).reason, "reference not found");
}

#[test]
fn a_cache_follows_the_remote_even_when_its_history_was_rewritten() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("a.yaml", &config("a", "two"), "second");
    let server = Server::http(&git.path());
    let cache = tempfile::tempdir().unwrap();
    let commit = |reference| cached(&at(&server, reference), cache.path()).map(|tree| tree.commit.unwrap().to_string());
    assert_eq!(commit(None), Ok(second.clone()));
    git.git(&["reset", "-q", "--hard", &first]);
    let third = git.put("a.yaml", &config("a", "three"), "third");
    assert_eq!(commit(None), Ok(third));
    // The cache still holds it; the remote's branches do not.
    assert_eq!(commit(Some(second.as_str())), Err("reference not found".into()));
    assert_eq!(unreachable(&at(&server, Some(second.as_str()))), [(server.url(".git"), second.clone())]);
    git.git(&["checkout", "-q", "-b", "other"]);
    git.git(&["branch", "-q", "-D", "main"]);
    assert_eq!(commit(Some("main")), Err("reference not found".into()));
}

#[test]
fn a_password_from_a_file_opens_and_stands_in_no_message() {
    let git = Repository::new();
    let head = git.put("a.yaml", &config("a", "one"), "first");
    // bob:s3cret
    let server = Server::https(&git.path(), "Ym9iOnMzY3JldA==");
    let file = tempfile::NamedTempFile::new().unwrap();
    let ca = Some(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/source/tls/ca.pem"));
    let trusting = Credentials { ca, ..Default::default() };
    let with = |username: &str, password: &str| {
        let user = file.path().with_extension("user");
        std::fs::write(&user, username).unwrap();
        std::fs::write(file.path(), password).unwrap();
        let (username, password) = (Some(SecretPlace::File(user)), Some(SecretPlace::File(file.path().to_owned())));
        SourceSettings { credentials: Credentials { username, password, ..trusting.clone() }, ..at(&server, None) }
    };
    assert_eq!(fetch(&with("bob", "s3cret\n")).commit.unwrap().as_str(), head);
    let wrong = refused(&with("bob", "wr0ng"));
    assert_eq!(wrong.reason, "not fetched");
    assert!(!format!("{wrong:?}").contains("wr0ng"), "{wrong:?}");
    let url = server.url(".git").replace("https://", "https://bob:s3cret@");
    let in_url = SourceSettings { credentials: trusting.clone(), ..source(&url) };
    assert_eq!(fetch(&in_url).url, server.url(".git"));
    let nobody = SourceSettings { credentials: trusting, ..at(&server, None) };
    assert_eq!(refused(&nobody).reason, "not fetched");
    let untrusted = refused(&source(&url));
    let detail = untrusted.detail.unwrap();
    assert!(detail.contains("ertificate") && !detail.contains("s3cret"), "{detail}");
}

#[test]
fn a_password_is_not_sent_in_clear_text() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    let server = Server::http_asking(&git.path(), "Ym9iOnMzY3JldA==");
    let told = refused(&source(&server.url(".git").replace("http://", "http://bob:s3cret@")));
    assert!(told.detail.unwrap().contains("clear text"));
}

#[test]
fn a_server_that_says_nothing_ends_in_a_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/x.git", silent.local_addr().unwrap().port());
    let settings = Settings { sources: vec![source(&url)], cache: None, timeout: Duration::from_millis(500) };
    let (trees, not_evaluated) = run(Sources::new(settings).fetch(&Progress::silent()));
    assert!(trees.is_empty());
    assert!(["timed out", "not fetched"].contains(&not_evaluated[0].reason.as_str()), "{not_evaluated:?}");
}
