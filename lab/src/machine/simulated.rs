//! A computer that is a model: it takes a command apart until it finds a bundle, and answers what its steps are for.
//!
//! Not here: the model (`muster::provider::simulated::model`), commands that are no bundle (`console`).
//!
//! Invariant: what a bundle changed stays changed as long as the lab lives.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::provider::simulated::model::{Changes, Happened, Model};
use muster::session::bundle::{Manifest, ManifestError};
use muster::session::envelope::{Mailbox, Received};

use super::{Machine, Order, Outcome, console};
use crate::clock;
use crate::journal::Entry;
use crate::world::{World, guard};

/// What a simulated computer remembers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    changes: Changes,
    mailbox: Mailbox,
}

impl Machine {
    /// What a simulated computer answers.
    pub(super) fn answer(&self, world: &World, order: &Order) -> Outcome {
        let mut memory = guard(&self.memory);
        let Memory { changes, mailbox } = &mut *memory;
        let now = clock::shifted(clock::now(), world.dice.computer_skew());
        let text = script(&order.text);
        match mailbox.receive(&text, now.as_second()) {
            Some(Received::Says(output)) => Outcome::exit(0, output, ""),
            Some(Received::Runs { id, text }) => {
                // What is no bundle in an envelope is run as it is.
                let output = match self.bundle(world, &text, changes, now) {
                    Ok(Some(output)) => output,
                    Ok(None) => console::answer(&self.computer, order.shell, &text).stdout.into_bytes(),
                    Err(message) => message.into_bytes(),
                };
                Outcome::exit(0, mailbox.finish(&id, now.as_second(), output), "")
            }
            None => match self.bundle(world, &text, changes, now) {
                Ok(Some(output)) => Outcome::exit(0, String::from_utf8_lossy(&output), ""),
                Ok(None) => console::answer(&self.computer, order.shell, &text),
                Err(message) => Outcome::exit(2, "", message),
            },
        }
    }

    /// What a bundle prints here; `None` when the text is none.
    fn bundle(
        &self,
        world: &World,
        text: &str,
        changes: &mut Changes,
        now: jiff::Timestamp,
    ) -> Result<Option<Vec<u8>>, String> {
        let manifest = match Manifest::read(text) {
            Ok(manifest) => manifest,
            Err(ManifestError::None) => return Ok(None),
            Err(error @ ManifestError::Wrong(_)) => return Err(error.to_string()),
        };
        let base = self.computer.model();
        let model = Model { base: &base, inventory: &world.fleet.inventory };
        Ok(Some(model.answer(&manifest, changes, now, &mut |happened, purpose| {
            let did = match happened {
                Happened::Detected => "detected",
                Happened::Begins => "begins",
                Happened::Changed => "changed",
                Happened::Failed => "failed",
                Happened::Skipped => "skipped",
            };
            let computer = self.computer.name.clone();
            world.journal.add(Entry::Step { computer, did, purpose: purpose.clone() });
        })))
    }
}

/// The script in a command: what PowerShell is given encoded is decoded.
fn script(text: &str) -> Cow<'_, str> {
    let encoded = text.split_whitespace().skip_while(|word| {
        let word = word.trim_start_matches(['-', '/']).to_ascii_lowercase();
        !(word.len() >= 2 && "encodedcommand".starts_with(&word))
    });
    let bytes =
        encoded.take(2).nth(1).and_then(|coded| STANDARD.decode(coded.trim_matches(['"', '\''])).ok());
    let units = bytes.filter(|bytes| bytes.len().is_multiple_of(2)).map(|bytes| {
        let pair = |pair: &[u8]| pair.iter().rev().fold(0, |sum, byte| (sum << 8) | u16::from(*byte));
        bytes.chunks(2).map(pair).collect::<Vec<u16>>()
    });
    match units.and_then(|units| String::from_utf16(&units).ok()) {
        Some(script) => Cow::Owned(script),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_script_is_decoded_and_any_other_stays() {
        let coded = STANDARD.encode("echo ä".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        for prefix in ["powershell.exe -NoProfile -EncodedCommand", "-enc", "powershell /EC"] {
            let text = format!("{prefix} {coded}");
            let expected = if prefix.ends_with("EC") { text.as_str() } else { "echo ä" };
            assert_eq!(script(&text), expected);
        }
        assert_eq!(script("echo -e AAAA"), "echo -e AAAA");
    }
}
