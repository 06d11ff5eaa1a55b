//! Envelopes: how a bundle travels through systems that take commands as text and give back text, and nothing more.
//!
//! Such a system links no answer to its command and gives no exit code. It may lose, delay, cut, repeat, echo or reorder
//! either. [`seal`] makes the texts of an order, [`ask`] one that asks for its answer, [`Reader`] reads whatever comes
//! back, [`Sender`] says what to do next, [`open`] and [`Mailbox`] are the computer's side for simulated computers. Not here: what a bundle's text
//! is (`super::bundle`), what its answer means (`super::frame`), who posts and polls (`provider`).
//!
//! On the computer, in a private folder, every order has a folder under its id. Making the folder `run` in it takes the
//! order; that can happen once. What comes later finds it and is told the answer, which is kept for at least a day.
//!
//! Invariants: an order runs at most once, however often and in whatever order its texts arrive. It never starts outside
//! its window on the computer's clock, nor after an order with a higher number has started; an order that was refused
//! for this is never run later. A text that breaks off runs nothing. An answer is complete and has the right sum, or it
//! is no answer. No text holds what looks like an answer, so an echo is none.

mod mailbox;
mod open;
mod posix;
mod read;
mod sender;
mod sum;
#[cfg(test)]
mod tests;
mod windows;

pub use mailbox::{Mailbox, Received};
pub use open::{Opened, open};
pub use read::{Reader, Reading};
pub use sender::{Failure, Next, Sender, Way};

use std::fmt;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use zeroize::Zeroizing;

use crate::id::Digest;
use crate::secret::Secret;
use crate::session::bundle::Rendered;
use crate::session::script::Platform;

/// Characters of base64 in a line of an answer; every decoder takes lines of this length.
pub const LINE: usize = 76;

/// What names one order: 32 hexadecimal digits that nobody can guess.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(String);

impl OrderId {
    /// The id that belongs to a random text; equal texts give equal ids.
    #[must_use]
    pub fn new(nonce: &str) -> Self {
        let digest = Digest::of(format!("order\0{nonce}").as_bytes());
        Self(digest.as_str().chars().filter(char::is_ascii_hexdigit).take(32).collect())
    }

    /// Reads an id; `None` when the text is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 32 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a bundle's text is packed. Windows can always unpack; a POSIX computer without gzip, Python and Perl cannot,
/// says so ([`Reading::Cannot`] with `gzip`), and is sent the text as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Compressed (RFC 1952).
    Gzip,
    /// As it is.
    Plain,
}

/// One order to one computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id, new for every order.
    pub id: OrderId,
    /// Rises from order to order: the sender's time in milliseconds.
    pub number: u64,
    /// It starts at this second of the computer's clock (Unix time) or later …
    pub from: i64,
    /// … and at this one at the latest.
    pub until: i64,
    /// How its text is packed.
    pub packing: Packing,
}

/// What a system takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The longest command (characters), without what the system itself wants around it.
    pub longest: usize,
    /// The longest output that comes back whole (characters).
    pub answer: usize,
}

/// The text of one command. It may hold what the bundle holds.
#[derive(Debug, Clone)]
pub struct CommandText {
    /// For [`Platform::Posix`] a text for any `sh`. For [`Platform::Windows`] one line of ASCII for Windows PowerShell
    /// 5.1 or newer without any double quote or percent sign, so that it can stand as an argument.
    pub text: Secret,
    /// The platform whose shell reads it.
    pub platform: Platform,
}

/// The commands of an order; more than one when the bundle is too long for one. They may arrive in any order, and the
/// last one to arrive runs the bundle.
#[must_use]
pub fn seal(rendered: &Rendered, order: &Order, sizes: &Sizes) -> Vec<CommandText> {
    let text = match rendered.platform {
        Platform::Posix => Zeroizing::new(rendered.text.expose().as_bytes().to_vec()),
        Platform::Windows => windows::body(rendered.text.expose()),
    };
    let packed = if order.packing == Packing::Gzip { gzip(&text) } else { text };
    let coded = Zeroizing::new(lines(&STANDARD.encode(&*packed)));
    let most = most_lines(sizes.answer);
    let all: Vec<&str> = coded.lines().collect();
    // Each piece has whole lines. How many fit is found by trying, as those for Windows are compressed once more.
    let empty = command(rendered.platform, &words(order, 999, 999, "", most), "").text.expose().len();
    let mut room = (sizes.longest.saturating_sub(empty) / (LINE + 2)).clamp(1, all.len().max(1));
    loop {
        let pieces: Vec<String> = all.chunks(room).map(|lines| lines.join("\n")).collect();
        let part = |(at, piece): (usize, &String)| {
            command(rendered.platform, &words(order, at + 1, pieces.len(), piece, most), piece)
        };
        let commands: Vec<CommandText> = pieces.iter().enumerate().map(part).collect();
        if room == 1 || commands.iter().all(|command| command.text.expose().len() <= sizes.longest) {
            return commands;
        }
        room -= (room / 50).max(1);
    }
}

fn command(platform: Platform, words: &str, piece: &str) -> CommandText {
    let text = match platform {
        Platform::Posix => posix::text(words, piece),
        Platform::Windows => windows::text(words, piece),
    };
    CommandText { text: Secret::new(text), platform }
}

/// A command that asks what has become of an order, and for its answer from `line` (counted from 1).
#[must_use]
pub fn ask(platform: Platform, id: &OrderId, line: usize, sizes: &Sizes) -> CommandText {
    command(platform, &format!("ask {id} {line} {}", most_lines(sizes.answer)), "")
}

/// What the computer's side is told, as one line of words.
fn words(order: &Order, part: usize, parts: usize, piece: &str, most: usize) -> String {
    let Order { id, number, from, until, packing } = order;
    let packing = match packing {
        Packing::Gzip => "gzip",
        Packing::Plain => "plain",
    };
    let sum = sum::cksum(format!("{piece}\n").as_bytes());
    format!("order {id} {part} {parts} {number:013} {from} {until} {packing} {} {sum} {most}", piece.len())
}

/// How many lines of an answer fit in an output of `length` characters, with a carriage return each, and a prompt or an
/// echo of some length before.
fn most_lines(length: usize) -> usize {
    (length.saturating_sub(600) / (LINE + 2)).max(1)
}

/// Text in base64 in lines.
fn lines(coded: &str) -> String {
    let mut text = String::with_capacity(coded.len() + coded.len() / LINE + 1);
    for (at, letter) in coded.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text
}

fn gzip(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory cannot fail.
    _ = packer.write_all(bytes);
    Zeroizing::new(packer.finish().unwrap_or_default())
}

/// Unpacks, up to a bound that no bundle and no answer reaches.
fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read as _;
    const BOUND: u64 = 1 << 30;
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(BOUND).read_to_end(&mut text).ok()?;
    Some(text)
}
