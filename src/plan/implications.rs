//! What follows for other items: prerequisites that are taken back or added, and the configuration tasks of what is there.
//!
//! Not here: what each item's own winner leads to (`planner`), and how rules are judged (`prerequisites`).
//!
//! Invariant: what is implied says on whose behalf, and nothing is implied where the own winner is undecided.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::diff::{self, Act};
use super::document::{ActionType, Reason};
use super::notes::document;
use super::planner::{Item, Survey, Work};
use super::precedence::is_ignored;
use super::prerequisites::{Implied, Outcome, Standing};
use super::probes;
use super::procedures::{self, starts_over};
use super::recipe::{self, Call};
use super::sessions::Intent;
use super::supply;
use super::view::Seen;
use crate::config::kind::{Mode, SoftwareState};
use crate::config::model::{Deployment, Desired};
use crate::diagnostic::{Finding, code};
use crate::id::Name;
use crate::inventory::item::{ItemKey, ItemKind, Observed};

impl<'a> Work<'a> {
    /// Takes back what is blocked, and adds what is implied.
    pub(super) fn prerequisites(
        &mut self,
        outcome: &Outcome<'a>,
        standings: &BTreeMap<Name, Standing<'a>>,
        survey: &Survey<'a>,
    ) {
        let config = self.view.config;
        for trouble in &outcome.troubles {
            let item = ItemKey::software(trouble.software.clone());
            let at = document(&trouble.software, &trouble.place);
            self.notes.add(trouble.kind, Some(&item), trouble.text.clone(), Some(at), &trouble.computers);
            let on = self.names.some(&trouble.computers);
            if trouble.undoes {
                let message = format!("{} on {on}: {}", trouble.software, trouble.text);
                let finding = Finding::new(code::PREREQUISITE_UNDOES, message, trouble.place.clone());
                self.findings.push(finding.help(
                    "ask about something that what it installs or removes does not change through other software",
                ));
            }
            let Some(other) = &trouble.against else { continue };
            let mut finding = Finding::new(
                code::PREREQUISITE_CONFLICT,
                format!("{} on {on}: {}", trouble.software, trouble.text),
                trouble.place.clone(),
            )
            .help("change one of the two, or exempt these computers from one of them");
            for (deployment, won) in standings.get(other).into_iter().flat_map(|standing| &standing.winners) {
                if !won.is_disjoint(&trouble.computers) {
                    let what = format!("deployment {} wins for {other}", deployment.metadata.name);
                    finding = finding.related(deployment.place.clone(), what);
                }
            }
            self.findings.push(finding);
        }
        for intent in &mut self.intents {
            if intent.item.kind != ItemKind::Software || intent.act.action == ActionType::Uninstall {
                continue;
            }
            if let Some(blocked) = outcome.blocked.get(&intent.item.name) {
                intent.computers -= blocked;
            }
            for implied in outcome.implied.iter().filter(|implied| !implied.install) {
                if implied.software == intent.item.name {
                    intent.computers -= &implied.computers;
                }
            }
        }
        for implied in &outcome.implied {
            let item = ItemKey::software(implied.software.clone());
            let Some(software) = config.software.get(&implied.software) else { continue };
            let mut rest = implied.computers.clone();
            // By its own update-if-found winner where it has one (DEP-8), else in its highest version (PRE-14).
            for (deployment, won) in survey.get(&item).into_iter().flat_map(Item::wins) {
                let mine = &rest & won;
                rest -= &mine;
                let version = match &deployment.desired {
                    Desired::Software { version, .. } => version.install().map(str::to_owned),
                    Desired::Task | Desired::OsUpdates => None,
                };
                let version = version.or_else(|| software.latest().map(str::to_owned));
                self.imply(&item, Some(deployment), version.as_deref(), implied, &mine);
            }
            self.imply(&item, None, software.latest(), implied, &rest);
        }
    }

