//! Servers that are slow, broken, used up or lying: nothing half gets into the lock file, and others are not held up.

use std::time::{Duration, Instant};

use super::{lock, locked, sha, tool, whole_sha, world};
use crate::support::web::{Reply, Web};

fn list(url: &str) -> String {
    format!("{{ list: {{ releases: [{{ version: '1.0', url: '{url}' }}] }} }}")
}

/// A file of many pieces.
fn large() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_source_that_fails_changes_nothing_and_holds_up_nobody() {
    let web = Web::start(|asked| match asked.path.as_str() {
        "/good" => Reply::ok("good"),
        "/limited" => {
            Reply::status(403).header("X-RateLimit-Remaining", "0").header("X-RateLimit-Reset", "1900000000")
        }
        _ => Reply::status(404),
    });
    let world = world(&list(&format!("{}/good", web.url)));
    tool(&world, "gone", &list(&format!("{}/gone", web.url)));
    tool(
        &world,
        "page",
        &format!(
            "{{ page: {{ url: '{}/limited', regex: '(?<version>x)', download: '{}/{{version}}' }} }}",
            web.url, web.url
        ),
    );
    let ran = world.run(&["update", "--json"]).exits(9);
    let report = ran.json();
    let by_name = |name: &str| {
        report["software"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(by_name("tool")["status"], "moved");
    assert_eq!(by_name("gone")["status"], "failed");
    assert!(by_name("gone")["error"].as_str().unwrap().contains("404"), "{report}");
    let limited = by_name("page")["error"].as_str().unwrap().to_owned();
    assert!(limited.contains("no more requests until 2030-03-17T17:46:40Z"), "{limited}");
    assert_eq!(locked(&world), [format!("1.0 good {} download", sha("good"))]);
    assert_eq!(
        web.asked().iter().filter(|asked| asked.path == "/limited").count(),
        1,
        "a used-up limit is not tried again"
    );
}

#[test]
fn a_silent_server_is_given_up_in_bounded_time() {
    let web = Web::start(|_| Reply::silent());
    let world = world(&list(&format!("{}/x", web.url)));
    let begun = Instant::now();
    world.run(&["update", "--timeout", "1s"]).exits(9).shows("did not answer within 1 s");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(web.asked().len(), 4, "it was tried four times");
    assert_eq!(lock(&world), "");
}

#[test]
fn half_a_body_is_no_body() {
    let page = "tool-1.0.zip tool-2.0.zip";
    let web = Web::start(move |asked| match asked.path.as_str() {
        "/once" if asked.before == 0 => Reply::ok(page).cut(14),
        "/once" => Reply::ok(page),
        "/always" => Reply::ok(page).cut(14),
        _ => Reply::ok("zip"),
    });
    let source = |path: &str| {
        format!(
            "{{ page: {{ url: '{0}/{path}', regex: 'tool-(?<version>[0-9.]+)[.]zip', download: '{0}/{{version}}' }} }}",
            web.url
        )
    };
    let world = world(&source("once"));
    world.run(&["update"]).exits(0).shows("2.0");
    tool(&world, "tool", &source("always"));
    let before = lock(&world);
    world.run(&["update"]).exits(9).shows("broke off");
    assert_eq!(lock(&world), before);
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let bytes = large();
    let whole = bytes.clone();
    let web = Web::start(move |asked| {
        let reply = |bytes: &[u8]| Reply::ok(bytes).header("ETag", "\"v1\"");
        match asked
            .headers
            .get("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok())
        {
            None => reply(&bytes).cut(500_000),
            Some(from) => {
                assert_eq!(asked.headers["if-range"], "\"v1\"");
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                let mut part = reply(&bytes[from..]).header("Content-Range", range).partial();
                if asked.before == 1 {
                    part = part.cut(300_000);
                }
                part
            }
        }
    });
    let world = world(&list(&format!("{}/big", web.url)));
    world.run(&["update"]).exits(0);
    assert_eq!(locked(&world), [format!("1.0 big {} download", sha(&whole))]);
    let asked = web.asked();
    let ranges: Vec<bool> = asked.iter().map(|asked| asked.headers.contains_key("range")).collect();
    assert_eq!(ranges, [false, true, true]);
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    let (old, new) = (vec![1_u8; 400_000], vec![2_u8; 400_000]);
    let expected = sha(&new);
    let web = Web::start(move |asked| {
        if asked.before == 0 {
            Reply::ok(old.clone()).header("ETag", "\"v1\"").cut(100_000)
        } else {
            Reply::ok(new.clone())
        }
    });
    let world = world(&list(&format!("{}/big", web.url)));
    world.run(&["update"]).exits(0);
    assert_eq!(locked(&world), [format!("1.0 big {expected} download")]);
}

#[test]
fn an_error_page_with_a_good_status_is_no_file_and_no_answer() {
    let web = Web::start(|_| {
        Reply::ok("<!DOCTYPE html><html><body>Please sign in</body></html>")
            .header("Content-Type", "text/html")
    });
    let url = &web.url;
    let world = world(&list(&format!("{url}/tool.msi")));
    tool(
        &world,
        "hub",
        &format!("{{ github: {{ repository: a/b, api: '{url}', assets: [{{ regex: x }}] }} }}"),
    );
    tool(&world, "deb", &format!("{{ apt: {{ url: '{url}', suite: stable, package: x }} }}"));
    tool(&world, "win", &format!("{{ winget: {{ id: A.B, repository: {{ url: '{url}' }} }} }}"));
    tool(
        &world,
        "page",
        &format!(
            "{{ page: {{ url: '{url}', regex: 'v(?<version>[0-9]+)', download: '{url}/{{version}}' }} }}"
        ),
    );
    let report = world.run(&["update", "--json"]).exits(9).json();
    let errors: Vec<&str> =
        report["software"].as_array().unwrap().iter().map(|row| row["error"].as_str().unwrap()).collect();
    for (error, part) in
        errors.iter().zip(["web page", "web page", "fits nowhere", "web page", "lists no folder"])
    {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(lock(&world), "");
}

#[test]
fn a_file_of_another_size_than_its_source_says_is_refused() {
    let web = Web::start(|_| Reply::ok("four"));
    let world = world("{ list: { file: tool.txt } }");
    world.write(
        "software/tool.txt",
        &format!("{{\"version\": \"1\", \"url\": \"{}/x\", \"size\": 5}}\n", web.url),
    );
    world.run(&["update"]).exits(9).shows("4 bytes");
}

#[test]
fn a_server_that_asks_to_come_back_is_obeyed_and_not_for_ever() {
    let web = Web::start(|asked| match (asked.path.as_str(), asked.before) {
        ("/busy", 0) => Reply::status(503).header("Retry-After", "1"),
        ("/later", _) => Reply::status(429).header("Retry-After", "7200"),
        _ => Reply::ok("file"),
    });
    let world = world(&list(&format!("{}/busy", web.url)));
    let begun = Instant::now();
    world.run(&["update"]).exits(0);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    tool(&world, "tool", &list(&format!("{}/later", web.url)));
    world.run(&["update"]).exits(9).shows("7200 s");
}

#[test]
fn redirects_are_followed_without_the_token_and_not_for_ever() {
    let other = Web::start(|_| Reply::ok("file"));
    let target = format!("{}/moved?signature=canary-1", other.url);
    let web = Web::start(move |asked| match asked.path.as_str() {
        "/file" => Reply::status(302).header("Location", target.clone()),
        "/round?token=canary-2" => Reply::status(302).header("Location", "/round?token=canary-2"),
        _ => Reply::status(404),
    });
    let world = world(&list(&format!("{}/file", web.url)));
    world.run(&["update"]).exits(0);
    assert!(!lock(&world).contains("canary"), "the address that was written stays");
    assert!(other.asked().iter().all(|asked| !asked.headers.contains_key("authorization")));
    tool(&world, "tool", &list(&format!("{}/round?token=canary-2", web.url)));
    let ran = world.run(&["update"]).exits(9).shows("leads elsewhere");
    assert!(!ran.out.contains("canary") && !ran.err.contains("canary"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_hash_that_a_source_says_is_the_one_that_is_locked() {
    let world = world("{ list: { file: tool.txt } }");
    world.write("software/tool.txt", &format!("1 https://downloads.example.com/x {}\n", whole_sha("x")));
    world.run(&["update"]).exits(0);
    assert_eq!(locked(&world), [format!("1 x {} source", sha("x"))]);
    // The same version with another file is told, and taken as a change to review.
    world.write("software/tool.txt", &format!("1 https://downloads.example.com/x {}\n", whole_sha("y")));
    world.run(&["update"]).exits(0).shows("other files under the same version: 1");
}
