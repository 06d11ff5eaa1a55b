//! What the page shows: the model with everything cut to a size, as plain texts and numbers for the template.

use serde::Serialize;

use super::super::model::{Block, Model, Move, Noted, Share, Shift, Weight};
use super::super::words::{count, plural, thousands, visible};
use super::super::{fields, notes, terms};
use super::charts::{self, ShareRow, Side, Stack};
use crate::plan::document::{NoteKind, Plan};

/// So many computers of a change or note are named, and fewer where there are many changes or notes: together not many
/// more than this.
const NAMES: usize = 200;
const NAMES_TOGETHER: usize = 10_000;
/// So many changes, notes and remarks are listed.
const ROWS: usize = 400;
/// So many tenants and items are listed with how they stand.
const SHARES: usize = 100;
/// So many lines say what differs.
const DIFFERENCES: usize = 8;
/// So many targets with other members are listed, and so many reasons for each direction.
const TARGETS: usize = 50;
const REASONS: usize = 4;
/// No text is longer, in characters.
const TEXT: usize = 2_000;
/// What the page is made of besides the run.
pub(super) struct Frame {
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) csp: String,
}

/// Rows of a list and, when it was cut, how many more there are.
#[derive(Serialize)]
struct List<T> {
    rows: Vec<T>,
    more: Option<String>,
}

impl<T> List<T> {
    fn of(rows: impl ExactSizeIterator<Item = T>, most: usize, what: &str) -> Self {
        let more = rows.len().saturating_sub(most);
        Self { rows: rows.take(most).collect(), more: (more > 0).then(|| further(more, what)) }
    }
}

pub(super) fn further(number: usize, what: &str) -> String {
    format!("and {}", plural(count(number), &format!("more {what}")))
}

/// Everything that the template names.
#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    version: &'static str,
    csp: String,
    style: &'static str,
    script: &'static str,
    headline: String,
    revision: Option<String>,
    why_nothing: Option<String>,
    numbers: Vec<Number>,
    remarks: List<RemarkRow>,
    shifts: List<ShiftRow>,
    set_aside: List<String>,
    standing: Option<Stack>,
    sides: Vec<Side>,
    changes: List<ChangeRow>,
    notes: List<NoteRow>,
    unknown: Option<String>,
    tables: Vec<Table>,
    sentence: Option<String>,
}

#[derive(Serialize)]
struct Number {
    class: String,
    value: String,
    name: &'static str,
}

#[derive(Serialize)]
struct RemarkRow {
    class: &'static str,
    rule: String,
    message: String,
    place: Option<String>,
    help: Option<String>,
}

#[derive(Serialize)]
struct ShiftRow {
    target: String,
    place: String,
    before: String,
    after: String,
    joined: String,
    left: String,
    moves: Vec<MoveRow>,
    moves_more: Option<String>,
}

#[derive(Serialize)]
struct MoveRow {
    title: String,
    names: Vec<String>,
    names_more: Option<String>,
}

#[derive(Serialize)]
struct ChangeRow {
    removal: &'static str,
    class: &'static str,
    marker: &'static str,
    what: String,
    action: &'static str,
    differences: Vec<String>,
    open: bool,
    names: Vec<String>,
    names_more: Option<String>,
    computers: String,
    tenants: String,
    licenses: String,
    why: String,
    place: String,
}

#[derive(Serialize)]
struct NoteRow {
    class: &'static str,
    kind: String,
    text: String,
    place: Option<String>,
    names_title: String,
    names: Vec<String>,
    names_more: Option<String>,
}

/// How each tenant or each item stands.
#[derive(Serialize)]
struct Table {
    id: &'static str,
    title: &'static str,
    first: &'static str,
    /// Whether computers are told.
    computers: bool,
    list: List<ShareRow>,
}

