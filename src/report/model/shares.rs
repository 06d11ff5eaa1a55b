//! Who and what the changes fall on, and how the checks stand: in all, by tenant and by item.
//!
//! Not here: counting checks (`plan::coverage`).
//!
//! Invariants: shares by tenant and by item each add up to all changes and to all checks; the parts of a standing to its
//! checks; nothing is told as complete that is not.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::plan::document::{Checks, Coverage, Plan};
use crate::plan::effects;
use crate::report::terms;
use crate::report::words::count;

/// The changes and checks of one tenant or of one item.
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
    /// Computers of which something is wanted; only told of tenants.
    pub managed: u64,
    /// Those of them of which everything is known; only told of tenants.
    pub known: u64,
    /// Its checks.
    pub checks: Checks,
}

impl Share {
    /// Checks that make sense.
    #[must_use]
    pub const fn applicable(&self) -> u64 {
        self.checks.all() - self.checks.not_applicable
    }

    /// Checks of which it is not known how they stand: too old, never answered, or not told.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.applicable() - self.checks.detected()
    }

    /// How much of what makes sense is as wanted, as [`percent`] says it.
    #[must_use]
    pub fn percent(&self) -> Option<String> {
        percent(&self.standing())
    }

    /// How its checks stand; headings without a check are left out.
    #[must_use]
    pub fn standing(&self) -> Vec<Part> {
        parts(&self.checks).into_iter().filter(|part| part.checks > 0).collect()
    }

    /// Whether less of this one is as wanted; of two alike, whether more checks are otherwise.
    fn worse(&self, other: &Self) -> Ordering {
        let of = |one: &Self, other: &Self| u128::from(one.checks.wanted) * u128::from(other.applicable());
        let rest = |one: &Self| one.applicable() - one.checks.wanted;
        of(self, other)
            .cmp(&of(other, self))
            .then_with(|| rest(other).cmp(&rest(self)))
            .then_with(|| self.name.cmp(&other.name))
    }
}

/// How much of what makes sense is as wanted, in words: `99.9 %`. Rounded down, so that only all of it is 100 %; what is not
/// known is not as wanted (L7). `None` without such checks.
#[must_use]
pub fn percent(parts: &[Part]) -> Option<String> {
    let sum = |counts: &dyn Fn(Standing) -> bool| -> u128 {
        parts.iter().filter(|part| counts(part.standing)).map(|part| u128::from(part.checks)).sum()
    };
    let wanted = sum(&|standing| standing == Standing::Wanted);
    let thousandths = (wanted * 1000).checked_div(sum(&|standing| standing != Standing::NotApplicable))?;
    Some(match thousandths {
        1000 => "100 %".to_owned(),
        some => format!("{}.{} %", some / 10, some % 10),
    })
}

/// Those with checks, the ones first of which least is as wanted.
#[must_use]
pub fn worst(shares: &[Share]) -> Vec<&Share> {
    let mut worst: Vec<&Share> = shares.iter().filter(|share| share.applicable() > 0).collect();
    worst.sort_by(|a, b| a.worse(b));
    worst
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
    managed: u64,
    known: u64,
    checks: Checks,
}

/// Changes and checks by tenant, most changes first.
pub(super) fn tenants(plan: &Plan) -> Vec<Share> {
    let tenant = |at: u32| plan.computers.get(usize::try_from(at).ok()?)?.tenant.as_ref();
    let mut counts: BTreeMap<Option<&str>, Count> = BTreeMap::new();
    for of_it in &plan.coverage.tenants {
        let entry = counts.entry(of_it.tenant.as_ref().map(AsRef::as_ref)).or_default();
        entry.managed = of_it.computers.into();
        entry.known = of_it.known.into();
        entry.checks = of_it.checks;
    }
    for change in plan.changes.iter().filter(|change| terms::acts(change)) {
        for at in &change.computers {
            let entry = counts.entry(tenant(*at).map(AsRef::as_ref)).or_default();
            entry.changes += 1;
            entry.removals += u64::from(effects::removes(change));
            entry.computers.insert(*at);
        }
    }
    sorted(counts.into_iter().map(|(name, count)| (name.unwrap_or("(no tenant)").to_owned(), count)))
}

/// Changes and checks by item, most changes first.
pub(super) fn items(plan: &Plan) -> Vec<Share> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for of_it in &plan.coverage.items {
        let entry = counts.entry(of_it.title.clone()).or_default();
        let Checks { wanted, differs, stale, unknown, undetermined, not_applicable } = of_it.checks;
        entry.checks.wanted += wanted;
        entry.checks.differs += differs;
        entry.checks.stale += stale;
        entry.checks.unknown += unknown;
        entry.checks.undetermined += undetermined;
        entry.checks.not_applicable += not_applicable;
    }
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
            managed: counted.managed,
            known: counted.known,
            checks: counted.checks,
        })
        .collect();
    shares.sort_by(|a, b| b.changes.cmp(&a.changes).then_with(|| a.worse(b)));
    shares
}

/// How all checks stand.
pub(super) fn standing(coverage: &Coverage) -> Vec<Part> {
    parts(&Checks {
        wanted: coverage.detected.saturating_sub(coverage.differs),
        differs: coverage.differs.min(coverage.detected),
        stale: coverage.stale,
        unknown: coverage.unknown,
        undetermined: coverage.undetermined,
        not_applicable: coverage.not_applicable,
    })
}

fn parts(checks: &Checks) -> Vec<Part> {
    [
        (Standing::Wanted, checks.wanted),
        (Standing::Differs, checks.differs),
        (Standing::Stale, checks.stale),
        (Standing::Undetermined, checks.undetermined),
        (Standing::Unknown, checks.unknown),
        (Standing::NotApplicable, checks.not_applicable),
    ]
    .into_iter()
    .map(|(standing, checks)| Part { standing, checks })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(name: &str, wanted: u64, differs: u64, unknown: u64) -> Share {
        let checks = Checks { wanted, differs, unknown, not_applicable: 3, ..Checks::default() };
        let name = name.to_owned();
        Share { name, changes: 0, removals: 0, computers: 0, managed: 0, known: 0, checks }
    }

    #[test]
    fn what_is_not_known_is_not_as_wanted_and_nothing_is_rounded_up() {
        for (wanted, differs, unknown, said) in [
            (10, 0, 0, Some("100 %")),
            (9_999, 1, 0, Some("99.9 %")),
            (9_999, 0, 1, Some("99.9 %")),
            (1, 0, 2, Some("33.3 %")),
            (0, 5, 0, Some("0.0 %")),
            (0, 0, 0, None),
            (u64::MAX / 2, 1, 1, Some("99.9 %")),
        ] {
            assert_eq!(share("a", wanted, differs, unknown).percent().as_deref(), said);
        }
        assert_eq!(share("a", 7, 2, 5).open(), 5);
    }

    #[test]
    fn the_worst_come_first_by_their_share_and_then_by_their_number() {
        let shares = [
            share("good", 10, 0, 0),
            share("half", 5, 5, 0),
            share("large-half", 500, 0, 500),
            share("nothing", 0, 0, 0),
            share("bad", 1, 9, 0),
        ];
        let names: Vec<&str> = worst(&shares).iter().map(|share| share.name.as_str()).collect();
        assert_eq!(names, ["bad", "large-half", "half", "good"]);
    }
}