    fn imply(
        &mut self,
        item: &ItemKey,
        own: Option<&'a Deployment>,
        version: Option<&str>,
        implied: &Implied<'a>,
        computers: &RoaringBitmap,
    ) {
        let Some(software) = self.view.config.software.get(&item.name) else { return };
        let own = own.filter(|deployment| !is_ignored(deployment));
        let parameters = self.view.values(item, own);
        let mut parts = Vec::new();
        self.view.look(item, own, &parameters, Mode::Enforce, computers, &mut parts);
        for part in parts {
            let (Seen::Known(before), Some(platform)) = (part.seen, part.platform) else { continue };
            let parameters = supply::with_license(&parameters, part.license).into_owned();
            self.tally.turn(item, &part.computers, self.view.fleet);
            let (action, version, after) = if implied.install {
                let version = version.map(str::to_owned);
                (ActionType::Install, version.clone(), diff::present_after(software, platform, version))
            } else {
                (ActionType::Uninstall, None, Observed::Absent)
            };
            self.intend(Intent {
                item: item.clone(),
                act: Act { action, reason: Reason::Prerequisite, version, after },
                before: before.clone(),
                mode: Mode::Enforce,
                parameters,
                deployment: implied.deployment,
                needed_by: Some(ItemKey::software(implied.needed_by.clone())),
                license: None,
                platform,
                computers: part.computers,
            });
        }
    }

    /// The configuration tasks of what is there, or will be (TSK-10 to TSK-14).
    pub(super) fn configurations(&mut self, outcome: &Outcome<'a>, survey: &Survey<'a>) {
        let config = self.view.config;
        for (item, known) in survey.iter().filter(|(item, _)| item.kind == ItemKind::Software) {
            let Some(software) = config.software.get(&item.name) else { continue };
            let Some(task) = probes::configuration(config, software) else { continue };
            let mut out = outcome.blocked.get(&item.name).cloned().unwrap_or_default();
            for implied in outcome.implied.iter().filter(|i| !i.install && i.software == item.name) {
                out |= &implied.computers;
            }
            if config.tasks.get(&task.name).is_some_and(|task| !task.enabled) {
                continue;
            }
            // A deployment of the task itself says more, also where it is not known which one wins.
            let plain = ItemKey::task(task.name.clone(), None);
            let keys = if plain == task { vec![&task] } else { vec![&task, &plain] };
            for own in keys.into_iter().filter_map(|key| survey.get(key)) {
                own.winners.won.iter().for_each(|won| out |= won);
                out |= &own.winners.uncertain;
                out |= &own.winners.ambiguous;
            }
            let mut anew = RoaringBitmap::new();
            for intent in self.intents.iter().filter(|intent| intent.item == *item) {
                if starts_over(config, item, &intent.act, &intent.before) {
                    anew |= &intent.computers;
                }
            }
            anew -= &out;
            for part in &known.parts {
                let Some(deployment) = part.deployment else { continue };
                let wanted = matches!(
                    deployment.desired,
                    Desired::Software { state: SoftwareState::Installed | SoftwareState::UpdateIfFound, .. }
                );
                if !wanted || !deployment.configured {
                    continue;
                }
                let values = self.view.values(item, Some(deployment));
                let values = probes::configuration_values(config, &task, &values);
                let there = matches!(part.seen, Seen::Known(Observed::Present { .. }));
                let mut fresh = &part.computers & &anew;
                let keeps = if there { &part.computers - &out - &fresh } else { RoaringBitmap::new() };
                if procedures::removes(config, &task, ActionType::Set) {
                    fresh -= self.held(&task, deployment, &fresh);
                }
                let mut parts = Vec::new();
                self.view.look(&task, Some(deployment), &values, part.mode, &keeps, &mut parts);
                for part in &parts {
                    let values = supply::with_license(&values, part.license);
                    self.part(&task, deployment, &Desired::Task, &values, part);
                }
                let Some(platform) = part.platform.filter(|_| !fresh.is_empty()) else { continue };
                let call = Call {
                    action: ActionType::Set,
                    version: None,
                    before: None,
                    platform,
                    computer: recipe::Computer::Any,
                };
                if procedures::steps(config, &task, &call).is_err() {
                    continue;
                }
                let before = Observed::Undetermined {
                    why: format!("not known before {} is installed", software.metadata.name),
                };
                let at = self.view.snapshot;
                for (license, computers) in supply::by_license(config, at, &task, Some(deployment), &fresh) {
                    self.intents.push(Intent {
                        item: task.clone(),
                        act: Act {
                            action: ActionType::Set,
                            reason: Reason::TaskNonCompliant,
                            version: None,
                            after: Observed::Compliant,
                        },
                        before: before.clone(),
                        mode: part.mode,
                        parameters: supply::with_license(&values, license).into_owned(),
                        deployment,
                        needed_by: None,
                        license: None,
                        platform,
                        computers,
                    });
                }
            }
        }
    }
}
