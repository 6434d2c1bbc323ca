//! Events become nodes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use super::error::{Error, Excerpt};
use super::mapping::{Entries, Key};
use super::scalar::{self, Scalar, Tag};
use super::split::Chunk;
use super::{Dialect, Node, NodeValue, number};

/// Nesting that is read. Far above any manifest, far below what a stack holds.
const DEPTH: usize = 256;
/// Bytes that are read again because of lines in quotes that had to be padded.
const PADDING_BYTES: usize = 32 << 20;
/// Nodes that are read, those behind aliases counted each time.
const NODES: u64 = 5_000_000;

type Result<T> = std::result::Result<T, Failure>;

/// A failure at a place of the chunk.
struct Failure {
    at: Marker,
    message: String,
    /// Whether only the indentation of a line in a quoted text is too small for our parser.
    is_indentation_in_quotes: bool,
}

impl Failure {
    fn new(at: Marker, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_indentation_in_quotes: false }
    }
}

/// The document of a chunk: one node, or none where nothing stands in it. What follows a `...` line is not read, as in Go.
///
/// # Errors
/// Where it is not YAML, or not what the dialect accepts.
pub(super) fn document(chunk: &Chunk<'_>, dialect: Dialect) -> std::result::Result<Vec<Node>, Error> {
    let mut text = Cow::Borrowed(chunk.text);
    if dialect == Dialect::Raw && !text.is_empty() && !text.ends_with('\n') {
        // kubectl's line reader ends every line, the last one too.
        text.to_mut().push('\n');
    }
    let mut budget = PADDING_BYTES;
    loop {
        let failure = match Composer::new(&text, dialect, chunk.first_line).document() {
            Ok(nodes) => return Ok(nodes),
            Err(failure) => failure,
        };
        let line = line_of(failure.at);
        let left = budget.checked_sub(text.len());
        if let (true, Some(left)) = (failure.is_indentation_in_quotes, left) {
            budget = left;
            text = Cow::Owned(padded(&text, line));
            continue;
        }
        return Err(Error {
            line: chunk.first_line + line - 1,
            column: column_of(failure.at),
            message: failure.message,
            excerpt: Excerpt::of(chunk.text, line, chunk.first_line),
        });
    }
}

/// Go's parsers accept quoted text that goes on at the indentation of its key or further left. Space at the start of such a line
/// is folded away, so more of it changes nothing.
fn padded(text: &str, line: u32) -> String {
    let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    format!("{}{:DEPTH$}{}", &text[..start], "", &text[start..])
}

fn line_of(marker: Marker) -> u32 {
    u32::try_from(marker.line()).unwrap_or(u32::MAX).max(1)
}

fn column_of(marker: Marker) -> u32 {
    u32::try_from(marker.col()).unwrap_or(u32::MAX).saturating_add(1)
}

/// What was made of an anchored node.
#[derive(Clone)]
struct Anchored {
    made: Made,
    key: Option<Key>,
}

/// A node with what its aliases cost.
#[derive(Clone)]
struct Made {
    node: Arc<Node>,
    /// Nodes in it, itself included.
    nodes: u64,
    /// Levels in it.
    levels: usize,
}

struct Composer<'text> {
    text: &'text str,
    dialect: Dialect,
    first_line: u32,
    parser: Parser<'text, StrInput<'text>>,
    anchors: HashMap<usize, Anchored>,
    read: u64,
    behind_aliases: u64,
    /// How many brackets are open.
    flow: usize,
}

impl<'text> Composer<'text> {
    fn new(text: &'text str, dialect: Dialect, first_line: u32) -> Self {
        let options = granit_parser::options! { flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH, emit_comments: false };
        let parser = Parser::new_from_str_with_options(text, options);
        Self { text, dialect, first_line, parser, anchors: HashMap::new(), read: 0, behind_aliases: 0, flow: 0 }
    }

