//! What an action on a software runs: its scripts by strategy and version, base versions first, hooks last, and before
//! all of it the files that they need.
//!
//! The order: fetch and verify every file, then the pre-install script, then remove and install, then the post-install or
//! post-uninstall script (SW-25, SW-33). What a release says of itself beats what the software says (SW-15).
//!
//! Not here: whether the action is due (`diff`), what a script is told besides (`procedures`).
//!
//! A file that Muster sends is there before any of it runs (`session::execute`), and is verified like the others.
//!
//! Invariants: nothing that changes the computer comes before a fetch; a base version is installed before what requires
//! it, and only where nothing as new as it is there (SW-16).

use std::sync::Arc;

use super::document::ActionType;
use super::payloads::{self, Choice, Machine};
use super::procedures::script;
use crate::config::model::{PACKAGE_MANAGERS, Payload, Release, Software, Strategy};
use crate::session::script::{Platform, Purpose, Script};
use crate::version;

/// An action on computers of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What is done.
    pub action: ActionType,
    /// The version that is to be there afterwards, if one is known.
    pub version: Option<&'a str>,
    /// The version that is there, if one is known.
    pub before: Option<&'a str>,
    /// The platform.
    pub platform: Platform,
    /// The computer, where files are to be chosen for one.
    pub computer: Computer<'a>,
}

/// For whom files are chosen.
#[derive(Debug, Clone, Copy)]
pub enum Computer<'a> {
    /// For nobody yet: only scripts count.
    Any,
    /// For this one.
    With(Machine<'a>),
}

/// One script of an action.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is for.
    pub purpose: Purpose,
    /// The script.
    pub script: Arc<Script>,
    /// The version that it brings, empty where none is known.
    pub version: String,
    /// The version that it finds.
    pub before: String,
    /// The file that it needs or fetches.
    pub payload: Option<Payload>,
}

/// The releases on the way to a version: those that it requires first, as far as nothing as new is there (SW-16).
#[must_use]
pub fn way<'s>(software: &'s Software, version: &str, before: Option<&str>) -> Vec<&'s Release> {
    let is_there = |base: &str| {
        before.is_some_and(|before| {
            version::compare(software.scheme, before, base).is_ok_and(std::cmp::Ordering::is_ge)
        })
    };
    let mut list: Vec<&Release> = Vec::new();
    let mut next = software.release(version);
    while let Some(release) = next.filter(|release| list.iter().all(|known| known.version != release.version))
    {
        list.push(release);
        let base = release.requires.as_deref().filter(|base| !is_there(base));
        next = base.and_then(|base| software.release(base));
    }
    list.reverse();
    list
}

/// How an older version becomes this one.
#[must_use]
pub fn upgrade<'s>(software: &'s Software, version: Option<&str>) -> &'s Strategy {
    let own =
        version.and_then(|version| software.release(version)).and_then(|release| release.upgrade.as_ref());
    own.unwrap_or(&software.upgrade)
}

/// How the version that is there is repaired.
#[must_use]
pub fn repair<'s>(software: &'s Software, before: Option<&str>) -> &'s Strategy {
    let own =
        before.and_then(|version| software.release(version)).and_then(|release| release.repair.as_ref());
    own.unwrap_or(&software.repair)
}

/// The scripts of an action, in order.
///
/// # Errors
/// A phrase such as "it has no install script for posix", when the action cannot be done there.
pub fn parts(software: &Software, call: &Call<'_>) -> Result<Vec<Part>, String> {
    Recipe { software, call }.parts()
}

struct Recipe<'a> {
    software: &'a Software,
    call: &'a Call<'a>,
}

