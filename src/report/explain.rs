//! Explanations: what a code means, and why an item stands as it does on a computer.

use std::io;

use super::style::{Label, Line, Pen};
use super::words::{ago, wrap};
use super::{View, terms};
use crate::diagnostic::{CodeInfo, Severity};
use crate::plan::diff::Decision;
use crate::plan::explain::{Explained, Fate, Idle, ItemExplanation};
use crate::time::Timestamp;

/// Writes what a finding code means.
///
/// # Errors
/// What the pen says.
pub fn code(pen: &mut dyn Pen, info: &CodeInfo, view: &View) -> io::Result<()> {
    let (word, label) = match info.severity {
        Severity::Error => ("error", Label::Error),
        Severity::Warning => ("warning", Label::Warning),
    };
    pen.line(
        &Line::new()
            .with(Label::Code, info.code.as_str())
            .text("  ")
            .with(label, word)
            .with(Label::Heading, format!("  {}", info.title)),
    )?;
    pen.gap()?;
    wrap(info.text, view.width.min(100)).iter().try_for_each(|line| pen.line(&Line::new().text(line)))
}

/// Writes why an item stands as it does on a computer: every deployment of it, and what became of each (L10).
///
/// # Errors
/// What the pen says.
pub fn item(pen: &mut dyn Pen, explanation: &ItemExplanation, now: Timestamp, view: &View) -> io::Result<()> {
    let ItemExplanation { item, candidates, winner: _, mode, idle, values, observed, needed_by, decision } =
        explanation;
    pen.line(&Line::new().with(Label::Heading, item.to_string()))?;
    if candidates.is_empty() {
        pen.line(&Line::new().text("  No deployment of it reaches this computer."))?;
    }
    for candidate in candidates {
        one(pen, candidate, view)?;
    }
    for (at, value) in values.iter().enumerate() {
        let origin = value.origin.as_ref().map(terms::value_origin).unwrap_or_default();
        let text = format!("{} = {}{origin}", value.name, value.value.to_json());
        for (part, text) in wrap(&text, view.width.saturating_sub(14)).into_iter().enumerate() {
            let title = if at + part == 0 { "Values" } else { "" };
            let mut line = Line::new().text("  ").with(Label::Heading, title);
            line.pad_to(if part == 0 { 12 } else { 14 });
            pen.line(&line.text(text))?;
        }
    }
    let mut seen = Line::new().text("  ").with(Label::Heading, "Observed  ");
    match observed {
        Some((observed, at)) => {
            seen.push(Label::Plain, terms::observed(observed));
            seen.push(Label::Dim, format!(", {}", ago(*at, now)));
        }
        None if idle.is_some() => seen.push(Label::Dim, "not looked at"),
        None => seen.push(Label::Warning, "not known: never detected"),
    }
    pen.line(&seen)?;
    if let Some(text) = observed.as_ref().and_then(|(observed, _)| terms::observed_text(observed)) {
        for line in text.lines() {
            pen.line(&Line::new().with(Label::Dim, "            | ").text(line))?;
        }
    }
    let said = if let Some(idle) = idle {
        at_rest(idle)
    } else {
        let needed_by = needed_by.as_ref().map(|other| format!(", needed by {other}"));
        format!("{}{}", decided(decision.as_ref()), needed_by.unwrap_or_default())
    };
    for (at, text) in wrap(&said, view.width.saturating_sub(12)).into_iter().enumerate() {
        let mut line = Line::new().text("  ").with(Label::Heading, if at == 0 { "Decision" } else { "" });
        line.pad_to(12);
        line.push(if matches!(idle, Some(Idle::Held(_))) { Label::Warning } else { Label::Plain }, text);
        if let (0, Some(mode)) = (at, mode.filter(|_| idle.is_none())) {
            line.push(Label::Dim, format!(", mode {mode}"));
        }
        pen.line(&line)?;
    }
    Ok(())
}

/// Why nothing follows at all, in words.
#[must_use]
pub fn at_rest(idle: &Idle) -> String {
    match idle {
        Idle::Held(held) => format!("nothing: {held}"),
        Idle::Ignored => "nothing: the deployment that wins says ignored".to_owned(),
        Idle::Ceiling => {
            "nothing: the instance, the tenant, the computer or the target says ignored".to_owned()
        }
    }
}

/// What follows, in words.
#[must_use]
pub fn decided(decision: Option<&Decision>) -> String {
    match decision {
        None => "nothing: no deployment wins, or nothing is known".to_owned(),
        Some(Decision::Nothing) => "nothing: it is as wanted".to_owned(),
        Some(Decision::Act(act)) => {
            let version = act.version.as_ref().map(|version| format!(" to {version}")).unwrap_or_default();
            format!("{}{version} ({})", terms::code(&act.action), terms::code(&act.reason))
        }
        Some(Decision::Blocked(why)) => format!("nothing can be done: {why}"),
        Some(Decision::NonCompliant(what)) => format!("only told: {what}"),
        Some(Decision::Undetermined(why)) => format!("nothing: detection did not tell ({why})"),
        Some(Decision::NotApplicable) => "nothing: it makes no sense on this platform".to_owned(),
    }
}

