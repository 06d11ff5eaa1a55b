//! What is asked of a vendor's API, and the answer.
//!
//! Not here: how it is sent (`client`), and how answers become values (`read`).
//!
//! Invariants: parts of a path are encoded and cannot climb; a call says itself whether it may be sent twice; what may not be
//! shown is kept as a [`Secret`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

use super::error::{ApiError, Fault};
use super::read;
use crate::secret::Secret;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Look.
    Get,
    /// Look without the content.
    Head,
    /// Make or do.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// Its name in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What the answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// A JSON document.
    Json,
    /// A text of any kind, HTML too.
    Text,
    /// Nothing; or JSON that is not looked at.
    Nothing,
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// Parts of a path below the link's base.
    Below(Vec<String>),
    /// Parts of a path below the server's root, where an API lies beside the base.
    Root(Vec<String>),
    /// An address that the server itself named; it has to be on the same server.
    Named(String),
}

/// One call.
#[derive(Clone)]
pub struct Call {
    /// What it is called in messages: `GetSessionsByFilter of control`.
    pub(super) name: String,
    pub(super) method: Method,
    target: Target,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) secret_headers: Vec<(&'static str, Secret)>,
    pub(super) body: Option<serde_json::Value>,
    pub(super) is_idempotent: bool,
    pub(super) expects: Expects,
    pub(super) limit: Option<Duration>,
    pub(super) hidden: Vec<Secret>,
    pub(super) is_private: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}: {})", self.name, self.method.name())
    }
}

impl Call {
    /// A call of this name. Reading is idempotent, so are `PUT` and `DELETE`; JSON is expected.
    #[must_use]
    pub fn new(name: impl Into<String>, method: Method) -> Self {
        Self {
            name: name.into(),
            method,
            target: Target::Below(Vec::new()),
            query: Vec::new(),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: None,
            is_idempotent: !matches!(method, Method::Post | Method::Patch),
            expects: Expects::Json,
            limit: None,
            hidden: Vec::new(),
            is_private: false,
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(name: impl Into<String>) -> Self {
        Self::new(name, Method::Get)
    }

    /// A `POST`, which is not idempotent.
    #[must_use]
    pub fn post(name: impl Into<String>) -> Self {
        Self::new(name, Method::Post)
    }

    /// Goes down by a fixed path: `v1/device/endpoints`.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        for part in path.split('/').filter(|part| !part.is_empty()) {
            self = self.part(part);
        }
        self
    }

    /// Goes down by one part, which may be anything but empty, `.` and `..`.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        match &mut self.target {
            Target::Below(parts) | Target::Root(parts) => parts.push(part.to_owned()),
            Target::Named(_) => self.target = Target::Below(vec![part.to_owned()]),
        }
        self
    }

    /// Starts at the server's root instead of the link's base.
    #[must_use]
    pub fn from_root(mut self) -> Self {
        self.target = match self.target {
            Target::Below(parts) | Target::Root(parts) => Target::Root(parts),
            Target::Named(_) => Target::Root(Vec::new()),
        };
        self
    }

    /// Goes to an address that the server named, such as that of the next page; its query included.
    #[must_use]
    pub fn follow(mut self, address: &str) -> Self {
        self.target = Target::Named(address.to_owned());
        self.query.clear();
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a header whose value is no secret.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a header whose value is a secret; the link's own sign-in adds its headers by itself.
    #[must_use]
    pub fn secret_header(mut self, name: &'static str, value: Secret) -> Self {
        self.secret_headers.push((name, value));
        self
    }

    /// Sends a JSON document.
    #[must_use]
    pub fn json(mut self, body: serde_json::Value) -> Self {
        self.body = Some(body);
        self
    }

    /// May be sent twice without doing more than once: a `POST` that only looks, or whose repeat is harmless.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// Expects something other than JSON.
    #[must_use]
    pub fn expects(mut self, expects: Expects) -> Self {
        self.expects = expects;
        self
    }

    /// May take this long, waiting and repeating included, instead of what the link's settings say.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// This is in the content and is not shown, even where the server repeats it.
    #[must_use]
    pub fn hides(mut self, secret: &Secret) -> Self {
        self.hidden.push(secret.clone());
        self
    }

    /// Its content may hold secrets among other things: nothing that the server says of it is shown.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.is_private = true;
        self
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of content that is asked for.
    pub(super) fn accepts(&self) -> &'static str {
        match self.expects {
            Expects::Json => "application/json",
            Expects::Text | Expects::Nothing => "*/*",
        }
    }

    /// The whole address below a base.
    pub(super) fn url(&self, base: &Url) -> Result<Url, ApiError> {
        let wrong = |why: &str| ApiError::unsent(&self.name, Fault::Unaskable(why.to_owned()));
        let (parts, mut url) = match &self.target {
            Target::Below(parts) => (parts.as_slice(), base.clone()),
            Target::Root(parts) => {
                let mut root = base.clone();
                root.set_path("");
                (parts.as_slice(), root)
            }
            Target::Named(address) => {
                let url =
                    base.join(address).map_err(|_| wrong("the server named an address that is none"))?;
                if url.origin() != base.origin() {
                    return Err(wrong("the server named an address on another server"));
                }
                (&[] as &[String], url)
            }
        };
        if parts.iter().any(|part| matches!(part.as_str(), "" | "." | "..")) {
            return Err(wrong("a part of its path is empty or a dot"));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

/// A whole answer with a status of success, of the kind that was expected.
#[derive(Clone)]
pub struct Answer {
    pub(super) call: String,
    /// The status: 200 to 299.
    pub status: u16,
    /// The headers, by their names in lower case; several of one name are one, with commas (RFC 9110).
    pub headers: BTreeMap<String, String>,
    /// The content.
    pub body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}: status {}, {} bytes)", self.call, self.status, self.body.len())
    }
}

