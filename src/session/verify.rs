//! Comparing what is observed with what the plan says. Pure.
//!
//! Not here: whether a change has brought about what it was to (`plan::diff::achieved`).

use crate::inventory::item::Observed;

/// Whether `observed` is still the state that the plan started from. What a test printed beside its verdict may differ; a
/// plan that starts from an unknown state (a task that configures a software which the same session installs) takes any that is
/// known by now: what still is not leads to no action (L7).
#[must_use]
pub fn unchanged(planned: &Observed, observed: &Observed) -> bool {
    match (planned, observed) {
        (_, Observed::Undetermined { .. } | Observed::NotApplicable) => false,
        (Observed::NonCompliant { .. }, Observed::NonCompliant { .. })
        | (Observed::Undetermined { .. }, _) => true,
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
        Observed::NonCompliant { detail, fields } if detail.is_empty() && !fields.is_empty() => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{} {}", field.field, field.phrase())).collect();
            format!("not compliant: {}", fields.join("; "))
        }
        Observed::NonCompliant { detail, .. } if detail.is_empty() => "not compliant".to_owned(),
        Observed::NonCompliant { detail, .. } => {
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

    #[test]
    fn what_a_test_printed_beside_its_verdict_may_differ_and_nothing_else() {
        let told = |detail: &str| Observed::non_compliant(detail);
        assert!(unchanged(&told("mode 755"), &told("mode 750")));
        assert!(!unchanged(&told(""), &Observed::Compliant));
        let version = |v: &str| Observed::Present { version: Some(v.to_owned()), healthy: None };
        assert!(unchanged(&version("1"), &version("1")));
        assert!(!unchanged(&version("1"), &version("2")));
    }

    #[test]
    fn what_was_not_known_when_planning_may_be_anything_that_is_known() {
        let unknown = Observed::Undetermined { why: "its software comes first".to_owned() };
        assert!(unchanged(&unknown, &Observed::non_compliant("")));
        for now in [&unknown, &Observed::NotApplicable] {
            assert!(!unchanged(&unknown, now));
            assert!(!unchanged(&Observed::Absent, now));
        }
    }
}
