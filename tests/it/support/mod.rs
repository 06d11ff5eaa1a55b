//! What several integration tests need.

pub(crate) mod lab;
pub(crate) mod muster;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod sshd;
#[cfg(unix)]
pub(crate) mod web;
