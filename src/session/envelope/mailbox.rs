//! The private folder of a computer as a value: what it keeps of orders, and what it says to each command.
//!
//! This is the computer's side for simulated computers, and the model that the tests hold the texts for real shells
//! against. Not here: running a bundle.
//!
//! Invariants: an order is given out to run at most once; never outside its window, and never after a higher number.

use std::collections::BTreeMap;

use super::open::{Opened, open, unpack};
use super::read::{say, tell};
use super::{Order, OrderId};
use crate::session::script::Platform;

/// What a computer keeps of its orders.
#[derive(Debug, Clone, Default)]
pub struct Mailbox {
    orders: BTreeMap<OrderId, Kept>,
    newest: Option<u64>,
}

#[derive(Debug, Clone)]
enum Kept {
    Parts(BTreeMap<usize, String>),
    Running { most: usize },
    Refused { state: &'static str, more: String },
    Done(Vec<u8>),
}

/// What comes of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The computer prints this.
    Says(String),
    /// It runs the text of a bundle; then [`Mailbox::finish`] says what it prints.
    Runs {
        /// The order.
        id: OrderId,
        /// The bundle's text, as [`crate::session::bundle::render`] made it.
        text: String,
    },
}

impl Mailbox {
    /// Takes in a command at a second of the computer's clock; `None` when it is no command of ours.
    pub fn receive(&mut self, command: &str, clock: i64) -> Option<Received> {
        Some(match open(command)? {
            Opened::Ask { id, line, most } => Received::Says(self.say(&id, clock, line, most)),
            Opened::Order { order, part, parts, piece, most, platform } => {
                match self.take(&order, (part, parts), piece, most, platform, clock) {
                    Some(text) => Received::Runs { id: order.id, text },
                    None if !self.orders.contains_key(&order.id) => {
                        Received::Says(say(&order.id, clock, "damaged", &part.to_string()))
                    }
                    None => Received::Says(self.say(&order.id, clock, 1, most)),
                }
            }
        })
    }

    /// Keeps what a bundle has printed, and gives what the command prints.
    pub fn finish(&mut self, id: &OrderId, clock: i64, output: Vec<u8>) -> String {
        let most = match self.orders.get(id) {
            Some(Kept::Running { most }) => *most,
            _ => 1,
        };
        self.orders.insert(id.clone(), Kept::Done(output));
        self.say(id, clock, 1, most)
    }

    /// The text to run, if this command is the one that runs it.
    fn take(
        &mut self,
        order: &Order,
        (part, parts): (usize, usize),
        piece: Option<String>,
        most: usize,
        platform: Platform,
        clock: i64,
    ) -> Option<String> {
        let known = self.orders.get(&order.id);
        if matches!(known, Some(Kept::Running { .. } | Kept::Refused { .. } | Kept::Done(_))) {
            return None;
        }
        let piece = piece?;
        if !(order.from..=order.until).contains(&clock) {
            return self.refuse(order, "late", String::new());
        }
        let kept = self.orders.entry(order.id.clone()).or_insert_with(|| Kept::Parts(BTreeMap::new()));
        let Kept::Parts(pieces) = kept else { return None };
        pieces.insert(part, piece);
        if pieces.len() < parts {
            return None;
        }
        let pieces: Vec<&str> = pieces.values().map(String::as_str).collect();
        let text = unpack(&pieces, order.packing, platform);
        if let Some(newest) = self.newest.filter(|newest| *newest >= order.number) {
            return self.refuse(order, "superseded", format!("{newest:013}"));
        }
        let Some(text) = text else { return self.refuse(order, "cannot", "start".to_owned()) };
        self.newest = Some(order.number);
        self.orders.insert(order.id.clone(), Kept::Running { most });
        Some(text)
    }

    fn refuse(&mut self, order: &Order, state: &'static str, more: String) -> Option<String> {
        self.orders.insert(order.id.clone(), Kept::Refused { state, more });
        None
    }

    fn say(&self, id: &OrderId, clock: i64, line: usize, most: usize) -> String {
        match self.orders.get(id) {
            None => say(id, clock, "unknown", ""),
            Some(Kept::Parts(parts)) => {
                let have: Vec<String> = parts.keys().map(ToString::to_string).collect();
                say(id, clock, "parts", &have.join("."))
            }
            Some(Kept::Running { .. }) => say(id, clock, "running", ""),
            Some(Kept::Refused { state, more }) => say(id, clock, state, more),
            Some(Kept::Done(output)) => tell(id, clock, output, line, most),
        }
    }
}
