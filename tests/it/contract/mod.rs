//! Contract suites: the same tests for every implementation of a seam.

pub(crate) mod provider;
mod store;
