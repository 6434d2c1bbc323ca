//! Signatures as gitsign makes them: a certificate for ten minutes, and the entry of a transparency log that says when it signed.

use kubewitness::attribute::commit_verdict_by;
use kubewitness::keyring::Keyring;
use kubewitness::model::attribution::{Crypto, KeyTime, TimeBasis};
use kubewitness::model::commit::Commit;
use kubewitness::model::trust::{CertificateIdentity, Principal, TrustPolicy, TrustedKey};

use crate::fixture::{ALICE, Repository, judge, judge_at, line, must, now, signed};
use crate::openssl::{LONG, Openssl, P256, ROOT, armored, keyring, ours, time};
use crate::rekor::{Entry, LOGGED, Proof, attribute, body, signed_part, with_attributes, with_signer};

const GOOD: &str = "verified-author uid-binding";
const ISSUER: &str = "https://accounts.example";

/// Fulcio's: ten minutes on 2025-03-01, the issuer in both forms.
const MINUTES: (&str, &str) = ("20250301120000Z", "20250301121000Z");
const LEAF: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectAltName=critical,email:alice@example.com\n";
const ISSUED: &str = "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://accounts.example\n\
                      1.3.6.1.4.1.57264.1.1=DER:68:74:74:70:73:3a:2f:2f:61:63:63:6f:75:6e:74:73:2e:65:78:61:6d:70:6c:65\n";
const BETWEEN: &str = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nextendedKeyUsage=codeSigning\n\
                       subjectKeyIdentifier=hash\n";

/// An authority like Fulcio, a log like Rekor, and a commit of alice.
struct Sigstore {
    openssl: Openssl,
    repository: Repository,
    payload: String,
    cms: Vec<u8>,
    body: String,
}

impl Sigstore {
    fn new() -> Self {
        Self::with(MINUTES, &format!("{LEAF}{ISSUED}"))
    }

    fn with(window: (&str, &str), leaf: &str) -> Self {
        let openssl = Openssl::new();
        openssl.certify("root", "root", P256, LONG, ROOT);
        openssl.certify("root", "between", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], LONG, BETWEEN);
        openssl.certify("between", "alice", P256, window, leaf);
        openssl.key("log", P256);
        let repository = Repository::new();
        let payload = repository.payload(ALICE, ALICE);
        let cms = openssl.sign("alice", &["-nosmimecap"], &payload);
        let (artifact, signature) = signed_part(&cms);
        let body = body(&artifact, &signature, &openssl.read("alice.pem"));
        Self { openssl, repository, payload, cms, body }
    }

    fn keyring(&self) -> Keyring {
        let log = must(self.openssl.command("pkey").args(["-pubout", "-in", "log.key"]), b"");
        keyring(&self.openssl.pem(&["root", "between"]), &[], &log).unwrap()
    }

    fn entry(&self) -> Entry {
        Entry::new(&self.openssl, "log", &self.body, LOGGED)
    }

    fn proof(&self) -> Proof {
        Proof::new(&self.openssl, "log", &self.entry().log, &self.body)
    }

    fn signed(&self, cms: &[u8]) -> Commit {
        self.repository.commit(signed(&self.payload, "gpgsig", &armored(cms)))
    }

    fn commit(&self, entry: &Entry) -> Commit {
        self.signed(&with_attributes(&self.cms, &attribute(&entry.encoded())))
    }

    /// Our verdict on the commit with an entry.
    fn verdict(&self, entry: &Entry) -> String {
        line(&judge(&self.keyring(), &self.commit(entry)).1)
    }
}

#[test]
fn an_entry_of_the_log_proves_when_the_certificate_was_used() {
    let sigstore = Sigstore::new();
    let (facts, verdict) = judge(&sigstore.keyring(), &sigstore.commit(&sigstore.entry()));
    assert_eq!(line(&verdict), GOOD);
    assert_eq!((facts.crypto, facts.key_time, facts.time_basis), (Crypto::Good, Some(KeyTime::Valid), Some(TimeBasis::Anchored)));
    assert_eq!((facts.time, facts.key), (Some(time("2025-03-01T12:01:00Z")), Some(sigstore.openssl.fingerprint("alice"))));
    assert_eq!((facts.identities, facts.issuer.as_deref()), (vec!["alice@example.com".to_owned()], Some(ISSUER)));
    let with_body = Entry { body: sigstore.body.clone().into_bytes(), ..sigstore.entry() };
    assert_eq!(sigstore.verdict(&with_body), GOOD);
    let without_proof = Entry { proof: Vec::new(), ..sigstore.entry() };
    assert_eq!(sigstore.verdict(&without_proof), GOOD);
    let without_checkpoint = Entry { proof: Proof { checkpoint: String::new(), ..sigstore.proof() }.encoded(), ..sigstore.entry() };
    assert_eq!(sigstore.verdict(&without_checkpoint), GOOD);
}

