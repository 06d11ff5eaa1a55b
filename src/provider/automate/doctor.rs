//! Looks whether Automate can be used through a link, and how well.
//!
//! Not here: showing what was found (`report`).
//!
//! Invariants: nothing is changed; what depends on something that failed is not looked at.

use serde_json::Value;

use super::lists::{API, COMPUTERS, PAGE_SIZE};
use super::maintenance::{MINUTES, all, find};
use super::wire::{Permissions, Versions};
use crate::config::kind::MaintenanceScripts;
use crate::http::api::{Call, Client};
use crate::provider::link::examine::{clock, failed, good, other};
use crate::provider::{Examination, Outcome};

const ROLE: &str = "give the account's user class Clients: Read and Show All, Locations: Show All, Computers: Show All, Groups: Show All";
const ACCOUNT: &str = "check `account` and `clientId`; use an account of the type Integrator, or give its key for one-time passwords";

const SCRIPTS: &str =
    "give the account's user class Scripts: Read and Schedule Scripts, and for each client Scripts: Schedule";
const MODE: &str = "maintenance-mode";

/// Everything, in the order in which one thing needs the other. `scripts` switch maintenance mode, where the settings name any;
/// `may`: whether the link may be used for that.
pub(super) async fn examine(
    client: &Client,
    scripts: Option<&MaintenanceScripts>,
    may: bool,
) -> Vec<Examination> {
    let mut all = Vec::new();
    let about = Call::get("the ways to sign in").at(API).at("apitoken");
    match client.plain().call(&about).await {
        Ok(_) => all.push(good("reachable", format!("{} answers", client.base()))),
        // Old servers and strict ones tell it only to those who are signed in.
        Err(error) if error.status().is_some_and(|status| status < 500) => {
            all.push(good("reachable", format!("{} answers", client.base())));
        }
        Err(error) => {
            all.push(failed("reachable", &error, ACCOUNT));
            return all;
        }
    }
    all.push(clock(client.ahead()));
    match client.json::<Versions>(&Call::get("the versions").at(API).at("PatchInformation")).await {
        Ok(versions) => {
            all.push(good("credentials", "the account can sign in"));
            all.push(version(&versions));
        }
        Err(error) => {
            all.push(failed("credentials", &error, ACCOUNT));
            return all;
        }
    }
    let allowed =
        client.json::<Permissions>(&Call::get("the permissions").at(API).at("Permissions/Users")).await;
    let names = allowed.as_ref().map(|permissions| permissions.names.clone()).unwrap_or_default();
    all.push(match allowed {
        Ok(permissions) if permissions.names.is_empty() => {
            other("permissions", Outcome::Bad, "the account may do nothing", ROLE)
        }
        Ok(permissions) => {
            good("permissions", format!("the account has {} permissions", permissions.names.len()))
        }
        Err(error) => failed("permissions", &error, ROLE),
    });
    all.extend(visible(client).await);
    all.extend(match scripts {
        Some(_) if !may => None,
        Some(scripts) => Some(maintenance(client, scripts, &names).await),
        None => Some(other(
            MODE,
            Outcome::Notice,
            "alerts are raised while a computer is changed: no call of Automate switches maintenance mode",
            "name two scripts of the server that switch it on and off: `maintenanceMode: { begin: …, end: … }`",
        )),
    });
    all
}

/// Whether the scripts that switch maintenance mode are there and may be started.
async fn maintenance(client: &Client, wanted: &MaintenanceScripts, permissions: &[String]) -> Examination {
    let scripts = match self::all(client).await {
        Ok(scripts) => scripts,
        Err(error) => return failed(MODE, &error, SCRIPTS),
    };
    let (begin, end) = match (find(&scripts, &wanted.begin), find(&scripts, &wanted.end)) {
        (Ok(begin), Ok(end)) => (begin, end),
        (Err(message), _) | (_, Err(message)) => {
            let remedy = format!("make or import that script, or correct `maintenanceMode`; {SCRIPTS}");
            return other(MODE, Outcome::Bad, message, remedy);
        }
    };
    if let Some(script) = [begin, end].into_iter().find(|script| script.is_computer_script == Some(false)) {
        let found = format!("the script {:?} does not run on computers", script.name);
        return other(MODE, Outcome::Bad, found, "name a script that is started on a computer");
    }
    if wanted.minutes.is_some() && !begin.parameters.iter().any(|name| name.eq_ignore_ascii_case(MINUTES)) {
        let found = format!("the script {:?} has no parameter {MINUTES}", begin.name);
        let remedy = "give it that parameter, or leave out `maintenanceMode.minutes`";
        return other(MODE, Outcome::Bad, found, remedy);
    }
    // What the names of permissions are stands nowhere: one that speaks of scheduling scripts is meant.
    let may = |name: &&String| {
        let name = name.to_ascii_lowercase();
        name.contains("script") && name.contains("schedule")
    };
    if permissions.iter().find(may).is_none() {
        let found = "both scripts are there; none of the account's permissions says that it may start them";
        return other(MODE, Outcome::Notice, found, SCRIPTS);
    }
    good(MODE, format!("the scripts {:?} and {:?} are there", begin.name, end.name))
}

fn version(versions: &Versions) -> Examination {
    let parts =
        [("server", &versions.web_server_patch_version), ("agents", &versions.remote_agent_patch_version)];
    let known: Vec<String> = parts
        .iter()
        .filter(|(_, version)| !version.is_empty())
        .map(|(part, version)| format!("{part} {version}"))
        .collect();
    match known.as_slice() {
        [] => other(
            "version",
            Outcome::Unknown,
            "the server does not tell its version",
            "nothing needs to be done",
        ),
        known => good("version", known.join(", ")),
    }
}

/// Whether computers are seen, and whether pages are as long as they are asked for.
async fn visible(client: &Client) -> Vec<Examination> {
    const WHAT: &str = "computers";
    let first: Result<Vec<Value>, _> = client.json(&COMPUTERS.page(1, PAGE_SIZE)).await;
    let first = match first {
        Ok(first) => first.len(),
        Err(error) => return vec![failed(WHAT, &error, ROLE)],
    };
    if first == 0 {
        let found = "the account sees no computer at all";
        return vec![other(WHAT, Outcome::Bad, found, format!("{ROLE}; without them lists are empty"))];
    }
    let mut all = vec![good(
        WHAT,
        format!(
            "the account sees {}",
            if first == 1 { "1 computer".to_owned() } else { format!("{first} computers and perhaps more") }
        ),
    )];
    let full = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
    if first < full {
        // Either these are all, or the server gives shorter pages.
        let second: Result<Vec<Value>, _> = client.json(&COMPUTERS.page(2, PAGE_SIZE)).await;
        match second {
            Ok(second) if second.is_empty() => all[0].found = format!("the account sees {first}"),
            Ok(_) => all.push(other(
                "pages",
                Outcome::Notice,
                format!("the server gives {first} entries at once where {PAGE_SIZE} were asked for"),
                "lists take more requests than usual; raise the server's limit if you can",
            )),
            Err(error) => all.push(failed("pages", &error, ROLE)),
        }
    }
    all
}
