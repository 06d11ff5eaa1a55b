//! What was judged of a plan or a configuration, as values: they stand in plans, runs and reports.
//!
//! Not here: how it is judged (`policy::judge`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Finding, Place, Severity, code};
use crate::id::Name;

/// When something is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The configuration alone.
    Validate,
    /// A plan that somebody looks at.
    Plan,
    /// A plan that is about to be applied.
    Apply,
    /// A plan that is about to be applied without anybody looking.
    Watch,
}

impl Stage {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Watch => "watch",
        }
    }
}

/// What kind of rule said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// A budget.
    Budget,
    /// A guardrail.
    Guardrail,
    /// A protection.
    Protection,
}

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It is said, and nothing is refused.
    Warn,
    /// The run is refused, unless something sets it aside.
    Deny,
}

/// What sets a verdict aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SetAside {
    /// `--override` with this reason.
    Override {
        /// Why.
        reason: String,
    },
    /// An `Exception` document.
    Exception {
        /// Its name.
        name: Name,
        /// Who answers for it.
        owner: String,
        /// Why.
        reason: String,
        /// The last day on which it holds.
        expires: String,
    },
}

/// What one rule says of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    /// What kind of rule.
    pub kind: RuleKind,
    /// Its name, as `--override` takes it.
    pub rule: String,
    /// How much it weighs at this stage.
    pub weight: Weight,
    /// What it is about, such as `tenant contoso`.
    pub subject: String,
    /// What it says, with the numbers.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where the rule stands; nowhere for a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Where the subject stands, if it is declared somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Place>,
    /// What sets it aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<SetAside>,
    /// An exception that would set it aside and has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired: Option<Name>,
}

impl Verdict {
    /// Whether the run is refused because of it.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.weight == Weight::Deny && self.set_aside.is_none()
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.kind {
            _ if self.expired.is_some() => code::EXCEPTION_EXPIRED,
            RuleKind::Budget => code::BUDGET,
            RuleKind::Guardrail => code::GUARDRAIL,
            RuleKind::Protection => code::PROTECTED,
        }
    }

    /// It as a finding: an error where it refuses, a warning otherwise. `None` where it is set aside.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        if self.set_aside.is_some() {
            return None;
        }
        let message = format!("{}: {}", self.name(), self.message);
        let code = self.code();
        let mut finding = match (&self.about, &self.place) {
            (Some(place), rule) => {
                let finding = Finding::new(code, message, place.clone());
                match rule {
                    Some(rule) => finding.related(rule.clone(), "the rule stands here"),
                    None => finding,
                }
            }
            (None, Some(place)) => Finding::new(code, message, place.clone()),
            (None, None) => Finding::without_place(code, message),
        };
        finding.severity = if self.refuses() { Severity::Error } else { Severity::Warning };
        finding.help.clone_from(&self.help);
        Some(finding)
    }

    /// What the rule is called.
    #[must_use]
    pub fn name(&self) -> String {
        match self.kind {
            RuleKind::Budget => format!("budget {}", self.rule),
            RuleKind::Guardrail => format!("guardrail {}", self.rule),
            RuleKind::Protection => "protection".to_owned(),
        }
    }
}

/// What a run sets aside, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// A budget, a guardrail, or `protection`.
    pub rule: String,
    /// Why.
    pub reason: String,
}
