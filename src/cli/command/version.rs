//! `muster version`: the version, and the versions of the forms that this release reads and writes.

use serde_json::json;

use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::kind::API_VERSION;
use crate::plan::document::FORMAT;

pub(in crate::cli) fn run(shell: &Shell) -> Result<Exit, CliError> {
    let version = env!("CARGO_PKG_VERSION");
    let value = json!({ "version": version, "apiVersion": API_VERSION, "plan": FORMAT });
    if !shell.document("version", &value)? {
        shell.ui.bytes(|out| writeln!(out, "muster {version}\nreads {API_VERSION}, plans as {FORMAT}"))?;
    }
    Ok(Exit::Done)
}
