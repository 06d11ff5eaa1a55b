//! Sessions: one linear run against one computer, its scripts, its stages and what can happen in it.
//!
//! `script`, `bundle`, `frame`, `stage` and `event` are decisions and values; the drivers beside them run things
//! through the provider's and the store's seams and print nothing.

pub mod bundle;
pub mod collect;
pub mod event;
pub mod frame;
pub mod powershell;
pub mod script;
pub mod stage;
