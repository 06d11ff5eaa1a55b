//! Wanted against observed, for one item: what follows (the table of design §6).
//!
//! Not here: who wins (`precedence`) and what other items need (`prerequisites`).
//!
//! Invariants: an unknown state leads to no action and is never compliant (L7); only enforce leads to an action (L5).

use serde::Serialize;
use std::cmp::Ordering;

use super::document::{ActionType, Change, Reason};
use super::procedures;
use super::recipe::{self, Call, Computer};
use crate::config::Config;
use crate::config::kind::{Mode, SoftwareState, VersionScheme};
use crate::config::model::{Desired, PACKAGE_MANAGERS, Software, Strategy, WantedVersion};
use crate::inventory::item::{ItemKey, Observed};
use crate::session::script::Platform;
use crate::version::{self, Constraint};

/// A wish for one item on computers of one platform.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The item.
    pub item: &'a ItemKey,
    /// What is wanted of it.
    pub desired: &'a Desired,
    /// The most cautious of all modes that apply.
    pub mode: Mode,
    /// The platform.
    pub platform: Platform,
    /// Whether the run asks for a repair of what is there.
    pub repair: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Nothing: it is as wanted, or nothing is wanted.
    Nothing,
    /// Something is to be done.
    Act(Act),
    /// Something would have to be done and cannot be. Says why.
    Blocked(String),
    /// Something differs, and the mode lets Muster only say so. Says what.
    NonCompliant(String),
    /// What was observed does not tell. Says why.
    Undetermined(String),
    /// The item makes no sense on this platform.
    NotApplicable,
}

/// An action on one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// What is done.
    pub action: ActionType,
    /// Why.
    pub reason: Reason,
    /// The version to install, if the action has one.
    pub version: Option<String>,
    /// What is to be observed afterwards.
    pub after: Observed,
}

/// What follows from a wish and an observation.
#[must_use]
pub fn decide(wish: &Wish<'_>, observed: &Observed) -> Decision {
    match observed {
        Observed::Undetermined { why } => return Decision::Undetermined(why.clone()),
        Observed::NotApplicable => return Decision::NotApplicable,
        _ => {}
    }
    if wish.mode == Mode::Ignored {
        return Decision::Nothing;
    }
    let decision = match wish.desired {
        Desired::OsUpdates => updates(observed),
        Desired::Task => {
            let known = wish.config.tasks.get(&wish.item.name);
            task(known.is_some_and(|task| task.once.is_some()), observed)
        }
        Desired::Software { state, version, allow_downgrade } => {
            match wish.config.software.get(&wish.item.name) {
                None => Decision::NotApplicable,
                Some(software) => {
                    let repair = wish.repair && wish.mode == Mode::Enforce;
                    let (platform, down) = (wish.platform, *allow_downgrade);
                    let case = Case { software, platform, wanted: version, down, repair };
                    case.decide(*state, observed)
                }
            }
        }
    };
    allowed(wish, observed, decision)
}

/// What follows where a software is gone because something that was to change it did not end well: it is missing, also where
/// it is only wanted as long as it is found, and it is installed again.
#[must_use]
pub fn restore(wish: &Wish<'_>) -> Decision {
    let software = wish.config.software.get(&wish.item.name);
    let (Some(software), Desired::Software { version, .. }) = (software, wish.desired) else {
        return Decision::NotApplicable;
    };
    if wish.mode == Mode::Ignored {
        return Decision::Nothing;
    }
    let version = version.install().map(str::to_owned);
    let after = present_after(software, wish.platform, version.clone());
    let act = Act { action: ActionType::Reinstall, reason: Reason::Missing, version, after };
    allowed(wish, &Observed::Absent, Decision::Act(act))
}

/// What gives the script that follows an install once more, where the software is there; `None` where there is no such script.
#[must_use]
pub fn finish(software: &Software, platform: Platform, observed: &Observed) -> Option<Act> {
    let Observed::Present { version, .. } = observed else { return None };
    software.post_install.as_ref()?.on(platform)?;
    let after = present_after(software, platform, version.clone());
    Some(Act { action: ActionType::Finish, reason: Reason::Unfinished, version: version.clone(), after })
}

/// What can be done and may be done of it.
fn allowed(wish: &Wish<'_>, observed: &Observed, decision: Decision) -> Decision {
    let decision = possible(wish, observed, decision);
    if wish.mode < Mode::Enforce { only_tell(decision, observed) } else { decision }
}

