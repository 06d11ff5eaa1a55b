//! A computer that runs commands: a model or a shell.
//!
//! Not here: how commands come to it (`crate::world`), how their output goes back (the three systems).

mod console;
mod real;
mod simulated;

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use crate::fleet::{Computer, Kind};
use crate::world::World;

/// What runs a command's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    /// A POSIX shell.
    Sh,
    /// The Windows command line.
    Cmd,
    /// Windows PowerShell.
    Powershell,
}

/// A command for a computer.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Its id in the system that it came by.
    pub(crate) id: String,
    pub(crate) shell: Shell,
    pub(crate) text: String,
    /// How long it may take; then all of its processes are killed.
    pub(crate) limit: Duration,
    /// Whether standard error goes to standard output.
    pub(crate) merged: bool,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Exit(i32),
    Killed,
    NotStarted(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Killed => f.write_str("killed"),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
        }
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn not_started(why: impl Into<String>) -> Self {
        Self { ended: Ended::NotStarted(why.into()), stdout: String::new(), stderr: String::new() }
    }

    fn exit(code: i32, stdout: impl Into<String>, stderr: impl Into<String>) -> Self {
        Self { ended: Ended::Exit(code), stdout: stdout.into(), stderr: stderr.into() }
    }
}

/// A computer.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) computer: Computer,
    online: watch::Sender<bool>,
    memory: Mutex<simulated::Memory>,
}

impl Machine {
    pub(crate) fn new(computer: Computer) -> Self {
        let online = watch::Sender::new(computer.online);
        Self { computer, online, memory: Mutex::default() }
    }

    pub(crate) fn is_online(&self) -> bool {
        *self.online.borrow()
    }

    pub(crate) fn set_online(&self, online: bool) {
        self.online.send_replace(online);
    }

    pub(crate) async fn until_online(&self) {
        // The sender lives as long as the computer.
        _ = self.online.subscribe().wait_for(|online| *online).await;
    }

    /// Runs a command.
    pub(crate) async fn run(&self, world: &World, order: Order) -> Outcome {
        match self.computer.kind {
            Kind::Simulated => self.answer(world, &order),
            Kind::Real => real::run(&self.computer, world, &order).await,
        }
    }
}
