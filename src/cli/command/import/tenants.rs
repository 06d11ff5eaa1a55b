//! `muster import tenants`: which company of a provider is which tenant.

use std::path::Path;

use serde_json::json;

use super::{Outcome, question, reader, refusal, settle, tell_by_hand};
use crate::cli::arguments::{Form, ImportTenants};
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::files;
use crate::import::files::changes;
use crate::import::mapping;
use crate::import::tenants::{Asking, Proposal, Status, propose};
use crate::import::wishes::{self, Said, Wishes};
use crate::report::import as view;
use crate::report::style::Line;
use crate::session::control::Control;

pub(super) async fn run(
    shell: &mut Shell,
    command: &ImportTenants,
    control: &Control,
) -> Result<Exit, CliError> {
    let (said, mut faults) = said(shell, command)?;
    let opened = shell.open(None)?;
    let options = &command.import;
    let reader = reader(shell, &opened, options)?;
    let store = shell.store(&opened).await?;
    let companies = match question(&opened, options, &reader, &store).companies().await {
        Ok(companies) => companies,
        Err(_) if !faults.is_empty() => return Err(mistaken(&faults)),
        Err(error) => return Err(refusal(error)),
    };
    let wishes = wishes::look_up(&said, &opened.config, &options.from, &companies).unwrap_or_else(|more| {
        faults.extend(more);
        Wishes::default()
    });
    if !faults.is_empty() {
        return Err(mistaken(&faults));
    }
    let proposal = propose(&Asking {
        config: &opened.config,
        provider: &options.from,
        companies: &companies,
        wishes: &wishes,
        drop_vanished: command.drop_vanished,
    });
    let (changes, by_hand) = changes(&opened.config, &proposal.edits, &proposal.made);
    let is_human = shell.global.output == Form::Human;
    if is_human {
        let view = shell.view(options.details);
        shell.ui.data(|pen| view::tenants(pen, &proposal, &view))?;
    }
    tell_by_hand(shell, &by_hand);
    let outcome = settle(shell, &opened, options, &changes, "", control).await?;
    let written = outcome == Outcome::Written;
    if !is_human {
        let whole = |rows| {
            json!({
                "what": "tenants", "provider": options.from, "settled": proposal.settled, "written": written,
                "companies": rows, "files": view::files_json(&changes), "byHand": view::by_hand_json(&by_hand),
            })
        };
        shell.sheet(
            &view::companies(&proposal.rows),
            "No company has something to be told.",
            "import",
            whole,
        )?;
    }
    shell.ui.status(&Line::new().text(view::sentence(&proposal)));
    if written {
        let from = &options.from;
        shell.ui.hint(format!(
            "written; commit it. The computers of these companies come with the next muster plan, or muster import \
             computers --from {from}; they are not identified until muster plan or muster identify has reached them"
        ));
    }
    advise(shell, command, &proposal);
    Ok(outcome.exit(options))
}

/// Says what can be done about companies that are left.
fn advise(shell: &Shell, command: &ImportTenants, proposal: &Proposal) {
    let has = |status| proposal.rows.iter().any(|row| row.status == status && !row.proposed);
    if has(Status::NotMapped) || has(Status::Ambiguous) {
        shell.ui.hint(
            "--map 'COMPANY=TENANT' and --mapping FILE say which tenant a company is, and --create makes tenants",
        );
    }
    if has(Status::Vanished) && !command.drop_vanished {
        shell.ui.hint("--drop-vanished takes the entries of companies that vanished out of their tenants");
    }
}

fn mistaken(faults: &[String]) -> CliError {
    CliError::usage(faults.join("\n")).hint("nothing is written")
}

/// What was typed, with what stands in the mapping file, and what is wrong with it.
fn said(shell: &Shell, command: &ImportTenants) -> Result<(Said, Vec<String>), CliError> {
    let mut said = Said { only: command.only.clone(), maps: Vec::new(), create: command.create.clone() };
    let mut faults: Vec<String> = Vec::new();
    for text in &command.maps {
        match mapping::pair(text) {
            Ok((company, tenant)) => said.maps.push((company, tenant, "--map".to_owned())),
            Err(why) => faults.push(format!("--map: {why}")),
        }
    }
    if let Some(file) = &command.mapping {
        let shown = file.display();
        let is_csv = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        let (lines, wrong) = mapping::read(&text_of(&shell.environment.current_dir.join(file))?, is_csv);
        let of = |line: mapping::Line| (line.company, line.tenant, format!("{shown}:{}", line.number));
        said.maps.extend(lines.into_iter().map(of));
        faults.extend(wrong.into_iter().map(|fault| format!("{shown}:{}: {}", fault.number, fault.what)));
    }
    Ok((said, faults))
}

fn text_of(path: &Path) -> Result<String, CliError> {
    let missing = || CliError::named(path, std::io::ErrorKind::NotFound.into());
    let bytes = files::content(path).map_err(|error| CliError::named(path, error))?.ok_or_else(missing)?;
    String::from_utf8(bytes).map_err(|_| {
        CliError::usage(format!("{} is not UTF-8 text", path.display())).hint("save the file as UTF-8")
    })
}
