//! What a response holds: whether it is of the kind that was expected, and what a server says of an error.
//!
//! Not here: taking the bytes (`client`), and values (`read`).
//!
//! Invariants: nothing of a successful answer stands in an error; of an error's own text one bounded line, and none of it when a
//! secret of the request stands in it.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::Expects;
use super::entries::Entries;
use super::error::{Fault, plain};
use super::read::{self, Syntax};
use crate::secret::Secret;

/// The most bytes of an error's text that are looked at.
pub(super) const ERROR: usize = 16 * 1024;
/// Members that hold a sentence, in the spellings of the vendors.
const SENTENCES: [&str; 7] =
    ["message", "error_description", "description", "errormessage", "detail", "exceptionmessage", "error"];

pub(super) type Headers = BTreeMap<String, String>;

/// What becomes of the content of a successful answer, which comes in pieces.
pub(super) trait Content: Send {
    /// A new answer begins: what came of another one counts for nothing.
    fn begin(&mut self);

    /// The next piece.
    ///
    /// # Errors
    /// What is wrong with it; then no more pieces come.
    fn piece(&mut self, headers: &Headers, piece: &[u8]) -> Result<(), Fault>;

    /// The answer is at its end.
    ///
    /// # Errors
    /// What is wrong with it as a whole.
    fn end(&mut self, headers: &Headers) -> Result<(), Fault>;
}

/// Content that is kept whole.
pub(super) struct Whole {
    expects: Expects,
    pub(super) bytes: Vec<u8>,
}

impl Whole {
    pub(super) fn new(expects: Expects) -> Self {
        Self { expects, bytes: Vec::new() }
    }
}

impl Content for Whole {
    fn begin(&mut self) {
        self.bytes.clear();
    }

    fn piece(&mut self, _: &Headers, piece: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn end(&mut self, headers: &Headers) -> Result<(), Fault> {
        check(self.expects, headers, &self.bytes)
    }
}

/// A list of which each entry is handed over as it comes, into what `begin` makes.
pub(super) struct Folded<S, B, F, T> {
    begin: B,
    take: F,
    entries: Entries,
    is_checked: bool,
    state: S,
    entry: PhantomData<fn() -> T>,
}

impl<S, B: Fn() -> S, F: FnMut(&mut S, T), T> Folded<S, B, F, T> {
    pub(super) fn new(begin: B, take: F) -> Self {
        let state = begin();
        Self { begin, take, entries: Entries::default(), is_checked: false, state, entry: PhantomData }
    }

    /// What was made of all entries. To be asked for only after a good end.
    pub(super) fn into_state(self) -> S {
        self.state
    }
}

impl<S: Send, B: Fn() -> S + Send, F: FnMut(&mut S, T) + Send, T: DeserializeOwned> Content
    for Folded<S, B, F, T>
{
    fn begin(&mut self) {
        (self.state, self.entries, self.is_checked) = ((self.begin)(), Entries::default(), false);
    }

    fn piece(&mut self, headers: &Headers, piece: &[u8]) -> Result<(), Fault> {
        // A blank says nothing of what comes.
        if !self.is_checked && !piece.iter().all(u8::is_ascii_whitespace) {
            check_kind(headers, piece)?;
            self.is_checked = true;
        }
        let Self { take, entries, state, .. } = self;
        entries.feed(piece, &mut |entry| take(state, entry))
    }

    fn end(&mut self, _: &Headers) -> Result<(), Fault> {
        self.entries.end()
    }
}

/// Whether a successful answer is of the kind that was expected.
pub(super) fn check(expects: Expects, headers: &Headers, body: &[u8]) -> Result<(), Fault> {
    let kind = kind(headers);
    match expects {
        Expects::Nothing if is_html(&kind, body) => Err(html(&kind)),
        Expects::Text | Expects::Nothing => Ok(()),
        Expects::Json if body.iter().all(u8::is_ascii_whitespace) => {
            Err(Fault::Broken("it is empty".to_owned()))
        }
        Expects::Json => {
            check_kind(headers, body)?;
            match read::check(body) {
                Ok(()) => Ok(()),
                Err(Syntax::Half) => Err(Fault::Broken("it ends in the middle of the document".to_owned())),
                Err(Syntax::Not) => Err(Fault::NotJson("it cannot be read as JSON".to_owned())),
            }
        }
    }
}

/// Whether an answer with this beginning may be JSON.
fn check_kind(headers: &Headers, body: &[u8]) -> Result<(), Fault> {
    let kind = kind(headers);
    if is_html(&kind, body) {
        return Err(html(&kind));
    }
    if !kind.is_empty() && !is_json(&kind) {
        return Err(Fault::NotJson(format!("its content type is {}", plain(&kind).unwrap_or_default())));
    }
    Ok(())
}

/// One line of what a server says of an error.
pub(super) fn said(headers: &Headers, body: &[u8], secrets: &[&Secret]) -> Option<String> {
    let kind = kind(headers);
    let line = if is_html(&kind, body) {
        Some("an HTML page".to_owned())
    } else if let Ok(value) = serde_json::from_slice::<Value>(body) {
        sentence(&value)
    } else if is_json(&kind) {
        Some("half a JSON document".to_owned())
    } else {
        plain(&String::from_utf8_lossy(body))
    }?;
    let holds = |secret: &&Secret| {
        let secret = secret.expose();
        let bare = secret.rsplit(' ').next().unwrap_or(secret);
        // The line may be cut: a beginning of a secret is as bad.
        let start: String = bare.chars().take(8).collect();
        !start.is_empty() && line.contains(&start)
    };
    (!secrets.iter().any(holds)).then_some(line)
}

/// The first sentence in an error's document.
fn sentence(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => plain(text),
        Value::Array(items) => items.iter().find_map(sentence),
        Value::Object(members) => SENTENCES.iter().find_map(|wanted| {
            let found = members.iter().find(|(name, _)| name.to_ascii_lowercase() == *wanted);
            found.and_then(|(_, value)| sentence(value))
        }),
        _ => None,
    }
}

