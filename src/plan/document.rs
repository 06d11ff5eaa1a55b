//! The plan as a value: versioned, stored, shown, compared and executed. The executor chooses nothing.
//!
//! Not here: how it is decided (`planner`) or printed (`report`).
//!
//! Invariants: the same revision and snapshot give the same bytes, so no field tells when the plan was made (L13);
//! secrets stand as references (L9); the digest covers everything but itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::kind::{Mode, ParameterValue};
use crate::diagnostic::Place;
use crate::id::{AgentId, CommitId, ComputerId, Digest, Name};
use crate::inventory::item::{ItemKey, Observed};
use crate::policy::verdict::{Override, Verdict};
use crate::session::script::Platform;

/// The version of the form below. A plan of another version is not executed.
pub const FORMAT: &str = "muster.plan/v1";

/// What would be done, to whom, why, and what is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Always [`FORMAT`].
    pub format: String,
    /// SHA-256 over the canonical JSON of an object with the SHA-256 of each other field: of its canonical JSON, and of a
    /// plainer form for the computers and sessions (see `plan::digest`).
    pub digest: Digest,
    /// Name of the instance.
    pub instance: Name,
    /// What was planned.
    pub revision: Revision,
    /// What the run was limited to.
    pub options: Options,
    /// The computers that appear below, sorted by id; actions refer to them by position.
    pub computers: Vec<PlannedComputer>,
    /// Who has come into the named targets and who has left them since the last run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<MembershipChange>,
    /// Changes, grouped: one entry per kind of change, whatever the number of computers (L12).
    pub changes: Vec<Change>,
    /// One session for each computer with something to do: its actions in order.
    pub sessions: Vec<PlannedSession>,
    /// Why things wait, are blocked or odd.
    pub notes: Vec<Note>,
    /// What the plan covers.
    pub coverage: Coverage,
    /// What it means for people.
    #[serde(default)]
    pub impact: Impact,
    /// What budgets, guardrails and protections say of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

/// How the members of a named target differ from those of the last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MembershipChange {
    /// The target.
    pub target: Origin,
    /// How many computers in scope it had.
    pub before: u32,
    /// How many it has.
    pub after: u32,
    /// Who came, by reason; most first.
    pub joined: Vec<Moved>,
    /// Who left, by reason; most first. Computers that nobody lists any more are not among them.
    pub left: Vec<Moved>,
}

/// Computers that came or left for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moved {
    /// By what they match now, or do not match any more. Empty where there are too many to look at each.
    pub why: String,
    /// Their names, sorted.
    pub computers: Vec<String>,
}

/// What a plan means for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Impact {
    /// Computers that are changed.
    pub computers: u32,
    /// Tenants that they belong to.
    pub tenants: u32,
    /// Removals of software, counted by computer.
    pub removals: u64,
    /// Computers that may restart.
    pub restarts: u32,
    /// About how many seconds it takes, from what changes took before; `None` while nothing is known.
    pub seconds: Option<u64>,
}

/// The revision that was planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revision {
    /// The commit, if the configuration lies in git.
    pub commit: Option<CommitId>,
    /// The first line of its message.
    pub subject: Option<String>,
    /// SHA-256 over the files that were read: tells a changed working tree from its commit.
    pub content: Option<Digest>,
    /// Whether the files differ from the commit.
    pub dirty: bool,
}

/// What a run was limited to. An apply of a saved plan plans again with the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Only these computers: one-line selectors as given.
    pub only: Vec<String>,
    /// The most that the run may do.
    pub mode: Option<Mode>,
    /// Only what these deployments say is done; all of them where there are none.
    pub deployments: Vec<Name>,
    /// Whether those deployments were taken also where others win.
    pub force_deployments: bool,
    /// The mode that stands in place of more cautious ones. Such a plan shows what switching would do; it is not executed.
    pub hypothetical: Option<Mode>,
    /// Software that is repaired although nothing says that it has to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Name>,
    /// The schedule whose run it is: only the computers of its target, and the updates that it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Name>,
    /// Whether nothing is done that may restart a computer (SW-30).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_reboot: bool,
    /// What the run sets aside, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// A computer in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedComputer {
    /// Its id.
    pub id: ComputerId,
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant: Option<Name>,
    /// The provider it is reached through.
    pub provider: Name,
    /// The provider's id of it.
    pub agent: AgentId,
    /// Its platform.
    pub platform: Platform,
}

