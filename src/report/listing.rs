//! What a repository holds, as tables: `muster list`.
//!
//! Not here: what follows for computers, which a plan tells.
//!
//! Invariant: a row says what is declared; the order is that of names.

use std::collections::BTreeMap;

use super::sheet::{Cell, Column, Sheet, further, shown};
use super::terms::code;
use super::words::count;
use crate::config::Config;
use crate::config::kind::{Enforcement, ParameterSpec};
use crate::config::model::{Deployment, Desired, Detect, Layer, Task, WantedVersion};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::plan::gates::{self, Run};
use crate::plan::phrase;
use crate::plan::programs::Program;
use crate::targets::{self, Expr, Selector};

const DEPLOYMENTS: &[Column] = &[
    shown("name", "Name"),
    further("kind"),
    shown("item", "Item"),
    shown("state", "State"),
    shown("version", "Version"),
    shown("target", "Target"),
    shown("tenants", "Tenants"),
    shown("mode", "Mode"),
    further("priority"),
    further("enforcement"),
    further("enabled"),
    further("onHoldUntil"),
    shown("status", "Status"),
    further("bundle"),
    further("library"),
    shown("place", "Place"),
    further("says"),
];

/// All deployments, those of bundles and libraries too.
#[must_use]
pub fn deployments(config: &Config, run: &Run) -> Sheet {
    let row = |deployment: &Deployment| {
        let hold = deployment.hold.as_ref().filter(|hold| gates::holds(config, hold, run.now));
        let (state, version) = match &deployment.desired {
            Desired::Task | Desired::OsUpdates => (Cell::Nothing, Cell::Nothing),
            Desired::Software { state, version, .. } => (
                Cell::text(code(state)),
                match version {
                    WantedVersion::Any { .. } => Cell::Nothing,
                    WantedVersion::Latest { .. } => Cell::text("latest"),
                    WantedVersion::Exact { version } => Cell::text(version),
                    WantedVersion::Range { constraint, .. } => Cell::text(constraint),
                },
            ),
        };
        let library = match &deployment.layer {
            Layer::Local => Cell::Nothing,
            Layer::Library { folder, .. } => Cell::text(folder),
        };
        let whom = || {
            let sentence = phrase::whom(config, deployment);
            sentence.strip_prefix("on ").unwrap_or(&sentence).to_owned()
        };
        vec![
            Cell::text(&deployment.metadata.name),
            Cell::text(code(&deployment.item.kind)),
            Cell::text(&deployment.item),
            state,
            version,
            deployment.target.as_ref().map_or_else(|| Cell::Text(whom()), Cell::text),
            Cell::list(tenants(config, deployment)),
            Cell::text(deployment.mode),
            Cell::Number(deployment.priority.into()),
            Cell::text(code(&deployment.enforcement)),
            Cell::Flag(deployment.enabled),
            Cell::maybe(hold.map(|hold| hold.until)),
            Cell::maybe(status(config, run, deployment)),
            Cell::maybe(deployment.bundle.as_ref().map(|(name, _)| name)),
            library,
            Cell::text(&deployment.place),
            Cell::Text(phrase::deployment(config, deployment, run.now)),
        ]
    };
    Sheet { row: "deployment", columns: DEPLOYMENTS, rows: config.deployments.values().map(row).collect() }
}

/// What is unusual about when a deployment counts, in a few words.
fn status(config: &Config, run: &Run, deployment: &Deployment) -> Option<String> {
    if let Some(hold) = deployment.hold.as_ref().filter(|hold| gates::holds(config, hold, run.now)) {
        return Some(format!("on hold until {}", hold.until));
    }
    match (gates::gate(config, run, deployment), deployment.enforcement) {
        (Some(gates::Gate::Disabled), _) => Some("disabled".to_owned()),
        (Some(gates::Gate::ItemDisabled), _) => Some("item disabled".to_owned()),
        (Some(gates::Gate::NotListed(_)), _) => Some("library, not listed".to_owned()),
        (Some(gates::Gate::NotScheduled), _) => Some("in runs of its schedule".to_owned()),
        (_, Enforcement::AdHoc) => Some("ad-hoc".to_owned()),
        (_, Enforcement::Onboarding) => Some("onboarding".to_owned()),
        (None | Some(gates::Gate::AdHoc), Enforcement::Required) => None,
    }
}

/// The tenants that a deployment's target names, other than to leave them out.
fn tenants(config: &Config, deployment: &Deployment) -> Vec<Name> {
    fn of<'e>(expression: &'e Expr, found: &mut Vec<&'e Name>) {
        match expression {
            Expr::Select(Selector::Tenant { name, .. } | Selector::TenantTree { name, .. }) => {
                found.push(name);
            }
            Expr::Select(_) | Expr::Not(_) => {}
            // Expressions are bounded in depth, so the recursion is.
            Expr::All(members) | Expr::Any(members) => members.iter().for_each(|member| of(member, found)),
            Expr::Target(_, inner) => of(inner, found),
        }
    }
    let resolved = targets::resolve(&deployment.expression, config, Some(&deployment.place));
    resolved.map_or_else(
        |_| Vec::new(),
        |resolved| {
            let mut found = Vec::new();
            of(resolved.expr(), &mut found);
            found.sort();
            found.dedup();
            found.into_iter().cloned().collect()
        },
    )
}

