//! X.509 signatures of certificates that last, with openssl, gpgsm and git beside ours.

use chrono::Utc;
use kubewitness::model::attribution::{Algo, Crypto, KeyTime, TimeBasis};
use kubewitness::model::commit::Commit;

use crate::fixture::{ALICE, BOB, Repository, judge, judge_at, line, must, run, signed};
use crate::openssl::{Gpgsm, LEAF, LONG, Openssl, P256, ROOT, RSA, armored, keyring, ours, present, roots, time};

const GOOD: &str = "verified-author uid-binding";

#[test]
fn every_algorithm_of_the_field_verifies_its_author() {
    let repository = Repository::new();
    for (name, kind, more) in [
        ("rsa", RSA, &[][..]),
        ("rsa-sha384", RSA, &["-md", "sha384"]),
        ("rsa-sha512", RSA, &["-md", "sha512"]),
        ("pss", RSA, &["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]),
        ("p256", P256, &[]),
        ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], &["-md", "sha384"]),
        ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], &["-md", "sha512"]),
        ("p521-sha256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], &["-md", "sha256"]),
        ("keyid", P256, &["-keyid"]),
    ] {
        let openssl = Openssl::with_alice(kind);
        let commit = openssl.commit(&repository, "alice", more);
        let (facts, verdict) = judge_at(&roots(&openssl.pem(&["root"])), &commit, Utc::now());
        assert_eq!(line(&verdict), GOOD, "{name}");
        assert_eq!((facts.crypto, facts.algo, facts.key_time), (Crypto::Good, Some(Algo::Ok), Some(KeyTime::Valid)), "{name}");
        assert_eq!((facts.key, facts.time_basis), (Some(openssl.fingerprint("alice")), Some(TimeBasis::Claimed)));
        assert_eq!((facts.identities, facts.issuer), (vec!["alice@example.com".to_owned()], None));
    }
}

#[test]
fn authorities_of_every_algorithm_vouch() {
    let repository = Repository::new();
    for (name, kind) in [
        ("rsa", RSA),
        ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
        ("ed25519", &["-algorithm", "ED25519"]),
    ] {
        let openssl = Openssl::new();
        openssl.certify("root", "root", kind, LONG, ROOT);
        openssl.certify("root", "alice", P256, LONG, LEAF);
        let commit = openssl.commit(&repository, "alice", &[]);
        assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), GOOD, "{name}");
    }
}

/// A commit that Alice signed with gpgsm on 2025-03-01.
struct Story {
    repository: Repository,
    openssl: Openssl,
    gpgsm: Gpgsm,
    commit: Commit,
}

impl Story {
    fn new() -> Self {
        let repository = Repository::new();
        let openssl = Openssl::with_alice(RSA);
        let gpgsm = Gpgsm::new(&openssl, "alice", "root");
        let payload = repository.payload(ALICE, ALICE);
        let armor = gpgsm.sign("20250301", "alice@example.com", &payload);
        let commit = repository.commit(signed(&payload, "gpgsig", &armor));
        Self { repository, openssl, gpgsm, commit }
    }
}

#[test]
fn gpgsm_signs_and_git_calls_it_good_as_we_do() {
    let Story { repository, openssl, gpgsm, commit } = Story::new();
    let (facts, verdict) = judge(&roots(&openssl.pem(&["root"])), &commit);
    assert_eq!((line(&verdict), gpgsm.letter(&repository, &commit)), (GOOD.to_owned(), "G".to_owned()));
    assert_eq!((facts.time, facts.signer.as_deref()), (Some(time("2025-03-01T12:00:00Z")), Some("alice@example.com")));
    let changed = repository.commit(String::from_utf8_lossy(&commit.raw).replace("A commit", "B commit"));
    let keyring = roots(&openssl.pem(&["root"]));
    assert_eq!(line(&judge(&keyring, &changed).1), "invalid bad-signature digest-mismatch");
    assert_eq!(gpgsm.letter(&repository, &changed), "B");
}

