//! The command line: the only place that prints, exits, reads the environment and builds adapters.

pub mod exit;
pub mod output;
pub mod progress;
pub mod prompt;

use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
