//! Throw-away certificates, made by openssl, and what openssl, gpgsm and git say of their signatures.

use std::path::PathBuf;
use std::process::Command;

use chrono::{DateTime, Utc};
use kubewitness::keyring::{Error, Keyring, Settings};
use kubewitness::model::commit::Commit;
use tempfile::TempDir;

use crate::fixture::{Files, Gpg, Repository, armor, judge_at, line, must, run, signed};

/// From 2024 to 2034, and shorter.
pub(crate) const LONG: (&str, &str) = ("20240101000000Z", "20340101000000Z");

pub(crate) const ROOT: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
pub(crate) const LEAF: &str = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n\
                               subjectKeyIdentifier=hash\nsubjectAltName=email:alice@example.com\n";

pub(crate) const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
pub(crate) const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// Authorities and certificates of persons, by name.
pub(crate) struct Openssl {
    folder: TempDir,
}

impl Openssl {
    pub(crate) fn new() -> Self {
        let openssl = Self { folder: TempDir::new().unwrap() };
        let configuration = "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n\
                             unique_subject=no\ndefault_crl_days=30\ncrl_extensions=crl\nserial=number\ncrlnumber=crlnumber\n[any]\ncommonName=supplied\n\
                             [crl]\nauthorityKeyIdentifier=keyid\n[req]\ndistinguished_name=name\n[name]\n";
        std::fs::write(openssl.path("configuration"), configuration).unwrap();
        std::fs::write(openssl.path("index"), "").unwrap();
        std::fs::write(openssl.path("crlnumber"), "01\n").unwrap();
        openssl
    }

    /// An authority named root, and a certificate of alice by it.
    pub(crate) fn with_alice(kind: &[&str]) -> Self {
        let openssl = Self::new();
        openssl.root("root");
        openssl.certify("root", "alice", kind, LONG, LEAF);
        openssl
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(&self.folder).arg(name);
        command
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// A new key, unless there is one.
    pub(crate) fn key(&self, name: &str, kind: &[&str]) {
        if !self.path(&format!("{name}.key")).exists() {
            must(self.command("genpkey").args(kind).args(["-out", &format!("{name}.key")]), b"");
        }
    }

    /// A root that certifies itself.
    pub(crate) fn root(&self, name: &str) {
        self.certify(name, name, P256, LONG, ROOT);
    }

    /// A certificate of a name for its key, by an authority.
    pub(crate) fn certify(&self, authority: &str, name: &str, kind: &[&str], (from, until): (&str, &str), extensions: &str) {
        self.key(name, kind);
        let file = |suffix: &str| format!("{name}.{suffix}");
        std::fs::write(self.path(&file("ext")), extensions).unwrap();
        let mut request = self.command("req");
        request.args(["-new", "-config", "configuration", "-key", &file("key"), "-subj", &format!("/CN={name}"), "-out", &file("csr")]);
        must(&mut request, b"");
        let mut ca = self.command("ca");
        ca.args(["-batch", "-notext", "-config", "configuration", "-in", &file("csr"), "-out", &file("pem"), "-extfile", &file("ext")]);
        ca.args(["-startdate", from, "-enddate", until, "-keyfile", &format!("{authority}.key")]);
        match authority == name {
            true => ca.arg("-selfsign"),
            false => ca.args(["-cert", &format!("{authority}.pem")]),
        };
        must(&mut ca, b"");
    }

    /// Whole files, one after the other.
    pub(crate) fn pem(&self, names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| self.read(&format!("{name}.pem"))).collect()
    }

    /// The fingerprint that openssl shows, without colons.
    pub(crate) fn fingerprint(&self, name: &str) -> String {
        let shown = must(self.command("x509").args(["-noout", "-fingerprint", "-sha256", "-in", &format!("{name}.pem")]), b"");
        format!("SHA256:{}", String::from_utf8(shown).unwrap().trim().split_once('=').unwrap().1.replace(':', ""))
    }

    /// A signature by openssl, which claims the present.
    pub(crate) fn sign(&self, name: &str, more: &[&str], payload: &str) -> Vec<u8> {
        let mut command = self.command("cms");
        command.args(["-sign", "-binary", "-outform", "DER", "-signer", &format!("{name}.pem"), "-inkey", &format!("{name}.key")]);
        must(command.args(more), payload.as_bytes())
    }

    /// A list of revoked certificates by an authority: of these, and of those that it revoked before.
    pub(crate) fn list(&self, authority: &str, revoked: &[&str]) -> Vec<u8> {
        let ca = || {
            let mut ca = self.command("ca");
            ca.args(["-config", "configuration", "-keyfile", &format!("{authority}.key"), "-cert", &format!("{authority}.pem")]);
            ca
        };
        for name in revoked {
            must(ca().args(["-revoke", &format!("{name}.pem")]), b"");
        }
        must(ca().arg("-gencrl"), b"")
    }

    /// A commit by alice with a signature by openssl.
    pub(crate) fn commit(&self, repository: &Repository, name: &str, more: &[&str]) -> Commit {
        let payload = present(repository, crate::fixture::ALICE, crate::fixture::ALICE);
        repository.commit(signed(&payload, "gpgsig", &armored(&self.sign(name, more, &payload))))
    }

