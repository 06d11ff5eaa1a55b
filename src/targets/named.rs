//! What targets, deployments and selectors of the command line name of directories, PSAs and providers.
//!
//! Not here: whether it is there (`resolve`, and the relations of a snapshot).

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::config::kind::{Match, Term};
use crate::id::Name;
use crate::inventory::believe::Part;
use crate::inventory::relations::folded;

/// An agreement as a selector names it: by type and by product.
pub type AgreementKey = (Option<String>, Option<String>);

/// What is named, by source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Groups of directories, by id or name.
    pub groups: BTreeMap<Name, BTreeSet<String>>,
    /// Agreements of PSAs, by type and product.
    pub agreements: BTreeMap<Name, BTreeSet<AgreementKey>>,
    /// Groups, sites and values of properties of providers; those of any provider under none.
    pub parts: BTreeMap<Option<Name>, BTreeSet<Part>>,
}

impl Named {
    /// What is named of one provider.
    #[must_use]
    pub fn parts_of(&self, provider: &Name) -> BTreeSet<Part> {
        let keys = [None, Some(provider.clone())];
        keys.iter().filter_map(|key| self.parts.get(key)).flatten().cloned().collect()
    }
}

/// All that the configuration and `more` name.
#[must_use]
pub fn named(config: &Config, more: &[Match]) -> Named {
    let mut named = Named::default();
    for term in selectors(config, more) {
        match term {
            Term::Group(group) => {
                named.groups.entry(group.directory.clone()).or_default().insert(group.name.clone());
            }
            Term::Agreement(agreement) => {
                let what = (agreement.r#type.clone(), agreement.product.clone());
                named.agreements.entry(agreement.psa.clone()).or_default().insert(what);
            }
            Term::Site(site) => {
                let part = Part::Site(folded(&site.name));
                named.parts.entry(site.provider.clone()).or_default().insert(part);
            }
            Term::ProviderGroup(group) => {
                let of_provider = named.parts.entry(Some(group.provider.clone())).or_default();
                of_provider.extend(group.name.as_ref().map(|name| Part::Group(folded(name))));
                if let (Some(property), Some(value)) = (&group.property, &group.value) {
                    of_provider.insert(Part::Property(folded(property), folded(value)));
                }
            }
            _ => {}
        }
    }
    named
}

/// Whether any of them goes by what is on the computers, directly or by a script that is told of it.
#[must_use]
pub fn go_by_facts(config: &Config, more: &[Match]) -> bool {
    let by_facts = |term: &&Term| {
        matches!(term, Term::Role(_) | Term::Os(_) | Term::Installed(_) | Term::Fact(_) | Term::Script(_))
    };
    selectors(config, more).iter().any(by_facts)
}

/// All selectors of the expressions of targets and deployments, and of `more`.
pub(super) fn selectors<'a>(config: &'a Config, more: &'a [Match]) -> Vec<&'a Term> {
    let targets = config.targets.values().map(|target| &target.expression);
    let deployments = config.deployments.values().map(|deployment| &deployment.expression);
    targets.chain(deployments).chain(more).flat_map(selectors_of).collect()
}

/// The selectors of an expression as it is written, those of other targets in it left out.
#[must_use]
pub fn selectors_of(expression: &Match) -> Vec<&Term> {
    let lists = [&expression.all, &expression.any, &expression.not];
    let mut open: Vec<&Term> = lists.into_iter().flatten().flatten().collect();
    let mut found = Vec::new();
    while let Some(term) = open.pop() {
        match term {
            Term::All(terms) | Term::Any(terms) | Term::Not(terms) => open.extend(terms),
            one => found.push(one),
        }
    }
    found
}
