//! The lab over its sockets, and as a program.

mod envelope;
mod faults;
mod program;
mod public_client;
mod real;
mod size;
mod support;
