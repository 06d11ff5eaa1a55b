//! A plan as short Markdown: for a comment on a pull request.
//!
//! Invariants: the first line says how many computers, tenants and removals; text of users and computers is escaped, so
//! that it is neither markup nor HTML; the length is bounded whatever the plan.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::words::{count, list, plural, thousands, visible};
use super::{notes, summary, terms};
use crate::id::Name;
use crate::plan::document::{ActionType, Change, Plan};

/// So many rows of changes, and notes of each kind, are listed.
const ROWS: usize = 50;
/// So many computers of a removal are named.
const NAMES: usize = 10;

/// Writes a plan.
///
/// # Errors
/// What the writer says.
pub fn plan(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let numbers = summary::Summary::of(plan);
    if numbers.changes == 0 {
        writeln!(out, "**No changes** on 0 computers of 0 tenants, 0 removals.\n")?;
        writeln!(out, "{}\n", escape(&summary::why_nothing(plan, &numbers)))?;
    } else {
        writeln!(
            out,
            "**{} on {} of {}, {}.**\n",
            plural(numbers.changes, "change"),
            plural(numbers.computers, "computer"),
            plural(numbers.tenants, "tenant"),
            plural(numbers.removals(), "removal"),
        )?;
    }
    revision(out, plan)?;
    super::policy::markdown(out, plan, |text| escape(text).into())?;
    if !plan.changes.is_empty() {
        writeln!(out, "| | Change | Computers | Why | Declared in |\n|---|---|---:|---|---|")?;
        for change in plan.changes.iter().take(ROWS) {
            row(out, plan, change)?;
        }
        let more = plan.changes.len().saturating_sub(ROWS);
        if more > 0 {
            writeln!(out, "| | and {} of other kinds | | | |", plural(count(more), "change"))?;
        }
        writeln!(out)?;
    }
    for (kind, groups) in notes::groups(plan) {
        for group in groups.iter().take(ROWS / 5) {
            let names: Vec<&str> = group.computers.iter().copied().collect();
            let item = group.note.item.as_ref().map(|item| format!("{item}: ")).unwrap_or_default();
            let computers = if names.is_empty() { String::new() } else { format!(" ({})", list(&names, 3)) };
            let text = escape(&format!("{item}{}{computers}", group.note.text));
            writeln!(out, "- **{}**: {text}", terms::code(&kind))?;
        }
        let more = groups.len().saturating_sub(ROWS / 5);
        if more > 0 {
            writeln!(out, "- **{}**: and {}", terms::code(&kind), plural(count(more), "further note"))?;
        }
    }
    if !plan.notes.is_empty() {
        writeln!(out)?;
    }
    let unknown: Vec<String> = notes::unknown(plan)
        .into_iter()
        .map(|(word, _, number)| format!("{} {word}", thousands(number)))
        .collect();
    if !unknown.is_empty() {
        writeln!(out, "Not known: {}.\n", unknown.join(", "))?;
    }
    let coverage = &plan.coverage;
    writeln!(
        out,
        "Coverage: {} of {}, {} of {}. Plan `{}`: {}.",
        thousands(coverage.known.into()),
        plural(u64::from(coverage.known) + u64::from(coverage.incomplete), "computer"),
        thousands(coverage.detected),
        plural(coverage.checks, "check"),
        visible(plan.digest.short()),
        numbers.sentence(),
    )
}

fn revision(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let mut text = escape(plan.instance.as_str());
    if let Some(commit) = &plan.revision.commit {
        let short: String = commit.as_str().chars().take(7).collect();
        // Writing into a String cannot fail.
        _ = write!(text, " @ {}", escape(&short));
    }
    if let Some(subject) = &plan.revision.subject {
        _ = write!(text, ", {}", escape(terms::first_line(subject)));
    }
    if plan.revision.dirty {
        text.push_str(", with uncommitted changes");
    }
    if !plan.options.only.is_empty() {
        _ = write!(text, ", limited to {}", escape(&plan.options.only.join(" ")));
    }
    writeln!(out, "{text}\n")
}

