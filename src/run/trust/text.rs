//! The proposal as a file. All that comes from a repository stands in double quotes, in values and comments alike, so that it
//! ends no line, steers no terminal and is no YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::proposal::{Bot, Evidence, Key, KeyName, Proposal};
use crate::model::coverage::NotEvaluated;
use crate::model::evidence::Survey;
use crate::model::trust::{FieldGlob, PathGlob, normal_email};

/// So many e-mails are shown in one line of evidence.
const SHOWN: usize = 5;
/// So many entries of one kind are shown commented out.
const MOST_CLAIMED: usize = 50;
/// Longer lists are no scope that a person would review.
const MOST_PATTERNS: usize = 16;
/// Longer texts are cut off where they are only shown.
const LONGEST: usize = 200;

/// Keys by their names.
type Keys<'a> = Vec<(&'a KeyName, &'a Key)>;

/// The lines of one entry; what is commented out can be made active by taking `# ` away.
struct Entry {
    name: String,
    active: bool,
    lines: Vec<String>,
}

/// Writes the file.
pub(super) fn written(proposal: &Proposal, surveys: &[Survey], gaps: &[NotEvaluated], most: usize) -> String {
    let mut writer = Writer { proposal, names: BTreeSet::new(), forges: BTreeMap::new() };
    let forges = writer.forges();
    // Persons before bots: a bot's name is its own claim, and must not take that of a person whom a key proves.
    let principals = writer.principals();
    let bots = writer.bots();
    let everybody = principals.iter().chain(&forges).chain(&bots);
    let names: Vec<String> = everybody.filter(|entry| entry.active).map(|entry| entry.name.clone()).collect();
    let mut out = header(proposal, surveys, gaps, most);
    section(&mut out, "principals", "persons; a commit is its author's where both key and e-mail are theirs", principals, true);
    section(&mut out, "forges", "sign what others wrote; their committer under another key is invalid", forges, false);
    section(&mut out, "bots", "programs that commit by themselves, with what they may change", bots, false);
    rules(&mut out, surveys, &names);
    out
}

fn header(proposal: &Proposal, surveys: &[Survey], gaps: &[NotEvaluated], most: usize) -> String {
    let mut out = String::from(
        "# A trust policy that kubewitness proposes. Review every entry, and keep the file outside of what it judges.\n\
         # As it stands it proves nobody whom the configured keys do not prove without it. What is commented out is only claimed,\n\
         # or disputed: anybody can write any name into a commit, any date, and the id of any key into a signature.\n#\n",
    );
    for survey in surveys {
        let (source, name, count) = (shown(&survey.source), shown(&survey.requested), survey.commits.len());
        let _ = match survey.cut {
            true => {
                writeln!(out, "# source {source}: the {count} commits nearest to {name}; older ones were not looked at (--commits {most})")
            }
            false => writeln!(out, "# source {source}: {count} commits up to {name}"),
        };
    }
    for gap in gaps {
        let detail = gap.detail.as_ref().map(|detail| format!(" {}", shown(detail))).unwrap_or_default();
        let _ = writeln!(out, "# not evaluated: {}: {}{detail}", shown(&gap.subject), shown(&gap.reason));
    }
    let Proposal { good, unknown, unsigned, other, .. } = proposal;
    let _ = writeln!(
        out,
        "# signatures: {good} good, {unknown} by keys that are not configured, {other} bad or not readable; {unsigned} missing"
    );
    out
}

