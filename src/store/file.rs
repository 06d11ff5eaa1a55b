//! The database file: what is refused, how it is created, connected to and brought up to date.
//!
//! Not here: reading and writing what it holds (`sqlite`).
//!
//! Invariants: a file that is not ours, or newer than this release, is not touched; a migration happens once and as a
//! whole, whoever opens the file at the same time. Migrations are only ever appended.

#![expect(clippy::disallowed_methods, reason = "an adapter: it owns the database file")]

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection, Row};

use super::StoreError;

/// The migrations, in order; the file's `user_version` counts those that it has had. Only ever append.
const MIGRATIONS: [&str; 5] = [
    include_str!("migration/0001_journal.sql"),
    include_str!("migration/0002_safety.sql"),
    include_str!("migration/0003_failures.sql"),
    include_str!("migration/0004_identification.sql"),
    include_str!("migration/0005_maintenance.sql"),
];

/// Marks the file as ours (`application_id`): "Mstr".
const APPLICATION: i64 = 0x4d73_7472;

/// Opens the file for two connections: one that writes (unless `read_only`) and one that reads.
pub(super) async fn open(
    path: &Path,
    busy: Duration,
    read_only: bool,
) -> Result<(AnyConnection, AnyConnection), StoreError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
        path: path.display().to_string(),
        unusable: is_damaged(&*source),
        source,
    };
    inspect(path)?;
    if !read_only {
        create(path).map_err(|error| failed(error.into()))?;
    }
    sqlx::any::install_default_drivers();
    connections(path, busy, read_only).await.map_err(|error| match error {
        OpenError::TooNew(found) => too_new(found),
        OpenError::Other(source) => failed(source),
    })
}

async fn connections(
    path: &Path,
    busy: Duration,
    read_only: bool,
) -> Result<(AnyConnection, AnyConnection), OpenError> {
    let mut writer = connect(path, busy).await?;
    if read_only {
        check_readable(&mut writer).await?;
        sqlx::raw_sql("PRAGMA query_only = ON").execute(&mut writer).await?;
    } else {
        prepare(&mut writer).await?;
    }
    let mut reader = connect(path, busy).await?;
    sqlx::raw_sql("PRAGMA query_only = ON").execute(&mut reader).await?;
    Ok((writer, reader))
}

/// Whether SQLite says that the file is damaged or no database. A disk that is full or fails says nothing of the file.
fn is_damaged(error: &(dyn std::error::Error + 'static)) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let error = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    let code = error.and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<u32>().ok());
    // The lowest byte of a code says what kind of error it is.
    code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}

fn too_new(found: i64) -> StoreError {
    StoreError::TooNew { found, known: known() }
}

/// The schema version that this release writes.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Looks at the first bytes of an existing file before SQLite may touch it.
fn inspect(path: &Path) -> Result<(), StoreError> {
    let broken = |unusable: bool, source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
        path: path.display().to_string(),
        unusable,
        source,
    };
    let failed = |error: std::io::Error| broken(false, error.into());
    let mut head = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut head).map_err(failed)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if head.is_empty() {
        return Ok(());
    }
    let number = |at: usize| {
        let bytes = head.get(at..at.saturating_add(4)).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.map(|bytes| i64::from(u32::from_be_bytes(bytes)))
    };
    match (head.starts_with(b"SQLite format 3\0"), number(60), number(68)) {
        // Its application id may still stand in the write-ahead log.
        (true, Some(version), Some(application)) if application == APPLICATION || application == 0 => {
            if application == APPLICATION && version > known() {
                Err(too_new(version))
            } else {
                Ok(())
            }
        }
        (true, Some(_), Some(_)) => Err(broken(true, "it belongs to another program".into())),
        _ => Err(broken(true, "it is not an SQLite database".into())),
    }
}

/// Creates the file and its folder for their owner only.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

/// Why opening failed.
enum OpenError {
    TooNew(i64),
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(Box::new(error))
    }
}

impl From<&str> for OpenError {
    fn from(message: &str) -> Self {
        Self::Other(message.into())
    }
}

