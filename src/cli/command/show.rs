//! `muster show`: a saved plan, read from its file alone.

use crate::cli::arguments::Show;
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::saved;

pub(in crate::cli) fn run(shell: &Shell, command: &Show) -> Result<Exit, CliError> {
    let plan = saved::read(&shell.environment.current_dir.join(&command.file))?;
    super::plan::print(shell, &plan, command.details)?;
    Ok(Exit::Done)
}
