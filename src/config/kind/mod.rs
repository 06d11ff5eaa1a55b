//! The kinds of documents: fields, defaults and documentation, nothing else. The schemas are generated from these types.
//!
//! Not here: reading (`config::de`), references between documents (`config::check`).
//!
//! Invariants: every struct denies unknown keys; no `flatten` and no `untagged`, whose messages are poor; what stands
//! in the file is kept as written, and its meaning is worked out by `check`.

mod bundle;
mod computer;
mod deployment;
mod exception;
mod expression;
mod guardrail;
mod hold;
mod instance;
mod license;
mod link;
mod order;
mod package;
mod parameter;
pub mod property;
mod provider;
mod release;
mod remote;
pub mod resource;
mod safety;
mod schedule;
mod script;
mod software;
mod source;
pub mod system_resource;
mod target;
mod task;
mod tenant;
mod version_source;

pub use bundle::{BundleEntry, BundleSpec};
pub use computer::{ComputerIdentity, ComputerSpec, Decision, PrimaryPerson};
pub use deployment::{DeploymentSpec, DeploymentTarget, Enforcement, SoftwareState};
pub use exception::{ExceptionSpec, ExceptionSubjects};
pub use expression::{
    AgreementTerm, Comparison, FactTerm, GroupTerm, InstalledTerm, Match, ProviderGroupTerm, RingTerm,
    SiteTerm, Term, TextMatch,
};
pub use guardrail::{
    Expectation, GuardrailCase, GuardrailSpec, GuardrailTestSpec, StageEffect, StageEffects, Subject,
};
pub use hold::Hold;
pub use instance::{
    DetectionSettings, IdentificationSettings, InstanceSpec, LibrarySettings, OnConflict, PayloadSettings,
    RemoteSettings, StateSettings,
};
pub use license::{LicenseNeed, LicenseSpec};
pub use link::{
    Account, AutomateSpec, Capability, ConnectwiseRmmSpec, LinkSettings, MaintenanceScripts, OnRecord,
    RmmRegion, RmmTemplates, ScreenconnectSpec,
};
pub use order::{ItemRef, OrderSpec};
pub use package::{Choice, Installer, Packages};
pub use parameter::{FileValue, ParameterSpec, ParameterType, ParameterValue};
pub use provider::{
    Become, Faults, Generator, LocalSpec, ProviderSpec, SimulatedSpec, SshHost, SshJump, SshSpec,
};
pub use release::{Architecture, Fetcher, InvalidSha256, PayloadSpec, ReleaseSpec, Sha256};
pub use remote::{
    Consent, PackageSpec, PolicyCategory, PolicyEntry, PolicySpec, PolicyType, RemoteAccessSpec,
    SettingParameters, SiteSpec,
};
pub use resource::{ResourceKind, ResourceSpec};
pub use safety::{AllowanceSpec, BudgetKinds, BudgetSettings, BusinessHours, Weekday};
pub use schedule::{OsUpdates, ScheduleSpec};
pub use script::{PlatformScripts, ScriptSource, ScriptSpec};
pub use software::{
    Condition, Consequence, Detect, InventoryMatch, PackageManager, PackageMatch, ParametersChanged,
    Prerequisite, Quantifier, SoftwareSpec, Strategy, VersionScheme,
};
pub use source::{
    AnswerFault, DirectorySpec, PsaSpec, ShrinkSpec, SimulatedSource, SourceSettings, TenantPsa,
};
pub use target::TargetSpec;
pub use task::{LockScope, LockSpec, TaskSpec};
pub use tenant::{CrossTenant, TenantClient, TenantSpec};
pub use version_source::{
    AptSource, AssetRule, GithubContents, GithubSource, InstallerScope, ListSource, ListedRelease,
    PageSource, VersionSource, WingetRepository, WingetSource,
};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, CodeInfo, Severity};
use crate::id::Name;

/// The value of `apiVersion` that this release reads.
pub const API_VERSION: &str = "muster/v1";