#[test]
fn git_itself_signs_through_gpgsm() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(RSA);
    let gpgsm = Gpgsm::new(&openssl, "alice", "root");
    let script = repository.folder().join("gpgsm");
    std::fs::write(&script, "#!/bin/sh\nexec gpgsm --batch --pinentry-mode loopback --passphrase-fd 3 \"$@\" 3</dev/null\n").unwrap();
    must(std::process::Command::new("chmod").arg("+x").arg(&script), b"");
    let mut git = repository.git();
    git.env("GNUPGHOME", gpgsm.home.home());
    for setting in ["user.name=Alice", "user.email=alice@example.com", "gpg.format=x509", "user.signingKey=alice@example.com"] {
        git.args(["-c", setting]);
    }
    git.arg("-c").arg(format!("gpg.x509.program={}", script.display()));
    must(git.args(["commit", "--quiet", "--allow-empty", "-S", "-m", "A commit"]), b"");
    let raw = must(repository.git().args(["cat-file", "commit", "HEAD"]), b"");
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &repository.commit(raw)), GOOD);
}

#[test]
fn a_certificate_of_somebody_else_speaks_for_nobody_here() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    let keyring = roots(&openssl.pem(&["root"]));
    let payload = present(&repository, BOB, BOB);
    let forged = repository.commit(signed(&payload, "gpgsig", &armored(&openssl.sign("alice", &[], &payload))));
    assert_eq!(ours(&keyring, &forged), "signed-untrusted identity-mismatch");
    let payload = present(&repository, BOB, ALICE);
    let picked = repository.commit(signed(&payload, "gpgsig", &armored(&openssl.sign("alice", &[], &payload))));
    assert_eq!(ours(&keyring, &picked), "verified-committer uid-binding");
}

#[test]
fn without_a_path_to_a_configured_root_nothing_is_known() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    openssl.root("other");
    openssl.certify("other", "stranger", P256, LONG, LEAF);
    let commit = openssl.commit(&repository, "alice", &[]);
    let (facts, verdict) = judge_at(&roots(&openssl.pem(&["other"])), &commit, Utc::now());
    assert_eq!(line(&verdict), "unverifiable unknown-key unknown-issuer");
    assert_eq!((facts.key, facts.identities), (Some(openssl.fingerprint("alice")), Vec::new()));
    assert_eq!(ours(&keyring(b"", &[], b"").unwrap(), &commit), "unverifiable unknown-key no-roots");
    assert!(!openssl.verifies(&["other"], &openssl.sign("alice", &[], "x"), b"x"));
    let bare = openssl.commit(&repository, "alice", &["-nocerts"]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &bare), "unverifiable unknown-key no-certificate");
    assert_eq!(ours(&roots(&openssl.pem(&["root", "alice"])), &bare), GOOD);
}

#[test]
fn a_certificate_that_vouches_for_itself_counts_where_it_is_configured() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    openssl.certify("self", "self", P256, LONG, LEAF);
    let commit = openssl.commit(&repository, "self", &[]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), "unverifiable unknown-key unknown-issuer");
    assert_eq!(ours(&roots(&openssl.pem(&["self"])), &commit), GOOD);
}

#[test]
fn authorities_between_come_with_the_signature_or_with_the_roots() {
    let repository = Repository::new();
    let openssl = Openssl::new();
    openssl.root("root");
    openssl.certify("root", "between", P256, LONG, ROOT);
    openssl.certify("between", "alice", P256, LONG, LEAF);
    let root = roots(&openssl.pem(&["root"]));
    let bare = openssl.commit(&repository, "alice", &[]);
    assert_eq!(ours(&root, &bare), "unverifiable unknown-key unknown-issuer");
    assert_eq!(ours(&roots(&openssl.pem(&["root", "between"])), &bare), GOOD);
    let brought = openssl.commit(&repository, "alice", &["-certfile", "between.pem"]);
    assert_eq!(ours(&root, &brought), GOOD);
    // An authority between is not believed for itself.
    let alone = keyring(&openssl.pem(&["between"]), &[], b"").unwrap_err().to_string();
    assert!(alone.contains("is a root, which names itself as its issuer"), "{alone}");
}

/// One's own certificate makes nobody an authority over others.
#[test]
fn a_configured_certificate_of_a_person_vouches_for_no_other() {
    let repository = Repository::new();
    let without_constraints = LEAF.lines().skip(1).collect::<Vec<_>>().join("\n") + "\n";
    for own in [LEAF, &without_constraints, &without_constraints.replace("digitalSignature", "digitalSignature,keyCertSign")] {
        let openssl = Openssl::new();
        openssl.certify("self", "self", P256, LONG, own);
        openssl.certify("self", "alice", P256, LONG, LEAF);
        let keyring = roots(&openssl.pem(&["self"]));
        assert_eq!(ours(&keyring, &openssl.commit(&repository, "alice", &[])), "unverifiable unknown-key issuer-is-no-authority", "{own}");
        assert_eq!(ours(&keyring, &openssl.commit(&repository, "self", &[])), GOOD, "{own}");
    }
}

