//! Revoked SSH keys and certificates, with ssh-keygen and git beside ours.

use kubewitness::model::attribution::{Crypto, KeyTime};

use crate::fixture::{ALICE, Repository, judge, line, revoking_keyring, ssh_keyring};
use crate::openssh::{Ssh, git_revoking};

const REVOKED: &str = "invalid key-revoked";
const VERIFIED: &str = "verified-author uid-binding";

/// Keys of Alice, Bob and two authorities, the first of which has certified Alice's with the serial 7.
fn people() -> Ssh {
    let ssh = Ssh::new();
    for name in ["alice", "bob", "ca", "other"] {
        ssh.key(name, &["ed25519"]);
    }
    ssh.certify("ca", "alice", &["-n", "alice@example.com", "-z", "7"]);
    ssh
}

#[test]
fn t42_a_revoked_key_signs_nothing() {
    let (repository, ssh) = (Repository::new(), people());
    let lines = format!("alice@example.com {}", ssh.public("alice"));
    let commit = ssh.commit(&repository, "alice", ALICE, ALICE);
    let (alice, bob) = (ssh.public("alice"), ssh.public("bob"));
    for (what, revoked, verdict, letter) in [
        ("nothing", Vec::new(), VERIFIED, "G"),
        ("another key", bob.clone().into_bytes(), VERIFIED, "G"),
        ("the key in text", format!("# stolen\n\n{bob}  {alice}").into_bytes(), REVOKED, "B"),
        ("its certificate in text", ssh.public("alice-cert").into_bytes(), REVOKED, "B"),
        ("the key in a KRL", ssh.krl(&[], "", &["bob", "alice"]), REVOKED, "B"),
        ("another in a KRL", ssh.krl(&[], "", &["bob"]), VERIFIED, "G"),
        ("its SHA-1 fingerprint", ssh.krl(&[], &format!("sha1: {alice}"), &[]), REVOKED, "B"),
        ("its SHA-256 fingerprint", ssh.krl(&[], &format!("sha256: {alice}"), &[]), REVOKED, "B"),
        ("a serial of its certificate", ssh.krl(&["-s", "ca.pub"], "serial: 7", &[]), VERIFIED, "G"),
    ] {
        let (facts, judged) = judge(&revoking_keyring(&lines, &revoked).unwrap(), &commit);
        let tools = git_revoking(&repository, &commit, &lines, &revoked);
        assert_eq!((line(&judged).as_str(), tools.as_str()), (verdict, letter), "{what}");
        assert_eq!((facts.crypto, facts.key_time == Some(KeyTime::RevokedHard)), (Crypto::Good, verdict == REVOKED), "{what}");
        assert_eq!(facts.signer.as_deref(), Some("alice@example.com"), "{what}");
        assert_eq!(facts.emails.is_empty(), verdict == REVOKED, "{what}");
    }
}

#[test]
fn t42_a_certificate_is_revoked_by_number_by_id_and_with_its_key_or_authority() {
    let (repository, ssh) = (Repository::new(), people());
    let lines = format!("*@example.com cert-authority {}", ssh.public("ca"));
    let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
    let (certificate, authority) = ("invalid key-revoked certificate-revoked", "invalid key-revoked authority-revoked");
    for (what, revoked, verdict, letter) in [
        ("its key in text", ssh.public("alice").into_bytes(), REVOKED, "B"),
        ("its authority in text", ssh.public("ca").into_bytes(), authority, "B"),
        ("another authority in text", ssh.public("other").into_bytes(), VERIFIED, "G"),
        ("its key", ssh.krl(&[], "", &["alice"]), REVOKED, "B"),
        ("its authority", ssh.krl(&[], "", &["ca"]), authority, "B"),
        ("the authority's fingerprint", ssh.krl(&[], &format!("sha256: {}", ssh.public("ca")), &[]), authority, "B"),
        ("its serial", ssh.krl(&["-s", "ca.pub"], "serial: 7", &[]), certificate, "B"),
        ("a range of serials", ssh.krl(&["-s", "ca.pub"], "serial: 5-9", &[]), certificate, "B"),
        ("another serial", ssh.krl(&["-s", "ca.pub"], "serial: 8", &[]), VERIFIED, "G"),
        ("its serial by another authority", ssh.krl(&["-s", "other.pub"], "serial: 7", &[]), VERIFIED, "G"),
        ("its serial by any authority", ssh.krl(&["-s", "none"], "serial: 7", &[]), certificate, "B"),
        ("its id", ssh.krl(&["-s", "ca.pub"], "id: the id", &[]), certificate, "B"),
        ("another id", ssh.krl(&["-s", "ca.pub"], "id: the", &[]), VERIFIED, "G"),
        ("the certificate", ssh.krl(&[], "", &["alice-cert"]), certificate, "B"),
    ] {
        let judged = judge(&revoking_keyring(&lines, &revoked).unwrap(), &commit).1;
        let tools = git_revoking(&repository, &commit, &lines, &revoked);
        assert_eq!((line(&judged).as_str(), tools.as_str()), (verdict, letter), "{what}");
    }
}