/// What identifies a document and describes it to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Unique within its kind over the whole repository.
    pub name: Name,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Free labels, for people and reports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Codes of warnings about this document that are meant to be so, and are not given. Write the reason beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<AllowedCode>,
}

/// The code of a warning, such as M0603. Errors cannot be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AllowedCode(pub Code);

impl<'de> Deserialize<'de> for AllowedCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let custom = |text: String| serde::de::Error::custom(text);
        match Code::find(&text) {
            Some(CodeInfo { code, severity: Severity::Warning, .. }) => Ok(Self(*code)),
            Some(CodeInfo { code, .. }) => {
                Err(custom(format!("{code} is an error, and only warnings can be allowed")))
            }
            None => {
                Err(custom(format!("there is no code {text:?}\nwrite the code of a warning, such as M0603")))
            }
        }
    }
}

impl JsonSchema for AllowedCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AllowedCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "The code of a warning.",
            "pattern": "^[Mm][0-9]{4}$",
        })
    }
}

/// How far Muster goes, from the most cautious to the least (L5). The most cautious of all that apply wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing happens.
    Ignored,
    /// Values are read and kept.
    Monitor,
    /// Compliance is tested and reported; nothing is changed.
    Audit,
    /// What differs is changed.
    Enforce,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Ignored => "ignored",
            Self::Monitor => "monitor",
            Self::Audit => "audit",
            Self::Enforce => "enforce",
        })
    }
}

/// Whether a change may restart a computer, from the freest to the most cautious. The most cautious of all that apply wins.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reboot {
    /// Where it has to.
    #[default]
    IfNecessary,
    /// Software with `needsReboot` is not touched (SW-30).
    Suppress,
}

/// The kinds, by the name that stands in `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `Instance`
    Instance,
    /// `Tenant`
    Tenant,
    /// `Provider`
    Provider,
    /// `Directory`
    Directory,
    /// `Psa`
    Psa,
    /// `Computer`
    Computer,
    /// `Target`
    Target,
    /// `Software`
    Software,
    /// `Task`
    Task,
    /// `Script`
    Script,
    /// `License`
    License,
    /// `Deployment`
    Deployment,
    /// `Bundle`
    Bundle,
    /// `Schedule`
    Schedule,
    /// `Policy`
    Policy,
    /// `Package`
    Package,
    /// `Order`
    Order,
    /// `Guardrail`
    Guardrail,
    /// `GuardrailTest`
    GuardrailTest,
    /// `Exception`
    Exception,
}

impl Kind {
    /// All kinds, in the order of the reference.
    pub const ALL: &'static [Self] = &[
        Self::Instance,
        Self::Tenant,
        Self::Provider,
        Self::Directory,
        Self::Psa,
        Self::Computer,
        Self::Target,
        Self::Software,
        Self::Task,
        Self::Script,
        Self::License,
        Self::Deployment,
        Self::Bundle,
        Self::Schedule,
        Self::Policy,
        Self::Package,
        Self::Order,
        Self::Guardrail,
        Self::GuardrailTest,
        Self::Exception,
    ];

    /// The text of `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "Instance",
            Self::Tenant => "Tenant",
            Self::Provider => "Provider",
            Self::Directory => "Directory",
            Self::Psa => "Psa",
            Self::Computer => "Computer",
            Self::Target => "Target",
            Self::Software => "Software",
            Self::Task => "Task",
            Self::Script => "Script",
            Self::License => "License",
            Self::Deployment => "Deployment",
            Self::Bundle => "Bundle",
            Self::Schedule => "Schedule",
            Self::Policy => "Policy",
            Self::Package => "Package",
            Self::Order => "Order",
            Self::Guardrail => "Guardrail",
            Self::GuardrailTest => "GuardrailTest",
            Self::Exception => "Exception",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

impl Kind {
    /// As sentences say it: `a Target`, `an Order`.
    #[must_use]
    pub fn with_article(self) -> String {
        let article = if self.as_str().starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a switch that is on unless said otherwise is on. For `serde(default)`.
pub(crate) const fn yes() -> bool {
    true
}