/// An action without a script for it is blocked.
fn possible(wish: &Wish<'_>, observed: &Observed, decision: Decision) -> Decision {
    let Decision::Act(act) = &decision else { return decision };
    let call = Call {
        action: act.action,
        version: act.version.as_deref(),
        before: procedures::version_of(observed),
        platform: wish.platform,
        computer: Computer::Any,
    };
    match procedures::steps(wish.config, wish.item, &call) {
        Ok(_) => decision,
        Err(why) => Decision::Blocked(format!("{} is due, and {why}", phrase(act))),
    }
}

/// What audit and monitor make of it.
fn only_tell(decision: Decision, observed: &Observed) -> Decision {
    match decision {
        Decision::Act(act) if act.reason == Reason::NotRunYet => {
            Decision::NonCompliant("it has not run yet".to_owned())
        }
        Decision::Act(act) if act.action == ActionType::OsUpdate => {
            Decision::NonCompliant("approved updates wait".to_owned())
        }
        Decision::Act(act) if act.action == ActionType::Set => Decision::NonCompliant(match observed {
            Observed::NonCompliant { detail, fields } if detail.is_empty() && !fields.is_empty() => {
                // What was found differs from computer to computer, what is wanted does not: one sentence for all (L12).
                let wanted: Vec<String> = fields
                    .iter()
                    .map(|field| match &field.after {
                        Some(after) => format!("{} is not {after}", field.field),
                        None => format!("{} is there", field.field),
                    })
                    .collect();
                wanted.join("; ")
            }
            Observed::NonCompliant { detail, .. } if !detail.is_empty() => {
                format!("its test says false: {detail}")
            }
            _ => "its test says false".to_owned(),
        }),
        Decision::Act(act) => Decision::NonCompliant(format!("{} would be due", phrase(&act))),
        Decision::Blocked(why) => Decision::NonCompliant(why),
        other => other,
    }
}

/// An action in words: "an update to 1.2".
#[must_use]
pub fn phrase(act: &Act) -> String {
    let noun = match act.action {
        ActionType::Install => "an install",
        ActionType::Update => "an update",
        ActionType::Downgrade => "a downgrade",
        ActionType::Uninstall => "an uninstall",
        ActionType::Repair => "a repair",
        ActionType::Reinstall => "another install",
        ActionType::Finish => "its postInstall script",
        ActionType::Download => "a download",
        ActionType::Set => "a set",
        ActionType::OsUpdate => "an update of the system",
        _ => "an action",
    };
    match (&act.version, act.action) {
        (Some(version), ActionType::Install) => format!("{noun} of {version}"),
        (Some(version), ActionType::Update | ActionType::Downgrade) => format!("{noun} to {version}"),
        _ => noun.to_owned(),
    }
}

fn updates(observed: &Observed) -> Decision {
    match observed {
        Observed::NonCompliant { .. } => Decision::Act(Act {
            action: ActionType::OsUpdate,
            reason: Reason::UpdatesWaiting,
            version: None,
            after: Observed::Compliant,
        }),
        Observed::Compliant => Decision::Nothing,
        _ => Decision::Undetermined("another state stands where that of updates was expected".to_owned()),
    }
}

fn task(once: bool, observed: &Observed) -> Decision {
    match observed {
        Observed::NonCompliant { .. } => Decision::Act(Act {
            action: ActionType::Set,
            reason: if once { Reason::NotRunYet } else { Reason::TaskNonCompliant },
            version: None,
            after: Observed::Compliant,
        }),
        Observed::Compliant | Observed::Value { .. } => Decision::Nothing,
        _ => Decision::Undetermined("a software's state stands where a task's was expected".to_owned()),
    }
}

/// A software on a platform with the versions that are wanted.
struct Case<'a> {
    software: &'a Software,
    platform: Platform,
    wanted: &'a WantedVersion,
    down: bool,
    repair: bool,
}

/// How a version stands to the wanted ones.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Wanted,
    Older(String),
    Newer(String),
    Unknown,
}