/// What is done (design §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionType {
    /// Nothing; the line reports a state.
    None,
    /// A software that is absent is installed.
    Install,
    /// A newer version replaces an older one.
    Update,
    /// An older version replaces a newer one.
    Downgrade,
    /// A software is removed.
    Uninstall,
    /// A software is repaired.
    Repair,
    /// A software that is there is installed again, as the values it was given have changed (PAR-8); or one that is gone,
    /// as an update or repair of it did not end well.
    Reinstall,
    /// The script that follows an install is run again, as what put the software there did not come to a good end.
    Finish,
    /// The files that an install needs are brought to the computer, and nothing else (SW-26).
    Download,
    /// A task is set.
    Set,
    /// A task's value is read and kept.
    Get,
    /// Updates of the operating system.
    OsUpdate,
    /// A restart.
    Reboot,
}

impl ActionType {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::None,
        Self::Install,
        Self::Update,
        Self::Downgrade,
        Self::Uninstall,
        Self::Repair,
        Self::Reinstall,
        Self::Finish,
        Self::Download,
        Self::Set,
        Self::Get,
        Self::OsUpdate,
        Self::Reboot,
    ];

    /// All of them as they are written.
    pub const WORDS: [&'static str; Self::ALL.len()] = {
        let mut words = [""; Self::ALL.len()];
        let mut at = 0;
        while at < words.len() {
            words[at] = Self::ALL[at].as_str();
            at += 1;
        }
        words
    };

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Install => "install",
            Self::Update => "update",
            Self::Downgrade => "downgrade",
            Self::Uninstall => "uninstall",
            Self::Repair => "repair",
            Self::Reinstall => "reinstall",
            Self::Finish => "finish",
            Self::Download => "download",
            Self::Set => "set",
            Self::Get => "get",
            Self::OsUpdate => "os-update",
            Self::Reboot => "reboot",
        }
    }

    /// Whether it changes the computer.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(self, Self::None | Self::Get)
    }
}

/// Why an item is in the plan (SES-14, design §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Wanted and not there.
    Missing,
    /// An older version is there.
    UpdateAvailable,
    /// A newer version than the exact one is there.
    OlderVersionRequired,
    /// Its own test says false.
    TestFailed,
    /// The run asks for its repair.
    RepairRequested,
    /// There and not wanted.
    Detected,
    /// A task's test says false.
    TaskNonCompliant,
    /// A task that is set once has not run for its key.
    NotRunYet,
    /// A task's value is read.
    TaskMonitor,
    /// It was put there with other values than those that are wanted now (PAR-8).
    ParametersChanged,
    /// The script that follows its install may not have done its part.
    Unfinished,
    /// Approved updates of the operating system wait.
    UpdatesWaiting,
    /// Another item needs it.
    Prerequisite,
    /// The state is as wanted.
    UpToDate,
    /// The state is not known.
    Undetermined,
}

/// What made the difference appear (L10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The wish is new or has changed since the last apply.
    NewIntent,
    /// The computer was as wanted, and is not any more.
    Drift,
    /// The computer has come into or left a target.
    Membership,
    /// Data of a source changed.
    SourceData,
    /// A policy or mode changed.
    Policy,
    /// It was tried before and did not succeed.
    Retry,
}

/// One kind of change: the same action for the same reason by the same deployment, on these computers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// What it is about.
    pub item: ItemKey,
    /// The item's title for people.
    pub title: String,
    /// What is done.
    pub action: ActionType,
    /// Why.
    pub reason: Reason,
    /// What made the difference appear.
    pub cause: Cause,
    /// How far it goes: enforce acts; audit and monitor only tell.
    pub mode: Mode,
    /// What is there.
    pub before: Observed,
    /// What is to be there.
    pub after: Observed,
    /// The version to install, if the action has one.
    pub version: Option<String>,
    /// The licence that its scripts get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<Name>,
    /// Values for the scripts; secrets as references.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Where those values come from, as far as it can be told (PAR-7).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, ValueOrigin>,
    /// The deployment that won, or on whose behalf a prerequisite acts. Updates of the system are the deployment of a schedule.
    pub deployment: Origin,
    /// For a prerequisite: the item that needs it.
    pub needed_by: Option<ItemKey>,
    /// Digest over the scripts and values that will run: another digest is another change.
    pub content: Digest,
    /// Whether it takes something away: a software, or what a built-in resource wants to be absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removes: bool,
    /// Whether the computer may restart for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_restart: bool,
    /// Positions in [`Plan::computers`], ascending.
    pub computers: Vec<u32>,
}

/// Where a value that scripts get comes from (PAR-7). Deployments do not inherit values from each other (PAR-9).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ValueOrigin {
    /// The deployment of this name gives it.
    Deployment(Name),
    /// Nobody gives it: it is the default of the software or task of this name.
    Default(Name),
}

/// A document and its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origin {
    /// The document's name.
    pub name: Name,
    /// File and line of the document.
    pub place: Place,
}

