//! Puts what was decided into the text of a document, and leaves everything else in it as it stands.
//!
//! It works on lines, like `format`: comments, order and quotes stay. A text that is not in block style is not touched.
//!
//! Not here: files, and whether what comes of it is right; who writes it reads it again.

use std::ops::Range;

/// The text with `block` in place of the key `key` below `spec` of the document that has `line` (from 1); at the end of
/// `spec` where it has no such key. `block` is written with the key at its left edge. `None` where the document is not
/// written in lines with a `spec` of its own.
#[must_use]
pub fn put_below_spec(text: &str, line: u32, key: &str, block: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let document = document(&lines, usize::try_from(line).ok()?.checked_sub(1)?)?;
    let spec = document.clone().find(|at| lines.get(*at).is_some_and(|line| line.trim_end() == "spec:"))?;
    let body = body(&lines, spec.checked_add(1)?..document.end);
    let depth = body.clone().find_map(|at| depth(lines.get(at)?)).filter(|depth| *depth > 0)?;
    let head = |at: &usize| {
        lines.get(*at).is_some_and(|line| {
            self::depth(line) == Some(depth)
                && line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let old = body.clone().find(head).map(|at| {
        let end = (at.saturating_add(1)..body.end).find(|next| {
            lines.get(*next).and_then(|line| self::depth(line)).is_some_and(|deep| deep <= depth)
        });
        at..last_of(&lines, at..end.unwrap_or(body.end))
    });
    let old = old.unwrap_or_else(|| {
        let end = last_of(&lines, body.clone());
        end..end
    });
    let indent = " ".repeat(depth);
    let new =
        block.lines().map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") });
    let before = lines.iter().take(old.start).map(|line| (*line).to_owned());
    let after = lines.iter().skip(old.end).map(|line| (*line).to_owned());
    let mut whole: Vec<String> = before.chain(new).chain(after).collect();
    whole.push(String::new());
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    Some(whole.join(end))
}

/// The lines of the document that holds this one.
fn document(lines: &[&str], at: usize) -> Option<Range<usize>> {
    lines.get(at)?;
    let parts =
        |line: &&str| line.trim_end() == "---" || line.starts_with("--- ") || line.trim_end() == "...";
    let start = lines.iter().take(at).rposition(&parts).map_or(0, |before| before.saturating_add(1));
    let end = lines.iter().skip(at).position(parts);
    Some(start..end.map_or(lines.len(), |after| at.saturating_add(after)))
}

/// The lines below a key at the left edge.
fn body(lines: &[&str], range: Range<usize>) -> Range<usize> {
    let is_next =
        |at: &usize| lines.get(*at).is_some_and(|line| depth(line) == Some(0) && !line.starts_with('#'));
    let end = range.clone().find(is_next).unwrap_or(range.end);
    range.start..end
}

/// After the last line that says something: comments and blank lines at the end belong to what follows.
fn last_of(lines: &[&str], range: Range<usize>) -> usize {
    let says = |at: &usize| {
        lines.get(*at).is_some_and(|line| depth(line).is_some() && !line.trim_start().starts_with('#'))
    };
    range.clone().rev().find(says).map_or(range.start, |last| last.saturating_add(1))
}

/// How far a line is indented; `None` for an empty one.
fn depth(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches(' ');
    (!rest.trim().is_empty()).then(|| line.len().saturating_sub(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str =
        "identity:\n  agents:\n    - { provider: control, agent: s-1 }\n  decision: overwrite\n";

    #[test]
    fn a_block_goes_to_the_end_of_its_spec_and_everything_else_stays() {
        let text = "# Ours\nkind: Computer\nmetadata: { name: a }\nspec: {}\n---\nkind: Computer # this one\nmetadata:\n  name: b\nspec:\n    # why\n    tags: [x]   # spaces\n\n# the end\n---\nkind: Tenant\n";
        let new = put_below_spec(text, 7, "identity", BLOCK).expect("in block style");
        insta::assert_snapshot!(new, @r"
        # Ours
        kind: Computer
        metadata: { name: a }
        spec: {}
        ---
        kind: Computer # this one
        metadata:
          name: b
        spec:
            # why
            tags: [x]   # spaces
            identity:
              agents:
                - { provider: control, agent: s-1 }
              decision: overwrite

        # the end
        ---
        kind: Tenant
        ");
        let again = BLOCK.replace("overwrite", "keep-both");
        let changed = put_below_spec(&new, 7, "identity", &again).expect("again");
        assert_eq!(changed, new.replace("overwrite", "keep-both"), "it takes the place of the old one");
        assert_eq!(put_below_spec(text, 3, "identity", BLOCK), None, "flow style is not touched");
        assert_eq!(put_below_spec(text, 99, "identity", BLOCK), None);
        assert_eq!(put_below_spec("", 1, "identity", BLOCK), None);
    }

    #[test]
    fn what_follows_the_block_stays_behind_it() {
        let text = "spec:\n  identity:\n    agents: []\n  # of the name\n  name: PC\n";
        let new = put_below_spec(text, 1, "identity", "identity: 1\n");
        assert_eq!(new.as_deref(), Some("spec:\n  identity: 1\n  # of the name\n  name: PC\n"));
    }
}
