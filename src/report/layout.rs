//! Columns: rows of cells become aligned lines that fit a width; what does not fit goes below, and nothing is cut.
//!
//! Invariant: every cell is printed whole.

use super::style::{Label, Line};

/// Spaces between two columns.
const GAP: usize = 3;

/// How rows are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Spaces before the first cell.
    pub indent: usize,
    /// Columns of the terminal.
    pub width: usize,
    /// The least width to reckon with for each column when lines are broken, so that the number of lines does not hang
    /// on how long numbers are. Missing ones are zero.
    pub least: &'a [usize],
}

impl Columns<'_> {
    /// The lines of each row. Columns line up over all rows.
    #[must_use]
    pub fn rows(&self, rows: &[Vec<Line>]) -> Vec<Vec<Line>> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        // One long cell does not push all others away: it only moves what follows it in its own row.
        let cap = (self.width / 2).max(24);
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                let cells = rows.iter().filter_map(|row| row.get(at)).map(Line::width);
                cells.clone().filter(|width| *width <= cap).max().or(cells.max()).unwrap_or(0)
            })
            .collect();
        let breaks = self.breaks(&widths);
        rows.iter().map(|row| self.row(row, &widths, &breaks)).collect()
    }

    /// For each column, whether it begins a new line.
    fn breaks(&self, widths: &[usize]) -> Vec<bool> {
        let mut at = 0;
        let mut first = true;
        widths
            .iter()
            .enumerate()
            .map(|(column, width)| {
                let needs = (*width).max(self.least.get(column).copied().unwrap_or(0));
                let start = if first { self.indent } else { at + GAP };
                first = false;
                if column > 0 && start + needs > self.width {
                    at = self.below() + needs;
                    true
                } else {
                    at = start + needs;
                    false
                }
            })
            .collect()
    }

    /// Where continuation lines begin.
    const fn below(&self) -> usize {
        self.indent + 4
    }

    fn row(&self, row: &[Line], widths: &[usize], breaks: &[bool]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut line = Line::new();
        line.push(Label::Plain, " ".repeat(self.indent));
        let mut start = self.indent;
        for (column, cell) in row.iter().enumerate() {
            let overflows = column > 0 && line.width().max(start) + cell.width() > self.width;
            if column > 0 && (breaks.get(column) == Some(&true) || (overflows && !cell.is_empty())) {
                lines.push(std::mem::take(&mut line));
                line.push(Label::Plain, " ".repeat(self.below()));
                start = self.below();
            }
            if !cell.is_empty() {
                let gap = if line.width() > start { line.width() + GAP } else { start };
                line.pad_to(gap);
                line.append(cell);
            }
            start += widths.get(column).copied().unwrap_or(0) + GAP;
        }
        lines.push(line);
        lines.retain(|line| line.to_string().trim() != "");
        lines
    }
}

/// The lines of a table without any wish for columns' widths.
#[must_use]
pub fn table(indent: usize, width: usize, rows: &[Vec<Line>]) -> Vec<Line> {
    Columns { indent, width, least: &[] }.rows(rows).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<Line>> {
        [["a", "1,184 computers", "x.yaml:1"], ["a longer one", "3", "deployments/y.yaml:22"]]
            .iter()
            .map(|row| row.iter().map(|cell| Line::new().text(cell)).collect())
            .collect()
    }

    fn text(width: usize) -> String {
        table(2, width, &rows()).iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn columns_line_up_when_there_is_room() {
        assert_eq!(
            text(80),
            "  a              1,184 computers   x.yaml:1\n  a longer one   3                 deployments/y.yaml:22\n"
        );
    }

    #[test]
    fn what_does_not_fit_goes_below_and_every_cell_is_whole() {
        assert_eq!(
            text(40),
            "  a              1,184 computers\n      x.yaml:1\n  a longer one   3\n      deployments/y.yaml:22\n"
        );
        for width in 0..100 {
            let text = text(width);
            for cell in rows().iter().flatten() {
                assert!(text.contains(&cell.to_string()), "{cell} at {width}");
            }
            assert!(text.lines().all(|line| line == line.trim_end()), "spaces at a line's end at {width}");
        }
    }
}
