//! The first line of a bundle: what its steps are for, for a computer that is only a model.
//!
//! Not here: scripts and values; a computer that runs the bundle takes the line for a comment.
//!
//! Invariants: the line holds no value, no script and no variable (L9). It is ASCII and one line in both shells.

use serde::{Deserialize, Serialize};

use crate::session::script::{Bundle, Purpose};

/// What the line begins with: a comment in both shells, with the version of the form.
const BEGINS: &str = "# muster-bundle 1 ";

/// What a bundle asks for, without how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// What begins every header of the answer.
    pub marker: String,
    /// The steps in their order.
    pub steps: Vec<ManifestStep>,
    /// Whether steps that change are skipped after one that failed.
    pub stop_on_failure: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestStep {
    /// What it is for.
    pub purpose: Purpose,
    /// How many bytes of each of its outputs are kept.
    pub keep: usize,
}

/// Why a text has no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Its first line is another one: it is no bundle.
    #[error("the text is no bundle")]
    None,
    /// Its first line begins like a manifest and does not go on like one.
    #[error("the first line of the bundle cannot be read")]
    Wrong(#[source] serde_json::Error),
}

impl Manifest {
    /// The manifest of a bundle.
    #[must_use]
    pub fn of<A>(bundle: &Bundle<A>, marker: &str) -> Self {
        let steps = bundle.steps.iter();
        Self {
            marker: marker.to_owned(),
            steps: steps
                .map(|step| ManifestStep { purpose: step.purpose.clone(), keep: step.keep })
                .collect(),
            stop_on_failure: bundle.stop_on_failure,
        }
    }

    /// The line, with its line feed.
    pub(super) fn line(&self) -> String {
        // A value of this type is always JSON.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{BEGINS}{}\n", super::ascii(&json).as_str())
    }

    /// Reads the first line of a text.
    ///
    /// # Errors
    /// [`ManifestError`] when the text is no bundle, or one whose manifest is wrong.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let line = text.lines().next().unwrap_or_default();
        let json = line.strip_prefix(BEGINS).ok_or(ManifestError::None)?;
        serde_json::from_str(json).map_err(ManifestError::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::secret::Secret;
    use crate::session::script::{Context, Interpreter, Platform, Script, Step, Value, Values};

    #[test]
    fn a_bundle_says_in_its_first_line_what_it_is_for_and_nothing_else() {
        let script = |text: &str| {
            Arc::new(Script {
                interpreter: Interpreter::Sh,
                context: Context::System,
                text: text.into(),
                limit: None,
                origin: "test".into(),
            })
        };
        let values = Values::from([("key".to_owned(), Value::Secret(Secret::new("canary".to_owned())))]);
        let instance = "l'\u{e4}\n\u{2028}\u{1f600}".to_owned();
        let purpose = Purpose::SetTask { task: "firewall".to_owned(), instance };
        for platform in [Platform::Posix, Platform::Windows] {
            let steps = vec![
                Step::read("a", Purpose::Collect, script("printf canary"), Values::new()).in_change(),
                Step::change("b", purpose.clone(), script("exit 0"), values.clone()),
            ];
            let mut bundle =
                Bundle::new(platform, steps, BTreeMap::from([("A".to_owned(), "canary".to_owned())]));
            bundle.stop_on_failure = true;
            let text = super::super::render(&bundle, "muster-0");
            let line = text.text.expose().lines().next().expect("a line");
            assert!(line.is_ascii() && !line.contains("canary"), "{line}");
            let read = Manifest::read(text.text.expose()).expect("a manifest");
            assert_eq!(read, Manifest::of(&bundle, "muster-0"));
            assert_eq!(read.steps.get(1).map(|step| &step.purpose), Some(&purpose));
        }
    }

    #[test]
    fn what_is_no_bundle_is_told_from_a_bundle_that_is_wrong() {
        for none in ["", "echo hello", "\n# muster-bundle 1 {}", "# muster-bundle 2 {}"] {
            assert!(matches!(Manifest::read(none), Err(ManifestError::None)), "{none:?}");
        }
        for wrong in ["{}", "{", "[]", r#"{"marker":"m","steps":[],"stopOnFailure":true,"more":1}"#] {
            let text = format!("{BEGINS}{wrong}\nrest");
            assert!(matches!(Manifest::read(&text), Err(ManifestError::Wrong(_))), "{wrong}");
        }
    }
}
