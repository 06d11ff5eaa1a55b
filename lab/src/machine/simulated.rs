//! A computer that is a model: it takes a command apart until it finds a bundle, and answers what its steps are for.
//!
//! Not here: the model (`muster::provider::simulated::model`), commands that are no bundle (`console`).
//!
//! Invariant: what a bundle changed stays changed as long as the lab lives.

use muster::provider::simulated::model::{Changes, Happened, Model};
use muster::session::bundle::{Manifest, ManifestError};

use super::{Machine, Order, Outcome, console};
use crate::clock;
use crate::journal::Entry;
use crate::world::{World, guard};

/// What a simulated computer remembers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    changes: Changes,
}

impl Machine {
    /// What a simulated computer answers.
    pub(super) fn answer(&self, world: &World, order: &Order) -> Outcome {
        let mut memory = guard(&self.memory);
        match self.bundle(world, &order.text, &mut memory.changes) {
            Ok(Some(output)) => Outcome::exit(0, output, ""),
            Ok(None) => console::answer(&self.computer, order.shell, &order.text),
            Err(message) => Outcome::exit(2, "", message),
        }
    }

    /// What a bundle prints here; `None` when the text is none.
    fn bundle(&self, world: &World, text: &str, changes: &mut Changes) -> Result<Option<String>, String> {
        let manifest = match Manifest::read(text) {
            Ok(manifest) => manifest,
            Err(ManifestError::None) => return Ok(None),
            Err(error @ ManifestError::Wrong(_)) => return Err(error.to_string()),
        };
        let base = self.computer.model();
        let model = Model { base: &base, inventory: &world.fleet.inventory };
        let now = clock::shifted(clock::now(), world.dice.computer_skew());
        let output = model.answer(&manifest, changes, now, &mut |happened, purpose| {
            let did = match happened {
                Happened::Detected => "detected",
                Happened::Begins => "begins",
                Happened::Changed => "changed",
                Happened::Failed => "failed",
                Happened::Skipped => "skipped",
            };
            let computer = self.computer.name.clone();
            world.journal.add(Entry::Step { computer, did, purpose: purpose.clone() });
        });
        Ok(Some(String::from_utf8_lossy(&output).into_owned()))
    }
}