const BUNDLES: &[Column] = &[
    shown("name", "Name"),
    shown("deployments", "Deployments"),
    shown("items", "Items"),
    shown("place", "Place"),
];

/// All bundles that expand to something.
#[must_use]
pub fn bundles(config: &Config) -> Sheet {
    let mut bundles: BTreeMap<&Name, Vec<&Deployment>> = BTreeMap::new();
    for deployment in config.deployments.values() {
        if let Some((name, _)) = &deployment.bundle {
            bundles.entry(name).or_default().push(deployment);
        }
    }
    let row = |(name, entries): (&Name, Vec<&Deployment>)| {
        let place = entries.first().and_then(|entry| entry.bundle.as_ref()).map(|(_, place)| place);
        vec![
            Cell::text(name),
            Cell::count(count(entries.len())),
            Cell::list(entries.iter().map(|entry| &entry.item)),
            Cell::maybe(place),
        ]
    };
    Sheet { row: "bundle", columns: BUNDLES, rows: bundles.into_iter().map(row).collect() }
}

/// How many deployments an item has, over all its instance keys.
fn deployed(config: &Config, kind: ItemKind, name: &Name) -> Cell {
    let is_it = |item: &ItemKey| item.kind == kind && item.name == *name;
    Cell::count(count(config.deployments.values().filter(|deployment| is_it(&deployment.item)).count()))
}

const SOFTWARE: &[Column] = &[
    shown("name", "Name"),
    shown("title", "Title"),
    shown("detect", "Found by"),
    shown("latest", "Latest"),
    shown("versions", "Versions"),
    further("source"),
    further("configuration"),
    further("license"),
    further("enabled"),
    shown("deployments", "Deployments"),
    shown("place", "Place"),
];

/// All software.
#[must_use]
pub fn software(config: &Config) -> Sheet {
    let rows = config.software.iter().map(|(name, software)| {
        let detect = match &software.detect {
            Detect::Inventory(_) => "inventory",
            Detect::Package(_) => "package",
            Detect::Packages(_) => "packages",
            Detect::UpgradeCode(_) => "upgrade code",
            Detect::ProductCode(_) => "product code",
            Detect::Script(_) => "script",
        };
        vec![
            Cell::text(name),
            Cell::maybe(software.metadata.title.as_ref()),
            Cell::text(detect),
            Cell::maybe(software.latest()),
            Cell::count(count(software.versions().count())),
            Cell::Flag(software.source.is_some()),
            Cell::maybe(software.configuration.as_ref()),
            Cell::Text(code(&software.license)),
            Cell::Flag(software.enabled),
            deployed(config, ItemKind::Software, name),
            Cell::text(&software.place),
        ]
    });
    Sheet { row: "software", columns: SOFTWARE, rows: rows.collect() }
}

const TASKS: &[Column] = &[
    shown("name", "Name"),
    shown("title", "Title"),
    shown("does", "Does"),
    shown("parameters", "Parameters"),
    further("enabled"),
    shown("deployments", "Deployments"),
    shown("place", "Place"),
];

/// All tasks.
#[must_use]
pub fn tasks(config: &Config) -> Sheet {
    let does = |task: &Task| match &task.resource {
        Some(resource) => vec![resource.kind.as_str().to_owned()],
        None => [("test", &task.test), ("set", &task.set), ("get", &task.get)]
            .into_iter()
            .filter(|(_, scripts)| scripts.is_some())
            .map(|(name, _)| name.to_owned())
            .collect(),
    };
    let rows = config.tasks.iter().map(|(name, task)| {
        vec![
            Cell::text(name),
            Cell::maybe(task.metadata.title.as_ref()),
            Cell::List(does(task)),
            Cell::count(count(task.parameters.len())),
            Cell::Flag(task.enabled),
            deployed(config, ItemKind::Task, name),
            Cell::text(&task.place),
        ]
    });
    Sheet { row: "task", columns: TASKS, rows: rows.collect() }
}

const TARGETS: &[Column] = &[
    shown("name", "Name"),
    shown("selects", "Selects"),
    shown("mode", "At most"),
    shown("deployments", "Deployments"),
    shown("place", "Place"),
];

/// All targets that have a name.
#[must_use]
pub fn targets(config: &Config) -> Sheet {
    let rows = config.targets.iter().map(|(name, target)| {
        let says = targets::resolve(&target.expression, config, Some(&target.place))
            .map(|resolved| phrase::on(config, None, &resolved));
        let by = config.deployments.values().filter(|deployment| deployment.target.as_ref() == Some(name));
        vec![
            Cell::text(name),
            Cell::maybe(says.ok().as_deref().map(|says| says.strip_prefix("on ").unwrap_or(says))),
            Cell::text(target.mode),
            Cell::count(count(by.count())),
            Cell::text(&target.place),
        ]
    });
    Sheet { row: "target", columns: TARGETS, rows: rows.collect() }
}

