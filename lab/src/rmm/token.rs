//! Signing in to RMM, scopes and rate limits.
//!
//! Invariants: a token is good for the scopes that were asked for, and for so long. What `GET /v1/rate_limits` says is
//! what counts: the call after the last one is refused, with the seconds until the next window.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Rmm;
use crate::clock;
use crate::fleet::RateLimit;
use crate::wire::{Reply, Request};
use crate::world::guard;

/// Tokens, sign-ins and windows.
#[derive(Debug, Default)]
pub(super) struct Gate {
    tokens: Mutex<BTreeMap<String, (Timestamp, Vec<String>)>>,
    sign_ins: Mutex<VecDeque<Timestamp>>,
    /// By group: when its window began, and how many calls it has had.
    windows: Mutex<BTreeMap<String, (i64, u32)>>,
}

/// Groups of calls that have limits.
pub(super) const GROUPS: [&str; 6] = ["asset", "automation", "company", "custom_fields", "device", "policy"];

/// The limit of a group that has none in the fleet file.
const LARGE: RateLimit = RateLimit { limit: 100_000, seconds: 300 };

impl Rmm {
    /// `POST /v1/token`.
    pub(super) fn sign_in(&self, request: &Request) -> Reply {
        let settings = &self.world.fleet.rmm;
        let now = self.world.server_now();
        {
            let mut sign_ins = guard(&self.gate.sign_ins);
            sign_ins.retain(|at| now.as_second() - at.as_second() < 60);
            sign_ins.push_back(now);
            if sign_ins.len() > usize::try_from(settings.sign_ins_per_minute).unwrap_or(usize::MAX) {
                return Reply::text(423, "Locked");
            }
        }
        let Some(body) = request.json::<Value>().ok().filter(|_| request.is_json()) else {
            return Reply::text(400, "the body is not JSON");
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("grant_type") != "client_credentials" {
            return Reply::status_json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        if text("client_id") != settings.client_id || text("client_secret") != settings.client_secret {
            return Reply::text(401, "client authentication failed");
        }
        let asked: Vec<String> = text("scope").split_whitespace().map(str::to_owned).collect();
        let scopes = if asked.is_empty() { settings.scopes.clone() } else { asked };
        if scopes.iter().any(|scope| !settings.scopes.contains(scope)) {
            // One scope too many fails the whole request.
            return Reply::status_json(400, &json!({ "error": "invalid_scope" }));
        }
        let token = uuid::Uuid::now_v7().simple().to_string();
        let until = clock::shifted(now, i64::try_from(settings.token_seconds).unwrap_or(i64::MAX));
        guard(&self.gate.tokens).insert(token.clone(), (until, scopes.clone()));
        Reply::json(&json!({
            "access_token": token, "scope": scopes.join(" "), "token_type": "Bearer",
            "expires_in": settings.token_seconds,
        }))
    }

    /// The refusal of a call that needs a scope, if it is refused.
    pub(super) fn refusal(&self, request: &Request, scope: &str, group: &str) -> Option<Reply> {
        let now = self.world.server_now();
        let token = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        let tokens = guard(&self.gate.tokens);
        let known = token.and_then(|token| tokens.get(token)).filter(|(until, _)| now < *until);
        let Some((_, scopes)) = known else {
            return Some(Reply::text(401, "bearer token is missing, expired or invalid"));
        };
        if !scope.is_empty() && !scopes.iter().any(|one| one == scope) {
            return Some(Reply::text(403, "access is forbidden"));
        }
        drop(tokens);
        self.counted(group, now)
    }

    fn limit(&self, group: &str) -> RateLimit {
        self.world.fleet.rmm.rate_limits.get(group).copied().unwrap_or(LARGE)
    }

    fn counted(&self, group: &str, now: Timestamp) -> Option<Reply> {
        if group.is_empty() {
            return None;
        }
        let RateLimit { limit, seconds } = self.limit(group);
        let mut windows = guard(&self.gate.windows);
        let (begun, count) = windows.entry(group.to_owned()).or_insert((now.as_second(), 0));
        let left = *begun + i64::from(seconds) - now.as_second();
        if left <= 0 {
            (*begun, *count) = (now.as_second(), 0);
        }
        if *count >= limit {
            return Some(
                Reply::text(429, "rate limit exceeded").with("retry-after", left.max(1).to_string()),
            );
        }
        *count += 1;
        None
    }

    /// `GET /v1/rate_limits`.
    pub(super) fn rate_limits(&self) -> Reply {
        let now = self.world.server_now().as_second();
        let windows = guard(&self.gate.windows);
        let one = |group: &&str| {
            let RateLimit { limit, seconds } = self.limit(group);
            let (begun, count) = windows.get(*group).copied().unwrap_or((now, 0));
            let (begun, count) = if begun + i64::from(seconds) <= now { (now, 0) } else { (begun, count) };
            let remaining = limit.saturating_sub(count);
            let reset = begun + i64::from(seconds);
            (
                (*group).to_owned(),
                json!({ "partner": { "limit": limit, "remaining": remaining, "reset": reset } }),
            )
        };
        let resources: serde_json::Map<String, Value> = GROUPS.iter().map(one).collect();
        Reply::json(&json!({ "resources": resources }))
    }
}
