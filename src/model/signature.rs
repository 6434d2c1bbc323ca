//! The signature of a commit and what it is about, split from the raw object as Git splits it. Tags: `tag.rs`.
//!
//! Git drops every header whose name begins with `gpgsig` when it computes the signed payload, and takes the header of the
//! repository's own hash as the signature. What Git would never write is a malformation here, with its reason, and never
//! "no signature": git itself answers *no signature* to some of them and *good* to others.

use super::attribution::Format;
use super::commit::{Commit, CommitId};

/// A commit as its signature sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// No signature header at all.
    Unsigned,
    /// Something in a signature's place that Git does not write.
    Malformed(Malformed),
    /// One signature in one armor.
    Signed(Signed),
}

/// Why there is no usable signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Format, as far as the armor tells.
    pub format: Format,
    /// A stable phrase: `multiple-signatures`, `foreign-signature-header`, `misplaced-signature`, `unknown-armor`,
    /// `leading-junk`, `trailing-junk`, `unterminated-armor`, `signature-too-large`.
    pub reason: &'static str,
}

/// A signature and the bytes it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// OpenPGP, SSH or X.509.
    pub format: Format,
    /// The commit without any `gpgsig*` header, or the tag before its signature.
    pub payload: Vec<u8>,
    /// The armor, without the header's name and the blanks that continue it.
    pub armor: Vec<u8>,
}

/// No signature needs more; a larger one is an attack on whoever reads it.
const LARGEST: usize = 256 * 1024;

/// Those of gpg-interface.c.
const ARMORS: [(&[u8], &[u8], Format); 4] = [
    (b"-----BEGIN PGP SIGNATURE-----", b"-----END PGP SIGNATURE-----", Format::OpenPgp),
    (b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----", Format::OpenPgp),
    (b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----", Format::Ssh),
    (b"-----BEGIN SIGNED MESSAGE-----", b"-----END SIGNED MESSAGE-----", Format::X509),
];

/// Splits a commit.
pub fn split_commit(commit: &Commit) -> Split {
    split(&commit.raw, own_header(&commit.id))
}

/// The name of the signature header in a repository of this hash.
fn own_header(id: &CommitId) -> &'static [u8] {
    if id.as_str().len() > 40 { b"gpgsig-sha256" } else { b"gpgsig" }
}

/// What the headers of a commit hold besides the payload.
#[derive(Default)]
struct Headers {
    payload: Vec<u8>,
    armor: Vec<u8>,
    own: usize,
    foreign: usize,
    misplaced: bool,
}

/// Splits raw bytes, given the own header's name. Linear in their length.
pub fn split(raw: &[u8], own: &[u8]) -> Split {
    let headers = read_headers(raw, own);
    let format = armor_of(&headers.armor).map_or(Format::Unknown, |(_, _, format)| *format);
    let malformed = |reason| Split::Malformed(Malformed { format, reason });
    if headers.own == 0 && headers.foreign == 0 {
        return Split::Unsigned;
    }
    if headers.own > 1 {
        return malformed("multiple-signatures");
    }
    if headers.foreign > 0 {
        // A dual-hash commit carries a second signature over its form in the other hash. That form cannot be computed from
        // this object alone, so that such a header cannot be told from one that was smuggled in.
        return malformed("foreign-signature-header");
    }
    if headers.misplaced {
        return malformed("misplaced-signature");
    }
    match check_armor(&headers.armor) {
        Ok(format) => Split::Signed(Signed { format, payload: headers.payload, armor: headers.armor }),
        Err(reason) => malformed(reason),
    }
}

enum Part {
    Payload,
    Own,
    Foreign,
}

fn read_headers(raw: &[u8], own: &[u8]) -> Headers {
    let mut headers = Headers { payload: Vec::with_capacity(raw.len()), ..Headers::default() };
    let (mut rest, mut part, mut committer) = (raw, Part::Payload, false);
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        if line == b"\n" {
            headers.payload.extend_from_slice(rest);
            break;
        }
        let continues = line.first() == Some(&b' ');
        if !continues {
            part = classify(line, own);
            committer |= line.starts_with(b"committer ");
            match part {
                Part::Own => headers.own += 1,
                Part::Foreign => headers.foreign += 1,
                Part::Payload => {}
            }
            headers.misplaced |= !committer && !matches!(part, Part::Payload);
        }
        match part {
            Part::Payload => headers.payload.extend_from_slice(line),
            Part::Own if continues => headers.armor.extend_from_slice(&line[1..]),
            Part::Own => headers.armor.extend_from_slice(&line[own.len() + 1..]),
            Part::Foreign => {}
        }
        rest = after;
    }
    headers
}

fn classify(line: &[u8], own: &[u8]) -> Part {
    if line.strip_prefix(own).is_some_and(|rest| rest.first() == Some(&b' ')) {
        Part::Own
    } else if line.starts_with(b"gpgsig") {
        Part::Foreign
    } else {
        Part::Payload
    }
}

/// The first line with its line end, and the rest.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.split_at(end)
}

type Armor = (&'static [u8], &'static [u8], Format);

/// The armor that begins here.
fn armor_of(armor: &[u8]) -> Option<&'static Armor> {
    let first = split_line(armor).0.trim_ascii_end();
    ARMORS.iter().find(|(begin, ..)| first == *begin)
}

/// Whether git takes this line for the beginning of an armor, whatever follows in it.
pub(super) fn is_armor(line: &[u8]) -> bool {
    ARMORS.iter().any(|(begin, ..)| line.starts_with(begin))
}

