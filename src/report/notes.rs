//! The notes of a plan: why things wait or are odd, and what is not known.
//!
//! Writing into a `String` cannot fail, so the results of `write!` are dropped here.
//!
//! Invariant: a computer counts once among those that are not known, by the first of its reasons, so the numbers add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use super::style::{Label, Line, Pen};
use super::words::{count, list, plural, thousands, wrap};
use super::{View, terms};
use crate::plan::document::{Note, NoteKind, Plan};

/// So many notes of one kind are shown without `details`.
const BOUND: usize = 8;
/// So many computers are named.
const FEW: usize = 3;
/// Columns of the titles at the end of a plan.
const TITLE: usize = 13;

/// The kinds that say a computer is not completely known, the weightiest first.
const UNKNOWN: [NoteKind; 5] =
    [NoteKind::Unreachable, NoteKind::Refused, NoteKind::Ambiguous, NoteKind::Undetermined, NoteKind::Stale];

/// Notes that say the same, with all their computers.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) note: &'a Note,
    pub(super) computers: BTreeSet<&'a str>,
}

impl Group<'_> {
    /// What the note says, with its item before it.
    pub(super) fn sentence(&self) -> String {
        let item = self.note.item.as_ref().map(|item| format!("{item}: ")).unwrap_or_default();
        format!("{item}{}", self.note.text)
    }
}

/// Puts notes together that differ in their computers only, by kind.
pub(super) fn groups(plan: &Plan) -> BTreeMap<NoteKind, Vec<Group<'_>>> {
    let mut kinds: BTreeMap<NoteKind, Vec<Group<'_>>> = BTreeMap::new();
    let mut known = BTreeMap::new();
    for note in &plan.notes {
        let groups = kinds.entry(note.kind).or_default();
        let at = *known.entry((note.kind, &note.item, &note.text, &note.origin)).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { note, computers: BTreeSet::new() });
        }
        if let Some(group) = groups.get_mut(at) {
            group.computers.extend(note.computers.iter().map(String::as_str));
        }
    }
    kinds
}

/// Writes all notes, except that what is not known comes in few words here and in numbers by [`not_known`].
pub(super) fn write(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    let groups = groups(plan);
    if groups.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading("Notes")?;
    for (kind, mut groups) in groups {
        if UNKNOWN.contains(&kind) {
            groups.sort_by_key(|group| std::cmp::Reverse(group.computers.len()));
        }
        let shown = if view.details { groups.len() } else { BOUND };
        for group in groups.iter().take(shown) {
            note(pen, group, view)?;
        }
        let more = groups.get(shown..).unwrap_or_default();
        if !more.is_empty() {
            let computers: BTreeSet<&str> = more.iter().flat_map(|group| &group.computers).copied().collect();
            let text = format!(
                "  ! {}: {} of other texts, {}; --details lists them",
                terms::code(&kind),
                plural(count(more.len()), "note"),
                plural(count(computers.len()), "computer"),
            );
            pen.line(&Line::new().with(Label::Dim, text))?;
        }
    }
    Ok(())
}

fn note(pen: &mut dyn Pen, group: &Group<'_>, view: &View) -> io::Result<()> {
    let Note { kind, origin, .. } = group.note;
    let names: Vec<&str> = group.computers.iter().copied().collect();
    let mut sentence = group.sentence();
    match names.len() {
        0 => {}
        few if few <= FEW || view.details => _ = write!(sentence, " ({})", list(&names, names.len())),
        many => _ = write!(sentence, " ({})", plural(count(many), "computer")),
    }
    if let Some(origin) = origin {
        _ = write!(sentence, "  {}", origin.place);
    }
    let title = format!("{}: ", terms::code(kind));
    let marker = if *kind == NoteKind::Hint { "i " } else { "! " };
    // The title belongs to the text, so it is wrapped with it and then coloured.
    let lines = wrap(&format!("{title}{sentence}"), view.width.saturating_sub(4));
    for (at, part) in lines.iter().enumerate() {
        let mut line = Line::new().text("  ");
        if at == 0 {
            line.push(terms::note_label(*kind), marker);
            let rest = part.strip_prefix(title.trim_end()).unwrap_or(part);
            line.push(terms::note_label(*kind), title.trim_end());
            line.push(Label::Plain, rest);
        } else {
            line.push(Label::Plain, "  ");
            line.push(Label::Plain, part);
        }
        pen.line(&line)?;
    }
    Ok(())
}

/// How many computers are not completely known, by their first reason; with names when few.
pub(super) fn unknown(plan: &Plan) -> Vec<(String, Vec<&str>, u64)> {
    let mut counted: BTreeSet<&str> = BTreeSet::new();
    let mut parts = Vec::new();
    for kind in UNKNOWN {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut all = 0;
        for note in plan.notes.iter().filter(|note| note.kind == kind) {
            names.extend(note.computers.iter().map(String::as_str));
            all += count(note.computers.len());
        }
        let names: Vec<&str> = names.into_iter().filter(|name| counted.insert(name)).collect();
        let mut number = count(names.len());
        // Of these a computer has one note, so computers that are called the same count each.
        if matches!(kind, NoteKind::Unreachable | NoteKind::Refused) {
            number = number.max(all);
        }
        if number > 0 {
            parts.push((terms::code(&kind), names, number));
        }
    }
    let named: u64 = parts.iter().map(|(_, _, number)| number).sum();
    let rest = u64::from(plan.coverage.incomplete).saturating_sub(named);
    if rest > 0 {
        parts.push(("not detected".to_owned(), Vec::new(), rest));
    }
    parts
}

/// How many agents are on no computer yet, with the reasons.
pub(super) fn unidentified(plan: &Plan) -> Option<String> {
    let reasons = &plan.coverage.unidentified;
    let all: u64 = reasons.values().sum();
    let reasons: Vec<String> =
        reasons.iter().map(|(code, number)| format!("{} {code}", thousands(*number))).collect();
    (all > 0).then(|| {
        format!("{} on no computer yet ({}): muster identify", plural(all, "agent"), reasons.join(", "))
    })
}

/// Writes the line of what is not known.
pub(super) fn not_known(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    let parts: Vec<String> = unknown(plan)
        .into_iter()
        .map(|(word, names, number)| {
            let few = !names.is_empty() && names.len() <= FEW && count(names.len()) == number;
            let names = if few { format!(" ({})", list(&names, FEW)) } else { String::new() };
            format!("{} {word}{names}", thousands(number))
        })
        .collect();
    let parts: Vec<String> = parts.into_iter().chain(unidentified(plan)).collect();
    if parts.is_empty() {
        return Ok(());
    }
    fact(pen, "Not known", &parts.join(", "), Label::Warning, view)
}

/// Writes a titled line at the end of a plan.
pub(super) fn fact(pen: &mut dyn Pen, title: &str, text: &str, label: Label, view: &View) -> io::Result<()> {
    for (at, part) in wrap(text, view.width.saturating_sub(TITLE)).into_iter().enumerate() {
        let mut line = Line::new();
        line.push(Label::Heading, if at == 0 { title } else { "" });
        line.pad_to(TITLE);
        pen.line(&line.with(label, part))?;
    }
    Ok(())
}
