//! `muster version`: the version, and the versions of the forms that this release reads and writes.

use serde_json::json;

use crate::cli::arguments::Form;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::Ui;
use crate::config::kind::API_VERSION;
use crate::plan::document::FORMAT;

pub(in crate::cli) fn run(ui: &Ui, form: Form) -> Result<Exit, CliError> {
    let version = env!("CARGO_PKG_VERSION");
    match form {
        Form::Json | Form::Ndjson => {
            let value = json!({ "version": version, "apiVersion": API_VERSION, "plan": FORMAT });
            ui.bytes(|out| writeln!(out, "{value}"))?;
        }
        Form::Human | Form::Markdown | Form::Html => {
            ui.bytes(|out| writeln!(out, "muster {version}\nreads {API_VERSION}, plans as {FORMAT}"))?;
        }
    }
    Ok(Exit::Done)
}