fn section(out: &mut String, name: &str, what: &str, mut entries: Vec<Entry>, always: bool) {
    let is_active = entries.iter().any(|entry| entry.active);
    let is_empty = entries.is_empty();
    entries.sort_by_key(|entry| !entry.active);
    let claimed = entries.iter().filter(|entry| !entry.active).count();
    let active = entries.len() - claimed;
    let _ = match (is_active, always, is_empty) {
        (true, ..) => writeln!(out, "\n{name}:    # {what}"),
        (false, true, true) => writeln!(out, "\n{name}: []    # {what}; no key proves anybody"),
        (false, true, false) => writeln!(
            out,
            "\n{name}: []    # {what}; no key proves anybody; what you uncomment below takes the place of this line\n# {name}:"
        ),
        (false, false, false) => writeln!(out, "\n# {name}:    # {what}"),
        (false, false, true) => return,
    };
    for Entry { active, lines, .. } in entries.iter().take(active + MOST_CLAIMED) {
        for line in lines {
            let _ = writeln!(out, "{}{line}", if *active { "" } else { "# " });
        }
    }
    if claimed > MOST_CLAIMED {
        let _ = writeln!(out, "# {} more of {name} that are only claimed", claimed - MOST_CLAIMED);
    }
}

fn rules(out: &mut String, surveys: &[Survey], names: &[String]) {
    out.push_str(
        "\n# Who may declare what. Without rules a policy restricts nobody; with one, what no rule is about is untrusted.\n# rules:\n",
    );
    let source = surveys.first().map_or("fleet", |survey| survey.source.as_str());
    let names: Vec<String> = names.iter().take(MOST_PATTERNS).map(|name| quoted(name)).collect();
    let allow = if names.is_empty() { String::new() } else { format!("\n#     allow: [{}]", names.join(", ")) };
    let _ = writeln!(out, "#   - source: {}\n#     paths: [\"**\"]{allow}\n#     min: verified-author", quoted(source));
}

struct Writer<'a> {
    proposal: &'a Proposal,
    /// Names that are taken by active entries and by those that are commented out.
    names: BTreeSet<String>,
    /// The names of active forges by committer.
    forges: BTreeMap<String, String>,
}

