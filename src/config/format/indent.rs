//! Two spaces for each level, lists indented below their key, one space after a dash; and no blanks that say nothing.
//!
//! Every line that begins a key or a list's item has a column that follows from its level. Lines inside a value, such as a
//! block scalar's, move by as much as what holds them. A comment goes with the lines of its own level.

use std::collections::BTreeMap;

use super::{Entry, Node, NodeKind, Source, indentation};

const STEP: usize = 2;

/// What becomes of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Plan {
    /// The column that its key or dash gets, and how many dashes there are.
    begins: Option<(usize, usize)>,
    /// Where on the line its content after spaces and dashes begins, as a byte of the text.
    content: usize,
    /// How many columns it moves, as part of a value.
    moves: Option<isize>,
    /// Whether it is text of a block scalar or a quoted text, so that its blanks may mean something.
    text: bool,
}

struct Layout<'s, 'a> {
    source: &'s Source<'a>,
    lines: Vec<Plan>,
}

/// Something that is written in a way that is not laid out here: the text stays as it is.
struct Unusual;

/// Puts every line at the column of its level.
pub(super) fn even(source: &Source<'_>) -> String {
    let Some(layout) = laid_out(source) else { return source.text.to_owned() };
    // How lines that began at a column have moved, for the comments beside them.
    let mut shifts: BTreeMap<usize, isize> = BTreeMap::new();
    let mut text = String::with_capacity(source.text.len() + 64);
    for (number, plan) in layout.lines.iter().enumerate() {
        let line = source.line(number);
        if let Some((column, dashes)) = plan.begins {
            text.push_str(&" ".repeat(column));
            text.push_str(&"- ".repeat(dashes));
            let start = source.starts.get(number).copied().unwrap_or(0);
            text.push_str(line.get(plan.content.saturating_sub(start)..).unwrap_or_default());
            let old = indentation(line);
            shifts.retain(|other, _| *other <= old);
            shifts.insert(old, difference(column, old));
        } else if let Some(moves) = plan.moves {
            shift(&mut text, line, moves);
        } else if line.trim_start().starts_with('#') {
            let old = indentation(line);
            let next = layout.lines.iter().enumerate().skip(number + 1).find_map(|(number, plan)| {
                plan.begins.map(|(column, _)| (indentation(source.line(number)), column))
            });
            let by = match next {
                Some((before, column)) if before == old => difference(column, before),
                _ => match (shifts.get(&old), next) {
                    (Some(by), _) => *by,
                    (None, Some((before, column))) => difference(column, before),
                    (None, None) => 0,
                },
            };
            shift(&mut text, line, by);
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

/// No blanks at the ends of lines, at most one blank line in a row, none at the beginning, one line end at the end.
pub(super) fn tidy(source: &Source<'_>) -> String {
    let Some(layout) = laid_out(source) else { return source.text.to_owned() };
    let mut text = String::with_capacity(source.text.len());
    let mut blank = true;
    for (number, plan) in layout.lines.iter().enumerate() {
        let line = source.line(number);
        if plan.text {
            text.push_str(line);
        } else {
            let line = line.trim_end_matches([' ', '\t']);
            if line.is_empty() && blank {
                continue;
            }
            blank = line.is_empty();
            text.push_str(line);
        }
        text.push('\n');
        if plan.text {
            blank = false;
        }
    }
    // Blank lines of a block scalar at the end of the file are kept by the check when they mean something.
    let kept = text.trim_end_matches('\n').len();
    text.truncate(kept);
    text.push('\n');
    text
}

fn difference(new: usize, old: usize) -> isize {
    isize::try_from(new).unwrap_or(0) - isize::try_from(old).unwrap_or(0)
}

fn shift(text: &mut String, line: &str, moves: isize) {
    let old = indentation(line);
    let rest = line.get(old..).unwrap_or_default();
    if rest.is_empty() {
        // A blank line of a block scalar may be longer than the indentation; that part is text.
        text.push_str(line);
        return;
    }
    text.push_str(&" ".repeat(old.saturating_add_signed(moves)));
    text.push_str(rest);
}

fn laid_out<'s, 'a>(source: &'s Source<'a>) -> Option<Layout<'s, 'a>> {
    let mut layout = Layout { source, lines: vec![Plan::default(); source.starts.len()] };
    for node in source.nodes {
        layout.value(node, 0, 0, 0).ok()?;
    }
    Some(layout)
}

impl Layout<'_, '_> {
    /// Lays out a value. `column` is where a block collection's lines begin, `owner` the column of what holds it (for the
    /// end of a block scalar), `moves` how far that moves.
    fn value(&mut self, node: &Node, column: usize, owner: usize, moves: isize) -> Result<(), Unusual> {
        if self.source.is_alias(node) {
            return Ok(());
        }
        match &node.kind {
            NodeKind::Mapping(entries) if !self.source.is_flow(node) => self.mapping(entries, column),
            NodeKind::Sequence(items) if !self.source.is_flow(node) => self.sequence(items, column),
            kind => {
                let range = node.range();
                let sign = self.source.block_sign(node);
                let first = self.source.line_of(sign.unwrap_or(range.start));
                let is_text = matches!(kind, NodeKind::String { .. });
                let mut last = self.source.line_of(range.end.saturating_sub(1).max(range.start));
                if sign.is_some() {
                    last = self.end_of_block(first, owner);
                    if self.source.line(first).contains('+') {
                        // All that follows is kept, so the blank lines after it are text too.
                        let blank = |number: &usize| self.source.line(*number).trim_matches(' ').is_empty();
                        last = (last + 1..self.source.starts.len()).take_while(blank).last().unwrap_or(last);
                    }
                }
                for number in first + 1..=last {
                    if let Some(plan) = self.lines.get_mut(number) {
                        plan.moves = Some(moves);
                        plan.text = is_text;
                    }
                }
                Ok(())
            }
        }
    }

    /// The last line of a block scalar: what is indented more than its owner, and blank lines between.
    fn end_of_block(&self, first: usize, owner: usize) -> usize {
        let mut last = first;
        for number in first + 1..self.source.starts.len() {
            let line = self.source.line(number);
            if line.trim_matches(' ').is_empty() {
                continue;
            }
            if indentation(line) <= owner {
                break;
            }
            last = number;
        }
        last
    }

    fn mapping(&mut self, entries: &[Entry], column: usize) -> Result<(), Unusual> {
        let first = entries.first().ok_or(Unusual)?;
        let old = self.source.before(first.key_range().start).len();
        for entry in entries {
            let start = entry.key_range().start;
            let before = self.source.before(start);
            let line = self.source.line_of(start);
            if before.len() != old {
                return Err(Unusual);
            }
            self.begin(line, start, column, before.bytes().all(|byte| byte == b' '))?;
            // The value of a document that is a mapping may be indented by nothing.
            self.value(&entry.value, column + STEP, old, difference(column, old))?;
        }
        Ok(())
    }

    fn sequence(&mut self, items: &[Node], column: usize) -> Result<(), Unusual> {
        for item in items {
            let mut start = self.source.begin_of(item);
            let mut before = self.source.before(start);
            // A name that is given to the value stands between the dash and it.
            let anchor = before.trim_end().rfind(' ').map(|at| at + 1);
            if let Some(at) = anchor.filter(|at| before.get(*at..).is_some_and(|word| word.starts_with('&')))
            {
                start -= before.len() - at;
                before = self.source.before(start);
            }
            let dash = before.trim_end_matches(' ').strip_suffix('-').ok_or(Unusual)?.len();
            let line = self.source.line_of(start);
            let alone = before.get(..dash).is_some_and(|before| before.bytes().all(|byte| byte == b' '));
            let plan = self.lines.get_mut(line).ok_or(Unusual)?;
            match &mut plan.begins {
                None if alone => plan.begins = Some((column, 1)),
                Some((_, dashes)) => *dashes += 1,
                None => return Err(Unusual),
            }
            plan.content = start;
            self.value(item, column + STEP, dash, difference(column, dash))?;
        }
        Ok(())
    }

    /// Notes that a line begins with this key, unless a dash began it.
    fn begin(&mut self, line: usize, start: usize, column: usize, alone: bool) -> Result<(), Unusual> {
        let plan = self.lines.get_mut(line).ok_or(Unusual)?;
        match plan.begins {
            None if alone => {
                plan.begins = Some((column, 0));
                plan.content = start;
                Ok(())
            }
            Some(_) if plan.content == start => Ok(()),
            _ => Err(Unusual),
        }
    }
}