fn kind(headers: &Headers) -> String {
    let kind = headers.get("content-type").map(String::as_str).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(kind: &str) -> bool {
    matches!(kind, "application/json" | "text/json") || kind.ends_with("+json")
}

/// HTML, whatever the header says.
fn is_html(kind: &str, body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    kind == "text/html" || kind == "application/xhtml+xml" || body.first() == Some(&b'<')
}

fn html(kind: &str) -> Fault {
    Fault::NotJson(if kind == "text/html" {
        "an HTML page".to_owned()
    } else {
        "an HTML or XML page".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> Headers {
        BTreeMap::from([("content-type".to_owned(), kind.to_owned())])
    }

    #[test]
    fn only_json_is_taken_for_json() {
        let json = |kind: &str, body: &str| check(Expects::Json, &of(kind), body.as_bytes());
        for good in
            ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/problem+json"]
        {
            assert_eq!(json(good, "[]"), Ok(()), "{good}");
        }
        assert_eq!(check(Expects::Json, &Headers::new(), b"[]"), Ok(()));
        assert!(matches!(json("text/html", "[]"), Err(Fault::NotJson(_))));
        assert!(matches!(json("application/json", "\u{feff} <html>"), Err(Fault::NotJson(_))));
        assert!(matches!(json("text/plain", "[]"), Err(Fault::NotJson(_))));
        assert!(matches!(json("application/json", "nonsense"), Err(Fault::NotJson(_))));
        assert!(matches!(json("application/json", "[1,"), Err(Fault::Broken(_))));
        assert!(matches!(json("application/json", " \n"), Err(Fault::Broken(_))));
        assert!(matches!(check(Expects::Nothing, &of("text/html"), b"<html>"), Err(Fault::NotJson(_))));
        assert_eq!(check(Expects::Nothing, &of("application/json"), b"null"), Ok(()));
        assert_eq!(check(Expects::Text, &of("text/html"), b"<html>"), Ok(()));
    }

    #[test]
    fn the_sentence_of_an_error_is_found_in_every_vendors_spelling() {
        for (body, sentence) in [
            (r#"{"Message":"no"}"#, "no"),
            (r#"{"error":"x","description":"Resource not found"}"#, "Resource not found"),
            (r#"{"error":{"code":"x","message":"deep"}}"#, "deep"),
            (r#"{"errors":1,"error":"bare"}"#, "bare"),
            (r#"[{"message":"first"},{"message":"second"}]"#, "first"),
            (r#""a text""#, "a text"),
            ("plain\r\nwords", "plain words"),
        ] {
            assert_eq!(said(&Headers::new(), body.as_bytes(), &[]).as_deref(), Some(sentence), "{body}");
        }
        assert_eq!(said(&of("text/html"), b"<title>x</title>", &[]).as_deref(), Some("an HTML page"));
        assert_eq!(said(&of("application/json"), b"{\"a", &[]).as_deref(), Some("half a JSON document"));
        assert_eq!(said(&Headers::new(), b"{\"code\":5}", &[]), None);
        assert_eq!(said(&Headers::new(), b"", &[]), None);
    }

    #[test]
    fn a_secret_that_comes_back_is_not_shown() {
        let secret = Secret::new("Bearer canary-canary".to_owned());
        assert_eq!(said(&Headers::new(), b"the token canary-canary is old", &[&secret]), None);
        assert_eq!(said(&Headers::new(), b"the token canary-c", &[&secret]), None);
        assert!(said(&Headers::new(), b"the token is old", &[&secret]).is_some());
    }
}
