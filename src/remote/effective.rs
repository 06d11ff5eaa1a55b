//! What the policies of one computer come to, and which of them says so.
//!
//! The rules, and no others. *Consent*: `required` wins. *Automatic update of the agent*: on wins, as the vendor advises,
//! since an old agent is a risk. *Roles*: only those that all lists name. *Provider* and *notification balloon*: policies
//! that say different things are an error, as neither is the more cautious one; so are lists of roles without a common one.
//! What no policy says has its default: consent required, updates on, balloon off, [`ROLES`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::folded;
use crate::config::kind::Consent;
use crate::config::model::{Package, Policy, RemoteAccess, Said};
use crate::diagnostic::Place;
use crate::id::Name;

/// The roles that may open a session unless policies say otherwise: those of the vendor's own integration.
pub const ROLES: [&str; 5] =
    ["Primary Super Admin", "Super Admin", "Manager", "Technician and Client Site Manager", "Office Staff"];

/// A policy that a computer gets, and the first package by name that gives it.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'c> {
    /// The policy.
    pub policy: &'c Policy,
    /// The package.
    pub package: &'c Package,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// The policy.
    pub policy: Name,
    /// The package.
    pub package: Name,
    /// Where the policy says it.
    pub place: Place,
}

/// A setting, and the policies that say so; none where it is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Who says so.
    pub origins: Vec<Origin>,
}

/// Everything that holds for remote sessions on a computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    /// What sessions go through.
    pub provider: Setting<Name>,
    /// Whether the person at the computer has to agree.
    pub consent: Setting<Consent>,
    /// Whether the agent updates itself.
    pub agent_auto_update: Setting<bool>,
    /// Whether there is a notification balloon.
    pub notification_balloon: Setting<bool>,
    /// Who may open a session.
    pub roles: Setting<BTreeSet<String>>,
}

/// Two policies of one computer that cannot hold both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The key of the setting.
    pub setting: &'static str,
    /// The one.
    pub first: Origin,
    /// The other.
    pub second: Origin,
}

/// The policies of computers of a tenant at these sites, sorted by name. A computer is at none or one, and at several where
/// several providers list it.
#[must_use]
pub fn applied<'c>(remote: &'c RemoteAccess, tenant: &Name, sites: &[&str]) -> Vec<Applied<'c>> {
    let sites: BTreeSet<String> = sites.iter().map(|site| folded(site)).collect();
    let covers = |package: &&Package| {
        package.assigned.iter().any(|assigned| {
            assigned.tenant == *tenant
                && assigned.site.as_deref().is_none_or(|of| sites.contains(&folded(of)))
        })
    };
    let mut all: BTreeMap<&Name, Applied<'c>> = BTreeMap::new();
    for package in remote.packages.values().filter(covers) {
        for policy in package.policies.iter().filter_map(|name| remote.policies.get(name)) {
            all.entry(&policy.metadata.name).or_insert(Applied { policy, package });
        }
    }
    all.into_values().collect()
}

/// What policies come to; `None` where there are none.
///
/// # Errors
/// [`Conflict`], the first by setting and names.
pub fn effective(applied: &[Applied<'_>]) -> Result<Option<Effective>, Box<Conflict>> {
    let said = |place: &Place, by: &Applied<'_>| Origin {
        policy: by.policy.metadata.name.clone(),
        package: by.package.metadata.name.clone(),
        place: place.clone(),
    };
    let with = |by: &Applied<'_>| said(&by.policy.provider.place, by);
    let providers = applied.iter().map(|by| (by.policy.provider.value.clone(), with(by)));
    let Some(provider) = same("provider", providers)? else { return Ok(None) };
    let consents = given(applied, &said, |policy| policy.consent.as_ref());
    let updates = given(applied, &said, |policy| policy.agent_auto_update.as_ref());
    let balloons = given(applied, &said, |policy| policy.notification_balloon.as_ref());
    let roles = given(applied, &said, |policy| policy.roles.as_ref());
    Ok(Some(Effective {
        provider,
        consent: greatest(consents, Consent::Required),
        agent_auto_update: greatest(updates, true),
        notification_balloon: same("notificationBalloon", balloons.into_iter())?
            .unwrap_or(Setting { value: false, origins: Vec::new() }),
        roles: common(roles)?,
    }))
}

