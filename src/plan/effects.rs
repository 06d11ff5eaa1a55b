//! What the changes of a plan do to computers, for whoever weighs a plan: which act at all, remove, interrupt or restart.

use super::document::{ActionType, Change};
use crate::config::kind::Mode;
use crate::inventory::item::Observed;

/// Whether the change does anything to its computers; the others only tell.
#[must_use]
pub fn acts(change: &Change) -> bool {
    change.mode == Mode::Enforce && change.action.changes()
}

/// Whether the change takes something away. Replacing a version does not, whatever its steps are.
#[must_use]
pub const fn removes(change: &Change) -> bool {
    change.removes || matches!(change.action, ActionType::Uninstall)
}

/// Whether the change may restart its computers.
#[must_use]
pub fn restarts(change: &Change) -> bool {
    change.may_restart || change.action == ActionType::Reboot
}

/// Whether the change replaces, repairs, removes or restarts something that is there and may be in use.
#[must_use]
pub fn interrupts(change: &Change) -> bool {
    restarts(change)
        || removes(change)
        || matches!(
            change.action,
            ActionType::Update
                | ActionType::Downgrade
                | ActionType::Uninstall
                | ActionType::Repair
                | ActionType::Reinstall
                | ActionType::OsUpdate
                | ActionType::Reboot
        )
}

/// Positions of its computers in the plan, ascending.
pub fn computers(change: &Change) -> impl Iterator<Item = u32> {
    change.computers.iter().copied()
}

/// An observation in a word: the version of what is there, else what was seen.
#[must_use]
pub fn seen(observed: &Observed) -> String {
    match observed {
        Observed::Present { version: Some(version), .. } => version.clone(),
        Observed::Present { version: None, .. } => "present".to_owned(),
        Observed::Absent => "absent".to_owned(),
        Observed::Value { value } => value.clone(),
        other => match serde_json::to_value(other) {
            Ok(serde_json::Value::String(word)) => word,
            Ok(serde_json::Value::Object(fields)) => fields.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        },
    }
}
