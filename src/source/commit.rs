//! Reads commit objects, whatever somebody put into them.
//!
//! A commit is what its bytes say: a header line that is missing or malformed costs that field only, never the commit. Names,
//! e-mails and dates are found as Git's `split_ident_line` finds them, so that both show the same person. Format:
//! <https://git-scm.com/docs/gitformat-commit>.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use gix::ObjectId;
use gix::objs::Kind;

use super::error::{Error, Result};
use super::git::Objects;
use super::memory::Memory;
use crate::model::commit::{Actor, Commit, CommitId};
use crate::model::declaration::SourceId;
use crate::model::text::RawText;

/// What the walk needs of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skeleton {
    /// The root folder.
    pub(super) tree: ObjectId,
    /// Its parents, in their order.
    pub(super) parents: Vec<ObjectId>,
    /// Seconds since 1970 that the committer claims; 0 where unreadable. Only orders the work, never decides.
    pub(super) time: i64,
}

/// The header lines up to the first empty one, without continuation lines (those that begin with a space).
fn headers(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()).filter(|line| line[0] != b' ').map(|line| {
        match line.iter().position(|byte| *byte == b' ') {
            Some(space) => (&line[..space], &line[space + 1..]),
            None => (line, &line[line.len()..]),
        }
    })
}

pub(super) fn header<'a>(raw: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    headers(raw).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Reads the links of a commit. `None` where the object names no tree, or a parent that is no object id: such a commit leads
/// nowhere. Git wants `tree` first, then the parents, then `author`; lines called so elsewhere are not links.
pub(super) fn skeleton(raw: &[u8]) -> Option<Skeleton> {
    let mut lines = headers(raw);
    let (b"tree", tree) = lines.next()? else { return None };
    let tree = ObjectId::from_hex(tree).ok()?;
    let mut parents = Vec::new();
    for (key, value) in lines {
        if key != b"parent" {
            break;
        }
        parents.push(ObjectId::from_hex(value).ok()?);
    }
    let time = header(raw, b"committer").and_then(seconds).map_or(0, |(seconds, _)| seconds);
    Some(Skeleton { tree, parents, time })
}

/// Reads the links of a commit.
///
/// # Errors
/// Where it is not there, or its links cannot be read.
pub(super) fn links(objects: &Objects, id: &ObjectId) -> Result<Skeleton> {
    let damaged = || Error::Corrupt { id: id.to_string(), problem: "its folder or its parents cannot be read".into() };
    skeleton(&objects.read(id, Kind::Commit)?).ok_or_else(damaged)
}

/// So many commits are remembered, about 150 bytes each.
const REMEMBERED: usize = 200_000;

/// Reads the links of commits and remembers them.
pub(super) struct Links<'a> {
    objects: &'a Objects,
    remembered: Arc<Memory<Arc<Skeleton>>>,
}

impl<'a> Links<'a> {
    /// With what other threads read, too.
    pub(super) fn sharing(objects: &'a Objects, remembered: Arc<Memory<Arc<Skeleton>>>) -> Self {
        Self { objects, remembered }
    }

    /// A memory for links.
    pub(super) fn memory() -> Arc<Memory<Arc<Skeleton>>> {
        Arc::new(Memory::new(REMEMBERED))
    }

    /// The links of a commit.
    ///
    /// # Errors
    /// Where it is not there, or its links cannot be read.
    pub(super) fn read(&self, id: &ObjectId) -> Result<Arc<Skeleton>> {
        if let Some(known) = self.remembered.get(id) {
            return Ok(known);
        }
        let read = Arc::new(links(self.objects, id)?);
        self.remembered.keep(id, Arc::clone(&read), 1);
        Ok(read)
    }
}

