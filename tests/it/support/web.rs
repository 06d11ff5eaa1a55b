//! A web server on the loopback interface that answers as a test says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The path, with what follows a `?`.
    pub(crate) path: String,
    /// The headers, by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// How often this path was asked for before.
    pub(crate) before: usize,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut: Option<usize>,
    silent: bool,
    stalls: Option<usize>,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), cut: None, silent: false, stalls: None }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::ok("no\n") }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Breaks off after so many bytes of the content, whose whole length was announced.
    pub(crate) fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }

    /// Says nothing more after so many bytes of the content, and keeps the connection.
    pub(crate) fn stalls(mut self, after: usize) -> Self {
        self.stalls = Some(after);
        self
    }

    /// The rest of a file, if a part was asked for that it has; else the whole.
    pub(crate) fn ranged(body: &[u8], asked: &Asked) -> Self {
        let from = asked.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
        let from = from.and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
        match from {
            Some(from) if from < body.len() => {
                let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
                Self::ok(&body[from..]).header("Content-Range", range).partial()
            }
            Some(_) => Self::status(416),
            None => Self::ok(body),
        }
    }

    /// With the status of a part.
    pub(crate) fn partial(mut self) -> Self {
        self.status = 206;
        self
    }

    /// Never says anything.
    pub(crate) fn silent() -> Self {
        Self { silent: true, ..Self::ok("") }
    }
}

/// The server. It lives as long as the test's process.
pub(crate) struct Web {
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(&stream, &log, answer.as_ref()));
            }
        });
        Self { url, asked }
    }

    /// Serves files by their path, and 404 for the rest.
    pub(crate) fn files(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::start(move |asked| {
            files.get(&asked.path).map_or_else(|| Reply::status(404), |body| Reply::ok(body.clone()))
        })
    }

    /// What was asked for so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, log: &Mutex<Vec<Asked>>, answer: &(dyn Fn(&Asked) -> Reply + Send + Sync)) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let headers = headers.collect();
    let asked = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|asked| asked.path == path).count();
        let asked = Asked { path, headers, before };
        log.push(asked.clone());
        asked
    };
    let reply = answer(&asked);
    if reply.silent {
        std::thread::sleep(Duration::from_mins(1));
        return;
    }
    let mut head = format!(
        "HTTP/1.1 {} x\r\nContent-Length: {}\r\nConnection: close\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    let end = reply.cut.or(reply.stalls).unwrap_or(reply.body.len()).min(reply.body.len());
    let body = &reply.body[..end];
    let mut stream = stream;
    // A client that has gone away has its own reasons.
    _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
    if reply.stalls.is_some() {
        std::thread::sleep(Duration::from_mins(1));
    }
    _ = stream.shutdown(Shutdown::Write);
}
