//! Remarks: findings and notes in one form, for everything that reports per place: SARIF, JUnit, annotations, code quality.
//!
//! Invariants: a remark's fingerprint hangs on what it says, its file and how often that was said before, never on the
//! line, so that it stays the same while a file grows above it; what the findings say already is not said by a note again.

use std::collections::BTreeMap;

use super::Run;
use crate::diagnostic::code::{self, Code, REGISTRY};
use crate::diagnostic::{Finding, Place, Severity};
use crate::id::Digest;
use crate::plan::document::NoteKind;
use crate::policy::verdict::Verdict;
use crate::report::notes;
use crate::report::terms;
use crate::report::words::{list, plural, visible};

/// So many computers of a note are named.
const FEW: usize = 3;

/// How much a remark weighs. The order is the order of importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Something cannot be used or is not done.
    Error,
    /// Probably not what was meant, or not done for now.
    Warning,
    /// Worth knowing.
    Notice,
}

/// One thing to say, at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The rule, such as `M0201` or `note-held`.
    pub rule: String,
    /// Its weight.
    pub weight: Weight,
    /// What the rule stands for, in a few words.
    pub title: String,
    /// What is the matter.
    pub message: String,
    /// Where, if it has a place.
    pub region: Option<Region>,
    /// Whether the change under review touches that place.
    pub touched: bool,
    /// What to do.
    pub help: Option<String>,
    /// Other places, with what is there.
    pub related: Vec<(Region, String)>,
    /// SHA-256, the same as long as the remark stays the same.
    pub fingerprint: String,
}

/// A range in a file. Lines and columns from 1, columns in characters; the end is one past the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Path below the git repository's root.
    pub file: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line and one past the last column, when the text is at hand.
    pub end: Option<(u32, u32)>,
}

impl Region {
    fn of(place: &Place, run: &Run<'_>) -> Self {
        let end = run
            .sources
            .get(&place.file)
            .filter(|_| place.end > place.start)
            .map(|text| Place::in_text(&place.file, text, place.end, place.end))
            .map(|end| (end.line, end.column));
        Self { file: in_repository(run.folder, &place.file), line: place.line, column: place.column, end }
    }

    /// The last line.
    #[must_use]
    pub fn last_line(&self) -> u32 {
        self.end.map_or(self.line, |(line, _)| line)
    }
}

fn in_repository(folder: &str, file: &str) -> String {
    let folder = folder.trim_matches('/');
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// A rule that remarks can belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Its usual weight.
    pub weight: Weight,
    /// A title of a few words.
    pub title: &'static str,
    /// What it means and what to do.
    pub text: &'static str,
}

/// All rules: the registry of codes, then the kinds of notes.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let codes = REGISTRY.iter().map(|info| Rule {
        id: info.code.to_string(),
        weight: weight(info.severity),
        title: info.title,
        text: info.text,
    });
    let notes = NOTES.iter().map(|(kind, weight, title, text)| Rule {
        id: note_id(*kind),
        weight: *weight,
        title,
        text,
    });
    codes.chain(notes).collect()
}

const NOTES: &[(NoteKind, Weight, &str, &str)] = &[
    (
        NoteKind::Ambiguous,
        Weight::Error,
        "two deployments win",
        "Two deployments of equal rank want different things. The plan is not executed where this stands.",
    ),
    (
        NoteKind::Blocked,
        Weight::Error,
        "wanted and cannot be done",
        "A downgrade that is not allowed, an upgrade strategy of none, or a prerequisite that fails or contradicts.",
    ),
    (
        NoteKind::Held,
        Weight::Warning,
        "held back",
        "A source failed or a rule holds it. What was last known is kept and nothing is removed because of it.",
    ),
    (
        NoteKind::Unreachable,
        Weight::Notice,
        "not reached",
        "The computer was not reached, so what it would need is not known.",
    ),
    (
        NoteKind::Refused,
        Weight::Warning,
        "refused",
        "The computer refused the connection; look at the account, the key or the agent.",
    ),
    (
        NoteKind::Stale,
        Weight::Notice,
        "known too long ago",
        "What is known is too old to plan on; look again with --refresh always.",
    ),
    (
        NoteKind::Undetermined,
        Weight::Warning,
        "detection did not tell",
        "Detection ran and gave no clear answer. The script's output is in the session.",
    ),
    (
        NoteKind::NonCompliant,
        Weight::Warning,
        "differs and is only reported",
        "Something differs, and the mode only lets Muster say so.",
    ),
    (
        NoteKind::EmptyTarget,
        Weight::Warning,
        "target matches no computer",
        "The expression is valid and selects none of the known computers.",
    ),
    (
        NoteKind::UnknownComputer,
        Weight::Warning,
        "computer that nobody lists",
        "A document names a computer that no provider lists.",
    ),
    (
        NoteKind::OnHold,
        Weight::Warning,
        "on hold",
        "Somebody put it on hold; nothing is done until the day that is named.",
    ),
    (
        NoteKind::Overruled,
        Weight::Error,
        "a named deployment does not win",
        "The run names a deployment that does not win here. The plan is not executed where this stands.",
    ),
    (
        NoteKind::Lifted,
        Weight::Notice,
        "taken as a less cautious mode",
        "The plan shows what a less cautious mode would do than is declared. It is not executed.",
    ),
    (NoteKind::Hint, Weight::Notice, "worth saying", "Something that helps to read the plan."),
];