    fn next(&mut self) -> Result<(Event<'text>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let is_indentation_in_quotes = *error.kind() == ErrorKind::InvalidQuotedScalarIndent;
                Err(Failure { is_indentation_in_quotes, ..Failure::new(*error.marker(), error.info()) })
            }
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn document(mut self) -> std::result::Result<Vec<Node>, Failure> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(Vec::new()),
                Event::StreamStart | Event::DocumentStart(..) => {}
                event => {
                    let made = self.node(event, span, 0)?.made;
                    self.end()?;
                    return Ok(vec![Arc::try_unwrap(made.node).unwrap_or_else(|shared| (*shared).clone())]);
                }
            }
        }
    }

    /// Behind the document only a `...` line may stand, and then anything.
    fn end(&mut self) -> Result<()> {
        let (_, end) = self.next()?;
        if end.slice(self.text).is_some_and(|marker| marker.starts_with("...")) {
            return Ok(());
        }
        match self.next()? {
            (Event::StreamEnd, _) => Ok(()),
            (_, span) => Err(Failure::new(span.start, "content behind the end of the document")),
        }
    }

    fn node(&mut self, event: Event<'text>, span: Span, depth: usize) -> Result<Anchored> {
        if depth >= DEPTH {
            return Err(Failure::new(span.start, "nesting deeper than 256 levels"));
        }
        let (anchor, anchored) = match event {
            Event::Alias(id) => return self.alias(id, span, depth),
            Event::Scalar(text, style, anchor, tag) => (anchor, self.scalar(&text, style, tag.as_deref(), span)?),
            Event::SequenceStart(style, anchor, _) => {
                let open = usize::from(style == StructureStyle::Flow);
                self.flow += open;
                let sequence = self.sequence(span, depth)?;
                self.flow -= open;
                (anchor, sequence)
            }
            Event::MappingStart(style, anchor, _) => {
                let open = usize::from(style == StructureStyle::Flow);
                self.flow += open;
                let mapping = self.mapping(span, depth)?;
                self.flow -= open;
                (anchor, mapping)
            }
            _ => return Err(Failure::new(span.start, "no value where one was expected")),
        };
        self.count(1, span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, anchored.clone());
        }
        Ok(anchored)
    }

    fn count(&mut self, nodes: u64, span: Span) -> Result<()> {
        self.read = self.read.saturating_add(nodes);
        if self.read > NODES { Err(Failure::new(span.start, "more than 5,000,000 values")) } else { Ok(()) }
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Anchored> {
        let Some(anchored) = self.anchors.get(&id).cloned() else {
            return Err(Failure::new(span.start, "an anchor whose value contains itself"));
        };
        if depth + anchored.made.levels > DEPTH {
            return Err(Failure::new(span.start, "nesting deeper than 256 levels"));
        }
        self.behind_aliases = self.behind_aliases.saturating_add(anchored.made.nodes);
        self.count(anchored.made.nodes.saturating_add(1), span)?;
        if is_excessive(self.behind_aliases, self.read) {
            return Err(Failure::new(span.start, "excessive aliasing"));
        }
        Ok(anchored)
    }

    fn place(&self, line: u32, column: u32, end_line: u32, value: NodeValue) -> Arc<Node> {
        let offset = self.first_line - 1;
        Arc::new(Node { line: line + offset, column, end_line: end_line.max(line) + offset, value })
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&granit_parser::Tag>, span: Span) -> Result<Anchored> {
        let text = self.without_added_line_end(text, style, span);
        let rewritten = self.rewritten(text, style, tag.is_some(), span);
        let text = rewritten.as_deref().unwrap_or(text);
        if text.contains('\0') {
            return Err(Failure::new(span.start, "a NUL character in a value"));
        }
        let plain = style == ScalarStyle::Plain && rewritten.is_none();
        let tag = tag.map_or(Tag::None, tag_of);
        let scalar = scalar::resolve(text, plain, tag, self.dialect).map_err(|message| Failure::new(span.start, message))?;
        let line = line_of(span.start);
        let source = span.slice(self.text).unwrap_or_default().trim_end();
        let end_line = line + u32::try_from(source.matches('\n').count()).unwrap_or(u32::MAX);
        let node = self.place(line, column_of(span.start), end_line, value_of(&scalar));
        let key = Some(Key { merges: text == "<<" && plain && tag == Tag::None, scalar });
        Ok(Anchored { made: Made { node, nodes: 1, levels: 1 }, key })
    }

    /// Whether no character stands where a value could; the parser reports `~` for it.
    fn is_nothing(&self, span: Span) -> bool {
        span.slice(self.text).is_some_and(str::is_empty)
    }

    /// What Kustomize makes of a scalar by writing it down before it reads it again: nothing between brackets becomes an empty
    /// text, and folded text with indented lines gets more line breaks.
    fn rewritten(&self, text: &str, style: ScalarStyle, is_tagged: bool, span: Span) -> Option<String> {
        match style {
            _ if self.dialect == Dialect::Raw || is_tagged => None,
            ScalarStyle::Plain if self.flow > 0 && self.is_nothing(span) => Some(String::new()),
            ScalarStyle::Folded => Some(refolded(text)),
            _ => None,
        }
    }

    /// granit ends a block scalar with a line break even where the text ends without one; Kustomize does not.
    fn without_added_line_end<'value>(&self, text: &'value str, style: ScalarStyle, span: Span) -> &'value str {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let at_end = span.end.byte_offset() == Some(self.text.len()) && !self.text.ends_with(['\n', '\r']);
        if is_block && at_end { text.strip_suffix('\n').unwrap_or(text) } else { text }
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<Anchored> {
        let mut items = Vec::new();
        let (mut nodes, mut levels) = (1_u64, 0);
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(self.collection(start, span, NodeValue::Sequence(items), nodes, levels));
            }
            let made = self.node(event, span, depth + 1)?.made;
            nodes = nodes.saturating_add(made.nodes);
            levels = levels.max(made.levels);
            items.push(made.node);
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<Anchored> {
        let mut entries = Entries::new(self.dialect);
        let (mut nodes, mut levels) = (1_u64, 0);
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let entries = entries.finish().map_err(|message| Failure::new(start.start, message))?;
                return Ok(self.collection(start, span, NodeValue::Mapping(entries), nodes, levels));
            }
            let key = self.node(event, span, depth + 1)?;
            let key_line = line_of(span.start) + self.first_line - 1;
            let (event, value_span) = self.next()?;
            let is_nothing = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..)) && self.is_nothing(value_span);
            let value = self.node(event, value_span, depth + 1)?.made;
            nodes = nodes.saturating_add(value.nodes + 1);
            levels = levels.max(value.levels);
            let key = key.key.ok_or_else(|| Failure::new(span.start, "a key that is a list or a map"))?;
            // A value that is nothing stands at the next token, which may be far away.
            let value =
                if is_nothing { self.place(line_of(span.start), column_of(span.start), 0, value.node.value.clone()) } else { value.node };
            entries.add(&key, key_line, value).map_err(|message| Failure::new(span.start, message))?;
        }
    }

    /// Block collections end with their last value, flow collections with their bracket.
    fn collection(&self, start: Span, end: Span, value: NodeValue, nodes: u64, levels: usize) -> Anchored {
        let closes = end.slice(self.text).is_some_and(|bracket| matches!(bracket, "]" | "}"));
        let line = line_of(start.start);
        let last = match &value {
            _ if closes => line_of(end.end),
            NodeValue::Sequence(items) => items.last().map_or(line, |item| self.own_line(item.end_line, end)),
            NodeValue::Mapping(entries) => {
                entries.iter().map(|entry| self.own_line(entry.value.end_line.max(entry.key_line), end)).max().unwrap_or(line)
            }
            _ => line,
        };
        let node = self.place(line, column_of(start.start), last, value);
        Anchored { made: Made { node, nodes, levels: levels + 1 }, key: None }
    }

    /// A line of the chunk again, and never behind the end of the collection: a value behind an alias stands elsewhere.
    fn own_line(&self, line: u32, end: Span) -> u32 {
        (line + 1).saturating_sub(self.first_line).min(line_of(end.end))
    }
}