impl Writer<'_> {
    /// A name that nobody has yet.
    fn name(&mut self, wish: &str) -> String {
        let plain = |character: char| if character.is_ascii_alphanumeric() || "._+-".contains(character) { character } else { '-' };
        let wish: String = wish.split('@').next().unwrap_or_default().chars().take(60).map(plain).collect();
        let wish = if wish.is_empty() { "somebody".to_owned() } else { wish };
        let numbered = (2..).map(|number| format!("{wish}-{number}"));
        let free = std::iter::once(wish.clone()).chain(numbered).find(|name| !self.names.contains(name)).expect("numbers have no end");
        self.names.insert(free.clone());
        free
    }

    fn forges(&mut self) -> Vec<Entry> {
        let mut by_committer: BTreeMap<(bool, &str, &str), Keys<'_>> = BTreeMap::new();
        for (name, key) in &self.proposal.keys {
            if let Some((forge, committer)) = &key.forge {
                // Active ones first.
                let is_claimed = !key.proves || normal_email(committer).is_none();
                by_committer.entry((is_claimed, committer, forge)).or_default().push((name, key));
            }
        }
        let mut entries = Vec::new();
        for ((is_claimed, committer, forge), keys) in by_committer {
            let is_second = self.forges.contains_key(committer);
            let name = self.name(forge);
            let mut lines = Vec::new();
            for (_, key) in &keys {
                lines.extend(key_evidence(key));
            }
            if is_claimed {
                lines.push("  # its key is not configured, or signed nothing well: name it in keys.forges, after comparing it with what the forge publishes".to_owned());
            }
            lines.extend([format!("  - name: {}", quoted(&name)), format!("    committer: {}", quoted(committer)), "    keys:".to_owned()]);
            lines.extend(keys.iter().map(|(name, _)| key_line(name)));
            let active = !is_claimed && !is_second;
            if active {
                self.forges.insert(committer.to_owned(), name.clone());
            }
            entries.push(Entry { name, active, lines });
        }
        entries
    }

    fn bots(&mut self) -> Vec<Entry> {
        let mut bots: Vec<(&String, &Bot)> = self.proposal.bots.iter().collect();
        bots.sort_by_key(|(email, bot)| (std::cmp::Reverse(bot.evidence.commits), *email));
        bots.into_iter().map(|(email, bot)| self.bot(email, bot)).collect()
    }

    fn bot(&mut self, email: &str, bot: &Bot) -> Entry {
        let local = email.split('@').next().unwrap_or_default();
        let name = self.name(local.rsplit('+').next().unwrap_or_default().trim_end_matches("[bot]"));
        let keys = || self.proposal.keys.iter();
        let forge = keys().find_map(|(_, key)| self.forge_of_bot(key, email));
        let own: Vec<&KeyName> =
            keys().filter(|(_, key)| self.is_of_bots(key) && key.emails.contains(email)).map(|(name, _)| name).collect();
        let is_persons = keys().any(|(_, key)| {
            !self.is_of_bots(key) && [&key.emails, &key.contested, &key.authored].iter().any(|emails| emails.contains(email))
        });
        let mut lines = evidence("commits by this author", &bot.evidence);
        lines.push(format!("  # calls itself {}", listed(bot.names.iter().map(|name| (name.as_str(), None)))));
        let is_proven = forge.is_some() || !own.is_empty();
        if is_persons {
            lines.push(
                "  # review: by a configured key this e-mail is also a person's, who may not be the one that calls itself a bot".to_owned(),
            );
        } else if !is_proven {
            lines.push("  # no commit of it is proven: its name is a claim of whoever made them".to_owned());
        }
        lines.push(format!("  - name: {}", quoted(&name)));
        match (&forge, own.is_empty()) {
            (Some(forge), _) => lines.push(format!("    via: {}", quoted(forge))),
            (None, false) => lines.extend(std::iter::once("    keys:".to_owned()).chain(own.into_iter().map(key_line))),
            (None, true) => lines.push("    via: FORGE    # or its keys".to_owned()),
        }
        lines.push(format!("    authorEmail: {}", quoted(email)));
        let paths = bot.paths.as_ref().and_then(paths);
        lines.push(scope("paths", "files", paths.as_deref()));
        lines.push(scope("fields", "fields", bot.fields.as_ref().and_then(fields).filter(|_| paths.is_some()).as_deref()));
        Entry { name, active: is_proven && !is_persons, lines }
    }

    /// The active forge whose key this is, where it attests commits of that bot.
    fn forge_of_bot(&self, key: &Key, email: &str) -> Option<String> {
        let (_, committer) = key.forge.as_ref()?;
        self.forges.get(committer).filter(|_| key.automated.contains(email)).cloned()
    }

    /// Whether a key speaks for bots alone: it proves each of its e-mails in commits of bots, and nobody in others.
    fn is_of_bots(&self, key: &Key) -> bool {
        let is_bots = |email: &String| key.automated.contains(email) && self.proposal.bots.contains_key(email);
        key.forge.is_none() && key.authored.is_empty() && !key.emails.is_empty() && key.emails.iter().all(is_bots)
    }

    fn principals(&mut self) -> Vec<Entry> {
        let proposal = self.proposal;
        let mut keys: Vec<(&KeyName, &Key)> =
            proposal.keys.iter().filter(|(_, key)| key.forge.is_none() && !self.is_of_bots(key)).collect();
        keys.sort_by_key(|(name, key)| (std::cmp::Reverse((key.good.commits, key.claimed.commits)), *name));
        let (proven, rest): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(_, key)| key.proves);
        let (disputed, unproven): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(_, key)| !key.contested.is_empty());
        let mut entries: Vec<Entry> = proven.into_iter().map(|(name, key)| self.proven(name, key)).collect();
        entries.extend(groups(&disputed).into_iter().map(|keys| self.disputed(&keys)));
        entries.extend(unproven.into_iter().map(|(name, key)| self.unproven(name, key)));
        entries
    }

    fn proven(&mut self, name: &KeyName, key: &Key) -> Entry {
        let emails: Vec<&String> = key.emails.iter().filter(|email| !self.forges.contains_key(*email)).collect();
        let mut lines = key_evidence(key);
        if emails.len() > 1 {
            lines.push("  # review: one key, several e-mails; leave those that are of one person".to_owned());
        }
        let others = |actors: &BTreeMap<String, usize>| -> Vec<(String, usize)> {
            let is_other = |email: &str| !normal_email(email).is_some_and(|email| key.emails.contains(&email));
            actors.iter().filter(|(email, _)| is_other(email)).map(|(email, count)| (email.clone(), *count)).collect()
        };
        let written = others(&key.good.authors);
        if !written.is_empty() {
            let listed = listed(written.iter().map(|(email, count)| (email.as_str(), Some(*count))));
            lines.push(format!("  # review: it also signed what others are said to have written: {listed}"));
        }
        let owner = self.name(emails.first().map_or("somebody", |email| email.as_str()));
        lines.push(format!("  - name: {}", quoted(&owner)));
        lines.push("    emails:".to_owned());
        lines.extend(emails.iter().map(|email| format!("      - {}", quoted(email))));
        for email in &key.contested {
            lines.push(format!(
                "      # - {}    # review: another configured key carries it too; without a policy it is of neither",
                quoted(email)
            ));
        }
        lines.extend(["    keys:".to_owned(), key_line(name)]);
        Entry { name: owner, active: !emails.is_empty(), lines }
    }

    /// Keys that carry the same e-mails: of one person, or of somebody who wants to be taken for them.
    fn disputed(&mut self, keys: &[(&KeyName, &Key)]) -> Entry {
        let emails: BTreeSet<&String> = keys.iter().flat_map(|(_, key)| key.emails.iter().chain(&key.contested)).collect();
        let mut lines = vec!["  # review: several configured keys carry an e-mail of these, so that without a policy it is of none; are all the same person's?".to_owned()];
        for (_, key) in keys {
            lines.extend(key_evidence(key));
        }
        let name = self.name(emails.first().map_or("somebody", |email| email.as_str()));
        lines.extend([format!("  - name: {}", quoted(&name)), "    emails:".to_owned()]);
        lines.extend(emails.iter().map(|email| format!("      - {}", quoted(email))));
        lines.push("    keys:".to_owned());
        lines.extend(keys.iter().map(|(name, _)| key_line(name)));
        Entry { name, active: false, lines }
    }

    fn unproven(&mut self, name: &KeyName, key: &Key) -> Entry {
        let mut lines = key_evidence(key);
        match key.good.commits {
            0 => lines.push(
                "  # claimed only: the key is not configured; ask its owner for it, and for its fingerprint by another way".to_owned(),
            ),
            _ => lines.push(format!(
                "  # the signatures are good, but prove nobody: {}",
                listed(key.reasons.iter().map(|reason| (reason.as_str(), None)))
            )),
        }
        if !key.groups.is_empty() {
            let groups = listed(key.groups.iter().map(|group| (group.as_str(), None)));
            lines.push(format!("  # configured for a group and no person: {groups}"));
        }
        let seen = if key.good.commits == 0 { &key.claimed } else { &key.good };
        let emails: Vec<String> = seen.authors.keys().filter_map(|email| normal_email(email)).take(SHOWN).collect();
        let owner = self.name(emails.first().map_or("somebody", String::as_str));
        lines.extend([format!("  - name: {}", quoted(&owner)), "    emails:".to_owned()]);
        lines.extend(emails.iter().map(|email| format!("      - {}    # as these commits claim", quoted(email))));
        lines.extend(["    keys:".to_owned(), key_line(name)]);
        Entry { name: owner, active: false, lines }
    }
}

