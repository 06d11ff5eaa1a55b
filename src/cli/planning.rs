//! The way to a plan, shared by `plan`, `apply`, `resolve` and `explain`: providers, state, detection with its progress.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::Scope;
use super::context::{Opened, Shell, SystemClock, readers};
use super::detecting::Detecting;
use super::error::CliError;
use crate::config::Config;
use crate::config::kind::Match;
use crate::diagnostic::code;
use crate::id::Name;
use crate::inventory::clients::Unmapped;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::inventory::relations::{Related, SourceKind};
use crate::plan::document::Options;
use crate::plan::gates::{Run, gate};
use crate::plan::needs::Refresh;
use crate::report::import::of_companies;
use crate::report::style::Line;
use crate::report::words::{ago, count, plural};
use crate::session::control::Control;
use crate::session::dispatcher::Link;
use crate::session::prepare::{Looked, Preparation, Prepared, Progress, Surveyed, Wish};
use crate::store::{MaintenanceRecord, Store, StoreError};
use crate::targets;
use crate::time::Clock;

/// What was typed, as a wish. `refresh` is what holds when nothing was typed.
///
/// # Errors
/// When a selector cannot be read (exit 64).
pub(super) fn wish(scope: &Scope, refresh: Refresh, offline: bool) -> Result<Wish, CliError> {
    let mut deployments = scope.deployments.clone();
    deployments.sort();
    deployments.dedup();
    let mut repairs = scope.repairs.clone();
    repairs.sort();
    repairs.dedup();
    let options = Options {
        repairs,
        only: scope.only.clone(),
        schedule: scope.schedule.clone(),
        mode: scope.mode,
        deployments,
        force_deployments: scope.force_deployments,
        no_reboot: scope.no_reboot,
        ..Options::default()
    };
    let mut wish = wish_of(options, scope.refresh.unwrap_or(refresh), offline)?;
    wish.accepted = scope.accept_shrink.iter().cloned().collect();
    Ok(wish)
}

/// The wish of these options, as they stand in a saved plan.
///
/// # Errors
/// When a selector cannot be read (exit 64).
pub(super) fn wish_of(options: Options, refresh: Refresh, offline: bool) -> Result<Wish, CliError> {
    let only = options
        .only
        .iter()
        .map(|line| targets::parse_line(line).map_err(|error| CliError::selector(line, &error)))
        .collect::<Result<Vec<Match>, CliError>>()?;
    Ok(Wish {
        only,
        options,
        refresh,
        offline,
        own_lists: false,
        judged_besides: false,
        accepted: BTreeSet::new(),
        as_of: None,
        identify: BTreeSet::new(),
        identify_alone: false,
        also: Vec::new(),
        judge: None,
    })
}

/// The schedule and the deployments that a run names exist, and these can count.
///
/// # Errors
/// When one is not declared, or none is about a software to be repaired (exit 64), or one does not count at all (exit 6).
fn named(config: &Config, options: &Options) -> Result<(), CliError> {
    if let Some(name) = options.schedule.as_ref().filter(|name| !config.schedules.contains_key(*name)) {
        let known = config.schedules.keys().map(Name::as_str);
        let all: Vec<&str> = config.schedules.keys().map(Name::as_str).collect();
        let error = CliError::unknown("schedule called", name.as_str(), known);
        return Err(if all.is_empty() {
            error.hint("no Schedule is declared in this repository")
        } else {
            error.hint(format!("there are: {}", all.join(", ")))
        });
    }
    let run = Run::of(options, SystemClock.now());
    for name in &options.deployments {
        let Some(deployment) = config.deployments.get(name) else {
            let known = config.deployments.keys().map(Name::as_str);
            return Err(CliError::unknown("deployment called", name.as_str(), known));
        };
        if let Some(gate) = gate(config, &run, deployment) {
            return Err(CliError::refused(format!("deployment {name} does not count: {gate}")));
        }
    }
    let items = || options.deployments.iter().filter_map(|name| Some(&config.deployments.get(name)?.item));
    match options.repairs.iter().find(|name| !items().any(|item| *item == ItemKey::software((*name).clone())))
    {
        None => Ok(()),
        Some(name) => {
            let known = items().filter(|item| item.kind == ItemKind::Software).map(|item| item.name.as_str());
            Err(CliError::unknown("software of the named deployments called", name.as_str(), known))
        }
    }
}