#[test]
fn what_cannot_be_read_allows_nothing() {
    let repository = Repository::new();
    let bad_usage = |extensions: &str, usage: &str| extensions.replace(usage, "keyUsage=critical,DER:05:00");
    let openssl = Openssl::with_alice(P256);
    openssl.certify("root", "unclear", P256, LONG, &bad_usage(LEAF, "keyUsage=critical,digitalSignature"));
    let keyring_of = |name: &str| roots(&openssl.pem(&[name]));
    let commit = openssl.commit(&repository, "unclear", &[]);
    assert_eq!(ours(&keyring_of("root"), &commit), "invalid malformed-signature key-usage");
    let bad_authority = bad_usage(ROOT, "keyUsage=critical,keyCertSign,cRLSign");
    openssl.certify("root", "between", P256, LONG, &bad_authority);
    openssl.certify("between", "bob", P256, LONG, LEAF);
    let commit = openssl.commit(&repository, "bob", &["-certfile", "between.pem"]);
    assert_eq!(ours(&keyring_of("root"), &commit), "unverifiable unknown-key issuer-is-no-authority");
    openssl.certify("top", "top", P256, LONG, &bad_authority);
    openssl.certify("top", "carol", P256, LONG, LEAF);
    let commit = openssl.commit(&repository, "carol", &[]);
    assert_eq!(ours(&keyring_of("top"), &commit), "unverifiable unknown-key issuer-is-no-authority");
    openssl.certify("odd", "odd", P256, LONG, &ROOT.replace("critical,CA:TRUE", "critical,DER:30:02:05:00"));
    let error = keyring(&openssl.pem(&["odd"]), &[], b"").unwrap_err().to_string();
    assert!(error.contains("basic constraints of a root in it cannot be read"), "{error}");
}

/// What openssl refuses, too.
#[test]
fn nobody_certifies_who_may_not() {
    let repository = Repository::new();
    let without_sign = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\n";
    let narrow = format!("{ROOT}nameConstraints=critical,permitted;email:other.example\n");
    let shallow = ROOT.replace("CA:TRUE", "CA:TRUE,pathlen:0");
    for (name, root, between, leaf, reason) in [
        ("a leaf", ROOT, LEAF, LEAF, "issuer-is-no-authority"),
        ("an authority that may not sign certificates", ROOT, without_sign, LEAF, "issuer-is-no-authority"),
        ("a root that may have no authority below", &shallow, ROOT, LEAF, "path-too-long"),
        ("an authority of other names", ROOT, &narrow, LEAF, "name-constraints"),
        ("a server", ROOT, ROOT, &LEAF.replace("emailProtection", "serverAuth"), "certificate-usage"),
    ] {
        let openssl = Openssl::new();
        openssl.certify("root", "root", P256, LONG, root);
        openssl.certify("root", "between", P256, LONG, between);
        openssl.certify("between", "alice", P256, LONG, leaf);
        let commit = openssl.commit(&repository, "alice", &["-certfile", "between.pem"]);
        let found = ours(&roots(&openssl.pem(&["root"])), &commit);
        assert_eq!(found, format!("unverifiable unknown-key {reason}"), "{name}");
        let payload = present(&repository, ALICE, ALICE);
        let signature = openssl.sign("alice", &["-certfile", "between.pem"], &payload);
        assert!(!openssl.verifies(&["root"], &signature, payload.as_bytes()), "{name}");
    }
}

/// openssl lets them, webpki does not; who may certify everybody shall not sign among them.
#[test]
fn an_authority_below_the_root_signs_no_commits() {
    let repository = Repository::new();
    let openssl = Openssl::new();
    openssl.root("root");
    openssl.certify(
        "root",
        "between",
        P256,
        LONG,
        &format!("{}subjectAltName=email:alice@example.com\n", ROOT.replace("cRLSign", "digitalSignature")),
    );
    let commit = openssl.commit(&repository, "between", &[]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), "unverifiable unknown-key authority-as-signer");
}

