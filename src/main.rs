//! The `muster` program: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    muster::cli::main()
}
