//! Sends calls over one link: signs in, waits for its turn, tries again, takes the answer.
//!
//! Not here: the rules for each of these (`auth`, `gate`, `retry`, `body`).
//!
//! Invariants: every wait ends with the call's own limit; no place among the concurrent requests is held while waiting for a token or
//! for another attempt; an error says whether any attempt may have been carried out.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use super::auth::{Auth, Current, Tokens};
use super::body::{self, Content, Folded, Headers, Whole};
use super::bucket::Rate;
use super::call::{Answer, Call};
use super::error::{ApiError, Fault, Said, Sent};
use super::gate::{Condition, Gate};
use super::health::{Outcome, State};
use super::retry::{self, Failed};
use super::settings::{Proxy, Settings, SetupError};
use crate::fetch::{retry_after, shown};
use crate::secret::Secret;
use crate::time::{Clock, Timestamp};

/// Nothing is known of the server's clock.
const UNKNOWN: i64 = i64::MIN;

/// One link. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// The link without its sign-in, for whoever signs in.
#[derive(Clone, Copy)]
pub struct Plain<'a>(&'a Inner);

struct Inner {
    settings: Settings,
    http: reqwest::Client,
    gate: Gate,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
    /// How many seconds the server's clock is ahead of ours.
    ahead: AtomicI64,
}

/// An answer without its content.
struct Head {
    status: u16,
    headers: Headers,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} at {})", self.0.settings.name, shown(&self.0.settings.base))
    }
}

impl fmt::Debug for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plain({})", self.0.settings.name)
    }
}

impl Client {
    /// A link. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(settings: Settings, auth: Arc<dyn Auth>, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let http = build(&settings)?;
        let gate = Gate::new(&settings.name, settings.rate, settings.concurrency);
        let tokens = Tokens::new(auth);
        Ok(Self(Arc::new(Inner { settings, http, gate, tokens, clock, ahead: AtomicI64::new(UNKNOWN) })))
    }

    /// Makes a call, signed in.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn call(&self, call: &Call) -> Result<Answer, ApiError> {
        self.0.whole(call, true).await
    }

    /// The same, and reads the answer.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn json<T: serde::de::DeserializeOwned>(&self, call: &Call) -> Result<T, ApiError> {
        self.call(call).await?.json()
    }

    /// Makes a call whose answer is one list, however long, and hands over each entry as it comes, into what `begin` makes.
    /// What was made is given once the whole list is there; when the call is repeated, it begins anew. `null` is a list of
    /// nothing.
    ///
    /// # Errors
    /// [`ApiError`]; also for a list that breaks off.
    pub async fn fold<T: serde::de::DeserializeOwned, S: Send>(
        &self,
        call: &Call,
        begin: impl Fn() -> S + Send,
        take: impl FnMut(&mut S, T) + Send,
    ) -> Result<S, ApiError> {
        let mut content = Folded::new(begin, take);
        self.0.run(call, true, &mut content).await?;
        Ok(content.into_state())
    }

    /// The same link without its sign-in, for what the server tells everybody.
    #[must_use]
    pub fn plain(&self) -> Plain<'_> {
        Plain(&self.0)
    }

    /// The link's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Where the API is.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.0.settings.base
    }

    /// How the link is, now and at every change.
    #[must_use]
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.0.gate.watch()
    }

    /// The server's time, as far as its clock is known.
    #[must_use]
    pub fn server_time(&self) -> Timestamp {
        self.0.now()
    }

    /// How many seconds the server's clock is ahead of ours, by its last answer; negative when it is behind.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        Some(self.0.ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// Asks no faster than this from now on, because the vendor says so.
    pub fn lower(&self, rate: Rate) {
        self.0.gate.lower(rate);
    }

    /// Asks nothing for this long, because the vendor says so.
    pub fn pause(&self, length: Duration) {
        self.0.gate.pause(length);
    }
}

impl Plain<'_> {
    /// Makes a call without signing in.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn call(&self, call: &Call) -> Result<Answer, ApiError> {
        self.0.whole(call, false).await
    }
}

