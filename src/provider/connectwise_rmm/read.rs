//! What ConnectWise RMM's documents mean: endpoints as agents, companies as customers, limits, results of scripts. Pure.
//!
//! Not here: asking for the documents (`lists`, `command`).
//!
//! Invariants: what was deleted or is inactive is not there; what is blank is not there; who is not said to be online or offline is
//! neither; the same documents in any order give the same records in the order of their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::wire::{Company, Device, DevicesOfSite, Policy, RateLimits, RunResult, Site};
use crate::id::AgentId;
use crate::inventory::relations::Belongings;
use crate::provider::link::{filled, instant, platform};
use crate::provider::policy::PolicySetting;
use crate::provider::{AgentRecord, ClientRecord, ClientRef, Presence};
use crate::time::Timestamp;

/// What stands before the output of a script that ended well.
const LEAD_IN: &str = "Script Succeeded:";

/// Companies and sites by their ids.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) companies: BTreeMap<String, ClientRef>,
    pub(super) sites: BTreeMap<String, String>,
}

/// The companies that are in use.
pub(super) fn in_use(companies: Vec<Company>) -> Vec<Company> {
    let is_in_use = |company: &Company| {
        let is_active = company.activity_status.as_ref().and_then(|status| status.active_flag) != Some(false);
        is_active && is_never(&company.deleted_date) && is_never(&company.inactive_date)
    };
    companies.into_iter().filter(is_in_use).collect()
}

/// A date that stands for none: nothing, or the year 1.
fn is_never(date: &str) -> bool {
    let date = date.trim();
    date.is_empty() || date.starts_with("0001-")
}

/// The sites that are in use.
pub(super) fn sites_in_use(sites: Vec<Site>) -> Vec<Site> {
    sites.into_iter().filter(|site| site.active_flag != Some(false) && is_never(&site.deleted_date)).collect()
}

fn company_name(company: &Company) -> String {
    let names = [&company.friendly_name, &company.name];
    names.into_iter().find_map(|name| filled(name)).unwrap_or_else(|| company.id.clone())
}

fn site_name(site: &Site) -> Option<String> {
    [&site.friendly_name, &site.name].into_iter().find_map(|name| filled(name))
}

pub(super) fn names(companies: &[Company], sites: &[Site]) -> Names {
    let client = |company: &Company| ClientRef { id: company.id.clone(), name: company_name(company) };
    Names {
        companies: companies.iter().map(|company| (company.id.clone(), client(company))).collect(),
        sites: sites.iter().filter_map(|site| Some((site.id.clone(), site_name(site)?))).collect(),
    }
}

/// The customers with their sites, in the order of their ids.
pub(super) fn clients(companies: &[Company], all: &[Site]) -> Vec<ClientRecord> {
    let mut sites: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for site in all {
        let company = site.company.as_ref().and_then(|company| company.id.as_deref());
        if let (Some(company), Some(name)) = (company, site_name(site)) {
            sites.entry(company).or_default().insert(name);
        }
    }
    let mut records: Vec<ClientRecord> = companies
        .iter()
        .map(|company| {
            let linked: BTreeSet<&String> =
                company.external_ids.iter().filter_map(|id| id.external_id.as_ref()).collect();
            ClientRecord {
                client: ClientRef { id: company.id.clone(), name: company_name(company) },
                sites: sites.remove(company.id.as_str()).unwrap_or_default(),
                // Of several products nobody can tell which one is meant.
                external: linked.first().filter(|_| linked.len() == 1).map(|id| (*id).clone()),
                computers: None,
            }
        })
        .collect();
    records.sort_by(|a, b| a.client.id.cmp(&b.client.id));
    records
}

/// The agents of one site's devices. Whether they are online is told elsewhere.
pub(super) fn agents(of: DevicesOfSite, names: &Names) -> impl Iterator<Item = AgentRecord> {
    let client = names.companies.get(&of.company).cloned();
    let client = client.unwrap_or_else(|| ClientRef { id: of.company.clone(), name: of.company.clone() });
    let site = of.site.and_then(|site| names.sites.get(&site).cloned());
    of.endpoints.into_iter().map(move |device| agent(device, client.clone(), site.clone()))
}

