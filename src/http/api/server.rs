//! A server on the loopback interface for the tests: it answers with the bytes that a test says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// How many requests were under way when it came, itself included.
    pub(crate) at_once: usize,
}

/// What is answered.
pub(crate) enum Reply {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing more.
    Silence(Vec<u8>),
    /// The same after a while.
    Later(Duration, Vec<u8>),
}

/// A whole response with a length.
pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// A JSON document.
pub(crate) fn json(body: &str) -> Reply {
    Reply::Bytes(response(200, &[("content-type", "application/json; charset=utf-8")], body))
}

/// An empty response with a status.
pub(crate) fn status(status: u16, headers: &[(&str, &str)]) -> Reply {
    Reply::Bytes(response(status, headers, ""))
}

type Answers = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// A running server; it ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request as a function says that is handed the request and how many came before it.
    pub(crate) async fn start(answers: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (all, busy) = (Arc::clone(&asked), Arc::new(Mutex::new(0_usize)));
        let answers: Arc<Answers> = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, busy, answers) = (Arc::clone(&all), Arc::clone(&busy), Arc::clone(&answers));
                tokio::spawn(async move {
                    *busy.lock().unwrap() += 1;
                    serve(stream, &all, &busy, &*answers).await;
                });
            }
        });
        Self { base, asked }
    }

    /// What it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often it was asked.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn serve(mut stream: TcpStream, all: &Mutex<Vec<Asked>>, busy: &Mutex<usize>, answers: &Answers) {
    let Some(mut asked) = read(&mut stream).await else {
        *busy.lock().unwrap() -= 1;
        return;
    };
    asked.at_once = *busy.lock().unwrap();
    let before = {
        let mut all = all.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let (bytes, is_silent) = match answers(&asked, before) {
        Reply::Bytes(bytes) => (bytes, false),
        Reply::Silence(bytes) => (bytes, true),
        Reply::Later(wait, bytes) => {
            tokio::time::sleep(wait).await;
            (bytes, false)
        }
    };
    // Whoever gave up has closed already.
    _ = stream.write_all(&bytes).await;
    if is_silent {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    *busy.lock().unwrap() -= 1;
    _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    Some(Asked { method, target, headers, body, at_once: 0 })
}
