//! What keeps a rollout safe, checked: budgets, business hours, guardrails, exceptions and protections.
//!
//! Not here: judging a plan by them (`policy`).
//!
//! Invariant: made by `config::check` only, so every expression fits the vocabulary and every name exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::{ItemRef, Metadata, StageEffect, StageEffects, Subject, Weekday};
use crate::diagnostic::Place;
use crate::id::Name;
use crate::policy::language::compile::Expression;
use crate::policy::language::machine::{EvaluationError, Fact, Machine};
use crate::policy::language::template::Template;
use crate::policy::verdict::Stage;

/// Everything of a repository that keeps a rollout safe.
#[derive(Debug, Clone, Default)]
pub struct Safety {
    /// The instance's budgets.
    pub budgets: Budgets,
    /// The instance's business hours, and its time zone.
    pub hours: Option<Hours>,
    /// Those of tenants that have their own.
    pub tenant_hours: BTreeMap<Name, Hours>,
    /// The instance's time zone.
    pub zone: Zone,
    /// Rules, the repository's own and the shipped ones that it uses.
    pub guardrails: BTreeMap<Name, Guardrail>,
    /// Dated exemptions from them.
    pub exceptions: BTreeMap<Name, Exception>,
    /// What is declared as protected, with its place.
    pub protected: BTreeMap<ProtectedKey, Place>,
}

/// A time zone; UTC unless said otherwise.
#[derive(Debug, Clone)]
pub struct Zone(pub TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

/// The effects of a run that are budgeted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKind {
    /// Computers on which anything is changed.
    Computers,
    /// Uninstallations.
    Removals,
    /// Computers that are restarted.
    Reboots,
    /// Computers on which something that is there is replaced, repaired, removed or restarted.
    Interruptions,
}

impl BudgetKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Computers, Self::Removals, Self::Reboots, Self::Interruptions];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Computers => "computers",
            Self::Removals => "removals",
            Self::Reboots => "reboots",
            Self::Interruptions => "interruptions",
        }
    }
}

/// The name by which `--override` sets protections aside.
pub const PROTECTION: &str = "protection";

/// What a budget is called, as `--override` takes it.
#[must_use]
pub fn budget_name(kind: BudgetKind, per_tenant: bool) -> String {
    if per_tenant { format!("tenant-{}", kind.as_str()) } else { kind.as_str().to_owned() }
}

/// The names of all budgets.
pub fn budget_names() -> impl Iterator<Item = String> {
    let both = [false, true];
    both.into_iter().flat_map(|tenant| BudgetKind::ALL.into_iter().map(move |kind| budget_name(kind, tenant)))
}

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// As many as there are.
    Unlimited,
    /// So many.
    Count(u32),
    /// So many percent of the set, rounded down, and at least the minimum.
    Percent {
        /// From 0 to 100.
        percent: u32,
        /// At least so many, however small the set is.
        minimum: u32,
    },
}

impl Allowance {
    /// How many are allowed of a set of this size; `None` for any number.
    #[must_use]
    pub fn of(self, set: u64) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Count(count) => Some(count.into()),
            Self::Percent { percent, minimum } => {
                let share = u128::from(set) * u128::from(percent) / 100;
                Some(u64::try_from(share).unwrap_or(u64::MAX).max(minimum.into()))
            }
        }
    }
}

/// An allowance and where it stands; without a place it is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// How much.
    pub allowance: Allowance,
    /// Where it is written.
    pub place: Option<Place>,
}

/// The budgets, all kinds filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// Over the whole run.
    pub per_run: BTreeMap<BudgetKind, Budget>,
    /// Over each tenant.
    pub per_tenant: BTreeMap<BudgetKind, Budget>,
}

impl Default for Budgets {
    fn default() -> Self {
        let made = |kinds: [(BudgetKind, Allowance); 4]| {
            kinds.into_iter().map(|(kind, allowance)| (kind, Budget { allowance, place: None })).collect()
        };
        let percent = |percent, minimum| Allowance::Percent { percent, minimum };
        Self {
            per_run: made([
                (BudgetKind::Computers, Allowance::Unlimited),
                (BudgetKind::Removals, percent(10, 5)),
                (BudgetKind::Reboots, percent(25, 5)),
                (BudgetKind::Interruptions, Allowance::Unlimited),
            ]),
            per_tenant: made([
                (BudgetKind::Computers, Allowance::Unlimited),
                (BudgetKind::Removals, percent(25, 5)),
                (BudgetKind::Reboots, Allowance::Unlimited),
                (BudgetKind::Interruptions, Allowance::Unlimited),
            ]),
        }
    }
}

