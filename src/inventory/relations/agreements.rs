//! Agreements of tenants on a day: which hold, and what they cover (TGT-5).
//!
//! Invariant: first and last days count; an addition holds only while its agreement does.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::related::folded;
use super::{Agreement, Company};

/// Whether something is in force on a day: active, begun, and not past its last day.
#[must_use]
pub fn holds_on(day: Date, active: bool, begin: Option<Date>, end: Option<Date>) -> bool {
    active && begin.is_none_or(|begin| begin <= day) && end.is_none_or(|end| day <= end)
}

/// What of a company holds on a day, folded: the types of its agreements, and the products of each type.
#[must_use]
pub fn in_force(company: &Company, day: Date) -> BTreeSet<(String, Option<String>)> {
    let mut all = BTreeSet::new();
    for contract in Contract::of(company, day) {
        let products = contract.products.into_iter().map(|product| (contract.kind.clone(), Some(product)));
        all.extend(products);
        all.insert((contract.kind, None));
    }
    all
}

/// Whether a company has an agreement of this type that covers this product on a day, where they are given.
#[must_use]
pub fn covers(company: &Company, day: Date, kind: Option<&str>, product: Option<&str>) -> bool {
    let (kind, product) = (kind.map(folded), product.map(folded));
    let fits = |one: &Contract| one.matches(kind.as_deref(), product.as_deref()).is_some();
    Contract::of(company, day).iter().any(fits)
}

/// An agreement that holds, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contract {
    /// Its type, folded.
    kind: String,
    /// Products of its additions that hold, folded.
    products: Vec<String>,
    /// In words: name, type and days.
    text: String,
    /// The additions in words, in the same order as the products.
    additions: Vec<String>,
}

impl Contract {
    /// The agreements of a company that hold on a day, in the order of the PSA.
    pub(super) fn of(company: &Company, day: Date) -> Vec<Self> {
        let holds = |one: &&Agreement| holds_on(day, one.active, one.begin, one.end);
        company.agreements.iter().filter(holds).map(|one| Self::new(one, day)).collect()
    }

    fn new(agreement: &Agreement, day: Date) -> Self {
        let additions = agreement.additions.iter();
        let (mut products, mut texts) = (Vec::new(), Vec::new());
        for one in additions.filter(|one| holds_on(day, one.active, one.begin, one.end)) {
            products.push(folded(&one.product));
            texts.push(format!("{}{}", one.product.trim(), days(one.begin, one.end)));
        }
        let Agreement { name, r#type, begin, end, .. } = agreement;
        Self {
            kind: folded(r#type),
            products,
            text: format!("{} of type {}{}", name.trim(), r#type.trim(), days(*begin, *end)),
            additions: texts,
        }
    }

    /// Whether it is of this type and covers this product, both folded, where they are given; then it in words.
    pub(super) fn matches(&self, kind: Option<&str>, product: Option<&str>) -> Option<String> {
        if kind.is_some_and(|kind| kind != self.kind) {
            return None;
        }
        let Some(product) = product else { return Some(self.text.clone()) };
        let at = self.products.iter().position(|one| one == product)?;
        let addition = self.additions.get(at)?;
        Some(format!("{}, addition {addition}", self.text))
    }
}

/// The days in which something holds, in words.
fn days(begin: Option<Date>, end: Option<Date>) -> String {
    match (begin, end) {
        (None, None) => String::new(),
        (Some(begin), None) => format!(", from {begin}"),
        (None, Some(end)) => format!(", until {end}"),
        (Some(begin), Some(end)) => format!(", {begin} to {end}"),
    }
}
