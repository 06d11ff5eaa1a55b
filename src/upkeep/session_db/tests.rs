//! Real files of both encodings, with the driver that works on them.

#![allow(
    clippy::disallowed_methods,
    clippy::decimal_bitwise_operands,
    reason = "tests make and look at files"
)]

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{Connection, Row as _, SqliteConnection};
use tempfile::TempDir;

use super::SessionDb;
use crate::session::control::{Control, Controller, control};
use crate::time::Timestamp;
use crate::upkeep::clean::{self, CleanError, Event, Outcome, Settings};
use crate::upkeep::database::{Access, DatabaseError, Holder, SessionDatabase};
use crate::upkeep::event::{Class, Table};
use crate::upkeep::header::HeaderError;
use crate::upkeep::instant::{Encoding, Odd, Ticks};
use crate::upkeep::order::{Action, Order, Plan, Verdict};
use crate::upkeep::survey::Survey;

const NOW: &str = "2026-11-22T12:00:00Z";

fn now() -> Ticks {
    Ticks::of(NOW.parse().expect("an instant"))
}

/// How a file is made.
#[derive(Debug, Clone, Copy)]
struct Form {
    encoding: Encoding,
    logged: bool,
}

const FORMS: [Form; 4] = [
    Form { encoding: Encoding::Text, logged: true },
    Form { encoding: Encoding::Text, logged: false },
    Form { encoding: Encoding::Ticks, logged: true },
    Form { encoding: Encoding::Ticks, logged: false },
];

async fn connect(path: &Path, logged: bool) -> SqliteConnection {
    let mode = if logged { SqliteJournalMode::Wal } else { SqliteJournalMode::Delete };
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).journal_mode(mode);
    SqliteConnection::connect_with(&options).await.expect("a file")
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

const TABLES: &str = "
    CREATE TABLE Session (SessionID BLOB PRIMARY KEY, SessionType INTEGER, Name TEXT);
    CREATE TABLE SessionEvent (SessionID BLOB, EventID BLOB, Time, EventType INTEGER, Host TEXT, Data TEXT,
        EventAttributes INTEGER, PRIMARY KEY (SessionID, EventID));
    CREATE TABLE SessionConnectionEvent (SessionID BLOB, ConnectionID BLOB, EventID BLOB, Time, EventType INTEGER,
        Data TEXT, EventAttributes INTEGER, PRIMARY KEY (SessionID, EventID));
    INSERT INTO Session VALUES (x'01', 2, 'PC-1');";

/// A file with a command and a response of each of the last 20 days at noon, a note for each, and other events.
async fn file(folder: &TempDir, form: Form) -> PathBuf {
    let path = folder.path().join("Session.db");
    let mut connection = connect(&path, form.logged).await;
    run(&mut connection, TABLES).await;
    run(&mut connection, "BEGIN").await;
    for day in 0..20_u32 {
        for (table, number, text) in [
            (Table::SessionEvent, 44_i64, "#!ps\nGet-Date"),
            (Table::SessionEvent, 32, "a note"),
            (Table::SessionEvent, 70, "misplaced"),
            (Table::SessionConnectionEvent, 70, "Sunday"),
            (Table::SessionConnectionEvent, 10, ""),
        ] {
            let at = now().before(day);
            let into = match table {
                Table::SessionEvent => {
                    "INSERT INTO SessionEvent (SessionID, EventID, Time, EventType, Data, EventAttributes) VALUES (x'01', randomblob(16), $1, $2, $3, 0)"
                }
                Table::SessionConnectionEvent => {
                    "INSERT INTO SessionConnectionEvent (SessionID, EventID, Time, EventType, Data, EventAttributes) VALUES (x'01', randomblob(16), $1, $2, $3, 0)"
                }
            };
            let query = match form.encoding {
                Encoding::Text => {
                    sqlx::query(into).bind(at.timestamp().strftime("%Y-%m-%d %H:%M:%S.0000000").to_string())
                }
                Encoding::Ticks => sqlx::query(into).bind(at.number()),
            };
            query.bind(number).bind(text).execute(&mut connection).await.expect("a row");
        }
    }
    run(&mut connection, "COMMIT").await;
    connection.close().await.expect("closed");
    path
}

