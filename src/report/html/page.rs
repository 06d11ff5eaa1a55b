//! What the page shows: the model with everything cut to a size, as plain texts and numbers for the template.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::model::{Block, Model, Move, Noted, Part, Share, Shift, Standing, Weight};
use super::super::words::{count, plural, thousands, visible};
use super::super::{notes, terms};
use crate::plan::document::{NoteKind, Plan};

/// So many bars a chart has.
const BARS: usize = 12;
/// So many computers of a change or note are named.
const NAMES: usize = 200;
/// So many changes, notes, remarks and tenants are listed.
const ROWS: usize = 400;
/// So many targets with other members are listed, and so many reasons for each direction.
const TARGETS: usize = 50;
const REASONS: usize = 4;
/// No text is longer, in characters.
const TEXT: usize = 2_000;
/// How wide a chart is, in its own units.
const WIDE: u64 = 1000;

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

fn further(number: usize, what: &str) -> String {
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
    charts: Vec<Chart>,
    standing: Option<Stack>,
    changes: List<ChangeRow>,
    notes: List<NoteRow>,
    unknown: Option<String>,
    tenants: List<TenantRow>,
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
struct Chart {
    title: &'static str,
    bars: Vec<Bar>,
    more: Option<String>,
    legend: bool,
}

#[derive(Serialize)]
struct Bar {
    name: String,
    label: String,
    removals: u64,
    others: u64,
    number: String,
}

#[derive(Serialize)]
struct Stack {
    title: String,
    label: String,
    parts: Vec<Segment>,
    coverage: String,
}

#[derive(Serialize)]
struct Segment {
    class: String,
    word: &'static str,
    number: String,
    at: u64,
    width: u64,
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

#[derive(Serialize)]
struct TenantRow {
    name: String,
    changes: String,
    removals: String,
    computers: String,
}

impl Page {
    /// Everything that the page shows of a run.
    pub(super) fn of(model: &Model<'_>, frame: Frame) -> Self {
        let plan = model.run.plan;
        let headline = model.headline();
        let notes: Vec<NoteRow> = model.notes.iter().flat_map(notes_of).collect();
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
            charts: charts(model),
            standing: plan.and_then(|plan| stack(model, plan)),
            changes: List::of(model.blocks.iter().map(change), ROWS, "kind of change"),
            notes: List::of(notes.into_iter(), ROWS, "note"),
            unknown: unknown(model),
            tenants: List::of(model.tenants.iter().map(tenant), ROWS, "tenant"),
            sentence: plan.map(|plan| {
                let impact = if model.impact.is_empty() { "" } else { "; " };
                let sentence = model.summary.sentence();
                format!("Plan {}: {sentence}{impact}{}", plan.digest.short(), model.impact)
            }),
        }
    }
}

/// Text with what would act made visible, and not too long.
fn shown(text: &str) -> String {
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
        let (names, names_more) = cut(&names);
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

fn charts(model: &Model<'_>) -> Vec<Chart> {
    let chart = |title, shares: &[Share], what| {
        let most = shares.first()?.changes.max(1);
        let shown: Vec<Bar> = shares.iter().take(BARS).map(|share| bar(share, most)).collect();
        let more = shares.get(BARS..).unwrap_or_default();
        let rest: u64 = more.iter().map(|share| share.changes).sum();
        Some(Chart {
            title,
            bars: shown,
            more: (!more.is_empty())
                .then(|| format!("{} with {}", further(more.len(), what), plural(rest, "change"))),
            legend: shares.iter().any(|share| share.removals > 0),
        })
    };
    [chart("Changes by tenant", &model.tenants, "tenant"), chart("Changes by item", &model.items, "item")]
        .into_iter()
        .flatten()
        .collect()
}

fn bar(share: &Share, most: u64) -> Bar {
    // A change can be seen, however few there are of it.
    let scaled = |number: u64| if number == 0 { 0 } else { (number * WIDE / most).max(4) };
    let removals = scaled(share.removals);
    Bar {
        name: shown(&share.name),
        label: shown(&format!(
            "{}: {}, {} of them, on {}",
            share.name,
            plural(share.changes, "change"),
            plural(share.removals, "removal"),
            plural(share.computers, "computer")
        )),
        removals,
        others: scaled(share.changes - share.removals).min(WIDE - removals.min(WIDE)),
        number: thousands(share.changes),
    }
}

fn stack(model: &Model<'_>, plan: &Plan) -> Option<Stack> {
    let all = plan.coverage.checks;
    if all == 0 {
        return None;
    }
    let (mut before, mut parts) = (0, Vec::new());
    for Part { standing, checks } in model.standing.iter().filter(|part| part.checks > 0) {
        let edge = |number: u64| u64::try_from(u128::from(number) * 1000 / u128::from(all)).unwrap_or(WIDE);
        let at = edge(before);
        before += checks;
        parts.push(Segment {
            class: match standing {
                Standing::Wanted => "wanted",
                Standing::Differs => "differs",
                Standing::Stale => "stale",
                Standing::Undetermined => "undetermined",
                Standing::Unknown => "unknown",
                Standing::NotApplicable => "not-applicable",
            }
            .to_owned(),
            word: standing.word(),
            number: thousands(*checks),
            at,
            width: (edge(before) - at).max(2),
        });
    }
    let label: Vec<String> = parts.iter().map(|part| format!("{} {}", part.number, part.word)).collect();
    let coverage = &plan.coverage;
    let managed = u64::from(coverage.known) + u64::from(coverage.incomplete);
    let mut text = format!(
        "Everything is known of {} of {}",
        thousands(coverage.known.into()),
        plural(managed, "computer")
    );
    if coverage.unmanaged > 0 {
        // Writing into a String cannot fail.
        _ = write!(text, "; nothing is wanted of {}", plural(coverage.unmanaged.into(), "computer"));
    }
    Some(Stack {
        title: format!("How {} stand", plural(all, "check")),
        label: label.join(", "),
        parts,
        coverage: text,
    })
}

fn change(block: &Block<'_>) -> ChangeRow {
    use crate::report::style::Label;
    let first = block.changes.first();
    let class = match block.marker.1 {
        Label::Add => "add",
        Label::Change => "change",
        Label::Remove => "remove",
        Label::Warning => "told",
        _ => "read",
    };
    let (names, names_more) = cut(&block.names());
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
        differences: first
            .and_then(|change| terms::observed_text(&change.before))
            .into_iter()
            .flat_map(str::lines)
            .take(8)
            .map(shown)
            .collect(),
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

fn cut(names: &[&str]) -> (Vec<String>, Option<String>) {
    let more = names.len().saturating_sub(NAMES);
    (
        names.iter().take(NAMES).map(|name| shown(name)).collect(),
        (more > 0).then(|| format!("and {} more", thousands(count(more)))),
    )
}

fn notes_of<'a>(noted: &'a Noted<'_>) -> impl Iterator<Item = NoteRow> + 'a {
    noted.groups.iter().map(move |group: &notes::Group<'_>| {
        let all: Vec<&str> = group.computers.iter().copied().collect();
        let (names, names_more) = cut(&all);
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

fn tenant(share: &Share) -> TenantRow {
    TenantRow {
        name: shown(&share.name),
        changes: thousands(share.changes),
        removals: thousands(share.removals),
        computers: thousands(share.computers),
    }
}
