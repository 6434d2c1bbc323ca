//! Security keys. ssh-keygen makes their signatures with an authenticator only, so that they are made here as PROTOCOL.u2f
//! has it; ssh-keygen verifies them all the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubewitness::model::attribution::Crypto;
use sha2::{Digest, Sha256};
use signature::Signer;
use ssh_key::public::{KeyData, SkEcdsaSha2NistP256, SkEd25519};
use ssh_key::{HashAlg, PrivateKey, PublicKey, SshSig, public::EcdsaPublicKey};

use crate::fixture::{ALICE, Repository, armor, judge, line, signed, ssh_keyring};
use crate::openssh::{Ssh, git, keygen};

const TOUCHED: u8 = 0x01;
const VERIFIED: u8 = 0x04;

/// An authenticator with the key of a file.
struct Authenticator {
    private: PrivateKey,
    public: PublicKey,
}

impl Authenticator {
    fn new(ssh: &Ssh, name: &str, kind: &[&str]) -> Self {
        // The crate refuses to read a number of P-256 that begins with a zero byte, as one in 256 does.
        let private = (0..8).find_map(|attempt| {
            let name = format!("{name}-{attempt}");
            ssh.key(&name, kind);
            PrivateKey::read_openssh_file(&ssh.path(&name)).ok()
        });
        let private = private.unwrap();
        let key = match private.public_key().key_data() {
            KeyData::Ed25519(key) => KeyData::from(SkEd25519::new(*key, "ssh:")),
            KeyData::Ecdsa(EcdsaPublicKey::NistP256(point)) => KeyData::from(SkEcdsaSha2NistP256::new(*point, "ssh:")),
            other => panic!("no security key is like {other:?}"),
        };
        Self { private, public: PublicKey::new(key, "") }
    }

    fn line(&self) -> String {
        format!("alice@example.com {}\n", self.public.to_openssh().unwrap().trim())
    }

    /// A signature for Git; `shown` are the flags that it shows, `flags` those that it was made with.
    fn sign(&self, payload: &str, flags: u8, shown: u8) -> String {
        self.sign_as(&self.public.to_bytes().unwrap(), payload, flags, shown)
    }

    /// The same, with a certificate of the key in its place.
    fn sign_as(&self, key: &[u8], payload: &str, flags: u8, shown: u8) -> String {
        let message = SshSig::signed_data("git", HashAlg::Sha512, payload.as_bytes()).unwrap();
        let counter = 7_u32.to_be_bytes();
        let data = [&Sha256::digest(b"ssh:")[..], &[flags], &counter, &Sha256::digest(&message)].concat();
        let made = self.private.key_data().try_sign(&data).unwrap();
        let signature = [&string(self.public.algorithm().as_str().as_bytes())[..], &string(made.as_bytes()), &[shown], &counter].concat();
        let fields = [key, b"git", b"", b"sha512", &signature].map(string).concat();
        armor("SSH SIGNATURE", &[b"SSHSIG\0\0\0\x01", &fields[..]].concat()).replace("\n\n", "\n")
    }
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

#[test]
fn t45_a_security_key_that_nobody_touched_is_not_trusted() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let payload = repository.payload(ALICE, ALICE);
    for (name, kind) in [("ed25519", &["ed25519"][..]), ("p256", &["ecdsa", "-b", "256"])] {
        let authenticator = Authenticator::new(&ssh, name, kind);
        let lines = authenticator.line();
        for (flags, shown, verdict, letter) in [
            (TOUCHED, TOUCHED, "verified-author uid-binding", "G"),
            (TOUCHED | VERIFIED, TOUCHED | VERIFIED, "verified-author uid-binding", "G"),
            // Neither git nor ssh-keygen asks for a touch where they verify.
            (0, 0, "signed-untrusted no-touch", "G"),
            (VERIFIED, VERIFIED, "signed-untrusted no-touch", "G"),
            (0, TOUCHED, "invalid bad-signature", "B"),
        ] {
            let armor = authenticator.sign(&payload, flags, shown);
            let commit = repository.commit(signed(&payload, "gpgsig", &armor));
            let (facts, judged) = judge(&ssh_keyring(&lines), &commit);
            let tools = git(&repository, &commit, &lines);
            assert_eq!((line(&judged).as_str(), tools.as_str()), (verdict, letter), "{name}, flags {flags} shown as {shown}");
            assert_eq!(keygen(&lines, "alice@example.com", &armor, &payload, "20250301120000Z"), letter == "G");
            assert_eq!(facts.crypto == Crypto::Good, letter == "G");
        }
    }
}

#[test]
fn t45_a_certificate_may_ask_a_security_key_for_more_than_a_touch() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let lines = format!("alice@example.com cert-authority {}\n", ssh.key("ca", &["ed25519"]));
    let payload = repository.payload(ALICE, ALICE);
    for (name, kind) in [("ed25519", &["ed25519"][..]), ("p256", &["ecdsa", "-b", "256"])] {
        let authenticator = Authenticator::new(&ssh, name, kind);
        std::fs::write(ssh.path("sk.pub"), authenticator.public.to_openssh().unwrap()).unwrap();
        ssh.certify("ca", "sk", &["-n", "alice@example.com", "-O", "verify-required"]);
        let certificate = STANDARD.decode(ssh.public("sk-cert").split(' ').nth(1).unwrap()).unwrap();
        for (flags, verdict) in [
            (TOUCHED | VERIFIED, "verified-author uid-binding"),
            (TOUCHED, "signed-untrusted no-user-verification"),
            (0, "signed-untrusted no-touch"),
        ] {
            let armor = authenticator.sign_as(&certificate, &payload, flags, flags);
            let commit = repository.commit(signed(&payload, "gpgsig", &armor));
            let judged = judge(&ssh_keyring(&lines), &commit).1;
            assert_eq!((line(&judged).as_str(), git(&repository, &commit, &lines).as_str()), (verdict, "G"), "{name}, flags {flags}");
        }
    }
}

#[test]
fn a_signature_without_flags_is_none_of_a_security_key() {
    let (repository, ssh) = (Repository::new(), Ssh::new());
    let authenticator = Authenticator::new(&ssh, "p256", &["ecdsa", "-b", "256"]);
    let payload = repository.payload(ALICE, ALICE);
    let bytes = crate::fixture::dearmor(&authenticator.sign(&payload, 0, 0));
    // The flags moved into the signature, under a name that knows none.
    let name = b"sk-ecdsa-sha2-nistp256@openssh.com";
    let at = bytes.windows(name.len()).rposition(|window| window == name).unwrap() - 8;
    let (length, made) = (bytes[at + 8 + name.len() + 3] as usize, at + 8 + name.len() + 4);
    let inner = [&bytes[made..made + length], &bytes[made + length..]].concat();
    let signature = [string(b"site@example.com"), string(&inner)].concat();
    let moved = [&bytes[..at], &string(&signature)[..]].concat();
    let commit = repository.commit(signed(&payload, "gpgsig", &armor("SSH SIGNATURE", &moved)));
    assert_eq!(line(&judge(&ssh_keyring(&authenticator.line()), &commit).1), "invalid bad-signature");
}