impl Page {
    /// Everything that the page shows of a run.
    pub(super) fn of(model: &Model<'_>, frame: Frame) -> Self {
        let plan = model.run.plan;
        let headline = model.headline();
        let most = few(model.notes.iter().map(|noted| noted.groups.len()).sum());
        let notes: Vec<NoteRow> = model.notes.iter().flat_map(|noted| notes_of(noted, most)).collect();
        Self {
            title: match plan {
                Some(plan) => shown(&format!("{}: {headline}", plan.instance)),
                None => headline.clone(),
            },
            version: env!("CARGO_PKG_VERSION"),
            csp: frame.csp,
            style: frame.style,
            script: frame.script,
            headline,
            revision: plan.map(revision),
            why_nothing: model.why_nothing(),
            numbers: numbers(model),
            remarks: remarks(model),
            shifts: List::of(model.shifts.iter().map(shift), TARGETS, "target"),
            set_aside: List::of(model.set_aside.iter().map(|text| shown(text)), ROWS, "verdict"),
            standing: plan.and_then(|plan| charts::standing(model, plan)),
            sides: charts::sides(model),
            changes: List::of(
                model.blocks.iter().map(|block| change(block, few(model.blocks.len()))),
                ROWS,
                "kind of change",
            ),
            notes: List::of(notes.into_iter(), ROWS, "note"),
            unknown: unknown(model),
            tables: tables(model),
            sentence: plan.map(|plan| {
                let impact = if model.impact.is_empty() { "" } else { "; " };
                let sentence = model.summary.sentence();
                format!("Plan {}: {sentence}{impact}{}", plan.digest.short(), model.impact)
            }),
        }
    }
}

/// Text with what would act made visible, and not too long.
pub(super) fn shown(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= TEXT {
        return text.into_owned();
    }
    text.chars().take(TEXT).chain("...".chars()).collect()
}

fn revision(plan: &Plan) -> String {
    let mut parts = vec![plan.instance.to_string()];
    match &plan.revision.commit {
        Some(commit) => parts.push(format!("commit {}", commit.as_str().chars().take(7).collect::<String>())),
        None => parts.push("not in git".to_owned()),
    }
    parts.extend(plan.revision.subject.as_deref().map(|subject| terms::first_line(subject).to_owned()));
    if plan.revision.dirty {
        parts.push("with uncommitted changes".to_owned());
    }
    if !plan.options.only.is_empty() {
        parts.push(format!("limited to {}", plan.options.only.join(" ")));
    }
    parts.extend(plan.options.mode.map(|mode| format!("at most {mode}")));
    shown(&parts.join(" · "))
}

fn numbers(model: &Model<'_>) -> Vec<Number> {
    let number = |class: &str, value: u64, name| Number {
        class: if value > 0 { format!("{class} some") } else { class.to_owned() },
        value: thousands(value),
        name,
    };
    let errors = count(model.weighing(Weight::Error));
    let warnings = count(model.weighing(Weight::Warning));
    if model.run.plan.is_none() {
        return vec![number("stopped", errors, "errors"), number("", warnings, "warnings")];
    }
    let summary = &model.summary;
    let of = |kinds: &[NoteKind]| kinds.iter().filter_map(|kind| summary.notes.get(kind)).sum();
    vec![
        number("", summary.computers, "computers"),
        number("", summary.tenants, "tenants"),
        number("", summary.changes, "changes"),
        number("removals", summary.removals, "removals"),
        number("stopped", of(&[NoteKind::Held, NoteKind::Blocked, NoteKind::Ambiguous]), "held or blocked"),
        number("", model.unknown.iter().map(|part| part.number).sum(), "not completely known"),
    ]
}

/// Findings; notes have a list of their own.
fn remarks(model: &Model<'_>) -> List<RemarkRow> {
    let own: Vec<_> = model.remarks.iter().filter(|remark| !remark.rule.starts_with("note-")).collect();
    let row = |remark: &&super::super::model::Remark| RemarkRow {
        class: class_of(remark.weight),
        rule: remark.rule.clone(),
        message: shown(&remark.message),
        place: remark.region.as_ref().map(|region| shown(&format!("{}:{}", region.file, region.line))),
        help: remark.help.as_deref().map(shown),
    };
    List::of(own.iter().map(row), ROWS, "remark")
}

const fn class_of(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Notice => "notice",
    }
}

/// Only the first few reasons are listed, and the first few names of each.
fn shift(shift: &Shift<'_>) -> ShiftRow {
    let row = |moved: &Move<'_>| {
        let names: Vec<&str> = moved.names.iter().map(String::as_str).collect();
        let (names, names_more) = cut(&names, NAMES);
        // The title counts; the names stand below it.
        MoveRow { title: shown(&moved.text(0)), names, names_more }
    };
    let side = |joined: bool| shift.moves.iter().filter(|moved| moved.joined == joined).collect::<Vec<_>>();
    let sides = [side(true), side(false)];
    let more: usize = sides.iter().map(|side| side.len().saturating_sub(REASONS)).sum();
    ShiftRow {
        target: shown(shift.target.name.as_str()),
        place: shown(&shift.target.place.to_string()),
        before: thousands(shift.before),
        after: thousands(shift.after),
        joined: thousands(shift.joined),
        left: thousands(shift.left),
        moves: sides.iter().flat_map(|side| side.iter().take(REASONS)).map(|moved| row(moved)).collect(),
        moves_more: (more > 0).then(|| further(more, "reason")),
    }
}

