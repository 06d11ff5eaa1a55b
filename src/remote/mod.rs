//! Remote access: what the policies of a site come to, what that wants on its computers, and who may open a session.
//!
//! Packages give policies to sites; a computer gets those of its tenant and of its site, also when it comes later. Several
//! policies become one set of settings by published rules ([`effective`]); what they need on computers becomes ordinary
//! deployments ([`expand`]), so that plan, drift and apply cover it; [`status`] says how far a computer is, and [`access`]
//! who may open a session on it.
//!
//! Not here: making the link (`provider`), and showing any of it (`report`).
//!
//! Invariants: the same policies give the same settings, in whatever order they stand; what a policy says becomes less
//! cautious for no computer because another policy was added.

pub mod access;
pub mod area;
pub mod effective;
pub mod expand;
pub mod standing;
pub mod status;

/// Sites, tenants' names of them and roles compare without case and without blanks around them.
pub(crate) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}