/// go-yaml's rule: aliases may make 99 % of a small document and 10 % of a very large one.
#[expect(clippy::cast_precision_loss, reason = "both are below five million")]
fn is_excessive(behind_aliases: u64, read: u64) -> bool {
    let allowed = match read {
        ..=400_000 => 0.99,
        4_000_000.. => 0.10,
        _ => 0.99 - 0.89 * ((read - 400_000) as f64 / 3_600_000.0),
    };
    behind_aliases > 100 && read > 1000 && behind_aliases as f64 / read as f64 > allowed
}

/// A folded text as go-yaml v3 writes and reads it: it looks at the first character of the text where it means that of the next
/// line.
fn refolded(text: &str) -> String {
    // These are written in quotes instead.
    if text.contains(" \n") || text.contains("\t\n") || text.ends_with([' ', '\t']) {
        return text.to_owned();
    }
    let is_blank = |line: &str| line.starts_with([' ', '\t']);
    let mut result = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.find('\n').unwrap_or(rest.len()));
        let next = behind.trim_start_matches('\n');
        let breaks = behind.len() - next.len();
        let adds = !line.is_empty() && !is_blank(line) && !is_blank(text);
        let folds = !line.is_empty() && !is_blank(line) && !next.is_empty() && !is_blank(next);
        let written = breaks + usize::from(adds && breaks > 0);
        result += line;
        match (folds, next.is_empty()) {
            (true, _) if written == 1 => result.push(' '),
            (true, _) => result.extend(std::iter::repeat_n('\n', written.saturating_sub(1))),
            // One line break at the end is all that is kept unless there are more.
            (false, true) if breaks <= 1 => result.push_str(behind),
            (false, _) => result.extend(std::iter::repeat_n('\n', written)),
        }
        rest = next;
    }
    result
}

fn tag_of(tag: &granit_parser::Tag) -> Tag {
    if tag.handle() == "!" && tag.suffix().is_empty() || tag.handle().is_empty() && tag.suffix() == "!" {
        return Tag::NonSpecific;
    }
    match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
        Some("str") => Tag::Str,
        Some("bool") => Tag::Bool,
        Some("int") => Tag::Int,
        Some("float") => Tag::Float,
        Some("null") => Tag::Null,
        Some("timestamp") => Tag::Timestamp,
        Some("binary") => Tag::Binary,
        _ => Tag::Other,
    }
}

fn value_of(scalar: &Scalar) -> NodeValue {
    match scalar {
        Scalar::Null => NodeValue::Null,
        Scalar::Bool(value) => NodeValue::Bool(*value),
        Scalar::Int(value) => NodeValue::Number((*value).into()),
        // The API and its clients hold what exceeds 63 bits as a float.
        #[expect(clippy::cast_precision_loss, reason = "Kubernetes makes the same float of it")]
        Scalar::Uint(value) => NodeValue::Number(number::float(*value as f64)),
        Scalar::Float(value) => NodeValue::Number(number::float(*value)),
        Scalar::Text(text) | Scalar::Time(text) => NodeValue::String(text.clone()),
    }
}
