//! Files that installs need: fetched from a server of the test, here and behind SSH; cut, resumed, wrong, and not needed
//! any more once they are in the cache.

#![expect(clippy::disallowed_methods, reason = "the tests look at what was fetched and installed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use muster::id::Digest;

use super::exits::ssh_provider;
use crate::support::muster::{Ran, World, document};
use crate::support::sshd::Farm;

/// A server of files that answers ranges, and breaks off after so many bytes of each answer.
struct Server {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    cut: Option<usize>,
    closed: bool,
    /// What was asked: path and range.
    asked: Vec<String>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if known.lock().unwrap().closed {
                    break;
                }
                // A client may go away at any time.
                _ = Self::answer(stream, &known);
            }
        });
        Self { port, shared }
    }

    fn answer(mut stream: std::net::TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().unwrap_or(Ok(String::new()))?;
        let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        let mut range = None;
        for line in lines {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("range")
            {
                range = value.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().ok();
            }
        }
        let (body, cut) = {
            let mut shared = shared.lock().unwrap();
            shared.asked.push(format!("{path} {}", range.unwrap_or(0)));
            (shared.files.get(&path).cloned(), shared.cut)
        };
        let Some(body) = body else {
            return stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        };
        let from = range.unwrap_or(0);
        if from > 0 && from >= body.len() {
            return stream.write_all(b"HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        let rest = &body[from..];
        let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
        let about = format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\n{}Connection: close\r\n\r\n",
            rest.len(),
            if range.is_some() { about.as_str() } else { "" }
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&rest[..cut.unwrap_or(rest.len()).min(rest.len())])
    }

    /// Puts a file there; gives its SHA-256.
    fn put(&self, name: &str, content: &[u8]) -> Digest {
        self.shared.lock().unwrap().files.insert(name.to_owned(), content.to_vec());
        Digest::of(content)
    }

    fn cut(&self, bytes: usize) {
        self.shared.lock().unwrap().cut = Some(bytes);
    }

    /// Answers nobody any more.
    fn close(&self) {
        self.shared.lock().unwrap().closed = true;
        // The one that waits for the next connection is woken up.
        _ = std::net::TcpStream::connect(("127.0.0.1", self.port));
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().asked)
    }
}

/// A software in two versions, each a file that is copied to the home folder; the older one is removed first.
fn declare(world: &World, server: &Server, digests: &[(&str, &Digest)], more: &str) {
    let mut releases = String::new();
    for (version, digest) in digests {
        _ = write!(
            releases,
            "    - version: '{version}'\n      payloads:\n        - {{ url: 'http://127.0.0.1:{}/tool-{version}.bin', \
             sha256: {digest}, fileName: 'the tool.bin' }}\n",
            server.port
        );
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
{more}  releases:
{}"#,
        releases.trim_end()
    );
    world.write("software/tool.yaml", &document("Software", "tool", &spec));
}

pub(super) fn deploy(world: &World, wish: &str) {
    let spec = format!("software: tool\n  {wish}\n  target: {{ match: {{ every: true }} }}");
    world.write("deployments/tool.yaml", &document("Deployment", "tool", &spec));
}

pub(super) fn apply(world: &World, more: &[&str]) -> Ran {
    world.run(&[&["apply", "--auto-approve"], more].concat())
}