fn build(settings: &Settings) -> Result<reqwest::Client, SetupError> {
    // The process has one provider of cryptography; somebody else may have chosen it already.
    _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.times.connect)
        .referer(false)
        .redirect(Policy::none());
    builder = match &settings.proxy {
        Proxy::System => builder,
        Proxy::None => builder.no_proxy(),
        Proxy::At(address) => {
            builder.proxy(reqwest::Proxy::all(address.expose()).map_err(|_| SetupError::Proxy)?)
        }
    };
    if let Some(pem) = &settings.authorities {
        let bad = |why: &str| SetupError::Authorities(why.to_owned());
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|_| bad("they are no PEM certificates"))?;
        if certificates.is_empty() {
            return Err(bad("there is none"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| SetupError::Client(innermost(&error)))
}

impl Inner {
    /// The server's time.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        match self.ahead.load(Ordering::Relaxed) {
            UNKNOWN => now,
            ahead => now.checked_add(jiff::SignedDuration::from_secs(ahead)).unwrap_or(now),
        }
    }

    /// Makes a call and keeps the whole answer.
    async fn whole(&self, call: &Call, is_signed: bool) -> Result<Answer, ApiError> {
        let mut content = Whole::new(call.expects);
        let head = self.run(call, is_signed, &mut content).await?;
        Ok(Answer {
            call: call.name.clone(),
            status: head.status,
            headers: head.headers,
            body: content.bytes,
        })
    }

    async fn run(&self, call: &Call, is_signed: bool, content: &mut dyn Content) -> Result<Head, ApiError> {
        let limit = call.limit.unwrap_or(self.settings.times.call);
        let deadline = Instant::now() + limit;
        let url = call.url(&self.settings.base)?;
        let (mut attempt, mut sent) = (0, Sent::Never);
        let (mut refused, mut last): (Option<u64>, Option<Fault>) = (None, None);
        loop {
            let fails = |fault: Fault, sent: Sent, attempts: u32| ApiError {
                call: call.name.clone(),
                fault,
                sent,
                attempts,
            };
            let current = if is_signed {
                let waited =
                    tokio::time::timeout_at(deadline, self.tokens.current(Plain(self), refused, self.now()));
                match waited.await {
                    Ok(Ok(current)) => Some(current),
                    Ok(Err(error)) => return Err(ApiError { sent, attempts: attempt, ..error }),
                    Err(_) => return Err(fails(Fault::TimedOut(limit.as_secs()), sent, attempt)),
                }
            } else {
                None
            };
            let generation = current.as_ref().map(|current| current.generation);
            if refused.is_some() && refused == generation {
                // There is no other token than the refused one.
                let said = Said { status: 401, text: None };
                return Err(fails(last.unwrap_or(Fault::Unauthorized(said)), sent, attempt));
            }
            let pass = match self.gate.enter(deadline).await {
                Ok(pass) => pass,
                // What happened before says more than that nothing more is asked.
                Err(fault) => return Err(fails(last.unwrap_or(fault), sent, attempt)),
            };
            attempt += 1;
            let failed = match self.attempt(call, &url, current.as_ref(), attempt, deadline, content).await {
                Ok(head) => {
                    pass.done(Outcome::Answered, String::new);
                    return Ok(head);
                }
                Err(failed) => failed,
            };
            pass.done(failed.outcome(), || failed.fault.to_string());
            sent = sent.max(failed.sent());
            let left = deadline.saturating_duration_since(Instant::now());
            if matches!(failed.fault, Fault::Unauthorized(_)) && is_signed && refused.is_none() {
                refused = generation;
                last = Some(failed.fault);
                continue;
            }
            let random = uuid::Uuid::now_v7().as_bytes().last().copied().unwrap_or(128);
            let wait =
                retry::wait(self.settings.patience, &failed, attempt, call.is_idempotent, left, random);
            if matches!(failed.fault, Fault::Limited { .. }) {
                let asked = failed.after.map(Duration::from_secs);
                self.gate.pause(asked.or(wait).unwrap_or(self.settings.patience.first_wait));
            }
            let Some(wait) = wait else {
                return Err(fails(failed.fault, sent, attempt));
            };
            last = Some(failed.fault);
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        url: &Url,
        current: Option<&Current>,
        attempt: u32,
        deadline: Instant,
        content: &mut dyn Content,
    ) -> Result<Head, Failed> {
        let started = Instant::now();
        let limit = self.settings.times.attempt.min(deadline.saturating_duration_since(started));
        let tried = tokio::time::timeout(limit, self.exchange(call, url, current, content)).await;
        let result = tried.unwrap_or_else(|_| Err(Failed::new(Fault::TimedOut(limit.as_secs().max(1)))));
        let status = match &result {
            Ok(head) => Some(head.status),
            Err(failed) => status_of(&failed.fault),
        };
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(
            link = %self.settings.name, call = %call.name, method = call.method.name(), path = url.path(), status, millis, attempt,
            fault = result.as_ref().err().map(|failed| tracing::field::display(&failed.fault)), "request"
        );
        result
    }

    async fn exchange(
        &self,
        call: &Call,
        url: &Url,
        current: Option<&Current>,
        content: &mut dyn Content,
    ) -> Result<Head, Failed> {
        let auth = self.tokens.auth();
        let signed = current.map(|current| auth.headers(current.token.as_deref(), self.now()));
        let secrets: Vec<&Secret> = signed
            .iter()
            .flatten()
            .chain(&call.secret_headers)
            .map(|(_, secret)| secret)
            .chain(&call.hidden)
            .collect();
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            headers.insert(header(name)?, plain_value(value)?);
        }
        for (name, secret) in signed.iter().flatten().chain(&call.secret_headers) {
            let mut value = plain_value(secret.expose())?;
            value.set_sensitive(true);
            headers.insert(header(name)?, value);
        }
        let method = reqwest::Method::from_bytes(call.method.name().as_bytes())
            .map_err(|_| Failed::new(Fault::Unaskable("its method is none".to_owned())))?;
        let mut request =
            self.http.request(method, url.clone()).header("accept", call.accepts()).headers(headers);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| Failed::new(broken(&error)))?;
        let status = response.status().as_u16();
        let headers = texts(response.headers());
        self.note_time(&headers);
        if response.status().is_redirection() && status != 304 {
            return Err(Failed::new(Fault::Redirected(redirected(url, &headers))));
        }
        if response.status().is_success() {
            content.begin();
            self.take(&mut response, &headers, content).await.map_err(Failed::new)?;
            return Ok(Head { status, headers });
        }
        let said = error_text(&mut response).await;
        let explained = auth.explain(&headers).filter(|_| matches!(status, 401 | 403));
        let said = || body::said(&headers, &said, &secrets).filter(|_| !call.is_private);
        let text = explained.or_else(said);
        let after = retry_after(&headers);
        Err(Failed { fault: Fault::of_status(Said { status, text }, after), after })
    }

    /// Takes the content of a successful answer, piece by piece.
    async fn take(
        &self,
        response: &mut reqwest::Response,
        headers: &Headers,
        content: &mut dyn Content,
    ) -> Result<(), Fault> {
        let mut length = 0_u64;
        loop {
            let piece = response.chunk().await.map_err(|error| Fault::Broken(innermost(&error)))?;
            let Some(piece) = piece else { return content.end(headers) };
            length = length.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if length > self.settings.longest {
                return Err(Fault::TooLarge(self.settings.longest));
            }
            content.piece(headers, &piece)?;
        }
    }

    /// Compares the clocks. The header has whole seconds.
    fn note_time(&self, headers: &BTreeMap<String, String>) {
        let date = headers.get("date").map(|date| date.replace("GMT", "+0000"));
        if let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok()) {
            let ahead = theirs.timestamp().as_second().saturating_sub(self.clock.now().as_second());
            // A second more or less is the header's own.
            self.ahead.store(if ahead.abs() <= 1 { 0 } else { ahead }, Ordering::Relaxed);
        }
    }
}

