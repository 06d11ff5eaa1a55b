//! `muster status`: what is known, without contacting anything.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::cli::arguments::{Form, Status as Command};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::id::ComputerId;
use crate::inventory::clients::Mapping;
use crate::inventory::identify::Standing;
use crate::inventory::item::Detection;
use crate::inventory::recognise::remembered;
use crate::report;
use crate::report::status::{self, ItemStatus, Remembered, Status};
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::store::Store;
use crate::time::{Clock, Timestamp};

/// An item as a line of its own; in a document its name is the key.
#[derive(Serialize)]
struct OfItem<'a> {
    item: &'a str,
    #[serde(flatten)]
    counts: &'a ItemStatus,
}

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Command) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let store = shell.store(&opened).await?;
    let memory = store.identification().await?;
    let computers = remembered(store.computers().await?, &memory);
    let names: BTreeMap<_, _> = computers.iter().map(|c| (c.id.clone(), c.agent.name.clone())).collect();
    let counts = |id: &ComputerId, at: Timestamp| memory.began(id).is_none_or(|began| at >= began);
    let (mut detections, mut results) = (store.detections().await?, store.results().await?);
    detections.retain(|seen| counts(&seen.computer, seen.at));
    results.retain(|result| counts(&result.computer, result.at));
    let waiting = memory.agents.values().filter(|known| known.standing == Standing::Waiting).count();
    let (runs, unfinished) = (store.runs(5).await?, store.unfinished().await?);
    let known = Remembered {
        now: SystemClock.now(),
        max_age: opened.config.instance.max_age,
        names: &names,
        computers: &computers,
        detections: &detections,
        results: &results,
        runs: &runs,
        unfinished: &unfinished,
    };
    let view = shell.view(false);
    if let Some(wanted) = &command.computer {
        let found =
            names.iter().find(|(id, name)| name.eq_ignore_ascii_case(wanted) || id.as_str() == wanted);
        let Some((id, _)) = found else {
            return Err(CliError::unknown("computer called", wanted, names.values().map(String::as_str))
                .hint("only computers that were contacted are known; `muster plan` contacts them"));
        };
        let values = store.values(id, 20).await?;
        let of_it: Vec<&Detection> = detections.iter().filter(|seen| seen.computer == *id).collect();
        match shell.global.output {
            Form::Human => shell.ui.data(|pen| {
                status::computer(pen, &known, id, &view)?;
                status::values(pen, &values, &view)
            })?,
            Form::Json => {
                let known = computers.iter().find(|computer| computer.id == *id);
                let all = json!({ "computer": known, "detections": of_it, "values": values });
                shell.ui.bytes(|out| report::json::document(out, "computer", &all))?;
            }
            Form::Ndjson => {
                for seen in of_it {
                    shell.ui.bytes(|out| report::json::event(out, "detection", seen))?;
                }
                for value in &values {
                    shell.ui.bytes(|out| report::json::event(out, "value", value))?;
                }
            }
            _ => {
                let sheet = status::of_computer(&known, id);
                shell.sheet(&sheet, "Nothing was detected on it.", "computer", |rows| rows)?;
            }
        }
        return Ok(Exit::Done);
    }
    let unmapped = Mapping::of(&opened.config).still_unmapped(&store.sources().await?);
    planning::tell_unmapped(shell, &unmapped);
    if waiting > 0 {
        let agents = plural(count(waiting), "agent");
        shell.ui.status(&Line::new().text(format!("{agents} on no computer yet: muster identify")));
    }
    let status = Status::of(&known);
    match shell.global.output {
        Form::Human => shell.ui.data(|pen| status::write(pen, &known, &view))?,
        Form::Json => shell.ui.bytes(|out| report::json::document(out, "status", &status))?,
        Form::Ndjson => {
            for (item, counts) in &status.items {
                let line = OfItem { item, counts };
                shell.ui.bytes(|out| report::json::event(out, "item", &line))?;
            }
        }
        _ => shell.sheet(&status.items(), "Nothing was detected so far.", "status", |rows| rows)?,
    }
    Ok(Exit::Done)
}
