//! `muster explain`: what a code means, or why a computer gets what it gets.

use crate::cli::arguments::{Explain, Form};
use crate::cli::context::{Opened, Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::config::model::Deployment;
use crate::diagnostic::Code;
use crate::diagnostic::code::REGISTRY;
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind};
use crate::inventory::snapshot::{FindError, Snapshot};
use crate::plan::desired::{self, Side};
use crate::plan::document::Options;
use crate::plan::explain;
use crate::plan::gates::Run;
use crate::plan::needs::Refresh;
use crate::report;
use crate::report::style::{Label, Line};
use crate::session::control::Control;
use crate::time::Clock;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Explain,
    control: &Control,
) -> Result<Exit, CliError> {
    if let Some(info) = Code::find(&command.what) {
        let view = shell.view(false);
        shell.ui.data(|pen| report::explain::code(pen, info, &view))?;
        return Ok(Exit::Done);
    }
    if looks_like_code(&command.what) {
        let known = REGISTRY.iter().map(|info| info.code.as_str());
        return Err(CliError::unknown("code", &command.what.to_uppercase(), known));
    }
    let opened = shell.open(command.revision.rev.as_deref())?;
    let item = command.item.as_deref().map(|text| item(&opened, text)).transpose()?;
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    // Only what is known: explaining contacts nobody but the systems that list computers.
    let wish = planning::wish_of(Options::default(), Refresh::Never, false)?;
    let prepared = planning::prepare(shell, &opened, &links, &store, control, &wish).await?;
    let snapshot = &prepared.snapshot;
    let found = snapshot.find(&command.what);
    if let (Err(FindError::Unknown { .. }), Some(deployment)) =
        (&found, opened.config.deployments.get(command.what.as_str()))
    {
        return without(shell, &opened, snapshot, deployment);
    }
    let ix = found.map_err(|error| not_found(&error))?;
    let explained = explain::explain(
        &opened.config,
        snapshot,
        &prepared.detections,
        &prepared.past,
        ix,
        item.as_ref(),
        &Run::at(SystemClock.now()),
    );
    let Some(explained) = explained else { return Err(CliError::usage("there is no such computer")) };
    if matches!(shell.global.output, Form::Json | Form::Ndjson) {
        shell.ui.bytes(|out| report::json::pretty(out, &explained))?;
        return Ok(Exit::Done);
    }
    let computer = snapshot.computer(ix);
    let view = shell.view(true);
    shell.ui.data(|pen| {
        let mut line = Line::new().with(Label::Heading, &explained.computer);
        if let Some(tenant) = &computer.tenant {
            line.push(Label::Plain, format!(" ({tenant})"));
        }
        line.push(Label::Dim, format!("  {}, at most {}", computer.id, explained.mode));
        pen.line(&line)?;
        if explained.excluded {
            pen.line(&Line::new().with(Label::Warning, "It is excluded: no deployment reaches it."))?;
        }
        if let Some(why) = &explained.on_hold {
            let said = format!("Nothing is done on it: {why}.");
            pen.line(&Line::new().with(Label::Warning, said))?;
        }
        for item in &explained.items {
            pen.gap()?;
            report::explain::item(pen, item, SystemClock.now(), &view)?;
        }
        if explained.items.is_empty() {
            pen.line(&Line::new().text("No deployment reaches it."))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// What a deployment does, backward: what would be wanted if it were not there.
fn without(
    shell: &Shell,
    opened: &Opened,
    snapshot: &Snapshot,
    deployment: &Deployment,
) -> Result<Exit, CliError> {
    let name = &deployment.metadata.name;
    let mut config = opened.config.clone();
    config.deployments.remove(name);
    let present = snapshot.all();
    let diff = desired::compare(
        Side { config: &opened.config, snapshot, present },
        Side { config: &config, snapshot, present },
        &Run::at(SystemClock.now()),
    );
    if matches!(shell.global.output, Form::Json | Form::Ndjson) {
        shell.ui.bytes(|out| report::json::pretty(out, &diff))?;
        return Ok(Exit::Done);
    }
    let view = shell.view(false);
    shell.ui.data(|pen| {
        let line = Line::new().with(Label::Heading, name.as_str()).text(format!("  of {}", deployment.item));
        pen.line(&line.with(Label::Dim, format!("  {}", deployment.place)))?;
        pen.line(&Line::new().text("If it were removed:"))?;
        pen.gap()?;
        report::desired::write(pen, &diff, &view)
    })?;
    Ok(Exit::Done)
}

/// Who was probably meant.
fn not_found(error: &FindError) -> CliError {
    let told = CliError::usage(error.to_string());
    match error {
        FindError::Unknown { nearest: Some(near), .. } => told.hint(format!("did you mean {near}?")),
        _ => told.hint("`muster status` lists what is known; a code looks like M0201"),
    }
}

/// Whether a text is a code in form: an M and four digits.
fn looks_like_code(text: &str) -> bool {
    let digits = text.strip_prefix(['M', 'm']);
    digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The item of `name` or `name[key]`.
fn item(opened: &Opened, text: &str) -> Result<ItemKey, CliError> {
    let (name, instance) = match text.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']').map(Name::new).transpose()?),
        None => (text, None),
    };
    let name = Name::new(name)?;
    let config = &opened.config;
    if config.software.contains_key(&name) {
        Ok(ItemKey::software(name))
    } else if config.tasks.contains_key(&name) {
        let deployed = config.deployments.values().map(|deployment| &deployment.item);
        let deployed: Vec<&ItemKey> =
            deployed.filter(|item| item.kind == ItemKind::Task && item.name == name).collect();
        if instance.is_none() && !deployed.is_empty() && deployed.iter().all(|item| item.instance.is_some()) {
            let keys: Vec<String> = deployed.iter().map(ToString::to_string).collect();
            let error = CliError::usage(format!("every deployment of {name} has an instance key"));
            return Err(error.hint(format!("name one: {}", keys.join(", "))));
        }
        Ok(ItemKey::task(name, instance))
    } else {
        let known = config.software.keys().chain(config.tasks.keys()).map(Name::as_str);
        Err(CliError::unknown("software or task called", name.as_str(), known))
    }
}