fn row(out: &mut dyn Write, plan: &Plan, change: &Change) -> io::Result<()> {
    let (marker, _) = terms::marker(change.action, change.mode);
    let what =
        terms::what(&change.title, change.action, &change.before, &change.after, change.version.as_deref());
    let computers: Vec<_> =
        change.computers.iter().filter_map(|at| plan.computers.get(usize::try_from(*at).ok()?)).collect();
    let names: Vec<&str> = computers.iter().map(|computer| computer.name.as_str()).collect();
    let who = if change.action == ActionType::Uninstall {
        list(&names, NAMES)
    } else {
        let tenants: BTreeSet<&str> =
            computers.iter().filter_map(|computer| computer.tenant.as_ref().map(Name::as_str)).collect();
        terms::who(&names, &tenants.into_iter().collect::<Vec<_>>(), 3, 40)
    };
    let why = match &change.needed_by {
        Some(item) => format!("needed by {item}"),
        None => terms::code(&change.reason),
    };
    let mode = if change.action.changes() && !terms::acts(change) {
        format!(", {} only", change.mode)
    } else {
        String::new()
    };
    writeln!(
        out,
        "| `{marker}` | {} | {} | {}, {}{mode} | {} |",
        escape(&what.to_string()),
        escape(&who),
        escape(&why),
        terms::code(&change.cause),
        escape(&change.deployment.place.to_string()),
    )
}

/// Text that Markdown takes as text, in a table too.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for character in visible(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A mention would call people, and a number would link to something.
            '@' => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{five_kinds, nothing, with_notes};

    fn text(value: &Plan) -> String {
        let mut out = Vec::new();
        plan(&mut out, value).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn the_first_line_says_how_many() {
        insta::assert_snapshot!(text(&with_notes(five_kinds(1232), 31)), @r#"
    **1,779 changes on 1,232 computers of 3 tenants, 124 removals.**

    acme-msp @ 3f2c91e, 7-Zip 24.09 everywhere

    | | Change | Computers | Why | Declared in |
    |---|---|---:|---|---|
    | `-` | Old Archiver 3.1 | PC-0000, PC-0010, PC-0020, PC-0030, PC-0040, PC-0050, PC-0060, PC-0070, PC-0080, PC-0090 and 114 more | needed by seven-zip, new-intent | software/seven-zip/software.yaml:9 |
    | `~` | 7-Zip 24.08 -&gt; 24.09 | 1,232 computers, 3 tenants | update-available, new-intent | deployments/archive.yaml:12 |
    | `+` | Audit Agent 2.0 | 176 computers, 3 tenants | missing, new-intent | deployments/security.yaml:20 |
    | `+` | disk-encryption: set | 247 computers, 3 tenants | task-non-compliant, drift | deployments/security.yaml:4 |
    | `?` | serial-number: read | 616 computers, 3 tenants | task-monitor, new-intent | deployments/inventory.yaml:30 |

    - **blocked**: browser: 126.0 is there and 125.0 is wanted; a downgrade is not allowed (DOWN-0, DOWN-1, DOWN-10 and 28 more)
    - **held**: source contoso-entra failed at 13:58, last good membership of 12:58 kept (HELD-0, HELD-1, HELD-10 and 28 more)
    - **unreachable**: connection timed out (OFF-0, OFF-1, OFF-10 and 28 more)
    - **stale**: last detection 9 d ago (OLD-0, OLD-1, OLD-10 and 28 more)
    - **undetermined**: seven-zip: detection ended with exit code 3 (ODD-0, ODD-1, ODD-10 and 28 more)
    - **non-compliant**: firewall: the mode is audit (FW-0, FW-1, FW-10 and 28 more)

    Not known: 31 unreachable, 31 undetermined, 31 stale.

    Coverage: 1,232 of 1,325 computers, 6,408 of 6,625 checks. Plan `7f3ac0d9e1b2`: 1,779 changes: 176 to install, 1,232 to update, 124 to remove, 247 to set; 616 values to read.
    "#);
        assert_eq!(
            text(&nothing(5)).lines().next(),
            Some("**No changes** on 0 computers of 0 tenants, 0 removals.")
        );
    }

    #[test]
    fn names_are_not_markup() {
        let mut value = five_kinds(10);
        value.computers[0].name = "<img src=x>|`@all`\n# big".to_owned();
        let text = text(&value);
        assert!(text.contains("&lt;img src=x&gt;\\|\\`&#64;all\\`\\\\n&#35; big"), "{text}");
    }

    #[test]
    fn the_length_is_bounded() {
        let mut value = five_kinds(1000);
        let change = value.changes[1].clone();
        value.changes = vec![change; 5000];
        assert!(text(&value).lines().count() < 80);
    }
}