impl Answer {
    /// The content as a value.
    ///
    /// # Errors
    /// [`Fault::Unexpected`] with the place in the document.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        read::json(&self.body).map_err(|error| {
            ApiError::answered(&self.call, Fault::Unexpected { path: error.path, why: error.why })
        })
    }

    /// The content as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        String::from_utf8_lossy(body)
    }

    /// The address of the next page, from a `Link` header (RFC 8288).
    #[must_use]
    pub fn next(&self) -> Option<String> {
        self.headers.get("link").and_then(|links| next(links))
    }

    /// What tells two answers apart.
    #[must_use]
    pub fn mark(&self) -> Vec<u8> {
        use sha2::Digest as _;
        sha2::Sha256::digest(&self.body).to_vec()
    }
}

/// The target of `rel="next"` among links: `<https://x/?cursor=2>; rel="next", <…>; rel="last"`.
fn next(links: &str) -> Option<String> {
    let mut rest = links;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        // The link's own parameters end where the next one begins.
        let own = after.split_once(",<").or_else(|| after.split_once(", <")).map_or(after, |(own, _)| own);
        let is_next =
            own.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_end_matches(',')
                        .trim_matches('"')
                        .split(' ')
                        .any(|rel| rel.eq_ignore_ascii_case("next"))
            });
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://x.test/specific/").unwrap()
    }

    #[test]
    fn parts_of_a_path_are_encoded_and_the_base_keeps_its_own() {
        let call = Call::get("a").at("v1/Computers").part("a/b c?d#é").query("condition", "Id > 5 & x");
        let url = call.url(&base()).unwrap();
        assert_eq!(
            url.as_str(),
            "https://x.test/specific/v1/Computers/a%2Fb%20c%3Fd%23%C3%A9?condition=Id+%3E+5+%26+x"
        );
        assert_eq!(Call::get("a").at("Report.json").from_root().url(&base()).unwrap().path(), "/Report.json");
    }

    #[test]
    fn a_part_that_climbs_or_vanishes_is_not_asked() {
        for part in ["", ".", ".."] {
            let error = Call::get("a").at("v1").part(part).url(&base()).unwrap_err();
            assert!(matches!(error.fault, Fault::Unaskable(_)), "{part:?}");
        }
    }

    #[test]
    fn a_named_address_stays_on_the_server() {
        let at = |address: &str| Call::get("a").follow(address).url(&base()).map(|url| url.to_string());
        assert_eq!(at("https://x.test/y?cursor=2").unwrap(), "https://x.test/y?cursor=2");
        assert_eq!(at("/y?cursor=2").unwrap(), "https://x.test/y?cursor=2");
        for bad in [
            "https://evil.test/y",
            "http://x.test/y",
            "https://x.test:8443/y",
            "//evil.test/y",
            "file:///etc",
        ] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        assert_eq!(next("<https://x/?a=1,2>; rel=\"next\"").as_deref(), Some("https://x/?a=1,2"));
        assert_eq!(next("<a>; rel=\"prev\", <b>; rel=\"next\"").as_deref(), Some("b"));
        assert_eq!(next("<a>;rel=next,<b>;rel=last").as_deref(), Some("a"));
        assert_eq!(next("<a>; title=\"x\"; rel=\"last next\"").as_deref(), Some("a"));
        assert_eq!(next("<a>; rel=\"last\""), None);
        assert_eq!(next("nonsense"), None);
        assert_eq!(next("<a; rel=next"), None);
    }

    #[test]
    fn debug_output_shows_no_content() {
        let call = Call::post("a").json(serde_json::json!({"password": "canary"})).query("q", "canary");
        assert_eq!(format!("{call:?}"), "Call(a: POST)");
    }
}