#[test]
fn authorities_in_a_circle_lead_nowhere() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    openssl.root("one");
    openssl.key("two", P256);
    openssl.certify("one", "two", P256, LONG, ROOT);
    let of_one = openssl.pem(&["two"]);
    openssl.certify("two", "one", P256, LONG, ROOT);
    openssl.certify("one", "alice", P256, LONG, LEAF);
    std::fs::write(openssl.path("circle.pem"), [of_one, openssl.pem(&["one"])].concat()).unwrap();
    let commit = openssl.commit(&repository, "alice", &["-certfile", "circle.pem"]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), "unverifiable unknown-key unknown-issuer");
}

/// T24 and T25 in X.509: expiry is judged at the time that the signature claims.
#[test]
fn an_expired_certificate_is_judged_at_the_time_that_is_claimed() {
    let Story { openssl, commit, .. } = Story::new();
    let keyring = roots(&openssl.pem(&["root"]));
    for (judged, verdict) in [
        ("2026-01-01T00:00:00Z", GOOD),
        ("2034-01-01T00:00:00Z", GOOD),
        ("2034-01-01T00:00:01Z", "claimed-time-only key-expired-since uid-binding"),
        ("2025-02-28T00:00:00Z", "invalid signature-in-the-future"),
    ] {
        assert_eq!(line(&judge_at(&keyring, &commit, time(judged)).1), verdict, "{judged}");
    }
}

#[test]
fn a_signature_of_before_or_after_its_certificates_is_void() {
    let repository = Repository::new();
    let (old, new) = (("20200101000000Z", "20240601000000Z"), ("20300101000000Z", "20340101000000Z"));
    for (root, between, leaf, verdict) in [
        (LONG, LONG, old, "invalid key-expired-before-signature"),
        (LONG, LONG, new, "invalid signature-older-than-key"),
        (LONG, old, LONG, "invalid key-expired-before-signature"),
        (old, LONG, LONG, "invalid key-expired-before-signature"),
    ] {
        let openssl = Openssl::new();
        openssl.certify("root", "root", P256, root, ROOT);
        openssl.certify("root", "between", P256, between, ROOT);
        openssl.certify("between", "alice", P256, leaf, LEAF);
        let commit = openssl.commit(&repository, "alice", &["-certfile", "between.pem"]);
        assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), verdict, "{root:?} {between:?} {leaf:?}");
    }
}

#[test]
fn what_can_be_forged_proves_nothing() {
    let repository = Repository::new();
    let short = Openssl::with_alice(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    let (facts, verdict) = judge_at(&roots(&short.pem(&["root"])), &short.commit(&repository, "alice", &[]), Utc::now());
    assert_eq!((line(&verdict).as_str(), facts.algo), ("invalid weak-algorithm weak-key", Some(Algo::Weak)));
    let openssl = Openssl::with_alice(RSA);
    let sha1 = openssl.commit(&repository, "alice", &["-md", "sha1"]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &sha1), "invalid weak-algorithm weak-digest");
}

#[test]
fn an_algorithm_that_is_not_known_is_not_judged() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"]);
    let commit = openssl.commit(&repository, "alice", &[]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), "unverifiable unsupported-format unsupported-algorithm");
}

/// The library that verifies takes RSA up to 8192 bits, which says nothing about a longer key's signature.
#[test]
fn a_key_that_is_too_long_is_not_judged() {
    let repository = Repository::new();
    // Of many primes, which are found soon.
    let long = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:8200", "-pkeyopt", "rsa_keygen_primes:5"];
    let openssl = Openssl::with_alice(&long);
    let commit = openssl.commit(&repository, "alice", &[]);
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), "unverifiable unsupported-format unsupported-algorithm");
}

#[test]
fn a_key_in_two_certificates_is_one_signer_and_two_keys_of_one_name_are_none() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    let old = openssl.pem(&["root", "alice"]);
    openssl.certify("root", "alice", P256, LONG, LEAF);
    let (facts, verdict) = judge_at(&roots(&old), &openssl.commit(&repository, "alice", &["-keyid"]), Utc::now());
    assert_eq!((line(&verdict).as_str(), facts.key), (GOOD, Some(openssl.fingerprint("alice"))));
    let same_name = LEAF.replace("subjectKeyIdentifier=hash", "subjectKeyIdentifier=0102");
    openssl.certify("root", "bob", P256, LONG, &same_name);
    openssl.certify("root", "carol", P256, LONG, &same_name);
    let commit = openssl.commit(&repository, "carol", &["-keyid"]);
    assert_eq!(ours(&roots(&openssl.pem(&["root", "bob"])), &commit), "invalid malformed-signature ambiguous-signer");
}

