//! Annotated tags: the objects that give a commit a name, and whose signatures say so.
//!
//! A lightweight tag is a reference and no object: it says nothing and is nobody's.

use super::attribution::{CommitVerdict, SignatureFacts};
use super::commit::{Commit, CommitId};
use super::signature::{Malformed, Split, checked, is_armor};
use super::text::RawText;

/// The tag object behind a reference that a source asks for.
#[derive(Clone, Debug)]
pub struct Tag {
    /// The full name of the reference, as in `refs/tags/v2.0`. Anybody who may write references chooses it.
    pub reference: String,
    /// The name that the object gives itself: this one is signed.
    pub name: RawText,
    /// The type that the object gives to what it marks.
    pub said_kind: RawText,
    /// The type that this has: `commit`, or `tag` where it marks another tag.
    pub kind: String,
    /// The commit at the end.
    pub commit: CommitId,
    /// The object as something that somebody signed: its id, its bytes, and the tagger in the place of author and committer. Very
    /// old tags have none.
    pub object: Commit,
}

/// A tag with what is known of it.
#[derive(Clone, Debug)]
pub struct JudgedTag {
    /// The tag.
    pub tag: Tag,
    /// What is known of its signature; `None` where it could not be judged.
    pub facts: Option<SignatureFacts>,
    /// The judgement. What is wrong with the tag itself is `invalid`: `tag-name-mismatch`, `tag-type-mismatch`.
    pub verdict: CommitVerdict,
}

/// Splits a tag object as Git does: its signature begins at the last line that begins an armor, and is over all before it.
///
/// What follows the armor is in no signature, and Git shows it as if it were: that is a malformation here, and so is a header
/// `gpgsig…`, which Git leaves out of the payload.
pub fn split_tag(object: &Commit) -> Split {
    let raw = &object.raw;
    let has_header = raw.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()).any(|line| line.starts_with(b"gpgsig"));
    let (mut start, mut at) = (None, 0);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if is_armor(line) {
            start = Some(at);
        }
        at += line.len();
    }
    match (start, has_header) {
        (None, false) => Split::Unsigned,
        (None, true) => Split::Malformed(Malformed::header()),
        (Some(start), _) => checked(&raw[..start], &raw[start..], has_header),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::{Commit, CommitId, Split, split_tag};
    use crate::model::commit::Actor;
    use crate::model::signature::{Malformed, Signed};

    const HEAD: &str = "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n";
    const ARMOR: &str = "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n";

    fn split(raw: &str) -> Split {
        let person = Actor { name: "A".into(), email: "a@b".into(), time: Some(DateTime::UNIX_EPOCH.fixed_offset()) };
        let (author, committer, raw) = (person.clone(), person, raw.as_bytes().into());
        split_tag(&Commit { id: CommitId::new("0".repeat(40)), source: "fleet".into(), author, committer, subject: "".into(), raw })
    }

    #[test]
    fn the_last_armor_is_the_signature_over_all_before_it() {
        let quoted = format!("{HEAD}\nlike this:\n{ARMOR}");
        assert!(matches!(split(&format!("{quoted}{ARMOR}")), Split::Signed(Signed { payload, armor, .. })
            if payload == quoted.as_bytes() && armor == ARMOR.as_bytes()));
        assert_eq!(split(&format!("{HEAD}\nno armor: -----BEGIN SSH SIGNATURE-----\n")), Split::Unsigned);
    }

    #[test]
    fn what_no_signature_is_over_is_malformed() {
        for (raw, reason) in [
            (format!("{HEAD}\ntext\n{ARMOR}and more\n"), "trailing-junk"),
            (format!("{HEAD}\ntext\n-----BEGIN PGP SIGNATURE-----\nx\n"), "unterminated-armor"),
            (format!("{HEAD}\ntext\n{}", ARMOR.replace("SIGNATURE-----\nU", "SIGNATURE----- x\nU")), "unknown-armor"),
            (format!("{HEAD}\ntext\n{ARMOR}-----BEGIN PGP MESSAGE-----x\n"), "unknown-armor"),
            (format!("{HEAD}gpgsig-sha256 x\n\ntext\n{ARMOR}"), "foreign-signature-header"),
            (format!("{HEAD}gpgsig x\n\ntext\n"), "foreign-signature-header"),
        ] {
            assert!(matches!(split(&raw), Split::Malformed(Malformed { reason: found, .. }) if found == reason), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(lines in proptest::collection::vec(prop_oneof![Just(ARMOR), Just("\n"), Just("gpgsig x\n"), Just("-----BEGIN PGP MESSAGE-----"), Just("x")], 0..9)) {
            let _ = split(&lines.concat());
        }
    }
}
