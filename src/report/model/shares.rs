//! Who and what the changes fall on, and how the checks stand.
//!
//! Invariants: shares by tenant and by item each add up to all changes; the parts of the standing to all checks.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::document::{NoteKind, Plan};
use crate::plan::effects;
use crate::report::terms;
use crate::report::words::count;

/// The changes of one tenant or of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The tenant's name or the item's title.
    pub name: String,
    /// Changes, removals included.
    pub changes: u64,
    /// Removals.
    pub removals: u64,
    /// Computers with at least one of them.
    pub computers: u64,
}

/// Where a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Found as wanted.
    Wanted,
    /// Found otherwise.
    Differs,
    /// Known, too long ago.
    Stale,
    /// Detection ran and did not tell.
    Undetermined,
    /// Never answered, or not reached.
    Unknown,
    /// Makes no sense on that platform.
    NotApplicable,
}

impl Standing {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wanted => "as wanted",
            Self::Differs => "differs",
            Self::Stale => "too old",
            Self::Undetermined => "undetermined",
            Self::Unknown => "not known",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// So many checks stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where they stand.
    pub standing: Standing,
    /// How many.
    pub checks: u64,
}

#[derive(Default)]
struct Count {
    changes: u64,
    removals: u64,
    computers: BTreeSet<u32>,
}

/// Changes by tenant, most first.
pub(super) fn tenants(plan: &Plan) -> Vec<Share> {
    let tenant = |at: u32| {
        let computer = plan.computers.get(usize::try_from(at).ok()?)?;
        Some(computer.tenant.as_ref()?.to_string())
    };
    let of: Vec<Option<String>> = (0..).take(plan.computers.len()).map(tenant).collect();
    let mut counts: BTreeMap<Option<&str>, Count> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| terms::acts(change)) {
        for at in &change.computers {
            let name = usize::try_from(*at).ok().and_then(|at| of.get(at)).and_then(Option::as_deref);
            let entry = counts.entry(name).or_default();
            entry.changes += 1;
            entry.removals += u64::from(effects::removes(change));
            entry.computers.insert(*at);
        }
    }
    sorted(counts.into_iter().map(|(name, count)| (name.unwrap_or("(no tenant)").to_owned(), count)))
}

/// Changes by item, most first.
pub(super) fn items(plan: &Plan) -> Vec<Share> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| terms::acts(change)) {
        let entry = counts.entry(change.title.clone()).or_default();
        let number = count(change.computers.len());
        entry.changes += number;
        entry.removals += if effects::removes(change) { number } else { 0 };
        entry.computers.extend(&change.computers);
    }
    sorted(counts.into_iter())
}

fn sorted(counts: impl Iterator<Item = (String, Count)>) -> Vec<Share> {
    let mut shares: Vec<Share> = counts
        .map(|(name, counted)| Share {
            name,
            changes: counted.changes,
            removals: counted.removals,
            computers: count(counted.computers.len()),
        })
        .collect();
    shares.sort_by(|a, b| b.changes.cmp(&a.changes).then_with(|| a.name.cmp(&b.name)));
    shares
}

/// How the checks stand. What differs is what changes or is only told; a prerequisite is no check of its own.
pub(super) fn standing(plan: &Plan) -> Vec<Part> {
    let changes = plan.changes.iter().filter(|change| change.action.changes() && change.needed_by.is_none());
    let told = plan.notes.iter().filter(|note| note.kind == NoteKind::NonCompliant);
    let differs: u64 = changes.map(|change| count(change.computers.len())).sum::<u64>()
        + told.map(|note| count(note.computers.len())).sum::<u64>();
    let coverage = &plan.coverage;
    let differs = differs.min(coverage.detected);
    [
        (Standing::Wanted, coverage.detected - differs),
        (Standing::Differs, differs),
        (Standing::Stale, coverage.stale),
        (Standing::Undetermined, coverage.undetermined),
        (Standing::Unknown, coverage.unknown),
        (Standing::NotApplicable, coverage.not_applicable),
    ]
    .into_iter()
    .map(|(standing, checks)| Part { standing, checks })
    .collect()
}
