//! Files that Muster fetches into its payload cache: from a server of the test that breaks off, ignores ranges, answers error
//! pages, and changes the file in between.

#![expect(clippy::disallowed_methods, reason = "the tests look at what was kept")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use muster::config::kind::Fetcher;
use muster::config::model::{Origin, Payload};
use muster::config::worktree::Worktree;
use muster::http::{Http, Settings};
use muster::id::Digest;
use muster::payload::Cache;
use muster::payload::folder::Folder;
use muster::payload::supply::Supply;
use muster::session::control::{Control, control};
use muster::session::event::Event;
use muster::time::{Clock, Timestamp};

use crate::support::web::{Asked, Reply, Web};

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }
}

/// A cache in a folder of its own, and a repository with one file.
struct Place {
    folder: tempfile::TempDir,
    cache: Folder,
    events: Mutex<Vec<Event>>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("repo")).unwrap();
        let cache = Folder::new(folder.path().join("payloads"));
        Self { folder, cache, events: Mutex::default() }
    }

    async fn supply(&self, payload: &Payload) -> Result<u64, String> {
        self.supply_until(payload, &control().1).await
    }

    async fn supply_until(&self, payload: &Payload, control: &Control) -> Result<u64, String> {
        let settings = Settings {
            silence: Duration::from_secs(5),
            first_wait: Duration::from_millis(1),
            ..Settings::default()
        };
        let web = Http::new(settings).unwrap();
        let source = Worktree::open(&self.folder.path().join("repo")).unwrap();
        let events = |event| self.events.lock().unwrap().push(event);
        let supply =
            Supply { cache: &self.cache, web: &web, source: &source, clock: &Noon, events: &events, control };
        let wanted = BTreeMap::from([(payload.sha256.clone(), payload.clone())]);
        supply.run(&wanted).await.remove(&payload.sha256).unwrap()
    }

    /// The names in the cache, without the hash.
    fn names(&self, payload: &Payload) -> Vec<String> {
        let folder: &Path = &self.folder.path().join("payloads");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names
            .filter(|name| name != ".lock")
            .map(|name| name.replace(payload.sha256.as_str(), "FILE"))
            .collect();
        names.sort();
        names
    }

    async fn content(&self, payload: &Payload) -> Vec<u8> {
        self.cache.read(&payload.sha256, 0, u64::MAX).await.unwrap()
    }
}

fn payload(url: String, content: &[u8]) -> Payload {
    Payload {
        origin: Origin::Address { url, by: Fetcher::Reconciler },
        sha256: Digest::of(content),
        architecture: None,
        platform: None,
        file_name: "tool.bin".to_owned(),
        size: None,
        installer: None,
        arguments: None,
    }
}

fn content() -> Vec<u8> {
    (0..300_000_u32).map(|n| u8::try_from((n * 7 + n / 251) % 256).unwrap()).collect()
}

