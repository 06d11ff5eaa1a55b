//! Events of the YAML parser to trees.
//!
//! Goes on after everything that can be survived: a tag, a duplicate key or a merge key is noted and left out; what
//! cannot be survived (syntax, limits) ends its document, and the next one is read.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use serde_saphyr::granit_parser::{
    self as yaml, ErrorKind, Event, ScalarStyle, ScanError, Span, StructureStyle,
};

use super::scalar::{self, Scalar};
use super::source::{LineIndex, too_large};
use super::{Entry, MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_FINDINGS, MAX_VALUES, Node, NodeKind};
use crate::diagnostic::code::{self, Code};
use crate::diagnostic::{Finding, Findings, Place};

/// From how many keys on a mapping gets an index to find duplicates.
const INDEX_FROM: usize = 16;
/// How many values and bytes of text aliases may copy in one file, in multiples of a document's limits.
const COPIES: usize = 4;

/// How many lines above an error the quote is looked for that is still open.
const MOST_LINES_OF_A_QUOTE: usize = 500;

/// Reads all documents of a text. Findings are in the order in which they were met.
///
/// A document that cannot be read to its end is left out; one with other findings is there, without what was refused.
/// Documents that hold nothing at all (`---` twice) are left out in silence.
#[must_use]
pub fn read(file: &Arc<str>, text: &str) -> (Vec<Node>, Findings) {
    let mut reader = Reader {
        file,
        text,
        lines: LineIndex::new(),
        base: if text.starts_with('\u{feff}') { 3 } else { 0 },
        findings: Findings::new(),
        stack: Vec::new(),
        root: None,
        empty: true,
        broken: false,
        anchors: BTreeMap::new(),
        weight: Weight::default(),
        aliases: 0,
        copied: Weight::default(),
    };
    let mut documents = Vec::new();
    if text.len() > MAX_BYTES {
        reader.findings.push(too_large(file, text.len()));
    } else {
        reader.run(&mut documents);
    }
    (documents, reader.findings)
}

/// The comments of a text that can be read, without their sign, sorted: to tell whether two texts have the same ones.
#[must_use]
pub fn comments(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = yaml::options! { emit_comments: true, emit_unresolved_aliases: true };
    let mut parser = yaml::Parser::new_from_str_with_options(text, options);
    let mut comments = Vec::new();
    while let Some(Ok((event, _))) = parser.next_event() {
        match event {
            Event::Comment(text, _) => comments.push(text.trim_end().to_owned()),
            Event::StreamEnd => break,
            _ => {}
        }
    }
    comments.sort();
    comments
}

/// What a value costs.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    values: usize,
    bytes: usize,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.values = self.values.saturating_add(other.values);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    fn since(self, before: Self) -> Self {
        Self {
            values: self.values.saturating_sub(before.values),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }

    fn exceeds(self, times: usize) -> bool {
        self.values > MAX_VALUES.saturating_mul(times) || self.bytes > MAX_BYTES.saturating_mul(times)
    }
}

/// The document being read cannot be continued; its finding has been noted.
struct Abandon;

struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    lines: LineIndex,
    /// Bytes before the text that the parser sees.
    base: usize,
    findings: Findings,
    stack: Vec<Frame>,
    root: Option<Node>,
    /// Whether the document's only value is one that was not written.
    empty: bool,
    /// Whether a value of the document is not known.
    broken: bool,
    anchors: BTreeMap<usize, (Node, Weight)>,
    weight: Weight,
    aliases: usize,
    copied: Weight,
}

/// A list or mapping that is still open.
struct Frame {
    anchor: usize,
    start: u32,
    flow: bool,
    before: Weight,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, index: HashMap<Box<str>, usize>, key: Key },
}

enum Key {
    /// The next value is a key.
    Wanted,
    /// The next value belongs to this key.
    Text(Box<str>, u32, u32),
    /// The next value belongs to a key that was refused.
    Refused,
}

