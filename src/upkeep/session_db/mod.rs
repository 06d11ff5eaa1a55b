//! A session database in an SQLite file.
//!
//! Not here: which rows are due ([`super::order`]), how the file is opened ([`open`]) and who else has it ([`holders`]).
//!
//! Invariants: foreign keys are not enforced, so that no row takes others along; a table with triggers is not written to
//! (its shape says so); a batch chooses rows inside the transaction that changes them, and is taken back unless SQLite
//! changed exactly as many; opened for reading it creates nothing beside a file that nobody uses.

mod holders;
mod open;

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection, TypeInfo, ValueRef};

pub use self::holders::holders;
use super::copy::Counts;
use super::database::{Access, Batch, Copied, DatabaseError, SessionDatabase, Size};
use super::event::Table;
use super::instant::{Stored, read};
use super::order::{Action, Step};
use super::shape::Shape;
use super::survey::{Attributes, Row};

/// A file that is open.
#[derive(Debug)]
pub struct SessionDb {
    path: PathBuf,
    connection: SqliteConnection,
    shape: Shape,
}

/// The bytes of the pages of each table with its indexes.
const PAGES: &str = "SELECT s.tbl_name, SUM(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name \
    WHERE d.aggregate = TRUE GROUP BY s.tbl_name";

/// What SQLite says, with what was tried.
fn failed(operation: &'static str) -> impl Fn(sqlx::Error) -> DatabaseError {
    move |source| DatabaseError::Failed { operation, source: source.into() }
}

impl SessionDb {
    /// Opens a file that exists.
    ///
    /// # Errors
    /// [`DatabaseError`]: no such file, no database, not whole, not of a known shape, or in use where it is to be opened
    /// alone. Nothing has changed then.
    pub async fn open(path: &Path, access: Access) -> Result<Self, DatabaseError> {
        let (connection, shape) = open::open(path, access).await?;
        Ok(Self { path: path.to_owned(), connection, shape })
    }

    async fn number(&mut self, statement: &'static str) -> Result<u64, DatabaseError> {
        let number: i64 = sqlx::query_scalar(statement)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed("read the size of the file"))?;
        Ok(u64::try_from(number).unwrap_or_default())
    }

    /// The columns of a row, in the order in which [`row`] reads them.
    fn columns(&self, table: Table) -> &'static str {
        if self.shape.has_attributes(table) {
            "EventType, Time, octet_length(Data), EventAttributes"
        } else {
            "EventType, Time, octet_length(Data), NULL"
        }
    }
}

/// The numbers of rows of all tables that hold rows.
async fn counts(connection: &mut SqliteConnection) -> Result<Counts, DatabaseError> {
    let error = failed("count rows");
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'")
            .fetch_all(&mut *connection)
            .await
            .map_err(&error)?;
    let mut counts = Counts::new();
    for name in names {
        let statement = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        let rows: i64 =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *connection).await.map_err(&error)?;
        counts.insert(name, u64::try_from(rows).unwrap_or_default());
    }
    Ok(counts)
}

async fn integrity(connection: &mut SqliteConnection) -> Result<Vec<String>, DatabaseError> {
    sqlx::query_scalar("PRAGMA integrity_check").fetch_all(connection).await.map_err(failed("check the file"))
}

/// What stands in a column, by the type of the value.
fn stored(row: &SqliteRow, at: usize) -> Result<Stored<'_>, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Stored::Null);
    }
    let kind = value.type_info();
    Ok(match kind.name() {
        "INTEGER" => Stored::Integer(row.try_get_unchecked(at)?),
        "REAL" => Stored::Real,
        "TEXT" => Stored::Text(row.try_get_unchecked::<&str, _>(at).ok()),
        _ => Stored::Blob,
    })
}

/// Reads a row from the column `first` on.
fn row(table: Table, row: &SqliteRow, first: usize) -> Result<Row, DatabaseError> {
    let error = failed("read an event");
    let event_type = match stored(row, first).map_err(&error)? {
        Stored::Integer(number) => Some(number),
        _ => None,
    };
    let time = read(stored(row, first + 1).map_err(&error)?);
    let bytes = match stored(row, first + 2).map_err(&error)? {
        Stored::Integer(number) => u64::try_from(number).unwrap_or_default(),
        _ => 0,
    };
    let attributes = match stored(row, first + 3).map_err(&error)? {
        Stored::Null | Stored::Integer(0) => Attributes::None,
        Stored::Integer(1) => Attributes::SoftDeleted,
        _ => Attributes::Other,
    };
    Ok(Row { table, event_type, attributes, time, bytes })
}

