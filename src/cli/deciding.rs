//! Writes what was decided of agents into a `Computer` document: into the one there is, else into a file of its own.
//!
//! Invariants: comments and everything else in the file stay; a file that would make the repository wrong is put back as it
//! was. Nothing says which tenant a computer belongs to but its provider or a person (IDN-18).

use std::collections::BTreeSet;
use std::path::Path;

use super::context::{Opened, Shell};
use super::error::CliError;
use super::exit::Exit;
use super::files;
use crate::config::edit::{self, Change, Edit, Value};
use crate::config::kind::{ComputerIdentity, Decision, Kind};
use crate::config::model::Computer;
use crate::id::{ComputerId, Name};
use crate::inventory::known::AgentKey;
use crate::session::prepare::Looked;

/// A file before and after.
#[derive(Debug)]
pub(super) struct Decided {
    /// Its path below the root of the repository.
    pub file: String,
    /// What stands there; nothing where it is new.
    pub old: String,
    /// What is to stand there.
    pub new: String,
}

/// The file that says so. `about` is the computer that the decision is about, where it is there already.
///
/// # Errors
/// When the document there is cannot be edited, or a file of the new one's name is there already (exit 64).
pub(super) fn written(
    opened: &Opened,
    looked: &Looked,
    mut identity: ComputerIdentity,
    about: Option<&ComputerId>,
) -> Result<Decided, CliError> {
    let Some(document) = document(opened, looked, &identity, about) else {
        return fresh(opened, looked, &identity);
    };
    let earlier = document.identity.as_ref().map(|identity| identity.agents.clone()).unwrap_or_default();
    for key in earlier {
        if !identity.agents.contains(&key) {
            identity.agents.push(key);
        }
    }
    let file = document.place.file.to_string();
    let path = opened.root.join(&file);
    let old = text(&path)?;
    let new = put(&old, document, &identity).map_err(|error| {
        CliError::invalid(format!("{file} is not edited: {error}"))
            .hint(format!("write this below its spec: identity: {}", value(&identity).flow()))
    })?;
    Ok(Decided { file, old, new })
}

/// The document to put it into: one that decides of one of these agents, else that of the computer.
fn document<'a>(
    opened: &'a Opened,
    looked: &Looked,
    identity: &ComputerIdentity,
    about: Option<&ComputerId>,
) -> Option<&'a Computer> {
    let computers = &opened.config.computers;
    let decided = computers.values().find(|document| {
        let agents = document.identity.iter().flat_map(|identity| &identity.agents);
        agents.into_iter().any(|key| identity.agents.contains(key))
    });
    decided.or_else(|| {
        let position = looked.snapshot.position(about?)?;
        computers.get(looked.snapshot.get(position)?.document.as_ref()?)
    })
}

/// A document in a file of its own.
fn fresh(opened: &Opened, looked: &Looked, identity: &ComputerIdentity) -> Result<Decided, CliError> {
    let first = identity.agents.first();
    let known = looked
        .agents
        .iter()
        .find(|known| first.is_some_and(|key| known.provider == key.provider && known.agent == key.agent));
    let called = known.map_or("computer", |known| known.name.as_str());
    let taken: BTreeSet<&str> = opened.config.computers.keys().map(Name::as_str).collect();
    let name = free_name(called, &taken);
    let file = format!("computers/{name}.yaml");
    let path = opened.root.join(&file);
    if files::content(&path).map_err(|error| CliError::io("read", &path, error))?.is_some() {
        return Err(CliError::usage(format!("{file} is there already, and is about something else"))
            .hint("move what stands there, or write the decision by hand"));
    }
    let metadata = Value::map([("name", Value::text(name.as_str()))]);
    let spec = Value::map([("name", Value::text(called)), ("identity", value(identity))]);
    let new = edit::document(None, "Computer", &metadata, &spec);
    Ok(Decided { file, old: String::new(), new })
}

/// A name for the document that no other one has.
fn free_name(called: &str, taken: &BTreeSet<&str>) -> String {
    let plain: String = called
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(50)
        .collect();
    let plain = plain.trim_matches('-');
    let plain = if plain.is_empty() { "computer" } else { plain };
    let numbered = (2_u32..).map(|number| format!("{plain}-{number}"));
    let mut names = std::iter::once(plain.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name.as_str())).unwrap_or_default()
}

