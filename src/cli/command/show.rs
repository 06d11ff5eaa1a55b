//! `muster show`: a saved plan, read from its file alone.

use crate::cli::arguments::Show;
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::reports::Reporting;
use crate::cli::saved;
use crate::diagnostic::{Findings, Sources};

pub(in crate::cli) fn run(shell: &mut Shell, command: &Show) -> Result<Exit, CliError> {
    let plan = saved::read(&shell.environment.current_dir.join(&command.file))?;
    let (findings, sources) = (Findings::new(), Sources::new());
    let reporting = Reporting::new(shell, "show", &command.reports, None)?;
    let model = reporting.model(Some(&plan), &findings, &sources);
    shell.warned |= model.warns();
    reporting.write(shell, &model)?;
    match command.graph {
        _ if reporting.takes_output() => {}
        Some(form) => super::plan::draw(shell, &plan, form)?,
        None => super::plan::print(shell, &plan, &model, command.details)?,
    }
    Ok(Exit::Done)
}