/// When people work, in their own time zone.
#[derive(Debug, Clone)]
pub struct Hours {
    /// On these days.
    pub days: BTreeSet<Weekday>,
    /// From then.
    pub from: Time,
    /// Until then; earlier than `from` means on the next day.
    pub to: Time,
    /// There.
    pub zone: TimeZone,
}

/// See [`super::kind::GuardrailSpec`].
#[derive(Debug, Clone)]
pub struct Guardrail {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub rule: Rule,
    /// What to do about it.
    pub help: Option<String>,
    /// How much it weighs.
    pub stages: StageEffects,
    /// Whether a run may set it aside.
    pub overridable: bool,
}

impl Guardrail {
    /// How much it weighs at a stage.
    #[must_use]
    pub fn effect(&self, stage: Stage) -> StageEffect {
        let given = match stage {
            Stage::Validate if !self.rule.subject.is_document() => return StageEffect::Off,
            Stage::Validate => self.stages.validate,
            Stage::Plan => self.stages.plan,
            Stage::Apply => self.stages.apply,
            Stage::Watch => self.stages.watch,
        };
        given.unwrap_or(StageEffect::Deny)
    }
}

/// The expressions of a guardrail.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it is asked about.
    pub subject: Subject,
    /// It concerns only what this is true of.
    pub when: Option<Expression>,
    /// The condition.
    pub condition: Expression,
    /// What the condition has to be for a denial.
    pub denies_when: bool,
    /// What is said.
    pub message: Template,
}

impl Rule {
    /// The message, if these facts are denied.
    ///
    /// # Errors
    /// [`EvaluationError`] when an expression has no answer.
    pub fn denies(
        &self,
        machine: &Machine,
        facts: &[(&str, Fact)],
    ) -> Result<Option<String>, EvaluationError> {
        if let Some(when) = &self.when
            && !machine.truth(when, facts)?
        {
            return Ok(None);
        }
        let denied = machine.truth(&self.condition, facts)? == self.denies_when;
        Ok(denied.then(|| self.message.fill(machine, facts)))
    }

    /// The words that its expressions use.
    #[must_use]
    pub fn uses(&self, word: &str) -> bool {
        let expressions = self.when.iter().chain(std::iter::once(&self.condition));
        expressions
            .flat_map(|expression| &expression.uses)
            .map(String::as_str)
            .chain(self.message.uses())
            .any(|used| used == word)
    }
}

/// See [`super::kind::ExceptionSpec`].
#[derive(Debug, Clone)]
pub struct Exception {
    /// Its name.
    pub metadata: Metadata,
    /// Where it stands.
    pub place: Place,
    /// The guardrail.
    pub guardrail: Name,
    /// Exempt deployments; empty for any.
    pub deployments: BTreeSet<Name>,
    /// Exempt tenants; empty for any.
    pub tenants: BTreeSet<Name>,
    /// Exempt items; empty for any.
    pub items: BTreeSet<ItemRef>,
    /// Exempt computers by `provider/name`, id or name, in lower case; empty for any.
    pub computers: BTreeSet<String>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// The last day on which it holds.
    pub expires: Date,
}

/// What can be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProtectedKind {
    /// A computer: nothing is uninstalled from it.
    Computer,
    /// A tenant with those below it: nothing is uninstalled from its computers.
    Tenant,
    /// A deployment: its software is not uninstalled from the computers that it is for.
    Deployment,
}

impl ProtectedKind {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Computer => "computer",
            Self::Tenant => "tenant",
            Self::Deployment => "deployment",
        }
    }
}

/// A document that is protected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProtectedKey {
    /// Its kind.
    pub kind: ProtectedKind,
    /// Its name.
    pub name: Name,
}

impl std::fmt::Display for ProtectedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}
