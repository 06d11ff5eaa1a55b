//! What policies need on computers, as deployments: each entry once for every different set of values that it gets.
//!
//! An entry is called `POLICY--ENTRY` where its values are those of its own policy or defaults, and has the names of the
//! other policies behind it that decide a value of it. Where two policies of a site need the same item, they have to need
//! the same of it, and it is the first policy's.
//!
//! Invariant: at one site no item is deployed twice, so that which deployment wins never hangs on chance.

use std::collections::{BTreeMap, BTreeSet};

use super::area::{Area, areas, expression};
use super::effective::{Applied, Conflict, Effective, Setting, applied, effective};
use crate::config::kind::{Consent, Match, Mode, ParameterValue};
use crate::config::model::{Desired, RemoteAccess};
use crate::diagnostic::Place;
use crate::id::Name;
use crate::inventory::item::ItemKey;

/// A setting that an item can be given as a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knob {
    /// Whether consent is required.
    Consent,
    /// Whether the agent updates itself.
    AgentAutoUpdate,
    /// Whether there is a notification balloon.
    NotificationBalloon,
}

/// An item that a policy needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Tells it from the other entries of its policy.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The item.
    pub item: ItemKey,
    /// What is wanted of it.
    pub desired: Desired,
    /// How far to go.
    pub mode: Mode,
    /// Values that stand there.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The parameters that get settings.
    pub settings: BTreeMap<Knob, String>,
}

/// One deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Made<'e> {
    /// The policy.
    pub policy: &'e Name,
    /// The entry.
    pub entry: &'e Entry,
    /// What it is to be called.
    pub name: String,
    /// Its values, settings among them.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The computers.
    pub expression: Match,
}

/// Policies of one site that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// In a setting.
    Setting(Conflict),
    /// In what they need of an item.
    Item {
        /// The item.
        item: ItemKey,
        /// The one policy, and where it says so.
        first: (Name, Place),
        /// The other.
        second: (Name, Place),
    },
}

/// What an entry is at some sites: the names of other policies that decide a value, and the values.
type Form = (BTreeSet<Name>, Vec<(Knob, bool)>);

