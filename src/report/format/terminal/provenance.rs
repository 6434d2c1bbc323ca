//! Who declared what is live, and how well that is proven: the numbers first, then every object.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;

use super::escape::escape;
use super::layout::{BOLD, GREEN, Pen, YELLOW, grid, shorten, widest};
use super::people::{author, object_origin, shown_key, writer};
use super::subject::name;
use super::summary::PROOFS;
use super::tally::Tally;
use super::{Commits, by_id, gaps, verdict};
use crate::report::encoder::Style;
use crate::report::object::Object;
use crate::report::provenance::{Author, Count, Key, Provenance, Stranger, is_live};
use crate::report::record::Record;

/// More authors and keys are counted on a terminal.
const MOST: usize = 40;

/// The widest name in a table on a terminal.
const WIDEST_NAME: usize = 44;

/// What no signature and no history can prove.
const LIMITS: [&str; 2] = [
    "Not provable from Git alone: who pushed, who reviewed, when a commit was made.",
    "Claims: names that are not called proven, a forge's word on authors, names of managers, \
     and that what was applied came from this repository.",
];

pub(super) fn encode(record: &Record<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut pen = Pen::new(style, "Git", out);
    let commits = by_id(&record.commits);
    let found = Provenance::of(record);
    heading(&mut pen, record, &found)?;
    ladder(&mut pen, &found)?;
    authors(&mut pen, &found)?;
    keys(&mut pen, &found)?;
    strangers(&mut pen, &found)?;
    let tally = Tally::of(&record.objects, &commits);
    gaps::write(&mut pen, &record.objects, &tally, &record.coverage, &record.not_evaluated)?;
    objects(&mut pen, record, &commits)
}

fn heading(pen: &mut Pen<'_>, record: &Record<'_>, found: &Provenance) -> io::Result<()> {
    let is_whole = record.status == "complete";
    let Count { objects: proven, fields } = found.proven();
    let look = if is_whole && proven == found.live.objects { GREEN } else { YELLOW };
    let word = pen.paint(look.bold(), if is_whole { "Provenance:" } else { "Partial:" });
    let of = format!("{} of {}", pen.count(proven), pen.counted(found.live.objects, "live object", "live objects"));
    let fields = format!("{} of {}", pen.count(fields), pen.counted(found.live.fields, "field", "fields"));
    let beside = beside(pen, found);
    pen.wrapped(&format!("{word} {of} and {fields} of them are declared under the author's own key.{beside}"), 2)?;
    let context = verdict::context(pen, record);
    pen.parts(&context)?;
    LIMITS.iter().try_for_each(|line| pen.wrapped(line, 2))
}

/// What else there is of objects.
fn beside(pen: &Pen<'_>, found: &Provenance) -> String {
    let mut rest = String::new();
    if found.drifted > 0 {
        let verb = if found.drifted == 1 { "differs" } else { "differ" };
        rest += &format!(" {} {verb} live from what is declared.", pen.count(found.drifted));
    }
    if found.absent > 0 {
        let objects = pen.counted(found.absent, "declared object is", "declared objects are");
        rest += &format!(" {objects} not live and not counted.");
    }
    if found.unknown > 0 {
        rest += &format!(
            " {} could not be judged and {} not counted.",
            pen.counted(found.unknown, "object", "objects"),
            if found.unknown == 1 { "is" } else { "are" }
        );
    }
    rest
}

fn ladder(pen: &mut Pen<'_>, found: &Provenance) -> io::Result<()> {
    let rungs = PROOFS.iter().copied().chain([("", "declared nowhere")]);
    let mut known: Vec<(String, Count)> = rungs.filter_map(|(verdict, word)| Some((word.to_owned(), *found.rungs.get(verdict)?))).collect();
    // Verdicts of a later version of the record.
    let is_later = |verdict: &String| !verdict.is_empty() && PROOFS.iter().all(|(word, _)| word != verdict);
    known
        .extend(found.rungs.iter().filter(|(verdict, _)| is_later(verdict)).map(|(verdict, count)| (escape(verdict).into_owned(), *count)));
    let rows: Vec<[String; 3]> = known
        .into_iter()
        .map(|(word, count)| {
            let fields =
                if count.fields == 0 { String::new() } else { format!("{} of {}", pen.count(count.fields), pen.count(found.live.fields)) };
            let objects = if count.objects == 0 {
                String::new()
            } else {
                format!("{} of {}", pen.count(count.objects), pen.count(found.live.objects))
            };
            [word, objects, fields]
        })
        .collect();
    table(pen, ["proof of authorship", "objects, by weakest field", "fields"], rows)
}

