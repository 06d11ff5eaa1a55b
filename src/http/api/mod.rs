//! A client for the HTTP APIs of vendors: ConnectWise Control, Automate and RMM, and later those of PSA systems and directories.
//!
//! Not here: what is asked and what answers mean, which each provider knows; pages and files of the web, which `http` fetches.
//!
//! Invariants: an answer is whole and of the kind that was expected, or an error that names the call; redirects are not
//! followed; nothing that may have been done is done again unless the call says that a repeat is harmless; no header, query,
//! content or secret is logged.
//!
//! A [`Client`] is one link. A [`Call`] becomes an [`Answer`] or an [`ApiError`]; [`pages`] puts the answers of a list together.

mod auth;
mod body;
pub mod bucket;
mod call;
mod client;
mod entries;
mod error;
mod gate;
pub mod health;
mod pages;
pub mod read;
mod retry;
#[cfg(test)]
pub(crate) mod server;
mod settings;
#[cfg(test)]
mod tests;

pub use auth::{Auth, Token};
pub use bucket::Rate;
pub use call::{Answer, Call, Expects, Method};
pub use client::{Client, Plain};
pub use error::{ApiError, Fault, Said, Sent, plain};
pub use gate::Condition;
pub use pages::{Page, pages};
pub use retry::Patience;
pub use settings::{Proxy, Settings, SetupError, Times, base};