/// What policies say of a setting, each with where.
fn given<'c, T: Clone + 'c>(
    applied: &[Applied<'c>],
    said: &dyn Fn(&Place, &Applied<'c>) -> Origin,
    get: impl Fn(&'c Policy) -> Option<&'c Said<T>>,
) -> Vec<(T, Origin)> {
    let one = |by: &Applied<'c>| get(by.policy).map(|value| (value.value.clone(), said(&value.place, by)));
    applied.iter().filter_map(one).collect()
}

/// The greatest value, which is the most cautious.
fn greatest<T: Ord + Clone>(given: Vec<(T, Origin)>, default: T) -> Setting<T> {
    let Some(value) = given.iter().map(|(value, _)| value).max().cloned() else {
        return Setting { value: default, origins: Vec::new() };
    };
    let origins = given.into_iter().filter(|(said, _)| *said == value).map(|(_, origin)| origin).collect();
    Setting { value, origins }
}

/// The one value that all say; `None` where nobody says one.
fn same<T: Eq>(
    setting: &'static str,
    given: impl Iterator<Item = (T, Origin)>,
) -> Result<Option<Setting<T>>, Box<Conflict>> {
    let mut all: Option<Setting<T>> = None;
    for (value, origin) in given {
        match &mut all {
            None => all = Some(Setting { value, origins: vec![origin] }),
            Some(so_far) if so_far.value == value => so_far.origins.push(origin),
            Some(so_far) => {
                let first = so_far.origins.swap_remove(0);
                return Err(Box::new(Conflict { setting, first, second: origin }));
            }
        }
    }
    Ok(all)
}

/// The roles that are in all lists.
fn common(given: Vec<(BTreeSet<String>, Origin)>) -> Result<Setting<BTreeSet<String>>, Box<Conflict>> {
    let mut given = given.into_iter();
    let Some((mut value, first)) = given.next() else {
        return Ok(Setting { value: ROLES.map(str::to_owned).into(), origins: Vec::new() });
    };
    let mut origins = vec![first];
    for (next, origin) in given {
        let next: BTreeSet<String> = next.iter().map(|role| folded(role)).collect();
        value.retain(|role| next.contains(&folded(role)));
        if value.is_empty() {
            let first = origins.swap_remove(0);
            return Err(Box::new(Conflict { setting: "roles", first, second: origin }));
        }
        origins.push(origin);
    }
    Ok(Setting { value, origins })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::kind::Metadata;
    use crate::config::model::Assigned;

    pub(crate) fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    pub(crate) fn place(file: &str) -> Place {
        Place::file(&file.into())
    }

    pub(crate) fn metadata(text: &str) -> Metadata {
        Metadata {
            name: name(text),
            title: None,
            labels: BTreeMap::new(),
            description: None,
            allow: Vec::new(),
        }
    }

    /// What a policy says, as a test describes it.
    #[derive(Debug, Clone)]
    pub(crate) struct Says {
        pub(crate) provider: u8,
        pub(crate) consent: Option<Consent>,
        pub(crate) update: Option<bool>,
        pub(crate) balloon: Option<bool>,
        pub(crate) roles: Option<BTreeSet<u8>>,
    }

    fn role(number: u8) -> String {
        format!("Role {number}")
    }

    pub(crate) fn policy(text: &str, says: &Says) -> Policy {
        fn said<T>(value: T, text: &str) -> Said<T> {
            Said { value, place: place(text) }
        }
        let roles = |roles: &BTreeSet<u8>| said(roles.iter().map(|n| role(*n)).collect(), text);
        Policy {
            metadata: metadata(text),
            place: place(text),
            provider: said(name(&format!("provider-{}", says.provider)), text),
            consent: says.consent.map(|value| said(value, text)),
            agent_auto_update: says.update.map(|value| said(value, text)),
            notification_balloon: says.balloon.map(|value| said(value, text)),
            roles: says.roles.as_ref().map(roles),
        }
    }

    pub(crate) type Given = (Vec<Says>, Vec<(BTreeSet<u8>, Vec<(u8, Option<u8>)>)>);

    pub(crate) fn remote((policies, packages): &Given) -> RemoteAccess {
        let policies = policies.iter().enumerate().map(|(at, says)| {
            let text = format!("p{at}");
            (name(&text), policy(&text, says))
        });
        let packages = packages.iter().enumerate().map(|(at, (policies, assigned))| {
            let text = format!("k{at}");
            let assigned = assigned.iter().map(|(tenant, site)| Assigned {
                tenant: name(&format!("t{tenant}")),
                // Written in another way in each package.
                site: site
                    .map(|site| if at % 2 == 0 { format!("Site {site}") } else { format!(" site {site} ") }),
                place: place(&text),
            });
            let package = Package {
                metadata: metadata(&text),
                place: place(&text),
                policies: policies.iter().map(|policy| name(&format!("p{policy}"))).collect(),
                assigned: assigned.collect(),
            };
            (name(&text), package)
        });
        RemoteAccess { policies: policies.collect(), packages: packages.collect(), ..RemoteAccess::default() }
    }

    pub(crate) fn given() -> impl Strategy<Value = Given> {
        let consent = prop::option::of(prop_oneof![Just(Consent::Required), Just(Consent::NotRequired)]);
        let provider = prop_oneof![8 => Just(0_u8), 1 => Just(1)];
        let balloon = prop_oneof![6 => Just(None), 2 => Just(Some(false)), 1 => Just(Some(true))];
        let roles = prop::option::of(prop::collection::btree_set(0_u8..4, 1..4));
        let says = (provider, consent, any::<Option<bool>>(), balloon, roles);
        let says = says.prop_map(|(provider, consent, update, balloon, roles)| Says {
            provider,
            consent,
            update,
            balloon,
            roles,
        });
        let assigned = prop::collection::vec((0_u8..2, prop::option::of(0_u8..3)), 0..3);
        let package = (prop::collection::btree_set(0_u8..5, 1..3), assigned);
        (prop::collection::vec(says, 1..5), prop::collection::vec(package, 0..4))
    }

    proptest! {
        #[test]
        fn what_holds_is_what_the_rules_say((given, tenant, site) in (given(), 0_u8..2, prop::option::of(0_u8..4))) {
            let remote = remote(&given);
            let (policies, packages) = &given;
            // The oracle: every policy by number, asked one by one.
            let has = |policy: usize| packages.iter().any(|(of, assigned)| {
                of.contains(&u8::try_from(policy).unwrap_or(99))
                    && assigned.iter().any(|(t, s)| *t == tenant && (s.is_none() || *s == site))
            });
            let mine: Vec<&Says> = (0..policies.len()).filter(|at| has(*at)).map(|at| &policies[at]).collect();
            let all_say = |differs: &dyn Fn(&Says, &Says) -> bool| mine.iter().all(|a| mine.iter().all(|b| !differs(a, b)));
            let one_provider = all_say(&|a, b| a.provider != b.provider);
            let one_balloon = all_say(&|a, b| a.balloon.zip(b.balloon).is_some_and(|(a, b)| a != b));
            let lists: Vec<&BTreeSet<u8>> = mine.iter().filter_map(|says| says.roles.as_ref()).collect();
            let roles: BTreeSet<String> = (0..4).filter(|n| lists.iter().all(|list| list.contains(n))).map(role).collect();
            let common = lists.is_empty() || !roles.is_empty();
            let found = applied(&remote, &name(&format!("t{tenant}")), site.map(|site| format!("SITE {site}")).as_deref().as_slice());
            prop_assert_eq!(found.len(), mine.len());
            match effective(&found) {
                Err(conflict) => {
                    prop_assert!(!(one_provider && one_balloon && common), "{conflict:?}");
                    prop_assert!(conflict.first.policy != conflict.second.policy);
                }
                Ok(None) => prop_assert!(mine.is_empty()),
                Ok(Some(effective)) => {
                    prop_assert!(one_provider && one_balloon && common);
                    let asks = mine.iter().any(|says| says.consent == Some(Consent::Required));
                    let silent = mine.iter().all(|says| says.consent.is_none());
                    prop_assert_eq!(effective.consent.value == Consent::Required, asks || silent);
                    prop_assert_eq!(effective.consent.origins.is_empty(), silent);
                    let updates = mine.iter().any(|says| says.update == Some(true));
                    let silent = mine.iter().all(|says| says.update.is_none());
                    prop_assert_eq!(effective.agent_auto_update.value, updates || silent);
                    prop_assert_eq!(effective.notification_balloon.value, mine.iter().any(|says| says.balloon == Some(true)));
                    let expected = if lists.is_empty() { ROLES.map(str::to_owned).into() } else { roles };
                    prop_assert_eq!(effective.roles.value, expected);
                }
            }
        }

        #[test]
        fn another_policy_never_makes_anything_less_cautious(given in given(), more in given()) {
            let before = remote(&given);
            let mut both = before.clone();
            let more = remote(&more);
            // Under names of their own, at the same sites.
            for (at, (mut policy, package)) in more.policies.into_values().zip(more.packages.into_values()).enumerate() {
                policy.metadata.name = name(&format!("x{at}"));
                let package = Package { metadata: metadata(&format!("x{at}")), policies: [name(&format!("x{at}"))].into(), ..package };
                both.policies.insert(policy.metadata.name.clone(), policy);
                both.packages.insert(package.metadata.name.clone(), package);
            }
            for site in [None, Some("site 0"), Some("site 1")] {
                let of = |remote: &RemoteAccess| effective(&applied(remote, &name("t0"), site.as_slice()));
                if let (Ok(Some(before)), Ok(Some(after))) = (of(&before), of(&both)) {
                    let told = !before.consent.origins.is_empty();
                    prop_assert!(!told || after.consent.value >= before.consent.value);
                    let told = !before.agent_auto_update.origins.is_empty();
                    prop_assert!(!told || after.agent_auto_update.value >= before.agent_auto_update.value);
                    let told = !before.roles.origins.is_empty();
                    prop_assert!(!told || after.roles.value.is_subset(&before.roles.value));
                }
            }
        }
    }

    #[test]
    fn origins_name_policy_package_and_place() {
        let says = |consent| Says { provider: 0, consent, update: None, balloon: None, roles: None };
        let given = (
            vec![says(Some(Consent::NotRequired)), says(Some(Consent::Required)), says(None)],
            vec![([0, 1].into(), vec![(0, None)]), ([1, 2].into(), vec![(0, Some(1))])],
        );
        let remote = remote(&given);
        let found = applied(&remote, &name("t0"), &["Site 1"]);
        let effective = effective(&found).expect("no conflict").expect("policies");
        let origin = |policy: &str, package: &str| Origin {
            policy: name(policy),
            package: name(package),
            place: place(policy),
        };
        assert_eq!(
            effective.consent,
            Setting { value: Consent::Required, origins: vec![origin("p1", "k0")] }
        );
        assert_eq!(effective.provider.origins, [origin("p0", "k0"), origin("p1", "k0"), origin("p2", "k1")]);
        assert_eq!(effective.roles.value.len(), 5);
    }
}
