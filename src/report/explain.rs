//! Explanations: what a code means, and why an item stands as it does on a computer.

use std::io;

use serde::Serialize;

use super::style::{Label, Line, Pen};
use super::words::{ago, wrap};
use super::{View, terms};
use crate::diagnostic::{CodeInfo, Severity};
use crate::id::Name;
use crate::inventory::item::{ItemKey, Observed};
use crate::plan::document::Origin;
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

/// Why an item stands as it does on a computer: every deployment of it, and what became of each (L10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The computer's name.
    pub computer: String,
    /// Its tenant.
    pub tenant: Option<Name>,
    /// The item.
    pub item: ItemKey,
    /// The item's title.
    pub title: String,
    /// Every deployment of the item, the winner first, then by rank.
    pub candidates: Vec<Candidate>,
    /// What was observed last, and when.
    pub observed: Option<(Observed, Timestamp)>,
    /// What follows, a few words: `update to 24.09 (update-available)`, `nothing (up-to-date)`.
    pub decision: String,
}

/// One deployment of the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The deployment and its place.
    pub deployment: Origin,
    /// What it wants: `installed, latest (24.09)`, `absent`, `task, audit`.
    pub wants: String,
    /// Its rank; `None` where it was dropped before ranks mattered.
    pub rank: Option<Rank>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What decides between deployments, in this order (design §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rank {
    /// `computer`, `person`, `tenant contoso`, `cross-tenant`.
    pub scope: String,
    /// Whether it selects a part of its scope only.
    pub narrowed: bool,
    /// Its priority.
    pub priority: i32,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It decides.
    Won {
        /// By what, or `None` where it was alone.
        why: Option<String>,
    },
    /// It was compared and lost.
    Lost {
        /// By what.
        why: String,
    },
    /// It was no candidate.
    Dropped {
        /// Why not.
        why: String,
    },
}

/// Writes why an item stands as it does on a computer.
///
/// # Errors
/// What the pen says.
pub fn item(pen: &mut dyn Pen, explanation: &Explanation, now: Timestamp, view: &View) -> io::Result<()> {
    let Explanation { computer, tenant, item, title, candidates, observed, decision } = explanation;
    let mut line = Line::new().with(Label::Heading, title);
    if *title != item.to_string() {
        line.push(Label::Dim, format!(" ({item})"));
    }
    line.push(Label::Plain, " on ");
    line.push(Label::Heading, computer);
    if let Some(tenant) = tenant {
        line.push(Label::Plain, format!(" ({tenant})"));
    }
    pen.line(&line)?;
    pen.gap()?;
    if candidates.is_empty() {
        pen.line(&Line::new().text("No deployment is about this item."))?;
    }
    for candidate in candidates {
        one(pen, candidate, view)?;
    }
    pen.gap()?;
    let mut seen = Line::new().with(Label::Heading, "Observed  ");
    match observed {
        Some((observed, at)) => {
            seen.push(Label::Plain, terms::observed(observed));
            seen.push(Label::Dim, format!(", {}", ago(*at, now)));
        }
        None => seen.push(Label::Warning, "not known: never detected"),
    }
    pen.line(&seen)?;
    if view.details
        && let Some(text) = observed.as_ref().and_then(|(observed, _)| terms::observed_text(observed))
    {
        for line in text.lines() {
            pen.line(&Line::new().with(Label::Dim, "          | ").text(line))?;
        }
    }
    pen.line(&Line::new().with(Label::Heading, "Decision  ").text(decision))
}

fn one(pen: &mut dyn Pen, candidate: &Candidate, view: &View) -> io::Result<()> {
    let (marker, label, verdict) = match &candidate.outcome {
        Outcome::Won { why: Some(why) } => ("*", Label::Good, format!("won: {why}")),
        Outcome::Won { why: None } => ("*", Label::Good, "won: there is no other".to_owned()),
        Outcome::Lost { why } => ("-", Label::Plain, format!("lost: {why}")),
        Outcome::Dropped { why } => ("x", Label::Dim, format!("dropped: {why}")),
    };
    pen.line(
        &Line::new()
            .text("  ")
            .with(label, format!("{marker} "))
            .with(Label::Heading, candidate.deployment.name.as_str())
            .with(Label::Dim, format!("   {}", candidate.deployment.place)),
    )?;
    let field = |pen: &mut dyn Pen, name: &str, label: Label, text: &str| -> io::Result<()> {
        for (at, part) in wrap(text, view.width.saturating_sub(13)).into_iter().enumerate() {
            let mut line = Line::new().text("      ").with(Label::Dim, if at == 0 { name } else { "" });
            line.pad_to(13);
            pen.line(&line.with(label, part))?;
        }
        Ok(())
    };
    field(pen, "wants", Label::Plain, &candidate.wants)?;
    if let Some(Rank { scope, narrowed, priority }) = &candidate.rank {
        let part = if *narrowed { "narrowed" } else { "whole scope" };
        field(pen, "rank", Label::Plain, &format!("{scope}, {part}, priority {priority}"))?;
    }
    field(pen, "result", label, &verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::code::REGISTRY;
    use crate::report::sample::{name, origin, present};
    use crate::report::style::Recording;

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
        let rank =
            |scope: &str, narrowed, priority| Some(Rank { scope: scope.to_owned(), narrowed, priority });
        let candidate = |deployment, wants: &str, rank, outcome| Candidate {
            deployment,
            wants: wants.to_owned(),
            rank,
            outcome,
        };
        let explanation = Explanation {
            computer: "PC-1042".to_owned(),
            tenant: Some(name("contoso")),
            item: ItemKey::software(name("seven-zip")),
            title: "7-Zip".to_owned(),
            candidates: vec![
                candidate(
                    origin("seven-zip-contoso", "tenants/contoso/deployments.yaml", 3),
                    "installed, exactly 24.08",
                    rank("tenant contoso", true, 5),
                    Outcome::Won { why: Some("scope: tenant goes before cross-tenant".to_owned()) },
                ),
                candidate(
                    origin("seven-zip-everywhere", "deployments/archive.yaml", 12),
                    "installed, latest (24.09)",
                    rank("cross-tenant", false, 0),
                    Outcome::Lost { why: "scope: cross-tenant goes after tenant".to_owned() },
                ),
                candidate(
                    origin("seven-zip-gone", "deployments/old.yaml", 1),
                    "absent",
                    None,
                    Outcome::Dropped { why: "it is disabled".to_owned() },
                ),
            ],
            observed: Some((present("24.07"), Timestamp::UNIX_EPOCH)),
            decision: "update to 24.08 (update-available)".to_owned(),
        };
        let now = Timestamp::from_second(3 * 3600).expect("valid");
        let mut pen = Recording::default();
        item(&mut pen, &explanation, now, &View::default()).expect("memory");
        insta::assert_snapshot!(pen, @r#"
    7-Zip (seven-zip) on PC-1042 (contoso)

      * seven-zip-contoso   tenants/contoso/deployments.yaml:3
          wants  installed, exactly 24.08
          rank   tenant contoso, narrowed, priority 5
          result won: scope: tenant goes before cross-tenant
      - seven-zip-everywhere   deployments/archive.yaml:12
          wants  installed, latest (24.09)
          rank   cross-tenant, whole scope, priority 0
          result lost: scope: cross-tenant goes after tenant
      x seven-zip-gone   deployments/old.yaml:1
          wants  absent
          result dropped: it is disabled

    Observed  present, 24.07, 3 h ago
    Decision  update to 24.08 (update-available)
    "#);

        let nothing = Explanation {
            candidates: Vec::new(),
            observed: None,
            decision: "nothing: not managed".to_owned(),
            ..explanation
        };
        let mut pen = Recording::default();
        item(&mut pen, &nothing, now, &View::default()).expect("memory");
        insta::assert_snapshot!(pen, @r#"
    7-Zip (seven-zip) on PC-1042 (contoso)

    No deployment is about this item.

    Observed  not known: never detected
    Decision  nothing: not managed
    "#);
    }
}
