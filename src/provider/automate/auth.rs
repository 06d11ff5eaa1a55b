//! Signs in to Automate: a token for a user, a password and, where the account needs one, a one-time password.
//!
//! Not here: when a token is renewed (`http::api`).
//!
//! Invariants: a missing second factor, which the server tells with status 200 and an empty token, is an error that says what to
//! do; a token is refreshed first and asked for anew only where that fails.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde_json::json;

use super::wire::TokenResult;
use crate::config::kind::Account;
use crate::http::api::{ApiError, Auth, Call, Fault, Plain, Said, Token};
use crate::provider::link::Keys;
use crate::provider::totp;
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a token lasts where the server does not say it in a way that can be read.
const USUAL: SignedDuration = SignedDuration::from_mins(50);
/// The longest that is believed: where the date has no zone it may be hours off.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// The name of the calls that sign in.
const SIGN_IN: &str = "sign-in to Automate";

#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) client_id: Option<String>,
    pub(super) account: Account,
    pub(super) keys: Keys,
}

impl Auth for SignIn {
    fn headers(&self, token: Option<&Token>, _: Timestamp) -> Vec<(&'static str, Secret)> {
        let bearer =
            token.map(|token| ("authorization", Secret::new(format!("Bearer {}", token.secret.expose()))));
        let client = self.client_id.as_ref().map(|id| ("clientid", Secret::new(id.clone())));
        bearer.into_iter().chain(client).collect()
    }

    fn obtain<'a>(
        &'a self,
        plain: Plain<'a>,
        old: Option<&'a Token>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Token>, ApiError>> {
        Box::pin(async move {
            if let Some(old) = old.filter(|token| !token.has_ended(now)) {
                match self.refreshed(plain, old, now).await {
                    Ok(token) => return Ok(Some(token)),
                    Err(error) => tracing::debug!(%error, "signing in anew"),
                }
            }
            self.signed_in(plain, now).await.map(Some)
        })
    }

    fn rest(&self, error: &ApiError) -> Duration {
        // What is refused with the right password and the wrong code is soon refused to everybody.
        if error.is_denied() || error.status() == Some(400) { Duration::from_mins(5) } else { Duration::ZERO }
    }
}

impl SignIn {
    async fn signed_in(&self, plain: Plain<'_>, now: Timestamp) -> Result<Token, ApiError> {
        let password = self.keys.find(SIGN_IN, &self.account.password)?;
        let mut body = json!({ "UserName": self.account.user, "Password": password.expose() });
        let key = self.account.one_time_password_key.as_ref();
        if let Some(key) = key.map(|key| self.keys.find(SIGN_IN, key)).transpose()? {
            let code = totp::code(&key, now.as_second())
                .map_err(|error| ApiError::unsent(SIGN_IN, Fault::Unaskable(error.to_string())))?;
            if let Some(body) = body.as_object_mut() {
                body.insert("TwoFactorPasscode".to_owned(), json!(code.expose()));
            }
        }
        let call = self.call("apitoken").json(body).hides(&password);
        let result: TokenResult = plain.call(&call).await?.json()?;
        token(result, key.is_some(), now)
    }

    async fn refreshed(&self, plain: Plain<'_>, old: &Token, now: Timestamp) -> Result<Token, ApiError> {
        let bearer = Secret::new(format!("Bearer {}", old.secret.expose()));
        let call = self.call("apitoken/refresh").secret_header("authorization", bearer);
        let call = call.json(json!(old.secret.expose())).hides(&old.secret);
        token(plain.call(&call).await?.json()?, true, now)
    }

    /// Asking twice for a token does no harm.
    fn call(&self, path: &str) -> Call {
        let call = Call::post(SIGN_IN).at("cwa/api/v1").at(path).idempotent();
        match &self.client_id {
            Some(id) => call.secret_header("clientid", Secret::new(id.clone())),
            None => call,
        }
    }
}

/// The token of an answer.
fn token(result: TokenResult, has_code: bool, now: Timestamp) -> Result<Token, ApiError> {
    if result.access_token.trim().is_empty() {
        let needs = [result.is_two_factor_required, result.is_internal_two_factor_required];
        let text = match (needs.contains(&Some(true)), has_code) {
            (true, false) => "the account needs a one-time password: give `account.oneTimePasswordKey`",
            (true, true) => {
                "the one-time password was not accepted: check `account.oneTimePasswordKey` and the clocks"
            }
            (false, _) => "there is no token in the answer",
        };
        let said = Said { status: 200, text: Some(text.to_owned()) };
        return Err(ApiError::answered(SIGN_IN, Fault::Unauthorized(said)));
    }
    Ok(Token {
        secret: Secret::new(result.access_token),
        since: now,
        ends: Some(ends(&result.expiration_date, now)),
    })
}

/// When a token ends. A date without a zone is read as UTC; one that cannot be is none.
fn ends(text: &str, now: Timestamp) -> Timestamp {
    let with_zone = text.trim().parse::<Timestamp>().ok();
    let without = || text.trim().parse::<DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let told = with_zone.or_else(|| Some(without()?.timestamp()));
    let lasts = told.map(|told| told.duration_since(now));
    let lasts = lasts.filter(|lasts| lasts.is_positive() && *lasts <= LONGEST).unwrap_or(USUAL);
    now.checked_add(lasts).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn result(text: &str) -> TokenResult {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_end_of_a_token_is_read_with_and_without_a_zone() {
        let ends = |text| ends(text, now()).to_string();
        assert_eq!(ends("2026-11-22T11:00:00Z"), "2026-11-22T11:00:00Z");
        assert_eq!(ends("2026-11-22T12:00:00.123+01:00"), "2026-11-22T11:00:00.123Z");
        assert_eq!(ends("2026-11-22T11:00:00"), "2026-11-22T11:00:00Z");
        for unusable in ["", "soon", "2026-11-22T09:59:59Z", "2026-11-24T10:00:00Z"] {
            assert_eq!(ends(unusable), "2026-11-22T10:50:00Z", "{unusable}");
        }
    }

    #[test]
    fn an_empty_token_says_what_is_missing() {
        let why = |text, has_code| token(result(text), has_code, now()).unwrap_err().to_string();
        let needed = r#"{"AccessToken":"","IsTwoFactorRequired":true}"#;
        insta::assert_snapshot!(why(needed, false), @"sign-in to Automate: the credentials are not accepted (status 200: the account needs a one-time password: give `account.oneTimePasswordKey`)");
        insta::assert_snapshot!(why(needed, true), @"sign-in to Automate: the credentials are not accepted (status 200: the one-time password was not accepted: check `account.oneTimePasswordKey` and the clocks)");
        insta::assert_snapshot!(why(r#"{"AccessToken":null}"#, false), @"sign-in to Automate: the credentials are not accepted (status 200: there is no token in the answer)");
        let good = token(
            result(r#"{"AccessToken":"t","ExpirationDate":"2026-11-22T11:00:00Z","SSOAccessToken":null}"#),
            false,
            now(),
        );
        assert_eq!(good.unwrap().secret.expose(), "t");
    }
}