/// All rows of all tables, as texts.
async fn dump(path: &Path) -> Vec<String> {
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.expect("a file");
    let mut all = Vec::new();
    for sql in [
        "SELECT hex(SessionID) || Name FROM Session",
        "SELECT 'SessionEvent ' || hex(EventID) || EventType || quote(Time) || quote(Data) || quote(EventAttributes) FROM SessionEvent",
        "SELECT 'SessionConnectionEvent ' || hex(EventID) || EventType || quote(Time) || quote(Data) || quote(EventAttributes) FROM SessionConnectionEvent",
    ] {
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("rows");
        all.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    connection.close().await.expect("closed");
    all.sort();
    all
}

async fn count(path: &Path, sql: &'static str) -> i64 {
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.expect("a file");
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number");
    connection.close().await.expect("closed");
    number
}

async fn looked(path: &Path, action: Action, days: u32) -> (Survey, Plan) {
    let mut database = SessionDb::open(path, Access::Read).await.expect("opens");
    let order = Order::new(action, days, now()).expect("an order");
    let (survey, tally) = clean::look(&mut database, now(), Some(order)).await.expect("rows");
    let tally = tally.expect("an order was given");
    let plan = tally.plan(database.shape()).expect("a plan");
    Box::new(database).close().await.expect("closed");
    (survey, plan)
}

fn settings(backup: Option<PathBuf>) -> Settings {
    Settings { backup, batch: 3, compact: false, in_use: false }
}

async fn carried_out(
    path: &Path,
    (survey, plan): &(Survey, Plan),
    settings: &Settings,
    control: &Control,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Outcome, CleanError> {
    let access = if settings.in_use { Access::Shared } else { Access::Alone };
    let mut database = SessionDb::open(path, access).await?;
    let outcome = clean::carry_out(&mut database, (plan, survey, now()), settings, control, tell).await;
    Box::new(database).close().await.expect("closed");
    outcome
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const OLD_SQL: &str = "SELECT (SELECT count(*) FROM SessionEvent WHERE EventType = 44 AND Time < DATETIME('2026-11-22 12:00:00', '-7 day'))
    + (SELECT count(*) FROM SessionConnectionEvent WHERE EventType = 70 AND Time < DATETIME('2026-11-22 12:00:00', '-7 day'))";

#[tokio::test]
async fn only_old_commands_and_responses_are_deleted_in_both_encodings_where_the_well_known_sql_takes_all_ticks()
 {
    for form in FORMS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, form).await;
        let before = dump(&path).await;
        // Noon of the seventh day is not older than seven days, and DATETIME has no fraction, which sorts before.
        let well_known = if form.encoding == Encoding::Text { 24 } else { 40 };
        assert_eq!(count(&path, OLD_SQL).await, well_known, "{form:?}");
        let plan = looked(&path, Action::Delete, 7).await;
        assert_eq!(plan.1.due().rows, 24, "{form:?}");
        assert_eq!(names(&folder), ["Session.db"], "looking leaves nothing behind: {form:?}");
        let backup = folder.path().join("backup.db");
        let (_controller, control) = control();
        let outcome = carried_out(&path, &plan, &settings(Some(backup.clone())), &control, &mut |_| {}).await;
        let outcome = outcome.expect("carried out");
        assert_eq!((outcome.changed, outcome.stopped), (24, false));
        assert_eq!(dump(&backup).await, before, "the backup holds everything: {form:?}");
        let after = dump(&path).await;
        assert!(after.iter().all(|row| before.contains(row)), "{form:?}");
        let gone: Vec<&String> = before.iter().filter(|row| !after.contains(row)).collect();
        assert_eq!(gone.len(), 24);
        assert!(gone.iter().all(|row| row.contains("Get-Date") || row.contains("Sunday")), "{gone:?}");
        assert_eq!(count(&path, "SELECT count(*) FROM SessionEvent WHERE EventType = 32").await, 20);
        assert_eq!(count(&path, "SELECT count(*) FROM SessionEvent WHERE EventType = 70").await, 20);
        let again = looked(&path, Action::Delete, 7).await;
        assert_eq!((again.1.due().rows, again.1.steps().len()), (0, 0));
        assert_eq!(again.0.others(), plan.0.others());
    }
}

#[tokio::test]
async fn soft_deletion_marks_old_commands_and_responses_and_nothing_else() {
    for form in FORMS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, form).await;
        let mut connection = connect(&path, form.logged).await;
        run(
            &mut connection,
            "UPDATE SessionEvent SET EventAttributes = 4 WHERE rowid = 91 AND EventType = 44; \
            UPDATE SessionEvent SET EventAttributes = NULL WHERE EventType = 32",
        )
        .await;
        connection.close().await.expect("closed");
        let odd = count(&path, "SELECT count(*) FROM SessionEvent WHERE EventAttributes = 4").await;
        let all = dump(&path).await.len();
        let plan = looked(&path, Action::SoftDelete, 0).await;
        let (_controller, control) = control();
        let outcome =
            carried_out(&path, &plan, &settings(None), &control, &mut |_| {}).await.expect("carried out");
        let changed = i64::try_from(outcome.changed).expect("a number");
        assert_eq!(
            changed,
            38 - odd,
            "all but those of this moment, and one of unknown attributes: {form:?}"
        );
        assert_eq!(dump(&path).await.len(), all, "no row goes");
        let marked = "SELECT (SELECT count(*) FROM SessionEvent WHERE EventAttributes = 1) + (SELECT count(*) FROM SessionConnectionEvent WHERE EventAttributes = 1)";
        assert_eq!(count(&path, marked).await, changed);
        assert_eq!(
            count(&path, "SELECT count(*) FROM SessionEvent WHERE EventType <> 44 AND EventAttributes = 1")
                .await,
            0
        );
        assert_eq!(count(&path, "SELECT count(*) FROM SessionEvent WHERE EventAttributes = 4").await, odd);
        let (_, again) = looked(&path, Action::SoftDelete, 0).await;
        assert_eq!(again.due().rows, 0);
        assert_eq!(
            again
                .classes
                .iter()
                .filter_map(|class| class.kept.get(&Verdict::Already))
                .map(|sum| sum.rows)
                .sum::<u64>(),
            outcome.changed
        );
    }
}