/// gitsign's default keeps the entry in the log alone.
#[test]
fn without_an_entry_a_log_would_have_to_be_asked() {
    let sigstore = Sigstore::new();
    let commit = sigstore.signed(&sigstore.cms);
    let (facts, verdict) = judge(&sigstore.keyring(), &commit);
    assert_eq!(line(&verdict), "unverifiable needs-transparency-log time-anomaly");
    assert_eq!((facts.crypto, facts.key_time, facts.time_basis), (Crypto::Good, None, Some(TimeBasis::Claimed)));
    // Not even while the certificate lives: whoever has the key could claim any minute of it.
    assert_eq!(
        line(&judge_at(&sigstore.keyring(), &commit, time("2025-03-01T12:05:00Z")).1),
        "unverifiable needs-transparency-log time-anomaly"
    );
    let changed = sigstore.payload.replace("A commit", "B commit");
    let changed = sigstore.repository.commit(signed(&changed, "gpgsig", &armored(&sigstore.cms)));
    assert_eq!(line(&judge(&sigstore.keyring(), &changed).1), "invalid bad-signature digest-mismatch");
    let unissued = Sigstore::with(MINUTES, LEAF);
    assert_eq!(line(&judge(&unissued.keyring(), &unissued.signed(&unissued.cms)).1), "unverifiable needs-transparency-log time-anomaly");
}

#[test]
fn an_entry_that_tells_no_time_leaves_it_open() {
    let sigstore = Sigstore::new();
    let unpromised = Entry { promise: Vec::new(), ..sigstore.entry() };
    assert_eq!(sigstore.verdict(&unpromised), "unverifiable needs-transparency-log no-entry-timestamp time-anomaly");
    let other = Entry::new(&sigstore.openssl, "other-log", &sigstore.body, LOGGED);
    assert_eq!(sigstore.verdict(&other), "unverifiable needs-transparency-log unknown-log time-anomaly");
    let kind = Entry { kind: "dsse", ..sigstore.entry() };
    assert_eq!(sigstore.verdict(&kind), "unverifiable needs-transparency-log unsupported-log-entry time-anomaly");
}

#[test]
fn an_entry_that_is_not_the_logs_or_about_something_else_is_bad() {
    let sigstore = Sigstore::new();
    let entry = sigstore.entry();
    let other_key = Entry { log: entry.log.clone(), ..Entry::new(&sigstore.openssl, "other-log", &sigstore.body, LOGGED) };
    assert_eq!(sigstore.verdict(&other_key), "invalid bad-signature bad-entry-timestamp");
    let (artifact, signature) = signed_part(&sigstore.cms);
    let pem = sigstore.openssl.read("alice.pem");
    for (name, other) in [
        ("artifact", body(b"another artifact", &signature, &pem)),
        ("signature", body(&artifact, b"another signature", &pem)),
        ("certificate", body(&artifact, &signature, &sigstore.openssl.read("between.pem"))),
    ] {
        let about_other = Entry::new(&sigstore.openssl, "log", &other, LOGGED);
        assert_eq!(sigstore.verdict(&about_other), "invalid bad-signature bad-entry-timestamp", "{name}");
        let with_body = Entry { body: other.into_bytes(), ..about_other };
        assert_eq!(sigstore.verdict(&with_body), "invalid bad-signature log-entry-mismatch", "{name}");
    }
    for changed in [
        Entry { time: LOGGED + 1, ..entry.clone() },
        Entry { index: entry.index + 1, ..entry.clone() },
        Entry { promise: b"no signature".to_vec(), ..entry.clone() },
    ] {
        assert_eq!(sigstore.verdict(&changed), "invalid bad-signature bad-entry-timestamp");
    }
}

