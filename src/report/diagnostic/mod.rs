//! Findings as text: with the user's own lines, in one line, and as JSON.
//!
//! Invariant: control characters of the user's texts never reach the output, so a file cannot paint the terminal; and no
//! text begins a line, so that none of a pull request is a command to the runner that reads along.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::words;
use crate::diagnostic::{Finding, Findings, Place, Severity, Sources};

/// How findings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour with terminal escapes.
    pub colour: bool,
    /// The width in columns that lines are cut to.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 120 }
    }
}

/// The longest line that is given to the renderer, in bytes, which shows what fits into the width; of longer ones only
/// the part around the mark is given.
const LONGEST_LINE: usize = 16 * 1024;
/// How many bytes of a longer line are given before the mark; twice as many after its start.
const AROUND: usize = 240;
/// How far apart two marked lines may be, in bytes, to be shown in one picture.
const NEAR: usize = 4_000;

/// All findings with the user's own lines, a blank line between them, and the summary as last line.
///
/// Empty when there is nothing to say. The order is that of `findings`.
#[must_use]
pub fn render(findings: &Findings, sources: &Sources, style: Style) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    for finding in findings {
        out.push_str(&render_one(finding, sources, style));
        out.push_str("\n\n");
    }
    out.push_str(&summary(findings));
    out.push('\n');
    out
}

/// One finding with the user's own lines, without a line break at the end.
#[must_use]
pub fn render_one(finding: &Finding, sources: &Sources, style: Style) -> String {
    let renderer = if style.colour { Renderer::styled().hyperlink(false) } else { Renderer::plain() };
    let renderer = renderer.term_width(style.width);
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = continued(&finding.message);
    let label = finding.label.as_deref().map(words::visible);
    let related: Vec<(&Place, Cow<'_, str>)> =
        finding.related.iter().map(|(place, what)| (place, words::visible(what))).collect();
    let help = finding.help.as_deref().map(continued);

    let mut group = Group::with_title(level.primary_title(message).id(finding.code.as_str()));
    let mut elsewhere = Vec::new();
    match &finding.place {
        Some(place) => {
            if let Some(text) = sources.get(&place.file) {
                let mut marks = vec![(place, label, AnnotationKind::Primary)];
                let mut cut = Cut::of(text, place);
                for (other, what) in related {
                    if let Some(wider) = cut.and(text, place, other) {
                        cut = wider;
                        marks.push((other, Some(what), AnnotationKind::Context));
                    } else {
                        elsewhere.push((other, what));
                    }
                }
                group = picture(group, text, place, &cut, marks);
            } else {
                group = group.element(origin(place));
                elsewhere = related;
            }
        }
        None => elsewhere = related,
    }
    let mut groups = Vec::new();
    if elsewhere.is_empty()
        && let Some(help) = &help
    {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    groups.push(group);
    let last = elsewhere.len().saturating_sub(1);
    for (index, (place, what)) in elsewhere.into_iter().enumerate() {
        let mut group = Group::with_title(Level::NOTE.secondary_title(what));
        group = match sources.get(&place.file) {
            Some(text) => {
                let marks = vec![(place, None, AnnotationKind::Primary)];
                picture(group, text, place, &Cut::of(text, place), marks)
            }
            None => group.element(origin(place)),
        };
        if index == last
            && let Some(help) = &help
        {
            group = group.element(Level::HELP.message(help.as_ref()));
        }
        groups.push(group);
    }
    renderer.render(&groups)
}

/// A finding in one line: `file:line:column: error[M0201]: message; help`.
#[must_use]
pub fn one_line(finding: &Finding) -> String {
    let at = |place: &Place| format!("{}:{}:{}", words::visible(&place.file), place.line, place.column);
    let mut parts = Vec::new();
    if let Some(place) = &finding.place {
        parts.extend([at(place), ": ".to_owned()]);
    }
    let message = words::visible(&finding.message);
    parts.push(format!("{}[{}]: {message}", severity(finding.severity), finding.code));
    if let Some(help) = &finding.help {
        parts.extend(["; ".to_owned(), words::visible(help).into_owned()]);
    }
    for (place, what) in &finding.related {
        parts.push(format!(" ({}: {})", words::visible(what), at(place)));
    }
    let line = parts.concat();
    // A name that begins with `::` would begin the line, which a runner would obey.
    if words::is_command(&line) { format!("./{line}") } else { line }
}

/// How many errors and warnings there are: "3 errors, 1 warning"; "no findings" when there are none.
#[must_use]
pub fn summary(findings: &Findings) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len().saturating_sub(errors);
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let parts: Vec<String> =
        [count(errors, "error"), count(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
}

/// Findings for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingsJson {
    /// How many errors there are.
    pub errors: usize,
    /// How many warnings there are.
    pub warnings: usize,
    /// All findings, in the order of the text output.
    pub findings: Vec<FindingJson>,
}

/// One finding for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingJson {
    /// Its code, such as `M0201`.
    pub code: String,
    /// What the code stands for, in a few words.
    pub title: String,
    /// Its weight.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceJson>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Other places that matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedJson>,
}

/// A place for machines. Lines and columns count from 1, columns in characters; the end is one past the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceJson {
    /// Path below the repository's root.
    pub file: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line; absent when the file's text is not at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// One past the last column; absent when the file's text is not at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// Another place that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelatedJson {
    /// Where.
    pub place: PlaceJson,
    /// What is there.
    pub message: String,
}

