//! The store in one SQLite file.
//!
//! Not here: what is stored and why (`super`), how it stands in rows (`format`, `row`), the file (`file`), the lock
//! (`lock`).
//!
//! Invariants: what a write has acknowledged is on disk (`synchronous=FULL`, write-ahead log); a write is all or nothing;
//! one connection writes. A file that is not ours, newer than this release, or damaged is refused and left as it is.
//! The statements use `$N`, texts and 64-bit numbers only, so that another database can take them over; what is SQLite's
//! own is `json_each` in bulk writes and the pragmas.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Flag, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};
use tokio::sync::{Mutex, MutexGuard, oneshot};

use super::format::{self, ActionRow};
use super::{
    ActionRecord, ItemResult, KeptFailure, KeptSource, KeptValue, MaintenanceRecord, RunLock, RunRecord,
    SessionRecord, Store, StoreError, StoredComputer, file, lock, memory, row,
};
use crate::id::{ComputerId, RunId, SessionId};
use crate::inventory::facts::Facts;
use crate::inventory::identify::{Memory, MemoryChange};
use crate::inventory::item::Detection;
use crate::inventory::relations::Common;
use crate::plan::past::Durations;
use crate::plan::remembered::Remembered;
use crate::policy::protection::Protection;
use crate::time::Timestamp;

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(10);

/// A bulk write goes to the database in texts of about this length (bytes), all in one transaction.
const BULK: usize = 8 * 1024 * 1024;

/// The state in an SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    writer: Arc<Writer>,
    reader: Mutex<AnyConnection>,
}

/// The connection that writes, and the actions that wait for it: they go to disk together.
#[derive(Debug)]
struct Writer {
    connection: Mutex<AnyConnection>,
    actions: Flag<Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    row: ActionRow,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Sqlite {
    /// Opens the file, creating it (mode 0600) and its folder (mode 0700) where they are missing, and brings its schema
    /// up to date. Any number of processes may have it open; writes wait for each other.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] for the file of a newer release and [`StoreError::Open`] for everything else: a file of
    /// another program, a damaged one, one that may not be written. Such a file is left as it is.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(path, BUSY, false).await
    }

    /// Opens an existing file for reading only, while an apply may be running. Nothing is created or migrated.
    ///
    /// # Errors
    /// Like [`Sqlite::open`]; besides, [`StoreError::Open`] for a file that is missing or older than this release.
    /// Writing to the opened store is [`StoreError::Failed`].
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(path, BUSY, true).await
    }

    async fn open_waiting(path: &Path, busy: Duration, read_only: bool) -> Result<Self, StoreError> {
        let (writer, reader) = file::open(path, busy, read_only).await?;
        let writer = Writer { connection: Mutex::new(writer), actions: Flag::default() };
        Ok(Self { path: path.to_owned(), writer: Arc::new(writer), reader: Mutex::new(reader) })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the connections in good order. Dropping the store is as safe, but may leave the write-ahead log beside the
    /// file a moment longer.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when actions are still being written, or the database cannot be closed.
    pub async fn close(self) -> Result<(), StoreError> {
        let error = |error| failed("close", error);
        self.reader.into_inner().close().await.map_err(error)?;
        let writer = Arc::into_inner(self.writer).ok_or_else(|| failed("close", "it is being written to"))?;
        writer.connection.into_inner().close().await.map_err(error)
    }

    /// All rows of a query, each read by `read`.
    async fn rows<T>(
        &self,
        operation: &'static str,
        query: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
        mut read: impl FnMut(&AnyRow) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut connection = self.reader.lock().await;
        let mut rows = query.fetch(&mut *connection);
        let mut all = Vec::new();
        // One after the other: as rows they need far more memory.
        while let Some(row) = rows.try_next().await.map_err(|error| failed(operation, error))? {
            all.push(read(&row)?);
        }
        Ok(all)
    }

    /// Empties a table and fills it with these rows, all or none.
    async fn replace_all(
        &self,
        operation: &'static str,
        [clear, put]: [&'static str; 2],
        rows: &[Value],
    ) -> Result<(), StoreError> {
        let text = Value::from(rows).to_string();
        let error = |error| failed(operation, error);
        let mut connection = self.writer.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error)?;
        sqlx::query(clear).execute(&mut *transaction).await.map_err(error)?;
        sqlx::query(put).bind(&text).execute(&mut *transaction).await.map_err(error)?;
        transaction.commit().await.map_err(error)
    }

    /// Runs statements over rows, each given as a JSON array, in one transaction.
    async fn bulk(
        &self,
        operation: &'static str,
        statements: &[&'static str],
        rows: impl Iterator<Item = Result<Value, StoreError>> + Send,
    ) -> Result<(), StoreError> {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut connection = self.writer.connection.lock().await;
        let error = |error| failed(operation, error);
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error)?;
        while rows.peek().is_some() {
            let mut text = String::from("[");
            while text.len() < BULK
                && let Some(row) = rows.next()
            {
                if text.len() > 1 {
                    text.push(',');
                }
                text.push_str(&row?.to_string());
            }
            text.push(']');
            for statement in statements {
                sqlx::query(*statement).bind(&text).execute(&mut *transaction).await.map_err(error)?;
            }
        }
        transaction.commit().await.map_err(error)
    }
}