impl<'a> Reader<'a> {
    fn run(&mut self, documents: &mut Vec<Node>) {
        let text: &'a str = self.text;
        let Some(seen) = text.get(self.base..) else { return };
        let options = yaml::options! { emit_comments: false, emit_unresolved_aliases: true };
        let mut parser = yaml::Parser::new_from_str_with_options(seen, options);
        while let Some(event) = parser.next_event() {
            let outcome = match event {
                Ok((Event::StreamEnd, _)) => break,
                Ok((Event::DocumentStart(..), _)) => {
                    self.forget();
                    Ok(())
                }
                Ok((Event::DocumentEnd, _)) => {
                    documents.extend(self.root.take().filter(|_| !self.empty && !self.broken));
                    Ok(())
                }
                Ok((event, span)) => self.event(event, span),
                Err(error) => {
                    self.syntax(&error);
                    Err(Abandon)
                }
            };
            if self.findings.len() >= MAX_FINDINGS {
                break;
            }
            if outcome.is_err() {
                self.forget();
                match parser.proceed_next_document() {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
        }
    }

    /// Forgets the document that was being read.
    fn forget(&mut self) {
        self.stack.clear();
        self.root = None;
        self.empty = true;
        self.broken = false;
        self.anchors.clear();
        self.weight = Weight::default();
        self.aliases = 0;
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Abandon> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.is_some(), span);
                self.scalar(text, style, anchor, span)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.tag(tag.is_some(), span);
                self.open(Content::Sequence(Vec::new()), style, anchor, span)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.tag(tag.is_some(), span);
                let content =
                    Content::Mapping { entries: Vec::new(), index: HashMap::new(), key: Key::Wanted };
                self.open(content, style, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                let (start, end) = self.offsets(span);
                let message = format!("the alias *{name} has no anchor before it in this document");
                let help = format!("put &{name} before the value that is meant, or write the value out");
                self.note(code::UNKNOWN_ALIAS, message, start..end, |finding| finding.help(help));
                self.empty = false;
                self.stand_in(start, end)
            }
            _ => Ok(()),
        }
    }

    fn offsets(&self, span: Span) -> (u32, u32) {
        let offset = |marker: yaml::Marker| {
            let at = marker.byte_offset().unwrap_or(0).saturating_add(self.base).min(self.text.len());
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        let (start, end) = (offset(span.start), offset(span.end));
        (start, end.max(start))
    }

    fn place(&self, range: Range<u32>) -> Place {
        self.lines.place(self.file, self.text, range.start as usize..range.end as usize)
    }

    fn note(
        &mut self,
        code: Code,
        message: impl Into<String>,
        range: Range<u32>,
        with: impl FnOnce(Finding) -> Finding,
    ) {
        let finding = Finding::new(code, message, self.place(range));
        self.findings.push(with(finding));
    }

    fn tag(&mut self, there: bool, span: Span) {
        if there {
            let (start, end) = self.offsets(span.tag_span().unwrap_or(span));
            let written = self.text.get(start as usize..end as usize).unwrap_or("!");
            let message = format!("the tag {} has no meaning here", shortened(written));
            self.note(code::TAG, message, start..end, |finding| finding.help("remove the tag"));
        }
    }

    fn count(&mut self, weight: Weight, start: u32, end: u32) -> Result<(), Abandon> {
        self.weight.add(weight);
        if self.weight.exceeds(1) {
            let message =
                format!("the document has more than {MAX_VALUES} values or {MAX_BYTES} bytes of text");
            self.note(code::TOO_MANY_NODES, message, start..end, |finding| {
                finding.help("split the document; each use of an alias counts as all it stands for")
            });
            return Err(Abandon);
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        span: Span,
    ) -> Result<(), Abandon> {
        let (mut start, mut end) = self.offsets(span);
        let text = if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            self.without_invented_end(text, end)
        } else {
            text
        };
        let is_key = matches!(
            self.stack.last(),
            Some(Frame { content: Content::Mapping { key: Key::Wanted, .. }, .. })
        );
        self.count(Weight { values: usize::from(!is_key), bytes: text.len() }, start, end)?;
        let plain = style == ScalarStyle::Plain;
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            end = self.without_trailing_space(start, end);
        }
        if let Some(Frame { content: Content::Mapping { key: key @ Key::Wanted, .. }, .. }) =
            self.stack.last_mut()
        {
            let resolved = if plain { scalar::resolve(&text) } else { Scalar::Text };
            let is_merge = plain && &*text == "<<";
            if !is_merge && !matches!(resolved, Scalar::Null | Scalar::Bool(_)) {
                let text: Box<str> = text.into();
                if anchor > 0 {
                    let node = Node::new(NodeKind::String { text: text.clone(), plain }, start, end);
                    self.anchors.insert(anchor, (node, Weight { values: 1, bytes: text.len() }));
                }
                *key = Key::Text(text, start, end);
                return Ok(());
            }
            *key = Key::Refused;
            self.refuse_key(&text, resolved, start, end);
            return Ok(());
        }
        let resolved = if plain { scalar::resolve(&text) } else { Scalar::Text };
        let kind = match resolved {
            Scalar::Null => {
                self.empty &= start == end;
                // Nothing was written: point to the key that has no value.
                if start == end
                    && let Some(Frame {
                        content: Content::Mapping { key: Key::Text(_, from, to), .. }, ..
                    }) = self.stack.last()
                {
                    (start, end) = (*from, *to);
                }
                return self.add(
                    Node::new(NodeKind::Null, start, end),
                    anchor,
                    Weight { values: 1, bytes: 0 },
                );
            }
            Scalar::Bool(value) => NodeKind::Bool(value),
            Scalar::Integer => NodeKind::Integer(text.into()),
            Scalar::Float => NodeKind::Float(text.into()),
            Scalar::Text => {
                self.empty = false;
                let weight = Weight { values: 1, bytes: text.len() };
                let node = Node::new(NodeKind::String { text: text.into(), plain }, start, end);
                return self.add(node, anchor, weight);
            }
        };
        self.empty = false;
        self.add(Node::new(kind, start, end), anchor, Weight { values: 1, bytes: 0 })
    }

