//! Bringing the customers and computers of a provider into the repository: what its documents would have to say.
//!
//! Not here: who asks the provider (`gather`), how documents are edited (`config::edit`), and writing (`cli`).
//!
//! Invariants: a company becomes a tenant by its id, by its whole name, or because somebody said so, never by likeness.
//! What is ambiguous is told and left. A list that is not believed proposes nothing. The same repository and the same list
//! give the same proposals.

pub mod computers;
pub mod documents;
pub mod files;
pub mod gather;
pub mod mapping;
mod slug;
pub mod tenants;
#[cfg(test)]
mod tests;
pub mod wishes;

use std::collections::BTreeSet;

pub use slug::slug;

use crate::id::Name;
use crate::inventory::known::ClientRef;

/// A company as a provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// Its id and name.
    pub client: ClientRef,
    /// Its sites or locations.
    pub sites: BTreeSet<String>,
    /// How many computers it has, if the provider tells that without listing them.
    pub computers: Option<u64>,
    /// The tenant that maps it.
    pub tenant: Option<Name>,
}

impl Company {
    /// Whether it has an id of its own, which stays when it is renamed. Providers without ids give the name in their place.
    #[must_use]
    pub fn has_id(&self) -> bool {
        folded(&self.client.id) != folded(&self.client.name)
    }
}

/// A name as it is compared: trimmed and without case.
fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The schema of a kind for editors, as a comment at the head of a file in a folder of the repository.
fn schema_comment(file: &str, kind: &str) -> String {
    let up = "../".repeat(file.matches('/').count());
    format!("yaml-language-server: $schema={up}schemas/{kind}.json")
}
