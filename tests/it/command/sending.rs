//! Files that Muster itself brings to computers, here and behind SSH: of the repository, and fetched once for all. Never
//! removed before verified, gone on with after a kill, and the content of the commit that is applied.

#![expect(clippy::disallowed_methods, reason = "the tests look at what was sent and installed")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muster::id::Digest;

use super::exits::ssh_provider;
use super::payloads::{apply, cache, deploy};
use crate::support::muster::{World, document};
use crate::support::sshd::Farm;
use crate::support::web::{Reply, Web};

/// A software whose releases are files that are copied to the home folder; an older one is removed first.
fn declare(world: &World, releases: &[(&str, String)]) {
    let mut text = String::new();
    for (version, payload) in releases {
        _ = write!(text, "\n    - {{ version: '{version}', payloads: [{{ {payload} }}] }}");
    }
    let spec = format!(
        r#"detect: {{ script: {{ posix: {{ inline: 'cat "$HOME/version" 2>/dev/null || :' }} }} }}
  install:
    posix:
      inline: |
        set -e
        echo "install $MUSTER_VERSION" >>"$HOME/log"
        cp "$MUSTER_PAYLOAD" "$HOME/tool"
        echo "$MUSTER_VERSION" >"$HOME/version"
  upgrade: uninstall-install
  uninstall: {{ posix: {{ inline: 'echo "uninstall" >>"$HOME/log"; rm -f "$HOME/tool" "$HOME/version"' }} }}
  releases:{text}"#
    );
    world.write("software/tool.yaml", &document("Software", "tool", &spec));
}

fn address(web: &Web, name: &str, content: &[u8]) -> String {
    format!("url: '{}/{name}?token=canary', sha256: {}, fetch: reconciler", web.url, Digest::of(content))
}

/// What lies in Muster's own cache.
fn own_cache(world: &World) -> Vec<String> {
    let folder = world.path("state/muster/test/state.db.payloads");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

fn content(length: u32) -> Vec<u8> {
    (0..length).map(|n| u8::try_from((n * 7 + n / 251) % 256).unwrap()).collect()
}

/// Takes one computer through it; `home` is the home folder of whoever runs its scripts.
fn live(world: &World, home: &Path) {
    // Three pieces, the last of them short.
    let one = content(5_000_000);
    fs::create_dir_all(world.repo().join("software")).unwrap();
    fs::write(world.repo().join("software/tool-1.bin"), &one).unwrap();
    let served = Arc::new(Mutex::new(b"not what was promised".to_vec()));
    let two = Arc::clone(&served);
    let web = Web::start(move |asked| Reply::ranged(&two.lock().unwrap(), asked));
    declare(world, &[("1.0", "file: tool-1.bin".to_owned()), ("2.0", address(&web, "tool-2.bin", b"two"))]);
    let tool = || fs::read(home.join("tool")).unwrap_or_default();
    let log = || fs::read_to_string(home.join("log")).unwrap_or_default();

    // A file of the repository.
    deploy(world, "state: installed\n  version: '1.0'");
    apply(world, &[]).exits(0);
    assert!(tool() == one);
    assert_eq!(cache(home), ["tool-1.bin"]);
    assert_eq!(own_cache(world), [Digest::of(&one).as_str()]);
    world.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);

    // Another file than the promised one: it comes no further than here, and nothing is removed.
    deploy(world, "state: installed\n  version: latest");
    let ran = apply(world, &[]).exits(4).says("nothing was changed");
    let found = Digest::of(b"not what was promised");
    assert!(ran.err.contains(found.as_str()) && ran.err.contains(Digest::of(b"two").as_str()), "{}", ran.err);
    assert!(ran.err.contains(&format!("{}/tool-2.bin has the SHA-256", web.url)), "{}", ran.err);
    assert!(!ran.err.contains("canary") && !ran.out.contains("canary"), "{}{}", ran.out, ran.err);
    assert_eq!((log().as_str(), own_cache(world).len()), ("install 1.0\n", 1));
    assert!(tool() == one);

    // The right one, into the caches only; once it is there nobody is asked any more.
    *served.lock().unwrap() = b"two".to_vec();
    let ran = apply(world, &["--download-only", "--output", "ndjson"]).exits(0);
    let lines = ran.lines();
    let event = |name: &str| lines.iter().find(|line| line["event"] == name).cloned().unwrap_or_default();
    assert_eq!(event("payload-fetched")["size"], 3, "{}", ran.out);
    assert_eq!(event("payload-fetched")["from"], format!("{}/tool-2.bin", web.url));
    assert_eq!(event("payload-sending")["total"], 3, "{}", ran.out);
    assert_eq!(event("action-finished")["action"], "download");
    assert!(!ran.out.contains("canary"), "{}", ran.out);
    assert_eq!((log().as_str(), cache(home).len(), own_cache(world).len()), ("install 1.0\n", 2, 2));
    let asked = web.asked().len();
    apply(world, &[]).exits(0);
    assert_eq!((tool().as_slice(), log().as_str()), (&b"two"[..], "install 1.0\nuninstall\ninstall 2.0\n"));
    assert_eq!(web.asked().len(), asked, "it was there already");

    // A file in the computer's cache that somebody has changed is sent again.
    deploy(world, "state: absent");
    apply(world, &[]).exits(0);
    let cached: PathBuf =
        home.join(".cache/muster/payloads").join(Digest::of(b"two").as_str()).join("tool-2.bin");
    fs::write(&cached, "spoilt").unwrap();
    deploy(world, "state: installed\n  version: latest");
    apply(world, &[]).exits(0);
    assert_eq!(tool(), b"two");
}

