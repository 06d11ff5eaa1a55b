//! What each of the three systems is like: credentials, version, pace and peculiarities.
//!
//! Not here: what the systems do with them.
//!
//! Invariant: every setting has a default, and the defaults are what the vendors' references say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `ConnectWise` Control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ControlSettings {
    /// The secret of the RESTful API Manager extension.
    pub secret: String,
    /// The origin that the extension insists on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// A user's name, for the built-in page services and reports.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// The base32 secret of that user's one-time passwords, if there is a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_secret: Option<String>,
    /// The version of the server.
    pub version: String,
    /// Whether the RESTful API Manager extension is installed.
    pub extension: bool,
    /// Whether the extension knows bodies that are objects, which newer servers do.
    pub object_bodies: bool,
    /// Whether the built-in page services refuse calls without the anti-forgery token; old servers do not.
    pub anti_forgery: bool,
    /// How long a guest takes before it begins with a command, in milliseconds.
    pub command_delay_ms: u64,
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self {
            secret: "lab-control-secret".to_owned(),
            origin: None,
            user: "lab".to_owned(),
            password: "lab-control-password".to_owned(),
            totp_secret: None,
            version: "24.2.3.8999".to_owned(),
            extension: true,
            object_bodies: true,
            anti_forgery: false,
            command_delay_ms: 20,
        }
    }
}

/// `ConnectWise` Automate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AutomateSettings {
    /// The user that signs in.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// The base32 secret of that user's one-time passwords, if there is a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_secret: Option<String>,
    /// The client id that every call but the sign-in needs.
    pub client_id: String,
    /// How long a token is good, in seconds.
    pub token_seconds: i64,
    /// How long a token can be refreshed, in seconds from the sign-in.
    pub refresh_seconds: i64,
    /// The page size of lists that ask for none.
    pub page_size: usize,
    /// The most that a page may hold; `-1` asks for all.
    pub largest_page: usize,
    /// How often an agent checks in that is not in fast talk, in milliseconds.
    pub check_in_ms: u64,
    /// How often one checks in that is, in milliseconds.
    pub fast_talk_ms: u64,
    /// The version of the server.
    pub version: String,
    /// What the user may do, as `GET /Permissions/Users` lists it.
    pub permissions: Vec<String>,
    /// How long a patch job runs, in milliseconds.
    pub patch_job_ms: u64,
    /// The scripts that were made or imported there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<AutomateScript>,
    /// How long a script waits before it runs, and then runs, in milliseconds.
    pub script_delay_ms: u64,
}

/// A script of Automate, which has no text here: what it does is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutomateScript {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The names of its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    /// What it does.
    pub does: AutomateWork,
}

/// What a script of Automate does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutomateWork {
    /// Nothing, and it says that it succeeded.
    Nothing,
    /// It fails.
    Fail,
    /// It switches maintenance mode on, for the minutes of its parameter `Minutes`, or for an hour.
    BeginMaintenance,
    /// It switches maintenance mode off.
    EndMaintenance,
}

impl Default for AutomateSettings {
    fn default() -> Self {
        let permissions = [
            "Clients.Read",
            "Clients.Show All",
            "Computers.Show All",
            "Computers.Edit",
            "Computers.Delete",
            "Locations.Show All",
            "Groups.Show All",
            "Patch Manager.Read",
            "Command Prompt",
            "Commands View",
            "Commands Send",
            "Scripts.Read",
            "Scripts.Schedule Scripts",
        ];
        Self {
            user: "lab".to_owned(),
            password: "lab-automate-password".to_owned(),
            totp_secret: None,
            client_id: "2c1e2a3b-5d4c-4f6e-8a90-1b2c3d4e5f60".to_owned(),
            token_seconds: 3600,
            refresh_seconds: 86_400,
            page_size: 25,
            largest_page: 1000,
            check_in_ms: 200,
            fast_talk_ms: 20,
            version: "25.0.5.100".to_owned(),
            permissions: permissions.map(str::to_owned).to_vec(),
            patch_job_ms: 200,
            scripts: Vec::new(),
            script_delay_ms: 20,
        }
    }
}

/// `ConnectWise` RMM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RmmSettings {
    /// The client id of the key.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The scopes of the key.
    pub scopes: Vec<String>,
    /// How long a token is good, in seconds.
    pub token_seconds: u64,
    /// So many sign-ins in a minute are one too many.
    pub sign_ins_per_minute: u32,
    /// Limits by group of calls: `asset`, `automation`, `company`, `device`, `policy`.
    pub rate_limits: BTreeMap<String, RateLimit>,
    /// How the v2 list of devices is asked for.
    pub list_method: ListMethod,
    /// The page size of the list of companies, which is then linked; without it there is one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_page: Option<usize>,
    /// Scripts that were made in the portal, beside the built-in one.
    pub scripts: Vec<RmmScript>,
    /// Policies that are assigned to sites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<RmmPolicy>,
    /// How long a task waits before it runs, in milliseconds.
    pub task_delay_ms: u64,
}

/// How many calls of a group are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// Calls in a window.
    pub limit: u32,
    /// The window in seconds.
    pub seconds: u32,
}

/// How the v2 list of devices is asked for: the document says one thing and a live server another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListMethod {
    /// By POST, as the document says.
    #[default]
    Post,
    /// By GET with a body, as a live server did.
    Get,
    /// Either.
    Both,
}

/// A script that was made in the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RmmScript {
    /// Its id, a GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What runs it: `powershell`, `bash` or `cmd`.
    pub engine: String,
    /// The script; without one it runs its parameter `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A policy with the sites that have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RmmPolicy {
    /// Its name, unique.
    pub name: String,
    /// Its category, such as `Devices`.
    pub category: String,
    /// Its kind within the category, such as `RemoteAccess`.
    pub kind: String,
    /// The package that brings it to the sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// What it sets.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Where it holds.
    #[serde(default)]
    pub sites: Vec<PolicySite>,
}

/// A site of a company, or all of its sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySite {
    /// The company.
    pub company: String,
    /// The site; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}

impl Default for RmmSettings {
    fn default() -> Self {
        let scopes = [
            "platform.companies.read",
            "platform.sites.read",
            "platform.devices.read",
            "platform.asset.read",
            "platform.agent.read",
            "platform.agent-token.read",
            "platform.automation.read",
            "platform.automation.create",
            "platform.custom_fields_definitions.read",
            "platform.custom_fields_values.read",
            "platform.policies.read",
            "platform.deviceGroups.read",
        ];
        Self {
            client_id: "0e30lab-client".to_owned(),
            client_secret: "lab-rmm-secret".to_owned(),
            scopes: scopes.map(str::to_owned).to_vec(),
            token_seconds: 3599,
            sign_ins_per_minute: 10,
            rate_limits: BTreeMap::new(),
            list_method: ListMethod::default(),
            company_page: None,
            policies: Vec::new(),
            scripts: vec![RmmScript {
                id: "7d0b7f3e-2c7a-4b53-9d26-5f0f6f9a1c11".to_owned(),
                name: "Run shell script".to_owned(),
                engine: "bash".to_owned(),
                text: None,
            }],
            task_delay_ms: 50,
        }
    }
}
