//! How a vendor's API knows us: headers on each request, and a token that is obtained once for all who wait for it.
//!
//! Not here: what a vendor asks for; its provider implements [`Auth`].
//!
//! Invariants: while a token is obtained everybody waits for that one; one that was refused is replaced once, however many
//! requests it was refused to; after refused credentials nobody asks again for a while, so that no account is locked by us.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::client::Plain;
use super::error::ApiError;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The share of a token's life before its end in which it is renewed, at most [`EARLY`].
const EARLY_SHARE: i32 = 10;
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// How long a token that still holds is used on after it could not be renewed.
const RENEWAL_REST: Duration = Duration::from_secs(10);

/// A token.
#[derive(Debug, Clone)]
pub struct Token {
    /// What is sent.
    pub secret: Secret,
    /// When it was obtained, by the server's clock.
    pub since: Timestamp,
    /// When it ends, by the server's clock; `None` when nobody said.
    pub ends: Option<Timestamp>,
}

impl Token {
    /// Whether it is time for another one.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| {
            let life = ends.duration_since(self.since);
            let early = (life / EARLY_SHARE).min(EARLY);
            now.duration_since(ends) >= -early
        })
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| now >= ends)
    }
}

/// How a vendor's API is signed in to.
pub trait Auth: Send + Sync + fmt::Debug {
    /// The headers of each request; `now` is the server's time, for codes that depend on it.
    fn headers(&self, token: Option<&Token>, now: Timestamp) -> Vec<(&'static str, Secret)>;

    /// Obtains a token; `old` is the one that ends or was refused, `now` is the server's time. `None` where the vendor has no
    /// tokens; then nothing is tried again after a 401.
    ///
    /// # Errors
    /// [`ApiError`] of the call that obtains it.
    fn obtain<'a>(
        &'a self,
        plain: Plain<'a>,
        old: Option<&'a Token>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Token>, ApiError>> {
        _ = (plain, old, now);
        Box::pin(async { Ok(None) })
    }

    /// How long nobody signs in again after this error.
    fn rest(&self, error: &ApiError) -> Duration {
        match error.status() {
            Some(400..=407 | 409..=428 | 430..=499) => Duration::from_mins(1),
            _ => Duration::ZERO,
        }
    }

    /// What the headers of an answer say about a refusal, for people.
    fn explain(&self, headers: &std::collections::BTreeMap<String, String>) -> Option<String> {
        _ = headers;
        None
    }
}

/// A link's token, and who may obtain it.
#[derive(Debug)]
pub(super) struct Tokens {
    auth: Arc<dyn Auth>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<Token>>,
    /// How many were obtained.
    generation: u64,
    /// The credentials were refused, and until when nobody asks again.
    refused: Option<(ApiError, Instant)>,
    /// Whether this vendor has no tokens.
    has_none: bool,
}

/// A token, and which one it is.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) token: Option<Arc<Token>>,
    pub(super) generation: u64,
}

impl Tokens {
    pub(super) fn new(auth: Arc<dyn Auth>) -> Self {
        Self { auth, state: Mutex::default() }
    }

    pub(super) fn auth(&self) -> &dyn Auth {
        &*self.auth
    }

    /// The token to use; another one than `refused`, if there can be another.
    pub(super) async fn current(
        &self,
        plain: Plain<'_>,
        refused: Option<u64>,
        now: Timestamp,
    ) -> Result<Current, ApiError> {
        let mut state = self.state.lock().await;
        let is_refused = refused == Some(state.generation);
        let is_usable = state.token.as_ref().is_some_and(|token| !token.is_due(now));
        if state.has_none || (is_usable && !is_refused) {
            return Ok(Current { token: state.token.clone(), generation: state.generation });
        }
        // One that still holds is better than none while there is no other.
        let still = state.token.clone().filter(|token| !is_refused && !token.has_ended(now));
        if let Some((error, until)) = &state.refused
            && Instant::now() < *until
        {
            return still.map_or_else(
                || Err(error.clone()),
                |token| Ok(Current { token: Some(token), generation: state.generation }),
            );
        }
        let old = state.token.clone();
        match self.auth.obtain(plain, old.as_deref(), now).await {
            Ok(Some(token)) => {
                state.token = Some(Arc::new(token));
                state.generation += 1;
                state.refused = None;
            }
            Ok(None) => state.has_none = true,
            Err(error) => {
                let rest = self.auth.rest(&error);
                let rest = if still.is_some() { rest.max(RENEWAL_REST) } else { rest };
                state.refused = (!rest.is_zero()).then(|| (error.clone(), Instant::now() + rest));
                if still.is_none() {
                    state.token = None;
                    return Err(error);
                }
            }
        }
        Ok(Current { token: state.token.clone(), generation: state.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let token = |ends| Token { secret: Secret::new("x".to_owned()), since: at(0), ends };
        let hour = token(Some(at(3600)));
        assert!(!hour.is_due(at(3299)));
        assert!(hour.is_due(at(3300)) && !hour.has_ended(at(3599)) && hour.has_ended(at(3600)));
        let minute = token(Some(at(60)));
        assert!(!minute.is_due(at(53)) && minute.is_due(at(54)));
        assert!(!token(None).is_due(at(1 << 32)));
    }
}
