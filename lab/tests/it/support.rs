//! A client without any help: it sees what really comes over the connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use muster_lab::fleet::{Fleet, System};
use muster_lab::{Lab, Options};
use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether as many bytes came as were announced.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// Sends a request; `None` when the connection broke without an answer.
pub(crate) fn send(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let address = url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a limit");
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text = format!("{text}{name}: {value}\r\n");
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).expect("a request");
    let mut bytes = Vec::new();
    // A connection that is reset keeps what came before.
    _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let body = bytes[end + 4..].to_vec();
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
    let mut answer = Answer { status, head, body, whole: true };
    let announced = answer.header("content-length").and_then(|text| text.parse::<usize>().ok());
    answer.whole = announced.is_none_or(|length| length == answer.body.len());
    Some(answer)
}

/// A lab with this fleet.
pub(crate) async fn lab(fleet: &str) -> Lab {
    Lab::start(Fleet::read(fleet).expect("a fleet"), Options::default()).await.expect("a lab")
}

/// A call of Control's extension.
pub(crate) fn extension(url: &str, method: &str, arguments: &Value) -> Option<Answer> {
    let path = format!("/App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx/{method}");
    let headers = [("CTRLAuthHeader", "lab-control-secret"), ("Content-Type", "application/json")];
    send(url, "POST", &path, &headers, &arguments.to_string())
}

/// The output events of a session, oldest first, once there are so many.
pub(crate) fn outputs(lab: &Lab, session: &str, count: usize) -> Vec<String> {
    let url = lab.url(System::Control);
    for _ in 0..1000 {
        let details =
            extension(&url, "GetSessionDetailsBySessionID", &json!([session])).expect("an answer").json();
        let events = details["Events"].as_array().expect("events").iter().rev();
        let output = events.filter(|event| event["EventType"] == 70);
        let texts: Vec<String> =
            output.map(|event| event["Data"].as_str().expect("text").to_owned()).collect();
        if texts.len() >= count {
            return texts;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {count} outputs of {session}");
}

/// Runs a command through Control and gives what comes back.
pub(crate) fn run(lab: &Lab, computer: &str, command: &str) -> String {
    let session = lab.agents(System::Control, computer).remove(0);
    let before = outputs(lab, &session, 0).len();
    let sent = extension(&lab.url(System::Control), "SendCommandToSession", &json!([session, command]));
    assert_eq!(sent.map(|answer| answer.status), Some(200));
    outputs(lab, &session, before + 1).pop().expect("an output")
}
