//! A thousand signatures of every kind of key that gpg and ssh-keygen make, some of them tampered with: what those programs and
//! git say of each is what we say. `KW_SIGNATURES` asks for another number of them.

use std::path::Path;
use std::process::Command;
use std::thread;

use chrono::DateTime;
use kubewitness::keyring::{Keyring, Settings};
use kubewitness::model::attribution::{Algo, Crypto, Format, KeyTime, SignatureFacts};
use kubewitness::model::commit::Commit;

use crate::fixture::{Files, Gpg, Repository, armor, dearmor, must, now, run, signed, verify};
use crate::openssh::Ssh;

const DEFAULT: usize = 1000;

const OPENPGP: [&str; 13] = [
    "rsa2048",
    "rsa3072",
    "rsa4096",
    "dsa2048",
    "ed25519",
    "nistp256",
    "nistp384",
    "nistp521",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "secp256k1",
    "rsa1024",
];
const SUBKEYS: [&str; 3] = ["rsa2048", "ed25519", "nistp256/ecdsa"];
const SSH: [(&str, &[&str]); 7] = [
    ("ssh-ed25519", &["ed25519"]),
    ("ssh-p256", &["ecdsa", "-b", "256"]),
    ("ssh-p384", &["ecdsa", "-b", "384"]),
    ("ssh-p521", &["ecdsa", "-b", "521"]),
    ("ssh-rsa2048", &["rsa", "-b", "2048"]),
    ("ssh-rsa3072", &["rsa", "-b", "3072"]),
    ("ssh-rsa4096", &["rsa", "-b", "4096"]),
];
const HASHES: [&str; 5] = ["SHA256", "SHA512", "SHA384", "SHA224", "SHA1"];

/// Who signs.
#[derive(Clone, Debug)]
enum Signer {
    /// The user id of a key in a home.
    OpenPgp { home: usize, name: String },
    /// The name of a key or certificate.
    Ssh { name: String, file: String },
}

impl Signer {
    fn person(&self) -> String {
        let (Self::OpenPgp { name, .. } | Self::Ssh { name, .. }) = self;
        format!("{name} <{name}@example.com>")
    }
}

/// What is done to a signed commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tampering {
    None,
    Message,
    Header,
    /// The signature is of another commit by the same key.
    Pasted,
    /// The last byte of the signature is another one.
    Flipped,
}

const TAMPERING: [Tampering; 8] = [
    Tampering::None,
    Tampering::Message,
    Tampering::None,
    Tampering::Header,
    Tampering::None,
    Tampering::Pasted,
    Tampering::None,
    Tampering::Flipped,
];

struct Case {
    signer: Signer,
    tampering: Tampering,
    /// What was signed, and what stands in the commit.
    signed: String,
    payload: String,
    armor: String,
}

/// Keys of every type; the second home and `unlisted` are of nobody who is configured.
struct World {
    homes: [Gpg; 2],
    ssh: Ssh,
    lines: String,
    signers: Vec<Signer>,
}