/// A title, numbers aligned on the right; the first column is shortened where it has to be.
fn table<const COLUMNS: usize>(pen: &mut Pen<'_>, title: [&str; COLUMNS], mut rows: Vec<[String; COLUMNS]>) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    let most = if pen.style.width.is_some() { MOST } else { rows.len() };
    let more = rows.len().saturating_sub(most);
    rows.truncate(most);
    rows.insert(0, title.map(str::to_owned));
    if pen.style.width.is_some() {
        rows.iter_mut().for_each(|row| row[0] = shorten(&row[0], WIDEST_NAME, pen.style.ascii));
    }
    for column in 1..COLUMNS {
        let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        rows.iter_mut().for_each(|row| row[column] = format!("{:>width$}", row[column]));
    }
    let lines = grid(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>(), &[3]);
    if pen.fits(widest(&lines)) {
        pen.line(&pen.paint(BOLD, &lines[0]))?;
        lines[1..].iter().try_for_each(|line| pen.line(line))?;
    } else {
        pen.line(&pen.paint(BOLD, title[0]))?;
        for row in &rows[1..] {
            pen.wrapped(&row[0], 2)?;
            let values = (1..COLUMNS).filter(|column| !row[*column].trim().is_empty());
            let values: Vec<String> = values.map(|column| format!("{}: {}", title[column], row[column].trim())).collect();
            pen.wrapped(&format!("    {}", values.join("   ")), 4)?;
        }
    }
    if more > 0 {
        pen.line(&format!("{} more: -o json=FILE", pen.count(more)))?;
    }
    Ok(())
}

fn authors(pen: &mut Pen<'_>, found: &Provenance) -> io::Result<()> {
    let share = |pen: &Pen<'_>, of: fn(&Count) -> usize, author: &Author| {
        let (claimed, proven) = (of(&author.claimed), of(&author.proven));
        if claimed == 0 { String::new() } else { format!("{} of {} proven", pen.count(proven), pen.count(claimed)) }
    };
    let mut known: Vec<_> = found.authors.iter().collect();
    known.sort_by_key(|(_, author)| std::cmp::Reverse((author.claimed.objects, author.claimed.fields)));
    let row = |((name, email), author): (&(String, String), &Author)| {
        let name = format!("{} <{}>", escape(name), escape(email));
        [name, share(pen, |count| count.objects, author), share(pen, |count| count.fields, author)]
    };
    let rows: Vec<_> = known.into_iter().map(row).collect();
    table(pen, ["authors, as commits name them", "objects, newest change", "fields"], rows)
}

fn keys(pen: &mut Pen<'_>, found: &Provenance) -> io::Result<()> {
    let line = |pen: &Pen<'_>, (key, of): (&String, &Key)| {
        let Count { objects, fields } = of.signed;
        let signers: Vec<_> = of.signers.iter().map(|signer| escape(signer)).collect();
        let counts = [
            pen.counted(objects, "object", "objects"),
            pen.counted(fields, "field", "fields"),
            pen.counted(of.commits, "commit", "commits"),
        ];
        format!("{}   {}   {}", shown_key(key), counts.join(", "), signers.join(", "))
    };
    list(pen, "keys that signed", &found.keys, line)
}

fn strangers(pen: &mut Pen<'_>, found: &Provenance) -> io::Result<()> {
    let line = |pen: &Pen<'_>, (key, stranger): (&String, &Stranger)| {
        let names: Vec<_> = stranger.authors.iter().map(|author| escape(author)).collect();
        format!("{}   {} in the name of {}", shown_key(key), pen.counted(stranger.commits, "commit", "commits"), names.join(", "))
    };
    list(pen, "keys that neither configured keys nor trust policy know", &found.strangers, line)
}

