//! The difference of two texts, in the unified form.

use std::io;

use similar::{ChangeTag, TextDiff};

use super::style::{Label, Line, Pen};

/// Lines around a difference.
const AROUND: usize = 3;

/// Writes what has to change in a file.
///
/// # Errors
/// What the pen says.
pub fn write(pen: &mut dyn Pen, file: &str, old: &str, new: &str) -> io::Result<()> {
    let diff = TextDiff::from_lines(old, new);
    // Line ends that both have are not shown.
    let same_ends = old.contains("\r\n") && new.contains("\r\n");
    pen.line(&Line::new().with(Label::Heading, format!("--- {file}")))?;
    pen.line(&Line::new().with(Label::Heading, format!("+++ {file}")))?;
    for hunk in diff.unified_diff().context_radius(AROUND).iter_hunks() {
        pen.line(&Line::new().with(Label::Code, hunk.header().to_string()))?;
        for change in hunk.iter_changes() {
            let (sign, label) = match change.tag() {
                ChangeTag::Delete => ("-", Label::Remove),
                ChangeTag::Insert => ("+", Label::Add),
                ChangeTag::Equal => (" ", Label::Plain),
            };
            let text = change.value().trim_end_matches('\n');
            let text = text.strip_suffix('\r').filter(|_| same_ends).unwrap_or(text);
            pen.line(&Line::new().with(label, format!("{sign}{text}")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Recording;

    #[test]
    fn what_has_to_change_stands_in_its_surroundings() {
        let mut pen = Recording::default();
        write(&mut pen, "a.yaml", "a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nE \x1b\nf\n").expect("memory");
        insta::assert_snapshot!(pen.to_string(), @r"
        --- a.yaml
        +++ a.yaml
        @@ -2,5 +2,5 @@
         b
         c
         d
        -e
        +E \x1b
         f
        ");
    }
}
