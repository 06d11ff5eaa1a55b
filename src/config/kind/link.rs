//! Links to management systems that list the computers of many customers: ConnectWise Control, Automate and RMM.
//!
//! Not here: what is asked of them (`provider`), and which customer a company of theirs is (`Tenant.clients`).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::SecretRef;
use crate::time::Limit;

/// Something a provider can do (design §9). What is not declared cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// List tenants.
    ListTenants,
    /// List computers.
    ListComputers,
    /// Say who is online without contacting each computer.
    Presence,
    /// Run scripts.
    RunScript,
    /// Open a remote session for a person.
    RemoteSession,
    /// Switch maintenance mode.
    MaintenanceMode,
    /// Install approved updates of the operating system.
    OsUpdates,
    /// Groups of devices of its own.
    DeviceGroups,
    /// Hand out a token that lets its agent be removed.
    UninstallToken,
    /// Report events by itself.
    Events,
}

/// What all links to management systems have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkSettings {
    /// What this link is not to be used for, though the system could.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without: BTreeSet<Capability>,
    /// How many computers are worked on at once through this link. Default: by the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub concurrency: Option<u32>,
    /// How many requests may be sent per minute. Default: by the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_minute: Option<u32>,
    /// How many requests may be under way at once. Default: 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_at_once: Option<u32>,
    /// How long one request may take. Default: 1m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Limit>,
    /// How long a computer that is online may take to begin with what it is sent. Default: by the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_timeout: Option<Limit>,
    /// The proxy to go through. Default: as the usual environment variables say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub proxy: Option<String>,
    /// A PEM file with certificates to trust besides the system's, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub ca: Option<String>,
    /// Whether secrets may travel to computers through this link, which keeps the text of commands where its users can
    /// read it. Default: refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<OnRecord>,
}

/// Whether something may stand in another system's records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRecord {
    /// It may not: what would put it there is refused.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

/// ConnectWise Control (ScreenConnect): access sessions, through the extension RESTful API Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScreenconnectSpec {
    /// Where the server is, such as https://example.screenconnect.com; a path at its end is kept.
    #[schemars(length(min = 1))]
    pub url: String,
    /// The extension's setting RESTfulAuthenticationSecret.
    pub secret: SecretRef,
    /// The extension's setting RESTfulAllowedOrigin, if it has one. Default: the server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub origin: Option<String>,
    /// An account for what the extension does not offer: session groups and launching without signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The number of the custom property that holds the customer. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8))]
    pub company_property: Option<u8>,
    /// The number of a custom property that holds a group within the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8))]
    pub group_property: Option<u8>,
    /// What it has in common with other links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSettings>,
}

/// ConnectWise Automate: clients, locations and computers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutomateSpec {
    /// Where the server is, such as https://example.hostedrmm.com.
    #[schemars(length(min = 1))]
    pub url: String,
    /// The id of the integration that ConnectWise gave out; a UUID. Needed from version 2020.11 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub client_id: Option<String>,
    /// The account to sign in with.
    pub account: Account,
    /// Whether its groups are read, to select computers by. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<bool>,
    /// The scripts of that server that switch maintenance mode, which no call does. Default: none, and maintenance mode is
    /// left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_mode: Option<MaintenanceScripts>,
    /// What it has in common with other links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSettings>,
}

/// Scripts of a server of Automate that switch the maintenance mode of the computer that they are started on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MaintenanceScripts {
    /// The one that switches it on: its name, or its number in quotes.
    #[schemars(length(min = 1))]
    pub begin: String,
    /// The one that switches it off.
    #[schemars(length(min = 1))]
    pub end: String,
    /// For how many minutes: the first one gets them as its parameter `Minutes`. Default: it gets none and decides by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10080))]
    pub minutes: Option<u32>,
}

/// An account of another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// Its name.
    #[schemars(length(min = 1))]
    pub user: String,
    /// Its password.
    pub password: SecretRef,
    /// The key for one-time passwords (TOTP), as the authenticator's manual entry shows it, if the account needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_password_key: Option<SecretRef>,
}

/// ConnectWise RMM (the Asio platform): companies, sites and endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectwiseRmmSpec {
    /// The region of the account. Default: north-america.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RmmRegion>,
    /// Another address of the API, over the region's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub url: Option<String>,
    /// The id of the API key.
    #[schemars(length(min = 1))]
    pub client_id: String,
    /// The secret of the API key.
    pub client_secret: SecretRef,
    /// The scopes to ask for. Default: those of the key.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<String>,
    /// The scripts that run what they are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<RmmTemplates>,
    /// What it has in common with other links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSettings>,
}

/// A region of ConnectWise RMM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RmmRegion {
    /// North America.
    #[default]
    NorthAmerica,
    /// Europe.
    Europe,
    /// Australia.
    Australia,
}

/// The ids of scripts in ConnectWise RMM that take a text as the parameter `body` and run it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RmmTemplates {
    /// For Windows. Default: the template for PowerShell that every account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub windows: Option<String>,
    /// For Linux and macOS. Default: none; then only Windows computers run scripts through this link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub posix: Option<String>,
}
