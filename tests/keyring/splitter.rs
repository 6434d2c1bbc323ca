//! The payload and the signature that git itself hands to gpg are the ones that we take.

use kubewitness::model::attribution::Format;
use kubewitness::model::signature::{Signed, Split, split_commit};
use kubewitness::model::tag::split_tag;
use proptest::prelude::*;

use crate::fixture::{ALICE, Files, Repository, gpgsig, must, run};

const ARMOR: &str = "-----BEGIN PGP SIGNATURE-----\n\niHUE\n-----END PGP SIGNATURE-----\n";
const OTHER: &str = "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n";

/// What git hands to gpg: payload and signature. Nothing where it calls no gpg.
fn git_split(repository: &Repository, command: &str, id: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let files = Files::new();
    let (payload, signature) = (files.write("payload", ""), files.write("signature", ""));
    let script = format!(
        "#!/bin/sh\nfor last; do :; done\nwhile [ \"$1\" != --verify ]; do shift; done\ncp \"$2\" {}\ncat > {}\n",
        signature.display(),
        payload.display()
    );
    let program = files.write("gpg", script);
    must(std::process::Command::new("chmod").arg("+x").arg(&program), b"");
    let setting = format!("gpg.program={}", program.display());
    drop(run(repository.git().args(["-c", &setting, "-c", &setting.replace("gpg.", "gpg.openpgp."), command, id]), b""));
    let read = |path| std::fs::read(path).unwrap();
    let taken = (read(payload), read(signature));
    (!taken.1.is_empty()).then_some(taken)
}

fn raw(repository: &Repository, before: &str, after: &str, message: &str) -> String {
    let payload = repository.payload(ALICE, ALICE);
    let (tree, people) = payload.split_once("\n\n").unwrap().0.split_once('\n').unwrap();
    format!("{tree}\n{before}{people}\n{after}\n{message}")
}

#[test]
fn git_takes_the_same_payload_and_signature() {
    for hash in ["sha1", "sha256"] {
        let repository = Repository::with_hash(hash);
        let own = if hash == "sha1" { "gpgsig" } else { "gpgsig-sha256" };
        let good = gpgsig(own, ARMOR);
        let merged = "mergetag object x\n type commit\n tag v1\n gpgsig y\n \n text\n".to_owned();
        for after in [
            good.clone(),
            format!("{good} \n"),
            format!("{merged}{good}"),
            format!("{good}{merged}"),
            format!("encoding latin1\n{good}x-extra 1\n more\n"),
        ] {
            for message in ["", "subject\n", "subject\n\ngpgsig no header\n", "no line end"] {
                let commit = repository.commit(raw(&repository, "", &after, message));
                let (payload, armor) = git_split(&repository, "verify-commit", commit.id.as_str()).expect("git sees a signature");
                match split_commit(&commit) {
                    Split::Signed(Signed { payload: ours, armor: own, .. }) => {
                        assert!(ours == payload && own == armor, "{after:?} {message:?}")
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn git_takes_the_same_payload_and_signature_of_a_tag() {
    for hash in ["sha1", "sha256"] {
        let repository = Repository::with_hash(hash);
        let commit = repository.commit(repository.payload(ALICE, ALICE));
        let head = format!("object {}\ntype commit\ntag v1\ntagger {ALICE} 1 +0000\n", commit.id);
        for message in
            ["", "text\n", "text\n\n", &format!("quoted:\n{ARMOR}"), &format!(" {ARMOR}"), "no line end", "-----BEGIN PGP SIGNATURE\n"]
        {
            for signature in [ARMOR, ""] {
                let raw = format!("{head}\n{message}{signature}");
                let id = repository.write("tag", raw.as_bytes());
                let object = Repository::read(id, raw.into_bytes());
                match (split_tag(&object), git_split(&repository, "verify-tag", object.id.as_str())) {
                    (Split::Signed(ours), Some(git)) => assert!((ours.payload, ours.armor) == git, "{message:?}"),
                    (Split::Unsigned, None) => {}
                    (ours, git) => panic!("{message:?} {signature:?}: {ours:?}, {git:?}"),
                }
            }
        }
    }
}

/// T12 to T15, T18 and T19: forms that git takes for good, bad or nothing, depending on the command.
#[test]
fn what_git_would_not_write_is_malformed_whatever_git_makes_of_it() {
    let repository = Repository::new();
    let (good, junk) = (gpgsig("gpgsig", ARMOR), gpgsig("gpgsig", "hello"));
    for (case, before, after, reason) in [
        ("T12", "", format!("{good}{good}"), "multiple-signatures"),
        ("T13", "", format!("{junk}{good}"), "multiple-signatures"),
        ("T14", "", format!("{good}{junk}"), "multiple-signatures"),
        ("T15", "", format!("{good}{}", gpgsig("gpgsig-sha256", OTHER)), "foreign-signature-header"),
        ("T15", "", format!("gpgsigfoo bar\n{good}"), "foreign-signature-header"),
        ("T18", "", junk.clone(), "unknown-armor"),
        ("T18", "", gpgsig("gpgsig", &format!("hello\n{ARMOR}")), "leading-junk"),
        ("T19", good.as_str(), String::new(), "misplaced-signature"),
    ] {
        let commit = repository.commit(raw(&repository, before, &after, "subject\n"));
        match split_commit(&commit) {
            Split::Malformed(malformed) => assert_eq!(malformed.reason, reason, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
}

const LINES: [&str; 13] = [
    "gpgsig -----BEGIN PGP SIGNATURE-----",
    " ",
    " iHUE",
    " -----END PGP SIGNATURE-----",
    "gpgsig-sha256 -----BEGIN SSH SIGNATURE-----",
    " -----END SSH SIGNATURE-----",
    "gpgsig",
    "gpgsig junk",
    "gpgsigfoo",
    "x-extra y",
    "mergetag z",
    "gpgsi g",
    "",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in the headers: where we see one signature, git sees the same one over the same payload, and where git
    /// sees one, we never see none.
    #[test]
    fn git_agrees_on_any_headers(lines in proptest::collection::vec(proptest::sample::select(&LINES[..]), 0..9), whole in any::<bool>()) {
        let repository = Repository::new();
        let own = if whole { gpgsig("gpgsig", ARMOR) } else { String::new() };
        let commit = repository.commit(raw(&repository, "", &format!("{own}{}\n", lines.join("\n")), "subject\n"));
        let git = git_split(&repository, "verify-commit", commit.id.as_str());
        match split_commit(&commit) {
            Split::Signed(ours) if ours.format == Format::OpenPgp => prop_assert_eq!(git, Some((ours.payload, ours.armor))),
            Split::Signed(_) | Split::Malformed(_) => {}
            Split::Unsigned => prop_assert_eq!(git, None),
        }
    }
}
