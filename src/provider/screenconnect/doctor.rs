//! Looks whether a ScreenConnect server can be used through a link, and how well.
//!
//! Not here: showing what was found (`report`).
//!
//! Invariants: nothing is changed; what depends on something that failed is not looked at; every finding that is not good
//! has a remedy.

use super::Screenconnect;
use super::calls::explained;
use super::pages;
use super::read::{self, Meanings, PROPERTIES};
use super::wire::Session;
use crate::http::api::{ApiError, Call, Expects, Fault, Method};
use crate::provider::link::examine::{clock, failed, good, other};
use crate::provider::{Examination, Outcome};
use crate::upkeep::advice::RULES;

/// The oldest server that the extension runs on.
const OLDEST: (u32, u32) = (22, 3);
/// A share of sessions without a company that is worth a notice, in percent.
const MANY: usize = 20;
/// So many commands and outputs in the database are worth a notice, or so many for each access session: Muster reads an answer
/// within the session that asked for it, and a few of each day are all that is of use to people.
const CROWDED: u64 = 100_000;
const CROWDED_EACH: u64 = 500;

/// Everything, in the order in which one thing needs the other.
pub(super) async fn examine(server: &Screenconnect) -> Vec<Examination> {
    let client = server.extension.client();
    let mut found = Vec::new();
    let start =
        Call::new(format!("the start page of {}", client.name()), Method::Head).expects(Expects::Text);
    let version = match client.call(&start).await {
        Ok(answer) => answer.headers.get("server").and_then(|text| version(text)),
        // A server that asks to sign in is there, and so is one that does not know the page.
        Err(error) if has_answered(&error) => None,
        Err(error) => {
            let what = if matches!(error.fault, Fault::Tls(_)) { "tls" } else { "reachable" };
            return vec![failed(what, &error, "check the address")];
        }
    };
    found.push(good("reachable", format!("{} answers", client.base().host_str().unwrap_or_default())));
    found.push(if client.base().scheme() == "https" {
        good("tls", "the connection is encrypted, and the certificate is accepted")
    } else {
        other("tls", Outcome::Notice, "the connection is not encrypted", "write https:// in `url`")
    });
    found.push(clock(client.ahead()));
    found.push(of_version(version.as_deref()));
    match server.extension.nothing().await {
        Ok(()) => {
            found.push(good("extension", "the extension RESTful API Manager answers"));
            found.push(good("credentials", "it accepts the secret"));
        }
        Err(error) => {
            let what = if error.is_denied() { "credentials" } else { "extension" };
            let denied = "compare `secret` and `origin` with the settings of the extension";
            let remedy = match error.fault {
                Fault::NotFound(_) => {
                    Some("install the extension RESTful API Manager and set its RESTfulAuthenticationSecret")
                }
                _ => None,
            };
            let mut finding = failed(what, &explained(error), denied);
            finding.remedy = remedy.map(str::to_owned).or(finding.remedy);
            found.push(finding);
            return found;
        }
    }
    let mut computers = 0;
    match server.extension.sessions(Some).await {
        Ok(sessions) => {
            computers = sessions.iter().filter(|session| read::is_agent(session)).count();
            found.extend(of_sessions(&sessions, server.meanings));
        }
        Err(error) => {
            found.push(failed("sessions", &error, "compare `secret` with the settings of the extension"));
        }
    }
    found.extend(of_account(server, computers as u64).await);
    found
}

async fn of_account(server: &Screenconnect, computers: u64) -> Vec<Examination> {
    let Some(client) = &server.pages else { return vec![uncounted(computers)] };
    let denied = "check `account`: its password, its second factor, and that it may view session groups";
    let mut found = Vec::new();
    match pages::groups(client).await {
        Ok(groups) => found
            .push(good("account", format!("the account sees {} groups of access sessions", groups.len()))),
        Err(error) => return vec![failed("account", &error, denied)],
    }
    found.push(match pages::events(client).await {
        Ok(counts) => of_events(counts, computers),
        Err(error) => other(
            "events",
            Outcome::Unknown,
            format!("how many commands the database holds is not told: {error}"),
            "install the extension Report Manager, and let the account use it",
        ),
    });
    found
}

