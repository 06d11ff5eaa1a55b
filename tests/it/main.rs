//! The integration tests: one binary, a module per subject. `forgotten` fails when a file here is not listed.

mod forgotten;
mod ssh;
mod support;
