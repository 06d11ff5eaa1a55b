//! The web over HTTP: whole pages, and the hashes of files of any size.
//!
//! Not here: what is asked for, and what an answer means.
//!
//! Invariants: certificates are checked against the system's; redirects are bounded and never lead from https to http, nor does
//! a token go along to another server; every wait has an end; errors hold no token and no query. A proxy is taken from the
//! usual environment variables by the library underneath.

pub mod api;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{self, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use sha2::Digest as _;

use crate::config::kind::Sha256;
use crate::fetch::{Answer, FetchError, Hashed, Progress, Request, Sink, Web, retry_after, shown};

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 8;
/// How much of a file's beginning is kept.
const BEGINNING: usize = 512;

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long a server may be silent, while connecting and in the middle of an answer.
    pub silence: Duration,
    /// How often something is tried in a row without any progress.
    pub attempts: u32,
    /// How long to wait before the second attempt; each further wait is twice as long, give or take a quarter.
    pub first_wait: Duration,
    /// The longest that a server's wish to come back later is obeyed.
    pub longest_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_mins(1),
        }
    }
}

/// A client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    pages: Client,
    files: Client,
    settings: Settings,
}

/// What came of one attempt that has no result.
enum Failed {
    /// Another attempt may succeed; after this wait, if the server asked for one.
    Passing(FetchError, Option<u64>),
    /// None will.
    Final(FetchError),
}

impl Http {
    /// A client.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(settings: Settings) -> Result<Self, String> {
        // The process has one provider of cryptography; somebody else may have chosen it already.
        _ = rustls::crypto::ring::default_provider().install_default();
        let build = || {
            Client::builder()
                .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(settings.silence)
                .read_timeout(settings.silence)
                .redirect(redirects())
        };
        let whole = |error: reqwest::Error| why(&error.without_url());
        // A page comes in one piece; a file may take as long as it needs while it moves.
        let pages = build().timeout(settings.silence.saturating_mul(10)).build().map_err(whole)?;
        // The hash is that of the file as it lies on the server.
        let files = build().no_gzip().build().map_err(whole)?;
        Ok(Self { pages, files, settings })
    }

    async fn page(&self, request: &Request) -> Result<Answer, Failed> {
        let mut response = self.send(&self.pages, request, HeaderMap::new()).await?;
        let url = response.url().clone();
        let headers = texts(response.headers());
        let status = response.status();
        let at = || shown(&request.url);
        if status.is_server_error()
            || matches!(status.as_u16(), 408 | 429)
            || headers.contains_key("retry-after")
        {
            let error = FetchError::Status { at: at(), status: status.as_u16() };
            // A used-up limit is told with all that the server says of it.
            let limited = headers.get("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
            if !status.is_success() && !limited {
                return Err(Failed::Passing(error, retry_after(&headers)));
            }
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(request, &error))? {
            body.extend_from_slice(&chunk);
            if u64::try_from(body.len()).unwrap_or(u64::MAX) > request.most {
                return Err(Failed::Final(FetchError::TooLarge { at: at(), most: request.most }));
            }
        }
        Ok(Answer { url, status: status.as_u16(), headers, body })
    }

    async fn send(&self, client: &Client, request: &Request, extra: HeaderMap) -> Result<Response, Failed> {
        let mut builder = client.get(request.url.clone()).headers(extra);
        if let Some(accept) = request.accept {
            builder = builder.header(header::ACCEPT, accept);
        }
        if let Some(token) = &request.token {
            builder = builder.bearer_auth(token.expose());
        }
        builder.send().await.map_err(|error| self.broken(request, &error))
    }

    fn broken(&self, request: &Request, error: &reqwest::Error) -> Failed {
        let at = shown(&request.url);
        if error.is_timeout() {
            return Failed::Passing(
                FetchError::TimedOut { at, seconds: self.settings.silence.as_secs() },
                None,
            );
        }
        let why = inner(error);
        if error.is_redirect() {
            Failed::Final(FetchError::Redirect { at, why })
        } else if error.is_connect() {
            Failed::Passing(FetchError::Unreachable { at, why }, None)
        } else if error.is_builder() {
            Failed::Final(FetchError::Unreachable { at, why })
        } else {
            Failed::Passing(FetchError::Broken { at, why }, None)
        }
    }

    /// Waits before the next attempt; an error when there is none.
    async fn wait(&self, attempt: u32, failed: Failed) -> Result<(), FetchError> {
        let (error, asked) = match failed {
            Failed::Final(error) => return Err(error),
            Failed::Passing(error, asked) => (error, asked),
        };
        if attempt >= self.settings.attempts {
            return Err(error);
        }
        let wait = match asked {
            Some(seconds) if seconds > self.settings.longest_wait.as_secs() => {
                let (FetchError::Status { at, .. } | FetchError::Broken { at, .. }) = &error else {
                    return Err(error);
                };
                return Err(FetchError::Later { at: at.clone(), seconds });
            }
            Some(seconds) => Duration::from_secs(seconds),
            None => jittered(self.settings.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(16))),
        };
        tokio::time::sleep(wait.min(self.settings.longest_wait)).await;
        Ok(())
    }
}

