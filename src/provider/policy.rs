//! The seam to systems that tell which of their own policies hold for a computer, and where each setting comes from.
//!
//! Not here: Muster's own policies (`config::kind`, `remote`); what a system sets is read and never changed.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;

use super::ListError;
use crate::id::AgentId;
use crate::inventory::known::AgentKey;

/// A setting that holds for a computer.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySetting {
    /// Its value.
    pub value: serde_json::Value,
    /// Where it comes from, as far as that is told.
    pub origin: Option<String>,
}

/// What holds for one agent's computer, or why that is not known.
pub type Told = (AgentKey, Result<BTreeMap<String, PolicySetting>, String>);

/// Reads what a system's own policies set.
pub trait ReadPolicies: Send + Sync + fmt::Debug {
    /// The settings that hold for an agent's computer, by their names; parts of a name are divided by a dot.
    ///
    /// # Errors
    /// [`ListError`] when they are not complete.
    fn policies<'a>(
        &'a self,
        agent: &'a AgentId,
    ) -> BoxFuture<'a, Result<BTreeMap<String, PolicySetting>, ListError>>;
}