/// T33 in X.509.
#[test]
fn a_claimed_time_far_from_that_of_the_commit_is_told() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    let payload = repository.payload(ALICE, ALICE);
    let commit = repository.commit(signed(&payload, "gpgsig", &armored(&openssl.sign("alice", &[], &payload))));
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), "verified-author uid-binding time-anomaly");
}

#[test]
fn forms_that_git_does_not_make_are_malformed() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    openssl.certify("root", "bob", P256, LONG, &LEAF.replace("alice", "bob"));
    let keyring = roots(&openssl.pem(&["root"]));
    for (more, reason) in [
        (&["-nodetach"][..], "attached-content"),
        (&["-noattr"], "no-signed-attributes"),
        (&["-signer", "bob.pem", "-inkey", "bob.key"], "multiple-signatures"),
        (&["-econtent_type", "1.2.840.113549.1.9.16.1.4"], "not-of-data"),
    ] {
        let commit = openssl.commit(&repository, "alice", more);
        assert_eq!(ours(&keyring, &commit), format!("invalid malformed-signature {reason}"), "{more:?}");
    }
    let payload = repository.payload(ALICE, ALICE);
    let der = openssl.sign("alice", &[], &payload);
    let junk = repository.commit(signed(&payload, "gpgsig", &armored(&[&der[..], b"junk"].concat())));
    assert_eq!(ours(&keyring, &junk), "invalid malformed-signature trailing-junk");
    // What git itself takes for no signature, whatever its content.
    for label in ["PKCS7", "CMS"] {
        let commit = repository.commit(signed(&payload, "gpgsig", &crate::fixture::armor(label, &der)));
        assert_eq!(ours(&keyring, &commit), "invalid malformed-signature unknown-armor", "{label}");
        let shown = run(repository.git().args(["verify-commit", commit.id.as_str()]), b"");
        assert!(!shown.status.success() && String::from_utf8_lossy(&shown.stderr).contains("bad/incompatible signature"), "{label}");
    }
}

#[test]
fn no_cut_and_no_changed_byte_verifies_or_panics() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    let keyring = roots(&openssl.pem(&["root"]));
    let payload = present(&repository, ALICE, ALICE);
    let der = openssl.sign("alice", &[], &payload);
    let mut commit = repository.commit(payload.clone());
    let mut judged = |der: &[u8]| {
        commit.raw = signed(&payload, "gpgsig", &armored(der)).into_bytes().into();
        judge_at(&keyring, &commit, Utc::now())
    };
    assert_eq!(judged(&der).0.crypto, Crypto::Good);
    for length in 0..der.len() {
        assert_eq!(judged(&der[..length]).0.crypto, Crypto::Malformed, "{length}");
    }
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x41;
        let (facts, verdict) = judged(&changed);
        assert!(facts.crypto != Crypto::Good || line(&verdict) == GOOD, "byte {at}: {verdict:?}");
    }
}

#[test]
fn a_commit_of_ten_megabytes_is_verified() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    let payload = present(&repository, ALICE, ALICE) + &"A line of a long message\n".repeat(420_000);
    assert!(payload.len() > 10 << 20);
    let commit = repository.commit(signed(&payload, "gpgsig", &armored(&openssl.sign("alice", &[], &payload))));
    assert_eq!(ours(&roots(&openssl.pem(&["root"])), &commit), GOOD);
}

/// T42 in X.509: a list of the authority's, as a file.
#[test]
fn what_a_list_revokes_is_void_whenever_it_signed() {
    let repository = Repository::new();
    let openssl = Openssl::with_alice(P256);
    openssl.certify("root", "bob", P256, LONG, LEAF);
    let (empty, of_alice) = (openssl.list("root", &[]), openssl.list("root", &["alice"]));
    let verdict =
        |lists: &[&[u8]], name: &str| ours(&keyring(&openssl.pem(&["root"]), lists, b"").unwrap(), &openssl.commit(&repository, name, &[]));
    assert_eq!(verdict(&[&empty], "alice"), GOOD);
    assert_eq!(verdict(&[&of_alice], "alice"), "invalid key-revoked revoked-certificate");
    assert_eq!(verdict(&[&empty, &of_alice], "alice"), "invalid key-revoked revoked-certificate");
    assert_eq!(verdict(&[&of_alice], "bob"), GOOD);
    openssl.root("other");
    std::fs::write(openssl.path("list"), &of_alice).unwrap();
    let der = must(openssl.command("crl").args(["-in", "list", "-outform", "DER"]), b"");
    assert_eq!(verdict(&[&der], "alice"), "invalid key-revoked revoked-certificate");
}

