//! The integration tests: one binary, a module per subject. `forgotten` fails when a file here is not listed.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests run real things and may panic")]
#![allow(
    clippy::format_push_string,
    clippy::cloned_ref_to_slice_refs,
    clippy::items_after_statements,
    clippy::iter_filter_is_ok,
    clippy::needless_for_each,
    clippy::unnecessary_wraps,
    clippy::fn_params_excessive_bools,
    clippy::format_collect,
    clippy::duration_suboptimal_units,
    clippy::unchecked_time_subtraction,
    reason = "a test may be written plainly"
)]

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
