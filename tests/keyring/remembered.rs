//! What the mathematics said is remembered between runs, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubewitness::cache::{keep, kept};
use kubewitness::keyring::{Keyring, Settings};
use kubewitness::model::attribution::{Crypto, KeyTime, SignatureFacts};
use kubewitness::model::commit::Commit;

use crate::fixture::{ALICE, BOB, Files, Gpg, Repository, judge, judge_at, line, must, now, signed};

struct Case {
    files: Files,
    openpgp: Commit,
    ssh: Commit,
    settings: Settings,
    cache: PathBuf,
}

/// A commit that Alice's OpenPGP key signed and one that her SSH key signed.
fn case() -> Case {
    let (repository, gpg, files) = (Repository::new(), Gpg::new(), Files::new());
    gpg.key(ALICE, "ed25519");
    gpg.key(BOB, "ed25519");
    let payload = repository.payload(ALICE, ALICE);
    let openpgp = repository.commit(signed(&payload, "gpgsig", &gpg.sign("20250301", ALICE, &[], payload.as_bytes())));
    let key = files.write("id", b"");
    std::fs::remove_file(&key).unwrap();
    must(Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ecdsa", "-f"]).arg(&key), b"");
    let armor = must(Command::new("ssh-keygen").args(["-q", "-Y", "sign", "-n", "git", "-f"]).arg(&key), payload.as_bytes());
    let ssh = repository.commit(signed(&payload, "gpgsig", &String::from_utf8(armor).unwrap()));
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let keys = files.write("keys.asc", gpg.export(&[ALICE]));
    let cache = keys.with_file_name("cache");
    let settings =
        Settings { ssh: vec![files.write("signers", format!("alice@example.com {public}"))], openpgp: vec![keys], ..Settings::default() };
    files.write("bob.asc", gpg.export(&[BOB]));
    Case { files, openpgp, ssh, settings, cache }
}

impl Case {
    fn keyring(&self) -> Keyring {
        let mut keyring = Keyring::open(&self.settings).unwrap();
        keyring.remember_in(&self.cache);
        keyring
    }

    fn facts(&self) -> [SignatureFacts; 2] {
        let keyring = self.keyring();
        [judge(&keyring, &self.openpgp).0, judge(&keyring, &self.ssh).0]
    }

    fn answers(&self) -> Vec<PathBuf> {
        let folder = self.cache.join("signatures");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn text(file: &Path) -> String {
    String::from_utf8(kept(file, 1 << 20).unwrap()).unwrap()
}

#[test]
fn what_was_seen_before_has_the_same_facts_and_is_not_verified_again() {
    let case = case();
    let first = case.facts();
    assert!(first.iter().all(|facts| facts.crypto == Crypto::Good));
    assert_eq!(case.facts(), first);
    // Only what is asked of the file can be changed by changing the file.
    let [file] = case.answers().try_into().unwrap();
    assert_eq!(text(&file).matches("\"good\"").count(), 2);
    keep(&file, text(&file).replace("\"good\"", "\"bad\"").as_bytes()).unwrap();
    assert!(case.facts().iter().all(|facts| facts.crypto == Crypto::Bad));
}

#[test]
fn a_damaged_file_is_made_anew() {
    let case = case();
    let first = case.facts();
    let [file] = case.answers().try_into().unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, String::from_utf8(whole.clone()).unwrap().replace("good", "bad ")).unwrap();
    assert_eq!(case.facts(), first);
    assert_eq!(std::fs::read(&file).unwrap(), whole);
}

#[test]
fn t27_time_names_and_keys_are_judged_anew_each_time() {
    let mut case = case();
    let first = case.facts();
    let keyring = case.keyring();
    let early = judge_at(&keyring, &case.openpgp, "2025-02-01T00:00:00Z".parse().unwrap());
    assert_eq!(early.0.key_time, Some(KeyTime::FutureSig), "a signature of tomorrow");
    assert_eq!(judge_at(&keyring, &case.openpgp, now()).0, first[0]);
    case.settings.openpgp = vec![case.settings.openpgp[0].with_file_name("bob.asc")];
    let keyring = case.keyring();
    assert_eq!(line(&judge(&keyring, &case.openpgp).1), "unverifiable unknown-key", "the key is gone");
    let signers = case.files.write("signers", std::fs::read_to_string(&case.settings.ssh[0]).unwrap().replace("alice@", "carol@"));
    case.settings.ssh = vec![signers];
    let keyring = case.keyring();
    assert_eq!(line(&judge(&keyring, &case.ssh).1), "signed-untrusted identity-mismatch", "it is another person's now");
}
