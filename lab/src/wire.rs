//! Requests and answers as values, so that every system is a function from one to the other.
//!
//! Not here: connections (`crate::server`).

use bytes::Bytes;
use hyper::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names and values, decoded, in their order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The parts of the path, without empty ones.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    }

    /// A parameter of the query; the case of its name does not matter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter of the query.
    pub(crate) fn parameters(&self, name: &str) -> Vec<&str> {
        let fits = self.query.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        fits.map(|(_, value)| value.as_str()).collect()
    }

    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Whether the body is said to be JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
    }
}

/// Splits a query into names and values.
pub(crate) fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " "))))
        .collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        Self::status_json(200, value)
    }

    pub(crate) fn status_json<T: Serialize + ?Sized>(status: u16, value: &T) -> Self {
        let kind = ("content-type", "application/json; charset=utf-8".to_owned());
        Self { status, headers: vec![kind], body: serde_json::to_vec(value).unwrap_or_default() }
    }

    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        let kind = ("content-type", "text/plain; charset=utf-8".to_owned());
        Self { status, headers: vec![kind], body: text.into().into_bytes() }
    }

    pub(crate) fn html(status: u16, text: impl Into<String>) -> Self {
        let kind = ("content-type", "text/html; charset=utf-8".to_owned());
        Self { status, headers: vec![kind], body: text.into().into_bytes() }
    }

    /// A status without a body.
    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_taken_apart() {
        let pairs = query("a=1&SelectFields=x+y&SelectFields=%27O%27&flag&=");
        let texts: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            texts,
            [("a", "1"), ("SelectFields", "x y"), ("SelectFields", "'O'"), ("flag", ""), ("", "")]
        );
    }
}
