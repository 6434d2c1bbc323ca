//! The readers of this noun that take bytes from anybody, for those who feed them at random. Each panics where the reader
//! breaks one of its promises.

use super::ssh::Revocations;
use super::{allowed_signers, armor, packet};
use chrono::DateTime;

/// The armor of a signature and the packets in it, or packets alone.
pub fn packet(bytes: &[u8]) {
    let decoded = armor::decode(bytes);
    for bytes in [Some(bytes), decoded.as_deref().ok()].into_iter().flatten() {
        let read = packet::detached(bytes);
        if let Ok(packet) = &read {
            assert!(packet.version > 3 || packet.fingerprint.is_none(), "an old signature names no fingerprint");
        }
        let revocations = packet::revocations(bytes).unwrap_or_default();
        assert!(revocations.iter().all(|(_, packet)| matches!(packet.class, 0x20 | 0x28)), "only revocations are told");
        packet::has_secret(bytes);
    }
}

/// A file of allowed signers, and the same bytes as a list of revoked keys.
pub fn allowed_signers(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match allowed_signers::parse(bytes) {
        Ok(entries) => {
            for entry in &entries {
                let let_through = entry.principals.iter().all(|principal| entry.lets_through(principal));
                assert!(let_through, "a principal that the list refuses is none");
                let (_, _, _) = (entry.allows_git(), entry.contains(DateTime::UNIX_EPOCH), entry.emails().count());
            }
        }
        Err((line, reason)) => assert!((1..=lines).contains(&line) && !reason.is_empty(), "an error names a line that is there"),
    }
    if let Err(mistake) = Revocations::default().add(bytes) {
        assert!(mistake.line.is_none_or(|line| (1..=lines).contains(&line)), "an error names a line that is there");
    }
}

#[cfg(test)]
#[path = "../../tests/fuzz/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::corpus::each;

    #[test]
    fn no_input_that_fuzzing_found_breaks_the_packet_reader() {
        each("packet", super::packet);
    }

    #[test]
    fn no_input_that_fuzzing_found_breaks_the_reader_of_allowed_signers() {
        each("allowed_signers", super::allowed_signers);
    }
}
