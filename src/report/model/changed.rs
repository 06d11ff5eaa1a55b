//! The lines that a change under review touches.
//!
//! Not here: finding them (`config::changes`).

use std::collections::BTreeMap;

/// For each file, the ranges of lines that were added or changed. Paths are below the git repository's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedLines(BTreeMap<String, Vec<(u32, u32)>>);

impl ChangedLines {
    /// Nothing is known to be touched.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds so many lines from `first` on; none when `lines` is 0.
    pub fn add(&mut self, file: impl Into<String>, first: u32, lines: u32) {
        if lines > 0 {
            self.0.entry(file.into()).or_default().push((first, first.saturating_add(lines - 1)));
        }
    }

    /// Whether one of the lines `first` to `last` of the file is touched.
    #[must_use]
    pub fn touches(&self, file: &str, first: u32, last: u32) -> bool {
        self.0.get(file).is_some_and(|ranges| ranges.iter().any(|(from, to)| first <= *to && *from <= last))
    }
}

#[cfg(test)]
mod tests {
    use super::ChangedLines;

    #[test]
    fn a_range_of_lines_is_touched_by_any_of_them() {
        let mut changed = ChangedLines::none();
        changed.add("a.yaml", 4, 3);
        changed.add("a.yaml", 20, 0);
        for (first, last, touched) in
            [(3, 3, false), (4, 4, true), (6, 6, true), (7, 9, false), (1, 30, true), (20, 20, false)]
        {
            assert_eq!(changed.touches("a.yaml", first, last), touched, "{first}-{last}");
        }
        assert!(!changed.touches("b.yaml", 4, 4));
    }
}
