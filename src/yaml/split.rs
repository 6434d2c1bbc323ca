//! A text cut into documents as the Kubernetes tools cut it, before any of it is parsed.

use super::Error;

/// A part of a text between `---` lines.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'text> {
    /// The part, with a byte order mark removed.
    pub(super) text: &'text str,
    /// Number of its first line in the whole text.
    pub(super) first_line: u32,
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Every line that starts with `---` separates, wherever it stands: the tools cut before they parse.
pub(super) fn chunks(text: &[u8]) -> Vec<Result<Chunk<'_>, Error>> {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return vec![Err(broken(1, "UTF-16, which the tools read each in their own way; store the file as UTF-8"))];
    }
    let mut chunks = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (number, line) in (1_u32..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
        if let Some(rest) = line.strip_prefix(b"---") {
            chunks.push(chunk(&text[start..offset], first_line));
            if !matches!(rest.trim_ascii().first(), None | Some(b'#')) {
                chunks.push(Err(broken(number, "content on the line of a document separator")));
            }
            (start, first_line) = (offset + line.len(), number + 1);
        }
        offset += line.len();
    }
    chunks.push(chunk(&text[start..], first_line));
    chunks
}

fn broken(line: u32, message: &str) -> Error {
    Error { line, column: 1, message: message.into(), excerpt: None }
}

fn chunk(bytes: &[u8], first_line: u32) -> Result<Chunk<'_>, Error> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let line_of = |offset: usize| first_line + bytes[..offset].iter().fold(0, |lines, byte| lines + u32::from(*byte == b'\n'));
    let text = std::str::from_utf8(bytes).map_err(|error| broken(line_of(error.valid_up_to()), "text that is not UTF-8"))?;
    match text.char_indices().find_map(|(offset, character)| refusal(character).map(|message| (offset, message))) {
        Some((offset, message)) => Err(broken(line_of(offset), message)),
        None => Ok(Chunk { text, first_line }),
    }
}

/// What Go's reader refuses, and the three line breaks of YAML 1.1 that our parser would take for text.
fn refusal(character: char) -> Option<&'static str> {
    match character {
        '\t' | '\n' | '\r' | ' '..='~' => None,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some("a Unicode line separator, which Kubernetes tools take for the end of the line"),
        '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => None,
        _ => Some("a control character, which YAML does not allow"),
    }
}

/// The parts of a chunk of JSON values that follow each other without a separator: kubectl reads them, YAML does not have
/// that. `None` where it is something else.
pub(super) fn json_values<'text>(chunk: &Chunk<'text>) -> Option<Vec<Chunk<'text>>> {
    if !chunk.text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(chunk.text).into_iter::<serde::de::IgnoredAny>();
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some(value) = values.next() {
        if value.is_err() {
            return None;
        }
        let before = chunk.text[..start].matches('\n').count();
        let line = chunk.first_line + u32::try_from(before).unwrap_or(u32::MAX);
        parts.push(Chunk { text: &chunk.text[start..values.byte_offset()], first_line: line });
        start = values.byte_offset();
    }
    (parts.len() > 1).then_some(parts)
}
