//! Names in an expression that do not stand for exactly one thing in a snapshot: computers, people, groups, agreements.
//!
//! Whether such a name selects nobody or is unknown is decided by `evaluate`; here it is told.
//!
//! Invariant: a name that must stand for something and stands for nothing leaves the target undecided where it leaves
//! computers out, that is below an odd number of `not`; elsewhere it selects nobody. Either is told (TGT-16).

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::{asked, is_nobody};
use super::expr::{Expr, Resolved, Selector};
use crate::diagnostic::{Code, Finding, Findings, Place, Severity, code, nearest};
use crate::inventory::relations::Trouble;
use crate::inventory::snapshot::{Lookup, Snapshot};

/// Calls `found` for every selector and with whether it is negated, each once for each place where it stands; those of
/// named targets once for each of both.
fn visit<'e>(expression: &'e Resolved, mut found: impl FnMut(&'e Selector, bool)) {
    walk(&expression.expr, false, &mut BTreeSet::new(), &mut found);
}

fn walk<'e>(
    expression: &'e Expr,
    negated: bool,
    seen: &mut BTreeSet<(*const Expr, bool)>,
    found: &mut impl FnMut(&'e Selector, bool),
) {
    match expression {
        Expr::Select(selector) => found(selector, negated),
        Expr::All(members) | Expr::Any(members) => {
            for member in members {
                walk(member, negated, seen, found);
            }
        }
        Expr::Not(inner) => walk(inner, !negated, seen, found),
        Expr::Target(_, inner) => {
            if seen.insert((std::sync::Arc::as_ptr(inner), negated)) {
                walk(inner, negated, seen, found);
            }
        }
    }
}

/// A `computer` selector that does not stand for exactly one computer.
struct UnclearComputer {
    lookup: Lookup,
    negated: bool,
}

/// What is to be said of the computers that an expression names, at `place` if it stands in a file: names that nobody
/// lists (M0705, and M0760 where they are left out), and those that several have (M0705, an error).
#[must_use]
pub fn unclear_computers(expression: &Resolved, snapshot: &Snapshot, place: Option<&Place>) -> Findings {
    let mut found: BTreeMap<&str, UnclearComputer> = BTreeMap::new();
    visit(expression, |selector, negated| {
        let Selector::Computer(text) = selector else { return };
        if let Some(known) = found.get_mut(text.as_str()) {
            known.negated |= negated;
            return;
        }
        let lookup = snapshot.lookup(text);
        if !matches!(lookup, Lookup::One(_)) {
            found.insert(text, UnclearComputer { lookup, negated });
        }
    });
    let said = found.into_iter().map(|(text, UnclearComputer { lookup, negated })| match lookup {
        Lookup::Several(_) => {
            let message = format!("several computers are called {text}, so none of them is selected");
            let mut finding = told(code::COMPUTER_NOT_FOUND, message, place).help("write provider/name");
            // What is written may be an exemption that would fall away.
            finding.severity = Severity::Error;
            finding
        }
        Lookup::None | Lookup::One(_) => {
            let near = snapshot.nearest_name(text).map(|near| format!("did you mean `{near}`?"));
            let message = format!("no provider lists a computer called {text}");
            if negated {
                return left_out(&message, near, place);
            }
            let finding = told(code::COMPUTER_NOT_FOUND, message, place);
            match near {
                Some(near) => finding.help(near),
                None => finding,
            }
        }
    });
    said.collect()
}

fn told(code: Code, message: impl Into<String>, place: Option<&Place>) -> Finding {
    match place {
        Some(place) => Finding::new(code, message, place.clone()),
        None => Finding::without_place(code, message),
    }
}

/// The finding for a name of nobody below a `not`. In a file it is a warning, as nothing is done by the target, and whoever
/// takes a computer out of a system of one customer does not stop the runs of all; what was just typed is refused.
fn left_out(what: &str, near: Option<String>, place: Option<&Place>) -> Finding {
    let message =
        format!("{what}, so nobody knows whom the `not` leaves out; nothing is done by this target");
    let help = near.unwrap_or_else(|| "correct the name, or take it out if it is gone for good".to_owned());
    let mut finding = told(code::EXEMPTION_NOT_FOUND, message, place).help(help);
    if place.is_none() {
        finding.severity = Severity::Error;
    }
    finding
}

/// What is to be said of the people, groups, agreements, sites and scripts that an expression names, at `place` if it
/// stands in a file: groups
/// that are not there (M0720), names that several have (M0721), companies that a PSA does not have (M0722), names of
/// which nothing is known (M0723, and M0760 where they are left out), tags that are left out, that nobody has, and that
/// are nearly those that somebody has (M0761).
#[must_use]
pub fn unclear(expression: &Resolved, snapshot: &Snapshot, place: Option<&Place>) -> Findings {
    let mut said = BTreeMap::new();
    let mut tags = BTreeMap::new();
    visit(expression, |selector, negated| {
        if let Selector::Tag(tag) | Selector::TenantTag(tag) = selector {
            if negated && let Some(near) = mistyped(selector, tag, snapshot) {
                tags.insert(selector.to_string(), near);
            }
        } else if let Some(trouble) = asked(selector, snapshot).and_then(|asked| asked.trouble) {
            let nobody = negated && is_nobody(selector, snapshot);
            said.entry(selector.to_string()).or_insert((selector, trouble, false)).2 |= nobody;
        }
    });
    let mut findings = Findings::new();
    for (text, near) in tags {
        let message = format!("nothing is left out by {text}: nobody has it");
        findings.push(told(code::EXEMPT_TAG, message, place).help(format!("did you mean `{near}`?")));
    }
    for (text, (selector, trouble, nobody)) in said {
        let (code, message, help) = match trouble {
            // The failure of a source that was never read is told where it was tried.
            Trouble::Unread => continue,
            Trouble::Missing(near) => {
                let help = near.map(|near| format!("did you mean `{near}`?"));
                if nobody {
                    findings.push(left_out(&format!("there is no {text}"), help, place));
                    continue;
                }
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
        let finding = told(code, message, place);
        findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }
    findings
}

/// The tag that was probably meant by one that nobody has; `None` if somebody has it, or no other is nearly the same. A
/// tag may be nobody's by right.
fn mistyped<'s>(selector: &Selector, tag: &str, snapshot: &'s Snapshot) -> Option<&'s str> {
    let of_tenants = snapshot.tenant_tags().iter().map(|(tag, _)| tag.as_str());
    let of_computers = snapshot.tags().iter().map(|(tag, _)| tag.as_str());
    let of_people = snapshot.related().person_tags();
    let known: BTreeSet<&str> = match selector {
        Selector::TenantTag(_) => of_tenants.collect(),
        _ => of_tenants.chain(of_computers).chain(of_people).collect(),
    };
    if known.contains(tag) { None } else { nearest(tag, known) }
}
