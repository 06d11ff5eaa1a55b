//! A run as short Markdown: for a comment on a pull request.
//!
//! Invariants: the first line says how many computers, tenants and removals; text of users and computers is escaped, so
//! that it is neither markup nor HTML; the whole is shorter than [`LIMIT`] in bytes, so in characters too, whatever the
//! run. What is too much is left out row by row, never in the middle of a row, and the last line but one says what. A list
//! is cut only where the whole would not fit, and then all lists by the same measure, to no fewer rows than its bound.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::model::{Block, Model, Noted, Remark, Share, Shift, Weight, about};
use super::words::{count, list, plural, thousands, visible};
use super::{fields, notes, terms};
use crate::plan::document::Plan;

/// Fewer bytes than this are written: the longest comment that pull requests take has 65,536 characters.
pub const LIMIT: usize = 65_000;
/// Bytes that are kept for the end, whatever is left out.
const END: usize = 1_500;
/// So many computers of a removal are named.
const NAMES: usize = 10;
/// No cell of a table, and no sentence, has more characters.
const CELL: usize = 300;
/// So many tenants and so many items have a row at least, where there is room for them.
const SHARES: usize = 20;
/// So many targets with other members have a row at least, and so many reasons and names stand in one.
const TARGETS: usize = 20;
const REASONS: usize = 3;
/// So many notes of a kind, and twice as many findings of a weight, are listed at least.
const NOTES: usize = 10;
/// So many fields of a change are listed.
const FIELDS: usize = 4;
/// So many blocks of changes are listed at least.
const BLOCKS: usize = 200;
/// How many times longer than at least all lists may be: the first that fits is taken.
const MEASURES: [usize; 8] = [usize::MAX, 64, 32, 16, 8, 4, 2, 1];

/// A comment that is being written, and what it had no room for.
struct Comment {
    text: String,
    left_out: Vec<String>,
    /// How many times longer than at least lists may be.
    measure: usize,
    /// Whether something had no room, whatever its list may have.
    full: bool,
}

impl Comment {
    fn fits(&self, text: &str) -> bool {
        self.text.len() + text.len() < LIMIT - END
    }

    /// Ends a paragraph, unless nothing was added since the last one.
    fn paragraph(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Adds a heading and as many rows as fit and are allowed. `what` names one row.
    fn rows(&mut self, heading: &str, rows: impl ExactSizeIterator<Item = String>, most: usize, what: &str) {
        let all = rows.len();
        let mut written = 0;
        for row in rows.take(most.saturating_mul(self.measure)) {
            let first = if written == 0 { heading } else { "" };
            if !self.fits(&format!("{first}{row}")) {
                self.full = true;
                break;
            }
            self.text.push_str(first);
            self.text.push_str(&row);
            written += 1;
        }
        if written < all {
            self.left_out.push(plural(count(all - written), what));
        }
    }
}

/// Writes a run.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let mut comment = Comment { text: String::new(), left_out: Vec::new(), measure: 1, full: true };
    for measure in MEASURES {
        comment = measured(model, measure);
        if !comment.full {
            break;
        }
    }
    if !comment.left_out.is_empty() {
        let text = comment.left_out.join(", ");
        // Writing into a String cannot fail.
        _ = write!(comment.text, "\n_Left out here: {}. The JSON report has everything._\n", cell(&text));
    }
    out.write_all(comment.text.as_bytes())
}

/// The run with lists that are at most so many times longer than at least; the last line is not there yet.
fn measured(model: &Model<'_>, measure: usize) -> Comment {
    let mut comment = Comment { text: String::new(), left_out: Vec::new(), measure, full: false };
    let mut headline = model.headline();
    if headline.starts_with("No changes") {
        headline.insert_str("No changes".len(), "**");
        comment.text = format!("**{headline}.\n\n");
    } else {
        comment.text = format!("**{headline}.**\n\n");
    }
    if let Some(why) = model.why_nothing() {
        // Writing into a String cannot fail.
        _ = write!(comment.text, "{}\n\n", escape(&why));
    }
    if let Some(plan) = model.run.plan {
        comment.text.push_str(&revision(plan));
    }
    findings(&mut comment, model);
    let aside = |text: &String| format!("- **set aside**: {}\n", cell(text));
    comment.rows("", model.set_aside.iter().map(aside), NOTES * 2, "overruled verdict");
    comment.paragraph();
    if let Some(plan) = model.run.plan {
        let heading = "| Target | Members | Came and left |\n|---|---:|---|\n";
        comment.rows(heading, model.shifts.iter().map(shift), TARGETS, "changed target");
        comment.paragraph();
        let heading = "| | Change | Computers | Why | Declared in |\n|---|---|---:|---|---|\n";
        comment.rows(heading, model.blocks.iter().map(row), BLOCKS, "different change");
        comment.paragraph();
        for Noted { kind, groups } in &model.notes {
            let word = terms::code(kind);
            comment.rows("", groups.iter().map(|group| note(&word, group)), NOTES, &format!("{word} note"));
        }
        comment.paragraph();
        if model.tenants.len() > 1 {
            shares(&mut comment, "tenant", &model.tenants);
        }
        shares(&mut comment, "item", &model.items);
        end(&mut comment.text, plan, model);
    }
    comment
}

