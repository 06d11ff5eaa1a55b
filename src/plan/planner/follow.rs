//! What follows on computers where a deployment wins: something is meant to be done, or it is said why not.
//!
//! Not here: what follows for other items (`implications`), and putting changes and sessions together (`sessions`).
//!
//! Invariant: every computer of a part is counted under one heading.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::{Item, Work};
use crate::config::kind::{Mode, ParameterValue, ParametersChanged};
use crate::config::model::{Deployment, Desired};
use crate::inventory::item::{ItemKey, ItemKind, Observed};
use crate::plan::coverage::Heading;
use crate::plan::diff::{self, Act, Decision, Wish};
use crate::plan::document::{ActionType, NoteKind, Reason};
use crate::plan::intents::Wanted;
use crate::plan::notes::origin;
use crate::plan::past;
use crate::plan::procedures::{self, starts_over};
use crate::plan::recipe::{self, Call};
use crate::plan::sessions::Intent;
use crate::plan::supply::{self, Due};
use crate::plan::view::{Part, Seen};
use crate::session::script::Platform;

impl<'a> Work<'a> {
    /// What an item's own winners lead to.
    pub(super) fn own(&mut self, item: &ItemKey, known: &Item<'a>) {
        for part in &known.parts {
            if let Some(deployment) = part.deployment {
                let values = self.view.values(item, Some(deployment));
                let values = supply::with_license(&values, part.license);
                self.part(item, deployment, &deployment.desired, &values, part);
            }
        }
    }

    /// What one part leads to.
    pub(in crate::plan) fn part(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        desired: &Desired,
        values: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
    ) {
        let lost = match part.seen {
            Seen::Known(Observed::Absent) if desired.is_update_if_found() => {
                self.past.lost(item, &part.computers)
            }
            _ => RoaringBitmap::new(),
        };
        if lost.is_empty() {
            return self.follow(item, deployment, desired, values, part, false);
        }
        let rest = &part.computers - &lost;
        for (computers, lost) in [(lost, true), (rest, false)] {
            if !computers.is_empty() {
                let part = Part { computers, ..part.clone() };
                self.follow(item, deployment, desired, values, &part, lost);
            }
        }
    }

    /// The same where what is absent is lost, or is not.
    fn follow(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        desired: &Desired,
        values: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
        lost: bool,
    ) {
        let key = part.platform.map(|platform| {
            let wanted = Wanted { item, desired, mode: part.mode, platform, values };
            self.wanted.key(self.view.config, deployment, &wanted)
        });
        if let Some(key) = &key {
            self.wanted.wants(key, &part.computers);
        }
        let (Seen::Known(observed), Some(platform)) = (part.seen, part.platform) else {
            // What is known and on no known platform tells nothing.
            let heading = match Heading::of(part.seen) {
                Heading::Wanted => Heading::Undetermined,
                other => other,
            };
            self.tally.count(item, heading, &part.computers, self.view.fleet);
            return;
        };
        let repair = self.view.run.repairs(item);
        let wish = Wish { config: self.view.config, item, desired, mode: part.mode, platform, repair };
        let decision = if lost { diff::restore(&wish) } else { diff::decide(&wish, observed) };
        let at = Some(origin(deployment));
        let (heading, fleet) = (Heading::decided(&decision), self.view.fleet);
        if decision != Decision::Nothing {
            self.tally.count(item, heading, &part.computers, fleet);
        }
        match decision {
            Decision::NotApplicable => {}
            Decision::Nothing => {
                let stale = self.other_values(item, deployment, observed, values, part, platform);
                let mut good = &part.computers - &stale;
                let unfinished = self.unfinished(item, deployment, observed, values, part, &good, platform);
                self.tally.count(item, Heading::Differs, &unfinished, fleet);
                good -= unfinished;
                self.tally.count(item, heading, &good, fleet);
                if matches!(observed, Observed::Value { .. }) {
                    self.tally.read += good.len();
                }
                self.tally.count(item, Heading::Differs, &stale, fleet);
                if let Some(key) = &key {
                    self.wanted.satisfies(key, &good);
                }
            }
            Decision::Blocked(why) => self.notes.add(NoteKind::Blocked, Some(item), why, at, &part.computers),
            Decision::NonCompliant(what) => {
                self.notes.add(NoteKind::NonCompliant, Some(item), what, at, &part.computers);
            }
            Decision::Undetermined(why) => {
                self.notes.add(NoteKind::Undetermined, Some(item), why, at, &part.computers);
            }
            Decision::Act(act) => {
                let mut computers = part.computers.clone();
                // An update or repair that begins by removing may end there.
                let removes =
                    *observed != Observed::Absent && starts_over(self.view.config, item, &act, observed);
                if removes || procedures::removes(self.view.config, item, act.action) {
                    computers -= self.held(item, deployment, &computers);
                }
                self.intend(Intent {
                    item: item.clone(),
                    act,
                    before: observed.clone(),
                    mode: part.mode,
                    parameters: values.clone(),
                    deployment,
                    needed_by: None,
                    license: None,
                    platform,
                    computers,
                });
            }
        }
    }

    /// Where nothing may be removed now (L3); says so.
    pub(in crate::plan) fn held(
        &mut self,
        item: &ItemKey,
        deployment: &Deployment,
        computers: &RoaringBitmap,
    ) -> RoaringBitmap {
        let held = computers & self.view.snapshot.held();
        self.notes.add(NoteKind::Held, Some(item), supply::HELD, Some(origin(deployment)), &held);
        held
    }

