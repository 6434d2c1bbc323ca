//! Tag objects: who says that a commit has this name, with what git verify-tag says beside it.

use kubewitness::attribute::{Judging, tags};
use kubewitness::keyring::Keyring;
use kubewitness::model::kept::Trust;
use kubewitness::model::tag::JudgedTag;
use kubewitness::progress::Progress;
use kubewitness::source::{Credentials, Settings, SourceSettings, Sources};

use crate::fixture::{ALICE, BOB, Gpg, Repository, judge, line, must, now, openpgp_keyring, run};

/// The tag by which a source is asked for, with our judgement; none where no object stands behind the name.
fn judged(repository: &Repository, reference: &str, keyring: &Keyring) -> Option<JudgedTag> {
    let url = repository.folder().display().to_string();
    let reference = Some(reference.to_owned());
    let source = SourceSettings { id: "fleet".into(), url, reference, path: String::new(), credentials: Credentials::default() };
    let mut sources = Sources::new(Settings { sources: vec![source], cache: None, timeout: std::time::Duration::from_secs(60) });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert_eq!(sources.fetch(&Progress::silent()).await.1, []);
        let (signatures, gaps) = keyring.verify_tags(&sources.tags(), now(), &Progress::silent()).await;
        assert_eq!(gaps, []);
        let positions = kubewitness::model::evidence::Positions::default();
        let judging = Judging { trust: &Trust::default(), positions: &positions, now: now(), leaf_names: &|_| Vec::new() };
        tags(sources.tags(), &signatures, &judging).pop()
    })
}

/// Our verdict on a tag, and whether git verifies it.
fn both(repository: &Repository, gpg: &Gpg, keyring: &Keyring, reference: &str) -> (String, bool) {
    let ours = judged(repository, reference, keyring).map_or("no tag object".to_owned(), |judged| line(&judged.verdict));
    let mut command = repository.git();
    let git = run(command.env("GNUPGHOME", gpg.home()).args(["verify-tag", reference]), b"");
    (ours, git.status.success())
}

/// A tag object of a person, with a signature of a key over its text.
fn tag(repository: &Repository, name: &str, (kind, marked): (&str, &str), tagger: &str, sign: impl Fn(&str) -> String) -> String {
    let text = format!("object {marked}\ntype {kind}\ntag {name}\ntagger {tagger} 1740830400 +0000\n\nA release\n");
    repository.write("tag", format!("{text}{}", sign(&text)).as_bytes())
}

fn put(repository: &Repository, reference: &str, id: &str) {
    must(repository.git().args(["update-ref", reference, id]), b"");
}

#[test]
fn t54_a_signed_tag_is_proven_and_the_commit_that_it_marks_is_not() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    gpg.key(BOB, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let commit = repository.commit(repository.payload(BOB, BOB));
    let by = |key: &'static str| |text: &str| gpg.sign("20250301", key, &[], text.as_bytes());
    let marked = ("commit", commit.id.as_str());
    put(&repository, "refs/tags/v2.0", &tag(&repository, "v2.0", marked, ALICE, by(ALICE)));
    assert_eq!(both(&repository, &gpg, &keyring, "v2.0"), ("verified-author uid-binding".to_owned(), true));
    assert_eq!(line(&judge(&keyring, &commit).1), "unsigned");

    put(&repository, "refs/tags/team/v3", &tag(&repository, "team/v3", marked, ALICE, by(BOB)));
    assert_eq!(both(&repository, &gpg, &keyring, "team/v3"), ("signed-untrusted identity-mismatch".to_owned(), true));
    put(&repository, "refs/tags/annotated", &tag(&repository, "annotated", marked, ALICE, |_| String::new()));
    assert_eq!(both(&repository, &gpg, &keyring, "annotated"), ("unsigned".to_owned(), false));
    put(&repository, "refs/tags/light", commit.id.as_str());
    assert_eq!(both(&repository, &gpg, &keyring, "light"), ("no tag object".to_owned(), false));
}