/// Whether an error shows that the server is there.
fn has_answered(error: &ApiError) -> bool {
    matches!(
        error.fault,
        Fault::Redirected(_)
            | Fault::Unauthorized(_)
            | Fault::Forbidden(_)
            | Fault::NotFound(_)
            | Fault::Refused(_)
    )
}

/// The version in a server's header: `ScreenConnect/23.2.9.8466-1252824368`.
fn version(header: &str) -> Option<String> {
    let (_, rest) = header.split_once("ScreenConnect/")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let version = rest.get(..end)?.trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}

fn of_version(version: Option<&str>) -> Examination {
    const WHAT: &str = "version";
    let Some(version) = version else {
        return other(
            WHAT,
            Outcome::Unknown,
            "the server does not tell its version",
            "look at its administration page",
        );
    };
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let told = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if told < OLDEST {
        let found =
            format!("the server has version {version}, and the extension needs {}.{}", OLDEST.0, OLDEST.1);
        return other(WHAT, Outcome::Bad, found, "update the server");
    }
    good(WHAT, format!("the server has version {version}"))
}

/// What the list shows: how many there are, and how the custom properties are used.
fn of_sessions(sessions: &[Session], meanings: Meanings) -> Vec<Examination> {
    const WHAT: &str = "company property";
    let agents: Vec<&Session> = sessions.iter().filter(|session| read::is_agent(session)).collect();
    if agents.is_empty() {
        let found = "there are no access sessions";
        return vec![other("sessions", Outcome::Notice, found, "install an access agent on a computer")];
    }
    let total = agents.len();
    let mut found = vec![good("sessions", format!("there are {total} access sessions"))];
    if !agents.iter().any(|session| read::tells_properties(session)) {
        let remedy =
            "update the server and the extension; without custom properties no session has a customer";
        found.push(other(WHAT, Outcome::Bad, "the server does not tell custom properties", remedy));
        return found;
    }
    let mut used = [0_usize; PROPERTIES];
    for session in &agents {
        for (count, text) in used.iter_mut().zip(read::properties(session)) {
            *count += usize::from(!text.trim().is_empty());
        }
    }
    let number = usize::from(meanings.company);
    let own = number.checked_sub(1).and_then(|at| used.get(at)).copied().unwrap_or_default();
    let text = format!("{own} of {total} access sessions have a company in custom property {number}");
    if (total - own) * 100 < total * MANY {
        found.push(good(WHAT, text));
        return found;
    }
    // The nearest one that is used by more; of two as near the lower.
    let better =
        (1..).zip(used).filter(|(other, count)| *other != number && *count > own && *count * 2 > total);
    let nearest = better.min_by_key(|(other, _)| (number.abs_diff(*other), *other));
    let remedy = match nearest {
        Some((other, count)) => {
            format!(
                "custom property {other} is filled in {count} of them: set `companyProperty: {other}` if it holds the customer"
            )
        }
        None => "fill it in where it is empty: those sessions belong to nobody".to_owned(),
    };
    found.push(other(WHAT, Outcome::Notice, text, remedy));
    found
}

/// What the product's own maintenance should do, which no call tells whether it does.
fn rules() -> String {
    format!(
        "see that the server's own maintenance plan (Administration > Database) has these actions: {}; \
         `muster maintain screenconnect-db` shows what takes the room",
        RULES.join("; ")
    )
}

/// Without an account nobody counts. That the database grows is certain all the same, the faster the more computers there are.
fn uncounted(computers: u64) -> Examination {
    let found = "every script leaves a command and its output in the server's database; without `account` they are not counted";
    if computers.saturating_mul(CROWDED_EACH) < CROWDED {
        return good("events", found);
    }
    other("events", Outcome::Notice, format!("{found}, and there are {computers} access sessions"), rules())
}

