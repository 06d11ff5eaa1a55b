//! What rules say of a plan: a line for each verdict, those that refuse first, and of one rule a few.

use std::collections::BTreeMap;
use std::io;

use super::View;
use super::style::{Label, Line, Pen};
use super::words::{count, thousands, wrap};
use crate::plan::document::Plan;
use crate::policy::verdict::{SetAside, Verdict, Weight};

/// So many verdicts of one rule are shown without `details`: a budget for each tenant must not fill the screen (L12).
const FEW: usize = 3;

/// Writes the section, if anything is to be said.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, plan: &Plan, view: &View) -> io::Result<()> {
    if plan.verdicts.is_empty() {
        return Ok(());
    }
    pen.gap()?;
    pen.heading("Rules")?;
    let mut said: BTreeMap<_, usize> = BTreeMap::new();
    let all = sorted(plan);
    for verdict in &all {
        let (word, label) = standing(verdict);
        let same = said.entry((word, verdict.rule.as_str(), verdict.place.as_ref())).or_default();
        *same += 1;
        if *same > FEW && !view.details {
            continue;
        }
        let place = verdict.place.as_ref().map(|place| format!("  {place}")).unwrap_or_default();
        let mut first = true;
        let room = view.width.saturating_sub(12).max(20);
        for text in wrap(&format!("{}{place}", sentence(verdict)), room) {
            let mut line = Line::new().text("  ");
            line.push(
                if first { label } else { Label::Plain },
                format!("{:<10}", if first { word } else { "" }),
            );
            line.push(Label::Plain, text);
            pen.line(&line)?;
            first = false;
        }
        if let Some(text) = aside(verdict) {
            for text in wrap(&text, room) {
                pen.line(&Line::new().with(Label::Dim, format!("            {text}")))?;
            }
        }
    }
    for ((word, rule, _), number) in said {
        if number > FEW && !view.details {
            let more = thousands(count(number - FEW));
            let text = format!("  {word:<10}{rule}: {more} more; --details lists them");
            pen.line(&Line::new().with(Label::Dim, text))?;
        }
    }
    Ok(())
}

/// What is set aside and by what, a sentence each; what is not stands among the findings.
#[must_use]
pub fn set_aside(plan: &Plan) -> Vec<String> {
    let sentence = |verdict: &Verdict| Some(format!("{}; {}", sentence(verdict), aside(verdict)?));
    sorted(plan).into_iter().filter_map(sentence).collect()
}

fn sorted(plan: &Plan) -> Vec<&Verdict> {
    let mut verdicts: Vec<&Verdict> = plan.verdicts.iter().collect();
    verdicts.sort_by_key(|verdict| (!verdict.refuses(), verdict.set_aside.is_some()));
    verdicts
}

fn standing(verdict: &Verdict) -> (&'static str, Label) {
    match (&verdict.set_aside, verdict.weight) {
        (Some(_), _) => ("set aside", Label::Held),
        (None, Weight::Deny) => ("refused", Label::Error),
        (None, Weight::Warn) => ("warning", Label::Warning),
    }
}

fn sentence(verdict: &Verdict) -> String {
    format!("{}, {}: {}", verdict.name(), verdict.subject, verdict.message)
}

fn aside(verdict: &Verdict) -> Option<String> {
    verdict.set_aside.as_ref().map(|aside| match aside {
        SetAside::Override { reason } => format!("overridden: {reason}"),
        SetAside::Exception { name, owner, reason, expires } => {
            format!("exception {name} of {owner}, until {expires}: {reason}")
        }
    })
}
