//! Whether what is observed is what was wanted. Pure.
//!
//! Invariant: nothing that is not known satisfies anything (L7).

use std::cmp::Ordering;

use crate::config::kind::VersionScheme;
use crate::inventory::item::Observed;
use crate::plan::document::ActionType;
use crate::version;

/// Whether `observed` is what an action of this type wanted.
///
/// After an install or update something newer than asked for passes (DEP-11); a downgrade has to be exact. A software
/// whose own test says false does not pass, whatever its version (SW-11).
#[must_use]
pub fn satisfies(action: ActionType, wanted: &Observed, observed: &Observed, scheme: VersionScheme) -> bool {
    match (wanted, observed) {
        (Observed::Present { version: wanted, .. }, Observed::Present { version, healthy }) => {
            *healthy != Some(false)
                && match (wanted, version) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(wanted), Some(version)) => match version::compare(scheme, version, wanted) {
                        Ok(Ordering::Equal) => true,
                        Ok(Ordering::Greater) => action != ActionType::Downgrade,
                        Ok(Ordering::Less) | Err(_) => false,
                    },
                }
        }
        (Observed::Absent, Observed::Absent) | (Observed::Compliant, Observed::Compliant) => true,
        _ => false,
    }
}

/// Whether `observed` is still the state that the plan started from. What a test printed beside its verdict may differ.
#[must_use]
pub fn unchanged(planned: &Observed, observed: &Observed) -> bool {
    match (planned, observed) {
        (Observed::NonCompliant { .. }, Observed::NonCompliant { .. }) => true,
        _ => planned == observed,
    }
}

/// An observation in a few words, for messages.
#[must_use]
pub fn words(observed: &Observed) -> String {
    match observed {
        Observed::Present { version, healthy } => {
            let version = version.as_ref().map_or_else(|| "present".to_owned(), |v| format!("version {v}"));
            if *healthy == Some(false) { format!("{version}, and its test says false") } else { version }
        }
        Observed::Absent => "absent".to_owned(),
        Observed::Compliant => "compliant".to_owned(),
        Observed::NonCompliant { detail } if detail.is_empty() => "not compliant".to_owned(),
        Observed::NonCompliant { detail } => {
            format!("not compliant: {}", detail.lines().next().unwrap_or_default())
        }
        Observed::Value { .. } => "a value".to_owned(),
        Observed::Undetermined { why } => format!("undetermined: {why}"),
        Observed::NotApplicable => "not applicable".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(version: &str) -> Observed {
        Observed::Present { version: Some(version.to_owned()), healthy: None }
    }

    #[test]
    fn newer_passes_after_an_update_and_not_after_a_downgrade() {
        let scheme = VersionScheme::Dotted;
        assert!(satisfies(ActionType::Update, &present("2.0"), &present("2.1"), scheme));
        assert!(satisfies(ActionType::Update, &present("2.0"), &present("2.0.0"), scheme));
        assert!(!satisfies(ActionType::Update, &present("2.10"), &present("2.9"), scheme));
        assert!(!satisfies(ActionType::Downgrade, &present("2.0"), &present("2.1"), scheme));
        assert!(!satisfies(ActionType::Install, &present("2.0"), &Observed::Absent, scheme));
    }

    #[test]
    fn a_failed_test_and_the_unknown_never_pass() {
        let sick = Observed::Present { version: Some("2.0".to_owned()), healthy: Some(false) };
        assert!(!satisfies(ActionType::Repair, &present("2.0"), &sick, VersionScheme::Dotted));
        let unknown = Observed::Undetermined { why: "exit 3".to_owned() };
        for wanted in [present("1"), Observed::Absent, Observed::Compliant, unknown.clone()] {
            assert!(!satisfies(ActionType::Set, &wanted, &unknown, VersionScheme::Dotted));
            assert!(!satisfies(ActionType::Set, &wanted, &Observed::NotApplicable, VersionScheme::Dotted));
        }
    }
}
