//! From a plan, or a configuration alone, to verdicts: the way in for everybody who acts on them.
//!
//! Invariants: pure; the same input gives the same verdicts in the same order; what is set aside is still said.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::budget;
use super::facts::{self, PlanFacts, Subject};
use super::guardrail::{Court, Named};
use super::language::machine::{Fact, Machine};
use super::protection::{self, Protection};
use super::tally::tally;
use super::verdict::{Override, RuleKind, SetAside, Stage, Verdict, Weight};
use crate::config::Config;
use crate::config::kind::{StageEffect, Subject as About};
use crate::config::safety::{Exception, Guardrail, PROTECTION, budget_names};
use crate::diagnostic::{Finding, Findings, Severity, code};
use crate::inventory::snapshot::Snapshot;
use crate::plan::document::Plan;
use crate::time::Timestamp;

/// Everything that a plan is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The computers.
    pub snapshot: &'a Snapshot,
    /// The plan.
    pub plan: &'a Plan,
    /// The computers that the run is limited to; `None` for all.
    pub scope: Option<&'a RoaringBitmap>,
    /// For what it is judged.
    pub stage: Stage,
    /// The present instant.
    pub now: Timestamp,
    /// What the run sets aside.
    pub overrides: &'a [Override],
    /// What was protected when something was applied last.
    pub protections: &'a [Protection],
}

/// What was judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What rules say, in the order of protections, budgets and guardrails.
    pub verdicts: Vec<Verdict>,
    /// What is to be said of exceptions, overrides and protections that are not needed.
    pub lints: Findings,
}

impl Judgement {
    /// Whether the run is refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.verdicts.iter().any(Verdict::refuses)
    }

    /// The verdicts that are not set aside as findings, and the lints, in reading order.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let mut findings: Findings = self.verdicts.iter().filter_map(Verdict::finding).collect();
        findings.extend(self.lints.clone());
        findings.sort();
        findings
    }
}

/// The names that `--override` takes in this configuration.
#[must_use]
pub fn rules(config: &Config) -> Vec<String> {
    let guardrails = config.safety.guardrails.iter().filter(|(_, guardrail)| guardrail.overridable);
    let guardrails = guardrails.map(|(name, _)| name.to_string());
    budget_names().chain([PROTECTION.to_owned()]).chain(guardrails).collect()
}

/// Judges a plan.
#[must_use]
pub fn judge(input: &Input<'_>) -> Judgement {
    let Input { config, snapshot, plan, stage, now, .. } = *input;
    let tally = tally(plan, snapshot, input.scope);
    let (verdicts, lints) = protection::judge(config, snapshot, plan, input.protections);
    let mut judgement = Judgement { verdicts, lints };
    judgement.verdicts.extend(budget::breaches(&config.safety.budgets, &tally));
    let plan_facts = PlanFacts::new(config, snapshot, plan, &tally, now);
    let named = Named::new(&config.safety.exceptions, &plan_facts);
    guardrails(config, stage, now, (Some(&plan_facts), &named), &mut judgement);
    unknown_computers(config, snapshot, &named, &mut judgement.lints);
    ambiguous_computers(config, &named, &mut judgement.lints);
    set_aside(config, input.overrides, &mut judgement);
    judgement.lints.sort();
    judgement
}

/// Judges a configuration alone.
#[must_use]
pub fn validate(config: &Config, now: Timestamp) -> Judgement {
    let mut judgement = Judgement::default();
    guardrails(config, Stage::Validate, now, (None, &Named::default()), &mut judgement);
    judgement.lints.sort();
    judgement
}

/// The subjects of all kinds, each made when it is asked for first.
struct Subjects<'a> {
    config: &'a Config,
    plan: Option<&'a PlanFacts<'a>>,
    made: Vec<((About, bool), Vec<Subject>)>,
}

impl Subjects<'_> {
    fn get(&mut self, about: About, by_name: bool) -> &[Subject] {
        let key = (about, by_name);
        let known = self.made.iter().position(|(made, _)| *made == key);
        let at = known.unwrap_or_else(|| {
            let subjects = match (about, self.plan) {
                (About::Deployment, _) => facts::deployments(self.config),
                (About::Software, _) => facts::software(self.config),
                (About::Script, _) => facts::scripts(self.config),
                (_, None) => Vec::new(),
                (About::Plan, Some(plan)) => vec![plan.whole()],
                (About::Change, Some(plan)) => plan.changes(),
                (About::Tenant, Some(plan)) => plan.tenants(),
                (About::Computer, Some(plan)) => plan.computers(by_name),
            };
            self.made.push((key, subjects));
            self.made.len() - 1
        });
        self.made.get(at).map_or(&[], |(_, subjects)| subjects)
    }
}