#[tokio::test]
async fn rows_whose_time_is_not_understood_stay_and_a_class_of_both_encodings_stays_whole() {
    for form in FORMS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, form).await;
        let mut connection = connect(&path, form.logged).await;
        run(&mut connection, "INSERT INTO SessionEvent (SessionID, EventID, Time, EventType, EventAttributes) VALUES \
            (x'01', randomblob(16), 1400000000, 44, 0), (x'01', randomblob(16), NULL, 44, 0), \
            (x'01', randomblob(16), 1.5, 44, 0), (x'01', randomblob(16), x'00', 44, 0), \
            (x'01', randomblob(16), CAST(x'ff32' AS TEXT), 44, 0), (x'01', randomblob(16), '1.1.2014', 44, 0), \
            (x'01', randomblob(16), 1.5, 'many', 0)").await;
        connection.close().await.expect("closed");
        let (survey, plan) = looked(&path, Action::Delete, 7).await;
        let commands = plan.classes.first().expect("commands");
        assert_eq!((commands.class, commands.encoding), (Class::Commands, Some(form.encoding)));
        assert_eq!((commands.due.rows, commands.kept[&Verdict::OddTime].rows), (12, 6));
        assert_eq!(survey.times(Table::SessionEvent).odd[&Odd::OtherText], 2);
        let (_controller, control) = control();
        let plan = (survey, plan);
        carried_out(&path, &plan, &settings(None), &control, &mut |_| {}).await.expect("carried out");
        assert_eq!(
            count(&path, "SELECT count(*) FROM SessionEvent WHERE EventType = 44").await,
            14,
            "{form:?}"
        );
        // One row of the other encoding, and none of the class is sure any more.
        let mut connection = connect(&path, form.logged).await;
        let other = match form.encoding {
            Encoding::Text => "UPDATE SessionConnectionEvent SET Time = 630822816000000000 WHERE rowid = 1",
            Encoding::Ticks => {
                "UPDATE SessionConnectionEvent SET Time = '2001-01-01 00:00:00' WHERE rowid = 1"
            }
        };
        run(&mut connection, other).await;
        connection.close().await.expect("closed");
        let (_, plan) = looked(&path, Action::Delete, 7).await;
        let responses = plan.classes.last().expect("responses");
        assert_eq!((responses.due.rows, responses.encoding), (0, None));
        assert_eq!(responses.kept[&Verdict::MixedTimes].rows, 1);
    }
}

