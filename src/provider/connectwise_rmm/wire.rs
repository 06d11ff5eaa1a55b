//! The documents of ConnectWise RMM's API, as far as they are read. Source: the vendor's OpenAPI document and clients in use.
//!
//! Not here: what they mean (`read`).
//!
//! Invariants: only ids are required; everything else may be missing or null. Where clients saw two spellings, both are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::http::api::read::{id, list, maybe_id, text};

/// The answer to `POST /v1/token`.
#[derive(Deserialize)]
pub(super) struct TokenResult {
    #[serde(default, deserialize_with = "text")]
    pub(super) access_token: String,
    #[serde(default)]
    pub(super) expires_in: Option<u32>,
}

/// The answer to `GET /v1/rate_limits`: limits by group and name.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RateLimits {
    #[serde(default)]
    pub(super) resources: BTreeMap<String, BTreeMap<String, RateLimit>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RateLimit {
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    /// Unix seconds.
    pub(super) reset: Option<i64>,
}

/// A company or site inside another document.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Named {
    #[serde(deserialize_with = "maybe_id")]
    pub(super) id: Option<String>,
}

/// A company.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Company {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) friendly_name: String,
    #[serde(default)]
    pub(super) activity_status: Option<Activity>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_date: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) inactive_date: String,
    #[serde(default, deserialize_with = "list")]
    pub(super) external_ids: Vec<ExternalId>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Activity {
    pub(super) active_flag: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExternalId {
    #[serde(deserialize_with = "maybe_id")]
    pub(super) external_id: Option<String>,
}

/// A site.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Site {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) friendly_name: String,
    #[serde(default)]
    pub(super) active_flag: Option<bool>,
    #[serde(default)]
    pub(super) company: Option<Named>,
    #[serde(default, deserialize_with = "text")]
    pub(super) deleted_date: String,
}

/// A list, bare or under the name of what is listed.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Wrapped<T> {
    /// A bare list.
    Bare(Vec<T>),
    /// One that stands in a member.
    Named(BTreeMap<String, Vec<T>>),
}

impl<T> Wrapped<T> {
    /// The list; `None` where it cannot be told which one is meant.
    pub(super) fn into_list(self) -> Option<Vec<T>> {
        match self {
            Self::Bare(list) => Some(list),
            Self::Named(lists) if lists.len() == 1 => lists.into_values().next(),
            Self::Named(_) => None,
        }
    }
}

/// A page of devices: by category, the sites with their endpoints.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Devices {
    pub(super) categories: BTreeMap<String, Option<Vec<DevicesOfSite>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DevicesOfSite {
    #[serde(rename = "companyID", alias = "companyId", alias = "clientId", deserialize_with = "id")]
    pub(super) company: String,
    #[serde(rename = "siteID", alias = "siteId", default, deserialize_with = "maybe_id")]
    pub(super) site: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub(super) endpoints: Vec<Device>,
}

