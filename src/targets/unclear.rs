//! Names in an expression that do not stand for exactly one thing in a snapshot: computers, people, groups, agreements.
//!
//! Whether such a name selects nobody or is unknown is decided by `evaluate`; here it is told.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::asked;
use super::expr::{Expr, Resolved, Selector};
use crate::diagnostic::{Finding, Findings, Place, code};
use crate::inventory::relations::Trouble;
use crate::inventory::snapshot::{Lookup, Snapshot};

/// Calls `found` for every selector, each once for each place where it stands; named targets once.
fn visit<'e>(expression: &'e Expr, seen: &mut BTreeSet<*const Expr>, found: &mut impl FnMut(&'e Selector)) {
    match expression {
        Expr::Select(selector) => found(selector),
        Expr::All(members) | Expr::Any(members) => {
            for member in members {
                visit(member, seen, found);
            }
        }
        Expr::Not(inner) => visit(inner, seen, found),
        Expr::Target(_, inner) => {
            if seen.insert(std::sync::Arc::as_ptr(inner)) {
                visit(inner, seen, found);
            }
        }
    }
}

/// The `computer` selectors of an expression that do not stand for exactly one computer, with what they stand for;
/// for M0705.
#[must_use]
pub fn unclear_computers(expression: &Resolved, snapshot: &Snapshot) -> BTreeMap<String, Lookup> {
    let mut unclear = BTreeMap::new();
    visit(&expression.expr, &mut BTreeSet::new(), &mut |selector| {
        let Selector::Computer(text) = selector else { return };
        let lookup = snapshot.lookup(text);
        if !matches!(lookup, Lookup::One(_)) {
            unclear.insert(text.to_owned(), lookup);
        }
    });
    unclear
}

/// What is to be said of the people, groups, agreements, sites and scripts that an expression names, at `place` if it
/// stands in a file: groups
/// that are not there (M0720), names that several have (M0721), companies that a PSA does not have (M0722), names of
/// which nothing is known (M0723).
#[must_use]
pub fn unclear(expression: &Resolved, snapshot: &Snapshot, place: Option<&Place>) -> Findings {
    let mut said = BTreeMap::new();
    visit(&expression.expr, &mut BTreeSet::new(), &mut |selector| {
        if let Some(trouble) = asked(selector, snapshot).and_then(|asked| asked.trouble) {
            said.entry(selector.to_string()).or_insert((selector, trouble));
        }
    });
    let mut findings = Findings::new();
    for (text, (selector, trouble)) in said {
        let (code, message, help) = match trouble {
            // The failure of a source that was never read is told where it was tried.
            Trouble::Unread => continue,
            Trouble::Missing(near) => {
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let code = match selector {
                    Selector::Group { .. } => code::GROUP_NOT_FOUND,
                    _ => code::NAME_NOT_FOUND,
                };
                (code, format!("there is no {text}"), help)
            }
            Trouble::Several(count) => {
                let help = match selector {
                    Selector::Group { .. } => "write the group's id",
                    _ => "write the UPN",
                };
                let message = format!("{count} are called so: {text}; it selects none of them for certain");
                (code::NAME_NOT_UNIQUE, message, Some(help.to_owned()))
            }
            Trouble::Companies(tenants) => {
                let message = format!("{text}: the PSA does not have the company of {}", tenants.join(", "));
                let help =
                    "correct `psa.company` of the tenant; until then nothing is known of its agreements";
                (code::COMPANY_NOT_FOUND, message, Some(help.to_owned()))
            }
        };
        let finding = match place {
            Some(place) => Finding::new(code, message, place.clone()),
            None => Finding::without_place(code, message),
        };
        findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }
    findings
}