fn world() -> World {
    let (homes, ssh) = ([Gpg::new(), Gpg::new()], Ssh::new());
    let mut signers = Vec::new();
    let add = |signers: &mut Vec<Signer>, home: usize, name: &str| signers.push(Signer::OpenPgp { home, name: name.to_owned() });
    for name in OPENPGP {
        homes[0].key(&format!("{name} <{name}@example.com>"), name);
        add(&mut signers, 0, name);
    }
    for kind in SUBKEYS {
        let name = format!("sub-{}", kind.replace('/', "-"));
        let person = format!("{name} <{name}@example.com>");
        must(homes[0].at("20250101").args(["--quick-generate-key", &person, "ed25519", "cert", "never"]), b"");
        let primary = homes[0].fingerprints(&person).remove(0);
        must(homes[0].at("20250101").args(["--quick-add-key", &primary, kind, "sign", "never"]), b"");
        add(&mut signers, 0, &name);
    }
    for name in ["expired", "revoked"] {
        homes[0].key(&format!("{name} <{name}@example.com>"), "ed25519");
        add(&mut signers, 0, name);
    }
    homes[1].key("stranger <stranger@example.com>", "ed25519");
    add(&mut signers, 1, "stranger");
    let (mut lines, ca) = (String::new(), ssh.key("ca", &["ed25519"]));
    let plain = |name: &str| Signer::Ssh { name: name.to_owned(), file: name.to_owned() };
    for (name, kind) in SSH {
        lines.push_str(&format!("{name}@example.com {}\n", ssh.key(name, kind)));
        signers.push(plain(name));
    }
    for (name, kind, window) in [
        ("certified-ed25519", SSH[0].1, "always:forever"),
        ("certified-p256", SSH[1].1, "20250201:20270101"),
        ("certified-rsa", SSH[5].1, "20250201:20270101"),
        ("certified-ended", SSH[0].1, "20250101:20250201"),
    ] {
        ssh.key(name, kind);
        ssh.certify("ca", name, &["-n", &format!("{name}@example.com"), "-V", window]);
        signers.push(Signer::Ssh { name: name.to_owned(), file: format!("{name}-cert.pub") });
    }
    lines.push_str(&format!("*@example.com cert-authority {ca}\n"));
    lines.push_str(&format!("closed@example.com valid-before=\"20250201Z\" {}\n", ssh.key("closed", &["ed25519"])));
    ssh.key("unlisted", &["ed25519"]);
    signers.extend([plain("closed"), plain("unlisted")]);
    World { homes, ssh, lines, signers }
}

/// Payloads in every form that Git takes: long, empty, with carriage returns, without a line end, with more headers.
fn payload(repository: &Repository, number: usize, person: &str) -> String {
    let plain = repository.payload(person, person);
    let (head, _) = plain.split_once("\n\n").unwrap();
    let message = match number % 7 {
        0 => String::new(),
        1 => format!("Commit {number}"),
        2 => format!("Commit {number}\r\n\r\nwith carriage returns \r\n"),
        3 => format!("Commit {number}\n\n-----BEGIN PGP SIGNATURE-----\nnone\n-----END PGP SIGNATURE-----\n"),
        4 => format!("Commit {number} caf\u{e9}\n\n{}", "long ".repeat(4000)),
        _ => format!("Commit {number}\n\n  trailing \t\n\n"),
    };
    let more =
        if number.is_multiple_of(3) { format!("\nencoding UTF-8\nx-number {number}\n and more") } else { format!("\nx-number {number}") };
    format!("{head}{more}\n\n{message}")
}

impl World {
    fn cases(&self, repository: &Repository, count: usize) -> Vec<Case> {
        let cases: Vec<_> = (0..count)
            .map(|number| {
                let signer = self.signers[number % self.signers.len()].clone();
                let tampering = TAMPERING[(number / self.signers.len()) % TAMPERING.len()];
                let payload = payload(repository, number, &signer.person());
                let changed = match tampering {
                    Tampering::Message => format!("{payload}."),
                    Tampering::Header => payload.replacen("x-number ", "x-number 9", 1),
                    _ => payload.clone(),
                };
                let signed = if tampering == Tampering::Pasted { format!("{payload}of another one\n") } else { payload };
                Case { signer, tampering, signed, payload: changed, armor: String::new() }
            })
            .collect();
        self.sign(cases)
    }