/// Whether an agent answers.
pub(super) fn presence(id: &str, online: &BTreeMap<String, bool>) -> Presence {
    match online.get(id) {
        Some(true) => Presence::Online,
        Some(false) => Presence::Offline,
        None => Presence::Unknown,
    }
}

fn agent(device: Device, client: ClientRef, site: Option<String>) -> AgentRecord {
    let system = device.system.unwrap_or_default();
    let (bios, board, os) = (
        device.bios.unwrap_or_default(),
        device.base_board.unwrap_or_default(),
        device.os.unwrap_or_default(),
    );
    let names = [&device.device_name, &system.system_name, &device.friendly_name];
    let first = |texts: &[&String]| texts.iter().find_map(|text| filled(text));
    let mut attributes = BTreeMap::new();
    for (key, value) in [
        ("identity.serial", first(&[&system.serial_number, &bios.serial_number])),
        ("identity.manufacturer", first(&[&system.manufacturer, &bios.manufacturer, &board.manufacturer])),
        ("identity.model", first(&[&system.model, &system.product])),
        ("identity.osInstalled", instant(&os.install_date).map(|at| at.to_string())),
        ("os.name", first(&[&os.product])),
        ("os.version", first(&[&os.version])),
        ("domain", first(&[&system.domain])),
        ("type", first(&[&device.endpoint_type])),
    ] {
        attributes.extend(value.map(|value| (key.to_owned(), value)));
    }
    AgentRecord {
        id: AgentId::new(&device.id),
        name: first(&names).unwrap_or_else(|| device.id.clone()),
        tenant: None,
        client: Some(client),
        platform: platform(&os.product).or_else(|| platform(&os.kind)),
        presence: Presence::Unknown,
        tags: BTreeSet::new(),
        attributes,
        belongings: Belongings { site, ..Belongings::default() },
    }
}

/// How long nothing may be asked, because a limit is used up; `None` when none is.
pub(super) fn used_up(limits: &RateLimits, now: Timestamp) -> Option<Duration> {
    let waits = limits.resources.values().flat_map(BTreeMap::values).filter_map(|limit| {
        let reset = limit.reset.filter(|_| limit.remaining == Some(0))?;
        u64::try_from(reset.saturating_sub(now.as_second())).ok().filter(|seconds| *seconds > 0)
    });
    waits.max().map(Duration::from_secs)
}

/// Whether a run of a script has ended. Words that nobody has seen yet mean that it goes on: its deadline ends it.
pub(super) fn has_ended(status: &str) -> bool {
    let status = status.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    matches!(
        status.as_str(),
        "success"
            | "succeeded"
            | "failed"
            | "failure"
            | "completed"
            | "cancelled"
            | "canceled"
            | "error"
            | "partial_success"
            | "partialsuccess"
            | "timeout"
            | "timed_out"
            | "timedout"
            | "expired"
    )
}

/// The output of a script: without what the system puts before it, and with what it says of an error.
pub(super) fn output(result: &RunResult) -> String {
    let details = result.result_details.trim_start();
    let details =
        details.strip_prefix(LEAD_IN).map_or(details, |rest| rest.strip_prefix(' ').unwrap_or(rest));
    match filled(&result.error_details) {
        Some(error) => format!("{details}\n{error}"),
        None => details.to_owned(),
    }
}

/// The settings that hold, by their names, with where each comes from. Both parts are free in form: what holds further
/// settings is divided up, and an origin counts for all below it that have none of their own.
pub(super) fn policy(policy: Policy) -> BTreeMap<String, PolicySetting> {
    let mapping = Value::Object(policy.mapping.unwrap_or_default().into_iter().collect());
    let mut all = BTreeMap::new();
    for (name, value) in policy.settings.unwrap_or_default() {
        divide(&name, value, mapping.get(&name), None, &mut all);
    }
    all
}

