//! The language of guardrails: CEL expressions over the vocabulary of plans.
//!
//! [`vocabulary`] says which words there are and of which type, [`compile`] reads an expression and checks it against them,
//! [`machine`] evaluates it, [`template`] reads messages with expressions in braces, [`cases`] tries a rule on invented
//! facts.
//!
//! Not here: where the facts come from (`policy::facts`) and what follows from an answer (`policy::guardrail`).
//!
//! Invariants: an expression that compiles names only what is in the vocabulary; its evaluation ends after a bounded number
//! of steps; no input panics.

pub mod cases;
mod check;
pub mod compile;
pub mod machine;
pub mod template;
mod types;
pub mod vocabulary;

#[cfg(test)]
mod tests;
