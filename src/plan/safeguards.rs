//! What keeps rollouts safe, compared between two configurations: budgets, guardrails, exceptions, protections, business
//! hours; and the order of items, which holds for every tenant too.
//!
//! Not here: judging a plan by them (`policy`), and what is wanted (`desired`).
//!
//! Invariant: two sides are the same when they say the same, wherever it is written.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::desired::DiffKind;
use crate::config::Config;
use crate::config::kind::ItemRef;
use crate::config::safety::{Allowance, Exception, Guardrail, Hours};
use crate::diagnostic::Place;

/// What became of a safeguard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SafeguardDiff {
    /// What it is, such as `guardrail few-removals` or `budget removals per run`.
    pub what: String,
    /// What happened to it.
    pub kind: DiffKind,
    /// What it said, where that is short.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
    /// Where it stands now, or stood; what holds by default stands nowhere.
    pub place: Option<String>,
}

/// One safeguard of one side.
struct Safeguard<'a> {
    /// Tells it from others.
    says: String,
    /// Whether what it says is short enough to be shown.
    shown: bool,
    place: Option<&'a Place>,
}

/// Compares two configurations.
#[must_use]
pub fn compare(base: &Config, head: &Config) -> Vec<SafeguardDiff> {
    let (before, after) = (all(base), all(head));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter_map(|what| {
            let (old, new) = (before.get(what), after.get(what));
            let kind = match (old, new) {
                (None, _) => DiffKind::Added,
                (_, None) => DiffKind::Removed,
                (Some(old), Some(new)) if old.says == new.says => return None,
                _ => DiffKind::Changed,
            };
            let text =
                |side: Option<&Safeguard<'_>>| side.filter(|one| one.shown).map(|one| one.says.clone());
            let place = new.or(old).and_then(|one| one.place).or_else(|| old.and_then(|one| one.place));
            Some(SafeguardDiff {
                what: what.clone(),
                kind,
                before: text(old),
                after: text(new),
                place: place.map(ToString::to_string),
            })
        })
        .collect()
}

fn all(config: &Config) -> BTreeMap<String, Safeguard<'_>> {
    let safety = &config.safety;
    let mut list = BTreeMap::new();
    for (budgets, per) in [(&safety.budgets.per_run, "run"), (&safety.budgets.per_tenant, "tenant")] {
        for (kind, budget) in budgets {
            let says = allowance(budget.allowance);
            let one = Safeguard { says, shown: true, place: budget.place.as_ref() };
            list.insert(format!("budget {} per {per}", kind.as_str()), one);
        }
    }
    for (name, rule) in &safety.guardrails {
        let one = Safeguard { says: guardrail(rule), shown: false, place: Some(&rule.place) };
        list.insert(format!("guardrail {name}"), one);
    }
    for (name, made) in &safety.exceptions {
        let one = Safeguard { says: exception(made), shown: false, place: Some(&made.place) };
        list.insert(format!("exception {name}"), one);
    }
    for (key, place) in &safety.protected {
        let one = Safeguard { says: String::new(), shown: false, place: Some(place) };
        list.insert(format!("protection of {key}"), one);
    }
    for (tenant, given) in safety
        .tenant_hours
        .iter()
        .map(|(name, hours)| (Some(name), hours))
        .chain(safety.hours.iter().map(|hours| (None, hours)))
    {
        let what =
            tenant.map_or_else(|| "business hours".to_owned(), |name| format!("business hours of {name}"));
        list.insert(what, Safeguard { says: hours(given), shown: true, place: None });
    }
    for (items, what) in [(&config.order.first, "order: first"), (&config.order.last, "order: last")] {
        if !items.is_empty() {
            let says: Vec<String> = items.iter().map(item).collect();
            list.insert(what.to_owned(), Safeguard { says: says.join(", "), shown: true, place: None });
        }
    }
    list
}

fn allowance(allowance: Allowance) -> String {
    match allowance {
        Allowance::Unlimited => "unlimited".to_owned(),
        Allowance::Count(count) => count.to_string(),
        Allowance::Percent { percent, minimum } => format!("{percent} %, at least {minimum}"),
    }
}

fn guardrail(guardrail: &Guardrail) -> String {
    let rule = &guardrail.rule;
    let when = rule.when.as_ref().map(|when| &when.text);
    format!(
        "{:?} {when:?} {:?} {} {:?} {}",
        rule.subject, rule.condition.text, rule.denies_when, guardrail.stages, guardrail.overridable
    )
}

fn exception(exception: &Exception) -> String {
    let Exception { guardrail, deployments, tenants, items, computers, owner, expires, .. } = exception;
    let items: Vec<String> = items.iter().map(item).collect();
    format!("{guardrail} {deployments:?} {tenants:?} {items:?} {computers:?} {owner} {expires}")
}

fn hours(hours: &Hours) -> String {
    let days: Vec<String> = hours.days.iter().map(|day| format!("{day:?}").to_lowercase()).collect();
    let zone = hours.zone.iana_name().unwrap_or("UTC");
    format!("{} {}-{} {zone}", days.join(" "), hours.from, hours.to)
}

fn item(item: &ItemRef) -> String {
    match item {
        ItemRef::Software(name) => format!("software {name}"),
        ItemRef::Task(name) => format!("task {name}"),
    }
}