/// The beginning of what a server says of an error, as far as it comes.
async fn error_text(response: &mut reqwest::Response) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() <= body::ERROR {
        let Ok(Some(piece)) = response.chunk().await else { break };
        text.extend_from_slice(&piece);
    }
    text
}

/// The status that a fault tells of.
fn status_of(fault: &Fault) -> Option<u16> {
    ApiError::answered("", fault.clone()).status()
}

/// Where a redirect leads, without what may be secret.
fn redirected(from: &Url, headers: &BTreeMap<String, String>) -> String {
    let to = headers.get("location").and_then(|location| from.join(location).ok());
    let Some(to) = to else { return "nowhere".to_owned() };
    if to.origin() == from.origin() { to.path().to_owned() } else { shown(&to) }
}

fn header(name: &str) -> Result<HeaderName, Failed> {
    name.parse().map_err(|_| Failed::new(Fault::Unaskable("a header's name is none".to_owned())))
}

fn plain_value(value: &str) -> Result<HeaderValue, Failed> {
    HeaderValue::from_str(value).map_err(|_| {
        Failed::new(Fault::Unaskable("a header, perhaps a credential, has a line break".to_owned()))
    })
}

/// What it means that no response came.
fn broken(error: &reqwest::Error) -> Fault {
    let why = innermost(error);
    if error.is_builder() {
        return Fault::Unaskable(why);
    }
    let is_tls = error.source().is_some_and(is_tls);
    match (error.is_connect(), is_tls) {
        (true, true) => Fault::Tls(why),
        (true, false) if error.is_timeout() => Fault::Unreachable("no connection in time".to_owned()),
        (true, false) => Fault::Unreachable(why),
        (false, _) => Fault::Broken(why),
    }
}

/// Whether an error is one of TLS, or has one inside.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    // An I/O error that wraps another one does not give that as its source.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|inner| is_tls(inner))
        || error.source().is_some_and(is_tls)
}

/// The innermost reason, which is the one that says something.
fn innermost(error: &reqwest::Error) -> String {
    let mut source = error.source();
    let mut said = None;
    while let Some(error) = source {
        said = Some(error.to_string());
        source = error.source();
    }
    super::error::plain(&said.unwrap_or_default()).unwrap_or_else(|| "the connection failed".to_owned())
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let Ok(text) = value.to_str() else { continue };
        let known = texts.entry(name.as_str().to_owned()).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(text);
    }
    texts
}

impl Condition {
    /// One line about the link, for a notice.
    #[must_use]
    pub fn notice(&self) -> String {
        let how = match self.state {
            State::Healthy => "answers again",
            State::Degraded => "answers badly",
            State::Unhealthy => "does not answer and is left alone for a while",
        };
        match &self.why {
            Some(why) => format!("{} {how}: {why}", self.link),
            None => format!("{} {how}", self.link),
        }
    }
}
