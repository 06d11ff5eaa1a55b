//! `Guardrail` and `GuardrailTest`: rules over the plan, and invented facts that show that they hold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yes;
use crate::id::Name;

/// A rule over plans or documents. Exactly one of `deny` and `require`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["deny"] }, { "required": ["require"] }]))]
pub struct GuardrailSpec {
    /// What it is asked about, once for each.
    pub r#for: Subject,
    /// A CEL expression: the rule concerns only what this is true of. Default: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2000))]
    pub when: Option<String>,
    /// A CEL expression: what this is true of is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2000))]
    pub deny: Option<String>,
    /// A CEL expression: what this is false of is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2000))]
    pub require: Option<String>,
    /// What is said then; `{change.item}` stands for a value, `{{` for a brace.
    #[schemars(length(min = 1))]
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// How much it weighs at each stage. Default: deny at every stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<StageEffects>,
    /// Whether `--override` with a reason sets it aside. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub overridable: bool,
}

/// What a rule is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The plan as a whole.
    Plan,
    /// Each kind of change in the plan.
    Change,
    /// Each tenant with something to do in the plan.
    Tenant,
    /// The computers with something to do in the plan.
    Computer,
    /// Each enabled deployment of the configuration.
    Deployment,
    /// Each software of the configuration.
    Software,
    /// Each script of the software and tasks of the configuration.
    Script,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Plan,
        Self::Change,
        Self::Tenant,
        Self::Computer,
        Self::Deployment,
        Self::Software,
        Self::Script,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Change => "change",
            Self::Tenant => "tenant",
            Self::Computer => "computer",
            Self::Deployment => "deployment",
            Self::Software => "software",
            Self::Script => "script",
        }
    }

    /// Whether it is in the configuration, so that no plan is needed to judge it.
    #[must_use]
    pub const fn is_document(self) -> bool {
        matches!(self, Self::Deployment | Self::Software | Self::Script)
    }
}

/// How much a rule weighs at each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageEffects {
    /// When the configuration is validated; only for rules about documents. Default: deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<StageEffect>,
    /// When a plan is made. Default: deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<StageEffect>,
    /// Before a plan is applied. Default: deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<StageEffect>,
    /// Before a plan is applied without anybody looking. Default: deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<StageEffect>,
}

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageEffect {
    /// It is not asked.
    Off,
    /// It is said, and nothing is refused.
    Warn,
    /// The run is refused.
    Deny,
}

/// Invented facts, and what a guardrail has to say of them. `validate` runs them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardrailTestSpec {
    /// The guardrail.
    pub guardrail: Name,
    /// The cases.
    #[schemars(length(min = 1))]
    pub cases: Vec<GuardrailCase>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardrailCase {
    /// What it shows, as a sentence.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Facts by the words of the vocabulary; what is left out is false, 0 or empty.
    pub given: BTreeMap<String, serde_json::Value>,
    /// What the guardrail has to say.
    pub expect: Expectation,
    /// What its message has to be, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a guardrail says of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// It lets them pass.
    Allow,
    /// It denies them.
    Deny,
}

impl Expectation {
    /// What the guardrail did, for messages.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Allow => "allows it",
            Self::Deny => "denies it",
        }
    }
}