impl Case<'_> {
    fn decide(&self, state: SoftwareState, observed: &Observed) -> Decision {
        match (state, observed) {
            (SoftwareState::Ignored, _)
            | (SoftwareState::Absent | SoftwareState::UpdateIfFound, Observed::Absent) => Decision::Nothing,
            (SoftwareState::Absent, Observed::Present { .. }) => Decision::Act(Act {
                action: ActionType::Uninstall,
                reason: Reason::Detected,
                version: None,
                after: Observed::Absent,
            }),
            (SoftwareState::Installed, Observed::Absent) => {
                let version = self.wanted.install().map(str::to_owned);
                self.act(ActionType::Install, Reason::Missing, version)
            }
            (
                SoftwareState::Installed | SoftwareState::UpdateIfFound,
                Observed::Present { version, healthy },
            ) => self.present(version.as_deref(), *healthy),
            _ => Decision::Undetermined("a task's state stands where a software's was expected".to_owned()),
        }
    }

    /// Whether a test says if it is well.
    fn is_tested(&self, version: Option<&str>) -> bool {
        let after = present_after(self.software, self.platform, version.map(str::to_owned));
        matches!(after, Observed::Present { healthy: Some(_), .. })
    }

    fn present(&self, version: Option<&str>, healthy: Option<bool>) -> Decision {
        let standing = standing(self.software.scheme, self.wanted, version);
        let repair = recipe::repair(self.software, version);
        let repairable = !matches!(repair, Strategy::None);
        let fails = healthy == Some(false);
        if (fails || self.repair) && (repairable || !matches!(standing, Standing::Older(_))) {
            return self.repair(version, &standing, repair, fails);
        }
        match standing {
            Standing::Wanted if healthy.is_none() && self.is_tested(version) => {
                Decision::Undetermined("it is there, and its test gave no verdict".to_owned())
            }
            Standing::Wanted => Decision::Nothing,
            Standing::Older(wanted) => self.act(ActionType::Update, Reason::UpdateAvailable, Some(wanted)),
            Standing::Newer(wanted) if self.down => {
                self.act(ActionType::Downgrade, Reason::OlderVersionRequired, Some(wanted))
            }
            Standing::Newer(wanted) => Decision::Blocked(format!(
                "{} is there, newer than the wanted {wanted}, and allowDowngrade is not set",
                version.unwrap_or("a version")
            )),
            Standing::Unknown => Decision::Undetermined(match version {
                None => "it is there, and its version is not known".to_owned(),
                Some(version) => format!("its version {version} cannot be compared with the wanted one"),
            }),
        }
    }

    /// Where the test says false (`fails`), or somebody asks for it.
    fn repair(&self, version: Option<&str>, standing: &Standing, repair: &Strategy, fails: bool) -> Decision {
        let can_update =
            |wanted: &str| !matches!(recipe::upgrade(self.software, Some(wanted)), Strategy::None);
        let leaves_version = matches!(repair, Strategy::Script(_) | Strategy::None);
        let reason = if fails { Reason::TestFailed } else { Reason::RepairRequested };
        match standing {
            // A repair that installs again does so in the wanted version. A repair script leaves the version alone, and
            // the update follows it, unless there is no way to update.
            Standing::Older(wanted) if !matches!(repair, Strategy::Script(_)) || can_update(wanted) => {
                return self.act(ActionType::Repair, reason, Some(wanted.clone()));
            }
            // Two actions where the older version does it in one would be one too many.
            Standing::Newer(wanted) if self.down && can_update(wanted) => {
                return self.act(ActionType::Downgrade, Reason::OlderVersionRequired, Some(wanted.clone()));
            }
            _ => {}
        }
        if !leaves_version && !installs_again(self.software, self.platform, version) {
            if let (None, WantedVersion::Any { install: Some(install) }) = (version, self.wanted) {
                // Any will do, and which one is there is not seen, before or afterwards.
                let after = present_after(self.software, self.platform, None);
                let version = Some(install.clone());
                return Decision::Act(Act { action: ActionType::Repair, reason, version, after });
            }
            let why = if fails { "its test says false" } else { "a repair is asked for" };
            return Decision::Blocked(format!(
                "{why}, and {} is none of its releases, so it cannot be installed again",
                version.unwrap_or("the version that is there")
            ));
        }
        self.act(ActionType::Repair, reason, version.map(str::to_owned))
    }

    fn act(&self, action: ActionType, reason: Reason, version: Option<String>) -> Decision {
        let after = present_after(self.software, self.platform, version.clone());
        Decision::Act(Act { action, reason, version, after })
    }
}