/// Keys that share an e-mail, directly or by way of others.
fn groups<'a>(keys: &Keys<'a>) -> Vec<Keys<'a>> {
    let mut groups: Vec<(BTreeSet<&String>, Keys<'a>)> = Vec::new();
    for (name, key) in keys {
        let mut emails: BTreeSet<&String> = key.contested.iter().collect();
        let mut members = vec![(*name, *key)];
        groups.retain_mut(|(known, others)| {
            let is_near = !known.is_disjoint(&emails);
            if is_near {
                emails.append(known);
                members.append(others);
            }
            !is_near
        });
        groups.push((emails, members));
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

fn key_evidence(key: &Key) -> Vec<String> {
    let mut lines = Vec::new();
    if key.good.commits > 0 {
        lines.extend(evidence("commits with a good signature", &key.good));
    }
    if key.claimed.commits > 0 {
        lines.extend(evidence("commits that name the key, not verified", &key.claimed));
    }
    lines
}

fn evidence(what: &str, evidence: &Evidence) -> Vec<String> {
    let day =
        |time: Option<chrono::DateTime<chrono::Utc>>| time.map_or_else(|| "no date".to_owned(), |time| time.format("%Y-%m-%d").to_string());
    let emails = |emails: &BTreeMap<String, usize>| listed(emails.iter().map(|(email, count)| (email.as_str(), Some(*count))));
    vec![
        format!("  # {what}: {}, {} to {}", evidence.commits, day(evidence.first), day(evidence.last)),
        format!("  #   authors {}; committers {}", emails(&evidence.authors), emails(&evidence.committers)),
    ]
}

/// The most frequent of them.
fn listed<'a>(texts: impl Iterator<Item = (&'a str, Option<usize>)>) -> String {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let one = |(text, count): &(&str, Option<usize>)| count.map_or_else(|| shown(text), |count| format!("{} ({count})", shown(text)));
    let mut listed: Vec<String> = texts.iter().take(SHOWN).map(one).collect();
    if texts.len() > SHOWN {
        listed.push(format!("{} more", texts.len() - SHOWN));
    }
    listed.join(", ")
}

