//! `muster doctor`: looks whether providers can be used, and says what to do where they cannot.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::arguments::{Doctor as Command, Form};
use crate::cli::context::{self, Shell};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::id::Name;
use crate::inventory::examine;
use crate::provider::Outcome;
use crate::report::doctor::Found;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Command) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let mut readers = context::readers(&shell.links(&opened)?);
    if let Some(wanted) = &command.provider {
        if !readers.contains_key(wanted) {
            let known = readers.keys().map(Name::as_str);
            return Err(CliError::unknown("provider called", wanted.as_str(), known));
        }
        readers.retain(|name, _| name == wanted);
    }
    let limit = opened.config.instance.sources.limit;
    let found = examine::examine(&readers, limit).await;
    let kind = |name: &Name| readers.get(name).map_or("", |reader| reader.info().kind);
    let found: BTreeMap<_, _> =
        found.into_iter().map(|(name, found)| (name.clone(), (kind(&name), found))).collect();
    let found = Found(&found);
    if shell.global.output == Form::Human {
        let view = shell.view(true);
        shell.ui.data(|pen| found.write(pen, &view))?;
    } else {
        let whole = |rows| json!({ "examinations": rows });
        shell.sheet(&found.sheet(), "No providers.", "doctor", whole)?;
    }
    shell.warned |= found.count(Outcome::Notice) > 0;
    Ok(if found.count(Outcome::Bad) > 0 {
        Exit::Source
    } else if found.count(Outcome::Unknown) > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}
