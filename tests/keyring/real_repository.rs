//! A repository that nobody made for us, named by `KW_REPOSITORY`: what its signatures say of themselves, beside what gpg and
//! ssh-keygen read in them. No key is needed for that, and none is at hand.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;

use kubewitness::keyring::{Keyring, Settings};
use kubewitness::model::attribution::{Crypto, Format, SignatureFacts};
use kubewitness::model::commit::Commit;

use crate::fixture::{Files, Repository, dearmor, must, now, run, verify};

const NOT_TESTED: &[u8] = b"\nNOT TESTED: KW_REPOSITORY names no repository (make test-repository KW_REPOSITORY=FOLDER)\n";

/// So many of each format are asked of the programs.
const SAMPLE: usize = 2000;

/// What gpg prints of a signature packet.
#[derive(Debug, Default)]
struct Packet {
    key_id: String,
    fingerprint: Option<String>,
    created: i64,
    class: String,
    digest: u8,
}

/// Every commit of the branch, as Git has it.
fn commits(repository: &str) -> Vec<Commit> {
    let git = || {
        let mut command = Command::new("git");
        command.current_dir(repository);
        command
    };
    let ids = must(git().args(["rev-list", "HEAD"]), b"");
    let all = must(git().args(["cat-file", "--batch"]), &ids);
    let (mut rest, mut commits) = (all.as_slice(), Vec::new());
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let header = std::str::from_utf8(&rest[..end]).unwrap();
        let (id, size) = (header.split(' ').next().unwrap().to_owned(), header.rsplit(' ').next().unwrap().parse::<usize>().unwrap());
        commits.push(Repository::read(id, rest[end + 1..=end + size].to_vec()));
        rest = &rest[end + size + 2..];
    }
    commits
}

/// Signature and payload of a commit as the documentation of Git has them.
fn parts(commit: &Commit) -> Option<(String, Vec<u8>)> {
    let end = commit.raw.windows(2).position(|pair| pair == b"\n\n").unwrap_or(commit.raw.len() - 1) + 1;
    let (mut payload, mut armor, mut inside) = (Vec::new(), String::new(), false);
    for line in commit.raw[..end].split_inclusive(|byte| *byte == b'\n') {
        inside = line.starts_with(b"gpgsig ") || (inside && line.starts_with(b" "));
        match inside {
            true => {
                armor.push_str(String::from_utf8_lossy(line).strip_prefix("gpgsig").unwrap_or(&String::from_utf8_lossy(line))[1..].as_ref())
            }
            false => payload.extend_from_slice(line),
        }
    }
    payload.extend_from_slice(&commit.raw[end..]);
    (!armor.is_empty()).then_some((armor, payload))
}

fn by_gpg(packets: &[u8]) -> Vec<Packet> {
    let output = run(Command::new("gpg").args(["--batch", "--list-packets"]), packets);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let between = |line: &str, before: &str, after: &str| -> Option<String> {
        let rest = line.split_once(before)?.1;
        Some(rest.split(|character: char| after.contains(character)).next().unwrap_or(rest).trim().to_owned())
    };
    let mut found: Vec<Packet> = Vec::new();
    for line in text.lines() {
        if let Some(key_id) = line.starts_with(":signature packet:").then(|| between(line, "keyid ", " ")).flatten() {
            found.push(Packet { key_id, ..Packet::default() });
        }
        let Some(packet) = found.last_mut() else { continue };
        if line.starts_with("\tversion ") {
            packet.created = between(line, "created ", ",").unwrap().parse().unwrap();
            packet.class = between(line, "sigclass ", " ").unwrap();
        } else if line.starts_with("\tdigest algo ") {
            packet.digest = between(line, "digest algo ", ",").unwrap().parse().unwrap();
        } else if let Some(fingerprint) = between(line, "(issuer fpr v4 ", ")") {
            packet.fingerprint.get_or_insert(fingerprint);
        }
    }
    found
}

