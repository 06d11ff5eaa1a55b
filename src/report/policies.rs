//! What the policies of other systems set on computers, as a table.

use std::collections::BTreeMap;

use super::sheet::{Cell, Column, Sheet, further, shown};
use crate::inventory::known::AgentKey;
use crate::provider::policy::Told;

const COLUMNS: &[Column] = &[
    shown("computer", "Computer"),
    shown("provider", "Provider"),
    further("agent"),
    shown("setting", "Setting"),
    shown("value", "Value"),
    shown("origin", "From"),
];

/// A row for each setting that is known. `names`: the names of the agents' computers.
#[must_use]
pub fn sheet(told: &[Told], names: &BTreeMap<AgentKey, String>) -> Sheet {
    let mut rows = Vec::new();
    for (key, settings) in told {
        for (name, setting) in settings.iter().flatten() {
            let value = match &setting.value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            rows.push(vec![
                Cell::maybe(names.get(key)),
                Cell::text(&key.provider),
                Cell::text(&key.agent),
                Cell::text(name),
                Cell::text(value),
                Cell::maybe(setting.origin.as_ref()),
            ]);
        }
    }
    Sheet { row: "policy", columns: COLUMNS, rows }
}