/// Lists, detects and plans, with progress on standard error.
///
/// # Errors
/// When the state fails.
pub(super) async fn prepare(
    shell: &mut Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    store: &dyn Store,
    control: &Control,
    wish: &Wish,
) -> Result<Prepared, CliError> {
    named(&opened.config, &wish.options)?;
    accepted_are_known(opened, wish)?;
    let mut prepared = gather(shell, opened, links, store, control, wish).await?;
    if wish.judged_besides {
        let said = std::mem::take(&mut prepared.judged.lints);
        prepared.judged.lints =
            said.into_iter().filter(|finding| finding.code != code::OVERRIDE_UNUSED).collect();
    }
    if prepared.contacted == 0
        && wish.refresh != Refresh::Never
        && let Some(oldest) = prepared.oldest
    {
        let ago = ago(oldest, SystemClock.now());
        let said = format!(
            "Nobody was contacted: what is known is from {ago} or later (--refresh always looks again)"
        );
        shell.ui.status(&Line::new().text(said));
    }
    shell.report(&prepared.findings, &opened.config.sources);
    shell.report(&prepared.planned.findings, &opened.config.sources);
    shell.report(&prepared.judged.lints, &opened.config.sources);
    tell_failures(shell, &prepared.failed, prepared.snapshot.related());
    tell_unmapped(shell, &prepared.unmapped);
    Ok(prepared)
}

/// Says how many computers of providers belong to no tenant, and what lists their companies.
pub(super) fn tell_unmapped(shell: &Shell, unmapped: &BTreeMap<Name, Unmapped>) {
    for (provider, companies) in unmapped {
        let computers = plural(count(companies.values().sum()), "computer");
        let nameless = companies.keys().filter(|client| client.name.is_empty()).count();
        let of = match (companies.len() - nameless, nameless) {
            (0, _) => "no company".to_owned(),
            (named, 0) => of_companies(count(named)),
            (named, _) => format!("{} and of none", of_companies(count(named))),
        };
        shell.ui.status(&Line::new().text(format!(
            "{provider}: of no tenant, and left out: {computers} of {of} (muster import tenants --from {provider} lists \
             them)"
        )));
    }
}

/// Says how many commands were left in the systems of providers that keep them: each one makes their records longer.
pub(super) fn tell_commands(shell: &Shell, links: &BTreeMap<Name, Link>) {
    for (provider, link) in links {
        let Some(sent) = link.reader.commands().filter(|sent| sent.commands > 0) else { continue };
        let (commands, computers) = (plural(sent.commands, "command"), plural(sent.computers, "computer"));
        let line = format!("{provider}: {commands} for {computers}, which stay in its records");
        shell.ui.status(&Line::new().text(line));
    }
}

/// Says which computers are still in maintenance mode, because it could not be put back.
pub(super) fn tell_maintenance(shell: &mut Shell, left: &[MaintenanceRecord]) {
    shell.warned |= !left.is_empty();
    for one in left {
        let provider = &one.agent.provider;
        let why = one.message.as_deref().unwrap_or("the run was stopped before");
        shell.ui.warning(format!("{} may still be in maintenance mode in {provider}: {why}", one.name));
    }
    if !left.is_empty() {
        shell.ui.hint("until then its alerts are held back; the next apply puts it back first");
    }
}

