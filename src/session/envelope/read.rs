//! Reading what comes back: texts in any order, repeated, cut, foreign, with echoes and prompts around them.
//!
//! A state is `[muster:ID:STATE:CLOCK:MORE:end:ID]`, an answer's piece `[muster:ID:done:CLOCK:PACKING:SUM:TOTAL:FIRST:COUNT:`
//! then lines in base64, then `:end:ID]`. Blanks and line ends mean nothing, so that a console that wraps lines does no
//! harm. Of a piece that was cut its whole lines are kept: the sum over all of them decides in the end.
//!
//! Invariants: any text gives a reading. An answer is [`Reading::Complete`] only with every line and the right sum.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::sum::cksum;
use super::{LINE, OrderId, Packing, gunzip};
use crate::id::Digest;

/// No answer has more lines: about a gigabyte.
const MOST_LINES: usize = 20_000_000;

/// What is known of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing came back yet.
    Nothing,
    /// The computer did not know the order at this second of its clock.
    Unknown {
        /// Its clock (Unix time).
        clock: i64,
    },
    /// It had these parts of the order, and not all. A part that arrived damaged is not among them.
    Parts {
        /// The parts' numbers, from 1.
        have: BTreeSet<usize>,
        /// Its clock.
        clock: i64,
    },
    /// It is under way.
    Running,
    /// It was outside its window at this second of the computer's clock. It did not run and never will.
    Late {
        /// The computer's clock.
        clock: i64,
    },
    /// An order with this higher number had run. It did not run and never will.
    Superseded {
        /// The higher number.
        number: u64,
    },
    /// The computer lacks what the order needs: `gzip`, `base64`, a private `folder`, or it could not `start`.
    Cannot {
        /// What it lacks.
        what: String,
    },
    /// It ran, and its answer could not be kept.
    Broken,
    /// It has run; its answer is missing from this line on.
    Need {
        /// The first missing line, from 1.
        line: usize,
    },
    /// What it printed, whole.
    Complete(Vec<u8>),
}

/// What an answer's pieces have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    gzip: bool,
    sum: String,
    total: usize,
}

/// Collects what comes back for one order.
#[derive(Debug, Clone)]
pub struct Reader {
    id: OrderId,
    state: Option<Reading>,
    clock: Option<i64>,
    answers: BTreeMap<Head, BTreeMap<usize, String>>,
    complete: Option<Vec<u8>>,
}

impl Reader {
    /// A reader for the order with this id.
    #[must_use]
    pub fn new(id: OrderId) -> Self {
        Self { id, state: None, clock: None, answers: BTreeMap::new(), complete: None }
    }

    /// Takes in one text; whether there was anything for this order in it.
    pub fn feed(&mut self, text: &str) -> bool {
        let found = said(text.as_bytes(), &self.id);
        let any = !found.is_empty();
        for said in found {
            self.clock = self.clock.max(Some(said.clock));
            match said.what {
                What::State(state) => self.learn(state),
                What::Piece(head, first, lines) => {
                    let known = self.answers.entry(head).or_default();
                    known.extend(lines.into_iter().enumerate().map(|(at, line)| (first + at, line)));
                }
            }
        }
        if any && self.complete.is_none() {
            self.join();
        }
        any
    }

    /// What is known now.
    #[must_use]
    pub fn reading(&self) -> Reading {
        if let Some(answer) = &self.complete {
            return Reading::Complete(answer.clone());
        }
        let best = self.answers.values().max_by_key(|lines| lines.len());
        if let Some(lines) = best {
            let line = lines.keys().zip(1..).find(|(have, line)| *have != line).map(|(_, line)| line);
            let line = line.unwrap_or(lines.len() + 1);
            return Reading::Need { line };
        }
        self.state.clone().unwrap_or(Reading::Nothing)
    }

    /// The latest second of the computer's clock that it has told.
    #[must_use]
    pub fn clock(&self) -> Option<i64> {
        self.clock
    }

