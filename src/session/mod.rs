//! Sessions: one linear run against one computer, its scripts, its stages and what can happen in it.
//!
//! `script`, `bundle`, `envelope`, `frame`, `collect`, `powershell`, `stage`, `maintenance`, `verify`,
//! `redact` and `event` are values and decisions; `secrets`
//! is a seam; `prepare`, `detect`, `execute`, `quiet`, `dispatcher` and `recover` are drivers that run things through the seams of
//! providers and store, and print nothing; `control` tells them to stop.

mod aftermath;
pub mod bundle;
pub mod collect;
pub mod control;
pub mod detect;
pub mod dispatcher;
pub mod envelope;
pub mod event;
pub mod execute;
pub mod frame;
pub mod host;
mod locks;
pub mod maintenance;
pub mod powershell;
pub mod prepare;
mod quiet;
pub mod recover;
mod redact;
pub mod remember;
mod route;
pub mod script;
pub mod secrets;
pub mod stage;
pub mod stamp;
pub mod verify;