#[test]
fn a_revoked_key_is_void_even_where_no_line_names_it() {
    let (repository, ssh) = (Repository::new(), people());
    let lines = format!("bob@example.com {}", ssh.public("bob"));
    let (plain, certified) = (ssh.commit(&repository, "alice", ALICE, ALICE), ssh.commit_certified(&repository, "alice", ALICE, ALICE));
    let verdict = |revoked: &[u8], commit| line(&judge(&revoking_keyring(&lines, revoked).unwrap(), commit).1);
    assert_eq!(verdict(ssh.public("alice").as_bytes(), &plain), REVOKED);
    assert_eq!(verdict(ssh.public("alice").as_bytes(), &certified), REVOKED);
    assert_eq!(verdict(ssh.public("ca").as_bytes(), &certified), "invalid key-revoked authority-revoked");
    assert_eq!(verdict(b"", &plain), "signed-untrusted unknown-key");
    assert_eq!(verdict(b"", &certified), "signed-untrusted unknown-key unknown-authority");
    assert_eq!(git_revoking(&repository, &plain, &lines, ssh.public("alice").as_bytes()), "U");
}

#[test]
fn a_revoked_key_does_not_dispute_its_successor() {
    let (repository, ssh) = (Repository::new(), people());
    let lines = format!("alice@example.com {}alice@example.com {}", ssh.public("alice"), ssh.public("bob"));
    let commit = ssh.commit(&repository, "bob", ALICE, ALICE);
    let disputed = judge(&ssh_keyring(&lines), &commit).1;
    assert_eq!(line(&disputed), "signed-untrusted email-on-two-keys");
    let keyring = revoking_keyring(&lines, ssh.public("alice").as_bytes()).unwrap();
    assert_eq!(line(&judge(&keyring, &commit).1), VERIFIED);
}

#[test]
fn serials_in_every_form_are_those_that_ssh_keygen_finds() {
    let (repository, ssh) = (Repository::new(), people());
    let lines = format!("*@example.com cert-authority {}", ssh.public("ca"));
    // ssh-keygen writes a list, a range and a bitmap of them.
    let specification = "serial: 3-5\nserial: 1000\nserial: 2000\nserial: 2002\nserial: 2003\nserial: 2009\nserial: 2030\n\
                         serial: 9223372036854775800-9223372036854779900\nserial: 18446744073709551615\n";
    let krl = ssh.krl(&["-s", "ca.pub"], specification, &[]);
    let keyring = revoking_keyring(&lines, &krl).unwrap();
    let (mut revoked, serials) =
        (0, [0, 2, 3, 5, 6, 999, 1000, 1999, 2000, 2001, 2002, 2003, 2009, 2016, 2030, 2031, u64::MAX - 1, u64::MAX]);
    for serial in serials.into_iter().chain([9_223_372_036_854_775_799, 9_223_372_036_854_775_800, 9_223_372_036_854_779_900]) {
        ssh.certify("ca", "alice", &["-n", "alice@example.com", "-z", &serial.to_string()]);
        let commit = ssh.commit_certified(&repository, "alice", ALICE, ALICE);
        let ours = judge(&keyring, &commit).0.key_time == Some(KeyTime::RevokedHard);
        assert_eq!(ours, ssh.is_revoked(&krl, "alice-cert"), "serial {serial}");
        revoked += usize::from(ours);
    }
    assert_eq!(revoked, 11);
}

#[test]
fn a_list_that_cannot_be_read_is_an_error_that_names_its_file() {
    let ssh = people();
    let message = |revoked: &[u8]| revoking_keyring("", revoked).unwrap_err().to_string();
    let text = message(format!("{}ssh-ed25519 AAAA\n", ssh.public("alice")).as_bytes());
    assert!(text.contains("/revoked, line 2: its public key") && text.contains("ssh-keygen -k"), "{text}");
    let krl = ssh.krl(&["-s", "ca.pub"], "serial: 7\nid: x", &["alice"]);
    // Between its sections a list may end.
    let taken = (1..krl.len()).filter(|end| revoking_keyring("", &krl[..*end]).is_ok()).count();
    assert!(taken <= 2, "{taken} beginnings of a list were taken for whole");
    let cut = message(&krl[..krl.len() - 1]);
    assert!(cut.contains("/revoked: it is cut off in the middle of a section; make the list anew"), "{cut}");
    let unknown = message(&[&krl[..], &[99, 0, 0, 0, 0]].concat());
    assert!(unknown.contains("a section of type 99"), "{unknown}");
}

#[test]
fn the_revoked_keys_are_part_of_the_digest() {
    let ssh = people();
    let digest = |revoked: &str| revoking_keyring("", revoked.as_bytes()).unwrap().digest();
    assert_ne!(digest(&ssh.public("alice")), digest(&ssh.public("bob")));
    assert_ne!(digest(""), ssh_keyring("").digest());
}