fn change(block: &Block<'_>, names: usize) -> ChangeRow {
    use crate::report::style::Label;
    let first = block.changes.first();
    let class = match block.marker.1 {
        Label::Add => "add",
        Label::Change => "change",
        Label::Remove => "remove",
        Label::Warning => "told",
        _ => "read",
    };
    let (names, names_more) = cut(&block.names(), names);
    let tenants: Vec<&str> = block.tenants.iter().copied().collect();
    ChangeRow {
        removal: if block.removal { "yes" } else { "no" },
        class,
        marker: block.marker.0,
        what: shown(&block.what.to_string()),
        // Some titles say it already: `disk-encryption: set`.
        action: first
            .map(|change| terms::verb(change.action))
            .filter(|verb| !block.what.to_string().contains(&format!(": {verb}")))
            .unwrap_or_default(),
        differences: differences(block),
        // Removals are listed by name (L14).
        open: block.removal && names.len() <= 24,
        names,
        names_more,
        computers: thousands(count(block.computers.len())),
        tenants: if tenants.len() <= 3 {
            shown(&tenants.join(", "))
        } else {
            thousands(count(tenants.len()))
        },
        licenses: shown(&block.licenses.iter().copied().collect::<Vec<_>>().join(", ")),
        why: shown(&block.why.to_string()),
        place: shown(&block.place.to_string()),
    }
}

/// The fields that are set, or what was found instead of what is wanted.
fn differences(block: &Block<'_>) -> Vec<String> {
    let fields: Vec<String> = block.fields.iter().map(fields::phrase).collect();
    let found = block.changes.first().and_then(|change| terms::observed_text(&change.before));
    let lines = if fields.is_empty() {
        found.into_iter().flat_map(str::lines).map(str::to_owned).collect()
    } else {
        fields
    };
    let more = lines.len().saturating_sub(DIFFERENCES);
    let more = (more > 0).then(|| further(more, "line"));
    lines.iter().take(DIFFERENCES).map(|line| shown(line)).chain(more).collect()
}

/// How many names each of so many rows may have.
fn few(rows: usize) -> usize {
    (NAMES_TOGETHER / rows.clamp(1, ROWS)).min(NAMES)
}

fn cut(names: &[&str], most: usize) -> (Vec<String>, Option<String>) {
    let more = names.len().saturating_sub(most);
    (
        names.iter().take(most).map(|name| shown(name)).collect(),
        (more > 0).then(|| format!("and {} more", thousands(count(more)))),
    )
}

fn notes_of<'a>(noted: &'a Noted<'_>, most: usize) -> impl Iterator<Item = NoteRow> + 'a {
    noted.groups.iter().map(move |group: &notes::Group<'_>| {
        let all: Vec<&str> = group.computers.iter().copied().collect();
        let (names, names_more) = cut(&all, most);
        let item = group.note.item.as_ref().map(|item| format!("{item}: ")).unwrap_or_default();
        NoteRow {
            class: match noted.kind {
                NoteKind::Ambiguous | NoteKind::Blocked => "error",
                NoteKind::Hint => "notice",
                _ => "warning",
            },
            kind: terms::code(&noted.kind),
            text: shown(&format!("{item}{}", group.note.text)),
            place: group.note.origin.as_ref().map(|origin| shown(&origin.place.to_string())),
            names_title: plural(count(all.len()), "computer"),
            names,
            names_more,
        }
    })
}

fn unknown(model: &Model<'_>) -> Option<String> {
    let parts: Vec<String> =
        model.unknown.iter().map(|part| format!("{} {}", thousands(part.number), part.word)).collect();
    (!parts.is_empty()).then(|| format!("Of these computers something is not known: {}.", parts.join(", ")))
}

fn tables(model: &Model<'_>) -> Vec<Table> {
    let table = |id, title, first, computers, shares: &[Share], what| {
        (!shares.is_empty()).then(|| {
            let list = List::of(shares.iter().map(ShareRow::of), SHARES, what);
            Table { id, title, first, computers, list }
        })
    };
    [
        table("h-tenants", "By tenant", "Tenant", true, &model.tenants, "tenant"),
        table("h-items", "By item", "Item", false, &model.items, "item"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