    /// Later states come after earlier ones, whatever the order of the texts.
    fn learn(&mut self, new: Reading) {
        let rank = |state: &Reading| match state {
            Reading::Nothing => 0,
            Reading::Unknown { .. } => 1,
            Reading::Parts { .. } => 2,
            Reading::Running => 3,
            Reading::Late { .. } | Reading::Superseded { .. } | Reading::Cannot { .. } => 4,
            Reading::Broken | Reading::Need { .. } | Reading::Complete(_) => 5,
        };
        let Some(old) = &mut self.state else {
            self.state = Some(new);
            return;
        };
        match (&mut *old, new) {
            (Reading::Parts { have, clock }, Reading::Parts { have: more, clock: later }) => {
                have.extend(more);
                *clock = later.max(*clock);
            }
            (Reading::Unknown { clock }, Reading::Unknown { clock: later }) => *clock = later.max(*clock),
            // There may be several reasons, and the computer told the first one first.
            (old, new) if rank(&new) > rank(old) => *old = new,
            _ => {}
        }
    }

    /// Puts an answer together whose lines are all here. One with a wrong sum is forgotten: it has to be asked for again.
    fn join(&mut self) {
        let mut spoiled = Vec::new();
        for (head, lines) in &self.answers {
            if lines.len() < head.total {
                continue;
            }
            let coded: String = lines.range(1..=head.total).map(|(_, line)| line.as_str()).collect();
            match decode(head, &coded) {
                Some(answer) => self.complete = Some(answer),
                None => spoiled.push(head.clone()),
            }
        }
        for head in spoiled {
            self.answers.insert(head, BTreeMap::new());
        }
        if self.complete.is_some() {
            self.answers.clear();
        }
    }
}

fn decode(head: &Head, coded: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(coded).ok()?;
    let right = match head.sum.as_str() {
        // Then the packing has a sum of its own.
        "none" => head.gzip,
        sum if sum.len() == 64 => Digest::of(&bytes).as_str().ends_with(sum),
        sum => cksum(&bytes).to_string() == sum,
    };
    if !right {
        return None;
    }
    if head.gzip { gunzip(&bytes) } else { Some(bytes) }
}

struct Said {
    clock: i64,
    what: What,
}

enum What {
    State(Reading),
    Piece(Head, usize, Vec<String>),
}

/// All that a text says of an order.
fn said(text: &[u8], id: &OrderId) -> Vec<Said> {
    let begin = format!("[muster:{id}:");
    let mut found = Vec::new();
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'[') {
        if let Some(said) = matches(text, at, &begin).and_then(|at| one(text, at, id)) {
            found.push(said);
        }
    }
    found
}

fn one(text: &[u8], at: usize, id: &OrderId) -> Option<Said> {
    let (state, at) = word(text, at)?;
    let (clock, at) = word(text, at)?;
    let clock: i64 = number(&clock)?;
    if state == "done" {
        return Some(Said { clock, what: piece(text, at, id)? });
    }
    let (more, at) = word(text, at)?;
    let more = if more == "end" {
        matches(text, at, &format!("{id}]"))?;
        String::new()
    } else {
        matches(text, at, &format!("end:{id}]"))?;
        more
    };
    let state = match state.as_str() {
        "unknown" => Reading::Unknown { clock },
        "parts" => Reading::Parts { have: more.split('.').filter_map(number).collect(), clock },
        "damaged" => Reading::Parts { have: BTreeSet::new(), clock },
        "running" => Reading::Running,
        "late" => Reading::Late { clock },
        "superseded" => Reading::Superseded { number: number(&more)? },
        "cannot" => Reading::Cannot { what: more },
        "broken" => Reading::Broken,
        _ => return None,
    };
    Some(Said { clock, what: What::State(state) })
}

fn piece(text: &[u8], at: usize, id: &OrderId) -> Option<What> {
    let (packing, at) = word(text, at)?;
    let (sum, at) = word(text, at)?;
    let (total, at) = word(text, at)?;
    let (first, at) = word(text, at)?;
    let (count, at) = word(text, at)?;
    let gzip = match packing.as_str() {
        "gzip" => true,
        "plain" => false,
        _ => return None,
    };
    let (total, first, count): (usize, usize, usize) = (number(&total)?, number(&first)?, number(&count)?);
    if !(1..=MOST_LINES).contains(&total) || first == 0 || count > MOST_LINES {
        return None;
    }
    let head = Head { gzip, sum, total };
    let rest = text.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b':');
    let whole = end.filter(|end| matches(rest, *end, &format!(":end:{id}]")).is_some());
    let lines = match whole.and_then(|end| rest.get(..end)) {
        Some(data) => complete(data, total, first, count).unwrap_or_default(),
        None => cut(rest, total.saturating_sub(first)),
    };
    Some(What::Piece(head, first, lines))
}