#[tokio::test]
async fn a_stop_between_batches_leaves_whole_batches_and_the_next_run_does_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, FORMS[0]).await;
    let plan = looked(&path, Action::Delete, 7).await;
    let (controller, control_of_it): (Controller, Control) = control();
    let mut stop = |event: Event| {
        if matches!(event, Event::Done(6.., _)) {
            _ = controller.harder();
        }
    };
    let outcome =
        carried_out(&path, &plan, &settings(None), &control_of_it, &mut stop).await.expect("stopped");
    assert!(outcome.stopped && (6..24).contains(&outcome.changed), "{outcome:?}");
    let left = looked(&path, Action::Delete, 7).await;
    assert_eq!(left.1.due().rows, 24 - outcome.changed);
    let (_controller, control) = control();
    let mut last = None;
    let mut tell =
        |event: Event| last = Some(event).filter(|event| matches!(event, Event::Done(..))).or(last.take());
    let outcome = carried_out(&path, &left, &settings(None), &control, &mut tell).await.expect("the rest");
    assert_eq!(last, Some(Event::Done(outcome.changed, outcome.changed)));
    assert_eq!(looked(&path, Action::Delete, 7).await.1.due().rows, 0);
}

#[tokio::test]
async fn a_file_that_is_in_use_is_refused_unless_that_is_said() {
    for form in [FORMS[0], FORMS[2]] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, form).await;
        let mut server = connect(&path, true).await;
        run(&mut server, "UPDATE Session SET Name = 'PC-2'").await;
        let plan = looked(&path, Action::Delete, 7).await;
        let before = dump(&path).await;
        let (_controller, control) = control();
        let refused = carried_out(&path, &plan, &settings(None), &control, &mut |_| {}).await;
        let Err(CleanError::Database(DatabaseError::Held(who))) = refused else { panic!("{refused:?}") };
        assert_eq!(who, [Holder::Lock]);
        assert_eq!(dump(&path).await, before);
        let backup = folder.path().join("backup.db");
        let shared = Settings { in_use: true, ..settings(Some(backup.clone())) };
        let outcome = carried_out(&path, &plan, &shared, &control, &mut |_| {}).await.expect("shared");
        assert_eq!(outcome.changed, 24);
        assert_eq!(dump(&backup).await, before, "what is in the log too");
        run(&mut server, "UPDATE Session SET Name = 'PC-3'").await;
        server.close().await.expect("closed");
    }
}

#[tokio::test]
async fn nobody_else_gets_the_file_while_it_is_worked_on() {
    for form in FORMS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, form).await;
        let database = SessionDb::open(&path, Access::Alone).await.expect("alone");
        let options = SqliteConnectOptions::new().filename(&path).busy_timeout(std::time::Duration::ZERO);
        let other = match SqliteConnection::connect_with(&options).await {
            Ok(mut other) => sqlx::query("UPDATE Session SET Name = 'x'").execute(&mut other).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(other.is_err(), "{form:?}");
        Box::new(database).close().await.expect("closed");
        assert_eq!(names(&folder), ["Session.db"]);
    }
}

#[tokio::test]
async fn compacting_gives_back_what_was_freed_and_room_is_checked() {
    for form in FORMS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(&folder, form).await;
        let mut connection = connect(&path, form.logged).await;
        run(
            &mut connection,
            "UPDATE SessionConnectionEvent SET Data = hex(randomblob(20000)) WHERE EventType = 70",
        )
        .await;
        connection.close().await.expect("closed");
        let plan = looked(&path, Action::Delete, 7).await;
        let mut database = SessionDb::open(&path, Access::Alone).await.expect("opens");
        let size = database.size().await.expect("a size");
        assert!(size.tables["SessionConnectionEvent"] > 20 * 40_000, "{size:?}");
        assert!(size.file >= size.used + size.free && size.free == 0, "{size:?}");
        let room = database.room(&path).expect("a disk");
        assert!(room > 0);
        let compact = Settings { compact: true, ..settings(None) };
        let (_controller, control) = control();
        let given = (&plan.1, &plan.0, now());
        let outcome = clean::carry_out(&mut database, given, &compact, &control, &mut |_| {}).await;
        let outcome = outcome.expect("carried out");
        Box::new(database).close().await.expect("closed");
        assert_eq!(outcome.size.free, 0);
        let now = std::fs::metadata(&path).expect("the file").len();
        assert!(now < size.file * 2 / 3, "{now} of {size:?}");
    }
}

