//! What a system that manages updates of operating systems says of one computer, and what that means.
//!
//! Invariant: what is not said is not known; it never counts as nothing (L7).

use crate::inventory::item::{FieldChange, Observed};

/// What is known of a computer's updates. The counts are those of the system that manages them: what it calls missing is
/// what it would deploy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updates {
    /// How many are missing.
    pub missing: Option<u64>,
    /// How many failed.
    pub failed: Option<u64>,
    /// Whether some are being installed at this moment.
    pub running: Option<bool>,
    /// Whether the system has never looked which there are.
    pub unlisted: bool,
}

impl Updates {
    /// What was observed, as of an item.
    #[must_use]
    pub fn observed(&self) -> Observed {
        let unknown = |why: &str| Observed::Undetermined { why: why.to_owned() };
        if self.unlisted {
            return unknown("nobody has looked yet which patches the computer has");
        }
        let Some(missing) = self.missing else {
            return unknown("it is not said how many patches are missing");
        };
        if missing == 0 {
            return Observed::Compliant;
        }
        let Some(running) = self.running else {
            return unknown("it is not said whether patches are being installed");
        };
        let field = |name: &str, count: u64| FieldChange {
            field: name.to_owned(),
            before: Some(count.to_string()),
            after: Some("0".to_owned()),
            ..FieldChange::default()
        };
        let failed = self.failed.filter(|failed| *failed > 0);
        let fields =
            [Some(field("missing patches", missing)), failed.map(|failed| field("failed patches", failed))];
        Observed::NonCompliant {
            detail: if running { "patches are being installed".to_owned() } else { String::new() },
            fields: fields.into_iter().flatten().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_taken_for_nothing() {
        let whole = Updates { missing: Some(3), failed: Some(1), running: Some(false), unlisted: false };
        let Observed::NonCompliant { detail, fields } = whole.observed() else { panic!() };
        assert_eq!(detail, "");
        assert_eq!(fields.iter().map(FieldChange::phrase).collect::<Vec<_>>(), ["3 -> 0", "1 -> 0"]);
        assert_eq!(Updates { missing: Some(0), ..whole.clone() }.observed(), Observed::Compliant);
        for part in [
            Updates { missing: None, ..whole.clone() },
            Updates { running: None, ..whole.clone() },
            Updates { unlisted: true, missing: Some(0), ..whole },
            Updates::default(),
        ] {
            assert!(matches!(part.observed(), Observed::Undetermined { .. }), "{part:?}");
        }
    }
}