/// Makes the deployments of all policies; `entries` are theirs.
#[must_use]
pub fn expand<'e>(
    remote: &RemoteAccess,
    entries: &'e BTreeMap<Name, Vec<Entry>>,
) -> (Vec<Made<'e>>, BTreeSet<Clash>) {
    let all = areas(remote);
    let mut clashes = BTreeSet::new();
    let mut forms: BTreeMap<(&'e Name, usize, Form), BTreeSet<Area>> = BTreeMap::new();
    for area in &all {
        let here = applied(remote, &area.tenant, area.site.as_deref().as_slice());
        let effective = match effective(&here) {
            Ok(Some(effective)) => effective,
            Ok(None) => continue,
            Err(conflict) => {
                clashes.insert(Clash::Setting(*conflict));
                continue;
            }
        };
        for (policy, at, entry) in needed(&here, entries, &mut clashes) {
            let key = (policy, at, form(policy, entry, &effective));
            forms.entry(key).or_default().insert(area.clone());
        }
    }
    let made = forms.into_iter().filter_map(|((policy, at, (others, values)), areas)| {
        let entry = entries.get(policy)?.get(at)?;
        let mut name = format!("{policy}--{}", entry.name);
        for other in &others {
            name.extend(["--", other.as_str()]);
        }
        let mut parameters = entry.parameters.clone();
        for (knob, value) in values {
            parameters.insert(entry.settings.get(&knob)?.clone(), ParameterValue::Boolean(value));
        }
        Some(Made { policy, entry, name, parameters, expression: expression(&areas, &all)? })
    });
    (made.collect(), clashes)
}

/// The entries of the policies of one area, each item once.
fn needed<'e>(
    here: &[Applied<'_>],
    entries: &'e BTreeMap<Name, Vec<Entry>>,
    clashes: &mut BTreeSet<Clash>,
) -> Vec<(&'e Name, usize, &'e Entry)> {
    let mut items: BTreeMap<&ItemKey, (&'e Name, &'e Entry)> = BTreeMap::new();
    let mut needed = Vec::new();
    for by in here {
        let Some((policy, own)) = entries.get_key_value(&by.policy.metadata.name) else { continue };
        for (at, entry) in own.iter().enumerate() {
            match items.get(&entry.item) {
                None => {
                    items.insert(&entry.item, (policy, entry));
                    needed.push((policy, at, entry));
                }
                Some((_, first)) if says_the_same(first, entry) => {}
                Some((of, first)) => {
                    clashes.insert(Clash::Item {
                        item: entry.item.clone(),
                        first: ((*of).clone(), first.place.clone()),
                        second: (policy.clone(), entry.place.clone()),
                    });
                }
            }
        }
    }
    needed
}

fn says_the_same(a: &Entry, b: &Entry) -> bool {
    a.desired == b.desired && a.mode == b.mode && a.parameters == b.parameters && a.settings == b.settings
}

/// The values of an entry's settings, and the other policies that decide one of them.
fn form(policy: &Name, entry: &Entry, effective: &Effective) -> Form {
    let mut others = BTreeSet::new();
    let mut values = Vec::new();
    for knob in entry.settings.keys() {
        let (value, decides) = match knob {
            Knob::Consent => {
                (effective.consent.value == Consent::Required, decides(policy, &effective.consent))
            }
            Knob::AgentAutoUpdate => {
                (effective.agent_auto_update.value, decides(policy, &effective.agent_auto_update))
            }
            Knob::NotificationBalloon => {
                (effective.notification_balloon.value, decides(policy, &effective.notification_balloon))
            }
        };
        values.push((*knob, value));
        others.extend(decides.cloned());
    }
    (others, values)
}

/// The policy that decides a setting, where it is another one than this.
fn decides<'s, T>(policy: &Name, setting: &'s Setting<T>) -> Option<&'s Name> {
    if setting.origins.iter().any(|origin| origin.policy == *policy) {
        return None;
    }
    setting.origins.first().map(|origin| &origin.policy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::effective::tests::{Given, given, name, place, remote};
    use super::super::folded;
    use super::*;
    use crate::config::kind::Term;

    /// The same two entries for every policy: an agent, and a task that gets two settings.
    fn entries(policies: usize) -> BTreeMap<Name, Vec<Entry>> {
        let of = |policy: usize| {
            let entry = |item: ItemKey, settings: BTreeMap<Knob, String>| Entry {
                name: item.name.to_string(),
                place: place(&format!("p{policy}")),
                item,
                desired: Desired::Task,
                mode: Mode::Enforce,
                parameters: BTreeMap::new(),
                settings,
            };
            let settings =
                [(Knob::Consent, "ask".to_owned()), (Knob::AgentAutoUpdate, "update".to_owned())].into();
            vec![
                entry(ItemKey::task(name("agent"), None), BTreeMap::new()),
                entry(ItemKey::task(name("settings"), None), settings),
            ]
        };
        (0..policies).map(|at| (name(&format!("p{at}")), of(at))).collect()
    }

    fn selects(expression: &Match, tenant: &Name, at: Option<&str>) -> bool {
        fn holds(term: &Term, tenant: &Name, at: Option<&str>) -> bool {
            match term {
                Term::All(terms) => terms.iter().all(|term| holds(term, tenant, at)),
                Term::Any(terms) => terms.iter().any(|term| holds(term, tenant, at)),
                Term::Not(terms) => !terms.iter().any(|term| holds(term, tenant, at)),
                Term::Tenant(name) => name == tenant,
                Term::Site(site) => at.is_some_and(|at| folded(at) == folded(&site.name)),
                other => panic!("{other:?}"),
            }
        }
        expression.any.iter().flatten().any(|term| holds(term, tenant, at))
    }

    proptest! {
        #[test]
        fn each_computer_gets_each_item_once_with_what_holds_for_it(given in given()) {
            let given: Given = given;
            let remote = remote(&given);
            let entries = entries(given.0.len());
            let (made, clashes) = expand(&remote, &entries);
            let names: BTreeSet<&str> = made.iter().map(|made| made.name.as_str()).collect();
            prop_assert_eq!(names.len(), made.len(), "names are told apart: {:?}", made);
            prop_assert!(clashes.iter().all(|clash| matches!(clash, Clash::Setting(_))));
            for tenant in [name("t0"), name("t1")] {
                for site in [None, Some("Site 0"), Some("Site 1"), Some("Site 2"), Some("elsewhere")] {
                    let mine: Vec<&Made<'_>> =
                        made.iter().filter(|made| selects(&made.expression, &tenant, site)).collect();
                    let here = applied(&remote, &tenant, site.as_slice());
                    let Ok(Some(effective)) = effective(&here) else {
                        prop_assert!(mine.is_empty());
                        continue;
                    };
                    prop_assert_eq!(mine.len(), 2, "{:?}", mine);
                    let settings = mine.iter().find(|made| made.entry.name == "settings").expect("settings");
                    let expected: BTreeMap<String, ParameterValue> = [
                        ("ask".to_owned(), ParameterValue::Boolean(effective.consent.value == Consent::Required)),
                        ("update".to_owned(), ParameterValue::Boolean(effective.agent_auto_update.value)),
                    ].into();
                    prop_assert_eq!(&settings.parameters, &expected);
                    prop_assert!(here.iter().any(|by| by.policy.metadata.name == *settings.policy));
                }
            }
        }
    }

    #[test]
    fn an_item_that_two_policies_of_a_site_want_otherwise_is_a_clash_that_names_both() {
        let says = |_| super::super::effective::tests::Says {
            provider: 0,
            consent: None,
            update: None,
            balloon: None,
            roles: None,
        };
        let given = ((0..2).map(says).collect(), vec![([0, 1].into(), vec![(0, None)])]);
        let remote = remote(&given);
        let mut entries = entries(2);
        let (made, clashes) = expand(&remote, &entries);
        assert_eq!((made.len(), clashes.len()), (2, 0), "what is the same is there once");
        entries.get_mut("p1").expect("p1")[0].mode = Mode::Audit;
        let (_, clashes) = expand(&remote, &entries);
        let clash = Clash::Item {
            item: ItemKey::task(name("agent"), None),
            first: (name("p0"), place("p0")),
            second: (name("p1"), place("p1")),
        };
        assert_eq!(clashes, BTreeSet::from([clash]));
    }
}
