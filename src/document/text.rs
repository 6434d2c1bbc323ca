//! How a document is written: its own part of a file, apart from what it means.

use super::Document;

/// The text of each document of a file, comments around it included; empty for one that cannot be read. What stands between two
/// documents belongs to the second, `---` lines to none, and how many empty lines there are around a document does not count.
pub fn texts<'text, Error>(bytes: &'text [u8], documents: &[Result<Document, Error>]) -> Vec<&'text [u8]> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut offsets = vec![0];
    offsets.extend(lines.iter().scan(0, |offset, line| {
        *offset += line.len();
        Some(*offset)
    }));
    let spans: Vec<Option<(usize, usize)>> =
        documents.iter().map(|read| read.as_ref().ok().map(|document| span(document, lines.len()))).collect();
    let starts: Vec<Option<usize>> = (0..spans.len()).map(|index| start(&lines, &spans, index)).collect();
    let text = |index: usize| {
        let (Some((_, content_end)), Some(start)) = (spans[index], starts[index]) else { return &bytes[..0] };
        let ceiling = starts[index + 1..].iter().copied().flatten().next().unwrap_or(lines.len());
        let more = lines[content_end..ceiling.max(content_end)].iter().take_while(|line| is_margin(line) || is_closing(line)).count();
        trimmed(&bytes[offsets[start]..offsets[content_end + more]])
    };
    (0..spans.len()).map(text).collect()
}

/// First line of the content, from 0, and the one behind its last.
fn span(document: &Document, lines: usize) -> (usize, usize) {
    let first = (document.line.max(1) as usize - 1).min(lines);
    (first, (document.end_line as usize).clamp((first + 1).min(lines), lines))
}

/// The first line of comments and empty lines above the content.
fn start(lines: &[&[u8]], spans: &[Option<(usize, usize)>], index: usize) -> Option<usize> {
    let (first, _) = spans[index]?;
    let floor = spans[..index].iter().rev().flatten().next().map_or(0, |(_, end)| *end);
    let above = lines.get(floor..first).unwrap_or_default().iter().rev().take_while(|line| is_margin(line)).count();
    Some(first - above)
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
            .map(|text| std::str::from_utf8(text).unwrap())
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
        assert_eq!(read("a: 1\n---\nb: [\n---\nc: 1\n"), ["a: 1", "", "c: 1"]);
        assert_eq!(read(""), Vec::<&str>::new());
    }
}