async fn connect(path: &Path, busy: Duration) -> Result<AnyConnection, OpenError> {
    let path = path.to_str().ok_or("its path is not valid Unicode")?;
    // Every byte that is not plain is escaped, so that no part of the path can be read as a part of an address.
    let mut address = String::from("sqlite:");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() {
            address.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            // Writing into a String cannot fail.
            _ = write!(address, "%{byte:02X}");
        }
    }
    let options: AnyConnectOptions = address.parse()?;
    let mut connection = options.disable_statement_logging().connect().await?;
    let pragmas = format!("PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON", busy.as_millis());
    sqlx::raw_sql(sqlx::AssertSqlSafe(pragmas)).execute(&mut connection).await?;
    Ok(connection)
}

async fn pragma(connection: &mut AnyConnection, statement: &'static str) -> Result<i64, OpenError> {
    Ok(sqlx::query(statement).fetch_one(connection).await?.try_get(0)?)
}

/// The version of a file that is ours or empty.
async fn version(connection: &mut AnyConnection) -> Result<i64, OpenError> {
    let version = pragma(connection, "PRAGMA user_version").await?;
    let objects = pragma(connection, "SELECT count(*) FROM sqlite_schema").await?;
    // The mark last: a file that another process makes just now is ours before it holds anything.
    let application = pragma(connection, "PRAGMA application_id").await?;
    if application == APPLICATION {
        return if version > known() { Err(OpenError::TooNew(version)) } else { Ok(version) };
    }
    if application == 0 && version == 0 && objects == 0 {
        Ok(0)
    } else {
        Err("it belongs to another program".into())
    }
}

async fn check_readable(connection: &mut AnyConnection) -> Result<(), OpenError> {
    if version(connection).await? < known() {
        return Err("an older release wrote it: a command that writes brings it up to date".into());
    }
    Ok(())
}

/// Makes a connection ready to write and the schema the present one.
async fn prepare(connection: &mut AnyConnection) -> Result<(), OpenError> {
    // Nothing is written before it is certain that the file is ours.
    let found = version(connection).await?;
    sqlx::raw_sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").execute(&mut *connection).await?;
    if found == known() {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Another process may have been faster.
    let found = version(&mut transaction).await?;
    let done = usize::try_from(found).unwrap_or_default();
    for migration in MIGRATIONS.iter().skip(done) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}", known());
    sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Digest;

    #[test]
    fn a_migration_that_was_released_does_not_change() {
        let digests: Vec<String> =
            MIGRATIONS.iter().map(|text| Digest::of(text.as_bytes()).short().to_owned()).collect();
        // Append; never change one that stands here.
        assert_eq!(digests, ["d83f65d8fed3", "f30d3012c6b9", "1604fce1ce8d", "4a1689f51743", "6121d7d4011b"]);
    }

    #[tokio::test]
    async fn a_damaged_file_is_told_from_a_place_that_cannot_be_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.db");
        let busy = Duration::from_millis(50);
        let (writer, reader) = open(&path, busy, false).await.expect("a database");
        for connection in [reader, writer] {
            connection.close().await.expect("closed");
        }
        let mut bytes = std::fs::read(&path).expect("its bytes");
        bytes.iter_mut().skip(100).for_each(|byte| *byte = 0xff);
        std::fs::write(&path, bytes).expect("written");
        for beside in ["state.db-wal", "state.db-shm"] {
            _ = std::fs::remove_file(folder.path().join(beside));
        }
        let error = open(&path, busy, false).await.expect_err("it is damaged");
        assert!(matches!(error, StoreError::Open { unusable: true, .. }), "{error:?}");
        let below = path.join("state.db");
        let error = open(&below, busy, false).await.expect_err("a file is no folder");
        assert!(matches!(error, StoreError::Open { unusable: false, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_file_that_somebody_else_locks_is_an_error_and_not_a_hang() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.db");
        let busy = Duration::from_millis(50);
        let (mut writer, reader) = open(&path, busy, false).await.expect("a database");
        drop(reader);
        sqlx::raw_sql("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
            .execute(&mut writer)
            .await
            .expect("a lock");
        let error = open(&path, busy, false).await.expect_err("it is locked");
        assert!(matches!(error, StoreError::Open { unusable: false, .. }), "nothing is wrong with the file");
        let source = std::error::Error::source(&error).expect("a source").to_string();
        assert!(source.contains("locked"), "{source}");
    }
}
