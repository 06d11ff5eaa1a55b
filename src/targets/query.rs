//! Scripts that select computers: which are used, what they are given, and what their answer means (TGT-8, TGT-9).
//!
//! Not here: who runs them (`inventory::queries`).
//!
//! Invariants: the input depends on the computers and their facts alone, not on when they were collected, so that an
//! answer can be kept as long as its input is the same; an answer with a name that is not exactly one computer's is none.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::config::Config;
use crate::config::kind::{Match, Term};
use crate::id::{ComputerId, Digest, Name};
use crate::inventory::facts::Facts;
use crate::inventory::snapshot::{Lookup, Snapshot};
use crate::session::script::{Platform, Script};

/// The scripts that targets, deployments and `more` select by.
#[must_use]
pub fn scripts(config: &Config, more: &[Match]) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    for term in super::named::selectors(config, more) {
        if let Term::Script(name) = term {
            found.insert(name.clone());
        }
    }
    found
}

/// One computer as a script sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a ComputerId,
    name: &'a str,
    provider: &'a Name,
    tenant: Option<&'a Name>,
    platform: Option<Platform>,
    tags: &'a BTreeSet<String>,
    primary_person: Option<&'a str>,
    facts: Option<Facts>,
}

#[derive(Serialize)]
struct Input<'a> {
    format: &'static str,
    computers: Vec<Shown<'a>>,
}

/// What a script reads on its standard input: a JSON object with the computers and the facts that are known of them.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn input(snapshot: &Snapshot) -> Result<String, serde_json::Error> {
    let shown = snapshot.iter().map(|(ix, computer)| Shown {
        id: &computer.id,
        name: &computer.name,
        provider: &computer.provider,
        tenant: computer.tenant.as_ref(),
        platform: computer.platform,
        tags: &computer.tags,
        primary_person: snapshot.related().primary_person(ix),
        facts: snapshot.facts(ix).map(|(_, facts)| facts),
    });
    serde_json::to_string(&Input { format: "muster.computers/v1", computers: shown.collect() })
}

/// What an answer is kept by: the script and its input.
#[must_use]
pub fn key(script: &Script, input: &str) -> String {
    format!("{} {}", script.digest(), Digest::of(input.as_bytes()))
}

/// Whether an answer was given by this script, whatever its input was.
#[must_use]
pub fn is_of(key: &str, script: &Script) -> bool {
    key.split_once(' ').is_some_and(|(digest, _)| digest == script.digest().as_str())
}

/// The computers that an answer names: an id or a name on each line.
///
/// # Errors
/// The first line that is not exactly one computer.
pub fn answer(snapshot: &Snapshot, text: &str) -> Result<BTreeSet<ComputerId>, String> {
    let mut named = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match snapshot.lookup(line) {
            Lookup::One(ix) => named.extend(snapshot.get(ix).map(|computer| computer.id.clone())),
            Lookup::None => return Err(format!("it names {line:?}, which is no computer")),
            Lookup::Several(found) => {
                return Err(format!("it names {line:?}, which is the name of {} computers", found.len()));
            }
        }
    }
    Ok(named)
}
