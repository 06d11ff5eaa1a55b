//! Muster keeps the computers of managed service providers in the state that is declared in a git repository.
//!
//! The map, from the inside out; each ring uses only those above it in this list (`docs/architecture.md`):
//!
//! - base: [`id`], [`time`], [`secret`], [`diagnostic`]
//! - nouns: [`config`]'s kinds and places, [`version`]s, [`inventory`]'s computers and snapshot
//! - decisions: the rest of [`config`], [`targets`], [`plan`], [`policy`], [`session`]'s scripts, stages and events, [`upkeep`]
//! - seams: the traits of [`provider`], [`store`], [`fetch`] and `config::revision`
//! - adapters: what implements them, among them [`http`] and [`host`]
//! - drivers: `inventory::collect`, `version::update` and the running half of [`session`]
//! - view: [`report`]
//! - shell: [`cli`]

#![cfg_attr(
    test,
    allow(
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
    )
)]

pub mod cli;
pub mod config;
pub mod diagnostic;
pub mod directory;
pub mod fetch;
pub mod host;
pub mod http;
pub mod id;
pub mod import;
pub mod inventory;
pub mod payload;
pub mod plan;
pub mod policy;
pub mod provider;
pub mod psa;
pub mod remote;
pub mod report;
pub mod secret;
pub mod session;
pub mod store;
pub mod targets;
pub mod time;
pub mod upkeep;
pub mod version;
