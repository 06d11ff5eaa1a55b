//! Small rewrites that keep an expression's meaning and make it cheaper to evaluate and easier to rank.
//!
//! Laws (tested): the same members, certain and possible, over every snapshot; simplifying twice is simplifying once;
//! never larger. Only rewrites that hold in three-valued logic are used: `a and not a` stays, because it is unknown
//! where `a` is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::{Expr, Resolved};

/// The same expression with fewer parts: nested lists of one kind become one, repetitions and what is absorbed go,
/// double negation goes, every computer and no computer are drawn through. Named targets stay under their names.
#[must_use]
pub fn simplify(expression: &Resolved) -> Resolved {
    Resolved { expr: expr(&expression.expr), targets: expression.targets.clone() }
}

pub(super) fn expr(expression: &Expr) -> Expr {
    match expression {
        Expr::Select(_) => expression.clone(),
        Expr::All(members) => list(members, true),
        Expr::Any(members) => list(members, false),
        Expr::Not(inner) => match expr(inner) {
            Expr::Not(twice) => *twice,
            Expr::All(members) if members.is_empty() => Expr::NONE,
            Expr::Any(members) if members.is_empty() => Expr::EVERY,
            other => Expr::Not(Box::new(other)),
        },
        Expr::Target(name, inner) => match expr(inner) {
            every_or_none @ (Expr::All(_) | Expr::Any(_)) if is_empty(&every_or_none) => every_or_none,
            other => Expr::Target(name.clone(), Arc::new(other)),
        },
    }
}

fn is_empty(expression: &Expr) -> bool {
    matches!(expression, Expr::All(members) | Expr::Any(members) if members.is_empty())
}

/// Expressions, each once, in the order in which they came. Equal ones have the same text, so only those of one text are
/// compared with each other.
#[derive(Default)]
struct Distinct {
    members: Vec<Expr>,
    by_text: BTreeMap<String, Vec<usize>>,
}

impl Distinct {
    fn add(&mut self, expression: Expr) {
        let same = self.by_text.entry(expression.to_string()).or_default();
        if !same.iter().any(|at| self.members.get(*at) == Some(&expression)) {
            same.push(self.members.len());
            self.members.push(expression);
        }
    }

    fn holds(&self, expression: &Expr) -> bool {
        let same = self.by_text.get(&expression.to_string());
        same.is_some_and(|same| same.iter().any(|at| self.members.get(*at) == Some(expression)))
    }
}

/// `all` says whether it is a list of `all`, otherwise of `any`.
fn list(members: &[Expr], all: bool) -> Expr {
    let (neutral, decides) = if all { (Expr::EVERY, Expr::NONE) } else { (Expr::NONE, Expr::EVERY) };
    let mut flat: Vec<Expr> = Vec::with_capacity(members.len());
    for member in members {
        match expr(member) {
            member if member == decides => return decides,
            member if member == neutral => {}
            Expr::All(inner) if all => flat.extend(inner),
            Expr::Any(inner) if !all => flat.extend(inner),
            member => flat.push(member),
        }
    }
    let mut kept = Distinct::default();
    for member in flat {
        kept.add(member);
    }
    // Absorption: in `a and (a or b)` and in `a or (a and b)` the second part says nothing new.
    let absorbed = |member: &Expr| match member {
        Expr::Any(inner) if all => inner.iter().any(|part| kept.holds(part)),
        Expr::All(inner) if !all => inner.iter().any(|part| kept.holds(part)),
        _ => false,
    };
    let mut rest: Vec<Expr> = kept.members.iter().filter(|member| !absorbed(member)).cloned().collect();
    match (rest.len(), all) {
        (1, _) => rest.swap_remove(0),
        (_, true) => Expr::All(rest),
        (_, false) => Expr::Any(rest),
    }
}