fn one(pen: &mut dyn Pen, candidate: &Explained, view: &View) -> io::Result<()> {
    let (marker, label, word) = match candidate.fate {
        Fate::Won => ("*", Label::Good, "won"),
        Fate::Tied => ("!", Label::Error, "tied"),
        Fate::Uncertain => ("?", Label::Warning, "uncertain"),
        Fate::Lost => ("-", Label::Plain, "lost"),
        Fate::Dropped => ("x", Label::Dim, "dropped"),
        Fate::Elsewhere => ("x", Label::Dim, "elsewhere"),
    };
    pen.line(
        &Line::new()
            .text("  ")
            .with(label, format!("{marker} "))
            .with(Label::Heading, candidate.deployment.name.as_str())
            .with(Label::Dim, format!("   {}", candidate.deployment.place)),
    )?;
    for (name, label, text) in [
        ("says", Label::Plain, candidate.says.clone()),
        ("rank", Label::Plain, candidate.rank.clone()),
        ("result", label, format!("{word}: {}", candidate.why)),
    ] {
        if text.is_empty() {
            continue;
        }
        for (at, part) in wrap(&text, view.width.saturating_sub(13)).into_iter().enumerate() {
            let mut line = Line::new().text("      ").with(Label::Dim, if at == 0 { name } else { "" });
            line.pad_to(13);
            pen.line(&line.with(label, part))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::{Mode, ParameterValue};
    use crate::diagnostic::code::REGISTRY;
    use crate::inventory::item::ItemKey;
    use crate::plan::diff::Act;
    use crate::plan::document::{ActionType, Reason, ValueOrigin};
    use crate::plan::explain::ExplainedValue;
    use crate::report::sample::{name, origin, present};
    use crate::report::style::Recording;
    use crate::secret::SecretRef;

    #[test]
    fn every_code_has_an_explanation_within_the_width() {
        let view = View { width: 60, ..View::default() };
        for info in REGISTRY {
            let mut pen = Recording::default();
            code(&mut pen, info, &view).expect("memory");
            assert!(pen.lines.len() >= 3, "{}", info.code);
            assert!(pen.lines.iter().skip(1).all(|line| line.width() <= 60), "{pen}");
        }
        let mut pen = Recording::default();
        code(&mut pen, crate::diagnostic::code::AMBIGUOUS.info(), &View::default()).expect("memory");
        insta::assert_snapshot!(pen, @r#"
    M0702  error  two deployments win

    Two deployments of equal rank want different things of the same item on the same computers. Give one
    a higher priority, narrow one, or set ignored (RES-8). Both places are shown.
    "#);
    }

    #[test]
    fn every_candidate_has_its_verdict() {
        let candidate = |deployment, rank: &str, fate, why: &str| Explained {
            deployment,
            says: if fate == Fate::Won {
                "Installs 7-Zip, latest, on all servers.".to_owned()
            } else {
                String::new()
            },
            rank: rank.to_owned(),
            fate,
            why: why.to_owned(),
        };
        let winner = origin("seven-zip-contoso", "tenants/contoso/deployments.yaml", 3);
        let explanation = ItemExplanation {
            item: ItemKey::software(name("seven-zip")),
            candidates: vec![
                candidate(winner.clone(), "tenant, narrowed, priority 5", Fate::Won, "it ranks first"),
                candidate(
                    origin("seven-zip-everywhere", "deployments/archive.yaml", 12),
                    "cross-tenant",
                    Fate::Lost,
                    "seven-zip-contoso has the narrower scope",
                ),
                candidate(
                    origin("seven-zip-gone", "deployments/old.yaml", 1),
                    "-",
                    Fate::Dropped,
                    "it is disabled",
                ),
            ],
            winner: Some(winner),
            mode: Some(Mode::Enforce),
            idle: None,
            values: vec![
                ExplainedValue {
                    name: "key".to_owned(),
                    value: ParameterValue::Secret(SecretRef::Env("ZIP_KEY".to_owned())),
                    origin: Some(ValueOrigin::Deployment(name("seven-zip-contoso"))),
                },
                ExplainedValue {
                    name: "language".to_owned(),
                    value: ParameterValue::Text("en".to_owned()),
                    origin: Some(ValueOrigin::Default(name("seven-zip"))),
                },
            ],
            observed: Some((present("24.07"), Timestamp::UNIX_EPOCH)),
            needed_by: None,
            decision: Some(Decision::Act(Act {
                action: ActionType::Update,
                reason: Reason::UpdateAvailable,
                version: Some("24.08".to_owned()),
                after: present("24.08"),
            })),
        };
        let now = Timestamp::from_second(3 * 3600).expect("valid");
        let mut pen = Recording::default();
        item(&mut pen, &explanation, now, &View::default()).expect("memory");
        insta::assert_snapshot!(pen, @r#"
    seven-zip
      * seven-zip-contoso   tenants/contoso/deployments.yaml:3
          says   Installs 7-Zip, latest, on all servers.
          rank   tenant, narrowed, priority 5
          result won: it ranks first
      - seven-zip-everywhere   deployments/archive.yaml:12
          rank   cross-tenant
          result lost: seven-zip-contoso has the narrower scope
      x seven-zip-gone   deployments/old.yaml:1
          rank   -
          result dropped: it is disabled
      Values    key = {"secret":{"env":"ZIP_KEY"}}, from deployment seven-zip-contoso
                language = "en", default of seven-zip
      Observed  present, 24.07, 3 h ago
      Decision  update to 24.08 (update-available), mode enforce
    "#);
    }
}
