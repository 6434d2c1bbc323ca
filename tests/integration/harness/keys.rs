//! Persons with throw-away OpenPGP and SSH keys, made once for the whole test binary.
//!
//! The OpenPGP keys are made at [`KEY_TIME`], whatever the clock says; what they sign is dated by the commit.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::program::Program;
use super::scratch;

/// When every key was made: 2024-01-01T00:00:00Z.
pub(crate) const KEY_TIME: i64 = 1_704_067_200;

/// Somebody who writes, commits and signs.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    keys: OnceLock<(Key, Key)>,
}

/// A private key to sign commits with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The full fingerprint of a key in the home of the binary.
    OpenPgp(String),
    /// The file of the private key; the public one lies beside it as `.pub`.
    Ssh(PathBuf),
}

pub(crate) static ALICE: Person = Person::new("Alice Example", "alice@example.com");
pub(crate) static BOB: Person = Person::new("Bob Example", "bob@example.com");
pub(crate) static CAROL: Person = Person::new("Carol Example", "carol@example.com");
/// Whose keys no test should trust.
pub(crate) static MALLORY: Person = Person::new("Mallory Example", "mallory@example.net");

impl Person {
    /// A person whose keys are made when they are asked for.
    pub(crate) const fn new(name: &'static str, email: &'static str) -> Self {
        Self { name, email, keys: OnceLock::new() }
    }

    /// `Name <email>`.
    pub(crate) fn identity(&self) -> String {
        format!("{} <{}>", self.name, self.email)
    }

    pub(crate) fn openpgp(&self) -> Key {
        self.keys().0.clone()
    }

    pub(crate) fn ssh(&self) -> Key {
        self.keys().1.clone()
    }

    fn keys(&self) -> &(Key, Key) {
        self.keys.get_or_init(|| (make_openpgp(&self.identity(), "never"), make_ssh(self.email)))
    }
}

/// Makes an OpenPGP key beyond those of the persons. `expires` is as gpg takes it, as in `never` or `seconds=86400`.
pub(crate) fn make_openpgp(identity: &str, expires: &str) -> Key {
    // One key is made at a time: gpg names it only in its status, and the home is shared.
    static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let output = gpg(KEY_TIME)
        .args(["--yes", "--status-fd", "1", "--passphrase", "", "--quick-generate-key", identity, "ed25519", "sign", expires])
        .succeed();
    let created = output.lines().find_map(|line| line.strip_prefix("[GNUPG:] KEY_CREATED P "));
    Key::OpenPgp(created.expect("gpg names the key it made").trim().to_owned())
}

/// Makes an SSH key beyond those of the persons.
pub(crate) fn make_ssh(comment: &str) -> Key {
    let file = scratch::new_folder("ssh").join("key");
    let path = file.to_str().expect("the path of the scratch folder is UTF-8");
    Program::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]).succeed();
    Key::Ssh(file)
}

/// A file of armoured public OpenPGP keys, as `keys.openpgp` of the configuration takes it.
pub(crate) fn openpgp_file(keys: &[Key]) -> PathBuf {
    let fingerprints = keys.iter().map(|key| match key {
        Key::OpenPgp(fingerprint) => fingerprint.as_str(),
        Key::Ssh(_) => panic!("an SSH key has no place in a file of OpenPGP keys"),
    });
    let armoured = gpg(KEY_TIME).args(["--armor", "--export"]).args(fingerprints).succeed();
    let file = scratch::new_folder("exported").join("keys.asc");
    fs::write(&file, armoured).expect("a scratch file can be written");
    file
}

/// An allowed-signers file of principals and their keys, as `keys.ssh` of the configuration takes it.
pub(crate) fn allowed_signers_file(signers: &[(&str, Key)]) -> PathBuf {
    let lines = signers.iter().map(|(principal, key)| format!("{principal} namespaces=\"git\" {}", public_ssh(key)));
    let file = scratch::new_folder("exported").join("allowed_signers");
    fs::write(&file, lines.collect::<String>()).expect("a scratch file can be written");
    file
}

fn public_ssh(key: &Key) -> String {
    match key {
        Key::Ssh(file) => fs::read_to_string(file.with_extension("pub")).expect("the public key lies beside the private one"),
        Key::OpenPgp(_) => panic!("an OpenPGP key has no place in an allowed-signers file"),
    }
}

/// The shared OpenPGP home; the sweeper ends its agent.
fn openpgp_home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| {
        let home = scratch::folder().join("openpgp");
        fs::create_dir(&home).expect("a scratch folder can be made");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a scratch folder can be made private");
        home
    })
}

/// gpg in the shared home at a time that stands still.
fn gpg(time: i64) -> Program {
    Program::new(gpg_at(time)).args(["--batch"])
}

/// A program that is gpg with its clock at `time` (seconds since 1970), as `gpg.program` of git takes it.
pub(crate) fn gpg_at(time: i64) -> PathBuf {
    let home = openpgp_home();
    let file = home.join(format!("gpg-at-{time}"));
    if !file.exists() {
        let stamp = chrono::DateTime::from_timestamp(time, 0).expect("a commit's time is one").format("%Y%m%dT%H%M%S");
        let script = format!("#!/bin/sh\nexec gpg --homedir '{}' --faked-system-time '{stamp}!' --no-tty --quiet \"$@\"\n", home.display());
        let made = home.join(format!("{}.new", scratch::number()));
        fs::write(&made, script).expect("a scratch file can be written");
        fs::set_permissions(&made, fs::Permissions::from_mode(0o700)).expect("a scratch file can be made executable");
        // Moved to its place whole: another test may be about to run it.
        fs::rename(made, &file).expect("a scratch file can be renamed");
    }
    file
}
