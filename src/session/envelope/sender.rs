//! What the sender of an order does next: post, wait, or be done. A decision about time, without any.
//!
//! Not here: posting and looking (`provider`), and what an answer means (`super::super::frame`).
//!
//! Times are milliseconds of the sender's clock (Unix time). Invariants: what it posts again is the same order, which
//! runs once; a new order is made only when the old one can never run. It says that nothing ran only when that is
//! certain. It comes to an end.

use super::{CommandText, Order, OrderId, Packing, Reader, Reading, Sizes, ask, seal};
use crate::session::bundle::Rendered;

/// A computer's clock may be this far (seconds) behind the sender's, and this much slower may an answer come that tells
/// of a clock.
const SLACK: i64 = 300;
/// How long (ms) a question, or a part that is sent again, has before it is sent once more: a quarter of the time that the
/// computer has to begin, but not more than this.
const PATIENCE: i64 = 30_000;
/// Questions for a missing piece of an answer that bring nothing new, before it is given up.
const IN_VAIN: u32 = 5;

/// What is known of the way to a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// What the system takes.
    pub sizes: Sizes,
    /// How long (ms) the computer may take to begin.
    pub pickup: i64,
    /// How long (ms) the bundle may take.
    pub limit: i64,
    /// How far (s) the computer's clock is ahead, as far as that is known.
    pub ahead: i64,
    /// The shortest time (ms) between two looks.
    pub pace: i64,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Next {
    /// Post these, in this order, and come again.
    Post(Vec<CommandText>),
    /// Look for answers after this many milliseconds, and come again.
    Wait(i64),
    /// This is what the bundle printed, or why there is nothing.
    Done(Result<Vec<u8>, Failure>),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It is certain that nothing ran and nothing will.
    NothingRan(String),
    /// It is certain that nothing ran and nothing will, because something newer was sent to the computer meanwhile.
    Overtaken,
    /// Nothing ran, because the computer lacks something.
    Cannot(String),
    /// It may have run.
    Lost(String),
    /// It may have run, and there was no answer within this many seconds.
    TimedOut(u64),
}

/// One bundle on its way.
#[derive(Debug)]
pub struct Sender {
    rendered: Rendered,
    way: Way,
    order: Order,
    commands: Vec<CommandText>,
    reader: Reader,
    /// Not yet posted.
    waits: bool,
    /// When the order's window began.
    sealed: i64,
    /// When something of the order was posted last.
    posted: i64,
    posts: u32,
    deadline: i64,
    /// When it is asked next what has become of the order, and how long to wait after that.
    question: (i64, i64),
    /// The line that was asked for last, when, and how often without anything new.
    asked: Option<(usize, i64, u32)>,
    /// The parts that were there when parts were last looked after, and when.
    parts: (usize, i64),
    corrected: bool,
    renumbered: bool,
}

impl Sender {
    /// A bundle that is to go out now. `number` is the order's; see [`Order::number`].
    #[must_use]
    pub fn new(rendered: Rendered, way: Way, id: OrderId, number: u64, now: i64) -> Self {
        let order = Order { id, number, from: 0, until: 0, packing: Packing::Gzip };
        let mut sender = Self {
            reader: Reader::new(order.id.clone()),
            rendered,
            way,
            order,
            commands: Vec::new(),
            waits: true,
            sealed: now,
            posted: now,
            posts: 0,
            deadline: now + way.pickup + way.limit,
            question: (0, 0),
            asked: None,
            parts: (0, now),
            corrected: false,
            renumbered: false,
        };
        sender.seal(now);
        sender
    }

    /// Takes in what came back; whether there was anything of this order in it.
    pub fn feed(&mut self, text: &str) -> bool {
        self.reader.feed(text)
    }

