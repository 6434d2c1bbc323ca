//! OpenSSH's file of allowed signers, as ssh-keygen(1) reads it, with one deliberate difference: a time without `Z` is UTC
//! here, where ssh-keygen takes the time zone of whatever machine it runs on.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use ssh_key::PublicKey;

use super::mail;
use crate::model::pattern;

/// A line of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: PublicKey,
    /// Whether the key certifies keys; then its own signatures count for nothing.
    pub(super) authority: bool,
    /// Principals without wildcards that the whole list lets through.
    pub(super) principals: Vec<String>,
    /// The rest of the list, where a wildcard is in it: a pattern list with domains in lower case.
    pub(super) group: Option<String>,
    /// The list as it stands.
    list: String,
    namespaces: Option<String>,
    after: Option<DateTime<Utc>>,
    pub(super) before: Option<DateTime<Utc>>,
}

impl Entry {
    /// Whether the list lets a principal of a certificate through, byte by byte as ssh-keygen compares.
    pub(super) fn lets_through(&self, principal: &str) -> bool {
        pattern::list_matches(&self.list, principal)
    }

    /// E-mails among the principals, with their domains in lower case.
    pub(super) fn emails(&self) -> impl Iterator<Item = String> {
        self.principals.iter().filter_map(|principal| mail::normal(principal))
    }

    /// Whether the entry lets its key sign commits.
    pub(super) fn allows_git(&self) -> bool {
        self.namespaces.as_ref().is_none_or(|list| pattern::list_matches(list, "git"))
    }

    /// Whether the entry has a window at all.
    pub(super) fn has_window(&self) -> bool {
        self.after.is_some() || self.before.is_some()
    }

    /// Whether the window has opened by now.
    pub(super) fn has_begun(&self, now: DateTime<Utc>) -> bool {
        self.after.is_none_or(|after| after <= now)
    }

    /// Whether a time lies in the window; both ends belong to it.
    pub(super) fn contains(&self, time: DateTime<Utc>) -> bool {
        self.after.is_none_or(|after| after <= time) && self.before.is_none_or(|before| time <= before)
    }
}

/// Reads the file. An error is the number of a line, from 1, and what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let text = std::str::from_utf8(line).map_err(|_| (index + 1, "not UTF-8".to_owned()))?;
        entries.push(parse_line(text).map_err(|reason| (index + 1, reason))?);
    }
    Ok(entries)
}

fn parse_line(line: &str) -> Result<Entry, String> {
    let (principals, rest) = take_principals(line)?;
    if principals.is_empty() {
        return Err("no principals".to_owned());
    }
    let (options, key) = match PublicKey::from_openssh(rest) {
        Ok(key) => (Options::default(), key),
        Err(_) => {
            let (options, rest) = take_options(rest)?;
            let key = PublicKey::from_openssh(rest.trim_start()).map_err(|cause| format!("no public key that can be read ({cause})"))?;
            (parse_options(options)?, key)
        }
    };
    Ok(Entry {
        key,
        authority: options.authority,
        principals: exact(principals),
        group: group(principals),
        list: principals.to_owned(),
        namespaces: options.namespaces,
        after: options.after,
        before: options.before,
    })
}

/// The first field, which may be quoted, and the rest.
fn take_principals(line: &str) -> Result<(&str, &str), String> {
    let (field, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
        None => line.split_once([' ', '\t']).ok_or("no key after the principals")?,
    };
    Ok((field, rest.trim_start()))
}

/// The options, up to a blank outside of quotes, and the rest.
fn take_options(text: &str) -> Result<(&str, &str), String> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok((&text[..at], &text[at..])),
            _ => {}
        }
        escaped = character == '\\';
    }
    Err(if quoted { "a quote is not closed" } else { "no key after the options" }.to_owned())
}

fn exact(principals: &str) -> Vec<String> {
    let fixed = principals.split(',').filter(|part| !part.is_empty() && !pattern::is_pattern(part));
    fixed.filter(|part| pattern::list_matches(principals, part)).map(str::to_owned).collect()
}

fn group(principals: &str) -> Option<String> {
    let parts: Vec<String> = principals.split(',').filter(|part| pattern::is_pattern(part)).map(lower_domain).collect();
    parts.iter().any(|part| !part.starts_with('!')).then(|| parts.join(","))
}

fn lower_domain(text: &str) -> String {
    match text.split_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => text.to_owned(),
    }
}