/// The lines of a piece that has its end, if they are what its beginning promises.
fn complete(data: &[u8], total: usize, first: usize, count: usize) -> Option<Vec<String>> {
    let coded: Vec<u8> = data.iter().copied().filter(|byte| !is_blank(*byte)).collect();
    if !coded.iter().all(|byte| is_coded(*byte)) {
        return None;
    }
    if coded.is_empty() && (total, first, count) == (1, 1, 1) {
        return Some(vec![String::new()]);
    }
    let is_last = first.checked_add(count)? == total.checked_add(1)?;
    let lines = chunks(&coded);
    let full = coded.len().is_multiple_of(LINE);
    (lines.len() == count && first.checked_add(count)? <= total.checked_add(1)? && (full || is_last))
        .then_some(lines)
}

/// The whole lines of a piece that was cut; the last one may be short, and so may one before words that follow. `most`
/// leaves the answer's last line out, which nothing here shows to be whole.
fn cut(rest: &[u8], most: usize) -> Vec<String> {
    let mut pure: Vec<&[u8]> = Vec::new();
    for line in rest.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if !line.iter().all(|byte| is_coded(*byte)) {
            break;
        }
        pure.push(line);
    }
    pure.pop();
    let coded: Vec<u8> = pure.concat();
    let mut lines = chunks(&coded);
    if !coded.len().is_multiple_of(LINE) {
        lines.pop();
    }
    lines.truncate(most);
    lines
}

fn chunks(coded: &[u8]) -> Vec<String> {
    coded.chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// Where `wanted` ends when it stands at `at`, whatever blanks are within.
fn matches(text: &[u8], mut at: usize, wanted: &str) -> Option<usize> {
    for byte in wanted.bytes() {
        at = after_blanks(text, at);
        if text.get(at) != Some(&byte) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// The word before the next colon, and where the text goes on after it.
fn word(text: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut word = String::new();
    // Parts are listed by number, so that a word may be long.
    while word.len() < 100_000 {
        at = after_blanks(text, at);
        match text.get(at)? {
            b':' => return Some((word, at + 1)),
            byte if byte.is_ascii_alphanumeric() || *byte == b'.' => word.push(char::from(*byte)),
            _ => return None,
        }
        at += 1;
    }
    None
}

fn after_blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}

fn is_blank(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

fn is_coded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// A number of digits only.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// How an answer stands in a text: the piece from `first`, at most `most` lines.
pub(super) fn tell(id: &OrderId, clock: i64, output: &[u8], first: usize, most: usize) -> String {
    let packed = super::gzip(output);
    let sum = Digest::of(&packed);
    let sum = sum.as_str().get(sum.as_str().len().saturating_sub(64)..).unwrap_or_default();
    let coded = super::lines(&STANDARD.encode(&*packed));
    let total = coded.lines().count();
    let taken: Vec<&str> = coded.lines().skip(first.saturating_sub(1)).take(most).collect();
    let data: String = taken.iter().flat_map(|line| [line, "\n"]).collect();
    format!(
        "\n[muster:{id}:\ndone:{clock}:gzip:\n{sum}:\n{total}:{first}:{}:\n{data}:end:{id}]\n",
        taken.len()
    )
}

/// How a state stands in a text.
pub(super) fn say(id: &OrderId, clock: i64, state: &str, more: &str) -> String {
    let colon = if more.is_empty() { "" } else { ":" };
    format!("\n[muster:{id}:\n{state}:{clock}{colon}{more}:end:{id}]\n")
}

/// What a packing is called.
pub(super) fn packing(word: &str) -> Option<Packing> {
    match word {
        "gzip" => Some(Packing::Gzip),
        "plain" => Some(Packing::Plain),
        _ => None,
    }
}
