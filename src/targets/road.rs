//! Why one computer is a member, or is not: the selectors that decided, in words for people (TGT-7, L10).

use std::collections::BTreeMap;
use std::fmt;

use super::evaluate;
use super::expr::{Expr, Resolved, Selector};
use crate::inventory::snapshot::Snapshot;

/// The selectors by which a computer is a certain member, in the order of the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Road {
    /// Such as `tenant contoso` or `tag kiosk (of its tenant contoso)`.
    pub steps: Vec<String>,
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps.join(", "))
    }
}

/// Why a computer is no certain member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyNot {
    /// The conditions that do not hold, such as `not role server` or `role is not known`.
    pub steps: Vec<String>,
    /// Whether it may be a member: what decides is not known of it.
    pub unknown: bool,
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps.join(", "))
    }
}

/// By which selectors a computer is a certain member; `None` when it is not.
#[must_use]
pub fn road(expression: &Resolved, snapshot: &Snapshot, ix: u32) -> Option<Road> {
    let walk = Walk { snapshot, ix };
    let verdict = walk.verdict(&expression.expr);
    (verdict.holds == Some(true)).then_some(Road { steps: verdict.steps })
}

/// Why a computer is no certain member; `None` when it is one.
#[must_use]
pub fn why_not(expression: &Resolved, snapshot: &Snapshot, ix: u32) -> Option<WhyNot> {
    let walk = Walk { snapshot, ix };
    let verdict = walk.verdict(&expression.expr);
    (verdict.holds != Some(true)).then_some(WhyNot { steps: verdict.steps, unknown: verdict.holds.is_none() })
}

/// Whether an expression holds of the computer, and the steps that made it so.
struct Verdict {
    holds: Option<bool>,
    steps: Vec<String>,
}

struct Walk<'a> {
    snapshot: &'a Snapshot,
    ix: u32,
}

impl Walk<'_> {
    fn verdict(&self, expression: &Expr) -> Verdict {
        match expression {
            Expr::Select(selector) => self.selector(selector),
            Expr::All(members) if members.is_empty() => {
                Verdict { holds: Some(true), steps: vec!["every computer".to_owned()] }
            }
            Expr::Any(members) if members.is_empty() => {
                Verdict { holds: Some(false), steps: vec!["no computer".to_owned()] }
            }
            Expr::All(members) => self.list(members, Some(false)),
            Expr::Any(members) => self.list(members, Some(true)),
            // The steps of what is negated already say what is and what is not.
            Expr::Not(inner) => {
                let Verdict { holds, steps } = self.verdict(inner);
                Verdict { holds: holds.map(|holds| !holds), steps }
            }
            Expr::Target(name, inner) => {
                let Verdict { holds, steps } = self.verdict(inner);
                let word = match holds {
                    Some(true) => "target",
                    Some(false) => "not target",
                    None => "unclear whether target",
                };
                Verdict { holds, steps: vec![format!("{word} {name} ({})", steps.join(", "))] }
            }
        }
    }

    /// One member with the verdict `decides` settles the list; without one the unknown members do, and else all.
    fn list(&self, members: &[Expr], decides: Option<bool>) -> Verdict {
        let mut by_verdict: BTreeMap<Option<bool>, Vec<String>> = BTreeMap::new();
        for member in members {
            let Verdict { holds, steps } = self.verdict(member);
            by_verdict.entry(holds).or_default().extend(steps);
        }
        let otherwise = decides.map(|holds| !holds);
        for holds in [decides, None, otherwise] {
            if let Some(steps) = by_verdict.remove(&holds) {
                return Verdict { holds, steps };
            }
        }
        Verdict { holds: otherwise, steps: Vec::new() }
    }

    fn selector(&self, selector: &Selector) -> Verdict {
        let membership = evaluate::selector(selector, self.snapshot);
        if membership.certain.contains(self.ix) {
            return Verdict { holds: Some(true), steps: vec![self.matched(selector)] };
        }
        if membership.possible.contains(self.ix) {
            return Verdict { holds: None, steps: vec![format!("not known: {selector}")] };
        }
        Verdict { holds: Some(false), steps: vec![format!("not {selector}")] }
    }

    /// The selector in words, with what says more than itself.
    fn matched(&self, selector: &Selector) -> String {
        let Some(computer) = self.snapshot.get(self.ix) else { return selector.to_string() };
        let tenant = computer.tenant.as_ref().map_or("", |tenant| tenant.as_str());
        match selector {
            Selector::Tag(tag) => {
                let own = computer.tags.contains(tag);
                let by_tenant = self.snapshot.tenant_tags().with(tag).contains(self.ix);
                match (own, by_tenant) {
                    (true, true) => format!("{selector} (its own, and of its tenant {tenant})"),
                    (true, false) => format!("{selector} (its own)"),
                    _ => format!("{selector} (of its tenant {tenant})"),
                }
            }
            Selector::TenantTree { name, .. } if tenant != name.as_str() => {
                format!("{selector} (as {tenant})")
            }
            Selector::TenantTag(_) => format!("{selector} (as {tenant})"),
            _ => selector.to_string(),
        }
    }
}