/// What stops a plan or makes it doubtful; notes have lines of their own.
fn findings(comment: &mut Comment, model: &Model<'_>) {
    for (weight, what) in [(Weight::Error, "error"), (Weight::Warning, "warning")] {
        let remarks: Vec<&Remark> = model.found().filter(|remark| remark.weight == weight).collect();
        let rows = remarks.iter().map(|remark| {
            let place = remark.region.as_ref().map(|at| format!(" ({}:{})", at.file, at.line));
            let help = remark.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            let text = format!("{}{help}{}", remark.message, place.unwrap_or_default());
            format!("- **{what} {}**: {}\n", remark.rule, cell(&text))
        });
        comment.rows("", rows, NOTES * 2, what);
        comment.paragraph();
    }
}

fn revision(plan: &Plan) -> String {
    let about = about(plan);
    let mut text = escape(about.instance);
    match about.commit {
        // Writing into a String cannot fail.
        Some(commit) => _ = write!(text, " @ {}", escape(commit)),
        None => text.push_str(", not in git"),
    }
    let dirty = about.dirty.then(|| "with uncommitted changes".to_owned());
    for part in about.subject.map(str::to_owned).into_iter().chain(dirty).chain(about.limits) {
        _ = write!(text, ", {}", cell(&part));
    }
    if let Some(hypothetical) = &about.hypothetical {
        _ = write!(text, ", **{}**", cell(hypothetical));
    }
    text.push_str("\n\n");
    text
}

fn row(block: &Block<'_>) -> String {
    let mut who = block.who(3, 40);
    if block.removal {
        // Removals are listed by name (L14).
        _ = write!(who, ": {}", list(&block.names(), NAMES));
    }
    let fields =
        block.fields.iter().take(FIELDS).map(|field| format!("<br>{}", cell(&fields::phrase(field))));
    let more = block.fields.len().saturating_sub(FIELDS);
    let more = (more > 0).then(|| format!("<br>and {}", plural(count(more), "more field")));
    format!(
        "| `{}` | {}{} | {} | {} | {} |\n",
        block.marker.0,
        cell(&block.what.to_string()),
        fields.chain(more).collect::<String>(),
        cell(&who),
        cell(&block.why.to_string()),
        cell(&block.place.to_string()),
    )
}

fn shift(shift: &Shift<'_>) -> String {
    format!(
        "| {} | {} | {} |\n",
        cell(shift.target.name.as_str()),
        cell(&format!("{} to {} ({})", thousands(shift.before), thousands(shift.after), shift.numbers())),
        cell(&shift.text(REASONS)),
    )
}

fn note(word: &str, group: &notes::Group<'_>) -> String {
    let names: Vec<&str> = group.computers.iter().copied().collect();
    let computers = if names.is_empty() { String::new() } else { format!(" ({})", list(&names, 3)) };
    format!("- **{word}**: {}{}\n", cell(&group.sentence()), cell(&computers))
}

/// How each tenant or item stands and changes, folded away.
fn shares(comment: &mut Comment, what: &str, shares: &[Share]) {
    let title = if what == "tenant" { "Tenant" } else { "Item" };
    let heading = format!(
        "<details><summary>By {what}</summary>\n\n\
         | {title} | Changes | Removals | Computers | As wanted | Differs | Not known |\n\
         |---|---:|---:|---:|---:|---:|---:|\n"
    );
    let rows = shares.iter().map(|share| {
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            cell(&share.name),
            thousands(share.changes),
            thousands(share.removals),
            thousands(share.computers),
            share.percent().unwrap_or_else(|| "–".to_owned()),
            thousands(share.checks.differs),
            thousands(share.open()),
        )
    });
    let before = comment.text.len();
    comment.rows(&heading, rows, SHARES, what);
    if comment.text.len() > before {
        comment.text.push_str("\n</details>\n\n");
    }
}