/// Every file below the cache of a home folder, by its name.
pub(super) fn cache(home: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![home.join(".cache/muster/payloads")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                files.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

/// Takes one computer through it; `home` is the home folder of whoever runs its scripts.
fn live(world: &World, home: &Path) {
    let server = Server::start();
    let one: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from((n * 7 + n / 251) % 256).unwrap()).collect();
    let first = server.put("tool-1.0.bin", &one);
    server.put("tool-2.0.bin", b"not what was promised");
    let two = Digest::of(b"two");
    declare(world, &server, &[("1.0", &first), ("2.0", &two)], "");
    let tool = || fs::read(home.join("tool")).unwrap_or_default();
    let log = || fs::read_to_string(home.join("log")).unwrap_or_default();

    // Broken off twice, and gone on with each time.
    server.cut(120_000);
    deploy(world, "state: installed\n  version: '1.0'");
    apply(world, &[]).exits(0);
    assert_eq!(server.asked(), ["tool-1.0.bin 0", "tool-1.0.bin 120000", "tool-1.0.bin 240000"]);
    assert!(tool() == one);
    assert_eq!(cache(home), ["the tool.bin"]);

    // Another file than the promised one: nothing is removed, and nothing of it is kept.
    deploy(world, "state: installed\n  version: latest");
    apply(world, &[]).exits(4).says("has the SHA-256").says("it was deleted");
    assert_eq!(log(), "install 1.0\n");
    assert!(tool() == one);
    assert_eq!(cache(home), ["the tool.bin"]);
    server.asked();

    // A file that is not there.
    server.shared.lock().unwrap().files.remove("tool-2.0.bin");
    apply(world, &[]).exits(4).says("could not be fetched");
    assert_eq!(log(), "install 1.0\n");
    server.asked();

    // The right one, into the cache only; once it is there nobody is asked any more.
    assert_eq!(server.put("tool-2.0.bin", b"two"), two);
    let ran = apply(world, &["--download-only", "--output", "json"]).exits(0);
    assert!(
        ran.out.contains(r#""action":"download""#) || ran.out.contains(r#""action": "download""#),
        "{}",
        ran.out
    );
    assert_eq!(server.asked(), ["tool-2.0.bin 0"]);
    apply(world, &["--download-only"]).exits(0);
    assert_eq!(server.asked(), [""; 0]);
    assert_eq!((log().as_str(), cache(home).len()), ("install 1.0\n", 2));
    server.close();
    apply(world, &[]).exits(0);
    assert_eq!((tool().as_slice(), log().as_str()), (&b"two"[..], "install 1.0\nuninstall\ninstall 2.0\n"));
    world.run(&["plan", "--refresh", "always", "--detailed-exitcode"]).exits(0);
    // Nothing is due any more, so there is nothing to fetch.
    apply(world, &["--download-only"]).exits(0);

    // A file in the cache that somebody has changed is not used, and without the server there is no other.
    deploy(world, "state: absent");
    apply(world, &[]).exits(0);
    let cached: PathBuf = home.join(".cache/muster/payloads").join(two.as_str()).join("the tool.bin");
    fs::write(&cached, "spoilt").unwrap();
    deploy(world, "state: installed\n  version: latest");
    apply(world, &[]).exits(4);
    assert!(!cached.exists() && tool().is_empty());
}

#[test]
fn files_are_fetched_verified_and_kept_on_this_computer() {
    let world = World::local();
    live(&world, &world.path("home"));
}

#[test]
fn files_are_fetched_verified_and_kept_on_a_computer_behind_ssh() {
    let farm = Farm::start(1);
    let world = World::local();
    fs::remove_file(world.repo().join("providers/here.yaml")).unwrap();
    world.write("providers/farm.yaml", &ssh_provider(&farm));
    live(&world, &farm.hosts[0].home.clone());
}

/// Sends 64 MiB to whoever asks, without saying how much it is; gives its port and how much went out.
fn endless() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let mut stream = &stream;
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            let piece = vec![b'A'; 65536];
            for _ in 0..1024 {
                if stream.write_all(&piece).is_err() {
                    break;
                }
                count.fetch_add(65536, Ordering::Relaxed);
            }
        }
    });
    (port, sent)
}

