//! What a run sets aside, as it was typed, and how a refusal is told.

use std::collections::BTreeSet;

use super::arguments::Overrides;
use super::error::CliError;
use crate::config::Config;
use crate::diagnostic::{Code, code, nearest};
use crate::plan::document::Plan;
use crate::policy::judge;
use crate::policy::verdict::{Override, Verdict};
use crate::session::prepare::Prepared;

/// `--override` with its reasons: one for all, or one for each. `configs` are all by which the run is judged.
///
/// # Errors
/// For a rule that there is not, and for an override without a reason (exit 64).
pub(super) fn overrides(configs: &[&Config], typed: &Overrides) -> Result<Vec<Override>, CliError> {
    let mut known: Vec<String> = Vec::new();
    for rule in configs.iter().flat_map(|config| judge::rules(config)) {
        if !known.contains(&rule) {
            known.push(rule);
        }
    }
    for rule in &typed.overrides {
        if known.contains(rule) {
            continue;
        }
        let mut guardrails = configs.iter().flat_map(|config| config.safety.guardrails.keys());
        let fixed = guardrails.any(|name| name.as_str() == rule);
        let error = CliError::usage(if fixed {
            format!("the guardrail {rule} cannot be overridden")
        } else {
            format!("there is no budget or guardrail {rule}")
        });
        return Err(match nearest(rule, known.iter().map(String::as_str)) {
            _ if fixed => error.hint("it says `overridable: false`; an Exception can exempt what it denies"),
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("there are {}", known.join(", "))),
        });
    }
    let reasons: Vec<&str> = typed.reason.iter().map(|reason| reason.trim()).collect();
    if reasons.iter().any(|reason| reason.is_empty()) {
        return Err(CliError::usage("a reason is empty").hint("say why: --reason 'approved by the customer'"));
    }
    if reasons.len() > 1 && reasons.len() != typed.overrides.len() {
        let message = format!("{} overrides and {} reasons", typed.overrides.len(), reasons.len());
        return Err(CliError::usage(message).hint("give one --reason for all, or one for each --override"));
    }
    let reason = |at: usize| reasons.get(at).or(reasons.first()).map(|reason| (*reason).to_owned());
    let pairs = typed.overrides.iter().enumerate();
    let all = pairs.filter_map(|(at, rule)| Some(Override { rule: rule.clone(), reason: reason(at)? }));
    // The same said twice is said once.
    Ok(all.fold(Vec::new(), |mut kept, given| {
        if !kept.contains(&given) {
            kept.push(given);
        }
        kept
    }))
}

/// The refusal of a plan that was made with errors, if there are any (exit 3): it is carried out whole or not at all.
pub(super) fn broken(prepared: &Prepared, what: &str) -> Option<CliError> {
    let all = prepared.findings.iter().chain(prepared.planned.findings.iter());
    let codes: Vec<Code> = all.filter(|finding| finding.is_error()).map(|finding| finding.code).collect();
    broken_by(&codes, what)
}

fn broken_by(codes: &[Code], what: &str) -> Option<CliError> {
    /// Errors about some computers, that a run of others does not meet.
    const SOME: [Code; 3] = [code::AMBIGUOUS, code::PREREQUISITE_CONFLICT, code::PREREQUISITE_UNDOES];
    let errors = match codes {
        [] => return None,
        [_] => "1 error".to_owned(),
        several => format!("{} errors", several.len()),
    };
    let names: BTreeSet<&str> = codes.iter().map(|code| code.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let error = CliError::invalid(format!("{what}: {errors} ({})", names.join(", ")));
    Some(if codes.iter().all(|code| SOME.contains(code)) {
        error.hint(
            "an error stops the whole run, for all computers: correct it, or limit the run to others with --only",
        )
    } else {
        error.hint("an error stops the whole run, for all computers: correct it")
    })
}

/// The refusal of a plan, if something refuses it (exit 6).
pub(super) fn refusal(config: &Config, plan: &Plan, what: &str) -> Option<CliError> {
    let refusing: Vec<&Verdict> = plan.verdicts.iter().filter(|verdict| verdict.refuses()).collect();
    let mut names: Vec<String> = refusing.iter().map(|verdict| verdict.name()).collect();
    names.dedup();
    refusing.first()?;
    let error = CliError::refused(format!("{what}: refused by {}", names.join(", ")));
    Some(match refusing.as_slice() {
        [one] => error.hint(one.help.clone().unwrap_or_else(|| one.message.clone())),
        several => error.hint(way_out(&judge::rules(config), several)),
    })
}

/// What can be done about several refusals: `known` are the rules that can be set aside.
fn way_out(known: &[String], refusing: &[&Verdict]) -> String {
    let (aside, fixed): (Vec<&Verdict>, Vec<&Verdict>) =
        refusing.iter().partition(|verdict| known.contains(&verdict.rule));
    let mut rules: Vec<String> = aside.iter().map(|verdict| format!("--override {}", verdict.rule)).collect();
    rules.dedup();
    let mut names: Vec<String> = fixed.iter().map(|verdict| verdict.name()).collect();
    names.dedup();
    let (rules, names) = (rules.join(" "), names.join(", "));
    if fixed.is_empty() {
        return format!("all of them can be set aside for one run: {rules} --reason TEXT");
    }
    let fixed = format!(
        "{names} cannot be set aside for a run: change what is denied, or exempt it with an Exception"
    );
    if aside.is_empty() { fixed } else { format!("{fixed}; the others can: {rules} --reason TEXT") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::policy::verdict::{RuleKind, Weight};

    #[test]
    fn a_run_with_errors_is_refused_whole_and_ties_show_the_way_round() {
        assert!(broken_by(&[], "nothing was done").is_none());
        let refused = |codes: &[Code]| {
            let error = broken_by(codes, "nothing was done").expect("a refusal");
            assert_eq!(error.exit, Exit::Configuration);
            (error.message.unwrap_or_default(), error.hints.concat())
        };
        let (said, hint) = refused(&[code::AMBIGUOUS]);
        assert_eq!(said, "nothing was done: 1 error (M0702)");
        assert!(hint.contains("--only"));
        let (said, hint) = refused(&[code::GROUP_NOT_FOUND, code::AMBIGUOUS, code::AMBIGUOUS]);
        assert_eq!(said, "nothing was done: 3 errors (M0702, M0720)");
        assert!(!hint.contains("--only"));
    }

    #[test]
    fn nobody_is_told_to_set_aside_what_cannot_be() {
        let verdict = |kind, rule: &str| Verdict {
            kind,
            rule: rule.to_owned(),
            weight: Weight::Deny,
            subject: "the run".to_owned(),
            message: "no".to_owned(),
            help: None,
            place: None,
            about: None,
            set_aside: None,
            expired: None,
        };
        let budget = verdict(RuleKind::Budget, "removals");
        let never = verdict(RuleKind::Guardrail, "never");
        let known = ["removals".to_owned()];
        assert_eq!(
            way_out(&known, &[&budget, &never]),
            "guardrail never cannot be set aside for a run: change what is denied, or exempt it with an Exception; \
             the others can: --override removals --reason TEXT"
        );
        assert!(!way_out(&known, &[&never, &never]).contains("--override"));
        assert_eq!(
            way_out(&known, &[&budget, &budget]),
            "all of them can be set aside for one run: --override removals --reason TEXT"
        );
    }
}