    /// Means to do something, where there is what it takes: a licence and a file (SW-21, SW-28). Elsewhere says what is
    /// missing.
    pub(in crate::plan) fn intend(&mut self, intent: Intent<'a>) {
        let config = self.view.config;
        if intent.item.kind == ItemKind::OsUpdates {
            // Whether a restart follows is decided elsewhere, so where nothing may restart nothing is started.
            let held = &intent.computers & &self.view.fleet.no_reboot;
            let (at, item) = (Some(origin(intent.deployment)), intent.item.clone());
            self.notes.add(NoteKind::Blocked, Some(&item), supply::NO_REBOOT, at, &held);
            let computers = &intent.computers - held;
            self.intents.push(Intent { computers, ..intent });
            return;
        }
        let software = config.software.get(&intent.item.name);
        let Some(software) = software.filter(|_| intent.item.kind == ItemKind::Software) else {
            self.intents.push(intent);
            return;
        };
        let license = intent.deployment.license.as_ref().filter(|_| intent.needed_by.is_none());
        let due = Due::of(config, &intent.item, &intent.act, &intent.before, license, intent.platform);
        let (version, before) = (due.version, due.before);
        let supply = supply::supply(
            config,
            software,
            &due,
            self.view.snapshot,
            &self.view.fleet.no_reboot,
            &intent.computers,
        );
        let at = Some(origin(intent.deployment));
        for (why, computers) in &supply.lacking {
            let text = supply::blocked(&intent.act, why);
            self.notes.add(NoteKind::Blocked, Some(&intent.item), text, at.clone(), computers);
        }
        let way = version.map(|version| recipe::way(software, version, before)).unwrap_or_default();
        for (license, computers) in supply.ready {
            if let [bases @ .., wanted] = way.as_slice()
                && !bases.is_empty()
                && intent.act.action != ActionType::Uninstall
            {
                let bases: Vec<&str> = bases.iter().map(|release| release.version.as_str()).collect();
                let text = format!("{} goes over {}", wanted.version, bases.join(", then "));
                self.notes.add(NoteKind::Hint, Some(&intent.item), text, at.clone(), &computers);
            }
            let license = license.map(|license| license.metadata.name.clone());
            self.intents.push(Intent { license, computers, ..intent.clone() });
        }
    }

    /// Software that is as wanted and was put there with other values (PAR-8). Gives the computers concerned.
    fn other_values(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        observed: &'a Observed,
        parameters: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
        platform: Platform,
    ) -> RoaringBitmap {
        let Some(software) =
            self.view.config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software)
        else {
            return RoaringBitmap::new();
        };
        let Observed::Present { version, .. } = observed else { return RoaringBitmap::new() };
        if software.parameters_changed(deployment.configured) == ParametersChanged::Ignore
            || software.parameters.is_empty()
        {
            return RoaringBitmap::new();
        }
        let computers = self.past.other_values(
            item,
            &past::values(&supply::without_license(self.view.config, item, parameters)),
            &part.computers,
        );
        if computers.is_empty() {
            return computers;
        }
        let at = Some(origin(deployment));
        let act = Act {
            action: ActionType::Reinstall,
            reason: Reason::ParametersChanged,
            version: version.clone(),
            after: diff::present_after(software, platform, version.clone()),
        };
        let call = Call {
            action: act.action,
            version: act.version.as_deref(),
            before: version.as_deref(),
            platform,
            computer: recipe::Computer::Any,
        };
        let steps = if diff::installs_again(software, platform, version.as_deref()) {
            procedures::steps(self.view.config, item, &call)
        } else {
            let there = version.as_deref().unwrap_or("the version that is there");
            Err(format!("{there} is none of its releases"))
        };
        match steps {
            Err(why) => {
                let text =
                    format!("it was installed with other values; {} is due, and {why}", diff::phrase(&act));
                self.notes.add(NoteKind::Blocked, Some(item), text, at, &computers);
            }
            Ok(_) if part.mode < Mode::Enforce => {
                let text = "it was installed with other values";
                self.notes.add(NoteKind::NonCompliant, Some(item), text, at, &computers);
            }
            Ok(_) => self.intend(Intent {
                item: item.clone(),
                act,
                before: observed.clone(),
                mode: part.mode,
                parameters: parameters.clone(),
                deployment,
                needed_by: None,
                license: None,
                platform,
                computers: computers.clone(),
            }),
        }
        computers
    }

    /// Software that is as wanted and whose script that follows an install may not have done its part: it is given once more.
    /// Where that was in vain, says so. Gives the computers on which it is given.
    #[expect(clippy::too_many_arguments, reason = "all that a wish is made of")]
    fn unfinished(
        &mut self,
        item: &ItemKey,
        deployment: &'a Deployment,
        observed: &'a Observed,
        parameters: &BTreeMap<String, ParameterValue>,
        part: &Part<'a>,
        computers: &RoaringBitmap,
        platform: Platform,
    ) -> RoaringBitmap {
        let none = RoaringBitmap::new();
        let software = self.view.config.software.get(&item.name).filter(|_| item.kind == ItemKind::Software);
        let Some(act) = software.and_then(|software| diff::finish(software, platform, observed)) else {
            return none;
        };
        let again = if part.mode < Mode::Enforce { none } else { self.past.to_finish(item, computers) };
        let told = self.past.unfinished(item, computers) - &again;
        let text = "it is there, and its postInstall script may not have done its part: what put it there did not \
                    come to a good end";
        self.notes.add(NoteKind::Hint, Some(item), text, Some(origin(deployment)), &told);
        if !again.is_empty() {
            self.intend(Intent {
                item: item.clone(),
                act,
                before: observed.clone(),
                mode: part.mode,
                parameters: parameters.clone(),
                deployment,
                needed_by: None,
                license: None,
                platform,
                computers: again.clone(),
            });
        }
        again
    }
}
