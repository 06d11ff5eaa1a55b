//! Scripts as values: what runs, with what, for how long, and what came back.
//!
//! Not here: how steps become one text for a shell (`bundle`), how results are framed (`frame`), who runs them
//! (`provider`).
//!
//! Invariants: parameters travel as data, never inside the script's text (L9, SCR-12). A [`Step`] that reads and one
//! that changes are different types, and a bundle of reading steps cannot hold a changing one (L2).

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::secret::Secret;
use crate::time::Limit;

/// The kind of operating system a script is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Linux, macOS and other systems with a POSIX shell.
    Posix,
    /// Windows with PowerShell 5.1 or newer.
    Windows,
}

/// What runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interpreter {
    /// Windows PowerShell 5.1, or `pwsh` where that is what there is.
    Powershell,
    /// The Windows command line.
    Cmd,
    /// A POSIX shell.
    Sh,
    /// GNU bash.
    Bash,
    /// Python 3.
    Python,
}

/// As whom a script runs (SCR-1).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Context {
    /// As the account through which the provider reaches the computer, with administrator's rights.
    #[default]
    System,
    /// As the signed-in user; with nobody signed in the step is deferred (SCR-2).
    User,
}

/// A script's text with everything that decides how it runs. Its digest covers all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Script {
    /// What runs it.
    pub interpreter: Interpreter,
    /// As whom.
    pub context: Context,
    /// The text, with line feeds as line ends.
    pub text: Arc<str>,
    /// How long it may take; the default depends on its use (SCR-7).
    pub limit: Option<Limit>,
    /// Where it stands in the repository, or the document that holds it inline.
    pub origin: Arc<str>,
}

impl Script {
    /// SHA-256 over interpreter, context, limit and text: a change in any of them asks for a new detection.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let head = format!("{:?}\0{:?}\0{:?}\0", self.interpreter, self.context, self.limit);
        Digest::of(&[head.as_bytes(), self.text.as_bytes()].concat())
    }
}

/// A value that reaches a script.
#[derive(Debug, Clone)]
pub enum Value {
    /// Plain data.
    Plain(serde_json::Value),
    /// A secret: handed over like the others, and never kept.
    Secret(Secret),
    /// A file: written beside the script, which is given its path.
    File {
        /// Its name, for the end of the path.
        name: String,
        /// What it holds.
        content: Arc<[u8]>,
    },
}

/// The values that reach a script, by name.
pub type Values = BTreeMap<String, Value>;

/// What a step is for. Providers that execute scripts ignore it; the simulated one acts on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Collect facts.
    Collect,
    /// Find a software's version.
    DetectSoftware {
        /// The software's name.
        software: String,
    },
    /// Ask a software's own test whether it works.
    TestSoftware {
        /// The software's name.
        software: String,
    },
    /// Ask whether a task is compliant.
    TestTask {
        /// The task's name.
        task: String,
        /// The instance key, empty without one (RES-2).
        instance: String,
    },
    /// Read a task's value.
    GetTask {
        /// The task's name.
        task: String,
        /// The instance key, empty without one.
        instance: String,
    },
    /// Install, update or downgrade to a version.
    InstallSoftware {
        /// The software's name.
        software: String,
        /// The version; `None` leaves it to the script.
        version: Option<String>,
    },
    /// Remove a software.
    UninstallSoftware {
        /// The software's name.
        software: String,
    },
    /// Repair a software.
    RepairSoftware {
        /// The software's name.
        software: String,
    },
    /// Run what comes before an install.
    PreInstall {
        /// The software's name.
        software: String,
    },
    /// Run what follows an install.
    PostInstall {
        /// The software's name.
        software: String,
    },
    /// Run what follows a removal.
    PostUninstall {
        /// The software's name.
        software: String,
    },
    /// Bring the file of a release by the software's own script.
    DownloadPayload {
        /// The software's name.
        software: String,
    },
    /// Take a piece of the file of a release into the cache, or say what is there of it.
    ReceivePayload {
        /// The software's name.
        software: String,
    },
    /// See to it that the file of a release is in the cache.
    FetchPayload {
        /// The software's name.
        software: String,
        /// Whether a script has brought it, so that it is only to be verified.
        brought: bool,
    },
    /// Bring a task into compliance.
    SetTask {
        /// The task's name.
        task: String,
        /// The instance key, empty without one.
        instance: String,
    },
}

/// Marks steps and bundles that only read.
#[derive(Debug, Clone, Copy)]
pub enum Read {}

/// Marks steps and bundles that may change the computer.
#[derive(Debug, Clone, Copy)]
pub enum Write {}

/// One script in a bundle, with its values.
#[derive(Debug, Clone)]
pub struct Step<Access> {
    /// Unique within its bundle; results come back under it.
    pub key: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The script.
    pub script: Arc<Script>,
    /// How long it may take, already decided.
    pub limit: Duration,
    /// What it is given.
    pub values: Values,
    /// Environment of this step alone, over the bundle's (`MUSTER_VERSION` and the like); no secrets.
    pub environment: BTreeMap<String, String>,
    /// How many bytes of standard output, and separately of standard error, are kept.
    pub keep: usize,
    access: PhantomData<Access>,
}

