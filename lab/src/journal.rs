//! The journal: every request, every command and every run of a command on a computer, in the order in which they happened.
//!
//! Not here: what is done about them.
//!
//! Invariant: an entry is in the journal before its answer leaves. The journal holds no credentials: of a request it keeps
//! method, path, call and status.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use muster::session::script::Purpose;
use serde::Serialize;

use crate::clock::Clock;
use crate::fleet::System;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Entry {
    /// A request was answered, or broken off.
    Request {
        /// To which system.
        system: System,
        /// Its method.
        method: String,
        /// Its path, without the query.
        path: String,
        /// The status of the answer; 0 when there was none.
        status: u16,
        /// How many bytes the answer had.
        bytes: usize,
        /// What went wrong on purpose.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<crate::faults::What>,
        /// How long the answer took, in microseconds.
        micros: u64,
    },
    /// A command was taken.
    Command {
        /// By which system.
        system: System,
        /// The agent's id there.
        agent: String,
        /// The command's id there.
        id: String,
        /// How many bytes it has.
        bytes: usize,
    },
    /// A command begins to run on a computer.
    Runs {
        /// By which system it came.
        system: System,
        /// The computer's name.
        computer: String,
        /// The command's id in the system.
        id: String,
    },
    /// It has ended.
    Ran {
        /// By which system it came.
        system: System,
        /// The computer's name.
        computer: String,
        /// The command's id in the system.
        id: String,
        /// How it ended.
        outcome: String,
    },
    /// A simulated computer did a step of a bundle.
    Step {
        /// The computer's name.
        computer: String,
        /// `detected`, `begins`, `changed`, `failed` or `skipped`.
        did: &'static str,
        /// What the step is for.
        purpose: Purpose,
    },
    /// A script of the system itself has run, or has failed.
    Script {
        /// In which system.
        system: System,
        /// The computer's name.
        computer: String,
        /// The script's name.
        script: String,
        /// Whether it did what it does.
        succeeded: bool,
    },
    /// Output went wrong on purpose.
    Output {
        /// In which system.
        system: System,
        /// The computer's name.
        computer: String,
        /// How.
        fault: crate::faults::What,
    },
    /// Something that a reader should know.
    Note {
        /// What.
        text: String,
    },
}

/// An entry with its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// The journal of a lab.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    clock: Clock,
    lines: Mutex<Vec<Line>>,
    file: Option<Mutex<std::fs::File>>,
}

impl Journal {
    /// A journal that is also written to a file.
    pub(crate) fn open(path: Option<&Path>, clock: Clock) -> std::io::Result<Self> {
        let open = |path| std::fs::OpenOptions::new().create(true).append(true).open(path);
        let file = path.map(open).transpose()?.map(Mutex::new);
        Ok(Self { clock, lines: Mutex::default(), file })
    }

    pub(crate) fn add(&self, entry: Entry) {
        let line = Line { at: self.clock.now(), entry };
        if let Some(file) = &self.file {
            let mut text = serde_json::to_vec(&line).unwrap_or_default();
            text.push(b'\n');
            // A full disk is no reason to stop serving.
            _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text);
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
