//! Dates that go-yaml takes for times, and the RFC 3339 text that Kustomize makes of them.

/// The text Kustomize writes for a plain scalar that looks like a time; `None` where it is none.
pub(super) fn rewritten(text: &str) -> Option<String> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    let month = field(&mut rest, '-', 1)?;
    let day = field(&mut rest, '-', 1)?;
    if !(1..=12).contains(&month) || day < 1 || day > days(year, month) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = rest.starts_with(['T', 't']);
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let (hour, minute, second) = (digits(&mut rest, 1, 2)?, field(&mut rest, ':', 1)?, field(&mut rest, ':', 1)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = fraction(&mut rest)?;
    let zone = if zoned { zone(&mut rest)? } else { "Z".to_owned() };
    rest.is_empty().then(|| format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

/// Takes as many digits as there are, up to `most`.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, after) = rest.split_at(count);
    *rest = after;
    number.parse().ok()
}

fn field(rest: &mut &str, separator: char, least: usize) -> Option<u32> {
    *rest = rest.strip_prefix(separator)?;
    digits(rest, least, 2)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Go accepts a fraction behind the seconds whether or not the layout has one, and writes at most nanoseconds.
fn fraction(rest: &mut &str) -> Option<String> {
    let Some(after) = rest.strip_prefix(['.', ',']) else { return Some(String::new()) };
    let count = after.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return None;
    }
    let (fraction, after) = after.split_at(count);
    *rest = after;
    let significant = fraction[..count.min(9)].trim_end_matches('0');
    Some(if significant.is_empty() { String::new() } else { format!(".{significant}") })
}

fn zone(rest: &mut &str) -> Option<String> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some("Z".to_owned());
    }
    let sign = rest.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    let mut after = &rest[1..];
    let hours = digits(&mut after, 2, 2)?;
    let minutes = field(&mut after, ':', 2)?;
    *rest = after;
    (hours < 24 && minutes < 60).then(|| if hours == 0 && minutes == 0 { "Z".to_owned() } else { format!("{sign}{hours:02}:{minutes:02}") })
}
