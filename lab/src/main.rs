//! Serves the lab.
fn main() {}