fn guardrails(
    config: &Config,
    stage: Stage,
    now: Timestamp,
    (plan, named): (Option<&PlanFacts<'_>>, &Named<'_>),
    judgement: &mut Judgement,
) {
    let safety = &config.safety;
    let today = now.to_zoned(safety.zone.0.clone()).date();
    let mut common = facts::common(config, stage, now);
    if let Some(plan) = plan.filter(|_| !safety.guardrails.is_empty()) {
        common.push(("plan", Fact::new(&plan.plan())));
    }
    let machine = Machine::new(&common);
    let court = Court { machine: &machine, exceptions: &safety.exceptions, today, plan, named };
    let mut subjects = Subjects { config, plan, made: Vec::new() };
    let mut used = BTreeSet::new();
    for guardrail in safety.guardrails.values() {
        let weight = match guardrail.effect(stage) {
            StageEffect::Off => continue,
            StageEffect::Warn => Weight::Warn,
            StageEffect::Deny => Weight::Deny,
        };
        let rule = &guardrail.rule;
        let by_name =
            rule.subject == About::Computer && (rule.uses("computer.name") || rule.uses("computer"));
        let said = court.ask(guardrail, weight, subjects.get(rule.subject, by_name));
        judgement.verdicts.extend(said.verdicts);
        used.extend(said.used);
    }
    for exception in safety.exceptions.values().filter(|exception| !used.contains(&exception.metadata.name)) {
        let guardrail = safety.guardrails.get(&exception.guardrail);
        judgement.lints.extend(unused(&court, exception, guardrail, stage));
    }
}

/// What is to be said of an exception that nothing needed.
fn unused(
    court: &Court<'_>,
    exception: &Exception,
    guardrail: Option<&Guardrail>,
    stage: Stage,
) -> Option<Finding> {
    let name = &exception.metadata.name;
    if court.is_expired(exception) {
        let message = format!("the exception {name} of {} expired on {}", exception.owner, exception.expires);
        let mut finding = Finding::new(code::EXCEPTION_EXPIRED, message, exception.place.clone());
        finding.severity = Severity::Warning;
        return Some(finding.help("nothing needs it now: delete it"));
    }
    // What a plan has to do changes from run to run; documents change with a commit only.
    let guardrail = guardrail.filter(|guardrail| guardrail.rule.subject.is_document())?;
    if guardrail.effect(stage) == StageEffect::Off {
        return None;
    }
    let message = format!("the exception {name} is for nothing that {} denies", exception.guardrail);
    let finding = Finding::new(code::EXCEPTION_UNUSED, message, exception.place.clone());
    Some(finding.related(guardrail.place.clone(), "the guardrail").help("delete it"))
}

/// Exceptions for computers that nobody lists. While a list is missing, its computers are no news.
fn unknown_computers(config: &Config, snapshot: &Snapshot, known: &Named<'_>, lints: &mut Findings) {
    let named = config.safety.exceptions.values().filter(|exception| !exception.computers.is_empty());
    let named: Vec<&Exception> = named.collect();
    if named.is_empty() || !snapshot.failed().is_empty() {
        return;
    }
    for exception in named {
        for name in exception.computers.iter().filter(|name| !known.all.contains_key(name.as_str())) {
            let message =
                format!("the exception {} names {name}, which nobody lists", exception.metadata.name);
            lints.push(Finding::new(code::EXCEPTION_UNUSED, message, exception.place.clone()));
        }
    }
}

/// Exceptions for what fits several computers: none of them is exempt.
fn ambiguous_computers(config: &Config, named: &Named<'_>, lints: &mut Findings) {
    const SHOWN: usize = 5;
    for exception in config.safety.exceptions.values() {
        for word in &exception.computers {
            let Some(ids) = named.all.get(word.as_str()).filter(|ids| ids.len() > 1) else { continue };
            let shown: Vec<&str> = ids.iter().take(SHOWN).map(|id| id.as_str()).collect();
            let more = match ids.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "the exception {} names {word}, which {} computers are called, and exempts none of them: {}{more}",
                exception.metadata.name,
                ids.len(),
                shown.join(", "),
            );
            let finding = Finding::new(code::EXCEPTION_AMBIGUOUS, message, exception.place.clone());
            lints.push(finding.help("write provider/name, or one of these ids"));
        }
    }
}

/// Sets aside what the run overrides, and says which overrides were not needed.
fn set_aside(config: &Config, overrides: &[Override], judgement: &mut Judgement) {
    for given in overrides {
        let mut needed = false;
        for verdict in judgement.verdicts.iter_mut().filter(|verdict| verdict.rule == given.rule) {
            let may = verdict.kind != RuleKind::Guardrail
                || config.safety.guardrails.values().any(|guardrail| {
                    guardrail.metadata.name.as_str() == verdict.rule && guardrail.overridable
                });
            if may && verdict.set_aside.is_none() {
                needed = true;
                verdict.set_aside = Some(SetAside::Override { reason: given.reason.clone() });
            }
        }
        needed |=
            given.rule == PROTECTION && judgement.lints.iter().any(|lint| lint.code == code::PROTECTION_GONE);
        if !needed {
            let message = format!("--override {} was not needed: nothing had to be set aside", given.rule);
            judgement.lints.push(Finding::without_place(code::OVERRIDE_UNUSED, message));
        }
    }
}
