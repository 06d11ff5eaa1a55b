//! Sessions: one linear run against one computer, its scripts, its stages and what can happen in it.
//!
//! `script`, `bundle`, `frame`, `collect`, `stage`, `verify` and `event` are values and decisions; `secrets` is a seam;
//! `detect`, `execute` and `dispatcher` are drivers that run things through the seams of providers and store, and print
//! nothing.

pub mod control;
pub mod detect;
pub mod dispatcher;
pub mod event;
pub mod execute;
pub mod prepare;
pub mod recover;
pub mod script;
pub mod secrets;
pub mod stage;
pub mod verify;