/// How many bytes of output of one step are kept unless said otherwise.
pub const KEEP_OUTPUT: usize = 64 * 1024;
/// Detection scripts may take this long unless they say otherwise (SCR-7).
pub const DETECTION_LIMIT: Duration = Duration::from_mins(4);
/// Scripts that change something may take this long unless they say otherwise (SCR-7).
pub const CHANGE_LIMIT: Duration = Duration::from_mins(30);

impl Step<Read> {
    /// A step that reads. The caller vouches that the script is one of those that only read by contract
    /// (collector, detect, test, get); `config` knows which those are.
    #[must_use]
    pub fn read(key: impl Into<String>, purpose: Purpose, script: Arc<Script>, values: Values) -> Self {
        let limit = script.limit.map_or(DETECTION_LIMIT, Limit::duration);
        Self {
            key: key.into(),
            purpose,
            script,
            limit,
            values,
            environment: BTreeMap::new(),
            keep: KEEP_OUTPUT,
            access: PhantomData,
        }
    }

    /// The same step as part of a bundle that changes something, so that one round trip can change and look again.
    #[must_use]
    pub fn in_change(self) -> Step<Write> {
        let Self { key, purpose, script, limit, values, environment, keep, access: _ } = self;
        Step { key, purpose, script, limit, values, environment, keep, access: PhantomData }
    }
}

impl Step<Write> {
    /// A step that changes the computer.
    #[must_use]
    pub fn change(key: impl Into<String>, purpose: Purpose, script: Arc<Script>, values: Values) -> Self {
        let limit = script.limit.map_or(CHANGE_LIMIT, Limit::duration);
        Self {
            key: key.into(),
            purpose,
            script,
            limit,
            values,
            environment: BTreeMap::new(),
            keep: KEEP_OUTPUT,
            access: PhantomData,
        }
    }
}

/// The steps that go to one computer in one round trip, in order. A step's failure does not stop the next one, unless
/// `stop_on_failure` is set.
#[derive(Debug, Clone)]
pub struct Bundle<Access> {
    /// The platform the bundle is built for.
    pub platform: Platform,
    /// The steps, in order, with unique keys.
    pub steps: Vec<Step<Access>>,
    /// Environment for every step: names and values that are no secrets (SCR-12: computer, tenant, session …).
    pub environment: BTreeMap<String, String>,
    /// After a step that fails, do not run the following ones, except those that only look (verification).
    pub stop_on_failure: bool,
}

impl<Access> Bundle<Access> {
    /// A bundle of these steps.
    #[must_use]
    pub fn new(platform: Platform, steps: Vec<Step<Access>>, environment: BTreeMap<String, String>) -> Self {
        Self { platform, steps, environment, stop_on_failure: false }
    }

    /// The first step that is given a secret, if there is one.
    #[must_use]
    pub fn with_secret(&self) -> Option<&Step<Access>> {
        let is_secret = |value: &Value| matches!(value, Value::Secret(_));
        self.steps.iter().find(|step| step.values.values().any(is_secret))
    }

    /// The sum of the steps' limits and a margin: when even the bundle's own watchdogs have failed.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.steps.iter().map(|step| step.limit).sum::<Duration>() + Duration::from_secs(30)
    }
}

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The script ran to its end with this exit code.
    Exit(i32),
    /// It was stopped at its time limit.
    TimedOut,
    /// It did not start: the interpreter is missing or the like.
    NotStarted(String),
    /// It did not start: another bundle that changes is under way on the computer.
    Busy,
    /// It runs as the signed-in user and nobody is signed in.
    NoUser,
    /// It was left out because an earlier step failed.
    Skipped,
    /// The answer broke off before its result; whether it ran is not known.
    Lost,
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// How it ended.
    pub ended: Ended,
    /// Standard output, lossily read as UTF-8, up to the step's bound.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// Whether output was cut at the bound.
    pub cut: bool,
    /// How long it ran.
    pub duration: Duration,
}

/// What one round trip brought back: a result for every step of the bundle, `Lost` for those without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleResult {
    /// By step key.
    pub steps: BTreeMap<String, StepResult>,
    /// The computer's clock when the bundle began, if it said so, for clock skew.
    pub clock: Option<crate::time::Timestamp>,
}

/// Why a bundle has no result at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunError {
    /// The computer could not be reached in time. Nothing ran.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// It was reached and refused us: unknown host key, no accepted key. Nothing ran.
    #[error("{message}")]
    Refused {
        /// What happened.
        message: String,
        /// The command or step that mends it.
        help: Option<String>,
    },
    /// Something newer was sent to it before it began. Nothing ran; what it was decided by may be so no longer.
    #[error("something newer was sent to the computer meanwhile")]
    Overtaken,
    /// The connection broke while the bundle ran. Whether it did its work is not known.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The bundle as a whole passed its limit. Whether it did its work is not known.
    #[error("no answer within {0} seconds")]
    TimedOut(u64),
    /// The answer cannot be read.
    #[error("unreadable answer: {0}")]
    Nonsense(String),
}

impl RunError {
    /// Whether it is certain that nothing ran on the computer.
    #[must_use]
    pub fn nothing_ran(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Refused { .. } | Self::Overtaken)
    }
}
