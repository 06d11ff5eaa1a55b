//! Where every software stands before prerequisites are looked at: what is there, what its own winners do, say and allow.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::document::{ActionType, NoteKind};
use super::planner::{Survey, Work};
use super::precedence::is_ignored;
use super::prerequisites::{self, Standing};
use super::recipe::{Call, Computer};
use super::supply::{Due, supply};
use super::view::{Part, Seen};
use super::{probes, procedures};
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Deployment, Desired};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind, Observed};

impl<'a> Work<'a> {
    /// Where every software stands of which something is wanted or that another one asks for.
    pub(super) fn standings(
        &mut self,
        survey: &Survey<'a>,
        scope: &RoaringBitmap,
    ) -> BTreeMap<Name, Standing<'a>> {
        let config = self.view.config;
        let mut standings: BTreeMap<Name, Standing<'a>> = BTreeMap::new();
        if config.software.values().all(|software| software.prerequisites.is_empty()) {
            return standings;
        }
        for (item, known) in survey.iter().filter(|(item, _)| item.kind == ItemKind::Software) {
            let standing = standings.entry(item.name.clone()).or_default();
            for part in &known.parts {
                if let Some(deployment) = part.deployment {
                    own_standing(standing, deployment, part);
                }
            }
        }
        for intent in self.intents.iter().filter(|intent| intent.item.kind == ItemKind::Software) {
            let standing = standings.entry(intent.item.name.clone()).or_default();
            match intent.act.action {
                ActionType::Install => {
                    standing.gains |= &intent.computers;
                    standing.active |= &intent.computers;
                }
                // What was lost comes back.
                ActionType::Reinstall if intent.before == Observed::Absent => {
                    standing.gains |= &intent.computers;
                    standing.active |= &intent.computers;
                }
                ActionType::Uninstall => standing.loses |= &intent.computers,
                _ => {}
            }
        }
        let mut interest: BTreeMap<Name, RoaringBitmap> = standings
            .iter()
            .map(|(name, standing)| (name.clone(), &standing.active | &standing.audited))
            .filter(|(_, computers)| !computers.is_empty())
            .collect();
        prerequisites::spread(config, &mut interest);
        for (name, computers) in interest {
            let item = ItemKey::software(name.clone());
            let mut rest = computers;
            let standing = standings.entry(name).or_default();
            if let Some(known) = survey.get(&item) {
                for part in &known.parts {
                    rest -= &part.computers;
                }
                rest -= &known.winners.uncertain;
                rest -= &known.winners.ambiguous;
            }
            let mut parts = Vec::new();
            let values = self.view.values(&item, None);
            self.view.look(&item, None, &values, Mode::Enforce, &rest, &mut parts);
            for part in &parts {
                self.tally.count_asked(&item, part.seen, &part.computers, self.view.fleet);
                if let Seen::Known(Observed::Undetermined { why }) = part.seen {
                    self.notes.add(NoteKind::Undetermined, Some(&item), why, None, &part.computers);
                }
                presence(standing, part);
            }
        }
        for (name, standing) in &mut standings {
            self.possibilities(name, standing, scope);
        }
        self.winning(survey, &mut standings);
        standings
    }

    /// Where a software could be installed and removed at all.
    fn possibilities(&self, name: &Name, standing: &mut Standing<'a>, scope: &RoaringBitmap) {
        let item = ItemKey::software(name.clone());
        let Some(software) = self.view.config.software.get(name) else { return };
        if !software.enabled {
            standing.disabled = true;
            return;
        }
        for (platform, computers) in &self.view.fleet.platforms {
            if !probes::applicable(software, *platform) {
                continue;
            }
            let can = |action| {
                let computer = Computer::Any;
                let version = software.latest();
                let call = Call { action, version, before: version, platform: *platform, computer };
                procedures::steps(self.view.config, &item, &call).is_ok()
            };
            let within = computers & scope;
            let supplied = |action| {
                let version = software.latest();
                let due = Due { action, version, before: None, license: None, platform: *platform };
                let no_reboot = &self.view.fleet.no_reboot;
                supply(self.view.config, software, &due, self.view.snapshot, no_reboot, &within)
            };
            if can(ActionType::Install) {
                let supply = supplied(ActionType::Install);
                supply.ready.iter().for_each(|(_, computers)| standing.installable |= computers);
                standing.install_lacks.extend(supply.lacking);
            }
            if can(ActionType::Uninstall) {
                let supply = supplied(ActionType::Uninstall);
                supply.ready.iter().for_each(|(_, computers)| standing.removable |= computers);
                standing.removal_lacks.extend(supply.lacking);
            }
        }
    }

    /// What the own winners of a software say to being needed or in the way.
    fn winning(&self, survey: &Survey<'a>, standings: &mut BTreeMap<Name, Standing<'a>>) {
        for (name, standing) in standings {
            let Some(known) = survey.get(&ItemKey::software(name.clone())) else { continue };
            for (deployment, mode, won) in known.wins_in_mode() {
                standing.winners.push((deployment, won.clone()));
                let state = match &deployment.desired {
                    Desired::Software { state, .. } if !is_ignored(deployment) => *state,
                    _ => SoftwareState::Ignored,
                };
                if matches!(state, SoftwareState::Absent | SoftwareState::Ignored) {
                    standing.refuses |= won;
                }
                if matches!(state, SoftwareState::Installed | SoftwareState::Ignored) {
                    standing.keeps |= won;
                }
                if state != SoftwareState::Ignored {
                    for (mode, computers) in self.view.fleet.by_mode(won, mode.min(self.view.ceiling)) {
                        if mode < Mode::Enforce {
                            standing.passive |= computers;
                        }
                    }
                }
            }
        }
    }
}

/// Where a software is, by what is known of it.
fn presence(standing: &mut Standing<'_>, part: &Part<'_>) {
    match part.seen {
        Seen::Known(Observed::Present { .. }) => standing.present |= &part.computers,
        // What makes no sense on a platform is not there, and cannot be put there.
        Seen::Known(Observed::Absent | Observed::NotApplicable) => standing.absent |= &part.computers,
        _ => {}
    }
}

/// What a part of a software with a winner adds to its standing.
fn own_standing(standing: &mut Standing<'_>, deployment: &Deployment, part: &Part<'_>) {
    presence(standing, part);
    let Desired::Software { state, .. } = &deployment.desired else { return };
    let counts = match (state, part.seen) {
        (SoftwareState::Installed | SoftwareState::UpdateIfFound, Seen::Known(Observed::Present { .. })) => {
            true
        }
        // Where it may act this follows from the install, as far as that is possible.
        (SoftwareState::Installed, Seen::Known(Observed::Absent)) => part.mode < Mode::Enforce,
        _ => false,
    };
    if counts {
        if part.mode == Mode::Enforce {
            standing.active |= &part.computers;
        } else {
            standing.audited |= &part.computers;
        }
    }
}
