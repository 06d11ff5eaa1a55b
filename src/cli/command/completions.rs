//! `muster completions`: a completion script on standard output.

use clap::CommandFactory;

use crate::cli::arguments::{Arguments, Completions};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::Ui;

pub(in crate::cli) fn run(ui: &Ui, command: &Completions) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "muster", &mut script);
    ui.bytes(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}
