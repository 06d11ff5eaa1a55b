//! Which computers an expression selects, in three-valued logic: certainly, possibly, or not.
//!
//! Everything is set operations over a snapshot's columns; texts are matched once per distinct value.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::expr::{Expr, FactTest, Resolved, Selector};
use crate::inventory::facts::{FactValue, OsFamily};
use crate::inventory::pattern::Pattern;
use crate::inventory::relations::{Asked, Trouble};
use crate::inventory::snapshot::{Lookup, Snapshot};
use crate::session::script::Platform;
use crate::version::Constraint;

/// The computers that an expression selects.
///
/// Invariant: `certain` is within `possible`. A computer in `possible` alone would be a member, or not, depending on
/// something that is not known of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Membership {
    /// Those that it selects, whatever is not known. Plans change these.
    pub certain: RoaringBitmap,
    /// Those, and the ones that it may select. Detection asks these.
    pub possible: RoaringBitmap,
}

impl Membership {
    /// A membership about which everything is known.
    #[must_use]
    pub fn sure(set: RoaringBitmap) -> Self {
        Self { possible: set.clone(), certain: set }
    }

    /// The computers of which it is not known whether they are members.
    #[must_use]
    pub fn unknown(&self) -> RoaringBitmap {
        &self.possible - &self.certain
    }

    /// The computers that both select.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.certain &= &other.certain;
        self.possible &= &other.possible;
        self
    }

    fn or(mut self, other: &Self) -> Self {
        self.certain |= &other.certain;
        self.possible |= &other.possible;
        self
    }

    fn not(self, all: &RoaringBitmap) -> Self {
        Self { certain: all - self.possible, possible: all - self.certain }
    }
}

impl From<Asked> for Membership {
    fn from(asked: Asked) -> Self {
        Self { possible: asked.possible | &asked.certain, certain: asked.certain }
    }
}

/// The computers of the snapshot that the expression selects.
#[must_use]
pub fn evaluate(expression: &Resolved, snapshot: &Snapshot) -> Membership {
    expr(&expression.expr, snapshot, false, &mut BTreeMap::new())
}

/// The same for a part of an expression; `negated` says whether it stands below an odd number of `not`.
pub(super) fn evaluate_part(part: &Expr, snapshot: &Snapshot, negated: bool) -> Membership {
    expr(part, snapshot, negated, &mut BTreeMap::new())
}

/// Named targets that were evaluated before, by the address of their shared expression and by whether they were negated.
type Memo = BTreeMap<(*const Expr, bool), Membership>;

/// `negated` says whether the expression stands below an odd number of `not`.
fn expr(expression: &Expr, snapshot: &Snapshot, negated: bool, memo: &mut Memo) -> Membership {
    match expression {
        Expr::Select(one) => selector(one, snapshot, negated),
        Expr::All(members) => {
            let mut whole = Membership::sure(snapshot.all().clone());
            for member in members {
                if whole.possible.is_empty() {
                    break;
                }
                whole = whole.and(&expr(member, snapshot, negated, memo));
            }
            whole
        }
        Expr::Any(members) => {
            let none = Membership::default();
            members.iter().fold(none, |whole, member| whole.or(&expr(member, snapshot, negated, memo)))
        }
        Expr::Not(inner) => expr(inner, snapshot, !negated, memo).not(snapshot.all()),
        Expr::Target(_, inner) => {
            let key = (std::sync::Arc::as_ptr(inner), negated);
            if let Some(known) = memo.get(&key) {
                return known.clone();
            }
            let whole = expr(inner, snapshot, negated, memo);
            memo.insert(key, whole.clone());
            whole
        }
    }
}

/// The computers that one selector selects. Below an odd number of `not` a name that must stand for something and stands
/// for nothing is not known of any computer: nobody knows whom it was to leave out (TGT-16).
pub(super) fn selector(selector: &Selector, snapshot: &Snapshot, negated: bool) -> Membership {
    let mut found = selected(selector, snapshot);
    if negated && found.possible.is_empty() && is_nobody(selector, snapshot) {
        found.possible.clone_from(snapshot.all());
    }
    found
}

/// Whether a selector names a computer, a person, a site, a group of a provider or one of its properties, and no source
/// knows it. Tags, values of properties, and what agreements cover may be nobody's by right.
pub(super) fn is_nobody(selector: &Selector, snapshot: &Snapshot) -> bool {
    match selector {
        Selector::Computer(text) => matches!(snapshot.lookup(text), Lookup::None),
        Selector::Person(_) | Selector::Site { .. } | Selector::ProviderGroup { .. } => {
            let trouble = asked(selector, snapshot).and_then(|asked| asked.trouble);
            matches!(trouble, Some(Trouble::Missing(_)))
        }
        Selector::ProviderProperty { provider, property, .. } => {
            !snapshot.related().has_property(provider, property)
        }
        _ => false,
    }
}