impl Recipe<'_> {
    fn parts(&self) -> Result<Vec<Part>, String> {
        let Call { action, version, before, .. } = *self.call;
        let mut installs = true;
        let changes = match action {
            ActionType::Install => self.fresh(version)?,
            // What was lost on the way is put there as if it had never been.
            ActionType::Reinstall if before.is_none() => self.fresh(version)?,
            ActionType::Reinstall => vec![self.install(version, before)?],
            ActionType::Update | ActionType::Downgrade => self.update(version, before)?,
            ActionType::Uninstall => {
                installs = false;
                let mut parts = vec![self.uninstall(before)?];
                parts.extend(self.hook(self.software.post_uninstall.as_ref(), None, |software| {
                    Purpose::PostUninstall { software }
                }));
                parts
            }
            ActionType::Repair => self.repair(version, before, &mut installs)?,
            ActionType::Finish => {
                installs = false;
                let follows = self.software.post_install.as_ref();
                script(follows, "postInstall", self.call.platform)?;
                self.hook(follows, version, |software| Purpose::PostInstall { software })
                    .into_iter()
                    .collect()
            }
            ActionType::Download => {
                let mut parts = self.fresh(version)?;
                self.choose(&mut parts)?;
                return Ok(self.fetches(&parts));
            }
            _ => return Err("a software cannot be set or read".to_owned()),
        };
        let mut changes = changes;
        if installs {
            let before = self.hook(self.software.pre_install.as_ref(), version, |software| {
                Purpose::PreInstall { software }
            });
            changes.splice(0..0, before);
            changes.extend(self.hook(self.software.post_install.as_ref(), version, |software| {
                Purpose::PostInstall { software }
            }));
        }
        self.choose(&mut changes)?;
        let mut parts = self.fetches(&changes);
        parts.append(&mut changes);
        Ok(parts)
    }

    fn name(&self) -> String {
        self.software.metadata.name.as_str().to_owned()
    }

    fn release(&self, version: Option<&str>) -> Option<&Release> {
        version.and_then(|version| self.software.release(version))
    }

    fn part(purpose: Purpose, script: Arc<Script>, version: Option<&str>, before: Option<&str>) -> Part {
        let text = |version: Option<&str>| version.unwrap_or_default().to_owned();
        Part { purpose, script, version: text(version), before: text(before), payload: None }
    }

    fn install(&self, version: Option<&str>, before: Option<&str>) -> Result<Part, String> {
        let own = self.release(version).and_then(|release| release.install.as_ref());
        let script = script(own.or(self.software.install.as_ref()), "install", self.call.platform)?;
        let purpose = Purpose::InstallSoftware { software: self.name(), version: version.map(str::to_owned) };
        Ok(Self::part(purpose, script, version, before))
    }

    fn uninstall(&self, before: Option<&str>) -> Result<Part, String> {
        let own = self.release(before).and_then(|release| release.uninstall.as_ref());
        let script = script(own.or(self.software.uninstall.as_ref()), "uninstall", self.call.platform)?;
        Ok(Self::part(Purpose::UninstallSoftware { software: self.name() }, script, None, before))
    }

    /// Where nothing is there.
    fn fresh(&self, version: Option<&str>) -> Result<Vec<Part>, String> {
        let Some(wanted) = version.filter(|wanted| self.software.release(wanted).is_some()) else {
            return Ok(vec![self.install(version, None)?]);
        };
        let mut before = None;
        let mut parts = Vec::new();
        for release in way(self.software, wanted, None) {
            let version = Some(release.version.as_str());
            parts.push(if before.is_none() {
                self.install(version, None)?
            } else {
                self.over(version, before)?
            });
            before = version;
        }
        Ok(parts)
    }

    /// A version over an older one.
    fn over(&self, version: Option<&str>, before: Option<&str>) -> Result<Part, String> {
        let Strategy::Script(scripts) = upgrade(self.software, version) else {
            return self.install(version, before);
        };
        let purpose = Purpose::InstallSoftware { software: self.name(), version: version.map(str::to_owned) };
        Ok(Self::part(purpose, script(Some(scripts), "upgrade", self.call.platform)?, version, before))
    }

    fn update(&self, version: Option<&str>, before: Option<&str>) -> Result<Vec<Part>, String> {
        match upgrade(self.software, version) {
            Strategy::None => return Err("its upgrade strategy is none".to_owned()),
            Strategy::UninstallInstall => {
                let mut parts = vec![self.uninstall(before)?];
                parts.extend(self.fresh(version)?);
                return Ok(parts);
            }
            Strategy::InstallOver | Strategy::Script(_) => {}
        }
        let Some(wanted) = version.filter(|wanted| self.software.release(wanted).is_some()) else {
            return Ok(vec![self.over(version, before)?]);
        };
        let mut parts = Vec::new();
        let mut there = before.map(str::to_owned);
        for release in way(self.software, wanted, before) {
            parts.push(self.over(Some(&release.version), there.as_deref())?);
            there = Some(release.version.clone());
        }
        Ok(parts)
    }

    /// A repair, and the update that is due as well (SW-10).
    fn repair(
        &self,
        version: Option<&str>,
        before: Option<&str>,
        installs: &mut bool,
    ) -> Result<Vec<Part>, String> {
        match repair(self.software, before) {
            Strategy::None => Err("its repair strategy is none".to_owned()),
            Strategy::InstallOver => Ok(vec![self.install(version, before)?]),
            Strategy::UninstallInstall => {
                let mut parts = vec![self.uninstall(before)?];
                parts.extend(self.fresh(version)?);
                Ok(parts)
            }
            Strategy::Script(scripts) => {
                let script = script(Some(scripts), "repair", self.call.platform)?;
                let purpose = Purpose::RepairSoftware { software: self.name() };
                let mut parts = vec![Self::part(purpose, script, before, before)];
                *installs = version != before;
                if *installs {
                    parts.extend(self.update(version, before)?);
                }
                Ok(parts)
            }
        }
    }

    fn hook(
        &self,
        scripts: Option<&crate::config::model::Scripts>,
        version: Option<&str>,
        purpose: impl Fn(String) -> Purpose,
    ) -> Option<Part> {
        let script = scripts?.on(self.call.platform)?;
        Some(Self::part(purpose(self.name()), Arc::clone(script), version, self.call.before))
    }

    /// Gives each part that brings a version the file that it needs.
    fn choose(&self, parts: &mut [Part]) -> Result<(), String> {
        let Computer::With(machine) = self.call.computer else { return Ok(()) };
        // Package managers fetch by themselves.
        for part in parts.iter_mut().filter(|part| *part.script.origin != *PACKAGE_MANAGERS) {
            let brings =
                !matches!(part.purpose, Purpose::UninstallSoftware { .. } | Purpose::PostUninstall { .. });
            let Some(release) = self.release(Some(&part.version)).filter(|_| brings) else { continue };
            match payloads::choose(release, self.call.platform, machine) {
                Choice::Nothing => {}
                Choice::File(payload) => part.payload = Some(payload.clone()),
                Choice::Misfit(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// What brings the files of these parts, each once: by the software's own script where it has one (SW-18), and then
    /// verified all the same.
    fn fetches(&self, parts: &[Part]) -> Vec<Part> {
        let own = self.software.download.as_ref().and_then(|scripts| scripts.on(self.call.platform));
        let mut fetches: Vec<Part> = Vec::new();
        for part in parts {
            let Some(payload) = &part.payload else { continue };
            if fetches.iter().any(|known| known.payload.as_ref() == Some(payload)) {
                continue;
            }
            let mut add = |purpose, script| {
                let payload = Some(payload.clone());
                fetches.push(Part { purpose, script, payload, ..part.clone() });
            };
            // What Muster sends needs no script of the software's own.
            let sent = payload.origin.is_sent();
            let own = own.filter(|_| !sent);
            if let Some(own) = own {
                add(Purpose::DownloadPayload { software: self.name() }, Arc::clone(own));
            }
            let purpose = Purpose::FetchPayload { software: self.name(), brought: own.is_some() || sent };
            add(purpose, payloads::fetch(self.call.platform));
        }
        fetches
    }
}
