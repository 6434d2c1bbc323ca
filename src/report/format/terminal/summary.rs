//! The numbers in a table: states, namespaces, proofs.

use std::io;

use tabled::builder::Builder;
use tabled::settings::Style as Border;

use super::escape::escape;
use super::layout::{Pen, grid, shorten, widest};
use super::tally::{NEWS, Tally};

/// More namespaces are counted on a terminal.
const MOST_NAMESPACES: usize = 6;

/// The ladder, best first, in few words.
pub(super) const PROOFS: [(&str, &str); 11] = [
    ("verified-author", "author's key"),
    ("verified-committer", "committer's key"),
    ("forge-attested", "forge only"),
    ("bot-attested", "bot's key"),
    ("group-verified", "group's key"),
    ("signed-untrusted", "untrusted"),
    ("claimed-time-only", "claimed time only"),
    ("unsigned", "unsigned"),
    ("unverifiable", "not verifiable"),
    ("invalid", "wrong signature"),
    ("-", "not versioned"),
];

struct Block {
    title: &'static str,
    rows: Vec<(String, String)>,
}

impl Block {
    /// Words on the left, numbers aligned on the right.
    fn lines(&self) -> Vec<String> {
        let widest = self.rows.iter().map(|(_, number)| number.len()).max().unwrap_or(0);
        let rows: Vec<Vec<String>> = self.rows.iter().map(|(word, number)| vec![word.clone(), format!("{number:>widest$}")]).collect();
        grid(&rows, &[2])
    }
}

pub(super) fn write(pen: &mut Pen<'_>, tally: &Tally) -> io::Result<()> {
    let blocks: Vec<Block> =
        [states(pen, tally), namespaces(pen, tally), proofs(pen, tally)].into_iter().filter(|block| !block.rows.is_empty()).collect();
    pen.line("")?;
    let mut builder = Builder::default();
    builder.push_record(blocks.iter().map(|block| block.title));
    builder.push_record(blocks.iter().map(|block| block.lines().join("\n")));
    let mut table = builder.build();
    if pen.style.ascii {
        table.with(Border::ascii())
    } else {
        table.with(Border::rounded())
    };
    let lines: Vec<String> = table.to_string().lines().map(ToOwned::to_owned).collect();
    if pen.style.width.is_some() && pen.fits(widest(&lines)) {
        return lines.iter().try_for_each(|line| pen.line(line));
    }
    for block in &blocks {
        pen.line(block.title)?;
        block.lines().iter().try_for_each(|line| pen.line(&format!("  {line}")))?;
    }
    Ok(())
}

fn states(pen: &Pen<'_>, tally: &Tally) -> Block {
    let order = NEWS.iter().copied().chain(["unknown", "expected-absent", "other-cluster", "synced"]);
    let rows = order.filter(|state| tally.count(state) > 0).map(|state| (state.to_owned(), pen.count(tally.count(state)))).collect();
    Block { title: "object states", rows }
}

fn namespaces(pen: &Pen<'_>, tally: &Tally) -> Block {
    let news: Vec<_> = tally.namespaces.iter().filter(|(_, (news, _))| *news > 0).collect();
    let most = if pen.style.width.is_some() { MOST_NAMESPACES } else { news.len() };
    let mut rows: Vec<(String, String)> = news
        .iter()
        .take(most)
        .map(|(name, (news, all))| {
            let name = if name.as_str() == "-" { "(cluster-scoped)".into() } else { escape(name) };
            let name = if pen.style.width.is_some() { shorten(&name, 24, pen.style.ascii) } else { name.into_owned() };
            (name, format!("{} of {}", pen.count(*news), pen.count(*all)))
        })
        .collect();
    if news.len() > most {
        rows.push((format!("{} more", pen.count(news.len() - most)), String::new()));
    }
    Block { title: "namespaces", rows }
}

fn proofs(pen: &Pen<'_>, tally: &Tally) -> Block {
    let rows = PROOFS.iter().filter_map(|(verdict, word)| Some(((*word).to_owned(), pen.count(*tally.proofs.get(*verdict)?)))).collect();
    Block { title: "proof of authorship", rows }
}
