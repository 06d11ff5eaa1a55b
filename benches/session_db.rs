//! How long it takes to look at a session database, to back it up and to take old commands and responses out of it.
//!
//! `cargo bench --bench session_db [-- --events 1000000]`. Both encodings of time, each in a process of its own, so that
//! its peak memory is its own. It prints; it fails when other rows go than must go, when a note is not there any more, or
//! when the backup does not hold what the file held.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

#[allow(dead_code, reason = "each benchmark measures with a part of it")]
mod measure;

use measure::{option, peak_memory};

use muster::session::control::control;
use muster::time::Timestamp;
use muster::upkeep::clean::{Event, Settings, carry_out, look};
use muster::upkeep::database::{Access, SessionDatabase};
use muster::upkeep::instant::Ticks;
use muster::upkeep::order::{Action, Order};
use muster::upkeep::session_db::SessionDb;

const NOW: i64 = 1_795_000_000;
const DAYS: u32 = 7;
/// Events are spread evenly over so many days.
const SPREAD: u32 = 100;

/// A file of so many events: of ten, four are commands, four responses, one a note and one a connection. Half the commands
/// and responses carry a kilobyte.
const FILL: &str = "
    CREATE TABLE SessionEvent (SessionID BLOB, EventID BLOB, Time, EventType INTEGER, Host TEXT, Data TEXT, EventAttributes INTEGER);
    CREATE TABLE SessionConnectionEvent (SessionID BLOB, ConnectionID BLOB, EventID BLOB, Time, EventType INTEGER, Data TEXT, EventAttributes INTEGER);
    CREATE TEMP TABLE event AS
        WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < $EVENTS)
        SELECT n, n % 10 AS kind, $NOW - 1 - (n / 10) % $SPREAD * 86400 AS at, iif(n % 2, hex(zeroblob(500)), 'Get-Date') AS data FROM n;
    INSERT INTO SessionEvent SELECT x'01', CAST(n AS BLOB), $TIME, iif(kind < 4, 44, 32), 'host', data, 0 FROM event WHERE kind < 5;
    INSERT INTO SessionConnectionEvent SELECT x'01', x'02', CAST(n AS BLOB), $TIME, iif(kind < 9, 70, 10), data, 0 FROM event WHERE kind >= 5;
    DROP TABLE event";

const TEXT: &str = "strftime('%Y-%m-%d %H:%M:%S.0000000', at, 'unixepoch')";
const TICKS: &str = "at * 10000000 + 621355968000000000";

fn main() {
    let events = option("--events").unwrap_or(1_000_000);
    match std::env::args().skip_while(|argument| argument != "--encoding").nth(1) {
        Some(encoding) => runtime().block_on(measured(&encoding, events)),
        None => {
            for encoding in ["text", "ticks"] {
                let program = std::env::current_exe().unwrap();
                let arguments = ["--encoding", encoding, "--events", &events.to_string()];
                assert!(Command::new(program).args(arguments).status().unwrap().success(), "{encoding}");
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

async fn fill(path: &Path, encoding: &str, events: u32) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let time = if encoding == "text" { TEXT } else { TICKS };
    let sql = FILL
        .replace("$EVENTS", &events.to_string())
        .replace("$NOW", &NOW.to_string())
        .replace("$SPREAD", &SPREAD.to_string())
        .replace("$TIME", time);
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn number(path: &Path, sql: &'static str) -> i64 {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

const ALL: &str =
    "SELECT (SELECT count(*) FROM SessionEvent) + (SELECT count(*) FROM SessionConnectionEvent)";
const NOTES: &str = "SELECT count(*) FROM SessionEvent WHERE EventType = 32";
const OTHERS: &str = "SELECT (SELECT count(*) FROM SessionEvent WHERE EventType <> 44) + \
    (SELECT count(*) FROM SessionConnectionEvent WHERE EventType <> 70)";

fn said(what: &str, rows: u64, took: Duration) {
    let rate = u128::from(rows) * 1_000 / took.as_millis().max(1);
    println!("  {what}: {took:.1?}, {rate} rows/s");
}

async fn measured(encoding: &str, events: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("Session.db");
    fill(&path, encoding, events).await;
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("{events} events, times as {encoding}, {size} MiB; peak memory before: {} MiB", peak_memory());
    let (all, notes, others) =
        (number(&path, ALL).await, number(&path, NOTES).await, number(&path, OTHERS).await);

    let now = Ticks::of(Timestamp::from_second(NOW).unwrap());
    let order = Order::new(Action::Delete, DAYS, now).unwrap();
    let start = Instant::now();
    let mut database = SessionDb::open(&path, Access::Read).await.unwrap();
    let (survey, tally) = look(&mut database, now, Some(order)).await.unwrap();
    let plan = tally.unwrap().plan(database.shape()).unwrap();
    Box::new(database).close().await.unwrap();
    said("look", u64::from(events), start.elapsed());

    // Of ten events eight are commands and responses; those of the first 7 of 100 days are not older.
    let due = (0..events).filter(|n| ![4, 9].contains(&(n % 10)) && (n / 10) % SPREAD >= DAYS).count() as u64;
    assert_eq!(plan.due().rows, due, "what the plan takes");

    let backup = folder.path().join("backup.db");
    let settings = Settings { backup: Some(backup.clone()), batch: 5_000, compact: true, in_use: false };
    let (_controller, control) = control();
    let mut database = SessionDb::open(&path, Access::Alone).await.unwrap();
    let (start, mut backed_up, mut worked) = (Instant::now(), Duration::ZERO, Duration::ZERO);
    let mut tell = |event: Event| match event {
        Event::BackedUp(..) => backed_up = start.elapsed(),
        Event::Done(..) => worked = start.elapsed(),
        _ => {}
    };
    let outcome =
        carry_out(&mut database, (&plan, &survey, now), &settings, &control, &mut tell).await.unwrap();
    Box::new(database).close().await.unwrap();
    said("backup, read again", u64::from(events), backed_up);
    said("delete", due, worked.saturating_sub(backed_up));
    said("compact, and look again", u64::from(events) - due, start.elapsed().saturating_sub(worked));

    assert_eq!(outcome.changed, due);
    assert_eq!(number(&path, ALL).await, all - i64::try_from(due).unwrap(), "only what was due has gone");
    assert_eq!((number(&path, NOTES).await, number(&path, OTHERS).await), (notes, others), "notes are kept");
    assert_eq!((number(&backup, ALL).await, number(&backup, NOTES).await), (all, notes), "the backup");
    // Restored: the backup in place of the file gives the same plan again.
    std::fs::copy(&backup, &path).unwrap();
    let mut database = SessionDb::open(&path, Access::Read).await.unwrap();
    let (again, tally) = look(&mut database, now, Some(order)).await.unwrap();
    assert_eq!(
        (again, tally.unwrap().plan(database.shape()).unwrap()),
        (survey, plan),
        "the restored backup"
    );
    Box::new(database).close().await.unwrap();
    let after = outcome.size.file >> 20;
    println!(
        "  {due} rows deleted, {notes} notes kept, {size} MiB -> {after} MiB; peak memory: {} MiB",
        peak_memory()
    );
}