/// Follows redirects as far as they are harmless.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error("there are too many redirects");
        }
        let from = attempt.previous().last().map(url::Url::scheme);
        match (from, attempt.url().scheme()) {
            (Some("https"), "http") => attempt.error("it goes from https to http"),
            (_, "http" | "https") => attempt.follow(),
            _ => attempt.error("it leaves the web"),
        }
    })
}

/// A wait that is a quarter longer or shorter, so that many who wait do not come back together.
fn jittered(wait: Duration) -> Duration {
    let random = uuid::Uuid::now_v7().as_bytes().last().copied().unwrap_or(128);
    wait.mul_f64(0.75 + f64::from(random) / 512.0)
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &header::HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

/// The innermost reason, which is the one that says something.
fn inner(error: &reqwest::Error) -> String {
    let mut source = error.source();
    let mut said = None;
    while let Some(error) = source {
        said = Some(error.to_string());
        source = error.source();
    }
    said.unwrap_or_else(|| "the connection failed".to_owned())
}

fn why(error: &reqwest::Error) -> String {
    inner(error)
}

/// How far the hash of a file is.
#[derive(Default)]
struct Partial {
    hash: sha2::Sha256,
    got: u64,
    beginning: Vec<u8>,
    /// What names this state of the file, for the rest of it.
    state: Option<String>,
}

impl Sink for Partial {
    fn got(&self) -> u64 {
        self.got
    }

    fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    fn is_verified(&self) -> bool {
        false
    }

    fn begin(&mut self, state: Option<&str>) -> Result<(), String> {
        *self = Self { state: state.map(str::to_owned), ..Self::default() };
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.hash.update(bytes);
        self.got = self.got.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.extend(bytes.iter().take(room));
        Ok(())
    }
}

impl Http {
    /// Takes a file's bytes until it ends or breaks off.
    async fn go_on(
        &self,
        request: &Request,
        sink: &mut dyn Sink,
        progress: Progress<'_>,
    ) -> Result<(), Failed> {
        let at = || shown(&request.url);
        let kept = |result: Result<(), String>| {
            result.map_err(|why| Failed::Final(FetchError::NotKept { at: at(), why }))
        };
        let mut extra = HeaderMap::new();
        if sink.got() > 0 {
            let state = sink.state().and_then(|state| state.parse().ok());
            if state.is_some() || sink.is_verified() {
                if let Ok(range) = format!("bytes={}-", sink.got()).parse() {
                    extra.insert(header::RANGE, range);
                }
                if let Some(state) = state {
                    extra.insert(header::IF_RANGE, state);
                }
            } else {
                kept(sink.begin(None))?;
            }
        }
        let asked_for_rest = extra.contains_key(header::RANGE);
        let mut response = self.send(&self.files, request, extra).await?;
        let status = response.status();
        let headers = texts(response.headers());
        if status == StatusCode::PARTIAL_CONTENT && asked_for_rest {
            let begins = headers.get("content-range").and_then(|range| range.strip_prefix("bytes "));
            let begins = begins
                .and_then(|range| range.split('-').next())
                .and_then(|first| first.trim().parse::<u64>().ok());
            if begins != Some(sink.got()) {
                kept(sink.begin(None))?;
                let why = "it sent another part than was asked for".to_owned();
                return Err(Failed::Passing(FetchError::Broken { at: at(), why }, None));
            }
            sink.goes_on();
        } else if status.is_success() && status != StatusCode::PARTIAL_CONTENT {
            let strong = headers.get("etag").filter(|etag| !etag.starts_with("W/"));
            let state = strong.or_else(|| headers.get("last-modified"));
            kept(sink.begin(state.map(String::as_str)))?;
        } else {
            let error = FetchError::Status { at: at(), status: status.as_u16() };
            let is_passing = status.is_server_error() || matches!(status.as_u16(), 408 | 416 | 429);
            // What is there is no beginning of the file, or all of it, which whoever verifies it sees by itself.
            if status == StatusCode::RANGE_NOT_SATISFIABLE || !sink.is_verified() {
                kept(sink.begin(None))?;
            }
            return Err(if is_passing || headers.contains_key("retry-after") {
                Failed::Passing(error, retry_after(&headers))
            } else {
                Failed::Final(error)
            });
        }
        let total = response.content_length().map(|rest| rest.saturating_add(sink.got()));
        let too_large = || Failed::Final(FetchError::TooLarge { at: at(), most: request.most });
        if total.is_some_and(|total| total > request.most) {
            return Err(too_large());
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(request, &error))? {
            kept(sink.take(&chunk))?;
            if sink.got() > request.most {
                return Err(too_large());
            }
            progress(sink.got(), total);
        }
        match total {
            Some(total) if total != sink.got() => {
                let why = format!("{} of {total} bytes came", sink.got());
                Err(Failed::Passing(FetchError::Broken { at: at(), why }, None))
            }
            _ => Ok(()),
        }
    }

    /// The same until there is an end, or no progress any more.
    async fn whole(
        &self,
        request: &Request,
        sink: &mut dyn Sink,
        progress: Progress<'_>,
    ) -> Result<(), FetchError> {
        let mut attempt = 1;
        loop {
            let before = sink.got();
            match self.go_on(request, sink, progress).await {
                Ok(()) => return Ok(()),
                Err(failed) => {
                    // Whoever gets on may try again.
                    attempt = if sink.got() > before { 1 } else { attempt };
                    self.wait(attempt, failed).await?;
                }
            }
            attempt += 1;
        }
    }
}

impl Web for Http {
    fn get<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, FetchError>> {
        Box::pin(async move {
            let mut attempt = 1;
            loop {
                match self.page(request).await {
                    Ok(answer) => return Ok(answer),
                    Err(failed) => self.wait(attempt, failed).await?,
                }
                attempt += 1;
            }
        })
    }

    fn hash<'a>(
        &'a self,
        request: &'a Request,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Hashed, FetchError>> {
        Box::pin(async move {
            let mut partial = Partial::default();
            self.whole(request, &mut partial, progress).await?;
            let mut text = String::with_capacity(64);
            for byte in partial.hash.finalize() {
                // Writing into a String cannot fail.
                _ = write!(text, "{byte:02x}");
            }
            let sha256 = Sha256::parse(&text)
                .map_err(|error| FetchError::Broken { at: shown(&request.url), why: error.to_string() })?;
            Ok(Hashed { sha256, size: partial.got, beginning: partial.beginning })
        })
    }

    fn file<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn Sink,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<(), FetchError>> {
        Box::pin(self.whole(request, sink, progress))
    }
}