const SCHEDULES: &[Column] = &[
    shown("name", "Name"),
    shown("title", "Title"),
    shown("target", "For"),
    shown("osUpdates", "Updates"),
    shown("place", "Place"),
];

/// All schedules.
#[must_use]
pub fn schedules(config: &Config) -> Sheet {
    let rows = config.schedules.iter().map(|(name, schedule)| {
        let resolved = targets::resolve(&schedule.expression, config, Some(&schedule.place)).ok();
        let says = resolved.map(|resolved| phrase::on(config, schedule.target.as_ref(), &resolved));
        vec![
            Cell::text(name),
            Cell::maybe(schedule.metadata.title.as_ref()),
            Cell::maybe(says.as_deref().map(|says| says.strip_prefix("on ").unwrap_or(says))),
            Cell::text(code(&schedule.os_updates)),
            Cell::text(&schedule.place),
        ]
    });
    Sheet { row: "schedule", columns: SCHEDULES, rows: rows.collect() }
}

const TENANTS: &[Column] = &[
    shown("name", "Name"),
    shown("title", "Title"),
    shown("parent", "Below"),
    shown("tags", "Tags"),
    shown("mode", "At most"),
    further("crossTenant"),
    further("reboot"),
    further("onHoldUntil"),
    shown("place", "Place"),
];

/// All tenants.
#[must_use]
pub fn tenants_of(config: &Config, run: &Run) -> Sheet {
    let rows = config.tenants.iter().map(|(name, tenant)| {
        let hold = tenant.hold.as_ref().filter(|hold| gates::holds(config, hold, run.now));
        vec![
            Cell::text(name),
            Cell::maybe(tenant.metadata.title.as_ref()),
            Cell::maybe(tenant.parent.as_ref()),
            Cell::list(&tenant.tags),
            Cell::text(tenant.mode),
            Cell::text(code(&tenant.cross_tenant)),
            Cell::text(code(&tenant.reboot)),
            Cell::maybe(hold.map(|hold| hold.until)),
            Cell::text(&tenant.place),
        ]
    });
    Sheet { row: "tenant", columns: TENANTS, rows: rows.collect() }
}

const PARAMETERS: &[Column] = &[
    shown("item", "Item"),
    further("kind"),
    shown("name", "Name"),
    shown("type", "Type"),
    shown("required", "Required"),
    shown("default", "Default"),
    shown("options", "Options"),
    shown("hidden", "Hidden"),
    shown("order", "Order"),
    shown("description", "For"),
];

/// The parameters of all software and tasks: by item, then in their order, then by name (PAR-1).
#[must_use]
pub fn parameters(config: &Config) -> Sheet {
    let software =
        config.software.iter().map(|(name, software)| (name, ItemKind::Software, &software.parameters));
    let tasks = config.tasks.iter().map(|(name, task)| (name, ItemKind::Task, &task.parameters));
    let mut items: Vec<(&Name, ItemKind, &BTreeMap<String, ParameterSpec>)> = software.chain(tasks).collect();
    items.sort_by_key(|(name, kind, _)| (*name, *kind));
    let mut rows = Vec::new();
    for (item, kind, parameters) in items {
        let mut ordered: Vec<(&String, &ParameterSpec)> = parameters.iter().collect();
        ordered.sort_by_key(|(_, spec)| spec.order.unwrap_or(0));
        rows.extend(ordered.into_iter().map(|(name, spec)| {
            vec![
                Cell::text(item),
                Cell::text(code(&kind)),
                Cell::text(name),
                Cell::text(code(&spec.r#type)),
                Cell::Flag(spec.required),
                Cell::maybe(spec.default.as_ref().map(|value| match value.to_json() {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                })),
                Cell::List(spec.options.clone().unwrap_or_default()),
                Cell::Flag(spec.hidden),
                Cell::Number(spec.order.unwrap_or(0).into()),
                Cell::maybe(spec.description.as_ref()),
            ]
        }));
    }
    Sheet { row: "parameter", columns: PARAMETERS, rows }
}

const PROGRAMS: &[Column] = &[
    shown("name", "Name"),
    shown("source", "Listed by"),
    shown("computers", "Computers"),
    shown("versions", "Versions"),
    further("hidden"),
    shown("detectedAs", "Detected as"),
];

/// The programs that computers have.
#[must_use]
pub fn programs(programs: &[Program]) -> Sheet {
    let rows = programs.iter().map(|program| {
        let versions = program.versions.iter().map(|(version, computers)| format!("{version} ({computers})"));
        vec![
            Cell::text(&program.name),
            Cell::text(code(&program.source)),
            Cell::count(program.computers),
            Cell::list(versions),
            Cell::Flag(program.hidden),
            Cell::list(&program.detected_as),
        ]
    });
    Sheet { row: "program", columns: PROGRAMS, rows: rows.collect() }
}