fn selected(selector: &Selector, snapshot: &Snapshot) -> Membership {
    match selector {
        Selector::Tenant { name, .. } => Membership::sure(snapshot.tenants().with(name)),
        Selector::TenantTree { name, .. } => Membership::sure(snapshot.tenant_tree(name)),
        Selector::TenantTag(tag) => Membership::sure(snapshot.tenant_tags().with(tag)),
        Selector::Computer(text) => match snapshot.lookup(text) {
            Lookup::None => Membership::default(),
            Lookup::One(ix) => Membership::sure(RoaringBitmap::from_iter([ix])),
            Lookup::Several(found) => {
                Membership { certain: RoaringBitmap::new(), possible: found.into_iter().collect() }
            }
        },
        Selector::Tag(tag) => {
            let by_person = Membership::from(snapshot.related().of_person_tag(tag));
            Membership::sure(snapshot.tags().with(tag) | snapshot.tenant_tags().with(tag)).or(&by_person)
        }
        Selector::Ring(ring) => {
            let held = snapshot.iter().filter(|(_, computer)| ring.holds(&computer.id));
            Membership::sure(held.map(|(ix, _)| ix).collect())
        }
        Selector::Onboarding(wanted) => {
            let onboarding = Membership::sure(snapshot.related().onboarding().clone());
            if *wanted { onboarding } else { onboarding.not(snapshot.all()) }
        }
        Selector::Person(_)
        | Selector::Site { .. }
        | Selector::Group { .. }
        | Selector::Agreement { .. }
        | Selector::ProviderGroup { .. }
        | Selector::ProviderProperty { .. }
        | Selector::Script(_) => asked(selector, snapshot).map(Membership::from).unwrap_or_default(),
        Selector::Role(role) => open(snapshot.roles().with(role), snapshot, snapshot.roles().known()),
        Selector::Os(family) => os(*family, snapshot),
        Selector::Provider(name) => Membership::sure(snapshot.providers().with(name)),
        Selector::Installed { name, version } => installed(name, version.as_ref(), snapshot),
        Selector::Fact { path, test } => fact(path, test, snapshot),
    }
}

/// What the relations say of a selector that asks for them by a name.
pub(super) fn asked(selector: &Selector, snapshot: &Snapshot) -> Option<Asked> {
    let related = snapshot.related();
    Some(match selector {
        Selector::Person(person) => related.of_person(person),
        Selector::Site { name, provider } => related.of_site(provider.as_ref(), name),
        Selector::Group { directory, name, .. } => related.of_group(directory, name),
        Selector::Agreement { psa, kind, product } => {
            related.of_agreement(psa, kind.as_deref(), product.as_deref())
        }
        Selector::ProviderGroup { provider, name } => related.of_provider_group(provider, name),
        Selector::ProviderProperty { provider, property, value } => {
            related.of_property(provider, property, value)
        }
        Selector::Script(script) => related.of_script(script),
        _ => return None,
    })
}

/// A membership of which nothing is known outside `known`.
fn open(certain: RoaringBitmap, snapshot: &Snapshot, known: &RoaringBitmap) -> Membership {
    let possible = (snapshot.all() - known) | &certain;
    Membership { certain, possible }
}

fn os(family: OsFamily, snapshot: &Snapshot) -> Membership {
    let families = snapshot.families();
    // Without facts the platform, if it is known, tells Windows from all others.
    let unknown = snapshot.all() - families.known();
    let windows = snapshot.platforms().with(&Platform::Windows) & &unknown;
    let posix = snapshot.platforms().with(&Platform::Posix) & &unknown;
    let certain = families.with(&family);
    if family == OsFamily::Windows {
        let certain = certain | windows;
        let possible = (unknown - posix) | &certain;
        Membership { certain, possible }
    } else {
        let possible = (unknown - windows) | &certain;
        Membership { certain, possible }
    }
}

fn installed(name: &Pattern, version: Option<&Constraint>, snapshot: &Snapshot) -> Membership {
    let mut certain = RoaringBitmap::new();
    let mut unclear = RoaringBitmap::new();
    for (text, versions) in snapshot.packages() {
        if !name.matches(text) {
            continue;
        }
        for (found, computers) in versions {
            // A version that the inventory does not give, or that is none, says neither yes nor no.
            let allowed = match (version, found) {
                (None, _) => Some(true),
                (Some(constraint), found) => {
                    let found = found.as_deref().or_else(|| name.version(text)).unwrap_or_default();
                    constraint.allows(found).ok()
                }
            };
            match allowed {
                Some(true) => certain |= computers,
                None => unclear |= computers,
                Some(false) => {}
            }
        }
    }
    let mut membership = open(certain, snapshot, snapshot.inventory_known());
    membership.possible |= unclear;
    membership
}

fn fact(path: &str, test: &FactTest, snapshot: &Snapshot) -> Membership {
    let Some(column) = snapshot.fact(path) else {
        return Membership { certain: RoaringBitmap::new(), possible: snapshot.all().clone() };
    };
    let mut certain = RoaringBitmap::new();
    let mut unclear = RoaringBitmap::new();
    for (value, computers) in column.iter() {
        match holds(test, value) {
            Some(true) => certain |= computers,
            None => unclear |= computers,
            Some(false) => {}
        }
    }
    let mut membership = open(certain, snapshot, column.known());
    membership.possible |= unclear;
    membership
}

/// Whether the test holds of the value, or of one value of a list; `None` when it is not of the sort that the test asks
/// about.
fn holds(test: &FactTest, value: &FactValue) -> Option<bool> {
    match value {
        FactValue::Text(value) => one_holds(test, value),
        FactValue::Flag(flag) => one_holds(test, if *flag { "true" } else { "false" }),
        FactValue::Time(time) => one_holds(test, &time.to_string()),
        FactValue::List(values) => {
            let verdicts: Vec<_> = values.iter().map(|value| one_holds(test, value)).collect();
            if verdicts.contains(&Some(true)) {
                Some(true)
            } else if verdicts.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
    }
}

fn one_holds(test: &FactTest, value: &str) -> Option<bool> {
    let number = || value.trim().parse::<i64>().ok();
    match test {
        FactTest::OneOf(values) => Some(values.contains(&value.to_lowercase())),
        FactTest::Text(pattern) => Some(pattern.matches(value)),
        FactTest::Version(constraint) => constraint.allows(value).ok(),
        FactTest::AtLeast(bound) => Some(number()? >= *bound),
        FactTest::AtMost(bound) => Some(number()? <= *bound),
    }
}
