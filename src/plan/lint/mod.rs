//! Lints: what is valid and probably not meant. What the configuration alone shows is here; what shows only with the
//! computers is said while planning, and its texts are in `deployments`.
//!
//! Not here: errors (`config::check`, `precedence`), and rules about safety (policies).
//!
//! Invariants: lints are warnings, never errors. A document silences one by its code (`metadata.allow`), and an allowance
//! that silences nothing is a lint itself. Documents of a library are somebody else's: they are not told to be unused.

pub mod deployments;
mod rings;

use std::collections::BTreeSet;

use super::gates::{Run, gate, holds};
use crate::config::Config;
use crate::config::check::silence;
use crate::config::kind::{Hold, Kind};
use crate::config::model::{Allow, Deployment};
use crate::diagnostic::{Code, Finding, Findings, Place, code};
use crate::id::Name;
use crate::inventory::item::ItemKind;
use crate::time::Timestamp;

/// Lints that need computers; all others show in the configuration alone.
const OF_PLANS: [Code; 5] = [
    code::NEVER_WINS_HERE,
    code::TARGET_MATCHES_NOTHING,
    code::DUPLICATE_DEPLOYMENT,
    code::NAME_NOT_FOUND,
    code::EXEMPT_TAG,
];

/// Warnings that come from elsewhere, of which nobody knows here whether there were any.
const FROM_ELSEWHERE: [&str; 2] = ["M0705", "M08"];

/// What the configuration alone shows at an instant, without what its documents allow.
#[must_use]
pub fn configuration(config: &Config, now: Timestamp) -> Findings {
    let mut findings: Findings = config.uses.noticed.iter().cloned().collect();
    unused(config, &mut findings);
    orphans(config, &mut findings);
    for file in &config.uses.forgotten {
        let finding = Finding::new(
            code::FORGOTTEN_SCRIPT,
            format!("no document names the script file `{file}`"),
            Place::file(file),
        );
        findings.push(finding.help("name it, or delete it"));
    }
    ended_holds(config, now, &mut findings);
    deployments::pairs(config, now, &mut findings);
    rings::spellings(config, &mut findings);
    let (mut kept, used) = silence(&config.uses.allows, findings);
    kept.extend(idle(&config.uses.allows, &used, |code| {
        !OF_PLANS.contains(&code) && !FROM_ELSEWHERE.iter().any(|known| code.as_str().starts_with(known))
    }));
    kept.sort();
    kept
}

/// Takes out of a plan's findings what documents allow; `whole` says whether the plan is of everything, so that an
/// allowance that silenced nothing is known to be idle.
#[must_use]
pub fn of_plan(config: &Config, findings: Findings, whole: bool) -> Findings {
    let (mut kept, used) = silence(&config.uses.allows, findings);
    if whole {
        kept.extend(idle(&config.uses.allows, &used, |code| OF_PLANS.contains(&code)));
    }
    kept
}

/// Allowances of such codes that silence nothing.
fn idle<'a>(
    allows: &'a [Allow],
    used: &'a BTreeSet<usize>,
    is_one: impl Fn(Code) -> bool + 'a,
) -> impl Iterator<Item = Finding> + 'a {
    let idle = allows
        .iter()
        .enumerate()
        .filter(move |(at, allow)| !allow.used && !used.contains(at) && is_one(allow.code));
    idle.map(|(_, allow)| {
        let message = format!("{} is allowed, and there is no such warning here", allow.code);
        Finding::new(code::IDLE_ALLOWANCE, message, allow.place.clone()).help("take it out of `allow`")
    })
}

/// Whether a deployment counts in some run.
fn can_count(config: &Config, deployment: &Deployment, now: Timestamp) -> bool {
    let named = BTreeSet::from([deployment.metadata.name.clone()]);
    gate(config, &Run { named, ..Run::at(now) }, deployment).is_none()
}

/// Whether anything makes use of an object. Going first or last is no use, nor is having a licence.
fn is_used(config: &Config, kind: Kind, name: &Name) -> bool {
    let users = config.uses.used.get(&(kind, name.clone()));
    users.is_some_and(|users| users.iter().any(|user| !matches!(user, Kind::Order | Kind::License)))
}

/// Objects that nothing uses.
fn unused(config: &Config, findings: &mut Findings) {
    for ((kind, name), place) in &config.uses.declared {
        let is_told =
            matches!(kind, Kind::Target | Kind::Script | Kind::Task | Kind::Software | Kind::License);
        let in_library = config.instance.libraries.iter().any(|library| library.holds(&place.file));
        if !is_told || in_library {
            continue;
        }
        // A licence is found through its software.
        let licensed = config.licenses.get(name).filter(|_| *kind == Kind::License);
        let used = match licensed {
            Some(license) => is_used(config, Kind::Software, &license.software),
            None => is_used(config, *kind, name),
        };
        if used {
            continue;
        }
        let finding = Finding::new(code::UNUSED, format!("nothing uses the {kind} `{name}`"), place.clone());
        findings.push(finding.help(match kind {
            Kind::Software | Kind::Task => "deploy it, or delete it",
            _ => "refer to it, or delete it",
        }));
    }
}

/// Configuration tasks without their software.
fn orphans(config: &Config, findings: &mut Findings) {
    let deployed = |kind: ItemKind, name: &Name| {
        let of_item = config.deployments.values().filter(|made| made.item.kind == kind);
        of_item.filter(|made| made.item.name == *name).collect::<Vec<_>>()
    };
    for (name, task) in &config.tasks {
        let of: Vec<&Name> = config
            .software
            .iter()
            .filter(|(_, software)| software.configuration.as_ref() == Some(name))
            .map(|(software, _)| software)
            .collect();
        if of.is_empty() || of.iter().any(|software| is_used(config, Kind::Software, software)) {
            continue;
        }
        let all = of.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let alone = deployed(ItemKind::Task, name);
        let (message, place) = match alone.first() {
            None => (format!("the task `{name}` configures {all}, which nobody deploys"), &task.place),
            Some(made) => (
                format!(
                    "`{}` deploys the task `{name}` alone; it configures {all}, which nobody deploys",
                    made.metadata.name
                ),
                &made.place,
            ),
        };
        let finding = Finding::new(code::ORPHAN_CONFIGURATION, message, place.clone());
        let software = of.first().and_then(|name| config.software.get(*name));
        let finding = match software {
            Some(software) => finding.related(software.place.clone(), "the software is declared here"),
            None => finding,
        };
        findings.push(finding.help("deploy the software, or take the task out of its `configuration`"));
    }
}

/// Holds that have ended by themselves.
fn ended_holds(config: &Config, now: Timestamp, findings: &mut Findings) {
    let mut look = |what: String, hold: Option<&Hold>, place: &Place| {
        if let Some(hold) = hold.filter(|hold| !holds(config, hold, now)) {
            let message = format!("the hold of {what} ended with {}", hold.until);
            let finding = Finding::new(code::ENDED_HOLD, message, place.clone());
            findings.push(finding.help("take `hold` out, or give it another day"));
        }
    };
    for (name, tenant) in &config.tenants {
        look(format!("the tenant `{name}`"), tenant.hold.as_ref(), &tenant.place);
    }
    let mut bundles: BTreeSet<&Name> = BTreeSet::new();
    for (name, made) in &config.deployments {
        match &made.bundle {
            None => look(format!("the deployment `{name}`"), made.hold.as_ref(), &made.place),
            Some((bundle, place)) if bundles.insert(bundle) => {
                look(format!("the bundle `{bundle}`"), made.hold.as_ref(), place);
            }
            Some(_) => {}
        }
    }
}
