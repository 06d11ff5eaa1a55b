//! The view model: what every report of a run says, worked out once from the plan and the findings.
//!
//! Not here: how it looks. Terminal, Markdown, HTML and the forms for pipelines are renderers of this; none of them counts.
//!
//! Invariants: blocks stand in one order everywhere, removals and what interrupts people first; computers are named in
//! alphabetical order; the numbers add up; the same plan gives the same model (L13).

mod about;
mod blocks;
mod changed;
mod memberships;
mod remarks;
mod shares;

pub use about::{About, about};
pub use blocks::{Block, blocks};
pub use changed::ChangedLines;
pub use memberships::{Move, Shift, shifts};
pub use remarks::{Region, Remark, Rule, Weight, rules};
pub use shares::{Part, Share, Standing, percent, worst};

use super::notes::{self, Group};
use super::summary::{Summary, why_nothing};
use super::terms;
use super::words::{plural, thousands};
use crate::diagnostic::{Findings, Sources};
use crate::plan::document::{NoteKind, Plan};

/// What a run has to show: the input of a report.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The command, such as `plan`.
    pub command: &'a str,
    /// The plan, unless the run ended before there was one.
    pub plan: Option<&'a Plan>,
    /// Everything that was found.
    pub findings: &'a Findings,
    /// The texts that findings point into.
    pub sources: &'a Sources,
    /// The lines that the change under review touches.
    pub changed: &'a ChangedLines,
    /// The folder of the configuration below the root of its git repository; empty when they are the same.
    pub folder: &'a str,
}

/// Everything that a report says.
#[derive(Debug)]
pub struct Model<'a> {
    /// What it was made from.
    pub run: Run<'a>,
    /// The numbers.
    pub summary: Summary,
    /// Restarts and time, in words; empty when there is nothing to say of them.
    pub impact: String,
    /// Targets whose members have changed.
    pub shifts: Vec<Shift<'a>>,
    /// Changes that read the same, put together.
    pub blocks: Vec<Block<'a>>,
    /// Changes and checks by tenant, most changes first.
    pub tenants: Vec<Share>,
    /// Changes and checks by item, most changes first.
    pub items: Vec<Share>,
    /// How the checks stand; the parts add up to all of them.
    pub standing: Vec<Part>,
    /// Notes that say the same, put together, by kind.
    pub notes: Vec<Noted<'a>>,
    /// Computers that are not completely known, each counted once: what is the matter, names, how many.
    pub unknown: Vec<Unknown<'a>>,
    /// What rules say and the run sets aside, in words; what is not set aside is among the remarks.
    pub set_aside: Vec<String>,
    /// Findings and notes as things to remark, the weightiest first.
    pub remarks: Vec<Remark>,
}

impl Model<'_> {
    /// Whether any report calls something a warning: a finding, or a note of that weight.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.remarks.iter().any(|remark| remark.weight == Weight::Warning)
    }
}

/// Notes of one kind.
#[derive(Debug)]
pub struct Noted<'a> {
    /// The kind.
    pub kind: NoteKind,
    /// Those that say the same, together.
    pub(super) groups: Vec<Group<'a>>,
}

/// Computers of which something is not known.
#[derive(Debug)]
pub struct Unknown<'a> {
    /// What is the matter with them.
    pub word: String,
    /// Their names, as far as they are told.
    pub names: Vec<&'a str>,
    /// How many there are.
    pub number: u64,
}

impl<'a> Model<'a> {
    /// Works everything out.
    #[must_use]
    pub fn of(run: Run<'a>) -> Self {
        let remarks = remarks::of(&run);
        let Some(plan) = run.plan else {
            return Self {
                run,
                summary: Summary::default(),
                impact: String::new(),
                shifts: Vec::new(),
                set_aside: Vec::new(),
                blocks: Vec::new(),
                tenants: Vec::new(),
                items: Vec::new(),
                standing: Vec::new(),
                notes: Vec::new(),
                unknown: Vec::new(),
                remarks,
            };
        };
        let notes = notes::groups(plan).into_iter().map(|(kind, groups)| Noted { kind, groups }).collect();
        let unknown = notes::unknown(plan)
            .into_iter()
            .map(|(word, names, number)| Unknown { word, names, number })
            .collect();
        Self {
            run,
            summary: Summary::of(plan),
            impact: terms::impact(&plan.impact),
            shifts: shifts(plan),
            set_aside: super::policy::set_aside(plan),
            blocks: blocks(plan, true),
            tenants: shares::tenants(plan),
            items: shares::items(plan),
            standing: shares::standing(&plan.coverage),
            notes,
            unknown,
            remarks,
        }
    }