/// Each list is of another path, and each path is in one.
#[test]
fn lists_are_asked_of_one_path_together() {
    let repository = Repository::new();
    let openssl = Openssl::new();
    for (authority, until) in [("one", "20340101000000Z"), ("two", "20300101000000Z")] {
        openssl.root(authority);
        openssl.certify(authority, "between", P256, ("20240101000000Z", until), ROOT);
        std::fs::copy(openssl.path("between.pem"), openssl.path(&format!("by-{authority}.pem"))).unwrap();
    }
    openssl.certify("between", "alice", P256, LONG, LEAF);
    std::fs::write(openssl.path("both.pem"), openssl.pem(&["by-one", "by-two"])).unwrap();
    let commit = openssl.commit(&repository, "alice", &["-certfile", "both.pem"]);
    let (by_one, by_two, by_between) = (openssl.list("one", &["by-one"]), openssl.list("two", &["by-two"]), openssl.list("between", &[]));
    let verdict = |lists: &[&[u8]], at| line(&judge_at(&keyring(&openssl.pem(&["one", "two"]), lists, b"").unwrap(), &commit, at).1);
    for lists in [&[&by_one[..], &by_two][..], &[&by_two, &by_one], &[&by_between, &by_two, &by_between, &by_one]] {
        assert_eq!(verdict(lists, Utc::now()), "invalid key-revoked revoked-certificate");
    }
    // The path that is left says how long the signature can be believed.
    let later = time("2031-01-01T00:00:00Z");
    assert_eq!((verdict(&[&by_one], Utc::now()).as_str(), verdict(&[&by_two], Utc::now()).as_str()), (GOOD, GOOD));
    assert_eq!(verdict(&[&by_one], later), "claimed-time-only key-expired-since uid-binding");
    assert_eq!(verdict(&[&by_two], later), GOOD);
}

#[test]
fn a_list_that_its_issuer_did_not_sign_leaves_no_path() {
    let repository = Repository::new();
    let (openssl, other) = (Openssl::with_alice(P256), Openssl::with_alice(P256));
    let keyring = keyring(&openssl.pem(&["root"]), &[&other.list("root", &[])], b"").unwrap();
    assert_eq!(ours(&keyring, &openssl.commit(&repository, "alice", &[])), "unverifiable unknown-key bad-revocation-list");
}

#[test]
fn files_that_cannot_be_used_are_told() {
    let openssl = Openssl::with_alice(P256);
    let root = openssl.pem(&["root"]);
    for (roots, revoked, logs, reason) in [
        (&b"nothing"[..], &b""[..], &b""[..], "there is no certificate in it"),
        (&openssl.read("root.key"), b"", b"", "it holds a private key"),
        (&openssl.pem(&["alice"]), b"", b"", "is a root, which names itself"),
        (&root, b"nothing", b"", "it is no list that can be read"),
        (&root, b"", b"nothing", "there is no public key in it"),
    ] {
        let revoked: Vec<&[u8]> = if revoked.is_empty() { Vec::new() } else { vec![revoked] };
        let error = keyring(roots, &revoked, logs).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn who_has_a_key_of_his_own_is_named_by_no_authority() {
    let (repository, ssh) = (Repository::new(), crate::openssh::Ssh::new());
    let openssl = Openssl::with_alice(P256);
    let files = crate::fixture::Files::new();
    let lines = format!("alice@example.com {}\n", ssh.key("alice", &["ed25519"]));
    let settings = kubewitness::keyring::Settings {
        ssh: vec![files.write("allowed_signers", lines)],
        x509_roots: vec![files.write("roots", openssl.pem(&["root"]))],
        ..Default::default()
    };
    let keyring = kubewitness::keyring::Keyring::open(&settings).unwrap();
    assert_eq!(ours(&keyring, &openssl.commit(&repository, "alice", &[])), "signed-untrusted email-on-two-keys");
    assert_eq!(line(&judge(&keyring, &ssh.commit(&repository, "alice", ALICE, ALICE)).1), GOOD);
}
