//! The lab over its sockets, and as a program.

#![allow(clippy::disallowed_methods, reason = "tests write files and read the clock")]

mod envelope;
mod faults;
mod program;
mod public_client;
mod real;
mod size;
mod support;