#[test]
fn a_proof_that_does_not_hold_is_bad() {
    let sigstore = Sigstore::new();
    let (proof, log) = (sigstore.proof(), sigstore.entry().log);
    let other = Proof::new(&sigstore.openssl, "log", &log, "another body");
    let unsigned = Proof::new(&sigstore.openssl, "alice", &log, &sigstore.body);
    for changed in [
        other.clone(),
        Proof { index: 0, ..proof.clone() },
        Proof { size: 4, ..proof.clone() },
        Proof { hashes: proof.hashes[..1].to_vec(), ..proof.clone() },
        Proof { hashes: Vec::new(), ..proof.clone() },
        Proof { checkpoint: other.checkpoint, ..proof.clone() },
        Proof { checkpoint: unsigned.checkpoint, ..proof.clone() },
        Proof { checkpoint: "a log\n3\n".to_owned(), ..proof.clone() },
    ] {
        let entry = Entry { proof: changed.encoded(), ..sigstore.entry() };
        assert_eq!(sigstore.verdict(&entry), "invalid bad-signature bad-inclusion-proof");
    }
    for changed in [Proof { hashes: vec![vec![0; 31]], ..proof.clone() }, Proof { hashes: vec![vec![0; 32]; 65], ..proof }] {
        let entry = Entry { proof: changed.encoded(), ..sigstore.entry() };
        assert_eq!(sigstore.verdict(&entry), "invalid malformed-signature bad-log-entry");
    }
}

#[test]
fn a_certificate_signs_only_while_it_lives() {
    let sigstore = Sigstore::new();
    for (logged, verdict) in [
        ("2025-03-01T11:59:59Z", "invalid signature-older-than-key"),
        ("2025-03-01T12:00:00Z", GOOD),
        ("2025-03-01T12:10:00Z", GOOD),
        ("2025-03-01T12:10:01Z", "invalid key-expired-before-signature"),
        ("2026-01-01T01:00:00Z", "invalid signature-in-the-future"),
    ] {
        let entry = Entry::new(&sigstore.openssl, "log", &sigstore.body, time(logged).timestamp());
        assert_eq!(sigstore.verdict(&entry), verdict, "{logged}");
    }
}

#[test]
fn entries_in_another_form_are_malformed_and_none_panics() {
    let sigstore = Sigstore::new();
    let keyring = sigstore.keyring();
    let entry = sigstore.entry();
    let whole = entry.encoded();
    let judged = |attributes: &[u8]| line(&judge(&keyring, &sigstore.signed(&with_attributes(&sigstore.cms, attributes))).1);
    let one = attribute(&whole);
    assert_eq!(judged(&[one.clone(), one.clone()].concat()), "invalid malformed-signature ambiguous-attribute");
    assert_eq!(judged(&attribute(b"\xff")), "invalid malformed-signature bad-log-entry");
    assert_eq!(judged(&attribute(&[&whole[..], &whole].concat())), "invalid malformed-signature bad-log-entry");
    // The proof is the last field, and may be left out.
    let without_proof = Entry { proof: Vec::new(), ..entry }.encoded().len();
    for length in 0..whole.len() {
        assert_eq!(judged(&attribute(&whole[..length])) == GOOD, length == without_proof, "{length}");
    }
    let der = with_attributes(&sigstore.cms, &one);
    let mut commit = sigstore.signed(&der);
    for length in 0..der.len() {
        commit.raw = signed(&sigstore.payload, "gpgsig", &armored(&der[..length])).into_bytes().into();
        assert_eq!(judge(&keyring, &commit).0.crypto, Crypto::Malformed, "{length}");
    }
}

/// A certificate that lasts needs no log; where one has the signature, expiry does not put it in doubt.
#[test]
fn a_log_anchors_the_time_of_a_certificate_that_lasts() {
    let sigstore = Sigstore::with(LONG, LEAF);
    let later = time("2040-01-01T00:00:00Z");
    let judged = |commit: &Commit, keyring: &Keyring| line(&judge_at(keyring, commit, later).1);
    assert_eq!(judged(&sigstore.commit(&sigstore.entry()), &sigstore.keyring()), GOOD);
    let claimed = "claimed-time-only key-expired-since uid-binding time-anomaly";
    assert_eq!(judged(&sigstore.signed(&sigstore.cms), &sigstore.keyring()), claimed);
    let without_log = keyring(&sigstore.openssl.pem(&["root", "between"]), &[], b"").unwrap();
    let (facts, verdict) = judge_at(&without_log, &sigstore.commit(&sigstore.entry()), later);
    assert_eq!((line(&verdict).as_str(), facts.reasons), (claimed, vec!["unknown-log".to_owned(), "time-anomaly".to_owned()]));
}

fn policy(identity: &str, issuer: Option<&str>) -> TrustPolicy {
    let identity = CertificateIdentity { name: identity.to_owned(), issuer: issuer.map(str::to_owned) };
    let key = TrustedKey { fingerprint: "an identity".to_owned(), identity: Some(identity), ..TrustedKey::default() };
    let principal = Principal { name: "alice".to_owned(), emails: vec!["alice@example.com".to_owned()], keys: vec![key] };
    TrustPolicy { principals: vec![principal], ..TrustPolicy::default() }
}

