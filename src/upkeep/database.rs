//! The seam to a session database: what can be asked of the file, and done with it.
//!
//! Nothing here chooses rows; [`super::order::Step`] does. The implementation for real files is [`super::session_db`].

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::path::Path;

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::copy::Counts;
use super::header::HeaderError;
use super::order::Step;
use super::shape::{Shape, ShapeError};
use super::survey::Row;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For looking; a server may be at work.
    Read,
    /// For changes, while nobody else has it. Nobody else gets it until it is closed.
    Alone,
    /// For changes, while a server may be at work.
    Shared,
}

/// How large a file is. All in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// The file.
    pub file: u64,
    /// The write-ahead log beside it; zero where there is none.
    pub log: u64,
    /// What of the file holds something.
    pub used: u64,
    /// What was freed and waits for new rows; compacting gives it back.
    pub free: u64,
    /// The pages of each table with its indexes, by table; empty where SQLite cannot tell.
    pub tables: BTreeMap<String, u64>,
}

/// What became of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Rows of the class that were looked at.
    pub looked: u64,
    /// Rows that were changed.
    pub changed: u64,
    /// The number of the last row that was looked at; `None` when there was none left.
    pub last: Option<i64>,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its size in bytes.
    pub bytes: u64,
    /// What SQLite says of it: `ok`, or what is wrong.
    pub integrity: Vec<String>,
    /// Its rows.
    pub counts: Counts,
}

/// Who has the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A program that has the file open.
    Program {
        /// Its name.
        name: String,
        /// The number of its process.
        pid: u32,
    },
    /// The server runs on this machine, and the file lies where its own does.
    Server {
        /// The name of its program.
        name: String,
        /// The number of its process.
        pid: u32,
    },
    /// SQLite does not give the file for sole use.
    Lock,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { name, pid } => write!(f, "the program {name} (process {pid}) has it open"),
            Self::Server { name, pid } => {
                write!(
                    f,
                    "the server's program {name} runs on this machine (process {pid}), and the file lies in App_Data"
                )
            }
            Self::Lock => f.write_str(
                "SQLite does not give it for sole use: a program that is connected to it holds a lock",
            ),
        }
    }
}

/// What goes wrong with a session database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// It cannot be read at all.
    #[error("it cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It is no whole SQLite database.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It is no session database that is understood.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Somebody else has it.
    #[error("it is in use: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Held(Vec<Holder>),
    /// A batch would have changed other rows than were chosen; it was taken back.
    #[error("{changed} rows would have been changed in place of {chosen}; that was taken back")]
    Other {
        /// Rows that were chosen.
        chosen: u64,
        /// Rows that SQLite says it changed.
        changed: u64,
    },
    /// SQLite, or the system, says no.
    #[error("cannot {operation}")]
    Failed {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A session database that is open.
pub trait SessionDatabase: Send {
    /// Where it lies.
    fn path(&self) -> &Path;

    /// Its shape.
    fn shape(&self) -> &Shape;

    /// Its size.
    fn size(&mut self) -> BoxFuture<'_, Result<Size, DatabaseError>>;

    /// The number of rows of every table.
    fn counts(&mut self) -> BoxFuture<'_, Result<Counts, DatabaseError>>;

    /// Hands over every event, table by table; none is kept.
    fn rows<'a>(
        &'a mut self,
        each: &'a mut (dyn FnMut(&Row) + Send),
    ) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Looks at up to `most` rows of a step's class whose numbers are greater than `after`, and does to those that are due
    /// what the step says: all in one transaction, or nothing.
    fn batch<'a>(
        &'a mut self,
        step: &'a Step,
        after: i64,
        most: u32,
    ) -> BoxFuture<'a, Result<Batch, DatabaseError>>;

    /// Writes a copy to a path where nothing is, and reads that again.
    fn back_up<'a>(&'a mut self, to: &'a Path) -> BoxFuture<'a, Result<Copied, DatabaseError>>;

    /// What SQLite says of the file itself: `ok`, or what is wrong.
    fn integrity(&mut self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>>;

    /// The bytes that are free for this account where a path lies; `None` where the system does not tell.
    fn room(&self, at: &Path) -> Option<u64>;

    /// Gives back what was freed.
    fn compact(&mut self) -> BoxFuture<'_, Result<(), DatabaseError>>;

    /// Ends the connection in good order, after which nothing of it is left beside the file.
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), DatabaseError>>;
}
