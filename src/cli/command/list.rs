//! `muster list`: what the repository holds, and which programs computers have.

use serde_json::json;

use crate::cli::arguments::{List, Listed};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::inventory::recognise::remembered;
use crate::plan::gates::Run;
use crate::plan::programs;
use crate::report::listing;
use crate::report::sheet::{Cell, Sheet};
use crate::store::Store;
use crate::time::Clock;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &List) -> Result<Exit, CliError> {
    let opened = shell.open(command.revision.rev.as_deref())?;
    let (config, run) = (&opened.config, Run::at(SystemClock.now()));
    let (what, mut sheet) = match command.what {
        Listed::Deployments => ("deployments", listing::deployments(config, &run)),
        Listed::Bundles => ("bundles", listing::bundles(config)),
        Listed::Software => ("software", listing::software(config)),
        Listed::Tasks => ("tasks", listing::tasks(config)),
        Listed::Parameters => ("parameters", listing::parameters(config)),
        Listed::Targets => ("targets", listing::targets(config)),
        Listed::Schedules => ("schedules", listing::schedules(config)),
        Listed::Tenants => ("tenants", listing::tenants_of(config, &run)),
        Listed::Programs => {
            let store = shell.store(&opened).await?;
            let computers = remembered(store.computers().await?, &store.identification().await?);
            let linked = computers.iter().filter(|stored| config.providers.contains_key(&stored.provider));
            let facts = linked.filter_map(|stored| stored.facts.as_deref()).map(|(_, facts)| facts);
            ("programs", listing::programs(&programs::count(config, facts)))
        }
    };
    if let Some(text) = &command.text {
        keep(&mut sheet, text);
    }
    let none = format!("No {what}.");
    shell.sheet(&sheet, &none, "list", |rows| json!({ "what": what, "rows": rows }))?;
    Ok(Exit::Done)
}

/// Leaves the rows whose first cell holds a text, in any case.
fn keep(sheet: &mut Sheet, text: &str) {
    let text = text.to_lowercase();
    sheet
        .rows
        .retain(|row| matches!(row.first(), Some(Cell::Text(name)) if name.to_lowercase().contains(&text)));
}