    fn sign(&self, mut cases: Vec<Case>) -> Vec<Case> {
        let files = Files::new();
        for signer in &self.signers {
            let Signer::Ssh { file, name } = signer else { continue };
            let own: Vec<usize> = (0..cases.len()).filter(|at| cases[*at].signer.person() == signer.person()).collect();
            for (hash, rest) in [("sha512", 0), ("sha256", 1)] {
                let chosen: Vec<_> = own.iter().enumerate().filter(|(turn, _)| turn % 2 == rest).map(|(_, at)| *at).collect();
                let paths: Vec<_> = chosen.iter().map(|at| files.write(&format!("{name}-{at}"), &cases[*at].signed)).collect();
                if paths.is_empty() {
                    continue;
                }
                let mut command = Command::new("ssh-keygen");
                command.args(["-q", "-Y", "sign", "-n", "git", "-O", &format!("hashalg={hash}"), "-f"]).arg(self.ssh.path(file));
                must(command.args(&paths), b"");
                for (at, path) in chosen.into_iter().zip(paths) {
                    cases[at].armor = std::fs::read_to_string(path.with_extension("sig")).unwrap();
                }
            }
        }
        let openpgp = |case: &mut Case, number: usize| {
            let Signer::OpenPgp { home, name } = &case.signer else { return };
            let hash = HASHES[(number / self.signers.len() / TAMPERING.len()) % HASHES.len()];
            // A digest that is shorter than what the curve or group asks for is no choice of gpg's.
            let chosen = ["--digest-algo", hash];
            let more: &[&str] = if name.contains("rsa") || name.contains("ed25519") { &chosen } else { &[] };
            let user = format!("{name}@example.com");
            case.armor = self.homes[*home].sign("20250301", &user, more, case.signed.as_bytes());
        };
        in_parallel(&mut cases, openpgp);
        for case in cases.iter_mut().filter(|case| case.tampering == Tampering::Flipped) {
            let mut bytes = dearmor(&case.armor);
            *bytes.last_mut().unwrap() ^= 0x01;
            let label = if matches!(case.signer, Signer::Ssh { .. }) { "SSH SIGNATURE" } else { "PGP SIGNATURE" };
            case.armor = armor(label, &bytes);
        }
        cases
    }

    /// After everything is signed, one key expires and one is retired.
    fn end_keys(&self) {
        let expired = self.homes[0].fingerprints("expired <expired@example.com>").remove(0);
        must(self.homes[0].at("20250302").args(["--quick-set-expire", &expired, "3m"]), b"");
        self.homes[0].edit("20250601", "revoked@example.com", &["revkey", "y", "2", "", "y", "save"]);
    }
}

/// Works on all, in two threads, with the number of each.
fn in_parallel<T: Send>(items: &mut [T], work: impl Fn(&mut T, usize) + Sync) {
    let (half, work) = (items.len() / 2, &work);
    let (left, right) = items.split_at_mut(half);
    thread::scope(|scope| {
        scope.spawn(move || left.iter_mut().enumerate().for_each(|(at, item)| work(item, at)));
        right.iter_mut().enumerate().for_each(|(at, item)| work(item, half + at));
    });
}

/// What a program says of one signature, in our words.
#[derive(Debug, Default, PartialEq)]
struct Told {
    crypto: Option<Crypto>,
    /// `None` where the program does not tell.
    key: Option<String>,
    subkey: Option<String>,
    time: Option<i64>,
    weak: bool,
    expired: bool,
    revoked: bool,
    speaks: bool,
}