    fn refuse_key(&mut self, text: &str, resolved: Scalar, start: u32, end: u32) {
        if text == "<<" {
            self.note(code::MERGE_KEY, "merge keys are not read", start..end, |finding| {
                finding.help("write the keys out")
            });
            return;
        }
        let (message, help) = match resolved {
            Scalar::Null => ("a key is empty".to_owned(), "write the key".to_owned()),
            _ => (format!("the key {text} is a boolean, not text"), format!("quote it: '{text}'")),
        };
        self.note(code::KEY_NOT_TEXT, message, start..end, |finding| finding.help(help));
    }

    /// A block scalar ends with a line end where its last line has one (YAML 1.2, 8.1.1.2). The parser gives one to a last
    /// line that ends with the file.
    fn without_invented_end<'t>(&self, text: Cow<'t, str>, end: u32) -> Cow<'t, str> {
        let last = self.text.rsplit('\n').next().unwrap_or_default().trim_start_matches(' ');
        let is_last = end as usize >= self.text.len() && !last.is_empty();
        match text.strip_suffix('\n') {
            Some(kept) if is_last && kept.ends_with(last) => Cow::Owned(kept.to_owned()),
            _ => text,
        }
    }

    fn without_trailing_space(&self, start: u32, end: u32) -> u32 {
        let text = self.text.get(start as usize..end as usize).unwrap_or_default();
        let kept = u32::try_from(text.trim_end().len()).unwrap_or(0);
        if kept == 0 { end } else { start.saturating_add(kept) }
    }

    fn open(
        &mut self,
        content: Content,
        style: StructureStyle,
        anchor: usize,
        span: Span,
    ) -> Result<(), Abandon> {
        let (start, end) = self.offsets(span);
        self.empty = false;
        let before = self.weight;
        self.count(Weight { values: 1, bytes: 0 }, start, end)?;
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep(start, end);
            return Err(Abandon);
        }
        self.stack.push(Frame { anchor, start, flow: style == StructureStyle::Flow, before, content });
        Ok(())
    }

    fn too_deep(&mut self, start: u32, end: u32) {
        let message = format!("lists and mappings nest more than {MAX_DEPTH} deep");
        self.note(code::TOO_DEEP, message, start..end, |finding| finding);
    }

    fn close(&mut self, span: Span) -> Result<(), Abandon> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let (_, mut end) = self.offsets(span);
        let (kind, last) = match frame.content {
            Content::Sequence(items) => {
                let last = items.last().map(|item| item.end);
                (NodeKind::Sequence(items), last)
            }
            Content::Mapping { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.end);
                (NodeKind::Mapping(entries), last)
            }
        };
        if !frame.flow {
            // A block ends where the next thing begins; it is its last value that the user sees as the end.
            end = last.unwrap_or(frame.start);
        }
        let node = Node::new(kind, frame.start, end.max(frame.start));
        self.add(node, frame.anchor, self.weight.since(frame.before))
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Abandon> {
        let (start, end) = self.offsets(span);
        self.empty = false;
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            let message = format!("the document uses more than {MAX_ALIASES} aliases");
            self.note(code::TOO_MANY_NODES, message, start..end, |finding| finding);
            return Err(Abandon);
        }
        let Some((_, weight)) = self.anchors.get(&id) else {
            let message = "the alias stands inside the value that it names";
            self.note(code::UNKNOWN_ALIAS, message, start..end, |finding| {
                finding.help("write the value out")
            });
            return self.stand_in(start, end);
        };
        let weight = *weight;
        self.count(weight, start, end)?;
        self.copy(weight, start, end)?;
        let Some((node, _)) = self.anchors.get(&id) else { return Err(Abandon) };
        if depth(node).saturating_add(self.stack.len()) > MAX_DEPTH {
            self.too_deep(start, end);
            return Err(Abandon);
        }
        let mut node = node.clone();
        (node.start, node.end) = (start, end);
        self.add(node, 0, weight)
    }

    /// Goes on behind a value that cannot be known, to find what else is wrong; the document is then left out.
    fn stand_in(&mut self, start: u32, end: u32) -> Result<(), Abandon> {
        self.broken = true;
        let kind = NodeKind::String { text: Box::default(), plain: false };
        self.add(Node::new(kind, start, end), 0, Weight::default())
    }

    fn copy(&mut self, weight: Weight, start: u32, end: u32) -> Result<(), Abandon> {
        self.copied.add(weight);
        if self.copied.exceeds(COPIES) {
            let message = "anchors and aliases of this file stand for too many values";
            self.note(code::TOO_MANY_NODES, message, start..end, |finding| {
                finding.help("write the values out")
            });
            return Err(Abandon);
        }
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, node: Node, anchor: usize, weight: Weight) -> Result<(), Abandon> {
        if anchor > 0 {
            self.copy(weight, node.start, node.end)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, index, key } => match std::mem::replace(key, Key::Wanted) {
                Key::Text(text, start, end) => {
                    let entry = Entry { key: text, value: node, start, end };
                    if let Some((first, again)) = insert(entries, index, entry) {
                        let (from, to) = (first.start, first.end);
                        self.duplicate(&again, from, to);
                    }
                }
                Key::Refused => {}
                Key::Wanted => {
                    // A list, a mapping or an alias as a key.
                    let alias_of_text = match node.kind {
                        NodeKind::String { text, .. } => Some(text),
                        _ => None,
                    };
                    if let Some(text) = alias_of_text {
                        *key = Key::Text(text, node.start, node.end);
                    } else {
                        *key = Key::Refused;
                        let range = node.start..node.end;
                        self.note(code::KEY_NOT_TEXT, "a key is a list or a mapping", range, |finding| {
                            finding.help("a key is text; quote it if it begins with { or [")
                        });
                    }
                }
            },
        }
        Ok(())
    }

    fn duplicate(&mut self, again: &Entry, from: u32, to: u32) {
        let first = self.place(from..to);
        let message = format!("the key `{}` is given twice", shortened(&again.key));
        self.note(code::DUPLICATE_KEY, message, again.start..again.end, |finding| {
            finding.related(first, "first given here").help("keep one of the two")
        });
    }

    fn syntax(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(0).saturating_add(self.base).min(self.text.len());
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            self.too_deep(at, at);
            return;
        }
        if let Some(odd) = self.odd_indent(at) {
            let message = "a no-break space cannot indent YAML";
            return self.note(code::SYNTAX, message, odd..odd, |finding| finding.help("indent with spaces"));
        }
        let at = self.told_at(error, at);
        let (message, help) = explain(error);
        let quote =
            if *error.kind() == ErrorKind::InvalidQuotedScalarIndent { self.open_quote(at) } else { None };
        let began = quote.map(|quote| self.place(quote..quote + 1));
        self.note(code::SYNTAX, message, at..at, |finding| {
            let finding = match help {
                Some(help) => finding.help(help),
                None => finding,
            };
            match began {
                Some(began) => finding.related(began, "the quote that is open begins here"),
                None => finding,
            }
        });
    }

    /// A blank that looks like a space and is none, before the text of the line of a byte or of the line above it.
    fn odd_indent(&self, at: u32) -> Option<u32> {
        let before = self.text.get(..at as usize)?;
        let this = before.rfind('\n').map_or(0, |end| end + 1);
        let above =
            before.get(..this.saturating_sub(1)).and_then(|text| text.rfind('\n')).map_or(0, |end| end + 1);
        let odd = |start: usize| {
            let line = self.text.get(start..)?.lines().next()?;
            let indent = line.len() - line.trim_start().len();
            let odd = line.get(..indent)?.find(|c: char| !c.is_ascii())?;
            // The mark at the beginning of a text is no blank.
            (indent < line.len()).then_some(start + odd)
        };
        u32::try_from(odd(this).or_else(|| odd(above))?).ok()
    }

    /// The quote that is probably still open at a byte: the nearest one above that begins a value and is not closed in its
    /// line.
    fn open_quote(&self, at: u32) -> Option<u32> {
        let before = self.text.get(..at as usize)?;
        let mut end = before.rfind('\n')?;
        for _ in 0..MOST_LINES_OF_A_QUOTE {
            let start = before.get(..end)?.rfind('\n').map_or(0, |start| start + 1);
            let line = before.get(start..end)?;
            let opens = line.char_indices().find(|(at, c)| {
                let begins = line
                    .get(..*at)
                    .is_some_and(|left| left.is_empty() || left.ends_with([' ', '[', '{', ',']));
                let count = line.get(*at..).map_or(0, |rest| rest.matches(*c).count());
                matches!(c, '"' | '\'') && begins && count % 2 == 1
            });
            if let Some((at, _)) = opens {
                return u32::try_from(start + at).ok();
            }
            end = start.checked_sub(1)?;
        }
        None
    }

    /// Where an error is best shown. The parser tells where the text began in which it met a tab that indents: the tab is
    /// at the beginning of a later line.
    fn told_at(&self, error: &ScanError, at: u32) -> u32 {
        if !matches!(error.kind(), ErrorKind::TabInPlainScalar) {
            return at;
        }
        let mut from = at as usize;
        for (number, line) in self.text.get(from..).unwrap_or_default().split_inclusive('\n').enumerate() {
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            let tab = line.get(..blanks).unwrap_or_default().find('\t');
            if let (Some(tab), true) = (tab, number > 0 && !line.trim().is_empty()) {
                return u32::try_from(from + tab).unwrap_or(at);
            }
            from += line.len();
        }
        at
    }
}