#[test]
fn files_are_sent_to_this_computer_and_verified_before_anything_is_removed() {
    let world = World::local();
    live(&world, &world.path("home"));
}

#[test]
fn files_are_sent_to_a_computer_behind_ssh_and_verified_before_anything_is_removed() {
    let farm = Farm::start(1);
    let world = World::local();
    fs::remove_file(world.repo().join("providers/here.yaml")).unwrap();
    world.write("providers/farm.yaml", &ssh_provider(&farm));
    live(&world, &farm.hosts[0].home.clone());
}

#[test]
fn a_file_of_the_repository_is_that_of_the_commit() {
    let world = World::local();
    let file = world.repo().join("software/tool.bin");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "as committed").unwrap();
    declare(&world, &[("1.0", "file: tool.bin, fileName: setup.bin".to_owned())]);
    deploy(&world, "state: installed");
    world.commit("the tool");
    let clean = world.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(clean["revision"]["dirty"], false, "{clean}");
    fs::write(&file, "as it lies here").unwrap();
    let dirty = world.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(dirty["revision"]["dirty"], true, "{dirty}");
    assert_ne!(dirty["revision"]["content"], clean["revision"]["content"]);
    apply(&world, &["--rev", "HEAD"]).exits(0);
    assert_eq!(world.home_file("tool").as_deref(), Some("as committed"));
    let digest = Digest::of(b"as committed");
    assert_eq!(own_cache(&world), [digest.as_str()]);
    let cached = world.path("home/.cache/muster/payloads").join(digest.as_str()).join("setup.bin");
    assert_eq!(fs::read_to_string(cached).unwrap(), "as committed");
    // A saved plan is of its commit as well.
    deploy(&world, "state: absent");
    apply(&world, &[]).exits(0);
    world.run(&["plan", "--rev", "HEAD", "--out", "../plan.json"]).exits(0);
    fs::remove_dir_all(world.path("state/muster/test/state.db.payloads")).unwrap();
    world.run(&["apply", "../plan.json", "--auto-approve"]).exits(0);
    assert_eq!(world.home_file("tool").as_deref(), Some("as committed"));
}

#[test]
fn a_run_that_is_killed_while_it_sends_is_gone_on_with() {
    let world = World::local();
    let one = content(7_000_000);
    fs::create_dir_all(world.repo().join("software")).unwrap();
    fs::write(world.repo().join("software/tool.bin"), &one).unwrap();
    declare(&world, &[("1.0", "file: tool.bin".to_owned())]);
    deploy(&world, "state: installed");
    let digest = Digest::of(&one);
    let part = world.path("home/.cache/muster/payloads").join(digest.as_str()).join(".part");
    let running = world.start(&["apply", "--auto-approve"]);
    let end = Instant::now() + Duration::from_mins(1);
    while fs::metadata(&part).map_or(0, |data| data.len()) < 2_000_000 {
        assert!(Instant::now() < end, "nothing is sent");
        std::thread::sleep(Duration::from_millis(2));
    }
    running.signal(rustix::process::Signal::KILL);
    running.end();
    let there = fs::metadata(&part).unwrap().len();
    assert!(there < 7_000_000);
    let ran = apply(&world, &["--output", "ndjson"]).exits(0);
    let first = ran.lines().into_iter().find(|line| line["event"] == "payload-sending").unwrap();
    assert!(first["done"].as_u64().unwrap() >= 2_000_000, "{first}");
    assert!(fs::read(world.path("home/tool")).unwrap() == one);

    // A part that is none of this file is not gone on with.
    deploy(&world, "state: absent");
    apply(&world, &[]).exits(0);
    fs::remove_file(part.with_file_name("tool.bin")).unwrap();
    fs::write(&part, vec![7; 5_000_000]).unwrap();
    deploy(&world, "state: installed");
    apply(&world, &[]).exits(0);
    assert!(fs::read(world.path("home/tool")).unwrap() == one);
}

#[test]
fn what_cannot_be_had_stops_nothing_else() {
    let world = World::local();
    let web = Web::start(|_| Reply::status(404));
    declare(&world, &[("1.0", address(&web, "tool.bin", b"one"))]);
    deploy(&world, "state: installed");
    world.declare("beside", "it");
    let ran = apply(&world, &[]).exits(4).says("answered with status 404");
    assert!(!ran.err.contains("canary"), "{}", ran.err);
    assert_eq!(world.home_file("beside").as_deref(), Some("it\n"));
    assert_eq!(world.home_file("log"), None);
}

#[test]
fn what_was_not_used_for_long_is_tidied_up() {
    let world = World::local();
    fs::create_dir_all(world.repo().join("software")).unwrap();
    fs::write(world.repo().join("software/tool.bin"), "tool").unwrap();
    declare(&world, &[("1.0", "file: tool.bin".to_owned())]);
    deploy(&world, "state: installed");
    world.run(&["maintain"]).exits(0).shows("0 payloads deleted (0 B), 0 payloads left (0 B)");
    apply(&world, &[]).exits(0);
    let digest = Digest::of(b"tool");
    world.run(&["maintain", "--unused-for", "1d", "--most", "1KiB"]).exits(0).shows("1 payload left (4 B)");
    let ran = world.run(&["maintain", "--most", "3", "--check", "--output", "json"]).exits(0).json();
    assert_eq!(ran["gone"][0]["sha256"], digest.as_str(), "{ran}");
    assert_eq!(own_cache(&world), [digest.as_str()]);
    world.run(&["maintain", "--most", "3"]).exits(0).shows("1 payload deleted (4 B), 0 payloads left (0 B)");
    assert_eq!(own_cache(&world), [""; 0]);
    world.run(&["maintain", "--most", "much"]).exits(64).says("write it as 500MiB");
}