#[test]
fn t55_a_tag_under_another_name_proves_nothing() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let commit = repository.commit(repository.payload(BOB, BOB));
    let good = |text: &str| gpg.sign("20250301", ALICE, &[], text.as_bytes());
    let marked = ("commit", commit.id.as_str());
    let old = tag(&repository, "v1.0", marked, ALICE, good);
    put(&repository, "refs/tags/v2.0", &old);
    assert_eq!(both(&repository, &gpg, &keyring, "v2.0"), ("invalid tag-name-mismatch uid-binding".to_owned(), true));
    let judged = judged(&repository, "v2.0", &keyring).unwrap();
    assert_eq!((judged.tag.name.to_string().as_str(), judged.tag.object.id.as_str()), ("v1.0", old.as_str()));

    // What it marks is not what it says: git looks at the object alone.
    put(&repository, "refs/tags/liar", &tag(&repository, "liar", ("commit", &old), ALICE, good));
    let (ours, _) = both(&repository, &gpg, &keyring, "liar");
    assert_eq!(ours, "invalid tag-type-mismatch uid-binding");
    put(&repository, "refs/tags/outer", &tag(&repository, "outer", ("tag", &old), ALICE, good));
    assert_eq!(both(&repository, &gpg, &keyring, "outer"), ("verified-author uid-binding".to_owned(), true));
}

#[test]
fn a_tag_that_was_changed_is_bad_and_text_behind_its_signature_is_in_none() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let commit = repository.commit(repository.payload(BOB, BOB));
    let marked = ("commit", commit.id.as_str());
    let over = |text: &str| gpg.sign("20250301", ALICE, &[], text.as_bytes());
    put(&repository, "refs/tags/v1", &tag(&repository, "v1", marked, ALICE, |text| over(&text.replace("release", "draft"))));
    assert_eq!(both(&repository, &gpg, &keyring, "v1"), ("invalid bad-signature".to_owned(), false));
    put(&repository, "refs/tags/v2", &tag(&repository, "v2", marked, ALICE, |text| format!("{}Approved by Bob\n", over(text))));
    assert_eq!(both(&repository, &gpg, &keyring, "v2"), ("invalid malformed-signature trailing-junk".to_owned(), true));
}

#[test]
fn an_armor_that_begins_as_only_git_reads_it_is_malformed_and_not_absent() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    gpg.key(ALICE, "ed25519");
    let keyring = openpgp_keyring(&gpg.export(&[]));
    let commit = repository.commit(repository.payload(BOB, BOB));
    let marked = ("commit", commit.id.as_str());
    let longer =
        |text: &str| gpg.sign("20250301", ALICE, &[], text.as_bytes()).replace("BEGIN PGP SIGNATURE-----", "BEGIN PGP SIGNATURE----- x");
    put(&repository, "refs/tags/v1", &tag(&repository, "v1", marked, ALICE, longer));
    assert_eq!(both(&repository, &gpg, &keyring, "v1").0, "invalid malformed-signature unknown-armor");
}

#[test]
fn gits_own_signed_tag_verifies() {
    let (repository, gpg) = (Repository::new(), Gpg::new());
    let key = gpg.key(ALICE, "ed25519");
    let commit = repository.commit(repository.payload(ALICE, ALICE));
    let mut command = repository.git();
    command.env("GNUPGHOME", gpg.home()).env("GIT_COMMITTER_DATE", "1740830400 +0000");
    command.args(["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]);
    command.args(["-c", &format!("gpg.program={}", gpg.program("20250301").display())]);
    must(command.args(["tag", "-m", "By git", "-u", &key, "v1", commit.id.as_str()]), b"");
    assert_eq!(both(&repository, &gpg, &openpgp_keyring(&gpg.export(&[])), "v1"), ("verified-author uid-binding".to_owned(), true));
}