fn key_line((format, fingerprint): &KeyName) -> String {
    if let Some((identity, issuer)) = fingerprint.split_once(' ') {
        return format!("      - {format}: {{ identity: {}, issuer: {} }}", quoted(identity), quoted(issuer));
    }
    let short = if *format == "openpgp" && fingerprint.len() < 40 { "    # in full before it can be used" } else { "" };
    format!("      - {format}: {}{short}", quoted(fingerprint))
}

fn scope(name: &str, what: &str, patterns: Option<&[String]>) -> String {
    match patterns {
        Some(patterns) => {
            format!("    {name}: [{}]    # those that it touched", patterns.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "))
        }
        None => {
            format!("    # {name}: []    # review: the {what} that it touched are too many, or not known; without {name} it may change all")
        }
    }
}

/// Patterns of files: each, or by name, or by folder. Names with stars of their own are left to a person.
fn paths(paths: &BTreeSet<String>) -> Option<Vec<String>> {
    let name = |path: &String| format!("**/{}", path.rsplit('/').next().unwrap_or_default());
    let folder = |path: &String| path.split_once('/').map_or_else(|| path.clone(), |(folder, _)| format!("{folder}/**"));
    let choices: [BTreeSet<String>; 3] = [paths.clone(), paths.iter().map(name).collect(), paths.iter().map(folder).collect()];
    let found = choices.into_iter().find(|found| !found.is_empty() && found.len() <= MOST_PATTERNS)?;
    let is_plain = |path: &String| !path.contains('*') && !path.starts_with('!');
    let is_sound = paths.iter().all(is_plain) && found.iter().all(|path| PathGlob::parse(path).is_some());
    is_sound.then(|| found.into_iter().collect())
}

fn fields(fields: &BTreeSet<String>) -> Option<Vec<String>> {
    let is_sound = |field: &&String| FieldGlob::parse(field).is_ok();
    (!fields.is_empty() && fields.len() <= MOST_PATTERNS && fields.iter().all(|field| is_sound(&field)))
        .then(|| fields.iter().cloned().collect())
}

/// A text that is only shown.
fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", quoted(&text[..end])),
        None => quoted(text),
    }
}

/// A text in double quotes on one line, as YAML reads it again. Only letters, digits and visible ASCII stand there as they are.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            // No value that is read may hold it.
            '\0' => quoted.push_str("\\ufffd"),
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            letter if letter.is_alphanumeric() => quoted.push(letter),
            other => {
                let number = u32::from(other);
                let _ = if number > 0xffff { write!(quoted, "\\U{number:08x}") } else { write!(quoted, "\\u{number:04x}") };
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
