//! `muster identify`: agents of which it is not known on which computers they are, and what is decided of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::computers::by_key;
use crate::cli::arguments::{Choice, Form, Identify as Command};
use crate::cli::context::{Opened, Shell, SystemClock, generated_id};
use crate::cli::deciding::{self, Decided};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::planning;
use crate::config::kind::{ComputerIdentity, Decision};
use crate::id::{AgentId, ComputerId, Name};
use crate::inventory::identify::{Standing, Why};
use crate::inventory::known::{AgentKey, Known};
use crate::plan::document::Options;
use crate::plan::needs::Refresh;
use crate::report::style::Line;
use crate::report::words::{count, plural};
use crate::report::{self, identify};
use crate::session::control::Control;
use crate::session::dispatcher::Link;
use crate::session::prepare::Looked;
use crate::session::script::Platform;
use crate::session::stamp;
use crate::store::{Store, StoredComputer};
use crate::time::{Clock, Timestamp};

pub(in crate::cli) async fn run(
    shell: &mut Shell,
    command: &Command,
    control: &Control,
) -> Result<Exit, CliError> {
    let opened = shell.open(None)?;
    let links = shell.links(&opened)?;
    let store = shell.store(&opened).await?;
    let asks = command.retry || command.give_id;
    let refresh = if command.retry { Refresh::Auto } else { Refresh::Never };
    let mut wish = planning::wish_of(Options::default(), refresh, command.offline)?;
    if command.retry {
        let stored = store.computers().await?;
        let one = command.agent.as_deref().filter(|text| *text != "all");
        wish.identify = match one {
            Some(text) => BTreeSet::from([found(text, stored.iter().map(stored_agent))?]),
            None => waiting(&store).await?,
        };
        wish.identify_alone = one.is_some();
    }
    let mut looked = planning::look(shell, &opened, &links, &store, control, &wish).await?;
    if command.give_id {
        wish.identify = give_ids(shell, command, &opened, &links, &looked).await?;
        wish.identify_alone = true;
        wish.refresh = Refresh::Auto;
        looked = planning::look(shell, &opened, &links, &store, control, &wish).await?;
    }
    planning::tell_commands(shell, &links);
    let known = by_key(&looked.agents);
    let one = command.agent.as_deref().filter(|text| !(asks && *text == "all"));
    let one = one.map(|text| found(text, looked.agents.iter().map(listed_agent))).transpose()?;
    if let (Some(choice), Some(key)) = (command.decide, &one) {
        return decide(shell, &opened, command, (choice, key), &looked);
    }
    list(shell, one.as_ref(), &looked, &known)?;
    let open = looked.resolution.waiting.iter().filter(|(key, _)| one.as_ref().is_none_or(|one| one == *key));
    let open: Vec<&Why> = open.map(|(_, waiting)| &waiting.why).collect();
    let unasked = open.iter().any(|why| match why {
        Why::NotAsked | Why::Failed(_) => true,
        Why::NoIdentity(_) => command.give_id,
        Why::Asked { .. } => false,
    });
    Ok(if looked.findings.has_errors() {
        Exit::Configuration
    } else if looked.has_failed_source() {
        Exit::Source
    } else if asks && unasked {
        Exit::Incomplete
    } else if command.detailed_exitcode && !open.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Writes ids onto computers that nothing names (IDN-3). The agents that are to be asked again.
async fn give_ids(
    shell: &Shell,
    command: &Command,
    opened: &Opened,
    links: &BTreeMap<Name, Link>,
    looked: &Looked,
) -> Result<BTreeSet<AgentKey>, CliError> {
    let text = command.agent.as_deref().unwrap_or_default();
    let one = (text != "all").then(|| found(text, looked.agents.iter().map(listed_agent))).transpose()?;
    let known = by_key(&looked.agents);
    let nameless = looked.resolution.waiting.iter().filter(|(key, waiting)| {
        matches!(waiting.why, Why::NoIdentity(_)) && one.as_ref().is_none_or(|one| one == *key)
    });
    let agents: Vec<(AgentKey, Platform, String)> = nameless
        .map(|(key, _)| {
            let platform = known.get(key).and_then(|known| known.platform).unwrap_or(Platform::Posix);
            (key.clone(), platform, generated_id())
        })
        .collect();
    if let Some(key) = one.filter(|_| agents.is_empty()) {
        return Err(CliError::usage(format!("{key} needs no id: it is named, or did not answer yet")));
    }
    let concurrency = usize::try_from(opened.config.instance.concurrency).unwrap_or(usize::MAX);
    let troubles = stamp::give(links, &agents, concurrency).await;
    for (key, trouble) in &troubles {
        shell.ui.warning(format!("{key}: {trouble}"));
    }
    let given = count(agents.len().saturating_sub(troubles.len()));
    shell.ui.status(&Line::new().text(format!("{} asked to keep an id", plural(given, "computer"))));
    Ok(agents.into_iter().map(|(key, _, _)| key).filter(|key| !troubles.contains_key(key)).collect())
}

fn list(
    shell: &Shell,
    one: Option<&AgentKey>,
    looked: &Looked,
    known: &BTreeMap<AgentKey, &Known>,
) -> Result<(), CliError> {
    let resolution = &looked.resolution;
    if let Some(key) = one
        && shell.global.output == Form::Human
        && let Some(waiting) = resolution.waiting.get(key)
    {
        let view = shell.view(true);
        shell.ui.data(|pen| identify::beside(pen, key, waiting, resolution, known, &view))?;
        return Ok(());
    }
    let sheet = identify::waiting(resolution, known, &|key| one.is_none_or(|one| one == key));
    let none = match one {
        Some(key) => match resolution.computers.iter().find(|(_, computer)| computer.agents.contains(key)) {
            Some((id, _)) => format!("{key} does not wait: it is on {id}."),
            None => format!("{key} does not wait."),
        },
        None => "No agent waits.".to_owned(),
    };
    let rows = sheet.rows.len();
    shell.sheet(&sheet, &none, "identify", |rows| json!({ "waiting": rows }))?;
    if rows > 0 {
        let computers = plural(count(resolution.computers.len()), "computer");
        let agents = plural(count(rows), "agent");
        shell.ui.status(&Line::new().text(format!("{agents} on no computer yet, beside {computers}")));
    }
    Ok(())
}

/// The agents that are remembered as waiting.
async fn waiting(store: &dyn Store) -> Result<BTreeSet<AgentKey>, CliError> {
    let memory = store.identification().await?;
    let waits = memory.agents.into_iter().filter(|(_, known)| known.standing == Standing::Waiting);
    Ok(waits.map(|(key, _)| key).collect())
}

fn stored_agent(stored: &StoredComputer) -> (AgentKey, &str) {
    let key = AgentKey { provider: stored.provider.clone(), agent: stored.agent.id.clone() };
    (key, &stored.agent.name)
}

fn listed_agent(known: &Known) -> (AgentKey, &str) {
    (AgentKey { provider: known.provider.clone(), agent: known.agent.clone() }, &known.name)
}

/// The agent that somebody means: by provider/agent, else by the name of its computer.
fn found<'a>(
    text: &str,
    agents: impl Iterator<Item = (AgentKey, &'a str)> + Clone,
) -> Result<AgentKey, CliError> {
    if let Some((provider, agent)) = text.split_once('/')
        && let Ok(provider) = Name::new(provider)
    {
        let key = AgentKey { provider, agent: AgentId::new(agent) };
        if agents.clone().any(|(other, _)| other == key) {
            return Ok(key);
        }
    }
    let named: Vec<AgentKey> =
        agents.clone().filter(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(key, _)| key).collect();
    match named.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(CliError::unknown("agent called", text, agents.map(|(_, name)| name))),
        several => {
            let keys: Vec<String> = several.iter().take(10).map(ToString::to_string).collect();
            Err(CliError::usage(format!("{text:?} is the name of several computers: {}", keys.join(", ")))
                .hint("write the agent as provider/agent"))
        }
    }
}

/// Writes a decision into the repository.
fn decide(
    shell: &mut Shell,
    opened: &Opened,
    command: &Command,
    (choice, key): (Choice, &AgentKey),
    looked: &Looked,
) -> Result<Exit, CliError> {
    let mut agents = vec![key.clone()];
    for text in &command.with {
        let further = found(text, looked.agents.iter().map(listed_agent))?;
        if !agents.contains(&further) {
            agents.push(further);
        }
    }
    if let Some(other) = agents.iter().find(|key| !recognised(opened, key)) {
        return Err(CliError::usage(format!(
            "the computers of {} are its own, and none is recognised",
            other.provider
        ))
        .hint("say `identify: true` in that provider if its computers may be those of another too"));
    }
    let computer = command.computer.as_ref().map(|id| known_computer(looked, id)).transpose()?;
    let now = SystemClock.now();
    let identity = ComputerIdentity {
        agents,
        decision: decision(choice),
        at: (choice == Choice::Wiped).then(|| Timestamp::from_second(now.as_second()).unwrap_or(now)),
        computer: computer.clone(),
        id: command.id.clone(),
    };
    let about = about(looked, key, choice, computer);
    let Decided { file, old, new } = deciding::written(opened, looked, identity, about.as_ref())?;
    if !command.check {
        deciding::write(shell, opened, &file, &old, &new)?;
    }
    let value = json!({ "file": file, "written": !command.check, "text": new });
    if !shell.document("decision", &value)? {
        shell.ui.data(|pen| report::difference::write(pen, &file, &old, &new))?;
    }
    if !command.check {
        let said = format!("{file} is written; commit it, and the next plan goes by it");
        shell.ui.status(&Line::new().text(said));
    }
    Ok(Exit::Done)
}

const fn decision(choice: Choice) -> Option<Decision> {
    match choice {
        Choice::Overwrite => Some(Decision::Overwrite),
        Choice::KeepBoth => Some(Decision::KeepBoth),
        Choice::Wiped => Some(Decision::Wiped),
        Choice::Same => None,
    }
}

fn recognised(opened: &Opened, key: &AgentKey) -> bool {
    opened.config.providers.get(&key.provider).is_some_and(|provider| provider.spec.identifies())
}

fn known_computer(looked: &Looked, id: &str) -> Result<ComputerId, CliError> {
    let id = ComputerId::new(id.trim());
    let known = || looked.resolution.computers.keys().chain(looked.resolution.tombstones.keys());
    if known().any(|other| *other == id) {
        return Ok(id);
    }
    Err(CliError::unknown("computer with the id", id.as_str(), known().map(ComputerId::as_str)))
}

/// The computer that the decision is about, where it is one that is there already.
fn about(
    looked: &Looked,
    key: &AgentKey,
    choice: Choice,
    computer: Option<ComputerId>,
) -> Option<ComputerId> {
    if choice == Choice::KeepBoth {
        return None;
    }
    let candidates = match &looked.resolution.waiting.get(key)?.why {
        Why::Asked { candidates, .. } => candidates.as_slice(),
        _ => &[],
    };
    match candidates {
        [one] => Some(computer.unwrap_or_else(|| one.clone())),
        _ => computer,
    }
}