fn agree_openpgp(packet: &Packet, facts: &SignatureFacts) -> bool {
    let key = packet.fingerprint.as_ref().unwrap_or(&packet.key_id);
    let is_known_digest = matches!(packet.digest, 1..=3 | 8..=11);
    let crypto = match (is_known_digest, packet.class.as_str()) {
        (false, _) => Crypto::Unsupported,
        (true, "0x00") => Crypto::UnknownKey,
        (true, _) => Crypto::Malformed,
    };
    facts.crypto == crypto
        && (!is_known_digest || facts.key.as_ref() == Some(key) && facts.time.map(|time| time.timestamp()) == Some(packet.created))
}

fn agree_ssh(armor: &str, payload: &[u8], facts: &SignatureFacts, files: &Files) -> bool {
    let signature = files.write("signature", armor);
    let sound = run(Command::new("ssh-keygen").args(["-Y", "check-novalidate", "-n", "git", "-s"]).arg(signature), payload);
    let said = String::from_utf8_lossy(&sound.stdout).into_owned();
    let key = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    match sound.status.success() {
        true => facts.crypto == Crypto::Good && facts.key.as_deref() == key,
        false => facts.crypto != Crypto::Good,
    }
}

/// At most so many, from everywhere.
fn sample<T>(all: Vec<T>) -> Vec<T> {
    let step = all.len().div_ceil(SAMPLE).max(1);
    all.into_iter().step_by(step).collect()
}

#[test]
fn real_repository_signatures_say_what_gpg_and_ssh_keygen_read_in_them() {
    let Some(repository) = std::env::var("KW_REPOSITORY").ok().filter(|path| !path.is_empty()) else {
        // Written past the harness, which keeps what tests print to itself.
        return std::io::stderr().write_all(NOT_TESTED).unwrap();
    };
    let commits = commits(&repository);
    let (signatures, gaps) = verify(&Keyring::open(&Settings::default()).unwrap(), &commits, now());
    assert_eq!((gaps, signatures.len()), (Vec::new(), commits.len()));
    let facts = |commit: &Commit| &signatures[&(commit.source.clone(), commit.id.clone())];
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut openpgp, mut ssh) = (Vec::new(), Vec::new());
    for commit in &commits {
        let (facts, parts) = (facts(commit), parts(commit));
        *counts.entry(format!("{:?} {:?} {:?}", facts.format, facts.crypto, facts.reasons)).or_default() += 1;
        assert_eq!(parts.is_none(), facts.crypto == Crypto::Unsigned, "{}", commit.id);
        let Some((armor, payload)) = parts else { continue };
        match armor.lines().next() {
            Some("-----BEGIN PGP SIGNATURE-----") => {
                assert_eq!(facts.format, Format::OpenPgp, "{}", commit.id);
                openpgp.push((commit, facts, dearmor(&armor)));
            }
            Some("-----BEGIN SSH SIGNATURE-----") => {
                assert_eq!(facts.format, Format::Ssh, "{}", commit.id);
                ssh.push((commit, facts, armor, payload));
            }
            other => assert!(![Format::OpenPgp, Format::Ssh].contains(&facts.format), "{} {other:?}", commit.id),
        }
    }
    let (openpgp, ssh, files) = (sample(openpgp), sample(ssh), Files::new());
    let packets = by_gpg(&openpgp.iter().flat_map(|(_, _, packet)| packet.clone()).collect::<Vec<_>>());
    assert_eq!(packets.len(), openpgp.len(), "gpg reads as many packets");
    for ((commit, facts, _), packet) in openpgp.iter().zip(&packets) {
        assert!(agree_openpgp(packet, facts), "{}: {packet:?}\n{facts:?}", commit.id);
    }
    for (commit, facts, armor, payload) in &ssh {
        assert!(agree_ssh(armor, payload, facts, &files), "{}: {facts:?}", commit.id);
    }
    let apart = commits.iter().filter(|commit| {
        let times = facts(commit).time.zip(commit.committer.time);
        times.is_some_and(|(signed, committed)| (signed - committed.to_utc()).num_hours().abs() > 24)
    });
    println!("{} signatures are more than a day from their commit", apart.count());
    println!("{} commits; {} OpenPGP and {} SSH signatures asked of the programs; {counts:#?}", commits.len(), openpgp.len(), ssh.len());
}