/// The finding that says the same as a kind of note.
const fn said_by(kind: NoteKind) -> Option<Code> {
    match kind {
        NoteKind::Ambiguous => Some(code::AMBIGUOUS),
        NoteKind::EmptyTarget => Some(code::TARGET_MATCHES_NOTHING),
        NoteKind::UnknownComputer => Some(code::COMPUTER_NOT_FOUND),
        _ => None,
    }
}

const fn weight(severity: Severity) -> Weight {
    match severity {
        Severity::Error => Weight::Error,
        Severity::Warning => Weight::Warning,
    }
}

fn note_id(kind: NoteKind) -> String {
    format!("note-{}", terms::code(&kind))
}

/// Everything that there is to remark: the weightiest first, and of those what the change touches, in reading order.
pub(super) fn of(run: &Run<'_>) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = run.findings.iter().map(|finding| of_finding(finding, run)).collect();
    if let Some(plan) = run.plan {
        // A plan that is read from its file comes without findings; its verdicts stand in it.
        let verdicts = plan.verdicts.iter().filter_map(Verdict::finding);
        let unsaid = verdicts.filter(|verdict| !run.findings.iter().any(|finding| finding == verdict));
        remarks.extend(unsaid.map(|finding| of_finding(&finding, run)));
        for (kind, groups) in notes::groups(plan) {
            if said_by(kind).is_some_and(|code| run.findings.iter().any(|finding| finding.code == code)) {
                continue;
            }
            remarks.extend(groups.iter().map(|group| of_note(kind, group, run)));
        }
    }
    let mut said: BTreeMap<String, u32> = BTreeMap::new();
    for remark in &mut remarks {
        let file = remark.region.as_ref().map_or("", |region| region.file.as_str());
        let what = format!("{}\0{file}\0{}", remark.rule, remark.message);
        let before = said.entry(what.clone()).or_default();
        remark.fingerprint = Digest::of(format!("{what}\0{before}").as_bytes()).to_string();
        *before += 1;
    }
    remarks.sort_by_key(|remark| (remark.weight, !remark.touched));
    remarks
}

fn of_finding(finding: &Finding, run: &Run<'_>) -> Remark {
    let region = finding.place.as_ref().map(|place| Region::of(place, run));
    Remark {
        rule: finding.code.to_string(),
        weight: weight(finding.severity),
        title: finding.code.info().title.to_owned(),
        message: visible(&finding.message).into_owned(),
        touched: touched(region.as_ref(), run),
        region,
        help: finding.help.as_deref().map(|help| visible(help).into_owned()),
        related: finding
            .related
            .iter()
            .map(|(place, what)| (Region::of(place, run), visible(what).into_owned()))
            .collect(),
        fingerprint: String::new(),
    }
}

fn of_note(kind: NoteKind, group: &notes::Group<'_>, run: &Run<'_>) -> Remark {
    let names: Vec<&str> = group.computers.iter().copied().collect();
    let item = group.note.item.as_ref().map(|item| format!("{item}: ")).unwrap_or_default();
    let who = match names.len() {
        0 => String::new(),
        few if few <= FEW => format!(" ({})", list(&names, few)),
        many => format!(" ({})", plural(super::super::words::count(many), "computer")),
    };
    let region = group.note.origin.as_ref().map(|origin| Region::of(&origin.place, run));
    let known = NOTES.iter().find(|(known, ..)| *known == kind);
    Remark {
        rule: note_id(kind),
        weight: known.map_or(Weight::Notice, |(_, weight, ..)| *weight),
        title: known.map_or("", |(_, _, title, _)| title).to_owned(),
        message: format!("{}{who}", visible(&format!("{item}{}", group.note.text))),
        touched: touched(region.as_ref(), run),
        region,
        help: None,
        related: Vec::new(),
        fingerprint: String::new(),
    }
}