/// The form of findings that `--output json` prints.
#[must_use]
pub fn json(findings: &Findings, sources: &Sources) -> FindingsJson {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let place = |place: &Place| {
        let end = sources
            .get(&place.file)
            .filter(|_| place.end >= place.start)
            .map(|text| Place::in_text(&place.file, text, place.end, place.end));
        PlaceJson {
            file: place.file.to_string(),
            line: place.line,
            column: place.column,
            end_line: end.as_ref().map(|end| end.line),
            end_column: end.as_ref().map(|end| end.column),
        }
    };
    let one = |finding: &Finding| FindingJson {
        code: finding.code.to_string(),
        title: finding.code.info().title.to_owned(),
        severity: finding.severity,
        message: finding.message.clone(),
        place: finding.place.as_ref().map(place),
        help: finding.help.clone(),
        related: finding
            .related
            .iter()
            .map(|(other, what)| RelatedJson { place: place(other), message: what.clone() })
            .collect(),
    };
    FindingsJson {
        errors,
        warnings: findings.len().saturating_sub(errors),
        findings: findings.iter().map(one).collect(),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A text in visible characters; each of its lines but the first begins with `| `, so that it is no line of its own.
fn continued(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return words::visible(text);
    }
    let lines: Vec<_> =
        text.trim_end().split('\n').map(|line| words::visible(line.trim_end_matches('\r'))).collect();
    Cow::Owned(lines.join("\n| "))
}

fn origin(place: &Place) -> Origin<'_> {
    Origin::path(words::visible(&place.file)).line(place.line as usize).char_column(place.column as usize)
}

/// The part of a text that is given to the renderer, which must not be handed a megabyte to show one line.
struct Cut {
    range: Range<usize>,
    line: u32,
    /// Whether the first line was cut at its beginning, and the last at its end.
    before: bool,
    after: bool,
}

impl Cut {
    /// The first line of `place`, or the part around its start when the line is long.
    fn of(text: &str, place: &Place) -> Self {
        let line = line_at(text, place.start);
        if line.len() <= LONGEST_LINE {
            return Self { range: line, line: place.line, before: false, after: false };
        }
        let start = text.floor_char_boundary(place.start);
        let from = text.floor_char_boundary(start.saturating_sub(AROUND)).max(line.start);
        let to = text.ceil_char_boundary(start.saturating_add(AROUND).saturating_add(AROUND)).min(line.end);
        Self { range: from..to, line: place.line, before: from > line.start, after: to < line.end }
    }

    /// This part and all up to the line of `other`, when that is near and in the same file; lines between are folded
    /// by the renderer.
    fn and(&self, text: &str, place: &Place, other: &Place) -> Option<Self> {
        if other.file != place.file || self.before || self.after || other.start > text.len() {
            return None;
        }
        let line = line_at(text, other.start);
        let range = self.range.start.min(line.start)..self.range.end.max(line.end);
        (range.len() <= NEAR).then(|| Self {
            range,
            line: self.line.min(other.line),
            before: false,
            after: false,
        })
    }
}

/// The line that holds a byte, without its line break and without the byte-order mark of the text.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let at = text.floor_char_boundary(at).max(mark);
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = head.rfind('\n').map_or(mark, |at| at + 1);
    let rest = tail.find('\n').map_or(tail, |end| tail.get(..end).unwrap_or(tail));
    start..at + rest.trim_end_matches('\r').len()
}

type Mark<'a> = (&'a Place, Option<Cow<'a, str>>, AnnotationKind);

/// Adds the user's own lines with their place.
fn picture<'a>(group: Group<'a>, text: &str, place: &'a Place, cut: &Cut, marks: Vec<Mark<'a>>) -> Group<'a> {
    let snippet = snippet(text, cut, marks);
    if cut.before {
        // The renderer would count the column from the cut.
        group.element(origin(place)).element(snippet)
    } else {
        group.element(snippet.path(words::visible(&place.file)))
    }
}

/// What stands for a character of the user's file that would act: one of as many bytes, so that marks stay where they are.
/// Of ASCII the renderer takes care.
fn stand_in(c: char) -> char {
    match c.len_utf8() {
        _ if !words::acts(c) => c,
        1 => c,
        2 => '\u{a4}',
        3 => char::REPLACEMENT_CHARACTER,
        _ => '\u{1f6ab}',
    }
}

fn snippet<'a>(text: &str, cut: &Cut, marks: Vec<Mark<'a>>) -> Snippet<'a, Annotation<'a>> {
    let part = text.get(cut.range.clone()).unwrap_or_default();
    let (open, close) = (if cut.before { "… " } else { "" }, if cut.after { " …" } else { "" });
    let mut source = String::with_capacity(part.len() + 8);
    for character in open.chars().chain(part.chars()).chain(close.chars()) {
        // What runners obey in the middle of a line; as long as before, too.
        let is_command = character == '[' && words::begins_command(&source);
        source.push(if is_command { '?' } else { stand_in(character) });
    }
    let offset = |at: usize| {
        let at = text.floor_char_boundary(at).clamp(cut.range.start, cut.range.end);
        at - cut.range.start + open.len()
    };
    let annotations: Vec<_> = marks
        .into_iter()
        .map(|(place, label, kind)| {
            // Of a place of several lines the first one is marked.
            let end = place.end.min(line_at(text, place.start).end).max(place.start);
            kind.span(offset(place.start)..offset(end)).label(label)
        })
        .collect();
    Snippet::source(source).line_start(cut.line as usize).annotations(annotations)
}

#[cfg(test)]
mod tests;
