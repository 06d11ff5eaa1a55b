//! Who came into the named targets and who left them: the numbers, and the names by reason.
//!
//! Not here: working that out (`plan::membership`) and how it looks.

use crate::plan::document::{Moved, Origin, Plan};
use crate::report::words::{count, list, thousands};

/// What became of the members of one target.
#[derive(Debug)]
pub struct Shift<'a> {
    /// The target.
    pub target: &'a Origin,
    /// How many computers it had.
    pub before: u64,
    /// How many it has.
    pub after: u64,
    /// How many came.
    pub joined: u64,
    /// How many left.
    pub left: u64,
    /// Who came and who left, by reason; those who came first.
    pub moves: Vec<Move<'a>>,
}

/// Computers that came or left for one reason.
#[derive(Debug)]
pub struct Move<'a> {
    /// Whether they came.
    pub joined: bool,
    /// Why; empty when it is not told.
    pub why: &'a str,
    /// Their names, sorted.
    pub names: &'a [String],
}

impl Move<'_> {
    /// In words, with at most so many names: `PC-1, PC-2 and 40 more joined (tag:kiosk)`.
    #[must_use]
    pub fn text(&self, names: usize) -> String {
        let word = if self.joined { "joined" } else { "left" };
        let why = if self.why.is_empty() { String::new() } else { format!(" ({})", self.why) };
        format!("{} {word}{why}", list(self.names, names))
    }
}

impl Shift<'_> {
    /// The numbers as they stand behind the target: `+3 -1`.
    #[must_use]
    pub fn numbers(&self) -> String {
        let part = |sign: char, number: u64| (number > 0).then(|| format!("{sign}{}", thousands(number)));
        part('+', self.joined).into_iter().chain(part('-', self.left)).collect::<Vec<_>>().join(" ")
    }

    /// Who came and left, with at most so many reasons for each direction and names for each reason.
    #[must_use]
    pub fn text(&self, few: usize) -> String {
        let side = |joined: bool| self.moves.iter().filter(move |moved| moved.joined == joined);
        let mut texts = Vec::new();
        for joined in [true, false] {
            texts.extend(side(joined).take(few).map(|moved| moved.text(few)));
            let rest: u64 = side(joined).skip(few).map(|moved| count(moved.names.len())).sum();
            if rest > 0 {
                let word = if joined { "joined" } else { "left" };
                texts.push(format!("{} {word} for other reasons", thousands(rest)));
            }
        }
        texts.join("; ")
    }
}

/// The targets whose members have changed, in the plan's order.
#[must_use]
pub fn shifts(plan: &Plan) -> Vec<Shift<'_>> {
    let number = |moved: &[Moved]| moved.iter().map(|moved| count(moved.computers.len())).sum();
    plan.memberships
        .iter()
        .map(|change| Shift {
            target: &change.target,
            before: change.before.into(),
            after: change.after.into(),
            joined: number(&change.joined),
            left: number(&change.left),
            moves: by_reason(true, &change.joined).chain(by_reason(false, &change.left)).collect(),
        })
        .collect()
}

fn by_reason(joined: bool, moved: &[Moved]) -> impl Iterator<Item = Move<'_>> {
    moved.iter().map(move |moved| Move { joined, why: &moved.why, names: &moved.computers })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{nothing, with_memberships};

    #[test]
    fn who_came_and_left_is_cut_with_numbers() {
        let plan = with_memberships(nothing(100), 50);
        let shifts = shifts(&plan);
        assert_eq!(shifts[0].numbers(), "+50 -2");
        assert_eq!(
            shifts[0].text(1),
            "NEW-00 and 47 more joined (tag:kiosk); 2 joined for other reasons; GONE-00 and 1 more left"
        );
        assert!(
            shifts[0]
                .text(usize::MAX)
                .contains("NEW-47 joined (tag:kiosk); NEW-48, NEW-49 joined (tenant:contoso)")
        );
    }
}
