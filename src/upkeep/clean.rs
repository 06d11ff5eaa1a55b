//! Carries a plan out: a backup that was read again, batches that can be stopped between, and a look at what is left.
//!
//! Not here: which rows ([`super::order`]) and SQL (the seam's other side).
//!
//! Invariants: nothing changes before the backup was checked, unless none was wanted; every batch is a transaction of its
//! own, so a stop, a crash or a second run never leaves half of one; a run after a stop does what is left.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::copy::{self, CopyError};
use super::database::{DatabaseError, SessionDatabase, Size};
use super::instant::Ticks;
use super::order::{Order, Plan, Step, Tally};
use super::survey::{Row, Survey};
use crate::session::control::{Control, Demand};

/// Between two batches while a server is at work.
const PAUSE: Duration = Duration::from_millis(50);

/// How a plan is carried out.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the backup goes; `None` for none.
    pub backup: Option<PathBuf>,
    /// Rows that are looked at in one transaction.
    pub batch: u32,
    /// Whether to give back what was freed, at the end.
    pub compact: bool,
    /// Whether a server may be writing at the same time.
    pub in_use: bool,
}

/// What goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// How much room there is cannot be told, so it was not checked.
    RoomUnknown,
    /// The backup is made.
    BackingUp(PathBuf),
    /// The backup is there and was checked; so many bytes.
    BackedUp(PathBuf, u64),
    /// So many rows are done, of so many.
    Done(u64, u64),
    /// What was freed is given back.
    Compacting,
    /// The file is looked at once more.
    Looking,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Rows that were changed.
    pub changed: u64,
    /// Whether it was stopped before everything was done.
    pub stopped: bool,
    /// The size afterwards.
    pub size: Size,
    /// The events afterwards.
    pub survey: Survey,
}

/// Why it was not carried out, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// The file, or the system.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The backup is not to be relied on; nothing was changed.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// There is not enough room; nothing was changed.
    #[error("{needed} bytes may be needed beside {}, and {room} are free", .at.display())]
    Room {
        /// Bytes that may be needed.
        needed: u64,
        /// Bytes that are free.
        room: u64,
        /// Where.
        at: PathBuf,
    },
    /// The file is damaged, and there is to be no backup; nothing was changed.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// Rows that had to stay are not there any more. This is a fault of the program.
    #[error("{before} other rows were there before and {after} are there now")]
    Lost {
        /// Other rows before.
        before: u64,
        /// Other rows after.
        after: u64,
    },
}

/// Looks at every event once: what there is, and what an order means for it.
///
/// # Errors
/// What the file says.
pub async fn look(
    database: &mut dyn SessionDatabase,
    now: Ticks,
    order: Option<Order>,
) -> Result<(Survey, Option<Tally>), DatabaseError> {
    let (mut survey, mut tally) = (Survey::new(now), order.map(Tally::new));
    let mut each = |row: &Row| {
        survey.add(row);
        if let Some(tally) = &mut tally {
            tally.add(row);
        }
    };
    database.rows(&mut each).await?;
    Ok((survey, tally))
}

/// Carries a plan out; `before` is the survey that it was made from, and `tell` is told what goes on.
///
/// # Errors
/// [`CleanError`]; what was done before it stays done, batch by batch.
pub async fn carry_out(
    database: &mut dyn SessionDatabase,
    (plan, before, now): (&Plan, &Survey, Ticks),
    settings: &Settings,
    control: &Control,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Outcome, CleanError> {
    prepare(database, settings, tell).await?;
    let (all, mut changed) = (plan.due().rows, 0);
    for step in plan.steps() {
        let so_far = changed;
        let mut told = |done: u64| tell(Event::Done(so_far + done, all));
        changed += work(database, &step, settings, control, &mut told).await?;
    }
    let stopped = control.demand() != Demand::Run;
    if settings.compact && !stopped {
        tell(Event::Compacting);
        database.compact().await?;
    }
    tell(Event::Looking);
    let (survey, _) = look(database, now, None).await?;
    let (before, after) = (before.others().rows, survey.others().rows);
    // A server that is at work adds rows, and its own maintenance takes some.
    if before != after && !settings.in_use {
        return Err(CleanError::Lost { before, after });
    }
    Ok(Outcome { changed, stopped, size: database.size().await?, survey })
}

/// Room, and a backup that was checked; or at least a file that is sound.
async fn prepare(
    database: &mut dyn SessionDatabase,
    settings: &Settings,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<(), CleanError> {
    let used = database.size().await?.used;
    for (at, needed) in copy::needed(used, database.path(), settings.backup.as_deref(), settings.compact) {
        match database.room(&at) {
            Some(room) if room < needed => return Err(CleanError::Room { needed, room, at }),
            Some(_) => {}
            None => tell(Event::RoomUnknown),
        }
    }
    let Some(to) = &settings.backup else {
        let said = database.integrity().await?;
        return match said.as_slice() {
            [only] if only == "ok" => Ok(()),
            _ => Err(CleanError::Damaged(said.into_iter().next().unwrap_or_default())),
        };
    };
    tell(Event::BackingUp(to.clone()));
    let bytes = back_up(database, to).await?;
    tell(Event::BackedUp(to.clone(), bytes));
    Ok(())
}

async fn back_up(database: &mut dyn SessionDatabase, to: &Path) -> Result<u64, CleanError> {
    let before = database.counts().await?;
    let copied = database.back_up(to).await?;
    let after = database.counts().await?;
    copy::check(&copied.integrity, &before, &copied.counts, &after)?;
    Ok(copied.bytes)
}

/// Works through the rows of one class, batch by batch, until the end or a stop. Gives how many were changed.
async fn work(
    database: &mut dyn SessionDatabase,
    step: &Step,
    settings: &Settings,
    control: &Control,
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, CleanError> {
    let (mut after, mut changed) = (i64::MIN, 0_u64);
    while control.demand() == Demand::Run {
        let batch = database.batch(step, after, settings.batch).await?;
        changed = changed.saturating_add(batch.changed);
        told(changed);
        match batch.last {
            Some(last) => after = last,
            None => break,
        }
        if settings.in_use {
            // The server gets its turn.
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(changed)
}
