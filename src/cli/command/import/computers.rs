//! `muster import computers`: what a provider's list changes, by tenant, and on request a document for each computer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Outcome, question, reader, refusal, settle, tell_by_hand};
use crate::cli::arguments::{Form, ImportComputers};
use crate::cli::context::Shell;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::id::Name;
use crate::import::computers::{Counts, by_tenant};
use crate::import::documents::{self, Listed, Proposal};
use crate::import::files::changes;
use crate::import::gather::Computers;
use crate::report::import as view;
use crate::report::style::{Label, Line};
use crate::report::words::{count, list, plural};
use crate::session::control::Control;

/// So many names are told of those that several computers have.
const NAMED: usize = 5;

pub(super) async fn run(
    shell: &mut Shell,
    command: &ImportComputers,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let options = &command.import;
    let reader = reader(shell, &opened, options)?;
    let store = shell.store(&opened).await?;
    let question = question(&opened, options, &reader, &store);
    let heard = question.computers().await.map_err(refusal)?;
    let counts = by_tenant(heard.listed().map(|(_, tenant)| tenant), &heard.differences);
    let proposal = if command.documents {
        let listed: Vec<Listed<'_>> = heard.listed().collect();
        documents::propose(&opened.config, &options.from, &listed, &heard.differences, &heard.elsewhere)
    } else {
        Proposal::default()
    };
    let (changes, by_hand) = changes(&opened.config, &proposal.edits, &proposal.made);
    let is_human = shell.global.output == Form::Human;
    if is_human {
        show(shell, command, &heard, &counts)?;
    }
    tell(shell, &heard, &proposal);
    let differing =
        counts.values().map(|counts| counts.new + counts.renamed + counts.came + counts.gone).sum();
    let recorded = if differing == 0 {
        String::new()
    } else {
        format!("{} to be remembered", plural(differing, "change"))
    };
    tell_by_hand(shell, &by_hand);
    let outcome = settle(shell, &opened, options, &changes, &recorded, control).await?;
    // Where nothing of interest changed, what else the list says is remembered as with any plan.
    if outcome == Outcome::Written || (outcome == Outcome::Nothing && !options.check) {
        question.keep(&heard).await?;
    }
    if !is_human {
        let whole = |rows| {
            json!({
                "what": "computers", "provider": options.from, "written": outcome == Outcome::Written,
                "tenants": tenants(&counts), "unmapped": unmapped(&heard), "computers": rows,
                "documents": { "new": proposal.new, "stale": stale(&proposal), "shared": proposal.shared },
                "files": view::files_json(&changes), "byHand": view::by_hand_json(&by_hand),
            })
        };
        let sheet = view::computers(&heard.differences);
        shell.sheet(&sheet, "No computer changed.", "import", whole)?;
    }
    finish(shell, &counts, outcome);
    Ok(if heard.doubts.is_empty() { outcome.exit(options) } else { Exit::Source })
}

fn show(
    shell: &Shell,
    command: &ImportComputers,
    heard: &Computers,
    counts: &BTreeMap<Option<Name>, Counts>,
) -> Result<(), CliError> {
    let form = shell.view(command.import.details);
    shell.ui.data(|pen| {
        view::by_tenant(pen, counts.iter().map(|(tenant, counts)| (tenant.as_ref(), counts)), &form)?;
        view::changed(pen, &heard.differences, &form)?;
        if !heard.unmapped.is_empty() {
            pen.line(&Line::new().with(Label::Heading, "Of no tenant, and left out"))?;
            for (client, number) in &heard.unmapped {
                let name = if client.name.is_empty() { "(no company)" } else { &client.name };
                let line = Line::new().text("  ").text(name);
                pen.line(&line.text(format!("  {}", plural(count(*number), "computer"))))?;
            }
            pen.gap()?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Says what is not believed, and which documents are to be looked at.
fn tell(shell: &mut Shell, heard: &Computers, proposal: &Proposal) {
    for doubt in &heard.doubts {
        shell.warned = true;
        shell.ui.warning(doubt);
    }
    for stale in &proposal.stale {
        shell.warned = true;
        let documents::Stale { document, place, computer, note } = stale;
        shell.ui.warning(format!("{place}: the document {document} is about {computer}: {note}"));
    }
    if !proposal.shared.is_empty() {
        let names: Vec<&str> = proposal.shared.keys().map(String::as_str).collect();
        let said = format!(
            "no document is proposed for computers that share a name with another one: {}",
            list(&names, NAMED)
        );
        shell.ui.status(&Line::new().text(said));
    }
}

fn finish(shell: &Shell, counts: &BTreeMap<Option<Name>, Counts>, outcome: Outcome) {
    let sum = |of: fn(&Counts) -> u64| counts.values().map(of).sum::<u64>();
    let said = format!(
        "{}: {} new, {} renamed, {} moved, {} gone",
        plural(sum(|counts| counts.computers), "computer"),
        sum(|counts| counts.new),
        sum(|counts| counts.renamed),
        sum(|counts| counts.came),
        sum(|counts| counts.gone),
    );
    shell.ui.status(&Line::new().text(said));
    if outcome == Outcome::Written {
        shell.ui.hint(
            "remembered; new ones are not identified until muster plan or muster identify has reached them",
        );
    }
}

fn tenants(counts: &BTreeMap<Option<Name>, Counts>) -> Value {
    counts.iter().map(|(tenant, counts)| json!({ "tenant": tenant, "counts": counts })).collect()
}

fn unmapped(heard: &Computers) -> Value {
    let one = |(client, number): (&crate::provider::ClientRef, &usize)| json!({ "id": client.id, "company": client.name, "computers": number });
    heard.unmapped.iter().map(one).collect()
}

fn stale(proposal: &Proposal) -> Value {
    let one = |stale: &documents::Stale| {
        json!({
            "document": stale.document, "file": &*stale.place.file, "line": stale.place.line,
            "computer": stale.computer, "note": stale.note,
        })
    };
    proposal.stale.iter().map(one).collect()
}
