//! Signing in to Automate: tokens, the second factor, refreshing.
//!
//! Invariants: every call but the sign-in needs a token that is still good, and the client id. A second factor that is
//! missing is no error: the answer has an empty token and says so.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Automate, error, member};
use crate::clock;
use crate::totp;
use crate::wire::{Reply, Request};
use crate::world::guard;

/// The tokens that are good.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// When each expires, and until when it can be refreshed.
    known: Mutex<BTreeMap<String, (Timestamp, Timestamp)>>,
}

/// The number of the one user.
pub(super) const USER: u32 = 42;

impl Automate {
    /// Why a call is refused, if it is.
    pub(super) fn refusal(&self, request: &Request) -> Option<Reply> {
        let settings = &self.world.fleet.automate;
        let client = request.header("clientid").unwrap_or_default();
        if !client.eq_ignore_ascii_case(&settings.client_id) {
            return Some(error(401, "A valid ClientId is required."));
        }
        let token = request.header("authorization").and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let now = self.world.server_now();
        let good =
            token.is_some_and(|t| guard(&self.tokens.known).get(t).is_some_and(|(until, _)| now < *until));
        (!good).then(|| error(401, "Authorization has been denied for this request."))
    }

    /// Answers calls about tokens; `None` when it is another call.
    pub(super) fn token(&self, request: &Request, parts: &[&str]) -> Option<Reply> {
        Some(match (request.method.as_str(), parts) {
            ("GET", ["apitoken"]) => Reply::json(&json!({
                "AllowDirect": true, "AllowServiceRegistration": false, "AutomateRedirectUri": "", "Services": [],
            })),
            ("POST", ["apitoken"]) => self.sign_in(request),
            ("POST", ["apitoken", "refresh"]) => self.refresh(request),
            ("POST", ["apitoken", "disable"]) => match request.json::<Value>() {
                Ok(body) => {
                    let token =
                        member(&body, "SecurityToken").as_str().map(str::to_owned).unwrap_or_default();
                    guard(&self.tokens.known).remove(&token);
                    Reply::empty(204)
                }
                Err(_) => error(400, "The request is invalid."),
            },
            _ => return None,
        })
    }

    fn sign_in(&self, request: &Request) -> Reply {
        let settings = &self.world.fleet.automate;
        let Ok(body) = request.json::<Value>() else { return error(400, "The request is invalid.") };
        let text = |name: &str| member(&body, name).as_str().map(str::to_owned).unwrap_or_default();
        if !text("UserName").eq_ignore_ascii_case(&settings.user) || text("Password") != settings.password {
            return error(401, "The username or password is incorrect.");
        }
        if let Some(secret) = &settings.totp_secret {
            let code = text("TwoFactorPasscode");
            if code.is_empty() {
                return Reply::json(&json!({
                    "AccessToken": "", "TokenType": "Bearer", "UserId": USER.to_string(),
                    "IsTwoFactorRequired": true, "IsInternalTwoFactorRequired": false,
                }));
            }
            if !totp::fits(secret, &code, self.world.server_now()) {
                return error(401, "The two factor passcode is incorrect.");
            }
        }
        let absolute = clock::shifted(self.world.server_now(), settings.refresh_seconds);
        self.grant(absolute)
    }

    fn refresh(&self, request: &Request) -> Reply {
        let Ok(old) = request.json::<String>() else { return error(400, "The request is invalid.") };
        let known = guard(&self.tokens.known).remove(&old);
        match known.filter(|(_, absolute)| self.world.server_now() < *absolute) {
            Some((_, absolute)) => self.grant(absolute),
            None => error(401, "The token cannot be refreshed."),
        }
    }

    fn grant(&self, absolute: Timestamp) -> Reply {
        let until =
            clock::shifted(self.world.server_now(), self.world.fleet.automate.token_seconds).min(absolute);
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let id = uuid::Uuid::now_v7();
        let token = format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part("{}"), part(&id.to_string()));
        guard(&self.tokens.known).insert(token.clone(), (until, absolute));
        Reply::json(&json!({
            "AccessToken": token, "TokenType": "Bearer", "ExpirationDate": clock::whole(until),
            "AbsoluteExpirationDate": clock::whole(absolute), "UserId": USER.to_string(),
            "IsTwoFactorRequired": false, "IsInternalTwoFactorRequired": false,
        }))
    }
}