/// gpg's own words: doc/DETAILS, "VALIDSIG".
fn by_gpg(home: &Gpg, files: &Files, number: usize, case: &Case) -> Told {
    let paths = (files.write(&format!("{number}.sig"), &case.armor), files.write(&format!("{number}.txt"), &case.payload));
    let mut command = home.at("20260101");
    let output = run(command.args(["--status-fd", "1", "--verify"]).arg(paths.0).arg(paths.1), b"");
    let status = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = |name: &str| -> Option<Vec<String>> {
        let line = status.lines().find_map(|line| line.strip_prefix("[GNUPG:] ")?.strip_prefix(name)?.strip_prefix(' '))?;
        Some(line.split(' ').map(str::to_owned).collect())
    };
    let is = |name: &str| words(name).is_some();
    let mut told = Told { expired: is("EXPKEYSIG"), revoked: is("REVKEYSIG"), ..Told::default() };
    told.crypto = match () {
        () if is("GOODSIG") || told.expired || told.revoked => Some(Crypto::Good),
        () if is("BADSIG") => Some(Crypto::Bad),
        () if words("ERRSIG").is_some_and(|words| words[5] == "9") => Some(Crypto::UnknownKey),
        () => panic!("{case:?}\n{status}", case = (&case.signer, case.tampering)),
    };
    if let Some(valid) = words("VALIDSIG") {
        assert_eq!(valid[8], "00", "the class of a document");
        told.weak = ["1", "2", "3"].contains(&valid[7].as_str()) || valid[6] == "17" || case.signer.person().starts_with("rsa1024");
        (told.key, told.time) = (Some(valid[9].clone()), valid[2].parse().ok());
        told.subkey = (valid[0] != valid[9]).then(|| valid[0].clone());
        told.speaks = is("GOODSIG") && !told.weak;
    }
    told
}

fn by_ssh_keygen(allowed: &Path, files: &Files, number: usize, case: &Case) -> Told {
    let signature = files.write(&format!("{number}.sig"), &case.armor);
    let keygen = |more: &[&str]| {
        let mut command = Command::new("ssh-keygen");
        command.env("TZ", "UTC").args(["-Y", more[0], "-n", "git", "-s"]).arg(&signature).args(&more[1..]);
        run(&mut command, case.payload.as_bytes())
    };
    let sound = keygen(&["check-novalidate"]);
    let said = String::from_utf8_lossy(&sound.stdout).into_owned();
    let key = said.split_whitespace().find(|word| word.starts_with("SHA256:")).map(str::to_owned);
    let crypto = Some(if sound.status.success() { Crypto::Good } else { Crypto::Bad });
    let Signer::Ssh { name, .. } = &case.signer else { panic!("{:?}", case.signer) };
    let principal = format!("{name}@example.com");
    let speaks = keygen(&["verify", "-f", &allowed.display().to_string(), "-I", &principal, "-O", "verify-time=20250301120000Z"]);
    Told { crypto, key, speaks: speaks.status.success(), ..Told::default() }
}

/// The letters of git, all at once.
fn letters(repository: &Repository, world: &World, allowed: &Path, commits: &[Commit]) -> Vec<String> {
    let ids: String = commits.iter().map(|commit| format!("{}\n", commit.id)).collect();
    let mut command = repository.git();
    command.env("GNUPGHOME", world.homes[0].home());
    command.args(["-c", &format!("gpg.ssh.allowedSignersFile={}", allowed.display())]);
    let told = must(command.args(["log", "--no-walk=unsorted", "--stdin", "--format=%H %G?"]), ids.as_bytes());
    let told = String::from_utf8(told).unwrap();
    let lines: Vec<_> = told.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert!(lines.iter().zip(commits).all(|((id, _), commit)| *id == commit.id.as_str()) && lines.len() == commits.len());
    lines.into_iter().map(|(_, letter)| letter.to_owned()).collect()
}

/// What must stand in our facts, by what the program says.
fn agree(told: &Told, facts: &SignatureFacts, case: &Case) -> Result<(), String> {
    let check = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    check(Some(facts.crypto) == told.crypto, "crypto")?;
    if told.crypto != Some(Crypto::Good) {
        return check(facts.emails.is_empty() || facts.crypto == Crypto::Bad, "a signature that is not good names nobody");
    }
    check(facts.key == told.key, "key")?;
    check(facts.subkey == told.subkey, "subkey")?;
    check(facts.time.map(|time| time.timestamp()) == told.time, "time")?;
    check((facts.algo == Some(Algo::Weak)) == told.weak, "strength")?;
    let state = facts.key_time;
    check(told.expired == (facts.format == Format::OpenPgp && state == Some(KeyTime::ExpiredSince)), "expiry")?;
    check(told.revoked == (state == Some(KeyTime::RevokedSoftAfter)), "revocation")?;
    let email = case.signer.person().split(['<', '>']).nth(1).unwrap().to_owned();
    let speaks = facts.emails.contains(&email) && facts.algo == Some(Algo::Ok) && state == Some(KeyTime::Valid);
    check(told.speaks == speaks, "whom it speaks for")
}