impl Store for Sqlite {
    fn computers(&self) -> BoxFuture<'_, Result<Vec<StoredComputer>, StoreError>> {
        let mut common = Common::default();
        Box::pin(self.rows(
            "read computers",
            sqlx::query(
                "SELECT id, facts, facts_at, contact, contacted, provider, agent, listed FROM computer ORDER BY id",
            ),
            move |row| {
                let mut computer = row::computer(row)?;
                common.share(&mut computer.agent.belongings);
                Ok(computer)
            },
        ))
    }

    fn put_computers<'a>(&'a self, computers: &'a [StoredComputer]) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO computer (id, facts, facts_at, contact, contacted, provider, agent, listed) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7 FROM json_each($1) WHERE true \
            ON CONFLICT (id) DO UPDATE SET \
            facts = COALESCE(excluded.facts, computer.facts), \
            facts_at = COALESCE(excluded.facts_at, computer.facts_at), \
            contact = excluded.contact, contacted = excluded.contacted, \
            provider = excluded.provider, agent = excluded.agent, listed = excluded.listed";
        Box::pin(self.bulk("write computers", &[PUT], computers.iter().map(format::computer_row)))
    }

    fn sources(&self) -> BoxFuture<'_, Result<Vec<KeptSource>, StoreError>> {
        Box::pin(self.rows(
            "read sources",
            sqlx::query("SELECT kind, name, key, at, content FROM source ORDER BY kind, name"),
            row::source,
        ))
    }

    fn put_sources<'a>(&'a self, sources: &'a [KeptSource]) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO source (kind, name, key, at, content) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each($1) WHERE true \
            ON CONFLICT (kind, name) DO UPDATE SET \
            key = excluded.key, at = excluded.at, content = excluded.content";
        Box::pin(self.bulk("write sources", &[PUT], sources.iter().map(format::source_row)))
    }

    fn failures(&self) -> BoxFuture<'_, Result<Vec<KeptFailure>, StoreError>> {
        Box::pin(self.rows(
            "read failures",
            sqlx::query("SELECT kind, name, since, message, doubts FROM failure ORDER BY kind, name"),
            row::failure,
        ))
    }

    fn put_failures<'a>(&'a self, failures: &'a [KeptFailure]) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO failure (kind, name, since, message, doubts) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each($1)";
        Box::pin(async move {
            let rows = failures.iter().map(format::failure_row).collect::<Result<Vec<Value>, _>>()?;
            self.replace_all("write failures", ["DELETE FROM failure", PUT], &rows).await
        })
    }

    fn identification(&self) -> BoxFuture<'_, Result<Memory, StoreError>> {
        Box::pin(async move {
            let query = sqlx::query("SELECT kind, id, body FROM identification ORDER BY kind, id");
            let rows = self.rows("read which agents are on which computers", query, row::identified).await?;
            Ok(rows.into_iter().collect())
        })
    }

    fn put_identification<'a>(&'a self, change: &'a MemoryChange) -> BoxFuture<'a, Result<(), StoreError>> {
        const CLEAR: &str = "DELETE FROM identification WHERE EXISTS (SELECT 1 FROM json_each($1) AS new \
            WHERE new.value->>0 = identification.kind AND new.value->>1 = identification.id)";
        const PUT: &str = "INSERT INTO identification (kind, id, body) \
            SELECT value->>0, value->>1, value->>2 FROM json_each($1) WHERE value->>2 IS NOT NULL";
        let rows = format::identification_rows(change);
        Box::pin(self.bulk("write which agents are on which computers", &[CLEAR, PUT], rows))
    }

    fn put_facts<'a>(
        &'a self,
        computer: &'a ComputerId,
        at: Timestamp,
        facts: &'a Facts,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "UPDATE computer SET facts = new.value->>1, facts_at = new.value->>2 \
            FROM json_each($1) AS new WHERE computer.id = new.value->>0";
        Box::pin(self.bulk("write facts", &[PUT], std::iter::once(format::facts_row(computer, at, facts))))
    }

    fn detections(&self) -> BoxFuture<'_, Result<Vec<Detection>, StoreError>> {
        Box::pin(self.rows(
            "read detections",
            sqlx::query(
                "SELECT computer, kind, name, instance, probe, at, observed FROM detection \
                 ORDER BY computer, kind, name, instance, probe",
            ),
            row::detection,
        ))
    }

    fn put_detections<'a>(&'a self, detections: &'a [Detection]) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO detection (computer, kind, name, instance, probe, at, observed) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 \
            FROM json_each($1) WHERE true \
            ON CONFLICT (computer, kind, name, instance, probe) DO UPDATE SET \
            at = excluded.at, observed = excluded.observed";
        const HISTORY: &str = "INSERT INTO value_history (computer, kind, name, instance, at, observed) \
            SELECT new.value->>0, new.value->>1, new.value->>2, new.value->>3, new.value->>5, new.value->>6 \
            FROM json_each($1) AS new WHERE new.value->>6 LIKE '{\"value\":%' AND NOT EXISTS ( \
            SELECT 1 FROM detection WHERE computer = new.value->>0 AND kind = new.value->>1 \
            AND name = new.value->>2 AND instance = new.value->>3 AND probe = new.value->>4 \
            AND observed = new.value->>6) ON CONFLICT DO NOTHING";
        // The history looks at what was known before, so it goes first.
        Box::pin(self.bulk("write detections", &[HISTORY, PUT], detections.iter().map(format::detection_row)))
    }

    fn values<'a>(
        &'a self,
        computer: &'a ComputerId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<KeptValue>, StoreError>> {
        Box::pin(
            self.rows(
                "read values",
                sqlx::query(
                    "SELECT kind, name, instance, at, observed FROM value_history WHERE computer = $1 \
                     ORDER BY at DESC, kind, name, instance LIMIT $2",
                )
                .bind(computer.as_str())
                .bind(i64::from(limit)),
                row::kept_value,
            ),
        )
    }

    fn begin_run<'a>(&'a self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO run (id, started, finished, revision, plan, overrides) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each($1)";
        Box::pin(self.bulk("begin a run", &[PUT], std::iter::once(format::run_row(run))))
    }

    fn end_run<'a>(&'a self, run: &'a RunId, at: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut connection = self.writer.connection.lock().await;
            let ended = sqlx::query("UPDATE run SET finished = $1 WHERE id = $2")
                .bind(format::micros(at))
                .bind(run.as_str())
                .execute(&mut *connection)
                .await
                .map_err(|error| failed("end a run", error))?;
            if ended.rows_affected() == 1 { Ok(()) } else { Err(unknown("end a run", run.as_str())) }
        })
    }

    fn put_session<'a>(&'a self, session: &'a SessionRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO session (id, run, computer, name, tenant, status, started, finished) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7 \
            FROM json_each($1) WHERE true \
            ON CONFLICT (id) DO UPDATE SET status = excluded.status, finished = excluded.finished";
        Box::pin(self.bulk("write a session", &[PUT], std::iter::once(format::session_row(session))))
    }

    fn put_action<'a>(&'a self, action: &'a ActionRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (done, outcome) = oneshot::channel();
            let waiting = Waiting { row: ActionRow::of(action)?, done };
            self.writer.actions.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            // A task of its own, so that a caller who gives up does not take others' actions with him.
            let writer = Arc::clone(&self.writer);
            tokio::spawn(async move { writer.write_actions().await });
            outcome.await.unwrap_or_else(|error| Err(failed("write an action", error)))
        })
    }

    fn put_results<'a>(&'a self, results: &'a [ItemResult]) -> BoxFuture<'a, Result<(), StoreError>> {
        const LAST: &str = "INSERT INTO result \
            (computer, kind, name, instance, action, result, observed, content, at, session, given) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, \
            value->>8, value->>9, value->>10 FROM json_each($1) WHERE true \
            ON CONFLICT (computer, kind, name, instance) DO UPDATE SET action = excluded.action, \
            result = excluded.result, observed = excluded.observed, content = excluded.content, \
            at = excluded.at, session = excluded.session, given = CASE \
            WHEN excluded.action = 'uninstall' AND excluded.result = 'success' THEN NULL \
            ELSE COALESCE(excluded.given, result.given) END";
        const HISTORY: &str = "INSERT INTO result_history \
            (computer, kind, name, instance, action, result, observed, content, at, session, given) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, \
            value->>8, value->>9, value->>10 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
        Box::pin(self.bulk("write results", &[LAST, HISTORY], results.iter().map(format::result_row)))
    }

    fn results(&self) -> BoxFuture<'_, Result<Vec<ItemResult>, StoreError>> {
        Box::pin(self.rows(
            "read results",
            sqlx::query(
                "SELECT computer, kind, name, instance, action, result, observed, content, at, session, given \
                 FROM result ORDER BY computer, kind, name, instance",
            ),
            row::result,
        ))
    }

    fn remembered(&self) -> BoxFuture<'_, Result<Remembered, StoreError>> {
        Box::pin(async move {
            let parts = self.rows(
                "read what was wanted",
                sqlx::query("SELECT part, body FROM remembered ORDER BY part"),
                row::remembered,
            );
            memory::read(parts.await?)
        })
    }

    fn put_remembered<'a>(&'a self, remembered: &'a Remembered) -> BoxFuture<'a, Result<(), StoreError>> {
        const CLEAR: &str = "DELETE FROM remembered WHERE part >= json_extract($1, '$[0][0]')";
        const PUT: &str = "INSERT INTO remembered (part, body) \
            SELECT value->>0, value->>1 FROM json_each($1) WHERE true \
            ON CONFLICT (part) DO UPDATE SET body = excluded.body";
        Box::pin(async move {
            let rows = memory::rows(remembered)?;
            self.bulk("write what was wanted", &[CLEAR, PUT], rows.into_iter().map(Ok)).await
        })
    }

    fn durations(&self) -> BoxFuture<'_, Result<Durations, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(
                "read how long changes took",
                sqlx::query(
                    "SELECT kind, name, instance, action, AVG(finished - started) FROM action \
                     WHERE finished IS NOT NULL AND result = 'success' GROUP BY kind, name, instance, action",
                ),
                row::duration,
            );
            Ok(rows.await?.into_iter().collect())
        })
    }

    fn protections(&self) -> BoxFuture<'_, Result<Vec<Protection>, StoreError>> {
        Box::pin(self.rows(
            "read protections",
            sqlx::query("SELECT body FROM protection ORDER BY kind, name"),
            row::protection,
        ))
    }

    fn put_protections<'a>(&'a self, protections: &'a [Protection]) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO protection (kind, name, body) \
            SELECT value->>0, value->>1, value->>2 FROM json_each($1)";
        Box::pin(async move {
            let rows = protections.iter().map(format::protection_row).collect::<Result<Vec<Value>, _>>()?;
            self.replace_all("write protections", ["DELETE FROM protection", PUT], &rows).await
        })
    }

    fn runs(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RunRecord>, StoreError>> {
        Box::pin(
            self.rows(
                "read runs",
                sqlx::query(
                    "SELECT id, started, finished, revision, plan, overrides FROM run ORDER BY started DESC, id DESC LIMIT $1",
                )
                .bind(i64::from(limit)),
                row::run,
            ),
        )
    }

    fn sessions<'a>(
        &'a self,
        computer: Option<&'a ComputerId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<SessionRecord>, StoreError>> {
        let query = match computer {
            None => sqlx::query(
                "SELECT id, run, computer, name, tenant, status, started, finished FROM session \
                 ORDER BY started DESC, id DESC LIMIT $1",
            ),
            Some(_) => sqlx::query(
                "SELECT id, run, computer, name, tenant, status, started, finished FROM session \
                 WHERE computer = $2 ORDER BY started DESC, id DESC LIMIT $1",
            ),
        };
        let query = query.bind(i64::from(limit));
        let query = match computer {
            None => query,
            Some(computer) => query.bind(computer.as_str()),
        };
        Box::pin(self.rows("read sessions", query, row::session))
    }

    fn actions<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Vec<ActionRecord>, StoreError>> {
        Box::pin(
            self.rows(
                "read actions",
                sqlx::query(
                    "SELECT session, position, kind, name, instance, action, reason, content, before, after, \
                     result, message, output, started, finished FROM action WHERE session = $1 ORDER BY position",
                )
                .bind(session.as_str()),
                row::action,
            ),
        )
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<SessionRecord>, StoreError>> {
        Box::pin(self.rows(
            "read unfinished sessions",
            sqlx::query(
                "SELECT id, run, computer, name, tenant, status, started, finished FROM session \
                 WHERE finished IS NULL ORDER BY started, id",
            ),
            row::session,
        ))
    }

    fn put_maintenance<'a>(&'a self, record: &'a MaintenanceRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        const PUT: &str = "INSERT INTO maintenance (session, provider, agent, begun, unsettled, body) \
            SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each($1) WHERE true \
            ON CONFLICT (session, provider, agent) DO UPDATE SET \
            unsettled = excluded.unsettled, body = excluded.body";
        let row = format::maintenance_row(record);
        Box::pin(self.bulk("write a maintenance mode", &[PUT], std::iter::once(row)))
    }

    fn maintenance<'a>(
        &'a self,
        session: &'a SessionId,
    ) -> BoxFuture<'a, Result<Vec<MaintenanceRecord>, StoreError>> {
        const GET: &str = "SELECT body FROM maintenance WHERE session = $1 ORDER BY provider, agent";
        let query = sqlx::query(GET).bind(session.as_str());
        Box::pin(self.rows("read maintenance modes", query, row::maintenance))
    }

    fn open_maintenance(&self) -> BoxFuture<'_, Result<Vec<MaintenanceRecord>, StoreError>> {
        const GET: &str =
            "SELECT body FROM maintenance WHERE unsettled = 1 ORDER BY begun, session, provider, agent";
        Box::pin(self.rows("read maintenance modes", sqlx::query(GET), row::maintenance))
    }

    fn lock<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Box<dyn RunLock>, StoreError>> {
        Box::pin(async move {
            let lock = lock::take(&lock::path(&self.path), holder)?;
            Ok(Box::new(lock) as Box<dyn RunLock>)
        })
    }
}

