//! How a session database is opened: what is refused before SQLite sees it, and which access it is given.

#![expect(clippy::disallowed_methods, reason = "an adapter: it looks at the file itself")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::super::database::{Access, DatabaseError, Holder};
use super::super::header::{self, Header};
use super::super::shape::{Found, Shape};
use super::failed;

/// How long a statement waits for another program's lock.
const BUSY: Duration = Duration::from_secs(10);
/// The same where the file is wanted alone: a server that has it does not give it back.
const BUSY_ALONE: Duration = Duration::from_secs(2);

/// The length of a file; zero where there is none.
pub(super) fn length(path: &Path) -> u64 {
    fs::metadata(path).map(|found| found.len()).unwrap_or_default()
}

/// The write-ahead log of a file.
pub(super) fn log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Opens a file and works out its shape.
pub(super) async fn open(path: &Path, access: Access) -> Result<(SqliteConnection, Shape), DatabaseError> {
    let header = inspect(path)?;
    let options = options(path).busy_timeout(if access == Access::Alone { BUSY_ALONE } else { BUSY });
    let options = match access {
        // Nobody is connected to a file with a log unless the log is there. Then nothing has to be created beside it.
        Access::Read => options.read_only(true).immutable(header.logged && !log(path).exists()),
        Access::Alone => options.locking_mode(SqliteLockingMode::Exclusive),
        Access::Shared => options,
    };
    let mut connection = match options.connect().await {
        Ok(connection) => connection,
        Err(error) => return Err(explained(error, access)),
    };
    if access == Access::Alone {
        alone(&mut connection).await.map_err(|error| explained(error, access))?;
    }
    let tables = tables(&mut connection).await.map_err(failed("read the file"))?;
    Ok((connection, Shape::of(&tables)?))
}

/// Takes the file for this connection alone, until it is closed.
async fn alone(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("BEGIN EXCLUSIVE; SELECT count(*) FROM sqlite_schema; COMMIT").execute(connection).await?;
    Ok(())
}

/// A lock that was not given says that somebody has the file.
fn explained(error: sqlx::Error, access: Access) -> DatabaseError {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    if access == Access::Alone && matches!(code, Some(BUSY | LOCKED)) {
        return DatabaseError::Held(vec![Holder::Lock]);
    }
    failed("open the file")(error)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .row_buffer_size(1024)
        .disable_statement_logging()
}

/// Looks at the first bytes.
fn inspect(path: &Path) -> Result<Header, DatabaseError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(DatabaseError::Missing),
        Err(error) => return Err(DatabaseError::Unreadable(error)),
    };
    let mut first = Vec::new();
    let most = u64::try_from(header::LENGTH).unwrap_or_default();
    let file = File::open(path).map_err(DatabaseError::Unreadable)?;
    file.take(most).read_to_end(&mut first).map_err(DatabaseError::Unreadable)?;
    Ok(Header::read(&first, found.len(), length(&log(path)) > 0)?)
}

/// All tables of the file with their columns and triggers.
async fn tables(connection: &mut SqliteConnection) -> Result<BTreeMap<String, Found>, sqlx::Error> {
    const TABLES: &str = "SELECT name, type = 'table', wr FROM pragma_table_list WHERE schema = 'main'";
    const COLUMNS: &str = "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c WHERE t.schema = 'main'";
    const TRIGGERS: &str = "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'trigger'";
    let tables: Vec<(String, bool, bool)> = sqlx::query_as(TABLES).fetch_all(&mut *connection).await?;
    let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS).fetch_all(&mut *connection).await?;
    let triggers: Vec<(String, String)> = sqlx::query_as(TRIGGERS).fetch_all(&mut *connection).await?;
    let mut all = BTreeMap::new();
    for (name, is_table, without_row_number) in tables {
        all.insert(name, Found { is_table, without_row_number, ..Found::default() });
    }
    for (table, column) in columns {
        all.entry(table).or_default().columns.insert(column);
    }
    for (table, trigger) in triggers {
        // A trigger is said to be on the table as its author wrote the name.
        let found = all.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&table));
        if let Some((_, found)) = found {
            found.triggers.insert(trigger);
        }
    }
    Ok(all)
}

/// Makes an empty file that only this account can read, and gives its path as a text. What is there stays.
pub(super) fn private(path: &Path) -> Result<String, DatabaseError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| DatabaseError::Failed {
        operation: "write the backup",
        source,
    };
    let text = path.to_str().ok_or_else(|| failed("its path is not valid Unicode".into()))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| failed(error.into()))?;
    Ok(text.to_owned())
}

/// Opens a copy that was just made, for reading.
pub(super) async fn copy(path: &Path) -> Result<SqliteConnection, DatabaseError> {
    let options = options(path).read_only(true).immutable(true);
    SqliteConnection::connect_with(&options).await.map_err(failed("read the backup"))
}

/// The bytes that are free for this account where a path lies.
#[cfg(unix)]
pub(super) fn room(path: &Path) -> Option<u64> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Not told by this system without a library of its own.
#[cfg(not(unix))]
pub(super) const fn room(_: &Path) -> Option<u64> {
    None
}
