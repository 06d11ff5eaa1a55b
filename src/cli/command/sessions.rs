//! `muster sessions`: what was done, with its results and output.

use serde_json::json;

use crate::cli::arguments::{Form, Sessions as Command};
use crate::cli::context::{Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::report;
use crate::store::{SessionRecord, Store};
use crate::time::Clock;

pub(in crate::cli) async fn run(shell: &mut Shell, command: &Command) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let store = shell.store(&opened).await?;
    let view = shell.view(true);
    let Some(wanted) = &command.id else {
        let computer = match &command.computer {
            Some(name) => Some(
                store
                    .computers()
                    .await?
                    .into_iter()
                    .find(|c| c.agent.name.eq_ignore_ascii_case(name) || c.id.as_str() == name)
                    .ok_or_else(|| CliError::usage(format!("there is no computer called {name}")))?
                    .id,
            ),
            None => None,
        };
        let sessions = store.sessions(computer.as_ref(), command.limit).await?;
        match shell.global.output {
            Form::Human => {
                shell.ui.data(|pen| report::session::list(pen, &sessions, SystemClock.now(), &view))?;
            }
            _ => shell.sheet(
                &report::session::sheet(&sessions),
                "No sessions.",
                "sessions",
                |rows| json!({ "sessions": rows }),
            )?,
        }
        return Ok(Exit::Done);
    };
    let session = find(&store.sessions(None, u32::MAX).await?, wanted)?;
    let actions = store.actions(&session.id).await?;
    let maintenance = store.maintenance(&session.id).await?;
    match shell.global.output {
        Form::Human => {
            shell.ui.data(|pen| report::session::one(pen, &session, &actions, &maintenance, &view))?;
        }
        Form::Json => {
            let mut value = json!({ "session": session, "actions": actions });
            if let (Some(value), false) = (value.as_object_mut(), maintenance.is_empty()) {
                value.insert("maintenance".to_owned(), json!(maintenance));
            }
            shell.ui.bytes(|out| report::json::document(out, "session", &value))?;
        }
        Form::Ndjson => {
            shell.ui.bytes(|out| report::json::event(out, "session", &session))?;
            for action in &actions {
                shell.ui.bytes(|out| report::json::event(out, "action", action))?;
            }
            for one in &maintenance {
                shell.ui.bytes(|out| report::json::event(out, "maintenance", one))?;
            }
        }
        _ => shell.sheet(&report::session::actions(&actions), "No actions.", "session", |rows| rows)?,
    }
    Ok(Exit::Done)
}

/// The session with this id, or the only one whose id begins or ends with it.
fn find(sessions: &[SessionRecord], wanted: &str) -> Result<SessionRecord, CliError> {
    let fits = |session: &&SessionRecord| {
        let id = session.id.as_str();
        id.starts_with(wanted) || id.ends_with(wanted)
    };
    let mut found = sessions.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(session), None) => Ok(session.clone()),
        (Some(_), Some(_)) => {
            Err(CliError::usage(format!("several sessions fit {wanted}; write more of the id")))
        }
        _ => {
            Err(CliError::usage(format!("there is no session {wanted}")).hint("`muster sessions` lists them"))
        }
    }
}
