//! What a session sees: all of its items before anything is done, one of them again, and what is there after a change.
//!
//! Not here: what follows from it (the module above), and how a result is judged (`aftermath`).

use std::collections::BTreeMap;

use super::{Session, Work};
use crate::config::model::Detect;
use crate::inventory::facts::Facts;
use crate::inventory::item::{Detection, ItemKind, Observed};
use crate::plan::procedure::{Probe, Procedure};
use crate::provider::RunError;
use crate::session::aftermath::Aftermath;
use crate::session::collect;
use crate::session::detect::{environment, observe, platform, reading_steps, updates};
use crate::session::script::{Bundle, BundleResult, Read, Step};
use crate::store::StoreError;
use crate::time::Timestamp;

impl Session<'_> {
    /// Detects every item of the session once, in one round trip.
    pub(super) async fn look(&self) -> Result<Vec<Observed>, RunError> {
        let mut steps: Vec<Step<Read>> = Vec::new();
        let mut broken = BTreeMap::new();
        if self.work.iter().any(|work| work.procedure.as_ref().is_some_and(|p| self.needs_facts(&p.verify))) {
            steps.push(collect::step(platform(self.computer)));
        }
        for (position, work) in self.work.iter().enumerate() {
            let Some(procedure) = &work.procedure else { continue };
            match reading_steps("d", position, &procedure.verify, self.tools.secrets) {
                Ok(more) => steps.extend(more),
                Err(error) => {
                    broken.insert(position, error.to_string());
                }
            }
        }
        if steps.is_empty() {
            // Of tasks that are set once nothing is to be seen; that the computer answers is.
            steps.push(collect::step(platform(self.computer)));
        }
        let bundle = Bundle::new(platform(self.computer), steps, environment(self.computer));
        let result = self.redactor.answer(self.ways.detect(&bundle).await)?;
        let facts = self.facts(&result);
        let known = facts.as_ref();
        let of_provider =
            |work: &Work<'_>| work.procedure.as_ref().is_some_and(|known| known.verify.is_of_provider());
        let updates = if self.work.iter().any(of_provider) { Some(updates(&self.ways).await) } else { None };
        Ok(self
            .work
            .iter()
            .enumerate()
            .map(|(position, work)| match (&work.procedure, broken.get(&position)) {
                (Some(procedure), _) if procedure.verify.is_of_provider() => {
                    updates.clone().unwrap_or(Observed::NotApplicable)
                }
                (_, Some(why)) => Observed::Undetermined { why: why.clone() },
                (None, None) => Observed::NotApplicable,
                (Some(procedure), None) => observe(
                    (self.interpreter, &self.redactor),
                    ("d", position),
                    &procedure.verify,
                    &result,
                    known,
                ),
            })
            .collect())
    }

    /// Whether the inventory answers a probe, wholly or in part, and so has to be collected again.
    pub(super) fn needs_facts(&self, probe: &Probe) -> bool {
        let software = self.tools.config.software.get(&probe.item.name);
        probe.item.kind == ItemKind::Software
            && software.is_some_and(|software| !matches!(software.detect, Detect::Script(_)))
    }

    pub(super) fn facts(&self, result: &BundleResult) -> Option<Facts> {
        let step = result.steps.get(collect::KEY)?;
        collect::read(platform(self.computer), &step.stdout).ok()
    }

    /// Keeps what was observed, so that the next plan knows it.
    pub(super) async fn remember(&self, observed: &[Observed]) -> Result<(), StoreError> {
        let at = self.tools.clock.now();
        let detections: Vec<Detection> = self
            .work
            .iter()
            .zip(observed)
            .filter_map(|(work, observed)| {
                let probe = &work.procedure.as_ref()?.verify;
                Some(self.detection(probe, observed.clone(), at))
            })
            .collect();
        self.tools.store.put_detections(&detections).await
    }

    pub(super) fn detection(&self, probe: &Probe, observed: Observed, at: Timestamp) -> Detection {
        Detection {
            computer: self.computer.id.clone(),
            item: probe.item.clone(),
            probe: probe.digest.clone(),
            at,
            observed,
        }
    }

    /// What is there by now; `None` when that could not be seen. What is set once cannot be looked at, and is as it was.
    pub(super) async fn look_now(
        &self,
        work: &Work<'_>,
        before: Observed,
    ) -> Result<Option<Observed>, StoreError> {
        let Some(procedure) = work.procedure.as_ref().filter(|known| !known.verify.remembered) else {
            return Ok(Some(before));
        };
        let Some(now) = self.look_again(procedure).await else { return Ok(None) };
        let detection = self.detection(&procedure.verify, now.clone(), self.tools.clock.now());
        self.tools.store.put_detections(&[detection]).await?;
        Ok(Some(now))
    }

    /// What is there after a change, looking again by itself when the answer was lost.
    pub(super) async fn see(
        &self,
        procedure: &Procedure,
        answer: Result<BundleResult, RunError>,
    ) -> Aftermath {
        match answer {
            Ok(result) => {
                let facts = self.facts(&result);
                let observed = observe(
                    (self.interpreter, &self.redactor),
                    ("v", 0),
                    &procedure.verify,
                    &result,
                    facts.as_ref(),
                );
                let mut seen = Aftermath::from_result(&result, &procedure.steps, observed);
                // Nothing but its own end says that what is set once was.
                if procedure.verify.remembered && seen.all_ran {
                    seen.observed = Some(Observed::Compliant);
                }
                seen
            }
            Err(error) if error.nothing_ran() => Aftermath {
                observed: None,
                output: None,
                trouble: Some(error.to_string()),
                nothing_ran: true,
                put_off: false,
                all_ran: false,
                unfinished: false,
                not_sent: false,
            },
            Err(error) => {
                let observed =
                    if procedure.verify.remembered { None } else { self.look_again(procedure).await };
                Aftermath {
                    observed,
                    output: None,
                    trouble: Some(error.to_string()),
                    nothing_ran: false,
                    put_off: false,
                    all_ran: false,
                    unfinished: false,
                    not_sent: false,
                }
            }
        }
    }

    async fn look_again(&self, procedure: &Procedure) -> Option<Observed> {
        if procedure.verify.is_of_provider() {
            return Some(updates(&self.ways).await)
                .filter(|now| !matches!(now, Observed::Undetermined { .. }));
        }
        let mut steps = Vec::new();
        if self.needs_facts(&procedure.verify) {
            steps.push(collect::step(platform(self.computer)));
        }
        steps.extend(reading_steps("v", 0, &procedure.verify, self.tools.secrets).ok()?);
        let bundle = Bundle::new(platform(self.computer), steps, environment(self.computer));
        let answer = self.ways.detect(&bundle).await;
        let result = self.redactor.answer(answer).ok()?;
        let facts = self.facts(&result);
        Some(observe(
            (self.interpreter, &self.redactor),
            ("v", 0),
            &procedure.verify,
            &result,
            facts.as_ref(),
        ))
    }
}