/// Adds an entry, or gives it back with the first one of the same key.
fn insert<'e>(
    entries: &'e mut Vec<Entry>,
    index: &mut HashMap<Box<str>, usize>,
    entry: Entry,
) -> Option<(&'e Entry, Entry)> {
    let known = if entries.len() < INDEX_FROM {
        entries.iter().position(|other| other.key == entry.key)
    } else {
        if index.is_empty() {
            index.extend(entries.iter().enumerate().map(|(at, other)| (other.key.clone(), at)));
        }
        index.get(&entry.key).copied()
    };
    if let Some(at) = known {
        return entries.get(at).map(|first| (first, entry));
    }
    if !index.is_empty() {
        index.insert(entry.key.clone(), entries.len());
    }
    entries.push(entry);
    None
}

/// How deep lists and mappings nest in a value. Trees are at most [`MAX_DEPTH`] deep, so recursion is bounded.
fn depth(node: &Node) -> usize {
    let below = match &node.kind {
        NodeKind::Sequence(items) => items.iter().map(depth).max(),
        NodeKind::Mapping(entries) => entries.iter().map(|entry| depth(&entry.value)).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// The parser's complaint in words for somebody who writes YAML, and what to do about the usual causes.
fn explain(error: &ScanError) -> (String, Option<&'static str>) {
    use ErrorKind as E;
    let (message, help) = match error.kind() {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabInPlainScalar
        | E::TabAtBlockScalarStart => ("a tab cannot indent YAML", "indent with spaces"),
        E::UnexpectedEofFlowSequence | E::ExpectedFlowSequenceSeparator => (
            "the list is not closed: expected , or ]",
            "close the list with ], or put a comma between its items",
        ),
        E::UnexpectedEofFlowMapping
        | E::UnexpectedEofImplicitFlowMapping
        | E::ExpectedFlowMappingSeparator => (
            "the mapping is not closed: expected , or }",
            "close the mapping with }, or put a comma between its keys",
        ),
        E::UnclosedFlowCollection { open: '[' } => ("the list is not closed", "close it with ]"),
        E::UnclosedFlowCollection { .. } => ("the mapping is not closed", "close it with }"),
        E::UnclosedQuotedScalar => ("the quoted text is not closed", "add the closing quote"),
        E::InvalidQuotedScalarIndent | E::DocumentIndicatorInQuotedScalar => (
            "quoted text that began before is not closed, or goes on indented too little",
            "add the closing quote, or indent the text",
        ),
        E::InvalidTrailingSingleQuotedScalar => {
            ("something follows the closing quote", "quote the whole value; inside '…' write '' for a quote")
        }
        E::InvalidTrailingDoubleQuotedScalar => (
            "something follows the closing quote",
            "quote the whole value; inside \"…\" write \\\" for a quote",
        ),
        E::SimpleKeyExpected | E::InvalidSimpleKey => (
            "expected `key: value`",
            "put a colon and a space after the key, and indent text that goes on in the next line",
        ),
        E::ExpectedBlockMappingKey => {
            ("expected a key here", "check the indentation: keys of one mapping begin in the same column")
        }
        E::ExpectedBlockSequenceEntry => {
            ("expected `- ` here", "check the indentation: items of one list begin in the same column")
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => (
            "a mapping cannot begin here",
            "quote text that contains `: `; check the indentation, and that brackets and quotes before are closed",
        ),
        E::InvalidIndentation => {
            ("the indentation fits no level above", "line it up with the keys it belongs to")
        }
        E::UnknownQuotedScalarEscape
        | E::InvalidQuotedScalarHexEscape
        | E::InvalidLowSurrogateHexEscape
        | E::InvalidLowSurrogate
        | E::MissingLowSurrogate
        | E::UnpairedLowSurrogate
        | E::InvalidUnicodeEscape => (
            "unknown escape in a double-quoted text",
            "use single quotes, in which \\ stands for itself, or write \\\\",
        ),
        E::MisplacedFlowCollectionEnd => (
            "a bracket is closed that was not opened",
            "take it out, or open it before; quote text that begins with a bracket",
        ),
        E::MismatchedFlowCollectionEnd { .. } => (
            "the bracket that is opened here is closed by one of another kind",
            "close [ with ] and { with }, the last one first",
        ),
        E::BlockEntryInFlowCollection | E::PlainScalarStartsWithDashFlowIndicator => (
            "a `-` has no meaning between brackets",
            "put commas between the items, or quote text that begins with `-`",
        ),
        E::BlockSequenceEntryNotAllowed => (
            "a list cannot begin here",
            "put `- ` on a line of its own below the key, or quote text that begins with `- `",
        ),
        E::InvalidBlockScalarIndent => {
            ("a line of the text is indented less than its first one", "indent all lines of the text alike")
        }
        E::InvalidFlowScalarIndent => (
            "what stands between brackets is indented too little",
            "indent it further than the key it belongs to",
        ),
        E::CommentNotSeparated => ("a comment begins right after a value", "put a blank before `#`"),
        E::UnexpectedCharacter { character } if character.is_control() => (
            "a control character cannot stand in YAML",
            "take it out, or write it as an escape in double quotes",
        ),
        E::UnexpectedCharacter { character: '@' | '`' | '%' } => {
            ("text without quotes cannot begin with this character", "quote the text")
        }
        _ => return (error.info().clone(), None),
    };
    (message.to_owned(), Some(help))
}