fn of_events([commands, outputs]: [u64; 2], computers: u64) -> Examination {
    let found = format!("the database holds {commands} commands and {outputs} outputs of commands");
    let all = commands.saturating_add(outputs);
    let each = computers.max(1).saturating_mul(CROWDED_EACH);
    if all < CROWDED && all <= each {
        return good("events", found);
    }
    other("events", Outcome::Notice, format!("{found}, of {computers} access sessions"), rules())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_header() {
        let header = "ScreenConnect/23.2.9.8466-1252824368, Microsoft-HTTPAPI/2.0";
        assert_eq!(version(header).as_deref(), Some("23.2.9.8466"));
        assert_eq!(version("nginx"), None);
        assert_eq!(version("ScreenConnect/"), None);
        for (version, outcome) in
            [("22.2.9", Outcome::Bad), ("22.3.1", Outcome::Good), ("25.1", Outcome::Good)]
        {
            assert_eq!(of_version(Some(version)).outcome, outcome, "{version}");
        }
        assert_eq!(of_version(None).outcome, Outcome::Unknown);
    }

    fn sessions(with: &[(usize, &[&str])]) -> Vec<Session> {
        let texts = with.iter().flat_map(|(count, properties)| {
            let text = serde_json::json!({ "SessionID": "a", "CustomPropertyValues": properties });
            std::iter::repeat_n(text, *count)
        });
        texts.map(|text| serde_json::from_value(text).expect("a session")).collect()
    }

    fn of(sessions: &[Session], company: u8) -> String {
        let found = of_sessions(sessions, Meanings { company, group: None });
        let last = found.last().expect("a finding");
        format!("{:?}: {}; {}", last.outcome, last.found, last.remedy.as_deref().unwrap_or("-"))
    }

    #[test]
    fn a_company_property_that_is_hardly_used_is_told_with_a_better_one() {
        let mixed = sessions(&[(9, &["", "Contoso", "", "x"]), (1, &["Contoso", "Fabrikam"])]);
        insta::assert_snapshot!(of(&mixed, 1), @r#"Notice: 1 of 10 access sessions have a company in custom property 1; custom property 2 is filled in 10 of them: set `companyProperty: 2` if it holds the customer"#);
        insta::assert_snapshot!(of(&mixed, 3), @r#"Notice: 0 of 10 access sessions have a company in custom property 3; custom property 2 is filled in 10 of them: set `companyProperty: 2` if it holds the customer"#);
        insta::assert_snapshot!(of(&mixed, 2), @r#"Good: 10 of 10 access sessions have a company in custom property 2; -"#);
        insta::assert_snapshot!(of(&sessions(&[(3, &["", ""]), (1, &["A", ""])]), 1), @r#"Notice: 1 of 4 access sessions have a company in custom property 1; fill it in where it is empty: those sessions belong to nobody"#);
        assert!(of(&[], 1).starts_with("Notice: there are no access sessions"));
        let bare = serde_json::from_str(r#"{"SessionID":"a"}"#).expect("a session");
        assert!(of(&[bare], 1).starts_with("Bad: the server does not tell custom properties"));
    }

    #[test]
    fn a_crowded_database_is_told_with_the_vendors_own_remedy() {
        assert_eq!(of_events([10, 10], 0).outcome, Outcome::Good);
        assert_eq!(of_events([40_000, 40_000], 1000).outcome, Outcome::Good);
        assert_eq!(uncounted(199).outcome, Outcome::Good);
        for crowded in [of_events([60_000, 50_000], 1000), of_events([4000, 4000], 10), uncounted(200)] {
            let remedy = crowded.remedy.unwrap_or_default();
            assert_eq!(crowded.outcome, Outcome::Notice);
            assert!(RULES.iter().all(|rule| remedy.contains(rule)), "{remedy}");
        }
    }
}
