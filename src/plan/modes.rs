//! How far anything may go (L5): the most cautious of what instance, tenants, target, deployment, computer and run say.
//!
//! The ceilings of a computer (instance, tenants, `Computer` document) meet in the snapshot, those of a deployment
//! (its own mode, the targets that it goes through) here, and both with the run's where an item's parts are made.
//!
//! [`Run::lift`] puts one mode in place of every more cautious ceiling, to see what switching would do. As the most
//! cautious of several lifted modes is the lifted most cautious one, it does not matter where a mode is lifted. Not
//! lifted: exclusions, holds, `state: ignored`, and a deployment's own `mode: ignored`, which is an exception that wins
//! (DEP-13) and no ceiling. The run's own ceiling (`--mode`) holds in any case.

use std::collections::BTreeSet;

use super::document::Origin;
use super::gates::{Run, gate, holds};
use super::notes::document;
use crate::config::Config;
use crate::config::kind::Mode;
use crate::config::model::Deployment;
use crate::diagnostic::Place;
use crate::id::Name;
use crate::targets::{Expr, Resolved};

/// A declared ceiling as the run sees it.
#[must_use]
pub fn lifted(declared: Mode, run: &Run) -> Mode {
    run.lift.map_or(declared, |to| declared.max(to))
}

/// The most that a deployment may do: its own mode under those of the targets that it goes through.
#[must_use]
pub fn of_deployment(config: &Config, run: &Run, deployment: &Deployment, resolved: &Resolved) -> Mode {
    own(config, run, deployment).min(of_targets(config, run, deployment.target.as_ref(), resolved))
}

/// A deployment's own mode: its hold is `ignored`, and its own `ignored` is not lifted.
#[must_use]
pub fn own(config: &Config, run: &Run, deployment: &Deployment) -> Mode {
    let held = deployment.hold.as_ref().is_some_and(|hold| holds(config, hold, run.now));
    match deployment.mode {
        _ if held => Mode::Ignored,
        Mode::Ignored => Mode::Ignored,
        mode => lifted(mode, run),
    }
}

/// The most that may be done through an expression: the most cautious of the named target that it belongs to and of those
/// in it. What is only taken away (`not`) says nothing: nothing is done through it.
#[must_use]
pub fn of_targets(config: &Config, run: &Run, named: Option<&Name>, resolved: &Resolved) -> Mode {
    let mut through = BTreeSet::new();
    through.extend(named);
    positive(resolved.expr(), &mut through);
    let modes = through.into_iter().filter_map(|name| config.targets.get(name)).map(|target| target.mode);
    lifted(modes.min().unwrap_or(Mode::Enforce), run)
}

/// The targets in an expression that are not below a `not`. Expressions are bounded in depth, so the recursion is.
fn positive<'e>(expression: &'e Expr, found: &mut BTreeSet<&'e Name>) {
    match expression {
        Expr::Select(_) | Expr::Not(_) => {}
        Expr::All(members) | Expr::Any(members) => members.iter().for_each(|member| positive(member, found)),
        Expr::Target(name, inner) => {
            found.insert(name);
            positive(inner, found);
        }
    }
}

/// A mode that a run lifts, in words, and where it is declared.
#[must_use]
pub fn what_is_lifted(config: &Config, run: &Run) -> Vec<(String, Origin)> {
    let Some(to) = run.lift else { return Vec::new() };
    let mut said = Vec::new();
    let mut say = |what: &str, name: &Name, mode: Mode, place: &Place| {
        if mode < to {
            said.push((format!("{what} {name} is taken as {to} in place of {mode}"), document(name, place)));
        }
    };
    say("instance", &config.instance.metadata.name, config.instance.mode, &config.instance.place);
    for (name, tenant) in &config.tenants {
        say("tenant", name, tenant.mode, &tenant.place);
    }
    for (name, computer) in &config.computers {
        say("computer", name, computer.mode, &computer.place);
    }
    for (name, target) in &config.targets {
        say("target", name, target.mode, &target.place);
    }
    for (name, deployment) in &config.deployments {
        if deployment.mode != Mode::Ignored && run.does(deployment) && gate(config, run, deployment).is_none()
        {
            say("deployment", name, deployment.mode, &deployment.place);
        }
    }
    said
}
