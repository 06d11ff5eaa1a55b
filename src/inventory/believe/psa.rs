//! Whether a PSA's answer is believed: as a whole, and by company and kind of agreement where tenants and targets name
//! them.
//!
//! Both answers are looked at on the same day, so an agreement that ends on the day that was known before is no loss.
//! A company that is not listed any more counts as one that has no agreement.
//!
//! Invariant: where something is doubted, the companies that lost it are as they were before; everything else is as the
//! answer says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Verdict, shrunk, shrunk_part};
use crate::config::model::Shrink;
use crate::inventory::relations::{Company, Doubt, Psa, covers, in_force};

/// What the configuration asks a PSA for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Companies that tenants name, by id or name.
    pub companies: BTreeSet<String>,
    /// Agreements that targets name: by type and product.
    pub agreements: BTreeSet<(Option<String>, Option<String>)>,
}

/// What is believed of an answer, given the last one that was.
#[must_use]
pub fn psa(before: &Psa, now: Psa, asked: &Asked, day: Date, shrink: Shrink) -> Verdict<Psa> {
    if let Some(what) = whole(before, &now, shrink) {
        return Verdict::Nothing(what);
    }
    // What was, and what is, each company once however many tenants name it.
    let pair = |name: &String| {
        let was = before.company(name)?;
        Some((was.id.as_str(), (was, now.company(name))))
    };
    let pairs: BTreeMap<&str, (&Company, Option<&Company>)> =
        asked.companies.iter().filter_map(pair).collect();
    let mut doubts = Vec::new();
    for (was, is) in pairs.values() {
        let had = in_force(was, day);
        let has = is.map(|is| in_force(is, day)).unwrap_or_default();
        let what = format!("agreements and additions of company {}", was.name.trim());
        let Some(mut why) = shrunk_part(&what, &had, &has, shrink) else { continue };
        if is.is_none() {
            why = format!("company {} with {} agreements and additions is gone", was.name.trim(), had.len());
        }
        doubts.push(Doubt { why, companies: BTreeSet::from([was.id.clone()]), ..Doubt::default() });
    }
    for (kind, product) in &asked.agreements {
        let fits = |company: &Company| covers(company, day, kind.as_deref(), product.as_deref());
        let had = pairs.values().filter(|(was, _)| fits(was)).map(|(was, _)| was.id.as_str());
        let had: BTreeSet<&str> = had.collect();
        let has = pairs.values().filter(|(_, is)| is.is_some_and(fits)).map(|(was, _)| was.id.as_str());
        let has: BTreeSet<&str> = has.collect();
        let what = match (kind, product) {
            (None, None) => "companies with an agreement".to_owned(),
            (Some(kind), None) => format!("companies with an agreement of type {kind}"),
            (None, Some(product)) => format!("companies with the product {product}"),
            (Some(kind), Some(product)) => format!("companies with {product} in an agreement of type {kind}"),
        };
        let Some(why) = shrunk_part(&what, &had, &has, shrink) else { continue };
        let companies = had.difference(&has).map(|id| (*id).to_owned()).collect();
        doubts.push(Doubt { why, companies, ..Doubt::default() });
    }
    if doubts.is_empty() {
        return Verdict::Whole(now);
    }
    let restored: BTreeSet<&String> = doubts.iter().flat_map(|doubt| &doubt.companies).collect();
    let mut missing: BTreeMap<&str, &Company> = before
        .companies
        .iter()
        .filter(|one| restored.contains(&one.id))
        .map(|one| (one.id.as_str(), one))
        .collect();
    let mut believed = now;
    for company in &mut believed.companies {
        if let Some(old) = missing.remove(company.id.as_str()) {
            company.clone_from(old);
        }
    }
    believed.companies.extend(missing.into_values().cloned());
    Verdict::Parts(believed, doubts)
}