/// Says which sources failed or are doubted, and what that means.
fn tell_failures(shell: &Shell, failed: &BTreeMap<Name, String>, related: &Related) {
    let kept = "its computers are kept as they were listed last, and nothing is removed from them";
    let said = "what it said last still counts, and nothing is removed from computers that depend on it";
    let part = "of this what was there before still counts, and nothing is removed from the computers that it is about";
    let providers = failed.values().map(|message| (message, kept));
    let nothing = "nothing is known of what it says: no deployment that goes by it does anything where it decides, and no \
                   other takes its place";
    let hint = |(kind, name): &(SourceKind, Name)| if related.is_known(*kind, name) { said } else { nothing };
    let sources = related.failed().iter().map(|(source, message)| (message, hint(source)));
    let doubts = related.doubts().values().flatten().map(|doubt| (&doubt.why, part));
    for (message, hint) in providers.chain(sources).chain(doubts) {
        shell.ui.warning(message);
        shell.ui.hint(hint);
    }
}

/// Lists, and collects facts.
///
/// # Errors
/// When a source cannot be built, or the state fails.
pub(super) async fn survey(
    shell: &mut Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    store: &dyn Store,
    control: &Control,
    wish: &Wish,
) -> Result<Surveyed, CliError> {
    accepted_are_known(opened, wish)?;
    let surveyed =
        with(shell, opened, links, (store, control), async |preparation| preparation.survey(wish).await)
            .await?;
    shell.report(&surveyed.findings, &opened.config.sources);
    tell_failures(shell, &surveyed.failed, surveyed.snapshot.related());
    Ok(surveyed)
}

/// Lists, and finds out on which computers agents are.
///
/// # Errors
/// When a source cannot be built, or the state fails.
pub(super) async fn look(
    shell: &mut Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    store: &dyn Store,
    control: &Control,
    wish: &Wish,
) -> Result<Looked, CliError> {
    let looked =
        with(shell, opened, links, (store, control), async |preparation| preparation.look(wish).await)
            .await?;
    shell.report(&looked.findings, &opened.config.sources);
    tell_failures(shell, &looked.failed, looked.snapshot.related());
    Ok(looked)
}

/// Lists, detects and plans, and says nothing of what was found.
///
/// # Errors
/// When a source cannot be built, or the state fails.
pub(super) async fn gather(
    shell: &Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    store: &dyn Store,
    control: &Control,
    wish: &Wish,
) -> Result<Prepared, CliError> {
    with(shell, opened, links, (store, control), async |preparation| preparation.run(wish).await).await
}

/// Does something with all that lists and detects, with progress on standard error.
async fn with<T>(
    shell: &Shell,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    (store, control): (&dyn Store, &Control),
    run: impl AsyncFnOnce(Preparation<'_>) -> Result<T, StoreError>,
) -> Result<T, CliError> {
    let readers = readers(links);
    let sources = shell.sources(opened)?;
    let host = shell.host();
    let secrets = shell.secrets(opened);
    let bar = Detecting::new(&shell.ui);
    let progress = |step: Progress| bar.step(&step);
    let preparation = Preparation {
        config: &opened.config,
        revision: &opened.revision,
        readers: &readers,
        sources: &sources,
        host: &host,
        store,
        secrets: &secrets,
        clock: &SystemClock,
        control,
        progress: &progress,
    };
    Ok(run(preparation).await?)
}

/// Whether there is a source of every name that is accepted.
fn accepted_are_known(opened: &Opened, wish: &Wish) -> Result<(), CliError> {
    let config = &opened.config;
    let sources = || config.providers.keys().chain(config.directories.keys()).chain(config.psas.keys());
    let known = || sources().chain(config.scripts.keys());
    match wish.accepted.iter().find(|name| !known().any(|known| known == *name)) {
        None => Ok(()),
        Some(name) => Err(CliError::unknown(
            "provider, directory, PSA or script called",
            name.as_str(),
            known().map(Name::as_str),
        )),
    }
}