fn ranges(web: &Web) -> Vec<String> {
    let range = |asked: Asked| {
        let header = |name: &str| asked.headers.get(name).cloned().unwrap_or_default();
        format!("{} {}", header("range"), header("if-range")).trim().to_owned()
    };
    web.asked().into_iter().map(range).collect()
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_and_the_file_is_kept_with_its_hash() {
    let place = Place::new();
    let body = content();
    let served = body.clone();
    let web = Web::start(move |asked| Reply::ranged(&served, asked).header("ETag", "\"one\"").cut(120_000));
    let wanted = payload(format!("{}/tool.bin?token=canary", web.url), &body);
    assert_eq!(place.supply(&wanted).await, Ok(300_000));
    assert_eq!(ranges(&web), ["", "bytes=120000- \"one\"", "bytes=240000- \"one\""]);
    assert_eq!(place.names(&wanted), ["FILE"]);
    assert!(place.content(&wanted).await == body);
    // Once it is there nobody is asked, and what follows the ? is in no event.
    assert_eq!(place.supply(&wanted).await, Ok(300_000));
    assert_eq!(web.asked().len(), 3);
    let events = place.events.lock().unwrap();
    assert!(!format!("{events:?}").contains("canary"), "{events:?}");
    assert!(matches!(events.last(), Some(Event::PayloadFetched { cached: true, size: 300_000, .. })));
    let all =
        |event: &Event| matches!(event, Event::PayloadProgress { done: 300_000, total: Some(300_000), .. });
    assert!(events.iter().any(all), "{events:?}");
}

#[tokio::test]
async fn a_run_that_ended_in_the_middle_is_gone_on_with_by_the_next() {
    for etag in [Some("\"one\""), None] {
        let place = Place::new();
        let body = content();
        let served = body.clone();
        let web = Web::start(move |asked| {
            let reply = Reply::ranged(&served, asked);
            let reply = match etag {
                Some(etag) => reply.header("ETag", etag),
                None => reply,
            };
            if asked.before == 0 { reply.stalls(120_000) } else { reply }
        });
        let wanted = payload(format!("{}/tool.bin", web.url), &body);
        let first = tokio::time::timeout(Duration::from_millis(700), place.supply(&wanted)).await;
        assert!(first.is_err(), "it was still under way: {first:?}");
        let state: &[&str] = if etag.is_some() { &["FILE.part", "FILE.state"] } else { &["FILE.part"] };
        assert_eq!(place.names(&wanted), state);
        assert_eq!(place.supply(&wanted).await, Ok(300_000));
        let range = format!("bytes=120000- {}", etag.unwrap_or_default());
        assert_eq!(ranges(&web), ["", range.trim()]);
        assert_eq!(place.names(&wanted), ["FILE"]);
        assert!(place.content(&wanted).await == body);
    }
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_asked_for_the_whole() {
    let place = Place::new();
    let body = content();
    let served = body.clone();
    let web = Web::start(move |asked| {
        let reply = Reply::ok(served.clone());
        if asked.before == 0 { reply.cut(120_000) } else { reply }
    });
    let wanted = payload(format!("{}/tool.bin", web.url), &body);
    assert_eq!(place.supply(&wanted).await, Ok(300_000));
    assert_eq!(ranges(&web), ["", "bytes=120000-"]);
    assert!(place.content(&wanted).await == body);
}

#[tokio::test]
async fn an_error_page_with_200_never_enters_the_cache() {
    let place = Place::new();
    let web = Web::start(|_| Reply::ok("<html>please sign in</html>"));
    let wanted = payload(format!("{}/tool.bin?token=canary", web.url), b"the tool");
    let error = place.supply(&wanted).await.unwrap_err();
    for part in [
        format!("{}/tool.bin has", web.url),
        Digest::of(b"<html>please sign in</html>").as_str().to_owned(),
        wanted.sha256.as_str().to_owned(),
    ] {
        assert!(error.contains(&part), "{error}");
    }
    assert!(!error.contains("canary"), "{error}");
    assert_eq!(web.asked().len(), 1, "one answer in one piece is no mixture");
    assert_eq!(place.names(&wanted), [""; 0]);
}

#[tokio::test]
async fn a_file_that_changes_in_between_is_fetched_from_its_beginning() {
    // The server says that it is another one, or does not.
    for says in [true, false] {
        for last_is_right in [true, false] {
            let place = Place::new();
            let (old, new) = (content(), content().into_iter().rev().collect::<Vec<u8>>());
            let wanted_content = if last_is_right { new.clone() } else { b"neither of them".to_vec() };
            let web = Web::start(move |asked| {
                if asked.before == 0 {
                    let reply = Reply::ok(old.clone()).cut(120_000);
                    return if says { reply.header("ETag", "\"old\"") } else { reply };
                }
                if says && asked.headers.get("if-range").is_some_and(|state| state == "\"old\"") {
                    return Reply::ok(new.clone()).header("ETag", "\"new\"");
                }
                Reply::ranged(&new, asked)
            });
            let wanted = payload(format!("{}/tool.bin", web.url), &wanted_content);
            let result = place.supply(&wanted).await;
            if last_is_right {
                assert_eq!(result, Ok(300_000), "{says}");
                assert_eq!(place.names(&wanted), ["FILE"]);
            } else {
                assert!(result.unwrap_err().contains("is wanted; it was deleted"));
                assert_eq!(place.names(&wanted), [""; 0]);
            }
            let expected: &[&str] =
                if says { &["", "bytes=120000- \"old\""] } else { &["", "bytes=120000-", ""] };
            assert_eq!(ranges(&web), expected);
        }
    }
}

#[tokio::test]
async fn a_file_of_another_size_is_not_fetched_to_its_end() {
    let place = Place::new();
    let web = Web::start(|_| Reply::ok(content()));
    let wanted = Payload { size: Some(1000), ..payload(format!("{}/tool.bin", web.url), &content()[..1000]) };
    let error = place.supply(&wanted).await.unwrap_err();
    assert!(error.contains("has more than 1000 bytes"), "{error}");
    let part = fs::metadata(place.folder.path().join(format!("payloads/{}.part", wanted.sha256.as_str())));
    assert_eq!(part.unwrap().len(), 0);
}

#[tokio::test]
async fn a_server_that_fails_leaves_what_was_there_for_the_next_run() {
    let place = Place::new();
    let body = content();
    let served = body.clone();
    let web = Web::start(move |asked| match asked.before {
        0 => Reply::ranged(&served, asked).cut(120_000),
        1..=4 => Reply::status(503),
        _ => Reply::ranged(&served, asked),
    });
    let wanted = payload(format!("{}/tool.bin", web.url), &body);
    let error = place.supply(&wanted).await.unwrap_err();
    assert!(error.contains("status 503"), "{error}");
    assert_eq!(place.names(&wanted), ["FILE.part"]);
    assert_eq!(place.supply(&wanted).await, Ok(300_000));
    assert_eq!(ranges(&web).last().map(String::as_str), Some("bytes=120000-"));
}

#[tokio::test]
async fn a_run_that_is_asked_to_stop_stops_and_keeps_what_it_has() {
    let place = Place::new();
    let body = content();
    let served = body.clone();
    let web = Web::start(move |asked| Reply::ranged(&served, asked).stalls(120_000));
    let wanted = payload(format!("{}/tool.bin", web.url), &body);
    let (controller, demand) = control();
    let stop = async {
        while !matches!(place.events.lock().unwrap().last(), Some(Event::PayloadProgress { .. })) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        _ = controller.harder();
    };
    let (result, ()) = tokio::join!(place.supply_until(&wanted, &demand), stop);
    assert!(result.unwrap_err().contains("asked to stop"));
    assert_eq!(place.names(&wanted), ["FILE.part"]);
}

#[tokio::test]
async fn a_file_of_the_repository_that_has_changed_is_not_taken() {
    let place = Place::new();
    let file = place.folder.path().join("repo/tool.bin");
    let wanted =
        Payload { origin: Origin::File("tool.bin".into()), ..payload(String::new(), b"as it was loaded") };
    fs::write(&file, "changed since").unwrap();
    let error = place.supply(&wanted).await.unwrap_err();
    assert!(error.starts_with("the file at tool.bin has the SHA-256"), "{error}");
    assert_eq!(place.names(&wanted), [""; 0]);
    fs::write(&file, "as it was loaded").unwrap();
    assert_eq!(place.supply(&wanted).await, Ok(16));
    assert_eq!(place.content(&wanted).await, b"as it was loaded");
}

#[tokio::test]
async fn a_run_waits_while_another_one_writes() {
    let place = Place::new();
    let web = Web::start(|_| Reply::ok("tool"));
    let wanted = payload(format!("{}/tool.bin", web.url), b"tool");
    let held = place.cache.lock().unwrap().unwrap();
    let early = tokio::time::timeout(Duration::from_millis(500), place.supply(&wanted)).await;
    assert!(early.is_err() && web.asked().is_empty());
    drop(held);
    assert_eq!(place.supply(&wanted).await, Ok(4));
}
