//! `muster import`: the customers and computers of a provider, as changes that are shown first.

mod computers;
mod tenants;

use std::io::IsTerminal as _;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::cli::arguments::{Form, Import, Imported, Importing};
use crate::cli::context::{Opened, Shell, SystemClock};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::{changing, prompt};
use crate::id::Name;
use crate::import::files::{ByHand, FileChange};
use crate::import::gather::{GatherError, Question};
use crate::provider::Reader;
use crate::report::import as view;
use crate::report::words::{count, list, plural};
use crate::session::control::Control;
use crate::store::Store;
use crate::time::Clock as _;

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Import,
    control: &Control,
) -> Result<Exit, CliError> {
    match &command.what {
        Imported::Tenants(command) => tenants::run(shell, command, control).await,
        Imported::Computers(command) => computers::run(shell, command, control).await,
    }
}

/// The reading half of the provider that was named.
fn reader(shell: &Shell, opened: &Opened, options: &Importing) -> Result<Reader, CliError> {
    let known = || opened.config.providers.keys().map(Name::as_str);
    let unknown = |name: &Name| CliError::unknown("provider called", name.as_str(), known());
    if let Some(other) = options.accept_shrink.as_ref().filter(|other| **other != options.from) {
        let error = format!("--accept-shrink {other}: nothing is asked but {}", options.from);
        return Err(CliError::usage(error));
    }
    if !opened.config.providers.contains_key(&options.from) {
        return Err(unknown(&options.from));
    }
    let mut links = shell.links(opened)?;
    links.remove(&options.from).map(|link| link.reader).ok_or_else(|| unknown(&options.from))
}

fn question<'a>(
    opened: &'a Opened,
    options: &'a Importing,
    reader: &'a Reader,
    store: &'a dyn Store,
) -> Question<'a> {
    let config = &opened.config;
    let now = SystemClock.now();
    let zone = TimeZone::get(&config.instance.time_zone).unwrap_or(TimeZone::UTC);
    Question {
        config,
        provider: &options.from,
        reader,
        store,
        accepted: options.accept_shrink.is_some(),
        now,
        day: now.to_zoned(zone).date(),
    }
}

/// Why there is no list, as an exit code of its own where the source is to blame.
fn refusal(error: GatherError) -> CliError {
    match error {
        GatherError::NoCompanies(provider) => {
            CliError::usage(format!("{provider} lists no companies of its own"))
                .hint("its own settings say which tenant its computers belong to")
        }
        GatherError::Source(message) => CliError {
            message: Some(message),
            ..CliError::reported(Exit::Source).hint("nothing is proposed, and nothing is written")
        },
        GatherError::Store(error) => error.into(),
    }
}

/// What becomes of what was proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// There was nothing to write.
    Nothing,
    /// It is written.
    Written,
    /// It was only to be shown.
    Shown,
}

impl Outcome {
    const fn exit(self, options: &Importing) -> Exit {
        match self {
            Self::Shown if options.check => Exit::Changes,
            _ => Exit::Done,
        }
    }
}

/// Asks whether to go on, where that is to be asked.
///
/// # Errors
/// When the answer is no (exit 6), or Ctrl-C.
async fn agreed(
    shell: &Shell,
    options: &Importing,
    question: String,
    control: &Control,
) -> Result<bool, CliError> {
    if options.yes {
        return Ok(true);
    }
    let can_ask = prompt::can_ask(std::io::stdin().is_terminal(), shell.environment.ci);
    if options.check || shell.global.output != Form::Human || !can_ask {
        if !options.check {
            shell.ui.hint("nothing is written: look at what is proposed, then use --yes");
        }
        return Ok(false);
    }
    match prompt::asked(Arc::clone(&shell.ui), question, control.clone()).await {
        None => Err(CliError::reported(Exit::Interrupted)),
        Some(true) => Ok(true),
        Some(false) => Err(CliError::refused("nothing is written: the word yes was not given")),
    }
}

/// How many files change and how many are made, in words.
fn in_words(changes: &[FileChange]) -> String {
    let made = changes.iter().filter(|change| change.before.is_none()).count();
    let said = [(changes.len() - made, "changed"), (made, "made")];
    let said = said.iter().filter(|(number, _)| *number > 0);
    let said: Vec<String> =
        said.map(|(number, what)| format!("{} {what}", plural(count(*number), "file"))).collect();
    said.join(", ")
}

/// Says what has to be written by hand.
fn tell_by_hand(shell: &mut Shell, by_hand: &[ByHand]) {
    for ByHand { place, what, why } in by_hand {
        shell.warned = true;
        shell.ui.warning(format!("{place} is not edited: {why}. Do it yourself: {what}"));
    }
}

/// Shows the files, and writes them once that is agreed.
async fn settle(
    shell: &mut Shell,
    opened: &Opened,
    options: &Importing,
    changes: &[FileChange],
    also: &str,
    control: &Control,
) -> Result<Outcome, CliError> {
    if shell.global.output == Form::Human {
        shell.ui.data(|pen| view::files(pen, changes, options.details))?;
    }
    if changes.is_empty() && also.is_empty() {
        return Ok(Outcome::Nothing);
    }
    let mut parts = vec![in_words(changes), also.to_owned()];
    parts.retain(|part| !part.is_empty());
    if !agreed(shell, options, format!("{}.", list(&parts, parts.len())), control).await? {
        return Ok(Outcome::Shown);
    }
    changing::write(&opened.root, changes)?;
    Ok(Outcome::Written)
}
