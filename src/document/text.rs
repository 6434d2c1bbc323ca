//! How a document is written: its own part of a file, apart from what it means.

use super::Document;

/// The text of each document of a file, comments around it included. None of one that cannot be read, and of one that shares a line
/// with another, whose changes would look like its own. What stands between two documents belongs to the second, `---` lines to
/// none, and how many empty lines there are around a document does not count.
pub fn texts<'text, Error>(bytes: &'text [u8], documents: &[Result<Document, Error>]) -> Vec<Option<&'text [u8]>> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut offsets = vec![0];
    offsets.extend(lines.iter().scan(0, |offset, line| {
        *offset += line.len();
        Some(*offset)
    }));
    let readable = documents.iter().enumerate().filter_map(|(index, read)| Some((span(read.as_ref().ok()?, lines.len()), index)));
    // By place, which with aliases in a list need not be their order.
    let mut spans: Vec<((usize, usize), usize)> = readable.collect();
    spans.sort_unstable();
    let mut texts = vec![None; documents.len()];
    let mut floor = 0;
    for (position, ((first, end), index)) in spans.iter().copied().enumerate() {
        let next = spans.get(position + 1).map_or(lines.len(), |((next, _), _)| *next);
        if floor <= first && end <= next {
            let ceiling = if position + 1 < spans.len() { start(&lines, end, next) } else { next };
            let more = lines[end..ceiling].iter().take_while(|line| is_margin(line) || is_closing(line)).count();
            texts[index] = Some(trimmed(&bytes[offsets[start(&lines, floor, first)]..offsets[end + more]]));
        }
        floor = floor.max(end);
    }
    texts
}

/// First line of the content, from 0, and the one behind its last.
fn span(document: &Document, lines: usize) -> (usize, usize) {
    let first = (document.line.max(1) as usize - 1).min(lines);
    (first, (document.end_line as usize).clamp((first + 1).min(lines), lines))
}

/// The first line of comments and empty lines above the content, down from where the document before ends.
fn start(lines: &[&[u8]], floor: usize, first: usize) -> usize {
    first - lines[floor..first].iter().rev().take_while(|line| is_margin(line)).count()
}

/// An empty line or a comment.
fn is_margin(line: &[u8]) -> bool {
    matches!(line.trim_ascii().first(), None | Some(b'#'))
}

/// The end of JSON.
fn is_closing(line: &[u8]) -> bool {
    line.iter().all(|byte| byte.is_ascii_whitespace() || b"}],".contains(byte))
}

fn trimmed(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    let empty: usize = text.split_inclusive(|byte| *byte == b'\n').take_while(|line| line.trim_ascii().is_empty()).map(<[u8]>::len).sum();
    &text[empty..]
}

#[cfg(test)]
mod tests {
    use super::super::documents;
    use super::texts;
    use crate::yaml::Dialect;

    fn read(text: &str) -> Vec<&str> {
        texts(text.as_bytes(), &documents(text.as_bytes(), Dialect::Raw))
            .into_iter()
            .map(|text| text.map_or("none", |text| std::str::from_utf8(text).unwrap()))
            .collect()
    }

    #[test]
    fn a_text_is_the_document_with_the_comments_around_it() {
        assert_eq!(read("# one\na: 1 # x\n# end\n\n---\n\n# two\nb:\n  c: 2\n"), ["# one\na: 1 # x\n# end", "# two\nb:\n  c: 2"]);
        assert_eq!(read("a: 1\n"), read("\n---\na: 1\n---\n"));
        assert_eq!(read("a: 1\r\nb: 2\r\n"), ["a: 1\r\nb: 2"]);
    }

    #[test]
    fn items_and_json_values_have_a_text_each() {
        let list =
            "apiVersion: v1\nkind: List\nitems:\n# one\n- kind: A\n  apiVersion: v1\n# two\n- kind: B\n  apiVersion: v1\nmetadata: {}\n";
        assert_eq!(read(list), ["# one\n- kind: A\n  apiVersion: v1", "# two\n- kind: B\n  apiVersion: v1"]);
        assert_eq!(read("{\n \"a\": 1\n}\n{\n \"b\": 2\n}\n"), ["{\n \"a\": 1\n}", "{\n \"b\": 2\n}"]);
    }

    #[test]
    fn what_cannot_be_read_has_no_text() {
        assert_eq!(read("a: 1\n---\nb: [\n---\nc: 1\n"), ["a: 1", "none", "c: 1"]);
        assert_eq!(read(""), Vec::<&str>::new());
    }

    #[test]
    fn what_shares_a_line_has_no_text_of_its_own() {
        let item = r#"{"apiVersion":"v1","kind":"A"}"#;
        let list = |items: &str| format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{items}\n]}}\n");
        assert_eq!(read(&list(&format!("{item},{item},\n{item}"))), ["none", "none", &format!("{item}\n]}}")]);
        assert_eq!(read(&list(&format!("{item},\n{item}"))), [format!("{item},"), format!("{item}\n]}}")]);
        let across = r#"{"apiVersion":"v1",
 "kind":"A"}"#;
        assert_eq!(read(&list(&format!("{item},\n{across}, {across}"))), [&format!("{item},"), "none", "none"]);
    }

    #[test]
    fn all_texts_together_are_no_longer_than_the_file() {
        let items = vec![r#"{"apiVersion":"v1","kind":"A"}"#; 20_000].join(",");
        let list = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{items}]}}");
        let found = documents(list.as_bytes(), Dialect::Raw);
        assert_eq!(found.len(), 20_000);
        assert!(texts(list.as_bytes(), &found).into_iter().flatten().map(<[u8]>::len).sum::<usize>() <= list.len());
    }
}