/// The document's text with this decision in place of the one it had.
fn put(old: &str, document: &Computer, identity: &ComputerIdentity) -> Result<String, edit::EditError> {
    let change = |path: &str, change| Edit {
        kind: Kind::Computer,
        name: document.metadata.name.clone(),
        path: path.to_owned(),
        change,
    };
    let mut edits = Vec::new();
    if document.identity.is_some() {
        edits.push(change("/spec/identity", Change::Remove));
    }
    let agents = identity.agents.iter().map(agent);
    edits.extend(agents.map(|agent| change("/spec/identity/agents", Change::Append(agent))));
    let said = said(identity).into_iter();
    edits.extend(said.map(|(key, text)| change(&format!("/spec/identity/{key}"), Change::Set(text))));
    edit::edit(old, &edits)
}

/// What is decided as a value of a document.
fn value(identity: &ComputerIdentity) -> Value {
    let agents = Value::List(identity.agents.iter().map(agent).collect());
    let said = said(identity).into_iter().map(|(key, text)| (key, Value::Text(text)));
    Value::map(std::iter::once(("agents", agents)).chain(said))
}

fn agent(key: &AgentKey) -> Value {
    let text = |text: &str| Value::text(text);
    Value::map([("provider", text(key.provider.as_str())), ("agent", text(key.agent.as_str()))])
}

/// What is said beside the agents, by key.
fn said(identity: &ComputerIdentity) -> Vec<(&'static str, String)> {
    let ComputerIdentity { agents: _, decision, at, computer, id } = identity;
    let decision = decision.map(|decision| match decision {
        Decision::Overwrite => "overwrite",
        Decision::KeepBoth => "keep-both",
        Decision::Wiped => "wiped",
    });
    let all = [
        ("decision", decision.map(str::to_owned)),
        ("at", at.map(|at| at.to_string())),
        ("computer", computer.as_ref().map(ToString::to_string)),
        ("id", id.clone()),
    ];
    all.into_iter().filter_map(|(key, text)| Some((key, text?))).collect()
}

fn text(path: &Path) -> Result<String, CliError> {
    let bytes = files::content(path).map_err(|error| CliError::io("read", path, error))?;
    Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
}

/// Writes the file, and puts it back as it was where the repository would be wrong with it.
///
/// # Errors
/// When it cannot be written, was changed meanwhile, or would be wrong (exit 3).
pub(super) fn write(
    shell: &mut Shell,
    opened: &Opened,
    file: &str,
    old: &str,
    new: &str,
) -> Result<(), CliError> {
    let path = opened.root.join(file);
    let alone = files::alone(&opened.root);
    if text(&path)? != old {
        return Err(CliError::invalid(format!("{file} was changed meanwhile; run muster identify again")));
    }
    if let Some(folder) = path.parent() {
        files::make_folder(folder).map_err(|error| CliError::io("make", folder, error))?;
    }
    files::replace(&path, new.as_bytes()).map_err(|error| CliError::io("write", &path, error))?;
    let (_, loaded) = shell.load(None)?;
    if loaded.config.is_some() && !loaded.findings.has_errors() {
        drop(alone);
        return Ok(());
    }
    shell.report(&loaded.findings, &loaded.sources);
    let back = if old.is_empty() { files::remove(&path) } else { files::replace(&path, old.as_bytes()) };
    back.map_err(|error| CliError::io("put back", &path, error))?;
    drop(alone);
    Err(CliError {
        exit: Exit::Configuration,
        ..CliError::invalid(format!("{file} would be wrong with that, and is as it was"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;

    #[test]
    fn a_decision_is_written_so_that_every_text_stays_one() {
        let key = |agent: &str| AgentKey {
            provider: Name::new("control").expect("a name"),
            agent: AgentId::new(agent),
        };
        let identity = ComputerIdentity {
            agents: vec![key("s-1"), key("17"), key("a: b")],
            decision: Some(Decision::Wiped),
            at: "2026-11-22T14:00:00Z".parse().ok(),
            computer: Some(ComputerId::new("control/s-0")),
            id: None,
        };
        let name = Value::map([("name", Value::text("pc-1"))]);
        let spec = Value::map([("identity", value(&identity))]);
        insta::assert_snapshot!(edit::document(None, "Computer", &name, &spec), @r"
        apiVersion: muster/v1
        kind: Computer
        metadata: { name: pc-1 }
        spec:
          identity:
            agents:
              - { provider: control, agent: s-1 }
              - { provider: control, agent: '17' }
              - { provider: control, agent: 'a: b' }
            decision: wiped
            at: '2026-11-22T14:00:00Z'
            computer: control/s-0
        ");
    }

    #[test]
    fn a_document_gets_a_name_that_is_free() {
        let taken = BTreeSet::from(["pc-1", "pc-1-2"]);
        assert_eq!(free_name("PC 1", &taken), "pc-1-3");
        assert_eq!(free_name("___", &taken), "computer");
        assert_eq!(free_name("Änne's PC", &taken), "nne-s-pc");
    }
}
