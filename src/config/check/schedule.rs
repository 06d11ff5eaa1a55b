//! Schedules: whom their runs are for, and the deployment that their updates of the operating system are.
//!
//! Invariant: what a schedule adds to its runs is a deployment like others, so that modes, holds, budgets and guardrails
//! are about it too; it counts in runs of its schedule only.

use std::collections::BTreeMap;

use super::{Checker, by_name};
use crate::config::document::Documents;
use crate::config::kind::{Enforcement, Mode, OsUpdates};
use crate::config::model::{Deployment, Desired, Layer, Schedule};
use crate::diagnostic::{Finding, code};
use crate::id::Name;
use crate::inventory::item::ItemKey;

impl<'a> Checker<'a> {
    pub(super) fn schedules(
        &mut self,
        documents: &'a Documents,
        deployments: &mut BTreeMap<Name, Deployment>,
    ) -> BTreeMap<Name, Schedule> {
        let targets = by_name(&documents.targets);
        let mut schedules = BTreeMap::new();
        for document in &documents.schedules {
            self.begin(document);
            let (raw, spec) = (&document.raw, &document.spec);
            let Some(expression) = self.target(raw, &spec.target, &targets) else { continue };
            let schedule = Schedule {
                metadata: document.metadata.clone(),
                place: document.place(),
                target: spec.target.r#ref.clone(),
                expression: expression.clone(),
                os_updates: spec.os_updates,
            };
            if spec.os_updates == OsUpdates::Approved && !schedules.contains_key(document.name()) {
                self.updates(&schedule, deployments);
            }
            schedules.entry(document.name().clone()).or_insert(schedule);
        }
        self.begin_all();
        schedules
    }

    /// The deployment of the updates that the runs of a schedule start.
    fn updates(&mut self, schedule: &Schedule, deployments: &mut BTreeMap<Name, Deployment>) {
        let (own, place) = (&schedule.metadata.name, &schedule.place);
        let (Some(name), Some(item)) = (Schedule::updates(own), ItemKey::os_updates()) else {
            let message = format!("the name `{own}` is too long for a schedule with updates");
            let finding = Finding::new(code::SETTING, message, place.clone());
            self.push(finding.help("give it a name of at most 51 letters"));
            return;
        };
        if let Some(other) = deployments.get(&name) {
            let message =
                format!("another deployment is called `{name}`, as the updates of this schedule are");
            let finding = Finding::new(code::BUNDLE_ENTRY, message, place.clone());
            self.push(
                finding.related(other.place.clone(), "this one").help("give one of the two another name"),
            );
            return;
        }
        deployments.insert(
            name.clone(),
            Deployment {
                metadata: crate::config::kind::Metadata { name, ..schedule.metadata.clone() },
                place: place.clone(),
                item,
                desired: Desired::OsUpdates,
                mode: Mode::Enforce,
                target: schedule.target.clone(),
                expression: schedule.expression.clone(),
                parameters: BTreeMap::new(),
                license: None,
                configured: true,
                priority: 0,
                enabled: true,
                enforcement: Enforcement::Required,
                hold: None,
                layer: Layer::Local,
                bundle: None,
            },
        );
    }
}
