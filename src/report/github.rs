//! GitHub annotations: workflow commands for the ten things that matter most.
//!
//! GitHub shows ten annotations of a kind for each step and drops the rest, so these are chosen here: by weight, then
//! those on lines that the change touches, which are the ones that a reviewer sees in the difference. Removals are said
//! where they are declared, before other warnings.
//!
//! Invariant: no text can end its command or begin another one.

use std::io::{self, Write};

use super::model::{Model, Weight};
use super::words::{count, list, plural, visible};

/// So many are written.
const MOST: usize = 10;
/// So many computers of a removal are named.
const NAMES: usize = 5;

struct Annotation {
    weight: Weight,
    touched: bool,
    place: Option<(String, u32, u32, Option<u32>)>,
    title: String,
    message: String,
}

/// Writes the annotations of a run, one on each line, and a notice of how many there are besides.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, model: &Model<'_>) -> io::Result<()> {
    let mut all: Vec<Annotation> = removals(model).chain(remarks(model)).collect();
    all.sort_by_key(|annotation| (annotation.weight, !annotation.touched));
    let more = all.len().saturating_sub(MOST);
    // The last one may have to say how many there are besides.
    let shown = if more > 0 { MOST - 1 } else { MOST };
    for annotation in all.iter().take(shown) {
        line(out, annotation)?;
    }
    if more > 0 {
        let more = plural(count(more + 1), "further remark");
        writeln!(out, "::notice title={}::{}", property(&model.headline()), data(&format!("and {more}")))?;
    }
    Ok(())
}

fn remarks<'a>(model: &'a Model<'_>) -> impl Iterator<Item = Annotation> + 'a {
    model.remarks.iter().map(|remark| Annotation {
        weight: remark.weight,
        touched: remark.touched,
        place: remark.region.as_ref().map(|region| {
            (region.file.clone(), region.line, region.column, region.end.map(|(line, _)| line))
        }),
        title: format!("{}: {}", remark.rule, remark.title),
        message: match &remark.help {
            Some(help) => format!("{}\nhelp: {help}", remark.message),
            None => remark.message.clone(),
        },
    })
}

fn removals<'a>(model: &'a Model<'_>) -> impl Iterator<Item = Annotation> + 'a {
    let folder = model.run.folder.trim_matches('/');
    model.blocks.iter().filter(|block| block.removal && block.acts).map(move |block| {
        let place = &block.place;
        let file =
            if folder.is_empty() { place.file.to_string() } else { format!("{folder}/{}", place.file) };
        Annotation {
            weight: Weight::Warning,
            touched: model.run.changed.touches(&file, place.line, place.line),
            place: Some((file, place.line, place.column, None)),
            title: format!("removes {}", block.what),
            message: format!("{}: {}", block.who(0, 40), list(&block.names(), NAMES)),
        }
    })
}

fn line(out: &mut dyn Write, annotation: &Annotation) -> io::Result<()> {
    let command = match annotation.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Notice => "notice",
    };
    write!(out, "::{command} ")?;
    if let Some((file, line, column, end)) = &annotation.place {
        write!(out, "file={},line={line},", property(file))?;
        // A column is only taken together with a range on one line.
        match end {
            Some(end) if end > line => write!(out, "endLine={end},")?,
            _ => write!(out, "col={column},")?,
        }
    }
    writeln!(out, "title={}::{}", property(&annotation.title), data(&annotation.message))
}

/// A value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The text of a command. Line ends stay line ends; other characters that act are made visible.
fn data(text: &str) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| visible(line).replace('%', "%25").replace('\r', "%0D")).collect();
    lines.join("%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Finding, Findings, Sources, code};
    use crate::plan::document::Plan;
    use crate::report::model::{ChangedLines, Run};
    use crate::report::sample::{five_kinds, place, with_notes};

    fn text(plan: Option<&Plan>, findings: &Findings, changed: &ChangedLines) -> String {
        let sources = Sources::new();
        let run = Run { command: "plan", plan, findings, sources: &sources, changed, folder: "msp" };
        let mut out = Vec::new();
        write(&mut out, &Model::of(run)).expect("memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn errors_come_first_and_removals_are_said_where_they_are_declared() {
        let plan = with_notes(five_kinds(1232), 3);
        insta::assert_snapshot!(text(Some(&plan), &Findings::new(), &ChangedLines::none()), @r"
        ::error file=msp/deployments/browser.yaml,line=3,col=1,title=note-blocked%3A wanted and cannot be done::browser: 126.0 is there and 125.0 is wanted; a downgrade is not allowed (DOWN-0, DOWN-1, DOWN-2)
        ::warning file=msp/software/seven-zip/software.yaml,line=9,col=1,title=removes Old Archiver 3.1::124 computers, 3 tenants: PC-0000, PC-0010, PC-0020, PC-0030, PC-0040 and 119 more
        ::warning title=note-held%3A held back::source contoso-entra failed at 13:58, last good membership of 12:58 kept (HELD-0, HELD-1, HELD-2)
        ::warning title=note-undetermined%3A detection did not tell::seven-zip: detection ended with exit code 3 (ODD-0, ODD-1, ODD-2)
        ::warning file=msp/deployments/security.yaml,line=40,col=1,title=note-non-compliant%3A differs and is only reported::firewall: the mode is audit (FW-0, FW-1, FW-2)
        ::notice title=note-unreachable%3A not reached::connection timed out (OFF-0, OFF-1, OFF-2)
        ::notice title=note-stale%3A known too long ago::last detection 9 d ago (OLD-0, OLD-1, OLD-2)
        ");
    }

    #[test]
    fn ten_are_written_and_those_on_touched_lines_before_others() {
        let findings: Findings = (1..=40)
            .map(|line| Finding::new(code::UNKNOWN_KEY, format!("key {line}"), place("a.yaml", line)))
            .collect();
        let mut changed = ChangedLines::none();
        changed.add("msp/a.yaml", 38, 2);
        let text = text(None, &findings, &changed);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10, "{text}");
        assert!(lines[0].contains("line=38,") && lines[1].contains("line=39,"), "{text}");
        assert!(lines[2].contains("line=1,"), "{text}");
        assert!(lines[9].ends_with("::and 31 further remarks"), "{text}");
    }

    #[test]
    fn no_text_can_end_its_command() {
        let findings: Findings =
            [Finding::new(code::UNKNOWN_KEY, "100 %\n::stop-commands::x\r\u{1b}", place("a,b:c%.yaml", 1))]
                .into_iter()
                .collect();
        let text = text(None, &findings, &ChangedLines::none());
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.starts_with("::error file=msp/a%2Cb%3Ac%25.yaml,line=1,col=1,title=M0201%3A unknown key::")
        );
        assert!(text.trim_end().ends_with("::100 %25\\n::stop-commands::x\\r\\x1b"), "{text}");
    }
}
