//! Signs in to ConnectWise RMM: a token for the id and the secret of an API key.
//!
//! Not here: when a token is renewed (`http::api`).
//!
//! Invariants: whoever is locked out (status 423) asks no more for a while; every request has an id of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use serde_json::json;

use super::wire::TokenResult;
use crate::http::api::{ApiError, Auth, Call, Fault, Plain, Said, Token};
use crate::provider::link::Keys;
use crate::secret::{Secret, SecretRef};
use crate::time::Timestamp;

/// The name of the call that signs in.
const SIGN_IN: &str = "sign-in to ConnectWise RMM";
/// How long a token lasts where the answer does not say it, in seconds.
const USUAL: u32 = 3599;

#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) client_id: String,
    pub(super) client_secret: SecretRef,
    pub(super) scopes: BTreeSet<String>,
    pub(super) keys: Keys,
    /// Where requests are said to come from; some operations want it.
    pub(super) origin: String,
}

impl Auth for SignIn {
    fn headers(&self, token: Option<&Token>, _: Timestamp) -> Vec<(&'static str, Secret)> {
        let bearer =
            token.map(|token| ("authorization", Secret::new(format!("Bearer {}", token.secret.expose()))));
        let id = ("x-request-id", Secret::new(uuid::Uuid::now_v7().to_string()));
        bearer.into_iter().chain([id, ("origin", Secret::new(self.origin.clone()))]).collect()
    }

    fn obtain<'a>(
        &'a self,
        plain: Plain<'a>,
        _: Option<&'a Token>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Token>, ApiError>> {
        Box::pin(async move {
            let secret = self.keys.find(SIGN_IN, &self.client_secret)?;
            let mut body = json!({
                "grant_type": "client_credentials", "client_id": self.client_id, "client_secret": secret.expose(),
            });
            if let (false, Some(body)) = (self.scopes.is_empty(), body.as_object_mut()) {
                let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
                body.insert("scope".to_owned(), json!(scopes.join(" ")));
            }
            let call = Call::post(SIGN_IN).at("v1/token").json(body).hides(&secret).idempotent();
            let result: TokenResult = plain.call(&call).await?.json()?;
            token(result, now).map(Some)
        })
    }

    fn rest(&self, error: &ApiError) -> Duration {
        match error.status() {
            Some(423) => Duration::from_mins(15),
            Some(200 | 400..=403) => Duration::from_mins(5),
            _ => Duration::ZERO,
        }
    }
}

fn token(result: TokenResult, now: Timestamp) -> Result<Token, ApiError> {
    if result.access_token.trim().is_empty() {
        let said = Said { status: 200, text: Some("there is no token in the answer".to_owned()) };
        return Err(ApiError::answered(SIGN_IN, Fault::Unauthorized(said)));
    }
    let lasts = SignedDuration::from_secs(i64::from(result.expires_in.unwrap_or(USUAL)));
    Ok(Token { secret: Secret::new(result.access_token), since: now, ends: now.checked_add(lasts).ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_when_the_answer_says() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let read = |text| token(serde_json::from_str(text).unwrap(), now);
        let good =
            read(r#"{"access_token":"t","scope":"a b","token_type":"Bearer","expires_in":3599}"#).unwrap();
        assert_eq!(good.ends.unwrap().to_string(), "2026-11-22T10:59:59Z");
        assert!(read(r#"{"access_token":"t"}"#).unwrap().ends.is_some());
        assert!(read(r#"{"access_token":null}"#).is_err() && read("{}").is_err());
    }
}
