//! `muster schema`: the JSON Schemas of all kinds, for editors and other tools.

#![expect(clippy::disallowed_methods, reason = "the command writes the files that it was asked for")]

use crate::cli::arguments::Schema;
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::schema;
use crate::diagnostic::nearest;
use crate::report::style::Line;

pub(in crate::cli) fn run(shell: &mut Shell, command: &Schema) -> Result<Exit, CliError> {
    let schemas = schema::all();
    if let Some(kind) = &command.kind {
        let file = format!("{}.json", kind.to_lowercase());
        let Some(text) = schemas.get(&file) else {
            let known: Vec<&str> = schemas.keys().filter_map(|name| name.strip_suffix(".json")).collect();
            let error = CliError::usage(format!("there is no kind {kind}"));
            return Err(match nearest(kind, known.iter().copied()) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(format!("the kinds are {}", known.join(", "))),
            });
        };
        shell.ui.bytes(|out| out.write_all(text.as_bytes()))?;
        return Ok(Exit::Done);
    }
    let folder = shell.environment.current_dir.join(&command.dir);
    std::fs::create_dir_all(&folder).map_err(|error| CliError::io("make", &folder, error))?;
    for (name, text) in &schemas {
        let file = folder.join(name);
        std::fs::write(&file, text).map_err(|error| CliError::io("write", &file, error))?;
    }
    let said = format!("Wrote {} schemas into {}", schemas.len(), command.dir.display());
    shell.ui.status(&Line::new().text(said));
    Ok(Exit::Done)
}
