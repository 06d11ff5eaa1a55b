//! `muster status`: what is known, without contacting anything.

use std::collections::BTreeMap;

use crate::cli::arguments::{Form, Status as Command};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::report::json;
use crate::report::status::{self, Remembered, Status};
use crate::store::Store;
use crate::time::Clock;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Command) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let store = shell.store(&opened).await?;
    let computers = store.computers().await?;
    let names: BTreeMap<_, _> = computers.iter().map(|c| (c.id.clone(), c.agent.name.clone())).collect();
    let (detections, results) = (store.detections().await?, store.results().await?);
    let (runs, unfinished) = (store.runs(5).await?, store.unfinished().await?);
    let remembered = Remembered {
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
        if matches!(shell.global.output, Form::Json | Form::Ndjson) {
            let known = computers.iter().find(|computer| computer.id == *id);
            let detections: Vec<_> =
                detections.iter().filter(|detection| detection.computer == *id).collect();
            let all = serde_json::json!({ "computer": known, "detections": detections, "values": values });
            shell.ui.bytes(|out| json::pretty(out, &all))?;
            return Ok(Exit::Done);
        }
        shell.ui.data(|pen| {
            status::computer(pen, &remembered, id, &view)?;
            status::values(pen, &values, &view)
        })?;
    } else if matches!(shell.global.output, Form::Json | Form::Ndjson) {
        shell.ui.bytes(|out| json::pretty(out, &Status::of(&remembered)))?;
    } else {
        shell.ui.data(|pen| status::write(pen, &remembered, &view))?;
    }
    Ok(Exit::Done)
}