/// Which letters of git are those facts.
fn fits(letter: &str, facts: &SignatureFacts) -> bool {
    match (facts.crypto, facts.key_time) {
        (Crypto::Bad, _) => letter == "B",
        (Crypto::UnknownKey, _) => letter == "E",
        (Crypto::Good, Some(KeyTime::Valid)) => letter == "G",
        (Crypto::Good, Some(KeyTime::ExpiredSince)) => letter == "Y",
        (Crypto::Good, Some(KeyTime::RevokedSoftAfter)) => letter == "R",
        (Crypto::Good, Some(KeyTime::OutsideWindow | KeyTime::ExpiredBeforeSig) | None) => letter == "U",
        _ => false,
    }
}

#[test]
fn a_thousand_signatures_are_what_gpg_ssh_keygen_and_git_say() {
    let count = std::env::var("KW_SIGNATURES").ok().map_or(DEFAULT, |text| text.parse().expect("KW_SIGNATURES is a number"));
    let (repository, world, files) = (Repository::new(), world(), Files::new());
    let cases = world.cases(&repository, count);
    world.end_keys();
    let raws = cases.iter().map(|case| signed(&case.payload, "gpgsig", &case.armor).into_bytes());
    let commits = repository.commits(raws.collect());
    let keys = files.write("keys.asc", world.homes[0].export(&[]));
    let allowed = files.write("allowed", &world.lines);
    let keyring = Keyring::open(&Settings { openpgp: vec![keys], ssh: vec![allowed.clone()], ..Settings::default() }).unwrap();
    let (signatures, gaps) = verify(&keyring, &commits, now());
    assert_eq!(gaps, []);

    let mut told: Vec<(&Case, Told)> = cases.iter().map(|case| (case, Told::default())).collect();
    in_parallel(&mut told, |(case, told), number| {
        *told = match case.signer {
            Signer::OpenPgp { .. } => by_gpg(&world.homes[0], &files, number, case),
            Signer::Ssh { .. } => by_ssh_keygen(&allowed, &files, number, case),
        }
    });
    let letters = letters(&repository, &world, &allowed, &commits);
    let (mut good, mut bad, mut weak, mut unknown) = (0, 0, 0, 0);
    for (((case, told), commit), letter) in told.iter().zip(&commits).zip(&letters) {
        let facts = &signatures[&(commit.source.clone(), commit.id.clone())];
        let context = || format!("{:?} {:?} {letter}\n{told:?}\n{facts:?}", case.signer, case.tampering);
        agree(told, facts, case).unwrap_or_else(|what| panic!("{what}: {}", context()));
        assert!(fits(letter, facts), "git says {letter}: {}", context());
        assert_eq!(told.crypto == Some(Crypto::Bad), case.tampering != Tampering::None && told.crypto != Some(Crypto::UnknownKey));
        assert!(facts.time.is_none_or(|time| time < DateTime::from_timestamp(1_740_917_000, 0).unwrap()));
        good += usize::from(facts.crypto == Crypto::Good);
        bad += usize::from(facts.crypto == Crypto::Bad);
        weak += usize::from(facts.algo == Some(Algo::Weak));
        unknown += usize::from(facts.crypto == Crypto::UnknownKey);
    }
    assert!(count < 500 || (good > count / 3 && bad > count / 3 && weak > 0 && unknown > 0));
    println!(
        "{count} signatures of {} keys: {good} good ({weak} of them by what can be forged), {bad} bad, {unknown} by an unknown key",
        world.signers.len()
    );
}