/// Reads the links of a commit. `None` where it is not there or they cannot be read, so that anything may be behind it.
///
/// # Errors
/// Where the repository cannot be read.
pub(super) fn known_links(objects: &Objects, id: &ObjectId) -> Result<Option<Skeleton>> {
    match links(objects, id) {
        Ok(links) => Ok(Some(links)),
        Err(Error::Missing(_) | Error::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a commit for the report.
pub(super) fn commit(id: &ObjectId, source: &SourceId, raw: Vec<u8>) -> Commit {
    Commit {
        id: CommitId::new(id.to_string()),
        source: source.clone(),
        author: actor(header(&raw, b"author").unwrap_or_default()),
        committer: actor(header(&raw, b"committer").unwrap_or_default()),
        subject: RawText::from(subject(&raw)),
        raw: Arc::from(raw),
    }
}

/// The first line of the message that is not empty.
pub(super) fn subject(raw: &[u8]) -> &[u8] {
    let message = raw.windows(2).position(|pair| pair == b"\n\n").map_or(&raw[raw.len()..], |end| &raw[end + 2..]);
    message.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default()
}

/// `name <email> seconds offset`. The e-mail stands between the first `<` and the first `>` after it, the date after the last `>`.
pub(super) fn actor(line: &[u8]) -> Actor {
    let open = line.iter().position(|byte| *byte == b'<').unwrap_or(line.len());
    let rest = line.get(open + 1..).unwrap_or_default();
    let close = rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len());
    Actor { name: RawText::from(line[..open].trim_ascii()), email: RawText::from(rest[..close].trim_ascii()), time: time(line) }
}

/// Seconds and the offset as it is written.
fn seconds(line: &[u8]) -> Option<(i64, &str)> {
    let open = line.iter().position(|byte| *byte == b'<')?;
    let after = line.iter().rposition(|byte| *byte == b'>').filter(|close| *close > open)? + 1;
    let mut words = std::str::from_utf8(&line[after..]).ok()?.split_ascii_whitespace();
    let seconds = words.next()?.parse().ok()?;
    Some((seconds, words.next().unwrap_or_default()))
}

/// The time claimed. An offset that no place on earth has is taken for UTC: the moment is known, only its clock is not.
fn time(line: &[u8]) -> Option<DateTime<FixedOffset>> {
    let (seconds, offset) = seconds(line)?;
    let utc = DateTime::from_timestamp(seconds, 0)?;
    let zone = offset_of(offset).unwrap_or_else(|| FixedOffset::east_opt(0).expect("UTC is an offset"));
    // Close to the ends of chrono's range a local time cannot be written.
    utc.naive_utc().checked_add_offset(zone)?;
    Some(utc.with_timezone(&zone))
}

/// `+0530` or `-0800`.
fn offset_of(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.as_bytes() {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |range: &[u8]| range.iter().fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    FixedOffset::east_opt(sign * (number(&digits[..2]) * 3600 + number(&digits[2..]) * 60))
}

#[cfg(test)]
mod tests {
    use super::{actor, commit, skeleton, subject};
    use gix::ObjectId;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn raw(rest: &str) -> Vec<u8> {
        format!("tree {TREE}\n{rest}").into_bytes()
    }

    #[test]
    fn links_are_read_in_their_place_only() {
        let bytes = raw(&format!("parent {TREE}\nauthor A <a@x> 1 +0000\nparent {TREE}\ncommitter C <c@x> 7 +0000\n\ntree x\n"));
        let read = skeleton(&bytes).unwrap();
        assert_eq!((read.parents.len(), read.time), (1, 7));
    }

    #[test]
    fn a_parent_that_is_no_id_makes_the_commit_unreadable() {
        assert_eq!(skeleton(&raw("parent zz\nauthor A <a@x> 1 +0000\n\nx")), None);
        assert_eq!(skeleton(b"author A <a@x> 1 +0000\n\nx"), None);
        assert_eq!(skeleton(b""), None);
    }

    #[test]
    fn a_second_address_does_not_become_the_first() {
        let who = actor(b"Alice <alice@x> Mallory <mallory@x> 1700000000 +0100");
        assert_eq!((who.name.to_string(), who.email.to_string()), ("Alice".into(), "alice@x".into()));
        assert_eq!(who.time.unwrap().to_rfc3339(), "2023-11-14T23:13:20+01:00");
    }

    #[test]
    fn malformed_people_cost_only_themselves() {
        for line in ["", "Alice", "Alice <", "<>", "A <a@x> 99999999999999999999 +0000", "A <a@x> 9223372036854775807 +0000"] {
            assert_eq!(actor(line.as_bytes()).time, None, "{line}");
        }
        assert_eq!(actor(b"J\xf6rg <j@x> 0 +0000").name.to_string(), "J%F6rg");
    }

    #[test]
    fn a_moment_before_1970_and_a_negative_offset_are_times() {
        assert_eq!(actor(b"A <a@x> -1 -0330").time.unwrap().to_rfc3339(), "1969-12-31T20:29:59-03:30");
    }

    #[test]
    fn an_impossible_offset_is_taken_for_utc() {
        for offset in ["+9999", "0", "+1é", ""] {
            assert_eq!(actor(format!("A <a@x> 0 {offset}").as_bytes()).time.unwrap().to_rfc3339(), "1970-01-01T00:00:00+00:00");
        }
    }

    #[test]
    fn a_message_without_an_end_and_one_with_nul_have_a_subject() {
        assert_eq!(subject(b"tree x\n\n\n  fix it"), b"fix it");
        assert_eq!(subject(b"tree x\n\nfix\0it\r\nmore"), b"fix\0it");
        assert_eq!(subject(b"tree x"), b"");
    }

    #[test]
    fn the_bytes_of_a_commit_stay_as_they_are() {
        let bytes = raw("author A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\nencoding ISO-8859-1\n\nx");
        let read = commit(&ObjectId::from_hex(TREE.as_bytes()).unwrap(), &"fleet".to_owned(), bytes.clone());
        assert_eq!(&*read.raw, bytes.as_slice());
    }
}