impl SessionDatabase for SessionDb {
    fn path(&self) -> &Path {
        &self.path
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn size(&mut self) -> BoxFuture<'_, Result<Size, DatabaseError>> {
        Box::pin(async move {
            let pages = self.number("PRAGMA page_count").await?;
            let page = self.number("PRAGMA page_size").await?;
            let free = self.number("PRAGMA freelist_count").await?;
            // Not every build of SQLite can tell; then nothing is told.
            let tables: Vec<(String, i64)> =
                sqlx::query_as(PAGES).fetch_all(&mut self.connection).await.unwrap_or_default();
            let number = |number: i64| u64::try_from(number).unwrap_or_default();
            Ok(Size {
                file: open::length(&self.path),
                log: open::length(&open::log(&self.path)),
                used: pages.saturating_sub(free).saturating_mul(page),
                free: free.saturating_mul(page),
                tables: tables.into_iter().map(|(name, bytes)| (name, number(bytes))).collect(),
            })
        })
    }

    fn counts(&mut self) -> BoxFuture<'_, Result<Counts, DatabaseError>> {
        Box::pin(counts(&mut self.connection))
    }

    fn rows<'a>(
        &'a mut self,
        each: &'a mut (dyn FnMut(&Row) + Send),
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(async move {
            for table in Table::ALL {
                let statement = format!("SELECT {} FROM {}", self.columns(table), table.name());
                let mut rows = sqlx::query(AssertSqlSafe(statement)).fetch(&mut self.connection);
                while let Some(found) = rows.try_next().await.map_err(failed("read the events"))? {
                    each(&row(table, &found, 0)?);
                }
            }
            Ok(())
        })
    }

    fn batch<'a>(
        &'a mut self,
        step: &'a Step,
        after: i64,
        most: u32,
    ) -> BoxFuture<'a, Result<Batch, DatabaseError>> {
        Box::pin(async move {
            let table = step.class.table();
            let (name, number) = (table.name(), step.class.event_type());
            let look = format!(
                "SELECT _rowid_, {} FROM {name} WHERE EventType = $1 AND _rowid_ > $2 ORDER BY _rowid_ LIMIT $3",
                self.columns(table)
            );
            let change = match step.order.action() {
                Action::Delete => format!("DELETE FROM {name}"),
                Action::SoftDelete => format!("UPDATE {name} SET EventAttributes = 1"),
            };
            let change =
                format!("{change} WHERE EventType = $1 AND _rowid_ IN (SELECT value FROM json_each($2))");
            let error = failed("change a batch of events");
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(&error)?;
            let (mut looked, mut last, mut chosen) = (0_u64, None, Vec::<i64>::new());
            let mut rows =
                sqlx::query(AssertSqlSafe(look)).bind(number).bind(after).bind(most).fetch(&mut *transaction);
            while let Some(found) = rows.try_next().await.map_err(&error)? {
                let at: i64 = found.try_get(0).map_err(&error)?;
                looked += 1;
                last = Some(at);
                if step.is_due(&row(table, &found, 1)?) {
                    chosen.push(at);
                }
            }
            drop(rows);
            if chosen.is_empty() {
                transaction.rollback().await.map_err(&error)?;
                return Ok(Batch { looked, changed: 0, last });
            }
            let numbers = serde_json::Value::from(chosen.as_slice()).to_string();
            let done = sqlx::query(AssertSqlSafe(change))
                .bind(number)
                .bind(numbers)
                .execute(&mut *transaction)
                .await
                .map_err(&error)?;
            let (chosen, changed) = (chosen.len() as u64, done.rows_affected());
            if changed != chosen {
                transaction.rollback().await.map_err(&error)?;
                return Err(DatabaseError::Other { chosen, changed });
            }
            transaction.commit().await.map_err(&error)?;
            Ok(Batch { looked, changed, last })
        })
    }

    fn back_up<'a>(&'a mut self, to: &'a Path) -> BoxFuture<'a, Result<Copied, DatabaseError>> {
        Box::pin(async move {
            let error = failed("write the backup");
            let text = open::private(to)?;
            sqlx::query("VACUUM INTO $1").bind(text).execute(&mut self.connection).await.map_err(&error)?;
            let mut copy = open::copy(to).await?;
            let (integrity, counts) = (integrity(&mut copy).await?, counts(&mut copy).await?);
            copy.close().await.map_err(error)?;
            Ok(Copied { bytes: open::length(to), integrity, counts })
        })
    }

    fn integrity(&mut self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        Box::pin(integrity(&mut self.connection))
    }

    fn room(&self, at: &Path) -> Option<u64> {
        open::room(at)
    }

    fn compact(&mut self) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(async move {
            let error = failed("compact the file");
            sqlx::raw_sql("VACUUM").execute(&mut self.connection).await.map_err(&error)?;
            sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut self.connection)
                .await
                .map_err(error)?;
            Ok(())
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), DatabaseError>> {
        Box::pin(async move { self.connection.close().await.map_err(failed("close the file")) })
    }
}

#[cfg(test)]
mod tests;