    /// How many computers, tenants and removals, in one sentence without a full stop: what a reviewer reads first.
    #[must_use]
    pub fn headline(&self) -> String {
        let Summary { changes, computers, tenants, .. } = self.summary;
        match self.run.plan {
            None => {
                let valid = if self.run.findings.has_errors() { "not valid" } else { "valid" };
                format!("The configuration is {valid}: {}", self.findings())
            }
            Some(_) if changes == 0 => "No changes on 0 computers of 0 tenants, 0 removals".to_owned(),
            Some(_) => format!(
                "{} on {} of {}, {}",
                plural(changes, "change"),
                plural(computers, "computer"),
                plural(tenants, "tenant"),
                plural(self.summary.removals, "removal"),
            ),
        }
    }

    /// Why nothing happens, when nothing does (L10).
    #[must_use]
    pub fn why_nothing(&self) -> Option<String> {
        let plan = self.run.plan?;
        (self.summary.changes == 0).then(|| why_nothing(plan, &self.summary))
    }

    /// How many computers are not completely known and why, in words; nothing when all are.
    #[must_use]
    pub fn not_known(&self) -> Option<String> {
        let part = |part: &Unknown<'_>| format!("{} {}", thousands(part.number), part.word);
        let parts: Vec<String> = self.unknown.iter().map(part).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// What was found; notes are not among it.
    pub fn found(&self) -> impl Iterator<Item = &Remark> {
        self.remarks.iter().filter(|remark| !remark.is_note())
    }

    /// How many errors and warnings were found.
    #[must_use]
    pub fn findings(&self) -> String {
        super::diagnostic::summary(self.run.findings)
    }

    /// How many things are remarked of this weight.
    #[must_use]
    pub fn weighing(&self, weight: Weight) -> usize {
        self.remarks.iter().filter(|remark| remark.weight == weight).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{five_kinds, nothing, run, with_notes};

    #[test]
    fn the_headline_says_computers_tenants_and_removals() {
        let plan = five_kinds(1232);
        assert_eq!(
            Model::of(run(Some(&plan))).headline(),
            "1,779 changes on 1,232 computers of 3 tenants, 124 removals"
        );
        let plan = nothing(3);
        let model = Model::of(run(Some(&plan)));
        assert_eq!(model.headline(), "No changes on 0 computers of 0 tenants, 0 removals");
        assert_eq!(
            model.why_nothing().as_deref(),
            Some("No changes: all 15 checks on 3 computers found as wanted.")
        );
        assert_eq!(Model::of(run(None)).headline(), "The configuration is valid: no findings");
    }

    #[test]
    fn shares_of_tenants_and_of_items_add_up_to_all_changes() {
        let plan = with_notes(five_kinds(1000), 31);
        let model = Model::of(run(Some(&plan)));
        for shares in [&model.tenants, &model.items] {
            assert_eq!(shares.iter().map(|share| share.changes).sum::<u64>(), model.summary.changes);
            assert_eq!(shares.iter().map(|share| share.removals).sum::<u64>(), model.summary.removals);
            assert!(shares.windows(2).all(|pair| pair[0].changes >= pair[1].changes));
            assert_eq!(shares.iter().map(|share| share.checks.all()).sum::<u64>(), plan.coverage.checks);
            assert_eq!(shares.iter().map(|share| share.checks.differs).sum::<u64>(), plan.coverage.differs);
        }
    }

    #[test]
    fn the_standing_adds_up_to_all_checks() {
        let plan = with_notes(five_kinds(1000), 31);
        let parts = Model::of(run(Some(&plan))).standing;
        assert_eq!(parts.iter().map(|part| part.checks).sum::<u64>(), plan.coverage.checks);
        assert!(parts.iter().any(|part| part.standing == Standing::Differs && part.checks > 0));
    }
}