#[test]
fn a_file_that_is_larger_than_its_size_is_not_fetched_to_its_end() {
    let world = World::local();
    let server = Server::start();
    declare(&world, &server, &[("1.0", &Digest::of(b"one"))], "");
    let (port, sent) = endless();
    let declared = world.repo_file("software/tool.yaml");
    let sized = declared
        .replace(&format!(":{}/", server.port), &format!(":{port}/"))
        .replace("fileName:", "size: 100000, fileName:");
    world.write("software/tool.yaml", &sized);
    deploy(&world, "state: installed");
    apply(&world, &[]).exits(4).says("has more than its 100000 bytes; it was deleted");
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 32 * 1024 * 1024, "{sent} bytes");
    assert_eq!(cache(&world.path("home")), [""; 0]);
    // The same where the server says how large it is.
    server.put("tool-1.0.bin", &vec![b'A'; 200_000]);
    world.write("software/tool.yaml", &declared.replace("fileName:", "size: 100000, fileName:"));
    apply(&world, &[]).exits(4).says("has more than its 100000 bytes; it was deleted");
    assert_eq!(server.asked(), ["tool-1.0.bin 0"]);
}

#[test]
fn hooks_follow_what_they_belong_to_and_their_failure_is_told() {
    let world = World::local();
    let server = Server::start();
    let digest = server.put("tool-1.0.bin", b"one");
    let hooks = "  preInstall: { posix: { inline: 'echo \"before $MUSTER_VERSION\" >>\"$HOME/log\"; test ! -e \"$HOME/busy\"' } }\n  \
                 postInstall: { posix: { inline: 'echo \"after $MUSTER_VERSION\" >>\"$HOME/log\"; test ! -e \"$HOME/sad\"' } }\n  \
                 postUninstall: { posix: { inline: 'echo \"gone $MUSTER_VERSION_BEFORE\" >>\"$HOME/log\"' } }\n  \
                 configuration: setup\n";
    declare(&world, &server, &[("1.0", &digest)], hooks);
    let task = "test: { posix: { inline: 'test -e \"$HOME/set\" && echo true || echo false' } }\n  \
                set: { posix: { inline: 'echo configure >>\"$HOME/log\"; touch \"$HOME/set\"' } }";
    world.write("tasks/setup.yaml", &document("Task", "setup", task));
    deploy(&world, "state: installed");
    apply(&world, &[]).exits(0);
    deploy(&world, "state: absent");
    apply(&world, &[]).exits(0);
    assert_eq!(
        world.home_file("log").unwrap(),
        "before 1.0\ninstall 1.0\nafter 1.0\nconfigure\nuninstall\ngone 1.0\n"
    );
    // Where the script before says no, nothing is done.
    world.set_home_file("busy", "");
    deploy(&world, "state: installed");
    apply(&world, &[]).exits(4);
    assert!(world.home_file("log").unwrap().ends_with("gone 1.0\nbefore 1.0\n"));
    world.remove_home_file("busy");
    world.set_home_file("sad", "");
    deploy(&world, "state: installed");
    apply(&world, &[]).exits(4).says("the script that follows did not do its part");
    // It is given once more, alone; when that is in vain too, it is told.
    let log = || world.home_file("log").unwrap();
    let before = log();
    world.run(&["plan"]).exits(0).shows("postInstall").shows("unfinished, retry");
    apply(&world, &[]).exits(4).says("the script that follows did not do its part");
    assert_eq!(log(), format!("{before}after 1.0\n"));
    apply(&world, &[]).exits(0).shows("its postInstall script may not have done its part");
    assert_eq!(log(), format!("{before}after 1.0\n"));
}

#[test]
fn a_download_script_brings_the_file_and_it_is_verified_all_the_same() {
    let world = World::local();
    let server = Server::start();
    let digest = Digest::of(b"from somewhere else");
    let script = "  download: { posix: { inline: 'cat \"$HOME/source\" >\"$MUSTER_PAYLOAD\"' } }\n";
    declare(&world, &server, &[("1.0", &digest)], script);
    deploy(&world, "state: installed");
    world.set_home_file("source", "not it");
    apply(&world, &[]).exits(4).says("the download script brought a file with the SHA-256");
    assert_eq!(world.home_file("log"), None);
    world.set_home_file("source", "from somewhere else");
    apply(&world, &[]).exits(0);
    assert_eq!(world.home_file("tool").as_deref(), Some("from somewhere else"));
    assert_eq!(server.asked(), [""; 0]);
}
