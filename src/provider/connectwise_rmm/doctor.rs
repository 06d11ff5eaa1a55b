//! Looks whether ConnectWise RMM can be used through a link, and how well.
//!
//! Not here: showing what was found (`report`).
//!
//! Invariants: nothing is changed; what depends on something that failed is not looked at.

use std::collections::BTreeSet;

use super::command::Tasks;
use super::lists::{self, Found};
use super::read::{in_use, used_up};
use super::wire::{RateLimits, Templates};
use crate::http::api::{Call, Client};
use crate::provider::link::examine::{clock, failed, good, other};
use crate::provider::{Examination, Outcome};
use crate::session::script::Platform;

const KEY: &str = "check `clientId`, `clientSecret` and `region`; a key belongs to one region and is shown once, when it is made";
const SCOPES: &str = "give the API key the scopes platform.companies.read, platform.sites.read, platform.devices.read, platform.asset.read, platform.automation.read and platform.automation.create";

/// Everything, in the order in which one thing needs the other.
pub(super) async fn examine(client: &Client, found: &Found, tasks: &Tasks) -> Vec<Examination> {
    let mut all = Vec::new();
    let anybody = Call::get("the rate limits without signing in").at("v1/rate_limits");
    match client.plain().call(&anybody).await {
        // Who is not signed in is told so, which is an answer.
        Err(error) if error.status().is_none_or(|status| status >= 500) => {
            all.push(failed("reachable", &error, KEY));
            return all;
        }
        _ => all.push(good("reachable", format!("{} answers", client.base()))),
    }
    all.push(clock(client.ahead()));
    match lists::rate_limits(client).await {
        Ok(limits) => {
            all.push(good("credentials", "the API key can sign in"));
            all.push(limited(&limits, client));
        }
        Err(error) => {
            all.push(failed("credentials", &error, if error.status() == Some(423) { LOCKED } else { KEY }));
            return all;
        }
    }
    all.extend(visible(client, found).await);
    all.push(templates(client, tasks).await);
    all
}

const LOCKED: &str =
    "the key signed in too often and is locked for a while: wait, and let nobody else use the same key";

fn limited(limits: &RateLimits, client: &Client) -> Examination {
    let told: Vec<String> = limits
        .resources
        .iter()
        .flat_map(|(group, named)| named.iter().map(move |(name, limit)| (group, name, limit)))
        .filter_map(|(group, name, limit)| {
            Some(format!("{group}/{name}: {} of {}", limit.remaining?, limit.limit?))
        })
        .collect();
    let found = if told.is_empty() { "none is told".to_owned() } else { told.join(", ") };
    match used_up(limits, client.server_time()) {
        Some(wait) => {
            let found = format!("a limit is used up for {} s more ({found})", wait.as_secs());
            other("rate limits", Outcome::Notice, found, "lower `link.requestsPerMinute`")
        }
        None => good("rate limits", format!("left: {found}")),
    }
}

async fn visible(client: &Client, found: &Found) -> Vec<Examination> {
    let companies = match lists::companies(client).await {
        Ok(companies) => in_use(companies),
        Err(error) => return vec![failed("companies", &error, SCOPES)],
    };
    if companies.is_empty() {
        return vec![other("companies", Outcome::Bad, "the key sees no company", SCOPES)];
    }
    let mut all = vec![good("companies", format!("companies in use: {}", companies.len()))];
    let some: Vec<String> = companies.into_iter().map(|company| company.id).take(lists::HEARTBEATS).collect();
    let mut endpoints = 0;
    match lists::devices(client, found, &some, |site| endpoints += site.endpoints.len()).await {
        Ok(()) => all.push(good("endpoints", format!("{endpoints} in the first {} companies", some.len()))),
        Err(error) => all.push(failed("endpoints", &error, SCOPES)),
    }
    all.push(match lists::heartbeats(client, found, &some).await {
        Ok(online) => good("presence", format!("told of {}", online.len())),
        Err(error) => other(
            "presence",
            Outcome::Notice,
            error.to_string(),
            "without it each computer is tried; give the key the scope platform.devices.read",
        ),
    });
    all
}

/// Whether the scripts are there that run what they are given.
async fn templates(client: &Client, tasks: &Tasks) -> Examination {
    const WHAT: &str = "scripts";
    let call = Call::get("the list of scripts").at("api/platform/v1/automation/shellScripts");
    let known: BTreeSet<String> = match client.json::<Templates>(&call).await {
        Ok(all) => all.templates.into_iter().map(|template| template.template_id).collect(),
        Err(error) => return failed(WHAT, &error, SCOPES),
    };
    let missing: Vec<&str> = [Platform::Windows, Platform::Posix]
        .into_iter()
        .filter_map(|platform| tasks.template(platform))
        .filter(|id| !known.iter().any(|known| known.eq_ignore_ascii_case(id)))
        .collect();
    if !missing.is_empty() {
        let found = format!("not in the list of scripts: {}", missing.join(", "));
        let remedy = "check `templates`; the list may leave out built-in scripts, in which case nothing needs to be done";
        return other(WHAT, Outcome::Notice, found, remedy);
    }
    match tasks.template(Platform::Posix) {
        Some(_) => good(WHAT, "the scripts for Windows and for Linux and macOS are there"),
        None => other(
            WHAT,
            Outcome::Notice,
            "the script for Windows is there; none is set for Linux and macOS",
            "make a script with the parameter `body` and set `templates.posix` to its id, if such computers are to be managed",
        ),
    }
}
