//! `muster inventory`: brings facts up to date, and makes no plan.

use crate::cli::arguments::Inventory as Command;
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::report;
use crate::report::inventory::Inventory;
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::session::control::Control;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Command,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(command.revision.rev.as_deref())?;
    let options = Options { only: command.only.clone(), ..Options::default() };
    let refresh = if command.refresh == "always" { Refresh::Always } else { Refresh::Auto };
    let mut wish = planning::wish_of(options, refresh, false)?;
    wish.accepted = command.accept_shrink.iter().cloned().collect();
    let links = shell.links_through(&opened, &command.through)?;
    let store = shell.store(&opened).await?;
    let surveyed = planning::survey(shell, &opened, &links, &store, control, &wish).await?;
    planning::tell_commands(shell, &links);
    let inventory = Inventory {
        computers: surveyed.computers,
        collected: surveyed.collected,
        missing: &surveyed.missing,
    };
    if !shell.document("inventory", &inventory)? {
        let view = shell.view(false);
        shell.ui.data(|pen| report::inventory::write(pen, &inventory, &view))?;
    }
    let waiting = surveyed.identification.waiting.len();
    if waiting > 0 {
        let agents = plural(count(waiting), "agent");
        shell.ui.status(&Line::new().text(format!("{agents} on no computer yet: muster identify")));
    }
    let missing = surveyed.missing.len();
    Ok(if surveyed.findings.has_errors() {
        Exit::Configuration
    } else if surveyed.has_failed_source() {
        Exit::Source
    } else if missing * 100 > surveyed.computers * usize::from(command.allow_missing) {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}
