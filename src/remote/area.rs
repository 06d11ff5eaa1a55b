//! Areas: the parts of tenants in which the same policies hold, and the expressions that select them.
//!
//! Invariant: of a tenant that a package names, each computer is in exactly one area: that of its site where a package
//! names the site, else the rest of the tenant.

use std::collections::{BTreeMap, BTreeSet};

use super::folded;
use crate::config::kind::{Match, SiteTerm, Term};
use crate::config::model::RemoteAccess;
use crate::id::Name;

/// A part of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// The tenant.
    pub tenant: Name,
    /// The site, in lower case; `None` is the rest of the tenant.
    pub site: Option<String>,
}

/// The areas of all tenants that packages name.
#[must_use]
pub fn areas(remote: &RemoteAccess) -> BTreeSet<Area> {
    let all = remote.packages.values().flat_map(|package| &package.assigned);
    all.flat_map(|assigned| {
        let area = |site| Area { tenant: assigned.tenant.clone(), site };
        [area(None), area(assigned.site.as_deref().map(folded))]
    })
    .collect()
}

/// The expression that selects the computers of some of all areas; `None` for no area.
#[must_use]
pub fn expression(wanted: &BTreeSet<Area>, all: &BTreeSet<Area>) -> Option<Match> {
    let mut tenants: BTreeMap<&Name, BTreeSet<Option<&str>>> = BTreeMap::new();
    for area in wanted {
        tenants.entry(&area.tenant).or_default().insert(area.site.as_deref());
    }
    let mut terms = Vec::new();
    for (tenant, sites) in tenants {
        let known = all.iter().filter(|area| area.tenant == *tenant).map(|area| area.site.as_deref());
        let left_out: Vec<&str> = known.filter(|site| !sites.contains(site)).flatten().collect();
        let whole = Term::Tenant(tenant.clone());
        if sites.contains(&None) {
            let not = left_out.iter().map(|site| self::site(site)).collect::<Vec<_>>();
            terms.push(if not.is_empty() { whole } else { Term::All(vec![whole, Term::Not(not)]) });
        } else {
            let any: Vec<Term> = sites.into_iter().flatten().map(self::site).collect();
            terms.push(Term::All(vec![whole, Term::Any(any)]));
        }
    }
    (!terms.is_empty()).then(|| Match { any: Some(terms), ..Match::default() })
}

fn site(name: &str) -> Term {
    Term::Site(SiteTerm { name: name.to_owned(), provider: None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::effective::tests::{given, name, remote};
    use super::*;

    fn holds(term: &Term, tenant: &Name, at: Option<&str>) -> bool {
        let one = |term: &Term| holds(term, tenant, at);
        match term {
            Term::All(terms) => terms.iter().all(one),
            Term::Any(terms) => terms.iter().any(one),
            Term::Not(terms) => !terms.iter().any(one),
            Term::Tenant(name) => name == tenant,
            Term::Site(site) => at.is_some_and(|at| folded(at) == folded(&site.name)),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn an_expression_selects_the_computers_of_its_areas_and_no_others(
            given in given(),
            chosen in prop::collection::vec(any::<bool>(), 10),
        ) {
            let all = areas(&remote(&given));
            let wanted: BTreeSet<Area> =
                all.iter().zip(&chosen).filter(|(_, chosen)| **chosen).map(|(area, _)| area.clone()).collect();
            let expression = expression(&wanted, &all);
            for tenant in [name("t0"), name("t1"), name("t2")] {
                for site in [None, Some("Site 0"), Some("SITE 1"), Some("site 2"), Some("elsewhere")] {
                    let own = Area { tenant: tenant.clone(), site: site.map(folded) };
                    let rest = Area { tenant: tenant.clone(), site: None };
                    let area = if all.contains(&own) { own } else { rest };
                    let terms = expression.as_ref().and_then(|expression| expression.any.as_deref());
                    let selected = terms.unwrap_or_default().iter().any(|term| holds(term, &tenant, site));
                    prop_assert_eq!(selected, wanted.contains(&area), "{} {:?} {:?}", tenant, site, expression);
                }
            }
        }
    }
}
