//! How what was wanted stands in the store: the computers in one part, then one part for each intent and each target.
//!
//! Not here: the statements (`sqlite`), and what it is good for (`plan::remembered`).
//!
//! Invariant: what cannot be read is an error that says so, never an empty memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{StoreError, format};
use crate::config::kind::Mode;
use crate::id::{ComputerId, Digest, Name};
use crate::inventory::item::ItemKey;
use crate::plan::remembered::{IntentKey, IntentSets, Remembered};
use crate::time::Timestamp;

const WHAT: &str = "record of what was wanted";

/// One part after the first.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Part {
    Intent {
        item: ItemKey,
        deployment: Name,
        wish: Digest,
        target: Digest,
        content: Digest,
        version: Option<String>,
        mode: Mode,
        wanted: String,
        satisfied: String,
    },
    Target {
        name: Name,
        members: String,
    },
    Covered {
        computers: String,
    },
    Run {
        planned: Option<Timestamp>,
        deployments: BTreeMap<Name, (Digest, Digest)>,
    },
}

/// The parts, each with its number.
pub(super) fn rows(remembered: &Remembered) -> Result<Vec<Value>, StoreError> {
    let ids: Vec<&str> = remembered.computers.iter().map(ComputerId::as_str).collect();
    let mut rows = vec![json!([0, format::text(&ids)?])];
    for (key, sets) in &remembered.intents {
        let IntentKey { item, deployment, wish, target, content, version, mode } = key.clone();
        let wanted = packed(&sets.wanted)?;
        let satisfied = packed(&sets.satisfied)?;
        let part = Part::Intent { item, deployment, wish, target, content, version, mode, wanted, satisfied };
        rows.push(json!([rows.len(), format::text(&part)?]));
    }
    let part = Part::Covered { computers: packed(&remembered.covered)? };
    rows.push(json!([rows.len(), format::text(&part)?]));
    let Remembered { planned, deployments, .. } = remembered;
    if planned.is_some() || !deployments.is_empty() {
        let part = Part::Run { planned: *planned, deployments: deployments.clone() };
        rows.push(json!([rows.len(), format::text(&part)?]));
    }
    for (name, members) in &remembered.targets {
        let part = Part::Target { name: name.clone(), members: packed(members)? };
        rows.push(json!([rows.len(), format::text(&part)?]));
    }
    Ok(rows)
}

/// The parts, put together again.
pub(super) fn read(parts: Vec<(i64, String)>) -> Result<Remembered, StoreError> {
    let mut remembered = Remembered::default();
    for (number, body) in parts {
        if number == 0 {
            let ids: Vec<String> = format::value(WHAT, &body)?;
            remembered.computers = ids.iter().map(ComputerId::new).collect();
            if !remembered.computers.is_sorted() {
                return Err(format::broken(WHAT, "its computers are not in order"));
            }
            continue;
        }
        match format::value(WHAT, &body)? {
            Part::Intent { item, deployment, wish, target, content, version, mode, wanted, satisfied } => {
                let key = IntentKey { item, deployment, wish, target, content, version, mode };
                let sets = IntentSets { wanted: unpacked(&wanted)?, satisfied: unpacked(&satisfied)? };
                remembered.intents.insert(key, Arc::new(sets));
            }
            Part::Covered { computers } => remembered.covered = unpacked(&computers)?,
            Part::Run { planned, deployments } => {
                remembered.planned = planned;
                remembered.deployments = deployments;
            }
            Part::Target { name, members } => {
                remembered.targets.insert(name, unpacked(&members)?);
            }
        }
    }
    Ok(remembered)
}

fn packed(set: &RoaringBitmap) -> Result<String, StoreError> {
    let mut set = set.clone();
    set.optimize();
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes).map_err(|error| format::broken(WHAT, error))?;
    Ok(STANDARD.encode(bytes))
}

fn unpacked(text: &str) -> Result<RoaringBitmap, StoreError> {
    let bytes = STANDARD.decode(text).map_err(|error| format::broken(WHAT, error))?;
    RoaringBitmap::deserialize_from(&bytes[..]).map_err(|error| format::broken(WHAT, error))
}