/// What is suspicious of all that a PSA knows: companies, agreements and their additions.
fn whole(before: &Psa, now: &Psa, shrink: Shrink) -> Option<String> {
    let companies = |known: &Psa| known.companies.iter().map(|one| one.id.clone()).collect();
    let counted = |known: &Psa, count: fn(&Company) -> usize| -> BTreeSet<(String, usize)> {
        known.companies.iter().flat_map(|one| (0..count(one)).map(|at| (one.id.clone(), at))).collect()
    };
    let additions = |one: &Company| one.agreements.iter().map(|agreement| agreement.additions.len()).sum();
    let agreements = |one: &Company| one.agreements.len();
    shrunk("companies", &companies(before), &companies(now), shrink)
        .or_else(|| {
            shrunk_part("agreements", &counted(before, agreements), &counted(now, agreements), shrink)
        })
        .or_else(|| {
            let what = "additions of agreements";
            shrunk_part(what, &counted(before, additions), &counted(now, additions), shrink)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::relations::{Addition, Agreement};

    fn company(at: usize, agreements: Vec<Agreement>) -> Company {
        Company { id: format!("c{at}"), name: format!("Company {at}"), agreements }
    }

    fn agreement(kind: &str, products: &[&str]) -> Agreement {
        let addition = |product: &&str| Addition {
            product: (*product).to_owned(),
            begin: None,
            end: None,
            active: true,
        };
        Agreement {
            name: format!("{kind} of this year"),
            r#type: kind.to_owned(),
            begin: None,
            end: None,
            active: true,
            additions: products.iter().map(addition).collect(),
        }
    }

    fn known(companies: usize, of: impl Fn(usize) -> Vec<Agreement>) -> Psa {
        Psa { companies: (0..companies).map(|at| company(at, of(at))).collect() }
    }

    fn day() -> Date {
        jiff::civil::date(2026, 6, 1)
    }

    fn judge(before: &Psa, now: &Psa) -> Verdict<Psa> {
        let asked = Asked {
            companies: (0..20).map(|at| format!("c{at}")).collect(),
            agreements: BTreeSet::from([
                (Some("managed".to_owned()), None),
                (None, Some("Backup".to_owned())),
            ]),
        };
        psa(before, now.clone(), &asked, day(), Shrink::default())
    }

    fn why(verdict: &Verdict<Psa>) -> Vec<&str> {
        match verdict {
            Verdict::Whole(_) => Vec::new(),
            Verdict::Parts(_, doubts) => doubts.iter().map(|doubt| doubt.why.as_str()).collect(),
            Verdict::Nothing(what) => vec![what],
        }
    }

    #[test]
    fn a_company_that_lost_all_it_had_is_as_it_was_and_the_others_are_believed() {
        let before = known(20, |_| vec![agreement("Managed", &["Seat", "Backup"])]);
        let now = known(20, |at| match at {
            7 => Vec::new(),
            8 => vec![agreement("Managed", &["Seat"])],
            _ => vec![agreement("Managed", &["Seat", "Backup"])],
        });
        let verdict = judge(&before, &now);
        assert_eq!(why(&verdict), ["3 of 3 agreements and additions of company Company 7 are gone"]);
        let Verdict::Parts(believed, doubts) = verdict else { panic!("the company alone is doubted") };
        assert_eq!(believed.company("c7"), before.company("c7"));
        assert_eq!(believed.company("c8"), now.company("c8"));
        assert_eq!(doubts[0].companies, BTreeSet::from(["c7".to_owned()]));
        let mut gone = before.clone();
        gone.companies.remove(7);
        let verdict = judge(&before, &gone);
        assert_eq!(why(&verdict), ["company Company 7 with 3 agreements and additions is gone"]);
        let few = known(20, |_| vec![agreement("Managed", &[])]);
        let mut ended = few.clone();
        ended.companies[7].agreements.clear();
        assert_eq!(judge(&few, &ended), Verdict::Whole(ended.clone()), "one customer that leaves");
    }

    #[test]
    fn a_type_or_a_product_that_most_companies_lost_is_doubted() {
        let both = |_| vec![agreement("Managed", &["Seat"]), agreement("Support", &["Backup"])];
        let before = known(20, both);
        let now = known(20, |at| {
            let mut all = both(at);
            if at >= 4 {
                all[0].active = false;
            }
            all
        });
        let verdict = judge(&before, &now);
        assert_eq!(why(&verdict), ["16 of 20 companies with an agreement of type managed are gone"]);
        let Verdict::Parts(believed, doubts) = verdict else { panic!("doubted") };
        assert_eq!(believed, before, "the four that kept it are the same");
        assert_eq!(doubts[0].companies.len(), 16);
        let without = known(20, |_| vec![agreement("Managed", &["Seat"]), agreement("Support", &["Other"])]);
        assert_eq!(why(&judge(&before, &without)), ["20 of 20 companies with the product Backup are gone"]);
    }

    #[test]
    fn an_end_that_was_known_and_a_renewal_are_no_loss() {
        let mut before = known(20, |_| vec![agreement("Managed", &["Seat", "Backup"])]);
        for company in &mut before.companies {
            company.agreements[0].end = Some(jiff::civil::date(2026, 5, 31));
        }
        let now = known(20, |_| Vec::new());
        let asked = Asked {
            companies: before.companies.iter().map(|one| one.id.clone()).collect(),
            ..Asked::default()
        };
        let never = Shrink { percent: 100, minimum: 10 };
        let kept = Psa {
            companies: [vec![company(99, vec![agreement("Managed", &["Seat"])])], now.companies].concat(),
        };
        let mut known_before = before.clone();
        known_before.companies.push(company(99, vec![agreement("Managed", &["Seat"])]));
        assert_eq!(psa(&known_before, kept.clone(), &asked, day(), never), Verdict::Whole(kept));
        let old = known(20, |_| vec![agreement("Managed", &["Seat", "Backup"])]);
        let mut renewed = old.clone();
        for company in &mut renewed.companies {
            company.agreements[0].name = "Managed of next year".to_owned();
        }
        assert_eq!(judge(&old, &renewed), Verdict::Whole(renewed.clone()));
    }
}