#[tokio::test]
async fn what_is_no_session_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("Session.db");
    assert!(matches!(SessionDb::open(&path, Access::Read).await, Err(DatabaseError::Missing)));
    let noise: Vec<u8> = (0..8192_u32).map(|n| u8::try_from(n * 7919 % 251).unwrap_or_default()).collect();
    for (bytes, expected) in [
        (Vec::new(), HeaderError::Empty),
        (b"just a text".to_vec(), HeaderError::NotADatabase),
        (noise, HeaderError::NotADatabase),
    ] {
        std::fs::write(&path, &bytes).expect("a file");
        for access in [Access::Read, Access::Alone, Access::Shared] {
            let error = SessionDb::open(&path, access).await.expect_err("refused");
            assert!(matches!(&error, DatabaseError::Header(found) if *found == expected), "{error}");
            assert_eq!(std::fs::read(&path).expect("the file"), bytes);
        }
    }
    std::fs::remove_file(&path).expect("removed");
    let whole = file(&folder, FORMS[1]).await;
    let bytes = std::fs::read(&whole).expect("the file");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("half of it");
    let error = SessionDb::open(&path, Access::Read).await.expect_err("cut off");
    assert!(matches!(error, DatabaseError::Header(HeaderError::Cut { .. })), "{error}");
    std::fs::remove_file(&path).expect("removed");
    let mut connection = connect(&path, false).await;
    run(
        &mut connection,
        "CREATE TABLE SessionEvent (Time, Kind); CREATE VIEW SessionConnectionEvent AS SELECT 1",
    )
    .await;
    connection.close().await.expect("closed");
    let before = std::fs::read(&path).expect("the file");
    let error = SessionDb::open(&path, Access::Alone).await.expect_err("another shape");
    assert_eq!(
        error.to_string(),
        "it is no session database in a form that is known: it has no column EventType in SessionEvent, no column Data in \
         SessionEvent, no table SessionConnectionEvent"
    );
    assert_eq!(std::fs::read(&path).expect("the file"), before);
    assert_eq!(names(&folder), ["Session.db"]);
}

#[tokio::test]
async fn a_damaged_file_is_not_changed_without_a_backup_and_a_bad_backup_stops_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, FORMS[1]).await;
    let plan = looked(&path, Action::Delete, 7).await;
    let mut connection = connect(&path, false).await;
    // An index that lacks rows: everything can be read, and the file is not sound.
    run(&mut connection, "PRAGMA writable_schema = ON; \
        UPDATE sqlite_schema SET sql = 'CREATE TABLE Session (SessionID BLOB PRIMARY KEY, SessionType INTEGER NOT NULL, Name TEXT)' WHERE name = 'Session'; \
        PRAGMA writable_schema = RESET; INSERT INTO SessionEvent (SessionID, EventID, Time) VALUES (x'02', x'02', NULL)").await;
    connection.close().await.expect("closed");
    let mut connection = connect(&path, false).await;
    run(&mut connection, "PRAGMA ignore_check_constraints = ON; PRAGMA writable_schema = ON; \
        UPDATE sqlite_schema SET sql = 'CREATE TABLE Session (SessionID BLOB PRIMARY KEY, SessionType INTEGER NOT NULL, Name TEXT NOT NULL, Code TEXT NOT NULL)' WHERE name = 'Session'").await;
    connection.close().await.expect("closed");
    let before = std::fs::read(&path).expect("the file");
    let (_controller, control) = control();
    let refused = carried_out(&path, &plan, &settings(None), &control, &mut |_| {}).await;
    assert!(matches!(refused, Err(CleanError::Damaged(_))), "{refused:?}");
    assert_eq!(std::fs::read(&path).expect("the file"), before);
    let backup = folder.path().join("backup.db");
    std::fs::write(&backup, "somebody's file").expect("a file");
    let refused = carried_out(&path, &plan, &settings(Some(backup.clone())), &control, &mut |_| {}).await;
    assert!(matches!(refused, Err(CleanError::Database(DatabaseError::Failed { .. }))), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&backup).expect("the file"), "somebody's file");
    assert_eq!(std::fs::read(&path).expect("the file"), before);
}

#[test]
fn the_present_of_these_tests_is_an_instant() {
    assert_eq!(now().timestamp(), NOW.parse::<Timestamp>().expect("an instant"));
}