/// Whether there is what it takes to install a software again in the version that was found: a release, a package manager,
/// which knows more versions than are declared, or a software that declares none at all.
#[must_use]
pub fn installs_again(software: &Software, platform: Platform, found: Option<&str>) -> bool {
    let script = software.install.as_ref().and_then(|scripts| scripts.on(platform));
    software.releases.is_empty()
        || found.is_some_and(|found| software.release(found).is_some())
        || script.is_some_and(|script| *script.origin == *PACKAGE_MANAGERS)
}

/// What is to be observed when a software is there in a version and well.
#[must_use]
pub fn present_after(software: &Software, platform: Platform, version: Option<String>) -> Observed {
    let release = version.as_deref().and_then(|version| software.release(version));
    let test = release.and_then(|release| release.test.as_ref()).or(software.test.as_ref());
    let tested = test.is_some_and(|test| test.on(platform).is_some());
    Observed::Present { version, healthy: tested.then_some(true) }
}

impl WantedVersion {
    /// The version that would be installed, if one is known.
    #[must_use]
    pub fn install(&self) -> Option<&str> {
        match self {
            Self::Any { install } => install.as_deref(),
            Self::Latest { install } | Self::Range { install, .. } => Some(install),
            Self::Exact { version } => Some(version),
        }
    }
}

fn standing(scheme: VersionScheme, wanted: &WantedVersion, version: Option<&str>) -> Standing {
    if matches!(wanted, WantedVersion::Any { .. }) {
        return Standing::Wanted;
    }
    let (Some(version), Some(install)) = (version, wanted.install()) else { return Standing::Unknown };
    let Ok(order) = version::compare(scheme, version, install) else { return Standing::Unknown };
    if let WantedVersion::Range { constraint, .. } = wanted {
        match Constraint::parse(scheme, constraint).and_then(|constraint| constraint.allows(version)) {
            Ok(true) => return Standing::Wanted,
            Ok(false) => {}
            Err(_) => return Standing::Unknown,
        }
    }
    match (order, wanted) {
        (Ordering::Less, _) => Standing::Older(install.to_owned()),
        (Ordering::Equal, _) | (Ordering::Greater, WantedVersion::Latest { .. }) => Standing::Wanted,
        (Ordering::Greater, _) => Standing::Newer(install.to_owned()),
    }
}

/// Whether what was observed after a change is what it was to bring about; `None` when that is not known (L6, L7).
///
/// Something newer than what was installed is fine (DEP-11), except after a downgrade and where the wish, an exact version or
/// a constraint, does not allow it.
#[must_use]
pub fn achieved(config: &Config, change: &Change, observed: &Observed) -> Option<bool> {
    let scheme = config.software.get(&change.item.name).map_or_else(VersionScheme::default, |s| s.scheme);
    match (&change.after, observed) {
        (_, Observed::Undetermined { .. } | Observed::NotApplicable | Observed::Value { .. }) => None,
        (Observed::Absent, Observed::Absent) | (Observed::Compliant, Observed::Compliant) => Some(true),
        (
            Observed::Present { version: wanted, healthy: well },
            Observed::Present { version: found, healthy },
        ) => {
            if *healthy == Some(false) {
                return Some(false);
            }
            if well.is_some() && healthy.is_none() {
                return None;
            }
            let Some(wanted) = wanted else { return Some(true) };
            let order = version::compare(scheme, found.as_deref()?, wanted).ok()?;
            match (change.action, order) {
                (_, Ordering::Less) | (ActionType::Downgrade, Ordering::Greater) => Some(false),
                (_, Ordering::Equal) => Some(true),
                (_, Ordering::Greater) => {
                    // Where not even what was installed is what is wanted (a repair), it is not to be more than that.
                    let wish = wish_for(config, change)
                        .filter(|wish| standing(scheme, wish, Some(wanted)) == Standing::Wanted);
                    match wish.map(|wish| standing(scheme, wish, found.as_deref())) {
                        Some(Standing::Newer(_) | Standing::Older(_)) => Some(false),
                        Some(Standing::Unknown) => None,
                        Some(Standing::Wanted) | None => Some(true),
                    }
                }
            }
        }
        _ => Some(false),
    }
}

/// The versions that the deployment wants which a change is made for; `None` for what another item needs.
fn wish_for<'c>(config: &'c Config, change: &Change) -> Option<&'c WantedVersion> {
    let deployment = config.deployments.get(&change.deployment.name)?;
    match &deployment.desired {
        Desired::Software { version, .. } if deployment.item == change.item && change.needed_by.is_none() => {
            Some(version)
        }
        _ => None,
    }
}
