//! The integration tests: one binary, a module per subject. `forgotten` fails when a file here is not listed.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests run real things and may panic")]

#[cfg(unix)]
mod adversary;
mod bundle;
#[cfg(target_os = "linux")]
mod canary;
mod collect;
#[cfg(unix)]
mod command;
mod config_corpus;
#[cfg(unix)]
mod connectwise;
mod contract;
#[cfg(unix)]
mod crash;
mod faults;
mod forgotten;
mod generated;
mod git;
mod layering;
mod lints;
mod parity;
#[cfg(unix)]
mod payload;
mod policies;
#[cfg(unix)]
mod resource;
mod schema_agreement;
mod screenconnect;
mod simulated;
mod ssh;
mod support;
#[cfg(unix)]
mod update;
mod vendors;