#[test]
fn a_policy_binds_an_identity_only_with_its_issuer() {
    let sigstore = Sigstore::new();
    let commit = sigstore.commit(&sigstore.entry());
    let (facts, _) = judge(&sigstore.keyring(), &commit);
    let told = |identity: &str, issuer: Option<&str>| line(&commit_verdict_by(&policy(identity, issuer), &commit, &facts, now()));
    assert_eq!(told("alice@example.com", Some(ISSUER)), "verified-author policy-binding");
    for (identity, issuer) in [
        ("alice@example.com", None),
        ("alice@example.com", Some("https://accounts.other.example")),
        ("bob@example.com", Some(ISSUER)),
        ("https://accounts.example", Some(ISSUER)),
    ] {
        assert_eq!(told(identity, issuer), "signed-untrusted key-not-in-policy", "{identity} {issuer:?}");
    }
    let key = TrustedKey { fingerprint: sigstore.openssl.fingerprint("alice"), ..TrustedKey::default() };
    let mut by_certificate = policy("x", None);
    by_certificate.principals[0].keys = vec![key];
    assert_eq!(line(&commit_verdict_by(&by_certificate, &commit, &facts, now())), "verified-author policy-binding");
}

#[test]
fn a_workflow_is_named_by_its_uri_and_is_no_email() {
    let workflow = "https://github.com/acme/fleet/.github/workflows/bump.yml@refs/heads/main";
    let with = |name: &str| Sigstore::with(MINUTES, &format!("{}{ISSUED}", LEAF.replace("email:alice@example.com", name)));
    let sigstore = with(&format!("URI:{workflow}"));
    let commit = sigstore.commit(&sigstore.entry());
    let (facts, verdict) = judge(&sigstore.keyring(), &commit);
    assert_eq!(line(&verdict), "signed-untrusted key-without-email");
    assert_eq!((facts.signer.as_deref(), facts.emails.len()), (Some(workflow), 0));
    let told = |issuer| line(&commit_verdict_by(&policy(workflow, Some(issuer)), &commit, &facts, now()));
    assert_eq!((told(ISSUER).as_str(), told("x").as_str()), ("verified-author policy-binding", "signed-untrusted key-not-in-policy"));
    // The same text in the place of an e-mail is not the workflow.
    let disguised = with(&format!("email:{workflow}"));
    assert_eq!(judge(&disguised.keyring(), &disguised.commit(&disguised.entry())).0.identities, Vec::<String>::new());
}

#[test]
fn an_older_certificate_tells_its_issuer_in_the_older_form() {
    let older = ISSUED.lines().nth(1).unwrap();
    let sigstore = Sigstore::with(MINUTES, &format!("{LEAF}{older}\n"));
    assert_eq!(judge(&sigstore.keyring(), &sigstore.commit(&sigstore.entry())).0.issuer.as_deref(), Some(ISSUER));
    let illegible = Sigstore::with(MINUTES, &format!("{LEAF}1.3.6.1.4.1.57264.1.8=DER:ff\n"));
    let (facts, verdict) = judge(&illegible.keyring(), &illegible.commit(&illegible.entry()));
    assert_eq!((line(&verdict).as_str(), facts.identities.len()), ("unverifiable unknown-key bad-certificate", 0));
}

#[test]
fn a_signed_attribute_that_is_wrong_makes_the_signature_bad() {
    let sigstore = Sigstore::with(LONG, LEAF);
    let changed = with_signer(&sigstore.cms, |signer| {
        let attributes = signer.iter_mut().find(|(tag, _)| *tag == 0xa0).unwrap();
        *attributes.1.last_mut().unwrap() ^= 1;
    });
    assert_eq!(ours(&sigstore.keyring(), &sigstore.signed(&changed)), "invalid bad-signature digest-mismatch");
    let changed = with_signer(&sigstore.cms, |signer| {
        // The last arc of what is signed, in its attribute: signed data in the place of data.
        let attributes = signer.iter_mut().find(|(tag, _)| *tag == 0xa0).unwrap();
        let data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
        let at = attributes.1.windows(data.len()).position(|window| window == data).unwrap();
        attributes.1[at + data.len() - 1] = 2;
    });
    assert_eq!(ours(&sigstore.keyring(), &sigstore.signed(&changed)), "invalid bad-signature content-type-mismatch");
    let changed = with_signer(&sigstore.cms, |signer| {
        let signature = signer.iter_mut().find(|(tag, _)| *tag == 0x04).unwrap();
        *signature.1.last_mut().unwrap() ^= 1;
    });
    assert_eq!(ours(&sigstore.keyring(), &sigstore.signed(&changed)), "invalid bad-signature signature-mismatch");
}