/// A payload and its armor, where nothing but one armor is there, and no header that is left out of the payload.
pub(super) fn checked(payload: &[u8], armor: &[u8], has_header: bool) -> Split {
    let format = armor_of(armor).map_or(Format::Unknown, |(_, _, format)| *format);
    match check_armor(armor) {
        _ if has_header => Split::Malformed(Malformed { format, ..Malformed::header() }),
        Ok(format) => Split::Signed(Signed { format, payload: payload.to_vec(), armor: armor.to_vec() }),
        Err(reason) => Split::Malformed(Malformed { format, reason }),
    }
}

impl Malformed {
    /// A header of signatures where none belongs.
    pub(super) fn header() -> Self {
        Self { format: Format::Unknown, reason: "foreign-signature-header" }
    }
}

/// Whether exactly one armor is there and nothing around it but blank lines after it, as forges write them.
fn check_armor(armor: &[u8]) -> Result<Format, &'static str> {
    if armor.len() > LARGEST {
        return Err("signature-too-large");
    }
    let Some((_, end, format)) = armor_of(armor) else {
        let later = armor.split(|byte| *byte == b'\n').any(|line| armor_of(line).is_some());
        return Err(if later { "leading-junk" } else { "unknown-armor" });
    };
    let mut lines = armor.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).skip(1);
    if !lines.by_ref().any(|line| line == *end) {
        return Err("unterminated-armor");
    }
    match lines.find(|line| !line.is_empty()) {
        None => Ok(*format),
        Some(line) if line.starts_with(b"-----BEGIN ") => Err("multiple-signatures"),
        Some(_) => Err("trailing-junk"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Malformed, Signed, Split, split};
    use crate::model::attribution::Format;

    const HEAD: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n";
    const ARMOR: &str = "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n";

    fn header(name: &str, text: &str) -> String {
        format!("{name} {}\n", text.trim_end_matches('\n').replace('\n', "\n "))
    }

    fn commit(headers: &str) -> String {
        format!("{HEAD}{headers}\nsubject\n\ngpgsig in the message\n")
    }

    fn reason(raw: &str) -> &'static str {
        match split(raw.as_bytes(), b"gpgsig") {
            Split::Malformed(Malformed { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_signature_is_taken_out_of_the_payload() {
        let raw = commit(&header("gpgsig", ARMOR));
        let expected = Signed { format: Format::Ssh, payload: commit("").into_bytes(), armor: ARMOR.as_bytes().to_vec() };
        assert_eq!(split(raw.as_bytes(), b"gpgsig"), Split::Signed(expected));
    }

    #[test]
    fn a_blank_line_after_the_armor_is_what_forges_write() {
        let raw = commit(&format!("{} \n", header("gpgsig", ARMOR)));
        assert!(matches!(split(raw.as_bytes(), b"gpgsig"), Split::Signed(_)));
    }

    #[test]
    fn a_commit_without_signature_headers_is_unsigned() {
        assert_eq!(split(commit("").as_bytes(), b"gpgsig"), Split::Unsigned);
        assert_eq!(split(b"", b"gpgsig"), Split::Unsigned);
    }

    #[test]
    fn every_form_that_git_does_not_write_has_its_reason() {
        let good = header("gpgsig", ARMOR);
        assert_eq!(reason(&commit(&format!("{good}{good}"))), "multiple-signatures");
        assert_eq!(reason(&commit(&header("gpgsig", &format!("{ARMOR}{ARMOR}")))), "multiple-signatures");
        assert_eq!(reason(&commit(&format!("{good}gpgsigfoo x\n"))), "foreign-signature-header");
        assert_eq!(reason(&commit(&format!("{good}{}", header("gpgsig-sha256", ARMOR)))), "foreign-signature-header");
        assert_eq!(reason(&commit("gpgsig\n")), "foreign-signature-header");
        assert_eq!(reason(&format!("{good}{}", commit(""))), "misplaced-signature");
        assert_eq!(reason(&commit(&header("gpgsig", "hello"))), "unknown-armor");
        assert_eq!(reason(&commit("gpgsig \n")), "unknown-armor");
        assert_eq!(reason(&commit(&header("gpgsig", &format!("hello\n{ARMOR}")))), "leading-junk");
        assert_eq!(reason(&commit(&header("gpgsig", &format!("{ARMOR}hello")))), "trailing-junk");
        assert_eq!(reason(&commit(&header("gpgsig", "-----BEGIN PGP SIGNATURE-----"))), "unterminated-armor");
        assert_eq!(reason(&commit(&header("gpgsig", &format!("{ARMOR}{}", "x".repeat(300_000))))), "signature-too-large");
    }

    #[test]
    fn a_sha256_repository_has_its_own_header() {
        let raw = commit(&header("gpgsig-sha256", ARMOR));
        assert!(matches!(split(raw.as_bytes(), b"gpgsig-sha256"), Split::Signed(_)));
        assert_eq!(reason(&raw), "foreign-signature-header");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = split(&raw, b"gpgsig");
        }

        #[test]
        fn lines_in_any_order_never_lose_a_signature(lines in proptest::collection::vec(
            prop_oneof![Just("tree x"), Just("author a"), Just("committer c"), Just("gpgsig -----BEGIN SSH SIGNATURE-----"), Just(" U1NI"),
                Just(" -----END SSH SIGNATURE-----"), Just("gpgsigx"), Just("gpgsig-sha256 y"), Just(" "), Just(""), Just("mergetag z")], 0..14)) {
            let raw = lines.join("\n") + "\n";
            let headers: Vec<_> = lines.iter().take_while(|line| !line.is_empty()).collect();
            let signed = headers.iter().any(|line| line.starts_with("gpgsig"));
            prop_assert_eq!(split(raw.as_bytes(), b"gpgsig") == Split::Unsigned, !signed);
        }
    }
}