/// The actions of one computer, in the order in which they run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedSession {
    /// Position in [`Plan::computers`].
    pub computer: u32,
    /// Its actions.
    pub actions: Vec<PlannedAction>,
}

/// One action of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedAction {
    /// Position in [`Plan::changes`].
    pub change: u32,
    /// Positions in this session's actions that must have succeeded before.
    pub after: Vec<u32>,
}

/// Something that is not a change and has to be said (L10: also why nothing happens).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Note {
    /// What kind of note.
    pub kind: NoteKind,
    /// The item it concerns.
    pub item: Option<ItemKey>,
    /// A sentence.
    pub text: String,
    /// The document it comes from.
    pub origin: Option<Origin>,
    /// Names of the computers it concerns, sorted.
    pub computers: Vec<String>,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Two deployments win. The plan is not executed where this stands.
    Ambiguous,
    /// Something is wanted that cannot be done: a downgrade that is not allowed, an upgrade strategy of none, a
    /// prerequisite that fails or contradicts.
    Blocked,
    /// A source failed; what it last said is kept and nothing is removed because of it.
    Held,
    /// The computer was not reached.
    Unreachable,
    /// The computer refused us.
    Refused,
    /// What is known is too old.
    Stale,
    /// Detection did not tell.
    Undetermined,
    /// Something differs, and the mode only lets Muster say so.
    NonCompliant,
    /// Somebody put it on hold; nothing is done until a day.
    OnHold,
    /// A deployment that the run names does not win here. The plan is not executed where this stands.
    Overruled,
    /// A mode that this plan takes to be less cautious than it is declared.
    Lifted,
    /// A target matches no computer.
    EmptyTarget,
    /// A document names a computer that nobody lists.
    UnknownComputer,
    /// Anything else worth saying.
    Hint,
}

/// What a plan covers: the numbers add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Coverage {
    /// Computers in scope.
    pub computers: u32,
    /// Those of which something is wanted and everything about it is known.
    pub known: u32,
    /// Those of which something is wanted and at least one thing about it is not known.
    pub incomplete: u32,
    /// Those of which nothing is wanted.
    pub unmanaged: u32,
    /// Those that were tried in vain, among the incomplete: not reached, refused, or with an answer that nobody understands.
    pub unreachable: u32,
    /// Checks (computer and item) that are wanted. The sum of the following.
    pub checks: u64,
    /// Checks with a fresh answer.
    pub detected: u64,
    /// Those of them that are not as wanted, whether or not something is done about it.
    #[serde(default)]
    pub differs: u64,
    /// Checks with an answer that is too old.
    pub stale: u64,
    /// Checks that were never answered, on a computer that gave no good answer, or where it is undecided who wins.
    pub unknown: u64,
    /// Checks whose detection ran and did not tell.
    pub undetermined: u64,
    /// Checks that make no sense on that computer's platform.
    pub not_applicable: u64,
    /// Checks that only read a value and compare it with nothing, among those that count as found as wanted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read: u64,
    /// Agents of which it is not known on which computers they are, by the code of the reason. They are no computers yet, so
    /// they are in none of the other numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unidentified: BTreeMap<String, u64>,
    /// By tenant, in the order of their names; those without a tenant last. Only tenants of whose computers something is
    /// wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantCoverage>,
    /// By item, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemCoverage>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Coverage {
    /// Computers of which something is wanted.
    #[must_use]
    pub fn managed(&self) -> u64 {
        u64::from(self.known) + u64::from(self.incomplete)
    }
}

/// How the checks on one tenant's computers stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantCoverage {
    /// The tenant; of computers without one, nothing.
    pub tenant: Option<Name>,
    /// Its computers of which something is wanted.
    pub computers: u32,
    /// Those of them of which everything is known.
    pub known: u32,
    /// Its checks.
    pub checks: Checks,
}

/// How the checks of one item stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemCoverage {
    /// The item.
    pub item: ItemKey,
    /// What people call it.
    pub title: String,
    /// Its checks: one for each computer that it is wanted on.
    pub checks: Checks,
}

/// Checks by what they say. Each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checks {
    /// As wanted.
    pub wanted: u64,
    /// Otherwise.
    pub differs: u64,
    /// With an answer that is too old.
    pub stale: u64,
    /// Never answered, or on a computer that was not reached.
    pub unknown: u64,
    /// Detection ran and did not tell.
    pub undetermined: u64,
    /// They make no sense on that platform.
    pub not_applicable: u64,
}

impl Checks {
    /// How many there are.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.detected() + self.stale + self.unknown + self.undetermined + self.not_applicable
    }

    /// Those with a fresh answer.
    #[must_use]
    pub const fn detected(&self) -> u64 {
        self.wanted + self.differs
    }
}
