//! Findings as text: with the user's own lines, in one line, and as JSON.
//!
//! Invariant: control characters of the user's texts never reach the output, so a file cannot paint the terminal.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

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

/// The longest line that is shown whole, in bytes; of longer ones the part around the mark is shown.
const LONGEST_LINE: usize = 400;
/// How many bytes of a long line are shown before and after the mark.
const AROUND: usize = 120;

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
    let message = clean(&finding.message);
    let label = finding.label.as_deref().map(clean);
    let related: Vec<(&Place, Cow<'_, str>)> =
        finding.related.iter().map(|(place, what)| (place, clean(what))).collect();
    let help = finding.help.as_deref().map(clean);

    let mut group = Group::with_title(level.primary_title(message).id(finding.code.as_str()));
    let mut elsewhere = Vec::new();
    match &finding.place {
        Some(place) => {
            if let Some(text) = sources.get(&place.file) {
                let mut here = vec![(place, label, AnnotationKind::Primary)];
                for (other, what) in related {
                    if Cut::of(text, place).holds(other) {
                        here.push((other, Some(what), AnnotationKind::Context));
                    } else {
                        elsewhere.push((other, what));
                    }
                }
                group = group.element(snippet(text, place, here));
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
            Some(text) => group.element(snippet(text, place, vec![(place, None, AnnotationKind::Primary)])),
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
    let mut out = String::new();
    if let Some(place) = &finding.place {
        out.push_str(&clean(&place.file));
        out.push_str(&format!(":{}:{}: ", place.line, place.column));
    }
    out.push_str(&format!("{}[{}]: {}", severity(finding.severity), finding.code, clean(&finding.message)));
    if let Some(help) = &finding.help {
        out.push_str("; ");
        out.push_str(&clean(help));
    }
    for (place, what) in &finding.related {
        out.push_str(&format!(" ({}: {}:{}:{})", clean(what), clean(&place.file), place.line, place.column));
    }
    out.replace(['\n', '\r'], " ")
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

/// Control characters as visible escapes, except line breaks.
fn clean(text: &str) -> Cow<'_, str> {
    // Format characters that turn the direction of writing would let a text show as another one.
    let is_bad = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_bad(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn origin(place: &Place) -> Origin<'_> {
    Origin::path(clean(&place.file)).line(place.line as usize).char_column(place.column as usize)
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
    /// The lines of `place`, or the part around it when they are long. Only the first line of a long place is shown.
    fn of(text: &str, place: &Place) -> Self {
        let start = text.floor_char_boundary(place.start);
        let head = text.get(..start).unwrap_or_default();
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| start + at);
        let line_end = text
            .get(line_start..line_end)
            .map_or(line_end, |line| line_start + line.trim_end_matches('\r').len());
        let line_end = line_end.max(start);
        if line_end - line_start <= LONGEST_LINE {
            return Self { range: line_start..line_end, line: place.line, before: false, after: false };
        }
        let from = text.floor_char_boundary(start.saturating_sub(AROUND)).max(line_start);
        let to = text.ceil_char_boundary(start.saturating_add(AROUND).saturating_add(AROUND)).min(line_end);
        Self { range: from..to, line: place.line, before: from > line_start, after: to < line_end }
    }

    fn holds(&self, place: &Place) -> bool {
        self.range.contains(&place.start) && place.end <= self.range.end
    }
}

type Mark<'a> = (&'a Place, Option<Cow<'a, str>>, AnnotationKind);

fn snippet<'a>(text: &'a Arc<str>, place: &'a Place, marks: Vec<Mark<'a>>) -> Snippet<'a, Annotation<'a>> {
    let cut = Cut::of(text, place);
    let part = text.get(cut.range.clone()).unwrap_or_default();
    let (open, close) = (if cut.before { "… " } else { "" }, if cut.after { " …" } else { "" });
    let mut source = String::with_capacity(part.len() + open.len() + close.len());
    source.push_str(open);
    source.push_str(part);
    source.push_str(close);
    let offset = |at: usize| at.clamp(cut.range.start, cut.range.end) - cut.range.start + open.len();
    let annotations: Vec<_> = marks
        .into_iter()
        .map(|(place, label, kind)| kind.span(offset(place.start)..offset(place.end)).label(label))
        .collect();
    // The column that the renderer would compute is that of the cut; the path carries the true place.
    let path = format!("{}:{}:{}", clean(&place.file), place.line, place.column);
    Snippet::source(source).line_start(cut.line as usize).path(path).annotations(annotations)
}

#[cfg(test)]
mod tests;
