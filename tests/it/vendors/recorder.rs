//! Stands between a client and a system of the lab, hands everything on, and remembers what was asked.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The names of the parameters.
    pub(crate) query: Vec<String>,
    pub(crate) body: Option<Value>,
}

/// Between a client and a system.
pub(crate) struct Recorder {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorder {
    /// Hands on to an address such as `http://127.0.0.1:4711`, as long as the runtime lives.
    pub(crate) async fn before(url: &str) -> Self {
        let upstream = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let all = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, upstream) = (Arc::clone(&all), upstream.clone());
                tokio::spawn(async move { hand_on(stream, &upstream, &all).await });
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn hand_on(mut client: TcpStream, upstream: &str, all: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut first = head.lines().next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty());
    all.lock().unwrap().push(Asked {
        method,
        path: path.to_owned(),
        query: query.map(|pair| pair.split('=').next().unwrap_or_default().to_owned()).collect(),
        body: serde_json::from_slice(&bytes[end..]).ok(),
    });
    // One request on each connection: the answer ends with it.
    let mut server = TcpStream::connect(upstream).await.ok()?;
    server.write_all(head.trim_end().as_bytes()).await.ok()?;
    server.write_all(b"\r\nconnection: close\r\n\r\n").await.ok()?;
    server.write_all(&bytes[end..]).await.ok()?;
    tokio::io::copy(&mut server, &mut client).await.ok()?;
    client.shutdown().await.ok()
}