impl Writer {
    /// Writes all actions that wait; whoever comes first writes those of the others too.
    async fn write_actions(&self) {
        let mut connection = self.connection.lock().await;
        let waiting = std::mem::take(&mut *self.actions.lock().unwrap_or_else(PoisonError::into_inner));
        if let [_, _, ..] = waiting.as_slice()
            && write_actions(&mut connection, waiting.iter().map(|waiting| &waiting.row)).await.is_ok()
        {
            for Waiting { row: _, done } in waiting {
                // Nobody waits any more: nobody has to be told.
                _ = done.send(Ok(()));
            }
            return;
        }
        // One alone, or one of them is wrong: each for itself, so that each gets its own answer.
        for Waiting { row, done } in waiting {
            let result = write_actions(&mut connection, std::iter::once(&row)).await;
            _ = done.send(result.map_err(|error| failed("write an action", error)));
        }
    }
}

async fn write_actions(
    connection: &mut MutexGuard<'_, AnyConnection>,
    rows: impl Iterator<Item = &ActionRow> + Send,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for row in rows {
        sqlx::query(
            "INSERT INTO action (session, position, kind, name, instance, action, reason, content, before, after, \
             result, message, output, started, finished) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             ON CONFLICT (session, position) DO UPDATE SET kind = excluded.kind, name = excluded.name, \
             instance = excluded.instance, action = excluded.action, reason = excluded.reason, \
             content = excluded.content, before = excluded.before, after = excluded.after, \
             result = excluded.result, message = excluded.message, output = excluded.output, \
             started = excluded.started, finished = excluded.finished",
        )
        .bind(&row.session)
        .bind(row.position)
        .bind(&row.kind)
        .bind(&row.name)
        .bind(&row.instance)
        .bind(&row.action)
        .bind(&row.reason)
        .bind(&row.content)
        .bind(&row.before)
        .bind(row.after.as_ref())
        .bind(row.result.as_ref())
        .bind(row.message.as_ref())
        .bind(row.output.as_ref())
        .bind(row.started)
        .bind(row.finished)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

fn failed(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Failed { operation, source: source.into() }
}

fn unknown(operation: &'static str, id: &str) -> StoreError {
    failed(operation, format!("it knows no {id}"))
}
