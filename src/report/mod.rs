//! The view: what people and machines see of findings, plans and results.
//!
//! Not here: decisions, and input or output beyond the text that is handed back.

pub mod diagnostic;