#[derive(Default)]
struct Options {
    authority: bool,
    namespaces: Option<String>,
    after: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

fn parse_options(mut text: &str) -> Result<Options, String> {
    let mut options = Options::default();
    loop {
        let end = text.find(['=', ',']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let (value, rest) = match rest.strip_prefix('=') {
            Some(rest) => dequote(rest).map(|(value, rest)| (Some(value), rest))?,
            None => (None, rest),
        };
        set(&mut options, name, value)?;
        match rest.strip_prefix(',') {
            Some(more) => text = more,
            None if rest.is_empty() => break,
            None => return Err(format!("something after the option {name}")),
        }
    }
    match (options.after, options.before) {
        (Some(after), Some(before)) if before <= after => Err("valid-before is not later than valid-after".to_owned()),
        _ => Ok(options),
    }
}

/// A quoted value and the rest; `\"` is a quote in it.
fn dequote(text: &str) -> Result<(String, &str), String> {
    let inner = text.strip_prefix('"').ok_or("the value of an option is not quoted")?;
    let mut value = String::new();
    let mut characters = inner.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &inner[at + 1..])),
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                characters.next();
                value.push('"');
            }
            other => value.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

fn set(options: &mut Options, name: &str, value: Option<String>) -> Result<(), String> {
    let once = |free: bool| if free { Ok(()) } else { Err(format!("the option {name} is given twice")) };
    match (name.to_ascii_lowercase().as_str(), value) {
        ("cert-authority", None) => options.authority = true,
        ("namespaces", Some(list)) => {
            once(options.namespaces.is_none())?;
            options.namespaces = Some(list);
        }
        ("valid-after", Some(time)) => {
            once(options.after.is_none())?;
            options.after = Some(parse_time(&time)?);
        }
        ("valid-before", Some(time)) => {
            once(options.before.is_none())?;
            options.before = Some(parse_time(&time)?);
        }
        _ => return Err(format!("an unknown option {name}")),
    }
    Ok(())
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without `Z`.
fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let wrong = || format!("{text} is no time such as 20260131Z or 202601311200Z");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let parsed = match digits.len() {
        8 => NaiveDate::parse_from_str(digits, "%Y%m%d").map(|day| day.and_time(NaiveTime::MIN)),
        12 => NaiveDateTime::parse_from_str(&format!("{digits}00"), "%Y%m%d%H%M%S"),
        14 => NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S"),
        _ => return Err(wrong()),
    };
    parsed.map(|time| time.and_utc()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Entry, parse, parse_time};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEH9wwXsi/OOX2Mw7kBFCiF6hHJk9fRr7bOUBcKyNJxK";

    fn one(line: &str) -> Entry {
        parse(line.as_bytes()).unwrap().remove(0)
    }

    fn error(line: &str) -> String {
        let (number, reason) = parse(format!("# comment\n\n{line}\n").as_bytes()).unwrap_err();
        assert_eq!(number, 3);
        reason
    }

    #[test]
    fn principals_without_wildcards_are_persons_and_the_rest_a_group() {
        let entry = one(&format!("alice@Example.COM,*@Corp.com,!eve@corp.com {KEY} a comment"));
        assert_eq!(entry.emails().collect::<Vec<_>>(), ["alice@example.com"]);
        assert_eq!(entry.group.as_deref(), Some("*@corp.com,!eve@corp.com"));
    }

    #[test]
    fn a_principal_that_the_list_itself_refuses_is_nobody() {
        let entry = one(&format!("alice@x.org,!alice@*,*@x.org {KEY}"));
        assert!(entry.principals.is_empty());
    }

    #[test]
    fn quoted_principals_and_options_are_read() {
        let line = format!("\"alice@x.org,bob@x.org\" Namespaces=\"git,file\",valid-after=\"20260101\",valid-before=\"20260201Z\" {KEY}");
        let entry = one(&line);
        assert_eq!(entry.principals, ["alice@x.org", "bob@x.org"]);
        assert!(entry.allows_git() && entry.has_window());
        assert!(entry.contains(parse_time("20260201000000Z").unwrap()));
        assert!(!entry.contains(parse_time("20260201000001Z").unwrap()));
        assert!(!one(&format!("a@b namespaces=\"!git,*\" {KEY}")).allows_git());
        assert!(one(&format!("a@b cert-authority {KEY}")).authority);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_with_its_number() {
        assert!(error("alice@x.org").contains("no key"));
        assert!(error(&format!("alice@x.org surprise {KEY}")).contains("unknown option surprise"));
        assert!(error(&format!("alice@x.org valid-before=20260101Z {KEY}")).contains("not quoted"));
        assert!(error(&format!("alice@x.org valid-before=\"20261301Z\" {KEY}")).contains("20261301Z"));
        assert!(error(&format!("alice@x.org namespaces=\"git {KEY}")).contains("not closed"));
        assert!(error(&format!("a@b valid-after=\"20260201Z\",valid-before=\"20260101Z\" {KEY}")).contains("not later"));
        assert!(
            error("alice@x.org ssh-ed25519 AAAA").contains("no public key") || error("alice@x.org ssh-ed25519 AAAA").contains("option")
        );
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[ -~\t\\\\\"]{0,80}") {
            let _ = parse(line.as_bytes());
            let _ = parse(format!("{line} {KEY}").as_bytes());
        }
    }
}