/// A setting, or all settings within it. What reads the documents bounds how deep they go.
fn divide(
    name: &str,
    value: Value,
    mapping: Option<&Value>,
    origin: Option<String>,
    all: &mut BTreeMap<String, PolicySetting>,
) {
    let origin = mapping.and_then(self::origin).or(origin);
    match value {
        // The only member of what is one setting.
        Value::Object(mut members) if members.len() == 1 && members.contains_key("value") => {
            let value = members.remove("value").unwrap_or_default();
            all.insert(name.to_owned(), PolicySetting { value, origin });
        }
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let below = mapping.and_then(|mapping| mapping.get(&key));
                divide(&format!("{name}.{key}"), value, below, origin.clone(), all);
            }
        }
        value => {
            all.insert(name.to_owned(), PolicySetting { value, origin });
        }
    }
}

/// What an entry of the mapping names: a policy, and the package that brings it.
fn origin(told: &Value) -> Option<String> {
    let text = |value: &Value| {
        let member = |key: &str| value.get(key).and_then(Value::as_str);
        let named = ["policyName", "name", "policyId", "policyID", "id"].iter().find_map(|key| member(key));
        value.as_str().or(named).and_then(filled)
    };
    let policy = told.get("policy").and_then(text).or_else(|| text(told))?;
    Some(match told.get("package").and_then(text) {
        Some(package) => format!("{policy} (package {package})"),
        None => policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::connectwise_rmm::wire::Devices;
    use crate::session::script::Platform;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        crate::http::api::read::json(text.as_bytes()).unwrap()
    }

    #[test]
    fn settings_of_policies_are_told_with_the_origin_of_each() {
        let told = |text: &str| {
            let one = |(name, setting): (String, PolicySetting)| {
                format!("{name} = {} from {}", setting.value, setting.origin.as_deref().unwrap_or("-"))
            };
            policy(read(text)).into_iter().map(one).collect::<Vec<_>>()
        };
        let nested = r#"{"settings":{"RemoteAccess":{"consent":{"value":true},"roles":{"value":["a"]},"empty":{}},"plain":1},
            "mapping":{"RemoteAccess":{"consent":{"policy":{"id":"p1","name":"Strict"},"package":{"name":"Gold"}},
            "policyName":"Standard"},"plain":{"policyId":"p2"}}}"#;
        assert_eq!(
            told(nested),
            [
                "RemoteAccess.consent = true from Strict (package Gold)",
                "RemoteAccess.empty = {} from Standard",
                "RemoteAccess.roles = [\"a\"] from Standard",
                "plain = 1 from p2",
            ]
        );
        assert_eq!(told(r#"{"settings":{"a":null},"mapping":{"a":7}}"#), ["a = null from -"]);
        for nothing in [r#"{"settings":null}"#, "{}"] {
            assert_eq!(told(nothing), [""; 0]);
        }
    }

    #[test]
    fn companies_that_are_gone_are_left_out() {
        let companies: Vec<Company> = read(
            r#"[{"id":"a","name":"A"},{"id":"b","name":"B","deletedDate":"2025-01-01T00:00:00Z"},
                {"id":"c","name":"C","inactiveDate":"2025-01-01"},{"id":"d","name":"D","activityStatus":{"activeFlag":false}},
                {"id":"e","name":"E","deletedDate":"0001-01-01T00:00:00Z","inactiveDate":null,"activityStatus":{"activeFlag":true}},
                {"id":"f","friendlyName":"F ","activityStatus":null,"externalIds":[{"externalId":"19"},{"externalId":19}]},
                {"id":"g","externalIds":[{"externalId":"1"},{"externalId":"2"}]}]"#,
        );
        let sites: Vec<Site> = read(
            r#"[{"id":"1","name":"Bonn","company":{"id":"a"}},{"id":"2","name":"Gone","company":{"id":"a"},"activeFlag":false},
                {"id":"3","company":{"id":"a"}},{"id":"4","name":"Nobody"}]"#,
        );
        let records = clients(&in_use(companies), &sites_in_use(sites));
        let told: Vec<_> = records
            .iter()
            .map(|r| (r.client.id.as_str(), r.client.name.as_str(), r.external.as_deref(), r.sites.len()))
            .collect();
        assert_eq!(
            told,
            [("a", "A", None, 1), ("e", "E", None, 0), ("f", "F", Some("19"), 0), ("g", "g", None, 0)]
        );
    }

    #[test]
    fn a_device_is_read_with_all_that_identifies_it() {
        let page: Devices = read(
            r#"{"platform":[{"companyID":"a","siteID":"1","endpoints":[
                {"endpointID":"e1","deviceName":"PC-1","system":{"serialNumber":" S1 ","product":"Latitude","domain":"x.local"},
                 "bios":{"manufacturer":"Dell","serialNumber":"other"},"os":{"product":"Microsoft Windows 11 Pro","version":"10.0","type":"Windows",
                 "installDate":"2026-01-01T00:00:00"}},
                {"endpointID":"e2","friendlyName":"mac","os":{"type":"Darwin"},"system":null},{"endpointID":"e3"}]},
              {"companyID":"unheard","endpoints":null}],"network":null}"#,
        );
        let companies: Vec<Company> = read(r#"[{"id":"a","name":"Fabrikam"}]"#);
        let sites: Vec<Site> = read(r#"[{"id":"1","name":"Bonn"}]"#);
        let names = names(&companies, &sites);
        let online = BTreeMap::from([("e1".to_owned(), true), ("e2".to_owned(), false)]);
        let groups = page.categories.into_values().flatten().flatten();
        let agents: Vec<AgentRecord> = groups.flat_map(|group| agents(group, &names)).collect();
        let told: Vec<_> =
            agents.iter().map(|a| (a.name.as_str(), presence(a.id.as_str(), &online), a.platform)).collect();
        assert_eq!(
            told,
            [
                ("PC-1", Presence::Online, Some(Platform::Windows)),
                ("mac", Presence::Offline, Some(Platform::Posix)),
                ("e3", Presence::Unknown, None)
            ]
        );
        assert_eq!(agents[0].client.as_ref().unwrap().name, "Fabrikam");
        assert_eq!(agents[0].belongings.site.as_deref(), Some("Bonn"));
        insta::assert_json_snapshot!(agents[0].attributes, @r#"
        {
          "domain": "x.local",
          "identity.manufacturer": "Dell",
          "identity.model": "Latitude",
          "identity.osInstalled": "2026-01-01T00:00:00Z",
          "identity.serial": "S1",
          "os.name": "Microsoft Windows 11 Pro",
          "os.version": "10.0"
        }
        "#);
    }

    #[test]
    fn a_used_up_limit_is_waited_for() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let at = |seconds: i64| now.as_second() + seconds;
        let limits = |a: i64, b: u64| -> RateLimits {
            read(&format!(
                r#"{{"resources":{{"asset":{{"x":{{"limit":35,"remaining":0,"reset":{}}},"y":{{"remaining":{b},"reset":{}}},"z":{{}}}}}}}}"#,
                at(a),
                at(90)
            ))
        };
        assert_eq!(used_up(&limits(30, 5), now), Some(Duration::from_secs(30)));
        assert_eq!(used_up(&limits(30, 0), now), Some(Duration::from_secs(90)));
        assert_eq!(used_up(&limits(-30, 5), now), None);
        assert_eq!(used_up(&read("{}"), now), None);
    }

    #[test]
    fn only_known_words_end_a_run() {
        for word in ["SUCCESS", "Succeeded", " failed ", "Partial Success", "TIMED_OUT", "Cancelled"] {
            assert!(has_ended(word), "{word}");
        }
        for word in ["", "RUNNING", "PENDING", "Waiting", "in_progress", "unheard of"] {
            assert!(!has_ended(word), "{word}");
        }
    }

    #[test]
    fn the_lead_in_of_an_output_is_taken_off() {
        let out = |details: &str, error: &str| {
            let text = serde_json::json!({ "resultDetails": details, "errorDetails": error }).to_string();
            output(&read::<RunResult>(&text))
        };
        assert_eq!(out("Script Succeeded: a\nb", ""), "a\nb");
        assert_eq!(out("Script Succeeded:a", " "), "a");
        assert_eq!(out("Script Failed: a", "why"), "Script Failed: a\nwhy");
    }
}