    /// Whether openssl takes a signature with these roots, at the present.
    pub(crate) fn verifies(&self, roots: &[&str], signature: &[u8], payload: &[u8]) -> bool {
        std::fs::write(self.path("roots"), self.pem(roots)).unwrap();
        std::fs::write(self.path("signature"), signature).unwrap();
        std::fs::write(self.path("payload"), payload).unwrap();
        let mut command = self.command("cms");
        command.args(["-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "payload", "-CAfile", "roots"]);
        run(command.args(["-out", "/dev/null", "-no-CApath", "-no-CAstore"]), b"").status.success()
    }

    /// A raw signature over a digest by SHA-256.
    pub(crate) fn raw(&self, name: &str, bytes: &[u8]) -> Vec<u8> {
        must(self.command("dgst").args(["-sha256", "-sign", &format!("{name}.key")]), bytes)
    }
}

/// An unsigned commit of the present, which signatures by openssl claim.
pub(crate) fn present(repository: &Repository, author: &str, committer: &str) -> String {
    repository.payload(author, committer).replace("1740830400", &Utc::now().timestamp().to_string())
}

/// A signature as git keeps it.
pub(crate) fn armored(der: &[u8]) -> String {
    armor("SIGNED MESSAGE", der)
}

/// A keyring of certificates, with lists of revoked ones and keys of logs.
pub(crate) fn keyring(roots: &[u8], revoked: &[&[u8]], logs: &[u8]) -> Result<Keyring, Error> {
    let files = Files::new();
    let at = |name: &str, bytes: &[u8]| if bytes.is_empty() { Vec::new() } else { vec![files.write(name, bytes)] };
    let revoked = revoked.iter().enumerate().map(|(index, bytes)| files.write(&format!("revoked{index}"), bytes)).collect();
    Keyring::open(&Settings { x509_roots: at("roots", roots), x509_revoked: revoked, rekor_keys: at("logs", logs), ..Settings::default() })
}

pub(crate) fn roots(pem: &[u8]) -> Keyring {
    keyring(pem, &[], b"").unwrap()
}

/// Our verdict with its reasons, at the present.
pub(crate) fn ours(keyring: &Keyring, commit: &Commit) -> String {
    line(&judge_at(keyring, commit, Utc::now()).1)
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A home of gpgsm with the certificate and the key of a name, and a root that it believes.
pub(crate) struct Gpgsm {
    pub(crate) home: Gpg,
}

impl Gpgsm {
    pub(crate) fn new(openssl: &Openssl, name: &str, root: &str) -> Self {
        let gpgsm = Self { home: Gpg::new() };
        let file = |name: &str| gpgsm.home.home().join(name);
        std::fs::write(file("gpgsm.conf"), "disable-dirmngr\ndisable-crl-checks\n").unwrap();
        std::fs::write(file("gpg-agent.conf"), "allow-loopback-pinentry\n").unwrap();
        let sha1 = must(openssl.command("x509").args(["-noout", "-fingerprint", "-sha1", "-in", &format!("{root}.pem")]), b"");
        let sha1 = String::from_utf8(sha1).unwrap();
        std::fs::write(file("trustlist.txt"), format!("{} S relax\n", sha1.trim().split_once('=').unwrap().1)).unwrap();
        let path = file("bundle.p12");
        // Now and then gpgsm 2.2 takes a sound bundle for a wrongly encrypted one; then one with other salts is tried.
        let imports = |_: &usize| {
            let mut export = openssl.command("pkcs12");
            // What gpgsm 2.2 can read.
            export.args(["-export", "-passout", "pass:", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]);
            export.args(["-inkey", &format!("{name}.key"), "-in", &format!("{name}.pem"), "-certfile", &format!("{root}.pem")]);
            std::fs::write(&path, must(&mut export, b"")).unwrap();
            run(gpgsm.at("20250101").arg("--import").arg(&path), b"").status.success()
        };
        assert!((0..5).any(|attempt| imports(&attempt)), "gpgsm takes no bundle of openssl");
        gpgsm
    }

    /// gpgsm on a day such as `20250301`.
    pub(crate) fn at(&self, day: &str) -> Command {
        let mut command = Command::new("gpgsm");
        command.arg("--homedir").arg(self.home.home()).args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        command.args(["--faked-system-time", &format!("{day}T120000")]);
        command
    }

    /// A detached signature over a payload.
    pub(crate) fn sign(&self, day: &str, user: &str, payload: &str) -> String {
        let files = Files::new();
        let path = files.write("payload", payload);
        let signature = must(self.at(day).args(["--local-user", user, "--armor", "--detach-sign"]).arg(path), b"");
        String::from_utf8(signature).unwrap()
    }

    /// git's letter, by gpgsm.
    pub(crate) fn letter(&self, repository: &Repository, commit: &Commit) -> String {
        repository.letter(commit, &["gpg.x509.program=gpgsm".to_owned()], Some(self.home.home()))
    }
}