fn end(text: &mut String, plan: &Plan, model: &Model<'_>) {
    if let Some(unknown) = model.not_known() {
        _ = write!(text, "Not known: {unknown}.\n\n");
    }
    if let Some(unidentified) = super::notes::unidentified(plan) {
        _ = write!(text, "Not known: {unidentified}.\n\n");
    }
    let coverage = &plan.coverage;
    let impact = if model.impact.is_empty() { String::new() } else { format!("; {}", model.impact) };
    _ = writeln!(
        text,
        "Coverage: {} of {}, {} of {}. Plan `{}`: {}{impact}.",
        thousands(coverage.known.into()),
        plural(coverage.managed(), "computer"),
        thousands(coverage.detected),
        plural(coverage.checks, "check"),
        visible(plan.digest.short()),
        model.summary.sentence(),
    );
}

/// Escaped text that is not too long.
pub(super) fn cell(text: &str) -> String {
    if text.chars().count() <= CELL {
        return escape(text);
    }
    let cut: String = text.chars().take(CELL).collect();
    format!("{}...", escape(&cut))
}

/// Text that Markdown takes as text, in a table too.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    let text = visible(text);
    for (at, character) in text.char_indices() {
        let after = text.get(at + character.len_utf8()..).unwrap_or_default();
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A mention would call people and a number would link to something, also when they are written as entities: they
            // are looked for in the page that is made of this.
            '@' => safe.push_str("@&#8203;"),
            '#' if after.starts_with(|c: char| c.is_alphanumeric()) => safe.push_str("&#35;&#8203;"),
            '#' => safe.push_str("&#35;"),
            // Addresses become links by themselves.
            ':' if after.starts_with("//") => safe.push_str("&#58;"),
            '.' if safe.to_ascii_lowercase().ends_with("www") => safe.push_str("&#46;"),
            // `GH-12` is a number that links, and `:rocket:` a picture.
            '-' if after.starts_with(|c: char| c.is_ascii_digit()) && ends_with_gh(&safe) => {
                safe.push_str("-&#8203;");
            }
            ':' if names_a_picture(after) => safe.push_str(":&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}

/// Whether the word `GH` stands at the end of a text.
fn ends_with_gh(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    word.eq_ignore_ascii_case("gh")
}

/// Whether what follows a colon is the name of a picture and another colon.
fn names_a_picture(after: &str) -> bool {
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '+' | '-'));
    end.is_some_and(|end| end > 0 && after.get(end..).is_some_and(|rest| rest.starts_with(':')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Finding, Findings, Sources, code};
    use crate::report::model::{ChangedLines, Run};
    use crate::report::sample::{
        five_kinds, nothing, place, run, with_memberships, with_notes, with_verdicts,
    };

    fn text(value: &Plan) -> String {
        of(run(Some(value)))
    }

    fn of(run: Run<'_>) -> String {
        let mut out = Vec::new();
        write(&mut out, &Model::of(run)).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn the_first_line_says_how_many() {
        insta::assert_snapshot!(text(&with_notes(five_kinds(1232), 31)), @r"
        **1,779 changes on 1,232 computers of 3 tenants, 124 removals.**

        acme-msp @ 3f2c91e, 7-Zip 24.09 everywhere

        | | Change | Computers | Why | Declared in |
        |---|---|---:|---|---|
        | `-` | Old Archiver 3.1 | 124 computers, 3 tenants: PC-0000, PC-0010, PC-0020, PC-0030, PC-0040, PC-0050, PC-0060, PC-0070, PC-0080, PC-0090 and 114 more | needed by 7-Zip, new-intent | software/seven-zip/software.yaml:9 |
        | `~` | 7-Zip 24.08 -&gt; 24.09 | 1,232 computers, 3 tenants | update-available, new-intent | deployments/archive.yaml:12 |
        | `+` | Audit Agent 2.0 | 176 computers, 3 tenants | missing, new-intent | deployments/security.yaml:20 |
        | `+` | disk-encryption: set | 247 computers, 3 tenants | task-non-compliant, drift | deployments/security.yaml:4 |
        | `?` | serial-number: read \[bios\] | 616 computers, 3 tenants | task-monitor, new-intent | deployments/inventory.yaml:30 |

        - **blocked**: browser: 126.0 is there and 125.0 is wanted; a downgrade is not allowed (DOWN-0, DOWN-1, DOWN-10 and 28 more)
        - **held**: source contoso-entra failed at 13:58, last good membership of 12:58 kept (HELD-0, HELD-1, HELD-10 and 28 more)
        - **unreachable**: connection timed out (OFF-0, OFF-1, OFF-10 and 28 more)
        - **stale**: last detection 9 d ago (OLD-0, OLD-1, OLD-10 and 28 more)
        - **undetermined**: seven-zip: detection ended with exit code 3 (ODD-0, ODD-1, ODD-10 and 28 more)
        - **non-compliant**: firewall: the mode is audit (FW-0, FW-1, FW-10 and 28 more)

        <details><summary>By tenant</summary>

        | Tenant | Changes | Removals | Computers | As wanted | Differs | Not known |
        |---|---:|---:|---:|---:|---:|---:|
        | contoso | 595 | 42 | 411 | 73.0 % | 553 | 0 |
        | fabrikam | 593 | 41 | 411 | 73.1 % | 552 | 0 |
        | tailspin | 591 | 41 | 410 | 73.1 % | 550 | 0 |
        | (no tenant) | 0 | 0 | 0 | 46.6 % | 31 | 217 |

        </details>

        <details><summary>By item</summary>

        | Item | Changes | Removals | Computers | As wanted | Differs | Not known |
        |---|---:|---:|---:|---:|---:|---:|
        | 7-Zip | 1,232 | 0 | 1,232 | 0.0 % | 1,232 | 93 |
        | disk-encryption | 247 | 0 | 247 | 79.0 % | 247 | 31 |
        | Audit Agent | 176 | 0 | 176 | 84.3 % | 176 | 31 |
        | Old Archiver | 124 | 124 | 124 | – | 0 | 0 |
        | firewall | 0 | 0 | 0 | 95.3 % | 31 | 31 |
        | serial-number | 0 | 0 | 0 | 97.6 % | 0 | 31 |

        </details>

        Not known: 31 unreachable, 31 undetermined, 31 stale.

        Coverage: 1,232 of 1,325 computers, 6,408 of 6,625 checks. Plan `7f3ac0d9e1b2`: 1,779 changes: 176 to install, 1,232 to update, 124 to remove, 247 to set; 616 values to read.
        ");
        assert_eq!(
            text(&nothing(5)).lines().next(),
            Some("**No changes** on 0 computers of 0 tenants, 0 removals.")
        );
    }

    #[test]
    fn members_rules_and_impact_follow_the_first_line() {
        let mut plan = with_verdicts(with_memberships(nothing(100), 50));
        plan.impact.restarts = 1;
        plan.impact.seconds = Some(60);
        insta::assert_snapshot!(text(&plan), @r"
        **No changes** on 0 computers of 0 tenants, 0 removals.

        No changes: all 500 checks on 100 computers found as wanted.

        acme-msp @ 3f2c91e, 7-Zip 24.09 everywhere

        - **error M0802**: guardrail no-fridays: 42 removals, and 10 are allowed; look at them (muster.yaml:9)

        - **warning M0802**: guardrail owners: 42 removals, and 10 are allowed; look at them (muster.yaml:9)

        - **set aside**: budget removals, tenant contoso: 42 removals, and 10 are allowed; overridden: agreed with &lt;contoso&gt;

        | Target | Members | Came and left |
        |---|---:|---|
        | kiosks | 40 to 88 (+50 -2) | NEW-00, NEW-01, NEW-02 and 45 more joined (tag:kiosk); NEW-48, NEW-49 joined (tenant:contoso); GONE-00, GONE-01 left |
        | servers | 3 to 2 (-1) | SRV-9 left (&lt;os:server&gt;) |

        Coverage: 100 of 100 computers, 500 of 500 checks. Plan `7f3ac0d9e1b2`: no changes; up to 1 restart, about 60 s.
        ");
    }

    #[test]
    fn names_are_not_markup() {
        let mut value = five_kinds(10);
        value.computers[0].name = "<img src=x>|`@all`\n# big".to_owned();
        let text = text(&value);
        assert!(text.contains("&lt;img src=x&gt;\\|\\`@&#8203;all\\`\\\\n&#35; big"), "{text}");
    }

    #[test]
    fn numbers_of_issues_and_pictures_stay_texts() {
        for (foreign, written) in [
            ("GH-12 gh-1", "GH-&#8203;12 gh-&#8203;1"),
            ("PC-12 GH-x high-12", "PC-12 GH-x high-12"),
            (":rocket: a :+1:", ":&#8203;rocket: a :&#8203;+1:"),
            ("a.yaml:12 x: y :: C:\\", "a.yaml:12 x: y :: C:\\\\"),
        ] {
            assert_eq!(escape(foreign), written);
        }
    }

    #[test]
    fn findings_are_listed_with_their_place_and_without_a_plan_too() {
        let findings: Findings =
            [Finding::new(code::UNKNOWN_KEY, "unknown key nmae", place("a.yaml", 3)).help("write name")]
                .into_iter()
                .collect();
        let (sources, changed) = (Sources::new(), ChangedLines::none());
        let (command, folder) = ("validate", "");
        let text = of(Run {
            command,
            plan: None,
            findings: &findings,
            sources: &sources,
            changed: &changed,
            folder,
        });
        insta::assert_snapshot!(text, @r"
        **The configuration is not valid: 1 error.**

        - **error M0201**: unknown key nmae; write name (a.yaml:3)
        ");
    }

    /// A list is cut only where the whole would not fit.
    #[test]
    fn what_fits_is_there() {
        let list = |number: u32| -> Findings {
            (0..number)
                .map(|at| Finding::new(code::UNKNOWN_KEY, format!("unknown key n{at}."), place("a.yaml", at)))
                .collect()
        };
        let (sources, changed) = (Sources::new(), ChangedLines::none());
        let written = |findings: &Findings| {
            of(Run {
                command: "validate",
                plan: None,
                findings,
                sources: &sources,
                changed: &changed,
                folder: "",
            })
        };
        let text = written(&list(300));
        assert!(!text.contains("Left out"), "{text}");
        assert!((0..300).all(|at| text.contains(&format!("unknown key n{at}. "))));
        let text = written(&list(30_000));
        let listed = text.matches("unknown key n").count();
        assert!(text.len() < LIMIT && listed > 600, "{listed} in {}", text.len());
        assert!(
            text.contains(&format!("_Left out here: {}.", plural(30_000 - count(listed), "error"))),
            "{listed}"
        );
    }

    /// Whatever there is too much of, the comment fits, its tables are whole, and it says what is missing.
    #[test]
    fn a_comment_is_shorter_than_the_limit_whatever_the_plan() {
        let long = "名 <b>&".repeat(100);
        let mut many = with_notes(five_kinds(100), 50);
        let change = many.changes[1].clone();
        many.changes = (0..300)
            .map(|at| {
                let mut change = change.clone();
                change.title = format!("{at} {long}");
                change
            })
            .collect();
        let mut tenants = five_kinds(2_000);
        for (at, computer) in tenants.computers.iter_mut().enumerate() {
            computer.tenant = Some(crate::report::sample::name(&format!("tenant-{at}")));
            computer.name = format!("{at}{long}");
        }
        let mut members = with_memberships(five_kinds(10), 3);
        let member = members.memberships[0].clone();
        members.memberships = (0..300)
            .map(|_| {
                let mut member = member.clone();
                member.joined[0].why = long.clone();
                member
            })
            .collect();
        let mut verdicts = with_verdicts(five_kinds(10));
        let verdict = verdicts.verdicts[0].clone();
        verdicts.verdicts = (0..300)
            .map(|at| {
                let mut verdict = verdict.clone();
                verdict.message = format!("{at} {long}");
                verdict
            })
            .collect();
        let mut notes = with_notes(five_kinds(10), 3);
        let note = notes.notes[1].clone();
        notes.notes = (0..300)
            .map(|at| {
                let mut note = note.clone();
                note.text = format!("{at} {long}");
                note
            })
            .collect();
        let findings: Findings = (0..300)
            .map(|at| Finding::new(code::UNKNOWN_KEY, format!("{at} {long}"), place(&long, at)))
            .collect();
        let (sources, changed) = (Sources::new(), ChangedLines::none());
        let nothing = Findings::new();
        for (what, plan, findings) in [
            ("changes", &many, &nothing),
            ("tenants", &tenants, &nothing),
            ("notes", &notes, &nothing),
            ("members", &members, &nothing),
            ("verdicts", &verdicts, &nothing),
            ("errors", &many, &findings),
        ] {
            let (command, folder, plan) = ("plan", "", Some(plan));
            let text = of(Run { command, plan, findings, sources: &sources, changed: &changed, folder });
            assert!(text.len() < LIMIT, "{what}: {}", text.len());
            assert!(text.starts_with("**") && text.lines().next().is_some_and(|l| l.contains(" removal")));
            assert!(
                text.contains("_Left out here: ") && text.contains("The JSON report has everything"),
                "{what}"
            );
            // What is left out is left out for want of room.
            assert!(text.len() > LIMIT / 2, "{what}: {}", text.len());
            assert!(text.contains("Coverage: "), "{what}");
            for row in text.lines().filter(|line| line.starts_with("| `")) {
                assert!(row.ends_with(" |"), "{what}: {row}");
            }
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count(), "{what}");
        }
    }
}
