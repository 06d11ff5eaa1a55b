//! Budgets: what a run does, compared with what the Instance allows.
//!
//! A percentage is of the computers in the run's scope (per tenant: of the tenant's computers in it), rounded down, and
//! at least the minimum. A budget is breached by more than it allows.

use crate::config::safety::{Allowance, Budget, BudgetKind, Budgets, budget_name};
use crate::id::Name;
use crate::policy::tally::{Counts, Tally};
use crate::policy::verdict::{RuleKind, Verdict, Weight};

/// What breaches a budget.
#[must_use]
pub fn breaches(budgets: &Budgets, tally: &Tally) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (kind, budget) in &budgets.per_run {
        verdicts.extend(breach(*kind, budget, &tally.run, Set::Run));
    }
    for (kind, budget) in &budgets.per_tenant {
        for (tenant, counts) in &tally.tenants {
            verdicts.extend(breach(*kind, budget, counts, tenant.as_ref().map_or(Set::Rest, Set::Tenant)));
        }
    }
    verdicts
}

/// How much of a kind there is.
#[must_use]
pub const fn used(kind: BudgetKind, counts: &Counts) -> u64 {
    match kind {
        BudgetKind::Computers => counts.computers,
        BudgetKind::Removals => counts.removals,
        BudgetKind::Reboots => counts.reboots,
        BudgetKind::Interruptions => counts.interruptions,
    }
}

/// Whose computers a budget is about.
#[derive(Clone, Copy)]
enum Set<'a> {
    Run,
    Tenant(&'a Name),
    Rest,
}

fn breach(kind: BudgetKind, budget: &Budget, counts: &Counts, of: Set<'_>) -> Option<Verdict> {
    let used = used(kind, counts);
    let allowed = budget.allowance.of(counts.scope).filter(|allowed| used > *allowed)?;
    let rule = budget_name(kind, !matches!(of, Set::Run));
    let set = match of {
        Set::Run => "in scope".to_owned(),
        Set::Rest => "without a tenant".to_owned(),
        Set::Tenant(name) => format!("of {name} in scope"),
    };
    let why = match budget.allowance {
        Allowance::Percent { percent, minimum } => {
            format!(" ({percent} % of {} {set}, at least {minimum})", counts.scope)
        }
        Allowance::Count(_) | Allowance::Unlimited => String::new(),
    };
    let what = what(kind, used);
    let by_default = if budget.place.is_none() { ", by default" } else { "" };
    Some(Verdict {
        kind: RuleKind::Budget,
        weight: Weight::Deny,
        subject: match of {
            Set::Run => "the run".to_owned(),
            Set::Rest => "computers without a tenant".to_owned(),
            Set::Tenant(name) => format!("tenant {name}"),
        },
        message: format!("{what}, and {allowed} allowed{why}{by_default}"),
        help: Some(format!(
            "limit the run with --only, raise the budget, or set it aside with --override {rule} --reason TEXT"
        )),
        rule,
        place: budget.place.clone(),
        about: None,
        set_aside: None,
        expired: None,
    })
}

fn what(kind: BudgetKind, used: u64) -> String {
    let one = used == 1;
    let noun = match kind {
        BudgetKind::Computers if one => "computer changed",
        BudgetKind::Computers => "computers changed",
        BudgetKind::Removals if one => "removal",
        BudgetKind::Removals => "removals",
        BudgetKind::Reboots if one => "computer restarted",
        BudgetKind::Reboots => "computers restarted",
        BudgetKind::Interruptions if one => "computer interrupted",
        BudgetKind::Interruptions => "computers interrupted",
    };
    format!("{used} {noun}")
}
