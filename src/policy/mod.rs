//! The safety of a rollout, decided over a plan: budgets, guardrails, exceptions and protections.
//!
//! [`judge`] is the way in: from a plan and what it was made from to [`verdict`]s. [`tally`] counts what a plan does,
//! [`budget`] compares the counts with what is allowed, [`guardrail`] asks the rules of [`language`] about the facts of
//! [`facts`], [`protection`] keeps what was protected, [`hours`] knows when people work.
//!
//! Not here: making plans (`plan`), and acting on verdicts (`cli`).
//!
//! Invariants: pure; the time is an argument; a rule that cannot be judged denies.

pub mod budget;
pub mod facts;
pub mod guardrail;
pub mod hours;
pub mod judge;
pub mod language;
pub mod protection;
pub mod tally;
pub mod verdict;

#[cfg(test)]
mod tests;
