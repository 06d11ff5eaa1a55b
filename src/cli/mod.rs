//! The command line: the only place that prints, exits, reads the environment and builds adapters.
//!
//! Not here: rules of the domain. A command turns what was typed into plain values, calls the library, and reports.

pub mod arguments;
mod basis;
mod changing;
mod command;
pub mod context;
mod deciding;
mod detecting;
pub mod environment;
pub mod error;
pub mod exit;
mod fetching;
mod files;
mod forms;
mod logging;
pub mod output;
mod planning;
pub mod progress;
pub mod prompt;
mod reports;
mod safety;
mod saved;
mod signals;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;

use self::arguments::{Arguments, Command};
use self::context::Shell;
use self::environment::Environment;
use self::error::CliError;
use self::exit::Exit;

/// Runs the program and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let environment = Environment::read();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers; everything else is a mistake in what was typed. clap's own code would be 2.
            _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done.into(),
                _ => Exit::Usage.into(),
            };
        }
    };
    let ui = Arc::new(environment.ui(&arguments.global));
    logging::start(&arguments.global, &environment);
    let mut shell = Shell { global: arguments.global, environment, ui, warned: false };
    let result = run(&mut shell, &arguments.command);
    let exit = match result {
        Ok(Exit::Done) if shell.warned && shell.global.fail_on_warn => Exit::Warnings,
        Ok(exit) => exit,
        Err(error) => {
            error.tell(&shell.ui);
            error.exit
        }
    };
    // A reader of standard output who has gone away changes nothing of it.
    exit.into()
}

fn run(shell: &mut Shell, command: &Command) -> Result<Exit, CliError> {
    forms::check(command, shell.global.output)?;
    match command {
        Command::Init(command) => command::init::run(shell, command),
        Command::Validate(command) => command::validate::run(shell, command),
        Command::Fmt(command) => command::fmt::run(shell, command),
        Command::Schema(command) => command::schema::run(shell, command),
        Command::Show(command) => command::show::run(shell, command),
        Command::Completions(command) => command::completions::run(&shell.ui, command),
        Command::Version => command::version::run(shell),
        Command::Plan(_)
        | Command::Apply(_)
        | Command::Diff(_)
        | Command::Doctor(_)
        | Command::List(_)
        | Command::Resolve(_)
        | Command::Explain(_)
        | Command::Remote(_)
        | Command::Inventory(_)
        | Command::Import(_)
        | Command::Status(_)
        | Command::Computers(_)
        | Command::Identify(_)
        | Command::Maintain(_)
        | Command::Update(_)
        | Command::Sessions(_) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let result = runtime.block_on(run_async(shell, command));
            // Nothing that still runs may keep the program from ending.
            runtime.shutdown_background();
            result
        }
    }
}

async fn run_async(shell: &mut Shell, command: &Command) -> Result<Exit, CliError> {
    let signals = signals::listen(Arc::clone(&shell.ui))?;
    let control = signals.control();
    let result = match command {
        Command::Plan(command) => command::plan::run(shell, command, &control).await,
        Command::Apply(command) => Box::pin(command::apply::run(shell, command, &control)).await,
        Command::Diff(command) => command::diff::run(shell, command).await,
        Command::Doctor(command) => command::doctor::run(shell, command).await,
        Command::List(command) => command::list::run(shell, command).await,
        Command::Resolve(command) => command::resolve::run(shell, command, &control).await,
        Command::Explain(command) => command::explain::run(shell, command, &control).await,
        Command::Remote(command) => command::remote::run(shell, command, &control).await,
        Command::Inventory(command) => command::inventory::run(shell, command, &control).await,
        Command::Import(command) => command::import::run(shell, command, &control).await,
        Command::Status(command) => command::status::run(shell, command).await,
        Command::Maintain(command) => command::maintain::run(shell, command, &control).await,
        Command::Computers(command) => command::computers::run(shell, command, &control).await,
        Command::Identify(command) => command::identify::run(shell, command, &control).await,
        Command::Update(command) => command::update::run(shell, command, &control).await,
        Command::Sessions(command) => command::sessions::run(shell, command).await,
        _ => Ok(Exit::Done),
    };
    match (signals.exit(), result) {
        (Some(exit), Ok(_)) => Ok(exit),
        // What was left undone because of the signal is no fault of its own.
        (Some(exit), Err(error)) if error.exit == Exit::Interrupted => Ok(exit),
        (_, result) => result,
    }
}
