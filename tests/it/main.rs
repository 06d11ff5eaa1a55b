//! The integration tests: one binary, a module per subject. `forgotten` fails when a file here is not listed.

mod bundle;
mod collect;
mod forgotten;
