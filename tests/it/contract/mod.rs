//! Contract suites: the same tests for every implementation of a seam.

mod store;
