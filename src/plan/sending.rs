//! Files that Muster sends to computers: which a plan needs, how one travels in pieces, and what a computer answers.
//!
//! Not here: fetching them and sending the pieces (`payload`), and the scripts that take them (`payloads`).
//!
//! Invariants: each file is named once, in the order of the digests; what a computer says of a part is believed only where
//! the part is the beginning of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Plan, PlannedSession};
use super::payloads::Machine;
use super::procedures::procedure;
use super::recipe::Part;
use crate::config::Config;
use crate::config::model::Payload;
use crate::id::Digest;
use crate::inventory::snapshot::Snapshot;
use crate::session::script::Platform;

/// How many bytes travel at once. All of them are in memory several times while they do, and Windows PowerShell reads them as
/// one line.
#[must_use]
pub const fn piece(platform: Platform) -> u64 {
    match platform {
        Platform::Posix => 2 * 1024 * 1024,
        Platform::Windows => 512 * 1024,
    }
}

/// The files that Muster sends for these parts, each once.
#[must_use]
pub fn of_parts(parts: &[Part]) -> Vec<Payload> {
    let mut sent: Vec<Payload> = Vec::new();
    for payload in parts.iter().filter_map(|part| part.payload.as_ref()) {
        // The same content under another name lies in the same folder of the cache.
        let known = |other: &Payload| other.sha256 == payload.sha256 && other.file_name == payload.file_name;
        if payload.origin.is_sent() && !sent.iter().any(known) {
            sent.push(payload.clone());
        }
    }
    sent
}

/// The files that Muster sends for a plan, by their SHA-256.
#[must_use]
pub fn of_plan(config: &Config, snapshot: &Snapshot, plan: &Plan) -> BTreeMap<Digest, Payload> {
    let mut files = BTreeMap::new();
    // Nearly always nothing is sent, and then no session has to be looked at.
    let sends = |payload: &Payload| payload.origin.is_sent();
    let any = |software: &crate::config::model::Software| {
        software.releases.iter().any(|release| release.payloads.iter().any(sends))
    };
    if !config.software.values().any(any) {
        return files;
    }
    let mut seen = BTreeSet::new();
    for PlannedSession { computer, actions } in &plan.sessions {
        let Some(planned) = usize::try_from(*computer).ok().and_then(|at| plan.computers.get(at)) else {
            continue;
        };
        let machine = snapshot.position(&planned.id).map(|ix| Machine::of(snapshot, ix)).unwrap_or_default();
        for action in actions {
            if !seen.insert((action.change, planned.platform, machine)) {
                continue;
            }
            let change = usize::try_from(action.change).ok().and_then(|at| plan.changes.get(at));
            let procedure = change.and_then(|change| procedure(config, change, planned.platform, machine));
            for payload in procedure.map(|procedure| procedure.sent).unwrap_or_default() {
                files.entry(payload.sha256.clone()).or_insert(payload);
            }
        }
    }
    files
}

/// What a computer has of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// All of it, verified.
    All,
    /// So many bytes; their SHA-256 where it was asked for.
    Part(u64, Option<Digest>),
    /// Nothing.
    Nothing,
}

/// What the receiving script printed; `None` when that is not what it prints.
#[must_use]
pub fn read(output: &str) -> Option<There> {
    let mut words = output.lines().rev().find(|line| !line.trim().is_empty())?.split_whitespace();
    let there = match words.next()? {
        "have" => There::All,
        "none" => There::Nothing,
        "part" => {
            let size = words.next()?.parse().ok()?;
            let is_digest = |text: &&str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            match words.next() {
                None => There::Part(size, None),
                Some(text) => There::Part(size, Some(Digest::new(Some(text).filter(is_digest)?))),
            }
        }
        _ => return None,
    };
    words.next().is_none().then_some(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_computer_says_of_a_file_is_read_strictly() {
        let digest = Digest::of(b"x");
        let part = format!("part 12 {}\n", digest.as_str());
        for (text, expected) in [
            ("have\n", Some(There::All)),
            ("noise\nnone\r\n\n", Some(There::Nothing)),
            ("part 12\n", Some(There::Part(12, None))),
            (part.as_str(), Some(There::Part(12, Some(digest)))),
            ("", None),
            ("part\n", None),
            ("part -1\n", None),
            ("part 12 abc\n", None),
            ("have it\n", None),
            ("something else\n", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
