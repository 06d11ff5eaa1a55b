//! `muster maintain screenconnect-db` from end to end, on real files.

use std::path::Path;
use std::process::{Command, Stdio};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::support::muster::World;

const ROWS: &str = "
    CREATE TABLE SessionEvent (SessionID BLOB, EventID BLOB, Time, EventType INTEGER, Host TEXT, Data TEXT, EventAttributes INTEGER);
    CREATE TABLE SessionConnectionEvent (SessionID BLOB, ConnectionID BLOB, EventID BLOB, Time, EventType INTEGER, Data TEXT, EventAttributes INTEGER);
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20)
    INSERT INTO SessionEvent SELECT x'01', randomblob(16), unixepoch('now', '-' || n || ' day') * 10000000 + 621355968000000000,
        iif(n % 2, 44, 32), 'host', 'text', 0 FROM n";

fn sql(path: &Path, statement: &'static str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a file");
        let number = if statement.starts_with("SELECT") {
            sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("a number")
        } else {
            sqlx::raw_sql(statement).execute(&mut connection).await.map(|_| 0).expect("done")
        };
        connection.close().await.expect("closed");
        number
    })
}

/// Makes a file: commands of each odd day, and notes of each even one, of the last twenty, with times as ticks.
pub(super) fn database(path: &Path) {
    sql(path, ROWS);
}

const COMMANDS: &str = "SELECT count(*) FROM SessionEvent WHERE EventType = 44";
const NOTES: &str = "SELECT count(*) FROM SessionEvent WHERE EventType = 32";

#[test]
fn a_plan_comes_first_and_nothing_changes_without_a_yes() {
    let world = World::new();
    let path = world.path("Session.db");
    database(&path);
    let file = path.to_str().expect("Unicode");
    let before = std::fs::read(&path).expect("the file");
    world
        .run(&["maintain", "screenconnect-db", file])
        .exits(0)
        .shows("SessionEvent 44 QueuedCommand")
        .shows("20 ticks");
    let refused = world.run(&["maintain", "screenconnect-db", file, "--delete"]).exits(6);
    refused.says("there is nobody to ask").shows("Plan: 7 rows to delete");
    let told = world
        .run(&["maintain", "screenconnect-db", file, "--soft-delete", "--output", "json"])
        .exits(6)
        .json();
    assert_eq!((&told["plan"]["due"]["rows"], &told["done"]), (&7.into(), &serde_json::Value::Null));
    world.run(&["maintain", "screenconnect-db", file, "--yes"]).exits(64);
    world.run(&["maintain", "screenconnect-db", file, "--delete", "--soft-delete"]).exits(64);
    world
        .run(&["maintain", "screenconnect-db", file, "--delete", "--older-than", "0", "--yes"])
        .exits(64)
        .says("last day");
    assert_eq!(std::fs::read(&path).expect("the file"), before);
}

#[test]
fn with_a_yes_only_old_commands_go_and_the_backup_has_them() {
    let world = World::new();
    let path = world.path("Session.db");
    database(&path);
    let (file, backup) = (path.to_str().expect("Unicode"), world.path("backup.db"));
    let words = ["maintain", "screenconnect-db", file, "--delete", "--yes", "--vacuum", "--backup"];
    let words: Vec<&str> = words.into_iter().chain([backup.to_str().expect("Unicode")]).collect();
    world.run(&words).exits(0).shows("7 rows deleted").says("checked");
    assert_eq!((sql(&path, COMMANDS), sql(&path, NOTES)), (3, 10));
    assert_eq!((sql(&backup, COMMANDS), sql(&backup, NOTES)), (10, 10));
    // There is nothing more to do, so no second backup is written over the first.
    world.run(&words).exits(0).shows("Plan: 0 rows to delete");
    world
        .run(&[
            "maintain",
            "screenconnect-db",
            file,
            "--soft-delete",
            "--older-than",
            "0",
            "--yes",
            "--no-backup",
        ])
        .exits(0);
    assert_eq!(sql(&path, "SELECT sum(EventAttributes) FROM SessionEvent WHERE EventType = 44"), 3);
    assert_eq!(sql(&path, "SELECT sum(EventAttributes) FROM SessionEvent WHERE EventType = 32"), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_somebody_has_open_is_refused_with_the_name() {
    let world = World::new();
    let path = world.path("Session.db");
    database(&path);
    let file = path.to_str().expect("Unicode");
    let open = std::fs::File::open(&path).expect("the file");
    let mut other = Command::new("sleep").arg("60").stdin(Stdio::from(open)).spawn().expect("sleep");
    let ran = world.run(&["maintain", "screenconnect-db", file, "--delete", "--yes"]);
    let beside = world.run(&[
        "maintain",
        "screenconnect-db",
        file,
        "--delete",
        "--yes",
        "--no-backup",
        "--while-in-use",
    ]);
    other.kill().expect("ends");
    other.wait().expect("ended");
    ran.exits(8).says("it is in use: the program sleep (process ").says("--while-in-use");
    beside.exits(0).shows("7 rows deleted");
}

#[test]
fn what_is_no_session_database_is_refused_by_name() {
    let world = World::new();
    let path = world.path("Session.db");
    let file = path.to_str().expect("Unicode");
    world.run(&["maintain", "screenconnect-db", file]).exits(64).says("there is no such file");
    std::fs::write(&path, "not a database").expect("a file");
    world
        .run(&["maintain", "screenconnect-db", file])
        .exits(3)
        .says("not an SQLite database, or it is encrypted");
    std::fs::remove_file(&path).expect("removed");
    sql(&path, "CREATE TABLE SessionEvent (Time, EventType, Data)");
    let ran = world.run(&["maintain", "screenconnect-db", file, "--delete", "--yes"]);
    ran.exits(3).says("no table SessionConnectionEvent");
    sql(
        &path,
        "CREATE TABLE SessionConnectionEvent (Time, EventType, Data); INSERT INTO SessionEvent VALUES ('2020-01-01 00:00:00', 44, '')",
    );
    let ran = world.run(&["maintain", "screenconnect-db", file, "--soft-delete", "--yes"]);
    ran.exits(6).says("no column EventAttributes in SessionEvent and in SessionConnectionEvent");
}