/// A title and a line for each key.
fn list<T>(pen: &mut Pen<'_>, title: &str, keys: &BTreeMap<String, T>, line: impl Fn(&Pen<'_>, (&String, &T)) -> String) -> io::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    pen.line("")?;
    pen.line(&pen.paint(BOLD, title))?;
    let most = if pen.style.width.is_some() { MOST } else { keys.len() };
    for key in keys.iter().take(most) {
        let line = line(pen, key);
        pen.wrapped(&format!("  {}", line.trim_end()), 6)?;
    }
    if keys.len() > most {
        pen.line(&format!("  {} more: -o json=FILE", pen.count(keys.len() - most)))?;
    }
    Ok(())
}

/// Every live object, by namespace.
fn objects(pen: &mut Pen<'_>, record: &Record<'_>, commits: &Commits<'_>) -> io::Result<()> {
    // Lines are kept and not objects, which are made anew at each look.
    let mut namespaces: BTreeMap<Option<String>, Vec<(String, Vec<String>)>> = BTreeMap::new();
    for object in record.objects.iter().filter(|object| is_live(object)) {
        let row = (name(&object), parts(pen, &object, commits));
        namespaces.entry(object.namespace.clone()).or_default().push(row);
    }
    for (namespace, rows) in namespaces {
        let of = namespace.map_or_else(|| "cluster-scoped".to_owned(), |namespace| format!("namespace {}", escape(&namespace)));
        pen.line("")?;
        let room = pen.style.width.unwrap_or(usize::MAX);
        let heading = shorten(&format!("{of}: {}", pen.counted(rows.len(), "object", "objects")), room, pen.style.ascii);
        pen.line(&pen.paint(BOLD, &heading))?;
        for (name, parts) in rows {
            let name = shorten(&name, room.saturating_sub(2), pen.style.ascii);
            pen.packed(&format!("  {name}"), &parts, 6)?;
        }
    }
    Ok(())
}

fn parts(pen: &Pen<'_>, object: &Object, commits: &Commits<'_>) -> Vec<String> {
    let mut parts = object_origin(pen, object, commits);
    if object.declared.is_none() {
        parts.push("declared nowhere".to_owned());
        parts.extend(object.created_by.as_ref().map(|manager| format!("created by {}", writer(pen, Some(manager)))));
        return parts;
    }
    parts.extend(others(pen, object, commits));
    parts.extend(mixture(pen, object));
    parts.push(match &object.applied_by {
        Some(manager) => format!("applied by {}", writer(pen, Some(manager))),
        None => "applier not recorded".to_owned(),
    });
    if object.state != "synced" {
        parts.push(format!("live: {}", escape(&object.state)));
    }
    parts
}

/// Who else had a hand in it: whoever brought it onto the branch, made its file reachable, or only wrote it otherwise or moved it.
fn others(pen: &Pen<'_>, object: &Object, commits: &Commits<'_>) -> Vec<String> {
    let (Some(declared), Some(attribution)) = (&object.declared, &object.attribution) else { return Vec::new() };
    let hands = [
        ("brought onto the branch by", &attribution.changed_by),
        ("activated by", &attribution.activated_by),
        ("only reformatted by", &attribution.touched_by),
        ("only moved by", &attribution.moved_by),
    ];
    let is_other = |id: &&String| attribution.authored_by.as_ref() != Some(id);
    let told = |(hand, id): (&str, &Option<String>)| {
        let commit = commits.get(&(declared.source.as_str(), id.as_ref().filter(is_other)?.as_str()))?;
        Some(format!("{hand} {}, {}", author(pen, commit), super::people::proof(commit, &commit.verdict)))
    };
    hands.into_iter().filter_map(told).collect()
}

/// `fields: 20 author's key, 3 unsigned`, where they are not all alike.
fn mixture(pen: &Pen<'_>, object: &Object) -> Option<String> {
    let counts = &object.attribution.as_ref()?.field_counts;
    if counts.len() < 2 {
        return None;
    }
    let told = PROOFS.iter().filter_map(|(verdict, word)| Some(format!("{} {word}", pen.count(*counts.get(*verdict)?))));
    Some(format!("fields: {}", told.collect::<Vec<_>>().join(", ")))
}
