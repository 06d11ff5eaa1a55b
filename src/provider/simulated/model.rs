//! A simulated computer without its provider: what it answers to a bundle that reached it by another way.
//!
//! Not here: the way. Whoever serves the computer keeps what was changed on it and hears of every step.
//!
//! Invariant: it knows the bundle by its manifest only, so that what a script was given is not known here.

use std::collections::BTreeMap;

use super::answer::{Answer, Machine, looks};
use super::fleet::{Entry, FleetComputer};
pub use super::memory::Changes;
use super::{STEP, bounded};
use crate::id::Name;
use crate::session::bundle::{Manifest, ManifestStep};
use crate::session::frame;
use crate::session::script::{Ended, Purpose, StepResult, Values};
use crate::time::Timestamp;

/// A computer that answers bundles.
#[derive(Debug)]
pub struct Model<'a> {
    /// As it was before any change.
    pub base: &'a FleetComputer,
    /// How software stands in the list of installed programs.
    pub inventory: &'a BTreeMap<Name, Entry>,
}

/// What happened on a computer with one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// It looked.
    Detected,
    /// It is about to change something.
    Begins,
    /// It has changed something.
    Changed,
    /// It could not.
    Failed,
    /// It was left out, after one that failed.
    Skipped,
}

impl Model<'_> {
    /// Does the steps of a bundle and prints what its shell would print. `changes` is what was changed before, and
    /// becomes what is changed now; `clock` is the computer's; `hear` is told of every step.
    #[must_use]
    pub fn answer(
        &self,
        manifest: &Manifest,
        changes: &mut Changes,
        clock: Timestamp,
        hear: &mut dyn FnMut(Happened, &Purpose),
    ) -> Vec<u8> {
        let mut stopped = false;
        let mut results = Vec::with_capacity(manifest.steps.len());
        for step in &manifest.steps {
            if stopped && !looks(&step.purpose) {
                hear(Happened::Skipped, &step.purpose);
                results.push(result(Ended::Skipped, step, Answer::says("")));
                continue;
            }
            let answer = self.step(&step.purpose, changes, hear);
            stopped |= manifest.stop_on_failure && answer.code != 0;
            results.push(result(Ended::Exit(answer.code), step, answer));
        }
        frame::write_results(&manifest.marker, Some(clock), results.iter().map(Some))
    }

    fn step(
        &self,
        purpose: &Purpose,
        changes: &mut Changes,
        hear: &mut dyn FnMut(Happened, &Purpose),
    ) -> Answer {
        let machine = Machine { base: self.base, changes: changes.clone(), inventory: self.inventory };
        if looks(purpose) {
            hear(Happened::Detected, purpose);
            return machine.look(purpose);
        }
        hear(Happened::Begins, purpose);
        match machine.effect(purpose, &Values::new()) {
            Ok(effect) => {
                if let Some(effect) = effect {
                    changes.apply(effect);
                }
                hear(Happened::Changed, purpose);
                Answer::says("simulated: done\n")
            }
            Err(message) => {
                hear(Happened::Failed, purpose);
                Answer::fails(format!("{message}\n"))
            }
        }
    }
}

fn result(ended: Ended, step: &ManifestStep, answer: Answer) -> StepResult {
    let (stdout, out_cut) = bounded(answer.stdout, step.keep);
    let (stderr, err_cut) = bounded(answer.stderr, step.keep);
    let duration = if ended == Ended::Skipped { std::time::Duration::ZERO } else { STEP };
    StepResult { ended, stdout, stderr, cut: out_cut || err_cut, duration }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::facts::Facts;
    use crate::session::collect;
    use crate::session::script::{
        Bundle, Context, Interpreter, Platform, Read, RunError, Script, Step, Write,
    };

    const COMPUTER: &str = "
name: pc-1
identity: { uuid: 4c4c4544-0042-3010-8051-b4c04f4d4e31, serial: B0QMN1, manufacturer: Dell Inc., model: Latitude 5450, osInstalled: 2026-06-01T08:00:00Z }
software: { seven-zip: '23.01' }
";

    fn script() -> Arc<Script> {
        Arc::new(Script {
            interpreter: Interpreter::Sh,
            context: Context::System,
            text: "exit 0\n".into(),
            limit: None,
            origin: "test".into(),
        })
    }

    fn computer() -> FleetComputer {
        serde_saphyr::from_str(COMPUTER).expect("a computer")
    }

    fn clock() -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("a time")
    }

    #[test]
    fn a_bundle_that_changes_is_answered_in_the_frame_of_real_ones() {
        use Happened::{Begins, Changed, Detected, Failed, Skipped};
        let install =
            Purpose::InstallSoftware { software: "seven-zip".to_owned(), version: Some("24.09".to_owned()) };
        let repair = Purpose::RepairSoftware { software: "nothing".to_owned() };
        let detect = Purpose::DetectSoftware { software: "seven-zip".to_owned() };
        let step = |key: &str, purpose| Step::<Write>::change(key, purpose, script(), Values::new());
        let mut bundle = Bundle::new(
            Platform::Posix,
            vec![
                step("install", install.clone()),
                Step::read("verify", detect, script(), Values::new()).in_change(),
                step("repair", repair),
                step("again", install),
            ],
            BTreeMap::new(),
        );
        bundle.stop_on_failure = true;
        let (computer, inventory) = (computer(), BTreeMap::new());
        let model = Model { base: &computer, inventory: &inventory };
        let (mut changes, mut heard) = (Changes::default(), Vec::new());
        let manifest = Manifest::of(&bundle, "muster-0");
        let output = model.answer(&manifest, &mut changes, clock(), &mut |happened, _| heard.push(happened));
        let result = frame::read(&bundle, "muster-0", &output).expect("an answer");
        let ended = |key: &str| result.steps.get(key).map(|step| step.ended.clone());
        assert_eq!(result.clock, Some(clock()));
        assert_eq!(result.steps.get("verify").map(|step| step.stdout.as_str()), Some("24.09\n"));
        assert_eq!((ended("repair"), ended("again")), (Some(Ended::Exit(1)), Some(Ended::Skipped)));
        assert_eq!(heard, [Begins, Changed, Detected, Begins, Failed, Skipped]);
    }

    #[test]
    fn its_facts_say_what_the_fleet_says_of_its_hardware() -> Result<(), RunError> {
        let (computer, inventory) = (computer(), BTreeMap::new());
        let model = Model { base: &computer, inventory: &inventory };
        let bundle: Bundle<Read> =
            Bundle::new(Platform::Posix, vec![collect::step(Platform::Posix)], BTreeMap::new());
        let manifest = Manifest::of(&bundle, "muster-0");
        let output = model.answer(&manifest, &mut Changes::default(), clock(), &mut |_, _| {});
        let result = frame::read(&bundle, "muster-0", &output)?;
        let step = result.steps.get(collect::KEY).expect("the step");
        let facts: Facts = collect::read(Platform::Posix, &step.stdout).expect("facts");
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        assert_eq!(text(&facts.identity.serial), "B0QMN1");
        assert_eq!(text(&facts.identity.manufacturer), "Dell Inc.");
        assert_eq!(text(&facts.identity.uuid).to_lowercase(), "4c4c4544-0042-3010-8051-b4c04f4d4e31");
        assert_eq!(facts.identity.os_installed, "2026-06-01T08:00:00Z".parse().ok());
        Ok(())
    }
}
