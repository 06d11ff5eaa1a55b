//! Messages with expressions in braces: `removes {change.item} from {change.computers} computers`.
//!
//! A brace that is meant as such is written twice.

use super::compile::{Expression, Problem, Wanted, compile};
use super::machine::{Fact, Machine};
use crate::config::kind::Subject;

/// A message that can be filled in.
#[derive(Debug, Clone, Default)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Value(Expression),
}

impl Template {
    /// Reads a message of a rule about `subject`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(text: &str, subject: Subject) -> Result<Self, Vec<Problem>> {
        let mut pieces = Vec::new();
        let mut problems = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let twice = text.get(at + c.len_utf8()..).is_some_and(|rest| rest.starts_with(c));
            match c {
                '{' | '}' if twice => {
                    plain.push(c);
                    at += 2;
                }
                '{' => {
                    let start = at + 1;
                    let Some(length) = text.get(start..).and_then(end_of) else {
                        problems.push(problem(
                            at..text.len(),
                            "the brace is not closed",
                            "add a closing brace",
                        ));
                        break;
                    };
                    let inner = text.get(start..start + length).unwrap_or_default();
                    match compile(inner, subject, Wanted::Text) {
                        Ok(expression) => {
                            pieces.push(Piece::Text(std::mem::take(&mut plain)));
                            pieces.push(Piece::Value(expression));
                        }
                        Err(found) => problems.extend(found.into_iter().map(|mut problem| {
                            problem.range = problem.range.start + start..problem.range.end + start;
                            problem
                        })),
                    }
                    at = start + length + 1;
                }
                '}' => {
                    problems.push(problem(at..at + 1, "the brace was never opened", "write }} for a brace"));
                    at += 1;
                }
                _ => {
                    plain.push(c);
                    at += c.len_utf8();
                }
            }
        }
        pieces.push(Piece::Text(plain));
        if problems.is_empty() { Ok(Self(pieces)) } else { Err(problems) }
    }

    /// The words that its expressions use.
    pub fn uses(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|piece| match piece {
            Piece::Text(_) => Vec::new(),
            Piece::Value(expression) => expression.uses.iter().map(String::as_str).collect(),
        })
    }

    /// The message about these facts. What cannot be worked out stands as `?`.
    #[must_use]
    pub fn fill(&self, machine: &Machine, facts: &[(&str, Fact)]) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Value(expression) => {
                    text.push_str(&machine.text(expression, facts).unwrap_or_else(|_| "?".to_owned()));
                }
            }
        }
        text
    }
}

/// The length of an expression up to the brace that closes it; braces in its texts do not count.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(mark), _) if mark == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') => open += 1,
            (None, '}') if open == 0 => return Some(at),
            (None, '}') => open -= 1,
            _ => {}
        }
    }
    None
}

fn problem(range: std::ops::Range<usize>, message: &str, help: &str) -> Problem {
    Problem { range, message: message.to_owned(), help: Some(help.to_owned()) }
}
