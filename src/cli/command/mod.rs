//! One file for each command: what was typed becomes plain values, one call into the library, and a report.

pub(super) mod apply;
pub(super) mod completions;
pub(super) mod computers;
pub(super) mod diff;
pub(super) mod doctor;
pub(super) mod explain;
pub(super) mod fmt;
pub(super) mod identify;
pub(super) mod import;
pub(super) mod init;
pub(super) mod inventory;
pub(super) mod list;
pub(super) mod maintain;
pub(super) mod plan;
mod properties;
pub(super) mod remote;
pub(super) mod resolve;
pub(super) mod schema;
pub(super) mod session_db;
pub(super) mod sessions;
pub(super) mod show;
pub(super) mod status;
pub(super) mod update;
pub(super) mod validate;
pub(super) mod version;
