//! Why one computer is a member, or is not: the selectors that decided, in words for people (TGT-7, L10).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use super::evaluate::{self, Membership};
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

/// By which selectors a computer is a certain member; `None` when it is not. For many computers use [`Roads`].
#[must_use]
pub fn road(expression: &Resolved, snapshot: &Snapshot, ix: u32) -> Option<Road> {
    Roads::new(expression, snapshot).road(ix)
}

/// Why a computer is no certain member; `None` when it is one. For many computers use [`Roads`].
#[must_use]
pub fn why_not(expression: &Resolved, snapshot: &Snapshot, ix: u32) -> Option<WhyNot> {
    Roads::new(expression, snapshot).why_not(ix)
}

/// The roads of many computers through one expression. Each selector is evaluated once.
#[derive(Debug)]
pub struct Roads<'a> {
    expression: &'a Resolved,
    snapshot: &'a Snapshot,
    made: RefCell<BTreeMap<(*const Selector, bool), Membership>>,
}

impl<'a> Roads<'a> {
    /// Nothing is evaluated yet.
    #[must_use]
    pub fn new(expression: &'a Resolved, snapshot: &'a Snapshot) -> Self {
        Self { expression, snapshot, made: RefCell::default() }
    }

    /// By which selectors a computer is a certain member; `None` when it is not.
    #[must_use]
    pub fn road(&self, ix: u32) -> Option<Road> {
        let verdict = Walk { roads: self, ix }.verdict(&self.expression.expr, false);
        (verdict.holds == Some(true)).then_some(Road { steps: verdict.steps })
    }

    /// Why a computer is no certain member; `None` when it is one.
    #[must_use]
    pub fn why_not(&self, ix: u32) -> Option<WhyNot> {
        let verdict = Walk { roads: self, ix }.verdict(&self.expression.expr, false);
        (verdict.holds != Some(true))
            .then_some(WhyNot { steps: verdict.steps, unknown: verdict.holds.is_none() })
    }

    /// Whether a selector selects a computer.
    fn selects(&self, selector: &Selector, negated: bool, ix: u32) -> Option<bool> {
        let mut made = self.made.borrow_mut();
        let membership = made
            .entry((std::ptr::from_ref(selector), negated))
            .or_insert_with(|| evaluate::selector(selector, self.snapshot, negated));
        if membership.certain.contains(ix) {
            Some(true)
        } else if membership.possible.contains(ix) {
            None
        } else {
            Some(false)
        }
    }
}

/// Whether an expression holds of the computer, and the steps that made it so.
struct Verdict {
    holds: Option<bool>,
    steps: Vec<String>,
}

struct Walk<'a> {
    roads: &'a Roads<'a>,
    ix: u32,
}

impl Walk<'_> {
    /// `negated` says whether the expression stands below an odd number of `not`.
    fn verdict(&self, expression: &Expr, negated: bool) -> Verdict {
        match expression {
            Expr::Select(selector) => self.selector(selector, negated),
            Expr::All(members) if members.is_empty() => {
                Verdict { holds: Some(true), steps: vec!["every computer".to_owned()] }
            }
            Expr::Any(members) if members.is_empty() => {
                Verdict { holds: Some(false), steps: vec!["no computer".to_owned()] }
            }
            Expr::All(members) => self.list(members, negated, Some(false)),
            Expr::Any(members) => self.list(members, negated, Some(true)),
            // The steps of what is negated already say what is and what is not.
            Expr::Not(inner) => {
                let Verdict { holds, steps } = self.verdict(inner, !negated);
                Verdict { holds: holds.map(|holds| !holds), steps }
            }
            Expr::Target(name, inner) => {
                let Verdict { holds, steps } = self.verdict(inner, negated);
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
    fn list(&self, members: &[Expr], negated: bool, decides: Option<bool>) -> Verdict {
        let mut by_verdict: BTreeMap<Option<bool>, Vec<String>> = BTreeMap::new();
        for member in members {
            let Verdict { holds, steps } = self.verdict(member, negated);
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

    fn selector(&self, selector: &Selector, negated: bool) -> Verdict {
        let holds = self.roads.selects(selector, negated, self.ix);
        let step = match holds {
            Some(true) => self.matched(selector),
            None => format!("not known: {selector}"),
            Some(false) => format!("not {selector}"),
        };
        Verdict { holds, steps: vec![step] }
    }

    /// The selector in words, with what says more than itself.
    fn matched(&self, selector: &Selector) -> String {
        let (snapshot, ix) = (self.roads.snapshot, self.ix);
        let Some(computer) = snapshot.get(ix) else { return selector.to_string() };
        let related = snapshot.related();
        let tenant = computer.tenant.as_ref().map_or("", |tenant| tenant.as_str());
        let person = || related.primary_person(ix).unwrap_or_default();
        let more = match selector {
            Selector::Tag(tag) => {
                let own = computer.tags.contains(tag).then(|| "its own".to_owned());
                let by_tenant = snapshot.tenant_tags().with(tag).contains(ix);
                let by_tenant = by_tenant.then(|| format!("of its tenant {tenant}"));
                let by_person = related.of_person_tag(tag).certain.contains(ix);
                let by_person = by_person.then(|| format!("of its primary person {}", person()));
                let roads: Vec<String> = [own, by_tenant, by_person].into_iter().flatten().collect();
                Some(roads.join(", and "))
            }
            Selector::TenantTree { name, .. } if tenant != name.as_str() => Some(format!("as {tenant}")),
            Selector::TenantTag(_) => Some(format!("as {tenant}")),
            Selector::Person(text) if !text.trim().eq_ignore_ascii_case(person()) => {
                Some(person().to_owned())
            }
            Selector::Group { directory, name, .. } => related.road_to_group(directory, name, ix),
            Selector::Agreement { psa, kind, product } => computer.tenant.as_ref().and_then(|tenant| {
                related.road_to_agreement(psa, tenant, kind.as_deref(), product.as_deref())
            }),
            _ => None,
        };
        match more {
            Some(more) => format!("{selector} ({more})"),
            None => selector.to_string(),
        }
    }
}
