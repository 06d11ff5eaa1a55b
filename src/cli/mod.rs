//! The command line: the only place that prints, exits, reads the environment and builds adapters.

use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