    /// How far (s) the computer's clock was found to be ahead.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        self.way.ahead
    }

    /// What to do now. `id` is new at every call.
    pub fn next(&mut self, now: i64, id: &OrderId) -> Next {
        if self.waits {
            self.waits = false;
            return self.post(now, self.commands.clone());
        }
        match self.reader.reading() {
            Reading::Complete(answer) => Next::Done(Ok(answer)),
            Reading::Late { clock } => self.late(now, clock, id),
            Reading::Superseded { number } => self.superseded(now, number, id),
            Reading::Cannot { what } if what == "gzip" && self.order.packing == Packing::Gzip => {
                self.order.packing = Packing::Plain;
                self.again(now, id)
            }
            // A command that came twice may find later what it did not find at first.
            Reading::Cannot { what } if what == "folder" && self.posts > 1 => {
                Next::Done(Err(Failure::Lost("the computer has no private folder for it".to_owned())))
            }
            Reading::Cannot { what } => Next::Done(Err(Failure::Cannot(what))),
            Reading::Broken => {
                Next::Done(Err(Failure::Lost("the computer could not keep its answer".to_owned())))
            }
            Reading::Need { line } => self.need(now, line),
            Reading::Parts { have, clock } => {
                if clock > self.order.until {
                    return Self::nothing_ran("not all of it arrived in time");
                }
                if have.len() > self.parts.0 {
                    self.parts = (have.len(), now);
                }
                if now >= self.deadline {
                    return self.timed_out();
                }
                if now - self.parts.1 < self.patience() {
                    return self.wait(now);
                }
                self.parts.1 = now;
                let missing = |(at, _): &(usize, &CommandText)| !have.contains(&(at + 1));
                let missing = self.commands.iter().enumerate().filter(missing);
                let missing = missing.map(|(_, command)| command.clone()).collect();
                self.post(now, missing)
            }
            Reading::Unknown { clock } if clock > self.order.until => {
                Self::nothing_ran("it did not arrive in time")
            }
            Reading::Unknown { clock } => {
                // It was not there yet when the question was, or it was lost: the same order may go again.
                let told = clock - self.way.ahead;
                if told * 1000 > self.posted + self.patience() / 2 {
                    self.post(now, self.commands.clone())
                } else {
                    self.ask(now)
                }
            }
            Reading::Nothing | Reading::Running => self.ask(now),
        }
    }

    /// Asks what has become of the order, when it is time; else waits.
    fn ask(&mut self, now: i64) -> Next {
        if now >= self.deadline {
            return self.timed_out();
        }
        let (at, pause) = self.question;
        if now < at {
            return self.wait(now);
        }
        self.question = (now + pause, pause.saturating_mul(2));
        Next::Post(vec![ask(self.rendered.platform, &self.order.id, 1, &self.way.sizes)])
    }

    fn need(&mut self, now: i64, line: usize) -> Next {
        let times = match self.asked {
            Some((before, at, _)) if before == line && now - at < self.patience() => return self.wait(now),
            Some((before, _, times)) if before == line => times + 1,
            _ => 0,
        };
        if times > IN_VAIN {
            return Next::Done(Err(Failure::Lost("its answer does not come back whole".to_owned())));
        }
        self.asked = Some((line, now, times));
        Next::Post(vec![ask(self.rendered.platform, &self.order.id, line, &self.way.sizes)])
    }

    fn late(&mut self, now: i64, clock: i64, id: &OrderId) -> Next {
        let in_time = now <= self.sealed + self.way.pickup;
        if !in_time || self.corrected {
            return Self::nothing_ran("it arrived too late, or its clock is wrong");
        }
        self.corrected = true;
        self.way.ahead = clock - now / 1000;
        self.again(now, id)
    }

    fn superseded(&mut self, now: i64, number: u64, id: &OrderId) -> Next {
        let is_ahead = i64::try_from(number).is_ok_and(|number| number > now);
        if !is_ahead || self.renumbered {
            return Next::Done(Err(Failure::Overtaken));
        }
        // Somebody whose clock is ahead of ours has sent it.
        self.renumbered = true;
        self.order.number = number.saturating_add(1);
        self.again(now, id)
    }

    /// A new order with the same content. The old one was refused for good.
    fn again(&mut self, now: i64, id: &OrderId) -> Next {
        self.order.id = id.clone();
        self.reader = Reader::new(id.clone());
        self.posts = 0;
        self.deadline = now + self.way.pickup + self.way.limit;
        self.seal(now);
        self.waits = false;
        self.post(now, self.commands.clone())
    }

    fn seal(&mut self, now: i64) {
        let clock = now / 1000 + self.way.ahead;
        self.order.from = clock - SLACK;
        self.order.until = clock + self.way.pickup / 1000;
        self.commands = seal(&self.rendered, &self.order, &self.way.sizes);
        // So that there is time to send it again if it was lost, and nothing is asked in most cases.
        let first = self.way.pickup / 4 * 3;
        self.question = (now + first, self.patience());
        self.parts = (0, now);
        self.asked = None;
        self.sealed = now;
    }

    fn post(&mut self, now: i64, commands: Vec<CommandText>) -> Next {
        self.posted = now.max(self.posted);
        self.posts += 1;
        Next::Post(commands)
    }

    fn patience(&self) -> i64 {
        (self.way.pickup / 4).clamp(1000, PATIENCE)
    }

    /// Looks often at first.
    fn wait(&self, now: i64) -> Next {
        let since = now - self.posted.max(self.asked.map_or(0, |(_, at, _)| at));
        let wait = match since {
            ..10_000 => 1,
            10_000..60_000 => 2,
            60_000..300_000 => 5,
            _ => 15,
        };
        Next::Wait(wait * self.way.pace)
    }

    fn timed_out(&self) -> Next {
        let seconds = u64::try_from((self.way.pickup + self.way.limit) / 1000).unwrap_or_default();
        Next::Done(Err(Failure::TimedOut(seconds)))
    }

    fn nothing_ran(why: &str) -> Next {
        Next::Done(Err(Failure::NothingRan(why.to_owned())))
    }
}
