//! Opening a command: what a simulated computer does in place of running it.
//!
//! Not here: what the computer keeps and answers (`super::mailbox`).
//!
//! Invariant: any text gives an answer; one that no shell would run to its end opens to nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::sum::cksum;
use super::{Order, OrderId, Packing, gunzip, posix, read, windows};
use crate::session::script::Platform;

/// A command from [`super::seal`] or [`super::ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// An order, or a part of one.
    Order {
        /// What it says.
        order: Order,
        /// Which part it is, from 1.
        part: usize,
        /// How many there are.
        parts: usize,
        /// This part of the packed bundle; `None` when it arrived damaged.
        piece: Option<String>,
        /// How many lines of the answer are printed at once.
        most: usize,
        /// Whose shell it is for.
        platform: Platform,
    },
    /// A question for the answer.
    Ask {
        /// The order that it asks for.
        id: OrderId,
        /// The first line to print, from 1.
        line: usize,
        /// How many lines are printed at once.
        most: usize,
    },
}

/// Opens a command; whatever a system has put around it does no harm. `None` when it is another text, or broke off.
#[must_use]
pub fn open(text: &str) -> Option<Opened> {
    if let Some(script) = windows::loaded(text) {
        return parse(&script, windows::WORDS, windows::PIECE, Platform::Windows);
    }
    let begins = text.starts_with("{\n") || text.contains("\n{\n");
    if !begins || text.trim_end().lines().last() != Some("}") {
        return None;
    }
    parse(text, posix::WORDS, posix::PIECE, Platform::Posix)
}

fn parse(text: &str, words: &str, piece: (&str, &str), platform: Platform) -> Option<Opened> {
    let (_, rest) = text.split_once(words)?;
    let (words, rest) = rest.split_once(piece.0)?;
    let (piece, _) = rest.split_once(piece.1)?;
    let words: Vec<&str> = words.split(' ').collect();
    match *words.as_slice() {
        ["ask", id, line, most] => {
            Some(Opened::Ask { id: OrderId::read(id)?, line: line.parse().ok()?, most: most.parse().ok()? })
        }
        ["order", id, part, parts, number, from, until, packing, length, sum, most] => {
            let whole = piece.len().to_string() == length
                && cksum(format!("{piece}\n").as_bytes()).to_string() == sum;
            let order = Order {
                id: OrderId::read(id)?,
                number: number.parse().ok()?,
                from: from.parse().ok()?,
                until: until.parse().ok()?,
                packing: read::packing(packing)?,
            };
            Some(Opened::Order {
                order,
                part: part.parse().ok()?,
                parts: parts.parse().ok()?,
                piece: whole.then(|| piece.to_owned()),
                most: most.parse().ok()?,
                platform,
            })
        }
        _ => None,
    }
}

/// The text of the bundle whose pieces these are, in order.
pub(super) fn unpack(pieces: &[&str], packing: Packing, platform: Platform) -> Option<String> {
    let coded: String = pieces.iter().flat_map(|piece| piece.lines()).collect();
    let bytes = STANDARD.decode(coded).ok()?;
    let bytes = if packing == Packing::Gzip { gunzip(&bytes)? } else { bytes };
    match platform {
        Platform::Posix => String::from_utf8(bytes).ok(),
        Platform::Windows => Some(windows::bundle(&bytes)),
    }
}
