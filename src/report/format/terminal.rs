//! The terminal report: the verdict first, then what needs action, then what could not be judged.
//!
//! It fits the width of a terminal and never breaks a word; into a pipe it writes everything, without boxes, colours or
//! relative times. Whatever comes from a cluster or from Git is escaped, so that no name can steer the terminal.

mod blame;
mod commits;
mod difference;
mod escape;
mod gaps;
mod layout;
mod log;
mod notices;
mod objects;
mod people;
mod provenance;
mod subject;
mod summary;
mod tally;
mod time;
mod value;
mod verdict;

use std::collections::HashMap;
use std::io::{self, Write};

use crate::report::commit::Commit;
use crate::report::comparison::Comparison;
use crate::report::encoder::{Format, Style};
use crate::report::record::Record;
use layout::Pen;
use tally::Tally;

/// The format.
pub(crate) const FORMAT: Format = Format {
    id: "terminal",
    extension: "txt",
    description: "for people",
    encode,
    provenance: Some(provenance::encode),
    blame: Some(blame::write),
    log: Some(log::write),
    comparison: Some(comparison),
};

/// Commits by source and id.
type Commits<'a> = HashMap<(&'a str, &'a str), &'a Commit>;

fn by_id(commits: &[Commit]) -> Commits<'_> {
    commits.iter().map(|commit| ((commit.source.as_str(), commit.id.as_str()), commit)).collect()
}

fn encode(record: &Record<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut pen = Pen::new(style, "Git", out);
    let commits = by_id(&record.commits);
    let tally = Tally::of(&record.objects, &commits);
    verdict::write(&mut pen, record, &tally)?;
    commits::write(&mut pen, &record.findings)?;
    objects::write(&mut pen, &record.objects, &commits, &tally)?;
    notices::write(&mut pen, &record.findings)?;
    gaps::write(&mut pen, &record.objects, &tally, &record.coverage, &record.not_evaluated)?;
    if tally.is_news() {
        summary::write(&mut pen, &tally)?;
    }
    verdict::next(&mut pen, record, &tally)
}

fn comparison(comparison: &Comparison<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut pen = Pen::new(style, "the declaration", out);
    let commits = Commits::new();
    let tally = Tally::of(&comparison.objects, &commits);
    verdict::first_line(&mut pen, &comparison.coverage, &comparison.not_evaluated, &tally, &[])?;
    objects::write(&mut pen, &comparison.objects, &commits, &tally)?;
    gaps::write(&mut pen, &comparison.objects, &tally, &comparison.coverage, &comparison.not_evaluated)
}
