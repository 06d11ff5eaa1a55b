//! The integration tests: one binary, a module per subject. `forgotten` fails when a file here is not listed.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests run real things and may panic")]

mod bundle;
mod collect;
#[cfg(unix)]
mod command;
mod config_corpus;
mod contract;
mod forgotten;
mod generated;
mod git;
mod schema_agreement;
mod simulated;
mod ssh;
mod support;
