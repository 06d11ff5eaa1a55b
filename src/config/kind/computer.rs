//! `Computer`: what git says about one computer.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mode, Reboot};
use crate::id::Name;

/// What git says about one computer that a provider lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComputerSpec {
    /// The computer's name as its provider lists it, in any case. Default: the document's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The provider that lists it; needed when several list the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Name>,
    /// The tenant it belongs to, over what its provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Name>,
    /// Tags that targets can select by, added to those of its provider.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Who its primary person is. Default: whoever signs in most often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_person: Option<PrimaryPerson>,
    /// Whether its onboarding is done, over what its provider says. Default: it is, unless its provider says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarded: Option<bool>,
    /// The most that Muster may do on this computer. Default: enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether something may be done on it that may restart it (SW-30). Default: if-necessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<Reboot>,
    /// Whether the computer is left out of all deployments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
    /// Nothing is uninstalled from it, also after this line is gone, until it is released. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
}

/// Who the primary person of a computer is (AFF-4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PrimaryPerson {
    /// Whoever signs in most often.
    #[default]
    Auto,
    /// Nobody: the computer is shared.
    None,
    /// This person, by UPN.
    Fixed(#[schemars(length(min = 1))] String),
}