fn touched(region: Option<&Region>, run: &Run<'_>) -> bool {
    region.is_some_and(|region| run.changed.touches(&region.file, region.line, region.last_line()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Findings, Sources};
    use crate::plan::document::Note;
    use crate::report::model::{ChangedLines, Model};
    use crate::report::sample::{five_kinds, kinds_of_notes, place, with_notes, with_verdicts};

    fn finding(line: u32, message: &str) -> Finding {
        Finding::new(code::UNKNOWN_KEY, message, place("a.yaml", line))
    }

    fn remarks(findings: &Findings, changed: &ChangedLines, folder: &str) -> Vec<Remark> {
        let sources = Sources::new();
        Model::of(Run { command: "plan", plan: None, findings, sources: &sources, changed, folder }).remarks
    }

    #[test]
    fn a_fingerprint_survives_lines_that_come_before_and_tells_repetitions_apart() {
        let one: Findings = [finding(3, "unknown key x"), finding(9, "unknown key x")].into_iter().collect();
        let two: Findings = [finding(5, "unknown key x"), finding(11, "unknown key x")].into_iter().collect();
        let prints = |findings: &Findings| -> Vec<String> {
            let all = remarks(findings, &ChangedLines::none(), "");
            all.into_iter().map(|remark| remark.fingerprint).collect()
        };
        assert_eq!(prints(&one), prints(&two));
        assert_ne!(prints(&one)[0], prints(&one)[1]);
    }

    #[test]
    fn what_the_change_touches_comes_first_among_equals() {
        let warning = Finding::new(code::QUOTE_IT, "quote it", place("a.yaml", 1));
        let findings: Findings = [warning, finding(3, "x"), finding(9, "y")].into_iter().collect();
        let mut changed = ChangedLines::none();
        changed.add("config/a.yaml", 9, 1);
        changed.add("config/a.yaml", 1, 1);
        let all = remarks(&findings, &changed, "config");
        assert_eq!(
            all.iter().map(|remark| remark.message.as_str()).collect::<Vec<_>>(),
            ["y", "x", "quote it"]
        );
        assert_eq!(all[0].region.as_ref().map(|region| region.file.as_str()), Some("config/a.yaml"));
    }

    #[test]
    fn verdicts_of_a_plan_are_remarks_once_unless_they_are_set_aside() {
        let plan = with_verdicts(five_kinds(10));
        let remarks = |findings: &Findings| {
            let (sources, changed) = (Sources::new(), ChangedLines::none());
            let plan = Some(&plan);
            let run =
                Run { command: "show", plan, findings, sources: &sources, changed: &changed, folder: "" };
            Model::of(run).remarks
        };
        let alone = remarks(&Findings::new());
        let said: Vec<(Weight, &str)> =
            alone.iter().map(|remark| (remark.weight, remark.message.as_str())).collect();
        assert_eq!(
            said,
            [
                (Weight::Error, "guardrail no-fridays: 42 removals, and 10 are allowed"),
                (Weight::Warning, "guardrail owners: 42 removals, and 10 are allowed"),
            ]
        );
        // As `plan` has them: among its findings already.
        assert_eq!(remarks(&plan.verdicts.iter().filter_map(Verdict::finding).collect()), alone);
    }

    #[test]
    fn every_kind_of_note_has_a_rule_and_notes_are_remarks() {
        let rules = rules();
        let mut plan = with_notes(five_kinds(10), 31);
        let note = plan.notes[0].clone();
        plan.notes = kinds_of_notes().into_iter().map(|kind| Note { kind, ..note.clone() }).collect();
        let model = Model::of(crate::report::sample::run(Some(&plan)));
        assert_eq!(model.remarks.len(), plan.notes.len());
        for remark in &model.remarks {
            let rule = rules.iter().find(|rule| rule.id == remark.rule);
            assert_eq!(rule.map(|rule| rule.title), Some(remark.title.as_str()));
            assert!(!remark.title.is_empty());
        }
        assert_eq!(model.remarks[0].weight, Weight::Error);
    }
}