/// An endpoint of the v2 list, and the full record of v1, which has more of the same members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    #[serde(rename = "endpointID", alias = "endpointId", deserialize_with = "id")]
    pub(super) id: String,
    #[serde(
        rename = "clientID",
        alias = "clientId",
        alias = "companyID",
        default,
        deserialize_with = "maybe_id"
    )]
    pub(super) company: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) device_name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) friendly_name: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) endpoint_type: String,
    #[serde(default)]
    pub(super) system: Option<System>,
    #[serde(default)]
    pub(super) bios: Option<Part>,
    #[serde(default)]
    pub(super) base_board: Option<Part>,
    #[serde(default)]
    pub(super) os: Option<Os>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct System {
    #[serde(deserialize_with = "text")]
    pub(super) system_name: String,
    #[serde(deserialize_with = "text")]
    pub(super) domain: String,
    #[serde(deserialize_with = "text")]
    pub(super) product: String,
    #[serde(deserialize_with = "text")]
    pub(super) model: String,
    #[serde(deserialize_with = "text")]
    pub(super) manufacturer: String,
    #[serde(deserialize_with = "text")]
    pub(super) serial_number: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Part {
    #[serde(deserialize_with = "text")]
    pub(super) manufacturer: String,
    #[serde(deserialize_with = "text")]
    pub(super) serial_number: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Os {
    #[serde(deserialize_with = "text")]
    pub(super) product: String,
    #[serde(deserialize_with = "text")]
    pub(super) version: String,
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: String,
    #[serde(deserialize_with = "text")]
    pub(super) install_date: String,
}

/// Who is online.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Heartbeats {
    #[serde(default, deserialize_with = "list")]
    pub(super) successful_records: Vec<HeartbeatsOf>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HeartbeatsOf {
    #[serde(default, deserialize_with = "list")]
    pub(super) endpoints: Vec<Heartbeat>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Heartbeat {
    #[serde(rename = "EndpointID", alias = "endpointID", alias = "endpointId", deserialize_with = "id")]
    pub(super) endpoint: String,
    #[serde(rename = "Availability", alias = "availability", default)]
    pub(super) is_online: Option<bool>,
}

/// A task that was made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Task {
    #[serde(rename = "taskId", deserialize_with = "maybe_id")]
    small: Option<String>,
    #[serde(rename = "taskID", deserialize_with = "maybe_id")]
    large: Option<String>,
}

impl Task {
    pub(super) fn into_id(self) -> Option<String> {
        self.small.or(self.large)
    }
}

/// How the runs of a task are. The names of members differ among what was seen, and several may stand side by side.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    #[serde(rename = "Results")]
    results: Option<Vec<Instance>>,
    #[serde(rename = "results")]
    results_small: Option<Vec<Instance>>,
    #[serde(rename = "TaskInstances")]
    instances: Option<Vec<Instance>>,
    #[serde(rename = "taskInstances")]
    instances_small: Option<Vec<Instance>>,
}

impl Summary {
    pub(super) fn into_instances(self) -> Vec<Instance> {
        let lists = [self.results, self.results_small, self.instances, self.instances_small];
        lists.into_iter().flatten().find(|list| !list.is_empty()).unwrap_or_default()
    }
}

/// One run of a task.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Instance {
    #[serde(rename = "taskInstanceId", deserialize_with = "maybe_id")]
    task_instance: Option<String>,
    #[serde(rename = "Id", deserialize_with = "maybe_id")]
    id: Option<String>,
    #[serde(rename = "id", deserialize_with = "maybe_id")]
    id_small: Option<String>,
    #[serde(rename = "OverallStatus", deserialize_with = "text")]
    overall: String,
    #[serde(rename = "Status", deserialize_with = "text")]
    status: String,
    #[serde(rename = "status", deserialize_with = "text")]
    status_small: String,
}

impl Instance {
    pub(super) fn id(&self) -> Option<&str> {
        [&self.task_instance, &self.id, &self.id_small].into_iter().find_map(Option::as_deref)
    }

    pub(super) fn status(&self) -> &str {
        let all = [&self.overall, &self.status, &self.status_small];
        all.into_iter().map(String::as_str).find(|status| !status.trim().is_empty()).unwrap_or_default()
    }
}

/// What came of a run, by endpoint.
#[derive(Debug, Deserialize)]
pub(super) struct Results {
    #[serde(
        default,
        rename = "Result",
        alias = "result",
        alias = "Results",
        alias = "results",
        deserialize_with = "list"
    )]
    pub(super) results: Vec<RunResult>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunResult {
    #[serde(default, alias = "endpointID", deserialize_with = "maybe_id")]
    pub(super) endpoint_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) result_details: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) error_details: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) completion_status: String,
}

/// The scripts that can be run.
#[derive(Debug, Deserialize)]
pub(super) struct Templates {
    #[serde(default, rename = "Templates", alias = "templates", deserialize_with = "list")]
    pub(super) templates: Vec<Template>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    #[serde(deserialize_with = "id")]
    pub(super) template_id: String,
}

/// What holds for an endpoint. Both members are free in form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Policy {
    pub(super) settings: Option<BTreeMap<String, Value>>,
    pub(super) mapping: Option<BTreeMap<String, Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_under_every_name_that_was_seen() {
        for text in [
            r#"{"Results":[{"taskInstanceId":"7","Id":"8","OverallStatus":"RUNNING","Status":"x"}],"runningCount":1}"#,
            r#"{"Results":[],"taskInstances":[{"Id":7,"Status":"RUNNING"}]}"#,
            r#"{"results":null,"TaskInstances":[{"id":"7","status":"RUNNING"}]}"#,
        ] {
            let all = serde_json::from_str::<Summary>(text).unwrap().into_instances();
            assert_eq!((all.len(), all[0].id(), all[0].status()), (1, Some("7"), "RUNNING"), "{text}");
        }
        for text in [r#"{"taskId":"t"}"#, r#"{"taskID":"t","taskId":null}"#] {
            assert_eq!(serde_json::from_str::<Task>(text).unwrap().into_id().as_deref(), Some("t"));
        }
    }

    #[test]
    fn a_list_stands_bare_or_in_one_member() {
        let list = |text| serde_json::from_str::<Wrapped<u8>>(text).unwrap().into_list();
        assert_eq!((list("[1]"), list(r#"{"companies":[1]}"#)), (Some(vec![1]), Some(vec![1])));
        assert_eq!((list("{}"), list(r#"{"a":[1],"b":[]}"#)), (None, None));
    }
}
